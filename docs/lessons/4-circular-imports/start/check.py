"""Import each module first, and look for imports inside functions."""

import ast
import subprocess
import sys
from pathlib import Path

for path in sorted(Path("surge").glob("*.py")):
    name = f"surge.{path.stem}"
    done = subprocess.run([sys.executable, "-c", f"import {name}"], capture_output=True, text=True)
    assert done.returncode == 0, f"import {name}: {done.stderr}"
    for node in ast.walk(ast.parse(path.read_text())):
        inside = isinstance(node, ast.FunctionDef) and any(isinstance(part, ast.ImportFrom) for part in ast.walk(node))
        assert not inside, f"{path} imports inside a function"

from surge import report

assert report.summary({"rows": 3}) == "rows: 3"
print("solved")
