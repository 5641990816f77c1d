"""python -m gauge must do what the command does, from the wheel alone."""

import subprocess
import sys
import zipfile
from pathlib import Path

subprocess.run(["uv", "build", "--quiet", "--wheel"], check=True)
wheel = sorted(Path("dist").glob("*.whl"))[-1]
assert "gauge/__main__.py" in zipfile.ZipFile(wheel).namelist(), "the wheel has no gauge/__main__.py"
words = [sys.executable, "-c", f"import sys; sys.path[:0] = [{str(wheel)!r}]; import runpy; runpy.run_module('gauge')"]
done = subprocess.run(words, capture_output=True, text=True)
assert not done.stdout, "importing gauge.__main__ must print nothing"
words[-1] = words[-1].replace("run_module('gauge')", "run_module('gauge', run_name='__main__')")
done = subprocess.run(words, capture_output=True, text=True)
assert done.stdout == "412 cm\n", done.stderr
print("solved")
