"""Laws of every penalty: a new member adds one line to MEMBERS."""

import itertools
from typing import Any

import numpy as np
import pytest

from ridgewalk.arrays import per_run
from ridgewalk.penalties import L1, L2, MCP, NO_PENALTY, ElasticNet, GroupLasso, GroupMCP, Sum, parts, residual_step

FACTORS = np.array([[0.0], [1.0], [2.0], [0.5]])
GROUPS = np.array([0, 1, 1, 2])
MEMBERS = {
    "L1": L1(0.3),
    "L1 with factors": L1(0.3, FACTORS),
    "L2": L2(0.3),
    "L2 with factors": L2(0.3, FACTORS),
    "elastic net": ElasticNet(0.4, 0.3),
    "elastic net with factors": ElasticNet(0.4, 0.3, FACTORS),
    "group over inputs": GroupLasso(0.2),
    "group over inputs with factors": GroupLasso(0.2, factors=FACTORS),
    "group over joined inputs": GroupLasso(0.2, groups=GROUPS),
    "group over units": GroupLasso(0.2, over="units"),
    "sparse group + ridge": Sum((L2(0.1), GroupLasso(0.2), L1(0.1))),
    "nothing": NO_PENALTY,
    "MCP": MCP(0.4, 1.5),
    "MCP with factors + ridge": Sum((L2(0.1, FACTORS), MCP(0.4, 1.5, FACTORS))),
    "group MCP over inputs with factors": GroupMCP(0.3, 2.5, factors=FACTORS),
    "group MCP over joined inputs + ridge": Sum((GroupMCP(0.3, 1.5, groups=GROUPS), L2(0.1))),
    "group MCP over units": GroupMCP(0.3, 2.5, over="units"),
}
every_penalty = pytest.mark.parametrize("penalty", MEMBERS.values(), ids=MEMBERS.keys())


def weights(seed: int = 0, shape: Any = (4, 3)) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


@every_penalty
def test_gradient_is_the_slope_of_the_value(penalty: Any) -> None:
    w, u = weights(), weights(1)
    measured = (penalty.value(w + 1e-6 * u) - penalty.value(w - 1e-6 * u)) / 2e-6
    assert (penalty.gradient(w) * u).sum() == pytest.approx(measured, rel=1e-7, abs=1e-9)


@every_penalty
def test_gradient_is_zero_at_zero(penalty: Any) -> None:
    # The tutorial had +1 there, so that no weight could rest at zero.
    assert (penalty.gradient(np.zeros((4, 3))) == 0).all()


@every_penalty
@pytest.mark.parametrize("step", [0.1, 1.0, 10.0])
def test_prox_is_the_minimizer_it_says_it_is(penalty: Any, step: Any) -> None:
    z = weights()

    def cost(w: Any) -> Any:
        return penalty.value(w) + 0.5 * ((w - z) ** 2).sum() / step

    best = penalty.prox(z, step)
    generator = np.random.default_rng(2)
    for scale in (1e-3, 1e-1, 1.0):
        for _ in range(50):
            other = best + scale * generator.normal(size=z.shape)
            assert cost(best) <= cost(other)
    assert cost(best) <= cost(np.zeros_like(z)) + 1e-12


@every_penalty
@pytest.mark.parametrize("step", [0.1, 1.0, 1.5, 2.5, 10.0, 1e3])
def test_no_weight_row_or_column_does_better_elsewhere(penalty: Any, step: Any) -> None:
    # What the prox minimizes is a sum over weights, rows, joined rows or columns: each goes over a fine grid alone.
    z = 1.5 * weights(3)
    best = penalty.prox(z, step)
    chosen = np.stack([*np.eye(12, dtype=bool).reshape(12, 4, 3), *_lines()])
    others = np.concatenate([np.where(chosen, share * z, best) for share in np.linspace(-0.5, 1.5, 401)])
    cost = penalty.value(others) + 0.5 * ((others - z) ** 2).sum(axis=(-2, -1)) / step
    assert (penalty.value(best) + 0.5 * ((best - z) ** 2).sum() / step) <= cost.min() + 1e-12


