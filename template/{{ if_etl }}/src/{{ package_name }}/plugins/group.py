"""Group rows and aggregate columns."""

import re
from typing import Any

import narwhals as nw
import polars as pl
from narwhals.typing import FrameT

from . import _columns

__all__ = ["WHOLE_TABLE", "transform"]

WHOLE_TABLE = True

_FUNCTIONS = ("count", "max", "mean", "median", "min", "n_unique", "std", "sum")


@nw.narwhalify
def transform(frame: FrameT, *, by: list[str], columns: dict[str, str]) -> FrameT:
    """Aggregate rows, e.g. by = ["year"], columns = { rows = "count()", mass = "mean(mass_g)" }.

    The result has one row for each combination of values in by, sorted by these. The
    functions are count, max, mean, median, min, n_unique, std and sum.
    """
    made: FrameT = _aggregated(frame, by, columns)
    return made


def _aggregated(frame: Any, by: list[str], columns: dict[str, str]) -> Any:
    calls = [(name, *_split(text)) for name, text in columns.items()]
    _columns.types(frame, [*by, *(column for _, _, column in calls if column)])
    native = frame.to_native()
    if not isinstance(native, pl.DataFrame | pl.LazyFrame):
        made = [_made(nw, *call) for call in calls]
        return frame.group_by(*by).agg(*made).sort(*by, nulls_last=True)
    ordered = native.sort(by, nulls_last=True, maintain_order=True)  # for equal sums in each run
    made = [_made(pl, *call) for call in calls]
    return nw.from_native(ordered.group_by(by, maintain_order=True).agg(made))


def _split(text: str) -> tuple[str, str]:
    """Split a call such as ``sum(price)`` into function and column."""
    call = re.fullmatch(r"\s*(\w+)\((.*)\)\s*", text)
    if not call or call[1] not in _FUNCTIONS or not (call[2] or call[1] == "count"):
        msg = f"must be count(), or function(column) with {', '.join(_FUNCTIONS)}, got {text!r}"
        raise ValueError(msg)
    return call[1], call[2].strip()


def _made(library: Any, name: str, function: str, column: str) -> Any:
    made = getattr(library.col(column), function)() if column else library.len()
    return made.alias(name)
