"""Read text as the numbers, dates and truth values that most of a column are.

What does not fit is missing and reported, one line for each column.
"""

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import polars as pl

from ..errors import DataError
from .dialect import Dialect
from .reading import Reading

__all__ = ["MISSING", "Column", "Rules", "Table", "settle", "stack"]

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NaT", "NULL", "null", "None")
"""What stands for a missing value."""

_DATES = {
    r"\d{4}-\d\d?-\d\d?": ["%Y-%m-%d"],
    r"\d{4}/\d\d?/\d\d?": ["%Y/%m/%d"],
    r"\d\d?/\d\d?/\d{4}": ["%m/%d/%Y", "%d/%m/%Y"],
    r"\d\d?-\d\d?-\d{4}": ["%m-%d-%Y", "%d-%m-%Y"],
    r"\d\d?/\d\d?/\d\d": ["%m/%d/%y", "%d/%m/%y"],
    r"\d\d?\.\d\d?\.\d{4}": ["%d.%m.%Y"],
    r"\d\d?\.\d\d?\.\d\d": ["%d.%m.%y"],
    r"\d\d? [A-Za-z]{3} \d{4}": ["%d %b %Y"],
    r"\d\d? [A-Za-z]{4,9} \d{4}": ["%d %B %Y"],
    r"\d\d?-[A-Za-z]{3}-\d{4}": ["%d-%b-%Y"],
    r"\d\d?-[A-Za-z]{3}-\d\d": ["%d-%b-%y"],
    r"[A-Za-z]{3} \d\d?, \d{4}": ["%b %d, %Y"],
    r"[A-Za-z]{4,9} \d\d?, \d{4}": ["%B %d, %Y"],
}
_TIME = re.compile(r"([ T])\d\d?:\d\d(:\d\d(?:\.\d+)?)?( ?[AaPp][Mm])?(Z|[-+]\d\d:?\d\d)?")
_SIGNS = "%‰$€£¥₹"
_SPACES = r"'\u2019 \u00a0\u202f"
_UNIT = r"\W*[^\W\d][\w\W]{0,10}|%"
_TOTAL = r"(?i)^(grand |sub-?)?(totals?|sum|summe|gesamt|average|mean|mittelwert)\b"


Make = Callable[[pl.Expr], pl.Expr]


class Table(NamedTuple):
    """A table that was read; `doubts` has a line for each thing that may be wrong.

    `dates` is the order of its dates: day or month first, "auto" where nothing depends on it.
    """

    frame: pl.LazyFrame
    doubts: list[str]
    dates: str = "auto"


@dataclass(frozen=True)
class Column:
    """How a column of text is read; `direct`: the type that polars can read by itself."""

    kind: str
    make: Make
    direct: Any = None
    doubt: str = ""
    order: str = ""


@dataclass(frozen=True)
class Rules:
    """What columns are read by; `comma`: the decimal sign; `sure`: some column proves it."""

    reading: Reading
    kinds: Mapping[str, str]
    missing: tuple[str, ...]
    comma: bool = False
    sure: bool = False


def settle(
    files: Sequence[Dialect], reading: Reading, kinds: Mapping[str, str], *, eager: bool
) -> Table:
    """Read CSV files with the same columns below each other.

    Parameters
    ----------
    files
        At least one.
    kinds
        Column -> numeric, category, boolean, date or datetime, where it is known.
    eager
        Keep the rows in memory, so that they are read once.

    Raises
    ------
    DataError
        If a row is short or long, or columns differ.
    """
    missing = (*MISSING, *(() if reading.missing == "auto" else reading.missing))
    values = _sample(files, missing)
    rules = _vote(values, Rules(reading, kinds, missing), files[0].separator)
    columns = {name: _column(name, values[name], rules) for name in values}
    for _ in range(3):
        try:
            raw, doubts = _open(files, columns, values, rules, eager=eager)
            frame = _make(raw, columns)
            frame = frame.collect().lazy() if eager else frame
            odd = _odd(raw, frame, columns, rules)
        except pl.exceptions.ComputeError:  # a value is not of its column's type
            if not any(column.direct for column in columns.values()):
                for file in files:
                    file.check_rows(-1)
                raise
            columns = {name: replace(column, direct=None) for name, column in columns.items()}
            continue
        new = {
            name: strays["value"].filter(~strays["value"].is_in(values[name].implode()))
            for name, strays in odd.items()
        }
        values |= {name: pl.concat([values[name], late]) for name, late in new.items()}
        again = {
            name: _column(name, values[name], rules) for name, late in new.items() if len(late)
        }
        again = {
            name: column
            for name, column in again.items()
            if column.kind != "category" and column.make is not columns[name].make
        }
        columns |= again
        if not again:
            break
    doubts += [column.doubt for column in columns.values() if column.doubt]
    for name, strays in odd.items():
        frame, doubt = _judge(raw, frame, name, strays, columns[name], rules)
        doubts.append(doubt)
    orders = {column.order for column in columns.values() if column.order}
    told = [f"{file.name}: {doubt}" for file in files for doubt in file.doubts]
    return Table(frame, told + doubts, orders.pop() if len(orders) == 1 else reading.dates)


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


