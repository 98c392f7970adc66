"""A blend: the weighted mean of networks of several paths, with weights learned on held-out rows.

    member      a strength of a path: one network for each of the K folds, and one for all rows
    held out    prediction for a row by a member's network of the fold that holds it out, averaged over seeds
    weights     of the members: 40 times, the member that decreases the loss of the mean most is added
                (Caruana, Niculescu-Mizil, Crew and Ksikes, Ensemble selection from libraries of models, ICML 2004)
    predicted   sum_m weight_m (network_m of all rows + sum_k network_m of fold k) / (K + 1)

The loss on the rows from which weights are learned is optimistic. The weights are therefore learned K times, each time
without the rows of one fold. The loss on the rows of a fold is computed with the weights learned without them. New rows
are predicted with the mean of the K weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ridgewalk.arrays import Array, Booleans, Integers
from ridgewalk.folds import average_by_row, row_losses
from ridgewalk.losses import facts
from ridgewalk.mixture import Mixture
from ridgewalk.objective import weighted_mean
from ridgewalk.path.dependence import ROWS, Dependence, mean_and_error
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.result import MLPPath

MOST_MEMBERS = 5
"""Members of a blend, by default; each has K + 1 networks for every start. More predict no better (EXPERIMENTS.md)."""
_STEPS = 40
_MOST_ROWS = 20_000  # that weights are learned on; more change them little
_LEAST_PROBABILITY = 1e-12  # probability
_LOSSES_A_SECOND = 3e7  # guessed, for the time left


@dataclass(frozen=True, eq=False)
class Blend:
    """Weights of M members, which are strengths of one or more paths.

    Attributes
    ----------
    path, strength : integers, shape (M,)
        Index of a member's path, and of its strength on this path.
    fold_weights : array, shape (K, M)
        Weights learned without the rows of each fold; each row sums to 1. NaN with one fold.
    weights : array, shape (M,)
        Weights for new rows, with sum 1; at most ``max_members`` are above 0.
    row_loss : array, shape (N,)
        Held-out loss of each row in units of the target, each fold with its own weights; 0 if no fold held it out, NaN
        with one fold.
    heldout_loss : array, shape (K, E)
        Mean held-out loss of every fold if members use the networks of one seed instead of the mean over all seeds; it
        shows the variation over seeds. Members with fewer seeds reuse them in turn.
    """

    path: Integers
    strength: Integers
    fold_weights: Array
    weights: Array
    row_loss: Array
    heldout_loss: Array

    @property
    def members(self) -> list[tuple[int, int, float]]:
        """Path, strength and weight of each member with a weight above 0, by decreasing weight."""
        order = np.argsort(-self.weights, kind="stable")[: np.count_nonzero(self.weights)]
        return [(int(self.path[m]), int(self.strength[m]), float(self.weights[m])) for m in order]


def fit_blend(
    problem: PathProblem,
    paths: Sequence[MLPPath],
    members: int = MOST_MEMBERS,
    strengths: Sequence[Integers] | None = None,
) -> Blend:
    """Learn the weights of a blend.

    Parameters
    ----------
    problem : PathProblem
        Rows, target and folds; the paths are fitted on these folds, whatever their columns and maps.
    paths : sequence of MLPPath
    members : int
        How many may have a weight above 0.
    strengths : sequence of integers, one array for each path, optional
        Numbers of the strengths that may be members; by default all whose held-out outputs a path keeps.

    Raises
    ------
    ValueError
        If no member is left: all diverged.
    """
    path, strength = _candidates(paths, strengths)
    if not path.size:
        raise ValueError("A blend needs a network that did not diverge, and there is none.")
    splits = [held_out for _, held_out in problem.splits]
    scorer = PredictionLosses(problem, np.concatenate(splits))
    outputs = [heldout_outputs(paths[number], int(index)) for number, index in zip(path, strength, strict=True)]
    reduced = np.stack([scorer.reduced(mean_prediction(problem, np.hstack(each))) for each in outputs])
    weights, items = problem.weights[scorer.rows], _items_of_folds(splits)
    learned, losses = [], []
    sampled = _sampled(problem, scorer.rows)
    for its, held_out in zip(items, splits, strict=True):
        others = sampled & ~np.isin(scorer.rows, held_out)
        if not others.any():
            learned.append(np.full(len(path), np.nan))
            losses.append(np.full(len(its), np.nan))
            continue
        learned.append(_greedy(scorer, reduced, np.flatnonzero(others), weights, members))
        losses.append(scorer.losses(np.tensordot(learned[-1], reduced[:, its], 1), its))
    fold_weights = np.stack(learned)
    whole = fold_weights.mean(axis=0)
    if np.isnan(whole).any():
        whole = _greedy(scorer, reduced, np.flatnonzero(sampled), weights, members)
    row_loss = average_by_row(splits, losses, len(problem.weights))
    whole_weights, unknown = _heaviest(whole, members), np.empty((0, 0))
    blend = Blend(path, strength, fold_weights, whole_weights, row_loss, unknown)
    of_starts = zip(losses_of_starts(problem, paths, blend, len(problem.seeds)), splits, strict=True)
    means = [weighted_mean(each, problem.weights[rows]) for each, rows in of_starts]
    return replace(blend, heldout_loss=np.array(means))


def blending_seconds(rows: int, folds: int, members: int) -> float:
    """Estimate the seconds of a blend with this number of members, including that of its unpenalized members."""
    trials = MOST_MEMBERS * members + (_STEPS - MOST_MEMBERS) * MOST_MEMBERS
    return folds * trials * min(rows, _MOST_ROWS) / _LOSSES_A_SECOND


def blended_outputs(problem: PathProblem, paths: Sequence[MLPPath], blend: Blend) -> list[Array]:
    """Return a blend's predictions for the rows that each fold holds out, with the fold's weights: K times (n, C).

    Probabilities, means or rates; of several folds that hold a row out, each has a prediction of its own.
    """
    found = []
    for fold, weights in enumerate(blend.fold_weights):
        used = [
            (m, heldout_outputs(paths[blend.path[m]], int(blend.strength[m]))[fold]) for m in np.flatnonzero(weights)
        ]
        found.append(np.asarray(sum(weights[m] * mean_prediction(problem, outputs) for m, outputs in used)))
    return found


def losses_of_starts(problem: PathProblem, paths: Sequence[MLPPath], blend: Blend, starts: int) -> list[Array]:
    """Return held-out losses if members use the networks of one seed each: K times (E, n).

    Of a member with fewer starts than that, as a linear model's one, they take turns.
    """
    found = []
    for fold, (weights, (_, rows)) in enumerate(zip(blend.fold_weights, problem.splits, strict=True)):
        scorer, members = PredictionLosses(problem, rows), np.flatnonzero(weights)
        outputs = [heldout_outputs(paths[blend.path[m]], int(blend.strength[m]))[fold] for m in members]
        losses = []
        for start in range(starts):
            single = [mean_prediction(problem, each[[start % len(each)]]) for each in outputs]
            predicted = sum(weights[m] * each for m, each in zip(members, single, strict=True))
            losses.append(scorer.losses(scorer.reduced(np.asarray(predicted)), np.arange(len(rows))))
        found.append(np.stack(losses))
    return found


def blended_training(problem: PathProblem, paths: Sequence[MLPPath], blend: Blend) -> Array:
    """Return a blend's mean losses on each fold's training rows, with the fold's weights: shape (K,)."""
    means = []
    for fold, weights in enumerate(blend.fold_weights):
        training = problem.folds[fold].weights
        rows = np.flatnonzero(training)
        predicted: Array | float = 0.0
        for m in np.flatnonzero(weights):
            path, index = paths[blend.path[m]], int(blend.strength[m])
            models = [path.fold_model(index, fold, start) for start in range(path.heldout_loss.shape[2])]
            each = np.mean([problem.loss.predict(model.output(problem.x[rows])) for model in models], axis=0)
            predicted = predicted + weights[m] * each
        scorer = PredictionLosses(problem, rows)
        losses = scorer.losses(scorer.reduced(np.asarray(predicted)), np.arange(len(rows)))
        means.append(float(weighted_mean(losses, training[rows])))
    return np.array(means)


