"""Hand a table over as Parquet files that every engine reads alike."""

import contextlib
import functools
import logging
import pickle
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import polars as pl

from ...errors import DataError, EngineError

__all__ = [
    "Workers",
    "check_kept",
    "check_numbers",
    "hand_over",
    "read_parts",
    "scratch",
    "write_part",
]

logger = logging.getLogger(__name__)

_ROWS = 1 << 18  # in a part, about
_PLAIN = (
    *(pl.Boolean, pl.String, pl.Date, pl.Datetime("us"), pl.Float32, pl.Float64),
    *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
)


@dataclass(frozen=True)
class Workers:
    """The workers of a cluster, and what they share.

    `paths` are Parquet files with the rows of a table, in this order; `folder` is where
    workers may write. `each` calls a function, which must pickle, with one item after the
    other, and gives the results in order.
    """

    paths: Sequence[Path]
    folder: Path
    n_threads: int
    each: Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]

    def each_batch(self, function: Callable[[pl.DataFrame], Any], n_rows: int) -> Iterator[Any]:
        """Apply a function to batches of `n_rows` rows on the workers; give the results in order.

        Raises
        ------
        PackageError
            As the function does, or if the workers cannot go on.
        """
        work = functools.partial(_work, pickle.dumps((function, self.paths, n_rows)))
        for path in self.each(work, [*self._divide(n_rows)]):
            yield from _results(path)

    def _divide(self, n_rows: int) -> Iterator[tuple[int, int, Path]]:
        """Divide the rows where batches end: first row, number of rows, file for the results."""
        total = pl.scan_parquet([*self.paths], glob=False).select(pl.len()).collect().item()
        n_batches = min(-(-total // n_rows) // self.n_threads, _ROWS // n_rows)
        size = max(1, n_batches) * n_rows
        for number, first in enumerate(range(0, total, size)):
            yield first, min(size, total - first), self.folder / f"{number:06}.pickle"


def _work(content: bytes, part: tuple[int, int, Path]) -> Path:
    """Apply the function to the batches of a part, and write the results."""
    first, size, path = part
    function, paths, n_rows = pickle.loads(content)  # noqa: S301 - sent by `each_batch`
    rows = pl.scan_parquet([*paths], glob=False).slice(first, size)
    with _written(path) as stream:
        for batch in rows.collect_batches(
            chunk_size=n_rows, maintain_order=True, engine="streaming"
        ):
            pickle.dump(function(batch), stream)
    return path


def _results(path: Path) -> Iterator[Any]:
    """Read the results of a part, and delete their file."""
    _check_arrived([path])
    with path.open("rb") as stream:
        while stream.peek(1):
            yield pickle.load(stream)  # noqa: S301 - written by `_work`
    path.unlink()


def hand_over(
    frame: pl.LazyFrame, parts: Sequence[Path], folder: Path, *, exact: bool = False
) -> list[Path]:
    """Give Parquet files with the rows of a frame, in their order.

    Parameters
    ----------
    frame
        What polars reads, with the types that it found.
    parts
        The files it reads. Parquet files with just these columns, all of plain types,
        are handed over as they are.
    folder
        Where all else is written first. Date-times become those on the clock of their
        time zone, categories text; what is neither number, text nor date is left out.
    exact
        Leave columns of all types as they are.
    """
    schema = frame.collect_schema()
    plain = frame if exact else _plain(frame, schema)
    as_is = (exact or all(dtype in _PLAIN for dtype in schema.dtypes())) and all(
        re.fullmatch(r"[^_].*\.parquet", path.name.lower())
        and pl.read_parquet_schema(path) == schema
        for path in parts
    )
    if as_is and parts:
        return [path.resolve() for path in parts]
    left_out = sorted(schema.keys() - plain.collect_schema().keys())
    if left_out:
        logger.warning("left out columns that only polars can hold: %s", ", ".join(left_out))
    path = folder / "source.parquet"
    plain.sink_parquet(path)
    return [path]


def check_kept(engine: str, keep: Sequence[str], frame: pl.LazyFrame) -> None:
    """Refuse to keep columns that `hand_over` leaves out, or of which it does not keep all.

    Raises
    ------
    EngineError
        For the first of them.
    """
    whole = (*_PLAIN, pl.Datetime("ms"), pl.Categorical, pl.Enum, pl.Null)
    schema = frame.collect_schema()
    for name in keep:
        if name in schema and schema[name] not in whole:
            msg = f"cannot keep column {name!r}: {engine} has no {schema[name]}, use polars or dask"
            raise EngineError(msg)


def check_numbers(engine: str, frame: pl.LazyFrame) -> None:
    """Refuse numbers of 128 bits, which an engine would change.

    Raises
    ------
    EngineError
        If a column has them.
    """
    for name, kind in frame.collect_schema().items():
        if kind in (pl.Int128, pl.UInt128):
            msg = f"{engine} has no numbers of 128 bits as in {name!r}: use another engine"
            raise EngineError(msg)


@contextlib.contextmanager
def scratch(path: Path) -> Iterator[Path]:
    """Give a folder beside `path` for what is needed on the way; delete it in the end.

    Raises
    ------
    DataError
        If it cannot be made.
    """
    target = path.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror or error}"
        raise DataError(msg) from error
    try:
        yield Path(folder)
    finally:  # under another name, where nobody puts anything any more
        with contextlib.suppress(OSError):
            shutil.rmtree(Path(folder).rename(f"{folder}-"))


def write_part(frame: pl.LazyFrame, path: Path) -> int:
    """Write some of the rows, the file whole or not at all; give their number.

    No folder is made: a worker may come too late for a job that has ended.

    Raises
    ------
    DataError
        If the file cannot be written (no such folder, a full disk).
    """
    with _written(path) as stream:
        frame.sink_parquet(stream)
    return int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())


def read_parts(paths: Sequence[Path]) -> pl.LazyFrame:
    """Read what workers wrote, part after part.

    Raises
    ------
    EngineError
        If a part is not here.
    """
    _check_arrived(paths)
    return pl.scan_parquet([*paths], glob=False)


@contextlib.contextmanager
def _written(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to write, which is then whole or absent."""
    part = path.with_name(uuid.uuid4().hex)  # two workers may be at the same rows
    try:
        with part.open("xb") as stream:
            yield stream
        part.replace(path)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror or error}"
        raise DataError(msg) from error
    finally:
        part.unlink(missing_ok=True)


def _check_arrived(paths: Sequence[Path]) -> None:
    missing = [path for path in paths if not path.exists()]
    if missing:
        msg = f"the workers' files do not arrive, e.g. {missing[0]}: write to a folder all share"
        raise EngineError(msg)


def _plain(frame: pl.LazyFrame, schema: pl.Schema) -> pl.LazyFrame:
    columns = []
    for name, dtype in schema.items():
        column = pl.col(name)
        if dtype in _PLAIN:
            columns.append(column)
        elif dtype.is_numeric():
            columns.append(column.cast(pl.Float64))
        elif isinstance(dtype, pl.Datetime):
            columns.append(column.dt.replace_time_zone(None).cast(pl.Datetime("us")))
        elif dtype in (pl.Categorical, pl.Enum, pl.Null):
            columns.append(column.cast(pl.String))
    return frame.select(columns)
