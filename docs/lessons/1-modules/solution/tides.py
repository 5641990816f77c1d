"""Levels of high water at one gauge, in cm."""

import logging

logger = logging.getLogger(__name__)

LEVELS = [398, 412, 405]


def highest():
    """Return the highest level."""
    logger.debug("looking at %d levels", len(LEVELS))
    return max(LEVELS)


if __name__ == "__main__":
    print(highest())