def heldout_error(
    row_loss: Array, weights: Array, held_out: Sequence[Integers], dependence: Dependence = ROWS
) -> float:
    """Return the standard error of a mean held-out loss: that over rows, or that over folds if it is the larger.

    Over rows, losses count as independent, but for groups and time. Networks of folds that share most of their rows are
    not, and where single rows cost much, a few hundred rows know little of it; the spread of K means knows of both, but
    is a rough measure.

    Parameters
    ----------
    row_loss, weights : arrays, shape (N,)
    held_out : sequence of integers, K times (n,)
        Rows of the folds.
    dependence : Dependence
        Of the N rows.
    """
    _, of_rows = mean_and_error(row_loss, weights, dependence)
    if len(held_out) == 1:
        return float(of_rows)
    means = np.array([float(weighted_mean(row_loss[rows], weights[rows])) for rows in held_out])
    return max(float(of_rows), float(means.std(ddof=1) / len(means) ** 0.5))


def mixture_of(blend: Blend, paths: Sequence[MLPPath]) -> Mixture:
    """Return the mixture that predicts new rows: the members' networks of all rows and of the folds."""
    models, shares = [], []
    for number, index, weight in blend.members:
        path = paths[number]
        starts, folds = path.heldout_loss.shape[2], path.heldout_loss.shape[1]
        for start in range(starts):
            models += [path.model(index, start), *(path.fold_model(index, fold, start) for fold in range(folds))]
        shares += [weight / (starts * (folds + 1))] * (starts * (folds + 1))
    return Mixture(tuple(models), np.array(shares))


