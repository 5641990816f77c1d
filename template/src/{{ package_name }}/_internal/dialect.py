"""Find how a text file is written: encoding, line ends, separator, header, comments."""

import codecs
import csv
import gzip
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO, StringIO
from typing import Any, NamedTuple

import polars as pl

from ..errors import DataError, require
from .reading import Reading

__all__ = ["MAX_COLUMNS", "File", "fetch", "look"]

MAX_COLUMNS = 20_000
_BLOCK = 1 << 20
_COMMENT = re.compile(r"\s*(##|#|%|//|--)")
_NUMBER = re.compile(r"\s*[-+]?[\d.,]*\d\s*")


class File(NamedTuple):
    """A file whose columns are text, or have types already.

    `open` gives its rows, with types for some columns; `dialect` says how they are written;
    `check` refuses a row that is short.
    """

    name: str
    open: Callable[[Mapping[str, Any]], pl.LazyFrame]
    sample: pl.DataFrame
    dialect: Mapping[str, str]
    doubts: tuple[str, ...] = ()
    check: Callable[[], None] = lambda: None


def look(name: str, source: Any, reading: Reading, keys: tuple[tuple[str, str], ...] = ()) -> File:
    """Find how a file is written.

    Parameters
    ----------
    name
        What errors call the file.
    source
        Path, URL or bytes.
    reading
        What is known: all that is "auto" is found from the beginning of the file and
        blocks spread over it.
    keys
        Columns with one value each, from the names of folders.

    Raises
    ------
    DataError
        If there is no header, a column name occurs twice, or the encoding is wrong.
    """
    head = _head(source)
    encoding = _encoding(head) if reading.encoding == "auto" else reading.encoding
    binary = encoding == "cp1252" and re.search(rb"[\0-\x06]", head)
    require(not binary, DataError, f"{name} holds no text: its suffix must say what it holds")
    unicode = encoding in ("utf-8", "utf-8-sig", "ascii")
    spaced = re.search(rb'[,;|\t] +"', head)  # a quote must begin its field
    if not unicode or spaced or (b"\r" in head and b"\n" not in head):
        source = _plain(name, source, encoding)
        head = _head(source)
    text = head.decode("utf-8-sig", "replace")
    lines = re.sub('"[^"]*"', "x", text).split("\n")[:1000]
    separator = _separator(lines) if reading.separator == "auto" else reading.separator or "\0"
    comment = (reading.comment or None) if reading.comment != "auto" else None
    skip, above = _header(lines, separator, comment)
    doubts = []
    if encoding == "cp1252" and reading.encoding == "auto":
        odd = (re.findall(r"\w*[^\x00-\x7f]\w*", text) or [""])[0]
        doubts = [f'not UTF-8, read as cp1252 ({odd!r}); set encoding = "cp1252" to silence']
    if above:
        sign = _COMMENT.match(above[0])
        comment = sign[1] if sign else comment
        setting = f'; set comment = "{sign[1]}" to silence' if sign else ""
        doubts += [f"lines above the header left out: {len(above)} ({above[0]!r}){setting}"]
    quote = "'" if re.match(rf"'[^']+'{re.escape(separator)}'", lines[skip]) else '"'
    names = _names(name, itertools.islice(StringIO(text), skip, None), separator, quote)
    layout: dict[str, Any] = {"separator": separator, "quote_char": quote}
    layout |= {"skip_lines": skip, "comment_prefix": comment}

    def scan(source: Any, types: Mapping[str, Any], **options: Any) -> pl.LazyFrame:
        frame = pl.scan_csv(
            source,
            **layout,
            new_columns=names,  # polars keeps quotes double
            schema_overrides={name: types[name] for name in names if name in types},
            infer_schema=False,
            glob=False,
            **options,
        )
        return frame.with_columns(pl.lit(value).alias(key) for key, value in keys)

    sample = scan(head, {}, truncate_ragged_lines=True).collect()
    sample = sample.filter(~pl.all_horizontal(pl.all().is_null()))
    told, written = (*doubts, *_odd_header(names)), {"encoding": encoding, "separator": separator}
    return File(
        *(name, lambda types: scan(source, types), sample, written, told),
        check=lambda: _check(name, source, len(names), layout),
    )


def _check(name: str, source: Any, n_fields: int, layout: dict[str, Any]) -> None:
    """Refuse the first row that has more or fewer fields than the header."""
    line = pl.col("line")
    n = pl.when(line != "").then(line.str.count_matches(layout["separator"], literal=True) + 1)
    lines = pl.scan_lines(source, glob=False, row_index_name="row", row_index_offset=1)
    lines = lines.slice(layout["skip_lines"])
    if lines.filter(n != n_fields).head(1).collect().is_empty():
        return
    quotes = line.str.count_matches('"', literal=True)
    whole = ((quotes.cum_sum() - quotes) % 2 == 0) & (quotes % 2 == 0)  # no quote goes on
    lines = lines.filter(whole, ~line.str.starts_with(layout["comment_prefix"] or "\n"))
    lines = lines.with_columns(line.str.replace_all('"[^"]*"', "x")).with_columns(n=n)
    for row in lines.filter(pl.col("n") != n_fields).head(1).collect().rows(named=True):
        msg = f"{name}: row {row['row']} has {row['n']} fields, the header has {n_fields}"
        raise DataError(msg)


