"""What racing by finished folds saves, and what it changes of the choice.

    python benchmarks/racing.py [--draws 10] [--max-iter 600] [--units 32] [--strengths 30] [--times 1]

20 kinds of data, 10 draws of rows, folds and starts each; every fit is made twice, without a race and with it, on one
thread. Counted is how often the race leads to the same choice, or to one whose held-out loss is within one paired
standard error of the other's (on all folds of the path without a race); and the processor time. `--times 5` draws five
times as many rows, where there are as many.
"""

from __future__ import annotations

import argparse
import datetime
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_friedman1,
    make_friedman2,
    make_moons,
)
from sklearn.model_selection import KFold, StratifiedKFold

from engine import machine
from ridgewalk.arrays import Array, Integers
from ridgewalk.estimators.problem import loss_for
from ridgewalk.path import ElasticNetPath, GroupLassoPath, MLPPath, PathProblem, PathSettings
from ridgewalk.path.dependence import mean_and_error
from ridgewalk.path.families import MCPPath, PathPenalty
from ridgewalk.path.fit import fit_path
from ridgewalk.path.selection import Rule

Table = tuple[Array, Array]
ELASTIC_NET = ElasticNetPath()


@dataclass(frozen=True)
class Kind:
    """A kind of data, and how its path is fitted; ``task`` as scikit-learn calls it."""

    task: str
    rows: int
    draw: Callable[[np.random.Generator, int], Table]
    penalty: PathPenalty = ELASTIC_NET
    folds: int = 5
    seeds: int = 1


def inputs(random: np.random.Generator, rows: int, columns: int) -> Array:
    """Draw standard normal columns."""
    return random.normal(size=(rows, columns))


def linear(random: np.random.Generator, rows: int) -> Table:
    """Return a sparse linear target among 20 columns."""
    x = inputs(random, rows, 20)
    return x, x[:, 0] - x[:, 1] + 0.5 * x[:, 2] + random.normal(size=rows)


def waves(random: np.random.Generator, rows: int) -> Table:
    """Return a smooth target with an interaction, among 10 columns."""
    x = inputs(random, rows, 10)
    return x, np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.5 * random.normal(size=rows)


def noise(random: np.random.Generator, rows: int) -> Table:
    """Return a target that the columns say nothing about."""
    return inputs(random, rows, 10), random.normal(size=rows)


def heavy(random: np.random.Generator, rows: int) -> Table:
    """Return a smooth target with errors of a t distribution of two degrees of freedom."""
    x = inputs(random, rows, 8)
    return x, np.sin(2 * x[:, 0]) + x[:, 1] + random.standard_t(2, size=rows)


def wide(random: np.random.Generator, rows: int) -> Table:
    """Return a sparse linear target among 150 columns."""
    x = inputs(random, rows, 150)
    return x, x[:, 0] + x[:, 1] - x[:, 2] + 0.7 * random.normal(size=rows)


def halves(of: Callable[[np.random.Generator, int], Table]) -> Callable[[np.random.Generator, int], Table]:
    """Return two classes: the target above its median, or below."""

    def draw(random: np.random.Generator, rows: int) -> Table:
        x, y = of(random, rows)
        return x, (y > np.median(y)).astype(float)

    return draw


def checkers(random: np.random.Generator, rows: int) -> Table:
    """Return two classes on a checkerboard of two columns, 5% of the labels turned round."""
    x = random.uniform(-2, 2, size=(rows, 2))
    return x, ((np.floor(x).sum(axis=1) % 2 == 0) ^ (random.random(rows) < 0.05)).astype(float)


def rare(random: np.random.Generator, rows: int) -> Table:
    """Return two classes, one of which has 8% of the rows."""
    x, y = waves(random, rows)
    return x, (y > np.quantile(y, 0.92)).astype(float)


def blobs(random: np.random.Generator, rows: int) -> Table:
    """Return five classes around centers that lie near each other."""
    centers, y = random.normal(size=(5, 6)), random.integers(5, size=rows)
    return centers[y] + inputs(random, rows, 6), y.astype(float)


def seeded(make: Callable[..., Table], **given: object) -> Callable[[np.random.Generator, int], Table]:
    """Draw by a function of scikit-learn's."""
    return lambda random, rows: make(n_samples=rows, random_state=int(random.integers(2**31)), **given)


def some_of(load: Callable[..., Table]) -> Callable[[np.random.Generator, int], Table]:
    """Draw rows of a table that scikit-learn brings."""

    def draw(random: np.random.Generator, rows: int) -> Table:
        x, y = load(return_X_y=True)
        chosen = random.permutation(len(y))[:rows]
        return x[chosen], y[chosen].astype(float)

    return draw