def _lines() -> Any:
    """Every row, every column, and every joined pair of rows."""
    rows, columns = np.eye(4, dtype=bool)[:, :, None], np.eye(3, dtype=bool)[:, None, :]
    joined = (np.arange(3)[:, None] == GROUPS)[:, :, None]
    return [np.broadcast_to(each, (4, 3)) for each in (*rows, *columns, *joined)]


@every_penalty
def test_prox_undoes_the_move_where_the_objective_is_stationary(penalty: Any) -> None:
    w = weights()
    w[1] = 0 if "group" not in str(type(penalty)).lower() else w[1]
    slope = penalty.gradient(w)
    for step in (0.3, residual_step(penalty)):
        np.testing.assert_allclose(penalty.prox(w + step * slope, step), w, atol=1e-12)


@every_penalty
def test_with_its_concavity_made_good_it_is_convex(penalty: Any) -> None:
    def made_good(w: Any) -> Any:
        return penalty.value(w) + penalty.concavity / 2 * (w * w).sum(axis=(-2, -1))

    a, b = weights(4, (500, 4, 3)), weights(5, (500, 4, 3))
    for size in (0.3, 1.0, 3.0):
        middle, ends = made_good(size * (a + b) / 2), made_good(size * a) + made_good(size * b)
        assert (middle <= ends / 2 + 1e-12).all()


@every_penalty
def test_prox_is_no_steeper_than_its_concavity_lets_it_be(penalty: Any) -> None:
    # 1 / (1 - step * concavity) times the distance of two points at most; of a convex penalty: no expansion.
    a, b = weights(4, (500, 4, 3)), weights(5, (500, 4, 3))
    for step, size in itertools.product((0.2, 0.5, residual_step(penalty)), (0.1, 0.3, 1.0)):
        moved = penalty.prox(size * a, step) - penalty.prox(size * b, step)
        before, after = (np.linalg.norm(each, axis=(-2, -1)) for each in (size * (a - b), moved))
        assert (after <= before / (1 - step * penalty.concavity) + 1e-12).all()


@every_penalty
def test_it_is_bounded_or_grows_with_the_weights(penalty: Any) -> None:
    large, larger = (float(penalty.value(size * np.abs(weights()))) for size in (1e6, 1e7))
    assert penalty.bounded == (large == larger)
    assert np.isfinite(larger)


@every_penalty
def test_a_part_that_is_no_ridge_makes_exact_zeros_which_stay(penalty: Any) -> None:
    zeros = penalty.prox(1e-9 * weights(), 0.5) == 0
    kinked = [part for part in parts(penalty) if not isinstance(part, L2)]
    free = bool(kinked) and getattr(kinked[0], "factors", None) is not None
    assert zeros.any() == bool(kinked)
    assert zeros[1 if free else 0 :].all() == bool(kinked)
    assert (penalty.prox(np.zeros((4, 3)), 0.5) == 0).all()


@every_penalty
def test_a_stack_is_its_members_one_by_one(penalty: Any) -> None:
    stack = weights(shape=(5, 4, 3))
    for one, alone in zip(penalty.prox(stack, 0.5), stack, strict=True):
        np.testing.assert_array_equal(one, penalty.prox(alone, 0.5))
    np.testing.assert_allclose(penalty.value(stack), [penalty.value(w) for w in stack], rtol=1e-14)


@every_penalty
def test_float32_stays_float32(penalty: Any) -> None:
    w = weights().astype(np.float32)
    narrow = penalty.convert(lambda values: values.astype(np.float32))
    assert narrow.prox(w, np.float32(0.1)).dtype == np.float32
    assert narrow.gradient(w).dtype == np.float32


@pytest.mark.parametrize("kind", [L1, L2, lambda s: ElasticNet(s, 0.5), GroupLasso, MCP, GroupMCP])
def test_one_strength_per_run_is_the_path(kind: Any) -> None:
    strengths = [0.0, 0.1, 1.0]
    stack = np.stack([weights()] * 3)
    together = kind(per_run(strengths)).prox(stack, 0.5)
    for strength, one in zip(strengths, together, strict=True):
        np.testing.assert_array_equal(one, kind(strength).prox(weights(), 0.5))
    np.testing.assert_array_equal(together[0], weights())


