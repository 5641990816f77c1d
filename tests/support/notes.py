"""The notes of a release, in Markdown, made by comparing renders: `nox -s notes [-- [OLD] NEW]`.

OLD and NEW are tags, or `next` for the working tree. Without them it is the newest release against the one before.
"""

import argparse
import io
import json
import os
import re
import shutil
import sys
import tempfile
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import copier
import pathspec
import yaml
from combinations import Answers, combinations, pairwise
from packaging.version import Version
from pytest_copie.plugin import Copie
from questions import ASKED, ROOT, is_asked
from releases import export, git, releases
from rendering import Renderer, contents, snapshot
from rules import Config, asked, carriers, new_choices, values

__all__ = ["NEXT", "Change", "Release", "changes", "class_of", "due", "excerpt", "load", "main", "notes", "sample"]

NEXT = "next"
MIXED = {"pyproject.toml", ".gitignore"}
TITLES = {
    "owned": "Owned, merged by `copier update`:",
    "mixed": "Mixed, merged around the owner's lines:",
    "seed": "Seeds, which `copier update` leaves alone:",
}
SEEDS = """\
To take what is new in the seeds too: update, commit, run `nox -s update -- seeds {old}` in the project, then the
`git apply -3` command that it prints.
"""
PATTERNS = "gitignore" if Version(pathspec.__version__) >= Version("1") else "gitwildmatch"  # as copier reads them


@dataclass(frozen=True)
class Release:
    """A release, or the working tree, written out: copier.yml, template/ and CHANGELOG.md."""

    tag: str
    folder: Path
    config: Config
    changelog: str

    def knows(self, answers: Answers) -> bool:
        """Say whether no answer is a choice that this release does not have."""
        closed = {key: values(question) for key, question in asked(self.config).items() if values(question)}
        return all(value in closed[key] for key, value in answers.items() if key in closed)

    def render(self, answers: Answers) -> Mapping[str, bytes]:
        """Render a project from the answers that this release asks for, and read it but for those answers."""
        return _render(self.folder, tuple(_known(answers, self).items()))


@dataclass(frozen=True)
class Change:
    """What became of a file.

    Attributes
    ----------
    kind
        new, changed or gone.
    option
        The answers that a project with this file has; empty if every project has it.
    """

    path: str
    kind: str
    class_: str
    option: str


def load(tag: str, folder: Path, *, repository: Path = ROOT) -> Release:
    """Write a release, or the working tree, into a folder."""
    if tag == NEXT:
        folder.mkdir(parents=True)
        shutil.copy(ROOT / "CHANGELOG.md", snapshot(folder))
    else:
        export(releases(repository)[tag], folder, repository=repository)
    config = yaml.safe_load((folder / "copier.yml").read_text(encoding="utf-8"))
    return Release(tag, folder, config, (folder / "CHANGELOG.md").read_text(encoding="utf-8"))


def notes(old: Release | None, new: Release, answers: Sequence[Answers] | None = None) -> str:
    """Write the notes of a release; without an older one they say what it renders."""
    answers = answers or sample(new)
    said = excerpt(new.changelog, old.tag if old else None) or "CHANGELOG.md says nothing yet.\n"
    listed = changes(old, new, answers)
    parts = [said, _questions(old, new), _files(listed, f"{len(answers)} renders that hold every pair of choices")]
    if old and any(change.class_ == "seed" for change in listed):
        parts.append(SEEDS.format(old=old.tag))
    return "\n".join(parts)


def excerpt(changelog: str, old: str | None) -> str:
    """Give what the changelog says above the heading of an older release; a heading alone goes into the title."""
    sections = re.split(r"^(?=## )", changelog, flags=re.MULTILINE)[1:]
    until = [bool(old and re.match(rf"## {re.escape(old[1:])}(?![\w.+-])", section)) for section in sections]
    sections = sections[: until.index(True)] if True in until else sections
    return (sections[0].partition("\n")[2] if len(sections) == 1 else "".join(sections)).strip("\n") + "\n" * bool(
        sections
    )


def class_of(path: str, config: Config) -> str:
    """Say who owns a path: owned, mixed or seed."""
    seeds = pathspec.PathSpec.from_lines(PATTERNS, config.get("_skip_if_exists", []))
    return "mixed" if path in MIXED else "seed" if seeds.match_file(path) else "owned"


