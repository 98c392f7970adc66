"""Input selection: an adaptive group path, refits of every support, and a test against the null model.

    1. path        a group lasso path over inputs; at its lowest held-out loss it has all inputs that matter, and
                   several that do not, because one strength both selects and shrinks
    2. adaptive    a second path from there. The penalty factor of an input is the largest norm of any input's weights
                   divided by its own, so inputs with small weights are dropped first
    3. refits      every support of the second path again, without the selecting penalty and with a few ridge penalties
    4. choice      among the refits within one standard error of the lowest held-out loss, the one whose inputs are
                   selected by most folds; if there is none, the candidate with the lowest loss; no input if the choice
                   is not better than the null model by two standard errors
    5. encoding    with an input map, 1 to 4 see the columns as they are; then every support of the second path is
                   refitted with its columns encoded, and replaces the chosen refit where its held-out loss is lower

:func:`relax` refits the supports of one path with any penalty, without the adaptive path and the test. It chooses the
lowest loss.

(Adaptive weights: Zou, JASA 2006; refits: Meinshausen, CSDA 2007.) Every step uses only its training set. Before the
choice, a single number depends on held-out rows, and is the same for all folds: the strength at which the first path
ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ridgewalk.arrays import Array, Booleans, Integers, per_run
from ridgewalk.engine import Runner
from ridgewalk.engine.job import Fits, joined
from ridgewalk.engine.runner import seconds_of_epoch
from ridgewalk.objective import weighted_mean
from ridgewalk.path.cost import check_memory, path_seconds, scoring_seconds
from ridgewalk.path.dependence import mean_and_error
from ridgewalk.path.families import GroupLassoPath, LayeredPenalty, as_group_lasso
from ridgewalk.path.fit import AlphaSpec, find_strengths, fit_path, strength_count, train_path
from ridgewalk.path.jobs import (
    RAMP_SHARE,
    Training,
    by_strength,
    every_pair,
    last_steps,
    make_job,
    network_of,
    penalty_of,
)
from ridgewalk.path.law import NullObjectives, null_objectives, with_law, without_law
from ridgewalk.path.linear import solve_linear
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.result import FoldNetworks, MLPPath, collect
from ridgewalk.path.selection import Rule, minimum, simplest
from ridgewalk.path.settings import PathSettings
from ridgewalk.penalties import L2, GroupLasso, Penalty

RIDGES = (1e-3, 1e-2, 1e-1, 1.0)
"""Strengths of L2 on the first layer of a refit; without strong ones, refits of few rows overfit."""
FIRST_SHARE = 1.5  # of max_iter: epochs of the first path
ADAPTIVE = 25  # strengths of the second path
_ADAPTIVE_SPAN = 2e4  # its top over its end: factors go up to 1000
_REFIT_PARTS = 4  # of the refits, by the size of their supports: small ones need few columns
_GATE_ERRORS = 2.0  # standard errors
_MAJORITY = 0.5  # of the folds


@dataclass(frozen=True, eq=False)
class Candidate:
    """A candidate of input selection, at its best strength.

    Attributes
    ----------
    name : str
        "path", "adaptive path", "refits" or "encoded refits".
    path : MLPPath
        All its strengths; for refits, every strength of the adaptive path with every ridge penalty, in this order.
    index : int
        Index of the strength with the lowest held-out loss.
    loss : float
        Mean held-out loss there.
    """

    name: str
    path: MLPPath
    index: int
    loss: float

    @property
    def is_of_refits(self) -> bool:
        """Whether its path has every strength under every ridge penalty."""
        return ridges_of(self.path) is not None


@dataclass(frozen=True, eq=False)
class InputSelection:
    """The result of input selection.

    Attributes
    ----------
    arms : tuple of Candidate
        The candidates: path, adaptive path (not with ``relax``), refits, encoded refits (with an input map).
    chosen : Candidate
        The result: a candidate, or the refits at another strength with no significantly higher loss. If nothing is
        better than the null model, it contains the null model.
    unpenalized : MLPPath
        A path from strength 0 on, whose inputs are those of the refits: the first, or one of strength 0 alone.
    null_loss : float
        Mean held-out loss of the null model.
    gain, gain_error : float
        Paired gain of the chosen candidate over the null model, and its standard error. A gain of at most two standard
        errors does not count.
    frequency : array, shape (P,)
        Share of the folds x seeds whose own network, at the chosen strength, uses each input.
    """

    arms: tuple[Candidate, ...]
    chosen: Candidate
    unpenalized: MLPPath
    null_loss: float
    gain: float
    gain_error: float
    frequency: Array

    @property
    def significant(self) -> bool:
        """Whether the gain over the null model is greater than two standard errors."""
        return self.gain > _GATE_ERRORS * self.gain_error


def _settings_of(settings: PathSettings | None) -> PathSettings:
    """Return the settings or the default ones; raise an error for racing."""
    settings = settings or PathSettings()
    if settings.races:
        raise ValueError(
            "racing=True drops strengths by what they lose before their inputs are refitted, and select_inputs and "
            "relax choose among refits, too: leave racing out."
        )
    return settings


_DISTINCT_SUPPORTS = 0.5  # share of the supports along a path that differ, as a guess: each is refitted once


def select_inputs(
    problem: PathProblem,
    settings: PathSettings | None = None,
    alphas: AlphaSpec = 22,
    runner: Runner | None = None,
    rule: Rule = "min",
) -> InputSelection:
    """Select the inputs that the network needs.

    Parameters
    ----------
    settings : PathSettings, optional
        Its penalty is taken to be the group lasso over inputs; ``max_iter`` is that of the adaptive path and of the
        refits, the first path takes one and a half times as many epochs.
    rule : "min", "1se" or "simplest"
        Which of the refits is the result where some are within one paired standard error of the best arm: that whose
        inputs most folds hold ("min"), or that of lowest held-out loss ("1se"), which has fewer inputs. "simplest" is
        the simplest refit in the confidence set at 95% of all refits and the best arm.
    problem, alphas, runner
        As for :func:`ridgewalk.path.fit.fit_path`.

    Raises
    ------
    ValueError
        If the network has no hidden layer: there L1 selects, and its path is convex.
    TypeError
        If the penalty has no factors per input.
    """
    settings, runner = _settings_of(settings), runner or Runner()
    if settings.linear:
        raise ValueError("With no hidden layer L1 selects the inputs: leave select_inputs out, and set l1_ratio=1.")
    settings = replace(settings, penalty=as_group_lasso(settings.penalty))
    mapped, problem = problem, problem.plain
    penalty = as_group_lasso(penalty_of(problem, settings))
    longer = replace(settings, max_iter=round(FIRST_SHARE * settings.max_iter))
    count = strength_count(alphas)
    check_memory(mapped, longer, runner, count, count + ADAPTIVE, ADAPTIVE * len(RIDGES))
    strengths = find_strengths(problem, longer, runner, alphas)
    expected = path_seconds(problem, settings, count) + seconds_beside_the_path(mapped, settings, count, False)
    with runner.progress.task(expected):
        null = null_objectives(problem, settings, runner)
        lawful = with_law(
            problem, longer, runner, null, strengths, train_path(problem, longer, runner, null, strengths)
        )
        first = collect(problem, longer, runner, null, strengths, lawful)
        best = 1 + minimum(first.row_loss[1:], first.row_weights)
        start = lawful.fits[best]
        factors = adaptive_factors(penalty, start.parameters[0], first.null_wins[best].ravel())
        adaptive_strengths = np.geomspace(strengths[-1] / _ADAPTIVE_SPAN, strengths[-1], ADAPTIVE)
        of = partial(_adaptive_penalties, problem, settings, penalty, factors)
        fits = _adaptive(problem, settings, runner, of, adaptive_strengths, start)
        by = by_strength(fits, problem.pairs)
        lawful = with_law(problem, settings, runner, null, adaptive_strengths, by, of)
        adaptive = collect(problem, settings, runner, null, adaptive_strengths, lawful)
        supports = _supports(fits)
        refits = _refits(problem, settings, runner, null, adaptive_strengths, fits, supports)
        arms: tuple[Candidate, ...] = (
            _candidate("path", first),
            _candidate("adaptive path", adaptive),
            _candidate("refits", refits),
        )
        chosen, unpenalized = {"min": _agreed, "1se": _sparsest, "simplest": _simplest}[rule](arms), first
        if mapped.encodes:
            assert mapped.column is not None
            spread, supports = _spread(fits, mapped.column), supports[:, mapped.column]
            encoded = _refits(mapped, settings, runner, null, adaptive_strengths, spread, supports)
            arms = (*arms, _candidate("encoded refits", encoded))
            chosen = _encoded(chosen, arms)
            unpenalized = fit_path(mapped, longer, [0.0], runner)
    selection = _selection(arms, chosen, unpenalized)
    return selection if selection.significant else replace(selection, chosen=_emptied(null, selection.chosen))


def relax(
    problem: PathProblem,
    settings: PathSettings | None = None,
    alphas: AlphaSpec = 30,
    runner: Runner | None = None,
    rule: Rule = "min",
) -> InputSelection:
    """Fit a path, and refit the inputs of every support without the penalty that selected them.

    As glmnet's relax does, but under a few ridges (:data:`RIDGES`). The refits are one arm, the path the other.
    Parameters as for :func:`select_inputs`, with the settings' own penalty; "min" is the arm of lowest loss.
    """
    settings, runner = _settings_of(settings), runner or Runner()
    count = strength_count(alphas)
    check_memory(problem, settings, runner, count, count, (count - 1) * len(RIDGES))
    strengths = find_strengths(problem, settings, runner, alphas)
    expected = path_seconds(problem, settings, count) + seconds_beside_the_path(problem, settings, count, True)
    with runner.progress.task(expected):
        null = null_objectives(problem, settings, runner)
        fits = train_path(problem, settings, runner, null, strengths)
        lawful = with_law(problem, settings, runner, null, strengths, fits)
        path = collect(problem, settings, runner, null, strengths, lawful)
        together = _together(fits[1:])
        refits = _refits(problem, settings, runner, null, strengths[1:], together, _supports(together))
    arms = (_candidate("path", path), _candidate("refits", refits))
    return _selection(arms, {"min": _lowest, "1se": _sparsest, "simplest": _simplest}[rule](arms), path)


def seconds_beside_the_path(problem: PathProblem, settings: PathSettings, strengths: int, relaxing: bool) -> float:
    """Estimate the seconds of input selection (or ``relaxing`` a path) in addition to its first path."""
    if relaxing:
        return _seconds_of_refits(problem, settings, strengths - 1)
    seconds = _seconds_of_refits(problem.plain, settings, ADAPTIVE)
    seconds += len(problem.folds) * scoring_seconds(problem.plain, settings, ADAPTIVE)
    seconds += _seconds_of_runs(problem.plain, settings, ADAPTIVE + (FIRST_SHARE - 1) * strengths)
    if not problem.encodes:
        return seconds
    return seconds + _seconds_of_refits(problem, settings, ADAPTIVE) + path_seconds(problem, settings, 1)


def _seconds_of_refits(problem: PathProblem, settings: PathSettings, supports: int) -> float:
    """Estimate the seconds of refitting so many supports of every training set, and of scoring them."""
    count = len(RIDGES) * supports
    scoring = len(problem.folds) * scoring_seconds(problem, settings, count)
    return scoring + _seconds_of_runs(problem, settings, _DISTINCT_SUPPORTS * count)


def _seconds_of_runs(problem: PathProblem, settings: PathSettings, runs: float) -> float:
    """Estimate the seconds of so many trainings of every pair; a linear model is solved in next to none."""
    if settings.linear:
        return 0.0
    multiplications = len(problem.target) * network_of(problem, settings).multiplications
    return runs * problem.pairs * settings.max_iter * seconds_of_epoch(multiplications)


def _together(fits: Sequence[Fits]) -> Fits:
    """Put the fits of several strengths into one."""
    runs = sum(len(each.data_loss) for each in fits)
    return joined(fits, np.arange(runs))


def numbers_beside(column: Integers | None, inputs: int) -> Array:
    """Return how many numbers the column of each input (M,) is mapped to, itself among them: 1 without a map."""
    return np.ones(inputs) if column is None else np.bincount(column)[column].astype(float)


def adaptive_factors(penalty: GroupLassoPath, w: Array, null: Booleans) -> Array:
    """Compute factors (R, P, 1) of the adaptive path, from first-layer weights w (R, P, H) of runs.

    The largest norm over each input's own, by groups where there are any: that of a group is the root of its inputs'
    mean square. Infinite for an input without weights. ``null`` (R,) says which runs hold the null model.
    """
    squares = (np.where(null[:, None, None], 0, w.astype(np.float64)) ** 2).sum(axis=-1)
    groups = np.arange(w.shape[1]) if penalty.groups is None else np.unique(penalty.groups, return_inverse=True)[1]
    member = groups == np.arange(groups.max() + 1)[:, None]
    norms = np.sqrt(squares @ (member / member.sum(axis=1, keepdims=True)).T)[:, groups]
    with np.errstate(divide="ignore", invalid="ignore"):
        factors = np.where(norms > 0, norms.max(axis=1, keepdims=True) / norms, np.inf)
    if penalty.penalty_factors is not None:
        user_factors = np.broadcast_to(penalty.penalty_factors, factors.shape)
        factors = np.multiply(factors, user_factors, out=np.zeros_like(factors), where=user_factors > 0)
    return factors[..., None]


def _adaptive_penalties(
    problem: PathProblem,
    settings: PathSettings,
    penalty: GroupLassoPath,
    factors: Array,
    alphas: Array,
    pairs: Integers,
) -> tuple[Penalty, ...]:
    """Return the penalties of the adaptive path's runs at some strengths (R,), each with the factors of its pair."""
    network = network_of(problem, settings)
    strengths = per_run(penalty.factor_per_layer(network)[0] * alphas)
    return penalty.around(network, GroupLasso(strengths, factors=factors[pairs], groups=penalty.groups))


