"""Render many projects fast: a snapshot, no git per file, each Jinja source compiled once.

Copier asks git about every file and compiles every source again for every render. Inside a test session neither has an
effect on what is written, so both are taken out: a render then costs a fifth. Should copier change underneath, the
first render notices and all of them go the plain way, with the reason in the test report.
"""

import os
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import copier
import jinja2
import plumbum
import yaml
from pytest_copie.plugin import Copie
from questions import ROOT, check

__all__ = ["Renderer", "contents", "snapshot"]

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


class Renderer:
    """Renders combinations with pytest-copie, the fast way where that is proven equal to the plain one.

    Attributes
    ----------
    template
        A snapshot of the template.
    reason
        Why renders go the plain way; None while they go the fast way.
    """

    def __init__(self, copie: Copie, template: Path) -> None:
        """Prove on one render that the fast way writes the same files, or choose the plain way."""
        self.copie, self.template = copie, template
        self.reason: str | None = None
        self._compiled: dict[Any, Any] = {}
        self._parsed: dict[Any, Any] = {}
        self._hits = 0
        plain = contents(self.render(_SOME))
        try:
            with self.fast():
                fast = contents(self.render(_SOME))
                again = contents(self.render(_SOME))
        except Exception as error:  # noqa: BLE001 - whatever copier turns into, the plain way is left
            self.reason = f"the fast way does not fit this copier: {error!r}"
        else:
            if not plain == fast == again:
                self.reason = "the fast way writes other files"
            elif not self._hits:
                self.reason = "copier no longer compiles through jinja2.Environment.compile"
        if self.reason:
            warnings.warn(f"every render goes the plain way: {self.reason}", stacklevel=2)

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
    def fast(self) -> Iterator[None]:
        """Render without git and with compiled Jinja kept, unless that does not work here."""
        if self.reason:
            yield
            return
        with ExitStack() as stack:
            stack.enter_context(_no_git(self.template))
            stack.enter_context(mock.patch.object(jinja2.Environment, "compile", self._compile_once()))
            stack.enter_context(mock.patch.object(yaml, "load_all", self._parse_once))
            yield

    def _compile_once(self) -> Any:
        plain = jinja2.Environment.compile

        def compile_once(env: jinja2.Environment, source: Any, *names: Any, **options: Any) -> Any:
            # The lexer stands for every setting of the syntax; jinja2 shares it between equal environments.
            key = (type(env), env.lexer, *sorted(env.extensions), source, names, *options.items())
            self._hits += key in self._compiled
            if key not in self._compiled:
                self._compiled[key] = plain(env, source, *names, **options)
            return self._compiled[key]

        return compile_once

    def _parse_once(self, stream: Any, Loader: Any) -> Iterator[Any]:  # noqa: N803 - the name yaml gives it
        text = stream if isinstance(stream, str | bytes) else stream.read()
        if text not in self._parsed:
            self._parsed[text] = list(yaml.compose_all(text, Loader))
        return map(Loader("").construct_document, self._parsed[text])


@contextmanager
def _no_git(empty: Path) -> Iterator[None]:
    """Hide git from copier: plumbum looks programs up in its own copy of the environment."""
    from copier._vcs import is_git_available  # noqa: PLC0415 - private: its absence must not stop the plain way

    with plumbum.local.env(PATH=str(empty)):
        if is_git_available():
            msg = "it finds git past plumbum's PATH"
            raise RuntimeError(msg)
        yield
