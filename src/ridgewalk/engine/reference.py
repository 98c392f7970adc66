"""The reference engine: NumPy, a stack of runs at a time, written like the formulas.

for every epoch, for every batch, for every array:
    dw     = gradient of the data loss at point(w)
    w_new  = prox_{ramp * step}(move(w, dw))
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import count, islice

import numpy as np
from threadpoolctl import threadpool_limits

from ridgewalk.arrays import Array, Booleans, Integers, row_sums
from ridgewalk.constants import CHECK_EVERY
from ridgewalk.engine.job import Fits, History, Job, Polish, Standing, joined, thread_count
from ridgewalk.engine.progress import Progress, StoppedError
from ridgewalk.folds import Fold, Rows
from ridgewalk.layers import Arrays
from ridgewalk.network import LayerUniform
from ridgewalk.objective import Objective, mean_weights
from ridgewalk.optimizers import Optimizer, State, rate_at
from ridgewalk.penalties import Penalty, Strength
from ridgewalk.rng import order, uniform
from ridgewalk.threads import ends_with_interpreter, for_each

_BLOCK = 2**19
"""Numbers in the activations of the runs that are trained as one stack: about what a core's cache holds."""


def train(job: Job, n_jobs: int = 1, progress: Progress | None = None) -> Fits:
    """Train every run of a job (:func:`ridgewalk.engine.train`); each thread trains a stack of runs."""
    progress = progress or Progress()
    blocks = list(_blocks(job))
    workers = thread_count(n_jobs)
    stop, parts = partial(setattr, progress, "stop", True), dict[int, Fits]()

    def work(number: int) -> None:
        parts[number] = _Block(job, blocks[number], progress).train()

    # One thread inside BLAS: how it splits a product over threads would change the last bits.
    with ends_with_interpreter(stop), threadpool_limits(limits=1):
        try:
            for_each(work, range(len(blocks)), workers, stop)
        except BaseException:  # Ctrl-C above all: what runs stops at its next epoch, what waits never starts
            if parts:
                runs = np.concatenate([blocks[k] for k in parts])
                progress.finished_runs = np.sort(runs)
                progress.finished = joined(list(parts.values()), runs).part(slice(None))
            raise
    return joined([parts[k] for k in range(len(blocks))], np.concatenate(blocks))


def proximal_step(
    optimizer: Optimizer,
    penalty: Penalty,
    w: Array,
    dw: Array,
    state: State,
    rate: float,
    k: int,
    ramp: float = 1.0,
) -> tuple[Array, State]:
    """One step of one array: move by the data loss's gradient ``dw``, then prox by the optimizer's own step.

    ``ramp`` multiplies the strengths; the prox knows only their product with the step.
    """
    z, step, state = optimizer.move(w, dw, state, rate, k, penalty.pool)
    w_new = penalty.prox(z, step * ramp)
    return w_new, optimizer.settle(w_new - w, state)


