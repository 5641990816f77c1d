import functools
import pickle

import polars as pl

from my_project._internal.recipe import Recipe


def test_recipe_travels_as_bytes():
    recipe = pickle.loads(pickle.dumps(Recipe.of(functools.partial, counting)))  # noqa: S301 - ours
    for _ in range(3):
        recipe(pl.DataFrame())
    assert counting.__dict__.pop("calls") == 3


def counting(batch):
    counting.calls = getattr(counting, "calls", 0) + 1
    return batch
