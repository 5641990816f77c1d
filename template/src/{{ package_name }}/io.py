"""Read and write tables: CSV, Parquet and JSON lines.

A source is a file, a folder of parts or a glob. Frames are lazy polars frames; no
value is kept before a stage asks for it.
"""

import contextlib
import glob
import hashlib
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from narwhals.exceptions import NarwhalsError

from ._internal import delimited, files
from .errors import DataError

if TYPE_CHECKING:
    from ._internal.engine import Table

__all__ = [
    "FORMATS",
    "SAMPLE",
    "check_name",
    "count",
    "draw",
    "parts",
    "read",
    "reading",
    "scan",
    "sha256",
    "stack",
    "write",
    "write_table",
]

logger = logging.getLogger(__name__)

FORMATS = (".csv", ".jsonl", ".ndjson", ".parquet")
SAMPLE = Path(__file__).parent / "data" / "penguins.csv"
"""344 penguins of the Palmer Archipelago, 2007 to 2009: lengths in mm, body mass in g.

Gorman, Williams and Fraser (2014), in the form of the palmerpenguins data set by Horst,
Hill and Gorman (2020), https://allisonhorst.github.io/palmerpenguins/, licence CC0 1.0.

:meta hide-value:
"""


_BROKEN = pl.exceptions.PolarsError, pl.exceptions.PanicException


def scan(*sources: str | Path, text: Collection[str] = ()) -> pl.LazyFrame:
    """Open a table; the lines of a CSV are checked, but no row is kept.

    Parameters
    ----------
    *sources
        File, folder of parts (one format) or glob; several are put below each other.
        All have the same columns, in any order.
    text
        Columns of a CSV to keep as text, so that "007" does not become 7.

    Returns
    -------
    pl.LazyFrame
        The columns of the first file, in its order. Empty fields and NA, N/A, NaN,
        null and None in a CSV are missing.

    Raises
    ------
    DataError
        If there is no such file, its format is unknown, its header or a line is
        broken or its parts do not fit together.
    """
    name = ", ".join(map(str, sources))
    with reading(name):
        paths = [path for source in sources for path in parts(source)]
        tables = dict(zip(paths, _open(paths, text), strict=True))
        frame = stack(tables)
        names = frame.collect_schema().names()
    if "" in names:
        logger.warning("left out the column without a name of %s (a row number?)", name)
        frame = frame.drop("")
    return frame


def read(source: str | Path, *, text: Collection[str] = ()) -> pl.DataFrame:
    """Read a whole table into memory.

    Raises
    ------
    DataError
        As `scan`, or if the table is broken or has no row.
    """
    frame = scan(source, text=text)
    with reading(source):
        table = frame.collect()
    _check_rows(len(table), source)
    logger.info("read %d rows and %d columns from %s", *table.shape, source)
    return table


def draw(source: str | Path, n_rows: int, *, seed: int) -> tuple[pl.DataFrame, int]:
    """Read rows drawn by chance, each at most once; the others are never held in memory.

    Parameters
    ----------
    n_rows
        How many, 1 or more; all are read if there are no more.
    seed
        The same seed draws the same rows, 0 or more.

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
    frame = scan(source)
    total = count(frame, source)
    numbers = pl.int_range(total, dtype=pl.get_index_type(), eager=True)
    drawn = pl.col("").is_in(numbers.sample(min(n_rows, total), seed=seed).implode())
    with reading(source):  # no column is called ""
        table = frame.with_row_index("").filter(drawn).drop("").collect(engine="streaming")
    logger.info("drew %d of %d rows of %s", len(table), total, source)
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


def stack(tables: Mapping[Any, pl.LazyFrame]) -> pl.LazyFrame:
    """Put tables below each other, by name; where types differ, the wider one holds.

    Raises
    ------
    DataError
        If their columns differ.
    """
    names = {table: frame.collect_schema().names() for table, frame in tables.items()}
    first, columns = next(iter(names.items()))
    for table, here in names.items():
        if set(here) != set(columns):
            differing = ", ".join(sorted(set(here) ^ set(columns)))
            msg = f"{table} and {first} must have the same columns, they differ in {differing}"
            raise DataError(msg)
    return pl.concat([frame.select(columns) for frame in tables.values()], how="vertical_relaxed")


def write(
    frame: pl.DataFrame | pl.LazyFrame,
    path: Path,
    *,
    source: str | Path | None = None,
    ready: Callable[[], None] | None = None,
) -> None:
    """Write a table; the format follows from the suffix. The file is whole or absent.

    Parameters
    ----------
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
    suffix = path.suffix.lower()
    named = reading(f"{source} -> {path}" if source else path)
    # not by name: a thread of polars that is late would bring the file back after a failure
    with files.atomic(path, ready=ready) as part, named, part.open("wb") as stream:
        if suffix == ".csv":
            frame.lazy().sink_csv(stream)
        elif suffix == ".parquet":
            frame.lazy().sink_parquet(stream)
        else:
            frame.lazy().sink_ndjson(stream)


