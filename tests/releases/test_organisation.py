"""A fork keeps its defaults and CI lines when it merges upstream, and its projects update from it.

What docs/organisation.md shows is done: its commands are run, its YAML is put in.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from documents import blocks
from fleet import conflicts, defaults
from questions import ROOT
from releases import add_release, git, publish

pytestmark = pytest.mark.updates

PAGE = (ROOT / "docs" / "organisation.md").read_text(encoding="utf-8")
DEFAULTS, LINES = (text for language, text in blocks(PAGE) if language == "yaml")
WANTED = yaml.safe_load(DEFAULTS) | {"github_user": "waves", "gitlab_user": "waves"}
JOB = "template/.github/workflows/organisation.yml"
CI = "template/.gitlab-ci.yml.jinja"
MORE = """\
{key}_more:
  help: Is there more to say about it?
  choices: ["no", "yes"]
  type: str
  default: "no"

"""


def commands(section: str) -> Iterator[list[str]]:
    """Give the commands of a section, in words; those that are not about nox."""
    text = PAGE.partition(f"# {section}\n")[2].partition("\n## ")[0]
    shown = [line for language, block in blocks(text) if language == "console" for line in block.splitlines()]
    assert shown, section
    yield from (shlex.split(line) for line in shown if "nox" not in line)


def edit(path: Path, pattern: str, new: str | Callable[[re.Match[str]], str]) -> None:
    """Change the one place of a file that fits."""
    text, count = re.subn(pattern, new, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert count == 1, f"{pattern} is met {count} times in {path}"
    path.write_text(text, encoding="utf-8")


def upto(key: str) -> str:
    """Match a question from its key to some line of it."""
    return rf"^{key}:\n(?:  .*\n)*?"


def write_questions(folder: Path) -> None:
    """Do what `nox -s docs -- --write` does."""
    subprocess.run([sys.executable, "-B", "tests/support/documents.py"], cwd=folder, check=True)


def release(folder: Path, tag: str) -> None:
    """Put a heading above the others, commit and tag."""
    edit(folder / "CHANGELOG.md", r"\A((?:(?!## ).*\n)*)", rf"\1## {tag[1:]}\n\nOurs.\n\n")
    git("add", "--all", folder=folder)
    git("commit", "--quiet", "-m", tag, folder=folder)
    git("tag", tag, folder=folder)


def adapt(folder: Path) -> None:
    """Change what the page says an organisation changes."""
    for key, answer in yaml.safe_load(DEFAULTS).items():
        edit(folder / "copier.yml", rf"({upto(key)}  default:) .*$", rf"\1 {answer}")
    for key in ("github_user", "gitlab_user"):
        edit(folder / "copier.yml", rf"({upto(key)}  default: .*)default\(''\)", r"\1default('waves')")
    edit(folder / CI, r"\A(.*\n)", rf"\1{LINES}")
    (folder / JOB).write_text("name: Organisation\n", encoding="utf-8")
    write_questions(folder)


def evolve(folder: Path) -> None:
    """Make upstream's next release, which touches copier.yml wherever a fork does."""
    config = folder / "copier.yml"
    for key in yaml.safe_load(DEFAULTS):
        edit(config, rf"({upto(key)}  choices: \[.*)\]", rf"\1, {key}-next]")
        edit(config, rf"({upto(key)}\n)", rf"\1{MORE.format(key=key)}")
    for key in ("github_user", "gitlab_user"):
        edit(config, rf"({upto(key)}  help:) .*\?", r"\1 Who owns the repository (no links when empty)?")
        edit(config, rf"({upto(key)}  when: .*)hosting == ('\w+')", r"\1hosting in [\2]")
    edit(folder / CI, r"^(  WINDOWS_RUNNER:) .*$", r"\1 windows")
    edit(folder / CI, r"\n\Z", "\n\nupstream:\n  script: echo\n")
    edit(folder / "CHANGELOG.md", r"\A((?:(?!## ).*\n)*)", r"\1## 91.0.0\n\nTheirs.\n\n")
    write_questions(folder)


@dataclass
class Fork:
    """A fork that has merged upstream's next release, and a project from before."""

    folder: Path
    project: Path
    before: dict[str, Any]

    @property
    def questions(self) -> dict[str, Any]:
        """Read copier.yml."""
        found: dict[str, Any] = yaml.safe_load((self.folder / "copier.yml").read_text(encoding="utf-8"))
        return found


