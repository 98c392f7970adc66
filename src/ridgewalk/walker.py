"""The walk: every strength x fold x seed of one network in one call, and the whole data beside the folds.

    strengths  0, and ``n_alphas`` geometric steps up to the strength at which the null model wins
    folds      K training sets with their held-out rows, then all rows (index K)
    seeds      starts of the weights

Every fit descends from a dense one, never from zero: an all-zero ReLU network is stationary for every strength.

    "ramp"         all strengths at once, from one dense fit per fold and seed, raised from 0 over half the steps
    "sequential"   one strength after the other, from weak to strong, each from the fit before it

Columns (and a regression's target) are standardized on the rows of each fold alone. A path ends early: stronger than a
strength at which nothing is left, in no fold and no seed, every network is the null model, and none is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array, issparse
from threadpoolctl import threadpool_limits

from ridgewalk.arrays import Array, Booleans, Integers, slices
from ridgewalk.engine import memory, train
from ridgewalk.engine.job import Fits, Fold, Job, Matrix, Polish, Rows, joined, scaled, thread_count
from ridgewalk.engine.threads import for_each, look_for_end
from ridgewalk.engine.watch import Watch
from ridgewalk.envelope import NULL, lower, sources
from ridgewalk.folds import average_by_row, check_splits, row_losses, row_numbers, standardized_fold
from ridgewalk.grid import grid, linear_fit, strength_at_null
from ridgewalk.layers import Arrays
from ridgewalk.losses import Loss, SquaredError, begun
from ridgewalk.model import Model
from ridgewalk.network import Network
from ridgewalk.newton import MOST_WORK, LinearModels
from ridgewalk.objective import Objective, mean_weights, weighted_mean
from ridgewalk.optimizers import Adam, Cosine
from ridgewalk.path import MLPPath, connected, model_of
from ridgewalk.penalties import Penalty
from ridgewalk.route import Route

_DENSE_SHARE = 1 / 3  # of max_iter: the dense fit that every strength starts from
RAMP_SHARE = 0.5  # of max_iter: over which the strengths rise from 0
_LINEAR_STEPS, _NEAR = 5_000, 1e-3
# Guesses for the time left: multiplications a second, of an epoch, of scores, of Newton's looks and of its equations;
# the seconds that each of these takes however small it is; and how often they are made.
_TRAINING_RATE, _SCORING_RATE, _LOOKING_RATE, _EQUATIONS_RATE = 5e10, 4e9, 2e9, 3e10
_EPOCH_SECONDS, _SCORE_SECONDS, _MODEL_SECONDS = 3e-6, 5e-4, 2.5e-3
_PASSES, _LOOKS, _STEPS, _DESCENTS = 3, 20, 20, 250
_ASLEEP = 0.6  # share of the time that a network saves under the strongest penalty
_POLISH_STEPS = 100  # after minibatches
_AT_ONCE = 16  # runs per thread that are trained before it is asked whether anything is left
_SHUFFLES, _SAFE_STEPS, _SAFE_SPAN = 20, 16, 30.0  # of the selection-safe strength
_MOST_NUMBERS = 2**24  # of a table whose linear models are finished by Newton's method

Strengths = int | ArrayLike | Literal["qut"]
"""How many strengths, the strengths themselves, or the selection-safe one."""
Score = Callable[[Model, Integers], float]
"""Scores a model on some rows; higher is better."""
PenaltiesOf = Callable[[Array, Integers], tuple[Penalty, ...]]
"""Penalties of runs at some strengths (R,), each in its cell (R,)."""


@dataclass(frozen=True, eq=False)
class Settled:
    """The networks of a path's cells.

    Attributes
    ----------
    fits : list of Fits
        One per strength, over folds x seeds.
    source : integers, shape (S, cells)
        The strength whose training gave each network (:attr:`ridgewalk.path.MLPPath.source`).
    """

    fits: list[Fits]
    source: Integers


_ANY_STRENGTH = 1.0  # where the target, or every input, is constant: the null model wins at all of them


def walk(
    x: ArrayLike | Matrix,
    target: Array,
    loss: Loss,
    splits: Sequence[tuple[Integers, Integers]],
    route: Route | None = None,
    alphas: Strengths = 30,
    seeds: Sequence[int] = (0,),
    sample_weight: Array | None = None,
    n_jobs: int = 1,
    watch: Watch | None = None,
    score: Score | None = None,
) -> MLPPath:
    """Train every strength x fold x seed, and every strength x seed on all data.

    Parameters
    ----------
    x : array_like, shape (N, P)
        Or a CSR array: its columns are scaled, not centered.
    target : array, shape (N, C)
        As ``loss.encode`` gives it.
    loss : Loss
    splits : sequence of (training rows, held-out rows)
        Row numbers, or masks over the rows. A training row may be drawn several times; a held-out row may not be a
        training row.
    route : Route, optional
    alphas : int, array_like or "qut"
        How many strengths, the strengths themselves, or the one that keeps nothing where there is nothing, 20 times
        in 21 (the quantile universal threshold); 0 is always added.
    seeds : sequence of int
    sample_weight : array, shape (N,), optional
    n_jobs : int
        Threads; -1 is one per core. The numbers do not depend on it.
    watch : Watch, optional
        To poll and to stop from another thread.
    score : function, optional
        Scores the model of every strength, fold and seed on the rows that its fold held out.

    Returns
    -------
    MLPPath
    """
    walker = Walker.ready(x, target, loss, splits, route, seeds, sample_weight, n_jobs, watch, score)
    strengths = walker.strengths(alphas)
    return collect(walker, strengths, walker.settled(strengths, walker.fits(strengths)))


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
    network, route, seeds, n_jobs, watch, score
    """

    x: Matrix
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
    score: Score | None

    @staticmethod
    def ready(
        x: ArrayLike | Matrix,
        target: Array,
        loss: Loss,
        splits: Sequence[tuple[Integers, Integers]],
        route: Route | None,
        seeds: Sequence[int],
        sample_weight: Array | None,
        n_jobs: int,
        watch: Watch | None,
        score: Score | None = None,
    ) -> Walker:
        """Check the data of a path (:func:`walk`), and standardize its folds."""
        route, watch = route or Route(), watch or Watch()
        watch.stage = "standardizing"
        data: Matrix = csr_array(x).astype(np.float64) if issparse(x) else np.asarray(x, dtype=np.float64)
        rows, inputs = data.shape
        weights: Array = np.ones(rows) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        numbered = [(row_numbers(train_rows, rows), row_numbers(held_out, rows)) for train_rows, held_out in splits]
        check_splits(numbered, weights, loss, target)
        splits = [(train_rows, held_out[weights[held_out] > 0]) for train_rows, held_out in numbered]
        draws = [np.bincount(train_rows, minlength=rows) for train_rows, _ in splits]  # a row drawn twice counts twice
        row_weights: list[Array] = [*(weights * times for times in draws), weights]
        folds = tuple(standardized_fold(data, target, loss, each, route.standardize) for each in row_weights)
        network = route.network(inputs, target.shape[1])
        route.check_inputs(inputs)
        return Walker(data, target, weights, loss, splits, folds, network, route, seeds, n_jobs, watch, score)

    @property
    def cells(self) -> int:
        """Training sets x seeds."""
        return len(self.folds) * len(self.seeds)

    def strengths(self, alphas: Strengths) -> Array:
        """Give 0 and so many strengths up to the one where the null model wins; or 0 and those that are given."""
        self.check_memory(strength_count(alphas))
        self.watch.stage = "finding the strongest penalty"
        if isinstance(alphas, int | np.integer):
            top = max(self._top(fold) for fold in self.folds)  # all training sets walk one grid
            return grid(top or _ANY_STRENGTH, int(alphas), *self.x.shape)
        if isinstance(alphas, str):
            if alphas != "qut":
                raise ValueError(f'alphas is a number of strengths, strengths, or "qut", got {alphas!r}.')
            return np.array([0.0, self._safe_strength()])
        given = np.unique(np.asarray(alphas, dtype=float))
        if given.size == 0 or not np.isfinite(given).all() or given[0] < 0:
            raise ValueError(f"alphas is a number of strengths, or strengths of zero or more, got {alphas}.")
        return given if given[0] == 0 else np.concatenate([[0.0], given])

    def _top(self, fold: Fold) -> float:
        rows = np.flatnonzero(fold.weights)
        target = (self.target[rows] - fold.target_center) / fold.target_scale
        return strength_at_null(self.route, self.network, self.loss, self._seen(fold, rows), target, fold.weights[rows])

    def _safe_strength(self) -> float:
        """Find a strength that keeps no input, 20 times in 21, where the inputs say nothing about the target.

        The rows of the inputs are shuffled against those of the target, 20 times; each time it is found from which
        strength on nothing is left, for a network by training on all rows; the strongest of these is safe. The true
        rows would be one more draw of 21 if the inputs said nothing. (The quantile universal threshold, its quantile
        taken by permutation: Giacobino, Sardy, Diaz-Rodriguez and Hengartner, Electron. J. Stat. 2017.)
        """
        if self.route.penalty == "elasticnet" and self.route.l1_ratio == 0:
            raise ValueError('alphas="qut" selects inputs, so it needs an l1_ratio above 0, or penalty="group_lasso".')
        generator, found = np.random.default_rng(self.seeds[0]), []
        if not self.route.linear:
            one = replace(self, folds=self.folds[-1:], seeds=self.seeds[:1])
            self.watch.later += _SHUFFLES * one._training(_SAFE_STEPS)
        for _ in range(_SHUFFLES):
            used = np.flatnonzero(self.weights)  # rows of weight 0 say nothing about rows that count
            shuffled_rows = np.arange(len(self.target))
            shuffled_rows[used] = generator.permutation(used)
            x = self.x[shuffled_rows]
            fold = standardized_fold(x, self.target, self.loss, self.weights, self.route.standardize)
            shuffled = replace(self, x=x, folds=(fold,), seeds=self.seeds[:1])
            strengths = np.array([shuffled._top(fold) or _ANY_STRENGTH])
            if not self.route.linear:
                strengths = np.geomspace(strengths[-1] / _SAFE_SPAN, strengths[-1], _SAFE_STEPS)
                empty = [shuffled._nothing_left(fits) for fits in shuffled.fits(strengths)]
                strengths = strengths[[*np.flatnonzero(empty), -1]]
            found.append(float(strengths[0]))
        return max(found)

    def _seen(self, fold: Fold, rows: Integers) -> Matrix:
        """Give some rows as a fold's network sees them."""
        seen = self.x[rows]
        if not isinstance(seen, np.ndarray):
            return scaled(seen, fold.scale)
        seen -= fold.center  # the copy's own place will do
        seen /= fold.scale
        return seen

    def fits(self, strengths: Array) -> list[Fits]:
        """Fits of each strength, over folds x seeds."""
        route, count = self.route, len(strengths)
        self.check_memory(count)
        self.watch.begin(self._training(count))
        if route.linear:
            self.watch.stage = "solving linear models"
            return _by_strength(self.solve(*self._every_cell(strengths), self._zeros(count)), count)
        self.watch.stage = "training without a penalty"
        dense = self.dense()
        self.watch.stage = "training"
        ramp = route.walk == "ramp"
        at_once = self._at_once
        fits: list[Fits] = []
        while len(fits) < count:
            some = strengths[len(fits) : len(fits) + at_once]
            trained = len(fits) + len(some)
            before = dense if ramp or not fits else fits[-1]
            fitted = self.train(self.raised(some, before), self._awake(len(fits), trained, count) / len(some))
            for strength, each in zip(some, _by_strength(fitted, len(some)), strict=True):
                fits.append(each)
                if strength > 0 and self._nothing_left(each):
                    self.watch.expect(-self._ramps(trained, count))
                    return fits + [_null_fits(each)] * (count - len(fits))
        return fits

    @property
    def _at_once(self) -> int:
        """Strengths that are trained side by side."""
        return -(-_AT_ONCE * thread_count(self.n_jobs) // self.cells) if self.route.walk == "ramp" else 1

    def check_memory(self, strengths: int, kept: int = 0, refits: int = 0) -> None:
        """Refuse a path of so many strengths that cannot fit, before anything is drawn.

        ``kept`` and ``refits`` are strengths whose fits are kept besides, and those at which supports are refitted.

        Raises
        ------
        MemoryError
            If it cannot fit.
        """
        route, threads = self.route, thread_count(self.n_jobs)
        size = memory.Size.of(
            self.network.shapes,
            "float64" if route.linear else route.dtype,
            self.cells,
            self.x,
            self.folds,
            Adam(),
            route.penalties(self.network, np.zeros(1)),
            None if route.linear else route.batch_size,
            polishes=route.linear or bool(self._polish_steps),
            stops=False,
        )
        if route.linear:
            need = memory.needed_by_linear_path(size, strengths, threads)
        else:
            need = memory.needed_by_path(size, strengths, min(strengths, self._at_once), threads)
        if kept or refits:
            need = max(need, memory.needed_by_refits(size, kept, refits, threads))
        memory.check(need, threads)

    @property
    def validated(self) -> tuple[Fold, ...]:
        """The folds of the splits; the rows that each holds out validate it."""
        folds = []
        for fold, (_, held_out) in zip(self.folds[:-1], self.splits, strict=True):
            unseen = np.zeros_like(self.weights)
            unseen[held_out] = self.weights[held_out]
            folds.append(replace(fold, validation=unseen))
        return tuple(folds)

    @property
    def dense_epochs(self) -> int:
        """Epochs of the dense fits."""
        return max(1, round(_DENSE_SHARE * self.route.max_iter))

    def expect(self, epochs: float) -> None:
        """Tell the watch of so many epochs of a run to come; below zero, that they are not to come after all."""
        self.watch.expect(epochs * self._epoch)

    def work(self, strengths: int) -> float:
        """Guess the seconds that a path of so many strengths takes on one core of a usual machine."""
        return self._training(strengths) + len(self.folds) * self.scoring(strengths)

    def _training(self, strengths: int) -> float:
        if self.route.linear:
            return self.cells * sum(self._solving(k / strengths) for k in range(strengths))
        return self.dense_work * self._epoch + self._ramps(0, strengths)

    def _ramps(self, first: int, strengths: int) -> float:
        """Guess the seconds of training from a strength on, of so many."""
        epochs = self.cells * (self.route.max_iter + self._polish_steps)
        return epochs * self._awake(first, strengths, strengths) * self._epoch

    @staticmethod
    def _awake(first: int, last: int, strengths: int) -> float:
        """Guess how many strengths' time some of them take, of so many: under a strong one most units sleep."""
        return sum(1 - _ASLEEP * k / strengths for k in range(first, last))

    @property
    def _multiplications(self) -> int:
        """Of a prediction of all rows."""
        return len(self.target) * sum(layer.inputs * layer.units for layer in self.network.dense)

    @property
    def _epoch(self) -> float:
        """Guess the seconds of a run's epoch."""
        return _EPOCH_SECONDS + _PASSES * self._multiplications / _TRAINING_RATE

    @property
    def _scoring(self) -> float:
        """Guess the seconds of scoring a run on all rows."""
        return _SCORE_SECONDS + self._multiplications / _SCORING_RATE

    def _solving(self, place: float) -> float:
        """Guess the seconds of a linear model, from the strongest (0) to the weakest (1), which uses most columns."""
        used = place * min(len(self.target), self.x.shape[1] * self.target.shape[1])
        looks, equations = _LOOKS * self._multiplications, _STEPS * len(self.target) * used**2
        if len(self.target) * used**2 > MOST_WORK:
            return float(_DESCENTS * _PASSES * self._multiplications / _SCORING_RATE)
        return float(_MODEL_SECONDS + looks / _LOOKING_RATE + equations / _EQUATIONS_RATE)

    @property
    def dense_work(self) -> int:
        """Work of the dense fits, as a watch counts it."""
        return self.cells * (self.dense_epochs + self._polish_steps)

    @property
    def _polish_steps(self) -> int:
        return _POLISH_STEPS if self.route.batch_size else 0

    def dense(self) -> Fits:
        """Unpenalized fits of every cell, that the others start from."""
        # Twice the rate brings them quickly to where a penalty can act.
        rate = 2 * self.route.learning_rate
        return self.train(self.job(*self._every_cell(np.zeros(1)), self.starts(), self.dense_epochs, rate=rate))

    def raised(self, strengths: Array, before: Fits) -> Job:
        """Job that takes the fits of every cell to some strengths; runs are ordered strength, fold, seed."""
        return self.raised_cells(
            np.repeat(strengths, self.cells), np.tile(np.arange(self.cells), len(strengths)), before
        )

    def raised_cells(self, alphas: Array, cells: Integers, before: Fits) -> Job:
        """Job of runs (R,) that takes the fit of each one's cell to a strength of its own."""
        start = tuple(array[cells] for array in before.parameters)
        ramp = RAMP_SHARE if self.route.walk == "ramp" else 0.0
        return self.job(cells, self.route.penalties(self.network, alphas), start, self.route.max_iter, ramp=ramp)

    def linear_job(self, strengths: Array) -> Job:
        """Job that solves the linear models of every cell at some strengths, as well as descending does."""
        polish = Polish(_LINEAR_STEPS, self.route.tolerance)
        return self.job(*self._every_cell(strengths), self._zeros(len(strengths)), 0, polish=polish)

    def _zeros(self, count: int) -> Arrays:
        self.check_memory(count)
        return tuple(np.zeros((count * self.cells, *shape)) for shape in self.network.shapes)

    def again(self, x: Array, target: Array) -> Walker:
        """Get ready for the same walk over other numbers."""
        given = (self.loss, self.splits, self.route, self.seeds, self.weights, self.n_jobs)
        return Walker.ready(x, target, *given, Watch())

    def null_wins(self, fits: Fits) -> Booleans:
        """Whether each run (of one strength above 0) ended above the null model, which is then the better one."""
        return ~lower(fits.data_loss + fits.penalty, self._null_of_cells)

    @property
    def _null_of_cells(self) -> Array:
        return np.repeat(self.null_objectives, len(self.seeds))

    def settled(self, strengths: Array, fits: Sequence[Fits], penalties_of: PenaltiesOf | None = None) -> Settled:
        """Put the network of lowest objective into every cell above strength 0 (:mod:`ridgewalk.envelope`).

        At strength 0 training goes on, unpenalized, from the weakest strength's network where that has the lower loss;
        what diverged there stays as it is, to be seen.

        Parameters
        ----------
        strengths : array, shape (S,)
        fits : sequence of Fits
            One per strength, over folds x seeds.
        penalties_of : function, optional
            By default the route's.
        """
        of = penalties_of or (lambda alphas, _: self.route.penalties(self.network, alphas))
        free = int(strengths[0] == 0)
        alphas, walked = strengths[free:], fits[free:]
        if not walked:
            return Settled(list(fits), np.zeros((free, self.cells), dtype=int))

        def penalty_of(number: int, cells: Integers, source: Integers) -> Array:
            penalties = of(np.full(len(cells), alphas[number]), cells)
            # In double precision, so that one network has one penalty wherever it stands.
            arrays = tuple(w.astype(np.float64) for w in networks_of(walked, source, cells))
            return Objective(self.network, self.loss, penalties).penalty(arrays)

        source, penalty = sources(np.stack([fit.data_loss for fit in walked]), self._null_of_cells, penalty_of)
        moved = (source != np.arange(len(walked))[:, None]) & (source != NULL)
        measured = self._measured(alphas, walked, source, moved, of)
        found = []
        for number, fit in enumerate(walked):
            put = put_in(fit, np.flatnonzero(moved[number]), measured.part(np.nonzero(moved)[0] == number))
            found.append(self.with_null(replace(put, penalty=penalty[number]), source[number] == NULL))
        if not free:
            return Settled(found, source)
        first, below = self._trained_on(fits[0], found[0], source[0] + 1)
        return Settled([first, *found], np.vstack([below, np.where(source == NULL, NULL, source + 1)]))

    def _measured(
        self, alphas: Array, walked: Sequence[Fits], source: Integers, moved: Booleans, of: PenaltiesOf
    ) -> Fits:
        """Measure the networks that moved (S, cells) at the strengths where they stand now."""
        numbers, cells = np.nonzero(moved)
        taken = source[numbers, cells]
        if not cells.size:
            return walked[0].part(cells)
        epochs = [walked[number].epochs[cell] for number, cell in zip(taken, cells, strict=True)]
        fits = self.measured(cells, of(alphas[numbers], cells), networks_of(walked, taken, cells))
        return replace(fits, epochs=np.array(epochs))

    def measured(self, cells: Integers, penalties: tuple[Penalty, ...], networks: Arrays) -> Fits:
        """Measure networks (R, ., .) of some cells under penalties of these runs: a job without steps."""
        return replace(self.train(replace(self.job(cells, penalties, networks, 0), polish=None)), history=None)

    def _trained_on(self, dense: Fits, weakest: Fits, source: Integers) -> tuple[Fits, Integers]:
        """Train on without a penalty from the weakest strength's networks, where their loss is below the dense fits'.

        Returns the fits of strength 0, and for each cell the number of the strength whose network it came from.
        """
        cells = np.flatnonzero((source > 0) & ~dense.diverged & lower(weakest.data_loss, dense.data_loss))
        below = np.zeros(self.cells, dtype=int)
        if not cells.size:
            return dense, below
        job = self.unpenalized_job(cells, tuple(w[cells] for w in weakest.parameters))
        self.expect(job.work)
        fits = self.train(job)
        better = ~fits.diverged & lower(fits.data_loss, dense.data_loss[cells])
        below[cells[better]] = source[cells[better]]
        return put_in(dense, cells[better], fits.part(better)), below

    def unpenalized_job(self, cells: Integers, networks: Arrays) -> Job:
        """Job that trains networks (R, ., .) of some cells on, without a penalty."""
        penalties = self.route.penalties(self.network, np.zeros(len(cells)))
        if self.route.linear:
            return self.job(cells, penalties, networks, 0, polish=Polish(_LINEAR_STEPS, self.route.tolerance))
        return self.job(cells, penalties, networks, self.dense_epochs)

    def refitted(self, fits: Sequence[Fits]) -> Settled:
        """Prefer the null model where it wins, and no other network: refits follow no rising strength."""
        wins = [self.null_wins(fit) for fit in fits]
        source = np.where(wins, NULL, np.arange(len(fits))[:, None])
        return Settled([self.with_null(*pair) for pair in zip(fits, wins, strict=True)], source)

    def with_null(self, fits: Fits, wins: Booleans) -> Fits:
        """Put the null model of its training set in the place of some runs (cells,).

        It is a candidate for every strength; where the training ended above it, it is the better one (decision 0004).
        """
        if not wins.any():
            return fits
        fold = np.flatnonzero(wins) // len(self.seeds)
        parameters = tuple(w.copy() for w in fits.parameters)
        for w in parameters:
            w[wins] = 0
        parameters[-1][wins] = np.stack(self.null_outputs)[fold][:, None]
        measures = {name: getattr(fits, name).copy() for name in ("data_loss", "penalty", "residual")}
        measures["data_loss"][wins], measures["penalty"][wins] = self._null_losses[fold], self._null_penalties[fold]
        measures["residual"][wins] = 0  # with every weight 0 the only slopes left are those of the intercept
        return replace(fits, parameters=parameters, **measures)

    def _nothing_left(self, fits: Fits) -> bool:
        empty = [(w == 0).all(axis=(-2, -1)) for w in fits.parameters[::2]]
        return bool((self.null_wins(fits) | np.any(empty, axis=0)).all())

    def solve(self, cells: Integers, penalties: tuple[Penalty, ...], start: Arrays) -> Fits:
        """Solve linear models: by Newton's method, each from the one before; descend where it has no use."""
        near = max(_NEAR, self.route.tolerance)
        job = self.job(cells, penalties, start, 0, polish=Polish(_LINEAR_STEPS, near))
        start, seconds = self._near_optimum(job)
        job = replace(job, start=start)
        solved, unsolved = np.flatnonzero(seconds == 0), np.flatnonzero(seconds)
        parts = [(runs, job.part(runs)) for runs in (solved, unsolved) if runs.size]
        found = [self._train(part, float(seconds[runs].sum()) / part.work) for runs, part in parts]
        fits = self._finished(job, joined(found, np.concatenate([solved, unsolved])))
        # Where classes are separable, and nothing holds the weights, more steps only take them further.
        held = np.array([job.objective(np.array([run])).penalties[0].acts for run in range(len(cells))])
        rest = np.flatnonzero((fits.residual > self.route.tolerance) & (held | isinstance(self.loss, SquaredError)))
        if rest.size and near > self.route.tolerance:
            last = Polish(_LINEAR_STEPS, self.route.tolerance)
            job = replace(job.part(rest), start=fits.part(rest).parameters, polish=last)
            others = np.setdiff1d(np.arange(len(cells)), rest)
            fits = joined([self._train(job, 0.0), fits.part(others)], np.concatenate([rest, others]))
        return fits

    def _near_optimum(self, job: Job) -> tuple[Arrays, Array]:
        """Solve linear models from the strongest to the weakest of each fold and start, each from the one before.

        Beside what is found it gives the seconds (R,), as a guess, of each that is left to be descended; 0 of others.
        """
        left = np.full(job.runs, self._solving(1.0))
        arrays = tuple(w.astype(np.float64) for w in job.start)
        chains: dict[tuple[int, int], list[int]] = {}
        for run in reversed(range(len(job.fold))):
            if self._may_be_finished(self.folds[job.fold[run]]):
                chains.setdefault((int(job.fold[run]), int(job.seeds[run])), []).append(run)

        def walk_down(runs: list[int]) -> None:
            models = LinearModels(self._rows_of(self.folds[job.fold[runs[0]]]))
            before = tuple(w[runs[0]] for w in arrays)
            for place, run in enumerate(runs):
                look_for_end()
                given = tuple(w[run] for w in arrays)
                begun = given if any(w.any() for w in given) else before
                before, solved = models.solved(job.objective(np.array([run])), begun, self.route.tolerance)
                for w, found in zip(arrays, before, strict=True):
                    w[run] = found
                seconds = self._solving(place / len(runs))
                left[run] = 0 if solved else seconds
                self.watch.add(seconds - left[run])

        # One thread inside BLAS, as in the engines: the numbers do not depend on how many there are.
        with threadpool_limits(limits=1):
            for_each(walk_down, list(chains.values()), thread_count(self.n_jobs))
        return arrays, left

    def _may_be_finished(self, fold: Fold) -> bool:
        """Whether a training set is small enough for Newton's method."""
        return bool(np.count_nonzero(fold.weights) * self.x.shape[1] <= _MOST_NUMBERS)

    def _rows_of(self, fold: Fold) -> Rows:
        return fold.standardized(self.x, self.target, fold.weights, np.dtype(np.float64))

    def _finished(self, job: Job, fits: Fits) -> Fits:
        """Take linear models from near their optimum to it; where classes are separable and free there is none."""
        arrays = tuple(w.copy() for w in fits.parameters)
        measures = {name: getattr(fits, name).copy() for name in ("data_loss", "penalty", "residual")}
        for number, fold in enumerate(self.folds):
            if not self._may_be_finished(fold):
                continue
            rows = self._rows_of(fold)
            models = LinearModels(rows)

            def settle(run: int, rows: Rows = rows, models: LinearModels = models) -> None:
                look_for_end()
                objective = job.objective(np.array([run]))
                point, _ = models.solved(objective, tuple(w[run] for w in arrays), self.route.tolerance)
                stacked = tuple(w[None] for w in point)
                slopes = objective.data_gradient(stacked, rows.x, rows.target, mean_weights(rows.weights))
                residual = objective.residual(stacked, slopes)[0]
                if not objective.penalties[0].acts and residual > self.route.tolerance:
                    return
                for w, found in zip(arrays, point, strict=True):
                    w[run] = found
                measures["data_loss"][run] = objective.data_loss(stacked, rows.x, rows.target, rows.weights)[0]
                measures["penalty"][run] = objective.penalty(stacked)[0]
                measures["residual"][run] = residual

            with threadpool_limits(limits=1):
                for_each(settle, np.flatnonzero(job.fold == number).tolist(), thread_count(self.n_jobs))
        return replace(fits, parameters=arrays, **measures)

    def on(self, columns: Integers) -> Walker:
        """Give the same walk over some of the columns."""
        folds = tuple(replace(fold, center=fold.center[columns], scale=fold.scale[columns]) for fold in self.folds)
        network = self.route.network(len(columns), self.target.shape[1])
        return replace(self, x=self.x[:, columns], folds=folds, network=network)

    def train(self, job: Job, share: float = 1.0) -> Fits:
        """Train a job as the route says; its epochs take a ``share`` of the time that others take, as a guess."""
        return self._train(job, share * self._epoch)

    def _train(self, job: Job, seconds: float) -> Fits:
        """Train a job, each epoch of a run counted as so many seconds."""
        with self.watch.counting(seconds):
            return train(job, self.n_jobs, self.watch, self.route.engine)

    def scoring(self, strengths: int) -> float:
        """Guess the seconds of scoring one training set at so many strengths."""
        return strengths * len(self.seeds) * self._scoring

    def losses(self, parameters: Sequence[Array], fold: Fold, rows: Integers) -> Array:
        """Losses (E, rows) of one fold's fits at one strength."""
        look_for_end()
        widest = len(self.seeds) * max(max(shape) for shape in self.network.shapes)
        some = slices(len(rows), widest)
        return np.concatenate([self._losses(parameters, fold, rows[each]) for each in some], axis=1)

    def _losses(self, parameters: Sequence[Array], fold: Fold, rows: Integers) -> Array:
        seen = self._seen(fold, rows)
        x = (seen if isinstance(seen, np.ndarray) else seen.toarray()).astype(parameters[0].dtype)
        with np.errstate(all="ignore"):
            output, _ = self.network.forward(x, tuple(parameters))
            return self.scored(output.astype(np.float64), fold, rows)

    def scored(self, output: Array, fold: Fold, rows: Integers) -> Array:
        """Losses (E, rows) of outputs (E, rows, C) in a fold's standardized units, brought to those of the target."""
        return row_losses(self.loss, output, self.target[rows], fold, self.folds[-1].target_scale)

    @cached_property
    def null_outputs(self) -> list[Array]:
        """Best constant output (C,) of each training set, in its standardized problem; a bias may be penalized."""
        return [self._null_output(fold) for fold in self.folds]

    @cached_property
    def null_objectives(self) -> Array:
        """Objective of each training set's null model: shape (K + 1,)."""
        return self._null_losses + self._null_penalties

    @cached_property
    def _null_losses(self) -> Array:
        losses = []
        for fold, null in zip(self.folds, self.null_outputs, strict=True):
            target = (self.target - fold.target_center) / fold.target_scale
            values = self.loss.values(np.broadcast_to(null, target.shape), target)
            losses.append(float(weighted_mean(values, fold.weights)))
        return np.array(losses)

    @cached_property
    def _null_penalties(self) -> Array:
        """What the biases pay that the null models are."""
        bias = self.route.bias_penalty(np.ones(()))
        return np.array([float(bias.value(null[None])) for null in self.null_outputs])

    def _null_output(self, fold: Fold) -> Array:
        target = (self.target - fold.target_center) / fold.target_scale
        if not self.route.bias_alpha:
            return self.loss.null_output(target, fold.weights)
        nothing, bias = np.zeros((len(target), 1)), self.route.bias_penalty(np.ones(()))
        return np.asarray(linear_fit(self.loss, nothing, target, fold.weights, self.route.engine, bias)[0])

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

    def starts(self) -> Arrays:
        """Random weights: one start per seed, the same for every fold but for what its loss begins with."""
        self.check_memory(1)
        drawn = self.network.starts(self.route.start_rule, self.seeds, self.route.dtype, len(self.folds))
        return begun(self.loss, drawn, self.target, [fold.weights for fold in self.folds])


def strength_count(alphas: Strengths) -> int:
    """Return how many strengths a path has at most, 0 among them."""
    return (
        2 if isinstance(alphas, str) else 1 + (int(alphas) if isinstance(alphas, int | np.integer) else np.size(alphas))
    )


def networks_of(fits: Sequence[Fits], source: Integers, cells: Integers) -> Arrays:
    """Stack one network (R, ., .) for each cell (R,): that of the strength ``source`` (R,)."""
    used = np.unique(source)
    stacked = tuple(np.empty((len(cells), *w.shape[1:]), dtype=w.dtype) for w in fits[0].parameters)
    for number in used:
        here = source == number
        for array, w in zip(stacked, fits[number].parameters, strict=True):
            array[here] = w[cells[here]]
    return stacked


def put_in(fits: Fits, cells: Integers, others: Fits) -> Fits:
    """Put the networks of other fits (R,) into some cells (R,); whether a cell's own training diverged stays said."""
    if not cells.size:
        return fits
    rest = np.setdiff1d(np.arange(len(fits.data_loss)), cells)
    together = joined([fits.part(rest), others], np.concatenate([rest, cells]))
    return replace(together, diverged=fits.diverged, history=fits.history)


def _by_strength(fits: Fits, count: int) -> list[Fits]:
    """Split fits ordered strength, fold, seed into one per strength."""
    cells = len(fits.data_loss) // count
    return [fits.part(slice(first, first + cells)) for first in range(0, count * cells, cells)]


def _null_fits(like: Fits) -> Fits:
    """Fits to which the null model is preferred, without training any."""
    runs = len(like.data_loss)
    return replace(
        like,
        parameters=tuple(np.zeros_like(w) for w in like.parameters),
        data_loss=np.full(runs, np.inf),
        epochs=np.zeros(runs, dtype=int),
        diverged=np.zeros(runs, dtype=bool),
    )


def collect(walker: Walker, strengths: Array, settled: Settled) -> MLPPath:
    """Score the held-out rows, and shape everything strength x fold x seed."""
    walker.watch.stage = "scoring held-out rows"
    walker.watch.begin(len(walker.folds) * walker.scoring(len(strengths)))
    splits, weights, folds, seeds = walker.splits, walker.weights, walker.folds, len(walker.seeds)
    shape = (len(strengths), len(folds), seeds)
    fits = settled.fits

    def table(name: str) -> Array:
        return np.stack([getattr(fit, name) for fit in fits]).reshape(shape)

    arrays = [
        np.stack(each).reshape(*shape, *each[0].shape[1:])
        for each in zip(*(fit.parameters for fit in fits), strict=True)
    ]
    objective, penalty, residual = table("data_loss") + table("penalty"), table("penalty"), table("residual")
    diverged, source = table("diverged").astype(bool), settled.source.reshape(shape)
    lost = diverged & (source == np.arange(len(strengths))[:, None, None])
    train_loss = np.empty(shape)
    heldout = np.empty((len(strengths), len(splits), seeds))
    score = np.empty_like(heldout) if walker.score else None
    fold_row_loss = [np.empty((len(strengths), len(held_out))) for _, held_out in splits]
    null_losses = []
    for k, fold in enumerate(folds):
        null = walker.null_outputs[k]
        arrays[0][:, k][..., np.isinf(fold.scale), :] = 0  # a column that is constant here has taught nothing
        training = np.flatnonzero(fold.weights)
        held_out = splits[k][1] if k < len(splits) else training[:0]
        for s in range(len(strengths)):
            parameters = [w[s, k] for w in arrays]
            train_loss[s, k] = weighted_mean(walker.losses(parameters, fold, training), fold.weights[training])
            walker.watch.add(walker.scoring(1))
            if not held_out.size:
                continue
            losses = walker.losses(parameters, fold, held_out)
            losses[lost[s, k]] = np.inf
            heldout[s, k] = weighted_mean(losses, weights[held_out])
            fold_row_loss[k][s] = losses.mean(axis=0)
            if walker.score and score is not None:
                models = [model_of(walker.network, walker.loss, [w[e] for w in parameters], fold) for e in range(seeds)]
                score[s, k] = [
                    -np.inf if none else walker.score(model, held_out)
                    for model, none in zip(models, lost[s, k], strict=True)
                ]
        constant = np.broadcast_to(null, (len(held_out), len(null)))
        null_losses.append(walker.scored(constant, fold, held_out))
    inputs_kept, units_kept = connected([w != 0 for w in arrays[::2]])
    heldout_rows = tuple(held_out for _, held_out in splits)
    return MLPPath(
        alphas=strengths,
        heldout_loss=heldout,
        heldout_score=score,
        heldout_rows=heldout_rows,
        fold_row_loss=tuple(fold_row_loss),
        row_weights=np.where(np.isin(np.arange(len(weights)), np.concatenate(heldout_rows)), weights, 0.0),
        null_row_loss=average_by_row(heldout_rows, null_losses[: len(splits)], len(weights)),
        train_loss=train_loss,
        objective=objective,
        penalty=penalty,
        source=source,
        layer_zeros=np.stack([(w == 0).mean(axis=(-2, -1)) for w in arrays[::2]], axis=-1),
        inputs_kept=inputs_kept,
        units_kept=units_kept,
        residual=residual,
        n_iter=table("epochs").astype(int),
        diverged=diverged,
        parameters=tuple(w[:, -1].copy() for w in arrays),  # those of the folds can go
        route=walker.route,
        network=walker.network,
        loss=walker.loss,
        whole=folds[-1],
        engine=fits[0].engine,
    )
