"""Add columns, or replace them, by expressions."""

import narwhals as nw
from narwhals.typing import FrameT

from .. import expressions

__all__ = ["transform"]


@nw.narwhalify
def transform(frame: FrameT, *, columns: dict[str, str]) -> FrameT:
    """Compute columns, e.g. columns = { body_mass_kg = "body_mass_g / 1000" }.

    An expression sees the columns as they came, not those derived beside it.
    """
    return frame.with_columns(expressions.parse(text).alias(name) for name, text in columns.items())
