"""Build an ONNX graph node by node."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from ridgewalk.arrays import Array

_OPSET, _IR = 19, 9  # Equal takes text from opset 19 on (May 2023)


class Graph:
    """Inputs, nodes, constants and outputs, put together one by one; each value has a name of its own."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = taken
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []
        self._inputs: list[ValueInfoProto] = []
        self._outputs: list[ValueInfoProto] = []

    def input(self, name: str, kind: int, width: int, description: str) -> str:
        """Add an input (rows, width)."""
        self._inputs.append(helper.make_tensor_value_info(name, kind, ["rows", width], description))
        return name

    def constant(self, name: str, values: Any) -> str:
        """Add a constant."""
        array = np.asarray(values)
        name = self._free(name)
        self._constants.append(
            numpy_helper.from_array(array.astype(object) if array.dtype.kind == "U" else array, name)
        )
        return name

    def node(self, operator: str, *inputs: str, options: dict[str, int] | None = None) -> str:
        """Add a node; give the name of its value."""
        return self.nodes(operator, *inputs, values=1, options=options)[0]

    def nodes(self, operator: str, *inputs: str, values: int, options: dict[str, int] | None = None) -> list[str]:
        """Add a node of several values; give their names."""
        names = [self._free(operator) for _ in range(values)]
        self._nodes.append(helper.make_node(operator, inputs, names, **(options or {})))
        return names

    def joined(self, parts: Sequence[str]) -> str:
        """Put matrices side by side."""
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, options={"axis": 1})

    def mean(self, values: Sequence[str], shares: Array) -> str:
        """Take the mean of values, each with a share; those without one are left out."""
        pairs = [(each, share) for each, share in zip(values, shares, strict=True) if share]
        if len(pairs) == 1:
            return pairs[0][0]
        return self.node("Sum", *(self.node("Mul", each, self.constant("share", share)) for each, share in pairs))

    def filled(self, values: str, instead: str) -> str:
        """Put something else where values are NaN."""
        return self.node("Where", self.node("IsNaN", values), instead, values)

    def output(self, name: str, value: str, kind: int, *widths: int) -> None:
        """Add an output (rows, *widths), called by its name if no column is called so."""
        name = self._free(name)
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, kind, ["rows", *widths]))

    def finished(self, description: str) -> ModelProto:
        """Return the graph as onnx's own object."""
        graph = helper.make_graph(self._nodes, "ridgewalk", self._inputs, self._outputs, self._constants)
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR,
            producer_name="ridgewalk",
            producer_version=version("ridgewalk"),
            doc_string=description,
        )

    def _free(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted} {number}"
        self._taken.add(name)
        return name
