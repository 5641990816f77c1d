"""Every engine gives what polars gives; those that are not installed are skipped."""

import datetime as dt
import importlib.util
import math
import os
import shutil
import sys
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from my_project import config
from my_project._internal import engine as engines
from my_project.errors import DataError, EngineError, PluginError
from polars.testing import assert_frame_equal

pytest.importorskip("my_project._internal.engines")
pipeline = pytest.importorskip("my_project.pipeline")
readers = pytest.importorskip("my_project.readers")

NEEDS = {"duckdb": "duckdb", "pandas": "pandas", "dask": "distributed", "spark": "pyspark"}


def why_not(engine):
    if not importlib.util.find_spec(NEEDS[engine]):
        return f"{NEEDS[engine]} is not installed"
    java = shutil.which("java") or os.environ.get("JAVA_HOME")
    return "" if engine != "spark" or java else "Java is not installed"


ENGINES = pytest.mark.parametrize(
    "engine",
    [
        pytest.param(
            name,
            marks=[
                pytest.mark.skipif(bool(why_not(name)), reason=why_not(name)),
                pytest.mark.filterwarnings("default"),  # what an engine warns of is its own affair
            ],
        )
        for name in NEEDS
    ],
)

N_ROWS = 60

LOCAL = [
    {"use": "cast", "columns": {"day": "date"}},
    {"use": "filter", "where": "tie == 0 or text != 'a'", "reject": True},
    {"use": "derive", "columns": {"month": "month(day)", "big": "number > 1", "n": "count % 7"}},
    {"use": "filter", "where": "not is_null(flag)"},
    {"use": "filter", "where": "n != 3", "reject": True},
]
WHOLE = [{"use": "deduplicate", "columns": ["größe x", "text"], "keep": "last"}]
AFTER = [{"use": "derive", "columns": {"double": "number * 2"}}]
RULES = {"rare": "number < 1e300", "odd": "tie == 1 or text == 'ü'"}


def table():
    """Give rows with all that engines are known to treat unlike each other."""
    days = [dt.date(2024, 2, 26) + dt.timedelta(day) for day in range(N_ROWS)]
    times = [dt.datetime(2024, 3, 30, 21, 30) + dt.timedelta(hours=31 * n) for n in range(N_ROWS)]
    text = ["a", " b ", "", "ü", "日本", None, "A", "c'd", 'e"f', "g,h"]
    numbers = [1.5, None, math.nan, math.inf, -math.inf, 0.1 + 0.2, 1e300, -2.0, 7.0, 7.0]
    utc = pl.Series(times).dt.replace_time_zone("UTC")
    return pl.DataFrame(
        {
            "größe x": [numbers[n % 10] for n in range(N_ROWS)],
            "number": [numbers[n % 10] for n in range(N_ROWS)],
            "count": [None if n % 9 == 3 else n % 13 + 2**53 for n in range(N_ROWS)],
            "tie": [n % 2 for n in range(N_ROWS)],
            "text": [text[n % 10] for n in range(N_ROWS)],
            "flag": [[True, False, None][n % 3] for n in range(N_ROWS)],
            "day": [None if n % 11 == 5 else day for n, day in enumerate(days)],
            "time utc": utc,
            "time there": utc.dt.convert_time_zone("Asia/Tokyo"),
            "time plain": times,
        }
    )


def odd():
    """Give columns of types that only Parquet keeps."""
    return pl.DataFrame(
        {
            "kind": pl.Series([["x", "y"][n % 2] for n in range(N_ROWS)], dtype=pl.Categorical),
            "list": [[n, None] if n % 4 else None for n in range(N_ROWS)],
            "pair": [{"a": n, "b": "ü"} for n in range(N_ROWS)],
            "bytes": [b"\x00%d" % n for n in range(N_ROWS)],
            "clock": [dt.time(n % 24, 1, 2) for n in range(N_ROWS)],
            "while": [dt.timedelta(minutes=n) for n in range(N_ROWS)],
            "price": [Decimal(n) / 100 for n in range(N_ROWS)],
            "moment": pl.Series([dt.datetime(2024, 1, 1)] * N_ROWS, dtype=pl.Datetime("ns", "UTC")),
            "none": [None] * N_ROWS,
        }
    )


