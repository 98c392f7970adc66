"""Laws of ``train(job) -> Fits``."""

import itertools
import os
import signal
import threading
import time
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array

from ridgewalk.arrays import per_run, standardization
from ridgewalk.engine import compiled, memory, native, reference
from ridgewalk.engine import train as train_by
from ridgewalk.engine.job import EarlyStopping, Job, Polish
from ridgewalk.engine.progress import Progress, StoppedError
from ridgewalk.engine.reference import accelerated_descent
from ridgewalk.folds import Fold
from ridgewalk.layers import Dropout
from ridgewalk.losses import BinaryCrossEntropy, CrossEntropy, SquaredError
from ridgewalk.network import EvadablePenaltyWarning, layer_penalties, multilayer_perceptron
from ridgewalk.optimizers import SGD, AdaGrad, Adam, AdamW, Cosine, InverseScaling, InverseTime, RMSProp
from ridgewalk.penalties import NO_PENALTY, ElasticNet, GroupLasso
from ridgewalk.rng import order, uniform

ROWS, INPUTS = 60, 5
_generator = np.random.default_rng(0)
X = _generator.normal(size=(ROWS, INPUTS))
Y = np.sin(2 * X[:, :1]) + X[:, 1:2] * X[:, 2:3]
ALPHAS = np.array([0.0, 0.003, 0.03, 0.3])
OPTIMIZERS = [
    SGD(0.05, momentum=0.9),
    SGD(0.05, momentum=0.9, nesterov=True),
    AdaGrad(0.05),
    RMSProp(0.01),
    Adam(0.01, schedule=Cosine()),
    AdamW(0.01),
]


