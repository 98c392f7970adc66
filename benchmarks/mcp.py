"""Does a penalty that leaves large weights alone keep fewer false inputs? MCP beside L1, group MCP beside group lasso.

    python benchmarks/mcp.py [--seeds 10] [--first-seed 1000] [--rows 1000] [--designs a,b,c]

The designs are those of benchmarks/input_selection.py, where the truth is known. Every family's path is fitted to the
same rows, folds and starts. Two families are compared at equal held-out loss: the higher of their two lowest ones;
each takes its strongest strength that is at or below it. Printed are true and false inputs that the network on all
rows uses there, and its loss on fresh rows; and the same at each family's own lowest held-out loss. Means over seeds,
with one standard error of the paired difference of false inputs.
"""

from __future__ import annotations

import argparse
import datetime
import os

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

from engine import machine
from input_selection import DESIGNS, FOLDS, HIDDEN, TEST_ROWS, Design
from ridgewalk.arrays import Array
from ridgewalk.engine import Runner
from ridgewalk.losses import SquaredError
from ridgewalk.objective import weighted_mean
from ridgewalk.path import ElasticNetPath, GroupLassoPath, MLPPath, PathPenalty, PathProblem, PathSettings, fit_path
from ridgewalk.path.families import GroupMCPPath, MCPPath

PAIRS: dict[str, tuple[PathPenalty, dict[str, PathPenalty]]] = {
    "L1": (
        ElasticNetPath(l1_ratio=1.0),
        {f"MCP, gamma {gamma}": MCPPath(gamma=float(gamma)) for gamma in (3, 10, 30, 100)},
    ),
    "group lasso": (
        GroupLassoPath(),
        {f"group MCP, gamma {gamma}": GroupMCPPath(gamma=float(gamma)) for gamma in (3, 10, 30, 100)},
    ),
}
STRENGTHS = 30
Reached = tuple[float, float, float]
"""True inputs, false inputs, and loss on fresh rows."""


def heldout(path: MLPPath) -> Array:
    """Mean held-out loss at every strength above 0."""
    return np.asarray(weighted_mean(path.row_loss, path.row_weights))[1:]


def reached(path: MLPPath, at: int, design: Design, fresh: tuple[Array, Array]) -> Reached:
    """Look at the best network on all rows at a strength."""
    kept = path.inputs_kept[at, -1, path.best_seed(at)]
    true = np.isin(np.arange(design.inputs), design.true)
    losses = path.loss.values(path.model(at).output(fresh[0]), fresh[1])
    return float(kept[true].sum()), float(kept[~true].sum()), float(losses.mean())


def strongest_at(path: MLPPath, loss: float) -> int:
    """Return the number of the strongest strength whose held-out loss is at most so much."""
    return 1 + int(np.flatnonzero(heldout(path) <= loss * (1 + 1e-12))[-1])


def one(design: Design, rows: int, seed: int) -> dict[tuple[str, str], tuple[Reached, ...]]:
    """Fit all families to one draw: of each pair both at equal held-out loss, then each at its own lowest."""
    generator = np.random.default_rng(seed)
    x, target = design.draw(rows, generator)
    fresh = design.draw(TEST_ROWS, generator)
    classes = not isinstance(design.loss, SquaredError)
    folds = (StratifiedKFold if classes else KFold)(FOLDS, shuffle=True, random_state=seed)
    problem = PathProblem.of(x, target, design.loss, list(folds.split(x, target[:, 0] if classes else None)), (seed,))
    found = {}
    for name, (plain, others) in PAIRS.items():
        first = fit_path(problem, PathSettings((HIDDEN,), penalty=plain), STRENGTHS, Runner(n_jobs=-1))
        for other, family in others.items():
            second = fit_path(problem, PathSettings((HIDDEN,), penalty=family), STRENGTHS, Runner(n_jobs=-1))
            equal = max(heldout(first).min(), heldout(second).min())
            places = [strongest_at(first, equal), strongest_at(second, equal)]
            places += [1 + int(heldout(path).argmin()) for path in (first, second)]
            paths = (first, second, first, second)
            found[name, other] = tuple(reached(path, at, design, fresh) for path, at in zip(paths, places, strict=True))
    return found


def main() -> None:
    """Print a table per design."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--designs", default="a,b,c")
    options = parser.parse_args()
    print(f"{datetime.date.today()}, {os.cpu_count()} cores, {machine()['processor']}, {options.rows} rows\n")
    print("| design | penalties | true at equal loss | false at equal loss | difference | loss on fresh rows |", end="")
    print(" true, false at the own lowest loss | loss on fresh rows |\n|---|---|---|---|---|---|---|---|", flush=True)
    for name in options.designs.split(","):
        runs = [one(DESIGNS[name], options.rows, options.first_seed + seed) for seed in range(options.seeds)]
        for pair in runs[0]:
            each = np.array([run[pair] for run in runs])  # (seeds, 4, 3)
            mean, saved = each.mean(axis=0), each[:, 1, 1] - each[:, 0, 1]
            error = saved.std(ddof=1) / np.sqrt(len(saved)) if len(saved) > 1 else float("nan")
            print(
                f"| {name} | {pair[0]} / {pair[1]} | {mean[0, 0]:.1f} / {mean[1, 0]:.1f} | {mean[0, 1]:.1f} / "
                f"{mean[1, 1]:.1f} | {saved.mean():+.1f} +- {error:.1f} | {mean[0, 2]:.3f} / {mean[1, 2]:.3f} | "
                f"{mean[2, 0]:.1f}, {mean[2, 1]:.1f} / {mean[3, 0]:.1f}, {mean[3, 1]:.1f} | "
                f"{mean[2, 2]:.3f} / {mean[3, 2]:.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
