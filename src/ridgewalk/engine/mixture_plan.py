"""Prepare a mixture for the compiled kernels: networks with the same input map are stored together.

    numbers      z and soft clips of columns, computed once for all networks of a group; D of them
    tabulated    the sum that all pieces of a column contribute to each unit, at the edges of the pieces; linear between

Networks are compacted first. The standardization of their fold is folded into their weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from ridgewalk.arrays import Array, Integers
from ridgewalk.engine import native
from ridgewalk.engine.native.plan import GroupPlan, LayerPlan, MixturePlan, NetworkPlan
from ridgewalk.input_maps import Kind
from ridgewalk.layers import GELU, Dense, Dropout, Layer, LeakyReLU, ReLU, Sigmoid, Tanh
from ridgewalk.losses import AbsoluteError, BinaryCrossEntropy, CrossEntropy, Huber, Poisson, SquaredError, facts
from ridgewalk.mixture import Mixture
from ridgewalk.model import Model

_ACTIVATIONS: dict[type, str] = {
    ReLU: "relu", LeakyReLU: "leaky_relu", Tanh: "tanh", Sigmoid: "logistic", GELU: "gelu",
}  # fmt: skip
_LOSSES = (CrossEntropy, BinaryCrossEntropy, SquaredError, AbsoluteError, Huber, Poisson)
_ROUNDING = 1e-11  # of a piece's width: the next one begins where it ends
_LEAST_SCALE = 2.0**-1000  # that has a reciprocal


def is_known(mixture: Mixture) -> bool:
    """Return whether the compiled module supports a mixture: its loss, its layers, and a dense first layer."""
    known = (Dense, Dropout, *_ACTIVATIONS)
    return type(mixture.loss) in _LOSSES and all(
        isinstance(model.network.layers[0], Dense)
        and all(type(each) in known for each in model.network.layers)
        and (model.map is None or model.map.scale.min() >= _LEAST_SCALE)
        for model in mixture.models
    )


def plan_mixture(mixture: Mixture, kernels: native.Kernels) -> MixturePlan:
    """Return the plan of a mixture that :func:`is_known`."""
    groups: list[_Group] = []
    for model, share in zip(mixture.compact().models, mixture.shares, strict=True):
        member = _Member(model, float(share))
        joined = next((group for group in groups if group.suits(member)), None)
        if joined is None:
            groups.append(joined := _Group())
        joined.add(member)
    return {
        "columns": 1 + max(int(member.model.inputs.max()) for group in groups for member in group.members),
        "outputs": mixture.models[0].parameters[-1].shape[1],
        "output": kernels.outputs.index(facts(mixture.loss).output_activation),
        "groups": [group.plan(kernels) for group in groups],
    }


class _Member:
    """A compacted network of a mixture, and the E non-constant inputs of its first layer.

    Attributes
    ----------
    column, kind : integers, shape (E,)
        Column of the data, and what is made of it.
    center, scale : arrays, shape (E,)
        Of the map; of a column as it is, of the column.
    mean, deviation : arrays, shape (E,)
        Of the mapped number.
    weights : array, shape (E, Q)
    bias : array, shape (Q,)
        With what the constant entries add.
    """

    def __init__(self, model: Model, share: float) -> None:
        self.model, self.share = model, share
        count = len(model.center)
        inputs = model.map
        kind = np.full(count, Kind.IDENTITY) if inputs is None else inputs.kind
        center = np.zeros(count) if inputs is None else inputs.center
        scale = np.ones(count) if inputs is None else inputs.scale
        used = np.isfinite(model.scale) & np.isfinite(scale)
        constant = np.isfinite(model.scale) & ~used  # 0 everywhere before it is standardized
        weights = np.asarray(model.parameters[0], dtype=np.float64)
        self.bias: Array = model.parameters[1][0] - (model.center[constant] / model.scale[constant]) @ weights[constant]
        self.column, self.kind, self.weights = model.column[used], np.asarray(kind)[used], weights[used]
        self.center, self.scale = center[used], scale[used]
        self.mean, self.deviation = model.center[used], model.scale[used]
        plain = self.kind == Kind.IDENTITY  # both its scalings are one
        self.center = np.where(plain, self.center + self.scale * self.mean, self.center)
        self.scale = np.where(plain, self.scale * self.deviation, self.scale)
        self.mean, self.deviation = np.where(plain, 0, self.mean), np.where(plain, 1, self.deviation)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers behind the first, without those that predict nothing of their own."""
        return tuple(layer for layer in self.model.network.layers[1:] if not isinstance(layer, Dropout))

    @property
    def soft_clips(self) -> dict[int, tuple[float, float]]:
        """Center and scale of every column's soft clip."""
        soft = self.kind == Kind.SOFT_CLIP
        pairs = zip(self.center[soft].tolist(), self.scale[soft].tolist(), strict=True)
        return dict(zip(self.column[soft].tolist(), pairs, strict=True))


