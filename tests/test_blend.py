"""A blend's weights are those of the greedy formula, never saw the rows they are scored on, and predict as they say."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import KFold, ShuffleSplit

from paths import settings_of
from ridgewalk.engine import Runner
from ridgewalk.losses import AbsoluteError, BinaryCrossEntropy, CrossEntropy, Huber, Loss, Poisson, SquaredError
from ridgewalk.mixture import Mixture
from ridgewalk.objective import weighted_mean
from ridgewalk.path import blend as blend_module
from ridgewalk.path.blend import Blend, blended_outputs, blended_training, fit_blend, mixture_of
from ridgewalk.path.fit import fit_path
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.result import MLPPath

ROWS = 60
DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(ROWS, 4))
SIGNAL = X[:, 0] * X[:, 1] + X[:, 2] + 0.3 * DRAWS.normal(size=ROWS)
TARGETS: dict[str, tuple[Loss, Any]] = {
    "two classes": (BinaryCrossEntropy(), SIGNAL > 0),
    "three classes": (CrossEntropy(), np.digitize(SIGNAL, [-0.5, 0.7])),
    "labels": (BinaryCrossEntropy(), np.stack([SIGNAL > 0, SIGNAL > 1], axis=1).astype(int)),
    "numbers": (SquaredError(), 5 + 3 * SIGNAL),
    "two targets": (SquaredError(), np.stack([SIGNAL, 100 * X[:, 3]], axis=1)),
    "absolute": (AbsoluteError(), 5 + 3 * SIGNAL),
    "huber": (Huber(), 5 + 3 * SIGNAL),
    "counts": (Poisson(), np.floor(np.exp(SIGNAL / 2))),
}


def problem_of(name: str, splitter: Any = None, weights: Any = None, seeds: Any = (0,)) -> PathProblem:
    loss, y = TARGETS[name]
    splits = list((splitter or KFold(3, shuffle=True, random_state=0)).split(X))
    return PathProblem.of(X, loss.encode(y), loss, splits, seeds, weights)


def paths_of(problem: PathProblem) -> list[MLPPath]:
    settings = settings_of((6,), max_iter=40)
    return [fit_path(problem, each, 3, Runner()) for each in (settings, replace(settings, activation="tanh"))]


def slow_losses(problem: PathProblem, predicted: Any, rows: Any) -> Any:
    """Return losses of predictions (n, C) of some rows, by the definition of each loss."""
    target, scale = problem.target[rows], problem.folds[-1].target_scale
    match problem.loss:
        case CrossEntropy():
            return -np.log(predicted[target == 1])
        case BinaryCrossEntropy():
            return -np.log(np.where(target == 1, predicted, 1 - predicted)).sum(axis=1)
        case Poisson():
            deviance = np.where(target > 0, target * np.log(np.maximum(target, 1) / predicted), 0) - target + predicted
            return deviance.sum(axis=1)
        case SquaredError():
            return ((predicted - target) ** 2 / 2 / (scale**2 if target.shape[1] > 1 else 1)).sum(axis=1)
        case AbsoluteError():
            return np.abs(predicted - target).sum(axis=1)
        case Huber():
            off = np.abs(predicted - target) / scale
            return (np.where(off <= 1, off**2 / 2, off - 0.5) * scale**2).sum(axis=1)


def slow_predictions(problem: PathProblem, path: MLPPath, index: int, fold: int, rows: Any) -> Any:
    """Return what a fold's networks predict for some rows, averaged over starts."""
    models = [path.fold_model(index, fold, start) for start in range(path.heldout_loss.shape[2])]
    return np.mean([problem.loss.predict(model.output(problem.x[rows])) for model in models], axis=0)


