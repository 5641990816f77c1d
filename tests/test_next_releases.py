"""What a release may do next, done to the template here: projects with an owner's edits take it without a conflict."""

import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from classes import is_seed
from owner import EDITS
from questions import KINDS
from releases import HEAD, add_release, releases
from rendering import contents, rendered_path
from samples import cases
from updating import Follower, Workshop, tree

pytestmark = pytest.mark.updates

NEXT = "v91.0.0"
ANSWERS = [
    {"package_name": "tides", "github_user": "ada", "user_name": "Ada"},
    {
        "package_name": "waves",
        "hosting": "gitlab",
        "build_backend": "setuptools",
        "versioning": "git-tag",
        "docs": "none",
        "publish": "private-index",
    },
    {
        "package_name": "winds",
        "hosting": "none",
        "build_backend": "flit-core",
        "min_python": "3.13",
        "publish": "nowhere",
    },
]


def change(path: Path, pattern: str, text: str, *, times: int = 1) -> None:
    """Replace what there is so many times."""
    content, found = re.subn(pattern, text, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert found == times, f"{path.name} has {pattern!r} {found} times"
    path.write_text(content, encoding="utf-8")


def bounds_rise(template: Path) -> None:
    """Ask for newer dependencies, first and last of the list, and for one more."""
    path = template / "template" / "pyproject.toml.jinja"
    change(path, '^  "click>=.*"', '  "click>=8.2"', times=len(KINDS))
    change(path, '^  "tqdm>=.*"', '  "tqdm>=4.67",\n  "typing-extensions>=4.12"', times=len(KINDS))
    change(path, '^  "pytest-cov"', '  "pytest-cov>=6"')


def tools_change(template: Path) -> None:
    """Set a tool otherwise, and configure one more."""
    path = template / "template" / "pyproject.toml.jinja"
    change(path, "^line-length = 100", "line-length = 120")
    change(path, "^# your tables", "[tool.vulture]\nmin_confidence = 80\n\n# your tables")
    change(template / "template" / ".gitignore", "^/build/", "/build/\n/.benchmarks/")


def owned_file_comes(template: Path) -> None:
    """Add a file of the template's, and a module."""
    (template / "template" / ".editorconfig").write_text("root = true\n")
    (template / "template" / "src" / "{{ package_name }}" / "_internal" / "clock.py").write_text('"""Time."""\n')
    change(template / "copier.yml", "^_owned:", "_owned:\n  - /.editorconfig")


def owned_file_changes(template: Path) -> None:
    """Change machinery and checks."""
    with (template / "template" / "src" / "{{ package_name }}" / "_internal" / "files.py").open("a") as file:
        file.write("\n# mended\n")
    change(template / "template" / "noxfile.py", '^"""The checks', '"""All checks')


def owned_file_goes(template: Path) -> None:
    """Do without a file."""
    (template / "template" / ".pre-commit-config.yaml").unlink()


def seeds_change_and_go(template: Path) -> None:
    """Change every seed, add one and drop another: for new projects only."""
    source = template / "template"
    for path in contents(source):
        if is_seed(rendered_path(path, "tides")):
            with (source / path).open("a", encoding="utf-8") as file:
                file.write("# changed\n")
    for report in [*source.rglob("report.py")]:  # each kind has its own
        report.unlink()
    (source / "src" / "{{ package_name }}" / "charts.py").write_text('"""A new stage."""\n', encoding="utf-8")


def question_comes(template: Path) -> None:
    """Ask for more; the default gives what there was."""
    question = "maturity:\n  type: str\n  choices: [Alpha, Beta]\n  default: Alpha\n\n# Derived"
    change(template / "copier.yml", "^# Derived", question)
    number = "{{ {'Alpha': '3 - Alpha', 'Beta': '4 - Beta'}[maturity] }}"
    change(template / "template" / "pyproject.toml.jinja", "3 - Alpha", number)


def question_is_renamed(template: Path) -> None:
    """Call a question otherwise, and carry the answer; copier holds the list of files against the old answers too."""
    change(template / "copier.yml", "^publish:", "upload:")
    change(template / "copier.yml", "^  default: pypi", "  default: \"{{ publish | default('pypi') }}\"")
    for path in [template / "copier.yml", *(template / "template").rglob("*.jinja")]:
        name = "(upload | default(publish)) " if path.name == "copier.yml" else "upload "
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"\bpublish (?=[!=]= )", name, text), encoding="utf-8")


