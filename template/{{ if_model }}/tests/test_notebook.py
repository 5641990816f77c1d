import json
from pathlib import Path

import pytest
from matplotlib import pyplot as plt

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "explore.ipynb"


@pytest.fixture
def cells():
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plt.switch_backend("agg")
    yield tmp_path
    plt.close("all")


def test_every_cell_runs_and_the_last_one_plots(cells, elsewhere):
    namespace = {}
    for cell in cells:
        exec("".join(cell["source"]), namespace)  # noqa: S102 - our own notebook
    assert plt.gca().patches
    assert not list(elsewhere.iterdir())


def test_no_outputs_are_stored(cells):
    assert cells
    assert not [cell["id"] for cell in cells if cell["outputs"] or cell["execution_count"]]
