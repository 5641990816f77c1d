"""Rendered projects are used as their owner would: every check they bring, from the outside and by others' rules.

The renders hold every choice, and go through one Python each; each kind in each size and each Python is used whole.
With --long every pair of choices is, on every Python.
"""

import itertools
import shutil
from collections import Counter
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path

import pytest
from classes import is_seed
from combinations import choicewise, combinations, pairwise, whole, with_texts
from interpreters import VERSIONS, find
from projects import Project, check_hosting, shortened, use
from questions import KINDS, choices
from rendering import Renderer, contents
from samples import cases, long, one_each

pytestmark = [pytest.mark.projects]

EVERY = combinations()


FOUND = [version for version in VERSIONS if find(version)]


def able(number: int, versions: Sequence[str] = VERSIONS) -> list[str]:
    """List the Pythons on which a combination runs."""
    fit = VERSIONS[VERSIONS.index(EVERY[number]["min_python"]) :]
    return [version for version in fit if version in versions] or fit[:1]


def dealt(sample: Sequence[int], versions: Sequence[str]) -> list[tuple[int, str]]:
    """Deal the Pythons out: who has little choice comes first, and takes what fewest have."""
    used: Counter[str] = Counter()
    found = []
    for number in sorted(sample, key=lambda number: len(able(number, versions))):
        version = min(reversed(able(number, versions)), key=lambda version: used[version])
        used[version] += 1
        found.append((number, version))
    return found


def _name(case: tuple[int, str]) -> str:
    number, version = case
    return "-".join([*map(str, EVERY[number].values()), version])


def in_use(cases: Sequence[tuple[int, str]]) -> set[tuple[int, str]]:
    """Pick those that are used whole: each kind in each size, each Python; others differ in what surrounds the code."""
    kinds = one_each(cases, lambda case: whole(EVERY[case[0]]))
    return {*kinds, *one_each([*kinds, *cases], itemgetter(1))}


QUICK = dealt(choicewise(EVERY), FOUND)
WHOLE = in_use(QUICK)


def each() -> list[tuple[int, str]]:
    """Give every pair of choices on every Python."""
    return [(number, version) for number in pairwise(EVERY) for version in able(number)]


@pytest.fixture(params=cases(QUICK, each, _name))
def project(request: pytest.FixtureRequest, renderer: Renderer) -> Project:
    """Give a render that its owner has just committed."""
    number, version = request.param
    if find(version) is None:
        pytest.skip(f"no Python {version} on this machine")
    answers = with_texts(number, EVERY[number])
    project = Project(renderer.render(answers), answers, version)
    project.commit()
    return project


def test_project_passes_its_own_checks(project: Project, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    project.nox("lint")
    if request.node.callspec.params["project"] in WHOLE or long():
        project.nox("types", "build", *(["docs"] if project.answers["docs"] == "sphinx" else []))
        use(project, project.program("build", project.answers["package_name"].replace("_", "-")), tmp_path)
    assert project.run("git", "status", "--porcelain") == "", "the checks leave files that git sees"
    project.run("validate-pyproject", "pyproject.toml")
    check_hosting(project)
    shutil.rmtree(project.folder)


BARE = [*zip(["hatchling", "setuptools", "poetry-core"], itertools.cycle(KINDS), strict=False)]


@pytest.mark.parametrize("case", cases(BARE[: len(KINDS)], lambda: BARE, "-".join))
def test_project_without_its_seeds_builds_starts_and_passes(case: tuple[str, str], renderer: Renderer) -> None:
    backend, kind = case
    answers = {"package_name": "tides", "build_backend": backend, "pipeline": kind}
    project = Project(renderer.render(answers), answers, "3.11")
    for path in contents(project.folder):
        if is_seed(path) and path != "README.md":  # pyproject.toml names it: the two go together
            (project.folder / path).unlink()
    project.nox("build")
    assert "Usage: tides" in project.run(project.program("build", "tides"), "--help")


@pytest.mark.parametrize("kind", cases(KINDS[:1], lambda: KINDS))
def test_program_in_one_file_needs_nothing_but_python(kind: str, renderer: Renderer, tmp_path: Path) -> None:
    answers = {"package_name": "tides", "pipeline": kind}
    project = Project(renderer.render(answers), answers, VERSIONS[0])
    project.nox("zipapp")
    [made] = (project.folder / "dist").iterdir()
    (machine := tmp_path / "machine").mkdir()
    program = shutil.move(made, machine / "tides")
    shutil.rmtree(project.folder / "src" / "tides" / "commands")
    project.run(str(find(project.version)), "-m", "venv", "--without-pip", str(machine / "python"))
    use(project, str(program), tmp_path / "work", {"HOME": str(machine), "PATH": str(machine / "python" / "bin")})
    assert (machine / ".shiv").is_dir()
    shutil.rmtree(machine)  # hundreds of megabytes


def test_sample_has_every_python_and_choice() -> None:
    assert {version for _, version in dealt(choicewise(EVERY), VERSIONS)} == {*VERSIONS} >= {*choices("min_python")}
    every = {choice for answers in EVERY for choice in answers.items()}
    assert {choice for number, _ in QUICK for choice in EVERY[number].items()} == every


def test_long_output_keeps_its_reasons() -> None:
    said = "Using --randomly-seed=3\n" + 9 * "E   no plugin\n>   x()\n" + 99 * "."
    assert shortened(said, 99) == "Using --randomly-seed=3\nE   no plugin\n" + 99 * "."
    assert shortened("short") == "short"
