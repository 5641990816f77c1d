"""Typed settings: file < environment < command line.

A file is read only where it is named, with ``--config`` or the environment variable
``<PACKAGE>_CONFIG``; every other variable is ``<PACKAGE>_`` and the name of a setting. In a
variable lists are split at commas, or JSON.
"""

import functools
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from ._internal import layers
from ._internal.layers import PREFIX, Names, Steps
from ._internal.reading import Reading

__all__ = ["PREFIX", "Settings", "load", "origins", "settings"]


class Settings(Reading, BaseSettings):
    """All settings of a run; ``config.toml`` describes each."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    target: str | None = None
    task: Literal["auto", "classification", "regression"] = "auto"
    drop: Names = ()
    seed: int = Field(0, ge=0, lt=2**32)
    max_rows: int | None = Field(None, ge=1)

    test_fraction: float = Field(0.25, gt=0, lt=1)
    split: Literal["random", "group", "time"] = "random"
    split_by: str | None = None
    use_split_by: bool = False
    folds: int = Field(0, ge=0, le=100)
    refit: bool = True
    metric: str | None = None
    search: int = Field(0, ge=0)

    plugin_folder: Path | None = None
    no_plugins: bool = False
    transforms: Steps = ()
    engine: str = "polars"
    cluster: str | None = None

    class_weight: Literal["balanced"] | None = None
    learning_rate: float = Field(0.1, gt=0, le=1)
    max_iter: int = Field(100, ge=1, le=100_000)
    max_leaf_nodes: int = Field(31, ge=2)
    min_samples_leaf: int = Field(20, ge=1)
    l2_regularization: float = Field(0.0, ge=0)


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
        If the file cannot be read or a value breaks its rule. The message lists all
        mistakes: key, value, rule.

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
