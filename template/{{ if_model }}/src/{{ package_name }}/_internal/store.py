"""Keep a model on disk so that it can be trusted when it comes back.

``model.skops`` holds the estimator, ``model.json`` what belongs to it. Only the
types below are ever built from a file; pickle is never used.
"""

import hashlib
import json
import logging
import platform
from collections.abc import Collection
from importlib import metadata
from pathlib import Path
from typing import Any

import skops.io

from ..errors import ModelError
from . import files

__all__ = ["ALLOWED", "CARD", "MODEL", "load", "read", "read_card", "save", "unpack", "versions"]

logger = logging.getLogger(__name__)

MODEL = "model.skops"
CARD = "model.json"

ALLOWED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
"""Types that may be loaded beside those skops itself trusts."""

_FORMAT = 1
_LIBRARIES = ("narwhals", "numpy", "polars", "scikit-learn", "skops")


def save(
    folder: Path,
    estimator: Any,
    card: dict[str, Any],
    others: dict[str, str] | None = None,
    *,
    trusted: Collection[str] = (),
) -> None:
    """Write ``model.skops``, ``model.json`` and what else belongs to the run.

    A killed run leaves the old files, or no ``model.json``.

    Parameters
    ----------
    folder
        Made where it is missing; other files in it stay.
    estimator
        Fitted scikit-learn estimator of types that skops or `ALLOWED` trust.
    card
        Plain values for JSON. Versions, the model's hash and its own are added.
    others
        More files to write with them: name -> text.

    Raises
    ------
    ModelError
        If the estimator holds a type that `load` would refuse.
    DataError
        If a file cannot be written.
    """
    content = skops.io.dumps(estimator)
    _refuse_unknown_types(content, MODEL, trusted)
    card = {
        "format": _FORMAT,
        **card,
        "versions": versions(),
        "model_sha256": _sha256(content),
    }
    card["card_sha256"] = _card_sha256(card)
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    files.write_together(
        {folder / MODEL: content}
        | {folder / name: other.encode() for name, other in (others or {}).items()}
        | {folder / CARD: text.encode()}
    )


def load(folder: Path, *, trusted: Collection[str] = ()) -> tuple[Any, dict[str, Any]]:
    """Read a model back: the estimator and its card.

    Raises
    ------
    ModelError
        If a file is missing, was changed since it was saved, or holds a type that
        is not allowed. Nothing of the file has run by then.
    """
    content, card = read(folder, trusted=trusted)
    return unpack(content, trusted=trusted), card


def read(folder: Path, *, trusted: Collection[str] = ()) -> tuple[bytes, dict[str, Any]]:
    """Read a model's bytes, fit for `unpack` here or elsewhere, and its card.

    Raises
    ------
    ModelError
        As `load`.
    """
    card = read_card(folder / CARD)
    content = _read(folder / MODEL)
    if _sha256(content) != card.get("model_sha256"):
        msg = (
            f"{folder / MODEL} is not the file that {CARD} describes (SHA-256 differs): train again"
        )
        raise ModelError(msg)
    _refuse_unknown_types(content, folder / MODEL, trusted)
    _warn_of_drift(card)
    return content, card


def unpack(content: bytes, *, trusted: Collection[str] = ()) -> Any:
    """Build the estimator from its bytes; no type is built that is not allowed."""
    return skops.io.loads(content, trusted=[*ALLOWED, *trusted])


def read_card(path: Path) -> dict[str, Any]:
    """Read a ``model.json``.

    Raises
    ------
    ModelError
        If it is missing, no JSON object, of another format or changed by hand.
    """
    try:
        card = json.loads(_read(path))
    except ValueError as error:
        msg = f"{path} is no JSON file: {error}"
        raise ModelError(msg) from error
    if not isinstance(card, dict) or card.get("format") != _FORMAT:
        msg = f"{path} is no model card of format {_FORMAT}: train again"
        raise ModelError(msg)
    if card.get("card_sha256") != _card_sha256(card):
        msg = f"{path} was changed since it was saved (SHA-256 differs): train again"
        raise ModelError(msg)
    return card


def versions() -> dict[str, str]:
    """List what a model depends on: Python, this package and the libraries."""
    package = __package__.partition(".")[0]
    found = {"python": platform.python_version()}
    for name in (package, *_LIBRARIES):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise ModelError(msg) from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _card_sha256(card: dict[str, Any]) -> str:
    """Hash what a card says, however its text is laid out."""
    rest = {key: value for key, value in card.items() if key != "card_sha256"}
    return _sha256(json.dumps(rest, sort_keys=True).encode())


def _refuse_unknown_types(content: bytes, path: object, trusted: Collection[str]) -> None:
    try:
        unknown = set(skops.io.get_untrusted_types(data=content)) - {*ALLOWED, *trusted}
    except Exception as error:  # whatever a foreign file makes skops raise
        msg = f"{path} is no model file: {error}"
        raise ModelError(msg) from error
    if unknown:
        names = ", ".join(sorted(unknown))
        msg = f"{path} holds types that are not allowed: {names}: add them to TRUSTED in model.py"
        raise ModelError(msg)


def _warn_of_drift(card: dict[str, Any]) -> None:
    now = versions()
    for name, version in card.get("versions", {}).items():
        if now.get(name) != version:
            logger.warning(
                "the model was made with %s %s, this is %s",
                name,
                version,
                now.get(name),
            )
