# ruff: noqa: S608 - names are quoted, a query is the user's own
"""Read and write the tables of databases in batches, through their ADBC drivers."""

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from . import batches
from .addresses import is_server, secrets, shown, table
from .errors import DataError

__all__ = ["check", "scan", "write"]

_MAX_BYTES = 63  # the server cuts longer names
_FLAGS = ("integer", "real", "text", "blob")
_SQLITE = {  # kind of value -> how a column of it is read, and one such value
    "integer": ("{}", "0"),
    "real": ("CAST({} AS REAL)", "0.0"),
    "text": ("CAST({} AS TEXT)", "''"),
    "blob": ("CAST({} AS BLOB)", "x''"),
}


def check(url: str) -> None:
    """Refuse a table that cannot be written.

    Raises
    ------
    DataError
        If none is named, its name is too long for the server, or the driver is missing.
    """
    _, schema, name = table(url)
    if not name:
        msg = f"{shown(url)} must name a table: add #name"
        raise DataError(msg)
    if is_server(url) and max(len(part.encode()) for part in (schema, name)) > _MAX_BYTES:
        msg = f"{shown(url)[:99]}…: a name of PostgreSQL has at most {_MAX_BYTES} bytes"
        raise DataError(msg)
    _driver(url)


def scan(url: str, query: str | None = None) -> pl.LazyFrame:
    """Open a table or the result of a query; no row is kept.

    Types come from the database. SQLite has none that hold: there the values decide,
    which are looked through once; whole numbers, numbers and text are told apart.

    Raises
    ------
    DataError
        If the database cannot be read; no password is shown.
    """
    _, schema, name = table(url)
    if bool(name) == bool(query):
        msg = f"{shown(url)}: name a table with #name, or give a query, one of both"
        raise DataError(msg)
    source = f"SELECT * FROM {_quoted(schema, name)}" if query is None else query.rstrip("; \n")
    with _connected(url, reading=True) as cursor:
        how = _postgresql if is_server(url) else _sqlite
        text, skip = how(cursor, f"({source}\n) AS source")
        rows = _fetch(cursor, text)
        columns = pl.DataFrame(pl.from_arrow(rows.schema.empty_table())).schema
    return batches.lazy(functools.partial(_read, url, text, skip), columns)


def write(
    frame: pl.LazyFrame, url: str, *, batch_rows: int, ready: Callable[[], None] | None = None
) -> None:
    """Put rows into a new table in place of the one of its name, in one transaction.

    Parameters
    ----------
    batch_rows
        Rows that go to the database at a time.
    ready
        Called when all rows are there, before the new table takes the place of the old
        one; if it raises, the old one stays.

    Raises
    ------
    DataError
        If the database cannot be written; the old table is then as it was.
    """
    _, schema, name = table(url)
    odd = cs.categorical() | cs.enum() | cs.by_dtype(pl.Null, pl.Int128)
    rows = frame.with_columns(odd.cast(pl.String))
    target = {"db_schema_name": schema} if schema else {}
    with _connected(url) as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {_quoted(schema, name)}")
        mode = "create"
        empty = rows.collect_schema().to_frame()
        for batch in itertools.chain([empty], batches.split(rows, batch_rows)):
            data = batch.to_arrow(compat_level=pl.CompatLevel.oldest())
            cursor.adbc_ingest(name, data, mode=mode, **target)
            mode = "append"
        if ready:
            ready()


def _read(url: str, text: str, skip: int) -> Iterator[pl.DataFrame]:
    """Run a query and give its rows, without the first `skip`."""
    with _connected(url, reading=True) as cursor:
        for batch in _fetch(cursor, text):
            yield pl.DataFrame(pl.from_arrow(batch)).slice(skip)
            skip = 0


def _fetch(cursor: Any, text: str) -> Any:
    cursor.execute(text)
    return cursor.fetch_record_batch()


def _postgresql(cursor: Any, source: str) -> tuple[str, int]:
    """Read numeric as a number, and what has no type here as text."""
    fields = _fetch(cursor, f"SELECT * FROM {source} LIMIT 0").schema
    parts = []
    for field in fields:
        kind, name = str(field.type), _quoted("", field.name)
        numeric = getattr(field.type, "type_name", "") == "numeric"
        odd = "extension" in kind or "interval" in kind
        cast = "::double precision" if numeric else "::text" if odd else ""
        parts.append(f"{name}{cast} AS {name}")
    return f"SELECT {', '.join(parts)} FROM {source}", 0


def _sqlite(cursor: Any, source: str) -> tuple[str, int]:
    """Find the type of each column; a first row, to be skipped, tells them to the driver."""
    names = _fetch(cursor, f"SELECT * FROM {source} LIMIT 0").schema.names
    columns = [_quoted("", name) for name in names]
    flags = [f"max(typeof({column}) = '{kind}')" for column in columns for kind in _FLAGS]
    found = _fetch(cursor, f"SELECT {', '.join(flags)} FROM {source}").read_all()
    held = [bool(column[0].as_py()) for column in found.columns]
    kinds = [_kind(*held[place : place + 4]) for place in range(0, len(held), 4)]
    first = ", ".join(f"{_SQLITE[k][1]} AS {c}" for k, c in zip(kinds, columns, strict=True))
    rest = ", ".join(_SQLITE[k][0].format(c) for k, c in zip(kinds, columns, strict=True))
    return f"SELECT {first} UNION ALL SELECT {rest} FROM {source}", 1


def _kind(integer: bool, real: bool, text: bool, blob: bool) -> str:
    if blob and not (integer or real or text):
        return "blob"
    if text or blob or not (integer or real):
        return "text"
    return "real" if real else "integer"


def _quoted(schema: str, name: str) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in (schema, name) if part)


@contextlib.contextmanager
def _connected(url: str, *, reading: bool = False) -> Iterator[Any]:
    """Give a cursor; errors of the database become one line without a password."""
    from pyarrow import ArrowException

    driver = _driver(url)
    database, _, _ = table(url)
    options = {}
    if not is_server(url):
        options = {"adbc.sqlite.query.batch_rows": "10000"}
        if reading and not Path(database).is_file():
            msg = f"{url}: no such file {database}"
            raise DataError(msg)
    try:
        if options:
            Path(database).parent.mkdir(parents=True, exist_ok=True)
        with (
            driver.connect(database) as connection,
            connection.cursor(adbc_stmt_kwargs=options) as cursor,
        ):
            yield cursor
            if not reading:
                connection.commit()
    except (driver.Error, ArrowException, OSError) as error:  # older drivers raise Arrow's
        reason = str(error).replace(database, shown(database)).partition("\n")[0]
        if any(secret in reason for secret in secrets(url)):
            reason = "the database cannot be used; its message is not shown, as it has a password"
        msg = f"{shown(url)}: {reason}"
        raise DataError(msg) from None  # the cause may name the password


def _driver(url: str) -> Any:
    kind = "postgresql" if is_server(url) else "sqlite"
    try:
        return import_module(f"adbc_driver_{kind}.dbapi")
    except ImportError as error:
        driver = f"adbc-driver-{kind}"
        msg = f'{shown(url)} needs {driver}: uv add "{driver}>=1.8"'
        raise DataError(msg) from error
