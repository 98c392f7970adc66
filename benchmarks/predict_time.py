"""How long a table model takes to predict, beside gradient-boosted trees.

    python benchmarks/predict_time.py [--rows 4000] [--turns 40] [--out benchmarks/results/predict_time.md]

Made-up tables of 30 columns of numbers, of which 15 count. Every model is as its library has it by default, and fitted
once. Times are those of the processor, in one thread, per 1,000 rows: the shortest of so many turns, in each of which
every model predicts once. "the networks" is a table model without what makes numbers of a frame; "in NumPy" are the
same networks without the compiled kernels; CatBoost and LightGBM are there where they are installed.
"""

from __future__ import annotations

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import argparse
import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from ridgewalk import TableClassifier, TableRegressor
from ridgewalk.engine.predictor import Predictor

COLUMNS, SIZES = 30, (1, 1_000, 20_000)
Call = Callable[[pd.DataFrame], Any]


def table(rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return columns of numbers, some of them heavy-tailed, and a number that depends on half of them."""
    draws = np.random.default_rng(seed)
    x = draws.normal(size=(rows, COLUMNS))
    x[:, 5:10] = np.exp(x[:, 5:10])
    y = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + np.abs(x[:, 3]) + np.log(x[:, 5]) / 2
    y += 0.15 * x[:, 10:20].sum(axis=1) + 0.4 * draws.normal(size=rows)
    return pd.DataFrame(x, columns=[f"column {k}" for k in range(COLUMNS)]), y


def of_table_model(name: str, model: Any) -> dict[str, Call]:
    """Return the ways in which a table model predicts: from a frame, from numbers, and from numbers without kernels."""
    mixture, encoder = model.mixture_, model.encoder_
    quick = Predictor(mixture)
    encoded: dict[int, np.ndarray] = {}

    def numbers(frame: pd.DataFrame) -> np.ndarray:
        return encoded.setdefault(id(frame), encoder.transform(frame))

    predict = model.predict_proba if hasattr(model, "predict_proba") else model.predict
    return {
        name: predict,
        f"{name}, the networks": lambda frame: quick.predict(numbers(frame)),
        f"{name}, the networks in NumPy": lambda frame: mixture.predict(numbers(frame)),
    }


def boosted(x: pd.DataFrame, y: np.ndarray, classes: bool) -> dict[str, Call]:
    """Return how boosted trees predict, those of libraries that are installed."""
    models: dict[str, Any] = {
        "HistGradientBoosting": (HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor)()
    }
    if importlib.util.find_spec("catboost"):
        import catboost

        kind = catboost.CatBoostClassifier if classes else catboost.CatBoostRegressor
        models["CatBoost"] = kind(thread_count=1, verbose=False, allow_writing_files=False)
    if importlib.util.find_spec("lightgbm"):
        import lightgbm

        models["LightGBM"] = (lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor)(n_jobs=1, verbose=-1)
    for model in models.values():
        model.fit(x, y)
    return {name: model.predict_proba if classes else model.predict for name, model in models.items()}


def fitted(task: str, rows: int) -> tuple[dict[str, Call], list[str]]:
    """Fit every model of a task, and return how each predicts, and what the table models are made of."""
    x, number = table(rows, 0)
    classes = task != "number"
    bounds = np.quantile(number, {"2 classes": [0.5], "7 classes": np.arange(1, 7) / 7}.get(task, []))
    y = np.searchsorted(bounds, number) if classes else number
    calls, said = {}, []
    for most in (5, 1):
        name = "TableClassifier" if classes else "TableRegressor"
        name += "" if most == 5 else f"(max_members={most})"
        model = (TableClassifier if classes else TableRegressor)(random_state=0, max_members=most).fit(x, y)
        calls |= of_table_model(name, model)
        precision = "float32" if Predictor(model.mixture_).single else "float64"
        said.append(f"{name}: {len(model.mixture_.models)} networks, in {precision}")
    return calls | boosted(x, y, classes), said


def shortest(calls: dict[str, Call], rows: int, turns: int) -> dict[str, float]:
    """Return the shortest times of so many turns, in milliseconds per 1,000 rows, or of one row."""
    frame, times = table(rows, 1)[0], dict.fromkeys(calls, np.inf)
    for turn in range(turns + 1):
        for name, call in calls.items():
            began = time.process_time()
            call(frame)
            if turn:  # the first prepares
                times[name] = min(times[name], time.process_time() - began)
    return {name: seconds * 1e3 * (1_000 / rows if rows > 1 else 1) for name, seconds in times.items()}


def measured(task: str, rows: int, turns: int) -> list[str]:
    """Return the lines of a task."""
    calls, said = fitted(task, rows)
    times = {size: shortest(calls, size, turns if size < 10_000 else turns // 4) for size in SIZES}
    least = min(each for name, each in times[1_000].items() if not name.startswith("Table"))
    lines = [
        f"## {task}: {'; '.join(said)}",
        "",
        "| | one row | 1,000 rows | beside the quickest trees | 20,000 rows |",
    ]
    lines.append("|---|--:|--:|--:|--:|")
    for name in calls:
        one, thousand, many = (times[size][name] for size in SIZES)
        lines.append(f"| {name} | {one:.2f} | {thousand:.2f} | {thousand / least:.1f} | {many:.2f} |")
    return [*lines, ""]


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=4_000)
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    lines = []
    for task in ("2 classes", "7 classes", "number"):
        found = measured(task, asked.rows, asked.turns)
        print(*found, sep="\n", flush=True)
        lines += found
    if asked.out:
        head = (
            "# How long a prediction takes\n\n`python benchmarks/predict_time.py`: milliseconds per 1,000 rows of 30 "
            "columns of numbers, in the first column of one row;\ntime of the processor, in one thread, the shortest "
            f"of {asked.turns} turns. Models are as their libraries have them by default, fitted to\n{asked.rows:,} "
            "made-up rows.\n"
        )
        asked.out.write_text("\n".join([head, *lines]).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
