"""The workflows of this repository run sessions that exist, on clones that suffice, and hold no logic of their own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from documents import sessions
from questions import ROOT

FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yml"))}
HISTORY = {"long", "projects", "notes", "oldest_copier", "tests", "update"}
"""Sessions that look for releases."""


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Give each job with its name."""
    for workflow, content in WORKFLOWS.items():
        yield from ((f"{workflow}: {name}", job) for name, job in content["jobs"].items())


def run_by(job: dict[str, Any]) -> set[str]:
    """Name the nox sessions that a job runs."""
    named = re.findall(r" -s ((?:[a-z_]+ ?|\"\$SESSION\")+)", " ".join(step.get("run", "") for step in job["steps"]))
    words = {word for words in named for word in words.split()}
    return words - {'"$SESSION"'} | set(job.get("strategy", {}).get("matrix", {}).get("session", []))


def test_sessions_of_the_workflows_exist() -> None:
    named = {name: run_by(job) for name, job in jobs()}
    assert set().union(*named.values()) >= HISTORY
    assert {name: unknown for name, found in named.items() if (unknown := found - sessions(ROOT / "noxfile.py"))} == {}


def test_sessions_that_look_for_releases_get_the_whole_history() -> None:
    for name, job in jobs():
        if run_by(job) & HISTORY:
            [checkout] = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
            assert checkout["with"].get("fetch-depth") == 0, name


def test_updates_run_with_the_newest_and_the_oldest_copier() -> None:
    for workflow, newest in {"ci.yml": "update", "weekly.yml": "long"}.items():
        run = set().union(*(run_by(job) for job in WORKFLOWS[workflow]["jobs"].values()))
        assert {newest, "oldest_copier"} <= run


def test_green_waits_for_every_other_job() -> None:
    jobs = WORKFLOWS["ci.yml"]["jobs"]
    assert [*jobs["green"]["needs"], "green"] == list(jobs)


def test_shell_is_one_command_and_takes_no_text_from_outside() -> None:
    commands = [(name, step["run"]) for name, job in jobs() for step in job["steps"] if "run" in step]
    assert [(name, run) for name, run in commands if re.search(r"\$\{\{|[\n;|&<>`]|\$\(", run)] == []


@pytest.mark.skipif(sys.platform == "win32", reason="the workflow runs in a POSIX shell")
def test_release_is_published_with_its_tag_commit_and_notes(tmp_path: Path) -> None:
    due = json.dumps([{"tag": "v1.2.3", "commit": "c0ffee"}])
    publish = WORKFLOWS["release.yml"]["jobs"]["publish"]
    [step] = [step for step in publish["steps"] if "run" in step]
    values = {name: _matrix(text, json.loads(due)[0]) for name, text in step["env"].items()}
    (gh := tmp_path / "gh").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\ncat "$9"\n', encoding="utf-8")
    gh.chmod(0o755)
    (tmp_path / "v1.2.3.md").write_text("What is new.\n", encoding="utf-8")
    environment = os.environ | values | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    words = ["sh", "-e", "-c", step["run"]]
    said = subprocess.run(words, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True).stdout
    assert said.split()[:4] == ["release", "create", "v1.2.3", "--target"]
    assert "--target\nc0ffee\n--title\nv1.2.3\n--notes-file\nv1.2.3.md\nWhat is new.\n" in said


def _matrix(text: str, release: dict[str, str]) -> str:
    """Fill in what GitHub does: an entry that the release does not have is an error here."""
    return re.sub(r"\$\{\{ matrix\.release\.(\w+) \}\}", lambda found: release[found[1]], text)


@pytest.mark.projects
def test_workflows_fit_their_schema_and_have_no_known_weakness() -> None:
    files = [str(FOLDER / name) for name in WORKFLOWS]
    for words in (
        ["check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files],
        ["zizmor", "--offline", "--quiet", str(FOLDER.parent)],
    ):
        done = subprocess.run(words, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
