"""Change the type of columns; a value that does not fit is rejected."""

from typing import Any, Literal

import narwhals as nw
from narwhals.typing import FrameT

from . import _columns

__all__ = ["transform"]

Kind = Literal["integer", "number", "text", "boolean", "date", "datetime"]

_DAY = (
    r"(?:\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    r"|02-(?:0[1-9]|1\d|2[0-8]))|(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
    r"-02-29)"
)
_FORMS = {
    "integer": r"^[+-]?\d{1,18}$",
    "number": r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$",
    "boolean": r"^(?:true|false)$",
    "date": f"^{_DAY}$",
    "datetime": rf"^{_DAY}[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d$",
}
_TYPES: dict[str, Any] = {
    "integer": nw.Int64,
    "number": nw.Float64,
    "text": nw.String,
    "boolean": nw.Boolean,
    "date": nw.Date,
    "datetime": nw.Datetime("us"),
}


@nw.narwhalify
def transform(frame: FrameT, *, columns: dict[str, Kind]) -> FrameT:
    """Change types, e.g. columns = { year = "text", body_mass_g = "integer" }.

    The types are integer, number, text, boolean (true, false), date (2024-02-29) and
    datetime (2024-02-29T13:05:00). A row with a value that does not fit is rejected.
    """
    for name, before in _columns.types(frame, columns).items():
        kind = columns[name]
        if before == _TYPES[kind]:
            continue
        column = nw.col(name)
        fits = _fits(column, before, kind)
        told = nw.concat_str(nw.lit(f"{name} is no {kind}: "), column.cast(nw.String))
        frame = _columns.reject(frame, ~fits, told)
        fitting = nw.when(fits).then(column)
        frame = frame.with_columns(_made(fitting, before, kind).alias(name))
    return frame


def _fits(column: nw.Expr, before: Any, kind: Kind) -> nw.Expr:
    """Tell which values can become of a kind."""
    if before == nw.String and kind in _FORMS:
        return column.str.strip_chars().str.to_lowercase().str.contains(_FORMS[kind].lower())
    if before.is_float() and kind == "integer":
        return (column == column.round(0)) & (column.abs() < 1e18)
    if before.is_numeric() and kind == "boolean":
        return column.is_in([0, 1])
    pairs = before.is_numeric() or before == nw.Boolean, kind in ("integer", "number", "text")
    days = before in (nw.Date, nw.Datetime), kind in ("date", "datetime", "text")
    if all(pairs) or all(days):
        return nw.lit(value=True)
    msg = f"a column of type {before} cannot become {kind}"
    raise TypeError(msg)


def _made(column: nw.Expr, before: Any, kind: Kind) -> nw.Expr:
    """Turn values that fit into their new type."""
    if before == nw.String:
        text = column.str.strip_chars()
        if kind == "boolean":
            return text.str.to_lowercase() == "true"
        if kind == "date":
            return text.str.to_date(format="%Y-%m-%d")
        if kind == "datetime":
            joined = text.str.replace_all(" ", "T", literal=True)
            return joined.str.to_datetime(format="%Y-%m-%dT%H:%M:%S")
        return text.cast(_TYPES[kind])
    if before in (nw.Date, nw.Datetime) and kind == "text":
        return column.dt.to_string("%Y-%m-%d" if before == nw.Date else "%Y-%m-%dT%H:%M:%S")
    return column.cast(_TYPES[kind])
