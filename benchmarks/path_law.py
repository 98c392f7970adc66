"""What the law of a path (decision 0016) changes in held-out losses, on the same trainings.

    python benchmarks/path_law.py [--draws 5]

Tables that scikit-learn brings, three penalties, some draws of folds and starts. Every path is trained once and
collected three times: with nothing but the null model as a candidate, as it was before; with the law; and with the
network of lowest objective for every fold and seed, which is not done. Printed is the loss on held-out rows over the
null model's, each fold at the strength that the others choose, then the ratios to the first.
"""

from __future__ import annotations

import argparse
import datetime
from itertools import pairwise

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.model_selection import KFold

from engine import machine
from ridgewalk.arrays import Array, Integers
from ridgewalk.engine import Runner
from ridgewalk.estimators.problem import loss_for
from ridgewalk.objective import weighted_mean
from ridgewalk.path import ElasticNetPath, GroupLassoPath, MLPPath, PathProblem, PathSettings, law
from ridgewalk.path.fit import find_strengths, train_path
from ridgewalk.path.law import NULL, PenaltyOf, lower, null_objectives, sources, with_law, without_law
from ridgewalk.path.result import collect
from ridgewalk.path.selection import nested

TABLES = {
    "breast cancer": (load_breast_cancer, "binary"),
    "wine": (load_wine, "multiclass"),
    "iris": (load_iris, "multiclass"),
    "digits, 600 rows": (load_digits, "multiclass"),
    "diabetes": (load_diabetes, "continuous"),
}
PENALTIES = {"elastic net": ElasticNetPath(), "L1": ElasticNetPath(l1_ratio=1.0), "group lasso": GroupLassoPath()}
MOST_ROWS, STRENGTHS = 600, 30


def lowest(data_loss: Array, null: Array, penalty_of: PenaltyOf) -> tuple[Integers, Array]:
    """Hand networks on wherever they have the lower objective, from weak to strong and back."""
    source, penalty = sources(data_loss, null, penalty_of)
    pairs = np.arange(len(null))
    objective = np.where(source == NULL, null, data_loss[source, pairs] + penalty)
    for neighbour, s in [*pairwise(range(len(source))), *pairwise(range(len(source))[::-1])]:
        asked = np.flatnonzero((source[neighbour] != NULL) & (source[neighbour] != source[s]))
        pays = penalty_of(s, asked, source[neighbour, asked])
        there = data_loss[source[neighbour, asked], asked] + pays
        better = lower(there, objective[s, asked])
        taken = asked[better]
        source[s, taken], penalty[s, taken], objective[s, taken] = source[neighbour, taken], pays[better], there[better]
    return source, penalty


def share(path: MLPPath) -> float:
    """Held-out loss over the null model's, each fold at the strength that the others choose."""
    rows = nested([path.held_out], path.row_weights, "min")
    return float(weighted_mean(rows, path.row_weights) / weighted_mean(path.null_row_loss, path.row_weights))


def moved(path: MLPPath) -> float:
    """Share of the networks above strength 0 that are another strength's network."""
    own = path.source == np.arange(len(path.alphas))[:, None, None]
    return float((~own & ~path.null_wins)[1:].mean())


def compared(problem: PathProblem, settings: PathSettings) -> tuple[float, ...]:
    """Held-out loss without the law, the ratios of both ways to it, and how many networks they replace."""
    runner = Runner(n_jobs=-1)
    strengths = find_strengths(problem, settings, runner, STRENGTHS)
    null = null_objectives(problem, settings, runner)
    fits = train_path(problem, settings, runner, null, strengths)
    plain = without_law(null, fits)
    plain.fits[0], plain.source[0] = fits[0], 0  # strength 0 never gives way to the null model
    before, paths = collect(problem, settings, runner, null, strengths, plain), []
    for way in (sources, lowest):
        law.sources = way
        lawful = with_law(problem, settings, runner, null, strengths, fits)
        paths.append(collect(problem, settings, runner, null, strengths, lawful))
    law.sources = sources
    shares = [share(path) / share(before) for path in paths]
    return share(before), *shares, *(moved(path) for path in paths)


def main() -> None:
    """Print a line per table and penalty, then the ratios of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=5)
    draws = parser.parse_args().draws
    print(f"`python benchmarks/path_law.py --draws {draws}`, {datetime.date.today()}, {machine()['processor']}.\n")
    print("| table | penalty | without | law / without | lowest / without | moved: law | moved: lowest |")
    print("|---|---|--:|--:|--:|--:|--:|")
    ratios = []
    for name, (load, kind) in TABLES.items():
        x, y = load(return_X_y=True)
        some = np.random.default_rng(0).permutation(len(y))[:MOST_ROWS]
        loss = loss_for("auto", kind)
        target = loss.encode(y[some])
        for penalty, family in PENALTIES.items():
            found = []
            for draw in range(draws):
                splits = list(KFold(5, shuffle=True, random_state=draw).split(target))
                starts = [draw, 100 + draw]
                problem = PathProblem.of(x[some], target, loss, splits, starts)
                found.append(compared(problem, PathSettings(penalty=family)))
            ratios += [each[1:3] for each in found]
            before, law, everywhere, few, many = np.mean(found, axis=0)
            line = f"| {name} | {penalty} | {before:.4f} | {law:.3f} | {everywhere:.3f} | {few:.1%} | {many:.1%} |"
            print(line, flush=True)
    logs = np.log(ratios)
    for name, column in zip(("law", "lowest objective everywhere"), logs.T, strict=True):
        error = column.std(ddof=1) / np.sqrt(len(column))
        print(
            f"\n{name}: geometric mean of {len(column)} ratios {np.exp(column.mean()):.4f} (standard error {error:.4f})"
        )


if __name__ == "__main__":
    main()
