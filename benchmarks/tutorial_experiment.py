"""Run the tutorial's experiment, corrected, and measure whether its penalty helped.

    python benchmarks/tutorial_experiment.py [--seeds 5] [--epochs 10001] [--redraw]
    python benchmarks/tutorial_experiment.py --time

Three arms of a spiral, a 2-128-3 ReLU network started at 0.01 * normal, full batch; 30,000 fresh test points. Every
seed is a start of the weights, on one sample of the spiral; with --redraw every seed is a sample too. The penalties of
one optimizer share data and starts, so their differences are paired.

A constant rate leaves the last iterate to chance (the loss jumps and comes back), so "loss" is the median over the
last tenth of the epochs, looked at every 10; "last" is the last one alone. docs/tutorial.md quotes these tables.
The second one has the accuracies after the last epoch, on the training rows and on the test points, and their gap.
Double precision: in single precision the weights of dead units sink to where numbers end, and what happens there
differs from engine to engine (EXPERIMENTS.md). With --time nothing is compared: the tutorial's one model is trained as
its author did, on 3,000 rows with SGD, in single precision on one core, and the clock is read.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import t as student

from ridgewalk.arrays import Array, Integers, per_run
from ridgewalk.engine import native, train
from ridgewalk.engine.job import Job
from ridgewalk.folds import Fold
from ridgewalk.losses import CrossEntropy
from ridgewalk.network import EvadablePenaltyWarning, layer_penalties, multilayer_perceptron
from ridgewalk.optimizers import SGD, Adam, InverseTime, Optimizer
from ridgewalk.tutorial import spiral_data

HIDDEN = 128
CLASSES = 3
TEST_SAMPLES = 10_000  # per class


@dataclass(frozen=True)
class Condition:
    """One penalty: a name, and L2 strengths of weights and biases per layer."""

    name: str
    weight_l2: tuple[float, float] = (0.0, 0.0)
    bias_l2: tuple[float, float] = (0.0, 0.0)


NONE = Condition("no penalty")
FIRST = Condition("L2 5e-4, first layer, weights and biases", (5e-4, 0.0), (5e-4, 0.0))
BOTH = Condition("L2 5e-4, both layers' weights", (5e-4, 5e-4))
LIGHT = Condition("L2 1e-5, both layers' weights", (1e-5, 1e-5))
MEDIUM = Condition("L2 1e-4, both layers' weights", (1e-4, 1e-4))

TOO_STRONG = (1000, BOTH)
"""Samples and penalty of the arm that shows how little the gap says: the smallest gap, and the worst test loss."""

EXPERIMENTS: list[tuple[str, int, Optimizer, list[Condition]]] = [
    ("SGD, rate 1, momentum 0.5", 1000, SGD(1.0, momentum=0.5), [NONE, FIRST]),
    (
        "Adam, rate 0.02, decay 5e-7",
        1000,
        Adam(0.02, epsilon=1e-7, schedule=InverseTime(5e-7)),
        [NONE, FIRST, LIGHT, BOTH],
    ),
    (
        "Adam, rate 0.02, decay 5e-7",
        100,
        Adam(0.02, epsilon=1e-7, schedule=InverseTime(5e-7)),
        [NONE, FIRST, MEDIUM, BOTH],
    ),
]


def run(
    samples: int, optimizer: Optimizer, arms: Sequence[Condition], seed: int, epochs: int, sample: int = 0
) -> list[dict[str, float]]:
    """Train every arm of one optimizer from one start on one sample; return its figures, arm by arm."""
    generator = np.random.default_rng(sample)
    x, y = spiral_data(samples, CLASSES, generator)
    test_x, test_y = spiral_data(TEST_SAMPLES, CLASSES, generator)
    job = make_job(
        np.concatenate([x, test_x]), np.concatenate([y, test_y]), len(x), optimizer, arms, seed, epochs, np.float64
    )
    fits = train(replace(job, record_every=10), n_jobs=-1)
    history = fits.history
    assert history is not None
    late = history.epochs > 0.9 * epochs
    output, _ = job.network.forward(test_x, fits.parameters)
    train_output, _ = job.network.forward(x, fits.parameters)
    figures = []
    for k in range(len(arms)):
        losses = history.data_loss[k]
        figures.append(
            {
                "train_loss": float(np.median(losses[late])),
                "test_loss": float(np.median(history.validation_loss[k, late])),
                "last_test_loss": float(history.validation_loss[k, -1]),
                "last_test_accuracy": float((output[k].argmax(axis=1) == test_y).mean()),
                "last_train_accuracy": float((train_output[k].argmax(axis=1) == y).mean()),
                "norm_1": float(np.linalg.norm(fits.parameters[0][k])),
                "norm_2": float(np.linalg.norm(fits.parameters[2][k])),
                "spikes_per_1000": 1000 * float((losses[late] > 2 * np.median(losses[late])).mean()),
            }
        )
    return figures


def make_job(
    x: Array,
    y: Integers,
    rows: int,
    optimizer: Optimizer,
    arms: Sequence[Condition],
    seed: int,
    epochs: int,
    dtype: type,
) -> Job:
    """Every arm from one start, on the first rows; the others are for the validation loss."""
    network = multilayer_perceptron(2, [HIDDEN], CLASSES)

    def per_layer(strengths: list[tuple[float, float]]) -> list[Array]:
        return [per_run([pair[layer] for pair in strengths]) for layer in (0, 1)]

    start = network.start("normal", seed)
    training = (np.arange(len(x)) < rows).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EvadablePenaltyWarning)  # the point of the experiment
        return Job(
            network=network,
            loss=CrossEntropy(),
            penalties=layer_penalties(
                network,
                weight_l2=per_layer([arm.weight_l2 for arm in arms]),
                bias_l2=per_layer([arm.bias_l2 for arm in arms]),
            ),
            optimizer=optimizer,
            x=x,
            target=CrossEntropy().encode(y),
            folds=(Fold.plain(training, 2, CLASSES, validation=1 - training),),
            fold=np.zeros(len(arms), dtype=int),
            seeds=np.zeros(len(arms), dtype=int),
            start=tuple(np.stack([array] * len(arms)).astype(dtype) for array in start),
            epochs=epochs,
        )


def time_one_model(epochs: int, times: int = 5) -> list[float]:
    """Seconds to train the tutorial's model on one core, each time anew."""
    _, samples, optimizer, _ = EXPERIMENTS[0]
    x, y = spiral_data(samples, CLASSES, np.random.default_rng(0))
    job = make_job(x, y, len(x), optimizer, [FIRST], 0, epochs, np.float32)
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        train(job)
        seconds.append(time.perf_counter() - began)
    return sorted(seconds)


