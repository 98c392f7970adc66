"""Find networks of a path whose units died as the strength rose, and train them again from random weights.

Every network of a path starts from a dense fit. With more columns than rows such a fit has no loss left, so Adam's
second moments are close to 0, and its first steps under a penalty are large enough to switch all hidden units off: the
output is a constant, and no gradient brings it back.

    share = (null model's objective - a network's) / (null model's - dense fit's)

Where the dense fit has less than a hundredth of the null model's loss left, a network has collapsed if its share is 0
while that of another fold or seed at the same strength is at least a tenth. It is trained again, and at a tenth of the
learning rate if it collapses once more; what has the lower objective is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ridgewalk.arrays import Array, Booleans, Integers
from ridgewalk.engine import Runner
from ridgewalk.engine.job import Fits
from ridgewalk.path.cost import ramp_seconds
from ridgewalk.path.jobs import put_in, ramp_job, random_starts
from ridgewalk.path.law import NullObjectives
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.settings import PathSettings

_NOTHING, _MUCH = 1e-3, 0.1  # shares of what dense fits learn
_LEFT = 0.01  # of the null model's loss
_RATES = (1.0, 0.1)  # times the learning rate, one after the other


def collapsed(null: NullObjectives, fits: Sequence[Fits], dense: Fits) -> Booleans:
    """Return which networks collapsed, of fits per strength from the weakest above 0 on: shape (S, pairs)."""
    objective = np.stack([fit.data_loss + fit.penalty for fit in fits])
    diverged = np.stack([fit.diverged for fit in fits])
    with np.errstate(divide="ignore", invalid="ignore"):  # what diverged; a constant target
        shares = np.nan_to_num((null.of_pairs - objective) / (null.of_pairs - dense.data_loss))
    nothing = (shares < _NOTHING) & ~diverged & (dense.data_loss < _LEFT * null.of_pairs)
    others_learn = shares.max(axis=1, keepdims=True) >= _MUCH
    return np.asarray(nothing & others_learn)


def without_collapse(
    problem: PathProblem,
    settings: PathSettings,
    runner: Runner,
    null: NullObjectives,
    strengths: Array,
    fits: Sequence[Fits],
    dense: Fits,
) -> list[Fits]:
    """Train collapsed networks again from random weights, and keep what is better.

    Parameters
    ----------
    problem, settings, runner
    null : NullObjectives
    strengths : array, shape (S,)
        Above 0, from weak to strong.
    fits : sequence of Fits
        One per strength, over fold-seed pairs.
    dense : Fits
        What they started from.
    """
    kept = list(fits)
    for rate in _RATES:
        numbers, pairs = np.nonzero(collapsed(null, kept, dense))
        if not pairs.size:
            break
        runner.progress.estimate(ramp_seconds(problem, settings, 1, len(pairs) / len(problem.seeds)))
        start = replace(dense, parameters=random_starts(problem, settings))
        again = runner.train(ramp_job(problem, settings, strengths[numbers], pairs, start, rate))
        for number in np.unique(numbers):
            here = numbers == number
            kept[number] = _better(kept[number], again.part(here), pairs[here])
    return kept


def _better(fits: Fits, again: Fits, pairs: Integers) -> Fits:
    """Return fits with those of some pairs, trained again, where the objective is lower."""
    before = (fits.data_loss + fits.penalty)[pairs]
    better = (again.data_loss + again.penalty < before) & ~again.diverged
    return put_in(fits, pairs[better], again.part(better))
