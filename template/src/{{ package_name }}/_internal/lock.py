"""The lock of a plugin folder: the SHA-256 of what its owner has read and approved."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import PluginError
from . import files, trust

__all__ = ["NAME", "Approved", "read", "write"]

NAME = "plugins.lock"


@dataclass(frozen=True)
class Approved:
    """SHA-256 of files, by path in the folder, and of installed plugins, by module."""

    files: dict[str, str]
    modules: dict[str, str]


def read(folder: Path) -> Approved | None:
    """Read the lock; None: there is none, and every plugin may be used.

    Raises
    ------
    PluginError
        If it cannot be read, is no lock, or others can change it.
    """
    path = folder / NAME
    if not os.path.lexists(path):
        return None
    try:
        content = json.loads(trust.read(path, folder.resolve()))
        return Approved(**{key: dict(content[key]) for key in ("files", "modules")})
    except (OSError, ValueError, KeyError, TypeError, RecursionError, PluginError) as error:
        msg = f"{path} is no lock that can be trusted ({error}): write it anew with `plugins lock`"
        raise PluginError(msg) from error


def write(folder: Path, hashes: Mapping[str, str], modules: Mapping[str, str]) -> Path:
    """Write the lock whole, and give its path.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    path = folder / NAME
    content = {"files": dict(sorted(hashes.items())), "modules": dict(sorted(modules.items()))}
    with files.atomic(path) as part:
        part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path
