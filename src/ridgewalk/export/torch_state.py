"""Write a model's networks as a PyTorch ``state_dict`` in safetensors format, without PyTorch.

    "0.weight" (Q, P), "0.bias" (Q,)     the first dense layer: w' / scale, and b - (center / scale) w
    "2.weight", "2.bias", ...            the next layers; the activations between them have no arrays

Standardization is folded into the first and the last layer (:meth:`ridgewalk.model.Model.raw_parameters`), so the
network takes unscaled features. For several seeds the keys begin with the network's number: "0.0.weight", "1.0.weight".
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from safetensors.numpy import save

from ridgewalk.export.recipe import Recipe
from ridgewalk.layers import GELU, Arrays, Dense, Dropout, Layer, LeakyReLU, ReLU, Sigmoid, Tanh
from ridgewalk.model import Model


def torch_state(plan: Recipe) -> bytes:
    """Write the networks as the content of a safetensors file, with instructions in its metadata.

    Raises
    ------
    ValueError
        If they take mapped columns.
    """
    if any(model.map is not None for model in plan.models):
        raise ValueError(
            "A state_dict of PyTorch holds dense layers, and this model maps its columns before the first of them: "
            "write it with to_onnx or to_numpy."
        )
    arrays = {
        key if len(plan.models) == 1 else f"{start}.{key}": array
        for start, model in enumerate(plan.models)
        for key, array in _state(plan, model).items()
    }
    about = {
        "format": "pt",
        "module": module(plan),
        "features": json.dumps(plan.names),
        "columns": json.dumps(plan.chosen.tolist()),
        "target": plan.target,
        "classes": json.dumps(plan.classes),
    }
    return bytes(save(arrays, about))


def module(plan: Recipe) -> str:
    """Return the Python expression of the module for the ``state_dict``."""
    networks = [f"nn.Sequential({', '.join(map(_module, _parts(plan, model)[0]))})" for model in plan.models]
    return networks[0] if len(networks) == 1 else f"nn.ModuleList([{', '.join(networks)}])"


def prediction(plan: Recipe) -> str:
    """Return the Python that turns features x (N, P) into predictions."""
    link = {"two classes": ".sigmoid()", "labels": ".sigmoid()", "classes": ".softmax(dim=1)", "rates": ".exp()"}
    if len(plan.models) == 1:
        return f"network(x){link.get(plan.output, '')}"
    return f"torch.stack([each(x){link.get(plan.output, '')} for each in network]).mean(dim=0)"


def _parts(plan: Recipe, model: Model) -> tuple[list[Layer], Arrays]:
    """Return the layers of a network that takes all unscaled features, and their arrays.

    Those features that the model does not use have weights of 0.
    """
    first, *others = model.raw_parameters()
    weights = np.zeros((len(plan.chosen), first.shape[1]))
    weights[model.inputs] = first
    above = [layer for layer in model.network.layers[1:] if not isinstance(layer, Dropout)]
    return [Dense(*weights.shape), *above], (weights, *others)


def _state(plan: Recipe, model: Model) -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays by PyTorch's names: the number of the module, and which array of it."""
    layers, arrays = _parts(plan, model)
    numbers = [k for k, layer in enumerate(layers) if isinstance(layer, Dense)]
    weights = {f"{k}.weight": np.ascontiguousarray(w.T) for k, w in zip(numbers, arrays[::2], strict=True)}
    biases = {f"{k}.bias": b[0] for k, b in zip(numbers, arrays[1::2], strict=True)}
    return weights | biases


def _module(layer: Layer) -> str:
    match layer:
        case Dense():
            return f"nn.Linear({layer.inputs}, {layer.units})"
        case LeakyReLU():
            return f"nn.LeakyReLU({layer.slope})"
        case ReLU() | Tanh() | Sigmoid() | GELU():
            return f"nn.{type(layer).__name__}()"
    raise ValueError(f"The layer {type(layer).__name__} has no module of PyTorch here.")
