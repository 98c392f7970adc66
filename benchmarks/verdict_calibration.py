"""Is the verdict right as often as it says: many data sets of known truth, one diagnosis each.

    python benchmarks/verdict_calibration.py [--runs 300] [--processes 2] [--designs fixed small]

Every data set is new; so are folds and starts. A path of eight strengths is fitted over five folds and two starts,
and judged. The truth of a run is the loss of the very networks that its folds trained, on 50,000 fresh rows: the gain
is what they gain there, averaged over folds and starts; the truth of a design is its mean over all runs. An interval
covers the one or the other, or does not. What starts bring to its error is compared with what they do bring: the
standard deviation of the true gain over the starts of a fold. Writes verdict_calibration.md into benchmarks/results.

    fixed      one strength, at which the penalty neither helps nor hurts: found beforehand on 100 other data sets
    linear     a logistic model with as many weights as the truth has, 500 rows: nothing to gain but crumbs
    noise      labels that no column says anything about
    strong     strengths that all cost more than they bring
    large      three of six inputs, 200 rows, a network far too large: a large gain
    twisted    products and waves, 300 rows
    small      the same inputs, 1,500 rows: a small gain
    numbers    a regression, 200 rows
"""

from __future__ import annotations

import argparse
import datetime
import multiprocessing
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from engine import machine
from ridgewalk.arrays import Array
from ridgewalk.diagnostics import judge, of_path
from ridgewalk.losses import BinaryCrossEntropy, Loss, SquaredError
from ridgewalk.path import MLPPath, PathProblem, PathSettings, fit_path
from ridgewalk.path.selection import cross_chosen

INPUTS, FOLDS, SEEDS, STRENGTHS, FRESH = 6, 5, 2, 8, 50_000
WEIGHTS = np.array([1.2, -1.0, 0.8, 0, 0, 0])


@dataclass(frozen=True)
class Design:
    """How data are made, and what is fitted; ``alphas`` None is the automatic grid, ``judged`` one strength of it."""

    rows: int
    score: Callable[[Array], Array]
    units: int
    helps: bool
    loss: Loss = field(default_factory=BinaryCrossEntropy)
    alphas: tuple[float, ...] | None = None
    judged: float | None = None

    def draw(self, rows: int, generator: np.random.Generator) -> tuple[Array, Array]:
        """Rows and target."""
        x = generator.normal(size=(rows, INPUTS))
        score = self.score(x)
        if isinstance(self.loss, SquaredError):
            return x, score + generator.normal(size=rows)
        return x, (generator.random(rows) < 1 / (1 + np.exp(-score))).astype(float)

    @property
    def settings(self) -> PathSettings:
        """A network that trains in no time."""
        return PathSettings(hidden_layer_sizes=(self.units,) if self.units else (), max_iter=200, learning_rate=0.02)


def straight(x: Array) -> Array:
    """Three of six inputs."""
    return np.asarray(x @ WEIGHTS)


def silent(x: Array) -> Array:
    """Print nothing."""
    return np.zeros(len(x))


def twisted(x: Array) -> Array:
    """Multiply two inputs, and add a wave of a third."""
    return np.asarray(2 * x[:, 0] * x[:, 1] + 1.5 * np.sin(2 * x[:, 2]))


DESIGNS = {
    "fixed": Design(400, straight, 8, helps=False),  # its strength is found first
    "linear": Design(500, straight, 0, helps=False),
    "noise": Design(200, silent, 8, helps=False),
    "strong": Design(1_000, straight, 4, helps=False, alphas=(0.02, 0.1), judged=0.1),
    "large": Design(200, straight, 8, helps=True),
    "twisted": Design(300, twisted, 12, helps=True),
    "small": Design(1_500, straight, 8, helps=True),
    "numbers": Design(200, twisted, 12, helps=True, loss=SquaredError()),
}


@dataclass(frozen=True)
class Outcome:
    """One run: the difference that was measured, its interval, the truth, and the verdict."""

    verdict: str
    difference: float
    low: float
    high: float
    careful_error: float
    truth: float
    seed_error: float
    true_seed_error: float


def fitted(design: Design, seed: int) -> tuple[PathProblem, MLPPath]:
    """Fit the path of a new data set."""
    generator = np.random.default_rng(seed)
    x, y = design.draw(design.rows, generator)
    parts = np.array_split(generator.permutation(design.rows), FOLDS)
    splits = [(np.setdiff1d(np.arange(design.rows), held_out), held_out) for held_out in parts]
    starts = generator.integers(2**31, size=SEEDS).tolist()
    problem = PathProblem.of(x, design.loss.encode(y), design.loss, splits, starts)
    return problem, fit_path(problem, design.settings, STRENGTHS if design.alphas is None else design.alphas)


@lru_cache(maxsize=1)
def fresh_rows(design: Design) -> tuple[Array, Array]:
    """Draw the rows that the truth is read from: the same for all runs."""
    return design.draw(FRESH, np.random.default_rng(10**9))


def fresh_losses(design: Design, path: MLPPath, index: int, fold: int) -> Array:
    """Losses (E,) of one fold's networks at one strength on fresh rows."""
    x, y = fresh_rows(design)
    models = [path.fold_model(index, fold, seed) for seed in range(SEEDS)]
    return np.array([float(design.loss.values(model.output(x), design.loss.encode(y)).mean()) for model in models])


