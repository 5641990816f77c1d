"""Polars: lazy, in this process."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import polars as pl

from ..recipe import Recipe

__all__ = ["Lazy", "start"]


@dataclass(frozen=True)
class Lazy:
    """A lazy polars frame; engines with another frame say what its `rows` are."""

    frame: Any

    def then(self, step: Callable[[Any], Any]) -> Self:
        """Put a step into the plan."""
        return replace(self, frame=step(self.frame))

    def ask(self, question: Callable[[Any], Any]) -> Any:
        """Answer a question on the plan."""
        return question(self.frame)

    def score(self, recipe: Recipe, done: Callable[[int], object]) -> "Lazy":
        """Put a step on batches, as polars frames, behind the plan."""

        def score(batch: pl.DataFrame) -> pl.DataFrame:
            done(len(batch))
            return recipe(batch)

        rows = self.rows()
        schema = recipe(rows.head(0).collect()).schema
        return Lazy(rows.map_batches(score, schema=schema, streamable=True))

    def rows(self) -> pl.LazyFrame:
        """Give the plan."""
        frame: pl.LazyFrame = self.frame
        return frame


@contextlib.contextmanager
def start(cluster: str | None, output: Path) -> Iterator[Any]:
    """Nothing to start."""

    def opened(frame: pl.LazyFrame, parts: Sequence[Path], *, exact: bool = False) -> Lazy:
        return Lazy(frame)

    yield opened
