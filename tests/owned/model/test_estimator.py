"""The model is an estimator that scikit-learn's tools take, with polars and with pandas frames."""

import numpy as np
import polars as pl
import pytest
from sklearn import base, calibration, inspection, model_selection
from sklearn.utils.estimator_checks import parametrize_with_checks

config = pytest.importorskip("my_project.config")
io = pytest.importorskip("my_project.io")
features = pytest.importorskip("my_project.features")
model = pytest.importorskip("my_project.model")
preprocess = pytest.importorskip("my_project.preprocess")

FRAMES = [pl.DataFrame.clone, pl.DataFrame.to_pandas]


@parametrize_with_checks([preprocess.Clean(), features.Features(), features.Features(one_hot=True, scale=True)])
def test_transformers_pass_the_checks_of_scikit_learn(estimator, check):
    check(estimator)  # all of them; the array API alone is not checked unless SCIPY_ARRAY_API is set


@pytest.fixture(params=FRAMES, ids=["polars", "pandas"])
def data(request):
    """Give rows as read, and their labels."""
    table = io.read(io.SAMPLE)
    return request.param(table.drop("species")), table["species"].to_numpy()


@pytest.fixture
def built():
    settings = config.load(max_iter=5, min_samples_leaf=5)
    return model.build("classification", settings)


def test_cross_validation(built, data):
    found = model_selection.cross_validate(built, *data, cv=3, scoring=["accuracy", "roc_auc_ovr"])
    assert found["test_accuracy"].min() > 0.8


@pytest.mark.parametrize("kind", ["GridSearchCV", "RandomizedSearchCV"])
def test_search_over_parameters_of_learner_and_transformers(built, data, kind):
    grid = {
        "learner__max_leaf_nodes": [3, 7],
        "features__max_categories": [1, 5],
        "features__one_hot": [True],
        "clean__drop": [["year"]],
    }
    options = {"n_iter": 2, "random_state": 0} if kind == "RandomizedSearchCV" else {}
    search = getattr(model_selection, kind)(built, grid, cv=2, **options).fit(*data)
    assert search.best_score_ > 0.8
    assert "year" not in search.best_estimator_["clean"].kinds_


def test_learning_curve(built, data):
    sizes, _, found = model_selection.learning_curve(
        built, *data, cv=3, train_sizes=[0.5, 1.0], shuffle=True, random_state=0
    )
    assert sizes[1] == 2 * sizes[0] or sizes[1] == 2 * sizes[0] + 1
    assert found.mean() > 0.8


def test_calibration(built, data):
    fitted = calibration.CalibratedClassifierCV(built, cv=2).fit(*data)
    assert fitted.predict_proba(data[0]).sum(axis=1) == pytest.approx(1)


def test_clone_and_display(built, data):
    fitted = base.clone(built).fit(*data)
    assert fitted[:-1].get_feature_names_out().tolist() == [
        "island",
        "bill_length_mm",
        "bill_depth_mm",
        "flipper_length_mm",
        "body_mass_g",
        "sex",
        "year",
    ]
    assert "Clean" in fitted._repr_html_()


def test_output_is_the_container_that_is_asked_for(built, data):
    pandas = built.set_output(transform="pandas")[:-1].fit(*data).transform(data[0])
    assert type(pandas).__module__.startswith("pandas")


def in_pandas(frame):
    """Give a frame to tools that take none of polars: they put values into columns by hand."""
    return frame.to_pandas() if isinstance(frame, pl.DataFrame) else frame


def test_permutation_importance(built, data):
    fitted = built.fit(*data)
    found = inspection.permutation_importance(fitted, in_pandas(data[0]), data[1], n_repeats=2, random_state=0)
    assert np.argmax(found.importances_mean) in (0, 1, 2, 3)


def test_partial_dependence(built, data):
    fitted = built.fit(*data)
    found = inspection.partial_dependence(fitted, in_pandas(data[0]), ["bill_length_mm"], grid_resolution=5)
    assert found["average"].shape == (3, 5)
