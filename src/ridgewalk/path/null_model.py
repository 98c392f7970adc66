"""The null model: the best constant, its loss, and the steepest descent directions from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ridgewalk.arrays import Array, Booleans, slices
from ridgewalk.engine import Engine, train
from ridgewalk.engine.job import Job, Polish
from ridgewalk.folds import Fold, Matrix, scaled
from ridgewalk.losses import Loss
from ridgewalk.network import Network, multilayer_perceptron
from ridgewalk.objective import weighted_mean
from ridgewalk.optimizers import Adam
from ridgewalk.penalties import NO_PENALTY, Penalty


@dataclass(frozen=True, eq=False)
class NullModel:
    """The null model of one training set, as its network sees the rows.

    Attributes
    ----------
    network : Network
    loss : Loss
    x : array or CSR array, shape (N, P)
        Standardized.
    target, weights : arrays, shapes (N, C) and (N,)
    output : array, shape (N, C)
        The best constant; in a linear model with inputs that are free, the best function of those.
    engine : "compiled" or "reference"
        What fits free inputs.
    """

    network: Network
    loss: Loss
    x: Matrix
    target: Array
    weights: Array
    output: Array
    engine: Engine

    @staticmethod
    def of(network: Network, loss: Loss, x: Matrix, target: Array, weights: Array, engine: Engine) -> NullModel:
        """Find the best constant."""
        output = np.broadcast_to(loss.null_output(target, weights), target.shape)
        return NullModel(network, loss, x, target, weights, output, engine)

    def fitting(self, inputs: Booleans) -> NullModel:
        """Return the best linear function of some inputs (P,) instead of the best constant."""
        output = linear_fit(self.loss, self.x[:, inputs], self.target, self.weights, self.engine)
        return replace(self, output=output)

    @cached_property
    def slopes(self) -> Array:
        """Slopes of the mean loss by the outputs: shape (N, C)."""
        return np.asarray((self.weights / self.weights.sum())[:, None] * self.loss.gradient(self.output, self.target))

    @cached_property
    def linear_slopes(self) -> Array:
        """Slopes of the mean loss by the weights of a linear model: shape (P, C)."""
        return np.asarray(self.x.T @ self.slopes)

    @cached_property
    def loss_value(self) -> float:
        """Mean loss."""
        return float(weighted_mean(self.loss.values(self.output, self.target), self.weights))

    def steepest_input(self, factors: Array) -> float:
        """Return the steepest descent that a linear function or hinge of one input offers, over its factor (P,)."""
        return _steepest_input(_over(self.x, factors), self.slopes)

    def steepest_direction(self, factors: Array) -> float:
        """Return the steepest descent that a linear function or hinge of any direction offers, inputs over factors."""
        return _steepest_direction(_over(self.x, factors), self.slopes)


def _over(x: Matrix, factors: Array) -> Matrix:
    return x if (factors == 1).all() else scaled(x, factors)


def linear_fit(
    loss: Loss, x: Matrix, target: Array, weights: Array, engine: Engine, bias: Penalty | None = None
) -> Array:
    """Return the output (N, C) of the linear model of the inputs x (N, P), their weights unpenalized."""
    network = multilayer_perceptron(x.shape[1], (), target.shape[1])
    job = Job(
        network=network,
        loss=loss,
        penalties=(NO_PENALTY, bias or NO_PENALTY),
        optimizer=Adam(),
        x=x,
        target=target,
        folds=(Fold.plain(weights, x.shape[1], target.shape[1]),),
        fold=np.zeros(1, dtype=int),
        seeds=np.zeros(1, dtype=int),
        start=tuple(np.zeros((1, *shape)) for shape in network.shapes),
        epochs=0,
        polish=Polish(_FREE_STEPS, _FREE_TOLERANCE),
    )
    w, b = train(job, engine=engine).parameters
    return np.asarray(x @ w[0] + b[0])


_FREE_STEPS, _FREE_TOLERANCE = 5_000, 1e-10


_CUTS = (0.0, 0.2, 0.5, 0.8)
"""Quantiles at which hinges are tried; at 0 a hinge is a linear function, as the slopes of a null model sum to 0."""


def _steepest_input(x: Matrix, slopes: Array) -> float:
    """Return the largest ``||sum_i slopes_i f(x_i)||`` over linear functions and hinges f of one column."""
    best = 0.0
    for columns in slices(x.shape[1], x.shape[0]):
        part = x[:, columns]
        block = part if isinstance(part, np.ndarray) else part.toarray()
        hinges = (
            np.maximum(side * (block - cut), 0) for cut in np.quantile(block, _CUTS[1:], axis=0) for side in (1, -1)
        )
        best = max(best, *(float(np.linalg.norm(f.T @ slopes, axis=1).max()) for f in (block, *hinges)))
    return best


def _steepest_direction(x: Matrix, slopes: Array, starts: int = 8, steps: int = 12) -> float:
    """Return the largest ``||sum_i slopes_i f(x_i)||`` over linear functions and hinges f of one column.

    Of very many rows a part, evenly spread, shows the direction; all of them then take it further, and measure it.
    """
    _, _, right = np.linalg.svd(x.T @ slopes, full_matrices=False)
    directions = np.random.default_rng(0).standard_normal((x.shape[1], starts))
    directions[:, : len(right)] = (x.T @ slopes @ right.T)[:, :starts]
    every = max(1, x.shape[0] // _MANY_ROWS)
    if every == 1:
        return max(_ascended(x, slopes, v, steps)[0] for v in directions.T)
    part = slopes[::every] - slopes[::every].mean(axis=0)  # as all of them, it sums to 0
    found = (_ascended(x[::every], part, v, steps) for v in directions.T)
    _, best = max(found, key=lambda pair: pair[0])
    return _ascended(x, slopes, best, steps)[0]


_MANY_ROWS = 50_000


def _ascended(x: Matrix, slopes: Array, direction: Array, steps: int) -> tuple[float, Array]:
    """Improve a direction by ascent; return the largest value and its direction."""
    best, where = 0.0, direction
    for _ in range(steps):
        direction = direction / max(float(np.linalg.norm(direction)), 1e-300)
        h = x @ direction
        offered = [np.maximum(h - cut, 0) @ slopes for cut in np.quantile(h, _CUTS)]
        sizes = [float(np.linalg.norm(output)) for output in offered]
        steepest = int(np.argmax(sizes))
        if sizes[steepest] > best:
            best, where = sizes[steepest], direction
        active = h > np.quantile(h, _CUTS[steepest])
        direction = x[active].T @ (slopes[active] @ offered[steepest])
        if not direction.any():
            break
    return best, where
