"""Report on a run: as text, and as one HTML page that needs no other file."""

from collections.abc import Iterator, Sequence
from typing import Any

from . import addresses
from ._internal import page
from .pipeline import Run, versions

__all__ = ["render", "text"]

_HEAD = ("step", "rows in", "rows out", "rejected", "seconds")


def text(run: Run) -> str:
    """Write the report for a terminal: a table of the steps, checks that failed, totals."""
    table = _aligned([_HEAD, *_steps(run)]) if run.plan.steps else ()
    broken = (rule for rule in run.plan.rules if rule.n_broken)
    told = (f"rows that break {rule.name!r}, {rule.text}: {rule.n_broken}" for rule in broken)
    return "\n".join([*table, *told, *_totals(run)])


def render(run: Run) -> str:
    """Write the report as an HTML page."""
    sections = {"Rows": _notes(_totals(run))}
    if run.plan.steps:
        sections["Steps"] = page.table(_HEAD, _steps(run))
    if rules := run.plan.rules:
        rows = [(rule.name, rule.text, rule.n_broken) for rule in rules]
        sections["Checks"] = page.table(("check", "rule", "rows that break it"), rows)
    if examples := [*_examples(run)]:
        sections["Examples of rows that break a check"] = _notes(examples)
    made = (f"{name} {version}" for name, version in versions().items())
    sections["Versions"] = page.note(", ".join(made))
    return page.render(f"Report on {page.short(addresses.shown(run.plan.target), 60)}", sections)


def _totals(run: Run) -> Iterator[str]:
    target = addresses.shown(run.plan.target)
    yield f"read {run.rows_in} rows from {', '.join(run.plan.sources)}"
    if not run.written:
        yield f"wrote nothing, because rows break a check: {target} is unchanged"
        return
    if run.rejected:
        yield f"rejected {run.rejected} rows: see {run.plan.rejects}"
    yield f"wrote {run.rows_out} rows to {target} in {run.seconds:.1f} s"


def _steps(run: Run) -> list[Sequence[Any]]:
    steps = run.plan.steps
    rows_in = [run.rows_in, *(step.rows_out for step in steps)]
    return [
        (step.name, before, step.rows_out, step.rejected, f"{step.seconds:.2f}")
        for step, before in zip(steps, rows_in, strict=False)
    ]


def _examples(run: Run) -> Iterator[str]:
    for rule in run.plan.rules:
        for row in rule.examples:
            values = ", ".join(f"{name} = {value}" for name, value in row.items())
            yield f"{rule.name}: {page.short(values, 300)}"


def _aligned(rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """Put columns below each other, numbers to the right."""
    widths = [max(len(str(value)) for value in column) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = (f"{value!s:>{width}}" for value, width in zip(others, widths[1:], strict=True))
        yield "  ".join([f"{first:{widths[0]}}", *cells])


def _notes(sentences: Iterator[str] | list[str]) -> str:
    return "\n".join(map(page.note, sentences))
