"""Read and write tables.

A source is a file, a folder of parts, a glob, a URL or ``-`` for standard input. Frames
are polars frames; what may be misread comes with them, one line for each doubt.
"""

import contextlib
import hashlib
import logging
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from narwhals.exceptions import NarwhalsError

from ._internal import files, tables
from ._internal.columns import stack
from ._internal.reading import Reading
from ._internal.tables import Table, shown
from .errors import DataError, require

if TYPE_CHECKING:
    from ._internal import engine

__all__ = ["FORMATS", "SAMPLE", "Reading", "Table", "draw", "load", "read", "scan", "write"]
__all__ += ["check_name", "collect", "count", "parts", "reading", "sha256", "shown", "stack"]
__all__ += ["write_table"]

logger = logging.getLogger(__name__)

SAMPLE = Path(__file__).parent / "data" / "penguins.csv"
"""344 penguins of the Palmer Archipelago, 2007 to 2009: lengths in mm, body mass in g.

Gorman, Williams and Fraser (2014), in the form of the palmerpenguins data set by Horst,
Hill and Gorman (2020), https://allisonhorst.github.io/palmerpenguins/, licence CC0 1.0.

:meta hide-value:
"""

FORMATS = (".csv", ".jsonl", ".ndjson", ".parquet")
"""What can be written."""

_BROKEN = pl.exceptions.PolarsError, pl.exceptions.PanicException


def load(
    *sources: str | Path,
    settings: Reading | None = None,
    kinds: Mapping[str, str] | None = None,
    eager: bool = False,
) -> Table:
    """Open a table, and report what may be misread.

    Parameters
    ----------
    *sources
        File, folder of parts (one format), glob, URL or ``-`` for standard input; several
        are put below each other. All have the same columns, in any order.
    settings
        How text is read; None: all of it is found from the table.
    kinds
        Column -> numeric, category, boolean, date or datetime, where it is known, e.g.
        from training; None: nowhere.
    eager
        Keep the rows in memory, so that they are read once.

    Returns
    -------
    Table
        The columns of the first file, in its order, as a lazy frame; and the doubts, one
        line each, which are logged as warnings too.

    Raises
    ------
    DataError
        If there is no such file, its format is unknown, its header or a line is
        broken or its parts do not fit together.
    """
    with reading(", ".join(map(shown, sources))):
        table = tables.scan(sources, settings or Reading(), kinds or {}, eager=eager)
    for doubt in table.doubts:
        logger.warning("%s", doubt)
    return table


def scan(
    *sources: str | Path,
    settings: Reading | None = None,
    kinds: Mapping[str, str] | None = None,
) -> pl.LazyFrame:
    """Open a table as `load` does; give its rows, none of which is kept."""
    return load(*sources, settings=settings, kinds=kinds).frame


def read(source: str | Path, *, settings: Reading | None = None) -> pl.DataFrame:
    """Read a whole table into memory.

    Raises
    ------
    DataError
        As `load`, or if the table is broken or has no row.
    """
    return collect(load(source, settings=settings, eager=True).frame, source)


def collect(frame: pl.LazyFrame, source: str | Path) -> pl.DataFrame:
    """Compute the rows of a source, 1 or more.

    Raises
    ------
    DataError
        If there is none, or the table turns out to be broken.
    """
    with reading(source):
        table = frame.collect()
    _check_rows(len(table), source)
    logger.info("read %d rows and %d columns from %s", *table.shape, shown(source))
    return table


def draw(
    source: str | Path, n_rows: int, *, seed: int, frame: pl.LazyFrame | None = None
) -> tuple[pl.DataFrame, int]:
    """Read a random sample of rows; the others are never held in memory.

    Parameters
    ----------
    n_rows
        How many, 1 or more; all are read if there are no more.
    seed
        The same seed draws the same rows, 0 or more.
    frame
        What `load` gave for the source; None: it is loaded.

    Returns
    -------
    table
        The rows drawn, in the order of the source.
    n_source_rows
        Number of rows there are.

    Raises
    ------
    DataError
        As `read`.
    """
    frame = load(source).frame if frame is None else frame
    total = count(frame, source)
    numbers = pl.int_range(total, dtype=pl.get_index_type(), eager=True)
    drawn = pl.col("").is_in(numbers.sample(min(n_rows, total), seed=seed).implode())
    with reading(source):  # no column is called ""
        table = frame.with_row_index("").filter(drawn).drop("").collect(engine="streaming")
    logger.info("drew %d of %d rows of %s", len(table), total, shown(source))
    return table, total


