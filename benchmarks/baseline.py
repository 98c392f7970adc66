"""What the linear baseline costs of a default fit, and what it loses beside the exact solver's path.

    python benchmarks/baseline.py [FOLDER] [--rows 1000] [--out benchmarks/results/baseline.md]

Data sets of scikit-learn; and tables (Parquet, the target last, ``tables.json`` with each one's task) where a folder of
them is given, of which the training part of one fold of five is used, and at most so many rows. Times are those of the
processor, in one thread. "exact" is the path of 30 strengths that Newton's method solves to its end.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.linear_model import ElasticNetCV
from sklearn.model_selection import KFold, StratifiedKFold
from threadpoolctl import threadpool_limits

from ridgewalk import MLPClassifierCV, MLPRegressorCV
from ridgewalk.diagnostics.evidence import chosen_by_others
from ridgewalk.engine import Runner
from ridgewalk.losses import SquaredError
from ridgewalk.objective import weighted_mean
from ridgewalk.path.baseline import baseline_settings, fit_baseline
from ridgewalk.path.fit import fit_path
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.result import MLPPath
from ridgewalk.path.settings import PathSettings

SAID = (
    "`python benchmarks/baseline.py FOLDER`: seconds of the processor, in one thread; loss: held out, each fold at the "
    "strength that\n"
    "the others choose; exact: the path of 30 strengths and 0, solved to its end."
)
HEAD = "| data | rows x columns | classes | network, s | baseline, s | share | exact, s | loss | exact loss | ratio |"


def of_scikit_learn() -> Iterator[tuple[str, Any, Any, bool]]:
    """Yield the name, columns, target, and whether that is of classes, of every data set that needs no folder."""
    for name, classes in (("breast_cancer", True), ("wine", True), ("digits", True), ("diabetes", False)):
        x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        yield name, x, y, classes
    for classes in (4, 15):
        x, y = datasets.make_classification(
            1_500, 20, n_informative=10, n_classes=classes, n_clusters_per_class=1, random_state=0
        )
        yield f"made, {classes} classes", x, y, True
    draws = np.random.default_rng(0)
    x = draws.normal(size=(20_000, 30))
    chance = 1 / (1 + np.exp(-x[:, 0] - x[:, 1] * x[:, 2] - x[:, 3] / 2))
    yield "made, many rows", x, (draws.random(20_000) < chance).astype(int), True


def of_folder(folder: Path) -> Iterator[tuple[str, Any, Any, bool]]:
    """Yield the same of every table of a folder."""
    for name, about in json.loads((folder / "tables.json").read_text()).items():
        frame = pd.read_parquet(folder / f"{name}.parquet")
        x, target = pd.get_dummies(frame.iloc[:, :-1], dtype=float).fillna(0.0), frame.iloc[:, -1]
        classes = about["task"] == "cls"
        y = pd.factorize(target)[0] if classes else target.to_numpy(float)
        splitter = (StratifiedKFold if classes else KFold)(5, shuffle=True, random_state=1)
        train, _ = next(iter(splitter.split(x, y)))
        yield name, x.to_numpy(float)[train], y[train], classes


def seconds_of(call: Any) -> tuple[float, Any]:
    """Return the processor's seconds of a call, and what it gives."""
    began = time.process_time()
    found = call()
    return time.process_time() - began, found


def honest_loss(path: MLPPath) -> float:
    """Return the mean held-out loss, each fold at the strength that the others choose."""
    scores = chosen_by_others(path, "min")
    assert scores is not None
    return float(weighted_mean(scores.rows, path.row_weights))


def measured(name: str, x: Any, y: Any, classes: bool) -> tuple[str, float, float]:
    """Return a row of the table, the share and the ratio of losses."""
    estimator: Any = MLPClassifierCV if classes else MLPRegressorCV
    whole, model = seconds_of(lambda: estimator(random_state=0).fit(x, y))
    problem, settings = model._problem, model.path_.settings
    ours, path = seconds_of(lambda: fit_baseline(problem, settings, 30, Runner()))
    theirs, exact = seconds_of(lambda: fit_path(problem, baseline_settings(settings), 30, Runner()))
    losses = [honest_loss(each) for each in (path, exact)]
    share, ratio = ours / whole, losses[0] / losses[1]
    count = str(len(np.unique(y))) if classes else "-"
    row = (
        f"| {name} | {len(x):,} x {x.shape[1]} | {count} | {whole - ours:.2f} | {ours:.2f} | {share:.1%} | "
        f"{theirs:.2f} | {losses[0]:.4g} | {losses[1]:.4g} | {ratio:.4f} |"
    )
    return row, share, ratio


def wide() -> str:
    """Return how a wide table compares with scikit-learn's solver, on the same grid and folds."""
    draws = np.random.default_rng(0)
    x = draws.normal(size=(100, 20_000))
    y = x[:, :5].sum(axis=1) + draws.normal(size=100)
    splits = list(KFold(5, shuffle=True, random_state=0).split(x))
    problem = PathProblem.of(x, y[:, None], SquaredError(), splits, (0,))
    ours, path = seconds_of(lambda: fit_baseline(problem, PathSettings(), 30, Runner()))
    whole = problem.folds[-1]
    alphas = path.alphas[path.alphas > 0][::-1] * whole.target_scale
    with threadpool_limits(1):
        theirs, _ = seconds_of(
            lambda: ElasticNetCV(l1_ratio=0.5, alphas=alphas, cv=splits).fit((x - whole.center) / whole.scale, y)
        )
    times = f"{ours:.1f} s, ElasticNetCV {theirs:.1f} s ({ours / theirs:.1f} times)"
    return f"100 x 20,000, {len(alphas)} strengths, 5 folds: {times}."


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    lines, shares, ratios = [HEAD, "|" + " --- |" * (HEAD.count("|") - 1)], [], []
    tables = [*of_scikit_learn(), *(of_folder(asked.folder) if asked.folder else ())]
    for name, x, y, classes in tables:
        rows = np.random.default_rng(0).permutation(len(x))[: len(x) if "many" in name else asked.rows]
        row, share, ratio = measured(name, x[rows], y[rows], classes)
        lines.append(row)
        shares.append(share)
        ratios.append(ratio)
        print(row, flush=True)
    lines += [
        "",
        f"Share: median {np.median(shares):.1%}, largest {max(shares):.1%}. Ratio of losses: geometric mean "
        f"{np.exp(np.log(ratios).mean()):.4f}, {min(ratios):.4f} to {max(ratios):.4f}.",
        "",
        wide(),
    ]
    print(*lines[-3:], sep="\n")
    if asked.out:
        asked.out.write_text(
            f"# The linear baseline beside a default fit\n\n{SAID}\n\n" + "\n".join(lines) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
