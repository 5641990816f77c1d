"""Find plugins in a folder: files and packages that only their owner can change. None is run."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ..errors import PluginError
from . import absent
from .modules import Broken, Plugin

__all__ = ["MAX_BYTES", "MAX_FILES", "check", "find", "read"]

MAX_BYTES, MAX_FILES = 1 << 20, 1_000


def find(folder: Path) -> Iterator[Plugin | Broken]:
    """Find the Python files and packages of a folder whose names begin with a letter or digit.

    Raises
    ------
    PluginError
        If there is no such folder, or others than its owner and root can change it.
    """
    try:
        _size(folder, folder.stat())
        entries = sorted(folder.iterdir())
    except OSError as error:
        msg = f"cannot read the plugin folder {folder}: {error.strerror}"
        raise PluginError(msg) from error
    for path in entries:
        package = os.path.isfile(path / "__init__.py")  # noqa: PTH113 - never raises
        if path.name[0] not in "._" and (package or path.suffix in (".py", ".zip")):
            try:
                if path.suffix == ".zip" and not package:
                    raise PluginError(absent("zip archives are"))
                check(path)
                yield read(path)
            except (PluginError, OSError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                yield Broken(path.stem, path, "folder", reason)


def read(path: Path, source: str = "folder", module: str = "") -> Plugin:
    """Read a file, or a package whole."""
    file = path / "__init__.py" if path.is_dir() else path
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    digests = {each: hashlib.sha256(each.read_bytes()).hexdigest() for each in files}
    lines = (f"{each.relative_to(path)} {digest}\n" for each, digest in digests.items())
    digest = hashlib.sha256("".join(lines).encode()).hexdigest() if path.is_dir() else digests[file]
    return Plugin(path.stem, file, source, digest, module)


def check(path: Path) -> None:
    """Refuse a plugin that is too large or has no proper name, and what others can change.

    Raises
    ------
    PluginError
        With the reason.
    """
    if not path.stem.replace("-", "_").isidentifier():
        msg = f"{path} has no name for a plugin: use letters, digits, underscores and hyphens"
        raise PluginError(msg)
    found = [path]
    for place, folders, names in os.walk(path):
        found += [Path(place, name) for name in (*folders, *names)]
        if len(found) > MAX_FILES:
            break
    if sum(_size(each, each.lstat()) for each in found) > MAX_BYTES or len(found) > MAX_FILES:
        msg = f"{path} holds more than {MAX_FILES:,} files or {MAX_BYTES >> 20} MiB"
        raise PluginError(msg)


def _size(path: Path, status: os.stat_result) -> int:
    """Refuse what others could have written, where owners are known; give the size in bytes."""
    mode, reason = status.st_mode, ""
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        reason = "is a link or no file: put the file itself here"
    elif hasattr(os, "geteuid"):
        if status.st_uid not in (os.geteuid(), 0):
            reason = f"belongs to another user (uid {status.st_uid}): make it yours with chown"
        elif mode & stat.S_IWOTH or (mode & stat.S_IWGRP and not _is_own(path, status.st_gid)):
            reason = "can be changed by others: take that away with chmod go-w"
    if reason:
        msg = f"{path} {reason}"
        raise PluginError(msg)
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
