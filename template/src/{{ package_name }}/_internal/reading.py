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
    if value != "auto" and (len(value) > 1 or not value.isascii()):
        msg = 'must be one ASCII character or "auto"'
        raise ValueError(msg)
    return value


def _codec(value: str) -> str:
    try:
        return value if value == "auto" else codecs.lookup(value).name
    except LookupError as error:
        msg = f'{error}: use "auto" or one that Python knows, e.g. "cp1252"'
        raise ValueError(msg) from error


Sign = Annotated[str, AfterValidator(_sign)]
Codec = Annotated[str, AfterValidator(_codec)]
Several = Annotated[
    Literal["auto"] | tuple[str, ...],
    NoDecode,
    BeforeValidator(lambda value: value if value == "auto" else split(value)),
]


class Reading(BaseModel):
    """How tables are read: what is "auto" is found from the table itself."""

    model_config = ConfigDict(frozen=True)

    separator: Sign = Field("auto", description=READING["separator"])
    decimal: Literal["auto", ".", ","] = Field("auto", description=READING["decimal"])
    thousands: Sign = Field("auto", description=READING["thousands"])
    encoding: Codec = Field("auto", description=READING["encoding"])
    missing: Several = Field("auto", description=READING["missing"])
    comment: str = Field("auto", description=READING["comment"])
    text: Several = Field("auto", description=READING["text"])
    dates: str = Field("auto", pattern="^(auto|day|month|.*%.*)$", description=READING["dates"])
    sheet: str = Field("auto", description=READING["sheet"])

    def or_else(self, other: Mapping[str, Any]) -> Self:
        """Take from others, e.g. those of training, what is "auto" here."""
        known = {name: other[name] for name in READING if name in other}
        auto = {name: value for name, value in known.items() if getattr(self, name) == "auto"}
        return self.model_copy(update=auto)
