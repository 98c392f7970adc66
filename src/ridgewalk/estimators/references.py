"""Held-out losses of other kinds of model on the same folds, to detect underfitting.

Nearest neighbours (15, 50), gradient-boosted trees, a random forest and a kernel method are fitted to the training rows
of a fold and scored on its held-out rows. The lowest of these losses can be reached, so the best possible loss is no
higher; it may be lower.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from ridgewalk.arrays import Array, Integers
from ridgewalk.engine.progress import Progress
from ridgewalk.losses import Loss, facts

_MOST_ROWS = 5_000  # of a training set: more teach these models little that matters here
_MOST_NUMBERS = 5_000_000
_LEAF, _TREES, _CENTERS = 5, 100, 200
_KERNEL_SHARPNESS = {"wide": 0.5, "middling": 3.0, "narrow": 20.0}  # of the kernel exp(-sharpness |x - x'|^2 / columns)
_EVEN_CHANCES = 0.01  # share of even chances in every prediction
_LEAST_RATE = 1e-6  # rate


def reference_outputs(
    x: Any,
    target: Array,
    loss: Loss,
    splits: Sequence[tuple[Integers, Integers]],
    sample_weight: Array,
    progress: Progress | None = None,
) -> dict[str, list[Array]]:
    """Return outputs (n, C) of every reference model for the rows that each fold holds out, in units of the target.

    Rows are in the order of the table, whatever the splitter's; those of weight 0 are left out.

    Parameters
    ----------
    x : array, shape (N, P)
        A sparse table has none.
    target : array, shape (N, C)
        As ``loss.encode`` gives it.
    splits : sequence of (training rows, held-out rows)
    sample_weight : array, shape (N,)
    progress : Progress, optional
        Counts the models that are fitted.

    Returns
    -------
    dict
        By name; empty where there is no telling: several labels, sparse rows, too many columns.
    """
    labelled = facts(loss).is_classification
    several = facts(loss).is_multilabel(target.shape[1])
    if several or not isinstance(x, np.ndarray) or x.shape[1] * min(len(x), _MOST_ROWS) > _MOST_NUMBERS:
        return {}
    classes = target.shape[1] if target.shape[1] > 1 else 2
    y: Array = target
    if labelled:
        y = target.argmax(axis=1) if target.shape[1] > 1 else target[:, 0].astype(int)
    elif target.shape[1] == 1:
        y = target[:, 0]
    found: dict[str, list[Array]] = {}
    rows = min([_MOST_ROWS, *(int(np.count_nonzero(sample_weight[training])) for training, _ in splits)])
    models = _models(labelled, target.shape[1] > 1 and not labelled, rows)
    progress = progress or Progress()
    # One thread: more of them spin beside a training that has the machine's cores, and take many times as long.
    with progress.task(len(models) * len(splits)), threadpool_limits(1, user_api="openmp"):
        for name, model in models.items():
            found[name] = []
            for k, (training, held_out) in enumerate(splits):
                used = training[sample_weight[training] > 0]
                used = np.random.default_rng(k).permutation(used)[:_MOST_ROWS]
                fitted = clone(model).fit(x[used], y[used])
                scored = np.unique(held_out[sample_weight[held_out] > 0])
                found[name].append(_output(fitted, x[scored], loss, classes, labelled))
                progress.add(1)
    return found


def _models(labelled: bool, several: bool, rows: int) -> dict[str, Any]:
    """Return the models by name, for training sets of this number of rows."""
    if labelled:
        trees = HistGradientBoostingClassifier(max_iter=_TREES, learning_rate=0.05, random_state=0)
        forest = RandomForestClassifier(_TREES, min_samples_leaf=_LEAF, random_state=0)
        near: Any = KNeighborsClassifier
        line: Any = LogisticRegression(C=10.0, max_iter=1000)
    else:
        trees = HistGradientBoostingRegressor(max_iter=_TREES, learning_rate=0.05, random_state=0)
        forest = RandomForestRegressor(_TREES, min_samples_leaf=_LEAF, random_state=0)
        near, line = KNeighborsRegressor, Ridge(1e-2)
    kernel = Nystroem(gamma=0.5, n_components=min(_CENTERS, rows), random_state=0)
    models: dict[str, Any] = {
        f"{count} nearest neighbours": make_pipeline(StandardScaler(), near(min(count, rows))) for count in (15, 50)
    }
    models |= {"a random forest": forest} | ({} if several else {"boosted trees": trees})
    return models | {
        f"a {width} kernel": make_pipeline(
            StandardScaler(), FunctionTransformer(_shrunk, kw_args={"sharpness": sharpness}), kernel, line
        )
        for width, sharpness in _KERNEL_SHARPNESS.items()
    }


def _shrunk(x: Array, sharpness: float) -> Array:
    """Scale columns so that a Gaussian kernel of width 1 has the requested sharpness, for any number of columns."""
    return np.asarray(x * np.sqrt(2 * sharpness / x.shape[1]))


def _output(model: Any, x: Array, loss: Loss, classes: int, labelled: bool) -> Array:
    """Output (n, C) that the loss takes, of a fitted model."""
    activation = facts(loss).output_activation
    if not labelled:
        predicted = np.asarray(model.predict(x), dtype=float).reshape(len(x), -1)
        return np.log(np.maximum(predicted, _LEAST_RATE)) if activation == "exponential" else predicted
    chances = np.full((len(x), classes), 0.0)
    chances[:, model.classes_] = model.predict_proba(x)
    # A few neighbours or leaves of one class are no certainty.
    chances = (1 - _EVEN_CHANCES) * chances + _EVEN_CHANCES / classes
    logs = np.log(chances)
    return logs if activation == "softmax" else logs[:, [1]] - logs[:, [0]]
