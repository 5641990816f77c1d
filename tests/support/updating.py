"""Projects that follow the template: start one at a release, update it, and say what an update did to it."""

import re
import shlex
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import copier
import owner
import yaml
from classes import is_seed
from combinations import Answers, command
from fleet import ANSWERS, conflicts
from questions import ASKED, check, is_asked
from releases import HEAD, git
from rendering import Renderer, contents
from shortcuts import FOR_UPDATES

__all__ = ["Edits", "Follower", "Workshop", "edits", "losses", "strays", "tree"]

Edits = dict[str, bytes | tuple[set[str], ...] | None]
"""What an owner did: path -> content, or lines added to and taken from a merged file, or None: deleted."""

SCRATCH = "../scratch"
PROJECT = f"{SCRATCH}/project"


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
        self.problems: dict[str, Exception] = {}
        self.served: Counter[str] = Counter()

    @contextmanager
    def fast(self) -> Iterator[Counter[str]]:
        """Take the shortcuts that this copier has, but for those that need no git."""
        with ExitStack() as stack, self.renderer.fast(without=["git"]) as served:
            for name, shortcut in FOR_UPDATES.items():
                try:
                    stack.enter_context(shortcut(served))
                except AttributeError as problem:
                    self.problems[name] = problem
            yield served
            self.served.update(served)

    def render(self, release: str, answers: Answers) -> Path:
        """Render a release with answers, without git; look, do not change."""
        answers = {"project_name": "project"} | answers  # by default the folder's name
        key = repr((release, answers))
        if key not in self._made:
            self._made[key] = self.folder / f"{len(self._made)}"
            with self.fast():
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


class Follower:
    """A project under git, with an owner, that follows a template.

    Attributes
    ----------
    folder
        Where it is.
    mine
        What the owner did to it.
    before
        Its files when it was last committed.
    updates
        How many it has seen.
    log
        Commands that do the same again, in the template's folder.
    """

    def __init__(self, workshop: Workshop, folder: Path) -> None:
        """Name the folder; `start` makes the project."""
        self.workshop, self.folder = workshop, folder
        self.mine: Edits = {}
        self.before: dict[str, bytes] = {}
        self.updates = 0
        self.log: list[str] = []

    def start(self, release: str, answers: Answers) -> None:
        """Make a project that its owner has just committed."""
        self.log += [
            shlex.join(["python3", "tests/support/releases.py", SCRATCH]),
            shlex.join(command(answers, template=f"{SCRATCH}/template.git", destination=PROJECT, release=release)),
            f"git -C {PROJECT} init --quiet --initial-branch=main",
        ]
        shutil.copytree(self.workshop.render(release, answers), self.folder)
        git("init", "--quiet", "--initial-branch=main", folder=self.folder)
        self.commit("Start")

    def edit(self, *names: str) -> None:
        """Do what an owner does, all of it unless edits are named, and commit it."""
        package = self.answers()["package_name"]
        self.log.append(shlex.join(["python3", "tests/support/owner.py", PROJECT, package, *names]))
        owner.edit(self.folder, package, *names)
        self.commit("Edit")
        for path, edit in edits(self.folder).items():
            known = self.mine.get(path)
            if isinstance(known, tuple) and isinstance(edit, tuple):
                self.mine[path] = ((known[0] - edit[1]) | edit[0], known[1] | edit[1])
            else:
                self.mine[path] = edit

    def update(self, release: str = HEAD, **answers: str) -> None:
        """Update as `copier update --defaults` does; nothing is trusted."""
        check(answers)
        self.updates += 1
        data = [word for key, value in answers.items() for word in ("--data", f"{key}={value}")]
        self.log.append(shlex.join(["copier", "update", "--defaults", f"--vcs-ref={release}", *data, PROJECT]))
        with self.workshop.fast():
            copier.run_update(
                self.folder,
                data=answers,
                vcs_ref=release,
                defaults=True,
                overwrite=True,
                quiet=True,
                unsafe=False,
            )

    def commit(self, message: str) -> None:
        """Commit all there is."""
        git("add", "--all", folder=self.folder)
        git("commit", "--quiet", "--allow-empty", "--message", message, folder=self.folder)
        self.log += [
            f"git -C {PROJECT} add --all",
            shlex.join(["git", "-C", PROJECT, "commit", "--quiet", "--allow-empty", "--message", message]),
        ]
        self.before = tree(self.folder)

    def answers(self) -> Answers:
        """Read the answers that the project stores."""
        found: Answers = yaml.safe_load((self.folder / ANSWERS).read_text(encoding="utf-8"))
        return {key: value for key, value in found.items() if not key.startswith("_") and key != "answered"}

    def wrongs(self, release: str = HEAD) -> list[str]:
        """List what an update left undone or did too much: conflicts, edits lost, files that are not the release's."""
        answers = self.answers()
        asked = {key: value for key, value in answers.items() if key not in ASKED or is_asked(key, answers)}
        fresh = tree(self.workshop.render(release, asked))
        given = yaml.safe_load(fresh[ANSWERS])
        lost = [
            f"the answer {key} is {answers.get(key)!r}" for key in given if given[key] != answers.get(key, given[key])
        ]
        fresh[ANSWERS] = (self.folder / ANSWERS).read_bytes()  # has answers too that others hide
        lost += losses(self.folder, self.mine)
        return [*conflicts(self.folder), *lost, *strays(self.folder, self.before, fresh, self.mine)]


def tree(project: Path) -> dict[str, bytes]:
    """Read the files that git sees in a project: not its own, and no empty folder."""
    found = contents(project).items()
    return {path: data for path, data in found if not path.startswith(".git/") and not path.endswith("/")}


def edits(project: Path) -> Edits:
    """Note what the owner did in the last commit."""
    found: Edits = {}
    for line in git("diff", "--name-status", "--no-renames", "HEAD~", "HEAD", folder=project).splitlines():
        status, path = line.split("\t")
        if status == "D":
            found[path] = None
        elif status == "A" or is_seed(path):
            found[path] = (project / path).read_bytes()
        else:
            diff = git("diff", "--unified=0", "HEAD~", "HEAD", "--", path, folder=project)
            found[path] = tuple(set(re.findall(rf"(?m)^[{sign}](?![+-]{{2}} )(.*)", diff)) for sign in "+-")
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
            lost += [f"{path} lost {text!r}" for text in edit[0] - set(now[path].decode().splitlines())]
    return lost


def strays(project: Path, before: dict[str, bytes], fresh: dict[str, bytes], mine: Edits) -> list[str]:
    """List what a project has that it should not have, or lacks, after an update.

    Parameters
    ----------
    before
        The project's files as the owner committed them.
    fresh
        A render of the new release with the project's answers.
    mine
        What the owner did.
    """
    now = tree(project)
    kept = {path for path in before if is_seed(path) or path in mine}
    given = {path for path in fresh if not is_seed(path) and mine.get(path, b"") is not None}
    found = [f"{path} is missing" for path in (kept | given) - now.keys()]
    found += [f"{path} is left" for path in now.keys() - kept - given]
    for path in given & now.keys():
        edit = mine.get(path)
        if edit is None and now[path] != fresh[path]:
            found.append(f"{path} is not that of the release")
        elif isinstance(edit, tuple):
            missing = set(fresh[path].decode().splitlines()) - set(now[path].decode().splitlines())
            found += [f"{path} lacks {line!r} of the release" for line in missing - edit[1]]
    return found
