"""Laws of every layer: a new member adds one line to MEMBERS."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from ridgewalk.layers import (
    GELU,
    Dense,
    Dropout,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Tanh,
    start_glorot,
    start_he,
    start_normal,
)

MEMBERS = [Dense(3, 3), ReLU(), LeakyReLU(0.1), Tanh(), Sigmoid(), GELU(), Dropout(0.4)]
every_layer = pytest.mark.parametrize("layer", MEMBERS, ids=lambda layer: type(layer).__name__)


def given(layer: Any, runs: Any = ()) -> Any:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(*runs, 7, 3))
    return x, tuple(generator.normal(size=(*runs, *shape)) for shape in layer.shapes)


def draw(units: Any) -> Any:
    return np.random.default_rng(1).uniform(size=(7, units))


@every_layer
def test_the_way_back_is_the_slope_of_the_way_forward(layer: Any) -> None:
    x, parameters = given(layer)
    y, back = layer.forward(x, parameters, draw)
    dy = np.random.default_rng(2).normal(size=y.shape)
    answers = (layer.backward(dy, back, parameters), *layer.gradients(dy, back))
    everything = (x, *parameters)
    for k, answer in enumerate(answers):
        assert answer.shape == everything[k].shape
        u = np.random.default_rng(3).normal(size=answer.shape)

        def moved(h: Any, k: Any = k, u: Any = u) -> Any:
            x, *parameters = [array + h * u if j == k else array for j, array in enumerate(everything)]
            return (layer.forward(x, tuple(parameters), draw)[0] * dy).sum()

        assert (answer * u).sum() == pytest.approx((moved(1e-6) - moved(-1e-6)) / 2e-6, rel=1e-7)


@every_layer
def test_a_stack_is_its_members_one_by_one(layer: Any) -> None:
    x, parameters = given(layer, runs=(4,))
    y, _ = layer.forward(x, parameters, draw)
    for run in range(4):
        alone, _ = layer.forward(x[run], tuple(array[run] for array in parameters), draw)
        np.testing.assert_allclose(y[run], alone, rtol=1e-14)


@every_layer
def test_homogeneous_layers_scale_and_the_others_do_not(layer: Any) -> None:
    x, parameters = given(layer)
    scaled = (parameters[0], 3 * parameters[1]) if parameters else ()
    same = np.allclose(layer.forward(3 * x, scaled, draw)[0], 3 * layer.forward(x, parameters, draw)[0])
    assert same == layer.homogeneous


@every_layer
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_far_out_inputs_give_finite_answers_in_float32(layer: Any, size: Any) -> None:
    x = np.full((7, 3), size, dtype=np.float32)
    parameters = tuple(np.ones(shape, dtype=np.float32) for shape in layer.shapes)
    y, back = layer.forward(x, parameters, draw)
    dx = layer.backward(np.ones_like(y), back, parameters)
    assert y.dtype == dx.dtype == np.float32
    assert np.isfinite(y).all()
    assert np.isfinite(dx).all()


def test_values_by_hand() -> None:
    x = np.array([[-2.0, 0.0, 2.0]])
    assert ReLU().forward(x, (), None)[0].tolist() == [[0, 0, 2]]
    assert LeakyReLU(0.1).forward(x, (), None)[0].tolist() == [[-0.2, 0, 2]]
    np.testing.assert_allclose(GELU().forward(x, (), None)[0], x * norm.cdf(x))
    np.testing.assert_allclose(Sigmoid().forward(x, (), None)[0], 1 / (1 + np.exp(-x)))


def test_slopes_at_exactly_zero() -> None:
    zero, one = np.zeros((1, 1)), np.ones((1, 1))
    for layer, slope in ((ReLU(), 0.0), (LeakyReLU(0.1), 0.1), (GELU(), 0.5), (Sigmoid(), 0.25), (Tanh(), 1.0)):
        _, back = layer.forward(zero, (), None)
        assert layer.backward(one, back, ()) == pytest.approx(slope)


def test_dropout_keeps_the_mean_and_predicts_with_everything() -> None:
    x = np.ones((2000, 50))
    uniform = np.random.default_rng(0).uniform(size=x.shape)
    y, _ = Dropout(0.3).forward(x, (), lambda _: uniform)
    assert set(np.unique(y)) == {0, 1 / 0.7}
    assert y.mean() == pytest.approx(1, abs=0.01)
    assert Dropout(0.3).forward(x, (), None)[0] is x


@pytest.mark.parametrize(
    ("start", "deviation"),
    [(start_normal, 0.01), (start_he, np.sqrt(2 / 400)), (start_glorot, np.sqrt(2 / (400 + 300)))],
)
def test_starts_have_the_spread_of_their_papers(start: Any, deviation: Any) -> None:
    w = start(Dense(400, 300), np.random.default_rng(0))
    assert w.shape == (400, 300)
    assert w.std() == pytest.approx(deviation, rel=0.01)
    assert abs(w.mean()) < 4 * deviation / np.sqrt(w.size)


@pytest.mark.parametrize(
    "make", [lambda: Dense(0, 3), lambda: Dense(3, 0), lambda: Dropout(1.0), lambda: Dropout(-0.1)]
)
def test_mistakes_are_named(make: Any) -> None:
    with pytest.raises(ValueError, match="got"):
        make()
