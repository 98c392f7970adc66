"""Random numbers as hashes of a seed and of the place where they are used.

    number = mix(seed, purpose, step, row, ...)

There is no state, so every engine draws the same numbers, in any order and with any number of threads. ``mix`` chains
the finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014, figure 15).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ridgewalk.arrays import Array, Integers
from ridgewalk.constants import DROPOUT, SHUFFLE


def mix(*words: ArrayLike) -> NDArray[np.uint64]:
    """Hash unsigned integers, which broadcast against each other, into uint64."""
    state = np.zeros((), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for word in words:
            state = (state ^ np.asarray(word).astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return np.asarray(state)


def order(seed: int, epoch: int, rows: Integers) -> Integers:
    """Positions of ``rows`` (N,) in the order of one epoch: sorted by the hash of (seed, epoch, row)."""
    return np.argsort(mix(seed, SHUFFLE, epoch, rows), kind="stable")


def uniform(seed: int, step: int, layer: int, rows: Integers, units: int) -> Array:
    """Draw numbers in [0, 1) for one layer at one step.

    A row keeps its numbers whatever the other rows of its batch are.

    Returns
    -------
    array, shape (N, units), float64
        24 random bits each, so that float32 holds them exactly.
    """
    bits = mix(seed, DROPOUT, step, layer, rows[:, None], np.arange(units)[None, :])
    return np.asarray((bits >> np.uint64(40)) * 2.0**-24)
