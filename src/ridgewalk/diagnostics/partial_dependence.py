"""Partial dependence, individual curves, and the strength of interactions between inputs.

    individual(g, i)   =  prediction of row i with the input set to the value g           (Goldstein et al., JCGS 2015)
    dependence(g)      =  mean over the rows of individual(g, i)                          (Friedman, AoS 2001, eq. 53)
    interaction(j, k)  =  share of the joint dependence's variance that is not additive in the two inputs: H^2 of
                          Friedman and Popescu (AoAS 2008, eq. 44), over the grid instead of the rows

A network's first layer is a sum over its inputs, so it is computed once for every row, and only the part of the input
that changes is computed again.
"""

from __future__ import annotations

import numpy as np

from ridgewalk.arrays import Array, Integers
from ridgewalk.model import Model
from ridgewalk.network import Network

_MOST_NUMBERS = 4_000_000  # of one layer, over settings x rows: settings are taken in parts of so many


def individual_predictions(model: Model, x: Array, columns: Integers, settings: Array) -> Array:
    """Compute predictions for every row with some columns set to each of several values.

    Parameters
    ----------
    model : Model
    x : array, shape (N, P)
        All columns of the data.
    columns : integers, shape (k,)
        The columns that are set together: one of a number, all of a category.
    settings : array, shape (G, k)
        Their values.

    Returns
    -------
    array, shape (G, N, C)
        Probabilities, numbers or rates, in the units of the target.
    """
    seen = model.seen(x)
    own = np.flatnonzero(np.isin(model.column, columns))
    changed = np.repeat(x[:1], len(settings), axis=0)
    changed[:, columns] = settings
    w, b = model.parameters[:2]
    with np.errstate(all="ignore"):  # what diverged predicts no number
        rest = seen @ w + b - seen[:, own] @ w[own]
        part = model.seen(changed)[:, own] @ w[own]
        step = max(1, _MOST_NUMBERS // max(1, len(x) * max(max(shape) for shape in model.network.shapes)))
        outputs = [_from_first(model, rest + part[first : first + step, None]) for first in range(0, len(part), step)]
    return np.concatenate(outputs)


def _from_first(model: Model, first: Array) -> Array:
    """Compute predictions (G, N, C) from the output of the first layer (G, N, units)."""
    layers = model.network.layers[1:]
    output = Network(layers).forward(first, model.parameters[2:])[0] if len(model.parameters) > 2 else first
    return np.asarray(model.loss.predict(output * model.target_scale + model.target_center))


def partial_dependence(model: Model, x: Array, columns: Integers, settings: Array) -> Array:
    """Compute the mean over rows of :func:`individual_predictions`: shape (G, C).

    It is what ``sklearn.inspection.partial_dependence(method="brute")`` gives for the same rows and values.
    """
    return np.asarray(individual_predictions(model, x, columns, settings).mean(axis=1))


def joint_dependence(
    model: Model, x: Array, columns: tuple[Integers, Integers], settings: tuple[Array, Array]
) -> Array:
    """Compute the partial dependence on two inputs: shape (G, H, C) for settings (G, k) and (H, l)."""
    first, second = settings
    pairs = np.hstack([np.repeat(first, len(second), axis=0), np.tile(second, (len(first), 1))])
    found = partial_dependence(model, x, np.concatenate(columns), pairs)
    return found.reshape(len(first), len(second), -1)


def interaction(joint: Array) -> float:
    """Compute the non-additive share of a joint dependence (G, H); 0 if it is constant.

    The parts are the means along the other input, so it is the share of a two-way table's variance that is interaction:
    0 where effects add up.
    """
    centered = joint - joint.mean()
    total = float((centered**2).sum())
    left = centered - centered.mean(axis=1, keepdims=True) - centered.mean(axis=0, keepdims=True)
    return float((left**2).sum() / total) if np.isfinite(total) and total > 0 else 0.0
