"""The questions are well put, and an answer that would break something is refused with a reason."""

import itertools
import json
import keyword
import re
import sys
import tomllib
from pathlib import Path

import copier
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from questions import ASKED, HIDDEN, KINDS, LOCKED, SETTINGS, check, choices
from rendering import Renderer, contents
from texts import TEXTS

PARTS = ["help", "choices", "when", "type", "default", "placeholder", "validator"]
ONE_LINE = "contains a line break, a control character or a space at the start or end"
REFUSED = [
    ("project_name", "", "is empty"),
    *[
        (key, text, ONE_LINE)
        for key in ("project_name", "description", "user_name")
        for text in ("a\nb", "\ta", "a ", "a\x00b")
    ],
    *[("user_name", text, 'contains "<" or ">"') for text in ("Ada <ada@example.org>", "a > b")],
    *[
        ("package_name", text, "cannot be imported")
        for text in ("", "1a", "Tide", "tide-gauge", "a__b", "_a", "a_", "é", 41 * "a")
    ],
    *[("package_name", text, "is taken by") for text in ("json", "class", "numpy", "tests", "con")],
    *[
        ("user_email", text, "is no e-mail address")
        for text in ("ada", "ada@localhost", "a b@c.de", "ada@example.org\n", "@c.de")
    ],
    *[("github_user", text, "is no GitHub account") for text in ("-a", "a--b", "a/b", 40 * "a", "a b")],
    *[("gitlab_user", text, "is no GitLab user or group") for text in ("/a", "a//b", "a b", "a/")],
]
NEEDS = {"github_user": {"hosting": "github"}, "gitlab_user": {"hosting": "gitlab"}}


@pytest.mark.parametrize("key", ASKED)
def test_question_is_complete_and_in_order(key: str) -> None:
    question = ASKED[key]
    assert {"type", "help", "default"} <= set(question)
    assert list(question) == [part for part in PARTS if part in question]
    assert re.fullmatch(r"[A-Z][^?\n]{10,90}\?", question["help"])
    assert question["default"] in (choices(key) or [question["default"]])


@pytest.mark.parametrize("key", HIDDEN)
def test_hidden_answer_is_computed_and_never_asked(key: str) -> None:
    assert list(HIDDEN[key]) == ["type", "when", "default"]


def test_every_text_question_is_tried_with_hostile_answers() -> None:
    assert set(TEXTS) == {key for key in ASKED if not choices(key)}


def test_nothing_needs_trust() -> None:
    assert not {"_tasks", "_migrations", "_jinja_extensions"} & set(SETTINGS)


@pytest.mark.parametrize(
    "answers", [{"licence": "MIT"}, {"hosting": "github", "gitlab_user": "ada"}, {"repository_url": ""}]
)
def test_tests_cannot_pass_answers_that_no_question_takes(answers: dict[str, str]) -> None:
    with pytest.raises(KeyError, match=r"copier\.yml does not ask|is hidden by"):
        check(answers)


@pytest.mark.parametrize(("key", "text", "rule"), REFUSED, ids=[f"{key}={text!a:.20}" for key, text, _ in REFUSED])
def test_refusal_names_the_value_the_rule_and_a_good_answer(
    key: str, text: str, rule: str, renderer: Renderer, tmp_path: Path
) -> None:
    shown = json.dumps(text, ensure_ascii=False) if text or key != "project_name" else key
    with pytest.raises(ValueError, match=re.escape(shown) + ".*" + re.escape(rule)) as refusal:
        renderer.copy(tmp_path / "refused", NEEDS.get(key, {}) | {key: text})
    assert not (tmp_path / "refused").exists()
    [good] = re.findall(r'e\.g\. "(.*)"$', str(refusal.value))
    renderer.copy(tmp_path / "copied", NEEDS.get(key, {}) | {key: good})


