"""Open what a run reads: files, folders of parts, globs, tables of databases, below each other."""

import itertools
from collections.abc import Collection, Sequence
from pathlib import Path

import polars as pl

from . import io, sql
from .errors import DataError

__all__ = ["files", "scan"]


def files(sources: Sequence[str]) -> list[Path]:
    """Find all files that are read, in their order; none if a database is among the sources."""
    if any(map(sql.is_url, sources)):
        return []
    return [path for source in sources for path in io.parts(source)]


def scan(
    sources: Sequence[str], *, query: str | None = None, text: Collection[str] = ()
) -> pl.LazyFrame:
    """Open all sources as one table; no row is kept.

    Parameters
    ----------
    sources
        At least one; all have the same columns.
    query
        What to ask the database, which is then the only source.
    text
        Columns of CSV files to keep as text, so that "007" does not become 7.

    Raises
    ------
    DataError
        If one cannot be read or is named twice, or their columns differ.
    """
    if repeated := [source for source in sources if sources.count(source) > 1]:
        msg = f"{sql.masked(repeated[0])} is named more than once: its rows would be doubled"
        raise DataError(msg)
    n_urls = sum(map(sql.is_url, sources))
    if query is not None and (n_urls, len(sources)) != (1, 1):
        msg = "a query needs one database as its only source, e.g. sqlite:///sales.db"
        raise DataError(msg)
    tables: dict[str, pl.LazyFrame] = {}
    for is_url, names in itertools.groupby(sources, sql.is_url):
        if is_url:
            tables |= {sql.masked(url): sql.scan(url, query) for url in names}
        else:
            paths = [*names]
            tables[", ".join(paths)] = io.scan(*paths, text=text)
    return io.stack(tables)
