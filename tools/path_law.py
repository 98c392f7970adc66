"""Look for a strength at which an objective falls: the law of a path (decision 0016) on many random problems.

    python tools/path_law.py [--problems 200] [--falls 1e-9]

Problems differ in rows, inputs, loss, signal, network and seeds; each is fitted under three penalties (elastic net, L2
alone, group lasso) and by both schedules. Above strength 0, and for every fold and start, no objective may be below
that of the strength before it by more than the given share. What is printed besides says how often a network moved.
A run that was cut goes on where it was (tools/steps.py).
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter

import numpy as np

from ridgewalk.losses import BinaryCrossEntropy, CrossEntropy, Huber, Loss, Poisson, SquaredError
from ridgewalk.path.families import ElasticNetPath, GroupLassoPath, PathPenalty
from ridgewalk.path.fit import fit_path
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.result import MLPPath
from ridgewalk.path.settings import PathSettings

PENALTIES: dict[str, PathPenalty] = {
    "elastic net": ElasticNetPath(l1_ratio=0.5),
    "L2 alone": ElasticNetPath(l1_ratio=0.0),
    "group lasso": GroupLassoPath(),
}
SCHEDULES = ("ramp", "sequential")


def problem(seed: int) -> tuple[np.ndarray, np.ndarray, Loss, list[tuple[np.ndarray, np.ndarray]], dict[str, object]]:
    """Draw rows, target, loss, folds and a network."""
    draws = np.random.default_rng(seed)
    rows, inputs = int(draws.integers(30, 200)), int(draws.integers(2, 9))
    x = draws.normal(size=(rows, inputs))
    if draws.random() < 0.5:  # long tails, as tables have them
        x[:, ::2] = np.round(np.exp(x[:, ::2]), 1)
    signal = draws.uniform(0, 2) * (x[:, 0] * x[:, 1] + np.abs(x[:, -1]))
    signal = signal + draws.normal(size=rows) * draws.uniform(0.1, 2)
    loss: Loss = (SquaredError(), Huber(), BinaryCrossEntropy(), CrossEntropy(), Poisson())[seed % 5]
    if isinstance(loss, BinaryCrossEntropy):
        target = loss.encode((signal > np.median(signal)).astype(int))
    elif isinstance(loss, CrossEntropy):
        target = loss.encode(np.digitize(signal, np.quantile(signal, [1 / 3, 2 / 3])), 3)
    else:
        target = loss.encode(draws.poisson(np.exp(np.clip(signal, -3, 3))) if isinstance(loss, Poisson) else signal)
    parts = np.array_split(draws.permutation(rows), 2)
    splits = [(np.setdiff1d(np.arange(rows), part), part) for part in parts]
    network = {
        "hidden_layer_sizes": ((4,), (8,), (5, 3))[int(draws.integers(3))],
        "activation": ("relu", "tanh")[int(draws.integers(2))],
        "max_iter": int(draws.integers(10, 80)),
        "learning_rate": float(draws.choice([0.003, 0.01, 0.1])),
    }
    return x, target, loss, splits, network


def settings_of(network: dict[str, object], penalty: str, schedule: str) -> PathSettings:
    """Return the settings of a problem's network under a named penalty."""
    return PathSettings(**network, penalty=PENALTIES[penalty], schedule=schedule)  # type: ignore[arg-type]


def falls(path: MLPPath, share: float) -> int:
    """Count strengths above 0 at which an objective is below that of the strength before by more than this share."""
    above = path.objective[1:]
    return int((~(np.diff(above, axis=0) >= -share * np.abs(above[:-1]))).sum())


def fitted(seed: int, share: float) -> Counter[str]:
    """Fit a problem under every penalty and by every schedule, and count."""
    counts: Counter[str] = Counter()
    x, target, loss, splits, network = problem(seed)
    given = PathProblem.of(x, target, loss, splits, (seed, seed + 1))
    for penalty in PENALTIES:
        for schedule in SCHEDULES:
            path = fit_path(given, settings_of(network, penalty, schedule), 10)
            own = path.source == np.arange(len(path.alphas))[:, None, None]
            counts["paths"] += 1
            counts["cells"] += own[1:].size
            counts["moved"] += int((~own & ~path.null_wins)[1:].sum())
            counts["null"] += int(path.null_wins[1:].sum())
            counts["trained on"] += int((~own[0]).sum())
            counts["falls"] += falls(path, share)
    return counts


def main() -> None:
    """Fit them all, and end with 1 where one objective falls."""
    import steps  # beside this file, where it is run as a script

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=200)
    parser.add_argument("--falls", type=float, default=1e-9, help="largest share that counts as rounding")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    notes = steps.Notes("path_law")
    for seed in range(options.problems):
        step = f"problem {seed}, share {options.falls}"
        if step not in notes.passed:
            found = fitted(seed, options.falls)
            counts.update(found)
            if not found["falls"]:
                notes.note(step, found)
        else:
            counts.update(notes.passed[step])
    pairs = counts["cells"]
    print(f"{counts['paths']} paths, {pairs:,} networks above strength 0")
    print(f"another strength's network: {counts['moved'] / pairs:.1%}, the null model: {counts['null'] / pairs:.1%}")
    print(f"networks of strength 0 that trained on from the weakest strength's network: {counts['trained on']}")
    print(f"objectives that fall: {counts['falls']}")
    sys.exit(counts["falls"] > 0)


if __name__ == "__main__":
    main()
