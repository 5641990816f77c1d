"""A project grows and shrinks by the answer `size`, whatever its owner did to it."""

import shutil
from pathlib import Path

import pytest
from interpreters import VERSIONS, find
from projects import Project
from questions import KINDS, choices
from releases import HEAD
from samples import cases
from updating import Follower, tree

pytestmark = pytest.mark.updates

LEAN, FULL = choices("size")
WHO = {"package_name": "tides", "user_name": "Ada", "github_user": "ada"}


@pytest.mark.projects
@pytest.mark.parametrize("kind", cases(KINDS[:1], lambda: KINDS))
def test_edited_project_passes_its_tests_in_each_size(kind: str, project: Follower, tmp_path: Path) -> None:
    answers = WHO | {"pipeline": kind}
    python = next(version for version in reversed(VERSIONS) if find(version))
    project.start(HEAD, answers)
    project.edit()
    seen: dict[str, dict[str, bytes]] = {}
    for size in (FULL, LEAN, FULL):
        project.update(size=size)
        assert project.wrongs() == []
        project.commit(f"size: {size}")
        if size in seen:
            assert tree(project.folder) == seen[size]
            continue
        seen[size] = tree(project.folder)
        copy = shutil.copytree(project.folder, tmp_path / size)  # checks leave things behind
        Project(copy, answers, python).nox("build")


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_owner_put_into_a_folder_that_goes_stays(kind: str, project: Follower) -> None:
    project.start(HEAD, WHO | {"pipeline": kind, "size": FULL})
    full = tree(project.folder)
    own = {
        f"src/tides/_internal/{folder}/own.py": b'"""Mine."""\n'
        for folder in ("engines", "sources")
        if any(path.startswith(f"src/tides/_internal/{folder}/") for path in full)
    }
    assert own
    for path, content in own.items():
        (project.folder / path).write_bytes(content)
    project.commit("Write modules beside the template's")
    for size in (LEAN, FULL):
        project.update(size=size)
        project.commit(f"size: {size}")
        now = tree(project.folder)
        assert own.items() <= now.items()
        beside = {path for path in now.keys() - own.keys() if path.startswith(tuple(p[: -len("own.py")] for p in own))}
        assert bool(beside) == (size == FULL)
    assert now.keys() - own.keys() == full.keys()
