"""A second transform in the folder: only rows of at least N, named on the command line."""

import subprocess
from pathlib import Path

words = [".venv/bin/myetl", "orders.csv", "large.csv", "--steps", "drop_missing", "at_least"]
subprocess.run(words, check=True)
lines = Path("large.csv").read_text().splitlines()
assert lines == ["country,amount", "de,12.5", "DE,30"], lines
print("solved")
