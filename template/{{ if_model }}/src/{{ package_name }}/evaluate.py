"""Split rows into training and test parts, and measure models on the test part."""

import re
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
from sklearn import dummy, metrics, model_selection

from .config import Settings
from .errors import ModelError, require

__all__ = [
    "METRICS",
    "Answer",
    "answer",
    "baseline",
    "hints",
    "per_class",
    "score",
    "scores",
    "split",
]

ERRORS = {"log loss", "Brier score", "MAE", "RMSE", "median absolute error", "MAPE"}
"""Metrics of which less is better."""

_IDENTIFIER = r"(?:^|[_ .-])(?i:id|nr|key|code|person|patient|subject|user|customer)$|[a-z]I[dD]$"

Part = tuple[np.ndarray, np.ndarray]


def split(
    truth: np.ndarray, by: np.ndarray | None, settings: Settings, *, stratify: bool, folds: int
) -> list[Part]:
    """Choose training and test rows.

    Parameters
    ----------
    truth
        The target, shape (n_rows,).
    by
        Values of the column `split_by`, shape (n_rows,); None for a random split.
    settings
        `split`, `test_fraction` and `seed` are used.
    stratify
        Keep the shares of the labels in each part, where each label has rows enough.
    folds
        Parts of a cross-validation; 0: one split by `test_fraction`.

    Returns
    -------
    list[tuple[np.ndarray, np.ndarray]]
        Row numbers of both parts for each fold, ascending. Rows of one group, and rows of
        the same time, are in one part.

    Raises
    ------
    ModelError
        If there are too few rows, groups or points in time.

    Examples
    --------
    >>> from .config import load
    >>> days, newest = np.array([3, 1, 2, 2]), load(split="time", test_fraction=0.5)
    >>> split(np.zeros(4), days, newest, stratify=False, folds=0)
    [(array([1]), array([0, 2, 3]))]
    """
    known = np.arange(len(truth)) if by is None else np.unique(by)
    needed = folds + (settings.split == "time") if folds else 2
    what = {"random": "rows", "group": "groups", "time": "points in time"}[settings.split]
    msg = f"split = {settings.split!r} needs at least {needed} {what}, got {len(known)}"
    require(len(known) >= needed, ModelError, msg)
    if settings.split == "time" and by is not None:
        return list(_by_time(np.searchsorted(known, by), settings.test_fraction, folds))
    fewest = 1 if settings.split == "group" else 2  # R2 needs two rows
    n_test = min(max(round(len(known) * settings.test_fraction), fewest), len(known) - 1)
    labels = Counter(truth.tolist() if stratify else ())
    enough = min(labels.values(), default=0) >= (folds or 2)
    if not folds:
        enough = enough and len(labels) <= min(n_test, len(known) - n_test)
    stratified = "Stratified" if enough and (folds or by is None) else ""
    name = f"{stratified}{'' if by is None else 'Group'}{'KFold' if folds else 'ShuffleSplit'}"
    options = {"shuffle": True} if folds else {"test_size": n_test}
    splitter = getattr(model_selection, name)(folds or 1, random_state=settings.seed, **options)
    return [(np.sort(train), np.sort(test)) for train, test in splitter.split(truth, truth, by)]


def _by_time(points: np.ndarray, test_fraction: float, folds: int) -> Iterator[Part]:
    """Test on what comes after the training rows; `points` counts the points in time from 0."""
    n_points = points.max() + 1
    first = max(1, np.sort(points)[-max(1, round(len(points) * test_fraction))])
    tests = [range(first, n_points)]
    if folds:
        tests = [test for _, test in model_selection.TimeSeriesSplit(folds).split(range(n_points))]
    for test in tests:
        yield np.flatnonzero(points < test[0]), np.flatnonzero(np.isin(points, test))


def hints(frame: Any, part: Part) -> Iterator[str]:
    """Say which columns make a random split look wrong, with the setting that would help.

    Parameters
    ----------
    frame
        Narwhals frame of the columns that are used.
    part
        Row numbers of both parts of the split.
    """
    train, test = part
    for values in frame.iter_columns():
        name, kind, n_values = values.name, values.dtype, values.n_unique()
        named = re.search(_IDENTIFIER, name)
        identifier = kind == nw.String or (named and kind.is_integer())
        repeated = (5 if named else 20) < n_values <= len(values) / 2
        if kind in (nw.Date, nw.Datetime) and n_values > 2:
            if values.is_sorted() or values.is_sorted(descending=True):
                advice = f'set split = "time" and split_by = "{name}"'
                yield f"the rows are sorted by {name!r}: to predict later rows, {advice}"
        elif identifier and repeated and values[test].is_in(values[train].unique()).mean() > 0.5:
            advice = f'set split = "group" and split_by = "{name}"'
            yield f"rows of one {name!r} are in both parts: if they belong together, {advice}"


def baseline(task: str) -> Any:
    """Give an unfitted estimator that predicts the most frequent label or the median."""
    if task == "classification":
        return dummy.DummyClassifier(strategy="prior")
    return dummy.DummyRegressor(strategy="median")


