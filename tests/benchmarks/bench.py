"""How long things take, side by side: `nox -s bench`. Fails where a limit of the design is passed."""

import contextlib
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from combinations import combinations, with_texts
from hygiene import complaints
from measuring import N_RUNS, side_by_side, timed
from pytest_copie.plugin import Copie
from rendering import Renderer, contents, snapshot
from wheels import build_wheel

__all__: list[str] = []

N_SAMPLE = 60
EVERY = combinations()
QUESTION = "\nextra:\n  type: bool\n  help: Is this one more question?\n  default: true\n"

# Prints milliseconds: to find none, to find and to load each of 100; the medians of several runs.
PLUGINS = """
import statistics, sys, time
from importlib import import_module
from pathlib import Path
registry = import_module(f"{sys.argv[1]}._internal.registry")
folder = Path(sys.argv[2])
def median(work, *words, runs=15):
    clock = time.perf_counter
    return statistics.median([-clock() + (work(*words), clock())[1] for _ in range(runs)]) * 1000
def find(folder=None):
    return registry._find(folder, only_built_in=False)
none = median(find)
for number in range(100):
    code = f"def transform(frame, *, low: float = {number}):\\n    return frame\\n"
    (folder / f"plugin{number}.py").write_text(code)
found, broken = find(folder)
assert len(found) - len(find()[0]) == 100 and not broken
print(none, median(find, folder) / 100, median(registry.survey, folder, runs=1) / 100)
"""

_passed: list[str] = []


def say(what: str, measured: float, unit: str, limit: float = float("inf")) -> None:
    """Print a line, and remember a limit that is passed."""
    within = "" if limit == float("inf") else f"  (limit {limit:g})"
    print(f"{what:58} {measured:8.3f} {unit}{within}", flush=True)  # noqa: T201
    if measured > limit:
        _passed.append(f"{what}: {measured:.3f} {unit}, limit {limit:g}")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Drop what copier and the backends say."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def bench_matrix(folder: Path) -> None:
    """Measure a combination, and what one more question costs it."""
    with quiet():
        renderer = Renderer(Copie(folder, _new(folder, "projects"), folder), snapshot(_new(folder, "template")))
    spent = {"render": 0.0, "build": 0.0, "check": 0.0}
    numbers = range(0, len(EVERY) - 1, len(EVERY) // N_SAMPLE)
    for warm in (True, False):
        for number in [other + 1 for other in numbers] if warm else numbers:  # of thousands few are cold
            clock = [time.perf_counter()]
            answers = with_texts(number, EVERY[number])
            with renderer.fast(), quiet():
                project = renderer.render(answers)
            clock.append(time.perf_counter())
            files = contents(project)
            with quiet():
                build_wheel(project, folder / f"dist-{number}-{warm}")
            clock.append(time.perf_counter())
            complaints(files, answers)
            clock.append(time.perf_counter())
            for step, start, end in zip(spent, clock, clock[1:], strict=False):
                spent[step] += 0 if warm else (end - start) / len(numbers)
    each = sum(spent.values())
    say("a combination, one worker", each, "s", 0.10)
    for step, seconds in spent.items():
        say(f"  of which to {step}", 100 * seconds / each, "%")
    say(f"all {len(EVERY)} combinations, two workers", each * len(EVERY) / 120, "min", 4)
    before = renders(renderer)
    with (renderer.template / "copier.yml").open("a", encoding="utf-8") as file:
        file.write(QUESTION)
    say(f"a render with one more question, {2 * len(EVERY)} combinations", renders(renderer) / before, "x")


def renders(renderer: Renderer) -> float:
    """Give the median seconds of a render, when as many were made before."""
    with renderer.fast(), quiet():
        seconds = [timed(renderer.render, with_texts(n, EVERY[n])) for n in range(4 * N_RUNS)]
        return statistics.median(seconds[2 * N_RUNS :])


def bench_copy(folder: Path) -> None:
    """Compare `copier copy` with that of one file, and of as many files that need no rendering.

    Copier's own cost of a path, about 5 ms, is 1.3 times the whole of a copy of one file for 57 files in one folder: no
    template of this size can do better. What the template adds by its questions and its Jinja has the limit.
    """
    whole = snapshot(_new(folder, "whole"))
    (one := _new(folder, "one") / "template").mkdir()
    (one / "file.txt").write_text("one line\n")
    plain = _new(folder, "plain")
    with quiet():
        rendered = Renderer(Copie(folder, _new(folder, "rendered"), folder), whole).render({})
    for path in contents(rendered):
        target = plain / "template" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("one line\n")
    for template in (one.parent, plain):
        (template / "copier.yml").write_text("_subdirectory: template\n")
    copy = [sys.executable, "-m", "copier", "copy", "--defaults"]
    commands = [[*copy, str(template), "NEW/project"] for template in (one.parent, plain, whole)]
    least, floor, ours = side_by_side(*commands, cwd=folder)
    say("copier copy of one file", least, "s")
    say("copier copy of as many plain files, against that", floor / least, "x")
    say("copier copy of the template, against one file", ours / least, "x")
    say("copier copy of the template, against as many plain files", ours / floor, "x", 1.3)


def bench_help(script: str, folder: Path) -> None:
    """Compare the command line's --help with what it cannot do without."""
    python = [sys.executable, "-c"]
    words = [[*python, "pass"], [*python, "import click"], [str(Path(sys.executable).with_name(script)), "--help"]]
    bare, click, shown = side_by_side(*words, cwd=folder)
    say("bare interpreter", bare, "s")
    say("--help, against python -c 'import click'", shown / click, "x", 1.5)
    say("--help, against a bare interpreter", shown / bare, "x", 6)


def bench_plugins(project: Path, folder: Path) -> None:
    """Measure how long it takes to find plugins, and to load them, in an environment with a project and what it needs.

    Without plugins it is the number of installed distributions that counts: each may have some.
    """
    python = _new(folder, "env") / "bin" / "python"
    subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, str(folder / "env")], check=True)
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", str(python), str(project)], check=True)
    [package] = (path.parent.name for path in project.glob("src/*/__init__.py"))
    words = [str(python), "-c", PLUGINS, package, str(_new(folder, "plugins"))]
    found = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    none, each, loaded = (float(word) for word in found.split())
    n_installed = len([*folder.glob("env/lib/*/site-packages/*.dist-info")])
    say(f"finding plugins where there are none, {n_installed} distributions", none, "ms", 1)
    say("finding 100 plugins in a folder, each", each, "ms", 1)
    say("loading 100 plugins, each", loaded, "ms")


def _new(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as name:
        bench_matrix(Path(name))
        bench_copy(Path(name))
        bench_help(sys.argv[1], Path(name))
        bench_plugins(Path(sys.argv[2]), Path(name))
    sys.exit("\n".join(["", *_passed]) if _passed else 0)
