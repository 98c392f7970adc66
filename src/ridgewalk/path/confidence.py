"""How sure the choice of a strength is: confidence set, simultaneous band, and corrected minimum.

    confidence set     the strengths that may have the lowest expected loss: those that no other one beats significantly
    band               an interval for the expected loss at every strength, simultaneous or for each separately
    corrected minimum  the lowest held-out loss, corrected for the optimism of choosing the lowest

All functions are pure functions of held-out losses, with strengths along the first axis. The losses of a row at
different strengths are correlated. Units (:mod:`ridgewalk.path.dependence`) are therefore drawn with the losses at all
strengths. The draws are reproducible.

The expected loss is that of the folds' networks, averaged over folds, on new rows. The variance of the held-out mean is
larger than the spread of held-out losses shows, because every row is a training row of the other folds. Two rows i and
j of different folds occur together twice: i is scored by a network trained on j, and j by one trained on i. Both
contribute the same to the mean, ``-e_i K_ij e_j / n``, for errors e and a fit that depends on them through a symmetric
K. The contribution of pairs to the variance is twice that in the spread of losses, so it is added once more:

    pairs_s     =  dispersion (held-out loss_s - training loss_s)
    error_s^2   =  error over units^2  +  pairs_s sum w^2 / (sum w)^2

It is estimated from the optimism of training, since for a projection K both are traces: ``sigma^2 tr K / n`` is the
optimism, ``sigma^4 tr K / n`` the variance (docs/decisions/0027). The dispersion sigma^2 is 1 for a likelihood in nats,
and d times the mean loss for a loss that grows with the d-th power of the error.
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
_DRAWS, _SEED = 5_000, 0  # of normal errors
_BAND_SAMPLES = 2_000  # samples of the band, and the most units that it draws
_BAGS = 500
_SCREENING_SHARE = 0.1  # of 1 - level: chance that a strength is screened out which is nearly as good
_EQUAL_ERRORS = 1e-9  # of the errors of two losses: an error of their difference below it is rounding


@dataclass(frozen=True, eq=False)
class ConfidenceSet:
    """Confidence set of the strength with the lowest expected loss.

    Attributes
    ----------
    level : float
        Confidence level.
    p_values : array, shape (S,)
        For the hypothesis that no strength has a lower expected loss; 0 if a fold diverged.
    members : array of bool, shape (S,)
        Strengths whose p-value is above ``1 - level``, and the strength with the lowest held-out loss.
    """

    level: float
    p_values: Array
    members: Booleans


@dataclass(frozen=True, eq=False)
class Band:
    """Confidence band for the expected losses along a path.

    Attributes
    ----------
    level : float
        Confidence level.
    simultaneous : bool
        Whether the level holds for all strengths at once, or for each strength separately.
    loss, error : arrays, shape (S,)
        Mean held-out loss and its standard error, including the contribution of pairs of rows.
    low, high : arrays, shape (S,)
        Lower and upper ends; infinite if a fold diverged, or with too few groups. The interval is longer on the side of
        the longer tail.
    """

    level: float
    simultaneous: bool
    loss: Array
    error: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class CorrectedMinimum:
    """The lowest mean held-out loss, corrected for the optimism of the choice.

    Attributes
    ----------
    loss, error : float
        Corrected mean loss, and its standard error.
    optimism : float
        ``loss`` minus the lowest mean held-out loss.
    """

    loss: float
    error: float
    optimism: float


def confidence_set(
    row_loss: Array, weights: Array, dependence: Dependence = ROWS, level: float = 0.95
) -> ConfidenceSet:
    """Return the confidence set of the strength with the lowest expected loss.

    Strength s is not in the set if its loss is significantly higher than that of another strength. The test statistic
    is the largest studentized difference; its distribution under the hypothesis comes from the multiplier bootstrap:

        T_s   =  max over j of  (mean_s - mean_j) / error of the difference
        T*_s  =  max over j of  (error*_s - error*_j) / error of the difference
        p_s   =  share of the draws in which  T*_s >= T_s

    Strengths j with a much higher loss than s are left out of both maxima. (Cross-validation with confidence: Lei, JASA
    2020, algorithm 1 with inequality screening.) With few units, differences have the tails of Student's t, and are
    transformed to the normal scale.

    Parameters
    ----------
    row_loss : array, shape (S, N)
        Held-out losses; not finite at strengths at which a fold diverged.
    weights : array, shape (N,)
        0 for rows that no fold held out.
    dependence : Dependence
    level : float
        Confidence level between 0 and 1: the least probability that the set contains the best strength.

    Raises
    ------
    ValueError
        If the level is not between 0 and 1, or every strength diverged.
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


