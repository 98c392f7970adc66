"""Estimators that train at one strength, with scikit-learn's parameters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse, vstack
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target

from ridgewalk.arrays import Array, Booleans, Integers
from ridgewalk.diagnostics import Diagnosis, judge, of_jobs
from ridgewalk.engine import Engine, Runner, memory, train
from ridgewalk.engine.job import EarlyStopping, Fits, Job, Polish, Standing, thread_count
from ridgewalk.estimators.parameters import NETWORK_CONSTRAINTS, documented
from ridgewalk.estimators.predicting import Predictor, _ClassifierMixin, _RegressorMixin
from ridgewalk.estimators.problem import REGRESSION_LOSSES, Sampling, draw_seeds, draw_splits, loss_for, row_weights
from ridgewalk.estimators.references import reference_outputs
from ridgewalk.folds import Fold, Matrix, Moments, standardized_fold, standardizes_target
from ridgewalk.formatting import format_loss, format_number
from ridgewalk.layers import Arrays
from ridgewalk.lbfgs import descend
from ridgewalk.losses import Loss, begun
from ridgewalk.markup import table
from ridgewalk.model import Model
from ridgewalk.network import Activation, Network
from ridgewalk.objective import Objective, weighted_mean
from ridgewalk.optimizers import SGD, Adam, Cosine, InverseScaling, InverseTime, Optimizer, Schedule, scheduled
from ridgewalk.path.families import PathPenalty, PenaltyName
from ridgewalk.path.jobs import RAMP_SHARE
from ridgewalk.path.result import model_of
from ridgewalk.path.settings import PathSettings, Precision
from ridgewalk.penalties import Penalty
from ridgewalk.progress import epoch_lines, print_epoch, progress
from ridgewalk.threads import ending_with_interpreter
from ridgewalk.warning import warn

_POLISH = Polish(100)
_SOLVE = Polish(5_000, 1e-8)
_AUTO_BATCH = 200
_FEWEST_SEEDS = 3  # of a diagnosis, at least
_FAILED_LOSS, _ALMOST_NOTHING = (
    1.2,
    0.1,
)  # times a constant's loss; what is below that, where weights leave next to nothing
_SAME = "warm_start goes on from a network of the same inputs, layers, classes and n_seeds."
_RATE_DIVISOR, _LEAST_RATE = 5.0, 1e-6  # of the adaptive rate
_FITS_IN_MEMORY = 4  # sets of fits that a diagnosis keeps
EvalSet = tuple[ArrayLike, ArrayLike] | Sequence[tuple[ArrayLike, ArrayLike]]


@dataclass(frozen=True, eq=False)
class _Table:
    """Rows of training and of validation, which the fold's weights tell apart, and the network that is to fit them."""

    x: Matrix
    target: Array
    fold: Fold
    loss: Loss
    network: Network

    @property
    def rows(self) -> int:
        """Number of training rows."""
        return int(np.count_nonzero(self.fold.weights))


@dataclass(frozen=True, eq=False)
class _Plan:
    """The length of a training: ``stops`` ends it, and ``standing`` is the state from which it continues."""

    epochs: int
    optimizer: Optimizer
    ramp: float = 0.0
    polish: Polish | None = None
    stops: bool = True
    standing: Standing | None = None


@dataclass(frozen=True, eq=False)
class _Kept:
    """Rows of a fit, which a diagnosis trains on again; ``strata`` are the classes that folds are drawn by."""

    x: Matrix
    target: Array
    strata: Array | None
    loss: Loss
    weights: Array


@dataclass(frozen=True, eq=False)
class _Training:
    """The result of a training, one entry per seed.

    ``final`` says which is best, and is infinite where it diverged; ``broke`` where it diverged after its best epoch;
    ``reached`` is the data loss of the training rows at the end; ``standing`` is where the optimizer stands there, if
    the engine tells.
    """

    parameters: list[Arrays]
    final: Array
    data_loss: list[Array]
    penalty: list[Array]
    validation_loss: list[Array]
    converged: list[bool]
    broke: Booleans
    reached: Array
    standing: Standing | None = None

    def watched(self, start: int, validated: bool) -> Array:
        """Return the values that early stopping monitors after each epoch of a seed."""
        if validated:
            return self.validation_loss[start]
        return np.asarray(self.data_loss[start] + self.penalty[start])


