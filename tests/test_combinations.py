"""Every combination of answers renders a clean project and builds a right wheel.

The fast way takes all combinations; a sample takes the slow way, which users take, and must give the same files. The
sample holds every choice, with `--long` every pair of choices.
"""

import hashlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from combinations import as_typed, choicewise, combinations, command, pairs, pairwise, with_texts
from expectations import check_metadata
from hygiene import complaints
from questions import ASKED, choices
from rendering import Renderer, contents
from samples import cases
from twine.commands import check as twine
from wheels import TAGGED, Wheel, build_wheel

EVERY = combinations()
SAMPLE, QUICK = pairwise(EVERY), choicewise(EVERY)
has_signals = pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="a signal stops builds")
LIGHT = """
import importlib.metadata, sys
sys.path.insert(0, sys.argv[1])
before = set(sys.modules)
package = __import__(sys.argv[2])
assert package.__file__.startswith(sys.argv[1]), package.__file__
assert package.__version__ == importlib.metadata.version(sys.argv[3])
heavy = {"click", "numpy", "polars", "narwhals", "pydantic", "sklearn", "matplotlib"} & (set(sys.modules) - before)
assert not heavy, f"import loads {heavy}"
[script] = importlib.metadata.distribution(sys.argv[3]).entry_points.select(group="console_scripts")
assert callable(script.load())
"""

_imported: set[str] = set()


def _name(number: int) -> str:
    return "-".join(str(value) for value in EVERY[number].values())


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder for all combinations: to make one for each, pytest would look through all before."""
    return tmp_path_factory.mktemp("combinations")


@pytest.mark.matrix
@has_signals
@pytest.mark.parametrize("number", range(len(EVERY)), ids=_name)
def test_combination_builds_its_wheel(
    number: int, renderer: Renderer, shelf: Path, record_property: Callable[[str, object], None]
) -> None:
    answers = with_texts(number, EVERY[number])
    (folder := shelf / str(number)).mkdir()
    clock = [time.perf_counter()]
    try:
        project = renderer.copy(folder / "project", answers)
        clock.append(time.perf_counter())
        files = contents(project)  # backends leave things behind
        wheel = build_wheel(project, folder / "dist")
        clock.append(time.perf_counter())
        assert complaints(files, answers) == []
        assert wheel.package == {path[4:]: data for path, data in files.items() if path.startswith("src/")}
        check_metadata(wheel, answers, files, version=TAGGED if answers.get("versioning") == "git-tag" else "0.1.0")
        assert not twine.check([str(wheel.path)], strict=True), "twine check --strict"
        check_import(wheel, answers["package_name"])
    except Exception as error:
        error.add_note(f"To see it: {as_typed(answers)}")
        raise
    shutil.rmtree(folder)
    clock.append(time.perf_counter())
    for step, start, end in zip(["render", "build", "check"], clock, clock[1:], strict=False):
        record_property(f"seconds to {step}", end - start)


def check_import(wheel: Wheel, package: str) -> None:
    """Import a wheel as it is, zipped; the same contents once."""
    digest = hashlib.sha256(repr(sorted(wheel.package.items())).encode()).hexdigest()
    if digest not in _imported:
        words = [sys.executable, "-I", "-c", LIGHT, str(wheel.path), package, package.replace("_", "-")]
        subprocess.run(words, check=True)
        _imported.add(digest)


@pytest.mark.matrix
@pytest.mark.slow
@pytest.mark.parametrize("number", cases(dict.fromkeys([*QUICK, *SAMPLE]), QUICK, _name))
def test_slow_way_gives_the_same_wheel(number: int, renderer: Renderer, tmp_path: Path) -> None:
    answers = with_texts(number, EVERY[number])
    slow = tmp_path / "project"
    run(*command(answers, template=str(renderer.template), destination=str(slow)), cwd=tmp_path)
    rendered = contents(slow)
    if answers.get("versioning") == "git-tag":
        for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "First"], ["tag", f"v{TAGGED}"]):
            run("git", *words, cwd=slow)
    run("uv", "build", "--quiet", "--python", sys.executable, cwd=slow)
    [path] = (slow / "dist").glob("*.whl")
    with renderer.fast():
        project = renderer.render(answers)
    assert rendered == contents(project)
    fast = build_wheel(project, tmp_path / "dist")
    assert _comparable(Wheel(path)) == _comparable(fast)


def run(*words: str, cwd: Path) -> None:
    """Run a command as a user would; pytest shows what it printed."""
    subprocess.run(words, cwd=cwd, check=True, stdin=subprocess.DEVNULL)


def _comparable(wheel: Wheel) -> dict[str, bytes]:
    """Give a wheel's contents without what names the backend's own release, or sums it up."""
    return {
        name: data for name, data in wheel.files.items() if not name.endswith((".dist-info/WHEEL", ".dist-info/RECORD"))
    }


@has_signals
def test_build_that_fails_says_why_and_the_next_one_goes_on(renderer: Renderer, tmp_path: Path) -> None:
    project = renderer.render({"package_name": "tides", "build_backend": "flit-core"})
    whole = (path := project / "pyproject.toml").read_text(encoding="utf-8")
    path.write_text(whole.replace('name = "tides"', ""), encoding="utf-8")
    with pytest.raises(RuntimeError, match=r"(?s)the build of .* ended with 1:.*name must be specified"):
        build_wheel(project, tmp_path / "nameless")
    path.unlink()
    with pytest.raises(RuntimeError, match=r"No such file or directory: .*pyproject\.toml"):
        build_wheel(project, tmp_path / "missing")
    path.write_text(whole, encoding="utf-8")
    assert build_wheel(project, tmp_path / "whole").metadata["Name"] == "tides"


def test_samples_hold_every_choice_and_every_pair_of_choices() -> None:
    assert {choice for number in QUICK for choice in EVERY[number].items()} == {
        choice for answers in EVERY for choice in answers.items()
    }
    assert set().union(*(pairs(EVERY[number]) for number in SAMPLE)) == set().union(*map(pairs, EVERY))


def test_every_choice_is_combined() -> None:
    assert len({tuple(answers.items()) for answers in EVERY}) == len(EVERY)
    for key in ASKED:
        if values := choices(key):
            assert {answers[key] for answers in EVERY if key in answers} == set(values)


def test_backends_without_tags_are_not_asked_for_them() -> None:
    able = {answers["build_backend"] for answers in EVERY if "versioning" in answers}
    assert able == {"hatchling", "setuptools", "pdm-backend"}
