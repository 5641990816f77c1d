"""Sort rows."""

import narwhals as nw
import polars as pl
from narwhals.typing import FrameT

from . import _columns

__all__ = ["WHOLE_TABLE", "transform"]

WHOLE_TABLE = True


@nw.narwhalify
def transform(frame: FrameT, *, by: list[str], descending: bool = False) -> FrameT:
    """Sort rows by columns, e.g. by = ["year", "species"]; missing values come last.

    Rows that are equal in these columns keep their order.
    """
    _columns.types(frame, by)
    native = frame.to_native()
    if isinstance(native, pl.DataFrame | pl.LazyFrame):
        made = native.sort(by, descending=descending, nulls_last=True, maintain_order=True)
        return nw.from_native(made)
    return frame.sort(*by, descending=descending, nulls_last=True)
