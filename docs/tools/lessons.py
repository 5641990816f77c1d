"""Lessons: a Markdown page, read as steps; from the steps, a notebook; from the headings, slides."""

import json
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt

__all__ = ["FOLDER", "PAGES", "Step", "notebook", "slides", "steps", "write"]

FOLDER = Path(__file__).parents[1] / "lessons"
PAGES = sorted(FOLDER.glob("[0-9]*.md"))
TURN = "Your turn"
"""The heading of the exercise: what is below it works once the solution is there."""

_FENCE = re.compile(
    r"(?:^`(?P<path>[^`\n]+)`:\n\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```\n", re.MULTILINE | re.DOTALL
)
_SERVER = """\
import socket, subprocess, time

server = subprocess.Popen({command!r}, shell=True, start_new_session=True)
while socket.socket().connect_ex(("localhost", {port})):
    time.sleep(0.1)"""
_CARRY = "import os\nfrom pathlib import Path\n\nPath({folder!r}).mkdir()\nos.chdir({folder!r})"


@dataclass(frozen=True)
class Step:
    """A part of a page.

    Attributes
    ----------
    kind
        "text" (Markdown), "file" or "command".
    text
        Markdown, what the file holds, or lines to type into a shell.
    path
        Of the file, in the folder of the lesson.
    output
        What the commands print; ``...`` stands for any text, None for output that does not matter.
    solved
        Whether the step stands below the exercise.
    """

    kind: str
    text: str
    path: str = ""
    output: str | None = None
    solved: bool = False


def steps(page: Path) -> list[Step]:
    """Read a page: prose, files to write, commands to type with what they print."""
    text, found, end = page.read_text(encoding="utf-8"), [], 0
    turn = text.index(f"## {TURN}")
    for fence in _FENCE.finditer(text):
        if prose := text[end : fence.start()].strip():
            found.append(Step("text", prose, solved=end > turn))
        end, path, language, content = fence.end(), *fence.group("path", "language", "text")
        solved = fence.start() > turn
        if path:
            found.append(Step("file", content, path))
        elif language == "console":
            found.append(Step("command", content, solved=solved))
        elif language == "text":
            found[-1] = Step("command", found[-1].text, output=content, solved=solved)
    return found


def notebook(page: Path) -> str:
    """Make a notebook of a page; it writes the starting files into a folder of its own."""
    cells = [_code(_CARRY.format(folder=f"lesson-{page.stem}"))]
    start = FOLDER / page.stem / "start"
    files = sorted(path for path in start.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    cells += [_file(path.relative_to(start).as_posix(), path.read_text(encoding="utf-8")) for path in files]
    for step in steps(page):
        if step.kind == "text":
            cells.append(_cell("markdown", step.text))
        elif step.kind == "file":
            cells.append(_file(step.path, step.text))
        else:
            cells.append(_shell(step.text))
    if any("server = " in str(cell["source"]) for cell in cells):
        cells.append(_code("os.killpg(server.pid, 15)  # stop the index"))
    numbered = [{"id": f"cell-{number}", **cell} for number, cell in enumerate(cells)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book = {"cells": numbered, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def _cell(kind: str, text: str) -> dict[str, object]:
    return {"cell_type": kind, "metadata": {}, "source": text.rstrip("\n").splitlines(keepends=True)}


def _code(text: str) -> dict[str, object]:
    return _cell("code", text) | {"execution_count": None, "outputs": []}


def _file(path: str, text: str) -> dict[str, object]:
    """Write a file; the cell shows it as the page does."""
    folder = path.rpartition("/")[0]
    made = f"Path({folder!r}).mkdir(parents=True, exist_ok=True)\n" if folder else ""
    quoted = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return _code(f'{made}Path({path!r}).write_text("""\\\n{quoted}""", encoding="utf-8");')


def _shell(commands: str) -> dict[str, object]:
    """Type commands; one that stays in the background is started and waited for."""
    if server := re.search(r"^(.* -p (\d+) .*) &$", commands, re.MULTILINE):
        return _code(_SERVER.format(command=commands.removesuffix(" &\n"), port=server[2]))
    return _code(f"%%bash --no-raise-error\n{commands}")


def slides(pages: list[Path]) -> str:
    """Make one page of slides: a slide for each heading, no file beside it."""
    shown = []
    for page in pages:
        text = re.sub(r"\]\((?!https:)[^)]+\)", "]()", page.read_text(encoding="utf-8"))
        for part in re.split(r"(?m)^(?=##? )", text)[1:]:
            body = re.sub(r'<a href="">(.*?)</a>', r"\1", MarkdownIt("commonmark").enable("table").render(part))
            shown.append(f'<section aria-label="{escape(part.partition(chr(10))[0].strip("# "))}">{body}</section>')
    frame = Path(__file__).with_name("slides.html").read_text(encoding="utf-8")
    return frame.replace("<!-- slides -->", "\n".join(shown))


def write(folder: Path) -> None:
    """Write the notebooks and the slides."""
    folder.mkdir(parents=True, exist_ok=True)
    for page in PAGES:
        (folder / f"{page.stem}.ipynb").write_text(notebook(page), encoding="utf-8")
    (folder / "slides.html").write_text(slides(PAGES), encoding="utf-8")
