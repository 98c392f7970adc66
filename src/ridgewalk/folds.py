"""Folds: training and held-out rows, their standardization, and the units of their losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from ridgewalk.arrays import Array, Booleans, Integers, sparse_scale, standardization
from ridgewalk.input_maps import InputMap, MapRule
from ridgewalk.losses import Loss, facts

Matrix = Array | csr_array
"""Rows of data (N, P), dense or compressed."""


def scaled(x: Matrix, scale: Array) -> Matrix:
    """Divide the columns of x (N, P) by a scale (P,)."""
    return x / scale if isinstance(x, np.ndarray) else csr_array(x.multiply(1 / scale))


@dataclass(frozen=True, eq=False)
class Fold:
    """One training set: a weight for every row, and how the columns are mapped and standardized on it.

    The network takes the P columns themselves, or, with a map, M numbers made of them; without one, M is P.

    Attributes
    ----------
    weights : array, shape (N,)
        Row weights; rows of weight 0 are held out and have no influence on the training.
    center, scale : arrays, shape (M,)
        The network sees ``(x - center) / scale``, with a map ``(inputs.apply(x) - center) / scale``.
    target_center, target_scale : arrays, shape (C,)
        The loss sees ``(target - target_center) / target_scale``.
    validation : array, shape (N,), or None
        Row weights of the validation loss, for the history and for early stopping.
    inputs : InputMap or None
        What the network takes of the columns.
    """

    weights: Array
    center: Array
    scale: Array
    target_center: Array
    target_scale: Array
    validation: Array | None = None
    inputs: InputMap | None = None

    @staticmethod
    def plain(weights: Array, inputs: int, outputs: int, validation: Array | None = None) -> Fold:
        """Return a fold that leaves columns and targets as they are: centers are 0, and scales 1.

        Parameters
        ----------
        weights : array, shape (N,)
            Row weights of the training.
        inputs, outputs : int
            Numbers of columns of x (P) and of the target (C).
        validation : array, shape (N,), optional
            Row weights of the validation rows.
        """
        return Fold(
            weights, np.zeros(inputs), np.ones(inputs), np.zeros(outputs), np.ones(outputs), validation=validation
        )

    def in_target_units(self, output: Array) -> Array:
        """Return outputs (..., C) of this fold's network in the units of the target."""
        return output * self.target_scale + self.target_center

    @property
    def column(self) -> Integers:
        """Index of the column from which each input of the network is made: shape (M,)."""
        return np.arange(len(self.center)) if self.inputs is None else self.inputs.column

    def seen(self, x: Matrix) -> Matrix:
        """Return rows of x (n, P) as this fold's network sees them: (n, M); compressed rows stay so."""
        if not isinstance(x, np.ndarray):
            return scaled(x, self.scale)  # their centers are 0
        mapped = x.astype(np.float64) if self.inputs is None else self.inputs.apply(x)
        mapped -= self.center  # the copy's own place will do
        mapped /= self.scale
        return mapped

    def standardized(self, x: Matrix, target: Array, used: Array, dtype: np.dtype[np.floating]) -> Rows:
        """Return the rows whose weight in ``used`` (N,) is above 0, as this fold's network sees them."""
        rows = np.flatnonzero(used > 0)
        chosen = x[rows] if isinstance(x, np.ndarray) else x[rows].toarray()
        return Rows(
            rows,
            np.asarray(self.seen(chosen)).astype(dtype),
            ((target[rows] - self.target_center) / self.target_scale).astype(dtype),
            used[rows].astype(np.float64),
        )


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one fold: their numbers (N,), x (N, M), target (N, C) and weights (N,)."""

    numbers: Integers
    x: Array
    target: Array
    weights: Array


def row_numbers(rows_or_mask: ArrayLike, rows: int) -> Integers:
    """Return the numbers of rows that are given so, or as a mask over all ``rows``.

    Raises
    ------
    ValueError
        If they are neither: fractions, text, numbers of no row, a mask of another length.
    """
    chosen = np.asarray(rows_or_mask)
    if chosen.dtype == bool and chosen.shape == (rows,):
        return np.flatnonzero(chosen)
    whole = chosen.dtype.kind in "iuf" and chosen.ndim == 1 and bool((chosen == np.floor(chosen)).all())
    if chosen.size == 0:
        return np.empty(0, dtype=int)
    if not whole or chosen.min() < -rows or chosen.max() >= rows:
        shown = ", ".join(str(each) for each in chosen.ravel()[:3].tolist())
        raise ValueError(
            f"A fold is given by whole row numbers from 0 to {rows - 1}, or by a mask of {rows} booleans, got "
            f"{chosen.dtype} shaped {chosen.shape}: {shown}{', ...' * (chosen.size > 3)}."
        )
    return chosen.astype(int) % rows


def check_splits(splits: Sequence[tuple[Integers, Integers]], weights: Array, loss: Loss, target: Array) -> None:
    """Check that every fold has training rows, of several classes for classification, and other held-out rows.

    Raises
    ------
    ValueError
        If one does not.
    """
    if not splits:
        raise ValueError("A path needs at least one fold, got none.")
    for k, (train_rows, held_out) in enumerate(splits):
        if not weights[train_rows].any() or not weights[held_out].any():
            raise ValueError(
                f"Fold {k} trains on {np.count_nonzero(weights[train_rows])} rows of weight above 0 and holds out "
                f"{np.count_nonzero(weights[held_out])}: both need some."
            )
        if len(np.unique(held_out)) < len(held_out) or np.isin(held_out, train_rows).any():
            raise ValueError(f"Fold {k} holds out a row twice, or one that it trains on: its loss would mean nothing.")
        trained = target[train_rows[weights[train_rows] > 0]]
        if facts(loss).is_classification and (trained == trained[0]).all():
            raise ValueError(
                f"Fold {k} trains on rows of one class alone, and nothing can be learned there: give folds that train "
                "on every class (a number of folds is stratified; folds by groups need each class in several groups)."
            )


def unknown_rows(loss: Loss, target: Array, weights: Array, train_rows: Integers, held_out: Integers) -> Booleans:
    """Return which held-out rows are of a class, or have a label, that no training row has: shape (n,).

    What a network, or a constant, loses on them is made up: it never heard of such a class.
    """
    if not facts(loss).is_classification:
        return np.zeros(len(held_out), dtype=bool)
    trained = target[train_rows[weights[train_rows] > 0]]
    low, high = trained.min(axis=0), trained.max(axis=0)
    return np.asarray(((target[held_out] < low) | (target[held_out] > high)).any(axis=1))


def standardized_fold(
    x: Matrix,
    target: Array,
    loss: Loss,
    weights: Array,
    standardize: bool,
    validation: Array | None = None,
    maps: MapRule | None = None,
) -> Fold:
    """Map and standardize on the rows of one training set, and on nothing else; sparse columns are scaled alone.

    Raises
    ------
    ValueError
        If sparse columns, or other ones than there are, are to be mapped.
    """
    inputs = None if maps is None else _learned(maps, x, weights)
    width = x.shape[1] if inputs is None else len(inputs.column)
    plain = replace(Fold.plain(weights, width, target.shape[1], validation), inputs=inputs)
    if not standardize:
        return plain
    if inputs is not None:
        center, scale = inputs.standardization(np.asarray(x), weights)
    elif isinstance(x, np.ndarray):
        center, scale = standardization(x, weights)
    else:
        center, scale = plain.center, sparse_scale(x, weights)
    plain = replace(plain, center=center, scale=scale)
    if not standardizes_target(loss):
        return plain
    target_center, target_scale = standardization(target, weights)
    target_scale = np.where(np.isfinite(target_scale), target_scale, 1.0)
    return replace(plain, target_center=target_center, target_scale=target_scale)


def _learned(maps: MapRule, x: Matrix, weights: Array) -> InputMap:
    """Learn a map of the columns of x (N, P)."""
    if not isinstance(x, np.ndarray):
        raise ValueError("Columns of a sparse x cannot be mapped: give x as a dense array, x.toarray().")
    if len(maps.mapped) != x.shape[1]:
        raise ValueError(f"The rule of an input map is for {len(maps.mapped)} columns, and x has {x.shape[1]}.")
    return maps.learn(x, weights)


def standardizes_target(loss: Loss) -> bool:
    """Whether targets of this loss are standardized with the columns: numbers are, classes and counts are not."""
    return facts(loss).unit_power is not None


def loss_unit(loss: Loss, fold: Fold) -> float:
    """Return the factor from a fold's standardized loss of one target to the target's units; 1 for several targets."""
    scale = fold.target_scale
    return float(scale[0] ** (facts(loss).unit_power or 0)) if len(scale) == 1 else 1.0


def row_losses(loss: Loss, output: Array, target: Array, fold: Fold, unit: Array) -> Array:
    """Losses (E, N) of outputs (E, N, C) in a fold's standardized units, brought to those of the target (N, C).

    Several targets are each counted in their ``unit`` (C,): their deviation on all rows.
    """
    standardized = (target - fold.target_center) / fold.target_scale
    power = facts(loss).unit_power
    if power is None:
        return loss.values(output, standardized)
    units = fold.target_scale / (unit if target.shape[1] > 1 else 1.0)
    columns = (loss.values(output[..., [c]], standardized[:, [c]]) * units[c] ** power for c in range(len(units)))
    return np.asarray(sum(columns))


def constant_losses(loss: Loss, target: Array, fold: Fold, unit: Array, rows: Integers) -> Array:
    """Return the loss of the best constant of a fold's training rows on some rows (n,), in units of the target."""
    null = loss.null_output((target - fold.target_center) / fold.target_scale, fold.weights)
    constant = np.broadcast_to(null, (1, len(rows), len(null)))
    return np.asarray(row_losses(loss, constant, target[rows], fold, unit)[0])


