"""Find plugins, pick those that are named, with their options, and apply them."""

import contextlib
import functools
import importlib
import io
import logging
import os
import pickle
import pkgutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from ..errors import PluginError, require
from . import absent, first_line, folders
from .modules import Plugin, guarded, reload

__all__ = ["Plugin", "apply", "find", "lock", "pick", "recall"]
__all__ += ["record", "reload", "survey", "warn_of_changes"]

logger = logging.getLogger(__name__)

Step = str | Mapping[str, Any]

_PACKAGE = __package__.partition(".")[0]
_SOURCES = Path(__file__).with_name("sources")
_PATIENCE = 30  # seconds in which a plugin must be loaded to be listed
_CHILD = "import pickle, sys; sys.path[:] = {}; pickle.load(sys.stdin.buffer)()"


def survey(
    folder: Path | None = None, *, only_built_in: bool = False
) -> tuple[list[Plugin], list[Plugin]]:
    """Describe every plugin there is, and give the broken ones apart, each with its `error`.

    They run in another process, which one of them may end.

    Parameters
    ----------
    folder
        Where plugins of the user are; None: nowhere.
    only_built_in
        Use only plugins that come with the package.

    Raises
    ------
    PluginError
        If the folder is missing or others can change it.
    """
    found, broken = _find(folder, only_built_in=only_built_in)
    told: list[Plugin] = []
    while len(told) < len(found):
        told += _told([*found.values()][len(told) :])
    broken += [plugin for plugin in told if plugin.error]
    return [plugin for plugin in told if not plugin.error], broken


def find(folder: Path | None = None) -> dict[str, Plugin]:
    """Describe every plugin, by name; a broken one is warned of.

    Raises
    ------
    PluginError
        As `survey`.
    """
    plugins, broken = survey(folder)
    for plugin in broken:
        logger.warning("plugin %s cannot be loaded: %s", plugin.file, plugin.error)
    return {plugin.name: plugin for plugin in plugins}


def pick(
    steps: Sequence[Step], folder: Path | None = None, *, only_built_in: bool = False
) -> list[Plugin]:
    """Give the named plugins with their options, in that order; no other is loaded.

    Parameters
    ----------
    steps
        Each a name, or a table with the name as ``use`` and the options.
    folder, only_built_in
        As in `survey`.

    Raises
    ------
    PluginError
        If there is no plugin of a name, it cannot be loaded, or an option breaks its rule.
    """
    found, broken = _find(folder, only_built_in=only_built_in) if steps else ({}, [])
    reasons = {each.name: f"plugin {each.file} cannot be loaded: {each.error}" for each in broken}
    picked = []
    for step in steps:
        given = {"use": step} if isinstance(step, str) else dict(step)
        name: Any = given.pop("use", None)
        msg = f'a transform is a name, or a table with its name as "use", got {step!r}'
        require(isinstance(name, str), PluginError, msg)
        if name not in found:
            where = "plugins are off" if only_built_in else f"folder: {folder or 'none named'}"
            msg = f"no plugin {name!r}; there are: {', '.join(found) or 'none'} ({where})"
            if name in metadata.entry_points(group=f"{_PACKAGE}.plugins").names:
                msg = absent(f"plugin {name!r} is installed, but plugins of other packages are")
            raise PluginError(reasons.get(name, msg))
        failed = guarded(f"plugin {found[name].file} cannot be loaded")
        with failed, contextlib.redirect_stdout(sys.stderr):  # the output is the command's own
            plugin = found[name].described()
        with guarded(f"plugin {name!r}"):
            picked.append(plugin.with_options(given))
    return picked


def apply(plugins: Sequence[Plugin], frame: Any) -> Any:
    """Apply plugins to a frame, one after the other.

    Raises
    ------
    PluginError
        If one fails; the message names it.
    """
    for plugin in plugins:
        with guarded(f"plugin {plugin.name!r} failed"):
            made = plugin(frame)
        kinds = [f"{type(it).__module__}.{type(it).__qualname__}" for it in (frame, made)]
        msg = f"plugin {plugin.name!r} must return a {kinds[0]} as it was given, got {kinds[1]}"
        require(type(made) is type(frame), PluginError, msg)
        frame = made
    return frame


