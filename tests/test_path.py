"""Laws of the path."""

import warnings
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold

from paths import changed, path_of, settings_of
from ridgewalk.arrays import standardization
from ridgewalk.engine import native, train
from ridgewalk.engine.progress import Progress, StoppedError
from ridgewalk.losses import AbsoluteError, BinaryCrossEntropy, Huber, SquaredError
from ridgewalk.path.result import connected
from ridgewalk.path.selection import choose

SETTINGS = settings_of((8,), max_iter=120, learning_rate=0.03)


def binary(rows: int = 150, inputs: Any = 6, seed: int = 0) -> tuple[Any, Any]:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, inputs))
    chance = 1 / (1 + np.exp(-3 * (x[:, 0] * x[:, 1] + np.sin(2 * x[:, 0]))))
    return x, (generator.uniform(size=rows) < chance).astype(float)[:, None]


def splits(rows: int, folds: int = 3, seed: int = 0) -> Any:
    return list(KFold(folds, shuffle=True, random_state=seed).split(np.empty((rows, 1))))


@pytest.fixture(scope="module")
def fitted() -> Any:
    x, target = binary()
    return path_of(x, target, BinaryCrossEntropy(), splits(150), SETTINGS, alphas=7, seeds=(0, 1))


def test_every_fold_seed_pair_is_there(fitted: Any) -> None:
    strengths, folds, seeds = 8, 3, 2
    assert fitted.alphas.shape == (strengths,)
    assert fitted.heldout_loss.shape == (strengths, folds, seeds)
    for name in ("train_loss", "objective", "penalty", "zeros", "units_kept", "residual", "diverged", "null_wins"):
        assert getattr(fitted, name).shape == (strengths, folds + 1, seeds), name
    assert fitted.inputs_kept.shape == (strengths, folds + 1, seeds, 6)
    assert fitted.row_loss.shape == (strengths, 150)
    assert [w.shape for w in fitted.parameters] == [(8, 2, 6, 8), (8, 2, 1, 8), (8, 2, 8, 1), (8, 2, 1, 1)]
    assert np.isfinite(fitted.heldout_loss).all()
    assert fitted.engine == f"compiled ({native.load()[0]})"


def test_the_grid_rises_from_zero_to_the_null_model(fitted: Any) -> None:
    assert fitted.alphas[0] == 0
    assert (np.diff(fitted.alphas) > 0).all()
    assert fitted.penalty[0].max() == 0
    top = [w[-1] for w in fitted.parameters]
    assert (top[0] == 0).all()
    assert (top[2] == 0).all()
    assert fitted.zeros[-1].min() == 1
    assert fitted.units_kept[-1].max() == 0
    np.testing.assert_allclose(fitted.row_loss[-1], fitted.null_row_loss, rtol=1e-5)


def test_the_path_leaves_the_null_model_from_the_dense_side(fitted: Any) -> None:
    # From zero it could not: an all-zero ReLU network is stationary at every strength.
    assert not fitted.null_wins[1:4].any()
    assert (fitted.inputs_kept[1:4, :, :, :2]).all()
    assert (fitted.train_loss[1] < 0.5 * fitted.train_loss[-1]).all()
    assert (np.diff(fitted.zeros.mean(axis=(1, 2))) > -0.02).all()
    assert (np.diff(fitted.train_loss.mean(axis=(1, 2))) > -0.01).all()


def test_no_network_is_worse_than_the_null_model(fitted: Any) -> None:
    null = fitted.objective[-1].max(axis=-1)
    assert (fitted.objective[1:] <= null[:, None] + 1e-9).all()


def test_row_losses_are_the_folds_losses_row_by_row(fitted: Any) -> None:
    for k, (_, held_out) in enumerate(splits(150)):
        np.testing.assert_allclose(
            fitted.row_loss[:, held_out].mean(axis=1), fitted.heldout_loss[:, k].mean(axis=-1), rtol=1e-12
        )


def test_masks_are_rows_too() -> None:
    x, target = binary(60)
    mask = np.arange(60) < 30
    settings = changed(SETTINGS, max_iter=20)
    by_mask = path_of(x, target, BinaryCrossEntropy(), [(mask, ~mask)], settings, [0.01])
    by_number = path_of(x, target, BinaryCrossEntropy(), [(np.arange(30), np.arange(30, 60))], settings, [0.01])
    np.testing.assert_array_equal(by_mask.heldout_loss, by_number.heldout_loss)


