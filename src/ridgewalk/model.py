"""A trained network with its input columns and scaling; and its compact copy with equal predictions.

x (N, columns) -> chosen columns -> map, if any -> (x - center) / scale -> network -> output in the target's units
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from ridgewalk.arrays import Array, Booleans, Integers, slices
from ridgewalk.input_maps import InputMap
from ridgewalk.layers import Arrays, Dense
from ridgewalk.losses import Loss
from ridgewalk.network import Network


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network with everything that it needs to predict.

    Attributes
    ----------
    network : Network
    parameters : tuple of arrays, in float64
    loss : Loss
        Turns outputs into predictions.
    inputs : integers, shape (P,)
        Indices of the columns of the data that are used.
    center, scale : arrays, shape (M,)
        Standardization of the network's inputs: the columns themselves, or M numbers that a map makes from them.
    target_center, target_scale : arrays, shape (C,)
        Standardization of the target.
    map : InputMap or None
        Map of the used columns: its column 0 is that of ``inputs[0]``.
    """

    network: Network
    parameters: Arrays
    loss: Loss
    inputs: Integers
    center: Array
    scale: Array
    target_center: Array
    target_scale: Array
    map: InputMap | None = None

    @property
    def column(self) -> Integers:
        """Index of the column of the data from which each input of the network is made: shape (M,)."""
        return self.inputs if self.map is None else self.inputs[self.map.column]

    def __repr__(self) -> str:
        size = self.size
        return (
            f"Model({size.inputs} inputs, {size.units} hidden units, {size.numbers:,} weights and biases, "
            f"{type(self.loss).__name__})"
        )

    def output(self, x: Array | csr_array) -> Array:
        """Return the raw output (N, C) in units of the target, for all columns of the data."""
        rows, widest = x.shape[0], max(max(shape) for shape in self.network.shapes)
        return np.concatenate([self._output(x[chunk]) for chunk in slices(rows, widest)])

    def seen(self, x: Array | csr_array) -> Array:
        """Return rows of the data as the network takes them: mapped and standardized, shape (N, M)."""
        chosen = x[:, self.inputs]
        dense = np.ascontiguousarray(
            chosen if isinstance(chosen, np.ndarray) else chosen.toarray()
        )  # one order of sums
        seen = dense if self.map is None else self.map.apply(dense)
        return np.asarray((seen - self.center) / self.scale)

    def _output(self, x: Array | csr_array) -> Array:
        output, _ = self.network.forward(self.seen(x), self.parameters)
        return output * self.target_scale + self.target_center

    def rescaled(self, center: Array, scale: Array, target_center: Array, target_scale: Array) -> Arrays:
        """Return the arrays of the same network for another standardization of columns and targets."""
        arrays = list(self.raw_parameters())
        arrays[1] = arrays[1] + center @ arrays[0]
        arrays[0] = np.where(np.isinf(scale), 0, scale)[:, None] * arrays[0]
        arrays[-2] = arrays[-2] / target_scale
        arrays[-1] = (arrays[-1] - target_center) / target_scale
        return tuple(arrays)

    def raw_parameters(self) -> Arrays:
        """Arrays of the same network, rewritten to take and give numbers that are not standardized.

        They take the chosen columns as they came, or what the map makes of them, and give targets as they came.
        """
        arrays = list(self.parameters)
        arrays[1] = arrays[1] - (self.center / self.scale) @ arrays[0]
        arrays[0] = arrays[0] / self.scale[:, None]
        arrays[-2] = arrays[-2] * self.target_scale
        arrays[-1] = arrays[-1] * self.target_scale + self.target_center
        return tuple(arrays)

    def compact(self) -> Model:
        """Return a copy without unused inputs and units, whose outputs are equal up to rounding.

        A unit is kept if non-zero weights connect it with an input and with an output. A unit that no input reaches is
        constant, and is added to the biases of the next layer. If nothing is left, one input is kept, with weights 0.
        """
        weights = self.parameters[::2]
        reached, biases = self._reached()
        leads = self._leads()
        keep = [np.flatnonzero(a & b) for a, b in zip(reached, leads[:-1], strict=True)]
        outputs = np.arange(len(leads[-1]))
        if all(kept.size for kept in keep):
            sides = zip(keep, [*keep[1:], outputs], strict=True)
            arrays = [
                array
                for w, b, (below, above) in zip(weights, biases, sides, strict=True)
                for array in (w[np.ix_(below, above)], b[:, above])
            ]
            sizes = iter([(len(w), w.shape[1]) for w in arrays[::2]])
            layers = tuple(Dense(*next(sizes)) if isinstance(layer, Dense) else layer for layer in self.network.layers)
        else:
            keep[0], arrays = np.array([0]), [np.zeros((1, len(outputs))), biases[-1]]
            layers = (Dense(1, len(outputs)),)
        columns, part = (keep[0], None) if self.map is None else self.map.part(keep[0])
        return replace(
            self,
            network=Network(layers),
            parameters=tuple(arrays),
            inputs=self.inputs[columns],
            center=self.center[keep[0]],
            scale=self.scale[keep[0]],
            map=part,
        )

    def support(self, columns: int) -> Booleans:
        """Return which columns it uses (booleans): those with a path of non-zero weights to an output."""
        used: Booleans = np.zeros(columns, dtype=bool)
        used[self.column[self._leads()[0]]] = True
        return used

    def importance(self, columns: int) -> Array:
        """Return the norm of the weights from each column to hidden units that lead to an output: shape (columns,).

        It refers to standardized inputs, and for a mapped column to all numbers made from it. It is 0 for columns that
        are not used (:mod:`ridgewalk.importance`).
        """
        leads = self._leads()
        weights = np.where(leads[0][:, None] & leads[1], self.parameters[0], 0.0)
        squares = np.bincount(self.column, weights=(weights**2).sum(axis=1), minlength=columns)
        return np.asarray(np.sqrt(squares))

    def _leads(self) -> list[Booleans]:
        """Return which numbers entering each dense layer, and leaving the last, lead to an output."""
        leads: list[Booleans] = [np.ones(self.parameters[-1].shape[1], dtype=bool)]
        for w in self.parameters[::2][::-1]:
            leads.insert(0, ((w != 0) & leads[0]).any(axis=1))
        leads[0] &= np.isfinite(self.scale)  # a column that was constant in the training is always 0
        return leads

    def _reached(self) -> tuple[list[Booleans], list[Array]]:
        """Return which numbers entering each dense layer vary with the inputs; and its biases, constants added."""
        varies: Booleans = np.ones(len(self.center), dtype=bool)
        value: Array = np.zeros((1, len(varies)))
        reached: list[Booleans] = []
        biases: list[Array] = []
        arrays = iter(self.parameters)
        for layer in self.network.layers:
            if isinstance(layer, Dense):
                w, b = next(arrays), next(arrays)
                reached.append(varies)
                biases.append(b + np.where(varies, 0, value) @ w)
                value, varies = biases[-1], (varies[:, None] & (w != 0)).any(axis=0)
            else:
                value, _ = layer.forward(value, (), None)
        return reached, biases

    @property
    def size(self) -> Size:
        """How large it is."""
        shapes = [layer.shapes[0] for layer in self.network.dense]
        products = sum(inputs * units for inputs, units in shapes)
        units = sum(units for _, units in shapes[:-1])
        return Size(len(self.inputs), units, products + units + shapes[-1][1], products)

    def seconds(self, x: Array | csr_array) -> float:
        """Best time of five predictions of these rows."""
        times = []
        for _ in range(5):
            began = time.perf_counter()
            self.output(x)
            times.append(time.perf_counter() - began)
        return min(times)


@dataclass(frozen=True)
class Size:
    """Columns, hidden units, numbers (weights and biases) and multiplications per row of a network."""

    inputs: int
    units: int
    numbers: int
    multiplications: int


@dataclass(frozen=True)
class Compaction:
    """How much smaller a model became, and how much faster if it was timed: seconds before and after."""

    before: Size
    after: Size
    seconds: tuple[float, float] | None = None

    def __str__(self) -> str:
        changes = [f"{name} {old} -> {getattr(self.after, name)}" for name, old in vars(self.before).items()]
        if self.seconds:
            before, after = self.seconds
            changes.append(f"predictions {before / after:.1f} times as fast ({before:.2g} s -> {after:.2g} s)")
        return ", ".join(changes)
