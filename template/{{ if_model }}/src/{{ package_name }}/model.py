"""Fit, evaluate and apply the model: the file to change for another learner."""

import logging
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

import narwhals as nw
import numpy as np
from narwhals.typing import IntoDataFrame
from sklearn import ensemble, pipeline

from . import evaluate, features, preprocess
from .config import Settings
from .errors import ModelError

__all__ = [
    "MIN_ROWS",
    "Fitted",
    "Run",
    "fit",
    "from_card",
    "predict",
    "to_card",
    "train",
]

logger = logging.getLogger(__name__)

MIN_ROWS = 10
"""Rows with a target that training needs."""

FEW_LABELS = 20
"""A target of whole numbers with more distinct values than this is a quantity."""

MAX_LABELS = 100
"""Labels a classification can tell apart; each costs a tree in every round."""


@dataclass(frozen=True)
class Fitted:
    """A model that can predict: what was learned about the columns, and the estimator."""

    task: str
    target: str
    labels: tuple[Any, ...]
    encoder: features.Encoder
    estimator: Any


@dataclass(frozen=True)
class Run:
    """One training: the model, and how it does on the rows kept aside.

    `truth` and `predicted` have the shape (n_test,): the target in its unit, or
    codes of ``fitted.labels``. `metrics` has the model's value and the baseline's,
    `importance` what shuffling a feature costs.
    """

    fitted: Fitted
    metrics: dict[str, dict[str, float]]
    importance: dict[str, float]
    truth: np.ndarray
    predicted: np.ndarray
    n_train: int


def train(frame: IntoDataFrame, target: str, settings: Settings) -> Run:
    """Split, fit on the one part and measure on the other.

    Parameters
    ----------
    frame
        All rows; those without a target are left out.
    target
        Column to predict: text or boolean, or numbers.
    settings
        Task, seed, test fraction, columns to drop, the learner's parameters.

    Raises
    ------
    DataError
        If the name of a column is no text.
    ModelError
        If the target is missing, has one value or too few rows, does not fit the
        task, or if a column holds no value at all.
    """
    data = _with_target(nw.from_native(frame, eager_only=True), target, settings.drop)
    task = _task(data[target], settings.task)
    train_rows, test_rows = (
        data[rows]
        for rows in evaluate.split(
            data[target].to_list(),
            test_fraction=settings.test_fraction,
            seed=settings.seed,
            stratify=task == "classification",
        )
    )
    fitted = fit(train_rows.to_native(), target, task=task, settings=settings)
    inputs, truth = _arrays(fitted, test_rows)
    predicted = fitted.estimator.predict(inputs)
    guess = evaluate.baseline(task).fit(*_arrays(fitted, train_rows)).predict(inputs)
    logger.info("trained on %d rows, measured on %d", len(train_rows), len(test_rows))
    costs = evaluate.importance(fitted.estimator, inputs, truth, task=task, seed=settings.seed)
    found = {
        "model": evaluate.scores(task, truth, predicted),
        "baseline": evaluate.scores(task, truth, guess),
    }
    return Run(
        fitted=fitted,
        metrics={name: {who: found[who][name] for who in found} for name in found["model"]},
        importance=dict(zip(features.names(fitted.encoder), costs.tolist(), strict=True)),
        truth=truth,
        predicted=predicted,
        n_train=len(train_rows),
    )


def fit(frame: IntoDataFrame, target: str, *, task: str, settings: Settings) -> Fitted:
    """Learn columns, categories and model from training rows, and from nothing else.

    Parameters
    ----------
    frame
        Training rows with `target`, none of it missing.
    task
        "classification" or "regression".
    """
    schema = preprocess.fit(frame, drop={target, *settings.drop})
    encoder = features.fit(preprocess.apply(frame, schema), schema)
    values = nw.from_native(frame, eager_only=True)[target]
    labels = tuple(sorted(values.unique().to_list())) if task == "classification" else ()
    fitted = Fitted(task, target, labels, encoder, _estimator(task, settings))
    fitted.estimator.fit(*_arrays(fitted, nw.from_native(frame, eager_only=True)))
    return fitted


def predict(fitted: Fitted, frame: IntoDataFrame) -> Any:
    """Predict each row.

    Returns
    -------
    frame
        The kind of frame that came in, one row for each of its rows, in their
        order: ``prediction``, in the target's unit or one of its labels, and for a
        classification ``probability_<label>``, 0 to 1, which add up to 1. A pandas
        frame keeps its index.

    Raises
    ------
    DataError
        If a column is missing, holds another kind of value than in training, or has
        a name that is no text.
    """
    inputs = _inputs(fitted, frame)
    n_rows, n_features = inputs.shape
    if n_rows == 0:  # scikit-learn refuses no rows: predict one and leave it out again
        inputs = np.full((1, n_features), np.nan)
    if fitted.task == "regression":
        columns = {"prediction": fitted.estimator.predict(inputs)}
    else:
        shares = fitted.estimator.predict_proba(inputs)
        labels = np.array(fitted.labels, dtype=object)
        columns = {"prediction": labels[shares.argmax(axis=1)].tolist()}
        for code, label in enumerate(fitted.labels):
            columns[f"probability_{label}"] = shares[:, code]
    given = nw.from_native(frame, eager_only=True)
    made = nw.from_dict(columns, backend=given.implementation).head(n_rows).to_native()
    index = nw.maybe_get_index(given)
    return made if index is None else made.set_axis(index)


