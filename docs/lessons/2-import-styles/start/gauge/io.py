"""Read levels."""

__all__ = ["read"]

UNIT = "cm"


def read(text):
    """Return the numbers in a text."""
    return [int(word) for word in text.split()]


def helper():
    """Do something that is nobody else's business."""
