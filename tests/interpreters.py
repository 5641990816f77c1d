"""The Pythons of this machine, by minor version."""

import json
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
    words = ["uv", "python", "list", "--only-installed", "--managed-python", "--output-format=json"]
    try:
        listed = subprocess.run(words, capture_output=True, check=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    return [str(Path(python["path"]).parent) for python in json.loads(listed)]


# pyenv and uv keep their Pythons off PATH unless one is chosen.
_pyenv = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions").glob("3.*/bin"))
_own = Path(sys.executable).parent  # first, so that a tool is the one that was installed for the tests
PATH = os.pathsep.join([*map(str, [_own, *_pyenv]), os.environ.get("PATH", ""), *_managed()])


@cache
def find(version: str) -> str | None:
    """Give the path of a Python such as "3.12"; None where the machine has none."""
    return shutil.which(f"python{version}", path=PATH)
