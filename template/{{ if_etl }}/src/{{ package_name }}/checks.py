"""Hold the rows of a table against rules: name -> expression that must not be false."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from . import expressions
from .errors import ConfigError
from .plugins import REJECTED

__all__ = ["MAX_EXAMPLES", "Rule", "look", "read", "try_out"]

MAX_EXAMPLES = 3
"""Rows that are shown of those that break a rule."""


@dataclass
class Rule:
    """What must hold of each row, and how often it did not.

    A row breaks it where the expression is false; where a value is missing and so
    nothing can be said, it does not: ``not is_null(x)`` asks for a value.
    """

    name: str
    text: str
    broken: pl.Expr = field(repr=False)
    n_broken: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)


def read(rules: Mapping[str, str]) -> list[Rule]:
    """Read the rules.

    Raises
    ------
    ConfigError
        If an expression is not understood; the message names its rule.
    """
    made = []
    for name, text in rules.items():
        try:
            made.append(Rule(name, text, ~expressions.parse(text, pl)))
        except ConfigError as error:
            msg = f"check {name!r}: {error}"
            raise ConfigError(msg) from error
    return made


def try_out(rules: Sequence[Rule], empty: pl.DataFrame) -> None:
    """Apply rules to a table without rows.

    Raises
    ------
    ConfigError
        If a rule does not fit the columns or is neither true nor false.
    """
    for rule in rules:
        try:
            kind = empty.select(rule.broken.alias("broken")).schema["broken"]
            reason = None if kind == pl.Boolean else f"it must be true or false, not {kind}"
        except pl.exceptions.PolarsError as error:
            reason = str(error).partition("\n")[0]
        if reason:
            msg = f"check {rule.name!r}, {rule.text!r}: {reason}"
            raise ConfigError(msg)


def look(rules: Sequence[Rule], batch: pl.DataFrame, *, reject: bool) -> pl.DataFrame:
    """Count the rows that break each rule, all rules in one pass.

    Returns
    -------
    pl.DataFrame
        The same rows; with `reject`, those that break a rule have a reason in `REJECTED`.
    """
    marks = batch.select(
        pl.int_range(pl.len(), dtype=pl.get_index_type()).alias("row"),
        *(rule.broken.alias(str(number)) for number, rule in enumerate(rules)),
    )
    counts = {name: int(marks[name].sum()) for name in marks.columns[1:]}
    failing = {name: rules[int(name)] for name, count in counts.items() if count}
    for name, rule in failing.items():
        rule.n_broken += counts[name]
        if len(rule.examples) < MAX_EXAMPLES:
            rows = batch.filter(marks[name]).head(MAX_EXAMPLES - len(rule.examples))
            rule.examples += rows.rows(named=True)
    if not reject or not failing:
        return batch
    broken = marks.filter(pl.any_horizontal(*failing))
    told = [pl.when(name).then(pl.lit(rule.name)) for name, rule in failing.items()]
    reasons = broken.select("breaks: " + pl.concat_str(told, separator="; ", ignore_nulls=True))
    column = pl.Series(REJECTED, [None], pl.String).new_from_index(0, len(batch))
    return batch.with_columns(column.scatter(broken["row"], reasons.to_series()))
