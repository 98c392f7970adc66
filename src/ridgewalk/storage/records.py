"""The records of a model file: the parts of an estimator as plain data, and back.

{"version": "0.1.0", "estimator": "MLPClassifierCV", "parameters": {...}, "fitted": {...}, "models": [...], "best": 0,
 "paths": [...], "path": 0, "linear_path": 1, ..., "columns": [...], "target": "outcome", "arrays": {...}}

Files do not name modules, private attributes or classes of the code. The tables here translate between files and code,
so that the code can change without changing the format. A change that they cannot express needs a new FORMAT.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from ridgewalk import __version__
from ridgewalk.arrays import Array
from ridgewalk.conformal import Calibration
from ridgewalk.engine.job import Standing
from ridgewalk.folds import Fold, Moments
from ridgewalk.input_maps import InputMap
from ridgewalk.layers import GELU, Dense, Dropout, LeakyReLU, ReLU, Sigmoid, Tanh
from ridgewalk.losses import AbsoluteError, BinaryCrossEntropy, CrossEntropy, Huber, Poisson, SquaredError, facts
from ridgewalk.model import Compaction, Model, Size
from ridgewalk.network import Network
from ridgewalk.optimizers import InverseTime, scheduled
from ridgewalk.path.dependence import ROWS, Dependence
from ridgewalk.path.early_stopping import EarlyStopped
from ridgewalk.path.families import (
    ElasticNetPath,
    FirstLayerPenalty,
    GroupLassoPath,
    GroupMCPPath,
    MCPPath,
    penalty_family,
)
from ridgewalk.path.input_selection import Candidate, InputSelection
from ridgewalk.path.law import NULL
from ridgewalk.path.racing import Dropped
from ridgewalk.path.result import FoldNetworks, MLPPath
from ridgewalk.path.settings import PathSettings
from ridgewalk.storage.container import (
    AnyArray,
    Arrays,
    ArrayStore,
    JsonObject,
    ModelFileError,
    WrongError,
    as_text,
    restored,
)
from ridgewalk.storage.held_out_records import held_out_of

if TYPE_CHECKING:
    from ridgewalk.tables import Encoder
    from ridgewalk.tables.choices import LeftOut
    from ridgewalk.tables.text_format import TextFormat

Kinds = Mapping[str, tuple[type, dict[str, type]]]
"""Name in the file -> what it stands for, and its fields with their types."""

_LAYERS: Kinds = {
    "dense": (Dense, {"inputs": int, "units": int}),
    "relu": (ReLU, {}),
    "leaky_relu": (LeakyReLU, {"slope": float}),
    "tanh": (Tanh, {}),
    "logistic": (Sigmoid, {}),
    "gelu": (GELU, {}),
    "dropout": (Dropout, {"rate": float}),
}
_LOSSES: Kinds = {
    "cross_entropy": (CrossEntropy, {}),
    "binary_cross_entropy": (BinaryCrossEntropy, {}),
    "squared_error": (SquaredError, {}),
    "absolute_error": (AbsoluteError, {}),
    "huber": (Huber, {"delta": float}),
    "poisson": (Poisson, {}),
}
_SIZE: Kinds = {"size": (Size, {"inputs": int, "units": int, "numbers": int, "multiplications": int})}
_NUMBERS = (int, float)
_NUMBER_TYPES = (np.ndarray, tuple, list, type(None))  # of numbers
_SETTINGS: dict[str, tuple[type, ...]] = {  # name, and the types it may have
    "hidden_layer_sizes": (tuple,), "activation": (str,), "schedule": (str,), "racing": (bool,), "max_iter": _NUMBERS,
    "learning_rate": _NUMBERS, "batch_size": (int, type(None)), "dtype": (str,), "tolerance": _NUMBERS,
}  # fmt: skip
_FACTORS: dict[str, tuple[type, ...]] = {
    "l1_ratio": _NUMBERS, "upper_l2": _NUMBERS, "bias_alpha": _NUMBERS, "layer_factors": _NUMBER_TYPES,
    "penalty_factors": _NUMBER_TYPES,
}  # fmt: skip
_PENALTIES: dict[str, tuple[type[ElasticNetPath] | type[FirstLayerPenalty], dict[str, tuple[type, ...]]]] = {
    "elasticnet": (ElasticNetPath, _FACTORS),
    "group_lasso": (GroupLassoPath, _FACTORS | {"groups": _NUMBER_TYPES}),
    "mcp": (MCPPath, _FACTORS | {"gamma": _NUMBERS}),
    "group_mcp": (GroupMCPPath, _FACTORS | {"groups": _NUMBER_TYPES, "gamma": _NUMBERS}),
}
_FORMAT_3_ROUTE = _SETTINGS | _FACTORS | {  # of format 3: "walk" is the schedule, "penalty" a name
    "penalty": (str,), "walk": (str,), "groups": _NUMBER_TYPES, "standardize": (bool,), "engine": (str,),
}  # fmt: skip
_SHARES = 1e-9  # by which the shares of calibrating rows may miss their sum, over it
_MOST_NETWORKS = 2**28  # bytes of fold networks that a file holds
_PATH = {  # kind of number, and shape: strengths S, folds K, F = K + 1, seeds E, columns P, layers L, rows N
    "alphas": ("f", "S"),
    "heldout_loss": ("f", "SKE"),
    "heldout_score": ("f", "SKE"),
    "row_weights": ("f", "N"),
    "null_row_loss": ("f", "N"),
    "train_loss": ("f", "SFE"),
    "objective": ("f", "SFE"),
    "penalty": ("f", "SFE"),
    "source": ("i", "SFE"),
    "layer_zeros": ("f", "SFEL"),
    "inputs_kept": ("b", "SFEP"),
    "units_kept": ("i", "SFE"),
    "residual": ("f", "SFE"),
    "n_iter": ("i", "SFE"),
    "diverged": ("b", "SFE"),
}
_FORMAT_3 = {"null_wins": ("b", "SFE")}
_MAP = {"column": "i", "kind": "i", "center": "f", "scale": "f"}  # kind of number; M of them
_EARLY_STOPPED = {"outputs": ("f", "NC"), "row_loss": ("f", "N"), "heldout_loss": ("f", "KE"), "n_iter": ("i", "KE")}
_DROPPED = {"alphas": "f", "folds": "i", "heldout_loss": "f"}  # kind of number; as many as strengths were dropped
_SCALING = {"center": "M", "scale": "M", "target_center": "C", "target_scale": "C"}
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
        document["seen"] = {"weight": model._seen.weight, **_scaling_record("seen", model._seen, store)}
    if "_optimizer" in held:
        document["standing"] = _standing_record(model, store)
    if "compaction_" in held:
        before, after = (_record(_SIZE, each, "size") for each in (model.compaction_.before, model.compaction_.after))
        document["compaction"] = {"before": before, "after": after, "seconds": model.compaction_.seconds}
    if "path_" in held:
        of_ratios = [number(each) for each in model.paths_]
        document |= {"path": number(model.path_), "paths_of_ratios": of_ratios}
        document |= {"linear_path": number(model.linear_path_), "early_stopped": _early_stopped_record(model, store)}
    document["held_out"] = held.get("_held_out")
    document["observed"] = _observed_record(model, store)
    if "input_selection_" in held:
        document["input_selection"] = _selection_record(model.input_selection_, number, store)
    records = [_path_record(f"path {k}", each, store) for k, each in enumerate(paths)]
    return document | {"paths": records, "calibration": calibration_record(model, store)}


def _selection_record(selected: InputSelection, number: Callable[[MLPPath], int], store: ArrayStore) -> JsonObject:
    """Describe an input selection; ``number`` maps a path to its number in the file."""

    def candidate(each: Candidate) -> JsonObject:
        return {
            "name": each.name,
            "path": number(each.path),
            "index": each.index,
            "loss": store.plain("input selection", each.loss),
        }

    return {
        "arms": [candidate(each) for each in selected.arms],
        "chosen": candidate(selected.chosen),
        "unpenalized": number(selected.unpenalized),
        "null_loss": store.plain("input selection", selected.null_loss),
        "gain": store.plain("input selection", selected.gain),
        "gain_error": store.plain("input selection", selected.gain_error),
        "frequency": store.put("frequency", selected.frequency),
    }


def encoder_records(encoder: Encoder | None) -> JsonObject:
    """Describe an encoder: what was learned from each column, columns left out, and the file format."""
    if encoder is None:
        return {"columns": None}
    learned = [_record(_columns(), each, "column") for each in encoder.columns]
    read_as = {name: getattr(encoder.read_as, name) for name in encoder.read_as.named}
    left_out = [[each.column, each.role, each.reason, each.advice] for each in encoder.left_out]
    return {
        "columns": learned,
        "table": {"missing": list(encoder.missing_texts.texts), "left_out": left_out, "read_as": read_as}
        | ({} if encoder.gaps is None else {"gaps": dict(encoder.gaps)}),
    }


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


def model_record(where: str, model: Model, store: ArrayStore) -> JsonObject:
    """Describe a model; its numbers go to the store."""
    return {
        **_network_record(where, model.network, model.loss, model.parameters, store),
        **_scaling_record(where, model, store),
        "inputs": store.put(f"{where}/inputs", model.inputs),
        **_map_record(where, model.map, store),
    }


def _network_record(
    where: str, network: Network, loss: Any, parameters: tuple[AnyArray, ...], store: ArrayStore
) -> JsonObject:
    return {
        "layers": [_record(_LAYERS, layer, "layer") for layer in network.layers],
        "loss": _record(_LOSSES, loss, "loss"),
        "parameters": [
            store.put(f"{where}/{name}", each) for name, each in zip(network.names, parameters, strict=True)
        ],
    }


def _scaling_record(where: str, scaled: Model | Fold | Moments, store: ArrayStore) -> JsonObject:
    return {name: store.put(f"{where}/{name}", getattr(scaled, name)) for name in _SCALING}


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


def _path_record(where: str, path: MLPPath, store: ArrayStore) -> JsonObject:
    held = ((name, getattr(path, name)) for name in _PATH)
    return {
        **_network_record(where, path.network, path.loss, path.parameters, store),
        "tables": {name: store.put(f"{where}/{name}", each) for name, each in held if each is not None},
        "heldout_rows": [store.put(f"{where}/heldout_rows {k}", each) for k, each in enumerate(path.heldout_rows)],
        "fold_row_loss": [store.put(f"{where}/fold_row_loss {k}", each) for k, each in enumerate(path.fold_row_loss)],
        "folds": [_fold_record(f"{where}/fold {k}", fold, store) for k, fold in enumerate(path.folds)],
        "fold_networks": _fold_networks_record(where, path.fold_networks, store),
        "settings": {name: store.plain(f"{where}/{name}", getattr(path.settings, name)) for name in _SETTINGS},
        "penalty": _penalty_record(where, path.settings.penalty, store),
        "standardize": path.standardize,
        "engine": path.engine,
        "dropped": {
            name: store.put(f"{where}/dropped {name}", getattr(path.dropped, name))
            for name in (_DROPPED if len(path.dropped.alphas) else ())
        },
        "dependence": _dependence_record(where, path.dependence, store),
    }


def _early_stopped_record(model: Any, store: ArrayStore) -> JsonObject | None:
    """Describe the predictions of early stopping, if there are any."""
    stopped: EarlyStopped | None = model.early_stopped_
    if stopped is None:
        return None
    return {name: store.put(f"early stopped/{name}", getattr(stopped, name)) for name in _EARLY_STOPPED}


def _dependence_record(where: str, dependence: Dependence, store: ArrayStore) -> JsonObject:
    groups = dependence.groups
    return {"kind": dependence.kind, "groups": None if groups is None else store.put(f"{where}/groups", groups)}


def _fold_record(where: str, fold: Fold, store: ArrayStore) -> JsonObject:
    return {
        "weights": store.put(f"{where}/weights", fold.weights),
        **_scaling_record(where, fold, store),
        **_map_record(where, fold.inputs, store),
    }


def _map_record(where: str, inputs: InputMap | None, store: ArrayStore) -> JsonObject:
    """Describe the input map, if there is one."""
    if inputs is None:
        return {}
    return {"map": {name: store.put(f"{where}/map {name}", getattr(inputs, name)) for name in _MAP}}


def _fold_networks_record(where: str, networks: FoldNetworks | None, store: ArrayStore) -> JsonObject | None:
    """Describe the networks of folds and their outputs, if they are not too large."""
    if networks is None or sum(each.nbytes for each in networks.parameters) > _MOST_NETWORKS:
        return None
    return {
        "parameters": [store.put(f"{where}/fold array {k}", each) for k, each in enumerate(networks.parameters)],
        "strengths": store.put(f"{where}/strengths of outputs", networks.strengths),
        "outputs": [store.put(f"{where}/outputs {k}", each) for k, each in enumerate(networks.outputs)],
    }


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


def _penalty_record(where: str, penalty: Any, store: ArrayStore) -> JsonObject:
    for kind, (family, names) in _PENALTIES.items():
        if type(penalty) is family:
            return {"kind": kind} | {name: store.plain(f"{where}/{name}", getattr(penalty, name)) for name in names}
    raise ModelFileError(
        f"A model file knows no penalty {type(penalty).__name__}: it holds {', '.join(_PENALTIES)}. A path under a "
        "penalty of your own can be pickled."
    )


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
    paths = [_path(record, spec, arrays) for record in document["paths"]]
    _restore_training(document, model, spec, arrays)
    if "compaction" in document:
        seconds = document["compaction"]["seconds"]
        before, after = (_thing(_SIZE, document["compaction"][when], "size") for when in ("before", "after"))
        model.compaction_ = Compaction(before, after, seconds and (float(seconds[0]), float(seconds[1])))
    if "path" in document:
        model.path_, model.linear_path_ = paths[document["path"]], paths[document["linear_path"]]
        model.paths_ = [paths[number] for number in document["paths_of_ratios"]]
        model.early_stopped_ = _early_stopped(document.get("early_stopped"), model.path_, arrays)
        if model.index_ not in range(len(model.path_.alphas)):
            raise WrongError(f"its strength {model.index_} is none of the {len(model.path_.alphas)} of its path")
        if document.get("observed") is not None:
            set_observed(model, _observed(document["observed"], model.path_, arrays))
    set_calibration(model, document, model.path_ if "path" in document else None, arrays)
    set_held_out(model, held_out_of(document.get("held_out")))
    if "input_selection" in document:
        model.input_selection_ = _input_selection(document["input_selection"], paths, spec, arrays)
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


def encoder_of(document: JsonObject) -> Encoder | None:
    """Create the encoder of a document, or None."""
    if document["columns"] is None:
        return None
    from ridgewalk.tables.dates import ORDERS
    from ridgewalk.tables.encode import DAYS, Category, Date, OrderedDate
    from ridgewalk.tables.encoder import Encoder

    columns = tuple(_thing(_columns(), record, "column") for record in document["columns"])
    for column in columns:
        if isinstance(column, Date) and column.cycles != tuple(each for each in DAYS if each in column.cycles):
            raise WrongError("its dates have a place in unknown cycles")
        if isinstance(column, Date) and abs(column.center) > _LAST_DAY:
            raise WrongError("its dates have a median that is no day")
        if isinstance(column, OrderedDate) and column.order not in ORDERS:
            raise WrongError("its dates are written in an unknown order")
        levels = (*column.levels, *column.others) if isinstance(column, Category) else ()
        if len(set(levels)) < len(levels):
            raise WrongError(f"its column {column.name[:60]!r} has a category twice")
    if len({column.name for column in columns}) < len(columns):
        raise WrongError("two of its columns have one name")
    return Encoder.of(columns, *_table(document.get("table")))


def _table(
    record: JsonObject | None,
) -> tuple[tuple[str, ...], tuple[LeftOut, ...], TextFormat, dict[str, int] | None]:
    """Read missing-value texts, columns left out, the file format and missing values; older files lack some."""
    from ridgewalk.tables.choices import LeftOut, Role
    from ridgewalk.tables.text_format import TextFormat

    if record is None:
        return (), (), TextFormat(), None
    entries = record["left_out"]
    if not all(isinstance(each, list) and len(each) == 4 and each[1] in get_args(Role) for each in entries):
        raise WrongError("what was left out of its table has no role")
    left_out = tuple(LeftOut(as_text(name), role, as_text(why), as_text(how)) for name, role, why, how in entries)
    read_as = {as_text(name): as_text(value) for name, value in record["read_as"].items()}
    missing = record["missing"]
    if not isinstance(missing, list):
        raise WrongError("its texts that mean missing are no list")
    gaps = record.get("gaps")
    if gaps is not None and not all(type(rows) is int and rows > 0 for rows in gaps.values()):
        raise WrongError("its missing values are counted by something else than a number")
    gaps = gaps if gaps is None else {as_text(name): rows for name, rows in gaps.items()}
    return tuple(map(as_text, missing)), left_out, TextFormat(**read_as), gaps


_LAST_DAY = 10**9  # from 1970-01-01


def encoder_width(encoder: Encoder) -> int:
    """Count the columns of numbers that an encoder gives, without their names, which a file could make long."""
    from ridgewalk.tables.encode import Category, Date

    width = 0
    for column in encoder.columns:
        if isinstance(column, Category):
            width += len(column.levels) + bool(column.others)
        else:
            width += 1 + column.indicated + (2 * len(column.cycles) if isinstance(column, Date) else 0)
    return width


@dataclass(frozen=True)
class OutputSpec:
    """The constraints of an estimator on its networks: inputs, outputs (None: any number), and losses."""

    inputs: int
    outputs: int | None
    losses: tuple[type, ...]


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


def sized(arrays: Arrays, name: str, kind: str, letters: str, sizes: dict[str, int]) -> AnyArray:
    """Return an array of a kind of numbers, with one axis per letter; equal letters are equal lengths."""
    array = arrays[name]
    fits = array.dtype.kind == kind and array.ndim == len(letters) and (kind == "b" or array.itemsize >= 4)
    if not fits or any(sizes.setdefault(each, n) != n for each, n in zip(letters, array.shape, strict=True)):
        wanted = ", ".join(str(sizes.get(each, "any")) for each in letters)
        raise WrongError(f"its array {name!r} is {array.dtype} of shape {array.shape}, where ({wanted}) is needed")
    return array


def all_finite(array: AnyArray) -> bool:
    """Return whether every number is finite."""
    return bool(np.isfinite(array).all())


def none_negative(array: AnyArray) -> bool:
    """Return whether no number is below 0."""
    return bool((array >= 0).all())


def all_positive(array: AnyArray) -> bool:
    """Return whether every number is above 0."""
    return bool((array > 0).all())


def _moments(document: JsonObject, model: Any, spec: OutputSpec, arrays: Arrays) -> Moments:
    """Means and deviations of the rows trained on; format 3 kept how they were scaled, and not their weight."""
    if "seen" not in document:
        fold = _scaling(document["fold"], {"M": spec.inputs}, arrays)
        fold["scale"] = np.where(np.isinf(fold["scale"]), 0.0, fold["scale"])
        return Moments(model.t_ / model.n_iter_, **fold)
    record, sizes = document["seen"], {"M": spec.inputs}
    scaling = {name: sized(arrays, record[name], "f", letter, sizes) for name, letter in _SCALING.items()}
    sound = all(arrays.meets(record[name], all_finite) for name in _SCALING) and 0 < float(record["weight"]) < np.inf
    if not sound or not all(arrays.meets(record[name], none_negative) for name in ("scale", "target_scale")):
        raise WrongError("the rows it was trained on have means or deviations that are none")
    return Moments(float(record["weight"]), **scaling)


def _scaling(record: JsonObject, sizes: dict[str, int], arrays: Arrays) -> dict[str, AnyArray]:
    """Centers and scales of columns and targets: numbers that can be divided by."""
    scaling = {name: sized(arrays, record[name], "f", letter, sizes) for name, letter in _SCALING.items()}
    finite = all(arrays.meets(record[name], all_finite) for name in ("center", "target_center", "target_scale"))
    if not finite or not all(arrays.meets(record[name], all_positive) for name in ("scale", "target_scale")):
        raise WrongError("its columns or targets are scaled by something else than numbers above 0")
    return scaling


def _network(
    record: JsonObject, spec: OutputSpec, axes: int, arrays: Arrays
) -> tuple[Network, Any, tuple[AnyArray, ...]]:
    """Read layers, loss and arrays of a network; its arrays have additional leading axes."""
    network = Network(tuple(_thing(_LAYERS, layer, "layer") for layer in record["layers"]))
    loss = _thing(_LOSSES, record["loss"], "loss")
    parameters = tuple(arrays[name] for name in record["parameters"])
    shapes = [each.shape[-2:] for each in parameters]
    if shapes != list(network.shapes) or any(
        each.dtype.kind != "f" or each.itemsize < 4 or each.ndim != axes + 2 for each in parameters
    ):
        raise WrongError(f"its weights have the shapes {shapes[:6]}, and its layers take {list(network.shapes)[:6]}")
    if not isinstance(loss, spec.losses) or spec.outputs not in (None, network.dense[-1].units):
        raise WrongError(f"its {type(loss).__name__} of {network.dense[-1].units} outputs is none of its estimator's")
    return network, loss, parameters


def model_of_record(record: JsonObject, spec: OutputSpec, arrays: Arrays) -> Model:
    """Create the model of a document or record."""
    network, loss, parameters = _network(record, spec, 0, arrays)
    inputs = sized(arrays, record["inputs"], "i", "P", {})
    if not arrays.meets(record["inputs"], none_negative) or inputs.max(initial=0) >= spec.inputs:
        raise WrongError(f"its network takes columns that are not among the {spec.inputs} of its estimator")
    sizes = {"P": len(inputs), "M": network.dense[0].inputs, "C": network.dense[-1].units}
    mapped, scaling = _map(record, sizes, arrays), _scaling(record, sizes, arrays)
    return Model(network=network, parameters=parameters, loss=loss, inputs=inputs, map=mapped, **scaling)


def _map(record: JsonObject, sizes: dict[str, int], arrays: Arrays) -> InputMap | None:
    """Read the input map of P columns, or None."""
    if "map" not in record:
        if sizes["P"] != sizes["M"]:
            raise WrongError(f"its network takes {sizes['M']} numbers, and no map makes them of {sizes['P']} columns")
        return None
    fields = {name: sized(arrays, record["map"][name], kind, "M", sizes) for name, kind in _MAP.items()}
    try:
        found = InputMap(**fields)
    except ValueError as error:
        raise WrongError(f"its map of columns is none ({error})") from None
    if found.column[-1] + 1 != sizes["P"]:
        raise WrongError(f"its map is of {found.column[-1] + 1} columns, and there are {sizes['P']}")
    return found


def _path(record: JsonObject, spec: OutputSpec, arrays: Arrays) -> MLPPath:
    network, loss, parameters = _network(record, spec, 2, arrays)
    settings, standardize = _how(record, arrays)
    sizes = {"P": spec.inputs, "M": network.dense[0].inputs, "C": network.dense[-1].units, "L": len(network.dense)}
    tables: dict[str, Any] = {"heldout_score": None} | {
        name: sized(arrays, each, *(_PATH | _FORMAT_3)[name], sizes) for name, each in record["tables"].items()
    }
    if "null_wins" in tables:
        null = tables.pop("null_wins")
        arrays.take(8 * null.size, "the sources of its networks")
        tables["source"] = np.where(null, NULL, np.arange(sizes["S"])[:, None, None])
    source = tables["source"]
    if ((source < NULL) | (source >= sizes["S"])).any():
        raise WrongError("its path names networks of strengths that it does not have")
    strengths, folds, rows = sizes["S"], sizes["K"], sizes["N"]
    heldout = tuple(sized(arrays, name, "i", "n", {}) for name in record["heldout_rows"])
    lengths = [{"S": strengths, "n": len(each)} for each in heldout]
    losses = tuple(
        sized(arrays, name, "f", "Sn", each) for name, each in zip(record["fold_row_loss"], lengths, strict=True)
    )
    inside = all(arrays.meets(name, none_negative) for name in record["heldout_rows"]) and all(
        each.max(initial=-1) < rows for each in heldout
    )
    if len(heldout) != folds or sizes["F"] != folds + 1 or not inside:
        raise WrongError(f"its path of {folds} folds over {rows} rows holds out other rows")
    if any(each.shape[:-2] != (strengths, sizes["E"]) for each in parameters) or network != settings.network(
        sizes["M"], sizes["C"]
    ):
        raise WrongError("its path has networks of another shape than its tables")
    if "whole" in record:  # format 3
        training_sets: tuple[Fold, ...] = (_fold({"weights": record["weights"], **record["whole"]}, sizes, arrays),)
    else:
        training_sets = tuple(_fold(each, sizes, arrays) for each in record["folds"])
    if any(not np.array_equal(each.column, training_sets[-1].column) for each in training_sets):
        raise WrongError("its folds map columns to different numbers")
    return MLPPath(
        **tables,
        heldout_rows=heldout,
        fold_row_loss=losses,
        parameters=parameters,
        fold_networks=_fold_networks(record.get("fold_networks"), network, sizes, lengths, arrays),
        settings=settings,
        network=network,
        loss=loss,
        standardize=standardize,
        folds=training_sets,
        engine=as_text(record["engine"]),
        dropped=_dropped(record.get("dropped"), arrays),
        dependence=_dependence(record.get("dependence"), sizes, arrays),
    )


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


def _dropped(record: JsonObject | None, arrays: Arrays) -> Dropped:
    """Read the strengths dropped by racing; older files have none."""
    if not record:
        return Dropped.none()
    sizes: dict[str, int] = {}
    return Dropped(**{name: sized(arrays, record[name], kind, "D", sizes) for name, kind in _DROPPED.items()})


def _early_stopped(record: JsonObject | None, path: MLPPath, arrays: Arrays) -> EarlyStopped | None:
    """Read the predictions of early stopping on a path's folds; older files have none."""
    if record is None:
        return None
    folds, seeds = path.heldout_loss.shape[1:]
    sizes = {"N": len(path.row_weights), "C": path.parameters[-1].shape[-1], "K": folds, "E": seeds}
    fields = {name: sized(arrays, record[name], *of, sizes) for name, of in _EARLY_STOPPED.items()}
    if not arrays.meets(record["n_iter"], none_negative):
        raise WrongError("its networks that were stopped early were trained for epochs below 0")
    return EarlyStopped(**fields)


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


