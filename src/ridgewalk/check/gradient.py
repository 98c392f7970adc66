"""Check a gradient against central differences of its function.

    error = | sum(gradient * u) - (f(w + h u) - f(w - h u)) / 2h |  /  the larger of the two

along random directions u and along single weights, one array at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ridgewalk.arrays import Array
from ridgewalk.check.result import (
    SAME,
    Arrays,
    Check,
    GradientCheck,
    Slopes,
    Wrong,
    gradients_of,
    multiple,
    named,
    ratio,
    suspect,
)

MEDIAN_ERROR, WORST_ERROR = 1e-6, 1e-4  # relative errors that a right gradient stays below
_DIFFERENCE_STEPS = (
    1e-5,
    1e-6,
    1e-7,
)  # the first that meets no kink is taken: a large network has one every few millionths
_ROUNDING_UNITS = (
    32  # of a value of f, in units of its last bit: more than one, for what f sums may be larger than the sum
)


def check_gradient(
    f: Callable[..., Any],
    gradient: Callable[..., Any],
    x: Arrays,
    *,
    names: Sequence[str] | None = None,
    directions: int = 20,
    coordinates: int = 10,
    seed: int = 0,
) -> GradientCheck:
    """Compare a gradient with central differences of f, array by array.

    A step across a kink (of a ReLU) is shortened, and left out if the shortest step still crosses one. Weights within
    1e-4 of zero are not moved, because L1 has its kink there. Weights that are exactly zero are moved one by one: at
    the kink of L1, the gradient must be the middle of the two slopes, otherwise weights never settle there.

    Parameters
    ----------
    f : callable
        ``f(x)``, or ``f(*x)`` if x contains several arrays. It returns a number in double precision, and must be
        deterministic.
    gradient : callable
        Takes the same arguments, and returns an array, or a sequence of arrays, with the shapes of x.
    x : float64 array, sequence of them, or mapping of names to them
        Point at which to check; random weights are better than a trained network.
    names : sequence of str, or None
        Names of the arrays of a sequence; by default "array 1", ...
    directions, coordinates : int
        Number of slopes per array: along random directions; along single weights, and the same number along weights
        that are zero.
    seed : int
        Seed of the directions.

    Returns
    -------
    GradientCheck
        An array is correct if the median relative error is at most 1e-6 and the largest at most 1e-4.

    Raises
    ------
    ValueError
        If the number of names or gradients is not that of arrays.
    """
    arrays, labels = named(x, names)
    generator = np.random.default_rng(seed)

    def value(k: int, w: Array) -> float:
        return float(f(*(w.copy() if i == k else each.copy() for i, each in enumerate(arrays))))

    here, again = value(0, arrays[0]), value(0, arrays[0])
    if not math.isfinite(here):
        return Check((), (Wrong(f"f is {here} at the given arrays: start where it is finite."),))
    if here != again:
        words = f"f gives {here}, then {again} for the same arrays: fix what it draws (dropout, batches)."
        return Check((), (Wrong(words),))
    claimed, faults = gradients_of(arrays, gradient(*(each.copy() for each in arrays)), labels)
    wrong, rows = list(faults.values()), []
    sentences: list[str]
    for k, (name, w) in enumerate(zip(labels, arrays, strict=True)):
        row, sentences = Slopes(name, 0, math.nan, math.nan, False), []
        if k not in faults:
            moves = _moves(w, directions, coordinates, generator)
            row, sentences = _judge(name, w, claimed[k].astype(np.float64), moves, _bound(value, k))
        rows.append(row)
        wrong += [Wrong(words, (name,)) for words in sentences]
    if wrong and here and here == float(np.float32(here)):
        wrong.append(Wrong(f"f gives {here}, as single precision has it: its rounding hides the slopes. Use float64."))
    return Check(tuple(rows), tuple(wrong))


def _bound(value: Callable[[int, Array], float], k: int) -> Callable[[Array], float]:
    return lambda w: value(k, w)


def _moves(w: Array, directions: int, coordinates: int, generator: np.random.Generator) -> list[tuple[Array, bool]]:
    """Draw directions, in units of max(1, |w|), each with whether it takes a weight off an exact zero."""
    scale: Array = np.maximum(1, np.abs(w))
    moves: list[tuple[Array, bool]] = []
    free = np.abs(w) >= 10 * _DIFFERENCE_STEPS[0]
    if not free.any():
        free = w != 0
    if free.any():
        moves += [(scale * free * generator.standard_normal(w.shape), False) for _ in range(directions)]
    for chosen, at_zero in ((free, False), (w == 0, True)):
        there = np.flatnonzero(chosen)
        count = coordinates if free.any() else directions + coordinates
        for j in generator.choice(there, min(count, len(there)), replace=False):
            u = np.zeros(w.size)
            u[j] = scale.flat[j]
            moves.append((u.reshape(w.shape), at_zero))
    return moves


def slope_along(value: Callable[[Array], float], w: Array, u: Array) -> tuple[float, float] | None:
    """Slope of value along u by central differences, and the least slope that they resolve; None in a kink."""
    for h in _DIFFERENCE_STEPS:
        ends = [(value(w + t * u), value(w - t * u)) for t in (h, h / 2)]
        wide, narrow = ((there - back) / (2 * t) for (there, back), t in zip(ends, (h, h / 2), strict=True))
        rounding = _ROUNDING_UNITS * float(np.finfo(float).eps * np.abs(ends).max()) / h
        least = max(rounding / MEDIAN_ERROR, float(np.finfo(float).tiny))
        if abs(wide - narrow) <= MEDIAN_ERROR * max(abs(narrow), least):
            return narrow, least
    return None


def _judge(
    name: str, w: Array, dw: Array, moves: list[tuple[Array, bool]], value: Callable[[Array], float]
) -> tuple[Slopes, list[str]]:
    """Measure the slopes of one array; return its row and its fault."""
    pairs, jumps, sentences = [], [], []
    for u, at_zero in moves:
        found = slope_along(value, w, u)
        if found is None:
            continue
        slope, least = found
        error = float((dw * u).sum()) - slope
        jump = _jump(value, w, u) if at_zero and abs(error) > WORST_ERROR * max(abs(slope), least) else 0.0
        if jump > 1e-2 * abs(error):  # where f is smooth it is as small as the step
            jumps.append((jump, error))
        else:
            pairs.append((slope + error, slope, least, float((2 * w * u).sum()), float((np.sign(w) * u).sum())))
    # An L1 has the same jump at every zero of an array. Unlike jumps are a ReLU's, whose gradient may be either slope.
    if len(jumps) > 1 and np.ptp(jumps, axis=0).max() <= SAME * jumps[0][0]:
        sentences.append(
            f"where weights are exactly zero f has a kink (an L1 of {jumps[0][0] / 2:.3g}), and the gradient "
            "takes one side of it: such weights are pushed off zero. Is sign(0) = +1? It must be 0."
        )
    claimed, measured, resolved, square, absolute = np.array(pairs).reshape(-1, 5).T
    errors = np.abs(claimed - measured) / np.maximum(np.maximum(np.abs(claimed), np.abs(measured)), resolved)
    worst, median = (float(errors.max()), float(np.median(errors))) if pairs else (math.nan, math.nan)
    if worst > WORST_ERROR or median > MEDIAN_ERROR:
        reason = _reason(claimed, measured, {"L2": square, "L1": absolute})
        sentences.append(f"{reason} Relative error: worst {worst:.2g}, median {median:.2g}.")
    if moves and not (pairs or jumps):
        sentences.append("no slope could be measured: f has kinks or jumps everywhere. Is it in double precision?")
    return Slopes(name, len(pairs), worst, median, not sentences), sentences


def _jump(value: Callable[[Array], float], w: Array, u: Array) -> float:
    """Difference of the slopes on the two sides of w."""
    h = _DIFFERENCE_STEPS[1]
    return abs(value(w + h * u) + value(w - h * u) - 2 * value(w)) / h


def _reason(claimed: Array, measured: Array, penalties: dict[str, Array]) -> str:
    """Describe the slopes of a gradient and the measured ones."""
    if not claimed.any():
        return "this array gets no gradient, and f has a slope."
    k = multiple(claimed, measured)
    if k is not None and abs(k - 1) > SAME and len(claimed) > 1:
        return f"the gradient is {ratio(k)} the slope of f.{suspect(k)}"
    for kind, slopes in penalties.items():
        k = multiple(claimed - measured, slopes, 10 * SAME)
        if k is not None and len(claimed) > 1:
            fault = "too much stands in" if k > 0 else "is missing from"
            return (
                f"an {kind} of strength {abs(k):.3g} {fault} the gradient: have its 2, its one-half, its n been lost?"
            )
    return "the gradient is not the slope of f."
