"""The records of a model file: the parts of an estimator as plain data, and back.

{"version": "0.1.0", "estimator": "MLPClassifierCV", "parameters": {...}, "fitted": {...}, "models": [...], "best": 0,
 "paths": [...], "path": 0, "linear_path": 1, ..., "columns": [...], "target": "outcome", "arrays": {...}}

Files do not name modules, private attributes or classes of the code. The tables here translate between files and code,
so that the code can change without changing the format. A change that they cannot express needs a new FORMAT.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgewalk import __version__
from ridgewalk.arrays import Array
from ridgewalk.conformal import Calibration
from ridgewalk.engine.job import Standing
from ridgewalk.folds import Moments
from ridgewalk.losses import facts
from ridgewalk.model import Compaction, Size
from ridgewalk.optimizers import InverseTime, scheduled
from ridgewalk.path.result import MLPPath
from ridgewalk.storage.container import Arrays, ArrayStore, JsonObject, ModelFileError, WrongError, as_text, restored
from ridgewalk.storage.encoder_records import encoder_of, encoder_records, encoder_width
from ridgewalk.storage.fields import Kinds, all_finite, none_negative, record_of, sized, thing_of
from ridgewalk.storage.held_out_records import held_out_of
from ridgewalk.storage.network_records import (
    SCALING,
    OutputSpec,
    model_of_record,
    model_record,
    scaling_of_record,
    scaling_record,
)
from ridgewalk.storage.path_records import (
    early_stopped_of_record,
    early_stopped_record,
    path_of_record,
    path_record,
    selection_of_record,
    selection_record,
)

if TYPE_CHECKING:
    from ridgewalk.tables import Encoder

_SIZE: Kinds = {"size": (Size, {"inputs": int, "units": int, "numbers": int, "multiplications": int})}
_SHARES = 1e-9  # by which the shares of calibrating rows may miss their sum, over it
_FITTED: dict[str, tuple[str, type]] = {  # name in the file: attribute of the estimator, and its type
    "features": ("n_features_in_", int),
    "feature_names": ("feature_names_in_", np.ndarray),
    "classes": ("classes_", np.ndarray),
    "multilabel": ("_multilabel", bool),
    "one_target": ("_single", bool),
    "alphas": ("alphas_", np.ndarray),
    "alpha": ("alpha_", float),
    "alpha_min": ("alpha_min_", float),
    "alpha_1se": ("alpha_1se_", float),
    "alpha_simplest": ("alpha_simplest_", float),
    "strength_asked": ("strength_asked_", float),
    "l1_ratio": ("l1_ratio_", float),
    "index": ("index_", int),
    "heldout_loss": ("heldout_loss_", float),
    "unpenalized_loss": ("unpenalized_loss_", float),
    "linear_loss": ("linear_loss_", float),
    "null_loss": ("null_loss_", float),
    "gain": ("gain_", float),
    "gain_error": ("gain_error_", float),
    "selection_frequency": ("selection_frequency_", np.ndarray),
    "n_iter": ("n_iter_", int),
    "rows_seen": ("t_", int),
    "loss": ("loss_", float),
    "best_loss": ("best_loss_", float),
    "loss_curve": ("loss_curve_", list),
    "penalty_curve": ("penalty_curve_", list),
    "validation_loss_curve": ("validation_loss_curve_", list),
    "validation_scores": ("validation_scores_", list),
    "best_validation_score": ("best_validation_score_", float),
    "float32": ("_float32", bool),
}
_NONE_WITHOUT_VALIDATION = {
    "best_loss",
    "validation_loss_curve",
    "validation_scores",
    "best_validation_score",
}  # None without such rows
_NOT_SAVED = ("checkpoint_dir", "memory")  # parameters of the machine that fitted: a folder is neither written nor read
_OLD_PARAMETERS = {"walk": "schedule"}  # of format 3


@dataclass(frozen=True, eq=False)
class Stored:
    """The content of a model file.

    Attributes
    ----------
    model : MLPClassifier, MLPRegressor, MLPClassifierCV or MLPRegressorCV
    encoder : Encoder or None
        Makes the model's columns from a table's inputs.
    target : str or None
        Name of the target.
    """

    model: Any
    encoder: Encoder | None = None
    target: str | None = None


def described(model: Any, encoder: Encoder | None, target: str | None, store: ArrayStore) -> JsonObject:
    """Describe a model as plain data; the numbers in its arrays go to the store."""
    kinds = _estimators()
    if type(model) not in kinds.values():
        raise ModelFileError(f"A model file holds a fitted {', '.join(kinds)}, got {type(model).__name__}.")
    held = vars(model)
    if "model_" not in held:
        raise ModelFileError(f"This {type(model).__name__} is not fitted yet: call fit, then save.")
    paths: list[MLPPath] = []

    def number(path: MLPPath) -> int:
        if not any(path is each for each in paths):
            paths.append(path)
        return next(k for k, each in enumerate(paths) if each is path)

    document: JsonObject = {
        "version": __version__,
        "estimator": type(model).__name__,
        "parameters": parameter_records(model, store),
        "fitted": {
            name: store.plain(f"fitted/{name}", held[attribute])
            for name, (attribute, _) in _FITTED.items()
            if attribute in held
        },
        "models": [model_record(f"model {k}", each, store) for k, each in enumerate(held["models_"])],
        "best": next(k for k, each in enumerate(held["models_"]) if each is model.model_),
        **encoder_records(encoder),
        "target": target,
    }
    if "_trained" in held:
        document["trained"] = [model_record(f"trained {k}", each, store) for k, each in enumerate(model._trained)]
        document["seen"] = {"weight": model._seen.weight, **scaling_record("seen", model._seen, store)}
    if "_optimizer" in held:
        document["standing"] = _standing_record(model, store)
    if "compaction_" in held:
        before, after = (record_of(_SIZE, each, "size") for each in (model.compaction_.before, model.compaction_.after))
        document["compaction"] = {"before": before, "after": after, "seconds": model.compaction_.seconds}
    if "path_" in held:
        of_ratios = [number(each) for each in model.paths_]
        document |= {"path": number(model.path_), "paths_of_ratios": of_ratios}
        document |= {"linear_path": number(model.linear_path_), "early_stopped": early_stopped_record(model, store)}
    document["held_out"] = held.get("_held_out")
    document["observed"] = _observed_record(model, store)
    if "input_selection_" in held:
        document["input_selection"] = selection_record(model.input_selection_, number, store)
    records = [path_record(f"path {k}", each, store) for k, each in enumerate(paths)]
    return document | {"paths": records, "calibration": calibration_record(model, store)}


def _estimators() -> dict[str, Any]:
    from ridgewalk.estimators import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV

    return {kind.__name__: kind for kind in (MLPClassifier, MLPRegressor, MLPClassifierCV, MLPRegressorCV)}


def parameter_records(model: Any, store: ArrayStore) -> JsonObject:
    """Describe the parameters of an estimator."""
    kept = {}
    for name, value in model.get_params(deep=False).items():
        if name in _NOT_SAVED:
            continue
        try:
            kept[name] = store.plain(f"parameters/{name}", value)
        except ModelFileError:
            warnings.warn(
                f"{name}={str(value)[:60]} is no plain data and was not kept: the loaded model predicts the same, and "
                f"has the default {name}.",
                stacklevel=4,
            )
    return kept


def _standing_record(model: Any, store: ArrayStore) -> JsonObject:
    """Describe the state for ``partial_fit``; moments are present after a call of it."""
    standing = model._standing
    record: JsonObject = {
        "rate": model._optimizer.learning_rate,
        "fallen_to": store.plain("standing/fallen_to", model._fallen_to),
        "waited": model._no_improvement_count,
        "steps": None,
    }
    if standing is None:
        return record
    averages = [
        [store.put(f"standing/array {k} average {j}", each) for j, each in enumerate(state)]
        for k, state in enumerate(standing.averages)
    ]
    rate = store.put("standing/rate", standing.rate)
    return {**record, "steps": standing.steps, "rates": rate, "averages": averages}


def _restore_training(document: JsonObject, model: Any, spec: OutputSpec, arrays: Arrays) -> None:
    """Set the state from which a loaded model's training continues."""
    if "trained" in document:
        model._trained = [model_of_record(record, spec, arrays) for record in document["trained"]]
        model._seen = _moments(document, model, spec, arrays)
    if "standing" in document:
        _stand(document["standing"], model, arrays)


