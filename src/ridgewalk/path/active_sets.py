"""Minimize many small quadratic functions with L1 penalties at once, by active sets.

    minimize  slope'(w - w0) + (w - w0)' H (w - w0) / 2 + sum_j l1_j |w_j|        one for every block

The active weights are those that are not 0, and those at 0 whose slope exceeds their L1. For fixed signs of the active
weights, the minimum has a closed form; a weight that would change its sign is set to 0 until the next round (feature
signs: Lee, Battle, Raina and Ng, NIPS 2006). If this does not decrease the objective, a proximal step is made. Every
few rounds, blocks with nearly collinear columns continue by splitting.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ridgewalk.arrays import Array, Booleans, Integers

_ROUNDS, _TURNS, _SPLITS = 60, 4, 50
_RIDGE = 1e-9  # of a curvature: columns may copy each other
_PENALTY_RATE, _LEAST_PENALTY = (
    2.0,
    1e-6,
)  # of splitting: times L1 by the mean weight, and at least this part of the largest curvature
_TINY = 1e-300
_FIRST_TOLERANCE = 1e-3  # of the largest slope: what a first round leaves alone


def minimized(matrix: Array, slope: Array, point: Array, l1: Array, free: Booleans, enough: float) -> Array:
    """Return the minimum of every block after a few rounds; no block's objective increases.

    Parameters
    ----------
    matrix : array, shape (B, n, n)
        H of every block, positive semidefinite, with a diagonal above 0 where a weight is free.
    slope, point, l1 : arrays, shape (B, n)
        The smooth part's slopes at ``point``, where it begins.
    free : booleans, shape (B, n)
        Which weights may move.
    enough : float
        A block whose last round gained no more is done.
    """
    result = point.copy()
    at_point = _times(matrix, point)
    blocks = _Blocks(np.arange(len(point)), matrix, at_point - slope, l1, free, point, at_point)
    largest = max(float(np.abs(slope).max(initial=0.0)), _TINY)
    open_blocks = np.asarray((np.abs(blocks.left()[1]) > _FIRST_TOLERANCE * largest).any(axis=1))
    for turn in range(_ROUNDS):
        if not open_blocks.any():
            break
        blocks = blocks if open_blocks.all() else blocks.part(open_blocks)
        active, before = blocks.left()[0], blocks.values()
        splits = turn % _TURNS == _TURNS - 1
        if splits:
            blocks.split()
        crossed = blocks.move()
        result[blocks.numbers] = blocks.point
        more = (blocks.left()[0] & ~active).any(axis=1)
        open_blocks = (crossed | more) & ((not splits) | (before - blocks.values() > enough))
    return result


def _times(matrix: Array, point: Array) -> Array:
    return np.asarray((matrix @ point[:, :, None])[:, :, 0])


@dataclass(eq=False)
class _Blocks:
    """Those that are not done: their numbers (B,), and w'Hw/2 - pull'w + l1'|w| at ``point``, ``image`` being Hw."""

    numbers: Integers
    matrix: Array
    pull: Array
    l1: Array
    free: Booleans
    point: Array
    image: Array

    @cached_property
    def steepest(self) -> Array:
        """A bound of the largest curvature of each block: shape (B, 1)."""
        return np.asarray(np.abs(self.matrix).sum(axis=2).max(axis=1)[:, None])

    def part(self, which: Booleans) -> _Blocks:
        numbers, free = self.numbers[which], self.free[which]
        matrix, pull, l1, point, image = (
            array[which] for array in (self.matrix, self.pull, self.l1, self.point, self.image)
        )
        return _Blocks(numbers, matrix, pull, l1, free, point, image)

    def values(self) -> Array:
        return np.asarray(((0.5 * self.image - self.pull) * self.point + self.l1 * np.abs(self.point)).sum(axis=1))

    def left(self) -> tuple[Booleans, Array, Array]:
        """Return which weights are active, the slopes that are left of them, and their signs."""
        slope = self.image - self.pull
        sign = np.where(self.point != 0, np.sign(self.point), -np.sign(slope))
        active = self.free & ((self.point != 0) | (np.abs(slope) > self.l1))
        return active, np.where(active, slope + self.l1 * sign, 0.0), sign

    def move(self) -> Booleans:
        """Take every block towards the minimum on its active weights, and return which blocks did not get there.

        Where weights would change their signs, all of them rest at 0, or the first of them does and the step ends
        there, whichever is lower; the second goes down wherever no weight enters.
        """
        active, left, sign = self.left()
        before, old, old_slope = self.values(), self.point, self.image - self.pull
        step = _solved(self.matrix, left, active)
        crossed = (self.l1 > 0) & ((old + step) * sign < 0)
        self._take(np.where(crossed, 0.0, old + step))
        short = np.flatnonzero(crossed.any(axis=1))
        if short.size:
            lengths = np.where(crossed & (old != 0), old / np.where(step != 0, -step, 1.0), 1.0)[short]
            first = lengths.min(axis=1, keepdims=True)
            onward = np.where(crossed & (old == 0), 0.0, step)[short]
            self._take_lower(short, np.where(lengths == first, 0.0, old[short] + first * onward), self.values()[short])
        now = self.values()
        worse = np.flatnonzero(~(now <= before) | (crossed.any(axis=1) & (now == before)))
        if worse.size:
            rate = 1 / self.steepest[worse]
            moved = old[worse] - rate * old_slope[worse]
            shrunk = np.sign(moved) * np.maximum(np.abs(moved) - rate * self.l1[worse], 0)
            self._take_lower(worse, np.where(self.free[worse], shrunk, 0.0), np.full(len(worse), np.inf))
        unfinished = np.asarray(crossed.any(axis=1))
        unfinished[worse] = True
        return unfinished

    def split(self) -> None:
        """Take steps of alternating directions, which find out which of many columns that nearly are copies rest at 0.

        (Boyd and others, Found. Trends Mach. Learn. 2011, section 6.4; the rate is L1 by the mean weight.)
        """
        size, steepest = np.abs(self.point), np.abs(self.matrix).sum(axis=2).max(axis=1)
        usual = (self.l1 * (size > 0)).sum(axis=1) / np.maximum(size.sum(axis=1), _TINY)
        rate = np.clip(_PENALTY_RATE * usual, _LEAST_PENALTY * steepest, steepest)[:, None]
        inverse = np.linalg.inv(self.matrix + rate[:, :, None] * np.eye(self.point.shape[1]))
        threshold = self.l1 / rate
        now, slack = self.point, np.clip((self.pull - self.image) / rate, -threshold, threshold)
        for _ in range(_SPLITS):
            ahead = _times(inverse, self.pull + rate * (now - slack)) + slack
            now = np.where(self.free, ahead - np.clip(ahead, -threshold, threshold), 0.0)
            slack = ahead - now
        self._take_lower(np.arange(len(now)), now, self.values())

    def _take(self, point: Array) -> None:
        self.point, self.image = point, _times(self.matrix, point)

    def _take_lower(self, blocks: Integers, point: Array, than: Array) -> None:
        """Take other points of some blocks where they are lower."""
        image = _times(self.matrix[blocks], point)
        values = ((0.5 * image - self.pull[blocks]) * point + self.l1[blocks] * np.abs(point)).sum(axis=1)
        lower = values < than
        self.point[blocks[lower]], self.image[blocks[lower]] = point[lower], image[lower]


def _solved(matrix: Array, left: Array, active: Booleans) -> Array:
    """Return the step on the active weights after which nothing is left of their slopes; all blocks in one call."""
    most = int(active.sum(axis=1).max())
    order = np.argsort(~active, axis=1, kind="stable")[:, :most]
    block, at = np.arange(len(matrix))[:, None], np.arange(most)
    inside = active[block, order]
    rows = (block * matrix.shape[1] + order) * matrix.shape[1]
    submatrices = matrix.reshape(-1).take(rows[:, :, None] + order[:, None, :])
    submatrices *= inside[:, :, None] & inside[:, None, :]
    submatrices[:, at, at] = np.where(inside, submatrices[:, at, at] * (1 + _RIDGE), 1.0)
    step = np.zeros_like(left)
    step[block, order] = np.linalg.solve(submatrices, -left[block, order][:, :, None])[:, :, 0]  # left is 0 outside
    return step
