"""Write the result: to a file or to a table of a database, whole or not at all."""

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from . import io, sql
from .errors import DataError

__all__ = ["check", "rejects_file", "write"]


def check(target: str, sources: Sequence[str], rejects: Path) -> None:
    """Refuse what cannot be written before anything is read.

    Raises
    ------
    DataError
        If a format is unknown, no table is named, or one thing would be read and
        written, now or in the next run, or written twice.
    """
    taken = [path.resolve() for name in sources if not sql.is_url(name) for path in io.parts(name)]
    tables = [sql.table(name) for name in sources if sql.is_url(name)]
    if sql.is_url(target):
        sql.check(target)
        twice = sql.table(target) in tables
    else:
        io.check_name(Path(target))
        twice = Path(target).resolve() in taken
        taken.append(Path(target).resolve())
        if not twice and any(Path(name).resolve() == taken[-1].parent for name in sources):
            msg = f"{target} would be read in the next run: write it outside of the source"
            raise DataError(msg)
    if twice:
        msg = f"{sql.masked(target)} is read in this run: name another to write to"
        raise DataError(msg)
    if rejects.suffix.lower() not in (".jsonl", ".ndjson"):
        msg = f"rejected rows are written as JSON lines: {rejects} must end in .jsonl"
        raise DataError(msg)
    if rejects.resolve() in taken:
        msg = f"{rejects} is read or written in this run: name another for rejected rows"
        raise DataError(msg)


def rejects_file(target: str) -> Path:
    """Name the file for rejected rows: after the result and beside it, or in the working folder."""
    if not sql.is_url(target):
        io.check_name(Path(target))
        return Path(f"{target}.rejects.jsonl")
    database, _, table = sql.table(target)
    file = f"{table.replace('/', '_')}.rejects.jsonl"
    return Path(file) if sql.is_server(target) else Path(f"{database}.{file}")


def write(
    frame: pl.LazyFrame, target: str, *, ready: Callable[[], None], folder: Path, batch_rows: int
) -> None:
    """Compute a table and write it.

    Parameters
    ----------
    ready
        Called when every row is written, before anything takes the place of what was
        there; if it raises, nothing does.
    folder
        Where the rows for a database wait until they are complete.
    batch_rows
        Rows that go to a database at a time.

    Raises
    ------
    DataError
        If the target cannot be written; what was there is then as it was.
    """
    if not sql.is_url(target):
        io.write(frame, Path(target), ready=ready)
        return
    spool = folder / "result.parquet"
    io.write(frame, spool)
    sql.write(pl.scan_parquet(spool), target, batch_rows=batch_rows, ready=ready)
