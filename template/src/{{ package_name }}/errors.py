"""What can go wrong, one class per stage; all of it derives from `PackageError`."""

__all__ = [
    "ConfigError",
    "DataError",
    "EngineError",
    "FeatureError",
    "ModelError",
    "PackageError",
    "PluginError",
    "require",
]


class PackageError(Exception):
    """Base of every error this package raises on purpose.

    The command line prints its message in one line and exits with 2.
    """


def require(ok: object, error: type[PackageError], message: str) -> None:
    """Raise an error unless something holds.

    Raises
    ------
    PackageError
        An `error` with the message, if `ok` is false.
    """
    if not ok:
        raise error(message)


class ConfigError(PackageError):
    """A setting is unknown, has a wrong value or comes from an unreadable file."""


class DataError(PackageError):
    """A table cannot be read or written, or its columns do not fit."""


class EngineError(PackageError):
    """An engine is not installed, cannot be started or fails."""


class FeatureError(PackageError):
    """Features cannot be made from the columns at hand."""


class ModelError(PackageError):
    """A model cannot be fitted, saved, loaded or applied."""


class PluginError(PackageError):
    """A plugin is missing, cannot be loaded or breaks its contract."""
