"""Read text as numbers, truth values and dates: a parser for each way of writing them."""

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import polars as pl

from .reading import Reading

__all__ = ["MISSING", "Make", "Parser", "Rules", "choose", "keep", "vote"]

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NaT", "NULL", "null", "None")
"""What stands for a missing value."""

_WORDS = (("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"), ("on", "off"))
_DATES = {  # how a date looks -> how it is written; the first group separates its fields
    r"\d{4}([-/.])\d\d?\1\d\d?": ("%Y{0}%m{0}%d",),
    r"\d\d?([-/])\d\d?\1(\d{4}|\d\d)": ("%m{0}%d{0}%Y", "%d{0}%m{0}%Y"),
    r"\d\d?(\.)\d\d?\.(\d{4}|\d\d)": ("%d.%m.%Y",),
    r"\d\d?([- ])[A-Za-z]{3,9}\1(\d{4}|\d\d)": ("%d{0}%B{0}%Y",),
    r"[A-Za-z]{3,9}( )\d\d?, \d{4}": ("%B %d, %Y",),
}
_TIME = r"([ T])\d\d?:\d\d(:\d\d(?:\.\d+)?)?( ?[AaPp][Mm])?(Z|[-+]\d\d:?\d\d)?"
_SIGNS = "%‰$€£¥₹"
_SPACES = r"'\u2019 \u00a0\u202f"

Make = Callable[[pl.Expr], pl.Expr]


class Parser(NamedTuple):
    """How text is read; `direct`: the type that polars can read by itself."""

    kind: str
    make: Make
    direct: Any = None
    doubt: str = ""
    order: str = ""


class Rules(NamedTuple):
    """What parsers are chosen by; `comma`: the decimal sign; `sure`: some column proves it."""

    reading: Reading
    kinds: Mapping[str, str]
    missing: tuple[str, ...]
    comma: bool = False
    sure: bool = False


def vote(values: Mapping[str, pl.Series], rules: Rules, separator: str) -> Rules:
    """Find the decimal sign that fits more columns than the other."""
    reading = rules.reading
    if reading.decimal != "auto" or reading.thousands in (".", ","):
        return rules._replace(comma="," in reading.decimal or reading.thousands == ".", sure=True)
    votes = 0
    for series in values.values():
        signed = series.filter(series.str.contains("[.,]")).head(1000)
        if len(signed):
            dot, comma = (_n_fit(signed, _number(d, reading.thousands)) for d in ".,")
            votes += (comma > dot) - (dot > comma)
    return rules._replace(comma=votes > 0 or (not votes and separator == ";"), sure=votes != 0)


def choose(name: str, values: pl.Series, rules: Rules) -> Parser:
    """Choose the parser that fits most values of a column; text where none fits half of them."""
    if rules.reading.text != "auto" and name in rules.reading.text:
        return Parser("text", _as_is)
    known = rules.kinds.get(name)
    full = values.str.strip_chars()
    text = Parser("text", keep(rules.missing, padded=bool((full != values).any())))
    full = full.filter(~full.is_in(rules.missing))
    if known == "category" or (full.is_empty() and not known):
        return text
    best, n_best = text, len(full) // 2
    for parser in _parsers(name, full, rules):
        if known and parser.kind[:4] != known[:4]:
            continue
        n_fit = _n_fit(full, parser.make)
        if n_fit > n_best or (known and best is text):
            best, n_best = parser, n_fit
        if n_fit == len(full):
            break
    zeros = full.filter(full.str.contains(r"^0\d+$"))
    if best.kind == "numeric" and len(zeros) and not known and rules.reading.text == "auto":
        doubt = f'column {name}: values begin with 0, e.g. "{zeros[0]}": kept as text'
        return text._replace(doubt=f'{doubt}; set text = ["{name}"] to silence')
    return best if n_best == len(values) else best._replace(direct=None)


@functools.cache
def keep(missing: tuple[str, ...], *, padded: bool = True) -> Make:
    """Keep text, without the spaces around it."""

    def make(text: pl.Expr) -> pl.Expr:
        return (text.str.strip_chars() if padded else text).replace([*missing], None)

    return make


def _parsers(name: str, values: pl.Series, rules: Rules) -> Iterator[Parser]:
    """List the parsers that may fit a column, those that are tried first first."""
    for dtype in (pl.Int64, pl.Int128):
        yield Parser("numeric", _cast(dtype), dtype)
    yield from _numbers(name, values, rules)
    words = {*values.str.to_lowercase().unique()}
    if "boolean" in rules.kinds.get(name, "") or words & {*_WORDS[0]} or words in map(set, _WORDS):
        yield Parser("boolean", _boolean)
    if "%" in rules.reading.dates:
        yield _day(rules.reading.dates)
        return
    examples = values.head(1000).to_list() if values.str.contains(r"\d\W+\w+\W+\d").any() else []
    for pattern, formats in _DATES.items():
        found = (re.fullmatch(f"{pattern}(?:{_TIME})?", example) for example in examples)
        if first := next(filter(None, found), None):
            yield _date(name, values, rules, first, formats)


