"""Apply a scikit-learn scorer to the networks of a path; it is tested on every fold before training."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import get_scorer

from ridgewalk.arrays import Array, Integers
from ridgewalk.estimators.positive import OfPositive
from ridgewalk.estimators.predicting import Predictor
from ridgewalk.model import Model
from ridgewalk.warning import warn


class ScoredByScoring:
    """The score of an estimator that chooses by ``scoring``."""

    scoring: Any

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the score by ``scoring``; by default accuracy (classification) or R2 (regression).

        Parameters
        ----------
        X : array_like or sparse array, shape (N, P)
        y : array_like, shape (N,) or (N, C)
        sample_weight : array_like, shape (N,), optional
            Passed to the scorer, which must accept it.
        """
        if self.scoring is None:
            return float(super().score(X, y, sample_weight))  # type: ignore[misc]
        plain = copy(self)
        plain.scoring = None  # a scorer may ask for the estimator's own score
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        return float(get_scorer(self.scoring)(plain, X, y, **weights))


def score_of(
    estimator: Predictor,
    scoring: str | Callable[..., float],
    x: Any,
    y: Array,
    weights: Array,
    held_out: Sequence[Integers],
    constant: Model,
) -> Callable[[Model, Integers], float]:
    """Return a function that scores a network on some rows.

    Parameters
    ----------
    estimator : estimator
        What the scorer is handed, with each network in turn.
    scoring : str or scorer
    x, y, weights : arrays, shapes (N, P), (N,) or (N, C), (N,)
        Weights that differ are handed to the scorer, if it takes them.
    held_out : sequence of integers
        Rows that each fold holds out.
    constant : Model
        A network to try the scorer on.

    Raises
    ------
    ValueError
        If the scorer cannot score this target, or is not defined on rows of one class, which a fold holds out.

    Warns
    -----
    UserWarning
        If the scorer takes no weights: rows are then scored without.
    """
    scorer = get_scorer(scoring)
    positive = estimator.pos_label if isinstance(scoring, str) else None  # a scorer of one's own knows its labels
    name = scoring if isinstance(scoring, str) else getattr(scoring, "__name__", "of the scorer given")

    def score(model: Model, rows: Integers, weighted: bool) -> float:
        seen = copy(estimator)
        seen.__dict__.pop("feature_names_in_", None)
        seen.ensemble = False
        seen.scoring = None  # a scorer may ask for the estimator's own score
        seen._set_models([model], 0)
        arguments = {"sample_weight": weights[rows]} if weighted else {}
        if positive is None:
            return float(scorer(seen, x[rows], y[rows], **arguments))
        judged = OfPositive(seen, positive)
        return float(scorer(judged, x[rows], judged.as_target(y[rows]), **arguments))

    def attempt(rows: Integers, weighted: bool) -> float | Exception:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a constant is no good prediction
            try:
                return score(constant, rows, weighted)
            except (ValueError, TypeError, AttributeError) as error:
                return error

    weighted = bool((weights != weights[0]).any())
    if weighted and isinstance(attempt(held_out[0], True), TypeError):
        weighted = isinstance(attempt(held_out[0], False), TypeError)
        if not weighted:
            warn(f"The scorer {name} takes no sample_weight: held-out rows are scored without their weights.")
    classes = is_classifier(estimator)
    for k, rows in enumerate(held_out):
        found = attempt(rows, weighted)
        cause = f" ({(str(found).splitlines() or [''])[0].rstrip('.')})" if isinstance(found, Exception) else ""
        if (
            (isinstance(found, Exception) or not np.isfinite(found))
            and classes
            and y.ndim == 1
            and len(np.unique(y[rows])) == 1
        ):
            raise ValueError(
                f"Fold {k} holds out rows of one class alone, {y[rows][0]!s}, where scoring={name!r} is not "
                f"defined{cause}: ask for fewer folds, for other groups, or for folds in which every class stands on "
                "both sides, or leave scoring out."
            )
        if cause:
            label = "name the positive class, pos_label (--positive), or " if "pos_label" in cause else ""
            raise ValueError(
                f"scoring={name!r} cannot score this {'classification' if classes else 'regression'}{cause}: "
                f"{label}give another, such as {'accuracy' if classes else 'r2'!r}."
            )
    return lambda model, rows: score(model, rows, weighted)
