"""Typed settings: file < environment < command line.

A file is read only where it is named, with ``--config`` or the environment
variable ``<PACKAGE>_CONFIG``; every other variable is ``<PACKAGE>_`` and the
name of a setting. In a variable lists are split at commas, or JSON.
"""

import functools
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from ._internal import layers
from ._internal.layers import PREFIX, Names, Steps

__all__ = ["PREFIX", "Settings", "load", "origins", "settings"]


class Settings(BaseSettings):
    """Everything a run can be told; see ``config.toml`` for the same list."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    target: Annotated[
        str | None, Field(description="column to predict; none: the sample's own")
    ] = None
    task: Annotated[
        Literal["auto", "classification", "regression"],
        Field(description="auto: from the target's values"),
    ] = "auto"
    drop: Annotated[Names, Field(description="columns to leave out")] = ()
    seed: Annotated[int, Field(ge=0, lt=2**32, description="of the split and the model")] = 0
    max_rows: Annotated[
        int | None, Field(ge=1, description="rows to train on, drawn by chance; none: all")
    ] = None
    test_fraction: Annotated[
        float, Field(gt=0, lt=1, description="share of rows kept for the metrics")
    ] = 0.25

    split: Annotated[
        Literal["random", "group", "time"], Field(description="how test rows are chosen")
    ] = "random"
    split_by: Annotated[
        str | None, Field(description="column of the groups, or of the time, to split by")
    ] = None
    use_split_by: Annotated[bool, Field(description="use that column as a feature, too")] = False
    folds: Annotated[
        int, Field(ge=0, le=100, description="cross-validation; 0: one training and test part")
    ] = 0
    refit: Annotated[
        bool, Field(description="save a model fitted on all rows, not on the training rows")
    ] = True
    metric: Annotated[
        str | None, Field(description="that a search improves; none: balanced accuracy or MAE")
    ] = None
    search: Annotated[int, Field(ge=0, description="number of parameter sets to try")] = 0
    class_weight: Annotated[
        Literal["balanced"] | None, Field(description="balanced: rare labels count more")
    ] = None

    plugin_folder: Annotated[
        Path | None, Field(description="folder with transforms of your own")
    ] = None
    no_plugins: Annotated[
        bool, Field(description="use only plugins that come with the package")
    ] = False
    transforms: Annotated[Steps, Field(description="plugins to apply, in this order")] = ()

    engine: Annotated[str, Field(description="what handles the tables")] = "polars"
    cluster: Annotated[
        str | None, Field(description="address of a running cluster, for dask and spark")
    ] = None

    learning_rate: Annotated[float, Field(gt=0, le=1, description="shrinkage of each tree")] = 0.1
    max_iter: Annotated[int, Field(ge=1, le=100_000, description="number of trees, per class")] = (
        100
    )
    max_leaf_nodes: Annotated[int, Field(ge=2, description="leaves of a tree")] = 31
    min_samples_leaf: Annotated[int, Field(ge=1, description="rows in a leaf")] = 20
    l2_regularization: Annotated[float, Field(ge=0, description="0: none; larger: smoother")] = 0.0


@functools.cache
def settings() -> Settings:
    """Give the settings of the environment, read at the first call.

    Raises
    ------
    ConfigError
        As `load`.
    """
    return load()


def load(file: Path | None = None, **given: Any) -> Settings:
    """Read the settings from a file, the environment and the caller.

    Parameters
    ----------
    file
        TOML file; None: the one that ``<PACKAGE>_CONFIG`` names, if any.
    **given
        Settings of the command line; None counts as not given.

    Raises
    ------
    ConfigError
        If the file cannot be read or a value breaks its rule. The message holds
        every mistake: key, value, rule.

    Examples
    --------
    >>> load(seed=7).seed
    7
    """
    made: Settings = layers.load(Settings, file, given)
    return made


def origins(file: Path | None = None, **given: Any) -> dict[str, str]:
    """Tell where each setting comes from: its name -> a file, variable or "default"."""
    return layers.origins(Settings, file, given)
