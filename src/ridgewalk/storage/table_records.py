"""The records of a table model in a file: its views as estimators, and its blend.

{"version": "0.1.0", "estimator": "TableClassifier", "parameters": {...}, "fitted": {...}, "columns": [...],
 "mixture": {"models": [...], "shares": ...}, "views": {"plain": {...}, ...}, "blends": [{...}, {...}], "target": ...}

A model at one strength of its single network has one view and no blends. A compacted model has only its mixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ridgewalk import __version__
from ridgewalk.losses import BinaryCrossEntropy, CrossEntropy
from ridgewalk.mixture import Mixture
from ridgewalk.objective import weighted_mean
from ridgewalk.path.blend import Blend
from ridgewalk.path.result import MLPPath
from ridgewalk.storage.container import Arrays, ArrayStore, JsonObject, ModelFileError, WrongError, as_text, restored
from ridgewalk.storage.encoder_records import encoder_of, encoder_records, encoder_width
from ridgewalk.storage.fields import all_finite, all_positive, none_negative, sized
from ridgewalk.storage.held_out_records import held_out_of
from ridgewalk.storage.network_records import OutputSpec, model_of_record, model_record
from ridgewalk.storage.records import (
    Stored,
    calibration_record,
    described,
    parameter_records,
    set_calibration,
    stored,
    with_parameters,
)

if TYPE_CHECKING:
    from ridgewalk.tables import Encoder

_BLEND = {"path": ("i", "M"), "strength": ("i", "M"), "fold_weights": ("f", "KM"), "weights": ("f", "M"),
          "row_loss": ("f", "N"), "heldout_loss": ("f", "KE")}  # fmt: skip
_SUM_TOLERANCE = 1e-9  # by which shares may miss a sum of 1


TABLE_ESTIMATORS = ("TableClassifier", "TableRegressor")
"""Names of the estimators of tables."""


def described_table(model: Any, encoder: Encoder | None, target: str | None, store: ArrayStore) -> JsonObject:
    """Describe a table model; its numbers go to the store."""
    if not hasattr(model, "mixture_"):
        raise ModelFileError(f"This {type(model).__name__} is not fitted yet: call fit, then save.")
    if encoder is not None and encoder is not model.encoder_:
        raise ModelFileError(
            f"A {type(model).__name__} has an encoder of its own, and another came: leave encoder out."
        )
    mixture: Mixture = model.mixture_
    record: JsonObject = {
        "version": __version__,
        "estimator": type(model).__name__,
        "parameters": parameter_records(model, store),
        "fitted": {
            "features": model.n_features_in_,
            "feature_names": store.plain("feature names", getattr(model, "feature_names_in_", None)),
            "classes": store.plain("classes", getattr(model, "classes_", None)),
            "heldout_loss": store.plain("heldout_loss", model.heldout_loss_),
            "notes": list(model.notes_),
        },
        **encoder_records(model.encoder_),
        "mixture": {
            "models": [model_record(f"mixture {k}", each, store) for k, each in enumerate(mixture.models)],
            "shares": store.put("shares", mixture.shares),
        },
        "views": {
            name: described(view, None, None, store.part(name)) for name, view in getattr(model, "views_", {}).items()
        },
        "blends": [],
        "calibration": calibration_record(model, store),
        "target": target,
    }
    record["held_out"] = vars(model).get("_held_out")
    if hasattr(model, "blend_"):
        record["blends"] = [
            {name: store.put(f"blend {k}/{name}", getattr(blend, name)) for name in _BLEND}
            for k, blend in enumerate((model.blend_, model.unpenalized_blend_))
            if blend is not None
        ]
    return record


def stored_table(document: JsonObject, arrays: Arrays) -> Stored:
    """Make the table model that a document describes."""
    from ridgewalk.estimators import access, table

    model = with_parameters(getattr(table, document["estimator"]), document, arrays)
    encoder, fitted = encoder_of(document), document["fitted"]
    if encoder is None:
        raise WrongError("it has no columns")
    names, classes = (restored(fitted[name], arrays) for name in ("feature_names", "classes"))
    features, loss = fitted["features"], restored(fitted["heldout_loss"], arrays)
    if type(features) is not int or features < 1 or not isinstance(loss, float):
        raise WrongError("its columns are counted, or its loss measured, by something else than a number")
    if names is not None and (not isinstance(names, np.ndarray) or names.shape != (features,)):
        raise WrongError(f"it names other columns than its {features}")
    width = encoder_width(encoder)
    arrays.take(width, f"which of {width} columns it uses")
    specification = _specification(document["estimator"], classes, width)
    mixture = document["mixture"]
    models = tuple(model_of_record(each, specification, arrays) for each in mixture["models"])
    if not all(arrays.meets(name, all_finite) for each in mixture["models"] for name in each["parameters"]):
        raise WrongError("its weights are not finite numbers")
    shares = sized(arrays, mixture["shares"], "f", "M", {"M": len(models)})
    if not models or not arrays.meets(mixture["shares"], all_positive) or abs(shares.sum() - 1) > _SUM_TOLERANCE:
        raise WrongError("the shares of its models are no parts of 1")
    model.n_features_in_, model.encoder_, model.heldout_loss_ = features, encoder, loss
    model.notes_, model.mixture_ = [as_text(note) for note in fitted["notes"]], Mixture(models, shares)
    if names is not None:
        model.feature_names_in_ = names
    if classes is not None:
        model.classes_ = classes
    if document["views"]:
        views = {as_text(name): stored(each, arrays).model for name, each in document["views"].items()}
        paths = list(table.blended_paths(views).values())
        blends = [_blend(each, paths, arrays) for each in document["blends"]]
        if blends:
            access.set_blends(model, views, blends[0], blends[1] if len(blends) > 1 else None)
        elif len(views) == 1:
            model.views_, model.network_ = views, next(iter(views.values()))
        else:
            raise WrongError("it has several views, and no blend of them")
        set_calibration(model, document, paths[0], arrays)
    access.set_held_out(model, held_out_of(document.get("held_out")))
    target = document["target"]
    return Stored(model, encoder, None if target is None else as_text(target))


def _specification(estimator: str, classes: Any, columns: int) -> OutputSpec:
    """Return the constraints on the networks of a table model."""
    from ridgewalk.estimators.problem import REGRESSION_LOSSES

    if estimator == "TableRegressor":
        return OutputSpec(columns, 1, tuple(map(type, REGRESSION_LOSSES.values())))
    if not isinstance(classes, np.ndarray) or classes.ndim != 1 or len(classes) < 2:
        raise WrongError("its classes are no list")
    binary = len(classes) == 2
    return OutputSpec(columns, 1 if binary else len(classes), (BinaryCrossEntropy if binary else CrossEntropy,))


def _blend(record: JsonObject, paths: list[MLPPath], arrays: Arrays) -> Blend:
    """Read the weights of a blend of some paths."""
    path = paths[0]
    sizes = {"K": len(path.heldout_rows), "N": len(path.row_weights), "E": path.heldout_loss.shape[2]}
    fields = {name: sized(arrays, record[name], *of, sizes) for name, of in _BLEND.items() if name in record}
    if "heldout_loss" not in fields:  # a file of before: of all starts together
        rows = path.heldout_rows
        means = [float(weighted_mean(fields["row_loss"][each], path.row_weights[each])) for each in rows]
        fields["heldout_loss"] = np.array(means)[:, None]
    number, strength = fields["path"], fields["strength"]
    known = all(arrays.meets(record[name], none_negative) for name in ("path", "strength", "weights"))
    lengths = np.array([len(path.alphas) for path in paths])
    if not known or number.max(initial=0) >= len(paths) or (strength >= lengths[number]).any():
        raise WrongError("it blends networks that its views do not have")
    return Blend(**fields)
