"""A project brings in a new release of its template by itself: `nox -s update`, as CONTRIBUTING.md says."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from documents import blocks
from interpreters import PATH
from questions import ASKED, LOCKED, ROOT, choices
from releases import add_release, git, publish, releases
from samples import long
from session import SCRIPT

ANSWERS = ".copier-answers.yml"
WORKFLOW = ROOT / "template" / ".github" / "workflows" / "ci.yml"
FIRST = next(iter(releases()))
OLD, NEW = "v91.0.0", "v92.0.0"
BRANCH = f"template-{NEW}"

updates = pytest.mark.updates


class Owner:
    """Somebody with a project, whose git finds the template behind its short name."""

    def __init__(self, hub: Path, project: Path) -> None:
        self.hub = hub
        self.project = project
        self.environment = {
            "PATH": PATH,
            "NO_COLOR": "1",
            "GIT_CONFIG_GLOBAL": str(hub / "gitconfig"),
            "COPIER_CACHE_DIR": str(hub / "cache"),
        }

    def run(self, *words: str, typed: str = "", folder: Path | None = None) -> tuple[int, str]:
        """Run a command in the project: its exit code and all that it prints."""
        kept = {name: value for name, value in os.environ.items() if name not in _OF_A_HOST}
        done = subprocess.run(
            words,
            cwd=folder or self.project,
            env=kept | self.environment,
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def update(self, *words: str) -> tuple[int, str]:
        """Run the session with the copier that is here."""
        return self.run(sys.executable, "-m", "nox", "--no-venv", "--no-install", "-s", "update", "--", *words)

    def git(self, *words: str) -> str:
        """Run git, which has to succeed."""
        code, printed = self.run("git", *words)
        assert code == 0, printed
        return printed

    def commit(self) -> None:
        """Commit all there is."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=Work")

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace something in a file of the project."""
        _edit(self.project / path, old, new)

    def read(self, path: str) -> str:
        """Read a file of the project."""
        return (self.project / path).read_text(encoding="utf-8")

    def release(self) -> str:
        """Say which release the project has."""
        return str(yaml.safe_load(self.read(ANSWERS))["_commit"])

    def untouched(self) -> bool:
        """Tell whether the project is as it was committed."""
        return self.git("status", "--porcelain") == ""


_OF_A_HOST = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "NOX_CURRENT_SESSION", "VIRTUAL_ENV")


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def _release_old(template: Path) -> None:
    _edit(template / "CHANGELOG.md", "\n## ", "\n## 91.0.0\n\n### Added\n\n- A wheel.\n\n## ")


def _release_new(template: Path) -> None:
    """Change, add and drop files of both classes."""
    _edit(template / "CHANGELOG.md", "\n## ", "\n## 92.0.0\n\n### Added\n\n- A tool for `$HOME`.\n\n## ")
    shared = template / "template"
    _edit(shared / "CONTRIBUTING.md", "# Contributing\n", "# How to contribute\n")
    (shared / "tools.txt").write_text("spanner\n")
    own = shared / f"{{{{ if_{ASKED['pipeline']['default']} }}}}"
    _edit(own / "README.md.jinja", "## Start\n", "## Begin\n")
    _edit(own / "config.toml", "# All settings", "# The settings")
    (own / "docs" / "plugins.md.jinja").unlink()
    (own / "plugins" / "size.py").write_text('"""Sizes."""\n')


def _add(hub: Path, tag: str, change: Callable[[Path], None]) -> None:
    (checkout := hub / tag).mkdir()
    add_release(hub / "org" / "template.git", tag, checkout, change)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give what stands for GitHub: the template with two releases after the working tree."""
    hub = tmp_path_factory.mktemp("hub")
    (hub / "org").mkdir()
    publish(hub / "org")
    (hub / "gitconfig").write_text(f'[url "file://{hub}/"]\n  insteadOf = https://github.com/\n')
    _add(hub, OLD, _release_old)
    _add(hub, NEW, _release_new)
    return hub


