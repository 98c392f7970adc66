"""The standard error of a mean over held-out rows that depend on each other: groups, or rows in time.

    rows     every row is independent of the others
    groups   rows of one group may depend on each other; groups are independent
    time     rows are ordered in time; rows that are far apart are independent

    unit u        a row, a group, or a block of neighbouring rows
    influence_u   sum over the rows of u of  w_i (v_i - mean) / sum w
    error         sqrt( U / (U - 1)  sum_u influence_u^2 ),    U units

With rows as units it is the standard error of a weighted mean, ``sd / sqrt(n)`` for equal weights. (Groups: Liang and
Zeger, Biometrika 1986; Cameron and Miller, Journal of Human Resources 2015. Blocks that do not overlap: Carlstein,
Annals of Statistics 1986; their length: Politis and White, Econometric Reviews 2004.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from ridgewalk.arrays import Array, Integers
from ridgewalk.objective import weighted_mean

Kind = Literal["rows", "groups", "time"]
_FEWEST_LAGS = 5  # that must be insignificant in a row, before an autocorrelation counts as gone
_SIGNIFICANCE = 2.0  # times sqrt(log10(n) / n): an autocorrelation beyond it is there
_LONGEST_BLOCK, _FEWEST_BLOCKS = 3.0, 3  # times sqrt(n): rows of a block; blocks


@dataclass(frozen=True, eq=False)
class Dependence:
    """The dependence between the rows of a table.

    Attributes
    ----------
    kind : "rows", "groups" or "time"
        Independent rows, dependent rows within groups, or rows ordered in time.
    groups : integers, shape (N,), or None
        Group of each row, for "groups".
    """

    kind: Kind = "rows"
    groups: Integers | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f'Rows depend as "rows", "groups" or "time", got {self.kind!r}.')
        if (self.kind == "groups") != (self.groups is not None):
            raise ValueError(f'groups are given with kind "groups", and with no other; the kind is {self.kind!r}.')

    def __repr__(self) -> str:
        if self.groups is None:
            return f"Dependence({self.kind!r})"
        return f"Dependence('groups', {len(np.unique(self.groups))} groups of {len(self.groups)} rows)"

    @staticmethod
    def of_groups(groups: ArrayLike) -> Dependence:
        """Return the dependence of rows (N,) with groups of any names."""
        known: dict[object, int] = {}
        return Dependence(
            "groups", np.array([known.setdefault(each, len(known)) for each in np.asarray(groups).tolist()])
        )

    def of_rows(self, rows: Integers) -> Dependence:
        """Return the dependence of some of the rows, in the given order."""
        return self if self.groups is None else Dependence("groups", self.groups[rows])

    def units(self, values: Array, weights: Array) -> tuple[Array, Integers]:
        """Divide the rows into units, with one division for all of several series.

        Parameters
        ----------
        values : array, shape (S, N)
            How long blocks must be follows from the mean autocorrelation of these series.
        weights : array, shape (N,)

        Returns
        -------
        influence : array, shape (S, U)
            What each unit adds to the deviation of the mean of a series; it sums to 0.
        unit : integers, shape (N,)
            The unit of each row; -1 for rows of weight 0.
        """
        used = np.flatnonzero(weights > 0)
        series = _influence(values[..., used], weights[used])
        unit = np.full(len(weights), -1)
        if self.kind == "rows":
            unit[used] = np.arange(len(used))
            return series, unit
        if self.groups is not None:
            unit[used] = np.unique(self.groups[used], return_inverse=True)[1]
        else:
            unit[used] = _blocks(len(used), block_length(_autocorrelation(series), len(used)))
        return _summed(series, unit[used]), unit


ROWS = Dependence()
"""Rows that are independent of each other."""
TIME = Dependence("time")
"""Rows that follow each other in time."""


def mean_and_error(values: Array, weights: Array, dependence: Dependence = ROWS) -> tuple[Array, Array]:
    """Compute the weighted mean of values (..., N) and its standard error, over rows of weight above 0.

    Of rows in time the blocks of each series are as long as its own autocorrelation asks for. The error of a single
    group is not known: NaN.

    Parameters
    ----------
    values : array, shape (..., N)
    weights : array, shape (N,)
    dependence : Dependence
        Of the N rows.

    Returns
    -------
    mean, error : arrays, shape (...)
    """
    used = weights > 0
    if dependence.kind == "rows":
        values, weights = values[..., used], weights[used]
        count = len(weights)
        mean = weighted_mean(values, weights)
        with np.errstate(invalid="ignore"):
            spread = (weights**2 * (values - mean[..., None]) ** 2).sum(axis=-1)
        return mean, np.sqrt(spread * count / max(count - 1, 1)) / weights.sum()
    mean = weighted_mean(values, weights)
    if dependence.kind == "groups":
        return mean, error_of(dependence.units(values, weights)[0])
    series = _influence(values[..., used], weights[used]).reshape(-1, int(used.sum()))
    lengths = np.array([block_length(_autocorrelation(each[None]), len(each)) for each in series])
    error = np.empty(len(series))
    for length in np.unique(lengths):
        same = lengths == length
        error[same] = error_of(_summed(series[same], _blocks(series.shape[1], length)))
    return mean, error.reshape(mean.shape)


def error_of(influence: Array) -> Array:
    """Compute the standard error (...) of a mean from the influence (..., U) of its units; NaN of one unit."""
    count = influence.shape[-1]
    return np.asarray(np.sqrt((influence**2).sum(axis=-1) * (count / (count - 1) if count > 1 else np.nan)))


def block_length(autocorrelation: Array, rows: int) -> int:
    """Compute how many rows a block has, from the autocorrelation (L,) of a series at lags 1, 2, ...

    The autocorrelation is cut off smoothly behind the last lag at which it is significant, and the length is the one
    whose error has the least mean square: ``(3/2 n (G / g)^2)^(1/3)`` with ``G = sum |k| rho_k`` and ``g = sum rho_k``
    over all lags (Politis and White 2004, equations 6 to 9, with the correction of Patton, Politis and White 2009).
    """
    if rows < 2 * _FEWEST_BLOCKS or not len(autocorrelation):
        return 1
    beyond = np.abs(autocorrelation) >= _SIGNIFICANCE * np.sqrt(np.log10(rows) / rows)
    quiet = max(_FEWEST_LAGS, int(np.ceil(np.sqrt(np.log10(rows)))))
    runs = np.convolve(beyond, np.ones(quiet, dtype=int))[quiet - 1 :]  # of significant lags from each one on
    first = np.flatnonzero(runs == 0)
    last = int(first[0]) if first.size else len(autocorrelation)
    cut = min(2 * max(last, 1), len(autocorrelation))
    lags = np.arange(1, cut + 1)
    kept = np.clip(2 * (1 - lags / cut), 0, 1) * autocorrelation[:cut]
    slope, level = 2 * float((lags * kept).sum()), 1 + 2 * float(kept.sum())
    longest = min(_LONGEST_BLOCK * np.sqrt(rows), rows / _FEWEST_BLOCKS)
    if level <= 0:  # no series that is stationary: the error of its mean is not known from so few rows
        return int(longest)
    return int(np.clip(np.ceil(np.cbrt(1.5 * rows * (slope / level) ** 2)), 1, longest))


def _influence(values: Array, weights: Array) -> Array:
    """Return the influence of each row on the mean: shape (..., n)."""
    with np.errstate(invalid="ignore"):
        return np.asarray(weights * (values - weighted_mean(values, weights)[..., None]) / weights.sum())


def _autocorrelation(series: Array) -> Array:
    """Return the autocorrelation of series (S, n), averaged over those that vary, at lags 1, 2, ...: shape (L,)."""
    rows = series.shape[-1]
    last = min(int(np.ceil(np.sqrt(rows))) + _FEWEST_LAGS, rows - 1)
    with np.errstate(invalid="ignore"):
        varying = series[(series**2).sum(axis=-1) > 0]
    if last < 1 or not len(varying):
        return np.empty(0)
    scaled = varying / np.sqrt((varying**2).sum(axis=-1, keepdims=True))
    spectrum = (np.abs(np.fft.rfft(scaled, 2 * rows, axis=-1)) ** 2).mean(axis=0)
    return np.asarray(np.fft.irfft(spectrum)[1 : last + 1])


def _blocks(rows: int, length: int) -> Integers:
    """Return the block of each row: blocks of about the given length, as equal as possible."""
    return np.arange(rows) * max(rows // length, 1) // max(rows, 1)


def _summed(series: Array, unit: Integers) -> Array:
    """Sum series (..., n) over the rows of each unit: shape (..., U)."""
    order = np.argsort(unit, kind="stable")
    starts = np.flatnonzero(np.diff(unit[order], prepend=-1))
    return np.asarray(np.add.reduceat(series[..., order], starts, axis=-1))
