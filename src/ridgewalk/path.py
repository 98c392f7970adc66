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

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ridgewalk.arrays import Array, Booleans, Integers, standardization
from ridgewalk.engine import train
from ridgewalk.engine.job import Fits, Fold, Job, Polish, Watch
from ridgewalk.grid import grid, strength_at_null
from ridgewalk.layers import Arrays
from ridgewalk.losses import AbsoluteError, Huber, Loss, SquaredError
from ridgewalk.model import Model
from ridgewalk.network import Network, Start
from ridgewalk.objective import weighted_mean
from ridgewalk.optimizers import Adam, Cosine
from ridgewalk.penalties import Penalty
from ridgewalk.route import Route

_DENSE_SHARE = 1 / 3  # of max_iter: the dense fit that every strength starts from
RAMP_SHARE = 0.5  # of max_iter: over which the strengths rise from 0
_LINEAR_STEPS, _LINEAR_TOLERANCE = 5_000, 1e-8
_POLISH_STEPS = 100  # after minibatches
_POWER_OF_UNIT = {SquaredError: 2, Huber: 2, AbsoluteError: 1}  # the losses whose target is standardized


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
    row_loss : array, shape (S, N)
        Held-out loss of each row, averaged over seeds (and over the folds that held it out).
    row_weights : array, shape (N,)
        Sample weights; 0 where no fold held the row out.
    null_row_loss : array, shape (N,)
        As ``row_loss``, of the best constant of the training rows.
    train_loss : array, shape (S, K + 1, E)
        Mean loss over the training rows, in the units of y, without any penalty. Index K is all data.
    objective, penalty : arrays, shape (S, K + 1, E)
        What training minimised, and the penalty's part of it, in the units of the (standardized) problem.
    null_wins : booleans, shape (S, K + 1, E)
        Cells whose trained network had a higher objective than the null model, and were replaced by it.
    zeros : array, shape (S, K + 1, E)
        Share of weights (not biases) that are exactly 0.
    inputs_kept : booleans, shape (S, K + 1, E, P)
        Inputs from which weights that are not 0 lead to an output.
    units_kept : integers, shape (S, K + 1, E)
        Hidden units on such a way.
    residual : array, shape (S, K + 1, E)
        Distance from stationarity (:meth:`ridgewalk.objective.Objective.residual`).
    diverged : booleans, shape (S, K + 1, E)
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
    row_loss: Array
    row_weights: Array
    null_row_loss: Array
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
    route: Route
    network: Network
    loss: Loss
    whole: Fold
    engine: str

    def best_seed(self, index: int) -> int:
        """Seed whose fit on all data has the lowest objective at strength ``index``: the model to hand over."""
        return int(np.argmin(np.where(self.diverged[index, -1], np.inf, self.objective[index, -1])))

    def model(self, index: int) -> Model:
        """Give what predicts at strength ``index``: the best seed's fit on all data."""
        seed, whole = self.best_seed(index), self.whole
        return Model(
            network=self.network,
            parameters=tuple(array[index, seed].astype(np.float64) for array in self.parameters),
            loss=self.loss,
            inputs=np.arange(len(whole.center)),
            center=whole.center,
            scale=whole.scale,
            target_center=whole.target_center,
            target_scale=whole.target_scale,
        )


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
        Row numbers, or masks over the rows. A training row may be drawn several times; a held-out row may not be a
        training row.
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
    walker = Walker.ready(x, target, loss, splits, route, seeds, sample_weight, n_jobs, watch)
    strengths = walker.strengths(alphas)
    return collect(walker, strengths, walker.fits(strengths))


def _row_numbers(rows: ArrayLike) -> Integers:
    chosen = np.asarray(rows)
    return np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(int)


