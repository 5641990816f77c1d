import hashlib
import io
import json
import logging
import os
import pickle
import random
import re
import shutil
import subprocess
import sys
import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path

import numpy as np
import pytest
import skops.io
from my_project._internal import files, store, trees
from my_project.errors import DataError, ModelError
from sklearn import (
    base,
    dummy,
    ensemble,
    linear_model,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    tree,
)

INPUTS = np.array([[0.0], [1.0], [2.0], [np.nan]] * 3)
TRUTH = np.array([0.0, 1.0, 4.0, 9.0] * 3)
WHOLE = np.arange(24.0).reshape(12, 2)
NEIGHBOURS = [
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neighbors._regression.KNeighborsRegressor",
]


@pytest.fixture(scope="module")
def estimator():
    learner = ensemble.HistGradientBoostingRegressor(max_iter=2, min_samples_leaf=1)
    return pipeline.make_pipeline(learner).fit(INPUTS, TRUTH)


@pytest.fixture
def folder(tmp_path, estimator):
    store.save(tmp_path / "model", estimator, {"target": "größe"}, {"report.html": "<p>ü</p>"})
    return tmp_path / "model"


def put(folder, content):
    """Replace the model file, and make the card fit it."""
    folder.joinpath(store.MODEL).write_bytes(content)
    seal(folder, model_sha256=hashlib.sha256(content).hexdigest())


def seal(folder, **changes):
    """Change a card and its hash."""
    card = json.loads(folder.joinpath(store.CARD).read_text(encoding="utf-8")) | changes
    card["card_sha256"] = store._card_sha256(card)
    folder.joinpath(store.CARD).write_text(json.dumps(card), encoding="utf-8")


def test_model_comes_back_with_the_same_predictions(folder, estimator):
    loaded, card = store.load(folder)
    assert loaded.predict(INPUTS).tolist() == estimator.predict(INPUTS).tolist()
    assert card["target"] == "größe"


def test_values_by_default_of_a_trusted_class_come_back(tmp_path, estimator):
    made = base.clone(estimator).fit(INPUTS, TRUTH)
    made.scores_ = defaultdict(OrderedDict, test=OrderedDict(loss=[0.5]))  # as LightGBM keeps them
    store.save(tmp_path, made, {})
    assert store.load(tmp_path)[0].scores_ == {"test": {"loss": [0.5]}}


def test_card_tells_versions_and_hash(folder):
    card = store.read_card(folder / store.CARD)
    content = folder.joinpath(store.MODEL).read_bytes()
    assert card["model_sha256"] == hashlib.sha256(content).hexdigest()
    assert card["versions"]["numpy"] == np.__version__
    assert {"python", "polars", "scikit-learn", "skops"} < card["versions"].keys()


def test_other_files_are_written_too_and_strangers_stay(folder, estimator):
    folder.joinpath("notes.txt").write_text("mine")
    store.save(folder, estimator, {})
    assert folder.joinpath("notes.txt").read_text() == "mine"
    assert folder.joinpath("report.html").read_text(encoding="utf-8") == "<p>ü</p>"


def test_card_comes_last_so_that_a_killed_run_leaves_none(tmp_path, monkeypatch, estimator):
    order = []
    monkeypatch.setattr(files, "write_together", order.extend)
    store.save(tmp_path, estimator, {}, {"report.html": ""})
    assert [path.name for path in order] == [store.MODEL, "report.html", store.CARD]


def test_failed_save_leaves_the_old_model(folder, estimator):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(DataError, match="cannot write .*nothing"):
        store.save(folder, estimator, {}, {f"{store.CARD}/nothing": ""})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("name", [store.MODEL, store.CARD])
def test_missing_file_is_named(folder, name):
    folder.joinpath(name).unlink()
    with pytest.raises(ModelError, match=f"cannot read .*{name}: No such file"):
        store.load(folder)


