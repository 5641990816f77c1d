"""The Pythons of this machine, by minor version."""

import os
import shutil
import sys
from functools import cache
from pathlib import Path

from questions import ASKED

__all__ = ["PATH", "VERSIONS", "find"]

VERSIONS: list[str] = ASKED["min_python"]["choices"]

# pyenv keeps its Pythons off PATH unless one is chosen.
_pyenv = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions").glob("3.*/bin"))
_own = Path(sys.executable).parent  # first, so that a tool is the one that was installed for the tests
PATH = os.pathsep.join([*map(str, [_own, *_pyenv]), os.environ.get("PATH", "")])


@cache
def find(version: str) -> str | None:
    """Give the path of a Python such as "3.12"; None where the machine has none."""
    return shutil.which(f"python{version}", path=PATH)
