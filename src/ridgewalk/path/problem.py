"""The problem of a path: checked rows, their folds, and the seeds of the initial weights.

    folds     K training sets with their held-out rows, then all rows (index K)
    seeds     random initializations of the weights
    pairs     fold-seed pairs, numbered fold x seeds + seed

Columns (and the target of a regression) are mapped and standardized on the training rows of each fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array, issparse

from ridgewalk.arrays import Array, Integers, slices
from ridgewalk.folds import Fold, Matrix, Rows, check_splits, row_losses, row_numbers, standardized_fold
from ridgewalk.input_maps import MapRule
from ridgewalk.losses import Loss
from ridgewalk.network import Network
from ridgewalk.path.dependence import ROWS, Dependence
from ridgewalk.threads import look_for_end


@dataclass(frozen=True, eq=False)
class PathProblem:
    """The rows, folds and seeds of a path, without settings of the training.

    Attributes
    ----------
    x : array or CSR array, shape (N, P)
    target : array, shape (N, C)
        Target as encoded by ``loss.encode``.
    weights : array, shape (N,)
        Sample weights.
    loss : Loss
    splits : tuple of (training rows, held-out rows)
        Row indices; held-out rows of weight 0 are left out.
    seeds : tuple of int
    standardize : bool
        Whether columns, and the target of a regression, are scaled to mean 0 and standard deviation 1 on each fold.
    folds : tuple of Fold
        One per split, then one for all rows.
    maps : MapRule or None
        Map of the columns to the inputs of the network, learned by every fold on its own rows.
    dependence : Dependence
        Dependence between rows.
    """

    x: Matrix
    target: Array
    weights: Array
    loss: Loss
    splits: tuple[tuple[Integers, Integers], ...]
    seeds: tuple[int, ...]
    standardize: bool
    folds: tuple[Fold, ...]
    maps: MapRule | None = None
    dependence: Dependence = ROWS

    @staticmethod
    def of(
        x: ArrayLike | Matrix,
        target: Array,
        loss: Loss,
        splits: Sequence[tuple[ArrayLike, ArrayLike]],
        seeds: Sequence[int] = (0,),
        sample_weight: Array | None = None,
        standardize: bool = True,
        maps: MapRule | None = None,
    ) -> PathProblem:
        """Check rows and splits, and map and standardize the folds.

        Parameters
        ----------
        x : array_like, shape (N, P)
            Or a CSR array: its columns are scaled, not centered.
        target : array, shape (N, C)
            Target as encoded by ``loss.encode``.
        loss : Loss
        splits : sequence of (training rows, held-out rows)
            Row indices, or masks over the rows. A training row may occur several times; a held-out row must not be a
            training row.
        seeds : sequence of int
        sample_weight : array, shape (N,), optional
        standardize : bool
        maps : MapRule, optional
            Map of the columns of a dense x to the inputs of the network.

        Returns
        -------
        PathProblem

        Raises
        ------
        ValueError
            If a split has no training or held-out rows, or training rows of a single class; if columns cannot be
            mapped.
        """
        data: Matrix = csr_array(x).astype(np.float64) if issparse(x) else np.asarray(x, dtype=np.float64)
        rows = data.shape[0]
        weights: Array = np.ones(rows) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        numbered = [(row_numbers(train_rows, rows), row_numbers(held_out, rows)) for train_rows, held_out in splits]
        check_splits(numbered, weights, loss, target)
        kept = tuple((train_rows, held_out[weights[held_out] > 0]) for train_rows, held_out in numbered)
        draws = [np.bincount(train_rows, minlength=rows) for train_rows, _ in kept]  # a row drawn twice counts twice
        row_weights: list[Array] = [*(weights * times for times in draws), weights]
        folds = tuple(standardized_fold(data, target, loss, each, standardize, maps=maps) for each in row_weights)
        return PathProblem(data, target, weights, loss, kept, tuple(seeds), standardize, folds, maps)

    @property
    def columns(self) -> int:
        """Number of columns, P."""
        return int(self.x.shape[1])

    @property
    def inputs(self) -> int:
        """Number of inputs of the network, M: the columns, or the numbers that they are mapped to."""
        return len(self.folds[-1].center)

    @property
    def column(self) -> Integers | None:
        """Index of the column from which each input of the network is made, shape (M,); None without a map."""
        inputs = self.folds[-1].inputs
        return None if inputs is None else inputs.column

    @property
    def encodes(self) -> bool:
        """Whether the input map changes any column."""
        return self.maps is not None and bool(self.maps.mapped.any())

    @cached_property
    def plain(self) -> PathProblem:
        """The same problem for a network without an input map."""
        return self if self.column is None else replace(self, maps=None).with_rows(self.x, self.target)

    @property
    def outputs(self) -> int:
        """Number of outputs, C."""
        return int(self.target.shape[1])

    @property
    def pairs(self) -> int:
        """Number of fold-seed pairs."""
        return len(self.folds) * len(self.seeds)

    def fold_of(self, pairs: Integers) -> Integers:
        """Return the number of the training set of each pair (R,)."""
        return np.asarray(pairs) // len(self.seeds)

    def seed_of(self, pairs: Integers) -> Integers:
        """Return the seed of each pair (R,)."""
        return np.asarray(self.seeds)[np.asarray(pairs) % len(self.seeds)]

    def seen(self, fold: Fold, rows: Integers) -> Matrix:
        """Return some rows as inputs of a fold's network."""
        return fold.seen(self.x[rows])

    def rows(self, fold: Fold) -> Rows:
        """Return the training rows of a fold as inputs of its network, in float32."""
        return fold.standardized(self.x, self.target, fold.weights, np.dtype(np.float64))

    def outputs_of(self, network: Network, parameters: Sequence[Array], fold: Fold, rows: Integers) -> Array:
        """Return the outputs (E, rows, C) of one fold's fits at one strength, in the fold's units."""
        look_for_end()
        widest = len(self.seeds) * max(max(shape) for shape in network.shapes)

        def of(rows: Integers) -> Array:
            seen = self.seen(fold, rows)
            x = (seen if isinstance(seen, np.ndarray) else seen.toarray()).astype(parameters[0].dtype)
            with np.errstate(all="ignore"):
                return network.forward(x, tuple(parameters))[0].astype(np.float64)

        return np.concatenate([of(rows[each]) for each in slices(len(rows), widest)], axis=1)

    def losses(self, network: Network, parameters: Sequence[Array], fold: Fold, rows: Integers) -> Array:
        """Return the losses (E, rows) of one fold's fits at one strength, in the units of the target."""
        return self.scored(self.outputs_of(network, parameters, fold, rows), fold, rows)

    def scored(self, output: Array, fold: Fold, rows: Integers) -> Array:
        """Return the losses (E, rows) of outputs (E, rows, C) in a fold's units, in the units of the target."""
        with np.errstate(all="ignore"):  # what diverged
            return row_losses(self.loss, output, self.target[rows], fold, self.folds[-1].target_scale)

    def restricted(self, inputs: Integers) -> PathProblem:
        """Return the same problem for a network that takes some of the inputs (rising), and the columns they need."""
        folds = [replace(fold, center=fold.center[inputs], scale=fold.scale[inputs]) for fold in self.folds]
        columns = inputs
        for number, fold in enumerate(self.folds):
            if fold.inputs is not None:
                columns, part = fold.inputs.part(inputs)
                folds[number] = replace(folds[number], inputs=part)
        return replace(self, x=self.x[:, columns], folds=tuple(folds))

    def validated(self) -> PathProblem:
        """Return the same problem with the held-out rows of each fold as its validation set."""
        folds = []
        for fold, (_, held_out) in zip(self.folds[:-1], self.splits, strict=True):
            unseen = np.zeros_like(self.weights)
            unseen[held_out] = self.weights[held_out]
            folds.append(replace(fold, validation=unseen))
        return replace(self, folds=tuple(folds))

    def with_rows(self, x: Matrix, target: Array) -> PathProblem:
        """Return the problem with the same splits and another x, mapped and standardized again."""
        again = PathProblem.of(x, target, self.loss, self.splits, self.seeds, self.weights, self.standardize, self.maps)
        return replace(again, dependence=self.dependence)

    def with_weights(self, weights: Array) -> PathProblem:
        """Return the problem with the same splits and other row weights (N,), standardized again."""
        again = PathProblem.of(
            self.x, self.target, self.loss, self.splits, self.seeds, weights, self.standardize, self.maps
        )
        return replace(again, dependence=self.dependence)

    def with_dependence(self, dependence: Dependence) -> PathProblem:
        """Return the same problem with another dependence between rows.

        Raises
        ------
        ValueError
            If the groups are those of other rows.
        """
        if dependence.groups is not None and dependence.groups.shape != self.weights.shape:
            raise ValueError(
                f"There are {len(self.weights)} rows, and groups of shape {dependence.groups.shape}: give one a row."
            )
        return replace(self, dependence=dependence)
