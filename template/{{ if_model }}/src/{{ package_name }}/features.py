"""Turn clean columns into the numbers that a learner takes.

A feature of your own is one function here::

    @feature
    def bill_shape() -> nw.Expr:
        return nw.col("bill_length_mm") / nw.col("bill_depth_mm")
"""

from collections.abc import Callable, Iterator
from typing import Any, Self

import narwhals as nw
import numpy as np
from narwhals.exceptions import ColumnNotFoundError, NarwhalsError
from sklearn.utils.validation import check_is_fitted

from .errors import FeatureError, require
from .preprocess import FrameStep, as_frame, cleaned, collect, kind_of, measured

__all__ = ["FEATURES", "MAX_CATEGORIES", "OTHER", "WHOLE_TABLE", "Features", "feature"]

MAX_CATEGORIES = 100
"""Default number of values per column that get a code of their own, the commonest."""

OTHER = -1.0
"""Code of every value that is rare or was not seen in training."""

WHOLE_TABLE = False
"""Set to True if a feature looks at other rows: `predict` then takes all rows at once."""

_PARTS = ("year", "month", "day", "weekday")

_WIDE = {ord(letter): ord(letter) + 0xFEE0 for letter in '"<>[]{},:'}
"""Characters that LightGBM and XGBoost refuse in names -> their full-width forms."""

FEATURES: dict[str, Callable[[], nw.Expr]] = {}
"""Features of your own: name -> function, by `feature`."""


def feature(make: Callable[[], nw.Expr]) -> Callable[[], nw.Expr]:
    """Register a feature of your own, called as the function.

    Parameters
    ----------
    make
        Gives an expression on the columns as `preprocess.Clean` makes them: numbers and
        booleans are floats, dates are date-times. The result may be numbers, text or dates.
        Where a table lacks one of the columns, the feature is left out with a warning.
    """
    FEATURES[make.__name__] = make
    return make


class Features(FrameStep):
    """Encode categories and dates, and add features of your own.

    Numbers stay; a date becomes year, month, day, weekday and, where it has a time, hour;
    a category becomes its place in the sorted list of the commonest values (`OTHER` if it
    is not among them), or one column for each of these.

    Parameters
    ----------
    max_categories
        Number of values per column that get a code, at least 1.
    one_hot
        One column of 0 and 1 per value instead of codes, for learners that take sums or
        distances.
    scale
        Subtract the mean, divide by the standard deviation, and put the mean in place of
        missing numbers, for learners that need that. Otherwise missing stays missing.

    Attributes
    ----------
    categories_ : dict[str, list[str]]
        Column -> values with a code: those that occur twice or more, at most
        `max_categories`, sorted.
    parts_ : dict[str, list[str]]
        Column of dates -> parts of the date that are features.
    derived_ : list[str]
        Features of your own that are used.
    unused_ : dict[str, str]
        Columns and features of your own that are not used -> reason.
    """

    def __init__(
        self, max_categories: int = MAX_CATEGORIES, *, one_hot: bool = False, scale: bool = False
    ) -> None:
        self.max_categories = max_categories
        self.one_hot = one_hot
        self.scale = scale

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn categories, date parts and scales from clean training rows, eager or lazy.

        Raises
        ------
        FeatureError
            If no feature is left, two have the same name, or one of your own fails.
        """
        frame = as_frame(self, X, reset=True)
        self.derived_, self.unused_ = _available(frame.collect_schema())
        frame = _derive(frame, self.derived_)
        kinds = {name: kind_of(dtype) for name, dtype in frame.collect_schema().items()}
        dates = [name for name, kind in kinds.items() if kind in ("date", "datetime")]
        texts = [name for name, kind in kinds.items() if kind == "category"]
        self.parts_ = _date_parts(frame, dates)
        self.categories_ = {name: _commonest(frame, name, self.max_categories) for name in texts}
        alone = [name for name, values in self.categories_.items() if not values]
        self.unused_ |= dict.fromkeys(alone, "is text in which no value occurs twice")
        self.columns_ = [name for name, kind in kinds.items() if kind and name not in alone]
        _check_names(names := [name for name, _ in self._made()])
        flags = {f"{n}={v}".translate(_WIDE) for n in texts for v in self.categories_[n]}
        numbers = [name for name in names if self.scale and not (self.one_hot and name in flags)]
        encoded = frame.select(*self._encoded())
        scales = measured(encoded, numbers, nw.Expr.mean, lambda values: values.std(ddof=0))
        self.scales_ = {
            name: (float(mean or 0.0), float(std or 1.0)) for name, (mean, std) in scales.items()
        }
        return self

    def transform(self, X: Any) -> Any:
        """Make the features, row by row.

        Returns
        -------
        frame
            The kind of frame that came in: float columns called as `get_feature_names_out`
            says, as many rows, in their order.

        Examples
        --------
        >>> import polars as pl
        >>> sizes = pl.DataFrame({"size": ["S", "L", "S", "L"]})
        >>> made = Features().fit(sizes).transform(pl.DataFrame({"size": ["S", "XL", None]}))
        >>> made["size"].to_list()
        [1.0, -1.0, None]
        """
        check_is_fitted(self)
        made = _derive(as_frame(self, X), self.derived_).select(*self._encoded())
        if self.scales_:
            made = made.with_columns(
                ((nw.col(name) - mean) / deviation).fill_null(0.0)
                for name, (mean, deviation) in self.scales_.items()
            )
        return made.to_native()

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """List the features: ``column``, ``column.month`` and the like, or ``column=value``.

        Of the characters ``"<>[]{},:`` they have the full-width forms, as LightGBM and
        XGBoost refuse them.
        """
        check_is_fitted(self)
        return np.array([name for name, _ in self._made()], dtype=object)

    def _encoded(self) -> list[nw.Expr]:
        return [made.cast(nw.Float64).alias(name) for name, made in self._made()]

    def _made(self) -> Iterator[tuple[str, nw.Expr]]:
        """Give each feature's name and expression, in their order."""
        for name in self.columns_:
            safe, values = name.translate(_WIDE), nw.col(name)
            if name in self.parts_:
                yield from ((f"{safe}.{part}", _part(name, part)) for part in self.parts_[name])
            elif name not in self.categories_:
                yield safe, values
            elif self.one_hot:
                for value in self.categories_[name]:
                    flag = nw.when(values == value).then(1.0).otherwise(0.0)
                    yield f"{safe}={value.translate(_WIDE)}", flag
            else:
                yield safe, _codes(name, self.categories_[name])


