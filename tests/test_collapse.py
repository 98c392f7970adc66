"""Networks whose units die as the strength rises are trained again, and nobody is handed a constant for them."""

from typing import Any

import numpy as np
import pytest

from ridgewalk import MLPRegressorCV
from ridgewalk.path import collapse
from ridgewalk.path import fit as path_fit
from ridgewalk.path.collapse import collapsed


def collinear(seed: int, rows: int = 40, columns: int = 100) -> tuple[Any, Any]:
    """Return more columns than rows, half of them nearly one and the same, and a target of what tells those apart."""
    generator = np.random.default_rng(seed)
    hidden = generator.normal(size=(rows, 3))
    place = np.linspace(0, 6, columns)
    shapes = np.vstack([np.ones(columns), 0.1 * np.sin(place), 0.03 * np.cos(1.5 * place)])
    alike = hidden @ shapes + 1e-3 * generator.normal(size=(rows, columns))
    x = np.hstack([alike, generator.normal(size=(rows, columns))])
    return x, hidden @ np.array([0.5, 1, 0.5])


def fitted(seed: int, **parameters: Any) -> MLPRegressorCV:
    settings = {"alphas": 4, "penalty": "group_lasso", "max_iter": 300, "learning_rate_init": 0.03, "cv": 3}
    return MLPRegressorCV((32,), random_state=seed, **(settings | parameters)).fit(*collinear(seed))


def constant_pairs(model: MLPRegressorCV) -> int:
    """Count the networks at the second strength above 0 that learned nothing, though others learned much."""
    objective, null = model.path_.objective[2], model.path_.objective[-1]
    learned = 1 - objective / null
    return int(((learned < 1e-3) & (learned.max() > 0.1)).sum())


@pytest.mark.parametrize("schedule", ["ramp", "sequential"])
def test_networks_that_died_are_trained_again(schedule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    after = sum(constant_pairs(fitted(seed, schedule=schedule)) for seed in range(5))
    monkeypatch.setattr(path_fit, "without_collapse", lambda *given: list(given[5]))
    before = sum(constant_pairs(fitted(seed, schedule=schedule)) for seed in range(5))
    assert before > 0  # so they do die
    assert after <= 0.6 * before


def test_what_has_a_loss_left_is_left_alone() -> None:
    """A fold at which the null model wins a little earlier than at others has not died."""
    _, y = collinear(0)
    seen = []

    def noting(*given: Any) -> Any:
        seen.append(found := collapsed(*given))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collapse, "collapsed", noting)
        noise = np.random.default_rng(1).normal(size=(40, 3))
        MLPRegressorCV((8,), alphas=12, max_iter=100, cv=3, random_state=0).fit(noise, noise[:, 0] + y)
    assert seen
    assert not any(each.any() for each in seen)
