"""Render many projects with pytest-copie, from a snapshot, leaving out what costs time and changes nothing.

A shortcut is taken when it is seen, on one render, to write the same files and to serve. Should copier change
underneath, it is left out, with the reason among the warnings: renders are slower then, and no less right.
"""

import os
import re
import shutil
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import copier
from pytest_copie.plugin import Copie
from questions import ROOT, check
from shortcuts import SHORTCUTS

__all__ = ["Renderer", "contents", "rendered_path", "snapshot"]

_SOME = {"project_name": "Tide gauge"}  # the default is the name of the folder
JUNK = shutil.ignore_patterns("__pycache__", "*.pyc", ".*_cache")


def snapshot(folder: Path) -> Path:
    """Copy what copier reads, without git and what running the tools left behind."""
    shutil.copytree(ROOT / "template", folder / "template", ignore=JUNK)
    shutil.copy(ROOT / "copier.yml", folder)
    return folder


def contents(project: Path) -> dict[str, bytes]:
    """Read a folder whole: the bytes of each file by its path; an empty folder's path ends in a slash."""
    found = {}
    for folder, folders, files in os.walk(project):
        path = Path(folder).relative_to(project)
        found.update({(path / name).as_posix(): Path(folder, name).read_bytes() for name in files})
        if not folders and not files:
            found[f"{path.as_posix()}/"] = b""
    return found


def rendered_path(path: str, package: str) -> str:
    """Give the path in a project of a file below `template/`, without looking at options."""
    path = re.sub(r"^\{\{ if_\w+ \}\}/", "", path).removesuffix(".jinja")
    return path.replace("{{ package_name }}", package).replace("{{ _copier_conf.answers_file }}", ".copier-answers.yml")


class Renderer:
    """Renders combinations of answers.

    Attributes
    ----------
    template
        A snapshot of the template.
    problems
        Why a shortcut is left out, by its name; empty while all fit.
    """

    def __init__(self, copie: Copie, template: Path) -> None:
        """Prove the shortcuts on one render: all at once, or one after the other to see which do not fit."""
        self.copie, self.template = copie, template
        self.problems: dict[str, str] = {}
        plain = contents(self.render(_SOME))
        if self._problem(SHORTCUTS, plain):
            self.problems = dict.fromkeys(SHORTCUTS, "not tried yet")
        for name in list(self.problems):
            self.problems.pop(name)
            if problem := self._problem([name], plain):
                self.problems[name] = problem
                warnings.warn(f"renders take no shortcut past {name}: {problem}", stacklevel=2)

    def _problem(self, names: Iterable[str], plain: dict[str, bytes]) -> str | None:
        """Say what is wrong with the newest shortcuts; None if nothing is."""
        try:
            with self.fast() as served:
                self.render(_SOME)  # what is kept is used from the second on
                fast = contents(self.render(_SOME))
        except Exception as error:  # noqa: BLE001 - whatever copier turns into, the plain way is left
            return f"copier fails with {error!r}"
        idle = [name for name in names if not served[name]]
        return "copier writes other files" if fast != plain else "it does not serve" if idle else None

    def render(self, answers: Mapping[str, Any]) -> Path:
        """Render a project; what copier raises is raised here, pytest-copie only notes it."""
        check(answers)
        result = self.copie.copy(dict(answers), template_dir=self.template)
        if result.exception:
            raise result.exception
        assert result.project_dir is not None
        return result.project_dir

    def copy(self, destination: Path, answers: Mapping[str, Any]) -> Path:
        """Render as the command line does: the folder names the project, answers are data, nothing is trusted."""
        check(answers)
        with self.fast():
            copier.run_copy(
                str(self.template),
                destination,
                data=dict(answers),
                defaults=True,
                overwrite=True,
                quiet=True,
                unsafe=False,
            )
        return destination

    @contextmanager
    def fast(self, *, without: Collection[str] = ()) -> Iterator[Counter[str]]:
        """Render with the shortcuts that fit, but for those named; count how often each serves."""
        served: Counter[str] = Counter()
        with ExitStack() as stack:
            for name in SHORTCUTS.keys() - self.problems.keys() - set(without):
                stack.enter_context(SHORTCUTS[name](served))
            yield served