def choice_comes(template: Path) -> None:
    """Offer more of what there is."""
    change(template / "copier.yml", r"choices: \[MIT, ", "choices: [ISC, MIT, ")


def files_of_an_option_move(template: Path) -> None:
    """Put the files of an option elsewhere."""
    folder = template / "template" / ".github" / "workflows"
    (folder / "release-pypi.yml").rename(folder / "upload-pypi.yml")
    change(template / "copier.yml", "/.github/workflows/release-pypi.yml", "/.github/workflows/upload-pypi.yml")


def everything(template: Path) -> None:
    """Do all of it in one release."""
    for step in CHANGES[:-1]:
        step(template)


CHANGES: list[Callable[[Path], None]] = [
    bounds_rise,
    tools_change,
    owned_file_comes,
    owned_file_changes,
    owned_file_goes,
    seeds_change_and_go,
    question_comes,
    question_is_renamed,
    choice_comes,
    files_of_an_option_move,
    everything,
]


def release_next(workshop: Workshop, folder: Path, step: Callable[[Path], None]) -> Workshop:
    """Publish one more release in a copy of the repository."""
    shutil.copytree(workshop.bare, folder / "template.git")
    (folder / "checkout").mkdir()
    (folder / "renders").mkdir()
    add_release(folder / "template.git", NEXT, folder / "checkout", step)
    return Workshop(folder / "template.git", folder / "renders", workshop.renderer)


CASES = [(step, place) for step in CHANGES for place in range(len(ANSWERS))]
TURNS = [(step, number % len(ANSWERS)) for number, step in enumerate(CHANGES)]  # each change once


def _named(case: tuple[Callable[[Path], None], int]) -> str:
    return f"{case[0].__name__} {ANSWERS[case[1]]['package_name']}"


@pytest.mark.parametrize("case", cases(CASES, TURNS, _named))
def test_next_release_reaches_an_edited_project(
    case: tuple[Callable[[Path], None], int], workshop: Workshop, project: Follower, tmp_path: Path
) -> None:
    step, place = case
    project.workshop = release_next(workshop, tmp_path, step)
    project.start(HEAD, ANSWERS[place] | {"pipeline": KINDS[place % len(KINDS)]})
    project.edit()
    known = project.answers()
    project.update(NEXT)
    assert project.wrongs(NEXT) == []
    now = project.answers()
    assert {key: now[key] if key in now else now["upload"] for key in known} == known
    tomllib.loads((project.folder / "pyproject.toml").read_text(encoding="utf-8"))


def test_living_example_follows_every_release(workshop: Workshop, project: Follower, tmp_path: Path) -> None:
    """A project lives on: its owner goes on working between releases, and takes each as it comes."""
    project.workshop = release_next(workshop, tmp_path, everything)
    line = [*releases(), HEAD, NEXT]
    project.start(line[0], ANSWERS[0])
    left = list(EDITS)
    for place, release in enumerate(line[1:], start=1):
        share = -(-len(left) // (len(line) - place))
        project.edit(*left[:share])
        left = left[share:]
        project.update(release)
        assert project.wrongs(release) == []
        project.commit(f"Update to {release}")
    assert left == []


@pytest.mark.parametrize("kind", KINDS)
def test_deleted_seeds_stay_deleted(kind: str, workshop: Workshop, project: Follower, tmp_path: Path) -> None:
    project.workshop = release_next(workshop, tmp_path, seeds_change_and_go)
    project.start(HEAD, ANSWERS[0] | {"pipeline": kind})
    for path in filter(is_seed, project.before):
        (project.folder / path).unlink()
    project.commit("Delete")
    project.update(NEXT)
    assert tree(project.folder).keys() == project.before.keys()
