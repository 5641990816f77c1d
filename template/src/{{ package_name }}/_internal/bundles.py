"""A plugin's own files: its module or package, and what that imports beside it."""

import ast
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import PluginError
from .trust import MAX_BYTES, sha256

__all__ = ["NAME", "Bundle", "split", "unpack"]

NAME = re.compile(r"[\w-]+")
"""What a module of a plugin folder may be called."""

_RELATIVE = re.compile(rb"from[\s\\]*\.")


@dataclass(frozen=True)
class Bundle:
    """A plugin and the Python files that it imports beside it, by their paths in `root`."""

    plugin: str
    root: Path
    files: dict[str, bytes]

    @property
    def file(self) -> Path:
        """Give the plugin's own file."""
        package = f"{self.plugin}/__init__.py"
        return self.root / (package if package in self.files else f"{self.plugin}.py")

    @property
    def sha256(self) -> str:
        """Give the hash of the one file, or of all paths and hashes: 64 hexadecimal digits."""
        if len(self.files) == 1:
            return sha256(*self.files.values())
        lines = (f"{path} {sha256(content)}\n" for path, content in sorted(self.files.items()))
        return sha256("".join(lines).encode())


def split(root: Path, files: dict[str, bytes]) -> list[Bundle]:
    """Make a bundle of each public module or package at the top of a folder or archive.

    Parameters
    ----------
    root
        The folder or archive.
    files
        Its Python files, by their paths in it.
    """
    tops: dict[str, dict[str, bytes]] = {}
    for name, content in files.items():
        tops.setdefault(name.partition("/")[0].removesuffix(".py"), {})[name] = content
    public = [
        top
        for top, part in tops.items()
        if not top.startswith("_") and {f"{top}.py", f"{top}/__init__.py"} & part.keys()
    ]
    imported = {name: _siblings(name, content) for name, content in files.items()}
    return [Bundle(top, root, _closure(top, tops, imported)) for top in sorted(public)]


def unpack(content: bytes) -> dict[str, bytes]:
    """Take the Python files out of a zip archive, in memory.

    Raises
    ------
    PluginError
        If it is broken, too large, encrypted or ambiguous.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [info for info in archive.infolist() if info.filename.endswith(".py")]
            names = [info.filename for info in members]
            _check_members(names, sum(info.file_size for info in members))
            return {info.filename: archive.open(info).read(MAX_BYTES) for info in members}
    except PluginError:
        raise
    except Exception as error:  # each kind of compression raises its own
        msg = f"cannot be unpacked: {error}"
        raise PluginError(msg) from error


def _closure(
    top: str, tops: dict[str, dict[str, bytes]], imported: dict[str, set[str]]
) -> dict[str, bytes]:
    """Collect the files of a module or package and, in turn, of those it imports beside it."""
    found: dict[str, bytes] = {}
    left = [top]
    while left:
        here = tops.get(left.pop(), {})
        if here.keys() - found.keys():
            found |= here
            left += [name for path in here for name in imported[path]]
    return found


def _siblings(path: str, content: bytes) -> set[str]:
    """Name what a module imports with leading dots: modules beside it or beside its package."""
    if not _RELATIVE.search(content):
        return set()
    try:
        nodes = [*ast.walk(ast.parse(content))]
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # told when it is loaded
        return set()
    found = set()
    for node in nodes:
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        package = path.split("/")[:-1]
        base = package[: len(package) + 1 - node.level]
        target = [*base, *(node.module or "").split(".")]
        found |= {target[0]} if target[0] else {alias.name for alias in node.names}
    return found


def _check_members(names: list[str], n_bytes: int) -> None:
    """Refuse an archive that could say one thing to us and another to its reader."""
    for name in names:
        parts = PurePosixPath(name).parts
        if not all(NAME.fullmatch(part.removesuffix(".py")) for part in parts):
            msg = f"holds a file that no module can be: {name!r}"
            raise PluginError(msg)
    if len({*names}) < len(names):
        msg = f"holds a file twice: {max(names, key=names.count)!r}"
        raise PluginError(msg)
    if n_bytes > MAX_BYTES:
        msg = f"holds more than {MAX_BYTES >> 20} MiB"
        raise PluginError(msg)
