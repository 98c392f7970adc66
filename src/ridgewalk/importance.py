"""Importance of inputs: norms of first-layer weights as shares of 1, averaged over networks.

    network      g_j = || weights from the columns of input j to hidden units that lead to an output ||
    shares       g_j / sum_i g_i                           for each network; 0 if it uses no input
    averaged     sum_m share_m shares_m, divided by its sum

``g_j`` is the norm that group penalties on networks have for an input (Scardapane, Comminiello, Hussain and Uncini,
Group sparse regularization for deep neural networks, Neurocomputing 2017, section 3), in the network's units: per
standard deviation of a standardized column. It is 0 exactly if an input is not used. Like the weights of a linear model
it describes the network and not causes, and inputs with the same information share it. Without a penalty, the initial
random weights remain part of it, so with few epochs or many units it is not informative. Shares are averaged as in a
random forest (Louppe, Understanding random forests, 2014, section 6.1).
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
    """Return the mean importance of each input: shape (count,), with sum 1, or 0 if no input is used.

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
