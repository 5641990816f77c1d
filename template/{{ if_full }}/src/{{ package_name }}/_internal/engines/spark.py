"""Spark: one plan, on this machine or a cluster; batches are scored where they are."""

import contextlib
import functools
import logging
import os
import re
import shutil
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from ... import errors
from ...errors import EngineError
from ..engine import Recipe, Table
from ._handover import Workers, check_kept, hand_over, read_parts, scratch, write_part
from ._missing import missing
from ._travel import install

try:
    import pandas as pd  # noqa: F401 - pyspark imports it
    import pyarrow as pa
    from py4j.protocol import Py4JError
    from pyspark import TaskContext
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession
except ImportError as error:
    raise missing(__name__, "pandas>=3.0", "pyarrow>=21", "pyspark>=4.0") from error

__all__ = ["ADDRESSES", "Plan", "start"]

ADDRESSES = ("spark://", "k8s://", "yarn")

_ROWS = 1 << 18  # in a part, about
_PATIENCE = 30  # seconds in which jobs wait for a cluster without any worker
_STANDALONE = "spark://"
_LOGGERS = ("DataFrameQueryContextLogger", "SQLQueryContextLogger", "py4j")


@dataclass(frozen=True)
class Plan(Table):
    """A frame of Spark."""

    folder: Path = Path()
    recipe: Recipe | None = None
    done: Callable[[int], object] = id

    def score(self, recipe: Recipe, done: Callable[[int], object]) -> "Plan":
        """Put a step on batches of Arrow at the end of the plan."""
        return replace(self, recipe=recipe, done=done)

    def rows(self) -> pl.LazyFrame:
        """Let the workers write what the plan makes, and read these files in their order."""
        content = self.frame.sparkSession.sparkContext.broadcast(self.recipe)
        names = self.frame.columns
        write = functools.partial(_write, content, self.folder, names)
        numbered = self.frame.toDF(*map(str, range(len(names))))  # Spark trips over dots
        found = numbered.mapInArrow(write, "path string, n_rows long").collect()
        for row in found:
            self.done(row.n_rows)
        return read_parts(sorted(Path(row.path) for row in found))


def _write(content: Any, folder: Path, names: list[str], batches: Iterator[Any]) -> Iterator[Any]:
    """Write the rows of a partition to files that are called by its number."""
    partition = TaskContext.get().partitionId()
    step = content.value or (lambda frame: frame)
    for number, frame in enumerate(_larger(batches)):
        frame.columns = names
        path = folder / f"{partition:06}-{number:06}.parquet"
        n_rows = write_part(step(frame).lazy(), path)
        yield pa.RecordBatch.from_pydict({"path": [str(path)], "n_rows": [n_rows]})


def _larger(batches: Iterator[Any]) -> Iterator[pl.DataFrame]:
    """Put small batches together; leave out empty ones."""
    held: list[Any] = []
    for batch in batches:
        held += [batch] if batch.num_rows else []
        if sum(each.num_rows for each in held) >= _ROWS:
            yield pl.DataFrame(pl.from_arrow(pa.Table.from_batches(held)))
            held = []
    if held:
        yield pl.DataFrame(pl.from_arrow(pa.Table.from_batches(held)))


@contextlib.contextmanager
def start(cluster: str | None, output: Path) -> Iterator[Any]:
    """Start a session on this machine with two threads, or on a cluster."""
    install()
    if not shutil.which("java") and not os.environ.get("JAVA_HOME"):
        msg = "engine spark needs Java 17 or newer: install it, or set JAVA_HOME"
        raise EngineError(msg)
    if cluster and cluster.startswith(_STANDALONE):
        _check_answers(cluster)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with scratch(output) as folder, _explained(cluster), _session(cluster) as session:

        def opened(
            frame: pl.LazyFrame,
            parts: Sequence[Path],
            keep: Sequence[str] = (),
            *,
            exact: bool = False,
        ) -> Table:
            if exact:
                paths = hand_over(frame, parts, folder, exact=True)
                n_threads = session.sparkContext.defaultParallelism
                each = functools.partial(_each, session)
                return Plan(None, Workers(paths, folder, n_threads, each))
            check_kept("spark", keep, frame)
            _check_names(frame.collect_schema().names())
            one, *more = [
                session.read.parquet(_escape(path)) for path in hand_over(frame, parts, folder)
            ]
            frame_ = functools.reduce(lambda all_, each: all_.union(each), more, one)
            return Plan(frame_, folder=folder)

        yield opened


