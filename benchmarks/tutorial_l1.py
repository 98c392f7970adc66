"""Hold the tutorial's L1, a proximal step whose strength rises over 500 updates, against a plain subgradient.

    python benchmarks/tutorial_l1.py [--hidden 64] [--epochs 3000] [--seeds 4] [--warmup 500] [--itself]

A three-arm spiral of 1,500 rows, one hidden layer, L1 on the weights of both layers, full batch; the tutorial's start
(0.01 * normal) and He's, seeds 0, 1, ...; three optimizers. "prox" moves ridgewalk.tutorial's layers with its
optimizers, "plain" is the same loop in plain NumPy with ``l1 * sign(w)`` in the gradient; both use the same passes.
Compared is the objective, data loss plus the whole penalty, its median over the last tenth of the epochs. What the
slope of |w| at zero is makes next to no difference to the plain loop, whose weights hardly ever are (last column).

With --itself the plain loop is also held against itself, its start moved by one part in a million: what the same
comparison says where nothing is compared.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import time
from collections.abc import Iterator

import numpy as np

from ridgewalk.arrays import Array, Integers
from ridgewalk.tutorial import (
    Layer_Dense,
    Loss_CategoricalCrossentropy,
    Optimizer_Adam,
    Optimizer_SGD,
    spiral_data,
)

STRENGTHS = (1e-4, 5e-4, 2e-3)
STARTS = ("0.01 x normal", "He")
ADAM, SGD, MOMENTUM = "Adam, rate 0.02", "SGD, rate 1, decay 1e-3", "SGD, rate 1, decay 1e-3, momentum 0.5"
TOLERATED = 1.01
Arrays = list[Array]


def start_of(kind: str, hidden: int, seed: int) -> Arrays:
    """Draw both layers' weights; the biases are zero."""
    generator = np.random.default_rng(seed)
    shapes = (2, hidden), (hidden, 3)
    scales = [0.01 if kind == STARTS[0] else np.sqrt(2 / shape[0]) for shape in shapes]
    weights = [scale * generator.standard_normal(shape) for scale, shape in zip(scales, shapes, strict=True)]
    return [weights[0], np.zeros((1, hidden)), weights[1], np.zeros((1, 3))]


class Passes:
    """Data loss and its gradients, forward and backward, in arrays that are made once: one row per unit."""

    def __init__(self, x: Array, y: Integers, hidden: int) -> None:
        self.x, self.columns = x, np.ascontiguousarray(x.T)
        self.one_hot = np.eye(3)[y].T.copy()
        self.active, self.back = np.empty((hidden, len(y))), np.empty((hidden, len(y)))
        self.on = np.empty((hidden, len(y)), dtype=bool)

    def __call__(self, arrays: Arrays) -> tuple[float, Arrays]:
        """Mean cross-entropy, and its gradients in the shapes of the arrays."""
        w1, b1, w2, b2 = arrays
        np.matmul(w1.T, self.columns, out=self.active)
        self.active += b1.T
        np.maximum(self.active, 0, out=self.active)
        logits = w2.T @ self.active + b2.T
        logits -= logits.max(axis=0)
        chances = np.exp(logits)
        total = chances.sum(axis=0)
        loss = float((np.log(total) - (logits * self.one_hot).sum(axis=0)).mean())
        d = (chances / total - self.one_hot) / total.size
        np.matmul(w2, d, out=self.back)
        self.back *= np.greater(self.active, 0, out=self.on)
        slopes = [(self.back @ self.x).T, self.back.sum(axis=1)[None], self.active @ d.T, d.sum(axis=1)[None]]
        return loss, slopes


def proximal(passes: Passes, start: Arrays, l1: float, kind: str, epochs: int, warmup: float) -> Iterator[float]:
    """Train the tutorial's layers with its optimizers; yield every epoch's objective, leave the weights in start."""
    hidden = start[1].size
    dense1, dense2 = pair = Layer_Dense(2, hidden, weight_L1=l1), Layer_Dense(hidden, 3, weight_L1=l1)
    dense1.weight, dense1.bias, dense2.weight, dense2.bias = start
    penalty = Loss_CategoricalCrossentropy().regularization_loss
    optimizer = {
        ADAM: Optimizer_Adam(0.02, l1_warmup=warmup),
        SGD: Optimizer_SGD(decay=1e-3, l1_warmup=warmup),
        MOMENTUM: Optimizer_SGD(decay=1e-3, momentum=0.5, l1_warmup=warmup),
    }[kind]
    for _ in range(epochs):
        loss, slopes = passes([dense1.weight, dense1.bias, dense2.weight, dense2.bias])
        yield loss + penalty(dense1) + penalty(dense2)
        optimizer.pre_update_param()
        for dense, dweight, dbias in zip(pair, slopes[::2], slopes[1::2], strict=True):
            dense.l1_slopes = l1 * np.sign(dense.weight), np.zeros_like(dense.bias)
            dense.dweight, dense.dbias = dweight + dense.l1_slopes[0], dbias
            optimizer.update_param(dense)
        optimizer.post_update_param()
    start[:] = dense1.weight, dense1.bias, dense2.weight, dense2.bias


