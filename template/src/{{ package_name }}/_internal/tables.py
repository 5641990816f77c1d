"""Open tables of any format: a file, a folder of parts, a glob, a URL, standard input."""

import functools
import glob
import gzip
import itertools
import re
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from ..errors import DataError
from . import columns, dialect
from .columns import Table
from .reading import Reading

__all__ = ["Part", "Table", "parts", "scan", "shown"]

_TEXT = (".csv", ".tsv", ".tab", ".txt", ".psv", ".dat")
_EXCEL = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_IPC = (".arrow", ".feather", ".ipc")
_JSON = (".jsonl", ".ndjson", ".json")
_KNOWN = (*_TEXT, *_JSON, ".parquet", *_IPC, *_EXCEL)
_MAGIC = {b"PAR1": ".parquet", b"ARROW1": ".arrow", b"PK": ".xlsx", b"{": ".jsonl", b"[": ".json"}


class Part(NamedTuple):
    """A file of a source: `data` is its path, URL or bytes; `keys` come from its folders."""

    name: str
    data: Any
    suffix: str
    keys: tuple[tuple[str, str], ...] = ()


def shown(source: object) -> str:
    """Name a source; of a URL scheme, host, port and path, where there is no secret."""
    scheme, between, rest = str(source).partition("://")
    if not between:
        return str(source)
    place = re.match(r"[^?#;@]*", rest.rpartition("@")[2])
    return f"{scheme}://{place[0] if place else ''}"


def parts(source: str | Path) -> list[Part]:
    """Find the files of a source, sorted by name.

    Raises
    ------
    DataError
        If there is none, one is empty, or their format is unknown or not the same.
    """
    name = str(source)
    if name in ("", "-") or "\0" in name:
        if name == "-":
            content = _standard_input()
            kinds = (suffix for begin, suffix in _MAGIC.items() if content.startswith(begin))
            return [Part("standard input", content, next(kinds, ".csv"))]
        msg = f"a source has no name: is a variable of the shell empty? Got {name!r}"
        raise DataError(msg)
    if "://" in name:
        return [Part(shown(name), name, _suffix(shown(name)))]
    root = Path(source)
    found = [root]
    if root.is_dir():
        keyed = any("=" in path.name for path in root.iterdir())
        found = [
            path for path in root.glob("**/*" if keyed else "*") if _suffix(path.name) in _KNOWN
        ]
    elif not root.exists():
        found = [Path(path) for path in glob.glob(name)]  # noqa: PTH207 - may be absolute
    found = sorted(path for path in found if not path.name.startswith("."))
    suffixes = sorted({_suffix(path.name) for path in found})
    if not found:
        msg = f"{source}: no such file, or no {', '.join(_KNOWN)} in it"
        raise DataError(msg)
    if len(suffixes) > 1 or suffixes[0] not in _KNOWN:
        known = ", ".join(_KNOWN)
        msg = f"{source}: must be of one format out of {known}, got {', '.join(suffixes)}"
        raise DataError(msg)
    if empty := [path for path in found if path.stat().st_size == 0]:
        msg = f"{empty[0]} is empty"
        raise DataError(msg)
    return [_part(path, root) for path in found]


def scan(
    sources: Sequence[str | Path], reading: Reading, kinds: Mapping[str, str], *, eager: bool
) -> Table:
    """Open sources below each other; all text files settle their types together."""
    found = [part for source in sources for part in parts(source)]
    tables: dict[Any, pl.LazyFrame] = {}
    doubts: list[str] = []
    dates = reading.dates
    for lines, group in itertools.groupby(
        found, lambda part: part.suffix in (*_TEXT, *_JSON, *_EXCEL)
    ):
        if lines:
            members = list(group)
            table = _settle(members, reading, kinds, eager=eager)
            tables[members[0].name] = table.frame
            doubts += table.doubts
            dates = table.dates
        else:
            tables |= {part.name: _open(part) for part in group}
    return Table(columns.stack(tables), doubts, dates)