def _check_answers(cluster: str) -> None:
    """Refuse masters of which none answers: Spark would try for a minute, and not say so."""
    reason = ""
    for address in cluster.removeprefix(_STANDALONE).split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
        else:
            return
    msg = f"spark: the cluster {cluster} does not answer: {reason}"
    raise EngineError(msg)


def _each(session: Any, work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    tasks = session.sparkContext.parallelize(items, max(1, len(items)))
    return [*tasks.map(work).collect()]


@contextlib.contextmanager
def _session(cluster: str | None) -> Iterator[Any]:
    for name in _LOGGERS:  # what they would say is raised, too
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # it asks for pandas to hand Arrow over, of which no frame of pandas is made here
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
    settings = {
        "spark.sql.caseSensitive": "true",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
        "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    if not cluster:
        settings |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        settings |= {"spark.sql.shuffle.partitions": "2"}
    builder = SparkSession.builder.master(cluster or "local[2]").appName(__package__)
    with _silent(), _own_interrupts():
        session = builder.config(map=settings).getOrCreate()
    try:
        with _unheard(), _watched(session.sparkContext) if cluster else contextlib.nullcontext():
            yield session
    finally:  # a thread has a connection of its own; after Ctrl-C that of this one is in use
        stopping = threading.Thread(target=_stop, args=(session,), daemon=True)
        stopping.start()
        stopping.join(_PATIENCE)


def _stop(session: Any) -> None:
    with contextlib.suppress(PySparkException, Py4JError, OSError):  # Java is gone
        session.stop()


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Drop what py4j says to the root logger: that a call was interrupted, with a traceback."""

    def by_another(record: logging.LogRecord) -> bool:
        return f"{os.sep}py4j{os.sep}" not in record.pathname

    root = logging.getLogger()
    root.addFilter(by_another)
    try:
        yield
    finally:
        root.removeFilter(by_another)


@contextlib.contextmanager
def _own_interrupts() -> Iterator[None]:
    """Keep what Ctrl-C does: Spark would first talk to Java, which is busy until the job ends."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before or signal.SIG_DFL)


@contextlib.contextmanager
def _watched(context: Any) -> Iterator[None]:
    """Cancel the jobs of a cluster that has no worker: Spark itself would wait for ever."""
    ended = threading.Event()

    def watch() -> None:
        with contextlib.suppress(Py4JError, OSError):  # Java is gone, which is told elsewhere
            _cancel_in_vain(context, ended)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join(_PATIENCE)


def _cancel_in_vain(context: Any, ended: threading.Event) -> None:
    """Look each second; the process of this program counts as one that holds data."""
    since = time.monotonic()
    while not ended.wait(1):
        jobs = context.statusTracker().getActiveJobsIds()
        if not jobs or context._jsc.sc().getExecutorMemoryStatus().size() > 1:
            since = time.monotonic()
        elif time.monotonic() - since > _PATIENCE:
            for job in jobs:
                context._jsc.sc().cancelJob(job, f"no worker for {_PATIENCE} seconds")


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Start Java without the pages it writes to stderr, now and later."""
    before = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere, warnings.catch_warnings(action="ignore"):
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)


def _check_names(names: list[str]) -> None:
    """Refuse names that narwhals cannot hand to Spark."""
    odd = [name for name in names if "." in name or "`" in name]
    if odd:
        msg = f"spark takes {odd[0]!r} for a part of a column: rename it, or use another engine"
        raise EngineError(msg)


@contextlib.contextmanager
def _explained(cluster: str | None) -> Iterator[None]:
    """Turn what Spark raises into one line; an error of this package is raised again."""
    try:
        yield
    except (PySparkException, Py4JError, ConnectionError) as error:
        if _interrupted(error):
            raise KeyboardInterrupt from error
        text = str(error)
        ours = re.findall(rf"{re.escape(errors.__name__)}\.(\w+): (.*)", text)
        if ours:  # causes come first
            raise getattr(errors, ours[-1][0])(ours[-1][1]) from error
        where = f"the cluster {cluster}" if cluster else "the local cluster"
        raised = re.findall(r"^:? ?[\w.]+(?:Error|Exception): (.+)", text, re.MULTILINE)
        msg = f"spark: {where} fails: {(raised or text.strip().splitlines())[0]}"
        raise EngineError(msg) from error


def _interrupted(error: BaseException | None) -> bool:
    """Tell whether Ctrl-C came first: talking to Java fails then."""
    while error and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _escape(path: Path) -> str:
    """Name a file so that nothing in its path is taken for a pattern."""
    return "file://" + re.sub(r"([\\\[\]{}*?,])", r"\\\1", str(path))
