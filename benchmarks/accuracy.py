"""Compare ridgewalk's predictions with those of what else a user of tables would pick.

    python benchmarks/accuracy.py FOLDER [--seed 2] [--folds 3] [--records FOLDER] [--models A,B] [--tables A,B]
                                         [--share 1/2] [--report FILE]

FOLDER holds tables as Parquet files; the last column of each is its target: classes where it is text, truth values or
whole numbers, numbers where it has fractions. All models see the same rows: the first ``--folds`` of five shuffled
folds (stratified for classes) drawn by ``--seed``; training rows are capped at 2,000, or at 5,000 of tables of 10,000
rows and more.

Loss: log loss, probabilities clipped to 1e-6 at least, or root mean squared error over the deviation of the held-out
targets. Every model runs in one thread, its processor time counted, fitting and predicting together. The rivals:

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
on; reported is seed 2. Needs ``pip install '.[bench]'``.
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_float_dtype, is_numeric_dtype
from sklearn.model_selection import KFold, StratifiedKFold
from threadpoolctl import threadpool_limits

import ridgewalk
from engine import machine

Predict = Callable[["Split"], np.ndarray]
FOLDS = 5
CAPS = {10_000: 2_000, np.inf: 5_000}  # training rows, by the table's rows below which they hold
SMALLEST = 1e-6  # probability
WORSE, CLEAR = 1.02, 2.0  # ratio of losses; paired standard errors


@dataclass(frozen=True, eq=False)
class Split:
    """Rows to learn from, rows to predict and their answers.

    Attributes
    ----------
    x, new : DataFrame
        Categories are of pandas' dtype, with the table's levels.
    y, answers : array
        Numbers, or the numbers of classes.
    classes : int
        0 where numbers are predicted.
    seed : int
    """

    x: pd.DataFrame
    y: np.ndarray
    new: pd.DataFrame
    answers: np.ndarray
    classes: int
    seed: int

    @cached_property
    def categories(self) -> list[str]:
        """Names of the columns of categories."""
        return [name for name in self.x if not is_numeric_dtype(self.x[name])]

    def filled(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return both tables, numbers that are missing replaced by the median."""
        numbers = self.x.columns.difference(self.categories)
        medians = self.x[numbers].median()
        return tuple(table.assign(**table[numbers].fillna(medians)) for table in (self.x, self.new))  # type: ignore[return-value]

    def chances(self, classes: np.ndarray, given: np.ndarray) -> np.ndarray:
        """Return probabilities of every class of the table, of those of the classes that a model knows."""
        every = np.zeros((len(given), self.classes))
        every[:, np.asarray(classes, dtype=int)] = given
        return every

    def predicted(self, model: Any, new: Any) -> np.ndarray:
        """Return what a fitted scikit-learn estimator predicts: probabilities of the classes, or numbers."""
        if self.classes:
            return self.chances(model.classes_, model.predict_proba(new))
        return np.asarray(model.predict(new), dtype=float).ravel()

    def row_losses(self, predicted: np.ndarray) -> np.ndarray:
        """Return the log loss of every held-out row, or the squared error over the variance of their targets."""
        if self.classes:
            chances = np.clip(predicted[np.arange(len(predicted)), self.answers], SMALLEST, 1)
            return -np.log(chances)
        return (self.answers - predicted) ** 2 / self.answers.var()


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


def ridgewalk_of(**options: Any) -> Predict:
    """Return ridgewalk's path over the columns as its command line encodes them."""

    def predict(split: Split) -> np.ndarray:
        from ridgewalk import MLPClassifierCV, MLPRegressorCV
        from ridgewalk.tables import Encoder

        encoder = Encoder.fit(split.x)
        estimator = MLPClassifierCV if split.classes else MLPRegressorCV
        model = estimator(random_state=split.seed, **options).fit(encoder.transform(split.x), split.y)
        return split.predicted(model, encoder.transform(split.new))

    return predict


