"""Do the confidence set, the band, the corrected minimum and the errors hold: many data sets of known truth.

    python benchmarks/strength_confidence.py --records FOLDER [--design fixed clusters] [--seeds 300] [--report]

Every data set is new, and so are folds and starts; its number is the seed of all. A path of eight strengths above 0 is
fitted over five folds, and what every row loses at every strength is kept, one file a data set: what is there already
is not fitted again. The truth is the expected loss of the very networks that the folds trained, averaged over folds: on
20,000 fresh rows of inputs, of which the target is averaged out exactly. A fit that fails counts as a miss.

    set        holds the strength of least expected loss (of equal ones, any); at a level of 0.95
    band       holds the expected losses of all strengths at once
    minimum    the lowest held-out loss, as it is and corrected, less the expected loss of the strength that has it
    interval   of the held-out loss at the strength of least expected loss, as ``path.band(simultaneous=False)`` has it:
               the errors that the design asks for, what pairs of rows bring, skewed ends. Of the difference of losses
               there and at strength 0: 1.96 errors. Beside each: 1.96 errors as if rows were independent

The first eight designs are those of verdict_calibration.py, with one start. Four are new:

    heavy      a regression with the noise of Student's t of five degrees of freedom, 300 rows
    clusters   50 groups of eight rows, which share half of each input's and half of the noise's variance
    imbalance  1 row in 50 is of the rarer class, 1,000 rows
    time       inputs and noise that follow themselves with a correlation of 0.7; folds of the past alone, 500 rows

Writes strength_confidence.md into benchmarks/results with --report.
"""

from __future__ import annotations

import argparse
import datetime
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy.optimize import brentq
from scipy.signal import lfilter
from sklearn.model_selection import TimeSeriesSplit
from threadpoolctl import threadpool_limits

from engine import machine
from ridgewalk.arrays import Array, Integers
from ridgewalk.losses import BinaryCrossEntropy, Loss, SquaredError, facts
from ridgewalk.objective import weighted_mean
from ridgewalk.path import MLPPath, PathProblem, PathSettings, fit_path
from ridgewalk.path.confidence import band, confidence_set, corrected_minimum, pair_variance
from ridgewalk.path.dependence import ROWS, TIME, Dependence, mean_and_error
from verdict_calibration import DESIGNS as VERDICTS
from verdict_calibration import FOLDS, INPUTS, STRENGTHS, straight, twisted

FRESH, NORMAL, SEEDS = 20_000, 1.96, 300
GROUPS, GROUP_ROWS, SHARED = 50, 8, 0.5
FOLLOWS, BURN_IN = 0.7, 100
DEGREES, RARE = 5, 50


@dataclass(frozen=True)
class Table:
    """Inputs (N, P) and target (N,) of a data set, and how its rows depend."""

    x: Array
    y: Array
    dependence: Dependence = ROWS


@dataclass(frozen=True)
class Design:
    """How data sets are made, and what is fitted.

    Attributes
    ----------
    rows, units : int
    score : function
        Logits, or means, of inputs.
    loss : Loss
    draw : function
        Makes a table of a design by a generator of random numbers.
    alphas : int or array
    noise : float
        Variance of a regression's target about its mean.
    """

    rows: int
    units: int
    score: Callable[[Array], Array]
    loss: Loss
    draw: Callable[[Design, np.random.Generator], Table]
    alphas: int | Array = STRENGTHS
    noise: float = 1.0

    @property
    def settings(self) -> PathSettings:
        """A network that trains in no time: that of verdict_calibration.py."""
        return PathSettings(hidden_layer_sizes=(self.units,) if self.units else (), max_iter=200, learning_rate=0.02)

    def target(self, x: Array, noise: Array, generator: np.random.Generator) -> Array:
        """Draw the target of inputs: classes, or the score and this noise."""
        score = self.score(x)
        if isinstance(self.loss, SquaredError):
            return np.asarray(score + noise)
        return (generator.random(len(x)) < 1 / (1 + np.exp(-score))).astype(float)

    def expected(self, x: Array, output: Array) -> float:
        """Compute the expected loss of outputs (N, 1) for inputs, over the target."""
        score = self.score(x)[:, None]
        if isinstance(self.loss, SquaredError):
            return float(((output - score) ** 2).mean() / 2 + self.noise / 2)
        yes = 1 / (1 + np.exp(-score[:, 0]))
        of_yes, of_no = (self.loss.values(output, np.full_like(output, each)) for each in (1.0, 0.0))
        return float((yes * of_yes + (1 - yes) * of_no).mean())


def independent(design: Design, generator: np.random.Generator) -> Table:
    """Draw independent rows, with normal noise."""
    x = generator.normal(size=(design.rows, INPUTS))
    return Table(x, design.target(x, generator.normal(size=design.rows), generator))


def heavy(design: Design, generator: np.random.Generator) -> Table:
    """Draw independent rows, with heavy-tailed noise."""
    x = generator.normal(size=(design.rows, INPUTS))
    return Table(x, design.target(x, generator.standard_t(DEGREES, size=design.rows), generator))


