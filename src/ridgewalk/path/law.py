"""Keep a path monotone: above strength 0, the objective must not decrease as the strength increases.

    J_s(w) = data loss of w + penalty of w at strength s          increases with s for every w, and so does its minimum

Training finds local minima, so the objectives of a path may violate this. Then the network of the next stronger
strength is also better at this strength, and replaces the trained one (decision 0016). If the null model would be used,
a network of a neighbouring strength replaces it if it is better. A final sweep from strong to weak ensures, for every
fold and seed,

    J_s(w_s)  <=  J_s(w_{s+1})  <=  J_{s+1}(w_{s+1})
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ridgewalk.arrays import Array, Booleans, Integers
from ridgewalk.engine import Runner
from ridgewalk.engine.job import Fits
from ridgewalk.layers import Arrays
from ridgewalk.objective import Objective, weighted_mean
from ridgewalk.path.jobs import (
    Training,
    make_job,
    network_of,
    networks_of,
    penalties_at,
    put_in,
    unpenalized_job,
)
from ridgewalk.path.null_model import linear_fit
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.settings import PathSettings
from ridgewalk.penalties import Penalty

NULL = -1
"""The null model, as the source of a cell."""
_ROUNDING = 1e-13  # relative; objectives that differ by less are the same

PenaltyOf = Callable[[int, Integers, Integers], Array]
"""From the number of a strength, pairs (R,) and sources (R,): penalty, at that strength, of those pairs' networks."""


def lower(value: Array, than: Array) -> Booleans:
    """Return where a value is below another by more than rounding; NaN is below nothing."""
    with np.errstate(invalid="ignore"):  # what diverged
        return np.asarray(value < than - _ROUNDING * np.abs(than))


def sources(data_loss: Array, null: Array, penalty_of: PenaltyOf) -> tuple[Integers, Array]:
    """Find which network is used at every strength and pair, so that no objective decreases with the strength.

    Parameters
    ----------
    data_loss : array, shape (S, pairs)
        Of the network that each strength's training gave, from weak to strong; it may be NaN or infinite.
    null : array, shape (pairs,)
        Objective of the null model, the same at every strength.
    penalty_of : function

    Returns
    -------
    source : integers, shape (S, pairs)
        Number of the strength whose training gave the network; :data:`NULL` for the null model.
    penalty : array, shape (S, pairs)
        What that network pays at the cell's own strength; 0 for the null model.
    """
    strengths, pairs = range(len(data_loss)), np.arange(len(null))
    source = np.repeat(np.arange(len(data_loss))[:, None], len(null), axis=1)
    penalty = np.stack([penalty_of(s, pairs, source[s]) for s in strengths])
    wins = ~lower(data_loss + penalty, null)
    objective, source = np.where(wins, null, data_loss + penalty), np.where(wins, NULL, source)
    for neighbour, s in [*pairwise(strengths), *pairwise(strengths[::-1])]:
        breaks = lower(objective[neighbour], objective[s]) & (neighbour > s)
        asked = np.flatnonzero((source[neighbour] != NULL) & ((source[s] == NULL) | breaks))
        if not asked.size:
            continue
        offered = source[neighbour, asked]
        pays = penalty_of(s, asked, offered)
        there = data_loss[offered, asked] + pays
        better = lower(there, objective[s, asked])
        taken = asked[better]
        source[s, taken], penalty[s, taken], objective[s, taken] = offered[better], pays[better], there[better]
    return source, np.where(source == NULL, 0.0, penalty)


PenaltiesOf = Callable[[Array, Integers], tuple[Penalty, ...]]
"""From strengths (R,) and fold-seed pairs (R,): the penalties of those runs."""


