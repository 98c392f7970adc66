"""Laws of the grid and of its top."""

from typing import Any

import numpy as np
import pytest

from paths import changed, path_of, settings_of, strongest
from ridgewalk.engine import Runner
from ridgewalk.losses import BinaryCrossEntropy, CrossEntropy, Poisson, SquaredError
from ridgewalk.path.fit import find_strengths
from ridgewalk.path.grid import grid
from ridgewalk.path.problem import PathProblem


def binary(rows: int, seed: int = 0) -> Any:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, 6))
    chance = 1 / (1 + np.exp(-3 * (x[:, 0] * x[:, 1] + np.sin(2 * x[:, 0]))))
    return x, (generator.uniform(size=rows) < chance).astype(float)[:, None]


def test_the_grid_by_hand() -> None:
    np.testing.assert_allclose(grid(2.0, 4, 100, 10), [0, 0.002, 0.02, 0.2, 2])
    np.testing.assert_allclose(grid(2.0, 3, 10, 100), [0, 0.02, 0.2, 2])
    np.testing.assert_allclose(grid(2.0, 1, 10, 100), [0, 2])


class TestStrengthAtNull:
    """The bounds of the module's formula, at the ends where they are known in closed form."""

    x, target = binary(400)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    weights = np.ones(400)

    def top(self, settings: Any, loss: Any = None, target: Any = None) -> Any:
        target = self.target if target is None else target
        return strongest(settings, loss or BinaryCrossEntropy(), self.x, target, self.weights)

    def gamma_and_null(self) -> Any:
        share = self.target.mean()
        slope = (self.target - share) / len(self.x)
        cuts = np.quantile(self.x, [0.2, 0.5, 0.8], axis=0)
        parts = [self.x] + [np.maximum(s * (self.x - cut), 0) for cut in cuts for s in (1, -1)]
        gamma = max(np.abs(part.T @ slope).max() for part in parts)
        return gamma, -share * np.log(share) - (1 - share) * np.log(1 - share)

    def test_l1_on_two_layers(self) -> None:
        gamma, null = self.gamma_and_null()
        assert self.top(settings_of((8,), l1_ratio=1.0)) == pytest.approx(np.sqrt(gamma * null) / 2)

    def test_l2_on_two_layers(self) -> None:
        # Gamma by brute force over random directions and cuts, which ascent (over fewer cuts) must all but reach.
        slope = (self.target[:, 0] - self.target.mean()) / len(self.x)
        v = np.random.default_rng(0).normal(size=(6, 20_000))
        h = self.x @ (v / np.linalg.norm(v, axis=0))
        brute = max(np.abs(slope @ np.maximum(h - cut, 0)).max() for cut in (-9, -1, 0, 0.5, 1))
        assert 0.99 * brute <= self.top(settings_of((8,), l1_ratio=0.0)) < 1.2 * brute

    @pytest.mark.slow
    def test_of_many_rows_a_part_shows_the_direction_and_all_measure_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        x, target = binary(20_000, seed=1)
        settings, weights = settings_of((8,), l1_ratio=0.0), np.ones(len(x))

        def top(rows: Any) -> Any:
            return strongest(settings, BinaryCrossEntropy(), x[rows], target[rows], weights[rows])

        whole = top(slice(None))
        monkeypatch.setattr("ridgewalk.path.null_model._MANY_ROWS", 5_000)
        assert top(slice(None)) == pytest.approx(whole, rel=1e-3)
        assert top(slice(None, None, 4)) != pytest.approx(whole, rel=1e-3)  # what a part alone would have said

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(4))
    def test_a_part_of_the_rows_shows_a_weak_signal_as_well(self, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        generator = np.random.default_rng(seed)
        x = generator.normal(size=(20_000, 6))
        target = (generator.random(20_000) < 0.5 + 0.1 * np.sign(x[:, 0] * x[:, 1])).astype(float)[:, None]
        settings, weights = settings_of((8,), l1_ratio=0.0), np.ones(len(x))
        whole = strongest(settings, BinaryCrossEntropy(), x, target, weights)
        monkeypatch.setattr("ridgewalk.path.null_model._MANY_ROWS", 10_000)
        part = strongest(settings, BinaryCrossEntropy(), x, target, weights)
        assert part > 0.75 * whole

    def test_group_lasso(self) -> None:
        gamma, null = self.gamma_and_null()
        expected = gamma * np.sqrt(4 * null / (27 * 1e-3)) / np.sqrt(8)
        assert self.top(settings_of((8,), penalty="group_lasso")) == pytest.approx(expected)
        assert self.top(settings_of((8, 4), penalty="group_lasso")) == pytest.approx(3 * expected)

    def test_linear(self) -> None:
        slope = np.abs(self.x.T @ (self.target - self.target.mean())).max() / len(self.x)
        assert self.top(settings_of((), l1_ratio=0.5)) == pytest.approx(slope / 0.5)
        assert self.top(settings_of((), l1_ratio=0.0)) == pytest.approx(slope / 1e-3)

    @pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
    @pytest.mark.parametrize("hidden", [(), (8,), (8, 4)])
    def test_factors_are_part_of_the_strength(self, l1_ratio: Any, hidden: Any) -> None:
        # The same factor everywhere only renames the first layer's strength: L1 counts it whole, L2 by its root.
        plain, heavy = (
            self.top(settings_of(hidden, l1_ratio=l1_ratio, penalty_factors=np.full(6, factor)))
            for factor in (1.0, 4.0)
        )
        if not hidden or l1_ratio in (0.0, 1.0):
            assert heavy == pytest.approx(plain / 4 ** (1 / (len(hidden) + 1)))
        else:
            assert heavy > 0.5 * plain / 4 ** (1 / (len(hidden) + 1))

    def test_factors_weigh_inputs(self) -> None:
        factors = np.array([8.0, 8, 1, 1, 1, 1])
        for settings in (
            settings_of((), l1_ratio=1.0),
            settings_of((8,), l1_ratio=1.0),
            settings_of((8,), penalty="group_lasso"),
        ):
            plain, weighed = (self.top(changed(settings, penalty_factors=f)) for f in (np.ones(6), factors))
            assert weighed < 0.9 * plain

    @pytest.mark.parametrize("load", [BinaryCrossEntropy(), SquaredError()], ids=lambda loss: type(loss).__name__)
    def test_free_inputs_are_fitted_before_the_critical_strength_is_read(self, load: Any) -> None:
        x = self.x.copy()
        x[:, 1] = 0.9 * x[:, 0] + 0.4 * x[:, 1]  # what input 1 says, input 0 says already
        target = (x[:, :1] + 0.3 * x[:, 1:2] > 0).astype(float)
        settings = settings_of((), l1_ratio=1.0, penalty_factors=np.array([0.0, 1, 1, 1, 1, 1]))
        top = strongest(settings, load, x, target, self.weights)
        rows = np.arange(400)
        path = path_of(
            x, target, load, [(rows[:200], rows[200:])], settings, [0.999 * top, 1.001 * top], standardize=False
        )
        assert path.inputs_kept[1, -1, 0].sum() == 2
        assert path.inputs_kept[2, -1, 0].tolist() == [True] + [False] * 5

    @pytest.mark.parametrize("hidden", [(), (8,), (8, 4)])
    @pytest.mark.parametrize("penalty", ["elasticnet", "group_lasso"])
    def test_factors_per_layer_enter_by_their_mean(self, penalty: Any, hidden: Any) -> None:
        layers = len(hidden) + 1
        plain, heavy, uneven = (
            self.top(settings_of(hidden, penalty=penalty, layer_factors=factors, l1_ratio=0.6))
            for factors in (None, (4.0,) * layers, (8.0, *(2.0,) * (layers - 1))[:layers])
        )
        if penalty == "elasticnet":
            assert heavy == pytest.approx(plain / 4)
            expected = plain / (8 * 2 ** (layers - 1)) ** (1 / layers)
        else:
            assert heavy == pytest.approx(plain / 4 / (2 if hidden else 1))
            expected = plain / 8 / (2**0.5 if hidden else 1)
        assert uneven == pytest.approx(expected)

    def test_a_free_layer_leaves_no_top(self) -> None:
        with pytest.raises(ValueError, match="give alphas as numbers"):
            self.top(settings_of((8,), activation="tanh", layer_factors=(1.0, 0.0)))

    @pytest.mark.parametrize("loss", [CrossEntropy(), SquaredError(), Poisson()], ids=lambda loss: type(loss).__name__)
    def test_other_losses_have_a_top(self, loss: Any) -> None:
        target = np.hstack([self.target, 1 - self.target])
        assert 0 < self.top(settings_of((8, 8)), loss, target) < np.inf

    def test_a_target_that_no_input_explains_has_none(self) -> None:
        assert self.top(settings_of((8,)), SquaredError(), np.ones((400, 1))) == 0


@pytest.mark.parametrize("l1_ratio", [1.0, 0.0])
def test_a_part_of_very_many_rows_shows_the_top_for_a_network(l1_ratio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x, target = binary(4_000)
    splits, loss = [(np.arange(2_000), np.arange(2_000, 4_000))], BinaryCrossEntropy()

    def top(hidden: Any) -> Any:
        return find_strengths(
            PathProblem.of(x, target, loss, splits), settings_of(hidden, l1_ratio=l1_ratio), Runner(), 3
        )[-1]

    whole, linear = top((8,)), top(())
    monkeypatch.setattr("ridgewalk.path.fit._MOST_NUMBERS", 6_000)
    assert top((8,)) == whole  # fewer rows would be left than are enough
    monkeypatch.setattr("ridgewalk.path.fit._ENOUGH_ROWS", 500)
    assert top((8,)) == pytest.approx(whole, rel=0.1)
    assert top((8,)) != whole
    assert top(()) == linear  # where it is exact


def test_a_grid_needs_a_strength() -> None:
    with pytest.raises(ValueError, match="at least 1 strength"):
        grid(1.0, 0, 5, 5)
