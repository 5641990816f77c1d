"""Find plugins: files that define ``transform(frame)``."""

import hashlib
import logging
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import PluginError

__all__ = ["Plugin", "apply", "find", "pick", "warn_of_changes"]

logger = logging.getLogger(__name__)

_PACKAGE = __package__.rpartition(".")[0]


@dataclass(frozen=True)
class Plugin:
    """A transform and where it comes from; `help` is the first line of its docstring."""

    name: str
    transform: Callable[[Any], Any]
    help: str
    file: Path
    sha256: str


def find(folder: Path | None = None) -> dict[str, Plugin]:
    """Load the plugins that come with the package, then those of a folder.

    Parameters
    ----------
    folder
        Its ``.py`` files are loaded, by name; those that start with "_" are not.

    Raises
    ------
    PluginError
        If the folder is missing, a plugin cannot be loaded, defines no
        ``transform`` or has the name of another.
    """
    found: dict[str, Plugin] = {}
    for path in [*_built_in(), *_files(folder)]:
        if path.stem in found:
            msg = f"plugins need different names: {path} and {found[path.stem].file}"
            raise PluginError(msg)
        found[path.stem] = _load(path)
    return found


def pick(names: tuple[str, ...], folder: Path | None = None) -> list[Plugin]:
    """Give the named plugins, in that order; without names nothing is loaded.

    Raises
    ------
    PluginError
        As `find`, or if there is no plugin of a name.
    """
    found = find(folder) if names else {}
    for name in names:
        if name not in found:
            there = ", ".join(found) or "none"
            msg = f"no plugin {name!r}; there are: {there} (folder: {folder or 'none named'})"
            raise PluginError(msg)
    return [found[name] for name in names]


def apply(plugins: list[Plugin], frame: Any) -> Any:
    """Apply plugins to a frame, one after the other.

    Raises
    ------
    PluginError
        If one fails; the message names it.
    """
    for plugin in plugins:
        try:
            made = plugin.transform(frame)
        except Exception as error:  # a stranger's code may raise anything
            reason = str(error).partition("\n")[0]
            msg = f"plugin {plugin.name!r} failed: {type(error).__name__}: {reason}"
            raise PluginError(msg) from error
        if type(made) is not type(frame):
            kinds = type(frame).__name__, type(made).__name__
            msg = f"plugin {plugin.name!r} must return a {kinds[0]} as it was given, got {kinds[1]}"
            raise PluginError(msg)
        frame = made
    return frame


def warn_of_changes(plugins: list[Plugin], recorded: list[dict[str, str]]) -> None:
    """Warn of plugins whose file is not the one that training used."""
    for plugin, made in zip(plugins, recorded, strict=True):
        if plugin.sha256 != made["sha256"]:
            logger.warning("plugin %r has changed since training: %s", plugin.name, plugin.file)


def _built_in() -> list[Path]:
    folder = Path(__file__).parent.parent / "plugins"
    return [folder / f"{module.name}.py" for module in pkgutil.iter_modules([str(folder)])]


def _files(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    if not folder.is_dir():
        msg = f"no plugin folder {folder}"
        raise PluginError(msg)
    return sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))


def _load(path: Path) -> Plugin:
    """Run one file as a module of its own, under a name that nothing else has."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    module = ModuleType(f"{_PACKAGE}_plugin_{path.stem}_{digest[:12]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    try:
        exec(compile(content, path, "exec"), module.__dict__)  # noqa: S102 - what a plugin is for
    except Exception as error:  # a stranger's code may raise anything
        del sys.modules[module.__name__]
        msg = f"plugin {path} cannot be loaded: {type(error).__name__}: {error}"
        raise PluginError(msg) from error
    transform = getattr(module, "transform", None)
    if not callable(transform):
        msg = f"plugin {path} must define a function transform(frame)"
        raise PluginError(msg)
    logger.debug("loaded plugin %s from %s", path.stem, path)
    help_line = (transform.__doc__ or module.__doc__ or "").strip().partition("\n")[0]
    return Plugin(path.stem, transform, help_line, path, digest)
