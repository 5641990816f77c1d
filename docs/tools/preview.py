"""The data of the preview page, found from renders: each line of each file once, with the answers that lead to it.

A file is a list of lines in one order, each with a condition: the answers that decide whether the line is there. The
conditions are found from a sample of renders and compared with other renders; a render that differs joins the sample.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from email import message_from_string
from email.header import decode_header, make_header
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any
from unittest import mock

import copier
import yaml
from combinations import combinations, pairwise
from packaging.requirements import Requirement
from pathspec import GitIgnoreSpec
from questions import ASKED, choices, is_asked
from releases import export, releases
from rendering import contents, snapshot
from rules import asked
from shortcuts import SHORTCUTS
from wheels import TAGGED, Wheel, build_wheel

__all__ = [
    "ANSWERS_FILE",
    "MAIN",
    "MARKS",
    "SOURCE",
    "Preview",
    "data",
    "given",
    "mark",
    "metadata",
    "random_states",
    "render",
    "texts",
    "write",
]

State = dict[str, str]
"""Each closed answer; of a text "" or "given"; no entry for a question that is hidden."""

MAIN = "main"
"""The name of the working tree among the releases."""

SOURCE = "gh:org/copier-datascience"
ANSWERS_FILE = ".copier-answers.yml"
MARKS = {
    "project_name": 'Zq"name\\é',
    "description": 'Zq"text\\é',
    "package_name": "zq_package_zq",
    "user_name": 'Zq"user\\é',
    "user_email": "zq'mail@example.org",
    "github_user": "zq-owner-zq",
    "gitlab_user": "zq-group-zq/zq.sub",
}
"""Text answers that are in no file of the template, and that quoting changes."""
_FORMS: dict[str, Callable[[str], str]] = {
    "json": lambda text: json.dumps(text, ensure_ascii=False),
    "upper": str.upper,
    "dashed": lambda text: text.replace("_", "-"),
    "raw": str,
}
_HOLE = "\x02{key} {form}\x03"
_SHORT = 12  # characters: a bracket, a word


def mark(text: str, path: str = "") -> str:
    """Replace the marks by holes, which say which answer in which form."""
    if path == ANSWERS_FILE:
        for key, value in MARKS.items():
            lines = [f"{key}: {form}\n" for form in (value, f"'{value.replace(chr(39), 2 * chr(39))}'")]
            for line in lines:
                text = text.replace(line, f"{key}: {_HOLE.format(key=key, form='yaml')}\n")
    for key, value in MARKS.items():
        for form, change in _FORMS.items():
            if form == "raw" or change(value) != value:
                text = text.replace(change(value), _HOLE.format(key=key, form=form))
    return text


def given(state: State) -> dict[str, str]:
    """Give the answers for a state."""
    return {key: MARKS[key] if key in MARKS and value else value for key, value in state.items()}


def render(template: Path, answers: dict[str, str], folder: Path) -> dict[str, bytes]:
    """Render into a new folder and build the wheel there; the source of the template has the name that people type."""
    with ExitStack() as stack:
        for shortcut in SHORTCUTS.values():
            stack.enter_context(shortcut(Counter()))
        copier.run_copy(str(template), folder, data=answers, defaults=True, quiet=True)
    found = contents(folder)
    found[ANSWERS_FILE] = found[ANSWERS_FILE].replace(str(template).encode(), SOURCE.encode())
    found |= metadata(build_wheel(folder, folder.with_name(f"{folder.name}-dist")))
    shutil.rmtree(folder)
    return found


def metadata(wheel: Wheel) -> dict[str, bytes]:
    """Give the path that a wheel's metadata have on the page, and their fields in one order for all backends."""
    found = message_from_string(wheel.files[f"{wheel.dist_info}/METADATA"].decode())
    name, address = _author(found["Author-email"] or "")
    fields = {
        "Name": [found["Name"]],
        "Version": [found["Version"].replace(TAGGED, "TAG")],
        "Summary": found.get_all("Summary", []),
        "Author": [found["Author"] or name],
        "Author-email": [address],
        "License-Expression": [found["License-Expression"]],
        "Requires-Python": [found["Requires-Python"]],
        "Requires-Dist": sorted(str(Requirement(text)) for text in found.get_all("Requires-Dist", [])),
        "Project-URL": sorted(found.get_all("Project-URL", [])),
        "Classifier": sorted(found.get_all("Classifier", [])),
        "Command": [f"{script} = {target}" for script, target in wheel.scripts.items()],
    }
    lines = [f"{field}: {value}\n" for field, values in fields.items() for value in values if value]
    return {f"dist/{wheel.path.name.replace(TAGGED, 'TAG')}/METADATA": "".join(lines).encode()}


def _author(text: str) -> tuple[str, str]:
    """Split an author's name from the address; some backends quote or encode the name, uv-build does not."""
    name, _, address = text.rpartition("<")
    name = str(make_header(decode_header(name))) if "=?utf-8?" in name else name
    if quoted := re.fullmatch(r'"((?:[^"\\]|\\.)*)"', name.strip()):
        name = re.sub(r"\\(.)", r"\1", quoted[1])
    return name.strip(), address.rstrip(">")


