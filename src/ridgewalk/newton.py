"""The last steps to the optimum of a linear model: Newton's method on the weights that are not 0.

A first-order descent ends where the objective no longer falls in float64; along a flat direction (columns that nearly
copy each other, a weak penalty) weights are then still far from the optimum. Here the support moves (a weight that
would change its sign rests at 0, one at 0 whose slope beats its penalty enters), and on it every step solves

    (sum_i s_i x_i x_i' curvature_i + 2 l2) step = -(gradient of the loss + 2 l2 w + l1 sign w)
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from ridgewalk.arrays import Array, Booleans
from ridgewalk.engine.job import Rows
from ridgewalk.layers import Arrays
from ridgewalk.objective import Objective, mean_weights
from ridgewalk.penalties import elastic_strengths

_STEPS, _HALVINGS = 50, 30
_MOST_WORK = 2e8  # rows x squared weights of one step: beyond, descending is quicker
_RIDGE = 1e-13  # of the largest curvature: softmax leaves a direction free
_ROUNDING = 1e-14


def finish(objective: Objective, start: Arrays, rows: Rows, tolerance: float) -> Arrays:
    """Take a linear model (w, b), without run axes, from near its optimum to it.

    Ends when the residual is at most ``tolerance``, or no step lowers the objective; gives the start where Newton's
    method has no use: no curvature, a group lasso, too many weights.
    """
    strengths = [elastic_strengths(p, w.shape) for p, w in zip(objective.penalties, start, strict=True)]
    found = [pair for pair in strengths if pair is not None]
    if len(found) < 2 or objective.loss.curvature(rows.target[:1], rows.target[:1]) is None:
        return start
    l1, l2 = (np.vstack([pair[k] for pair in found]) for k in (0, 1))
    problem = _Linear(objective, rows, l1, l2)
    point = np.vstack(start)
    if len(rows.x) * np.count_nonzero(point) ** 2 > _MOST_WORK:
        return start
    for _ in range(_STEPS):
        slopes, active, residual = problem.state(point)
        if residual <= tolerance:
            break
        better = problem.step(point, slopes, active, residual)
        if better is None:
            break
        point = better
    return point[:-1], point[-1:]


class _Linear:
    """One linear model's data, with a column of ones for the bias, and strengths (P + 1, C)."""

    def __init__(self, objective: Objective, rows: Rows, l1: Array, l2: Array) -> None:
        self.loss = objective.loss
        self.x = np.hstack([rows.x, np.ones((len(rows.x), 1))])
        self.target = rows.target
        self.weights = mean_weights(rows.weights) / len(rows.x)
        self.free = np.isfinite(l1) & np.isfinite(l2)
        self.l1, self.l2 = (np.where(self.free, strength, 0.0) for strength in (l1, l2))

    def value(self, point: Array) -> float:
        losses = self.loss.values(self.x @ point, self.target)
        return float(self.weights @ losses + (self.l1 * np.abs(point) + self.l2 * point**2).sum())

    def state(self, point: Array) -> tuple[Array, Booleans, float]:
        """Slopes of the objective, which weights move, and the largest slope that is not made up for."""
        smooth = self.x.T @ (self.weights[:, None] * self.loss.gradient(self.x @ point, self.target))
        smooth = np.asarray(smooth + 2 * self.l2 * point)
        sign = np.where(point != 0, np.sign(point), -np.sign(smooth))
        slopes = smooth + self.l1 * sign
        active = self.free & ((point != 0) | (np.abs(smooth) > self.l1))
        return slopes, active, float(np.abs(slopes[active]).max(initial=0.0))

    def step(self, point: Array, slopes: Array, active: Booleans, residual: float) -> Array | None:
        """Step to a lower objective, or None where there is none."""
        try:
            move = np.zeros_like(point)
            # A step along repeated columns is worth little, and is tried all the same: no warning.
            move.T[active.T] = -cho_solve(cho_factor(self._curvature(point, active)), slopes.T[active.T])
        except LinAlgError:
            return None
        heading = np.where(point != 0, point, move)
        value = self.value(point)
        for halving in range(_HALVINGS):
            reached = point + 0.5**halving * move
            reached = np.where((self.l1 > 0) & (reached * heading < 0), 0.0, reached)
            # A weight enters only downhill.
            reached = np.where((point == 0) & (reached * slopes > 0), 0.0, reached)
            now = self.value(reached)
            if now < value or (now <= value + _ROUNDING * abs(value) and self.state(reached)[2] < residual):
                return reached
        return None

    def _curvature(self, point: Array, active: Booleans) -> Array:
        """Second derivatives by the active weights, output after output."""
        bend = self.loss.curvature(self.x @ point, self.target)
        assert bend is not None
        columns = [self.x[:, active[:, c]] for c in range(point.shape[1])]
        blocks: list[list[Array]] = []
        for c, left in enumerate(columns):
            weighted = left.T * self.weights
            upper = [(weighted * bend[:, c, d]) @ right for d, right in enumerate(columns[c:], start=c)]
            blocks.append([*(blocks[d][c].T for d in range(c)), *upper])  # it is symmetric
        matrix = np.block(blocks) + np.diag(2 * self.l2.T[active.T])
        return np.asarray(matrix + _RIDGE * np.diag(matrix).max(initial=0.0) * np.eye(len(matrix)))
