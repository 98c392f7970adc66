"""What other packages read from fitted estimators, and set on estimators that are read from a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import is_classifier

from ridgewalk.arrays import Array
from ridgewalk.engine.job import History
from ridgewalk.losses import Loss
from ridgewalk.model import Model
from ridgewalk.optimizers import Optimizer
from ridgewalk.path.blend import Blend
from ridgewalk.path.result import MLPPath
from ridgewalk.path.selection import Choice, Rule
from ridgewalk.report.compared import PageRows
from ridgewalk.report.schema import HeldOut

if TYPE_CHECKING:
    import pandas as pd

    from ridgewalk.estimators.page_content import PageContent
    from ridgewalk.estimators.planning import TablePlan
    from ridgewalk.estimators.whole_path import MLPClassifierCV, MLPRegressorCV
    from ridgewalk.tables import Encoder


def shown_path(model: Any, names: list[str] | None = None) -> tuple[MLPPath, Rule, list[str], Choice]:
    """Return the data of a path for displays: the path, the rule, the names of the columns, the choice."""
    shown: tuple[MLPPath, Rule, list[str], Choice] = model._shown(names)
    return shown


def output_names(model: Any) -> list[str] | None:
    """Return the names of classes or labels; None where numbers are predicted."""
    names: list[str] | None = model._names_of_outputs()
    return names


def checked_rows(model: Any, X: Any, y: Any) -> PageRows | None:
    """Return rows to compare predictions on, checked and encoded; None without rows."""
    rows: PageRows | None = model._page_rows(X, y)
    return rows


def rows_of_fit(model: Any) -> Any:
    """Return the rows (N, P) that an estimator was fitted to, as it took them."""
    return model._kept_problem().x


def write_page(model: Any, file: Path, content: PageContent) -> Path:
    """Write the page of an estimator that has a path."""
    page: Path = model._write_page(file, content)
    return page


def training_history(model: Any, indices: Sequence[int]) -> History:
    """Train the folds again at some strengths of the path, and return the training curves."""
    history: History = model._refit_history(indices)
    return history


def fit_encoded(
    model: Any,
    encoder: Encoder,
    x: Array,
    y: Array,
    sample_weight: Array | None,
    groups: Any,
    notes: Sequence[str] = (),
) -> None:
    """Fit a table estimator to an encoded table; ``notes`` describe the columns left out."""
    names = [column.name for column in encoder.columns]
    model.n_features_in_, model.feature_names_in_ = len(names), np.array(names, dtype=object)
    if is_classifier(model):
        model.classes_ = np.unique(y)
    model.notes_ = list(notes)
    model._fit_encoded(encoder, x, y, sample_weight, groups)


def planned_views(
    model: Any,
    encoder: Encoder,
    x: Array,
    y: Array,
    sample_weight: Array | None,
    groups: Any,
    columns: pd.DataFrame,
) -> TablePlan:
    """Return what a table estimator would train on an encoded table."""
    if is_classifier(model):
        model.classes_ = np.unique(y)
    plan: TablePlan = model._planned(encoder, x, y, sample_weight, groups, columns)
    return plan


def set_blends(
    model: Any, views: dict[str, MLPClassifierCV | MLPRegressorCV], blend: Blend, unpenalized: Blend | None
) -> None:
    """Set an estimator of tables' fitted views and their blends."""
    model._set_blends(views, blend, unpenalized)


def is_multilabel(model: Any) -> bool:
    """Return whether a classifier predicts several labels instead of classes."""
    return bool(model._multilabel)


def has_one_target(model: Any) -> bool:
    """Return whether a regressor was fitted to a target of shape (N,), not (N, C)."""
    return bool(model._single)


def loss_of(model: Any) -> Loss:
    """Return the loss of a classifier."""
    loss: Loss = model._loss
    return loss


def new_optimizer(model: Any) -> Optimizer:
    """Return the optimizer that an estimator of one strength begins with."""
    optimizer: Optimizer = model._new_optimizer()
    return optimizer


def set_models(model: Any, models: list[Model], best: int) -> None:
    """Set the networks, one per seed, that an estimator predicts with; ``best`` is the number of the one it shows."""
    model._set_models(models, best)


def set_held_out(model: Any, found: HeldOut | None) -> None:
    """Set the held-out performance of an estimator's fit from its file, if the file has it."""
    if found is not None:
        model._held_out = found


def observed_of(model: Any) -> Array | None:
    """Return the encoded targets (N, C) of the rows that a path was fitted to, where they are known."""
    observed: Array | None = getattr(model, "_observed", None)
    return observed


def set_observed(model: Any, observed: Array) -> None:
    """Set the encoded targets (N, C) of the rows that a path was fitted to."""
    model._observed = observed
