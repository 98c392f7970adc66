"""The data of training: a ``Job`` describes what to train, ``Fits`` the result, ``Progress`` how far it is.

train(job) -> Fits          runs R = strengths x folds x seeds, side by side
"""

from __future__ import annotations

import os
import warnings
import weakref
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import issparse

from ridgewalk.arrays import Array, Booleans, Integers
from ridgewalk.folds import Fold, Matrix
from ridgewalk.layers import Arrays
from ridgewalk.losses import Loss
from ridgewalk.network import EvadablePenaltyWarning, Network, evadable
from ridgewalk.objective import Objective
from ridgewalk.optimizers import Optimizer, State
from ridgewalk.penalties import Penalty


@dataclass(frozen=True)
class EarlyStopping:
    """End a run whose watched number has not fallen by ``tolerance`` in ``patience`` epochs; keep its best weights.

    It is the validation loss, or the objective on the training rows, for training that ends where nothing is gained.
    With a ramp it is watched from where the strengths have reached their values.

    A ``divisor`` above 1 divides the run's rate instead of ending it, and the patience begins anew, until the rate is
    at most ``least_rate``.
    """

    patience: int = 10
    tolerance: float = 0.0
    watched: Literal["validation_loss", "objective"] = "validation_loss"
    divisor: float = 1.0
    least_rate: float = 0.0


@dataclass(frozen=True)
class Polish:
    """Full-batch accelerated proximal gradient after the epochs, until the residual is at most ``tolerance``."""

    steps: int = 100
    tolerance: float = 1e-6


@dataclass(frozen=True, eq=False)
class Standing:
    """The state of the optimizer of some runs, from which another job can continue.

    Attributes
    ----------
    averages : tuple of tuples of arrays, each (R, ., .)
        What it remembers of each array of the network.
    steps : int
        Steps that are behind it.
    rate : array, shape (R,)
        The learning rate that each run has come to, before its schedule.
    """

    averages: tuple[State, ...]
    steps: int
    rate: Array

    def part(self, runs: Integers) -> Standing:
        """Return that of some of the runs."""
        picked = tuple(tuple(array[runs] for array in state) for state in self.averages)
        return Standing(picked, self.steps, self.rate[runs])


