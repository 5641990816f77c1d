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
STEP = 'transforms = [{ use = "%s", %s }]'


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
WITH = "run good.csv -o old.csv --config c.toml"

BAD = {
    # name: (files, command line, what the line on stderr says)
    "no such file": ({}, RUN, r"t\.csv: no such file"),
    "source without a name": ({}, 'run "" -o old.csv', "a source has no name: is a variable"),
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
    "empty file": ({"t.csv": ""}, RUN, r"t\.csv is empty"),
    "header only": ({"t.csv": "id,price\n"}, RUN, r"t\.csv: there are no rows"),
    "header only, whole table": (
        {"t.csv": "id,price\n", "c.toml": 'transforms = ["deduplicate"]'},
        RUN + " --config c.toml",
        r"t\.csv: there are no rows",
    ),
    "same names": ({"t.csv": "x,x\n1,2\n"}, RUN, "names must differ, got x more than once"),
    "not UTF-8": ({"t.csv": TABLE.encode("utf-16")}, RUN, r"cannot read t\.csv as UTF-8 text"),
    "late byte": ({"t.csv": TABLE.encode() + b"1,2,\xff,\n"}, RUN, "as UTF-8 text"),
    "short row": ({"t.csv": TABLE + "1,2\n"}, RUN, "row 26 has 2 fields, the header has 4"),
    "long row": ({"t.csv": TABLE + "1,2,3,4,5\n"}, RUN, "row 26 has 5 fields, the header has 4"),
    "truncated Parquet": (
        {"t.parquet": parquet()[:-9]},
        "run t.parquet -o old.csv",
        r"t\.parquet: ",
    ),
    "truncated JSON": ({"t.jsonl": '{"x": 1}\n{"x'}, "run t.jsonl -o old.csv", r"t\.jsonl: "),
    "format not known": ({"t.txt": TABLE}, "run t.txt -o old.csv", "must be of one format out of "),
    "parts with other columns": (
        {"parts/a.csv": TABLE, "parts/b.csv": "id\n1\n"},
        "run parts -o old.csv",
        "must have the same columns, they differ in colour, day, price",
    ),
    "sources with other columns": (
        {"b.parquet": parquet(), "t.csv": "id\n1\n"},
        "run b.parquet t.csv -o old.csv",
        "t.csv and b.parquet must have the same columns, they differ in colour, day, price",
    ),
    "sources with other types": (
        {"parts/a.jsonl": '{"x": 1}\n', "parts/b.jsonl": '{"x": [1]}\n'},
        "run parts -o old.csv",
        "parts: ",
    ),
    "source named twice": (
        {},
        "run good.csv good.csv -o old.csv",
        "good.csv is named more than on",
    ),
    "column for reasons": (
        {"t.csv": "_rejected\n1\n"},
        RUN,
        "no column may be called '_rejected'",
    ),
    "no target": ({}, "run good.csv", "Missing option '-o'"),
    "target is a source": ({}, "run good.csv -o ./good.csv", "good.csv is read in this run: name"),
    "target is a part of a source": (
        {"parts/a.csv": TABLE},
        "run parts -o parts/a.csv",
        "parts.a.csv is read in this run",
    ),
    "target format not known": ({}, "run good.csv -o old.xlsx", "the name must end in .csv, "),
    "target is a folder": (
        {"out.csv/t.txt": ""},
        "run good.csv -o out.csv",
        r"cannot write out\.csv: it is no regular file",
    ),
    "target below a file": ({}, "run good.csv -o old.csv/new.csv", "cannot write old.csv"),
    "target without lists": (
        {"t.jsonl": '{"x": [1, 2]}\n'},
        "run t.jsonl -o old.csv",
        "old.csv: ",
    ),
    "rejects of another format": (
        {},
        "run good.csv -o old.csv --rejects old.txt",
        "rejected rows are written as JSON lines: old.txt must end in .jsonl",
    ),
    "rejects are a source": (
        {"t.jsonl": '{"x": 1}\n'},
        "run t.jsonl -o old.csv --rejects t.jsonl",
        "t.jsonl is read or written in this run: name another for rejected rows",
    ),
    "rejects are the target": (
        {},
        "run good.csv -o t.jsonl --rejects ./t.jsonl",
        "t.jsonl is read or written in this run",
    ),
    "rejects are a folder": (
        {
            "c.toml": STEP % ("filter", 'where = "id > 3", reject = true'),
            "out.jsonl/t.txt": "",
        },
        f"{WITH} --rejects out.jsonl",
        r"cannot write out\.jsonl: it is no regular file",
    ),
    "database without a file": ({}, "run sqlite:///t.db#t -o old.csv", "no such file .*t.db"),
    "database without a table": (
        {"t.db": ""},
        "run sqlite:///t.db#t -o old.csv",
        "t.db#t: .*no su",
    ),
    "database that is none": ({"t.db": TABLE * 9}, "run sqlite:///t.db#t -o old.csv", "t.db#t: "),
    "no table named": (
        {"t.db": ""},
        "run sqlite:///t.db -o old.csv",
        "name a table with #name, or",
    ),
    "no target table": ({}, "run good.csv -o sqlite:///t.db", "must name a table: add #name"),
    "relative path of SQLite": (
        {},
        "run sqlite://t.db#t -o old.csv",
        "write sqlite:///sales.db#ord",
    ),
    "query of a file": (
        {},
        "run good.csv --query SELECT -o old.csv",
        "a query needs one database as its only source",
    ),
    "broken query": ({"t.db": ""}, "run sqlite:///t.db --query SELEC -o old.csv", "t.db: .*SELEC"),
    "bad config keys": (
        {"c.toml": "step = 1\nbatch_rows = 0"},
        WITH,
        r"batch_rows = 0 \(c.toml\): .*; step = 1 \(c.toml\): unknown; the settings are ",
    ),
    "no such config": ({}, "config show --config c.toml", "cannot read the config file c.toml"),
    "checks that are no table": ({"c.toml": "checks = 'x'"}, WITH, "checks = 'x' .*: "),
    "failing is no choice": ({"c.toml": "failing = 'skip'"}, WITH, "failing = 'skip' .*'reject'"),
    "no such step": ({"c.toml": "transforms = ['tidy']"}, WITH, "no plugin 'tidy'; there are: ca"),
    "step without a name": (
        {"c.toml": "transforms = [{ where = 'id > 1' }]"},
        WITH,
        'a transform is a name, or a table with its name as "use"',
    ),
    "unknown option": (
        {"c.toml": STEP % ("filter", "were = 'id > 1'")},
        WITH,
        "plugin 'filter': .*unknown option 'were'; its options are where, reject",
    ),
    "missing option": ({"c.toml": "transforms = ['filter']"}, WITH, "option 'where' is missing"),
    "missing column": (
        {"c.toml": STEP % ("clip", "column = 'mass', low = 0")},
        WITH,
        "step 1 clip: plugin 'clip' failed: .*no column 'mass'; there are id, price, colour, day",
    ),
    "column that an earlier step has taken away": (
        {
            "c.toml": 'transforms = [{ use = "select", drop = ["id"] }, '
            '{ use = "fill", columns = { id = 0 } }]'
        },
        WITH,
        "step 2 fill: plugin 'fill' failed: .*no column 'id'; there are price, colour, day",
    ),
    "broken expression": (
        {"c.toml": STEP % ("filter", "where = 'id >'")},
        WITH,
        "step 1 filter: .*expression 'id >', character 5: invalid syntax",
    ),
    "expression that is code": (
        {"c.toml": STEP % ("derive", "columns = { x = '__import__(0)' }")},
        WITH,
        "there is no function '__import__'",
    ),
    "check of a missing column": (
        {"c.toml": "checks = { a = 'mass > 0' }"},
        WITH,
        "check 'a', 'mass > 0': .*mass",
    ),
    "check that is no condition": (
        {"c.toml": "checks = { a = 'id + 1' }"},
        WITH,
        "check 'a', 'id \\+ 1': it must be true or false, not Int64",
    ),
    "no lookup file": (
        {"c.toml": STEP % ("join", "file = 'no.csv', on = 'id'")},
        WITH,
        "step 1 join: plugin 'join' failed: .*no.csv: no such file",
    ),
    "many matches": (
        {"c.toml": STEP % ("join", "file = 't.csv', on = 'id'"), "t.csv": "id,x\n1,2\n1,3\n"},
        WITH,
        r"step 1 join: .*t.csv has more than one row for \(1,\): keep one of them",
    ),
    "step that fails late": (
        {
            "c.toml": "plugin_folder = 'mine'\ntransforms = ['p']\nbatch_rows = 5",
            "mine/p.py": "def transform(frame):\n    assert 20 not in frame['id'], 'odd'\n"
            "    return frame\n",
        },
        WITH,
        "step 1 p: plugin 'p' failed: AssertionError: odd",
    ),
    "columns that depend on values": (
        {
            "c.toml": "plugin_folder = 'mine'\ntransforms = ['p']\nbatch_rows = 5",
            "mine/p.py": "def transform(frame):\n    return frame[:, :3] if 20 in frame['id'] "
            "else frame\n",
        },
        WITH,
        "step 1 p: the columns must not depend on the values of a batch, but 'day' is missing",
    ),
}


