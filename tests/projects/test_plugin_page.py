"""What the page about plugins shows works as it stands: the file, its test, and the distribution made of it."""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from documents import blocks
from projects import Project
from questions import KINDS
from rendering import Renderer

pytestmark = pytest.mark.projects

ANSWERS = {"package_name": "tides", "hosting": "none"}
DOUBLE = """import narwhals as nw


@nw.narwhalify
def transform(frame):
    \"\"\"Add twice the year; what comes after needs it.\"\"\"
    return frame.with_columns(twice=nw.col("year") * 2)
"""


PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "heavy-plugin"
version = "1.0"
dependencies = ["tides"]

[project.entry-points."tides.plugins"]
heavy = "heavy_plugin"

[tool.hatch.build.targets.wheel]
include = ["heavy_plugin.py"]
"""


@pytest.fixture(scope="module", params=KINDS)
def project(request: pytest.FixtureRequest, renderer: Renderer) -> Iterator[Project]:
    """Give a project of each kind, installed."""
    answers = ANSWERS | {"pipeline": request.param, "size": "full"}
    project = Project(renderer.render(answers), answers, f"{sys.version_info[0]}.{sys.version_info[1]}")
    project.installed()
    yield project
    words = ["heavy-plugin", "shared-plugin", "--python", project.program("tests", "python")]
    project.run("uv", "pip", "uninstall", "--quiet", *words)


def shown(project: Project) -> list[tuple[str, str]]:
    """Give the blocks of the page."""
    return blocks((project.folder / "docs" / "plugins.md").read_text(encoding="utf-8"))


def use(project: Project, config: str, *, check: bool = True) -> str:
    """Run the command that the page shows for a config, with another one."""
    lines = [line for name, text in shown(project) if name == "console" for line in text.splitlines()]
    [words] = [shlex.split(line) for line in lines if line.endswith("--config config.toml") and "plugins" not in line]
    return project.run(project.program("tests", words[0]), *words[1:-1], config, check=check)


def test_file_config_and_test_of_the_page_work(project: Project) -> None:
    plugin, test = (text for name, text in shown(project) if name == "{code-block}")
    config = next(text for name, text in shown(project) if name == "toml")
    assert len([line for line in plugin.splitlines() if line]) == 5
    (file := project.folder / "plugins" / "heavy.py").write_text(plugin)
    (project.folder / "mine.toml").write_text(config)
    (project.folder / "test_heavy.py").write_text(test)
    assert "1 passed" in project.run(project.program("tests", "python"), "-m", "pytest", "-q", "test_heavy.py")
    listed = project.run(project.program("tests", "tides"), "plugins", "list", "--config", "mine.toml")
    assert "* heavy(column: str, above: float = 0): Add the column" in listed
    use(project, "mine.toml")
    file.write_text(plugin.replace("return ", "return 1 / 0, "))
    assert "plugin 'heavy' failed: ZeroDivisionError" in use(project, "mine.toml", check=False)
    project.run(project.program("tests", "tides"), "plugins", "lock", "--plugins", "plugins")
    file.write_text(plugin)
    assert "heavy.py cannot be loaded: has changed since it was approved" in use(project, "mine.toml", check=False)


def test_distribution_of_the_page_and_one_of_the_namespace_are_built_installed_and_used(
    project: Project, tmp_path: Path
) -> None:
    [plugin, _] = [text for name, text in shown(project) if name == "{code-block}"]
    (tmp_path / "heavy_plugin.py").write_text(plugin)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (shared := tmp_path / "shared" / "tides_plugins").mkdir(parents=True)
    (shared / "double.py").write_text(DOUBLE)
    named = PYPROJECT.replace("heavy-plugin", "shared-plugin").replace("heavy_plugin.py", "tides_plugins")
    (shared.parent / "pyproject.toml").write_text(named.replace('heavy = "heavy_plugin"', ""))
    wheels: list[str] = []
    for folder in (tmp_path, shared.parent):
        project.run("uv", "build", "--quiet", "--wheel", "--out-dir", str(folder / "dist"), str(folder))
        wheels += map(str, (folder / "dist").glob("*.whl"))
    project.run("uv", "pip", "install", "--quiet", "--no-deps", "--python", project.program("tests", "python"), *wheels)
    listed = project.run(project.program("tests", "tides"), "plugins", "list")
    assert "    entry point of heavy-plugin 1.0, " in listed
    assert "    namespace, " in listed
    steps = 'transforms = ["double", { use = "heavy", column = "twice", above = 4016 }]\n'
    (config := tmp_path / "use.toml").write_text(steps)
    use(project, str(config))
    config.write_text(steps.replace("4016", "'much'"))
    assert "plugin 'heavy': option above = 'much': " in use(project, str(config), check=False)
