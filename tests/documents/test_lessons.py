"""Each lesson works as it is written, on the oldest and the newest Python here, and its exercise has a solution."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import interpreters
import pytest
from lessons import FOLDER, PAGES, Step, notebook, slides, steps
from releases import git, publish

HERE = [version for version in ("3.11", "3.12", "3.13", "3.14", "3.15") if interpreters.find(version)]
EDGES = sorted({HERE[0], HERE[-1]}, key=HERE.index)
PORT = "8765"
USES_TEMPLATE = "copier copy"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands are for a POSIX shell")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give git settings with which the template is at gh:org/copier-datascience."""
    work = tmp_path_factory.mktemp("hub")
    address = "https://github.com/org/copier-datascience.git"
    git("config", "--file", "gitconfig", f"url.{publish(work)}.insteadOf", address, folder=work)
    return work / "gitconfig"


def typing_environment() -> dict[str, str]:
    """Give the environment of somebody who has Python and uv, and nothing of the tests."""
    ours = {"UV_PYTHON", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"NO_COLOR": "1", "NO_PROXY": "localhost", "UV_PYTHON_DOWNLOADS": "never", "no_proxy": "localhost"}


def free_port() -> str:
    """Find a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return str(free.getsockname()[1])


class Learner:
    """Somebody who types what a page says."""

    def __init__(self, folder: Path, version: str, settings: Path | None) -> None:
        """Take a folder with the starting files and a Python."""
        self.folder = folder
        self.servers: list[subprocess.Popen[bytes]] = []
        programs = folder.with_name("programs")
        programs.mkdir()
        python = Path(str(interpreters.find(version)))
        (programs / "python").write_text(f'#!/bin/sh\nexec "{python}" "$@"\n', encoding="utf-8")
        (programs / "python").chmod(0o755)
        self.environment = typing_environment() | {"PATH": os.pathsep.join([str(programs), interpreters.PATH])}
        if settings:
            self.environment["GIT_CONFIG_GLOBAL"] = str(settings)
        self.port = free_port()

    def stop(self) -> None:
        """End the servers."""
        for server in self.servers:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()

    def take(self, step: Step) -> None:
        """Write the file, or type the commands and compare what they print."""
        if step.kind == "file":
            (path := self.folder / step.path).parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, encoding="utf-8")
        elif step.kind == "command":
            code, printed = self.type(step.text)
            if step.output is None:
                assert code == 0, f"{step.text}\n{printed}"
            else:
                assert fits(printed, step.output), f"{step.text}\nprinted\n{printed}\nand not\n{step.output}"

    def type(self, commands: str) -> tuple[int, str]:
        """Type commands; a server is left running, and waited for."""
        commands = commands.replace(PORT, self.port)
        if server := re.search(r"^(.*) &$", commands, re.MULTILINE):
            commands = commands[: server.start()]
        words = ["sh", "-c", f"exec 2>&1\n{commands}"]
        done = subprocess.run(
            words, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False
        )
        if server:
            self.serve(server[1])
        return done.returncode, done.stdout.decode()

    def serve(self, command: str) -> None:
        """Start a server and wait until it answers."""
        words = ["sh", "-c", f"exec {command} 2> server.log"]
        server = subprocess.Popen(words, cwd=self.folder, env=self.environment, start_new_session=True)
        self.servers.append(server)
        for _ in range(600):
            with socket.socket() as client:
                if not client.connect_ex(("localhost", int(self.port))):
                    return
            time.sleep(0.1)
        pytest.fail(f"{command} does not answer")


def fits(printed: str, output: str) -> bool:
    """Say whether commands printed what the page shows; ``...`` stands for anything."""
    pattern = ".*".join(map(re.escape, output.rstrip("\n").split("...")))
    return re.fullmatch(pattern, printed.rstrip("\n"), re.DOTALL) is not None


@pytest.fixture
def learner(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Learner]:
    """Start a lesson: `page` and `version` are parameters of the test."""
    page, version = request.getfixturevalue("page"), request.getfixturevalue("version")
    shutil.copytree(FOLDER / page.stem / "start", tmp_path / "lesson")
    uses = USES_TEMPLATE in page.read_text(encoding="utf-8")
    learner = Learner(tmp_path / "lesson", version, request.getfixturevalue("hub") if uses else None)
    yield learner
    learner.stop()


def lesson(page: Path) -> str:
    """Name a page in the report of the tests."""
    return page.stem


def play(page: Path, learner: Learner, *, whole: bool) -> None:
    """Take the steps of a page; the exercise fails before its solution is there, and works with it."""
    found = steps(page)
    for step in found:
        if not step.solved and (whole or "uv run" not in step.text):
            learner.take(step)
    [exercise] = [step for step in found if step.solved and step.kind == "command"]
    assert learner.type(exercise.text)[0] != 0, "the exercise is solved before it begins"
    shutil.copytree(FOLDER / page.stem / "solution", learner.folder, dirs_exist_ok=True)
    learner.take(exercise)


@pytest.mark.parametrize("version", EDGES)
@pytest.mark.parametrize("page", PAGES, ids=lesson)
def test_lesson_goes_from_the_start_to_the_solution(page: Path, version: str, learner: Learner) -> None:
    assert version in EDGES
    play(page, learner, whole=False)


@pytest.mark.projects
@pytest.mark.parametrize("version", EDGES[-1:])
@pytest.mark.parametrize("page", [page for page in PAGES if "uv run" in page.read_text(encoding="utf-8")], ids=lesson)
def test_lesson_that_installs_a_project_works(page: Path, version: str, learner: Learner) -> None:
    assert version in EDGES
    play(page, learner, whole=True)


def test_there_are_seven_lessons_of_at_most_150_lines() -> None:
    assert len(PAGES) == 7
    assert {page.stem: len(page.read_text(encoding="utf-8").splitlines()) for page in PAGES}.items() <= {
        (page.stem, lines) for page in PAGES for lines in range(151)
    }


@pytest.mark.parametrize("page", PAGES, ids=lesson)
def test_every_line_of_a_block_is_a_step(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    found = steps(page)
    shown = [step.text for step in found if step.kind != "text"] + [step.output for step in found if step.output]
    assert text.count("\n```\n") + text.endswith("\n```") == len(shown)
    assert found[0].kind == "text"
    assert found[1].kind == "command"
    assert [step.output for step in found if step.solved and step.kind == "command"] == ["solved\n"]


def test_what_a_page_shows_is_compared() -> None:
    assert fits("a\nb\n", "a\n...\n")
    assert fits("x: Error\n", "...Error\n")
    assert not fits("a\nb\n", "a\n")
    assert not fits("ab\n", "a.\n")


def test_slides_have_one_for_each_heading_and_no_file_beside_them() -> None:
    page = slides(PAGES)
    headings = sum(len(re.findall(r"(?m)^##? ", path.read_text(encoding="utf-8"))) for path in PAGES)
    comments = sum(
        len(re.findall(r"(?m)^# ", step.text)) for path in PAGES for step in steps(path) if step.kind == "file"
    )
    assert page.count("<section") == headings - comments
    assert not re.findall(r'(?:src|href)="(?!https:|data:)', page)
    assert "<script>" in page


@pytest.mark.site
@pytest.mark.parametrize("page", PAGES, ids=lesson)
def test_notebook_of_a_lesson_runs_and_prints_what_the_page_shows(page: Path, tmp_path: Path, hub: Path) -> None:
    nbformat = pytest.importorskip("nbformat")  # in the environment of the site alone
    client = pytest.importorskip("nbclient")
    book = nbformat.reads(notebook(page).replace(PORT, free_port()), as_version=4)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert not [cell for cell in code if cell.outputs]
    book.cells = [cell for cell in book.cells if "uv run" not in cell.source and not cell.source.endswith("check.py")]
    paths = os.pathsep.join([str(Path(sys.executable).parent), interpreters.PATH])
    environment = typing_environment() | {
        "PATH": paths,
        "GIT_CONFIG_GLOBAL": str(hub),
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - set(environment):
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        resources = {"metadata": {"path": str(tmp_path)}}
        client.NotebookClient(book, kernel_name="python3", timeout=120, resources=resources).execute()
    wanted = [step for step in steps(page) if step.kind == "command" and not step.solved]
    wanted = [step for step in wanted if "uv run" not in step.text and not step.text.endswith(" &\n")]
    shown = [cell for cell in book.cells if cell.source.startswith("%%bash")]
    assert len(shown) == len(wanted)
    for cell, step in zip(shown, wanted, strict=True):
        printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
        assert step.output is None or fits_in_any_order(printed, step.output), f"{step.text}\n{printed}"


def fits_in_any_order(printed: str, output: str) -> bool:
    """Say the same of a notebook, which collects errors apart from what is printed."""
    lines = printed.splitlines()
    return all(any(fits(line, f"...{part}...") for line in lines) for part in output.splitlines() if part != "...")
