"""The template's own code (`_internal`, `cli`, `errors`, `testing`) keeps what `tests/owned` says of it, in renders.

A project does not carry these tests. They run in each kind and size, with every engine installed, under the shortest
and the longest name of a package; on the oldest and the newest Python, with --long on each. Without --long the larger
size runs those that the smaller has no use for, and Spark is started for one kind.
"""

import ast
import itertools
import os
import re
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from classes import is_seed
from interpreters import VERSIONS, find
from projects import Project
from questions import FOLDERS, KINDS, ROOT, SIZES
from rendering import Renderer
from samples import cases, long

pytestmark = pytest.mark.projects

OWNED = ROOT / "tests" / "owned"
NAMES = ["t", "a" * 40]
FOUND = [version for version in VERSIONS if find(version)]
Case = tuple[str, str, str, str]  # kind, size, package, Python
QUICK: list[Case] = [
    (kind, size, *pair)
    for (kind, size), pair in zip(
        itertools.product(KINDS, SIZES),
        itertools.cycle([(NAMES[0], FOUND[0]), (NAMES[1], FOUND[-1]), (NAMES[1], FOUND[0]), (NAMES[0], FOUND[-1])]),
        strict=False,
    )
]


def every() -> list[Case]:
    """Give each kind, size and name on each Python."""
    return [*itertools.product(KINDS, SIZES, NAMES, FOUND)]


def needed(test: Path) -> Iterator[tuple[str, ...]]:
    """Give the modules of the package that a test imports at its top, or is skipped without, by their path."""
    text = test.read_text(encoding="utf-8")
    yield from (tuple(name.split(".")) for name in re.findall(r'importorskip\("([\w.]+)"\)', text))
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((*node.module.split("."), name.name) for name in node.names)
        elif isinstance(node, ast.Import):
            yield from ((*name.name.split("."),) for name in node.names)


def fits(test: Path, project: Project) -> bool:
    """Say whether a project has what a test is for: by its folder, if that is a kind, and by what it imports."""
    package = project.folder / "src" / project.answers["package_name"]
    if test.relative_to(OWNED).parts[0] in {*KINDS} - {project.answers["pipeline"]}:
        return False
    return all(  # the last part may be a name in a module
        package.joinpath(*path[1:]).with_suffix(".py").is_file()
        or package.joinpath(*path[1:]).is_dir()
        or package.joinpath(*path[1:-1]).with_suffix(".py").is_file()
        for path in needed(test)
        if path[0] == "my_project"
    )


def put(project: Project, tests: Path) -> list[Path]:
    """Copy the tests that fit a project into a folder of it, under its own name; give those that were copied."""
    name = project.answers["package_name"]
    copied = [path for path in sorted(OWNED.rglob("*.py")) if fits(path, project)]
    for path in copied:
        text = path.read_text(encoding="utf-8")
        for old, new in {"my_project": name, "my-project": name, "MY_PROJECT": name.upper()}.items():
            text = text.replace(old, new)
        (target := tests / path.relative_to(OWNED)).parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return copied


def program(environment: str) -> str:
    """Give the Python of an environment."""
    return str(Path(environment, "bin" if os.name == "posix" else "Scripts", "python"))


def render(renderer: Renderer, kind: str, size: str, name: str, version: str) -> Project:
    """Make a project."""
    answers = {"package_name": name, "pipeline": kind, "size": size, "hosting": "none"}
    return Project(renderer.render(answers), answers, version)


@pytest.fixture(scope="module")
def environment(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Give an environment for each Python, with all that any project and its tests need."""
    folder = tmp_path_factory.mktemp("environments")

    @cache
    def make(version: str) -> str:
        target = str(folder / version)
        for kind in KINDS:
            project = render(renderer, kind, SIZES[-1], NAMES[0], version)
            if not Path(target).exists():
                project.run("uv", "venv", "--quiet", "--python", str(find(version)), target)
            words = ["--requirements", "pyproject.toml", "--group", "test", "--group", "engines"]
            words += ["hypothesis", "moto[server]", "pytest-timeout"]  # what the tests of owned code need beside
            project.run("uv", "pip", "install", "--quiet", "--python", target, *words)
        return target

    yield make
    shutil.rmtree(folder)


@pytest.mark.parametrize("case", cases(QUICK, every, "-".join))
def test_owned_code_passes_its_tests(case: Case, renderer: Renderer, environment: Callable[[str], str]) -> None:
    project = render(renderer, *case)
    python = environment(project.version)
    project.run("uv", "pip", "install", "--quiet", "--no-deps", "--python", python, "--editable", ".")
    tests = put(project, project.folder / "tests" / "owned")
    if case[1] != SIZES[0] and not long():  # the files of both sizes are the same, and were tested in the smaller
        lean = render(renderer, case[0], SIZES[0], case[2], case[3])
        tests = [path for path in tests if not fits(path, lean)]
    files = [str(Path("tests", "owned", path.relative_to(OWNED))) for path in tests]
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=300", *files]
    words += ["-k", "not spark"] if case[0] != KINDS[0] and not long() else []  # which takes minutes
    try:
        said = project.run(program(python), *words)
    finally:
        project.run("uv", "pip", "uninstall", "--quiet", "--python", python, project.answers["package_name"])
    assert re.search(r"\b\d{2,} passed", said), said


MODULES = [  # without engines and sources, a project starts
    (kind, module)
    for kind, folder in [(KINDS[0], ""), *((folder[6:-3], f"{folder}/") for folder in FOLDERS)]
    for package in [ROOT / "template" / f"{folder}src" / "{{ package_name }}"]
    for module in sorted(path.relative_to(package).as_posix() for path in package.rglob("*.py"))
    if not is_seed(f"src/t/{module}") and not module.endswith("__init__.py")
]


@pytest.mark.parametrize("case", cases(MODULES[:1], lambda: MODULES, "-".join))
def test_owned_module_that_does_nothing_fails_its_tests(
    case: tuple[str, str], renderer: Renderer, environment: Callable[[str], str]
) -> None:
    kind = case[0] if case[0] in KINDS else KINDS[0]
    project = render(renderer, kind, SIZES[-1], NAMES[0], FOUND[0])
    python = environment(project.version)
    project.run("uv", "pip", "install", "--quiet", "--no-deps", "--python", python, "--editable", ".")
    tests = put(project, project.folder / "tests" / "owned")
    likely = (f"test_{Path(case[1]).stem}.py", "test_cli.py")
    files = [str(Path("tests", "owned", path.relative_to(OWNED))) for path in tests]
    files.sort(key=lambda name: not name.endswith(likely))
    (project.folder / "src" / NAMES[0] / case[1]).write_text('raise NotImplementedError("gutted")\n', encoding="utf-8")
    words = [program(python), "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *files]
    try:
        with pytest.raises(AssertionError, match="gutted"):
            project.run(*words)
    finally:
        project.run("uv", "pip", "uninstall", "--quiet", "--python", python, project.answers["package_name"])


def test_every_test_of_owned_code_has_a_project_that_it_fits(renderer: Renderer) -> None:
    left = {*OWNED.rglob("*.py")}
    for kind, size in itertools.product(KINDS, SIZES):
        project = render(renderer, kind, size, "my_project", FOUND[0])
        left -= {path for path in left if fits(path, project)}
    assert left == set()
