"""The law of a path: above strength 0, no objective falls as the strength rises.

    J_s(w) = data loss of w + penalty of w at strength s          rises with s for every w, so its minimum does, too

Training finds local minima, of which one may break the law: then the network of the next stronger strength is better
at this strength, too, and takes its place (decision 0016). A cell that would hold the null model takes a neighbour's
network, of a weaker or a stronger strength, where that is better than the null model. Last comes a sweep from strong to
weak, after which, for every fold and start,

    J_s(w_s)  <=  J_s(w_{s+1})  <=  J_{s+1}(w_{s+1})
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from ridgewalk.arrays import Array, Booleans, Integers

NULL = -1
"""The null model, as the source of a cell."""
_ROUNDING = 1e-13  # relative; objectives that differ by less are the same

PenaltyOf = Callable[[int, Integers, Integers], Array]
"""From the number of a strength, cells (R,) and sources (R,): penalty, at that strength, of those cells' networks."""


def lower(value: Array, than: Array) -> Booleans:
    """Return where a value is below another by more than rounding; NaN is below nothing."""
    with np.errstate(invalid="ignore"):  # what diverged
        return np.asarray(value < than - _ROUNDING * np.abs(than))


def sources(data_loss: Array, null: Array, penalty_of: PenaltyOf) -> tuple[Integers, Array]:
    """Find whose network every cell holds, so that no objective falls.

    Parameters
    ----------
    data_loss : array, shape (S, cells)
        Of the network that each strength's training gave, from weak to strong; it may be NaN or infinite.
    null : array, shape (cells,)
        Objective of the null model, the same at every strength.
    penalty_of : function

    Returns
    -------
    source : integers, shape (S, cells)
        Number of the strength whose training gave the network; :data:`NULL` for the null model.
    penalty : array, shape (S, cells)
        What that network pays at the cell's own strength; 0 for the null model.
    """
    strengths, cells = range(len(data_loss)), np.arange(len(null))
    source = np.repeat(np.arange(len(data_loss))[:, None], len(null), axis=1)
    penalty = np.stack([penalty_of(s, cells, source[s]) for s in strengths])
    wins = ~lower(data_loss + penalty, null)
    objective, source = np.where(wins, null, data_loss + penalty), np.where(wins, NULL, source)
    for neighbour, s in [*pairwise(strengths), *pairwise(strengths[::-1])]:
        breaks = lower(objective[neighbour], objective[s]) & (neighbour > s)
        asked = np.flatnonzero((source[neighbour] != NULL) & ((source[s] == NULL) | breaks))
        if not asked.size:
            continue
        offered = source[neighbour, asked]
        pays = penalty_of(s, asked, offered)
        there = data_loss[offered, asked] + pays
        better = lower(there, objective[s, asked])
        taken = asked[better]
        source[s, taken], penalty[s, taken], objective[s, taken] = offered[better], pays[better], there[better]
    return source, np.where(source == NULL, 0.0, penalty)
