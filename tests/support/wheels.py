"""Have a wheel built by a project's own backend, and read what is in it."""

import atexit
import email
import email.policy
import json
import os
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from email.message import EmailMessage
from functools import cache, cached_property
from pathlib import Path

import builder
from builder import TAGGED

__all__ = ["TAGGED", "Wheel", "build_wheel"]

_NEEDED = {"PATH", "HOME", "TMPDIR", "SYSTEMROOT", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"}


class Wheel:
    """A built wheel: its metadata, and its files without folder entries (uv-build writes those)."""

    def __init__(self, path: Path) -> None:
        """Read a wheel whole."""
        self.path = path
        with zipfile.ZipFile(path) as file:
            self.files = {name: file.read(name) for name in file.namelist() if not name.endswith("/")}

    @cached_property
    def dist_info(self) -> str:
        """Give the name of the metadata folder."""
        return "-".join(self.path.name.split("-")[:2]) + ".dist-info"

    @cached_property
    def metadata(self) -> EmailMessage:
        """Read METADATA, without joining or splitting its lines."""
        policy = email.policy.EmailPolicy(utf8=True, refold_source="none", max_line_length=0)
        return email.message_from_bytes(self.files[f"{self.dist_info}/METADATA"], EmailMessage, policy=policy)

    @cached_property
    def scripts(self) -> dict[str, str]:
        """Read the console scripts."""
        parser = ConfigParser(delimiters="=")
        parser.read_string(self.files[f"{self.dist_info}/entry_points.txt"].decode())
        return dict(parser["console_scripts"])

    @cached_property
    def package(self) -> dict[str, bytes]:
        """Give the files outside the metadata folder."""
        return {name: data for name, data in self.files.items() if not name.startswith(f"{self.dist_info}/")}


def build_wheel(project: Path, folder: Path) -> Wheel:
    """Build a project's wheel with its own backend, without starting a Python.

    Raises
    ------
    RuntimeError
        If the backend fails; the message is what it printed.
    """
    folder.mkdir()
    process = _builder()
    assert process.stdin
    assert process.stdout
    print(json.dumps({"project": str(project), "folder": str(folder)}), file=process.stdin, flush=True)
    if (status := process.stdout.readline().strip()) != "0":
        log = folder.with_suffix(".log")
        said = log.read_text(errors="replace") if log.exists() else "it said nothing"
        msg = f"the build of {project} ended with {status or 'the builder'}:\n{said}"
        raise RuntimeError(msg)
    [path] = folder.iterdir()
    return Wheel(path)


@cache
def _builder() -> subprocess.Popen[str]:
    """Start the process that builds; it ends with this one."""
    words, pipe = [sys.executable, "-P", builder.__file__], subprocess.PIPE
    few = {name: value for name, value in os.environ.items() if name in _NEEDED}  # setuptools copies all for each file
    process = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=few)
    atexit.register(process.communicate)  # closes what it reads, and waits
    return process
