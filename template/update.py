#!/usr/bin/env -S uv run --script
# /// script
# requires-python = ">=3.11"
# dependencies = ["copier>=9.15", "packaging>=24", "ruff"]
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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
MARK = 60  # characters of a conflict marker: no text has such a line
LIMIT = 60_000  # characters; hosts take 65,536 in a pull request
GONE: Any = type("Gone", (), {"__repr__": lambda _: "(not there)"})()


@dataclass(frozen=True)
class Kept:
    """A place where the project keeps its own version.

    Attributes
    ----------
    path, line
        File, and line in it, from 1; 0 for the whole file.
    ours, theirs
        What stands there, and what the template wanted.
    what
        Key of a table, or the reason; may be empty.
    """

    path: str
    line: int
    ours: str
    theirs: str
    what: str = ""

    def __str__(self) -> str:
        """Say it in one line."""
        where = f"{self.path}:{self.line}" if self.line else self.path
        return f"{where} {self.what}".rstrip() + f": {_short(self.ours)}, not {_short(self.theirs)}"


def _short(text: str) -> str:
    line = " ".join(text.split()) or "(nothing)"
    return line if len(line) <= 60 else f"{line[:57]}..."


# Merge by key


class Merge:
    """Merges plain values: tables by key, arrays by element, the owner's value where both changed.

    Attributes
    ----------
    kept
        Places where both changed: (keys, ours, theirs).
    needed
        Names of distributions whose lower bound the template's code needs.
    switched
        An answer was switched: the template's value wins.
    """

    def __init__(self, needed: Iterable[str] = (), *, switched: bool = False) -> None:
        """Start with nothing kept."""
        self.kept: list[tuple[tuple[str, ...], Any, Any]] = []
        self.needed, self.switched = set(needed), switched

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

    def table(
        self,
        base: dict[str, Any],
        theirs: dict[str, Any],
        ours: dict[str, Any],
        path: tuple[str, ...],
    ) -> dict[str, Any]:
        """Merge key by key."""
        merged = {}
        for key in ordered([*ours], [*theirs]):
            sides = (side.get(key, GONE) for side in (base, theirs, ours))
            merged[key] = self.value(*sides, (*path, key))
        for key in base.keys() - theirs.keys() - ours.keys():
            merged.pop(key, None)
        return {key: value for key, value in merged.items() if value is not GONE}

    def array(
        self, base: list[Any], theirs: list[Any], ours: list[Any], path: tuple[str, ...]
    ) -> list[Any]:
        """Merge element by element: requirements by name, tables by what names them."""
        named = requirement_name if _lists_requirements(path) else _name
        b, t, o = (_by_name(side, named) for side in (base, theirs, ours))
        t, o = _paired(b, t), _paired(b, o)
        merged = []
        for key in ordered([*o], [*t]):
            sides = [side.get(key, GONE) for side in (b, t, o)]
            if all(isinstance(side, str) for side in sides) and named is requirement_name:
                value = self.requirement(*sides, path)
            else:
                value = self.value(*sides, (*path, str(key[0])))
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
        lower, own = _lower(new), _lower(mine)
        if path[:2] == ("project", "dependencies") and path[-1] in self.needed and lower > own:
            self.kept.append(
                (path, raised := _raise(mine, new), f"{theirs}, which it needs; yours was {ours}")
            )
            return raised
        if (
            (new.extras, str(new.marker)) == (mine.extras, str(mine.marker))
            and lower <= own
            and not _caps(new)
        ):
            return ours  # asks for as much
        return str(self.both(theirs, ours, path))


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal and of the same type, 1 and true and 1.0 are not."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def ordered(ours: list[Any], theirs: list[Any]) -> list[Any]:
    """Give all keys in the owner's order, those of the template behind the ones they follow."""
    keys, known = list(ours), set(ours)
    for place, key in enumerate(theirs):
        if key not in known:
            before = next((k for k in reversed(theirs[:place]) if k in known), None)
            keys.insert(keys.index(before) + 1 if before is not None else 0, key)
            known.add(key)
    return keys


def _lists_requirements(path: tuple[str, ...]) -> bool:
    lists = {"requires", "dependencies", "dev-dependencies"}
    return path[-1] in lists or (
        len(path) > 1 and path[-2] in {"optional-dependencies", "dependency-groups"}
    )


def requirement_name(item: Any) -> str:
    """Give the normalised name of a requirement; what is none is named by itself."""
    try:
        return str(canonicalize_name(Requirement(item).name))
    except (InvalidRequirement, TypeError):
        return _name(item)


def _name(item: Any) -> str:
    if isinstance(item, dict):
        for key in ("name", "module", "id", "include-group", "include", "path"):
            if key in item:
                return f"{key} {item[key]}"
    return f"{type(item).__name__} {item}"


def _by_name(items: list[Any], named: Callable[[Any], str]) -> dict[tuple[str, int], Any]:
    seen: Counter[str] = Counter()
    found = {}
    for item in items:
        name = named(item)
        found[name, seen[name]] = item
        seen[name] += 1
    return found


def _paired(base: Mapping[Any, Any], side: dict[Any, Any]) -> dict[Any, Any]:
    """Give a table that was renamed the name that it has in the base."""
    names = {}
    for key in base.keys() - side.keys():
        near = {k: _alike(base[key], side[k]) for k in side.keys() - base.keys() - names.keys()}
        if near and max(near.values()) > 0:
            names[max(near, key=near.__getitem__)] = key
    return {names.get(key, key): value for key, value in side.items()}


def _alike(one: Any, other: Any) -> int:
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return 0
    lists = [
        set(map(str, one[k])) & set(map(str, other[k]))
        for k in one.keys() & other.keys()
        if isinstance(one[k], list) and isinstance(other[k], list)
    ]
    named = {
        key for key in ("name", "module", "id") if key in one and one.get(key) == other.get(key)
    }
    return sum(map(len, lists)) + 9 * len(named)


def _lower(requirement: Requirement) -> Version:
    """Give the oldest release that a requirement allows, about."""
    found = [Version("0")]
    for bound in requirement.specifier:
        if bound.operator in {">=", ">", "~=", "=="}:
            with contextlib.suppress(InvalidVersion):
                found.append(Version(bound.version.removesuffix(".*")))
    return max(found)


def _caps(requirement: Requirement) -> bool:
    return any(bound.operator in {"<", "<=", "~=", "==", "!="} for bound in requirement.specifier)


def _raise(mine: Requirement, new: Requirement) -> str:
    """Raise the lower bound, keep the owner's cap where it allows that."""
    rest = [str(bound) for bound in mine.specifier if bound.operator in {"<", "<=", "!="}]
    specifier = SpecifierSet(",".join([*map(str, new.specifier), *rest]))
    raised = Requirement(str(mine))
    raised.specifier = specifier if _lower(new) in specifier else new.specifier
    return str(raised)