def to_card(fitted: Fitted) -> dict[str, Any]:
    """Describe all but the estimator in plain values, fit for JSON."""
    return {
        "task": fitted.task,
        "target": fitted.target,
        "labels": list(fitted.labels),
        "schema": [asdict(column) for column in fitted.encoder.schema.columns],
        "categories": {name: list(values) for name, values in fitted.encoder.categories.items()},
    }


def from_card(card: dict[str, Any], estimator: Any) -> Fitted:
    """Put a model together again from what `to_card` and the model store kept."""
    schema = preprocess.Schema(tuple(preprocess.Column(**column) for column in card["schema"]))
    categories = {name: tuple(values) for name, values in card["categories"].items()}
    return Fitted(
        card["task"],
        card["target"],
        tuple(card["labels"]),
        features.Encoder(schema, categories),
        estimator,
    )


def _estimator(task: str, settings: Settings) -> pipeline.Pipeline:
    """Build the learner; steps put before it (a scaler, a selector) are saved with it."""
    learner = {
        "classification": ensemble.HistGradientBoostingClassifier,
        "regression": ensemble.HistGradientBoostingRegressor,
    }[task]
    return pipeline.make_pipeline(
        learner(
            learning_rate=settings.learning_rate,
            max_iter=settings.max_iter,
            max_leaf_nodes=settings.max_leaf_nodes,
            min_samples_leaf=settings.min_samples_leaf,
            l2_regularization=settings.l2_regularization,
            random_state=settings.seed,
        )
    )


def _with_target(data: Any, target: str, drop: Collection[str]) -> Any:
    """Keep the rows that have a target; refuse data that cannot be learned from."""
    preprocess.check_names(data)
    if target not in data.columns:
        there = ", ".join(data.columns)
        what = f"no column {target!r} to predict" if target else "no column to predict is named"
        msg = f"{what}: name one with --target; there are {there}"
        raise ModelError(msg)
    empty = [name for name in data.columns if name not in drop and data[name].count() == 0]
    if empty:
        msg = f"columns without any value: {', '.join(empty)}; leave them out with --drop"
        raise ModelError(msg)
    kind = preprocess.kind_of(data[target].dtype)
    if kind not in ("numeric", "category", "boolean"):
        msg = f"target {target!r} must hold numbers, text or booleans, got {data[target].dtype}"
        raise ModelError(msg)
    values = nw.col(target)
    if kind == "category":
        data = data.with_columns(nw.when(~values.is_null()).then(values.cast(nw.String)))
    elif not data[target].dtype.is_integer() and kind == "numeric":
        data = data.with_columns(values.cast(nw.Float64))
        data = data.filter(values.is_finite())
    known = data.filter(~values.is_null())
    if len(known) < MIN_ROWS:
        msg = f"training needs at least {MIN_ROWS} rows with a target, got {len(known)}"
        raise ModelError(msg)
    if known[target].n_unique() < 2:
        msg = f"target {target!r} has the one value {known[target][0]!r}: nothing to learn"
        raise ModelError(msg)
    return known


def _task(values: nw.Series[Any], wanted: str) -> str:
    """Take the task of the settings, or choose: fractions or many numbers, a regression."""
    n_labels = values.n_unique()
    if wanted == "auto":
        whole = not values.dtype.is_float() or bool((values % 1 == 0).all())
        labels = not values.dtype.is_numeric() or (whole and n_labels <= FEW_LABELS)
        wanted = "classification" if labels else "regression"
    if wanted == "regression" and not values.dtype.is_numeric():
        msg = f"target {values.name!r} must hold numbers for a regression, got {values[0]!r}"
        raise ModelError(msg)
    if wanted == "classification" and n_labels > MAX_LABELS:
        msg = f"target {values.name!r} must have at most {MAX_LABELS} labels, got {n_labels}"
        raise ModelError(msg)
    return wanted


def _inputs(fitted: Fitted, frame: IntoDataFrame) -> np.ndarray:
    """Give the features as floats, shape (n_rows, n_features); missing is NaN."""
    clean = preprocess.apply(frame, fitted.encoder.schema)
    made = nw.from_native(features.transform(clean, fitted.encoder), eager_only=True)
    return np.asarray(made.to_numpy(), dtype=np.float64)


def _arrays(fitted: Fitted, data: Any) -> tuple[np.ndarray, np.ndarray]:
    """Give inputs of shape (n_rows, n_features) and the target, shape (n_rows,)."""
    return _inputs(fitted, data.to_native()), _encode(fitted, data[fitted.target])


def _encode(fitted: Fitted, values: nw.Series[Any]) -> np.ndarray:
    """Turn the target into floats or codes; a label that training did not see is -1."""
    if fitted.task == "regression":
        return np.asarray(values.to_numpy(), dtype=np.float64)
    codes = {label: code for code, label in enumerate(fitted.labels)}
    return np.array([codes.get(value, -1) for value in values.to_list()])
