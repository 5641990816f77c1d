import errno
import os
import subprocess
import sys

import pytest
from my_project._internal import files
from my_project.errors import DataError


def fill(disk, monkeypatch):
    """Let the disk be full from the given file on, counted from 0."""
    left = iter(range(disk))

    def fsync(handle):
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)


def tree(folder):
    """Give each path below a folder, with its content."""
    return {
        path.relative_to(folder).as_posix(): path.read_text() if path.is_file() else None for path in folder.rglob("*")
    }


@pytest.mark.parametrize("before", [{}, {"new.txt": "old"}], ids=["no file", "old file"])
def test_file_is_there_when_the_block_ends(tmp_path, before):
    for name, text in before.items():
        tmp_path.joinpath(name).write_text(text)
    with files.atomic(tmp_path / "new.txt") as part:
        part.write_text("new")
        assert {name: tree(tmp_path).get(name) for name in before} == before
    assert tree(tmp_path) == {"new.txt": "new"}


def test_part_has_the_suffix_of_the_file(tmp_path):
    with files.atomic(tmp_path / "table.csv") as part:
        assert part.suffix == ".csv"


def test_missing_folders_are_made(tmp_path):
    with files.atomic(tmp_path / "a" / "b" / "new.txt") as part:
        part.write_text("new")
    assert tree(tmp_path / "a") == {"b": None, "b/new.txt": "new"}


def test_block_that_fails_leaves_the_old_file_alone(tmp_path):
    tmp_path.joinpath("table.txt").write_text("old")
    with (
        pytest.raises(ZeroDivisionError),
        files.atomic(tmp_path / "table.txt") as part,
    ):
        part.write_text("half")
        _ = 1 / 0
    assert tree(tmp_path) == {"table.txt": "old"}


def test_full_disk_is_told_and_leaves_the_old_file_alone(tmp_path, monkeypatch):
    tmp_path.joinpath("table.txt").write_text("old")
    fill(0, monkeypatch)
    with (
        pytest.raises(DataError, match="cannot write .*table.txt: No space left on device"),
        files.atomic(tmp_path / "table.txt") as part,
    ):
        part.write_text("new")
    assert tree(tmp_path) == {"table.txt": "old"}


@pytest.mark.parametrize(
    ("path", "reason"),
    [("folder", "it is no regular file"), ("file/new.txt", "")],
    ids=["a folder", "below a file"],
)
def test_path_that_cannot_be_written_is_named(tmp_path, path, reason):
    tmp_path.joinpath("folder").mkdir()
    tmp_path.joinpath("file").write_text("old")
    with (
        pytest.raises(DataError, match=f"cannot write .*{tmp_path.name}.*: {reason}"),
        files.atomic(tmp_path / path),
    ):
        pytest.fail("the block must not run")
    assert tree(tmp_path) == {"folder": None, "file": "old"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no mode bits, and links need a privilege")
def test_file_has_the_usual_permissions_and_links_stay(tmp_path):
    tmp_path.joinpath("link.txt").symlink_to("real.txt")
    before = os.umask(0o027)
    try:
        with files.atomic(tmp_path / "link.txt") as part:
            part.write_text("new")
    finally:
        os.umask(before)
    assert tmp_path.joinpath("link.txt").is_symlink()
    assert tmp_path.joinpath("real.txt").read_text() == "new"
    assert tmp_path.joinpath("real.txt").stat().st_mode & 0o777 == 0o640


def contents(folder, text):
    return {folder / name: text.encode() for name in ("model", "report", "card")}


def test_files_are_written_together(tmp_path):
    files.write_together(contents(tmp_path, "old"))
    files.write_together(contents(tmp_path, "new"))
    assert tree(tmp_path) == {"model": "new", "report": "new", "card": "new"}


@pytest.mark.parametrize("room", [0, 1, 2])
def test_full_disk_leaves_all_files_as_they_were(tmp_path, monkeypatch, room):
    files.write_together(contents(tmp_path, "old"))
    fill(room, monkeypatch)
    with pytest.raises(DataError, match="No space left on device"):
        files.write_together(contents(tmp_path, "new"))
    assert tree(tmp_path) == {"model": "old", "report": "old", "card": "old"}


KILLED = """
import os, signal, sys
from importlib import import_module
from pathlib import Path

files = import_module(sys.argv[1])
status = signal.SIGKILL
moment = 0
while status == signal.SIGKILL:  # killed: again, a moment later
    moment += 1
    paths = [Path(str(moment), name) for name in ("model", "report", "card")]
    files.write_together(dict.fromkeys(paths, b"old"))
    child = os.fork()
    if not child:
        events = iter(range(1, moment))

        def kill(event, args):
            if event in ("open", "os.rename", "os.remove") and next(events, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(kill)
        files.write_together(dict.fromkeys(paths, b"new"))
        os._exit(0)
    status = os.waitpid(child, 0)[1]
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no fork and no SIGKILL")
def test_killed_run_never_leaves_the_last_file_beside_files_of_another_run(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, files.__name__], cwd=tmp_path, check=True)
    states = set()
    for folder in tmp_path.iterdir():
        found = {name: text for name, text in tree(folder).items() if not name.startswith(".")}
        states.add("+".join(sorted(set(found.values()))) if "card" in found else "no card")
    assert states == {"old", "no card", "new"}
