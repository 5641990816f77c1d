"""Dask: partitions of rows on the workers of a cluster, as polars frames."""

import contextlib
import functools
import logging
import signal
import textwrap
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import polars as pl

from ...errors import EngineError, PluginError
from ..engine import Recipe, Table
from ..registry import Plugin
from ._handover import Workers, hand_over, read_parts, scratch, write_part
from ._missing import missing
from ._travel import install

try:
    import distributed
    from distributed.client import Client
except ImportError as error:
    raise missing(__name__, "distributed>=2025.4") from error

__all__ = ["ADDRESSES", "Parts", "start"]

ADDRESSES = ("tcp://", "tls://", "inproc://")

logger = logging.getLogger(__name__)

_ROWS = 262_144  # in a partition, at most
_PATIENCE = 30  # seconds without an answer of the scheduler, or without any worker
_LOGGERS = ("distributed", "distributed.client", "tornado.application", "asyncio")
_FAILED = (distributed.KilledWorker, distributed.CancelledError, OSError, RuntimeError)

Steps = tuple[Callable[[Any], Any], ...]


@dataclass(frozen=True)
class Parts(Table):
    """Parquet files as the frame, read in partitions, and the steps to take on each."""

    client: Any = None
    folder: Path = Path()
    steps: Steps = ()
    recipe: Recipe | None = None
    done: Callable[[int], object] = id

    def apply(self, plugins: Sequence[Plugin]) -> Table:
        """Apply plugins; refuse those that need all rows at once."""
        whole = [plugin.name for plugin in plugins if plugin.whole_table]
        if whole:
            names = ", ".join(whole)
            msg = f"plugin {names} needs the whole table, dask has parts: use another engine"
            raise PluginError(msg)
        return super().apply(plugins)

    def then(self, step: Callable[[Any], Any]) -> "Parts":
        """Put a step behind the others."""
        return replace(self, steps=(*self.steps, step))

    def ask(self, question: Callable[[Any], Any]) -> Any:
        """Let one worker answer, with polars, on all rows; its warnings are heard here."""
        [asked] = _completed(self.client, [self._submit(_answer, question, self.steps, self.frame)])
        answer, said = asked.result()
        for name, level, text in said:
            logging.getLogger(name).log(level, "%s", text)
        return answer

    def score(self, recipe: Recipe, done: Callable[[int], object]) -> "Parts":
        """Put a step on polars frames behind the others."""
        return replace(self, recipe=recipe, done=done)

    def rows(self) -> pl.LazyFrame:
        """Let the workers write a file for each partition, and read these."""
        [recipe] = self.client.scatter([self.recipe], broadcast=True, hash=False)
        futures = {
            self._submit(_make, recipe, self.steps, place, path): path
            for place, path in self._places()
        }
        for future in _completed(self.client, futures):
            n_rows = future.result()
            self.done(n_rows)
            logger.debug("wrote %d rows to %s", n_rows, futures[future])
        return read_parts([*futures.values()])

    def _places(self) -> Iterator[tuple[tuple[Path, int, int], Path]]:
        """Divide the files: path, first row and number of rows; and where the result goes."""
        heights = [pl.scan_parquet(path, glob=False).select(pl.len()) for path in self.frame]
        counts = [int(count.item()) for count in pl.collect_all(heights)]
        size = max(1, min(_ROWS, -(-sum(counts) // _n_threads(self.client))))
        number = 0
        for path, n_rows in zip(self.frame, counts, strict=True):
            for first in range(0, n_rows, size):
                yield (path, first, size), self.folder / f"{number:06}.parquet"
                number += 1

    def _submit(self, function: Callable[..., Any], *given: Any) -> Any:
        return self.client.submit(function, *given, pure=False)


@contextlib.contextmanager
def start(cluster: str | None, output: Path) -> Iterator[Any]:
    """Connect to a scheduler, or start one with two workers on this machine."""
    install()
    for name in _LOGGERS:  # what they would say is raised, too
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with scratch(output) as folder, contextlib.ExitStack() as stack:
        try:
            with _deaf():
                address = cluster or stack.enter_context(_local(folder))
            client = stack.enter_context(Client(address, timeout=_PATIENCE, set_as_default=False))
            _wait_for_worker(client)

            def opened(
                frame: pl.LazyFrame,
                parts: Sequence[Path],
                keep: Sequence[str] = (),
                *,
                exact: bool = False,
            ) -> Parts:
                paths = tuple(hand_over(frame, parts, folder, exact=True))  # polars reads them
                each = functools.partial(_each, client)
                workers = Workers(paths, folder, _n_threads(client), each) if exact else None
                return Parts(paths, workers, client, folder)

            yield opened
        except _FAILED as error:
            if type(error) is RuntimeError and "different environments" not in str(error):
                raise  # of a scheduler without the project, and of no other
            where = f"the cluster {cluster}" if cluster else "the local cluster"
            msg = f"dask: {where} fails: {textwrap.shorten(str(error), 200)}"
            raise EngineError(msg) from error


def _local(folder: Path) -> Any:
    return distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        local_directory=str(folder),
        silence_logs=logging.CRITICAL,
    )


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Start processes that do not hear Ctrl-C: it is for this one, which hears it afterwards."""
    main = threading.current_thread() is threading.main_thread()
    if not main or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # when started later it lets the signal through
    heard: list[Any] = []
    handler = signal.signal(signal.SIGINT, lambda *given: heard.append(given))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler or signal.SIG_DFL)
    if heard and callable(handler):
        handler(*heard[0])


def _wait_for_worker(client: Client) -> None:
    try:
        client.wait_for_workers(1, _PATIENCE)
    except TimeoutError as error:
        msg = f"no worker for {_PATIENCE} seconds that has this project and distributed installed"
        raise TimeoutError(msg) from error


def _n_threads(client: Client) -> int:
    return sum(client.nthreads().values()) or 1


def _each(client: Client, work: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
    futures = [client.submit(work, item, pure=False) for item in items]
    while futures:  # a future that is kept would be made again if its worker dies
        yield from (done.result() for done in _completed(client, [futures.pop(0)]))


def _completed(client: Client, futures: Iterable[Any]) -> Iterator[Any]:
    """Give futures as they are done, as long as there is a worker."""
    waiting = set(futures)
    while waiting:
        try:
            with client.as_current():
                done, waiting = distributed.wait(waiting, _PATIENCE, "FIRST_COMPLETED")
        except TimeoutError:
            _wait_for_worker(client)
        else:
            yield from done


def _plan(steps: Steps, frame: pl.LazyFrame) -> pl.LazyFrame:
    for step in steps:
        frame = step(frame)
    return frame


def _answer(question: Callable[[Any], Any], steps: Steps, paths: tuple[Path, ...]) -> Any:
    with _listening() as said:
        answer = question(_plan(steps, pl.scan_parquet([*paths], glob=False)))
    return answer, said


def _make(recipe: Recipe | None, steps: Steps, place: tuple[Path, int, int], path: Path) -> int:
    frame = _plan(steps, pl.scan_parquet(place[0], glob=False).slice(*place[1:]))
    return write_part(recipe(frame.collect()).lazy() if recipe else frame, path)


class _Listener(logging.Handler):
    """Keeps what the package logs, as it is going to be said elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.said.append((record.name, record.levelno, record.getMessage()))


@contextlib.contextmanager
def _listening() -> Iterator[list[tuple[str, int, str]]]:
    listener = _Listener()
    package = logging.getLogger(__package__.partition(".")[0])
    package.addHandler(listener)
    try:
        yield listener.said
    finally:
        package.removeHandler(listener)
