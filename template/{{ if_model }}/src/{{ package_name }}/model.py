"""Build, train and apply the model: the file to change for another learner."""

import logging
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from narwhals.typing import IntoDataFrame
from sklearn import base, ensemble, model_selection, pipeline, utils

from . import evaluate, features, preprocess
from .config import Settings
from .errors import ModelError, require

__all__ = ["MIN_ROWS", "SEARCH", "TRUSTED", "Run", "build", "n_fits", "predict", "to_card", "train"]

logger = logging.getLogger(__name__)

MIN_ROWS = 10
"""Rows with a target that training needs."""

FEW_LABELS = 20
"""A target of whole numbers with more distinct values than this is a quantity."""

MAX_LABELS = 100
"""Labels a classification can have."""

INNER_FOLDS = 3
"""Folds of a search within the training rows, unless the settings say how many."""

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

_NOT_PLAIN = {"settings", "model", "evaluated", "train", "test", "y_train", "y_test"}

_TREES = {
    "classification": ensemble.HistGradientBoostingClassifier,
    "regression": ensemble.HistGradientBoostingRegressor,
}
_GIVEN = ("learning_rate", "max_iter", "max_leaf_nodes", "min_samples_leaf", "l2_regularization")


def build(task: str, settings: Settings) -> pipeline.Pipeline:
    """Put the unfitted model together: clean the table, make features, learn.

    Another learner is another line here, e.g. ``learner = ensemble.RandomForestClassifier()``.
    One that takes no missing values gets scaled numbers and one-hot categories.

    Parameters
    ----------
    task
        "classification" or "regression".
    settings
        Columns not to use, seed, class weights, parameters of the learner.

    Raises
    ------
    ModelError
        If the learner has no class weights and the settings ask for them.
    """
    learner = _TREES[task](**{name: getattr(settings, name) for name in _GIVEN})
    dense = not utils.get_tags(learner).input_tags.allow_nan
    aside = [settings.split_by] if settings.split_by and not settings.use_split_by else []
    steps = {
        "clean": preprocess.Clean(drop=[*settings.drop, *aside]),
        "features": features.Features(one_hot=dense, scale=dense),
        "learner": _adapted(learner, task, settings),
    }
    return pipeline.Pipeline([*steps.items()])


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
        What a search tried: the parameters, and mean and spread of the metric.
    hints
        What to look at: columns that are not used, a split that looks wrong.
    doubts
        What reading the table reported.
    """

    settings: Settings
    task: str
    target: str
    model: pipeline.Pipeline
    evaluated: pipeline.Pipeline
    train: pl.DataFrame
    test: pl.DataFrame
    y_train: np.ndarray
    y_test: np.ndarray
    metrics: dict[str, dict[str, Any]]
    per_class: dict[str, dict[str, float]]
    folds: list[dict[str, float]]
    search: list[dict[str, Any]]
    hints: list[str]
    doubts: list[str]

    @property
    def metric(self) -> str:
        """Name of the metric that a search improves."""
        return _metric(self.task, self.settings)

    @property
    def beats_baseline(self) -> bool:
        """Whether the model is better than the baseline by that metric."""
        found = self.metrics.get(self.metric)
        better = found and found["model"] - found["baseline"]
        return bool(better and (better < 0) == (self.metric in evaluate.ERRORS))


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
        How to split, fit and measure.
    doubts
        What reading the table reported.
    tick
        Called after each fit of a search, `n_fits` times.

    Raises
    ------
    ModelError
        If the target cannot be learned, does not fit the task, or the split cannot be made.
    DataError, FeatureError
        If no column can be used, or a feature fails.
    """
    rows = _with_target(nw.from_native(table, eager_only=True), target)
    task = _task(rows[target], settings)
    X, by = rows.drop(target), _split_values(rows, settings)
    y = np.array(rows[target].to_list(), dtype=None if task == "classification" else np.float64)
    scores = []
    for part in evaluate.split(y, by, settings, stratify=task[0] == "c", folds=settings.folds):
        X_train, X_test = (X[rows].to_native() for rows in part)
        y_train, y_test = (y[rows] for rows in part)
        by_train = None if by is None else by[part[0]]
        evaluated, tried = _fit(task, settings, X_train, y_train, by_train, tick)
        guess = evaluate.baseline(task).fit(X_train, y_train)
        answer, guessed = (evaluate.answer(fitted, X_test) for fitted in (evaluated, guess))
        scores.append((evaluate.scores(y_test, answer), evaluate.scores(y_test, guessed)))
    model = base.clone(evaluated).fit(X.to_native(), y) if settings.refit else evaluated
    unused = [pair for step in model[:-1] for pair in getattr(step, "unused_", {}).items()]
    hints = [f"not used: {name!r} {why}" for name, why in unused]
    if settings.split == "random":
        hints += evaluate.hints(X.select(*model["clean"].kinds_), part)
    run = Run(
        *(settings, task, target, model, evaluated, X_train, X_test, y_train, y_test),
        metrics=_summary(scores),
        per_class=evaluate.per_class(y_test, answer),
        folds=[fold for fold, _ in scores] if settings.folds else [],
        search=tried,
        hints=hints,
        doubts=list(doubts),
    )
    _tell(run)
    return run


