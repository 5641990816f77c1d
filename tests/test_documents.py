"""What the documents say is what there is: questions, tree, commands, paths, output."""

import ast
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
from combinations import combinations
from documents import DOCUMENTS, QUESTIONS, blocks, links, listed, named_paths, questions_page, sessions
from projects import Project
from questions import ROOT
from rendering import Renderer, contents

README = (ROOT / "README.md").read_text(encoding="utf-8")
CHANGING = (ROOT / "docs" / "changing.md").read_text(encoding="utf-8")
TOUR = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
DECISIONS = sorted((ROOT / "docs" / "decisions").iterdir())
SRC = ROOT / "template" / "src" / "{{ package_name }}"
# As in this repository, whatever a fork's defaults are.
ANSWERS = {"project_name": "Documents", "package_name": "my_project", "hosting": "github", "docs": "sphinx"}


@pytest.fixture(scope="module")
def project(renderer: Renderer) -> Path:
    """Give the project that the README and the tour show."""
    return renderer.render(ANSWERS)


@pytest.fixture
def group(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[click.Group]:
    """Give the command line of the project; a command can be parsed without what it loads when it runs."""
    monkeypatch.syspath_prepend(project / "src")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield import_module("my_project.cli")._group  # noqa: SLF001 - `main` would run it
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_project"]:
        del sys.modules[name]


def pages(project: Path) -> dict[str, str]:
    """Read every page that shows commands: of this repository and of a rendered project."""
    rendered = [*project.glob("*.md"), *project.glob("docs/*.md")]
    return {str(path): path.read_text(encoding="utf-8") for path in [*DOCUMENTS, *rendered]}


def commands(page: str) -> list[list[str]]:
    """Give the commands of a page's console blocks, in words."""
    lines = [line for language, text in blocks(page) if language == "console" for line in text.splitlines()]
    return [shlex.split(part) for line in lines for part in line.split(" && ")]


def table(page: str) -> list[list[str]]:
    """Give the rows of a page's tables that begin with something in backticks, in cells."""
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| `")]


def test_questions_page_is_what_copier_yml_gives() -> None:
    assert QUESTIONS.read_text(encoding="utf-8") == questions_page(), "nox -s docs -- --write"


def test_readme_has_at_most_80_lines_and_begins_with_the_demo() -> None:
    assert len(README.splitlines()) <= 80
    assert blocks(README)[0] == ("console", 'python3 -m pip install "nox[uv]" && python3 -m nox -s demo\n')


def test_ci_runs_the_test_command_of_the_readme() -> None:
    [command] = [text.strip() for _, text in blocks(README) if text.rstrip().endswith("-m nox")]
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_readme_shows_the_tree_of_a_default_render(project: Path) -> None:
    [tree] = [text for _, text in blocks(README) if text.startswith("my-project/")]
    shown = list(listed(tree))
    files = set(contents(project))
    assert not [path for path, _ in shown if not (project / path).exists()]
    folders = tuple(f"{path}/" for path, whole in shown if whole)
    assert sorted(files - {path for path, _ in shown} - {file for file in files if file.startswith(folders)}) == []


def test_readme_counts_the_combinations() -> None:
    assert f" {len(combinations()):,} combinations" in README


def test_readme_and_index_lead_to_every_page() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    reached = {(ROOT / "docs" / link).resolve() for link in links(index)} | {ROOT / link for link in links(README)}
    assert [path for path in DOCUMENTS if path not in reached | {ROOT / "README.md"}] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_relative_links_resolve(path: Path) -> None:
    assert [link for link in links(path.read_text(encoding="utf-8")) if not (path.parent / link).exists()] == []


def test_every_path_named_in_changing_exists() -> None:
    named = named_paths(CHANGING)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_path_named_in_the_tour_exists(project: Path) -> None:
    found = {path.name for path in project.rglob("*")}
    named = [path for path in named_paths(TOUR) if path != "__pycache__/"]
    assert named
    assert [path for path in named if not ((project / path).exists() or path in found)] == []


def test_tour_says_what_each_module_loads() -> None:
    rows = {row[0].strip("`"): row[-1] for row in table(TOUR)}
    assert rows == {name: ", ".join(sorted(loaded(SRC / f"{name}.py"))) for name in rows}
    stages = {path.stem for path in SRC.glob("*.py")} - {"__main__"}
    assert stages | {f"_internal/{path.stem}" for path in SRC.glob("_internal/[a-z]*.py")} <= set(rows)


def loaded(module: Path) -> set[str]:
    """Name the other distributions' packages that a module imports when it is imported."""
    names: set[str] = set()
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names)


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_decision_is_short_and_says_context_decision_consequence(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 30
    assert re.findall(r"^(#+ .*)", text, re.MULTILINE)[1:] == ["## Context", "## Decision", "## Consequence"]
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)


