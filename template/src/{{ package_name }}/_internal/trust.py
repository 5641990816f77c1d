"""Read files that none but the user and root can have written."""

import hashlib
import os
import stat
from pathlib import Path

from ..errors import PluginError

__all__ = ["MAX_BYTES", "distrust", "read", "sha256"]

MAX_BYTES = 16 << 20
"""What a file, a package or an unpacked archive may hold."""


def sha256(content: bytes) -> str:
    """Hash a content: 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def read(path: Path, root: Path) -> bytes:
    """Read a file that lies in `root` and that only its owner and root can change.

    Raises
    ------
    PluginError
        If it is another; what was looked at is what was opened.
    """
    real = Path(os.path.realpath(path, strict=True))
    if not real.is_relative_to(root):
        msg = f"is a link out of the plugin folder, to {real}"
        raise PluginError(msg)
    with open(real, "rb", opener=_open) as stream:
        status = os.fstat(stream.fileno())
        reason = "is no regular file" if not stat.S_ISREG(status.st_mode) else distrust(status)
        content = b"" if reason else stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        reason = f"holds more than {MAX_BYTES >> 20} MiB"
    if reason:
        raise PluginError(reason)
    return content


def distrust(status: os.stat_result) -> str:
    """Say why others could have written this, on systems that know owners; "" if they could not."""
    if not hasattr(os, "geteuid"):
        return ""
    if status.st_uid not in (os.geteuid(), 0):
        return f"belongs to another user (uid {status.st_uid}): make it yours with chown"
    if status.st_mode & stat.S_IWOTH:
        return "can be changed by everyone: take that away with chmod o-w"
    if status.st_mode & stat.S_IWGRP and not _is_own_group(status.st_gid):
        return "can be changed by its group: take that away with chmod g-w"
    return ""


def _open(path: str, flags: int) -> int:
    """Open without waiting for a pipe's other end, and without following a link put there since."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _is_own_group(gid: int) -> bool:
    """Say whether a group has the user as its one member, as many systems set it up."""
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    return (
        user.pw_gid == gid
        and group.gr_name == user.pw_name
        and not {*group.gr_mem} - {user.pw_name}
    )
