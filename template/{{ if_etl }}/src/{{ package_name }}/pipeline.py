"""Run a pipeline: read, transform, check, write."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import polars as pl

from . import addresses, batches, checks, io, readers, transform, writers
from ._internal import engine, registry
from .config import Settings
from .errors import DataError

__all__ = ["SAMPLE_ROWS", "Plan", "Run", "execute", "prepare", "sample", "versions"]

SAMPLE_ROWS = 1_000


@dataclass(frozen=True)
class Plan:
    """A pipeline that is ready to run; its steps and rules count what they do.

    `files` are all files that are read; none if a database is among the sources.
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
        """Names and types of the columns that are written."""
        return transform.columns_after(self.steps, self.frame.collect_schema())


@dataclass
class Run:
    """The result of a plan; `seconds` is wall time."""

    plan: Plan
    rows_in: int = 0
    rows_out: int = 0
    seconds: float = 0.0
    written: bool = False

    @property
    def rejected(self) -> int:
        """Number of rows that were rejected in all steps."""
        return sum(step.rejected for step in self.plan.steps)


class _StopError(Exception):
    """Rows break a check, so nothing may be written."""


def prepare(
    settings: Settings, sources: Sequence[str], target: str, *, query: str | None = None
) -> Plan:
    """Open the sources, load the steps and check that all of it fits together.

    Parameters
    ----------
    sources
        Files, folders, globs, tables of databases; none: the sample data.
    target
        File or table to write.
    query
        SQL for the database that is the source; None: a table is read.

    Raises
    ------
    PackageError
        If something does not fit. Nothing has been written.
    """
    names = [*map(str, sources)] or [str(io.SAMPLE)]
    for name in (*names, target, str(settings.rejects or "")):
        addresses.check_name(name)
    engine.check(settings.engine, settings.cluster)
    rejects = settings.rejects or writers.rejects_file(target)
    writers.check(target, names, rejects)
    plugins = registry.pick(
        settings.transforms, settings.plugin_folder, only_built_in=settings.no_plugins
    )
    rules = checks.read(settings.checks)
    frame = readers.scan(names, query=query, settings=settings)
    shown = tuple(map(addresses.shown, names))
    with io.reading(", ".join(shown)):
        schema = frame.collect_schema()
    steps = transform.plan(plugins, schema, rules)
    return Plan(shown, frame, steps, rules, target, rejects, settings, readers.files(names))


def execute(plan: Plan, *, progress: Callable[[int], object] = lambda _: None) -> Run:
    """Read, transform, check and write. A plan is executed once.

    Parameters
    ----------
    progress
        Called with the number of rows of each batch that was taken.

    Raises
    ------
    PackageError
        If a table is broken, has no row or cannot be written, or a step fails. The
        target is then as it was.
    """
    run, start = Run(plan), time.perf_counter()

    def finish() -> None:
        if not run.rows_in:
            msg = f"{', '.join(plan.sources)}: there are no rows"
            raise DataError(msg)
        if plan.settings.failing == "stop" and any(rule.n_broken for rule in plan.rules):
            raise _StopError
        rejects.place(plan.rejects)

    def taken(made: Iterable[transform.Taken]) -> Iterator[transform.Taken]:
        for each in made:
            run.rows_in += each.rows_in
            progress(each.rows_in)
            yield each

    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name,
        _opened(plan) as each_batch,
        contextlib.suppress(_StopError),
    ):
        folder = Path(name)
        rejects = writers.Rejects(folder / "rejects.jsonl")
        rows = _rows(plan, lambda take: taken(each_batch(take)), rejects.add, folder)
        writers.write(
            batches.lazy(lambda: _counted(run, rows), plan.columns),
            plan.target,
            ready=finish,
            folder=folder,
            batch_rows=plan.settings.batch_rows,
        )
        run.written = True
    run.seconds = time.perf_counter() - start
    return run


def sample(plan: Plan) -> pl.DataFrame:
    """Give the result for the first `SAMPLE_ROWS` rows; nothing is written."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        head = plan.frame.head(SAMPLE_ROWS)
        rows = _rows(plan, lambda take: map(take, _read(plan, head)), lambda *_: None, Path(folder))
        return pl.concat([plan.columns.to_frame(), *rows])


def versions() -> dict[str, str]:
    """Give the versions of this package and of the libraries that handle tables."""
    return {name: metadata.version(name) for name in (__package__, "polars", "narwhals")}


EachBatch = Callable[[Callable[[pl.DataFrame], transform.Taken]], Iterable[transform.Taken]]


def _rows(
    plan: Plan, each_batch: EachBatch, refuse: transform.Refuse, folder: Path
) -> Iterator[pl.DataFrame]:
    """Give what the steps make; checks count the rows that they reject."""

    def refused(step: str, rows: pl.DataFrame) -> None:
        if step == checks.STEP:
            checks.count(plan.rules, rows)
        refuse(step, rows)

    n_rows, schema = plan.settings.batch_rows, plan.frame.collect_schema()
    return transform.run(plan.steps, each_batch, schema, refused, batch_rows=n_rows, folder=folder)


def _counted(run: Run, rows: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    for batch in rows:
        run.rows_out += len(batch)
        yield batch


def _read(plan: Plan, frame: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Give rows in batches; if the source turns out to be broken, it is named."""
    with io.reading(", ".join(plan.sources)):
        yield from batches.split(frame, plan.settings.batch_rows)


@contextlib.contextmanager
def _opened(plan: Plan) -> Iterator[EachBatch]:
    """Start the engine; give a way to apply a function to each batch of the source."""
    chosen, schema = plan.settings, plan.frame.collect_schema()
    near = plan.rejects if addresses.is_url(plan.target) else Path(plan.target)
    with engine.start(chosen.engine, chosen.cluster, near) as opened:
        with io.reading(", ".join(plan.sources)):
            table = opened(plan.frame, plan.files, exact=True)
        if table.workers:
            yield lambda take: table.workers.each_batch(take, chosen.batch_rows)
        else:  # with the types of the source, where the engine has none like it
            rows = table.rows()
            there = rows.collect_schema()
            rows = rows.cast({name: kind for name, kind in schema.items() if there[name] != kind})
            yield lambda take: map(take, _read(plan, rows))
