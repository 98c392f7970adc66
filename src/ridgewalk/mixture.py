"""A mixture: the models of a blend and their weights, which predicts with the weighted mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from ridgewalk.arrays import Array, Booleans, slices
from ridgewalk.losses import Loss
from ridgewalk.model import Model

_NUMBERS_PER_CHUNK = 2**14  # numbers that a row counts for: some 256 rows are predicted at once, and stay in the cache


@dataclass(frozen=True, eq=False)
class Mixture:
    """Models with the same loss, whose predictions are averaged: probabilities, means or rates, not raw outputs.

    Attributes
    ----------
    models : tuple of Model, M of them
    shares : array, shape (M,)
        Weights of the models, above 0 with sum 1.
    """

    models: tuple[Model, ...]
    shares: Array

    def __repr__(self) -> str:
        return f"Mixture({len(self.models)} models, {type(self.loss).__name__})"

    @property
    def loss(self) -> Loss:
        """Loss of the models."""
        return self.models[0].loss

    def predict(self, x: Array | csr_array) -> Array:
        """Return the weighted mean prediction (N, C) for all columns of the data."""
        return np.concatenate([self._predict(x[chunk]) for chunk in slices(x.shape[0], _NUMBERS_PER_CHUNK)])

    def _predict(self, x: Array | csr_array) -> Array:
        total: Array | float = 0.0
        for group in self._groups:
            first = self.models[group[0]]
            stacked = tuple(map(np.stack, zip(*(self.models[k].parameters for k in group), strict=True)))
            outputs, _ = first.network.forward(first.seen(x), stacked)
            for k, output in zip(group, outputs, strict=True):
                model = self.models[k]
                total = total + self.shares[k] * self.loss.predict(output * model.target_scale + model.target_center)
        return np.asarray(total)

    @cached_property
    def _groups(self) -> list[list[int]]:
        """Numbers of the models that see rows alike, and have one shape: rows are mapped once for all of them."""
        groups: dict[tuple[object, ...], list[int]] = {}
        for number, model in enumerate(self.models):
            inputs = model.map
            arrays = () if inputs is None else (inputs.column, inputs.kind, inputs.center, inputs.scale)
            same = (model.network, *map(id, (model.center, model.scale, *arrays)), model.inputs.tobytes())
            groups.setdefault(same, []).append(number)
        return list(groups.values())

    def compact(self) -> Mixture:
        """Return the mixture of the compacted models, with predictions equal up to rounding."""
        return replace(self, models=tuple(model.compact() for model in self.models))

    def support(self, columns: int) -> Booleans:
        """Return which columns any of the models uses: booleans, one per column."""
        return np.asarray(np.any([model.support(columns) for model in self.models], axis=0))
