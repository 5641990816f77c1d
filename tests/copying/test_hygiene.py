"""A default render of each kind is small, complete, the same everywhere, and git and Windows take all of it."""

import csv
import hashlib
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest
from classes import classes, is_seed
from hygiene import complaints
from questions import KINDS, ROOT, SIZES, choices
from rendering import Renderer, contents

# SHA-256 of each SPDX text (spdx-license-list 6.12.0 on npm) without its copyright line, words joined by single blanks.
SPDX = {
    "MIT": "7c9b48b52decb9837c70f608678129e1ac79e056829c8d1e82e8cdd8aed562f8",
    "BSD-3-Clause": "70435d703f5e4bdca9a1fa6b9291501b0dd850d2ad5457b491ce936217b1e063",
    "Apache-2.0": "0649bc87ac07c40d996369e9e058b11734e3eedb25ae8be9e6293f1efb340353",
}
FORBIDDEN = re.compile(r'[<>:"|?*\\]|[. ]$|^(?i:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)')
TOLD = {".copier-answers.yml"}  # it names the kind and the size
# Tests of what is no single module: commands, plugins, behaviour at its edges, the notebook.
WHOLE = {"test_notebook", "test_commands", "test_plugins"}
EDGES = {"test_bad_input.py"}  # of etl; those of the model are in tests/owned
# Renders with the clock ahead: template, folder and seconds are the arguments.
LATER = """
import datetime, sys, time
template, folder, ahead = sys.argv[1], sys.argv[2], float(sys.argv[3])
clock, broken, form = time.time, time.localtime, time.strftime
time.time = lambda: clock() + ahead
time.localtime = lambda seconds=None: broken(time.time() if seconds is None else seconds)
time.gmtime = time.localtime
time.strftime = lambda pattern, moment=None: form(pattern, moment or time.localtime())
class Later(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)
    today = utcnow = now
datetime.datetime = Later
import copier
copier.run_copy(template, folder, data={"project_name": "Tide gauge", "user_name": "Ada"}, defaults=True, quiet=True)
"""


@pytest.fixture(scope="module")
def kinds(renderer: Renderer) -> dict[str, dict[str, bytes]]:
    """Render a project of each kind, with default answers else."""
    answers = {"project_name": "Tide gauge", "package_name": "tide_gauge"}
    return {kind: contents(renderer.render(answers | {"pipeline": kind})) for kind in KINDS}


@pytest.fixture(params=KINDS)
def files(request: pytest.FixtureRequest, kinds: dict[str, dict[str, bytes]]) -> dict[str, bytes]:
    """Give one of them."""
    return kinds[request.param]


def test_kinds_share_what_is_owned(kinds: dict[str, dict[str, bytes]]) -> None:
    """But for what only one of them has; what the answers decide is compared with that left out."""
    for one, other in itertools.combinations(kinds.values(), 2):
        both = [path for path in one.keys() & other.keys() if classes(path) == ["owned"] and path not in TOLD]
        assert len(both) > 20
        assert [path for path in both if one[path] != other[path]] == []


def test_sample_is_the_palmer_penguins(files: dict[str, bytes]) -> None:
    [sample] = [data.decode() for path, data in files.items() if path.endswith("penguins.csv")]
    rows = [*csv.DictReader(sample.splitlines())]
    assert (len(rows), len(rows[0])) == (344, 8)
    assert sum(value in {"", "NA"} for row in rows for value in row.values()) == 19
    assert {row["species"] for row in rows} == {"Adelie", "Chinstrap", "Gentoo"}


@pytest.mark.parametrize("kind", KINDS)
def test_size_decides_which_owned_files_there_are_and_never_what_is_in_one(kind: str, renderer: Renderer) -> None:
    answers = {"project_name": "Tide gauge", "pipeline": kind}
    lean, full = (contents(renderer.render(answers | {"size": size})) for size in SIZES)
    mixed = {path for path in lean if classes(path) == ["mixed"]}
    assert [path for path in lean if lean[path] != full.get(path) and path not in TOLD | mixed] == []
    assert full.keys() > lean.keys()
    assert [path for path in full.keys() - lean.keys() if classes(path) != ["owned"]] == []


