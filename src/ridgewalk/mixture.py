"""What a blend predicts with: several models, and the share that each has in the mean of what they predict."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from ridgewalk.arrays import Array, Booleans
from ridgewalk.losses import Loss
from ridgewalk.model import Model


@dataclass(frozen=True, eq=False)
class Mixture:
    """Models of one loss, whose predictions are averaged: probabilities, means or rates, not raw outputs.

    Attributes
    ----------
    models : tuple of Model, M of them
    shares : array, shape (M,)
        Above 0; their sum is 1.
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
        """Return the mean prediction (N, C) for all columns of the data."""
        total = sum(
            share * self.loss.predict(model.output(x)) for model, share in zip(self.models, self.shares, strict=True)
        )
        return np.asarray(total)

    def compact(self) -> Mixture:
        """Return the mixture of the compacted models: the predictions are the same, to rounding."""
        return replace(self, models=tuple(model.compact() for model in self.models))

    def support(self, columns: int) -> Booleans:
        """Return which of so many columns any of the models uses."""
        return np.asarray(np.any([model.support(columns) for model in self.models], axis=0))
