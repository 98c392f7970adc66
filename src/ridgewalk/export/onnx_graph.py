"""Write a model as an ONNX graph, from the table's columns to labels and probabilities, in double precision.

    "age"  double (rows, 1) ┐
    "town" string (rows, 1) ┴> features -> Sub, Div -> MatMul, Add, Relu, ... -> Softmax ┬> "probabilities"
                                                                                         └> ArgMax, Gather -> "label"

All operators are available in double precision in onnxruntime, except Erf inside GELU, which is single precision only.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
import pandas as pd
from onnx import TensorProto, checker, helper

from ridgewalk.arrays import Array, Integers
from ridgewalk.export.onnx_coverage import give_coverage
from ridgewalk.export.onnx_nodes import Graph
from ridgewalk.export.recipe import Feature, Output, Recipe
from ridgewalk.input_maps import FAR, SOFT_BOUND, InputMap, Kind
from ridgewalk.layers import GELU, Dense, Dropout, Layer, LeakyReLU, ReLU, Sigmoid, Tanh
from ridgewalk.losses import LARGEST_EXPONENT
from ridgewalk.model import Model
from ridgewalk.report.schema import Card

CARD = "ridgewalk.card"
"""Key of the model card in an ONNX file's metadata."""
_ARRAY = "X"
_START, _DAY = pd.Timestamp(0, tz="UTC"), pd.Timedelta(days=1)
_HIGHEST_POWER = 900  # power of two that no product of it and a tiny number overflows with
_LEAST_DIFFERENCE = 1e-30  # onnxruntime leaves out a difference to a number that is 0 in single precision
_HOLDS = {
    "number": "A number; NaN where it is missing.",
    "date": "Days from 1970-01-01 00:00 UTC, with fractions; NaN where it is missing.",
    "text": "A category; empty where it is missing.",
}


def onnx_model(plan: Recipe, card: Card | None = None) -> bytes:
    """Write a model as the content of an ONNX file, with the model card in its metadata under :data:`CARD`.

    Raises
    ------
    ValueError
        If a column has no name.
    """
    if "" in plan.columns:
        raise ValueError("An input of ONNX needs a name, and a column of the model has none: name it, and fit again.")
    graph = Graph({_ARRAY, *plan.columns})
    x, order = _array(graph, plan) if plan.features is None else _encoded(graph, plan, plan.features)
    predictions = [_linked(graph, plan.output, model, _output(graph, model, x, order)) for model in plan.models]
    _give(graph, plan, graph.mean(predictions, plan.shares))
    if plan.covered is not None:
        give_coverage(graph, plan, plan.covered, predictions)
    proto = graph.finished(f"Predicts {plan.target}.")
    if card is not None:
        helper.set_model_props(proto, {CARD: json.dumps(card, ensure_ascii=False)})
    checker.check_model(proto, full_check=True)
    return bytes(proto.SerializeToString())


def _standardized(graph: Graph, x: str, center: Array, scale: Array) -> str:
    """Subtract centers and divide by scales."""
    powers = np.exp2(np.clip(-np.floor(np.log2(scale)), 0, _HIGHEST_POWER))
    lift = np.where((center != 0) & (np.abs(center) < _LEAST_DIFFERENCE), powers, 1.0)
    if (lift != 1).any():
        x = graph.node("Mul", x, graph.constant("power of two", lift))
    x = graph.node("Sub", x, graph.constant("center", lift * center))
    return graph.node("Div", x, graph.constant("scale", lift * scale))


def _taken(graph: Graph, model: Model, x: str, order: Integers) -> tuple[str, Integers]:
    """Compute the inputs of a network from the features; return the order of its columns."""
    place = np.argsort(order)
    if model.map is not None:
        return _mapped(graph, model.map, x, place[model.column])
    if np.array_equal(model.inputs, np.arange(len(order))):
        return x, order
    return _columns(graph, x, place[model.inputs]), np.arange(len(model.inputs))


def _columns(graph: Graph, x: str, places: Integers) -> str:
    """Take columns of a matrix."""
    return graph.node("Gather", x, graph.constant("columns", places), options={"axis": 1})