def test_tampered_model_is_refused(folder):
    content = bytearray(folder.joinpath(store.MODEL).read_bytes())
    content[len(content) // 2] ^= 1
    folder.joinpath(store.MODEL).write_bytes(content)
    with pytest.raises(ModelError, match=r"model.skops is not the file .* \(SHA-256 differs\)"):
        store.load(folder)


def test_tampered_card_is_refused(folder):
    card = folder.joinpath(store.CARD)
    card.write_text(card.read_text(encoding="utf-8").replace("größe", "size"), encoding="utf-8")
    with pytest.raises(ModelError, match=r"model.json was changed .* \(SHA-256 differs\)"):
        store.load(folder)


def test_layout_of_the_card_does_not_matter(folder):
    card = json.loads(folder.joinpath(store.CARD).read_text(encoding="utf-8"))
    folder.joinpath(store.CARD).write_text(json.dumps(card, sort_keys=True))
    assert store.load(folder)[1] == card


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"{", "is no JSON file"),
        (b"\xff", "is no JSON file"),
        (b"[]", "is no model card of format 1"),
        (b'{"format": 0}', "is no model card of format 1"),
    ],
    ids=["cut", "bytes", "list", "other format"],
)
def test_foreign_card_is_refused(folder, content, complaint):
    folder.joinpath(store.CARD).write_bytes(content)
    with pytest.raises(ModelError, match=f"model.json {complaint}"):
        store.load(folder)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x05\x06" + bytes(18)])
def test_foreign_model_is_refused(folder, content):
    put(folder, content)
    with pytest.raises(ModelError, match="model.skops is no model file that can be loaded: "):
        store.load(folder)


class Unknown(dummy.DummyRegressor):
    """An estimator that skops does not know."""


def test_type_that_could_not_be_loaded_is_not_saved(tmp_path):
    with pytest.raises(ModelError, match="types that are not trusted: .*Unknown"):
        store.save(tmp_path, Unknown().fit(INPUTS, TRUTH), {})
    assert list(tmp_path.iterdir()) == []


def test_type_that_is_not_trusted_is_named_with_the_line_to_add(tmp_path):
    model = neighbors.KNeighborsRegressor(2).fit(WHOLE, TRUTH)
    with pytest.raises(ModelError, match='add .*"sklearn.neighbors._kd_tree.KDTree".* to TRUSTED in'):
        store.save(tmp_path, model, {})
    store.save(tmp_path, model, {}, trusted=NEIGHBOURS)
    with pytest.raises(ModelError, match="TRUSTED"):
        store.load(tmp_path)
    loaded, _ = store.load(tmp_path, trusted=NEIGHBOURS)
    assert loaded.predict(WHOLE).tolist() == model.predict(WHOLE).tolist()


@pytest.mark.parametrize(
    "name",
    [
        "builtins.eval",
        "functools.partial",
        "operator.attrgetter",
        "os.system",
        "numpy.load",
        "my_project._internal.files.atomic",
        "sklearn.base.clone",
        "sklearn.utils.validation.warnings.catch_warnings",
        "sklearnish.Estimator",
    ],
)
def test_what_calls_may_never_be_trusted(folder, name):
    with pytest.raises(ModelError, match=f"TRUSTED in model.py must name classes of .*{name}"):
        store.load(folder, trusted=[name])


def test_trusted_library_need_not_be_installed(folder):
    store.load(folder, trusted=["lightgbm.sklearn.NotThere", "xgboost.not_there.Booster"])


LEARNERS = {
    "forest": ensemble.RandomForestRegressor(3),
    "extra trees": ensemble.ExtraTreesRegressor(3),
    "tree": tree.DecisionTreeRegressor(),
    "boosted trees": ensemble.AdaBoostRegressor(n_estimators=2),
    "bagging": ensemble.BaggingRegressor(n_estimators=2, max_features=0.5),
    "voting": ensemble.VotingRegressor([("a", tree.DecisionTreeRegressor())]),
    "linear": pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.Ridge()),
    "network": neural_network.MLPRegressor(hidden_layer_sizes=2, max_iter=1),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", LEARNERS)
