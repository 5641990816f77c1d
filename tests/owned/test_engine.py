import importlib.util
import pickle
from pathlib import Path

import narwhals as nw
import polars as pl
import pytest
from my_project._internal import engine, registry
from my_project.errors import EngineError, PluginError

FULL = bool(importlib.util.find_spec("my_project._internal.engines"))
full = pytest.mark.skipif(not FULL, reason="size = full has engines")
lean = pytest.mark.skipif(FULL, reason="size = lean has polars alone")
SMALL = pytest.mark.parametrize("name", ["polars", *(["duckdb", "pandas"] if FULL else [])])
NEEDS = {"duckdb": "duckdb", "pandas": "pandas", "dask": "distributed", "spark": "pyspark"}


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
        assert table.count() == 1000
        assert table.empty().schema == {"n": pl.Int64}
        rows = table.score(engine.Recipe(adding, (1,)), seen.append).rows()
        assert rows.collect()["n"].to_list() == [2 * n + 1 for n in range(1000)]
        assert table.rows().head(2).filter(pl.col("n") > 0).collect().rows() == [(2,)]
    assert sum(seen) == 1000
    assert [each.name for each in Path().iterdir()] == ["t.parquet"]


def test_nothing_is_read_before_rows_are_asked_for():
    with engine.start("polars", None, Path("made.csv")) as opened:
        table = opened(pl.scan_parquet("none.parquet", schema={"n": pl.Int64}), [])
        assert table.then(lambda frame: frame.select("n")).rows().collect_schema() == {"n": pl.Int64}


def test_recipe_is_built_once_and_travels_without_what_was_built():
    built = []

    def build(number):
        built.append(number)
        return adding(number)

    recipe = engine.Recipe(build, (1,))
    batch = pl.DataFrame({"n": [1]})
    assert recipe(recipe(batch)).rows() == [(3,)]
    assert built == [1]
    assert pickle.loads(pickle.dumps(engine.Recipe(adding, (1,)))) == engine.Recipe(adding, (1,))


@SMALL
def test_exact_table_has_the_values_of_the_source(name):
    rows = pl.DataFrame({"list": [[1], None], "time": pl.Series([0, 1]).cast(pl.Datetime("ms"))})
    with engine.start(name, None, Path("made.csv")) as opened:
        made = opened(rows.lazy(), [], exact=True).rows().collect()
        assert made.cast(rows.schema).equals(rows)


@full
def test_column_to_keep_that_an_engine_would_change_is_refused():
    rows = pl.LazyFrame({"n": [1], "list": [[1]]})
    start = engine.start("duckdb", None, Path("made.csv"))
    with pytest.raises(EngineError, match=r"^cannot keep column 'list': duckdb has no List"):  # noqa: SIM117
        with start as opened:
            opened(rows, [], ["n", "list"])


@lean
@pytest.mark.parametrize("name", NEEDS)
def test_engine_that_is_not_here_names_the_answer_that_brings_it(run, name):
    with pytest.raises(EngineError) as refused:
        engine.check(name, None)
    assert str(refused.value) == (f"engine {name} is not part of this project: copier update --data size=full")


@full
def test_unknown_engine_is_told_which_there_are():
    words = "there is no engine 'mine', only polars, dask, duckdb, pandas, spark"
    with pytest.raises(EngineError, match=words):
        engine.check("mine", None)


@full
@pytest.mark.parametrize(("name", "package"), NEEDS.items())
def test_engine_that_is_not_installed_says_what_installs_it(name, package, monkeypatch):
    import sys

    found = importlib.util.find_spec
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"{engine.__package__}.engines.{name}", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: None if module == package else found(module))
    with pytest.raises(EngineError, match=f'^engine {name} needs {package}: uv add "{package}>='):
        engine.check(name, None)


def test_engine_of_one_machine_leaves_a_cluster_alone(caplog):
    with engine.start("polars", "tcp://a:1", Path("made.csv")) as opened:
        assert opened(pl.LazyFrame({"n": [1]}), []).count() == 1
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
        table = opened(pl.LazyFrame({"n": [5, 6, 7]}), [Path("t.csv")])
        assert table.apply([]) is table
        assert table.apply(plugins).rows().collect()["n"].to_list() == [5, 6]


@full
def test_plugin_that_needs_the_whole_table_is_refused_where_there_is_none(tmp_path):
    pytest.importorskip("distributed")
    from my_project._internal.engines.dask import Parts

    tmp_path.joinpath("sorted_.py").write_text("WHOLE_TABLE = True\ndef transform(frame): ...\n")
    plugins = registry.pick(["sorted_"], tmp_path)
    with pytest.raises(PluginError, match="sorted_ needs the whole table, dask has parts"):
        Parts(()).apply(plugins)
