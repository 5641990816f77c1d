"""Rename columns."""

import narwhals as nw
from narwhals.typing import FrameT

from . import _columns

__all__ = ["transform"]


@nw.narwhalify
def transform(frame: FrameT, *, columns: dict[str, str]) -> FrameT:
    """Rename columns, old to new, e.g. columns = { body_mass_g = "mass" }."""
    _columns.types(frame, columns)
    names = [columns.get(name, name) for name in frame.collect_schema().names()]
    if repeated := [name for name in names if names.count(name) > 1]:
        msg = f"two columns would be called {repeated[0]!r}"
        raise ValueError(msg)
    return frame.rename(columns)
