"""Diagnose the tutorial's own run, and those that mend it: each penalty against none, by the verdict.

    python benchmarks/tutorial_verdict.py [--seeds 5] [--epochs 10001]

The penalties of tutorial_experiment.py but the one that is there for its gap: three arms of a spiral, 2-128-3, full
batch, five starts on one sample, 30,000 fresh points held out, double precision. Other kinds of model are fitted to the
same rows. Writes tutorial_verdict.md into benchmarks/results; docs/verdict.md and docs/tutorial.md quote it.
"""

from __future__ import annotations

import argparse
import datetime
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine import machine
from ridgewalk.diagnostics import Diagnosis, judge, of_jobs
from ridgewalk.engine import train
from ridgewalk.engine.job import Fits, Job
from ridgewalk.estimators.references import reference_outputs
from ridgewalk.network import EvadablePenaltyWarning
from ridgewalk.optimizers import Optimizer
from ridgewalk.tutorial import spiral_data
from tutorial_experiment import CLASSES, EXPERIMENTS, NONE, TEST_SAMPLES, TOO_STRONG, Condition, make_job


def both_threads(job: Job) -> Fits:
    """Train on every core."""
    return train(job, n_jobs=-1)


def diagnose(samples: int, optimizer: Optimizer, arm: Condition, seeds: int, epochs: int) -> Diagnosis:
    """Judge one penalty."""
    generator = np.random.default_rng(0)
    (x, y), (fresh, fresh_y) = (spiral_data(count, CLASSES, generator) for count in (samples, TEST_SAMPLES))
    rows, labels = np.concatenate([x, fresh]), np.concatenate([y, fresh_y])
    jobs = []
    for each in (NONE, arm):
        job = make_job(rows, labels, len(x), optimizer, [each] * seeds, 0, epochs, np.float64)
        starts = [job.network.start("normal", seed) for seed in range(seeds)]
        together = tuple(np.stack(arrays) for arrays in zip(*starts, strict=True))
        jobs.append(replace(job, start=together, seeds=np.arange(seeds)))
    splits = [(np.arange(len(x)), np.arange(len(x), len(rows)))]
    references = reference_outputs(rows, jobs[0].target, jobs[0].loss, splits, np.ones(len(rows)))
    return judge(of_jobs(jobs[0], jobs[1], references=references, train=both_threads))


def main() -> None:
    """Judge every arm, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10_001)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    warnings.simplefilter("ignore", EvadablePenaltyWarning)  # what the verdict is to find out
    place = machine()
    lines = [
        "# The verdict on the tutorial's run",
        "",
        f"`python benchmarks/tutorial_verdict.py --seeds {options.seeds} --epochs {options.epochs}`, "
        f"{datetime.datetime.now():%Y-%m-%d %H:%M}, {place['processor']}, {place['level']}.",
    ]
    for name, samples, optimizer, arms in EXPERIMENTS:
        for arm in arms:
            if arm is not NONE and (samples, arm) != TOO_STRONG:
                diagnosis = diagnose(samples, optimizer, arm, options.seeds, options.epochs)
                title = f"## {samples * CLASSES:,} rows, {name}, {arm.name}"
                lines += ["", title, "", f"**{diagnosis.headline}**", "", "```", str(diagnosis), "```"]
                print("\n".join(lines[-6:]), flush=True)
    (options.output / "tutorial_verdict.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