def sample(release: Release) -> list[Answers]:
    """Pick answers that hold every pair of choices of a release; a text that may be empty is in half of them."""
    known = [_known(answers, release) for answers in combinations() if release.knows(answers)]
    return [_with_texts(number, known[number]) for number in pairwise(known)]


def changes(old: Release | None, new: Release, answers: Sequence[Answers]) -> list[Change]:
    """Compare the renders of two releases, path by path; without an older one every file is new.

    What a project of the older release has is compared: questions that are new since are left to their defaults.
    """
    known = [_known(given, old) for given in answers if old and old.knows(given)]
    pairs = [(old.render(given), new.render(given)) for given in known if old]
    had = {path for before, _ in pairs for path in before}
    has = {path for given in answers for path in new.render(given)}
    found = [Change(path, "new", class_of(path, new.config), _option(path, new, answers)) for path in has - had]
    for path in had:
        if old and any(before.get(path) != after.get(path) for before, after in pairs):
            gone = path not in has
            was, now = (_option(path, release, known) for release in (old, old if gone else new))
            where = now if now == was else f"{now or 'every project'}; before: {was or 'every project'}"
            kind = "gone" if gone else "changed"
            found.append(Change(path, kind, class_of(path, (old if gone else new).config), where))
    return sorted(found, key=lambda change: (["new", "changed", "gone"].index(change.kind), change.path))


def due(repository: Path = ROOT) -> dict[str, str]:
    """Find the releases that have no tag yet: tag -> commit, the oldest first."""
    tags = git("tag", folder=repository).split()
    return {tag: commit for tag, commit in releases(repository).items() if tag not in tags}


def write_due(folder: Path, repository: Path = ROOT) -> str:
    """Write the notes of each release that has no tag yet; give them as GitHub reads them, in JSON."""
    wanted = due(repository)
    folder.mkdir(parents=True, exist_ok=True)
    for tag in wanted:
        (folder / f"{tag}.md").write_text(_of_tags(_ends([tag], repository), repository), encoding="utf-8")
    return json.dumps([{"tag": tag, "commit": commit} for tag, commit in wanted.items()])


def main(words: Sequence[str], repository: Path = ROOT) -> None:
    """Print notes, or write those of all releases that are due."""
    parser = argparse.ArgumentParser(prog="nox -s notes --", description=__doc__)
    parser.add_argument("tags", nargs="*", metavar="TAG")
    parser.add_argument("--due", type=Path, metavar="FOLDER", help="write FOLDER/TAG.md for each release without tag")
    given = parser.parse_args(words)
    if not given.due:
        sys.stdout.write(_of_tags(_ends(given.tags, repository), repository))
        return
    found = f"releases={write_due(given.due, repository)}\n"
    sys.stdout.write(found)
    if "GITHUB_OUTPUT" in os.environ:
        with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
            file.write(found)


def _ends(words: Sequence[str], repository: Path) -> tuple[str | None, str]:
    """Find the two ends: the older one is None for the first release."""
    known = [*releases(repository), NEXT]
    unknown = [word for word in words if word not in known]
    if unknown or len(words) > 2:  # noqa: PLR2004 - an old and a new one
        msg = f"give up to two of {', '.join(known)}, the older one first; got {' '.join(words)}"
        raise SystemExit(msg)
    new = words[-1] if words else (known[-2:] or known)[0]
    earlier = known[: known.index(new)]
    return words[0] if words[1:] else earlier[-1] if earlier else None, new


