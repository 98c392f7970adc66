"""The linear baseline of a network's path: elastic nets on all training sets at once, from strong to weak.

The baseline is solved to a tolerance, and takes little time compared with the network. Every training set contains all
rows, and its held-out rows have weight 0. All training sets can then be solved together with a few BLAS calls, which
also give their held-out losses.

    start        linear extrapolation from the solutions at the two stronger strengths before
    quadratic    each block (training set f, output c) has its own quadratic approximation, with the matrix
                 sum_i s_i k_i x_i x_i' + 2 l2, where k is the second derivative of the loss by the output z_c, at the
                 outputs of the model of all rows: one sum over all rows, minus that over the rows held out by f. Mixed
                 derivatives of a row's outputs are left out (the partial Newton method of glmnet: Friedman, Hastie and
                 Tibshirani, J. Stat. Softw. 2010, section 4). It is reused while its steps decrease the objective as
                 predicted.
    step         to the minimum of quadratic + L1, then a line search for a lower objective; the last step is one whose
                 predicted decrease, or error of this prediction, is below the tolerance
    columns      with many columns, only those that can decrease the objective; the slopes of all columns end the search
    end          at a strength that is worse on held-out rows by three paired standard errors, or after three strengths
                 without an improvement; never at 0, where separable classes have no optimum

Each strength starts from the solution at the stronger one and only decreases its objective, so the objective never
decreases as the strength increases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ridgewalk.arrays import Array, Booleans, Integers
from ridgewalk.engine import Runner
from ridgewalk.engine.job import Fits
from ridgewalk.folds import average_by_row, loss_unit, standardizes_target
from ridgewalk.losses import curvature_diagonal, facts
from ridgewalk.objective import Objective
from ridgewalk.path.active_sets import minimized
from ridgewalk.path.cost import baseline_solving_seconds
from ridgewalk.path.dependence import mean_and_error
from ridgewalk.path.families import as_elastic_net
from ridgewalk.path.fit import find_strengths, fit_path
from ridgewalk.path.jobs import network_of, penalties_at
from ridgewalk.path.law import NullObjectives, null_objectives, with_law
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.result import MLPPath, Score, collect
from ridgewalk.path.settings import PathSettings
from ridgewalk.penalties import elastic_strengths
from ridgewalk.threads import look_for_end

_Number = TypeVar("_Number", bound=np.generic)

BASELINE_STRENGTHS = 15
TOLERANCE = 1e-4  # of the objective: what a further step may still promise
_EXACT_RESIDUAL = 1e-5  # at which the exact solver, where it stands in, ends
_CLEAR_ERRORS, _WORSE_IN_A_ROW = 3.0, 3  # paired standard errors; strengths in a row that predict no better
_STEPS, _HALVINGS, _ROUNDS = 10, 12, 20
_ARMIJO = 0.1  # of the promised decrease, times the step: less is too little
_STALE_DECREASE = 0.6  # of the promised decrease: a quadratic that keeps less is made anew
_BLOCK_PARTS = 100  # a block of an output may leave such a part of its share of the tolerance
_LEAST_CURVATURE = 1e-3  # of the largest curvature of a row: no row counts as flatter
_FEW_COLUMNS = 100  # columns that are all in use from the beginning
_MOST_ENTRANTS = 30  # columns that enter at once, at least; else as many as there are
_MOST_ROWS, _ROWS_PER_WEIGHT = 50_000, 500  # more rows hardly teach a linear model more
_MOST_NUMBERS = 2**26  # of the columns in use, and of the quadratics, over all training sets: 512 MiB
_FEWEST_COLUMNS = 200  # of which a path can be followed


def fit_baseline(
    problem: PathProblem, settings: PathSettings, strengths: int, runner: Runner, score: Score | None = None
) -> MLPPath:
    """Fit linear models of the columns as they are, on the folds of a network's path, under the same elastic net.

    Of very many rows a random part, drawn from the first seed, is used and scored. Losses without curvature, and tables
    that are too large for all training sets at once, are left to :func:`ridgewalk.path.fit.fit_path`.

    Parameters
    ----------
    problem : PathProblem
        Of the network; one start is enough.
    settings : PathSettings
        Of the network.
    strengths : int
        How many, at most :data:`BASELINE_STRENGTHS`, all above 0; fewer where the path ends early.
    runner : Runner
    score : function, optional
        As for :func:`~ridgewalk.path.fit.fit_path`; with one the path goes to its end.
    """
    settings = baseline_settings(settings)
    problem = _part_of_rows(replace(problem.plain, seeds=problem.seeds[:1]))
    count = min(strengths, BASELINE_STRENGTHS)
    if not _fits_at_once(problem):
        return fit_path(problem, settings, count, runner, score)
    alphas = find_strengths(problem, settings, runner, count)[1:]
    null = null_objectives(problem, settings, runner)
    fits = _solved(problem, settings, runner, null, alphas, ends=score is None)
    alphas = alphas[len(alphas) - len(fits) :]
    lawful = with_law(problem, settings, runner, null, alphas, fits)
    return collect(problem, settings, runner, null, alphas, lawful, score, _training_losses(problem, lawful.fits))


def _training_losses(problem: PathProblem, fits: Sequence[Fits]) -> Array | None:
    """Return the losses (S, K + 1, 1) of the training rows, in the units of the target, where one unit is enough."""
    if problem.outputs > 1 and standardizes_target(problem.loss):
        return None
    units = np.array([loss_unit(problem.loss, fold) for fold in problem.folds])
    return np.stack([fit.data_loss * units for fit in fits])[..., None]


def baseline_settings(settings: PathSettings) -> PathSettings:
    """Return the settings of the linear path for a network's: no hidden layer, with the same elastic net."""
    penalty = as_elastic_net(settings.penalty)
    return replace(settings, hidden_layer_sizes=(), penalty=penalty, batch_size=None, tolerance=_EXACT_RESIDUAL)


