"""CV+ prediction intervals and sets, calibrated by the errors on held-out rows.

    score R_i       of a row that fold k(i) holds out, by the predictor mu_-k(i) that never saw it
    intervals       [ q-{ mu_-k(i)(x) - R_i },  q+{ mu_-k(i)(x) + R_i } ],     R_i = |y_i - mu_-k(i)(x_i)|
    sets            { y : share of i with R_i < s_-k(i)(x, y) is below the threshold },   R_i = s_-k(i)(x_i, y_i)
    quantiles       q+ is the ceil((1 - a)(n + 1))-th smallest of n values, q- the floor(a (n + 1))-th; 1 - a: coverage

Intervals: Barber, Candes, Ramdas and Tibshirani, Predictive inference with the jackknife+, Ann. Stat. 2021, section 3.
Sets: Romano, Sesia and Candes, Classification with valid and adaptive coverage, NeurIPS 2020, section 2.3. Where rows,
or groups, are exchangeable, a new row is covered with a probability of at least 1 - 2a - sqrt(2/n) by theorem; in
practice about 1 - a, or more if the predictors of the folds disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from numbers import Real

import numpy as np

from ridgewalk.arrays import Array, Booleans, Integers

TIE = 1e-12
"""Probabilities this near are equal: networks sum in an order that the number of rows decides."""
ROUNDING = 1e-11
"""By which sums of shares, over their total, may miss what is needed."""
_INFINITE_PREDICTION = 1e300  # a prediction beyond counts as infinite, so that no sum is


@dataclass(frozen=True, eq=False)
class Calibration:
    """Errors on the rows that K folds hold out, for T targets or labels (T is 1 for classes).

    Attributes
    ----------
    scores : tuple of arrays, K times (n, T)
        For the rows that each fold holds out: absolute residuals in units of the target, or adaptive scores of the
        observed class (:func:`adaptive_scores`). Infinite if a prediction was not finite.
    shares : tuple of arrays, K times (n,)
        Weight of each row (:func:`shares_of`); the sum over all folds is ``units``.
    units : int
        Number of rows, or groups of rows, that are exchangeable with a new one.
    """

    scores: tuple[Array, ...]
    shares: tuple[Array, ...]
    units: int

    def needed(self, coverage: float) -> float:
        """Return the share of the units that a quantile needs, (1 - a)(n + 1): ends are infinite where it is over n."""
        return coverage * (self.units + 1) * (1 - ROUNDING)

    def of(self, target: int) -> Calibration:
        """Return that of one target or label."""
        return replace(self, scores=tuple(each[:, [target]] for each in self.scores))

    @cached_property
    def ranked(self) -> list[list[tuple[Array, Array]]]:
        """By target and fold: the finite scores (n,), rising, and the sums of their shares (n + 1,), from 0 on."""
        return [
            [_ranked(scores[:, target], shares) for scores, shares in zip(self.scores, self.shares, strict=True)]
            for target in range(self.scores[0].shape[1])
        ]


def check_coverage(coverage: float) -> float:
    """Check that a coverage is a number between 0 and 1, both excluded, and return it.

    Raises
    ------
    ValueError
        If it is not such a number.
    """
    if isinstance(coverage, bool | np.bool_) or not isinstance(coverage, Real) or not 0 < float(coverage) < 1:
        raise ValueError(
            f"coverage is a number between 0 and 1, such as 0.9 for nine of ten new rows, got {coverage!r}."
        )
    return float(coverage)


def least_units(coverage: float) -> int:
    """Return how many rows, or groups, the quantiles of a coverage need at least to be finite."""
    return ceil(coverage / (1 - coverage) * (1 - ROUNDING))


def shares_of(
    held_out: Sequence[Integers], weights: Array, groups: Integers | None = None
) -> tuple[tuple[Array, ...], int]:
    """Return the weight of each held-out row, and the number of units.

    The weight of a row is divided by the number of folds that hold it out, so that it counts once. If rows belong to
    groups, a new row is assumed to belong to a new group, and all groups are equally likely. Groups are then the units,
    and the rows of a group share its mean weight (Lee, Barber and Willett, Distribution-free inference with
    hierarchical data, 2023, the hierarchical jackknife+). The mean weight of a unit is 1, for any scale of the weights.

    Parameters
    ----------
    held_out : sequence of integers, K times (n,)
        Row numbers, of weights above 0.
    weights : array, shape (N,)
    groups : integers, shape (N,), optional
        Number of the group of each row.

    Returns
    -------
    shares : tuple of arrays, K times (n,)
    units : int
    """
    every = np.concatenate(held_out)
    times = np.bincount(every, minlength=len(weights))
    rows = np.flatnonzero(times)
    each = weights[rows].astype(np.float64)
    units = len(rows)
    if groups is not None:
        _, member, sizes = np.unique(groups[rows], return_inverse=True, return_counts=True)
        each, units = each / sizes[member], len(sizes)
    share = np.zeros(len(weights))
    share[rows] = each / each.sum() * units / times[rows]
    return tuple(share[rows] for rows in held_out), units


def adaptive_scores(chances: Array) -> Array:
    """Return, for each class, the total probability of all classes that are more probable: shape (..., C).

    This is the score of Romano, Sesia and Candes (2020) with u = 1 for every row instead of a random number, so sets
    are the same at every call. If many rows have equal scores, above all 0 for the most probable class, the coverage is
    higher than requested. Equally probable classes have equal scores.
    """
    order = np.argsort(-chances, axis=-1, kind="stable")
    ranked = np.take_along_axis(chances, order, axis=-1)
    before = np.zeros_like(ranked)
    np.cumsum(ranked[..., :-1], axis=-1, out=before[..., 1:])
    alike = np.diff(ranked, axis=-1, prepend=np.inf) == 0
    scores = np.empty_like(ranked)
    np.put_along_axis(scores, order, np.maximum.accumulate(np.where(alike, 0.0, before), axis=-1), axis=-1)
    return scores


def intervals(calibration: Calibration, predicted: Array, coverage: float) -> tuple[Array, Array]:
    """Return the ends of prediction intervals: two arrays of shape (M, T), infinite where rows are too few.

    Parameters
    ----------
    calibration : Calibration
        Of absolute residuals.
    predicted : array, shape (K, M, T)
        What the predictor of each fold gives for M new rows.
    coverage : float
    """
    needed, targets = calibration.needed(coverage), range(predicted.shape[2])
    low = [-_upper_ends(calibration.ranked[t], -predicted[..., t], needed) for t in targets]
    high = [_upper_ends(calibration.ranked[t], predicted[..., t], needed) for t in targets]
    return np.stack(low, axis=-1), np.stack(high, axis=-1)


def label_sets(calibration: Calibration, chances: Array, coverage: float) -> Booleans:
    """Return which classes are in prediction sets: shape (M, C).

    A set that would hold none, which fold predictors that disagree can bring about, holds the class that is most
    probable on their average.

    Parameters
    ----------
    calibration : Calibration
        Of adaptive scores, of one target.
    chances : array, shape (K, M, C)
        Probabilities that the predictor of each fold gives for M new rows.
    coverage : float
    """
    scores = adaptive_scores(chances) - TIE
    below = np.zeros(scores.shape[1:])
    for each, (ranked, shares) in zip(scores, calibration.ranked[0], strict=True):
        below += np.where(np.isfinite(each), shares[np.searchsorted(ranked, each, side="left")], 0.0)
    held = below < calibration.needed(coverage)
    empty = np.flatnonzero(~held.any(axis=1))
    held[empty, chances[:, empty].mean(axis=0).argmax(axis=1)] = True
    return held


def _ranked(scores: Array, shares: Array) -> tuple[Array, Array]:
    """Return the finite scores (n,), rising, equal ones once, and the sums of their shares (n + 1,)."""
    finite = np.isfinite(scores)
    different, place = np.unique(scores[finite], return_inverse=True)
    each = np.bincount(place, weights=shares[finite], minlength=len(different))
    return different, np.concatenate([[0.0], np.cumsum(each)])


def _quantile(ranked: Sequence[tuple[Array, Array]], needed: float) -> float:
    """Return the quantile of all folds' scores; infinite if there are too few."""
    scores = np.concatenate([scores for scores, _ in ranked])
    shares = np.concatenate([np.diff(shares) for _, shares in ranked])
    order = np.argsort(scores, kind="stable")
    place = int(np.searchsorted(np.cumsum(shares[order]), needed))
    return float(scores[order[place]]) if place < len(scores) else np.inf