def test_common_learners_need_no_word(tmp_path, name):
    model = LEARNERS[name].fit(WHOLE, TRUTH)
    store.save(tmp_path, model, {})
    assert store.load(tmp_path)[0].predict(WHOLE).tolist() == model.predict(WHOLE).tolist()


MALICIOUS = """
from pathlib import Path

Path("imported").touch()

class Thing:
    def __setstate__(self, state):
        Path("built").touch()
"""


@pytest.fixture
def malicious(tmp_path, monkeypatch):
    """Give a model file that runs code of its own when it is imported and built."""
    tmp_path.joinpath("malicious_module.py").write_text(MALICIOUS)
    monkeypatch.syspath_prepend(tmp_path)
    from malicious_module import Thing

    thing = Thing()
    thing.value = 1
    content = skops.io.dumps(thing)
    del sys.modules["malicious_module"]
    Path("imported").unlink()
    yield content
    sys.modules.pop("malicious_module", None)


def test_malicious_model_runs_nothing(folder, malicious):
    put(folder, malicious)
    with pytest.raises(ModelError, match='not trusted: never load "malicious_module.Thing"'):
        store.load(folder)
    assert not Path("imported").exists()
    skops.io.loads(malicious, trusted=["malicious_module.Thing"])  # it would have
    assert Path("imported").exists()
    assert Path("built").exists()


class Pickled:
    """Makes a file when it is unpickled."""

    def __reduce__(self):
        return Path.touch, (Path("unpickled"),)


def test_pickle_is_never_loaded(folder):
    content = pickle.dumps(Pickled())
    put(folder, content)
    with pytest.raises(ModelError, match="model.skops is no model file that can be loaded: "):
        store.load(folder)
    assert not Path("unpickled").exists()
    pickle.loads(content)
    assert Path("unpickled").exists()


def test_other_versions_are_warned_of(folder, monkeypatch, caplog):
    monkeypatch.setattr(store, "versions", lambda: {"numpy": "0.1", "polars": "0.2"})
    with caplog.at_level(logging.WARNING):
        store.load(folder)
    assert f"the model was made with numpy {np.__version__}, this is 0.1" in caplog.messages
    assert len(caplog.messages) == len(store.read_card(folder / store.CARD)["versions"])


def test_same_versions_are_not_worth_a_word(folder, caplog):
    store.load(folder)
    assert caplog.messages == []


def test_library_that_is_not_installed_has_no_version(monkeypatch):
    monkeypatch.setattr(store, "_LIBRARIES", ("not-installed",))
    assert store.versions()["not-installed"] == "unknown"


class Made:
    """A model folder that somebody makes up: the nodes of its schema and its arrays."""

    def __init__(self, folder):
        self.folder = folder
        with zipfile.ZipFile(folder / store.MODEL) as archive:
            self.members = {name: archive.read(name) for name in archive.namelist()}
        self.schema = json.loads(self.members.pop("schema.json"))

    def nodes(self, value=None):
        value = self.schema if value is None else value
        if isinstance(value, dict):
            if "__loader__" in value:
                yield value
            for child in value.values():
                yield from self.nodes(child)
        if isinstance(value, list):
            for child in value:
                yield from self.nodes(child)

    def find(self, name, key="__loader__"):
        """Give the first node with that key that is of a class, or the value of an attribute."""
        for node in self.nodes():
            content = node.get("content")
            attribute = content.get(name) if isinstance(content, dict) else None
            for found in (node if node["__class__"] == name else None, attribute):
                if found and key in found:
                    return found
        raise LookupError(name)

    def set(self, name, value):
        """Put a plain value in the place of an attribute."""
        node = self.find(name)
        node.clear()
        node.update(JSON, content=json.dumps(value))

    def array(self, name, change=None):
        """Change an array in place, or put another one there."""
        node = self.find(name, "file")
        values = np.load(io.BytesIO(self.members[node["file"]]))
        made = change(values) if change else values
        stream = io.BytesIO()
        np.save(stream, values if made is None else made)
        self.members[node["file"]] = stream.getvalue()

    def write(self, compression=zipfile.ZIP_STORED):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", compression) as archive:
            for name, content in self.members.items():
                archive.writestr(name, content)
            archive.writestr("schema.json", json.dumps(self.schema))
        put(self.folder, stream.getvalue())