def _stand(record: JsonObject, model: Any, arrays: Arrays) -> None:
    """Set the optimizer state of a loaded model."""
    from ridgewalk.estimators.access import new_optimizer

    model._optimizer = scheduled(new_optimizer(model), InverseTime(), float(record["rate"]))
    model._fallen_to = float(restored(record["fallen_to"], arrays))
    model._no_improvement_count = int(record["waited"])
    model._standing = None
    if record["steps"] is not None:
        model._standing = _standing(record, model, arrays)


def _standing(record: JsonObject, model: Any, arrays: Arrays) -> Standing:
    shapes = model._trained[0].network.shapes
    averages = tuple(
        tuple(sized(arrays, name, "f", "RPQ", {"R": len(model._trained)}) for name in state)
        for state in record["averages"]
    )
    each_has = 1 if model.solver == "sgd" else 2
    fits = [len(state) for state in averages] == [each_has] * len(shapes) and all(
        np.broadcast_shapes(each.shape[1:], shape) == shape
        for state, shape in zip(averages, shapes, strict=True)
        for each in state
    )
    if not fits:
        raise WrongError("its optimizer remembers averages of another network")
    rates = sized(arrays, record["rates"], "f", "R", {"R": len(model._trained)})
    return Standing(averages, int(record["steps"]), rates)


