"""The evidence for a verdict, and held-out losses of paths, of early stopping and of linear models.

Held-out losses never include a penalty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ridgewalk.arrays import Array, Booleans, Integers
from ridgewalk.diagnostics.statistics import Effect, Tail, effect, spread_of_pairs, tail
from ridgewalk.diagnostics.wiring import Wiring
from ridgewalk.folds import average_by_row
from ridgewalk.losses import Loss
from ridgewalk.objective import weighted_mean
from ridgewalk.path.dependence import ROWS, Dependence, mean_and_error
from ridgewalk.path.early_stopping import EarlyStopped
from ridgewalk.path.result import MLPPath
from ridgewalk.path.selection import Rule, cross_chosen

_EVEN_CHANCE = 0.5
_LEAST_LEARNABLE = 0.05  # of the null model's loss: what can be learned, where nothing is
DELTA = 0.02
"""Smallest effect of interest, as a share of what can be learned: of the null model's loss above the best one."""


@dataclass(frozen=True, eq=False)
class ConditionScores:
    """The losses of one condition (such as with or without the penalty), over all folds and seeds.

    Attributes
    ----------
    rows : array, shape (N,)
        Held-out loss of each row, averaged over seeds and repeats, without any penalty; 0 where none was held out.
    heldout, training : arrays, shape (K, E)
        Mean losses of each fold and seed, without any penalty.
    calibrated : array, shape (N,), or None
        As ``rows``, each network's outputs divided by the temperature that the other folds choose.
    right : array, shape (N,), or None
        Share of the seeds that give a row's class right.
    """

    rows: Array
    heldout: Array
    training: Array
    calibrated: Array | None = None
    right: Array | None = None


@dataclass(frozen=True, eq=False)
class TrainingCurve:
    """How a training went, over its epochs, on the last training set.

    Attributes
    ----------
    epochs : integers, shape (T,)
    data_loss : array, shape (E, T)
        Of the training rows, without penalty, in the units of the held-out losses.
    norms : array, shape (E, T, arrays)
    """

    epochs: Integers
    data_loss: Array
    norms: Array

    @property
    def tail(self) -> Tail:
        """Its last tenth."""
        return tail(self.data_loss)


@dataclass(frozen=True, eq=False)
class SingleNetwork:
    """The single network of a judged blend; training curves, wiring and other findings of training are its.

    Attributes
    ----------
    view : str
        Name of the view that it is of.
    alpha : float
        Its strength.
    scores : ConditionScores
        Each fold at the strength that the other folds choose.
    """

    view: str
    alpha: float
    scores: ConditionScores


@dataclass(frozen=True, eq=False)
class Evidence:
    """All numbers that a verdict reads.

    Attributes
    ----------
    unpenalized, penalized : ConditionScores
        On the same folds and seeds: of a network, or of a blend.
    weights : array, shape (N,)
        Of held-out rows; 0 where no fold held a row out.
    ratio : float
        Held-out rows over training rows of a fold.
    seed_spread : float
        Variance over seeds of the mean difference of a fold, its rows' own apart.
    curves : dict
        How "unpenalized" and "penalized" training went, and "settled": the penalized one with its rate taken to 0,
        where it never came to rest. Empty where a convex problem was solved.
    wiring : Wiring
    escape : str or None
        How rescaling escapes the penalty.
    penalty_ratio : float
        Penalty of the penalized networks over what the unpenalized ones would pay: 1 where it did nothing.
    decay : float
        ``2 l2 t`` of plain descent, ``t`` the sum of its rates (over 1 - momentum): how far an L2 gets in this many
        steps. NaN for other optimizers.
    conditions : dict
        More arms by name: "none" and "both", the two jobs; "L1 alone", "L2 alone", "early stopping"; of a path, "best
        strength".
    larger : dict
        Training loss (K, E) of a "wider" and a "longer" unpenalized network, where this one may underfit.
    references : dict
        Held-out loss (N,) of other models on the same folds.
    null : array, shape (N,)
        Of the best constant.
    inputs, units : (before, after)
        Inputs and hidden units that the networks on the last training set use, without and with the penalty.
    gone : list of int
        Inputs that only the unpenalized network uses.
    asked : bool
        Whether the strength is the user's own, and not the folds' choice.
    alpha : float or None
        The strength that is judged, of a path.
    best_alpha, safe_alpha : float or None
        The one of lowest held-out loss, and the strongest within one standard error of it.
    diverged : (float, float)
        Shares of the unpenalized and of the penalized trainings that ended in numbers that are not finite.
    null_training : float
        Mean loss of the best constant on the folds' own training rows; infinite where it is not known.
    linear : Effect or None
        The penalized networks' held-out loss less that of linear models on the same folds, where there are such.
    single : SingleNetwork or None
        Of a blend; None where a network itself is judged.
    dependence : Dependence
        How the rows depend on each other.
    """

    loss: Loss
    unpenalized: ConditionScores
    penalized: ConditionScores
    weights: Array
    ratio: float
    seed_spread: float
    curves: Mapping[str, TrainingCurve]
    wiring: Wiring
    escape: str | None
    penalty_ratio: float
    decay: float
    conditions: Mapping[str, ConditionScores]
    larger: Mapping[str, Array]
    references: Mapping[str, Array]
    null: Array
    inputs: tuple[int, int]
    units: tuple[int, int]
    gone: Sequence[int]
    asked: bool = True
    alpha: float | None = None
    best_alpha: float | None = None
    safe_alpha: float | None = None
    diverged: tuple[float, float] = (0.0, 0.0)
    null_training: float = np.inf
    linear: Effect | None = None
    single: SingleNetwork | None = None
    dependence: Dependence = ROWS

    def mean_and_error(self, rows: Array) -> tuple[Array, Array]:
        """Compute the mean of losses (..., N) of held-out rows and its standard error."""
        return mean_and_error(rows, self.weights, self.dependence)

    @property
    def null_loss(self) -> float:
        """Mean held-out loss of the best constant."""
        return float(weighted_mean(self.null, self.weights))

    @property
    def best_reference(self) -> str:
        """Name of the other model with the lowest held-out loss; empty without any."""
        means = {name: float(weighted_mean(rows, self.weights)) for name, rows in self.references.items()}
        return min((name for name in means if np.isfinite(means[name])), key=lambda name: means[name], default="")

    @property
    def smallest_effect(self) -> float:
        """Smallest effect of interest: 2% of what the best model here learns beyond the best constant."""
        return smallest_effect(self.null_loss, self._best())

    def _best(self) -> float:
        everything = (self.unpenalized.rows, self.penalized.rows, *self.references.values())
        return min(float(np.nan_to_num(weighted_mean(rows, self.weights), nan=np.inf)) for rows in everything)