def _of_tags(tags: tuple[str | None, str], repository: Path) -> str:
    """Write the notes, rendering with the shortcuts of the tests."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        old, new = (load(tag, folder / tag, repository=repository) if tag else None for tag in tags)
        assert new is not None
        (nobody := folder / "settings.yml").write_text("{}\n")
        stack.enter_context(mock.patch.dict(os.environ, COPIER_SETTINGS_PATH=str(nobody)))
        stack.enter_context(_quiet())
        stack.enter_context(redirect_stdout(io.StringIO()))  # pytest-copie lets copier talk
        stack.enter_context(redirect_stderr(io.StringIO()))
        for part in ("projects", "shortcuts"):
            (folder / part).mkdir()
        renderer = Renderer(Copie(folder, folder / "projects", folder), snapshot(folder / "shortcuts"))
        with renderer.fast():
            return notes(old, new)


def _quiet() -> AbstractContextManager[None]:
    return warnings.catch_warnings(action="ignore")  # copier has no earlier answers to read


@cache
def _render(template: Path, answers: tuple[tuple[str, Any], ...]) -> Mapping[str, bytes]:
    with tempfile.TemporaryDirectory() as name, _quiet():
        project = Path(name, "project")
        copier.run_copy(str(template), project, data=dict(answers), defaults=True, quiet=True)
        files = contents(project)
    files = {path.replace("/my_package/", "/<package>/"): data for path, data in files.items()}
    return {path: data for path, data in files.items() if path != ".copier-answers.yml" and path[-1] != "/"}


def _with_texts(number: int, closed: Answers) -> Answers:
    """Answer the text questions: with what they suggest, or every other time not at all."""
    answers = {"project_name": "My package", "package_name": "my_package", **closed}
    for key, question in ASKED.items():
        if key not in answers and not values(question) and is_asked(key, answers):
            answers[key] = question["placeholder"] if zlib.crc32(f"{key} {number}".encode()) % 2 else ""
    return answers


def _known(answers: Answers, release: Release) -> Answers:
    return {key: value for key, value in answers.items() if key in asked(release.config)}


def _option(path: str, release: Release, answers: Sequence[Answers]) -> str:
    """Name the answers that a file depends on, by changing one at a time in a project that has it."""
    having = [given for given in answers if path in release.render(given)]
    if len(having) == len(answers):
        return ""
    needed = [_shown(key, kept) for key in having[0] if (kept := list(_keeping(path, release, having[0], key)))]
    return ", ".join(filter(None, needed)) or "some answers"


def _keeping(path: str, release: Release, answers: Answers, key: str) -> Iterator[Any]:
    """Give the answers to one question with which a project still has a file, unless they are all."""
    question = asked(release.config).get(key, {"type": "str"})
    every = values(question) or ([""] if not question.get("default") else []) + [answers[key]]
    every = list(dict.fromkeys(every))
    kept = [value for value in every if path in release.render(_reachable({**answers, key: value}))]
    if len(kept) < len(every):
        yield from kept


def _reachable(answers: Answers) -> Answers:
    """Drop the answers that the others hide."""
    return {key: value for key, value in answers.items() if key not in ASKED or is_asked(key, answers)}


def _shown(key: str, kept: list[Any]) -> str:
    if kept and kept[0] == "":
        return f"`{key}` empty"
    return (
        " or ".join(f"`{key}={value}`" for value in kept)
        if values(ASKED.get(key, {"type": "str"}))
        else f"`{key}` given"
    )


def _questions(old: Release | None, new: Release) -> str:
    """Say what is asked that was not asked before."""
    if not old:
        return f"### Answers\n\n{', '.join(f'`{key}`' for key in asked(new.config))}\n"
    taken = {name: key for key in asked(old.config) for name in carriers(old.config, new.config, key)}
    lines = [
        f"`{key}` takes the answer of `{taken[key]}`" if key in taken else _question(key, question)
        for key, question in asked(new.config).items()
        if key not in asked(old.config)
    ]
    for key, found in new_choices(old.config, new.config).items():
        lines.append(f"`{key}` has a new choice: {', '.join(f'`{value}`' for value in found)}")
    return "### Answers\n\n" + ("".join(f"- {line}\n" for line in lines) or "No question and no choice is new.\n")


def _question(key: str, question: Mapping[str, Any]) -> str:
    choices = " (" + ", ".join(f"`{value}`" for value in values(question)) + ")" if values(question) else ""
    return f"new `{key}`: {question['help']}{choices}; what a project had before is the default"


def _files(listed: Sequence[Change], seen: str) -> str:
    """List the files by class."""
    text = f"### Files\n\nOf {seen}; beside a file that only some projects have stands which.\n"
    for class_, title in TITLES.items():
        lines = [_line(change) for change in listed if change.class_ == class_]
        text += f"\n{title}\n\n{''.join(lines)}" if lines else ""
    return text + ("" if listed else "\nNone is new, changed or gone.\n")


def _line(change: Change) -> str:
    return f"- {change.kind} `{change.path}`{f' ({change.option})' if change.option else ''}\n"


if __name__ == "__main__":
    main(sys.argv[1:])
