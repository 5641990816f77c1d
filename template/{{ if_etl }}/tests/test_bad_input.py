import errno
import os
import re
import shlex
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

TABLE = "id,price,colour,day\n" + "".join(
    f"{row},{row}.5,{'red' if row % 3 else 'blue'},2024-01-{row + 1:02}\n" for row in range(24)
)


def step(use, options):
    return f'transforms = [{{ use = "{use}", {options} }}]'


@pytest.fixture(autouse=True)
def put():
    """Start with a table and results of an earlier day; give a way to put files beside them."""

    def put(files):
        for name, content in files.items():
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())

    put({"good.csv": TABLE, "old.csv": "old", "old.csv.rejects.jsonl": "old"})
    return put


def tree():
    """Give each path below the working folder, with its bytes."""
    return {path: path.is_file() and path.read_bytes() for path in Path().rglob("*")}


def parquet():
    pl.read_csv(TABLE.encode()).write_parquet(buffer := BytesIO())
    return buffer.getvalue()


RUN = "run t.csv -o old.csv"
GOOD = "run good.csv -o old.csv"
WITH = "run good.csv -o old.csv --config c.toml"
PLUGIN = "plugin_folder = 'mine'\ntransforms = ['p']\nbatch_rows = 5"
SETTINGS = {
    # text of the config file: what the line on stderr says
    "step = 1\nbatch_rows = 0": r"batch_rows = 0 \(c.toml\): .*; step = 1 \(c.toml\): unknown; the",
    "checks = 'x'": "checks = 'x' .*: ",
    "failing = 'skip'": "failing = 'skip' .*'reject'",
    f"batch_rows = {2**64}": f"batch_rows = {2**64} ",
    f"a = {'[' * 10_000}{']' * 10_000}": "cannot read the config file c.toml",
    "transforms = ['tidy']": "no plugin 'tidy'; there are: ca",
    "transforms = [{ where = 'id > 1' }]": 'a table with its name as "use"',
    step("filter", "were = 'id > 1'"): "plugin 'filter': .*unknown option 'were'; its opt",
    step("clip", "column = 'mass', low = 0"): "step 1 clip: .*no column 'mass'; there are id",
    'transforms = [{ use = "select", drop = ["id"] }, { use = "fill", columns = { id = 0 } }]': (
        "step 2 fill: plugin 'fill' failed: .*no column 'id'; there are price, colour, day"
    ),
    step("filter", "where = 'id >'"): "step 1 filter: .*expression 'id >', character 5: invalid",
    step("derive", "columns = { x = '__import__(0)' }"): "there is no function '__import__'",
    step("derive", f"columns = {{ x = 'round(price, {2**62})' }}"): "step 1 derive: ",
    "checks = { a = 'mass > 0' }": "check 'a', 'mass > 0': .*mass",
    "checks = { a = 'id in [1, \"b\"]' }": "check 'a': .*must be all text or none",
    "checks = { a = 'round(id, 99999999999999999999)' }": "check 'a'",
    step("join", "file = 'no.csv', on = 'id'"): "step 1 join: plugin 'join' failed: .*no.csv: ",
    step("join", "file = 'a\\u0000', on = 'id'"): "step 1 join: plugin 'join' failed: ",
    step("join", "file = 'two.csv', on = 'id'"): (
        r"step 1 join: .*two.csv has more than one row for \(1,\): keep one of them"
    ),
}
BAD = {
    # name: (files, command line, what the line on stderr says)
    "no such file": ({}, RUN, r"t\.csv: no such file"),
    "source without a name": ({}, 'run "" -o old.csv', "a source has no name: is a variable"),
    "source with a long name": ({}, f"run {'a' * 5_000} -o old.csv", "at most 1000 bytes"),
    "source with a NUL": ({}, "run 'a\0' -o old.csv", "must be Unicode text"),
    "source that is no UTF-8": ({}, "run 'a\udcff' -o old.csv", "must be Unicode text"),
    "report over a table": (
        {"t.csv": TABLE},
        "run t.csv -o old.csv --report t.csv",
        r"the report is a page: t\.csv must end in \.html",
    ),
    "folder as destination": ({"t.csv": TABLE}, "run t.csv -o .", "cannot write .: the name must"),
    "destination in the source": (
        {"parts/a.csv": TABLE},
        "run parts -o parts/all.csv",
        r"parts.all\.csv would be read in the next run: write it outside of the source",
    ),
    "header only": ({"t.csv": "id,price\n"}, RUN, r"t\.csv: there are no rows"),
    "truncated Parquet": (
        {"t.parquet": parquet()[:-9]},
        "run t.parquet -o old.csv",
        r"t\.parquet: ",
    ),
    "truncated JSON": ({"t.jsonl": '{"x": 1}\n{"x'}, "run t.jsonl -o old.csv", r"t\.jsonl: "),
    "sources with other columns": (
        {"b.parquet": parquet(), "t.csv": "id\n1\n"},
        "run b.parquet t.csv -o old.csv",
        "t.csv and b.parquet must have the same columns, they differ in colour, day, price",
    ),
    "source named twice": ({}, "run good.csv good.csv -o old.csv", "is named more than once"),
    "column for reasons": ({"t.csv": "_rejected\n1\n"}, RUN, "no column may be called '_rejected'"),
    "no target": ({}, "run good.csv", "Missing option '-o'"),
    "target is a source": ({}, "run good.csv -o ./good.csv", "good.csv is read in this run: name"),
    "target format not known": ({}, "run good.csv -o old.xlsx", "the name must end in .csv, "),
    "target below a file": ({}, "run good.csv -o old.csv/new.csv", "cannot write old.csv"),
    "target without lists": ({"t.jsonl": '{"x": [1, 2]}\n'}, "run t.jsonl -o old.csv", "old.csv: "),
    "rejects of another format": (
        {},
        f"{GOOD} --rejects old.txt",
        "rejected rows are written as JSON lines: old.txt must end in .jsonl",
    ),
    "rejects are the target": (
        {},
        "run good.csv -o t.jsonl --rejects ./t.jsonl",
        "t.jsonl is read or written in this run",
    ),
    "database without a file": ({}, "run sqlite:///t.db#t -o old.csv", "no such file .*t.db"),
    "database without a table": ({"t.db": ""}, "run sqlite:///t.db#t -o old.csv", "t.db#t: .*no"),
    "database that is none": ({"t.db": TABLE * 9}, "run sqlite:///t.db#t -o old.csv", "t.db#t: "),
    "no table named": ({"t.db": ""}, "run sqlite:///t.db -o old.csv", "name a table with #name"),
    "no target table": ({}, "run good.csv -o sqlite:///t.db", "must name a table: add #name"),
    "database in memory": ({}, "run good.csv -o sqlite:///:memory:#t", "a database in memory is"),
    "misspelt address": (
        {},
        "run 'postgresql:/me:secret@h/db' -o old.csv",
        "postgresql://…: write postgresql://me@host/sales#orders",
    ),
    "query of a file": ({}, f"{GOOD} --query SELECT", "a query needs one database"),
    "broken query": ({"t.db": ""}, "run sqlite:///t.db --query SELEC -o old.csv", "t.db: .*SELEC"),
    "unknown engine": ({}, f"{GOOD} --engine none", "engine"),
    "no such config": ({}, "config show --config c.toml", "cannot read the config file c.toml"),
    "step that fails late": (
        {
            "c.toml": PLUGIN,
            "mine/p.py": "def transform(frame):\n    assert 20 not in frame['id'], 'odd'\n"
            "    return frame\n",
        },
        WITH,
        "step 1 p: plugin 'p' failed: AssertionError: odd",
    ),
} | {
    text[:60]: ({"c.toml": text, "two.csv": "id,x\n1,2\n1,3\n"}, WITH, complaint)
    for text, complaint in SETTINGS.items()
}


@pytest.mark.parametrize(("files", "command", "complaint"), BAD.values(), ids=BAD)
def test_bad_input_gets_one_line_and_changes_nothing(run, put, files, command, complaint):
    put(files)
    before = tree()
    result = run(*shlex.split(command))
    assert re.fullmatch(f"error: .*{complaint}.*\n", result.err)
    assert "secret" not in result.err
    assert (result.code, result.out) == (2, "")
    assert tree() == before


WRITING = {
    "to a file": "run good.csv -o old.csv",
    "with rejected rows": "run good.csv -o old.csv --config c.toml",
    "to a database": "run good.csv -o sqlite:///t.db#t",
}


@pytest.mark.parametrize("command", WRITING.values(), ids=WRITING)
def test_full_disk_leaves_the_old_files_alone(run, put, monkeypatch, command):
    def fsync(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    put({"c.toml": step("filter", 'where = "id > 3", reject = true')})
    monkeypatch.setattr(os, "fsync", fsync)
    before = tree()
    result = run(*command.split())
    assert re.fullmatch("error: cannot write .*: No space left on device\n", result.err)
    assert result.code == 2
    assert tree() == before