def smallest_effect(null: float, best: float) -> float:
    """Smallest effect of interest: 2% of what a model of loss ``best`` learns beyond the best constant's ``null``."""
    return DELTA * max(null - best, _LEAST_LEARNABLE * abs(null), 1e-300)


def scores_of(chosen: Sequence[tuple[MLPPath, int]]) -> ConditionScores:
    """Return the scores where each fold has a path and a strength of its own; all paths share their folds."""
    first, _ = chosen[0]
    losses = [path.fold_row_loss[k][index] for k, (path, index) in enumerate(chosen)]
    heldout = np.stack([path.heldout_loss[index, k] for k, (path, index) in enumerate(chosen)])
    training = np.stack([path.train_loss[index, k] for k, (path, index) in enumerate(chosen)])
    return ConditionScores(average_by_row(first.heldout_rows, losses, len(first.row_weights)), heldout, training)


def scores_of_stopped(stopped: EarlyStopped) -> ConditionScores:
    """Return the held-out losses of early stopping; its losses on training rows are not known."""
    return ConditionScores(stopped.row_loss, stopped.heldout_loss, np.full_like(stopped.heldout_loss, np.nan))


def chosen_by_others(path: MLPPath, rule: Rule) -> ConditionScores | None:
    """Return the losses with each fold at the strength chosen on the other folds; None with one fold."""
    if len(path.heldout_rows) == 1:
        return None
    return scores_of([(path, at) for _, at in cross_chosen([path.held_out], path.row_weights, rule)])


def less_linear(network: ConditionScores, linear: MLPPath, rule: Rule) -> Effect | None:
    """Measure the held-out loss of networks less that of linear models, row by row; None with one fold.

    Parameters
    ----------
    network : ConditionScores
    linear : MLPPath
        On the same folds; where it holds fewer rows out, those count.
    rule : "min", "1se" or "simplest"
        How each fold's linear model is chosen, by the other folds.
    """
    scores = chosen_by_others(linear, rule)
    if scores is None:
        return None
    fold_seed_pairs, count = network.heldout - scores.heldout, int(np.count_nonzero(linear.row_weights))
    # Training rows of folds are not in every file; they are those that the others hold out, or about as many.
    ratio = float(np.mean([len(rows) / max(count - len(rows), 1) for rows in linear.heldout_rows]))
    seeds = spread_of_pairs(fold_seed_pairs)
    return effect(network.rows - scores.rows, linear.row_weights, fold_seed_pairs, ratio, seeds, linear.dependence)


def right_classes(outputs: Array, target: Array) -> Booleans:
    """Return which rows' classes the outputs (E, n, C) predict rightly: shape (E, n)."""
    if target.shape[1] == 1:
        return np.asarray((outputs[..., 0] > 0) == (target[:, 0] > _EVEN_CHANCE))
    return np.asarray(outputs.argmax(axis=-1) == target.argmax(axis=-1))
