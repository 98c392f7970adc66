"""The jobs of a path: what is trained for given fold-seed pairs and strengths.

Runs are ordered by strength, fold and seed. Every fit starts from a dense network, never from zero: an all-zero ReLU
network is stationary at every strength.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ridgewalk.arrays import Array, Integers
from ridgewalk.engine.job import Fits, Job, Polish, joined
from ridgewalk.layers import Arrays
from ridgewalk.losses import begun
from ridgewalk.network import Network
from ridgewalk.optimizers import Adam, Cosine
from ridgewalk.path.families import PathPenalty, over_inputs
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.settings import PathSettings
from ridgewalk.penalties import Penalty

_DENSE_SHARE = 1 / 3  # of max_iter: the dense fit that every strength starts from
_DENSE_RATE = 2  # times the rate: brings them quickly to where a penalty can act
RAMP_SHARE = 0.5  # of max_iter: over which the strengths rise from 0
LINEAR_STEPS = 5_000
_LEAST_LAST_STEPS, _MOST_LAST_STEPS = 3, 100  # after minibatches


def network_of(problem: PathProblem, settings: PathSettings) -> Network:
    """Return the network of a path."""
    return settings.network(problem.inputs, problem.outputs)


def dense_epochs(settings: PathSettings) -> int:
    """Return the epochs of the dense fits."""
    return max(1, round(_DENSE_SHARE * settings.max_iter))


def path_epochs(settings: PathSettings) -> int:
    """Return the epochs that a network of a path is trained for in all: those of its dense fit, and its own."""
    return dense_epochs(settings) + settings.max_iter


@dataclass(frozen=True)
class Training:
    """The length of training: epochs, the share of them with increasing strengths, and the stopping rule.

    ``rate`` multiplies the learning rate of the settings.
    """

    epochs: int
    polish: Polish | None = None
    ramp: float = 0.0
    rate: float = 1.0


def make_job(
    problem: PathProblem,
    settings: PathSettings,
    pairs: Integers,
    penalties: tuple[Penalty, ...],
    start: Arrays,
    training: Training,
) -> Job:
    """Return the job of runs (R,), each for a fold-seed pair with its penalties and initial weights."""
    return Job(
        network=network_of(problem, settings),
        loss=problem.loss,
        penalties=penalties,
        optimizer=Adam(training.rate * settings.learning_rate, schedule=Cosine()),
        x=problem.x,
        target=problem.target,
        folds=problem.folds,
        fold=problem.fold_of(pairs),
        seeds=problem.seed_of(pairs),
        start=start,
        epochs=training.epochs,
        batch_size=settings.batch_size,
        ramp=training.ramp,
        polish=training.polish,
    )


def last_steps(settings: PathSettings) -> Polish | None:
    """Return the full-batch steps after minibatches, in which weights settle at 0."""
    return Polish(steps_after_batches(settings.max_iter)) if settings.batch_size else None


def steps_after_batches(epochs: int) -> int:
    """Return the number of full-batch steps after this number of epochs of minibatches.

    A step takes as long as an epoch, so there are at most half as many: of 20 epochs over 20,000 rows, 10 leave as many
    zeros, and as low a loss, as 100.
    """
    return min(max(epochs // 2, _LEAST_LAST_STEPS), _MOST_LAST_STEPS)


def penalty_of(problem: PathProblem, settings: PathSettings) -> PathPenalty:
    """Return the penalty of a path as the inputs of its network take it: the settings have it per column."""
    return over_inputs(settings.penalty, problem.column)


def penalties_at(problem: PathProblem, settings: PathSettings, alphas: Array) -> tuple[Penalty, ...]:
    """Return the penalties of runs at strengths of their own (R,)."""
    return penalty_of(problem, settings).at(network_of(problem, settings), alphas)


def every_pair(problem: PathProblem, strengths: Array) -> tuple[Array, Integers]:
    """Return the strength and the fold-seed pair of every run: both (R,), ordered strength, fold, seed."""
    return np.repeat(strengths, problem.pairs), np.tile(np.arange(problem.pairs), len(strengths))


def random_starts(problem: PathProblem, settings: PathSettings) -> Arrays:
    """Draw initial weights for every pair, equal for all folds of a seed except for the loss's own initialization."""
    network = network_of(problem, settings)
    drawn = network.starts(settings.start_rule, problem.seeds, settings.dtype, len(problem.folds))
    return begun(problem.loss, drawn, problem.target, [fold.weights for fold in problem.folds])