def n_fits(settings: Settings) -> int:
    """Count the fits of a search, for a progress bar; 0: there is no search."""
    n_sets = min(settings.search, math.prod(map(len, SEARCH.values())))
    return n_sets * (settings.folds or INNER_FOLDS) * (settings.folds or 1)


def to_card(run: Run) -> dict[str, Any]:
    """Describe a run in plain values, fit for JSON."""
    plain = {name: value for name, value in vars(run).items() if name not in _NOT_PLAIN}
    counts = {"n_train": len(run.train), "n_test": len(run.test), "seed": run.settings.seed}
    fitted_on = "all rows" if run.settings.refit else "the training rows"
    return {"fitted_on": fitted_on, **counts, "metric": run.metric, **plain}


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
    predicted, shares, labels = evaluate.answer(model[-1], inputs)
    columns = {"prediction": predicted}
    if shares is not None and labels is not None:
        columns |= {f"probability_{label}": shares[:, i] for i, label in enumerate(labels.tolist())}
    made = nw.from_dict(columns, backend=given.implementation).head(n_rows).to_native()
    index = nw.maybe_get_index(given)
    return made if index is None else made.set_axis(index)


def _fit(
    task: str, settings: Settings, X: Any, y: np.ndarray, by: Any, tick: Callable[[], object]
) -> tuple[pipeline.Pipeline, list[dict[str, Any]]]:
    """Fit the pipeline, or the best one of a search; give what the search tried."""
    labels = np.unique(y).tolist()
    msg = f"split = {settings.split!r} leaves the one label {labels[0]!r} to learn from"
    require(len(labels) > 1, ModelError, msg)
    model = build(task, settings)
    if not settings.search:
        return model.fit(X, y), []
    there = [name for name in model.get_params() if "__" in name]
    for name in SEARCH:
        msg = f"SEARCH in model.py has {name!r}, the parameters are {', '.join(there)}"
        require(name in there, ModelError, msg)
    metric = _metric(task, settings)

    def told(fitted: Any, X: Any, y: np.ndarray) -> float:
        tick()
        return evaluate.score(metric, y, evaluate.answer(fitted, X))

    n_folds, stratify = settings.folds or INNER_FOLDS, task == "classification"
    search = model_selection.RandomizedSearchCV(
        *(model, SEARCH),
        n_iter=settings.search,
        scoring=told,
        cv=evaluate.split(y, by, settings, stratify=stratify, folds=n_folds),
        random_state=settings.seed,
        error_score="raise",
    )
    found = search.fit(X, y).cv_results_
    tried = zip(found["params"], found["mean_test_score"], found["std_test_score"], strict=True)
    sign = -1 if metric in evaluate.ERRORS else 1
    return search.best_estimator_, [
        {"parameters": parameters, metric: sign * mean, "spread": spread}
        for parameters, mean, spread in tried
    ]


def _adapted(learner: Any, task: str, settings: Settings) -> Any:
    """Give a learner the seed and the class weights of the settings."""
    known = learner.get_params()
    if settings.class_weight and task == "classification":
        msg = f"class_weight is set, but {type(learner).__name__} has no class weights"
        require("class_weight" in known, ModelError, msg)
        learner.set_params(class_weight=settings.class_weight)
    seeds = {name: settings.seed for name in known if re.search("(^|__)random_state$", name)}
    learner.set_params(**seeds)
    if task == "classification" and type(learner).__module__.startswith("xgboost."):
        return ensemble.VotingClassifier([("xgboost", learner)], voting="soft")  # takes any labels
    return learner