def make(
    runs: Any = 4,
    dtype: Any = np.float64,
    hidden: Any = (6,),
    loss: Any = None,
    target: Any = None,
    activation: Any = "relu",
    dropout: Any = 0.0,
    **changes: Any,
) -> Job:
    target = Y if target is None else target
    network = multilayer_perceptron(INPUTS, hidden, target.shape[1], activation, dropout)
    alphas = per_run(np.resize(ALPHAS, runs))
    start = [network.start("he", run // len(ALPHAS)) for run in range(runs)]
    settings: dict[str, Any] = {
        "network": network,
        "loss": loss or SquaredError(),
        "penalties": tuple(NO_PENALTY if k % 2 else ElasticNet(alphas, 0.7) for k in range(len(network.shapes))),
        "optimizer": Adam(0.01, schedule=Cosine()),
        "x": X,
        "target": target,
        "folds": (Fold.plain(np.ones(ROWS), INPUTS, target.shape[1]),),
        "fold": np.zeros(runs, dtype=int),
        "seeds": np.arange(runs) // len(ALPHAS),
        "start": tuple(np.stack(arrays).astype(dtype) for arrays in zip(*start, strict=True)),
        "epochs": 30,
    }
    return Job(**(settings | changes))


@pytest.fixture(params=["compiled", "reference"])
def train(request: pytest.FixtureRequest) -> Any:
    """One law for both engines."""
    return partial(train_by, engine=request.param)


def assert_same(a: Any, b: Any) -> None:
    for left, right in zip(a.parameters, b.parameters, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: type(o).__name__)
@pytest.mark.parametrize("batch_size", [None, 7])
def test_a_run_in_a_stack_is_the_run_alone(optimizer: Any, batch_size: Any, train: Any) -> None:
    job = make(runs=8, optimizer=optimizer, batch_size=batch_size, epochs=5, ramp=0.5, polish=Polish(5))
    together = train(job)
    for run in (0, 2, 7):
        alone = train(job.part(np.array([run])))
        for w, v in zip(together.parameters, alone.parameters, strict=True):
            np.testing.assert_allclose(w[run], v[0], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("batch_size", [None, 16])
def test_bits_do_not_depend_on_threads_or_calls(batch_size: Any, train: Any) -> None:
    job = make(runs=12, batch_size=batch_size, dropout=0.2, dtype=np.float32)
    first = train(job)
    assert_same(first, train(job, n_jobs=2))
    assert_same(first, train(job, n_jobs=-1))


def test_penalties_give_exact_zeros_and_the_strongest_gives_the_null_model(train: Any) -> None:
    fits = train(make(epochs=400, ramp=0.5))
    zeros = (fits.parameters[0] == 0).mean(axis=(1, 2))
    assert zeros[0] == 0
    assert 0 < zeros[1] <= zeros[2] <= zeros[3] == 1
    assert fits.parameters[3][3].item() == pytest.approx(Y.mean(), abs=0.01)
    assert (fits.penalty[1:3] > 0).all()
    assert fits.penalty[0] == fits.penalty[3] == 0


@pytest.mark.slow
def test_polish_brings_a_smooth_network_to_rest(train: Any) -> None:
    job = make(activation="tanh", epochs=300, ramp=0.3)
    rough, polished = train(job), train(replace(job, polish=Polish(5000, 1e-8)))
    assert np.median(rough.residual) > 1e-4
    assert np.median(polished.residual) < 1e-6


def test_polish_never_raises_the_objective(train: Any) -> None:
    # A ReLU network rests at kinks of its own, where no residual is small; it still never rises.
    job = make(epochs=300, ramp=0.3)
    rough, polished = train(job), train(replace(job, polish=Polish(500)))
    assert (polished.data_loss + polished.penalty <= rough.data_loss + rough.penalty + 1e-12).all()


def test_no_step_of_the_polish_raises_the_objective(train: Any) -> None:
    job = make(epochs=50)
    rough = train(job)
    objective = job.objective(np.arange(job.runs))
    rows = (X, Y, np.ones(ROWS))
    before = objective.data_loss(rough.parameters, *rows) + objective.penalty(rough.parameters)
    steps = 0
    for parameters in accelerated_descent(objective, rough.parameters, *rows, tolerance=1e-12):
        after = objective.data_loss(parameters, *rows) + objective.penalty(parameters)
        assert (after <= before * (1 + 1e-14)).all()
        before, steps = after, steps + 1
        if steps == 300:
            break
    assert steps > 50


def test_minibatches_find_what_the_full_batch_finds(train: Any) -> None:
    # A convex problem, so that there is one answer; the batch of 10 once gave scikit-learn another penalty.
    answers = []
    for batch_size in (None, 10):
        job = make(hidden=(), optimizer=Adam(0.03, schedule=Cosine()), batch_size=batch_size, epochs=600)
        answers.append(train(job))
    full, batches = answers
    np.testing.assert_allclose(full.parameters[0], batches.parameters[0], atol=0.02)
    np.testing.assert_allclose(full.penalty, batches.penalty, atol=0.01)


def test_a_fold_is_a_row_of_weights(train: Any) -> None:
    held_out = np.arange(ROWS) % 3 == 0
    weights = np.where(held_out, 0.0, 1.0)
    full = train(make(folds=(Fold.plain(weights, INPUTS, 1),)))
    alone = make(x=X[~held_out], target=Y[~held_out], folds=(Fold.plain(np.ones((~held_out).sum()), INPUTS, 1),))
    assert_same(full, train(alone))


@pytest.mark.parametrize("batch_size", [None, 8])
def test_held_out_rows_have_no_influence(batch_size: Any, train: Any) -> None:
    weights = np.where(np.arange(ROWS) % 3 == 0, 0.0, 1.0)
    planted_x, planted_y = X.copy(), Y.copy()
    planted_x[::3], planted_y[::3] = 1e6, -1e6

    def job(x: Any, y: Any) -> Any:
        fold = Fold(weights, *standardization(x, weights), *standardization(y, weights))
        return make(x=x, target=y, folds=(fold,), batch_size=batch_size)

    assert_same(train(job(X, Y)), train(job(planted_x, planted_y)))


def test_doubling_a_weight_is_repeating_the_row(train: Any) -> None:
    counts = 1 + (np.arange(ROWS) % 4 == 1)
    repeated = np.repeat(np.arange(ROWS), counts)
    weighted = train(make(folds=(Fold.plain(counts.astype(float), INPUTS, 1),)))
    rows = make(x=X[repeated], target=Y[repeated], folds=(Fold.plain(np.ones(len(repeated)), INPUTS, 1),))
    for a, b in zip(weighted.parameters, train(rows).parameters, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)


def test_equal_weights_are_no_weights_to_the_bit(train: Any) -> None:
    assert_same(train(make()), train(make(folds=(Fold.plain(np.full(ROWS, 0.3), INPUTS, 1),))))


def test_the_ramp_raises_the_strengths_in_equal_parts(train: Any) -> None:
    # With no gradient and SGD of rate 1, an L1 strength of 1 takes step * ramp off a weight: 1/4 + 2/4 + 3/4 + 1 + 1.
    network = multilayer_perceptron(1, [], 1)
    job = Job(
        network, SquaredError(), layer_penalties(network, weight_l1=1.0), SGD(1.0), np.zeros((1, 1)), np.zeros((1, 1)),
        (Fold.plain(np.ones(1), 1, 1),), np.zeros(1, int), np.zeros(1, int),
        (np.full((1, 1, 1), 10.0), np.zeros((1, 1, 1))), epochs=5, ramp=0.8,
    )  # fmt: skip
    assert train(job).parameters[0].item() == 10 - 3.5


def test_history_shows_data_loss_and_penalty_apart(train: Any) -> None:
    validation = (np.arange(ROWS) % 3 == 0).astype(float)
    fold = Fold.plain(1 - validation, INPUTS, 1, validation)
    job = make(folds=(fold,), epochs=25, record_every=10)
    fits = train(job)
    history = fits.history
    assert list(history.epochs) == [0, 10, 20, 25]
    assert history.data_loss.shape == history.penalty.shape == (4, 4)
    assert history.zeros.shape == (4, 4, 4)
    np.testing.assert_array_equal(history.data_loss[:, -1], fits.data_loss)
    np.testing.assert_array_equal(history.penalty[:, -1], fits.penalty)
    np.testing.assert_array_equal(history.validation_loss[:, -1], fits.validation_loss)
    assert (history.data_loss[:, 0] == history.data_loss[0, 0]).all()
    assert history.zeros[3, -1, 0] > 0
    at_the_end = np.stack([np.linalg.norm(w, axis=(-2, -1)) for w in fits.parameters], axis=-1)
    np.testing.assert_allclose(history.norms[:, -1], at_the_end, rtol=1e-6)


def test_one_batch_loses_what_the_epoch_before_it_ended_with(train: Any) -> None:
    job = make(epochs=12, record_every=1, dropout=0.0)
    after, during = train(job).history, train(replace(job, batch_losses=True)).history
    np.testing.assert_array_equal(during.data_loss[:, 0], after.data_loss[:, 0])
    np.testing.assert_allclose(during.data_loss[:, 1:], after.data_loss[:, :-1], rtol=1e-12)
    np.testing.assert_array_equal(during.penalty, after.penalty)


def test_what_batches_lose_adds_up_to_the_loss_of_all_rows(train: Any) -> None:
    fold = Fold.plain(_generator.uniform(0.5, 2, ROWS), INPUTS, 1)
    still = make(folds=(fold,), optimizer=SGD(1e-30), batch_size=7, epochs=3, record_every=1, batch_losses=True)
    losses = train(still).history.data_loss
    np.testing.assert_allclose(losses, np.repeat(losses[:, :1], 4, axis=1), rtol=1e-12)


def test_both_engines_add_up_the_losses_of_batches_and_watch_them() -> None:
    job = make(batch_size=7, dropout=0.2, record_every=1, batch_losses=True, optimizer=SGD(0.2, 0.9, nesterov=True))
    job = replace(job, early_stopping=EarlyStopping(patience=5, watched="objective"))
    ours, theirs = (train_by(job, engine=engine) for engine in ("compiled", "reference"))
    assert ours.history is not None
    assert theirs.history is not None
    np.testing.assert_allclose(ours.history.data_loss, theirs.history.data_loss, rtol=1e-8)
    np.testing.assert_array_equal(ours.epochs, np.nanargmin(ours.history.data_loss + ours.history.penalty, axis=1))
    np.testing.assert_array_equal(ours.epochs, theirs.epochs)
    plain = train_by(replace(job, batch_losses=False)).history
    assert plain is not None
    assert not np.allclose(plain.data_loss[:, 1:5], ours.history.data_loss[:, 1:5], rtol=1e-3)


@pytest.mark.slow
def test_early_stopping_keeps_the_best_weights_of_each_run(train: Any) -> None:
    validation = (np.arange(ROWS) % 3 == 0).astype(float)
    fold = Fold.plain(1 - validation, INPUTS, 1, validation)
    job = make(runs=8, hidden=(40,), folds=(fold,), optimizer=Adam(0.05), epochs=300, record_every=1)
    free = train(job)
    stopped = train(replace(job, early_stopping=EarlyStopping(patience=300)))
    np.testing.assert_array_equal(stopped.epochs, np.argmin(free.history.validation_loss, axis=1))
    np.testing.assert_array_equal(stopped.validation_loss, free.history.validation_loss.min(axis=1))
    impatient = train(replace(job, early_stopping=EarlyStopping(patience=3)))
    assert (impatient.epochs <= stopped.epochs).all()
    assert np.isnan(impatient.history.validation_loss[:, -1]).all()


def test_training_can_end_where_the_objective_no_longer_falls(train: Any) -> None:
    job = make(hidden=(40,), optimizer=Adam(0.05), epochs=300, record_every=1)
    free = train(job).history
    objective = free.data_loss + free.penalty
    patient = train(replace(job, early_stopping=EarlyStopping(300, watched="objective")))
    np.testing.assert_array_equal(patient.epochs, objective.argmin(axis=1))
    np.testing.assert_allclose(patient.data_loss + patient.penalty, objective.min(axis=1), rtol=1e-12)
    hasty = train(replace(job, early_stopping=EarlyStopping(3, 0.05, watched="objective")))
    assert (hasty.epochs < patient.epochs).all()


@pytest.mark.parametrize("watched", ["validation_loss", "objective"])
def test_nothing_is_kept_from_before_the_strengths_have_risen(watched: Any, train: Any) -> None:
    validation = (np.arange(ROWS) % 3 == 0).astype(float)
    fold = Fold.plain(1 - validation, INPUTS, 1, validation)
    stopping = EarlyStopping(patience=1, watched=watched)
    job = make(folds=(fold,), epochs=20, ramp=0.5, record_every=1)
    fits = train(replace(job, early_stopping=stopping))
    assert (fits.epochs >= 10).all()
    seen = train(job).history
    values = seen.validation_loss if watched == "validation_loss" else seen.data_loss + seen.penalty
    first_rise = 10 + np.argmax(np.diff(values[:, 10:], append=np.inf) >= 0, axis=1)
    np.testing.assert_array_equal(fits.epochs, first_rise)


def test_a_number_that_is_not_finite_is_no_improvement(train: Any) -> None:
    validation = np.ones(ROWS)
    fold = Fold.plain(np.ones(ROWS), INPUTS, 1, validation)
    job = make(folds=(fold,), optimizer=SGD(1e3), epochs=40, early_stopping=EarlyStopping(patience=5))
    fits = train(job)
    assert np.isfinite(fits.validation_loss).all()
    assert not fits.diverged.any()


def test_a_run_that_diverges_says_so_and_leaves_its_neighbours_alone(train: Any) -> None:
    good = make()
    start = tuple(np.concatenate([array, np.full_like(array[:1], np.inf)]) for array in good.start)
    job = make(runs=5, start=start)
    fits = train(job)
    assert list(fits.diverged) == [False] * 4 + [True]
    for a, b in zip(fits.parameters, train(good).parameters, strict=True):
        np.testing.assert_allclose(a[:4], b, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("batch_size", [1, 59, 60, 61, 1000])
def test_odd_batches(batch_size: Any, train: Any) -> None:
    fits = train(make(batch_size=batch_size, epochs=3))
    assert np.isfinite(fits.data_loss).all()
    if batch_size >= ROWS:
        full = train(make(epochs=3))
        for a, b in zip(fits.parameters, full.parameters, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


def test_every_epoch_of_minibatches_sees_every_row_once(train: Any) -> None:
    # A linear model at rate 0+ moves by the sum of the batches' gradients, which is the full gradient.
    whole = make(hidden=(), runs=1, optimizer=SGD(1e-6), epochs=1)
    batches = replace(whole, batch_size=6, optimizer=SGD(1e-7))
    start = whole.start[0]
    np.testing.assert_allclose((train(batches).parameters[0] - start), (train(whole).parameters[0] - start), rtol=1e-4)


@pytest.mark.parametrize("rows", [60, 61])
def test_the_last_batch_counts_however_small(rows: int, train: Any) -> None:
    batch_size = 20
    x, y = np.resize(X, (rows, INPUTS)), np.resize(Y, (rows, 1))
    job = make(
        x=x, target=y, hidden=(), runs=1, optimizer=SGD(1e-7), epochs=1, batch_size=batch_size,
        folds=(Fold.plain(np.ones(rows), INPUTS, 1),),
    )  # fmt: skip
    start = job.start[0]
    slopes = x * (x @ start[0] + job.start[1][0] - y)
    order_of_rows = order(0, 0, np.arange(rows))
    batches = [order_of_rows[first : first + batch_size] for first in range(0, rows, batch_size)]
    expected = -1e-7 * sum(slopes[batch].mean(axis=0) for batch in batches)
    np.testing.assert_allclose((train(job).parameters[0] - start)[0, :, 0], expected, rtol=1e-4)


def test_every_epoch_has_an_order_of_its_own(train: Any) -> None:
    # With one batch of one row per step and a rate that leaves only the last steps standing, orders show.
    job = make(hidden=(), runs=1, optimizer=SGD(0.05), epochs=1, batch_size=1)
    once = train(job).parameters[0]
    again = train(replace(job, start=train(job).parameters)).parameters[0]
    twice = train(replace(job, epochs=2)).parameters[0]
    assert not np.allclose(again, twice, rtol=1e-6)
    assert not np.allclose(once, twice, rtol=1e-6)


def test_batches_mind_row_weights(train: Any) -> None:
    # The mean of all batches' gradients, each row's weight over the mean weight of all rows, is the full gradient.
    weights = np.random.default_rng(1).uniform(0.1, 3, ROWS)
    fold = Fold.plain(weights, INPUTS, 1)
    whole = make(hidden=(), runs=1, optimizer=SGD(1e-6), epochs=1, folds=(fold,))
    batches = replace(whole, batch_size=6, optimizer=SGD(1e-7))
    start = whole.start[0]
    np.testing.assert_allclose(train(batches).parameters[0] - start, train(whole).parameters[0] - start, rtol=1e-4)


def test_dropout_differs_from_step_to_step_and_from_layer_to_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def spy(seed: Any, step: Any, layer: Any, rows: Any, units: Any) -> Any:
        seen.append((seed, step, layer))
        return uniform(seed, step, layer, rows, units)

    monkeypatch.setattr(reference, "uniform", spy)
    reference.train(make(runs=1, hidden=(4, 4), dropout=0.3, epochs=2, batch_size=30, seeds=np.array([9])))
    layers = [
        k for k, layer in enumerate(make(hidden=(4, 4), dropout=0.3).network.layers) if isinstance(layer, Dropout)
    ]
    assert seen == [(9, step, layer) for step in range(4) for layer in layers]


def test_decoupled_decay_leaves_biases_alone(train: Any) -> None:
    job = make(runs=1, optimizer=AdamW(1e-9, weight_decay=1e8), epochs=1)
    start = tuple(np.ones_like(array) for array in job.start)
    fits = train(replace(job, start=start))
    for k, array in enumerate(fits.parameters):
        np.testing.assert_allclose(array, 1.0 if k % 2 else 0.9, atol=1e-6)


def test_patience_and_tolerance_to_the_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = iter([9.0, 5.0, 4.0, 3.95, 3.9, 3.85, 3.0, 2.0, 1.0])
    monkeypatch.setattr(reference._Block, "_validation_loss", lambda _: np.array([next(losses, 0.0)]))
    fold = Fold.plain(np.ones(ROWS), INPUTS, 1, np.ones(ROWS))
    progress = Progress()
    job = make(runs=1, folds=(fold,), epochs=8, early_stopping=EarlyStopping(patience=3, tolerance=0.5))
    # 5 and 4 are improvements at epochs 1 and 2; the next three are too small, so it ends after epoch 5 with epoch 2's.
    assert reference.train(job, progress=progress).epochs.tolist() == [2]


def test_a_stopped_runs_history_ends_with_it(train: Any) -> None:
    validation = (np.arange(ROWS) % 3 == 0).astype(float)
    fold = Fold.plain(1 - validation, INPUTS, 1, validation)
    patience = 3
    job = make(
        runs=8, hidden=(40,), folds=(fold,), optimizer=Adam(0.05), epochs=60, record_every=1,
        early_stopping=EarlyStopping(patience),
    )  # fmt: skip
    fits = train(job)
    ends = np.minimum(fits.epochs + patience, 60)
    for run, end in enumerate(ends):
        recorded = np.isfinite(fits.history.validation_loss[run])
        np.testing.assert_array_equal(recorded, np.arange(61) <= end)


def test_dropout_trains_and_is_off_for_scoring(train: Any) -> None:
    job = make(dropout=0.5, epochs=50, record_every=50)
    fits = train(job)
    assert_same(fits, train(job))
    np.testing.assert_array_equal(fits.history.data_loss[:, -1], fits.data_loss)
    assert (fits.parameters[0][0] != train(make(epochs=50)).parameters[0][0]).any()


def test_group_penalties_drop_whole_inputs(train: Any) -> None:
    job = make(epochs=500, ramp=0.5)
    group = GroupLasso(per_run([0.0, 0.02, 0.05, 1.0]))
    fits = train(replace(job, penalties=(group, NO_PENALTY, *layer_penalties(job.network, weight_l2=0.001)[2:])))
    kept = fits.parameters[0].any(axis=2)
    whole = (fits.parameters[0] != 0).all(axis=2)
    np.testing.assert_array_equal(kept, whole)
    assert kept[0].all()
    assert kept[1, :3].all()
    assert not kept[3].any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_start_sets_the_precision(dtype: Any, train: Any) -> None:
    fits = train(make(dtype=dtype, polish=Polish(3)))
    assert {array.dtype for array in fits.parameters} == {np.dtype(dtype)}


def test_classification(train: Any) -> None:
    labels = np.digitize(X[:, 0], [-0.5, 0.5])
    fits = train(make(loss=CrossEntropy(), target=CrossEntropy().encode(labels), epochs=500))
    assert fits.data_loss[0] < 0.1
    binary = train(make(loss=BinaryCrossEntropy(), target=(X[:, :1] > 0).astype(float), epochs=300))
    assert binary.data_loss[0] < 0.1


def test_a_watch_counts_and_stops(train: Any) -> None:
    progress = Progress()
    job = make(runs=8, polish=Polish(3))
    train(job, progress=progress)
    assert progress.done == job.work == 8 * (30 + 3)
    halted = Progress()
    halted.stop = True
    with pytest.raises(StoppedError):
        train(job, progress=halted)


def test_a_job_warns_of_a_penalty_that_rescaling_escapes() -> None:
    job = make()
    with pytest.warns(EvadablePenaltyWarning, match="layer 1 carry a penalty and those of layer 2 none"):
        replace(job, penalties=layer_penalties(job.network, weight_l2=[0.1, 0.0]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": X[:, :3]}, "takes 5 inputs, x has 3"),
        ({"target": Y[:10]}, "target must be"),
        ({"x": np.where(X > 2, np.nan, X)}, "must be finite"),
        ({"fold": np.zeros(3, int)}, "one number for each of 4 runs"),
        ({"start": (np.zeros((4, 5, 6)),)}, "start needs arrays shaped"),
        ({"folds": (Fold.plain(np.zeros(ROWS), INPUTS, 1),)}, "at least one row"),
        ({"folds": (Fold.plain(-np.ones(ROWS), INPUTS, 1),)}, "zero or more"),
        ({"epochs": -1}, "epochs is zero or more"),
        ({"batch_size": 0}, "batch_size is at least 1"),
        ({"early_stopping": EarlyStopping()}, "needs a validation set"),
        ({"folds": (Fold.plain(np.full(ROWS, np.nan), INPUTS, 1),)}, "finite numbers"),
        ({"folds": (Fold.plain(np.ones(ROWS), INPUTS, 1, np.full(ROWS, np.inf)),)}, "finite numbers"),
        ({"target": np.where(Y > 1, np.inf, Y)}, "must be finite"),
        ({"x": csr_array(np.where(X > 2, np.nan, X))}, "must be finite"),
        ({"x": csc_array(X)}, "CSR format, got csc"),
        ({"x": csr_array(X), "folds": (replace(Fold.plain(np.ones(ROWS), 5, 1), center=np.ones(5)),)}, "fill a sparse"),
    ],
)
def test_mistakes_are_named(change: Any, words: Any) -> None:
    job = make()
    with pytest.raises(ValueError, match=words):
        replace(job, **change)


# What the reference engine alone can do.


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_an_optimizer_goes_on_where_it_stood(optimizer: Any) -> None:
    settings: dict[str, Any] = {"optimizer": replace(optimizer, schedule=InverseTime()), "runs": 8, "hidden": (8,)}
    whole = reference.train(make(**settings, epochs=12))
    first = reference.train(make(**settings, epochs=5))
    assert first.standing is not None
    assert first.standing.steps == 5
    job = replace(make(**settings, epochs=7), start=first.parameters, standing=first.standing)
    for fits in (
        reference.train(job, n_jobs=2),
        reference.train(replace(job, seeds=np.arange(8)[::-1], batch_size=ROWS)),
    ):
        for ours, theirs in zip(fits.parameters, whole.parameters, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-14)
    anew = reference.train(replace(job, standing=None))
    assert not np.allclose(anew.parameters[0], whole.parameters[0], rtol=1e-6)


def test_batches_in_order_take_the_rows_as_they_stand() -> None:
    job = make(runs=1, optimizer=SGD(0.05), epochs=3, batch_size=25, ordered=True)
    fits = reference.train(job)
    w, weights = job.start, []
    for _ in range(3):
        for rows in (slice(0, 25), slice(25, 50), slice(50, 60)):
            inside = np.zeros(ROWS)
            inside[rows] = 1
            fold = Fold.plain(inside, INPUTS, 1)
            w = reference.train(replace(job, start=w, epochs=1, folds=(fold,), batch_size=None)).parameters
            weights.append(w)
    for ours, theirs in zip(fits.parameters, w, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)
    assert not job.random


@pytest.mark.slow
def test_a_rate_that_follows_the_loss_is_each_runs_own() -> None:
    stopping = EarlyStopping(3, 1e-3, "objective", 5.0, 1e-4)
    job = make(runs=4, hidden=(40,), optimizer=SGD(0.2), epochs=2000, early_stopping=stopping, record_every=1)
    fits = reference.train(job)
    assert fits.history is not None
    assert fits.standing is not None
    ended = [int(np.isfinite(curve[1:]).sum()) for curve in fits.history.data_loss]
    assert len(set(ended)) > 1
    assert max(ended) < 2000
    np.testing.assert_allclose(fits.standing.rate, 0.2 / 5**5)  # the first that is at most 1e-4
    alone = reference.train(job.part(np.array([2])))
    np.testing.assert_array_equal(alone.parameters[0][0], fits.parameters[0][2])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ordered": True, "batch_size": 10}, "draws its batches at random"),
        ({"early_stopping": EarlyStopping(3, 0.0, "objective", 5.0)}, "rates do not follow the loss"),
        ({"optimizer": SGD(0.1, schedule=InverseScaling(1, ROWS))}, "no schedule InverseScaling"),
    ],
)
def test_the_compiled_engine_says_that_it_cannot(change: Any, words: Any) -> None:
    job = make(epochs=2)
    with pytest.raises(NotImplementedError, match=words):
        compiled.train(replace(job, **change))
    with pytest.raises(NotImplementedError, match="begin anew"):
        compiled.train(replace(job, standing=reference.train(job).standing))


def test_n_jobs_is_checked(train: Any) -> None:
    with pytest.raises(ValueError, match="n_jobs is 1 or more threads"):
        train(make(), n_jobs=0)


def test_fits_say_which_engine_ran() -> None:
    unknown: Any = "fast"
    assert train_by(make(epochs=1)).engine == f"compiled ({native.load()[0]})"
    assert train_by(make(epochs=1), engine="reference").engine == "reference"
    with pytest.raises(ValueError, match="one of compiled, reference, got 'fast'"):
        train_by(make(), engine=unknown)


def test_a_sparse_x_is_the_dense_one(train: Any) -> None:
    dense = np.where(np.random.default_rng(3).uniform(size=(ROWS, INPUTS)) < 0.3, X, 0.0)
    fold = replace(Fold.plain(np.ones(ROWS), INPUTS, 1), scale=np.array([1.0, 2.0, np.inf, 0.5, 3.0]))
    for batch_size, dtype in itertools.product((None, 7), (np.float32, np.float64)):
        job = make(x=dense, batch_size=batch_size, dtype=dtype, folds=(fold,), epochs=5)
        sparse = replace(job, x=csr_array(dense))
        for a, b in zip(train(job).parameters, train(sparse).parameters, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9 if dtype == np.float64 else 1e-4, atol=1e-6)


@pytest.mark.parametrize("units", [2, 3, 40])
@pytest.mark.parametrize("columns", [2, 300])
def test_a_sparse_x_of_few_or_many_columns_and_units(units: Any, columns: Any) -> None:
    generator = np.random.default_rng(0)
    x = csr_array(generator.normal(size=(90, columns)) * (generator.uniform(size=(90, columns)) < 0.05))
    doubled = csr_array((np.r_[x.data / 2, x.data / 2], np.r_[x.indices, x.indices], [0, *[2 * x.nnz] * 90]), x.shape)
    assert not doubled.has_canonical_format  # the same column twice in a row: the entries add up
    network = multilayer_perceptron(columns, [units], 2)
    job = make(network=network, hidden=(units,), x=x, target=generator.normal(size=(90, 2)), runs=1, epochs=4,
               penalties=tuple(NO_PENALTY for _ in network.shapes), optimizer=SGD(0.1, momentum=0.9),
               folds=(Fold.plain(np.ones(90), columns, 2),),
               start=tuple(w[None] for w in network.start("he", 1)))  # fmt: skip
    for a, b in zip(compiled.train(job).parameters, reference.train(job).parameters, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)


def long_job(train: Any) -> Job:
    """Return a job of 40 runs, each of which either engine trains for some hundredths of a second or more."""
    epochs = 3_000 if train.keywords["engine"] == "compiled" else 500
    return make(runs=40, epochs=epochs, hidden=(30,), seeds=np.arange(40), batch_size=20)


@pytest.mark.slow
def test_what_was_finished_before_a_stop_is_kept(train: Any) -> None:
    job = long_job(train)
    progress = Progress()

    def stop() -> None:
        _wait_for(progress, 3 * job.epochs)
        progress.stop = True

    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(StoppedError):
        train(job, progress=progress)
    kept = progress.finished_runs
    assert 0 < len(kept) < 40
    whole = train(job.part(kept[:1]))
    assert progress.finished is not None
    for a, b in zip(progress.finished.parameters, whole.parameters, strict=True):
        np.testing.assert_array_equal(a[0], b[0])


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_finished(train: Any) -> None:
    job = long_job(train)
    progress = Progress()
    process = os.getpid()

    def interrupt() -> None:
        _wait_for(progress, 3 * job.epochs)
        os.kill(process, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        train(job, progress=progress)
    assert 0 < len(progress.finished_runs) < 40
    assert progress.finished is not None
    assert len(progress.finished.data_loss) == len(progress.finished_runs)


def _wait_for(progress: Any, done: Any) -> None:
    while progress.done < done:
        time.sleep(0.01)


def test_a_job_that_cannot_fit_is_refused_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    job = make()
    size = memory.Size.of_job(job)
    assert 0 < memory.needed(size, 1) < 2**20
    assert memory.needed(size, 2) > memory.needed(size, 1)
    free = memory.available()
    assert free is not None
    assert free > 2**20
    monkeypatch.setattr(memory, "available", lambda: 1000)
    with pytest.raises(MemoryError, match=r"needs about .* GiB are free\. Fit fewer"):
        compiled.train(job)
