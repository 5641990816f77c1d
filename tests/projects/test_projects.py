"""Rendered projects are used as their owner would: every check they bring, from the outside and by others' rules.

The renders hold every pair of choices; each goes through one Python (in turn), or through all with --every-python.
"""

import itertools
import shutil
from pathlib import Path

import pytest
from classes import is_seed
from combinations import combinations, pairwise, with_texts
from interpreters import VERSIONS, find
from projects import Project, check_hosting, shortened, use
from questions import KINDS, choices
from rendering import Renderer, contents

pytestmark = [pytest.mark.projects]

EVERY = combinations()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Deal the Pythons out to the sample."""
    if {"number", "version"} <= set(metafunc.fixturenames):
        every_python = metafunc.config.getoption("every_python")
        cases = []
        for place, number in enumerate(pairwise(EVERY)):
            able = [version for version in VERSIONS if _minor(version) >= _minor(EVERY[number]["min_python"])]
            cases += [(number, version) for version in (able if every_python else [able[place % len(able)]])]
        metafunc.parametrize(("number", "version"), cases, ids=[_name(*case) for case in cases])


def _minor(version: str) -> int:
    return int(version.partition(".")[2])


def _name(number: int, version: str) -> str:
    return "-".join([*map(str, EVERY[number].values()), version])


@pytest.fixture
def project(renderer: Renderer, number: int, version: str) -> Project:
    """Give a render that its owner has just committed."""
    if find(version) is None:
        pytest.skip(f"no Python {version} on this machine")
    answers = with_texts(number, EVERY[number])
    project = Project(renderer.render(answers), answers, version)
    project.commit()
    return project


def test_project_passes_its_own_checks(project: Project, tmp_path: Path) -> None:
    project.nox("lint", "types", "build", *(["docs"] if project.answers["docs"] == "sphinx" else []))
    [program] = map(str, project.folder.glob(f".nox/build*/bin/{project.answers['package_name'].replace('_', '-')}"))
    use(project, program, tmp_path)
    assert project.run("git", "status", "--porcelain") == "", "the checks leave files that git sees"
    project.run("validate-pyproject", "pyproject.toml")
    check_hosting(project)
    shutil.rmtree(project.folder)


@pytest.mark.parametrize(
    ("backend", "kind"), [*zip(["hatchling", "setuptools", "poetry-core"], itertools.cycle(KINDS), strict=False)]
)
def test_project_without_its_seeds_builds_starts_and_passes(backend: str, kind: str, renderer: Renderer) -> None:
    answers = {"package_name": "tides", "build_backend": backend, "pipeline": kind}
    project = Project(renderer.render(answers), answers, "3.11")
    for path in contents(project.folder):
        if is_seed(path) and path != "README.md":  # pyproject.toml names it: the two go together
            (project.folder / path).unlink()
    project.nox("build")
    assert "Usage: tides" in project.run(str(next(project.folder.glob(".nox/build*/bin/tides"))), "--help")


@pytest.mark.parametrize("kind", KINDS)
def test_program_in_one_file_needs_nothing_but_python(kind: str, renderer: Renderer, tmp_path: Path) -> None:
    answers = {"package_name": "tides", "pipeline": kind}
    project = Project(renderer.render(answers), answers, VERSIONS[0])
    project.nox("zipapp")
    [made] = (project.folder / "dist").iterdir()
    (machine := tmp_path / "machine").mkdir()
    program = shutil.move(made, machine / "tides")
    shutil.rmtree(project.folder / ".nox")
    shutil.rmtree(project.folder / "src" / "tides" / "commands")
    project.run(str(find(project.version)), "-m", "venv", "--without-pip", str(machine / "python"))
    use(project, str(program), tmp_path / "work", {"HOME": str(machine), "PATH": str(machine / "python" / "bin")})
    assert (machine / ".shiv").is_dir()
    shutil.rmtree(machine)  # hundreds of megabytes


def test_sample_has_every_python_that_projects_may_need() -> None:
    assert set(VERSIONS) == set(choices("min_python"))


def test_long_output_keeps_its_reasons() -> None:
    said = "Using --randomly-seed=3\n" + 9 * "E   no plugin\n>   x()\n" + 99 * "."
    assert shortened(said, 99) == "Using --randomly-seed=3\nE   no plugin\n" + 99 * "."
    assert shortened("short") == "short"
