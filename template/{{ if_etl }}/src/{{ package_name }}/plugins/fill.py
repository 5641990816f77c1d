"""Put values where they are missing."""

import narwhals as nw
from narwhals.typing import FrameT

from . import _columns

__all__ = ["transform"]


@nw.narwhalify
def transform(frame: FrameT, *, columns: dict[str, bool | int | float | str]) -> FrameT:
    """Replace missing values, e.g. columns = { sex = "unknown", body_mass_g = 0 }."""
    before = _columns.types(frame, columns)
    made = frame.with_columns(nw.col(name).fill_null(value) for name, value in columns.items())
    for name, after in _columns.types(made, columns).items():
        if after != before[name]:
            msg = f"{columns[name]!r} does not fit column {name!r} of type {before[name]}"
            raise TypeError(msg)
    return made
