"""Projects that follow the template: start one at a release, update it, and say what an update did to it."""

import shutil
from pathlib import Path

import copier
from classes import is_seed
from combinations import Answers
from questions import check
from releases import HEAD, git
from rendering import Renderer, contents

__all__ = ["Edits", "Workshop", "commit", "edits", "losses", "tree", "troubles"]

Edits = dict[str, bytes | list[str] | None]

MARKERS = (b"<<<<<<< ", b">>>>>>> ")


class Workshop:
    """Makes projects from the releases of one template, each (release, answers) once.

    Attributes
    ----------
    bare
        A repository with a tag for each release.
    """

    def __init__(self, bare: Path, folder: Path, renderer: Renderer) -> None:
        """Keep renders in a folder."""
        self.bare, self.folder, self.renderer = bare, folder, renderer
        self._made: dict[str, Path] = {}

    def render(self, release: str, answers: Answers) -> Path:
        """Render a release with answers, without git; look, do not change."""
        key = repr((release, answers))
        if key not in self._made:
            self._made[key] = self.folder / f"{len(self._made)}"
            with self.renderer.fast(without=["git"]):
                copier.run_copy(
                    str(self.bare),
                    self._made[key],
                    data=answers,
                    vcs_ref=release,
                    defaults=True,
                    quiet=True,
                    unsafe=False,
                )
        return self._made[key]

    def start(self, release: str, answers: Answers, project: Path) -> Path:
        """Give a project that its owner has just committed."""
        shutil.copytree(self.render(release, answers), project)
        git("init", "--quiet", "--initial-branch=main", folder=project)
        commit(project, "Start")
        return project

    def update(self, project: Path, release: str | None = None, **answers: str) -> None:
        """Update a project as `copier update --defaults` does; nothing is trusted."""
        check(answers)
        with self.renderer.fast(without=["git"]):
            copier.run_update(
                project,
                data=answers,
                vcs_ref=release or HEAD,
                defaults=True,
                overwrite=True,
                quiet=True,
                unsafe=False,
            )


def commit(project: Path, message: str) -> None:
    """Commit all there is."""
    git("add", "--all", folder=project)
    git("commit", "--quiet", "--allow-empty", "--message", message, folder=project)


def tree(project: Path) -> dict[str, bytes]:
    """Read the files of a project, without git's own."""
    return {path: data for path, data in contents(project).items() if not path.startswith(".git/")}


def troubles(project: Path) -> list[str]:
    """List conflicts: files that git calls unmerged, markers, rejected parts; copier exits 0 with all of them."""
    found = [f"unmerged: {line}" for line in git("ls-files", "--unmerged", folder=project).splitlines()]
    for path, data in tree(project).items():
        if path.endswith(".rej") or data.startswith(MARKERS) or any(b"\n" + marker in data for marker in MARKERS):
            found.append(f"conflict: {path}")
    return found


def edits(project: Path) -> Edits:
    """Note what the owner did since the first commit: path -> content, lines added to a merged file, or None: deleted."""
    start = git("rev-list", "--max-parents=0", "HEAD", folder=project).strip()
    found: Edits = {}
    for line in git("diff", "--name-status", "--no-renames", start, "HEAD", folder=project).splitlines():
        status, path = line.split("\t")
        if status == "D":
            found[path] = None
        elif status == "A" or is_seed(path):
            found[path] = (project / path).read_bytes()
        else:
            diff = git("diff", "--unified=0", start, "HEAD", "--", path, folder=project).splitlines()
            found[path] = [text[1:] for text in diff if text.startswith("+") and not text.startswith("+++")]
    return found


def losses(project: Path, mine: Edits) -> list[str]:
    """List what is not as the owner left it."""
    now = tree(project)
    lost = []
    for path, edit in mine.items():
        if edit is None:
            lost += [f"{path} is back"] if path in now else []
        elif path not in now:
            lost.append(f"{path} is gone")
        elif isinstance(edit, bytes):
            lost += [f"{path} was changed"] if now[path] != edit else []
        else:
            there = now[path].decode().splitlines()
            lost += [f"{path} lost {text!r}" for text in edit if text not in there]
    return lost
