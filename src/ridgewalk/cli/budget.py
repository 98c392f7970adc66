"""Choose the largest grid that can be fitted within a time budget, from measured times of short fits.

    seconds = fits * a + epochs * b       epochs: the sum over all fits, weighted by their share of training rows

a and b are measured by short fits of the table itself (at most 50,000 of its rows, and then scaled). The largest grid
that takes at most 85% of the remaining time is fitted. Settings of the user are not changed.
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
"""Grids, rising: first enough epochs to converge and strengths to choose from, then folds, then seeds."""
_SHARE_OF_TIME = 0.85  # of the time that is left
_MEASURED = Size(5, 2, 1, 0)
_FIRST_EPOCHS, _EPOCHS_FACTOR = 4, 4  # epochs of the first measurement, and how many times as many the next one takes
_SECONDS_MEASURED, _SHARE_MEASURING = 0.5, 0.1  # seconds of a measurement; share of the limit for all of them
_FIRST_ROWS, _ROWS_FACTOR, _MOST_ROWS = (
    2_000,
    5,
    50_000,
)  # rows to measure on: at first, how many times as many next, at most
_ROWS_PER_CLASS = 8  # rows of every class among them, if there are so many


@dataclass(frozen=True)
class Cost:
    """Seconds of a fit without its epochs, and of an epoch over all rows."""

    fit: float
    epoch: float

    def seconds(self, size: Size, options: PathOptions) -> float:
        """Return the seconds that a grid takes."""
        fits, epochs = _work(size, options)
        return fits * self.fit + epochs * self.epoch


def fitted_into(
    limit: float, began: float, problem: Problem, options: PathOptions, set_by_user: Collection[str], verbose: bool
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
        set_by_user = set(set_by_user) - {"alphas"}
    if strengths(options.alphas) == "qut":
        raise ValueError("--budget chooses a grid of strengths, and --alphas qut is a single one: leave one out.")
    options = problem.sized(options)
    cost = measured(problem, options, limit)
    left = limit - (time.monotonic() - began)
    wanted = [_kept(size, problem, options, set_by_user) for size in SIZES]
    sizes_of_grids = [size for k, size in enumerate(wanted) if size not in wanted[:k]]
    takes = [cost.seconds(size, options) for size in sizes_of_grids]
    fitting = [k for k, each in enumerate(takes) if each <= _SHARE_OF_TIME * left]
    if not fitting:
        raise ValueError(
            f"--budget {_time(limit)} is too short: {sizes_of_grids[0]}, the smallest grid worth fitting, takes about "
            f"{_time(takes[0])} here, and {_time(max(left, 0))} are left after reading and measuring. Give more time, "
            "fewer --hidden units, or a --batch-size."
        )
    best = fitting[-1]
    chosen = sizes_of_grids[best]
    sentence = f"Of the budget of {_time(limit)}, {_time(left)} are left for {chosen}: about {_time(takes[best])}. "
    if best + 1 < len(sizes_of_grids):
        sentence += f"Left out: {sizes_of_grids[best + 1]}, about {_time(takes[best + 1])}."
    else:
        sentence += "Nothing is left out: larger grids are not worth their time."
    if verbose:
        out.print(sentence)
    alphas = options.alphas if "alphas" in set_by_user else str(chosen.alphas)
    return replace(options, alphas=alphas, folds=chosen.folds, seeds=chosen.seeds, max_iter=chosen.max_iter), sentence


def measured(problem: Problem, options: PathOptions, limit: float) -> Cost:
    """Measure what a fit and an epoch cost: fits of a few epochs, over more rows and longer while there is time."""
    began, count, most = time.monotonic(), min(_FIRST_ROWS, len(problem.y)), min(_MOST_ROWS, len(problem.y))
    brief = replace(options, alphas=str(_MEASURED.alphas), folds=_MEASURED.folds, seeds=1, ensemble=False, racing=False)

    def affordable(seconds: float) -> bool:
        return time.monotonic() - began + seconds < _SHARE_MEASURING * limit

    def takes(epochs: int) -> float:
        sampled, timed = problem.part(_some_rows(problem, count)), replace(brief, max_iter=epochs)
        start = time.monotonic()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # so few epochs do not converge
            sampled.fit(sampled.estimator(timed, verbose=False))
        return (time.monotonic() - start) * len(problem.y) / len(sampled.y)

    takes(1)  # wakes everything up
    share, epochs, short = count / len(problem.y), _FIRST_EPOCHS, takes(_FIRST_EPOCHS)
    while count < most and affordable(_ROWS_FACTOR * (1 + _EPOCHS_FACTOR) * short * share):
        count = min(_ROWS_FACTOR * count, most)
        share, short = count / len(problem.y), takes(_FIRST_EPOCHS)
    if not sizes(options.hidden):  # a linear model is solved, whatever its epochs
        return Cost(short / _work(_MEASURED, brief)[0], 0.0)
    long = takes(_EPOCHS_FACTOR * epochs)
    while long * share < _SECONDS_MEASURED and affordable(_EPOCHS_FACTOR * long * share):
        epochs, short, long = _EPOCHS_FACTOR * epochs, long, takes(_EPOCHS_FACTOR**2 * epochs)
    fits, work = _work(replace(_MEASURED, max_iter=_EPOCHS_FACTOR * epochs), brief)
    epoch = (long - short) / (work - _work(replace(_MEASURED, max_iter=epochs), brief)[1])
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
    by_class = [drawn[problem.y[drawn] == label][:_ROWS_PER_CLASS] for label in np.unique(problem.y)]
    return np.unique(np.concatenate([drawn[:most], *by_class]))


def _work(size: Size, options: PathOptions) -> tuple[float, float]:
    """Fits of a grid, and their epochs over all rows; of fits that may be shared, as many as there can be.

    K folds train on (K - 1)/K of the rows each, and one fit on all of them: K in all.
    """
    from ridgewalk.path.input_selection import ADAPTIVE, FIRST_SHARE, RIDGES
    from ridgewalk.path.jobs import steps_after_batches

    path = size.alphas + 1.0
    if options.select_inputs:
        second = ADAPTIVE * (1 + (2 if options.pieces else 1) * len(RIDGES))
        fits, trained = path + second, FIRST_SHARE * (path + 1 / 3) + second
    else:
        refits = size.alphas * len(RIDGES) if options.relax else 0
        fits, trained = path + refits, path + 1 / 3 + refits
    paths = len(set(ratios(options.l1_ratio)))
    epochs = trained * size.max_iter
    if isinstance(options.batch_size, int):
        epochs += steps_after_batches(size.max_iter) * (fits + 1)
    return paths * fits * (size.folds + 1) * size.seeds, paths * epochs * size.folds * size.seeds


def _kept(size: Size, problem: Problem, options: PathOptions, set_by_user: Collection[str]) -> Size:
    """Return a grid with what the user set, and no more folds than the rows allow."""
    asked = strengths(options.alphas)
    most = len(np.unique(problem.groups)) if problem.groups is not None else len(problem.y)
    if problem.table.task == "classification":
        most = min(most, int(np.unique(problem.y, return_counts=True)[1].min()))
    size = replace(size, max_iter=max(1, round(size.max_iter * (options.max_iter or USUAL_EPOCHS) / USUAL_EPOCHS)))
    own = {name: getattr(options, name) for name in ("folds", "seeds", "max_iter") if name in set_by_user}
    if "alphas" in set_by_user:
        own["alphas"] = asked if isinstance(asked, int) else np.size(asked)
    return replace(replace(size, folds=max(2, min(size.folds, most))), **own)


_time = partial(format_duration, tenths=True)
