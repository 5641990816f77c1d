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

_DAYS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%y", "%d.%m.%Y", "%d %B %y", "%d %B %Y"),
    *("%d-%B-%y", "%d-%B-%Y", "%B %d, %y", "%B %d, %Y", "%m/%d/%y", "%m/%d/%Y", "%m-%d-%y"),
    *("%m-%d-%Y", "%d/%m/%y", "%d/%m/%Y", "%d-%m-%y", "%d-%m-%Y"),
)
_CLOCKS = ("%H:%M", "%H:%M:%S%.f", "%I:%M %p", "%I:%M:%S %p")
_TIMES = ("", *(sep + clock + zone for sep in " T" for clock in _CLOCKS for zone in ("", "%#z")))
_SIGNS = "%‰$€£¥₹"
_SIGN = r"^[^\d.,]*\d+(?:[.,' ]?\d{3})*([.,])(?:\d{1,2}|\d{4,})[^\d.,]*$"
_ALMOST = r"(?i)^\W?\d[\d.,]* ?(?:[kmb]|[a-z]{2,4})$|\b(?:19|20)\d\d\W.*\d|\d.*\W(?:19|20)\d\d$"
_SPACES = r"'_\u2019 \u00a0\u202f"

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
    """Find the decimal sign of a table: that of most numbers that leave no doubt."""
    decimal, thousands = rules.reading.decimal, rules.reading.thousands
    if decimal != "auto" or thousands in (".", ","):
        return rules._replace(comma=decimal == "," or thousands == ".", sure=True)
    signs = pl.concat([pl.Series([], dtype=pl.String), *values.values()]).str.extract(_SIGN)
    votes = len(signs.filter(signs == ",")) - len(signs.filter(signs == "."))
    return rules._replace(comma=votes > 0 or (not votes and separator == ";"), sure=votes != 0)


