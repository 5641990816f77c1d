import importlib.util
from pathlib import Path

import narwhals as nw
import polars as pl
import pytest

from my_project._internal import engine, registry
from my_project._internal.recipe import Recipe
from my_project.errors import EngineError, PluginError

SMALL = pytest.mark.parametrize(
    "name",
    [
        "polars",
        *(
            pytest.param(
                name,
                marks=pytest.mark.skipif(
                    not importlib.util.find_spec(name), reason=f"{name} is not installed"
                ),
            )
            for name in ("duckdb", "pandas")
        ),
    ],
)


def double(frame):
    return nw.from_native(frame).with_columns(nw.col("n") * 2).to_native()


def adding(number):
    return lambda batch: batch.with_columns(pl.col("n") + number)


@SMALL
def test_steps_questions_and_batches_give_what_polars_gives(name):
    path = Path("t.parquet")
    pl.DataFrame({"n": range(1000)}).write_parquet(path)
    seen = []
    with engine.start(name, None, Path("made.csv")) as opened:
        table = opened(pl.scan_parquet(path), [path]).then(double)
        assert engine.count(table) == 1000
        assert engine.empty(table).schema == {"n": pl.Int64}
        rows = table.score(Recipe.of(adding, 1), seen.append).rows()
        assert rows.collect()["n"].to_list() == [2 * n + 1 for n in range(1000)]
        assert table.rows().head(2).filter(pl.col("n") > 0).collect().rows() == [(2,)]
    assert sum(seen) == 1000
    assert [each.name for each in Path().iterdir()] == ["t.parquet"]


def test_columns_that_an_engine_changes_are_named():
    rows = pl.LazyFrame({"n": [1], "list": [[1]]})
    assert engine.changed("duckdb", rows) == engine.changed("spark", rows) == ["list"]
    assert engine.changed("polars", rows) == engine.changed("dask", rows) == []


@SMALL
def test_exact_table_has_the_values_of_the_source(name):
    rows = pl.DataFrame({"list": [[1], None], "time": pl.Series([0, 1]).cast(pl.Datetime("ms"))})
    with engine.start(name, None, Path("made.csv")) as opened:
        made = opened(rows.lazy(), [], exact=True).rows().collect()
        assert made.cast(rows.schema).equals(rows)


@pytest.mark.parametrize("name", ["duckdb", "pandas", "dask", "spark"])
def test_engine_that_is_not_installed_says_what_installs_it(name, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    project = engine.__package__.partition(".")[0].replace("_", "-")
    words = rf"the engine {name} is not installed: pip install '{project}\[{name}\]'"
    with pytest.raises(EngineError, match=words), engine.start(name, None, Path("made.csv")):
        pass


def test_engine_of_one_machine_leaves_a_cluster_alone(caplog):
    with engine.start("polars", "tcp://a:1", Path("made.csv")) as opened:
        assert engine.count(opened(pl.LazyFrame({"n": [1]}), [])) == 1
    assert caplog.messages == ["polars runs on this machine, not on the cluster tcp://a:1"]


FIRST = """
import narwhals as nw


@nw.narwhalify
def transform(frame):
    return frame.head(2)
"""


@SMALL
def test_plugins_are_steps(name, tmp_path):
    tmp_path.joinpath("first.py").write_text(FIRST)
    plugins = registry.pick(["first"], tmp_path)
    with engine.start(name, None, Path("made.csv")) as opened:
        table = engine.apply(plugins, opened(pl.LazyFrame({"n": [5, 6, 7]}), [Path("t.csv")]))
        assert engine.apply([], table) is table
        assert table.rows().collect()["n"].to_list() == [5, 6]


def test_plugin_that_needs_the_whole_table_is_refused_where_there_is_none(tmp_path):
    class Partitioned:
        partitioned = True

    tmp_path.joinpath("sorted_.py").write_text("WHOLE_TABLE = True\ndef transform(frame): ...\n")
    plugins = registry.pick(["sorted_"], tmp_path)
    with pytest.raises(PluginError, match="sorted_ need the whole table, dask has it in parts"):
        engine.apply(plugins, Partitioned())
