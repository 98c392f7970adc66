"""Tables that nobody would draw: constant, repeated, huge, tiny, narrow, wide, of every type and layout."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amounts import amount
from ridgewalk import MLPClassifierCV, MLPRegressorCV

QUICK: dict[str, Any] = {
    "hidden_layer_sizes": (3,),
    "alphas": 2,
    "max_iter": 12,
    "cv": 2,
    "random_state": 0,
    "learning_rate_init": 0.03,
}
seeds = st.integers(0, 2**32 - 1)
powers = st.integers(-40, 40)  # of 2: 1e-12 to 1e12, and exact
few = settings(max_examples=amount(8, 25), deadline=None, derandomize=True)


@st.composite
def tables(draw: Any, most_columns: Any = 60) -> Any:
    """Rows of normal numbers in which the first column says something about classes and numbers."""
    rows, columns = draw(st.integers(8, 40)), draw(st.integers(1, most_columns))
    generator = np.random.default_rng(draw(seeds))
    x = generator.normal(size=(rows, columns))
    labels = (x[:, 0] + 0.3 * generator.normal(size=rows) > np.median(x[:, 0])).astype(int)
    labels[:4] = [0, 1, 0, 1]
    return x, labels, x[:, 0] + 0.3 * generator.normal(size=rows)


@pytest.mark.slow
@few
@given(tables(), st.data())
def test_constant_and_repeated_columns(table: Any, data: Any) -> None:
    x, labels, numbers = table
    constant = np.full((len(x), 1), data.draw(st.sampled_from([0.0, 1.0, -1e12, 1e-12, 0.1])))
    wider = np.hstack([x, x[:, :1], constant])
    for model, y in ((MLPClassifierCV(**QUICK), labels), (MLPRegressorCV(**QUICK), numbers)):
        model.fit(wider, y)
        assert np.isfinite(model.predict(wider)).all()
        assert not model.get_support()[-1]
        elsewhere = wider.copy()
        elsewhere[:, -1] += 7
        np.testing.assert_array_equal(model.predict(elsewhere), model.predict(wider))


@pytest.mark.slow
@few
@given(tables(most_columns=12), st.lists(powers, min_size=12, max_size=12), powers)
def test_units_do_not_matter(table: Any, column_powers: Any, target_power: Any) -> None:
    x, labels, numbers = table
    scaled = x * 2.0 ** np.array(column_powers[: x.shape[1]])
    here, there = (MLPClassifierCV(**QUICK).fit(each, labels) for each in (x, scaled))
    np.testing.assert_array_equal(here.predict_proba(x), there.predict_proba(scaled))
    np.testing.assert_array_equal(here.get_support(), there.get_support())
    unit = 2.0**target_power
    here = MLPRegressorCV(**QUICK).fit(x, numbers)
    there = MLPRegressorCV(**QUICK).fit(scaled, numbers * unit)
    np.testing.assert_array_equal(here.predict(x) * unit, there.predict(scaled))
    np.testing.assert_allclose(here.path_.heldout_loss * unit**2, there.path_.heldout_loss, rtol=1e-12)


@pytest.mark.slow
@few
@given(tables(), st.sampled_from(["float16", "float32", "int8", "int64", "uint16", "bool"]), st.booleans())
def test_every_type_means_its_numbers(table: Any, dtype: Any, as_frame: Any) -> None:
    x, labels, _ = table
    typed = (np.abs(4 * x) if dtype == "uint16" else x > 0 if dtype == "bool" else 4 * x).astype(dtype)
    if (np.ptp(typed.astype(float), axis=0) == 0).all():
        return
    given_x = pd.DataFrame(typed, columns=[f"column {k}" for k in range(typed.shape[1])]) if as_frame else typed
    model = MLPClassifierCV(**QUICK).fit(given_x, labels)
    plain = MLPClassifierCV(**QUICK).fit(typed.astype(np.float64), labels)
    np.testing.assert_array_equal(model.predict_proba(given_x), plain.predict_proba(typed.astype(np.float64)))
    assert hasattr(model, "feature_names_in_") == as_frame


@pytest.mark.slow
@few
@given(tables(), st.sampled_from(["columns first", "strided", "frozen"]))
def test_layout_does_not_matter_and_nothing_is_written_to(table: Any, layout: Any) -> None:
    x, labels, numbers = table
    strided = np.zeros((2 * len(x), 2 * x.shape[1]))
    strided[::2, ::2] = x
    frozen, frozen_y = x.copy(), numbers.copy()
    frozen.setflags(write=False)
    frozen_y.setflags(write=False)
    expected = MLPRegressorCV(**QUICK).fit(x, numbers).predict(x)
    given_x = {"columns first": np.asfortranarray(x), "strided": strided[::2, ::2], "frozen": frozen}[layout]
    np.testing.assert_array_equal(MLPRegressorCV(**QUICK).fit(given_x, frozen_y).predict(given_x), expected)
    weights = np.ones(len(x))
    before = x.copy(), labels.copy(), weights.copy()
    MLPClassifierCV(**QUICK).fit(x, labels, weights).predict(x)
    for now, then in zip((x, labels, weights), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.slow
@few
@given(tables(most_columns=3), st.sampled_from([["b", "a"], [-1, 7], [True, False]]))
def test_labels_of_every_kind(table: Any, names: Any) -> None:
    x, labels, _ = table
    y = np.array(names)[labels]
    model = MLPClassifierCV(**QUICK).fit(x, y)
    assert set(model.predict(x)) <= set(names)
    assert model.classes_.tolist() == sorted(names)
    np.testing.assert_allclose(model.predict_proba(x).sum(axis=1), 1, rtol=1e-12)


def test_a_label_that_was_never_seen_is_a_miss() -> None:
    x = np.random.default_rng(0).normal(size=(30, 2))
    model = MLPClassifierCV(**QUICK).fit(x, np.where(x[:, 0] > 0, "yes", "no"))
    assert model.score(x, np.full(30, "perhaps")) == 0


def test_a_class_of_one_row_is_named() -> None:
    x = np.random.default_rng(0).normal(size=(30, 2))
    y = np.array(["a", "b"] * 14 + ["a", "c"])
    with pytest.raises(
        ValueError, match="the rarest class has 1: leave that class out, or, where y holds numbers to predict"
    ):
        MLPClassifierCV(**QUICK).fit(x, y)


@pytest.mark.parametrize("constant", [0.0, 3.5, 1e12])
@pytest.mark.parametrize("alphas", [3, [0.1, 0.01]])
@pytest.mark.parametrize("hidden", [(), (3,)])
def test_a_target_that_never_changes_is_predicted(constant: Any, alphas: Any, hidden: Any) -> None:
    x = np.random.default_rng(0).normal(size=(30, 2))
    model = MLPRegressorCV(**QUICK | {"alphas": alphas, "hidden_layer_sizes": hidden}).fit(x, np.full(30, constant))
    assert model.alpha_ > 0
    np.testing.assert_array_equal(model.predict(x), constant)
    assert not model.support_.any()


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "poisson"])
def test_inputs_that_never_change_leave_the_constant(loss: Any) -> None:
    y = np.random.default_rng(0).uniform(1, 2, size=30)
    model = MLPRegressorCV(**QUICK | {"loss": loss}).fit(np.ones((30, 2)), y)
    assert np.ptp(model.predict(np.ones((30, 2)))) == 0
    if loss == "squared_error":
        np.testing.assert_allclose(model.predict(np.ones((3, 2))), y.mean())
