"""Levels of high water at one gauge, in cm."""

print(f"running {__name__}")

LEVELS = [398, 412, 405]


def highest():
    """Return the highest level."""
    return max(LEVELS)


if __name__ == "__main__":
    print(highest())
