"""Work on tables, from the command line or from Python.

Importing the package loads none of its modules: ``from <package> import io``
loads what that stage needs and nothing else.
"""

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    """Look the version up in the installed metadata when it is first asked for."""
    if name != "__version__":
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib import metadata

    version = metadata.version(__name__)
    globals()["__version__"] = version
    return version