def calibration_record(model: Any, store: ArrayStore) -> JsonObject | None:
    """Describe the errors of the folds on held-out rows; None if there are none."""
    if "calibration_" not in vars(model):
        return None
    found: Calibration = model.calibration_
    return {
        "scores": [store.put(f"calibration/scores {k}", each) for k, each in enumerate(found.scores)],
        "shares": [store.put(f"calibration/shares {k}", each) for k, each in enumerate(found.shares)],
        "units": found.units,
    }


def stored(document: JsonObject, arrays: Arrays) -> Stored:
    """Create the model of a document or record."""
    from ridgewalk.estimators.access import set_held_out, set_models, set_observed

    encoder = encoder_of(document)
    kinds = _estimators()
    if document["estimator"] not in kinds:
        raise WrongError(f"its estimator {str(document['estimator'])[:60]!r} is unknown")
    model = with_parameters(kinds[document["estimator"]], document, arrays)
    for name, each in document["fitted"].items():
        attribute, kind = _FITTED[name]
        value = restored(each, arrays)
        if type(value) is not kind and not (value is None and name in _NONE_WITHOUT_VALIDATION):
            raise WrongError(f"its {name} is no {kind.__name__}")
        setattr(model, attribute, value)
    spec = _output_spec(model, arrays)
    if encoder is not None and encoder_width(encoder) != spec.inputs:
        raise WrongError(f"its columns become {encoder_width(encoder)}, and its network takes {spec.inputs}")
    models = [model_of_record(record, spec, arrays) for record in document["models"]]
    if not all(arrays.meets(name, all_finite) for record in document["models"] for name in record["parameters"]):
        raise WrongError("its weights are not finite numbers, as those of a training that diverged")
    best = document["best"]
    if best not in range(len(models)):
        raise WrongError(f"it holds {len(models)} networks to predict with, of which {best} is the best")
    paths = [path_of_record(record, spec, arrays) for record in document["paths"]]
    _restore_training(document, model, spec, arrays)
    if "compaction" in document:
        seconds = document["compaction"]["seconds"]
        before, after = (thing_of(_SIZE, document["compaction"][when], "size") for when in ("before", "after"))
        model.compaction_ = Compaction(before, after, seconds and (float(seconds[0]), float(seconds[1])))
    if "path" in document:
        model.path_, model.linear_path_ = paths[document["path"]], paths[document["linear_path"]]
        model.paths_ = [paths[number] for number in document["paths_of_ratios"]]
        model.early_stopped_ = early_stopped_of_record(document.get("early_stopped"), model.path_, arrays)
        if model.index_ not in range(len(model.path_.alphas)):
            raise WrongError(f"its strength {model.index_} is none of the {len(model.path_.alphas)} of its path")
        if document.get("observed") is not None:
            set_observed(model, _observed(document["observed"], model.path_, arrays))
    set_calibration(model, document, model.path_ if "path" in document else None, arrays)
    set_held_out(model, held_out_of(document.get("held_out")))
    if "input_selection" in document:
        model.input_selection_ = selection_of_record(document["input_selection"], paths, spec, arrays)
    with np.errstate(over="ignore", invalid="ignore"):
        set_models(model, models, best)
    if not all(map(all_finite, (*model.coefs_, *model.intercepts_))):
        raise WrongError("its weights are not finite numbers, for columns as they come")
    target = document["target"]
    return Stored(model, encoder, None if target is None else as_text(target))


