"""Laws of the whole objective: its gradient, and what row weights and batches mean."""

import itertools
from typing import Any

import numpy as np
import pytest

from ridgewalk.check import check_gradient
from ridgewalk.losses import AbsoluteError, BinaryCrossEntropy, CrossEntropy, Huber, Poisson, SquaredError
from ridgewalk.network import layer_penalties, multilayer_perceptron
from ridgewalk.objective import Objective, mean_weights
from ridgewalk.penalties import L1, L2, MCP, NO_PENALTY, ElasticNet, GroupLasso, GroupMCP, Sum

generator = np.random.default_rng(0)
X = generator.normal(size=(12, 4))
LABELS = generator.integers(0, 3, 12)
LOSSES = {
    "cross-entropy": (CrossEntropy(), np.eye(3)[LABELS]),
    "binary cross-entropy": (BinaryCrossEntropy(), np.eye(3)[LABELS]),
    "squared error": (SquaredError(), generator.normal(size=(12, 3))),
    "absolute error": (AbsoluteError(), generator.normal(size=(12, 3))),
    "Huber": (Huber(), generator.normal(size=(12, 3))),
    "Poisson": (Poisson(), generator.poisson(2, (12, 3)).astype(float)),
}
ACTIVATIONS = ["relu", "leaky_relu", "tanh", "logistic", "gelu", "identity"]
FACTORS = np.array([[0.0], [1.0], [2.0], [0.5]])
FIRST = {
    "L1": L1(0.03, FACTORS),
    "L2": L2(0.03, FACTORS),
    "elastic net": ElasticNet(0.05, 0.5),
    "group over inputs": GroupLasso(0.02, factors=FACTORS),
    "group over units": GroupLasso(0.02, over="units"),
    "sparse group + ridge": Sum((L1(0.01), GroupLasso(0.02, groups=np.array([0, 0, 1, 2])), L2(0.01))),
    "MCP": MCP(0.5, factors=FACTORS),
    "group MCP + ridge": Sum((GroupMCP(0.5, groups=np.array([0, 0, 1, 2])), L2(0.01))),
}


def build(loss: Any, target: Any, activation: Any = "relu", first: Any = None, hidden: Any = (5, 4)) -> Any:
    network = multilayer_perceptron(4, hidden, target.shape[1], activation=activation)
    others = layer_penalties(network, weight_l1=0.01, weight_l2=0.02, bias_l1=0.03, bias_l2=0.04)
    objective = Objective(network, loss, others if first is None else (first, *others[1:]))
    draws = np.random.default_rng(1)
    parameters = tuple(draws.normal(size=shape) for shape in network.shapes)
    parameters[0][1] = 0  # exact zeros, where L1 has its kink
    return objective, parameters


def check_objective(objective: Any, parameters: Any, target: Any, weights: Any) -> Any:
    def value(*arrays: Any) -> Any:
        return float(objective.data_loss(arrays, X, target, weights) + objective.penalty(arrays))

    def gradient(*arrays: Any) -> Any:
        return objective.gradient(arrays, X, target, weights)

    return check_gradient(value, gradient, parameters, names=objective.network.names, directions=3, coordinates=3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("loss", "activation", "first"), list(itertools.product(LOSSES, ACTIVATIONS, FIRST)), ids="-".join
)
def test_gradients_match_central_differences(loss: Any, activation: Any, first: Any) -> None:
    objective, parameters = build(*LOSSES[loss], activation, FIRST[first])
    weights = np.random.default_rng(2).uniform(0.5, 2, 12) * (np.arange(12) % 4 > 0)  # a row without weight is none
    check = check_objective(objective, parameters, LOSSES[loss][1], weights)
    assert check.ok, check
    assert min(row.compared for row in check.arrays) >= 3


class Unwired(L2):
    """A penalty that adds to the loss and has no gradient (LassoNet's gamma)."""

    def gradient(self, w: Any) -> Any:
        return np.zeros_like(w)


class SignOfZeroIsOne(L1):
    """The tutorial's L1."""

    def gradient(self, w: Any) -> Any:
        return np.where(w < 0, -self.strength, self.strength)


class Halved(L2):
    """The one-half forgotten on one side."""

    def gradient(self, w: Any) -> Any:
        return self.strength * w


@pytest.mark.parametrize("planted", [Unwired(0.1), SignOfZeroIsOne(0.1), Halved(0.1)], ids=lambda p: type(p).__name__)
def test_a_planted_defect_is_caught_and_its_array_named(planted: Any) -> None:
    objective, parameters = build(*LOSSES["squared error"], first=planted)
    check = check_objective(objective, parameters, LOSSES["squared error"][1], np.ones(12))
    assert [row.name for row in check.arrays if not row.ok] == ["weight 1"], check


