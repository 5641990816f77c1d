"""Use every plugin there is."""

from pathlib import Path

import loader

for name, plugin in loader.load(Path("plugins")).items():
    print(name, plugin.transform([1, 2]), "-", plugin.__doc__)