def _check_splits(splits: Sequence[tuple[Integers, Integers]], weights: Array) -> None:
    if not splits:
        raise ValueError("A path needs at least one fold, got none.")
    for k, (train_rows, held_out) in enumerate(splits):
        if not weights[train_rows].any() or not weights[held_out].any():
            raise ValueError(
                f"Fold {k} trains on {np.count_nonzero(weights[train_rows])} rows of weight above 0 and holds out "
                f"{np.count_nonzero(weights[held_out])}: both need some."
            )
        if len(np.unique(held_out)) < len(held_out) or np.isin(held_out, train_rows).any():
            raise ValueError(f"Fold {k} holds out a row twice, or one that it trains on: its loss would mean nothing.")


def _fold(x: Array, target: Array, loss: Loss, weights: Array, route: Route) -> Fold:
    """Standardize on the rows of one fold, and on nothing else."""
    plain = Fold.plain(weights, x.shape[1], target.shape[1])
    if not route.standardize:
        return plain
    center, scale = standardization(x, weights)
    if type(loss) not in _POWER_OF_UNIT:
        return replace(plain, center=center, scale=scale)
    target_center, target_scale = standardization(target, weights)
    return Fold(weights, center, scale, target_center, np.where(np.isfinite(target_scale), target_scale, 1.0))