def band(
    row_loss: Array,
    weights: Array,
    dependence: Dependence = ROWS,
    level: float = 0.95,
    pairs: Array | None = None,
    *,
    simultaneous: bool = True,
) -> Band:
    """Compute a confidence band for the expected losses of all strengths, simultaneous or separate.

    Units are drawn with replacement, and the deviation of every mean is taken in its own standard error of the same
    draw, t*_s. Of ``max t*_s`` and ``min t*_s`` over the strengths the quantiles at equal tails are taken:

        mean_s - high quantile * error_s   ...   mean_s - low quantile * error_s

    For an interval at each strength alone they are the quantiles of each t*_s. Losses are skewed, and so is the band.
    (Bootstrap-t: Hall, Annals of Statistics 1988; of a maximum: Chernozhukov, Chetverikov and Kato, Annals of
    Statistics 2013.)

    Parameters
    ----------
    row_loss, weights, dependence, level
        As for :func:`confidence_set`.
    pairs : array, shape (S,), optional
        What pairs of rows bring to the variance of a row's loss (:func:`pair_variance`); nothing without.
    simultaneous : bool
        Whether it holds the expected losses of all strengths at once; else an interval for each strength alone.

    Raises
    ------
    ValueError
        If the level is none, or every strength diverged.
    """
    _check_level(level)
    finite = _finite(row_loss, weights)
    mean, error = weighted_mean(row_loss, weights), np.full(len(row_loss), np.inf)
    influence, _ = dependence.units(row_loss[finite], weights)
    below, above = np.full((2, len(mean)), np.nan)
    below[finite], above[finite] = _ends(influence, level, simultaneous)
    more = np.zeros(len(mean)) if pairs is None else pairs
    error[finite] = np.nan_to_num(_with_pairs(row_loss[finite], weights, dependence, more[finite]), nan=np.inf)
    with np.errstate(invalid="ignore"):
        low, high = mean - above * error, mean - below * error
    return Band(level, simultaneous, mean, error, np.where(finite, low, -np.inf), np.where(finite, high, np.inf))


def pair_variance(heldout: Array, training: Array, power: int | None, outputs: int) -> Array:
    """Compute the contribution of pairs of rows to the variance of a row's loss: shape (S,).

    Parameters
    ----------
    heldout, training : arrays, shape (S,)
        Mean losses of held-out and of training rows.
    power : int or None
        Power of the error that the loss grows with; None of a likelihood in nats.
    outputs : int
        Number of targets whose losses are summed.
    """
    known = heldout[np.isfinite(heldout)]
    dispersion = 1.0 if power is None else power * float(known.min(initial=np.inf)) / outputs
    with np.errstate(invalid="ignore"):
        optimism = np.maximum(heldout - training, 0)
    return np.where(np.isfinite(optimism), optimism, 0) * (dispersion if np.isfinite(dispersion) else 0.0)


