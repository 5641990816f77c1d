"""The notes of a release say what its renders show, and which releases are due."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import notes as module
import pytest
import yaml
from combinations import combinations, pairs
from notes import NEXT, Release, changes, class_of, due, excerpt, load, main, notes, sample
from questions import CONFIG, ROOT
from releases import add_release, git, publish, releases
from rendering import Renderer

OLD, NEW = "v91.0.0", "v92.0.0"
SAID = "### Fixed\n\n- A better model.\n"
FILES = """\
Owned, merged by `copier update`:

- new `.github/workflows/release-private.yml` (`hosting=github`, `publish=private-index`)
- new `checks.ini`
- changed `CONTRIBUTING.md` (`hosting=github`; before: every project)
- changed `noxfile.py`
- changed `pdm_build.py` (`build_backend=pdm-backend`, `versioning=git-tag`)
- gone `.pre-commit-config.yaml`

Mixed, merged around the owner's lines:

- changed `pyproject.toml`

Seeds, which `copier update` leaves alone:

- new `GUIDE.md` (`docs=sphinx`)
- changed `src/<package>/model.py` (`pipeline=model`)
"""
ANSWERS = """\
### Answers

- new `publish`: {help} (`pypi`, `private-index`, `nowhere`); what a project had before is the default
- `licence` takes the answer of `license`
- `min_python` has a new choice: `3.13`
"""


def configure(tree: Path, config: dict[str, Any]) -> None:
    """Write copier.yml."""
    (tree / "copier.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def head(tree: Path, heading: str) -> None:
    """Add to the changelog."""
    path = tree / "CHANGELOG.md"
    intro, _, rest = path.read_text(encoding="utf-8").partition("\n## ")
    path.write_text(f"{intro}\n{heading}\n\n{SAID}\n## {rest}", encoding="utf-8")


def older(tree: Path) -> None:
    """Release this template without a question and a choice that it has."""
    config = copy.deepcopy(CONFIG)
    config["publish"] = {"type": "str", "when": False, "default": "pypi"}
    config["min_python"]["choices"].remove("3.13")
    configure(tree, config)
    head(tree, "## 91.0.0")


def newer(tree: Path) -> None:
    """Release it with both, and with a change of each kind and class."""
    config = copy.deepcopy(CONFIG)
    config["_exclude"] += [f"{{{{ '{path}' if {when} else '' }}}}" for path, when in OPTIONAL.items()]
    config["licence"] = copy.deepcopy(config["license"]) | {"default": "{{ license }}"}
    config["license"] |= {"when": False}
    configure(tree, config)
    stage = "{{ if_model }}/src/{{ package_name }}/model.py"
    for name in ("noxfile.py", "pdm_build.py", "pyproject.toml.jinja", stage):
        with (tree / "template" / name).open("a", encoding="utf-8") as file:
            file.write("# changed\n")
    for name in ("checks.ini", "GUIDE.md"):
        (tree / "template" / name).write_text("New.\n", encoding="utf-8")
    (tree / "template" / ".pre-commit-config.yaml").unlink()
    head(tree, "## 92.0.0 (2030-01-01)")


OPTIONAL = {"/CONTRIBUTING.md": "hosting != 'github'", "/GUIDE.md": "docs != 'sphinx'"}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a repository with two releases more, of which the last has no tag; tests change nothing in it."""
    folder = tmp_path_factory.mktemp("published")
    bare = publish(folder)
    for tag, change in {OLD: older, NEW: newer}.items():
        (work := folder / tag).mkdir()
        add_release(bare, tag, work, change)
    git("tag", "--delete", NEW, folder=bare)
    return bare


@pytest.fixture(scope="module")
def two(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Release, Release]:
    """Give both releases."""
    folder = tmp_path_factory.mktemp("exported")
    return load(OLD, folder / OLD, repository=bare), load(NEW, folder / NEW, repository=bare)


@pytest.fixture
def _fast(two: tuple[Release, Release], renderer: Renderer) -> Iterator[None]:
    """Render with shortcuts; there is no git, so the releases are written out before."""
    assert two
    with renderer.fast():
        yield


@pytest.mark.usefixtures("_fast")
def test_notes_name_answers_and_files_by_class_and_option(two: tuple[Release, Release]) -> None:
    text = notes(*two)
    parts = text.partition("### Files")
    assert parts[0] == f"{SAID}\n{ANSWERS.format(help=CONFIG['publish']['help'])}\n"
    listed, _, end = parts[2].partition(".\n\n")[2].partition("\nTo take ")
    assert listed == FILES
    assert f"`nox -s update -- seeds {OLD}`" in end
    assert "`git apply -3`" in end


@pytest.mark.usefixtures("_fast")
def test_release_that_changes_nothing_says_so(two: tuple[Release, Release]) -> None:
    _, new = two
    text = notes(new, new, sample(new)[:2])
    assert "No question and no choice is new." in text
    assert text.endswith("None is new, changed or gone.\n")
    assert "git apply" not in text


