"""Every engine gives what polars gives; those that are not installed are skipped."""

import datetime as dt
import importlib.util
import math
import os
import shutil
from pathlib import Path

import polars as pl
import pytest
from my_project import cli, config
from polars.testing import assert_frame_equal

pytest.importorskip("my_project._internal.engines")
report = pytest.importorskip("my_project.report")
pytest.importorskip("my_project.model")

NEEDS = {"duckdb": "duckdb", "pandas": "pandas", "dask": "distributed", "spark": "pyspark"}

QUICK = "max_iter = 3\nmin_samples_leaf = 5\ntest_fraction = 0.1\n"


def why_not(engine):
    if not importlib.util.find_spec(NEEDS[engine]):
        return f"{NEEDS[engine]} is not installed"
    java = shutil.which("java") or os.environ.get("JAVA_HOME")
    return "" if engine != "spark" or java else "Java is not installed"


ENGINES = [
    pytest.param(
        name,
        marks=[
            pytest.mark.skipif(bool(why_not(name)), reason=why_not(name)),
            pytest.mark.filterwarnings("default"),  # what an engine warns of is its own affair
        ],
    )
    for name in NEEDS
]

SUFFIXES = [".csv", ".parquet", ".jsonl"]

N_ROWS = 60


def table():
    """Give rows with all that engines are known to treat unlike each other."""
    days = [dt.date(2024, 2, 26) + dt.timedelta(day) for day in range(N_ROWS)]
    times = [dt.datetime(2024, 3, 30, 21, 30) + dt.timedelta(hours=31 * n) for n in range(N_ROWS)]
    text = ["a", " b ", "", "ü", "日本", None, "A", "c'd", 'e"f', "g,h"]
    numbers = [1.5, None, math.nan, math.inf, -math.inf, 0.1 + 0.2, 1e300, -2.0, 7.0, 7.0]
    return pl.DataFrame(
        {
            "größe x": [numbers[n % 10] for n in range(N_ROWS)],
            "count": [None if n % 9 == 3 else n % 13 + 2**53 for n in range(N_ROWS)],
            "tie": [n % 2 for n in range(N_ROWS)],
            "text": [text[n % 10] for n in range(N_ROWS)],
            "flag": [[True, False, None][n % 3] for n in range(N_ROWS)],
            "day": [None if n % 11 == 5 else day for n, day in enumerate(days)],
            "time utc": pl.Series(times).dt.replace_time_zone("UTC"),
            "time there": pl.Series(times).dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo"),
            "time plain": times,
            "kind": pl.Series([["x", "y", "z"][n % 3] for n in range(N_ROWS)], dtype=pl.Categorical),
            "y": [n % 7 * 1.5 for n in range(N_ROWS)],
        }
    )