def record(plugins: Sequence[Plugin]) -> list[dict[str, Any]]:
    """Describe plugins in plain values, fit for JSON."""
    from pydantic_core import to_jsonable_python

    made: list[dict[str, Any]] = []
    for plugin in plugins:
        made.append({"name": plugin.name, "sha256": plugin.sha256})
        if plugin.options:
            made[-1]["options"] = to_jsonable_python(plugin.options, fallback=repr)
    return made


def recall(records: Sequence[Mapping[str, Any]]) -> list[Step]:
    """Give the steps that `record` described, to be picked again."""
    return [{**made.get("options", {}), "use": made["name"]} for made in records]


def warn_of_changes(plugins: Sequence[Plugin], records: Sequence[Mapping[str, Any]]) -> None:
    """Warn of plugins whose files are not those that were recorded."""
    for plugin, made in zip(plugins, records, strict=True):
        if plugin.sha256 != made["sha256"]:
            logger.warning("plugin %r has changed since training: %s", plugin.name, plugin.file)


def lock(folder: Path | None) -> tuple[list[str], list[Plugin]]:
    """Approve the plugins of a folder; give what was approved, and what cannot be.

    Raises
    ------
    PluginError
        If this project has no locks, or there is no such folder.
    """
    require("lock" in _names(_SOURCES), PluginError, absent("plugins lock is"))
    source = importlib.import_module(f"{__package__}.sources.lock")
    return source.write(folder)  # type: ignore[no-any-return]


def _find(folder: Path | None, *, only_built_in: bool) -> tuple[dict[str, Plugin], list[Plugin]]:
    """List plugins by name, those of the package first; tell what is refused or named twice.

    ``size = full`` brings ``sources``, which add to what was found, or refuse some of it.
    """
    plugins: Iterable[Plugin] = _built_in()
    if folder and not only_built_in:
        plugins = [*plugins, *folders.find(folder)]
    for name in [] if only_built_in else _names(_SOURCES):
        plugins = importlib.import_module(f"{__package__}.sources.{name}").add(plugins, folder)
    found: dict[str, Plugin] = {}
    broken: list[Plugin] = []
    for plugin in plugins:
        if plugin.error:
            broken.append(plugin)
        elif (first := found.setdefault(plugin.name, plugin)).sha256 != plugin.sha256:
            error = f"the name is taken by {first.file} ({first.source}): rename one"
            broken.append(replace(plugin, error=error))
    return found, broken


def _built_in() -> Iterable[Plugin]:
    folder = Path(__file__).parents[1] / "plugins"
    for name in _names(folder):
        path = folder / name if (folder / name).is_dir() else folder / f"{name}.py"
        yield folders.read(path, "built in", f"{_PACKAGE}.plugins.{name}")


def _names(folder: Path) -> list[str]:
    found = pkgutil.iter_modules([str(folder)])
    return [module.name for module in found if module.name[0] != "_"]


def _told(plugins: Sequence[Plugin]) -> list[Plugin]:
    """Let a process describe plugins, up to the one that ends it."""
    pickler = pickle.Pickler(job := io.BytesIO())
    pickler.dispatch_table = {}  # not as engines let plugins travel, with their files
    pickler.dump(functools.partial(_tell, plugins))
    words, given = [sys.executable, "-I", "-c", _CHILD.format(sys.path)], job.getvalue()
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    done = subprocess.run(  # noqa: S603
        words, input=given, stdout=pipe, stderr=nowhere, start_new_session=True, check=False
    )
    told: list[Plugin] = []
    stream = io.BytesIO(done.stdout)
    with contextlib.suppress(EOFError, pickle.UnpicklingError):
        while True:
            told.append(pickle.load(stream))  # noqa: S301 - of our own process
    for plugin in plugins[len(told) : len(told) + 1]:
        error = f"it ends the process that loads it (exit code {done.returncode})"
        error = f"it takes more than {_PATIENCE} seconds" if done.returncode == -14 else error
        told.append(replace(plugin, error=error))
    return told


def _tell(plugins: Sequence[Plugin]) -> None:
    """Describe plugins to the process that started this one; what they print is dropped."""
    report = os.dup(1)
    os.dup2(2, 1)
    for plugin in plugins:
        getattr(signal, "alarm", id)(_PATIENCE)  # Windows has none
        try:
            told = plugin.described()
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
            told = replace(plugin, error=first_line(error))
        os.write(report, pickle.dumps(told))
    os._exit(0)