def write(frame, name):
    path = Path(name)
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".csv":
        frame.write_csv(path)
    elif path.suffix == ".parquet":
        frame.write_parquet(path, row_group_size=16)
    else:
        frame.fill_nan(None).write_ndjson(path)
    return name


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
def prepare(clusters):
    def call(engine, *sources, target=None, **given):
        settings = config.load(**{"batch_rows": 7, "engine": engine, "cluster": clusters.get(engine)} | given)
        return pipeline.prepare(settings, sources, target or f"{engine}.parquet")

    return call


@pytest.fixture
def made(prepare):
    """Run with an engine; give the result, the rejected rows and all that is counted."""

    def call(engine, *sources, **given):
        run = pipeline.execute(prepare(engine, *sources, **given))
        assert not [path for path in Path().iterdir() if path.name.startswith(".")]
        steps = [(step.name, step.rows_out, step.rejected) for step in run.plan.steps]
        rules = [(rule.n_broken, str(rule.examples)) for rule in run.plan.rules]
        counts = run.rows_in, run.rows_out, run.rejected, run.written, steps, rules
        rejects = run.plan.rejects.read_text() if run.rejected else ""
        return pl.read_parquet(f"{engine}.parquet"), rejects, counts

    return call


def assert_same(made, engine, *sources, **given):
    """Compare with polars; give what polars counts."""
    theirs, ours = made(engine, *sources, **given), made("polars", *sources, **given)
    assert_frame_equal(theirs[0], ours[0], check_exact=True)
    assert theirs[1:] == ours[1:]
    return ours[2]


@ENGINES
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_rows_rejects_and_counts_are_those_of_polars(made, engine, suffix):
    steps = [*LOCAL, *WHOLE, *AFTER]
    source = write(table(), f"t{suffix}")
    rows_in, rows_out, rejected, *_ = assert_same(made, engine, source, transforms=steps, checks=RULES)
    assert rows_in > rows_out + rejected > rejected > 10


@ENGINES
def test_checks_are_counted_where_no_step_needs_the_whole_table(made, engine):
    counts = assert_same(made, engine, write(table(), "t.parquet"), transforms=LOCAL, checks=RULES)
    assert [n_broken for n_broken, _ in counts[-1]] == [9, 15]


@ENGINES
def test_columns_of_all_types_come_through(made, engine):
    frame = pl.concat([table(), odd()], how="horizontal")
    assert_same(made, engine, write(frame, "t.parquet"))
    assert_same(made, engine, write(frame.head(0), "p/0.parquet"), write(frame, "t.parquet"))


@ENGINES
def test_parts_keep_their_order_and_may_be_empty(made, engine):
    first = 0
    for number, size in enumerate([1, 30, 0, 2, 27]):  # none ends where a batch does
        write(table()[first : first + size], f"parts/{number}.parquet")
        first += size
    assert_same(made, engine, "parts", transforms=LOCAL, checks=RULES)


@ENGINES
def test_single_row_is_read(made, engine):
    counts = assert_same(made, engine, write(table()[:1], "one.csv"), transforms=LOCAL)
    assert counts[:2] == (1, 1)


@ENGINES
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_no_row_is_refused(made, engine, suffix):
    source = write(table()[:0], f"none{suffix}")
    with pytest.raises(DataError, match=rf"^none\{suffix}: there are no rows$"):
        made(engine, source)
    assert [*map(str, Path().iterdir())] == [source]


@ENGINES
def test_result_may_have_no_row(made, engine):
    given = {"transforms": [{"use": "filter", "where": "tie > 5"}]}
    assert assert_same(made, engine, write(table(), "t.parquet"), **given)[1] == 0


@ENGINES
def test_table_of_a_database_is_handed_over(prepare, engine):
    url = "sqlite:///s.db#old"
    pipeline.execute(prepare("polars", write(table()[["tie", "text"]], "t.csv"), target=url))
    for each in ("polars", engine):
        plan = prepare(each, url, target="sqlite:///s.db#new", transforms=LOCAL[1:2])
        assert pipeline.execute(plan).rejected == 6
        new = readers.scan(["sqlite:///s.db#new"]).collect()
        assert (len(new), new["tie"].sum()) == (54, 24)


