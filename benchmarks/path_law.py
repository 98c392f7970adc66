"""What the law of a path (decision 0016) changes in held-out losses, on the same trainings.

    python benchmarks/path_law.py [--draws 5]

Tables that scikit-learn brings, three penalties, some draws of folds and starts. Every path is trained once and
collected three times: with nothing but the null model as a candidate, as it was before; with the law; and with the
network of lowest objective in every cell, which is not done. Printed is the loss on held-out rows over the null
model's, each fold at the strength that the others choose, then the ratios to the first.
"""

from __future__ import annotations

import argparse

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.model_selection import KFold

from engine import machine
from ridgewalk.estimators.problem import loss_for
from ridgewalk.objective import weighted_mean
from ridgewalk.path import MLPPath
from ridgewalk.route import Route
from ridgewalk.selection import HeldOut, nested
from ridgewalk.walker import Walker, collect

TABLES = {
    "breast cancer": (load_breast_cancer, "binary"),
    "wine": (load_wine, "multiclass"),
    "iris": (load_iris, "multiclass"),
    "digits, 600 rows": (load_digits, "multiclass"),
    "diabetes": (load_diabetes, "continuous"),
}
PENALTIES = {"elastic net": {}, "L1": {"l1_ratio": 1.0}, "group lasso": {"penalty": "group_lasso"}}
MOST_ROWS = 600


def share(path: MLPPath) -> float:
    """Held-out loss over the null model's, each fold at the strength that the others choose."""
    rows = nested([HeldOut(path.row_loss, path.heldout_rows, path.fold_row_loss)], path.row_weights, "min")
    return float(weighted_mean(rows, path.row_weights) / weighted_mean(path.null_row_loss, path.row_weights))


def main() -> None:
    """Print a line per table and penalty, then the ratios of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=5)
    draws = parser.parse_args().draws
    print(f"`python benchmarks/path_law.py --draws {draws}`, {machine()}.\n")
    print("| table | penalty | without the law | with it | ratio | networks that moved |")
    print("|---|---|--:|--:|--:|--:|")
    ratios = []
    for name, (load, kind) in TABLES.items():
        x, y = load(return_X_y=True)
        some = np.random.default_rng(0).permutation(len(y))[:MOST_ROWS]
        loss = loss_for("auto", kind)
        target = loss.encode(y[some])
        for penalty, changes in PENALTIES.items():
            found = []
            for draw in range(draws):
                splits = list(KFold(5, shuffle=True, random_state=draw).split(target))
                walker = Walker.ready(
                    x[some], target, loss, splits, Route(**changes), [draw, 100 + draw], None, -1, None
                )  # fmt: skip
                strengths = walker.strengths(30)
                fits = walker.fits(strengths)
                settled = walker.settled(strengths, fits)
                plain = walker.refitted(fits)
                plain.fits[0] = fits[0]  # strength 0 never gives way to the null model
                moved = (settled.source[1:] != np.arange(1, 31)[:, None]) & (settled.source[1:] >= 0)
                shares = [share(collect(walker, strengths, each)) for each in (plain, settled)]
                found.append((*shares, shares[1] / shares[0], moved.mean()))
            ratios += [each[2] for each in found]
            before, after, ratio, moved_share = np.mean(found, axis=0)
            print(f"| {name} | {penalty} | {before:.4f} | {after:.4f} | {ratio:.3f} | {moved_share:.0%} |", flush=True)
    logs = np.log(ratios)
    error = logs.std(ddof=1) / np.sqrt(len(logs))
    print(
        f"\nGeometric mean of {len(logs)} ratios {np.exp(logs.mean()):.4f} (standard error {error:.4f}), median "
        f"{np.median(ratios):.4f}; lower with the law in {np.mean(logs < 0):.0%}."
    )


if __name__ == "__main__":
    main()