def test_scores_are_those_of_the_weighted_rows() -> None:
    """Every held-out number once more by hand: a linear model, unequal weights, rows held out twice or never."""
    x, target = binary(80)
    weights = np.random.default_rng(5).uniform(0.2, 3, 80)
    folds = [(np.arange(20, 80), np.arange(20)), (np.r_[np.arange(10), np.arange(40, 80)], np.arange(10, 40))]
    settings = settings_of((), l1_ratio=1.0)
    path = path_of(x, target, BinaryCrossEntropy(), folds, settings, [0.01], sample_weight=weights, standardize=False)
    loss, row_loss, counts, null = BinaryCrossEntropy(), np.zeros(80), np.zeros(80), np.zeros(80)
    for k, (train_rows, held_out) in enumerate(folds):
        share = weights[train_rows] / weights[train_rows].sum()
        alone = path_of(
            x[train_rows], target[train_rows], loss, [(np.arange(10), np.arange(10, 20))], settings, [0.01],
            sample_weight=weights[train_rows], standardize=False,
        )  # fmt: skip
        w, b = alone.model(1).raw_parameters()
        losses = loss.values(x[held_out] @ w + b, target[held_out])
        assert path.heldout_loss[1, k, 0] == pytest.approx(np.average(losses, weights=weights[held_out]), rel=1e-5)
        training = loss.values(x[train_rows] @ w + b, target[train_rows])
        assert path.train_loss[1, k, 0] == pytest.approx(np.average(training, weights=weights[train_rows]), rel=1e-5)
        assert path.penalty[1, k, 0] == pytest.approx(0.01 * np.abs(w).sum(), rel=1e-4)
        row_loss[held_out] += losses
        constant = share @ target[train_rows, 0]
        null[held_out] -= np.log(np.where(target[held_out, 0] == 1, constant, 1 - constant))
        counts[held_out] += 1
    scored = counts > 0
    assert (counts == 2).sum() == 10
    assert (counts == 0).sum() == 40
    np.testing.assert_allclose(path.row_loss[1, scored], row_loss[scored] / counts[scored], rtol=1e-4)
    np.testing.assert_allclose(path.null_row_loss[scored], null[scored] / counts[scored], rtol=1e-9)
    np.testing.assert_array_equal(path.row_weights, np.where(scored, weights, 0))


@pytest.mark.parametrize(("loss", "power"), [(SquaredError(), 2), (Huber(), 2), (AbsoluteError(), 1)])
def test_a_targets_unit_changes_no_choice(loss: Any, power: Any) -> None:
    x, _ = binary(90)
    y = x[:, :1] + np.sin(3 * x[:, 1:2])
    settings = changed(SETTINGS, dtype="float64", max_iter=40)
    one, other = (path_of(x, unit * y, loss, splits(90), settings, [0.001, 0.1]) for unit in (1.0, 1e3))
    np.testing.assert_allclose(other.row_loss, 1e3**power * one.row_loss, rtol=1e-4)


def test_several_targets_count_by_their_own_deviation() -> None:
    x, _ = binary(90)
    y = np.hstack([x[:, :1] + np.sin(3 * x[:, 1:2]), np.random.default_rng(0).normal(size=(90, 1))])
    settings = changed(SETTINGS, dtype="float64", max_iter=40)
    one, other = (path_of(x, y * unit, SquaredError(), splits(90), settings, alphas=4) for unit in ([1, 1], [1, 1e3]))
    np.testing.assert_allclose(other.row_loss, one.row_loss, rtol=1e-5)
    assert one.null_row_loss.mean() == pytest.approx(1, rel=0.1)


def test_a_column_that_is_constant_in_a_fold_teaches_nothing_there() -> None:
    x, target = binary(60)
    x[:, 5] = 0
    x[0, 5] = 1e6
    folds = [(np.arange(20, 60), np.arange(20)), (np.arange(40), np.arange(40, 60))]
    path = path_of(x, target, BinaryCrossEntropy(), folds, SETTINGS, [0.01])
    without = path_of(x[:, :5], target, BinaryCrossEntropy(), folds, SETTINGS, [0.01])
    assert not path.inputs_kept[:, 0, :, 5].any()
    assert path.inputs_kept[0, 1, 0, 5]
    assert path.heldout_loss[0, 0, 0] < 3 * without.heldout_loss[0, 0, 0]


