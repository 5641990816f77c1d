"""Build, train and apply the model: the file to change for another learner."""

import logging
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from narwhals.typing import IntoDataFrame
from sklearn import base, ensemble, model_selection, pipeline, utils

from . import evaluate, features, preprocess
from .config import Settings
from .errors import ModelError

__all__ = ["MIN_ROWS", "SEARCH", "TRUSTED", "Run", "build", "n_fits", "predict", "to_card", "train"]

logger = logging.getLogger(__name__)

MIN_ROWS = 10
"""Rows with a target that training needs."""

FEW_LABELS = 20
"""A target of whole numbers with more distinct values than this is a quantity."""

INNER_FOLDS = 3
"""Folds of a search within the training rows, unless the settings say how many."""

MAX_LABELS = 100
"""Labels a classification can have."""

TRUSTED = [
    f"{preprocess.__name__}.Clean",
    f"{features.__name__}.Features",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
]
"""Types that a saved model may hold, apart from those that skops trusts by itself."""

SEARCH: dict[str, list[Any]] = {
    "learner__learning_rate": [0.02, 0.05, 0.1, 0.2],
    "learner__max_iter": [50, 100, 200],
    "learner__max_leaf_nodes": [7, 15, 31, 63],
    "learner__min_samples_leaf": [5, 10, 20, 50],
    "learner__l2_regularization": [0.0, 0.1, 1.0, 10.0],
    "features__max_categories": [20, 100],
}
"""Parameters of the pipeline -> values that ``train --search`` tries."""


_RECORDED = ("metric", "metrics", "per_class", "folds", "search", "hints", "doubts")


def build(task: str, settings: Settings) -> pipeline.Pipeline:
    """Put the unfitted model together: clean the table, make features, learn.

    Another learner is one line below, e.g. ``learner = ensemble.RandomForestClassifier()``. A
    learner that takes no missing values gets scaled numbers and one-hot categories.

    Parameters
    ----------
    task
        "classification" or "regression".
    settings
        Columns to leave out, seed, class weights, the learner's parameters.

    Raises
    ------
    ModelError
        If the learner has no class weights and the settings ask for them.
    """
    boosting = {
        "classification": ensemble.HistGradientBoostingClassifier,
        "regression": ensemble.HistGradientBoostingRegressor,
    }[task]
    learner = boosting(
        learning_rate=settings.learning_rate,
        max_iter=settings.max_iter,
        max_leaf_nodes=settings.max_leaf_nodes,
        min_samples_leaf=settings.min_samples_leaf,
        l2_regularization=settings.l2_regularization,
    )
    aside = {settings.split_by} if settings.split_by and not settings.use_split_by else set()
    dense = not utils.get_tags(learner).input_tags.allow_nan
    return pipeline.Pipeline(
        [
            ("clean", preprocess.Clean(drop=sorted({*settings.drop, *aside}))),
            ("features", features.Features(one_hot=dense, scale=dense)),
            ("learner", _seeded(learner, task, settings)),
        ]
    )


@dataclass(frozen=True)
class Run:
    """One training: the model and how it performs on test rows.

    With cross-validation the rows are those of the last fold.

    Attributes
    ----------
    model, evaluated
        The pipeline to be saved, and the one that was fitted on the training rows only.
    train, test
        Rows as read, with all columns but the target.
    y_train, y_test
        Their labels or values, shape (n_rows,).
    metrics
        Metric -> value of the ``model`` and of the ``baseline``, averaged over folds, and the
        ``spread`` (standard deviation over folds; None for a single split).
    per_class
        Label -> precision, recall, F1 and support on the test rows; empty for a regression.
    folds
        Metrics of each fold; empty for a single split.
    search
        What a search tried: the values of parameters, and mean and spread of the metric.
    hints
        What to look at: columns that are not used, a split that looks wrong.
    doubts
        What reading the table reported.
    """

    model: pipeline.Pipeline
    evaluated: pipeline.Pipeline
    task: str
    target: str
    train: pl.DataFrame
    test: pl.DataFrame
    y_train: np.ndarray
    y_test: np.ndarray
    metrics: dict[str, dict[str, float | None]]
    settings: Settings
    per_class: dict[str, dict[str, float]] = field(default_factory=dict)
    folds: list[dict[str, float]] = field(default_factory=list)
    search: list[dict[str, Any]] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    @property
    def metric(self) -> str:
        """Name of the metric that searches and comparisons use."""
        return self.settings.metric or evaluate.METRICS[self.task][0]

    @property
    def beats_baseline(self) -> bool:
        """Whether the model is better than the baseline by that metric."""
        found = self.metrics[self.metric]
        gain = (found["model"] or 0.0) - (found["baseline"] or 0.0)
        return (gain < 0) if self.metric in evaluate.ERRORS else (gain > 0)


