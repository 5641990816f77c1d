"""Describe what was computed."""


def as_text(numbers):
    """Return numbers as text."""
    return ", ".join(f"{name}: {value}" for name, value in numbers.items())


def summary(numbers):
    """Return a summary, logged too."""
    from .log import write

    return write(numbers)
