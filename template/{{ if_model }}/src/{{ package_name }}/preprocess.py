"""Clean a table: pick the columns that a model uses, cast them, mark missing values."""

from collections.abc import Callable, Collection
from typing import Any, Literal, Self

import narwhals as nw
import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from .errors import DataError, require

__all__ = [
    "SAMPLE_TARGET",
    "Clean",
    "FrameStep",
    "as_frame",
    "check_names",
    "cleaned",
    "collect",
    "kind_of",
    "measured",
]

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


class FrameStep(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer of frames that may hold text and missing values."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags


class Clean(FrameStep):
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
        unusable = [name for name in kinds if not kinds[name]]
        self.unused_ = dict.fromkeys(unusable, "holds neither numbers, text nor dates")
        made = self._cast(frame)
        empty = [name for name, n in measured(made, self.kinds_, nw.Expr.count).items() if n == [0]]
        self.unused_ |= dict.fromkeys(empty, "has no value in the training rows")
        self.kinds_ = {name: kind for name, kind in self.kinds_.items() if name not in empty}
        require(self.kinds_, DataError, "no column is left to learn from")
        made = made.select(*self.kinds_)
        self.ranges_ = _ranges(made)
        return made.to_native()

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
        ranges = _ranges(nw.from_native(self.transform(X)))
        return {
            name: "{} to {}, training range {} to {}".format(*ranges[name], *self.ranges_[name])
            for name, (low, high) in ranges.items()
            if low < self.ranges_[name][0] or high > self.ranges_[name][1]
        }

    def _cast(self, frame: Any) -> Any:
        dtypes = frame.collect_schema()
        for name, kind in self.kinds_.items():
            _check_kind(frame.select(name), name, kind)
        return frame.select(cleaned(name, kind, dtypes[name]) for name, kind in self.kinds_.items())


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
    if rows := collect(odd.head(1)).rows() or collect(values.head(1)).rows():
        msg = f"column {name!r} must be {kind} as in training, got {rows[0][0]!r}"
        raise DataError(msg)


def collect(frame: Any) -> Any:
    """Compute a lazy frame; an eager one stays as it is."""
    return frame.collect("polars") if isinstance(frame, nw.LazyFrame) else frame


def measured(
    frame: Any, names: Collection[str], *measures: Callable[[nw.Expr], nw.Expr]
) -> dict[str, list[Any]]:
    """Measure columns of a frame, eager or lazy, in one pass over the rows."""
    if not names:
        return {}
    wanted = [measure(nw.col(name)) for name in names for measure in measures]
    row = iter(collect(frame.select(value.alias(f"{i}") for i, value in enumerate(wanted))).row(0))
    return {name: [next(row) for _ in measures] for name in names}


def _ranges(frame: Any) -> dict[str, tuple[Any, ...]]:
    """Find the ranges of numbers and dates: floats, or ISO 8601 text."""
    ordered = [name for name, dtype in frame.collect_schema().items() if dtype != nw.String]
    return {
        name: tuple(v.isoformat() if hasattr(v, "isoformat") else float(v) for v in found)
        for name, found in measured(frame, ordered, nw.Expr.min, nw.Expr.max).items()
        if found[0] is not None and found[0] == found[0]  # NaN and NaT differ from themselves
    }