def train(
    table: IntoDataFrame,
    target: str,
    settings: Settings,
    *,
    doubts: Sequence[str] = (),
    tick: Callable[[], object] = lambda: None,
) -> Run:
    """Split, fit on training rows, measure on test rows, fit again on all.

    Parameters
    ----------
    table
        All rows; those without a target are left out.
    target
        Column to predict: text, booleans or numbers.
    settings
        See `Settings`.
    doubts
        What reading the table reported.
    tick
        Called after each fit of a search.

    Raises
    ------
    ModelError
        If the target is missing, has one value or too few rows, does not fit the task, or
        the split cannot be made.
    DataError, FeatureError
        As `build`'s steps when they are fitted.
    """
    rows = _with_target(nw.from_native(table, eager_only=True), target)
    task = _task(rows[target], settings)
    X, y, by = rows.drop(target), _truth(rows[target], task), _split_values(rows, settings)
    parts = evaluate.split(y, by, settings, stratify=task == "classification", folds=settings.folds)
    folds, guesses = [], []
    for train, test in parts:
        taught = X[train].to_native(), y[train]
        evaluated, tried = _fit(task, settings, *taught, None if by is None else by[train], tick)
        answer = evaluate.answer(evaluated, X[test].to_native())
        guess = evaluate.answer(evaluate.baseline(task).fit(*taught), X[test].to_native())
        folds.append(evaluate.scores(y[test], answer))
        guesses.append(evaluate.scores(y[test], guess))
    saved = base.clone(evaluated).fit(X.to_native(), y) if settings.refit else evaluated
    run = Run(
        model=saved,
        evaluated=evaluated,
        task=task,
        target=target,
        train=X[train].to_native(),
        test=X[test].to_native(),
        y_train=y[train],
        y_test=y[test],
        metrics=_summary(task, folds, guesses),
        settings=settings,
        per_class=evaluate.per_class(y[test], answer),
        folds=folds if settings.folds else [],
        search=tried,
        hints=_hints(X, parts[-1], saved, settings),
        doubts=list(doubts),
    )
    _tell(run)
    return run


def n_fits(settings: Settings) -> int:
    """Count the fits of a search, for a progress bar; 0: there is no search."""
    n_parameters = min(settings.search, math.prod(map(len, SEARCH.values())))
    return n_parameters * (settings.folds or INNER_FOLDS) * (settings.folds or 1)


def to_card(run: Run) -> dict[str, Any]:
    """Describe a run in plain values, fit for JSON."""
    return {
        "task": run.task,
        "target": run.target,
        "saved": "all rows" if run.settings.refit else "training rows",
        "n_train": len(run.train),
        "n_test": len(run.test),
        "seed": run.settings.seed,
        **{name: getattr(run, name) for name in _RECORDED},
    }


def predict(model: pipeline.Pipeline, frame: IntoDataFrame) -> Any:
    """Predict each row.

    Returns
    -------
    frame
        The kind of frame that came in, one row for each of its rows, in their order:
        ``prediction``, in the target's unit or one of its labels, and for a classifier with
        probabilities ``probability_<label>``, 0 to 1, which add up to 1. A pandas frame
        keeps its index.

    Raises
    ------
    DataError
        If a column is missing, holds another kind of value than in training, or has a
        name that is not text.
    """
    given = nw.from_native(frame, eager_only=True)
    inputs, n_rows = model[:-1].transform(frame), len(given)
    if n_rows == 0:  # scikit-learn refuses no rows: predict one and leave it out again
        inputs = pl.DataFrame({name: [0.0] for name in nw.from_native(inputs).columns})
    answer = evaluate.answer(model[-1], inputs)
    columns = {"prediction": answer.predicted}
    if answer.shares is not None and answer.labels is not None:
        names = [f"probability_{label}" for label in answer.labels.tolist()]
        columns |= dict(zip(names, answer.shares.T, strict=True))
    made = nw.from_dict(columns, backend=given.implementation).head(n_rows).to_native()
    index = nw.maybe_get_index(given)
    return made if index is None else made.set_axis(index)


def _fit(
    task: str, settings: Settings, X: Any, y: np.ndarray, by: Any, tick: Callable[[], object]
) -> tuple[pipeline.Pipeline, list[dict[str, Any]]]:
    """Fit the pipeline, or the best one of a search; give what the search tried."""
    if task == "classification" and len(labels := np.unique(y).tolist()) < 2:
        msg = f"split = {settings.split!r} leaves the one label {labels[0]!r} to learn from"
        raise ModelError(msg)
    model = build(task, settings)
    if not settings.search:
        return model.fit(X, y), []
    if unknown := [name for name in SEARCH if name not in model.get_params()]:
        there = ", ".join(name for name in model.get_params() if "__" in name)
        msg = f"SEARCH in model.py has {unknown[0]!r}, the parameters of the model are {there}"
        raise ModelError(msg)
    metric = settings.metric or evaluate.METRICS[task][0]

    def score(fitted: Any, X: Any, y: np.ndarray) -> float:
        tick()
        value = evaluate.scores(y, evaluate.answer(fitted, X)).get(metric, np.nan)
        return -value if metric in evaluate.ERRORS else value

    inner = evaluate.split(
        y, by, settings, stratify=task == "classification", folds=settings.folds or INNER_FOLDS
    )
    search = model_selection.RandomizedSearchCV(
        model,
        SEARCH,
        n_iter=settings.search,
        scoring=score,
        cv=inner,
        random_state=settings.seed,
        error_score="raise",
    ).fit(X, y)
    found = search.cv_results_
    tried = [
        {"parameters": parameters, metric: abs(mean), "spread": spread}
        for parameters, mean, spread in zip(
            found["params"], found["mean_test_score"], found["std_test_score"], strict=True
        )
    ]
    return search.best_estimator_, tried