def _candidates(paths: Sequence[MLPPath], strengths: Sequence[Integers] | None) -> tuple[Integers, Integers]:
    """Return the path and the strength of every network that may be a member."""
    found: list[tuple[int, int]] = []
    for number, path in enumerate(paths):
        assert path.fold_networks is not None
        kept = path.fold_networks.strengths
        asked = kept if strengths is None else np.intersect1d(kept, strengths[number])
        found += [(number, int(index)) for index in asked if not path.lost[index].any()]
    pairs = np.array(found, dtype=int).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def heldout_outputs(path: MLPPath, index: int) -> list[Array]:
    """Return the outputs (E, n, C) of a path's networks at a strength for the rows that each fold holds out."""
    assert path.fold_networks is not None
    return path.fold_networks.outputs_at(index)


def mean_prediction(problem: PathProblem, outputs: Array) -> Array:
    """Return the predictions (n, C) of outputs (E, n, C) in the target's units, averaged over seeds."""
    with np.errstate(all="ignore"):  # what is far off
        return np.asarray(problem.loss.predict(outputs.astype(np.float64)).mean(axis=0))


class PredictionLosses:
    """Losses of predictions for I rows, some of which may occur several times.

    Of classes and labels only the probability of what was observed is kept: (I, 1), or (I, L). Of numbers what is
    predicted: (I, C).

    Attributes
    ----------
    rows : integers, shape (I,)
    """

    def __init__(self, problem: PathProblem, rows: Integers) -> None:
        self.loss, self.whole, self.rows = problem.loss, problem.folds[-1], rows
        self.target = problem.target[rows]

    def reduced(self, predicted: Array) -> Array:
        """Return the part of predictions (I, C) that the loss needs."""
        kind = facts(self.loss).output_activation
        if kind == "softmax":
            return np.asarray((self.target * predicted).sum(axis=1, keepdims=True))
        return np.where(self.target > 0.5, predicted, 1 - predicted) if kind == "logistic" else predicted

    def losses(self, reduced: Array, items: Integers) -> Array:
        """Compute the losses of reduced predictions.

        Parameters
        ----------
        reduced : array, shape (..., n, D)
            As :meth:`reduced` returns them.
        items : integers, shape (n,)
            The items that they predict.

        Returns
        -------
        array, shape (..., n)
            In the units of the target.
        """
        kind = facts(self.loss).output_activation
        if kind in ("softmax", "logistic"):
            return np.asarray(-np.log(np.maximum(reduced, _LEAST_PROBABILITY)).sum(axis=-1))
        output = np.log(np.maximum(reduced, _LEAST_PROBABILITY)) if kind == "exponential" else reduced
        whole = self.whole
        standardized = (output - whole.target_center) / whole.target_scale
        return row_losses(self.loss, standardized, self.target[items], whole, whole.target_scale)


def _items_of_folds(held_out: Sequence[Integers]) -> list[Integers]:
    """Return the positions of each fold's rows in the concatenation of all folds' rows."""
    ends = np.cumsum([len(rows) for rows in held_out])
    return [np.arange(end - len(rows), end) for rows, end in zip(held_out, ends, strict=True)]


def _greedy(scorer: PredictionLosses, reduced: Array, items: Integers, weights: Array, members: int) -> Array:
    """Return weights (M,) of members, learned on some items by adding one member after the other."""
    candidates, weights = reduced[:, items], weights[items]
    counts, mean = np.zeros(len(reduced)), np.zeros_like(candidates[0])
    for step in range(_STEPS):
        full = np.count_nonzero(counts) >= members
        among = np.flatnonzero(counts) if full else np.arange(len(counts))
        trials = (step * mean + candidates[among]) / (step + 1)
        best = int(np.nanargmin(weighted_mean(scorer.losses(trials, items), weights)))
        mean = trials[best]
        counts[among[best]] += 1
    return counts / _STEPS


def _sampled(problem: PathProblem, rows: Integers) -> Booleans:
    """Return the items that weights are learned on: all, or a sample drawn by the first seed."""
    used = np.flatnonzero(problem.weights)
    if len(used) <= _MOST_ROWS:
        return np.ones(len(rows), dtype=bool)
    return np.isin(rows, np.random.default_rng(problem.seeds[0]).choice(used, _MOST_ROWS, replace=False))


def _heaviest(weights: Array, members: int) -> Array:
    """Keep only the largest weights, up to this number, and scale them to sum 1."""
    kept = np.zeros_like(weights)
    order = np.argsort(-weights, kind="stable")[:members]
    kept[order] = weights[order]
    return np.asarray(kept / kept.sum())
