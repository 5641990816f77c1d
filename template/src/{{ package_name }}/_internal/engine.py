"""Run the same steps with any engine: polars, and those in ``engines``, found by their files.

An engine is a module with ``start(cluster, output)``, a context manager that gives a function
as `start` does; ``ADDRESSES`` says how the addresses of its clusters begin. ``size = full`` brings
duckdb, pandas, dask and spark.
"""

import contextlib
import functools
import importlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import narwhals as nw
import polars as pl

from ..errors import EngineError
from . import absent, registry

__all__ = ["Recipe", "Table", "check", "start"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """A step from batch to batch; each process that takes it builds it once, by ``build(*given)``.

    `given` must be hashable; for a cluster it must pickle, and `build` be a function of a module.
    """

    build: Callable[..., Callable[[pl.DataFrame], pl.DataFrame]]
    given: tuple[Any, ...] = ()

    def __call__(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Take the step."""
        return _built(self.build, *self.given)(batch)


@functools.lru_cache(maxsize=1)
def _built(build: Callable[..., Any], *given: Any) -> Callable[[pl.DataFrame], pl.DataFrame]:
    step: Callable[[pl.DataFrame], pl.DataFrame] = build(*given)
    return step


@dataclass(frozen=True)
class Table:
    """Rows as an engine holds them, and the steps to come: here a lazy polars frame.

    `workers` are those of a cluster, for an exact table; None: there is no cluster.
    """

    frame: Any
    workers: Any = None

    def apply(self, plugins: Sequence[registry.Plugin]) -> "Table":
        """Apply plugins, one after the other."""
        return self.then(functools.partial(registry.apply, plugins)) if plugins else self

    def then(self, step: Callable[[Any], Any]) -> "Table":
        """Take a step, from frame to frame: lazily, in a cluster on each partition."""
        return replace(self, frame=step(self.frame))

    def ask(self, question: Callable[[Any], Any]) -> Any:
        """Answer a question on all rows, small and in plain values."""
        return question(self.frame)

    def score(self, recipe: Recipe, done: Callable[[int], object]) -> "Table":
        """Take a step on batches of rows; `done` is told the number of rows of each."""

        def score(batch: pl.DataFrame) -> pl.DataFrame:
            done(len(batch))
            return recipe(batch)

        rows = self.rows()
        schema = recipe(rows.head(0).collect()).schema
        return Table(rows.map_batches(score, schema=schema, streamable=True))

    def rows(self) -> pl.LazyFrame:
        """Give the result, in the order of the source; a cluster works now."""
        frame: pl.LazyFrame = self.frame
        return frame

    def count(self) -> int:
        """Count the rows."""
        return int(self.ask(_count))

    def empty(self) -> pl.DataFrame:
        """Give the columns, without rows."""
        made: pl.DataFrame = self.ask(_empty)
        return made


def check(name: str, cluster: str | None) -> ModuleType | None:
    """Find an engine; None: polars, which needs no start.

    Raises
    ------
    EngineError
        If it is not here or not installed, or the cluster has an address of another engine.
    """
    if name == "polars":
        return None
    try:
        choice = importlib.import_module(f"{__package__}.engines._choice")
    except ModuleNotFoundError as error:
        raise EngineError(absent(f"engine {name} is")) from error
    module: ModuleType = choice.choose(name, cluster)
    return module


@contextlib.contextmanager
def start(name: str, cluster: str | None, output: str | Path) -> Iterator[Callable[..., Table]]:
    """Start an engine; stop it and what it started in the end.

    Parameters
    ----------
    name
        Which one.
    cluster
        Address of a running cluster, for engines that use one; None: on this machine.
    output
        The file to be written. An engine's own files lie beside it, in a folder that the
        workers of a cluster must share.

    Yields
    ------
    Callable[..., Table]
        ``opened(frame, parts, keep=(), *, exact=False)`` gives a table. `frame` is what polars
        reads of the files `parts`. The columns to `keep` must come back as they are, or
        EngineError is raised. With `exact` none is changed or left out, and a cluster gives its
        workers.

    Raises
    ------
    EngineError
        As `check`, or if the engine cannot be started or fails.
    """
    module = check(name, cluster)
    if cluster and not getattr(module, "ADDRESSES", ()):
        logger.warning("%s runs on this machine, not on the cluster %s", name, cluster)
    if module:
        near = Path(Path(output).name) if isinstance(output, str) else output
        with module.start(cluster, near) as opened:
            yield opened
    else:
        yield lambda frame, *_, **__: Table(frame)


def _count(frame: Any) -> Any:
    return nw.from_native(frame).lazy().select(nw.len()).collect("polars").item()


def _empty(frame: Any) -> Any:
    return nw.from_native(frame).lazy().head(0).collect("polars").to_native()
