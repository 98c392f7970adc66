"""Is the verdict right on real data: a long nested cross-validation beside every diagnosis.

    python benchmarks/nested_cv.py [--repeats 4] [--tables cancer,digits,diabetes,adult] [--output FOLDER]

The measurement knows nothing of ``ridgewalk.diagnostics`` and ``ridgewalk.path.selection``: scikit-learn's splitters
draw five outer folds, several times anew (stratified for classes). On each outer training set the public estimator
fits a path, its own five inner folds choose the strength, and what it predicts for the rows left out is scored; so
is the network of the same start at strength 0. Folds and starts are new in every repeat.

    gain        of a row, averaged over the repeats: loss with the penalty, minus without (below 0: the penalty helps)
    by rows     mean +- 1.96 sd(gain) / sqrt(rows)
    corrected   mean +- t(J - 1) sqrt((1/J + held-out rows / training rows) var(fold means)), J = folds x repeats
                (Nadeau and Bengio, Machine Learning 2003)

The diagnosis is that of ``model.diagnose()`` on the same table, with the command line's three starts. The two agree
where each mean lies inside the other's interval by rows, and neither says that the penalty helps where the other says
that it hurts. Writes nested_cv.md into benchmarks/results.

    cancer      breast cancer, 569 x 30, two classes (scikit-learn)
    digits      700 of 1,797 rows x 64, ten classes (scikit-learn)
    diabetes    442 x 10, a number (scikit-learn)
    adult       1,500 of 32,561 rows x 14, eight of them categories, two classes (the table inside mglearn, from PyPI)
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import log_softmax
from scipy.stats import t as student
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold, train_test_split

from engine import machine
from ridgewalk import MLPClassifierCV, MLPRegressorCV
from ridgewalk.arrays import Array
from ridgewalk.engine import native
from ridgewalk.tables import Encoder, make_table

FOLDS, STRENGTHS, HIDDEN, STARTS = 5, 20, (32,), 3
NORMAL = 1.96

ADULT = (
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship", "race",
    "gender", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income",
)  # fmt: skip


class MissingTableError(Exception):
    """A table whose package is not installed."""


def cancer() -> tuple[pd.DataFrame, str]:
    """Breast cancer."""
    return load_breast_cancer(as_frame=True).frame, "target"


def digits() -> tuple[pd.DataFrame, str]:
    """Digits, some of the rows."""
    return some(load_digits(as_frame=True).frame, "target", 700), "target"


def diabetes() -> tuple[pd.DataFrame, str]:
    """Diabetes."""
    return load_diabetes(as_frame=True).frame, "target"


def adult() -> tuple[pd.DataFrame, str]:
    """Incomes, some of the rows."""
    found = importlib.util.find_spec("mglearn")  # looked for, not imported: it would draw in plotting
    folders = list(found.submodule_search_locations or ()) if found else []
    if not folders:
        raise MissingTableError("its table is inside mglearn: pip install --no-deps mglearn")
    file = Path(folders[0]) / "data" / "adult.data"
    frame = pd.read_csv(file, header=None, names=list(ADULT), skipinitialspace=True, na_values="?")
    return some(frame, "income", 1_500), "income"


def some(frame: pd.DataFrame, target: str, rows: int) -> pd.DataFrame:
    """Draw some of the rows, the same every time, each class by its share."""
    return train_test_split(frame, train_size=rows, stratify=frame[target], random_state=0)[0].reset_index(drop=True)


TABLES: dict[str, Callable[[], tuple[pd.DataFrame, str]]] = {
    "cancer": cancer,
    "digits": digits,
    "diabetes": diabetes,
    "adult": adult,
}


@dataclass(frozen=True)
class Measured:
    """What the nested cross-validation found.

    Attributes
    ----------
    before, after : float
        Mean held-out losses without and with the penalty.
    mean, by_rows, corrected : float
        Of the gain, and half its intervals.
    score_before, score_after : float
        Accuracy, or the share of variance explained.
    zero : float
        Share of the outer training sets whose inner folds chose strength 0.
    """

    before: float
    after: float
    mean: float
    by_rows: float
    corrected: float
    score_before: float
    score_after: float
    zero: float


def losses(output: Array, y: Array, classes: Array | None) -> Array:
    """Score raw outputs (n, C) row by row: log loss, or half the squared error."""
    if classes is None:
        return np.asarray((output[:, 0] - y) ** 2 / 2)
    logits = np.hstack([np.zeros_like(output), output]) if output.shape[1] == 1 else output
    return np.asarray(-log_softmax(logits, axis=1)[np.arange(len(y)), np.searchsorted(classes, y)])


def told(output: Array, classes: Array | None) -> Array:
    """Read classes, or numbers, off raw outputs."""
    if classes is None:
        return output[:, 0]
    return np.asarray(classes[output.argmax(axis=1) if output.shape[1] > 1 else (output[:, 0] > 0).astype(int)])


def checked(rows: Array, model: Any, x: Array, y: Array) -> Array:
    """Hold the losses of the chosen network against scikit-learn's own metric of the estimator's predictions."""
    if hasattr(model, "classes_"):
        mean = log_loss(y, model.predict_proba(x), labels=model.classes_)
    else:
        mean = mean_squared_error(y, model.predict(x)) / 2
    np.testing.assert_allclose(rows.mean(), mean, rtol=1e-6)
    return rows


def measure(model: Any, x: Array, y: Array, classes: bool, repeats: int) -> Measured:
    """Run the nested cross-validation."""
    splitter = (RepeatedStratifiedKFold if classes else RepeatedKFold)(
        n_splits=FOLDS, n_repeats=repeats, random_state=1
    )
    before, after = np.zeros(len(y)), np.zeros(len(y))
    folds, scores, zero = [], [], []
    share = 0.0
    for number, (training, held_out) in enumerate(splitter.split(x, y)):
        inner = clone(model).set_params(random_state=1_000 + number // FOLDS).fit(x[training], y[training])
        without = inner.path_.model(0, 0)
        labels = inner.classes_ if classes else None
        free = losses(without.output(x[held_out]), y[held_out], labels)
        chosen = checked(losses(inner.model_.output(x[held_out]), y[held_out], labels), inner, x[held_out], y[held_out])
        before[held_out] += free / repeats
        after[held_out] += chosen / repeats
        folds.append(chosen.mean() - free.mean())
        share += len(held_out) / len(training) / (FOLDS * repeats)
        zero.append(inner.alpha_ == 0)
        metric = accuracy_score if classes else r2_score
        outputs = [each.output(x[held_out]) for each in (without, inner.model_)]
        scores.append([metric(y[held_out], told(output, labels)) for output in outputs])
    gain, count = after - before, FOLDS * repeats
    spread = np.var(folds, ddof=1) * (1 / count + share)
    return Measured(
        float(before.mean()),
        float(after.mean()),
        float(gain.mean()),
        float(NORMAL * gain.std(ddof=1) / np.sqrt(len(y))),
        float(student.ppf(0.975, count - 1) * np.sqrt(spread)),
        *np.mean(scores, axis=0).tolist(),
        float(np.mean(zero)),
    )


def agree(measured: Measured, numbers: dict[str, float]) -> bool:
    """Whether each mean lies inside the other's interval by rows, and the two do not contradict each other."""
    low, high = numbers["difference_low"], numbers["difference_high"]
    ours = measured.mean - measured.by_rows, measured.mean + measured.by_rows
    inside = ours[0] <= numbers["difference"] <= ours[1] and low <= measured.mean <= high
    opposed = (ours[1] < 0 < low) or (high < 0 < ours[0])
    return inside and not opposed


