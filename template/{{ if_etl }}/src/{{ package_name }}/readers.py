"""Open the sources of a run: files, folders, globs and tables of databases, one below the other."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from . import addresses, io, sql
from ._internal.reading import Reading
from .errors import DataError

__all__ = ["files", "scan"]


def files(sources: Sequence[str]) -> list[Path]:
    """Find all files that are read, in their order; none if a database is among the sources."""
    if any(map(addresses.is_url, sources)):
        return []
    return [path for source in sources for path in io.parts(source)]


def scan(
    sources: Sequence[str], *, query: str | None = None, settings: Reading | None = None
) -> pl.LazyFrame:
    """Open all sources as one table; no row is kept.

    Parameters
    ----------
    sources
        At least one; all have the same columns.
    query
        SQL for the database, which is then the only source.
    settings
        How text is read; None: all of it is found from the table.

    Raises
    ------
    DataError
        If one cannot be read or is named twice, or their columns differ.
    """
    seen: set[object] = set()
    for source in sources:
        same = addresses.identity(source) if addresses.is_url(source) else source
        if same in seen:
            msg = f"{addresses.shown(source)} is named more than once: its rows would be doubled"
            raise DataError(msg)
        seen.add(same)
    if query is not None and [*map(addresses.is_url, sources)] != [True]:
        msg = "a query needs one database as its only source, e.g. sqlite:///sales.db"
        raise DataError(msg)
    tables: dict[str, pl.LazyFrame] = {}
    for is_url, names in itertools.groupby(sources, addresses.is_url):
        if is_url:
            tables |= {addresses.shown(url): sql.scan(url, query) for url in names}
        else:
            paths = [*names]
            tables[", ".join(paths)] = io.scan(*paths, settings=settings)
    return io.stack(tables)
