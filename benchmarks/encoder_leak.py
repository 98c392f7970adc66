"""What it flatters that medians and categories are learned on held-out rows, too.

    python benchmarks/encoder_leak.py FOLDER [--seed 1] [--folds 5]

Of every table with categories or gaps, and of made ones with many rare categories and many gaps, each of five folds is
predicted twice by the same plain network: encoded by an encoder of all rows, and by one of the training rows alone. Two
paired standard errors tell a difference.
"""

from __future__ import annotations

import argparse
import datetime
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold
from threadpoolctl import threadpool_limits

from accuracy import markdown, splits
from accuracy_models import Split
from engine import machine
from ridgewalk import MLPClassifierCV, MLPRegressorCV
from ridgewalk.tables import Encoder


def tables(folder: Path, seed: int) -> Iterator[tuple[str, Split]]:
    """Yield tables with categories or gaps: the training rows of the first fold of each."""
    for file in sorted(folder.glob("*.parquet")):
        split = next(splits(pd.read_parquet(file), seed, 1))
        if split.categories or split.x.isna().any().any():
            yield file.stem, split
    for made in range(4):
        draws = np.random.default_rng(made)
        rows, levels = 300, 40
        x = pd.DataFrame({f"n{k}": draws.normal(size=rows) for k in range(4)})
        effect = draws.normal(size=levels)
        kind = draws.zipf(1.3, size=rows) % levels
        y = x.n0 * x.n1 + effect[kind] + 0.5 * draws.normal(size=rows)
        x["kind"] = np.array([f"k{each}" for each in kind])
        x = x.mask(draws.random(x.shape) < 0.2)
        x["kind"] = x["kind"].astype("category")
        yield f"made {made}", Split(x, y.to_numpy(), x[:0], y.to_numpy()[:0], 0, made)


def losses(split: Split, folds: int) -> np.ndarray:
    """Return what held-out rows lose: (2, rows), by an encoder of all rows, and of the training rows alone."""
    draw = (StratifiedKFold if split.classes else KFold)(folds, shuffle=True, random_state=split.seed)
    found = np.empty((2, len(split.y)))
    for training, held_out in draw.split(split.x, split.y):
        x, new = (split.x.iloc[rows].reset_index(drop=True) for rows in (training, held_out))
        part = Split(x, split.y[training], new, split.y[held_out], split.classes, split.seed)
        for way, of in enumerate((split.x, x)):
            encoder = Encoder().fit(of)
            kind = MLPClassifierCV if split.classes else MLPRegressorCV
            model = kind(random_state=split.seed, alphas=6).fit(encoder.transform(x), part.y)
            found[way, held_out] = part.row_losses(part.predicted(model, encoder.transform(new)))
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--report", type=Path, help="write the report here, too")
    arguments = parser.parse_args()
    rows = []
    for name, split in tables(arguments.folder, arguments.seed):
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")
            every, own = losses(split, arguments.folds)
        error = (every - own).std(ddof=1) / len(own) ** 0.5
        ratio, errors = every.mean() / own.mean(), (every - own).mean() / error if error else 0.0
        rows.append([name, f"{len(own):,}", f"{ratio:.4f}", f"{errors:+.1f}"])
        print(*rows[-1], flush=True)
    mean = float(np.exp(np.mean([np.log(float(row[2])) for row in rows])))
    said = (
        "# Encoders of all rows, beside encoders of the training rows\n\n"
        f"`python benchmarks/encoder_leak.py FOLDER --folds {arguments.folds}`, {datetime.date.today()}, "
        f"{machine()['processor']}.\n\n"
        + markdown(["table", "rows", "loss, over that without held-out rows", "paired standard errors"], rows)
        + f"\n\nGeometric mean of the ratios: {mean:.4f}. Below 1 what is held out would be flattered.\n"
    )
    if arguments.report:
        arguments.report.write_text(said, encoding="utf-8")


if __name__ == "__main__":
    main()
