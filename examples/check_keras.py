"""Read the regularizers of a Keras model off one step, whatever its backend.

pip install keras torch
KERAS_BACKEND=torch python examples/check_keras.py
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, regularizers

from ridgewalk.check import check_keras


@keras.saving.register_keras_serializable()
class Norm(regularizers.Regularizer):
    """A penalty that forgot its square."""

    def __call__(self, w):
        """Penalize the norm."""
        return 1e-2 * keras.ops.norm(w)

    def get_config(self):
        """Nothing to keep."""
        return {}


keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((5,)),
        layers.Dense(
            8, activation="relu", kernel_regularizer="l1l2", bias_regularizer=regularizers.L2(1e-3), name="first"
        ),
        layers.Dense(1, kernel_regularizer=Norm(), name="second"),
    ]
)

if __name__ == "__main__":
    x = np.random.default_rng(0).normal(size=(64, 5))
    print(check_keras(model, x, x[:, :1]))