def test_values_by_hand() -> None:
    w = np.array([[1.0, -2.0], [0.0, 2.0]])
    assert L1(0.5).value(w) == 2.5
    assert L2(0.5).value(w) == 4.5
    assert ElasticNet(2.0, 0.25).value(w) == 2 * (0.25 * 5 + 0.375 * 9)
    assert GroupLasso(1.0).value(w) == pytest.approx(np.sqrt(2) * (np.sqrt(5) + 2))
    assert GroupLasso(1.0, over="units").value(w) == pytest.approx(np.sqrt(2) * (1 + np.sqrt(8)))
    assert GroupLasso(1.0, groups=np.array([0, 0])).value(w) == pytest.approx(2 * 3)
    assert MCP(0.5, 3.0).value(w) == pytest.approx((0.5 - 1 / 6) + 2 * 3 * 0.25 / 2)  # 1 is below the bend of 1.5
    assert GroupMCP(1.0, 2.0).value(w) == pytest.approx((np.sqrt(10) - 5 / 4) + (np.sqrt(2) * 2 - 4 / 4))
    assert GroupMCP(0.5, 2.0, groups=np.array([0, 0])).value(w) == pytest.approx(2 * 1.0 / 2)


def test_mcp_by_hand() -> None:
    # Firm below a step of gamma, hard from there on; a tie, at twice the root of 3 here, goes to 0.
    penalty = MCP(1.0, 3.0)
    z = np.array([[0.5, -0.5, 1.0, -2.0, 3.0, -3.5, 4.0]])
    np.testing.assert_allclose(penalty.prox(z, 1.0), [[0, 0, 0, -1.5, 3.0, -3.5, 4.0]])
    np.testing.assert_array_equal(penalty.prox(z, 3.0), [[0, 0, 0, 0, 0, -3.5, 4.0]])
    np.testing.assert_array_equal(penalty.prox(z, 4.0), [[0, 0, 0, 0, 0, -3.5, 4.0]])
    np.testing.assert_array_equal(penalty.prox(np.array([[3.0, 6.0, -6.0, 6.1]]), 12.0), [[0, 0, 0, 6.1]])
    np.testing.assert_allclose(MCP(1.0, 1e9).prox(z, 1.0), L1(1.0).prox(z, 1.0), rtol=1e-8)
    np.testing.assert_allclose(GroupMCP(1.0, 1e9).prox(z, 0.5), GroupLasso(1.0).prox(z, 0.5), rtol=1e-8)


@pytest.mark.parametrize("kind", [MCP, GroupMCP])
def test_mcp_scales_with_the_square(kind: Any) -> None:
    w = weights()
    assert kind(0.6).value(3 * w) == pytest.approx(9 * kind(0.2).value(w))
    np.testing.assert_allclose(kind(0.6).prox(3 * w, 0.5), 3 * kind(0.2).prox(w, 0.5), rtol=1e-12)


@pytest.mark.parametrize("step", [0.5, 2.9999, 3.0, 50.0])
def test_a_step_for_each_weight_is_each_weight_alone(step: Any) -> None:
    steps = np.full((4, 3), 0.2)
    steps[2, 1] = step
    penalty = Sum((MCP(0.5), L2(0.05)))
    expected = penalty.prox(weights(), 0.2)
    expected[2, 1] = penalty.prox(weights(), step)[2, 1]
    np.testing.assert_allclose(penalty.prox(weights(), steps), expected, rtol=1e-15)


@pytest.mark.parametrize(
    "penalty", [L1(1.0), ElasticNet(1.0, 0.4), GroupLasso(1.0), GroupLasso(1.0, "units"), MCP(1.0), GroupMCP(1.0)]
)
def test_critical_strength_is_where_zero_stops_being_stationary(penalty: Any) -> None:
    dw = weights()
    critical = float(penalty.critical_strength(dw))
    at, below = (penalty.convert(lambda _, s=s: np.asarray(s)) for s in (critical * (1 + 1e-12), critical * 0.999))
    assert (at.prox(-dw, 1.0) == 0).all()
    assert (below.prox(-dw, 1.0) != 0).any()


WITH_FACTORS = [
    lambda s, f: GroupLasso(s, factors=f),
    lambda s, f: MCP(s, factors=f),
    lambda s, f: GroupMCP(s, factors=f),
]