def run(task: tuple[str, Design, int]) -> tuple[str, Outcome]:
    """One data set, one diagnosis."""
    name, design, seed = task
    warnings.simplefilter("ignore")
    problem, path = fitted(design, seed)
    strengths = path.alphas
    alpha = None if design.judged is None else float(strengths[np.argmin(np.abs(strengths - design.judged))])
    diagnosis = judge(of_path(problem, path, rule="min", alpha=alpha))
    if alpha is None:
        chosen = [index for _, index in cross_chosen([path.held_out], path.row_weights)]
    else:
        chosen = [int(np.argmin(np.abs(strengths - alpha)))] * FOLDS
    truths = np.array(
        [
            fresh_losses(design, path, index, fold) - fresh_losses(design, path, 0, fold)
            for fold, index in enumerate(chosen)
        ]
    )
    numbers = diagnosis.numbers
    return name, Outcome(
        diagnosis.verdict,
        numbers["difference"],
        numbers["difference_low"],
        numbers["difference_high"],
        numbers["careful_error"],
        float(truths.mean()),
        numbers["seed_error"],
        float(np.sqrt(truths.var(axis=1, ddof=1).mean() / truths.size)),
    )


def neutral(task: tuple[Design, int]) -> Array:
    """Return the true mean differences (S,) of one data set at the strengths of a grid that all data sets share."""
    design, seed = task
    warnings.simplefilter("ignore")
    _, path = fitted(design, seed)
    before = np.array([fresh_losses(design, path, 0, k) for k in range(FOLDS)])
    return np.array(
        [
            np.mean([fresh_losses(design, path, s, k) for k in range(FOLDS)]) - before.mean()
            for s in range(1, len(path.alphas))
        ]
    )


def with_neutral_strength(design: Design, pool: Any, sets: int) -> Design:
    """Find the strength whose mean true difference is 0, on the strong side of the best one."""
    grid = tuple(np.geomspace(0.01, 0.4, 12).tolist())
    shared = Design(design.rows, design.score, design.units, helps=False, alphas=grid)
    truths = np.mean(pool.map(neutral, [(shared, 10**6 + seed) for seed in range(sets)], chunksize=4), axis=0)
    crossing = int(np.flatnonzero(truths < 0)[-1])
    low, high = truths[crossing : crossing + 2]
    share = -low / (high - low)
    strength = float(np.exp((1 - share) * np.log(grid[crossing]) + share * np.log(grid[crossing + 1])))
    return Design(design.rows, design.score, design.units, helps=False, alphas=(strength,), judged=strength)


def row(name: str, design: Design, outcomes: list[Outcome]) -> str:
    """One line of the table."""
    difference, low, high, truth, careful_error = (
        np.array([getattr(each, field) for each in outcomes], dtype=float)
        for field in ("difference", "low", "high", "truth", "careful_error")
    )
    own = ((low <= truth) & (truth <= high)).mean()
    mean = ((low <= truth.mean()) & (truth.mean() <= high)).mean()
    careful = (np.abs(difference - truth.mean()) <= 1.96 * careful_error).mean()
    said_error, true_error = (
        np.sqrt(np.mean([getattr(each, field) ** 2 for each in outcomes]))
        for field in ("seed_error", "true_seed_error")
    )
    helps = np.mean([each.verdict == "helps" for each in outcomes])
    said = ", ".join(f"{verdict} {count}" for verdict, count in Counter(o.verdict for o in outcomes).most_common())
    return (
        f"| {name} | {design.rows:,} | {design.units or 'none'} | {truth.mean():+.4f} | {difference.mean():+.4f} "
        f"| {own:.1%} | {mean:.1%} | {careful:.1%} | {said_error:.2g} | {true_error:.2g} | {helps:.1%} "
        f"| {said} |"
    )


def main() -> None:
    """Run all designs, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--designs", nargs="*", default=list(DESIGNS), choices=list(DESIGNS))
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    place = machine()
    lines = [
        "# The verdict against known truths",
        "",
        f"`python benchmarks/verdict_calibration.py --runs {options.runs}`, {datetime.datetime.now():%Y-%m-%d %H:%M}, "
        f"{place['processor']}, {place['level']}, NumPy {np.__version__}. Differences of held-out losses (below 0: the "
        "penalty helps), in nats or half squared errors; intervals of 95%.",
        "",
        "| design | rows | hidden units | true difference | measured, mean | interval covers its networks' truth "
        "| covers the design's truth "
        "| interval for other training rows covers that | error by starts, as said | true | says it helps "
        "| verdicts |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    print("\n".join(lines), flush=True)
    with multiprocessing.Pool(options.processes) as pool:
        for name in options.designs:
            design = DESIGNS[name]
            if name == "fixed":
                design = with_neutral_strength(design, pool, 100)
            tasks = [(name, design, seed) for seed in range(options.runs)]
            outcomes = [outcome for _, outcome in pool.imap_unordered(run, tasks, chunksize=2)]
            lines.append(row(name, design, outcomes))
            print(lines[-1], flush=True)
    (options.output / "verdict_calibration.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
