"""Clean a table: pick the columns that a model uses, cast them, mark missing values."""

from collections.abc import Collection
from typing import Any, Literal, Self

import narwhals as nw
import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from .errors import DataError, require

__all__ = ["SAMPLE_TARGET", "Clean", "Kind", "as_frame", "check_names", "cleaned", "kind_of"]

SAMPLE_TARGET = "species"
"""Target of the sample data that comes with the package."""

Kind = Literal["numeric", "category", "boolean", "date", "datetime"]

_NUMBER = r"^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$"

_ALSO_ACCEPTED: dict[Kind, set[Kind | None]] = {
    "numeric": {"boolean"},
    "boolean": {"numeric"},
    "category": {"numeric", "boolean", "date", "datetime"},
    "date": {"datetime"},
    "datetime": {"date"},
}


class Clean(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Pick the columns that training used and cast them to their kind.

    Numbers and booleans become floats (NaN and infinities are missing), text is stripped
    (empty is missing), dates become date-times without a time zone. Frames may be polars
    or pandas; `transform` takes lazy frames too and gives the kind of frame that came in.

    Parameters
    ----------
    drop
        Columns not to use.

    Attributes
    ----------
    kinds_ : dict[str, Kind]
        Columns that are used -> kind, in the order of training.
    ranges_ : dict[str, tuple]
        Columns of numbers and dates -> lowest and highest value in training: floats in the
        column's unit, dates as ISO 8601 text.
    unused_ : dict[str, str]
        Columns that are not used, apart from `drop` -> reason.
    """

    def __init__(self, drop: Collection[str] = ()) -> None:
        self.drop = drop

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn kinds and ranges from training rows, eager or lazy.

        Raises
        ------
        DataError
            If `drop` names an unknown column, no column is left, or a name is not text.
        """
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Learn from training rows and give them clean."""
        frame = _typed(as_frame(self, X, reset=True))
        dtypes = frame.collect_schema()
        for name in self.drop:
            msg = f"no column {name!r} to leave out; there are {', '.join(dtypes)}"
            require(name in dtypes, DataError, msg)
        kinds = {name: kind_of(dtype) for name, dtype in dtypes.items() if name not in self.drop}
        self.kinds_ = {name: kind for name, kind in kinds.items() if kind}
        self.unused_ = {
            name: "holds neither numbers, text nor dates" for name in kinds if not kinds[name]
        }
        require(self.kinds_, DataError, "no column is left to learn from")
        made = self._cast(frame)
        n_values, self.ranges_ = _measure(made)
        for name in [name for name, n in n_values.items() if n == 0]:
            self.unused_[name] = "has no value in the training rows"
            del self.kinds_[name]
        require(self.kinds_, DataError, "no column is left to learn from")
        return made.select(*self.kinds_).to_native()

    def transform(self, X: Any) -> Any:
        """Clean rows; the frame that is given stays as it is.

        Returns
        -------
        frame
            The columns of `kinds_`, as many rows, in their order.

        Raises
        ------
        DataError
            If columns are missing or hold another kind of value than in training, or if
            a name is not text.
        """
        check_is_fitted(self)
        frame = _typed(as_frame(self, X))
        names = frame.collect_schema().names()
        missing = [name for name in self.kinds_ if name not in names]
        msg = f"missing columns: {', '.join(missing)}; there are {', '.join(names)}"
        require(not missing, DataError, msg)
        return self._cast(frame).to_native()

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """List the columns that are used."""
        check_is_fitted(self)
        return np.array(list(self.kinds_), dtype=object)

    def outside(self, X: Any) -> dict[str, str]:
        """Find the columns that have values outside their training range.

        Returns
        -------
        dict[str, str]
            Column -> both ranges in words; empty if all values are inside.
        """
        _, ranges = _measure(nw.from_native(self.transform(X)))
        pairs = {name: (found, self.ranges_[name]) for name, found in ranges.items()}
        return {
            name: f"{found[0]} to {found[1]}, training range {known[0]} to {known[1]}"
            for name, (found, known) in pairs.items()
            if found[0] < known[0] or found[1] > known[1]
        }

    def _cast(self, frame: Any) -> Any:
        dtypes = frame.collect_schema()
        for name, kind in self.kinds_.items():
            _check_kind(frame.select(name), name, kind)
        columns = (cleaned(name, kind, dtypes[name]) for name, kind in self.kinds_.items())
        return frame.select(*columns)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def as_frame(estimator: Any, X: Any, *, reset: bool = False) -> Any:
    """Wrap a frame in narwhals; an array gets the names of training, or x0, x1, ...

    Parameters
    ----------
    estimator
        The transformer that takes `X`.
    X
        Polars or pandas frame, eager or lazy, or anything that scikit-learn takes for an
        array of shape (n_rows, n_columns).
    reset
        Note names and number of columns on the estimator, as `fit` does.

    Raises
    ------
    DataError
        If the name of a column is not text, as pandas allows.
    """
    frame = nw.from_native(X, pass_through=True)
    if not isinstance(frame, nw.DataFrame | nw.LazyFrame):
        values = validate_data(estimator, X, reset=reset, dtype=None, ensure_all_finite=False)
        names = getattr(estimator, "feature_names_in_", [f"x{i}" for i in range(values.shape[1])])
        columns = {name: values[:, i].tolist() for i, name in enumerate(names)}
        return nw.from_native(pl.DataFrame(columns, strict=False))
    check_names(frame)
    if reset:
        names = frame.collect_schema().names()
        estimator.n_features_in_ = len(names)
        estimator.feature_names_in_ = np.array(names, dtype=object)
    return frame


def check_names(frame: Any) -> None:
    """Refuse column names that are not text, as pandas allows them.

    Raises
    ------
    DataError
        If there is one.
    """
    for name in frame.collect_schema():
        msg = f"column names must be text, got {name!r}: use frame.rename(columns=str)"
        require(isinstance(name, str), DataError, msg)


def kind_of(dtype: Any) -> Kind | None:
    """Tell how a column is treated; None: it cannot be used."""
    if dtype.is_numeric():
        return "numeric"
    kinds: dict[Any, Kind] = {nw.Boolean: "boolean", nw.Date: "date", nw.Datetime: "datetime"}
    kinds |= dict.fromkeys((nw.String, nw.Categorical, nw.Enum, nw.Object), "category")
    return next((kind for known, kind in kinds.items() if dtype == known), None)


def cleaned(name: str, kind: Kind, dtype: Any) -> nw.Expr:
    """Cast a column to its kind and mark what is missing."""
    values = nw.col(name)
    if kind in ("date", "datetime"):
        if getattr(dtype, "time_zone", None):
            values = values.dt.replace_time_zone(None)
        return values.cast(nw.Datetime("us"))
    if kind == "category":
        if dtype != nw.String:  # pandas makes text of what is missing
            values = nw.when(~values.is_null()).then(values.cast(nw.String))
        text = values.str.strip_chars()
        return nw.when(text != "").then(text).alias(name)
    number = values.cast(nw.Float64)
    return nw.when(number.is_finite()).then(number).alias(name)


def _typed(frame: Any) -> Any:
    """Let pandas find the types of its object columns: booleans beside None, numbers."""
    objects = [name for name, dtype in frame.collect_schema().items() if dtype == nw.Object]
    native = frame.to_native()
    if not objects or not hasattr(native, "convert_dtypes"):
        return frame
    return nw.from_native(native.assign(**native[objects].convert_dtypes()))


def _check_kind(data: Any, name: str, kind: Kind) -> None:
    """Refuse values of another kind, unless all of them are missing."""
    found = kind_of(data.collect_schema()[name])
    if found == kind or found in _ALSO_ACCEPTED[kind]:
        return
    values = odd = data.drop_nulls()
    if found == "category" and kind == "numeric":  # one text makes the whole column text
        odd = values.filter(~nw.col(name).cast(nw.String).str.contains(_NUMBER))
    if rows := _collect(odd.head(1)).rows() or _collect(values.head(1)).rows():
        msg = f"column {name!r} must be {kind} as in training, got {rows[0][0]!r}"
        raise DataError(msg)


def _measure(frame: Any) -> tuple[dict[str, int], dict[str, tuple[Any, Any]]]:
    """Count values, and find the ranges of numbers and dates, in one pass."""
    dtypes = frame.collect_schema()
    ordered = [name for name in dtypes if dtypes[name] != nw.String]
    wanted = [nw.col(name).count().alias(f"{i} count") for i, name in enumerate(dtypes)]
    for i, name in enumerate(ordered):
        wanted += [nw.col(name).min().alias(f"{i} low"), nw.col(name).max().alias(f"{i} high")]
    found = _collect(frame.select(*wanted)).row(0)
    bounds = [_plain(value) for value in found[len(dtypes) :]]
    ranges = zip(ordered, bounds[::2], bounds[1::2], strict=True)
    counts = dict(zip(dtypes, found[: len(dtypes)], strict=True))
    return counts, {name: (low, high) for name, low, high in ranges if low is not None}


def _plain(value: Any) -> float | str | None:
    """Turn a bound into a float, an ISO 8601 text or None."""
    if value is None or value != value:  # NaN and NaT differ from themselves
        return None
    return value.isoformat() if hasattr(value, "isoformat") else float(value)


def _collect(frame: Any) -> Any:
    return frame.collect("polars") if isinstance(frame, nw.LazyFrame) else frame
