"""Choose columns and their order."""

from collections.abc import Sequence

import narwhals as nw
from narwhals.typing import FrameT

__all__ = ["transform"]


@nw.narwhalify
def transform(frame: FrameT, *, columns: Sequence[str] = (), drop: Sequence[str] = ()) -> FrameT:
    """Keep columns in this order, e.g. columns = ["species", "year"]; or leave out drop."""
    if bool(columns) == bool(drop):
        msg = "name either columns or drop"
        raise ValueError(msg)
    return frame.select(*columns) if columns else frame.drop(*drop)