def test_inputs_and_units_count_where_they_lead_to_an_output() -> None:
    shape = (1, 1, 1)
    below = np.zeros((*shape, 3, 3), dtype=bool)
    below[..., 0, 0] = below[..., 1, 1] = True  # input 0 to unit 0, input 1 to unit 1; input 2 nowhere
    middle = np.zeros((*shape, 3, 2), dtype=bool)
    middle[..., 0, 0] = middle[..., 2, 0] = middle[..., 1, 1] = True  # unit 2 leads up, but nothing reaches it
    above = np.zeros((*shape, 2, 1), dtype=bool)
    above[..., 0, 0] = True  # the second layer's unit 1, and so input 1, lead nowhere
    inputs, units = connected([below, middle, above])
    assert inputs.ravel().tolist() == [True, False, False]
    assert units.item() == 2
    inputs, units = connected([below])
    assert inputs.ravel().tolist() == [True, True, False]
    assert units.item() == 0


def test_the_unpenalized_arm_is_never_replaced_by_the_null_model() -> None:
    x, target = binary(60)
    settings = changed(SETTINGS, max_iter=1, learning_rate=5.0)
    path = path_of(x, target, BinaryCrossEntropy(), splits(60), settings, [0.001, 5.0])
    assert (path.objective[0] > 0.7).any()
    assert not path.null_wins[0].any()
    assert path.null_wins[2].all()
    for name in ("penalty", "residual", "units_kept"):
        assert (getattr(path, name)[path.null_wins] == 0).all()
    np.testing.assert_allclose(path.objective[2, -1], 0.6931, atol=0.01)


def test_the_model_handed_over_never_diverged() -> None:
    x, target = binary(60)
    path = path_of(x, target, BinaryCrossEntropy(), splits(60), changed(SETTINGS, max_iter=5), [0.001], seeds=(0, 1, 2))
    best = path.best_seed(1)
    lost = path.diverged.copy()
    lost[1, -1, best] = True
    assert replace(path, diverged=lost).best_seed(1) != best


def test_seeds_start_apart_and_folds_alike() -> None:
    x, target = binary(60)
    path = path_of(x, target, BinaryCrossEntropy(), splits(60), changed(SETTINGS, max_iter=3), [0.001], seeds=(0, 1))
    assert (path.parameters[0][0, 0] != path.parameters[0][0, 1]).all()


def jobs_in(monkeypatch: pytest.MonkeyPatch, fits: Any = None) -> Any:
    """Look at the engine's jobs, and keep what comes of them."""
    seen = []

    def spy(job: Any, n_jobs: Any, progress: Any, engine: Any) -> Any:
        done = train(job, n_jobs, progress, engine)
        seen.append(job)
        if fits is not None:
            fits.append(done)
        return done

    monkeypatch.setattr("ridgewalk.engine.runner.train", spy)
    return seen