def _metric(task: str, settings: Settings) -> str:
    return settings.metric or next(iter(evaluate.METRICS[task]))


def _summary(scores: list[tuple[dict[str, float], dict[str, float]]]) -> dict[str, Any]:
    """Average the metrics that are defined in each fold, beside those of the baseline."""
    made = {}
    for name in [name for name in scores[0][0] if all(name in fold for fold, _ in scores)]:
        values, guesses = np.array([[fold[name], guess[name]] for fold, guess in scores]).T
        spread = float(values.std(ddof=1)) if len(values) > 1 else None
        model, baseline = float(values.mean()), float(guesses.mean())
        made[name] = {"model": model, "baseline": baseline, "spread": spread}
    return made


def _tell(run: Run) -> None:
    """Log how the rows were split, what to look at, and a model that is not worth its name."""
    given, n_rows = run.settings, (len(run.train), len(run.test))
    split = (given.split, given.seed)
    logger.info("%d training rows, %d test rows (%s split, seed %d)", *n_rows, *split)
    logger.info("saved: fitted on %s", "all rows" if given.refit else "the training rows")
    for hint in run.hints:
        logger.warning("%s", hint)
    if not run.beats_baseline:
        logger.warning("the model is not better than the baseline by its %s", run.metric)


def _with_target(data: Any, target: str) -> Any:
    """Keep the rows that have a target; refuse a target that cannot be learned."""
    preprocess.check_names(data)
    what = f"no column {target!r} to predict" if target else "no column to predict is named"
    msg = f"{what}: name one with --target; there are {', '.join(data.columns)}"
    require(target in data.columns, ModelError, msg)
    dtype, values = data[target].dtype, nw.col(target)
    kind = preprocess.kind_of(dtype)
    msg = f"target {target!r} must hold numbers, text or booleans, got {dtype}"
    require(kind in ("numeric", "category", "boolean"), ModelError, msg)
    if kind == "category":
        data = data.with_columns(nw.when(~values.is_null()).then(values.cast(nw.String)))
    elif kind == "numeric" and not dtype.is_integer():
        data = data.with_columns(values.cast(nw.Float64)).filter(values.is_finite())
    known = data.filter(~values.is_null())
    msg = f"training needs at least {MIN_ROWS} rows with a target, got {len(known)}"
    require(len(known) >= MIN_ROWS, ModelError, msg)
    msg = f"target {target!r} has the one value {known[target][0]!r}: nothing to learn"
    require(known[target].n_unique() > 1, ModelError, msg)
    return known


def _task(values: nw.Series[Any], settings: Settings) -> str:
    """Take the task of the settings, or choose: fractions or many numbers, a regression."""
    task, n_labels, numbers = settings.task, values.n_unique(), values.dtype.is_numeric()
    whole = not values.dtype.is_float() or bool((values % 1 == 0).all())
    if task == "auto":
        labels = not numbers or (whole and n_labels <= FEW_LABELS)
        task = "classification" if labels else "regression"
    wrong = f"target {values.name!r} must hold numbers for a regression, got {values[0]!r}"
    require(task == "classification" or numbers, ModelError, wrong)
    found = n_labels if whole else "fractions"
    many = f"target {values.name!r} must have at most {MAX_LABELS} labels, got {found}"
    require(task == "regression" or (whole and n_labels <= MAX_LABELS), ModelError, many)
    known = evaluate.METRICS[task]
    msg = f"metric must be one of {', '.join(known)} for a {task}, got {settings.metric!r}"
    require(settings.metric in (None, *known), ModelError, msg)
    return task


def _split_values(rows: Any, settings: Settings) -> np.ndarray | None:
    """Give the column to split by; None for a random split."""
    if settings.split == "random":
        return None
    msg = f"split = {settings.split!r} needs split_by, one of {', '.join(rows.columns)}"
    require(settings.split_by in rows.columns, ModelError, msg)
    values = rows[settings.split_by]
    msg = f"split_by: column {values.name!r} must have no missing value, got {values.null_count()}"
    require(not values.null_count(), ModelError, msg)
    msg = f"split_by: column {values.name!r} must hold dates or numbers, got {values.dtype}"
    ordered = preprocess.kind_of(values.dtype) in ("numeric", "date", "datetime")
    require(settings.split == "group" or ordered, ModelError, msg)
    return np.asarray(values.to_numpy())