def _adaptive(
    problem: PathProblem,
    settings: PathSettings,
    runner: Runner,
    of: Callable[[Array, Integers], tuple[Penalty, ...]],
    strengths: Array,
    start: Fits,
) -> Fits:
    """Train the second path, of runs ordered strength, fold, seed, all from the fits of one strength."""
    alphas, pairs = every_pair(problem, strengths)
    tiled = tuple(np.concatenate([array] * len(strengths)) for array in start.parameters)
    training = Training(settings.max_iter, last_steps(settings), RAMP_SHARE)
    return runner.train(make_job(problem, settings, pairs, of(alphas, pairs), tiled, training))


def _supports(fits: Fits) -> Booleans:
    """Return which inputs of the network each run uses: shape (R, M)."""
    return np.asarray((fits.parameters[0] != 0).any(axis=-1))


def _spread(fits: Fits, column: Integers) -> Fits:
    """Return fits to columns as fits to the numbers that they are mapped to, ``column`` (M,): to the first of each."""
    first, *others = fits.parameters
    whole = np.zeros((len(first), len(column), first.shape[-1]), dtype=first.dtype)
    whole[:, np.flatnonzero(np.diff(column, prepend=-1))] = first
    return replace(fits, parameters=(whole, *others))


def _refits(
    problem: PathProblem,
    settings: PathSettings,
    runner: Runner,
    null: NullObjectives,
    strengths: Array,
    fits: Fits,
    supports: Booleans,
) -> MLPPath:
    """Refit the supports (R, M) of a path's runs under every ridge, from its fits on.

    Its strengths are those of the path, each with every ridge. A support that several strengths of one pair share is
    refitted once.
    """
    pairs, count = problem.pairs, len(RIDGES)
    known: dict[tuple[int, bytes], int] = {}
    place = np.array([known.setdefault((k % pairs, s.tobytes()), len(known)) for k, s in enumerate(supports)])
    chosen = np.unique(place, return_index=True)[1]
    by_size = np.argsort(supports[chosen].sum(axis=-1), kind="stable")
    parts = np.array_split(by_size, min(_REFIT_PARTS, len(chosen)))
    scoring = len(problem.folds) * scoring_seconds(problem, settings, count * len(strengths))
    training = _refitting_seconds(problem, settings, [supports[chosen[part]] for part in parts])
    runner.progress.estimate(scoring + training)
    ridges = np.arange(count)[:, None] * len(chosen)  # numbers of the refits: ridge after ridge, support after support
    refits = joined(
        [_refit(problem, settings, runner, fits, supports, chosen[part]) for part in parts],
        np.concatenate([(ridges + part).ravel() for part in parts]),
    )
    spread = refits.part((ridges + place.reshape(-1, 1, pairs)).ravel())
    empty = np.repeat(~supports.any(axis=-1).reshape(-1, 1, pairs), count, axis=1).ravel()
    spread = replace(spread, data_loss=np.where(empty, np.inf, spread.data_loss))  # without inputs the null model wins
    refitted = without_law(null, by_strength(spread, pairs))
    return collect(problem, settings, runner, null, np.repeat(strengths, count), refitted)


