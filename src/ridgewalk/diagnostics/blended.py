"""Evidence for the verdict on a blend: its held-out losses, and the training of its single network.

    penalized      the blend of all members, each fold with weights learned without its rows
    unpenalized    the same blend of networks at strength 0 only
    training       training curves, wiring, parts of the penalty, larger networks: of the single network

The temperature is that of the blend: its logits are those that give its mean probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ridgewalk.arrays import Array, Integers
from ridgewalk.diagnostics.evidence import (
    ConditionScores,
    Evidence,
    SingleNetwork,
    less_linear,
    right_classes,
    scores_of_stopped,
)
from ridgewalk.diagnostics.statistics import calibrated, seed_spread
from ridgewalk.diagnostics.trials import more_seeds
from ridgewalk.engine import Runner
from ridgewalk.folds import average_by_row
from ridgewalk.losses import Loss, facts
from ridgewalk.path.blend import Blend, blended_outputs, blended_training, losses_of_starts
from ridgewalk.path.collapse import without_collapse
from ridgewalk.path.cost import check_memory
from ridgewalk.path.early_stopping import EarlyStopped
from ridgewalk.path.jobs import by_strength, dense_job, every_pair, network_of, ramp_job
from ridgewalk.path.law import null_objectives
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.result import MLPPath

_LEAST_PROBABILITY = 1e-12  # probability


@dataclass(frozen=True, eq=False)
class Blended:
    """A blend to be judged, with its members.

    Attributes
    ----------
    problems, paths : sequences of PathProblem and MLPPath
        Of the members: of each view, and of the linear models beside them.
    blend : Blend
        What predicts.
    unpenalized : Blend or None
        The same of networks at strength 0 alone; None where all of those diverged.
    single : SingleNetwork
    linear : MLPPath
        Of linear models on the same folds.
    stopped : EarlyStopped or None
        Unpenalized networks that were stopped early.
    """

    problems: Sequence[PathProblem]
    paths: Sequence[MLPPath]
    blend: Blend
    unpenalized: Blend | None
    single: SingleNetwork
    linear: MLPPath
    stopped: EarlyStopped | None


def of_blend(evidence: Evidence, blended: Blended, runner: Runner | None = None) -> Evidence:
    """Collect the evidence on a blend; members with fewer than three seeds are trained from more.

    Parameters
    ----------
    evidence : Evidence
        Of the single network's path (:func:`ridgewalk.diagnostics.evidence.of_path`).
    blended : Blended
    runner : Runner, optional

    Raises
    ------
    ValueError
        With one fold.
    """
    problem, paths, without = blended.problems[0], blended.paths, blended.unpenalized
    check_folds(problem)
    penalized = scores_of_blend(problem, paths, blended.blend)
    unpenalized, diverged, spread = evidence.unpenalized, evidence.diverged, evidence.seed_spread
    if without is not None:
        unpenalized, diverged = scores_of_blend(problem, paths, without), (0.0, 0.0)
        spread = _seed_spread(blended, without, runner or Runner())
    conditions = dict(evidence.conditions)
    if blended.stopped is not None:
        conditions["early stopping"] = scores_of_stopped(blended.stopped)
    return replace(
        evidence,
        unpenalized=unpenalized,
        penalized=penalized,
        diverged=diverged,
        seed_spread=spread,
        conditions=conditions,
        linear=less_linear(penalized, blended.linear, "min"),
        asked=False,
        alpha=None,
        best_alpha=None,
        safe_alpha=None,
        single=blended.single,
    )


def _seed_spread(blended: Blended, without: Blend, runner: Runner) -> float:
    """Estimate the variance between seeds of a fold's mean difference, from three seeds."""
    blends, problem = (without, blended.blend), blended.problems[0]
    more = more_seeds(problem.seeds)
    trained = [
        _with_starts(replace(each, seeds=more), path, _members(number, blends), runner) if more else path
        for number, (each, path) in enumerate(zip(blended.problems, blended.paths, strict=True))
    ]
    differences: list[list[Array]] = [[] for _ in problem.splits]
    for paths, starts in ((blended.paths, len(problem.seeds)), (trained, len(more))):
        if starts:
            losses = [losses_of_starts(problem, paths, blend, starts) for blend in blends]
            for fold, (before, after) in enumerate(zip(*losses, strict=True)):
                differences[fold].append(after - before)
    weights = [problem.weights[rows] for _, rows in problem.splits]
    dependences = [problem.dependence.of_rows(rows) for _, rows in problem.splits]
    return seed_spread([np.concatenate(each) for each in differences], weights, dependences)


