#!/usr/bin/env -S uv run --script
# /// script
# requires-python = ">=3.11"
# dependencies = ["copier>=9.15", "packaging>=24", "ruff", "tomlkit>=0.15"]
# ///
"""Bring a new release of the template into this project: `nox -s update`, see CONTRIBUTING.md.

Three trees are compared: what the old release renders, what the new one renders, and the project.
Where the owner and the template changed the same lines, the owner's lines stay and are reported.
"""

import argparse
import ast
import contextlib
import difflib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomlkit
import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ANSWERS = ".copier-answers.yml"
PATCH = ".nox/seeds.patch"  # where git does not look
OWNED = re.compile(r"src/\w+/(_internal/.*|cli|errors|testing|__\w+__)\.py")  # by the template
RECOVER = f"find it with `git log -- {ANSWERS}`, then `git checkout COMMIT -- {ANSWERS}`"
REFUSED = "run `nox -s update` on your own machine, or store a TEMPLATE_TOKEN (CONTRIBUTING.md)"
SHORT = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/", "git+": ""}
BOT = ("-c", "user.name=Template update", "-c", "user.email=template-update@localhost")
PLAIN = {"core.autocrlf": "false", "core.hooksPath": os.devnull, "commit.gpgSign": "false"}
LIMIT = 60_000  # characters; hosts take 65,536 in a pull request
GONE: Any = type("Gone", (), {"__repr__": lambda _: "(not there)"})()


class UpdateError(Exception):
    """The update cannot be done; the message says why and what to do."""


@dataclass(frozen=True)
class Kept:
    """A place where the project keeps its own version; line 0 stands for the whole file."""

    path: str
    line: int
    ours: str
    theirs: str
    what: str = ""

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.where()}: {_short(self.ours)}, not {_short(self.theirs)}"

    def where(self) -> str:
        """Give file, line, and the key or the reason."""
        return f"{self.path}{f':{self.line}' * (self.line > 0)} {self.what}".rstrip()


def _short(text: str) -> str:
    line = " ".join(text.split()) or "(nothing)"
    return line if len(line) <= 60 else f"{line[:57]}..."


# Merge by key


@dataclass
class Merge:
    """Merges plain values: tables by key, arrays by element, the owner's value where both changed.

    `needed` are the distributions that code of the template imports. After a `switched` answer the
    template's value wins. `kept` lists where both changed: (keys, ours, theirs).
    """

    needed: Iterable[str] = ()
    switched: bool = False
    kept: list[tuple[tuple[str, ...], Any, Any]] = field(default_factory=list)

    def value(self, base: Any, theirs: Any, ours: Any, path: tuple[str, ...] = ()) -> Any:
        """Merge one value; GONE stands for a key that is not there."""
        if same(theirs, base) or same(theirs, ours):
            return ours
        if same(ours, base):
            return theirs
        kinds = {type(side) for side in (base, theirs, ours) if side is not GONE}
        if kinds == {dict} and ours is not GONE and not (theirs is GONE and base is GONE):
            sides = [{} if side is GONE else side for side in (base, theirs, ours)]
            return self.table(*sides, path) or (GONE if theirs is GONE else {})
        if kinds == {list} and GONE not in (theirs, ours):
            return self.array([] if base is GONE else base, theirs, ours, path)
        return self.both(theirs, ours, path)

    def both(self, theirs: Any, ours: Any, path: tuple[str, ...]) -> Any:
        """Choose where both changed."""
        self.kept.append((path, ours, theirs))
        return theirs if self.switched else ours

    def table(self, base: Any, theirs: Any, ours: Any, path: tuple[str, ...]) -> dict[str, Any]:
        """Merge key by key."""
        sides = (base, theirs, ours)
        merged = {
            key: self.value(*(side.get(key, GONE) for side in sides), (*path, key))
            for key in ordered([*ours], [*theirs])
        }
        return {key: value for key, value in merged.items() if value is not GONE}

    def array(self, base: Any, theirs: Any, ours: Any, path: tuple[str, ...]) -> list[Any]:
        """Merge element by element: requirements by name, tables by what names them."""
        b, t, o = (named(side, path) for side in (base, theirs, ours))
        t, o = paired(b, t), paired(b, o)
        merged = []
        for key in ordered([*o], [*t]):
            sides = [side.get(key, GONE) for side in (b, t, o)]
            if _lists_requirements(path) and all(isinstance(side, str) for side in sides):
                value = self.requirement(*sides, path)
            else:
                value = self.value(*sides, (*path, key[0]))
            merged += [] if value is GONE else [value]
        return merged

    def requirement(self, base: str, theirs: str, ours: str, path: tuple[str, ...]) -> str:
        """Merge a bound: the owner's, unless code of the template needs a newer release."""
        old, new, mine = (Requirement(side) for side in (base, theirs, ours))
        if new in (old, mine):
            return ours
        if mine == old:
            return theirs
        path = (*path, canonicalize_name(mine.name))
        asks_more = _lower(new) > _lower(mine)
        if asks_more and path[:2] == ("project", "dependencies") and path[-1] in self.needed:
            raised = _raise(mine, new)
            self.kept.append((path, raised, f"{theirs}, which it needs; yours was {ours}"))
            return raised
        alike = (new.extras, str(new.marker)) == (mine.extras, str(mine.marker))
        if alike and not asks_more and all(bound.operator in ">=" for bound in new.specifier):
            return ours  # asks for as much
        return str(self.both(theirs, ours, path))


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal and of the same type: 1, true and 1.0 are not."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def ordered(ours: list[Any], theirs: list[Any]) -> list[Any]:
    """Give all keys in the owner's order, those of the template behind the ones they follow."""
    keys = list(ours)
    for place, key in enumerate(theirs):
        if key not in keys:
            before = next((known for known in reversed(theirs[:place]) if known in keys), None)
            keys.insert(keys.index(before) + 1 if before is not None else 0, key)
    return keys


