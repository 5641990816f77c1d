"""Read a plugin folder once: modules, packages and zip archives. Nothing is run here."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import PluginError
from . import bundles, trust

__all__ = ["Refused", "read"]


@dataclass(frozen=True)
class Refused:
    """A file or folder that is not read or not run, and why."""

    file: Path
    reason: str


def read(
    folder: Path, approved: Mapping[str, str] | None = None
) -> tuple[list[bundles.Bundle], dict[str, str], list[Refused]]:
    """Read the Python files, packages and zip archives of a folder.

    Parameters
    ----------
    folder
        A module or package is a plugin unless its name starts with "_". Other
        files, and folders without ``__init__.py``, are left alone.
    approved
        SHA-256 by path in the folder: what else is there is refused. None: all may be.

    Returns
    -------
    tuple[list[bundles.Bundle], dict[str, str], list[Refused]]
        The plugins; the SHA-256 of each file that was read; what was refused.

    Raises
    ------
    PluginError
        If there is no such folder, or others than its owner and root can change it.
    """
    if not os.path.isdir(folder):  # noqa: PTH112 - never raises
        msg = f"no plugin folder {folder}"
        raise PluginError(msg)
    if reason := trust.distrust(folder.stat()):
        msg = f"plugin folder {folder} {reason}"
        raise PluginError(msg)
    root = folder.resolve()
    loose: dict[str, bytes] = {}
    archives: dict[Path, dict[str, bytes]] = {}
    hashes: dict[str, str] = {}
    refused = []
    for path in filter(_kind, _entries(folder)):
        try:
            _check_name(path)
            found = _contents(path, folder, root)
            here = {name: trust.sha256(content) for name, content in found.items()}
            _check_approved(here, approved)
            if _kind(path) == "archive":
                archives[path] = bundles.unpack(found[path.name])
            else:
                loose |= found
        except (PluginError, OSError) as error:
            refused.append(Refused(path, getattr(error, "strerror", None) or str(error)))
        else:
            hashes |= here
    parts = [(folder, loose), *archives.items()]
    return [bundle for part in parts for bundle in bundles.split(*part)], hashes, refused


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        msg = f"plugin folder {folder} cannot be read: {error.strerror}"
        raise PluginError(msg) from error


def _kind(path: Path) -> str:
    """Tell what an entry of the folder may be: a module, package, archive or nothing to us."""
    if path.name.startswith(".") or path.name == "__pycache__":
        return ""
    if path.suffix == ".py":
        return "module"
    if path.suffix == ".zip":
        return "archive"
    return "package" if os.path.isfile(path / "__init__.py") else ""  # noqa: PTH113 - never raises


def _check_name(path: Path) -> None:
    if not bundles.NAME.fullmatch(path.name if _kind(path) == "package" else path.stem):
        msg = "the name of a plugin must be letters, digits, underscores and hyphens"
        raise PluginError(msg)


def _check_approved(found: Mapping[str, str], approved: Mapping[str, str] | None) -> None:
    for name, digest in found.items():
        if approved is not None and approved.get(name) != digest:
            what = "has changed since it was approved" if name in approved else "is not approved"
            msg = f"{name} {what}: read it, then run `plugins lock`"
            raise PluginError(msg)


def _contents(path: Path, folder: Path, root: Path) -> dict[str, bytes]:
    """Read a file, or all modules of a package, by their paths in the folder."""
    found: dict[str, bytes] = {}
    for file in _modules(path) if _kind(path) == "package" else [path]:
        found[file.relative_to(folder).as_posix()] = trust.read(file, root)
        if sum(map(len, found.values())) > trust.MAX_BYTES:
            msg = f"holds more than {trust.MAX_BYTES >> 20} MiB"
            raise PluginError(msg)
    return found


def _modules(package: Path) -> Iterator[Path]:
    """Walk through a package; links to folders could lead anywhere, or in circles."""
    if package.is_symlink():
        msg = f"{package} is a link to a folder: put the folder itself here"
        raise PluginError(msg)
    if reason := trust.distrust(package.stat()):
        msg = f"folder {package} {reason}"
        raise PluginError(msg)
    for path in sorted(package.iterdir()):
        if _kind(path) == "module":
            yield path
        elif _kind(path) == "package":
            yield from _modules(path)
