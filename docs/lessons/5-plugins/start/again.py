"""Change a module while it is in use."""

import importlib
from pathlib import Path

import rate
from rate import value

Path("rate.py").write_text("value = 20\n")
importlib.reload(rate)
print(rate.value, value)
