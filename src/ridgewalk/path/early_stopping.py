"""The early-stopping baseline: a path's network without a penalty, stopped by a validation set.

    validation   15% of the rows of every training set, drawn by the first seed; whole groups, if rows have groups
    stopping     when the validation loss has not decreased for a tenth of the epochs; the best weights are kept
    held out     the same folds and seeds as for every network of the path

Early stopping is the usual alternative to a penalty (Prechelt, Early stopping - but when?, in Neural Networks: Tricks
of the Trade, Springer 1998), so every path is compared with it. It may train for as many epochs as a penalized network
and its dense fit together. With fewer epochs, some networks would end before they are stopped, and the penalty would
look better than it is (EXPERIMENTS.md, 2026-11-29).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ridgewalk.arrays import Array, Integers
from ridgewalk.engine import Runner
from ridgewalk.engine.job import EarlyStopping, Job
from ridgewalk.folds import Fold, average_by_row
from ridgewalk.objective import weighted_mean
from ridgewalk.optimizers import InverseTime, scheduled
from ridgewalk.path.cost import STOPPED_SHARE, scoring_seconds, stopping_seconds
from ridgewalk.path.jobs import Training, every_pair, make_job, network_of, path_epochs, penalties_at, random_starts
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.settings import PathSettings
from ridgewalk.rng import order

_VALIDATION_SHARE = 0.15  # of the rows of a training set
_PATIENCE_SHARE = 0.1  # of the epochs


@dataclass(frozen=True, eq=False)
class EarlyStopped:
    """Held-out predictions of unpenalized networks with early stopping.

    N rows, C outputs, K folds, E seeds.

    Attributes
    ----------
    outputs : array, shape (N, C), float32
        As the loss takes them (logits, numbers in the units of the target, logarithms of rates), averaged over seeds
        and over the folds that held the row out; NaN where none did.
    row_loss : array, shape (N,)
        Held-out loss of each row, averaged over seeds and over the folds that held it out; 0 where none did.
    heldout_loss : array, shape (K, E)
        Mean held-out losses. They are, as the rows', in the units of the target.
    n_iter : integers, shape (K, E)
        Epochs that the weights which were kept had been trained for.
    """

    outputs: Array
    row_loss: Array
    heldout_loss: Array
    n_iter: Integers


def fit_early_stopped(problem: PathProblem, settings: PathSettings, runner: Runner) -> EarlyStopped | None:
    """Train the unpenalized network of every fold and seed, stopped early, and score it on the rows held out.

    Parameters
    ----------
    problem, settings, runner
        Of the path. Groups of rows are set aside whole.

    Returns
    -------
    EarlyStopped or None
        None without a hidden layer, where the optimum needs no stopping, and where a training set has a single row, or
        a single group, of which nothing can be set aside.
    """
    job = None if settings.linear else stopped_early(_unpenalized(problem, settings), problem.dependence.groups)
    if job is None:
        return None
    runner.progress.stage = "stopping early, to compare"
    with runner.progress.task(stopping_seconds(problem, settings)):
        fits = runner.train(job, STOPPED_SHARE)
        runner.progress.add(scoring_seconds(problem, settings, 1))
    network, seeds, held_out = network_of(problem, settings), len(problem.seeds), [rows for _, rows in problem.splits]
    outputs, losses, means = [], [], []
    for number, rows in enumerate(held_out):
        fold = problem.folds[number]
        runs = slice(number * seeds, (number + 1) * seeds)
        output = problem.outputs_of(network, [w[runs] for w in fits.parameters], fold, rows)
        loss = problem.scored(output, fold, rows)
        loss = np.where(np.isfinite(loss), loss, np.inf)
        outputs.append(fold.in_target_units(output).mean(axis=0).T)
        losses.append(loss.mean(axis=0))
        means.append(weighted_mean(loss, problem.weights[rows]))
    count = len(problem.weights)
    averaged = average_by_row(held_out, outputs, count).T
    averaged[~np.isin(np.arange(count), np.concatenate(held_out))] = np.nan
    with np.errstate(over="ignore"):  # of targets that single precision does not hold
        kept = averaged.astype(np.float32)
    return EarlyStopped(
        outputs=kept,
        row_loss=average_by_row(held_out, losses, count),
        heldout_loss=np.array(means),
        n_iter=fits.epochs.reshape(len(held_out), seeds),
    )


def stopped_early(job: Job, groups: Integers | None = None) -> Job | None:
    """Return the job that stops early by rows set aside from each training set; None where one has too few.

    Its rate stays as high as it begins: a schedule would end the training before it is stopped.

    Parameters
    ----------
    job : Job
        Whose weights pay no penalty.
    groups : integers, shape (N,), optional
        Groups of rows, which are set aside whole.
    """
    folds = [_set_aside(fold, int(job.seeds[0]), number, groups) for number, fold in enumerate(job.folds)]
    sound = tuple(fold for fold in folds if fold is not None)
    if len(sound) < len(folds):
        return None
    stopping = EarlyStopping(max(1, round(_PATIENCE_SHARE * job.epochs)))
    optimizer = scheduled(job.optimizer, InverseTime())
    return replace(job, folds=sound, early_stopping=stopping, optimizer=optimizer, record_every=0, polish=None)


def _unpenalized(problem: PathProblem, settings: PathSettings) -> Job:
    """Return the job of every fold and seed from random weights, with the epochs of a penalized network in all."""
    part = replace(problem, folds=problem.folds[:-1])  # what is trained on all rows holds none out
    alphas, pairs = every_pair(part, np.zeros(1))
    start, penalties = random_starts(part, settings), penalties_at(part, settings, alphas)
    return make_job(part, settings, pairs, penalties, start, Training(path_epochs(settings)))


def _set_aside(fold: Fold, seed: int, number: int, groups: Integers | None) -> Fold | None:
    """Return a training set whose rows set aside validate it; None where it has a single row, or group."""
    used = np.flatnonzero(fold.weights)
    used = used[order(seed, number, used)]
    of_row = np.arange(len(used)) if groups is None else _in_order_of_appearance(groups[used])
    sizes = np.bincount(of_row).cumsum()
    if len(sizes) == 1:
        return None
    wanted = max(1, round(_VALIDATION_SHARE * len(used)))
    aside = used[of_row <= int(np.argmin(np.abs(sizes[:-1] - wanted)))]
    weights, validation = fold.weights.copy(), np.zeros_like(fold.weights)
    validation[aside], weights[aside] = weights[aside], 0
    return replace(fold, weights=weights, validation=validation)


def _in_order_of_appearance(groups: Integers) -> Integers:
    """Return groups (n,) numbered in the order of their first row, from 0."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]
