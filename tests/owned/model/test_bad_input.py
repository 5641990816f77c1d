import errno
import os
import re
import shutil
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
from my_project import cli

pytest.importorskip("my_project.model")
report = pytest.importorskip("my_project.report")

TABLE = "x,colour,day,label\n" + "".join(
    f"{row}.5,{'red' if row % 3 else 'blue'},2024-01-{row * 7 % 24 + 1:02},{'high' if row > 11 else 'low'}\n"
    for row in range(24)
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Give a folder with the table, a model of it, and predictions of an earlier day."""
    folder = tmp_path_factory.mktemp("trained")
    folder.joinpath("good.csv").write_text(TABLE)
    folder.joinpath("quick.toml").write_text("max_iter = 2\nmin_samples_leaf = 2\n")
    folder.joinpath("old.csv").write_text("old")
    words = "train good.csv --target label --config quick.toml -o model"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit, match="0"):
        patch.chdir(folder)
        cli.main(words.split())
    return folder


@pytest.fixture(autouse=True)
def put(trained, tmp_path, monkeypatch):
    """Start with a copy of what was trained, draw no plots; give a way to put files beside it."""
    monkeypatch.setattr(report, "render", lambda *_: "report")
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)

    def put(files):
        for name, content in files.items():
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())

    return put


def tree():
    """Give each path below the working folder, with its bytes."""
    return {path: path.is_file() and path.read_bytes() for path in Path().rglob("*")}


def parquet():
    pl.read_csv(TABLE.encode()).write_parquet(buffer := BytesIO())
    return buffer.getvalue()


TRAIN = "train t.csv --target label"
PREDICT = "predict model t.csv -o old.csv"

BAD = {
    # name: (files, command line, what the line on stderr says)
    "no such file": ({}, TRAIN, r"t\.csv: no such file"),
    "empty file": ({"t.csv": ""}, TRAIN, r"t\.csv is empty"),
    "header only": ({"t.csv": "x,label\n"}, TRAIN, r"t\.csv has a header but no rows"),
    "one row": ({"t.csv": "x,label\n1,a\n"}, TRAIN, "at least 10 rows with a target, got 1"),
    "no such target": (
        {},
        "train good.csv --target price",
        "no column 'price' to predict: .*; there are x, colour, day, label",
    ),
    "target not named": (
        {},
        "train good.csv",
        "no column to predict is named: name one with --target; there are x, colour",
    ),
    "target with one value": (
        {"t.csv": TABLE.replace("high", "low")},
        TRAIN,
        "target 'label' has the one value 'low'",
    ),
    "target of dates": ({}, "train good.csv --target day", "must hold numbers, text or booleans"),
    "nothing but the target": ({"t.csv": "label\na\nb\n" + "a\n" * 10}, TRAIN, "no column is left"),
    "same names": ({"t.csv": "x,x,label\n1,2,a\n"}, TRAIN, "names must differ, got x more than on"),
    "name of a feature": (
        {"t.csv": TABLE.replace("x,", "day.month,", 1)},
        TRAIN,
        "feature names must differ, got day.month twice",
    ),
    "short row": ({"t.csv": TABLE + "1.5,red\n"}, TRAIN, "row 26 has 2 fields, the header has 4"),
    "long row": ({"t.csv": TABLE + "1,2,3,4,5\n"}, TRAIN, "row 26 has 5 fields, the header has 4"),
    "late short row": (
        {"t.csv": TABLE + "1.5,red,2024-01-01,low\n" * 20_000 + "1.5,red\n"},
        PREDICT,
        "row 20026 has 2 fields, the header has 4",
    ),
    "unknown column to drop": (
        {},
        "train good.csv --target label --drop size",
        "no column 'size' to leave out; there are ",
    ),
    "unknown target of features": (
        {},
        "features good.csv --target size -o old.csv",
        "no column 'size' to leave out; there are ",
    ),
    "truncated Parquet": (
        {"t.parquet": parquet()[:-9]},
        "train t.parquet --target label",
        r"t\.parquet: ",
    ),
    "truncated JSON": ({"t.jsonl": '{"x": 1}\n{"x'}, "train t.jsonl --target x", r"t\.jsonl: "),
    "format not known": ({"t.md": TABLE}, "train t.md", "must be of one format out of .csv, "),
    "parts with other columns": (
        {"parts/a.csv": TABLE, "parts/b.csv": "x\n1\n"},
        "train parts --target label",
        "must have the same columns, they differ in colour, day, label",
    ),
    "no such earlier run": ({}, "train --from nothing.json", "cannot read nothing.json: No such"),
    "data of the earlier run gone": (
        {"good.csv": ""},
        "train --from model/model.json",
        "good.csv is empty",
    ),
    "no such model": ({}, "predict nothing good.csv -o old.csv", "cannot read nothing.model.json"),
    "no such file to predict": ({}, PREDICT, r"t\.csv: no such file"),
    "nothing to predict": ({"t.csv": "x,colour,day\n"}, PREDICT, "has a header but no rows"),
    "column missing": (
        {"t.csv": "colour,label\nred,low\n"},
        PREDICT,
        "missing columns: x, day; there are colour, label",
    ),
    "list in place of a text": (
        {"t.jsonl": '{"x": 1, "colour": ["red"], "day": "2024-01-01"}\n'},
        "predict model t.jsonl -o old.csv",
        r"column 'colour' must be category as in training, got \['red'\]",
    ),
    "column to keep not there": (
        {},
        "predict model good.csv -o old.csv --keep price",
        "no column 'price' to keep; there are x, colour, day, label",
    ),
    "column to keep called as a prediction": (
        {"t.csv": TABLE.replace("label", "prediction", 1)},
        PREDICT + " --keep prediction",
        "cannot keep column 'prediction'",
    ),
    "tampered model": ({"model/model.skops": "x"}, PREDICT.replace("t.", "good."), "SHA-256 diff"),
    "foreign card": (
        {"model/model.json": "{}"},
        "predict model good.csv -o old.csv",
        "model.json is no model card of format 1",
    ),
    "card changed by hand": (
        {"model/model.json": '{"format": 1}'},
        "predict model good.csv -o old.csv",
        "model.json was changed since it was saved",
    ),
    "output format not known": ({}, "features good.csv -o old.xlsx", "the name must end in .csv"),
    "output is a folder": (
        {"out.csv/t.txt": ""},
        "predict model good.csv -o out.csv",
        r"cannot write out\.csv: it is no regular file",
    ),
    "output below a file": ({}, "features good.csv -o old.csv/new.csv", "cannot write old.csv"),
    "model below a file": (
        {},
        "train good.csv --target label --config quick.toml -o old.csv",
        "cannot write old.csv.model.skops",
    ),
    "bad config keys": (
        {"c.toml": "sede = 1\nmax_iter = 0"},
        "train --config c.toml",
        r"max_iter = 0 \(c.toml\): .*; sede = 1 \(c.toml\): unknown; the settings are ",
    ),
    "no such config": ({}, "config show --config c.toml", "cannot read the config file c.toml"),
    "broken config": ({"c.toml": "seed ="}, "plugins list --config c.toml", "the config file c.to"),
    "bad seed": ({}, "train --seed -1", r"seed = -1 \(command line\): .* greater than or equal"),
    "no such plugin": (
        {"c.toml": "transforms = ['nothing']"},
        "train --config c.toml",
        "no plugin 'nothing'",
    ),
    "no such plugin folder": (
        {"c.toml": "plugin_folder = 'nothing'"},
        "plugins list --config c.toml",
        "no plugin folder nothing",
    ),
    "broken plugin": (
        {"c.toml": "plugin_folder = 'mine'\ntransforms = ['p']", "mine/p.py": "def transform("},
        "features -o old.csv --config c.toml",
        "plugin mine.p.py cannot be loaded: SyntaxError",
    ),
    "plugin that fails": (
        {
            "c.toml": "plugin_folder = 'mine'\ntransforms = ['p']",
            "mine/p.py": "def transform(frame):\n    return frame['nothing']",
        },
        "train --config c.toml",
        "plugin 'p' failed: ColumnNotFoundError: ",
    ),
}


@pytest.mark.parametrize(("files", "command", "complaint"), BAD.values(), ids=BAD)
def test_bad_input_gets_one_line_and_changes_nothing(run, put, files, command, complaint):
    put(files)
    before = tree()
    result = run(*command.split())
    assert re.fullmatch(f"error: .*{complaint}.*\n", result.err)
    assert (result.code, result.out) == (2, "")
    assert tree() == before


WRITING = {
    "train": "train good.csv --target label --config quick.toml",
    "predict to CSV": "predict model good.csv -o old.csv",
    "predict to Parquet": "predict model good.csv -o new.parquet",
    "predict to JSON lines": "predict model good.csv -o new.jsonl",
    "features": "features good.csv -o old.csv",
}


@pytest.mark.parametrize("command", WRITING.values(), ids=WRITING)
def test_full_disk_leaves_the_old_files_alone(run, monkeypatch, command):
    def fsync(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    before = tree()
    result = run(*command.split())
    assert re.fullmatch("error: cannot write .*: No space left on device\n", result.err)
    assert result.code == 2
    assert tree() == before


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit for the size of a file")
@pytest.mark.parametrize("command", WRITING.values(), ids=WRITING)
def test_write_that_is_cut_short_leaves_the_old_files_alone(run, command):
    import resource

    before = tree()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        result = run(*command.split())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert re.fullmatch("error: .*File too large.*\n", result.err)
    assert result.code == 2
    assert tree() == before


def test_learner_that_refuses_the_table_is_told_in_one_line(run, monkeypatch):
    def build(*_):
        msg = "Negative values in data\nsee the documentation"
        raise ValueError(msg)

    monkeypatch.setattr("my_project.model.build", build)
    result = run("train", "-o", "other")
    line = "error: the learner does not take this table: ValueError: Negative values in data"
    assert (result.code, result.err.splitlines()[-1]) == (2, line)
    assert not Path("other").exists()
