"""Describe a training run in one HTML page that needs no other file and no network."""

import io
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import narwhals as nw
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from narwhals.typing import IntoDataFrame
from sklearn import calibration, metrics, utils

from . import evaluate
from ._internal import page
from .model import Run

__all__ = ["MAX_LABELS", "MAX_PLOTS", "MAX_POINTS", "MAX_ROWS", "N_REPEATS", "importance", "render"]

MAX_LABELS, MAX_PLOTS, MAX_POINTS, MAX_ROWS = 12, 6, 300, 1_000
"""How much is used: labels, plots of a kind, points in a plot, rows for everything else."""

N_REPEATS = 5
"""How often a column is shuffled for its importance."""

_MAX_CURVES = 5

_TOGETHER = "Metrics are too optimistic if rows of the same group are in both parts."

_CURVES = {
    "ROC curve": metrics.RocCurveDisplay,
    "Precision-recall curve": metrics.PrecisionRecallDisplay,
    "Calibration curve": calibration.CalibrationDisplay,
}
_SCATTERS = {"Actual": "actual_vs_predicted", "Residuals": "residual_vs_predicted"}


def render(run: Run, card: dict[str, Any], table: IntoDataFrame) -> str:
    """Write the page.

    Parameters
    ----------
    run
        The training and what was measured.
    card
        What goes into ``model.json``: ``data`` and ``versions`` are shown.
    table
        All rows that were read, with the columns of the run among theirs.

    Returns
    -------
    str
        An HTML document; the same run gives the same text.
    """
    data = nw.from_native(table, eager_only=True)
    answer, losses = evaluate.answer(run.evaluated, run.test), importance(run)
    first = list(losses)[:MAX_PLOTS]
    with mpl.rc_context({**mpl.rcParamsDefault, **_STYLE}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of glyphs: the browser's fonts have more of them
        if answer.labels is None:
            errors = {"Predicted and actual values": _residuals(run, answer)}
        else:
            errors = {"Confusion matrix": _confusion(run, answer), "Curves": _curves(run, answer)}
        sections = {
            "Performance": _performance(run),
            **errors,
            "Feature importance": _importance(run, losses),
            "Partial dependence": _dependence(run, first[:3]),
            "Training data": _columns(run, data) + _distributions(run, first),
            "Model card": _model_card(run, card, data),
        }
    sections = {head: content for head, content in sections.items() if content}
    return page.render(f"Predicting {run.target}", sections)


def importance(run: Run) -> dict[str, np.ndarray]:
    """Measure how much worse the metric of the run gets when a column is shuffled.

    Returns
    -------
    dict[str, np.ndarray]
        Column -> loss, shape (N_REPEATS,), on at most `MAX_ROWS` test rows, the largest mean
        first; near 0 for a column that does not help.

    Notes
    -----
    Permutation importance: Breiman (2001), Random forests, Machine Learning 45. The function
    of scikit-learn takes pandas frames only.
    """
    chance, losses = np.random.default_rng(run.settings.seed), {}
    X, y = _some(MAX_ROWS, run.test, run.y_test)
    best = evaluate.score(run.metric, y, evaluate.answer(run.evaluated, X))
    repeats = np.arange(N_REPEATS * len(X)).reshape(N_REPEATS, -1)
    for name in run.evaluated["clean"].kinds_:
        orders = chance.permuted(repeats % len(X), axis=1)
        shuffled = pl.concat([X] * N_REPEATS).with_columns(X[name][orders.ravel()])
        answer = evaluate.answer(run.evaluated, shuffled)
        scores = [evaluate.score(run.metric, y, answer.at(rows)) for rows in repeats]
        losses[name] = best - np.array(scores)
    return dict(sorted(losses.items(), key=lambda item: -item[1].mean()))


def _performance(run: Run) -> str:
    """Show the metrics beside those of the baseline, for each label and each fold."""
    guess = "shares of the labels" if run.per_class else "median"
    made = page.note(
        "" if run.beats_baseline else f"No better than the baseline by {run.metric}: do not use.",
        f"A {run.task} model, evaluated on {len(run.test)} test rows that were not used for "
        f"training. The baseline always predicts the {guess} of the training rows.",
        "Means and standard deviations over the folds." if run.folds else "",
    ) + _numbers("metric", run.metrics)
    tables: dict[str, Any] = {"label": run.per_class, "fold": dict(enumerate(run.folds, 1))}
    parts = (f"<h3>By {what}</h3>{_numbers(what, rows)}" for what, rows in tables.items() if rows)
    return made + "".join(parts)


def _numbers(what: str, rows: Mapping[Any, Mapping[str, float | None]]) -> str:
    """Lay out numbers in a table; a column without any is left out."""
    names = dict.fromkeys(name for row in rows.values() for name in row if row[name] is not None)
    lines = [(key, *(_number(row.get(name)) for name in names)) for key, row in rows.items()]
    return page.table((what, *names), lines)


def _confusion(run: Run, answer: evaluate.Answer) -> str:
    """Count the predicted labels of each actual label, the commonest ones."""
    labels = np.union1d(run.y_test, answer.predicted)
    counts = np.array([(run.y_test == label).sum() for label in labels])
    shown = np.sort(np.argsort(-counts, kind="stable")[:MAX_LABELS])
    matrix = metrics.confusion_matrix(run.y_test, answer.predicted, labels=labels[shown])
    shares = matrix / np.maximum(counts[shown, None], 1)
    names = _short(labels[shown])
    rows = [
        (name, *(f"{n} ({share:.0%})" for n, share in zip(*pair, strict=True)))
        for name, *pair in zip(names, matrix, shares, strict=True)
    ]
    return page.table(("actual ↓ predicted →", *names), rows, shares=shares) + page.note(
        f"Test rows, and their share of those with that actual label, {MAX_LABELS} labels at most."
    )


def _curves(run: Run, answer: evaluate.Answer) -> str:
    """Draw ROC, precision-recall and calibration curves, one for each label."""
    if answer.shares is None or answer.labels is None:
        return ""
    plots, truths = [], {label: run.y_test == label for label in answer.labels.tolist()}
    for title, display in _CURVES.items():
        axes = _axes(title)
        for label, share in _outputs(answer).items():
            if 0 < truths[label].sum() < len(run.y_test):
                [name] = _short([label])
                display.from_predictions(truths[label], share, ax=axes, name=name)
        axes.set(xlabel=axes.get_xlabel().split(" (")[0], ylabel=axes.get_ylabel().split(" (")[0])
        plots.append(_svg(axes))
    return "".join(plots) + page.note(
        "Each label against all others, on the test rows. Calibration: rows with about the same "
        f"predicted probability; dotted: perfect calibration. {_MAX_CURVES} labels at most."
    )


def _residuals(run: Run, answer: evaluate.Answer) -> str:
    """Plot actual values and residuals against predicted values."""
    plots, (y, predicted) = [], _some(MAX_POINTS, run.y_test, answer.predicted)
    for name, kind in _SCATTERS.items():
        axes = _axes(f"{name} and predicted values")
        metrics.PredictionErrorDisplay.from_predictions(
            y, predicted, kind=kind, subsample=None, ax=axes, scatter_kwargs={"s": 9, "alpha": 0.5}
        )
        plots.append(_svg(axes))
    return "".join(plots) + page.note(
        f"On the dashed line the prediction is right; {len(y)} of {len(run.test)} test rows."
    )


def _importance(run: Run, losses: dict[str, np.ndarray]) -> str:
    """Plot what shuffling each column costs, the largest first."""
    shown = list(losses)[: 3 * MAX_PLOTS][::-1]
    values = np.array([losses[name] for name in shown])
    axes = _axes("Permutation importance", height=0.7 + 0.22 * len(shown))
    axes.barh(range(len(shown)), values.mean(1), xerr=values.std(1), tick_label=_short(shown))
    axes.set(xlabel=f"loss of {run.metric}", ylim=(-0.6, len(shown) - 0.4))
    axes.locator_params(axis="x", nbins=4)
    return _svg(axes) + page.note(
        f"How much worse {run.metric} gets when a column is shuffled: mean and standard deviation "
        f"of {N_REPEATS} repeats, {len(shown)} of {len(losses)} columns. It shows what the model "
        "uses, not causes. Columns with the same information share their importance."
    )


def _dependence(run: Run, names: Sequence[str]) -> str:
    """Plot the mean prediction over the values of a column, all other columns as they are."""
    X, plots = run.evaluated["clean"].transform(_some(MAX_POINTS, run.test)), []
    for name in names:
        values = X[name].drop_nulls().sort()
        grid = values.gather_every(-(-len(values) // 20) or 1).unique(maintain_order=True)
        if values.dtype == pl.String:
            grid = _commonest(values)
        varied = pl.concat([X] * len(grid))
        varied = varied.with_columns(grid.gather(np.repeat(range(len(grid)), len(X))).alias(name))
        axes = _axes(f"Partial dependence on {page.short(name, 30)}")
        for label, outputs in _outputs(evaluate.answer(run.evaluated[1:], varied)).items():
            means = np.reshape(outputs, (len(grid), len(X))).mean(axis=1)
            style = "o" if grid.dtype == pl.String else "o-"
            axes.plot(_places(axes, grid), means, style, label=page.short(str(label), 20))
        axes.set(xlabel=page.short(name, 30), ylabel="mean prediction")
        plots.append(_svg(axes))
    what = "probability" if run.per_class else "value"
    return "".join(plots) + page.note(
        f"Mean predicted {what} if the column had that value in {len(X)} test rows, for the "
        "columns with the largest importance. Values that do not occur together may mislead."
    )


def _outputs(answer: evaluate.Answer) -> dict[Any, np.ndarray]:
    """Give the probability of each label, of two labels that of the second; or the values."""
    predicted, shares, labels = answer
    if labels is None:
        return {"": predicted}
    if shares is None:
        shares = (predicted[:, None] == labels).astype(float)
    shown = slice(1, 2) if len(labels) == 2 else slice(_MAX_CURVES)
    return dict(zip(labels[shown].tolist(), shares.T[shown], strict=True))


def _columns(run: Run, data: Any) -> str:
    """List the columns: how each is used, what is missing, its values in the training rows."""
    clean = run.evaluated["clean"]
    cleaned = nw.from_native(clean.transform(data.to_native()), eager_only=True)
    texts = {**getattr(run.evaluated["features"], "categories_", {}), run.target: [*run.per_class]}
    kinds, rows = {**clean.kinds_, run.target: "target"}, []
    for name in data.columns:
        missing = (cleaned if name in cleaned.columns else data)[name].null_count()
        share = f"{missing} ({missing / len(data):.1%})" if missing else "0"
        values = map(_number, clean.ranges_.get(name, ()))
        shown = _names(texts.get(name, ()), 4) or " to ".join(values)
        rows.append((name, kinds.get(name, "not used"), share, shown))
    return page.table(("column", "kind", "missing", "values"), rows) + page.note(
        f"{len(data)} rows, {len(rows)} columns. The values are those of the training rows."
    )


def _distributions(run: Run, names: Sequence[str]) -> str:
    """Plot the columns of the training rows by label, or against the target."""
    limit = MAX_ROWS if run.per_class else MAX_POINTS
    (X, y), plots = _some(limit, run.train, run.y_train), []
    X = run.evaluated["clean"].transform(X)
    labels = np.unique(y)[:_MAX_CURVES]
    for name in names:
        axes, text = _axes(f"Distribution of {page.short(name, 30)}"), X[name].dtype == pl.String
        x = _places(axes, X[name].fill_null("(missing)") if text else X[name])
        if run.per_class:
            bins: Any = np.arange(len(axes.get_xticks()) + 1) - 0.5 if text else 20
            parts = [x[(y == label) & ~np.isnan(x)] for label in labels]
            style: Any = "bar" if text else "step"
            axes.hist(parts, bins, density=True, histtype=style, label=_short(labels))
        else:
            axes.plot(x, y, "o", alpha=0.5)
        axes.set(xlabel=page.short(name, 30))
        axes.set(ylabel="density" if run.per_class else page.short(run.target, 24))
        plots.append(_svg(axes))
    note = page.note(f"The columns with the largest importance in {len(X)} training rows.")
    return f"<h3>Distributions</h3>{''.join(plots)}{note}"


def _places(axes: Axes, values: pl.Series) -> np.ndarray:
    """Give the places of values on the x axis; text has the commonest values as its ticks."""
    if values.dtype.is_temporal():
        values = values.dt.epoch("d") / 365.25 + 1970
    if values.dtype != pl.String:
        return values.to_numpy()
    codes = {value: float(code) for code, value in enumerate(_commonest(values))}
    axes.set_xticks([*codes.values()], _short(codes, 14), rotation=30, ha="right")
    return values.replace_strict(codes, default=None, return_dtype=pl.Float64).to_numpy()


def _commonest(values: pl.Series) -> pl.Series:
    counts = values.value_counts().sort("count", values.name, descending=[True, False])
    return counts[values.name][:8]


def _model_card(run: Run, card: dict[str, Any], data: Any) -> str:
    """Say what the model is for, where it comes from and what its limits are."""
    given, source = run.settings, card["data"]["source"] or "The sample of this package"
    by = f" by {given.split_by}" if given.split_by else ""
    folds = f", last of {len(run.folds)} folds" if run.folds else ""
    found = {key: _number(value) for key, value in run.metrics[run.metric].items()}
    spread = f", standard deviation {found['spread']}" if run.folds else ""
    unused = [name for name in data.columns if name not in (run.target, *run.model["clean"].kinds_)]
    untested = [name for name, score in run.per_class.items() if not score["support"]]
    facts = {
        "Intended use": [
            f"Predict {_names([run.target])} for rows like the training rows: the same columns, "
            "units and way of collecting them. Other uses need an evaluation of their own."
        ],
        "Data": [
            f"{source}, SHA-256 {card['data']['sha256']}.",
            f"A random sample of at most {given.max_rows} rows." if given.max_rows else "",
        ],
        "Split": [
            f"{len(run.train)} training rows, {len(run.test)} test rows ({given.split} split{by}, "
            f"seed {given.seed}{folds}); {len(data)} rows in all.",
            f"The saved model is fitted on {'all' if given.refit else 'the training'} rows.",
        ],
        "Metric": [f"{run.metric} {found['model']}, baseline {found['baseline']}{spread}."],
        "Limitations": [
            "Values outside the training ranges are extrapolation.",
            "Rare and unseen categories share one code.",
            f"Not used: {_names(unused)}." if unused else "",
            f"No test rows with the label {_names(untested)}." if untested else "",
            _TOGETHER if given.split == "random" else "",
        ],
        "Notes": [f"{note}." for note in (*run.doubts, *run.hints)] or ["None."],
        "Versions": [", ".join(f"{name} {version}" for name, version in card["versions"].items())],
    }
    return "".join(f"<h3>{term}</h3>{page.note(*said)}\n" for term, said in facts.items())


def _some(limit: int, *arrays: Any) -> Any:
    """Draw the same random rows from all."""
    n_rows = min(limit, len(arrays[0]))
    return utils.resample(*arrays, replace=False, n_samples=n_rows, random_state=0)


def _short(names: Iterable[Any], limit: int = 24) -> list[str]:
    return [page.short(str(name), limit) for name in names]


def _names(names: Sequence[Any], limit: int = 20) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(_short(names[:limit], 40)) + more


def _number(value: Any) -> str:
    """Round to four digits, or to a whole number; a date loses its midnight."""
    if value is None or isinstance(value, str):
        return (value or "").removesuffix("T00:00:00")
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


def _axes(title: str, *, height: float = 2.9) -> Axes:
    """Give the axes of a fresh figure, `height` inches high."""
    axes = Figure(figsize=(3.6, height), layout="constrained").subplots()
    axes.set_title(title)
    return axes


def _svg(axes: Axes) -> str:
    """Write the figure as inline SVG, in the colour of the text."""
    if any(axes.get_legend_handles_labels()[1]):
        axes.legend()
    stream, nothing = io.StringIO(), dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure: Any = axes.figure
    figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    svg = re.sub(r'<g id="[^"]*">', "<g>", stream.getvalue()).replace(": #000000", ": currentColor")
    label = page.escape(axes.get_title())
    return svg[svg.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


_STYLE: dict[Any, Any] = {  # beside the defaults, whatever the user's matplotlibrc says
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "text.parse_math"), False),
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "legend.frameon": False,
    "lines.markersize": 3,
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
}
