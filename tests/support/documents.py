"""What the documents of this repository say, in a form that tests can compare; run it to write what is generated."""

from __future__ import annotations

import ast
import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import copier
import yaml
from combinations import combinations
from pictures import PICTURES
from questions import ASKED, ROOT, choices
from rendering import snapshot

__all__ = [
    "DECISIONS",
    "DOCUMENTS",
    "QUESTIONS",
    "blocks",
    "decisions_page",
    "links",
    "listed",
    "named_paths",
    "questions_page",
    "sessions",
]

_PAGES = [path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *_PAGES])
DECISIONS = ROOT / "docs" / "decisions" / "index.md"
QUESTIONS = ROOT / "docs" / "questions.md"

START = """\
# Questions

```console
copier copy gh:org/copier-datascience my-project
```

This command asks the questions below, in this order. `--data hosting=gitlab` answers one in advance, and `--defaults`
uses the defaults for the rest. The defaults shown here are for a folder called `my-project`. The questions with a fixed
list of answers give {count:,} combinations, and the tests build a wheel from each (`nox -s matrix`). An answer that
cannot work is refused; the message states the rule and gives an example.

This page is generated from copier.yml by `nox -s docs -- --write`.
"""


LIST = """\
# Decisions

The reasons for the design: context, decision and consequence of each, in at most 30 lines.

{rows}
```{{toctree}}
:hidden:
:glob:

0*
```
"""


def decisions_page() -> str:
    """Write docs/decisions/index.md from the titles of the decisions."""
    pages = sorted(DECISIONS.parent.glob("0*.md"))
    titles = {path.name: path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ") for path in pages}
    return LIST.format(rows="".join(f"- [{title}]({name})\n" for name, title in titles.items()))


def questions_page() -> str:
    """Write docs/questions.md from copier.yml and the answers of a default render."""
    defaults = _default_answers()
    page = START.format(count=len(combinations()))
    for group, keys in _groups().items():
        page += f"\n## {group}\n\n| key | question | answers | default |\n|---|---|---|---|\n"
        page += "".join(f"| {' | '.join(_row(key, defaults))} |\n" for key in keys)
    return page


def blocks(page: str) -> list[tuple[str, str]]:
    """Give the fenced blocks of a Markdown page: (language, text)."""
    return re.findall(r"^```(\S*)[^\n]*\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def links(page: str) -> list[str]:
    """Give the targets of the links that stay in the repository, without their anchors."""
    found = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", page, flags=re.DOTALL))
    return [path for target in found if ":" not in target and (path := target.partition("#")[0])]


def named_paths(page: str) -> list[str]:
    """Give what stands in backticks and looks like a path: it has a slash or the suffix of a file."""
    words = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", page, flags=re.DOTALL | re.MULTILINE))
    return [
        word for word in words if re.fullmatch(r"[\w.*-][\w.*/ {}-]*(/|\.(py|yml|toml|md|json|ipynb|jinja|csv))", word)
    ]


def listed(tree: str) -> Iterator[tuple[str, bool]]:
    """Read a tree block: (path below its first line, whether it is a folder that stands for all that is in it).

    A line is indented by two blanks for each folder it is in, holds one or more names, then two blanks and a remark.
    """
    lines = [line for line in tree.splitlines()[1:] if line.strip()]
    parents: list[str] = []
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        depth = _depth(line)
        parents = parents[: depth - 1]
        for name in re.split(r"\s{2,}", line.strip())[0].split():
            yield "/".join([*parents, name.rstrip("/")]), name.endswith("/") and _depth(after) <= depth
        parents.append(line.split()[0].rstrip("/"))


def sessions(noxfile: Path) -> set[str]:
    """Name the sessions of a noxfile without running it."""
    tree = ast.parse(noxfile.read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {node.name for node in functions if "nox.session" in "".join(map(ast.unparse, node.decorator_list))}


def _depth(line: str) -> int:
    return (len(line) - len(line.lstrip())) // 2


def _groups() -> dict[str, list[str]]:
    """Collect the asked keys under the headings of copier.yml: a comment of one word."""
    groups: dict[str, list[str]] = {}
    for line in (ROOT / "copier.yml").read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"# (\w+)", line):
            keys = groups.setdefault(heading[1], [])
        elif (key := line.partition(":")[0]) in ASKED:
            keys.append(key)
    return {group: keys for group, keys in groups.items() if keys}


def _row(key: str, defaults: dict[str, Any]) -> list[str]:
    """Fill a row of the table: key, question, answers, default."""
    question = ASKED[key]
    answers = ", ".join(f"`{choice}`" for choice in choices(key)) or f"text, e.g. `{question['placeholder']}`"
    if when := str(question.get("when", "")).strip("{} "):
        answers += f"; asked if `{when}`"
    default = defaults.get(key, "" if not choices(key) else question["default"])
    return [f"`{key}`", question["help"], answers, f"`{default}`" if default else "empty"]


def _default_answers() -> dict[str, Any]:
    """Render the template into a folder called my-project, and read back what it noted."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (nobody := folder / "settings.yml").write_text("{}\n")
        stack.enter_context(mock.patch.dict(os.environ, COPIER_SETTINGS_PATH=str(nobody)))
        stack.enter_context(warnings.catch_warnings(action="ignore"))  # copier has no earlier answers to read
        template = snapshot(folder / "template")
        project = folder / "my-project"
        copier.run_copy(str(template), project, defaults=True, quiet=True)
        answers: dict[str, Any] = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    return answers


if __name__ == "__main__":
    QUESTIONS.write_text(questions_page(), encoding="utf-8")
    DECISIONS.write_text(decisions_page(), encoding="utf-8")
    for name, draw in PICTURES.items():
        (ROOT / "docs" / name).write_text(draw(), encoding="utf-8")