def corrected_minimum(
    row_loss: Array, weights: Array, dependence: Dependence = ROWS, pairs: Array | None = None
) -> CorrectedMinimum:
    """Correct the lowest held-out loss for the optimism of choosing the lowest.

    Units are drawn with replacement, 500 times. In each bootstrap sample, the strength with the lowest loss is chosen,
    and rows outside the sample are scored at it; the scores of a row are averaged. (Bootstrap bias corrected
    cross-validation: Tsamardinos, Greasidou and Borboudakis, Machine Learning 2018; averaged by row as in the
    leave-one-out bootstrap of Efron and Tibshirani, JASA 1997.) The standard error is that at the chosen strength.

    Parameters
    ----------
    row_loss, weights, dependence, pairs
        As for :func:`band`.

    Raises
    ------
    ValueError
        If every strength diverged.
    """
    finite = np.flatnonzero(_finite(row_loss, weights))
    used = np.flatnonzero(weights > 0)
    losses, weight, apart = row_loss[np.ix_(finite, used)], weights[used], dependence.of_rows(used)
    mean = weighted_mean(losses, weight)
    best = lowest(mean)
    more = np.zeros(1) if pairs is None else pairs[finite[[best]]]
    error = float(_with_pairs(losses[[best]], weight, apart, more)[0])
    influence, unit = apart.units(losses, weight)
    shares = np.bincount(unit, weight) / weight.sum()
    outside, count = np.zeros(losses.shape), influence.shape[1]
    generator = np.random.default_rng(_SEED)
    for _ in range(_BAGS):
        times = np.bincount(generator.integers(count, size=count), minlength=count)
        chosen = lowest(influence @ times + mean * (shares @ times))  # the bag's mean, times its weight
        outside[chosen] += (times == 0)[unit]
    scored = outside.sum(axis=0)
    rows = np.flatnonzero(scored)
    if not rows.size:
        return CorrectedMinimum(float(mean[best]), float("nan"), 0.0)
    average = (outside * losses)[:, rows].sum(axis=0) / scored[rows]
    loss = float(weighted_mean(average, weight[rows]))
    return CorrectedMinimum(loss, error, loss - float(mean[best]))


def _with_pairs(row_loss: Array, weights: Array, dependence: Dependence, pairs: Array) -> Array:
    """Return standard errors (S,) of mean losses, including the contribution of pairs of rows.

    Pairs of units that are larger than rows bring more, by as much as the units' own errors are larger.
    """
    own, error = mean_and_error(row_loss, weights)[1], mean_and_error(row_loss, weights, dependence)[1]
    share = float((weights**2).sum() / weights.sum() ** 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        larger = np.maximum(np.nan_to_num((error / own) ** 2, nan=1.0, posinf=1.0), 1.0)
    return np.asarray(np.sqrt(error**2 + larger * pairs * share))


def _ends(influence: Array, level: float, simultaneous: bool) -> tuple[Array | float, Array | float]:
    """Return how many standard errors the means lie below and above the truth at most, at a level: shape (S,) or ().

    More than 2,000 units are put together, for so many sums are as skewed as their parts.
    """
    count = min(influence.shape[1], _BAND_SAMPLES)
    if count < 2:
        return -np.inf, np.inf
    units = np.array([influence[:, k::count].sum(axis=1) for k in range(count)]).T
    times = np.random.default_rng(_SEED).multinomial(count, np.full(count, 1 / count), size=_BAND_SAMPLES)
    moved = times @ units.T
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(np.maximum(times @ (units**2).T - moved**2 / count, 0) * count / (count - 1))
        deviation = np.where(np.abs(moved) > _EQUAL_ERRORS * error, moved / error, 0.0)
    deviation = np.where(np.isnan(deviation), 0.0, deviation)
    tail = (1 - level) / 2
    least, most = (deviation.min(axis=1), deviation.max(axis=1)) if simultaneous else (deviation, deviation)
    return np.quantile(least, tail, axis=0, method="lower"), np.quantile(most, 1 - tail, axis=0, method="higher")


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
    varies = error > _EQUAL_ERRORS * (size + size[s])
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = np.where(varies, (mean[s] - mean) / error, np.where(mean[s] > mean, np.inf, -np.inf))
    others = max(len(mean) - 1, 1)
    against = difference > -2 * norm.isf(_SCREENING_SHARE * (1 - level) / others)
    if not against.any():
        return 1.0
    largest = float(difference[against].max())
    if np.isinf(largest):
        return 0.0 if largest > 0 else 1.0
    normal = float(norm.isf(student.sf(largest, units - 1)))
    drawn = ((draws[:, [s]] - draws[:, against]) / error[against]).max(axis=1)
    return float((drawn >= normal).mean())