def interval(values: Array) -> tuple[float, float, float]:
    """Mean and 95% Student interval over seeds."""
    half = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def main() -> None:
    """Print the table, and the paired differences."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10_001)
    parser.add_argument("--redraw", action="store_true", help="a new sample of the spiral for every seed")
    parser.add_argument("--time", action="store_true", help="only train one model, and say how long it takes")
    options = parser.parse_args()
    began = time.perf_counter()
    print(f"{datetime.date.today()}, {native.load()[0]}, Python {platform.python_version()}, NumPy {np.__version__}")
    if options.time:
        seconds = time_one_model(options.epochs)
        print(f"{options.epochs} epochs of 3,000 rows, one core: {np.median(seconds):.3f} s, best {seconds[0]:.3f} s")
        return
    print(f"{options.seeds} seeds, {options.epochs} epochs; mean +- standard deviation over seeds\n")
    print("| rows | optimizer | penalty | train loss | test loss | last test loss | last accuracy | W1 | W2 | spikes |")
    print("|---" * 10 + "|")
    comparisons, gaps = [], []
    for name, samples, optimizer, arms in EXPERIMENTS:
        by_seed = [
            run(samples, optimizer, arms, seed, options.epochs, sample=seed * options.redraw)
            for seed in range(options.seeds)
        ]
        figures = [
            {key: np.array([seed[k][key] for seed in by_seed]) for key in by_seed[0][k]} for k in range(len(arms))
        ]
        for arm, figure in zip(arms, figures, strict=True):
            wide = ("train_loss", "test_loss", "last_test_loss", "last_test_accuracy")
            shown = [f"{figure[key].mean():.4f} +- {figure[key].std(ddof=1):.4f}" for key in wide]
            norms = [f"{figure[key].mean():.1f}" for key in ("norm_1", "norm_2", "spikes_per_1000")]
            print("|", " | ".join([str(samples * CLASSES), name, arm.name, *shown, *norms]), "|", flush=True)
            on_train, on_test = figure["last_train_accuracy"], figure["last_test_accuracy"]
            seen = [f"{each.mean():.4f}" for each in (on_train, on_test)]
            gap, low, high = interval(on_train - on_test)
            loss = f"{figure['test_loss'].mean():.4f}"
            seen += [f"{gap:.4f} [{low:.4f}, {high:.4f}]", loss]
            gaps.append("| " + " | ".join([str(samples * CLASSES), name, arm.name, *seen]) + " |")
        for arm, figure in list(zip(arms, figures, strict=True))[1:]:
            mean, low, high = interval(figure["test_loss"] - figures[0]["test_loss"])
            comparisons.append(f"{samples * CLASSES} rows, {name}, {arm.name}: "
                               f"{mean:+.4f} [{low:+.4f}, {high:+.4f}] nats")  # fmt: skip
    print("\n| rows | optimizer | penalty | train accuracy | test accuracy | gap, 95% interval | test loss |")
    print("|---" * 7 + "|")
    print("\n".join(gaps))
    print("\nTest loss against no penalty, paired by seed, 95% interval:")
    print("\n".join(comparisons))
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
