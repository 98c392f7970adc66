"""Train one network by full-batch L-BFGS, for small tables, with exact zeros under L1.

A weight with an L1 penalty is written as ``w = u - v`` with u, v >= 0. Then ``l1 |w| = l1 (u + v)`` is smooth, and a
zero is at a bound, which L-BFGS-B in SciPy reaches exactly (Byrd, Lu, Nocedal and Zhu, SIAM J. Sci. Comput. 1995).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import Bounds, minimize
from threadpoolctl import threadpool_limits

from ridgewalk.arrays import Array
from ridgewalk.folds import Rows
from ridgewalk.layers import Arrays
from ridgewalk.objective import Objective, mean_weights
from ridgewalk.penalties import elastic_strengths
from ridgewalk.threads import look_for_end

_RAMP_SHARES = (0.0, 0.25, 0.5, 0.75)  # shares of the strengths under L1 before the whole, as a ramp
_STAGE_SHARE = 0.1  # of the iterations, for each


@dataclass(frozen=True, eq=False)
class Descent:
    """Where a descent ended.

    Attributes
    ----------
    parameters : tuple of arrays
    data_loss, penalty, validation_loss : lists of float
        After every iteration, apart; the last is empty where there are no rows for it.
    converged : bool
        Whether it ended before its iterations and evaluations were used up.
    """

    parameters: Arrays
    data_loss: list[float]
    penalty: list[float]
    validation_loss: list[float]
    converged: bool


def descend(
    objective: Objective,
    start: Arrays,
    rows: Rows,
    max_iter: int,
    max_evaluations: int,
    tolerance: float,
    validation: Rows | None = None,
) -> Descent:
    """Minimize an objective from initial weights without run axes, until no slope exceeds ``tolerance``.

    Under L1 at most four tenths of the iterations raise the strengths from 0, as a path is fitted from its dense side.

    Parameters
    ----------
    objective : Objective
    start : tuple of arrays
        Weights and biases of each layer.
    rows, validation : Rows
        Training rows; rows whose loss is recorded after each iteration, if any.
    max_iter, max_evaluations : int
        Maximum numbers of iterations and of evaluations of the objective.
    tolerance : float
        Largest absolute slope at which the descent has converged.

    Raises
    ------
    ValueError
        If there is a group lasso.
    """
    problem = _Problem(objective, rows, validation, Descent(start, [], [], [], False))
    stages = [*_RAMP_SHARES, 1.0] if problem.strengths()[0].any() else [1.0]
    parameters, status = start, 0
    # One thread inside BLAS, as in the engines: the numbers do not depend on how many there are.
    with threadpool_limits(limits=1):
        for share in stages:
            iterations = max_iter if share == 1 else max(1, round(_STAGE_SHARE * max_iter))
            parameters, status = problem.solve(parameters, share, iterations, max_evaluations, tolerance)
    return replace(problem.seen, parameters=parameters, converged=status != 1)


@dataclass(frozen=True, eq=False)
class _Problem:
    """The smooth problem in u, and v for L1: flat vectors with the number of weights of the network."""

    objective: Objective
    rows: Rows
    validation: Rows | None
    seen: Descent

    def solve(
        self, start: Arrays, share: float, max_iter: int, max_evaluations: int, tolerance: float
    ) -> tuple[Arrays, int]:
        """Minimise with a share of the strengths; gives the arrays and SciPy's status."""
        l1, l2 = self.strengths()
        free = np.where(np.isinf(l1) | np.isinf(l2), 0.0, np.inf)
        l1, l2 = (share * np.where(free > 0, strength, 0.0) for strength in (l1, l2))
        w = np.where(free > 0, _flat(start), 0.0)
        split = bool((l1 > 0).any())
        first = np.concatenate([np.maximum(w, 0), np.maximum(-w, 0)]) if split else w
        bounds = Bounds(np.zeros_like(first), np.concatenate([free, free])) if split else Bounds(-free, free)
        weights, x, target = mean_weights(self.rows.weights), self.rows.x, self.rows.target
        parts = {"data_loss": 0.0, "penalty": 0.0}

        def joined(point: Array) -> Array:
            return point[: w.size] - point[w.size :] if split else point

        def value(point: Array) -> tuple[float, Array]:
            look_for_end()
            w = joined(point)
            arrays = self._arrays(w)
            parts["data_loss"] = float(self.objective.data_loss(arrays, x, target, self.rows.weights))
            parts["penalty"] = float(l2 @ w**2 + (np.tile(l1, 2) @ point if split else 0.0))
            slope = _flat(self.objective.data_gradient(arrays, x, target, weights)) + 2 * l2 * w
            return parts["data_loss"] + parts["penalty"], np.concatenate([l1 + slope, l1 - slope]) if split else slope

        def note(point: Array) -> None:
            self.seen.data_loss.append(parts["data_loss"])
            self.seen.penalty.append(parts["penalty"])
            if self.validation:
                unseen, arrays = self.validation, self._arrays(joined(point))
                loss = self.objective.data_loss(arrays, unseen.x, unseen.target, unseen.weights)
                self.seen.validation_loss.append(float(loss))

        options = {"maxiter": max_iter, "maxfun": max_evaluations, "gtol": tolerance, "ftol": np.finfo(float).eps}
        result = minimize(  # type: ignore[call-overload]
            value, first, jac=True, method="L-BFGS-B", bounds=bounds, options=options, callback=note
        )
        if not self.seen.data_loss:  # converged where it began
            note(result.x)
        return self._arrays(joined(result.x)), int(result.status)

    def strengths(self) -> tuple[Array, Array]:
        """Strengths of L1, and of L2, of every weight: flat."""
        pairs = zip(self.objective.penalties, self.objective.network.shapes, strict=True)
        found = [elastic_strengths(penalty, shape) for penalty, shape in pairs]
        known = [pair for pair in found if pair is not None]
        if len(known) < len(found):
            raise ValueError('solver="lbfgs" knows L1 and L2, and no group lasso: use solver="adam" or "sgd".')
        return _flat([l1 for l1, _ in known]), _flat([l2 for _, l2 in known])

    def _arrays(self, w: Array) -> Arrays:
        shapes = self.objective.network.shapes
        ends = np.cumsum([rows * columns for rows, columns in shapes])
        return tuple(part.reshape(shape) for part, shape in zip(np.split(w, ends[:-1]), shapes, strict=True))


def _flat(arrays: Sequence[Array]) -> Array:
    return np.concatenate([np.asarray(array, dtype=np.float64).ravel() for array in arrays])
