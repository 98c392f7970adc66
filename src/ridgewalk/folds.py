"""Folds: which rows they train on and hold out, how they are standardized, and in whose units their losses are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from ridgewalk.arrays import Array, Integers, sparse_scale, standardization
from ridgewalk.engine.job import Fold, Matrix
from ridgewalk.losses import AbsoluteError, Huber, Loss, SquaredError

_POWER_OF_UNIT = {SquaredError: 2, Huber: 2, AbsoluteError: 1}  # the losses whose target is standardized


def row_numbers(rows: ArrayLike) -> Integers:
    """Give the numbers of rows that are given so, or as a mask."""
    chosen = np.asarray(rows)
    return np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(int)


def check_splits(splits: Sequence[tuple[Integers, Integers]], weights: Array) -> None:
    """See that every fold has rows to train on, and holds out others.

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


def standardized_fold(
    x: Matrix, target: Array, loss: Loss, weights: Array, standardize: bool, validation: Array | None = None
) -> Fold:
    """Standardize on the rows of one training set, and on nothing else; sparse columns are scaled, not centered."""
    plain = Fold.plain(weights, x.shape[1], target.shape[1], validation)
    if not standardize:
        return plain
    if isinstance(x, np.ndarray):
        center, scale = standardization(x, weights)
    else:
        center, scale = plain.center, sparse_scale(x, weights)
    if type(loss) not in _POWER_OF_UNIT:
        return replace(plain, center=center, scale=scale)
    target_center, target_scale = standardization(target, weights)
    target_scale = np.where(np.isfinite(target_scale), target_scale, 1.0)
    return Fold(weights, center, scale, target_center, target_scale, validation)


def loss_unit(loss: Loss, fold: Fold) -> float:
    """Give what brings a fold's standardized loss of one target to the target's units; 1 for several targets."""
    scale = fold.target_scale
    return float(scale[0] ** _POWER_OF_UNIT.get(type(loss), 0)) if len(scale) == 1 else 1.0


def row_losses(loss: Loss, output: Array, target: Array, fold: Fold, unit: Array) -> Array:
    """Losses (E, N) of outputs (E, N, C) in a fold's standardized units, brought to those of the target (N, C).

    Several targets are each counted in their ``unit`` (C,): their deviation on all rows.
    """
    standardized = (target - fold.target_center) / fold.target_scale
    power = _POWER_OF_UNIT.get(type(loss))
    if power is None:
        return loss.values(output, standardized)
    units = fold.target_scale / (unit if target.shape[1] > 1 else 1.0)
    columns = (loss.values(output[..., [c]], standardized[:, [c]]) * units[c] ** power for c in range(len(units)))
    return np.asarray(sum(columns))
