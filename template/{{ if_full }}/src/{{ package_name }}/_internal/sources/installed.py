"""Plugins of other distributions: by entry point, or in ``<package>_plugins``."""

import importlib.util
import os
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib import metadata
from importlib.machinery import PathFinder
from pathlib import Path

from .. import first_line, folders
from ..modules import Plugin

__all__ = ["add"]

_PACKAGE = __package__.partition(".")[0]


def add(found: Iterable[Plugin], folder: Path | None) -> Iterator[Plugin]:
    """Add entry points by distribution, then the modules of the namespace; none is imported."""
    yield from found
    places = [place for place in sys.path if place and not _is_here(place)]
    for owner in sorted(metadata.distributions(path=places), key=lambda each: str(each.name)):
        try:
            points = sorted(owner.entry_points.select(group=f"{_PACKAGE}.plugins"))
        except Exception as error:  # noqa: BLE001 - what others wrote may be broken in any way
            file, name = Path(str(owner.locate_file(""))), str(owner.name)
            yield Plugin(name, file, "entry point", error=first_line(error))
            continue
        for point in points:
            source = f"entry point of {owner.name} {owner.version}"
            yield _found(point.name, point.value, source, None)
    spec = PathFinder.find_spec(f"{_PACKAGE}_plugins", places)
    for module in pkgutil.iter_modules(spec.submodule_search_locations or [] if spec else []):
        if module.name[0] != "_":
            yield _found(module.name, f"{_PACKAGE}_plugins.{module.name}", "namespace", places)


def _found(name: str, value: str, source: str, places: list[str] | None) -> Plugin:
    """Find the file of a module without importing anything, its parents neither."""
    module, _, attribute = (part.strip() for part in value.partition(":"))
    top, *inner = module.split(".")
    spec = PathFinder.find_spec(top, places) if places else importlib.util.find_spec(top)
    for part in inner:
        path = spec.submodule_search_locations if spec else []
        spec = PathFinder.find_spec(f"{spec.name}.{part}", path) if spec else None
    file = Path(spec.origin or "") if spec else Path()
    if not spec or not file.is_file():
        return Plugin(name, Path(module), source, error=f"there is no module {module}")
    plugin = folders.read(file.parent if file.name == "__init__.py" else file, source)
    return replace(plugin, name=name, module=f"{module}:{attribute}" if attribute else module)


def _is_here(place: str) -> bool:
    """Say whether a folder is the working folder, which ``python -m`` puts first."""
    try:
        return Path(place).samefile(os.curdir)
    except OSError:  # it is not there
        return False
