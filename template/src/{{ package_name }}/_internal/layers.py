"""Gather settings from their sources: file < environment < command line."""

import json
import logging
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode

from ..errors import ConfigError

__all__ = ["PREFIX", "Names", "Steps", "load", "origins", "split"]

logger = logging.getLogger(__name__)

PREFIX = f"{__package__.partition('.')[0].upper()}_"


def split(value: object) -> object:
    """Take a comma-separated text apart, or a JSON list; leave anything else as it is."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return json.loads(value)
    return [part.strip() for part in value.split(",") if part.strip()]


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split)]
Steps = Annotated[tuple[str | dict[str, Any], ...], NoDecode, BeforeValidator(split)]
"""Plugins to apply: each a name, or a table with its name as ``use`` and its options."""


def load(kind: type[BaseSettings], file: Path | None, given: dict[str, Any]) -> Any:
    """Build settings of a kind from a file, the environment and the caller.

    Parameters
    ----------
    kind
        The class of settings.
    file
        TOML file; None: the one that ``<PACKAGE>_CONFIG`` names, if any.
    given
        Settings of the command line; None counts as not given.

    Raises
    ------
    ConfigError
        If the file cannot be read or a value breaks its rule. The message holds
        every mistake: key, value, rule.
    """
    layers = _layers(kind, file, given)
    values = {key: value for layer in layers for key, value in layer[1].items()}
    if values.get("plugin_folder") == "":  # as a path this would be the working folder
        values["plugin_folder"] = None
    try:
        return kind(**values)
    except ValidationError as error:
        msg = "; ".join(_mistake(kind, item, layers) for item in error.errors())
        raise ConfigError(msg) from error
    except RecursionError as error:
        msg = "a setting is nested too deeply"
        raise ConfigError(msg) from error


def origins(kind: type[BaseSettings], file: Path | None, given: dict[str, Any]) -> dict[str, str]:
    """Tell where each setting comes from: its name -> a file, variable or "default"."""
    layers = _layers(kind, file, given)
    return {name: _origin(name, layers) for name in kind.model_fields}


def _layers(
    kind: type[BaseSettings], file: Path | None, given: dict[str, Any]
) -> list[tuple[str, dict[str, Any]]]:
    """Collect (where, values) from the weakest source to the strongest."""
    named = file or os.environ.get(f"{PREFIX}CONFIG")
    return [
        (str(named), _read(Path(named)) if named else {}),
        (PREFIX, _environment(kind)),
        (
            "command line",
            {key: value for key, value in given.items() if value is not None},
        ),
    ]


def _read(path: Path) -> dict[str, Any]:
    """Read a TOML file; its plugin folder is relative to the file."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        msg = f"cannot read the config file {path}: {reason}"
        raise ConfigError(msg) from error
    if values.get("plugin_folder") and isinstance(values["plugin_folder"], str):
        values["plugin_folder"] = path.parent / values["plugin_folder"]
    logger.debug("read %d settings from %s", len(values), path)
    return values


def _environment(kind: type[BaseSettings]) -> dict[str, Any]:
    """Read the variables of this package; the unknown ones too, to be refused."""
    unknown = {
        name.upper().removeprefix(PREFIX).lower(): value
        for name, value in os.environ.items()
        if name.upper().startswith(PREFIX) and name.upper() != f"{PREFIX}CONFIG"
    }
    return unknown | EnvSettingsSource(kind)()


def _origin(name: str, layers: list[tuple[str, dict[str, Any]]]) -> str:
    where = next((where for where, values in reversed(layers) if name in values), "default")
    return f"{PREFIX}{name.upper()}" if where == PREFIX else where


def _mistake(kind: type[BaseSettings], item: Any, layers: list[tuple[str, dict[str, Any]]]) -> str:
    """Put one error of pydantic into words: key, value, where from, rule."""
    key = str(item["loc"][0])
    rule = item["msg"]
    if item["type"] == "extra_forbidden":
        rule = f"unknown; the settings are {', '.join(kind.model_fields)}"
    return f"{key} = {item['input']!r} ({_origin(key, layers)}): {rule}"