def write_table(table: "Table", path: Path, *, source: str | Path) -> None:
    """Write what an engine makes; it writes Parquet by itself if it can.

    Raises
    ------
    DataError
        As `write`.
    EngineError
        If the engine fails.
    """
    by_itself = getattr(table, "write_parquet", None)
    if by_itself and path.suffix.lower() == ".parquet":
        with files.atomic(path) as part:
            by_itself(part)
    else:
        write(table.rows(), path, source=source)


def check_name(path: Path) -> None:
    """Refuse a file to write whose format is not known.

    Raises
    ------
    DataError
        If the suffix is none of `FORMATS`.
    """
    if path.suffix.lower() not in FORMATS:
        msg = f"cannot write {path}: the name must end in {', '.join(FORMATS)}"
        raise DataError(msg)


def sha256(source: str | Path) -> str:
    """Hash the bytes of a source, part after part: 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in parts(source):
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def reading(source: str | Path) -> Iterator[None]:
    """Turn what polars raises about a table into one line that names it."""
    try:
        yield
    except (*_BROKEN, NarwhalsError, OSError) as error:
        reason = str(error).strip().partition("\n")[0]
        msg = f"{source}: {reason}"
        raise DataError(msg) from error


def parts(source: str | Path) -> list[Path]:
    """Find the files of a source, sorted by name.

    Raises
    ------
    DataError
        If there is none, one is empty, or their format is unknown or not the same.
    """
    path = Path(source)
    if not str(source):
        msg = "a source has no name: is a variable of the shell empty?"
        raise DataError(msg)
    if path.is_dir():
        found = [part for part in path.iterdir() if part.suffix.lower() in FORMATS]
    elif path.exists():
        found = [path]
    else:
        found = [Path(name) for name in glob.glob(str(source))]  # noqa: PTH207 - may be absolute
    found = sorted(part for part in found if not part.name.startswith("."))
    if not found:
        msg = f"{source}: no such file, or no {', '.join(FORMATS)} in it"
        raise DataError(msg)
    suffixes = sorted({part.suffix.lower() for part in found})
    if len(suffixes) > 1 or suffixes[0] not in FORMATS:
        known = ", ".join(FORMATS)
        msg = f"{source}: must be of one format out of {known}, got {', '.join(suffixes)}"
        raise DataError(msg)
    empty = [part for part in found if part.stat().st_size == 0]
    if empty:
        msg = f"{empty[0]} is empty"
        raise DataError(msg)
    return found


def _check_rows(n_rows: int, source: str | Path) -> None:
    if n_rows == 0:
        msg = f"{source} has a header but no rows"
        raise DataError(msg)


def _open(paths: Sequence[Path], text: Collection[str]) -> Iterator[pl.LazyFrame]:
    """Open files; the CSV files among them settle their types together."""
    lines = [path for path in paths if path.suffix.lower() == ".csv"]
    tables = iter(delimited.scan(lines, text) if lines else ())
    for path in paths:
        if path in lines:
            yield next(tables)
        elif path.suffix.lower() == ".parquet":
            yield pl.scan_parquet(path)
        else:
            yield pl.scan_ndjson(path, infer_schema_length=None)