@pytest.mark.parametrize("key", [key for key in ASKED if choices(key)])
def test_unknown_choice_is_refused(key: str, renderer: Renderer, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Invalid choice"):
        renderer.copy(tmp_path / "refused", {key: "something"})


def test_package_name_is_fixed_after_the_first_copy(renderer: Renderer, tmp_path: Path) -> None:
    project = renderer.copy(tmp_path, {"package_name": "tide_gauge"})
    renderer.copy(project, {"package_name": "tide_gauge"})
    with pytest.raises(ValueError, match=r'"waves" would rename the package "tide_gauge".*keep "tide_gauge"'):
        renderer.copy(project, {"package_name": "waves"})
    with pytest.raises(ValueError, match="would rename"), renderer.fast():
        copier.run_recopy(project, data={"package_name": "waves"}, defaults=True, overwrite=True, quiet=True)
    assert not (project / "src" / "waves").exists()


def test_project_keeps_a_name_that_python_took_later(renderer: Renderer, tmp_path: Path) -> None:
    project = renderer.copy(tmp_path / "project", {"package_name": "tide_gauge"})
    kept = project / ".copier-answers.yml"
    kept.write_text(kept.read_text(encoding="utf-8").replace("tide_gauge", "profiling"), encoding="utf-8")
    renderer.copy(project, {})
    assert yaml.safe_load(kept.read_text(encoding="utf-8"))["package_name"] == "profiling"
    with pytest.raises(ValueError, match='"profiling" is taken by Python'):
        renderer.copy(tmp_path / "other", {"package_name": "profiling"})


@pytest.mark.parametrize(("first", "then"), [*itertools.permutations(KINDS, 2)])
def test_pipeline_is_fixed_after_the_first_copy(first: str, then: str, renderer: Renderer, tmp_path: Path) -> None:
    project = renderer.copy(tmp_path, {"pipeline": first})
    before = contents(project)
    renderer.copy(project, {"pipeline": first})
    refusal = f'pipeline "{then}" would replace "{first}", which is fixed after the first copy: keep "{first}", or'
    with pytest.raises(ValueError, match=refusal):
        renderer.copy(project, {"pipeline": then})
    with pytest.raises(ValueError, match=refusal), renderer.fast():
        copier.run_recopy(project, data={"pipeline": then}, defaults=True, overwrite=True, quiet=True)
    assert contents(project) == before


def test_project_from_before_the_question_is_a_model(renderer: Renderer, tmp_path: Path) -> None:
    project = renderer.copy(tmp_path, {})
    kept = tmp_path / ".copier-answers.yml"
    kept.write_text(
        re.sub(r"(?m)^pipeline: .*\n|(?s:^answered:.*)", "", kept.read_text(encoding="utf-8")), encoding="utf-8"
    )
    assert "answered" not in kept.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match='"etl" would replace "model"'):
        renderer.copy(project, {"pipeline": "etl"})
    renderer.copy(project, {})
    assert yaml.safe_load(kept.read_text(encoding="utf-8"))["pipeline"] == "model"


def test_both_locks_are_known() -> None:
    assert LOCKED == ["package_name", "pipeline"]


@pytest.mark.parametrize("kind", KINDS)
def test_reserved_names_hold_python_and_what_the_project_installs(kind: str, renderer: Renderer) -> None:
    reserved = set(HIDDEN["reserved_names"]["default"].split())
    python = {name for name in (*sys.stdlib_module_names, *keyword.kwlist) if re.fullmatch("[a-z][a-z0-9_]*", name)}
    rendered = renderer.render({"pipeline": kind, "size": "full"})
    project = tomllib.loads((rendered / "pyproject.toml").read_text(encoding="utf-8"))
    lists = [project["project"]["dependencies"], *project["dependency-groups"].values()]
    installed = {
        canonicalize_name(Requirement(line).name) for lines in lists for line in lines if isinstance(line, str)
    }
    assert python - reserved == set()
    assert {name.replace("-", "_") for name in installed} - reserved == set()