def _sample(files: Sequence[Dialect], missing: Sequence[str]) -> dict[str, pl.Series]:
    """Give values of each column; where the sample has none, the first there are."""
    sample = stack({file.name: file.first().lazy() for file in files}).collect()
    text = sample.select(pl.selectors.string() - pl.selectors.starts_with("\0")).to_dict()
    values = {name: series.drop_nulls() for name, series in text.items()}
    late = [name for name, series in values.items() if series.is_in(missing).all()]
    if late:
        whole = stack({file.name: file.open({}) for file in files}).select(
            pl.col(name).filter(~pl.col(name).is_in(missing)).head(1000).implode() for name in late
        )
        found = whole.collect(engine="streaming").to_dict()
        values |= {name: series.explode().drop_nulls() for name, series in found.items()}
    return values


def _open(
    files: Sequence[Dialect],
    columns: Mapping[str, Column],
    values: Mapping[str, pl.Series],
    rules: Rules,
    *,
    eager: bool,
) -> tuple[pl.LazyFrame, list[str]]:
    """Open files without blank rows, and without rows of units or totals."""
    types = {name: column.direct for name, column in columns.items() if column.direct}
    raw = stack({file.name: file.open(types) for file in files})
    raw = raw.collect().lazy() if eager else raw
    nulls = raw.select(pl.all().null_count()).collect(engine="streaming").row(0, named=True)
    if any(nulls[file.columns[-1]] for file in files):
        for file in files:
            file.check_rows(file.open({}).select(pl.len()).collect().item())
    if len(nulls) > 1 and min(nulls.values()):
        raw = raw.filter(~pl.all_horizontal(pl.all().is_null()))
    if unnamed := [name for name in nulls if name.startswith("\0")]:
        raw = raw.drop(unnamed)
    return _trim(raw, columns, values, rules)


def _trim(
    raw: pl.LazyFrame, columns: Mapping[str, Column], values: Mapping[str, pl.Series], rules: Rules
) -> tuple[pl.LazyFrame, list[str]]:
    """Leave out a first row of units and a last row of totals."""
    text = pl.selectors.string()
    edges = raw.select(text).head(1), raw.select(text.last())
    first, last = (
        {
            name: value.strip()
            for row in edge.collect(engine="streaming").rows(named=True)
            for name, value in row.items()
            if value and value not in rules.missing and (values[name] == value).sum() < 2
        }
        for edge in edges
    )
    doubts = []
    totals = [value for value in last.values() if re.match(_TOTAL, value)]
    numeric = [name for name, column in columns.items() if column.kind == "numeric"]
    units = [first[name] for name in numeric if re.fullmatch(_UNIT, first.get(name, ""))]
    given = raw.select(pl.col(numeric).first().is_not_null()).collect(engine="streaming")
    if totals:
        raw = raw.head(raw.select(pl.len()).collect(engine="streaming").item() - 1)
        doubts = [f'the last row ("{totals[0]}") looks like a total: left out']
    if units and len(units) == sum(given.row(0)):
        raw = raw.slice(1)
        doubts += [f'the first row ("{units[0]}") looks like units: left out']
    named = [*totals[:1], *units[:1]]
    pairs = zip(doubts, named, strict=False)
    return raw, [f'{doubt}; set missing = ["{name}"] to keep it' for doubt, name in pairs]


def _make(raw: pl.LazyFrame, columns: Mapping[str, Column]) -> pl.LazyFrame:
    """Read the columns that are still text, those that are read alike at once."""
    schema = raw.collect_schema()
    groups: dict[Make, list[str]] = {}
    for name, dtype in schema.items():
        make = columns[name].make if dtype == pl.String else _no_nan if dtype.is_float() else None
        if make:
            groups.setdefault(make, []).append(name)
    return raw.with_columns(make(pl.col(names)) for make, names in groups.items())


def _odd(
    raw: pl.LazyFrame, frame: pl.LazyFrame, columns: Mapping[str, Column], rules: Rules
) -> dict[str, pl.DataFrame]:
    """Find what does not fit: column -> value and n, the commonest first."""
    names = [
        name
        for name, dtype in raw.collect_schema().items()
        if dtype == pl.String and columns[name].kind not in ("category", "text")
    ]
    before, after = (
        table.select(pl.col(names).null_count()).collect(engine="streaming").to_dict()
        for table in (raw, frame)
    )
    found = {}
    for name in names:
        if before[name].item() < after[name].item():
            value = pl.col(name).str.strip_chars()
            misfit = columns[name].make(pl.col(name)).is_null() & ~value.is_in(rules.missing)
            counts = raw.filter(misfit).group_by(value.alias("value")).len("n").drop_nulls()
            counts = counts.sort("n", "value", descending=[True, False])
            strays = counts.collect(engine="streaming")
            if len(strays):
                found[name] = strays
    return found


