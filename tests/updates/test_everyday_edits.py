"""Whatever owners and their tools do, an update leaves each file whole and every change of theirs where it was."""

import io
import os
import re
import shutil
import subprocess
import tarfile
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from everyday import EDITS, OPTIONS, Desk
from questions import ASKED, KINDS, LOCKED, choices
from releases import HEAD, add_release, git, releases
from samples import cases
from session import update
from updating import Follower, Workshop
from wheels import build_wheel

pytestmark = pytest.mark.updates

NEXT = "v91.0.0"
PAIRS = [*((tag, HEAD) for tag in releases()), (HEAD, NEXT)]
# What the next release and an edit both change: the edit's side stays, and these places are reported.
KEPT = {
    "line length": ["pyproject.toml tool.ruff.line-length"],
    "formatted at 88": ["pyproject.toml tool.ruff.line-length"],
    "bound raised": ["pyproject.toml project.dependencies.numpy"],
    "bound capped": ["pyproject.toml project.dependencies.narwhals"],
    "dependencies on one line": ["pyproject.toml project.dependencies.numpy"],
    "workflow deleted": [".github/workflows/ci.yml deleted here, changed by the template"],
    "workflows deleted": [".github/workflows/ci.yml deleted here, changed by the template"],
    "noxfile deleted": ["noxfile.py deleted here, changed by the template"],
    "page edited at the top": ["CONTRIBUTING.md"],
    "bound for each system": ["pyproject.toml project.dependencies.numpy"],
    "classifiers dropped": ["pyproject.toml project.classifiers"],
    "hooks of one's own": [".pre-commit-config.yaml"],
    "hooks with a bot's comment": [".pre-commit-config.yaml"],
    "page emptied": ["CONTRIBUTING.md"],
    "page linked": ["CONTRIBUTING.md no text, changed on both sides"],
}


