"""Which inputs the network needs: an adaptive group path, every support refitted, and a gate against the null model.

    1. path        the group lasso's path over inputs; at its lowest held-out loss it has all inputs that matter, and
                   several that do not, because one strength both selects and shrinks
    2. adaptive    a second path from there, where an input's factor is the largest norm of any input's weights over
                   its own: what was small before leaves first
    3. refits      every support of the second path once more, without the selecting penalty, under a few ridges
    4. choice      the arm of lowest held-out loss; none where it does not beat the null model by two standard errors

:func:`relax` refits the supports of one path of any penalty, without the second and the gate.

(Adaptive weights: Zou, JASA 2006; refits: Meinshausen, CSDA 2007.) Every step stays inside its training set. One number
alone comes from held-out rows before the choice, the same for all folds: at which strength the first path ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from ridgewalk.arrays import Array, Booleans, Integers, per_run
from ridgewalk.engine.job import Fits, Matrix, joined
from ridgewalk.engine.watch import Watch
from ridgewalk.losses import Loss
from ridgewalk.objective import weighted_mean
from ridgewalk.path import MLPPath
from ridgewalk.penalties import L2, GroupLasso, Penalty
from ridgewalk.route import Route
from ridgewalk.selection import Rule, mean_and_error, minimum
from ridgewalk.walker import RAMP_SHARE, Score, Strengths, Walker, collect, strength_count

RIDGES = (1e-4, 1e-3, 5e-3, 2e-2)
"""Strengths of L2 on the first layer of a refit; without them, refits of separable classes overfit."""
FIRST_SHARE = 1.5  # of max_iter: epochs of the first path
ADAPTIVE = 25  # strengths of the second path
_ADAPTIVE_SPAN = 2e4  # its top over its end: factors go up to 1000
_PARTS = 4  # of the refits, by the size of their supports: small ones need few columns
_GATE = 2.0  # standard errors


@dataclass(frozen=True, eq=False)
class Arm:
    """One way to the inputs, at its best strength.

    Attributes
    ----------
    name : str
        "path", "adaptive path" or "refits".
    path : MLPPath
        All its strengths; for refits, every strength of the adaptive path with every ridge, in this order.
    index : int
        The strength of lowest held-out loss.
    loss : float
        Mean held-out loss there.
    """

    name: str
    path: MLPPath
    index: int
    loss: float


@dataclass(frozen=True, eq=False)
class InputSelection:
    """Which inputs were selected, and what that rests on.

    Attributes
    ----------
    arms : tuple of Arm
        Path, adaptive path (not where a path was only relaxed), refits.
    chosen : Arm
        The arm that is handed over; where nothing beats the null model, one with the null model in its place.
    null_loss : float
        Mean held-out loss of the null model.
    gain, gain_error : float
        Of the chosen arm over the null model, row by row, and its standard error. A gain of at most 2 errors is none.
    frequency : array, shape (P,)
        Share of the folds x seeds whose own support, at the chosen strength, holds each input.
    """

    arms: tuple[Arm, ...]
    chosen: Arm
    null_loss: float
    gain: float
    gain_error: float
    frequency: Array

    @property
    def significant(self) -> bool:
        """Whether any input is worth having."""
        return self.gain > _GATE * self.gain_error


_DIFFERENT = 0.5  # share of the supports along a path that differ, as a guess: each is refitted once


def select_inputs(
    x: ArrayLike | Matrix,
    target: Array,
    loss: Loss,
    splits: Sequence[tuple[Integers, Integers]],
    route: Route | None = None,
    alphas: Strengths = 22,
    seeds: Sequence[int] = (0,),
    sample_weight: Array | None = None,
    n_jobs: int = 1,
    watch: Watch | None = None,
    rule: Rule = "min",
    score: Score | None = None,
) -> InputSelection:
    """Select the inputs that the network needs.

    Parameters
    ----------
    route : Route, optional
        Its penalty is taken to be the group lasso over inputs; ``max_iter`` is that of the adaptive path and of the
        refits, the first path takes one and a half times as many epochs.
    rule : "min" or "1se"
        "1se" prefers the refits, the sparsest arm, where they are within one paired standard error of the best.
    x, target, loss, splits, alphas, seeds, sample_weight, n_jobs, watch, score
        As for :func:`ridgewalk.walker.walk`.

    Raises
    ------
    ValueError
        If the network has no hidden layer: there L1 selects, and its path is convex.
    """
    route = route or Route()
    if route.linear:
        raise ValueError("With no hidden layer L1 selects the inputs: leave select_inputs out, and set l1_ratio=1.")
    first_route = replace(route, penalty="group_lasso", max_iter=round(FIRST_SHARE * route.max_iter))
    walker = Walker.ready(x, target, loss, splits, first_route, seeds, sample_weight, n_jobs, watch, score)
    count = strength_count(alphas)
    walker.check_memory(count, count + ADAPTIVE, ADAPTIVE * len(RIDGES))
    strengths = walker.strengths(alphas)
    extra = ADAPTIVE * (1 + _DIFFERENT * len(RIDGES)) * walker.cells * route.max_iter
    walker.expect(extra)
    settled = walker.settled(strengths, walker.fits(strengths))
    first = collect(walker, strengths, settled)
    best = 1 + minimum(first.row_loss[1:], first.row_weights)
    adaptive_strengths = np.geomspace(strengths[-1] / _ADAPTIVE_SPAN, strengths[-1], ADAPTIVE)
    start = settled.fits[best]
    factors = adaptive_factors(walker, start.parameters[0], first.null_wins[best].ravel())
    adaptive_fits = _adaptive(walker, adaptive_strengths, factors, start, route.max_iter)
    same = partial(_adaptive_penalties, walker.route, factors)
    adaptive = collect(walker, adaptive_strengths, walker.settled(adaptive_strengths, _by(walker, adaptive_fits), same))
    refits, trained = _refits(walker, adaptive_strengths, adaptive_fits, route.max_iter)
    walker.expect(-(extra - (len(adaptive_fits.data_loss) + trained) * route.max_iter))
    selection = _choose((_arm("path", first), _arm("adaptive path", adaptive), _arm("refits", refits)), rule)
    return selection if selection.significant else replace(selection, chosen=_emptied(walker, selection.chosen))


def relax(
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
    rule: Rule = "min",
    score: Score | None = None,
) -> InputSelection:
    """Walk a path, and refit the inputs of every support without the penalty that selected them.

    As glmnet's relax does, but under a few ridges (:data:`RIDGES`). The refits are one arm, the path the other.
    Parameters as for :func:`select_inputs`, with the route's own penalty.
    """
    walker = Walker.ready(x, target, loss, splits, route, seeds, sample_weight, n_jobs, watch, score)
    count = strength_count(alphas)
    walker.check_memory(count, count, (count - 1) * len(RIDGES))
    strengths = walker.strengths(alphas)
    per_fit = 0 if walker.route.linear else walker.route.max_iter
    extra = _DIFFERENT * (len(strengths) - 1) * len(RIDGES) * walker.cells * per_fit
    walker.expect(extra)
    fits = walker.fits(strengths)
    path = collect(walker, strengths, walker.settled(strengths, fits))
    refits, trained = _refits(walker, strengths[1:], _together(fits[1:]), walker.route.max_iter)
    walker.expect(-(extra - trained * per_fit))
    return _choose((_arm("path", path), _arm("refits", refits)), rule)


def _together(fits: Sequence[Fits]) -> Fits:
    """Put the fits of several strengths into one."""
    runs = sum(len(each.data_loss) for each in fits)
    return joined(fits, np.arange(runs))


def adaptive_factors(walker: Walker, w: Array, null: Booleans) -> Array:
    """Factors (R, P, 1) of the adaptive path, from first-layer weights w (R, P, H) of runs of which some are ``null``.

    The largest norm over each input's own, by groups where there are any; infinite for an input without weights.
    """
    route, inputs = walker.route, w.shape[1]
    groups = np.arange(inputs) if route.groups is None else np.unique(route.groups, return_inverse=True)[1]
    member = groups == np.arange(groups.max() + 1)[:, None]
    squares = (np.where(null[:, None, None], 0, w.astype(np.float64)) ** 2).sum(axis=-1)
    norms = np.sqrt(squares @ (member / member.sum(axis=1, keepdims=True)).T)[:, groups]
    with np.errstate(divide="ignore", invalid="ignore"):
        factors = np.where(norms > 0, norms.max(axis=1, keepdims=True) / norms, np.inf)
    if route.penalty_factors is not None:
        given = np.broadcast_to(np.asarray(route.penalty_factors, dtype=float), factors.shape)
        factors = np.multiply(factors, given, out=np.zeros_like(factors), where=given > 0)
    return factors[..., None]


def _adaptive(walker: Walker, strengths: Array, factors: Array, start: Fits, epochs: int) -> Fits:
    """Train the second path, of runs ordered strength, fold, seed, all from the fits of one strength."""
    count = len(strengths)
    cells = np.tile(np.arange(walker.cells), count)
    penalties = _adaptive_penalties(walker.route, factors, np.repeat(strengths, walker.cells), cells)
    tiled = tuple(np.concatenate([array] * count) for array in start.parameters)
    return walker.train(walker.job(cells, penalties, tiled, epochs, ramp=RAMP_SHARE))


def _adaptive_penalties(route: Route, factors: Array, alphas: Array, cells: Integers) -> tuple[Penalty, ...]:
    """Penalties of the adaptive path's runs at some strengths (R,), each with the factors of its cell."""
    strengths = per_run(route.factor_per_layer[0] * alphas)
    return _penalties(route, GroupLasso(strengths, factors=factors[cells], groups=route.groups))