def _lists_requirements(path: Sequence[str]) -> bool:
    groups = {"optional-dependencies", "dependency-groups"}
    return path[-1] in {"requires", "dependencies", "dev-dependencies"} or (
        len(path) > 1 and path[-2] in groups
    )


def named(items: Iterable[Any], path: Sequence[str]) -> dict[tuple[str, int], Any]:
    """Give the elements of an array by name, and by number where several have one name."""
    seen: Counter[str] = Counter()
    found = {}
    for item in items:
        name = _name(item, requirements=_lists_requirements(path))
        found[name, seen[name]] = item
        seen[name] += 1
    return found


def _name(item: Any, *, requirements: bool) -> str:
    if requirements:
        with contextlib.suppress(InvalidRequirement, TypeError):
            return str(canonicalize_name(Requirement(item).name))
    if isinstance(item, dict):
        for key in ("name", "module", "id", "include-group", "include", "path"):
            if key in item:
                return f"{key} {item[key]}"
    return f"{type(item).__name__} {item}"


def paired(base: Mapping[Any, Any], side: dict[Any, Any]) -> dict[Any, Any]:
    """Give a table that was renamed the name that it has in the base."""
    names: dict[Any, Any] = {}
    for key in base.keys() - side.keys():
        known = _marks(base[key])
        near = {k: len(known & _marks(side[k])) for k in side.keys() - base.keys() - names.keys()}
        if near and max(near.values()) > 0:
            names[max(near, key=near.__getitem__)] = key
    return {names.get(key, key): value for key, value in side.items()}


def _marks(table: Any) -> set[str]:
    """Give the elements of a table's lists, which tell it from others."""
    values = table.values() if isinstance(table, dict) else ()
    return {str(part) for value in values if isinstance(value, list) for part in value}


def _lower(requirement: Requirement) -> Version:
    """Give the oldest release that a requirement allows, about."""
    found = [Version("0")]
    for bound in requirement.specifier:
        if bound.operator in {">=", ">", "~=", "=="}:
            with contextlib.suppress(InvalidVersion):
                found.append(Version(bound.version.removesuffix(".*")))
    return max(found)


def _raise(mine: Requirement, new: Requirement) -> str:
    """Raise the lower bound, keep the owner's cap where it allows that."""
    rest = [str(bound) for bound in mine.specifier if bound.operator in {"<", "<=", "!="}]
    specifier = SpecifierSet(",".join([*map(str, new.specifier), *rest]))
    raised = Requirement(str(mine))
    raised.specifier = specifier if _lower(new) in specifier else new.specifier
    return str(raised)


# TOML


def merge_toml(base: str, theirs: str, ours: str, merge: Merge) -> str:
    """Merge TOML by key: comments, order and layout are the owner's.

    The lines are merged too, and taken when they say the same: they bring the template's comments.
    """
    wanted: Any = merge.value(*[tomllib.loads(side) for side in (base, theirs, ours)])
    text, _ = merge_lines(base, theirs, ours, switched=merge.switched)
    return text if says(text, wanted) else write_toml(ours, theirs, wanted)


def write_toml(text: str, theirs: str, wanted: dict[str, Any]) -> str:
    """Write values into the text of the owner; what is new looks as the template has it."""
    with contextlib.suppress(Exception):  # tomlkit does not know all: what it made is checked
        looks, before = tomlkit.parse(theirs), ""
        while before != text:  # one change at a time: it loses count after several
            document, before = tomlkit.parse(text), text
            _change(document, wanted, looks, ())
            text = tomlkit.dumps(document).rstrip("\n") + "\n"
    return text if says(text, wanted) else tomlkit.dumps(wanted)  # the comments go, no value does


def says(text: str, wanted: Any) -> bool:
    """Tell whether TOML parses, and means what is wanted."""
    return parses("x.toml", text) and unordered(tomllib.loads(text)) == unordered(wanted)


def _change(table: Any, wanted: dict[str, Any], looks: Any, path: tuple[str, ...]) -> bool:
    """Make one change towards what is wanted; tell whether there was one to make."""
    for key in [*table]:
        if key not in wanted:
            del table[key]
            return True
    for key, value in wanted.items():
        ours, look = table.get(key, GONE), looks.get(key, GONE) if isinstance(looks, dict) else GONE
        if unordered(_plain(ours)) == unordered(value):
            continue
        if isinstance(ours, dict) and isinstance(value, dict):
            return _change(ours, value, look, (*path, key))
        if isinstance(ours, list) and isinstance(value, list):
            return _change_array(ours, value, (*path, key))
        if ours is not GONE and isinstance(ours, dict) != isinstance(value, dict):
            del table[key]  # comes back in its new kind
        else:
            table[key] = _item(value, look, table)
        return True
    return False


def _change_array(array: Any, wanted: list[Any], path: tuple[str, ...]) -> bool:
    mine = named(_plain(array), path)
    new = paired(mine, named(wanted, path))
    for place, key in enumerate(mine):
        if key not in new:
            del array[place]
            return True
        if unordered(mine[key]) == unordered(new[key]):
            continue
        if isinstance(array[place], dict) and isinstance(new[key], dict):
            return _change(array[place], new[key], GONE, path)
        array[place] = new[key]
        return True
    for place, key in enumerate(ordered([*mine], [*new])):
        if key not in mine:
            text = array.as_string()  # tomlkit sets no comma before a last comment
            bare = "#" in text and not re.search(r",\s*\]$", re.sub("#.*", "", text))
            array.insert(min(place, len(mine) - bare), _item(new[key], GONE, array))
            return True
    return False


def _plain(item: Any) -> Any:
    return item.unwrap() if hasattr(item, "unwrap") else item


def _item(value: Any, look: Any, parent: Any) -> Any:
    """Give a value as the template has it, or to tomlkit's taste: a table with a line below."""
    inline = isinstance(parent, tomlkit.items.Array | tomlkit.items.InlineTable)
    tables = tomlkit.items.Table | tomlkit.items.AoT
    if same(_plain(look), value) and not (inline and isinstance(look, tables)):
        return look
    item = tomlkit.item(value, parent)
    if isinstance(item, tomlkit.items.Table):
        item.add(tomlkit.nl())
    return item