def _mapped(graph: Graph, inputs: InputMap, x: str, places: Integers) -> tuple[str, Integers]:
    """Map features, all of a kind at once; return the order of the resulting columns."""
    parts, numbers = [], []
    for kind in Kind:
        columns = np.flatnonzero(inputs.kind == kind)
        if columns.size:
            z = _standardized(graph, _columns(graph, x, places[columns]), inputs.center[columns], inputs.scale[columns])
            parts.append(_of_kind(graph, kind, z))
            numbers.append(columns)
    return graph.joined(parts), np.concatenate(numbers)


def _of_kind(graph: Graph, kind: Kind, z: str) -> str:
    """Compute the formulas of :mod:`ridgewalk.input_maps`."""
    match kind:
        case Kind.IDENTITY:
            return z
        case Kind.PIECE:
            return graph.node("Clip", z, graph.constant("zero", 0.0), graph.constant("one", 1.0))
        case Kind.SOFT_CLIP:
            bounded = graph.node("Clip", z, graph.constant("lowest", -FAR), graph.constant("highest", FAR))
            part = graph.node("Div", bounded, graph.constant("bound", SOFT_BOUND))
            square = graph.node("Add", graph.constant("one", 1.0), graph.node("Mul", part, part))
            return graph.node("Div", bounded, graph.node("Sqrt", square))


def _array(graph: Graph, plan: Recipe) -> tuple[str, Integers]:
    """Select the columns that the networks need from an array; return their order."""
    x = graph.input(_ARRAY, TensorProto.DOUBLE, plan.width, "The columns of the fit, in order.")
    order = np.arange(len(plan.chosen))
    if len(plan.chosen) == plan.width:
        return x, order
    return graph.node("Gather", x, graph.constant("used", plan.chosen), options={"axis": 1}), order


_KINDS = ("value", "number", "missing", "days", "sin", "cos", "is", "none of")


def _encoded(graph: Graph, plan: Recipe, features: Sequence[Feature]) -> tuple[str, Integers]:
    """Compute the features, all of a kind at once; return their order."""
    names = {name: _column(graph, plan, name, holds) for name, holds in plan.columns.items()}
    order = sorted(range(len(features)), key=lambda k: _KINDS.index(features[k].what))
    parts = [
        _of_text(graph, column, list(group)) if column else _of_numbers(graph, what, list(group), names)
        for (what, column), group in groupby((features[k] for k in order), _together)
    ]
    return graph.joined(parts), np.array(order)


def _together(feature: Feature) -> tuple[str, str]:
    return feature.what, feature.column if feature.kind == "text" else ""


def _column(graph: Graph, plan: Recipe, name: str, holds: str) -> str:
    """Add an input for a column, and return its values; of numbers and dates those that mean missing are NaN."""
    graph.input(name, TensorProto.STRING if holds == "text" else TensorProto.DOUBLE, 1, _HOLDS[holds])
    days = sorted((moment - _START) / _DAY for moment in plan.missing.moments)
    gone = {"text": [], "number": sorted(plan.missing.numbers), "date": days}[holds]
    value = name
    for number in gone:
        named = graph.node("Equal", name, graph.constant("means missing", number))
        value = graph.node("Where", named, graph.constant("missing", math.nan), value)
    return value


def _of_numbers(graph: Graph, what: str, features: Sequence[Feature], names: Mapping[str, str]) -> str:
    """Compute features of one kind, of columns of numbers or dates, by their values' names: (rows, features)."""
    values = graph.joined([names[feature.column] for feature in features])
    numbers = np.array([[feature.number for feature in features]])
    if what == "value":
        return values
    if what == "number":
        return graph.filled(values, graph.constant("median", numbers))
    if what == "missing":
        return graph.node("Cast", graph.node("IsNaN", values), options={"to": TensorProto.DOUBLE})
    zero = graph.constant("zero", 0.0)
    if what == "days":
        return graph.filled(graph.node("Sub", values, graph.constant("median day", numbers)), zero)
    angle = graph.node("Mul", values, graph.constant("angle per day", 2 * math.pi / numbers))
    if what == "cos":  # onnxruntime 1.20 has no Cos in double precision
        angle = graph.node("Add", angle, graph.constant("quarter turn", math.pi / 2))
    return graph.filled(graph.node("Sin", angle), zero)


