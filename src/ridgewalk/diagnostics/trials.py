"""Collect the evidence for a verdict: the same folds and seeds trained with the penalty and without.

of_jobs    two jobs that differ only in their penalties, with any network, optimizer and strengths
of_path    the same for a fitted path, each fold at the strength chosen on the other folds
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from ridgewalk.arrays import Array, Booleans, Integers
from ridgewalk.diagnostics.evidence import (
    ConditionScores,
    Evidence,
    TrainingCurve,
    less_linear,
    right_classes,
    scores_of,
    scores_of_stopped,
)
from ridgewalk.diagnostics.statistics import calibrated, seed_spread
from ridgewalk.diagnostics.wiring import Fault, Train, audit, changed_rows, leak
from ridgewalk.engine import Runner, memory
from ridgewalk.engine import train as engine_train
from ridgewalk.engine.job import Fits, Job
from ridgewalk.folds import Fold, average_by_row, constant_losses, loss_unit, row_losses
from ridgewalk.layers import Dense, Layer
from ridgewalk.losses import facts
from ridgewalk.network import Network, evadable
from ridgewalk.objective import weighted_mean
from ridgewalk.optimizers import SGD, Cosine, rate_at, scheduled
from ridgewalk.path.collapse import without_collapse
from ridgewalk.path.cost import check_memory
from ridgewalk.path.dependence import ROWS, Dependence
from ridgewalk.path.early_stopping import EarlyStopped, stopped_early
from ridgewalk.path.fit import train_path
from ridgewalk.path.jobs import (
    dense_job,
    every_pair,
    linear_job,
    networks_of,
    path_epochs,
    penalties_at,
    put_in,
    ramp_job,
    random_starts,
    unpenalized_job,
)
from ridgewalk.path.law import NULL, NullObjectives, measured, null_objectives
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.result import MLPPath, connected
from ridgewalk.path.selection import Rule, cross_chosen
from ridgewalk.penalties import L1, L2, GroupLasso, Sum, parts

_HISTORY_POINTS = 1_000  # at a training, along its epochs
_LARGER_FACTOR = 3  # times the epochs, or the units, of a network that may underfit
_FEWEST_SEEDS = 3  # of the arms that are trained for a path, at least
_FITS_IN_MEMORY = 7  # sets of starts and fits that are kept meanwhile


class _Trial:
    """A trained job with its scores on held-out rows."""

    def __init__(self, job: Job, held_out: Sequence[Integers], train: Train) -> None:
        self.job, self.held_out, self.fits = job, held_out, train(job)
        self.folds = [number for number, rows in enumerate(held_out) if len(rows)]
        self.runs = [np.flatnonzero(job.fold == number) for number in range(len(job.folds))]

    def outputs(self, number: int, rows: Integers) -> Array:
        """Compute outputs (E, n, C) of one fold's networks for some rows."""
        job, fold = self.job, self.job.folds[number]
        chosen = job.x[rows] if isinstance(job.x, np.ndarray) else job.x[rows].toarray()
        parameters = tuple(w[self.runs[number]].astype(np.float64) for w in self.fits.parameters)
        with np.errstate(all="ignore"):
            return job.network.forward(np.asarray(fold.seen(chosen)), parameters)[0]

    def losses(self, number: int, rows: Integers) -> Array:
        """Compute losses (E, n) of one fold's networks for some rows."""
        return self.scored(self.outputs(number, rows), number, rows)

    @cached_property
    def held_out_losses(self) -> list[Array]:
        """Losses (E, n) of the rows that each fold holds out."""
        return [self.losses(number, self.held_out[number]) for number in self.folds]

    def scored(self, outputs: Array, number: int, rows: Integers) -> Array:
        """Score outputs in the fold's units."""
        job = self.job
        losses = row_losses(job.loss, outputs, job.target[rows], job.folds[number], job.folds[-1].target_scale)
        return np.where(np.isfinite(losses), losses, np.inf)

    def scores(self, weights: Array) -> ConditionScores:
        """Score the held-out rows."""
        losses = self.held_out_losses
        heldout = [weighted_mean(each, weights[self.held_out[number]])
                   for each, number in zip(losses, self.folds, strict=True)]  # fmt: skip
        trained = []
        for number in self.folds:
            rows = np.flatnonzero(self.job.folds[number].weights)
            trained.append(weighted_mean(self.losses(number, rows), self.job.folds[number].weights[rows]))
        cooled = right = None
        if facts(self.job.loss).is_classification:
            rows_of = [self.held_out[number] for number in self.folds]
            outputs = [self.outputs(number, rows) for number, rows in zip(self.folds, rows_of, strict=True)]
            targets = [self.job.target[rows] for rows in rows_of]
            cooled = self.by_row([each.mean(axis=0) for each in calibrated(outputs, targets, self.job.loss)])
            if not facts(self.job.loss).is_multilabel(self.job.target.shape[1]):
                right = self.by_row([right_classes(*pair).mean(axis=0) for pair in zip(outputs, targets, strict=True)])
        rows_loss = self.by_row([each.mean(axis=0) for each in losses])
        return ConditionScores(rows_loss, np.array(heldout), np.array(trained), cooled, right)

    def by_row(self, losses: Sequence[Array]) -> Array:
        """Average the folds' losses (n,) by row: shape (N,)."""
        return average_by_row([self.held_out[number] for number in self.folds], losses, len(self.job.target))

    def reference(self, outputs: Sequence[Array]) -> Array:
        """Score another model's outputs (n, C), in units of the target, by row: shape (N,)."""
        losses = []
        for number, output in zip(self.folds, outputs, strict=True):
            fold = self.job.folds[number]
            standardized = (output - fold.target_center) / fold.target_scale
            losses.append(self.scored(standardized[None], number, self.held_out[number])[0])
        return self.by_row(losses)

    def curve(self) -> TrainingCurve:
        """How the training on the last training set went."""
        history, runs = self.fits.history, self.runs[-1]
        assert history is not None
        unit = loss_unit(self.job.loss, self.job.folds[-1])
        return TrainingCurve(history.epochs, unit * history.data_loss[runs], history.norms[runs])

    def used(self) -> tuple[Booleans, int]:
        """Return which columns the best network on the last training set uses, and how many hidden units."""
        runs = self.runs[-1]
        best = runs[int(np.argmin((self.fits.data_loss + self.fits.penalty)[runs]))]
        inputs, units = connected([w[best][None, None, None] != 0 for w in self.fits.parameters[::2]])
        mapped = self.job.folds[-1].inputs
        used = inputs if mapped is None else mapped.columns_of(inputs)
        return used[0, 0, 0], int(units[0, 0, 0])