def copier(*words: str, folder: Path) -> None:
    """Run copier as somebody without a terminal who trusts nothing."""
    subprocess.run(
        [sys.executable, "-m", "copier", *words], cwd=folder, check=True, capture_output=True, stdin=subprocess.DEVNULL
    )


def answers(project: Path) -> dict[str, Any]:
    """Read what a project answered."""
    found: dict[str, Any] = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fork]:
    """Fork, adapt, release, start a project; then let upstream release, and merge it."""
    work = tmp_path_factory.mktemp("organisation")
    upstream = publish(work)
    shutil.copytree(upstream, work / "waves.git")
    for owner, bare in {"org": upstream, "waves": work / "waves.git"}.items():
        address = f"https://github.com/{owner}/copier-datascience"
        git("config", "--file", "gitconfig", f"url.{bare}.insteadOf", address, folder=work)
    folder, project = work / "copier-datascience", work / "tides"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "GIT_CONFIG_GLOBAL", str(work / "gitconfig"))
        for words in commands("Keeping a template for an organisation"):
            if words[0] == "git":  # and not cd
                git(*words[1:], folder=work if words[1] == "clone" else folder)
        adapt(folder)
        release(folder, "v90.0.100")
        copier("copy", "--defaults", str(folder), str(project), folder=work)
        git("init", "--quiet", folder=project)
        git("add", "--all", folder=project)
        git("commit", "--quiet", "-m", "Start", folder=project)
        before = answers(project)
        (work / "next").mkdir()
        add_release(upstream, "v91.0.0", work / "next", evolve)
        for words in commands("Keep up with upstream"):
            git(*words[1:], folder=folder)
        yield Fork(folder, project, before)


def test_merge_needs_no_hand(fork: Fork) -> None:
    assert conflicts(fork.folder) == []
    assert len(git("rev-list", "--merges", "--max-count=1", "HEAD", folder=fork.folder).split()) == 1


def test_fork_keeps_its_defaults_and_gets_what_is_new(fork: Fork) -> None:
    found = defaults(fork.questions)
    assert {key: found[key] for key in WANTED} == WANTED
    for key in yaml.safe_load(DEFAULTS):
        assert f"{key}-next" in fork.questions[key]["choices"]
        assert found[f"{key}_more"] == "no"


def test_fork_keeps_its_ci_lines_and_gets_what_is_new(fork: Fork) -> None:
    lines = (fork.folder / CI).read_text(encoding="utf-8")
    assert LINES in lines
    assert "WINDOWS_RUNNER: windows\n" in lines
    assert lines.endswith("upstream:\n  script: echo\n")
    assert (fork.folder / JOB).is_file()


def test_changelog_keeps_the_releases_of_both(fork: Fork) -> None:
    text = (fork.folder / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE)[:2] == ["90.0.100", "91.0.0"]
    assert "Ours." in text
    assert "Theirs." in text


def test_projects_are_not_offered_a_release_of_upstream(fork: Fork) -> None:
    assert "v91.0.0" not in git("tag", folder=fork.folder).split()


def test_project_from_before_updates_to_the_next_release_of_the_fork(fork: Fork, tmp_path: Path) -> None:
    assert {key: fork.before.get(key, answer) for key, answer in WANTED.items()} == WANTED
    folder = shutil.copytree(fork.folder, tmp_path / "fork")
    project = shutil.copytree(fork.project, tmp_path / "tides")
    write_questions(folder)
    page = (folder / "docs" / "questions.md").read_text(encoding="utf-8")
    assert "| `private-index` |\n" in page
    assert "| `pypi` |\n" not in page  # the row of upstream, which the merge kept too
    release(folder, "v91.0.100")
    edit(project / ".copier-answers.yml", r"^_src_path: .*$", f"_src_path: {folder}")
    git("commit", "--quiet", "--all", "-m", "Follow", folder=project)
    copier("update", "--defaults", folder=project)
    assert conflicts(project) == []
    new = {f"{key}_more": "no" for key in yaml.safe_load(DEFAULTS)}
    changed = {"_commit": "v91.0.100", "_src_path": str(folder), "answered": fork.before["answered"] | new}
    assert answers(project) == fork.before | new | changed
    lines = (project / ".gitlab-ci.yml").read_text(encoding="utf-8")
    assert LINES in lines
    assert lines.endswith("upstream:\n  script: echo\n")