def ridges_of(path: MLPPath) -> Array | None:
    """Return the ridge of each entry of a path of refits, which has every strength under every ridge; else None."""
    count = len(RIDGES)
    if len(path.alphas) % count or not (path.alphas.reshape(-1, count) == path.alphas[::count, None]).all():
        return None
    return np.tile(RIDGES, len(path.alphas) // count)


def _refitting_seconds(problem: PathProblem, settings: PathSettings, supports: Sequence[Booleans]) -> float:
    """Estimate the seconds of refitting supports in parts (runs, P), on the columns that any of the runs uses."""
    seconds = 0.0
    if settings.linear:
        return seconds
    for part in supports:
        network = settings.network(max(1, int(part.any(axis=0).sum())), problem.outputs)
        epoch = seconds_of_epoch(len(problem.target) * network.multiplications)
        seconds += len(part) * len(RIDGES) * settings.max_iter * epoch
    return seconds


def _refit(
    problem: PathProblem, settings: PathSettings, runner: Runner, fits: Fits, supports: Booleans, chosen: Integers
) -> Fits:
    """Refit some runs' supports with each ridge penalty, on the columns that any of them uses."""
    supports, count = supports[chosen], len(RIDGES)
    columns = np.flatnonzero(supports.any(axis=0))
    columns = columns if columns.size else np.array([0])  # a network needs an input; excluded, it says nothing
    held = np.where(supports[:, columns], numbers_beside(problem.column, problem.inputs)[columns], np.inf)[..., None]
    ridges = L2(per_run(np.repeat(RIDGES, len(chosen))), factors=np.tile(held, (count, 1, 1)))
    first, *others = (array[chosen] for array in fits.parameters)
    start = tuple(np.concatenate([array] * count) for array in (first[:, columns], *others))
    part, pairs = problem.restricted(columns), np.tile(chosen % problem.pairs, count)
    penalty = settings.penalty if isinstance(settings.penalty, LayeredPenalty) else LayeredPenalty()
    penalties = penalty.around(network_of(part, settings), ridges)
    if settings.linear:
        refits = solve_linear(part, settings, runner, pairs, penalties, start)
    else:
        training = Training(settings.max_iter, last_steps(settings))
        refits = runner.train(make_job(part, settings, pairs, penalties, start, training))
    whole = np.zeros((len(chosen) * count, *first.shape[1:]), dtype=first.dtype)
    whole[:, columns] = refits.parameters[0]
    return replace(refits, parameters=(whole, *refits.parameters[1:]), standing=None)  # that of fewer inputs


def _candidate(name: str, path: MLPPath) -> Candidate:
    return _at(name, path, minimum(path.row_loss, path.row_weights))


def _at(name: str, path: MLPPath, index: int) -> Candidate:
    return Candidate(name, path, index, float(weighted_mean(path.row_loss[index], path.row_weights)))


def _lowest(arms: tuple[Candidate, ...]) -> Candidate:
    """Return the candidate with the lowest held-out loss."""
    return min(arms, key=lambda candidate: candidate.loss)


def _near(arms: tuple[Candidate, ...]) -> Integers:
    """Return the strengths of the refits within one paired standard error of the best candidate."""
    path = arms[-1].path
    above, error = mean_and_error(path.row_loss - _rows(_lowest(arms)), path.row_weights, path.dependence)
    return np.flatnonzero(above <= error)


def _sparsest(arms: tuple[Candidate, ...]) -> Candidate:
    """Return the refits if they are near the lowest loss, otherwise the candidate with the lowest loss."""
    return arms[-1] if arms[-1].index in _near(arms) else _lowest(arms)


def _simplest(arms: tuple[Candidate, ...]) -> Candidate:
    """Return the simplest of all refits and the best candidate in the confidence set of the best loss."""
    refits, best = arms[-1], _lowest(arms)
    row_loss = np.vstack([refits.path.row_loss, _rows(best)])
    sizes = np.vstack([refits.path.sizes, best.path.sizes[best.index]])
    index = simplest(row_loss, refits.path.row_weights, refits.path.dependence, sizes)
    return _at(refits.name, refits.path, index) if index < len(row_loss) - 1 else best


def _agreed(arms: tuple[Candidate, ...]) -> Candidate:
    """Return, among the refits near the lowest loss, the one whose inputs the folds agree on.

    An input counts by the share of folds x seeds that hold it, less a half: one that few folds hold counts against.
    So of losses within one error, the largest support that the folds confirm is the result. Refits that do
    not beat the null model are left out: the gate is for the lowest loss to pass.
    """
    refits, near = arms[-1], _near(arms)
    path = refits.path
    gain, gain_error = mean_and_error(path.null_row_loss - path.row_loss[near], path.row_weights, path.dependence)
    near = near[gain > _GATE_ERRORS * gain_error]
    if not near.size:
        return _lowest(arms)
    kept = np.stack([path.inputs_kept[s, -1, path.best_seed(s)] for s in near])
    agreement = (kept * (np.stack([path.frequency(s) for s in near]) - _MAJORITY)).sum(axis=-1)
    loss = weighted_mean(path.row_loss[near], path.row_weights)
    return _at(refits.name, path, int(near[np.lexsort((loss, -agreement))[0]]))


def _encoded(chosen: Candidate, arms: tuple[Candidate, ...]) -> Candidate:
    """Return the encoded refits of the inputs of the chosen candidate if they lose less, otherwise the candidate."""
    refits, count = arms[-1], len(RIDGES)
    if chosen.name == arms[0].name:  # whose supports are not those of the refits
        return chosen
    first = chosen.index // count * count if chosen.is_of_refits else chosen.index * count
    path = refits.path
    best = first + minimum(path.row_loss[first : first + count], path.row_weights)
    return _lowest((chosen, _at(refits.name, path, best)))


def _selection(arms: tuple[Candidate, ...], chosen: Candidate, unpenalized: MLPPath) -> InputSelection:
    weights, null = chosen.path.row_weights, chosen.path.null_row_loss
    gain, gain_error = (float(value) for value in mean_and_error(null - _rows(chosen), weights, chosen.path.dependence))
    return InputSelection(
        arms=arms,
        chosen=chosen,
        unpenalized=unpenalized,
        null_loss=float(weighted_mean(null, weights)),
        gain=gain,
        gain_error=gain_error,
        frequency=chosen.path.frequency(chosen.index),
    )


def _rows(candidate: Candidate) -> Array:
    return np.asarray(candidate.path.row_loss[candidate.index])


def _emptied(null: NullObjectives, candidate: Candidate) -> Candidate:
    """Replace the network at a candidate's best strength by the null model, in every training set."""
    path, parameters, kept = (
        candidate.path,
        [w.copy() for w in candidate.path.parameters],
        candidate.path.inputs_kept.copy(),
    )
    for w in parameters:
        w[candidate.index] = 0
    parameters[-1][candidate.index] = null.outputs[-1]
    kept[candidate.index, -1] = False
    networks = None if path.fold_networks is None else _emptied_folds(null, path, path.fold_networks, candidate.index)
    emptied = replace(path, parameters=tuple(parameters), inputs_kept=kept, fold_networks=networks)
    return replace(candidate, path=emptied)


def _emptied_folds(null: NullObjectives, path: MLPPath, networks: FoldNetworks, index: int) -> FoldNetworks:
    """Replace the folds' networks at a strength, and their outputs, by those of the null models."""
    parameters, outputs = [w.copy() for w in networks.parameters], [each.copy() for each in networks.outputs]
    for w in parameters:
        w[index] = 0
    for fold, constant in enumerate(null.outputs[:-1]):
        parameters[-1][index, fold] = constant
        outputs[fold][networks.strengths == index] = path.folds[fold].in_target_units(constant)
    return FoldNetworks(tuple(parameters), networks.strengths, tuple(outputs))
