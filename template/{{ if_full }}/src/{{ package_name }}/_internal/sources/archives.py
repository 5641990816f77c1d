"""Zip archives in the plugin folder: each module or package at their top is a plugin."""

import hashlib
import io
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from ...errors import PluginError, require
from .. import folders
from ..modules import Plugin

__all__ = ["add"]

_MEMBER = re.compile(r"([\w-]+/)*[\w-]+\.py")
_unpacked: dict[str, tempfile.TemporaryDirectory[str]] = {}


def add(found: Iterable[Plugin], folder: Path | None) -> Iterator[Plugin]:
    """Put the plugins of archives in the place of these."""
    for each in found:
        if each.file.suffix != ".zip":
            yield each
            continue
        try:
            folders.check(each.file)
            yield from _plugins(each.file)
        except (PluginError, OSError) as error:
            yield replace(each, source="archive", error=str(error))


def _plugins(path: Path) -> Iterator[Plugin]:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest not in _unpacked:
        _unpacked[digest] = tempfile.TemporaryDirectory(prefix=f"{path.stem}-")
        for name, source in _read(content).items():
            file = Path(_unpacked[digest].name, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(source)
    for place in sorted(Path(_unpacked[digest].name).iterdir()):
        if place.name[0] != "_" and (place.suffix == ".py" or (place / "__init__.py").is_file()):
            yield folders.read(place, f"archive {path.name}")


def _read(content: bytes) -> dict[str, bytes]:
    """Read the Python files of an archive, which is small enough that all can be listed.

    Raises
    ------
    PluginError
        If it is broken, too large, encrypted or ambiguous.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [info for info in archive.infolist() if info.filename.endswith(".py")]
            names = [info.filename for info in members]
            odd = [name for name in names if not _MEMBER.fullmatch(name)]
            twice = [name for name in names if names.count(name) > 1]
            msg = f"holds a file that no module can be, or twice: {next(iter(odd + twice), '')!r}"
            require(not odd and not twice, PluginError, msg)
            small = sum(each.file_size for each in members) <= folders.MAX_BYTES
            msg = f"holds more than {folders.MAX_FILES:,} files or {folders.MAX_BYTES} bytes"
            require(small and len(names) <= folders.MAX_FILES, PluginError, msg)
            return {info.filename: archive.open(info).read(info.file_size) for info in members}
    except PluginError:
        raise
    except Exception as error:  # each kind of compression raises its own
        msg = f"cannot be unpacked: {error}"
        raise PluginError(msg) from error