def clusters(design: Design, generator: np.random.Generator) -> Table:
    """Draw rows of groups, which share a part of inputs and noise."""
    group = np.repeat(np.arange(GROUPS), GROUP_ROWS)

    def shared(columns: int) -> Array:
        of_group, own = (generator.normal(size=(count, columns)) for count in (GROUPS, len(group)))
        return np.asarray(np.sqrt(SHARED) * of_group[group] + np.sqrt(1 - SHARED) * own)

    x, noise = shared(INPUTS), shared(1)[:, 0]
    return Table(x, design.target(x, noise, generator), Dependence.of_groups(group))


def followed(design: Design, generator: np.random.Generator) -> Table:
    """Draw rows that follow each other in time."""
    news = generator.normal(size=(design.rows + BURN_IN, INPUTS + 1))
    series = lfilter([np.sqrt(1 - FOLLOWS**2)], [1, -FOLLOWS], news, axis=0)[BURN_IN:]
    x, noise = series[:, :INPUTS], series[:, INPUTS]
    return Table(x, design.target(x, noise, generator), TIME)


def rarely(level: float, x: Array) -> Array:
    """Score three of six inputs, below a level."""
    return np.asarray(1.5 * straight(x) + level)


def rare_level() -> float:
    """Find the level at which 1 row in 50 is of the class: a mean over normal inputs, by quadrature."""
    spread = 1.5 * float(np.linalg.norm(straight(np.eye(INPUTS))))
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)

    def excess(level: float) -> float:
        return float(weights @ (1 / (1 + np.exp(-(level + spread * nodes)))) / weights.sum() - 1 / RARE)

    return float(brentq(excess, -20, 0))


DESIGNS = {
    **{
        name: Design(each.rows, each.units, each.score, each.loss, independent,
                     STRENGTHS if each.alphas is None else np.geomspace(each.alphas[0], each.alphas[-1], STRENGTHS))
        for name, each in VERDICTS.items()
    },
    "heavy": Design(300, 12, twisted, SquaredError(), heavy, noise=DEGREES / (DEGREES - 2)),
    "clusters": Design(GROUPS * GROUP_ROWS, 12, twisted, SquaredError(), clusters),
    "imbalance": Design(1_000, 8, partial(rarely, rare_level()), BinaryCrossEntropy(), independent),
    "time": Design(500, 12, twisted, SquaredError(), followed),
}  # fmt: skip


def splits_of(table: Table, generator: np.random.Generator) -> list[tuple[Integers, Integers]]:
    """Draw folds: whole groups, the past and what follows, or any rows."""
    rows = np.arange(len(table.y))
    if table.dependence.kind == "time":
        return list(TimeSeriesSplit(FOLDS).split(rows))
    group = rows if table.dependence.groups is None else table.dependence.groups
    parts = np.array_split(generator.permutation(group.max() + 1), FOLDS)
    return [(rows[~np.isin(group, part)], rows[np.isin(group, part)]) for part in parts]


def fitted(design: Design, seed: int) -> tuple[Table, MLPPath]:
    """Fit the path of a new data set."""
    generator = np.random.default_rng(seed)
    table = design.draw(design, generator)
    splits = splits_of(table, generator)
    starts = [int(generator.integers(2**31))]
    problem = PathProblem.of(table.x, design.loss.encode(table.y), design.loss, splits, starts)
    return table, fit_path(problem, design.settings, design.alphas)


def expected_losses(design: Design, path: MLPPath, seed: int) -> Array:
    """Compute the expected loss of the networks of the folds at every strength, averaged as their rows are: (S,)."""
    x = np.random.default_rng([seed, 1]).normal(size=(FRESH, INPUTS))  # in all designs inputs are normal, one by one
    of_folds = np.array(
        [
            [design.expected(x, path.fold_model(s, k, 0).output(x)) for k in range(FOLDS)]
            for s in range(len(path.alphas))
        ]
    )
    return np.asarray(of_folds @ np.array([len(rows) for rows in path.heldout_rows])) / sum(map(len, path.heldout_rows))


def record(design: Design, seed: int, file: Path) -> None:
    """Fit one data set and keep what is needed of it; of a fit that fails, why."""
    try:
        table, path = fitted(design, seed)
        expected = expected_losses(design, path, seed)
    except Exception:  # whatever it is, it counts as a miss
        kept = {"failed": np.array(traceback.format_exc())}
    else:
        groups = table.dependence.groups
        kept = {
            "alphas": path.alphas,
            "row_loss": path.row_loss,
            "weights": path.row_weights,
            "expected": expected,
            "training": path.train_loss[:, :-1].mean(axis=(1, 2)),
            "fold": np.concatenate([np.full(len(rows), k) for k, rows in enumerate(path.heldout_rows)])[
                np.argsort(np.concatenate(path.heldout_rows))
            ],
            "groups": np.empty(0, dtype=int) if groups is None else groups,
        }
    unfinished = file.with_suffix(".part")
    with unfinished.open("wb") as stream:
        np.savez(stream, **kept)
    unfinished.rename(file)


