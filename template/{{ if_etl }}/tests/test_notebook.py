import json
import tempfile
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "explore.ipynb"


@pytest.fixture
def cells():
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    for name in ("work", "temporary"):
        tmp_path.joinpath(name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "work"


def test_every_cell_runs_and_the_last_one_shows_what_was_rejected(cells, elsewhere, capsys):
    namespace = {}
    for cell in cells:
        exec("".join(cell["source"]), namespace)  # noqa: S102 - our own notebook
    assert "wrote 327 rows" in capsys.readouterr().out
    assert set(namespace["rejected"]["reason"]) == {"breaks: mass is plausible"}
    assert not list(elsewhere.iterdir())


def test_no_outputs_are_stored(cells):
    assert cells
    assert not [cell["id"] for cell in cells if cell["outputs"] or cell["execution_count"]]
