"""What copier does over and over and that changes nothing it writes, left out of the renders of a test session.

Copier asks git about every file, and compiles, parses, renders and works out the same things in every render.
Each shortcut counts how often it served: one that never does no longer fits copier.
"""

import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Any
from unittest import mock

import copier
import jinja2
import plumbum
import yaml
from jinja2 import meta

__all__ = ["FOR_UPDATES", "SHORTCUTS"]

_BRACES = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
_FEW = 256  # texts of a template that are kept
_STEPS = ("_render_folder", "_render_file", "_render_symlink")

_compiled: dict[Any, Any] = {}
_kept: dict[Any, "_Kept"] = {}
_parsed: dict[Any, Any] = {}
_clones: dict[Any, str] = {}
_plans: dict[Any, list[Any]] = {}


@contextmanager
def without_git(served: Counter[str]) -> Iterator[None]:
    """Hide git: plumbum looks programs up in its own copy of the environment."""

    def refuse(_: object, words: Any, *__: object, **___: object) -> None:
        msg = f"copier starts {words} past plumbum's PATH"
        raise RuntimeError(msg)

    hidden = mock.patch.object(copier._main, "is_git_available", return_value=False)  # noqa: SLF001 - asked for each file
    with plumbum.local.env(PATH=""), hidden, mock.patch.object(subprocess.Popen, "__init__", refuse):
        yield
    served["git"] += 1


class _Kept:
    """A Jinja template, and what it gave for the variables that it names."""

    def __init__(self, template: jinja2.Template, tree: jinja2.nodes.Template) -> None:
        self.template = template
        self.names = sorted(meta.find_undeclared_variables(tree))
        # copier's own variables begin with an underscore, and hold paths
        self.varies = any(name.startswith("_") for name in self.names) or any(meta.find_referenced_templates(tree))
        self.given: dict[tuple[str, ...], str] = {}

    def render(self, *words: Any, **names: Any) -> str:
        """Render, or give what was rendered before."""
        context = dict(*words, **names)
        if self.varies:
            return self.template.render(context)
        key = tuple(repr(context.get(name, jinja2)) for name in self.names)
        if key not in self.given:
            if len(self.given) == _FEW:
                self.given.clear()
            self.given[key] = self.template.render(context)
        return self.given[key]


@contextmanager
def compiled_once(served: Counter[str]) -> Iterator[None]:
    """Keep what Jinja compiles, by its source, and what comes of it."""
    plain, compile_ = jinja2.Environment.from_string, jinja2.Environment.compile

    def compile_once(env: jinja2.Environment, source: Any, *names: Any, **options: Any) -> Any:
        key = _key(env, source, names, *options.items())
        if key not in _compiled:
            _compiled[key] = compile_(env, source, *names, **options)
        return _compiled[key]

    def from_string(env: jinja2.Environment, source: Any) -> Any:
        key = _key(env, source)
        served["Jinja"] += key in _kept
        if key not in _kept:
            _kept[key] = _Kept(plain(env, source), env.parse(source))
        return _kept[key]

    with (
        mock.patch.object(jinja2.Environment, "compile", compile_once),
        mock.patch.object(jinja2.Environment, "from_string", from_string),
    ):
        yield


def _key(env: jinja2.Environment, *source: Any) -> Any:
    """Name a source and where it is rendered; equal environments share a lexer, which stands for their syntax."""
    return (type(env), env.lexer, env.undefined, *sorted(env.extensions), *source)


@contextmanager
def parsed_once(served: Counter[str]) -> Iterator[None]:
    """Keep the nodes of copier.yml, by its text."""

    def load_all(stream: Any, Loader: Any) -> Iterator[Any]:  # noqa: N803 - the name yaml gives it
        text = stream if isinstance(stream, str | bytes) else stream.read()
        text = text if isinstance(text, str) else text.decode()
        served["YAML"] += text in _parsed
        if text not in _parsed:
            _parsed[text] = list(yaml.compose_all(text, Loader))
        return map(Loader("").construct_document, _parsed[text])

    with mock.patch.object(yaml, "load_all", load_all):
        yield


