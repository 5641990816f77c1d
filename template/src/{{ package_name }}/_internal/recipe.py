"""A function that travels: what it takes to build it, as bytes."""

import functools
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import polars as pl

__all__ = ["Recipe"]

Batch = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True)
class Recipe:
    """A step on batches that each process builds for itself, once.

    `content` names the builder and holds what it is given: bytes and plain values.
    """

    content: bytes

    @classmethod
    def of(cls, build: Callable[..., Batch], *given: Any) -> Self:
        """Write a recipe; `build` is a function of a module, which the workers have too."""
        return cls(pickle.dumps((build, given)))

    def __call__(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Take the step."""
        return _build(self.content)(batch)


@functools.lru_cache(maxsize=1)
def _build(content: bytes) -> Batch:
    build, given = pickle.loads(content)  # noqa: S301 - made by the process that sent it
    made: Batch = build(*given)
    return made
