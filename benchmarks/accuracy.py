"""Compare ridgewalk's predictions with those of what else a user of tables would pick.

    python benchmarks/accuracy.py FOLDER [--seed 2] [--folds 3] [--records FOLDER] [--models A,B] [--tables A,B]
                                         [--share 1/2] [--report FILE]

FOLDER holds tables as Parquet files; the last column of each is its target: classes where it is text, truth values or
whole numbers, numbers where it has fractions. All models see the same rows: the first ``--folds`` of five shuffled
folds (stratified for classes) drawn by ``--seed``; training rows are capped at 2,000, or at 5,000 of tables of 10,000
rows and more.

Loss: log loss, probabilities clipped to 1e-6 at least, or root mean squared error over the deviation of the held-out
targets. Every model runs in one thread, its processor time counted, fitting and predicting together. "ridgewalk" is its
estimator of tables; its single network, and that as it was by default in the beginning, stand beside it. The rivals:

    linear      logistic regression or ridge, its penalty by cross-validation
    forest      500 trees; leaves of 1 or 5 rows, by the out-of-bag loss
    HGB         scikit-learn's boosting: its defaults, or up to 1,000 rounds at .05 with early stopping
    LightGBM    its defaults, or up to 2,000 rounds at .05 with early stopping
    CatBoost    500 rounds, or up to 2,000 with early stopping
    MLP         scikit-learn's network; its L2 by grid search
    RealMLP     RealMLP-TD, stopped by the cross-entropy, without label smoothing; alone, and five members
    TabM        with piecewise-linear embeddings, on some tables
    LassoNet    its path by cross-validation, on some tables

Of HGB, LightGBM and CatBoost whichever way is better **on the held-out rows** counts: generous to them.

Every fit is a record in a folder, so that a run that was cut goes on; a fit that failed is a record, too, and ranks
last. ``--share 1/2`` and ``--share 2/2`` in two shells share the work. Seed 1 is what ridgewalk's defaults were tuned
on; reported is seed 2. The models stand in accuracy_models.py. Needs ``pip install '.[bench]'``.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_float_dtype, is_numeric_dtype
from sklearn.model_selection import KFold, StratifiedKFold
from threadpoolctl import threadpool_limits

import ridgewalk
from accuracy_models import MODELS, OURS, OURS_BEFORE, OURS_NETWORK, Predict, Split
from engine import machine

FOLDS = 5
CAPS = {10_000: 2_000, np.inf: 5_000}  # training rows, by the table's rows below which they hold
WORSE, CLEAR = 1.02, 2.0  # ratio of losses; paired standard errors


def splits(table: pd.DataFrame, seed: int, folds: int) -> Iterator[Split]:
    """Yield the first folds of a table, its target last."""
    x, target = table.iloc[:, :-1], table.iloc[:, -1]
    x = x.assign(**{n: x[n].astype("category") for n in x if is_bool_dtype(x[n]) or not is_numeric_dtype(x[n])})
    numbers = is_float_dtype(target)
    y = target.to_numpy(dtype=float) if numbers else np.unique(target, return_inverse=True)[1]
    draw = (KFold if numbers else StratifiedKFold)(FOLDS, shuffle=True, random_state=seed)
    cap = next(int(rows) for below, rows in CAPS.items() if len(x) < below)
    for number, (training, held_out) in enumerate(draw.split(x, y)):
        if number == folds:
            return
        some = np.sort(np.random.default_rng(seed).permutation(training)[:cap])
        parts = (x.iloc[some].reset_index(drop=True), y[some], x.iloc[held_out].reset_index(drop=True))
        yield Split(*parts, y[held_out], 0 if numbers else int(y.max()) + 1, seed)


SOME: dict[str, tuple[str, ...]] = {
    "TabM": ("contraceptive", "phoneme", "concrete", "diabetes"),
    "LassoNet": ("heart", "concrete", "diabetes"),
}
"""Models that run on these tables alone, and have no rank."""
FIRST_FOLD = ("RealMLP x 5", "TabM", "LassoNet")
"""Models that take minutes: they run on the first fold alone, are compared on it, and have no rank."""


def missing(folder: Path, records: Path, arguments: argparse.Namespace) -> Iterator[tuple[Path, Split, Predict]]:
    """Yield the fits that have no record yet: where it goes, the rows, and the way."""
    number, shares = (int(part) for part in arguments.share.split("/"))
    count = 0
    for file in sorted(folder.glob("*.parquet")):
        if arguments.tables and file.stem not in arguments.tables.split(","):
            continue
        for fold, split in enumerate(splits(pd.read_parquet(file), arguments.seed, arguments.folds)):
            for model, ways in MODELS.items():
                if arguments.models and model not in arguments.models.split(","):
                    continue
                if (model in FIRST_FOLD and fold) or file.stem not in SOME.get(model, (file.stem,)):
                    continue
                for way, predict in ways.items():
                    count += 1
                    record = records / f"{file.stem}, {model}, {way}, seed {arguments.seed}, fold {fold}.json"
                    if count % shares == number % shares and not record.exists():
                        yield record, split, predict


def fitted(split: Split, predict: Predict) -> dict[str, Any]:
    """Return the record of a fit: its losses by row, and its processor seconds; or what went wrong."""
    began = time.process_time()
    try:
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")
            predicted = predict(split)
        losses = split.row_losses(predicted)
        if not np.isfinite(losses).all():
            raise ValueError("predictions are not finite")
    except Exception as error:
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}"}
    hits = float(np.mean(predicted.argmax(axis=1) == split.answers)) if split.classes else None
    return {
        "cpu_seconds": time.process_time() - began,
        "classes": split.classes,
        "rows": [len(split.y), len(split.answers)],
        "accuracy": hits,
        "row_losses": [float(f"{loss:.6g}") for loss in losses],
    }


def run(folder: Path, records: Path, arguments: argparse.Namespace) -> None:
    """Make the records that are missing."""
    records.mkdir(parents=True, exist_ok=True)
    for record, split, predict in missing(folder, records, arguments):
        found = fitted(split, predict)
        unfinished = record.with_suffix(f".{os.getpid()}")
        unfinished.write_text(json.dumps(found), encoding="utf-8")
        unfinished.rename(record)
        loss = found.get("error") or f"{score(found):.4f}  {found['cpu_seconds']:.1f} s"
        print(f"{record.stem}: {loss}", flush=True)


def score(found: dict[str, Any]) -> float:
    """Return the loss of a record: mean log loss, or root mean squared error over the deviation."""
    mean = float(np.mean(found["row_losses"]))
    return mean if found["classes"] else mean**0.5


Fits = dict[tuple[str, str, int], dict[str, Any]]
"""By table, model and fold: the record of the model's better way."""


