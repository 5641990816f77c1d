"""A transform of your own; used when the config names this folder and this plugin."""

import narwhals as nw
from narwhals.typing import FrameT

__all__ = ["transform"]


@nw.narwhalify
def transform(frame: FrameT, *, columns: list[str]) -> FrameT:
    """Reject the rows where nothing was measured: every one of columns is missing."""
    missing = nw.all_horizontal(*(nw.col(name).is_null() for name in columns), ignore_nulls=False)
    reason = nw.when(missing).then(nw.lit("nothing was measured"))
    return frame.with_columns(reason.alias("_rejected"))
