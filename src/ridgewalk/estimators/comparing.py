"""Compare fitted paths row by row on the folds that they share.

    difference_i   loss of held-out row i for one path, minus that for the first; each fold at the strength chosen on
                   the other folds, so that no row is used both to choose and to score

The intervals are those of :mod:`ridgewalk.diagnostics.statistics`; they are not simultaneous.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from ridgewalk.arrays import Array
from ridgewalk.diagnostics import ConditionScores, Effect, effect
from ridgewalk.diagnostics.evidence import smallest_effect
from ridgewalk.diagnostics.statistics import Outcome, spread_of_pairs
from ridgewalk.objective import weighted_mean
from ridgewalk.path.dependence import mean_and_error
from ridgewalk.path.result import MLPPath

Verdict = Outcome | Literal[""]
_SAME_NULL_LOSS = 1e-6  # relative difference of the null model's losses up to which two tables are one


class Comparable(Protocol):
    """A fitted model with a path: an estimator of one, or of tables.

    Attributes
    ----------
    path_ : MLPPath
    alpha_ : float
    selected_features_ : array of str
        Names of the inputs that it uses; of tables, those of their columns.
    """

    path_: MLPPath
    alpha_: float
    selected_features_: Array

    def heldout_scores(self) -> ConditionScores:
        """Return its losses on held-out rows."""


@dataclass(frozen=True)
class Compared:
    """One of several compared models, and its difference from the first.

    Attributes
    ----------
    name : str
    alpha : float
        The chosen strength.
    heldout_loss, standard_error : float
        Mean held-out loss without the penalty, each fold at the strength chosen on the other folds; its standard error.
    inputs : int
        Number of inputs that the model uses: of a table, columns as they came, not encoded ones.
    difference : Effect or None
        Held-out losses minus those of the first; below 0 this model is better. None for the first.
    verdict : str
        Outcome of the difference (:meth:`ridgewalk.diagnostics.Effect.outcome`); empty for the first.
    """

    name: str
    alpha: float
    heldout_loss: float
    standard_error: float
    inputs: int
    difference: Effect | None
    verdict: Verdict


@dataclass(frozen=True)
class Comparison:
    """The comparison of several models on the same folds. Print it for a table.

    Attributes
    ----------
    models : tuple of Compared
        In the order given; all others are compared with the first.
    loss : str
        Name of the loss.
    rows, folds : int
        Numbers of held-out rows and of folds.
    null_loss : float
        Mean held-out loss of the best constant.
    smallest_effect : float
        2% of what the best of the models learns beyond this constant.
    starts : int
        Fewest seeds of any model. With one, the intervals cannot include the variation over seeds.
    """

    models: tuple[Compared, ...]
    loss: str
    rows: int
    folds: int
    null_loss: float
    smallest_effect: float
    starts: int


def compare(models: Mapping[str, Comparable]) -> Comparison:
    """Compare fitted models, row by row on the folds that they share.

    Parameters
    ----------
    models : dict
        At least two fitted models by name. Rows and their order, target, weights, folds (``cv`` and ``random_state``)
        and loss must be the same; columns, networks and penalties may differ.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If there are fewer than two models, or something that must be the same differs.
    """
    if len(models) < 2:
        raise ValueError(f"To compare takes two models or more, got {len(models)}.")
    conditions = {name: model.heldout_scores() for name, model in models.items()}
    first, *others = models
    for name in others:
        _check(first, models[first].path_, name, models[name].path_)
    path = models[first].path_
    null = float(weighted_mean(path.null_row_loss, path.row_weights))
    means = {
        name: mean_and_error(scores.rows, path.row_weights, path.dependence) for name, scores in conditions.items()
    }
    best = min(float(np.nan_to_num(mean, nan=np.inf)) for mean, _ in means.values())
    smallest = smallest_effect(null, best)
    compared = []
    for name, model in models.items():
        change = None if name == first else paired_difference(conditions[first], conditions[name], path)
        mean, error = means[name]
        inputs = len(model.selected_features_)
        verdict = _verdict(change, smallest)
        compared.append(Compared(name, model.alpha_, float(mean), float(error), inputs, change, verdict))
    starts = min(scores.heldout.shape[1] for scores in conditions.values())
    used = int((path.row_weights > 0).sum())
    return Comparison(tuple(compared), type(path.loss).__name__, used, len(path.heldout_rows), null, smallest, starts)


def _check(first: str, one: MLPPath, name: str, other: MLPPath) -> None:
    """Check that two paths were fitted on the same rows and folds, to the same target."""
    for what, theirs, ours in (
        ("rows", len(other.row_weights), len(one.row_weights)),
        ("folds", len(other.heldout_rows), len(one.heldout_rows)),
        ("as loss", type(other.loss).__name__, type(one.loss).__name__),
    ):
        if theirs != ours:
            raise ValueError(
                f"{name} and {first} cannot be compared: they have {theirs} and {ours} {what}. Fit both to one table, "
                "target and loss, with the same folds and random state."
            )
    if not all(np.array_equal(*pair) for pair in zip(one.heldout_rows, other.heldout_rows, strict=True)):
        raise ValueError(
            f"{name} and {first} cannot be compared: their folds hold out different rows. Fit both with the same folds "
            "and random state, on the same rows in the same order."
        )
    if not np.allclose(
        one.null_row_loss, other.null_row_loss, rtol=_SAME_NULL_LOSS, atol=_SAME_NULL_LOSS * one.null_row_loss.mean()
    ):
        raise ValueError(
            f"{name} and {first} cannot be compared: their targets, or the weights of their rows, differ. Fit both to "
            "the same column of the same table, its rows in the same order."
        )


def paired_difference(first: ConditionScores, other: ConditionScores, path: MLPPath) -> Effect:
    """Return the paired difference of losses, other minus first; seeds are paired if their numbers are equal.

    Parameters
    ----------
    first, other : ConditionScores
    path : MLPPath
        Whose rows and folds they were held out on.
    """
    used = np.count_nonzero(path.row_weights)
    held_out = np.array([len(rows) for rows in path.heldout_rows])
    ratio = float((held_out / np.maximum(used - held_out, 1)).mean())
    if first.heldout.shape == other.heldout.shape:
        fold_seed_pairs = other.heldout - first.heldout
        spread = spread_of_pairs(fold_seed_pairs)
    else:
        fold_seed_pairs = (other.heldout.mean(axis=1) - first.heldout.mean(axis=1))[:, None]
        spread = float(np.sum([spread_of_pairs(scores.heldout) / scores.heldout.shape[1] for scores in (first, other)]))
    return effect(other.rows - first.rows, path.row_weights, fold_seed_pairs, ratio, spread, path.dependence)


def _verdict(difference: Effect | None, smallest: float) -> Verdict:
    return "" if difference is None else difference.outcome(smallest)
