"""``ridgewalk bench``: fits per second on this machine, compared with scikit-learn on the same work.

A fit is one network trained for a fixed number of epochs with Adam, all rows in every step, and one L2 strength (the
only penalty of scikit-learn's network). All engines use the same rows, layers, epochs and learning rate. They run in
turn, in several rounds, and the median round is reported. scikit-learn initializes weights by itself. Its fits run
sequentially, with matrix products on all cores, or in parallel in processes that were started before.
"""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

import numpy as np

from ridgewalk import __version__
from ridgewalk.arrays import Array, per_run
from ridgewalk.cli.console import err, out, table
from ridgewalk.cli.options import AsJson, Jobs, Quiet
from ridgewalk.cli.training import stoppable
from ridgewalk.engine import Engine, train
from ridgewalk.engine.job import Job, thread_count
from ridgewalk.folds import Fold
from ridgewalk.losses import BinaryCrossEntropy
from ridgewalk.network import layer_penalties, multilayer_perceptron
from ridgewalk.optimizers import Adam

_RATE, _STRONGEST, _WEAKEST = 0.01, 1e-2, 1e-4
_MOST_ROUNDS, _MOST_SECONDS = 5, 2.0  # at most; of one engine on one task, from when no further round begins
_REFERENCE_SHARE = 4  # of the fits: NumPy is slow, and gets one in so many


@dataclass(frozen=True)
class Task:
    """Work for every engine."""

    name: str
    rows: int
    inputs: int
    hidden: tuple[int, ...]
    epochs: int
    fits: int

    def __str__(self) -> str:
        layers = " x ".join(map(str, self.hidden))
        return f"{self.name}: {self.rows:,} rows x {self.inputs:,} columns, {layers} hidden units, {self.epochs} epochs"


TASKS = (
    Task("small", 400, 10, (32,), 100, 64),
    Task("medium", 5_000, 40, (64, 32), 40, 8),
    Task("wide", 500, 2_000, (32,), 40, 8),
)


@dataclass(frozen=True)
class Measured:
    """How one engine did on one task.

    Attributes
    ----------
    fits_per_second : float
        Of the median round.
    cores : float or None
        CPU seconds over wall seconds; None where other processes did the work.
    loss : float
        Mean log loss of the training rows over the fits, at the end: that it was the same work.
    rounds : int
    """

    task: str
    engine: str
    fits_per_second: float
    cores: float | None
    loss: float
    rounds: int


def bench(jobs: Jobs = -1, quiet: Quiet = False, as_json: AsJson = False) -> None:
    """Measure the speed of the engines and of scikit-learn on this machine, in less than a minute."""
    threads = thread_count(jobs)
    measured: list[Measured] = []
    for task in TASKS:
        if not (quiet or as_json):
            err.print(f"Timing {task} ...")
        with stoppable():
            measured += _timed(task, threads)
    if as_json:
        print(json.dumps({**_machine(threads), "measured": [asdict(each) for each in measured]}, indent=1))
    else:
        show_measured(measured, threads)


