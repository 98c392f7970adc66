"""Networks whose units die as the strength rises are trained again, and nobody is handed a constant for them."""

from typing import Any

import numpy as np
import pytest

from ridgewalk import MLPRegressorCV
from ridgewalk.path import fit as path_fit


def collinear(seed: int, rows: int, columns: int = 100) -> tuple[Any, Any]:
    """Return more columns than rows, half of them nearly one and the same, and a target of what tells those apart."""
    generator = np.random.default_rng(seed)
    hidden = generator.normal(size=(rows, 3))
    place = np.linspace(0, 6, columns)
    shapes = np.vstack([np.ones(columns), 0.1 * np.sin(place), 0.03 * np.cos(1.5 * place)])
    alike = hidden @ shapes + 1e-3 * generator.normal(size=(rows, columns))
    x = np.hstack([alike, generator.normal(size=(rows, columns))])
    return x, hidden @ np.array([0.5, 1, 0.5])


def fitted(seed: int, rows: int = 40, **parameters: Any) -> MLPRegressorCV:
    settings = {"alphas": 4, "penalty": "group_lasso", "max_iter": 300, "learning_rate_init": 0.03, "cv": 3}
    return MLPRegressorCV((32,), random_state=seed, **(settings | parameters)).fit(*collinear(seed, rows))


def constant_pairs(model: MLPRegressorCV) -> int:
    """Count the networks at the second strength above 0 that learned nothing, though others learned much."""
    objective, null = model.path_.objective[2], model.path_.objective[-1]
    learned = 1 - objective / null
    return int(((learned < 1e-3) & (learned.max() > 0.1)).sum())


@pytest.mark.parametrize("seed", [0, 2, 3])
@pytest.mark.parametrize("schedule", ["ramp", "sequential"])
def test_no_fold_is_a_constant_where_others_learn(seed: int, schedule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert constant_pairs(fitted(seed, schedule=schedule)) == 0
    if schedule == "ramp":
        monkeypatch.setattr(path_fit, "without_collapse", lambda *given: list(given[5]))
        assert constant_pairs(fitted(seed)) > 0  # so they do die


def test_all_folds_that_die_at_a_rate_too_high_are_trained_at_a_lower_one() -> None:
    path = fitted(0, rows=80, max_iter=200, learning_rate_init=0.1).path_
    assert (path.objective[1:3] < 0.95 * path.objective[-1]).all()