@contextmanager
def planned_once(served: Counter[str]) -> Iterator[None]:
    """Keep which file goes where: it follows from the names in the template and what they hold.

    Into an empty folder only; elsewhere copier looks at what is there. Files are left out, copied or rendered each
    time, in one context, as answers are complete by then.
    """
    main: Any = copier._main  # noqa: SLF001 - a shortcut that does not fit any more is left out
    plain = main.Worker._render_template  # noqa: SLF001

    def render_template(self: Any) -> None:
        known = self.answers_relpath  # to find it, copier changes the context
        context = self._render_context()
        with (
            mock.patch.object(main.Worker, "answers_relpath", known),
            mock.patch.dict(vars(self), _render_context=lambda: context),
        ):
            if self.dst_path.is_dir() and any(self.dst_path.iterdir()):
                plain(self)
                return
            root = str(self.template_copy_root)
            paths = tuple(entry.path.removeprefix(root) for entry in main.scantree(root, follow_symlinks=False))
            parts = sorted(set(_BRACES.findall("\n".join(paths))))
            key = (paths, *(self._render_string(part) for part in parts))
            served["paths"] += key in _plans
            if key not in _plans:
                _plans[key] = _plan(self, plain)
            for step, *words, target, options in _plans[key]:
                if self.match_exclude(target):
                    continue
                if step == "_render_file":
                    _write(self, words[0], self.subproject.local_abspath / target, context | options["extra_context"])
                else:
                    getattr(self, step)(*words, target, **options)

    with mock.patch.object(main.Worker, "_render_template", render_template):
        yield


def _plan(worker: Any, render: Callable[[Any], None]) -> list[Any]:
    """Give the steps of a render, the last word of each a target, as if nothing were left out; take none."""
    plan: list[Any] = []

    def noted(step: str) -> Callable[..., None]:
        return lambda *words, **options: plan.append((step, *words, options))

    with mock.patch.dict(vars(worker), {step: noted(step) for step in _STEPS}, match_exclude=lambda _: False):
        render(worker)
    return plan


def _write(worker: Any, source: Any, target: Any, context: dict[str, Any]) -> None:
    """Copy a file, or render it."""
    path = worker.template.local_abspath / source
    known = path.stat()
    data, text = _source(path, known.st_mtime_ns)
    if path.suffix == worker.template.templates_suffix:
        data = worker.jinja_env.from_string(text).render(context).encode()
    if not target.parent.is_dir():
        target.parent.mkdir(parents=True)
    target.write_bytes(data)
    if known.st_mode & 0o111:
        shutil.copymode(path, target)


@lru_cache(maxsize=4 * _FEW)
def _source(path: Any, _: int) -> tuple[bytes, str]:
    """Read a file of the template once, unless it changes."""
    return path.read_bytes(), path.read_text(encoding="utf-8", errors="replace")


@contextmanager
def cloned_once(served: Counter[str]) -> Iterator[None]:
    """Keep a clone of each release; an update clones the template five times."""
    module: Any = copier._template  # noqa: SLF001 - a shortcut that does not fit any more is left out
    plain = module.clone

    def clone(url: str, ref: str, location: str) -> str:
        key = (url, ref)
        served["clones"] += key in _clones
        if key not in _clones:
            _clones[key] = plain(url, ref, location=tempfile.mkdtemp(prefix="kept-clone-"))
        shutil.copytree(_clones[key], location, symlinks=True, dirs_exist_ok=True)
        return location

    with mock.patch.object(module, "clone", clone):
        yield


@contextmanager
def modes_of_files(served: Counter[str]) -> Iterator[None]:
    """Do not ask git for each file whether it keeps the mode of files: where these tests run, it does."""

    def sync(_: object, __: object, *___: object, **____: object) -> None:
        served["modes"] += 1

    name = "_sync_git_index_executable_bit"
    with mock.patch.object(copier._main.Worker, name, sync):  # noqa: SLF001
        yield


SHORTCUTS: dict[str, Callable[[Counter[str]], AbstractContextManager[None]]] = {
    "git": without_git,
    "Jinja": compiled_once,
    "YAML": parsed_once,
    "paths": planned_once,
}
FOR_UPDATES: dict[str, Callable[[Counter[str]], AbstractContextManager[None]]] = {
    "clones": cloned_once,
    "modes": modes_of_files,
}
