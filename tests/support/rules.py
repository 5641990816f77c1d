"""What a release must not do to the projects of an earlier one, as rules that list what breaks them.

A rule looks at a copier.yml, or at an older and a newer one; those that take a render are in `defaults`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, nodes
from releases import git

__all__ = ["ALONE", "PAIRED", "Config", "asked", "carriers", "configs", "new_choices", "values"]

Config = Mapping[str, Any]
JUNK = {"__pycache__", ".*_cache"}  # left out at any depth

_jinja = Environment()  # noqa: S701 - no HTML


def configs(repository: Path, releases: Mapping[str, str]) -> dict[str, Config]:
    """Read the copier.yml of each release."""
    texts = {tag: git("show", f"{commit}:copier.yml", folder=repository) for tag, commit in releases.items()}
    return {tag: yaml.safe_load(text) for tag, text in texts.items()}


def asked(config: Config) -> dict[str, Any]:
    """Give the questions whose answers a project keeps."""
    return {key: value for key, value in config.items() if key[0] != "_" and value.get("when") is not False}


def values(question: Mapping[str, Any]) -> list[Any]:
    """Give the answers a closed question accepts; an empty list means free text."""
    choices = [True, False] if question["type"] == "bool" else question.get("choices", [])
    return list(choices.values() if isinstance(choices, dict) else choices)


def carriers(old: Config, new: Config, key: str) -> list[str]:
    """Name the new questions whose default takes the answer of an old one."""
    added = {name: question for name, question in asked(new).items() if name not in old}
    return [name for name, question in added.items() if key in _names(question.get("default"))]


def new_choices(old: Config, new: Config) -> dict[str, list[Any]]:
    """Give the choices that an asked question did not have before."""
    both = {key: question for key, question in asked(new).items() if key in asked(old)}
    added = {key: [value for value in values(both[key]) if value not in values(asked(old)[key])] for key in both}
    return {key: found for key, found in added.items() if found}


# One copier.yml


def trust(config: Config) -> list[str]:
    """Nothing makes copier ask for --trust."""
    return [f"{key} needs --trust" for key in ("_tasks", "_migrations", "_jinja_extensions") if key in config]


def kinds(config: Config) -> list[str]:
    """No question is secret (its answer is lost) or takes several choices (one that goes resets all)."""
    found = [f"{key} is {kind}" for key in asked(config) for kind in ("multiselect", "secret") if kind in config[key]]
    return found + ["_secret_questions are not stored" for key in config if key == "_secret_questions"]


def plain_choices(config: Config) -> list[str]:
    """Choices stand in copier.yml, so that releases can be compared."""
    return [
        f"{key} computes or nests its choices"
        for key, question in asked(config).items()
        if isinstance(question.get("choices"), str) or any(isinstance(value, list | dict) for value in values(question))
    ]


def own_defaults(config: Config) -> list[str]:
    """Every asked question has a default, which is one of its choices."""
    bare = [f"{key} has no default" for key, question in asked(config).items() if "default" not in question]
    closed = {key: question for key, question in asked(config).items() if values(question) and "default" in question}
    return bare + [
        f"the default of {key}, {question['default']!r}, is none of its choices"
        for key, question in closed.items()
        if question["default"] not in values(question) and "{" not in str(question["default"])
    ]


def anchors(config: Config) -> list[str]:
    """Entries of the file lists start at the project's root and name folders without a slash at the end."""
    found = []
    for name in ("_exclude", "_skip_if_exists"):
        for entry in config.get(name, []):
            starts = [line for start in _starts(_jinja.parse(entry).body) for line in start.splitlines()]
            found += [f"{name}: {entry!r} is not anchored" for start in starts if not _anchored(start)]
            found += [f"{name}: {entry!r} ends in a slash" for start in starts if start.endswith("/")]
    return found


def literal_skips(config: Config) -> list[str]:
    """_skip_if_exists holds no template: those stop working once a file was deleted."""
    return [f"_skip_if_exists: {entry!r} is a template" for entry in config.get("_skip_if_exists", []) if "{" in entry]


# An older and a newer one


def lost_choices(old: Config, new: Config) -> list[str]:
    """No released choice goes, and no free text becomes closed: the stored answer would turn into the default."""
    found = []
    for key, question in asked(old).items():
        for name in [key] if key in asked(new) else carriers(old, new, key):
            later = asked(new)[name]
            if question["type"] != later["type"] or (values(later) and not values(question)):
                found.append(f"{name} takes other answers than {key} did")
            elif values(later):
                found += [f"{name} has lost {value!r}" for value in values(question) if value not in values(later)]
    return found


def lost_questions(old: Config, new: Config) -> list[str]:
    """No question goes or is hidden, unless a new one takes its answer."""
    gone = [key for key in asked(old) if key not in asked(new)]
    return [f"{key} is gone, and no new question takes its answer" for key in gone if not carriers(old, new, key)] + [
        f"{key} is hidden now: what was answered is dropped" for key in gone if key in new
    ]


ALONE: dict[str, Callable[[Config], list[str]]] = {
    rule.__name__: rule for rule in (trust, kinds, plain_choices, own_defaults, anchors, literal_skips)
}
PAIRED: dict[str, Callable[[Config, Config], list[str]]] = {
    rule.__name__: rule for rule in (lost_choices, lost_questions)
}


def _names(default: object) -> set[str]:
    """Name what a default is computed from."""
    tree = _jinja.parse(str(default))
    return {node.name for node in tree.find_all(nodes.Name)} | {node.attr for node in tree.find_all(nodes.Getattr)}


def _anchored(start: str) -> bool:
    return start.startswith(("/", "!/")) or start in JUNK


def _starts(body: Sequence[nodes.Node]) -> Iterator[str]:
    """Give how the text of an entry can start; what cannot be told starts with "?"."""
    match body[:1]:
        case []:
            yield ""
        case [nodes.TemplateData(data=text)] | [nodes.Const(value=text)]:
            yield text
        case [nodes.Output(nodes=parts)]:
            yield from _starts(parts)
        case [nodes.CondExpr(expr1=yes, expr2=no)]:
            yield from (*_starts([yes]), *_starts([no] if no else []))
        case [nodes.If(body=yes, elif_=more, else_=no)]:
            yield from (*_starts(yes), *_starts(more), *_starts(no))
        case _:
            yield "?"