def _settle(
    members: Sequence[Part], reading: Reading, kinds: Mapping[str, str], *, eager: bool
) -> Table:
    """Read text files; where one is not UTF-8 after all, as Western European."""
    texts = [_look(part, reading) for part in members]
    try:
        return columns.settle(texts, reading, kinds, eager=eager)
    except pl.exceptions.ComputeError as error:
        if "utf-8" not in str(error) or reading.encoding != "auto":
            raise
    table = _settle(members, reading.model_copy(update={"encoding": "cp1252"}), kinds, eager=eager)
    doubt = f'{members[0].name}: not UTF-8, read as cp1252; set encoding = "cp1252" to silence'
    return Table(table.frame, [doubt, *table.doubts], table.dates)


def _open(part: Part) -> pl.LazyFrame:
    """Open a file whose columns have types."""
    hive = bool(part.keys)
    if part.suffix == ".parquet":
        return pl.scan_parquet(part.data, hive_partitioning=hive or None, glob=True)
    if part.suffix in _IPC:
        return pl.scan_ipc(part.data, hive_partitioning=hive or None)
    if part.suffix == ".json":
        return pl.read_json(part.data, infer_schema_length=None).lazy()
    return pl.scan_ndjson(part.data, infer_schema_length=None)


def _look(part: Part, reading: Reading) -> Any:
    """Open a text file, or a sheet as one."""
    if part.suffix in _TEXT:
        return dialect.look(part.name, part.data, reading, part.keys)
    if part.suffix in _JSON:
        return Typed(part.name, _open(part))
    which: dict[str, Any] = {} if reading.sheet == "auto" else {"sheet_name": reading.sheet}
    if reading.sheet.isdigit():
        which = {"sheet_id": int(reading.sheet)}
    try:
        sheet: pl.DataFrame = pl.read_excel(part.data, infer_schema_length=None, **which)
    except ModuleNotFoundError as error:
        msg = f'{part.name}: Excel files need fastexcel: uv add "fastexcel>=0.14"'
        raise DataError(msg) from error
    return Typed(part.name, sheet.lazy())


@dataclass(frozen=True)
class Typed:
    """A table that has types; its text is read as that of a text file."""

    name: str
    frame: pl.LazyFrame
    doubts: tuple[str, ...] = ()
    separator: str = ","

    @property
    def columns(self) -> list[str]:
        """Name the columns."""
        return self.frame.collect_schema().names()

    def open(self, types: Mapping[str, Any]) -> pl.LazyFrame:
        """Give the table."""
        return self.frame

    def first(self) -> pl.DataFrame:
        """Give some rows."""
        return self.frame.head(10_000).collect()

    def check_rows(self, n_rows: int) -> None:
        """Find nothing: each row has all columns."""


@functools.cache
def _standard_input() -> bytes:
    return sys.stdin.buffer.read()


def _part(path: Path, root: Path) -> Part:
    """Open an archive; find the columns that are in the names of folders."""
    inside = path.relative_to(root).parts[:-1] if root in path.parents else ()
    pairs = (name.partition("=") for name in inside)
    keys = tuple((key, value) for key, sign, value in pairs if sign)
    data: Any = path
    if path.suffix.lower() == ".zip":
        data = _unzip(path)
    elif path.suffix.lower() == ".gz" and _suffix(path.name) not in _TEXT:
        data = gzip.decompress(path.read_bytes())
    return Part(str(path), data, _suffix(path.name), keys)


def _unzip(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        if len(names) != 1:
            msg = f"{path}: must hold one file, got {len(names)}: unpack it"
            raise DataError(msg)
        return archive.read(names[0])


def _suffix(name: str) -> str:
    """Give the suffix that tells the format, without that of a compression."""
    path = Path(name)
    if path.suffix.lower() in (".gz", ".zst", ".zip"):
        path = Path(path.stem if Path(path.stem).suffix else f"{path.stem}.csv")
    return path.suffix.lower()
