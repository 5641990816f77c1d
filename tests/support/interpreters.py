"""The Pythons of this machine, by minor version."""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from questions import HIDDEN

__all__ = ["PATH", "VERSIONS", "find"]

VERSIONS: list[str] = re.findall(r"'(3\.\d+)'", HIDDEN["python_versions"]["default"])
"""What a project is tested on, if it needs no newer one: the oldest first."""


def _managed() -> list[str]:
    """List the folders of the Pythons that uv has installed."""
    try:
        there = subprocess.run(["uv", "python", "dir"], capture_output=True, check=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return []
    found = [folder for folder in sorted(Path(there).glob("cpython-*")) if "+" not in folder.name]  # a variant
    return [str(folder / "bin" if os.name == "posix" else folder) for folder in found]


# pyenv and uv keep their Pythons off PATH unless one is chosen.
_pyenv = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions").glob("3.*/bin"))
_own = Path(sys.executable).parent  # first, so that a tool is the one that was installed for the tests
PATH = os.pathsep.join([*map(str, [_own, *_pyenv]), os.environ.get("PATH", ""), *_managed()])


@cache
def find(version: str) -> str | None:
    """Give the path of a Python such as "3.12"; None where the machine has none."""
    return shutil.which(f"python{version}", path=PATH)