@dataclass(frozen=True)
class Outcome:
    """What came of one data set.

    Attributes
    ----------
    held, banded : bool
    size : int
        Strengths in the set.
    optimism, corrected, error : float
        Lowest held-out loss less the expected loss there, the same of the corrected one, and its standard error.
    covered, covered_today, difference, difference_today : bool
        Whether intervals hold the truth.
    """

    held: bool
    banded: bool
    size: int
    optimism: float
    corrected: float
    error: float
    covered: bool
    covered_today: bool
    difference: bool
    difference_today: bool


def outcome(file: Path, name: str) -> Outcome | None:
    """Look at one data set; None where its fit failed."""
    with np.load(file) as kept:
        if "failed" in kept:
            return None
        row_loss, weights, expected, groups, training = (
            kept[name] for name in ("row_loss", "weights", "expected", "groups", "training")
        )
    dependence = TIME if name == "time" else Dependence("groups", groups) if groups.size else ROWS
    pairs = pair_variance(weighted_mean(row_loss, weights), training, facts(DESIGNS[name].loss).unit_power, 1)
    found, curve = confidence_set(row_loss, weights, dependence), band(row_loss, weights, dependence, pairs=pairs)
    corrected = corrected_minimum(row_loss, weights, dependence, pairs)
    mean, _ = mean_and_error(row_loss, weights)
    lowest, best = len(mean) - 1 - int(np.argmin(mean[::-1])), int(np.argmin(expected))

    single = band(row_loss[[best]], weights, dependence, pairs=pairs[[best]])

    def covers(losses: Array, truth: float, how: Dependence) -> bool:
        middle, error = mean_and_error(losses, weights, how)
        return bool(abs(middle - truth) <= NORMAL * error)

    changes, change = row_loss[best] - row_loss[0], expected[best] - expected[0]
    return Outcome(
        held=bool(found.members[expected <= expected[best] + 1e-9 * abs(expected[best])].any()),
        banded=bool(((curve.low <= expected) & (expected <= curve.high)).all()),
        size=int(found.members.sum()),
        optimism=float(mean[lowest] - expected[lowest]),
        corrected=float(corrected.loss - expected[lowest]),
        error=corrected.error,
        covered=bool(single.low[0] <= expected[best] <= single.high[0]),
        covered_today=covers(row_loss[best], expected[best], ROWS),
        difference=covers(changes, change, dependence),
        difference_today=covers(changes, change, ROWS),
    )


def line(name: str, outcomes: list[Outcome | None]) -> str:
    """Write one line of the table."""
    whole = [each for each in outcomes if each is not None]

    def count(field: str) -> int:
        return sum(getattr(each, field) for each in whole)

    errors = np.sqrt(np.mean([each.error**2 for each in whole]))
    optimism, bias = (np.mean([getattr(each, field) for each in whole]) / errors for field in ("optimism", "corrected"))
    deviation = np.std([each.corrected for each in whole], ddof=1) / errors
    return (
        f"| {name} | {DESIGNS[name].rows:,} | {len(outcomes)} | {len(outcomes) - len(whole)} | {count('held')} "
        f"| {np.median([each.size for each in whole]):g} of {STRENGTHS + 1} | {count('banded')} | {optimism:+.2f} "
        f"| {bias:+.2f} | {deviation:.2f} | {count('covered')} | {count('covered_today')} | {count('difference')} "
        f"| {count('difference_today')} |"
    )


def report(records: Path, names: list[str], seeds: int) -> str:
    """Count what holds."""
    place = machine()
    lines = [
        "# Confidence sets of strengths against known truths",
        "",
        f"`python benchmarks/strength_confidence.py --seeds {seeds} --report`, {datetime.date.today()}, "
        f"{place['processor']}, {place['level']}, NumPy {np.__version__}. Seeds from 0 on, in order; a fit that "
        "failed counts as a miss. Biases and the deviation are in standard errors of the corrected minimum (root mean "
        "square).",
        "",
        "| design | rows | data sets | failed | set holds the best | median size | band holds all | minimum's bias "
        "| corrected minimum's | its deviation | interval covers | as independent rows | interval of the gain covers "
        "| as independent rows |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name in names:
        files = [records / name / f"{seed}.npz" for seed in range(seeds)]
        outcomes = [outcome(file, name) for file in files if file.exists()]
        if outcomes:
            lines.append(line(name, outcomes))
            print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Fit what is asked for and not there yet; print, and write with --report, the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--records", type=Path, default=Path("strength-records"), help="folder of the data sets' files")
    parser.add_argument("--design", nargs="*", default=list(DESIGNS), choices=list(DESIGNS))
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many, from 0 on")
    parser.add_argument("--report", action="store_true", help="write strength_confidence.md")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with threadpool_limits(1):
        for name in options.design:
            (options.records / name).mkdir(parents=True, exist_ok=True)
            for seed in range(options.seeds):
                file = options.records / name / f"{seed}.npz"
                if not file.exists():
                    record(DESIGNS[name], seed, file)
        text = report(options.records, options.design, options.seeds)
    if options.report:
        file = Path(__file__).parent / "results" / "strength_confidence.md"
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
