"""Which cases of a test run each time, and which with `--long` only."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

import pytest

__all__ = ["cases", "one_each"]


def cases(every: Iterable[Any], quick: Collection[Any], name: Callable[[Any], str] = str) -> list[Any]:
    """Give the cases as parameters with a name each; those that are not quick carry the marker `long`."""
    return [pytest.param(case, id=name(case), marks=() if case in quick else pytest.mark.long) for case in every]


def one_each(every: Iterable[Any], kind: Callable[[Any], object]) -> list[Any]:
    """Keep the first case of each kind."""
    found: dict[object, Any] = {}
    for case in every:
        found.setdefault(kind(case), case)
    return list(found.values())
