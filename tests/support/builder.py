"""Build wheels on demand, one after the other in this process, which has loaded backends and little else.

It reads lines of JSON, `{"project": …, "folder": …}`, and answers each with 0 or 1; what a backend printed is in
FOLDER.log. `wheels` starts it, one for each process that runs tests. No folder may be built twice: setuptools takes the
folders that it has made for granted.
"""

import contextlib
import functools
import importlib
import importlib.metadata
import json
import os
import signal
import sys
import tomllib
import traceback
import zlib
from collections.abc import Callable
from pathlib import Path
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


@functools.cache
def _entry_points(**wanted: str) -> Any:
    return _installed().select(**wanted)


def build(project: Path, folder: Path) -> None:
    """Call the backend as a frontend does: in the project's folder, without arguments."""
    system = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    backend = importlib.import_module(system["build-backend"])
    sys.argv[1:] = []
    # setuptools reads the entry points of all that is installed, 28 times over: two thirds of its build
    once = mock.patch.object(importlib.metadata, "entry_points", _entry_points)
    stored = mock.patch.object(zlib, "compressobj", functools.partial(_compressor, zlib.compressobj))
    with contextlib.chdir(project), once, stored:
        backend.build_wheel(str(folder))


def _compressor(plain: Callable[..., Any], _: int, *options: Any) -> Any:
    """Let a wheel grow: to make it small takes a fifth of its build."""
    return plain(0, *options)


def _build_quietly(project: Path, folder: Path) -> int:
    """Build, with all that is printed in a file; give 0 if it went well."""
    with folder.with_suffix(".log").open("wb") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    try:
        signal.alarm(LIMIT)
        build(project, folder)
    except BaseException:  # noqa: BLE001 - also SystemExit, from uv-build and setuptools
        traceback.print_exc()
        return 1
    else:
        return 0
    finally:
        signal.alarm(0)
        sys.stdout.flush()
        sys.stderr.flush()


def _stop(*_: object) -> None:
    msg = f"it took more than {LIMIT} seconds"
    raise TimeoutError(msg)


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.environ |= PRETEND
    signal.signal(signal.SIGALRM, _stop)
    for line in sys.stdin:
        project, folder = (Path(json.loads(line)[name]) for name in ("project", "folder"))
        print(_build_quietly(project, folder), file=answers, flush=True)


if __name__ == "__main__":
    _serve()
