"""Check a model file before anything is built from it: sizes, how values are made, trees.

scikit-learn follows the node ids of a tree without a check, so that a made-up file could
crash the process or never end (skops-dev/skops#535).
"""

import io
import json
import re
import warnings
import zipfile
from collections.abc import Collection
from typing import Any

import numpy as np
from sklearn.ensemble._hist_gradient_boosting import common
from sklearn.tree import _tree

__all__ = ["MAX_BYTES", "MAX_COUNT", "MAX_MEMBERS", "MAX_SCHEMA", "PREDICTOR", "TREE", "checked"]

TREE = "sklearn.tree._tree.Tree"
PREDICTOR = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"

MAX_BYTES, MAX_SCHEMA, MAX_MEMBERS, MAX_COUNT = 1 << 32, 1 << 26, 1_000_000, 100_000
"""Bytes of a model and of its ``schema.json``; its arrays; classes or features of an estimator."""

_NODES = re.compile(
    "(Bytearray|Bytes|DType|DefaultDict|Dict|Function|Json|List|Loss|MaskedArray|NdArray|Object|"
    "RandomGenerator|RandomState|Set|Slice|Tree|Tuple|Type)Node"
)
"""How a value may be made; the other nodes of skops call what the file names."""

_LOADERS = {
    "collections.OrderedDict": ("DictNode", "TypeNode"),
    "numpy.dtype": ("DTypeNode",),
    "sklearn.utils._bunch.Bunch": ("DictNode",),
    TREE: ("TreeNode",),
}
"""Trusted types that are no plain objects, and how they may be made."""

_COUNTS = ("n_classes_", "n_features_in_", "n_outputs_", "n_trees_per_iteration_")
_BOOSTING = "sklearn.ensemble._hist_gradient_boosting.gradient_boosting."
_OF_TREES = ("sklearn.tree._classes.", "sklearn.ensemble._forest.", _BOOSTING)


