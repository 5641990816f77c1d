"""Write files whole or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ..errors import DataError, require
from . import explained

__all__ = ["atomic", "write_together"]


@contextlib.contextmanager
def atomic(path: Path, *, ready: Callable[[], None] | None = None) -> Iterator[Path]:
    """Give a path to write to; move it onto `path` when the block succeeds.

    Parameters
    ----------
    path
        Where the file shall be. Missing folders are made, links are followed.
    ready
        Called when the new file is on the disk, before it takes the place of the old one;
        if it raises, the old one stays.

    Yields
    ------
    Path
        An empty file in the same folder, deleted if the block fails. A killed
        run leaves the old `path` or none, and at worst this file beside it.

    Raises
    ------
    DataError
        If the file cannot be written (no permission, a folder, a full disk).
    """
    with _part(path) as part:
        yield part
        _finish(part)
        if ready:
            ready()
        part.replace(path.resolve())


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write files that belong together; the last one is there only beside its fellows.

    Parameters
    ----------
    contents
        Path -> content. Nothing is replaced before all is on the disk; then the
        last path goes first and comes last, so that a killed run never leaves it
        beside files of another run.

    Raises
    ------
    DataError
        If a file cannot be written; all files are then as they were.
    """
    with contextlib.ExitStack() as stack:
        parts = {}
        for path, content in contents.items():
            parts[path] = stack.enter_context(_part(path))
            parts[path].write_bytes(content)
            _finish(parts[path])
        path.unlink(missing_ok=True)
        for path, part in parts.items():
            part.replace(path.resolve())


@contextlib.contextmanager
def _part(path: Path) -> Iterator[Path]:
    """Make an empty file in the folder of `path`; delete it in the end if it is still there.

    An error of the operating system becomes one line that names `path`.
    """
    with explained(DataError, f"cannot write {path}"):
        msg = f"cannot write {path}: it is no regular file, name another"
        require(path.is_file() or not path.exists(), DataError, msg)
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(target.suffix, f".{target.name}.", target.parent)
        os.close(handle)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)


def _finish(part: Path) -> None:
    """Wait until the bytes are on the disk; give the file the usual permissions."""
    with part.open("rb+") as stream:
        os.fsync(stream.fileno())
    mask = os.umask(0)  # there is no call that only reads it
    os.umask(mask)
    part.chmod(0o666 & ~mask)