JSON = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "is_json": True}


def field(array, name, values):
    """Give a change of an array: a field of some of its records, row -> value."""

    def change(made):
        def assign(records):
            for row, value in values.items():
                records[name][row] = value

        made.array(array, assign)

    return change


def reordered(array, one, other):
    """Give a change of an array: two fields of its records change places."""

    def swap(records):
        names = {one: other, other: one}
        order = [names.get(name, name) for name in records.dtype.names]
        swapped = np.empty(len(records), [(name, records.dtype[name]) for name in order])
        for name in order:
            swapped[name] = records[name]
        return swapped

    return lambda made: made.array(array, swap)


def made_by(name, loader, **more):
    """Give a change: some object is made in another way."""
    return lambda made: made.find(name).update(__loader__=loader, **more)


def categorical(made, **values):
    """Turn the first split into one of categories."""
    field("nodes", "is_categorical", {0: 1})(made)
    made.array("is_categorical_", np.ones_like)
    made.array("raw_left_cat_bitsets", lambda _: np.zeros((1, 8), dtype=np.uint32))
    made.array("binned_left_cat_bitsets", lambda _: np.zeros((1, 8), dtype=np.uint32))
    for name, change in values.items():
        made.array(name, change)


def header(name, shape, dtype="<f8"):
    """Give a change: an array says that it is larger than it is."""

    def change(made):
        stream = io.BytesIO()
        head = {"descr": dtype, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, head)
        made.members[made.find(name, "file")["file"]] = stream.getvalue() + bytes(64)

    return change