def test_decisions_are_numbered_from_one() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_every_dependency_has_its_reason(project: Path) -> None:
    [page] = [path.read_text(encoding="utf-8") for path in DECISIONS if path.stem.endswith("-dependencies")]
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [row[0].strip("`") for row in table(page)] == metadata["dependencies"]


def test_every_session_named_exists(project: Path) -> None:
    for path, page in pages(project).items():
        known = sessions(project / "noxfile.py")
        if not path.startswith(str(project)):  # this repository's pages are about both
            known |= sessions(ROOT / "noxfile.py")
        assert set(re.findall(r"nox -s ([a-z_]+)", page)) <= known, path


def test_every_command_shown_can_be_parsed(project: Path, group: click.Group) -> None:
    shown = [words for page in pages(project).values() for words in commands(page) if words[0] == "my-project"]
    assert shown
    for words in shown:
        parse(group, words[1:])


def parse(command: click.Command, words: list[str]) -> None:
    """Hold words against a command's options without running it."""
    while isinstance(command, click.Group):
        if words[0].startswith("-"):
            break
        _, found, words = command.resolve_command(click.Context(command), words)
        assert found is not None
        command = found
    try:
        command.make_context("", words)
    except click.exceptions.Exit:  # --help and --version
        return


def test_config_file_holds_every_setting(project: Path) -> None:
    [settings] = [
        node
        for node in ast.parse((SRC / "config.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name == "Settings"
    ]
    fields = [node.target for node in settings.body if isinstance(node, ast.AnnAssign)]
    names = [field.id for field in fields if isinstance(field, ast.Name)]
    text = (project / "config.toml").read_text(encoding="utf-8")
    assert re.findall(r"(?:^# |e\.g\. )(\w+) = ", text, re.MULTILINE) == names


def test_configure_page_shows_the_config_file(project: Path) -> None:
    page = (project / "docs" / "configure.md").read_text(encoding="utf-8")
    assert "{literalinclude} ../config.toml" in page


def test_reference_lists_every_public_module(project: Path) -> None:
    page = (project / "docs" / "reference.md").read_text(encoding="utf-8")
    public = {path.stem for path in SRC.glob("[a-z]*.py")} | {"plugins"}
    assert set(re.findall(r"automodule:: my_project\.(\w+)", page)) == public


def test_pages_of_a_project_start_with_a_command_and_hold_no_free_text(renderer: Renderer) -> None:
    texts: dict[str, Any] = {"project_name": "[x](missing) {{ 7*7 }}", "description": "`y` [z](nowhere)"}
    docs = renderer.render(ANSWERS | texts) / "docs"
    written = {path.name: path.read_text(encoding="utf-8") for path in docs.glob("*.md")}
    assert len(written) == 5
    for name, page in written.items():
        assert re.match(r"# [^\n]+\n\n```console\n", page), name
        assert not [text for text in texts.values() if text in page], name


@pytest.mark.projects
def test_every_page_of_a_project_starts_with_what_works_and_shows_what_it_prints(renderer: Renderer) -> None:
    project = Project(renderer.render(ANSWERS), ANSWERS, f"{sys.version_info[0]}.{sys.version_info[1]}")
    project.nox("docs")
    built = project.folder / "docs" / "_build" / "reference.html"
    assert str(project.folder) not in built.read_text(encoding="utf-8")
    [programs] = project.folder.glob(".nox/docs*/bin")
    printed, shown = {}, {"README": README}
    for name in ("index", "use", "configure", "plugins", "reference"):
        shown[name] = (project.folder / "docs" / f"{name}.md").read_text(encoding="utf-8")
        first = next(text for language, text in blocks(shown[name]) if language == "console")
        lines = [line for line in first.splitlines() if "-m pip" not in line]
        printed[name] = project.run("sh", "-c", f"PATH={programs}:$PATH; " + " && ".join(lines))
    for name in ("README", "index"):
        assert printed["index"] in [text for language, text in blocks(shown[name]) if language == "text"]