def unordered(value: Any) -> str:
    """Spell a value so that two of them compare without the order of keys and elements."""
    if isinstance(value, dict):
        return f"{{{','.join(sorted(f'{key!r}:{unordered(value[key])}' for key in value))}}}"
    parts = ",".join(sorted(map(unordered, value))) if isinstance(value, list) else ""
    return f"[{parts}]" if isinstance(value, list) else repr(value)


def spell(value: Any) -> str:
    """Write a value on one line."""
    if value is GONE:
        return ""
    return value if isinstance(value, str) else tomlkit.item({"x": value}).as_string()


def line_of(text: str, path: Sequence[str]) -> int:
    """Find the line of a key, or of an element of an array; 0 if it is not there."""
    lines, at = text.splitlines(), 0
    for place, key in enumerate(path):
        name = re.compile(rf"(?<![\w-]){re.escape(key.partition(' ')[2] or key)}(?![\w-])", re.I)
        found = next((n for n in range(at, len(lines)) if name.search(lines[n])), None)
        if found is None and place == len(path) - 1:
            return 0
        at = at if found is None else found
    return at + 1


# Merge by line

Hunk = tuple[int, list[str], list[str]]
"""Line in the result, from 1, the owner's lines, the template's."""
Edit = tuple[int, int, int, list[str]]
"""First line and line after the last in the base, side (-1 is the template's), the new lines."""


def merge_lines(
    base: str,
    theirs: str,
    ours: str,
    *,
    switched: bool = False,
    union: Callable[[list[str], list[str]], bool] | None = None,
) -> tuple[str, list[Hunk]]:
    """Merge by line; where both changed the owner's stay, after a switch the template's.

    `union` tells whether what both insert at one place may follow each other.
    """
    lines, *sides = (re.findall(r"[^\n]*\n|[^\n]+", text) for text in (base, ours, theirs))
    edits = [edit for side, new in enumerate(sides) for edit in _edits(lines, new, -side)]
    merged: list[str] = []
    refused: list[Hunk] = []
    at = 0
    for group in _groups(sorted(edits, key=lambda edit: edit[:3])):
        low, high = group[0][0], max(edit[1] for edit in group)
        merged += lines[at:low]
        own, new = (
            _applied(lines, low, high, [edit for edit in group if edit[2] == side])
            for side in (0, -1)
        )
        changed = {edit[2] for edit in group}
        if changed != {0, -1} or own == new:
            merged += own if 0 in changed else new
        elif low == high and union and union(own, new):
            merged += new + own
        else:
            refused.append((len(merged) + 1, own, new))
            merged += new if switched else own
        at = high
    return "".join(merged + lines[at:]), refused


def _edits(base: list[str], lines: list[str], side: int) -> list[Edit]:
    codes = difflib.SequenceMatcher(None, base, lines, autojunk=False).get_opcodes()
    return [(i, k, side, lines[j:m]) for kind, i, k, j, m in codes if kind != "equal"]


def _groups(edits: list[Edit]) -> list[list[Edit]]:
    """Put together what overlaps, inserts at one place, or touches lines that are taken away."""
    found: list[list[Edit]] = []
    end = -1
    for edit in edits:
        near = found[-1] if edit[0] <= end else []
        touches = any(len(new) < high - low for low, high, _, new in (*near, edit))
        if near and (edit[0] < end or touches or edit[1] == near[-1][0]):
            near.append(edit)
        else:
            found.append([edit])
        end = max(end, edit[1])
    return found


def _applied(base: list[str], low: int, high: int, edits: list[Edit]) -> list[str]:
    lines = base[low:high]
    for start, stop, _, new in reversed(edits):
        lines[start - low : stop - low] = new
    return lines


# Files

PIN = re.compile(
    r"(?m)^(?P<start>[ \t-]*(?:uses:[ \t]*[\w./-]+@"
    r"|repo:[ \t]*\S+\n[ \t]*rev:[ \t]*|image:[ \t]*[\w./-]+:))(?P<pin>[^\s#]+)"
    r"(?P<comment>[ \t]*#[ \t]*(?:frozen:[ \t]*)?(?P<version>v?\d\S*)[ \t]*)?$"
)
Pin = re.Match[str]


def merge_pins(base: str, theirs: str, ours: str) -> tuple[str, str, str]:
    """Give the three sides with the newer pin of each action, hook and image."""
    old, new = _pins(base), _pins(theirs)
    new = {name: pin for name, pin in new.items() if name in old}
    ours = _repinned(
        ours,
        lambda name, mine: (
            name in new and _version(old[name]) <= _version(mine) < _version(new[name])
        ),
        new,
    )
    now = {name: pin for name, pin in _pins(ours).items() if name in new}

    def known(name: str, _: Pin) -> bool:
        return name in now and _version(now[name]) >= _version(new[name])

    return _repinned(base, known, now), _repinned(theirs, known, now), ours


def _pins(text: str) -> dict[str, Pin]:
    return {_pinned(found): found for found in PIN.finditer(text)}


def _pinned(found: Pin) -> str:
    return " ".join(found["start"].strip("- \t").split())


def _repinned(text: str, changes: Callable[[str, Pin], bool], pins: Mapping[str, Pin]) -> str:
    def line(found: Pin) -> str:
        name = _pinned(found)
        chosen = pins[name] if changes(name, found) else found
        return f"{found['start']}{chosen['pin']}{chosen['comment'] or ''}"

    return PIN.sub(line, text)


def _version(found: Pin) -> Version:
    try:
        return Version(found["version"] or found["pin"])
    except InvalidVersion:
        return Version("0")


def merge_ignored(base: str, theirs: str, ours: str) -> str:
    """Merge a list of patterns: all that either side has, but for what one of them took out."""
    sides = (side.splitlines() for side in (base, theirs, ours))
    return "".join(f"{line}\n" for line in Merge().array(*sides, ("patterns",)))


