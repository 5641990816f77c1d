"""Say how good a model is: rows kept aside, metrics, the guess to beat, what it uses."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn import dummy, inspection, metrics, model_selection

__all__ = ["METRICS", "baseline", "importance", "scores", "split"]


def _balanced_accuracy(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Average the recall of the labels that are there (others would count as 0)."""
    labels = np.unique(truth)
    return float(metrics.recall_score(truth, predicted, labels=labels, average="macro"))


def _macro_f1(truth: np.ndarray, predicted: np.ndarray) -> float:
    return float(metrics.f1_score(truth, predicted, average="macro", zero_division=0))


METRICS = {
    "classification": {
        "accuracy": metrics.accuracy_score,
        "balanced accuracy": _balanced_accuracy,
        "F1 (macro)": _macro_f1,
    },
    "regression": {
        "mean absolute error": metrics.mean_absolute_error,
        "root mean squared error": metrics.root_mean_squared_error,
        "R²": metrics.r2_score,
    },
}
"""Task -> name -> function of (truth, predicted), arrays of shape (n_rows,)."""

_SHUFFLED_VALUES = 200_000


def split(
    values: Sequence[Any], *, test_fraction: float, seed: int, stratify: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Choose rows to train on and rows to measure on.

    Parameters
    ----------
    values
        The target, one value a row, at least three.
    test_fraction
        Share of rows to keep aside, above 0 and below 1; at least two rows are, as R² needs.
    stratify
        Keep the shares of the labels, where each has rows enough.

    Returns
    -------
    tuple[np.ndarray, np.ndarray]
        Row numbers of both parts, ascending.
    """
    n_test = min(max(round(len(values) * test_fraction), 2), len(values) - 1)
    counts = Counter(values) if stratify else {}
    enough = (
        counts and min(counts.values()) > 1 and len(counts) <= min(n_test, len(values) - n_test)
    )
    train, test = model_selection.train_test_split(
        np.arange(len(values)),
        test_size=n_test,
        random_state=seed,
        stratify=values if enough else None,
    )
    return np.sort(train), np.sort(test)


def scores(task: str, truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Measure predictions against the truth.

    Parameters
    ----------
    task
        "classification" or "regression".
    truth, predicted
        Codes of labels, or values in the target's unit, shape (n_rows,).

    Returns
    -------
    dict[str, float]
        Metric -> value: shares from 0 to 1, errors in the target's unit, R² up to 1
        (NaN for a single row).

    Examples
    --------
    >>> scores("classification", np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1]))["accuracy"]
    0.75
    """
    return {name: float(metric(truth, predicted)) for name, metric in METRICS[task].items()}


def baseline(task: str) -> Any:
    """Give an unfitted estimator that guesses the most frequent label or the median."""
    if task == "classification":
        return dummy.DummyClassifier(strategy="most_frequent")
    return dummy.DummyRegressor(strategy="median")


def importance(
    estimator: Any, inputs: np.ndarray, truth: np.ndarray, *, task: str, seed: int
) -> np.ndarray:
    """Measure what shuffling each feature costs, on 100 to 2,000 rows: fewer with more features.

    Parameters
    ----------
    estimator
        Fitted on features like `inputs`.
    inputs
        Features, shape (n_rows, n_features).
    truth
        Codes of labels, or values in the target's unit, shape (n_rows,).

    Returns
    -------
    np.ndarray
        Loss of accuracy, or growth of the mean absolute error in the target's unit,
        shape (n_features,); around 0 or below for a feature that does not help.

    Notes
    -----
    Permutation importance: Breiman (2001), Random forests, Machine Learning 45.
    """
    n_rows = min(max(_SHUFFLED_VALUES // inputs.shape[1], 100), 2_000)
    rows = np.random.default_rng(seed).permutation(len(truth))[:n_rows]
    scoring = "accuracy" if task == "classification" else "neg_mean_absolute_error"
    found = inspection.permutation_importance(
        estimator, inputs[rows], truth[rows], scoring=scoring, n_repeats=3, random_state=seed
    )
    return np.asarray(found.importances_mean)
