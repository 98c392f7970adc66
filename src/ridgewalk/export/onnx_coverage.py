"""Prediction intervals and sets as nodes of an ONNX graph (:mod:`ridgewalk.conformal`), in double precision.

intervals   center_k + score of every held-out row, (rows, N) -> TopK -> CumSum of weights -> the first beyond the
            allowed weight
sets        Greater, ReduceSum: probability of more probable classes -> Less than each held-out score, times its weight
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto

from ridgewalk.arrays import Array
from ridgewalk.conformal import TIE
from ridgewalk.export.onnx_nodes import Graph
from ridgewalk.export.recipe import Coverage, Recipe


def give_coverage(graph: Graph, plan: Recipe, covered: Coverage, predictions: Sequence[str]) -> None:
    """Add the outputs "low" and "high", or "set", from the predictions of each model (rows, C)."""
    folds = [graph.mean(predictions, shares) for shares in covered.fold_shares]
    outputs = plan.models[0].parameters[-1].shape[1]
    if plan.output == "labels":
        sets = [graph.node("Unsqueeze", _label_set(graph, covered, folds, k), _axis(graph, 2)) for k in range(outputs)]
        whole = sets[0] if len(sets) == 1 else graph.node("Concat", *sets, options={"axis": 2})
        graph.output("set", whole, TensorProto.BOOL, 2, outputs)
    elif plan.classes:
        whole = _set(graph, covered, folds, 0, len(plan.classes))
        graph.output("set", whole, TensorProto.BOOL, len(plan.classes))
    else:
        _give_ends(graph, plan, covered, folds, outputs)


def _give_ends(graph: Graph, plan: Recipe, covered: Coverage, folds: Sequence[str], outputs: int) -> None:
    """Add the outputs "low" and "high", or "set", from the predictions of each model (rows, C)."""
    negative = [graph.node("Neg", fold) for fold in folds]
    low = graph.joined([graph.node("Neg", _upper_end(graph, covered, negative, k)) for k in range(outputs)])
    high = graph.joined([_upper_end(graph, covered, folds, k) for k in range(outputs)])
    if plan.output == "rates":
        low, high = (graph.node("Max", end, graph.constant("zero", 0.0)) for end in (low, high))
    for name, end in (("low", low), ("high", high)):
        value = graph.node("Squeeze", end, _axis(graph, 1)) if plan.flat else end
        graph.output(name, value, TensorProto.DOUBLE, *([] if plan.flat else [outputs]))


def _upper_end(graph: Graph, covered: Coverage, folds: Sequence[str], target: int) -> str:
    """Compute the smallest number that enough of center + score lie at or below: (rows, 1)."""
    centers = [graph.node("Gather", fold, graph.constant("target", [target]), options={"axis": 1}) for fold in folds]
    infinite = graph.constant("infinite", np.inf)
    slack = float(covered.counts.sum()) - covered.calibration.needed(covered.coverage)
    if slack < 0:
        return graph.node("Expand", infinite, graph.node("Shape", centers[0]))
    parts = [
        graph.node("Add", center, graph.constant("scores", scores[:, target][None]))
        for center, scores in zip(centers, covered.calibration.scores, strict=True)
    ]
    values = graph.joined(parts)
    odd = graph.node("Or", graph.node("IsNaN", values), graph.node("IsInf", values))
    values = graph.node("Where", odd, infinite, values)
    fewest = 1 + int(np.argmax(np.cumsum(np.sort(covered.counts)) > slack))  # however they stand, so many are enough
    highest, numbers = graph.nodes("TopK", values, graph.constant("fewest", [fewest]), values=2, options={"axis": 1})
    counts = graph.node("Gather", graph.constant("counts", covered.counts), numbers)
    total = graph.node("CumSum", counts, graph.constant("axis", 1))
    beyond = graph.node("Greater", total, graph.constant("slack", slack))
    first = graph.node("ArgMax", graph.node("Cast", beyond, options={"to": TensorProto.INT32}), options={"axis": 1})
    return graph.node("GatherElements", highest, first, options={"axis": 1})


def _label_set(graph: Graph, covered: Coverage, folds: Sequence[str], label: int) -> str:
    """Compute whether no and whether yes is possible for a label: (rows, 2)."""
    both = []
    for fold in folds:
        yes = graph.node("Gather", fold, graph.constant("label", [label]), options={"axis": 1})
        both.append(graph.joined([graph.node("Sub", graph.constant("one", 1.0), yes), yes]))
    return _set(graph, covered, both, label, 2)


def _set(graph: Graph, covered: Coverage, folds: Sequence[str], target: int, classes: int) -> str:
    """Compute sets from the folds' probabilities (rows, C); the most probable class if a set is empty."""
    below = [
        _below(graph, fold, scores[:, target], counts)
        for fold, scores, counts in zip(folds, covered.calibration.scores, covered.calibration.shares, strict=True)
    ]
    total = below[0] if len(below) == 1 else graph.node("Sum", *below)
    held = graph.node("Less", total, graph.constant("needed", covered.calibration.needed(covered.coverage)))
    whole = graph.node("Cast", held, options={"to": TensorProto.INT32})
    empty = graph.node("Equal", graph.node("ReduceMax", whole, _axis(graph, 1)), graph.constant("none", np.int32(0)))
    best = graph.node("ArgMax", graph.mean(folds, np.full(len(folds), 1 / len(folds))), options={"axis": 1})
    is_best = graph.node("Equal", best, graph.constant("numbers", np.arange(classes)[None]))
    return graph.node("Or", held, graph.node("And", empty, is_best))


def _below(graph: Graph, fold: str, scores: Array, counts: Array) -> str:
    """Count a fold's held-out scores below that of each class: (rows, C)."""
    wide, tall = (graph.node("Unsqueeze", fold, _axis(graph, axis)) for axis in (1, 2))
    more = graph.node("Cast", graph.node("Greater", wide, tall), options={"to": TensorProto.DOUBLE})
    before = graph.node("ReduceSum", graph.node("Mul", more, wide), _axis(graph, 2), options={"keepdims": 1})
    least = graph.node("Sub", before, graph.constant("tie", TIE))
    lower = graph.node("Less", graph.constant("scores", scores), least)
    each = graph.node("Cast", lower, options={"to": TensorProto.DOUBLE})
    total = graph.node("MatMul", each, graph.constant("counts", counts[:, None]))
    return graph.node("Squeeze", total, _axis(graph, 2))


def _axis(graph: Graph, axis: int) -> str:
    return graph.constant("axis", [axis])
