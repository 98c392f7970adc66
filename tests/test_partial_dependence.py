"""Laws of partial dependence: scikit-learn's, on the same rows and values, of every kind of model and of column."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import partial_dependence as reference

from ridgewalk import MLPClassifierCV, MLPRegressorCV
from ridgewalk.diagnostics.partial_dependence import (
    individual_predictions,
    interaction,
    joint_dependence,
    partial_dependence,
)
from ridgewalk.estimators.encoded import variables_of
from ridgewalk.estimators.table import TableRegressor
from ridgewalk.report.variables import plain_variables
from ridgewalk.tables import Encoder

QUICK: dict[str, Any] = {"alphas": [1e-4, 1e-3], "max_iter": 30, "cv": 3, "random_state": 0}
X = np.random.default_rng(0).normal(size=(60, 4))
SIGNAL = X[:, 0] + np.sin(2 * X[:, 1]) + X[:, 0] * X[:, 2]


def two_classes(**more: Any) -> Any:
    return MLPClassifierCV((6,), **QUICK, **more).fit(X, SIGNAL > 0)


def three_classes() -> Any:
    return MLPClassifierCV((6, 5), activation="tanh", **QUICK).fit(X, np.digitize(SIGNAL, [-0.5, 0.5]))


def numbers() -> Any:
    return MLPRegressorCV((6,), **QUICK).fit(X, 10 + 3 * SIGNAL)


def counts() -> Any:
    return MLPRegressorCV((6,), loss="poisson", **QUICK).fit(X, np.random.default_rng(1).poisson(np.exp(SIGNAL / 2)))


def linear() -> Any:
    return MLPRegressorCV((), **QUICK).fit(X, SIGNAL)


def constant_column() -> Any:
    return MLPRegressorCV((6,), **QUICK).fit(np.where(np.arange(4) == 3, 1.0, X), SIGNAL)


def mapped() -> Any:
    return TableRegressor(views="encoded", cv=3, random_state=0).fit(X, SIGNAL).network_


CASES = [two_classes, three_classes, numbers, counts, linear, constant_column, mapped]


def of_sklearn(model: Any, x: Any, features: Any, values: Any) -> Any:
    """Return scikit-learn's mean and individual lines at some values: (grid..., C), (grid..., N, C)."""
    found = reference(
        model, x, features, kind="both", method="brute", custom_values=dict(zip(features, values, strict=True))
    )
    return np.moveaxis(found["average"], 0, -1), np.moveaxis(np.moveaxis(found["individual"], 0, -1), 0, -2)


@pytest.mark.parametrize("case", CASES)
def test_it_is_scikit_learns(case: Any) -> None:
    model = case()
    best = model.path_.model(model.index_)
    for column in range(4):
        variable = plain_variables(list("abcd"))[column]
        grid = variable.grid(X, 7)
        mean, lines = of_sklearn(model, X, [column], [grid])
        settings = variable.write(grid)
        np.testing.assert_allclose(partial_dependence(best, X, variable.columns, settings), mean, atol=1e-6, rtol=1e-6)
        found = individual_predictions(best, X, variable.columns, settings)
        np.testing.assert_allclose(found, lines, atol=1e-6, rtol=1e-6)
        assert column or np.ptp(mean) > 0.01  # what is constant would be equal whatever is computed


@pytest.mark.parametrize("case", [two_classes, three_classes, numbers])
def test_of_two_inputs_it_is_scikit_learns(case: Any) -> None:
    model = case()
    a, _, b, _ = plain_variables(list("abcd"))
    grids = a.grid(X, 5), b.grid(X, 4)
    best = model.path_.model(model.index_)
    found = joint_dependence(best, X, (a.columns, b.columns), (a.write(grids[0]), b.write(grids[1])))
    mean, _ = of_sklearn(model, X, [0, 2], grids)
    np.testing.assert_allclose(found, mean, atol=1e-6, rtol=1e-6)


class Encoded:
    """What predicts from a frame: an encoder and a model, as scikit-learn asks for it."""

    _estimator_type = "regressor"

    def __init__(self, encoder: Any, model: Any) -> None:
        self.encoder, self.model = encoder, model

    def predict(self, frame: Any) -> Any:
        return self.model.predict(self.encoder.transform(frame))


def test_of_categories_dates_and_gaps_it_is_that_of_the_table() -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": np.where(generator.random(80) < 0.1, np.nan, generator.normal(40, 9, 80)),
            "trade": generator.choice(["farming", "office", "transport"], 80),
            "joined": pd.Timestamp("2020-01-01") + pd.to_timedelta(generator.integers(0, 900, 80), "D"),
        }
    )
    encoder = Encoder().fit(frame)
    x = encoder.transform(frame)
    y = np.nan_to_num(frame["age"]) / 10 + 2 * (frame["trade"] == "office")
    model = MLPRegressorCV((6,), **QUICK).fit(x, y)
    for variable in variables_of(encoder):
        grid = variable.grid(x, 5)
        found = partial_dependence(model.path_.model(model.index_), x, variable.columns, variable.write(grid))[:, 0]
        values: Any = variable.labels(grid) if variable.kind == "category" else grid.tolist()
        if variable.kind == "date":
            values = [pd.Timestamp("1970-01-01") + pd.Timedelta(days=day + variable.start) for day in grid]
        expected = [Encoded(encoder, model).predict(frame.assign(**{variable.name: value})).mean() for value in values]
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        assert np.ptp(found) > 0


def test_a_grid_goes_between_quantiles_or_takes_all_values() -> None:
    variable = plain_variables(["a", "b"])[0]
    few, many = np.repeat([[1.0, 0], [3.0, 0], [2.0, 0]], 4, axis=0), np.random.default_rng(0).normal(size=(500, 2))
    assert variable.grid(few, 5).tolist() == [1, 2, 3]
    np.testing.assert_allclose(variable.grid(many, 9)[[0, -1]], np.quantile(many[:, 0], [0.05, 0.95]))
    assert len(variable.grid(many, 9)) == 9
    mostly = np.zeros((200, 2))
    mostly[:10, 0] = np.arange(10)
    assert np.isfinite(variable.grid(mostly, 5)).all()


def test_columns_of_one_name_are_not_set_apart_from_each_other() -> None:
    assert [variable.name for variable in plain_variables(["a", "town", "town", "b"])] == ["a", "b"]


def test_interaction_is_nothing_where_effects_add_up_and_all_where_they_cancel() -> None:
    a, b = np.linspace(-1, 1, 6)[:, None], np.linspace(-2, 2, 5)
    assert interaction(np.exp(a) + b**2) == pytest.approx(0, abs=1e-12)
    assert interaction(a * b) == pytest.approx(1)
    assert 0 < interaction(a * b + a + b) < 1
    assert interaction(np.ones((4, 3))) == 0


def test_large_settings_are_computed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    model = numbers()
    run = partial(individual_predictions, model.path_.model(1), X, np.array([0]), np.linspace(-1, 1, 9)[:, None])
    whole = run()
    monkeypatch.setattr("ridgewalk.diagnostics.partial_dependence._MOST_NUMBERS", 700)
    np.testing.assert_allclose(run(), whole, rtol=1e-12)
