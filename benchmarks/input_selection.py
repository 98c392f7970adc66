"""Select inputs where the truth is known, and compare with the plain path and the unpenalized network.

    python benchmarks/input_selection.py [--designs a,b,c,...] [--seeds 10] [--first-seed 1000] [--rows 1000,500]
        [--pieces 4]
    python benchmarks/input_selection.py --cancer [--seeds 10]    breast cancer, 30 inputs: folds and starts anew

Every seed draws data, folds and starts anew; losses are those of the models handed over, on 10,000 fresh rows, in nats
(or half squared errors of a target of deviation 1). "kept" is all true inputs and at most two others. One hidden layer
of 16; the times are those of both cores. Designs:

    a        30 inputs, 3 true: 2 (2 sin 2x0 + 2 (|x1| - 0.8) + 1.2 x2)
    b        30 inputs, 5 true, two of them only together: 2 (2 x0 x1 + 2 sin 2x2 + x3^2 - 1 + 1.5 x4)
    c        20 inputs, 4 true: Friedman's first function without its fifth input, noise 1
    classes  b's inputs, three classes: its logit, another of x2 and x4, and 0
    block    a's, with a category of 4 levels as one group of inputs, and another that says nothing
    wide     a's three true inputs among 300, on 200 rows
    lines    three lines among 300, on 200 rows: 3 x0 - 3 x1 + 3 x2
    nc, nr   30 inputs that say nothing about a class, or a number

With ``--pieces`` columns of numbers are encoded, as the estimators' ``pieces`` does it; the plain path, too.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import KFold, StratifiedKFold

from ridgewalk import MLPClassifierCV
from ridgewalk.arrays import Array, Integers
from ridgewalk.engine import Runner, native
from ridgewalk.input_maps import bounded_rule, has_three_values
from ridgewalk.losses import BinaryCrossEntropy, CrossEntropy, Loss, SquaredError
from ridgewalk.path import GroupLassoPath, MLPPath, PathProblem, PathSettings, fit_path
from ridgewalk.path.dependence import mean_and_error
from ridgewalk.path.input_selection import FIRST_SHARE, InputSelection, select_inputs

HIDDEN, FOLDS, STRENGTHS = 16, 5, 22
TEST_ROWS = 10_000
MOST_FALSE = 2


@dataclass(frozen=True)
class Design:
    """Inputs, which of them are true, and how rows are drawn: (x, target)."""

    name: str
    inputs: int
    true: tuple[int, ...]
    loss: Loss
    draw: Callable[[int, np.random.Generator], tuple[Array, Array]]
    groups: Integers | None = None
    rows: int | None = None


def logit_a(x: Array) -> Array:
    """Signal of three inputs."""
    return np.asarray(2 * (2 * np.sin(2 * x[:, 0]) + 2 * (np.abs(x[:, 1]) - 0.8) + 1.2 * x[:, 2]))


def logit_lines(x: Array) -> Array:
    """Signal of three inputs, in straight lines."""
    return np.asarray(3 * (x[:, 0] - x[:, 1] + x[:, 2]))


def logit_b(x: Array) -> Array:
    """Signal of five inputs, of which the first two act only together."""
    return np.asarray(2 * (2 * x[:, 0] * x[:, 1] + 2 * np.sin(2 * x[:, 2]) + x[:, 3] ** 2 - 1 + 1.5 * x[:, 4]))


def flips(logit: Array, generator: np.random.Generator) -> Array:
    """Zeros and ones (N, 1) of these logits."""
    return (generator.random(len(logit)) < 1 / (1 + np.exp(-logit))).astype(float)[:, None]


def draw_binary(
    logit: Callable[[Array], Array], inputs: int
) -> Callable[[int, np.random.Generator], tuple[Array, Array]]:
    """Return a function that draws normal inputs and classes."""

    def draw(rows: int, generator: np.random.Generator) -> tuple[Array, Array]:
        x = generator.normal(size=(rows, inputs))
        return x, flips(logit(x), generator)

    return draw


def draw_friedman(rows: int, generator: np.random.Generator) -> tuple[Array, Array]:
    """Draw uniform inputs and a number."""
    x = generator.random((rows, 20))
    signal = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3]
    return x, (signal + generator.normal(size=rows))[:, None]


def draw_classes(rows: int, generator: np.random.Generator) -> tuple[Array, Array]:
    """Draw normal inputs and one of three classes."""
    x = generator.normal(size=(rows, 30))
    scores = np.stack([logit_b(x), 3 * x[:, 2] - 3 * x[:, 4], np.zeros(rows)], axis=1)
    chosen = (scores + generator.gumbel(size=scores.shape)).argmax(axis=1)
    return x, np.eye(3)[chosen]


def draw_block(rows: int, generator: np.random.Generator) -> tuple[Array, Array]:
    """Draw thirty normal inputs and two categories of 4 levels: one shifts the logit."""
    x = generator.normal(size=(rows, 30))
    levels = generator.integers(0, 4, (rows, 2))
    logit = logit_a(x) + np.array([-2.0, -1.0, 1.0, 2.0])[levels[:, 0]]
    return np.hstack([x, np.eye(4)[levels[:, 0]], np.eye(4)[levels[:, 1]]]), flips(logit, generator)


def draw_noise_number(rows: int, generator: np.random.Generator) -> tuple[Array, Array]:
    """Draw inputs, and a number that has nothing to do with them."""
    return generator.normal(size=(rows, 30)), generator.normal(size=(rows, 1))


BINARY = BinaryCrossEntropy()
DESIGNS = {
    design.name: design
    for design in (
        Design("a", 30, (0, 1, 2), BINARY, draw_binary(logit_a, 30)),
        Design("b", 30, (0, 1, 2, 3, 4), BINARY, draw_binary(logit_b, 30)),
        Design("c", 20, (0, 1, 2, 3), SquaredError(), draw_friedman),
        Design("classes", 30, (0, 1, 2, 3, 4), CrossEntropy(), draw_classes),
        Design(
            "block",
            38,
            (0, 1, 2, 30, 31, 32, 33),
            BINARY,
            draw_block,
            groups=np.array([*range(30), *[30] * 4, *[31] * 4]),
        ),
        Design("wide", 300, (0, 1, 2), BINARY, draw_binary(logit_a, 300), rows=200),
        Design("lines", 300, (0, 1, 2), BINARY, draw_binary(logit_lines, 300), rows=200),
        Design("nc", 30, (), BINARY, draw_binary(lambda x: np.zeros(len(x)), 30)),
        Design("nr", 30, (), SquaredError(), draw_noise_number),
    )
}


def fresh_loss(path: MLPPath, index: int, x: Array, target: Array, deviation: float) -> float:
    """Mean loss on fresh rows of the model handed over at one strength."""
    output = path.model(index).output(x)
    power = 2 if isinstance(path.loss, SquaredError) else 0
    return float(path.loss.values(output, target).mean() / deviation**power)


@dataclass(frozen=True)
class Outcome:
    """What one seed gave: inputs kept, losses of the models, seconds of the selection and of a plain path."""

    true: int
    false: int
    selected: float
    unpenalized: float
    plain: float
    frequency: Array
    seconds: float
    plain_seconds: float


def run(design: Design, rows: int, seed: int, pieces: int) -> dict[str, Outcome]:
    """Select by both rules on one fresh draw."""
    generator = np.random.default_rng(seed)
    x, target = design.draw(rows, generator)
    test_x, test_target = design.draw(TEST_ROWS, generator)
    deviation = float(target.std())
    classes = not isinstance(design.loss, SquaredError)
    folds = (StratifiedKFold if classes else KFold)(FOLDS, shuffle=True, random_state=seed)
    labels = target.argmax(axis=1) if target.shape[1] > 1 else target[:, 0]
    splits = list(folds.split(x, labels if classes else None))
    settings = PathSettings((HIDDEN,), penalty=GroupLassoPath(groups=design.groups))
    longer = replace(settings, max_iter=round(FIRST_SHARE * settings.max_iter))
    rule_of_maps = bounded_rule(np.array([has_three_values(column) for column in x.T]), pieces) if pieces else None
    problem = PathProblem.of(x, target, design.loss, splits, (seed,), maps=rule_of_maps)
    runner = Runner(n_jobs=-1)
    began = time.perf_counter()
    fit_path(problem, longer, STRENGTHS, runner)
    plain_seconds = time.perf_counter() - began
    outcomes = {}
    for rule in ("min", "1se"):
        began = time.perf_counter()
        selection: InputSelection = select_inputs(problem, settings, STRENGTHS, runner, rule)
        seconds = time.perf_counter() - began
        chosen, plain = selection.chosen, selection.arms[0]
        kept = chosen.path.inputs_kept[chosen.index, -1, chosen.path.best_seed(chosen.index)]
        truth = np.isin(np.arange(design.inputs), design.true)

        def loss_of(path: MLPPath, index: int) -> float:
            return fresh_loss(path, index, test_x, test_target, deviation)

        outcomes[rule] = Outcome(
            int((kept & truth).sum()),
            int((kept & ~truth).sum()),
            loss_of(chosen.path, chosen.index),
            loss_of(plain.path, 0),
            loss_of(plain.path, plain.index),
            selection.frequency,
            seconds,
            plain_seconds,
        )
    return outcomes


def report(design: Design, rows: int, rule: str, outcomes: list[Outcome]) -> str:
    """One line of the table."""

    def each(name: str) -> Array:
        return np.array([getattr(outcome, name) for outcome in outcomes])

    count, true, false = len(outcomes), each("true"), each("false")
    kept = int(((true == len(design.true)) & (false <= (MOST_FALSE if design.true else 0))).sum())
    gain = each("selected") - each("plain")
    error = gain.std(ddof=1) / np.sqrt(count) if count > 1 else float("nan")
    return (
        f"| {design.name} | {rows} | {rule} | {kept}/{count} | {true.mean():.1f} of {len(design.true)} "
        f"| {false.mean():.1f} ({false.max()}) | {each('selected').mean():.4f} | {each('unpenalized').mean():.3f} "
        f"| {each('plain').mean():.4f} | {gain.mean():+.4f} +- {error:.4f} "
        f"| {int((each('selected') < np.minimum(each('plain'), each('unpenalized'))).sum())}/{count} "
        f"| {each('seconds').mean():.1f} s, {(each('seconds') / each('plain_seconds')).mean():.1f}x |"
    )


def cancer(seeds: range, pieces: int) -> None:
    """Print a line per rule and seed of folds and starts: inputs kept, and the loss against the path's lowest."""
    X, y = load_breast_cancer(return_X_y=True)
    print(
        "| rule | seed | chosen | inputs kept | held-out loss | path's lowest | paired difference |\n"
        + "|---" * 7
        + "|"
    )
    for rule in ("min", "1se"):
        for seed in seeds:
            model = MLPClassifierCV(
                (HIDDEN,),
                alphas=STRENGTHS,
                pieces=pieces,
                select_inputs=True,
                selection=rule,
                random_state=seed,
                n_jobs=-1,
            ).fit(X, y)
            chosen, path = model.input_selection_.chosen, model.input_selection_.arms[0]
            difference = chosen.path.row_loss[chosen.index] - path.path.row_loss[path.index]
            above, error = mean_and_error(difference, path.path.row_weights)
            print(
                f"| {rule} | {seed} | {chosen.name} | {model.support_.sum()} | {chosen.loss:.4f} | {path.loss:.4f} "
                f"| {above:+.4f} +- {error:.4f} |",
                flush=True,
            )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--designs", default=",".join(DESIGNS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=1000)
    parser.add_argument("--rows", default="1000,500")
    parser.add_argument("--pieces", type=int, default=0)
    parser.add_argument("--cancer", action="store_true")
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    print(f"{datetime.date.today()}, {os.cpu_count()} cores, {native.load()[0]}, Python {platform.python_version()}\n")
    if options.cancer:
        return cancer(seeds, options.pieces)
    print("| design | rows | rule | kept | true inputs | false (most) | loss | unpenalized | plain path | against it "
          "| below both | time, in plain paths |")  # fmt: skip
    print("|---" * 12 + "|")
    for name in options.designs.split(","):
        design = DESIGNS[name]
        for rows in [design.rows] if design.rows else [int(rows) for rows in options.rows.split(",")]:
            outcomes = [run(design, rows, seed, options.pieces) for seed in seeds]
            for rule in ("min", "1se"):
                print(report(design, rows, rule, [outcome[rule] for outcome in outcomes]), flush=True)


if __name__ == "__main__":
    main()