@dataclass(frozen=True, eq=False)
class NullObjectives:
    """The null model of every training set, K + 1 of them, in its standardized problem.

    Attributes
    ----------
    outputs : list of arrays, each (C,)
        The best constant; a bias may be penalized.
    losses, penalties : arrays, shape (K + 1,)
        What it loses, and what the biases pay that it is.
    seeds : int
    """

    outputs: list[Array]
    losses: Array
    penalties: Array
    seeds: int

    @property
    def of_pairs(self) -> Array:
        """Objective of every fold-seed pair's null model: shape (pairs,)."""
        return np.repeat(self.losses + self.penalties, self.seeds)

    def part(self, sets: slice) -> NullObjectives:
        """Return those of some training sets."""
        return NullObjectives(self.outputs[sets], self.losses[sets], self.penalties[sets], self.seeds)

    def wins(self, fits: Fits) -> Booleans:
        """Return whether each pair, at one strength above 0, ended above its null model, which is then better."""
        return ~lower(fits.data_loss + fits.penalty, self.of_pairs)

    def put_in(self, fits: Fits, wins: Booleans) -> Fits:
        """Put the null model of its training set in the place of some pairs (pairs,).

        It is a candidate for every strength; where the training ended above it, it is the better one (decision 0004).
        """
        if not wins.any():
            return fits
        fold = np.flatnonzero(wins) // self.seeds
        parameters = tuple(w.copy() for w in fits.parameters)
        for w in parameters:
            w[wins] = 0
        parameters[-1][wins] = np.stack(self.outputs)[fold][:, None]
        measures = {name: getattr(fits, name).copy() for name in ("data_loss", "penalty", "residual")}
        measures["data_loss"][wins], measures["penalty"][wins] = self.losses[fold], self.penalties[fold]
        measures["residual"][wins] = 0  # with every weight 0 the only slopes left are those of the intercept
        return replace(fits, parameters=parameters, **measures)


def null_objectives(problem: PathProblem, settings: PathSettings, runner: Runner) -> NullObjectives:
    """Find the null models of every training set."""
    bias = penalties_at(problem, settings, np.ones(1))[-1].convert(_of_one_run)
    outputs, losses = [], []
    for fold in problem.folds:
        target = (problem.target - fold.target_center) / fold.target_scale
        if bias.acts:
            nothing = np.zeros((len(target), 1))
            output = np.asarray(linear_fit(problem.loss, nothing, target, fold.weights, runner.engine, bias)[0])
        else:
            output = problem.loss.null_output(target, fold.weights)
        values = problem.loss.values(np.broadcast_to(output, target.shape), target)
        outputs.append(output)
        losses.append(float(weighted_mean(values, fold.weights)))
    penalties = np.array([float(bias.value(output[None])) for output in outputs])
    return NullObjectives(outputs, np.array(losses), penalties, len(problem.seeds))


def _of_one_run(values: Array) -> Array:
    return values[0] if values.ndim == 3 else values


@dataclass(frozen=True, eq=False)
class Lawful:
    """The networks of a path, so that no objective falls.

    Attributes
    ----------
    fits : list of Fits
        One per strength, over fold-seed pairs.
    source : integers, shape (S, pairs)
        The strength whose training gave each network (:attr:`ridgewalk.path.MLPPath.source`).
    """

    fits: list[Fits]
    source: Integers


