"""What is wrong with the looks of a rendered file, whatever it is for."""

import ast
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import PurePosixPath
from typing import Any

import yaml
from classes import classes

__all__ = ["PARSERS", "complaints"]

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PARSERS: dict[str, Callable[[str], object]] = {
    ".toml": tomllib.loads,
    ".yml": lambda text: yaml.load(text, _Loader),  # noqa: S506 - a safe loader, in C where there is one
    ".json": json.loads,
    ".ipynb": json.loads,
    ".py": ast.parse,
}
PARSERS |= {".yaml": PARSERS[".yml"], ".cff": PARSERS[".yml"]}

LOOKS = {
    "a trailing blank": r"[ \t]$",
    "a tab": r"\t",
    "a carriage return": r"\r",
    "a placeholder": r"(?i)\b(?:todo|fixme|tbd|changeme|lorem ipsum)\b|\bXXX\b",
}
DOUBLE_BLANK = "\n\n\n"
JINJA = re.compile(r"(?<!\$)\{\{|\{%|\{#")


def _unclassed(path: str) -> list[str]:
    """Ask for exactly one class in copier.yml, and for files in each folder."""
    if path.endswith("/"):
        return ["is an empty folder"]
    found = classes(path)
    return [] if len(found) == 1 else [f"is in {' and '.join(found) or 'no class'} of copier.yml"]


def complaints(files: Mapping[str, bytes], answers: Mapping[str, Any]) -> list[str]:
    """List what is wrong, each with its path; an answer may hold anything, so the answers are no leftover Jinja."""
    return [
        f"{path}: {problem}"
        for path, data in files.items()
        for problem in (*_problems(PurePosixPath(path), data), *_unclassed(path), *_leftovers(path, data, answers))
    ]


@cache
def _problems(path: PurePosixPath, data: bytes) -> tuple[str, ...]:
    """Look at one file; most are the same in hundreds of renders."""
    try:
        text = data.decode()
        PARSERS.get(path.suffix, str)(text)
    except (ValueError, SyntaxError, yaml.YAMLError) as error:
        return (f"is no valid {path.suffix[1:] or 'UTF-8'}: {error}",)
    found = [name for name, pattern in LOOKS.items() if re.search(pattern, text, re.MULTILINE)]
    if path.suffix != ".py" and DOUBLE_BLANK in text:
        found.append("a double blank line")
    if text and (not text.endswith("\n") or text.endswith("\n\n") or text.startswith("\n")):
        found.append("not exactly one line break at the end, none at the start")
    return tuple(found)


def _leftovers(path: str, data: bytes, answers: Mapping[str, Any]) -> list[str]:
    if b"{" not in data or path.endswith(".py"):  # Python has braces of its own; test_layout looks at those
        return []
    text = data.decode(errors="replace")
    for answer in sorted(map(str, filter(None, answers.values())), key=len, reverse=True):
        for form in (answer, json.dumps(answer, ensure_ascii=False)[1:-1], answer.replace("'", "''")):
            text = text.replace(form, "")
    return [f"leftover Jinja {found!r}" for found in JINJA.findall(text)]
