"""DuckDB: one process, little memory."""

import contextlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import polars as pl

from ...errors import EngineError
from ..engine import Table
from ._handover import check_kept, check_numbers, hand_over, read_parts, scratch
from ._missing import missing

try:
    import duckdb
    import pyarrow as pa  # noqa: F401 - duckdb imports it
except ImportError as error:
    raise missing(__name__, "duckdb>=1.5", "pyarrow>=21") from error

__all__ = ["Relation", "start"]


@dataclass(frozen=True)
class Relation(Table):
    """A query of DuckDB; `paths` are the files it reads, as long as no step is taken."""

    folder: Path = Path()
    paths: tuple[Path, ...] = ()

    def then(self, step: Callable[[Any], Any]) -> Self:
        """Put a step into the query."""
        return replace(self, frame=step(self.frame), paths=())

    def rows(self) -> pl.LazyFrame:
        """Let the query write a file beside the output; with a reader, rows change places."""
        if self.paths:
            return read_parts(self.paths)
        path = self.folder / f"{uuid.uuid4().hex}.parquet"
        self.write_parquet(path)
        return read_parts([path])

    def write_parquet(self, path: Path) -> None:
        """Write what the query finds, in the order of the source."""
        name = str(path).replace("'", "''")
        options = "FORMAT parquet, COMPRESSION zstd, PRESERVE_ORDER true"
        self.frame.query("made", f"COPY made TO '{name}' ({options})")


@contextlib.contextmanager
def start(cluster: str | None, output: Path) -> Iterator[Any]:
    """Open a database in memory, which may spill into a folder beside the output."""
    with scratch(output) as folder, duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        database.execute("SET enable_progress_bar = false")
        database.execute("SET temp_directory = $folder", {"folder": str(folder)})

        def opened(
            frame: pl.LazyFrame,
            parts: Sequence[Path],
            keep: Sequence[str] = (),
            *,
            exact: bool = False,
        ) -> Relation:
            check_kept("duckdb", keep, frame)
            if exact:
                check_numbers("duckdb", frame)
            _check_names(frame.collect_schema().names())
            paths = tuple(hand_over(frame, parts, folder, exact=exact))
            frame_ = database.read_parquet([*map(_escape, paths)])
            return Relation(frame_, folder=folder, paths=paths)

        try:
            yield opened
        except duckdb.Error as error:
            msg = f"duckdb: {str(error).strip().partition(chr(10))[0]}"
            raise EngineError(msg) from error


def _check_names(names: list[str]) -> None:
    """Refuse names that DuckDB takes for one."""
    counts = Counter(map(str.lower, names))
    same = [name for name in names if counts[name.lower()] > 1]
    if same:
        msg = f"duckdb cannot tell {', '.join(same)} apart: rename, or use another engine"
        raise EngineError(msg)


def _escape(path: Path) -> str:
    """Name a file so that nothing in its path is taken for a pattern."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))