def _part_of_rows(problem: PathProblem) -> PathProblem:
    """Return the problem with weight 0 for the rows, of very many, that a linear model needs not."""
    used = np.flatnonzero(problem.weights)
    most = max(_MOST_ROWS, _ROWS_PER_WEIGHT * problem.inputs * problem.outputs)
    if len(used) <= most:
        return problem
    kept = np.random.default_rng(problem.seeds[0]).choice(used, most, replace=False)
    weights = np.zeros_like(problem.weights)
    weights[kept] = problem.weights[kept]
    return problem.with_weights(weights)


def _most_columns(problem: PathProblem) -> int:
    """Return how many columns may be in use at once."""
    sets, rows = len(problem.folds), int(np.count_nonzero(problem.weights))
    return int(min(_MOST_NUMBERS / (sets * rows), np.sqrt(_MOST_NUMBERS / (sets * problem.outputs))))


def _fits_at_once(problem: PathProblem) -> bool:
    """Return whether the loss has a curvature, and enough columns can be in use at once."""
    one = problem.target[:1]
    curved = curvature_diagonal(problem.loss, one, one) is not None
    return curved and _most_columns(problem) >= min(problem.inputs, _FEWEST_COLUMNS)


def _solved(
    problem: PathProblem, settings: PathSettings, runner: Runner, null: NullObjectives, alphas: Array, *, ends: bool
) -> list[Fits]:
    """Solve strengths (S,) from strong to weak; return one :class:`Fits` each, from weak to strong."""
    runner.progress.stage = "solving linear models"
    network, fits = network_of(problem, settings), list[Fits]()
    seconds = baseline_solving_seconds(problem, settings, len(alphas))
    # One thread inside BLAS, as in the engines: the numbers do not depend on how many there are.
    with threadpool_limits(limits=1), runner.progress.task(seconds):
        lines = Lines(problem, null)
        best, in_vain = lines.held_out_losses(), 0
        for alpha in alphas[::-1]:
            look_for_end()
            objective = Objective(network, problem.loss, penalties_at(problem, settings, np.array([alpha])))
            if not lines.descend(objective):
                break
            fits.insert(0, lines.fits(objective, runner.engine))
            runner.progress.add(seconds / len(alphas))
            losses = lines.held_out_losses()
            worse, error = mean_and_error(losses - best, lines.scored, problem.dependence)
            best, in_vain = (losses, 0) if worse < 0 else (best, in_vain + 1)
            if ends and (worse > _CLEAR_ERRORS * error or in_vain == _WORSE_IN_A_ROW):
                break
    return fits


