"""What every test shares: a quiet machine, one snapshot of the template, one renderer, projects to update."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fleet import conflicts
from hypothesis import settings
from pytest_copie.plugin import Copie
from releases import publish
from rendering import Renderer, snapshot
from updating import Follower, Workshop, losses

pytest.register_assert_rewrite("expectations", "projects")
pytest_plugins = ["progress"]


def pytest_configure(config: pytest.Config) -> None:
    """Try few examples of texts each time, many with --long."""
    settings.register_profile("template", max_examples=200 if config.getoption("long") else 10)
    settings.load_profile("template")


@pytest.fixture(scope="session", autouse=True)
def _nobody(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Forget the user's own settings: they would answer questions, sign commits or name branches."""
    (settings := tmp_path_factory.mktemp("settings") / "settings.yml").write_text("{}\n")
    os.environ["COPIER_SETTINGS_PATH"] = str(settings)
    os.environ |= dict.fromkeys(["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"], os.devnull)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each process compiles what it imports
    os.environ |= dict.fromkeys(["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"], "Test")
    os.environ |= dict.fromkeys(["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"], "test@example.org")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the template as it is now, without git."""
    return snapshot(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def renderer(copie_session: Copie, template: Path) -> Renderer:
    """Give what renders a combination."""
    return Renderer(copie_session, template)


@pytest.fixture(scope="session")
def workshop(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Publish the releases, and make projects from them."""
    return Workshop(publish(tmp_path_factory.mktemp("hub")), tmp_path_factory.mktemp("renders"), renderer)


@pytest.fixture
def project(workshop: Workshop, tmp_path: Path, record_property: Callable[[str, object], None]) -> Iterator[Follower]:
    """Give a project to start; count it, and the edits in it."""
    project = Follower(workshop, tmp_path / "project")
    yield project
    if not project.folder.is_dir():
        return
    lines = sum(len(edit[0]) for edit in project.mine.values() if isinstance(edit, tuple))
    counts = {
        "projects": 1,
        "updates": project.updates,
        "edits": lines + sum(not isinstance(edit, tuple) for edit in project.mine.values()),
        "edits lost": len(losses(project.folder, project.mine)),
        "conflicts": len(conflicts(project.folder)),
    }
    for what, count in counts.items():
        record_property(f"count of {what}", count)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Say how to see a failed update again."""
    project = getattr(item, "funcargs", {}).get("project")
    if call.excinfo and isinstance(project, Follower) and project.log:
        call.excinfo.value.add_note("To see it:\n" + "\n".join(project.log))
    return (yield)
