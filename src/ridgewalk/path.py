"""The path: every strength x fold x seed of one network in one call, and the whole data beside the folds.

    strengths  0, and ``n_alphas`` geometric steps up to the strength at which the null model wins
    folds      K training sets with their held-out rows, then all rows (index K)
    seeds      starts of the weights

Every fit descends from a dense one, never from zero: an all-zero ReLU network is stationary for every strength.

    "ramp"         all strengths at once, from one dense fit per fold and seed, raised from 0 over half the steps
    "sequential"   one strength after the other, from weak to strong, each from the fit before it

Columns (and a regression's target) are standardized on the rows of each fold alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ridgewalk.arrays import Array, Booleans, Integers, per_run, standardization
from ridgewalk.engine.job import Fits, Fold, Job, Polish, Watch
from ridgewalk.engine.reference import train
from ridgewalk.layers import Arrays
from ridgewalk.losses import AbsoluteError, Huber, Loss, SquaredError
from ridgewalk.network import Activation, Network, Start, multilayer_perceptron
from ridgewalk.objective import weighted_mean
from ridgewalk.optimizers import Adam, Cosine
from ridgewalk.penalties import L2, ElasticNet, GroupLasso, Penalty, Sum

Walk = Literal["ramp", "sequential"]
PenaltyName = Literal["elasticnet", "group_lasso"]
Precision = Literal["float32", "float64"]

_DENSE_SHARE = 1 / 3  # of max_iter: the dense fit that every strength starts from
_RAMP_SHARE = 0.5  # of max_iter: over which the strengths rise from 0
_LINEAR_STEPS, _LINEAR_TOLERANCE = 5_000, 1e-8
_POLISH_STEPS = 100  # after minibatches


@dataclass(frozen=True, eq=False)
class Route:
    """How to walk: everything that is not data.

    Attributes
    ----------
    hidden_layer_sizes : sequence of int
        Units of each hidden layer; empty is a linear model, solved to its optimum.
    activation : str
        "relu", "leaky_relu", "tanh", "logistic", "gelu" or "identity".
    penalty : "elasticnet" or "group_lasso"
        ``alpha * (l1_ratio sum|w| + (1 - l1_ratio)/2 sum w^2)`` on every weight array, or
        ``alpha * sqrt(H) * sum_j ||w1_j||`` over the inputs j of the first layer (H its units), with an L2 of
        ``upper_l2`` on the layers above. Biases are free.
    l1_ratio : float
    upper_l2 : float
    walk : "ramp" or "sequential"
    max_iter : int
        Epochs of each fit after its dense start.
    learning_rate : float
    batch_size : int or None
        Rows per step; None is all of them. With batches the noise of the gradients keeps weights from resting at
        zero, so every fit ends with 100 full-batch steps.
    standardize : bool
        Whether columns, and the target of a regression, are brought to mean 0 and deviation 1 on each fold.
        The strengths are those of the standardized problem.
    penalty_factors : array, shape (P,), or None
        Multiplies the strength of each input's weights in the first layer: 0 frees, infinity excludes.
    dtype : "float32" or "float64"
        Of the training. A linear model is always solved in float64.
    """

    hidden_layer_sizes: Sequence[int] = (32,)
    activation: Activation = "relu"
    penalty: PenaltyName = "elasticnet"
    l1_ratio: float = 0.5
    upper_l2: float = 1e-3
    walk: Walk = "ramp"
    max_iter: int = 600
    learning_rate: float = 0.01
    batch_size: int | None = None
    standardize: bool = True
    penalty_factors: Array | None = None
    dtype: Precision = "float32"

    def __post_init__(self) -> None:
        if self.penalty not in ("elasticnet", "group_lasso"):
            raise ValueError(f'penalty is "elasticnet" or "group_lasso", got {self.penalty!r}.')
        if self.walk not in ("ramp", "sequential"):
            raise ValueError(f'walk is "ramp" or "sequential", got {self.walk!r}.')
        if self.max_iter < 1:
            raise ValueError(f"max_iter is at least 1, got {self.max_iter}.")
        if self.dtype not in ("float32", "float64"):
            raise ValueError(f'dtype is "float32" or "float64", got {self.dtype!r}.')
        if not self.learning_rate > 0 or not self.upper_l2 > 0:
            raise ValueError(
                f"The learning rate and upper_l2 must be above 0, got {self.learning_rate} and {self.upper_l2}."
            )
        if not 0 <= self.l1_ratio <= 1:
            raise ValueError(f"l1_ratio must lie between 0 (only L2) and 1 (only L1), got {self.l1_ratio}.")
        if any(units < 1 for units in self.hidden_layer_sizes):
            raise ValueError(f"Hidden layers need at least 1 unit each, got {tuple(self.hidden_layer_sizes)}.")

    @property
    def linear(self) -> bool:
        """Whether there is no hidden layer, so that the problem is convex."""
        return not self.hidden_layer_sizes

    def network(self, inputs: int, outputs: int) -> Network:
        """Build the network for data of this shape."""
        return multilayer_perceptron(inputs, self.hidden_layer_sizes, outputs, self.activation)

    def penalties(self, network: Network, alphas: Array) -> tuple[Penalty, ...]:
        """Penalties of every array, one strength per run from ``alphas`` (R,)."""
        alpha = per_run(alphas)
        factors = None if self.penalty_factors is None else np.asarray(self.penalty_factors, dtype=float)[:, None]
        free = Sum()
        if self.penalty == "elasticnet":
            first: Penalty = ElasticNet(alpha, self.l1_ratio, factors)
            upper: Penalty = ElasticNet(alpha, self.l1_ratio)
        else:
            first = GroupLasso(alpha, factors=factors)
            # The arm at 0 is the unpenalized network: there the layers above go free as well.
            upper = L2(np.where(alpha > 0, self.upper_l2, 0.0))
        return (first, free, *(upper, free) * (len(network.dense) - 1))


@dataclass(frozen=True, eq=False)
class MLPPath:
    """A walked path. S strengths, K folds, E seeds, N rows.

    Attributes
    ----------
    alphas : array, shape (S,)
        Rising from 0.
    heldout_loss : array, shape (S, K, E)
        Mean loss over the rows that a fold held out, in the units of y, without any penalty.
    row_loss : array, shape (S, N)
        Held-out loss of each row, averaged over seeds (and over the folds that held it out).
    row_weights : array, shape (N,)
        Sample weights; 0 where no fold held the row out.
    train_loss : array, shape (S, K + 1, E)
        Mean loss over the training rows, in the units of y, without any penalty. Index K is all data.
    objective, penalty : arrays, shape (S, K + 1, E)
        What training minimised, and the penalty's part of it, in the units of the (standardized) problem.
    null_wins : booleans, shape (S, K + 1, E)
        Cells whose trained network had a higher objective than the null model, and were replaced by it.
    zeros : array, shape (S, K + 1, E)
        Share of weights (not biases) that are exactly 0.
    inputs_kept : booleans, shape (S, K + 1, E, P)
        Inputs with a weight in the first layer that is not 0.
    units_kept : integers, shape (S, K + 1, E)
        Hidden units that an input reaches and that reach the layer above.
    residual : array, shape (S, K + 1, E)
        Distance from stationarity (:meth:`ridgewalk.objective.Objective.residual`).
    diverged : booleans, shape (S, K + 1, E)
    parameters : tuple of arrays, each (S, E, ., .)
        Of the fits on all data.
    null_loss : array, shape (K,)
        Held-out loss of the best constant of each fold's training rows.
    route, network, loss
        What was walked.
    whole : Fold
        How columns and target were standardized on all data.
    engine : str
    """

    alphas: Array
    heldout_loss: Array
    row_loss: Array
    row_weights: Array
    train_loss: Array
    objective: Array
    penalty: Array
    null_wins: Booleans
    zeros: Array
    inputs_kept: Booleans
    units_kept: Integers
    residual: Array
    diverged: Booleans
    parameters: Arrays
    null_loss: Array
    route: Route
    network: Network
    loss: Loss
    whole: Fold
    engine: str

    def best_seed(self, index: int) -> int:
        """Seed whose fit on all data has the lowest objective at strength ``index``: the model to hand over."""
        return int(np.argmin(np.where(self.diverged[index, -1], np.inf, self.objective[index, -1])))

    def raw_parameters(self, index: int) -> Arrays:
        """Arrays of the chosen fit at strength ``index``, rewritten to take columns and give targets as they came."""
        seed = self.best_seed(index)
        chosen = [array[index, seed].astype(np.float64) for array in self.parameters]
        chosen[1] = chosen[1] - (self.whole.center / self.whole.scale) @ chosen[0]
        chosen[0] = chosen[0] / self.whole.scale[:, None]
        chosen[-2] = chosen[-2] * self.whole.target_scale
        chosen[-1] = chosen[-1] * self.whole.target_scale + self.whole.target_center
        return tuple(chosen)


def strength_at_null(route: Route, network: Network, loss: Loss, x: Array, target: Array, weights: Array) -> float:
    """Find the strength at and above which the null model (the intercept alone) wins: the top of the grid.

    With no hidden layer it is the exact critical strength: the largest slope of the loss at zero weights.

    With D weight layers, a network whose paths have total size T lowers the loss by at most ``Gamma T``, and by at
    most L0, the null model's loss; it pays at least ``alpha D [ l1_ratio T^(1/D) + (1 - l1_ratio)/2 T^(2/D) ]`` (the
    means' inequality over the layers of a path). The null model therefore wins from

        alpha = L0 / ( D [ l1_ratio s + (1 - l1_ratio)/2 s^2 ] ),   s = (L0 / Gamma)^(1/D).

    For two layers this is ``sqrt(Gamma L0) / 2`` for L1, and ``Gamma`` for L2 (which is alpha/2 w^2 here). For the
    group lasso with ridge rho above it is ``Gamma sqrt(4 L0 / (27 rho)) / sqrt(H)``, three times that for more hidden
    layers. Gamma is the steepest descent of the loss that a linear function or a hinge ``max(v'x - c, 0)`` of size 1
    offers: over single inputs v for L1 and the group lasso, over directions v (found by alternating ascent, so from
    below) for L2. With L1 the null model wins from about 2.7 times below this strength on; with L2 it is sharp.

    Parameters
    ----------
    x, target, weights : arrays, shapes (N, P), (N, C), (N,)
        Standardized as the network sees them.

    Raises
    ------
    ValueError
        If no penalized input has anything to say about the target (a constant target, constant inputs).
    """
    null = np.broadcast_to(loss.null_output(target, weights), target.shape)
    slopes = (weights / weights.sum())[:, None] * loss.gradient(null, target)
    factors = np.ones(x.shape[1]) if route.penalty_factors is None else np.asarray(route.penalty_factors, float)
    penalized = (factors > 0) & np.isfinite(factors)
    null_loss = float(weighted_mean(loss.values(null, target), weights))
    linear = (x.T @ slopes)[penalized] / factors[penalized, None]
    if not penalized.any() or not np.abs(linear).max() > 1e-12 * max(null_loss, 1e-300):
        raise ValueError(
            "No penalized input says anything about the target, so there is no path to walk: "
            "is the target, or every input, constant?"
        )
    if route.linear:
        if route.penalty == "group_lasso":
            return float(GroupLasso().critical_strength(linear))
        # Ridge has no critical strength; like glmnet's, its grid starts where an l1_ratio of 1/1000 would.
        return float(ElasticNet(l1_ratio=max(route.l1_ratio, 1e-3)).critical_strength(linear))
    scaled = x[:, penalized] / factors[penalized]
    gamma = _steepest_input(scaled, slopes)
    depth = len(network.dense)
    if route.penalty == "group_lasso":
        bound = gamma * math.sqrt(4 * null_loss / (27 * route.upper_l2)) / math.sqrt(network.dense[0].units)
        return bound if depth == 2 else 3 * bound

    def bound_for(slope: float, l1_ratio: float, l2_ratio: float) -> float:
        size = (null_loss / slope) ** (1 / depth)
        return float(null_loss / (depth * (l1_ratio * size + l2_ratio / 2 * size**2)))

    if route.l1_ratio == 1:
        return bound_for(gamma, 1.0, 0.0)
    both = bound_for(_steepest_direction(scaled, slopes), route.l1_ratio, 1 - route.l1_ratio)
    return min(both, bound_for(gamma, route.l1_ratio, 0.0)) if route.l1_ratio else both


_CUTS = (0.0, 0.2, 0.5, 0.8)
"""Quantiles at which hinges are tried; at 0 a hinge is a linear function, as the slopes of a null model sum to 0."""


def _steepest_input(x: Array, slopes: Array) -> float:
    """Largest ``||sum_i slopes_i f(x_i)||`` over linear functions and hinges f of one column, either way round."""
    sizes = [
        np.linalg.norm(np.maximum(side * (x - cut), 0).T @ slopes, axis=1).max()
        for cut in np.quantile(x, _CUTS[1:], axis=0)
        for side in (1, -1)
    ]
    return float(max(*sizes, np.linalg.norm(x.T @ slopes, axis=1).max()))


def _steepest_direction(x: Array, slopes: Array, starts: int = 8, steps: int = 12) -> float:
    """Largest ``||sum_i slopes_i f(v'x_i)||`` found over unit directions v, by turns in v and in the output."""
    _, _, right = np.linalg.svd(x.T @ slopes, full_matrices=False)
    directions = np.random.default_rng(0).standard_normal((x.shape[1], starts))
    directions[:, : len(right)] = (x.T @ slopes @ right.T)[:, :starts]
    best = 0.0
    for v in directions.T:
        direction = v
        for _ in range(steps):
            direction = direction / max(float(np.linalg.norm(direction)), 1e-300)
            h = x @ direction
            offered = [np.maximum(h - cut, 0) @ slopes for cut in np.quantile(h, _CUTS)]
            sizes = [float(np.linalg.norm(output)) for output in offered]
            steepest = int(np.argmax(sizes))
            best = max(best, sizes[steepest])
            active = h > np.quantile(h, _CUTS[steepest])
            direction = x[active].T @ (slopes[active] @ offered[steepest])
            if not direction.any():
                break
    return best


def grid(top: float, count: int, rows: int, inputs: int) -> Array:
    """Give strengths from 0 (the unpenalized arm), then ``count`` geometric steps up to ``top``: shape (count + 1,).

    The weakest is ``top / 1000``, or ``top / 100`` where there are fewer rows than inputs.
    """
    if count < 1:
        raise ValueError(f"A path needs at least 1 strength, got {count}.")
    share = 1e-3 if rows >= inputs else 1e-2
    return np.concatenate([[0.0], np.geomspace(share * top, top, count) if count > 1 else [top]])


def walk(
    x: ArrayLike,
    target: Array,
    loss: Loss,
    splits: Sequence[tuple[Integers, Integers]],
    route: Route | None = None,
    alphas: int | ArrayLike = 30,
    seeds: Sequence[int] = (0,),
    sample_weight: Array | None = None,
    n_jobs: int = 1,
    watch: Watch | None = None,
) -> MLPPath:
    """Train every strength x fold x seed, and every strength x seed on all data.

    Parameters
    ----------
    x : array_like, shape (N, P)
    target : array, shape (N, C)
        As ``loss.encode`` gives it.
    loss : Loss
    splits : sequence of (training rows, held-out rows)
    route : Route, optional
    alphas : int or array_like
        How many strengths, or the strengths themselves; 0 is always added.
    seeds : sequence of int
    sample_weight : array, shape (N,), optional
    n_jobs : int
        Threads; -1 is one per core. The numbers do not depend on it.
    watch : Watch, optional
        To poll and to stop from another thread.

    Returns
    -------
    MLPPath
    """
    route = route or Route()
    data: Array = np.asarray(x, dtype=np.float64)
    rows, inputs = data.shape
    weights: Array = np.ones(rows) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    masks = [np.isin(np.arange(rows), train_rows) for train_rows, _ in splits] + [np.ones(rows, dtype=bool)]
    folds = tuple(_fold(data, target, loss, np.where(mask, weights, 0.0), route) for mask in masks)
    network = route.network(inputs, target.shape[1])
    if route.penalty_factors is not None and len(route.penalty_factors) != inputs:
        raise ValueError(f"penalty_factors needs one number per input ({inputs}), got {len(route.penalty_factors)}.")
    strengths = _strengths(alphas, route, network, loss, data, target, folds)
    walker = _Walker(data, target, loss, folds, network, route, seeds, n_jobs, watch or Watch())
    return _collect(walker.fits(strengths), strengths, walker, splits, weights)


def _strengths(
    alphas: int | ArrayLike, route: Route, network: Network, loss: Loss, x: Array, target: Array, folds: Sequence[Fold]
) -> Array:
    if isinstance(alphas, int | np.integer):
        # One grid for all training sets, so its top is the largest of theirs.
        seen = [fold.standardized(x, target, fold.weights, np.dtype(np.float64)) for fold in folds]
        top = max(strength_at_null(route, network, loss, rows.x, rows.target, rows.weights) for rows in seen)
        return grid(top, int(alphas), *x.shape)
    given = np.unique(np.asarray(alphas, dtype=float))
    if given.size == 0 or not np.isfinite(given).all() or given[0] < 0:
        raise ValueError(f"alphas is a number of strengths, or strengths of zero or more, got {alphas}.")
    return given if given[0] == 0 else np.concatenate([[0.0], given])


def _fold(x: Array, target: Array, loss: Loss, weights: Array, route: Route) -> Fold:
    """Standardize on the rows of one fold, and on nothing else."""
    plain = Fold.plain(weights, x.shape[1], target.shape[1])
    if not route.standardize:
        return plain
    center, scale = standardization(x, weights)
    if isinstance(loss, SquaredError | AbsoluteError | Huber):
        return Fold(weights, center, scale, *standardization(target, weights))
    return replace(plain, center=center, scale=scale)


@dataclass(frozen=True, eq=False)
class _Walker:
    """The jobs of a path; its runs are ordered strength, fold, seed."""

    x: Array
    target: Array
    loss: Loss
    folds: tuple[Fold, ...]
    network: Network
    route: Route
    seeds: Sequence[int]
    n_jobs: int
    watch: Watch

    def fits(self, strengths: Array) -> list[Fits]:
        """Fits of each strength, over folds x seeds."""
        route, count = self.route, len(strengths)
        cells = len(self.folds) * len(self.seeds)
        if route.linear:
            solve = self._job(strengths, self._zeros(count * cells), 0, polish=Polish(_LINEAR_STEPS, _LINEAR_TOLERANCE))
            self.watch.total += solve.work
            return _by_strength(train(solve, self.n_jobs, self.watch), count)
        dense_epochs = max(1, round(_DENSE_SHARE * route.max_iter))
        polish_steps = _POLISH_STEPS if route.batch_size else 0
        self.watch.total += cells * (dense_epochs + polish_steps + count * (route.max_iter + polish_steps))
        # The dense fits are unpenalized; twice the rate brings them quickly to where a penalty can act.
        first = self._job(np.zeros(1), self._starts(), dense_epochs, rate=2 * route.learning_rate)
        dense = train(first, self.n_jobs, self.watch)
        if route.walk == "ramp":
            start = tuple(np.concatenate([array] * count) for array in dense.parameters)
            job = self._job(strengths, start, route.max_iter, ramp=_RAMP_SHARE)
            return _by_strength(train(job, self.n_jobs, self.watch), count)
        fits = [dense]
        for strength in strengths:
            job = self._job(np.array([strength]), fits[-1].parameters, route.max_iter)
            fits.append(train(job, self.n_jobs, self.watch))
        return fits[1:]

    def losses(self, parameters: list[Array], fold: Fold, rows: Integers) -> Array:
        """Losses (E, rows) of one fold's fits at one strength, in the units of the target."""
        x = ((self.x[rows] - fold.center) / fold.scale).astype(parameters[0].dtype)
        with np.errstate(all="ignore"):
            output, _ = self.network.forward(x, tuple(parameters))
            output = output.astype(np.float64) * fold.target_scale + fold.target_center
            return self.loss.values(output, self.target[rows])

    def null_model(self, fold: Fold) -> tuple[Array, float]:
        """Best constant output (C,) of one fold's training rows, and its objective, in the standardized problem."""
        rows = fold.standardized(self.x, self.target, fold.weights, np.dtype(np.float64))
        null = self.loss.null_output(rows.target, rows.weights)
        losses = self.loss.values(np.broadcast_to(null, rows.target.shape), rows.target)
        return null, float(weighted_mean(losses, rows.weights))

    def _job(
        self,
        strengths: Array,
        start: Arrays,
        epochs: int,
        rate: float | None = None,
        ramp: float = 0.0,
        polish: Polish | None = None,
    ) -> Job:
        """Job of some strengths over all folds and seeds."""
        route = self.route
        cells = len(self.folds) * len(self.seeds)
        return Job(
            network=self.network,
            loss=self.loss,
            penalties=route.penalties(self.network, np.repeat(strengths, cells)),
            optimizer=Adam(rate or route.learning_rate, schedule=Cosine()),
            x=self.x,
            target=self.target,
            folds=self.folds,
            fold=np.tile(np.repeat(np.arange(len(self.folds)), len(self.seeds)), len(strengths)),
            seeds=np.tile(np.asarray(self.seeds), len(self.folds) * len(strengths)),
            start=start,
            epochs=epochs,
            batch_size=route.batch_size,
            ramp=ramp,
            polish=polish or (Polish(_POLISH_STEPS) if route.batch_size else None),
        )

    def _starts(self) -> Arrays:
        """Random weights: one start per seed, the same for every fold."""
        rule: Start = "he" if self.route.activation in ("relu", "leaky_relu", "gelu") else "glorot"
        starts = [self.network.start(rule, seed) for seed in self.seeds] * len(self.folds)
        return tuple(np.stack(arrays).astype(self.route.dtype) for arrays in zip(*starts, strict=True))

    def _zeros(self, runs: int) -> Arrays:
        return tuple(np.zeros((runs, *shape)) for shape in self.network.shapes)


def _by_strength(fits: Fits, count: int) -> list[Fits]:
    """Split fits ordered strength, fold, seed into one per strength."""
    cells = len(fits.data_loss) // count
    return [
        replace(
            fits,
            parameters=tuple(array[first : first + cells] for array in fits.parameters),
            **{
                name: getattr(fits, name)[first : first + cells]
                for name in ("data_loss", "penalty", "validation_loss", "residual", "epochs", "diverged")
            },
        )
        for first in range(0, count * cells, cells)
    ]


def _collect(
    fits: list[Fits],
    strengths: Array,
    walker: _Walker,
    splits: Sequence[tuple[Integers, Integers]],
    weights: Array,
) -> MLPPath:
    """Score the held-out rows, and shape everything strength x fold x seed."""
    folds, seeds = walker.folds, len(walker.seeds)
    shape = (len(strengths), len(folds), seeds)

    def table(name: str) -> Array:
        return np.stack([getattr(fit, name) for fit in fits]).reshape(shape)

    arrays = [
        np.stack(each).reshape(*shape, *each[0].shape[1:])
        for each in zip(*(fit.parameters for fit in fits), strict=True)
    ]
    objective, penalty, residual = table("data_loss") + table("penalty"), table("penalty"), table("residual")
    diverged = table("diverged").astype(bool)
    null_wins = np.zeros(shape, dtype=bool)
    train_loss = np.empty(shape)
    heldout = np.empty((len(strengths), len(splits), seeds))
    null_loss = np.empty(len(splits))
    row_loss = np.zeros((len(strengths), len(weights)))
    counts = np.zeros(len(weights))
    for k, fold in enumerate(folds):
        null, null_objective = walker.null_model(fold)
        # The null model is a candidate for every strength; where the training ended above it, it is the better one.
        null_wins[:, k] = (strengths[:, None] > 0) & (objective[:, k] > null_objective)
        for w in arrays:
            w[:, k][null_wins[:, k]] = 0
        arrays[-1][:, k][null_wins[:, k]] = null
        objective[:, k][null_wins[:, k]] = null_objective
        penalty[:, k][null_wins[:, k]] = 0
        residual[:, k][null_wins[:, k]] = 0  # with every weight 0 the only slopes left are those of the intercept
        training = np.flatnonzero(fold.weights)
        for s in range(len(strengths)):
            losses = walker.losses([w[s, k] for w in arrays], fold, training)
            train_loss[s, k] = weighted_mean(losses, fold.weights[training])
    for k, (_, held_out) in enumerate(splits):
        counts[held_out] += 1
        constant = walker.loss.null_output(walker.target, folds[k].weights)
        truth = walker.target[held_out]
        null_losses = walker.loss.values(np.broadcast_to(constant, truth.shape), truth)
        null_loss[k] = weighted_mean(null_losses, weights[held_out])
        for s in range(len(strengths)):
            losses = walker.losses([w[s, k] for w in arrays], folds[k], held_out)
            losses[diverged[s, k]] = np.inf
            heldout[s, k] = weighted_mean(losses, weights[held_out])
            row_loss[s, held_out] += losses.mean(axis=0)
    inputs = [w != 0 for w in arrays[::2]]
    return MLPPath(
        alphas=strengths,
        heldout_loss=heldout,
        row_loss=row_loss / np.maximum(counts, 1),
        row_weights=np.where(counts > 0, weights, 0.0),
        train_loss=train_loss,
        objective=objective,
        penalty=penalty,
        null_wins=null_wins,
        zeros=1 - sum(kept.sum(axis=(-2, -1)) for kept in inputs) / sum(kept[0, 0, 0].size for kept in inputs),
        inputs_kept=inputs[0].any(axis=-1),
        units_kept=_units_kept(inputs),
        residual=residual,
        diverged=diverged,
        parameters=tuple(w[:, -1] for w in arrays),
        null_loss=null_loss,
        route=walker.route,
        network=walker.network,
        loss=walker.loss,
        whole=folds[-1],
        engine=fits[0].engine,
    )


def _units_kept(weights: list[Booleans]) -> Integers:
    """Hidden units, over all hidden layers, with a weight above and one below that are not 0."""
    kept = [below.any(axis=-2) & above.any(axis=-1) for below, above in pairwise(weights)]
    return np.asarray(sum((units.sum(axis=-1) for units in kept), start=np.zeros(weights[0].shape[:3], dtype=int)))
