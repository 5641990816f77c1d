"""Split rows into training and test parts, and measure models on the test part."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
from sklearn import dummy, metrics, model_selection

from .config import Settings
from .errors import ModelError, require

__all__ = [
    "ERRORS",
    "METRICS",
    "Answer",
    "answer",
    "baseline",
    "hints",
    "per_class",
    "scores",
    "split",
]

METRICS = {
    "classification": [
        *("balanced accuracy", "accuracy", "F1 (macro)"),
        *("ROC AUC", "average precision", "log loss", "Brier score"),
    ],
    "regression": ["MAE", "RMSE", "R2", "median absolute error", "MAPE"],
}
"""Task -> metrics; searches and comparisons use the first one unless the settings name one."""

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
    names = {(False, False): "", (True, False): "Stratified", (False, True): "Group"}
    name = names.get((enough, by is not None), "StratifiedGroup" if folds else "Group")
    kind = getattr(model_selection, f"{name}{'KFold' if folds else 'ShuffleSplit'}")
    options = {"shuffle": True} if folds else {"test_size": n_test}
    splitter = kind(folds or 1, random_state=settings.seed, **options)
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


def answer(estimator: Any, X: Any) -> Answer:
    """Predict with a fitted estimator, in one pass over the rows."""
    labels = getattr(estimator, "classes_", None)
    if labels is None or not hasattr(estimator, "predict_proba"):
        return Answer(np.asarray(estimator.predict(X)), None, labels)
    shares = np.asarray(estimator.predict_proba(X), dtype=np.float64)
    shares /= shares.sum(axis=1, keepdims=True)  # 32-bit floats add up to 1 but roughly
    return Answer(labels[shares.argmax(axis=1)], shares, labels)


def scores(truth: np.ndarray, given: Answer) -> dict[str, float]:
    """Measure predictions.

    Parameters
    ----------
    truth
        Labels or values of the test rows, shape (n_rows,).

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
    predicted, shares, labels = given
    if labels is None:
        found = {
            "MAE": metrics.mean_absolute_error(truth, predicted),
            "RMSE": metrics.root_mean_squared_error(truth, predicted),
            "R2": metrics.r2_score(truth, predicted) if len(truth) > 1 else np.nan,
            "median absolute error": metrics.median_absolute_error(truth, predicted),
            "MAPE": metrics.mean_absolute_percentage_error(truth, predicted)
            if truth.all()
            else np.nan,
        }
    else:
        average = {"average": "macro", "zero_division": 0}
        found = {
            "balanced accuracy": metrics.recall_score(
                truth, predicted, labels=np.unique(truth), **average
            ),
            "accuracy": metrics.accuracy_score(truth, predicted),
            "F1 (macro)": metrics.f1_score(truth, predicted, **average),
        }
    if shares is not None:
        found |= _of_shares(truth, shares, labels)
    return {name: float(value) for name, value in found.items() if np.isfinite(value)}


def _of_shares(truth: np.ndarray, shares: np.ndarray, known: Any) -> dict[str, float]:
    """Measure probabilities; a label that training did not see has the probability 0."""
    labels = np.union1d(known, truth)
    wide = np.zeros((len(truth), len(labels)))
    wide[:, np.searchsorted(labels, known)] = shares
    judged = range(len(labels)) if len(labels) > 2 else [1]

    def average(metric: Callable[[Any, Any], float]) -> Any:
        pairs = ((truth == labels[code], wide[:, code]) for code in judged)
        return np.mean(
            [metric(*pair) for pair in pairs if 0 < pair[0].sum() < len(truth)] or np.nan
        )

    return {
        "ROC AUC": average(metrics.roc_auc_score),
        "average precision": average(metrics.average_precision_score),
        "log loss": metrics.log_loss(truth, wide, labels=labels),
        "Brier score": metrics.brier_score_loss(truth, wide, labels=labels),
    }


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
