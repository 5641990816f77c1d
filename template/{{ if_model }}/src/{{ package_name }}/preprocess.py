"""Bring a table into the shape that training saw: kinds, order, missing values."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Literal

import narwhals as nw
from narwhals.typing import FrameT, IntoFrame

from .errors import DataError

__all__ = [
    "SAMPLE_TARGET",
    "Column",
    "Kind",
    "Schema",
    "apply",
    "check_names",
    "fit",
    "kind_of",
    "outside",
]

logger = logging.getLogger(__name__)

SAMPLE_TARGET = "species"
"""What is predicted of the sample that comes with the package."""

Kind = Literal["numeric", "category", "boolean", "date", "datetime"]

_NUMBER = r"^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$"


@dataclass(frozen=True)
class Column:
    """What training saw in one column.

    `low` and `high` bound the values, in the column's unit: numbers, or ISO 8601
    texts for dates; both None for other kinds and where every value is missing.
    """

    name: str
    kind: Kind
    low: float | str | None = None
    high: float | str | None = None


@dataclass(frozen=True)
class Schema:
    """The columns that a model uses, in their order."""

    columns: tuple[Column, ...]

    def names(self, *kinds: Kind) -> list[str]:
        """List the columns, or those of some kinds."""
        return [column.name for column in self.columns if not kinds or column.kind in kinds]


def fit(frame: IntoFrame, *, drop: Collection[str] = ()) -> Schema:
    """Learn the kind and the range of each column.

    Parameters
    ----------
    frame
        Rows of the training part, any columns.
    drop
        Columns to leave out, e.g. the target. Columns without a value, and those
        that hold lists, times of day or the like, are left out with a warning.

    Raises
    ------
    DataError
        If there is no column of a name in `drop`, none is left, or a name is no text.
    """
    dtypes = _typed(nw.from_native(frame)).collect_schema()
    unknown = [name for name in drop if name not in dtypes]
    if unknown:
        msg = f"no column {unknown[0]!r} to leave out; there are {', '.join(dtypes)}"
        raise DataError(msg)
    kinds = {name: kind_of(dtype) for name, dtype in dtypes.items() if name not in drop}
    for name in [name for name, kind in kinds.items() if kind is None]:
        logger.warning("left out column %r: it holds neither numbers, text nor dates", name)
    schema = Schema(tuple(Column(name, kind) for name, kind in kinds.items() if kind))
    seen, ranges = _measure(apply(frame, schema), schema, counted=schema.names())
    empty = [name for name, n_values in seen.items() if n_values == 0]
    if empty:
        logger.warning("left out columns without a value in the training rows: %s", empty)
    columns = [column for column in schema.columns if column.name not in empty]
    if not columns:
        msg = "no column is left to learn from"
        raise DataError(msg)
    return Schema(tuple(replace(column, **ranges.get(column.name, {})) for column in columns))


@nw.narwhalify
def apply(frame: FrameT, schema: Schema) -> FrameT:
    """Pick and cast the columns of a schema; the frame that is given stays as it is.

    Returns
    -------
    frame
        The kind of frame that came in, with the columns of `schema`: numbers and
        booleans as floats (NaN and infinities missing), text stripped (empty is
        missing), dates as date-times on the clock of their time zone.

    Raises
    ------
    DataError
        If columns are missing or hold another kind of value than in training, or if
        a name is no text.
    """
    frame = _typed(frame)
    dtypes = frame.collect_schema()
    missing = [name for name in schema.names() if name not in dtypes]
    if missing:
        msg = f"missing columns: {', '.join(missing)}; there are {', '.join(dtypes)}"
        raise DataError(msg)
    for column in schema.columns:
        _check_kind(frame.select(column.name), column)
    return frame.select(*(_clean(column, dtypes[column.name]) for column in schema.columns))


def outside(frame: IntoFrame, schema: Schema) -> dict[str, str]:
    """Find columns whose values lie outside what training saw.

    Parameters
    ----------
    frame
        Rows to predict, as `apply` gives them.

    Returns
    -------
    dict[str, str]
        Column -> what was seen and what training saw; empty if all is inside.
    """
    seen = _ranges(frame, schema)
    return {
        column.name: f"{seen[column.name]['low']} to {seen[column.name]['high']}, "
        f"training saw {column.low} to {column.high}"
        for column in schema.columns
        if column.name in seen and column.low is not None and _exceeds(seen[column.name], column)
    }


def check_names(frame: Any) -> None:
    """Refuse names that are no text, as pandas has them.

    Raises
    ------
    DataError
        If there is one.
    """
    for name in frame.collect_schema():
        if not isinstance(name, str):
            remedy = "rename the columns, e.g. with frame.rename(columns=str)"
            msg = f"column names must be text, got {name!r}: {remedy}"
            raise DataError(msg)


def kind_of(dtype: Any) -> Kind | None:
    """Tell how a column is treated; None: it cannot be used."""
    if dtype.is_numeric():
        return "numeric"
    kinds: list[tuple[Any, Kind]] = [
        (nw.Boolean, "boolean"),
        (nw.Date, "date"),
        (nw.Datetime, "datetime"),
        *((text, "category") for text in (nw.String, nw.Categorical, nw.Enum, nw.Object)),
    ]
    return next((kind for known, kind in kinds if dtype == known), None)


def _typed(frame: Any) -> Any:
    """Let pandas find the types of its object columns: booleans beside None, numbers."""
    check_names(frame)
    objects = [name for name, dtype in frame.collect_schema().items() if dtype == nw.Object]
    native = frame.to_native()
    if not objects or not hasattr(native, "convert_dtypes"):
        return frame
    return nw.from_native(native.assign(**native[objects].convert_dtypes()))


def _check_kind(data: Any, column: Column) -> None:
    """Refuse values of another kind, unless all of them are missing."""
    kind = kind_of(data.collect_schema()[column.name])
    accepted = {
        "numeric": {"boolean"},
        "boolean": {"numeric"},
        "category": {"numeric", "boolean", "date", "datetime"},
        "date": {"datetime"},
        "datetime": {"date"},
    }
    if kind == column.kind or kind in accepted[column.kind]:
        return
    values = odd = data.drop_nulls()
    if kind == "category" and column.kind == "numeric":  # one text makes the whole column text
        odd = values.filter(~nw.col(column.name).cast(nw.String).str.contains(_NUMBER))
    found = _collect(odd.head(1)).rows() or _collect(values.head(1)).rows()
    if found:
        msg = f"column {column.name!r} must be {column.kind} as in training, got {found[0][0]!r}"
        raise DataError(msg)


def _clean(column: Column, dtype: Any) -> nw.Expr:
    values = nw.col(column.name)
    if column.kind in ("date", "datetime"):
        if getattr(dtype, "time_zone", None):
            values = values.dt.replace_time_zone(None)
        return values.cast(nw.Datetime("us"))
    if column.kind == "category":
        if dtype != nw.String:  # pandas makes texts of what is missing
            values = nw.when(~values.is_null()).then(values.cast(nw.String))
        text = values.str.strip_chars()
        return nw.when(text != "").then(text).alias(column.name)
    number = values.cast(nw.Float64)
    return nw.when(number.is_finite()).then(number).alias(column.name)


def _ranges(frame: Any, schema: Schema) -> dict[str, dict[str, Any]]:
    """Measure low and high of the columns that have an order."""
    return _measure(frame, schema, counted=[])[1]


def _measure(
    frame: Any, schema: Schema, *, counted: list[str]
) -> tuple[dict[str, int], dict[str, dict[str, Any]]]:
    """Count values, and find low and high where there is an order: one pass."""
    ordered = schema.names("numeric", "date", "datetime")
    wanted = [nw.col(name).count().alias(f"{i} count") for i, name in enumerate(counted)]
    wanted += [nw.col(name).min().alias(f"{i} low") for i, name in enumerate(ordered)]
    wanted += [nw.col(name).max().alias(f"{i} high") for i, name in enumerate(ordered)]
    if not wanted:
        return {}, {}
    row = _collect(nw.from_native(frame).select(*wanted)).row(0)
    values = [_plain(value) for value in row[len(counted) :]]
    bounds = zip(values[: len(ordered)], values[len(ordered) :], strict=True)
    ranges = {
        name: {"low": low, "high": high} for name, (low, high) in zip(ordered, bounds, strict=True)
    }
    return dict(zip(counted, row[: len(counted)], strict=True)), ranges


def _plain(value: Any) -> float | str | None:
    """Make a bound fit for JSON: a float, an ISO 8601 text or None."""
    if value is None or value != value:  # NaN and NaT differ from themselves
        return None
    return value.isoformat() if hasattr(value, "isoformat") else float(value)


def _exceeds(seen: dict[str, Any], column: Column) -> bool:
    return seen["low"] is not None and (seen["low"] < column.low or seen["high"] > column.high)


def _collect(frame: Any) -> Any:
    return frame.collect("polars") if isinstance(frame, nw.LazyFrame) else frame
