"""Tables and folds that nobody would draw, diagnosed: no crash, no warning, no sentence that is not true."""

import numpy as np
import pytest
from sklearn.model_selection import ShuffleSplit

from ridgewalk import MLPClassifierCV, MLPRegressorCV
from ridgewalk.diagnostics import of_jobs
from ridgewalk.engine import train
from ridgewalk.engine.job import Fold, Job
from ridgewalk.estimators.references import reference_outputs
from ridgewalk.losses import SquaredError
from ridgewalk.network import multilayer_perceptron
from ridgewalk.optimizers import SGD
from ridgewalk.penalties import L2

QUICK = {"hidden_layer_sizes": (4,), "alphas": 3, "max_iter": 60, "random_state": 0}
DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(90, 4))
SCORE = X[:, 0] - X[:, 1] + DRAWS.normal(size=90)
LABELS = (SCORE > 0).astype(int)


@pytest.mark.parametrize("rows", [2, 5, 10])
def test_a_handful_of_rows(rows):
    assert MLPRegressorCV(**QUICK, cv=2).fit(X[:rows], SCORE[:rows]).diagnose().headline


def test_early_stopping_sets_training_rows_aside():
    network = multilayer_perceptron(4, (3,), 1)
    folds = []
    for held_out in (slice(0, 60), slice(60, 90)):  # so that a row's number is not its place among the training rows
        weights, validation = np.ones(90), np.zeros(90)
        weights[held_out], validation[held_out] = 0, 1
        folds.append(Fold(weights, np.zeros(4), np.ones(4), np.zeros(1), np.ones(1), validation))
    job = Job(
        network=network,
        loss=SquaredError(),
        penalties=tuple(L2(0.01) for _ in network.names),
        optimizer=SGD(0.05),
        x=X,
        target=SCORE[:, None],
        folds=tuple(folds),
        fold=np.arange(2),
        seeds=np.zeros(2, dtype=int),
        start=tuple(np.stack([w, w]) for w in network.start("he", 0)),
        epochs=20,
    )
    seen = []

    def watched(each):
        if each.early_stopping:
            seen.append(each)
        return train(each)

    of_jobs(job, job, train=watched)
    (stopped,) = seen
    for fold, given in zip(stopped.folds, folds, strict=True):
        training = given.weights > 0
        assert fold.validation.sum() == round(0.15 * training.sum())
        np.testing.assert_array_equal((fold.weights > 0) | (fold.validation > 0), training)


def test_rows_of_weight_0_are_held_out_by_nobody():
    weights = np.ones(90)
    weights[:20] = 0
    for engine in ("compiled", "reference"):
        settings = {**QUICK, "engine": engine}
        with_rows = MLPClassifierCV(**settings, cv=3).fit(X, LABELS, sample_weight=weights).diagnose()
        assert with_rows.numbers["rows"] == 70


def test_references_come_in_the_order_of_the_table():
    (splits,) = [list(ShuffleSplit(2, random_state=0).split(X))]
    assert any((np.diff(held_out) < 0).any() for _, held_out in splits)
    ones = np.ones(90)
    shuffled = reference_outputs(X, SCORE[:, None], SquaredError(), splits, ones)
    sorted_splits = [(training, np.sort(held_out)) for training, held_out in splits]
    straight = reference_outputs(X, SCORE[:, None], SquaredError(), sorted_splits, ones)
    for name, outputs in straight.items():
        np.testing.assert_array_equal(shuffled[name], outputs)
