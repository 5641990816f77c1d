"""Add the columns of a lookup file, matched by a key."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import narwhals as nw
import polars as pl
from narwhals.typing import FrameT

from .. import io
from . import _columns

__all__ = ["transform"]

_FOUND = "_found"


@nw.narwhalify
def transform(
    frame: FrameT,
    *,
    file: Path,
    on: str | list[str],
    columns: Sequence[str] = (),
    missing: Literal["keep", "drop", "reject"] = "keep",
) -> FrameT:
    """Look each row up in a file, e.g. file = "islands.csv", on = "island".

    The path is relative to the working folder. A key stands in the file once at most.
    Rows whose key is not in it are kept with missing values, dropped or rejected.
    """
    keys = [on] if isinstance(on, str) else on
    changed = file.stat().st_mtime_ns if file.exists() else 0
    lookup = _read(file, tuple(keys), tuple(columns), changed)
    _check(frame, lookup, keys, file)
    frame = _join(frame, lookup, keys)
    if missing == "drop":
        frame = frame.filter(~nw.col(_FOUND).is_null())
    if missing == "reject":
        frame = _columns.reject(frame, nw.col(_FOUND).is_null(), f"{', '.join(keys)} not in {file}")
    return frame.drop(_FOUND)


def _join(frame: Any, lookup: Any, keys: list[str]) -> Any:
    """Join in the order of the rows, which narwhals does not promise but polars and pandas do."""
    native, other = frame.to_native(), lookup.to_native()
    if isinstance(native, pl.DataFrame | pl.LazyFrame):
        other = other.lazy() if isinstance(native, pl.LazyFrame) else other
        made = native.join(other, on=keys, how="left", maintain_order="left")
        return nw.from_native(made)
    if isinstance(frame, nw.DataFrame):
        found: Any = nw.from_arrow(other.to_arrow(), backend=frame.implementation)
    else:
        found = lookup.lazy(frame.implementation)
    return frame.join(found, on=keys, how="left")


@functools.lru_cache(maxsize=16)
def _read(file: Path, keys: tuple[str, ...], columns: tuple[str, ...], _: int) -> Any:
    """Read a lookup file and add a column that no row of it lacks."""
    table = nw.from_native(io.read(file), eager_only=True)
    _columns.types(table, [*keys, *columns])
    table = table.select(*keys, *columns) if columns else table
    table = table.drop_nulls(list(keys)).with_columns(nw.lit(value=True).alias(_FOUND))
    repeated = table.filter(table.select(*keys).is_duplicated())
    if len(repeated):
        msg = f"{file} has more than one row for {repeated.select(*keys).row(0)}: keep one of them"
        raise ValueError(msg)
    return table


def _check(frame: Any, lookup: Any, keys: list[str], file: Path) -> None:
    """Refuse keys of another type, and columns that are there already."""
    there = _columns.types(frame, keys)
    for name, kind in _columns.types(lookup, keys).items():
        if kind != there[name] and not (kind.is_integer() and there[name].is_integer()):
            msg = f"{name!r} is {there[name]} in the table and {kind} in {file}: cast it first"
            raise TypeError(msg)
    both = [name for name in lookup.columns if name not in keys and name in frame.collect_schema()]
    if both:
        msg = f"{file} has {', '.join(both)} too: name in columns what is to be added"
        raise ValueError(msg)
