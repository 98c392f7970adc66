"""The meaning of "auto": network, strengths and training of a path, from the shape of the table.

    rows                 up to 1,000                        more
    hidden layers        (64, 32); (32,) where there are    (64, 32)
                         fewer than 50 rows to a column
      5 outputs or more  (128,) instead of (64, 32)         (128,); (128, 64) from 4,000 rows on
    strengths            30; 10 where there are 5 outputs   10
                         or more
    batch_size           all rows                           256
    max_iter (epochs)    600 over all rows; of batches as many as make 1,500 steps, from 3 to 600
    learning_rate_init   0.01

Input selection uses one layer of 32, 30 strengths and 600 epochs over all rows, the settings with which it was
measured. A linear model uses 30 strengths.

A second layer needs enough rows: on small tables with many columns, or with many classes, it predicts worse. On large
tables the accuracy depends on the number of steps, not of epochs. These numbers were chosen on other folds than those
that benchmarks/accuracy.py reports (EXPERIMENTS.md, 2026-11-29).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ridgewalk.path.fit import AlphaSpec
from ridgewalk.path.settings import PathSettings

Auto = Literal["auto"]

_FEW_ROWS = 1_000  # up to which every step takes all of them
_ROWS_PER_COLUMN = 50  # at least, for a second layer where there are few rows
_MANY_OUTPUTS, _ROWS_OF_MANY = 5, 4_000  # outputs; rows from which a second layer pays for so many
_BATCH, _STEPS, _LEAST_EPOCHS = 256, 1_500, 3
USUAL_EPOCHS = PathSettings.max_iter
"""Epochs where every step takes all rows."""


@dataclass(frozen=True)
class Defaults:
    """The network, the strengths and the training of a path.

    Attributes
    ----------
    hidden_layer_sizes : sequence of int
    alphas : int, array_like or "qut"
    batch_size : int or None
        None is all rows.
    max_iter : int
        Epochs.
    learning_rate_init : float
    """

    hidden_layer_sizes: Sequence[int]
    alphas: AlphaSpec
    batch_size: int | None
    max_iter: int
    learning_rate_init: float = PathSettings.learning_rate


def defaults(
    rows: int,
    columns: int,
    outputs: int,
    *,
    hidden_layer_sizes: Sequence[int] | Auto = "auto",
    batch_size: int | Auto | None = "auto",
    selecting: bool = False,
) -> Defaults:
    """Return the values of "auto" for a table of this shape, given the other settings.

    Parameters
    ----------
    rows, columns, outputs : int
        Rows to train on, columns of numbers, outputs of the network: 1 for a number or two classes, else one a class.
    hidden_layer_sizes, batch_size
        What the others follow, where it is given.
    selecting : bool
        Whether inputs are selected, or refitted.
    """
    few_rows, many = rows <= _FEW_ROWS or selecting, outputs >= _MANY_OUTPUTS and not selecting
    layers = hidden_layer_sizes
    if isinstance(layers, str):
        layers = (64, 32)
        if selecting or (few_rows and rows < _ROWS_PER_COLUMN * columns):
            layers = (32,)
        elif many:
            layers = (128, 64) if rows >= _ROWS_OF_MANY else (128,)
    if batch_size == "auto":
        batch_size = None if few_rows else _BATCH
    epochs = USUAL_EPOCHS
    if batch_size is not None:
        epochs = min(max(math.ceil(_STEPS * batch_size / rows), _LEAST_EPOCHS), USUAL_EPOCHS)
    return Defaults(layers, 30 if (few_rows and not many) or len(layers) == 0 else 10, batch_size, epochs)
