"""Find the tutorial's bug in its own kind of code: the bias's penalty computed from the weights.

python examples/check_tutorial.py
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ridgewalk.check import check_gradient

L2 = 0.05
generator = np.random.default_rng(0)
X, y = generator.normal(size=(60, 2)), generator.integers(0, 3, 60)
arrays = [generator.normal(size=shape) for shape in [(2, 8), (1, 8), (8, 3), (1, 3)]]


def forward(w1, b1, w2, b2):
    """Hidden layer and class probabilities."""
    hidden = np.maximum(X @ w1 + b1, 0)
    scores = np.exp(hidden @ w2 + b2)
    return hidden, scores / scores.sum(axis=1, keepdims=True)


def loss(w1, b1, w2, b2):
    """Mean cross-entropy and the L2 penalty of the first layer, weights and biases."""
    _, probabilities = forward(w1, b1, w2, b2)
    data_loss = -np.log(probabilities[np.arange(len(y)), y]).mean()
    return data_loss + L2 * np.sum(w1 * w1) + L2 * np.sum(b1 * b1)


def gradient(w1, b1, w2, b2, penalty_of_bias):
    """Its gradient, but for what is passed as the bias's penalty."""
    hidden, probabilities = forward(w1, b1, w2, b2)
    doutput = (probabilities - np.eye(3)[y]) / len(y)
    dhidden = (doutput @ w2.T) * (hidden > 0)
    dw1 = X.T @ dhidden + 2 * L2 * w1
    db1 = dhidden.sum(axis=0, keepdims=True) + penalty_of_bias(w1, b1)
    return dw1, db1, hidden.T @ doutput, doutput.sum(axis=0, keepdims=True)


VERSIONS = {
    "The tutorial's line, 2 * l2 * weight:": lambda w1, _: 2 * L2 * w1,
    "The same, summed into the bias's shape:": lambda w1, _: 2 * L2 * w1.sum(axis=0, keepdims=True),
    "Without its 2:": lambda _, b1: L2 * b1,
    "As it should be:": lambda _, b1: 2 * L2 * b1,
}

if __name__ == "__main__":
    for title, penalty_of_bias in VERSIONS.items():
        print(title)
        print(
            check_gradient(
                loss, partial(gradient, penalty_of_bias=penalty_of_bias), arrays, names=["w1", "b1", "w2", "b2"]
            )
        )
