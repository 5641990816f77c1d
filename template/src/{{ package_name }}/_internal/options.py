"""Check a transform's signature, and its options against it."""

import functools
import inspect
import re
from collections.abc import Mapping
from typing import Any

from ..errors import PluginError
from . import modules

__all__ = ["check", "check_signature", "describe", "plain"]

_FROM = re.compile(r"\b(?:collections\.abc|pathlib(?:\._local)?|typing)\.")
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def check_signature(transform: Any) -> None:
    """Refuse what is no function of a frame, and of options by keyword.

    Raises
    ------
    PluginError
        If it is none.
    """
    if not callable(transform):
        msg = "it must define a function transform(frame)"
        raise PluginError(msg)
    try:
        signature = inspect.signature(transform)
    except (TypeError, ValueError) as error:
        msg = f"the parameters of transform must be told: {error}"
        raise PluginError(msg) from error
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    options_only = all(kind is inspect.Parameter.KEYWORD_ONLY for kind in kinds[1:])
    if not kinds or kinds[0] not in _POSITIONAL or not options_only:
        msg = f"transform must take (frame, *, option=…), got {signature}"
        raise PluginError(msg)


def check(name: str, transform: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Bring options to the types that the signature says; what is not given keeps its default.

    Raises
    ------
    PluginError
        If an option is unknown, missing or of a wrong type; the message names all.
    """
    known = _parameters(transform)[1:]
    if not given and not any(option.default is option.empty for option in known):
        return {}
    from pydantic import ConfigDict, Field, ValidationError, create_model

    fields: dict[str, Any] = {  # with names that no model has
        f"option{number}": (
            Any if option.annotation is option.empty else option.annotation,
            Field(... if option.default is option.empty else None, alias=option.name),
        )
        for number, option in enumerate(known)
    }
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    home = transform.func if isinstance(transform, functools.partial) else transform
    try:
        model = create_model(name, __config__=config, __module__=home.__module__, **fields)
        made = model(**given)
    except ValidationError as error:
        names = [option.name for option in known]
        told = "; ".join(_mistake(item, names) for item in error.errors())
        msg = f"plugin {name!r}: {told}"
        raise PluginError(msg) from error
    except Exception as error:  # types and their checks are a stranger's code
        msg = f"plugin {name!r}: its options cannot be checked: {modules.first_line(error)}"
        raise PluginError(msg) from error
    return {
        option.name: getattr(made, key)
        for key, option in zip(fields, known, strict=True)
        if key in made.model_fields_set
    }


def describe(transform: Any) -> str:
    """Write the options as their author did, e.g. ``(column: str, low: float = 0)``."""
    known = [_FROM.sub("", str(option)) for option in _parameters(transform)[1:]]
    return f"({', '.join(known)})" if known else ""


def plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Turn checked options into plain values, fit for JSON."""
    from pydantic_core import to_jsonable_python

    return {key: to_jsonable_python(value, fallback=repr) for key, value in options.items()}


def _parameters(transform: Any) -> list[inspect.Parameter]:
    return list(inspect.signature(transform).parameters.values())


def _mistake(item: Any, known: list[str]) -> str:
    """Put one error of pydantic into words."""
    key = ".".join(map(str, item["loc"]))
    if item["type"] == "extra_forbidden":
        return f"unknown option {key!r}; its options are {', '.join(known) or 'none'}"
    if item["type"] == "missing":
        return f"option {key!r} is missing"
    return f"option {key} = {item['input']!r}: {item['msg']}"