def _judge(
    raw: pl.LazyFrame,
    frame: pl.LazyFrame,
    name: str,
    strays: pl.DataFrame,
    column: Column,
    rules: Rules,
) -> tuple[pl.LazyFrame, str]:
    """Say what does not fit; keep a column as text that holds too much of it."""
    n_odd, n_fit = (
        strays["n"].sum(),
        frame.select(pl.col(name).count()).collect(engine="streaming").item(),
    )
    examples = strays["value"].head(3).to_list()
    shown = ", ".join(f'"{value}"' for value in examples)
    noun = {"numeric": "numbers", "boolean": "truth values"}.get(column.kind, "dates")
    begin = f"column {name}: {n_odd} of {n_odd + n_fit} values are not {noun} ({shown})"
    codes = len(strays) > 20 and 2 * len(strays) > n_odd and 10 * n_odd > n_fit
    if name not in rules.kinds and (n_odd > n_fit or codes):
        kept = _text(rules.missing)(pl.col(name))
        frame = pl.concat([frame.drop(name), raw.select(kept)], how="horizontal").select(
            frame.collect_schema().names()
        )
        return frame, f'{begin}: kept as text; set text = ["{name}"] to silence'
    return frame, (
        f"{begin}: treated as missing; set missing = [{shown}] to silence, "
        f'or text = ["{name}"] to keep them as text'
    )


def _vote(values: Mapping[str, pl.Series], rules: Rules, separator: str) -> Rules:
    """Find the decimal sign that fits more columns than the other."""
    if rules.reading.decimal != "auto":
        return replace(rules, comma=rules.reading.decimal == ",", sure=True)
    votes = 0
    for series in values.values():
        signed = series.filter(series.str.contains("[.,]")).head(1000)
        if len(signed):
            dot, comma = (_fits(signed, _number(d, rules.reading.thousands)) for d in ".,")
            votes += (comma > dot) - (dot > comma)
    return replace(rules, comma=votes > 0 or (not votes and separator == ";"), sure=votes != 0)


def _column(name: str, values: pl.Series, rules: Rules) -> Column:
    """Find how most values of a column can be read."""
    if rules.reading.text != "auto" and name in rules.reading.text:
        return Column("text", _as_is)
    known = rules.kinds.get(name)
    text = Column("category", _text(rules.missing))
    full = values.str.strip_chars()
    full = full.filter(~full.is_in(rules.missing))
    if known == "category" or (full.is_empty() and not known):
        return text
    best, n_best = text, len(full) // 2
    for column in _options(name, full, rules):
        if known and column.kind[:4] != known[:4]:
            continue
        n_fit = _fits(full, column.make)
        if n_fit > n_best or (known and best is text):
            best, n_best = column, n_fit
        if n_fit == len(full):
            break
    zeros = full.filter(full.str.contains(r"^0\d"))
    if (
        best.direct
        and len(zeros)
        and not known
        and rules.reading.text == "auto"
        and best.direct != pl.Float64
    ):
        doubt = f'column {name}: values begin with 0, e.g. "{zeros[0]}": kept as text'
        doubt += f'; set text = ["{name}"] to silence'
        return replace(text, doubt=doubt)
    return best if n_best == len(values) else replace(best, direct=None)


def _options(name: str, values: pl.Series, rules: Rules) -> Iterator[Column]:
    """List the ways in which a column may be read, those that are tried first first."""
    for dtype in (pl.Int64, pl.Int128):
        yield Column("numeric", _cast(dtype), dtype)
    yield from _numbers(name, values, rules)
    yield Column("boolean", _boolean)
    yield from _days(name, values, rules)


