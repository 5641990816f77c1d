"""Lay out a report: one HTML page that needs no other file and no network.

Everything here escapes what it is given: names and values come from strangers.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from string import Template
from typing import Any

__all__ = ["escape", "note", "render", "short", "table"]


def render(title: str, sections: Mapping[str, str]) -> str:
    """Write the page.

    Parameters
    ----------
    title
        Plain text.
    sections
        Heading in plain text -> content in HTML, as `note` and `table` give it.
    """
    page = Template((resources.files(__package__) / "page.html").read_text(encoding="utf-8"))
    parts = (f"<h2>{escape(head)}</h2>\n{content}" for head, content in sections.items())
    return page.substitute(title=_text(title), body="\n".join(parts))


def note(*sentences: str) -> str:
    """Make a paragraph of the sentences that are not empty."""
    return f"<p>{escape(' '.join(filter(None, sentences)))}</p>"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], *, shares: Any = None) -> str:
    """Lay out a table in a box that scrolls; shade the cells after the first by shares, 0 to 1."""
    shades = itertools.repeat(itertools.repeat(0)) if shares is None else shares
    top = "".join(f'<th scope="col">{_text(name)}</th>' for name in head)
    body = "\n".join(
        f'<tr><th scope="row">{_text(name)}</th>{"".join(map(_cell, values, shade))}</tr>'
        for (name, *values), shade in zip(rows, shades, strict=False)
    )
    inner = f"<thead><tr>{top}</tr></thead>\n<tbody>\n{body}\n</tbody>"
    return f'<div tabindex="0"><table>\n{inner}</table></div>\n'


def short(text: str, limit: int) -> str:
    """Put a text on one line and cut out its middle if it is long."""
    line = " ".join(text.split())
    half = limit // 2
    return line if len(line) <= limit else f"{line[:half]}…{line[1 - half :]}"


def _text(value: object) -> str:
    return escape(short(str(value), 100))


def _cell(value: Any, share: float) -> str:
    shade = f' style="background:rgb(64 128 208/{0.7 * share:.2f})"' if share else ""
    return f"<td{shade}>{escape(str(value))}</td>"
