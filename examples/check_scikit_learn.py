"""Read the penalty of scikit-learn's MLPRegressor off its steps: it is divided by the rows of the step.

python examples/check_scikit_learn.py
"""

from __future__ import annotations

from sklearn.datasets import load_diabetes
from sklearn.neural_network import MLPRegressor

from ridgewalk.check import check_penalty

ALPHA, RATE = 0.5, 1e-3
X, y = load_diabetes(return_X_y=True)


def prepared(rows: int, alpha: float) -> MLPRegressor:
    """Build a network whose next ``partial_fit`` is one step of plain SGD on so many rows."""
    model = MLPRegressor(
        hidden_layer_sizes=(4,), activation="tanh", solver="sgd", alpha=alpha, batch_size=rows, shuffle=False,
        random_state=0, learning_rate_init=RATE, momentum=0, nesterovs_momentum=False,
    )  # fmt: skip
    return model.partial_fit(X[:rows], y[:rows])


def gradient(arrays, rows, on):
    """Gradients that the step uses, from what it moves."""
    model = prepared(rows, ALPHA if on else 0.0)
    own = [*model.coefs_, *model.intercepts_]
    for mine, given in zip(own, arrays, strict=True):
        mine[:] = given
    model.partial_fit(X[:rows], y[:rows])
    return [(before - after) / RATE for before, after in zip(arrays, own, strict=True)]


if __name__ == "__main__":
    model = prepared(20, ALPHA)
    names = ["weight 1", "weight 2", "bias 1", "bias 2"]
    arrays = dict(zip(names, [*model.coefs_, *model.intercepts_], strict=True))
    print(check_penalty(gradient, arrays, l2=ALPHA / 2, batch_sizes=(20, 100, 400)))
