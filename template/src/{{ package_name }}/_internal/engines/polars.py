"""Polars: lazy, in this process."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ..recipe import Recipe

__all__ = ["Lazy", "start"]


@dataclass(frozen=True)
class Lazy:
    """A lazy polars frame."""

    frame: pl.LazyFrame

    def then(self, step: Callable[[Any], Any]) -> "Lazy":
        """Put a step into the plan."""
        return Lazy(step(self.frame))

    def ask(self, question: Callable[[Any], Any]) -> Any:
        """Answer a question on the plan."""
        return question(self.frame)

    def score(self, recipe: Recipe, done: Callable[[int], object]) -> "Lazy":
        """Put a step on batches into the plan."""

        def score(batch: pl.DataFrame) -> pl.DataFrame:
            done(len(batch))
            return recipe(batch)

        schema = recipe(self.frame.head(0).collect()).schema
        return Lazy(self.frame.map_batches(score, schema=schema, streamable=True))

    def rows(self) -> pl.LazyFrame:
        """Give the plan."""
        return self.frame


@contextlib.contextmanager
def start(cluster: str | None, output: Path) -> Iterator[Any]:
    """Nothing to start."""

    def opened(frame: pl.LazyFrame, parts: Sequence[Path], *, exact: bool = False) -> Lazy:
        return Lazy(frame)

    yield opened
