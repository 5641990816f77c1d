"""Check the rows of a table against rules: name -> expression that must not be false."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw
import polars as pl

from . import expressions
from .errors import ConfigError
from .plugins import REJECTED

__all__ = ["MAX_EXAMPLES", "STEP", "Rule", "count", "mark", "read", "try_out"]

STEP = "checks"
MAX_EXAMPLES = 3
"""Number of rows that are shown for each rule that is broken."""


@dataclass
class Rule:
    """A condition for each row, and how many rows break it.

    A row breaks a rule where the expression is false. Where a value is missing nothing
    can be said, so the row passes: use ``not is_null(x)`` to require a value.
    """

    name: str
    text: str
    n_broken: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)

    def broken(self, batch: pl.DataFrame) -> pl.Series:
        """Tell for each row whether it breaks the rule; missing: it cannot be said."""
        marked = nw.from_native(batch).with_columns((~expressions.parse(self.text)).alias(REJECTED))
        return marked.to_native()[REJECTED]


def read(rules: Mapping[str, str]) -> list[Rule]:
    """Read the rules.

    Raises
    ------
    ConfigError
        If an expression is not understood; the message names its rule.
    """
    for name, text in rules.items():
        try:
            expressions.parse(text)
        except ConfigError as error:
            msg = f"check {name!r}: {error}"
            raise ConfigError(msg) from error
    return [Rule(name, text) for name, text in rules.items()]


def try_out(rules: Sequence[Rule], empty: pl.DataFrame) -> None:
    """Apply rules to a table without rows.

    Raises
    ------
    ConfigError
        If a rule does not fit the columns or is neither true nor false.
    """
    for rule in rules:
        try:
            kind = rule.broken(empty).dtype
            reason = None if kind == pl.Boolean else f"it must be true or false, not {kind}"
        except Exception as error:  # noqa: BLE001 - of narwhals or polars, for a wrong type
            reason = str(error).partition("\n")[0]
        if reason:
            msg = f"check {rule.name!r}, {rule.text!r}: {reason}"
            raise ConfigError(msg)


def mark(rules: Sequence[Rule], batch: pl.DataFrame) -> pl.DataFrame:
    """Give the rows that break rules the names of these as the reason in `REJECTED`."""
    marks = pl.DataFrame({rule.name: rule.broken(batch) for rule in rules})
    broken = [name for name in marks.columns if marks[name].any()]
    if not broken:
        return batch
    told = (pl.when(pl.col(name)).then(pl.lit(name)) for name in broken)
    reason = pl.lit("breaks: ") + pl.concat_str(*told, separator="; ", ignore_nulls=True)
    made = marks.select(pl.when(pl.any_horizontal(*broken)).then(reason).alias(REJECTED))
    return batch.with_columns(made.to_series())


def count(rules: Sequence[Rule], rejected: pl.DataFrame) -> None:
    """Count which rules the rejected rows break, and keep some as examples."""
    for rule in rules:
        rows = rejected.filter(rule.broken(rejected)).drop(REJECTED)
        rule.n_broken += len(rows)
        rule.examples += rows.head(MAX_EXAMPLES - len(rule.examples)).rows(named=True)
