"""Rows for the benchmarks: numbers, categories, dates, missing values; the same for the same seed.

`python tests/bench_data.py 2000000 rows.parquet` writes them in chunks, so that memory stays small. Fewer rows are the
first of more.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

__all__ = ["TARGET", "write"]

np: Any = import_module("numpy")  # the project's
pl: Any = import_module("polars")

TARGET = "label"
SEED = 20240229
N_ROWS = 1 << 17  # in a chunk
MISSING = 0.04
CITIES = ["Århus", "Łódź", "São Paulo", "東京", *(f"city {number}" for number in range(60))]


def write(n_rows: int, path: str) -> None:
    """Write rows as Parquet."""
    register: Any = import_module("polars.io.plugins").register_io_source

    def source(columns: list[str] | None, *_: Any) -> Iterator[Any]:
        for number in range(-(-n_rows // N_ROWS)):
            made = chunk(number).head(n_rows - number * N_ROWS)
            yield made if columns is None else made.select(columns)

    register(source, schema=chunk(0).schema).sink_parquet(path)


def chunk(number: int) -> Any:
    """Make some of the rows."""
    chance = np.random.default_rng([SEED, number])
    numbers = {f"x{n}": chance.normal(50, 10 + n, N_ROWS).round(3) for n in range(6)}
    score = numbers["x0"] - numbers["x1"] + chance.normal(0, 10, N_ROWS)
    frame = pl.DataFrame(
        {
            **numbers,
            "count": chance.poisson(7, N_ROWS),
            "amount": chance.integers(0, 1_000_000, N_ROWS),
            "flag": chance.random(N_ROWS) < 0.3,  # noqa: PLR2004 - any share will do
            "grade": pl.Series(["a", "b", "c", "d", " e "])[_some(chance, 5)],
            "city": pl.Series(CITIES)[_some(chance, len(CITIES))],
            "code": pl.Series([f"code {n:04}" for n in range(5000)])[_some(chance, 5000)],
            "day": pl.Series(chance.integers(16_000, 19_700, N_ROWS)).cast(pl.Int32).cast(pl.Date),
            "time": pl.Series(chance.integers(14e14, 17e14, N_ROWS)).cast(pl.Datetime("us")),
        }
    )
    odd = pl.Series(chance.random(N_ROWS) < MISSING / 4)
    missing = [pl.when(~pl.Series(chance.random(N_ROWS) < MISSING)).then(name).alias(name) for name in frame.columns]
    label = pl.Series(TARGET, score > 0).replace_strict({True: "yes", False: "no"})
    frame = frame.with_columns(x0=pl.when(odd).then(float("nan")).otherwise("x0"))
    return frame.select(*missing, label)


def _some(chance: Any, n_values: int) -> Any:
    """Pick places in a list, the first ones most often."""
    return np.minimum(chance.geometric(2 / n_values, N_ROWS) - 1, n_values - 1)


if __name__ == "__main__":
    write(int(sys.argv[1]), sys.argv[2])
