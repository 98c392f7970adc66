"""Which strength: pure functions of held-out losses, strengths rising along the first axis.

    minimum              lowest mean held-out loss: for prediction
    one_standard_error   strongest whose loss is above the minimum's by at most one standard error of that very
                         difference, row by row: for sparser models

Pairing matters: rows that are hard for one strength are hard for the next, so the error of a difference is far
smaller than the error of either loss. Both rules read each row's loss averaged over seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ridgewalk.arrays import Array, Integers
from ridgewalk.folds import average_by_row
from ridgewalk.objective import weighted_mean

Rule = Literal["min", "1se"]
EVERY_ONE_DIVERGED = "Every strength diverged: lower the learning rate, or standardize the columns."


def mean_and_error(values: Array, weights: Array) -> tuple[Array, Array]:
    """Weighted mean of values (..., N) and its standard error, over rows of weight above 0.

    The error is ``sqrt( n/(n-1) * sum w^2 (v - mean)^2 ) / sum w``, which for equal weights is ``sd / sqrt(n)``.
    """
    used = weights > 0
    values, weights = values[..., used], weights[used]
    count = len(weights)
    mean = weighted_mean(values, weights)
    with np.errstate(invalid="ignore"):
        spread = (weights**2 * (values - mean[..., None]) ** 2).sum(axis=-1)
    return mean, np.sqrt(spread * count / max(count - 1, 1)) / weights.sum()


def minimum(row_loss: Array, weights: Array) -> int:
    """Index of the lowest mean loss (S, N); of equal ones, the strongest strength."""
    mean = weighted_mean(row_loss, weights)
    if not np.isfinite(mean).any():
        raise ValueError(EVERY_ONE_DIVERGED)
    return len(mean) - 1 - int(np.nanargmin(mean[::-1]))


def one_standard_error(row_loss: Array, weights: Array) -> int:
    """Index of the strongest strength, going up from the minimum, within one paired standard error of it.

    (Breiman, Friedman, Olshen and Stone, 1984, section 3.4.3, for unpaired errors.) Never weaker than the minimum.
    """
    best, used = minimum(row_loss, weights), weights > 0
    mean, error = mean_and_error(row_loss[best:, used] - row_loss[best, used], weights[used])
    beyond = np.flatnonzero(~(mean <= error))
    return best + (int(beyond[0]) if beyond.size else len(mean)) - 1


@dataclass(frozen=True)
class Choice:
    """Indices of the two rules, and of the one asked for."""

    minimum: int
    one_standard_error: int
    chosen: int


def choose(row_loss: Array, weights: Array, rule: Rule = "min") -> Choice:
    """Apply both rules to held-out losses (S, N); ``rule`` says which one counts."""
    if rule not in get_args(Rule):
        raise ValueError(f'selection is "min" or "1se", got {rule!r}.')
    best, sparse = minimum(row_loss, weights), one_standard_error(row_loss, weights)
    return Choice(best, sparse, best if rule == "min" else sparse)


def choose_among(paths: Sequence[Array], weights: Array, rule: Rule = "min") -> tuple[int, Choice]:
    """Choose the path, of several with losses (S, N), that has the lowest mean, and a strength on it by the rule."""
    choices = [choose(row_loss, weights, rule) for row_loss in paths]
    lowest = [weighted_mean(row_loss[choice.minimum], weights) for row_loss, choice in zip(paths, choices, strict=True)]
    best = int(np.argmin(lowest))
    return best, choices[best]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Held-out losses of one path, fold by fold.

    Attributes
    ----------
    row_loss : array, shape (S, N)
        Over all folds.
    rows : sequence of integers, K times (n,)
        Which rows each fold held out.
    losses : sequence of arrays, K times (S, n)
    """

    row_loss: Array
    rows: Sequence[Integers]
    losses: Sequence[Array]


def nested(paths: Sequence[HeldOut], weights: Array, rule: Rule = "min") -> Array:
    """Give the loss (N,) of each row at the path and strength that the other folds' rows choose; NaN with one fold.

    The networks that choose for a fold have seen its rows in their training, so this is not a second cross-validation
    inside the first; what it takes away is the choosing on the very rows that are scored.
    """
    rows = paths[0].rows
    losses = [
        paths[path].losses[k][index] if path >= 0 else np.full(len(rows[k]), np.nan)
        for k, (path, index) in enumerate(cross_chosen(paths, weights, rule))
    ]
    return average_by_row(rows, losses, len(weights))


def cross_chosen(paths: Sequence[HeldOut], weights: Array, rule: Rule = "min") -> list[tuple[int, int]]:
    """Give the path and the strength that, for each fold, the other folds' rows choose; (-1, 0) with one fold."""
    chosen = []
    for rows in paths[0].rows:
        others = weights.copy()
        others[rows] = 0
        if not others.any():
            chosen.append((-1, 0))
            continue
        best, choice = choose_among([path.row_loss for path in paths], others, rule)
        chosen.append((best, choice.chosen))
    return chosen
