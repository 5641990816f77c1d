"""Say whether a level is an alarm."""

from settings import limit


def is_alarm(level):
    """Return whether a level in cm is above the limit."""
    return level > limit
