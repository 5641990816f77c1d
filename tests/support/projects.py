"""A rendered project in use: run things in it, use it, review it."""

import atexit
import itertools
import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from combinations import Answers, as_typed
from interpreters import PATH
from questions import ASKED

__all__ = ["Project", "check_hosting", "failing_reviews", "first_steps", "shortened", "use"]

_OURS = ["NOX_CURRENT_SESSION", "PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "PYTHONPATH", "VIRTUAL_ENV"]
_OURS.append("PYTHONDONTWRITEBYTECODE")  # else each process compiles what it imports


@cache
def _shared() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="environments-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def shortened(said: str, length: int = 6000) -> str:
    """Give the end of what a command said, and above it what pytest gave as reasons before, each once."""
    before, end = said[:-length], said[-length:]
    reasons = dict.fromkeys(line for line in before.splitlines() if line.startswith(("E  ", "Using --randomly-seed")))
    return "\n".join([*itertools.islice(reasons, 60), end])


class Project:
    """A render, and a way to run things in it."""

    def __init__(self, folder: Path, answers: Answers, version: str) -> None:
        self.folder = folder
        self.answers = answers
        self.version = version

    def run(
        self, *words: str, cwd: Path | None = None, check: bool = True, more: Mapping[str, str] | None = None
    ) -> str:
        """Run a command in the project; when it fails, say what it printed and how to see it again."""
        environment = os.environ | {"PATH": PATH, "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1"}
        environment["OMP_NUM_THREADS"] = "1"  # threads that wait for a core are slow, and projects run side by side
        environment["MYPY_CACHE_DIR"] = str(_shared() / "mypy")
        for name in _OURS:
            environment.pop(name, None)
        done = subprocess.run(
            words,
            cwd=cwd or self.folder,
            env=environment | dict(more or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if check and done.returncode:
            said = shortened(done.stdout)
            msg = f"{' '.join(words)} gave {done.returncode}\n{said}\nTo see it: {as_typed(self.answers)}"
            raise AssertionError(msg)
        return done.stdout

    def nox(self, *sessions: str, more: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> str:
        """Run the project's own sessions on this Python, in environments that projects of its kind share."""
        words = ["--envdir", str(self.environments), "--reuse-existing-virtualenvs", "--force-python", self.version]
        return self.run("nox", *words, "-s", *sessions, *more, more=environment)

    def installed(self) -> None:
        """Install the project with what its tests need, in place of others of its name; `program` gives the paths."""
        self.nox(f"tests-{self.version}", more=["--install-only"])

    @property
    def environments(self) -> Path:
        """Give the folder of the environments; a fresh one compiles all that is imported, and mypy reads it all."""
        return _shared() / str(self.answers.get("pipeline", ASKED["pipeline"]["default"]))

    def program(self, session: str, name: str) -> str:
        """Give the path of a program that a session has installed."""
        return str(self.environments / f"{session}-{self.version.replace('.', '-')}" / "bin" / name)

    def commit(self) -> None:
        """Put the project under git, as its owner does first."""
        self.run("git", "init", "--quiet", "--initial-branch=main")
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message=Start")


def first_steps(project: Project) -> list[list[str]]:
    """Read the commands of its own with which the README of a project starts, without the name of the program."""
    page = (project.folder / "README.md").read_text(encoding="utf-8")
    block = page.partition("\n## Start\n")[2].partition("```console\n")[2].partition("```")[0]
    lines = [shlex.split(line.removeprefix("uv run ")) for line in block.splitlines()]
    return [words[1:] for words in lines if words[0] == project.answers["package_name"].replace("_", "-")]


def use(project: Project, program: str, folder: Path, more: Mapping[str, str] | None = None) -> None:
    """Follow the README's first steps outside the project, where only the sample and the settings are."""
    for path in [*project.folder.glob("src/*/data"), project.folder / "plugins"]:
        shutil.copytree(path, folder / path.relative_to(project.folder))
    shutil.copy(project.folder / "config.toml", folder)
    given = set(folder.iterdir())
    steps = first_steps(project)
    assert steps
    for words in steps:
        project.run(program, *words, cwd=folder, more=more)
        for option, name in itertools.pairwise(words):
            if option == "-o":
                assert any(path.stat().st_size for path in [folder / name, *(folder / name).rglob("*")])
        tables = [(folder / word).read_text(encoding="utf-8").splitlines() for word in words if ".csv" in word]
        assert len({*map(len, tables)}) <= 1, f"{words}: rows out are not rows in"
    page = (project.folder / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in folder.iterdir() if path not in given and path.name not in page] == []


def check_hosting(project: Project) -> None:
    """Hold the host's files against their schemas and against what reviewers look for."""
    if project.answers["hosting"] == "github":
        workflows = sorted(map(str, project.folder.glob(".github/workflows/*.yml")))
        project.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
        project.run("check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml")
        project.run("zizmor", "--offline", "--quiet", ".github")
    if project.answers["hosting"] == "gitlab":
        project.run("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", ".gitlab-ci.yml")
        project.run("check-jsonschema", "--builtin-schema", "vendor.renovate", "renovate.json")
    if (project.answers["hosting"], project.answers["docs"]) == ("github", "sphinx"):
        assert failing_reviews(project) == []


def failing_reviews(project: Project) -> list[str]:
    """List the checks of sp-repo-review that fail, but for those of pre-commit.ci, which is not used."""
    words = ["--format", "json", "--show", "all", "--ignore", "PC901,PC902,PC903"]
    found = json.loads(project.run("sp-repo-review", ".", *words, check=False))
    return sorted(name for name, check in found["checks"].items() if check["result"] is False)
