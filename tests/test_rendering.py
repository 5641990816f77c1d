"""The shortcuts of a render notice when copier changes underneath, and are left out with a reason."""

from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import shortcuts
from packaging.version import Version
from pytest_copie.plugin import Copie
from rendering import Renderer, contents


def test_shortcuts_fit_this_copier(renderer: Renderer) -> None:
    # Older releases cannot do without git, and ask it little.
    known = {"git"} if Version(metadata.version("copier")) < Version("9.19") else set()
    assert renderer.problems.keys() <= known


def test_fast_way_writes_what_the_plain_way_writes(renderer: Renderer) -> None:
    answers = {"project_name": "Tides", "hosting": "gitlab", "gitlab_user": "ada", "user_name": "{{ 7*7 }}"}
    with renderer.fast():
        fast = renderer.render(answers)
    assert contents(fast) == contents(renderer.render(answers))


def test_refusal_is_raised_and_not_kept(renderer: Renderer) -> None:
    with pytest.raises(ValueError, match="cannot be imported"):
        renderer.render({"package_name": "1a"})


@pytest.mark.parametrize(
    "change", ["copier._main.Worker", "jinja2.Environment.compile", "yaml.load_all", "plumbum.local"]
)
def test_shortcut_that_fits_no_more_is_left_out(
    change: str, copie: Copie, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stand-ins for the names that the shortcuts patch: what copier uses is then another thing."""
    where, name = change.rsplit(".", 1)
    stand_in: Any = getattr(shortcuts, where.partition(".")[0])
    monkeypatch.setattr(shortcuts, where.partition(".")[0], _Changed(stand_in, change.split(".")[1:]))
    with pytest.warns(UserWarning, match="no shortcut past .*: (it does not serve|copier fails)"):
        renderer = Renderer(copie, template)
    assert len(renderer.problems) == 1, name


class _Changed:
    """A module in which one name is something else."""

    def __init__(self, module: Any, names: list[str]) -> None:
        self._module, self._names = module, names

    def __getattr__(self, name: str) -> Any:
        plain = getattr(self._module, name)
        if name != self._names[0]:
            return plain
        return _Changed(plain, self._names[1:]) if self._names[1:] else type(name, (), {"answers_relpath": property()})