def parses(path: str, text: str) -> bool:
    """Tell whether a file is whole; of unknown kinds all are."""
    readers: dict[str, Callable[[str], Any]] = {".py": ast.parse, ".json": json.loads}
    readers |= {".toml": tomllib.loads, **dict.fromkeys((".yml", ".yaml", ".cff"), _read_yaml)}
    try:
        return readers.get(Path(path).suffix, str)(text.removeprefix("\ufeff")) is not False
    except (ValueError, SyntaxError, yaml.YAMLError):
        return False


def _read_yaml(text: str) -> bool:
    """Read YAML, and tell whether each key stands once."""
    return all(map(_once, yaml.compose_all(text, yaml.SafeLoader)))


def _once(node: Any) -> bool:
    if isinstance(node, yaml.MappingNode):
        keys = [str(key.value) for key, _ in node.value]
        return len(keys) == len(set(keys)) and all(_once(value) for _, value in node.value)
    return not isinstance(node, yaml.SequenceNode) or all(map(_once, node.value))


@dataclass
class Files:
    """Merges the text of files; `kept` lists where both changed."""

    needed: Iterable[str] = ()
    switched: bool = False
    kept: list[Kept] = field(default_factory=list)

    def text(self, path: str, base: str, theirs: str, ours: str) -> str:
        """Merge a file; its line ends, the last one and a byte-order mark are the owner's."""
        if ours.startswith("\ufeff"):
            return "\ufeff" + self.text(path, base, theirs, ours[1:])
        if "\r\n" in ours:
            merged = self.text(path, base, theirs, ours.replace("\r\n", "\n"))
            return merged.replace("\n", "\r\n")
        base, theirs = base.replace("\r\n", "\n"), theirs.replace("\r\n", "\n")
        if ours and not ours.endswith("\n") and base.endswith("\n"):
            return self.text(path, base, theirs, f"{ours}\n").removesuffix("\n")
        if path.endswith(".py"):
            base, theirs = formatted(path, base, theirs, ours)
        if path.endswith((".yml", ".yaml")):
            base, theirs, ours = merge_pins(base, theirs, ours)
        if ours in (base, theirs) or base == theirs:
            return theirs if ours == base else ours
        if Path(path).name in {".gitignore", ".gitattributes", ".dockerignore"}:
            return merge_ignored(base, theirs, ours)
        if path.endswith(".toml") and all(parses(path, side) for side in (base, theirs, ours)):
            return self.toml(path, base, theirs, ours)
        return self.lines(path, base, theirs, ours)

    def toml(self, path: str, base: str, theirs: str, ours: str) -> str:
        """Merge by key, and note what was kept."""
        merge = Merge(self.needed, self.switched)
        text = merge_toml(base, theirs, ours, merge)
        self.kept += [
            Kept(path, line_of(text, keys), spell(own), spell(new), ".".join(keys))
            for keys, own, new in merge.kept
        ]
        return text

    def lines(self, path: str, base: str, theirs: str, ours: str) -> str:
        """Merge by line; should the result not parse, the owner's file stays."""

        def joins(own: list[str], new: list[str]) -> bool:
            first, second = (len(text) - len(text.lstrip()) for text in map(_first, (own, new)))
            return first == second and (first == 0 or not path.endswith(".py"))

        for union in (joins, None):
            text, hunks = merge_lines(base, theirs, ours, switched=self.switched, union=union)
            if parses(path, text):
                break
        else:
            if parses(path, ours):
                text, hunks = ours, [(0, [ours], [theirs])]
        self.kept += [Kept(path, line, "".join(own), "".join(new)) for line, own, new in hunks]
        return text


def _first(lines: list[str]) -> str:
    return next(filter(str.strip, lines), "").rstrip()


def formatted(path: str, base: str, theirs: str, ours: str) -> tuple[str, str]:
    """Lay out the template's code as the owner's, if `ruff format` has laid that out."""
    if ours == base or _format(path, base) == base or _format(path, ours) != ours:
        return base, theirs
    return _format(path, base), _format(path, theirs)


def _format(path: str, text: str) -> str:
    words = [sys.executable, "-m", "ruff", "format", "--quiet", f"--stdin-filename={path}", "-"]
    done = subprocess.run(words, input=text.encode(), capture_output=True, check=False)
    return done.stdout.decode() if done.returncode == 0 else text


# Trees

File = tuple[str, str]
"""Mode and name of the blob."""


def git(
    *words: str, data: str | None = None, index: Path | None = None, alone: bool = False
) -> str:
    """Run git and give what it prints; alone: where Ctrl-C does not reach it."""
    done = subprocess.run(
        ["git", "--literal-pathspecs", *words],
        input=None if data is None else data.encode("utf-8", "surrogateescape"),
        stdout=subprocess.PIPE,
        env=os.environ | ({"GIT_INDEX_FILE": str(index)} if index else {}),
        check=False,
        start_new_session=alone,
    )
    if done.returncode:
        raise UpdateError(f"git {words[0]} failed with exit code {done.returncode}")
    return done.stdout.decode("utf-8", "surrogateescape")


def names(*words: str) -> list[str]:
    """List the paths that git prints with -z."""
    return list(filter(None, git(*words).split("\0")))


def listed(tree: str) -> dict[str, File]:
    """List the files of a tree."""
    lines = [line.split("\t", 1) for line in names("ls-tree", "-r", "-z", "--full-tree", tree)]
    return {path: (about.split()[0], about.split()[2]) for about, path in lines}


def read(file: File | None) -> str:
    """Read a blob; a submodule has no text."""
    return git("cat-file", "blob", file[1]) if file and file[0] != "160000" else ""


