"""Write the rows that are rejected to a file of JSON lines: step, reason, row."""

import contextlib
import shutil
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import polars as pl
import polars.selectors as cs

from ._internal import files
from .plugins import REJECTED

__all__ = ["Rejects"]


class Rejects:
    """A file that is there afterwards only if a row was rejected, and then is whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n_rows = 0
        self._open = contextlib.ExitStack()
        self._stream: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the file of an earlier run alone if the run fails."""
        self._open.__exit__(kind, error, trace)

    def add(self, step: str, rows: pl.DataFrame) -> None:
        """Write the rows that a step rejects, with the reasons in `REJECTED`."""
        stream = self._started()
        self.n_rows += len(rows)
        rows = rows.with_columns(cs.binary().bin.encode("hex"))
        rows.select(
            pl.lit(step).alias("step"),
            pl.col(REJECTED).alias("reason"),
            pl.struct(pl.exclude(REJECTED)).alias("row"),
        ).write_ndjson(stream)

    def append(self, part: Path, n_rows: int) -> None:
        """Add a file of rejected rows that another process wrote."""
        stream = self._started()
        self.n_rows += n_rows
        with part.open("rb") as lines:
            shutil.copyfileobj(lines, stream)

    def place(self) -> None:
        """Put the file where it belongs; without a rejected row, take the old one away."""
        self._open.close()
        if not self.n_rows:
            self.path.unlink(missing_ok=True)

    def _started(self) -> IO[bytes]:
        if self._stream is None:
            part = self._open.enter_context(files.atomic(self.path))
            self._stream = self._open.enter_context(part.open("wb"))
        return self._stream
