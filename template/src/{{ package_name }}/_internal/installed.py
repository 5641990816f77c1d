"""Find plugins that are installed: with the package, by entry point, in a namespace."""

import functools
import importlib
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from ..errors import PluginError
from .trust import sha256

__all__ = ["Module", "built_in", "find", "forget"]

_PACKAGE = __package__.partition(".")[0]
_GROUP = f"{_PACKAGE}.plugins"
_NAMESPACE = f"{_PACKAGE}_plugins"

_loaded: set[str] = set()


@dataclass(frozen=True)
class Module:
    """A module that says it has a plugin, as its `attribute`.

    `path` is where its parent is looked up, `owner` the distribution if that is known,
    `error` says why it cannot be loaded.
    """

    name: str
    module: str
    source: str
    attribute: str = "transform"
    path: tuple[str, ...] = ()
    owner: metadata.Distribution | None = None
    error: str = ""

    @functools.cached_property
    def file(self) -> Path:
        """Find the file without running anything; where there is none, name the module."""
        path: Sequence[str] | None = self.path
        spec = None
        for name in _parents(self.module) if self.source == "entry point" else [self.module]:
            spec = _spec(name, path)
            path = spec.submodule_search_locations if spec else []
        return Path(spec.origin if spec and spec.origin else self.module)

    @functools.cached_property
    def sha256(self) -> str:
        """Hash the file; empty where there is none to read."""
        try:
            return sha256(self.file.read_bytes())
        except OSError:
            return ""

    @property
    def version(self) -> str:
        """Give name and version of the distribution, as far as metadata tell; else ""."""
        try:
            own = self.source == "built in"
            owner = self.owner or (metadata.distribution(_PACKAGE) if own else _owner(self.file))
            return f"{owner.name} {owner.version}" if owner and owner.name else ""
        except Exception:  # noqa: BLE001 - what others wrote may be broken in any way
            return ""

    def load(self) -> ModuleType:
        """Import the module; the namespace only from where its parts were found."""
        if self.error:
            raise PluginError(self.error)
        _loaded.update((self.module, _NAMESPACE))
        if self.source == "namespace" and _NAMESPACE not in sys.modules:
            spec = ModuleSpec(_NAMESPACE, None, is_package=True)
            spec.submodule_search_locations = _namespace(_places())
            sys.modules[_NAMESPACE] = importlib.util.module_from_spec(spec)
        return importlib.import_module(self.module)


def built_in() -> Iterator[Module]:
    """Find the public modules of the package's ``plugins``, by name."""
    package = f"{_PACKAGE}.plugins"
    spec = importlib.util.find_spec(package)
    path = tuple(spec.submodule_search_locations or ()) if spec else ()
    for found in pkgutil.iter_modules(path):
        if not found.name.startswith("_"):
            yield Module(found.name, f"{package}.{found.name}", "built in", path=path)


def find() -> Iterator[Module]:
    """Find what other distributions bring: entry points by distribution, then the namespace."""
    places = _places()
    for info in sorted(_distributions(places), key=lambda path: path.name):
        yield from _entry_points(info, tuple(places))
    for place in _namespace(places):
        for found in pkgutil.iter_modules([place]):
            if not found.name.startswith("_"):
                module = f"{_NAMESPACE}.{found.name}"
                yield Module(found.name, module, "namespace", path=(place,))


def forget() -> None:
    """Drop the modules that were loaded as plugins, so that the next use imports them anew."""
    for name in [*sys.modules]:
        if any(name == module or name.startswith(f"{module}.") for module in _loaded):
            del sys.modules[name]
    _loaded.clear()
    importlib.invalidate_caches()


def _places() -> list[str]:
    """Give the folders of sys.path but for the working folder, which `python -m` puts there."""
    return [place for place in sys.path if place and not _is_here(place)]


def _is_here(place: str) -> bool:
    try:
        return Path(place).samefile(os.curdir)
    except OSError:  # it is not there
        return False


def _distributions(places: Sequence[str]) -> Iterator[Path]:
    """Find the metadata that name the group; reading all metadata would take much longer."""
    group = f"[{_GROUP}]".encode()
    for place in places:
        try:
            names = os.listdir(place)  # noqa: PTH208 - a tenth of a millisecond counts
        except OSError:  # an archive, or a folder that is not there
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")) and group in _points(place, name):
                yield Path(place, name)


def _entry_points(info: Path, places: tuple[str, ...]) -> list[Module]:
    """List the plugins of a distribution; one that fails to load if its list is broken."""
    try:
        owner = metadata.Distribution.at(info)
        return [
            Module(
                point.name, point.module, "entry point", point.attr or "transform", places, owner
            )
            for point in sorted(owner.entry_points.select(group=_GROUP))
        ]
    except Exception as error:  # noqa: BLE001 - as of metadata that are broken
        msg = f"its entry points cannot be read: {error}"
        return [Module(info.name, str(info), "entry point", error=msg)]


def _points(place: str, name: str) -> bytes:
    try:
        with open(f"{place}/{name}/entry_points.txt", "rb") as stream:  # noqa: PTH123 - as above
            return stream.read()
    except OSError:
        return b""


def _namespace(places: Sequence[str]) -> list[str]:
    """Give the folders of the namespace package; one with ``__init__.py`` hides no other."""
    specs = (PathFinder.find_spec(_NAMESPACE, [place]) for place in places)
    return [part for spec in specs if spec for part in spec.submodule_search_locations or ()]


def _spec(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    """Find a module on a path, or by another's finder, as of an editable installation."""
    if spec := PathFinder.find_spec(name, path):
        return spec
    others = (it for it in sys.meta_path if it is not PathFinder and hasattr(it, "find_spec"))
    specs = (finder.find_spec(name, path) for finder in others)
    return next((spec for spec in specs if spec and spec.has_location), None)


def _parents(module: str) -> list[str]:
    """List a module's parents from the top, and itself: "a.b" -> ["a", "a.b"]."""
    parts = module.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def _owner(file: Path) -> metadata.Distribution | None:
    """Find the distribution that installed a file."""
    top = file.parent.name if file.name != "__init__.py" else file.parent.parent.name
    for name in metadata.packages_distributions().get(top, ()):
        distribution = metadata.distribution(name)
        if any(distribution.locate_file(path) == file for path in distribution.files or ()):
            return distribution
    return None