@dataclass(frozen=True, eq=False)
class Job:
    """Runs to train side by side; plain data, no callbacks.

    Attributes
    ----------
    network, loss, optimizer
        Shared by all runs.
    penalties : tuple of Penalty
        One per array of the network; a strength is a number, or one per run, shaped (R, 1, 1).
    x, target : arrays, shapes (N, P) and (N, C)
        Shared by all runs. ``x`` may be a SciPy CSR array; its folds then scale, but do not center.
    folds : tuple of Fold
        The network takes the columns of x, or what every fold maps them to.
    fold : integers, shape (R,)
        Which fold each run trains on.
    seeds : integers, shape (R,)
        What each run's batches and dropout are drawn from.
    start : tuple of arrays, each (R, ., .)
        Weights to start from; their dtype (float32 or float64) is that of the training.
    epochs : int
    batch_size : int or None
        Rows per step; None is the full batch.
    ordered : bool
        Whether batches take the rows as they stand, instead of drawing them at random in every epoch.
    batch_losses : bool
        Whether the training loss of an epoch, in the history and for early stopping, is the mean of what its batches
        lost as they were trained on (scikit-learn's ``loss_curve_``), instead of a pass over all rows after it. That
        of epoch 0 is always of the start.
    standing : Standing or None
        What the optimizer goes on from; by default it begins.
    ramp : float
        Share of the steps over which the strengths rise from 0 to their values, in equal parts.
    polish : Polish or None
    early_stopping : EarlyStopping or None
    record_every : int
        Epochs between two records of the history; 0 keeps none.

    Warns
    -----
    EvadablePenaltyWarning
        If rescaling the layers escapes the penalty (:func:`ridgewalk.network.evadable`).
    """

    network: Network
    loss: Loss
    penalties: tuple[Penalty, ...]
    optimizer: Optimizer
    x: Matrix
    target: Array
    folds: tuple[Fold, ...]
    fold: Integers
    seeds: Integers
    start: Arrays
    epochs: int
    batch_size: int | None = None
    ramp: float = 0.0
    polish: Polish | None = None
    early_stopping: EarlyStopping | None = None
    record_every: int = 0
    ordered: bool = False
    batch_losses: bool = False
    standing: Standing | None = None

    def __post_init__(self) -> None:
        expected = tuple((self.runs, *shape) for shape in self.network.shapes)
        shapes = tuple(array.shape for array in self.start)
        if shapes != expected:
            raise ValueError(f"The start needs arrays shaped {expected}, got {shapes}.")
        if self.fold.shape != (self.runs,) or self.seeds.shape != (self.runs,):
            raise ValueError(f"fold and seeds need one number for each of {self.runs} runs.")
        if self.epochs < 0 or not 0 <= self.ramp <= 1:
            raise ValueError(f"epochs is zero or more and ramp a share in [0, 1], got {self.epochs} and {self.ramp}.")
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(f"batch_size is at least 1, or None for the full batch, got {self.batch_size}.")
        self._check_data()
        for fold in self.folds:
            self._check_fold(fold)
        escape = evadable(self.network, self.penalties)
        if escape:
            warnings.warn(escape, EvadablePenaltyWarning, stacklevel=3)

    def _check_data(self) -> None:
        rows, inputs = self.x.shape
        if not self.mapped and inputs != self.network.shapes[0][0]:
            raise ValueError(f"The network takes {self.network.shapes[0][0]} inputs, x has {inputs} columns.")
        if self.target.shape != (rows, self.network.shapes[-1][1]):
            raise ValueError(f"The target must be {(rows, self.network.shapes[-1][1])}, got {self.target.shape}.")
        if issparse(self.x) and self.x.format != "csr":
            raise ValueError(f"A sparse x must be in CSR format, got {self.x.format}: convert it with tocsr().")
        entries = self.x if isinstance(self.x, np.ndarray) else self.x.data
        if not (_is_finite(entries) and _is_finite(self.target)):
            raise ValueError("x and the target must be finite: fill in or drop missing and infinite values first.")

    def _check_fold(self, fold: Fold) -> None:
        rows = self.x.shape[0]
        for weights in (fold.weights, *(() if fold.validation is None else (fold.validation,))):
            if weights.shape != (rows,) or not np.isfinite(weights).all() or (weights < 0).any():
                raise ValueError(f"Row weights must be {rows} finite numbers of zero or more.")
        if not fold.weights.any():
            raise ValueError("A training set needs at least one row of weight above 0.")
        self._check_map(fold)
        if issparse(self.x) and fold.center.any():
            raise ValueError("Centering would fill a sparse x: give its folds centers of 0.")
        by_validation = self.early_stopping and self.early_stopping.watched == "validation_loss"
        if by_validation and (fold.validation is None or not fold.validation.any()):
            raise ValueError("Early stopping needs a validation set: give every fold validation weights.")

    def _check_map(self, fold: Fold) -> None:
        """Check that folds map the columns of x to the inputs of the network, if any fold does."""
        if (fold.inputs is not None) != self.mapped:
            raise ValueError("Either every fold of a job maps its columns, or none does.")
        if fold.inputs is None:
            return
        if issparse(self.x):
            raise ValueError("Columns of a sparse x cannot be mapped: give x as a dense array, x.toarray().")
        columns, inputs = int(fold.inputs.column[-1]) + 1, len(fold.inputs.column)
        if columns != self.x.shape[1] or not inputs == len(fold.center) == self.network.shapes[0][0]:
            raise ValueError(
                f"The map takes {columns} columns to {inputs} inputs, x has {self.x.shape[1]} columns, the fold "
                f"standardizes {len(fold.center)} and the network takes {self.network.shapes[0][0]} inputs."
            )

    @property
    def mapped(self) -> bool:
        """Whether the columns of x are mapped to the inputs of the network."""
        return self.folds[0].inputs is not None

    @property
    def runs(self) -> int:
        """Number of runs, R."""
        return int(self.start[0].shape[0])

    @property
    def dtype(self) -> np.dtype[np.floating]:
        """float32 or float64, as the initial weights."""
        return self.start[0].dtype

    @property
    def marks(self) -> Integers:
        """Epochs in the history: 0, every ``record_every``-th, and the last; empty without a history."""
        if not self.record_every:
            return np.empty(0, dtype=np.int64)
        return np.unique([*range(0, self.epochs + 1, self.record_every), self.epochs])

    @property
    def random(self) -> bool:
        """Whether a run's seed matters: minibatches or dropout."""
        return (self.batch_size is not None and not self.ordered) or self.network.random

    @property
    def work(self) -> int:
        """Epochs and final full-batch steps of all runs together, which an engine counts."""
        return self.runs * (self.epochs + (self.polish.steps if self.polish else 0))

    def objective(self, runs: Integers) -> Objective:
        """Objective of some of the runs, its strengths in the dtype of the training."""
        cast = tuple(each.convert(lambda values: values.astype(self.dtype)) for each in self._picked(runs))
        return Objective(self.network, self.loss, cast)

    def part(self, runs: Integers) -> Job:
        """Job of some of the runs: each ends as it would among all."""
        part = copy(self)  # what has been checked of the whole holds for a part of it
        picked = {
            "penalties": self._picked(runs),
            "fold": self.fold[runs],
            "seeds": self.seeds[runs],
            "start": tuple(array[runs] for array in self.start),
            "standing": self.standing and self.standing.part(runs),
        }
        for name, value in picked.items():
            object.__setattr__(part, name, value)
        return part

    def _picked(self, runs: Integers) -> tuple[Penalty, ...]:
        """Penalties of some of the runs."""

        def pick(values: Array) -> Array:
            return values[runs] if values.ndim == 3 and values.shape[0] == self.runs else values

        return tuple(penalty.convert(pick) for penalty in self.penalties)