def _dependence(record: JsonObject | None, sizes: dict[str, int], arrays: Arrays) -> Dependence:
    """Read how rows depend on each other; older files take them for independent."""
    if record is None:
        return ROWS
    groups = record["groups"]
    return Dependence(record["kind"], None if groups is None else sized(arrays, groups, "i", "N", sizes))


def _fold(record: JsonObject, sizes: dict[str, int], arrays: Arrays) -> Fold:
    weights = sized(arrays, record["weights"], "f", "N", sizes)
    return Fold(weights, inputs=_map(record, sizes, arrays), **_scaling(record, sizes, arrays))


def _fold_networks(
    record: JsonObject | None, network: Network, sizes: dict[str, int], lengths: list[dict[str, int]], arrays: Arrays
) -> FoldNetworks | None:
    """Read the networks of folds, and their outputs for held-out rows."""
    if record is None:
        return None
    parameters = tuple(arrays[name] for name in record["parameters"])
    axes = (sizes["S"], sizes["K"], sizes["E"])
    if [each.shape for each in parameters] != [(*axes, *shape) for shape in network.shapes] or any(
        each.dtype.kind != "f" for each in parameters
    ):
        raise WrongError("the networks of its folds have another shape than its tables")
    strengths = sized(arrays, record["strengths"], "i", "s", {})
    if len(strengths) == 0 or strengths.min() < 0 or strengths.max() >= sizes["S"]:
        raise WrongError("it keeps held-out outputs of strengths that it does not have")
    outputs = tuple(
        sized(arrays, name, "f", "sEnC", {"s": len(strengths), "E": sizes["E"], "C": sizes["C"], "n": each["n"]})
        for name, each in zip(record["outputs"], lengths, strict=True)
    )
    return FoldNetworks(parameters, strengths, outputs)


