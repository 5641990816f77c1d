"""Run the same steps with polars, duckdb, pandas, dask or spark."""

import contextlib
import functools
import importlib
import importlib.util
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, Self, TypeVar, overload

import narwhals as nw
import polars as pl

from ..errors import EngineError, PluginError
from . import registry
from .engines import Name, handover
from .engines.handover import Workers
from .recipe import Recipe

__all__ = [
    "Name",
    "Opened",
    "Table",
    "Workers",
    "apply",
    "changed",
    "check",
    "count",
    "empty",
    "start",
]

logger = logging.getLogger(__name__)

T = TypeVar("T")

_PACKAGES = {
    "polars": ["polars"],
    "duckdb": ["duckdb", "pyarrow"],
    "pandas": ["pandas", "pyarrow"],
    "dask": ["distributed"],
    "spark": ["pyspark", "pyarrow", "pandas"],
}
_ADDRESSES = {"dask": ("tcp://", "tls://", "inproc://"), "spark": ("spark://", "k8s://", "yarn")}


class Table(Protocol):
    """Rows as an engine holds them, whole or in partitions, and the steps to come."""

    def then(self, step: Callable[[Any], Any]) -> Self:
        """Take a step, from frame to frame: lazily, in a cluster on each partition."""

    def ask(self, question: Callable[[Any], T]) -> T:
        """Answer a question on all rows, small and in plain values, e.g. their number."""

    def score(self, recipe: Recipe, done: Callable[[int], object]) -> "Table":
        """Take a step on batches of rows as polars frames; `done` hears how many rows are."""

    def rows(self) -> pl.LazyFrame:
        """Give what the steps make, in the order of the source; a cluster works now."""


class Opened(Protocol):
    """Opens a table, from a polars frame and the files it reads.

    Exact: no column is changed or left out, and a cluster gives its workers.
    """

    @overload
    def __call__(self, frame: pl.LazyFrame, parts: Sequence[Path]) -> Table: ...

    @overload
    def __call__(
        self, frame: pl.LazyFrame, parts: Sequence[Path], *, exact: Literal[True]
    ) -> Table | Workers: ...


def check(name: Name, cluster: str | None) -> None:
    """Refuse an engine that cannot be started.

    Raises
    ------
    EngineError
        If it is not installed, or the address of the cluster is not one of its own.
    """
    _check_installed(name)
    begins = _ADDRESSES.get(name)
    if cluster and begins and not cluster.startswith(begins):
        msg = f"cluster={cluster} is none of {name}: its addresses begin with {' or '.join(begins)}"
        raise EngineError(msg)


@contextlib.contextmanager
def start(name: Name, cluster: str | None, output: Path) -> Iterator[Opened]:
    """Start an engine; stop it and what it started in the end.

    Parameters
    ----------
    name
        Which one.
    cluster
        Address of a cluster that runs already, for dask (``tcp://…``) and spark
        (``spark://…``), which the others leave alone; None: on this machine.
    output
        The file to be written. What an engine keeps on the way lies beside it, in a
        folder that the workers of a cluster must share.

    Yields
    ------
    Opened
        A function that opens a table, from a polars frame and the files it reads.

    Raises
    ------
    EngineError
        If the engine is not installed, cannot be started or fails.
    """
    check(name, cluster)
    if cluster and name not in _ADDRESSES:
        logger.warning("%s runs on this machine, not on the cluster %s", name, cluster)
    module = importlib.import_module(f"{__package__}.engines.{name}")
    with module.start(cluster, output) as opened:
        yield opened


def apply(plugins: Sequence[registry.Plugin], table: Table) -> Table:
    """Apply plugins to a table.

    Raises
    ------
    PluginError
        If one needs all rows at once and the engine has them in partitions only.
    """
    whole = [plugin.name for plugin in plugins if plugin.whole_table]
    if whole and getattr(table, "partitioned", False):
        names = ", ".join(whole)
        msg = f"the plugins {names} need the whole table, dask has it in parts: use another engine"
        raise PluginError(msg)
    return table.then(functools.partial(registry.apply, plugins)) if plugins else table


def changed(name: Name, frame: pl.LazyFrame) -> list[str]:
    """Name the columns of a source that an engine does not give back as they are.

    Spark and DuckDB have other types: of a date-time they keep no time zone.
    """
    return handover.changed(frame.collect_schema()) if name in ("duckdb", "spark") else []


def count(table: Table) -> int:
    """Count the rows."""
    return table.ask(_n_rows)


def empty(table: Table) -> pl.DataFrame:
    """Give the columns, without rows."""
    return table.ask(_head)


def _n_rows(frame: Any) -> int:
    return int(_polars(nw.from_native(frame).select(nw.len())).item())


def _head(frame: Any) -> pl.DataFrame:
    return _polars(nw.from_native(frame).head(0))


def _polars(frame: Any) -> pl.DataFrame:
    lazy = isinstance(frame, nw.LazyFrame)
    made: pl.DataFrame = frame.collect("polars").to_native() if lazy else frame.to_polars()
    return made


def _check_installed(name: Name) -> None:
    missing = [package for package in _PACKAGES[name] if not importlib.util.find_spec(package)]
    if missing:
        project = __package__.partition(".")[0].replace("_", "-")
        msg = f"the engine {name} is not installed: pip install '{project}[{name}]'"
        raise EngineError(msg)
