"""Read and write tables: CSV, Parquet and JSON lines.

A source is a file, a folder of parts or a glob. Frames are lazy polars frames; no
value is kept before a stage asks for it.
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
import polars.selectors as cs
from narwhals.exceptions import NarwhalsError

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
"""344 penguins of the Palmer Archipelago, 2007 to 2009: lengths in mm, body mass in g.

Gorman, Williams and Fraser (2014), in the form of the palmerpenguins data set by Horst,
Hill and Gorman (2020), https://allisonhorst.github.io/palmerpenguins/, licence CC0 1.0.

:meta hide-value:
"""

SAMPLE_TARGET = "species"

_MISSING = ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "None"]


def scan(source: str | Path, *, text: Collection[str] = ()) -> pl.LazyFrame:
    """Open a table; the lines of a CSV are checked, but no row is kept.

    Parameters
    ----------
    source
        File, folder of parts (one format, same columns in any order) or glob.
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
        If there is no such file, its format is unknown, its header or a line is
        broken or its parts do not fit together.
    """
    with reading(source):
        paths = _parts(source)
        if paths[0].suffix.lower() == ".csv":
            parts = _scan_csvs(paths, text)
        elif paths[0].suffix.lower() == ".parquet":
            parts = [pl.scan_parquet(path) for path in paths]
        else:
            parts = [pl.scan_ndjson(path, infer_schema_length=None) for path in paths]
        frame = _stack(paths, parts)
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


def write(
    frame: pl.DataFrame | pl.LazyFrame, path: Path, *, source: str | Path | None = None
) -> None:
    """Write a table; the format follows from the suffix. The file is whole or absent.

    Parameters
    ----------
    source
        Where a lazy frame comes from, to be named in errors; None: not known.

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
    with files.atomic(path) as part, reading(f"{source} -> {path}" if source else path):
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
    except (pl.exceptions.PolarsError, NarwhalsError, OSError) as error:
        reason = str(error).strip().partition("\n")[0]
        msg = f"{source}: {reason}"
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
    empty = [part for part in found if part.stat().st_size == 0]
    if empty:
        msg = f"{empty[0]} is empty"
        raise DataError(msg)
    return found


def _stack(paths: list[Path], parts: list[pl.LazyFrame]) -> pl.LazyFrame:
    """Put parts below each other; where types differ, the wider one holds."""
    names = [part.collect_schema().names() for part in parts]
    for path, here in zip(paths, names, strict=True):
        if set(here) != set(names[0]):
            differing = ", ".join(sorted(set(here) ^ set(names[0])))
            msg = f"{path} and {paths[0]} must have the same columns, they differ in {differing}"
            raise DataError(msg)
    return pl.concat([part.select(names[0]) for part in parts], how="vertical_relaxed")


def _scan_csvs(paths: list[Path], text: Collection[str]) -> list[pl.LazyFrame]:
    """Open CSV files; a column is text in all or in none, without values of any type."""
    parts = [_scan_csv(path, text) for path in paths]
    texts = [set(part.select(cs.string()).collect_schema().names()) for part in parts]
    mixed = texts[0].union(*texts) - texts[0].intersection(*texts)
    if not mixed:
        return parts
    counts = [
        part.select(pl.col(sorted(mixed & here)).count()).collect().to_dict(as_series=False)
        for part, here in zip(parts, texts, strict=True)
    ]
    text = {*text, *(name for part in counts for name, count in part.items() if any(count))}
    return [
        _scan_csv(path, text).with_columns(
            pl.lit(None).alias(name) for name in part if name not in text
        )
        for path, part in zip(paths, counts, strict=True)
    ]


def _scan_csv(path: Path, text: Collection[str]) -> pl.LazyFrame:
    """Open one CSV file whose separator is the commonest of , ; tab | in its header."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header = stream.readline()
            separator = max(",;\t|", key=header.count)
            lines = csv.reader(itertools.chain([header], stream), delimiter=separator)
            names = _check_lines(path, lines)
    except (OSError, UnicodeError, csv.Error) as error:
        msg = f"cannot read {path} as UTF-8 text: {error}"
        raise DataError(msg) from error
    return pl.scan_csv(
        path,
        separator=separator,
        null_values=_MISSING,
        infer_schema_length=None,
        try_parse_dates=True,
        with_column_names=lambda _: names,  # polars keeps the quotes of "a ""b"" c" double
        schema_overrides={name: pl.String for name in text if name in names},
    )


def _check_lines(path: Path, lines: Iterator[list[str]]) -> list[str]:
    """Refuse what polars would repair in silence: repeated names, short lines; give the header."""
    header = next(lines, [])
    repeated = sorted({name for name in header if header.count(name) > 1})
    if not header:
        msg = f"{path} is empty"
        raise DataError(msg)
    if repeated:
        msg = f"{path}: column names must differ, got {', '.join(repeated)} more than once"
        raise DataError(msg)
    for number, line in enumerate(lines, start=2):
        if len(line) != len(header) and (line or len(header) > 1):
            msg = f"{path}: row {number} has {len(line)} fields, the header has {len(header)}"
            raise DataError(msg)
    return header