def jobs_of(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    """Fit a path, and return the engine's jobs."""
    fits: list[Any] = []
    jobs = jobs_in(monkeypatch, fits)
    x, target = binary(60)
    path_of(x, target, BinaryCrossEntropy(), splits(60), settings, [0.001, 0.01])
    return list(zip(jobs, fits, strict=True))


def test_the_ramp_raises_every_strength_from_one_dense_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    (first, dense), (main, _) = jobs_of(monkeypatch, changed(SETTINGS, max_iter=12))
    assert (first.epochs, first.ramp, first.runs) == (4, 0, 4)
    assert first.optimizer.learning_rate == 2 * main.optimizer.learning_rate
    assert not any(penalty.acts for penalty in first.penalties)
    assert (main.epochs, main.ramp, main.runs) == (12, 0.5, 12)
    for start, fitted in zip(main.start, dense.parameters, strict=True):
        np.testing.assert_array_equal(start, np.concatenate([fitted] * 3))


def test_the_sequential_schedule_starts_each_strength_from_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = jobs_of(monkeypatch, changed(SETTINGS, max_iter=12, schedule="sequential"))
    fitted = seen[:4]  # what follows measures, and trains on at strength 0
    for (_, before), (job, _) in pairwise(fitted):
        assert job.epochs == 12
        for start, fitted in zip(job.start, before.parameters, strict=True):
            np.testing.assert_array_equal(start, fitted)


@pytest.mark.parametrize(("activation", "rule"), [("relu", "he"), ("gelu", "he"), ("tanh", "glorot")])
def test_activations_start_as_suits_them(monkeypatch: pytest.MonkeyPatch, activation: Any, rule: Any) -> None:
    (first, _), *_ = jobs_of(monkeypatch, changed(SETTINGS, max_iter=3, activation=activation))
    expected = first.network.start(rule, 0)[0].astype(np.float32)
    for start in first.start[0]:
        np.testing.assert_array_equal(start, expected)


def test_excluding_an_input_is_no_penalty_that_rescaling_escapes() -> None:
    x, target = binary(60)
    settings = changed(SETTINGS, max_iter=3, penalty_factors=np.array([1, 1, 1, 1, 1, np.inf]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = path_of(x, target, BinaryCrossEntropy(), splits(60), settings, [0.01])
    assert not path.inputs_kept[..., 5].any()


def test_the_raw_arrays_take_columns_as_they_came_and_are_the_best_seeds() -> None:
    x, y = load_diabetes(return_X_y=True, scaled=False)
    path = path_of(x, y[:, None], SquaredError(), splits(len(x)), SETTINGS, alphas=6, seeds=(0, 1, 2))
    best = [path.best_seed(index) for index in range(4)]
    assert any(best)
    for index, seed in enumerate(best):
        assert path.objective[index, -1, seed] == path.objective[index, -1].min()
        output = path.model(index).output(x)
        assert 0.5 * ((output[:, 0] - y) ** 2).mean() == pytest.approx(path.train_loss[index, -1, seed], rel=1e-5)


@pytest.mark.parametrize("schedule", ["ramp", "sequential"])
@pytest.mark.parametrize("penalty", ["elasticnet", "group_lasso"])
def test_nothing_of_the_held_out_rows_is_seen(schedule: Any, penalty: Any) -> None:
    x, target = binary(90)
    folds = splits(90)
    held_out = folds[0][1]
    planted_x, planted_target = x.copy(), target.copy()
    planted_x[held_out] = 1e3
    planted_target[held_out] = 1 - planted_target[held_out]
    settings = changed(SETTINGS, schedule=schedule, penalty=penalty, max_iter=30)
    alphas = [0.001, 0.01, 0.1]
    before, after = (
        path_of(data, goal, BinaryCrossEntropy(), folds, settings, alphas)
        for data, goal in ((x, target), (planted_x, planted_target))
    )
    for name in ("train_loss", "objective", "penalty", "zeros", "residual", "inputs_kept"):
        np.testing.assert_array_equal(getattr(before, name)[:, 0], getattr(after, name)[:, 0])
        assert name == "inputs_kept" or (getattr(before, name)[:, 1] != getattr(after, name)[:, 1]).any()


def test_a_regression_target_is_standardized_on_each_fold_alone() -> None:
    x, _ = binary(90)
    y = (50 + 20 * x[:, :1]) + np.random.default_rng(0).normal(size=(90, 1))
    folds = splits(90)
    planted = y.copy()
    planted[folds[0][1]] *= 1e4
    settings = changed(SETTINGS, max_iter=30)
    before, after = (path_of(x, goal, SquaredError(), folds, settings, [0.01]) for goal in (y, planted))
    np.testing.assert_array_equal(before.train_loss[:, 0], after.train_loss[:, 0])


def test_units_of_columns_and_target_do_not_matter() -> None:
    x, _ = binary(90)
    y = x[:, :1] + np.sin(3 * x[:, 1:2])
    unit = np.array([1e-6, 1e6, 1, 3, 1e-3, 1e3])
    settings = changed(SETTINGS, dtype="float64", max_iter=40)
    one = path_of(x, y, SquaredError(), splits(90), settings, alphas=4)
    other = path_of(x * unit + 5 * unit, 1e4 * y - 7, SquaredError(), splits(90), settings, alphas=4)
    np.testing.assert_allclose(other.alphas, one.alphas, rtol=1e-9)
    np.testing.assert_allclose(other.heldout_loss, 1e8 * one.heldout_loss, rtol=1e-4)


def test_the_numbers_do_not_depend_on_threads() -> None:
    x, target = binary(90)
    one, two = (
        path_of(x, target, BinaryCrossEntropy(), splits(90), changed(SETTINGS, max_iter=30), 4, n_jobs=n)
        for n in (1, 2)
    )
    np.testing.assert_array_equal(one.heldout_loss, two.heldout_loss)


def test_both_schedules_find_the_same_losses() -> None:
    x, target = binary(400)
    found = [
        path_of(
            x,
            target,
            BinaryCrossEntropy(),
            splits(400),
            changed(SETTINGS, schedule=name, max_iter=200),
            6,
            seeds=(0, 1, 2),
        )
        for name in ("ramp", "sequential")
    ]
    best = [path.heldout_loss.mean(axis=(1, 2)).min() for path in found]
    assert best[0] == pytest.approx(best[1], rel=0.1)
    assert (found[1].zeros[-1] == 1).all()


def test_sample_weights_count_rows() -> None:
    x, target = binary(60)
    counts = np.ones(60)
    counts[:20] = 2
    twice = np.r_[np.arange(60), np.arange(20)]
    folds = splits(60)
    doubled = [tuple(np.flatnonzero(np.isin(twice, part)) for part in fold) for fold in folds]
    settings = changed(SETTINGS, dtype="float64", max_iter=40)
    weighted = path_of(x, target, BinaryCrossEntropy(), folds, settings, alphas=3, sample_weight=counts)
    repeated = path_of(x[twice], target[twice], BinaryCrossEntropy(), doubled, settings, alphas=3)
    np.testing.assert_allclose(weighted.alphas, repeated.alphas, rtol=0.1)  # quantiles of hinges are unweighted
    route_at = path_of(x[twice], target[twice], BinaryCrossEntropy(), doubled, settings, alphas=weighted.alphas)
    np.testing.assert_allclose(weighted.heldout_loss, route_at.heldout_loss, rtol=1e-6)


def test_penalty_factors_free_and_exclude() -> None:
    x, target = binary(120)
    factors = np.array([0.0, 1, 1, 1, 1, np.inf])
    settings = changed(SETTINGS, penalty_factors=factors, hidden_layer_sizes=())
    path = path_of(x, target, BinaryCrossEntropy(), splits(120), settings, alphas=5)
    assert path.inputs_kept[:, :, :, 0].all()
    assert not path.inputs_kept[:, :, :, 5].any()
    assert not path.inputs_kept[-1, -1, :, 1:].any()


def test_the_linear_top_is_the_exact_critical_strength_of_its_steepest_fold() -> None:
    x, target = binary()
    settings = settings_of((), l1_ratio=0.8)
    top = path_of(x, target, BinaryCrossEntropy(), splits(150), settings, alphas=2).alphas[-1]
    path = path_of(x, target, BinaryCrossEntropy(), splits(150), settings, [0.999 * top, 1.000001 * top])
    kept = path.inputs_kept.any(axis=(-1, -2))
    assert not kept[2].any()
    assert kept[1].sum() == 1


@pytest.mark.parametrize(("l1_ratio", "activation"), [(1.0, "relu"), (0.5, "tanh"), (0.0, "relu")])
def test_at_the_top_the_null_model_wins_whatever_the_mix(l1_ratio: Any, activation: Any) -> None:
    x, target = binary(150)
    settings = changed(SETTINGS, l1_ratio=l1_ratio, activation=activation)
    path = path_of(x, target, BinaryCrossEntropy(), splits(150), settings, alphas=8)
    assert path.zeros[-1].min() == 1
    assert path.zeros[1].max() < 1
    assert path.train_loss[1].max() < path.train_loss[-1].min()


def test_strengths_may_be_given() -> None:
    x, target = binary(60)
    path = path_of(x, target, BinaryCrossEntropy(), splits(60), changed(SETTINGS, max_iter=5), alphas=[0.1, 0.01, 0.1])
    np.testing.assert_array_equal(path.alphas, [0, 0.01, 0.1])


def test_the_watch_counts_all_of_it_and_stops_it() -> None:
    x, target = binary(60)
    for settings in (
        changed(SETTINGS, max_iter=12),
        changed(SETTINGS, max_iter=12, schedule="sequential", batch_size=16),
        settings_of(()),
    ):
        progress = Progress()
        path_of(x, target, BinaryCrossEntropy(), splits(60), settings, 3, progress=progress)
        assert progress.done == pytest.approx(progress.total, rel=1e-9)
        assert progress.total > 0
    progress = Progress()
    progress.stop = True
    with pytest.raises(StoppedError):
        path_of(x, target, BinaryCrossEntropy(), splits(60), SETTINGS, 3, progress=progress)


def test_fits_that_diverge_never_win() -> None:
    x, target = binary(60)
    target = 1e3 * target
    settings = changed(SETTINGS, learning_rate=1e30, max_iter=20, dtype="float32")
    path = path_of(x, target, SquaredError(), splits(60), settings, [0.01], standardize=False)
    assert path.diverged.any()
    assert np.isinf(path.row_loss[0]).any()


def test_a_training_row_drawn_twice_counts_twice() -> None:
    x, target = binary(60)
    (train_rows, held_out), *_ = splits(60)
    drawn = np.r_[train_rows, np.intersect1d(train_rows, np.arange(10))]
    settings = changed(SETTINGS, dtype="float64", max_iter=30)
    bootstrap = path_of(x, target, BinaryCrossEntropy(), [(drawn, held_out)], settings, [0.01])
    counts = np.bincount(drawn, minlength=60)
    rows = np.repeat(np.arange(60), np.maximum(counts, 1))
    repeated = [(np.flatnonzero(np.isin(rows, train_rows)), np.flatnonzero(np.isin(rows, held_out)))]
    plain = path_of(x[rows], target[rows], BinaryCrossEntropy(), repeated, settings, [0.01])
    np.testing.assert_allclose(bootstrap.heldout_loss, plain.heldout_loss, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: path_of(*binary(), BinaryCrossEntropy(), splits(150), alphas=[-1.0]), "strengths of zero or more"),
        (lambda: path_of(*binary(), BinaryCrossEntropy(), splits(150), alphas=[]), "strengths of zero or more"),
        (lambda: path_of(*binary(), BinaryCrossEntropy(), []), "at least one fold"),
        (lambda: path_of(*binary(), BinaryCrossEntropy(), [([], [0])]), "Fold 0 trains on 0 rows of weight above 0"),
        (
            lambda: path_of(*binary(), BinaryCrossEntropy(), splits(150), sample_weight=np.arange(150) < 0),
            "trains on 0 rows of weight above 0",
        ),
        (lambda: path_of(*binary(), BinaryCrossEntropy(), [([0], [])]), "holds out 0"),
        (lambda: path_of(*binary(), BinaryCrossEntropy(), [([0, 1], [1, 2])]), "one that it trains on"),
        (lambda: path_of(*binary(), BinaryCrossEntropy(), [([0, 1], [2, 2])]), "holds out a row twice"),
        (
            lambda: path_of(*binary(), BinaryCrossEntropy(), splits(150), settings_of(penalty_factors=np.ones(2)), 2),
            "one number per input",
        ),
    ],
)
def test_mistakes_are_named(make: Any, words: Any) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_both_engines_fit_the_same_path() -> None:
    x, target = binary(80)
    paths = [
        path_of(x, target, BinaryCrossEntropy(), splits(80), changed(SETTINGS, dtype="float64"), 4, engine=engine)
        for engine in ("compiled", "reference")
    ]
    np.testing.assert_allclose(paths[0].alphas, paths[1].alphas, rtol=1e-12)
    np.testing.assert_allclose(paths[0].heldout_loss, paths[1].heldout_loss, rtol=1e-5)
    assert paths[1].engine == "reference"


def test_a_path_ends_where_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    x, target = binary(90)
    common = (x, target, BinaryCrossEntropy(), splits(90), changed(SETTINGS, max_iter=60), 12)
    seen = jobs_in(monkeypatch)
    progress = Progress()
    short = path_of(*common, progress=progress)
    assert progress.done == pytest.approx(progress.total, rel=1e-9)
    trained = sum(job.runs for job in seen if job.ramp) / 4
    ended = short.n_iter.max(axis=(1, 2)) == 0
    assert 1 <= ended.sum() <= 13 - trained + 3  # 16 runs are trained at once, 4 strengths here
    assert ended[-1]
    assert trained < 13
    assert short.null_wins[ended].all()
    monkeypatch.setattr("ridgewalk.path.fit._nothing_left", lambda *_: False)
    whole = path_of(*common)
    for name in ("heldout_loss", "objective", "penalty", "layer_zeros", "null_wins", "row_loss"):
        np.testing.assert_array_equal(getattr(short, name), getattr(whole, name), err_msg=name)


def test_where_it_ends_does_not_depend_on_threads() -> None:
    x, target = binary(90)
    common = (x, target, BinaryCrossEntropy(), splits(90), changed(SETTINGS, max_iter=60), 12)
    one, many = (path_of(*common, n_jobs=n) for n in (1, 7))
    np.testing.assert_array_equal(one.n_iter, many.n_iter)
    np.testing.assert_array_equal(one.row_loss, many.row_loss)


def test_a_score_is_asked_for_every_fold_on_the_rows_that_it_held_out() -> None:
    x, target = binary(60)
    folds, asked = splits(60), []

    def score(model: Any, rows: Any) -> Any:
        asked.append(rows)
        return float(((model.output(x[rows]) > 0) == (target[rows] > 0)).mean())

    path = path_of(x, target, BinaryCrossEntropy(), folds, changed(SETTINGS, max_iter=20), [0.01], (0, 1), score=score)
    assert path.heldout_score.shape == path.heldout_loss.shape
    for k, (_, held_out) in enumerate(folds):
        assert sum(np.array_equal(rows, held_out) for rows in asked) == 2 * 2, k
    # The loss knows nothing of the score; both come from the same networks.
    assert np.corrcoef(path.heldout_score.ravel(), path.heldout_loss.ravel())[0, 1] < 0


def test_each_layers_zeros_iterations_and_convergence_are_told(fitted: Any) -> None:
    sizes = np.array([6 * 8, 8 * 1])
    np.testing.assert_allclose(fitted.zeros, fitted.layer_zeros @ sizes / sizes.sum())
    for layer in range(2):
        zeros = (fitted.parameters[2 * layer] == 0).mean(axis=(-2, -1))
        np.testing.assert_array_equal(fitted.layer_zeros[:, -1, :, layer], zeros)
    assert set(np.unique(fitted.n_iter[1:])) <= {0, SETTINGS.max_iter}
    assert set(np.unique(fitted.n_iter[0])) <= {SETTINGS.max_iter // 3, SETTINGS.max_iter}
    np.testing.assert_array_equal(fitted.converged, fitted.residual <= 1e-3)
    np.testing.assert_allclose(fitted.frequency(4), fitted.inputs_kept[4, :-1].mean(axis=(0, 1)))


def test_sparse_columns_are_scaled_and_give_what_the_dense_ones_give() -> None:
    x, target = binary(90)
    x[np.abs(x) < 0.7] = 0
    x[:, 4] = 0
    common = (target, BinaryCrossEntropy(), splits(90))
    settings = changed(SETTINGS, max_iter=60, dtype="float64")
    ours = path_of(csr_array(x), *common, settings, 6, sample_weight=np.linspace(0.5, 2, 90))
    assert (ours.whole.center == 0).all()
    # The same by hand: the columns of the whole table scaled, one fold that has all rows.
    scale = ours.whole.scale
    np.testing.assert_allclose(scale[:4], standardization(x, np.linspace(0.5, 2, 90))[1][:4], rtol=1e-12)
    assert np.isinf(scale[4])
    by_hand = path_of(
        x / scale, *common, settings, ours.alphas, sample_weight=np.linspace(0.5, 2, 90), standardize=False
    )
    np.testing.assert_allclose(ours.objective[:, -1], by_hand.objective[:, -1], rtol=1e-6)
    assert not ours.inputs_kept[..., 4].any()
    np.testing.assert_allclose(ours.model(3).output(csr_array(x)), ours.model(3).output(x), rtol=1e-12)


def test_the_strength_per_layer_and_on_biases() -> None:
    x, target = binary(90)
    settings = changed(SETTINGS, max_iter=60, layer_factors=(3.0, 0.5), bias_alpha=0.02, l1_ratio=0.4)
    path = path_of(x, target, BinaryCrossEntropy(), splits(90), settings, 5)
    kept = (path.n_iter[:, -1, 0] > 0) & ~path.null_wins[:, -1, 0]
    assert kept.sum() > 2
    for s in np.flatnonzero(kept):
        w1, b1, w2, b2 = (array[s, 0].astype(float) for array in path.parameters)

        def pay(w: Any) -> Any:
            return 0.4 * np.abs(w).sum() + 0.3 * (w**2).sum()

        bias = 0.02 * (pay(b1) + pay(b2)) if path.alphas[s] > 0 else 0
        assert path.penalty[s, -1, 0] == pytest.approx(path.alphas[s] * (3 * pay(w1) + 0.5 * pay(w2)) + bias, rel=1e-4)
    # The null model's own bias pays, too: its objective is the lowest that a constant can have.
    grid = np.linspace(-3, 3, 60_001)
    loss = np.logaddexp(0, grid) - target.mean() * grid + 0.02 * (0.4 * np.abs(grid) + 0.3 * grid**2)
    assert path.null_wins[-1].all()
    assert path.objective[-1, -1, 0] == pytest.approx(loss.min(), rel=1e-6)


SELECTING = [settings_of((), l1_ratio=1.0), settings_of((6,), l1_ratio=1.0), settings_of((6,), penalty="group_lasso")]


@pytest.mark.slow
@pytest.mark.parametrize("settings", SELECTING, ids=["linear", "L1", "group lasso"])
def test_the_selection_safe_strength_keeps_noise_out_and_signals_in(settings: Any) -> None:
    settings = changed(settings, max_iter=120, learning_rate=0.03)
    rows, kept = np.arange(300), []
    for seed in range(12):
        generator = np.random.default_rng(seed)
        x, noise = generator.normal(size=(300, 8)), generator.integers(0, 2, (300, 1)).astype(float)
        path = path_of(x, noise, BinaryCrossEntropy(), [(rows[:200], rows[200:])], settings, "qut", (seed,), n_jobs=2)
        assert len(path.alphas) == 2
        kept.append(path.inputs_kept[1, -1, 0].any())
    assert sum(kept) <= 3  # a true level of 1 in 21 fails this once in 500
    chance = 1 / (1 + np.exp(-3 * x[:, :1] + 2 * x[:, 1:2]))
    signal = (generator.uniform(size=(300, 1)) < chance).astype(float)
    path = path_of(x, signal, BinaryCrossEntropy(), [(rows[:200], rows[200:])], settings, "qut", n_jobs=2)
    assert path.inputs_kept[1, -1, 0, :2].all()


def test_what_has_no_kink_selects_nothing() -> None:
    x, target = binary(60)
    rows = np.arange(60)
    with pytest.raises(ValueError, match="l1_ratio above 0"):
        path_of(x, target, BinaryCrossEntropy(), [(rows[:40], rows[40:])], settings_of((4,), l1_ratio=0.0), "qut")
    with pytest.raises(ValueError, match="\"qut\", got 'best'"):
        path_of(x, target, BinaryCrossEntropy(), [(rows[:40], rows[40:])], settings_of((4,)), "best")


def test_the_networks_of_the_folds_are_kept_with_what_they_give_for_held_out_rows(fitted: Any) -> None:
    x, target = binary()
    for fold, (_, rows) in enumerate(splits(150)):
        for index in (0, 3, 7):
            outputs = fitted.fold_networks.outputs_at(index)[fold]
            assert outputs.shape == (2, len(rows), 1)
            models = [fitted.fold_model(index, fold, seed) for seed in range(2)]
            for output, model in zip(outputs, models, strict=True):
                np.testing.assert_allclose(output, model.output(x[rows]), rtol=1e-5, atol=1e-5)
            losses = BinaryCrossEntropy().values(outputs.astype(float), target[rows])
            np.testing.assert_allclose(losses.mean(axis=0), fitted.fold_row_loss[fold][index], rtol=1e-4, atol=1e-5)


def test_outputs_of_a_regression_are_in_the_units_of_the_target() -> None:
    x, y = load_diabetes(return_X_y=True)
    path = path_of(x, y[:, None], SquaredError(), splits(len(x)), changed(SETTINGS, max_iter=20), [0.01])
    for fold, (_, rows) in enumerate(splits(len(x))):
        (output,) = path.fold_networks.outputs_at(1)[fold]
        assert np.mean((output - y[rows, None]) ** 2) / 2 == pytest.approx(path.heldout_loss[1, fold, 0], rel=1e-4)


def test_of_very_many_outputs_those_of_the_strengths_that_may_be_chosen_are_kept(
    fitted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ridgewalk.path.result.MOST_OUTPUTS", 1000)
    x, target = binary()
    path = path_of(x, target, BinaryCrossEntropy(), splits(150), SETTINGS, alphas=7, seeds=(0, 1))
    choice = choose(path.row_loss, path.row_weights)
    networks = path.fold_networks
    assert set(networks.strengths) == {0, choice.minimum, choice.one_standard_error, 7}
    for index in networks.strengths:
        for kept, whole in zip(networks.outputs_at(index), fitted.fold_networks.outputs_at(index), strict=True):
            np.testing.assert_array_equal(kept, whole)
    missing = next(index for index in range(8) if index not in networks.strengths)
    with pytest.raises(ValueError, match=f"and {missing} is none of them"):
        networks.outputs_at(missing)
    np.testing.assert_array_equal(path.heldout_loss, fitted.heldout_loss)
