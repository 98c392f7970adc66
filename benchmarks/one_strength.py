"""What a fit of one strength does beside training: the share of its processor time.

    python benchmarks/one_strength.py [--rows 4000] [--columns 600] [--repeats 5]

Training is what the same epochs, and polishing steps, take alone: a training that measures nothing along the way, less
one of no epochs. All else is beside it: checks, standardizing, copies, curves, early stopping, the measures at the end.
"""

from __future__ import annotations

import argparse
import datetime
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from engine import machine
from ridgewalk import MLPClassifier, MLPRegressor
from ridgewalk.engine import train
from ridgewalk.engine.job import Job
from ridgewalk.estimators import one_strength


def seconds(call: Callable[[], Any]) -> float:
    """Measure the processor time of a call."""
    begin = time.process_time()
    call()
    return time.process_time() - begin


def job_of(model: Any, x: Any, y: Any) -> Job:
    """Return the job that a fit trains."""
    jobs: list[Job] = []
    make = one_strength.Job
    one_strength.Job = lambda **given: jobs.append(make(**given)) or jobs[-1]  # type: ignore[misc, assignment, func-returns-value]
    try:
        model.fit(x, y)
    finally:
        one_strength.Job = make  # type: ignore[misc]
    return jobs[0]


def beside(model: Any, x: Any, y: Any, repeats: int) -> tuple[float, float, int]:
    """Return a fit's seconds, those of its training, each the least of some repeats, and its epochs."""
    job = job_of(model, x, y)
    bare = replace(job, early_stopping=None, record_every=0, batch_losses=False, epochs=model.n_iter_)
    nothing = replace(bare, epochs=0, polish=None)
    calls = (lambda: model.fit(x, y), lambda: train(bare), lambda: train(nothing))
    whole, trained, around = np.min([[seconds(call) for call in calls] for _ in range(repeats)], axis=0)
    return whole, trained - around, model.n_iter_


def main() -> None:
    """Print a row per estimator."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("rows", 4000), ("columns", 600), ("repeats", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")  # max_iter is reached
    random = np.random.default_rng(0)
    x = random.normal(size=(asked.rows, asked.columns))
    signal = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + x[:, 3:10].sum(axis=1) / 3 + random.normal(size=asked.rows)
    told = " ".join(f"--{name} {value}" for name, value in vars(asked).items())
    print(f"`python benchmarks/one_strength.py {told}`, {datetime.date.today()}, {machine()['processor']}.\n")
    print("| fit | epochs | seconds | beside the training |\n|---|--:|--:|--:|")
    for name, model, y in (
        ("MLPClassifier()", MLPClassifier(random_state=0), (signal > 0).astype(int)),
        ("MLPClassifier(early_stopping=True)", MLPClassifier(random_state=0, early_stopping=True), signal > 0),
        ("MLPRegressor()", MLPRegressor(random_state=0), signal),
        ("MLPClassifier(max_iter=20)", MLPClassifier(random_state=0, max_iter=20), signal > 0),
        ("MLPClassifier(l1_ratio=1, alpha=1e-3)", MLPClassifier(random_state=0, l1_ratio=1.0, alpha=1e-3), signal > 0),
    ):
        whole, trained, epochs = beside(model, x, y, asked.repeats)
        print(f"| `{name}` | {epochs} | {whole:.2f} | {1 - trained / whole:.0%} |", flush=True)


if __name__ == "__main__":
    main()
