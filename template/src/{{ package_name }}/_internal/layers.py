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
from . import explained

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
    found = _gathered(kind, file, given)
    values = {name: value for name, (value, _) in found.items()}
    if values.get("plugin_folder") == "":  # as a path this would be the working folder
        values["plugin_folder"] = None
    try:
        return kind(**values)
    except (ValidationError, RecursionError) as error:
        items = error.errors() if isinstance(error, ValidationError) else []
        msg = "; ".join(_mistake(kind, item, found) for item in items)
        raise ConfigError(msg or "a setting is nested too deeply") from error


def origins(kind: type[BaseSettings], file: Path | None, given: dict[str, Any]) -> dict[str, str]:
    """Tell where each setting comes from: its name -> a file, variable or "default"."""
    found = _gathered(kind, file, given)
    return {name: found.get(name, (None, "default"))[1] for name in kind.model_fields}


def _gathered(
    kind: type[BaseSettings], file: Path | None, given: dict[str, Any]
) -> dict[str, tuple[Any, str]]:
    """Collect settings from the weakest source to the strongest: name -> value, where from."""
    named = file or os.environ.get(f"{PREFIX}CONFIG")
    read = _read(Path(named)) if named else {}
    told = {name: value for name, value in given.items() if value is not None}
    return (
        {name: (value, str(named)) for name, value in read.items()}
        | {name: (value, PREFIX + name.upper()) for name, value in _environment(kind).items()}
        | {name: (value, "command line") for name, value in told.items()}
    )


def _read(path: Path) -> dict[str, Any]:
    """Read a TOML file; its plugin folder is relative to the file."""
    what = f"cannot read the config file {path}"
    with explained(ConfigError, what, (OSError, ValueError, RecursionError)):
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    if values.get("plugin_folder") and isinstance(values["plugin_folder"], str):
        values["plugin_folder"] = path.parent / values["plugin_folder"]
    logger.debug("read %d settings from %s", len(values), path)
    return values


def _environment(kind: type[BaseSettings]) -> dict[str, Any]:
    """Read the variables of this package; the unknown ones too, to be refused."""
    named = {name.upper(): name for name in os.environ if name.upper().startswith(PREFIX)}
    named.pop(f"{PREFIX}CONFIG", None)
    unknown = {name.removeprefix(PREFIX).lower(): os.environ[named[name]] for name in named}
    return unknown | EnvSettingsSource(kind)()


def _mistake(kind: type[BaseSettings], item: Any, found: dict[str, tuple[Any, str]]) -> str:
    """Put one error of pydantic into words: name, value, where from, rule."""
    name, rule = str(item["loc"][0]), item["msg"]
    if item["type"] == "extra_forbidden":
        rule = f"unknown; the settings are {', '.join(kind.model_fields)}"
    _, origin = found.get(name, (None, "default"))
    return f"{name} = {item['input']!r} ({origin}): {rule}"
