"""Find how a text file is written: encoding, line ends, separator, header, comments."""

import codecs
import csv
import gzip
import itertools
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from ..errors import DataError
from .reading import Reading

__all__ = ["MAX_COLUMNS", "Dialect", "look"]

MAX_COLUMNS = 20_000
_BLOCK = 1 << 20
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_COMMENT = re.compile(r"\s*(##|#|%|//|--)")
_NUMBER = re.compile(r"\s*[-+]?[\d.,]*\d\s*")


@dataclass(frozen=True)
class Dialect:
    """How a file is written; `source` is its path or URL, or its bytes as UTF-8."""

    name: str
    source: Any
    encoding: str
    separator: str
    ending: str
    skip: int
    comment: str | None
    columns: tuple[str, ...]
    sample: bytes
    doubts: tuple[str, ...]
    keys: tuple[tuple[str, str], ...] = ()

    def open(self, types: Mapping[str, Any], source: Any = None, **options: Any) -> pl.LazyFrame:
        """Open the file with columns of these types, text where none is given."""
        frame = pl.scan_csv(
            self.source if source is None else source,
            separator=self.separator,
            eol_char=self.ending,
            skip_lines=self.skip,
            comment_prefix=self.comment,
            with_column_names=lambda _: [*self.columns],  # polars keeps quotes double
            schema_overrides={name: types[name] for name in self.columns if name in types},
            infer_schema=False,
            glob=False,
            **options,
        )
        return frame.with_columns(pl.lit(value).alias(key) for key, value in self.keys)

    def first(self) -> pl.DataFrame:
        """Give rows of the sample, as text."""
        frame = self.open({}, self.sample, truncate_ragged_lines=True).collect()
        return frame.filter(~pl.all_horizontal(pl.all().is_null()))

    def check_rows(self, n_rows: int) -> None:
        """Refuse the first row that has more or fewer fields than the header.

        Quick where the signs between fields are as many as `n_rows` need.
        """
        if isinstance(self.source, str) or getattr(self.source, "suffix", "") == ".zst":
            return  # polars refuses long rows
        content = _whole(self.source)
        sign, ends = self.separator.encode(), (n_rows + 1) * (len(self.columns) - 1)
        if b'"' not in content and not self.skip and content.count(sign) == ends:
            return
        lines = content.decode("utf-8", "replace").split(self.ending)[self.skip :]
        limit = csv.field_size_limit(2**31 - 1)
        try:
            self._check(csv.reader((f"{line}\n" for line in lines), delimiter=self.separator))
        finally:
            csv.field_size_limit(limit)

    def _check(self, rows: Any) -> None:
        comment = self.comment or "\n"
        for number, row in enumerate(rows, start=self.skip + 1):
            if row and len(row) != len(self.columns) and not row[0].startswith(comment):
                header = f"the header has {len(self.columns)}"
                msg = f"{self.name}: row {number} has {len(row)} fields, {header}"
                raise DataError(msg)


