"""Options that several commands have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

__all__ = ["OUTPUT", "READING", "output", "reading"]

OUTPUT = "File or URL: .csv, .jsonl or .parquet."

READING = {
    "separator": "Character between fields, e.g. ';' or tab.",
    "decimal": "Decimal sign: . or ,",
    "thousands": "Character between groups of three digits, or none.",
    "encoding": "Encoding of text files, e.g. cp1252.",
    "missing": "Value that means missing.",
    "comment": "Skip lines that start with this.",
    "text": "Column to read as text.",
    "dates": "Order in dates such as 03/04/2024: day or month first, or a format: %d.%m.%Y.",
    "sheet": "Sheet of an Excel file: its name, or number from 1.",
}
"""Setting -> what it says, see `reading.Reading`."""


def output(text: str) -> str | Path:
    """Take a URL as it is, and anything else for a path."""
    return text if "://" in text else Path(text)


def reading(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option for each setting of how tables are read; not given: None."""
    for name, text in reversed(READING.items()):
        several = name in ("missing", "text")
        command = click.option(
            f"--{name}",
            metavar="TEXT",
            multiple=several,
            callback=lambda _context, _option, value: value or None,
            help=f"{text} May be repeated." if several else text,
        )(command)
    return command