def _seeded(learner: Any, task: str, settings: Settings) -> Any:
    """Give a learner the seed and the class weights of the settings."""
    known = learner.get_params()
    learner.set_params(
        **{name: settings.seed for name in known if re.search("(^|__)random_state$", name)}
    )
    if settings.class_weight and task == "classification":
        if "class_weight" not in known:
            msg = f"class_weight is set, but {type(learner).__name__} has no class weights"
            raise ModelError(msg)
        learner.set_params(class_weight=settings.class_weight)
    return learner


def _summary(
    task: str, folds: list[dict[str, float]], guesses: list[dict[str, float]]
) -> dict[str, dict[str, float | None]]:
    """Average the metrics that are defined in each fold."""
    made: dict[str, dict[str, float | None]] = {}
    for name in evaluate.METRICS[task]:
        if all(name in fold for fold in folds):
            values = [fold[name] for fold in folds]
            made[name] = {
                "model": float(np.mean(values)),
                "baseline": float(np.mean([guess[name] for guess in guesses])),
                "spread": float(np.std(values, ddof=1)) if len(values) > 1 else None,
            }
    return made


def _hints(X: Any, part: evaluate.Part, model: pipeline.Pipeline, settings: Settings) -> list[str]:
    """Name the columns that are not used, and those that ask for another split."""
    clean, encoded = model["clean"], model["features"]
    found = [f"not used: {name!r} {reason}" for name, reason in clean.unused_.items()]
    found += [f"not used: {name!r} {reason}" for name, reason in encoded.unused_.items()]
    if settings.split == "random":
        found += evaluate.hints(X.select(*clean.kinds_), part)
    return found


def _tell(run: Run) -> None:
    logger.info(
        "%d training rows, %d test rows (%s split, seed %d)",
        len(run.train),
        len(run.test),
        run.settings.split,
        run.settings.seed,
    )
    rows = "all rows" if run.settings.refit else "the training rows"
    logger.info("the saved model is fitted on %s", rows)
    for hint in run.hints:
        logger.warning("%s", hint)
    if not run.beats_baseline:
        found = run.metrics[run.metric]
        logger.warning(
            "the model is not better than the baseline: %s %.4g, baseline %.4g",
            run.metric,
            found["model"],
            found["baseline"],
        )


def _with_target(data: Any, target: str) -> Any:
    """Keep the rows that have a target; refuse a target that cannot be learned."""
    preprocess.check_names(data)
    if target not in data.columns:
        there = ", ".join(data.columns)
        what = f"no column {target!r} to predict" if target else "no column to predict is named"
        msg = f"{what}: name one with --target; there are {there}"
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


def _task(values: nw.Series[Any], settings: Settings) -> str:
    """Take the task of the settings, or choose: fractions or many numbers, a regression."""
    task, n_labels, numbers = settings.task, values.n_unique(), values.dtype.is_numeric()
    whole = not values.dtype.is_float() or bool((values % 1 == 0).all())
    if task == "auto":
        labels = not numbers or (whole and n_labels <= FEW_LABELS)
        task = "classification" if labels else "regression"
    if task == "regression" and not numbers:
        msg = f"target {values.name!r} must hold numbers for a regression, got {values[0]!r}"
        raise ModelError(msg)
    if task == "classification" and (n_labels > MAX_LABELS or not whole):
        found = n_labels if whole else "fractions"
        msg = f"target {values.name!r} must have at most {MAX_LABELS} labels, got {found}"
        raise ModelError(msg)
    if settings.metric and settings.metric not in evaluate.METRICS[task]:
        there = ", ".join(evaluate.METRICS[task])
        msg = f"metric must be one of {there} for a {task}, got {settings.metric!r}"
        raise ModelError(msg)
    return task


def _truth(values: nw.Series[Any], task: str) -> np.ndarray:
    """Give labels, or floats for a regression, shape (n_rows,)."""
    kind = np.float64 if task == "regression" else None
    return np.array(values.to_list(), dtype=kind)


def _split_values(rows: Any, settings: Settings) -> np.ndarray | None:
    """Give the column to split by; None for a random split."""
    if settings.split == "random":
        return None
    name = settings.split_by
    if name not in rows.columns:
        msg = f"split = {settings.split!r} needs split_by, one of {', '.join(rows.columns)}"
        raise ModelError(msg)
    values = rows[name]
    if n_missing := values.null_count():
        msg = f"split_by: column {name!r} must have no missing value, got {n_missing}"
        raise ModelError(msg)
    ordered = ("numeric", "date", "datetime")
    if settings.split == "time" and preprocess.kind_of(values.dtype) not in ordered:
        msg = f"split_by: column {name!r} must hold dates or numbers, got {values.dtype}"
        raise ModelError(msg)
    return np.asarray(values.to_numpy())