def dense_job(problem: PathProblem, settings: PathSettings) -> Job:
    """Return the job of the unpenalized, dense fits of every pair."""
    alphas, pairs = every_pair(problem, np.zeros(1))
    training = Training(dense_epochs(settings), last_steps(settings), rate=_DENSE_RATE)
    start = random_starts(problem, settings)
    return make_job(problem, settings, pairs, penalties_at(problem, settings, alphas), start, training)


def ramp_job(
    problem: PathProblem, settings: PathSettings, alphas: Array, pairs: Integers, before: Fits, rate: float = 1.0
) -> Job:
    """Return the job of runs (R,) that takes the fit of each one's pair to a strength of its own."""
    start = tuple(array[pairs] for array in before.parameters)
    training = Training(settings.max_iter, last_steps(settings), RAMP_SHARE if settings.ramps else 0.0, rate)
    return make_job(problem, settings, pairs, penalties_at(problem, settings, alphas), start, training)


def unpenalized_job(problem: PathProblem, settings: PathSettings, pairs: Integers, networks: Arrays) -> Job:
    """Return the job that trains networks (R, ., .) of some pairs on, without a penalty."""
    training = Training(dense_epochs(settings), last_steps(settings))
    if settings.linear:
        training = Training(0, Polish(LINEAR_STEPS, settings.tolerance))
    penalties = penalties_at(problem, settings, np.zeros(len(pairs)))
    return make_job(problem, settings, pairs, penalties, networks, training)


def linear_job(problem: PathProblem, settings: PathSettings, strengths: Array) -> Job:
    """Return the job that solves the linear models of every pair at some strengths, as well as descending does."""
    alphas, pairs = every_pair(problem, strengths)
    zeros = zero_starts(problem, settings, len(strengths))
    training = Training(0, Polish(LINEAR_STEPS, settings.tolerance))
    return make_job(problem, settings, pairs, penalties_at(problem, settings, alphas), zeros, training)


def zero_starts(problem: PathProblem, settings: PathSettings, strengths: int) -> Arrays:
    """Return weights of 0 for every pair and this number of strengths."""
    runs = strengths * problem.pairs
    return tuple(np.zeros((runs, *shape)) for shape in network_of(problem, settings).shapes)


def by_strength(fits: Fits, pairs: int) -> list[Fits]:
    """Split fits ordered strength, fold, seed into one per strength."""
    return [fits.part(slice(first, first + pairs)) for first in range(0, len(fits.data_loss), pairs)]


def networks_of(fits: Sequence[Fits], source: Integers, pairs: Integers) -> Arrays:
    """Stack one network (R, ., .) for each pair (R,): that of the strength ``source`` (R,)."""
    stacked = tuple(np.empty((len(pairs), *w.shape[1:]), dtype=w.dtype) for w in fits[0].parameters)
    for number in np.unique(source):
        here = source == number
        for array, w in zip(stacked, fits[number].parameters, strict=True):
            array[here] = w[pairs[here]]
    return stacked


def put_in(fits: Fits, pairs: Integers, others: Fits) -> Fits:
    """Replace the networks of some pairs (R,) by those of other fits (R,); ``diverged`` is kept."""
    if not pairs.size:
        return fits
    rest = np.setdiff1d(np.arange(len(fits.data_loss)), pairs)
    together = joined([fits.part(rest), others], np.concatenate([rest, pairs]))
    return replace(together, diverged=fits.diverged, history=fits.history)