@dataclass(frozen=True, eq=False)
class OfPath:
    """What of two jobs' evidence is known, or otherwise trained, where they are two strengths of a path.

    Attributes
    ----------
    preferred : function
        What is judged of the fits of a job, where that is not all: a path prefers the null model where that wins. The
        probes of the wiring see the training itself.
    cold : Job or None
        What early stopping, and larger networks, start from: the unpenalized job starts from trained networks.
    networks : two functions, or None
        Job to Fits, of the unpenalized and of the penalized job: networks that the path holds for these pairs.
    stopped : ConditionScores or None
        Networks that the path's own fit stopped early.
    """

    preferred: Callable[[Job, Fits], Fits]
    cold: Job | None = None
    networks: tuple[Train, Train] | None = None
    stopped: ConditionScores | None = None


def of_jobs(
    without: Job,
    with_penalty: Job,
    weights: Array | None = None,
    references: Mapping[str, Sequence[Array]] | None = None,
    train: Train = engine_train,
    path: OfPath | None = None,
    dependence: Dependence = ROWS,
) -> Evidence:
    """Train two jobs that differ only in their penalties, and further conditions for comparison.

    Parameters
    ----------
    without, with_penalty : Job
        The same but for their penalties; of each fold, the rows of its ``validation`` are held out, or, where it has
        none, those of weight 0. A fold without any (all rows, last) shows how training goes.
    weights : array, shape (N,), optional
        Of held-out rows.
    references : dict, optional
        By name: outputs (n, C) of another model for the held-out rows of each fold, in units of the target.
    train : function
        Job to Fits.
    path : OfPath, optional
        Where the jobs are two strengths of a path: what is known of it.
    dependence : Dependence
        Of the rows.

    Returns
    -------
    Evidence
    """

    def fitted(job: Job) -> Fits:
        return path.preferred(job, train(job)) if path else train(job)

    held_out = [_held_out_rows(fold.weights, fold.validation) for fold in without.folds]
    weights = np.ones(len(without.target)) if weights is None else weights
    seen = np.zeros_like(weights)
    seen[np.concatenate(held_out)] = weights[np.concatenate(held_out)]
    looks = max(1, without.epochs // _HISTORY_POINTS) if without.epochs else 0
    trials = [
        _Trial(replace(job, record_every=looks), held_out, fits_of)
        for job, fits_of in zip((without, with_penalty), (path and path.networks) or (fitted, fitted), strict=True)
    ]
    conditions = [trial.scores(weights) for trial in trials]
    penalty = with_penalty.objective(np.arange(with_penalty.runs)).penalty
    before, after = (float(np.nanmean(penalty(trial.fits.parameters))) for trial in trials)
    kept, folds = [trial.used() for trial in trials], trials[0].folds
    curves = [("unpenalized", trials[0].curve()), ("penalized", trials[1].curve())] if looks else []
    with np.errstate(invalid="ignore"):  # what diverged differs by no number
        differences = [after - before for before, after in zip(*(t.held_out_losses for t in trials), strict=True)]
    evidence = Evidence(
        loss=without.loss,
        unpenalized=conditions[0],
        penalized=conditions[1],
        weights=seen,
        ratio=float(np.mean([len(held_out[k]) / np.count_nonzero(without.folds[k].weights) for k in folds])),
        seed_spread=seed_spread(
            differences,
            [weights[held_out[number]] for number in folds],
            [dependence.of_rows(held_out[number]) for number in folds],
        ),
        curves=dict(curves),
        wiring=audit(with_penalty, train),
        escape=evadable(without.network, with_penalty.penalties),
        penalty_ratio=after / before if before > 0 else np.nan,
        diverged=(float(trials[0].fits.diverged.mean()), float(trials[1].fits.diverged.mean())),
        decay=_decay(with_penalty),
        conditions={"none": conditions[0], "both": conditions[1]}
        | {name: _Trial(job, held_out, fitted).scores(weights) for name, job in _alone(with_penalty).items()},
        larger={},
        references={name: trials[0].reference(outputs) for name, outputs in (references or {}).items()},
        null=trials[0].by_row(_constants(trials[0], [held_out[k] for k in folds])),
        null_training=_null_training(trials[0]),
        inputs=(int(kept[0][0].sum()), int(kept[1][0].sum())),
        units=(kept[0][1], kept[1][1]),
        gone=np.flatnonzero(kept[0][0] & ~kept[1][0]).tolist(),
        dependence=dependence,
    )
    if path is not None and path.stopped is not None:
        evidence = replace(evidence, conditions={**evidence.conditions, "early stopping": path.stopped})
    return _completed(evidence, (path and path.cold) or without, with_penalty, held_out, weights, fitted)


def _null_training(trial: _Trial) -> float:
    """Return the mean loss of the best constants on the folds' own training rows."""
    weights = [trial.job.folds[k].weights for k in trial.folds]
    trained = [np.flatnonzero(each) for each in weights]
    constants = zip(weights, trained, _constants(trial, trained), strict=True)
    return float(np.mean([weighted_mean(constant, each[rows]) for each, rows, constant in constants]))


def _completed(
    evidence: Evidence, cold: Job, with_penalty: Job, held_out: Sequence[Integers], weights: Array, train: Train
) -> Evidence:
    """Add the conditions that only some evidence needs, and early stopping if it is not known."""
    curves, larger = dict(evidence.curves), {}
    if curves and not curves["penalized"].tail.at_rest:
        settled = replace(with_penalty, optimizer=scheduled(with_penalty.optimizer, Cosine()))
        looks = max(1, settled.epochs // _HISTORY_POINTS)
        curves["settled"] = _Trial(replace(settled, record_every=looks), held_out, train).curve()
    best = evidence.best_reference
    if curves and best:
        goal = float(weighted_mean(evidence.references[best], evidence.weights)) + evidence.smallest_effect
        if evidence.unpenalized.training.mean() > goal:
            longer = replace(cold, epochs=_LARGER_FACTOR * cold.epochs)
            larger = {
                name: _Trial(job, held_out, train).scores(weights).training
                for name, job in (("longer", longer), ("wider", _widened(cold)))
            }
    conditions = dict(evidence.conditions)
    stopped = stopped_early(cold) if curves and "early stopping" not in conditions else None
    if stopped is not None:
        conditions["early stopping"] = _Trial(stopped, held_out, train).scores(weights)
    return replace(evidence, curves=curves, larger=larger, conditions=conditions)


def of_path(
    problem: PathProblem,
    path: MLPPath,
    runner: Runner | None = None,
    rule: Rule = "min",
    alpha: float | None = None,
    references: Mapping[str, Sequence[Array]] | None = None,
    linear: MLPPath | None = None,
    stopped: EarlyStopped | None = None,
) -> Evidence:
    """Collect the evidence of a fitted path, and train the other conditions that a diagnosis compares.

    Parameters
    ----------
    problem : PathProblem
        The problem that the path was fitted to.
    path : MLPPath
    runner : Runner, optional
    rule : "min", "1se" or "simplest"
        How every fold's strength is chosen, by the other folds.
    alpha : float, optional
        Judge this strength of the path instead, in every fold.
    references : dict, optional
        As for :func:`of_jobs`.
    linear : MLPPath, optional
        Of linear models on the same folds.
    stopped : EarlyStopped, optional
        The unpenalized networks that the path's fit stopped early; they are trained here where they are not known.

    Returns
    -------
    Evidence
        Losses in the units of the target.
    """
    runner, settings = runner or Runner(), path.settings
    choice = path.held_out.choose(rule, path.row_weights)
    count = len(path.heldout_rows)
    asked = alpha is not None
    if alpha is None:
        index = choice.chosen
        if count == 1:
            raise ValueError("One fold leaves no other to choose its strength by: give alpha, or more folds.")
        indices = [at for _, at in cross_chosen([path.held_out], path.row_weights, rule)]
    else:
        index = int(np.argmin(np.abs(path.alphas - alpha)))
        indices = [index] * count
    # Where no strength is chosen, wiring and training are looked at in the middle of the path.
    middle = index or len(path.alphas) // 2
    problem = replace(problem, seeds=(*problem.seeds, *more_seeds(problem.seeds)))
    check_memory(problem, settings, runner, 1, kept=_FITS_IN_MEMORY)
    again = _Again(problem, path, runner, None if settings.linear else runner.train(dense_job(problem, settings)))
    without, with_penalty = (again.job(strength) for strength in (0.0, path.alphas[middle]))
    cold = replace(without, start=random_starts(problem, settings), epochs=path_epochs(settings), ramp=0.0)
    starts = None if settings.linear else cold
    announced = [without, with_penalty, *([cold] if starts and stopped is None else []), *_alone(with_penalty).values()]
    networks = (partial(again.networks_at, 0), partial(again.networks_at, middle))
    scores = None if stopped is None else scores_of_stopped(stopped)
    known = OfPath(again.preferred, starts, None if settings.linear else networks, scores)
    with runner.expecting(*announced):
        evidence = of_jobs(without, with_penalty, problem.weights, references, runner.train, known, problem.dependence)
    faults = (*evidence.wiring.faults, *_standardizing_leaks(problem))
    penalized = scores_of([(path, at) for at in indices])
    return replace(
        evidence,
        unpenalized=scores_of([(path, 0)] * count),
        penalized=penalized,
        linear=None if linear is None else less_linear(penalized, linear, rule),
        weights=path.row_weights,
        seed_spread=evidence.seed_spread if any(indices) else 0.0,
        wiring=replace(evidence.wiring, faults=faults),
        conditions={**evidence.conditions, "best strength": scores_of([(path, choice.minimum)] * count)},
        null=path.null_row_loss,
        asked=asked,
        alpha=float(path.alphas[index]),
        best_alpha=float(path.alphas[choice.minimum]),
        safe_alpha=float(path.alphas[choice.one_standard_error]),
    )


def more_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """Return more seeds, up to three: a single seed does not show the variation over seeds."""
    drawn = np.random.default_rng(seeds[0]).integers(2**31, size=_FEWEST_SEEDS)
    return tuple(int(seed) for seed in drawn[: max(0, _FEWEST_SEEDS - len(seeds))])


@dataclass(frozen=True, eq=False)
class _Again:
    """A path's networks, trained again: on its folds, and on its seeds or more."""

    problem: PathProblem
    path: MLPPath
    runner: Runner
    dense: Fits | None

    @cached_property
    def null(self) -> NullObjectives:
        return null_objectives(self.problem, self.path.settings, self.runner)

    def job(self, strength: float) -> Job:
        """Return the job of every pair at one strength; the rows that a fold holds out are its validation."""
        problem, settings = self.problem, self.path.settings
        if self.dense is None:
            job = linear_job(problem, settings, np.array([strength]))
        else:
            job = ramp_job(problem, settings, *every_pair(problem, np.array([strength])), self.dense)
        whole = replace(problem.folds[-1], validation=np.zeros_like(problem.weights))  # held out by nobody
        return replace(job, folds=(*problem.validated().folds, whole))

    def preferred(self, job: Job, fits: Fits) -> Fits:
        """Return the fits that a path uses: the null model where it is better under the penalty."""
        if not any(penalty.acts for penalty in job.penalties):
            return fits
        return self.null.put_in(fits, self.null.wins(fits))

    def networks_at(self, index: int, job: Job) -> Fits:
        """Train the networks that the path holds at one strength; seeds that it does not have keep their own.

        Parameters
        ----------
        index : int
            The strength's number.
        job : Job
            Of every pair at this strength.
        """
        problem, path, settings = self.problem, self.path, self.path.settings
        assert self.dense is not None
        known = path.source.shape[-1]
        at: Integers = np.full((len(problem.folds), len(problem.seeds)), index)
        at[:, :known] = path.source[index]
        source = at.ravel()
        pairs = np.flatnonzero((source != index) & (source != NULL))
        own = self.runner.train(job)
        if index > 0 and settings.ramps:  # else train_path looks
            alphas = path.alphas[[index]]
            own = without_collapse(problem, settings, self.runner, self.null, alphas, [own], self.dense)[0]
        if not settings.ramps:
            strengths = path.alphas[: max(index, int(source.max())) + 1]
            fitted = train_path(problem, settings, self.runner, self.null, strengths)
            own = replace(fitted[index], history=own.history)
            networks = networks_of(fitted, source[pairs], pairs)
        elif pairs.size:
            alphas = path.alphas[source[pairs]]
            networks = self.runner.train(ramp_job(problem, settings, alphas, pairs, self.dense)).parameters
        if pairs.size:
            if index == 0:
                networks = self.runner.train(unpenalized_job(problem, settings, pairs, networks)).parameters
            there = penalties_at(problem, settings, np.full(len(pairs), path.alphas[index]))
            own = put_in(own, pairs, measured(problem, settings, self.runner, pairs, there, networks))
        has_start = np.arange(len(source)) % len(problem.seeds) < known
        wins = np.where(has_start, source == NULL, self.null.wins(own) & (index > 0))
        return self.null.put_in(own, wins)


def _held_out_rows(weights: Array, validation: Array | None) -> Integers:
    return np.flatnonzero(weights == 0 if validation is None else validation > 0)


def _constants(trial: _Trial, rows: Sequence[Integers]) -> list[Array]:
    """Losses of the best constant of each fold on some of its rows."""
    job = trial.job
    folds = [job.folds[number] for number in trial.folds]
    pairs = zip(folds, rows, strict=True)
    return [constant_losses(job.loss, job.target, fold, job.folds[-1].target_scale, each) for fold, each in pairs]


def _alone(job: Job) -> dict[str, Job]:
    """Return the job with only the nonsmooth part of every penalty, and only the smooth part, where it has both."""
    every = [parts(penalty) for penalty in job.penalties]
    jobs = {}
    for name, kinds in (("L1 alone", L1 | GroupLasso), ("L2 alone", L2)):
        alone = tuple(Sum(tuple(part for part in each if isinstance(part, kinds))) for each in every)
        if not any(penalty.acts for penalty in alone) or evadable(job.network, alone):
            return {}  # there is but one part; or, alone, it would be another problem, which rescaling escapes
        jobs[name] = replace(job, penalties=alone, record_every=0)
    return jobs


def _widened(job: Job) -> Job:
    """Return the same job with more units in every hidden layer."""
    last = job.network.dense[-1]
    layers: list[Layer] = []
    grown = 1
    for layer in job.network.layers:
        if isinstance(layer, Dense):
            grows = 1 if layer is last else _LARGER_FACTOR
            layers.append(Dense(layer.inputs * grown, layer.units * grows))
            grown = grows
        else:
            layers.append(layer)
    network = Network(tuple(layers))
    memory.check(memory.needed_by_fit(replace(memory.Size.of_job(job), shapes=network.shapes), 1), 1)
    *start, _ = network.starts("he", job.seeds.tolist(), job.dtype)
    return replace(job, network=network, start=(*start, job.start[-1]))  # the output that the loss begins with


def _decay(job: Job) -> float:
    """How far plain descent takes a weight under its L2 alone: the largest of ``2 l2 t``."""
    if not isinstance(job.optimizer, SGD):
        return np.nan
    rows = max(int(np.count_nonzero(fold.weights)) for fold in job.folds)
    steps = job.epochs * -(-rows // (job.batch_size or rows))
    time = sum(rate_at(job.optimizer, k, steps) for k in range(steps)) / (1 - job.optimizer.momentum)
    strengths = [float(np.max(part.strength)) for each in job.penalties for part in parts(each) if isinstance(part, L2)]
    return 2 * max(strengths, default=0.0) * time


def _standardizing_leaks(problem: PathProblem) -> list[Fault]:
    """Look whether other numbers in held-out rows change how a fold is mapped and standardized."""
    if not isinstance(problem.x, np.ndarray):
        return []
    for number, (_, rows) in enumerate(problem.splits):
        x, target = changed_rows(problem.x, problem.target, rows)
        fold, again = problem.folds[number], problem.with_rows(x, target).folds[number]
        if not all(map(np.array_equal, _learned(fold), _learned(again))):
            return [leak()]
    return []


def _learned(fold: Fold) -> list[Array]:
    """Return the standardization and maps that a fold has learned from its rows."""
    scaling = [fold.center, fold.scale, fold.target_center, fold.target_scale]
    return scaling if fold.inputs is None else [*scaling, fold.inputs.center, fold.inputs.scale]
