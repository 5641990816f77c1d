"""Numbers as text."""


def as_text(numbers):
    """Return numbers as text."""
    return ", ".join(f"{name}: {value}" for name, value in numbers.items())