@dataclass
class _Group:
    """Networks whose layers are of the same kinds, and whose soft clips, where they have the same, are equal."""

    members: list[_Member] = field(default_factory=list)
    soft_clips: dict[int, tuple[float, float]] = field(default_factory=dict)

    def suits(self, member: _Member) -> bool:
        """Return whether a network can join a group: its inputs are nearly those of the group."""
        first, clips = self.members[0], member.soft_clips
        return (
            (first.model.map is None) == (member.model.map is None)
            and [_named(layer) for layer in first.layers] == [_named(layer) for layer in member.layers]
            and all(self.soft_clips.get(column, clip) == clip for column, clip in clips.items())
        )

    def add(self, member: _Member) -> None:
        """Let a network join."""
        self.members.append(member)
        self.soft_clips |= member.soft_clips

    def plan(self, kernels: native.Kernels) -> GroupPlan:
        """Return the plan of the group."""
        sizes = [member.weights.shape[1] for member in self.members]
        first = np.cumsum([0, *sizes])
        slots = [slice(*pair) for pair in pairwise(first.tolist())]
        numbers = self._numbers()
        weights, bias = np.zeros((len(numbers), first[-1])), np.zeros(first[-1])
        for member, slot in zip(self.members, slots, strict=True):
            own, bias[slot] = _weights_of(member, numbers)
            weights[:, slot] = own
        edges = self._edges()
        values = np.concatenate([np.empty((0, first[-1])), *(self._values(*pair, slots) for pair in edges.items())])
        return {
            "units": int(first[-1]),
            "bias": bias,
            "numbers": len(numbers),
            "column": np.array([each.column for each in numbers], dtype=np.int32),
            "kind": np.array([kernels.map_kinds.index(each.kind.name.lower()) for each in numbers], dtype=np.int32),
            "center": np.array([each.center for each in numbers], dtype=np.float64),
            "scale": np.array([each.scale for each in numbers], dtype=np.float64),
            "weights": weights,
            "tabulated": len(edges),
            "tabulated_column": np.array(list(edges), dtype=np.int32),
            "first_edge": np.cumsum([0, *map(len, edges.values())], dtype=np.int32),
            "edges": np.concatenate([np.empty(0), *edges.values()]),
            "values": values,
            "layers": [_layer(layer, kernels) for layer in self.members[0].layers],
            "networks": [_network(each, begin) for each, begin in zip(self.members, first[:-1].tolist(), strict=True)],
        }

    def _numbers(self) -> list[_Number]:
        """Return the numbers that any of the networks takes, each once; a column as it is has the widest scale."""
        found: dict[tuple[object, ...], _Number] = {}
        for member in self.members:
            for number in _numbers_of(member):
                known = found.get(number.key)
                if known is None or known.scale < number.scale:
                    found[number.key] = number
        return list(found.values())

    def _edges(self) -> dict[int, Array]:
        """Return the edges of the pieces of every column that any network has pieces of."""
        ends: dict[int, list[Array]] = {}
        for member in self.members:
            for column in np.unique(member.column[member.kind == Kind.PIECE]).tolist():
                own = (member.column == column) & (member.kind == Kind.PIECE)
                ends.setdefault(column, []).append(np.stack([member.center[own], member.scale[own]], axis=1))
        return {column: _edges_of(np.unique(np.concatenate(ends[column]), axis=0)) for column in sorted(ends)}

    def _values(self, column: int, edges: Array, slots: Sequence[slice]) -> Array:
        """Return the contribution of a column's pieces to the units at some edges: shape (edges, units)."""
        values = np.zeros((len(edges), slots[-1].stop))
        for member, slot in zip(self.members, slots, strict=True):
            own = (member.column == column) & (member.kind == Kind.PIECE)
            pieces = np.clip((edges[:, None] - member.center[own]) / member.scale[own], 0, 1)
            values[:, slot] = ((pieces - member.mean[own]) / member.deviation[own]) @ member.weights[own]
        return values


