"""Settings that say how tables are read; "auto" finds out."""

import codecs
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import NoDecode

from .flags import READING
from .layers import split

__all__ = ["Reading"]


def _sign(value: str) -> str:
    """Accept one character, or its name."""
    value = {"tab": "\t", "\\t": "\t", "none": ""}.get(value, value)
    if value != "auto" and (len(value) > 1 or not value.isascii() or value in ('"', "\n", "\r")):
        msg = 'must be one ASCII character, no double quote or line end, or "auto"'
        raise ValueError(msg)
    return value


def _codec(value: str) -> str:
    try:
        return value if value == "auto" else codecs.lookup(value).name
    except LookupError as error:
        msg = f'{error}: use "auto" or one that Python knows, e.g. "cp1252"'
        raise ValueError(msg) from error


Sign = Annotated[str, AfterValidator(_sign)]
Several = Annotated[
    Literal["auto"] | tuple[str, ...],
    NoDecode,
    BeforeValidator(lambda value: value if value == "auto" else split(value)),
]


class Reading(BaseModel):
    """How tables are read, as `flags.READING` says: what is "auto" is found from the table."""

    model_config = ConfigDict(frozen=True)

    separator: Sign = "auto"
    decimal: Literal["auto", ".", ","] = "auto"
    thousands: Sign = "auto"
    encoding: Annotated[str, AfterValidator(_codec)] = "auto"
    missing: Several = "auto"
    comment: str = "auto"
    text: Several = "auto"
    dates: Annotated[str, Field(pattern="^(auto|day|month|.*%.*)$")] = "auto"
    sheet: str = "auto"

    def or_else(self, other: Mapping[str, Any]) -> Self:
        """Take from others, e.g. those of training, what is "auto" here."""
        auto = [name for name in READING if name in other and getattr(self, name) == "auto"]
        return self.model_copy(update={name: other[name] for name in auto})