def _how(record: JsonObject, arrays: Arrays) -> tuple[PathSettings, bool]:
    """Return how a path was fitted, and whether its columns were standardized."""
    if "route" in record:
        fields = _plain(record["route"], _FORMAT_3_ROUTE, arrays)
        fields.pop("engine")
        factors = {name: fields.pop(name) for name in ("groups", *_FACTORS)}
        penalty = penalty_family(fields.pop("penalty"), **factors)
        standardize = fields.pop("standardize")
        return PathSettings(penalty=penalty, schedule=fields.pop("walk"), **fields), standardize
    chosen = dict(record["penalty"])
    kind = chosen.pop("kind")
    if kind not in _PENALTIES:
        raise WrongError(f"it holds an unknown penalty, {str(kind)[:60]!r}")
    family, names = _PENALTIES[kind]
    if not isinstance(record["standardize"], bool):
        raise WrongError(f"it holds {str(record['standardize'])[:60]} where yes or no is needed")
    of_kind = family(**_plain(chosen, names, arrays))
    settings = PathSettings(penalty=of_kind, **_plain(record["settings"], _SETTINGS, arrays))
    return settings, record["standardize"]


def _plain(record: JsonObject, types: Mapping[str, tuple[type, ...]], arrays: Arrays) -> dict[str, Any]:
    """Convert values to their plain Python types before they are counted, copied or written."""
    fields = {name: restored(each, arrays) for name, each in record.items()}
    for name, value in fields.items():
        if type(value) not in types[name] or not (
            types[name] is not _NUMBER_TYPES or isinstance(value, np.ndarray | None) or _of_numbers(value)
        ):
            raise WrongError(f"its {name} is {str(value)[:60]}, which is none")
    return fields


