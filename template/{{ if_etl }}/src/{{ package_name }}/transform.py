"""Apply steps to a table in batches, count what each does and set rejected rows aside.

A step of which each row depends on that row alone sees one batch after the other.
One that needs the whole table gets it as a lazy frame of a temporary file.
"""

import functools
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from . import batches, checks, io
from ._internal import registry
from .errors import DataError, PackageError, PluginError
from .plugins import REJECTED

__all__ = ["Refuse", "Step", "plan", "run"]

logger = logging.getLogger(__name__)

Refuse = Callable[[str, pl.DataFrame], None]
"""Takes the name of a step and the rows it rejects, with the reason in `REJECTED`."""


@dataclass
class Step:
    """A transform in its place, and what it has done so far."""

    name: str
    apply: Callable[[Any], Any]
    columns: pl.Schema
    whole_table: bool = False
    rows_in: int = 0
    rows_out: int = 0
    rejected: int = 0
    seconds: float = 0.0


def plan(
    plugins: Sequence[registry.Plugin],
    schema: Mapping[str, Any],
    rules: Sequence[checks.Rule] = (),
    *,
    reject: bool = True,
) -> list[Step]:
    """Put plugins and rules in line, and learn from a table without rows what they make.

    Parameters
    ----------
    plugins
        In the order in which they are applied.
    schema
        Name -> type of the columns that come in.
    rules
        Checked after the last plugin.
    reject
        Whether the rows that break a rule are rejected; if not, they are counted only.

    Raises
    ------
    DataError
        If a column has the name of the one for reasons.
    PluginError, ConfigError
        If a plugin or rule does not fit the columns; the message names the step.
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
        look = functools.partial(checks.look, rules, reject=reject)
        steps.append(Step("checks", look, frame.schema))
    return steps


def run(
    rows: Iterator[pl.DataFrame],
    schema: pl.Schema,
    steps: Sequence[Step],
    refuse: Refuse,
    *,
    batch_rows: int,
    folder: Path,
) -> Iterator[pl.DataFrame]:
    """Apply steps to a table; everything up to the last whole-table step happens at once.

    Parameters
    ----------
    rows
        The table in batches.
    schema
        Its columns.
    refuse
        Called with the rows that each step rejects.
    batch_rows
        Rows in memory at a time.
    folder
        Where the tables for whole-table steps may be kept while the batches are asked for.

    Returns
    -------
    Iterator[pl.DataFrame]
        The result in order, in batches of at most `batch_rows` rows.

    Raises
    ------
    PluginError
        If a step fails, or gives other columns than those `plan` saw.
    """
    for number, step in enumerate(steps):
        if step.whole_table:
            spool = folder / f"{number}.parquet"
            io.write(batches.lazy(functools.partial(_count, step, rows), schema), spool)
            rows = _whole(step, spool, batch_rows)
        else:
            rows = _each(step, rows)
        rows = _keep(step, rows, refuse)
        schema = step.columns
    return rows


def _count(step: Step, rows: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    for batch in rows:
        step.rows_in += len(batch)
        yield batch


def _each(step: Step, rows: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    for batch in _count(step, rows):
        start = time.perf_counter()
        made = _apply(step, batch)
        step.seconds += time.perf_counter() - start
        yield made


def _whole(step: Step, spool: Path, n_rows: int) -> Iterator[pl.DataFrame]:
    try:
        yield from batches.split(_apply(step, pl.scan_parquet(spool)), n_rows)
    except pl.exceptions.PolarsError as error:  # of a lazy frame, after the step itself
        reason = str(error).strip().partition("\n")[0]
        msg = f"step {step.name}: {type(error).__name__}: {reason}"
        raise PluginError(msg) from error


def _keep(step: Step, rows: Iterator[pl.DataFrame], refuse: Refuse) -> Iterator[pl.DataFrame]:
    """Set the rejected rows aside and give the others."""
    while True:
        start = time.perf_counter()
        batch = next(rows, None)
        if step.whole_table:
            step.seconds += time.perf_counter() - start
        if batch is None:
            return
        if REJECTED in batch.columns:
            refused = batch.filter(pl.col(REJECTED).is_not_null())
            step.rejected += len(refused)
            if len(refused):
                refuse(step.name, refused)
                batch = batch.filter(pl.col(REJECTED).is_null())
            batch = batch.drop(REJECTED)
        _check_columns(step, batch.schema)
        step.rows_out += len(batch)
        yield batch


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
