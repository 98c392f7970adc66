"""The law of a path: its objectives do not fall, and it says whose network every strength holds."""

import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from paths import Steps, settings_of
from ridgewalk import MLPRegressorCV
from ridgewalk.diagnostics import of_path
from ridgewalk.losses import BinaryCrossEntropy
from ridgewalk.objective import Objective, mean_weights
from ridgewalk.path.fit import fit_path
from ridgewalk.path.law import NULL, measured, sources
from ridgewalk.path.problem import PathProblem

LAW = runpy.run_path(str(Path(__file__).parents[1] / "tools" / "path_law.py"))
CASES = [(penalty, schedule) for penalty in LAW["PENALTIES"] for schedule in LAW["SCHEDULES"]]
ids = pytest.mark.parametrize(("penalty", "schedule"), CASES, ids=lambda value: value)


def drawn(seed: int, strengths: Any = 12, pairs: Any = 40) -> Any:
    """Draw losses that fall and penalties that rise roughly along a path, with noise, gaps and a null model."""
    draws = np.random.default_rng(seed)
    alphas = np.geomspace(1e-3, 1, strengths)
    loss = np.linspace(0.1, 0.8, strengths)[:, None] + 0.15 * draws.normal(size=(strengths, pairs)) ** 2
    size = np.linspace(3, 0.3, strengths)[:, None] * draws.uniform(0.5, 2, (strengths, pairs))
    loss[draws.random(loss.shape) < 0.05] = np.nan
    loss[draws.random(loss.shape) < 0.05] = np.inf
    return alphas, loss, size, draws.uniform(0.6, 1.2, pairs)


@pytest.mark.parametrize("seed", range(20))
def test_the_chosen_objectives_rise_and_only_what_broke_the_law_moves(seed: int) -> None:
    alphas, loss, size, null = drawn(seed)
    source, penalty = sources(loss, null, lambda s, pairs, of: alphas[s] * size[of, pairs])
    pairs, own = np.arange(len(null)), np.arange(len(alphas))[:, None]
    chosen = np.where(source == NULL, null, loss[source, pairs] + alphas[:, None] * size[source, pairs])
    assert (np.diff(chosen, axis=0) >= -1e-12).all()
    before = np.fmin(np.where(np.isnan(loss), np.inf, loss + alphas[:, None] * size), null)
    assert (chosen <= before + 1e-12).all()
    np.testing.assert_array_equal(penalty, np.where(source == NULL, 0, alphas[:, None] * size[source, pairs]))
    for s, c in np.argwhere(source == NULL):  # no neighbour is better than the null model that stands there
        for neighbour in {max(s - 1, 0), min(s + 1, len(alphas) - 1)}:
            offered = source[neighbour, c]
            assert offered == NULL or loss[offered, c] + alphas[s] * size[offered, c] >= null[c] - 1e-12
    kept = before[:-1] <= chosen[1:]  # a network that breaks nothing stays
    trained = before[:-1] < null
    np.testing.assert_array_equal(source[:-1][kept & trained], np.broadcast_to(own, source.shape)[:-1][kept & trained])
    assert ((source != own) & (source != NULL)).any()


@pytest.mark.slow
@ids
@pytest.mark.parametrize("seed", range(3))
def test_no_objective_falls_along_a_path(seed: int, penalty: Any, schedule: Any) -> None:
    x, target, loss, splits, network = LAW["problem"](seed)
    settings = LAW["settings_of"](network, penalty, schedule)
    path = fit_path(PathProblem.of(x, target, loss, splits, (seed, seed + 1)), settings, 8)
    assert LAW["falls"](path, 1e-9) == 0
    assert np.isfinite(path.objective[1:]).all()


def spoiled(steps: Steps, fits: Any, strengths: Any, alphas: Any) -> Any:
    """Disturb the networks of some strengths until they break the law."""
    disturbed, draws = list(fits), np.random.default_rng(0)
    for s in strengths:
        arrays = tuple(w + 0.2 * draws.normal(size=w.shape) for w in fits[s].parameters)
        penalties = steps.penalties(np.full(steps.pairs, alphas[s]))
        disturbed[s] = measured(*steps.all, np.arange(steps.pairs), penalties, arrays)
    return disturbed


@ids
def test_a_path_holds_the_network_that_it_names_measured_at_its_own_strength(penalty: Any, schedule: Any) -> None:
    x, target, loss, splits, network = LAW["problem"](2)
    settings = replace(LAW["settings_of"](network, penalty, schedule), max_iter=100, dtype="float64")
    steps = Steps(x, target, loss, splits, settings, [3, 4])
    strengths = steps.strengths(10)
    fits = spoiled(steps, steps.fits(strengths), (1, 4, 5, 8), strengths)
    path = steps.collected(strengths, fits)
    assert LAW["falls"](path, 1e-9) == 0
    moved = (path.source != np.arange(11)[:, None, None]) & (path.source != NULL)
    assert moved[1:, -1].any()
    whole, weights = path.whole, np.ones(len(x))
    rows = whole.standardized(x, target, weights, np.dtype(float))
    for s in range(1, 11):
        objective = Objective(steps.network, loss, steps.penalties(np.full(1, strengths[s])))
        for e in range(2):
            source = path.source[s, -1, e]
            arrays = tuple(w[s, e][None] for w in path.parameters)
            if source != NULL:
                trained = fits[source].parameters
                for ours, theirs in zip(arrays, trained, strict=True):  # of this fold and this start
                    np.testing.assert_array_equal(ours[0], theirs[steps.pairs - 2 + e])
            slopes = objective.data_gradient(arrays, rows.x, rows.target, mean_weights(rows.weights))
            data_loss = objective.data_loss(arrays, rows.x, rows.target, rows.weights)[0]
            pays = objective.penalty(arrays)[0]
            assert path.objective[s, -1, e] == pytest.approx(data_loss + pays, rel=1e-9)
            assert path.penalty[s, -1, e] == pytest.approx(pays, rel=1e-9, abs=1e-15)
            if source == NULL or moved[s, -1, e]:
                at_rest = objective.residual(arrays, slopes)[0]
                assert path.residual[s, -1, e] == pytest.approx(at_rest, rel=1e-6, abs=1e-9)
            zeros = [(w == 0).mean() for w in arrays[::2]]
            np.testing.assert_allclose(path.layer_zeros[s, -1, e], zeros)


