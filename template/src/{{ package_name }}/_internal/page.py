"""Lay out a report: one HTML page that needs no other file and no network.

Everything here escapes what it is given: names and values come from strangers.
"""

import html
import itertools
from collections.abc import Iterable, Mapping, Sequence
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
    body = "\n".join(
        f"<h2>{html.escape(head)}</h2>\n{content}" for head, content in sections.items()
    )
    return _PAGE.substitute(style=_STYLE, title=_text(title), body=body)


def note(*sentences: str) -> str:
    """Make a paragraph of the sentences that are not empty."""
    return f"<p>{html.escape(' '.join(filter(None, sentences)))}</p>"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], *, shares: Any = None) -> str:
    """Lay out a table in a box that scrolls; shade the cells after the first by shares, 0 to 1."""
    shades = itertools.repeat(itertools.repeat(0)) if shares is None else shares
    top = "".join(f'<th scope="col">{_text(name)}</th>' for name in head)
    lines = (
        f'<tr><th scope="row">{_text(name)}</th>' + "".join(map(_cell, values, shade)) + "</tr>"
        for (name, *values), shade in zip(rows, shades, strict=False)
    )
    return f'<div tabindex="0"><table>\n<thead><tr>{top}</tr></thead>\n<tbody>\n' + (
        "\n".join(lines) + "\n</tbody></table></div>\n"
    )


def short(text: str, limit: int) -> str:
    """Put a text on one line and cut out its middle if it is long."""
    line = " ".join(text.split())
    half = limit // 2
    return line if len(line) <= limit else f"{line[:half]}…{line[1 - half :]}"


def escape(text: str) -> str:
    """Write a text so that HTML shows it as it is."""
    return html.escape(text)


def _text(value: object) -> str:
    return html.escape(short(str(value), 100))


def _cell(value: Any, share: float) -> str:
    shade = f' style="background:rgb(64 128 208/{0.7 * share:.2f})"' if share else ""
    return f"<td{shade}>{html.escape(str(value))}</td>"


_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
$style</style>
</head>
<body>
<h1>$title</h1>
$body
</body>
</html>
""")

_STYLE = """\
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 46rem; margin: auto; padding: 1rem; overflow-wrap: anywhere; }
h1, h2, h3 { line-height: 1.2; break-after: avoid; }
h2 { margin-top: 2.5rem; padding-bottom: .3rem; border-bottom: 1px solid #8886; }
h3 { margin: 1rem 0 0; font-size: 1rem; }
h3 ~ p { margin: .3rem 0; }
svg { width: 100%; max-width: 22rem; height: auto; }
svg text { font-family: inherit !important; }
div { max-height: 32rem; overflow: auto; overflow-wrap: break-word; }
table { border-spacing: 0; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { max-width: min(14rem, 40vw); padding: .3rem .7rem; border-bottom: 1px solid #8886; }
th, td { text-align: left; vertical-align: top; }
thead, tbody th { position: sticky; top: 0; left: 0; background: Canvas; }
thead { z-index: 1; }
@media print {
  div { max-height: none; overflow: visible; }
  th, td { padding: .1rem .3rem; font-size: .7rem; print-color-adjust: exact; }
  thead th { overflow-wrap: anywhere; }
  thead, tbody th { position: static; background: none; }
  svg, tr { break-inside: avoid; }
}
"""
