"""Hold numbers within limits."""

import math

import narwhals as nw
from narwhals.typing import FrameT

from . import _columns

__all__ = ["transform"]


@nw.narwhalify
def transform(
    frame: FrameT, *, column: str, low: float | None = None, high: float | None = None
) -> FrameT:
    """Raise lower numbers to low and cut higher ones to high, in the unit of the column."""
    if low is None and high is None:
        msg = "name low, high or both"
        raise ValueError(msg)
    if low is not None and high is not None and low > high:
        msg = f"low must not be above high, got {low} and {high}"
        raise ValueError(msg)
    kind = _columns.types(frame, [column])[column]
    if not kind.is_numeric():
        msg = f"column {column!r} must be numeric, got {kind}"
        raise TypeError(msg)
    if kind.is_integer():
        low = None if low is None else math.ceil(low)
        high = None if high is None else math.floor(high)
    return frame.with_columns(nw.col(column).clip(low, high))
