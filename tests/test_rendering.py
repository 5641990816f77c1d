"""The fast way to render notices when copier changes underneath, and says why it gives up."""

from pathlib import Path

import copier
import jinja2
import pytest
from pytest_copie.plugin import Copie
from rendering import Renderer, contents


def test_fast_way_fits_this_copier(renderer: Renderer) -> None:
    assert renderer.reason is None


def test_fast_way_writes_what_the_plain_way_writes(renderer: Renderer) -> None:
    answers = {
        "project_name": "Tides",
        "package_name": "gauge",
        "hosting": "gitlab",
        "gitlab_user": "ada",
        "user_name": "{{ 7*7 }}",
    }
    with renderer.fast():
        fast = renderer.render(answers)
    assert contents(fast) == contents(renderer.render(answers))


def test_refusal_is_raised_and_not_kept(renderer: Renderer) -> None:
    with pytest.raises(ValueError, match="cannot be imported"):
        renderer.render({"package_name": "1a"})


def test_git_that_is_found_another_way_is_noticed(
    copie: Copie, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copier._vcs.is_git_available", lambda: True)
    with pytest.warns(UserWarning, match="plain way: .* finds git past plumbum's PATH"):
        assert Renderer(copie, template).reason


def test_jinja_that_is_compiled_another_way_is_noticed(
    copie: Copie, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Kept(jinja2.Environment):
        compile = jinja2.Environment.compile

    monkeypatch.setattr("copier._main.SandboxedEnvironment.compile", Kept.compile, raising=False)
    with pytest.warns(UserWarning, match="no longer compiles through"):
        assert Renderer(copie, template).reason


def test_other_files_are_noticed(copie: Copie, template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = copier.run_copy

    def differs(*words: object, **options: object) -> object:
        worker = plain(*words, **options)
        differs.times += 1
        (worker.dst_path / "times.txt").write_text(f"{differs.times}\n")
        return worker

    differs.times = 0
    monkeypatch.setattr("pytest_copie.plugin.run_copy", differs)
    with pytest.warns(UserWarning, match="writes other files"):
        assert Renderer(copie, template).reason
