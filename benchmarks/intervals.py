"""Whether intervals and sets hold the truth as often as they say, and how wide they are beside those of boosted trees.

    python benchmarks/intervals.py FOLDER [--seed 2] [--draws 100] [--records FOLDER] [--tables A,B] [--report FILE]

FOLDER holds tables as benchmarks/accuracy.py takes them: the first of its five folds is held out, training rows are
capped as there. "ridgewalk" is its estimator of tables, "one network" that model's single network. "HGB" is
scikit-learn's boosting by the same formulas (ridgewalk.conformal) on the same folds, fitted to each of them: with its
defaults, or up to 1,000 rounds at .05 with early stopping, whichever has the narrower intervals or the smaller sets at
.9 on the held-out rows: generous to it.

    coverage     share of held-out rows whose truth is inside: to be within 1.5 points and two standard errors (of a
                 share of so many rows) of what was asked, of sets not below that, and never under 1 - 2a
    width        mean, over the deviation of the held-out targets
    size         mean number of classes

The rows of one table calibrate all its intervals at once, so its coverage strays by more than its held-out rows alone
let expect. Over fresh tables, each fitted anew, that evens out; 2,000 new rows each:

    simulated    tables of 200 rows (benchmarks/blend_coverage.py): odd draws have numbers, even ones classes
    grouped      60 groups of 1 to 30 rows, each with a level of its own, and one row of each of 2,000 new groups: folds
                 that leave groups whole, or that draw rows as if there were no groups

Every fit is a record in a folder, so that a run that was cut goes on. One thread.
"""

from __future__ import annotations

import argparse
import datetime
import json
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from accuracy import markdown, splits, versions
from accuracy_models import Split
from blend_coverage import drawn
from engine import machine
from ridgewalk import MLPRegressorCV, TableClassifier, TableRegressor
from ridgewalk.conformal import Calibration, adaptive_scores, intervals, label_sets, shares_of

COVERAGES = (0.8, 0.9, 0.95)
USUAL = 0.9
WAYS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "early": {"early_stopping": True, "max_iter": 1_000, "learning_rate": 0.05, "n_iter_no_change": 30},
}
POINTS = 0.015
GROUPS, FRESH = 60, 2_000
Measurement = dict[str, Any]


def measured(answers: np.ndarray, classes: int, given: Callable[[float], np.ndarray]) -> Measurement:
    """Return coverage and width, or size, of ends (M, 2) or sets (M, C) at every coverage that is asked for."""
    record: Measurement = {}
    for coverage in COVERAGES:
        found = given(coverage)
        if classes:
            inside, width = found[np.arange(len(answers)), answers], found.sum(axis=1)
        else:
            inside = (answers >= found[:, 0]) & (answers <= found[:, 1])
            width = (found[:, 1] - found[:, 0]) / answers.std()
        record[str(coverage)] = {"covered": float(inside.mean()), "width": float(width.mean())}
    return record


def asked(model: Any, rows: Any, classes: int, coverage: float) -> np.ndarray:
    """Return ends of intervals, or sets over all classes of a table: one that the model never saw is in none."""
    if not classes:
        return np.asarray(model.predict_interval(rows, coverage))
    sets = np.zeros((len(rows), classes), dtype=bool)
    sets[:, np.asarray(model.classes_, dtype=int)] = model.predict_set(rows, coverage)
    return sets


def ridgewalk_record(split: Split) -> Measurement:
    """Fit the estimator of tables, and measure it and its single network; return the folds, too."""
    began = time.process_time()
    model: Any = (TableClassifier if split.classes else TableRegressor)(random_state=split.seed).fit(split.x, split.y)
    fitted = time.process_time()
    encoded = model.encoder_.transform(split.new)
    found = {
        name: measured(split.answers, split.classes, partial(asked, one, rows, split.classes))
        for name, one, rows in (("ridgewalk", model, split.new), ("one network", model.network_, encoded))
    }
    right = float((model.predict(split.new) == split.answers).mean()) if split.classes else None
    return {
        "rows": [len(split.y), len(split.answers)],
        "classes": split.classes,
        "accuracy": right,
        "seconds": {"fit": fitted - began, "all intervals": time.process_time() - fitted},
        "held_out": [rows.tolist() for rows in model.path_.heldout_rows],
        **found,
    }


def boosting_record(split: Split, held_out: list[np.ndarray], options: dict[str, Any]) -> Measurement:
    """Fit boosted trees to every fold, and measure what they say by the same formulas."""
    began = time.process_time()
    new, scores = [], []
    for rows in held_out:
        rest = np.setdiff1d(np.arange(len(split.y)), rows)
        x, y, unseen = split.x.iloc[rest], split.y[rest], split.x.iloc[rows]
        common = {"categorical_features": "from_dtype", "random_state": split.seed, **options}
        if split.classes:
            model: Any = HistGradientBoostingClassifier(**common).fit(x, y)
            chances, own = (split.chances(model.classes_, model.predict_proba(each)) for each in (split.new, unseen))
            new.append(chances)
            scores.append(np.take_along_axis(adaptive_scores(own), split.y[rows][:, None], axis=1))
        else:
            model = HistGradientBoostingRegressor(**common).fit(x, y)
            new.append(model.predict(split.new)[:, None])
            scores.append(np.abs(split.y[rows] - model.predict(unseen))[:, None])
    calibration = Calibration(tuple(scores), *shares_of(held_out, np.ones(len(split.y))))

    def given(coverage: float) -> np.ndarray:
        if split.classes:
            return label_sets(calibration, np.stack(new), coverage)
        return np.concatenate(intervals(calibration, np.stack(new), coverage), axis=1)

    return {**measured(split.answers, split.classes, given), "seconds": time.process_time() - began}


