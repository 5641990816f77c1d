from pathlib import Path

import polars as pl

from my_project._internal.engines import polars


def test_nothing_is_read_before_rows_are_wanted():
    with polars.start(None, Path("made.csv")) as opened:
        table = opened(pl.scan_parquet("none.parquet", schema={"n": pl.Int64}), [])
        assert table.then(lambda frame: frame.select("n")).rows().collect_schema() == {
            "n": pl.Int64
        }
