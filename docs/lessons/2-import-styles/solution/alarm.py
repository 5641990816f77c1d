"""Say whether a level is an alarm."""

import settings


def is_alarm(level):
    """Return whether a level in cm is above the limit."""
    return level > settings.limit