@pytest.mark.usefixtures("_fast")
def test_first_release_lists_what_it_renders(two: tuple[Release, Release]) -> None:
    old, _ = two
    answers = sample(old)
    listed = changes(None, old, answers)
    assert {change.kind for change in listed} == {"new"}
    assert {change.path for change in listed} == {path for given in answers for path in old.render(given)}
    always = set.intersection(*(set(old.render(given)) for given in answers))
    assert {change.path for change in listed if not change.option} == always
    options = {change.path: change.option for change in listed}
    assert options["CITATION.cff"] == "`user_name` given"
    assert options["MANIFEST.in"] == "`build_backend=setuptools`"
    text = notes(None, old, answers[:1])
    assert "`license`, `min_python`" in text
    assert "git apply" not in text


def test_sample_holds_every_pair_that_the_release_has(two: tuple[Release, Release]) -> None:
    old, new = two
    wanted = [combination for combination in combinations() if combination["min_python"] != "3.13"]
    for combination in wanted:
        del combination["publish"]
    assert set().union(*map(pairs, sample(old))) == set().union(*map(pairs, wanted))
    assert {given["publish"] for given in sample(new)} == {"pypi", "private-index", "nowhere"}
    for release in two:
        assert {bool(given["user_name"]) for given in sample(release)} == {True, False}


CHANGELOG = "# Changelog\n\n## 0.10.0 (2026)\n\nTen.\n\n## 0.2.0\n\nTwo.\n\n## 0.1.0\n\n### Added\n\n- All.\n"


@pytest.mark.parametrize(
    ("old", "changelog", "said"),
    [
        ("v0.2.0", CHANGELOG, "Ten.\n"),
        ("v0.1.0", CHANGELOG, "## 0.10.0 (2026)\n\nTen.\n\n## 0.2.0\n\nTwo.\n"),
        (None, CHANGELOG[CHANGELOG.index("## 0.1.0") :], "### Added\n\n- All.\n"),
        ("v0.10.0", CHANGELOG, ""),
        ("v0.10.0", CHANGELOG.replace("## 0.10", "## Unreleased\n\n- Soon.\n\n## 0.10"), "- Soon.\n"),
        ("v0.1.0", "# Changelog\n", ""),
    ],
)
def test_excerpt_ends_at_the_older_release(old: str | None, changelog: str, said: str) -> None:
    assert excerpt(changelog, old) == said


@pytest.mark.parametrize(
    ("path", "class_"),
    [
        ("pyproject.toml", "mixed"),
        (".gitignore", "mixed"),
        ("README.md", "seed"),
        ("CONTRIBUTING.md", "owned"),
        ("docs/use.md", "seed"),
        ("docs/conf.py", "owned"),
        ("src/<package>/model.py", "seed"),
        ("src/<package>/cli.py", "owned"),
        ("src/<package>/__init__.py", "owned"),
        ("src/<package>/commands/train.py", "seed"),
        ("src/<package>/_internal/store.py", "owned"),
        ("tests/test_model.py", "seed"),
        ("tests/conftest.py", "owned"),
        (".github/workflows/ci.yml", "owned"),
    ],
)
def test_class_of_a_path_is_what_copier_yml_says(path: str, class_: str) -> None:
    assert class_of(path, CONFIG) == class_


def test_release_without_a_tag_is_due(bare: Path) -> None:
    assert due(bare) == {NEW: git("rev-parse", "main", folder=bare).strip()}


@pytest.mark.parametrize(
    ("words", "ends"),
    [
        ([], (OLD, NEW)),
        ([NEW], (OLD, NEW)),
        ([NEXT], (NEW, NEXT)),
        (["v0.1.0"], (None, "v0.1.0")),
        (["v0.1.0", NEW], ("v0.1.0", NEW)),
    ],
)
def test_words_name_the_two_ends(
    words: list[str], ends: tuple[str | None, str], bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(module, "_of_tags", lambda tags, _: f"{tags}\n")
    main(words, bare)
    assert capsys.readouterr().out == f"{ends}\n"


@pytest.mark.parametrize("words", [["v9.9.9"], ["v0.1.0", NEW, NEXT]])
def test_words_that_name_no_release_are_refused(words: list[str], bare: Path) -> None:
    with pytest.raises(SystemExit, match=r"give up to two of v0\.1\.0, .*, next, the older one first; got v"):
        main(words, bare)


def test_next_is_the_working_tree(tmp_path: Path) -> None:
    release = load(NEXT, tmp_path / "next")
    assert release.config == CONFIG
    assert release.changelog == (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_due_notes_are_written_for_the_workflow(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    (output := tmp_path / "output").write_text("earlier=1\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    monkeypatch.setattr(module, "sample", lambda release: sample(release)[:3])
    main(["--due", str(tmp_path / "notes")], bare)
    line = f'releases=[{{"tag": "{NEW}", "commit": "{releases(bare)[NEW]}"}}]\n'
    assert output.read_text(encoding="utf-8") == f"earlier=1\n{line}"
    assert capsys.readouterr().out == line
    [written] = (tmp_path / "notes").iterdir()
    assert written.name == f"{NEW}.md"
    assert written.read_text(encoding="utf-8").startswith(SAID)
    assert "- gone `.pre-commit-config.yaml`\n" in written.read_text(encoding="utf-8")


def test_nothing_is_due_when_all_is_tagged(tmp_path: Path, capsys: Any) -> None:
    bare = publish(tmp_path)
    main(["--due", str(tmp_path / "notes")], bare)
    assert json.loads(capsys.readouterr().out.partition("=")[2]) == []
    assert list((tmp_path / "notes").iterdir()) == []
