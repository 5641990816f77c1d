"""A plugin that fails must not take the others along."""

import logging
from pathlib import Path

import loader

logging.disable()

broken = Path("plugins/broken.py")
broken.write_text("this is no Python\n")
try:
    found = loader.load(Path("plugins"))
finally:
    broken.unlink()
assert "double" in found
assert "broken" not in found
print("solved")
