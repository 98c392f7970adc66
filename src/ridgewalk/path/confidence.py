"""How sure a choice of a strength is: pure functions of held-out losses, strengths along the first axis.

    confidence set     the strengths that may have the least expected loss: all that no other one beats beyond chance
    band               an interval for the expected loss at every strength; all of them hold at once
    corrected minimum  the lowest held-out loss without the optimism of having been chosen as the lowest

The losses of one row at all strengths belong together, so the means of all strengths err together. Their joint error is
the Gaussian multiplier bootstrap's: every unit (:mod:`ridgewalk.path.dependence`) gets one normal number e_u, and

    error*_s = sum_u e_u influence_su

Given the losses, these errors are jointly normal, with the units' own covariance; they are drawn from that
distribution, so it takes no longer for many rows. The draws are the same every time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from ridgewalk.arrays import Array, Booleans
from ridgewalk.objective import weighted_mean
from ridgewalk.path.dependence import ROWS, Dependence, mean_and_error

EVERY_ONE_DIVERGED = "Every strength diverged: lower the learning rate, or standardize the columns."
_DRAWS, _RESAMPLES, _SEED = 2_000, 500, 0
_SCREENED = 0.1  # of 1 - level: chance that a strength is screened out which is nearly as good
_EQUAL = 1e-9  # of the errors of two losses: an error of their difference below it is rounding


@dataclass(frozen=True, eq=False)
class ConfidenceSet:
    """Strengths that may have the least expected loss.

    Attributes
    ----------
    level : float
    p_values : array, shape (S,)
        Of the hypothesis that no strength has a lower expected loss; 0 where a fold diverged.
    members : booleans, shape (S,)
        Whose p-value is above ``1 - level``, and the strength of lowest held-out loss.
    """

    level: float
    p_values: Array
    members: Booleans


@dataclass(frozen=True, eq=False)
class Band:
    """A band of the held-out curve: with probability ``level`` it holds the expected loss at all strengths at once.

    Attributes
    ----------
    level : float
    loss, error : arrays, shape (S,)
        Mean held-out loss and its standard error.
    low, high : arrays, shape (S,)
        The ends; infinite where a fold diverged.
    errors : float
        Standard errors from the middle to the ends.
    """

    level: float
    loss: Array
    error: Array
    low: Array
    high: Array
    errors: float


@dataclass(frozen=True)
class CorrectedMinimum:
    """The lowest mean held-out loss, without the optimism of the choice.

    Attributes
    ----------
    loss, error : float
        Corrected mean loss, and its standard error.
    optimism : float
        By how much the lowest loss flattered: ``loss`` less that.
    """

    loss: float
    error: float
    optimism: float


def confidence_set(
    row_loss: Array, weights: Array, dependence: Dependence = ROWS, level: float = 0.95
) -> ConfidenceSet:
    """Find the strengths that may have the least expected loss.

    Strength s leaves the set where its loss is above another's by more than chance explains. The statistic is the
    largest studentized difference; its distribution, were no other strength better, is the multiplier bootstrap's:

        T_s   =  max over j of  (mean_s - mean_j) / error of the difference
        T*_s  =  max over j of  (error*_s - error*_j) / error of the difference
        p_s   =  share of the draws in which  T*_s >= T_s

    Strengths j that lose far more than s are left out of both maxima. (Cross-validation with confidence: Lei, JASA
    2020, algorithm 1 with inequality screening.) A difference of few units is as heavy-tailed as Student's t, and is
    brought to the normal scale.

    Parameters
    ----------
    row_loss : array, shape (S, N)
        Held-out losses; not finite at a strength where a fold diverged.
    weights : array, shape (N,)
        0 for rows that no fold held out.
    dependence : Dependence
    level : float
        Between 0 and 1: how often the set holds the strength of least expected loss, at least.

    Raises
    ------
    ValueError
        If the level is none, or every strength diverged.
    """
    _check_level(level)
    finite = _finite(row_loss, weights)
    mean = weighted_mean(row_loss[finite], weights)
    error, units = _joint_error(row_loss[finite], weights, dependence)
    size = np.sqrt((error**2).sum(axis=0))
    draws = _draws(error)
    p_values = np.zeros(len(finite))
    for s, number in enumerate(np.flatnonzero(finite)):
        p_values[number] = _p_value(s, mean, error, size, draws, units, level)
    members = p_values > 1 - level
    members[np.flatnonzero(finite)[mean == mean.min()]] = True
    return ConfidenceSet(level, p_values, members)


def band(row_loss: Array, weights: Array, dependence: Dependence = ROWS, level: float = 0.95) -> Band:
    """Compute a band that holds the expected losses of all strengths at once.

    ``mean_s -+ c error_s``, where c is the quantile of ``max over s of |error*_s| / error_s``, a normal one brought to
    that of Student's t at the same probability, with as many degrees of freedom as there are units, less one.
    (Multiplier bootstrap of a maximum: Chernozhukov, Chetverikov and Kato, Annals of Statistics 2013.)

    Parameters
    ----------
    row_loss, weights, dependence, level
        As for :func:`confidence_set`.

    Raises
    ------
    ValueError
        If the level is none, or every strength diverged.
    """
    _check_level(level)
    finite = _finite(row_loss, weights)
    mean = weighted_mean(row_loss, weights)
    joint, units = _joint_error(row_loss[finite], weights, dependence)
    size = np.sqrt((joint**2).sum(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        largest = np.nan_to_num(np.abs(_draws(joint)) / size).max(axis=1)
    normal = float(np.quantile(largest, level, method="higher"))
    errors = float(student.isf(norm.sf(normal), units - 1)) if units > 1 else np.inf
    error = np.full(len(mean), np.inf)
    error[finite] = size if units > 1 else np.inf
    with np.errstate(invalid="ignore"):
        low, high = mean - errors * error, mean + errors * error
    return Band(level, mean, error, np.where(finite, low, -np.inf), np.where(finite, high, np.inf), errors)


def corrected_minimum(row_loss: Array, weights: Array, dependence: Dependence = ROWS) -> CorrectedMinimum:
    """Correct the lowest held-out loss for having been chosen as the lowest.

    Units are drawn with replacement, 500 times. Each time the strength of lowest loss in the bag is chosen, and rows
    outside of the bag are scored at it; a row counts with the mean of its scores. (Bootstrap bias corrected
    cross-validation: Tsamardinos, Greasidou and Borboudakis, Machine Learning 2018; averaged by row as the
    leave-one-out bootstrap of Efron and Tibshirani, JASA 1997.) The error is that of the mean over rows.

    Parameters
    ----------
    row_loss, weights, dependence
        As for :func:`confidence_set`.

    Raises
    ------
    ValueError
        If every strength diverged.
    """
    finite = _finite(row_loss, weights)
    used = np.flatnonzero(weights > 0)
    losses, weight = row_loss[np.ix_(finite, used)], weights[used]
    mean = weighted_mean(losses, weight)
    influence, unit = dependence.of_rows(used).units(losses, weight)
    shares = np.bincount(unit, weight) / weight.sum()
    outside, count = np.zeros(losses.shape), influence.shape[1]
    generator = np.random.default_rng(_SEED)
    for _ in range(_RESAMPLES):
        times = np.bincount(generator.integers(count, size=count), minlength=count)
        best = lowest(influence @ times + mean * (shares @ times))  # the bag's mean, times its weight
        outside[best] += (times == 0)[unit]
    scored = outside.sum(axis=0)
    rows = np.flatnonzero(scored)
    if not rows.size:
        return CorrectedMinimum(float(mean.min()), float("nan"), 0.0)
    average = (outside * losses)[:, rows].sum(axis=0) / scored[rows]
    loss, error = mean_and_error(average, weight[rows], dependence.of_rows(used[rows]))
    return CorrectedMinimum(float(loss), float(error), float(loss - mean.min()))


def lowest(losses: Array) -> int:
    """Return the number of the lowest loss (S,) that is one; of equal ones that of the strongest strength."""
    return len(losses) - 1 - int(np.nanargmin(losses[::-1]))


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level is a probability between 0 and 1, such as 0.95, got {level!r}.")


def _finite(row_loss: Array, weights: Array) -> Booleans:
    """Return at which strengths no row's loss (S, N) is infinite or no number."""
    finite = np.isfinite(row_loss[:, weights > 0]).all(axis=1)
    if not finite.any():
        raise ValueError(EVERY_ONE_DIVERGED)
    return np.asarray(finite)


