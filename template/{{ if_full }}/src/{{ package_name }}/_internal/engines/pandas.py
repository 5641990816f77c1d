"""Pandas: the whole table in memory, with the types of Arrow."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from ..engine import Table
from ._handover import check_numbers
from ._missing import missing

try:
    import pandas as pd
    import pyarrow as pa
except ImportError as error:
    raise missing(__name__, "pandas>=3.0", "pyarrow>=21") from error

__all__ = ["Whole", "start"]

_INTEGERS = {  # Arrow refuses to make floats of those above 2**53
    pa.type_for_alias(f"{kind}{bits}".lower()): pd.api.types.pandas_dtype(f"{kind}{bits}")
    for kind in ("Int", "UInt")
    for bits in (8, 16, 32, 64)
}


class Whole(Table):
    """A pandas frame."""

    def rows(self) -> pl.LazyFrame:
        """Give the frame to polars."""
        return pl.from_pandas(self.frame, include_index=False).lazy()


@contextlib.contextmanager
def start(cluster: str | None, output: Path) -> Iterator[Any]:
    """Nothing to start."""

    def opened(
        frame: pl.LazyFrame, parts: Sequence[Path], keep: Sequence[str] = (), *, exact: bool = False
    ) -> Whole:
        if exact:
            check_numbers("pandas", frame)
        table = frame.collect().to_arrow()
        return Whole(
            table.to_pandas(types_mapper=lambda kind: _INTEGERS.get(kind, pd.ArrowDtype(kind)))
        )

    yield opened