def fetch(source: Any, n_lines: int | None = None) -> bytes:
    """Read text that polars opens, e.g. a URL: its first lines, or all (None)."""
    lines = pl.scan_lines(source, glob=False).slice(0, n_lines).collect().to_series()
    return "\n".join(lines).encode()


def _kind(source: Any) -> str:
    """Give the suffix of a path, "url" or "" for bytes."""
    return "url" if isinstance(source, str) else getattr(source, "suffix", "").lower()


def _head(source: Any) -> bytes:
    """Give the beginning of a file and blocks of whole lines spread over it."""
    if _kind(source) in ("url", ".zst"):
        return fetch(source, 10_000)
    if _kind(source) == ".gz":
        with gzip.open(source) as unpacked:
            return unpacked.read(_BLOCK) + unpacked.readline()
    with BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream:
        n_bytes = stream.seek(0, 2)
        stream.seek(0)
        head = [stream.read(_BLOCK) + stream.readline()]
        for place in range(len(head[0]), n_bytes, max(1, n_bytes // 32)):
            stream.seek(place)
            whole = stream.read(_BLOCK // 16).rpartition(b"\n")[0]
            head.append(whole.partition(b"\n")[2])
    return b"\n".join(part.removesuffix(b"\n") for part in head if part)


def _encoding(head: bytes) -> str:
    """Tell the encoding; what is no Unicode is taken for Western European."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if head[1::2].count(0) > len(head) // 4 > head[::2].count(0):
        return "utf-16-le"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeError:
        return "cp1252"
    return "utf-8"


def _plain(name: str, source: Any, encoding: str) -> bytes:
    """Give the text of a file as UTF-8, with line ends and quotes as polars needs them."""
    msg = f"{name}: only plain UTF-8 text can be read there: convert it, or copy it here first"
    require(_kind(source) not in ("url", ".zst"), DataError, msg)
    content = source if isinstance(source, bytes) else source.read_bytes()
    if _kind(source) == ".gz":
        content = gzip.decompress(content)
    try:
        text = content.decode(encoding, "replace" if encoding == "cp1252" else "strict")
    except UnicodeError as error:
        msg = f"cannot read {name} as {encoding} text: {error}; set encoding"
        raise DataError(msg) from error
    text = text if "\n" in text else text.replace("\r", "\n")
    return re.sub(r'(?<=[,;|\t]) +(?=")', "", text).encode()


def _separator(lines: list[str]) -> str:
    """Find the sign that occurs equally often in most lines."""
    full = [line for line in lines if line.strip()]

    def score(sign: str) -> tuple[float, int]:
        counts = Counter(line.count(sign) for line in full)
        return max(((n_lines * (n > 0), n) for n, n_lines in counts.items()), default=(0, 0))

    return max(",;\t|", key=score)


def _header(lines: list[str], separator: str, comment: str | None) -> tuple[int, list[str]]:
    """Find the line of the header, and what stands above it: comments, or a heading."""
    told = comment or "\n"
    kept = [n for n, line in enumerate(lines) if line.strip() and not line.startswith(told)]
    counts = Counter(lines[n].count(separator) for n in kept if not _COMMENT.match(lines[n]))
    usual = counts.most_common(1)[0][0] if counts else 0
    fits = (n for n in kept if lines[n].count(separator) == usual)
    first = next((n for n in fits if usual or not _COMMENT.match(lines[n])), 0)
    for number in itertools.islice(fits, 9):  # titles that a spreadsheet filled up with empty cells
        padded = lines[first].split(separator)[1:].count("") * 2 >= usual > 0
        below = lines[number].split(separator)
        if padded and "" not in below and not any(map(_NUMBER.fullmatch, below)):
            first = number
    above = [lines[number] for number in kept if number < first]
    commented = all(map(_COMMENT.match, above))
    if not commented and any(map(_NUMBER.fullmatch, lines[first].split(separator))):
        return kept[0], []  # rows are ragged
    return first, above


def _odd_header(names: list[str]) -> list[str]:
    """Report what is hardly a header."""
    unnamed = sum(name.startswith("\0") for name in names)
    doubts = [f"columns without a name left out: {unnamed} (row numbers?)"] if unnamed else []
    if len(names) > 1 and any(map(_NUMBER.fullmatch, names)):
        doubts += [f'the first line holds numbers ("{names[0]}"): is there no header?']
    if len(names) == 1 and re.search(r"\w[^\w.-]+\w", names[0]):
        doubts += [f'one column, "{names[0]}": set separator if there are more']
    return doubts


def _names(name: str, lines: Iterator[str], separator: str, quote: str) -> list[str]:
    """Read the header."""
    try:
        header = next(csv.reader(lines, delimiter=separator, quotechar=quote), [])
    except csv.Error as error:
        msg = f"cannot read the header of {name}: {error}"
        raise DataError(msg) from error
    names = [field.strip() for field in header]
    repeated = sorted(field for field, n in Counter(names).items() if field and n > 1)
    require(header, DataError, f"{name} is empty")
    require(any(names), DataError, f"{name}: no column has a name")
    msg = f"{name} has {len(names)} columns: at most {MAX_COLUMNS} are read, write fewer"
    require(len(names) <= MAX_COLUMNS, DataError, msg)
    msg = f"{name}: column names must differ, got {', '.join(repeated[:5])} more than once"
    require(not repeated, DataError, msg)
    return [field or f"\0{number}" for number, field in enumerate(names)]