def average_by_row(held_out: Sequence[Integers], values: Sequence[Array], count: int) -> Array:
    """Return values for held-out rows, averaged by row over folds: shape (..., N), 0 for other rows.

    Parameters
    ----------
    held_out : sequence of integers, K times (n,)
        Row numbers, each at most once in a fold.
    values : sequence of arrays, K times (..., n)
    count : int
        Number N of all rows.
    """
    total, times = np.zeros((*values[0].shape[:-1], count)), np.zeros(count)
    for rows, found in zip(held_out, values, strict=True):
        total[..., rows] += found
        times[rows] += 1
    return total / np.maximum(times, 1)


@dataclass(frozen=True, eq=False)
class Moments:
    """Means and deviations of columns and targets over the rows of several trainings; a deviation of 0 is a constant.

    Deviations of parts add up as sides of right triangles (Chan, Golub and LeVeque, American Statistician 1983):
    ``weight scale^2 = sum of the parts' weight scale^2 + w_1 w_2 / weight (center_1 - center_2)^2``.
    """

    weight: float
    center: Array
    scale: Array
    target_center: Array
    target_scale: Array

    @staticmethod
    def of(fold: Fold, target: Array, loss: Loss) -> Moments:
        """Take them from the rows (N,) that a fold was standardized on."""
        used = target[fold.weights > 0]
        constant = (used == used[0]).all(axis=0) & standardizes_target(loss)
        scale = np.where(np.isinf(fold.scale), 0.0, fold.scale)
        target_scale = np.where(constant, 0.0, fold.target_scale)
        return Moments(float(fold.weights.sum()), fold.center, scale, fold.target_center, target_scale)

    def with_rows(self, more: Moments) -> Moments:
        """Add the rows of another call."""
        weight = self.weight + more.weight
        a, b = np.sqrt(self.weight / weight), np.sqrt(more.weight / weight)

        def together(name: str) -> tuple[Array, Array]:
            center, other = getattr(self, f"{name}center"), getattr(more, f"{name}center")
            scale, its = getattr(self, f"{name}scale"), getattr(more, f"{name}scale")
            return center + b**2 * (other - center), np.hypot(np.hypot(a * scale, b * its), a * b * (other - center))

        return Moments(weight, *together(""), *together("target_"))

    def fold(self, weights: Array) -> Fold:
        """Return the fold that standardizes so; a column that never varied is 0 everywhere, and a target as it is."""
        scale = np.where(self.scale > 0, self.scale, np.inf)
        target_scale = np.where(self.target_scale > 0, self.target_scale, 1.0)
        return Fold(weights, self.center, scale, self.target_center, target_scale)
