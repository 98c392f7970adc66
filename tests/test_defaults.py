"""What "auto" stands for follows from the table's shape, and gives way to whatever is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ridgewalk import MLPClassifierCV, MLPRegressorCV
from ridgewalk.path.defaults import defaults

BEFORE: dict[str, Any] = {
    "hidden_layer_sizes": (32,),
    "alphas": 30,
    "max_iter": 600,
    "learning_rate_init": 0.01,
    "batch_size": None,
}


@pytest.mark.parametrize(
    ("shape", "layers", "strengths", "batch", "epochs"),
    [
        ((300, 2, 3), (64, 32), 30, None, 600),
        ((300, 13, 1), (32,), 30, None, 600),
        ((1_000, 20, 1), (64, 32), 30, None, 600),
        ((1_001, 1_000, 1), (64, 32), 10, 256, 384),
        ((1_001, 5, 5), (128,), 10, 256, 384),
        ((1_000, 5, 5), (128,), 10, None, 600),
        ((200, 5, 5), (32,), 10, None, 600),
        ((3_999, 5, 5), (128,), 10, 256, 97),
        ((4_000, 5, 4), (64, 32), 10, 256, 96),
        ((4_000, 5, 5), (128, 64), 10, 256, 96),
        ((20_000, 30, 1), (64, 32), 10, 256, 20),
        ((5_000, 16, 26), (128, 64), 10, 256, 77),
        ((500_000, 50, 1), (64, 32), 10, 256, 3),
        ((1, 1, 1), (32,), 30, None, 600),
    ],
)
def test_the_rule(shape: Any, layers: Any, strengths: int, batch: int | None, epochs: int) -> None:
    found = defaults(*shape)
    assert (found.hidden_layer_sizes, found.alphas) == (layers, strengths)
    assert (found.batch_size, found.max_iter) == (batch, epochs)


def test_epochs_follow_the_batches_that_are_given() -> None:
    assert defaults(20_000, 30, 1, batch_size=None).max_iter == 600
    assert defaults(20_000, 30, 1, batch_size=1_024).max_iter == 77
    assert defaults(500, 30, 1, batch_size=32).max_iter == 96
    assert defaults(10_000_000, 30, 1).max_iter == 3
    assert defaults(500, 30, 1, batch_size=500).max_iter == 600


def test_selecting_inputs_and_linear_models_keep_their_recipe() -> None:
    selecting = defaults(20_000, 30, 7, selecting=True)
    assert (selecting.hidden_layer_sizes, selecting.alphas, selecting.batch_size) == ((32,), 30, None)
    assert selecting.max_iter == 600
    assert defaults(20_000, 30, 1, hidden_layer_sizes=()).alphas == 30


def table(rows: int, columns: int) -> tuple[Any, Any]:
    generator = np.random.default_rng(rows)
    x = generator.normal(size=(rows, columns))
    return x, (x[:, 0] + generator.normal(size=rows) > 0).astype(int)


def test_an_estimator_takes_what_suits_its_table() -> None:
    model = MLPClassifierCV(cv=2, max_iter=2, random_state=0).fit(*table(1_010, 3))
    settings = model.path_.settings
    assert (settings.hidden_layer_sizes, settings.batch_size, settings.max_iter) == ((64, 32), 256, 2)
    assert settings.learning_rate == 0.01
    assert len(model.alphas_) == 11
    assert model.n_iter_ == 2
    assert model.get_params()["hidden_layer_sizes"] == "auto"


def test_rows_of_weight_0_are_not_counted() -> None:
    x, y = table(1_010, 3)
    weights = np.ones(len(x))
    weights[:100] = 0
    model = MLPClassifierCV((4,), alphas=2, cv=2, max_iter=2, random_state=0).fit(x, y, weights)
    assert model.path_.settings.batch_size is None


def test_the_values_of_before_are_those_of_small_tables() -> None:
    x, _ = table(60, 4)
    few: dict[str, Any] = {"cv": 2, "random_state": 0}
    now, before = (MLPRegressorCV(**few, **given).fit(x, x[:, 0]) for given in ({}, BEFORE))
    for mine, theirs in zip(now.coefs_, before.coefs_, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_selecting_takes_no_batches() -> None:
    model = MLPRegressorCV(select_inputs=True, alphas=3, max_iter=3, cv=2, random_state=0)
    x, y = table(1_010, 2)
    settings = model.fit(x, x[:, 0] + y).input_selection_.arms[0].path.settings
    assert (settings.hidden_layer_sizes, settings.batch_size) == ((32,), None)
