"""Where projects stand that follow the template: `nox -s fleet -- FOLDER…` prints it.

Nothing is written into a project: an update is tried in a clone that is thrown away.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import yaml
from jinja2 import ChainableUndefined, Environment, nodes
from questions import CONFIG, ROOT
from releases import CloneError, git, releases

__all__ = ["ANSWERS", "Row", "Templates", "conflicts", "defaults", "examine", "main", "table"]

ANSWERS = ".copier-answers.yml"
# Ask for no password, leave the owner's index and large files alone.
QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_LFS_SKIP_SMUDGE": "1"}
ALIASES = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
KEPT = "kept yours: "  # as update.py begins such a line
MARKER = re.compile(rb"^<{7} .*^>{7} ", re.MULTILINE | re.DOTALL)

_jinja = Environment(undefined=ChainableUndefined)  # noqa: S701 - no HTML


class FleetError(Exception):
    """A folder about which there is no more to say than this."""


@dataclass
class Row:
    """What is known about a project.

    Attributes
    ----------
    release
        The release it is at, or the commit after one, e.g. "v0.1.0-3-gabc1234".
    behind
        Number of newer releases; None if unknown.
    differs
        Answers that are not the organisation's: key -> [answer, default].
    update
        "none": nothing is newer; "clean", "conflicts" or "fails": what a trial gave; "not tried".
    changed
        Number of files that the trial wrote, moved or deleted.
    conflicts
        Files that the trial left in conflict, by their path in the repository.
    kept
        Places where the project's update session would keep the owner's lines instead; None if not tried.
    notes
        What hinders, or what else there is to know.
    """

    project: str
    template: str = ""
    release: str = ""
    newest: str = ""
    behind: int | None = None
    differs: dict[str, list[Any]] = field(default_factory=dict)
    update: str = "not tried"
    changed: int = 0
    conflicts: list[str] = field(default_factory=list)
    kept: list[str] | None = None
    notes: list[str] = field(default_factory=list)


class Templates:
    """Bare clones of the templates that projects name, each made once, with a tag for each release."""

    def __init__(self, scratch: Path) -> None:
        self._scratch, self._lock = scratch, Lock()
        self._known: dict[str, tuple[Path, str]] = {}

    def get(self, source: str) -> tuple[Path, str]:
        """Give the clone, and what is odd about it; if `source` is out of reach, a clone of this repository."""
        with self._lock:
            if source not in self._known:
                self._known[source] = self._clone(source, self._scratch / f"template-{len(self._known)}.git")
            return self._known[source]

    def _clone(self, source: str, clone: Path) -> tuple[Path, str]:
        note, words = "", ["clone", "--quiet", "--bare", "--"]
        try:
            git(*words, _address(source), str(clone), folder=self._scratch, **QUIET)
        except CloneError:
            note = f"{source} is out of reach: compared with this repository"
            git(*words, str(ROOT), str(clone), folder=self._scratch, **QUIET)
        if not _tags(clone):
            for tag, commit in releases(clone).items():
                git("tag", tag, commit, folder=clone)
        return clone, note


def defaults(config: Mapping[str, Any] = CONFIG) -> dict[str, Any]:
    """Give what the organisation answers by default: each closed question, and each text that it set for all.

    A text is set for all if its default is not empty and comes from no other answer and no folder's name.
    """
    found = {}
    for key, question in config.items():
        if key.startswith("_") or question.get("when") is False:
            continue
        default = question["default"]
        if isinstance(default, str):
            names = {node.name for node in _jinja.parse(default).find_all(nodes.Name)}
            if names & ({*config, "_folder_name"} - {"previous"}):
                continue
            default = _jinja.from_string(default).render()
        if default or "choices" in question:
            found[key] = default
    return found


def conflicts(project: Path) -> list[str]:
    """List what an update left in conflict: unmerged paths, files with markers, rejected parts of a patch.

    The paths are those in the repository; new and ignored files count.
    """
    top = Path(git("rev-parse", "--show-toplevel", folder=project).rstrip("\n"))
    unmerged = git("ls-files", "--unmerged", "-z", "--full-name", ":/", folder=project).split("\0")
    found = {line.partition("\t")[2] for line in unmerged if line}
    for path in _changed(project):
        if path.endswith(".rej") or ((top / path).is_file() and MARKER.search((top / path).read_bytes())):
            found.add(path)
    return sorted(found)


def examine(folder: Path, templates: Templates) -> Row:
    """Say where a project stands; whatever is wrong with it is noted."""
    row = Row(str(folder))
    try:
        _fill(row, folder, templates)
    except FleetError as error:
        row.notes.append(str(error))
    except Exception as error:  # noqa: BLE001 - one project never stops the rest
        row.notes.append(f"{type(error).__name__}: {error}")
    row.notes = [" ".join(note.split()) for note in row.notes]
    return row


def _fill(row: Row, folder: Path, templates: Templates) -> None:
    answers = _answers(folder)
    row.template, row.release = answers["_src_path"], answers["_commit"]
    row.differs = {
        key: [answers[key], default] for key, default in defaults().items() if answers.get(key, default) != default
    }
    clone, note = templates.get(row.template)
    row.notes += [note] if note else []
    newer = _newer(clone, row.release)
    row.newest, row.behind = _tags(clone)[-1], len(newer)
    if not newer:
        row.update = "none"
        return
    top, within = _repository(folder)
    with tempfile.TemporaryDirectory(prefix="fleet-") as scratch:
        copy = _copy(top, within, Path(scratch, "project"), clone)
        _try(row, copy)
        _try_session(row, copy)


def _answers(folder: Path) -> dict[str, str]:
    """Read a project's answers file."""
    if not folder.is_dir():
        msg = "no such folder"
        raise FleetError(msg)
    if not (folder / ANSWERS).is_file():
        msg = f"no project of a template: it has no {ANSWERS}"
        raise FleetError(msg)
    try:
        found = yaml.safe_load((folder / ANSWERS).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        msg = f"{ANSWERS} cannot be read: {error}"
        raise FleetError(msg) from error
    if not isinstance(found, dict) or not all(isinstance(found.get(key), str) for key in ("_src_path", "_commit")):
        msg = f"{ANSWERS} names no template and commit (_src_path, _commit)"
        raise FleetError(msg)
    return found


def _newer(clone: Path, commit: str) -> list[str]:
    """List the releases after the one that a commit is, or stands on."""
    if not (tags := _tags(clone)):
        msg = "the template has no release"
        raise FleetError(msg)
    try:
        known = git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}", folder=clone).strip()
    except CloneError:
        msg = f"at the commit {commit}, which the template does not have"
        raise FleetError(msg) from None
    held = set(git("tag", "--merged", known, folder=clone).split())
    base = max([_number(tag) for tag in tags if tag in held], default=())
    return [tag for tag in tags if _number(tag) > base]