def with_law(
    problem: PathProblem,
    settings: PathSettings,
    runner: Runner,
    null: NullObjectives,
    strengths: Array,
    fits: Sequence[Fits],
    penalties_of: PenaltiesOf | None = None,
) -> Lawful:
    """Put the network of lowest objective into every pair above strength 0, as the law asks.

    At strength 0 training goes on, unpenalized, from the weakest strength's network where that has the lower loss;
    what diverged there stays as it is, to be seen.

    Parameters
    ----------
    problem, settings, runner
    null : NullObjectives
    strengths : array, shape (S,)
    fits : sequence of Fits
        One per strength, over fold-seed pairs.
    penalties_of : function, optional
        By default the settings' own.
    """
    of = penalties_of or usual_penalties(problem, settings)
    free = int(strengths[0] == 0)
    alphas, fitted = strengths[free:], fits[free:]
    if not fitted:
        return Lawful(list(fits), np.zeros((free, problem.pairs), dtype=int))
    source, penalty = sources_among(problem, settings, null, alphas, fitted, of)
    moved = (source != np.arange(len(fitted))[:, None]) & (source != NULL)
    numbers, pairs = np.nonzero(moved)
    taken = source[numbers, pairs]
    there = fitted[0].part(pairs)
    if pairs.size:
        networks = networks_of(fitted, taken, pairs)
        there = measured(problem, settings, runner, pairs, of(alphas[numbers], pairs), networks)
        epochs = [fitted[number].epochs[pair] for number, pair in zip(taken, pairs, strict=True)]
        there = replace(there, epochs=np.array(epochs))
    found = []
    for number, fit in enumerate(fitted):
        put = put_in(fit, np.flatnonzero(moved[number]), there.part(numbers == number))
        found.append(null.put_in(replace(put, penalty=penalty[number]), source[number] == NULL))
    if not free:
        return Lawful(found, source)
    first, below = _trained_on(problem, settings, runner, fits[0], found[0], source[0] + 1)
    return Lawful([first, *found], np.vstack([below, np.where(source == NULL, NULL, source + 1)]))


def usual_penalties(problem: PathProblem, settings: PathSettings) -> PenaltiesOf:
    """Return the penalties of the settings, which are the same for every fold and seed."""
    return lambda alphas, _: penalties_at(problem, settings, alphas)


def sources_among(
    problem: PathProblem,
    settings: PathSettings,
    null: NullObjectives,
    alphas: Array,
    fits: Sequence[Fits],
    penalties_of: PenaltiesOf,
) -> tuple[Integers, Array]:
    """Find which network is used (:func:`sources`), for fits at some strengths above 0: both (S, pairs)."""
    network = network_of(problem, settings)

    def penalty_of(number: int, pairs: Integers, source: Integers) -> Array:
        penalties = penalties_of(np.full(len(pairs), alphas[number]), pairs)
        # In double precision, so that one network has one penalty wherever it stands.
        arrays = tuple(w.astype(np.float64) for w in networks_of(fits, source, pairs))
        return Objective(network, problem.loss, penalties).penalty(arrays)

    return sources(np.stack([fit.data_loss for fit in fits]), null.of_pairs, penalty_of)


def measured(
    problem: PathProblem,
    settings: PathSettings,
    runner: Runner,
    pairs: Integers,
    penalties: tuple[Penalty, ...],
    networks: Arrays,
) -> Fits:
    """Measure networks (R, ., .) of some pairs under penalties of these runs: a job without steps."""
    return replace(runner.train(make_job(problem, settings, pairs, penalties, networks, Training(0))), history=None)


def _trained_on(
    problem: PathProblem, settings: PathSettings, runner: Runner, dense: Fits, weakest: Fits, source: Integers
) -> tuple[Fits, Integers]:
    """Train on without a penalty from the weakest strength's networks, where their loss is below the dense fits'.

    Returns the fits of strength 0, and for each pair the number of the strength whose network it came from.
    """
    pairs = np.flatnonzero((source > 0) & ~dense.diverged & lower(weakest.data_loss, dense.data_loss))
    below = np.zeros(problem.pairs, dtype=int)
    if not pairs.size:
        return dense, below
    fits = runner.train(unpenalized_job(problem, settings, pairs, tuple(w[pairs] for w in weakest.parameters)))
    better = ~fits.diverged & lower(fits.data_loss, dense.data_loss[pairs])
    below[pairs[better]] = source[pairs[better]]
    return put_in(dense, pairs[better], fits.part(better)), below


def without_law(null: NullObjectives, fits: Sequence[Fits]) -> Lawful:
    """Prefer the null model where it wins, and no other network: refits follow no rising strength."""
    wins = [null.wins(fit) for fit in fits]
    source = np.where(wins, NULL, np.arange(len(fits))[:, None])
    return Lawful([null.put_in(*pair) for pair in zip(fits, wins, strict=True)], source)
