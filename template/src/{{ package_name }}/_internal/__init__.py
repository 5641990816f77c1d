"""Machinery that the template keeps up to date."""

__all__ = ["absent"]


def absent(what: str) -> str:
    """Say which answer of the template brings what is not here."""
    return f"{what} not part of this project: copier update --data size=full"