def _repository(folder: Path) -> tuple[Path, str]:
    """Give the repository that a project is in, and where; refuse one with changes that are not committed."""
    try:
        top, within = (
            git("rev-parse", word, folder=folder).rstrip("\n") for word in ("--show-toplevel", "--show-prefix")
        )
    except CloneError as error:
        msg = f"update not tried: git does not take the folder ({error})"
        raise FleetError(msg) from error
    if changes := git("status", "--porcelain", "--", ".", folder=folder, **QUIET).splitlines():
        more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""  # noqa: PLR2004
        msg = f"update not tried: not committed: {', '.join(line[3:] for line in changes[:3])}{more}"
        raise FleetError(msg)
    return Path(top), within


def _copy(top: Path, within: str, scratch: Path, template: Path) -> Path:
    """Clone a project, and let the clone follow the template's clone."""
    git("clone", "--quiet", "--", str(top), str(scratch), folder=scratch.parent, **QUIET)
    answers = scratch / within / ANSWERS
    if not answers.is_file():
        msg = f"update not tried: {ANSWERS} is not committed"
        raise FleetError(msg)
    text = re.sub(
        r"^_src_path:.*$",
        lambda _: f"_src_path: {json.dumps(str(template))}",
        answers.read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    answers.write_text(text, encoding="utf-8")
    git(
        "-c", "user.name=fleet", "-c", "user.email=fleet@example.org",
        "commit", "--quiet", "--no-verify", "--no-gpg-sign", "--all", "--message=Follow a clone", folder=scratch,
    )  # fmt: skip
    return scratch / within


def _try(row: Row, project: Path) -> None:
    """Update a clone to the newest release and see what came of it; copier exits with 0 on conflicts."""
    done = subprocess.run(
        [sys.executable, "-m", "copier", "update", "--defaults", "--quiet"],
        cwd=project, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    row.changed, row.conflicts = len(_changed(project)), conflicts(project)
    row.update = "fails" if done.returncode else "conflicts" if row.conflicts else "clean"
    if done.returncode:
        row.notes.append((done.stderr.strip().splitlines() or [f"copier gave {done.returncode}"])[-1])


def _try_session(row: Row, project: Path) -> None:
    """Update the clone once more, as `nox -s update` does, and note what it keeps of the owner's."""
    git("reset", "--quiet", "--hard", folder=project)
    git("clean", "-dffqx", ":/", folder=project)
    words = [sys.executable, str(ROOT / "template" / "update.py")]
    done = subprocess.run(
        words,
        cwd=project,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | QUIET,
    )
    if done.returncode:
        row.notes.append(f"nox -s update: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    else:
        row.kept = [line.removeprefix(KEPT) for line in done.stdout.splitlines() if line.startswith(KEPT)]


def _changed(project: Path) -> list[str]:
    """List the paths that differ from the last commit, new and ignored ones too."""
    words = ["status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignored"]
    return [line[3:] for line in git(*words, folder=project).split("\0") if line]


def _address(source: str) -> str:
    """Write out what copier abbreviates."""
    for alias, start in ALIASES.items():
        if source.startswith(alias):
            return f"{start}{source.removeprefix(alias).strip('/').removesuffix('.git')}.git"
    return str(Path(source).expanduser()) if source.startswith("~") else source.removeprefix("git+")


def _tags(clone: Path) -> list[str]:
    """List the releases, the oldest first."""
    found = git("tag", folder=clone).split()
    return sorted((tag for tag in found if re.fullmatch(r"v\d+\.\d+\.\d+", tag)), key=_number)


def _number(tag: str) -> tuple[int, ...]:
    return tuple(map(int, tag[1:].split(".")))


def table(rows: Sequence[Row]) -> str:
    """Set the rows as a table for people; a cell holds no line break."""
    cells = [["project", "release", "behind", "update", "kept", "differs from the defaults", "notes"]]
    for row in rows:
        differs = ", ".join(f"{key}={value}" for key, (value, _) in row.differs.items())
        update = f"{row.update}: {', '.join(row.conflicts)}" if row.conflicts else row.update
        counts = (row.behind, None if row.kept is None else len(row.kept))
        behind, kept = ("?" if count is None else str(count) for count in counts)
        cells.append([row.project, row.release or "?", behind, update, kept, differs or "-", "; ".join(row.notes)])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n" for line in cells
    )


def main(words: Sequence[str] | None = None) -> None:
    """Print the table, and write the JSON where it is asked for."""
    parser = argparse.ArgumentParser(prog="nox -s fleet --", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="local clone of a project")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="fleet-") as scratch, ThreadPoolExecutor() as pool:
        templates = Templates(Path(scratch))
        rows = list(pool.map(lambda folder: examine(folder, templates), given.folders))
    print(table(rows), end="")  # noqa: T201
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