def _of_numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(each, int | float) for each in values)


def _input_selection(record: JsonObject, paths: list[MLPPath], spec: OutputSpec, arrays: Arrays) -> InputSelection:
    def candidate(entry: JsonObject) -> Candidate:
        path, index = paths[entry["path"]], entry["index"]
        if index not in range(len(path.alphas)):
            raise WrongError(f"its inputs were selected at strength {index}, of {len(path.alphas)}")
        return Candidate(as_text(entry["name"]), path, index, number(entry["loss"]))

    def number(stored: Any) -> float:
        return float(restored(stored, arrays))

    arms = tuple(map(candidate, record["arms"]))
    return InputSelection(
        arms=arms,
        chosen=candidate(record["chosen"]),
        unpenalized=paths[record["unpenalized"]] if "unpenalized" in record else arms[0].path,  # of older files
        null_loss=number(record["null_loss"]),
        gain=number(record["gain"]),
        gain_error=number(record["gain_error"]),
        frequency=sized(arrays, record["frequency"], "f", "P", {"P": spec.inputs}),
    )


def _record(kinds: Kinds, thing: Any, what: str) -> JsonObject:
    """Describe which kind a layer, a loss or a column is, and its fields."""
    for name, (kind, fields) in kinds.items():
        if type(thing) is kind:
            return {"kind": name} | {field: of(getattr(thing, field)) for field, of in fields.items()}
    raise ModelFileError(f"A model file knows no {what} {type(thing).__name__}: it holds {', '.join(kinds)}.")


