"""Let the workers of a cluster take the first steps, those that see each row alone."""

import functools
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from . import batches, checks, io, transform
from .errors import DataError
from .rejects import Rejects

__all__ = ["run"]

_ROWS = 1 << 18  # in a part, about
_COUNTS = ("rows_in", "rows_out", "rejected", "seconds")


@dataclass(frozen=True)
class _Part:
    """Rows of the source, and the file for what comes of them."""

    first: int
    n_rows: int
    path: Path

    @property
    def rejects(self) -> Path:
        return self.path.with_suffix(".jsonl")


def run(
    workers: Any,
    steps: Sequence[transform.Step],
    rules: Sequence[checks.Rule],
    rejects: Rejects,
    *,
    source: str,
    batch_rows: int,
    progress: Callable[[int], object],
) -> Iterator[pl.DataFrame]:
    """Let each worker take steps on parts of the rows; give what they make, in order.

    Parameters
    ----------
    steps, rules
        They count what all workers did; no step needs the whole table.
    rejects
        Where the rejected rows go, in their order.
    source
        What the rows are called in errors.
    batch_rows
        Rows that a worker has in memory at a time.
    progress
        Called with the number of rows of each part that is done.

    Raises
    ------
    PackageError
        As the steps do, or if the workers cannot go on.
    """
    work = functools.partial(_work, pickle.dumps((source, workers.paths, batch_rows, steps, rules)))
    with io.reading(source):
        parts = [*_divide(workers, batch_rows)]
    for part, (counts, broken) in zip(parts, workers.each(work, parts), strict=True):
        progress(part.n_rows)
        _add(steps, rules, counts, broken)
        if part.rejects.exists():
            rejects.append(part.rejects, sum(rejected for _, _, rejected, _ in counts))
    made = [part.path for part in parts]
    return batches.split(pl.scan_parquet(made, glob=False), batch_rows) if made else iter(())


def _divide(workers: Any, batch_rows: int) -> Iterator[_Part]:
    """Divide the rows where batches end, so that they are those of a single process."""
    total = pl.scan_parquet([*workers.paths], glob=False).select(pl.len()).collect().item()
    n_batches = min(-(-total // batch_rows) // workers.n_threads, _ROWS // batch_rows)
    size = max(1, n_batches) * batch_rows
    for number, first in enumerate(range(0, total, size)):
        path = workers.folder / f"{number:06}.parquet"
        yield _Part(first, min(size, total - first), path)


def _work(content: bytes, part: _Part) -> tuple[list[Any], list[Any]]:
    """Take the steps on a part, write what comes of it and give what was counted."""
    if not part.path.parent.is_dir():
        msg = f"cannot write {part.path}: the run has ended"
        raise DataError(msg)
    source, paths, batch_rows, steps, rules = pickle.loads(content)  # noqa: S301 - sent by `run`
    table = pl.scan_parquet([*paths], glob=False)
    with io.reading(source), Rejects(part.rejects) as rejects:
        schema = table.collect_schema()
        rows = batches.split(table.slice(part.first, part.n_rows), batch_rows)
        made = transform.run(
            rows, schema, steps, rejects.add, batch_rows=batch_rows, folder=part.path.parent
        )
        columns = steps[-1].columns if steps else schema
        io.write(batches.lazy(lambda: made, columns), part.path, ready=rejects.place)
    counts = [[getattr(step, name) for name in _COUNTS] for step in steps]
    return counts, [(rule.n_broken, rule.examples) for rule in rules]


def _add(
    steps: Sequence[transform.Step], rules: Sequence[checks.Rule], counts: Any, broken: Any
) -> None:
    for step, numbers in zip(steps, counts, strict=True):
        for name, number in zip(_COUNTS, numbers, strict=True):
            setattr(step, name, getattr(step, name) + number)
    for rule, (n_broken, examples) in zip(rules, broken, strict=True):
        rule.n_broken += n_broken
        rule.examples += examples[: checks.MAX_EXAMPLES - len(rule.examples)]
