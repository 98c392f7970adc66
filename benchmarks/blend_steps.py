"""What each step from one network to the blend of a table model brings, on the tables of benchmarks/accuracy.py.

    python benchmarks/blend_steps.py FOLDER [--seed 2] [--folds 3] [--records FOLDER] [--report FILE]

One fit of every fold holds all steps: its views' paths, and the blends among them. Losses are those of the rows that
the fold holds out, as in accuracy.py, whose folds and caps these are.
"""

from __future__ import annotations

import argparse
import datetime
import json
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from accuracy import markdown, splits
from accuracy_models import Split
from engine import machine
from ridgewalk import TableClassifier, TableRegressor
from ridgewalk.engine.predictor import predict_mixture
from ridgewalk.estimators.table import blended_paths
from ridgewalk.mixture import Mixture
from ridgewalk.path.blend import Blend, fit_blend, mixture_of

MEMBERS = {"10 networks": 1, "30 networks": 5, "90 networks": 15}
"""Members of a blend with about so many networks: each has five of folds, and one of all rows."""
FIRST = "plain columns, one network"
TURNS = 10


def seconds_of(mixture: Mixture, rows: np.ndarray) -> float:
    """Return the processor seconds of predicting rows as the estimators do."""
    began = time.process_time()
    predict_mixture(mixture, rows)
    return time.process_time() - began


def losses(split: Split, chances: np.ndarray) -> list[float]:
    """Return the losses of held-out rows, of predictions (N, C) as a mixture gives them."""
    if split.classes == 2:
        chances = np.hstack([1 - chances, chances])
    predicted = chances if split.classes else chances[:, 0]
    return [float(f"{loss:.6g}") for loss in split.row_losses(predicted)]


def steps_of(split: Split) -> dict[str, list[float]]:
    """Return the losses of held-out rows after each step, and seconds of predicting a thousand of them."""
    estimator = TableClassifier if split.classes else TableRegressor
    model = estimator(random_state=split.seed).fit(split.x, split.y)
    x = model.encoder_.transform(split.new)
    problem = next(iter(model.views_.values()))._kept_problem()
    every = blended_paths(model.views_)
    paths = list(every.values())

    def alone(name: str) -> Mixture:
        return Mixture((model.views_[name].model_,), np.ones(1))

    def blended(count: int, members: int = 5) -> Mixture:
        return mixture_of(fit_blend(problem, paths[:count], members), paths[:count])

    def parts(blend: Blend, of_folds: bool) -> Mixture:
        whole = mixture_of(blend, paths)
        kept = (np.arange(len(whole.models)) % (len(problem.splits) + 1) > 0) == of_folds
        models = tuple(each for each, keep in zip(whole.models, kept, strict=True) if keep)
        return Mixture(models, whole.shares[kept] / whole.shares[kept].sum())

    full = fit_blend(problem, paths)
    mixtures = {FIRST: alone("plain")}
    mixtures |= {f"{name} columns, one network": alone(name) for name in model.views_ if name != "plain"}
    mixtures |= {"the view that predicts best": Mixture((model.network_.model_,), np.ones(1))}
    names = [f"blend of {' + '.join(list(every)[:count])}" for count in range(1, len(paths) + 1)]
    mixtures |= {name: blended(count) for count, name in enumerate(names, 1)}
    mixtures |= {"its networks of all rows": parts(full, False), "its networks of folds": parts(full, True)}
    mixtures |= {f"blend of about {name}": blended(len(paths), members) for name, members in MEMBERS.items()}
    found = {name: losses(split, mixture.predict(x)) for name, mixture in mixtures.items()}
    for name, members in MEMBERS.items():
        small = blended(len(paths), members).compact()
        rows = np.resize(x, (1_000, x.shape[1]))
        found[f"seconds, {name}"] = [min(seconds_of(small, rows) for _ in range(TURNS))]
    return found


def report(records: Path, seed: int, folds: int) -> str:
    """Return the table of ratios to the first step, geometric means over tables with their standard errors."""
    every: dict[str, dict[str, list[float]]] = {}
    seconds: dict[str, list[float]] = {}
    for file in sorted(records.glob(f"*, seed {seed}, fold *.json")):
        table, _, fold = file.stem.rsplit(", ", 2)
        if int(fold[5:]) >= folds:
            continue
        found = json.loads(file.read_text(encoding="utf-8"))
        for name, values in found["steps"].items():
            if name.startswith("seconds"):
                seconds.setdefault(name, []).append(values[0])
                continue
            mean = float(np.mean(values))
            every.setdefault(name, {}).setdefault(table, []).append(mean if found["classes"] else mean**0.5)
    rows = []
    for name, tables in every.items():
        logs = np.log([np.mean(tables[table]) / np.mean(every[FIRST][table]) for table in every[FIRST]])
        error = logs.std(ddof=1) / len(logs) ** 0.5
        better = int((logs < 0).sum())
        rows.append([name, f"{np.exp(logs.mean()):.3f}", f"{error:.3f}", f"{better} of {len(logs)}"])
    timed = [
        [name[9:], f"{1e3 * np.median(values):.1f}", f"{1e3 * max(values):.1f}"] for name, values in seconds.items()
    ]
    return (
        "\n\n".join(
            [
                f"# From one network to the blend, seed {seed}, {folds} folds of {len(every[FIRST])} tables",
                f"`python benchmarks/blend_steps.py FOLDER --seed {seed} --folds {folds}`, {datetime.date.today()}, "
                f"{machine()['processor']}.\nLosses over those of the first step: geometric mean, its standard error "
                "over tables, tables that are better.",
                markdown(["step", "ratio", "standard error", "better"], rows),
                "Milliseconds (of the processor, the shortest of ten) of predicting 1,000 rows of a table with the "
                "compacted blend: median and largest over tables.",
                markdown(["blend of about", "median", "largest"], timed),
            ]
        )
        + "\n"
    )


def main() -> None:
    """Fit what is missing, and print the report; or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--records", type=Path, default=Path("blend-records"))
    parser.add_argument("--report", type=Path, help="write the report here, and fit nothing")
    arguments = parser.parse_args()
    arguments.records.mkdir(parents=True, exist_ok=True)
    files = [] if arguments.report else sorted(arguments.folder.glob("*.parquet"))
    for file in files:
        for fold, split in enumerate(splits(pd.read_parquet(file), arguments.seed, arguments.folds)):
            record = arguments.records / f"{file.stem}, seed {arguments.seed}, fold {fold}.json"
            if record.exists():
                continue
            with warnings.catch_warnings(), threadpool_limits(1):
                warnings.simplefilter("ignore")
                found = {"classes": split.classes, "steps": steps_of(split)}
            record.write_text(json.dumps(found), encoding="utf-8")
            print(record.stem, flush=True)
    said = report(arguments.records, arguments.seed, arguments.folds)
    if arguments.report:
        arguments.report.write_text(said, encoding="utf-8")
    else:
        print(said)


if __name__ == "__main__":
    main()