def stored(folder: Path, scratch: Path) -> str:
    """Put a folder into the project's objects; give its tree."""
    index = scratch / f"{folder.name}.index"
    index.unlink(missing_ok=True)
    at = (f"--git-dir={git('rev-parse', '--absolute-git-dir').strip()}", f"--work-tree={folder}")
    plain = ("-c", "core.autocrlf=false", "-c", "core.safecrlf=false")
    git("-C", str(folder), *at, *plain, "add", "--all", "--force", ".", index=index)
    return git("write-tree", index=index).strip()


def renames(old: str, new: str) -> dict[str, str]:
    """Find the files that are somewhere else now: old path -> new path."""
    words = names("diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--name-status", old, new)
    return dict(zip(words[1::3], words[2::3], strict=True))


class Trees:
    """Merges the files of a release into the project's.

    `changes` holds what the update changes: path -> mode and blob, None where a file goes.
    """

    def __init__(self, base: str, theirs: str, ours: str, files: Files) -> None:
        """Compare three trees."""
        self.files, self.changes = files, dict[str, File | None]()
        self.base, self.theirs, self.ours = (listed(tree) for tree in (base, theirs, ours))
        self.moved = renames(base, ours)
        self.windows = "\r\n" in read(self.ours.get("pyproject.toml"))

    def merge(self) -> None:
        """Merge each path that the template changed."""
        for path in sorted(self.base.keys() | self.theirs.keys()):
            if path != ANSWERS and self.base.get(path) != self.theirs.get(path):
                self.path(path, self.moved.get(path, path))
        self.changes[ANSWERS] = self.ended(self.theirs[ANSWERS])

    def path(self, path: str, place: str) -> None:
        """Merge a file of the template into the place where the owner has it."""
        base, theirs, ours = self.base.get(path), self.theirs.get(path), self.ours.get(place)
        if ours == theirs:
            return
        if ours and theirs:
            self.content(place, base, theirs, ours)
        elif ours and base:
            self.drop(place, base, ours)
        elif theirs and not base:
            self.bring(path, theirs)
        elif theirs:
            self.keep(place, "", read(theirs), "deleted here, changed by the template")

    def bring(self, path: str, theirs: File) -> None:
        """Bring a new file, unless a file of the owner's is there or its folder has gone."""
        folder = f"{Path(path).parent}/"
        siblings = any(f"{Path(name).parent}/" == folder for name in self.base)
        if "/" in path and siblings and not any(name.startswith(folder) for name in self.ours):
            self.keep(path, "", read(theirs), f"new, but {folder} is no longer here")
        elif os.path.lexists(path) or any(map(self.holds, Path(path).parents)):
            self.keep(path, "", read(theirs), "new, but a file of yours is there")
        else:
            self.changes[path] = self.ended(theirs)

    def holds(self, place: Path) -> bool:
        """Tell whether a file, link or submodule of the owner's is where a folder is to be."""
        name = place.as_posix()
        here = name in self.ours or place.is_file() or place.is_symlink()
        return here and name not in self.changes

    def ended(self, theirs: File) -> File:
        """Give a file of the template the line ends of the project."""
        return self.file(theirs, read(theirs).replace("\n", "\r\n")) if self.windows else theirs

    def drop(self, place: str, base: File, ours: File) -> None:
        """Take a file away that the template dropped, unless the owner changed it."""
        before, own = read(base), read(ours).replace("\r\n", "\n")
        if self.files.switched or own in (before, place[-3:] == ".py" and _format(place, before)):
            self.changes[place] = None
        else:
            self.keep(place, own, "", "changed here, dropped by the template")

    def content(self, place: str, base: File | None, theirs: File, ours: File) -> None:
        """Merge a file that is on both sides."""
        sides = [read(side) for side in (base, theirs, ours)]
        special = {"120000", "160000"} & {ours[0], theirs[0]} or any("\0" in side for side in sides)
        if ours == base:
            self.changes[place] = theirs
        elif special:
            self.keep(place, "", "", "no text, changed on both sides")
        elif base is None and not place.endswith((".toml", "ignore")):
            self.keep(place, sides[2], sides[1], "new, but a file of yours is there")
        else:
            mode = theirs[0] if base is None or ours[0] == base[0] else ours[0]
            merged = self.file((mode, ""), self.files.text(place, *sides))
            if merged != ours:
                self.changes[place] = merged

    def file(self, like: File, text: str) -> File:
        """Write a blob."""
        return like[0], git("hash-object", "-w", "--stdin", data=text).strip()

    def keep(self, path: str, ours: str, theirs: str, what: str) -> None:
        """Note a whole file that stays as it is."""
        self.files.kept.append(Kept(path, 0, ours, theirs, what))


# Renders


@dataclass(frozen=True)
class Release:
    """What the template renders.

    `trees` are merged in their order: of the project's release, of the new one, of the new one with
    switched answers. `before` and `after` are answers of the first and of the last; `notes` are for
    the owner.
    """

    trees: list[str]
    before: dict[str, Any]
    after: dict[str, Any]
    notes: list[str]


def read_answers(folder: Path = Path()) -> dict[str, Any]:
    """Read what the project was made from, or stop with the way to recover it."""
    try:
        found = yaml.safe_load((folder / ANSWERS).read_bytes())
        return {"_commit": found["_commit"], "_src_path": found["_src_path"], **found}
    except (OSError, TypeError, KeyError, yaml.YAMLError):
        raise UpdateError(f"{ANSWERS} is missing or broken: {RECOVER}") from None


def moved_package(answers: dict[str, Any], ours: Iterable[str]) -> str | None:
    """Name the package if its folder was renamed; stop if it is not to be found."""
    found = {path.split("/")[1] for path in ours if re.fullmatch(r"src/\w+/__init__\.py", path)}
    if answers.get("package_name") in found or not found:
        return None
    if len(found) > 1:
        raise UpdateError(
            f"src/{answers.get('package_name')} is gone: write package_name into {ANSWERS}, "
            f"also below answered: one of {', '.join(sorted(found))}; commit, and run again"
        )
    return found.pop()


