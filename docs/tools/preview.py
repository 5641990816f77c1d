"""What the preview page shows, found from renders: every line of every file once, with the answers that lead to it.

A file is its lines in one order, each with a condition: the answers that decide whether the line is there. Conditions
are found from a sample of renders and held against others; renders that a condition does not foresee join the sample.
"""

from __future__ import annotations

import itertools
import json
import random
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import copier
from classes import classes
from combinations import combinations, pairwise
from questions import ASKED, choices, is_asked
from rendering import contents, snapshot
from shortcuts import SHORTCUTS

__all__ = [
    "ANSWERS_FILE",
    "MARKS",
    "SOURCE",
    "Preview",
    "data",
    "given",
    "mark",
    "random_states",
    "render",
    "texts",
    "write",
]

State = dict[str, str]
"""Each closed answer; of a text "" or "given"; no entry for a question that is hidden."""

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
"""Text answers that no file of the template holds, and that quoting changes."""
_FORMS: dict[str, Callable[[str], str]] = {
    "json": lambda text: json.dumps(text, ensure_ascii=False),
    "upper": str.upper,
    "dashed": lambda text: text.replace("_", "-"),
    "raw": str,
}
_HOLE = "\x02{key} {form}\x03"
_SHORT = 12  # characters: a bracket, a word


def mark(text: str, path: str = "") -> str:
    """Put holes where the marks are: which text, in which form."""
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
    """Render into a folder that is then removed; the source of the template has the name that people type."""
    with ExitStack() as stack:
        for shortcut in SHORTCUTS.values():
            stack.enter_context(shortcut(Counter()))
        copier.run_copy(str(template), folder, data=answers, defaults=True, quiet=True, overwrite=True)
    found = contents(folder)
    shutil.rmtree(folder)
    found[ANSWERS_FILE] = found[ANSWERS_FILE].replace(str(template).encode(), SOURCE.encode())
    return found


def random_states(count: int, seed: int) -> list[State]:
    """Draw states; each question that is asked has an answer."""
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
    """Learns what files hold from renders.

    Attributes
    ----------
    template
        A snapshot of the template.
    seen
        States that were rendered, each with its files: text with holes by path with holes.
    """

    template: Path
    work: Path
    seen: list[tuple[State, dict[str, str]]] = field(default_factory=list)

    def look(self, state: State) -> dict[str, str]:
        """Render a state."""
        files = render(self.template, given(state), self.work / "project")
        return {mark(path): mark(data.decode(), path) for path, data in files.items()}

    def learn(self) -> list[dict[str, Any]]:
        """Render until no condition meets what it does not know, and further renders say nothing new."""
        chance = random.Random(0)  # noqa: S311 - a sample
        every = combinations()
        states = [_with_texts(every[number], chance) for number in pairwise(every)] + random_states(60, 1)
        for seed in itertools.count(2):
            self.seen += [(state, self.look(state)) for state in states]
            files = self._files()
            states = list(self._unseen(files))
            if not states:
                fresh = random_states(40, seed)
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


def data(template: Path, work: Path) -> dict[str, Any]:
    """Collect what the page needs."""
    files = Preview(template, work).learn()
    conditions = sorted({condition for file in files for condition, _ in file["parts"]}, key=repr)
    number = {condition: place for place, condition in enumerate(conditions)}
    package = _HOLE.format(key="package_name", form="raw")
    return {
        "questions": [_question(key) for key in ASKED],
        "conditions": [[list(keys), [list(case) for case in cases]] for keys, cases in conditions],
        "files": [
            {
                "path": file["path"],
                "owner": classes(file["path"].replace(package, "package"))[0],
                "parts": [[number[condition], text] for condition, text in file["parts"]],
            }
            for file in files
        ],
    }


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
        (template := Path(work, "template")).mkdir()
        snapshot(template)
        found = data(template, Path(work))
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    (folder / "data.js").write_text(f"window.PREVIEW = {text};\n", encoding="utf-8")
    for name in ("index.html", "preview.js"):
        shutil.copy(Path(__file__).parents[1] / "preview" / name, folder)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