def columns(split: Split) -> Any:
    """Return a preparation for scikit-learn's linear models and network: standardized numbers, indicators of levels."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = [name for name in split.x if name not in split.categories]
    levels = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers), (levels, split.categories)
    )


def linear(split: Split) -> np.ndarray:
    """Predict by logistic or ridge regression, its penalty chosen by cross-validation."""
    from sklearn.linear_model import LogisticRegressionCV, RidgeCV
    from sklearn.pipeline import make_pipeline

    model: Any = RidgeCV(np.logspace(-4, 5, 30))
    if split.classes:
        model = LogisticRegressionCV(
            Cs=np.logspace(-4, 4, 10),
            l1_ratios=(0,),
            scoring="neg_log_loss",
            max_iter=1_000,
            use_legacy_attributes=False,
        )
    return split.predicted(make_pipeline(columns(split), model).fit(split.x, split.y), split.new)


def forest(split: Split) -> np.ndarray:
    """Predict by a random forest, the size of its leaves chosen by the out-of-bag loss."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.preprocessing import OrdinalEncoder

    x, new = split.filled()
    if split.categories:
        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(x[split.categories])
        for table in (x, new):  # copies
            table[split.categories] = codes.transform(table[split.categories])
    kind = RandomForestClassifier if split.classes else RandomForestRegressor
    found = []
    for leaf in (1, 5):
        model = kind(500, min_samples_leaf=leaf, oob_score=True, random_state=split.seed, n_jobs=1).fit(x, split.y)
        if split.classes:
            chances = model.oob_decision_function_[np.arange(len(x)), np.searchsorted(model.classes_, split.y)]
            loss = -np.log(np.clip(np.nan_to_num(chances), SMALLEST, 1)).mean()
        else:
            loss = np.mean((split.y - model.oob_prediction_) ** 2)
        found.append((loss, leaf, model))
    return split.predicted(min(found)[-1], new)


def boosting(**options: Any) -> Predict:
    """Return scikit-learn's boosted trees."""

    def predict(split: Split) -> np.ndarray:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        kind = HistGradientBoostingClassifier if split.classes else HistGradientBoostingRegressor
        model = kind(random_state=split.seed, **({"early_stopping": False} | options)).fit(split.x, split.y)
        return split.predicted(model, split.new)

    return predict


