"""Put reading, steps, checks and writing together."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import polars as pl

from . import batches, checks, io, readers, sql, transform, workers, writers
from ._internal import engine, registry
from .config import Settings
from .errors import DataError, EngineError
from .rejects import Rejects

__all__ = ["SAMPLE_ROWS", "Plan", "Run", "execute", "prepare", "sample"]

SAMPLE_ROWS = 1_000
_LARGE = pl.Int128, pl.UInt128


@dataclass(frozen=True)
class Plan:
    """What is to be read, done and written; the steps and rules count what they did.

    `files` are all that is read, or none if a database is.
    """

    sources: tuple[str, ...]
    frame: pl.LazyFrame
    steps: list[transform.Step]
    rules: list[checks.Rule]
    target: str
    rejects: Path
    settings: Settings
    files: Sequence[Path] = ()

    @property
    def columns(self) -> pl.Schema:
        """Give the names and types that are written."""
        return self.steps[-1].columns if self.steps else self.frame.collect_schema()


@dataclass(frozen=True)
class Run:
    """What came of a plan; `seconds` is wall time."""

    plan: Plan
    rows_in: int
    rows_out: int
    seconds: float
    written: bool
    versions: dict[str, str]

    @property
    def rejected(self) -> int:
        """Count the rows that were rejected in all steps."""
        return sum(step.rejected for step in self.plan.steps)


class _StopError(Exception):
    """Rows break a check, so that nothing may be written."""


def prepare(
    settings: Settings, sources: Sequence[str], target: str, *, query: str | None = None
) -> Plan:
    """Open the sources, pick the steps and look whether all of it fits together.

    Parameters
    ----------
    sources
        Files, folders, globs, tables of databases; none: the sample.
    target
        File or table to write.
    query
        What to ask the database that is the source; None: a table is read.

    Raises
    ------
    PackageError
        If something does not fit. Nothing has been written.
    """
    names = [*map(str, sources)] or [str(io.SAMPLE)]
    engine.check(settings.engine, settings.cluster)
    rejects = settings.rejects or writers.rejects_file(target)
    writers.check(target, names, rejects)
    plugins = registry.pick(
        settings.transforms, settings.plugin_folder, only_built_in=settings.no_plugins
    )
    rules = checks.read(settings.checks)
    frame = readers.scan(names, query=query, text=settings.text)
    shown = tuple(map(sql.masked, names))
    with io.reading(", ".join(shown)):
        schema = frame.collect_schema()
    steps = transform.plan(plugins, schema, rules, reject=settings.failing == "reject")
    files = readers.files(names)
    return Plan(shown, frame, steps, rules, target, rejects, settings, files)


def execute(plan: Plan, *, progress: Callable[[int], object] = lambda _: None) -> Run:
    """Read, transform, check and write. A plan is executed once.

    Parameters
    ----------
    progress
        Called with the number of rows of each batch that was read, in a cluster of each
        part that is done.

    Raises
    ------
    PackageError
        If a table is broken, has no row or cannot be written, or a step fails. What
        was at the target is then as it was.
    """
    start = time.perf_counter()
    read: list[int] = []
    made: list[int] = []
    n_rows = plan.settings.batch_rows

    def finish(rejects: Rejects) -> None:
        if not sum(read):
            msg = f"{', '.join(plan.sources)}: there are no rows"
            raise DataError(msg)
        if plan.settings.failing == "stop" and any(rule.n_broken for rule in plan.rules):
            raise _StopError
        rejects.place()

    def look(n_rows: int) -> None:
        read.append(n_rows)
        progress(n_rows)

    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, _open(plan) as table:
            folder = Path(name)
            with Rejects(plan.rejects) as rejects:
                if table.workers:
                    rows, done = _spread(plan, table.workers, rejects, look)
                else:
                    frame = _restore(table.rows(), plan.frame.collect_schema())
                    rows = _watch(_read(plan, frame), lambda batch: look(len(batch)))
                    done = 0
                rows = _transform(plan, rows, rejects.add, folder, done=done)
                rows = _watch(rows, lambda batch: made.append(len(batch)))
                writers.write(
                    batches.lazy(lambda: rows, plan.columns),
                    plan.target,
                    ready=lambda: finish(rejects),
                    folder=folder,
                    batch_rows=n_rows,
                )
        written = True
    except _StopError:
        written = False
    return Run(plan, sum(read), sum(made), time.perf_counter() - start, written, _versions())


def sample(plan: Plan) -> pl.DataFrame:
    """Give what would be made of the first `SAMPLE_ROWS` rows; nothing is written."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        rows = _read(plan, plan.frame.head(SAMPLE_ROWS))
        made = [*_transform(plan, rows, lambda *_: None, Path(folder))]
    return pl.concat([plan.columns.to_frame(), *made])


def _read(plan: Plan, frame: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Give rows in batches; if the source turns out to be broken, it is named."""
    with io.reading(", ".join(plan.sources)):
        yield from batches.split(frame, plan.settings.batch_rows)


@contextlib.contextmanager
def _open(plan: Plan) -> Iterator[engine.Table]:
    """Start the engine and hand the source over to it."""
    chosen, near = plan.settings, plan.rejects if sql.is_url(plan.target) else Path(plan.target)
    odd = [name for name, kind in plan.frame.collect_schema().items() if kind in _LARGE]
    if odd and chosen.engine in ("duckdb", "pandas"):
        msg = f"{chosen.engine} has no numbers of 128 bits as in {odd[0]!r}: use another engine"
        raise EngineError(msg)
    with engine.start(chosen.engine, chosen.cluster, near) as opened:
        with io.reading(", ".join(plan.sources)):
            table = opened(plan.frame, plan.files, exact=True)
        yield table


def _restore(frame: pl.LazyFrame, schema: pl.Schema) -> pl.LazyFrame:
    """Give columns the types of the source again, where the engine has none like it."""
    there = frame.collect_schema()
    return frame.cast({name: kind for name, kind in schema.items() if there[name] != kind})


def _spread(
    plan: Plan, cluster: Any, rejects: Rejects, look: Callable[[int], object]
) -> tuple[Iterator[pl.DataFrame], int]:
    """Let a cluster take all steps before the first that needs the whole table; count them."""
    whole = [number for number, step in enumerate(plan.steps) if step.whole_table]
    steps = plan.steps[: whole[0]] if whole else plan.steps
    rows = workers.run(
        cluster,
        steps,
        plan.rules,
        rejects,
        source=", ".join(plan.sources),
        batch_rows=plan.settings.batch_rows,
        progress=look,
    )
    return rows, len(steps)


def _transform(
    plan: Plan,
    rows: Iterator[pl.DataFrame],
    refuse: transform.Refuse,
    folder: Path,
    *,
    done: int = 0,
) -> Iterator[pl.DataFrame]:
    """Take the steps that are not done."""
    schema = plan.steps[done - 1].columns if done else plan.frame.collect_schema()
    n_rows, steps = plan.settings.batch_rows, plan.steps[done:]
    return transform.run(rows, schema, steps, refuse, batch_rows=n_rows, folder=folder)


def _watch(
    rows: Iterable[pl.DataFrame], look: Callable[[pl.DataFrame], object]
) -> Iterator[pl.DataFrame]:
    for batch in rows:
        look(batch)
        yield batch


def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in (__package__, "polars", "narwhals")}