def look(
    name: str, source: Any, reading: Reading, keys: tuple[tuple[str, str], ...] = ()
) -> Dialect:
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

    Raises
    ------
    DataError
        If there is no header, a column name occurs twice, or the encoding is wrong.
    """
    head = _head(source)
    encoding = _encoding(head) if reading.encoding == "auto" else reading.encoding
    if encoding != "utf-8":
        source = _decode(name, _whole(source), encoding)
        head = _head(source)
    text = head.decode("utf-8", "replace")
    doubts = _told(text, encoding) if reading.encoding == "auto" else []
    ending = "\r" if "\r" in text and "\n" not in text else "\n"
    lines = re.sub('"[^"]*"', "", text).split(ending)[:1000]
    separator = _separator(lines) if reading.separator == "auto" else reading.separator
    found = (reading.comment or None) if reading.comment != "auto" else None
    skip, above = _header(lines, separator, found)
    if above:
        sign = _COMMENT.match(above[0])
        inside = sign and any(line.startswith(sign[1]) for line in lines[skip + 1 :])
        found = sign[1] if sign and inside else found
        setting = f'; set comment = "{sign[1]}" to silence' if sign else ""
        doubts += [f"left out {len(above)} lines above the header ({above[0]!r}){setting}"]
    names = _names(name, text.split(ending)[skip:], separator)
    doubts += _odd_header(names)
    if re.search(rf'{re.escape(separator or ",")} +"', text):  # a quote must begin its field
        source = re.sub(rb"(?<=[,;|]) +(?=\")", b"", _whole(source))
        head = _head(source)
        names = _names(name, head.decode("utf-8", "replace").split(ending)[skip:], separator)
    return Dialect(
        *(name, source, encoding, separator, ending, skip, found, names, head, tuple(doubts)),
        keys,
    )


def _head(source: Any) -> bytes:
    """Give the beginning of a file and blocks of whole lines spread over it."""
    if isinstance(source, bytes):
        return source[: source.find(b"\n", 4 * _BLOCK) + 1 or None]
    if isinstance(source, str) or source.suffix == ".zst":
        lines = pl.scan_lines(source, glob=False).head(10_000).collect().to_series()
        return "\n".join(lines).encode()
    with gzip.open(source) if source.suffix.lower() == ".gz" else source.open("rb") as stream:
        head = [stream.read(_BLOCK) + stream.readline()]
        n_bytes = source.stat().st_size if source.suffix.lower() != ".gz" else 0
        for place in range(len(head[0]), n_bytes, max(1, n_bytes // 32)):
            stream.seek(place)
            whole = stream.read(_BLOCK // 8).rpartition(b"\n")[0]
            head.append(whole.partition(b"\n")[2])
    return b"\n".join(part.removesuffix(b"\n") for part in head if part)


def _whole(source: Any) -> bytes:
    if isinstance(source, str) or source.suffix == ".zst":
        msg = f"{source}: only UTF-8 text can be read there: convert it, or copy it here first"
        raise DataError(msg)
    if isinstance(source, bytes):
        return source
    content: bytes = source.read_bytes()
    return gzip.decompress(content) if source.suffix.lower() == ".gz" else content


def _encoding(head: bytes) -> str:
    """Tell the encoding; what is no Unicode is taken for Western European."""
    marked = next((name for mark, name in _BOMS.items() if head.startswith(mark)), None)
    if marked or head.count(b"\0") > len(head) // 4:
        zeros = head[::2].count(0), head[1::2].count(0)
        return marked or ("utf-16-be" if zeros[0] > zeros[1] else "utf-16-le")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeError:
        return "cp1252"
    return "utf-8"


def _decode(name: str, content: bytes, encoding: str) -> bytes:
    try:
        return content.decode(encoding).encode()
    except UnicodeError as error:
        if encoding == "cp1252":  # a few bytes have no meaning there
            return content.decode("latin-1").encode()
        msg = f"cannot read {name} as {encoding} text: {error}; set encoding"
        raise DataError(msg) from error


def _told(text: str, encoding: str) -> list[str]:
    if encoding != "cp1252":
        return []
    odd = re.search(r"\w*[^\x00-\x7f]\w*", text)
    example = f" ({odd[0]!r})" if odd else ""
    return [f'not UTF-8, read as cp1252{example}; set encoding = "cp1252" to silence']


def _odd_header(names: tuple[str, ...]) -> list[str]:
    """Report what is hardly a header."""
    unnamed = sum(name.startswith("\0") for name in names)
    doubts = [f"left out {unnamed} columns without a name (row numbers?)"] if unnamed else []
    if len(names) > 1 and any(_NUMBER.fullmatch(name) for name in names):
        doubts += [f'the first line holds numbers ("{names[0]}"): is there no header?']
    if len(names) == 1 and re.search(r"\w[^\w.-]+\w", names[0]):
        doubts += [f'one column, "{names[0]}": set separator if there are more']
    return doubts


def _separator(lines: list[str]) -> str:
    """Find the sign that occurs equally often in most lines."""
    full = [line for line in lines if line.strip()]

    def score(sign: str) -> tuple[float, int]:
        counts = Counter(line.count(sign) for line in full)
        return max(((n_lines * (n > 0), n) for n, n_lines in counts.items()), default=(0, 0))

    return max(",;\t|", key=score)


def _header(lines: list[str], separator: str, comment: str | None) -> tuple[int, list[str]]:
    """Find the line of the header, and what stands above it."""
    kept = [number for number, line in enumerate(lines) if line.strip()]
    kept = [number for number in kept if not (comment and lines[number].startswith(comment))]
    counts = Counter(lines[number].count(separator) for number in kept)
    usual = counts.most_common(1)[0][0] if counts else 0
    first = next((number for number in kept if lines[number].count(separator) == usual), 0)
    above = [number for number in kept if number < first]
    if usual == 0:
        above = list(itertools.takewhile(lambda number: _COMMENT.match(lines[number]), kept))
        first = next((number for number in kept if number not in above), 0)
    commented = all(_COMMENT.match(lines[number]) for number in above)
    if not commented and any(map(_NUMBER.fullmatch, lines[first].split(separator))):
        return kept[0], []
    return first, [lines[number] for number in above]


def _names(name: str, lines: list[str], separator: str) -> tuple[str, ...]:
    """Read the header."""
    try:
        header = next(csv.reader((f"{line}\n" for line in lines), delimiter=separator or "\0"), [])
    except csv.Error as error:
        msg = f"cannot read the header of {name}: {error}"
        raise DataError(msg) from error
    names = [field.strip() for field in header]
    if len(names) > MAX_COLUMNS:
        msg = (
            f"{name} has {len(names)} columns, at most {MAX_COLUMNS} are read: write fewer columns"
        )
        raise DataError(msg)
    repeated = sorted(field for field, n_times in Counter(names).items() if field and n_times > 1)
    if not any(names):
        msg = f"{name} is empty" if not header else f"{name}: no column has a name"
        raise DataError(msg)
    if repeated:
        msg = f"{name}: column names must differ, got {', '.join(repeated[:5])} more than once"
        raise DataError(msg)
    return tuple(field or f"\0{number}" for number, field in enumerate(names))
