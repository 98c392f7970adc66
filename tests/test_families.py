"""Laws of penalty families: what they penalize, where the null model wins; families of one's own, too."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ridgewalk import MLPRegressorCV, mlp_path
from ridgewalk.engine import Runner
from ridgewalk.losses import BinaryCrossEntropy, Poisson, SquaredError
from ridgewalk.network import multilayer_perceptron
from ridgewalk.path import ElasticNetPath, GroupLassoPath, PathProblem, PathSettings, fit_path
from ridgewalk.path.families import GAMMA, GroupMCPPath, MCPPath, penalty_family
from ridgewalk.path.fit import find_strengths
from ridgewalk.penalties import Sum

DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(120, 5))
Y = X[:, 0] * X[:, 1] + np.abs(X[:, 2]) + 0.3 * DRAWS.normal(size=120)
FAMILIES: dict[str, Any] = {
    "L1": ElasticNetPath(l1_ratio=1.0),
    "elastic net": ElasticNetPath(),
    "L2": ElasticNetPath(l1_ratio=0.0),
    "group lasso": GroupLassoPath(),
    "groups": GroupLassoPath(groups=np.array([0, 0, 1, 2, 2])),
    "MCP": MCPPath(),
    "short MCP": MCPPath(gamma=3.0),
    "group MCP": GroupMCPPath(),
    "group MCP of groups": GroupMCPPath(gamma=10.0, groups=np.array([0, 0, 1, 2, 2])),
    "factors": ElasticNetPath(penalty_factors=np.array([0.5, 1, 2, np.inf, 1])),
    "MCP with factors": MCPPath(penalty_factors=np.array([0.5, 1, 2, np.inf, 1]), layer_factors=(2.0, 1.0)),
}
LOSSES: dict[str, Any] = {
    "numbers": (SquaredError(), Y[:, None]),
    "classes": (BinaryCrossEntropy(), (Y[:, None] > 0.5).astype(float)),
    "counts": (Poisson(), DRAWS.poisson(np.exp(np.clip(Y, -2, 2)))[:, None].astype(float)),
}


def problem(kind: Any = "numbers", seeds: Any = (0,)) -> Any:
    loss, target = LOSSES[kind]
    parts = np.array_split(np.random.default_rng(1).permutation(120), 3)
    return PathProblem.of(X, target, loss, [(np.setdiff1d(np.arange(120), part), part) for part in parts], seeds)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_strength_0_penalizes_nothing_and_another_grows_with_it(family: Any) -> None:
    network = multilayer_perceptron(5, (4,), 1)
    ones = [0.1 * np.ones((3, *shape)) for shape in network.shapes]
    each = [penalty.value(w) for penalty, w in zip(family.at(network, np.array([0, 0.1, 1])), ones, strict=True)]
    excluded = family.penalty_factors is not None and np.isinf(family.penalty_factors).any()
    for number, value in enumerate(each):
        assert value[0] == 0 or (excluded and number == 0 and np.isinf(value[0]))
        assert value[1] <= value[2]
    if not excluded:
        assert each[0][1] < each[0][2]
    assert not each[1].any()
    assert not each[3].any()


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("name", FAMILIES)
def test_the_null_model_wins_at_the_strongest_strength(name: Any, kind: Any) -> None:
    family, given = FAMILIES[name], problem(kind)
    settings = PathSettings((4,), penalty=family, max_iter=60, learning_rate=0.05)
    top = find_strengths(given, settings, Runner(), 1)[-1]
    path = fit_path(given, settings, [top / 60, top])
    assert path.null_wins[-1].all()
    assert not path.null_wins[1].all()  # the grid begins, 1000 times below, where something is left


@pytest.mark.parametrize("name", ["L1", "group lasso", "MCP", "short MCP", "group MCP"])
def test_the_critical_strength_of_a_linear_model_is_exact(name: Any) -> None:
    settings = PathSettings((), penalty=replace(FAMILIES[name], penalty_factors=np.array([0.5, 1, 2, 1, 1])))
    given = problem()
    top = find_strengths(given, settings, Runner(), 1)[-1]
    path = fit_path(given, settings, [0.99 * top, 1.01 * top])
    assert path.inputs_kept[1].any()
    assert not path.inputs_kept[2].any()


@pytest.mark.parametrize("name", ["elastic net", "group lasso", "MCP", "group MCP"])
def test_blocks_of_strengths_change_no_bit(monkeypatch: pytest.MonkeyPatch, name: Any) -> None:
    """A pair of fold and seed needs no other: the early end is read from what came out."""
    settings = PathSettings((4,), penalty=FAMILIES[name], max_iter=40, learning_rate=0.05)
    given = problem(seeds=(0, 1))
    paths = []
    for at_once in (1, 3, 50):
        monkeypatch.setattr("ridgewalk.path.fit.strengths_at_once", lambda *_, count=at_once: count)
        paths.append(fit_path(given, settings, 9))
    for other in paths[1:]:
        for array in ("objective", "heldout_loss", "source", "n_iter", "residual"):
            np.testing.assert_array_equal(getattr(paths[0], array), getattr(other, array))


class Halved:
    """A penalty of one's own: half of L1 on every layer."""

    sparse = True

    def at(self, network: Any, alphas: Any) -> Any:
        return ElasticNetPath(l1_ratio=1.0).at(network, alphas / 2)

    def strongest(self, null: Any) -> None:
        return None


