"""Laws of every optimizer: a new member adds one line to MEMBERS."""

from typing import Any

import numpy as np
import pytest

from ridgewalk.engine.reference import proximal_step
from ridgewalk.optimizers import SGD, AdaGrad, Adam, AdamW, Cosine, InverseScaling, InverseTime, RMSProp, Steps, rate_at
from ridgewalk.penalties import L1, L2, MCP, NO_PENALTY, ElasticNet, GroupLasso, GroupMCP, Sum

MEMBERS = {
    "sgd": SGD(0.05),
    "sgd, momentum": SGD(0.02, momentum=0.9),
    "sgd, Nesterov": SGD(0.02, momentum=0.9, nesterov=True),
    "adagrad": AdaGrad(0.5),
    "rmsprop": RMSProp(0.02, schedule=Cosine()),
    "adam": Adam(0.02, schedule=Cosine()),
}
every_optimizer = pytest.mark.parametrize("optimizer", MEMBERS.values(), ids=MEMBERS.keys())
PENALTIES = {
    "L1": L1(0.4),
    "L2": L2(0.4),
    "elastic net": ElasticNet(0.6, 0.5),
    "group over inputs": GroupLasso(0.5),
    "group over units": GroupLasso(0.5, over="units"),
    "sparse group + ridge": Sum((L1(0.2), GroupLasso(0.2), L2(0.1))),
    "MCP": MCP(0.4),
    "MCP + ridge": Sum((MCP(0.4), L2(0.1))),
    "group MCP over inputs": GroupMCP(0.5),
    "group MCP over units + ridge": Sum((GroupMCP(0.5, over="units"), L2(0.1))),
}

# A quadratic loss with coupled coordinates: 1/2 sum (w - goal)' curvature (w - goal), column by column.
GOAL = np.array([[2.0, -0.1, 0.3], [0.05, 0.1, -0.15], [-1.5, 0.7, 0.02], [0.3, -3.0, 0.3]])
_root = np.random.default_rng(0).normal(size=(4, 4))
CURVATURE = np.eye(4) + 0.2 * _root @ _root.T


def slope(w: Any) -> Any:
    return CURVATURE @ (w - GOAL)


def descend(optimizer: Any, penalty: Any, steps: Any = 4000, w: Any = None, step: Any = proximal_step) -> Any:
    w = np.random.default_rng(1).normal(size=GOAL.shape) if w is None else w
    state = optimizer.start(w, penalty.pool)
    for k in range(steps):
        dw = slope(optimizer.point(w, state))
        w, state = step(optimizer, penalty, w, dw, state, rate_at(optimizer, k, steps), k)
    return w


def distance_from_stationary(w: Any, penalty: Any) -> Any:
    return np.abs(w - penalty.prox(w - slope(w), 1.0)).max()


@pytest.mark.slow
@every_optimizer
@pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES.keys())
def test_every_optimizer_rests_where_the_objective_is_stationary(optimizer: Any, penalty: Any) -> None:
    w = descend(optimizer, penalty)
    assert distance_from_stationary(w, penalty) < 2e-4
    if not isinstance(penalty, L2):
        assert (w == 0).any()  # exact zeros, under every optimizer
        assert (w != 0).any()


@every_optimizer
def test_zeros_can_come_back(optimizer: Any) -> None:
    w = descend(optimizer, L1(0.4), w=np.zeros_like(GOAL))
    assert (w != 0).any()
    assert distance_from_stationary(w, L1(0.4)) < 2e-4


def test_a_threshold_that_forgets_momentum_would_be_caught() -> None:
    # LassoNet 0.0.21 rests at (1 - momentum) times its strength; this is how the law above sees it.
    def heavy_ball_then_threshold(optimizer: Any, penalty: Any, w: Any, dw: Any, state: Any, rate: Any, _: Any) -> Any:
        velocity = optimizer.momentum * state[0] - rate * dw
        return penalty.prox(w + velocity, rate), (velocity,)

    wrong = descend(SGD(0.02, momentum=0.9), L1(0.4), step=heavy_ball_then_threshold)
    assert distance_from_stationary(wrong, L1(0.4)) > 0.3
    np.testing.assert_allclose(slope(wrong)[wrong != 0], -0.04 * np.sign(wrong[wrong != 0]), atol=1e-6)


def test_a_threshold_that_forgets_adams_metric_would_be_caught() -> None:
    def plain_threshold(optimizer: Any, penalty: Any, w: Any, dw: Any, state: Any, rate: Any, k: Any) -> Any:
        z, _, state = optimizer.move(w, dw, state, rate, k, penalty.pool)
        return penalty.prox(z, rate), state

    assert (
        distance_from_stationary(descend(Adam(0.02, schedule=Cosine()), L1(0.4), step=plain_threshold), L1(0.4)) > 0.1
    )


def test_a_subgradient_never_gives_a_zero() -> None:
    def subgradient(optimizer: Any, penalty: Any, w: Any, dw: Any, state: Any, rate: Any, k: Any) -> Any:
        w, _, state = optimizer.move(w, dw + penalty.gradient(w), state, rate, k, penalty.pool)
        return w, state

    assert not (descend(SGD(0.01), L1(0.4), step=subgradient) == 0).any()


@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9), AdaGrad(), RMSProp(), Adam()])
def test_ridge_acts_in_proportion_to_the_weight_not_to_its_sign(optimizer: Any) -> None:
    # Through the gradient, Adam would move 2 and 0.02 by the same 0.1 and send the second through zero.
    w = np.array([[2.0, 0.02]])
    state = optimizer.start(w, L2(0.01).pool)
    after, _ = proximal_step(optimizer, L2(0.01), w, np.full((1, 2), 1e-12), state, 1e-6, 0)
    assert (np.sign(after) == np.sign(w)).all()
    assert after[0, 0] / after[0, 1] == pytest.approx(100, rel=1e-3)


