"""`copier update` loses nothing: from every release to the template as it is, trees and answers compared."""

from collections.abc import Callable
from pathlib import Path

import pytest
from classes import is_seed
from combinations import Answers, combinations, pairwise, with_texts
from owner import edit
from releases import HEAD, publish, releases, unreleased
from rendering import Renderer
from updating import Workshop, commit, edits, losses, tree, troubles
from wheels import build_in_fork

pytestmark = pytest.mark.updates

EVERY = combinations()
SAMPLE = pairwise(EVERY)
FROM = [*releases(), "unreleased"]


def _name(number: int) -> str:
    return "-".join(map(str, EVERY[number].values()))


@pytest.fixture(scope="session")
def workshop(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Publish the releases, and make projects from them."""
    return Workshop(publish(tmp_path_factory.mktemp("hub")), tmp_path_factory.mktemp("renders"), renderer)


@pytest.fixture
def start(workshop: Workshop, tmp_path: Path) -> Callable[[str, Answers], Path]:
    """Start a project at a release."""

    def call(release: str, answers: Answers) -> Path:
        release = unreleased(workshop.bare) if release == "unreleased" else release
        return workshop.start(release, answers, tmp_path / "project")

    return call


@pytest.mark.parametrize("number", SAMPLE, ids=_name)
@pytest.mark.parametrize("release", FROM)
def test_untouched_project_becomes_a_fresh_render(
    release: str, number: int, workshop: Workshop, start: Callable[[str, Answers], Path]
) -> None:
    answers = with_texts(number, EVERY[number])
    project = start(release, answers)
    before, fresh = tree(project), tree(workshop.render(HEAD, answers))
    workshop.update(project)
    seeds = {path: data for path, data in before.items() if is_seed(path)}
    assert tree(project) == seeds | {path: data for path, data in fresh.items() if not is_seed(path)}
    assert troubles(project) == []
    commit(project, "Update")
    updated = tree(project)
    workshop.update(project)
    assert tree(project) == updated


@pytest.mark.parametrize("number", SAMPLE, ids=_name)
@pytest.mark.parametrize("release", FROM)
def test_edited_project_keeps_every_edit(
    release: str, number: int, workshop: Workshop, start: Callable[[str, Answers], Path], tmp_path: Path
) -> None:
    answers = with_texts(number, EVERY[number])
    project = start(release, answers)
    edit(project, answers["package_name"])
    commit(project, "Edit")
    mine, fresh = edits(project), tree(workshop.render(HEAD, answers))
    workshop.update(project)
    now = tree(project)
    assert troubles(project) == []
    assert losses(project, mine) == []
    untouched = [path for path in fresh if not is_seed(path) and path not in mine]
    assert [path for path in untouched if now[path] != fresh[path]] == []
    build_in_fork(project, tmp_path / "dist")
