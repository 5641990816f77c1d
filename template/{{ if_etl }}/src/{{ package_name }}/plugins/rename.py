"""Rename columns."""

from collections import Counter

import narwhals as nw
from narwhals.typing import FrameT

from . import _columns

__all__ = ["transform"]


@nw.narwhalify
def transform(frame: FrameT, *, columns: dict[str, str]) -> FrameT:
    """Rename columns, old to new, e.g. columns = { body_mass_g = "mass" }."""
    _columns.types(frame, columns)
    names = Counter(columns.get(name, name) for name in frame.collect_schema().names())
    if repeated := [name for name, n_columns in names.items() if n_columns > 1]:
        msg = f"two columns would be called {repeated[0]!r}"
        raise ValueError(msg)
    return frame.rename(columns)
