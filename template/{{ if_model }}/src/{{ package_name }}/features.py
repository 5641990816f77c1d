"""Turn clean columns into numbers a model can learn from.

The only place that learns categories, and only from the training part.
"""

import logging
from dataclasses import dataclass
from typing import Any

import narwhals as nw
from narwhals.typing import FrameT, IntoFrame

from .errors import FeatureError
from .preprocess import Schema

__all__ = ["MAX_CATEGORIES", "OTHER", "Encoder", "fit", "names", "transform"]

logger = logging.getLogger(__name__)

MAX_CATEGORIES = 100
"""Values of a column that get a code of their own; the commonest are kept."""

OTHER = -1.0
"""Code of every value that is rare or was not seen in training."""

_DATE_PARTS = {
    "date": ["year", "month", "day", "weekday"],
    "datetime": ["year", "month", "day", "weekday", "hour"],
}


@dataclass(frozen=True)
class Encoder:
    """What was learned: the columns and, for each category column, its values.

    The code of a value is its place in the tuple, 0 to ``MAX_CATEGORIES - 1``.
    """

    schema: Schema
    categories: dict[str, tuple[str, ...]]


def fit(frame: IntoFrame, schema: Schema) -> Encoder:
    """Learn the categories of the training part.

    Parameters
    ----------
    frame
        Training rows, as `preprocess.apply` gives them.
    schema
        The columns of `frame`.

    Returns
    -------
    Encoder
        For each category column the `MAX_CATEGORIES` commonest values that occur
        twice or more (equally common ones by name), sorted by name. A column of
        ids thus becomes a constant, and the order of rows makes no difference.

    Raises
    ------
    FeatureError
        If two features would have the same name.
    """
    data = nw.from_native(frame)
    encoder = Encoder(schema, {name: _commonest(data, name) for name in schema.names("category")})
    made = names(encoder)
    repeated = sorted({name for name in made if made.count(name) > 1})
    if repeated:
        msg = f"feature names must differ, got {', '.join(repeated)} twice: rename or drop a column"
        raise FeatureError(msg)
    logger.debug("learned %d features from %d columns", len(made), len(schema.columns))
    return encoder


@nw.narwhalify
def transform(frame: FrameT, encoder: Encoder) -> FrameT:
    """Make the features, row by row.

    Parameters
    ----------
    frame
        Rows as `preprocess.apply` gives them, eager or lazy.
    encoder
        What `fit` learned.

    Returns
    -------
    frame
        The kind of frame that came in: float columns called as `names` says, as
        many rows, in their order. Missing stays missing.

    Examples
    --------
    >>> import polars as pl
    >>> from .preprocess import Column
    >>> encoder = Encoder(Schema((Column("size", "category"),)), {"size": ("L", "S")})
    >>> transform(pl.DataFrame({"size": ["S", "XL", None]}), encoder)["size"].to_list()
    [1.0, -1.0, None]
    """
    columns = (
        feature
        for column in encoder.schema.columns
        for feature in _features(column.name, column.kind, encoder)
    )
    return frame.select(*columns)


def names(encoder: Encoder) -> list[str]:
    """List the features in their order: a column's name, or ``date.month`` and the like."""
    return [
        f"{column.name}.{part}" if part else column.name
        for column in encoder.schema.columns
        for part in _DATE_PARTS.get(column.kind, [""])
    ]


def _features(name: str, kind: str, encoder: Encoder) -> list[nw.Expr]:
    values = nw.col(name)
    if kind == "category":
        return [_codes(name, encoder.categories[name])]
    if kind in _DATE_PARTS:
        return [_part(name, part).alias(f"{name}.{part}") for part in _DATE_PARTS[kind]]
    return [values]


def _part(name: str, part: str) -> nw.Expr:
    """Take the year, month, day, hour or weekday, Monday 1 to Sunday 7."""
    found: nw.Expr = getattr(nw.col(name).dt, part)()
    if part == "weekday":
        found = nw.when(found == 0).then(nw.lit(7)).otherwise(found)  # Spark calls Sunday 0
    return found.cast(nw.Float64)


def _codes(name: str, categories: tuple[str, ...]) -> nw.Expr:
    """Replace each category by its place in the list."""
    codes = {value: float(code) for code, value in enumerate(categories)} or {"": OTHER}
    values = nw.col(name)
    known = values.replace_strict(codes, default=OTHER, return_dtype=nw.Float64)
    return nw.when(~values.is_null()).then(known).alias(name)


def _commonest(data: Any, name: str) -> tuple[str, ...]:
    """Pick the values worth a code of their own."""
    values = data.select(nw.col(name).alias("value")).drop_nulls()
    common = (
        values.group_by("value")
        .agg(nw.len().alias("n_rows"))
        .filter(nw.col("n_rows") > 1)
        .sort("n_rows", "value", descending=[True, False])
        .head(MAX_CATEGORIES)
    )
    if isinstance(common, nw.LazyFrame):
        common = common.collect("polars")
    return tuple(sorted(common["value"].to_list()))
