"""Keep a log."""

from .report import as_text

lines = []


def write(numbers):
    """Log numbers as text; return the line."""
    lines.append(as_text(numbers))
    return lines[-1]
