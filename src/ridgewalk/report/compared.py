"""Predictions along a path against observations: confusion, ROC curves, calibration, residuals.

held_out   rows of the fit, each predicted by the networks of the folds that held it out
given      rows passed by the user, predicted by the network of all rows
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ridgewalk.arrays import Array, Booleans, Integers
from ridgewalk.folds import average_by_row
from ridgewalk.losses import facts
from ridgewalk.path.result import MLPPath
from ridgewalk.report.rounding import round_digits, rounded, short, spread
from ridgewalk.report.schema import LossAlong, RowsAlong

MOST_CLASSES = 20
_MOST_DRAWN, _MOST_COMPARED = 200, 20_000  # rows that are drawn; rows that are counted
_BINS = 10
_MOST_CURVES, _PLACES = 12, 41  # ROC curves; places along each


@dataclass(frozen=True, eq=False)
class PageRows:
    """Rows for comparing predictions with observations.

    Attributes
    ----------
    x : array or sparse array, shape (N, P)
    target : array, shape (N, C)
        As the loss encodes it.
    """

    x: Any
    target: Array


def held_out(path: MLPPath, target: Array, names: list[str]) -> RowsAlong | None:
    """Compare the folds' predictions for their held-out rows, averaged over seeds and folds, with observations.

    None where a path holds no outputs of its folds, or all of them diverged.
    """
    networks = path.fold_networks
    if networks is None or not networks.outputs:
        return None
    used = np.flatnonzero(path.row_weights > 0)
    shown = used[spread(len(used), _MOST_COMPARED)]
    predicted, strengths, losses = [], [], []
    for place, strength in enumerate(networks.strengths):
        with np.errstate(all="ignore"):  # what diverged
            folds = [path.loss.predict(each[place].astype(np.float64)).mean(axis=0).T for each in networks.outputs]
        mean = average_by_row(path.heldout_rows, folds, len(path.row_weights)).T[shown]
        if np.isfinite(mean).all():
            predicted.append(mean)
            strengths.append(int(strength))
            losses.append(float(path.row_loss[strength][shown].mean()))
    if not strengths:
        return None
    losses_along: LossAlong = {"count": len(shown), "of": len(used), "strengths": strengths, "loss": rounded(losses)}
    return _compared(path, losses_along, target[shown], predicted, names)


def rows_along(path: MLPPath, page_rows: PageRows, names: list[str]) -> RowsAlong:
    """Compare the predictions of the best network of all rows for given rows with observations."""
    loss, target = path.loss, page_rows.target
    outputs = [path.model(s).output(page_rows.x) for s in range(len(path.alphas))]
    scale = path.whole.target_scale if target.shape[1] > 1 and not facts(loss).is_classification else 1.0
    losses_along: LossAlong = {
        "count": len(target),
        "of": len(target),
        "strengths": list(range(len(outputs))),
        "loss": rounded([loss.values(output / scale, target / scale).mean() for output in outputs]),
    }
    return _compared(path, losses_along, target, [loss.predict(output) for output in outputs], names)


def _compared(
    path: MLPPath, losses: LossAlong, target: Array, predicted: Sequence[Array], names: list[str]
) -> RowsAlong:
    """Compare predictions (N, C) of several strengths with the target (N, C)."""
    if not facts(path.loss).is_classification:
        shown = spread(len(target), _MOST_DRAWN)
        observed = target[:, 0]
        first = [each[:, 0] for each in predicted]
        return {
            **losses,
            "kind": "numbers",
            "targets": target.shape[1],
            "score": [_explained(observed, each) for each in first],
            "observed": rounded(observed[shown]),
            "predicted": [rounded(each[shown]) for each in first],
            "calibration": [_calibration(each, observed, _quantiles(each)) for each in first],
        }
    if facts(path.loss).is_multilabel(target.shape[1]):
        return {
            **losses,
            "kind": "labels",
            "calibrated": "every label",
            "score": _shares([(each > 0.5) == (target > 0.5) for each in predicted]),
            "calibration": _reliability([(each.ravel(), target.ravel()) for each in predicted]),
        }
    return _classes(losses, target, predicted, names)


def _classes(losses: LossAlong, target: Array, predicted: Sequence[Array], names: list[str]) -> RowsAlong:
    """Compare probabilities of classes."""
    single = target.shape[1] == 1
    truth = (target[:, 0] > 0.5).astype(int) if single else target.argmax(axis=1)
    chosen = [(each[:, 0] > 0.5).astype(int) if single else each.argmax(axis=1) for each in predicted]
    right = [each == truth for each in chosen]
    pairs = [
        (each[:, 0], target[:, 0]) if single else (each.max(axis=1), hit)
        for each, hit in zip(predicted, right, strict=True)
    ]
    counts = np.bincount(truth, minlength=len(names))
    shown = np.sort(np.argsort(-counts, kind="stable")[:MOST_CLASSES])
    of_curves = [0] if single else [int(k) for k in np.argsort(-counts, kind="stable")[:_MOST_CURVES] if counts[k]]
    rates = np.linspace(0, 1, _PLACES) ** 2  # denser where curves are steep
    curves = [[_roc(each[:, k], target[:, k] > 0.5, rates) for k in of_curves] for each in predicted]
    return {
        **losses,
        "kind": "classes",
        "calibrated": f"the probability of {short(names[1])}" if single else "the probability of the predicted class",
        "classes": [short(names[k]) for k in shown],
        "classes_left_out": len(names) - len(shown),
        "confusion": [_confusion(truth, each, len(names))[np.ix_(shown, shown)].tolist() for each in chosen],
        "score": _shares(right),
        "calibration": _reliability(pairs),
        "curves": [short(names[1 if single else k]) for k in of_curves],
        "rates": rounded(rates),
        "roc": [[rounded(curve, 3) for curve, _ in each] for each in curves],
        "auc": [[round_digits(area) for _, area in each] for each in curves],
    }


def _roc(probability: Array, positive: Booleans, rates: Array) -> tuple[Array, float]:
    """Return the true positive rates at some false positive rates, and the area under the whole curve."""
    order = np.argsort(-probability, kind="stable")
    last = np.flatnonzero(np.append(np.diff(probability[order]) != 0, True))  # of rows with one probability
    hits = np.cumsum(positive[order])[last]
    if not hits[-1] or hits[-1] == len(order):
        return np.full(len(rates), np.nan), float("nan")
    true = np.concatenate([[0.0], hits / hits[-1]])
    false = np.concatenate([[0.0], (last + 1 - hits) / (len(order) - hits[-1])])
    return np.interp(rates, false, true), float(np.trapezoid(true, false))


def _shares(right: list[Booleans]) -> list[float | None]:
    """Return the share of correct predictions."""
    return [round_digits(float(each.mean())) for each in right]


def _reliability(pairs: list[tuple[Array, Array]]) -> list[list[list[float | None]]]:
    """Return the calibration of probabilities in bins of equal width."""
    bins = np.linspace(0, 1, _BINS + 1)
    return [_calibration(probability, hit, bins) for probability, hit in pairs]


def _confusion(truth: Integers, chosen: Integers, count: int) -> Integers:
    """Return the confusion matrix: observed classes in rows, predicted ones in columns."""
    return np.bincount(truth * count + chosen, minlength=count**2).reshape(count, count)


def _calibration(predicted: Array, observed: Array, bins: Array) -> list[list[float | None]]:
    """Return mean prediction, mean observation, and count of rows in every non-empty bin."""
    place = np.clip(np.searchsorted(bins, predicted, side="right") - 1, 0, len(bins) - 2)
    members = [place == k for k in np.unique(place)]
    return [[round_digits(predicted[m].mean()), round_digits(observed[m].mean()), int(m.sum())] for m in members]


def _quantiles(values: Array) -> Array:
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)))
    return edges if len(edges) > 1 else np.array([edges[0], edges[0] + 1])


def _explained(observed: Array, predicted: Array) -> float | None:
    """Return the share of variance explained; None for a constant target."""
    spread_of = ((observed - observed.mean()) ** 2).sum()
    return round_digits(1 - ((observed - predicted) ** 2).sum() / spread_of) if spread_of > 0 else None
