"""A time becomes a grid: measure what a fit and an epoch cost, then take the largest grid that is done in time.

    seconds = fits * a + epochs * b       epochs: of all fits together, a fold's counted by the rows that it trains on

a and b come from short walks over this very table (at most 50,000 of its rows, and then scaled). The largest grid that
takes at most 85% of what is left is walked. What the user gave stays as it is.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ridgewalk.cli.console import out
from ridgewalk.cli.options import PathOptions
from ridgewalk.cli.training import Problem
from ridgewalk.cli.values import ratios, sizes, strengths
from ridgewalk.formatting import format_count, format_duration
from ridgewalk.path.defaults import USUAL_EPOCHS


@dataclass(frozen=True)
class Size:
    """How large a grid is."""

    alphas: int
    folds: int
    seeds: int
    max_iter: int

    def __str__(self) -> str:
        seeds = format_count(self.seeds, "seed")
        return f"{self.alphas} strengths x {self.folds} folds x {seeds} x {self.max_iter} epochs"


SIZES = (
    Size(8, 3, 1, 200),
    Size(12, 3, 1, 300),
    Size(16, 5, 1, 300),
    Size(20, 5, 1, 450),
    Size(30, 5, 1, 600),  # the defaults
    Size(30, 10, 1, 600),
    Size(30, 5, 3, 600),
    Size(40, 10, 3, 600),
    Size(50, 10, 5, 1000),
)
"""Grids, rising: first enough epochs to come to rest and strengths to choose from, then folds, then seeds."""
_SHARE = 0.85  # of the time that is left
_MEASURED = Size(5, 2, 1, 0)
_SHORT, _LONGER = 4, 4  # epochs of the first measurement, and how many times as many the next one takes
_ENOUGH, _AT_MOST = 0.5, 0.1  # seconds of a measurement; share of the limit for all of them
_FIRST, _MORE, _MOST = 2_000, 5, 50_000  # rows to measure on: at first, how many times as many next, at most
_OF_A_CLASS = 8  # rows of every class among them, if there are so many


@dataclass(frozen=True)
class Cost:
    """Seconds of a fit without its epochs, and of an epoch over all rows."""

    fit: float
    epoch: float

    def seconds(self, size: Size, options: PathOptions) -> float:
        """Give what a grid takes."""
        fits, epochs = _work(size, options)
        return fits * self.fit + epochs * self.epoch


def fitted_into(
    limit: float, began: float, problem: Problem, options: PathOptions, given: Collection[str], verbose: bool
) -> tuple[PathOptions, str]:
    """Choose the largest grid that is done ``limit`` seconds after ``began``; say which, and what is left out.

    Parameters
    ----------
    given : collection of str
        Names of the fields of ``options`` that the user set; they stay.

    Raises
    ------
    ValueError
        If there is none.
    """
    if strengths(options.alphas) == "auto":
        given = set(given) - {"alphas"}
    if strengths(options.alphas) == "qut":
        raise ValueError("--budget chooses a grid of strengths, and --alphas qut is a single one: leave one out.")
    options = problem.sized(options)
    cost = measured(problem, options, limit)
    left = limit - (time.monotonic() - began)
    wanted = [_kept(size, problem, options, given) for size in SIZES]
    sizes_of_grids = [size for k, size in enumerate(wanted) if size not in wanted[:k]]
    takes = [cost.seconds(size, options) for size in sizes_of_grids]
    fitting = [k for k, each in enumerate(takes) if each <= _SHARE * left]
    if not fitting:
        raise ValueError(
            f"--budget {_time(limit)} is too short: {sizes_of_grids[0]}, the smallest grid worth walking, takes about "
            f"{_time(takes[0])} here, and {_time(max(left, 0))} are left after reading and measuring. Give more time, "
            "fewer --hidden units, or a --batch-size."
        )
    best = fitting[-1]
    chosen = sizes_of_grids[best]
    said = f"Of the budget of {_time(limit)}, {_time(left)} are left for {chosen}: about {_time(takes[best])}. "
    if best + 1 < len(sizes_of_grids):
        said += f"Left out: {sizes_of_grids[best + 1]}, about {_time(takes[best + 1])}."
    else:
        said += "Nothing is left out: larger grids are not worth their time."
    if verbose:
        out.print(said)
    alphas = options.alphas if "alphas" in given else str(chosen.alphas)
    return replace(options, alphas=alphas, folds=chosen.folds, seeds=chosen.seeds, max_iter=chosen.max_iter), said


def measured(problem: Problem, options: PathOptions, limit: float) -> Cost:
    """Measure what a fit and an epoch cost: walks of a few epochs, over more rows and longer while there is time."""
    began, count, most = time.monotonic(), min(_FIRST, len(problem.y)), min(_MOST, len(problem.y))
    few = replace(options, alphas=str(_MEASURED.alphas), folds=_MEASURED.folds, seeds=1, ensemble=False, racing=False)

    def affordable(seconds: float) -> bool:
        return time.monotonic() - began + seconds < _AT_MOST * limit

    def takes(epochs: int) -> float:
        some, timed = problem.part(_some_rows(problem, count)), replace(few, max_iter=epochs)
        start = time.monotonic()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # so few epochs do not converge
            some.fit(some.estimator(timed, verbose=False))
        return (time.monotonic() - start) * len(problem.y) / len(some.y)

    takes(1)  # wakes everything up
    share, epochs, short = count / len(problem.y), _SHORT, takes(_SHORT)
    while count < most and affordable(_MORE * (1 + _LONGER) * short * share):
        count = min(_MORE * count, most)
        share, short = count / len(problem.y), takes(_SHORT)
    if not sizes(options.hidden):  # a linear model is solved, whatever its epochs
        return Cost(short / _work(_MEASURED, few)[0], 0.0)
    long = takes(_LONGER * epochs)
    while long * share < _ENOUGH and affordable(_LONGER * long * share):
        epochs, short, long = _LONGER * epochs, long, takes(_LONGER**2 * epochs)
    fits, work = _work(replace(_MEASURED, max_iter=_LONGER * epochs), few)
    epoch = (long - short) / (work - _work(replace(_MEASURED, max_iter=epochs), few)[1])
    if epoch <= 0:  # lost in what else this machine does
        epoch = long / work
    return Cost(max(long - epoch * work, 0.0) / fits, epoch)


def _some_rows(problem: Problem, most: int) -> Any:
    """Rows to measure on, with a few of every class among them."""
    count = len(problem.y)
    if count <= most:
        return np.arange(count)
    drawn = np.random.default_rng(0).permutation(count)
    if problem.table.task == "regression":
        return np.sort(drawn[:most])
    few = [drawn[problem.y[drawn] == label][:_OF_A_CLASS] for label in np.unique(problem.y)]
    return np.unique(np.concatenate([drawn[:most], *few]))


def _work(size: Size, options: PathOptions) -> tuple[float, float]:
    """Fits of a grid, and their epochs over all rows; of fits that may be shared, as many as there can be.

    K folds train on (K - 1)/K of the rows each, and one fit on all of them: K in all.
    """
    from ridgewalk.path.input_selection import ADAPTIVE, FIRST_SHARE, RIDGES
    from ridgewalk.path.jobs import steps_after_batches

    path = size.alphas + 1.0
    if options.select_inputs:
        fits = path + ADAPTIVE * (1 + len(RIDGES))
        trained = FIRST_SHARE * (path + 1 / 3) + ADAPTIVE * (1 + len(RIDGES))
    else:
        refits = size.alphas * len(RIDGES) if options.relax else 0
        fits, trained = path + refits, path + 1 / 3 + refits
    paths = len(set(ratios(options.l1_ratio)))
    epochs = trained * size.max_iter
    if isinstance(options.batch_size, int):
        epochs += steps_after_batches(size.max_iter) * (fits + 1)
    return paths * fits * (size.folds + 1) * size.seeds, paths * epochs * size.folds * size.seeds


def _kept(size: Size, problem: Problem, options: PathOptions, given: Collection[str]) -> Size:
    """Give a grid with what the user gave, and no more folds than the rows allow."""
    asked = strengths(options.alphas)
    most = len(np.unique(problem.groups)) if problem.groups is not None else len(problem.y)
    if problem.table.task == "classification":
        most = min(most, int(np.unique(problem.y, return_counts=True)[1].min()))
    size = replace(size, max_iter=max(1, round(size.max_iter * (options.max_iter or USUAL_EPOCHS) / USUAL_EPOCHS)))
    own = {name: getattr(options, name) for name in ("folds", "seeds", "max_iter") if name in given}
    if "alphas" in given:
        own["alphas"] = asked if isinstance(asked, int) else np.size(asked)
    return replace(replace(size, folds=max(2, min(size.folds, most))), **own)


_time = partial(format_duration, tenths=True)
