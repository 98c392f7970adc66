"""Racing: a strength that is clearly worse after some folds is not trained on the others.

    after folds 0 and 1, and after each further one, over the held-out rows so far:

    dropped   if   mean(loss_s - loss_best)  >  2 * paired standard error of that mean

The networks of each fold are made monotone (:mod:`ridgewalk.path.law`) among the remaining strengths first, so a
strength is not dropped because its training found a worse minimum than its neighbours.

Three strengths are never dropped: 0 and the best above it, which the verdict compares, and the weakest above 0, from
whose network the training at 0 may continue (:func:`ridgewalk.path.law.with_law`). The training of a strength does not
depend on the other strengths, so the remaining networks are bitwise equal to those without racing.

(Racing by paired differences: Maron and Moore, Hoeffding races, NIPS 1993; Kuhn, Futility analysis in the
cross-validation of machine learning models, 2014.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ridgewalk.arrays import Array, Booleans, Integers
from ridgewalk.folds import average_by_row
from ridgewalk.objective import weighted_mean
from ridgewalk.path.dependence import ROWS, Dependence, mean_and_error

FIRST_FOLDS = 2
"""Folds after which the first strengths may be dropped."""
FEWEST_FOLDS = 3
"""Of a race: with two, nothing is left to save but the fit on all rows."""
_CLEAR_ERRORS = 2.0  # paired standard errors


@dataclass(frozen=True, eq=False)
class Dropped:
    """Strengths that a race dropped: D of them, rising.

    Attributes
    ----------
    alphas : array, shape (D,)
    folds : integers, shape (D,)
        Folds that had been trained and scored by then.
    heldout_loss : array, shape (D,)
        Mean loss over the rows that those folds held out.
    """

    alphas: Array
    folds: Integers
    heldout_loss: Array

    @staticmethod
    def none() -> Dropped:
        """Return the dropped strengths of a path without a race."""
        return Dropped(np.empty(0), np.empty(0, dtype=np.int64), np.empty(0))


def stages(folds: int) -> Iterator[range]:
    """Return the training sets (folds, and all rows as the last) that are trained together, one job after the other."""
    yield range(FIRST_FOLDS)
    yield from (range(fold, fold + 1) for fold in range(FIRST_FOLDS, folds + 1))


class Race:
    """Who is still in a race.

    Parameters
    ----------
    strengths : array, shape (S,)
        From 0, rising.
    heldout_rows : sequence of integers, K times (n,)
    weights : array, shape (N,)
    dependence : Dependence
        Of the N rows.
    """

    def __init__(
        self, strengths: Array, heldout_rows: Sequence[Integers], weights: Array, dependence: Dependence = ROWS
    ) -> None:
        self._strengths, self._rows, self._weights = strengths, heldout_rows, weights
        self._dependence = dependence
        self._losses: list[Array] = []
        self._out: dict[int, tuple[int, float]] = {}
        self.left: Integers = np.arange(len(strengths))

    def add(self, losses: Array) -> None:
        """Add the losses of the remaining strengths on the next fold (S', n), averaged over seeds; drop some."""
        every = np.full((len(self._strengths), losses.shape[1]), np.nan)
        every[self.left] = losses
        self._losses.append(every)
        folds = len(self._losses)
        if folds < FIRST_FOLDS:
            return
        rows = self._rows[:folds]
        table = average_by_row(rows, [each[self.left] for each in self._losses], len(self._weights))
        seen = np.isin(np.arange(len(self._weights)), np.concatenate(rows))
        mean, stays = standing(table, np.where(seen, self._weights, 0.0), self._dependence)
        self._out |= {int(s): (folds, float(loss)) for s, loss in zip(self.left[~stays], mean[~stays], strict=True)}
        self.left = self.left[stays]

    @property
    def dropped(self) -> Dropped:
        """Those that are out."""
        numbers = sorted(self._out)
        folds, losses = ([self._out[s][k] for s in numbers] for k in range(2))
        return Dropped(self._strengths[numbers], np.array(folds, dtype=np.int64), np.array(losses))


def standing(row_loss: Array, weights: Array, dependence: Dependence = ROWS) -> tuple[Array, Booleans]:
    """Return the mean held-out losses (S, N), strengths increasing from 0, and which strengths stay: both (S,)."""
    used = np.flatnonzero(weights > 0)
    mean = weighted_mean(row_loss, weights)
    finite = np.where(np.isfinite(mean), mean, np.inf)
    best = int(np.argmin(finite))
    if not np.isfinite(mean[best]):
        return mean, np.ones(len(mean), dtype=bool)
    with np.errstate(invalid="ignore"):  # what diverged
        changes = row_loss[:, used] - row_loss[best, used]
        behind, error = mean_and_error(changes, weights[used], dependence.of_rows(used))
    unknown = np.isfinite(behind) & np.isnan(error)  # of a single group
    stays = (behind <= _CLEAR_ERRORS * error) | unknown
    stays[:2] = True
    stays[1 + np.argmin(finite[1:]) if len(mean) > 1 else 0] = True
    return mean, stays
