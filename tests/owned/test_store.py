import hashlib
import json
import logging
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn import dummy, ensemble, pipeline

from my_project._internal import files, store
from my_project.errors import DataError, ModelError

INPUTS = np.array([[0.0], [1.0], [2.0], [np.nan]] * 3)
TRUTH = np.array([0.0, 1.0, 4.0, 9.0] * 3)


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
    card = store.read_card(folder / store.CARD)
    card["model_sha256"] = hashlib.sha256(content).hexdigest()
    card["card_sha256"] = store._card_sha256(card)
    folder.joinpath(store.CARD).write_text(json.dumps(card), encoding="utf-8")


def test_model_comes_back_with_the_same_predictions(folder, estimator):
    loaded, card = store.load(folder)
    assert loaded.predict(INPUTS).tolist() == estimator.predict(INPUTS).tolist()
    assert card["target"] == "größe"


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
    with pytest.raises(ModelError, match="model.skops is no model file: "):
        store.load(folder)


class Unknown(dummy.DummyRegressor):
    """An estimator that skops does not know."""


def test_type_that_could_not_be_loaded_is_not_saved(tmp_path):
    with pytest.raises(ModelError, match="types that are not allowed: .*Unknown"):
        store.save(tmp_path, Unknown().fit(INPUTS, TRUTH), {})
    assert list(tmp_path.iterdir()) == []


def test_type_that_is_not_allowed_is_not_loaded(folder):
    put(folder, skops.io.dumps(Unknown().fit(INPUTS, TRUTH)))
    with pytest.raises(ModelError, match="model.skops holds types .* not allowed: .*Unknown"):
        store.load(folder)


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
    with pytest.raises(ModelError, match="not allowed: malicious_module.Thing"):
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
    with pytest.raises(ModelError, match="model.skops is no model file: "):
        store.load(folder)
    assert not Path("unpickled").exists()
    pickle.loads(content)  # noqa: S301 - it would have
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