PLUGIN = """
from ._count import MORE

def transform(frame, *, by: int):
    return frame.with_columns(tie=frame["tie"] + MORE + by)
"""


@ENGINES
def test_plugins_of_a_folder_work_everywhere(made, engine):
    Path("mine/more").mkdir(parents=True)
    Path("mine/more/_count.py").write_text("MORE = 1")
    Path("mine/more/__init__.py").write_text(PLUGIN)
    given = {"plugin_folder": Path("mine"), "transforms": [{"use": "more", "by": 4}]}
    assert_same(made, engine, write(table(), "t.parquet"), **given)
    assert pl.read_parquet(f"{engine}.parquet")["tie"].to_list() == [5, 6] * 30


FAILING = """
def transform(frame):
    if frame.height and frame["count"].max() == 2**53 + 12:
        raise ValueError("twelve\\nsecond line")
    return frame
"""


@ENGINES
def test_step_that_fails_is_one_line_and_leaves_what_was_there(made, engine):
    Path("mine").mkdir()
    Path("mine/failing.py").write_text(FAILING)
    source = write(table(), "t.parquet")
    made(engine, source, transforms=LOCAL[:2])
    before = {path: path.is_file() and path.read_bytes() for path in Path().rglob("*")}
    given = {"plugin_folder": Path("mine"), "transforms": [LOCAL[1], "failing"]}
    message = "^step 2 failing: plugin 'failing' failed: ValueError: twelve$"
    with pytest.raises(PluginError, match=message):
        made(engine, source, **given)
    assert {path: path.is_file() and path.read_bytes() for path in Path().rglob("*")} == before


@ENGINES
def test_source_that_breaks_is_named(prepare, engine):
    plan = prepare(engine, write(table(), "t.jsonl"))
    Path("t.jsonl").write_text('{"x": 1}\n{"x"\n')
    with pytest.raises(DataError, match=r"^t\.jsonl: "):
        pipeline.execute(plan)
    assert [*map(str, Path().iterdir())] == ["t.jsonl"]


@ENGINES
def test_broken_check_stops_the_run(made, engine):
    source = write(table(), "t.parquet")
    made(engine, source, transforms=LOCAL[:2])
    made("polars", source, transforms=LOCAL[:2])
    counts = assert_same(made, engine, source, failing="stop", checks=RULES)
    assert counts[3] is False
    assert [n_broken for n_broken, _ in counts[-1]] == [18, 30]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("engine", ["duckdb", "pandas"])
def test_numbers_that_an_engine_cannot_hold_are_refused(made, engine):
    pytest.importorskip(engine)
    source = write(table().with_columns(large=pl.lit(1, pl.Int128)), "t.parquet")
    message = f"{engine} has no numbers of 128 bits as in 'large': use another engine"
    with pytest.raises(EngineError, match=message):
        made(engine, source)


@ENGINES
def test_dry_run_starts_no_engine_and_writes_nothing(run, engine, monkeypatch):
    monkeypatch.setattr(engines, "start", None)
    source = write(table(), "t.csv")
    done = run("run", source, "-o", "made.csv", "--engine", engine, "--dry-run")
    assert (done.code, done.err) == (0, "")
    assert [*map(str, Path().iterdir())] == [source]


@ENGINES
def test_command_takes_the_engine(run, engine):
    done = run("run", "-o", "made.parquet", "--engine", engine)
    assert (done.code, done.out.splitlines()[-1].partition(" in ")[0]) == (
        0,
        "wrote 344 rows to made.parquet",
    )


def test_engine_that_is_not_installed_is_refused_before_anything_is_read(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, f"{engines.__package__}.engines.dask", raising=False)
    done = run("run", "no.csv", "-o", "made.csv", "--engine", "dask", "--dry-run")
    assert (done.code, done.err.partition(":")[0]) == (2, "error")
    assert "engine dask needs distributed: uv add" in done.err