def choose(name: str, values: pl.Series, rules: Rules) -> Parser:
    """Choose the parser that fits most values of a column; text where none fits half of them."""
    known, chosen = rules.kinds.get(name, ""), rules.reading.text
    if chosen != "auto" and name in chosen:
        return Parser("text", lambda text: text)
    full = values.str.strip_chars()
    text = Parser("text", keep(rules.missing, padded=bool((full != values).any())))
    full = full.filter(~full.is_in(rules.missing))
    if known == "category":
        return text
    none = Parser("none", lambda text: pl.when(False).then(text))
    best, n_best = text if len(full) else none, len(full) // 2
    few = full.gather_every(len(full) // 100 + 1)
    for parser in _parsers(name, full, rules) if len(full) or known else ():
        n_fit = _n_fit(full, parser.make) if known or _n_fit(few, parser.make) else 0
        if parser.kind[:4] == (known or parser.kind)[:4] and (
            n_fit > n_best or (known and best.kind in ("text", "none"))
        ):
            best, n_best = parser, n_fit
        if n_best == len(full) == n_fit:
            break
    if len(full) and (best is text or not n_best):  # which is refused where kinds are known
        odd = full.filter(full.str.contains(_ALMOST))
        what = f'"{next(iter(odd), None)}" looks like a number or a date: kept as text'
        almost = not known and chosen == "auto" and 2 * len(odd) > len(full)
        return text._replace(doubt=_doubt(name, what)) if almost else text
    if n_best < len(values):
        best = best._replace(direct=None)
    zeros = full.filter(full.str.contains(r"^0\d+$"))
    if best.kind == "numeric" and len(zeros) and not known and chosen == "auto":
        return text._replace(doubt=_doubt(name, f'"{zeros[0]}" begins with 0: kept as text'))
    if best.kind not in ("text", "none") and n_best < len(full) and not known:
        odd = full.to_frame("x").filter(best.make(pl.col("x")).is_null())["x"].unique().sort()
        if len(odd) > max(20, len(full) // 10):
            what = f'many values are codes ("{odd[0]}", "{odd[-1]}"): kept as text'
            return text._replace(doubt=_doubt(name, what))
    clear = full.str.contains(r"^\d\d\.\d\d\.").any()  # 1.2.24 may be a version
    if n_best and not clear and best.order not in ("", rules.reading.dates):
        example = full.str.extract(r"(.*\d.*)").drop_nulls()[0]
        what = f'dates such as "{example}" are read {best.order} first'
        return best._replace(doubt=_doubt(name, what, f'dates = "{best.order}"'))
    return best


@functools.cache
def keep(missing: tuple[str, ...], *, padded: bool = True) -> Make:
    """Keep text, without the spaces around it."""

    def make(text: pl.Expr) -> pl.Expr:
        return (text.str.strip_chars() if padded else text).replace([*missing], None)

    return make


def _parsers(name: str, values: pl.Series, rules: Rules) -> Iterator[Parser]:
    """List the parsers that may fit a column, those that are tried first first."""
    known, dates = rules.kinds.get(name, ""), rules.reading.dates
    codes = not known and rules.reading.text == "auto"  # 0123 is none of these numbers
    for dtype in (pl.Int64, pl.Int128):
        yield Parser("numeric", _cast(dtype, codes=codes), None if codes else dtype)
    yield from _numbers(name, values, rules)
    yield Parser("boolean", _boolean)  # yes and no stay text: they may be labels
    if "%" in dates:
        yield _day(dates)._replace(order="")
    elif "date" in known or 2 * values.str.contains(r"\d\W+\w*\W*\d").sum() > len(values):
        last = "%m" if dates == "day" or (dates == "auto" and rules.comma) else "%d"
        few = values.gather_every(len(values) // 20 + 1)
        days = sorted(_DAYS, key=lambda form: form[:2] == last)
        days = [day for day in days if day[:2] != "%Y" or few.str.contains(r"^\d{4}").any()]
        options = [_day(day + time, exact=True) for day in days for time in _TIMES]
        n_fit = [_n_fit(few, option.make) for option in options]
        yield from (option for option, n in zip(options, n_fit, strict=True) if n == max(n_fit))


def _numbers(name: str, values: pl.Series, rules: Rules) -> Iterator[Parser]:
    """List the parsers of numbers; those with signs, or whose sign is not clear, have a doubt."""
    found = values.str.extract(r"\d ?([^\W\d_]{1,4})$").drop_nulls()
    unit = str(found.mode().sort()[0]) if 2 * len(found) > len(values) else ""
    marked = values.filter(values.str.contains(rf"[{_SIGNS}]|^[A-Z]{{3}} ?\d|\d ?[^\W\d_]+$"))
    signed = values.filter(values.str.contains("[.,]"))
    plain = rules.sure or signed.is_empty() or (signed[0].count(".") and not rules.comma)
    doubt = ""
    if len(marked):
        doubt = _doubt(name, f'numbers such as "{marked[0]}" are read without the sign')
    if not plain and signed.str.contains(r"^\D*[1-9]\d{0,2}[.,]\d{3}\D*$").all():
        sign = "," if "," in signed[0] else "."
        use = "decimal" if rules.comma and sign == "," else "thousands"
        what = f'the sign in "{signed[0]}" may be decimal or thousands'
        doubt = _doubt(name, what, f'{use} = "{sign}"')
    if not rules.comma:
        yield Parser("numeric", _cast(pl.Float64), pl.Float64)
    for decimal in ",." if rules.comma else ".,":
        yield Parser("numeric", _number(decimal, rules.reading.thousands, unit), None, doubt)


def _doubt(name: str, what: str, setting: str = "") -> str:
    keep_text = f'text = ["{name}"]'
    return f"column {name}: {what}; set {setting or keep_text} to silence"


@functools.cache
def _day(form: str, *, exact: bool = False) -> Parser:
    """Read dates, or date-times where the format has a time; exact: years of 2 or 4 digits."""
    time = "%H" in form or "%I" in form
    year = r"^\d{4}\D|\D\d{4}(?:[ T]|$)" if "%Y" in form else r"\D\d\d(?:[ T]|$)"

    def make(text: pl.Expr) -> pl.Expr:
        text = text.str.strip_chars()
        text = pl.when(text.str.contains(year)).then(text) if exact else text
        if time:
            return text.str.to_datetime(form, strict=False, time_unit="us")
        return text.str.to_date(form, strict=False)

    doubtful = re.match(r"%[md][/-]%[md]|%d\.%m\.%y", form)
    order = {"%m": "month", "%d": "day"}[form[:2]] if doubtful else ""
    direct = pl.Date if form == "%Y-%m-%d" else None
    return Parser("datetime" if time else "date", make, direct, order=order)


@functools.cache
def _cast(dtype: Any, *, codes: bool = False) -> Make:
    def make(text: pl.Expr) -> pl.Expr:
        made = text.str.strip_chars().cast(dtype, strict=False)
        if codes:
            return pl.when(~text.str.starts_with("0") | (text.str.len_bytes() == 1)).then(made)
        return made.fill_nan(None) if dtype == pl.Float64 else made

    return make


@functools.cache
def _number(decimal: str, thousands: str, unit: str = "") -> Make:
    """Read numbers with signs, groups of three digits and either decimal sign."""
    group = _SPACES + (".", ",")[decimal == "."] if thousands == "auto" else re.escape(thousands)
    lakhs = rf"(?:[{group}]\d\d)*" if "," in group else ""  # 1,23,45,678
    whole = rf"[1-9]\d{{0,2}}{lakhs}(?:[{group}]\d{{3}})+|\d+" if group else r"\d+"
    fraction = re.escape(decimal) + r"\d+"
    digits = rf"(?:(?:{whole})(?:{fraction})?|{fraction})(?:[eE][-+]?\d+)?"
    sign = rf"\s*(?:[{_SIGNS}]|USD|EUR|GBP|CHF|JPY|{unit})?\s*"
    pattern = rf"^\(?[-+\u2212]?{sign}[-+\u2212]?({digits}){sign}[-)]?$"

    def make(text: pl.Expr) -> pl.Expr:
        found = text.str.strip_chars().str.extract(pattern)
        found = found.str.replace_all(f"[{group}]", "") if group else found
        number = found.str.replace(decimal, ".", literal=True).cast(pl.Float64, strict=False)
        return pl.when(text.str.contains(r"^\D*[(\u2212-]|-\s*$")).then(-number).otherwise(number)

    return make


def _boolean(text: pl.Expr) -> pl.Expr:
    word = text.str.strip_chars().str.to_lowercase()
    return pl.when(word.is_in(["true", "false"])).then(word == "true")


def _n_fit(values: pl.Series, make: Make) -> int:
    return int(values.to_frame("x").select(make(pl.col("x")).count()).item())
