"""Import tides and run it: the import must print nothing, the script must print the level."""

import subprocess
import sys


def printed(*words):
    """Return what Python prints."""
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True).stdout


assert printed("-c", "import tides") == "", "importing tides still prints something"
assert printed("tides.py") == "412\n", "python tides.py must print the highest level"
print("solved")
