"""Describe a training run in one HTML page that needs no other file and no network."""

import io
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import matplotlib as mpl
import narwhals as nw
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from narwhals.typing import IntoDataFrame
from sklearn import inspection

from . import evaluate
from ._internal import page
from .model import Run

__all__ = ["MAX_BARS", "MAX_LABELS", "MAX_POINTS", "render"]

MAX_BARS, MAX_LABELS, MAX_POINTS = 20, 15, 1_000
"""How many are shown: features by importance, labels in the confusion matrix, rows in a plot."""


def render(run: Run, card: dict[str, Any], table: IntoDataFrame) -> str:
    """Write the page.

    Parameters
    ----------
    run
        The training and what was measured.
    card
        What goes into ``model.json``: ``data``, ``seed`` and, if there, ``versions`` are shown.
    table
        All rows that were read, with the columns of the run among theirs.

    Returns
    -------
    str
        An HTML document; the same run gives the same text.
    """
    data = nw.from_native(table, eager_only=True)
    sections = {
        "How good it is": _scores(run),
        "Where it errs": _confusion(run) if _labels(run) else _scatter(run),
        "What it looks at": _importance(run),
        "What it learned from": _columns(run, data),
        "Model card": _model_card(run, card, data),
    }
    return page.render(f"Predicting {run.target}", sections)


def _scores(run: Run) -> str:
    """Put the metrics beside those of the guess to beat."""
    rows = [
        (name, *(_number(score[who]) for who in ("model", "baseline")))
        for name, score in run.metrics.items()
    ]
    return page.table(("metric", "model", "baseline"), rows) + page.note(
        f"A {run.task}, measured on {len(run.test)} rows that it had not seen. The "
        f"baseline always guesses the {'most frequent label' if _labels(run) else 'median'}.",
        "" if run.beats_baseline else "The model is no better than that: do not rely on it.",
    )


def _confusion(run: Run) -> str:
    """Count the predicted labels of each true label, the rare ones together."""
    labels = _labels(run)
    codes = {label: code for code, label in enumerate(labels)}
    truth = np.array([codes.get(label, -1) for label in run.y_test.tolist()])
    predicted = np.array([codes[label] for label in _predicted(run).tolist()])
    counts = np.bincount(truth[truth >= 0], minlength=len(labels))
    shown = np.sort(np.argsort(-counts, kind="stable")[:MAX_LABELS])
    places = np.full(len(labels) + 1, len(shown))  # the last is that of -1: unknown in training
    places[shown] = np.arange(len(shown))
    matrix = np.zeros((len(shown) + 1, len(shown) + 1), dtype=int)
    np.add.at(matrix, (places[truth], places[predicted]), 1)
    names = [*(page.short(str(labels[code]), 40) for code in shown), "(other)"]
    if not matrix[-1].any() and not matrix[:, -1].any():
        names, matrix = names[:-1], matrix[:-1, :-1]
    rows = [(name, *line) for name, line in zip(names, matrix.tolist(), strict=True)]
    return page.table(("true ↓ predicted →", *names), rows, shaded=True) + page.note(
        "The stronger the colour, the larger the share of the line.",
        _more(len(labels) - len(shown), "labels are together as (other)"),
    )


def _scatter(run: Run) -> str:
    """Plot predicted against true, for rows at even distances."""
    n_rows = len(run.y_test)
    rows = np.linspace(0, n_rows - 1, min(n_rows, MAX_POINTS)).astype(int)
    truth, predicted = run.y_test[rows], _predicted(run)[rows]
    ends = [min(truth.min(), predicted.min()), max(truth.max(), predicted.max())]

    def draw(axes: Axes) -> None:
        axes.plot(ends, ends, color=_INK, linewidth=0.8)
        axes.plot(truth, predicted, "o", color=_ACCENT, markersize=3.5, alpha=0.6)
        axes.set(xlabel=f"true {page.short(run.target, 30)}", ylabel="predicted", aspect="equal")
        axes.locator_params(nbins=5)

    return _plot(draw, "predicted against true values", height=3.8) + page.note(
        "On the line the prediction is right.", _more(n_rows - len(rows), "rows are left out")
    )


def _importance(run: Run) -> str:
    """Plot what shuffling each feature costs, the dearest first."""
    ranked = sorted(importance(run).items(), key=lambda pair: -pair[1])
    names, costs = zip(*reversed(ranked[:MAX_BARS]), strict=True)

    def draw(axes: Axes) -> None:
        axes.barh(range(len(names)), costs, color=_ACCENT)
        axes.set_yticks(range(len(names)), [page.short(name, 28) for name in names])
        axes.set(xlabel="cost of shuffling", ylim=(-0.6, len(names) - 0.4))
        axes.locator_params(axis="x", nbins=4)

    cost = "Loss of accuracy" if _labels(run) else "Growth of the mean absolute error"
    return _plot(draw, "permutation importance", height=0.7 + 0.25 * len(names)) + page.note(
        f"{cost} when the values of a feature are shuffled: what the model uses, not what causes "
        "what. Features that say the same share the cost.",
        _more(len(ranked) - len(names), "features are left out"),
    )


