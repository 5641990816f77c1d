"""Save and load models."""

import json

from .model import Model


def save(model, path):
    """Write a model as JSON."""
    with open(path, "w") as stream:
        json.dump({"slope": model.slope}, stream)


def load(path):
    """Read a model."""
    with open(path) as stream:
        return Model(json.load(stream)["slope"])
