"""Write the result, whole or not at all, and the rejected rows."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import polars.selectors as cs

from . import addresses, io, sql
from ._internal import files
from .errors import DataError
from .plugins import REJECTED

__all__ = ["Rejects", "check", "rejects_file", "write"]


def check(target: str, sources: Sequence[str], rejects: Path) -> None:
    """Refuse a target that cannot be written, before anything is read.

    Raises
    ------
    DataError
        If a format is unknown, no table is named, or one thing would be read and
        written, now or in the next run, or written twice.
    """
    read = [
        path.resolve() for name in sources if not addresses.is_url(name) for path in io.parts(name)
    ]
    if addresses.is_url(target):
        sql.check(target)
        twice = addresses.identity(target) in map(
            addresses.identity, filter(addresses.is_url, sources)
        )
    else:
        io.check_name(Path(target))
        twice = Path(target).resolve() in read
        read.append(Path(target).resolve())
        if not twice and any(Path(name).resolve() == read[-1].parent for name in sources):
            msg = f"{target} would be read in the next run: write it outside of the source"
            raise DataError(msg)
    if twice:
        msg = f"{addresses.shown(target)} is read in this run: name another to write to"
        raise DataError(msg)
    if rejects.suffix.lower() not in (".jsonl", ".ndjson"):
        msg = f"rejected rows are written as JSON lines: {rejects} must end in .jsonl"
        raise DataError(msg)
    if rejects.resolve() in read:
        msg = f"{rejects} is read or written in this run: name another for rejected rows"
        raise DataError(msg)


def rejects_file(target: str) -> Path:
    """Name the file for rejected rows: after the result and beside it, or in the working folder."""
    if not addresses.is_url(target):
        io.check_name(Path(target))
        return Path(f"{target}.rejects.jsonl")
    database, _, table = addresses.table(target)
    file = f"{table.replace('/', '_')}.rejects.jsonl"
    return Path(file) if addresses.is_server(target) else Path(f"{database}.{file}")


class Rejects:
    """The rejected rows as JSON lines: step, reason, row. They wait in a temporary file."""

    def __init__(self, spool: Path) -> None:
        self.spool = spool

    def add(self, step: str, rows: pl.DataFrame) -> None:
        """Write the rows that a step rejects, with the reasons in `REJECTED`."""
        rows = rows.with_columns(cs.binary().bin.encode("hex"))
        with self.spool.open("ab") as stream:
            rows.select(
                pl.lit(step).alias("step"),
                pl.col(REJECTED).alias("reason"),
                pl.struct(pl.exclude(REJECTED)).alias("row"),
            ).write_ndjson(stream)

    def place(self, path: Path) -> None:
        """Write the file, whole; without a rejected row, delete the file of an earlier run."""
        if not self.spool.exists():
            path.unlink(missing_ok=True)
            return
        with files.atomic(path) as part:
            shutil.copyfile(self.spool, part)


def write(
    frame: pl.LazyFrame, target: str, *, ready: Callable[[], None], folder: Path, batch_rows: int
) -> None:
    """Compute a table and write it.

    Parameters
    ----------
    ready
        Called when every row is written, before the new table replaces the old one; if
        it raises, the old one stays.
    folder
        Where the rows for a database wait until they are complete.
    batch_rows
        Rows that go to a database at a time.

    Raises
    ------
    DataError
        If the target cannot be written; it is then as it was.
    """
    if not addresses.is_url(target):
        io.write(frame, Path(target), ready=ready)
        return
    spool = folder / "result.parquet"
    io.write(frame, spool)
    sql.write(pl.scan_parquet(spool), target, batch_rows=batch_rows, ready=ready)