def _penalties(route: Route, first: Penalty) -> tuple[Penalty, ...]:
    """Penalties of every array, given that of the first layer's weights."""
    bias, upper = route.bias_penalty(np.ones(())), route.factor_per_layer[1:] * route.upper_l2
    return tuple(penalty for weight in (first, *map(L2, upper)) for penalty in (weight, bias))


def _refits(walker: Walker, strengths: Array, fits: Fits, epochs: int) -> tuple[MLPPath, int]:
    """Refit the supports of a path's runs under every ridge; say how many runs that took.

    Its strengths are those of the path, each with every ridge. A support that several strengths of one cell share is
    refitted once.
    """
    cells, count = walker.cells, len(RIDGES)
    supports = (fits.parameters[0] != 0).any(axis=-1)
    known: dict[tuple[int, bytes], int] = {}
    place = np.array([known.setdefault((k % cells, s.tobytes()), len(known)) for k, s in enumerate(supports)])
    chosen = np.unique(place, return_index=True)[1]
    by_size = np.argsort(supports[chosen].sum(axis=-1), kind="stable")
    parts = np.array_split(by_size, min(_PARTS, len(chosen)))
    ridges = np.arange(count)[:, None] * len(chosen)  # numbers of the refits: ridge after ridge, support after support
    refits = joined(
        [_refit(walker, fits, chosen[part], epochs) for part in parts],
        np.concatenate([(ridges + part).ravel() for part in parts]),
    )
    spread = refits.part((ridges + place.reshape(-1, 1, cells)).ravel())
    empty = np.repeat(~supports.any(axis=-1).reshape(-1, 1, cells), count, axis=1).ravel()
    spread = replace(spread, data_loss=np.where(empty, np.inf, spread.data_loss))  # without inputs the null model wins
    refitted = walker.refitted(_by(walker, spread))
    return collect(walker, np.repeat(strengths, count), refitted), len(chosen) * count