# TOML

TOKEN = re.compile(
    r'"{3}(?:\\.|[^\\])*?"{3,5}|\'{3}.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\''
    r"|#[^\n]*|[\[\]{}=,\n]|[ \t\r]+|[^\s\[\]{}=,\"'#]+",
    re.DOTALL,
)


@dataclass(frozen=True)
class Entry:
    """An assignment in TOML, or the header of a table, whose value has no text.

    Attributes
    ----------
    path
        Keys, and numbers in arrays of tables.
    header
        The path of the table above it.
    start, low, high, stop
        Where the line starts, where the value starts and ends, where the next line starts.
    """

    path: tuple[Any, ...]
    header: tuple[Any, ...]
    start: int
    low: int
    high: int
    stop: int


def scan(text: str) -> list[Entry]:
    """Find each assignment and header in TOML that is known to be right."""
    found, header, counts = [], (), Counter[tuple[Any, ...]]()
    tokens = [*TOKEN.finditer(text)]
    at = 0
    while at < len(tokens):
        first, depth, end = at, 0, at
        while at < len(tokens) and (tokens[at][0] != "\n" or depth):
            word = tokens[at][0]
            depth += (word in "[{") - (word in "]}")
            end = end if word[0] in "# \t\r" else at + 1
            at += 1
        at += 1
        line = tokens[first:end]
        stop = tokens[min(at, len(tokens)) - 1].end()
        while line and line[0][0].isspace():
            line = line[1:]
        if not line:
            continue
        sign = next((place for place, token in enumerate(line) if token[0] == "="), 0)
        if line[0][0] == "[":
            name = _keys("".join(token[0] for token in line).strip("[] \t"))
            header = _real(name, counts, new=line[1][0] == "[")
            found.append(Entry(header, header, tokens[first].start(), -1, -1, stop))
        else:
            path = header + _keys("".join(token[0] for token in line[:sign]))
            value = next(token for token in line[sign + 1 :] if not token[0].isspace())
            found.append(
                Entry(path, header, tokens[first].start(), value.start(), line[-1].end(), stop)
            )
    return found


def _keys(text: str) -> tuple[str, ...]:
    """Split a dotted key."""
    found, rest = [], tomllib.loads(f"{text} = 0")
    while isinstance(rest, dict):
        [(key, rest)] = rest.items()
        found.append(key)
    return tuple(found)


def _real(name: tuple[str, ...], counts: Counter[tuple[Any, ...]], *, new: bool) -> tuple[Any, ...]:
    """Put the numbers of the newest elements into the name of a table."""
    path: tuple[Any, ...] = ()
    for place, key in enumerate(name, start=1):
        path += (key,)
        counts[path] += new and place == len(name)
        path += (counts[path] - 1,) if counts[path] else ()
    return path


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return GONE
    return value


def spell(value: Any) -> str:
    """Write a value in TOML, on one line."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list():
            return f"[{', '.join(map(spell, value))}]"
        case dict():
            inside = ", ".join(f"{spell_key(key)} = {spell(item)}" for key, item in value.items())
            return f"{{ {inside} }}" if inside else "{}"
        case int() | float():
            return repr(value)
    return str(value.isoformat())


def spell_key(*keys: str) -> str:
    """Write a dotted key."""
    return ".".join(key if re.fullmatch(r"[\w-]+", key, re.ASCII) else spell(key) for key in keys)


def write_toml(ours: str, theirs: str, wanted: dict[str, Any]) -> str:
    """Change TOML where it says something else; what is new looks as in the template."""
    text, have, entries = (
        ours if ours.endswith("\n") else f"{ours}\n",
        tomllib.loads(ours),
        scan(ours),
    )
    wanted = _aligned(
        have, wanted, {entry.path[:-1] for entry in entries if isinstance(entry.path[-1], int)}
    )
    for entry in reversed(entries):
        value = _at(wanted, entry.path)
        if value is GONE:
            text = text[: entry.start] + text[entry.stop :]
        elif entry.low >= 0 and not same(value, _at(have, entry.path)):
            text = (
                text[: entry.low]
                + respell(text[entry.low : entry.high], value, entry.path)
                + text[entry.high :]
            )
    wanted = _there(wanted)
    looks = {entry.path: theirs[entry.low : entry.stop] for entry in scan(theirs) if entry.low >= 0}
    values = tomllib.loads(theirs)
    looks = {
        path: look for path, look in looks.items() if same(_at(values, path), _at(wanted, path))
    }
    while new := next(_missing(tomllib.loads(text), wanted), None):
        text = _inserted(text, *new, looks)
    return text


def _aligned(
    have: Any, wanted: Any, arrays: set[tuple[Any, ...]], path: tuple[Any, ...] = ()
) -> Any:
    """Give arrays of tables the owner's order; GONE where a table goes, new ones last."""
    if isinstance(wanted, dict):
        have = have if isinstance(have, dict) else {}
        return {
            key: _aligned(have.get(key), value, arrays, (*path, key))
            for key, value in wanted.items()
        }
    if path not in arrays or not isinstance(wanted, list):
        return wanted
    mine = _by_name(have, _name)
    new = _paired(mine, _by_name(wanted, _name))
    there = [
        _aligned(mine[key], new[key], arrays, (*path, place)) if key in new else GONE
        for place, key in enumerate(mine)
    ]
    return there + [value for key, value in new.items() if key not in mine]


def _there(value: Any) -> Any:
    """Leave out what is GONE."""
    if isinstance(value, dict):
        return {key: _there(item) for key, item in value.items()}
    return (
        [_there(item) for item in value if item is not GONE] if isinstance(value, list) else value
    )