class Answer(NamedTuple):
    """What an estimator predicts: labels or values, shape (n_rows,), and probabilities.

    `shares` has the shape (n_rows, n_labels); None: a regression, or a learner without
    probabilities. `labels` are those of training, sorted; None for a regression.
    """

    predicted: np.ndarray
    shares: np.ndarray | None = None
    labels: np.ndarray | None = None

    def at(self, rows: Any) -> "Answer":
        """Give the answer for some rows."""
        shares = self.shares if self.shares is None else self.shares[rows]
        return Answer(self.predicted[rows], shares, self.labels)


def answer(estimator: Any, X: Any) -> Answer:
    """Predict with a fitted estimator, in one pass over the rows."""
    labels = getattr(estimator, "classes_", None)
    if labels is None or not hasattr(estimator, "predict_proba"):
        dtype = np.float64 if labels is None else None
        return Answer(np.asarray(estimator.predict(X), dtype), None, labels)
    shares = np.asarray(estimator.predict_proba(X), dtype=np.float64)
    shares /= shares.sum(axis=1, keepdims=True)  # 32-bit floats add up to 1 but roughly
    return Answer(labels[shares.argmax(axis=1)], shares, labels)


def score(metric: str, truth: np.ndarray, given: Answer) -> float:
    """Measure one metric so that more is better, as searches of scikit-learn take it."""
    value = scores(truth, given, (metric,)).get(metric, np.nan)
    return -value if metric in ERRORS else value


def scores(truth: np.ndarray, given: Answer, names: Collection[str] = ()) -> dict[str, float]:
    """Measure predictions.

    Parameters
    ----------
    truth
        Labels or values of the test rows, shape (n_rows,).
    names
        The metrics to measure; empty: all of the task.

    Returns
    -------
    dict[str, float]
        Metric -> value: shares from 0 to 1, errors in the target's unit, R2 up to 1. Those
        that are not defined are left out: MAPE if a true value is 0, and what needs
        probabilities if there are none.

    Examples
    --------
    >>> scores(np.array([1.0, 2.0]), Answer(np.array([1.0, 3.0])))["MAE"]
    0.5
    """
    if given.labels is not None:
        given = _widen(given, np.union1d(given.labels, truth))
    task = "regression" if given.labels is None else "classification"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is not defined, which is NaN
        found = {name: METRICS[task][name](truth, given) for name in names or METRICS[task]}
    return {name: float(value) for name, value in found.items() if np.isfinite(value)}


def _widen(given: Answer, labels: np.ndarray) -> Answer:
    """Add labels that training did not see: their probability is 0."""
    if given.shares is None or given.labels is None:
        return given._replace(labels=labels)
    shares = np.zeros((len(given.shares), len(labels)))
    shares[:, np.searchsorted(labels, given.labels)] = given.shares
    return given._replace(shares=shares, labels=labels)


def per_class(truth: np.ndarray, given: Answer) -> dict[str, dict[str, float]]:
    """Give precision, recall, F1 score and support (test rows) of each label, if any."""
    if given.labels is None:
        return {}
    labels = np.union1d(given.labels, truth)
    columns = metrics.precision_recall_fscore_support(
        truth, given.predicted, labels=labels, zero_division=0
    )
    rows = zip(labels.tolist(), *(values.tolist() for values in columns), strict=True)
    names = ("precision", "recall", "F1", "support")
    return {str(label): dict(zip(names, values, strict=True)) for label, *values in rows}


def _of_predicted(metric: Any, **options: Any) -> Callable[[np.ndarray, Answer], float]:
    return lambda truth, given: metric(truth, given.predicted, **options)


def _of_shares(metric: Any) -> Callable[[np.ndarray, Answer], float]:
    return lambda truth, given: (
        np.nan if given.shares is None else metric(truth, given.shares, labels=given.labels)
    )


def _of_each_label(metric: Any) -> Callable[[np.ndarray, Answer], float]:
    """Average over the labels, each against all others; of two labels, take the second."""

    def mean(truth: np.ndarray, shares: np.ndarray, labels: np.ndarray) -> Any:
        pairs = [(truth == label, share) for label, share in zip(labels, shares.T, strict=True)]
        judged = pairs if len(pairs) > 2 else pairs[-1:]
        return np.mean([metric(*p) for p in judged if 0 < p[0].sum() < len(truth)] or np.nan)

    return _of_shares(mean)


def _mape(truth: np.ndarray, predicted: np.ndarray) -> Any:
    return metrics.mean_absolute_percentage_error(truth, predicted) if truth.all() else np.nan


METRICS = {
    "classification": {
        "balanced accuracy": _of_predicted(metrics.balanced_accuracy_score),
        "accuracy": _of_predicted(metrics.accuracy_score),
        "F1 (macro)": _of_predicted(metrics.f1_score, average="macro", zero_division=0),
        "ROC AUC": _of_each_label(metrics.roc_auc_score),
        "average precision": _of_each_label(metrics.average_precision_score),
        "log loss": _of_shares(metrics.log_loss),
        "Brier score": _of_shares(metrics.brier_score_loss),
    },
    "regression": {
        "MAE": _of_predicted(metrics.mean_absolute_error),
        "RMSE": _of_predicted(metrics.root_mean_squared_error),
        "R2": _of_predicted(metrics.r2_score),
        "median absolute error": _of_predicted(metrics.median_absolute_error),
        "MAPE": _of_predicted(_mape),
    },
}
"""Task -> metric -> function of the true values and an `Answer`; NaN: not defined.

Searches and comparisons use the first metric unless the settings name one.
"""
