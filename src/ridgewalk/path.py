"""What a path holds: every strength x fold x seed of one network, and the whole data beside the folds.

strengths  0, and those up to the one at which the null model wins
folds      K training sets with their held-out rows, then all rows (index K)
seeds      starts of the weights
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ridgewalk import markup
from ridgewalk.arrays import Array, Booleans, Integers
from ridgewalk.engine.job import Fold
from ridgewalk.envelope import NULL
from ridgewalk.folds import average_by_row
from ridgewalk.formatting import format_count, format_number
from ridgewalk.layers import Arrays
from ridgewalk.losses import Loss
from ridgewalk.model import Model
from ridgewalk.network import Network
from ridgewalk.objective import weighted_mean
from ridgewalk.route import Route

_AT_REST = 1e-3  # residual up to which a fit counts as converged
_HEAD = ("strength", "held-out loss", "training loss", "zeros", "inputs", "units")  # of the path as a table
_MOST_UNFOLDED = 40  # rows of it


@dataclass(frozen=True, eq=False)
class MLPPath:
    """A walked path. S strengths, K folds, E seeds, N rows.

    Attributes
    ----------
    alphas : array, shape (S,)
        Rising from 0.
    heldout_loss : array, shape (S, K, E)
        Mean loss over the rows that a fold held out, in the units of y, without any penalty. Several targets of a
        regression are each in units of their own deviation.
    heldout_score : array, shape (S, K, E), or None
        What the caller's own score gave there.
    heldout_rows : tuple of integers, K times (n,)
        Numbers of the rows that each fold held out.
    fold_row_loss : tuple of arrays, K times (S, n)
        Their losses, averaged over seeds.
    row_weights : array, shape (N,)
        Sample weights; 0 where no fold held the row out.
    null_row_loss : array, shape (N,)
        As ``row_loss``, of the best constant of the training rows.
    train_loss : array, shape (S, K + 1, E)
        Mean loss over the training rows, in the units of y, without any penalty. Index K is all data.
    objective, penalty : arrays, shape (S, K + 1, E)
        What training minimised, and the penalty's part of it, in the units of the (standardized) problem.
    source : integers, shape (S, K + 1, E)
        Number of the strength whose training gave the cell's network: its own, that of another strength whose network
        has a lower objective here, or -1, the null model. At strength 0 another number names the strength from whose
        network training went on without a penalty.
    layer_zeros : array, shape (S, K + 1, E, layers)
        Share of each layer's weights (not biases) that are exactly 0.
    inputs_kept : booleans, shape (S, K + 1, E, P)
        Inputs from which weights that are not 0 lead to an output.
    units_kept : integers, shape (S, K + 1, E)
        Hidden units on such a way.
    residual : array, shape (S, K + 1, E)
        Distance from stationarity (:meth:`ridgewalk.objective.Objective.residual`).
    n_iter : integers, shape (S, K + 1, E)
        Epochs of the network's last training; 0 where the null model stands without any, and where a linear model was
        solved.
    diverged : booleans, shape (S, K + 1, E)
        Whose own training ended in numbers that are not finite; above strength 0 another network takes such a cell.
    parameters : tuple of arrays, each (S, E, ., .)
        Of the fits on all data.
    route, network, loss
        What was walked.
    whole : Fold
        How columns and target were standardized on all data.
    engine : str
    """

    alphas: Array
    heldout_loss: Array
    heldout_score: Array | None
    heldout_rows: tuple[Integers, ...]
    fold_row_loss: tuple[Array, ...]
    row_weights: Array
    null_row_loss: Array
    train_loss: Array
    objective: Array
    penalty: Array
    source: Integers
    layer_zeros: Array
    inputs_kept: Booleans
    units_kept: Integers
    residual: Array
    n_iter: Integers
    diverged: Booleans
    parameters: Arrays
    route: Route
    network: Network
    loss: Loss
    whole: Fold
    engine: str

    @cached_property
    def row_loss(self) -> Array:
        """Held-out loss of each row, averaged over seeds and over the folds that held it out: shape (S, N)."""
        return average_by_row(self.heldout_rows, self.fold_row_loss, len(self.row_weights))

    @property
    def null_wins(self) -> Booleans:
        """Cells that hold the null model, for no trained network has a lower objective there: shape (S, K + 1, E)."""
        return np.asarray(self.source == NULL)

    @property
    def lost(self) -> Booleans:
        """Cells whose training diverged, with no other network in their place: shape (S, K + 1, E)."""
        return np.asarray(self.diverged & (self.source == np.arange(len(self.alphas))[:, None, None]))

    @property
    def zeros(self) -> Array:
        """Share of all weights (not biases) that are exactly 0: shape (S, K + 1, E)."""
        sizes = np.array([layer.inputs * layer.units for layer in self.network.dense])
        return np.asarray(self.layer_zeros @ (sizes / sizes.sum()))

    @property
    def converged(self) -> Booleans:
        """Whether the residual is at most 0.001: shape (S, K + 1, E). ReLU networks may rest at kinks, above it."""
        return np.asarray(self.residual <= _AT_REST)

    def frequency(self, index: int) -> Array:
        """Share of the folds x seeds whose network at strength ``index`` uses each input: shape (P,)."""
        return np.asarray(self.inputs_kept[index, :-1].mean(axis=(0, 1)))

    def best_seed(self, index: int) -> int:
        """Seed whose fit on all data has the lowest objective at strength ``index``: the model to hand over."""
        return int(np.argmin(np.where(self.lost[index, -1], np.inf, self.objective[index, -1])))

    def model(self, index: int, seed: int | None = None) -> Model:
        """Give what predicts at strength ``index``: the fit on all data of a seed, by default the best one."""
        chosen = self.best_seed(index) if seed is None else seed
        return model_of(self.network, self.loss, [array[index, chosen] for array in self.parameters], self.whole)

    def __repr__(self) -> str:
        strengths, folds, seeds = self.heldout_loss.shape
        sizes = [self.network.dense[0].inputs, *(layer.units for layer in self.network.dense)]
        first, last = (format_number(self.alphas[s], 4) for s in (0, -1))
        return (
            f"MLPPath({strengths} strengths from {first} to {last} x ({folds} folds + all "
            f"{np.count_nonzero(self.row_weights):,} rows) x {format_count(seeds, 'seed')}, "
            f"network {'-'.join(map(str, sizes))}, {type(self.loss).__name__})"
        )

    def __str__(self) -> str:
        lines = [f"{first:>10}" + "".join(f"{cell:>16}" for cell in row) for first, *row in (_HEAD, *self._table())]
        return "\n".join([repr(self), *lines])

    def _repr_html_(self) -> str:
        """Show it in a notebook: what was walked, and a table of all strengths, folded where there are many."""
        rows, shown = markup.table(_HEAD, self._table()), " open" * (len(self.alphas) <= _MOST_UNFOLDED)
        return f"{markup.element('p', repr(self))}<details{shown}><summary>Every strength</summary>{rows}</details>"

    def _table(self) -> list[tuple[str, ...]]:
        """Write every strength: mean held-out loss, and what the best start on all rows lost and kept."""
        loss = weighted_mean(self.row_loss, self.row_weights)
        rows: list[tuple[str, ...]] = []
        for s, alpha in enumerate(self.alphas):
            cell = (s, -1, self.best_seed(s))
            losses = (format_number(loss[s], 4), format_number(self.train_loss[cell], 4))
            counts = (f"{self.zeros[cell]:.0%}", str(self.inputs_kept[cell].sum()), str(self.units_kept[cell]))
            rows.append((format_number(alpha, 4), *losses, *counts))
        return rows


def model_of(network: Network, loss: Loss, parameters: Sequence[Array], fold: Fold) -> Model:
    """Give what predicts with a fit (arrays without run axis) of one training set."""
    return Model(
        network=network,
        parameters=tuple(array.astype(np.float64) for array in parameters),
        loss=loss,
        inputs=np.arange(len(fold.center)),
        center=fold.center,
        scale=fold.scale,
        target_center=fold.target_center,
        target_scale=fold.target_scale,
    )


def connected(weights: list[Booleans]) -> tuple[Booleans, Integers]:
    """Find the inputs, and count the hidden units, on a way of weights that are not 0 from an input to an output."""
    reached: list[Booleans] = [np.ones(weights[0].shape[:-1], dtype=bool)]
    for layer in weights:
        reached.append(np.any(reached[-1][..., :, None] & layer, axis=-2))
    leads: Booleans = np.ones_like(reached[-1])
    units = np.zeros(weights[0].shape[:3], dtype=int)
    for layer, below in zip(weights[::-1], reached[-2::-1], strict=True):
        leads = np.asarray(np.any(layer & leads[..., None, :], axis=-1))
        units += (leads & below).sum(axis=-1)
    return leads, units - leads.sum(axis=-1)