def _copied(hub: Path, folder: Path, release: str) -> Path:
    owner = Owner(hub, folder / "tides")
    data = ("--data", "package_name=tides", "--data", 'project_name=Tides "für" 😀')
    source = ("gh:org/template", str(owner.project))
    words = ("copier", "copy", "--quiet", "--defaults", *data, f"--vcs-ref={release}", *source)
    code, printed = owner.run(*words, folder=folder)
    assert code == 0, printed
    owner.git("init", "--quiet", "--initial-branch=main")
    owner.commit()
    return owner.project


@pytest.fixture(scope="module")
def fresh(hub: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project one release behind, which nobody may touch."""
    return _copied(hub, tmp_path_factory.mktemp("fresh"), OLD)


@pytest.fixture
def owner(hub: Path, fresh: Path, tmp_path: Path) -> Owner:
    """Give the owner of a project one release behind."""
    return Owner(hub, shutil.copytree(fresh, tmp_path / "tides"))


# What needs no project


def test_only_the_job_that_updates_may_write_and_it_never_runs_on_a_pull_request() -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    own = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    assert own == {"propose": {"contents": "write", "pull-requests": "write"}}
    assert workflow["jobs"]["template"]["if"] == (
        "github.event_name == 'schedule' || github.event_name == 'workflow_dispatch'"
    )
    propose = workflow["jobs"]["propose"]
    assert (propose["needs"], propose["if"]) == ("template", "needs.template.outputs.branch")
    assert not re.search(r"(?<!\.)\b(uvx?|nox|pip|python3?|copier)\b", propose["steps"][-1]["run"])
    assert "write" not in str(workflow["jobs"]["template"].get("permissions", {}))


# An update


@updates
def test_update_brings_the_release_once_and_leaves_seeds_alone(owner: Owner) -> None:
    readme = owner.read("README.md")
    code, printed = owner.update()
    assert code == 0, printed
    assert owner.release() == NEW
    assert owner.read("CONTRIBUTING.md").startswith("# How to contribute\n")
    assert owner.read("tools.txt") == "spanner\n"
    assert owner.read("README.md") == readme
    owner.commit()
    code, printed = owner.update()
    assert (code, owner.untouched()) == (0, True)
    assert f"up to date: the template's newest release is {NEW}" in printed


@updates
def test_lines_that_both_changed_stay_and_are_named(owner: Owner) -> None:
    owner.edit("CONTRIBUTING.md", "# Contributing\n", "# Join in\n")
    owner.commit()
    code, printed = owner.update()
    assert code == 0, printed
    assert "kept yours: CONTRIBUTING.md:1: # Join in, not # How to contribute\n" in printed
    assert owner.read("CONTRIBUTING.md").startswith("# Join in\n")
    assert (owner.release(), owner.read("tools.txt")) == (NEW, "spanner\n")
    assert owner.git("ls-files", "--unmerged") == ""
    owner.git("reset", "--quiet", "--hard")
    assert (owner.untouched(), owner.release()) == (True, OLD)


@updates
@pytest.mark.parametrize("words", [[], ["propose"], ["seeds", OLD]], ids=["update", "propose", "seeds"])
def test_work_that_is_not_committed_is_refused(owner: Owner, words: list[str]) -> None:
    (owner.project / "draft.py").write_text("x = 1\n")
    code, printed = owner.update(*words)
    assert code != 0
    assert "some work is not committed: commit or stash it first" in printed
    assert owner.git("status", "--porcelain") == "?? draft.py\n"


@updates
@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_edit_that_git_hides_is_refused_and_stays(owner: Owner, flag: str) -> None:
    owner.edit("CONTRIBUTING.md", "# Contributing\n", "# Join in\n")
    owner.git("update-index", flag, "CONTRIBUTING.md")
    code, printed = owner.update()
    assert code != 0
    assert "git hides what changed in CONTRIBUTING.md: `git update-index --no-" in printed
    assert owner.read("CONTRIBUTING.md").startswith("# Join in\n")
    assert owner.release() == OLD


@updates
def test_merge_that_is_not_finished_is_refused(owner: Owner) -> None:
    owner.git("branch", "other")
    (owner.project / "mine.txt").write_text("mine\n")
    owner.commit()
    owner.git("checkout", "--quiet", "other")
    (owner.project / "yours.txt").write_text("yours\n")
    owner.commit()
    owner.git("merge", "--quiet", "--no-commit", "--strategy=ours", "-")
    code, printed = owner.update()
    assert code != 0
    assert "a merge is not finished: commit it, or `git merge --abort`" in printed
    assert owner.release() == OLD


@updates
def test_words_that_mean_nothing_are_refused(owner: Owner) -> None:
    code, printed = owner.update("seeds")
    assert code != 0
    assert "after -- comes nothing, propose, prepare, seeds RELEASE or adopt COMMIT; got ['seeds']" in printed


@updates
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "is missing or broken"),
        ("", "is missing or broken"),
        ("package_name: [\n", "is missing or broken"),
        ("package_name: tides\n", "is missing or broken"),
        ("_commit: v80.0.0\n_src_path: gh:org/template\npackage_name: tides\n", "copier failed: "),
    ],
    ids=["lost", "empty", "no YAML", "no release", "a release that is none"],
)
def test_wrong_answers_file_is_refused_with_what_recovers_it(owner: Owner, text: str | None, complaint: str) -> None:
    if text is None:
        (owner.project / ANSWERS).unlink()
    else:
        (owner.project / ANSWERS).write_text(text, encoding="utf-8")
    owner.commit()
    code, printed = owner.update()
    assert (code != 0, owner.untouched()) == (True, True)
    [line] = [line for line in printed.splitlines() if complaint in line]
    assert f"find it with `git log -- {ANSWERS}`, then `git checkout COMMIT -- {ANSWERS}`" in line


@updates
def test_project_in_a_folder_of_a_bigger_repository_updates(owner: Owner) -> None:
    shutil.rmtree(owner.project / ".git")
    above = owner.project.parent
    owner.run("git", "init", "--quiet", "--initial-branch=main", folder=above)
    owner.commit()
    owner.edit("README.md", "model", "fine model")
    owner.commit()
    (above / "other.txt").write_text("work in another folder\n")
    code, printed = owner.update()
    assert code == 0, printed
    assert owner.read("tools.txt") == "spanner\n"
    owner.commit()
    code, printed = owner.update("seeds", OLD)
    assert code == 0, printed
    owner.git("apply", "-3", ".nox/seeds.patch")
    assert "## Begin\n" in owner.read("README.md")


@updates
def test_linked_worktree_at_no_branch_with_a_submodule_updates(owner: Owner, tmp_path: Path) -> None:
    owner.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    owner.project = tmp_path / "linked"
    words = ("submodule", "--quiet", "add", f"file://{owner.hub}/org/template.git", "shared")
    owner.git("-c", "protocol.file.allow=always", *words)
    owner.commit()
    code, printed = owner.update()
    assert code == 0, printed
    assert (owner.release(), owner.read("tools.txt")) == (NEW, "spanner\n")
    assert sorted(line[3:] for line in owner.git("status", "--porcelain").splitlines()) == [
        ANSWERS,
        "CONTRIBUTING.md",
        "tools.txt",
    ]


@updates
def test_project_of_the_first_release_runs_the_script_of_the_template_once(hub: Path, tmp_path: Path) -> None:
    owner = Owner(hub, _copied(hub, tmp_path, FIRST))
    owner.edit("pyproject.toml", "line-length = 100", "line-length = 88")
    owner.commit()
    code, printed = owner.run(sys.executable, str(SCRIPT))
    assert code == 0, printed
    assert (owner.release(), (owner.project / "update.py").is_file()) == (NEW, True)
    assert "line-length = 88" in owner.read("pyproject.toml")


@updates
def test_second_project_starts_from_the_answers_of_the_first(owner: Owner, tmp_path: Path) -> None:
    words = ["--defaults", "--quiet", f"--data-file={owner.project / ANSWERS}", "--data", "package_name=second"]
    code, printed = owner.run(
        sys.executable, "-m", "copier", "copy", *words, "gh:org/template", str(tmp_path / "second")
    )
    assert code == 0, printed
    answers = yaml.safe_load((tmp_path / "second" / ANSWERS).read_text(encoding="utf-8"))
    assert (answers["package_name"], answers["answered"]["package_name"]) == ("second", "second")


@updates
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_update_ends_when_it_is_run_again(owner: Owner) -> None:
    code = "import os, runpy, signal, update; plain = update.git\n"
    code += "def git(*words, **more):\n"
    code += (
        "    if words[0] == 'restore' and more['data'] == '.copier-answers.yml': os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    code += "    return plain(*words, **more)\n"
    code += "update.git = git; update.main([])"
    assert owner.run(sys.executable, "-c", code)[0] == -9
    _, printed = owner.update()
    assert "an update was interrupted and is complete now" in printed
    assert (owner.release(), owner.read("tools.txt")) == (NEW, "spanner\n")
    assert owner.git("status", "--porcelain").splitlines() == [
        "M  .copier-answers.yml",
        "M  CONTRIBUTING.md",
        "A  tools.txt",
    ]


# What owners do to answers, folders and line ends


@updates
def test_answers_are_switched_on_a_project_with_a_bumped_version(owner: Owner) -> None:
    owner.edit("pyproject.toml", 'version = "0.1.0"', 'version = "2.3.1"')
    owner.edit("pyproject.toml", "line-length = 100", "line-length = 88")
    owner.commit()
    closed = {key: choices(key) for key in ASKED if key not in LOCKED and "choices" in ASKED[key]}
    stops = {key: [*known, known[0]] for key, known in closed.items() if long() or key == "versioning"}
    for key, value in [(key, value) for key, values in stops.items() for value in values]:
        if str(yaml.safe_load(owner.read(ANSWERS)).get(key)) == value:
            continue
        code, printed = owner.update("--data", f"{key}={value}")
        assert code == 0, printed
        assert owner.git("ls-files", "--unmerged") == ""
        assert tomllib.loads(owner.read("pyproject.toml"))["tool"]["ruff"]["line-length"] == 88
        assert yaml.safe_load(owner.read(ANSWERS))[key] == value
        owner.commit()
    project = tomllib.loads(owner.read("pyproject.toml"))["project"]
    assert ("version" in project) != ("version" in project.get("dynamic", []))


@updates
def test_answer_changed_by_hand_is_taken_with_a_word_on_how_to_do_it(owner: Owner) -> None:
    owner.edit(ANSWERS, "\nlicense: MIT\n", "\nlicense: Apache-2.0\n")
    owner.commit()
    code, printed = owner.update()
    assert code == 0, printed
    note = f"note: license=Apache-2.0: changed in {ANSWERS}, taken as if given by --data, the way to do it"
    assert note in printed
    assert "Apache License" in owner.read("LICENSE")
    assert tomllib.loads(owner.read("pyproject.toml"))["project"]["license"] == "Apache-2.0"


@updates
def test_package_that_was_renamed_is_followed_and_nothing_is_put_beside_it(owner: Owner) -> None:
    owner.git("mv", "src/tides", "src/waves")
    for path in ("pyproject.toml", "noxfile.py"):
        (owner.project / path).write_text(owner.read(path).replace("tides", "waves"), encoding="utf-8")
    owner.commit()
    code, printed = owner.update()
    assert code == 0, printed
    assert f"note: src/tides is src/waves now: {ANSWERS} says so from here on" in printed
    assert [path.name for path in (owner.project / "src").iterdir()] == ["waves"]
    assert (owner.release(), yaml.safe_load(owner.read(ANSWERS))["package_name"]) == (NEW, "waves")
    owner.commit()
    assert f"up to date: the template's newest release is {NEW}" in owner.update()[1]


@updates
def test_checkout_with_line_ends_of_windows_changes_no_line_end(owner: Owner) -> None:
    owner.git("config", "core.autocrlf", "true")
    owner.git("rm", "--quiet", "-r", "--cached", ".")
    owner.git("reset", "--quiet", "--hard")
    text = (owner.project / "CONTRIBUTING.md").read_bytes()
    assert b"\r\n" in text
    (owner.project / "CONTRIBUTING.md").write_bytes(text + b"More.\r\n")
    owner.commit()
    code, printed = owner.update()
    assert code == 0, printed
    assert "Nothing of yours was in the way" in printed
    lines = [line.split() for line in owner.git("diff", "--staged", "--numstat", "HEAD").splitlines()]
    assert lines == [["1", "1", ANSWERS], ["1", "1", "CONTRIBUTING.md"], ["1", "0", "tools.txt"]]
    now = (owner.project / "CONTRIBUTING.md").read_bytes()
    assert (now.startswith(b"# How to contribute\r\n"), now.endswith(b"\r\nMore.\r\n")) == (True, True)
    assert b"\n" not in now.replace(b"\r\n", b"")


@updates
def test_bundle_for_the_job_that_pushes_holds_the_update_and_nothing_is_changed(owner: Owner) -> None:
    code, printed = owner.update("prepare")
    assert code == 0, printed
    assert owner.untouched()
    folder = owner.project / ".nox" / "update"
    assert (folder / "branch").read_text(encoding="utf-8") == BRANCH
    assert NEW in (folder / "title").read_text(encoding="utf-8")
    assert "can be merged unread" in (folder / "body").read_text(encoding="utf-8")
    owner.git("fetch", "--quiet", str(folder / "bundle"), f"refs/heads/{BRANCH}:refs/heads/{BRANCH}")
    assert owner.git("show", f"{BRANCH}:tools.txt") == "spanner\n"
    assert owner.git("rev-parse", f"{BRANCH}~") == owner.git("rev-parse", "HEAD")


# Seeds


@updates
def test_patch_of_seeds_merges_with_what_was_edited_and_deleted(owner: Owner) -> None:
    shutil.rmtree(owner.project / ".git")  # the history begins with the edit: what was rendered is not in it
    owner.git("init", "--quiet", "--initial-branch=main")
    owner.edit("README.md", "This package trains", "Our package trains")
    (owner.project / "config.toml").unlink()
    owner.commit()
    assert owner.update()[0] == 0
    owner.commit()
    code, printed = owner.update("seeds", OLD)
    assert (code, owner.untouched()) == (0, True)
    assert "`git apply -3 .nox/seeds.patch` brings README.md, plugins/size.py\n" in printed
    owner.git("apply", "-3", ".nox/seeds.patch")
    assert "## Begin\n" in owner.read("README.md")
    assert "Our package trains" in owner.read("README.md")
    assert sorted(owner.git("status", "--porcelain").splitlines()) == ["A  plugins/size.py", "M  README.md"]
    assert (owner.project / "docs" / "plugins.md").is_file(), "the owner's, though the template has dropped it"


@updates
def test_patch_of_seeds_conflicts_in_the_file_that_conflicts_only(owner: Owner) -> None:
    owner.edit("README.md", "## Start\n", "## Commence\n")
    owner.commit()
    assert owner.update()[0] == 0
    owner.commit()
    assert owner.update("seeds", OLD)[0] == 0
    code, _ = owner.run("git", "apply", "-3", ".nox/seeds.patch")
    assert code != 0
    assert "<<<<<<< ours\n## Commence\n=======\n## Begin\n>>>>>>> theirs\n" in owner.read("README.md")
    assert "# The settings" in owner.read("config.toml")


@updates
def test_seeds_of_the_same_release_have_no_patch_whatever_git_does_at_commits(owner: Owner) -> None:
    (owner.project / ".nox").mkdir()
    (owner.project / ".nox" / "seeds.patch").write_text("of an earlier run\n")
    hooks = owner.project / ".nox" / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    for number, (key, value) in enumerate({"commit.gpgsign": "true", "core.hooksPath": str(hooks)}.items()):
        owner.environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    owner.environment["GIT_CONFIG_COUNT"] = "2"
    code, printed = owner.update("seeds", OLD)
    assert code == 0, printed
    assert f"no file of your own has changed since {OLD}" in printed
    assert not (owner.project / ".nox" / "seeds.patch").exists()


# A pull request


class Host:
    """What runs the session in CI: a shallow clone of a bare repository, at no branch, with no name for commits."""

    def __init__(self, owner: Owner, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.origin = folder / "origin.git"
        owner.run("git", "clone", "--quiet", "--bare", str(owner.project), str(self.origin))
        owner.run("git", "clone", "--quiet", "--depth=1", f"file://{self.origin}", str(folder / "runner"))
        self.runner = Owner(owner.hub, folder / "runner")
        self.runner.git("switch", "--quiet", "--detach")
        self.runner.environment |= environment | {"CI": "true", "PATH": f"{folder}{os.pathsep}{PATH}"}
        self.script(folder / "gh", f'printf "%s\\n" "$@" > {folder}/asked')

    def script(self, path: Path, text: str) -> None:
        """Put a program in its place."""
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def asked(self) -> list[str]:
        """Give what gh was asked, line by line."""
        path = self.folder / "asked"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def branches(self) -> set[str]:
        """Name the branches that the origin has."""
        return set(git("for-each-ref", "--format=%(refname:short)", "refs/heads", folder=self.origin).split())

    def propose(self) -> tuple[int, str]:
        """Run the session as the job does."""
        return self.runner.update("propose")


@pytest.fixture
def nameless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the name away that git would commit with."""
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EMAIL", "")


TITLE = f"Update from the template, {OLD} to {NEW}"
BODY = f"""\
Nothing of yours was in the way: can be merged unread.

## 92.0.0

### Added

- A tool for `$HOME`.

Also changed, but left alone here, are files of your own:

- README.md
- config.toml
- plugins/size.py

To take these changes too:

    nox -s update -- seeds {OLD}
    git apply -3 .nox/seeds.patch"""


@updates
def test_github_gets_a_pull_request_once(owner: Owner, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    host = Host(owner, tmp_path, GITHUB_ACTIONS="true")
    request.getfixturevalue("nameless")
    code, printed = host.propose()
    assert code == 0, printed
    assert host.branches() == {"main", BRANCH}
    shown = git("log", "-1", "--format=%P%n%an%n%B", BRANCH, folder=host.origin)
    main = git("rev-parse", "main", folder=host.origin).strip()
    assert shown.strip() == f"{main}\nTemplate update\n{TITLE}\n\n{BODY}"
    changed = git("diff", "--name-only", "main", BRANCH, folder=host.origin).split()
    assert changed == [ANSWERS, "CONTRIBUTING.md", "tools.txt"]
    assert host.asked() == ["pr", "create", "--head", BRANCH, "--title", TITLE, "--body", *BODY.splitlines()]
    (tmp_path / "asked").unlink()
    host.runner.git("switch", "--quiet", "--detach", "main")
    code, printed = host.propose()
    assert (code, host.asked()) == (0, [])
    assert f"proposed already; to do it again, delete the branch {BRANCH} on origin" in printed


@updates
@pytest.mark.usefixtures("nameless")
def test_gitlab_gets_a_merge_request(hub: Path, fresh: Path, tmp_path: Path) -> None:
    host = Host(Owner(hub, fresh), tmp_path, GITLAB_CI="true")
    git("config", "receive.advertisePushOptions", "true", folder=host.origin)
    host.script(host.origin / "hooks" / "pre-receive", f"env | grep ^GIT_PUSH_OPTION > {tmp_path}/options")
    code, printed = host.propose()
    assert code == 0, printed
    options = sorted((tmp_path / "options").read_text().splitlines())
    assert options == ["GIT_PUSH_OPTION_0=merge_request.create", "GIT_PUSH_OPTION_COUNT=1"]
    assert git("log", "-1", "--format=%B", BRANCH, folder=host.origin).strip() == f"{TITLE}\n\n{BODY}"
    assert host.asked() == []


@updates
def test_pull_request_shows_both_versions_of_what_was_kept(owner: Owner, tmp_path: Path) -> None:
    owner.edit("CONTRIBUTING.md", "# Contributing\n", "# Join in\n")
    owner.commit()
    host = Host(owner, tmp_path, GITHUB_ACTIONS="true")
    code, printed = host.propose()
    assert code == 0, printed
    asked = "\n".join(host.asked())
    assert "Kept as you have it: 1.\n\n<details>" in asked
    assert "CONTRIBUTING.md:1\n\nyours:\n\n```text\n# Join in\n```\n" in asked
    assert "the template's:\n\n```text\n# How to contribute\n```\n" in asked
    assert git("show", f"{BRANCH}:CONTRIBUTING.md", folder=host.origin).startswith("# Join in\n")


@updates
def test_push_that_is_refused_says_what_to_do(owner: Owner, tmp_path: Path) -> None:
    host = Host(owner, tmp_path, GITHUB_ACTIONS="true")
    host.script(host.origin / "hooks" / "pre-receive", "echo without workflows permission; exit 1")
    code, printed = host.propose()
    assert code != 0
    assert "without workflows permission" in printed
    assert f"origin refuses the branch {BRANCH}: run `nox -s update` on your own machine, or store" in printed
    assert host.asked() == []


@updates
def test_pull_request_that_is_refused_is_asked_for_again(owner: Owner, tmp_path: Path) -> None:
    host = Host(owner, tmp_path, GITHUB_ACTIONS="true")
    host.script(tmp_path / "gh", "echo not permitted; exit 1")
    code, printed = host.propose()
    assert code != 0
    assert "not permitted" in printed
    assert "GitHub refuses the pull request: run `nox -s update` on your own machine, or store" in printed
    assert host.branches() == {"main"}


# The page


@updates
def test_commands_of_the_page_work_as_they_are_printed(hub: Path, tmp_path: Path) -> None:
    """From the first release to the working tree and on, with every block, in the order of the page."""
    owner = Owner(hub, _copied(hub, tmp_path, FIRST))
    page = (ROOT / "template" / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Updates from the")[2]
    update, _, by_hand, abort, seeds, recover = [text for language, text in blocks(page) if language == "console"]
    (tools := tmp_path / "tools").mkdir()
    (tools / "uvx").write_text('#!/bin/sh\nexec "$@"\n')
    (tools / "nox").write_text(f'#!/bin/sh\nexec {sys.executable} -m nox --no-venv --no-install "$@"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    owner.environment["PATH"] = f"{tools}{os.pathsep}{PATH}"

    def follow(block: str, typed: str = "") -> None:
        code, printed = owner.run("sh", "-ec", block, typed=typed)
        assert code == 0, f"{block}{printed}"

    readme = owner.read("README.md")
    follow(by_hand)
    assert owner.release() == NEW
    follow(abort, typed="clean\n")
    assert (owner.untouched(), owner.release()) == (True, FIRST)
    follow(by_hand)
    owner.commit()
    (owner.project / ANSWERS).unlink()
    owner.commit()
    follow(recover)
    owner.commit()
    assert owner.release() == NEW
    follow(update)
    assert (owner.untouched(), owner.read("README.md")) == (True, readme)
    follow(seeds)
    assert "## Begin\n" in owner.read("README.md")