def _numbers(name: str, values: pl.Series, rules: Rules) -> Iterator[Parser]:
    thousands = rules.reading.thousands
    found = values.str.extract(r"\d ?([^\W\d_]{1,4})$").drop_nulls()
    unit = str(found.mode().sort()[0]) if 2 * len(found) > len(values) else ""
    marked = values.filter(values.str.contains(rf"[{_SIGNS}]|^[A-Z]{{3}} ?\d|\d ?[^\W\d_]+$"))
    signed = values.filter(values.str.contains("[.,]"))
    unclear = len(signed) and signed.str.contains(r"^\D*\d{1,3}[.,]\d{3}\D*$").all()
    doubt = ""
    if len(marked):
        doubt = f'column {name}: numbers such as "{marked[0]}" are read without the sign'
        doubt += f'; set text = ["{name}"] to keep them'
    if unclear and not rules.sure and (rules.comma or "," in signed[0]):
        what = "decimal" if rules.comma and "," in signed[0] else "thousands"
        doubt = f'column {name}: the sign in "{signed[0]}" may be decimal or thousands'
        doubt += f'; set {what} = "{"," if "," in signed[0] else "."}" to silence'
    if not rules.comma:
        yield Parser("numeric", _cast(pl.Float64), pl.Float64)
    for decimal in ",." if rules.comma else ".,":
        yield Parser("numeric", _number(decimal, thousands, unit), None, doubt)


def _date(
    name: str, values: pl.Series, rules: Rules, found: Any, formats: tuple[str, ...]
) -> Parser:
    """Read dates that look like the one that was found."""
    *fields, between, seconds, noon, zone = found.groups()
    short = fields[-1] and len(fields[-1]) == 2
    clock = ""
    if between:
        clock = f"{between}{'%I' if noon else '%H'}:%M{':%S%.f' if seconds else ''}"
        clock += f"{' ' * noon.count(' ')}%p" if noon else ""
        clock += "%#z" if zone else ""
    options = [_day(form.format(fields[0]) + clock, short=bool(short)) for form in formats]
    if len(options) == 1:
        return options[0]
    wanted = rules.reading.dates
    month, day = (_n_fit(values, option.make) for option in options)
    first = wanted != "day" if wanted != "auto" else not rules.comma
    first = month > day if month != day else first
    order = "month" if first else "day"
    doubt = f'column {name}: dates such as "{found[0]}" are read {order} first'
    doubt = "" if wanted == order else f'{doubt}; set dates = "{order}" to silence'
    return options[not first]._replace(order=order, doubt=doubt)


@functools.cache
def _day(form: str, *, short: bool = False) -> Parser:
    """Read dates, or date-times where the format has a time."""
    form = form.replace("%Y", "%y") if short else form
    time = "%H" in form or "%I" in form

    def make(text: pl.Expr) -> pl.Expr:
        text = text.str.strip_chars()
        if time:
            return text.str.to_datetime(form, strict=False, time_unit="us")
        return text.str.to_date(form, strict=False)

    return Parser("datetime" if time else "date", make, pl.Date if form == "%Y-%m-%d" else None)


@functools.cache
def _cast(dtype: Any) -> Make:
    def make(text: pl.Expr) -> pl.Expr:
        made = text.str.strip_chars().cast(dtype, strict=False)
        return made.fill_nan(None) if dtype == pl.Float64 else made

    return make


@functools.cache
def _number(decimal: str, thousands: str, unit: str = "") -> Make:
    """Read numbers with signs, groups of three digits and either decimal sign."""
    group = {"auto": _SPACES + ("." if decimal == "," else ","), "": r"\x00"}.get(
        thousands, re.escape(thousands)
    )
    fraction = re.escape(decimal) + r"\d+"
    whole = rf"\d{{1,3}}(?:[{group}]\d{{3}})+|\d+"
    digits = rf"(?:(?:{whole})(?:{fraction})?|{fraction})(?:[eE][-+]?\d+)?"
    sign = rf"\s*(?:[{_SIGNS}]|USD|EUR|GBP|CHF|JPY|{unit})?\s*"
    pattern = rf"^\(?[-+\u2212]?{sign}[-+\u2212]?({digits}){sign}\)?$"

    def make(text: pl.Expr) -> pl.Expr:
        found = text.str.strip_chars().str.extract(pattern)
        plain = found.str.replace_all(f"[{group}]", "").str.replace(decimal, ".", literal=True)
        number = plain.cast(pl.Float64, strict=False)
        return pl.when(text.str.contains(r"^\D*[(\u2212-]")).then(-number).otherwise(number)

    return make


def _boolean(text: pl.Expr) -> pl.Expr:
    true, false = zip(*_WORDS, strict=True)
    word = text.str.strip_chars().str.to_lowercase()
    return pl.when(word.is_in(true + false)).then(word.is_in(true))


def _as_is(text: pl.Expr) -> pl.Expr:
    return text


def _n_fit(values: pl.Series, make: Make) -> int:
    return int(values.to_frame("x").select(make(pl.col("x")).count()).item())
