"""Apply steps to a table in batches, count what each does and set rejected rows aside.

A step sees one batch after the other. A step that needs the whole table sees it as a lazy
frame of a temporary file.
"""

import functools
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from . import batches, checks, io
from ._internal import registry
from .errors import DataError, PackageError, PluginError
from .plugins import REJECTED

__all__ = ["Refuse", "Step", "Taken", "plan", "run", "take"]

logger = logging.getLogger(__name__)

Refuse = Callable[[str, pl.DataFrame], None]
"""Takes the name of a step and the rows it rejects, with the reason in `REJECTED`."""


@dataclass
class Step:
    """A transform with its place in the pipeline, and what it has done so far."""

    name: str
    apply: Callable[[Any], Any]
    columns: pl.Schema
    whole_table: bool = False
    rows_out: int = 0
    rejected: int = 0
    seconds: float = 0.0


class Taken(NamedTuple):
    """The result of steps on a batch: for each step rows out, rejected rows and seconds."""

    rows_in: int
    rows: pl.DataFrame
    done: list[tuple[int, pl.DataFrame, float]]


def plan(
    plugins: Sequence[registry.Plugin], schema: Mapping[str, Any], rules: Sequence[checks.Rule] = ()
) -> list[Step]:
    """Put plugins and checks in order; apply them to a table without rows to learn the columns.

    Parameters
    ----------
    plugins
        In the order in which they are applied.
    schema
        Name -> type of the columns that come in.
    rules
        Checked after the last plugin.

    Raises
    ------
    DataError
        If a column has the name of the column for reasons.
    PluginError, ConfigError
        If a plugin or a check does not fit the columns; the message names the step.
    """
    if REJECTED in schema:
        msg = f"no column may be called {REJECTED!r}: it holds why a row is rejected"
        raise DataError(msg)
    steps: list[Step] = []
    frame = pl.DataFrame(schema=pl.Schema(schema))
    for plugin in plugins:
        apply = functools.partial(registry.apply, [plugin])
        step = Step(f"{len(steps) + 1} {plugin.name}", apply, frame.schema, plugin.whole_table)
        frame = _apply(step, frame).drop(REJECTED, strict=False)
        step.columns = frame.schema
        steps.append(step)
    if rules:
        checks.try_out(rules, frame)
        steps.append(Step(checks.STEP, functools.partial(checks.mark, rules), frame.schema))
    return steps


def run(
    steps: Sequence[Step],
    source: Callable[[Callable[[pl.DataFrame], Taken]], Iterable[Taken]],
    schema: pl.Schema,
    refuse: Refuse,
    *,
    batch_rows: int,
    folder: Path,
) -> Iterator[pl.DataFrame]:
    """Apply steps to a table; everything up to the last whole-table step happens at once.

    Parameters
    ----------
    source
        Applies a function to each batch of the table, here or on the workers of a cluster.
    schema
        Columns of the table.
    refuse
        Called with the rows that each step rejects.
    batch_rows
        Rows in memory at a time.
    folder
        For the tables of whole-table steps, until the last batch has been taken.

    Returns
    -------
    Iterator[pl.DataFrame]
        The result in order, in batches of at most `batch_rows` rows.

    Raises
    ------
    PluginError
        If a step fails, or gives other columns than those that `plan` saw.
    """
    first, *later = _stages(steps)
    rows = _add(first, source(functools.partial(take, first)), refuse)
    for number, stage in enumerate(later):
        spool = folder / f"{number}.parquet"
        io.write(batches.lazy(functools.partial(iter, rows), columns_after(first, schema)), spool)
        done = [replace(stage[0], apply=_same), *stage[1:]]  # `_whole` has applied the first
        made = _whole(stage[0], spool, batch_rows)
        rows = _add(stage, map(functools.partial(take, done), made), refuse)
        first = stage
    return rows


def take(steps: Sequence[Step], batch: pl.DataFrame) -> Taken:
    """Apply steps to a batch; each sees the rows that the one before has left."""
    rows_in, done = len(batch), []
    for step in steps:
        start = time.perf_counter()
        batch, rejected = _part(_apply(step, batch))
        _check_columns(step, batch.schema)
        done.append((len(batch), rejected, time.perf_counter() - start))
    return Taken(rows_in, batch, done)


def columns_after(steps: Sequence[Step], schema: pl.Schema) -> pl.Schema:
    """Give the columns after some steps, from those before."""
    return steps[-1].columns if steps else schema


def _stages(steps: Sequence[Step]) -> list[list[Step]]:
    """Split steps so that each whole-table step is the first of its stage."""
    stages: list[list[Step]] = [[]]
    for step in steps:
        if step.whole_table:
            stages.append([])
        stages[-1].append(step)
    return stages


def _add(steps: Sequence[Step], made: Iterable[Taken], refuse: Refuse) -> Iterator[pl.DataFrame]:
    """Add up what the steps did, and give the rows."""
    for taken in made:
        for step, (n_rows, rejected, seconds) in zip(steps, taken.done, strict=True):
            step.rows_out += n_rows
            step.rejected += len(rejected)
            step.seconds += seconds
            if len(rejected):
                refuse(step.name, rejected)
        yield taken.rows


def _whole(step: Step, spool: Path, n_rows: int) -> Iterator[pl.DataFrame]:
    start = time.perf_counter()
    try:
        for batch in batches.split(_apply(step, pl.scan_parquet(spool)), n_rows):
            step.seconds += time.perf_counter() - start
            yield batch
            start = time.perf_counter()
    except pl.exceptions.PolarsError as error:  # of a lazy frame, after the step itself
        reason = str(error).strip().partition("\n")[0]
        msg = f"step {step.name}: {type(error).__name__}: {reason}"
        raise PluginError(msg) from error


def _same(frame: Any) -> Any:
    return frame


def _part(batch: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part the rows that are kept from those that are rejected."""
    if REJECTED not in batch.columns:
        return batch, batch.clear()
    refused = pl.col(REJECTED).is_not_null()
    return batch.filter(~refused).drop(REJECTED), batch.filter(refused)


def _apply(step: Step, frame: Any) -> Any:
    try:
        return step.apply(frame)
    except PackageError as error:
        msg = f"step {step.name}: {error}"
        raise type(error)(msg) from error


def _check_columns(step: Step, schema: pl.Schema) -> None:
    if schema == step.columns:
        return
    differing = sorted({name for name, _ in set(schema.items()) ^ set(step.columns.items())})
    if differing:
        what = repr(differing[0])
        is_, was = (made.get(differing[0], "missing") for made in (schema, step.columns))
    else:
        what = "their order"
        is_, was = (", ".join(made) for made in (schema, step.columns))
    msg = (
        f"step {step.name}: the columns must not depend on the values of a batch, but "
        f"{what} is {is_} and was {was}"
    )
    raise PluginError(msg)