@dataclass(frozen=True)
class _Number:
    """A number that a group takes of a column: ``(x - center) / scale``, or the soft clip of that."""

    column: int
    kind: Kind
    center: float
    scale: float

    @property
    def key(self) -> tuple[object, ...]:
        """What tells it from others: of a column as it is, the column alone."""
        return (self.column,) if self.kind == Kind.IDENTITY else (self.column, self.center, self.scale)


def _numbers_of(member: _Member) -> list[_Number]:
    """Return the numbers of columns that a network takes, in the order of its entries."""
    entries = zip(*(each.tolist() for each in (member.column, member.kind, member.center, member.scale)), strict=True)
    return [
        _Number(column, Kind(kind), center, max(scale, _LEAST_SCALE))
        for column, kind, center, scale in entries
        if kind != Kind.PIECE
    ]


def _weights_of(member: _Member, numbers: Sequence[_Number]) -> tuple[Array, Array]:
    """Return a network's weights (D, Q) of a group's numbers, and its biases (Q,)."""
    places = {number.key: place for place, number in enumerate(numbers)}
    own = _numbers_of(member)
    place: Integers = np.array([places[number.key] for number in own], dtype=int)
    taken = np.flatnonzero(member.kind != Kind.PIECE)
    center, scale = (np.array([getattr(numbers[k], name) for k in place]) for name in ("center", "scale"))
    weights = np.zeros((len(numbers), member.weights.shape[1]))
    if not len(own):
        return weights, member.bias
    of_soft = member.kind[taken] == Kind.SOFT_CLIP
    mean, deviation = member.mean[taken], member.deviation[taken]
    stretch = np.where(of_soft, 1 / deviation, scale / member.scale[taken])
    shift = np.where(of_soft, -mean / deviation, (center - member.center[taken]) / member.scale[taken])
    np.add.at(weights, place, stretch[:, None] * member.weights[taken])
    return weights, member.bias + shift @ member.weights[taken]


def _edges_of(pieces: Array) -> Array:
    """Return the different ends of pieces (n, 2), centers and scales; ends that only rounding tells apart are one."""
    begin, end = pieces[:, 0], pieces.sum(axis=1)
    end = np.maximum(end, np.nextafter(begin, np.inf))  # of a piece that rounding makes a step
    near = begin[np.minimum(np.searchsorted(begin, end - _ROUNDING * pieces[:, 1]), len(begin) - 1)]
    return np.unique(np.concatenate([begin, np.where(np.abs(near - end) <= _ROUNDING * pieces[:, 1], near, end)]))


def _named(layer: Layer) -> tuple[str, float]:
    """Return a layer's kind, in the compiled module's words, and its slope, if it has one."""
    kind = "dense" if isinstance(layer, Dense) else _ACTIVATIONS[type(layer)]
    return kind, layer.slope if isinstance(layer, LeakyReLU) else 0.0


def _layer(layer: Layer, kernels: native.Kernels) -> LayerPlan:
    kind, parameter = _named(layer)
    return {"kind": kernels.layers.index(kind), "inputs": 0, "units": 0, "parameter": parameter}


def _network(member: _Member, first: int) -> NetworkPlan:
    model = member.model
    pairs = zip(model.parameters[2::2], model.parameters[3::2], strict=True)
    return {
        "first": first,
        "dense": [{"inputs": w.shape[0], "units": w.shape[1], "w": _doubles(w), "b": _doubles(b)} for w, b in pairs],
        "share": member.share,
        "target_center": _doubles(model.target_center),
        "target_scale": _doubles(model.target_scale),
    }


def _doubles(values: Array) -> Array:
    return np.ascontiguousarray(values, dtype=np.float64)
