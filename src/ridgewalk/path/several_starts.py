"""Fit linear models with non-convex penalties from several initial weights; the lowest objective is kept.

    0, the weakest strength's model, the tangent's optimum -> local minima of every strength; then, along the path,
    from strong to weak and from weak to strong, each from the best of the strength before it

The tangent of MCP at 0 is L1, and that of group MCP the group lasso. They are convex and close to MCP where it shrinks.
Their solution, and those of neighbouring strengths, may lead to other local minima than 0 does (sweeps: Mazumder,
Friedman and Hastie, J. Am. Stat. Assoc. 2011). No initial weights are random, so results are reproducible.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from ridgewalk.arrays import Array, Integers
from ridgewalk.engine import Runner
from ridgewalk.engine.job import Fits
from ridgewalk.layers import Arrays
from ridgewalk.path.jobs import by_strength, every_pair, penalties_at, put_in, zero_starts
from ridgewalk.path.law import lower
from ridgewalk.path.linear import solve_linear
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.settings import PathSettings
from ridgewalk.penalties import concavity_of


def solve_path(problem: PathProblem, settings: PathSettings, runner: Runner, strengths: Array) -> list[Fits]:
    """Solve the linear models of every pair at some strengths from several initial weights.

    Under a concave penalty, whose objective has several minima, each is solved from several starts, and the lowest is
    taken.

    Parameters
    ----------
    problem : PathProblem
    settings : PathSettings
        Without hidden layers.
    runner : Runner
    strengths : array, shape (S,), rising

    Returns
    -------
    list of Fits, S of them
        Each of all fold-seed pairs.
    """
    zeros = zero_starts(problem, settings, len(strengths))
    fits = _solved(problem, settings, runner, strengths, zeros)
    if not any(map(concavity_of, penalties_at(problem, settings, strengths))):
        return fits
    curved = np.flatnonzero(strengths > 0).tolist()
    starts = [[fits[0]] * len(strengths)]
    tangent = getattr(settings.penalty, "tangent", None)
    if tangent is not None:
        starts.append(_solved(problem, replace(settings, penalty=tangent), runner, strengths, zeros))
    for each in starts:
        networks = tuple(np.concatenate(arrays) for arrays in zip(*(one.parameters for one in each), strict=True))
        others = _solved(problem, settings, runner, strengths, networks)
        fits = [_lowest(one, other) for one, other in zip(fits, others, strict=True)]
    for before, here in [*pairwise(curved[::-1]), *pairwise(curved)]:
        (other,) = _solved(problem, settings, runner, strengths[[here]], fits[before].parameters)
        fits[here] = _lowest(fits[here], other)
    return fits


def _solved(
    problem: PathProblem, settings: PathSettings, runner: Runner, strengths: Array, start: Arrays
) -> list[Fits]:
    """Solve the linear models of every pair at some strengths from several initial weights."""
    alphas, pairs = every_pair(problem, strengths)
    fits = solve_linear(problem, settings, runner, pairs, penalties_at(problem, settings, alphas), start)
    return by_strength(fits, problem.pairs)


def _lowest(fits: Fits, others: Fits) -> Fits:
    """Return the fits of every pair at one strength, those that others have where their objective is lower."""
    better: Integers = np.flatnonzero(lower(others.data_loss + others.penalty, fits.data_loss + fits.penalty))
    return put_in(fits, better, others.part(better))
