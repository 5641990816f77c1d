"""Every check that a project brings is seen to fail: a violation is planted, and the check must name it."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from operator import itemgetter
from pathlib import Path

import pytest
from classes import is_seed
from projects import Project, failing_reviews
from questions import ASKED, KINDS, ROOT
from rendering import Renderer
from samples import long, one_each

pytestmark = pytest.mark.projects

ANSWERS = {
    "package_name": "tides",
    "user_name": "Ada",
    "user_email": "ada@example.org",
    "github_user": "ada",
    "description": "Predicts the tide",
}
SRC = "src/tides"
# (session and what goes to it, file, what is put at its end, what the check says)
PLANTED = {
    "unused import": ("lint", f"{SRC}/model.py", "import json\n", "F401"),
    "untidy format": ("lint", f"{SRC}/errors.py", "x = {  'a':1 }\n", "reformatted"),
    "spelling": ("lint", "README.md", "Train teh model.\n", "teh ==> the"),
    "arrow backwards": (
        "lint",
        f"{SRC}/features.py",
        "\n\nfrom . import model as _model  # noqa: E402, F401\n",
        "tides.features is not allowed to import tides.model",
    ),
    "plugins that know a stage": (
        "lint",
        f"{SRC}/plugins/__init__.py",
        "from .. import io as _io  # noqa: E402, F401\n",
        "plugins",
    ),
    "circle": (
        "lint",
        f"{SRC}/_internal/files.py",
        "\n\nfrom . import store as _store  # noqa: E402, F401\n",
        "No circles BROKEN",
    ),
    "wrong type": ("types", f"{SRC}/evaluate.py", "\n\nN_ROWS: int = 'many'\n", "Incompatible types"),
    "failing test": (
        "tests -- tests/test_io.py",
        "tests/test_io.py",
        "\n\ndef test_planted() -> None:\n    assert not io\n",
        "test_planted",
    ),
    "failing example": (
        f"tests -- {SRC}/evaluate.py",
        f"{SRC}/evaluate.py",
        '\n\ndef planted():\n    """\n    >>> 1\n    2\n    """\n',
        "planted",
    ),
    "untested code": (
        "tests",
        f"{SRC}/evaluate.py",
        "\nif __name__ == '':\n" + 200 * "    print()\n",
        "fail-under|less than",
    ),
    "broken link": ("docs", "docs/index.md", "\n[nowhere](nowhere.md)\n", "nowhere"),
    "wheel without data": (
        "build",
        "pyproject.toml",
        '\n[tool.hatch.build.targets.wheel]\nexclude = ["*.csv"]\n',
        "csv",
    ),
}


@pytest.fixture(scope="module")
def tides(renderer: Renderer) -> Callable[[str], Project]:
    """Make a project of a kind, once: its checks pass, so what fails later fails for what was planted."""

    @cache
    def make(kind: str) -> Project:
        answers = ANSWERS | {"pipeline": kind}
        project = Project(renderer.render(answers), answers, "3.11")
        project.commit()
        return project

    return make


@pytest.fixture
def kind() -> str:
    """Name the kind of project that a test looks at, if it is not parametrised by them."""
    return str(ASKED["pipeline"]["default"])


@pytest.fixture
def clean(tides: Callable[[str], Project], kind: str) -> Iterator[Project]:
    """Give the project as it was committed; take away afterwards what was planted."""
    project = tides(kind)
    yield project
    project.run("git", "reset", "--quiet", "--hard")
    project.run("git", "clean", "--quiet", "--force", "-d")


@pytest.mark.parametrize("planted", PLANTED)
def test_check_finds_what_is_planted(clean: Project, planted: str) -> None:
    session, path, text, complaint = PLANTED[planted]
    before = _result(clean, session)
    assert before == "", f"{session} fails before anything is planted: {before}"
    target = clean.folder / path
    target.write_text(target.read_text(encoding="utf-8") + text, encoding="utf-8")
    assert re.search(complaint, _result(clean, session))


_passed: set[tuple[Path, str]] = set()


def _result(project: Project, session: str) -> str:
    """Run a session; give what it says if it fails. A clean project is asked once."""
    clean = project.run("git", "status", "--porcelain") == ""
    if clean and (project.folder, session) in _passed:
        return ""
    name, *words = session.split()
    if name == "tests":
        name = f"tests-{project.version}"
    few = {"PYTEST_ADDOPTS": "-k test_io"} if name == "build" else {}  # all tests of a build run in test_projects
    try:
        project.nox(name, more=words, environment=few)
    except AssertionError as error:
        return str(error)
    if clean:
        _passed.add((project.folder, session))
    return ""


def _refused(project: Project, *words: str) -> str:
    with pytest.raises(AssertionError) as caught:
        project.run(*words)
    return str(caught.value)


def test_pyproject_with_unknown_classifier_is_refused(clean: Project) -> None:
    _edit(clean, "pyproject.toml", "Typing :: Typed", "Typing :: Guessed")
    assert "classifier" in _refused(clean, "validate-pyproject", "pyproject.toml")


def test_review_misses_a_file(clean: Project) -> None:
    assert failing_reviews(clean) == []
    (clean.folder / ".pre-commit-config.yaml").unlink()
    assert failing_reviews(clean) != []


def test_workflow_that_is_no_workflow_is_refused(clean: Project) -> None:
    _edit(clean, ".github/workflows/ci.yml", "runs-on:", "runs-onn:")
    words = ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", ".github/workflows/ci.yml")
    assert "runs-onn" in _refused(clean, *words)


def test_workflow_that_lets_strangers_write_shell_is_refused(clean: Project) -> None:
    _edit(clean, ".github/workflows/ci.yml", "- run: uv", "- run: echo ${{ github.event.issue.title }}; uv")
    assert "template-injection" in _refused(clean, "zizmor", "--offline", ".github")


def mirror(module: str) -> str:
    """Name the test file that holds a module to its word."""
    folder, _, name = module.rpartition("/")
    return f"tests/test_{folder}.py" if folder else f"tests/test_{name}"


MODULES = [  # what is shared is looked at in one kind; tests/owned holds what is owned
    (kind, module)
    for kind, folder in [(KINDS[0], ""), *((kind, f"{{{{ if_{kind} }}}}/") for kind in KINDS)]
    for package in [ROOT / "template" / f"{folder}src" / "{{ package_name }}"]
    for module in sorted(path.relative_to(package).as_posix() for path in package.rglob("*.py"))
    if is_seed(f"src/tides/{module}") and module != "commands/__init__.py"
]


@pytest.mark.parametrize(("kind", "module"), MODULES if long() else one_each(MODULES, itemgetter(0)))
def test_module_that_does_nothing_fails_its_tests(clean: Project, module: str) -> None:
    session = f"tests -- -x {mirror(module)}"
    assert _result(clean, session) == ""
    (clean.folder / SRC / module).write_text('raise NotImplementedError("gutted")\n', encoding="utf-8")
    assert "gutted" in _result(clean, session)


def _edit(project: Project, path: str, old: str, new: str) -> None:
    target = Path(project.folder, path)
    text = target.read_text(encoding="utf-8")
    assert old in text
    target.write_text(text.replace(old, new), encoding="utf-8")
