"""Laws of importances: norms of what leaves an input towards an output, as shares, averaged over networks."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectFromModel

import ridgewalk
from ridgewalk import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV, TableClassifier, TableRegressor
from ridgewalk.importance import by_origin, shares_of_importance
from ridgewalk.report.details import page_data
from ridgewalk.report.summary import by_input

ROWS = 80
DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(ROWS, 4)) * [1, 100, 1, 1]
SCORE = 3 * X[:, 0] + X[:, 1] / 100 + 0.3 * DRAWS.normal(size=ROWS)
QUICK: dict[str, Any] = {"alphas": 4, "max_iter": 80, "cv": 2, "random_state": 0}
FRAME = pd.DataFrame(
    {
        "size": X[:, 0],
        "same": 1,
        "town": np.array(["here", "there", "nowhere"])[np.arange(ROWS) % 3],
        "far": X[:, 1],
        "noise": X[:, 2],
    }
)

CASES: dict[str, Any] = {
    "two classes": lambda: MLPClassifierCV((6, 3), **QUICK).fit(X, SCORE > 0),
    "three classes": lambda: MLPClassifierCV((6,), **QUICK).fit(X, np.digitize(SCORE, [-1, 1])),
    "labels": lambda: MLPClassifierCV((6,), **QUICK).fit(X, np.stack([SCORE > 0, X[:, 2] > 0]).T * 1),
    "numbers": lambda: MLPRegressorCV((6,), **QUICK).fit(X, SCORE),
    "several numbers": lambda: MLPRegressorCV((6,), **QUICK).fit(X, np.stack([SCORE, X[:, 2]]).T),
    "an ensemble": lambda: MLPRegressorCV((6,), n_seeds=3, ensemble=True, **QUICK).fit(X, SCORE),
    "a linear model": lambda: MLPRegressorCV((), l1_ratio=1.0, **QUICK).fit(X, SCORE),
    "selected inputs": lambda: MLPRegressorCV((6,), select_inputs=True, **QUICK).fit(X, SCORE),
    "one strength": lambda: MLPClassifier((6,), alpha=0.1, l1_ratio=1.0, random_state=0).fit(X, SCORE > 0),
    "one strength of numbers": lambda: MLPRegressor((6,), n_seeds=2, ensemble=True, random_state=0).fit(X, SCORE),
}


@pytest.fixture(scope="module")
def fitted() -> Any:
    return {name: fit() for name, fit in CASES.items()}


@pytest.fixture(scope="module")
def tables() -> Any:
    return {
        "classes": TableClassifier(cv=3, random_state=0).fit(FRAME, SCORE > 0),
        "numbers": TableRegressor(cv=3, random_state=0).fit(FRAME, SCORE),
    }


def norms(model: Any, columns: int) -> Any:
    """Compute the norms of a network, column by column, from the weights on ways to an output."""
    weights = model.parameters[::2]
    leads = np.ones(weights[-1].shape[1], dtype=bool)
    for w in weights[:0:-1]:
        leads = (w[:, leads] != 0).any(axis=1)
    found = np.zeros(columns)
    for number, column in enumerate(model.column):
        if np.isfinite(model.scale[number]):
            found[column] += (weights[0][number, leads] ** 2).sum()
    return np.sqrt(found)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_they_are_shares_of_the_norms_of_what_leaves_an_input(fitted: Any, name: str, tmp_path: Path) -> None:
    model = fitted[name]
    found = model.feature_importances_
    each = [norms(network, 4) for network in model.models_]
    np.testing.assert_allclose(found, np.mean([norm / norm.sum() for norm in each], axis=0))
    assert found.shape == (4,)
    assert found.sum() == pytest.approx(1)
    np.testing.assert_array_equal(found > 0, model.support_)
    if name in ("two classes", "numbers", "a linear model", "selected inputs"):  # where a penalty leaves what counts
        assert found[0] == found.max()
    np.testing.assert_allclose(model.compact().feature_importances_, found, atol=1e-12)
    loaded = ridgewalk.load(ridgewalk.save(model, tmp_path / "m"))
    np.testing.assert_array_equal(loaded.feature_importances_, found)


def test_a_weight_that_leads_nowhere_is_no_importance(fitted: Any) -> None:
    model = fitted["numbers"].model_
    arrays = [array.copy() for array in model.parameters]
    arrays[2][0] = 0  # no output hears of the first unit
    arrays[0][:, 0] = 1e6
    deaf = replace(model, parameters=tuple(arrays))
    np.testing.assert_allclose(deaf.importance(4), norms(deaf, 4))
    assert deaf.importance(4).max() < 1e3
    arrays[0][:] = 0
    assert (replace(model, parameters=tuple(arrays)).importance(4) == 0).all()


def test_where_no_network_uses_an_input_all_are_0(fitted: Any) -> None:
    model = fitted["numbers"].model_
    nothing = replace(model, parameters=tuple(np.zeros_like(array) for array in model.parameters))
    own = np.arange(4)
    assert (shares_of_importance([nothing], np.ones(1), own, 4) == 0).all()
    half = shares_of_importance([nothing, model], np.array([0.5, 0.5]), own, 4)
    np.testing.assert_allclose(half, shares_of_importance([model], np.ones(1), own, 4))


def test_a_network_counts_by_its_share_not_by_its_size(fitted: Any) -> None:
    one, other = (fitted[name].model_ for name in ("numbers", "a linear model"))
    large = replace(other, parameters=(1e3 * other.parameters[0], *other.parameters[1:]))
    own = np.arange(4)
    alone = [shares_of_importance([model], np.ones(1), own, 4) for model in (one, large)]
    both = shares_of_importance([one, large], np.array([0.25, 0.75]), own, 4)
    np.testing.assert_allclose(both, 0.25 * alone[0] + 0.75 * alone[1])


def test_columns_of_one_input_have_one_norm() -> None:
    found = by_origin(np.array([[3.0, 1.0, 4.0], [0.0, 2.0, 0.0]]), np.array([1, 0, 1]), 3)
    np.testing.assert_allclose(found, [[1, 5, 0], [2, 0, 0]])


@pytest.mark.parametrize("name", ["classes", "numbers"])
def test_a_blends_are_of_the_columns_of_the_table(tables: Any, name: str, tmp_path: Path) -> None:
    model = tables[name]
    found = model.feature_importances_
    assert found.shape == (len(FRAME.columns),)
    assert found.sum() == pytest.approx(1)
    expected, origins = np.zeros(len(FRAME.columns)), model.encoder_.origins
    for network, share in zip(model.mixture_.models, model.mixture_.shares, strict=True):
        squares, each = norms(network, len(origins)) ** 2, np.zeros(len(FRAME.columns))
        for square, origin in zip(squares, origins, strict=True):
            each[list(FRAME.columns).index(origin)] += square
        if each.any():
            expected += share * np.sqrt(each) / np.sqrt(each).sum()
    np.testing.assert_allclose(found, expected / expected.sum())
    used = dict(zip(FRAME.columns, found, strict=True))
    assert used["same"] == 0  # left out
    assert {each for each in used if used[each] > 0} == set(model.selected_features_)
    assert max(used, key=lambda column: used[column]) == "size"
    np.testing.assert_allclose(model.compact().feature_importances_, found, atol=1e-9)
    loaded = ridgewalk.load(model.save(tmp_path / "m"))
    np.testing.assert_array_equal(loaded.feature_importances_, found)


def test_columns_of_an_array_have_theirs_by_place() -> None:
    model = TableRegressor(views=["plain"], cv=2, random_state=0).fit(np.column_stack([np.ones(ROWS), X]), SCORE)
    found = model.feature_importances_
    assert found.shape == (5,)
    assert found[0] == 0
    assert found[1] == found.max()


def test_an_estimator_that_is_not_fitted_has_none() -> None:
    for model in (MLPClassifier(), MLPRegressorCV(), TableClassifier()):
        assert not hasattr(model, "feature_importances_")
        with pytest.raises(NotFittedError):
            model.feature_importances_  # noqa: B018


def test_scikit_learn_selects_by_them() -> None:
    model = MLPRegressor((6,), alpha=0.1, l1_ratio=1.0, random_state=0, max_iter=50, tol=0)
    with pytest.warns(Warning, match="max_iter"):
        chosen = SelectFromModel(model, importance_getter="feature_importances_", max_features=1).fit(X, SCORE)
    np.testing.assert_array_equal(chosen.get_support(), [True, False, False, False])


def test_the_page_shows_the_same_norms(tables: Any) -> None:
    model = tables["numbers"]
    for view in model.views_.values():
        path, origins = view.path_, model.encoder_.origins
        columns = by_input(path, origins)
        data = page_data(path, "min", origins)
        index = len(path.alphas) // 2
        network = path.model(index)
        own = norms(network, len(origins))
        shown = dict(zip(data["inputs"]["names"], data["inputs"]["importance"][index], strict=True))
        for name, each in columns.items():
            assert shown[name] == pytest.approx(np.linalg.norm(own[each]), rel=1e-3)
