"""Say what an engine needs that is not installed."""

import importlib.util
import re

from ...errors import EngineError

__all__ = ["missing"]


def missing(engine: str, *requirements: str) -> EngineError:
    """Name the packages that are not installed, and the command that brings them.

    Parameters
    ----------
    engine
        Its module.
    *requirements
        What it imports, with the lowest versions that are tested, e.g. ``duckdb>=1.5``.
    """
    absent = [line for line in requirements if not importlib.util.find_spec(_package(line))]
    wanted = absent or requirements  # one is installed that cannot be imported
    names = " and ".join(map(_package, wanted))
    quoted = " ".join(f'"{line}"' for line in wanted)
    return EngineError(f"engine {engine.rpartition('.')[2]} needs {names}: uv add {quoted}")


def _package(requirement: str) -> str:
    return re.split(r"\W", requirement)[0]
