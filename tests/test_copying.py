"""`copier copy` as users type it: from GitHub by its short name, at the newest release, with nothing to trust."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import copier
import pytest
import yaml
from combinations import command
from releases import HEAD, add_release, git, publish
from rendering import Renderer, contents


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder that stands for github.com: the releases, and a broken commit after them."""
    folder = tmp_path_factory.mktemp("published")
    bare = publish(folder)
    (work := folder / "work").mkdir()
    add_release(bare, "broken", work, lambda tree: (tree / "copier.yml").write_text("unfinished: [\n"))
    git("tag", "--delete", "broken", folder=bare)
    (hub := tmp_path_factory.mktemp("hub") / "org").mkdir()
    bare.rename(hub / "copier-datascience.git")
    return hub.parent


def test_copy_from_github_takes_the_newest_release(hub: Path, tmp_path: Path) -> None:
    (tmp_path / "gitconfig").write_text(f'[url "file://{hub}/"]\n  insteadOf = https://github.com/\n')
    environment = {"GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig"), "COPIER_CACHE_DIR": str(tmp_path / "cache")}
    words = [sys.executable, "-m", "copier", "copy", "--defaults", "gh:org/copier-datascience", "myproj"]
    subprocess.run(words, cwd=tmp_path, env=os.environ | environment, check=True, stdin=subprocess.DEVNULL)
    answers = yaml.safe_load((tmp_path / "myproj" / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert (answers["_src_path"], answers["_commit"]) == ("gh:org/copier-datascience", HEAD)
    assert (tmp_path / "myproj" / "src" / "myproj" / "__init__.py").is_file()


@pytest.fixture
def link(tmp_path: Path) -> Path:
    """Give a link to a folder, as the temporary folder of macOS is one."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    return tmp_path / "link"


@pytest.mark.parametrize("way", ["real/..", "link"])
def test_project_may_lie_at_a_path_that_leads_elsewhere(way: str, renderer: Renderer, link: Path) -> None:
    answers = {"project_name": "Tides", "hosting": "gitlab", "license": "MIT", "gitlab_user": "ada"}
    project = link.parent / way / "project"
    words = command(answers, template=str(renderer.template), destination=str(project))
    for operation in (words, ["copier", "recopy", "--defaults", "--overwrite", str(project)]):
        subprocess.run([sys.executable, "-m", *operation], check=True, stdin=subprocess.DEVNULL)
        assert contents(project) == contents(renderer.render(answers))


@pytest.mark.updates
def test_update_works_where_the_temporary_folder_is_a_link(hub: Path, link: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    source = f"git+file://{hub}/org/copier-datascience.git"
    environment = os.environ | {"TMPDIR": str(link), "COPIER_CACHE_DIR": str(tmp_path / "cache")}

    def run(*words: str) -> None:
        words = (sys.executable, "-m", "copier", *words)
        subprocess.run(words, cwd=tmp_path, env=environment, check=True, stdin=subprocess.DEVNULL)

    run("copy", "--defaults", "--data=github_user=ada", source, "project")
    git("init", "--quiet", folder=project)
    for hosting in ("gitlab", "none", "github"):
        git("add", "--all", folder=project)
        git("commit", "--quiet", "--message", "As it is", folder=project)
        run("update", "--defaults", f"--data=hosting={hosting}", str(project))
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert (answers["github_user"], answers["answered"]["gitlab_user"]) == ("ada", "ada")


def test_command_of_a_combination_renders_it(renderer: Renderer, tmp_path: Path) -> None:
    answers = {"project_name": 'It\'s a "gauge"', "package_name": "gauge", "docs": "none"}
    words = command(answers, template=str(renderer.template), destination="project")
    subprocess.run([sys.executable, "-m", *words], cwd=tmp_path, check=True, stdin=subprocess.DEVNULL)
    assert contents(tmp_path / "project") == contents(renderer.render(answers))


@pytest.mark.parametrize("setting", ["_tasks: [echo]", "_jinja_extensions: [jinja2.ext.do]"])
def test_template_that_needs_trust_would_be_seen(
    setting: str, renderer: Renderer, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pytest-copie trusts everything, so `Renderer.copy` does not use it."""
    shutil.copytree(template, tmp_path / "template")
    with (tmp_path / "template" / "copier.yml").open("a") as file:
        file.write(f"{setting}\n")
    monkeypatch.setattr(renderer, "template", tmp_path / "template")
    with pytest.raises(copier.errors.UnsafeTemplateError):
        renderer.copy(tmp_path / "project", {})
