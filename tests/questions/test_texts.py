"""Whatever is answered comes back equal from every file that carries it, or is refused."""

import ast
import keyword
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from expectations import authors, expected_authors
from hygiene import PARSERS, complaints
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from questions import choices
from rendering import Renderer, contents
from samples import long
from texts import HOSTILE
from wheels import build_wheel

bounded = settings(
    max_examples=200 if long() else 10,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)
has_signals = pytest.mark.skipif("not hasattr(__import__('signal'), 'SIGALRM')", reason="a signal stops builds")

lines = st.text(min_size=1, max_size=80) | st.sampled_from(list(HOSTILE.values()))
names = st.text(st.characters(exclude_characters="/\x00", exclude_categories=["Cs"]), min_size=1, max_size=80).filter(
    lambda name: name not in {".", ".."} and len(name.encode()) < 250
)
CARRIERS = {".copier-answers.yml", "CITATION.cff", "LICENSE", "README.md", "docs/conf.py", "pyproject.toml"}


def carried(files: Mapping[str, bytes]) -> dict[str, set[object]]:
    """Read each text answer back from all the files that carry it, with the reader of each format."""
    text = {path: files[path].decode() for path in CARRIERS}
    project = tomllib.loads(text["pyproject.toml"])["project"]
    citation, answers = yaml.safe_load(text["CITATION.cff"]), yaml.safe_load(text[".copier-answers.yml"])
    [title, *readme] = text["README.md"].split("\n")
    [holder] = re.findall(r"^Copyright \(c\) (.*)$", text["LICENSE"], re.MULTILINE)
    [sphinx] = [
        ast.literal_eval(node.value)
        for node in ast.parse(text["docs/conf.py"]).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "project"
    ]
    return {
        "project_name": {title.removeprefix("# "), citation["title"], answers["project_name"], sphinx},
        "description": {
            project["description"],
            citation["abstract"],
            answers["description"],
            readme[readme.index("") + 1],
        },
        "user_name": {project["authors"][0]["name"], citation["authors"][0]["name"], answers["user_name"], holder},
    }


def is_plain(text: str) -> bool:
    """Say whether a text is one line without control characters, lone surrogates and byte order marks."""
    odd = [
        sign for sign in text if unicodedata.category(sign) in {"Cc", "Zl", "Zp", "Cs"} or sign in "\ufeff\ufffe\uffff"
    ]
    return bool(text) and not odd and text == text.strip()


def test_files_that_carry_a_text_are_all_read_back(renderer: Renderer, tmp_path: Path) -> None:
    answers = {
        "project_name": "Xproject",
        "description": "Xdescription",
        "user_name": "Xuser",
        "user_email": "x@xmail.org",
    }
    files = contents(renderer.copy(tmp_path / "x", answers))
    assert {path for path, data in files.items() if re.search(rb"X(project|description|user)|xmail", data)} == CARRIERS


@bounded
@given(project_name=lines, description=lines, user_name=lines)
@example("\ud800", "plain", "plain")
@example("plain", "line\u2028break", "plain")
@example("plain", "plain", "no\xadbreak \u200b\u202e")
def test_text_comes_back_equal_or_is_refused(
    renderer: Renderer, tmp_path_factory: pytest.TempPathFactory, project_name: str, description: str, user_name: str
) -> None:
    answers = {"project_name": project_name, "description": description, "user_name": user_name}
    fine = all(map(is_plain, answers.values())) and not set("<>") & set(user_name)
    folder = tmp_path_factory.mktemp("texts") / "project"
    if not fine:
        with pytest.raises(ValueError, match=r'contains a line break, a control character or a|contains "<" or'):
            renderer.copy(folder, answers)
        return
    files = contents(renderer.copy(folder, answers | {"hosting": "none"}))  # no badge between title and description
    assert carried(files) == {key: {text} for key, text in answers.items()}
    assert complaints(files, answers) == []


@has_signals
@bounded
@given(
    description=lines.filter(is_plain),
    user_name=lines.filter(lambda text: is_plain(text) and not set("<>") & set(text)),
)
def test_text_comes_back_equal_from_the_wheel(
    renderer: Renderer, tmp_path_factory: pytest.TempPathFactory, description: str, user_name: str
) -> None:
    folder = tmp_path_factory.mktemp("texts")
    answers = {"description": description, "user_name": user_name, "user_email": "ada@example.org"}
    wheel = build_wheel(renderer.copy(folder / "project", answers), folder / "dist")
    assert wheel.metadata["Summary"] == description
    assert authors(wheel) == (user_name, "ada@example.org")


@has_signals
@pytest.mark.parametrize("backend", choices("build_backend"))
@pytest.mark.parametrize("kind", ["quotes", "backslash", "yaml", "jinja", "emoji", "long"])
def test_every_backend_gives_the_text_back(backend: str, kind: str, renderer: Renderer, tmp_path: Path) -> None:
    text = HOSTILE[kind]
    answers = {"description": text, "user_name": text, "user_email": "ada@example.org", "build_backend": backend}
    wheel = build_wheel(renderer.copy(tmp_path / "project", answers), tmp_path / "dist")
    assert wheel.metadata["Summary"] == text
    assert authors(wheel) == expected_authors(answers)


@bounded
@given(folder=names)
@example("class")
@example("My Project-1")
@example("2024 études")
@example("🌊")
@example("x" * 80)
@example("con")
@example("-rf *")
@example("{{ 7*7 }}")
def test_any_folder_name_gives_a_valid_project(
    renderer: Renderer, tmp_path_factory: pytest.TempPathFactory, folder: str
) -> None:
    project = renderer.copy(tmp_path_factory.mktemp("folders") / folder, {})
    files = contents(project)
    answers = yaml.safe_load(files[".copier-answers.yml"])
    package = answers["package_name"]
    assert re.fullmatch(r"[a-z](_?[a-z0-9]){0,39}", package)
    assert not keyword.iskeyword(package)
    assert (project / "src" / package / "__init__.py").is_file()
    assert complaints(files, answers) == []


def blanks(node: object, *path: object) -> set[tuple[object, ...]]:
    """List where a parsed file holds nothing."""
    if node in ("", None, [], {}):
        return {path}
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return set().union(*(blanks(value, *path, key) for key, value in items))


@pytest.mark.parametrize("key", ["description", "user_name", "user_email", "github_user", "gitlab_user"])
def test_empty_text_leaves_its_line_out(key: str, renderer: Renderer, tmp_path: Path) -> None:
    hosting = "gitlab" if key == "gitlab_user" else "github"
    full = {
        "description": "Xa",
        "user_name": "Xb",
        "user_email": "xc@xd.org",
        "hosting": hosting,
        f"{hosting}_user": "xe",
    }
    before = contents(renderer.copy(tmp_path / "before" / "project", full))
    files = contents(renderer.copy(tmp_path / "after" / "project", full | {key: ""}))
    assert before.keys() - files.keys() == ({"CITATION.cff"} if key == "user_name" else set())
    hosts = {"update.py", ".github/workflows/ci.yml"}  # write out gh: and gl:, and where a token is for
    for path in files.keys() - {".copier-answers.yml"} - hosts:
        assert not re.search(rb"(github|gitlab)\.com/[/\s\"']", files[path]), path
        if parse := PARSERS.get(Path(path).suffix if not path.endswith(".py") else ""):
            assert blanks(parse(files[path].decode())) <= blanks(parse(before[path].decode())), path
