"""Build a wheel with a project's own backend in a forked child, and read what is in it."""

import contextlib
import email
import email.policy
import gc
import importlib
import importlib.metadata
import os
import shutil
import signal
import sys
import tomllib
import traceback
import warnings
import zipfile
from configparser import ConfigParser
from email.message import EmailMessage
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType
from unittest import mock

__all__ = ["TAGGED", "Wheel", "build_in_fork"]

TAGGED = "1.2.3"
# What each backend reads in place of a git tag.
PRETEND = dict.fromkeys(
    ["SETUPTOOLS_SCM_PRETEND_VERSION", "VCS_VERSIONING_PRETEND_VERSION", "PDM_BUILD_SCM_VERSION"], TAGGED
)
LIMIT = 60  # seconds until a build that hangs is stopped

_installed = cache(importlib.metadata.entry_points)
_used: set[str] = set()


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


def build_in_fork(project: Path, folder: Path) -> Wheel:
    """Build a project's wheel with its own backend, without starting a Python.

    Raises
    ------
    RuntimeError
        If the backend fails; the message is what it printed.
    """
    system = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    backend = importlib.import_module(system["build-backend"])
    if repr(system) not in _used:  # so that no child has to import what a backend imports late
        _used.add(repr(system))
        _rehearse(backend, project, folder.with_name(f"{folder.name}-rehearsal"))
    folder.mkdir()
    log = folder.with_suffix(".log")
    if not (child := os.fork()):
        _build_and_exit(backend, project, folder, log)
    if status := os.waitpid(child, 0)[1]:
        msg = f"{system} ended with {os.waitstatus_to_exitcode(status)}:\n{log.read_text(errors='replace')}"
        raise RuntimeError(msg)
    [path] = folder.iterdir()
    return Wheel(path)


def _build(backend: ModuleType, project: Path, folder: Path) -> None:
    """Call the backend as a frontend does: in the project's folder."""
    os.environ |= PRETEND
    warnings.simplefilter("default")  # those of the tests are errors
    sys.argv[1:] = []
    os.chdir(project)
    # setuptools reads the entry points of all that is installed, 28 times over: two thirds of its build
    with mock.patch.object(importlib.metadata, "entry_points", lambda **wanted: _installed().select(**wanted)):
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


def _build_and_exit(backend: ModuleType, project: Path, folder: Path, log: Path) -> None:
    """Build in this process and end it, whatever happens: the parent's tests must not run on in a child."""
    status = 1
    try:
        signal.alarm(LIMIT)
        gc.disable()  # a collection would copy all that the parent has loaded
        output = os.open(log, os.O_WRONLY | os.O_CREAT)
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
