"""Fit a large path on breast cancer, show all of it, and time it beside LassoNet's path on the same folds.

    python benchmarks/path.py [--repeats 3] [--no-rival]

ridgewalk: 5 folds and all rows x 5 starts x 50 strengths and 0, one hidden layer of 32, two threads; the median of the
runs after one that does not count, half of them before LassoNet's turn and half after it.

LassoNet (`pip install lassonet==0.0.21`, PyTorch) in processes of its own: LassoNetClassifierCV on the same columns and
folds, one start, its own path (steps of 2% until no input is left), once with one thread and once with two; the faster
counts. Then, with as many threads, a path of steps as coarse as to make about 50. Asked of it to save time: no
progress bar, no weights kept along the path, and one pass over the held-out rows for accuracy and loss together.
Importing and starting a process are apart. Writes path.md into benchmarks/results.
"""

from __future__ import annotations

import argparse
import datetime
import multiprocessing
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold

from engine import load, machine
from ridgewalk import MLPClassifierCV
from ridgewalk.arrays import Array, Integers
from ridgewalk.report.summary import summarize

HIDDEN, FOLDS, STARTS, STRENGTHS, THREADS = (32,), 5, 5, 50, 2
STEP = 1.02  # between two of LassoNet's strengths, by default

Splits = list[tuple[Integers, Integers]]


def standardized_cancer() -> tuple[Array, Integers, Splits]:
    """Columns of mean 0 and deviation 1, classes, and folds."""
    X, y = load_breast_cancer(return_X_y=True)
    x = (X - X.mean(axis=0)) / X.std(axis=0)
    return x, y, list(StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(x, y))


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what came of it."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def fitted_path(starts: int) -> MLPClassifierCV:
    """Fit ridgewalk's path."""
    x, y, splits = standardized_cancer()
    model = MLPClassifierCV(HIDDEN, alphas=STRENGTHS, cv=splits, n_seeds=starts, random_state=0, n_jobs=THREADS)
    return model.fit(x, y)


@dataclass(frozen=True)
class Rival:
    """What LassoNet took, and what it gave.

    Attributes
    ----------
    strengths : list of int
        On each fold, without the dense start.
    fits, epochs : int
        Of all folds and of the last path, on all rows.
    chosen, accuracy, loss, inputs
        The strength it chose (by its highest accuracy), and what was reached there.
    lowest : float
        The lowest held-out loss along its path.
    """

    threads: int
    step: float
    seconds: float
    strengths: list[int]
    fits: int
    epochs: int
    chosen: float
    accuracy: float
    loss: float
    inputs: int
    lowest: float