KINDS = {
    "linear": Kind("continuous", 600, linear),
    "linear, MCP": Kind("continuous", 600, linear, MCPPath()),
    "waves": Kind("continuous", 1000, waves),
    "waves, 10 folds": Kind("continuous", 400, waves, folds=10),
    "Friedman 1": Kind("continuous", 600, seeded(make_friedman1, noise=1.0), GroupLassoPath()),
    "Friedman 2": Kind("continuous", 600, seeded(make_friedman2, noise=50.0), seeds=2),
    "noise": Kind("continuous", 600, noise),
    "heavy tails": Kind("continuous", 600, heavy),
    "wide": Kind("continuous", 200, wide, ElasticNetPath(l1_ratio=1.0)),
    "diabetes": Kind("continuous", 400, some_of(load_diabetes)),
    "linear, classes": Kind("binary", 600, halves(linear), ElasticNetPath(l1_ratio=1.0)),
    "waves, classes": Kind("binary", 1000, halves(waves), seeds=2),
    "noise, classes": Kind("binary", 600, halves(noise)),
    "moons": Kind("binary", 400, seeded(make_moons, noise=0.3), ElasticNetPath(l1_ratio=0.0)),
    "checkers": Kind("binary", 1000, checkers, folds=3),
    "rare class": Kind("binary", 1000, rare),
    "breast cancer": Kind("binary", 500, some_of(load_breast_cancer)),
    "blobs": Kind("multiclass", 600, blobs, GroupLassoPath()),
    "iris or wine": Kind("multiclass", 140, some_of(load_iris)),
    "digits": Kind("multiclass", 1000, some_of(load_digits)),
}


def problem_of(kind: Kind, seed: int, draw: int) -> PathProblem:
    """Draw rows, folds and starts."""
    table = some_of(load_wine) if kind.draw is KINDS["iris or wine"].draw and draw % 2 else kind.draw
    x, y = table(np.random.default_rng([seed, draw]), kind.rows)
    loss = loss_for("auto", kind.task)
    target = loss.encode(y if kind.task == "continuous" else np.unique(y, return_inverse=True)[1])
    folds = (KFold if kind.task == "continuous" else StratifiedKFold)(kind.folds, shuffle=True, random_state=draw)
    return PathProblem.of(x, target, loss, list(folds.split(x, y)), [100 * draw + k for k in range(kind.seeds)])


@dataclass(frozen=True)
class Found:
    """What a pair of fits shows.

    Attributes
    ----------
    seconds : tuple of float
        Of a processor, without a race and with it.
    cells : float
        Share of the strengths x training sets that the race trains.
    same, near : dict
        Of each rule, whether the choice is the same; or loses no more than the other by over a paired standard error.
    """

    seconds: tuple[float, float]
    pairs: float
    same: dict[Rule, bool]
    near: dict[Rule, bool]


RULES: tuple[Rule, ...] = ("min", "1se")


def compared(problem: PathProblem, settings: PathSettings, strengths: int) -> Found:
    """Fit without a race and with one.

    Raises
    ------
    AssertionError
        If a network that both hold has other numbers.
    """
    begin = time.process_time()
    plain = fit_path(problem, settings, strengths)
    middle = time.process_time()
    raced = fit_path(problem, replace(settings, racing=True), strengths)
    end = time.process_time()
    places = np.searchsorted(plain.alphas, raced.alphas)
    check_alike(plain, raced, places)
    same, near = {}, {}
    for rule in RULES:
        there, here = plain.choose(rule).chosen, places[raced.choose(rule).chosen]
        behind, error = mean_and_error(plain.row_loss[here] - plain.row_loss[there], plain.row_weights)
        same[rule], near[rule] = bool(here == there), bool(behind <= error)
    sets = len(problem.folds)
    trained = len(raced.alphas) * sets + raced.dropped.folds.sum()
    return Found((middle - begin, end - middle), trained / (len(plain.alphas) * sets), same, near)


def check_alike(plain: MLPPath, raced: MLPPath, places: Integers) -> None:
    """Check that networks of a cell's own training are the same; ``places`` has the raced strengths' numbers."""
    here, there = raced.source == np.arange(len(places))[:, None, None], plain.source[places] == places[:, None, None]
    own = here & there
    assert np.array_equal(raced.objective[own], plain.objective[places][own])
    assert np.array_equal(raced.heldout_loss[own[:, :-1]], plain.heldout_loss[places][own[:, :-1]])


def line(name: str, found: list[Found]) -> str:
    """Write a row of the table."""
    plain, raced = np.sum([each.seconds for each in found], axis=0)
    counts = [f"{sum(each.same[rule] for each in found)}, {sum(each.near[rule] for each in found)}" for rule in RULES]
    pairs = np.mean([each.pairs for each in found])
    return f"| {name} | {len(found)} | {' | '.join(counts)} | {pairs:.0%} | {plain:.1f} | {raced / plain:.0%} |"


def main() -> None:
    """Print a row per kind of data, and one of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (
        ("draws", 10),
        ("max-iter", 600),
        ("units", 32),
        ("strengths", 30),
        ("seed", 2026),
        ("times", 1),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    told = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in vars(asked).items())
    print(f"`python benchmarks/racing.py {told}`, {datetime.date.today()}, {machine()['processor']}.\n")
    print("| data | fits | min: same, near | 1se: same, near | cells trained | seconds without | with / without |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    every: list[Found] = []
    warnings.simplefilter("ignore")  # few epochs, weak penalties
    for name, kind in KINDS.items():
        kind = replace(kind, rows=asked.times * kind.rows)  # noqa: PLW2901
        settings = PathSettings((asked.units,), penalty=kind.penalty, max_iter=asked.max_iter)
        found = [compared(problem_of(kind, asked.seed, draw), settings, asked.strengths) for draw in range(asked.draws)]
        every += found
        print(line(name, found), flush=True)
    print(line("all", every))


if __name__ == "__main__":
    main()
