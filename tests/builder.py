"""Build wheels on demand, each in a forked child: that costs little, as this process has loaded little.

It reads lines of JSON, `{"project": …, "folder": …}`, and answers each with the exit code of the child; what a backend
printed is in FOLDER.log. `wheels` starts it, one for each process that runs tests.
"""

import contextlib
import functools
import gc
import importlib
import importlib.metadata
import json
import os
import shutil
import signal
import sys
import tomllib
import traceback
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

__all__ = ["TAGGED"]

TAGGED = "1.2.3"
# What each backend reads in place of a git tag.
PRETEND = dict.fromkeys(
    ["SETUPTOOLS_SCM_PRETEND_VERSION", "VCS_VERSIONING_PRETEND_VERSION", "PDM_BUILD_SCM_VERSION"], TAGGED
)
LIMIT = 60  # seconds until a build that hangs is stopped

_installed = functools.cache(importlib.metadata.entry_points)
_used: set[str] = set()


@functools.cache
def _entry_points(**wanted: str) -> Any:
    return _installed().select(**wanted)


def build_in_fork(project: Path, folder: Path) -> int:
    """Build a project's wheel with its own backend, without starting a Python; give the exit code."""
    system = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    backend = importlib.import_module(system["build-backend"])
    if repr(system) not in _used:  # so that no child has to import what a backend imports late
        _used.add(repr(system))
        _rehearse(backend, project, folder.with_name(f"{folder.name}-rehearsal"))
    if not (child := os.fork()):
        _build_and_exit(backend, project, folder)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _build(backend: ModuleType, project: Path, folder: Path) -> None:
    """Call the backend as a frontend does: in the project's folder."""
    os.environ |= PRETEND
    sys.argv[1:] = []
    os.chdir(project)
    # setuptools reads the entry points of all that is installed, 28 times over: two thirds of its build
    with mock.patch.object(importlib.metadata, "entry_points", _entry_points):
        backend.build_wheel(str(folder))


def _rehearse(backend: ModuleType, project: Path, copy: Path) -> None:
    """Build a copy in this process; a failure is for the child to report."""
    shutil.copytree(project, copy)
    with (
        contextlib.chdir(copy),
        mock.patch.dict(os.environ),
        mock.patch.object(sys, "argv", sys.argv[:]),
        warnings.catch_warnings(record=True),
        contextlib.suppress(Exception, SystemExit),
    ):
        _build(backend, copy, copy)


def _build_and_exit(backend: ModuleType, project: Path, folder: Path) -> None:
    """Build in this process and end it, whatever happens: the parent's work must not go on in a child."""
    status = 1
    try:
        signal.alarm(LIMIT)
        gc.disable()  # a collection would copy all that the parent has loaded
        output = os.open(folder.with_suffix(".log"), os.O_WRONLY | os.O_CREAT)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.stdout, sys.stderr = open(1, "w"), open(2, "w")  # noqa: SIM115 - they end with the process
        _build(backend, project, folder)
        status = 0
    except BaseException:  # noqa: BLE001 - also SystemExit, from uv-build and setuptools
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what programs print that a rehearsal starts is no answer
    for line in sys.stdin:
        project, folder = (Path(json.loads(line)[name]) for name in ("project", "folder"))
        try:
            status = build_in_fork(project, folder)
        except Exception:  # noqa: BLE001 - a broken project; the next one may be whole
            folder.with_suffix(".log").write_text(traceback.format_exc(), encoding="utf-8")
            status = 1
        print(status, file=answers, flush=True)


if __name__ == "__main__":
    _serve()
