"""The records of a path in a model file: its tables, folds and networks, its settings, and a selection of inputs.

{"tables": {"alphas": ..., "heldout_loss": ..., ...}, "folds": [{...}, ...], "fold_networks": {...}, "settings": {...},
 "penalty": {"kind": "elasticnet", ...}, "dropped": {}, "dependence": {...}, ...}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ridgewalk.folds import Fold
from ridgewalk.network import Network
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
from ridgewalk.storage.container import Arrays, ArrayStore, JsonObject, ModelFileError, WrongError, as_text, restored
from ridgewalk.storage.fields import none_negative, sized
from ridgewalk.storage.network_records import (
    OutputSpec,
    map_of_record,
    map_record,
    network_of_record,
    network_record,
    scaling_of_record,
    scaling_record,
)

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
_EARLY_STOPPED = {"outputs": ("f", "NC"), "row_loss": ("f", "N"), "heldout_loss": ("f", "KE"), "n_iter": ("i", "KE")}
_DROPPED = {"alphas": "f", "folds": "i", "heldout_loss": "f"}  # kind of number; as many as strengths were dropped


def selection_record(selected: InputSelection, number: Callable[[MLPPath], int], store: ArrayStore) -> JsonObject:
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


def path_record(where: str, path: MLPPath, store: ArrayStore) -> JsonObject:
    """Describe a path."""
    held = ((name, getattr(path, name)) for name in _PATH)
    return {
        **network_record(where, path.network, path.loss, path.parameters, store),
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


def early_stopped_record(model: Any, store: ArrayStore) -> JsonObject | None:
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
        **scaling_record(where, fold, store),
        **map_record(where, fold.inputs, store),
    }


def _fold_networks_record(where: str, networks: FoldNetworks | None, store: ArrayStore) -> JsonObject | None:
    """Describe the networks of folds and their outputs, if they are not too large."""
    if networks is None or sum(each.nbytes for each in networks.parameters) > _MOST_NETWORKS:
        return None
    return {
        "parameters": [store.put(f"{where}/fold array {k}", each) for k, each in enumerate(networks.parameters)],
        "strengths": store.put(f"{where}/strengths of outputs", networks.strengths),
        "outputs": [store.put(f"{where}/outputs {k}", each) for k, each in enumerate(networks.outputs)],
    }


def _penalty_record(where: str, penalty: Any, store: ArrayStore) -> JsonObject:
    for kind, (family, names) in _PENALTIES.items():
        if type(penalty) is family:
            return {"kind": kind} | {name: store.plain(f"{where}/{name}", getattr(penalty, name)) for name in names}
    raise ModelFileError(
        f"A model file knows no penalty {type(penalty).__name__}: it holds {', '.join(_PENALTIES)}. A path under a "
        "penalty of your own can be pickled."
    )


def path_of_record(record: JsonObject, spec: OutputSpec, arrays: Arrays) -> MLPPath:
    """Create the path of a record."""
    network, loss, parameters = network_of_record(record, spec, 2, arrays)
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


def _dropped(record: JsonObject | None, arrays: Arrays) -> Dropped:
    """Read the strengths dropped by racing; older files have none."""
    if not record:
        return Dropped.none()
    sizes: dict[str, int] = {}
    return Dropped(**{name: sized(arrays, record[name], kind, "D", sizes) for name, kind in _DROPPED.items()})


def early_stopped_of_record(record: JsonObject | None, path: MLPPath, arrays: Arrays) -> EarlyStopped | None:
    """Read the predictions of early stopping on a path's folds; older files have none."""
    if record is None:
        return None
    folds, seeds = path.heldout_loss.shape[1:]
    sizes = {"N": len(path.row_weights), "C": path.parameters[-1].shape[-1], "K": folds, "E": seeds}
    fields = {name: sized(arrays, record[name], *of, sizes) for name, of in _EARLY_STOPPED.items()}
    if not arrays.meets(record["n_iter"], none_negative):
        raise WrongError("its networks that were stopped early were trained for epochs below 0")
    return EarlyStopped(**fields)


def _dependence(record: JsonObject | None, sizes: dict[str, int], arrays: Arrays) -> Dependence:
    """Read how rows depend on each other; older files take them for independent."""
    if record is None:
        return ROWS
    groups = record["groups"]
    return Dependence(record["kind"], None if groups is None else sized(arrays, groups, "i", "N", sizes))


def _fold(record: JsonObject, sizes: dict[str, int], arrays: Arrays) -> Fold:
    weights = sized(arrays, record["weights"], "f", "N", sizes)
    return Fold(weights, inputs=map_of_record(record, sizes, arrays), **scaling_of_record(record, sizes, arrays))


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


def selection_of_record(record: JsonObject, paths: list[MLPPath], spec: OutputSpec, arrays: Arrays) -> InputSelection:
    """Create the input selection of a record; its paths are those of the file."""

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