def simulated_record(seed: int) -> Measurement:
    """Fit a simulated table, and measure both estimators on new rows."""
    x, y, fresh, answers = drawn(seed)
    fresh, answers, classes = fresh[:FRESH], answers[:FRESH], 2 * (seed % 2 == 0)
    model: Any = (TableClassifier if classes else TableRegressor)(random_state=seed).fit(x, y)
    encoded = model.encoder_.transform(fresh)
    return {
        "classes": classes,
        "ridgewalk": measured(answers, classes, partial(asked, model, fresh, classes)),
        "one network": measured(answers, classes, partial(asked, model.network_, encoded, classes)),
    }


def grouped_record(seed: int) -> Measurement:
    """Fit rows that belong to groups, by folds of whole groups and by folds of rows, and measure rows of new groups."""
    draws = np.random.default_rng(seed)
    sizes = np.concatenate([draws.integers(1, 31, GROUPS), np.ones(FRESH, dtype=int)])
    group = np.repeat(np.arange(len(sizes)), sizes)
    x = np.repeat(draws.normal(size=(len(sizes), 3)), sizes, axis=0)  # of the group, as a patient's age is
    x[:, 2] = draws.normal(size=len(group))
    y = x[:, 0] + np.sin(2 * x[:, 1]) + x[:, 2] + np.repeat(draws.normal(size=len(sizes)), sizes)
    y += 0.5 * draws.normal(size=len(group))
    known = group < GROUPS
    record: Measurement = {"classes": 0}
    for name, groups in (("whole groups", group[known]), ("rows", None)):
        model = MLPRegressorCV((16,), alphas=8, max_iter=200, random_state=seed)
        model.fit(x[known], y[known], groups=groups)
        record[name] = measured(y[~known], 0, partial(asked, model, x[~known], 0))
    return record


def missing(
    folder: Path, records: Path, arguments: argparse.Namespace
) -> Iterator[tuple[Path, Callable[[], Measurement]]]:
    """Yield what has no record yet: where it goes, and what makes it."""
    for table in sorted(folder.glob("*.parquet"), key=lambda file: file.stat().st_size):
        if arguments.tables and table.stem not in arguments.tables.split(","):
            continue
        split = next(splits(pd.read_parquet(table), arguments.seed, 1))
        own = records / f"table {table.stem}, seed {arguments.seed}, ridgewalk.json"
        if not own.exists():
            yield own, partial(ridgewalk_record, split)
        if not own.exists():  # it failed
            continue
        held_out = [np.array(rows) for rows in json.loads(own.read_text(encoding="utf-8"))["held_out"]]
        for way, options in WAYS.items():
            file = records / f"table {table.stem}, seed {arguments.seed}, {way}.json"
            if not file.exists():
                yield file, partial(boosting_record, split, held_out, options)
    for kind, of in (("simulated", simulated_record), ("grouped", grouped_record)):
        for seed in range(arguments.draws):
            file = records / f"{kind}, {seed:04d}.json"
            if not file.exists():
                yield file, partial(of, seed)


def run(folder: Path, arguments: argparse.Namespace) -> None:
    """Make the records that are missing; what fails is printed, and tried again by the next run."""
    records: Path = arguments.records
    records.mkdir(parents=True, exist_ok=True)
    for file, make in missing(folder, records, arguments):
        try:
            with warnings.catch_warnings(), threadpool_limits(1):
                warnings.simplefilter("ignore")
                found = make()
        except Exception:
            traceback.print_exc()
            continue
        unfinished = file.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(found), encoding="utf-8")
        unfinished.rename(file)
        if file.stem.startswith("table"):
            of = found.get("ridgewalk", found)[str(USUAL)]
            print(f"{file.stem}: covered {of['covered']:.3f}, width {of['width']:.3f}", flush=True)


def verdict(covered: float, asked_for: float, rows: int, sets: bool) -> str:
    """Check whether a coverage is as it has to be."""
    allowed = POINTS + 2 * (asked_for * (1 - asked_for) / rows) ** 0.5
    if covered < 1 - 2 * (1 - asked_for):
        return "under 1 - 2a"
    if covered < asked_for - allowed:
        return "low"
    return "high" if covered > asked_for + allowed and not sets else ""