def copier_module() -> Any:
    """Import copier so that its git knows no hooks, signatures and line ends of the owner."""
    before, first = dict(os.environ), int(os.environ.get("GIT_CONFIG_COUNT", "0"))
    os.environ["GIT_CONFIG_COUNT"] = str(first + len(PLAIN))
    for number, (key, value) in enumerate(PLAIN.items(), start=first):
        os.environ |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    import copier

    os.environ.clear()
    os.environ.update(before)
    return copier


def copier_run(
    folder: Path, data: Mapping[str, Any], release: str | None, *, source: str = ""
) -> None:
    """Copy from a source, or update, outside of the project; nothing is trusted."""
    copier = copier_module()
    run = (lambda **how: copier.run_copy(source, **how)) if source else copier.run_update
    how = {"defaults": True, "overwrite": True, "quiet": True, "unsafe": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            run(dst_path=folder, data=dict(data), vcs_ref=release, **how)
        except Exception as problem:
            reason = " ".join(str(problem).split())  # git's are of several lines
            raise UpdateError(
                f"copier failed: {reason}; should {ANSWERS} be wrong, {RECOVER}"
            ) from problem


def render(answers: dict[str, Any], folder: Path) -> None:
    """Render the project's release as it was for its answers, under git."""
    data = {key: value for key, value in answers.items() if key[0] != "_" and key != "answered"}
    copier_run(folder, data, answers["_commit"], source=answers["_src_path"])
    kept = dict(answers)
    if noted := kept.pop("answered", None):
        kept["answered"] = {key: answers.get(key, value) for key, value in noted.items()}
    text = yaml.safe_dump(kept, allow_unicode=True, sort_keys=False)
    (folder / ANSWERS).write_text(text, encoding="utf-8")
    git("-C", str(folder), "init", "--quiet")
    commit(folder)


def commit(folder: Path) -> None:
    """Commit a render."""
    git("-C", str(folder), "add", "--all", "--force")
    how = ("--quiet", "--allow-empty", "--no-verify", "--no-gpg-sign", "--message=Render")
    git("-C", str(folder), *BOT, "commit", *how)


def rendered(
    scratch: Path, ours: Iterable[str], data: Mapping[str, str], release: str | None
) -> Release:
    """Render what is compared with the project."""
    answers, notes = read_answers(), []
    noted = answers.get("answered") or {}  # once more what copier wrote
    changed = {key: answers[key] for key in noted if key in answers and answers[key] != noted[key]}
    if name := moved_package(answers, ours):
        was = f"src/{answers['package_name']}"
        notes.append(f"{was} is src/{name} now: {ANSWERS} says so from here on")
        answers["package_name"] = name
        changed.pop("package_name", None)
    if changed:
        told = ", ".join(f"{key}={answers[key]}" for key in changed)
        notes.append(f"{told}: changed in {ANSWERS}, taken as if given by --data, the way to do it")
    before, folder = answers | {key: noted[key] for key in changed}, scratch / "project"
    render(before, folder)
    trees = [stored(folder, scratch)]
    copier_run(folder, {}, release)
    trees.append(stored(folder, scratch))
    if wanted := changed | dict(data):
        commit(folder)
        copier_run(folder, wanted, read_answers(folder)["_commit"])
        trees.append(stored(folder, scratch))
    after = read_answers(folder)
    for key, value in wanted.items():
        if str(after.get(key)) != str(value):
            raise UpdateError(f"{key}={value} is not taken: no question {key} is asked here")
    return Release(trees, before, after, notes)


# The work tree


def journal() -> Path:
    """Say where a run notes what it is about to change."""
    return Path(git("rev-parse", "--git-path", "template-update").strip())


def switch(tree: str, paths: Iterable[str]) -> None:
    """Bring files of a tree into index and work tree; `resume` ends what was killed."""
    notes: dict[str, Any] = {"tree": tree, "paths": sorted(paths)}
    notes["head"] = git("rev-parse", "HEAD").strip()
    part = journal().with_suffix(".part")
    part.write_text(json.dumps(notes), encoding="utf-8")
    part.replace(journal())
    finish(**notes)


def resume() -> None:
    """End an update that was killed while it changed files."""
    if not journal().exists():
        return
    notes = json.loads(journal().read_text(encoding="utf-8"))
    if notes["head"] != git("rev-parse", "HEAD").strip():
        journal().unlink()
        return
    what = ("diff", "--name-only", "-z", "--relative")
    states = [set(names(*what, tree)) for tree in (notes["tree"], "HEAD")]
    both = states[0] & states[1] & set(notes["paths"])
    if edited := [path for path in both if Path(path).exists()]:
        raise UpdateError(
            f"an update was interrupted, and {', '.join(edited)} edited since: "
            "`git reset --hard`, and run again"
        )
    finish(**notes)
    raise UpdateError(
        "an update was interrupted and is complete now: "
        "look at `git diff --staged`, run nox, commit"
    )


def finish(tree: str, paths: list[str], **_: str) -> None:
    """Change the files, the answers last, then the index, in one step."""
    index = Path(git("rev-parse", "--git-path", "index").strip())
    ours = journal().with_suffix(".index").resolve()
    ours.with_suffix(".index.lock").unlink(missing_ok=True)
    shutil.copyfile(index, ours)
    how = (f"--source={tree}", "--staged", "--worktree", "--pathspec-from-file=-")
    for part in ([path for path in paths if path != ANSWERS], [ANSWERS]):
        if part:
            data = "\0".join(part)
            git("restore", *how, "--pathspec-file-nul", data=data, index=ours, alone=True)
    ours.replace(index)
    journal().unlink()


# The commands


@dataclass(frozen=True)
class Update:
    """A release, merged: the repository's tree, the files that change, what was kept."""

    release: Release
    tree: str
    changes: dict[str, File | None]
    kept: list[Kept]
    replaced: list[Kept]

    def told(self) -> list[str]:
        """Say in a line each what was kept and replaced."""
        lines = [f"note: {note}" for note in self.release.notes]
        lines += [f"kept yours: {kept}" for kept in self.kept]
        lines += [f"replaced by the answer: {kept}" for kept in self.replaced]
        return lines or ["Nothing of yours was in the way: can be merged unread."]

    def details(self, room: int) -> str:
        """Say it with both versions, for a pull request."""
        if not self.kept + self.replaced:
            return "\n".join(self.told())
        count = f"Kept as you have it: {len(self.kept)}."
        count += f" Replaced by an answer: {len(self.replaced)}." if self.replaced else ""
        text = "\n\n".join([*self.release.notes, count, "<details>"])
        text += "\n<summary>Both versions</summary>\n"
        left = 0
        for kept in self.kept + self.replaced:
            block = f"\n{kept.where()}\n\n{_fenced('yours', kept.ours)}"
            block += _fenced("the template's", kept.theirs)
            fits = len(text) + len(block) <= room
            text, left = text + block * fits, left + (not fits)
        return text + f"\n{left} more: `nox -s update` lists them.\n" * (left > 0) + "\n</details>"


def _fenced(title: str, text: str) -> str:
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return f"{title}:\n\n{fence}text\n{text.rstrip()}\n{fence}\n"


def merged(scratch: Path, data: Mapping[str, str], release: str | None) -> Update | None:
    """Merge the newest release and switched answers; None if there is nothing to do."""
    prefix = git("rev-parse", "--show-prefix").strip()
    ours = git("rev-parse", f"HEAD:{prefix}" if prefix else "HEAD^{tree}").strip()
    found = rendered(scratch, listed(ours), data, release)
    known, new = found.before["_commit"], found.after["_commit"]
    if known == new and len(found.trees) == 2 and not found.notes:
        print(f"up to date: the template's newest release is {known}")
        return None
    changes: dict[str, File | None] = {}
    reports: list[list[Kept]] = [[], []]
    for place, (base, theirs) in enumerate(itertools.pairwise(found.trees)):
        trees = Trees(base, theirs, ours, Files(needed(theirs), switched=place == 1))
        trees.merge()
        changes |= trees.changes
        reports[place] = trees.files.kept
        ours = changed(scratch, ours, "", trees.changes)
    return Update(found, changed(scratch, "HEAD", prefix, changes), changes, *reports)


def changed(scratch: Path, tree: str, prefix: str, changes: Mapping[str, File | None]) -> str:
    """Write a tree with these files in place of others."""
    index = scratch / "changed.index"
    git("read-tree", tree, index=index)
    gone = ("0", "0" * len(git("rev-parse", tree).strip()))
    lines = [f"{' '.join(file or gone)}\t{prefix}{path}\0" for path, file in changes.items()]
    git("update-index", "-z", "--index-info", data="".join(lines), index=index)
    return git("write-tree", index=index).strip()


def needed(tree: str) -> set[str]:
    """Name the distributions that the template's code imports."""
    code = "".join(read(file) for path, file in listed(tree).items() if OWNED.fullmatch(path))
    modules = set(re.findall(r"(?m)^ *(?:from|import) (\w+)", code))
    found = {str(canonicalize_name(module)) for module in modules}
    return found | ({"scikit-learn"} if "sklearn" in found else set())


def update(data: Mapping[str, str], release: str | None) -> None:
    """Update the work tree."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        if not (done := merged(Path(scratch), data, release)):
            return
        switch(done.tree, done.changes)
    print(*done.told(), sep="\n")
    print("updated: look at `git diff --staged`, run nox, commit; `git reset --hard` takes it back")
    print(f"for changes in files of your own: -- seeds {done.release.before['_commit']}")


def proposal(data: Mapping[str, str], release: str | None) -> tuple[str, str, str, str] | None:
    """Commit the update beside the current branch: name of a branch, commit, title and text."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        if not (done := merged(Path(scratch), data, release)):
            return None
        before, after = done.release.before, done.release.after
        title = f"Update from the template, {before['_commit']} to {after['_commit']}"
        changes = news(before, after)
        body = done.details(LIMIT - len(changes)) + f"\n\n{changes}".rstrip()
        if files := write_seeds(Path(scratch) / "seeds", before, after):
            body += "\n\nAlso changed, but left alone here, are files of your own:\n\n- "
            body += "\n- ".join(files) + "\n\nTo take these changes too:\n\n"
            body += f"    nox -s update -- seeds {before['_commit']}\n    git apply -3 {PATCH}"
        bot = BOT if "CI" in os.environ else ()
        made = git(*bot, "commit-tree", done.tree, "-p", "HEAD", "-m", title, "-m", body).strip()
    print(*done.told(), sep="\n")
    return f"template-{after['_commit']}", made, title, body.strip()


def news(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Give what the template's changelog says of the releases after one, up to the other."""
    source = after["_src_path"]
    for short, full in SHORT.items():
        source = full + source.removeprefix(short) if source.startswith(short) else source
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        git("clone", "--quiet", "--bare", source, folder)
        with contextlib.suppress(UpdateError):  # it may have none
            text = git("-C", folder, "show", f"{after['_commit']}:CHANGELOG.md")
            known = re.escape(re.sub(r"^v|-.*", "", before["_commit"]))
            since = re.split(rf"(?m)^## \W*v?{known}\b", text)[0]
            found = re.search(r"(?ms)^## .*", since)
            return found[0].strip()[:30_000] if found else ""
    return ""


def write_seeds(scratch: Path, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Write a patch of what another release changed in files that no update touches; name them."""
    scratch.mkdir(exist_ok=True)
    render(before, scratch / "old")
    copier_run(scratch / "old", {}, after["_commit"])
    render(after, scratch / "new")
    sides = [stored(scratch / name, scratch) for name in ("old", "new")]
    compared = ("diff-tree", "-r", "-z", "--name-only")
    files = names(*compared, "--diff-filter=A", *sides)
    edited = names(*compared, "--diff-filter=M", *sides)  # deleted ones stay deleted
    files += [name for name in edited if Path(name).is_file() and name != ANSWERS]
    Path(PATCH).parent.mkdir(exist_ok=True)
    Path(PATCH).unlink(missing_ok=True)
    if files:
        below, top = (git("rev-parse", f"--show-{what}").strip() for what in ("prefix", "toplevel"))
        how = [f"--src-prefix=a/{below}", f"--dst-prefix=b/{below}", "--patch", "--full-index"]
        how += ["--binary", f"--output={Path(PATCH).resolve()}"]
        git("-C", top, "diff-tree", *how, *sides, "--", *files)
    return sorted(files)


def propose(data: Mapping[str, str], release: str | None) -> None:
    """Push the update as a branch, and ask the host for a pull request."""
    if not (made := proposal(data, release)):
        return
    branch, commit_, title, body = made
    if git("ls-remote", "origin", f"refs/heads/{branch}"):
        print(f"proposed already; to do it again, delete the branch {branch} on origin")
        return
    gitlab = ["--push-option=merge_request.create"] if "GITLAB_CI" in os.environ else []
    try:
        git("push", "--quiet", *gitlab, "origin", f"{commit_}:refs/heads/{branch}")
    except UpdateError:
        raise UpdateError(f"origin refuses the branch {branch}: {REFUSED}") from None
    if "GITHUB_ACTIONS" in os.environ:
        request = ("--head", branch, "--title", title, "--body", body)
        if subprocess.run(["gh", "pr", "create", *request], check=False).returncode:
            git("push", "--quiet", "origin", "--delete", branch)  # else it looks proposed
            raise UpdateError(f"GitHub refuses the pull request: {REFUSED}")
    print(f"proposed on the branch {branch}")


def prepare(data: Mapping[str, str], release: str | None) -> None:
    """Write the update for a job that pushes it: a bundle, title and text in .nox/update."""
    folder = Path(".nox", "update")
    shutil.rmtree(folder, ignore_errors=True)
    if not (made := proposal(data, release)):
        return
    branch, commit_, title, body = made
    folder.mkdir(parents=True)
    git("update-ref", f"refs/heads/{branch}", commit_)
    git("bundle", "create", "--quiet", str(folder / "bundle"), f"HEAD..refs/heads/{branch}")
    git("update-ref", "-d", f"refs/heads/{branch}")
    for name, text in {"title": title, "body": body, "branch": branch}.items():
        (folder / name).write_text(text, encoding="utf-8")
    if "GITHUB_OUTPUT" in os.environ:
        with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
            file.write(f"branch={branch}\n")


FOLDER_OF = {
    "hatchling.build": "tool.hatch.build.targets.wheel.packages = ['src/{}']",
    "flit_core.buildapi": "tool.flit.module.name = '{}'",
    "uv_build": "tool.uv.build-backend.module-name = '{}'",
}
"""What tells a backend which package to pack; the others find it."""


def adopt(commit_: str) -> None:
    """Put what pyproject.toml said in a commit before the template came into the template's."""
    path, package = Path("pyproject.toml"), read_answers()["package_name"]
    before, now = git("show", f"{commit_}:./{path}"), path.read_text(encoding="utf-8")
    ours, theirs = tomllib.loads(before), tomllib.loads(now)
    if "project" not in ours:
        raise UpdateError(f"{path} of {commit_} has no table [project]: copy its values by hand")
    merge = Merge()
    base: dict[str, Any] = {"build-system": ours.get("build-system", GONE)}  # the template's stays
    if "version" in ours["project"].get("dynamic", []):
        base["project"] = {"version": theirs["project"].get("version", GONE)}
    wanted = merge.value(base, theirs, ours)
    if ours["project"]["name"] != theirs["project"]["name"]:
        told = FOLDER_OF.get(theirs["build-system"]["build-backend"], "").format(package)
        wanted = merge.value({}, tomllib.loads(told), wanted)
    path.write_text(write_toml(now, before, wanted), encoding="utf-8")
    for keys, own, new in merge.kept:
        print(f"kept yours: {'.'.join(keys)} = {_short(spell(own))}, not {_short(spell(new))}")


def seeds(release: str) -> None:
    """Write the patch of seeds."""
    answers = read_answers()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        files = write_seeds(Path(scratch), answers | {"_commit": release}, answers)
    take = f"`git apply -3 {PATCH}` brings {', '.join(files)}"
    print(take if files else f"no file of your own has changed since {release}")


USAGE = "after -- comes nothing, propose, prepare, seeds RELEASE or adopt COMMIT"


def main(words: Sequence[str]) -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(prog="nox -s update --", description=__doc__)
    parser.add_argument("command", nargs="*", help=USAGE)
    parser.add_argument("--data", action="append", default=[], metavar="ANSWER=VALUE")
    parser.add_argument("--release", help="which release, by default the newest")
    given = parser.parse_args(words)
    data = dict(entry.split("=", 1) for entry in given.data)
    resume()
    read_answers()
    if git("status", "--porcelain", "--", "."):
        raise UpdateError("some work is not committed: commit or stash it first")
    if Path(git("rev-parse", "--git-path", "MERGE_HEAD").strip()).exists():
        raise UpdateError("a merge is not finished: commit it, or `git merge --abort`")
    listing = git("ls-files", "-v", "-z").split("\0")
    if hidden := [line[2:] for line in listing if line[:1] == "S" or line[:1].islower()]:
        raise UpdateError(
            f"git hides what changed in {', '.join(hidden[:3])}: `git update-index "
            "--no-assume-unchanged --no-skip-worktree` with these files, "
            "or `git sparse-checkout disable`; then commit"
        )
    match given.command:
        case []:
            update(data, given.release)
        case ["propose" | "prepare" as how]:
            (propose if how == "propose" else prepare)(data, given.release)
        case ["seeds", release]:
            seeds(release)
        case ["adopt", commit_]:
            adopt(commit_)
        case command:
            raise UpdateError(f"{USAGE}; got {command}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UpdateError as problem:
        sys.exit(f"error: {problem}")
