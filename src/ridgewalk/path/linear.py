"""Fit linear models of many fold-seed pairs and strengths, by Newton's method or by descent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from ridgewalk.arrays import Array, Integers
from ridgewalk.engine import Runner
from ridgewalk.engine.job import Fits, Job, Polish, joined
from ridgewalk.engine.runner import epoch_seconds
from ridgewalk.folds import Fold, Rows
from ridgewalk.layers import Arrays
from ridgewalk.losses import SquaredError
from ridgewalk.objective import mean_weights
from ridgewalk.path.cost import linear_seconds
from ridgewalk.path.jobs import LINEAR_STEPS, Training, make_job
from ridgewalk.path.newton import LinearModels
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.settings import PathSettings
from ridgewalk.penalties import Penalty
from ridgewalk.threads import for_each, look_for_end

_NEWTON_RESIDUAL = 1e-3  # residual up to which linear models are descended before Newton's method takes them further
_MOST_NUMBERS = 2**24  # of a table whose linear models are finished by Newton's method


def solve_linear(
    problem: PathProblem,
    settings: PathSettings,
    runner: Runner,
    pairs: Integers,
    penalties: tuple[Penalty, ...],
    start: Arrays,
) -> Fits:
    """Solve linear models: by Newton's method, each from the one before; descend where it has no use.

    Parameters
    ----------
    problem, settings, runner
    pairs : integers, shape (R,)
        The fold-seed pair of each model; of each pair, from weak to strong.
    penalties, start
        Of the runs.
    """
    tolerance = settings.tolerance
    near = max(_NEWTON_RESIDUAL, tolerance)
    job = make_job(problem, settings, pairs, penalties, start, Training(0, Polish(LINEAR_STEPS, near)))
    start, seconds = _near_optimum(problem, settings, runner, job)
    job = replace(job, start=start)
    solved, unsolved = np.flatnonzero(seconds == 0), np.flatnonzero(seconds)
    parts = [(runs, job.part(runs)) for runs in (solved, unsolved) if runs.size]
    found = [runner.train(part, _share(part, float(seconds[runs].sum()))) for runs, part in parts]
    fits = _finished(problem, tolerance, runner, job, joined(found, np.concatenate([solved, unsolved])))
    # Where classes are separable, and nothing holds the weights, more steps only take them further.
    held = np.array([job.objective(np.array([run])).penalties[0].acts for run in range(len(pairs))])
    rest = np.flatnonzero((fits.residual > tolerance) & (held | isinstance(problem.loss, SquaredError)))
    if rest.size and near > tolerance:
        job = replace(job.part(rest), start=fits.part(rest).parameters, polish=Polish(LINEAR_STEPS, tolerance))
        others = np.setdiff1d(np.arange(len(pairs)), rest)
        fits = joined([runner.train(job, share=0.0), fits.part(others)], np.concatenate([rest, others]))
    return fits


def _share(job: Job, seconds: float) -> float:
    """Return the ratio of the given seconds to the usual time of a job's epochs."""
    return seconds / (job.work * epoch_seconds(job))


def _near_optimum(problem: PathProblem, settings: PathSettings, runner: Runner, job: Job) -> tuple[Arrays, Array]:
    """Solve the linear models of each fold and seed from the strongest to the weakest strength, warm-started.

    Beside what is found it returns the seconds (R,), as a guess, of each that is left to be descended; 0 of others.
    """
    left = np.full(job.runs, linear_seconds(problem, settings, 1.0))
    arrays = tuple(w.astype(np.float64) for w in job.start)
    chains: dict[tuple[int, int], list[int]] = {}
    for run in reversed(range(len(job.fold))):
        if _may_be_finished(problem, problem.folds[job.fold[run]]):
            chains.setdefault((int(job.fold[run]), int(job.seeds[run])), []).append(run)

    def solve_chain(runs: list[int]) -> None:
        models = LinearModels(problem.rows(problem.folds[job.fold[runs[0]]]))
        before = tuple(w[runs[0]] for w in arrays)
        for place, run in enumerate(runs):
            look_for_end()
            start = tuple(w[run] for w in arrays)
            begun = start if any(w.any() for w in start) else before
            before, solved = models.solved(job.objective(np.array([run])), begun, settings.tolerance)
            for w, found in zip(arrays, before, strict=True):
                w[run] = found
            seconds = linear_seconds(problem, settings, place / len(runs))
            left[run] = 0 if solved else seconds
            runner.progress.add(seconds - left[run])

    # One thread inside BLAS, as in the engines: the numbers do not depend on how many there are.
    with threadpool_limits(limits=1):
        for_each(solve_chain, list(chains.values()), runner.threads)
    return arrays, left


def _may_be_finished(problem: PathProblem, fold: Fold) -> bool:
    """Return whether a training set is small enough for Newton's method."""
    return bool(np.count_nonzero(fold.weights) * problem.inputs <= _MOST_NUMBERS)


def _finished(problem: PathProblem, tolerance: float, runner: Runner, job: Job, fits: Fits) -> Fits:
    """Improve nearly optimal linear models to their optimum; for separable classes without a penalty there is none."""
    arrays = tuple(w.copy() for w in fits.parameters)
    measures = {name: getattr(fits, name).copy() for name in ("data_loss", "penalty", "residual")}
    for number, fold in enumerate(problem.folds):
        if not _may_be_finished(problem, fold):
            continue
        rows = problem.rows(fold)
        models = LinearModels(rows)

        def finish(run: int, rows: Rows = rows, models: LinearModels = models) -> None:
            look_for_end()
            objective = job.objective(np.array([run]))
            point, _ = models.solved(objective, tuple(w[run] for w in arrays), tolerance)
            stacked = tuple(w[None] for w in point)
            slopes = objective.data_gradient(stacked, rows.x, rows.target, mean_weights(rows.weights))
            residual = objective.residual(stacked, slopes)[0]
            if not objective.penalties[0].acts and residual > tolerance:
                return
            for w, found in zip(arrays, point, strict=True):
                w[run] = found
            measures["data_loss"][run] = objective.data_loss(stacked, rows.x, rows.target, rows.weights)[0]
            measures["penalty"][run] = objective.penalty(stacked)[0]
            measures["residual"][run] = residual

        with threadpool_limits(limits=1):
            for_each(finish, np.flatnonzero(job.fold == number).tolist(), runner.threads)
    return replace(fits, parameters=arrays, **measures)
