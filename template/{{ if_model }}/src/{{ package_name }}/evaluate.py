"""Split rows into training and test parts, and measure models on the test part."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
from sklearn import dummy, metrics, model_selection

from .config import Settings
from .errors import ModelError

__all__ = [
    "ERRORS",
    "METRICS",
    "Answer",
    "Part",
    "answer",
    "baseline",
    "hints",
    "per_class",
    "scores",
    "split",
]

METRICS = {
    "classification": [
        "balanced accuracy",
        "accuracy",
        "F1 (macro)",
        "ROC AUC",
        "average precision",
        "log loss",
        "Brier score",
    ],
    "regression": ["MAE", "RMSE", "R2", "median absolute error", "MAPE"],
}
"""Task -> metrics; searches and comparisons use the first one unless the settings name one."""

ERRORS = {"log loss", "Brier score", "MAE", "RMSE", "median absolute error", "MAPE"}
"""Metrics of which less is better."""

Part = tuple[np.ndarray, np.ndarray]
"""Row numbers for training and for testing, ascending."""

_IDENTIFIER = r"(?:^|[_ .-])(?i:id|nr|key|code|person|patient|subject|user|customer)$|[a-z]I[dD]$"


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
    list[Part]
        One pair for each fold. Groups, and rows of the same time, stay together.

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
    needed = 2 if not folds else folds + (settings.split == "time")
    if len(known) < needed:
        what = {"random": "rows", "group": "groups", "time": "points in time"}[settings.split]
        msg = f"split = {settings.split!r} needs at least {needed} {what}, got {len(known)}"
        raise ModelError(msg)
    rare = min(Counter(truth.tolist()).values()) if stratify else 0
    if settings.split == "time" and by is not None:
        codes = np.searchsorted(known, by)
        return list(_by_time(codes, settings.test_fraction, folds))
    if not folds and by is None:
        return [_at_random(truth, settings, rare=rare)]
    kinds = {
        (True, True): model_selection.StratifiedGroupKFold,
        (True, False): model_selection.StratifiedKFold,
        (False, True): model_selection.GroupKFold,
        (False, False): model_selection.KFold,
    }
    if folds:
        kind = kinds[rare >= folds, by is not None]
        splitter = kind(folds, shuffle=True, random_state=settings.seed)
    else:
        n_test = min(max(round(len(known) * settings.test_fraction), 1), len(known) - 1)
        splitter = model_selection.GroupShuffleSplit(
            1, test_size=n_test, random_state=settings.seed
        )
    return list(splitter.split(truth, truth, by))


def _at_random(truth: np.ndarray, settings: Settings, *, rare: int) -> Part:
    n_test = min(max(round(len(truth) * settings.test_fraction), 2), len(truth) - 1)  # R2 needs 2
    enough = rare > 1 and len(np.unique(truth)) <= min(n_test, len(truth) - n_test)
    train, test = model_selection.train_test_split(
        np.arange(len(truth)),
        test_size=n_test,
        random_state=settings.seed,
        stratify=truth if enough else None,
    )
    return np.sort(train), np.sort(test)


def _by_time(points: np.ndarray, test_fraction: float, folds: int) -> Iterator[Part]:
    """Test on what comes after the training rows; `points` counts the points in time from 0."""
    first = max(1, np.sort(points)[-max(1, round(len(points) * test_fraction))])
    bounds = [(first, points.max() + 1)]
    if folds:
        parts = model_selection.TimeSeriesSplit(folds).split(range(points.max() + 1))
        bounds = [(test[0], test[-1] + 1) for _, test in parts]
    for begin, end in bounds:
        yield np.flatnonzero(points < begin), np.flatnonzero((begin <= points) & (points < end))


def hints(frame: Any, part: Part) -> list[str]:
    """Say which columns make a random split look wrong, with the setting that would help.

    Parameters
    ----------
    frame
        Narwhals frame of the columns that are used.
    part
        The rows of a random split.
    """
    found = []
    for values in frame.iter_columns():
        name, kind = values.name, values.dtype
        if kind in (nw.Date, nw.Datetime) and values.n_unique() > 2:
            if values.is_sorted() or values.is_sorted(descending=True):
                found.append(
                    f"the rows are sorted by {name!r}: if the model shall predict later rows, set "
                    f'split = "time" and split_by = "{name}"'
                )
        elif kind == nw.String or kind.is_integer():
            named = re.search(_IDENTIFIER, name) is not None
            n_values = values.n_unique()
            many = n_values > (5 if named else 20 if kind == nw.String else len(values))
            if many and n_values <= len(values) / 2 and _shared(values, part) > 0.5:
                found.append(
                    f"rows with the same {name!r} are in the training and in the test part: if "
                    f'they belong together, set split = "group" and split_by = "{name}"'
                )
    return found


def _shared(values: Any, part: Part) -> float:
    """Give the share of test rows whose value is in the training part too."""
    train, test = (values[rows] for rows in part)
    return float(test.is_in(train.unique()).mean())


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
    if given.labels is None:
        found = _of_values(truth, given.predicted)
    else:
        found = {
            "balanced accuracy": _recall(truth, given.predicted),
            "accuracy": metrics.accuracy_score(truth, given.predicted),
            "F1 (macro)": metrics.f1_score(
                truth, given.predicted, average="macro", zero_division=0
            ),
        }
    if given.shares is not None and given.labels is not None:
        found |= _of_shares(truth, given.shares, given.labels)
    return {name: float(value) for name, value in found.items()}


def per_class(truth: np.ndarray, given: Answer) -> dict[str, dict[str, float]]:
    """Give precision, recall, F1 and support (number of test rows) of each label, if any."""
    if given.labels is None:
        return {}
    labels = np.union1d(truth, given.labels)
    columns = metrics.precision_recall_fscore_support(
        truth, given.predicted, labels=labels, zero_division=0
    )
    names = ("precision", "recall", "F1", "support")
    rows = zip(labels.tolist(), *(values.tolist() for values in columns), strict=True)
    return {str(label): dict(zip(names, values, strict=True)) for label, *values in rows}


def _of_values(truth: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    found = {
        "MAE": metrics.mean_absolute_error,
        "RMSE": metrics.root_mean_squared_error,
        "median absolute error": metrics.median_absolute_error,
    }
    if len(truth) > 1:
        found["R2"] = metrics.r2_score
    if np.all(truth != 0):
        found["MAPE"] = metrics.mean_absolute_percentage_error
    return {name: metric(truth, predicted) for name, metric in found.items()}


def _recall(truth: np.ndarray, predicted: np.ndarray) -> Any:
    """Average the recall of the labels that are there (others would count as 0)."""
    return metrics.recall_score(truth, predicted, labels=np.unique(truth), average="macro")


def _of_shares(truth: np.ndarray, shares: np.ndarray, known: np.ndarray) -> dict[str, Any]:
    """Measure probabilities; a label that training did not see has the probability 0."""
    labels = np.union1d(known, truth)
    wide = np.zeros((len(truth), len(labels)))
    wide[:, np.searchsorted(labels, known)] = shares
    found = {
        "log loss": metrics.log_loss(truth, wide, labels=labels),
        "Brier score": metrics.brier_score_loss(truth, wide, labels=labels),
    }
    tested = [(truth == label, wide[:, code]) for code, label in enumerate(labels)]
    tested = [(is_label, share) for is_label, share in tested if 0 < is_label.sum() < len(truth)]
    for name, metric in {
        "ROC AUC": metrics.roc_auc_score,
        "average precision": metrics.average_precision_score,
    }.items():
        if positive := tested if len(labels) > 2 else tested[-1:]:
            found[name] = np.mean([metric(*pair) for pair in positive])
    return found
