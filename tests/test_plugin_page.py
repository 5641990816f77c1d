"""What the page about plugins shows works as it stands: the file, its test, and the distribution made of it."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from documents import blocks
from projects import Project
from rendering import Renderer

pytestmark = pytest.mark.projects

ANSWERS = {"package_name": "tides", "hosting": "none"}
SPACED = """

@nw.narwhalify
def transform(frame):
    \"\"\"Double the year.\"\"\"
    return frame.with_columns(nw.col("year") * 2)
"""


@pytest.fixture(scope="module")
def project(renderer: Renderer) -> Project:
    """Give a project with an environment of its own."""
    project = Project(renderer.render(ANSWERS), ANSWERS, f"{sys.version_info[0]}.{sys.version_info[1]}")
    project.run("uv", "venv", "--quiet", "--python", sys.executable, "env")
    project.run("uv", "pip", "install", "--quiet", "--python", "env", "-e", ".", "pytest")
    return project


def shown(project: Project) -> list[tuple[str, str]]:
    """Give the blocks of the page."""
    return blocks((project.folder / "docs" / "plugins.md").read_text(encoding="utf-8"))


def test_file_config_and_test_of_the_page_work(project: Project) -> None:
    plugin, test = (text for name, text in shown(project) if name == "{code-block}")
    config = next(text for name, text in shown(project) if name == "toml")
    assert len([line for line in plugin.splitlines() if line]) == 5
    (project.folder / "plugins" / "heavy.py").write_text(plugin)
    (project.folder / "mine.toml").write_text(config)
    (project.folder / "test_heavy.py").write_text(test)
    assert "1 passed" in project.run("env/bin/python", "-m", "pytest", "-q", "test_heavy.py")
    listed = project.run("env/bin/tides", "plugins", "list", "--config", "mine.toml")
    assert "* heavy(column: str, above: float = 0): Say in a column" in listed
    project.run("env/bin/tides", "train", "--config", "mine.toml")
    card = json.loads((project.folder / "model" / "model.json").read_text(encoding="utf-8"))
    assert [made["name"] for made in card["transforms"]] == ["bill_shape", "heavy"]
    assert "heavy" in [column["name"] for column in card["schema"]]
    project.run("env/bin/tides", "plugins", "lock", "--plugins", "plugins")
    (project.folder / "plugins" / "heavy.py").write_text(plugin + "# changed\n")
    refused = project.run("env/bin/tides", "train", "--config", "mine.toml", check=False)
    assert "heavy.py has changed since it was approved" in refused


def test_distribution_of_the_page_and_one_of_the_namespace_are_built_installed_and_used(
    project: Project, tmp_path: Path
) -> None:
    [plugin, _] = [text for name, text in shown(project) if name == "{code-block}"]
    [_, pyproject] = [text for name, text in shown(project) if name == "toml"]
    (tmp_path / "heavy_plugin.py").write_text(plugin)
    (tmp_path / "pyproject.toml").write_text(pyproject)
    shared = tmp_path / "shared"
    (shared / "tides_plugins").mkdir(parents=True)
    (shared / "tides_plugins" / "double.py").write_text("import narwhals as nw\n" + SPACED)
    named = pyproject.replace("heavy-plugin", "shared-plugin").replace("heavy_plugin.py", "tides_plugins")
    (shared / "pyproject.toml").write_text(named.replace('heavy = "heavy_plugin"', ""))
    wheels: list[str] = []
    for folder in (tmp_path, shared):
        project.run("uv", "build", "--quiet", "--wheel", "--out-dir", str(folder / "dist"), str(folder))
        wheels += map(str, (folder / "dist").glob("*.whl"))
    project.run("uv", "pip", "install", "--quiet", "--no-deps", "--python", "env", *wheels)
    listed = project.run("env/bin/tides", "plugins", "list")
    assert "    entry point heavy-plugin 1.0, " in listed
    assert "    namespace shared-plugin 1.0, " in listed
    (tmp_path / "use.toml").write_text('transforms = [{ use = "heavy", column = "year", above = 2008 }, "double"]\n')
    words = ["env/bin/tides", "train", "--config", str(tmp_path / "use.toml"), "-o", str(tmp_path / "model")]
    project.run(*words)
    card = json.loads((tmp_path / "model" / "model.json").read_text(encoding="utf-8"))
    columns = {column["name"]: column for column in card["schema"]}
    assert columns["heavy"]["kind"] == "boolean"
    assert columns["year"]["high"] == 2 * 2009
    shutil.rmtree(project.folder / "env", ignore_errors=True)
