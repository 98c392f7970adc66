"""Whether the held-out loss of a blend tells what it loses on fresh rows: simulated tables, whose truth is known.

    python benchmarks/blend_coverage.py [--fits 300] [--share 1/2] [--records FOLDER] [--report FILE]

Table number ``seed`` has 200 rows and 8 columns: numbers of several shapes, a category and a date. Odd ones have
numbers to predict, even ones classes, of a smooth function that the seed draws, and noise. Fresh rows: 20,000.

    covered      the nested loss, give or take 1.96 of its standard errors, holds what the blends of the folds, each
                 with its own weights and its own networks, lose on fresh rows on average
    handed over  what the blend for new rows loses on fresh rows is at most the nested loss and two standard errors

A fit that fails counts as a miss of both.
"""

from __future__ import annotations

import argparse
import datetime
import json
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from engine import machine
from ridgewalk import TableClassifier, TableRegressor
from ridgewalk.estimators.table import blended_paths
from ridgewalk.mixture import Mixture

ROWS, FRESH, WAVES = 200, 20_000, 6
NORMAL = 1.96


def drawn(seed: int) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame, np.ndarray]:
    """Draw a table and its target, and fresh rows of the same kind."""
    draws = np.random.default_rng(seed)
    count = ROWS + FRESH
    normal = draws.normal(size=(count, 6))
    direction = draws.normal(size=(6, WAVES)) * draws.choice([0, 1], size=(6, WAVES), p=[0.6, 0.4])
    kind = draws.choice(list("abcd"), size=count)
    shift = dict(zip("abcd", draws.normal(size=4), strict=True))
    day = draws.integers(0, 730, size=count)
    signal = np.sin(normal @ direction + draws.uniform(0, 6, WAVES)) @ draws.normal(size=WAVES)
    signal += np.array([shift[each] for each in kind]) + np.sin(2 * np.pi * day / 365.2425) + normal[:, 0]
    x = pd.DataFrame(
        {
            "normal": normal[:, 0],
            "skewed": np.exp(normal[:, 1]),
            "heavy": normal[:, 2] ** 3,
            "rounded": np.round(2 * normal[:, 3]),
            "gaps": np.where(draws.random(count) < 0.1, np.nan, normal[:, 4]),
            "even": normal[:, 5],
            "kind": kind,
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D"),
        }
    )
    noise = draws.uniform(0.3, 1.5)
    y = signal + noise * draws.standard_normal(count)
    if seed % 2 == 0:
        y = (draws.random(count) < 1 / (1 + np.exp(-signal / noise))).astype(int)
    return x[:ROWS], y[:ROWS], x[ROWS:], y[ROWS:]


def losses_of(mean: np.ndarray, y: np.ndarray, classes: bool) -> np.ndarray:
    """Return the losses of rows, as the estimators measure them."""
    if not classes:
        return (mean[:, 0] - y) ** 2 / 2
    return -np.log(np.maximum(np.where(y == 1, mean[:, 0], 1 - mean[:, 0]), 1e-12))


def record_of(seed: int) -> dict[str, float]:
    """Fit a table; return the nested loss, its error, and the losses of both kinds of blend on fresh rows."""
    x, y, fresh, answers = drawn(seed)
    classes = seed % 2 == 0
    began = time.process_time()
    model = (TableClassifier if classes else TableRegressor)(random_state=seed).fit(x, y)
    seconds = time.process_time() - began
    paths = list(blended_paths(model.views_).values())
    blend = model.summary()["blend"]
    encoded = model.encoder_.transform(fresh)
    of_folds = []
    for fold, weights in enumerate(model.blend_.fold_weights):
        used = np.flatnonzero(weights)
        pairs = zip(model.blend_.path[used], model.blend_.strength[used], strict=True)
        networks = tuple(paths[number].fold_model(int(index), fold, 0) for number, index in pairs)
        of_folds.append(losses_of(Mixture(networks, weights[used]).predict(encoded), answers, classes).mean())
    handed_over = losses_of(model.mixture_.predict(encoded), answers, classes).mean()
    found = {
        "nested": blend["heldout_loss"],
        "error": blend["standard_error"],
        "folds": np.mean(of_folds),
        "handed_over": handed_over,
    }
    return {name: float(value) for name, value in found.items()} | {"seconds": seconds}


def report(records: Path, fits: int) -> str:
    """Count what was covered."""
    found = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(records.glob("*.json"))]
    whole = [each for each in found if "nested" in each]
    covered = sum(abs(each["folds"] - each["nested"]) <= NORMAL * each["error"] for each in whole)
    below = sum(each["handed_over"] <= each["nested"] + 2 * each["error"] for each in whole)
    ratio = np.exp(np.mean([np.log(each["handed_over"] / each["folds"]) for each in whole]))
    bias = np.mean([(each["nested"] - each["folds"]) / each["error"] for each in whole])
    return (
        f"# The held-out loss of a blend beside fresh rows\n\n"
        f"`python benchmarks/blend_coverage.py --fits {fits}`, {datetime.date.today()}, {machine()['processor']}.\n\n"
        f"- Fits: {len(found)}, of which {len(found) - len(whole)} failed.\n"
        f"- The nested loss, give or take 1.96 standard errors, covers the fold blends' fresh loss in **{covered}**.\n"
        f"- The blend for new rows loses at most the nested loss and two standard errors in **{below}** "
        f"({below / max(len(found), 1):.1%}).\n"
        f"- Nested less fresh loss of the fold blends: {bias:+.2f} standard errors on average.\n"
        f"- Fresh loss of the blend for new rows over that of the fold blends: {ratio:.3f}.\n"
        f"- Processor seconds of a fit: {np.median([each['seconds'] for each in whole]):.1f} (median).\n"
    )


def main() -> None:
    """Fit what is missing, and print the report; or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fits", type=int, default=300)
    parser.add_argument("--share", default="1/1", help="K/N: the K-th of N shares of the fits")
    parser.add_argument("--records", type=Path, default=Path("coverage-records"))
    parser.add_argument("--report", type=Path, help="write the report here, and fit nothing")
    arguments = parser.parse_args()
    arguments.records.mkdir(parents=True, exist_ok=True)
    number, shares = (int(part) for part in arguments.share.split("/"))
    for seed in () if arguments.report else range(arguments.fits):
        record = arguments.records / f"{seed:04d}.json"
        if seed % shares != number % shares or record.exists():
            continue
        try:
            with warnings.catch_warnings(), threadpool_limits(1):
                warnings.simplefilter("ignore")
                found: dict[str, float | str] = {**record_of(seed)}
        except Exception as error:
            traceback.print_exc()
            found = {"error": f"{type(error).__name__}: {error}"}
        record.write_text(json.dumps(found), encoding="utf-8")
    said = report(arguments.records, arguments.fits)
    if arguments.report:
        arguments.report.write_text(said, encoding="utf-8")
    else:
        print(said)


if __name__ == "__main__":
    main()
