"""Open tables of any format: a file, a folder of parts, a glob, a URL, standard input."""

import functools
import glob
import gzip
import re
import sys
import zipfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from ..errors import DataError, require
from . import columns, dialect, explained
from .columns import Table
from .dialect import File
from .reading import Reading

__all__ = ["Part", "Table", "parts", "scan", "shown"]

_TEXT = (".csv", ".tsv", ".tab", ".txt", ".psv", ".dat")
_EXCEL = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_JSON = (".jsonl", ".ndjson", ".json")
_TYPED = (".parquet", ".arrow", ".feather", ".ipc")
_KNOWN = (*_TEXT, *_JSON, *_TYPED, *_EXCEL)
_MAGIC = {b"PAR1": ".parquet", b"ARROW1": ".arrow", b"PK": ".xlsx", b"{": ".jsonl", b"[": ".json"}


class Part(NamedTuple):
    """A file of a source: `data` is its path, URL or bytes; `keys` come from its folders."""

    name: str
    data: Any
    suffix: str
    keys: tuple[tuple[str, str], ...] = ()


def shown(source: object) -> str:
    """Name a source; of a URL scheme, host, port and path, where there is no secret."""
    return re.sub(r"(?s)(?<=://)(?:.*@)?([^?#;@]*).*", r"\1", str(source))


def parts(source: str | Path) -> list[Part]:
    """Find the files of a source, sorted by name.

    Raises
    ------
    DataError
        If there is none, one is empty, or their format is unknown or not the same.
    """
    name = str(source)
    if name == "-":
        content = _standard_input()
        known = (suffix for begin, suffix in _MAGIC.items() if content.startswith(begin))
        return [Part("standard input", content, next(known, ".csv"))]
    if "://" in name:
        return [Part(shown(name), name, _suffix(shown(name)))]
    msg = f"a source has no name: is a variable of the shell empty? Got {name!r}"
    require(name and "\0" not in name, DataError, msg)
    root = Path(source)
    found = [root] if root.exists() else [Path(path) for path in glob.glob(name)]  # noqa: PTH207
    if root.is_dir():
        pattern = "**/*" if any("=" in path.name for path in root.iterdir()) else "*"
        found = [path for path in root.glob(pattern) if _suffix(path.name) in _KNOWN]
    found = sorted(path for path in found if not path.name.startswith("."))
    suffixes = sorted({_suffix(path.name) for path in found})
    require(found, DataError, f"{source}: no such file, or no {', '.join(_KNOWN)} in it")
    msg = f"{source}: must be of one format out of {', '.join(_KNOWN)}, got {', '.join(suffixes)}"
    require(len(suffixes) == 1 and suffixes[0] in _KNOWN, DataError, msg)
    for path in found:
        require(path.stat().st_size, DataError, f"{path} is empty")
    return [_part(path, root) for path in found]


def scan(
    sources: Sequence[str | Path], reading: Reading, kinds: Mapping[str, str], *, eager: bool
) -> Table:
    """Open sources below each other; the types of text are settled over all of them."""
    found = [part for source in sources for part in parts(source)]
    kind = {"format": found[0].suffix[1:]}
    if all(part.suffix in _TYPED for part in found):
        frame = columns.stack({part.name: _open(part) for part in found})
        return Table(frame, [], reading.dates, kind)
    try:
        files = [_file(part, reading) for part in found]
        table = columns.settle(files, reading, kinds, eager=eager)
        return table._replace(dialect={**kind, **table.dialect})
    except pl.exceptions.ComputeError as error:  # not UTF-8 after all: Western European
        msg = f"{found[0].name}: a quote is not closed, or stands within a field without quotes"
        utf = re.search("utf-?8", str(error))
        require(utf or found[0].suffix not in _TEXT, DataError, msg)
        if not utf or reading.encoding != "auto":
            raise
    table = scan(sources, reading.model_copy(update={"encoding": "cp1252"}), kinds, eager=eager)
    doubt = f'{found[0].name}: not UTF-8, read as cp1252; set encoding = "cp1252" to silence'
    return table._replace(doubts=[doubt, *table.doubts])


def _file(part: Part, reading: Reading) -> File:
    """Open a file whose text is to be read."""
    if part.suffix in _TEXT:
        return dialect.look(part.name, part.data, reading, part.keys)
    frame = _sheet(part, reading.sheet) if part.suffix in _EXCEL else _open(part)
    return File(part.name, lambda _: frame, frame.head(10_000).collect(), {})


def _open(part: Part) -> pl.LazyFrame:
    """Open a file whose columns have types."""
    if part.suffix in _TYPED:
        scan = pl.scan_parquet if part.suffix == ".parquet" else pl.scan_ipc
        return scan(part.data, hive_partitioning=bool(part.keys) or None)
    if part.suffix == ".json":
        data = dialect.fetch(part.data) if isinstance(part.data, str) else part.data
        return pl.read_json(data, infer_schema_length=None).lazy()
    return pl.scan_ndjson(part.data, infer_schema_length=None)


def _sheet(part: Part, sheet: str) -> Any:
    which: dict[str, Any] = {} if sheet == "auto" else {"sheet_name": sheet}
    which = {"sheet_id": int(sheet)} if sheet.isdigit() else which
    msg = f'{part.name}: Excel files need fastexcel: uv add "fastexcel>=0.14"'
    require(find_spec("fastexcel"), DataError, msg)
    with explained(DataError, f"cannot read {part.name}", (Exception,)):
        return pl.read_excel(part.data, infer_schema_length=None, **which).lazy()


@functools.cache
def _standard_input() -> bytes:
    return sys.stdin.buffer.read()


def _part(path: Path, root: Path) -> Part:
    """Open an archive; find the columns that are in the names of folders."""
    inside = path.relative_to(root).parts[:-1] if root in path.parents else ()
    keys = tuple((name.partition("=")[0], name.partition("=")[2]) for name in inside if "=" in name)
    data: Any = path
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            msg = f"{path}: must hold one file, got {len(names)}: unpack it"
            require(len(names) == 1, DataError, msg)
            data = archive.read(names[0])
    elif path.suffix.lower() == ".gz" and _suffix(path.name) not in _TEXT:
        data = gzip.decompress(path.read_bytes())
    return Part(str(path), data, _suffix(path.name), keys)


def _suffix(name: str) -> str:
    """Give the suffix that tells the format, without that of a compression."""
    path = Path(name)
    if path.suffix.lower() in (".gz", ".zst", ".zip"):
        path = Path(path.stem if Path(path.stem).suffix else f"{path.stem}.csv")
    return path.suffix.lower()
