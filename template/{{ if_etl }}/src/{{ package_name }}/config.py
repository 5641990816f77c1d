"""Typed settings: file < environment < command line.

A file is read only where it is named, with ``--config`` or the environment
variable ``<PACKAGE>_CONFIG``; every other variable is ``<PACKAGE>_`` and the
name of a setting. In a variable lists are split at commas, or JSON, as tables are.
"""

import functools
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ._internal import layers
from ._internal.layers import PREFIX, Steps
from ._internal.reading import Reading

__all__ = ["PREFIX", "Settings", "load", "origins", "settings"]

Rules = Annotated[
    dict[str, str],
    NoDecode,
    BeforeValidator(lambda value: json.loads(value) if isinstance(value, str) else value),
]
"""Name -> expression; JSON in a variable."""


class Settings(Reading, BaseSettings):
    """The settings of a run; ``config.toml`` has the same list."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    plugin_folder: Annotated[
        Path | None, Field(description="folder with transforms of your own")
    ] = None
    no_plugins: Annotated[
        bool, Field(description="use only plugins that come with the package")
    ] = False
    transforms: Annotated[Steps, Field(description="steps to apply, in this order")] = ()
    rejects: Annotated[
        Path | None, Field(description="file for rejected rows; default: named after the result")
    ] = None
    failing: Annotated[
        Literal["reject", "stop"], Field(description="reject rows that break a check, or stop")
    ] = "reject"
    engine: Annotated[str, Field(description="library that runs the steps")] = "polars"
    cluster: Annotated[
        str | None, Field(description="address of a running cluster, for dask and spark")
    ] = None
    batch_rows: Annotated[
        int, Field(ge=1, le=1_000_000_000, description="rows in memory at a time")
    ] = 100_000
    checks: Annotated[Rules, Field(description="conditions for each row of the result")] = {}


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
    >>> load(batch_rows=7).batch_rows
    7
    """
    made: Settings = layers.load(Settings, file, given)
    return made


def origins(file: Path | None = None, **given: Any) -> dict[str, str]:
    """Tell where each setting comes from: its name -> a file, variable or "default"."""
    return layers.origins(Settings, file, given)
