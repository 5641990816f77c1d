"""Keep one of the rows that are alike."""

from collections.abc import Sequence
from typing import Literal

import narwhals as nw
import polars as pl
from narwhals.typing import FrameT

__all__ = ["WHOLE_TABLE", "transform"]

WHOLE_TABLE = True


@nw.narwhalify
def transform(
    frame: FrameT, *, columns: Sequence[str] = (), keep: Literal["first", "last"] = "first"
) -> FrameT:
    """Keep the first, or the last, of the rows with the same values in columns (none: in all).

    The rows that are kept are held in memory together.
    """
    subset = list(columns) or None
    if isinstance(frame, nw.DataFrame):
        return frame.unique(subset, keep=keep, maintain_order=True)
    native = frame.to_native()
    if isinstance(native, pl.LazyFrame):  # narwhals knows of no order of rows in a lazy frame
        return nw.from_native(native.unique(subset, keep=keep, maintain_order=True))
    return frame.unique(subset, keep="any")
