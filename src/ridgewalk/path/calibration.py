"""The predictors of the folds and their errors on held-out rows, which calibrate intervals and sets.

The predictor of a fold is the mean over its networks: over the seeds at a strength, and over the members of a blend,
with the weights learned without the rows of this fold. A path at one strength is a blend of one member.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ridgewalk.arrays import Array, Integers
from ridgewalk.conformal import Calibration, adaptive_scores, shares_of
from ridgewalk.folds import Fold
from ridgewalk.losses import Loss, facts
from ridgewalk.mixture import Mixture
from ridgewalk.model import Model
from ridgewalk.path.dependence import Dependence
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.result import MLPPath


def fold_predictors(
    paths: Sequence[MLPPath], path: Integers, strength: Integers, fold_weights: Array
) -> tuple[Mixture, ...]:
    """Return the K predictors of the folds for new rows.

    Parameters
    ----------
    paths : sequence of MLPPath
    path, strength : integers, shape (M,)
        The path of each member, and its strength there.
    fold_weights : array, shape (K, M)
        What each fold mixes its members with; each row sums to 1.

    Raises
    ------
    ValueError
        If a path was loaded from a file without the networks of its folds, or no training of a fold ended in finite
        numbers at a member's strength.
    """
    return tuple(_fold_predictor(paths, path, strength, fold, weights) for fold, weights in enumerate(fold_weights))


def _fold_predictor(paths: Sequence[MLPPath], path: Integers, strength: Integers, fold: int, weights: Array) -> Mixture:
    """Return the mean of a fold's networks, without seeds that diverged."""
    models: list[Model] = []
    shares: list[float] = []
    for member in np.flatnonzero(weights):
        of, index = paths[path[member]], int(strength[member])
        starts = np.flatnonzero(~of.lost[index, fold])
        if not starts.size:
            raise ValueError(
                f"Every training of fold {fold} diverged at strength {of.alphas[index]:.4g}, so nothing tells how far "
                "new rows are missed: lower learning_rate_init, or set standardize=True, and fit again."
            )
        models += [of.fold_model(index, fold, int(start)) for start in starts]
        shares += [float(weights[member]) / len(starts)] * len(starts)
    return Mixture(tuple(models), np.array(shares))


def class_chances(loss: Loss, predicted: Array) -> Array:
    """Return probabilities of both classes (..., 2) of one yes (..., 1); those of several classes as they are."""
    if facts(loss).output_activation != "logistic":
        return predicted
    return np.concatenate([1 - predicted, predicted], axis=-1)


def calibrate(problem: PathProblem, predictors: Sequence[Mixture]) -> Calibration:
    """Compute the errors of the folds' predictors on the rows that their fold holds out.

    Of numbers, the absolute residuals in the target's units; of classes, the adaptive score of the one observed; of
    labels, that of each label's no or yes.

    Parameters
    ----------
    problem : PathProblem
        Rows, target and folds. Groups of rows count where every fold leaves each of them whole; else rows do.
    predictors : sequence of Mixture
        Of each fold (:func:`fold_predictors`).
    """
    held_out = [rows for _, rows in problem.splits]
    with np.errstate(all="ignore"):  # what is far off
        scores = [
            _scores(problem.loss, predictor.predict(problem.x[rows]), problem.target[rows])
            for predictor, rows in zip(predictors, held_out, strict=True)
        ]
    groups = whole_groups(problem.dependence, problem.folds, held_out)
    return _calibration(scores, held_out, problem.weights, groups)


def calibrate_from_outputs(path: MLPPath, index: int, observed: Array) -> Calibration | None:
    """Measure the same of a path at a strength, by the outputs for held-out rows that it keeps: no rows are needed.

    Parameters
    ----------
    path : MLPPath
    index : int
        Number of the strength.
    observed : array, shape (N, C)
        Targets as the loss encodes them.

    Returns
    -------
    Calibration or None
        Equal to that of the rows but for single precision; None where no outputs are kept there.
    """
    networks = path.fold_networks
    if networks is None or index not in networks.strengths:
        return None
    scores = []
    with np.errstate(all="ignore"):  # what is far off
        for fold, (outputs, rows) in enumerate(zip(networks.outputs_at(index), path.heldout_rows, strict=True)):
            predicted = path.loss.predict(outputs[~path.lost[index, fold]].astype(np.float64)).mean(axis=0)
            scores.append(_scores(path.loss, predicted, observed[rows]))
    groups = whole_groups(path.dependence, path.folds, path.heldout_rows)
    return _calibration(scores, path.heldout_rows, path.row_weights, groups)


def _calibration(
    scores: Sequence[Array], held_out: Sequence[Integers], weights: Array, groups: Integers | None
) -> Calibration:
    """Put together what the rows of each fold were missed by, and how much they count."""
    shares, units = shares_of(held_out, weights, groups)
    return Calibration(tuple(np.where(np.isnan(each), np.inf, each) for each in scores), shares, units)


def _scores(loss: Loss, predicted: Array, target: Array) -> Array:
    """Return the scores (n, T) of predictions (n, C) of rows with these targets."""
    if not facts(loss).is_classification:
        return np.asarray(np.abs(target - predicted))
    if facts(loss).output_activation == "softmax":
        return np.asarray((adaptive_scores(predicted) * target).sum(axis=1, keepdims=True))
    both = adaptive_scores(class_chances(loss, predicted[..., None]))
    return np.asarray(np.where(target > 0.5, both[..., 1], both[..., 0]))


def whole_groups(dependence: Dependence, folds: Sequence[Fold], held_out: Sequence[Integers]) -> Integers | None:
    """Return the number of each row's group, shape (N,), where no fold parts a group; else None.

    ``folds`` are the training sets, all rows last, and ``held_out`` the rows that each but the last holds out.
    """
    number = dependence.groups
    if number is None:
        return None
    parted = any(
        np.isin(number[fold.weights > 0], number[rows]).any() for fold, rows in zip(folds[:-1], held_out, strict=True)
    )
    return None if parted else number


def follows_in_time(path: MLPPath) -> bool:
    """Return whether, in each of several folds, all held-out rows come after the training rows."""
    pairs = [
        (np.flatnonzero(fold.weights).max(), rows.min())
        for fold, rows in zip(path.folds[:-1], path.heldout_rows, strict=True)
    ]
    return len(pairs) > 1 and all(last < first for last, first in pairs)
