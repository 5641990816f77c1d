"""Keep a model on disk so that it can be trusted when it comes back.

``model.skops`` holds the estimator, ``model.json`` what belongs to it. Only types that
skops, `ALLOWED` or the owner trust are ever built from a file, after `trees` has checked
it; pickle is never used.
"""

import hashlib
import json
import logging
import os
import pkgutil
import platform
import stat
from collections.abc import Collection
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import pydantic
import skops.io

from ..errors import ModelError
from . import files, trees

__all__ = ["ALLOWED", "CARD", "MODEL", "load", "read", "read_card", "save", "unpack", "versions"]

logger = logging.getLogger(__name__)

MODEL = "model.skops"
CARD = "model.json"

ALLOWED = [
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.utils._bunch.Bunch",
    trees.PREDICTOR,
    trees.TREE,
]
"""Types that may be loaded beside those skops itself trusts."""

_UNCHECKED = (
    "sklearn.cluster.",
    "sklearn.decomposition._lda.",
    "sklearn.ensemble._gb.",
    "sklearn.ensemble._iforest.",
    "sklearn.neighbors.",
    "sklearn.svm._classes.",
)
"""Modules whose compiled code could crash with made-up numbers that nobody checks."""

_PACKAGE = __package__.partition(".")[0]
_LEARNERS = (f"{_PACKAGE}.", "lightgbm.", "sklearn.", "xgboost.")
_LIBRARIES = ("narwhals", "numpy", "polars", "scikit-learn", "skops")
_FORMAT, _MAX_CARD = 1, 1 << 24


class _Data(pydantic.BaseModel, strict=True):
    source: str | None = None
    sha256: str = ""


class _Transform(pydantic.BaseModel, strict=True):
    name: str
    sha256: str | None = None


class _Column(pydantic.BaseModel, strict=True):
    """A column, in the cards of the first releases."""

    name: str
    kind: Literal["boolean", "category", "date", "datetime", "numeric"]
    low: float | str | None = None
    high: float | str | None = None


class _Card(pydantic.BaseModel, strict=True):
    """What commands rely on in a card, where it is there; anything else may be in it, too."""

    format: Literal[1]
    model_sha256: str
    versions: dict[str, str] = {}
    task: Literal["classification", "regression"] | None = None
    target: str = ""
    labels: list[str | bool | int | float] = []
    columns: list[_Column] = pydantic.Field(default=[], alias="schema")
    categories: dict[str, list[str]] = {}
    metrics: dict[str, dict[str, float | None]] = {}
    folds: list[dict[str, float]] = []
    seed: int = 0
    settings: dict[str, Any] = {}
    data: _Data = _Data()
    transforms: list[_Transform] = []


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
        Fitted scikit-learn estimator.
    card
        Plain values for JSON. Versions, the model's hash and its own are added.
    others
        More files to write with them: name -> text.
    trusted
        Names of types that the model may hold beside those that skops and `ALLOWED` trust.

    Raises
    ------
    ModelError
        If `load` would refuse the files, or if `trusted` holds what may never be loaded.
    DataError
        If a file cannot be written.
    """
    content = skops.io.dumps(estimator)
    _checked(content, MODEL, trusted)
    card = {
        "format": _FORMAT,
        **card,
        "versions": versions(),
        "model_sha256": _sha256(content),
    }
    card["card_sha256"] = _card_sha256(card)
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    _parsed(text, CARD)
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
        If a file is missing, not a regular file, too large, malformed or changed since it
        was saved; if the model holds a type that is not trusted, trees that point outside
        of themselves, or cannot predict a row. Nothing of the file has run by then.
    """
    content, card = read(folder)
    return unpack(content, trusted=trusted), card


def read(folder: Path) -> tuple[bytes, dict[str, Any]]:
    """Read a model's bytes, which `unpack` checks here or elsewhere, and its card.

    Raises
    ------
    ModelError
        If a file is missing, not a regular file, too large or changed since it was saved.
    """
    card = read_card(folder / CARD)
    content = _read(folder / MODEL, trees.MAX_BYTES)
    if _sha256(content) != card["model_sha256"]:
        msg = (
            f"{folder / MODEL} is not the file that {CARD} describes (SHA-256 differs): train again"
        )
        raise ModelError(msg)
    _warn_of_drift(card)
    return content, card


def unpack(content: bytes, *, trusted: Collection[str] = ()) -> Any:
    """Build the estimator from its bytes, once they are checked.

    Raises
    ------
    ModelError
        As `load`.
    """
    safe, names = _checked(content, MODEL, trusted)
    try:
        estimator = skops.io.loads(safe, trusted=names)
        _try(estimator)
    except Exception as error:  # whatever made-up values make libraries raise
        msg = f"{MODEL} holds no model that can predict ({_line(error)}): train again"
        raise ModelError(msg) from error
    return estimator