def _numbers(name: str, values: pl.Series, rules: Rules) -> Iterator[Column]:
    thousands = rules.reading.thousands
    found = values.str.extract(r"\d ?([^\W\d_]{1,4})$").drop_nulls()
    unit = str(found.mode().sort()[0]) if 2 * len(found) > len(values) else ""
    dot, comma = _number(".", thousands, unit), _number(",", thousands, unit)
    signed = values.filter(values.str.contains("[.,]"))
    both = len(signed) and _fits(signed, dot) == _fits(signed, comma) == len(signed)
    if both and rules.reading.decimal == thousands == "auto":
        sign = "," if "," in signed[0] else "."
        whole = len(signed) < len(values) and not rules.sure
        decimal = (sign == ",") == rules.comma and not whole
        use = comma if (sign == ",") == decimal else dot
        if rules.sure or (sign == "." and decimal and not rules.comma):
            yield (
                Column("numeric", use)
                if use is comma or not decimal
                else Column("numeric", _cast(pl.Float64), pl.Float64)
            )
        else:
            what = "decimal" if decimal else "thousands"
            doubt = f'column {name}: the sign in "{signed[0]}" may be decimal or thousands'
            doubt += f'; set {what} = "{sign}" to silence'
            yield Column("numeric", use, None, doubt)
        return
    yield Column("numeric", _cast(pl.Float64), pl.Float64)
    marked = values.filter(values.str.contains(rf"[{_SIGNS}]|^[A-Z]{{3}} |\d ?[^\W\d_]+$"))
    doubt = f'; set text = ["{name}"] to keep them'
    if len(marked):
        doubt = f'column {name}: numbers such as "{marked[0]}" are read without the sign' + doubt
    for use in (comma, dot) if rules.comma else (dot, comma):
        yield Column("numeric", use, None, doubt if len(marked) else "")


def _days(name: str, values: pl.Series, rules: Rules) -> Iterator[Column]:
    if "%" in rules.reading.dates:
        yield _day(rules.reading.dates)
        return
    for pattern, formats in _DATES.items():
        seen = values.filter(values.str.contains(f"^{pattern}($|[ T])"))
        if seen.is_empty():
            continue
        time = _TIME.fullmatch(re.sub(f"^{pattern}", "", seen[0]))
        if re.fullmatch(pattern, seen[0]) is None and time is None:
            continue
        options = [_day(form + (_clock(time) if time else "")) for form in formats]
        if len(options) == 1:
            yield options[0]
            continue
        fits = [_fits(values, option.make) for option in options]
        month = fits[0] > fits[1]
        if fits[0] == fits[1]:
            month = (
                rules.reading.dates != "day" if rules.reading.dates != "auto" else not rules.comma
            )
        order = "month" if month else "day"
        doubt = f'column {name}: dates such as "{seen[0]}" are read {order} first'
        doubt += f'; set dates = "{order}" to silence'
        chosen = replace(options[0 if month else 1], order=order)
        yield chosen if rules.reading.dates == order else replace(chosen, doubt=doubt)


def _clock(found: re.Match[str]) -> str:
    """Write the format of a time of day."""
    between, seconds, noon, zone = found.groups()
    hours = "%I:%M" if noon else "%H:%M"
    half = " %p" if noon and noon[0] == " " else "%p" if noon else ""
    return between + hours + (":%S%.f" if seconds else "") + half + ("%#z" if zone else "")


@functools.cache
def _day(form: str) -> Column:
    """Read dates, or date-times where the format has a time."""
    time = "%H" in form or "%I" in form

    def make(text: pl.Expr) -> pl.Expr:
        text = text.str.strip_chars()
        return (
            text.str.to_datetime(form, strict=False, time_unit="us")
            if time
            else text.str.to_date(form, strict=False)
        )

    return Column("datetime" if time else "date", make, pl.Date if form == "%Y-%m-%d" else None)


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
    whole = rf"\d{{1,3}}(?:[{group}]\d{{3}})+|\d+"
    fraction = re.escape(decimal) + r"\d+"
    sign = rf"\s*(?:[{_SIGNS}]|USD|EUR|GBP|CHF|JPY|{unit})?\s*"
    digits = rf"(?:(?:{whole})(?:{fraction})?|{fraction})(?:[eE][-+]?\d+)?"
    pattern = rf"^\(?[-+\u2212]?{sign}[-+\u2212]?{digits}{sign}\)?$"

    def make(text: pl.Expr) -> pl.Expr:
        text = text.str.strip_chars()
        bare = text.str.replace_all(
            rf"[{group}{_SIGNS}\s)+]|[^\W\d_eE]{{2,}}|{unit or ' '}$", ""
        ).str.replace_all("[(\u2212]", "-")
        bare = bare.str.replace(decimal, ".", literal=True)
        return pl.when(text.str.contains(pattern)).then(bare).cast(pl.Float64, strict=False)

    return make


@functools.cache
def _text(missing: tuple[str, ...]) -> Make:
    def make(text: pl.Expr) -> pl.Expr:
        bare = text.str.strip_chars()
        return pl.when(~bare.is_in(missing)).then(bare)

    return make


def _boolean(text: pl.Expr) -> pl.Expr:
    word = text.str.strip_chars().str.to_lowercase()
    return pl.when(word.is_in(["true", "false"])).then(word == "true")


def _as_is(text: pl.Expr) -> pl.Expr:
    return text


def _no_nan(number: pl.Expr) -> pl.Expr:
    return number.fill_nan(None)


def _fits(values: pl.Series, make: Make) -> int:
    return int(values.to_frame("x").select(make(pl.col("x")).count()).item())
