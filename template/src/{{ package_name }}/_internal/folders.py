"""Find plugins in a folder: files and packages that only their owner can change. None is run."""

import hashlib
import itertools
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ..errors import PluginError, require
from . import absent, explained
from .modules import Plugin

__all__ = ["MAX_BYTES", "MAX_FILES", "check", "find", "read"]

MAX_BYTES, MAX_FILES = 1 << 20, 1_000


def find(folder: Path) -> Iterator[Plugin]:
    """Find the Python files and packages of a folder whose names begin with a letter or digit.

    Raises
    ------
    PluginError
        If there is no such folder, or others than its owner and root can change it.
    """
    require(folder.is_dir(), PluginError, f"no plugin folder {folder}")
    with explained(PluginError, f"cannot read the plugin folder {folder}"):
        _size(folder, folder.stat())
        entries = sorted(folder.iterdir())
    for path in entries:
        package = os.path.isfile(path / "__init__.py")  # noqa: PTH113 - never raises
        if path.name[0] not in "._" and (package or path.suffix in (".py", ".zip")):
            try:
                require(package or path.suffix == ".py", PluginError, absent("zip archives are"))
                check(path)
                yield read(path)
            except (PluginError, OSError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                yield Plugin(path.stem, path, "folder", error=reason)


def read(path: Path, source: str = "folder", module: str = "") -> Plugin:
    """Read a file, or a package whole."""
    package = path.is_dir()
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*.py")) if package else [path]:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(path)} {len(content)} ".encode() if package else b"")
        digest.update(content)
    file = path / "__init__.py" if package else path
    return Plugin(path.stem, file, source, digest.hexdigest(), module)


def check(path: Path) -> None:
    """Refuse a plugin that is too large or has no proper name, and what others can change.

    Raises
    ------
    PluginError
        With the reason.
    """
    msg = f"{path} has no name for a plugin: use letters, digits, underscores and hyphens"
    require(path.stem.replace("-", "_").isidentifier(), PluginError, msg)
    found = [path, *itertools.islice(path.rglob("*"), MAX_FILES)]
    n_bytes = sum(_size(each, each.lstat()) for each in found)
    msg = f"{path} holds more than {MAX_FILES:,} files or {MAX_BYTES >> 20} MiB"
    require(len(found) <= MAX_FILES and n_bytes <= MAX_BYTES, PluginError, msg)


def _size(path: Path, status: os.stat_result) -> int:
    """Refuse what others could have written, where owners are known; give the size in bytes."""
    mode, uid = status.st_mode, status.st_uid
    msg = f"{path} is a link or no file: put the file itself here"
    require(stat.S_ISREG(mode) or stat.S_ISDIR(mode), PluginError, msg)
    if hasattr(os, "geteuid"):
        msg = f"{path} belongs to another user (uid {uid}): make it yours with chown"
        require(uid in (os.geteuid(), 0), PluginError, msg)
        shared = mode & stat.S_IWGRP and not _is_own(path, status.st_gid)
        msg = f"{path} can be changed by others: take that away with chmod go-w"
        require(not shared and not mode & stat.S_IWOTH, PluginError, msg)
    return status.st_size if stat.S_ISREG(mode) else 0


def _is_own(path: Path, gid: int) -> bool:
    """Say whether a group has the user as its one member, as on many systems, and no ACL more."""
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(gid)
        attributes = os.listxattr(path) if hasattr(os, "listxattr") else []
    except (KeyError, OSError):
        return False
    alone = user.pw_gid == gid and not {group.gr_name, *group.gr_mem} - {user.pw_name}
    return alone and "system.posix_acl_access" not in attributes