@pytest.mark.parametrize("kind", [L1, lambda *a: ElasticNet(a[0], 0.4, a[1]), *WITH_FACTORS])
def test_critical_strength_minds_the_factors(kind: Any) -> None:
    dw = np.abs(weights()) + 0.1
    factors = np.array([[0.0], [4.0], [np.inf], [8.0]])
    critical = float(kind(1.0, factors).critical_strength(dw))
    assert (kind(critical * 1.000001, factors).prox(-dw, 1.0)[1:] == 0).all()
    assert (kind(critical * 0.999, factors).prox(-dw, 1.0)[[1, 3]] != 0).any()


def test_no_ridge_is_strong_enough_for_exact_zeros() -> None:
    assert np.isinf(L2(1.0).critical_strength(weights()))


@pytest.mark.parametrize("strength", [0.0, 0.1])
@pytest.mark.parametrize(
    "kind", [L1, L2, lambda s, f: ElasticNet(s, 0.5, f), lambda s, f: Sum((MCP(s, 3.0, f), L2(s, f))), *WITH_FACTORS]
)
def test_an_infinite_factor_excludes_and_a_zero_factor_frees(kind: Any, strength: Any) -> None:
    factors = np.array([[np.inf], [0.0], [1.0], [1.0]])
    penalty = kind(strength, factors)
    w = penalty.prox(weights(), 0.5)
    assert (w[0] == 0).all()
    np.testing.assert_array_equal(w[1], weights()[1])
    assert np.isfinite(penalty.value(w))
    assert np.isfinite(penalty.gradient(w)).all()
    assert penalty.acts == (strength > 0)
    assert not kind(strength, np.array([[np.inf], [0.0], [np.inf], [0.0]])).acts


def test_groups_leave_as_one() -> None:
    w = np.full((4, 3), 0.01)
    w[0] = w[2] = 5.0
    kept: Any = GroupLasso(0.5, groups=GROUPS).prox(w, 0.5).any(axis=1)
    assert list(kept) == [True, True, True, False]  # input 1 is held by input 2, its group


def test_pool_averages_over_a_group_and_nothing_else() -> None:
    squares = np.arange(12.0).reshape(4, 3)
    np.testing.assert_allclose(GroupLasso(1.0).pool(squares), squares.mean(axis=1, keepdims=True))
    np.testing.assert_allclose(GroupLasso(1.0, "units").pool(squares), squares.mean(axis=0, keepdims=True))
    joined = GroupLasso(1.0, groups=GROUPS).pool(squares)
    np.testing.assert_allclose(joined[:, 0], [1, 5.5, 5.5, 10])
    for penalty in (L1(1.0), L2(1.0), ElasticNet(1.0), NO_PENALTY):
        assert penalty.pool(squares) is squares
    np.testing.assert_allclose(Sum((L1(1.0), GroupLasso(1.0))).pool(squares), GroupLasso(1.0).pool(squares))


def test_inputs_of_a_group_share_factor_and_step() -> None:
    with pytest.raises(ValueError, match="share one factor"):
        GroupLasso(1.0, factors=FACTORS, groups=GROUPS)
    same = GroupLasso(1.0, factors=np.array([[1.0], [2.0], [2.0], [3.0]]), groups=GROUPS)
    with pytest.raises(ValueError, match="one step for all inputs of a group"):
        same.prox(weights(), np.array([[1.0], [1.0], [2.0], [1.0]]))
    assert same.prox(weights(), np.array([[1.0], [2.0], [2.0], [1.0]])).shape == (4, 3)


def test_a_sum_takes_an_elastic_net_apart() -> None:
    w = weights()
    both = Sum((ElasticNet(0.4, 0.3), GroupLasso(0.1)))
    spelled_out = Sum((L1(0.12), L2(0.14), GroupLasso(0.1)))
    np.testing.assert_allclose(both.prox(w, 0.5), spelled_out.prox(w, 0.5))
    assert both.value(w) == pytest.approx(spelled_out.value(w))


def test_group_prox_refuses_steps_that_differ_within_a_group() -> None:
    with pytest.raises(ValueError, match="one step for all weights of a group"):
        GroupLasso(0.1).prox(weights(), np.ones((4, 3)))


