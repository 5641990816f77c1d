"""The features of the benchmarks' rows, as one would write them with polars."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["features"]

pl: Any = import_module("polars")  # the project's
cs: Any = import_module("polars.selectors")

TARGET = "label"
MOST = 100  # categories of a column
PARTS = {pl.Date: ["year", "month", "day", "weekday"], pl.Datetime: ["year", "month", "day", "weekday", "hour"]}


def features(source: str, output: str) -> None:
    """Make the features, knowing the kinds of this table: all that is learned in one go."""
    numbers, texts, times = cs.numeric() | cs.boolean(), cs.string(), cs.temporal()
    finite = numbers.cast(pl.Float64)
    text = texts.str.strip_chars()
    clean = (
        pl.scan_parquet(source)
        .drop(TARGET)
        .select(
            pl.when(finite.is_finite()).then(finite),
            pl.when(text != "").then(text),
            times.cast(pl.Datetime("us")),
        )
    )
    schema = clean.collect_schema()
    names = [name for name, dtype in schema.items() if dtype == pl.String]
    ordered = ~cs.string()
    whole = clean.select(
        pl.all().count().name.suffix(" n"),
        ordered.min().name.suffix(" low"),
        ordered.max().name.suffix(" high"),
    )
    common = [
        clean.select(value=name)
        .drop_nulls()
        .group_by("value")
        .len()
        .filter(pl.col("len") > 1)
        .sort("len", "value", descending=[True, False])
        .head(MOST)
        for name in names
    ]
    _, *found = pl.collect_all([whole, *common])
    codes = {
        name: {value: float(code) for code, value in enumerate(sorted(frame["value"]))}
        for name, frame in zip(names, found, strict=True)
    }
    kinds = pl.scan_parquet(source).collect_schema()
    clean.select(
        feature for name in kinds.names() if name != TARGET for feature in _features(name, kinds, codes)
    ).sink_parquet(output)


def _features(name: str, kinds: Any, codes: dict[str, dict[str, float]]) -> list[Any]:
    """Give the features of a column."""
    values = pl.col(name)
    if name in codes:
        known = values.replace_strict(codes[name], default=-1.0, return_dtype=pl.Float64)
        return [pl.when(values.is_not_null()).then(known).alias(name)]
    wanted = PARTS.get(kinds[name].base_type(), [])
    return [getattr(values.dt, part)().cast(pl.Float64).alias(f"{name}.{part}") for part in wanted] or [values]
