"""The grid of strengths, and its top: the strength at and above which the null model wins."""

from __future__ import annotations

import math

import numpy as np

from ridgewalk.arrays import Array, slices
from ridgewalk.engine import train
from ridgewalk.engine.job import Fold, Job, Matrix, Polish, scaled
from ridgewalk.losses import Loss
from ridgewalk.network import Network, multilayer_perceptron
from ridgewalk.objective import weighted_mean
from ridgewalk.optimizers import Adam
from ridgewalk.penalties import ElasticNet, GroupLasso, Penalty, Sum
from ridgewalk.route import Engine, Route


def grid(top: float, count: int, rows: int, inputs: int) -> Array:
    """Give strengths from 0 (the unpenalized arm), then ``count`` geometric steps up to ``top``: shape (count + 1,).

    The weakest is ``top / 1000``, or ``top / 100`` where there are fewer rows than inputs.
    """
    if count < 1:
        raise ValueError(f"A path needs at least 1 strength, got {count}.")
    share = 1e-3 if rows >= inputs else 1e-2
    return np.concatenate([[0.0], np.geomspace(share * top, top, count) if count > 1 else [top]])


def strength_at_null(route: Route, network: Network, loss: Loss, x: Matrix, target: Array, weights: Array) -> float:
    """Find the strength at and above which the null model (the intercept alone) wins: the top of the grid.

    With no hidden layer it is the exact critical strength: the largest slope of the loss at zero weights, the inputs of
    factor 0 fitted.

    With D weight layers, a network whose paths have total size T lowers the loss by at most ``Gamma T``, and by at
    most L0, the null model's loss; it pays at least ``alpha D [ l1_ratio T^(1/D) + (1 - l1_ratio)/2 T^(2/D) ]`` (the
    means' inequality over the layers of a path). The null model therefore wins from

        alpha = L0 / ( D [ l1_ratio s + (1 - l1_ratio)/2 s^2 ] ),   s = (L0 / Gamma)^(1/D).

    For two layers this is ``sqrt(Gamma L0) / 2`` for L1, and ``Gamma`` for L2 (which is alpha/2 w^2 here). For the
    group lasso with ridge rho above it is ``Gamma sqrt(4 L0 / (27 rho)) / sqrt(H)``, three times that for more hidden
    layers; factors per layer enter by their geometric mean. Gamma is the steepest descent of the loss that a linear
    function or a hinge ``max(v'x - c, 0)`` of size 1 offers: over single inputs v for L1 and the group lasso, over
    directions v (found by alternating ascent, so from below) for L2. With L1 the null model wins from about 2.7 times
    below this strength on; with L2 it is sharp.

    Parameters
    ----------
    x, target, weights : arrays, shapes (N, P), (N, C), (N,)
        Standardized as the network sees them; x may be a CSR array.

    Returns
    -------
    float
        0 where no penalized input has anything to say about the target (a constant target, constant inputs).

    Raises
    ------
    ValueError
        If a layer's factor is 0: no strength of the others then makes the null model win.
    """
    factors = np.ones(x.shape[1]) if route.penalty_factors is None else np.asarray(route.penalty_factors, float)
    layers = route.factor_per_layer
    null = np.broadcast_to(loss.null_output(target, weights), target.shape)
    if route.linear and (factors == 0).any():
        null = linear_fit(loss, x[:, factors == 0], target, weights, route.engine)
    slopes = (weights / weights.sum())[:, None] * loss.gradient(null, target)
    penalized = (factors > 0) & np.isfinite(factors)
    if not penalized.all():
        x, factors = x[:, penalized], factors[penalized]
    null_loss = float(weighted_mean(loss.values(null, target), weights))
    linear = (x.T @ slopes) / factors[:, None]
    if not np.abs(linear).max() > 1e-12 * max(null_loss, 1e-300):
        return 0.0
    if route.linear:
        # Ridge has no critical strength; like glmnet's, its grid starts where an l1_ratio of 1/1000 would.
        elastic = ElasticNet(l1_ratio=max(route.l1_ratio, 1e-3))
        penalty = GroupLasso() if route.penalty == "group_lasso" else elastic
        return float(penalty.critical_strength(linear) / layers[0])
    depth = len(layers)
    if route.penalty == "group_lasso":
        gamma = _steepest_input(_weighed(x, factors), slopes)
        ridge = route.upper_l2 * _geometric_mean(layers[1:])
        bound = gamma * math.sqrt(4 * null_loss / (27 * ridge)) / (layers[0] * math.sqrt(network.dense[0].units))
        return float(bound if depth == 2 else 3 * bound)

    def bound_for(slope: float, l1_ratio: float, l2_ratio: float) -> float:
        size = (null_loss / slope) ** (1 / depth)
        return float(null_loss / (depth * (l1_ratio * size + l2_ratio / 2 * size**2)) / _geometric_mean(layers))

    bounds = []
    if route.l1_ratio > 0:
        bounds.append(bound_for(_steepest_input(_weighed(x, factors), slopes), route.l1_ratio, 0.0))
    if route.l1_ratio < 1:
        # The two parts of the penalty measure a path alike only where every factor is 1.
        together = route.l1_ratio if (factors == 1).all() else 0.0
        steepest = _steepest_direction(_weighed(x, np.sqrt(factors)), slopes)
        bounds.append(bound_for(steepest, together, 1 - route.l1_ratio))
    return min(bounds)


def _weighed(x: Matrix, factors: Array) -> Matrix:
    return x if (factors == 1).all() else scaled(x, factors)


def _geometric_mean(factors: Array) -> float:
    if (factors == 0).any():
        raise ValueError(
            "layer_factors frees a layer (0), and then no strength of the others ends the path: give alphas as numbers."
        )
    return float(np.exp(np.log(factors).mean()))


def linear_fit(
    loss: Loss, x: Matrix, target: Array, weights: Array, engine: Engine, bias: Penalty | None = None
) -> Array:
    """Output (N, C) of the linear model of the inputs x (N, P), their weights unpenalized."""
    network = multilayer_perceptron(x.shape[1], (), target.shape[1])
    job = Job(
        network=network,
        loss=loss,
        penalties=(Sum(), bias or Sum()),
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
    """Largest ``||sum_i slopes_i f(x_i)||`` over linear functions and hinges f of one column, either way round."""
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
    """Largest ``||sum_i slopes_i f(v'x_i)||`` found over unit directions v, by turns in v and in the output.

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
    """Take a direction uphill: the largest size on the way, and where it was found."""
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