def read_card(path: Path) -> dict[str, Any]:
    """Read a ``model.json``.

    Raises
    ------
    ModelError
        If it is missing, no JSON object, of another format, changed by hand, or if a value
        has another type than it should.
    """
    return _parsed(_read(path, _MAX_CARD), path)


def versions() -> dict[str, str]:
    """List what a model depends on: Python, this package and the libraries."""
    found = {"python": platform.python_version()}
    for name in (_PACKAGE, *_LIBRARIES):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found


def _parsed(text: str | bytes, path: object) -> dict[str, Any]:
    try:
        card = json.loads(text)
    except (ValueError, RecursionError) as error:
        msg = f"{path} is no JSON file: {_line(error)}"
        raise ModelError(msg) from error
    if not isinstance(card, dict) or card.get("format") != _FORMAT:
        msg = f"{path} is no model card of format {_FORMAT}: train again"
        raise ModelError(msg)
    if card.get("card_sha256") != _card_sha256(card):
        msg = f"{path} was changed since it was saved (SHA-256 differs): train again"
        raise ModelError(msg)
    try:
        _Card.model_validate(card)
    except pydantic.ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        msg = f"{path}: {where}: {fault['msg']}, got {fault['input']!r:.60}: train again"
        raise ModelError(msg) from error
    return card


def _read(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes."""
    try:
        with open(path, "rb", opener=_open) as stream:
            state = os.fstat(stream.fileno())
            if not stat.S_ISREG(state.st_mode) or state.st_size > limit:
                msg = f"{path} must be a regular file of at most {limit} bytes: train again"
                raise ModelError(msg)
            return stream.read(limit)
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise ModelError(msg) from error


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe would wait for a writer


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _card_sha256(card: dict[str, Any]) -> str:
    """Hash what a card says, however its text is laid out."""
    rest = {key: value for key, value in card.items() if key != "card_sha256"}
    return _sha256(json.dumps(rest, sort_keys=True).encode())


def _checked(content: bytes, path: object, trusted: Collection[str]) -> tuple[bytes, list[str]]:
    """Give a model file that is safe to load, and the types that may be built from it."""
    if wrong := [name for name in trusted if not _may_be_trusted(name)]:
        msg = f"TRUSTED in model.py must name classes of {_LEARNERS}, got {wrong[0]!r}: remove it"
        raise ModelError(msg)
    names = [*ALLOWED, *trusted]
    try:
        safe, found = trees.checked(content, names)
        unknown = {name for name in found if name.startswith(_UNCHECKED)}
        unknown |= set(skops.io.get_untrusted_types(data=safe))
    except Exception as error:  # whatever a foreign file makes skops raise
        msg = f"{path} is no model file that can be loaded: {_line(error)}"
        raise ModelError(msg) from error
    if unknown := unknown.difference(names):
        listed = ", ".join(f'"{name}"' for name in sorted(unknown))
        able = all(map(_may_be_trusted, unknown))
        remedy = f"add {listed} to TRUSTED in model.py" if able else f"never load {listed}"
        msg = f"{path} holds types that are not trusted: {remedy}"
        raise ModelError(msg)
    return safe, names


def _may_be_trusted(name: str) -> bool:
    """Tell whether a name is that of a class of this package or of a library of learners."""
    try:
        found = pkgutil.resolve_name(name) if name.startswith(_LEARNERS) else None
    except (ImportError, AttributeError, ValueError):
        return True  # not installed: nothing can be built from it
    return isinstance(found, type) and f"{found.__module__}.{found.__qualname__}" == name


def _try(estimator: Any) -> None:
    """Predict a row without values, so that parts that do not fit are found now."""
    names = getattr(estimator, "feature_names_in_", None)
    row = (
        np.zeros((1, estimator.n_features_in_))
        if names is None
        else pl.DataFrame({name: [None] for name in names})
    )
    answer = np.asarray(getattr(estimator, "predict_proba", estimator.predict)(row))
    if answer.shape[:1] != (1,) or answer.ndim > 2:
        msg = f"it predicts {answer.shape} values for a row"
        raise ValueError(msg)


def _line(error: Exception) -> str:
    """Put what an error says on one line of at most 200 characters."""
    kind = "" if type(error) is ValueError else f"{type(error).__name__}: "
    return " ".join(f"{kind}{error}".split())[:200]


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