BOOSTED = {
    "left child after the last node": field("nodes", "left", {0: 10**6}),
    "right child after the last node": field("nodes", "right", {0: 2**32 - 1}),
    "circle of nodes": field("nodes", "left", {0: 0}),
    "child before its parent": field("nodes", "right", {2: 1, 1: 0}),
    "child of two parents": lambda made: made.array(
        "nodes", lambda nodes: nodes["left"].__setitem__(0, nodes["right"][0])
    ),
    "no leaf": field("nodes", "is_leaf", {...: 0}),
    "feature after the last one": field("nodes", "feature_idx", {0: 10**9}),
    "feature one after the last one": field("nodes", "feature_idx", {0: 2}),
    "feature before the first one": field("nodes", "feature_idx", {0: -(10**9)}),
    "no nodes": lambda made: made.array("nodes", lambda nodes: nodes[:0]),
    "nodes in two dimensions": lambda made: made.array("nodes", lambda nodes: nodes[None]),
    "nodes of another type": lambda made: made.array("nodes", lambda _: np.zeros(3)),
    "swapped fields of nodes": reordered("nodes", "left", "feature_idx"),
    "nodes that are no array": lambda made: made.set("nodes", [1, 2]),
    "category without bitset": lambda made: categorical(made, raw_left_cat_bitsets=lambda bits: bits[:0]),
    "bitset after the last one": lambda made: (
        categorical(made),
        field("nodes", "bitset_idx", {0: 10**6})(made),
    ),
    "narrow bitsets": lambda made: categorical(made, raw_left_cat_bitsets=lambda bits: bits[:, :1]),
    "narrow binned bitsets": lambda made: categorical(made, binned_left_cat_bitsets=lambda bits: bits[:, :1]),
    "categories of a number": lambda made: categorical(made, is_categorical_=np.zeros_like),
    "categories of too few features": lambda made: categorical(made, is_categorical_=lambda flags: flags[:1]),
    "unknown number of features": lambda made: made.find("HistGradientBoostingRegressor")["content"]["content"].pop(
        "n_features_in_"
    ),
    "other number of features": lambda made: made.set("n_features_in_", 10**4),
    "gigantic number of features": lambda made: made.set("n_features_in_", 10**12),
    "gigantic number of outputs": lambda made: made.set("n_trees_per_iteration_", 10**12),
    "no number of outputs": lambda made: made.set("n_trees_per_iteration_", "many"),
    "no predictors": lambda made: made.set("_predictors", [[1]]),
    "no bin mapper": lambda made: made.set("_bin_mapper", None),
    "tree by constructor": made_by("TreePredictor", "ConstructorFromReduceNode"),
    "tree by loss": made_by("TreePredictor", "LossNode", __reduce__={"args": JSON}),
    "tree as a type": made_by("TreePredictor", "TypeNode"),
    "tree as a list": made_by("TreePredictor", "ListNode"),
    "value by a method": made_by("_BinMapper", "MethodNode"),
    "value by an operator": made_by("_BinMapper", "OperatorFuncNode"),
    "value by partial": made_by("_BinMapper", "PartialNode"),
    "value by reduction": made_by("_BinMapper", "ReduceNode"),
    "value by reference": made_by("_BinMapper", "CachedNode"),
    "sparse matrix": made_by("_BinMapper", "SparseMatrixNode"),
    "value by an unknown node": made_by("_BinMapper", "EvalNode"),
    "value without node": lambda made: made.find("_BinMapper").pop("__module__"),
    "eval as a function": made_by("_BinMapper", "FunctionNode", __class__="eval", __module__="builtins"),
    "gigantic array": header("nodes", (10**15,)),
    "gigantic array without bytes": header("train_score_", (10**15,), "|V0"),
    "array larger than its data": header("train_score_", (9,)),
    "array of objects": header("train_score_", (1,), "|O"),
    "array of negative length": header("train_score_", (-(10**9), -(10**9))),
    "array without header": lambda made: made.members.update(dict.fromkeys(made.members, b"")),
    "missing array": lambda made: made.members.clear(),
    "old protocol": lambda made: made.schema.update(protocol=0),
    "new protocol": lambda made: made.schema.update(protocol=99),
    "protocol that is no number": lambda made: made.schema.update(protocol="2"),
    "schema that is a list": lambda made: setattr(made, "schema", [1]),
    "schema without an estimator": lambda made: made.schema.update(JSON, content="5"),
    "attributes that are no dict": lambda made: made.schema.update(content=[1]),
}
FOREST = {
    "left child after the last node": field("nodes", "left_child", {0: 10**9}),
    "right child after the last node": field("nodes", "right_child", {0: 10**9}),
    "no right child": field("nodes", "right_child", {0: -1}),
    "negative child": field("nodes", "left_child", {0: -2}),
    "circle of nodes": field("nodes", "left_child", {0: 0}),
    "feature after the last one": field("nodes", "feature", {0: 10**9}),
    "feature before the first one": field("nodes", "feature", {0: -3}),
    "swapped fields of nodes": reordered("nodes", "left_child", "n_node_samples"),
    "more nodes than there are": lambda made: made.set("node_count", 10**9),
    "fewer nodes than there are": lambda made: made.set("node_count", 1),
    "too few values": lambda made: made.array("values", lambda values: values[:1]),
    "other number of features": lambda made: made.set("n_features_in_", 10**6),
    "tree with more features": lambda made: tree_argument(made, 0, 10**6),
    "tree with more outputs": lambda made: tree_argument(made, 2, 10**6),
    "no tree": lambda made: made.set("tree_", None),
    "tree by its class": made_by("Tree", "ObjectNode"),
    "tree without estimator": lambda made: made.schema.update(made.find("Tree")),
}


