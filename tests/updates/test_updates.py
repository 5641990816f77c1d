"""`copier update` loses nothing: from every release to the template as it is, trees and answers compared."""

import itertools
import shutil
import tomllib
from functools import cache
from pathlib import Path

import pytest
from classes import is_seed
from combinations import Answers, combinations, pairwise, with_texts
from interpreters import VERSIONS, find
from owner import EDITS
from projects import Project
from questions import ASKED, KINDS, LOCKED, ROOT, choices
from releases import HEAD, releases, unreleased
from rules import asked, configs, values
from samples import cases, one_each
from updating import Follower, tree
from wheels import build_wheel

pytestmark = pytest.mark.updates

EVERY = combinations()
FROM = {**releases(), "unreleased": unreleased()}  # the commit of each
ASKED_THEN = {release: asked(config) for release, config in configs(ROOT, FROM).items()}
DEFAULTS = {"package_name": "tides", "user_name": "Ada", "description": "Predicts the tide"}
OWNER = {"github": {"github_user": "ada"}, "gitlab": {"gitlab_user": "ada"}, "none": {}}
TAGGED = ["hatchling", "setuptools", "pdm-backend"]  # take the version from a git tag
FLIPS = [
    (more, key, *pair)
    for key in ASKED
    if key not in LOCKED
    for more in ([{"build_backend": name} for name in TAGGED] if key == "versioning" else [{}])
    for pair in itertools.combinations(choices(key), 2)
]
FLIPS += [({"versioning": "git-tag"}, "build_backend", name, "flit-core") for name in TAGGED]
FLIPS = [  # the kinds take turns; pages differ, so they go through all
    (more | {"pipeline": kind}, key, *pair)
    for place, (more, key, *pair) in enumerate(FLIPS)
    for kind in (KINDS if key == "docs" else [KINDS[place % len(KINDS)]])
]


def _named(case: tuple[str, int] | tuple[str, int, str]) -> str:
    release, number, *more = case
    return " ".join([release, "-".join(map(str, EVERY[number].values())), *map(str, more)])


def renders(release: str, answers: Answers) -> bool:
    """Say whether a release has these choices: what it did not ask is at the default that gives the same."""
    then = ASKED_THEN[release]
    given = {key: values(then[key]) if key in then else [ASKED[key]["default"]] for key in answers}
    return all(value in given[key] for key, value in answers.items())


@cache
def sample(release: str, *, backwards: bool = False) -> list[int]:
    """Pick combinations that hold each pair of choices of a release; backwards in other company."""
    known = [number for number, answers in enumerate(EVERY) if renders(release, answers)][:: -1 if backwards else 1]
    return [known[place] for place in pairwise([EVERY[number] for number in known])]


def answers_to(release: str, number: int) -> Answers:
    """Answer what a release asks."""
    return {key: value for key, value in with_texts(number, EVERY[number]).items() if key in ASKED_THEN[release]}


Case = tuple[str, int]
QUICK: list[Case] = one_each(  # each release and kind
    ((release, number) for release in FROM for number in range(len(EVERY)) if renders(release, EVERY[number])),
    lambda case: (case[0], EVERY[case[1]]["pipeline"]),
)
TURNS = [(*QUICK[place % len(QUICK)], name) for place, name in enumerate(EDITS)]  # each edit


def pairs_of_releases(*, backwards: bool = False) -> list[Case]:
    """Give each pair of choices of each release."""
    return [(release, number) for release in FROM for number in sample(release, backwards=backwards)]


def edits_alone() -> list[tuple[str, int, str]]:
    """Give each edit on each pair of choices."""
    return [(*case, name) for case in pairs_of_releases() for name in EDITS]


def build(project: Follower, folder: Path) -> None:
    """Build the wheel of a copy: backends leave things behind."""
    copy = folder.with_name(f"{folder.name}-copy")
    shutil.copytree(project.folder, copy, ignore=shutil.ignore_patterns(".git"))
    build_wheel(copy, folder)


@pytest.mark.parametrize("case", cases(QUICK, pairs_of_releases, _named))
def test_untouched_project_becomes_a_fresh_render(case: Case, project: Follower) -> None:
    release, number = case
    answers = answers_to(release, number)
    project.start(FROM[release], answers)
    fresh = tree(project.workshop.render(HEAD, answers))
    project.update()
    seeds = {path: data for path, data in project.before.items() if is_seed(path)}
    assert tree(project.folder) == seeds | {path: data for path, data in fresh.items() if not is_seed(path)}
    project.commit("Update")
    project.update()
    assert tree(project.folder) == project.before


@pytest.mark.parametrize("case", cases(QUICK, lambda: pairs_of_releases() + pairs_of_releases(backwards=True), _named))
def test_edited_project_keeps_every_edit(case: Case, project: Follower, tmp_path: Path) -> None:
    release, number = case
    project.start(FROM[release], answers_to(release, number))
    project.edit()
    project.update()
    assert project.wrongs() == []
    build(project, tmp_path / "dist")


@pytest.mark.parametrize("alone", cases(TURNS, edits_alone, _named))
def test_edit_alone_is_kept(alone: tuple[str, int, str], project: Follower) -> None:
    release, number, name = alone
    project.start(FROM[release], answers_to(release, number))
    project.edit(name)
    project.update()
    assert project.wrongs() == []


@pytest.mark.projects
@pytest.mark.parametrize("case", cases(QUICK, lambda: pairs_of_releases()[::7], _named))
def test_updated_project_builds_and_passes_its_tests(case: Case, project: Follower) -> None:
    release, number = case
    answers = answers_to(release, number)
    able = [version for version in VERSIONS if find(version) and version >= answers["min_python"]]
    if not able:
        pytest.skip(f"no Python {answers['min_python']} or newer on this machine")
    project.start(FROM[release], answers)
    project.edit()
    project.update()
    assert project.wrongs() == []
    Project(project.folder, answers, able[number % len(able)]).nox("build")


@pytest.mark.parametrize(("more", "key", "one", "other"), FLIPS, ids=[" ".join([*m.values(), *w]) for m, *w in FLIPS])
def test_flipped_answer_goes_there_and_back(  # noqa: PLR0913, PLR0917 - as many as a flip has
    more: Answers, key: str, one: str, other: str, project: Follower, tmp_path: Path
) -> None:
    start = DEFAULTS | more | {key: one}
    project.start(HEAD, start | OWNER[start.get("hosting", "github")])
    # the version stands in the line that the option itself changes
    project.edit(*(name for name in EDITS if (name, key) != ("version", "versioning")))
    known = project.answers()
    for value in (other, one):
        # what a backend cannot do is not stored: who goes back says so
        project.update(**{key: value}, **(more if value == one and "versioning" in more else {}))
        now = project.answers()
        assert now[key] == value
        others = now.keys() & known.keys() - {key}
        assert {name: now[name] for name in others} == {name: known[name] for name in others}
        if key == "docs" and value == "sphinx":  # switched on, its pages arrive: also one that was deleted before
            arrived = {path for path in tree(project.folder).keys() - project.before.keys() if path.startswith("docs/")}
            assert arrived >= {"docs/configure.md", "docs/conf.py"}
            project.before |= dict.fromkeys(arrived, b"")
            project.mine = {path: edit for path, edit in project.mine.items() if path not in arrived}
        assert project.wrongs() == []
        tomllib.loads((project.folder / "pyproject.toml").read_text(encoding="utf-8"))
        build(project, tmp_path / value)
        project.commit(f"{key}: {value}")
    assert known.items() <= project.answers().items()
