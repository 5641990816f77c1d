import csv
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import polars as pl
import pytest
from my_project import cli, io
from my_project.errors import DataError

model = pytest.importorskip("my_project.model")
report = pytest.importorskip("my_project.report")
store = pytest.importorskip("my_project._internal.store")

FORKS = sys.platform == "linux"
LOCKS = pytest.mark.skipif(
    importlib.util.find_spec("my_project._internal.sources") is None,
    reason="only size = full can lock plugins",
)

QUICK = "max_iter = 3\nmin_samples_leaf = 5\n"

HOUSES = "größe,built,größe.year,price\n" + "".join(
    f"{40 + row},20{row % 20:02}-05-01,{row % 7},{row * 1000 + 0.5}\n" for row in range(60)
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Give the folder of a model of the sample."""
    folder = tmp_path_factory.mktemp("trained")
    folder.joinpath("quick.toml").write_text(QUICK)
    with pytest.raises(SystemExit, match="0"):
        cli.main(["train", "--config", f"{folder}/quick.toml", "-o", f"{folder}/model"])
    return folder / "model"


@pytest.fixture
def no_plots(monkeypatch):
    """Leave the report empty, which takes longer than the training and has tests of its own."""
    monkeypatch.setattr(report, "render", lambda *_: "")


@pytest.fixture
def quick(no_plots):
    Path("quick.toml").write_text(QUICK)
    return "quick.toml"


@pytest.fixture
def parts():
    """Give a folder with the sample in three parts."""
    header, *lines = io.SAMPLE.read_text().splitlines()
    folder = Path("parts")
    folder.mkdir()
    for number in range(3):
        text = "\n".join([header, *lines[number * 115 : number * 115 + 115]])
        folder.joinpath(f"{number}.csv").write_text(f"{text}\n")
    return folder


def read_card(folder):
    return json.loads(Path(folder, store.CARD).read_text(encoding="utf-8"))


def load(folder):
    """Load the pipeline of a folder."""
    return store.load(Path(folder), trusted=model.TRUSTED)[0]


def tree(folder):
    paths = Path(folder).rglob("*")
    return {path.relative_to(folder): path.is_file() and path.read_bytes() for path in paths}


@pytest.mark.parametrize("command", ["config", "features", "plugins", "predict", "train"])
def test_help_of_a_command_starts_with_its_docstring(run, command):
    module = import_module(f"{cli.__package__}.commands.{command}")
    first = module.__doc__.partition("\n")[0]
    assert first in run(command, "--help").out
    assert first in " ".join(run("--help").out.split())


def test_training_takes_the_sample_and_says_where_everything_is(run):
    result = run("train")
    paths = [str(Path("model", name)) for name in ("model.skops", "model.json", "report.html")]
    assert (result.code, result.out.splitlines()[-3:]) == (0, paths)
    assert sorted(str(path) for path in tree(".")) == sorted(["model", *paths])
    names = [line.split()[0] for line in result.out.splitlines()[1:-3]]
    assert names == ["balanced", "accuracy", "F1", "ROC", "average", "log", "Brier"]


def test_card_describes_the_run(trained):
    card = read_card(trained)
    sample = hashlib.sha256(io.SAMPLE.read_bytes()).hexdigest()
    assert (card["target"], card["task"], card["seed"]) == ("species", "classification", 0)
    assert card["data"] == {"source": None, "sha256": sample, "n_source_rows": 344, "n_rows": 344}
    assert card["metrics"]["accuracy"]["model"] > 0.9 > 0.5 > card["metrics"]["accuracy"]["baseline"]
    assert card["settings"]["max_iter"] == 3
    assert card["transforms"] == []


def test_training_takes_data_that_nobody_here_has_seen(run, quick):
    Path("houses.csv").write_text(HOUSES, encoding="utf-8")
    run("train", "houses.csv", "--target", "price", "--config", quick, "-o", "houses")
    card = read_card("houses")
    assert card["task"] == "regression"
    assert list(load("houses")["clean"].kinds_.values()) == ["numeric", "date", "numeric"]
    error = card["metrics"]["MAE"]
    assert error["model"] < error["baseline"]


def test_columns_are_dropped_and_the_seed_is_set(run, quick):
    run("train", "--drop", "island", "--drop", "year", "--seed", 7, "--config", quick)
    card = read_card("model")
    assert {"island", "year"}.isdisjoint(load("model")["clean"].kinds_)
    assert card["seed"] == card["settings"]["seed"] == 7


def test_rows_are_drawn_before_training(run, quick):
    result = run("-v", "train", "--max-rows", 100, "--seed", 3, "--config", quick)
    assert "drew 100 of 344 rows of " in result.err
    card = read_card("model")
    assert card["settings"]["max_rows"] == card["data"]["n_rows"] == 100
    assert card["data"]["n_source_rows"] == 344
    assert run("train", "--from", "model/model.json", "-o", "again").code == 0


def test_repeated_run_agrees(run, trained, no_plots):
    result = run("train", "--from", trained / store.CARD)
    assert (result.code, result.err) == (0, "")
    assert result.out.endswith("metrics agree with the earlier run\n")
    assert read_card("model")["metrics"] == read_card(trained)["metrics"]


def test_repeated_run_that_differs_says_so(run, trained, no_plots):
    result = run("train", "--from", trained / store.CARD, "--seed", 1)
    assert (result.code, result.err) == (1, "")
    assert "\nmetrics differ from the earlier run: " in result.out


def test_repeated_run_on_other_data_is_warned_of(run, trained, no_plots):
    text = io.SAMPLE.read_text().replace("39.1", "39.2", 1)
    Path("other.csv").write_text(text)
    result = run("train", "other.csv", "--target", "species", "--from", trained / store.CARD)
    assert "WARNING: the data are not those of the earlier run (SHA-256 differs)" in result.err


def test_each_row_is_predicted_in_order_also_in_several_batches(run, trained, parts, monkeypatch):
    batches = []
    predict = model.predict

    def count(fitted, frame):
        batches.append(len(frame))
        return predict(fitted, frame)

    monkeypatch.setattr(model, "predict", count)
    assert run("-q", "predict", trained, parts, "-o", "made.csv").out == "made.csv\n"
    assert sum(batches) == 344
    assert len([rows for rows in batches if rows]) >= 3
    whole = predict(load(trained), io.read(io.SAMPLE))
    assert pl.read_csv("made.csv").equals(whole)


def test_columns_are_kept_beside_the_predictions(run, trained):
    run(
        "predict",
        trained,
        io.SAMPLE,
        "-o",
        "made.csv",
        "--keep",
        "year",
        "--keep",
        "sex",
        "--keep",
        "year",
    )
    with Path("made.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0])[:3] == ["year", "sex", "prediction"]
    sample = io.read(io.SAMPLE)
    assert [int(row["year"]) for row in rows] == sample["year"].to_list()
    assert [row["sex"] or None for row in rows] == sample["sex"].to_list()


@pytest.mark.parametrize("suffix", io.FORMATS)
def test_predictions_have_the_format_of_the_suffix(run, trained, suffix):
    run("-q", "predict", trained, io.SAMPLE, "-o", f"new/made{suffix}")
    made = io.read(f"new/made{suffix}")
    assert made.columns == ["prediction", *(f"probability_{name}" for name in sorted(LABELS))]
    assert made.height == 344


LABELS = {"Adelie", "Chinstrap", "Gentoo"}


def test_single_row_is_predicted(run, trained):
    Path("one.csv").write_text("".join(io.SAMPLE.read_text().splitlines(keepends=True)[:2]))
    run("predict", trained, "one.csv", "-o", "made.csv")
    assert pl.read_csv("made.csv")["prediction"].to_list() == ["Adelie"]


def test_mistake_found_in_a_late_batch_is_one_line_and_leaves_the_old_file(run, trained, parts, monkeypatch):
    def predict(fitted, frame):
        if len(frame) and frame["year"][0] == 2009:
            msg = "no\ngood"
            raise DataError(msg)
        return whole(fitted, frame)

    whole = model.predict
    monkeypatch.setattr(model, "predict", predict)
    Path("made.csv").write_text("old")
    before = tree(".")
    assert run("-q", "predict", trained, parts, "-o", "made.csv") == (2, "", "error: no good\n")
    assert tree(".") == before


def test_categories_are_read_as_text_as_in_training(run, quick):
    rows = [(f"{number:03}" if number else "none", "ab"[number % 2]) for number in range(4)] * 10
    Path("codes.csv").write_text("code,y\n" + "".join(f"{code},{label}\n" for code, label in rows))
    Path("later.csv").write_text("code\n001\n002\n")
    run("train", "codes.csv", "--target", "y", "--config", quick)
    run("predict", "model", "later.csv", "-o", "made.csv")
    assert pl.read_csv("made.csv")["prediction"].to_list() == ["b", "a"]


@pytest.mark.parametrize("loud", [True, False])
def test_values_outside_of_training_are_warned_of(run, trained, loud):
    text = io.SAMPLE.read_text().replace(",2007\n", ",1907\n")
    Path("old.csv").write_text(text)
    result = run(*([] if loud else ["-q"]), "predict", trained, "old.csv", "-o", "made.csv")
    warning = "column year has values outside the training range: 1907.0 to 2009.0, training range 2007.0"
    assert (f"WARNING: {warning}" in result.err) == loud
    assert result.code == 0


@pytest.mark.parametrize("terminal", [True, False])
def test_warning_in_training_has_a_line_of_its_own(run, quick, monkeypatch, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    lists = io.read(io.SAMPLE).with_columns(odd=pl.concat_list("year"))
    lists.write_ndjson("t.jsonl")
    result = run("train", "t.jsonl", "--target", "species", "--config", quick)
    warning = "WARNING: not used: 'odd' holds neither numbers, text nor dates"
    assert warning in re.split("[\r\n]", result.err)


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_on_a_terminal_only(run, trained, monkeypatch, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    result = run("-q", "predict", trained, io.SAMPLE, "-o", "made.csv")
    assert ("344/344" in result.err) == terminal


def test_features_are_written_without_the_target(run):
    result = run("features", "-o", "made.csv")
    made = pl.read_csv("made.csv")
    assert (result.code, result.out) == (0, "made.csv\n")
    assert made.columns == io.read(io.SAMPLE).drop("species").columns
    assert made.row(0) == (2.0, 39.1, 18.7, 181.0, 3750.0, 1.0, 2007.0)  # Torgersen, male


def test_features_of_own_data_leave_out_what_is_named(run):
    Path("houses.csv").write_text(HOUSES, encoding="utf-8")
    run("features", "houses.csv", "--target", "price", "--drop", "größe.year", "-o", "made.parquet")
    made = pl.read_parquet("made.parquet")
    assert made.columns == ["größe", "built.year", "built.month", "built.day", "built.weekday"]


def test_config_shows_each_value_and_its_origin(run, monkeypatch):
    Path("my.toml").write_text("seed = 5\n")
    monkeypatch.setenv(f"{cli.__package__.upper()}_MAX_ITER", "7")
    lines = run("config", "show", "--config", "my.toml").out.splitlines()
    assert "seed = 5  (my.toml)" in lines
    assert f"max_iter = 7  ({cli.__package__.upper()}_MAX_ITER)" in lines
    assert "task = 'auto'  (default)" in lines


@pytest.fixture
def plugged(no_plots):
    """Give a config that names a plugin folder and uses one of its two plugins."""
    Path("mine").mkdir()
    code = '"""Make the island twice as large."""\n\n\ndef transform(frame):\n    return frame{}\n'
    Path("mine/keep.py").write_text(code.format(""))
    Path("mine/cut.py").write_text(code.format(".drop('year')"))
    Path("my.toml").write_text(QUICK + 'plugin_folder = "mine"\ntransforms = ["cut"]\n')
    return "my.toml"


def test_plugins_are_listed_and_those_in_use_are_marked(run, plugged):
    assert run("plugins", "list", "--config", plugged).out.splitlines() == [
        "* cut: Make the island twice as large.",
        f"    folder, {Path('mine/cut.py')}",
        "  keep: Make the island twice as large.",
        f"    folder, {Path('mine/keep.py')}",
    ]


def test_folder_may_be_named_on_the_command_line(run, plugged):
    assert "  keep: Make" in run("plugins", "list", "--plugins", "mine").out
    result = run("train", "--plugins", "nothing", "--config", plugged)
    assert result.code == 2
    assert result.err.startswith("error: no plugin folder nothing")


def test_plugins_that_are_switched_off_are_refused(run, plugged):
    result = run("train", "--no-plugins", "--config", plugged)
    assert result.code == 2
    assert "no plugin 'cut'; there are: none (plugins are off)" in result.err
    assert run("plugins", "list", "--no-plugins", "--plugins", "mine").out.startswith("no plugins")


def test_broken_plugin_is_listed_beside_the_others(run, plugged):
    Path("mine/broken.py").write_text("raise SystemExit")
    result = run("plugins", "list", "--config", plugged)
    assert result.code == 1
    assert result.out.splitlines()[-2:] == [
        "! broken: SystemExit",
        f"    folder, {Path('mine/broken.py')}",
    ]
    assert "* cut: " in result.out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_hostile_folder_is_listed_in_plain_signs_and_nothing_of_it_is_run(run, plugged):
    trap = "from pathlib import Path\nPath('mark').touch()\n"
    for name in (b"mine/a\xff.py", b"mine/a\x1b[2J.py", b"mine/a\nb.py", b"mine/a b.py"):
        Path(os.fsdecode(name)).write_text(trap)
    os.mkfifo("mine/pipe.py")
    Path("mine/zip.zip").write_text("none")
    Path("mine/out.py").symlink_to("/etc/passwd")
    Path("mine/open.py").write_text(trap)
    Path("mine/open.py").chmod(0o666)
    result = run("plugins", "list", "--config", plugged)
    assert (result.code, result.err) == (1, "")
    assert len([line for line in result.out.splitlines() if line.startswith("! ")]) == 8
    assert result.out.replace("\n", "").isprintable()
    assert not Path("mark").exists()


def test_plugin_whose_help_is_odd_and_step_without_a_name_are_listed(run, plugged):
    code = 'def transform(frame):\n    return frame\n\n\ntransform.__doc__ = "\\ud800\\x1b[2J"\n'
    Path("mine/odd.py").write_text(code)
    Path("my.toml").write_text('plugin_folder = "mine"\ntransforms = [{ use = ["cut"] }]\n')
    result = run("plugins", "list", "--config", "my.toml")
    assert (result.code, result.err) == (0, "")
    assert "  odd: \\ud800\\x1b[2J\n" in result.out


def test_options_of_a_plugin_are_listed_checked_and_recorded(run, plugged):
    code = '"""Cut."""\n\ndef transform(frame, *, column: str):\n    return frame.drop(column)\n'
    Path("mine/cut.py").write_text(code)
    listed = run("plugins", "list", "--config", plugged).out
    assert "* cut(column: str): Cut." in listed
    assert "'cut': option 'column' is missing" in run("train", "--config", plugged).err
    steps = 'transforms = [{ use = "cut", column = "year" }]'
    Path("my.toml").write_text(f'{QUICK}plugin_folder = "mine"\n{steps}\n')
    assert run("train", "--config", plugged).code == 0
    assert read_card("model")["transforms"][0]["options"] == {"column": "year"}
    done = run("predict", "model", io.SAMPLE, "-o", "made.csv", "--config", plugged)
    assert done.code == 0


@LOCKS
def test_lock_keeps_all_else_from_being_run(run, plugged):
    result = run("plugins", "lock", "--config", plugged)
    assert [line.split()[-1] for line in result.out.splitlines()] == [
        "cut",
        "keep",
        str(Path("mine/plugins.lock")),
    ]
    assert run("train", "--config", plugged).code == 0
    Path("mine/cut.py").write_text("raise RuntimeError")
    result = run("train", "--config", plugged)
    assert "cut.py cannot be loaded: has changed since it was approved" in result.err
    assert run("plugins", "lock", "--config", plugged).code == 0
    assert "cut.py cannot be loaded: RuntimeError" in run("train", "--config", plugged).err


@LOCKS
def test_lock_says_what_it_cannot_approve_and_needs_a_folder(run, plugged):
    Path("mine/a b.py").touch()
    result = run("plugins", "lock", "--config", plugged)
    assert result.code == 1
    assert "a b: mine/a b.py has no name for a plugin" in result.out
    assert "a lock lies in the plugin folder: name one" in run("plugins", "lock").err


def test_list_without_plugins_says_how_to_have_some(run):
    assert run("plugins", "list").out == "no plugins; name a folder with the setting plugin_folder\n"


def test_plugins_of_training_are_applied_when_predicting(run, plugged):
    run("train", "--config", plugged)
    card = read_card("model")
    digest = hashlib.sha256(Path("mine/cut.py").read_bytes()).hexdigest()
    assert card["transforms"] == [{"name": "cut", "sha256": digest}]
    assert "year" not in load("model")["clean"].kinds_
    result = run("predict", "model", io.SAMPLE, "-o", "made.csv", "--keep", "year", "--config", plugged)
    assert "error: no column 'year' to keep" in result.err


def test_plugin_that_drops_rows_is_refused_when_predicting(run, plugged):
    run("train", "--config", plugged)
    Path("mine/cut.py").write_text("def transform(frame):\n    return frame.head(3)\n")
    result = run("-q", "predict", "model", io.SAMPLE, "-o", "made.csv", "--config", plugged)
    assert (result.code, result.err) == (
        2,
        "error: each row needs a prediction, but the plugins cut make 3 of 344\n",
    )
    assert not Path("made.csv").exists()


def test_plugin_that_changed_since_training_is_warned_of(run, plugged):
    run("train", "--config", plugged)
    Path("mine/cut.py").write_text(Path("mine/cut.py").read_text() + "# changed\n")
    result = run("predict", "model", io.SAMPLE, "-o", "made.csv", "--config", plugged)
    assert f"WARNING: plugin 'cut' has changed since training: {Path('mine/cut.py')}" in result.err


@pytest.mark.parametrize("moment", ["io.load", "model.train", "report.render", "_internal.files._finish"])
def test_interrupted_training_leaves_the_old_model(run, trained, quick, monkeypatch, moment):
    shutil.copytree(trained, "model")
    module, _, name = moment.rpartition(".")
    module = import_module(f"{cli.__package__}.{module}")
    monkeypatch.setattr(module, name, lambda *_, **__: signal.raise_signal(signal.SIGINT))
    before = tree(".")
    assert run("train", "--config", quick, "--seed", 1) == (130, "", "\ninterrupted\n")
    assert tree(".") == before


APART = """
import json, os, sys
from importlib import import_module
from types import SimpleNamespace

package, *runs = sys.argv[1:]
sys.modules[f"{package}.report"] = SimpleNamespace(render=lambda *_: "")  # takes the longest
for folder, code, *words in map(json.loads, runs):
    os.chdir(folder)
    for stream, name in enumerate(("out", "err"), 1):
        os.dup2(os.open(f"{folder}.{name}", os.O_CREAT | os.O_WRONLY), stream)
    exec(code)
    try:
        import_module(f"{package}.cli").main(words)
    except SystemExit as stop:
        print(stop.code, file=open(f"{folder}.code", "w"), flush=True)
"""

KILLED = """
import signal

files = import_module(f"{package}._internal.files")
write = files.write_together

def kill(event, args):
    if event in ("os.chmod", "os.remove", "os.rename") and next(moments, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)

def write_in_children(contents):
    global moments
    for number in range(8):
        if not os.fork():
            os.chdir(f"../{number}")
            moments = iter(range(number))
            sys.addaudithook(kill)
            write(contents)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)

