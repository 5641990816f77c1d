"""Machinery that the template keeps up to date."""

import contextlib
from collections.abc import Iterator

from ..errors import PackageError

__all__ = ["absent", "explained", "first_line"]


def absent(what: str) -> str:
    """Say which answer of the template brings what is not here."""
    return f"{what} not part of this project: copier update --data size=full"


@contextlib.contextmanager
def explained(
    kind: type[PackageError], what: str, causes: tuple[type[Exception], ...] = (OSError,)
) -> Iterator[None]:
    """Turn what is raised, by default by the operating system, into an error of this package.

    Raises
    ------
    PackageError
        An error of the kind: `what`, and the reason in one line.
    """
    try:
        yield
    except causes as error:
        msg = f"{what}: {getattr(error, 'strerror', None) or first_line(error)}"
        raise kind(msg) from error


def first_line(error: BaseException) -> str:
    """Give the first line of an error, with its type unless it is one of this package."""
    lines = str(error).strip().splitlines()[:1]
    if lines and isinstance(error, PackageError):
        return lines[0]
    return ": ".join([type(error).__name__, *lines])[:200]
