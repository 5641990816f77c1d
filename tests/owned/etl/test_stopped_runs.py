"""A run that is killed, interrupted or out of room leaves the old result, or none."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from my_project import cli, io

sql = pytest.importorskip("my_project.sql")

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has neither fork nor SIGKILL")

TARGETS = ["made.csv", "made.parquet", "sqlite:///made.db#t"]
CONFIG = """
batch_rows = 2
transforms = ["deduplicate"]
[checks]
"costs something" = "price > 0"
"""


@pytest.fixture(autouse=True)
def _orders():
    Path("orders.csv").write_text("id,price\n1,5.5\n2,-1\n3,7\n3,7\n4,8\n")
    Path("c.toml").write_text(CONFIG)


def tree():
    return {path: path.is_file() and path.read_bytes() for path in Path().rglob("*")}


def read(target):
    return sql.scan(target).collect() if "://" in target else io.read(target)


def apart(code, *words):
    """Run the command line in a process of its own, after some code."""
    start = "import os, signal, sys\nfrom importlib import import_module\n"
    end = f"\nimport_module({cli.__package__!r} + '.cli').main({list(map(str, words))!r})"
    command = [sys.executable, "-c", start + code + end]
    return subprocess.run(command, capture_output=True, text=True, check=False)


INTERRUPTED = f"""
checks = import_module("{cli.__package__}.checks")
mark = checks.mark

def interrupted(rules, batch):
    if len(batch):
        os.kill(os.getpid(), signal.SIGINT)
    return mark(rules, batch)

checks.mark = interrupted
"""


def test_interrupted_run_leaves_the_old_result_and_says_so_in_one_line():
    Path("made.csv").write_text("old")
    before = tree()
    done = apart(INTERRUPTED, "run", "orders.csv", "-o", "made.csv", "--config", "c.toml")
    assert (done.returncode, done.stdout) == (130, "")
    if "panicked at" in done.stderr:  # a thread of polars that was stopped late
        assert "interrupted" in done.stderr.splitlines()
        assert "Traceback" not in done.stderr
    else:
        assert done.stderr.strip() == "interrupted"
    assert tree() == before


KILLED = """
moments = iter(range({moment}))

def kill(event, args):
    if event == {event!r} and {condition} and next(moments, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(kill)
"""
RENAME = {"event": "os.rename", "condition": "str(args[0]).startswith(os.getcwd())"}


@pytest.mark.parametrize(("moment", "made", "rejects"), [(0, "old", "old"), (1, "old", "new"), (2, "new", "new")])
def test_run_that_is_killed_while_it_places_files_leaves_whole_ones(moment, made, rejects):
    for name in ("made.csv", "made.csv.rejects.jsonl"):
        Path(name).write_text("old")
    code = KILLED.format(moment=moment, **RENAME)
    done = apart(code, "run", "orders.csv", "-o", "made.csv", "--config", "c.toml")
    assert done.returncode == (0 if made == "new" else -signal.SIGKILL)
    assert (Path("made.csv").read_text() == "old") is (made == "old")
    assert (Path("made.csv.rejects.jsonl").read_text() == "old") is (rejects == "old")


DYING = """
owner = import_module({module!r}){attribute}
before, left = getattr(owner, {name!r}), {calls}

def die(*args, **options):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return before(*args, **options)

setattr(owner, {name!r}, die)
"""
PACKAGE = cli.__package__
MOMENTS = {
    # where: module, attribute of it, name, number of calls, targets
    "in the first batch": (f"{PACKAGE}.transform", "", "take", 2, TARGETS),
    "in the last batch": (f"{PACKAGE}.transform", "", "take", 5, TARGETS),
    "before rejected rows are placed": (f"{PACKAGE}.writers", ".Rejects", "place", 1, TARGETS),
    "before a row is sent": ("adbc_driver_manager.dbapi", ".Cursor", "adbc_ingest", 1, TARGETS[-1:]),
    "between rows": ("adbc_driver_manager.dbapi", ".Cursor", "adbc_ingest", 3, TARGETS[-1:]),
    "before the commit": ("adbc_driver_manager.dbapi", ".Connection", "commit", 1, TARGETS[-1:]),
}
CASES = [(*moment[:-1], target) for moment in MOMENTS.values() for target in moment[-1]]


@pytest.mark.parametrize(("module", "attribute", "name", "calls", "target"), CASES)
def test_killed_run_leaves_the_old_result(run, module, attribute, name, calls, target):
    run("run", "orders.csv", "-o", target)
    before = read(target)
    code = DYING.format(module=module, attribute=attribute, name=name, calls=calls)
    done = apart(code, "run", "orders.csv", "-o", target, "--config", "c.toml")
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert read(target).equals(before)
    assert run("run", "orders.csv", "-o", target, "--config", "c.toml").code == 0
    assert read(target)["id"].to_list() == [1, 3, 4]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("given", [[], ["--config", "c.toml"]], ids=["plain", "with rejected rows"])
def test_write_that_is_cut_short_leaves_the_old_files(run, target, given):
    import resource

    run("run", "orders.csv", "-o", target, "--config", "c.toml")
    before = tree()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        result = run("run", "orders.csv", "-o", target, *given)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert re.fullmatch("error: .*(File too large|disk I/O error|full).*\n", result.err)
    assert result.code == 2
    assert tree() == before
