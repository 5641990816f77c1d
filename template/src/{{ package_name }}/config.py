"""Typed settings: file < environment < command line.

A file is read only where it is named, with ``--config`` or the environment
variable ``<PACKAGE>_CONFIG``; every other variable is ``<PACKAGE>_`` and the
name of a setting. Lists are split at commas in a variable.
"""

import functools
import logging
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    SettingsConfigDict,
)

from .errors import ConfigError

__all__ = ["PREFIX", "Settings", "load", "origins", "settings"]

logger = logging.getLogger(__name__)

PREFIX = f"{__package__.upper()}_"


def _split(value: object) -> object:
    """Take a comma-separated text apart; leave anything else as it is."""
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


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
    test_fraction: Annotated[
        float, Field(gt=0, lt=1, description="share of rows kept for the metrics")
    ] = 0.25

    plugin_folder: Annotated[
        Path | None, Field(description="folder with transforms of your own")
    ] = None
    transforms: Annotated[Names, Field(description="plugins to apply, in this order")] = ()

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
    layers = _layers(file, given)
    try:
        return Settings(**{key: value for layer in layers for key, value in layer[1].items()})
    except ValidationError as error:
        msg = "; ".join(_mistake(item, layers) for item in error.errors())
        raise ConfigError(msg) from error


def origins(file: Path | None = None, **given: Any) -> dict[str, str]:
    """Tell where each setting comes from: its name -> a file, variable or "default"."""
    layers = _layers(file, given)
    return {name: _origin(name, layers) for name in Settings.model_fields}


def _layers(file: Path | None, given: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Collect (where, values) from the weakest source to the strongest."""
    named = file or os.environ.get(f"{PREFIX}CONFIG")
    return [
        (str(named), _read(Path(named)) if named else {}),
        (PREFIX, _environment()),
        (
            "command line",
            {key: value for key, value in given.items() if value is not None},
        ),
    ]


def _read(path: Path) -> dict[str, Any]:
    """Read a TOML file; its plugin folder is relative to the file."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        msg = f"cannot read the config file {path}: {reason}"
        raise ConfigError(msg) from error
    if isinstance(values.get("plugin_folder"), str):
        values["plugin_folder"] = path.parent / values["plugin_folder"]
    logger.debug("read %d settings from %s", len(values), path)
    return values


def _environment() -> dict[str, Any]:
    """Read the variables of this package; the unknown ones too, to be refused."""
    unknown = {
        name.upper().removeprefix(PREFIX).lower(): value
        for name, value in os.environ.items()
        if name.upper().startswith(PREFIX) and name.upper() != f"{PREFIX}CONFIG"
    }
    return unknown | EnvSettingsSource(Settings)()


def _origin(name: str, layers: list[tuple[str, dict[str, Any]]]) -> str:
    where = next((where for where, values in reversed(layers) if name in values), "default")
    return f"{PREFIX}{name.upper()}" if where == PREFIX else where


def _mistake(item: Any, layers: list[tuple[str, dict[str, Any]]]) -> str:
    """Put one error of pydantic into words: key, value, where from, rule."""
    key = str(item["loc"][0])
    rule = item["msg"]
    if item["type"] == "extra_forbidden":
        rule = f"unknown; the settings are {', '.join(Settings.model_fields)}"
    return f"{key} = {item['input']!r} ({_origin(key, layers)}): {rule}"