def tables_of(records: Path, seed: int) -> dict[str, dict[str, Measurement]]:
    """Read the records of tables: ours, and boosting's better way."""
    found = {}
    for file in sorted(records.glob(f"table *, seed {seed}, ridgewalk.json")):
        name = file.stem.removeprefix("table ").rsplit(", ", 2)[0]
        own = json.loads(file.read_text(encoding="utf-8"))
        others = [records / f"table {name}, seed {seed}, {way}.json" for way in WAYS]
        ways = [json.loads(other.read_text(encoding="utf-8")) for other in others if other.exists()]
        best = min(ways, key=lambda each: each[str(USUAL)]["width"], default=None)
        found[name] = {"own": own, **({} if best is None else {"HGB": best})}
    return found


def table_rows(tables: dict[str, dict[str, Measurement]], sets: bool) -> list[list[str]]:
    """Return the rows of one kind of table: coverage at each level, width or size at the usual one, and what failed."""
    rows = []
    for name, found in tables.items():
        own = found["own"]
        if bool(own["classes"]) != sets:
            continue
        models = {"ridgewalk": own["ridgewalk"], "one network": own["one network"], "HGB": found.get("HGB")}
        row = [name, f"{own['rows'][0]:,}", f"{own['rows'][1]:,}"]
        if sets:
            row.append(f"{own['accuracy']:.3f}")
        failed = []
        for model, of in models.items():
            row.append(" ".join(f"{of[str(c)]['covered']:.3f}" for c in COVERAGES) if of else "-")
            if of and model != "HGB":
                said = {c: verdict(of[str(c)]["covered"], c, own["rows"][1], sets) for c in COVERAGES}
                failed += [f"{model} at {c:g}: {why}" for c, why in said.items() if why]
        row += [f"{of[str(USUAL)]['width']:.2f}" if of else "-" for of in models.values()]
        row.append(
            f"{own['ridgewalk'][str(USUAL)]['width'] / models['HGB'][str(USUAL)]['width']:.2f}"
            if models["HGB"]
            else "-"
        )
        rows.append([*row, "; ".join(failed)])
    return rows


def drawn_rows(records: Path, kind: str, names: tuple[str, ...], sets: bool) -> list[list[str]]:
    """Return the mean coverage over draws, with its standard error, and the mean width or size."""
    every = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(records.glob(f"{kind}, *.json"))]
    some = [each for each in every if bool(each["classes"]) == sets]
    rows = []
    for name in names if some else ():
        row = [name, str(len(some))]
        for coverage in COVERAGES:
            covered = np.array([each[name][str(coverage)]["covered"] for each in some])
            error = covered.std(ddof=1) / len(covered) ** 0.5
            width = np.mean([each[name][str(coverage)]["width"] for each in some])
            row.append(f"{covered.mean():.3f} ± {error:.3f} ({width:.2f})")
        rows.append(row)
    return rows


def report(records: Path, arguments: argparse.Namespace) -> str:
    """Return the page."""
    tables = tables_of(records, arguments.seed)
    levels = " ".join(f"{each:g}" for each in COVERAGES)
    models = ("ridgewalk", "one network", "HGB")
    parts = [
        "# Intervals and sets: coverage and width",
        f"`python benchmarks/intervals.py FOLDER --draws {arguments.draws}`, seed {arguments.seed}; "
        f"{datetime.date.today()}; {machine()['processor']}, one thread; {versions()}.\nThe command says how.",
    ]
    for sets, title, wide in ((False, "Intervals of numbers", "width"), (True, "Sets of classes", "size")):
        rows = table_rows(tables, sets)
        heads = ["", "fitted", "new", *(["accuracy"] if sets else []), *(f"{m}: {levels}" for m in models)]
        heads += [*(f"{wide} {m}" for m in models), "over HGB", "not as asked"]
        ratios = [float(row[-2]) for row in rows if row[-2] != "-"]
        failed = sum(row[-1].count(":") for row in rows)
        parts += [
            f"## {title}",
            markdown(heads, rows),
            f"Coverage at {levels}; {wide} at {USUAL:g}. Geometric mean of the {wide}s over HGB's: "
            f"{np.exp(np.mean(np.log(ratios))) if ratios else np.nan:.3f}. Of {2 * len(COVERAGES) * len(rows)} "
            f"coverages {failed} are not as asked.",
        ]
    for kind, names in (("simulated", models[:2]), ("grouped", ("whole groups", "rows"))):
        for sets in (False, True):
            rows = drawn_rows(records, kind, names, sets)
            if rows:
                what = "sets" if sets else "intervals"
                parts += [
                    f"## Fresh tables, {kind}: {what}",
                    markdown(["", "tables", *(f"at {each:g}" for each in COVERAGES)], rows),
                    f"Mean coverage ± its standard error over tables (mean {'size' if sets else 'width'}).",
                ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Fit what is missing, and print the report; or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--records", type=Path, default=Path("interval-records"))
    parser.add_argument("--tables", default="", help="only these, parted by commas")
    parser.add_argument("--report", type=Path, help="write the report here, and fit nothing")
    arguments = parser.parse_args()
    if arguments.report is None:
        run(arguments.folder, arguments)
        print(report(arguments.records, arguments))
    else:
        arguments.report.write_text(report(arguments.records, arguments), encoding="utf-8")


if __name__ == "__main__":
    main()
