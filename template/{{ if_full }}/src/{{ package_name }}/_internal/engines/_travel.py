"""Send plugins to other machines: one of a folder takes its files along."""

import copyreg
import functools
import importlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...errors import PluginError
from .. import folders
from ..modules import Plugin

__all__ = ["install"]


def install() -> None:
    """Let plugins travel when they are pickled."""
    copyreg.pickle(Plugin, _send)


def _send(plugin: Plugin) -> tuple[Any, ...]:
    """Take a plugin apart; the classes of its options are its own, so that these come last."""
    top, files = _top(plugin.file), {}
    if not plugin.module:
        paths = sorted(top.rglob("*.py")) if top.is_dir() else [top]
        files = {path.relative_to(top.parent).as_posix(): path.read_bytes() for path in paths}
    state = {key: value for key, value in plugin.__getstate__().items() if key != "options"}
    state["file"] = str(plugin.file)  # a path is another class on other systems and Pythons
    return _arrive, (state, tuple(files.items())), {"options": plugin.options}


def _arrive(state: dict[str, Any], files: tuple[tuple[str, bytes], ...]) -> Plugin:
    """Put a plugin together where it was sent, if it is the one that was sent."""
    plugin = Plugin(**state | {"file": Path(state["file"])})
    if files:
        inner = plugin.file.relative_to(_top(plugin.file).parent)
        plugin = replace(plugin, file=Path(_write(files).name) / inner)
        here = plugin.file
    else:
        here = Path(importlib.import_module(plugin.module.partition(":")[0]).__file__ or "")
    if folders.read(_top(here)).sha256 != plugin.sha256:
        msg = f"plugin {plugin.name!r} is another one here: install the same version everywhere"
        raise PluginError(msg)
    plugin.transform  # noqa: B018 - imports the classes of its options
    return replace(plugin)


@functools.cache
def _write(files: tuple[tuple[str, bytes], ...]) -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix="plugin-")
    for name, content in files:
        path = Path(folder.name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def _top(file: Path) -> Path:
    """Give the folder of a package, or the file of a module."""
    return file.parent if file.name == "__init__.py" else file
