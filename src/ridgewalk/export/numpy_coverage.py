"""Prediction intervals and sets as functions of an exported Python file (:mod:`ridgewalk.conformal`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ridgewalk.conformal import ROUNDING, TIE
from ridgewalk.export.recipe import Coverage, Recipe


def coverage_functions(plan: Recipe, takes: str, rows: str, ran: str) -> list[str]:
    """Return the functions for intervals or sets.

    Parameters
    ----------
    plan : Recipe
    takes, rows, ran : str
        The name of what the functions take, how it becomes an array, and what a network predicts for that.
    """
    if plan.covered is None:
        return []
    sections, usual = [_EACH.format(ran), _NEEDED], repr(plan.covered.coverage)
    if not plan.classes:
        clipped = "np.maximum(ends, 0)" if plan.output == "rates" else "ends"
        shape, shown = ("(rows, 2)", f"{clipped}[..., 0]") if plan.flat else ("(rows, 2, numbers)", clipped)
        return [*sections, _UPPER_ENDS, _INTERVAL.format(takes, usual, shape, rows, shown)]
    count = len(plan.classes)
    answer, about, shape = "held(folds, SCORES[:, 0], coverage)", "each of CLASSES is possible", f"(rows, {count})"
    if plan.output == "labels":
        answer, about, shape = _LABELS, "no, and whether yes, is possible for each label", f"(rows, 2, {count})"
    return [*sections, _HELD, _SET.format(takes, usual, about, shape, rows, answer)]


def coverage_arrays(covered: Coverage | None) -> dict[str, np.ndarray[Any, Any]]:
    """Return the numbers of these functions, by the names that the file has for them."""
    if covered is None:
        return {}
    return {
        "FOLD_SHARES": covered.fold_shares,
        "SCORES": covered.scores,
        "COUNTS": covered.counts,
        "OF_FOLD": covered.fold,
    }


def coverage_constants(covered: Coverage | None) -> list[str]:
    """Return the lines of the constants that intervals and sets need; none without a coverage."""
    if covered is None:
        return []
    return [f"UNITS = {covered.calibration.units}"]


_EACH = '''
def each_prediction(x):
    """Compute what each of NETWORKS predicts."""
    return np.stack([{} for _, *own in NETWORKS])
'''
_NEEDED = f'''
def needed(coverage):
    """Return how many of UNITS held-out rows, or groups, and a new one are needed."""
    return coverage * (UNITS + 1) * (1 - {ROUNDING:g})
'''
_UPPER_ENDS = '''
def upper_ends(folds, coverage):
    """Return the smallest number that enough of a fold's prediction + SCORES lie below."""
    ends = np.full(folds.shape[1:], np.inf)
    for row, target in np.ndindex(ends.shape):
        values = folds[OF_FOLD, row, target] + SCORES[:, target]
        values[~np.isfinite(values)] = np.inf
        order = np.argsort(values)
        enough = np.cumsum(COUNTS[order]) >= needed(coverage)
        if enough.any():
            ends[row, target] = values[order][enough.argmax()]
    return ends
'''
_INTERVAL = '''
def predict_interval({}, coverage={}):
    """Return low and high ends that hold the truth of so many rows: shape {}."""
    folds = np.tensordot(FOLD_SHARES, each_prediction({}), 1)
    low, high = -upper_ends(-folds, coverage), upper_ends(folds, coverage)
    ends = np.stack([low, high], axis=1)
    return {}
'''
_HELD = f'''
def held(folds, scores, coverage):
    """Return which classes few enough held-out scores are below, of each fold's chances."""
    below = np.zeros(folds.shape[1:])
    for fold, each in enumerate(folds):
        more = each[:, None, :] > each[:, :, None]
        before = (more * each[:, None, :]).sum(axis=2) - {TIE:g}
        mine = fold == OF_FOLD
        for row, least in enumerate(before):
            below[row] += (scores[mine] < least[:, None]) @ COUNTS[mine]
    sets = below < needed(coverage)
    empty = np.flatnonzero(~sets.any(axis=1))
    sets[empty, folds[:, empty].mean(axis=0).argmax(axis=1)] = True
    return sets
'''
_LABELS = """np.stack(
        [
            held(np.stack([1 - yes, yes], axis=-1), scores, coverage)
            for yes, scores in zip(np.moveaxis(folds, 2, 0), SCORES.T, strict=True)
        ],
        axis=-1,
    )"""
_SET = '''
def predict_set({}, coverage={}):
    """Return whether {}: shape {}."""
    folds = np.tensordot(FOLD_SHARES, each_prediction({}), 1)
    return {}
'''