def random_states(count: int, seed: int) -> list[State]:
    """Draw states with an answer to each question that is asked."""
    chance = random.Random(seed)  # noqa: S311 - a sample
    every = combinations()
    return [_with_texts(chance.choice(every), chance) for _ in range(count)]


def _with_texts(combination: dict[str, Any], chance: random.Random) -> State:
    state: State = {}
    for key in ASKED:
        if choices(key):
            state |= {key: combination[key]} if key in combination else {}
        elif is_asked(key, combination | state):
            state[key] = chance.choice(["", "given"]) if _optional(key) else "given"
    return state


def texts(combination: dict[str, Any]) -> list[str]:
    """Name the text questions that are asked beside a combination."""
    return [key for key in ASKED if not choices(key) and is_asked(key, combination)]


def _optional(key: str) -> bool:
    """Say whether a text may stay empty."""
    return key not in ("project_name", "package_name")


@dataclass
class Preview:
    """Find the lines of all files, and their conditions, from renders.

    Attributes
    ----------
    template
        A snapshot of the template, or of a release.
    work
        A folder for the renders.
    drawn
        Renders to begin with beside those that hold each pair of choices, and in each comparison.
    seen
        The states that were rendered, each with its files: text with holes by path with holes.
    """

    template: Path
    work: Path
    drawn: int
    seen: list[tuple[State, dict[str, str]]] = field(default_factory=list)
    count: int = 0

    def look(self, state: State) -> dict[str, str]:
        """Render a state."""
        self.count += 1  # a folder is not built twice: setuptools relies on what it left there
        files = render(self.template, given(state), self.work / f"project-{self.count}")
        return {mark(path): mark(data.decode(), path) for path, data in files.items()}

    def learn(self) -> list[dict[str, Any]]:
        """Render until every case of every condition has been seen and further renders are foreseen."""
        chance = random.Random(0)  # noqa: S311 - a sample
        every = combinations()
        states = [_with_texts(every[number], chance) for number in pairwise(every)] + random_states(self.drawn, 1)
        for seed in itertools.count(2):
            self.seen += [(state, self.look(state)) for state in states]
            files = self._files()
            states = list(self._unseen(files))
            if not states:
                fresh = random_states(self.drawn, seed)
                looked = [(state, self.look(state)) for state in fresh]
                wrong = [pair for pair in looked if show(files, pair[0]) != pair[1]]
                if not wrong:
                    return files
                self.seen += wrong
        raise AssertionError

    def _files(self) -> list[dict[str, Any]]:
        paths = sorted({path for _, files in self.seen for path in files})
        return [{"path": path, "parts": self._parts(path)} for path in paths]

    def _parts(self, path: str) -> list[tuple[Any, str]]:
        """Give the parts of a file in order, each with its condition."""
        texts = [(state, files.get(path)) for state, files in self.seen]
        versions = {text for _, text in texts if text is not None}
        for most in (1, 2):
            keys = self._decide(texts, most)
            if keys is not None:
                return [(_condition(keys, texts, version), version) for version in sorted(versions)]
        for split in (None, "pipeline", "license", "hosting"):
            if (ordered := _ordered(texts, split)) is not None:
                break
        else:
            msg = f"no order of lines fits all renders of {path}"
            raise ValueError(msg)
        parts: list[tuple[Any, str]] = []
        common = _common(texts)
        held = [(state, {*_lines(text or "", split, state, common)}) for state, text in texts]
        for line in ordered:
            presence = [(state, line in lines) for state, lines in held]
            keys = self._decide(presence, len(ASKED)) or ()
            condition = _condition(keys, presence, wanted=True)
            if parts and parts[-1][0] == condition:
                parts[-1] = (condition, parts[-1][1] + line[0])
            else:
                parts.append((condition, line[0]))
        return parts

    def _decide(self, values: Sequence[tuple[State, Any]], most: int) -> tuple[str, ...] | None:
        """Find the fewest answers that decide a value, at most so many."""
        for count in range(most + 1):
            for keys in itertools.combinations(ASKED, count):
                known: dict[tuple[Any, ...], Any] = {}
                if all(known.setdefault(_project(state, keys), value) == value for state, value in values):
                    return keys
        return None

    def _unseen(self, files: list[dict[str, Any]]) -> Iterator[State]:
        """Give a state for each case of a condition that no render has shown."""
        wanted = {condition[0] for file in files for condition, _ in file["parts"]}
        pool = random_states(2000, 5)
        for keys in sorted(wanted):
            known = {_project(state, keys) for state, _ in self.seen}
            for state in pool:
                if (case := _project(state, keys)) not in known:
                    known.add(case)
                    yield state


def _project(state: State, keys: Sequence[str]) -> tuple[Any, ...]:
    return tuple(state.get(key) for key in keys)


def _condition(keys: tuple[str, ...], values: Sequence[tuple[State, Any]], wanted: Any) -> Any:
    """Give the answers in question, and which of them lead to a value."""
    return keys, tuple(sorted({_project(state, keys) for state, value in values if value == wanted}, key=repr))


Line = tuple[str, Any, Any]


