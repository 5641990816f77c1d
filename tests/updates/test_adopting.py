"""A flat project with one script comes under the template as docs/adopting.md tells, word for word."""

import os
import random
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import interpreters
import pytest
from documents import blocks
from fleet import conflicts
from questions import ROOT, choices
from releases import add_release, git, publish
from rendering import contents
from wheels import build_wheel

pytestmark = pytest.mark.updates

PAGE = (ROOT / "docs" / "adopting.md").read_text(encoding="utf-8")
SCRIPT = next(text for language, text in blocks(PAGE) if language == "python")
MODULES = dict(re.findall(r"^`([^`\n]+)`:\n\n```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
DEPENDENCIES, TABLES = (text for language, text in blocks(PAGE) if language == "toml")
REQUIREMENTS = ["joblib", "pandas", "scikit-learn"]
RIVER = """\
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = "river-level"
version = "2.3.1" # by hand
description = "Levels of rivers"
requires-python = ">=3.12"
dependencies = ["requests>=2.30"]

[project.scripts]
level = "river.levels:main"

[tool.mine]
kept = true
"""
IGNORED = {"passwords.env": "TOKEN=secret\n", "notes/today.txt": "mine\n"}


def readings() -> str:
    """Make a table with what real ones have: gaps, repeated rows, a number that means none."""
    chance = random.Random(0)  # noqa: S311 - no secret
    rows = []
    for day in range(240):
        wind, pressure = chance.uniform(0, 25), chance.gauss(1013, 10)
        surge = 2.1 * wind - 0.9 * (pressure - 1013) + chance.gauss(0, 5)
        cells = [f"2023-{1 + day // 28 % 12:02}-{1 + day % 28:02}", f"{wind:.1f}", f"{pressure:.1f}", f"{surge:.1f}"]
        cells[1] = {0: "", 1: "-99"}.get(day % 17, cells[1])
        cells[3] = "" if day % 29 == 5 else cells[3]
        rows += [",".join(cells)] * (2 if day % 40 == 3 else 1)
    return "\n".join(["time,wind_ms,pressure_hpa,surge_cm", *rows, ""])


def console(section: str) -> str:
    """Give the commands of a section as one script."""
    text = PAGE.partition(f"# {section}\n")[2].partition("\n## ")[0]
    found = "".join(text for language, text in blocks(text) if language == "console")
    assert found, section
    return found


@dataclass
class Owner:
    """Somebody in the folder of a project."""

    project: Path
    path: str
    hub: Path

    def run(self, commands: str) -> str:
        """Type commands; the first that fails ends it."""
        environment = os.environ | {"PATH": self.path, "GIT_CONFIG_GLOBAL": str(self.hub), "NO_COLOR": "1"}
        for name in ("VIRTUAL_ENV", "PYTHONPATH", "NOX_CURRENT_SESSION", "PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST"):
            environment.pop(name, None)
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", commands],
            cwd=self.project,
            env=environment | {"COPIER_CACHE_DIR": str(self.hub.parent / "cache"), "UV_PYTHON_DOWNLOADS": "never"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout[-6000:]}"
        return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give git settings with which the template is at gh:org/copier-datascience."""
    work = tmp_path_factory.mktemp("hub")
    address = "https://github.com/org/copier-datascience.git"
    git("config", "--file", "gitconfig", f"url.{publish(work)}.insteadOf", address, folder=work)
    for key in ("name", "email"):
        git("config", "--file", "gitconfig", f"user.{key}", "ada@example.org", folder=work)
    return work / "gitconfig"


@pytest.fixture
def owner(hub: Path, tmp_path: Path) -> Owner:
    """Give a flat project under git, and its owner."""
    project = tmp_path / "tides"
    files = {
        "train.py": SCRIPT,
        "requirements.txt": "".join(f"{name}\n" for name in REQUIREMENTS),
        "README.md": "# Tides\n\nRun `python train.py`.\n",
        "LICENSE": "Copyright 2023 Ada. All rights reserved.\n",
        ".gitignore": "*.joblib\n*.env\n/notes/\n",
        "data/tides.csv": readings(),
    }
    for path, text in (files | IGNORED).items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text, encoding="utf-8")
    git("init", "--quiet", "--initial-branch=main", folder=project)
    git("add", "--all", folder=project)
    git("commit", "--quiet", "-m", "Work", folder=project)
    path = os.pathsep.join([str(Path(sys.executable).parent), interpreters.PATH])
    return Owner(project, path, hub)


def owned(owner: Owner) -> dict[str, bytes]:
    """Read the files, but for git's own."""
    found = contents(owner.project)
    return {path: data for path, data in found.items() if not path.startswith(".git/") and not path.endswith("/")}


def test_trial_changes_nothing_and_names_the_files_that_both_have(owner: Owner) -> None:
    before = owned(owner)
    said = owner.run(console("Adopting an existing project"))
    assert owned(owner) == before
    both = re.findall(r"^ *(?:conflict|overwrite|skip)  .*$", said, re.MULTILINE)
    shown = next(text for language, text in blocks(PAGE) if language == "text")
    assert sorted(line.split() for line in both) == sorted(line.split() for line in shown.splitlines())


def test_trial_names_a_file_that_only_the_disk_has(owner: Owner) -> None:
    (owner.project / ".git" / "info" / "exclude").write_text("/.pre-commit-config.yaml\n")
    (owner.project / ".pre-commit-config.yaml").write_text("repos: []\n")
    said = owner.run(console("Adopting an existing project"))
    assert "overwrite  .pre-commit-config.yaml" in said
    assert ".pre-commit-config.yaml" in owner.run("git ls-files --others").splitlines()


def test_git_shows_every_file_of_the_owners_that_changed(owner: Owner) -> None:
    before = owned(owner)
    [copy, diff, *_] = console("Apply the template").splitlines()
    owner.run(f"git switch --create template\n{copy}")
    after = owned(owner)
    changed = {path for path, data in before.items() if after.get(path) != data}
    assert changed == {".gitignore", "LICENSE"}
    assert set(re.findall(r"^ (\S+) +\|", owner.run(diff), re.MULTILINE)) == changed


def test_owner_ends_with_all_files_and_the_patterns_of_both(owner: Owner) -> None:
    before = owned(owner)
    said = owner.run(f"git switch --create template\n{console('Apply the template')}")
    after = owned(owner)
    assert {path for path, data in before.items() if after.get(path) != data} == {".gitignore"}
    patterns = after[".gitignore"].decode().splitlines()
    assert patterns[patterns.index("# your patterns: below this line") + 1 :] == ["*.joblib", "*.env", "/notes/"]
    committed = set(owner.run("git ls-files").splitlines())
    assert committed == after.keys() - IGNORED.keys()
    assert sorted(re.findall(r"^!! (.*)$", said, re.MULTILINE)) == ["notes/", "passwords.env"]


def test_giving_up_leaves_the_project_as_it_was(owner: Owner) -> None:
    before = owned(owner)
    [copy, *_] = console("Apply the template").splitlines()
    owner.run(f"git switch --create template\n{copy}")
    [line] = [line for line in PAGE.splitlines() if line.startswith("To give up: ")]
    owner.run("\n".join(re.findall(r"`(git [^`]+)`", line)))
    assert owned(owner) == before


@pytest.mark.parametrize("backend", choices("build_backend"))
def test_distribution_of_another_name_keeps_what_pyproject_said(backend: str, hub: Path, tmp_path: Path) -> None:
    project = tmp_path / "level"
    (project / "src" / "river").mkdir(parents=True)
    (project / "src" / "river" / "levels.py").write_text('"""Levels."""\n', encoding="utf-8")
    (project / "pyproject.toml").write_text(RIVER, encoding="utf-8")
    git("init", "--quiet", "--initial-branch=main", folder=project)
    git("add", "--all", folder=project)
    git("commit", "--quiet", "-m", "Work", folder=project)
    owner = Owner(project, os.pathsep.join([str(Path(sys.executable).parent), interpreters.PATH]), hub)
    answers = f"--data project_name=River --data package_name=river --data build_backend={backend}"
    owner.run(f"copier copy --overwrite --defaults {answers} gh:org/copier-datascience .")
    owner.run("git add --all && git commit --quiet --message 'Adopt the template'")
    said = owner.run("python update.py adopt HEAD~")
    assert "kept yours: project.name = river-level, not river\n" in said
    found = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    mine = tomllib.loads(RIVER)
    for key in ("name", "version", "description", "requires-python"):
        assert found["project"][key] == mine["project"][key]
    assert {"requests>=2.30", "polars>=2.0"} <= {*found["project"]["dependencies"]}
    assert found["project"]["scripts"].keys() == {"level", "river"}
    assert found["tool"]["mine"] == mine["tool"]["mine"]
    wheel = build_wheel(project, tmp_path / "dist")
    assert (wheel.metadata["Name"].replace("_", "-"), wheel.metadata["Version"]) == ("river-level", "2.3.1")
    assert {"river/levels.py", "river/cli.py", "river/data/penguins.csv"} <= wheel.package.keys()
    assert {path.partition("/")[0] for path in wheel.package} == {"river"}


def test_metadata_of_another_kind_is_left_to_the_owner(owner: Owner) -> None:
    (owner.project / "pyproject.toml").write_text('[tool.poetry]\nname = "tides"\n', encoding="utf-8")
    owner.run("git add --all && git commit --quiet --message Metadata")
    owner.run("copier copy --overwrite --defaults gh:org/copier-datascience .")
    owner.run("git add --all && git commit --quiet --message 'Adopt the template'")
    said = owner.run("python update.py adopt HEAD~ || true")
    assert said == "error: pyproject.toml of HEAD~ has no table [project]: copy its values by hand\n"
    assert owner.run("git status --short") == ""


@pytest.fixture
def scientist(owner: Owner) -> Owner:
    """Give the owner an environment in which the script runs, and pip."""
    environment = owner.project.parent / "environment"
    if not (uv := shutil.which("uv")):
        pytest.skip("no uv to make an environment with")
    subprocess.run([uv, "venv", "--quiet", "--seed", "--python", sys.executable, str(environment)], check=True)
    words = [uv, "pip", "install", "--quiet", "--python", str(environment), *REQUIREMENTS]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no {', '.join(REQUIREMENTS)} to install: {done.stderr.strip()[-200:]}")
    owner.path = os.pathsep.join([str(environment / "bin"), owner.path])
    return owner


@pytest.mark.projects
def test_modules_give_the_numbers_pass_the_checks_and_follow_the_template(
    scientist: Owner, tmp_path_factory: pytest.TempPathFactory
) -> None:
    scientist.run(f"git switch --create template\n{console('Apply the template')}")
    scientist.run(console("Turn the script into modules"))
    for path, text in MODULES.items():
        (scientist.project / path).parent.mkdir(exist_ok=True)
        (scientist.project / path).write_text(text, encoding="utf-8")
    pyproject = scientist.project / "pyproject.toml"
    before, comment, after = pyproject.read_text(encoding="utf-8").partition("# your dependencies: below this line\n")
    pyproject.write_text(f"{before}{comment}{DEPENDENCIES}{after}{TABLES}", encoding="utf-8")
    scientist.run(console("Check that the results are the same"))
    numbers = (scientist.project / "numbers.txt").read_text(encoding="utf-8")
    assert re.fullmatch(r"rows \d+\nMAE \d+\.\d{6,}\nR2 0\.\d{6,}\n", numbers)
    assert scientist.run("tide-surge run data/tides.csv") == numbers
    assert scientist.run("git status --short") == ""
    work = tmp_path_factory.mktemp("next")
    add_release(scientist.hub.parent / "template.git", "v91.0.0", work, evolve)
    known = owned(scientist)
    scientist.run("copier update --defaults")
    found = owned(scientist)
    assert {path for path in known.keys() | found.keys() if known.get(path) != found.get(path)} == {
        ".copier-answers.yml",
        "noxfile.py",
    }
    assert conflicts(scientist.project) == []


def evolve(template: Path) -> None:
    """Change a file that every project shares with the template."""
    with (template / "template" / "noxfile.py").open("a", encoding="utf-8") as file:
        file.write("# the end\n")
