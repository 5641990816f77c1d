import pytest
from my_project._internal import engine

pytest.importorskip("my_project._internal.engines")
pd = pytest.importorskip("pandas")


def test_large_integers_and_missing_values_survive():
    import narwhals as nw
    import polars as pl

    rows = pl.DataFrame({"n": [2**63 - 1, None], "flag": [True, None], "text": ["ü", None]})
    with engine.start("pandas", None, None) as opened:
        table = opened(rows.lazy(), []).then(
            lambda frame: nw.from_native(frame).with_columns(big=nw.col("n").cast(nw.Float64)).to_native()
        )
        assert table.rows().drop("big").collect().rows() == rows.rows()
        assert table.rows().collect()["big"].to_list() == [2.0**63, None]