def _lines(text: str, split: str | None, state: State, common: set[str]) -> list[Line]:
    """Give the lines of a text; one that is common is told from its like by those since the last that is not."""
    count: dict[Any, int] = defaultdict(int)
    found: list[Line] = []
    last = ""
    for line in text.splitlines(keepends=True):
        key = (line, last if line in common else "")
        count[key] += 1
        found.append((line, (key[1], count[key]), state.get(split or "")))
        last = last + line if line in common else line
    return found


def _common(texts: Sequence[tuple[State, str | None]]) -> set[str]:
    """Give the lines that are short, or more than once in a version."""
    found: set[str] = set()
    for text in {text for _, text in texts if text is not None}:
        counts = Counter(text.splitlines(keepends=True))
        found |= {line for line, count in counts.items() if count > 1 or len(line.strip()) < _SHORT}
    return found


def _ordered(texts: Sequence[tuple[State, str | None]], split: str | None) -> list[Line] | None:
    """Put the lines of all versions in one order; None if they contradict each other."""
    sorter: TopologicalSorter[Line] = TopologicalSorter()
    nodes: dict[Line, set[Line]] = {}
    done: set[tuple[str, Any]] = set()
    common = _common(texts)
    for state, text in texts:
        if text is None or (text, state.get(split or "")) in done:
            continue
        done.add((text, state.get(split or "")))
        lines = _lines(text, split, state, common)
        for before, line in zip([None, *lines], lines, strict=False):
            nodes.setdefault(line, set()).update([before] if before else [])
    for line, above in nodes.items():
        sorter.add(line, *above)
    try:
        return list(sorter.static_order())
    except CycleError:
        return None


def show(files: list[dict[str, Any]], state: State) -> dict[str, str]:
    """Give the files for a state, as the page does."""
    shown: dict[str, str] = {}
    for file in files:
        parts = [text for (keys, cases), text in file["parts"] if _project(state, keys) in cases]
        if parts:
            shown[file["path"]] = "".join(parts)
    return shown


def data(work: Path) -> dict[str, Any]:
    """Collect what the page needs: the questions, and the files of the working tree and of each release."""
    sources = {MAIN: snapshot(_folder(work / MAIN))}
    sources |= {tag: export(commit, work / tag) for tag, commit in reversed(releases().items())}
    return {
        "questions": [_question(key) for key in ASKED],
        "releases": {tag: _release(template, work) for tag, template in sources.items()},
    }


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _release(template: Path, work: Path) -> dict[str, Any]:
    """Find the files of a release, which asks its own questions."""
    config = yaml.safe_load((template / "copier.yml").read_text(encoding="utf-8"))
    with mock.patch.dict(ASKED, asked(config), clear=True):
        drawn = 60 if template.name == MAIN else 15  # a release has fewer questions
        files = Preview(template, _folder(work / f"renders-{template.name}"), drawn).learn()
        known = {key: choices(key) for key in ASKED}
    conditions = sorted({condition for file in files for condition, _ in file["parts"]}, key=repr)
    number = {condition: place for place, condition in enumerate(conditions)}
    return {
        "choices": known,
        "conditions": [[list(keys), [list(case) for case in cases]] for keys, cases in conditions],
        "files": [
            {
                "path": file["path"],
                "owner": _owner(file["path"], config),
                "parts": [[number[condition], text] for condition, text in file["parts"]],
            }
            for file in files
        ],
    }


def _owner(path: str, config: dict[str, Any]) -> str:
    """Say who owns a path with holes: owned, mixed or seed; built if it is no file of the project."""
    path = path.replace(_HOLE.format(key="package_name", form="raw"), "package")
    lists = {"mixed": "_mixed", "seed": "_skip_if_exists", "owned": "_owned"}
    found = [name for name, key in lists.items() if GitIgnoreSpec.from_lines(config[key]).match_file(path)]
    return "built" if path.startswith("dist/") else (found or ["owned"])[0]  # releases listed fewer


def _question(key: str) -> dict[str, Any]:
    question = ASKED[key]
    default = (
        question["default"]
        if choices(key)
        else {"project_name": "My project", "package_name": "my_project"}.get(key, "")
    )
    shown = {"key": key, "help": question["help"], "choices": choices(key), "default": default}
    return shown | {"placeholder": question.get("placeholder", ""), "when": _when(key)}


def _when(key: str) -> dict[str, list[Any]]:
    """Say which answers to which question a question is asked after; {} if always."""
    for other in ASKED:
        asked = [value for value in choices(other) if is_asked(key, _defaults() | {other: value})]
        if choices(other) and len(asked) < len(choices(other)):
            return {other: asked}
    return {}


def _defaults() -> dict[str, Any]:
    return {key: question["default"] for key, question in ASKED.items() if choices(key)}


def write(folder: Path) -> None:
    """Write the page with its data."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        found = data(Path(work))
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    (folder / "data.js").write_text(f"window.PREVIEW = {text};\n", encoding="utf-8")
    for name in ("index.html", "preview.js"):
        shutil.copy(Path(__file__).resolve().parents[1] / "preview" / name, folder)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
