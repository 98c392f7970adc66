"""Fit a path: every strength x fold x seed of one network in one call, and the fits on all rows.

    strengths  0, and ``n_alphas`` geometric steps up to the strength at which the null model is optimal
    folds      K training sets with their held-out rows, then all rows (index K)
    seeds      random initializations of the weights

Every fit starts from a dense network, never from zero: an all-zero ReLU network is stationary at every strength.

    "ramp"         all strengths at once, from one dense fit per fold and seed; the strength increases from 0 during
                   the first half of the steps
    "sequential"   one strength after the other, from weak to strong, each from the fit before it

With racing, the folds are trained one after the other, each at the remaining strengths (:mod:`ridgewalk.path.racing`).

A path ends early: above a strength at which all weights are 0 in every fold and seed, every network is the null model,
and networks trained there are not used. With racing, this is decided for the folds that are trained together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ridgewalk.arrays import Array
from ridgewalk.engine import Runner
from ridgewalk.engine.job import Fits, joined
from ridgewalk.folds import Fold, standardized_fold
from ridgewalk.formatting import format_count
from ridgewalk.path.collapse import without_collapse
from ridgewalk.path.cost import active_strengths, check_memory, ramp_seconds, strengths_at_once, training_seconds
from ridgewalk.path.grid import grid
from ridgewalk.path.jobs import by_strength, dense_job, every_pair, network_of, penalty_of, ramp_job
from ridgewalk.path.law import NullObjectives, null_objectives, sources_among, usual_penalties, with_law
from ridgewalk.path.null_model import NullModel
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.racing import FEWEST_FOLDS, Dropped, Race, stages
from ridgewalk.path.result import MLPPath, Score, collect
from ridgewalk.path.settings import PathSettings
from ridgewalk.path.several_starts import solve_path

AlphaSpec = int | ArrayLike | Literal["qut"]
"""What a user asks for: how many strengths, the strengths themselves, or the selection-safe one."""
_ANY_STRENGTH = 1.0  # where the target, or every input, is constant: the null model wins at all of them
_MOST_NUMBERS = 2**24  # of the rows that a network's strongest strength is found from: 128 MiB of doubles,
_ENOUGH_ROWS = 50_000  # unless that were fewer rows
_SHUFFLES, _SAFE_STEPS, _SAFE_SPAN = 20, 16, 30.0  # of the selection-safe strength


def fit_path(
    problem: PathProblem,
    settings: PathSettings | None = None,
    alphas: AlphaSpec = 30,
    runner: Runner | None = None,
    score: Score | None = None,
) -> MLPPath:
    """Train every strength x fold x seed, and every strength x seed on all rows.

    Parameters
    ----------
    problem : PathProblem
    settings : PathSettings, optional
    alphas : int, array_like or "qut"
        Number of strengths, the strengths themselves, or "qut", the quantile universal threshold: the one strength that
        keeps no input with probability 20/21 if the target does not depend on the inputs. 0 is always added.
    runner : Runner, optional
        Engine, number of threads, progress and checkpoints.
    score : function, optional
        Scores the model of every strength, fold and seed on the rows that its fold held out.

    Returns
    -------
    MLPPath

    Raises
    ------
    ValueError
        If racing is combined with a score, with "qut", or with fewer than three folds.
    """
    settings, runner = settings or PathSettings(), runner or Runner()
    if settings.races:
        _check_race(problem, alphas, score)
    strengths = find_strengths(problem, settings, runner, alphas)
    null = null_objectives(problem, settings, runner)
    if settings.races:
        race, fits = _race(problem, settings, runner, null, strengths)
        strengths, dropped = strengths[race.left], race.dropped
    else:
        fits, dropped = train_path(problem, settings, runner, null, strengths), Dropped.none()
    lawful = with_law(problem, settings, runner, null, strengths, fits)
    return replace(collect(problem, settings, runner, null, strengths, lawful, score), dropped=dropped)


def _check_race(problem: PathProblem, alphas: AlphaSpec, score: Score | None) -> None:
    """Raise an error if racing is not possible."""
    folds = len(problem.splits)
    for met, why in (
        (score is not None, "it drops strengths by their held-out loss, and scoring chooses by another measure"),
        (isinstance(alphas, str), 'alphas="qut" is one strength, taken whatever it loses'),
        (folds < FEWEST_FOLDS, f"strengths are dropped from the third fold on, and there are {folds}"),
    ):
        if met:
            raise ValueError(f"racing=True has nothing to drop here: {why}. Leave racing out.")


def strength_count(alphas: AlphaSpec) -> int:
    """Return the maximum number of strengths of a path, including 0."""
    return (
        2 if isinstance(alphas, str) else 1 + (int(alphas) if isinstance(alphas, int | np.integer) else np.size(alphas))
    )


def find_strengths(problem: PathProblem, settings: PathSettings, runner: Runner, alphas: AlphaSpec) -> Array:
    """Return 0 and a grid of strengths up to the top, or 0 and the given strengths.

    Raises
    ------
    ValueError
        If they are no strengths, or the penalty does not know where the null model wins.
    MemoryError
        If a path of so many cannot fit.
    """
    check_memory(problem, settings, runner, strength_count(alphas))
    runner.progress.stage = "finding the strongest penalty"
    if isinstance(alphas, int | np.integer):
        top = max(_strongest(problem, settings, runner, fold) for fold in problem.folds)  # one grid for all
        return grid(top or _ANY_STRENGTH, int(alphas), len(problem.target), problem.inputs)
    if isinstance(alphas, str):
        if alphas != "qut":
            raise ValueError(f'alphas is a number of strengths, strengths, or "qut", got {alphas!r}.')
        return np.array([0.0, _selection_safe(problem, settings, runner)])
    strengths = np.unique(np.asarray(alphas, dtype=float))
    if strengths.size == 0 or not np.isfinite(strengths).all() or strengths[0] < 0:
        raise ValueError(f"alphas is a number of strengths, or strengths of zero or more, got {alphas}.")
    return strengths if strengths[0] == 0 else np.concatenate([[0.0], strengths])


def finding_seconds(problem: PathProblem, settings: PathSettings, alphas: AlphaSpec) -> float:
    """Estimate the seconds of finding the strengths: of training on shuffled rows, for "qut" only."""
    if not isinstance(alphas, str) or settings.linear:
        return 0.0
    one = replace(problem, folds=problem.folds[-1:], seeds=problem.seeds[:1])
    return _SHUFFLES * training_seconds(one, settings, _SAFE_STEPS)


def _strongest(problem: PathProblem, settings: PathSettings, runner: Runner, fold: Fold) -> float:
    """Return the top of the grid for a training set; with very many rows, from a subset.

    The part is evenly spread, so that all rows need not be copied, or mapped, at once. For a network the strength is a
    bound, for the top of the grid alone: what wins at a strength is decided there, by all rows.
    """
    rows = np.flatnonzero(fold.weights)
    if not settings.linear:
        every = min(-(-len(rows) * problem.inputs // _MOST_NUMBERS), len(rows) // _ENOUGH_ROWS)
        rows = rows[:: max(1, every)]
    target = (problem.target[rows] - fold.target_center) / fold.target_scale
    seen = problem.seen(fold, rows)
    null = NullModel.of(network_of(problem, settings), problem.loss, seen, target, fold.weights[rows], runner.engine)
    strongest = penalty_of(problem, settings).strongest(null)
    if strongest is None:
        raise ValueError(
            f"{type(settings.penalty).__name__} does not know the strength at which the null model wins: give alphas "
            "as numbers."
        )
    return strongest


def _selection_safe(problem: PathProblem, settings: PathSettings, runner: Runner) -> float:
    """Find a strength that keeps no input, with probability 20/21, where the target does not depend on the inputs.

    The rows of the inputs are shuffled against those of the target, 20 times; each time it is found from which
    strength on nothing is left, for a network by training on all rows; the strongest of these is safe. The true
    rows would be one more draw of 21 if the inputs said nothing. (The quantile universal threshold, its quantile
    taken by permutation: Giacobino, Sardy, Diaz-Rodriguez and Hengartner, Electron. J. Stat. 2017.)
    """
    if not settings.penalty.sparse:
        raise ValueError('alphas="qut" selects inputs, so it needs an l1_ratio above 0, or penalty="group_lasso".')
    generator, found = np.random.default_rng(problem.seeds[0]), []
    with runner.progress.task(finding_seconds(problem, settings, "qut")):
        for _ in range(_SHUFFLES):
            used = np.flatnonzero(problem.weights)  # rows of weight 0 say nothing about rows that count
            shuffled_rows = np.arange(len(problem.target))
            shuffled_rows[used] = generator.permutation(used)
            x = problem.x[shuffled_rows]
            shared = (problem.target, problem.loss, problem.weights, problem.standardize)
            fold = standardized_fold(x, *shared, maps=problem.maps)
            shuffled = replace(problem, x=x, folds=(fold,), seeds=problem.seeds[:1])
            strengths = np.array([_strongest(shuffled, settings, runner, fold) or _ANY_STRENGTH])
            if not settings.linear:
                strengths = np.geomspace(strengths[-1] / _SAFE_SPAN, strengths[-1], _SAFE_STEPS)
                null = null_objectives(shuffled, settings, runner)
                fits = train_path(shuffled, settings, runner, null, strengths)
                strengths = strengths[[*np.flatnonzero([_nothing_left(null, each) for each in fits]), -1]]
            found.append(float(strengths[0]))
    return max(found)


def train_path(
    problem: PathProblem, settings: PathSettings, runner: Runner, null: NullObjectives, strengths: Array
) -> list[Fits]:
    """Train every fold-seed pair at every strength: one :class:`Fits` per strength, over the pairs."""
    count, progress = len(strengths), runner.progress
    check_memory(problem, settings, runner, count)
    with progress.task(training_seconds(problem, settings, count)):
        if settings.linear:
            progress.stage = "solving linear models"
            return solve_path(problem, settings, runner, strengths)
        progress.stage = "training without a penalty"
        dense = runner.train(dense_job(problem, settings))
        progress.stage = "training"
        return _raised(problem, settings, runner, null, strengths, dense)


def _race(
    problem: PathProblem, settings: PathSettings, runner: Runner, null: NullObjectives, strengths: Array
) -> tuple[Race, list[Fits]]:
    """Train with racing, fold after fold: one :class:`Fits` over the pairs for each remaining strength."""
    progress, seeds, folds = runner.progress, len(problem.seeds), len(problem.splits)
    check_memory(problem, settings, runner, len(strengths))
    race = Race(strengths, [rows for _, rows in problem.splits], problem.weights, problem.dependence)
    trained: dict[int, list[Fits]] = {number: [] for number in race.left}
    with progress.task(training_seconds(problem, settings, len(strengths))):
        progress.stage = "training without a penalty"
        dense = runner.train(dense_job(problem, settings))
        for stage in stages(folds):
            numbers, sets = race.left, slice(stage.start, stage.stop)
            progress.stage = f"training, {format_count(len(numbers), 'strength')} left"
            if stage.start:  # before, nobody is known to be out
                progress.estimate(ramp_seconds(problem, settings, len(numbers), folds + 1 - stage.start))
            part, before = replace(problem, folds=problem.folds[sets]), slice(stage.start * seeds, stage.stop * seeds)
            fits = _raised(part, settings, runner, null.part(sets), strengths[numbers], dense.part(before))
            for number, fit in zip(numbers, fits, strict=True):
                trained[number].append(fit)
            if stage.stop <= folds:
                for losses in _heldout(problem, settings, null, strengths[numbers], fits, stage):
                    race.add(losses[np.isin(numbers, race.left)])
    return race, [joined(trained[number], np.arange(problem.pairs)) for number in race.left]


def _heldout(
    problem: PathProblem, settings: PathSettings, null: NullObjectives, alphas: Array, fits: list[Fits], stage: range
) -> Iterator[Array]:
    """Return the losses of some folds' networks on the rows that each holds out, averaged over seeds: each (S, n).

    A cell holds the network that the law gives it among these strengths.
    """
    network, seeds = network_of(problem, settings), np.arange(len(problem.seeds))
    sets = slice(stage.start, stage.stop)
    part = replace(problem, folds=problem.folds[sets])
    source = np.empty((0, part.pairs), dtype=int)
    if len(fits) > 1:
        source, _ = sources_among(
            part, settings, null.part(sets), alphas[1:], fits[1:], usual_penalties(part, settings)
        )
    for first, number in enumerate(stage):
        fold, rows, runs = problem.folds[number], problem.splits[number][1], first * len(seeds) + seeds
        own = [problem.losses(network, [w[runs] for w in fit.parameters], fold, rows) for fit in fits]
        constant = problem.scored(np.broadcast_to(null.outputs[number], (1, len(rows), problem.outputs)), fold, rows)
        of_constant = np.broadcast_to(constant, own[0].shape)  # the last, so that its number is NULL
        above = np.stack([*own[1:], of_constant])[source[:, runs], seeds]
        yield np.concatenate([own[:1], above]).mean(axis=1)


def _raised(
    problem: PathProblem, settings: PathSettings, runner: Runner, null: NullObjectives, strengths: Array, dense: Fits
) -> list[Fits]:
    """Train all strengths from the dense fits, several at a time, until all weights are 0 at one of them."""
    count, at_once = len(strengths), strengths_at_once(problem, settings, runner)
    fits: list[Fits] = []
    while len(fits) < count and not (fits and _ended(null, strengths, fits)):
        batch = strengths[len(fits) : len(fits) + at_once]
        before = dense if settings.ramps or not fits else fits[-1]
        share = active_strengths(len(fits), len(fits) + len(batch), count) / len(batch)
        trained = runner.train(ramp_job(problem, settings, *every_pair(problem, batch), before), share)
        fits += by_strength(trained, problem.pairs)
    free = int(strengths[0] == 0)
    raised = strengths[free : len(fits)]
    if raised.size:
        fits = fits[:free] + without_collapse(problem, settings, runner, null, raised, fits[free:], dense)
    ends = _ended(null, strengths, fits)
    if ends:
        fits = fits[:ends] + [_null_fits(fits[ends - 1])] * (count - ends)
    return fits


def _ended(null: NullObjectives, strengths: Array, fits: Sequence[Fits]) -> int:
    """Return the number of strengths up to the first above 0 at which all weights are 0; 0 if there is none."""
    pairs = enumerate(zip(strengths, fits, strict=False), 1)
    return next((number for number, (strength, each) in pairs if strength > 0 and _nothing_left(null, each)), 0)


def _nothing_left(null: NullObjectives, fits: Fits) -> bool:
    """Return whether every pair is the null model, or has a layer with only zero weights."""
    empty = [(w == 0).all(axis=(-2, -1)) for w in fits.parameters[::2]]
    return bool((null.wins(fits) | np.any(empty, axis=0)).all())


def _null_fits(like: Fits) -> Fits:
    """Return placeholder fits, which the null model replaces, without training."""
    runs = len(like.data_loss)
    return replace(
        like,
        parameters=tuple(np.zeros_like(w) for w in like.parameters),
        data_loss=np.full(runs, np.inf),
        epochs=np.zeros(runs, dtype=int),
        diverged=np.zeros(runs, dtype=bool),
    )
