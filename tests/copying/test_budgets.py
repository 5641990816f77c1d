"""A lean project of each kind stays within its budget; the numbers may only sink (docs/decisions/0018)."""

import ast
import io
import tokenize
from collections.abc import Iterator, Mapping

import pytest
from questions import KINDS
from rendering import Renderer, contents

BUDGETS = {
    "model": {
        "files": 74,
        "lines of code in src": 3160,
        "lines of code in tests": 1150,
        "percent of the package in _internal": 49,
        "lines of the noxfile": 130,
        "lines of code in the longest function": 50,
        "modules with more than 150 lines of code": 6,
    },
    "etl": {
        "files": 92,
        "lines of code in src": 2900,
        "lines of code in tests": 1650,
        "percent of the package in _internal": 43,
        "lines of the noxfile": 130,
        "lines of code in the longest function": 50,
        "modules with more than 150 lines of code": 2,
    },
}
LONG = 150
QUIET = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
}  # fmt: skip


def code_lines(source: str) -> set[int]:
    """Give the numbers of the lines that hold code: no docstring, comment or blank."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {line for token in tokens if token.type not in QUIET for line in range(token.start[0], token.end[0] + 1)}
    return lines - {line for text in docstrings(source) for line in range(text.lineno, (text.end_lineno or 0) + 1)}


def docstrings(source: str) -> Iterator[ast.Expr]:
    """Give the texts that stand alone."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node


def functions(source: str) -> Iterator[int]:
    """Give the number of lines of code of each function."""
    lines = code_lines(source)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield len(lines & {*range(node.lineno, (node.end_lineno or 0) + 1)})


def weigh(files: Mapping[str, bytes]) -> dict[str, float]:
    """Count what the budget limits."""
    code = {path: data.decode() for path, data in files.items() if path.endswith(".py")}
    counts = {path: len(code_lines(text)) for path, text in code.items()}
    package = {path: count for path, count in counts.items() if path.startswith("src/")}
    internal = sum(count for path, count in package.items() if "/_internal/" in path)
    return {
        "files": len(files),
        "lines of code in src": sum(package.values()),
        "lines of code in tests": sum(count for path, count in counts.items() if path.startswith("tests/")),
        "percent of the package in _internal": 100 * internal / sum(package.values()),
        "lines of the noxfile": code["noxfile.py"].count("\n"),
        "lines of code in the longest function": max(n for path in package for n in functions(code[path])),
        "modules with more than 150 lines of code": sum(count > LONG for count in package.values()),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_default_render_is_within_its_budget(kind: str, renderer: Renderer) -> None:
    found = weigh(contents(renderer.render({"project_name": "Tide gauge", "pipeline": kind})))
    budget = BUDGETS[kind]
    assert {what: (found[what], limit) for what, limit in budget.items() if found[what] > limit} == {}


def test_lines_of_code_are_those_without_texts_comments_and_blanks() -> None:
    source = '"""Text.\n\nMore.\n"""\n\n# why\nX = """a\nb"""\n\n\n'
    source += 'def f():  # so\n    """Do."""\n    return (\n        X\n    )\n'
    assert len(code_lines(source)) == 6
    assert [*functions(source)] == [4]