def tree_argument(made, place, value):
    made.find("Tree")["__reduce__"]["args"]["content"][place] = {**JSON, "content": str(value)}


def linear(**changes):
    """Give a change of a linear model: the shapes of its arrays."""

    def change(made):
        for name, shape in changes.items():
            made.array(name, lambda _, shape=shape: np.zeros(shape))

    return change


LINEAR = {
    "coefficients of other features": linear(coef_=(7,)),
    "coefficients in three dimensions": linear(coef_=(2, 2, 2)),
    "another estimator": lambda made: made.schema.update(__class__="Birch", __module__="sklearn.cluster"),
    "estimator that crashes": lambda made: made.schema.update(__class__="SVR", __module__="sklearn.svm._classes"),
    "unknown class of scikit-learn": lambda made: made.schema.update(__class__="Nothing"),
}
CARDS = {
    "format": ["1", 2, None],
    "model_sha256": [None, 5, ["a"]],
    "versions": [None, [], {"numpy": 2}, "2.0"],
    "task": [5, "clustering", ["regression"]],
    "target": [5, None, {}],
    "labels": [5, [None], [["a"]]],
    "schema": [5, [5], [{"name": "a"}], [{"name": "a", "kind": "eval"}], {"a": "numeric"}],
    "categories": [[], {"a": 5}, {"a": [5]}],
    "metrics": [[], {"MAE": 5}, {"MAE": {"model": "0.5"}}],
    "folds": [5, [5]],
    "seed": ["0", 0.5, None],
    "settings": [[], 5, None],
    "data": [[], 5, None, {"sha256": 5}, {"source": 5}],
    "transforms": [5, [5], [{}], [{"name": 5}], {"name": "a"}],
}
FILES = {
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "device that never ends": lambda path: path.symlink_to("/dev/zero"),
    "link to itself": lambda path: path.symlink_to(path),
    "link to nothing": lambda path: path.symlink_to("nothing"),
    "sparse file of a terabyte": lambda path: (path.touch(), os.truncate(path, 1 << 40)),
    "empty file": Path.touch,
}
TRY = """
import faulthandler, json, pathlib, sys
from my_project import errors
from my_project._internal import store
faulthandler.enable()
for name in sys.argv[1:]:
    print(name, end=": ", flush=True)
    try:
        store.load(pathlib.Path(name))
        print("loaded")
    except errors.ModelError as error:
        print(error)
"""


