"""The model card: what a fitted model is, its data, how it was made and how good it is, as plain data.

It is shown in the HTML report and stored in ``summary.json`` and in the metadata of ONNX files (model cards: Mitchell
et al., FAT* 2019).
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import _check_feature_names_in

from ridgewalk.arrays import Booleans
from ridgewalk.formatting import format_count, format_number
from ridgewalk.report.rounding import round_digits, short
from ridgewalk.report.schema import Card, ColumnOnCard
from ridgewalk.tables import Encoder
from ridgewalk.tables.encode import Category, Column, Date, Number

_PACKAGES = ("ridgewalk", "numpy", "scipy", "scikit-learn")
_MOST_COLUMNS, _MOST_CLASSES, _LONGEST, _MOST_LISTED = 500, 50, 120, 8
_NOT_OPTIONS = {"verbose", "n_jobs", "checkpoint_dir"}  # they change no number
_LIMITS = (
    "Held-out figures are of folds of these rows: of rows from another time, place or source it may predict worse.",
    "What an input does to the prediction is what the network learned; it is no effect of changing that input.",
)


def model_card(
    model: Any,
    encoder: Encoder | None = None,
    *,
    target: str | None = None,
    notes: Sequence[str] | None = None,
    date: str | None = None,
    usual: Mapping[str, Any] | None = None,
) -> Card:
    """Describe a fitted model in plain data, ready for JSON.

    Parameters
    ----------
    model : estimator of ridgewalk's
        A fitted one; a compacted one has no scores.
    encoder : Encoder, optional
        What made its columns of a table's.
    target : str, optional
        Name of what is predicted.
    notes : sequence of str, optional
        What became of columns; by default what the model, or the encoder, notes.
    date : str, optional
        ISO 8601; today by default.
    usual : mapping of str to object, optional
        Values of parameters that are no options of the user's, beside the estimator's defaults: those that a command
        sets by itself.

    Returns
    -------
    Card
    """
    classes = is_classifier(model)
    if notes is None:
        of_table = [*(each.note for each in encoder.left_out), *encoder.notes] if encoder else []
        notes = [*getattr(model, "notes_", []), *of_table]
    return {
        "model": type(model).__name__,
        "task": "classification" if classes else "regression",
        "predicts": target or "y",
        "classes": [short(str(label)) for label in model.classes_[:_MOST_CLASSES]] if classes else [],
        "date": date or datetime.now(UTC).date().isoformat(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        "data": _data(model, encoder),
        "columns": _columns(model, encoder),
        "notes": list(dict.fromkeys(notes)),
        "options": _options(model, usual or {}),
        "scores": _scores(model),
        "limits": list(_LIMITS),
    }


def _data(model: Any, encoder: Encoder | None) -> dict[str, int | str]:
    """Count rows, inputs, columns and folds, where they are known."""
    found: dict[str, int | str] = {}
    path = _path(model)
    if path is not None:
        found["rows"] = int(np.count_nonzero(path.row_weights))
    found["inputs"] = len(encoder.columns) if encoder else int(model.n_features_in_)
    found["encoded columns"] = len(encoder.names) if encoder else int(model.n_features_in_)
    if path is not None:
        found["folds"] = len(path.heldout_rows)
        found["starts"] = path.heldout_loss.shape[2]
        found["network"] = "-".join(map(str, (layer.units for layer in path.network.dense)))
        found["loss"] = type(path.loss).__name__
    return found


def _path(model: Any) -> Any:
    """Return the path of a model, or None."""
    network = getattr(model, "network_", model)
    return getattr(network, "path_", None)


def _columns(model: Any, encoder: Encoder | None) -> list[ColumnOnCard]:
    """Describe every column, including those left out, and whether the model uses it."""
    width = len(encoder.names) if encoder else int(model.n_features_in_)
    used = _used(model, width)
    if encoder is None:
        names = [str(name) for name in _check_feature_names_in(model)]
        found = [_on_card(name, "a number", bool(used[k])) for k, name in enumerate(names)]
        return found[:_MOST_COLUMNS]
    found, first = [], 0
    for column in encoder.columns:
        last = first + len(column.names)
        found.append(_on_card(column.name, _became(column), bool(used[first:last].any())))
        first = last
    found += [
        {"name": short(each.column), "became": each.role, "used": False, "why": each.reason}
        for each in encoder.left_out
    ]
    return found[:_MOST_COLUMNS]


def _used(model: Any, width: int) -> Booleans:
    """Return which columns the model uses."""
    if hasattr(model, "mixture_"):
        return np.asarray(model.mixture_.support(width))
    return np.asarray(np.any([each.support(width) for each in model.models_], axis=0))


def _on_card(name: str, became: str, used: bool) -> ColumnOnCard:
    why = "" if used else "all its weights are exactly 0 at the chosen strength"
    return {"name": short(name), "became": became, "used": used, "why": why}


def _became(column: Column) -> str:
    """Describe the encoding of a column of a table."""
    match column:
        case Category():
            others = f", and one for {format_count(len(column.others), 'rare level')}" if column.others else ""
            return f"{format_count(len(column.levels), 'column')}, one for each level{others}"
        case Date():
            missing = ", and whether it is missing" if column.indicated else ""
            return f"days from the median day{column.place}{missing}"
        case Number():
            if not column.indicated:
                return "a number"
            return f"a number; where it is missing, {format_number(column.median, 4)} instead, and a column that tells"


def _options(model: Any, usual: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters that differ from their defaults, or from their usual values, as text."""
    defaults = {**type(model)().get_params(), **usual}
    params = {name: value for name, value in model.get_params(deep=False).items() if name not in _NOT_OPTIONS}
    return {name: _as_text(value) for name, value in sorted(params.items()) if repr(value) != repr(defaults[name])}


def _as_text(value: Any) -> str:
    """Return a parameter as text; of a long array, how long it is."""
    if isinstance(value, np.ndarray | list | tuple) and len(value) > _MOST_LISTED:
        return f"{type(value).__name__.removeprefix('nd')} of {len(value)}"
    return repr(value)[:_LONGEST]


def _scores(model: Any) -> dict[str, float | None]:
    """Return held-out losses, if there are any; of a table model, those of its single network say so."""
    network = getattr(model, "network_", model)
    of = "" if network is model else "single network: "
    names = {
        f"{of}held-out loss": "heldout_loss_",
        f"{of}without a penalty": "unpenalized_loss_",
        "linear model": "linear_loss_",
        "constant": "null_loss_",
        f"{of}gain by the penalty": "gain_",
        "its standard error": "gain_error_",
    }
    blend = {"held-out loss of the blend": model.heldout_loss_} if of and hasattr(model, "heldout_loss_") else {}
    scores = blend | {name: getattr(network, key) for name, key in names.items() if hasattr(network, key)}
    return {name: round_digits(float(score), 6) for name, score in scores.items()}
