"""Which cases of a test run each time, and which with `--long` only."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

__all__ = ["cases", "long", "one_each"]

_chosen = {"long": False}


def long(*, now: bool | None = None) -> bool:
    """Say whether every case is to run; `progress` sets it before tests are collected."""
    if now is not None:
        _chosen["long"] = now
    return _chosen["long"]


def cases(quick: Iterable[Any], every: Callable[[], Iterable[Any]], name: Callable[[Any], str] = str) -> list[Any]:
    """Give cases as parameters with a name each: the quick ones first, with `--long` also all others."""
    found = dict.fromkeys([*quick, *(every() if long() else ())])
    return [pytest.param(case, id=name(case)) for case in found]


def one_each(every: Iterable[Any], kind: Callable[[Any], object]) -> list[Any]:
    """Keep the first case of each kind."""
    found: dict[object, Any] = {}
    for case in every:
        found.setdefault(kind(case), case)
    return list(found.values())
