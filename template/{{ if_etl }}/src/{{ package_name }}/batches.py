"""Go from lazy tables to batches of rows and back, without ever holding all of them."""

from collections.abc import Callable, Iterator

import polars as pl
from polars.io.plugins import register_io_source

__all__ = ["lazy", "split"]


def split(frame: pl.LazyFrame, n_rows: int) -> Iterator[pl.DataFrame]:
    """Compute a table in order, `n_rows` rows at a time; the last batch has what is left."""
    yield from frame.collect_batches(chunk_size=n_rows, maintain_order=True, engine="streaming")


def lazy(make: Callable[[], Iterator[pl.DataFrame]], schema: pl.Schema) -> pl.LazyFrame:
    """Make a lazy table of batches.

    Parameters
    ----------
    make
        Called each time the table is computed; every batch has the columns of `schema`.
    """

    def give(
        columns: list[str] | None, where: pl.Expr | None, n_rows: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        left = n_rows
        for batch in make():
            part = batch if left is None else batch.head(left)
            left = None if left is None else left - len(part)
            part = part if where is None else part.filter(where)
            yield part if columns is None else part.select(columns)
            if left == 0:
                return

    return register_io_source(give, schema=schema)
