"""DuckDB: one process, little memory."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from polars.io.plugins import register_io_source

from ...errors import EngineError
from .. import files
from .handover import hand_over
from .polars import Lazy

__all__ = ["Relation", "start"]

_BATCH = 1 << 17  # rows on their way from duckdb to polars


class Relation(Lazy):
    """A query of DuckDB."""

    def rows(self) -> pl.LazyFrame:
        """Give what the query finds, batch for batch, when polars asks for it."""
        schema = self.frame.limit(0).pl().schema

        def source(
            columns: list[str] | None,
            predicate: pl.Expr | None,
            n_rows: int | None,
            batch_size: int | None,
        ) -> Iterator[pl.DataFrame]:
            query = self.frame if n_rows is None else self.frame.limit(n_rows)
            for batch in query.to_arrow_reader(_BATCH):
                frame = pl.DataFrame(pl.from_arrow(batch)).cast(dict(schema))
                frame = frame if predicate is None else frame.filter(predicate)
                yield frame if columns is None else frame.select(columns)

        return register_io_source(source, schema=schema)


@contextlib.contextmanager
def start(cluster: str | None, output: Path) -> Iterator[Any]:
    """Open a database in memory, which may spill into a folder beside the output."""
    with files.scratch(output) as folder, duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        database.execute("SET preserve_insertion_order = true")
        database.execute("SET enable_progress_bar = false")
        database.execute("SET temp_directory = $folder", {"folder": str(folder)})

        def opened(frame: pl.LazyFrame, parts: Sequence[Path], *, exact: bool = False) -> Relation:
            _check_names(frame.collect_schema().names())
            paths = [_escape(path) for path in hand_over(frame, parts, folder, exact=exact)]
            return Relation(database.read_parquet(paths))

        try:
            yield opened
        except duckdb.Error as error:
            msg = f"duckdb: {str(error).strip().partition(chr(10))[0]}"
            raise EngineError(msg) from error


def _check_names(names: list[str]) -> None:
    """Refuse names that DuckDB takes for one."""
    folded = [name.lower() for name in names]
    same = [name for name in names if folded.count(name.lower()) > 1]
    if same:
        msg = f"duckdb cannot tell {', '.join(same)} apart: rename, or use another engine"
        raise EngineError(msg)


def _escape(path: Path) -> str:
    """Name a file so that nothing in its path is taken for a pattern."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))
