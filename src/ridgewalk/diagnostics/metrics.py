"""Metrics of held-out predictions (accuracy, AUC, R2, ...), written as means over rows so that errors follow.

Each row has one number per metric. Their weighted mean is the metric, and the standard error of this mean
(:func:`ridgewalk.path.selection.mean_and_error`) is that of the metric to first order (the delta method; van der Vaart,
Asymptotic Statistics, 1998, chapter 3). Differences of metrics are therefore paired row by row, like those of losses.

    accuracy   1 if the class is right; with several labels, the share of right labels
    AUC        2 A - B + (W / W+) (V - A) for a row of the class, with W- for another;  V is the share of the rows of
               the other class that the score puts on the right side of this row (ties count one half), B the AUC of
               its fold
    MAE        |e|
    RMSE       r + (e^2 - r^2) / (2 r)                                   r^2 the mean of e^2
    R2         R + ( (1 - R) (t - mean t)^2 - e^2 ) / variance of t      R = 1 - r^2 / variance of t

The AUC is computed within each fold, because the networks of different folds have no common scale of scores, and
averaged by weight over the folds that hold out both classes. With more than two classes, or labels, it is the mean of
the one-against-rest AUCs. With one fold its error is that of DeLong, DeLong and Clarke-Pearson (Biometrics 1988).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ridgewalk.arrays import Array, Booleans, Integers
from ridgewalk.folds import average_by_row
from ridgewalk.losses import Loss, facts
from ridgewalk.objective import weighted_mean

Metric = Literal["accuracy", "AUC", "log loss", "R2", "RMSE", "MAE"]
"""Names of the metrics; the log loss is the held-out loss of classes and labels, which a path has of every row."""
_EVEN = 0.5


@dataclass(frozen=True, eq=False)
class HeldOutPredictions:
    """Predictions for the rows that folds hold out.

    Attributes
    ----------
    rows : sequence of integers, K times (n,)
        Row numbers, each at most once in a fold.
    values : sequence of arrays, K times (E, n, C)
        Of E starts: probabilities (of the second class where C is 1), or numbers.
    """

    rows: Sequence[Integers]
    values: Sequence[Array]


def metric_rows(predicted: HeldOutPredictions, target: Array, weights: Array, loss: Loss) -> dict[Metric, Array]:
    """Compute the metrics of a task, each as numbers of the rows whose weighted mean it is.

    Parameters
    ----------
    predicted : HeldOutPredictions
    target : array, shape (N, C)
        As the loss encodes it.
    weights : array, shape (N,)
        Of held-out rows; 0 for rows that no fold holds out.
    loss : Loss

    Returns
    -------
    dict
        By the name of a metric: array (N,), averaged over starts. Of classes and labels accuracy and AUC, of numbers
        R2, RMSE and MAE in the units of the target, each the mean over outputs. NaN where a metric is not defined: an
        AUC without a fold that holds both kinds out, an R2 where the target does not vary, what diverged.
    """
    of_task = _of_classes if facts(loss).is_classification else _of_numbers
    found = []
    for start in range(len(predicted.values[0])):
        one = _OneStart(predicted.rows, [each[start] for each in predicted.values], target, weights)
        with np.errstate(all="ignore"):  # what diverged
            found.append(of_task(one, loss))
    return {name: np.mean([each[name] for each in found], axis=0) for name in found[0]}


@dataclass(frozen=True, eq=False)
class _OneStart:
    """Predictions of the networks of one seed, K times (n, C), with target (N, C) and weights (N,)."""

    rows: Sequence[Integers]
    values: Sequence[Array]
    target: Array
    weights: Array

    def by_row(self, values: Sequence[Array]) -> Array:
        """Average values, K times (..., n), over the folds that hold a row out: (..., N)."""
        return average_by_row(self.rows, values, len(self.target))


def _of_classes(one: _OneStart, loss: Loss) -> dict[Metric, Array]:
    """Compute accuracy and AUC of probabilities."""
    labels, outputs = one.target > _EVEN, one.target.shape[1]
    choose = outputs > 1 and not facts(loss).is_multilabel(outputs)
    pairs = [(values, labels[rows]) for values, rows in zip(one.values, one.rows, strict=True)]
    right = [_right(p, t, choose) for p, t in pairs]
    unknown = one.by_row([(~np.isfinite(p)).any(axis=1).astype(float) for p, _ in pairs]) > 0
    ranked = [each for each in (_auc_rows(one, column, labels[:, column]) for column in range(outputs)) if each.size]
    return {
        "accuracy": np.where(unknown, np.nan, one.by_row(right)),
        "AUC": np.mean(ranked, axis=0) if ranked else np.full(len(labels), np.nan),
    }


def _right(probabilities: Array, labels: Booleans, choose: bool) -> Array:
    """Return whether a row's class is predicted right, or the share of its labels that are: shape (n,)."""
    if choose:
        return np.asarray(probabilities.argmax(axis=1) == labels.argmax(axis=1), dtype=float)
    return np.asarray(((probabilities > _EVEN) == labels).mean(axis=1))