def _blocks(job: Job) -> Iterator[Integers]:
    """Split the runs into stacks that share their rows (and seed, where it matters) and fit the cache."""
    widths = job.network.shapes[0][0] + 3 * sum(layer.units for layer in job.network.dense)
    key = np.stack([job.fold, job.seeds if job.random else np.zeros_like(job.seeds)])
    _, group = np.unique(key, axis=1, return_inverse=True)
    for number in range(group.max() + 1):
        runs = np.flatnonzero(group == number)
        rows = min(np.count_nonzero(job.folds[job.fold[runs[0]]].weights), job.batch_size or job.x.shape[0])
        # Polishing goes on until the last run of a stack has converged: alone, each takes only its own steps. A rate
        # that follows the loss is each run's own.
        alone = not job.epochs or (job.early_stopping and job.early_stopping.divisor > 1)
        size = 1 if alone else max(1, _BLOCK // (rows * widths))
        yield from (runs[first : first + size] for first in range(0, len(runs), size))


class _Block:
    """A stack of runs of one fold, while it is trained."""

    def __init__(self, job: Job, runs: Integers, progress: Progress) -> None:
        fold: Fold = job.folds[job.fold[runs[0]]]
        self.job = job
        self.progress = progress
        self.runs = len(runs)
        self.standing = job.standing and job.standing.part(runs)
        self.seed = int(job.seeds[runs[0]])
        self.objective = job.objective(runs)
        self.training = fold.standardized(job.x, job.target, fold.weights, job.dtype)
        self.validation = (
            fold.standardized(job.x, job.target, fold.validation, job.dtype)
            if fold.validation is not None and fold.validation.any()
            else None
        )
        self.weights = mean_weights(self.training.weights).astype(job.dtype)
        self.parameters: Arrays = tuple(array[runs] for array in job.start)
        self.history = self._empty_history()
        if self.history:
            progress.histories.append(self.history)

    def train(self) -> Fits:
        """Train the stack, polish it, and measure where it ended."""
        with np.errstate(all="ignore"):  # a run that diverges is reported, not warned about at every step
            epochs = self._descend()
            if self.job.polish:
                self._polish(self.job.polish)
            return self._measure(epochs)

    def _descend(self) -> Integers:
        """Run the epochs; return how many of them the parameters of each run have seen."""
        job, stopping = self.job, self.job.early_stopping
        optimizers = (job.optimizer, job.optimizer.for_biases()) * len(job.network.dense)
        penalties = self.objective.penalties
        states = [
            optimizer.start(w, penalty.pool)
            for optimizer, penalty, w in zip(optimizers, penalties, self.parameters, strict=True)
        ]
        earlier = 0
        if self.standing:
            states, earlier = list(self.standing.averages), self.standing.steps
        rows = len(self.training.numbers)
        size = min(job.batch_size or rows, rows)
        total = job.epochs * -(-rows // size)
        if job.batch_losses:
            self.epoch_loss = self._loss(self.training)
        best, best_loss = self.parameters, np.full(self.runs, np.nan) if job.ramp else self._watched()
        best_epoch = np.zeros(self.runs, dtype=np.int64)
        alive = np.ones(self.runs, dtype=bool)
        step, since, slower = 0, 0, 1.0
        self._record(0, alive)
        for epoch in range(job.epochs):
            self.epoch_loss = np.zeros(self.runs)
            for batch in self._batches(epoch, size):
                rate = rate_at(job.optimizer, step, total) / slower
                ramp = min(1.0, (step + 1) / (job.ramp * total)) if job.ramp else 1.0
                points = tuple(
                    optimizer.point(w, state)
                    for optimizer, w, state in zip(optimizers, self.parameters, states, strict=True)
                )
                gradients = self._gradient(points, batch, step)
                arrays = zip(optimizers, penalties, self.parameters, gradients, states, strict=True)
                moved = [proximal_step(*each, rate, earlier + step, ramp) for each in arrays]
                self.parameters = tuple(w for w, _ in moved)
                states = [state for _, state in moved]
                step += 1
            self._record(epoch + 1, alive)
            self._count()
            if stopping and epoch + 1 >= job.ramp * job.epochs:
                loss = self._watched()
                better = alive & ((loss < best_loss - stopping.tolerance) | np.isnan(best_loss)) & np.isfinite(loss)
                best = _where(better, self.parameters, best)
                best_loss = np.where(better, loss, best_loss)
                best_epoch = np.where(better, epoch + 1, best_epoch)
                alive &= epoch + 1 - np.maximum(best_epoch, since) < stopping.patience
                slows = stopping.divisor > 1 and job.optimizer.learning_rate / slower > stopping.least_rate
                if slows and not alive.any():
                    alive, since, slower = ~alive, epoch + 1, slower * stopping.divisor
                if not alive.any():
                    self.progress.add((job.epochs - epoch - 1) * self.runs)
                    break
        self.standing = Standing(
            tuple(states), earlier + step, np.full(self.runs, job.optimizer.learning_rate / slower)
        )
        if stopping:
            self.parameters = best
            return best_epoch
        return np.full(self.runs, job.epochs)

    def _batches(self, epoch: int, size: int) -> Iterator[slice | Integers]:
        """Yield the positions of each batch's rows."""
        rows = self.training.numbers
        if self.job.batch_size is None:
            yield slice(None)
            return
        shuffled = np.arange(len(rows)) if self.job.ordered else order(self.seed, epoch, rows)
        yield from (shuffled[first : first + size] for first in range(0, len(rows), size))

    def _gradient(self, points: Arrays, batch: slice | Integers, step: int) -> Arrays:
        """Return the gradient of the data loss over one batch, with dropout, and add its loss to the epoch's."""
        rows = self.training.numbers[batch]

        def draw(layer: int, units: int) -> Array:
            return uniform(self.seed, step, layer, rows, units)

        source: LayerUniform | None = draw if self.job.network.random else None
        training = self.training
        losses, gradients = self.objective.losses_and_gradient(
            points, training.x[batch], training.target[batch], self.weights[batch], source
        )
        self.epoch_loss = self.epoch_loss + losses @ (training.weights[batch] / training.weights.sum())
        return gradients

    def _polish(self, polish: Polish) -> None:
        x, target, weights = self.training.x, self.training.target, self.weights
        descent = accelerated_descent(self.objective, self.parameters, x, target, weights, polish.tolerance)
        taken = 0
        for self.parameters in islice(descent, polish.steps):
            self._count()
            taken += 1
        self.progress.add((polish.steps - taken) * self.runs)

    def _count(self) -> None:
        self.progress.add(self.runs)
        if self.progress.stop:
            raise StoppedError

    def _loss(self, rows: Rows) -> Array:
        return self.objective.data_loss(self.parameters, rows.x, rows.target, rows.weights)

    def _training_loss(self) -> Array:
        """Return the loss of the last epoch, or of the initial weights before the first."""
        return self.epoch_loss if self.job.batch_losses else self._loss(self.training)

    def _validation_loss(self) -> Array:
        return np.full(self.runs, np.nan) if self.validation is None else self._loss(self.validation)

    def _watched(self) -> Array:
        """Compute the value that early stopping monitors, for each run."""
        stopping = self.job.early_stopping
        if stopping and stopping.watched == "objective":
            return self._training_loss() + self.objective.penalty(self.parameters)
        return self._validation_loss()

    def _empty_history(self) -> History | None:
        marks = self.job.marks
        if not marks.size:
            return None
        shape = (self.runs, len(marks))
        return History(
            epochs=marks,
            data_loss=np.full(shape, np.nan),
            penalty=np.full(shape, np.nan),
            validation_loss=np.full(shape, np.nan),
            zeros=np.full((*shape, len(self.parameters)), np.nan),
            norms=np.full((*shape, len(self.parameters)), np.nan),
        )

    def _record(self, epoch: int, alive: Booleans) -> None:
        history = self.history
        if history is not None and epoch in history.epochs:
            at = int(np.searchsorted(history.epochs, epoch))
            zeros = np.stack([(w == 0).mean(axis=(-2, -1)) for w in self.parameters], axis=-1)
            history.data_loss[alive, at] = self._training_loss()[alive]
            history.penalty[alive, at] = self.objective.penalty(self.parameters)[alive]
            history.validation_loss[alive, at] = self._validation_loss()[alive]
            history.zeros[alive, at] = zeros[alive]
            norms = np.stack([np.sqrt(row_sums(w.astype(np.float64) ** 2)) for w in self.parameters], axis=-1)
            history.norms[alive, at] = norms[alive]

    def _measure(self, epochs: Integers) -> Fits:
        rows = self.training
        gradients = self.objective.data_gradient(self.parameters, rows.x, rows.target, self.weights)
        data_loss = self._loss(rows)
        finite = [np.isfinite(w).all(axis=(-2, -1)) for w in self.parameters]
        return Fits(
            parameters=self.parameters,
            data_loss=data_loss,
            penalty=self.objective.penalty(self.parameters),
            validation_loss=self._validation_loss(),
            residual=self.objective.residual(self.parameters, gradients),
            epochs=epochs,
            diverged=~(np.all(finite, axis=0) & np.isfinite(data_loss)),
            history=self.history,
            engine="reference",
            standing=self.standing,
        )


def accelerated_descent(
    objective: Objective, start: Arrays, x: Array, target: Array, weights: Array, tolerance: float
) -> Iterator[Arrays]:
    """Accelerated proximal gradient, a step size per run by backtracking, restarted whenever J would rise.

    (Beck and Teboulle, SIAM J. Imaging Sci. 2009; the restart: O'Donoghue and Candes, Found. Comput. Math.
    2015, section 3.) Yields the arrays after every step; ends when the residual of every run is at most
    ``tolerance``, or when no run can descend any further in this precision.
    """
    runs = start[0].shape[0]
    column = (runs, 1, 1)
    dtype = start[0].dtype
    slack = 4 * float(np.finfo(dtype).eps)

    def proximal(points: Arrays, gradients: Arrays, rate: Strength) -> Arrays:
        return tuple(
            penalty.prox(y - rate * dy, rate)
            for penalty, y, dy in zip(objective.penalties, points, gradients, strict=True)
        )

    w = point = start
    value = objective.data_loss(w, x, target, weights) + objective.penalty(w)
    inertia, rate = np.ones(runs), np.ones(runs)
    for step in count():
        if step % CHECK_EVERY == 0:
            residual = objective.residual(w, objective.data_gradient(w, x, target, weights))
            if (residual <= tolerance).all():
                return
        gradients = objective.data_gradient(point, x, target, weights)
        loss = objective.data_loss(point, x, target, weights)
        while True:
            z = proximal(point, gradients, rate.reshape(column).astype(dtype))
            moved = tuple(a - b for a, b in zip(z, point, strict=True))
            model = loss + _dot(gradients, moved) + _dot(moved, moved) / (2 * rate)
            z_loss = objective.data_loss(z, x, target, weights)
            too_long = ~(z_loss <= model + slack * np.abs(loss)) & (rate > slack)
            if not too_long.any():
                break
            rate = np.where(too_long, rate / 2, rate)
        z_value = z_loss + objective.penalty(z)
        rises = ~(z_value <= value + slack * np.abs(value))
        stuck = rises & (inertia == 1)
        next_inertia = np.where(rises, 1.0, 0.5 + np.sqrt(0.25 + inertia**2))
        pull = np.where(rises, 0.0, (inertia - 1) / next_inertia).reshape(column).astype(dtype)
        new_w = _where(~rises, z, w)
        point = tuple(a + pull * (a - b) for a, b in zip(new_w, w, strict=True))
        w, value, inertia = new_w, np.where(rises, value, z_value), next_inertia
        yield w
        if stuck.all():
            return


def _dot(a: Arrays, b: Arrays) -> Array:
    """Inner product of two tuples of arrays, run by run: shape (R,), float64."""
    products = ((u.astype(np.float64) * v).sum(axis=(-2, -1)) for u, v in zip(a, b, strict=True))
    return np.asarray(sum(products))


def _where(chosen: Booleans, a: Arrays, b: Arrays) -> Arrays:
    """Arrays of ``a`` for the chosen runs, of ``b`` for the others."""
    return tuple(np.where(chosen[:, None, None], u, v) for u, v in zip(a, b, strict=True))