files.write_together = write_in_children
"""

INTERRUPTED = """
import signal

model = import_module(f"{package}.model")
predict = model.predict

def interrupted(fitted, frame):
    if len(frame):
        os.kill(os.getpid(), signal.SIGINT)
    return predict(fitted, frame)

model.predict = interrupted
"""

TRAIN = ["train", "--config", "quick.toml"]

RUNS = {
    # folder: code to run first, command line
    "species": ["", *TRAIN],
    "body_mass_g": ["", *TRAIN, "--target", "body_mass_g"],
    "killed": [KILLED if FORKS else "", *TRAIN, "--seed", "1"],
    "interrupted": [INTERRUPTED, "-q", "predict", "model", str(io.SAMPLE), "-o", "made.csv"],
}


@pytest.fixture(scope="module")
def apart(trained, tmp_path_factory):
    """Run commands in a process of their own, with another hash seed and more threads."""
    place = tmp_path_factory.mktemp("apart")
    for name in [*RUNS, *"01234567"]:
        shutil.copytree(trained.parent, place / name)
    place.joinpath("interrupted", "made.csv").write_text("old")
    runs = [json.dumps([str(place / name), *run]) for name, run in RUNS.items()]
    environment = {"PYTHONHASHSEED": "12345", "OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive"}
    command = [sys.executable, "-c", APART, cli.__package__, *runs]
    subprocess.run(command, env=os.environ | environment, check=False)
    return place


def predictions(folder):
    return model.predict(load(folder), io.read(io.SAMPLE)).rows()


@pytest.mark.parametrize("target", ["species", "body_mass_g"])
def test_model_does_not_depend_on_hash_seed_or_number_of_threads(run, quick, apart, target):
    run("train", "--config", quick, "--target", target)
    here, there = Path("model"), apart / target / "model"
    assert predictions(here) == predictions(there)
    assert read_card(here)["metrics"] == read_card(there)["metrics"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT from one process to another")
def test_interrupted_prediction_leaves_the_old_file(apart, trained):
    said = {end: apart.joinpath(f"interrupted.{end}").read_text() for end in ("code", "out", "err")}
    assert (said["code"], said["out"]) == ("130\n", "")
    if "panicked at" in said["err"]:  # a thread of polars that was stopped late
        assert "interrupted" in said["err"].splitlines()
        assert "Traceback" not in said["err"]
    else:
        assert said["err"].strip() == "interrupted"
    assert tree(apart / "interrupted") == tree(trained.parent) | {Path("made.csv"): b"old"}


@pytest.mark.skipif(not FORKS, reason="forks beside running threads, which Linux can")
@pytest.mark.parametrize(  # before: three files are ready, the old card goes, they take their place
    ("moment", "left"), list(enumerate(["old"] * 4 + ["none"] * 3 + ["new"]))
)
def test_killed_training_leaves_one_model_or_none(run, apart, moment, left):
    assert apart.joinpath("killed.out").read_text().splitlines()[moment] == "-9"
    folder = apart / str(moment) / "model"
    if left == "none":
        result = run("predict", folder, io.SAMPLE, "-o", "made.csv")
        assert re.fullmatch("error: cannot read .*model.json: No such file.*\n", result.err)
        assert result.code == 2
    else:
        seeds = [read_card(folder)["seed"], load(folder)["learner"].random_state]
        assert seeds == [["old", "new"].index(left)] * 2
