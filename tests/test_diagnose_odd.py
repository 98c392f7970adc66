"""Tables and folds that nobody would draw, diagnosed: no crash, no warning, no sentence that is not true."""

from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ShuffleSplit

from ridgewalk import MLPClassifier, MLPClassifierCV, MLPRegressorCV
from ridgewalk.diagnostics import of_jobs
from ridgewalk.engine import train
from ridgewalk.engine.job import Job
from ridgewalk.estimators.references import reference_outputs
from ridgewalk.folds import Fold
from ridgewalk.losses import SquaredError
from ridgewalk.network import multilayer_perceptron
from ridgewalk.optimizers import SGD
from ridgewalk.penalties import L2

QUICK: dict[str, Any] = {"hidden_layer_sizes": (4,), "alphas": 3, "max_iter": 60, "random_state": 0}
DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(90, 4))
SCORE = X[:, 0] - X[:, 1] + DRAWS.normal(size=90)
LABELS = (SCORE > 0).astype(int)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [2, 10])
def test_a_handful_of_rows(rows: int) -> None:
    assert MLPRegressorCV(**QUICK, cv=2).fit(X[:rows], SCORE[:rows]).diagnose().headline


def test_early_stopping_sets_training_rows_aside() -> None:
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

    def watched(each: Any) -> Any:
        if each.early_stopping:
            seen.append(each)
        return train(each)

    of_jobs(job, job, train=watched)
    (stopped,) = seen
    for fold, given in zip(stopped.folds, folds, strict=True):
        training = given.weights > 0
        assert fold.validation.sum() == round(0.15 * training.sum())
        np.testing.assert_array_equal((fold.weights > 0) | (fold.validation > 0), training)


@pytest.mark.slow
def test_rows_of_weight_0_are_held_out_by_nobody() -> None:
    weights = np.ones(90)
    weights[:20] = 0
    for engine in ("compiled", "reference"):
        settings: dict[str, Any] = {**QUICK, "engine": engine}
        with_rows = MLPClassifierCV(**settings, cv=3).fit(X, LABELS, sample_weight=weights).diagnose()
        assert with_rows.numbers["rows"] == 70


@pytest.mark.slow
def test_references_come_in_the_order_of_the_table() -> None:
    (splits,) = [list(ShuffleSplit(2, random_state=0).split(X))]
    assert any((np.diff(held_out) < 0).any() for _, held_out in splits)
    ones = np.ones(90)
    shuffled = reference_outputs(X, SCORE[:, None], SquaredError(), splits, ones)
    sorted_splits = [(training, np.sort(held_out)) for training, held_out in splits]
    straight = reference_outputs(X, SCORE[:, None], SquaredError(), sorted_splits, ones)
    for name, outputs in straight.items():
        np.testing.assert_array_equal(shuffled[name], outputs)


@pytest.mark.slow
def test_units_change_no_verdict() -> None:
    verdicts = []
    for unit in (1e-8, 1.0, 1e8):
        diagnosis = MLPRegressorCV(**QUICK).fit(X, unit * SCORE).diagnose(references=False)
        verdicts.append(diagnosis.verdict)
        tails = [each for each in diagnosis.findings if each.name == "not converged"]
        assert not tails
    assert len(set(verdicts)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [1, 2, 5])
def test_a_few_epochs(epochs: Any) -> None:
    assert MLPClassifierCV(**QUICK | {"max_iter": epochs}).fit(X, LABELS).diagnose(references=False).headline


@pytest.mark.slow
def test_what_diverges_is_said_to_diverge_and_nothing_else() -> None:
    settings = QUICK | {"learning_rate_init": 1e6, "standardize": False}
    with pytest.warns(ConvergenceWarning, match="10 of 24 trainings diverged, 5 of them at strength 0"):
        model = MLPRegressorCV(**settings).fit(1e6 * X, 1e6 * SCORE)
    diagnosis = model.diagnose(references=False)
    names = [finding.name for finding in diagnosis.findings]
    assert names == ["not converged", "better than early stopping", "a linear model predicts better"]
    assert "diverged" in diagnosis.headline


@pytest.mark.slow
@pytest.mark.parametrize("strength", [1e-9, 1e6])
def test_no_strength_is_too_faint_or_too_strong_to_be_wired_right(strength: Any) -> None:
    diagnosis = MLPClassifierCV(**QUICK | {"alphas": [strength]}).fit(X, LABELS).diagnose(strength, references=False)
    assert not diagnosis.holds("wired wrong")


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["absolute_error", "huber", "poisson"])
def test_every_loss_is_wired_right(loss: Any) -> None:
    diagnosis = MLPRegressorCV(**QUICK, loss=loss).fit(X, np.abs(SCORE)).diagnose(references=False)
    assert not diagnosis.holds("wired wrong")


@pytest.mark.slow
def test_one_fold_cannot_choose_for_itself() -> None:
    model = MLPClassifierCV(**QUICK, cv=ShuffleSplit(1, random_state=0)).fit(X, LABELS)
    with pytest.raises(ValueError, match="give alpha"):
        model.diagnose()
    assert model.diagnose(model.alphas_[2], references=False).numbers["difference"] != 0


@pytest.mark.slow
def test_the_safe_strength_is_judged_as_it_was_taken() -> None:
    model = MLPClassifierCV(**QUICK | {"alphas": "qut"}).fit(X, LABELS)
    assert model.diagnose(references=False).numbers["strength"] == model.alpha_


def test_no_penalty_is_no_different_from_itself() -> None:
    numbers = MLPClassifierCV(**QUICK).fit(X, LABELS).diagnose(alpha=0, references=False).numbers
    assert numbers["difference"] == numbers["difference_low"] == numbers["difference_high"] == 0


@pytest.mark.slow
def test_one_strength_with_rows_of_weight_0() -> None:
    weights = np.ones(90)
    weights[:20] = 0
    model = MLPClassifier((4,), alpha=0.01, max_iter=40, learning_rate="cosine", random_state=0).fit(
        X, LABELS, sample_weight=weights
    )
    assert model.diagnose().numbers["rows"] == 70


def test_repeated_columns_are_solved_without_a_warning() -> None:
    levels = np.eye(3)[DRAWS.integers(0, 3, 90)]
    repeated = np.hstack([X, levels, levels, X[:, :1]])
    path = MLPClassifierCV(**QUICK | {"hidden_layer_sizes": ()}).fit(repeated, LABELS).path_
    assert path.residual[path.alphas > 0].max() < 1e-6


def test_strength_0_is_not_called_the_best_where_it_is_not() -> None:
    model = MLPClassifierCV(**QUICK | {"max_iter": 200}).fit(X, (X[:, 0] - X[:, 1] + 0.2 * SCORE > 0).astype(int))
    diagnosis = model.diagnose(alpha=0, references=False)
    best = diagnosis.numbers["best_strength"]
    assert best > 0
    assert f"best is {best:.3g}" in diagnosis.headline


@pytest.mark.slow
def test_a_network_that_underfits_says_nothing_of_the_signal() -> None:
    diagnosis = MLPClassifierCV(**QUICK | {"max_iter": 1}).fit(X, LABELS).diagnose()
    assert diagnosis.verdict == "underfit"
    assert not diagnosis.holds("no signal")


def test_numbers_are_said_in_full() -> None:
    diagnosis = MLPRegressorCV(**QUICK).fit(X, 1e3 * SCORE).diagnose(references=False)
    assert "e+" not in diagnosis.headline
