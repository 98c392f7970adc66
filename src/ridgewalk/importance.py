"""How much networks weigh their inputs: the norm of what leaves each input, as shares of 1, averaged over networks.

    network      g_j = || weights from the numbers of input j to hidden units that lead to an output ||
    shares       g_j / sum_i g_i                           of each network; 0 where it uses no input
    averaged     sum_m share_m shares_m, over its own sum

``g_j`` is the norm that group penalties on networks have for an input (Scardapane, Comminiello, Hussain and Uncini,
Group sparse regularization for deep neural networks, Neurocomputing 2017, section 3), in the units that the network
sees: of standardized columns, per standard deviation. It is 0 exactly where an input is not used. Like a linear model's
weights it says how a network is built, not what an input causes, and inputs that say the same share it. What the start
drew stays where no penalty takes it away: without one, in few epochs, or of many units, it says little. Shares are
averaged as a forest averages those of its trees (Louppe, Understanding random forests, 2014, section 6.1).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ridgewalk.arrays import Array, Integers
from ridgewalk.model import Model


def by_origin(importance: Array, origin: Integers, count: int) -> Array:
    """Return the norms (..., count) of inputs that several columns came from, of the columns' own (..., P).

    Parameters
    ----------
    importance : array, shape (..., P)
    origin : integers, shape (P,)
        The input that each column came from, from 0 to ``count`` - 1.
    count : int
    """
    squares = np.zeros((*importance.shape[:-1], count))
    for column, number in enumerate(origin):
        squares[..., number] += importance[..., column] ** 2
    return np.asarray(np.sqrt(squares))


def shares_by_name(models: Sequence[Model], shares: Array, origins: Sequence[str]) -> dict[str, float]:
    """Return how much networks weigh each input on average, by its name (:func:`shares_of_importance`).

    Parameters
    ----------
    models, shares
        As there.
    origins : sequence of str, P of them
        Name of the input that each column of the data came from.
    """
    place = {name: number for number, name in enumerate(dict.fromkeys(origins))}
    found = shares_of_importance(models, shares, np.array([place[name] for name in origins]), len(place))
    return dict(zip(place, found.tolist(), strict=True))


def shares_of_importance(models: Sequence[Model], shares: Array, origin: Integers, count: int) -> Array:
    """Return how much networks weigh each input on average: shape (count,), a sum of 1, or 0 where none is used.

    Parameters
    ----------
    models : sequence of Model, M of them
    shares : array, shape (M,)
        Of each in the mean.
    origin : integers, shape (P,)
        The input that each column of the data came from.
    count : int
        Number of inputs.
    """
    total = np.zeros(count)
    for model, share in zip(models, shares, strict=True):
        each = by_origin(model.importance(len(origin)), origin, count)
        total += share * each / (each.sum() or 1.0)
    return np.asarray(total / (total.sum() or 1.0))
