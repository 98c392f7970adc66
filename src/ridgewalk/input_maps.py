"""Input maps: a column becomes several numbers, learned on the rows of each training set.

    z = (x - center) / scale

    identity     z
    soft clip    z / sqrt(1 + (z / 3)^2)      between -3 and 3; center the median, scale the interquartile range
    piece        min(max(z, 0), 1)            center the lower edge of a quantile bin, scale its width

The soft clip is that of RealMLP (Holzmueller, Grinsztajn and Steinwart, NeurIPS 2024); the pieces of a column together
are its piecewise-linear encoding (Gorishniy, Rubachev and Babenko, NeurIPS 2022). docs/derivations/input_maps.md has
the formulas.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from ridgewalk.arrays import Array, Booleans, Integers, slices, standardization
from ridgewalk.constants import MAP_ROWS
from ridgewalk.rng import mix

SOFT_BOUND = 3.0
"""What a softly clipped number approaches on either side."""
FAR = 1e15
"""A number this far out is softly clipped to the bound itself, and its square does not overflow in float32."""
_MOST_ROWS = 200_000  # that a map is learned on: a quantile of more is hardly another
MOST_NUMBERS = 300
"""What all mapped columns together become at most: of more columns each has fewer pieces, or none."""
_FEWEST_PIECES = 3
_NUMBERS_PER_CHUNK = 400  # of what is copied at once otherwise: rows that stay near during all passes over them
_LEAST_SCALE = 2.0**-511  # what is narrower counts as constant: two such scales can be multiplied
_LARGEST = float(np.finfo(np.float64).max)


class Kind(IntEnum):
    """The formula that maps a column to one number."""

    IDENTITY = 0
    SOFT_CLIP = 1
    PIECE = 2


@dataclass(frozen=True, eq=False)
class InputMap:
    """What a network takes of P columns: M mapped numbers, one entry each.

    Attributes
    ----------
    column : integers, shape (M,)
        What column each number is made of. They rise, and every column has at least one number.
    kind : integers, shape (M,)
        As :class:`Kind` numbers them.
    center, scale : arrays, shape (M,)
        A number of infinite scale is 0 everywhere.

    Raises
    ------
    ValueError
        If the arrays are no map.
    """

    column: Integers
    kind: Integers
    center: Array
    scale: Array

    def __post_init__(self) -> None:
        shapes = {each.shape for each in (self.column, self.kind, self.center, self.scale)}
        if len(shapes) > 1 or self.column.ndim != 1 or not self.column.size:
            raise ValueError(f"An input map has a column, kind, center and scale per number, got shapes {shapes}.")
        if not np.isin(np.diff(self.column, prepend=-1), (0, 1)).all() or self.column[0] != 0:
            raise ValueError("The columns of an input map rise from 0, and none is left out.")
        if not np.isin(self.kind, list(Kind)).all():
            raise ValueError(f"The kinds of an input map are numbers from 0 to {max(Kind)}.")
        if not np.isfinite(self.center).all() or not (self.scale > 0).all():
            raise ValueError("An input map has finite centers, and scales above 0.")

    def apply(self, x: Array) -> Array:
        """Map rows of x (N, P) to the inputs of the network: (N, M), in float64."""
        mapped = np.empty((len(x), len(self.column)))
        soft, piece = (np.flatnonzero(self.kind == kind) for kind in (Kind.SOFT_CLIP, Kind.PIECE))
        for chunk in slices(len(x), _NUMBERS_PER_CHUNK * len(self.column)):
            z = np.ascontiguousarray(x[chunk].T, dtype=np.float64)[self.column]
            with np.errstate(over="ignore"):
                z -= self.center[:, None]
                np.clip(z, -_LARGEST, _LARGEST, out=z)  # an infinite difference over an infinite scale is no number
                z /= self.scale[:, None]
            z[soft] = _soft_clip(z[soft])
            z[piece] = np.clip(z[piece], 0.0, 1.0)
            mapped[chunk] = z.T
        return mapped

    def part(self, entries: Integers) -> tuple[Integers, InputMap]:
        """Return the columns from which some inputs (in increasing order) are made, and their map."""
        columns, column = np.unique(self.column[entries], return_inverse=True)
        return columns, InputMap(column, self.kind[entries], self.center[entries], self.scale[entries])

    def columns_of(self, entries: Booleans) -> Booleans:
        """Return which columns (..., P) have any of some numbers (..., M)."""
        first = np.flatnonzero(np.diff(self.column, prepend=-1))
        return np.asarray(np.logical_or.reduceat(entries, first, axis=-1))

    def standardization(self, x: Array, weights: Array) -> tuple[Array, Array]:
        """Return mean and deviation of every number over rows of x (N, P), as arrays (M,).

        As :func:`ridgewalk.arrays.standardization`, a few numbers at a time; one that hardly varies is a constant.
        """
        rows, parts = np.flatnonzero(weights > 0), []
        for chunk in slices(len(self.column), len(rows)):
            columns, part = self.part(np.arange(len(self.column))[chunk])
            parts.append(standardization(part.apply(x[np.ix_(rows, columns)]), weights[rows]))
        center, scale = (np.concatenate(each) for each in zip(*parts, strict=True))
        return center, np.where(scale < _LEAST_SCALE, np.inf, scale)


def _soft_clip(z: Array) -> Array:
    bounded = np.clip(z, -FAR, FAR)
    return np.asarray(bounded / np.sqrt(1 + (bounded / SOFT_BOUND) ** 2))


@dataclass(frozen=True, eq=False)
class MapRule:
    """Which columns are mapped, and to how many numbers: the same for every training set.

    A mapped column has a softly clipped number and ``pieces`` pieces, any other column its own value.

    Attributes
    ----------
    mapped : booleans, shape (P,)
    pieces : int
        Quantile bins of a mapped column.

    Raises
    ------
    ValueError
        If there are no such columns, or no such number of pieces.
    """

    mapped: Booleans
    pieces: int = 8

    def __post_init__(self) -> None:
        if self.mapped.ndim != 1 or self.mapped.dtype != bool or not self.mapped.size:
            raise ValueError(f"mapped is a boolean per column, got {self.mapped.dtype} shaped {self.mapped.shape}.")
        if self.pieces < 0:
            raise ValueError(f"pieces is a whole number of zero or more, got {self.pieces}.")

    @property
    def column(self) -> Integers:
        """The column of every number: shape (M,)."""
        return np.repeat(np.arange(len(self.mapped)), np.where(self.mapped, 1 + self.pieces, 1))

    @property
    def kind(self) -> Integers:
        """The :class:`Kind` of each of the M numbers that a network sees: shape (M,)."""
        of_mapped, of_other = [Kind.SOFT_CLIP, *[Kind.PIECE] * self.pieces], [Kind.IDENTITY]
        return np.array([kind for mapped in self.mapped for kind in (of_mapped if mapped else of_other)], dtype=int)

    def learn(self, x: Array, weights: Array) -> InputMap:
        """Learn centers and scales from the rows of x (N, P) whose weight (N,) is above 0, and from nothing else.

        A weight of 2 counts a row twice. Of more than 200,000 rows a part is taken, drawn by the rows' numbers. A
        column whose interquartile range is 0 is softly clipped at the scale of half its range.
        """
        column, kind = self.column, self.kind
        center, scale = np.zeros(len(column)), np.ones(len(column))
        columns = np.flatnonzero(self.mapped)
        if columns.size:
            rows = np.flatnonzero(weights > 0)
            if len(rows) > _MOST_ROWS:
                rows = rows[np.argsort(mix(MAP_ROWS, rows), kind="stable")[:_MOST_ROWS]]
            levels = np.concatenate([[0.25, 0.5, 0.75], np.linspace(0, 1, self.pieces + 1)])
            chosen = np.asarray(x[np.ix_(rows, columns)], dtype=np.float64)
            below, median, above, *edges = np.quantile(
                chosen, levels, axis=0, method="inverted_cdf", weights=weights[rows]
            )
            soft, piece = kind == Kind.SOFT_CLIP, kind == Kind.PIECE
            spread, lower = _width(below, above), np.array(edges[:-1])
            half = _width(chosen.min(axis=0) / 2, chosen.max(axis=0) / 2)
            center[soft], scale[soft] = median, np.where(np.isfinite(spread), spread, half)
            center[piece], scale[piece] = lower.T.ravel(), _width(lower, np.array(edges[1:])).T.ravel()
        return InputMap(column, kind, center, scale)


def has_three_values(column: Array) -> bool:
    """Return whether a column (N,) has three different numbers or more; columns with two are not mapped."""
    rest = column[column != column[:1]]
    return bool((rest != rest[:1]).any())


def bounded_rule(mapped: Booleans, pieces: int) -> MapRule:
    """Return the rule that maps some columns (P,) to this number of pieces each, at most :data:`MOST_NUMBERS` in all.

    Where less than three pieces are allowed, columns are softly clipped alone.
    """
    most = MOST_NUMBERS // max(int(mapped.sum()), 1) - 1
    return MapRule(mapped, pieces if pieces <= most else most if most >= _FEWEST_PIECES else 0)


def _width(low: Array, high: Array) -> Array:
    """Return the distance from ``low`` to ``high``; infinite if it is 0."""
    with np.errstate(over="ignore"):
        width = np.minimum(high - low, _LARGEST)
    return np.where(width < _LEAST_SCALE, np.inf, width)