@pytest.mark.parametrize("name", TARGETS)
def test_weights_and_losses_are_those_of_the_formula(name: str) -> None:
    problem = problem_of(name, seeds=(0, 1), weights=1.0 + np.arange(ROWS) % 3)
    paths = paths_of(problem)
    blend = fit_blend(problem, paths, members=3)
    pairs = list(zip(blend.path, blend.strength, strict=True))
    assert pairs == [(number, index) for number in range(2) for index in range(4)]
    held_out = [rows for _, rows in problem.splits]
    predicted = [
        [slow_predictions(problem, paths[number], index, fold, rows) for number, index in pairs]
        for fold, rows in enumerate(held_out)
    ]
    for fold, rows in enumerate(held_out):
        others = [k for k in range(3) if k != fold]
        among = np.concatenate([held_out[k] for k in others])
        count, total = np.zeros(len(pairs)), np.zeros(1)
        for step in range(40):
            may = [m for m in range(len(pairs)) if count[m] or np.count_nonzero(count) < 3]
            means = [(total + np.concatenate([predicted[k][m] for k in others])) / (step + 1) for m in may]
            losses = [float(weighted_mean(slow_losses(problem, mean, among), problem.weights[among])) for mean in means]
            best = int(np.argmin(losses))
            count[may[best]] += 1
            total = means[best] * (step + 1)
        np.testing.assert_allclose(blend.fold_weights[fold], count / 40)
        mean = sum(w * each for w, each in zip(count / 40, predicted[fold], strict=True))
        np.testing.assert_allclose(blend.row_loss[rows], slow_losses(problem, mean, rows), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", TARGETS)
def test_what_a_blend_gives_and_loses_is_that_of_its_networks(name: str) -> None:
    problem = problem_of(name, seeds=(0, 1), weights=1.0 + np.arange(ROWS) % 3)
    paths = paths_of(problem)
    blend = fit_blend(problem, paths, members=3)
    given, training = blended_outputs(problem, paths, blend), blended_training(problem, paths, blend)
    for fold, (_, rows) in enumerate(problem.splits):
        trained = np.flatnonzero(problem.folds[fold].weights)
        used = [
            (weight, paths[number], index)
            for weight, number, index in zip(blend.fold_weights[fold], blend.path, blend.strength, strict=True)
            if weight
        ]
        expected = sum(w * slow_predictions(problem, path, index, fold, rows) for w, path, index in used)
        np.testing.assert_allclose(given[fold], expected, rtol=1e-5, atol=1e-6)
        mean = sum(w * slow_predictions(problem, path, index, fold, trained) for w, path, index in used)
        losses = slow_losses(problem, mean, trained)
        assert training[fold] == pytest.approx(weighted_mean(losses, problem.weights[trained]), rel=1e-5)
        for start in range(2):
            single = sum(
                w * problem.loss.predict(path.fold_model(index, fold, start).output(problem.x[rows]))
                for w, path, index in used
            )
            alone = weighted_mean(slow_losses(problem, single, rows), problem.weights[rows])
            assert blend.heldout_loss[fold, start] == pytest.approx(alone, rel=1e-4)


def test_the_weights_of_a_fold_do_not_see_what_its_rows_hold() -> None:
    problem = problem_of("numbers")
    paths = paths_of(problem)
    rows = problem.splits[1][1]
    target = problem.target.copy()
    target[rows] = -target[rows]
    before, after = (fit_blend(each, paths) for each in (problem, replace(problem, target=target)))
    assert np.array_equal(before.fold_weights[1], after.fold_weights[1])
    assert not np.array_equal(before.fold_weights[0], after.fold_weights[0])
    assert (before.row_loss[rows] != after.row_loss[rows]).all()


def test_rows_that_several_folds_hold_out_teach_no_fold_that_scores_them() -> None:
    problem = problem_of("numbers", ShuffleSplit(4, test_size=0.4, random_state=1))
    paths = paths_of(problem)
    rows = problem.splits[2][1]
    target = problem.target.copy()
    target[rows] = -target[rows]
    before, after = (fit_blend(each, paths) for each in (problem, replace(problem, target=target)))
    assert np.array_equal(before.fold_weights[2], after.fold_weights[2])
    never = np.setdiff1d(np.arange(ROWS), np.concatenate([each for _, each in problem.splits]))
    assert (before.row_loss[never] == 0).all()


@pytest.mark.parametrize("members", [1, 2, 5])
def test_so_many_members_and_no_more_predict(members: int) -> None:
    problem = problem_of("three classes")
    paths = paths_of(problem)
    blend = fit_blend(problem, paths, members)
    assert 0 < len(blend.members) <= members
    assert blend.weights.sum() == pytest.approx(1)
    assert (np.count_nonzero(blend.fold_weights, axis=1) <= members).all()
    assert [weight for *_, weight in blend.members] == sorted((blend.weights[blend.weights > 0]), reverse=True)
    heaviest = np.argsort(-blend.fold_weights.mean(axis=0), kind="stable")[:members]
    assert set(np.flatnonzero(blend.weights)) <= set(heaviest)


def test_with_one_fold_there_are_weights_and_no_honest_loss() -> None:
    loss, y = TARGETS["numbers"]
    problem = PathProblem.of(X, loss.encode(y), loss, [(np.arange(40), np.arange(40, 60))])
    blend = fit_blend(problem, paths_of(problem))
    assert blend.weights.sum() == pytest.approx(1)
    assert np.isnan(blend.fold_weights).all()
    assert np.isnan(blend.row_loss[40:]).all()
    assert np.isnan(blend.heldout_loss).all()
    assert blend.heldout_loss.shape == (1, 1)


def test_only_some_strengths_may_be_asked_for() -> None:
    problem = problem_of("two classes")
    paths = paths_of(problem)
    blend = fit_blend(problem, paths, strengths=[np.array([0]), np.array([0, 2])])
    assert list(zip(blend.path, blend.strength, strict=True)) == [(0, 0), (1, 0), (1, 2)]


def test_what_diverged_is_no_member() -> None:
    problem = problem_of("two classes")
    paths = paths_of(problem)
    lost = np.zeros_like(paths[0].diverged)
    lost[1, 2, 0] = True
    source = paths[0].source.copy()
    source[1, 2, 0] = 1
    broken = replace(paths[0], diverged=lost, source=source)
    blend = fit_blend(problem, [broken, paths[1]])
    assert (0, 1) not in list(zip(blend.path, blend.strength, strict=True))
    everywhere = replace(
        broken, diverged=np.ones_like(lost), source=np.broadcast_to(np.arange(4)[:, None, None], lost.shape)
    )
    with pytest.raises(ValueError, match="did not diverge"):
        fit_blend(problem, [everywhere])


def test_of_many_rows_a_part_teaches_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = problem_of("numbers")
    paths = paths_of(problem)
    whole = fit_blend(problem, paths)
    monkeypatch.setattr(blend_module, "_MOST_ROWS", 30)
    some, again = (fit_blend(problem, paths) for _ in range(2))
    assert np.array_equal(some.fold_weights, again.fold_weights)
    assert not np.array_equal(some.fold_weights, whole.fold_weights)
    assert (some.row_loss > 0).all()


@pytest.mark.parametrize("name", TARGETS)
def test_new_rows_are_predicted_by_all_networks_of_the_members(name: str) -> None:
    problem = problem_of(name, seeds=(0, 1))
    paths = paths_of(problem)
    blend = fit_blend(problem, paths, members=2)
    mixture = mixture_of(blend, paths)
    new = DRAWS.normal(size=(20, 4))
    expected: Any = 0.0
    for number, index, weight in blend.members:
        path = paths[number]
        networks = [path.model(index, start) for start in range(2)]
        networks += [path.fold_model(index, fold, start) for fold in range(3) for start in range(2)]
        expected = expected + weight * np.mean([problem.loss.predict(each.output(new)) for each in networks], axis=0)
    np.testing.assert_allclose(mixture.predict(new), expected, rtol=1e-12)
    assert mixture.shares.sum() == pytest.approx(1)
    np.testing.assert_allclose(mixture.compact().predict(new), mixture.predict(new), rtol=1e-9, atol=1e-9)


def test_rows_are_predicted_alike_alone_and_among_many() -> None:
    problem = problem_of("numbers")
    paths = paths_of(problem)
    mixture = mixture_of(fit_blend(problem, paths), paths)
    new = DRAWS.normal(size=(1_001, 4))
    whole = mixture.predict(new)
    assert len(mixture._groups) < len(mixture.models)
    for rows in (slice(0, 0), slice(0, 1), slice(400, 1_001)):
        np.testing.assert_allclose(mixture.predict(new[rows]), whole[rows], rtol=1e-12)


def test_a_mixture_uses_what_any_of_its_networks_uses() -> None:
    problem = problem_of("numbers")
    path = fit_path(problem, settings_of((6,), max_iter=40, l1_ratio=1.0), 5, Runner())
    models = tuple(path.model(index) for index in range(len(path.alphas)))
    used = [Mixture((model,), np.ones(1)).support(4) for model in models]
    assert np.array_equal(Mixture(models, np.full(len(models), 1 / len(models))).support(4), np.any(used, axis=0))
    assert not used[-1].all()


def test_the_members_are_named_the_heaviest_first() -> None:
    blend = Blend(
        path=np.array([0, 0, 1]),
        strength=np.array([0, 3, 2]),
        fold_weights=np.empty((0, 3)),
        weights=np.array([0.25, 0.0, 0.75]),
        row_loss=np.empty(0),
        heldout_loss=np.empty((0, 1)),
    )
    assert blend.members == [(1, 2, 0.75), (0, 0, 0.25)]