def inner(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Return rows to train on and a fifth to stop by."""
    from sklearn.model_selection import train_test_split

    kept = split.y if split.classes else None
    return tuple(train_test_split(np.arange(len(split.y)), test_size=0.2, random_state=split.seed, stratify=kept))  # type: ignore[return-value]


def lightgbm(early: bool) -> Predict:
    """Return LightGBM, by its defaults or stopped early."""

    def predict(split: Split) -> np.ndarray:
        from lightgbm import LGBMClassifier, LGBMRegressor, early_stopping

        kind = LGBMClassifier if split.classes else LGBMRegressor
        common = {"random_state": split.seed, "n_jobs": 1, "verbose": -1}
        if not early:
            return split.predicted(kind(**common).fit(split.x, split.y), split.new)
        a, b = inner(split)
        model = kind(n_estimators=2_000, learning_rate=0.05, **common)
        stop = early_stopping(50, verbose=False)
        model.fit(split.x.iloc[a], split.y[a], eval_set=[(split.x.iloc[b], split.y[b])], callbacks=[stop])
        return split.predicted(model, split.new)

    return predict


def catboost(early: bool) -> Predict:
    """Return CatBoost, by 500 rounds or stopped early."""

    def predict(split: Split) -> np.ndarray:
        from catboost import CatBoostClassifier, CatBoostRegressor

        kind = CatBoostClassifier if split.classes else CatBoostRegressor
        named = dict.fromkeys(split.categories, "string")
        gaps, texts = (dict.fromkeys(split.categories, value) for value in ("missing", object))
        x, new = (table.astype(named).fillna(gaps).astype(texts) for table in (split.x, split.new))
        common: dict[str, Any] = {"random_seed": split.seed, "thread_count": 1, "verbose": False}
        common |= {"allow_writing_files": False, "cat_features": split.categories}
        if not early:
            return split.predicted(kind(iterations=500, **common).fit(x, split.y), new)
        a, b = inner(split)
        model = kind(iterations=2_000, early_stopping_rounds=50, **common)
        return split.predicted(model.fit(x.iloc[a], split.y[a], eval_set=(x.iloc[b], split.y[b])), new)

    return predict


def mlp(split: Split) -> np.ndarray:
    """Predict by scikit-learn's network, its L2 chosen by grid search."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.model_selection import GridSearchCV
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    kind = MLPClassifier if split.classes else MLPRegressor
    name = "mlpclassifier__alpha" if split.classes else "mlpregressor__alpha"
    model = make_pipeline(columns(split), kind(max_iter=500, random_state=split.seed))
    scoring = "neg_log_loss" if split.classes else "neg_mean_squared_error"
    search = GridSearchCV(model, {name: np.logspace(-4, 1, 6)}, scoring=scoring, cv=3)
    whole = search if split.classes else TransformedTargetRegressor(search, transformer=StandardScaler())
    return split.predicted(whole.fit(split.x, split.y), split.new)


def realmlp(members: int) -> Predict:
    """Return RealMLP-TD of so many members."""

    def predict(split: Split) -> np.ndarray:
        from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

        common: dict[str, Any] = {"device": "cpu", "random_state": split.seed, "n_threads": 1, "n_cv": members}
        x, new = split.filled()
        if not split.classes:
            return split.predicted(RealMLP_TD_Regressor(**common).fit(x, split.y), new)
        model = RealMLP_TD_Classifier(val_metric_name="cross_entropy", use_ls=False, **common)
        return split.predicted(model.fit(x, split.y), new)

    return predict


def tabm(split: Split) -> np.ndarray:
    """Predict by TabM over piecewise-linear embeddings."""
    from pytabkit import TabM_D_Classifier, TabM_D_Regressor

    common: dict[str, Any] = {"device": "cpu", "random_state": split.seed, "n_threads": 1}
    common |= {"arch_type": "tabm-mini", "num_emb_type": "pwl", "num_emb_n_bins": 32}
    x, new = split.filled()
    if not split.classes:
        return split.predicted(TabM_D_Regressor(**common).fit(x, split.y), new)
    return split.predicted(TabM_D_Classifier(val_metric_name="cross_entropy", **common).fit(x, split.y), new)


def lassonet(split: Split) -> np.ndarray:
    """Predict by LassoNet, its strength chosen by cross-validation."""
    from lassonet import LassoNetClassifierCV, LassoNetRegressorCV
    from sklearn.preprocessing import StandardScaler

    prepared = columns(split).fit(split.x)
    x, new = (np.asarray(prepared.transform(table), dtype=np.float32) for table in (split.x, split.new))
    common = {"random_state": split.seed, "verbose": 0}
    if split.classes:
        model = LassoNetClassifierCV(**common).fit(x, split.y)
        return split.chances(np.unique(split.y), np.asarray(model.predict_proba(new)))
    scale = StandardScaler().fit(split.y[:, None])
    model = LassoNetRegressorCV(**common).fit(x, scale.transform(split.y[:, None]).astype(np.float32))
    return np.asarray(scale.inverse_transform(np.asarray(model.predict(new)).reshape(-1, 1))).ravel()


BEFORE: dict[str, Any] = {
    "hidden_layer_sizes": (32,),
    "alphas": 30,
    "max_iter": 600,
    "batch_size": None,
    "learning_rate_init": 0.01,
}
"""The estimators' defaults of version 0.1.0, as it was first built."""

OURS, OURS_BEFORE = "ridgewalk", "ridgewalk before"
MODELS: dict[str, dict[str, Predict]] = {
    OURS: {"defaults": ridgewalk_of()},
    OURS_BEFORE: {"defaults": ridgewalk_of(**BEFORE)},
    "linear": {"by cross-validation": linear},
    "forest": {"leaves by out-of-bag loss": forest},
    "HGB": {
        "defaults": boosting(),
        "early": boosting(early_stopping=True, max_iter=1_000, learning_rate=0.05, n_iter_no_change=30),
    },
    "LightGBM": {"defaults": lightgbm(early=False), "early": lightgbm(early=True)},
    "CatBoost": {"500 rounds": catboost(early=False), "early": catboost(early=True)},
    "MLP": {"alpha by grid search": mlp},
    "RealMLP": {"alone": realmlp(1)},
    "RealMLP x 5": {"five members": realmlp(5)},
    "TabM": {"piecewise-linear": tabm},
    "LassoNet": {"by cross-validation": lassonet},
}
"""Every model's ways."""

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
    models = [model for model in MODELS if any(model == each for _, each, _ in fits)]
    ranked = [model for model in models if model not in (*FIRST_FOLD, OURS_BEFORE)]
    losses = {
        (table, model): float(np.mean([score(fits[table, model, k]) for k in range(folds)]))
        for table in tables
        for model in (*ranked, OURS_BEFORE)
        if (table, model, 0) in fits
    }
    ours = OURS if any((table, OURS) in losses for table in tables) else OURS_BEFORE
    if ours is OURS_BEFORE:
        ranked = [OURS_BEFORE, *(model for model in ranked if model != OURS)]
    first = {(table, model): score(fits[table, model, 0]) for table, model, k in fits if model in FIRST_FOLD}
    lines = [
        f"# Predictions, seed {seed}, {folds} folds of {len(tables)} tables",
        "",
        f"{datetime.date.today()}; {machine()['processor']}, {machine()['cores']} cores; {versions()}.",
        "`python benchmarks/accuracy.py FOLDER` says how; log loss, or root mean squared error over the deviation.",
        "In brackets: the first fold alone. **Bold**: the lowest of those that are ranked.",
        "",
    ]
    shown = [model for model in models if model in ranked or model in FIRST_FOLD or model == OURS_BEFORE]
    lines += ["| | " + " | ".join(shown) + " |", "|---" * (len(shown) + 1) + "|"]
    for table in tables:
        lowest = min(losses[table, model] for model in ranked if (table, model) in losses)
        cells = []
        for model in shown:
            loss = losses.get((table, model))
            text = "-" if loss is None else f"{loss:.3f}"
            text = f"**{text}**" if loss == lowest else text
            cells.append(f"({first[table, model]:.3f})" if (table, model) in first else text)
        lines.append(f"| {table} | " + " | ".join(cells) + " |")
    numbers = [table for table in tables if not next(fits[key]["classes"] for key in fits if key[0] == table)]
    kinds = {"all": tables, "classes": [t for t in tables if t not in numbers], "numbers": numbers}
    lines += ["", "## Mean ranks", "", "A fit that is missing, or failed, ranks last.", ""]
    lines += ["| | " + " | ".join(ranked) + " |", "|---" * (len(ranked) + 1) + "|"]
    for kind, some in kinds.items():
        rank = [pd.Series({m: losses.get((t, m), np.inf) for m in ranked}).rank() for t in some]
        means = pd.concat(rank, axis=1).mean(axis=1) if rank else pd.Series(dtype=float)
        lines.append(f"| {kind} ({len(some)}) | " + " | ".join(f"{means.get(m, np.nan):.1f}" for m in ranked) + " |")
    lines += ["", f"## {ours} beside each", ""]
    lines.append(
        "Ratio: geometric mean of our loss over theirs; then without the table that is best for us, and by kind."
    )
    lines.append(f"Won, lost: by more than {CLEAR:g} paired standard errors over the held-out rows.")
    lines += [
        "",
        "| | tables | ratio | without the best | classes | numbers | won | lost |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [_beside(fits, tables, numbers, ours, model, folds) for model in shown if model != ours]
    if ours is OURS and any((table, OURS_BEFORE) in losses for table in tables):
        lines += ["", "## Now over before, by table", "", "| | ratio | paired standard errors | |", "|---|--:|--:|---|"]
        for table in tables:
            found = compare(fits, table, OURS, OURS_BEFORE, folds)
            if found:
                note = "worse" if found[0] > WORSE and found[1] > CLEAR else ""
                lines.append(f"| {table} | {found[0]:.3f} | {found[1]:+.1f} | {note} |")
    lines += [
        "",
        "## Processor seconds of a fit and its predictions, medians",
        "",
        "| training rows | " + " | ".join(shown) + " |",
    ]
    lines.append("|---" * (len(shown) + 1) + "|")
    for least, most in ((0, 1_000), (1_000, 2_000), (2_000, 5_000)):
        cells = []
        for model in shown:
            spent = [f["cpu_seconds"] for key, f in fits.items() if key[1] == model and least < f["rows"][0] <= most]
            cells.append(f"{np.median(spent):.1f}" if spent else "-")
        lines.append(f"| {least:,} to {most:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _beside(fits: Fits, tables: list[str], numbers: list[str], ours: str, model: str, folds: int) -> str:
    """Return the row of one model beside ours."""
    pairs = {table: compare(fits, table, ours, model, folds) for table in tables}
    found = {table: pair for table, pair in pairs.items() if pair is not None}
    logs = pd.Series({table: np.log(ratio) for table, (ratio, _) in found.items()}, dtype=float)
    kinds = logs.index.isin(numbers)
    parts = [logs, logs.sort_values()[1:], logs[~kinds], logs[kinds]]
    means = " | ".join(f"{np.exp(part.mean()):.3f}" if len(part) else "-" for part in parts)
    won, lost = (sum(side * errors > CLEAR for _, errors in found.values()) for side in (-1, 1))
    return f"| {model} | {len(found)} | {means} | {won} | {lost} |"


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
