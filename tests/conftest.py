"""What every test shares: a quiet machine, one snapshot of the template, one renderer."""

import os
from pathlib import Path

import pytest
from pytest_copie.plugin import Copie
from rendering import Renderer, snapshot

pytest.register_assert_rewrite("expectations", "projects")
pytest_plugins = ["progress"]


@pytest.fixture(scope="session", autouse=True)
def _nobody(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Forget the user's own settings: they would answer questions, sign commits or name branches."""
    (settings := tmp_path_factory.mktemp("settings") / "settings.yml").write_text("{}\n")
    os.environ["COPIER_SETTINGS_PATH"] = str(settings)
    os.environ |= dict.fromkeys(["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"], os.devnull)
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
