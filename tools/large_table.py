"""Fit a table at covertype's shape on the command line; print the peak of memory, and when the first progress shows.

python tools/large_table.py FOLDER [--kind parquet] [options of ridgewalk fit]

    FOLDER/covertype.parquet, .csv    581,012 rows, 10 numbers and 44 zeros and ones, 7 classes
    FOLDER/result                     of ridgewalk fit; then every row is predicted

The rows are drawn, not measured: what counts here is how large they are. Runs on Linux and macOS.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROWS, NUMBERS, AREAS, SOILS = 581_012, 10, 4, 40
SHARES = (0.365, 0.488, 0.062, 0.005, 0.016, 0.030, 0.034)  # of covertype's classes


def table(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Draw columns of covertype's kinds, and classes of its shares that a small network can tell apart in part."""
    generator = np.random.default_rng(seed)
    numbers = generator.normal(size=(rows, NUMBERS)) @ np.triu(generator.normal(size=(NUMBERS, NUMBERS)))
    area = generator.choice(AREAS, rows, p=(0.45, 0.05, 0.44, 0.06))
    soil = np.minimum((generator.exponential(0.15, rows) * SOILS).astype(int), SOILS - 1)
    hidden = np.tanh(numbers @ generator.normal(size=(NUMBERS, 8)) / 3 + generator.normal(size=(SOILS, 8))[soil])
    score = hidden @ generator.normal(size=8) + generator.normal(size=AREAS)[area] + generator.normal(size=rows)
    bounds = np.quantile(score, np.cumsum(SHARES)[:-1])
    columns = {f"number {k + 1}": (100 * numbers[:, k]).round().astype(int) for k in range(NUMBERS)}
    columns |= {f"area {k + 1}": (area == k).astype(int) for k in range(AREAS)}
    columns |= {f"soil {k + 1}": (soil == k).astype(int) for k in range(SOILS)}
    return pd.DataFrame(columns | {"cover": 1 + np.searchsorted(bounds, score)})


def ran(*arguments: str) -> tuple[float, list[tuple[float, str]]]:
    """Run a command of ridgewalk; give its peak of memory in MiB, and every line with the seconds when it came."""
    began, lines = time.monotonic(), []
    command = [sys.executable, "-u", "-m", "ridgewalk", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        lines.append((time.monotonic() - began, line.rstrip()))
        print(f"{lines[-1][0]:8.1f} s  {lines[-1][1]}", flush=True)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"ridgewalk {arguments[0]} ended with exit code {process.returncode}.")
    return used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10), lines


def main() -> None:
    """Make the tables, fit one, predict all of its rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", choices=("parquet", "csv"), default="parquet")
    arguments, options = parser.parse_known_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    file, result = (str(arguments.folder / name) for name in (f"covertype.{arguments.kind}", "result"))
    if not Path(file).exists():
        frame = table()
        if arguments.kind == "csv":
            frame.to_csv(file, index=False)
        else:
            frame.to_parquet(file)
    peak, lines = ran("fit", file, "--target", "cover", "--out", result, "--force", *options)
    read = next(seconds for seconds, line in lines if line.startswith("Classification of"))
    first = next(seconds for seconds, line in lines if line.startswith("Fitting the table model"))
    print(f"fit: at most {peak:.0f} MiB; read after {read:.1f} s; encoded, first progress {first - read:.1f} s later.")
    predictions = str(arguments.folder / "predictions.csv")
    peak, lines = ran("predict", result, file, "--out", predictions, "--force")
    print(f"predict: at most {peak:.0f} MiB, {lines[-1][0]:.1f} s.")


if __name__ == "__main__":
    main()
