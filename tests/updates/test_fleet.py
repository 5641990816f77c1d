"""The keeper of many projects sees where each stands, and no project is touched for it."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import copier
import pytest
import yaml
from fleet import Row, Templates, conflicts, defaults, examine, main, table
from questions import ASKED, ROOT, choices
from releases import HEAD, add_release, git, publish
from rendering import contents

NEXT, LAST = "v91.0.0", "v92.0.0"
NOXFILE = "noxfile.py"
NEW = ".editorconfig"
ANSWERS = {"license": "Proprietary", "user_name": "Ada", "hosting": "github"}


def evolve(template: Path) -> None:
    """Change an owned file's first line and add a file."""
    noxfile = template / "template" / NOXFILE
    noxfile.write_text(noxfile.read_text(encoding="utf-8").replace("#!", "#! ", 1), encoding="utf-8")
    (template / "template" / NEW).write_text("root = true\n", encoding="utf-8")


def renumber(template: Path) -> None:
    """Change something small."""
    (template / "template" / "MORE").write_text("more\n", encoding="utf-8")


def commit(folder: Path) -> None:
    git("init", "--quiet", folder=folder)
    git("add", "--all", folder=folder)
    git("commit", "--quiet", "-m", "Work", folder=folder)


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the template with two releases after the working tree's."""
    work = tmp_path_factory.mktemp("upstream")
    bare = publish(work)
    for tag, change in {NEXT: evolve, LAST: renumber}.items():
        (work / tag).mkdir()
        add_release(bare, tag, work / tag, change)
    return bare