def write(frame, path):
    if path.suffix == ".csv":
        frame.write_csv(path)
    elif path.suffix == ".parquet":
        frame.write_parquet(path, row_group_size=16)
    else:
        frame.fill_nan(None).write_ndjson(path)
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Give a folder with a model of the table in each format."""
    folder = tmp_path_factory.mktemp("trained")
    folder.joinpath("quick.toml").write_text(QUICK)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "render", lambda *_: "")
        for suffix in SUFFIXES:
            source = write(table(), folder / f"t{suffix}")
            words = f"-q train {source} --target y --config {folder}/quick.toml -o {folder}/{suffix}"
            with pytest.raises(SystemExit, match="0"):
                cli.main([*words.split(), "-o", f"{folder}/{suffix}"])
    return folder


@pytest.fixture(scope="module")
def clusters(tmp_path_factory):
    """Give the address of a cluster that runs, for those that take long to start."""
    if why_not("dask"):
        yield {}
        return
    import distributed

    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        local_directory=str(tmp_path_factory.mktemp("dask")),
    ) as cluster:
        yield {"dask": cluster.scheduler_address}


@pytest.fixture
def made(run, clusters, monkeypatch):
    """Run a command with an engine and read what it writes."""

    def call(engine, *words):
        monkeypatch.setenv(f"{config.PREFIX}CLUSTER", clusters.get(engine, ""))
        if engine not in clusters:
            monkeypatch.delenv(f"{config.PREFIX}CLUSTER")
        done = run("-q", *words, "-o", f"{engine}.parquet", "--engine", engine)
        assert (done.code, done.err) == (0, "")
        assert not [path for path in Path().iterdir() if path.name.startswith(".")]
        return pl.read_parquet(f"{engine}.parquet")

    return call


def assert_same(made, engine, *words):
    assert_frame_equal(made(engine, *words), made("polars", *words), abs_tol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_features_are_those_of_polars(made, engine, suffix):
    assert_same(made, engine, "features", write(table(), Path(f"t{suffix}")), "--target", "y")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_predictions_are_those_of_polars_in_the_same_order(made, models, engine, suffix):
    odd = pl.col("tie") == 1
    unseen = table().with_columns(text=pl.when(odd).then(pl.lit("new")).otherwise("text"))
    source = write(unseen, Path(f"t{suffix}"))
    keep = ("--keep", "tie", "--keep", "text")
    assert_same(made, engine, "predict", models / suffix, source, *keep)


@pytest.mark.parametrize("engine", ENGINES)
def test_kept_column_is_as_it_was_or_refused(made, run, models, engine):
    source = write(table(), Path("t.parquet"))
    keep = ("--keep", "text", "--keep", "time there", "--keep", "time utc")  # the first is named
    words = ("predict", models / ".parquet", source, *keep)
    if engine in ("dask", "pandas"):
        assert made(engine, *words)["time there"].equals(table()["time there"])
        return
    done = run(*words, "-o", "made.parquet", "--engine", engine)
    assert (done.code, Path("made.parquet").exists()) == (2, False)
    assert done.err.startswith(f"error: cannot keep column 'time there': {engine} has no Datetime")
    assert done.err.endswith(", use polars or dask\n")


@pytest.mark.parametrize("engine", ENGINES)
def test_parts_keep_their_order_and_may_be_empty(made, engine):
    Path("parts").mkdir()
    rows = table().drop("kind", "time there", "time utc")  # the others are handed over as they are
    first = 0
    for number, size in enumerate([1, 30, 0, 2, 27]):  # spark reads large files first
        write(rows[first : first + size], Path(f"parts/{number}.parquet"))
        first += size
    assert_same(made, engine, "features", "parts", "--target", "y")


@pytest.mark.parametrize("engine", ENGINES)
def test_single_row_is_predicted(made, models, engine):
    assert_same(made, engine, "predict", models / ".csv", write(table()[:1], Path("one.csv")))


@pytest.mark.parametrize("engine", ENGINES)
def test_no_row_is_refused(run, models, engine):
    source = write(table()[:0], Path("none.csv"))
    done = run("predict", models / ".csv", source, "-o", "made.csv", "--engine", engine)
    assert (done.code, done.err) == (2, "error: none.csv has a header but no rows\n")


PLUGIN = '''
"""Add one."""

import narwhals as nw


@nw.narwhalify
def transform(frame):
    return frame.with_columns(tie=nw.col("tie") + 1)
'''


@pytest.mark.parametrize("engine", ENGINES)
def test_plugins_of_a_folder_work_everywhere(made, engine):
    Path("mine").mkdir()
    Path("mine/more.py").write_text(PLUGIN)
    Path("my.toml").write_text('plugin_folder = "mine"\ntransforms = ["more"]\n')
    words = ("features", write(table(), Path("t.parquet")), "--target", "y", "--config", "my.toml")
    assert_same(made, engine, *words)
    assert made(engine, *words)["tie"].to_list() == [n % 2 + 1 for n in range(N_ROWS)]


@pytest.mark.parametrize("engine", ENGINES)
def test_mistake_in_the_data_is_one_line_and_leaves_the_old_file(run, models, engine):
    source = write(table().with_columns(tie=pl.lit("many")), Path("t.csv"))
    Path("made.csv").write_text("old")
    done = run("-q", "predict", models / ".csv", source, "-o", "made.csv", "--engine", engine)
    message = "error: column 'tie' must be numeric as in training, got 'many'\n"
    assert (done.code, done.err) == (2, message)
    assert Path("made.csv").read_text() == "old"


@pytest.mark.parametrize("engine", ENGINES)
def test_values_outside_of_training_are_warned_of(run, models, engine):
    source = write(table().with_columns(tie=pl.lit(9)), Path("t.parquet"))
    words = ("predict", models / ".parquet", source, "-o", "made.csv", "--engine", engine)
    assert "WARNING: column tie has values outside the training range: 9.0 to 9.0" in run(*words).err