@dataclass(frozen=True, eq=False)
class History:
    """What a training looked like, every few epochs: data loss and penalty apart.

    Attributes
    ----------
    epochs : integers, shape (T,)
        Epochs finished at each record; the first is 0, the start. After a run was stopped early, NaN follows.
    data_loss, penalty : arrays, shape (R, T)
        Mean loss over the training rows, without penalty; and the penalty. Their sum is the objective.
    validation_loss : array, shape (R, T)
        Mean loss over the validation rows, without penalty; NaN where there are none.
    zeros : array, shape (R, T, arrays)
        Share of exact zeros in each array of the network.
    norms : array, shape (R, T, arrays)
        Square root of the sum of squares of each array.
    """

    epochs: Integers
    data_loss: Array
    penalty: Array
    validation_loss: Array
    zeros: Array
    norms: Array


@dataclass(frozen=True, eq=False)
class Fits:
    """What came of a job, run by run.

    Attributes
    ----------
    parameters : tuple of arrays, each (R, ., .)
    data_loss, penalty, validation_loss : arrays, shape (R,)
        At the end, apart; their units are those of the standardized target.
    residual : array, shape (R,)
        Distance from stationarity (:meth:`ridgewalk.objective.Objective.residual`).
    epochs : integers, shape (R,)
        Epochs trained; with early stopping, up to the best one.
    diverged : booleans, shape (R,)
        Runs that ended in numbers that are not finite.
    history : History or None
    engine : str
        Which engine ran.
    standing : Standing or None
        Where the optimizer stands at the end of the epochs; None from an engine that does not tell.
    """

    parameters: Arrays
    data_loss: Array
    penalty: Array
    validation_loss: Array
    residual: Array
    epochs: Integers
    diverged: Booleans
    history: History | None
    engine: str
    standing: Standing | None = None

    def part(self, runs: slice | Booleans | Integers) -> Fits:
        """Fits of some of the runs, without their history and standing."""
        return Fits(
            parameters=tuple(array[runs] for array in self.parameters),
            data_loss=self.data_loss[runs],
            penalty=self.penalty[runs],
            validation_loss=self.validation_loss[runs],
            residual=self.residual[runs],
            epochs=self.epochs[runs],
            diverged=self.diverged[runs],
            history=None,
            engine=self.engine,
        )


Keep = Callable[[Integers, Fits], None]
"""Takes the numbers of some runs, and their fits."""


def joined(parts: Sequence[Fits], runs: Integers) -> Fits:
    """Join the fits of parts of a job, in the order of its runs.

    Parameters
    ----------
    parts : sequence of Fits
    runs : integers, shape (R,)
        The numbers of their runs in the job, part after part.

    Returns
    -------
    Fits
        Of R runs.
    """
    back = np.argsort(runs)

    def together(arrays: list[Array]) -> Array:
        return np.concatenate(arrays)[back]

    first = parts[0].history
    histories = [part.history for part in parts if part.history]
    return Fits(
        parameters=tuple(together(list(arrays)) for arrays in zip(*(part.parameters for part in parts), strict=True)),
        data_loss=together([part.data_loss for part in parts]),
        penalty=together([part.penalty for part in parts]),
        validation_loss=together([part.validation_loss for part in parts]),
        residual=together([part.residual for part in parts]),
        epochs=np.concatenate([part.epochs for part in parts])[back],
        diverged=np.concatenate([part.diverged for part in parts])[back],
        history=None
        if first is None
        else History(
            first.epochs,
            together([history.data_loss for history in histories]),
            together([history.penalty for history in histories]),
            together([history.validation_loss for history in histories]),
            together([history.zeros for history in histories]),
            together([history.norms for history in histories]),
        ),
        engine=parts[0].engine,
        standing=_together([part.standing for part in parts], back),
    )


def _together(parts: Sequence[Standing | None], order: Integers) -> Standing | None:
    """Join the optimizer states of parts of a job in the order of its runs; None if a part has none."""
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    states = zip(*(part.averages for part in known), strict=True)
    averages = tuple(tuple(map(np.concatenate, zip(*state, strict=True))) for state in states)
    return Standing(averages, known[0].steps, np.concatenate([part.rate for part in known])).part(order)


_FINITE: dict[int, weakref.ref[np.memmap]] = {}
"""Tables that were found finite, and that nobody can change: files that are open for reading."""


def _is_finite(array: Array) -> bool:
    """Return whether all numbers of an array are finite; files that are mapped for reading are looked through once."""
    if isinstance(array, np.memmap) and array.mode == "r":
        known = _FINITE.get(id(array))
        if known is None or known() is not array:
            if not np.isfinite(array).all():
                return False
            _FINITE[id(array)] = weakref.ref(array)
        return True
    return bool(np.isfinite(array).all())


def thread_count(n_jobs: int) -> int:
    """Return the number of threads for ``n_jobs``: -1 is one per core, -2 one fewer, and so on, as in joblib."""
    if n_jobs == 0:
        raise ValueError("n_jobs is 1 or more threads, or -1 for every core, -2 for all but one; got 0.")
    return n_jobs if n_jobs > 0 else max(1, (os.cpu_count() or 1) + 1 + n_jobs)
