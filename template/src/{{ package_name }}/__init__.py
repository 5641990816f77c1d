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

    try:
        version = metadata.version(__name__)
    except metadata.PackageNotFoundError:  # the distribution has a name of its own
        programs = metadata.entry_points(group="console_scripts")
        found = [each.dist for each in programs if each.module == f"{__name__}.cli" and each.dist]
        if not found:
            raise
        version = found[0].version
    globals()["__version__"] = version
    return version