def _members(number: int, blends: Sequence[Blend]) -> Integers:
    """Return the strengths of a path that any fold of some blends has a weight for, rising."""
    used = [blend.strength[(blend.path == number) & (blend.fold_weights > 0).any(axis=0)] for blend in blends]
    return np.unique(np.concatenate(used))


def _with_starts(problem: PathProblem, path: MLPPath, members: Integers, runner: Runner) -> MLPPath:
    """Return a path with the held-out outputs of other seeds (the problem's) at some strengths."""
    settings = path.settings
    if settings.linear or not members.size:
        return path  # an optimum knows no start
    problem = replace(problem, folds=problem.folds[:-1])  # what is trained on all rows holds none out
    check_memory(problem, settings, runner, len(members))
    null, dense = null_objectives(problem, settings, runner), runner.train(dense_job(problem, settings))
    alphas = path.alphas[members]
    fits = by_strength(runner.train(ramp_job(problem, settings, *every_pair(problem, alphas), dense)), problem.pairs)
    free = int(alphas[0] == 0)
    if len(alphas) > free:
        fits = fits[:free] + without_collapse(problem, settings, runner, null, alphas[free:], fits[free:], dense)
    kept = [null.put_in(fit, null.wins(fit)) if alpha > 0 else fit for alpha, fit in zip(alphas, fits, strict=True)]
    network, seeds, outputs = network_of(problem, settings), len(problem.seeds), []
    for number, (fold, (_, rows)) in enumerate(zip(problem.folds, problem.splits, strict=True)):
        networks = [[w[number * seeds : (number + 1) * seeds] for w in fit.parameters] for fit in kept]
        each = [problem.outputs_of(network, arrays, fold, rows) for arrays in networks]
        outputs.append(fold.in_target_units(np.stack(each)))
    assert path.fold_networks is not None
    return replace(path, fold_networks=replace(path.fold_networks, strengths=members, outputs=tuple(outputs)))


def check_folds(problem: PathProblem) -> None:
    """Check that a blend of paths on these folds has a held-out loss.

    Raises
    ------
    ValueError
        If it has none.
    """
    if len(problem.splits) == 1:
        raise ValueError(
            "One fold leaves no other to learn a blend's weights by, so there is no held-out loss to judge: give more "
            "folds."
        )


def scores_of_blend(problem: PathProblem, paths: Sequence[MLPPath], blend: Blend) -> ConditionScores:
    """Return the losses of a blend on held-out and on training rows, and after a temperature for classes."""
    training = np.repeat(blended_training(problem, paths, blend)[:, None], blend.heldout_loss.shape[1], axis=1)
    cooled = right = None
    if facts(problem.loss).is_classification:
        held_out, count = [rows for _, rows in problem.splits], len(problem.target)
        targets = [problem.target[rows] for rows in held_out]
        logits = [_logits(problem.loss, each)[None] for each in blended_outputs(problem, paths, blend)]
        cooled = average_by_row(held_out, [each[0] for each in calibrated(logits, targets, problem.loss)], count)
        if not facts(problem.loss).is_multilabel(problem.target.shape[1]):
            hits = [right_classes(*pair)[0].astype(float) for pair in zip(logits, targets, strict=True)]
            right = average_by_row(held_out, hits, count)
    return ConditionScores(blend.row_loss, blend.heldout_loss, training, cooled, right)


def _logits(loss: Loss, probabilities: Array) -> Array:
    """Return the raw outputs for which a loss predicts these probabilities (n, C)."""
    kept = np.clip(probabilities, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    return np.log(kept) - (0 if facts(loss).output_activation == "softmax" else np.log1p(-kept))