def _joint_error(row_loss: Array, weights: Array, dependence: Dependence) -> tuple[Array, int]:
    """Return a root of the covariance of the means, and the number of units U.

    The root is an array (R, S) whose ``root.T @ root`` is the covariance, triangular, of a diagonal of 0 or more, so
    that it is the same on every machine.
    """
    influence, _ = dependence.units(row_loss, weights)
    count = influence.shape[1]
    root = np.linalg.qr(np.sqrt(count / max(count - 1, 1)) * influence.T, mode="r")
    return np.where(np.diag(root) < 0, -1.0, 1.0)[:, None] * root, count


def _draws(root: Array) -> Array:
    """Draw errors of the means from their joint distribution: shape (draws, S)."""
    return np.asarray(np.random.default_rng(_SEED).standard_normal((_DRAWS, len(root))) @ root)


def _p_value(s: int, mean: Array, root: Array, size: Array, draws: Array, units: int, level: float) -> float:
    """Return the p-value of the hypothesis that no strength has a lower expected loss than strength ``s``."""
    if units < 2:
        return 1.0
    error = np.sqrt(((root[:, [s]] - root) ** 2).sum(axis=0))
    varies = error > _EQUAL * (size + size[s])
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = np.where(varies, (mean[s] - mean) / error, np.where(mean[s] > mean, np.inf, -np.inf))
    others = max(len(mean) - 1, 1)
    against = difference > -2 * norm.isf(_SCREENED * (1 - level) / others)
    if not against.any():
        return 1.0
    largest = float(difference[against].max())
    if np.isinf(largest):
        return 0.0 if largest > 0 else 1.0
    normal = float(norm.isf(student.sf(largest, units - 1)))
    drawn = ((draws[:, [s]] - draws[:, against]) / error[against]).max(axis=1)
    return float((drawn >= normal).mean())
