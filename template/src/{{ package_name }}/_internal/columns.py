"""Read tables of text: what does not fit its column is missing, and reported in one line."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl
import polars.selectors as cs

from ..errors import DataError
from .dialect import File
from .parsers import MISSING, Make, Parser, Rules, choose, vote
from .reading import Reading

__all__ = ["Table", "settle", "stack"]

_UNIT = r"\W*[^\W\d][\w\W]{0,10}|%"
_TOTAL = r"(?i)^(grand |sub-?)?(totals?|sum|summe|gesamt|average|mean|mittelwert)\b"


class Table(NamedTuple):
    """A table that was read; `doubts` has a line for each thing that may be wrong.

    `dates` is the order of its dates: day or month first, "auto" where nothing depends on it;
    `dialect` says how the file is written: its format, and of text encoding and signs.
    """

    frame: pl.LazyFrame
    doubts: list[str]
    dates: str
    dialect: Mapping[str, str]


def settle(
    files: Sequence[File], reading: Reading, kinds: Mapping[str, str], *, eager: bool
) -> Table:
    """Read files of text with the same columns below each other.

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
    sample = stack({file.name: file.sample.lazy() for file in files}).collect()
    text = sample.select(cs.string() - cs.starts_with("\0"))
    values = {series.name: series.drop_nulls() for series in text}
    dialect = files[0].dialect
    rules = vote(values, Rules(reading, kinds, missing), dialect.get("separator", ","))
    columns = {name: choose(name, values[name], rules) for name in values}
    for _ in range(4):  # types that do not fit, and values that come late, ask for others
        try:
            raw, doubts = _open(files, columns, values, rules, eager=eager)
            frame = _parse(raw, columns, eager=eager)
            strays = _strays(raw, frame, columns, missing)
        except pl.exceptions.ComputeError:
            if not any(column.direct for column in columns.values()):
                for file in files:
                    file.check()
                raise
            columns = {name: column._replace(direct=None) for name, column in columns.items()}
            continue
        late = {}
        for name, (odd, _) in strays.items():
            new = odd["value"].filter(~odd["value"].is_in(values[name].implode()))
            column = choose(name, pl.concat([values[name], new]), rules)
            if len(new) and column.make is not columns[name].make:
                late[name] = column._replace(direct=None)
        columns |= late
        if not late:
            break
    doubts += [column.doubt for column in columns.values() if column.doubt]
    doubts += [_doubt(name, columns[name].kind, *found) for name, found in strays.items()]
    orders = {column.order for column in columns.values() if column.order}
    told = [f"{file.name}: {doubt}" for file in files for doubt in file.doubts]
    dates = orders.pop() if len(orders) == 1 else reading.dates
    return Table(frame, told + doubts, dates, dialect and {**dialect, "decimal": ".,"[rules.comma]})


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


def _open(
    files: Sequence[File],
    columns: Mapping[str, Parser],
    values: Mapping[str, pl.Series],
    rules: Rules,
    *,
    eager: bool,
) -> tuple[pl.LazyFrame, list[str]]:
    """Open files without blank rows, a first row of units and a last row of totals."""
    types = {name: column.direct for name, column in columns.items() if column.direct}
    raw = stack({file.name: file.open(types) for file in files})
    raw = raw.collect().lazy() if eager else raw
    n_rows, nulls, first, last = _ends(raw)
    if [*nulls.values()][-1]:
        for file in files:
            file.check()
    if len(nulls) > 1 and min(nulls.values()):
        raw = raw.filter(~pl.all_horizontal(pl.all().is_null()))
        n_rows, _, first, last = _ends(raw)
    raw = raw.drop(name for name in nulls if name.startswith("\0"))
    doubts = []
    for name, value in last.items():
        total = re.match(_TOTAL, str(value).strip()) and value not in rules.missing
        if total and (values[name] == value).sum() < 2:
            raw = raw.head(n_rows - 1)
            doubts = [_left_out("last", value.strip(), "a total")]
            break
    numeric = [name for name, column in columns.items() if column.kind == "numeric"]
    units = {name: str(first[name]).strip() for name in numeric if first[name] is not None}
    if units and all(_is_unit(unit, columns[name], rules) for name, unit in units.items()):
        raw = raw.slice(1)
        doubts += [_left_out("first", next(iter(units.values())), "units")]
    return raw, doubts


def _is_unit(text: str, column: Parser, rules: Rules) -> bool:
    looks = re.fullmatch(_UNIT, text) is not None and text not in rules.missing
    return looks and pl.select(column.make(pl.lit(text))).item() is None


def _left_out(which: str, value: str, what: str) -> str:
    looks = f'the {which} row ("{value}") looks like {what}: left out'
    return f'{looks}; set missing = ["{value}"] to keep it'


def _ends(raw: pl.LazyFrame) -> tuple[Any, ...]:
    """Count rows, and missing values by column; give the text of the first and the last row."""
    ends = raw.select(
        pl.len(),
        nulls=pl.struct(pl.all().null_count()),
        first=pl.struct(pl.all().first()),
        last=pl.struct(pl.all().last()),
    )
    return ends.collect(engine="streaming").row(0)


def _parse(raw: pl.LazyFrame, columns: Mapping[str, Parser], *, eager: bool) -> pl.LazyFrame:
    """Read the columns that are still text, those that are read alike at once."""
    groups: dict[Make, list[str]] = {}
    for name, dtype in raw.collect_schema().items():
        if dtype == pl.String:
            groups.setdefault(columns[name].make, []).append(name)
        elif dtype.is_float():
            groups.setdefault(_no_nan, []).append(name)
    frame = raw.with_columns(make(pl.col(names)) for make, names in groups.items())
    return frame.collect().lazy() if eager else frame


def _strays(
    raw: pl.LazyFrame, frame: pl.LazyFrame, columns: Mapping[str, Parser], missing: Sequence[str]
) -> dict[str, tuple[pl.DataFrame, int]]:
    """Find what does not fit: column -> value and n, the commonest first; how many fit."""
    text = raw.select(cs.string()).collect_schema()
    names = [name for name in text if columns[name].kind != "text"]
    before, after = (
        table.select(pl.col(names).count()).collect(engine="streaming").to_dict(as_series=False)
        for table in (raw, frame)
    )
    found = {}
    for name in names:
        if before[name] > after[name]:
            value = pl.col(name).str.strip_chars()
            misfit = columns[name].make(pl.col(name)).is_null() & ~value.is_in(missing)
            counts = raw.filter(misfit).group_by(value=value).len("n").drop_nulls()
            counts = counts.sort("n", "value", descending=[True, False])
            found[name] = counts.collect(engine="streaming"), after[name][0]
    return {name: pair for name, pair in found.items() if len(pair[0])}


def _doubt(name: str, kind: str, odd: pl.DataFrame, n_fit: int) -> str:
    """Say what does not fit."""
    shown = ", ".join(f'"{value}"' for value in odd["value"].head(3))
    noun = {"numeric": "numbers", "boolean": "truth values"}.get(kind, "dates")
    return (
        f"column {name}: {odd['n'].sum()} of {odd['n'].sum() + n_fit} values are not {noun} "
        f"({shown}): treated as missing; set missing = [{shown}] to silence, "
        f'or text = ["{name}"] to keep them as text'
    )


def _no_nan(number: pl.Expr) -> pl.Expr:
    return number.fill_nan(None)