def read_fits(records: Path, seed: int, folds: int) -> Fits:
    """Read the records of a seed: of every model the way that is best on the table's held-out rows."""
    ways: dict[tuple[str, str], dict[str, dict[int, dict[str, Any]]]] = {}
    for file in sorted(records.glob(f"*, seed {seed}, fold *.json")):
        table, model, way, _, fold = file.stem.rsplit(", ", 4)
        if int(fold[5:]) < folds:
            found = json.loads(file.read_text(encoding="utf-8"))
            ways.setdefault((table, model), {}).setdefault(way, {})[int(fold[5:])] = found
    fits: Fits = {}
    for (table, model), every in ways.items():
        wanted = range(1 if model in FIRST_FOLD else folds)
        whole = [each for each in every.values() if all("row_losses" in each.get(fold, {}) for fold in wanted)]
        if whole:
            best = min(whole, key=lambda each: np.mean([score(each[fold]) for fold in wanted]))
            fits |= {(table, model, fold): best[fold] for fold in wanted}
    return fits


def compare(fits: Fits, table: str, one: str, other: str, folds: int) -> tuple[float, float] | None:
    """Return the ratio of two models' losses on a table, and their mean difference by row in standard errors."""
    both = [fold for fold in range(folds) if (table, one, fold) in fits and (table, other, fold) in fits]
    if not both:
        return None
    a, b = ([fits[table, model, fold] for fold in both] for model in (one, other))
    difference = np.concatenate([np.subtract(x["row_losses"], y["row_losses"]) for x, y in zip(a, b, strict=True)])
    error = difference.std(ddof=1) / len(difference) ** 0.5
    ratio = np.mean([score(each) for each in a]) / np.mean([score(each) for each in b])
    return float(ratio), float(difference.mean() / error) if error else 0.0