def test_default_render_is_clean(files: dict[str, bytes]) -> None:
    assert complaints(files, {}) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.md", "x \n"), ("a.md", "x\n\n\nx\n"), ("a.md", "x"), ("a.md", "x\n\n"), ("a.md", "# TODO\n"),
        ("a.md", "{{ x }}\n"), ("a.md", "x\r\n"), ("a.toml", "x\n"), ("a.yml", "x: [\n"),
        ("a.json", "{]\n"), ("a.py", "x =\n"),
    ],
)  # fmt: skip
def test_untidy_file_would_be_seen(path: str, text: str) -> None:
    assert complaints({path: text.encode()}, {})


@pytest.mark.parametrize("hosting", choices("hosting"))
def test_windows_takes_every_path(hosting: str, renderer: Renderer) -> None:
    paths = contents(renderer.render({"hosting": hosting, "package_name": "a" * 40}))
    assert [path for path in paths if any(map(FORBIDDEN.search, PurePosixPath(path).parts))] == []
    assert len({path.casefold() for path in paths}) == len(paths)
    assert max(map(len, paths)) <= 120


@pytest.mark.parametrize("hosting", choices("hosting"))
def test_git_ignores_nothing_that_is_rendered(hosting: str, renderer: Renderer) -> None:
    project = renderer.render({"hosting": hosting, "user_name": "Ada"})
    paths = "\n".join(contents(project))
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    words = ["git", "check-ignore", "--no-index", "--verbose", "--stdin"]
    ignored = subprocess.run(words, cwd=project, input=paths, capture_output=True, text=True, check=False)
    assert (ignored.stdout, ignored.returncode) == ("", 1)


@pytest.mark.parametrize("license_", choices("license"))
def test_licence_is_the_spdx_text_but_for_the_copyright_line(license_: str, renderer: Renderer) -> None:
    text = (renderer.render({"license": license_, "user_name": "Ada"}) / "LICENSE").read_text(encoding="utf-8")
    [line] = [line for line in text.splitlines() if line.startswith("Copyright ")]
    assert line == "Copyright (c) Ada"
    words = " ".join(text.replace(line, "").split())
    assert license_ not in SPDX or hashlib.sha256(words.encode()).hexdigest() == SPDX[license_]


def test_tests_mirror_the_modules(files: dict[str, bytes]) -> None:
    modules = {
        path.removeprefix("src/tide_gauge/") for path in files if path.startswith("src/") and path.endswith(".py")
    }
    modules = {path for path in modules if not path.startswith(("commands/", "plugins/", "__")) and "/__" not in path}
    modules = {path for path in modules if is_seed(f"src/tide_gauge/{path}")}  # tests/owned has those of the others
    wanted = {re.sub(r"(\w+)\.py$", r"test_\1.py", path) for path in modules} | {f"{name}.py" for name in WHOLE}
    have = {path.removeprefix("tests/") for path in files if re.fullmatch(r"tests/(.*/)?test_\w+\.py", path)}
    assert wanted <= have <= wanted | EDGES


def later(template: Path, folder: Path, years: float, **environment: str) -> dict[str, bytes]:
    """Render in a process of its own, some years ahead, in another environment."""
    words = [sys.executable, "-X", "utf8=0", "-c", LATER, str(template), str(folder), str(years * 366 * 86400)]
    subprocess.run(words, env=os.environ | environment, check=True, cwd=ROOT)
    return contents(folder)


def test_render_is_the_same_in_any_year_locale_and_folder(template: Path, tmp_path: Path) -> None:
    here = later(template, tmp_path / "here", 0, LC_ALL="C.UTF-8", PYTHONHASHSEED="1", TZ="UTC")
    there = later(template, tmp_path / "over" / "thère", 7, LC_ALL="C", PYTHONHASHSEED="2", TZ="Asia/Tokyo")
    assert here == there


def test_render_that_depends_on_the_year_would_be_seen(tmp_path: Path) -> None:
    (template := tmp_path / "template").mkdir()
    (template / "copier.yml").write_text("project_name:\n  type: str\n")
    (template / "year.jinja").write_text("{{ '%Y' | strftime }}\n")
    assert later(template, tmp_path / "here", 0) != later(template, tmp_path / "there", 7)