class Lines:
    """Linear models of every training set f at once, which descend from one strength to the next.

    Attributes
    ----------
    point : array, shape (F, P + 1, C)
        Weights, and the bias as the last.
    output : array, shape (F, N, C)
    losses : array, shape (F, N)
        Of each row.
    pull : array, shape (F, N, C)
        Slopes of the mean loss by the outputs.
    slopes : array, shape (F, P + 1, C)
        Of the mean loss.
    scored : array, shape (N,)
        Weights of the rows that are held out; N are the rows that count at all.
    steps, quadratics : int
        How many were made so far.
    """

    def __init__(self, problem: PathProblem, null: NullObjectives) -> None:
        """Begin at the null models."""
        rows, folds = np.flatnonzero(problem.weights), problem.folds
        constants = np.stack(null.outputs)[:, None]
        self.loss, self.x, self.most_columns = problem.loss, problem.x[rows], _most_columns(problem)
        self.center, self.scale = (np.stack([getattr(fold, name) for fold in folds]) for name in ("center", "scale"))
        target = np.stack([(problem.target[rows] - fold.target_center) / fold.target_scale for fold in folds])
        self.target = _by_output(target.swapaxes(1, 2).copy())
        self.weights = np.stack([fold.weights[rows] / fold.weights.sum() for fold in folds])
        self.left_out = [np.flatnonzero(weights == 0) for weights in self.weights]
        self.shares = [1 - self.weights[-1, each].sum() for each in self.left_out]
        self.held_out = [np.searchsorted(rows, each) for _, each in problem.splits]
        self.scored = np.where(
            np.isin(rows, np.concatenate([each for _, each in problem.splits])), problem.weights[rows], 0
        )
        self.point = np.concatenate([np.zeros((len(folds), problem.inputs, problem.outputs)), constants], axis=1)
        self.before = self.point
        self.steps = self.quadratics = 0
        self.quadratic: Array | None = None
        self._take_columns(np.arange(problem.inputs if problem.inputs <= _FEW_COLUMNS else 0))
        self.output = self._along(self.point[:, self.places])
        self.losses = self.loss.values(self.output, self.target)
        self._reach(self.output, self.losses, np.ones(len(folds), dtype=bool))
        self._look()

    def held_out_losses(self) -> Array:
        """Return the loss of each row (N,), averaged over the sets that hold it out, in their standardized units."""
        losses = [self.losses[k, each] for k, each in enumerate(self.held_out)]
        return average_by_row(self.held_out, losses, len(self.scored))

    def fits(self, objective: Objective, engine: str) -> Fits:
        """Return the current solutions, one run for every training set."""
        arrays = (self.point[:, :-1].copy(), self.point[:, -1:].copy())
        sets = len(self.point)
        return Fits(
            parameters=arrays,
            data_loss=self._mean(self.losses),
            penalty=objective.penalty(arrays),
            validation_loss=np.full(sets, np.nan),
            residual=objective.residual(arrays, (self.slopes[:, :-1], self.slopes[:, -1:])),
            epochs=np.zeros(sets, dtype=int),
            diverged=np.zeros(sets, dtype=bool),
            history=None,
            engine=engine,
        )

    def descend(self, objective: Objective) -> bool:
        """Minimize an objective from the last point, within the tolerance.

        Parameters
        ----------
        objective : Objective
            Of linear models at one strength.

        Returns
        -------
        bool
            False where more columns are in use than the quadratics may have.
        """
        l1, l2, free = _strengths(objective, self.point.shape[1:])
        values = self._mean(self.losses) + _penalty(self.point, l1, l2)
        self.tolerance = TOLERANCE * float(np.abs(values).mean())
        used = np.flatnonzero((self.point[:, :-1] != 0).any(axis=(0, 2)))
        if len(self.used) > max(2 * len(used) + _MOST_ENTRANTS, _FEW_COLUMNS):
            self._take_columns(used)
        self._extrapolate(l1, l2)
        last = self.steps + _STEPS
        for _ in range(_ROUNDS):
            self._settle(l1[self.places], l2[self.places], free[self.places], last)
            self._look()
            entering = self._entering(l1, l2, free)
            if not entering.size:
                break
            if len(self.used) + len(entering) > self.most_columns:
                return False
            self._take_columns(np.sort(np.concatenate([self.used, entering])))
        return True

    def _extrapolate(self, l1: Array, l2: Array) -> None:
        """Extrapolate from the last two strengths if this decreases the objective; no sign changes."""
        before, self.before = self.before, self.point.copy()
        ahead = 2 * self.point - before
        ahead[(self.point == 0) | ((ahead * self.point < 0) & (l1 > 0))] = 0
        output = self.output + self._along((ahead - self.point)[:, self.places])
        losses = self.loss.values(output, self.target)
        lower = self._mean(losses) + _penalty(ahead, l1, l2) < self._mean(self.losses) + _penalty(self.point, l1, l2)
        self.point = np.where(lower[:, None, None], ahead, self.point)
        self._reach(output, losses, lower)

    def _settle(self, l1: Array, l2: Array, free: Booleans, last: int) -> None:
        """Descend on the columns in use, whose strengths (n + 1, C) are given."""
        point = self.point[:, self.places]
        value = self._mean(self.losses) + _penalty(point, l1, l2)
        while self.steps < last:
            move, promised = self._toward(point, l1, l2, free)
            if promised.max() <= self.tolerance:
                break
            self.steps += 1
            lengths, ahead = np.ones(len(point)), self._along(move)
            for _ in range(_HALVINGS):
                reached = point + lengths[:, None, None] * move
                output = self.output + lengths[:, None, None] * ahead
                losses = self.loss.values(output, self.target)
                there = self._mean(losses) + _penalty(reached, l1, l2)
                lower = there <= value - _ARMIJO * lengths * promised
                if lower.all():
                    break
                lengths = np.where(lower, lengths, lengths / 2)
            point = np.where(lower[:, None, None], reached, point)
            self._reach(output, losses, lower)
            there = np.where(lower, there, value)
            gained, value = value - there, there
            if np.abs(gained - promised).max() <= self.tolerance or (self.fresh and not lower.any()):
                break
            kept = gained[promised > self.tolerance] / promised[promised > self.tolerance]
            if not self.fresh and ((kept < _STALE_DECREASE).any() or (kept > 1 / _STALE_DECREASE).any()):
                self.quadratic = None
        self.point[:, self.places] = point

    def _toward(self, point: Array, l1: Array, l2: Array, free: Booleans) -> tuple[Array, Array]:
        """Return the step to the minimum of the quadratics, and the decrease (F,) that they predict."""
        sets, outputs, count = len(point), self.target.shape[2], point.shape[1]

        def blocks(values: NDArray[_Number]) -> NDArray[_Number]:
            whole = np.broadcast_to(values, (sets, count, outputs))
            return np.ascontiguousarray(whole.transpose(0, 2, 1)).reshape(sets * outputs, count)

        self.fresh = self.quadratic is None
        bend = self._bend() if self.quadratic is None else self.quadratic
        matrix = bend.reshape(sets * outputs, count, count).copy()
        at = np.arange(count)
        matrix[:, at, at] += 2 * blocks(l2)
        slope = blocks(self._against(self.columns.T @ self.pull) + 2 * l2 * point)
        start, l1_blocks = blocks(point), blocks(l1)
        enough = self.tolerance / (_BLOCK_PARTS * outputs)
        move = minimized(matrix, slope, start, l1_blocks, blocks(free), enough) - start
        rise = slope + 0.5 * (matrix @ move[:, :, None])[:, :, 0]
        penalty = l1_blocks * (np.abs(start + move) - np.abs(start))
        promised = -(rise * move + penalty).sum(axis=1).reshape(sets, outputs).sum(axis=1)
        return move.reshape(sets, outputs, count).transpose(0, 2, 1), promised

    def _bend(self) -> Array:
        """Compute new quadratics: matrices (F, C, n + 1, n + 1)."""
        bend = curvature_diagonal(self.loss, self.output[-1], self.target[-1])
        assert bend is not None
        outputs = bend.shape[1]
        # Logits that are moved together change no softmax: where chances are equal, other ways are so much steeper.
        tied = outputs / (outputs - 1) if facts(self.loss).output_activation == "softmax" else 1.0
        bend = tied * self.weights[-1][:, None] * np.maximum(bend, _LEAST_CURVATURE * bend.max())
        self.mean_bend = bend.sum(axis=0)
        whole = _products(self.columns, bend)
        quadratic = np.empty((len(self.weights), *whole.shape))
        for k, rows in enumerate(self.left_out):
            ratio, shift = self.ratio[k], self.shift[k]
            product = (whole - _products(self.columns[rows], bend[rows])) / self.shares[k]
            product = ratio[:, None] * product + shift[:, None] * product[:, -1:]
            quadratic[k] = ratio * product + shift * product[..., -1:]
        self.quadratic, self.quadratics = quadratic, self.quadratics + 1
        return quadratic

    def _entering(self, l1: Array, l2: Array, free: Booleans) -> Integers:
        """Return the columns that would gain most, if all that are not in use would gain more than the tolerance.

        A weight that is 0, of a standardized column, gains about ``(|slope| - l1)^2 / (2 curvature)``, taken alone.
        """
        above = np.where(free, np.maximum(np.abs(self.slopes) - l1, 0), 0.0)[:, :-1]
        gains = above**2 / (2 * (self.mean_bend + 2 * l2[:-1]))
        gains[:, self.used] = 0
        if gains.sum(axis=(1, 2)).max() <= self.tolerance:
            return np.arange(0)
        most = max(_MOST_ENTRANTS, len(self.used))
        entering = np.argsort(-gains.max(axis=(0, 2)), kind="stable")[:most]
        return np.asarray(entering[gains[:, entering].max(axis=(0, 2)) > 0])

    def _take_columns(self, used: Integers) -> None:
        """Store some columns, standardized as for all rows, with a column of ones: shape (N, n + 1).

        Another set sees ``ratio`` times a column plus ``shift``.
        """
        self.used, self.places = used, np.append(used, self.x.shape[1])
        columns = self.x if len(used) == self.x.shape[1] else self.x[:, used]
        columns = columns if isinstance(columns, np.ndarray) else columns.toarray()
        center, scale = self.center[:, used], self.scale[:, used]
        unit = np.where(np.isfinite(scale[-1]), scale[-1], 1.0)  # infinite where a column is constant
        self.columns = np.ones((len(columns), len(used) + 1))
        np.subtract(columns, center[-1], out=self.columns[:, :-1])  # no copies: the table may be large
        self.columns[:, :-1] /= unit
        self.ratio, self.shift = np.ones((len(scale), len(used) + 1)), np.zeros((len(scale), len(used) + 1))
        self.ratio[:, :-1], self.shift[:, :-1] = unit / scale, (center[-1] - center) / scale
        self.quadratic = None

    def _along(self, move: Array) -> Array:
        """Return the change of the outputs (F, N, C) by steps (F, n + 1, C)."""
        seen = self.ratio[:, :, None] * move
        seen[:, -1] += (self.shift[:, :, None] * move).sum(axis=1)
        return _by_output(seen.swapaxes(1, 2) @ self.columns.T)

    def _against(self, slopes: Array) -> Array:
        """Return slopes (F, n + 1, C) by the weights of columns as the last set sees them, as each set sees them."""
        return self.ratio[:, :, None] * slopes + self.shift[:, :, None] * slopes[:, -1:]

    def _mean(self, losses: Array) -> Array:
        return np.asarray((self.weights * losses).sum(axis=1))

    def _reach(self, output: Array, losses: Array, which: Booleans) -> None:
        """Go to outputs (F, N, C), of these losses (F, N), in some sets (F,), and find the pull."""
        self.output = np.where(which[:, None, None], output, self.output)
        self.losses = np.where(which[:, None], losses, self.losses)
        self.pull = self.weights[..., None] * self.loss.gradient(self.output, self.target)

    def _look(self) -> None:
        """Find the slopes of all columns, without a copy of them: each training set's center and scale come after."""
        pull = self.pull
        sets, rows, outputs = pull.shape
        along = np.asarray(self.x.T @ pull.transpose(1, 0, 2).reshape(rows, sets * outputs))
        along = along.reshape(-1, sets, outputs).transpose(1, 0, 2)
        total = pull.sum(axis=1)[:, None]
        standardized = (along - self.center[:, :, None] * total) / self.scale[:, :, None]
        self.slopes = np.concatenate([standardized, total], axis=1)