def test_without_a_penalty_momentum_is_the_heavy_ball() -> None:
    optimizer, w = SGD(0.03, momentum=0.8, schedule=InverseTime(0.01)), GOAL + 1
    expected, velocity = w.copy(), np.zeros_like(w)
    for k in range(50):
        velocity = 0.8 * velocity - 0.03 / (1 + 0.01 * k) * slope(expected)
        expected = expected + velocity
    np.testing.assert_allclose(descend(optimizer, NO_PENALTY, 50, w), expected, rtol=1e-10)


def test_nesterov_by_hand() -> None:
    optimizer, w, velocity = SGD(0.05, momentum=0.8, nesterov=True), GOAL + 1, np.zeros_like(GOAL)
    expected = w.copy()
    for _ in range(20):
        velocity = 0.8 * velocity - 0.05 * slope(expected + 0.8 * velocity)
        expected = expected + velocity
    np.testing.assert_allclose(descend(optimizer, NO_PENALTY, 20, w), expected, rtol=1e-12)


def second_step(optimizer: Any, rate: Any = 0.1) -> Any:
    """Where two gradients, 0.5 and 1, take a weight from 1."""
    w = np.array([[1.0]])
    state = optimizer.start(w, NO_PENALTY.pool)
    w, state = proximal_step(optimizer, NO_PENALTY, w, np.array([[0.5]]), state, rate, 0)
    w, state = proximal_step(optimizer, NO_PENALTY, w, np.array([[1.0]]), state, rate, 1)
    return w.item()


def test_adagrad_and_rmsprop_by_hand() -> None:
    assert second_step(AdaGrad()) == pytest.approx(1 - 0.1 - 0.1 / np.sqrt(0.25 + 1))
    first, second = 0.1 * 0.25, 0.9 * 0.1 * 0.25 + 0.1
    assert second_step(RMSProp(rho=0.9)) == pytest.approx(1 - 0.05 / np.sqrt(first) - 0.1 / np.sqrt(second))


def test_adam_by_hand() -> None:
    w, dw = np.array([[1.0]]), np.array([[0.5]])
    optimizer = Adam(0.1)
    state = optimizer.start(w, NO_PENALTY.pool)
    w1, state = proximal_step(optimizer, NO_PENALTY, w, dw, state, 0.1, 0)
    assert w1[0, 0] == pytest.approx(1 - 0.1 * 0.5 / (0.5 + 1e-8))
    w2, _ = proximal_step(optimizer, NO_PENALTY, w1, 2 * dw, state, 0.1, 1)
    m = (0.9 * 0.05 + 0.1 * 1.0) / (1 - 0.9**2)
    v = (0.999 * 0.00025 + 0.001 * 1.0) / (1 - 0.999**2)
    assert w2[0, 0] == pytest.approx(w1[0, 0] - 0.1 * m / (np.sqrt(v) + 1e-8))


def test_decoupled_decay_is_not_an_l2_penalty() -> None:
    # With no gradient at all AdamW shrinks every weight by the same share, its biases not at all.
    w, still = np.array([[2.0, 0.02]]), np.zeros((1, 2))
    optimizer = AdamW(0.1, weight_decay=0.5)
    state = optimizer.start(w, NO_PENALTY.pool)
    np.testing.assert_allclose(proximal_step(optimizer, NO_PENALTY, w, still, state, 0.1, 0)[0], 0.95 * w)
    np.testing.assert_array_equal(proximal_step(optimizer.for_biases(), NO_PENALTY, w, still, state, 0.1, 0)[0], w)
    # Its rest depends on the gradients' history: no strength of L2 makes it stationary in every weight.
    rest = descend(AdamW(0.02, weight_decay=0.5, schedule=Cosine()), NO_PENALTY)
    strengths = -slope(rest) / (2 * rest)
    assert strengths.max() > 2 * strengths.min()


def test_second_moments_are_averaged_over_a_group() -> None:
    optimizer, penalty = Adam(), GroupLasso(0.1)
    state = optimizer.start(np.ones((4, 3)), penalty.pool)
    dw = np.arange(12.0).reshape(4, 3)
    _, step, _ = optimizer.move(np.ones((4, 3)), dw, state, 0.1, 0, penalty.pool)
    np.testing.assert_allclose(np.asarray(step)[:, 0], 0.1 / (np.sqrt((dw**2).mean(axis=1)) + 1e-8))


def test_schedules_by_hand() -> None:
    assert [InverseTime(0.5).multiplier(k, 9) for k in (0, 2, 4)] == [1, 0.5, pytest.approx(1 / 3)]
    assert Cosine().multiplier(0, 10) == 1
    assert Cosine().multiplier(5, 10) == pytest.approx(0.5)
    assert 0 < Cosine().multiplier(10, 10) == Cosine().multiplier(9, 10)
    assert [InverseScaling(2, 40, 0.5).multiplier(k, 9) for k in (0, 1, 2, 4)] == [1, 1, 41**-0.5, 1 / 9]
    assert InverseScaling(2, 40, 0.5, seen=8).multiplier(1, 9) == pytest.approx(1 / 3)
    assert [Steps(3, 0.1).multiplier(k, 9) for k in (0, 2, 3, 6)] == [1, 1, 0.1, pytest.approx(0.01)]


@pytest.mark.parametrize(
    "make", [lambda: SGD(0.0), lambda: Adam(-1.0), lambda: SGD(0.1, momentum=1.0), lambda: RMSProp(np.inf)]
)
def test_mistakes_are_named(make: Any) -> None:
    with pytest.raises(ValueError, match="got"):
        make()