class _OneStrength(Predictor):
    """Parameters and training."""

    _keeps_float32 = True

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (100,),
        activation: Activation = "relu",
        *,
        loss: str = "auto",
        solver: Literal["adam", "sgd", "lbfgs"] = "adam",
        alpha: float = 0.0001,
        l1_ratio: float = 0.0,
        penalty: PenaltyName | PathPenalty = "elasticnet",
        upper_l2: float = 1e-3,
        bias_alpha: float = 0.0,
        layer_factors: Sequence[float] | None = None,
        penalty_factors: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        class_weight: Any = None,
        batch_size: int | Literal["auto"] | None = "auto",
        learning_rate: Literal["constant", "cosine", "invscaling", "adaptive"] = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        tol: float = 1e-4,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        n_seeds: int = 1,
        ensemble: bool = False,
        standardize: bool = True,
        dtype: Precision = "float32",
        engine: Engine = "compiled",
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.solver = solver
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.penalty = penalty
        self.upper_l2 = upper_l2
        self.bias_alpha = bias_alpha
        self.layer_factors = layer_factors
        self.penalty_factors = penalty_factors
        self.groups = groups
        self.class_weight = class_weight
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.tol = tol
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.n_seeds = n_seeds
        self.ensemble = ensemble
        self.standardize = standardize
        self.dtype = dtype
        self.engine = engine
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **NETWORK_CONSTRAINTS,
        "solver": [StrOptions({"adam", "sgd", "lbfgs"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"}), None],
        "learning_rate": [StrOptions({"constant", "cosine", "invscaling", "adaptive"})],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "shuffle": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
    }

    def _check(self, partial: bool = False) -> None:
        """Raise an error for invalid combinations of parameters, here or in a ``partial`` fit."""
        self._validate_params()
        if self.early_stopping and partial:
            raise ValueError(
                "partial_fit does not support early_stopping=True: it trains on all rows that it is given, and whoever "
                "calls it decides when to stop. Set early_stopping=False, or call fit."
            )
        if self.early_stopping and self.solver == "lbfgs":
            raise ValueError('solver="lbfgs" has no early stopping: take "adam" or "sgd", or leave early_stopping out.')

    def _settings(self) -> PathSettings:
        penalty = self._family(self.penalty, self.l1_ratio)
        return PathSettings(self.hidden_layer_sizes, self.activation, penalty, dtype=self.dtype)

    def _new_optimizer(self, rows: int = 1, seen: int = 0) -> Optimizer:
        """Build the optimizer for epochs of this number of rows; ``seen`` are the rows of earlier trainings."""
        schedule: Schedule = InverseTime()
        if self.learning_rate == "cosine":
            schedule = Cosine()
        elif self._scales:
            steps = -(-rows // min(self._batch_rows(rows) or rows, rows))
            schedule = InverseScaling(steps, rows, self.power_t, seen)
        if self.solver == "sgd":
            return SGD(self.learning_rate_init, self.momentum, self.nesterovs_momentum, schedule)
        return Adam(self.learning_rate_init, self.beta_1, self.beta_2, self.epsilon, schedule)

    @property
    def _scales(self) -> bool:
        """Whether the rate falls with the rows seen."""
        return self.solver == "sgd" and self.learning_rate == "invscaling"

    @property
    def _adapts(self) -> bool:
        """Whether the rate follows the loss."""
        return self.solver == "sgd" and self.learning_rate == "adaptive"

    def _batches(self, rows: int) -> tuple[int | None, bool, Engine]:
        """Return the rows per step, whether they are taken in order, and the engine that can train so."""
        size = self._batch_rows(rows)
        if not self.shuffle and size is not None and size >= rows:
            size = None
        ordered = not self.shuffle and size is not None
        return size, ordered, "reference" if ordered or self._scales or self._adapts else self.engine

    @property
    def _has_l1_kink(self) -> bool:
        """Whether weights can end at exactly 0."""
        return self.alpha > 0 and self._settings().penalty.sparse

    def _fit(
        self,
        x: Any,
        target: Array,
        strata: Array | None,
        loss: Loss,
        weights: Array,
        evaluated: tuple[Any, Array] | None,
    ) -> Self:
        """Train on a checked table; ``target`` and that of the evaluation set are encoded."""
        random = check_random_state(self.random_state)
        self._problem = _Kept(x, target, strata, loss, weights)
        validation = None
        if evaluated is not None:
            sparse = issparse(x) or issparse(evaluated[0])
            x = vstack([x, evaluated[0]]).tocsr() if sparse else np.vstack([x, evaluated[0]])
            target = np.vstack([target, evaluated[1]])
            validation = np.repeat([0.0, 1.0], [len(weights), len(evaluated[1])])
            weights = np.concatenate([weights, np.zeros(len(evaluated[1]))])
        elif self.early_stopping:
            rows = self._set_aside(weights, target, strata, random)
            validation = np.zeros_like(weights)
            validation[rows], weights = weights[rows], weights.copy()
            weights[rows] = 0
        fold = standardized_fold(x, target, loss, weights, self.standardize, validation)
        settings = self._settings()
        network = settings.network(x.shape[1], target.shape[1])
        seeds = draw_seeds(random, self.n_seeds)
        before = getattr(self, "_trained", None) if self.warm_start else None
        if before is not None and [model.network for model in before] != [network] * self.n_seeds:
            raise ValueError(_SAME)
        seen = 0 if before is None else self.t_
        table = _Table(x, target, fold, loss, network)
        solved = settings.linear and not self.early_stopping
        dtype: Precision = "float64" if solved or self.solver == "lbfgs" else self.dtype
        descends = self.solver == "lbfgs" and not solved
        self._check_memory(settings, network, x, (fold,), self.n_seeds, dtype, lbfgs=descends)
        start = self._start(table, seeds, before, dtype)
        if descends:
            done = self._descend(table, start)
        else:
            polish = _SOLVE if solved else _POLISH if self._has_l1_kink and not self.early_stopping else None
            ramp = RAMP_SHARE if self._has_l1_kink and before is None else 0.0
            optimizer = self._new_optimizer(table.rows, seen)
            done = self._train(table, start, seeds, _Plan(0 if solved else self.max_iter, optimizer, ramp, polish))
        self._warn_of_divergence(done)
        self._warn_of_failure(done, loss, table)
        self._seen = Moments.of(fold, target, loss)
        self._set_fitted(done, network, loss, fold)
        self.t_ += seen
        self._stand(done)
        return self

    def _start(self, table: _Table, seeds: Sequence[int], before: list[Model] | None, dtype: Precision) -> Arrays:
        """Return the initial weights: new ones, or those of networks trained before, for the new standardization."""
        fold, network = table.fold, table.network
        if before is not None:
            standards = (fold.center, fold.scale, fold.target_center, fold.target_scale)
            return _stacked((model.rescaled(*standards) for model in before), network, len(before), dtype)
        drawn = network.starts(self._settings().start_rule, seeds, dtype)
        start = begun(table.loss, drawn, table.target, [fold.weights])
        if standardizes_target(table.loss) and self.standardize and _constant(table.target, fold):
            start = (*start[:-2], *(np.zeros_like(each) for each in start[-2:]))
        return start

    def _penalties(self, network: Network, alphas: Array) -> tuple[Penalty, ...]:
        """Return the penalties of every array at some strengths."""
        return self._settings().penalty.at(network, alphas)

    def _warn_of_failure(self, done: _Training, loss: Loss, table: _Table) -> None:
        """Warn where a training converged to a loss above a constant's, or did not converge."""
        fold, rows = table.fold, np.flatnonzero(table.fold.weights)
        standardized = (table.target[rows] - fold.target_center) / fold.target_scale
        null = loss.null_output(standardized, fold.weights[rows])
        constant = loss.values(np.broadcast_to(null, standardized.shape), standardized)
        least, reached = float(weighted_mean(constant, fold.weights[rows])), done.reached[int(np.argmin(done.final))]
        if all(done.converged) and reached > _FAILED_LOSS * max(least, _ALMOST_NOTHING):
            warn(
                f"Training failed: it came to rest at a loss of {format_number(reached, 4)}, and a constant has "
                f"{format_number(least, 4)}. Try another learning_rate_init, or set standardize=True.",
                ConvergenceWarning,
            )
        if all(done.converged) or (self.solver != "lbfgs" and self.learning_rate == "cosine"):
            return
        if self.solver == "lbfgs" and max(map(len, done.data_loss)) < self.max_iter:
            ended, mend = f"{self.max_fun} evaluations (max_fun)", "raise max_fun or tol."
        else:
            ended = f"{self.max_iter} iterations (max_iter)"
            mend = 'raise max_iter or tol, or take learning_rate="cosine", which ends at max_iter by design.'
        warn(f"Training ended after {ended} before it came to rest: {mend}", ConvergenceWarning)

    def _set_aside(
        self, weights: Array, target: Array, strata: Array | None, random: np.random.RandomState
    ) -> Integers:
        """Draw the validation rows of early stopping, stratified for classes."""
        used = np.flatnonzero(weights > 0)
        among = None
        if strata is not None:  # two classes are no and yes, as scikit-learn's message has them
            among = target[used] > 0 if target.shape[1] == 1 else strata[used]
        try:
            _, rows = train_test_split(used, test_size=self.validation_fraction, stratify=among, random_state=random)
        except ValueError as error:
            if strata is None:
                raise
            numbers, counts = np.unique(strata[used], return_counts=True)
            scarce = ", ".join(repr(each) for each in self.classes_[numbers[counts < 2]].tolist())
            alone = f" In your labels these are {scarce}." if scarce else ""
            raise ValueError(
                f"{error}.{alone} Early stopping sets rows of every class aside: give more rows of each, or leave "
                "early_stopping out."
            ) from error
        if len(rows) < 2:
            raise ValueError(
                f"The validation set is too small: of {len(used)} rows, validation_fraction={self.validation_fraction} "
                f"sets {len(rows)} aside, and early stopping needs 2. Raise validation_fraction, or give more rows."
            )
        return np.asarray(rows)

    def _train(self, table: _Table, start: Arrays, seeds: Sequence[int], plan: _Plan) -> _Training:
        """Train as planned, by the engine that can."""
        size, ordered, engine = self._batches(table.rows)
        wanted = self._batch_rows(table.rows)
        if wanted is not None and wanted > table.rows:
            warn(f"batch_size={wanted} is more than the {table.rows} training rows: all are taken.")
        if size is not None and size > table.rows:
            size = None
        if plan.epochs == 0:
            engine = self.engine
        elif not plan.stops:  # partial_fit, which goes on from averages
            engine = "reference"
        stopping, runs = self._stopping(), len(start[0])
        job = Job(
            network=table.network,
            loss=table.loss,
            penalties=self._penalties(table.network, np.full(runs, float(self.alpha))),
            optimizer=plan.optimizer,
            x=table.x,
            target=table.target,
            folds=(table.fold,),
            fold=np.zeros(runs, dtype=int),
            seeds=np.asarray(seeds),
            start=start,
            epochs=plan.epochs,
            batch_size=size,
            ramp=plan.ramp,
            polish=plan.polish,
            early_stopping=stopping if plan.stops and plan.epochs else None,
            record_every=1,
            ordered=ordered,
            batch_losses=plan.epochs > 0 and size is not None and size < table.rows,
            standing=plan.standing,
        )
        verbose = bool(self.verbose)
        with epoch_lines(verbose) if plan.epochs else progress("Training", verbose) as watched:
            fits = Runner(engine, 1 if self.n_jobs is None else self.n_jobs, watched).train(job)
        return self._outcome(fits, table, plan, stopping)

    def _outcome(self, fits: Fits, table: _Table, plan: _Plan, stopping: EarlyStopping) -> _Training:
        """Return the result of a training for each seed: whether it diverged, and its losses."""
        assert fits.history is not None
        curves, epochs, runs = fits.history, plan.epochs, len(fits.data_loss)
        ran = [int(np.isfinite(curve[1:]).sum()) for curve in curves.data_loss]
        if self.verbose and plan.stops and epochs and all(count < epochs for count in ran):
            what = "validation loss" if self.early_stopping else "objective"
            print(f"The {what} has not fallen by tol={self.tol:g} in {self.n_iter_no_change} epochs: training ends.")
        # A run goes on for so many epochs after its best one, and through the ramp; where it counts fewer losses, the
        # others were no numbers.
        least = np.maximum(fits.epochs + (stopping.patience if plan.stops else epochs), np.ceil(plan.ramp * epochs))
        broke = np.array(ran) < np.minimum(least, epochs)
        rose = [not curve[count] <= curve[0] for curve, count in zip(curves.data_loss, ran, strict=True)]
        unmoved = fits.epochs == 0  # the start was the best that was seen
        diverged = fits.diverged | (unmoved & (broke | rose)) if epochs else fits.diverged
        shown = slice(1, None) if epochs else slice(0, 1)

        def cut(values: Array) -> list[Array]:
            return [values[run, shown][: max(1, count)] for run, count in enumerate(ran)]

        final = fits.validation_loss if table.fold.validation is not None else fits.data_loss + fits.penalty
        return _Training(
            parameters=[tuple(array[run] for array in fits.parameters) for run in range(runs)],
            final=np.where(diverged, np.inf, np.nan_to_num(final, nan=np.inf)),
            data_loss=cut(curves.data_loss) if epochs else [np.array([each]) for each in fits.data_loss],
            penalty=cut(curves.penalty) if epochs else [np.array([each]) for each in fits.penalty],
            validation_loss=cut(curves.validation_loss) if epochs else [np.array([v]) for v in fits.validation_loss],
            converged=[epochs == 0 or count < epochs for count in ran],
            broke=broke & ~diverged,
            reached=fits.data_loss,
            standing=fits.standing,
        )

    def _stopping(self) -> EarlyStopping:
        """Return the stopping rule of a training, and whether it reduces the learning rate first."""
        watched: Any = "validation_loss" if self.early_stopping else "objective"
        adapts = (_RATE_DIVISOR, _LEAST_RATE) if self._adapts else ()
        if np.isinf(self.n_iter_no_change):  # nothing but max_iter ends it, and any epoch may be the best
            return EarlyStopping(self.max_iter, 0.0, watched)
        return EarlyStopping(int(min(self.n_iter_no_change, self.max_iter)), self.tol, watched, *adapts)

    def _descend(self, table: _Table, start: Arrays) -> _Training:
        penalties = self._penalties(table.network, np.asarray(float(self.alpha)))
        objective = Objective(table.network, table.loss, penalties)
        rows = table.fold.standardized(table.x, table.target, table.fold.weights, np.dtype(np.float64))
        unseen = table.fold.validation
        validation = None if unseen is None else table.fold.standardized(table.x, table.target, unseen, rows.x.dtype)
        starts = zip(*start, strict=True)
        ends = [descend(objective, each, rows, self.max_iter, self.max_fun, self.tol, validation) for each in starts]
        for number, end in enumerate(ends, 1) if self.verbose else ():
            for epoch, (loss_, penalty) in enumerate(zip(end.data_loss, end.penalty, strict=True), 1):
                print_epoch(epoch, number if len(ends) > 1 else None, {"loss": loss_, "penalty": penalty})
        return _Training(
            parameters=[end.parameters for end in ends],
            final=np.array(
                [end.validation_loss[-1] if validation else end.data_loss[-1] + end.penalty[-1] for end in ends]
            ),
            data_loss=[np.array(end.data_loss) for end in ends],
            penalty=[np.array(end.penalty) for end in ends],
            validation_loss=[np.array(end.validation_loss) for end in ends],
            converged=[end.converged for end in ends],
            broke=np.zeros(len(ends), dtype=bool),
            reached=np.array([end.data_loss[-1] for end in ends]),
        )

    @ending_with_interpreter
    def diagnose(self, cv: Any = 5, *, groups: ArrayLike | None = None, references: bool = True) -> Diagnosis:
        """Diagnose whether this strength helps, by how much, and why or why not.

        The network is trained with the penalty and without it, on the same folds, seeds and batches, without early
        stopping.

        Parameters
        ----------
        cv : int, splitter or iterable, default 5
            Cross-validation folds. A number makes shuffled folds, stratified for classes.
        groups : array_like, shape (N,), optional
            Groups of rows, for a number of folds or a splitter that uses them; standard errors then count groups.
        references : bool
            Also fit other kinds of model on the same folds, to distinguish underfitting from noise.

        Returns
        -------
        Diagnosis
            Print it, or use its ``headline``, ``verdict``, ``findings``, ``numbers`` and ``to_json()``.

        Raises
        ------
        ValueError
            If the model does not have the rows of the fit (it was loaded or compacted), with ``solver="lbfgs"``, or if
            ``alpha`` is 0.
        """
        problem: _Kept = self._kept_problem()
        if self.solver == "lbfgs":
            raise ValueError('What is diagnosed is trained in steps: take solver="adam" or "sgd".')
        if self._adapts:
            raise ValueError(
                'A diagnosis compares trainings whose rates are the same, and those of learning_rate="adaptive" follow '
                'the loss of each: take "constant" or "cosine".'
            )
        if not self.alpha:
            raise ValueError("alpha is 0, and there is no penalty to judge: MLPClassifierCV finds a strength.")
        x, target, loss, weights = problem.x, problem.target, problem.loss, problem.weights
        random, settings = check_random_state(self.random_state), self._settings()
        labels = target if problem.strata is None else problem.strata
        splits = draw_splits(x, labels, cv, loss, random, groups, weights)
        seeds = draw_seeds(random, max(self.n_seeds, _FEWEST_SEEDS))
        folds = []
        for training, held_out in splits:
            used, unseen = np.zeros_like(weights), np.zeros_like(weights)
            used[training], unseen[held_out] = weights[training], weights[held_out]
            folds.append(standardized_fold(x, target, loss, used, self.standardize, unseen))
        nobody = np.zeros_like(weights)  # holds out the rows of weight 0
        folds.append(standardized_fold(x, target, loss, weights, self.standardize, nobody))
        network = settings.network(x.shape[1], target.shape[1])
        self._check_memory(settings, network, x, folds, len(seeds) * len(folds), self.dtype, _FITS_IN_MEMORY)
        drawn = network.starts(settings.start_rule, seeds, self.dtype, len(folds))
        start = begun(loss, drawn, target, [fold.weights for fold in folds])
        runs = len(start[0])
        smallest = min(int(np.count_nonzero(fold.weights)) for fold in folds)
        size, ordered, engine = self._batches(smallest)
        jobs = [
            Job(
                network=network,
                loss=loss,
                penalties=settings.penalty.at(network, np.full(runs, strength)),
                optimizer=self._new_optimizer(smallest),
                x=x,
                target=target,
                folds=tuple(folds),
                fold=np.repeat(np.arange(len(folds)), len(seeds)),
                seeds=np.tile(seeds, len(folds)),
                start=start,
                epochs=self.max_iter,
                batch_size=size,
                ordered=ordered,
                ramp=RAMP_SHARE if self._has_l1_kink and strength else 0.0,
                polish=_POLISH if self._has_l1_kink else None,
            )
            for strength in (0.0, float(self.alpha))
        ]
        outputs = reference_outputs(x, target, loss, splits, weights) if references else {}

        def fitted(job: Job) -> Fits:
            return train(job, 1 if self.n_jobs is None else self.n_jobs, engine=engine)

        dependence = Sampling(cv, len(seeds), self.random_state, groups).dependence
        return judge(of_jobs(jobs[0], jobs[1], weights, outputs, fitted, dependence=dependence))

    def _warn_of_divergence(self, done: _Training) -> None:
        """Warn which seeds diverged, and raise an error if all did."""
        lost = ~np.isfinite(done.final)
        mend = "lower learning_rate_init, or set standardize=True"
        if lost.all():
            raise ValueError(f"Training diverged: {mend}.")
        if lost.any() or done.broke.any():
            found = f"{lost.sum()} of {len(lost)} starts diverged and are left out" if lost.any() else ""
            later = "diverged after the epoch whose weights are kept" if done.broke.any() else ""
            sentence = "; ".join(filter(None, (found, later and f"{done.broke.sum()} of {len(lost)} {later}")))
            warn(f"Training diverged: {sentence}. To mend it, {mend}.", ConvergenceWarning)

    def _check_memory(
        self,
        settings: PathSettings,
        network: Network,
        x: Matrix,
        folds: Sequence[Fold],
        runs: int,
        dtype: Precision,
        held: int = 0,
        lbfgs: bool = False,
    ) -> None:
        """Refuse a training that cannot fit, before anything is drawn; ``held`` sets of its fits are kept besides."""
        threads = thread_count(1 if self.n_jobs is None else self.n_jobs)
        penalties = settings.penalty.at(network, np.full(1, float(self.alpha)))
        polishes = settings.linear or self._has_l1_kink
        steps = memory.Steps(self._new_optimizer(), self._batch_rows(x.shape[0]), polishes, stops=not held)
        size = memory.Size.of(network.shapes, dtype, runs, x, folds, penalties, steps)
        if lbfgs:
            memory.check(memory.needed_by_lbfgs(size, split=self._has_l1_kink), threads)
        else:
            memory.check(memory.needed_by_fit(size, threads, held * runs), threads)

    def _batch_rows(self, rows: int) -> int | None:
        return min(_AUTO_BATCH, rows) if isinstance(self.batch_size, str) else self.batch_size

    def _set_fitted(self, done: _Training, network: Network, loss: Loss, fold: Fold) -> Self:
        """Set the fitted attributes after a training."""
        best, sound = int(np.argmin(done.final)), np.isfinite(done.final)
        self._trained = [model_of(network, loss, each, fold) for each in done.parameters]
        whole = [model for model, kept in zip(self._trained, sound, strict=True) if kept]
        self._set_models(whole, int(sound[:best].sum()))
        self.loss_curve_ = done.data_loss[best].tolist()
        self.penalty_curve_ = done.penalty[best].tolist()
        self.validation_loss_curve_ = None if fold.validation is None else done.validation_loss[best].tolist()
        self.loss_ = self.loss_curve_[-1]
        lowest = float(np.nanmin(done.watched(best, fold.validation is not None)))
        self.best_loss_ = None if self.early_stopping else lowest
        scores = [-loss for loss in self.validation_loss_curve_ or ()]
        self.validation_scores_ = scores if self.early_stopping else None
        self.best_validation_score_ = -lowest if self.early_stopping else None
        self.n_iter_ = len(self.loss_curve_)
        self.t_ = self.n_iter_ * int(np.count_nonzero(fold.weights))
        return self

    def _stand(self, done: _Training, lowest: float = np.inf, waited: int = 0) -> None:
        """Store the state for ``partial_fit``: the rate, and the epochs without improvement on ``lowest``."""
        best, rate = int(np.argmin(done.final)), self.learning_rate_init
        for value in done.watched(best, self.early_stopping):
            fell = value <= lowest - self.tol
            lowest, waited = (float(value), 0) if fell else (lowest, waited + 1)
        if self._scales:
            rate = self.learning_rate_init / (self.t_ + 1) ** self.power_t
        elif self._adapts and done.standing is not None:
            rate = float(done.standing.rate[best])
        self._optimizer = scheduled(self._new_optimizer(), InverseTime(), rate)
        self._fallen_to, self._no_improvement_count = lowest, waited
        self._standing: Standing | None = None

    def _findings_html(self) -> str:
        loss, validation = type(self.model_.loss).__name__, self.validation_loss_curve_
        items = [
            (f"training loss ({loss})", format_loss(self.loss_)),
            ("penalty", format_loss(self.penalty_curve_[-1])),
            *([("validation loss", format_loss(validation[-1]))] if validation else []),
            ("iterations", f"{self.n_iter_:,}"),
            ("inputs used", f"{self.support_.sum()} of {self.n_features_in_}"),
            ("weights that are 0", f"{np.mean(np.concatenate([w.ravel() for w in self.coefs_]) == 0):.0%}"),
        ]
        return table(("", ""), items)

    def _partial_fit(self, x: Any, target: Array, loss: Loss, weights: Array) -> Self:
        """Train one epoch more on some rows, standardized by all rows so far."""
        settings = self._settings()
        network = settings.network(x.shape[1], target.shape[1])
        seeds = draw_seeds(check_random_state(self.random_state), self.n_seeds)
        curve, penalties = getattr(self, "loss_curve_", []), getattr(self, "penalty_curve_", [])
        seen_rows, best = getattr(self, "t_", 0), getattr(self, "best_loss_", None)
        fold = standardized_fold(x, target, loss, weights, self.standardize)
        seen = Moments.of(fold, target, loss)
        going_on = hasattr(self, "_trained")
        if going_on:
            seen = self._seen.with_rows(seen)
            fold = seen.fold(weights) if self.standardize else fold
        self._check_memory(settings, network, x, (fold,), self.n_seeds, self.dtype)
        drawn = network.starts(settings.start_rule, seeds, self.dtype)
        if going_on:
            again = (_restandardized(model, fold, w) for model, w in zip(self._trained, drawn[0], strict=True))
            start = _stacked(again, network, len(self._trained), self.dtype)
        else:
            start = begun(loss, drawn, target, [weights])
        batches = [seed + len(curve) for seed in seeds]  # drawn anew in every call
        optimizer, standing = self._new_optimizer(int(np.count_nonzero(weights)), seen_rows), None
        fallen_to, waited = np.inf, 0
        if going_on and type(getattr(self, "_optimizer", None)) is type(optimizer):
            standing, fallen_to, waited = self._standing, self._fallen_to, self._no_improvement_count
            if self._adapts:
                optimizer = scheduled(optimizer, optimizer.schedule, self._optimizer.learning_rate)
        plan = _Plan(1, optimizer, stops=False, standing=standing)
        done = self._train(_Table(x, target, fold, loss, network), start, batches, plan)
        self._warn_of_divergence(done)
        silent = _silent(x, fold)
        for parameters, before in zip(done.parameters, start[0], strict=True):
            parameters[0][silent] = before[silent]
        self._set_fitted(done, network, loss, fold)
        self._seen = seen
        self.loss_curve_, self.penalty_curve_ = curve + self.loss_curve_, penalties + self.penalty_curve_
        self.t_ += seen_rows
        self.n_iter_ = len(self.loss_curve_)
        self.best_loss_ = self.best_loss_ if best is None else min(best, self.best_loss_)
        self._stand(done, fallen_to, waited)
        self._standing = done.standing
        if self._adapts and self._no_improvement_count >= self.n_iter_no_change:
            self._no_improvement_count = 0
            if optimizer.learning_rate > _LEAST_RATE:
                self._optimizer = scheduled(optimizer, InverseTime(), optimizer.learning_rate / _RATE_DIVISOR)
        return self


def _restandardized(model: Model, fold: Fold, drawn: Array) -> Arrays:
    """Return the arrays of the same network for another standardization.

    A column that varies for the first time was 0 for the network until now: it begins with the weights ``drawn``, and
    counts from where it stood, so that no prediction for earlier rows changes.
    """
    first = np.isinf(model.scale) & np.isfinite(fold.scale)
    w, *others = model.parameters
    begins = replace(
        model, parameters=(np.where(first[:, None], drawn, w), *others), scale=np.where(first, fold.scale, model.scale)
    )
    arrays: Arrays = begins.rescaled(fold.center, fold.scale, fold.target_center, fold.target_scale)
    return arrays


def _constant(target: Array, fold: Fold) -> bool:
    """Return whether the targets of a fold's rows are all the same: its center, which a network of zeros gives."""
    return bool((target[fold.weights > 0] == fold.target_center).all())


def _silent(x: Matrix, fold: Fold) -> Booleans:
    """Return which columns (P,) are 0 for the network in all of a fold's rows.

    Their weights have no gradient. Under Adam a penalty would take them to 0 in one step; in a call of its own that
    says nothing about a column, they stay.
    """
    rows = x[fold.weights > 0]
    if isinstance(rows, np.ndarray):
        largest = np.abs(rows - fold.center).max(axis=0)
    else:
        largest = np.asarray(abs(rows).max(axis=0).todense()).ravel()
    return np.asarray(np.isinf(fold.scale) | (largest == 0))


def _stacked(networks: Iterable[Sequence[Array]], network: Network, runs: int, dtype: Precision) -> Arrays:
    """Stack the arrays of some networks (R, ., .), one after the other."""
    stacked = tuple(np.empty((runs, *shape), dtype=dtype) for shape in network.shapes)
    for run, arrays in enumerate(networks):
        for w, array in zip(stacked, arrays, strict=True):
            w[run] = array
    return stacked


def _stochastic(estimator: _OneStrength) -> bool:
    if estimator.solver == "lbfgs":
        raise AttributeError('partial_fit needs solver="adam" or "sgd": "lbfgs" takes all rows at once.')
    return True


def _pair(eval_set: EvalSet) -> tuple[ArrayLike, ArrayLike]:
    """Return the rows and the target of an evaluation set, which may be in a list of length one."""
    pairs = [eval_set] if isinstance(eval_set, tuple) else list(eval_set)
    if len(pairs) != 1 or len(pairs[0]) != 2:
        raise ValueError(f"eval_set is one pair (X, y), got {len(pairs)} entries.")
    return pairs[0]


_FIRST = """
    hidden_layer_sizes : sequence of int, default (100,)
        Units of each hidden layer; () is a linear model, solved to its optimum.
    solver : "adam", "sgd" or "lbfgs", default "adam"
        "lbfgs" uses all rows in every iteration, in float64, and suits small tables. It does not support group lasso.
    alpha : float, default 1e-4
        The strength. Unlike in scikit-learn it is not divided by the rows; :mod:`ridgewalk.convert` converts it.
    l1_ratio : float, default 0
        0 is L2 only, as in scikit-learn; 1 is L1 only.
    batch_size : int, "auto" or None, default "auto"
        Rows per step; "auto" is 200, None is all rows.
    shuffle : bool, default True
        Draw the batches at random in every epoch. With False rows are used in order, by the reference engine.
    learning_rate : "constant", "cosine", "invscaling" or "adaptive", default "constant"
        "cosine" decreases to 0 over ``max_iter``. The other two are for "sgd" and use the reference engine; with "adam"
        the rate is constant, as in scikit-learn. "invscaling" divides the rate by ``(rows seen + 1)^power_t`` after
        each epoch. "adaptive" divides it by 5 when training would stop, until it is at most 1e-6.
    power_t : float, default 0.5
        Exponent for "invscaling".
    learning_rate_init : float, default 0.001
        Initial learning rate.
    max_iter : int, default 200
        Epochs, or iterations of "lbfgs". With L1 or the group lasso, the strength increases from 0 during the first
        half.
    tol, n_iter_no_change : float, int or infinity, default 1e-4, 10
        Training stops when the objective (with ``early_stopping`` the validation loss) has not decreased by ``tol`` in
        ``n_iter_no_change`` epochs; the weights of the best epoch are kept. With infinity, it does not stop before
        ``max_iter``. "lbfgs" stops when no slope exceeds ``tol``.
    early_stopping, validation_fraction : bool, float, default False, 0.1
        Stop by the loss on a validation set of this fraction (at least 2 rows; stratified for classes), or on
        ``eval_set``.
    warm_start : bool, default False
        Continue from the networks of the last fit.
    momentum, nesterovs_momentum : float, bool, default 0.9, True
        For "sgd".
    beta_1, beta_2, epsilon : float
        For "adam".
    max_fun : int, default 15000
        Maximum number of function evaluations of "lbfgs".
"""
_MIDDLE = """
    loss_curve_, penalty_curve_, validation_loss_curve_ : lists of float
        Training loss without the penalty, penalty, and validation loss (None without a validation set) after each
        epoch, in units of the standardized problem, like ``loss_`` and ``best_loss_``. With several batches, the
        training loss is the mean of the batch losses during the epoch; with one batch, the loss after its step.
    loss_, best_loss_ : float
        The last training loss, and the lowest objective, or validation loss with an ``eval_set``. With
        ``early_stopping`` the second is None, as in scikit-learn: see ``best_validation_score_``.
    validation_scores_, best_validation_score_ : list of float, float
        With ``early_stopping``: minus the validation loss after each epoch, and its maximum; otherwise None.
    n_iter_, t_ : int
        Number of epochs, and of rows seen in them, including earlier calls that a warm start continues from.
"""
_OF_CLASSIFIER = """
    >>> from sklearn.datasets import load_iris
    >>> from ridgewalk import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((8,), alpha=1e-3, learning_rate="cosine", max_iter=500, random_state=0).fit(X, y)
    >>> model.predict(X[:3])
    array([0, 0, 0])
"""
_OF_REGRESSOR = """
    >>> from sklearn.datasets import load_diabetes
    >>> from ridgewalk import MLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = MLPRegressor((8,), alpha=0.05, l1_ratio=1, learning_rate="cosine", random_state=0).fit(X, y)
    >>> model.support_.shape
    (10,)
"""


@documented(_FIRST, _MIDDLE, _OF_CLASSIFIER)
class MLPClassifier(_ClassifierMixin, _OneStrength):
    """Neural network classifier with one L1/L2 strength and scikit-learn's parameters.

    For two classes the network has one output and binary cross-entropy, for more classes a softmax, and for several
    labels one output each. With rows of a single class, the model always predicts this class.
    """

    _least_classes = 1

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_OneStrength._parameter_constraints,
        "loss": [StrOptions({"auto", "log_loss"})],
    }

    @ending_with_interpreter
    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, *, eval_set: EvalSet | None = None
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array_like or sparse array, shape (N, P)
        y : array_like, shape (N,) or (N, L)
            Class labels, or zeros and ones for several labels.
        sample_weight : array_like, shape (N,), optional
        eval_set : (X, y), optional
            Validation rows for ``validation_loss_curve_`` and ``early_stopping``.

        Returns
        -------
        self
        """
        self._check()
        x, target = self._read(X, y)
        before = getattr(self, "classes_", None) if self.warm_start else None
        labels = self._learn_classes(target)
        if before is not None and not np.array_equal(before, self.classes_):
            known, self.classes_ = self.classes_, before  # the fitted model stays as it was
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. Previously "
                f"got {before}, `y` has {known}: {_SAME} Set warm_start=False to begin anew."
            )
        weights = self._weights(sample_weight, x, target, labels)
        evaluated = None
        if eval_set is not None:
            rows, their_target = self._read(*_pair(eval_set), reset=False)
            evaluated = rows, self._encoded(self._numbers(their_target))
        strata = None if self._multilabel else labels
        return self._fit(x, self._encoded(labels), strata, self._loss, weights, evaluated)

    def _numbers(self, target: Any) -> Any:
        """Return the numbers of known classes."""
        if self._multilabel:
            return target
        unknown = np.setdiff1d(target, self.classes_)
        if unknown.size:
            raise ValueError(f"y holds classes that are not among those known ({unknown[0]!r}): {list(self.classes_)}.")
        return np.asarray(np.searchsorted(self.classes_, target))

    def _encoded(self, labels: Array) -> Array:
        return self._loss.encode(labels, len(self.classes_))

    @available_if(_stochastic)  # type: ignore[untyped-decorator]
    @ending_with_interpreter
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Train for one more epoch on these rows.

        Columns are standardized by all rows of the calls so far, and the weights are adjusted so that this does not
        change predictions. The optimizer continues with the moments of the last call, by the reference engine; after
        ``fit`` they are reset.

        Parameters
        ----------
        X : array_like or sparse array, shape (N, P)
        y : array_like, shape (N,) or (N, L)
            Class labels, or zeros and ones for several labels.
        sample_weight : array_like, shape (N,), optional
        classes : array_like, optional
            All classes that can occur; required in the first call.
        """
        self._check(partial=True)
        first = not hasattr(self, "_trained")
        x, target = self._read(X, y, reset=first)
        if self.class_weight == "balanced":
            raise ValueError('class_weight="balanced" needs all rows: give a dict, or sample_weight, to partial_fit.')
        if first:
            self._multilabel = type_of_target(target) == "multilabel-indicator"
        if self._multilabel:
            self.classes_ = np.arange(target.shape[1])
        else:
            _check_partial_fit_first_call(self, classes)
        weights = row_weights(sample_weight, x, self.class_weight, target)
        return self._partial_fit(x, self._encoded(self._numbers(target)), self._loss, weights)


@documented(_FIRST, _MIDDLE, _OF_REGRESSOR)
class MLPRegressor(_RegressorMixin, _OneStrength):
    """Neural network regressor with one L1/L2 strength and scikit-learn's parameters."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_OneStrength._parameter_constraints,
        "loss": [StrOptions({"auto", *REGRESSION_LOSSES})],
        "class_weight": [None],
    }

    @ending_with_interpreter
    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, *, eval_set: EvalSet | None = None
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array_like or sparse array, shape (N, P)
        y : array_like, shape (N,) or (N, C)
        sample_weight : array_like, shape (N,), optional
        eval_set : (X, y), optional
            Validation rows for ``validation_loss_curve_`` and ``early_stopping``.

        Returns
        -------
        self
        """
        self._check()
        x, target = self._read(X, y)
        loss, weights = loss_for(self.loss, "continuous"), row_weights(sample_weight, x)
        evaluated = None
        if eval_set is not None:
            rows, their_target = self._read(*_pair(eval_set), reset=False)
            evaluated = rows, loss.encode(their_target)
        return self._fit(x, loss.encode(target), None, loss, weights, evaluated)

    @available_if(_stochastic)  # type: ignore[untyped-decorator]
    @ending_with_interpreter
    def partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train for one more epoch on these rows.

        Columns and target are standardized by all rows of the calls so far, and the weights are adjusted so that this
        does not change predictions. The optimizer continues with the moments of the last call, by the reference engine;
        after ``fit`` they are reset.
        """
        self._check(partial=True)
        x, target = self._read(X, y, reset=not hasattr(self, "_trained"))
        loss = loss_for(self.loss, "continuous")
        return self._partial_fit(x, loss.encode(target), loss, row_weights(sample_weight, x))
