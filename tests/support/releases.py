"""The template's releases, found in its history, and a throw-away repository that carries them as tags.

A release is the commit that put its heading into CHANGELOG.md: tags do not travel with every clone.
"""

import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

from questions import ROOT

__all__ = ["HEAD", "CloneError", "add_release", "export", "git", "publish", "releases", "unreleased"]

HEAD = "v90.0.0"
"""The tag that stands for the template as it lies in the working tree."""

_HEADING = re.compile(r"^## (\d+\.\d+\.\d+)(?![\w.+-])", re.MULTILINE)


class CloneError(Exception):
    """The template's history is not here."""


def git(*words: str, folder: Path, **environment: str) -> str:
    """Run git and give what it prints, or raise with what it complains of."""
    done = subprocess.run(
        ["git", *words],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        msg = f"git {' '.join(words)} gave {done.returncode}: {done.stderr.strip()}"
        raise CloneError(msg)
    return done.stdout


def releases(repository: Path = ROOT) -> dict[str, str]:
    """Find the releases: tag -> commit, the oldest first.

    What a merge brings is released by the merge, whole: in a fork that is where its own changes are, too.

    Raises
    ------
    CloneError
        If there is no repository, or only the end of its history.
    """
    if git("rev-parse", "--is-shallow-repository", folder=repository).strip() == "true":
        msg = "this clone is shallow, releases are found in the whole history: git fetch --unshallow"
        raise CloneError(msg)
    found: dict[str, str] = {}
    words = ["log", "--first-parent", "--reverse", "--format=%H", "--", "CHANGELOG.md"]
    for commit in git(*words, folder=repository).split():
        there = [
            f"v{version}" for version in _HEADING.findall(git("show", f"{commit}:CHANGELOG.md", folder=repository))
        ]
        found = {tag: known for tag, known in found.items() if tag in there}  # one that was taken back
        for tag in there[:1]:
            found.setdefault(tag, commit)
    return found


def export(commit: str, folder: Path, *, repository: Path = ROOT) -> Path:
    """Write the template of a commit into a folder: copier.yml, template/ and CHANGELOG.md."""
    folder.mkdir(parents=True)
    packed = folder / "tree.tar"
    names = ["copier.yml", "template", "CHANGELOG.md"]
    git("archive", "--output", str(packed), commit, *names, folder=repository)
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    packed.unlink()
    return folder


def publish(folder: Path) -> Path:
    """Make a bare repository with a tag for each release, and `HEAD` for the working tree, committed or not."""
    bare, tags = folder / "template.git", releases()
    git("init", "--quiet", "--bare", "--initial-branch=main", str(bare), folder=folder)
    # Not a clone: CI checks out a commit that is on no branch, and branches have other names elsewhere.
    git("fetch", "--quiet", "--no-tags", str(ROOT), "HEAD:refs/heads/main", folder=bare)
    for tag, commit in tags.items():
        git("tag", tag, commit, folder=bare)
    _commit(bare, ROOT, HEAD)
    return bare


def unreleased() -> str:
    """Give the commit before the working tree: what somebody has who copied from the branch."""
    changed = git("status", "--porcelain", folder=ROOT)
    return git("rev-parse", "HEAD" if changed else "HEAD~", folder=ROOT).strip()


def add_release(bare: Path, tag: str, folder: Path, change: Callable[[Path], object]) -> None:
    """Release what `change` makes of the newest release, given a checkout of it in `folder`."""
    git("--work-tree", str(folder), "checkout", "--quiet", "--force", "main", "--", ".", folder=bare)
    change(folder)
    _commit(bare, folder, tag)


def _commit(bare: Path, tree: Path, tag: str) -> None:
    """Commit a folder as it is on top of the branch, and tag it."""
    index = str(bare / f"index-{tag}")
    words = ["--git-dir", str(bare), "--work-tree", str(tree)]
    git(*words, "add", "--all", ".", folder=tree, GIT_INDEX_FILE=index)
    written = git("write-tree", folder=bare, GIT_INDEX_FILE=index).strip()
    commit = git("commit-tree", written, "-p", "HEAD", "-m", tag, folder=bare).strip()
    git("update-ref", "HEAD", commit, folder=bare)
    git("tag", tag, commit, folder=bare)


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True)
    publish(Path(sys.argv[1]))