def report(records: Path, seed: int, folds: int) -> str:
    """Return the tables of a seed, in Markdown."""
    fits = read_fits(records, seed, folds)
    tables = sorted({table for table, _, _ in fits})
    tried = {file.stem.rsplit(", ", 4)[1] for file in records.glob(f"*, seed {seed}, fold *.json")}
    shown = [model for model in MODELS if model in tried]
    ours = next((model for model in (OURS, OURS_NETWORK, OURS_BEFORE) if model in tried), None)
    if ours is None:
        sys.exit(f"{records} holds no fit of ridgewalk by seed {seed}, beside which the others stand: fit it first.")
    others = {OURS, OURS_NETWORK, OURS_BEFORE} - {ours}  # one of ours has a rank
    ranked = [model for model in shown if model not in FIRST_FOLD and model not in others]
    losses = {
        (table, model): float(
            np.mean([score(fits[table, model, k]) for k in range(1 if model in FIRST_FOLD else folds)])
        )
        for table in tables
        for model in shown
        if (table, model, 0) in fits
    }
    numbers = [table for table in tables if not next(fits[key]["classes"] for key in fits if key[0] == table)]
    parts = [
        f"# Predictions, seed {seed}, {folds} folds of {len(tables)} tables",
        f"{datetime.date.today()}; {machine()['processor']}, {machine()['cores']} cores; {versions()}.\n"
        "`python benchmarks/accuracy.py FOLDER` says how; log loss, or root mean squared error over the deviation.\n"
        "In brackets: the first fold alone. **Bold**: the lowest of those that are ranked.",
        _losses(losses, tables, shown, ranked),
        "## Mean ranks\n\nA fit that is missing, or failed, ranks last.",
        _ranks(losses, tables, numbers, ranked),
        f"## {ours} beside each",
        "Ratio: geometric mean of our loss over theirs; then without the table that is best for us, and by kind.\n"
        f"Won, lost: by more than {CLEAR:g} paired standard errors over the held-out rows.",
        markdown(
            ["", "tables", "ratio", "without the best", "classes", "numbers", "won", "lost"],
            [_beside(fits, tables, numbers, ours, model, folds) for model in shown if model != ours],
        ),
    ]
    if ours == OURS:
        parts += [
            f"## ridgewalk over {model}, by table\n\n{_over(fits, tables, model, folds)}"
            for model in shown
            if model in others | {"CatBoost"}
        ]
    parts += ["## Processor seconds of a fit and its predictions, medians", _seconds(fits, shown)]
    return "\n\n".join(parts) + "\n"


