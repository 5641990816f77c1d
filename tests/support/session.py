"""The session that updates a project, as a module: what is rendered as `update.py`."""

import importlib.util
import sys
from typing import Any

from questions import ROOT

__all__ = ["SCRIPT", "update"]

SCRIPT = ROOT / "template" / "update.py"


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("rendered_update", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


update = _load()
