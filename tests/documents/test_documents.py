"""What the documents say is what there is: questions, tree, commands, paths, output."""

import ast
import itertools
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
from combinations import combinations
from documents import (
    DOCUMENTS,
    QUESTIONS,
    blocks,
    decisions_page,
    links,
    listed,
    named_paths,
    questions_page,
    sessions,
)
from jinja2 import Template
from pictures import PICTURES, modules
from projects import Project
from questions import ASKED, KINDS, ROOT, SETTINGS, SIZES
from rendering import Renderer, contents

README = (ROOT / "README.md").read_text(encoding="utf-8")
CHANGING = (ROOT / "docs" / "changing.md").read_text(encoding="utf-8")
TOUR = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
# As in this repository, whatever a fork's defaults are.
ANSWERS = {"project_name": "Documents", "package_name": "my_project", "hosting": "github", "docs": "sphinx"}


@pytest.fixture(scope="module")
def projects(renderer: Renderer) -> dict[str, Path]:
    """Give a project of each kind."""
    return {kind: renderer.render(ANSWERS | {"pipeline": kind}) for kind in KINDS}


@pytest.fixture
def default(projects: dict[str, Path]) -> Path:
    """Give the project that the README shows."""
    return projects[ASKED["pipeline"]["default"]]


@pytest.fixture(scope="module")
def full(renderer: Renderer) -> dict[str, Path]:
    """Render a project of each kind with all that there is."""
    return {kind: renderer.render(ANSWERS | {"pipeline": kind, "size": SIZES[-1]}) for kind in KINDS}


@pytest.fixture(params=KINDS)
def project(request: pytest.FixtureRequest, projects: dict[str, Path]) -> Path:
    """Give one of them."""
    return projects[request.param]


@contextmanager
def command_line(project: Path) -> Iterator[click.Group]:
    """Give the command line of a project; a command can be parsed without what it loads when it runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(project / "src")
        patch.setattr(sys, "dont_write_bytecode", True)
        yield import_module("my_project.cli")._group  # noqa: SLF001 - `main` would run it
        for name in [name for name in sys.modules if name.partition(".")[0] == "my_project"]:
            del sys.modules[name]


def read(paths: Sequence[Path]) -> dict[str, str]:
    """Read pages."""
    return {str(path): path.read_text(encoding="utf-8") for path in paths}


def pages(project: Path) -> dict[str, str]:
    """Read every page of a rendered project."""
    return read([*project.glob("*.md"), *project.glob("docs/*.md")])


def commands(page: str) -> list[list[str]]:
    """Give the commands of a page's console blocks, in words."""
    lines = [line for language, text in blocks(page) if language == "console" for line in text.splitlines()]
    return [shlex.split(part.removeprefix("uv run ")) for line in lines for part in line.split(" && ")]


def table(page: str) -> list[list[str]]:
    """Give the rows of a page's tables that begin with something in backticks, in cells."""
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| `")]


def test_questions_page_is_what_copier_yml_gives() -> None:
    assert QUESTIONS.read_text(encoding="utf-8") == questions_page(), "nox -s docs -- --write"


def test_decisions_page_lists_every_decision() -> None:
    page = (ROOT / "docs" / "decisions" / "index.md").read_text(encoding="utf-8")
    assert page == decisions_page(), "nox -s docs -- --write"


def test_readme_has_at_most_80_lines_and_begins_with_the_demo() -> None:
    assert len(README.splitlines()) <= 80
    assert blocks(README)[0] == ("console", 'python3 -m pip install "nox[uv]" && python3 -m nox -s demo\n')


def test_ci_runs_the_test_command_of_the_readme() -> None:
    [command] = [text.strip() for _, text in blocks(README) if text.rstrip().endswith("-m nox")]
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_readme_shows_the_tree_of_a_default_render(default: Path) -> None:
    [tree] = [text for _, text in blocks(README) if text.startswith("my-project/")]
    shown = list(listed(tree))
    files = set(contents(default))
    assert not [path for path, _ in shown if not (default / path).exists()]
    folders = tuple(f"{path}/" for path, whole in shown if whole)
    assert sorted(files - {path for path, _ in shown} - {file for file in files if file.startswith(folders)}) == []


def test_readme_counts_the_combinations() -> None:
    assert f" {len(combinations()):,} combinations" in README


def test_readme_and_index_lead_to_every_page() -> None:
    reached, left = set(), {ROOT / "README.md", ROOT / "docs" / "index.md"}
    while left:
        reached.add(page := left.pop())
        found = {(page.parent / link).resolve() for link in links(page.read_text(encoding="utf-8"))}
        left |= {path for path in found & {*DOCUMENTS} if path not in reached}
    assert [path for path in DOCUMENTS if path not in reached and path.name != "404.md"] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_relative_links_resolve(path: Path) -> None:
    assert [link for link in links(path.read_text(encoding="utf-8")) if not (path.parent / link).exists()] == []


def test_every_path_named_in_changing_exists() -> None:
    named = named_paths(CHANGING)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_path_named_in_the_tour_exists(full: dict[str, Path]) -> None:
    found = {path.name for project in full.values() for path in project.rglob("*")}
    named = [path for path in named_paths(TOUR) if path != "__pycache__/"]
    assert named
    there = [path for path in named if path in found or any((project / path).exists() for project in full.values())]
    assert named == there


def of_kind(page: str, kind: str) -> str:
    """Leave out the sections whose heading names another kind."""
    sections = re.split(r"(?m)^(?=#+ )", page)
    return "".join(
        text for text in sections if not {*re.findall(r"`(\w+)`", text.partition("\n")[0])} & {*KINDS} - {kind}
    )


@pytest.mark.parametrize("kind", KINDS)
def test_tour_says_what_each_module_loads(kind: str, full: dict[str, Path]) -> None:
    source = full[kind] / "src" / "my_project"
    rows = {row[0].strip("`"): row[-1] for row in table(of_kind(TOUR, kind))}
    assert rows == {name: ", ".join(sorted(loaded(source / f"{name}.py"))) for name in rows}
    stages = {path.stem for path in source.glob("*.py")} - {"__main__"}
    assert stages | {f"_internal/{path.stem}" for path in source.glob("_internal/[a-z]*.py")} <= set(rows)


