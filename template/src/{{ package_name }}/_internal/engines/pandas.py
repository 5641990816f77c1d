"""Pandas: the whole table in memory, with the types of Arrow."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa

from ..recipe import Recipe
from .polars import Lazy

__all__ = ["Whole", "start"]

_INTEGERS = {  # Arrow refuses to make floats of those above 2**53
    pa.type_for_alias(f"{kind}{bits}".lower()): pd.api.types.pandas_dtype(f"{kind}{bits}")
    for kind in ("Int", "UInt")
    for bits in (8, 16, 32, 64)
}


@dataclass(frozen=True)
class Whole:
    """A pandas frame."""

    frame: Any

    def then(self, step: Callable[[Any], Any]) -> "Whole":
        """Take a step."""
        return Whole(step(self.frame))

    def ask(self, question: Callable[[Any], Any]) -> Any:
        """Answer a question on the frame."""
        return question(self.frame)

    def score(self, recipe: Recipe, done: Callable[[int], object]) -> Lazy:
        """Hand batches to polars."""
        return Lazy(self.rows()).score(recipe, done)

    def rows(self) -> pl.LazyFrame:
        """Give the frame to polars."""
        return pl.from_pandas(self.frame, include_index=False).lazy()


@contextlib.contextmanager
def start(cluster: str | None, output: Path) -> Iterator[Any]:
    """Nothing to start."""

    def opened(frame: pl.LazyFrame, parts: Sequence[Path], *, exact: bool = False) -> Whole:
        table = frame.collect().to_arrow()
        return Whole(
            table.to_pandas(types_mapper=lambda kind: _INTEGERS.get(kind, pd.ArrowDtype(kind)))
        )

    yield opened