def with_parameters(kind: type[Any], document: JsonObject, arrays: Arrays) -> Any:
    """Create an estimator of a class with the parameters of a document, and check them."""
    parameters = {
        _OLD_PARAMETERS.get(name, name): restored(each, arrays)
        for name, each in document["parameters"].items()
        if name not in _NOT_SAVED
    }
    model = kind(**parameters)
    model._validate_params()
    return model


def _output_spec(model: Any, arrays: Arrays) -> OutputSpec:
    from sklearn.base import is_classifier

    from ridgewalk.estimators.access import has_one_target, is_multilabel, loss_of
    from ridgewalk.estimators.problem import REGRESSION_LOSSES

    inputs = model.n_features_in_
    names = getattr(model, "feature_names_in_", None)
    if inputs < 1 or (names is not None and (names.shape != (inputs,) or names.dtype != object)):
        raise WrongError(f"it names other columns than its {inputs}")
    arrays.take(inputs, f"which of {inputs} columns it uses")
    if not is_classifier(model):
        return OutputSpec(inputs, 1 if has_one_target(model) else None, tuple(map(type, REGRESSION_LOSSES.values())))
    if model.classes_.ndim != 1:
        raise WrongError("its classes are no list")
    classes = len(model.classes_)
    return OutputSpec(inputs, 1 if classes == 2 and not is_multilabel(model) else classes, (type(loss_of(model)),))


def _moments(document: JsonObject, model: Any, spec: OutputSpec, arrays: Arrays) -> Moments:
    """Means and deviations of the rows trained on; format 3 kept how they were scaled, and not their weight."""
    if "seen" not in document:
        fold = scaling_of_record(document["fold"], {"M": spec.inputs}, arrays)
        fold["scale"] = np.where(np.isinf(fold["scale"]), 0.0, fold["scale"])
        return Moments(model.t_ / model.n_iter_, **fold)
    record, sizes = document["seen"], {"M": spec.inputs}
    scaling = {name: sized(arrays, record[name], "f", letter, sizes) for name, letter in SCALING.items()}
    sound = all(arrays.meets(record[name], all_finite) for name in SCALING) and 0 < float(record["weight"]) < np.inf
    if not sound or not all(arrays.meets(record[name], none_negative) for name in ("scale", "target_scale")):
        raise WrongError("the rows it was trained on have means or deviations that are none")
    return Moments(float(record["weight"]), **scaling)


def set_calibration(model: Any, document: JsonObject, path: MLPPath | None, arrays: Arrays) -> None:
    """Set the errors of a loaded model's folds; older files do not have them."""
    record = document.get("calibration")
    if record is None:
        return
    if path is None:
        raise WrongError("it holds what folds missed, and no folds")
    lengths = [{"n": len(rows), "T": path.network.dense[-1].units} for rows in path.heldout_rows]
    if facts(path.loss).output_activation == "softmax":
        lengths = [{**each, "T": 1} for each in lengths]
    scores, shares = (
        tuple(sized(arrays, name, "f", axes, each) for name, each in zip(record[kind], lengths, strict=True))
        for kind, axes in (("scores", "nT"), ("shares", "n"))
    )
    units, rows = record["units"], sum(each["n"] for each in lengths)
    if type(units) is not int or not 0 < units <= rows:
        raise WrongError(f"its folds missed {str(units)[:60]} rows or groups, and held out {rows} rows")
    negative = not all(arrays.meets(name, none_negative) for kind in ("scores", "shares") for name in record[kind])
    if negative or abs(sum(float(each.sum()) for each in shares) - units) > _SHARES * units:
        raise WrongError("what its folds missed is below 0, or counts for other rows or groups than there were")
    model.calibration_ = Calibration(scores, shares, units)


def _observed_record(model: Any, store: ArrayStore) -> str | None:
    """Describe the encoded targets of the rows of a path; zeros and ones take a byte each."""
    from ridgewalk.estimators.access import observed_of

    observed = observed_of(model)
    if observed is None:
        return None
    truth = observed.astype(bool)
    return store.put("observed", truth if (truth == observed).all() else observed)


def _observed(name: str, path: MLPPath, arrays: Arrays) -> Array:
    """Read the encoded targets of a path's rows."""
    sizes = {"N": len(path.row_weights), "C": path.parameters[-1].shape[-1]}
    kind = "b" if arrays[name].dtype.kind == "b" else "f"
    found = sized(arrays, name, kind, "NC", sizes)
    if not arrays.meets(name, all_finite):
        raise WrongError("its observed targets are not finite numbers")
    arrays.take(8 * found.size, "its observed targets")
    return found.astype(np.float64)
