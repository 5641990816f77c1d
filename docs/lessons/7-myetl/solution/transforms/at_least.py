"""Keep rows with an amount of at least 10."""


def transform(row):
    """Return the row, or None to drop it."""
    return row if float(row["amount"]) >= 10 else None