def _refit(walker: Walker, fits: Fits, chosen: Integers, epochs: int) -> Fits:
    """Refit some runs' supports, ridge after ridge, on the columns that any of them holds."""
    supports, count = (fits.parameters[0][chosen] != 0).any(axis=-1), len(RIDGES)
    columns = np.flatnonzero(supports.any(axis=0))
    columns = columns if columns.size else np.array([0])  # a network needs an input; excluded, it says nothing
    held = np.where(supports[:, columns], 1.0, np.inf)[..., None]
    ridges = L2(per_run(np.repeat(RIDGES, len(chosen))), factors=np.tile(held, (count, 1, 1)))
    first, *others = (array[chosen] for array in fits.parameters)
    start = tuple(np.concatenate([array] * count) for array in (first[:, columns], *others))
    part, cells = walker.on(columns), np.tile(chosen % walker.cells, count)
    penalties = _penalties(walker.route, ridges)
    linear = walker.route.linear
    refits = part.solve(cells, penalties, start) if linear else part.train(part.job(cells, penalties, start, epochs))
    whole = np.zeros((len(chosen) * count, *first.shape[1:]), dtype=first.dtype)
    whole[:, columns] = refits.parameters[0]
    return replace(refits, parameters=(whole, *refits.parameters[1:]))


def _by(walker: Walker, fits: Fits) -> list[Fits]:
    return [fits.part(slice(k, k + walker.cells)) for k in range(0, len(fits.data_loss), walker.cells)]


def _arm(name: str, path: MLPPath) -> Arm:
    index = minimum(path.row_loss, path.row_weights)
    return Arm(name, path, index, float(weighted_mean(path.row_loss[index], path.row_weights)))


def _choose(arms: tuple[Arm, ...], rule: Rule) -> InputSelection:
    best = min(arms, key=lambda arm: arm.loss)
    weights, null = best.path.row_weights, best.path.null_row_loss
    sparsest = arms[-1]
    above, error = mean_and_error(_rows(sparsest) - _rows(best), weights)
    chosen = sparsest if rule == "1se" and above <= error else best
    gain, gain_error = (float(value) for value in mean_and_error(null - _rows(chosen), weights))
    return InputSelection(
        arms=arms,
        chosen=chosen,
        null_loss=float(weighted_mean(null, weights)),
        gain=gain,
        gain_error=gain_error,
        frequency=chosen.path.frequency(chosen.index),
    )


def _rows(arm: Arm) -> Array:
    return np.asarray(arm.path.row_loss[arm.index])


def _emptied(walker: Walker, arm: Arm) -> Arm:
    """Put the null model of all rows in the place of an arm's best strength."""
    path, parameters, kept = arm.path, [w.copy() for w in arm.path.parameters], arm.path.inputs_kept.copy()
    for w in parameters:
        w[arm.index] = 0
    parameters[-1][arm.index] = walker.null_outputs[-1]
    kept[arm.index, -1] = False
    return replace(arm, path=replace(path, parameters=tuple(parameters), inputs_kept=kept))
