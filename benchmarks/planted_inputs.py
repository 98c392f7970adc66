"""Select inputs of real tables among useless ones that were planted beside them, and keep all that a rule can need.

    python benchmarks/planted_inputs.py FOLDER [--seed 2] [--pieces 4] [--tables A,B] [--records FOLDER]
        [--report FILE]

FOLDER holds tables as benchmarks/accuracy.py takes them. The rows are those of that benchmark's first split: at most
600 to select on, at most 2,000 to judge on. A table's own columns are called true, though some of them say little; as
many useless ones are planted beside them:

    none        nothing: the true columns alone
    random      every column once more, its rows shuffled
    corrupted   every column once more, with noise of one deviation
    products    products of random pairs of standardized columns; some of them do help

Each is fitted once, as ``select_inputs=True`` fits it (5 folds, one layer of 32, 30 strengths). Its record has, of
every arm at every strength: the held-out loss of each row, the inputs that each fold's network and that of all rows
hold, and the loss of the latter on the rows to judge on. So other choices are compared without fitting again. Losses of
the report are over the plain path's on the true columns alone, geometric means; with ``--pieces`` the inputs that are
selected are refitted with their numbers encoded, too. Seed 1 is what the choice was made on; reported is seed 2.
Records resume.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold

from accuracy import markdown, splits
from accuracy_models import Split
from engine import machine
from ridgewalk.arrays import Array
from ridgewalk.engine import Runner
from ridgewalk.input_maps import bounded_rule, has_three_values
from ridgewalk.losses import BinaryCrossEntropy, CrossEntropy, Loss, SquaredError
from ridgewalk.path import GroupLassoPath, MLPPath, PathProblem, PathSettings
from ridgewalk.path.input_selection import select_inputs
from ridgewalk.tables import Encoder

WAYS = ("none", "random", "corrupted", "products")
ROWS, FRESH_ROWS = 600, 2_000
FOLDS, HIDDEN, STRENGTHS = 5, 32, 30


def planted(x: Array, way: str, generator: np.random.Generator) -> Array:
    """Return useless columns (N, P), as many as there are true ones (N, P), or none."""
    rows, columns = x.shape
    if way == "random":
        return generator.permuted(x, axis=0)
    if way == "corrupted":
        return np.asarray(x + x.std(axis=0) * generator.normal(size=x.shape))
    if way == "products":
        z = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-12)
        pairs = np.array([generator.choice(columns, 2, replace=False) for _ in range(columns)])
        return np.asarray(z[:, pairs[:, 0]] * z[:, pairs[:, 1]])
    return np.empty((rows, 0))


def loss_of(split: Split) -> tuple[Loss, Array, Array]:
    """Return the loss, and the targets (N, C) of both parts."""
    if not split.classes:
        return SquaredError(), split.y[:, None], split.answers[:, None]
    if split.classes == 2:
        return BinaryCrossEntropy(), split.y[:, None].astype(float), split.answers[:, None].astype(float)
    every = np.eye(split.classes)
    return CrossEntropy(), every[split.y], every[split.answers]


def selected(split: Split, x: Array, fresh: Array, pieces: int) -> dict[str, Any]:
    """Select among the columns x (N, P), and return the record."""
    loss, target, answers = loss_of(split)
    draw = (StratifiedKFold if split.classes else KFold)(FOLDS, shuffle=True, random_state=split.seed)
    folds = list(draw.split(x, split.y if split.classes else None))
    maps = bounded_rule(np.array([has_three_values(column) for column in x.T]), pieces) if pieces else None
    problem = PathProblem.of(x, target, loss, folds, (split.seed,), maps=maps)
    settings = PathSettings((HIDDEN,), penalty=GroupLassoPath())
    began = time.process_time()
    selection = select_inputs(problem, settings, STRENGTHS, Runner(n_jobs=1))
    chosen = selection.chosen
    path = chosen.path
    record: dict[str, Any] = {
        "seconds": time.process_time() - began,
        "weights": path.row_weights,
        "null_row_loss": path.null_row_loss,
        "name": chosen.name,
        "support": path.inputs_kept[chosen.index, -1, 0],
        "frequency": selection.frequency,
        "fresh": fresh_loss(path, chosen.index, fresh, answers),
    }
    for number, arm in enumerate(selection.arms):
        path = arm.path
        record |= {
            f"row_loss {number}": path.row_loss.astype(np.float32),
            f"kept {number}": path.inputs_kept[:, :, 0],
            f"fresh {number}": [fresh_loss(path, s, fresh, answers) for s in range(len(path.alphas))],
        }
    return record


def fresh_loss(path: MLPPath, index: int, fresh: Array, answers: Array) -> float:
    """Return the mean loss on rows that no network has seen."""
    return float(path.loss.values(path.model(index).output(fresh), answers).mean())


def small(split: Split) -> Split:
    """Return a split with fewer rows."""
    generator = np.random.default_rng(split.seed)
    some = np.sort(generator.permutation(len(split.y))[:ROWS])
    others = np.sort(generator.permutation(len(split.answers))[:FRESH_ROWS])
    x, new = split.x.iloc[some].reset_index(drop=True), split.new.iloc[others].reset_index(drop=True)
    return replace(split, x=x, y=split.y[some], new=new, answers=split.answers[others])


def cells(folder: Path, seed: int, tables: list[str]) -> Iterator[tuple[str, Split, Array, Array]]:
    """Yield every table: its name, its rows, and the encoded columns of both parts."""
    for file in sorted(folder.glob("*.parquet")):
        if tables and file.stem not in tables:
            continue
        split = small(next(splits(pd.read_parquet(file), seed, 1)))
        encoder = Encoder().fit(split.x)
        x, fresh = (np.asarray(encoder.transform(part), dtype=float) for part in (split.x, split.new))
        yield file.stem, split, x, fresh


def suffix(seed: int, pieces: int) -> str:
    """Return how the names of the records of a seed end."""
    return f"seed {seed}{f', {pieces} pieces' * bool(pieces)}.npz"


def run(folder: Path, records: Path, seed: int, pieces: int, tables: list[str]) -> None:
    """Make the records that are missing, and those that the losses are measured by."""
    records.mkdir(parents=True, exist_ok=True)
    for table, split, x, fresh in cells(folder, seed, tables):
        for number, way in enumerate(WAYS):
            record = records / f"{table}, {way}, {suffix(seed, pieces)}"
            if record.exists():
                continue
            useless = planted(np.concatenate([x, fresh]), way, np.random.default_rng([seed, number]))
            columns = np.hstack([x, useless[: len(x)]])
            found = selected(split, columns, np.hstack([fresh, useless[len(x) :]]), pieces)
            unfinished = record.with_suffix(f".{os.getpid()}.npz")
            np.savez_compressed(unfinished, true=np.arange(x.shape[1] + useless.shape[1]) < x.shape[1], **found)
            unfinished.rename(record)
            print(f"{record.stem}: {found['seconds']:.1f} s", flush=True)


@dataclass(frozen=True)
class Model:
    """What one choice hands over: shares of the true and of the useless columns, and its loss over the plain path's.

    ``own`` is its loss over that of the same choice on the true columns alone;
    ``agreement`` is the mean share of the support's inputs that a fold's network holds.
    """

    true: float
    useless: float
    loss: float
    own: float
    agreement: float


def read(records: Path, seed: int, pieces: int) -> dict[tuple[str, str], dict[str, Any]]:
    """Read the records of a seed, by table and way."""
    files = sorted(records.glob(f"*, {suffix(seed, pieces)}"))
    return {tuple(file.stem.split(", ")[:2]): dict(np.load(file)) for file in files}  # type: ignore[misc]


def minimum_of(record: dict[str, Any], arms: tuple[int, ...]) -> tuple[Array, Array, float]:
    """Return support, frequencies and loss of the arm, of some, and the strength that have the lowest held-out loss."""
    weights = record["weights"] / record["weights"].sum()
    means = {arm: record[f"row_loss {arm}"] @ weights for arm in arms}
    arm = min(arms, key=lambda number: np.nanmin(means[number]))
    at = len(means[arm]) - 1 - int(np.nanargmin(means[arm][::-1]))
    kept = record[f"kept {arm}"][at]
    return kept[-1], kept[:-1].mean(axis=0), float(record[f"fresh {arm}"][at])


CHOICES: dict[str, Callable[[dict[str, Any]], tuple[Array, Array, float]]] = {
    "plain path": lambda record: minimum_of(record, (0,)),
    "lowest held-out loss of all arms": lambda record: minimum_of(record, (0, 1, 2)),
    "refits at their lowest": lambda record: minimum_of(record, (2,)),
    "handed over": lambda record: (record["support"], record["frequency"], float(record["fresh"])),
}


def geometric_mean(ratios: list[float]) -> str:
    """Return the geometric mean of ratios and its standard error."""
    logs = np.log(ratios)
    return f"{np.exp(logs.mean()):.3f} +- {logs.std() / max(len(logs) - 1, 1) ** 0.5:.3f}"


def report(records: Path, seed: int, pieces: int) -> str:
    """Return the tables of a seed, in Markdown."""
    found = read(records, seed, pieces)
    tables = sorted({table for table, _ in found if all((table, way) in found for way in WAYS)})
    base = {table: minimum_of(found[table, "none"], (0,))[2] for table in tables}

    def model(choice: str, table: str, way: str) -> Model:
        record = found[table, way]
        support, frequency, loss = CHOICES[choice](record)
        true = record["true"]
        agreement = frequency[support].mean() if support.any() else 1.0
        useless = support[~true].mean() if way != "none" else 0.0
        alone = CHOICES[choice](found[table, "none"])[2]
        return Model(support[true].mean(), useless, loss / base[table], loss / alone, agreement)

    def cell(choice: str, ways: tuple[str, ...]) -> str:
        models = [model(choice, table, way) for table in tables for way in ways]
        true, useless = (np.mean([getattr(each, name) for each in models]) for name in ("true", "useless"))
        losses, own = (geometric_mean([getattr(each, name) for each in models]) for name in ("loss", "own"))
        agreement = np.mean([each.agreement for each in models])
        return f"{true:.2f}/{useless:.3f}, {losses}, {own}, {agreement:.2f}"

    planted_ways = WAYS[1:]
    rows = [[choice, cell(choice, planted_ways), *(cell(choice, (way,)) for way in WAYS)] for choice in CHOICES]
    each = []
    for table in tables:
        cells = [table, str(found[table, "none"]["true"].size)]
        for way in WAYS:
            record, one = found[table, way], model("handed over", table, way)
            true = record["true"]
            held, folds = record["support"], record["frequency"]
            cells.append(
                f"{held[true].sum()}+{held[~true].sum()} ({folds[true].sum():.1f}+{folds[~true].sum():.1f}), "
                f"{one.loss:.3f}, {record['name']}"
            )
        each.append(cells)
    parts = [
        f"# Selecting inputs of real tables among planted ones, seed {seed}{f', {pieces} pieces' * bool(pieces)}",
        f"{datetime.date.today()}; {machine()['processor']}; `python benchmarks/planted_inputs.py FOLDER --seed {seed} "
        f"--pieces {pieces}`. "
        f"{len(tables)} tables.\nMean shares of true/useless columns kept; loss over the plain path's on the true "
        "columns alone; loss over that of\nthe same choice on the true columns alone; mean share of the folds that "
        "hold a kept input.",
        markdown(["", "all planted", *WAYS], rows),
        "## What is handed over\n\nTrue + useless inputs (mean of the folds), the loss, the arm.",
        markdown(["", "columns", *WAYS], each),
    ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Fit what is missing and print the report; or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--pieces", type=int, default=0, help="of the encoding of every column of numbers")
    parser.add_argument("--records", type=Path, default=Path("planted-records"))
    parser.add_argument("--tables", default="", help="only these, parted by commas")
    parser.add_argument("--report", type=Path, help="write the report here, and fit nothing")
    arguments = parser.parse_args()
    if arguments.report is not None:
        arguments.report.write_text(report(arguments.records, arguments.seed, arguments.pieces), encoding="utf-8")
        return
    tables = list(filter(None, arguments.tables.split(",")))
    run(arguments.folder, arguments.records, arguments.seed, arguments.pieces, tables)
    sys.stdout.write(report(arguments.records, arguments.seed, arguments.pieces))


if __name__ == "__main__":
    main()