def loaded(module: Path) -> set[str]:
    """Name the other distributions' packages that a module imports when it is imported."""
    names: set[str] = set()
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names)


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_drawn_from_the_code(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == PICTURES[name]()


def test_arrows_of_the_picture_point_down() -> None:
    found = modules()
    order = [*found]
    assert {"cli", "commands", "model", "io", "errors"} <= found.keys()
    assert [(name, other) for name in found for other in found[name] if order.index(other) < order.index(name)] == []


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_decision_is_short_and_says_context_decision_consequence(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 30
    assert re.findall(r"^(#+ .*)", text, re.MULTILINE)[1:] == ["## Context", "## Decision", "## Consequence"]
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)


def test_decisions_are_numbered_from_one() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_every_dependency_has_its_reason_and_one_bound(full: dict[str, Path]) -> None:
    pages = {path.stem[5:]: path.read_text(encoding="utf-8") for path in DECISIONS}
    needed: set[str] = set()
    extra: set[str] = set()
    for project in full.values():
        metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
        needed.update(metadata["project"]["dependencies"])
        extra.update(metadata["dependency-groups"]["engines"])
    names = {line: re.split("[<>=]", line)[0] for line in needed | extra}
    for name, wanted in {"dependencies": needed, "engines-group": extra - needed}.items():
        assert [row[0].strip("`") for row in table(pages[name])] == sorted(wanted, key=names.__getitem__)
    assert len({*names.values()}) == len(names)


def test_every_session_named_exists(project: Path) -> None:
    known = sessions(project / "noxfile.py")
    for path, page in pages(project).items():
        assert set(re.findall(r"nox -s ([a-z_]+)", page)) <= known, path
    for path, page in read(DOCUMENTS).items():  # this repository's pages are about both
        assert set(re.findall(r"nox -s ([a-z_]+)", page)) <= known | sessions(ROOT / "noxfile.py"), path


def test_scaling_page_tells_the_limits_of_the_engines(full: dict[str, Path]) -> None:
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    engines = next(iter(full.values())) / "src" / "my_project" / "_internal" / "engines"
    source = {name: (engines / f"{name}.py").read_text(encoding="utf-8") for name in ("dask", "spark")}
    [patience] = {*re.findall(r"(?m)^_PATIENCE = (\d+) ", "".join(source.values()))}
    [rows] = re.findall(r"(?m)^_ROWS = (\d+)_(\d+) ", source["dask"])
    assert f"no worker for {patience} seconds" in page
    assert f"at most {','.join(rows)} rows" in page


def shown(pages: dict[str, str]) -> list[list[str]]:
    """Give the commands of the project that pages show, without the program's name."""
    return [words[1:] for page in pages.values() for words in commands(page) if words[0] == "my-project"]


def test_every_command_shown_can_be_parsed(project: Path) -> None:
    assert shown(pages(project))
    assert refused(project, shown(pages(project))) == []


def test_every_command_that_this_repository_shows_can_be_parsed_by_a_kind(projects: dict[str, Path]) -> None:
    left = shown(read(DOCUMENTS)) + [words for project in projects.values() for words in shown(pages(project))]
    for project in projects.values():
        left = refused(project, left)
    assert left == []


def refused(project: Path, lines: list[list[str]]) -> list[list[str]]:
    """List the commands that a project's command line does not take."""
    found = []
    with command_line(project) as group:
        for words in lines:
            try:
                parse(group, words)
            except click.ClickException:
                found.append(words)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_message_after_the_copy_ends_with_the_first_command_of_the_readme(kind: str, projects: dict[str, Path]) -> None:
    known = {
        "project_name": "x",
        "distribution_name": "my-project",
        "pipeline": kind,
        "_copier_conf": {"dst_path": "x"},
    }
    message = Template(SETTINGS["_message_after_copy"]).render(known)
    readme = read([projects[kind] / "README.md"])
    assert shlex.split(message.splitlines()[-1]) == ["uv", "run", "my-project", *shown(readme)[0]]


def parse(command: click.Command, words: list[str]) -> None:
    """Hold words against a command's options without running it."""
    while isinstance(command, click.Group):
        if not words or words[0].startswith("-"):
            break
        _, found, words = command.resolve_command(click.Context(command), words)
        assert found is not None
        command = found
    try:
        command.make_context("", words)
    except click.exceptions.Exit:  # --help and --version
        return


def test_config_file_holds_every_setting(project: Path) -> None:
    files = (project / "src" / "my_project" / name for name in ("_internal/reading.py", "config.py"))
    nodes = (node for file in files for node in ast.parse(file.read_text(encoding="utf-8")).body)
    classes = [node for node in nodes if isinstance(node, ast.ClassDef) and node.name in ("Reading", "Settings")]
    fields = [node.target for found in classes for node in found.body if isinstance(node, ast.AnnAssign)]
    names = [field.id for field in fields if isinstance(field, ast.Name)]
    text = (project / "config.toml").read_text(encoding="utf-8")
    found = re.findall(r"^(?:# )?\[?(\w+)(?: = |\])|[eE]\.g\. (\w+) = ", text, re.MULTILINE)
    assert [*dict.fromkeys(filter(None, itertools.chain(*found)))] == names


def test_configure_page_shows_the_config_file(project: Path) -> None:
    page = (project / "docs" / "configure.md").read_text(encoding="utf-8")
    assert "{literalinclude} ../config.toml" in page


def test_reference_lists_every_public_module(project: Path) -> None:
    page = (project / "docs" / "reference.md").read_text(encoding="utf-8")
    public = {path.stem for path in (project / "src" / "my_project").glob("[a-z]*.py")} | {"plugins"}
    assert set(re.findall(r"automodule:: my_project\.(\w+)", page)) == public


@pytest.mark.parametrize("kind", KINDS)
def test_pages_of_a_project_start_with_a_command_and_hold_no_free_text(kind: str, renderer: Renderer) -> None:
    texts: dict[str, Any] = {"project_name": "[x](missing) {{ 7*7 }}", "description": "`y` [z](nowhere)"}
    docs = renderer.render(ANSWERS | texts | {"pipeline": kind}) / "docs"
    written = {path.name: path.read_text(encoding="utf-8") for path in docs.glob("*.md")}
    assert len(written) == 5
    for name, page in written.items():
        assert re.match(r"# [^\n]+\n\n```console\n", page), name
        assert not [text for text in texts.values() if text in page], name


@pytest.mark.projects
@pytest.mark.parametrize("kind", KINDS)
def test_every_page_of_a_project_starts_with_what_works_and_shows_what_it_prints(kind: str, renderer: Renderer) -> None:
    answers = ANSWERS | {"pipeline": kind}
    project = Project(renderer.render(answers), answers, f"{sys.version_info[0]}.{sys.version_info[1]}")
    project.nox("docs")
    built = project.folder / "docs" / "_build" / "reference.html"
    assert str(project.folder) not in built.read_text(encoding="utf-8")
    programs = Path(project.program("docs", "python")).parent
    printed = {}
    shown = {"README": README} if kind == ASKED["pipeline"]["default"] else {}
    for name in ("index", "use", "configure", "plugins", "reference"):
        shown[name] = (project.folder / "docs" / f"{name}.md").read_text(encoding="utf-8")
        first = next(text for language, text in blocks(shown[name]) if language == "console")
        lines = [line for line in first.splitlines() if "-m pip" not in line]
        printed[name] = project.run("sh", "-c", f"PATH={programs}:$PATH; " + " && ".join(lines))
    for name in {"README", "index"} & shown.keys():
        texts = [steady(text, project.folder) for language, text in blocks(shown[name]) if language == "text"]
        assert steady(printed["index"], project.folder) in texts


def steady(text: str, folder: Path) -> str:
    """Leave out how long something took, and where."""
    return re.sub(r"(?m)(?<= )\d+\.\d{1,2}(?= s$|$)", "0.00", text.replace(f"{folder}/", ""))
