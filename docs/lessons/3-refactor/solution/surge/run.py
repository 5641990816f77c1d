"""Train on a table of readings: python -m surge.run [TABLE]."""

import sys

from . import io, model, preprocess


def main(path="tides.csv"):
    """Run one stage after the other."""
    x, y = preprocess.clean(io.read(path))
    fitted = model.fit(x, y)
    print("rows", len(y))
    print("MAE", model.mean_absolute_error(fitted, x, y))
    io.save(fitted, "model.json")


if __name__ == "__main__":
    main(*sys.argv[1:])