def test_prox_keeps_what_is_not_a_number() -> None:
    z = np.array([[np.nan, 1.0]])
    excluded = np.array([[np.inf]])
    mcps = MCP(10.0), GroupMCP(10.0), MCP(10.0, 0.5), GroupMCP(10.0, 0.5), MCP(10.0, factors=excluded)
    for penalty in (L1(10.0), L2(10.0), GroupLasso(10.0), *mcps, Sum((MCP(10.0), L2(10.0)))):
        assert np.isnan(penalty.prox(z, 1.0)[0, 0])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: L1(-1.0), "zero or more"),
        (lambda: L2(float("nan")), "zero or more"),
        (lambda: ElasticNet(1.0, 1.5), "between 0"),
        (lambda: GroupLasso(1.0, over="rows"), '"inputs" or "units"'),
        (lambda: GroupLasso(1.0, over="units", groups=GROUPS), "over='inputs'"),
        (lambda: Sum((GroupLasso(1.0), GroupLasso(1.0, "units"))), "one GroupLasso"),
        (lambda: MCP(1.0, 0.0), "gamma of MCP is a finite number above 0.*got 0.0"),
        (lambda: GroupMCP(1.0, np.inf), "gamma of MCP is a finite number above 0.*got inf"),
        pytest.param(lambda: GroupMCP(1.0, over="rows"), '"inputs" or "units"', id="a group MCP over rows"),
        (lambda: Sum((MCP(1.0), L1(1.0))), "L2 alone beside it.*got L1 and MCP"),
        (lambda: Sum((MCP(1.0), ElasticNet(1.0))), "L2 alone beside it.*got L1 and MCP"),
        (lambda: Sum((GroupLasso(1.0), GroupMCP(1.0))), "L2 alone beside it.*got GroupLasso and GroupMCP"),
        (lambda: Sum((MCP(1.0), MCP(1.0))), "L2 alone beside it.*got MCP and MCP"),
        (lambda: Sum((GroupMCP(1.0, over="units"), L2(1.0, FACTORS))), "over units an L2 is the same for all weights"),
        (lambda: Sum((GroupMCP(1.0, groups=GROUPS), L2(1.0, FACTORS))), "over inputs an L2 is the same"),
    ],
)
def test_mistakes_are_named(make: Any, words: Any) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_a_strength_that_is_no_number_is_refused() -> None:
    for strength in (np.nan, np.inf, -1.0, np.array([[[0.1]], [[np.inf]]])):
        for make in (L1, L2, ElasticNet, GroupLasso, MCP, GroupMCP):
            with pytest.raises(ValueError, match="finite number of zero or more"):
                make(strength)


def test_parts_of_one_kind_act_as_their_sum() -> None:
    # Two ridges in a row would shrink twice, which is not the prox of their sum.
    z, factors = weights(), np.array([[0.0], [1.0], [np.inf], [2.0]])
    for kind in (L1, L2):
        joined = Sum((kind(0.2), kind(0.3)))
        np.testing.assert_allclose(joined.prox(z, 0.5), kind(0.5).prox(z, 0.5), rtol=1e-15)
        mixed, strength = Sum((kind(0.2, factors), kind(0.3))), kind(1.0, 0.2 * factors + 0.3)
        np.testing.assert_allclose(mixed.prox(z, 0.5), strength.prox(z, 0.5), rtol=1e-15)
        np.testing.assert_allclose(mixed.value(z), strength.value(z))
        assert len(mixed.parts) == 1


def test_a_sum_takes_sums_apart_and_refuses_what_it_cannot_join() -> None:
    w = np.random.default_rng(0).normal(size=(4, 3))
    inner: Any = Sum((L1(0.1), ElasticNet(0.2, 0.5)))
    nested = Sum((inner, L2(0.3)))
    plain = Sum((L1(0.2), L2(0.35)))
    assert nested.value(w) == pytest.approx(plain.value(w))
    np.testing.assert_allclose(nested.prox(w, 0.5), plain.prox(w, 0.5))

    class Own:
        pass

    own: Any = Own()

    with pytest.raises(TypeError, match=r"A Sum joins L1, L2, ElasticNet, GroupLasso, MCP and GroupMCP, got Own"):
        Sum((L2(0.1), own))