def _available(schema: Any) -> tuple[list[str], dict[str, str]]:
    """Name the features of your own that these columns allow; say why others are left out."""
    empty = nw.from_dict({name: [] for name in schema}, schema=schema, backend="polars")
    unused = {}
    for name, make in FEATURES.items():
        try:
            kind = kind_of(empty.select(made=make()).collect_schema()["made"])
        except ColumnNotFoundError as error:
            unused[name] = f"needs a column: {str(error).partition(chr(10))[0]}"
            continue
        except NarwhalsError as error:
            msg = f"feature {name!r} fails: {error}"
            raise FeatureError(msg) from error
        msg = f"feature {name!r} must give numbers, text or dates, under a name of its own"
        require(kind and name not in schema, FeatureError, msg)
    return [name for name in FEATURES if name not in unused], unused


def _derive(frame: Any, names: list[str]) -> Any:
    """Add features of your own, clean as the columns are."""
    for name in names:
        msg = f"the model uses the feature {name!r}, which features.py has not: train again"
        require(name in FEATURES, FeatureError, msg)
    frame = frame.with_columns(FEATURES[name]().alias(name) for name in names)
    dtypes = frame.collect_schema() if names else {}
    return frame.with_columns(
        cleaned(name, kind, dtypes[name]) for name in names if (kind := kind_of(dtypes[name]))
    )


def _check_names(names: list[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    msg = f"feature names must differ, got {', '.join(repeated)} twice: rename or drop a column"
    require(not repeated, FeatureError, msg)
    require(names, FeatureError, "no feature is left to learn from")


def _date_parts(frame: Any, names: list[str]) -> dict[str, list[str]]:
    """Choose the parts of each date column; the hour where there is a time of day."""
    latest = measured(frame, names, lambda date: date.cast(nw.Datetime("us")).dt.hour().max())
    return {name: [*_PARTS, "hour"] if hour else [*_PARTS] for name, [hour] in latest.items()}


def _part(name: str, part: str) -> nw.Expr:
    """Take the year, month, day, hour or weekday, Monday 1 to Sunday 7."""
    found: nw.Expr = getattr(nw.col(name).dt, part)()
    if part == "weekday":
        found = nw.when(found == 0).then(nw.lit(7)).otherwise(found)  # Spark calls Sunday 0
    return found


def _codes(name: str, categories: list[str]) -> nw.Expr:
    """Replace each category by its place in the list."""
    codes = {value: float(code) for code, value in enumerate(categories)}
    values = nw.col(name)
    known = values.replace_strict(codes, default=OTHER, return_dtype=nw.Float64)
    return nw.when(~values.is_null()).then(known)


def _commonest(frame: Any, name: str, limit: int) -> list[str]:
    """Pick the values worth a code of their own; equally common ones by name."""
    values = frame.select(value=nw.col(name)).drop_nulls()
    common = (
        values.group_by("value")
        .agg(n_rows=nw.len())
        .filter(nw.col("n_rows") > 1)
        .sort("n_rows", "value", descending=[True, False])
        .head(limit)
    )
    return sorted(collect(common)["value"].to_list())
