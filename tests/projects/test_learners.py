"""Another learner is one line in a project's model.py: everything else, its tests too, works as before."""

import json
import sys
from collections.abc import Iterator

import pytest
from documents import blocks
from projects import Project
from rendering import Renderer
from samples import cases, long

pytestmark = pytest.mark.projects

ANSWERS = {"package_name": "tides", "hosting": "none"}

LEARNERS = {
    # name: (the line, what it imports, the types that skops does not trust)
    "linear": (
        '{"classification": linear_model.LogisticRegression, "regression": linear_model.Ridge}[task]()',
        "from sklearn import linear_model",
        [],
    ),
    "forest": (
        '{"classification": ensemble.RandomForestClassifier, "regression": ensemble.RandomForestRegressor}[task](20)',
        "",
        ["sklearn.tree._tree.Tree"],
    ),
    "trees": (
        '{"classification": ensemble.ExtraTreesClassifier, "regression": ensemble.ExtraTreesRegressor}[task](20)',
        "",
        ["sklearn.tree._tree.Tree"],
    ),
    "vectors": (
        '{"classification": svm.SVC, "regression": svm.SVR}[task]()',
        "from sklearn import svm",
        ["sklearn.svm._classes.SVC", "sklearn.svm._classes.SVR"],
    ),
    "network": (
        '{"classification": neural_network.MLPClassifier, "regression": neural_network.MLPRegressor}[task]((9,))',
        "from sklearn import neural_network",
        [],
    ),
    "lightgbm": (
        (
            '{"classification": lightgbm.LGBMClassifier, "regression": lightgbm.LGBMRegressor}'
            "[task](n_estimators=20, verbose=-1)"
        ),
        "import lightgbm",
        [
            "lightgbm.basic.Booster",
            "lightgbm.sklearn.LGBMClassifier",
            "lightgbm.sklearn.LGBMRegressor",
        ],
    ),
    "xgboost": (
        '{"classification": xgboost.XGBClassifier, "regression": xgboost.XGBRegressor}[task](n_estimators=20)',
        "import xgboost",
        ["xgboost.core.Booster", "xgboost.sklearn.XGBClassifier", "xgboost.sklearn.XGBRegressor"],
    ),
}


@pytest.fixture(scope="module")
def project(renderer: Renderer) -> Project:
    """Give a project, installed."""
    project = Project(renderer.render(ANSWERS), ANSWERS, f"{sys.version_info[0]}.{sys.version_info[1]}")
    project.installed()
    if long():
        words = ["uv", "pip", "install", "--quiet", "--python", project.program("tests", "python")]
        project.run(*words, "lightgbm")
        project.run(*words, "--no-deps", "xgboost")  # no code for GPUs
    return project


@pytest.fixture(params=cases(["forest"], lambda: LEARNERS))
def changed(request: pytest.FixtureRequest, project: Project) -> Iterator[str]:
    """Change the one line, and put it back in the end."""
    path = project.folder / "src" / "tides" / "model.py"
    before = path.read_text(encoding="utf-8")
    line, imported, _ = LEARNERS[request.param]
    [old] = [text for text in before.splitlines() if text.startswith("    learner = ")]
    changed = before.replace(old, f"    learner = {line}").replace("import narwhals", f"{imported}\nimport narwhals", 1)
    path.write_text(changed, encoding="utf-8")
    yield request.param
    path.write_text(before, encoding="utf-8")


def test_learner_is_trained_saved_loaded_and_tested_by_the_project(project: Project, changed: str) -> None:
    model = project.folder / "src" / "tides" / "model.py"
    types = LEARNERS[changed][2]
    for target in ("species", "body_mass_g"):
        said = project.run(project.program("tests", "tides"), "train", "--target", target, "-o", "made", check=False)
        missing = [name for name in types if name in said]
        if missing:  # the message names what to add, and where
            assert "TRUSTED" in said
            text = model.read_text(encoding="utf-8")
            added = "".join(f'    "{name}",\n' for name in missing)
            model.write_text(text.replace("TRUSTED = [\n", f"TRUSTED = [\n{added}", 1), encoding="utf-8")
            project.run(project.program("tests", "tides"), "train", "--target", target, "-o", "made")
        card = json.loads((project.folder / "made" / "model.json").read_text(encoding="utf-8"))
        assert card["metrics"]
        assert (project.folder / "made" / "report.html").stat().st_size > 10_000
        project.run(
            project.program("tests", "tides"), "predict", "made", "src/tides/data/penguins.csv", "-o", "made.csv"
        )
        assert len((project.folder / "made.csv").read_text(encoding="utf-8").splitlines()) == 345
    assert " failed" not in project.run(project.program("tests", "python"), "-m", "pytest", "-q", "--no-cov")


def test_feature_of_the_page_is_used_and_the_tests_still_pass(project: Project) -> None:
    path = project.folder / "src" / "tides" / "features.py"
    before = path.read_text(encoding="utf-8")
    page = (project.folder / "docs" / "use.md").read_text(encoding="utf-8")
    [code] = [text for name, text in blocks(page) if "@feature" in text]
    path.write_text(f"{before}\n\n{code}", encoding="utf-8")
    try:
        project.run(project.program("tests", "tides"), "features", "-o", "made.csv")
        names = (project.folder / "made.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
        assert "bill_shape" in names
        assert " failed" not in project.run(project.program("tests", "python"), "-m", "pytest", "-q", "--no-cov")
    finally:
        path.write_text(before, encoding="utf-8")
