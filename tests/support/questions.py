"""What the template asks, read from copier.yml so that no test lists it again."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined, Template

__all__ = [
    "ASKED",
    "CONFIG",
    "FOLDERS",
    "HIDDEN",
    "KINDS",
    "LOCKED",
    "ROOT",
    "SETTINGS",
    "SIZES",
    "check",
    "choices",
    "is_asked",
]

ROOT = Path(__file__).parents[2]
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
SETTINGS = {key: value for key, value in CONFIG.items() if key.startswith("_")}
HIDDEN = {key: value for key, value in CONFIG.items() if key not in SETTINGS and value.get("when") is False}
ASKED = {key: value for key, value in CONFIG.items() if key not in SETTINGS and key not in HIDDEN}

_jinja = Environment(undefined=StrictUndefined)  # noqa: S701 - no HTML


def choices(key: str) -> list[Any]:
    """Give the answers a closed question accepts; an empty list means free text."""
    if ASKED[key]["type"] == "bool":
        return [True, False]
    found = ASKED[key].get("choices", [])
    return list(found.values()) if isinstance(found, dict) else list(found)


FOLDERS = [f"{{{{ {key} }}}}" for key in HIDDEN if key.startswith("if_")]
"""The folders of the template whose files only one kind or size of project has."""

KINDS: list[str] = choices("pipeline")
"""What a project may be: each has a folder of its own in the template, and shares what is owned."""

SIZES: list[str] = choices("size")
"""How much is owned: the answer decides which owned files there are, never what is in one."""

LOCKED = [key for key, question in ASKED.items() if f"previous.{key}" in question.get("validator", "")]
"""What is fixed after the first copy."""


def is_asked(key: str, answers: Mapping[str, Any]) -> bool:
    """Say whether a question is asked after these answers to the questions above it."""
    when = ASKED[key].get("when", True)
    return when is True or _template(when).render(answers) == "True"


def check(answers: Mapping[str, Any]) -> None:
    """Refuse answers that copier would swallow in silence.

    Raises
    ------
    KeyError
        If a key is no question, or a question that these answers hide.
    """
    for key in answers:
        if key not in ASKED:
            msg = f"copier.yml does not ask {key!r}: it asks {', '.join(ASKED)}"
            raise KeyError(msg)
        if not is_asked(key, _closed_defaults() | dict(answers)):
            msg = f"{key!r} is hidden by the other answers: {dict(answers)}"
            raise KeyError(msg)


@cache
def _template(source: str) -> Template:
    return _jinja.from_string(source)


@cache
def _closed_defaults() -> dict[str, Any]:
    """Give the defaults of the closed questions: the only answers a `when` may read."""
    return {key: question["default"] for key, question in ASKED.items() if choices(key)}
