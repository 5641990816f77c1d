"""What the benchmarks of the engines found, as a table, a plot and a part of docs/benchmarks.md."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

__all__ = ["PAGE", "PLOT", "RAW", "Figure", "Report", "plot", "table", "with_figures"]

PAGE, PLOT, RAW = (Path(__file__).parents[2] / "docs" / f"benchmarks.{suffix}" for suffix in ("md", "svg", "json"))
START, END = "<!-- made by nox -s bench -- --write -->", "<!-- end of what is made -->"
HELD = {True: "yes", False: "**no**", None: ""}


@dataclass(frozen=True)
class Figure:
    """A figure and its limit; `raw` holds what it is computed from."""

    what: str
    value: float
    unit: str
    limit: float | None = None
    at: Literal["most", "least"] = "most"
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def held(self) -> bool | None:
        """Tell whether the limit is kept; None: there is none."""
        if self.limit is None:
            return None
        return self.value <= self.limit if self.at == "most" else self.value >= self.limit


@dataclass(frozen=True)
class Report:
    """All figures of one run, and what was left out with the reason."""

    about: Mapping[str, str]
    figures: Sequence[Figure]
    left_out: Sequence[str]

    def to_json(self) -> str:
        """Write everything."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Read what `to_json` wrote."""
        found = json.loads(text)
        return cls(found["about"], [Figure(**each) for each in found["figures"]], found["left_out"])


def table(report: Report) -> str:
    """Write raw figures for a terminal: each line with its limit and the medians it comes from."""
    lines = [f"{name:14} {value}" for name, value in report.about.items()]
    for each in report.figures:
        limit = "" if each.limit is None else f"  (at {each.at} {each.limit:g}{'' if each.held else ', NOT HELD'})"
        lines.append(f"{each.what:64} {each.value:9.3f} {each.unit}{limit}")
        lines += [f"    {name:60} {_raw(value)}" for name, value in each.raw.items()]
    return "\n".join([*lines, *(f"left out: {reason}" for reason in report.left_out), ""])


def with_figures(page: str, report: Report) -> str:
    """Put the figures into the page, between its two marks."""
    rows = [
        f"| {each.what} | {each.value:.2f} {each.unit} | {_limit(each)} | {HELD[each.held]} |"
        for each in report.figures
    ]
    parts = ["| what | measured | limit | held |\n|---|---|---|---|\n" + "\n".join(rows)]
    parts.append("\n".join(f"- {name}: {value}" for name, value in report.about.items()))
    if report.left_out:
        parts.append("Left out: " + "; ".join(report.left_out) + ".")
    made = "\n\n".join([START, *parts, END])
    return re.sub(f"{START}.*{END}", lambda _: made, page, flags=re.DOTALL)


def plot(report: Report) -> str:
    """Draw each figure against its limit, as SVG: left of the line is better."""
    matplotlib: Any = import_module("matplotlib")
    figure_type: Any = import_module("matplotlib.figure").Figure
    shown = [each for each in report.figures if each.limit][::-1]
    shares = [each.value / each.limit if each.at == "most" else each.limit / each.value for each in shown if each.limit]
    colours = ["#3b7a57" if each.held else "#c0504d" for each in shown]
    figure = figure_type(figsize=(9, 0.8 + 0.32 * len(shown)), layout="constrained")
    axes = figure.subplots()
    axes.barh([each.what for each in shown], shares, color=colours)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlabel("share of the limit (1 is the limit; where more is better, limit / measured)")
    axes.spines[["top", "right"]].set_visible(False)
    with matplotlib.rc_context({"svg.hashsalt": "benchmarks", "svg.fonttype": "none"}):
        figure.savefig(drawn := io.StringIO(), format="svg", metadata={"Date": None, "Creator": None})
    return re.sub(r"[ \t]+$", "", drawn.getvalue(), flags=re.MULTILINE)


def _limit(each: Figure) -> str:
    return "" if each.limit is None else f"at {each.at} {each.limit:g}"


def _raw(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_raw(part)}" for name, part in value.items())
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def write(report: Report, page: Path = PAGE) -> None:
    """Write the three files of the documents."""
    RAW.write_text(report.to_json(), encoding="utf-8")
    PLOT.write_text(plot(report), encoding="utf-8")
    page.write_text(with_figures(page.read_text(encoding="utf-8"), report), encoding="utf-8")