def markdown(heads: list[str], rows: list[list[str]]) -> str:
    """Return a table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows))


def _losses(losses: dict[tuple[str, str], float], tables: list[str], shown: list[str], ranked: list[str]) -> str:
    """Return the table of mean losses."""
    rows = []
    for table in tables:
        lowest, row = min(losses[table, model] for model in ranked if (table, model) in losses), [table]
        for model in shown:
            loss = losses.get((table, model))
            text = "-" if loss is None else f"{loss:.3f}"
            row.append(f"({text})" if model in FIRST_FOLD and loss else f"**{text}**" if loss == lowest else text)
        rows.append(row)
    return markdown(["", *shown], rows)


def _ranks(losses: dict[tuple[str, str], float], tables: list[str], numbers: list[str], ranked: list[str]) -> str:
    """Return the table of mean ranks."""
    kinds = {"all": tables, "classes": [table for table in tables if table not in numbers], "numbers": numbers}
    rows = []
    for kind, some in kinds.items():
        ranks = [pd.Series({model: losses.get((table, model), np.inf) for model in ranked}).rank() for table in some]
        means = pd.concat(ranks, axis=1).mean(axis=1) if ranks else pd.Series(np.nan, ranked)
        rows.append([f"{kind} ({len(some)})", *(f"{means[model]:.1f}" for model in ranked)])
    return markdown(["", *ranked], rows)


def _over(fits: Fits, tables: list[str], other: str, folds: int) -> str:
    """Return the table of ratios to another model's losses, and which are worse."""
    rows = []
    for table in tables:
        found = compare(fits, table, OURS, other, folds)
        if found:
            note = "worse" if found[0] > WORSE and found[1] > CLEAR else ""
            rows.append([table, f"{found[0]:.3f}", f"{found[1]:+.1f}", note])
    return markdown(["", "ratio", "paired standard errors", ""], rows)


def _seconds(fits: Fits, shown: list[str]) -> str:
    """Return the table of median processor times, by training rows."""
    rows = []
    for least, most in ((0, 1_000), (1_000, 2_000), (2_000, 5_000)):
        row = [f"{least:,} to {most:,}"]
        for model in shown:
            spent = [f["cpu_seconds"] for key, f in fits.items() if key[1] == model and least < f["rows"][0] <= most]
            row.append(f"{np.median(spent):.1f}" if spent else "-")
        rows.append(row)
    return markdown(["training rows", *shown], rows)


def _beside(fits: Fits, tables: list[str], numbers: list[str], ours: str, model: str, folds: int) -> list[str]:
    """Return the row of one model beside ours."""
    pairs = {table: compare(fits, table, ours, model, folds) for table in tables}
    found = {table: pair for table, pair in pairs.items() if pair is not None}
    logs = pd.Series({table: np.log(ratio) for table, (ratio, _) in found.items()}, dtype=float)
    kinds = logs.index.isin(numbers)
    parts = [logs, logs.sort_values()[1:], logs[~kinds], logs[kinds]]
    means = [f"{np.exp(part.mean()):.3f}" if len(part) else "-" for part in parts]
    won, lost = (sum(side * errors > CLEAR for _, errors in found.values()) for side in (-1, 1))
    return [model, str(len(found)), *means, str(won), str(lost)]


def versions() -> str:
    """Return what is installed of the libraries that take part."""
    said = [f"ridgewalk {ridgewalk.__version__}"]
    for name in ("scikit-learn", "lightgbm", "catboost", "pytabkit", "torch", "lassonet"):
        try:
            said.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(said)


def main() -> None:
    """Fit what is missing, and print the report; or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--records", type=Path, default=Path("accuracy-records"))
    parser.add_argument("--models", default="", help="only these, parted by commas")
    parser.add_argument("--tables", default="", help="only these, parted by commas")
    parser.add_argument("--share", default="1/1", help="K/N: the K-th of N shares of the fits")
    parser.add_argument("--report", type=Path, help="write the report here, and fit nothing")
    arguments = parser.parse_args()
    unknown = set(filter(None, arguments.models.split(","))) - set(MODELS)
    if unknown:
        parser.error(f"no model is called {', '.join(sorted(unknown))}: they are {', '.join(MODELS)}")
    if not any(arguments.folder.glob("*.parquet")):
        parser.error(f"{arguments.folder} holds no Parquet file")
    if arguments.report is None:
        run(arguments.folder, arguments.records, arguments)
        sys.stdout.write(report(arguments.records, arguments.seed, arguments.folds))
    else:
        arguments.report.write_text(report(arguments.records, arguments.seed, arguments.folds), encoding="utf-8")


if __name__ == "__main__":
    main()