def _by_output(values: Array) -> Array:
    """Return values (F, C, N) as (F, N, C), where they are: sums over a row's outputs then add whole columns."""
    return values.swapaxes(1, 2)


def _products(columns: Array, bend: Array) -> Array:
    """Return X' diag(bend_c) X of columns X (N, n) for every output c of bends (N, C)."""
    roots = (columns * root[:, None] for root in np.sqrt(bend).T)
    return np.stack([root.T @ root for root in roots])


def _strengths(objective: Objective, shape: tuple[int, ...]) -> tuple[Array, Array, Booleans]:
    """Return L1, L2 and which weights are free to move: each of this shape (P + 1, C)."""
    parts = ((shape[0] - 1, shape[1]), (1, shape[1]))
    pairs = [elastic_strengths(penalty, part) for penalty, part in zip(objective.penalties, parts, strict=True)]
    l1, l2 = (np.concatenate(each) for each in zip(*(pair for pair in pairs if pair is not None), strict=True))
    free = np.isfinite(l1) & np.isfinite(l2)
    return np.where(free, l1, 0.0), np.where(free, l2, 0.0), free


def _penalty(point: Array, l1: Array, l2: Array) -> Array:
    return np.asarray((l1 * np.abs(point) + l2 * point**2).sum(axis=(1, 2)))
