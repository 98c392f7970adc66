"""The shape convention: the last two axes of an array are the mathematics, the axes before them count runs.

Shape letters, used everywhere:

    R  runs: any number of leading axes, usually one, often none
    N  rows of data
    P  inputs of a layer (of the network, where no layer is named)
    Q  units of a layer
    C  outputs of the network
    G  groups of weights

    x (N, P)  @  w (R, P, Q)  ->  (R, N, Q)      one network or a stack of them: the same line
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

Array = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]
Booleans = NDArray[np.bool_]


def per_run(values: ArrayLike) -> Array:
    """Shape one number per run so that it broadcasts over that run's matrices.

    Parameters
    ----------
    values : array_like, shape (R,) or ()
        One number per run; a single number serves every run.

    Returns
    -------
    array, shape (R, 1, 1) or ()
    """
    numbers = np.asarray(values, dtype=float)
    return numbers.reshape((*numbers.shape, 1, 1)) if numbers.ndim else numbers


def row_sums(values: Array) -> Array:
    """Sum over the last two axes, in float64: one number per run, shape (R,)."""
    return np.asarray(values.sum(axis=(-2, -1), dtype=np.float64))


def slices(length: int, numbers: int) -> list[slice]:
    """Cut an axis into a few parts of limited size, each entry of which holds this many numbers.

    No part has a single entry, if there are more: NumPy sums one column in another order than several.
    """
    parts = max(1, min(-(-length * numbers // _CHUNK_SIZE), length // 2))
    bounds = np.linspace(0, length, parts + 1).astype(int).tolist()
    return [slice(first, end) for first, end in pairwise(bounds)]


_CHUNK_SIZE = 2**22  # numbers: 32 MiB of doubles


def standardization(x: Array, weights: Array) -> tuple[Array, Array]:
    """Compute the weighted mean and standard deviation (1/n) of each column; a constant column gets an infinite scale.

    Parameters
    ----------
    x : array, shape (N, P)
    weights : array, shape (N,)
        Row weights; rows of weight 0 have no influence at all.

    Returns
    -------
    center, scale : arrays, shape (P,), float64
        ``(x - center) / scale`` is 0 everywhere in a column that is constant on these rows, in other rows too: nothing
        was learned about it.
    """
    used = weights > 0
    share = (weights[used] / weights[used].sum())[:, None]
    columns = slices(x.shape[1], len(x))
    parts = [_standardization(np.asarray(x[used, chunk], dtype=np.float64), share) for chunk in columns]
    center, scale = (np.concatenate(each) for each in zip(*parts, strict=True))
    return center, scale


def _standardization(rows: Array, share: Array) -> tuple[Array, Array]:
    # A column of 1e300 must not overflow when squared, so it is measured in units of its largest entry.
    unit = np.abs(rows).max(axis=0)
    unit[unit == 0] = 1.0
    rows = rows / unit
    center = (share * rows).sum(axis=0)
    scale = np.sqrt((share * (rows - center) ** 2).sum(axis=0))
    constant = (rows == rows[0]).all(axis=0)
    center[constant] = rows[0][constant]
    return center * unit, np.where(constant | (scale == 0), np.inf, scale * unit)


def sparse_scale(x: csr_array, weights: Array) -> Array:
    """Weighted standard deviation (1/n) of each column of a CSR array, as :func:`standardization` gives it."""
    used = weights > 0
    rows, share = x[used], weights[used] / weights[used].sum()
    unit = np.asarray(abs(rows).max(axis=0).todense(), dtype=np.float64).ravel()
    unit[unit == 0] = 1.0
    rows = rows.multiply(1 / unit).tocsr()
    center = share @ rows
    scale = np.sqrt(np.maximum(share @ rows.multiply(rows) - center**2, 0))
    return np.where(scale <= _ROUNDING * np.abs(center), np.inf, np.where(scale > 0, scale * unit, np.inf))


_ROUNDING = (
    1e-7  # a mean of squares minus the square of a mean knows a deviation to the root of the machine's precision
)
