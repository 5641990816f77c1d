"""Open CSV files of any size: find separator, names and types, refuse broken lines."""

import csv
import io
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from ..errors import DataError

__all__ = ["FIRST_ROWS", "MISSING", "scan"]

MISSING = ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "None"]
"""What stands for a missing value."""

FIRST_ROWS = 10_000
"""Rows that tell the types; those after them may widen them."""

_WIDER: dict[Any, Any] = {pl.Int64(): pl.Int128(), pl.Int128(): pl.Float64()}


def scan(paths: Sequence[Path], text: Collection[str] = ()) -> list[pl.LazyFrame]:
    """Open CSV files; a column is text in all or in none, without values of any type.

    Parameters
    ----------
    paths
        Files whose separator is the commonest of , ; tab | in the header.
    text
        Columns to keep as text.

    Raises
    ------
    DataError
        If a name is repeated, a line is short or long, or a file is no UTF-8 text.
    """
    parts = [_scan(path, text) for path in paths]
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
        _scan(path, text).with_columns(
            pl.lit(None).alias(name) for name in part if name not in text
        )
        for path, part in zip(paths, counts, strict=True)
    ]


def _scan(path: Path, text: Collection[str]) -> pl.LazyFrame:
    """Open one file; the types are those of its first rows, wider where a later value needs it."""
    separator, names = _look(path)

    def opened(types: Mapping[str, Any], **options: Any) -> pl.LazyFrame:
        return pl.scan_csv(
            path,
            separator=separator,
            null_values=MISSING,
            try_parse_dates=True,
            with_column_names=lambda _: names,  # polars keeps the quotes of "a ""b"" c" double
            schema_overrides=types,
            **options,
        )

    fixed = dict.fromkeys((name for name in names if name in text), pl.String())
    frame = opened(fixed, infer_schema_length=FIRST_ROWS)
    first = opened(fixed, infer_schema=False).head(FIRST_ROWS).collect()  # as text, fit or not
    if len(first) < FIRST_ROWS:
        return frame
    types = dict(frame.collect_schema())
    for name in types.keys() - fixed:
        if first[name].null_count() == len(first):
            types[name] = _first_type(opened(types, infer_schema=False).select(name))
    if not _fits(opened(types), [name for name in types if types[name] != pl.String]):
        for name in types:
            while types[name] != pl.String and not _fits(opened(types), [name]):
                types[name] = _WIDER.get(types[name], pl.String())
    return opened(types, infer_schema=False)


def _first_type(column: pl.LazyFrame) -> Any:
    """Find the type of a column's first values; text if there is none."""
    values = column.drop_nulls().head(FIRST_ROWS).collect()
    frame = pl.read_csv(io.BytesIO(values.write_csv().encode()), try_parse_dates=True)
    return frame.dtypes[0]


def _fits(frame: pl.LazyFrame, names: Sequence[str]) -> bool:
    """Tell whether all values of some columns can be read as their types."""
    try:
        frame.select(pl.col(names).count()).collect(engine="streaming")
    except pl.exceptions.ComputeError:
        return False
    return True


def _look(path: Path) -> tuple[str, list[str]]:
    """Find separator and names; refuse what polars would repair in silence."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header = stream.readline()
            separator = max(",;\t|", key=header.count)
            lines = csv.reader(itertools.chain([header], stream), delimiter=separator)
            names = _names(path, lines)
            if not _even(path, separator.encode(), len(names)):
                _check(path, lines, len(names))
    except (OSError, UnicodeError, csv.Error) as error:
        msg = f"cannot read {path} as UTF-8 text: {error}"
        raise DataError(msg) from error
    return separator, names


def _names(path: Path, lines: Iterator[list[str]]) -> list[str]:
    names = next(lines, [])
    repeated = sorted({name for name in names if names.count(name) > 1})
    if not names:
        msg = f"{path} is empty"
        raise DataError(msg)
    if repeated:
        msg = f"{path}: column names must differ, got {', '.join(repeated)} more than once"
        raise DataError(msg)
    return names


def _even(path: Path, separator: bytes, n_fields: int) -> bool:
    """Tell whether a file is without quotes and each line has all fields: quick, if it is so."""
    with path.open("rb") as stream:
        rest = b""
        while block := stream.read(1 << 20):
            whole, end, rest = (rest + block).rpartition(b"\n")
            lines = whole.split(b"\n") if end else []
            if not _plain(whole, lines, separator, n_fields) or len(rest) > csv.field_size_limit():
                return False
        return not rest or _plain(rest, [rest], separator, n_fields)


def _plain(text: bytes, lines: list[bytes], separator: bytes, n_fields: int) -> bool:
    try:
        text.decode()
    except UnicodeError:
        return False
    return (
        b'"' not in text
        and text.count(b"\r") == text.count(b"\r\n") + text.endswith(b"\r")
        and max(map(len, lines), default=0) <= csv.field_size_limit()
        and {line.count(separator) for line in lines} <= {n_fields - 1}
    )


def _check(path: Path, lines: Iterator[list[str]], n_fields: int) -> None:
    """Refuse the first line that has fewer or more fields than the header."""
    for number, line in enumerate(lines, start=2):
        if len(line) != n_fields and (line or n_fields > 1):
            msg = f"{path}: row {number} has {len(line)} fields, the header has {n_fields}"
            raise DataError(msg)