def _thing(kinds: Kinds, record: JsonObject, what: str) -> Any:
    """Create the layer, loss or column of a record."""
    values = dict(record)
    name = values.pop("kind")
    if name not in kinds:
        raise WrongError(f"it holds an unknown {what}, {str(name)[:60]!r}")
    kind, fields = kinds[name]
    values = {field: tuple(map(as_text, each)) if isinstance(each, list) else each for field, each in values.items()}
    if values.keys() != fields.keys() or any(type(values[field]) is not fields[field] for field in fields):
        raise WrongError(f"its {what} {name!r} has other fields than {', '.join(fields) or 'none'}")
    if not all(math.isfinite(value) for value in values.values() if isinstance(value, float)):
        raise WrongError(f"its {what} {name!r} holds what is no finite number")
    return kind(**values)


def _columns() -> Kinds:
    from ridgewalk.tables.encode import (
        Category,
        CommaNumber,
        Date,
        Number,
        OrderedDate,
    )  # pandas, for those who have an encoder alone

    return {
        "number": (Number, {"name": str, "median": float, "indicated": bool}),
        "comma number": (CommaNumber, {"name": str, "median": float, "indicated": bool}),
        "category": (Category, {"name": str, "levels": tuple, "others": tuple}),
        "date": (Date, {"name": str, "center": float, "cycles": tuple, "indicated": bool}),
        "ordered date": (
            OrderedDate,
            {"name": str, "center": float, "cycles": tuple, "indicated": bool, "order": str},
        ),
    }
