"""Keep the rows that fulfil an expression."""

import narwhals as nw
from narwhals.typing import FrameT

from .. import expressions
from . import _columns

__all__ = ["transform"]


@nw.narwhalify
def transform(frame: FrameT, *, where: str, reject: bool = False) -> FrameT:
    """Keep the rows where an expression is true, e.g. where = "body_mass_g > 0".

    The others are left out; with reject = true they are rejected. An expression
    that comes to a missing value is not true.
    """
    true = expressions.parse(where)
    if frame.select(true.alias("true")).collect_schema()["true"] != nw.Boolean:
        msg = f"where = {where!r} must come to true or false"
        raise TypeError(msg)
    if reject:
        return _columns.reject(frame, ~nw.coalesce(true, nw.lit(value=False)), f"not {where}")
    return frame.filter(true)
