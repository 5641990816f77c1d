"""The template stays readable: little Jinja, flat, each condition in few places, no branch that nothing reaches."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from jinja2 import Environment, nodes
from questions import ASKED, CONFIG, FOLDERS, choices
from rendering import contents

BLOCK = re.compile(r"\{%.*?%\}", re.DOTALL)
OPENS, CLOSES = ("if", "for"), ("endif", "endfor")
QUESTION = re.compile(r"\{\{[^}]*\b(" + "|".join(CONFIG) + r")\b|\{%")


@pytest.fixture(scope="module")
def sources(template: Path) -> dict[str, str]:
    """Give the template's text files, by their path."""
    return {path: data.decode() for path, data in contents(template / "template").items()}


def rendered(sources: dict[str, str]) -> dict[str, str]:
    """Keep the files that copier renders; it copies the others as they are."""
    return {path: text for path, text in sources.items() if path.endswith(".jinja")}


def expressions(node: object, path: str = "copier.yml") -> Iterator[tuple[str, nodes.Node]]:
    """Parse every Jinja string of copier.yml."""
    if isinstance(node, str) and ("{{" in node or "{%" in node):
        yield path, Environment().parse(node)  # noqa: S701 - no HTML
    elif isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from expressions(value, f"{path}: {key}")


def dead(tree: nodes.Node) -> Iterator[str]:
    """Name the values that a question is compared with, or looked up by, and that are none of its choices."""
    for compare in tree.find_all(nodes.Compare):
        sides = [compare.expr, *(operand.expr for operand in compare.ops)]
        consts = [const for side in sides for const in (side, *side.find_all(nodes.Const))]
        yield from strangers(sides, consts)
    for item in tree.find_all(nodes.Getitem):
        if isinstance(item.node, nodes.Dict):
            yield from strangers([item.arg], [pair.key for pair in item.node.items])


def strangers(sides: Sequence[nodes.Node], values: Sequence[nodes.Node]) -> Iterator[str]:
    """Pair the questions among the sides with the constants that they never equal."""
    keys = [side.name for side in sides if isinstance(side, nodes.Name) and side.name in ASKED and choices(side.name)]
    consts = [value.value for value in values if isinstance(value, nodes.Const)]
    yield from (f"{key} is never {const!r}" for key in keys for const in consts if const not in choices(key))


def test_jinja_is_rare(sources: dict[str, str]) -> None:
    n_lines = sum(text.count("\n") for path, text in sources.items() if not path.endswith(".csv"))
    n_tags = sum(len(BLOCK.findall(text)) for text in rendered(sources).values())
    assert 100 * n_tags / n_lines <= 3


def test_tag_stands_alone_on_its_line(sources: dict[str, str]) -> None:
    for path, text in rendered(sources).items():
        lines = [line for line in text.splitlines() if "{%" in line or "%}" in line]
        assert [line for line in lines if not re.fullmatch(r" *\{% (?:(?!%\}).)* %\}", line)] == [], path
        assert not re.search(r"\{%-|-%\}|\{% *(?:raw|macro|set|import|include)\b|\{#", text), path


def test_no_tag_is_inside_another(sources: dict[str, str]) -> None:
    for path, text in rendered(sources).items():
        depth = 0
        for tag in BLOCK.findall(text):
            word = tag.split()[1]
            depth += (word in OPENS) - (word in CLOSES)
            assert depth <= 1, f"{path}: {tag} is inside another"


def test_no_condition_is_met_more_than_three_times(sources: dict[str, str]) -> None:
    trees = [Environment().parse(text) for text in rendered(sources).values()]  # noqa: S701 - no HTML
    blocks: list[nodes.Node] = [node.test for tree in trees for node in tree.find_all(nodes.If)]
    inline: list[nodes.Node] = [node.test for tree in trees for node in tree.find_all(nodes.CondExpr)]
    met = Counter(map(repr, blocks + inline))
    assert [test for test, times in met.items() if times > 3] == []


def test_no_value_is_compared_that_is_no_choice(sources: dict[str, str]) -> None:
    trees = [(path, Environment().parse(text)) for path, text in rendered(sources).items()]  # noqa: S701 - no HTML
    assert [(path, value) for path, tree in (*trees, *expressions(CONFIG)) for value in dead(tree)] == []


@pytest.mark.parametrize(
    "source",
    [
        "{% if docs == 'mkdocs' %}x{% endif %}",
        "{{ 'x' if build_backend in ['hatchling', 'flit'] else '' }}",
        "{{ {'pypi': 1, 'conda': 2}[publish] }}",
    ],
)
def test_dead_value_would_be_seen(source: str) -> None:
    assert list(dead(Environment().parse(source)))  # noqa: S701 - no HTML


def test_file_names_hold_no_condition(sources: dict[str, str]) -> None:
    names = {part for path in sources for part in path.split("/")[1:] if "{" in part}
    assert names == {"{{ package_name }}"}
    top = {path.split("/")[0] for path in sources if path[0] == "{"}
    assert top == {"{{ _copier_conf.answers_file }}.jinja", *FOLDERS}


def test_kinds_and_sizes_have_their_own_files_in_their_folder_alone(sources: dict[str, str]) -> None:
    shared = {path for path in sources if path[:5] != "{{ if"}
    for folder in FOLDERS:
        own = {path.removeprefix(f"{folder}/") for path in sources if path.startswith(f"{folder}/")}
        assert own
        assert own & shared == set()


def test_suffix_says_whether_something_is_substituted(sources: dict[str, str]) -> None:
    assert [path for path, text in rendered(sources).items() if not re.search(r"\{\{|\{%", text)] == []
    assert [path for path in sources.keys() - rendered(sources).keys() if QUESTION.search(sources[path])] == []


def test_package_is_plain_python(sources: dict[str, str]) -> None:
    package = [path for path in sources if "/src/{{ package_name }}/" in f"/{path}"]
    assert {path.partition("src/")[0] for path in package} == {"", *(f"{folder}/" for folder in FOLDERS)}
    assert [path for path in package if path.endswith(".jinja")] == []