def test_strength_0_trains_on_where_the_weakest_strength_has_the_lower_loss() -> None:
    X, y = load_diabetes(return_X_y=True)
    model = MLPRegressorCV((8,), alphas=[1e-6, 1e-5], cv=3, max_iter=90, schedule="sequential", random_state=0).fit(
        X, y
    )
    path = model.path_
    assert (path.source[0] > 0).all()  # the sequence has trained twice as long there
    assert (path.objective[0] < path.objective[1] - path.penalty[1]).all()
    assert (path.penalty[0] == 0).all()
    assert not path.null_wins[0].any()


def test_a_divergence_at_strength_0_is_kept_and_above_it_another_network_takes_its_place() -> None:
    x, target, loss, splits, network = LAW["problem"](0)
    steps = Steps(x, target, loss, splits, settings_of(**network))
    strengths = steps.strengths(4)
    fits = [replace(fit, data_loss=fit.data_loss.copy(), diverged=fit.diverged.copy()) for fit in steps.fits(strengths)]
    for s in (0, 2):
        fits[s].data_loss[0], fits[s].diverged[0] = np.nan, True
    path = steps.collected(strengths, fits)
    assert path.diverged[[0, 2], 0, 0].all()
    np.testing.assert_array_equal(path.lost[:, 0, 0], [True, False, False, False, False])
    assert path.heldout_loss[0, 0, 0] == np.inf
    assert np.isfinite(path.objective[1:]).all()
    assert path.source[2, 0, 0] != 2


def test_refits_follow_no_strength() -> None:
    X, y = load_diabetes(return_X_y=True)
    model = MLPRegressorCV((8,), alphas=6, cv=3, max_iter=60, relax=True, random_state=0).fit(X, y)
    path, refits = (arm.path for arm in model.input_selection_.arms)
    own = refits.source == np.arange(len(refits.alphas))[:, None, None]
    assert (own | refits.null_wins).all()
    assert (np.diff(path.objective[1:], axis=0) >= -1e-9).all()
    assert (np.diff(refits.objective, axis=0) < 0).any()


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["ramp", "sequential"])
def test_a_diagnosis_judges_the_networks_that_the_path_holds(schedule: Any) -> None:
    draws = np.random.default_rng(1)
    x = draws.normal(size=(150, 4))
    target = (draws.random(150) < 1 / (1 + np.exp(-2 * x[:, 0] * x[:, 1]))).astype(float)[:, None]
    splits = [(np.setdiff1d(np.arange(150), part), part) for part in np.array_split(np.arange(150), 3)]
    settings = settings_of((6,), max_iter=60, learning_rate=0.03, schedule=schedule)
    steps = Steps(x, target, BinaryCrossEntropy(), splits, settings, [0, 1, 2])
    strengths = np.concatenate([[0], np.geomspace(1e-6, 0.2, 30)])
    path = steps.collected(strengths, steps.fits(strengths))
    moved = (path.source != np.arange(31)[:, None, None]) & ~path.null_wins
    index = 1 + int(moved[1:, :-1].sum(axis=(1, 2)).argmax())
    assert moved[index, :-1].any()
    assert moved[0, :-1].any()
    evidence = of_path(steps.problem, path, alpha=float(strengths[index]))
    np.testing.assert_allclose(evidence.conditions["both"].heldout, evidence.penalized.heldout, rtol=1e-5)
    np.testing.assert_allclose(evidence.conditions["none"].heldout, evidence.unpenalized.heldout, rtol=1e-5)
    np.testing.assert_allclose(evidence.conditions["both"].training, evidence.penalized.training, rtol=1e-5)


def test_measuring_takes_no_step_and_counts_no_work() -> None:
    x, target, loss, splits, network = LAW["problem"](2)
    steps = Steps(x, target, loss, splits, settings_of(**network))
    strengths = steps.strengths(5)
    fits = steps.fits(strengths)[1]
    done, total = steps.runner.progress.done, steps.runner.progress.total
    penalties = steps.penalties(np.full(steps.pairs, strengths[1]))
    again = measured(*steps.all, np.arange(steps.pairs), penalties, fits.parameters)
    for name in ("data_loss", "penalty", "residual"):
        np.testing.assert_array_equal(getattr(again, name), getattr(fits, name))
    assert (again.epochs == 0).all()
    assert (steps.runner.progress.done, steps.runner.progress.total) == (done, total)
