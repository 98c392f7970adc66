"""The interval of a paired difference of held-out losses, with the penalty and without.

    difference_i   loss of held-out row i with the penalty, minus without, averaged over seeds and repeats
    mean           of the differences; below 0 the penalty helped
    error          sqrt( sd(difference)^2 / n  +  sigma_seed^2 / (folds * seeds) )
    interval       mean - t(1.96) error ... mean - t(-1.96) error
    t(z)           z, or if it is farther  (3 / k) ( (1 + k (z - k/6))^(1/3) - 1 ),   k the error's skewness, up to 0.4

If rows depend on each other, the first part of the error is computed over groups or blocks
(:mod:`ridgewalk.path.dependence`), and z is replaced by the quantile of Student's t, because they may be few.

A penalty often acts by removing a few very large losses. The differences are then skewed, and a symmetric interval
misses the truth on one side. On this side, the end is given by Hall's transformation (On the removal of skewness by
transformation, Journal of the Royal Statistical Society B 54, 1992). The other end is not moved: the skewness is
poorly estimated from few rows, and heavy tails on both sides would lead to false claims. sigma_seed^2 is the variance
between seeds beyond the part from their rows (:func:`seed_spread`), which the first part includes.

The interval is for networks from random seeds on the training rows of these folds, evaluated on new rows (Bayle, Bayle,
Janson and Mackey, Cross-validation confidence intervals for test error, NeurIPS 2020). The correction of Nadeau and
Bengio (Machine Learning 2003, eq. 9) also includes the variation over training sets, and gives the more careful
interval, in sentences "an interval that also allows for other training rows".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import norm
from scipy.stats import t as student

from ridgewalk.arrays import Array, Integers
from ridgewalk.losses import Loss
from ridgewalk.path.dependence import ROWS, Dependence, mean_and_error

NORMAL = 1.96  # 97.5% of a normal distribution
CLEAR = 2.0  # standard errors of a gain that counts
DETECTABLE_ERRORS = 2.8  # errors of an effect that is seen in 80% of studies: 1.96 + 0.84
_NO_SKEWNESS, _MOST_SKEWNESS = 1e-6, 0.4  # skewness that is none, and beyond which the transformation runs away
_DRIFT = 0.01
_INFINITE_LOSS = 1e100  # a loss that is as good as infinite
_LEAST_LOG_TEMPERATURE, _MOST_LOG_TEMPERATURE = np.log(0.05), np.log(50.0)  # temperatures tried


Outcome = Literal["better", "no difference", "worse", "cannot tell"]
"""What the interval of a difference says (:meth:`Effect.outcome`)."""


@dataclass(frozen=True)
class Effect:
    """A paired difference of held-out losses, and its 95% interval.

    Attributes
    ----------
    mean, error : float
        The mean difference and its standard error, in units of the loss.
    row_error, seed_error : float
        The contributions of rows and of seeds to the error; their squares add up. More seeds reduce only the second.
    skewness : float
        Skewness of the error: its third moment divided by the third power of ``error``.
    careful_error : float
        The error of Nadeau and Bengio (Machine Learning, 2003), times the ratio of their t quantile to the normal one;
        NaN with one fold.
    rows, folds, seeds : int
        Numbers of rows, folds and seeds that the difference was measured on.
    degrees : float
        Degrees of freedom: the number of groups or blocks minus one; infinite for independent rows.
    """

    mean: float
    error: float
    row_error: float
    seed_error: float
    skewness: float
    careful_error: float
    rows: int
    folds: int
    seeds: int
    degrees: float = np.inf

    @property
    def low(self) -> float:
        """Lower end of the 95% interval."""
        return self.mean - self._quantile(NORMAL) * self.error

    @property
    def high(self) -> float:
        """Upper end."""
        return self.mean - self._quantile(-NORMAL) * self.error

    def _quantile(self, normal: float) -> float:
        """Return the quantile of (estimate - truth) / error that corresponds to a normal quantile."""
        if np.isfinite(self.degrees):
            normal = float(student.ppf(norm.cdf(normal), self.degrees))
        k = float(np.clip(self.skewness, -_MOST_SKEWNESS, _MOST_SKEWNESS))
        bent = 3 / k * float(np.cbrt(1 + k * (normal - k / 6)) - 1) if abs(k) > _NO_SKEWNESS else normal
        return bent if abs(bent) > abs(normal) else normal

    @property
    def careful(self) -> tuple[float, float]:
        """The ends of the more careful interval; NaN with one fold."""
        return self.mean - NORMAL * self.careful_error, self.mean + NORMAL * self.careful_error

    @property
    def confirmed(self) -> bool:
        """Whether the more careful interval excludes 0, too."""
        return bool(abs(self.mean) > NORMAL * self.careful_error)

    @property
    def unsure(self) -> bool:
        """Whether the more careful interval contains 0: then sentences claim that something is probable, no more."""
        return bool(np.isfinite(self.careful_error)) and not self.confirmed

    def within(self, size: float) -> bool:
        """Whether the interval lies between -size and size."""
        return bool(-size < self.low and self.high < size)

    def outcome(self, smallest: float) -> Outcome:
        """Return the outcome that the interval supports; all verdicts use this function.

        ==================  ==========================================================================================
        "better"            the interval is below 0
        "no difference"     otherwise, it lies between -smallest and smallest
        "worse"             otherwise, it is above 0
        "cannot tell"       otherwise: it contains 0, and effects that matter
        ==================  ==========================================================================================

        Parameters
        ----------
        smallest : float
            Smallest effect of interest: smaller ones do not matter.
        """
        if self.high < 0:
            return "better"
        if self.within(smallest):
            return "no difference"
        return "worse" if self.low > 0 else "cannot tell"

    @property
    def detectable(self) -> float:
        """Smallest effect that is detected with a power of 80% with these rows and seeds."""
        return DETECTABLE_ERRORS * self.error

    def settled_by(self, size: float) -> tuple[int, int]:
        """Estimate the rows and seeds that would reduce half the interval to ``size``.

        More rows are requested only if no number of seeds is enough. The shape of the interval is assumed constant.
        """
        goal = size * self.error / ((self.high - self.low) / 2) if self.error > 0 else size / NORMAL
        rows, row_error = self.rows, self.row_error
        if row_error > 0.9 * goal:
            rows = int(np.ceil(self.rows * (row_error / (0.9 * goal)) ** 2))
            row_error = 0.9 * goal
        left = goal**2 - row_error**2
        seeds = int(np.ceil(self.seeds * self.seed_error**2 / left)) if self.seed_error else self.seeds
        return rows, max(seeds, self.seeds)

    def decided_by(self, smallest: float) -> tuple[int, Outcome] | None:
        """Estimate the rows with which :meth:`outcome` is decided, if the mean stays the same; None if no number is.

        The length of the interval is assumed to decrease with the square root of the rows. It must then exclude 0, or
        lie between -smallest and smallest, whichever needs fewer rows. The outcome of these rows is returned, too.
        """
        sides = (self.mean - self.low, self.high - self.mean)
        towards_0, within = sides[int(self.mean < 0)], smallest - abs(self.mean)
        apart: Outcome = "better" if self.mean < 0 else "worse"
        distances: tuple[tuple[float, float, Outcome], ...] = (
            (abs(self.mean), towards_0, apart),
            (within, max(sides), "no difference"),
        )
        goal, outcome = max(((size / side, then) for size, side, then in distances if side > 0), default=(1.0, apart))
        goal *= self.error
        left = goal**2 - self.seed_error**2
        if goal <= 0 or left <= 0:
            return None
        return max(self.rows, int(np.ceil(self.rows * self.row_error**2 / left))), outcome


def effect(
    rows: Array, weights: Array, fold_seed_pairs: Array, ratio: float, seed_spread: float, dependence: Dependence = ROWS
) -> Effect:
    """Measure a paired difference.

    Parameters
    ----------
    rows : array, shape (N,)
        Of each held-out row, averaged over seeds and repeats.
    weights : array, shape (N,)
        0 for rows that no fold held out.
    fold_seed_pairs : array, shape (K, E)
        Mean difference of each fold-seed pair.
    ratio : float
        Held-out rows over training rows of a fold.
    seed_spread : float
        Variance over seeds of a fold's mean difference, its rows' own apart: :func:`seed_spread`.
    dependence : Dependence
        Of the N rows.
    """
    mean, row_error = (float(value) for value in mean_and_error(rows, weights, dependence))
    folds, seeds = fold_seed_pairs.shape
    seed_error = float(np.sqrt(seed_spread / fold_seed_pairs.size))
    careful_error = np.nan
    if folds > 1:
        with np.errstate(invalid="ignore"):  # what diverged has no spread
            spread = fold_seed_pairs.mean(axis=1).var(ddof=1)
        careful_error = float(np.sqrt((1 / folds + ratio) * spread) * student.ppf(0.975, folds - 1) / NORMAL)
    error = float(np.hypot(row_error, seed_error))
    influence = dependence.units(rows[None], weights)[0][0]
    skewness = 0.0
    if error > 0:  # in errors, for the cube of a loss may be beyond all numbers
        with np.errstate(invalid="ignore"):
            skewness = float(((influence / error) ** 3).sum())
    degrees = np.inf if dependence.kind == "rows" else len(influence) - 1.0
    used = int(np.count_nonzero(weights))
    return Effect(mean, error, row_error, seed_error, skewness, careful_error, used, folds, seeds, degrees)


def seed_spread(
    differences: Sequence[Array], weights: Sequence[Array], dependences: Sequence[Dependence] | None = None
) -> float:
    """Return the variance between seeds of a fold's mean difference; 0 with a single seed.

    Starts that diverged are left out. Where a fold holds but one row or group out, its rows' part cannot be
    estimated, and stays in.

    Means of few held-out rows differ between starts for the rows' sake, too: another draw of rows would give them other
    differences. That part is in the error of the rows, so it is taken off here (the variance component of an analysis
    of variance; Searle, Casella and McCulloch, Variance Components, 1992):

        v_e = d_e - mean of d over starts       (n,) of each start
        variance = sum_e( mean(v_e)^2 - error(mean(v_e))^2 ) / (E - 1),  averaged over folds, not below 0

    Parameters
    ----------
    differences : list of arrays, K times (E, n)
        Of each start and held-out row of a fold.
    weights : list of arrays, K times (n,)
    dependences : list of Dependence, K of them, optional
        Of the rows of each fold.
    """
    found = []
    for each, weight, dependence in zip(differences, weights, dependences or [ROWS] * len(weights), strict=True):
        kept = each[np.isfinite(each).all(axis=1)]
        if len(kept) > 1:
            means, errors = mean_and_error(kept - kept.mean(axis=0), weight, dependence)
            found.append(float((means**2 - np.nan_to_num(errors) ** 2).sum()) / (len(kept) - 1))
    return max(float(np.mean(found)), 0.0) if found else 0.0


def spread_of_pairs(fold_seed_pairs: Array) -> float:
    """Return the variance over seeds of each fold's mean losses (K, E), averaged over folds; 0 with one seed.

    Without every start's loss of every row, this is what can be estimated: it includes the rows' part, and is more than
    :func:`seed_spread`.
    """
    with np.errstate(invalid="ignore"):  # what diverged has no spread
        return float(fold_seed_pairs.var(axis=1, ddof=1).mean()) if fold_seed_pairs.shape[1] > 1 else 0.0


def calibrated(outputs: list[Array], targets: list[Array], loss: Loss) -> list[Array]:
    """Losses (E, n) of the rows of each fold, after a temperature that the other folds' rows choose.

    A temperature divides all outputs, so it mends over- and underconfidence and leaves the order of the classes (Guo,
    Pleiss, Sun and Weinberger, ICML 2017, section 4.2). What is left is how well classes are separated.

    Parameters
    ----------
    outputs : list of arrays, K times (E, n, C)
    targets : list of arrays, K times (n, C)
    loss : Loss
        Of classes.
    """
    found = []
    for k, (output, target) in enumerate(zip(outputs, targets, strict=True)):
        others = [j for j in range(len(outputs)) if j != k] or [k]

        def above(log_temperature: float, seed: int, others: list[int] = others) -> float:
            cooled = np.exp(-log_temperature)
            return float(np.concatenate([loss.values(outputs[j][seed] * cooled, targets[j]) for j in others]).mean())

        best = [
            minimize_scalar(
                above, bounds=(_LEAST_LOG_TEMPERATURE, _MOST_LOG_TEMPERATURE), args=(seed,), method="bounded"
            ).x
            for seed in range(len(output))
        ]
        found.append(loss.values(output * np.exp(-np.array(best))[:, None, None], target))
    return found


@dataclass(frozen=True)
class Tail:
    """The last tenth of a training: its level, spread, drift and spikes.

    Attributes
    ----------
    level : float
        Median loss there (data loss of the training rows).
    spread : float
        Standard deviation there, the largest of the seeds.
    drift : float
        How much lower its second half is than its first, over the level; the largest of the seeds.
    spikes : float
        Share of all looks, after the first tenth, at which the loss was above twice the median of its neighbourhood.
    """

    level: float
    spread: float
    drift: float
    spikes: float

    @property
    def at_rest(self) -> bool:
        """Whether it came to rest: no spike, and no drift above 1%."""
        return self.spikes == 0 and self.drift <= _DRIFT


def tail(curves: Array) -> Tail:
    """Summarize the end of training curves (E, T); diverged losses become large finite numbers."""
    curves = np.clip(np.nan_to_num(curves, nan=_INFINITE_LOSS), -_INFINITE_LOSS, _INFINITE_LOSS)
    count = min(max(4, curves.shape[1] // 10), curves.shape[1])
    last = curves[:, -count:]
    half = max(1, count // 2)
    halves = last[:, :half].mean(axis=1), last[:, -half:].mean(axis=1)
    body = curves[:, curves.shape[1] // 10 :]
    parts = min(10, body.shape[1])
    usual = np.array([np.median(part, axis=1) for part in np.array_split(body, parts, axis=1)]).T
    sizes = [len(part) for part in np.array_split(np.arange(body.shape[1]), parts)]
    where: Integers = np.repeat(np.arange(parts), sizes)
    level = float(np.median(last))
    return Tail(
        level=level,
        spread=float(last.std(axis=1).max()),
        drift=float(((halves[0] - halves[1]) / np.maximum(np.abs(halves[1]), 1e-12)).max()),
        spikes=float((body > 2 * usual[:, where]).mean()),
    )
