"""The records of a network in a model file: layers, loss and parameters, the scaling of its columns, and its map.

{"layers": [{"kind": "dense", "inputs": 8, "units": 32}, ...], "loss": {...}, "parameters": [...], "center": ..., ...}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ridgewalk.folds import Fold, Moments
from ridgewalk.input_maps import InputMap
from ridgewalk.layers import GELU, Dense, Dropout, LeakyReLU, ReLU, Sigmoid, Tanh
from ridgewalk.losses import AbsoluteError, BinaryCrossEntropy, CrossEntropy, Huber, Poisson, SquaredError
from ridgewalk.model import Model
from ridgewalk.network import Network
from ridgewalk.storage.container import AnyArray, Arrays, ArrayStore, JsonObject, WrongError
from ridgewalk.storage.fields import Kinds, all_finite, all_positive, none_negative, record_of, sized, thing_of

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
_MAP = {"column": "i", "kind": "i", "center": "f", "scale": "f"}  # kind of number; M of them
SCALING = {"center": "M", "scale": "M", "target_center": "C", "target_scale": "C"}


def model_record(where: str, model: Model, store: ArrayStore) -> JsonObject:
    """Describe a model; its numbers go to the store."""
    return {
        **network_record(where, model.network, model.loss, model.parameters, store),
        **scaling_record(where, model, store),
        "inputs": store.put(f"{where}/inputs", model.inputs),
        **map_record(where, model.map, store),
    }


def network_record(
    where: str, network: Network, loss: Any, parameters: tuple[AnyArray, ...], store: ArrayStore
) -> JsonObject:
    """Describe layers, loss and arrays of a network."""
    return {
        "layers": [record_of(_LAYERS, layer, "layer") for layer in network.layers],
        "loss": record_of(_LOSSES, loss, "loss"),
        "parameters": [
            store.put(f"{where}/{name}", each) for name, each in zip(network.names, parameters, strict=True)
        ],
    }


def scaling_record(where: str, scaled: Model | Fold | Moments, store: ArrayStore) -> JsonObject:
    """Describe centers and scales of columns and targets."""
    return {name: store.put(f"{where}/{name}", getattr(scaled, name)) for name in SCALING}


def map_record(where: str, inputs: InputMap | None, store: ArrayStore) -> JsonObject:
    """Describe the input map, if there is one."""
    if inputs is None:
        return {}
    return {"map": {name: store.put(f"{where}/map {name}", getattr(inputs, name)) for name in _MAP}}


@dataclass(frozen=True)
class OutputSpec:
    """The constraints of an estimator on its networks: inputs, outputs (None: any number), and losses."""

    inputs: int
    outputs: int | None
    losses: tuple[type, ...]


def scaling_of_record(record: JsonObject, sizes: dict[str, int], arrays: Arrays) -> dict[str, AnyArray]:
    """Centers and scales of columns and targets: numbers that can be divided by."""
    scaling = {name: sized(arrays, record[name], "f", letter, sizes) for name, letter in SCALING.items()}
    finite = all(arrays.meets(record[name], all_finite) for name in ("center", "target_center", "target_scale"))
    if not finite or not all(arrays.meets(record[name], all_positive) for name in ("scale", "target_scale")):
        raise WrongError("its columns or targets are scaled by something else than numbers above 0")
    return scaling


def network_of_record(
    record: JsonObject, spec: OutputSpec, axes: int, arrays: Arrays
) -> tuple[Network, Any, tuple[AnyArray, ...]]:
    """Read layers, loss and arrays of a network; its arrays have additional leading axes."""
    network = Network(tuple(thing_of(_LAYERS, layer, "layer") for layer in record["layers"]))
    loss = thing_of(_LOSSES, record["loss"], "loss")
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
    network, loss, parameters = network_of_record(record, spec, 0, arrays)
    inputs = sized(arrays, record["inputs"], "i", "P", {})
    if not arrays.meets(record["inputs"], none_negative) or inputs.max(initial=0) >= spec.inputs:
        raise WrongError(f"its network takes columns that are not among the {spec.inputs} of its estimator")
    sizes = {"P": len(inputs), "M": network.dense[0].inputs, "C": network.dense[-1].units}
    mapped, scaling = map_of_record(record, sizes, arrays), scaling_of_record(record, sizes, arrays)
    return Model(network=network, parameters=parameters, loss=loss, inputs=inputs, map=mapped, **scaling)


def map_of_record(record: JsonObject, sizes: dict[str, int], arrays: Arrays) -> InputMap | None:
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