def outcomes(folders):
    """Load model folders in another process, which may crash: name -> what it says."""
    words = [sys.executable, "-W", "ignore", "-c", TRY, *map(str, folders)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    lines = done.stdout.splitlines()
    assert (done.returncode, len(lines)) == (0, len(folders)), f"{lines[-1:]}\n{done.stderr}"
    return dict(line.split(": ", 1) for line in lines)


@pytest.fixture(scope="module")
def made_up(tmp_path_factory, estimator):
    """Give what loading says of each folder that somebody made up."""
    home, folders = tmp_path_factory.mktemp("made-up"), {}
    models = {
        "boosted": (
            ensemble.HistGradientBoostingRegressor(max_iter=2, min_samples_leaf=1),
            BOOSTED,
        ),
        "forest": (ensemble.RandomForestRegressor(2, random_state=0), FOREST),
        "linear": (linear_model.Ridge(), LINEAR),
    }
    for kind, (model, changes) in models.items():
        store.save(home / kind, model.fit(WHOLE, TRUTH), {})
        for name, change in changes.items():
            folders[kind, name] = shutil.copytree(home / kind, home / f"{len(folders)}")
            made = Made(folders[kind, name])
            change(made)
            made.write()
    for name, make in FILES.items():
        for file in (store.MODEL, store.CARD):
            folders[file, name] = shutil.copytree(home / "linear", home / f"{len(folders)}")
            (folders[file, name] / file).unlink()
            make(folders[file, name] / file)
    for key, values in CARDS.items():
        for value in values:
            name = f"{key} is {value}"
            folders["card", name] = shutil.copytree(home / "linear", home / f"{len(folders)}")
            seal(folders["card", name], **{key: value})
    said = outcomes(list(folders.values()))
    return {case: said[str(folder)] for case, folder in folders.items()}


CASES = [
    *(("boosted", name) for name in BOOSTED),
    *(("forest", name) for name in FOREST),
    *(("linear", name) for name in LINEAR),
    *((file, name) for name in FILES for file in (store.MODEL, store.CARD)),
    *(("card", f"{key} is {value}") for key, values in CARDS.items() for value in values),
]


@pytest.mark.parametrize("case", CASES, ids=": ".join)
def test_made_up_folder_is_refused_in_one_line(made_up, case):
    assert re.search(r"model\.(skops|json)", made_up[case]), made_up[case]


def test_there_are_eighty_made_up_folders():
    assert len(CASES) >= 80


def test_mutated_models_neither_crash_nor_hang(tmp_path):
    """Change a random part of the nodes or arrays of a model, two hundred times."""
    chance, folders = random.Random(0), []
    model = ensemble.RandomForestRegressor(2, random_state=0).fit(WHOLE, TRUTH)
    store.save(tmp_path / "forest", model, {})
    model = ensemble.HistGradientBoostingRegressor(max_iter=2, min_samples_leaf=1)
    store.save(tmp_path / "boosted", model.fit(WHOLE, TRUTH), {})
    for place in range(200):
        kind = chance.choice(["forest", "boosted"])
        folders.append(shutil.copytree(tmp_path / kind, tmp_path / f"{place}"))
        mutate(Made(folders[-1]), chance)
    said = outcomes(folders)
    assert sum(line != "loaded" for line in said.values()) > 50


def mutate(made, chance):
    node = chance.choice([node for node in made.nodes() if node["__loader__"] != "TypeNode"])
    if "file" in node:
        content = bytearray(made.members[node["file"]])
        for _ in range(chance.choice([1, 4, 16])):
            content[chance.randrange(len(content))] = chance.choice([0, 1, 127, 128, 255])
        made.members[node["file"]] = bytes(content)
    elif chance.random() < 0.3:
        node.pop(chance.choice(list(node)))
    elif node["__loader__"] == "JsonNode":
        node["content"] = chance.choice(["null", "-1", "1e9", "[]", '"a"', "999999999999", "{"])
    else:
        other = chance.choice(list(made.nodes()))
        node.update(json.loads(json.dumps(other)))
    made.write()


def test_compressed_model_is_refused(folder):
    Made(folder).write(zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelError, match="members that are compressed or overlap"):
        store.load(folder)


def test_deeply_nested_model_is_refused(folder):
    made = Made(folder)
    made.members["schema.json"] = b'{"protocol": 2, "x": ' + b"[" * 10**6 + b"]" * 10**6 + b"}"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in made.members.items():
            archive.writestr(name, content)
    put(folder, stream.getvalue())
    with pytest.raises(ModelError, match="RecursionError"):
        store.load(folder)


def test_same_id_does_not_put_another_value_in_place_of_one_that_was_checked(folder):
    made = Made(folder)
    first, second = [node for node in made.nodes() if node["__class__"] == "TreePredictor"][:2]
    second["__id__"] = first["__id__"]
    second["content"]["content"] = {}
    made.write()
    with pytest.raises(ModelError, match="holds no model that can predict|can be loaded"):
        store.load(folder)


def test_limits_are_checked_before_anything_is_read(folder, monkeypatch):
    for name, value, said in [
        ("MAX_MEMBERS", 1, "more than 1 members"),
        ("MAX_SCHEMA", 9, "a schema of more than 9 bytes"),
        ("MAX_BYTES", 20_000, "more than 20000 bytes|at most 20000 bytes"),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(trees, name, value)
            with pytest.raises(ModelError, match=said):
                store.load(folder)