@dataclass(frozen=True, eq=False)
class Walker:
    """The jobs of a path, and what comes of them; runs are ordered strength, fold, seed.

    Attributes
    ----------
    x, target, weights : arrays, shapes (N, P), (N, C), (N,)
    loss : Loss
    splits : sequence of (training rows, held-out rows)
    folds : tuple of Fold
        Of the splits; then all rows.
    network, route, seeds, n_jobs, watch
    """

    x: Array
    target: Array
    weights: Array
    loss: Loss
    splits: Sequence[tuple[Integers, Integers]]
    folds: tuple[Fold, ...]
    network: Network
    route: Route
    seeds: Sequence[int]
    n_jobs: int
    watch: Watch

    @staticmethod
    def ready(
        x: ArrayLike,
        target: Array,
        loss: Loss,
        splits: Sequence[tuple[Integers, Integers]],
        route: Route | None,
        seeds: Sequence[int],
        sample_weight: Array | None,
        n_jobs: int,
        watch: Watch | None,
    ) -> Walker:
        """Check the data of a path (:func:`walk`), and standardize its folds."""
        route = route or Route()
        data: Array = np.asarray(x, dtype=np.float64)
        rows, inputs = data.shape
        weights: Array = np.ones(rows) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        splits = [(_row_numbers(train_rows), _row_numbers(held_out)) for train_rows, held_out in splits]
        _check_splits(splits, weights)
        draws = [np.bincount(train_rows, minlength=rows) for train_rows, _ in splits]  # a row drawn twice counts twice
        row_weights: list[Array] = [*(weights * times for times in draws), weights]
        folds = tuple(_fold(data, target, loss, each, route) for each in row_weights)
        network = route.network(inputs, target.shape[1])
        for name in ("penalty_factors", "groups"):
            given = getattr(route, name)
            if given is not None and len(given) != inputs:
                raise ValueError(f"{name} needs one number per input ({inputs}), got {len(given)}.")
        return Walker(data, target, weights, loss, splits, folds, network, route, seeds, n_jobs, watch or Watch())

    @property
    def cells(self) -> int:
        """Training sets x seeds."""
        return len(self.folds) * len(self.seeds)

    def strengths(self, alphas: int | ArrayLike) -> Array:
        """Give 0 and so many strengths up to the one where the null model wins; or 0 and those that are given."""
        if isinstance(alphas, int | np.integer):
            # One grid for all training sets, so its top is the largest of theirs.
            route, network, loss = self.route, self.network, self.loss
            seen = [fold.standardized(self.x, self.target, fold.weights, np.dtype(np.float64)) for fold in self.folds]
            tops = [strength_at_null(route, network, loss, rows.x, rows.target, rows.weights) for rows in seen]
            if max(tops) == 0:
                raise ValueError(
                    "No penalized input says anything about the target, so there is no path to walk: "
                    "is the target, or every input, constant?"
                )
            return grid(max(tops), int(alphas), *self.x.shape)
        given = np.unique(np.asarray(alphas, dtype=float))
        if given.size == 0 or not np.isfinite(given).all() or given[0] < 0:
            raise ValueError(f"alphas is a number of strengths, or strengths of zero or more, got {alphas}.")
        return given if given[0] == 0 else np.concatenate([[0.0], given])

    def fits(self, strengths: Array) -> list[Fits]:
        """Fits of each strength, over folds x seeds."""
        route, count, cells = self.route, len(strengths), self.cells
        if route.linear:
            zeros = tuple(np.zeros((count * cells, *shape)) for shape in self.network.shapes)
            solve = self.job(*self._every_cell(strengths), zeros, 0, polish=Polish(_LINEAR_STEPS, _LINEAR_TOLERANCE))
            self.watch.total += solve.work
            return _by_strength(self.train(solve), count)
        dense_epochs = max(1, round(_DENSE_SHARE * route.max_iter))
        polish_steps = _POLISH_STEPS if route.batch_size else 0
        self.watch.total += cells * (dense_epochs + polish_steps + count * (route.max_iter + polish_steps))
        # The dense fits are unpenalized; twice the rate brings them quickly to where a penalty can act.
        first = self.job(*self._every_cell(np.zeros(1)), self._starts(), dense_epochs, rate=2 * route.learning_rate)
        dense = self.train(first)
        if route.walk == "ramp":
            start = tuple(np.concatenate([array] * count) for array in dense.parameters)
            return _by_strength(
                self.train(self.job(*self._every_cell(strengths), start, route.max_iter, ramp=RAMP_SHARE)), count
            )
        fits = [dense]
        for strength in strengths:
            job = self.job(*self._every_cell(np.array([strength])), fits[-1].parameters, route.max_iter)
            fits.append(self.train(job))
        return fits[1:]

    def on(self, columns: Integers) -> Walker:
        """Give the same walk over some of the columns."""
        folds = tuple(replace(fold, center=fold.center[columns], scale=fold.scale[columns]) for fold in self.folds)
        network = self.route.network(len(columns), self.target.shape[1])
        return replace(self, x=self.x[:, columns], folds=folds, network=network)

    def train(self, job: Job) -> Fits:
        """Train a job as the route says."""
        return train(job, self.n_jobs, self.watch, self.route.engine)

    def losses(self, parameters: Sequence[Array], fold: Fold, rows: Integers) -> Array:
        """Losses (E, rows) of one fold's fits at one strength."""
        x = ((self.x[rows] - fold.center) / fold.scale).astype(parameters[0].dtype)
        with np.errstate(all="ignore"):
            output, _ = self.network.forward(x, tuple(parameters))
            return self.scored(output.astype(np.float64), fold, rows)

    def scored(self, output: Array, fold: Fold, rows: Integers) -> Array:
        """Losses (E, rows) of outputs (E, rows, C) in a fold's standardized units, brought to those of the target."""
        target = (self.target[rows] - fold.target_center) / fold.target_scale
        power = _POWER_OF_UNIT.get(type(self.loss))
        if power is None:
            return self.loss.values(output, target)
        several = self.target.shape[1] > 1
        unit = fold.target_scale / (self.folds[-1].target_scale if several else 1.0)
        columns = (self.loss.values(output[..., [c]], target[:, [c]]) * unit[c] ** power for c in range(len(unit)))
        return np.asarray(sum(columns))

    def null_model(self, fold: Fold) -> tuple[Array, float]:
        """Best constant output (C,) of one fold's training rows, and its objective, in the standardized problem."""
        rows = fold.standardized(self.x, self.target, fold.weights, np.dtype(np.float64))
        null = self.loss.null_output(rows.target, rows.weights)
        losses = self.loss.values(np.broadcast_to(null, rows.target.shape), rows.target)
        return null, float(weighted_mean(losses, rows.weights))

    def _every_cell(self, strengths: Array) -> tuple[Integers, tuple[Penalty, ...]]:
        """Cells and penalties of some strengths over all folds and seeds."""
        penalties = self.route.penalties(self.network, np.repeat(strengths, self.cells))
        return np.tile(np.arange(self.cells), len(strengths)), penalties

    def job(
        self,
        cells: Integers,
        penalties: tuple[Penalty, ...],
        start: Arrays,
        epochs: int,
        rate: float | None = None,
        ramp: float = 0.0,
        polish: Polish | None = None,
    ) -> Job:
        """Job of runs (R,), each in its cell: number of the training set x seeds + number of the seed."""
        route = self.route
        return Job(
            network=self.network,
            loss=self.loss,
            penalties=penalties,
            optimizer=Adam(rate or route.learning_rate, schedule=Cosine()),
            x=self.x,
            target=self.target,
            folds=self.folds,
            fold=cells // len(self.seeds),
            seeds=np.asarray(self.seeds)[cells % len(self.seeds)],
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


def _by_strength(fits: Fits, count: int) -> list[Fits]:
    """Split fits ordered strength, fold, seed into one per strength."""
    cells = len(fits.data_loss) // count
    return [fits.part(slice(first, first + cells)) for first in range(0, count * cells, cells)]


def collect(walker: Walker, strengths: Array, fits: Sequence[Fits]) -> MLPPath:
    """Score the held-out rows, and shape everything strength x fold x seed; one Fits per strength."""
    splits, weights, folds, seeds = walker.splits, walker.weights, walker.folds, len(walker.seeds)
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
    row_loss = np.zeros((len(strengths), len(weights)))
    null_row_loss, counts = np.zeros(len(weights)), np.zeros(len(weights))
    for k, fold in enumerate(folds):
        null, null_objective = walker.null_model(fold)
        wins = (strengths[:, None] > 0) & (objective[:, k] > null_objective)
        _make_null(wins, null, [w[:, k] for w in arrays])
        arrays[0][:, k][..., np.isinf(fold.scale), :] = 0  # a column that is constant here has taught nothing
        objective[:, k][wins] = null_objective
        penalty[:, k][wins] = 0
        residual[:, k][wins] = 0  # with every weight 0 the only slopes left are those of the intercept
        null_wins[:, k] = wins
        training = np.flatnonzero(fold.weights)
        held_out = splits[k][1] if k < len(splits) else training[:0]
        for s in range(len(strengths)):
            parameters = [w[s, k] for w in arrays]
            train_loss[s, k] = weighted_mean(walker.losses(parameters, fold, training), fold.weights[training])
            if held_out.size:
                losses = walker.losses(parameters, fold, held_out)
                losses[diverged[s, k]] = np.inf
                heldout[s, k] = weighted_mean(losses, weights[held_out])
                row_loss[s, held_out] += losses.mean(axis=0)
        constant = np.broadcast_to(null, (len(held_out), len(null)))
        null_row_loss[held_out] += walker.scored(constant, fold, held_out)
        counts[held_out] += 1
    inputs_kept, units_kept = _connected([w != 0 for w in arrays[::2]])
    return MLPPath(
        alphas=strengths,
        heldout_loss=heldout,
        row_loss=row_loss / np.maximum(counts, 1),
        row_weights=np.where(counts > 0, weights, 0.0),
        null_row_loss=null_row_loss / np.maximum(counts, 1),
        train_loss=train_loss,
        objective=objective,
        penalty=penalty,
        null_wins=null_wins,
        zeros=sum((w == 0).sum(axis=(-2, -1)) for w in arrays[::2]) / sum(w[0, 0, 0].size for w in arrays[::2]),
        inputs_kept=inputs_kept,
        units_kept=units_kept,
        residual=residual,
        diverged=diverged,
        parameters=tuple(w[:, -1] for w in arrays),
        route=walker.route,
        network=walker.network,
        loss=walker.loss,
        whole=folds[-1],
        engine=fits[0].engine,
    )


def _make_null(wins: Booleans, null: Array, arrays: list[Array]) -> None:
    """Put the null model, of constant output ``null`` (C,), in place of the chosen cells of one fold (S, E).

    It is a candidate for every strength; where the training ended above it, it is the better one (decision 0004).
    """
    for w in arrays:
        w[wins] = 0
    arrays[-1][wins] = null


def _connected(weights: list[Booleans]) -> tuple[Booleans, Integers]:
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
