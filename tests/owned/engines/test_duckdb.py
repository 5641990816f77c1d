from pathlib import Path

import polars as pl
import pytest
from my_project._internal import engine
from my_project.errors import EngineError

pytest.importorskip("my_project._internal.engines")
pytest.importorskip("duckdb")


def test_names_that_duckdb_takes_for_one_are_refused():
    words = "duckdb cannot tell a, A apart: rename"
    start = engine.start("duckdb", None, Path("made.csv"))
    with pytest.raises(EngineError, match=words), start as opened:
        opened(pl.LazyFrame({"a": [1], "b": [1], "A": [1]}), [])


@pytest.mark.parametrize("by_itself", [True, False])
def test_rows_keep_their_order_where_duckdb_makes_a_join_of_a_condition(by_itself):
    parts = [Path(f"{number}.parquet") for number in range(20)]
    for number, path in enumerate(parts):
        pl.DataFrame({"n": range(100 * number, 100 * number + 100)}).write_parquet(path)
    with engine.start("duckdb", None, Path("made.parquet")) as opened:
        table = opened(pl.scan_parquet(parts), parts)
        made = table.then(lambda query: query.project("n, n IN (1, 2, 3, 5, 8, 13, 21) AS known"))
        if by_itself:
            made.write_parquet(Path("made.parquet"))
        rows = pl.read_parquet("made.parquet") if by_itself else made.rows().collect()
    assert rows["n"].to_list() == [*range(2000)]


def test_error_of_duckdb_is_one_line():
    start = engine.start("duckdb", None, Path("made.csv"))
    with pytest.raises(EngineError, match=r"duckdb: Conversion Error: .*'x'"), start as opened:
        table = opened(pl.LazyFrame({"a": ["x"]}), [Path("t.csv")])
        table.ask(lambda query: query.project("a::int").fetchall())