def _timed(task: Task, threads: int) -> list[Measured]:
    """Run every engine on one task, in turn."""
    from joblib import Parallel, delayed

    x, y = _data(task)
    job = _job(task, x, y)
    smaller_job = _job(replace(task, fits=max(task.fits // _REFERENCE_SHARE, 1)), x, y)
    strengths = np.geomspace(_WEAKEST, _STRONGEST, task.fits)

    def trained(work: Job, count: int, engine: Engine = "compiled") -> tuple[int, Callable[[], float]]:
        return work.runs, lambda: float(train(work, count, engine=engine).data_loss.mean())

    runners: dict[str, tuple[int, Callable[[], float]]] = {
        "ridgewalk, compiled": trained(job, threads),
        "ridgewalk, compiled, 1 thread": trained(job, 1),
        "ridgewalk, reference (NumPy)": trained(smaller_job, threads, "reference"),
        "scikit-learn": (task.fits, lambda: float(np.mean([_peer(task, x, y, alpha) for alpha in strengths]))),
    }
    if threads > 1:
        pool = Parallel(n_jobs=threads)
        pool(delayed(_peer)(replace(task, epochs=1), x[:50], y[:50], 1.0) for _ in range(threads))  # wakes it up
        runners["scikit-learn, side by side"] = (
            task.fits, lambda: float(np.mean(pool(delayed(_peer)(task, x, y, alpha) for alpha in strengths)))
        )  # fmt: skip
    else:
        del runners["ridgewalk, compiled, 1 thread"]
    taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in runners}
    for _ in range(_MOST_ROUNDS):
        for name, (_, run) in runners.items():
            if sum(wall for wall, _, _ in taken[name]) < _MOST_SECONDS:
                taken[name].append(_round(run))
    return [
        Measured(
            task.name,
            name,
            fits / median(wall for wall, _, _ in taken[name]),
            None if name.endswith("side by side") else median(cpu / wall for wall, cpu, _ in taken[name]),
            taken[name][0][2],
            len(taken[name]),
        )
        for name, (fits, _) in runners.items()
    ]


def _round(run: Callable[[], float]) -> tuple[float, float, float]:
    """Seconds on the wall and of the CPU, and the loss that came of it."""
    cpu, wall = time.process_time(), time.perf_counter()
    loss = run()
    return time.perf_counter() - wall, time.process_time() - cpu, loss


def _data(task: Task) -> tuple[Array, Array]:
    """Draw rows whose class depends on three columns, and on chance."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal((task.rows, task.inputs)).astype(np.float32)
    logit = 2 * x[:, 0] + np.sin(3 * x[:, 1]) - x[:, 2] ** 2 + 1
    return x, (generator.random(task.rows) < 1 / (1 + np.exp(-logit))).astype(int)


def _job(task: Task, x: Array, y: Array) -> Job:
    network = multilayer_perceptron(task.inputs, task.hidden, 1, "relu")
    return Job(
        network=network,
        loss=BinaryCrossEntropy(),
        penalties=layer_penalties(network, weight_l2=per_run(np.geomspace(_WEAKEST, _STRONGEST, task.fits))),
        optimizer=Adam(_RATE),
        x=x,
        target=y[:, None].astype(float),
        folds=(Fold.plain(np.ones(task.rows), task.inputs, 1),),
        fold=np.zeros(task.fits, dtype=int),
        seeds=np.arange(task.fits),
        start=network.starts("he", range(task.fits), "float32"),
        epochs=task.epochs,
    )


def _peer(task: Task, x: Array, y: Array, strength: float) -> float:
    """Train scikit-learn's network as long; give its log loss."""
    from sklearn.neural_network import MLPClassifier

    alpha = 2 * strength * len(x)  # it halves its alpha, and divides it by the rows
    model = MLPClassifier(
        task.hidden, alpha=alpha, batch_size=len(x), learning_rate_init=_RATE, max_iter=task.epochs, shuffle=False,
        tol=0, n_iter_no_change=task.epochs, random_state=0,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that so many epochs are not enough
        model.fit(x, y)
    return float(model.loss_) - strength * sum(float((w.astype(float) ** 2).sum()) for w in model.coefs_)


def _machine(threads: int) -> dict[str, Any]:
    from sklearn import __version__ as peer

    versions = {"ridgewalk": __version__, "scikit-learn": peer, "numpy": np.__version__}
    return {"cores": os.cpu_count(), "threads": threads, "versions": versions}


def show_measured(measured: list[Measured], threads: int) -> None:
    """Print a table for every task."""
    for task in TASKS:
        ours = [each for each in measured if each.task == task.name]
        peer = max(each.fits_per_second for each in ours if each.engine.startswith("scikit-learn"))
        out.print(f"\n[bold]{task}[/]")
        grid = table(["engine", "fits a second", "to scikit-learn's best", f"of {threads} cores used", "log loss"])
        grid.columns[0].justify = "left"
        for each in ours:
            grid.add_row(
                each.engine,
                f"{each.fits_per_second:,.3g}" if each.fits_per_second < 1000 else f"{each.fits_per_second:,.0f}",
                f"{each.fits_per_second / peer:.2f}x",
                "-" if each.cores is None else f"{each.cores / threads:.0%}",
                f"{each.loss:.4f}",
            )
        out.print(grid)
    out.print(
        "\nA fit is one network under one strength of L2, all rows at every step of Adam; the median round of each. "
        "scikit-learn draws its own starts. Other programs that run meanwhile make all of them slower."
    )
