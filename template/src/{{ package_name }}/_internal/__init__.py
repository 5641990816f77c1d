"""Machinery that the template keeps up to date."""

from ..errors import PackageError

__all__ = ["absent", "first_line"]


def absent(what: str) -> str:
    """Say which answer of the template brings what is not here."""
    return f"{what} not part of this project: copier update --data size=full"


def first_line(error: BaseException) -> str:
    """Give the first line of an error, with its type unless it is one of this package."""
    lines = str(error).strip().splitlines()[:1]
    kinds = [] if lines and isinstance(error, PackageError) else [type(error).__name__]
    return ": ".join([*kinds, *lines])