def lassonet(threads: int, step: float) -> Rival:
    """Fit LassoNet's path; in a process of its own."""
    import torch
    from lassonet import LassoNetClassifierCV

    class Recorded(LassoNetClassifierCV):  # type: ignore[misc]
        """Keeps the held-out losses beside the accuracies."""

        def score(self, X: Array, y: Integers) -> float:
            """Accuracy, as its own."""
            chances = self.predict_proba(X)
            hit = np.maximum(chances[np.arange(len(y)), y], np.finfo(np.float32).tiny)
            losses.append(-float(np.log(hit).mean()))
            return float((chances.argmax(axis=1) == y).mean())

    torch.set_num_threads(threads)
    x, y, splits = standardized_cancer()
    losses: list[float] = []
    model = Recorded(cv=splits, hidden_dims=HIDDEN, path_multiplier=step, verbose=0, random_state=0, torch_seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seconds, _ = timed(lambda: model.fit(x, y))
    # The strengths differ from fold to fold: what was reached is interpolated, as LassoNet does with its accuracies.
    grid, curves = np.log(model.lambdas_), []
    for path in model.raw_paths_:
        own, losses = losses[: len(path)], losses[len(path) :]
        curves.append(np.interp(grid, np.log([stop.lambda_ for stop in path[1:]]), own[1:]))
    loss = np.average(curves, axis=0, weights=[len(held_out) for _, held_out in splits])
    paths = [*model.raw_paths_, model.path_]
    return Rival(
        threads=threads,
        step=step,
        seconds=seconds,
        strengths=[len(path) - 1 for path in model.raw_paths_],
        fits=sum(len(path) for path in paths),
        epochs=sum(stop.n_iters for path in paths for stop in path),
        chosen=float(model.best_lambda_),
        accuracy=float(model.best_cv_score_),
        loss=float(loss[model.lambdas_.index(model.best_lambda_)]),
        inputs=int(model.best_selected_.sum()),
        lowest=float(loss.min()),
    )


def apart(threads: int, step: float) -> Rival:
    """Run LassoNet in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(lassonet, threads, step).result()


def rivals() -> list[Rival]:
    """LassoNet with one thread and with two, and its coarser path."""
    fine = [apart(threads, STEP) for threads in (1, 2)]
    best = min(fine, key=lambda rival: rival.seconds)
    return [*fine, apart(best.threads, STEP ** (max(best.strengths) / STRENGTHS))]


def head(one: MLPClassifierCV, loads: list[Any], rival: bool) -> list[str]:
    """When, where, and with what."""
    place = machine()
    names = ["numpy", "scikit-learn", *(["torch", "lassonet"] if rival else [])]
    return [
        "# A large path on breast cancer",
        "",
        f"`python benchmarks/path.py`, {datetime.datetime.now():%Y-%m-%d %H:%M}",
        "",
        f"- {place['processor']} ({place['family_model']}), {place['cores']} cores, {place['level']}",
        f"- {place['system']}",
        f"- load average before {loads[0]}, after {loads[-1]}",
        f"- {', '.join(f'{name} {version(name)}' for name in names)}; ridgewalk's engine: {one.path_.engine}",
        f"- 569 rows, 30 columns brought to mean 0 and deviation 1; {FOLDS} folds; one hidden layer of {HIDDEN[0]}",
    ]


def times(models: dict[int, MLPClassifierCV], seconds: dict[int, list[float]], others: list[Rival]) -> list[str]:
    """Return the table of times."""
    lines = [
        "",
        "## Time",
        "",
        "| | starts | strengths | fits | threads | seconds | runs |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    for starts, model in models.items():
        path = model.path_
        lines.append(
            f"| ridgewalk | {starts} | {len(path.alphas)} | {path.objective.size:,} | {THREADS} "
            f"| {median(seconds[starts]):.2f} | {', '.join(f'{each:.2f}' for each in seconds[starts])} |"
        )
    lines += [
        f"| LassoNet, steps of {other.step - 1:.0%} | 1 | {min(other.strengths)} to {max(other.strengths)} "
        f"| {other.fits:,} | {other.threads} | {other.seconds:.1f} | one |"
        for other in others
    ]
    trained = {starts: int((model.path_.n_iter > 0).sum()) for starts, model in models.items()}
    lines += [
        "",
        f"ridgewalk's strengths are {STRENGTHS} and 0, its fits strengths x ({FOLDS} folds + all rows) x starts, of "
        f"which {' and '.join(f'{count:,}' for count in trained.values())} were trained: at the others the null model "
        "stands already. LassoNet's count the dense start of every path; its last path, on all rows, ends at the "
        "strength it chose.",
    ]
    return lines


def delivered(models: dict[int, MLPClassifierCV], others: list[Rival]) -> list[str]:
    """Return the table of what was reached on the folds."""
    lines = [
        "",
        "## What each delivers",
        "",
        "| | starts | chosen by | strength | inputs of 30 | held-out loss | held-out accuracy |",
        "|---|--:|---|--:|--:|--:|--:|",
    ]
    for starts, model in models.items():
        path = model.path_
        for row, losses in zip(summarize(path, "min")["path"], path.row_loss, strict=True):
            # With one start, a row is told right where the loss of its class is below that of even chances.
            accuracy = f"{(losses < np.log(2)).mean():.2%}" if starts == 1 else ""
            lines += [
                f"| ridgewalk | {starts} | {mark} | {row['alpha']:.4g} | {row['inputs_kept']} "
                f"| {row['heldout_loss']:.4f} | {accuracy} |"
                for mark in row["marks"]
            ]
    lines += [
        f"| LassoNet, steps of {other.step - 1:.0%} | 1 | accuracy | {other.chosen:.4g} | {other.inputs} "
        f"| {other.loss:.4f} | {other.accuracy:.2%} |"
        for other in others
    ]
    if others:
        found = " and ".join(f"{other.lowest:.4f} (steps of {other.step - 1:.0%})" for other in others[-2:])
        lines += [
            "",
            f"The lowest held-out loss along LassoNet's path is {found}. It chooses by accuracy and stops every fit "
            "early on a tenth of the training rows; its strengths are those of another objective.",
        ]
    return lines


def whole(model: MLPClassifierCV) -> list[str]:
    """Return the path, strength by strength."""
    summary = summarize(model.path_, "min")
    titles = ("strength", "held-out loss", "+- s.e.", "training loss", "penalty", "zeros", "inputs kept", "units kept")
    lines = ["", f"## The path, {STARTS} starts", "", f"| {' | '.join(titles)} | |", "|--:" * len(titles) + "|---|"]
    lines += [
        f"| {row['alpha']:.4g} | {row['heldout_loss']:.4f} | {row['standard_error']:.4f} | {row['train_loss']:.4f} "
        f"| {row['penalty']:.4f} | {row['zeros']:.1%} | {row['inputs_kept']} | {row['units_kept']} "
        f"| {', '.join(row['marks'])} |"
        for row in reversed(summary["path"])
    ]
    lines += [
        "",
        "Losses are log losses in nats, without the penalty; held out: mean over rows and starts, with its standard "
        "error over rows; training loss, penalty, zeros, inputs and units: of the best start on all rows. "
        f"The best constant has {summary['null_loss']:.4f}.",
    ]
    return lines


def main() -> None:
    """Time, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--repeats", type=int, default=3, help="ridgewalk's runs before and after LassoNet's")
    parser.add_argument("--no-rival", action="store_true", help="leave LassoNet out")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    loads: list[Any] = [load()]
    models = {starts: fitted_path(starts) for starts in (STARTS, 1)}  # these do not count
    seconds: dict[int, list[float]] = {starts: [] for starts in models}

    def repeat() -> None:
        for _ in range(options.repeats):
            for starts in models:
                seconds[starts].append(timed(lambda starts=starts: fitted_path(starts))[0])

    repeat()
    others = [] if options.no_rival else rivals()
    if others:
        repeat()
    loads.append(load())
    model = models[STARTS]
    lines = [
        *head(model, loads, bool(others)),
        *times(models, seconds, others),
        *delivered(models, others),
        *whole(model),
    ]
    print("\n".join(lines))
    (options.output / "path.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
