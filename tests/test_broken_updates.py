"""Updates that go wrong say so in a line, lose nothing, and can be taken back with the documented commands."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from documents import blocks
from fleet import ANSWERS
from questions import ROOT
from releases import HEAD, git
from samples import cases
from updating import Follower, tree

pytestmark = pytest.mark.updates

MINE = {"package_name": "tides", "user_name": "Ada", "github_user": "ada"}
OLD = "v0.1.0"
KILLED = """
import json, os, signal, sys
import copier._main as main
from copier._cli import CopierApp

left, name = json.loads(sys.argv[1])
plain = getattr(main.Worker, name)

def counted(*words, **options):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(*words, **options)

setattr(main.Worker, name, counted)
CopierApp.run(["copier", "update", "--defaults", "--quiet"])
"""
MOMENTS = [(0, "_apply_update"), (1, "_git_initialize_repo"), *((left, "_render_file") for left in (3, 30, 45, 60, 75))]


def update(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Update as owners do, on the command line."""
    command = [sys.executable, "-m", "copier", "update", "--defaults", "--quiet", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def abort(folder: Path) -> None:
    """Take an update back as the project's CONTRIBUTING says."""
    page = (folder / "CONTRIBUTING.md").read_text(encoding="utf-8")
    [commands] = [text for language, text in blocks(page) if language == "console" and "git reset" in text]
    for line in commands.splitlines():  # the last one asks what to do: "clean"
        subprocess.run(shlex.split(line), cwd=folder, check=True, input="c\n", text=True, capture_output=True)


@pytest.fixture
def old(project: Follower) -> Follower:
    """Give a project of the first release with its owner's edits."""
    project.start(OLD, MINE)
    project.edit()
    return project


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("moment", cases(MOMENTS, MOMENTS[:3], lambda moment: f"{moment[1]} {moment[0]}"))
def test_killed_update_is_taken_back_and_done_again(moment: tuple[int, str], old: Follower) -> None:
    words = [sys.executable, "-c", KILLED, json.dumps(moment)]
    done = subprocess.run(words, cwd=old.folder, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == -signal.SIGKILL
    abort(old.folder)
    assert tree(old.folder) == old.before
    old.update()
    assert old.wrongs() == []


def test_dirty_tree_is_refused(old: Follower) -> None:
    (old.folder / "README.md").write_text("Not committed.\n", encoding="utf-8")
    before = tree(old.folder)
    done = update(old.folder)
    assert done.returncode != 0
    assert "commit or stash" in done.stderr
    assert tree(old.folder) == before
    git("checkout", "--quiet", ".", folder=old.folder)


def test_shallow_clone_is_updated(old: Follower, tmp_path: Path) -> None:
    git("clone", "--quiet", "--depth=1", f"file://{old.folder}", str(tmp_path / "clone"), folder=tmp_path)
    old.folder = tmp_path / "clone"
    old.update()
    assert old.wrongs() == []


def test_project_in_a_folder_of_a_bigger_repository_is_updated(old: Follower, tmp_path: Path) -> None:
    git("init", "--quiet", str(tmp_path / "all"), folder=tmp_path)
    (tmp_path / "all" / "README.md").write_text("All our projects\n", encoding="utf-8")
    old.folder = old.folder.rename(tmp_path / "all" / "tides")
    shutil.rmtree(old.folder / ".git")
    git("add", "--all", folder=tmp_path / "all")
    git("commit", "--quiet", "--message=All", folder=tmp_path / "all")
    old.update()
    assert old.wrongs() == []
    changed = git("status", "--porcelain", folder=tmp_path / "all").splitlines()
    assert changed
    assert all(line[3:].startswith("tides/") for line in changed)


BROKEN = {
    "lost": None,
    "empty": "",
    "no YAML": "a: [\n",
    "no source": "package_name: tides\n",
    "no commit": "_src_path: {source}\npackage_name: tides\n",
    "no choice": "_src_path: {source}\n_commit: v0.1.0\npackage_name: tides\ndocs: mkdocs\n",
    "unknown commit": "_src_path: {source}\n_commit: v77.0.0\npackage_name: tides\n",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_broken_answers_are_refused_and_taken_back(content: str | None, old: Follower) -> None:
    path = old.folder / ANSWERS
    if content is None:
        path.unlink()
    else:
        path.write_text(content.format(source=old.workshop.bare), encoding="utf-8")
    whole = old.before
    old.commit("Break")
    done = update(old.folder)
    assert done.returncode != 0
    assert done.stderr.strip()
    assert tree(old.folder) == old.before
    git("checkout", "--quiet", "HEAD~1", "--", ANSWERS, folder=old.folder)
    old.commit("Mend")
    assert old.before == whole
    old.update()
    assert old.wrongs() == []


def test_other_package_name_is_refused(old: Follower) -> None:
    done = update(old.folder, "--data", "package_name=waves")
    assert done.returncode != 0
    assert 'would rename the package "tides"' in done.stderr
    assert tree(old.folder) == old.before
    assert git("status", "--porcelain", folder=old.folder) == ""


def test_command_line_gives_what_the_suite_gives(old: Follower, tmp_path: Path) -> None:
    """The suite leaves out what copier does over and over; here nothing is left out."""
    git("clone", "--quiet", str(old.folder), "plain", folder=tmp_path)
    assert update(tmp_path / "plain", f"--vcs-ref={HEAD}").returncode == 0
    old.update()
    assert tree(tmp_path / "plain") == tree(old.folder)
    assert old.workshop.served.keys() >= {"clones", "Jinja", "YAML"}


def test_failed_case_names_the_commands_that_give_it_again(old: Follower, tmp_path: Path) -> None:
    old.update(docs="none")
    commands = [line.replace("../scratch", str(tmp_path / "scratch")) for line in old.log]
    for command in commands:
        words = shlex.split(command)
        words[:1] = {"copier": [sys.executable, "-m", "copier"], "python3": [sys.executable]}.get(words[0], words[:1])
        subprocess.run(words, cwd=ROOT, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    again = tree(tmp_path / "scratch" / "project")
    ours = tree(old.folder)
    assert again.pop(ANSWERS).decode() == ours.pop(ANSWERS).decode().replace(
        str(old.workshop.bare), str(tmp_path / "scratch" / "template.git")
    )
    assert again == ours
