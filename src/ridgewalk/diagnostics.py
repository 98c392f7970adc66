"""Is it right, and is it done: checks of an objective that anyone can read.

gradient_errors     J's gradient against central differences of J, array by array
"""

from __future__ import annotations

import numpy as np

from ridgewalk.arrays import Array
from ridgewalk.layers import Arrays
from ridgewalk.objective import Objective


def gradient_errors(
    objective: Objective,
    parameters: Arrays,
    x: Array,
    target: Array,
    weights: Array,
    directions: int = 10,
    seed: int = 0,
) -> dict[str, float]:
    """Largest relative error of J's gradient along random directions, for each array of the network.

    The slope of J along a direction u is ``sum(gradient * u)``; it is compared with
    ``(J(w + h u) - J(w - h u)) / 2h``. Where a penalty has a kink, at an exact zero, the central difference is
    the middle of its slopes, which is what the gradient promises there.

    Parameters
    ----------
    objective : Objective
        Of one network (arrays without leading axes).
    parameters : tuple of float64 arrays
    x, target, weights : arrays, shapes (N, P), (N, C), (N,)
    directions : int
        Random directions per array.
    seed : int

    Returns
    -------
    dict
        Name of the array ("weight 1", ...) to its largest ``|difference| / max(both slopes, typical slope)``.
        In float64 a right gradient stays below 1e-6.
    """
    generator = np.random.default_rng(seed)

    def value(changed: Arrays) -> float:
        return float(objective.data_loss(changed, x, target, weights) + objective.penalty(changed))

    errors = {}
    gradients = objective.gradient(parameters, x, target, weights)
    for k, (name, w, dw) in enumerate(zip(objective.network.names, parameters, gradients, strict=True)):
        typical = 1e-2 * np.sqrt((dw**2).mean())
        worst = 0.0
        for _ in range(directions):
            u = generator.standard_normal(w.shape)
            h = 1e-6
            there, back = (value((*parameters[:k], w + sign * h * u, *parameters[k + 1 :])) for sign in (1, -1))
            measured, claimed = (there - back) / (2 * h), float((dw * u).sum())
            size = max(abs(measured), abs(claimed), typical, 1e-9)
            worst = max(worst, abs(measured - claimed) / size)
        errors[name] = worst
    return errors