def test_a_penalty_of_ones_own_is_that_penalty() -> None:
    settings = PathSettings((4,), max_iter=30)
    given: dict[str, Any] = {"settings": settings, "cv": 3, "random_state": 0, "loss": "squared_error"}
    with pytest.raises(ValueError, match="Halved does not know the strength at which the null model wins: give alphas"):
        mlp_path(X, Y, penalty=Halved(), **given)
    alphas = np.array([0.01, 0.05])
    for engine in ("reference", "compiled"):  # its parts are L1, which both engines know
        own = mlp_path(X, Y, penalty=Halved(), alphas=2 * alphas, engine=engine, **given)
        same = mlp_path(X, Y, penalty=ElasticNetPath(l1_ratio=1.0), alphas=alphas, engine=engine, **given)
        np.testing.assert_array_equal(own.objective, same.objective)


def test_estimators_take_a_penalty_as_an_object() -> None:
    few: dict[str, Any] = {"alphas": 3, "cv": 2, "max_iter": 20, "random_state": 0}
    by_name, by_object = (MLPRegressorCV((4,), penalty=each, **few).fit(X, Y) for each in ("mcp", MCPPath()))
    np.testing.assert_array_equal(by_name.path_.objective, by_object.path_.objective)
    family = by_object.path_.settings.penalty
    assert isinstance(family, MCPPath)
    assert family.gamma == GAMMA
    other = MLPRegressorCV((4,), penalty=MCPPath(gamma=9.0), **few).fit(X, Y)
    assert (other.path_.objective != by_name.path_.objective).any()


def test_groups_need_a_penalty_of_groups() -> None:
    unknown: Any = "scad"
    family = penalty_family("group_mcp", groups=[0, 1, 1])
    assert isinstance(family, GroupMCPPath)
    assert family.groups is not None
    assert family.groups.tolist() == [0, 1, 1]
    with pytest.raises(ValueError, match='needs penalty="group_lasso" or "group_mcp"'):
        penalty_family("mcp", groups=[0, 1, 1])
    with pytest.raises(ValueError, match="penalty is 'elasticnet', 'group_lasso', 'mcp', 'group_mcp', or an object"):
        penalty_family(unknown)


def test_a_bounded_penalty_is_held_by_l2_on_its_own_layer() -> None:
    network = multilayer_perceptron(5, (4,), 1)
    for family in (MCPPath(), GroupMCPPath()):
        first, _, second, _ = family.at(network, np.array([0.1]))
        large = 1e6 * np.ones((1, 5, 4))
        assert first.value(large) > 1e6
        assert second.value(large[:, :4, :1]) > 1e6
        alone, _ = family.at(multilayer_perceptron(5, (), 1), np.array([0.1]))
        assert not isinstance(alone, Sum)
