"""Find plugins in four sources without running any of them.

In this order, the first of a name being the one that holds: modules of the
package's ``plugins``; a folder that was named; distributions with an entry point
``<package>.plugins``; modules of the namespace package ``<package>_plugins``.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from . import bundles, folders, installed, lock, modules

__all__ = ["Broken", "Found", "approve", "arrived", "find", "printable"]


@dataclass(frozen=True)
class Found:
    """A plugin of which nothing has run yet; `attribute` of its module is the transform."""

    name: str
    file: Path
    source: str
    sha256: str
    load: Callable[[], ModuleType]
    attribute: str = "transform"
    bundle: bundles.Bundle | None = None
    module: installed.Module | None = None


@dataclass(frozen=True)
class Broken:
    """A plugin that cannot be used, and why; as a text, fit for a terminal."""

    name: str
    file: Path
    source: str
    error: str

    def __str__(self) -> str:
        """Write it on two lines; what a terminal would obey is escaped."""
        lines = f"! {self.name}: {self.error}", f"    {self.source}, {self.file}"
        return "\n".join(map(printable, lines))


def printable(text: str) -> str:
    """Escape what a terminal would obey or could not show, e.g. a line break."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def find(
    folder: Path | None = None, *, only_built_in: bool = False
) -> tuple[dict[str, Found], list[Broken]]:
    """List the plugins by name; tell what is refused, or named like another.

    Parameters
    ----------
    folder
        Where plugins of the user are; None: nowhere.
    only_built_in
        Look at nothing that does not come with the package.

    Raises
    ------
    PluginError
        If the folder is missing or cannot be trusted, or its lock is broken.
    """
    found: dict[str, Found] = {}
    broken: list[Broken] = []
    candidates = map(_importable, installed.built_in())
    others = () if only_built_in else _others(folder, broken)
    for candidate in (*candidates, *others):
        first = found.setdefault(candidate.name, candidate)
        if _identity(first) != _identity(candidate):
            error = f"the name is taken by {first.file} ({first.source}): rename one"
            broken.append(Broken(candidate.name, candidate.file, candidate.source, error))
    return found, broken


def arrived(name: str, source: str, bundle: bundles.Bundle | None) -> Found | None:
    """Find what was sent: in its own files, or among what is installed here."""
    if bundle:
        return _bundled(bundle)
    items = (*installed.built_in(), *installed.find())
    same = (item for item in items if (item.name, item.source) == (name, source))
    return next(map(_importable, same), None)


def approve(folder: Path) -> tuple[Path, dict[str, str], list[Broken]]:
    """Write the lock of a folder: SHA-256 of each plugin's files there, and of installed ones.

    Returns
    -------
    tuple[Path, dict[str, str], list[Broken]]
        The lock; what it approves, by path in the folder or by module; what cannot
        be approved.

    Raises
    ------
    PluginError
        If the folder is missing or cannot be trusted.
    DataError
        If the lock cannot be written.
    """
    _, hashes, refused = folders.read(folder)
    others = {item.module: item.sha256 for item in installed.find() if item.sha256}
    return lock.write(folder, hashes, others), hashes | others, [*map(_broken, refused)]


def _identity(found: Found) -> tuple[object, str]:
    """Tell what makes two the same: content, or the file where it cannot be read."""
    return found.sha256 or found.file, found.attribute


def _others(folder: Path | None, broken: list[Broken]) -> Iterator[Found]:
    """Find what does not come with the package; what is refused is added to `broken`."""
    approved = lock.read(folder) if folder else None
    if folder:
        there, _, refused = folders.read(folder, approved.files if approved else None)
        broken += map(_broken, refused)
        yield from map(_bundled, there)
    for item in installed.find():
        known = approved.modules.get(item.module) if approved else item.sha256
        if approved and (not known or known != item.sha256):
            error = f"{item.module} is not approved: read it, then run `plugins lock`"
            broken.append(Broken(item.name, item.file, item.source, error))
        else:
            yield _importable(item)


def _bundled(bundle: bundles.Bundle) -> Found:
    load = functools.partial(modules.load, bundle)
    return Found(bundle.plugin, bundle.file, "folder", bundle.sha256, load, bundle=bundle)


def _importable(item: installed.Module) -> Found:
    load = functools.partial(modules.guarded, item.load)
    return Found(item.name, item.file, item.source, item.sha256, load, item.attribute, module=item)


def _broken(item: folders.Refused) -> Broken:
    return Broken(item.file.stem, item.file, "folder", item.reason)