@pytest.fixture(scope="module")
def start(upstream: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project at the working tree's release, under git."""
    project = tmp_path_factory.mktemp("start") / "tides"
    copier.run_copy(str(upstream), project, data=ANSWERS, defaults=True, quiet=True, vcs_ref=HEAD)
    commit(project)
    return project


@pytest.fixture
def project(start: Path, tmp_path: Path) -> Path:
    """Give a copy to change."""
    return shutil.copytree(start, tmp_path / "tides")


@pytest.fixture
def templates(tmp_path: Path) -> Templates:
    """Give an empty store of templates."""
    (tmp_path / "scratch").mkdir()
    return Templates(tmp_path / "scratch")


def answer(project: Path, **changed: Any) -> None:
    """Change the answers file by hand; None leaves a key out."""
    path = project / ".copier-answers.yml"
    known = yaml.safe_load(path.read_text(encoding="utf-8")) | changed
    path.write_text(yaml.safe_dump({key: value for key, value in known.items() if value is not None}))


@pytest.mark.updates
def test_project_that_would_update_without_a_conflict(project: Path, templates: Templates) -> None:
    row = examine(project, templates)
    assert (row.release, row.newest, row.behind) == (HEAD, LAST, 2)
    assert (row.update, row.conflicts, row.kept, row.notes) == ("clean", [], [], [])
    assert row.changed == len({".copier-answers.yml", NOXFILE, NEW, "MORE"})


@pytest.mark.updates
def test_conflicts_are_named_in_known_and_in_new_files(project: Path, templates: Templates) -> None:
    text = (project / NOXFILE).read_text(encoding="utf-8")
    (project / NOXFILE).write_text(text.replace("#!", "#!/bin/env -S ", 1), encoding="utf-8")
    (project / NEW).write_text("root = false\n", encoding="utf-8")
    commit(project)
    row = examine(project, templates)
    assert (row.update, row.conflicts) == ("conflicts", [NEW, NOXFILE])
    assert [re.split("[: ]", place)[0] for place in row.kept or []] == [NEW, NOXFILE]


@pytest.mark.parametrize("ignored", ["", "*\n"], ids=["new", "ignored"])
@pytest.mark.parametrize(
    ("name", "text", "is_conflict"),
    [
        ("x.py.rej", "@@ -1 +1 @@\n", True),
        ("x.py", "<<<<<<< before\na\n=======\nb\n>>>>>>> after\n", True),
        ("x.md", "Title\n=======\n", False),
    ],
    ids=["rejected", "markers", "heading"],
)
def test_conflict_in_a_new_file_is_seen(ignored: str, name: str, text: str, is_conflict: bool, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text(ignored)
    (tmp_path / "known").write_text("known\n")
    git("init", "--quiet", folder=tmp_path)
    git("add", "--force", "known", folder=tmp_path)
    git("commit", "--quiet", "-m", "Work", folder=tmp_path)
    (tmp_path / name).write_text(text)
    assert conflicts(tmp_path) == ([name] if is_conflict else [])


@pytest.mark.updates
def test_project_in_a_folder_of_a_repository_is_tried_where_it_is(
    project: Path, templates: Templates, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(project, whole / "models" / "tides", ignore=shutil.ignore_patterns(".git"))
    (whole / "models" / "tides" / NEW).write_text("root = false\n", encoding="utf-8")
    commit(whole)
    row = examine(whole / "models" / "tides", templates)
    assert (row.update, row.conflicts) == ("conflicts", [f"models/tides/{NEW}"])


@pytest.mark.updates
def test_update_that_fails_is_reported_with_its_reason(project: Path, templates: Templates) -> None:
    answer(project, package_name="Not A Name")
    commit(project)
    row = examine(project, templates)
    assert row.update == "fails"
    assert '"Not A Name" cannot be imported' in row.notes[0]


@pytest.mark.updates
def test_no_project_is_touched(project: Path, templates: Templates) -> None:
    for path in project.rglob("*.py"):
        os.utime(path, (1, 1))  # git would write this into its index
    before = contents(project)
    assert examine(project, templates).update == "clean"
    assert contents(project) == before


def test_project_with_changes_is_not_tried(project: Path, templates: Templates) -> None:
    (project / "new.txt").write_text("mine\n")
    before = contents(project)
    row = examine(project, templates)
    assert (row.behind, row.update) == (2, "not tried")
    assert row.notes == ["update not tried: not committed: new.txt"]
    assert contents(project) == before


def test_project_at_the_newest_release_has_nothing_to_update(project: Path, templates: Templates) -> None:
    answer(project, _commit=LAST)
    row = examine(project, templates)
    assert (row.release, row.behind, row.update) == (LAST, 0, "none")


def test_commit_between_releases_is_behind_those_after_it(
    project: Path, templates: Templates, upstream: Path, tmp_path: Path
) -> None:
    shutil.copytree(upstream, moved := tmp_path / "moved.git")
    git("tag", "--delete", NEXT, folder=moved)
    describe = git("describe", "--tags", "--long", f"{LAST}~", folder=moved).strip()
    assert describe.startswith(f"{HEAD}-1-g")
    answer(project, _commit=describe, _src_path=str(moved))
    assert (row := examine(project, templates)).release == describe
    assert row.behind == 1


@pytest.mark.parametrize("unknown", ["v0.0.9", "v90.0.0-3-gabcdef0", "abcdef0", "--all"])
def test_unknown_commit_is_said_to_be_unknown(unknown: str, project: Path, templates: Templates) -> None:
    answer(project, _commit=unknown)
    row = examine(project, templates)
    assert (row.behind, row.update) == (None, "not tried")
    assert row.notes == [f"at the commit {unknown}, which the template does not have"]


def test_template_out_of_reach_is_replaced_by_this_repository(
    project: Path, templates: Templates, tmp_path: Path
) -> None:
    answer(project, _commit="v0.1.0", _src_path=str(gone := tmp_path / "gone.git"))
    row = examine(project, templates)
    answer(project, _src_path=str(ROOT))
    here = examine(project, templates)
    assert (row.newest, row.behind) == (here.newest, here.behind)
    assert row.newest
    assert row.notes[0] == f"{gone} is out of reach: compared with this repository"


def test_template_without_tags_has_the_releases_of_its_changelog(templates: Templates, tmp_path: Path) -> None:
    git("clone", "--quiet", "--bare", "--no-tags", str(ROOT), str(tmp_path / "bare.git"), folder=tmp_path)
    clone, odd = templates.get(str(tmp_path / "bare.git"))
    assert git("tag", "--list", "v0.1.0", folder=clone)
    assert odd == ""


def test_template_without_a_release_says_so(project: Path, templates: Templates, tmp_path: Path) -> None:
    (bare := tmp_path / "empty").mkdir()
    (bare / "copier.yml").write_text("{}\n")
    commit(bare)
    answer(project, _src_path=str(bare))
    assert examine(project, templates).notes == ["the template has no release"]


def test_what_nobody_thought_of_is_noted(project: Path, templates: Templates) -> None:
    answer(project, _commit="v1\0")  # no command takes it
    assert examine(project, templates).notes == ["ValueError: embedded null byte"]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (None, "no project of a template: it has no .copier-answers.yml"),
        ("a: [", ".copier-answers.yml cannot be read: "),
        ("- a\n", ".copier-answers.yml names no template and commit"),
        ("_src_path: a\n", ".copier-answers.yml names no template and commit"),
    ],
)
def test_folder_without_readable_answers_says_so(
    text: str | None, note: str, templates: Templates, tmp_path: Path
) -> None:
    (folder := tmp_path / "folder").mkdir()
    if text:
        (folder / ".copier-answers.yml").write_text(text)
    row = examine(folder, templates)
    assert row.notes[0].startswith(note)
    assert (row.release, row.behind, row.update) == ("", None, "not tried")


def test_folder_that_git_does_not_know_is_not_tried(project: Path, templates: Templates) -> None:
    shutil.rmtree(project / ".git")
    row = examine(project, templates)
    assert (row.behind, row.update) == (2, "not tried")
    assert "not a git repository" in row.notes[0]


def test_answers_differ_in_what_the_organisation_decides(project: Path, templates: Templates) -> None:
    ours = defaults()
    other = {key: next(value for value in choices(key) if value != ours[key]) for key in ("license", "publish")}
    answer(
        project, _commit=LAST, user_name="Ada", **{key: value for key, value in ours.items() if choices(key)} | other
    )
    assert examine(project, templates).differs.items() >= {key: [other[key], ours[key]] for key in other}.items()
    answer(project, **ours)
    assert examine(project, templates).differs == {}


def test_defaults_are_those_of_closed_questions() -> None:
    closed = {key: question["default"] for key, question in ASKED.items() if choices(key)}
    assert {key: value for key, value in defaults().items() if choices(key)} == closed


def test_text_that_an_organisation_set_for_all_is_a_default() -> None:
    found = defaults(
        {
            "_subdirectory": "template",
            "hidden": {"type": "str", "when": False, "default": "x"},
            "name": {"type": "str", "default": "{{ _folder_name }}"},
            "package": {"type": "str", "default": "{{ name | lower }}"},
            "empty": {"type": "str", "default": ""},
            "owner": {"type": "str", "default": "{{ previous.owner | default('') }}"},
            "group": {"type": "str", "default": "{{ previous.group | default('waves') }}"},
            "licence": {"type": "str", "choices": ["a", "b"], "default": "{{ license | default('b') }}"},
            "quick": {"type": "bool", "default": False, "choices": [True, False]},
        }
    )
    assert found == {"group": "waves", "licence": "b", "quick": False}


@pytest.mark.updates
def test_table_and_json_have_a_row_for_each_folder(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [str(tmp_path / "gone"), str(project), str(tmp_path)]
    main([*folders, "--json", str(tmp_path / "fleet.json")])
    rows = json.loads((tmp_path / "fleet.json").read_text(encoding="utf-8"))
    assert [row["project"] for row in rows] == folders
    assert [row["update"] for row in rows] == ["not tried", "clean", "not tried"]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(folders)
    assert lines[2].split()[:4] == [str(project), HEAD, "2", "clean"]


def test_table_names_conflicts_and_answers_and_aligns_them() -> None:
    text = table(
        [
            Row("a", release="v0.1.0", behind=2, update="conflicts", conflicts=["x.py", "y.py"], kept=["x.py:3"]),
            Row("long", differs={"docs": ["none", "sphinx"]}, notes=["no such folder", "really"]),
        ]
    )
    assert text == (
        "project  release  behind  update                 kept  differs from the defaults  notes\n"
        "a        v0.1.0   2       conflicts: x.py, y.py  1     -\n"
        "long     ?        ?       not tried              ?     docs=none                  no such folder; really\n"
    )
