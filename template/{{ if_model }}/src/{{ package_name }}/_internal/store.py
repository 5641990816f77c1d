"""Keep a model on disk so that it can be trusted when it comes back.

``model.skops`` holds the estimator, ``model.json`` what belongs to it. Only types that
skops, `ALLOWED` or the owner trust are ever built from a file, after `trees` has checked
it; pickle is never used.
"""

import hashlib
import json
import logging
import pkgutil
import platform
from collections.abc import Collection
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import pydantic
import skops.io

from ..errors import ModelError, require
from . import explained, files, trees

__all__ = ["ALLOWED", "CARD", "MODEL", "load", "read", "read_card", "save", "unpack", "versions"]

logger = logging.getLogger(__name__)

MODEL = "model.skops"
CARD = "model.json"

ALLOWED = [
    "collections.OrderedDict",
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
_MAX_CARD = 1 << 24


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
    _checked(content, trusted)
    card = {"format": 1, **card, "versions": versions(), "model_sha256": _sha256(content)}
    card["card_sha256"] = _card_sha256(card)
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    _parsed(text, CARD)
    texts = {**(others or {}), CARD: text}  # the card comes last
    together = {folder / name: text.encode() for name, text in texts.items()}
    files.write_together({folder / MODEL: content} | together)


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
    msg = f"{folder / MODEL} is not the file that {CARD} describes (SHA-256 differs): train again"
    require(_sha256(content) == card["model_sha256"], ModelError, msg)
    now = versions()
    for name, version in card.get("versions", {}).items():
        if now.get(name) != version:
            made = "the model was made with %s %s, this is %s"
            logger.warning(made, name, version, now.get(name))
    return content, card


def unpack(content: bytes, *, trusted: Collection[str] = ()) -> Any:
    """Build the estimator from its bytes, once they are checked.

    Raises
    ------
    ModelError
        As `load`.
    """
    safe = _checked(content, trusted)
    what = f"{MODEL} holds no model that can predict, train again"
    with explained(ModelError, what, (Exception,)):  # whatever made-up values make libraries raise
        estimator = skops.io.loads(safe, trusted=[*ALLOWED, *trusted])
        _try(estimator)
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
            package = import_module(_PACKAGE) if name == _PACKAGE else None
            found[name] = package.__version__ if package else metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found


def _parsed(text: str | bytes, path: object) -> dict[str, Any]:
    """Read a card from its text, if it says what commands rely on."""
    with explained(ModelError, f"{path} is no JSON file", (ValueError, RecursionError)):
        card = json.loads(text)
    known = isinstance(card, dict) and card.get("format") == 1
    require(known, ModelError, f"{path} is no model card of format 1: train again")
    msg = f"{path} was changed since it was saved (SHA-256 differs): train again"
    require(card.get("card_sha256") == _card_sha256(card), ModelError, msg)
    try:
        _Card.model_validate(card)
    except pydantic.ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        msg = f"{path}: {where}: {fault['msg']}, got {fault['input']!r:.60}: train again"
        raise ModelError(msg) from error
    return dict(card)


def _read(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes."""
    msg = f"{path} must be a regular file of at most {limit} bytes: train again"
    with explained(ModelError, f"cannot read {path}"):
        size = path.stat().st_size  # before it is opened: a pipe would wait for a writer
        require(path.is_file() and size <= limit, ModelError, msg)
        return path.read_bytes()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _card_sha256(card: dict[str, Any]) -> str:
    """Hash what a card says, however its text is laid out."""
    rest = {key: value for key, value in card.items() if key != "card_sha256"}
    return _sha256(json.dumps(rest, sort_keys=True).encode())


def _checked(content: bytes, trusted: Collection[str]) -> bytes:
    """Give a model file that is safe to load, if all types in it are trusted."""
    never = [name for name in trusted if not _may_be_trusted(name)]
    msg = f"TRUSTED in model.py must name classes of {_LEARNERS}, got {never}: remove it"
    require(not never, ModelError, msg)
    names = {*ALLOWED, *trusted}
    what = f"{MODEL} is no model file that can be loaded"
    with explained(ModelError, what, (Exception,)):  # whatever a foreign file makes skops raise
        safe, found = trees.checked(content, names)
        odd = [name for name in found if name.startswith(_UNCHECKED)]
        unknown = {*odd, *skops.io.get_untrusted_types(data=safe)} - names
    listed = ", ".join(f'"{name}"' for name in sorted(unknown))
    able = all(map(_may_be_trusted, unknown))
    remedy = f"add {listed} to TRUSTED in model.py" if able else f"never load {listed}"
    msg = f"{MODEL} holds types that are not trusted: {remedy}"
    require(not unknown, ModelError, msg)
    return safe


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
    if names is None:
        row: Any = np.zeros((1, estimator.n_features_in_))
    else:
        row = pl.DataFrame({name: [None] for name in names})
    answer = np.asarray(getattr(estimator, "predict_proba", estimator.predict)(row))
    fits = answer.shape[:1] == (1,) and answer.ndim <= 2
    require(fits, ModelError, f"it predicts {answer.shape} values for a row")
