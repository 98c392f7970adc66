"""Whether the metrics of an answer tell what networks reach on fresh rows: simulated tables, whose truth is known.

    python benchmarks/answer_coverage.py [--fits 200] [--share 1/2] [--records FOLDER] [--report FILE]

Tables are those of benchmarks/blend_coverage.py, of 200 rows, their columns encoded; one network on one path of 12
strengths. Odd ones have numbers to predict, even ones classes. Fresh rows: 20,000.

    covered      the metric, give or take 1.96 of its standard errors, holds what the networks of the folds, each at the
                 strength that the other folds chose, reach on fresh rows on average
    bias         held-out less fresh, in standard errors, on average
    handed over  what the network for new rows reaches on fresh rows less what the folds' reach, on average
"""

from __future__ import annotations

import argparse
import datetime
import json
import warnings
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from blend_coverage import drawn
from engine import machine
from ridgewalk import MLPClassifierCV, MLPRegressorCV
from ridgewalk.diagnostics.metrics import HeldOutPredictions, metric_rows
from ridgewalk.tables import Encoder

NORMAL = 1.96
Found = dict[str, dict[str, float]]


def record_of(seed: int) -> Found:
    """Fit a table; return each metric of held-out rows, its error, and what it is on fresh rows."""
    x, y, fresh, answers = drawn(seed)
    encoder = Encoder.fit(x)
    kind = MLPClassifierCV if seed % 2 == 0 else MLPRegressorCV
    model = kind((32,), alphas=12, random_state=seed).fit(encoder.transform(x), y)
    rows, target = encoder.transform(fresh), np.asarray(answers, dtype=float)[:, None]
    loss = model.path_.loss

    def reached(outputs: list[np.ndarray]) -> dict[str, float]:
        """Average every metric over networks."""
        values = [loss.predict(output)[None] for output in outputs]
        found = metric_rows(HeldOutPredictions([np.arange(len(rows))] * len(values), values), target, ones, loss)
        return {name: float(each.mean()) for name, each in found.items()}

    ones = np.ones(len(rows))
    chosen = enumerate(model._chosen_by_folds())
    of_folds = reached([path.fold_model(index, fold, 0).output(rows) for fold, (path, index) in chosen])
    handed_over = reached([model.model_.output(rows)])
    held_out = model.summary()["answer"]["competitors"][0]["metrics"]
    return {
        name: {**held_out[name], "folds": value, "handed_over": handed_over[name]} for name, value in of_folds.items()
    }


def report(records: Path, fits: int) -> str:
    """Count what was covered."""
    found: list[Found] = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(records.glob("*.json"))]
    lines = [
        "# The metrics of an answer beside fresh rows\n",
        f"`python benchmarks/answer_coverage.py --fits {fits}`, {datetime.date.today()}, {machine()['processor']}.\n",
        "| metric | fits | covered | bias, standard errors | handed over less folds |",
        "|---|--:|--:|--:|--:|",
    ]
    for name in ("accuracy", "AUC", "R2", "RMSE", "MAE"):
        of = [each[name] for each in found if name in each]
        off = np.array([each["value"] - each["folds"] for each in of])
        error = np.array([each["standard_error"] for each in of])
        covered, known = np.abs(off) <= NORMAL * error, error > 0  # without an error: a constant, of AUC one half
        more = np.mean([each["handed_over"] - each["folds"] for each in of])
        lines.append(
            f"| {name} | {len(of)} | {covered.mean():.1%} | {(off[known] / error[known]).mean():+.2f} | {more:+.3f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Fit what is missing, and print the report; or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fits", type=int, default=200)
    parser.add_argument("--share", default="1/1", help="K/N: the K-th of N shares of the fits")
    parser.add_argument("--records", type=Path, default=Path("answer-records"))
    parser.add_argument("--report", type=Path, help="write the report here, and fit nothing")
    arguments = parser.parse_args()
    arguments.records.mkdir(parents=True, exist_ok=True)
    number, shares = (int(part) for part in arguments.share.split("/"))
    for seed in () if arguments.report else range(arguments.fits):
        record = arguments.records / f"{seed:04d}.json"
        if seed % shares != number % shares or record.exists():
            continue
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")
            record.write_text(json.dumps(record_of(seed)), encoding="utf-8")
    said = report(arguments.records, arguments.fits)
    if arguments.report:
        arguments.report.write_text(said, encoding="utf-8")
    else:
        print(said)


if __name__ == "__main__":
    main()
