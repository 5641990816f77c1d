"""The lock of a plugin folder: the SHA-256 of the plugins that its owner has read and approved."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from ...errors import PluginError
from .. import files, folders
from ..modules import Plugin
from . import archives, installed

__all__ = ["NAME", "add", "write"]

NAME = "plugins.lock"


def add(found: Iterable[Plugin], folder: Path | None) -> Iterator[Plugin]:
    """Refuse what the lock of the folder, if there is one, does not approve.

    Raises
    ------
    PluginError
        If the lock cannot be read, is no lock, or others can change it.
    """
    approved = _read(folder / NAME) if folder and os.path.lexists(folder / NAME) else None
    for each in found:
        known = (approved or {}).get(each.name)
        if approved is None or each.source == "built in" or each.error:
            yield each
        elif known != each.sha256:
            error = "has changed since it was approved" if known else "is not approved"
            error += ": read it, then run `plugins lock`"
            yield replace(each, error=error)
        else:
            yield each


def write(folder: Path | None) -> tuple[list[str], list[Plugin]]:
    """Approve all plugins of a folder, and those of other distributions; give lines that say so.

    Raises
    ------
    PluginError
        If no folder is named, or it is missing or cannot be trusted.
    DataError
        If the lock cannot be written.
    """
    if folder is None:
        msg = "a lock lies in the plugin folder: name one with --plugins or plugin_folder"
        raise PluginError(msg)
    found = [*installed.add(archives.add(folders.find(folder), folder), folder)]
    approved = {each.name: each.sha256 for each in found if not each.error}
    path = folder / NAME
    with files.atomic(path) as part:
        part.write_text(json.dumps({"plugins": approved}, indent=1) + "\n", encoding="utf-8")
    lines = [f"{digest[:12]}  {name}" for name, digest in approved.items()]
    return [*lines, str(path)], [each for each in found if each.error]


def _read(path: Path) -> dict[str, str]:
    try:
        folders.check(path)
        return dict(json.loads(path.read_text(encoding="utf-8"))["plugins"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError, PluginError) as error:
        msg = f"{path} is no lock that can be trusted ({error}): write it anew with `plugins lock`"
        raise PluginError(msg) from error