def test_a_bias_penalty_that_uses_the_weights_is_caught() -> None:
    class UsesTheWeights(L2):
        def gradient(self, w: Any) -> Any:
            return 2 * self.strength * parameters[0][:1]  # the tutorial's line, in a shape that hides it

    objective, parameters = build(*LOSSES["squared error"])
    faulty = Objective(
        objective.network, objective.loss, (objective.penalties[0], UsesTheWeights(0.1), *objective.penalties[2:])
    )
    check = check_objective(faulty, parameters, LOSSES["squared error"][1], np.ones(12))
    assert [row.name for row in check.arrays if not row.ok] == ["bias 1"], check


def test_the_penaltys_share_of_the_gradient_knows_nothing_of_the_batch() -> None:
    x = np.random.default_rng(3).normal(size=(2000, 4))
    target = x[:, :3]
    objective, parameters = build(SquaredError(), target)
    unpenalized = Objective(objective.network, objective.loss, layer_penalties(objective.network))
    shares = []
    for batch in (10, 2000):
        rows = (parameters, x[:batch], target[:batch], np.ones(batch))
        shares.append([a - b for a, b in zip(objective.gradient(*rows), unpenalized.gradient(*rows), strict=True)])
    for small, large in zip(*shares, strict=True):
        np.testing.assert_allclose(small, large, rtol=1e-9, atol=1e-12)
        assert (np.abs(large) > 1e-4).any()


@pytest.mark.parametrize("loss", LOSSES)
def test_weights_of_one_are_no_weights_to_the_bit(loss: Any) -> None:
    objective, parameters = build(*LOSSES[loss])
    target = LOSSES[loss][1]
    weighted = objective.data_gradient(parameters, X, target, mean_weights(np.full(12, 3.7)))
    plain = objective.data_gradient(parameters, X, target, np.ones(12))
    for a, b in zip(weighted, plain, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("loss", LOSSES)
def test_doubling_a_weight_is_repeating_the_row(loss: Any) -> None:
    objective, parameters = build(*LOSSES[loss])
    target = LOSSES[loss][1]
    twice = np.r_[np.arange(12), 3, 7]
    counts = np.bincount(twice).astype(float)
    assert objective.data_loss(parameters, X, target, counts) == pytest.approx(
        objective.data_loss(parameters, X[twice], target[twice], np.ones(14)), rel=1e-13
    )
    weighted = objective.gradient(parameters, X, target, counts)
    repeated = objective.gradient(parameters, X[twice], target[twice], np.ones(14))
    for a, b in zip(weighted, repeated, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_data_loss_and_penalty_stand_apart() -> None:
    objective, parameters = build(*LOSSES["squared error"])
    free = Objective(objective.network, objective.loss, layer_penalties(objective.network))
    rows = (X, LOSSES["squared error"][1], np.ones(12))
    assert objective.data_loss(parameters, *rows) == free.data_loss(parameters, *rows)
    assert objective.penalty(parameters) > 0
    assert free.penalty(parameters) == 0


def test_the_residual_is_zero_only_at_rest() -> None:
    # 1/2 (w - 3)^2 + |w| rests at w = 2, and 1/2 (w - 0.5)^2 + |w| at exactly 0.
    network = multilayer_perceptron(1, [], 1)
    objective = Objective(network, SquaredError(), (L1(1.0), NO_PENALTY))
    bias = np.zeros((1, 1))
    for goal, rest in ((3.0, 2.0), (0.5, 0.0)):
        for w, at_rest in ((rest, True), (rest + 0.3, False)):
            gradients = (np.array([[w - goal]]), np.zeros((1, 1)))
            assert (objective.residual((np.array([[w]]), bias), gradients) < 1e-12) == at_rest


@pytest.mark.parametrize("penalty", [MCP(1.0, 0.5), GroupMCP(1.0, 0.5)])
def test_the_residual_sees_rest_inside_a_concave_penalty(penalty: Any) -> None:
    # 5 (w - goal)^2 + MCP of gamma 1/2 is convex; up to the bend at 1/2 it rests at 10 (w - goal) + 1 - 2 w = 0. From
    # there a prox of step 1 would jump.
    network = multilayer_perceptron(1, [], 1)
    objective = Objective(network, SquaredError(), (penalty, NO_PENALTY))
    bias = np.zeros((1, 1))
    for goal, rest in ((0.42, 0.4), (2.0, 2.0), (0.09, 0.0)):
        for w, at_rest in ((rest, True), (rest + 0.01, False)):
            gradients = (np.array([[10 * (w - goal)]]), np.zeros((1, 1)))
            assert (objective.residual((np.array([[w]]), bias), gradients) < 1e-12) == at_rest, (goal, w)


def test_the_number_of_penalties_is_checked() -> None:
    network = multilayer_perceptron(4, [3], 1)
    with pytest.raises(ValueError, match="weight 1, bias 1"):
        Objective(network, SquaredError(), (L1(0.1),))
