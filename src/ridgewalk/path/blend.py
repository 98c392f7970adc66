"""A blend: the mean of what networks of several paths predict, its weights learned on held-out rows.

    member      a strength of a path: one network for each of the K folds, and one for all rows
    held out    what a member's network of the fold that holds a row out predicts for it, averaged over starts
    weights     of the members: from none on, 40 times that member is added which lowers the loss of the mean most
                (Caruana, Niculescu-Mizil, Crew and Ksikes, Ensemble selection from libraries of models, ICML 2004)
    predicted   sum_m weight_m (network_m of all rows + sum_k network_m of fold k) / (K + 1)

Weights flatter the rows that they are learned on. So they are learned K times, each time on the rows that one fold does
not hold out; the loss of a fold's rows is taken with the weights that never saw them, and the mean of the K weights is
what new rows are predicted with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
_SMALLEST = 1e-12  # probability


@dataclass(frozen=True, eq=False)
class Blend:
    """Weights of M members, strengths of one or more paths.

    Attributes
    ----------
    path, strength : integers, shape (M,)
        The number of a member's path, and of its strength on it.
    fold_weights : array, shape (K, M)
        Learned on the rows that each fold does not hold out; each row sums to 1. NaN with one fold.
    weights : array, shape (M,)
        What new rows are predicted with; at most as many are above 0 as were asked for, and their sum is 1.
    row_loss : array, shape (N,)
        Held-out loss of each row, in the units of the target, each fold with its own weights; 0 where none held it
        out, NaN with one fold.
    """

    path: Integers
    strength: Integers
    fold_weights: Array
    weights: Array
    row_loss: Array

    @property
    def members(self) -> list[tuple[int, int, float]]:
        """Path, strength and weight of each member whose weight is above 0, the heaviest first."""
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
    scorer = _Scorer(problem)
    reduced = np.stack([scorer.reduced(*pair) for pair in _predicted(paths, path, strength)])
    weights = problem.weights[scorer.rows]
    learned, losses = [], []
    some = _sampled(problem, scorer.rows)
    for fold, (_, held_out) in enumerate(problem.splits):
        others = some & ~np.isin(scorer.rows, held_out)
        its = np.flatnonzero(scorer.fold == fold)
        if not others.any():
            learned.append(np.full(len(path), np.nan))
            losses.append(np.full(len(its), np.nan))
            continue
        learned.append(_greedy(scorer, reduced, np.flatnonzero(others), weights, members))
        losses.append(scorer.losses(np.tensordot(learned[-1], reduced[:, its], 1), its))
    fold_weights = np.stack(learned)
    whole = fold_weights.mean(axis=0)
    if np.isnan(whole).any():
        whole = _greedy(scorer, reduced, np.flatnonzero(some), weights, members)
    row_loss = average_by_row([rows for _, rows in problem.splits], losses, len(problem.weights))
    return Blend(path, strength, fold_weights, _heaviest(whole, members), row_loss)


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
    """Return what predicts new rows: the networks of the members, of all rows and of the folds alike."""
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


def _predicted(paths: Sequence[MLPPath], path: Integers, strength: Integers) -> list[tuple[MLPPath, list[Array]]]:
    """Return each member's path, and its outputs (E, n, C) for the rows that each fold holds out."""
    found = []
    for number, index in zip(path, strength, strict=True):
        networks = paths[number].fold_networks
        assert networks is not None
        found.append((paths[number], networks.outputs_at(int(index))))
    return found


class _Scorer:
    """Losses of mean predictions, for the rows that each fold holds out, one fold after the other: I of them.

    Of classes and labels only the probability of what was observed is kept: (I, 1), or (I, L). Of numbers what is
    predicted: (I, C).

    Attributes
    ----------
    rows, fold : integers, shape (I,)
    """

    def __init__(self, problem: PathProblem) -> None:
        self.loss, self.whole = problem.loss, problem.folds[-1]
        sizes = [len(rows) for _, rows in problem.splits]
        self.rows = np.concatenate([rows for _, rows in problem.splits])
        self.fold = np.repeat(np.arange(len(sizes)), sizes)
        self.target = problem.target[self.rows]

    def reduced(self, path: MLPPath, outputs: Sequence[Array]) -> Array:
        """Return what the loss needs of outputs, K times (E, n, C), in the target's units."""
        with np.errstate(all="ignore"):  # what is far off
            predicted = np.concatenate([path.loss.predict(each.astype(np.float64)).mean(axis=0) for each in outputs])
        kind = facts(self.loss).output_activation
        if kind == "softmax":
            return np.asarray((self.target * predicted).sum(axis=1, keepdims=True))
        return np.where(self.target > 0.5, predicted, 1 - predicted) if kind == "logistic" else predicted

    def losses(self, reduced: Array, items: Integers) -> Array:
        """Return the losses (..., n) of reduced predictions (..., n, D) of some items, in the units of the target."""
        kind = facts(self.loss).output_activation
        if kind in ("softmax", "logistic"):
            return np.asarray(-np.log(np.maximum(reduced, _SMALLEST)).sum(axis=-1))
        output = np.log(np.maximum(reduced, _SMALLEST)) if kind == "exponential" else reduced
        whole = self.whole
        standardized = (output - whole.target_center) / whole.target_scale
        return row_losses(self.loss, standardized, self.target[items], whole, whole.target_scale)


def _greedy(scorer: _Scorer, reduced: Array, items: Integers, weights: Array, members: int) -> Array:
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
    """Return which items weights are learned on: all, or so many, drawn from the first seed."""
    used = np.flatnonzero(problem.weights)
    if len(used) <= _MOST_ROWS:
        return np.ones(len(rows), dtype=bool)
    return np.isin(rows, np.random.default_rng(problem.seeds[0]).choice(used, _MOST_ROWS, replace=False))


def _heaviest(weights: Array, members: int) -> Array:
    """Return the weights of so many members, the heaviest, the others 0; their sum is 1."""
    kept = np.zeros_like(weights)
    order = np.argsort(-weights, kind="stable")[:members]
    kept[order] = weights[order]
    return np.asarray(kept / kept.sum())
