"""The shortcuts of a render notice when copier changes underneath, and are left out with a reason."""

from importlib import metadata
from pathlib import Path
from typing import Any

import copier
import pytest
import shortcuts
from packaging.version import Version
from pytest_copie.plugin import Copie
from rendering import Renderer, contents, snapshot

# Older releases cannot do without git, and ask it little.
KNOWN = {"git"} if Version(metadata.version("copier")) < Version("9.19") else set()
CHANGES = {
    "plumbum.local": {"git"},
    "jinja2.Environment.compile": {"Jinja"},
    "yaml.load_all": {"YAML"},
    "copier._main.Worker": {"answers file", "plain parts", "paths"},
}


def test_shortcuts_fit_this_copier(renderer: Renderer) -> None:
    assert renderer.problems.keys() <= KNOWN


def test_fast_way_writes_what_the_plain_way_writes(renderer: Renderer) -> None:
    answers = {"project_name": "Tides", "hosting": "gitlab", "gitlab_user": "ada", "user_name": "{{ 7*7 }}"}
    with renderer.fast():
        fast = renderer.render(answers)
    assert contents(fast) == contents(renderer.render(answers))


def test_new_file_and_new_name_arrive(renderer: Renderer, tmp_path: Path) -> None:
    (template := tmp_path / "template").mkdir()
    snapshot(template)
    with renderer.fast():
        for package, file in [("tides", "one.txt"), ("tides", "two.txt"), ("waves", "two.txt")]:
            (template / "template" / file).touch()
            project = tmp_path / package / file
            copier.run_copy(str(template), project, data={"package_name": package}, defaults=True, quiet=True)
            assert (project / file).is_file()
            assert (project / "src" / package / "cli.py").is_file()


def test_refusal_is_raised_and_not_kept(renderer: Renderer) -> None:
    with pytest.raises(ValueError, match="cannot be imported"):
        renderer.render({"package_name": "1a"})


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Give a template with two files."""
    (folder := tmp_path / "small" / "template" / "{{ project_name }}").mkdir(parents=True)
    (folder / "name.txt.jinja").write_text("{{ project_name }}\n", encoding="utf-8")
    (folder / "plain.txt").touch()
    config = "_subdirectory: template\nproject_name:\n  type: str\n"
    (tmp_path / "small" / "copier.yml").write_text(config, encoding="utf-8")
    return tmp_path / "small"


@pytest.mark.parametrize("change", CHANGES)
def test_shortcut_that_fits_no_more_is_left_out(
    change: str, copie: Copie, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stand-ins for the names that the shortcuts patch: what copier uses is then another thing."""
    module, *names = change.split(".")
    monkeypatch.setattr(shortcuts, module, _Changed(getattr(shortcuts, module), names))
    with pytest.warns(UserWarning, match="no shortcut past .*: (it does not serve|copier fails)"):
        renderer = Renderer(copie, small)
    assert renderer.problems.keys() - KNOWN == CHANGES[change] - KNOWN


class _Changed:
    """A module in which one name is something else."""

    def __init__(self, module: Any, names: list[str]) -> None:
        self._module, self._names = module, names

    def __getattr__(self, name: str) -> Any:
        plain = getattr(self._module, name)
        if name != self._names[0]:
            return plain
        return (
            _Changed(plain, self._names[1:])
            if self._names[1:]
            else type(name, (), {"answers_relpath": property(), "_render_string": None, "_render_template": None})
        )
