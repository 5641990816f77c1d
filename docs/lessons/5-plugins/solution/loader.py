"""Load the plugins of a folder: one file each."""

import importlib.util
import logging

logger = logging.getLogger(__name__)


def load(folder):
    """Return the modules in a folder by name; names that start with an underscore are left out."""
    found = {}
    for path in sorted(folder.glob("[!_]*.py")):
        spec = importlib.util.spec_from_file_location(f"plugins.{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            logger.warning("%s is left out: %r", path, error)
        else:
            found[path.stem] = module
    return found