@pytest.mark.parametrize(("files", "command", "complaint"), BAD.values(), ids=BAD)
def test_bad_input_gets_one_line_and_changes_nothing(run, put, files, command, complaint):
    put(files)
    before = tree()
    result = run(*shlex.split(command))
    assert re.fullmatch(f"error: .*{complaint}.*\n", result.err)
    assert (result.code, result.out) == (2, "")
    assert tree() == before


WRITING = {
    "to CSV": "run good.csv -o old.csv",
    "to Parquet": "run good.csv -o new.parquet",
    "to JSON lines": "run good.csv -o new.jsonl",
    "with rejected rows": "run good.csv -o old.csv --config c.toml",
    "to a database": "run good.csv -o sqlite:///t.db#t",
}


@pytest.mark.parametrize("command", WRITING.values(), ids=WRITING)
def test_full_disk_leaves_the_old_files_alone(run, put, monkeypatch, command):
    def fsync(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    put({"c.toml": STEP % ("filter", 'where = "id > 3", reject = true')})
    monkeypatch.setattr(os, "fsync", fsync)
    before = tree()
    result = run(*command.split())
    assert re.fullmatch("error: cannot write .*: No space left on device\n", result.err)
    assert result.code == 2
    assert tree() == before


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit for the size of a file")
@pytest.mark.parametrize("command", WRITING.values(), ids=WRITING)
def test_write_that_is_cut_short_leaves_the_old_files_alone(run, put, command):
    import resource

    put({"c.toml": STEP % ("filter", 'where = "id > 3", reject = true')})
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
