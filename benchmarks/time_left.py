"""Hold the time left that a fit shows against the time that it then took.

    python benchmarks/time_left.py [KIND ...]

For each kind of fit: the guess divided by the time that was really left, after each tenth of it, and the worst factor,
either way, from the first fifth to nine tenths. Times are this machine's; nothing else should run on it.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, make_regression

from ridgewalk import MLPClassifierCV, MLPRegressorCV
from ridgewalk.engine.progress import Progress
from ridgewalk.estimators import whole_path
from ridgewalk.progress import Clock

_POLL_SECONDS = 0.02
guesses: list[tuple[float, float | None]] = []


@contextmanager
def recording(*_: object) -> Iterator[Progress]:
    """Stand for the progress bar: note the time, and the time left, every few milliseconds."""
    counted, ended, began = Progress(), threading.Event(), time.monotonic()
    clock = Clock(counted)

    def poll() -> None:
        while not ended.wait(_POLL_SECONDS):
            guesses.append((time.monotonic() - began, clock.left()))

    poller = threading.Thread(target=poll)
    poller.start()
    try:
        yield counted
    finally:
        ended.set()
        poller.join()
        guesses.append((time.monotonic() - began, None))


def main() -> None:
    """Fit each kind, and print a row of the table."""
    whole_path.progress = recording  # type: ignore[assignment]
    warnings.simplefilter("ignore")
    cancer, digits = load_breast_cancer(return_X_y=True), load_digits(return_X_y=True)
    numbers = make_regression(2000, 40, n_informative=5, noise=5, random_state=0)
    wide = make_regression(150, 3000, n_informative=5, noise=5, random_state=0)
    given = {"n_jobs": 1, "random_state": 0, "verbose": True}
    kinds = {
        "breast cancer": (MLPClassifierCV(n_seeds=5, **given), cancer),
        "digits": (MLPClassifierCV(max_iter=200, **given), digits),
        "2,000 x 40 numbers": (MLPRegressorCV(max_iter=300, **given), numbers),
        "three ratios": (MLPClassifierCV(l1_ratio=[0.1, 0.5, 1], n_seeds=3, **given), cancer),
        "selecting inputs": (MLPClassifierCV(select_inputs=True, **given), cancer),
        "150 x 3,000": (MLPRegressorCV(max_iter=200, alphas=20, **given), wide),
        "a linear path": (MLPClassifierCV((), **given), digits),
        "qut": (MLPClassifierCV(alphas="qut", **given), cancer),
        "batches": (MLPClassifierCV(batch_size=64, max_iter=60, **given), digits),
    }
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of: {', '.join(kinds)}")
    chosen = parser.parse_args().kinds or list(kinds)
    print(f"{datetime.date.today()}, {os.cpu_count()} cores, {platform.processor() or platform.machine()}\n")
    print("| fit | seconds | guess / time left, after 10%, 20%, ... 90% | worst factor from 20% to 90% |")
    print("|---|--:|---|--:|", flush=True)
    for kind in chosen:
        model, (x, y) = kinds[kind]
        guesses.clear()
        model.fit(x, y)
        whole = guesses[-1][0]
        ratios = [(now / whole, left / (whole - now)) for now, left in guesses[:-1] if left is not None]
        shown = [next((f"{ratio:.2f}" for at, ratio in ratios if at >= tenth / 10), "-") for tenth in range(1, 10)]
        worst = max(np.exp(abs(np.log(max(ratio, 1e-9)))) for at, ratio in ratios if 0.2 <= at <= 0.9)
        print(f"| {kind} | {whole:.1f} | {', '.join(shown)} | {worst:.2f} |", flush=True)


if __name__ == "__main__":
    main()
