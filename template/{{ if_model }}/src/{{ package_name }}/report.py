"""Describe a training run in one HTML page that needs no other file and no network."""

import io
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import matplotlib as mpl
import narwhals as nw
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from narwhals.typing import IntoDataFrame
from sklearn import calibration, metrics

from . import evaluate
from ._internal import page
from .model import Run

__all__ = ["MAX_LABELS", "MAX_PLOTS", "MAX_POINTS", "MAX_ROWS", "N_REPEATS", "importance", "render"]

MAX_LABELS, MAX_PLOTS, MAX_POINTS, MAX_ROWS = 12, 6, 300, 1_000
"""How much is used: labels, plots of a kind, points in a plot, rows for everything else."""

N_REPEATS = 5
"""How often a column is shuffled for its importance."""


def render(run: Run, card: dict[str, Any], table: IntoDataFrame) -> str:
    """Write the page.

    Parameters
    ----------
    run
        The training and what was measured.
    card
        What goes into ``model.json``: ``data``, ``settings`` and ``versions`` are shown.
    table
        All rows that were read, with the columns of the run among theirs.

    Returns
    -------
    str
        An HTML document; the same run gives the same text.
    """
    data = nw.from_native(table, eager_only=True)
    answer = evaluate.answer(run.evaluated, run.test)
    costs = importance(run)
    first = sorted(costs, key=lambda name: -costs[name].mean())[:MAX_PLOTS]
    if answer.labels is None:
        errors = {"Predicted and actual values": _residuals(run, answer)}
    else:
        errors = {"Confusion matrix": _confusion(run, answer), "Curves": _curves(run, answer)}
    sections = {
        "Performance": _performance(run),
        **errors,
        "Feature importance": _importance(run, costs),
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
        Column -> loss, shape (N_REPEATS,), on at most `MAX_ROWS` test rows; near 0 for a
        column that does not help.

    Notes
    -----
    Permutation importance: Breiman (2001), Random forests, Machine Learning 45.
    """
    chance = np.random.default_rng(run.settings.seed)
    rows = _some(len(run.test), chance, MAX_ROWS)
    X, y, sign = run.test[rows], run.y_test[rows], -1 if run.metric in evaluate.ERRORS else 1

    def score(frame: pl.DataFrame) -> float:
        found = evaluate.scores(y, evaluate.answer(run.evaluated, frame))
        return sign * found.get(run.metric, np.nan)

    best, made = score(X), {}
    for name in run.evaluated["clean"].kinds_:
        orders = [chance.permutation(len(X)) for _ in range(N_REPEATS)]
        made[name] = np.array([best - score(X.with_columns(X[name][order])) for order in orders])
    return made


def _performance(run: Run) -> str:
    """Show the metrics beside those of the baseline, for each label and each fold."""
    found = [
        (name, *map(_number, (score["model"], score["baseline"], score["spread"])))
        for name, score in run.metrics.items()
    ]
    head = ("metric", "model", "baseline", *(("spread",) if run.folds else ()))
    guess = "shares of the labels" if run.per_class else "median"
    content = page.note(
        "" if run.beats_baseline else f"No better than the baseline by {run.metric}: do not use.",
        f"A {run.task} model, measured on {len(run.test)} test rows that were not used for "
        f"training. The baseline always predicts the {guess} of the training rows.",
        "Means and standard deviations over the folds." if run.folds else "",
    ) + page.table(head, [row[: len(head)] for row in found])
    if run.per_class:
        names = list(next(iter(run.per_class.values())))
        rows = [(name, *map(_number, score.values())) for name, score in run.per_class.items()]
        content += "<h3>Labels</h3>" + page.table(("label", *names), rows)
    if run.folds:
        head = ("fold", *run.metrics)
        folds = [
            (n, *(_number(fold.get(name)) for name in run.metrics))
            for n, fold in enumerate(run.folds, 1)
        ]
        content += "<h3>Folds</h3>" + page.table(head, folds)
    return content


def _confusion(run: Run, answer: evaluate.Answer) -> str:
    """Count the predicted labels of each true label, the rare ones together."""
    labels, counts = np.unique(run.y_test, return_counts=True)
    shown = labels[np.sort(np.argsort(-counts, kind="stable")[:MAX_LABELS])].tolist()
    known = {label: place for place, label in enumerate(shown)}
    places = [
        [known.get(label, len(shown)) for label in values.tolist()]
        for values in (run.y_test, answer.predicted)
    ]
    matrix = metrics.confusion_matrix(*places, labels=range(len(shown) + 1))
    names = [*(page.short(str(label), 40) for label in shown), "(other)"]
    if not matrix[-1].any() and not matrix[:, -1].any():
        names, matrix = names[:-1], matrix[:-1, :-1]
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    cells = [
        [f"{n} ({share:.0%})" for n, share in zip(*pair, strict=True)]
        for pair in zip(matrix, shares, strict=True)
    ]
    rows = [(name, *line) for name, line in zip(names, cells, strict=True)]
    return page.table(("actual ↓ predicted →", *names), rows, shares=shares) + page.note(
        "Test rows, and their share of the rows with that actual label.",
        _more(len(labels) - len(shown), "labels are counted as (other)"),
    )


def _curves(run: Run, answer: evaluate.Answer) -> str:
    """Draw ROC, precision-recall and calibration curves, one for each label."""
    if answer.shares is None or answer.labels is None:
        return ""
    pairs = [
        (page.short(str(label), 20), run.y_test == label, share)
        for label, share in zip(answer.labels, answer.shares.T, strict=True)
        if 0 < (run.y_test == label).sum() < len(run.y_test)
    ]
    pairs = pairs[-1:] if len(answer.labels) == 2 else pairs[: len(_COLORS)]

    def curves(display: Any, x: str, y: str, **options: Any) -> Callable[[Axes], None]:
        def draw(axes: Axes) -> None:
            for color, (name, truth, share) in zip(_COLORS, pairs, strict=False):
                display.from_predictions(truth, share, ax=axes, name=name, **options)
                axes.lines[-1].set(color=color, markersize=3)
            axes.plot([0, 1], [0, 1] if display is not metrics.PrecisionRecallDisplay else [1, 1])
            axes.lines[-1].set(color=_INK, linewidth=0.6)
            axes.set(xlabel=x, ylabel=y, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
            axes.legend(loc="best")

        return draw

    drawn = {
        "ROC curve": curves(metrics.RocCurveDisplay, "false positive rate", "true positive rate"),
        "Precision-recall curve": curves(metrics.PrecisionRecallDisplay, "recall", "precision"),
        "Calibration curve": curves(
            calibration.CalibrationDisplay,
            "predicted probability",
            "share of rows with the label",
            ref_line=False,
            strategy="quantile",
        ),
    }
    return "".join(_plot(draw, title) for title, draw in drawn.items()) + page.note(
        "The label against all others, on the test rows. Calibration: ten groups of rows with "
        "about the same predicted probability; on the line the probabilities are right.",
        _more(len(answer.labels) - len(pairs), "labels are left out") if len(pairs) > 1 else "",
    )


def _residuals(run: Run, answer: evaluate.Answer) -> str:
    """Plot predicted against actual values, and residuals against predicted values."""
    rows = _some(len(run.y_test), np.random.default_rng(run.settings.seed), MAX_POINTS)

    def plot(kind: str) -> Callable[[Axes], None]:
        def draw(axes: Axes) -> None:
            metrics.PredictionErrorDisplay.from_predictions(
                run.y_test[rows],
                answer.predicted[rows],
                kind=kind,
                ax=axes,
                subsample=None,
                scatter_kwargs={"color": _COLORS[0], "alpha": 0.5, "s": 9, "linewidths": 0},
                line_kwargs={"color": _INK, "linewidth": 0.8},
            )
            axes.locator_params(nbins=5)

        return draw

    kinds = {"Actual": "actual_vs_predicted", "Residuals": "residual_vs_predicted"}
    plots = (_plot(plot(kind), f"{name} and predicted values") for name, kind in kinds.items())
    return "".join(plots) + page.note(
        "On the line the prediction is right; a residual is actual minus predicted.",
        _more(len(run.y_test) - len(rows), "test rows are left out"),
    )


def _importance(run: Run, costs: dict[str, np.ndarray]) -> str:
    """Plot what shuffling each column costs, the largest first."""
    names = sorted(costs, key=lambda name: costs[name].mean())[-3 * MAX_PLOTS :]

    def draw(axes: Axes) -> None:
        means, spreads = ([f(costs[name]) for name in names] for f in (np.mean, np.std))
        axes.barh(range(len(names)), means, xerr=spreads, color=_COLORS[0], ecolor=_INK)
        axes.set_yticks(range(len(names)), [page.short(name, 24) for name in names])
        axes.set(xlabel=f"loss of {run.metric}", ylim=(-0.6, len(names) - 0.4))
        axes.locator_params(axis="x", nbins=4)

    n_rows = min(len(run.test), MAX_ROWS)
    return _plot(draw, "Permutation importance", height=0.7 + 0.22 * len(names)) + page.note(
        f"How much worse {run.metric} gets when a column is shuffled: mean and standard deviation "
        f"of {N_REPEATS} repeats on {n_rows} test rows. It shows what the model uses, not what "
        "causes what. Columns that hold the same information share their importance.",
        _more(len(costs) - len(names), "columns are left out"),
    )


def _dependence(run: Run, names: Sequence[str]) -> str:
    """Plot the mean prediction over the values of a column, all other columns as they are."""
    rows = _some(len(run.test), np.random.default_rng(run.settings.seed), MAX_POINTS)
    X, kinds = run.test[rows], run.evaluated["clean"].kinds_

    def plot(name: str) -> str:
        grid = _grid(run.train[name].drop_nulls(), kinds[name])
        varied = pl.concat([X] * len(grid))
        answer = evaluate.answer(
            run.evaluated, varied.with_columns(grid.gather(np.repeat(range(len(grid)), len(X))))
        )
        curves = {"": answer.predicted}
        if answer.labels is not None:
            shares = answer.shares
            if shares is None:
                shares = answer.predicted[:, None] == answer.labels
            curves = dict(zip(answer.labels.tolist(), shares.T, strict=True))
            curves = dict([*curves.items()][-1 if len(curves) == 2 else 0 :][: len(_COLORS)])

        def draw(axes: Axes) -> None:
            ticks = [page.short(str(value), 14) for value in grid]
            places = range(len(grid)) if kinds[name] in ("category", "boolean") else grid.to_list()
            style = "o-" if places != range(len(grid)) else "o"
            for color, (label, values) in zip(_COLORS, curves.items(), strict=False):
                means = values.astype(float).reshape(len(grid), -1).mean(axis=1)
                axes.plot(places, means, style, color=color, markersize=3, label=str(label))
            if places == range(len(grid)):
                axes.set_xticks(places, ticks, rotation=30, ha="right")
            _finish(axes, page.short(name, 30), "mean prediction", legend=len(curves) > 1)

        return _plot(draw, f"Partial dependence on {page.short(name, 30)}")

    what = "probability" if run.per_class else "value"
    return "".join(map(plot, names)) + page.note(
        f"Mean predicted {what} if the column had that value in {len(X)} test rows, for the "
        "columns with the largest importance. Values that do not occur together may mislead."
    )


def _grid(values: pl.Series, kind: str) -> pl.Series:
    """Choose values of a column: at most 20 quantiles, or the 8 commonest categories."""
    if kind == "category":
        counts = values.value_counts().sort("count", values.name, descending=[True, False])
        return counts[values.name][:8]
    places = np.unique(np.linspace(0.02, 0.98, 20) * (len(values) - 1)).astype(int)
    return values.sort().gather(places).unique(maintain_order=True)


def _columns(run: Run, data: Any) -> str:
    """List the columns: how each is used, what is missing, its values."""
    clean, target = run.evaluated["clean"], data[run.target]
    ends = () if run.per_class else (target.min(), target.max())
    uses = dict.fromkeys(data.columns, ("not used", ""))
    uses[run.target] = ("target", _values(list(run.per_class), *ends))
    for name, kind in clean.kinds_.items():
        categories = getattr(run.evaluated["features"], "categories_", {}).get(name, ())
        uses[name] = (kind, _values(categories, *clean.ranges_.get(name, ())))
    cleaned = nw.from_native(clean.transform(data.to_native()), eager_only=True)
    rows = []
    for name, (kind, values) in uses.items():
        n_missing = (cleaned if name in cleaned.columns else data)[name].null_count()
        share = f" ({n_missing / len(data):.1%})" if n_missing else ""
        rows.append((name, kind, f"{n_missing}{share}", values))
    return page.table(("column", "kind", "missing", "values"), rows) + page.note(
        f"{len(data)} rows, {len(rows)} columns. The values are those of the training rows."
    )


def _distributions(run: Run, names: Sequence[str]) -> str:
    """Plot the columns of the training rows by label, or against the target."""
    limit = MAX_ROWS if run.per_class else MAX_POINTS
    rows = _some(len(run.train), np.random.default_rng(run.settings.seed), limit)
    X, y = run.evaluated["clean"].transform(run.train[rows]), run.y_train[rows]
    labels, counts = np.unique(y, return_counts=True)
    labels = labels[np.argsort(-counts, kind="stable")[: len(_COLORS)]] if run.per_class else y[:0]

    def plot(name: str) -> str:
        values = X[name]
        if values.dtype.is_temporal():
            values = values.dt.epoch("d") / 365.25 + 1970
        known = values.is_not_null().to_numpy()
        numbers = np.zeros(0) if values.dtype == pl.String else values.to_numpy()

        def draw(axes: Axes) -> None:
            if values.dtype == pl.String:
                _by_category(axes, values.fill_null("(missing)"), y, labels)
            elif len(labels):
                bins = np.histogram_bin_edges(numbers[known], 20)
                for color, label in zip(_COLORS, labels, strict=False):
                    of_label = numbers[known & (y == label)]
                    heights = np.histogram(of_label, bins)[0] / max(len(of_label), 1)
                    axes.stairs(heights, bins, color=color, label=str(label))
            else:
                axes.plot(numbers, y, "o", color=_COLORS[0], markersize=2, alpha=0.5)
            what = "share of the label's rows" if len(labels) else page.short(run.target, 24)
            _finish(axes, page.short(name, 30), what, legend=len(labels) > 0)

        return _plot(draw, f"Distribution of {page.short(name, 30)}")

    return (
        "<h3>Distributions</h3>"
        + "".join(map(plot, names))
        + page.note(
            f"The columns with the largest importance in {len(X)} training rows.",
            f"Labels shown: {_names(list(labels))}." if len(labels) else "",
        )
    )


def _by_category(axes: Axes, values: pl.Series, y: np.ndarray, labels: np.ndarray) -> None:
    """Draw a bar for each of the commonest categories: share of each label, or mean target."""
    grid = _grid(values, "category").to_list()
    chosen = [(values == value).to_numpy() for value in grid]
    width = 0.8 / max(len(labels), 1)
    for i, (color, label) in enumerate(zip(_COLORS, labels, strict=False)):
        heights = [(of & (y == label)).sum() / max((y == label).sum(), 1) for of in chosen]
        axes.bar(np.arange(len(grid)) + i * width, heights, width, color=color, label=str(label))
    if not len(labels):
        axes.boxplot([y[of] for of in chosen], positions=range(len(grid)), sym="", **_BOX)
    axes.set_xticks(range(len(grid)), [page.short(value, 14) for value in grid], rotation=30)


def _model_card(run: Run, card: dict[str, Any], data: Any) -> str:
    """Say what the model is for, where it comes from and what its limits are."""
    versions = (f"{name} {version}" for name, version in card.get("versions", {}).items())
    n_train, n_test, found = len(run.train), len(run.test), run.metrics[run.metric]
    facts: dict[str, Iterable[str]] = {
        "Intended use": [
            f"Predict {_names([run.target])} for rows like the training rows: the same columns, "
            "units and way of collecting them. Other uses need an evaluation of their own."
        ],
        "Data": [
            card["data"]["source"] or "The sample that comes with this package.",
            f"SHA-256 {card['data']['sha256']}",
            *_sample(card),
        ],
        "Split": [
            f"{n_train} training rows, {n_test} test rows ({run.settings.split} split"
            + (f" by {run.settings.split_by}" if run.settings.split_by else "")
            + f", seed {run.settings.seed}"
            + (f", last of {len(run.folds)} folds" if run.folds else "")
            + f"); {len(data) - n_train - n_test} other rows, e.g. without a target. The saved "
            f"model is fitted on {'all rows' if run.settings.refit else 'the training rows'}."
        ],
        "Metric": [
            f"{run.metric} {_number(found['model'])}, baseline {_number(found['baseline'])}"
            + (f", standard deviation {_number(found['spread'])}." if run.folds else ".")
        ],
        "Limitations": _limitations(run, data),
        "Notes": [*run.doubts, *run.hints] or ["None."],
        "Versions": [", ".join(versions) or "See model.json."],
    }
    return "\n".join(
        f"<h3>{term}</h3>{''.join(map(page.note, said))}" for term, said in facts.items()
    )


def _sample(card: dict[str, Any]) -> Iterator[str]:
    n_rows = card.get("settings", {}).get("max_rows")
    n_there = card["data"].get("n_source_rows", 0)
    if n_rows and n_rows < n_there:
        yield f"A random sample of {n_rows} of its {n_there} rows."


def _limitations(run: Run, data: Any) -> Iterator[str]:
    yield (
        "Values outside the training ranges are extrapolation. Rare and unseen categories share "
        "one code."
    )
    known = {run.target, *run.evaluated["clean"].kinds_}
    if unused := [name for name in data.columns if name not in known]:
        yield f"Not used: {_names(unused)}."
    if untested := [name for name, score in run.per_class.items() if not score["support"]]:
        yield f"No test rows with the label {_names(untested)}."
    if run.settings.split == "random":
        yield (
            "Rows that belong together, e.g. of one person, may be in both parts: metrics would "
            "then be too good."
        )


def _some(n_rows: int, chance: np.random.Generator, limit: int) -> np.ndarray:
    """Choose row numbers at random, ascending."""
    return np.sort(chance.permutation(n_rows)[:limit])


def _values(categories: Sequence[Any], low: Any = None, high: Any = None) -> str:
    """Name the first of some categories, or both ends of a range."""
    if categories:
        return _names(categories, 4)
    return "" if low is None else f"{_number(low)} to {_number(high)}"


def _names(names: Sequence[Any], limit: int = 20) -> str:
    some = ", ".join(page.short(str(name), 40) for name in names[:limit])
    return f"{some} and {len(names) - limit} more" if len(names) > limit else some


def _more(n: int, what: str) -> str:
    return f"{n} more {what}." if n > 0 else ""


def _number(value: Any) -> str:
    """Round to four digits, or to a whole number; a date loses its midnight."""
    if value is None or isinstance(value, str):
        return (value or "").removesuffix("T00:00:00")
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


def _finish(axes: Axes, x: str, y: str, *, legend: bool) -> None:
    axes.set(xlabel=x, ylabel=y)
    if legend:
        axes.legend()


def _plot(draw: Callable[[Axes], None], title: str, *, height: float = 2.9) -> str:
    """Draw on the axes of a fresh figure, `height` inches high, and give it as inline SVG."""
    stream = io.StringIO()
    with mpl.rc_context(_RC), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of glyphs: the browser's fonts have more of them
        figure = Figure(figsize=(3.6, height), layout="constrained")
        axes = figure.subplots()
        draw(axes)
        axes.set_title(title)
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    svg = re.sub(r'<g id="[^"]*">', "<g>", stream.getvalue()).replace(f": {_INK}", ": currentColor")
    label = page.escape(title)
    return svg[svg.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


_INK = "#010203"  # stands for the colour of the text
_COLORS = ("#4080d0", "#e07b39", "#2f9e77", "#b65fb0", "#8f8a2a")
_LINE = {"color": _INK, "linewidth": 0.8}
_BOX: dict[str, Any] = {f"{part}props": _LINE for part in ("box", "whisker", "cap", "median")}
_RC: dict[Any, Any] = {
    **mpl.rcParamsDefault,  # whatever the user's matplotlibrc says
    **dict.fromkeys(
        ("axes.edgecolor", "axes.labelcolor", "text.color", "xtick.color", "ytick.color"), _INK
    ),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "text.parse_math"), False),
    "axes.titlesize": 10,
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
}
