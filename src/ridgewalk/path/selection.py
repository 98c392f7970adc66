"""Rules that choose a strength from held-out losses: minimum, one standard error, simplest.

    minimum              lowest mean held-out loss: for prediction
    one_standard_error   strongest strength whose loss exceeds the minimum by at most one standard error of this
                         difference, paired by row: for sparser models
    simplest             in the 95% confidence set of the best strength, the one with the fewest inputs, then the fewest
                         weights, then the strongest: as sparse as the rows allow

The rules are pure functions of held-out losses, with strengths increasing along the first axis. Pairing matters: rows
that are hard to predict at one strength are hard at the next, so the error of a difference is much smaller than that of
either loss. All rules use the loss of each row averaged over seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ridgewalk.arrays import Array, Integers
from ridgewalk.folds import average_by_row
from ridgewalk.objective import weighted_mean
from ridgewalk.path.confidence import EVERY_ONE_DIVERGED, confidence_set, lowest
from ridgewalk.path.dependence import ROWS, Dependence, mean_and_error

Rule = Literal["min", "1se", "simplest"]


def minimum(row_loss: Array, weights: Array) -> int:
    """Return the index of the lowest mean loss (S, N); if several are equal, the strongest strength."""
    mean = weighted_mean(row_loss, weights)
    if not np.isfinite(mean).any():
        raise ValueError(EVERY_ONE_DIVERGED)
    return lowest(mean)


def one_standard_error(row_loss: Array, weights: Array, dependence: Dependence = ROWS) -> int:
    """Return the index of the strongest strength above the minimum within one paired standard error of it.

    (Breiman, Friedman, Olshen and Stone, 1984, section 3.4.3, for unpaired errors.) Never weaker than the minimum.
    """
    best, used = minimum(row_loss, weights), np.flatnonzero(weights > 0)
    changes = row_loss[best:, used] - row_loss[best, used]
    mean, error = mean_and_error(changes, weights[used], dependence.of_rows(used))
    beyond = np.flatnonzero(~(mean <= error))
    return best + (int(beyond[0]) if beyond.size else len(mean)) - 1


def simplest(row_loss: Array, weights: Array, dependence: Dependence = ROWS, sizes: Integers | None = None) -> int:
    """Return the index of the simplest strength in the 95% confidence set.

    Parameters
    ----------
    row_loss : array, shape (S, N)
    weights : array, shape (N,)
    dependence : Dependence
    sizes : integers, shape (S, 2), optional
        Inputs and weights of the network at each strength; without them, the strongest of the set is the simplest.
    """
    members = np.flatnonzero(confidence_set(row_loss, weights, dependence).members)
    if sizes is None:
        return int(members[-1])
    inputs, kept = sizes[members].T
    return int(members[np.lexsort((-members, kept, inputs))[0]])


@dataclass(frozen=True)
class Choice:
    """The indices chosen by the three rules, and by the requested one."""

    minimum: int
    one_standard_error: int
    simplest: int
    chosen: int


def choose(
    row_loss: Array,
    weights: Array,
    rule: Rule = "min",
    dependence: Dependence = ROWS,
    sizes: Integers | None = None,
) -> Choice:
    """Apply all rules to held-out losses (S, N); ``rule`` is the requested one. Parameters as for :func:`simplest`."""
    found = {each: chosen_by(each, row_loss, weights, dependence, sizes) for each in get_args(Rule)}
    return Choice(found["min"], found["1se"], found["simplest"], found[_known(rule)])


def chosen_by(rule: Rule, row_loss: Array, weights: Array, dependence: Dependence, sizes: Integers | None) -> int:
    """Return the index that one rule chooses. Parameters as for :func:`simplest`."""
    if _known(rule) == "min":
        return minimum(row_loss, weights)
    if rule == "1se":
        return one_standard_error(row_loss, weights, dependence)
    return simplest(row_loss, weights, dependence, sizes)


def _known(rule: Rule) -> Rule:
    rules = get_args(Rule)
    if rule not in rules:
        raise ValueError(f"selection is {', '.join(map(repr, rules[:-1]))} or {rules[-1]!r}, got {rule!r}.")
    return rule


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
    dependence : Dependence
        Of the N rows.
    sizes : integers, shape (S, 2), or None
        Inputs and weights of the network at each strength.
    """

    row_loss: Array
    rows: Sequence[Integers]
    losses: Sequence[Array]
    dependence: Dependence = ROWS
    sizes: Integers | None = None

    def chosen_by(self, rule: Rule, weights: Array) -> int:
        """Return the strength that a rule chooses by rows of these weights (N,)."""
        return chosen_by(rule, self.row_loss, weights, self.dependence, self.sizes)

    def choose(self, rule: Rule, weights: Array) -> Choice:
        """Apply all rules to rows of these weights (N,)."""
        return choose(self.row_loss, weights, rule, self.dependence, self.sizes)


def best_path(paths: Sequence[HeldOut], weights: Array) -> int:
    """Return the number of the path, of several, that has the lowest mean loss at any of its strengths."""
    return int(np.argmin([weighted_mean(path.row_loss[minimum(path.row_loss, weights)], weights) for path in paths]))


def nested(paths: Sequence[HeldOut], weights: Array, rule: Rule = "min") -> Array:
    """Return the loss (N,) of each row at the path and strength chosen on the other folds; NaN with one fold.

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
    """Return the path and strength chosen on the other folds, for each fold; (-1, 0) with one fold."""
    chosen = []
    for rows in paths[0].rows:
        others = weights.copy()
        others[rows] = 0
        if not others.any():
            chosen.append((-1, 0))
            continue
        best = best_path(paths, others)
        chosen.append((best, paths[best].chosen_by(rule, others)))
    return chosen
