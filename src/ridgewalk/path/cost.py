"""The cost of a path: the memory that it needs, and an estimate of its seconds on one core.

The estimates are used only to show the time left: for training, for scoring held-out rows, and for linear models, which
Newton's method solves faster with stronger penalties.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ridgewalk.engine import memory
from ridgewalk.engine.runner import Runner, seconds_of_epoch
from ridgewalk.optimizers import Adam
from ridgewalk.path.jobs import dense_epochs, last_steps, network_of, path_epochs, penalties_at
from ridgewalk.path.newton import MOST_WORK
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.racing import FIRST_FOLDS
from ridgewalk.path.settings import PathSettings

# Multiplications a second of scores, of Newton's looks and of its equations; the seconds that each of these takes
# however small it is; and how often they are made.
_SCORING_RATE, _LOOKING_RATE, _EQUATIONS_RATE = 4e9, 2e9, 3e10
_SCORE_SECONDS, _MODEL_SECONDS = 5e-4, 2.5e-3
_LOSSES_A_STRENGTH, _STEPS, _DESCENTS, _DESCENT_PASSES = 20, 20, 250, 3
_BASELINE_LOOKS = 10  # at a strength, besides one quadratic
_DROPPED_SHARE = 0.7  # share of the strengths that a race drops soon (benchmarks/results/racing.md)
STOPPED_SHARE = 0.3  # of its epochs that a network trains which is stopped early
_INACTIVE_SHARE = 0.6  # share of the time that a network saves under the strongest penalty
MOST_OUTPUTS = 256 * 2**20  # bytes of held-out outputs that a path keeps
_RUNS_PER_THREAD = 16  # runs per thread that are trained before it is asked whether anything is left


def strengths_at_once(problem: PathProblem, settings: PathSettings, runner: Runner) -> int:
    """Return how many strengths are trained side by side."""
    return -(-_RUNS_PER_THREAD * runner.at_once // problem.pairs) if settings.ramps else 1


def check_memory(
    problem: PathProblem, settings: PathSettings, runner: Runner, strengths: int, kept: int = 0, refits: int = 0
) -> None:
    """Raise an error if a path with this number of strengths needs too much memory.

    ``kept`` and ``refits`` are strengths whose fits are kept besides, and those at which supports are refitted.

    Raises
    ------
    MemoryError
        If it cannot fit.
    """
    size = memory.Size.of(
        network_of(problem, settings).shapes,
        "float64" if settings.linear else settings.dtype,
        problem.pairs,
        problem.x,
        problem.folds,
        penalties_at(problem, settings, np.zeros(1)),
        memory.Steps(
            Adam(),
            None if settings.linear else settings.batch_size,
            polishes=settings.linear or last_steps(settings) is not None,
            stops=False,
        ),
    )
    if settings.linear:
        need = memory.needed_by_linear_path(size, strengths, runner.threads)
    else:
        at_once = min(strengths, strengths_at_once(problem, settings, runner))
        need = memory.needed_by_path(size, strengths, at_once, runner.threads)
    need += min(MOST_OUTPUTS, strengths * len(problem.seeds) * problem.target.size * 4)  # held-out outputs, in float32
    if kept or refits:
        need = max(need, memory.needed_by_refits(size, kept, refits, runner.threads))
    memory.check(need, runner.threads)


def path_seconds(problem: PathProblem, settings: PathSettings, strengths: int) -> float:
    """Estimate the seconds of a path with this number of strengths on one core of a typical machine."""
    training = training_seconds(problem, settings, strengths)
    return training + len(problem.folds) * scoring_seconds(problem, settings, strengths)


def training_seconds(problem: PathProblem, settings: PathSettings, strengths: int) -> float:
    """Estimate the seconds of training a path with this number of strengths on one core."""
    if settings.linear:
        each = (linear_seconds(problem, settings, k / strengths) for k in range(strengths))
        return problem.pairs * sum(each)
    dense = dense_epochs(settings) + _polishing_steps(settings)
    sets = len(problem.folds)
    raced = sets - FIRST_FOLDS if settings.races else 0
    ramps = ramp_seconds(problem, settings, strengths, sets - _DROPPED_SHARE * raced)
    return problem.pairs * dense * seconds_of_epoch(_multiplications(problem, settings)) + ramps


def ramp_seconds(problem: PathProblem, settings: PathSettings, strengths: int, sets: float) -> float:
    """Estimate the seconds of training these strengths and training sets from their dense fits."""
    epochs = (settings.max_iter + _polishing_steps(settings)) * active_strengths(0, strengths, strengths)
    return sets * len(problem.seeds) * epochs * seconds_of_epoch(_multiplications(problem, settings))


def stopping_seconds(problem: PathProblem, settings: PathSettings) -> float:
    """Guess the seconds of the unpenalized networks that are stopped early, one for every fold and seed."""
    if settings.linear:
        return 0.0
    runs = len(problem.splits) * len(problem.seeds)
    trained = runs * STOPPED_SHARE * path_epochs(settings) * seconds_of_epoch(_multiplications(problem, settings))
    return trained + scoring_seconds(problem, settings, 1)


def _polishing_steps(settings: PathSettings) -> int:
    polish = last_steps(settings)
    return polish.steps if polish else 0


def active_strengths(first: int, last: int, strengths: int) -> float:
    """Estimate the relative time of some strengths: at strong ones most units are inactive."""
    return sum(1 - _INACTIVE_SHARE * k / strengths for k in range(first, last))


def scoring_seconds(problem: PathProblem, settings: PathSettings, strengths: int) -> float:
    """Estimate the seconds of scoring one training set at these strengths."""
    each = _SCORE_SECONDS + _multiplications(problem, settings) / _SCORING_RATE
    return strengths * len(problem.seeds) * each


def linear_seconds(problem: PathProblem, settings: PathSettings, place: float) -> float:
    """Guess the seconds of a linear model, from the strongest (0) to the weakest (1), which uses most columns."""
    rows, multiplications = len(problem.target), _multiplications(problem, settings)
    used = place * min(rows, problem.inputs * problem.outputs)
    if rows * used**2 > MOST_WORK:
        return float(_DESCENTS * _DESCENT_PASSES * multiplications / _SCORING_RATE)
    looks, equations = _LOSSES_A_STRENGTH * multiplications, _STEPS * rows * used**2
    return float(_MODEL_SECONDS + looks / _LOOKING_RATE + equations / _EQUATIONS_RATE)


def baseline_seconds(problem: PathProblem, settings: PathSettings, strengths: int) -> float:
    """Estimate the seconds of the linear baseline with one seed, at these strengths."""
    one = replace(problem, seeds=problem.seeds[:1])
    solving = baseline_solving_seconds(problem, settings, strengths)
    return solving + len(problem.folds) * scoring_seconds(one, settings, strengths)


def baseline_solving_seconds(problem: PathProblem, settings: PathSettings, strengths: int) -> float:
    """Guess the seconds of solving the baseline's models, whose training sets move together."""
    one = len(problem.folds) * _multiplications(problem, settings)
    used = min(problem.inputs, len(problem.target))
    each = _BASELINE_LOOKS * one / _LOOKING_RATE + used * one / _EQUATIONS_RATE
    return strengths * (_MODEL_SECONDS + each)


def _multiplications(problem: PathProblem, settings: PathSettings) -> int:
    """Return those of a prediction of all rows."""
    return len(problem.target) * network_of(problem, settings).multiplications