def change(path: Path, pattern: str, text: str, *, times: int = 1) -> None:
    """Replace what there is so many times."""
    content, found = re.subn(pattern, text, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert found == times, f"{path.name} has {pattern!r} {found} times"
    path.write_text(content, encoding="utf-8")


def release_next(template: Path) -> None:
    """Change what releases change: a bound, rules, a pin, a session, a job, a group, a classifier, code, texts."""
    source = template / "template"
    project = source / "pyproject.toml.jinja"
    change(project, r'^  "numpy>=[\d.]+"', '  "numpy>=2.4"')
    change(project, r'^  "narwhals>=[\d.]+"', '  "narwhals>=2.30"', times=len(KINDS))
    change(project, '^  "PT", # tests', '  "PT", # tests\n  "FURB", # the new')
    change(project, "^line-length = 100", "line-length = 110")
    change(project, "^types = .*", 'types = ["mypy>=2"]')
    change(project, '^  "Typing :: Typed",', '  "Typing :: Typed",\n  "Natural Language :: English",')
    workflow = source / ".github" / "workflows" / "ci.yml"
    pins = len(re.findall(r"actions/checkout@", workflow.read_text(encoding="utf-8")))
    change(workflow, r"actions/checkout@\w+ # \S+", f"actions/checkout@{'9' * 40} # v7.1.0", times=pins)
    with workflow.open("a", encoding="utf-8") as file:
        file.write("\n  links:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo links\n")
    change(source / ".pre-commit-config.yaml", "rev: v6.0.0", "rev: v6.1.0")
    more = (
        '@nox.session(default=False)\ndef links(session: nox.Session) -> None:\n    """Check links."""\n\n\nif __name__'
    )
    change(source / "noxfile.py", "^if __name__", more)
    change(source / "CONTRIBUTING.md", "^# Contributing\n", "# How to contribute\n")
    change(source / ".gitignore", "^/build/", "/build/\n/.benchmarks/")
    files = source / "src" / "{{ package_name }}" / "_internal" / "files.py"
    files.write_text(f"{files.read_text(encoding='utf-8')}\n\ndef newest() -> int:\n    return 2\n", encoding="utf-8")
    with (source / f"{{{{ if_{KINDS[0]} }}}}" / "config.toml").open("a", encoding="utf-8") as file:
        file.write("# new\n")


@dataclass(frozen=True)
class Step:
    """A release and the next, rendered: folder of the first, trees of both, what their code needs."""

    folder: Path
    base: str
    theirs: str
    needed: set[str]


@pytest.fixture(scope="module")
def steps(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Step]:
    """Render every pair of releases once; their objects are in one repository."""
    work = tmp_path_factory.mktemp("steps")
    shutil.copytree(workshop.bare, work / "template.git")
    for name in ("checkout", "renders", "scratch", "store"):
        (work / name).mkdir()
    add_release(work / "template.git", NEXT, work / "checkout", release_next)
    shop = Workshop(work / "template.git", work / "renders", workshop.renderer)
    git("init", "--quiet", folder=work / "store")
    os.environ["GIT_DIR"] = str(work / "store" / ".git")
    found = {}
    for place, (old, new) in enumerate(PAIRS):
        del os.environ["GIT_DIR"]
        project = Follower(shop, work / f"project-{place}")
        project.start(old, OPTIONS)
        base = shop.render(old, OPTIONS)
        project.update(new)
        os.environ["GIT_DIR"] = str(work / "store" / ".git")
        trees = [update.stored(folder, work / "scratch") for folder in (base, project.folder)]
        found[old, new] = Step(base, trees[0], trees[1], update.needed(trees[1]))
    del os.environ["GIT_DIR"]
    return found


@dataclass
class Merged:
    """What an update made of an edited project."""

    before: dict[str, str]
    ours: dict[str, str]
    theirs: dict[str, str]
    now: dict[str, str]
    kept: list[Any]
    tree: str


def files(tree: str) -> dict[str, str]:
    """Read a tree of git whole."""
    done = subprocess.run(["git", "archive", "--format=tar", tree], capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        return {member.name: archive.extractfile(member).read().decode() for member in members}  # type: ignore[union-attr]


def builds(tree: str, scratch: Path) -> bool:
    """Build the wheel of a tree."""
    git("archive", f"--output={scratch / 'tree.tar'}", tree, folder=Path.cwd())
    shutil.unpack_archive(scratch / "tree.tar", scratch / "tree", filter="tar")
    wheel = build_wheel(scratch / "tree", scratch / "dist")
    return f"{OPTIONS['package_name']}/cli.py" in wheel.package


def merge(step: Step, ours: str, scratch: Path) -> Merged:
    """Update a project, given as a tree."""
    trees = update.Trees(step.base, step.theirs, ours, update.Files(step.needed))
    trees.merge()
    tree = update.changed(scratch, ours, "", trees.changes)
    before, mine, new, now = (files(side) for side in (step.base, ours, step.theirs, tree))
    return Merged(before, mine, new, now, trees.files.kept, tree)


def leaves(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Give what stands at the ends of a tree of tables, elements of lists each by itself."""
    if isinstance(value, dict):
        return {key: leaf for name, item in value.items() for key, leaf in leaves(item, (*path, name)).items()}
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        parts = [leaves(item, (*path, str(item.get("name", "")))) for item in value if isinstance(item, dict)]
        return {key: leaf for part in parts for key, leaf in part.items()}
    if isinstance(value, list):
        if path[-1] == "dependencies" or "groups" in path[0]:
            value = [re.sub(r"\s", "", str(item)) for item in value]
        return {(*path, str(item)): item for item in value}
    return {path: value}


def lost_values(merged: Merged) -> list[str]:
    """List the owner's changes of values that are not there any more."""
    before, ours, now = (
        leaves(tomllib.loads(side["pyproject.toml"])) for side in (merged.before, merged.ours, merged.now)
    )
    raised = {str(kept.what).rpartition(".")[2] for kept in merged.kept if "which it needs" in kept.theirs}
    lost = [key for key in ours.keys() - before.keys() if key not in now]
    lost += [key for key in ours.keys() & before.keys() if ours[key] != before[key] and now.get(key) != ours[key]]
    lost += [key for key in before.keys() - ours.keys() if key in now]
    return [".".join(key) for key in lost if not any(name in key[-1] for name in raised)]


def lost_lines(merged: Merged) -> list[str]:
    """List the owner's lines in other files that are not there any more."""
    lost = []
    known = {line for text in merged.before.values() for line in text.splitlines()}
    for path, text in merged.ours.items():
        if path == "pyproject.toml" or path.endswith(".py") or path == update.ANSWERS:
            continue
        mine = Counter(text.removeprefix("\ufeff").splitlines()) - Counter(merged.before.get(path, "").splitlines())
        pins = {line for line in mine if re.search(r"(uses|rev):", line)}
        lost += [f"{path}: {line}" for line in mine.keys() - pins - known if line not in merged.now.get(path, "")]
    lost += [f"{path} is back" for path in merged.before.keys() - merged.ours.keys() if path in merged.now]
    return lost


def lost_comments(merged: Merged) -> set[str]:
    """Give the owner's comments in pyproject.toml that are not there any more."""
    before, ours, now = (
        set(re.findall("#.*", side["pyproject.toml"])) for side in (merged.before, merged.ours, merged.now)
    )
    return ours - before - now


Case = tuple[tuple[str, str], str]
CASES = [(pair, name) for pair in PAIRS for name in EDITS]
TURNS = [(PAIRS[place % len(PAIRS)], name) for place, name in enumerate(EDITS)]  # each edit once


@pytest.mark.parametrize("case", cases(TURNS, lambda: CASES, lambda case: f"{'-'.join(case[0])} {case[1]}"))
def test_edit_stays_and_files_are_whole(
    case: Case,
    steps: dict[tuple[str, str], Step],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair, name = case
    step = steps[pair]
    project = Path(shutil.copytree(step.folder, tmp_path / "project"))
    EDITS[name](Desk(project, OPTIONS["package_name"]))
    shutil.rmtree(project / ".ruff_cache", ignore_errors=True)
    store = next(iter(steps.values())).folder.parents[1] / "store" / ".git"
    monkeypatch.setenv("GIT_DIR", str(store))
    monkeypatch.chdir(project)
    ours = update.stored(project, tmp_path)
    merged = merge(step, ours, tmp_path)
    assert not [path for path, text in merged.now.items() if re.search(r"(?m)^(<{7} |>{7} )", text)]
    assert [path for path, text in merged.now.items() if not update.parses(path, text)] == []
    assert lost_values(merged) == []
    assert lost_lines(merged) == []
    assert lost_comments(merged) == set()
    assert builds(merged.tree, tmp_path)
    if pair == (HEAD, NEXT):
        assert [f"{kept.path} {kept.what}".strip() for kept in merged.kept] == KEPT.get(name, [])
    again = update.Trees(step.theirs, step.theirs, merged.tree, update.Files())
    again.merge()
    assert update.changed(tmp_path, merged.tree, "", again.changes) == merged.tree


def test_whole_tour_of_answers_leaves_an_edited_project_whole(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each stop of the tour the merge of a switched answer is done; `test_update_session` tests the session."""
    render, edited = Follower(workshop, tmp_path / "render"), tmp_path / "edited"
    render.start(HEAD, OPTIONS)
    shutil.copytree(render.folder, edited, ignore=shutil.ignore_patterns(".git"))
    for name in ("version bumped", "line length", "dependency first", "session added in the middle"):
        EDITS[name](Desk(edited, OPTIONS["package_name"]))
    (store := tmp_path / "store").mkdir()  # of trees: nothing is ever checked out
    git("init", "--quiet", folder=store)
    monkeypatch.chdir(store)
    base, ours = update.stored(render.folder, tmp_path), update.stored(edited, tmp_path)
    for key in [key for key in ASKED if key not in LOCKED]:
        for value in [*choices(key)[1:], *choices(key)[:1]]:
            render.update(**{key: value})
            render.commit(f"{key}: {value}")
            theirs = update.stored(render.folder, tmp_path)
            trees = update.Trees(base, theirs, ours, update.Files(switched=True))
            trees.merge()
            base, ours = theirs, update.changed(tmp_path, ours, "", trees.changes)
            new = {path: update.read(file) for path, file in trees.changes.items() if file}
            assert [path for path, text in new.items() if not update.parses(path, text)] == [], (key, value)
            now = update.listed(ours)
            assert now.keys() == update.listed(theirs).keys(), (key, value)
            project = tomllib.loads(update.read(now["pyproject.toml"]))
            assert project["tool"]["ruff"]["line-length"] == 88
            assert "altair>=5" in project["project"]["dependencies"]
            assert ("version" in project["project"]) != ("version" in project["project"].get("dynamic", []))
    assert builds(ours, tmp_path)


def test_line_ends_of_windows_stay(
    steps: dict[tuple[str, str], Step], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = steps[HEAD, NEXT]
    project = Path(shutil.copytree(step.folder, tmp_path / "project"))
    EDITS["session added in the middle"](Desk(project, OPTIONS["package_name"]))
    for path in filter(Path.is_file, project.rglob("*")):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    monkeypatch.setenv("GIT_DIR", str(step.folder.parents[1] / "store" / ".git"))
    monkeypatch.chdir(project)
    merged = merge(step, update.stored(project, tmp_path), tmp_path)
    assert (merged.kept, lost_values(merged)) == ([], [])
    assert "def profile(" in merged.now["noxfile.py"]
    assert "def links(" in merged.now["noxfile.py"]
    assert [path for path, text in merged.now.items() if "\n" in text.replace("\r\n", "")] == []