def checked(content: bytes, trusted: Collection[str]) -> tuple[bytes, set[str]]:
    """Give a model file that is safe to load and the types in it, or refuse it.

    Parameters
    ----------
    content
        The file. Which types it may hold is left to skops.
    trusted
        Names of types that are built beside those that skops trusts.

    Returns
    -------
    tuple[bytes, set[str]]
        The same file, but no value in it stands for another one; names of all types.

    Raises
    ------
    ValueError
        If it unpacks to more than its size, makes a value by a call, holds an array that
        is larger than its data, or a tree that points outside of itself or its features.
    Exception
        Whatever else reading a malformed file raises (KeyError, TypeError, ...).
    """
    _require(content.count(b"PK\1\2") <= MAX_MEMBERS, f"more than {MAX_MEMBERS} members")
    stream = io.BytesIO(content)
    with zipfile.ZipFile(stream, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # two members of a name: the last one counts
        members = archive.infolist()
        packed = any(member.compress_type != zipfile.ZIP_STORED for member in members)
        overlap = sum(member.file_size for member in members) > len(content)
        _require(not packed and not overlap, "members that are compressed or overlap")
        size = archive.getinfo("schema.json").file_size
        _require(size <= MAX_SCHEMA, f"a schema of more than {MAX_SCHEMA} bytes")
        schema = json.loads(archive.read("schema.json"))
        _require(schema["protocol"] >= 2, "an old protocol, which checks less")
        file = _File(archive, frozenset(trusted))
        file.visit(schema, None)
        archive.writestr("schema.json", json.dumps(schema))
    return stream.getvalue(), file.names


class _File:
    """Walks over the nodes of a model file and builds only plain values and arrays."""

    def __init__(self, archive: zipfile.ZipFile, trusted: frozenset[str]) -> None:
        self._archive = archive
        self._trusted = trusted
        self._n_bytes = 0
        self.names: set[str] = set()

    def visit(self, value: Any, categorical: np.ndarray | None) -> None:
        """Check what a node, list or dict of the schema holds; take away the ids.

        Parameters
        ----------
        value
            Part of the schema. With an id skops would take another value in its place.
        categorical
            Which features are categories for the enclosing estimator of trees, shape
            (n_features,); None outside of such an estimator.
        """
        node = isinstance(value, dict) and "__loader__" in value
        inner = self._node(value, categorical) if node else categorical
        if isinstance(value, dict):
            value.pop("__id__", None)
        if isinstance(value, dict | list):
            for child in value.values() if isinstance(value, dict) else value:
                self.visit(child, inner)
        if node and value["__loader__"] == "TreeNode":
            self._check_tree(value, categorical)
        elif node and _name(value) == PREDICTOR:
            self._check_predictor(_state(value), categorical)

    def _node(self, node: dict[str, Any], categorical: np.ndarray | None) -> np.ndarray | None:
        """Check one node; tell what those in it know of the features."""
        name, loader = _name(node), node["__loader__"]
        self.names.add(name)
        usual = name not in self._trusted or loader in _LOADERS.get(name, ("ObjectNode",))
        fault = f"{name}, made by {loader}: that is never loaded"
        _require(usual and _NODES.fullmatch(loader), fault)
        if "file" in node:
            self._n_bytes += self._archive.getinfo(node["file"]).file_size
            _require(self._n_bytes <= MAX_BYTES, f"more than {MAX_BYTES} bytes of arrays")
        if loader == "NdArrayNode" and "file" in node:
            self._array(node["file"])
        inner = loader == "ObjectNode" and name != PREDICTOR
        return self._features(_state(node), name, categorical) if inner else categorical

    def _features(
        self, state: dict[str, Any], name: str, outer: np.ndarray | None
    ) -> np.ndarray | None:
        """Tell which features an estimator of trees has: all in a forest have the same."""
        counts = {key: self._plain(state[key]) for key in _COUNTS if key in state}
        high = max((np.max(count) for count in counts.values()), default=0)
        _require(high <= MAX_COUNT, f"{name} with more than {MAX_COUNT} classes or features")
        if not name.startswith(_OF_TREES) or "n_features_in_" not in counts:
            return None  # a tree in it is refused
        categorical = np.zeros(counts["n_features_in_"], dtype=bool)
        if name.startswith(_BOOSTING):
            categorical = self._plain(_state(state["_bin_mapper"])["is_categorical_"]) != 0
        shapes = {categorical.shape, (int(counts["n_features_in_"]),)}
        shapes |= set() if outer is None else {outer.shape}
        _require(len(shapes) == 1, f"{name} with features that do not agree")
        return categorical

    def _check_tree(self, node: dict[str, Any], categorical: np.ndarray | None) -> None:
        n_features, n_classes, n_outputs = self._plain(node["__reduce__"]["args"])
        state = self._plain(node["content"])
        nodes = state["nodes"].astype(_tree.NODE_DTYPE, casting="same_kind")
        fits = categorical is not None and len(categorical) == n_features
        fits &= n_classes.shape == (n_outputs,) and min(n_classes) > 0
        fits &= state["values"].shape == (len(nodes), n_outputs, max(n_classes))
        _require(fits and state["node_count"] == len(nodes), "a tree whose sizes do not agree")
        inner = np.flatnonzero(nodes["left_child"] != _tree.TREE_LEAF)
        _check_nodes(nodes, inner, ("left_child", "right_child", "feature"), n_features)

    def _check_predictor(self, state: dict[str, Any], categorical: np.ndarray | None) -> None:
        values = {name: self._plain(state[name]) for name in state}
        nodes = values["nodes"].astype(common.PREDICTOR_RECORD_DTYPE, casting="same_kind")
        _require(categorical is not None, "a tree outside of an estimator")
        flags = np.asarray(categorical)
        inner = np.flatnonzero(nodes["is_leaf"] == 0)
        _check_nodes(nodes, inner, ("left", "right", "feature_idx"), len(flags))
        splits = nodes[inner][nodes[inner]["is_categorical"] != 0]
        for name in ("raw_left_cat_bitsets", "binned_left_cat_bitsets"):
            n_bitsets, width = values[name].shape
            inside = width == 8 and (splits["bitset_idx"] < n_bitsets).all()
            _require(inside, "a tree with categories out of range")
        _require(flags[splits["feature_idx"]].all(), "a tree with categories of a number")

    def _array(self, name: str) -> np.ndarray:
        """Read an array; one that says it is larger than its data is refused."""
        stream = io.BytesIO(self._archive.read(name))
        values: np.ndarray = np.lib.format.read_array(stream, allow_pickle=False)
        _require(values.dtype.itemsize, "an array without bytes")
        return values

    def _plain(self, node: dict[str, Any]) -> Any:
        """Build a value of JSON, an array, or a tuple, list or dict of these."""
        match node["__loader__"]:
            case "JsonNode":
                return json.loads(node["content"])
            case "NdArrayNode" if "file" in node:
                return self._array(node["file"])
            case "DictNode":
                return {key: self._plain(value) for key, value in node["content"].items()}
        return [self._plain(value) for value in node["content"]]


def _name(node: dict[str, Any]) -> str:
    return f"{node['__module__']}.{node['__class__']}"


def _state(node: dict[str, Any]) -> dict[str, Any]:
    """Give the attributes of an object that is not built yet."""
    content = node.get("content")
    return content["content"] if content else {}


def _check_nodes(
    nodes: np.ndarray, inner: np.ndarray, names: tuple[str, str, str], n_features: int
) -> None:
    """Refuse inner nodes with a child before them, a child twice or out of range, or no feature.

    `nodes` has the shape (n_nodes,), `inner`, their numbers, (n_inner,); `names` are the fields.
    """
    left, right, feature = (nodes[name][inner] for name in names)
    children = np.concatenate([left, right]).astype(np.int64)
    follow = (children > np.tile(inner, 2)).all() and (children < len(nodes)).all()
    once = len(np.unique(children)) == len(children)
    ordered = nodes.ndim == 1 and len(nodes) > 0 and follow and once
    _require(ordered, "a tree whose nodes do not follow each other")
    known = ((feature >= 0) & (feature < n_features)).all()
    _require(known, f"a tree with a feature out of 0 to {n_features - 1}")


def _require(condition: object, fault: str) -> None:
    if not condition:
        raise ValueError(fault)