def count(frame: pl.LazyFrame, source: str | Path) -> int:
    """Count the rows of a source, 1 or more.

    Raises
    ------
    DataError
        If there is none, or a lazy frame turns out to be broken.
    """
    with reading(source):
        n_rows = int(frame.select(pl.len()).collect().item())
    _check_rows(n_rows, source)
    return n_rows


def write(
    frame: pl.DataFrame | pl.LazyFrame,
    path: str | Path,
    *,
    source: str | Path | None = None,
    ready: Callable[[], None] | None = None,
) -> None:
    """Write a table; the format follows from the suffix. The file is whole or absent.

    Parameters
    ----------
    path
        A file, or a URL such as ``s3://bucket/file.parquet``.
    source
        Where a lazy frame comes from, to be named in errors; None: not known.
    ready
        Called when all is written, before the file takes its place; None: nothing is.

    Raises
    ------
    DataError
        If the suffix is unknown, the file cannot be written, or a lazy frame
        turns out to be broken while it is read.
    """
    check_name(path)
    kinds = {".csv": "sink_csv", ".parquet": "sink_parquet"}
    kind = kinds.get(Path(path).suffix.lower(), "sink_ndjson")
    named = reading(f"{source} -> {path}" if source else path)
    if isinstance(path, str):  # a store would keep what is there when a step fails
        with tempfile.TemporaryDirectory() as folder, named:
            frame.lazy().sink_parquet(whole := Path(folder, "whole.parquet"))
            getattr(pl.scan_parquet(whole, glob=False), kind)(path)
        return
    # not by name: a thread of polars that is late would bring the file back after a failure
    with files.atomic(path, ready=ready) as part, named, part.open("wb") as stream:
        getattr(frame.lazy(), kind)(stream)


def write_table(table: "engine.Table", path: str | Path, *, source: str | Path) -> None:
    """Write what an engine makes; it writes Parquet by itself if it can.

    Raises
    ------
    DataError
        As `write`.
    EngineError
        If the engine fails.
    """
    by_itself = getattr(table, "write_parquet", None)
    if by_itself and isinstance(path, Path) and path.suffix.lower() == ".parquet":
        with files.atomic(path) as part:
            by_itself(part)
    else:
        write(table.rows(), path, source=source)


def check_name(path: str | Path) -> None:
    """Refuse a file to write whose format is not known.

    Raises
    ------
    DataError
        If the suffix is none of `FORMATS`.
    """
    msg = f"cannot write {shown(path)}: the name must end in {', '.join(FORMATS)}"
    require(Path(path).suffix.lower() in FORMATS, DataError, msg)


def sha256(source: str | Path) -> str:
    """Hash the bytes of a source, part after part, or the rows of a URL: 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for part in tables.parts(source):
        if isinstance(part.data, str):
            rows = tables.scan([part.data], Reading(), {}, eager=False).frame
            for batch in rows.collect_batches(maintain_order=True, chunk_size=10_000):
                digest.update(batch.write_ndjson().encode())
            continue
        with part.data.open("rb") if isinstance(part.data, Path) else BytesIO(part.data) as stream:
            hashlib.file_digest(stream, lambda: digest)
    return digest.hexdigest()


@contextlib.contextmanager
def reading(source: str | Path) -> Iterator[None]:
    """Turn what polars raises about a table into one line that names it."""
    try:
        yield
    except (*_BROKEN, NarwhalsError, OSError) as error:
        reason = str(error).strip().partition("\n")[0].partition(": Error performing")[0]
        reason = re.sub(r"\w+://\S+", lambda found: shown(found[0]), reason)
        if "://" in str(source):  # queries hold keys
            reason = re.sub(r"\S*[?#@=]\S*", "...", reason)
        msg = f"{shown(source)}: {reason}"
        raise DataError(msg) from error


def parts(source: str | Path) -> list[Path]:
    """List the files of a source, sorted by name; none for a URL or standard input.

    Raises
    ------
    DataError
        If there is none, one is empty, or their format is unknown or not the same.
    """
    return [part.data for part in tables.parts(source) if isinstance(part.data, Path)]


def _check_rows(n_rows: int, source: str | Path) -> None:
    require(n_rows, DataError, f"{shown(source)} has a header but no rows")
