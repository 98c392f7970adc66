"""Linear models under MCP beside skglm's: whose objective is lower, problem by problem (decision 0020).

    pip install skglm && python benchmarks/mcp_linear.py [--seeds 2] [--first-seed 500]

    J(w, b) = 1/(2 n) |y - b - X w|^2 + sum_j MCP(w_j; strength, gamma)

Every shape of the table x correlation of its columns x gamma x seed is one path of eight strengths, from the largest
down to a fiftieth. skglm solves each strength from 0, and, as a path of its own, from the one before it; the lower of
both counts as its answer. Objectives within 1e-8 are the same. Figures are of this machine's versions, which it prints.
"""

from __future__ import annotations

import argparse
import itertools
import time
from importlib.metadata import version

import numpy as np

from ridgewalk import mlp_path
from ridgewalk.path import PathSettings
from ridgewalk.path.families import MCPPath
from ridgewalk.penalties import MCP

SHAPES = ((60, 12), (100, 40), (40, 80), (200, 60), (80, 200))
CORRELATIONS = (0.0, 0.5, 0.9)
GAMMAS = (1.5, 3.0, 10.0)
STRENGTHS, SPAN = 8, 50.0
SAME = 1e-8


def drawn(rows: int, inputs: int, correlation: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw standardized columns, every pair about so correlated, and a standardized target of five of them."""
    random = np.random.default_rng(seed)
    shared = np.sqrt(correlation / (1 - correlation)) * random.normal(size=(rows, 1))
    x = random.normal(size=(rows, inputs)) + shared
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    y = x[:, :5] @ np.array([1.0, -0.8, 0.6, -0.4, 0.3]) + random.normal(size=rows)
    return x, (y - y.mean()) / y.std()


def objective(x: np.ndarray, y: np.ndarray, w: np.ndarray, b: float, strength: float, gamma: float) -> float:
    """Return J."""
    left = y - b - x @ w
    return float(left @ left / (2 * len(x)) + MCP(strength, gamma).value(w[:, None]))


def ours(x: np.ndarray, y: np.ndarray, strengths: np.ndarray, gamma: float) -> list[float]:
    """Return the objectives of a path without a hidden layer, fitted to all rows."""
    settings = PathSettings((), penalty=MCPPath(gamma=gamma))
    one = [(np.arange(2, len(x)), np.arange(2))]  # a path has folds; what all rows give is compared
    path = mlp_path(x, y, settings=settings, alphas=strengths, cv=one, loss="squared_error", standardize=False)
    weights, biases = (array[1:, 0].astype(float) for array in path.parameters)
    pairs = zip(strengths, weights[..., 0], biases.ravel(), strict=True)
    return [objective(x, y, w, b, strength, gamma) for strength, w, b in pairs]


def theirs(x: np.ndarray, y: np.ndarray, strengths: np.ndarray, gamma: float) -> list[float]:
    """Return the lower of skglm's objectives from 0 and along its path."""
    from skglm import MCPRegression

    found: list[float] = []
    path = MCPRegression(gamma=gamma, fit_intercept=True, tol=1e-10, max_iter=200, warm_start=True)
    for strength in strengths[::-1]:
        alone = MCPRegression(strength, gamma, fit_intercept=True, tol=1e-10, max_iter=200).fit(x, y)
        path.set_params(alpha=strength).fit(x, y)
        both = [
            objective(x, y, m.coef_.ravel(), float(np.ravel(m.intercept_)[0]), strength, gamma) for m in (alone, path)
        ]
        found.append(min(both))
    return found[::-1]


def main() -> None:
    """Compare, and print a line for every gamma and correlation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--first-seed", type=int, default=500)
    options = parser.parse_args()
    print(f"skglm {version('skglm')}, numpy {np.__version__}")
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    print("| gamma | correlation | problems | same | ours lower | skglm's lower | by at most | ours s | skglm s |")
    print("|---|---|---|---|---|---|---|---|---|")
    every: list[float] = []
    for gamma, correlation in itertools.product(GAMMAS, CORRELATIONS):
        gaps: list[float] = []
        spent = [0.0, 0.0]
        for (rows, inputs), seed in itertools.product(SHAPES, seeds):
            x, y = drawn(rows, inputs, correlation, seed)
            largest = float(np.abs(x.T @ y).max() / rows)
            strengths = np.geomspace(largest / SPAN, 0.9 * largest, STRENGTHS)
            answers = []
            for k, solve in enumerate((ours, theirs)):
                began = time.process_time()
                answers.append(np.array(solve(x, y, strengths, gamma)))
                spent[k] += time.process_time() - began
            gaps += (answers[0] - answers[1]).tolist()
        every += gaps
        print(row(f"{gamma:g} | {correlation:g}", gaps, f"{spent[0]:.1f} | {spent[1]:.1f}"))
    print(row("all | all", every, "|"))


def row(name: str, gaps: list[float], spent: str) -> str:
    """Return a line of the table."""
    gap = np.array(gaps)
    counts = (np.abs(gap) <= SAME).sum(), (gap < -SAME).sum(), (gap > SAME).sum()
    return f"| {name} | {len(gap)} | {' | '.join(map(str, counts))} | {max(0.0, gap.max()):.1e} | {spent} |"


if __name__ == "__main__":
    main()
