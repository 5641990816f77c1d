"""Train on a table that is named on the command line."""

import subprocess
import sys
from pathlib import Path

table = "wind_ms,surge_cm\n1,10\n2,20\n3,30\n"
Path("three.csv").write_text(table)
done = subprocess.run([sys.executable, "-m", "surge.run", "three.csv"], capture_output=True, text=True)
assert done.returncode == 0, done.stderr
assert "rows 3" in done.stdout, "surge.run does not read the table that the command names"
Path("three.csv").unlink()
print("solved")