def _of_text(graph: Graph, column: str, features: Sequence[Feature]) -> str:
    """Compute features of one column of text: (rows, features)."""
    texts = [text for feature in features for text in feature.texts]
    if not texts:  # of a category whose levels are all rare, every text is none of them
        return graph.node("Cast", graph.node("Equal", column, column), options={"to": TensorProto.DOUBLE})
    belongs = np.array([[float(text in feature.texts) for feature in features] for text in texts])
    same = graph.node("Equal", column, graph.constant("texts", [texts]))
    within = graph.node("Cast", same, options={"to": TensorProto.DOUBLE})
    if len(texts) > len(features):
        within = graph.node("MatMul", within, graph.constant("belongs", belongs))
    if features[0].what == "is":
        return within
    return graph.node("Sub", graph.constant("one", 1.0), within)


def _output(graph: Graph, model: Model, x: str, order: Integers) -> str:
    """Compute a network's raw output: (rows, outputs)."""
    x, order = _taken(graph, model, x, order)
    x = _standardized(graph, x, model.center[order], model.scale[order])
    first, *others = model.parameters
    arrays = iter((first[order], *others))
    for layer in model.network.layers:
        if isinstance(layer, Dense):
            x = graph.node("MatMul", x, graph.constant("weight", next(arrays)))
            x = graph.node("Add", x, graph.constant("bias", next(arrays)))
        elif not isinstance(layer, Dropout):
            x = _activated(graph, layer, x)
    return x


def _activated(graph: Graph, layer: Layer, x: str) -> str:
    match layer:
        case ReLU():
            return graph.node("Relu", x)
        case LeakyReLU():
            return graph.node("Max", x, graph.node("Mul", x, graph.constant("slope", layer.slope)))
        case Tanh():
            return graph.node("Tanh", x)
        case Sigmoid():
            return graph.node("Sigmoid", x)
        case GELU():
            scaled = graph.node("Mul", x, graph.constant("1/sqrt(2)", math.sqrt(0.5)))
            single = graph.node("Cast", scaled, options={"to": TensorProto.FLOAT})
            error = graph.node("Cast", graph.node("Erf", single), options={"to": TensorProto.DOUBLE})
            half = graph.constant("half", 0.5)
            below = graph.node("Add", half, graph.node("Mul", half, error))
            return graph.node("Mul", x, below)
    raise ValueError(f"The layer {type(layer).__name__} has no form in ONNX here.")


def _give(graph: Graph, plan: Recipe, mean: str) -> None:
    """Add the prediction as an output, and of probabilities the label that goes with them."""
    widths = [] if plan.flat else [plan.models[0].parameters[-1].shape[1]]
    if not plan.classes:
        value = graph.node("Squeeze", mean, graph.constant("axes", [1])) if plan.flat else mean
        graph.output("value", value, TensorProto.DOUBLE, *widths)
        return
    kind: int = TensorProto.INT64
    if plan.output == "labels":
        yes = graph.node("Greater", mean, graph.constant("half", 0.5))
        label = graph.node("Cast", yes, options={"to": kind})
    else:
        classes = np.array(plan.classes)
        kind = TensorProto.STRING if classes.dtype.kind == "U" else helper.np_dtype_to_tensor_dtype(classes.dtype)
        best = graph.node("ArgMax", mean, options={"axis": 1, "keepdims": 0})
        label = graph.node("Gather", graph.constant("classes", classes), best)
    graph.output("label", label, kind, *widths)
    graph.output("probabilities", mean, TensorProto.DOUBLE, len(plan.classes))


def _linked(graph: Graph, kind: Output, model: Model, output: str) -> str:
    """Turn a network's output into a prediction: probabilities, a rate, or a number in the target's units."""
    match kind:
        case "two classes":
            no = graph.node("Sigmoid", graph.node("Neg", output))
            return graph.joined([no, graph.node("Sigmoid", output)])
        case "classes":
            return graph.node("Softmax", output, options={"axis": 1})
        case "labels":
            return graph.node("Sigmoid", output)
        case "rates":
            return graph.node("Exp", graph.node("Min", output, graph.constant("largest", LARGEST_EXPONENT)))
    scaled = graph.node("Mul", output, graph.constant("target's scale", model.target_scale))
    return graph.node("Add", scaled, graph.constant("target's center", model.target_center))
