"""Look columns up, and mark the rows that a transform refuses."""

from collections.abc import Iterable
from typing import Any

import narwhals as nw
from narwhals.typing import FrameT

from . import REJECTED

__all__ = ["reject", "types"]


def types(frame: Any, names: Iterable[str]) -> dict[str, Any]:
    """Give the types of the columns of these names.

    Raises
    ------
    ValueError
        If one is not there; the message lists the first 50 that are.
    """
    schema = frame.collect_schema()
    for name in names:
        if name not in schema:
            msg = f"no column {name!r}; there are {', '.join([*schema][:50])}"
            raise ValueError(msg)
    return {name: schema[name] for name in names}


def reject(frame: FrameT, where: nw.Expr, reason: str | nw.Expr) -> FrameT:
    """Give the rows that fulfil a condition a reason; one that is there already stays."""
    text = nw.lit(reason) if isinstance(reason, str) else reason
    mark = nw.when(where).then(text).otherwise(nw.lit(None, dtype=nw.String))
    if REJECTED in frame.collect_schema():
        mark = nw.coalesce(nw.col(REJECTED), mark)
    return frame.with_columns(mark.alias(REJECTED))
