"""Fit linear models with L1 and L2 by Newton's method on the non-zero weights.

A first-order method stops when the objective no longer decreases in float64. In flat directions (nearly collinear
columns, a weak penalty) the weights are then still far from the optimum, and every step visits all columns. Newton's
method works on the support: a weight that would change its sign is set to 0, and a weight at 0 whose slope exceeds its
penalty is added. On the support, every step solves

    (sum_i s_i x_i x_i' curvature_i + 2 l2) step = -(gradient of the loss + 2 l2 w + l1 sign w)

Weights are added a few at a time, those with the steepest slopes first. Along a path, from strong to weak, each model
starts from the one before it, so few are added (Friedman, Hastie and Tibshirani, J. Stat. Softw. 2010).
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, lstsq

from ridgewalk.arrays import Array, Booleans, Integers
from ridgewalk.folds import Rows
from ridgewalk.layers import Arrays
from ridgewalk.losses import SquaredError
from ridgewalk.objective import Objective, mean_weights
from ridgewalk.penalties import elastic_strengths

_STEPS, _HALVINGS, _ROUNDS, _SLIDES = 50, 30, 100, 300
_MOST_ENTRANTS = 10  # columns that enter at once, at least; else as many as there are
MOST_WORK = 2e8  # rows x squared weights of one step: beyond, descending is quicker
_RIDGE = 1e-13  # of the largest curvature: softmax leaves a direction free
_ROUNDING = 1e-14
_MOST_FORMULA = 1e10  # rows x columns x the fewer of both: least squares by its formula


class LinearModels:
    """Linear models (w, b), without run axes, of the rows of one training set."""

    def __init__(self, rows: Rows) -> None:
        self._x = np.asfortranarray(np.hstack([rows.x, np.ones((len(rows.x), 1))]))
        self._target = rows.target
        self._weights = mean_weights(rows.weights) / len(rows.x)

    def solved(self, objective: Objective, start: Arrays, tolerance: float) -> tuple[Arrays, bool]:
        """Improve a model towards the optimum of an objective by Newton's method.

        Ends when the residual is at most ``tolerance``, or no step lowers the objective; gives the start where Newton's
        method has no use: no curvature, a group lasso. Where too many weights enter, it ends before they do. Also says
        whether the tolerance was reached.
        """
        strengths = [elastic_strengths(p, w.shape) for p, w in zip(objective.penalties, start, strict=True)]
        found = [pair for pair in strengths if pair is not None]
        if len(found) < 2 or objective.loss.curvature(self._target[:1], self._target[:1]) is None:
            return start, False
        l1, l2 = (np.vstack([pair[k] for pair in found]) for k in (0, 1))
        whole = _Linear(objective, self._x, self._target, self._weights, l1, l2)
        point = whole.least_squares() if whole.unpenalized else np.where(whole.free, np.vstack(start), 0.0)
        solved = False
        for _ in range(_ROUNDS):
            slopes, active, residual = whole.state(point)
            solved = residual <= tolerance
            if solved:
                break
            columns = _working(point, np.where(active, np.abs(slopes), 0.0))
            part = _Linear(objective, self._x[:, columns], self._target, self._weights, l1[columns], l2[columns])
            better = part.descended(point[columns], tolerance)
            if better is None:
                break
            point[columns] = better
        return (point[:-1], point[-1:]), solved


def _working(point: Array, slopes: Array) -> Integers:
    """Return the numbers of columns to look at: those in use, the bias, and the steepest of the others."""
    used = (point != 0).any(axis=1)
    used[-1] = True
    offered = np.where(used, 0.0, slopes.max(axis=1))
    most = max(_MOST_ENTRANTS, int(used.sum()))
    entering = np.argpartition(-offered, most)[:most] if most < len(offered) else np.arange(len(offered))
    used[entering[offered[entering] > 0]] = True
    return np.flatnonzero(used)


class _Linear:
    """One linear model: its data, the last column ones for the bias, and strengths (P + 1, C)."""

    def __init__(self, objective: Objective, x: Array, target: Array, weights: Array, l1: Array, l2: Array) -> None:
        self.loss, self.x, self.target, self.weights = objective.loss, x, target, weights
        self.free = np.isfinite(l1) & np.isfinite(l2)
        self.l1, self.l2 = (np.where(self.free, strength, 0.0) for strength in (l1, l2))

    @property
    def unpenalized(self) -> bool:
        """Whether it is least squares, which has a formula, of so few numbers that the formula is quick."""
        quick = min(self.x.shape) ** 2 * max(self.x.shape) <= _MOST_FORMULA
        one = bool((self.free == self.free[:, :1]).all())
        return quick and one and isinstance(self.loss, SquaredError) and not (self.l1.any() or self.l2.any())

    def least_squares(self) -> Array:
        """Return the weights of least squares; of all that fit alike, the smallest."""
        root, free = np.sqrt(self.weights)[:, None], self.free[:, 0]
        point = np.zeros(self.l1.shape)
        point[free] = np.asarray(lstsq(root * self.x[:, free], root * self.target)[0], dtype=np.float64)
        return point

    def output(self, point: Array) -> Array:
        """Return the output (N, C); columns whose weights are 0 are not looked at."""
        used = np.flatnonzero((point != 0).any(axis=1))
        return np.asarray(self.x[:, used] @ point[used] if 2 * len(used) < len(point) else self.x @ point)

    def value(self, point: Array) -> float:
        losses = self.loss.values(self.output(point), self.target)
        return float(self.weights @ losses + (self.l1 * np.abs(point) + self.l2 * point**2).sum())

    def descended(self, point: Array, tolerance: float) -> Array | None:
        """Take a point to the optimum, or nothing where it cannot be bettered, or has too many weights for that."""
        began = point
        for _ in range(_STEPS):
            slopes, active, residual = self.state(point)
            if residual <= tolerance:
                break
            if len(self.x) * float(np.count_nonzero(active)) ** 2 > MOST_WORK:
                return None
            better = self.step(point, slopes, active, residual)
            if better is None:
                better = self.slid(point)
            if better is None:
                break
            point = better
        return None if point is began else point

    def slid(self, point: Array) -> Array | None:
        """Make accelerated proximal steps to a lower objective; return None if they do not decrease it.

        Where more weights move than the rows tell apart, these find out which of them are to rest at 0, as no solution
        of equations does. (Beck and Teboulle, SIAM J. Imaging Sci. 2009; O'Donoghue and Candes' restarts, 2015.)
        """
        bend = self.loss.curvature(self.output(point), self.target)
        assert bend is not None
        steepest = float(np.abs(bend).sum(axis=-1).max(initial=0.0))
        rate = 1 / (steepest * np.linalg.norm(np.sqrt(self.weights)[:, None] * self.x, 2) ** 2 + 2 * self.l2.max())
        now, ahead, momentum = point, point, 1.0
        for _ in range(_SLIDES):
            slopes = self.x.T @ (self.weights[:, None] * self.loss.gradient(self.x @ ahead, self.target))
            moved = np.where(self.free, ahead - rate * (slopes + 2 * self.l2 * ahead), 0.0)
            reached = np.sign(moved) * np.maximum(np.abs(moved) - rate * self.l1, 0)
            if ((ahead - reached) * (reached - now)).sum() > 0:
                momentum = 1.0
            last, momentum = momentum, (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            now, ahead = reached, reached + (last - 1) / momentum * (reached - now)
        return now if self.value(now) < self.value(point) else None

    def state(self, point: Array) -> tuple[Array, Booleans, float]:
        """Slopes of the objective, which weights move, and the largest slope that is not made up for."""
        smooth = self.x.T @ (self.weights[:, None] * self.loss.gradient(self.output(point), self.target))
        smooth = np.asarray(smooth + 2 * self.l2 * point)
        sign = np.where(point != 0, np.sign(point), -np.sign(smooth))
        slopes = smooth + self.l1 * sign
        active = self.free & ((point != 0) | (np.abs(smooth) > self.l1))
        return slopes, active, float(np.abs(slopes[active]).max(initial=0.0))

    def step(self, point: Array, slopes: Array, active: Booleans, residual: float) -> Array | None:
        """Make a step to a lower objective; return None if there is none."""
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
        bend = self.loss.curvature(self.output(point), self.target)
        assert bend is not None
        columns = [self.x[:, active[:, c]] for c in range(point.shape[1])]
        blocks: list[list[Array]] = []
        for c, left in enumerate(columns):
            weighted = left.T * self.weights
            upper = [(weighted * bend[:, c, d]) @ right for d, right in enumerate(columns[c:], start=c)]
            blocks.append([*(blocks[d][c].T for d in range(c)), *upper])  # it is symmetric
        matrix = np.block(blocks) + np.diag(2 * self.l2.T[active.T])
        return np.asarray(matrix + _RIDGE * np.diag(matrix).max(initial=0.0) * np.eye(len(matrix)))