def _upper_ends(ranked: Sequence[tuple[Array, Array]], centers: Array, needed: float) -> Array:
    """Return, of each column of centers (K, M), the smallest number that enough of center_k + score_k lie at or below.

    The end lies between the smallest and the largest center, each plus the quantile of all scores alone. That range is
    halved until one score is left in it: a number is compared with a fold's scores by one search, so M rows and N
    scores take O((N + M) log N), and no array is of M x N.
    """
    ends = np.full(centers.shape[1], np.inf)
    finite = np.abs(centers) < _INFINITE_PREDICTION
    rows = np.flatnonzero(finite.T @ np.array([shares[-1] for _, shares in ranked]) >= needed)
    if not rows.size:
        return ends
    finite, quantile = finite[:, rows], _quantile(ranked, needed)
    centers = np.where(finite, centers[:, rows], np.nan)
    largest = max(scores[-1] for scores, _ in ranked if scores.size)
    low = np.where(finite, centers, np.inf).min(axis=0) + quantile
    high = np.where(finite, centers, -np.inf).max(axis=0) + np.where(finite.all(axis=0), quantile, largest)
    rounding = 4 * np.spacing(np.maximum(np.abs(low), np.abs(high)) + abs(quantile))
    low, high = low - rounding, high + rounding
    first, last = (_places(ranked, centers, each) for each in (low, high))
    while True:
        middle = low / 2 + high / 2
        done = ((last - first).sum(axis=0) <= 1) | (middle <= low) | (middle >= high)
        ends[rows[done]] = _first_above(ranked, centers[:, done], first[:, done], last[:, done], high[done])
        if done.all():
            return ends
        open_rows = ~done
        rows, centers, first, last = rows[open_rows], centers[:, open_rows], first[:, open_rows], last[:, open_rows]
        low, middle, high = (each[open_rows] for each in (low, middle, high))
        place = np.clip(_places(ranked, centers, middle), first, last)
        enough = sum(shares[each] for (_, shares), each in zip(ranked, place, strict=True)) >= needed
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        first, last = np.where(enough, first, place), np.where(enough, place, last)


def _places(ranked: Sequence[tuple[Array, Array]], centers: Array, values: Array) -> Integers:
    """Count for each fold the scores with center + score at or below a value (M,): (K, M)."""
    found = [
        np.where(np.isnan(center), 0, np.searchsorted(scores, values - center, side="right"))
        for (scores, _), center in zip(ranked, centers, strict=True)
    ]
    return np.stack(found)


def _first_above(
    ranked: Sequence[tuple[Array, Array]], centers: Array, first: Integers, last: Integers, otherwise: Array
) -> Array:
    """Return the smallest center + score of those from number ``first`` to before ``last`` (K, M), if there is one."""
    found = np.full(otherwise.shape, np.inf)
    for (scores, _), center, place, end in zip(ranked, centers, first, last, strict=True):
        open_rows = np.flatnonzero(place < end)
        found[open_rows] = np.minimum(found[open_rows], center[open_rows] + scores[place[open_rows]])
    return np.where(np.isfinite(found), found, otherwise)