def interval(low: float, high: float) -> str:
    """Print an interval."""
    return f"{low:+.4g} to {high:+.4g}"


def main() -> None:
    """Run all tables, print and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    place = machine()
    lines = [
        "# The verdict beside a long nested cross-validation, on real data",
        "",
        f"`python benchmarks/nested_cv.py --repeats {options.repeats} --tables {options.tables}`, "
        f"{datetime.date.today()}, one core of {place['processor']} ({place['family_model']}, engine "
        f"{native.load()[0]}), {place['system']}, NumPy {np.__version__}.",
        "",
        f"Loss with the penalty minus without, on held-out rows (below 0: it helps); nats, or half squared errors; "
        f"intervals of 95%. One hidden layer of {HIDDEN[0]}, {STRENGTHS} strengths, all else by default. Nested: "
        f"{FOLDS} folds, {options.repeats} times, strengths chosen inside the outer training set, one start each. "
        f"Diagnosis: `diagnose()` of one fit with {STARTS} starts.",
        "",
        "| table | rows x columns | loss without -> with, nested | nested: difference | by rows | corrected "
        "| diagnosis: difference | interval | for other training rows | verdict | agree | nested score without -> with "
        "| processor seconds, nested + diagnosis |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|---|---|---|--:|",
    ]
    print("\n".join(lines), flush=True)
    said = []
    for name in options.tables.split(","):
        try:
            frame, target = TABLES[name]()
        except MissingTableError as error:
            lines.append(f"| {name} | left out: {error} |" + " |" * 11)
            print(lines[-1], flush=True)
            continue
        table = make_table(frame, target)
        x, y = Encoder().fit(table.inputs).transform(table.inputs), table.target.to_numpy()
        classes = table.task == "classification"
        model = (MLPClassifierCV if classes else MLPRegressorCV)(HIDDEN, alphas=STRENGTHS, random_state=0)
        began = time.process_time()
        measured = measure(model, x, y, classes, options.repeats)
        middle = time.process_time()
        diagnosis = clone(model).set_params(n_seeds=STARTS).fit(x, y).diagnose()
        ended = time.process_time()
        numbers = diagnosis.numbers
        by_rows, corrected = (
            interval(measured.mean - half, measured.mean + half) for half in (measured.by_rows, measured.corrected)
        )
        score = "accuracy" if classes else "R2"
        lines.append(
            f"| {name} | {x.shape[0]:,} x {x.shape[1]} | {measured.before:.4g} -> {measured.after:.4g} "
            f"| {measured.mean:+.4g} | {by_rows} "
            f"| {corrected} | {numbers['difference']:+.4g} "
            f"| {interval(numbers['difference_low'], numbers['difference_high'])} "
            f"| {interval(numbers['careful_low'], numbers['careful_high'])} | {diagnosis.verdict} "
            f"| {'yes' if agree(measured, numbers) else 'no'} "
            f"| {score} {measured.score_before:.3f} -> {measured.score_after:.3f} "
            f"| {middle - began:.0f} + {ended - middle:.0f} |"
        )
        print(lines[-1], flush=True)
        said += ["", f"## {name}", "", "```", str(diagnosis), "```"]
        print("\n".join(said[-6:]), flush=True)
    (options.output / "nested_cv.md").write_text("\n".join([*lines, *said]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
