"""Read tables of text: what does not fit its column is missing, and reported in one line."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from ..errors import DataError
from .dialect import File
from .parsers import MISSING, Make, Parser, Rules, choose, keep, vote
from .reading import Reading

__all__ = ["Table", "settle", "stack"]

_UNIT = r"\W*[^\W\d][\w\W]{0,10}|%"
_TOTAL = r"(?i)^(grand |sub-?)?(totals?|sum|summe|gesamt|average|mean|mittelwert)\b"


class Table(NamedTuple):
    """A table that was read; `doubts` has a line for each thing that may be wrong.

    `dates` is the order of its dates: day or month first, "auto" where nothing depends on it.
    """

    frame: pl.LazyFrame
    doubts: list[str]
    dates: str = "auto"


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
    values = _sample(files, missing)
    rules = vote(values, Rules(reading, kinds, missing), files[0].separator)
    columns = {name: choose(name, values[name], rules) for name in values}
    for _ in range(4):  # from direct to text, and late values may ask for other parsers
        try:
            raw, doubts = _open(files, columns, values, rules, eager=eager)
            frame = _parse(raw, columns, eager=eager)
            strays = _strays(raw, frame, columns, missing)
        except pl.exceptions.ComputeError:  # a value is not of its column's type
            if not any(column.direct for column in columns.values()):
                for file in files:
                    file.check()
                raise
            columns = {name: column._replace(direct=None) for name, column in columns.items()}
            continue
        late = _late(strays, columns, values, rules)
        if not late:
            break
        columns |= late
    doubts += [column.doubt for column in columns.values() if column.doubt]
    for name, found in strays.items():
        kept, doubt = _judge(name, found, columns[name].kind, known=name in kinds)
        doubts.append(doubt)
        if kept:
            columns[name] = Parser("text", keep(missing))
            frame = _parse(raw, columns, eager=False)
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


def _sample(files: Sequence[File], missing: Sequence[str]) -> dict[str, pl.Series]:
    """Give values of each column of text; where the sample has none, the first there are."""
    sample = stack({file.name: file.sample.lazy() for file in files}).collect()
    text = sample.select(pl.selectors.string() - pl.selectors.starts_with("\0")).to_dict()
    values = {name: series.drop_nulls() for name, series in text.items()}
    late = [name for name, series in values.items() if series.is_in(missing).all()]
    if late:
        found = stack({file.name: file.open({}) for file in files}).select(
            pl.col(name).filter(~pl.col(name).is_in(missing)).head(1000).implode() for name in late
        )
        for name, series in found.collect(engine="streaming").to_dict().items():
            values[name] = series.explode().drop_nulls()
    return values


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
    ends = _ends(raw)
    if ends["nulls"][[*ends["nulls"]][-1]]:
        for file in files:
            file.check()
    if len(ends["nulls"]) > 1 and min(ends["nulls"].values()):
        raw = raw.filter(~pl.all_horizontal(pl.all().is_null()))
        ends = _ends(raw)
    raw = raw.drop(name for name in ends["nulls"] if name.startswith("\0"))
    doubts = []
    for name, value in ends["last"].items():
        total = isinstance(value, str) and re.match(_TOTAL, value.strip())
        if total and value not in rules.missing and (values[name] == value).sum() < 2:
            raw = raw.head(ends["n"] - 1)
            doubts = [_left_out("last", value.strip(), "a total")]
            break
    numeric = [name for name, column in columns.items() if column.kind == "numeric"]
    first = [str(ends["first"][name]).strip() for name in numeric if ends["first"][name] is not None]
    if first and all(re.fullmatch(_UNIT, unit) and unit not in rules.missing for unit in first):
        raw = raw.slice(1)
        doubts += [_left_out("first", first[0], "units")]
    return raw, doubts


def _left_out(which: str, value: str, what: str) -> str:
    looks = f'the {which} row ("{value}") looks like {what}: left out'
    return f'{looks}; set missing = ["{value}"] to keep it'


def _ends(raw: pl.LazyFrame) -> dict[str, Any]:
    """Count rows and missing values; give the first row and the last one."""
    ends = raw.select(
        pl.len().alias("n"),
        pl.struct(pl.all().null_count()).alias("nulls"),
        pl.struct(pl.all().first()).alias("first"),
        pl.struct(pl.all().last()).alias("last"),
    )
    return ends.collect(engine="streaming").row(0, named=True)


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
    schema = raw.collect_schema()
    names = [name for name, dtype in schema.items() if dtype == pl.String]
    names = [name for name in names if columns[name].kind != "text"]
    before, after = (
        table.select(pl.col(names).count()).collect(engine="streaming").to_dict()
        for table in (raw, frame)
    )
    found = {}
    for name in names:
        if before[name].item() > after[name].item():
            value = pl.col(name).str.strip_chars()
            misfit = columns[name].make(pl.col(name)).is_null() & ~value.is_in(missing)
            counts = raw.filter(misfit).group_by(value.alias("value")).len("n").drop_nulls()
            counts = counts.sort("n", "value", descending=[True, False])
            found[name] = counts.collect(engine="streaming"), after[name].item()
    return {name: pair for name, pair in found.items() if len(pair[0])}


def _late(
    strays: Mapping[str, tuple[pl.DataFrame, int]],
    columns: Mapping[str, Parser],
    values: dict[str, pl.Series],
    rules: Rules,
) -> dict[str, Parser]:
    """Choose again where values came late; they join the others."""
    late = {}
    for name, (found, _) in strays.items():
        new = found["value"].filter(~found["value"].is_in(values[name].implode()))
        values[name] = pl.concat([values[name], new])
        column = choose(name, values[name], rules) if len(new) else columns[name]
        if column.kind != "text" and column.make is not columns[name].make:
            late[name] = column
    return late


def _judge(
    name: str, strays: tuple[pl.DataFrame, int], kind: str, *, known: bool
) -> tuple[bool, str]:
    """Say what does not fit, and whether it is too much: then the column is kept as text."""
    found, n_fit = strays
    n_odd = found["n"].sum()
    shown = ", ".join(f'"{value}"' for value in found["value"].head(3))
    noun = {"numeric": "numbers", "boolean": "truth values"}.get(kind, "dates")
    begin = f"column {name}: {n_odd} of {n_odd + n_fit} values are not {noun} ({shown})"
    codes = len(found) > 20 and 2 * len(found) > n_odd and 10 * n_odd > n_fit
    if not known and (n_odd > n_fit or codes):
        return True, f'{begin}: kept as text; set text = ["{name}"] to silence'
    return False, (
        f"{begin}: treated as missing; set missing = [{shown}] to silence, "
        f'or text = ["{name}"] to keep them as text'
    )


def _no_nan(number: pl.Expr) -> pl.Expr:
    return number.fill_nan(None)