def plain(passes: Passes, start: Arrays, l1: float, kind: str, epochs: int) -> Iterator[float]:
    """Train by subgradients, in NumPy alone; yield every epoch's objective, leave the weights in start."""
    first = [np.zeros_like(a) for a in start]
    second = [np.zeros_like(a) for a in start]
    for k in range(epochs):
        loss, slopes = passes(start)
        yield loss + l1 * float(np.abs(start[0]).sum() + np.abs(start[2]).sum())
        slopes[0] = slopes[0] + l1 * np.sign(start[0])
        slopes[2] = slopes[2] + l1 * np.sign(start[2])
        for i, g in enumerate(slopes):
            if kind == ADAM:
                first[i] = 0.9 * first[i] + 0.1 * g
                second[i] = 0.999 * second[i] + 0.001 * g**2
                m_hat, v_hat = first[i] / (1 - 0.9 ** (k + 1)), second[i] / (1 - 0.999 ** (k + 1))
                start[i] = start[i] - 0.02 * m_hat / (np.sqrt(v_hat) + 1e-7)
            else:
                first[i] = (0.5 if kind == MOMENTUM else 0.0) * first[i] - g / (1 + 1e-3 * k)
                start[i] = start[i] + first[i]


def last_tenth(objectives: Iterator[float], epochs: int) -> float:
    """Median over the last tenth of the epochs."""
    return float(np.median([value for epoch, value in enumerate(objectives) if epoch >= 0.9 * epochs]))


def zeros(arrays: Arrays) -> float:
    """Share of exact zeros among the weights of both layers."""
    return float(np.mean(np.concatenate([arrays[0].ravel(), arrays[2].ravel()]) == 0))


def main() -> None:
    """Print a row for every optimizer, start and strength, and the worst ratio."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=3000)
    parser.add_argument("--rows", type=int, default=1500, help="rows of the spiral, a third to each arm")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--warmup", type=float, default=500, help="updates over which the strength rises")
    parser.add_argument("--itself", action="store_true", help="hold the plain loop against itself, its start moved")
    options = parser.parse_args()
    began = time.perf_counter()
    print(
        f"{datetime.date.today()}, {os.cpu_count()} cores, Python {platform.python_version()}, NumPy {np.__version__}"
    )
    print(f"{options.rows} rows, {options.hidden} units, {options.epochs} epochs, {options.seeds} seeds\n")
    itself = " plain, moved / plain |" if options.itself else ""
    print(f"| optimizer | start | L1 | prox | plain | prox / plain, by seed |{itself} zeros, prox | zeros, plain |")
    print("|---" * (9 if itself else 8) + "|", flush=True)
    x, y = spiral_data(options.rows // 3, 3, random_state=0)
    passes = Passes(x, y, options.hidden)
    ratios, moved_ratios, fewest = [], [], 1.0
    for kind in (ADAM, SGD, MOMENTUM):
        for start_kind in STARTS:
            for l1 in STRENGTHS:
                ours, theirs, moved, found = [], [], [], []
                for seed in range(options.seeds):
                    run = (l1, kind, options.epochs)
                    start = start_of(start_kind, options.hidden, seed)
                    w, v = [a.copy() for a in start], [a.copy() for a in start]
                    ours.append(last_tenth(proximal(passes, w, *run, options.warmup), options.epochs))
                    theirs.append(last_tenth(plain(passes, v, *run), options.epochs))
                    found.append((zeros(w), zeros(v)))
                    if options.itself:
                        generator = np.random.default_rng([seed, 1])
                        u = [a * (1 + 1e-6 * generator.standard_normal(a.shape)) for a in start]
                        moved.append(last_tenth(plain(passes, u, *run), options.epochs) / theirs[-1])
                ratio = np.divide(ours, theirs)
                ratios.extend(ratio)
                moved_ratios.extend(moved)
                share, none = np.mean(found, axis=0)
                fewest = min(fewest, *(f for f, _ in found))
                cells = [kind, start_kind, f"{l1:.0e}", f"{np.mean(ours):.4f}", f"{np.mean(theirs):.4f}"]
                cells += [", ".join(f"{r:.3f}" for r in each) for each in ((ratio, moved) if moved else (ratio,))]
                print("|", " | ".join([*cells, f"{share:.1%}", f"{none:.1%}"]), "|", flush=True)
    print()
    for name, values in (("prox / plain", ratios), ("plain, moved / plain", moved_ratios)):
        if values:
            above = sum(value > TOLERATED for value in values)
            mean = np.exp(np.mean(np.log(values)))
            print(f"{name}: worst {max(values):.3f}, above {TOLERATED} in {above} of {len(values)}, mean {mean:.3f}")
    print(f"fewest exact zeros of a run: {fewest:.1%}\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
