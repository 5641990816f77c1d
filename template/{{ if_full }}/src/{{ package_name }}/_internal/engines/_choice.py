"""Choose an engine: they are found by their files."""

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

from ...errors import EngineError, require

__all__ = ["choose"]


def choose(name: str, cluster: str | None) -> ModuleType:
    """Import an engine.

    Raises
    ------
    EngineError
        If it is not here or not installed, or the cluster has an address of another engine.
    """
    found = [each.name for each in pkgutil.iter_modules([str(Path(__file__).parent)])]
    known = [each for each in found if each[0] != "_"]
    msg = f"there is no engine {name!r}, only polars, {', '.join(known)}"
    require(name in known, EngineError, msg)
    module = importlib.import_module(f"{__package__}.{name}")
    begins: tuple[str, ...] = getattr(module, "ADDRESSES", ())
    fits = not cluster or not begins or cluster.startswith(begins)
    msg = f"cluster={cluster} is none of {name}: its addresses begin with {' or '.join(begins)}"
    require(fits, EngineError, msg)
    return module
