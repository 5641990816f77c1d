"""Read and write tables: CSV, Parquet and JSON lines.

A source is a file, a folder of parts or a glob. Frames are lazy polars frames;
nothing is read before a stage asks for values.
"""

import contextlib
import csv
import glob
import hashlib
import itertools
import logging
from collections.abc import Collection, Iterator
from pathlib import Path

import polars as pl

from ._internal import files
from .errors import DataError

__all__ = [
    "FORMATS",
    "SAMPLE",
    "SAMPLE_TARGET",
    "read",
    "reading",
    "scan",
    "sha256",
    "write",
]

logger = logging.getLogger(__name__)

FORMATS = (".csv", ".jsonl", ".ndjson", ".parquet")
SAMPLE = Path(__file__).parent / "data" / "penguins.csv"
SAMPLE_TARGET = "species"

_MISSING = ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "None"]
_CHECKED_LINES = 10_000


def scan(source: str | Path, *, text: Collection[str] = ()) -> pl.LazyFrame:
    """Open a table without reading its rows.

    Parameters
    ----------
    source
        File, folder of parts (one format, same columns) or glob.
    text
        Columns of a CSV to keep as text, so that "007" does not become 7.

    Returns
    -------
    pl.LazyFrame
        The columns of the source, in its order. Empty fields and NA, N/A, NaN,
        null and None in a CSV are missing.

    Raises
    ------
    DataError
        If there is no such file, its format is unknown or its header or first
        lines are broken.
    """
    paths = _parts(source)
    with reading(source):
        if paths[0].suffix.lower() == ".csv":
            frame = pl.concat([_scan_csv(path, text) for path in paths])
        elif paths[0].suffix.lower() == ".parquet":
            frame = pl.scan_parquet(paths)
        else:
            frame = pl.scan_ndjson(paths, infer_schema_length=None)
        names = frame.collect_schema().names()
    if "" in names:
        logger.warning("left out the column without a name of %s (a row number?)", source)
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
    if table.is_empty():
        msg = f"{source} has a header but no rows"
        raise DataError(msg)
    logger.info("read %d rows and %d columns from %s", *table.shape, source)
    return table


def write(frame: pl.DataFrame | pl.LazyFrame, path: Path) -> None:
    """Write a table; the format follows from the suffix. The file is whole or absent.

    Raises
    ------
    DataError
        If the suffix is unknown, the file cannot be written, or a lazy frame
        turns out to be broken while it is read.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        msg = f"cannot write {path}: the name must end in {', '.join(FORMATS)}"
        raise DataError(msg)
    with files.atomic(path) as part, reading(path):
        if suffix == ".csv":
            frame.lazy().sink_csv(part)
        elif suffix == ".parquet":
            frame.lazy().sink_parquet(part)
        else:
            frame.lazy().sink_ndjson(part)


def sha256(source: str | Path) -> str:
    """Hash the bytes of a source, part after part: 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in _parts(source):
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def reading(source: str | Path) -> Iterator[None]:
    """Turn what polars raises about a table into one line that names it."""
    try:
        yield
    except pl.exceptions.NoDataError as error:
        msg = f"{source} is empty"
        raise DataError(msg) from error
    except (pl.exceptions.PolarsError, OSError) as error:
        msg = f"{source}: {str(error).splitlines()[0]}"
        raise DataError(msg) from error


def _parts(source: str | Path) -> list[Path]:
    """Find the files of a source, sorted by name."""
    path = Path(source)
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
    return found


def _scan_csv(path: Path, text: Collection[str]) -> pl.LazyFrame:
    """Open one CSV file whose separator is the commonest of , ; tab | in its header."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header = stream.readline()
            separator = max(",;\t|", key=header.count)
            _check_lines(path, csv.reader(itertools.chain([header], stream), delimiter=separator))
    except (OSError, UnicodeError, csv.Error) as error:
        msg = f"cannot read {path} as UTF-8 text: {error}"
        raise DataError(msg) from error
    names = next(csv.reader([header], delimiter=separator))
    return pl.scan_csv(
        path,
        separator=separator,
        null_values=_MISSING,
        infer_schema_length=None,
        try_parse_dates=True,
        schema_overrides={name: pl.String for name in text if name in names},
    )


def _check_lines(path: Path, lines: Iterator[list[str]]) -> None:
    """Refuse what polars would repair in silence: repeated names, short lines."""
    header = next(lines, [])
    repeated = sorted({name for name in header if header.count(name) > 1})
    if not header:
        msg = f"{path} is empty"
        raise DataError(msg)
    if repeated:
        msg = f"{path}: column names must differ, got {', '.join(repeated)} more than once"
        raise DataError(msg)
    for number, line in enumerate(itertools.islice(lines, _CHECKED_LINES), start=2):
        if line and len(line) != len(header):
            msg = f"{path}: row {number} has {len(line)} fields, the header has {len(header)}"
            raise DataError(msg)
