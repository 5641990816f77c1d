"""Releases are found in history, and published as tags in a repository of the tests' own."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import releases as module
from questions import ROOT
from releases import HEAD, CloneError, add_release, export, git, publish, releases, unreleased

FIRST, SECOND = "# Changelog\n\n## 0.1.0\n\nFirst.\n", "# Changelog\n\n## 0.2.0\n\nSecond.\n\n## 0.1.0\n\nFirst.\n"


class Repository:
    """A repository that is written commit by commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        git("init", "--quiet", "--initial-branch=main", folder=folder)

    def commit(self, **files: str) -> str:
        """Write files, `CHANGELOG` for CHANGELOG.md, commit them and give the commit."""
        for name, text in files.items():
            (self.folder / f"{name}.md").write_text(text, encoding="utf-8")
        git("add", "--all", folder=self.folder)
        git("commit", "--quiet", "--allow-empty", "--message=Change", folder=self.folder)
        return git("rev-parse", "HEAD", folder=self.folder).strip()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Give an empty repository."""
    (folder := tmp_path / "repository").mkdir()
    return Repository(folder)


@pytest.fixture
def copy(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Stand in for this repository: a release, and two commits after it."""
    repository.commit(CHANGELOG=FIRST, README="Template")
    repository.commit(README="Better")
    repository.commit(README="Best")
    monkeypatch.setattr(module, "ROOT", repository.folder)
    monkeypatch.setattr(module, "releases", lambda: releases(repository.folder))
    return repository


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the published template; tests look at it and change nothing."""
    return publish(tmp_path_factory.mktemp("published"))


def tree(commit: str, folder: Path) -> dict[str, str]:
    """Give what is in a commit: path -> the name of its content."""
    lines = git("ls-tree", "-r", "-z", commit, folder=folder).split("\0")
    return {path: blob for blob, _, path in (line.partition("\t") for line in lines if line)}


def test_release_is_the_commit_that_adds_its_heading(repository: Repository) -> None:
    repository.commit(README="Template")
    first = repository.commit(CHANGELOG=FIRST)
    repository.commit(README="Better")
    repository.commit(CHANGELOG=FIRST.replace("First.", "The first."))
    second = repository.commit(CHANGELOG=SECOND)
    repository.commit(CHANGELOG=SECOND.replace("## 0.2.0", "## Unreleased\n\nThird.\n\n## 0.2.0"))
    assert list(releases(repository.folder).items()) == [("v0.1.0", first), ("v0.2.0", second)]


@pytest.mark.parametrize("heading", ["## Unreleased", "## 0.2.0rc1", "## 0.2.0-beta", "## 0.2.0.1", "### 0.2.0"])
def test_heading_that_is_no_version_releases_nothing(heading: str, repository: Repository) -> None:
    first = repository.commit(CHANGELOG=FIRST)
    repository.commit(CHANGELOG=SECOND.replace("## 0.2.0", heading))
    assert releases(repository.folder) == {"v0.1.0": first}


def test_heading_may_have_a_date(repository: Repository) -> None:
    commit = repository.commit(CHANGELOG="## 0.1.0 (2026-08-01)\n")
    assert releases(repository.folder) == {"v0.1.0": commit}


def test_heading_below_the_newest_is_no_release(repository: Repository) -> None:
    """Two tags on one commit crash copier, and a release in the past is none."""
    commit = repository.commit(CHANGELOG=SECOND)
    repository.commit(CHANGELOG=SECOND.replace("## 0.1.0", "## 0.1.1\n\n## 0.1.0"))
    assert releases(repository.folder) == {"v0.2.0": commit}


def test_merged_release_is_the_merge(repository: Repository) -> None:
    first = repository.commit(CHANGELOG=FIRST)
    git("checkout", "--quiet", "-b", "upstream", folder=repository.folder)
    repository.commit(CHANGELOG=SECOND)
    git("checkout", "--quiet", "main", folder=repository.folder)
    repository.commit(README="Defaults of our own")
    git("merge", "--quiet", "--no-edit", "upstream", folder=repository.folder)
    merge = git("rev-parse", "HEAD", folder=repository.folder).strip()
    assert releases(repository.folder) == {"v0.1.0": first, "v0.2.0": merge}


def test_no_changelog_has_no_release(repository: Repository) -> None:
    repository.commit(README="Template")
    assert releases(repository.folder) == {}


def test_shallow_clone_is_told_how_to_get_the_history(repository: Repository, tmp_path: Path) -> None:
    repository.commit(CHANGELOG=FIRST)
    second = repository.commit(CHANGELOG=SECOND)
    git("clone", "--quiet", "--depth=1", repository.folder.as_uri(), "shallow", folder=tmp_path)
    with pytest.raises(CloneError, match=r"clone is shallow.*whole history: git fetch --unshallow"):
        releases(tmp_path / "shallow")
    git("fetch", "--quiet", "--unshallow", folder=tmp_path / "shallow")
    assert releases(tmp_path / "shallow")["v0.2.0"] == second


def test_shallow_clone_is_not_published(copy: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git("clone", "--quiet", "--depth=1", copy.folder.as_uri(), "shallow", folder=tmp_path)
    monkeypatch.setattr(module, "releases", lambda: releases(tmp_path / "shallow"))
    with pytest.raises(CloneError, match="clone is shallow"):
        publish(tmp_path)


def test_folder_without_repository_is_named_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(CloneError, match=r"git rev-parse .* gave 128: fatal: not a git repository"):
        releases(tmp_path)


def test_published_template_has_every_release_and_the_working_tree(bare: Path) -> None:
    found = releases()
    assert found
    assert git("tag", folder=bare).split() == sorted([*found, HEAD])
    assert {tag: git("rev-parse", tag, folder=bare).strip() for tag in found} == found
    newest = git("describe", "--tags", "--abbrev=0", "main", folder=bare).strip()
    assert newest == HEAD
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", folder=ROOT).split("\0")
    assert set(tree(HEAD, bare)) == {path for path in listed if path and (ROOT / path).exists()}
    assert git("show", f"{HEAD}:copier.yml", folder=bare) == (ROOT / "copier.yml").read_text(encoding="utf-8")


def _as_ci_does(repository: Repository) -> None:
    """Check out a commit that is on no branch."""
    git("checkout", "--quiet", "--detach", folder=repository.folder)
    git("branch", "--quiet", "--delete", "--force", "main", folder=repository.folder)


def _on_another_branch(repository: Repository) -> None:
    git("branch", "--move", "trunk", folder=repository.folder)


@pytest.mark.parametrize("change", [_as_ci_does, _on_another_branch])
def test_any_checkout_can_be_published(change: Callable[[Repository], None], copy: Repository, tmp_path: Path) -> None:
    change(copy)
    bare = publish(tmp_path)
    add_release(bare, "v90.1.0", new_folder(tmp_path), lambda folder: (folder / "README.md").unlink())
    assert list(tree("v90.1.0", bare)) == ["CHANGELOG.md"]


def new_folder(parent: Path) -> Path:
    """Make an empty folder."""
    (folder := parent / f"work-{len(list(parent.iterdir()))}").mkdir()
    return folder


def test_changes_that_are_not_committed_are_published(copy: Repository, tmp_path: Path) -> None:
    for name in (".gitignore", "junk", "new"):
        (copy.folder / name).write_text("junk\n", encoding="utf-8")
    (copy.folder / "README.md").unlink()
    before = git("status", "--porcelain", folder=copy.folder)
    bare = publish(tmp_path)
    assert list(tree(HEAD, bare)) == [".gitignore", "CHANGELOG.md", "new"]
    assert git("status", "--porcelain", folder=copy.folder) == before


@pytest.mark.parametrize("committed", [True, False])
def test_unreleased_is_the_commit_before_the_working_tree(committed: bool, copy: Repository) -> None:
    wanted = "HEAD~" if committed else "HEAD"
    if not committed:
        (copy.folder / "README.md").write_text("Not committed\n", encoding="utf-8")
    assert unreleased() == git("rev-parse", wanted, folder=copy.folder).strip()


def test_added_release_is_the_newest_one_with_its_change(copy: Repository, tmp_path: Path) -> None:
    bare = publish(tmp_path)
    add_release(
        bare, "v90.1.0", new_folder(tmp_path), lambda folder: shutil.copy(folder / "README.md", folder / "A.md")
    )
    add_release(bare, "v90.2.0", new_folder(tmp_path), lambda folder: (folder / "README.md").unlink())
    trees = [set(tree(tag, bare)) for tag in (HEAD, "v90.1.0", "v90.2.0")]
    assert trees == [{"CHANGELOG.md", "README.md"}, {"A.md", "CHANGELOG.md", "README.md"}, {"A.md", "CHANGELOG.md"}]
    newest = git("log", "--first-parent", "--format=%H", "-n3", "main", folder=bare).split()
    assert newest == [git("rev-parse", tag, folder=bare).strip() for tag in ("v90.2.0", "v90.1.0", HEAD)]
    assert git("status", "--porcelain", folder=copy.folder) == ""


def test_export_writes_what_copier_reads(bare: Path, tmp_path: Path) -> None:
    folder = export(HEAD, tmp_path / "exported", repository=bare)
    assert sorted(path.name for path in folder.iterdir()) == ["CHANGELOG.md", "copier.yml", "template"]
    exported = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert exported == {path for path in tree(HEAD, bare) if path.startswith(("copier.yml", "template/", "CHANGELOG"))}