def _auc_rows(one: _OneStart, column: int, positive: Booleans) -> Array:
    """Compute the AUC of one score as numbers per row (N,); empty if no fold holds out both classes."""
    folds, weights = list(_placed(one, column, positive)), one.weights
    if not folds:
        return np.empty(0)
    held, used = np.zeros(len(weights), dtype=bool), weights > 0
    for fold in folds:
        held[fold.rows] = True
    is_small = {side: _few_rows(int((held & (positive == side)).sum()), int(used.sum())) for side in (True, False)}
    whole, total = sum(fold.weight for fold in folds), weights[used].sum()
    area = sum(fold.weight * fold.area for fold in folds) / whole
    rows = np.full(len(weights), area)
    for fold in folds:
        part = total * fold.weight / whole  # of all rows, that this fold's AUC stands for
        rows[fold.rows] -= part / fold.weight * (fold.area - area)  # both kinds of rows say how it differs
        for side in (True, False):
            its = positive[fold.rows] == side
            share = part / weights[fold.rows[its]].sum()
            rows[fold.rows[its]] += is_small[side] * share * (fold.placement[its] - area)
    return rows


def _few_rows(count: int, rows: int) -> float:
    """Return the factor that corrects the variance for few rows; NaN for one row."""
    return float(np.sqrt(count / (count - 1) * (rows - 1) / rows)) if count > 1 else np.nan


@dataclass(frozen=True, eq=False)
class _Placed:
    """Rows (n,) of a fold, their weight in all, the AUC, and each row's placement among those of the other kind."""

    rows: Integers
    weight: float
    area: float
    placement: Array


def _placed(one: _OneStart, column: int, positive: Booleans) -> Iterator[_Placed]:
    """Yield the folds that hold out both classes, with the placement of each row."""
    for values, numbers in zip(one.values, one.rows, strict=True):
        seen = one.weights[numbers] > 0
        rows, score = numbers[seen], values[seen, column]
        its, weight = positive[rows], one.weights[rows]
        of_class, of_rest = weight[its].sum(), weight[~its].sum()
        if not (of_class > 0 and of_rest > 0):
            continue
        _, place = np.unique(score, return_inverse=True)
        above = np.bincount(place, weight * its)  # weight of the class at each score, and of the rest
        below = np.bincount(place, weight * ~its)
        placement = np.where(
            its,
            (below.cumsum() - below / 2)[place] / of_rest,
            1 - (above.cumsum() - above / 2)[place] / of_class,
        )
        placement[~np.isfinite(score)] = np.nan
        yield _Placed(rows, float(weight.sum()), float(weighted_mean(placement[its], weight[its])), placement)


def _of_numbers(one: _OneStart, _: Loss) -> dict[Metric, Array]:
    """Compute R2, RMSE and MAE of numbers."""
    errors = [(values - one.target[rows]).T for values, rows in zip(one.values, one.rows, strict=True)]
    absolute, squares = one.by_row([np.abs(each) for each in errors]), one.by_row([each**2 for each in errors])
    mean = weighted_mean(squares, one.weights)[:, None]
    away = (one.target.T - weighted_mean(one.target.T, one.weights)[:, None]) ** 2
    variance = weighted_mean(away, one.weights)[:, None]
    varies = variance[:, 0] > 0
    explained, root = 1 - mean / variance, np.sqrt(mean)
    r2 = (explained + ((1 - explained) * away - squares) / variance)[varies]
    rmse = np.where(mean == 0, 0.0, root + (squares - mean) / (2 * root))
    return {
        "R2": r2.mean(axis=0) if varies.any() else np.full(len(one.target), np.nan),
        "RMSE": rmse.mean(axis=0),
        "MAE": absolute.mean(axis=0),
    }