def _missing(
    have: Any, wanted: Any, path: tuple[Any, ...] = ()
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Find what is wanted and not there."""
    if isinstance(wanted, dict) and isinstance(have, dict):
        for key, value in wanted.items():
            if key not in have:
                yield (*path, key), value
            else:
                yield from _missing(have[key], value, (*path, key))
    elif isinstance(wanted, list) and any(isinstance(value, dict) for value in wanted):
        for place, value in enumerate(wanted):
            if place >= len(have):
                yield (*path, place), value
            else:
                yield from _missing(have[place], value, (*path, place))


def _inserted(
    text: str, path: tuple[Any, ...], value: Any, looks: dict[tuple[Any, ...], str]
) -> str:
    """Insert a value behind its siblings, or a table behind those beside it."""
    entries, table = scan(text), path[:-1]
    near = [
        entry
        for entry in entries
        if entry.low >= 0 and entry.path[: len(table)] == table and len(entry.header) <= len(table)
    ]
    dotted = [entry for entry in near if len(entry.header) < len(table)]
    if (isinstance(value, dict) and path not in looks and not dotted) or isinstance(path[-1], int):
        within = [entry for entry in entries if entry.path[: len(table)] == table] or entries
        ends = [entry.stop for entry in entries if within and entry.header == within[-1].header]
        at = max(ends, default=0)
        return f"{text[:at]}\n{block(value, path, looks)}{text[at:]}"
    look = looks.get(path, f"{spell(value)}\n")
    for entry in reversed(dotted or near):
        indent = re.match(r"[ \t]*", text[entry.start :])
        name = spell_key(*table[len(entry.header) :], path[-1])
        line = f"{indent[0] if indent else ''}{name} = {look}"
        return text[: entry.stop] + line + text[entry.stop :]
    head = [entry.stop for entry in entries if entry.low < 0 and entry.path == table]
    if head or not table:
        at = head[0] if head else 0
        return f"{text[:at]}{spell_key(path[-1])} = {look}{text[at:]}"
    return f"{text}\n[{spell_key(*table)}]\n{spell_key(path[-1])} = {look}"


def block(
    value: dict[str, Any], path: tuple[Any, ...] = (), looks: Mapping[tuple[Any, ...], str] = {}
) -> str:
    """Write a table and those in it."""
    name = spell_key(*(key for key in path if isinstance(key, str)))
    lines, below = "", ""
    for key, item in value.items():
        tables = [(key, item)] if isinstance(item, dict) else []
        if isinstance(item, list) and item and all(isinstance(part, dict) for part in item):
            tables = [(key, part) for part in item]
        if tables and (*path, key) not in looks:
            places = (
                [(*path, key)]
                if isinstance(item, dict)
                else [(*path, key, place) for place in range(len(tables))]
            )
            below += "".join(
                f"\n{block(part, place, looks)}"
                for place, (_, part) in zip(places, tables, strict=True)
            )
        else:
            lines += f"{spell_key(key)} = " + looks.get((*path, key), f"{spell(item)}\n")
    element = path[-1:] and isinstance(path[-1], int)
    head = f"[[{name}]]\n" if element else f"[{name}]\n" if name and (lines or not below) else ""
    return head + lines + (below if head or lines else below.lstrip("\n"))


def respell(text: str, value: Any, path: tuple[Any, ...]) -> str:
    """Write another value; an array keeps its comments, and its elements their lines."""
    if not isinstance(value, list) or text[0] != "[":
        return spell(value)
    named = requirement_name if _lists_requirements(path) else _name
    wanted = _by_name(value, named)
    mine = _by_name(_array(text), named)
    wanted = _paired(mine, wanted)
    for place, key in reversed([*enumerate(mine)]):
        low, high = _elements(text)[place]
        if key not in wanted:
            text = _without(text, place)
        elif not same(mine[key], wanted[key]):
            text = text[:low] + spell(wanted[key]) + text[high:]
    keys = [key for key in mine if key in wanted]
    for place, key in enumerate(wanted):
        if key not in keys:
            before = [keys.index(other) for other in [*wanted][:place] if other in keys]
            at = before[-1] + 1 if before else 0
            text = _with(text, at, spell(wanted[key]))
            keys.insert(at, key)
    return text if same(_array(text), value) else spell(value)


def _array(text: str) -> list[Any]:
    found: list[Any] = tomllib.loads(f"x = {text}")["x"]
    return found


def _elements(text: str) -> list[tuple[int, int]]:
    """Find where the elements of an array start and end."""
    found, depth, low, high = [], 0, -1, -1
    for token in TOKEN.finditer(text):
        word = token[0]
        if (word == "," and depth == 1) or (word == "]" and depth == 1):
            found += [(low, high)] if low >= 0 else []
            low = -1
        elif not word.isspace() and word[0] != "#" and (depth > 1 or word != "[" or depth == 1):
            low = token.start() if low < 0 and depth else low
            high = token.end()
        depth += (word in "[{") - (word in "]}")
    return found


def _without(text: str, place: int) -> str:
    """Take an element out of an array, with its line if that is empty then."""
    spans = _elements(text)
    low, high = spans[place]
    start, end = text.rfind("\n", 0, low) + 1, text.find("\n", high)
    comma = re.match(r"\s*,", text[high:])
    after = high + comma.end() if comma else high
    if (
        not text[start:low].strip()
        and start
        and end >= 0
        and re.match(r"[ \t]*(#.*)?\n", text[after:])
    ):
        return text[:start] + text[end + 1 :]
    if place + 1 < len(spans):
        return text[:low] + text[spans[place + 1][0] :]
    return text[: spans[place - 1][1]] + text[after:] if place else text[:low] + text[after:]


def _with(text: str, place: int, new: str) -> str:
    """Put an element into an array, on a line of its own where the one before has one."""
    spans = _elements(text)
    if place == 0:
        at = spans[0][0] if spans else 1
        start = text.rfind("\n", 0, at) + 1
        if spans:
            space = f"\n{text[start:at]}" if start and not text[start:at].strip() else " "
            return f"{text[:at]}{new},{space}{text[at:]}"
        return f"[{new}{text[1:]}" if "\n" not in text else f"[\n  {new},{text[1:]}"
    low, high = spans[place - 1]
    comma = re.match(r"\s*,", text[high:])
    text, after = (
        (text, high + comma.end()) if comma else (f"{text[:high]},{text[high:]}", high + 1)
    )
    line = re.match(r"[ \t]*(#.*)?(?=\n)", text[after:])
    if not line:
        rest = text[after:].lstrip(" ") if comma else text[after:]
        end = "" if not comma else ", " if rest[:1] != "]" else ","
        return f"{text[:after]} {new}{end}{rest}"
    start = text.rfind("\n", 0, low) + 1
    indent = re.match(r"[ \t]*", text[start:] if start else "  ")
    at = after + line.end()
    return f"{text[:at]}\n{indent[0] if indent else '  '}{new},{text[at:]}"


def merge_toml(base: str, theirs: str, ours: str, merge: Merge) -> str:
    """Merge TOML by key: comments, order and layout are the owner's.

    The lines are merged too, and taken when they say the same: they bring the template's comments.
    """
    sides = [tomllib.loads(side) for side in (base, theirs, ours)]
    wanted = merge.value(*sides)
    for write in (
        lambda: merge_lines(base, theirs, ours, switched=merge.switched)[0],
        lambda: write_toml(ours, theirs, wanted),
    ):
        with contextlib.suppress(tomllib.TOMLDecodeError):
            if unordered(tomllib.loads(text := write())) == unordered(wanted):
                return text
    return block(wanted)  # the comments go, no value does


def unordered(value: Any) -> str:
    """Spell a value so that two of them compare without the order of keys and elements."""
    if isinstance(value, dict):
        return f"{{{','.join(sorted(f'{key!r}:{unordered(value[key])}' for key in value))}}}"
    return (
        f"[{','.join(sorted(map(unordered, value)))}]" if isinstance(value, list) else repr(value)
    )


def line_of(text: str, path: Sequence[str]) -> int:
    """Find the line of a key, or of an element of an array; 0 if it is not there."""
    found, header, parts = 0, "", list(path)
    for number, line in enumerate(text.splitlines(), start=1):
        if head := re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line):
            header = head[1].replace('"', "")
        name = (
            header
            if head
            else ".".join(filter(None, [header, line.partition("=")[0].strip().replace('"', "")]))
        )
        if parts and name == ".".join(parts[: name.count(".") + 1]):
            found = max(found, number)
    later = text.splitlines()[found - 1 :] if found else []
    inner = (
        number for number, line in enumerate(later, start=found) if parts and parts[-1] in line
    )
    return next(inner, found)


# Merge by line

Hunk = tuple[int, list[str], list[str]]
"""Line in the result, from 1, the owner's lines, the template's."""
Joins = Callable[[list[str], list[str]], bool]
"""Tells whether what both sides insert at the same place may follow each other."""


def merge_lines(
    base: str, theirs: str, ours: str, *, switched: bool = False, union: Joins | None = None
) -> tuple[str, list[Hunk]]:
    """Merge as git does; where both changed keep the owner's, after a switch the template's."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        paths = [Path(folder, name) for name in ("ours", "base", "theirs")]
        for path, side in zip(paths, (ours, base, theirs), strict=True):
            path.write_bytes(side.encode("utf-8", "surrogateescape"))
        words = [
            "git",
            "merge-file",
            "--stdout",
            "--quiet",
            "--diff3",
            f"--marker-size={MARK}",
            *map(str, paths),
        ]
        done = subprocess.run(words, capture_output=True, check=False)
    text, hunks, part = [], [], 0
    sides: list[list[str]] = [[], [], []]
    for line in re.findall(r"[^\n]*\n|[^\n]+", done.stdout.decode("utf-8", "surrogateescape")):
        mark = next(
            (place for place, sign in enumerate("<|=>", start=1) if line.startswith(sign * MARK)), 0
        )
        if not mark and part:
            sides[part - 1].append(line)
        elif not mark:
            text.append(line)
        elif mark == 4:
            merged, refused = _refined(*sides, switched=switched, union=union)
            hunks += [(len(text) + place, *both) for place, *both in refused]
            text += merged
            sides = [[], [], []]
        part = mark % 4 if mark else part
    return "".join(text), hunks


def _refined(
    ours: list[str], base: list[str], theirs: list[str], *, switched: bool, union: Joins | None
) -> tuple[list[str], list[Hunk]]:
    """Merge a conflict of git once more: lines beside each other are not the same lines."""
    edits = [
        (*edit, side) for side, lines in enumerate((ours, theirs)) for edit in _edits(base, lines)
    ]
    merged: list[str] = []
    refused: list[Hunk] = []
    at = 0
    for group in _groups(sorted(edits, key=lambda edit: (edit[0], edit[1], -edit[3]))):
        low, high = group[0][0], max(edit[1] for edit in group)
        merged += base[at:low]
        own, new = (
            _applied(base, low, high, [e for e in group if e[3] == side]) for side in (0, 1)
        )
        changed = {edit[3] for edit in group}
        if changed == {0, 1} and own != new and not (low == high and union and union(own, new)):
            refused.append((len(merged) + 1, own, new))
            merged += new if switched else own
        elif changed == {0, 1} and own != new:
            merged += new + own
        else:
            merged += own if 0 in changed else new
        at = high
    return merged + base[at:], refused


def _edits(base: list[str], lines: list[str]) -> list[tuple[int, int, list[str]]]:
    codes = difflib.SequenceMatcher(None, base, lines, autojunk=False).get_opcodes()
    return [(i, k, lines[j:m]) for kind, i, k, j, m in codes if kind != "equal"]


def _groups(edits: list[Any]) -> list[list[Any]]:
    """Put together what overlaps, inserts at one place, or touches lines that are taken away."""
    found: list[list[Any]] = []
    end = -1
    for edit in edits:
        near = found[-1] if found else []
        touches = edit[0] == end and any(len(e[2]) < e[1] - e[0] for e in (*near, edit))
        inserts = edit[0] == end == edit[1] == near[-1][0] if near else False
        if near and (edit[0] < end or touches or inserts):
            near.append(edit)
        else:
            found.append([edit])
        end = max(end, edit[1])
    return found


def _applied(base: list[str], low: int, high: int, edits: list[Any]) -> list[str]:
    lines, at = [], low
    for start, stop, new, _ in edits:
        lines += base[at:start] + new
        at = stop
    return lines + base[at:high]


# Files

PIN = re.compile(
    r"(?m)^(?P<start>[ \t-]*(?:uses:[ \t]*(?P<action>[\w./-]+)@"
    r"|repo:[ \t]*(?P<repo>\S+)\n[ \t]*rev:[ \t]*|image:[ \t]*(?P<image>[\w./-]+):))"
    r"(?P<pin>[^\s#]+)(?P<comment>[ \t]*#[ \t]*(?:frozen:[ \t]*)?(?P<version>v?\d\S*)[ \t]*)?$"
)


def merge_pins(base: str, theirs: str, ours: str) -> tuple[str, str, str]:
    """Give the three sides with the newer pin of each action, hook and image."""
    known = [{_pinned(found): found for found in PIN.finditer(side)} for side in (base, theirs)]

    def newer(found: re.Match[str]) -> str:
        old, new = (side.get(_pinned(found)) for side in known)
        if not (old and new and _version(old) <= _version(found) < _version(new)):
            return found[0]
        return found["start"] + new["pin"] + (new["comment"] or "")

    merged = PIN.sub(newer, ours)
    raised = {_pinned(found): found for found in PIN.finditer(merged)}

    def last(found: re.Match[str]) -> str:
        mine, new = raised.get(_pinned(found)), known[1].get(_pinned(found))
        if not (mine and new and _version(mine) >= _version(new)):
            return found[0]
        return found["start"] + mine["pin"] + (mine["comment"] or "")

    return PIN.sub(last, base), PIN.sub(last, theirs), merged


def _pinned(found: re.Match[str]) -> str:
    return str(found["action"] or found["repo"] or found["image"])


def _version(found: re.Match[str]) -> Version:
    try:
        return Version(found["version"] or found["pin"])
    except InvalidVersion:
        return Version("0")


def merge_ignored(base: str, theirs: str, ours: str) -> str:
    """Merge a list of patterns: all that either side has, but for what one of them took out."""
    old, new, mine = (side.splitlines() for side in (base, theirs, ours))
    kept = [line for line in mine if line in new or line not in old or not line.strip()]
    at = 0
    for line in new:
        if line in kept:
            at = max(at, kept.index(line) + 1)
        elif line not in old:
            kept.insert(at, line)
            at += 1
    return "\n".join(kept) + "\n"


def parses(path: str, text: str) -> bool:
    """Tell whether a file is whole; of unknown kinds all are."""
    readers: dict[str, Callable[[str], Any]] = {
        ".toml": tomllib.loads,
        ".yml": _read_yaml,
        ".yaml": _read_yaml,
        ".cff": _read_yaml,
        ".py": ast.parse,
        ".json": json.loads,
    }
    try:
        readers.get(Path(path).suffix, str)(text)
    except (ValueError, SyntaxError, yaml.YAMLError):
        return False
    return True


def _read_yaml(text: str) -> None:
    """Read YAML, and refuse a key that stands twice."""
    for node in yaml.compose_all(text, yaml.SafeLoader):
        nodes = [node]
        while nodes:
            part = nodes.pop()
            if isinstance(part, yaml.MappingNode):
                keys = [str(key.value) for key, _ in part.value]
                if len(keys) > len(set(keys)):
                    msg = "a key stands twice"
                    raise ValueError(msg)
                nodes += [value for _, value in part.value]
            elif isinstance(part, yaml.SequenceNode):
                nodes += part.value


class Files:
    """Merges the text of files.

    Attributes
    ----------
    kept
        Places where both changed.
    """

    def __init__(self, needed: Iterable[str] = (), *, switched: bool = False) -> None:
        """Start with nothing kept."""
        self.kept: list[Kept] = []
        self.needed, self.switched = set(needed), switched

    def text(self, path: str, base: str, theirs: str, ours: str) -> str:
        """Merge a file; its line ends are the owner's."""
        if "\r\n" in ours:
            merged = self.text(path, base, theirs, ours.replace("\r\n", "\n"))
            return merged.replace("\n", "\r\n")
        base, theirs = base.replace("\r\n", "\n"), theirs.replace("\r\n", "\n")
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
        merge = Merge(self.needed, switched=self.switched)
        text = merge_toml(base, theirs, ours, merge)
        for keys, own, new in merge.kept:
            self.kept.append(
                Kept(path, line_of(text, keys), _spelt(own), _spelt(new), ".".join(keys))
            )
        return text

    def lines(self, path: str, base: str, theirs: str, ours: str) -> str:
        """Merge by line; should the result not parse, the owner's file stays."""

        def joins(own: list[str], new: list[str]) -> bool:
            """Tell whether what both insert at one place can follow each other."""
            first, second = (len(text) - len(text.lstrip()) for text in map(_first, (own, new)))
            return first == second and (first == 0 or not path.endswith(".py"))

        for union in (joins, None):
            text, hunks = merge_lines(base, theirs, ours, switched=self.switched, union=union)
            if parses(path, text):
                break
        if not parses(path, text) and parses(path, ours):
            text, hunks = (
                ours,
                [(0, ours.splitlines(keepends=True), theirs.splitlines(keepends=True))],
            )
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


def _spelt(value: Any) -> str:
    return "" if value is GONE else value if isinstance(value, str) else spell(value)


# Trees

Tree = dict[str, tuple[str, str]]
"""Path -> mode and name of the blob."""


def git(
    *words: str,
    data: str | None = None,
    index: Path | None = None,
    codes: Sequence[int] = (0,),
    alone: bool = False,
) -> str:
    """Run git and give what it prints; alone: where Ctrl-C does not reach it."""
    environment = os.environ | ({"GIT_INDEX_FILE": str(index)} if index else {})
    done = subprocess.run(
        ["git", "--literal-pathspecs", *words],
        input=None if data is None else data.encode("utf-8", "surrogateescape"),
        stdout=subprocess.PIPE,
        env=environment,
        check=False,
        start_new_session=alone,
    )
    if done.returncode not in codes:
        raise UpdateError(f"git {words[0]} failed with exit code {done.returncode}")
    return done.stdout.decode("utf-8", "surrogateescape")


class UpdateError(Exception):
    """The update cannot be done; the message says why and what to do."""


def listed(tree: str) -> Tree:
    """List the files of a tree."""
    found = {}
    for line in filter(None, git("ls-tree", "-r", "-z", "--full-tree", tree).split("\0")):
        about, _, path = line.partition("\t")
        mode, _, blob = about.split()
        found[path] = (mode, blob)
    return found


def stored(folder: Path, scratch: Path) -> str:
    """Put a folder into the project's objects; give its tree."""
    index = scratch / f"{folder.name}.index"
    index.unlink(missing_ok=True)
    at = (
        f"--git-dir={Path(git('rev-parse', '--absolute-git-dir').strip())}",
        f"--work-tree={folder}",
    )
    plain = ("-c", "core.autocrlf=false", "-c", "core.safecrlf=false")
    git("-C", str(folder), *at, *plain, "add", "--all", "--force", ".", index=index)
    return git("write-tree", index=index).strip()


def renames(old: str, new: str) -> dict[str, str]:
    """Find the files that are somewhere else now: old path -> new path."""
    words = git("diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--name-status", old, new).split(
        "\0"
    )
    return dict(zip(words[1::3], words[2::3], strict=False))


class Trees:
    """Merges the files of a release into the project's.

    Attributes
    ----------
    changes
        What the update changes: path -> mode and blob, None where a file goes.
    """

    def __init__(self, base: str, theirs: str, ours: str, files: Files) -> None:
        """Compare three trees."""
        self.files, self.changes = files, dict[str, tuple[str, str] | None]()
        self.base, self.theirs, self.ours = (listed(tree) for tree in (base, theirs, ours))
        self.moved, self.new_names = renames(base, ours), renames(base, theirs)
        self.switched = files.switched

    def merge(self) -> None:
        """Merge each path that the template changed."""
        for path in sorted(self.base.keys() | self.theirs.keys()):
            if path != ANSWERS and self.base.get(path) != self.theirs.get(path):
                self.path(path, self.moved.get(path, path))
        self.changes[ANSWERS] = self.ended(self.theirs[ANSWERS])

    def path(self, path: str, place: str) -> None:
        """Merge a file of the template into the place where the owner has it."""
        base, theirs, ours = self.base.get(path), self.theirs.get(path), self.ours.get(place)
        if path in self.new_names.values() and not ours:
            return  # comes with its old name
        target = self.new_names.get(path, path) if place == path else path
        if ours == theirs:
            return
        if ours is None and base:
            if target in self.theirs:
                self.keep(
                    place,
                    "",
                    self.read(self.theirs[target]),
                    "deleted here, changed by the template",
                )
        elif ours is None:
            self.bring(path, theirs)
        elif base and (theirs is None and target == path):
            self.drop(place, base, ours)
        else:
            self.content(path, place, target)

    def bring(self, path: str, theirs: tuple[str, str]) -> None:
        """Bring a new file, unless a file of the owner's is there or its folder has gone."""
        folder = path.rpartition("/")[0]
        siblings = [name for name in self.base if name.rpartition("/")[0] == folder]
        if folder and siblings and not any(name.startswith(f"{folder}/") for name in self.ours):
            self.keep(path, "", self.read(theirs), f"new, but {folder}/ is no longer here")
        elif os.path.lexists(path):
            self.keep(
                path, "", self.read(theirs), "new, but a file of yours that git ignores is there"
            )
        else:
            self.changes[path] = self.ended(theirs)

    def ended(self, theirs: tuple[str, str]) -> tuple[str, str]:
        """Give a file of the template the line ends of the project."""
        if "pyproject.toml" not in self.ours or "\r\n" not in self.read(
            self.ours["pyproject.toml"]
        ):
            return theirs
        return self.file(theirs, self.read(theirs).replace("\n", "\r\n"))

    def drop(self, place: str, base: tuple[str, str], ours: tuple[str, str]) -> None:
        """Take a file away that the template dropped, unless the owner changed it."""
        before, own = self.read(base), self.read(ours).replace("\r\n", "\n")
        if self.switched or own in (
            before,
            _format(place, before) if place.endswith(".py") else before,
        ):
            self.changes[place] = None
        else:
            self.keep(place, self.read(ours), "", "changed here, dropped by the template")

    def content(self, path: str, place: str, target: str) -> None:
        """Merge a file that is on both sides."""
        base, theirs, ours = self.base.get(path), self.theirs[target], self.ours[place]
        where = target if target != path else place
        sides = [self.read(side) if side else "" for side in (base, theirs, ours)]
        if ours != base and (
            "120000" in (ours[0], theirs[0]) or any("\0" in side for side in sides)
        ):
            self.keep(place, "", "", "no text, changed on both sides")
            return
        if base is None and not path.endswith((".toml", "ignore")):
            self.keep(place, sides[2], sides[1], "new, but a file of yours is there")
            return
        merged = theirs if ours == base else self.file(theirs, self.files.text(where, *sides))
        mode = theirs[0] if base is None or ours[0] == base[0] else ours[0]
        if (mode, merged[1]) != self.ours.get(where):
            self.changes[where] = (mode, merged[1])
        if where != place:
            self.changes[place] = None

    def file(self, like: tuple[str, str], text: str) -> tuple[str, str]:
        """Write a blob."""
        return like[0], git("hash-object", "-w", "--stdin", data=text).strip()

    def read(self, file: tuple[str, str]) -> str:
        """Read a blob."""
        return git("cat-file", "blob", file[1])

    def keep(self, path: str, ours: str, theirs: str, what: str) -> None:
        """Note a whole file that stays as it is."""
        self.files.kept.append(Kept(path, 0, ours, theirs, what))


# Renders


@dataclass(frozen=True)
class Release:
    """What the template renders, in the order in which it is merged.

    Attributes
    ----------
    trees
        Names of git trees: the project's release, the new one, the new one with switched answers.
    before, after
        Answers of the first and of the last.
    notes
        What to tell the owner.
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


def by_hand(answers: dict[str, Any]) -> dict[str, Any]:
    """Give the answers that somebody changed in the file: it says twice what copier wrote."""
    noted = answers.get("answered") or {}
    return {key: answers[key] for key in noted if key in answers and answers[key] != noted[key]}


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
    before = dict(os.environ)
    first = int(os.environ.get("GIT_CONFIG_COUNT", "0"))
    os.environ["GIT_CONFIG_COUNT"] = str(first + len(PLAIN))
    for number, (key, value) in enumerate(PLAIN.items(), start=first):
        os.environ |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    import copier

    os.environ.clear()
    os.environ.update(before)
    return copier


def copier_run(
    what: str, folder: Path, *, source: str = "", data: Mapping[str, Any], release: str | None
) -> None:
    """Copy or update outside of the project; nothing is trusted."""
    copier = copier_module()
    words = {
        "data": dict(data),
        "vcs_ref": release,
        "defaults": True,
        "overwrite": True,
        "quiet": True,
        "unsafe": False,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if what == "copy":
                copier.run_copy(source, folder, **words)
            else:
                copier.run_update(folder, **words)
        except Exception as problem:
            reason = " ".join(str(problem).split())  # git's are of several lines
            raise UpdateError(
                f"copier failed: {reason}; should {ANSWERS} be wrong, {RECOVER}"
            ) from problem


def render(answers: dict[str, Any], folder: Path) -> None:
    """Render the project's release as it was for its answers, under git."""
    data = {key: value for key, value in answers.items() if key[0] != "_" and key != "answered"}
    copier_run("copy", folder, source=answers["_src_path"], data=data, release=answers["_commit"])
    kept = {key: value for key, value in answers.items() if key != "answered"}
    if noted := answers.get("answered"):
        kept["answered"] = {key: answers.get(key, value) for key, value in noted.items()}
    (folder / ANSWERS).write_text(
        yaml.safe_dump(kept, allow_unicode=True, sort_keys=False), encoding="utf-8"
    )
    git("-C", str(folder), "init", "--quiet")
    commit(folder)


def commit(folder: Path) -> None:
    """Commit a render."""
    git("-C", str(folder), "add", "--all", "--force")
    git(
        "-C",
        str(folder),
        *BOT,
        "commit",
        "--quiet",
        "--allow-empty",
        "--no-verify",
        "--no-gpg-sign",
        "--message=Render",
    )


def rendered(
    scratch: Path, ours: Iterable[str], data: Mapping[str, str], release: str | None
) -> Release:
    """Render what is compared with the project."""
    answers, notes = read_answers(), []
    changed = by_hand(answers)
    if name := moved_package(answers, ours):
        notes.append(
            f"src/{answers['package_name']} is src/{name} now: {ANSWERS} says so from here on"
        )
        answers["package_name"] = name
        changed.pop("package_name", None)
    if changed:
        told = ", ".join(f"{key}={answers[key]}" for key in changed)
        notes.append(f"{told}: changed in {ANSWERS}, taken as if given by --data, the way to do it")
    before = answers | {key: answers["answered"][key] for key in changed}
    folder = scratch / "project"
    render(before, folder)
    trees = [stored(folder, scratch)]
    copier_run("update", folder, data={}, release=release)
    trees.append(stored(folder, scratch))
    if wanted := changed | dict(data):
        commit(folder)
        copier_run("update", folder, data=wanted, release=read_answers(folder)["_commit"])
        trees.append(stored(folder, scratch))
    after = read_answers(folder)
    for key, value in wanted.items():
        if str(after.get(key)) != str(value):
            raise UpdateError(f"{key}={value} is not taken: no question {key} is asked here")
    return Release(trees, before, after, notes)


# The work tree


def switch(tree: str, paths: Iterable[str]) -> None:
    """Bring files of a tree into index and work tree; `resume` ends what was killed."""
    journal = Path(git("rev-parse", "--git-path", "template-update").strip())
    head = git("rev-parse", "HEAD").strip()
    notes = json.dumps({"head": head, "tree": tree, "paths": sorted(paths)})
    part = journal.with_suffix(".part")
    part.write_text(notes, encoding="utf-8")
    part.replace(journal)
    finish(journal)


def resume() -> None:
    """End an update that was killed while it changed files."""
    journal = Path(git("rev-parse", "--git-path", "template-update").strip())
    if not journal.exists():
        return
    notes = json.loads(journal.read_text(encoding="utf-8"))
    if notes["head"] != git("rev-parse", "HEAD").strip():
        journal.unlink()
        return
    states = [
        set(names("diff", "--name-only", "-z", "--relative", tree))
        for tree in (notes["tree"], "HEAD")
    ]
    edited = [
        path
        for path in states[0] & states[1] & set(notes["paths"])
        if Path(path).exists() and Path(path).stat().st_size
    ]
    if edited:
        raise UpdateError(
            f"an update was interrupted, and {', '.join(edited)} edited since: "
            "`git reset --hard`, and run again"
        )
    finish(journal)
    raise UpdateError(
        "an update was interrupted and is complete now: "
        "look at `git diff --staged`, run nox, commit"
    )


def finish(journal: Path) -> None:
    """Change what the journal names: the answers last, then the index, in one step."""
    notes = json.loads(journal.read_text(encoding="utf-8"))
    index = Path(git("rev-parse", "--git-path", "index").strip())
    ours = journal.with_suffix(".index")
    journal.with_suffix(".index.lock").unlink(missing_ok=True)
    shutil.copyfile(index, ours)
    for paths in ([path for path in notes["paths"] if path != ANSWERS], [ANSWERS]):
        if paths:
            words = (
                "restore",
                f"--source={notes['tree']}",
                "--staged",
                "--worktree",
                "--pathspec-from-file=-",
                "--pathspec-file-nul",
            )
            git(*words, data="\0".join(paths), index=ours.resolve(), alone=True)
    ours.replace(index)
    journal.unlink()


def names(*words: str) -> list[str]:
    """List the paths that git prints with -z."""
    return list(filter(None, git(*words).split("\0")))


# The commands


@dataclass(frozen=True)
class Update:
    """A release, merged: the repository's tree, the files that change, what was kept."""

    release: Release
    tree: str
    changes: dict[str, tuple[str, str] | None]
    kept: list[Kept]
    replaced: list[Kept]


def merged(scratch: Path, data: Mapping[str, str], release: str | None) -> Update | None:
    """Merge the newest release and switched answers; None if there is nothing to do."""
    prefix = git("rev-parse", "--show-prefix").strip()
    ours = git("rev-parse", f"HEAD:{prefix}" if prefix else "HEAD^{tree}").strip()
    found = rendered(scratch, listed(ours), data, release)
    if (
        found.before["_commit"] == found.after["_commit"]
        and len(found.trees) == 2
        and not found.notes
    ):
        return None
    changes: dict[str, tuple[str, str] | None] = {}
    reports: list[list[Kept]] = [[], []]
    for place, (old, new) in enumerate(itertools.pairwise(found.trees)):
        trees = Trees(old, new, ours, Files(needed(new), switched=place == 1))
        trees.merge()
        changes |= trees.changes
        reports[place] = trees.files.kept
        ours = changed(scratch, ours, "", trees.changes)
    return Update(found, changed(scratch, "HEAD", prefix, changes), changes, *reports)


def changed(
    scratch: Path, tree: str, prefix: str, changes: Mapping[str, tuple[str, str] | None]
) -> str:
    """Write a tree with these files in place of others."""
    index = scratch / "changed.index"
    git("read-tree", tree, index=index)
    blank = "0" * len(git("rev-parse", tree).strip())
    lines = [
        f"{file[0]} {file[1]}\t{prefix}{path}" if file else f"0 {blank}\t{prefix}{path}"
        for path, file in changes.items()
    ]
    git(
        "update-index",
        "-z",
        "--index-info",
        data="".join(f"{line}\0" for line in lines),
        index=index,
    )
    return git("write-tree", index=index).strip()


def needed(tree: str) -> set[str]:
    """Name the distributions that the template's code imports."""
    found = set()
    for path, (_, blob) in listed(tree).items():
        if OWNED.fullmatch(path):
            for node in ast.walk(ast.parse(git("cat-file", "blob", blob))):
                modules = (
                    [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                )
                modules += (
                    [node.module or ""]
                    if isinstance(node, ast.ImportFrom) and not node.level
                    else []
                )
                found |= {str(canonicalize_name(module.partition(".")[0])) for module in modules}
    return found | ({"scikit-learn"} if "sklearn" in found else set())


def update(data: Mapping[str, str], release: str | None) -> None:
    """Update the work tree."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        done = merged(Path(scratch), data, release)
        if done is None:
            print(f"up to date: the template's newest release is {read_answers()['_commit']}")
            return
        switch(done.tree, done.changes)
    print(*told(done), sep="\n")
    print("updated: look at `git diff --staged`, run nox, commit; `git reset --hard` takes it back")
    print(f"for changes in files of your own: -- seeds {done.release.before['_commit']}")


def told(done: Update) -> list[str]:
    """Say in a line each what was kept and replaced."""
    lines = [f"note: {note}" for note in done.release.notes]
    lines += [f"kept yours: {kept}" for kept in done.kept]
    lines += [f"replaced by the answer: {kept}" for kept in done.replaced]
    return lines or ["Nothing of yours was in the way: can be merged unread."]


def details(done: Update, room: int) -> str:
    """Say it with both versions, for a pull request."""
    if not done.kept + done.replaced:
        return "\n".join(told(done))
    parts = [
        *done.release.notes,
        f"Kept as you have it: {len(done.kept)}."
        + (f" Replaced by an answer: {len(done.replaced)}." if done.replaced else ""),
    ]
    text = "\n\n".join(parts) + "\n\n<details>\n<summary>Both versions</summary>\n"
    left = 0
    for kept in done.kept + done.replaced:
        block = f"\n{kept.path}:{kept.line} {kept.what}".rstrip() + "\n\n"
        block += _fenced("yours", kept.ours) + _fenced("the template's", kept.theirs)
        if len(text) + len(block) > room:
            left += 1
        else:
            text += block
    return text + (f"\n{left} more: `nox -s update` lists them.\n" if left else "") + "\n</details>"


def _fenced(title: str, text: str) -> str:
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return f"{title}:\n\n{fence}text\n{text.rstrip()}\n{fence}\n"


def prepare(data: Mapping[str, str], release: str | None) -> tuple[str, str, str, str] | None:
    """Commit the update beside the current branch: name of a branch, commit, title and text."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        done = merged(Path(scratch), data, release)
        if done is None:
            print(f"up to date: the template's newest release is {read_answers()['_commit']}")
            return None
        before, after = done.release.before, done.release.after
        title = f"Update from the template, {before['_commit']} to {after['_commit']}"
        changes = news(before, after)
        body = details(done, LIMIT - len(changes)) + f"\n\n{changes}".rstrip()
        if files := write_seeds(Path(scratch) / "seeds", before, after):
            body += "\n\nAlso changed, but left alone here, are files of your own:\n\n- "
            body += "\n- ".join(files) + "\n\nTo take these changes too:\n\n"
            body += f"    nox -s update -- seeds {before['_commit']}\n    git apply -3 {PATCH}"
        bot = BOT if "CI" in os.environ else ()
        made = git(*bot, "commit-tree", done.tree, "-p", "HEAD", "-m", title, "-m", body).strip()
    print(*told(done), sep="\n")
    return f"template-{after['_commit']}", made, title, body.strip()


def news(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Give what the template's changelog says of the releases after one, up to the other."""
    source = after["_src_path"]
    for short, full in SHORT.items():
        source = full + source.removeprefix(short) if source.startswith(short) else source
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        git("clone", "--quiet", "--bare", source, folder)
        text = git("-C", folder, "show", f"{after['_commit']}:CHANGELOG.md", codes=(0, 128))
    known = re.escape(re.sub(r"^v|-.*", "", before["_commit"]))
    since = re.split(rf"(?m)^## \W*v?{known}\b", text)[0]
    found = re.search(r"(?ms)^## .*", since)
    return found[0].strip()[:30_000] if found else ""


def write_seeds(scratch: Path, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Write a patch of what another release changed in files that no update touches; name them."""
    scratch.mkdir(exist_ok=True)
    render(before, scratch / "old")
    copier_run("update", scratch / "old", data={}, release=after["_commit"])
    render(after, scratch / "new")
    old, new = stored(scratch / "old", scratch), stored(scratch / "new", scratch)
    files = names("diff-tree", "-r", "-z", "--name-only", "--diff-filter=A", old, new)
    edited = names("diff-tree", "-r", "-z", "--name-only", "--diff-filter=M", old, new)
    files += [
        name for name in edited if Path(name).is_file() and name != ANSWERS
    ]  # deleted ones stay deleted
    Path(PATCH).parent.mkdir(exist_ok=True)
    Path(PATCH).unlink(missing_ok=True)
    if files:
        below = git("rev-parse", "--show-prefix").strip()
        sides = (f"--src-prefix=a/{below}", f"--dst-prefix=b/{below}")
        how = ("--patch", "--full-index", "--binary", f"--output={Path(PATCH).resolve()}")
        top = git("rev-parse", "--show-toplevel").strip()
        git("-C", top, "diff-tree", *sides, *how, old, new, "--", *files)
    return sorted(files)


def propose(data: Mapping[str, str], release: str | None) -> None:
    """Push the update as a branch, and ask the host for a pull request."""
    made = prepare(data, release)
    if made is None:
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


def bundle(data: Mapping[str, str], release: str | None) -> None:
    """Write the update for a job that pushes it: a bundle, title and text in .nox/update."""
    folder = Path(".nox", "update")
    shutil.rmtree(folder, ignore_errors=True)
    made = prepare(data, release)
    if made is None:
        return
    branch, commit_, title, body = made
    folder.mkdir(parents=True)
    git("update-ref", f"refs/heads/{branch}", commit_)
    git("bundle", "create", "--quiet", str(folder / "bundle"), f"HEAD..refs/heads/{branch}")
    git("update-ref", "-d", f"refs/heads/{branch}")
    (folder / "title").write_text(title, encoding="utf-8")
    (folder / "body").write_text(body, encoding="utf-8")
    (folder / "branch").write_text(branch, encoding="utf-8")
    if "GITHUB_OUTPUT" in os.environ:
        with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
            file.write(f"branch={branch}\n")


FOLDER_OF = {
    "hatchling.build": "tool.hatch.build.targets.wheel.packages = ['src/{}']",
    "flit_core.buildapi": "tool.flit.module.name = '{}'",
    "uv_build": "tool.uv.build-backend.module-name = '{}'",
}
"""What tells a backend which package to pack; the others find it."""


def adopt(commit: str) -> None:
    """Put what pyproject.toml said in a commit before the template came into the template's."""
    path, package = Path("pyproject.toml"), read_answers()["package_name"]
    before, now = git("show", f"{commit}:./{path}"), path.read_text(encoding="utf-8")
    ours, theirs = tomllib.loads(before), tomllib.loads(now)
    if "project" not in ours:
        raise UpdateError(f"{path} of {commit} has no table [project]: copy its values by hand")
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
        print(f"kept yours: {'.'.join(keys)} = {_short(_spelt(own))}, not {_short(_spelt(new))}")


def seeds(release: str) -> None:
    """Write the patch of seeds."""
    answers = read_answers()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        files = write_seeds(Path(scratch), answers | {"_commit": release}, answers)
    take = f"`git apply -3 {PATCH}` brings {', '.join(files)}"
    print(take if files else f"no file of your own has changed since {release}")


def main(words: Sequence[str]) -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(
        prog="nox -s update --", description="Update from the template."
    )
    parser.add_argument(
        "command",
        nargs="*",
        help="propose: in a pull request; prepare: for one; seeds RELEASE: a patch; "
        "adopt COMMIT: take what pyproject.toml said there",
    )
    parser.add_argument(
        "--data", action="append", default=[], metavar="ANSWER=VALUE", help="switch an answer"
    )
    parser.add_argument("--release", help="which release, by default the newest")
    given = parser.parse_args(words)
    data = dict(entry.split("=", 1) for entry in given.data)
    resume()
    read_answers()
    if git("status", "--porcelain", "--", "."):
        raise UpdateError("some work is not committed: commit or stash it first")
    commands = {(): update, ("propose",): propose, ("prepare",): bundle}
    match tuple(given.command):
        case ("seeds", release):
            seeds(release)
        case ("adopt", commit_):
            adopt(commit_)
        case command if command in commands:
            commands[command](data, given.release)
        case command:
            raise UpdateError(
                "after -- comes nothing, propose, prepare, seeds RELEASE or adopt COMMIT; "
                f"got {list(command)}"
            )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UpdateError as problem:
        sys.exit(f"error: {problem}")