def _columns(run: Run, data: Any) -> str:
    """List the columns: how each is used, what is missing, its values."""
    steps, target = run.evaluated, data[run.target]
    uses = dict.fromkeys(data.columns, ("not used", ""))
    for name, kind in steps["clean"].kinds_.items():
        categories = steps["features"].categories_.get(name, ())
        uses[name] = (kind, _values(categories, *steps["clean"].ranges_.get(name, ())))
    ends = () if _labels(run) else (target.min(), target.max())
    uses[target.name] = ("target", _values(_labels(run), *ends))
    clean = nw.from_native(steps["clean"].transform(data.to_native()), eager_only=True)
    rows = []
    for name, (kind, values) in uses.items():
        n_missing = (clean if name in clean.columns else data)[name].null_count()
        share = f" ({n_missing / len(data):.1%})" if n_missing else ""
        rows.append((name, kind, f"{n_missing}{share}", values))
    return page.table(("column", "kind", "missing", "values"), rows) + page.note(
        f"Rows: {len(data)}. Columns: {len(rows)}. Values are those that training saw, for the "
        "target all."
    )


def _model_card(run: Run, card: dict[str, Any], data: Any) -> str:
    """Say what the model is for, where it comes from and where not to trust it."""
    versions = (f"{name} {version}" for name, version in card.get("versions", {}).items())
    n_test = len(run.y_test)
    facts: dict[str, Iterable[str]] = {
        "What for": [
            f"To predict {_names([run.target])} of rows like those it learned from: the "
            "same columns in the same units, gathered the same way."
        ],
        "Data": [
            card["data"]["source"] or "the sample that comes with this package",
            f"SHA-256 {card['data']['sha256']}",
            *_drawn(card),
        ],
        "Rows": [
            f"{len(run.train)} training rows, {n_test} test rows (seed {card['seed']}); "
            f"{len(data) - len(run.train) - n_test} without a target."
        ],
        "Versions": [", ".join(versions) or "see model.json"],
        "Limits": _limits(run, data),
    }
    return "\n".join(
        f"<h3>{term}</h3>{''.join(map(page.note, said))}" for term, said in facts.items()
    )


def _drawn(card: dict[str, Any]) -> Iterator[str]:
    n_rows = card.get("settings", {}).get("max_rows")
    n_there = card["data"].get("n_source_rows", 0)
    if n_rows and n_rows < n_there:
        yield f"{n_rows} of its {n_there} rows, drawn by chance with seed {card['seed']}."


def _limits(run: Run, data: Any) -> Iterator[str]:
    yield "It saw no numbers outside the ranges above; texts that are rare or new count as one."
    known = {run.target, *run.evaluated["clean"].kinds_}
    if unused := [name for name in data.columns if name not in known]:
        yield f"Not used: {_names(unused)}."
    yield from run.hints
    tried = set(run.y_test.tolist())
    if untried := [label for label in _labels(run) if label not in tried]:
        yield f"Not measured, for want of rows: {_names(untried)}."
    yield "Rows that belong together, e.g. of one person, may lie in both parts and flatter it."


def importance(run: Run) -> dict[str, float]:
    """Measure what shuffling each feature costs."""
    inputs = run.evaluated[:-1].transform(run.test)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an array has no feature names
        costs = inspection.permutation_importance(
            run.evaluated[-1],
            inputs.to_numpy(),
            run.y_test,
            scoring="accuracy" if _labels(run) else "neg_mean_absolute_error",
            n_repeats=3,
            random_state=run.settings.seed,
        )
    return dict(zip(inputs.columns, costs.importances_mean.tolist(), strict=True))


def _labels(run: Run) -> list[Any]:
    return run.evaluated.classes_.tolist() if run.task == "classification" else []


def _predicted(run: Run) -> np.ndarray:
    return evaluate.answer(run.evaluated, run.test).predicted


def _values(categories: Sequence[Any], low: Any = None, high: Any = None) -> str:
    """Name the first of some categories, or both ends of a range."""
    if categories:
        return _names(categories, 4)
    return "" if low is None else f"{_number(low)} to {_number(high)}"


def _names(names: Sequence[Any], limit: int = 20) -> str:
    some = ", ".join(page.short(str(name), 40) for name in names[:limit])
    return f"{some} and {len(names) - limit} more" if len(names) > limit else some


def _more(n: int, what: str) -> str:
    return f"{n} more {what}." if n else ""


def _number(value: Any) -> str:
    """Round to four digits, or to a whole number; a date loses its midnight."""
    if isinstance(value, str):
        return value.removesuffix("T00:00:00")
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


def _plot(draw: Callable[[Axes], None], title: str, *, height: float) -> str:
    """Draw on the axes of a fresh figure, `height` inches high, and give it as inline SVG."""
    stream = io.StringIO()
    with mpl.rc_context(_RC), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of glyphs: the browser's fonts have more of them
        figure = Figure(figsize=(4.5, height), layout="constrained")
        draw(figure.subplots())
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    svg = re.sub(r'<g id="[^"]*">', "<g>", stream.getvalue()).replace(f": {_INK}", ": currentColor")
    return svg[svg.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{title}"', 1)


_INK, _ACCENT = "#010203", "#4080d0"  # the first stands for the colour of the text
_RC: dict[Any, Any] = {
    **mpl.rcParamsDefault,  # whatever the user's matplotlibrc says
    **dict.fromkeys(("axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), _INK),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "text.parse_math"), False),
    "font.sans-serif": ["DejaVu Sans"],
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
}
