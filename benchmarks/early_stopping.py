"""What early stopping costs beside a path, what it reaches, and what fewer epochs would take from it.

    python benchmarks/early_stopping.py FOLDER [--seed 1] [--records FOLDER] [--report FILE]

FOLDER holds tables as for benchmarks/accuracy.py, whose first training rows these are. Of every table a table model is
fitted, and the single network, both by default. Its cost is the share of the fit's processor seconds, in one thread.
Losses are those of the folds' held-out rows: of the unpenalized network stopped early, over what the penalized one
loses. "Short" is the same with a quarter of the epochs, those of a dense start alone.
"""

from __future__ import annotations

import argparse
import datetime
import json
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from accuracy import markdown, splits
from accuracy_models import Split
from engine import machine
from ridgewalk import MLPClassifierCV, MLPRegressorCV, TableClassifier, TableRegressor
from ridgewalk.engine import Runner
from ridgewalk.estimators import whole_path
from ridgewalk.objective import weighted_mean
from ridgewalk.path.early_stopping import fit_early_stopped
from ridgewalk.tables import Encoder

Found = dict[str, Any]


@contextmanager
def timed() -> Iterator[list[float]]:
    """Note the processor seconds of every early stopping inside."""
    seconds: list[float] = []

    def noting(*given: Any) -> Any:
        began = time.process_time()
        stopped = fit_early_stopped(*given)
        seconds.append(time.process_time() - began)
        return stopped

    with patch.object(whole_path, "fit_early_stopped", noting):
        yield seconds


def measured(split: Split) -> dict[str, Found]:
    """Fit a table model, and a single network, and return what early stopping takes and reaches in each."""
    x = Encoder.fit(split.x).transform(split.x)
    blend = (TableClassifier if split.classes else TableRegressor)(random_state=split.seed)
    alone = (MLPClassifierCV if split.classes else MLPRegressorCV)(random_state=split.seed)
    found = {}
    for kind, model, rows in (("table model", blend, split.x), ("single network", alone, x)):
        with timed() as seconds:
            began = time.process_time()
            model.fit(rows, split.y)
            whole = time.process_time() - began
        views = list(model.views_.values()) if kind == "table model" else [model]
        networks = [described(view) for view in views]
        found[kind] = {"share": sum(seconds) / whole, "seconds": whole, "networks": networks}
    return found


def described(model: MLPClassifierCV | MLPRegressorCV) -> Found:
    """Return what the networks of a path lose: stopped early, with few epochs, penalized, without a penalty."""
    path, problem, stopped = model.path_, model._kept_problem(), model.early_stopped_
    settings, weights = path.settings, path.row_weights
    short = fit_early_stopped(problem, replace(settings, max_iter=max(1, settings.max_iter // 4)), Runner())
    assert stopped is not None
    assert short is not None
    last = settings.max_iter + round(settings.max_iter / 3)
    return {
        "stopped": float(weighted_mean(stopped.row_loss, weights)),
        "short": float(weighted_mean(short.row_loss, weights)),
        "penalized": model.heldout_loss_,
        "unpenalized": model.unpenalized_loss_,
        "epochs": (stopped.n_iter / last).ravel().tolist(),
    }


def report(records: Path, seed: int) -> str:
    """Return the tables of a seed."""
    found = {file.stem.rsplit(", ", 1)[0]: json.loads(file.read_text()) for file in sorted(records.glob("*.json"))}
    rows = []
    for table, kinds in found.items():
        shares = [f"{kinds[kind]['share']:.1%}" for kind in ("table model", "single network")]
        networks = [*kinds["table model"]["networks"], *kinds["single network"]["networks"]]
        for name, each, share in zip(
            ("plain", "encoded", "by default"), networks, (shares[0], "", shares[1]), strict=True
        ):
            ratios = [each[loss] / each["penalized"] for loss in ("stopped", "short", "unpenalized")]
            epochs = f"{np.median(each['epochs']):.0%}"
            rows.append([table, name, share, *(f"{ratio:.3f}" for ratio in ratios), epochs])
    costs = {kind: [kinds[kind]["share"] for kinds in found.values()] for kind in ("table model", "single network")}
    said = [f"{kind}: median {np.median(shares):.1%}, largest {max(shares):.1%}" for kind, shares in costs.items()]
    head = ["table", "network", "share of the fit", "stopped early", "short", "no penalty", "epochs, median"]
    return (
        "\n\n".join(
            [
                f"# Early stopping beside a path, seed {seed}, {len(found)} tables",
                f"`python benchmarks/early_stopping.py FOLDER --seed {seed}`, {datetime.date.today()}, "
                f"{machine()['processor']}.",
                f"Share of a fit's processor seconds, {'; '.join(said)}.",
                "Losses over that of the penalized network, on held-out rows; epochs as a share of those allowed.",
                markdown(head, rows),
            ]
        )
        + "\n"
    )


def main() -> None:
    """Fit what is missing, and print the report; or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--records", type=Path, default=Path("early-stopping-records"))
    parser.add_argument("--report", type=Path, help="write the report here, and fit nothing")
    arguments = parser.parse_args()
    arguments.records.mkdir(parents=True, exist_ok=True)
    for file in (
        [] if arguments.report else sorted(arguments.folder.glob("*.parquet"), key=lambda file: file.stat().st_size)
    ):
        record = arguments.records / f"{file.stem}, seed {arguments.seed}.json"
        if record.exists():
            continue
        split = next(splits(pd.read_parquet(file), arguments.seed, 1))
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")
            record.write_text(json.dumps(measured(split)), encoding="utf-8")
        print(record.stem, flush=True)
    said = report(arguments.records, arguments.seed)
    if arguments.report:
        arguments.report.write_text(said, encoding="utf-8")
    else:
        print(said)


if __name__ == "__main__":
    main()
