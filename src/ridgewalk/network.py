"""A network: layers in order, with its arrays as a flat tuple ``(w1, b1, w2, b2, ...)``.

x -> Dense -> ReLU -> Dense -> output          arrays  ("weight 1", "bias 1", "weight 2", "bias 2")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np

from ridgewalk.arrays import Array
from ridgewalk.layers import (
    GELU,
    Arrays,
    Dense,
    Dropout,
    Layer,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Tanh,
    start_glorot,
    start_he,
    start_normal,
)
from ridgewalk.penalties import L1, L2, Penalty, Strength, Sum, is_bounded

Activation = Literal["relu", "leaky_relu", "tanh", "logistic", "gelu", "identity"]
Start = Literal["he", "glorot", "normal"]
LayerUniform = Callable[[int, int], Array]
"""Gives a layer's random numbers: (number of the layer, units) -> (N, units)."""


class EvadablePenaltyWarning(UserWarning):
    """A penalty that the network can escape by moving scale from one layer to the next."""


@dataclass(frozen=True)
class Network:
    """Layers in order; see :func:`multilayer_perceptron` for the usual ones."""

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        dense = self.dense
        if not dense:
            raise ValueError("A network needs at least one Dense layer.")
        for below, above in pairwise(dense):
            if below.units != above.inputs:
                raise ValueError(f"A layer of {below.units} units feeds one of {above.inputs} inputs: make them equal.")

    @property
    def dense(self) -> tuple[Dense, ...]:
        """The layers that have weights."""
        return tuple(layer for layer in self.layers if isinstance(layer, Dense))

    @property
    def random(self) -> bool:
        """Whether training draws random numbers (dropout)."""
        return any(isinstance(layer, Dropout) and layer.rate > 0 for layer in self.layers)

    @property
    def linear(self) -> bool:
        """Whether there is no hidden layer."""
        return len(self.dense) == 1

    @property
    def multiplications(self) -> int:
        """Number of multiplications of one row's prediction: the weights, without biases."""
        return sum(layer.inputs * layer.units for layer in self.dense)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays, in order: "weight 1", "bias 1", "weight 2", ..."""
        return tuple(f"{kind} {k}" for k in range(1, len(self.dense) + 1) for kind in ("weight", "bias"))

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Shapes of the arrays, in order."""
        return tuple(shape for layer in self.layers for shape in layer.shapes)

    def start(self, rule: Start, seed: int) -> Arrays:
        """Draw weights by one of the rules "he", "glorot" or "normal"; biases are 0."""
        rules = {"he": start_he, "glorot": start_glorot, "normal": start_normal}
        if rule not in rules:
            raise ValueError(f"A start is one of {', '.join(rules)}, got {rule!r}.")
        generator = np.random.default_rng(seed)
        return tuple(
            array for layer in self.dense for array in (rules[rule](layer, generator), np.zeros((1, layer.units)))
        )

    def starts(self, rule: Start, seeds: Sequence[int], dtype: str | np.dtype[np.floating], repeat: int = 1) -> Arrays:
        """Draw initial weights for each seed: arrays (R, ., .), all seeds ``repeat`` times."""
        stacked = tuple(np.empty((repeat * len(seeds), *shape), dtype=dtype) for shape in self.shapes)
        for number, seed in enumerate(seeds):
            for w, drawn in zip(stacked, self.start(rule, seed), strict=True):
                w[number :: len(seeds)] = drawn
        return stacked

    def forward(
        self, x: Array, parameters: Arrays, uniform: LayerUniform | None = None
    ) -> tuple[Array, tuple[Arrays, ...]]:
        """Map x (N, P) to the output (R, N, C); also return what each layer's ``backward`` needs.

        ``uniform`` gives random numbers while training; None is prediction.
        """
        backs = []
        for number, (layer, own) in enumerate(zip(self.layers, self._owned(parameters), strict=True)):
            draw = None if uniform is None else _bind(uniform, number)
            x, back = layer.forward(x, own, draw)
            backs.append(back)
        return x, tuple(backs)

    def backward(self, doutput: Array, backs: tuple[Arrays, ...], parameters: Arrays) -> Arrays:
        """Turn the gradient of the output (R, N, C) into those of all arrays, in order."""
        gradients: list[Array] = []
        triples = list(zip(self.layers, backs, self._owned(parameters), strict=True))
        for position, (layer, back, own) in reversed(list(enumerate(triples))):
            gradients[:0] = layer.gradients(doutput, back)
            if position:
                doutput = layer.backward(doutput, back, own)
        return tuple(gradients)

    def _owned(self, parameters: Arrays) -> list[Arrays]:
        """Deal the flat tuple of arrays out to the layers."""
        remaining = iter(parameters)
        return [tuple(next(remaining) for _ in layer.shapes) for layer in self.layers]


def _bind(uniform: LayerUniform, number: int) -> Callable[[int], Array]:
    return lambda units: uniform(number, units)


def multilayer_perceptron(
    inputs: int,
    hidden: Sequence[int],
    outputs: int,
    activation: Activation = "relu",
    dropout: float = 0.0,
) -> Network:
    """Build dense layers with an activation (and dropout) between them; no hidden layer is a linear model."""
    between: dict[str, Layer | None] = {
        "relu": ReLU(),
        "leaky_relu": LeakyReLU(),
        "tanh": Tanh(),
        "logistic": Sigmoid(),
        "gelu": GELU(),
        "identity": None,
    }
    if activation not in between:
        raise ValueError(f"activation is one of {', '.join(get_args(Activation))}, got {activation!r}.")
    layers: list[Layer] = []
    sizes = [inputs, *hidden]
    for below, above in pairwise(sizes):
        layers.append(Dense(below, above))
        chosen = between[activation]
        if chosen is not None:
            layers.append(chosen)
        if dropout:
            layers.append(Dropout(dropout))
    return Network((*layers, Dense(sizes[-1], outputs)))


StrengthPerLayer = Strength | Sequence[Strength]
"""One strength for all layers, or a list (or 1-D array) of one per layer."""


def layer_penalties(
    network: Network,
    weight_l1: StrengthPerLayer = 0.0,
    weight_l2: StrengthPerLayer = 0.0,
    bias_l1: StrengthPerLayer = 0.0,
    bias_l2: StrengthPerLayer = 0.0,
) -> tuple[Penalty, ...]:
    """Build the penalties of every array from strengths per layer."""
    weights = zip(_per_layer(network, "weight_l1", weight_l1), _per_layer(network, "weight_l2", weight_l2), strict=True)
    biases = zip(_per_layer(network, "bias_l1", bias_l1), _per_layer(network, "bias_l2", bias_l2), strict=True)
    return tuple(Sum((L1(l1), L2(l2))) for pair in zip(weights, biases, strict=True) for l1, l2 in pair)


def _per_layer(network: Network, name: str, strengths: Any) -> list[Strength]:
    count = len(network.dense)
    if not isinstance(strengths, list | tuple) and np.ndim(strengths) != 1:
        return [strengths] * count
    if len(strengths) != count:
        raise ValueError(f"{name} needs one strength per layer ({count}), got {len(strengths)}.")
    return list(strengths)


def evadable(network: Network, penalties: Sequence[Penalty]) -> str | None:
    """Describe how the network can escape its penalty by rescaling, or return None where it cannot.

    In a chain of positively homogeneous layers, ``relu(c x w + c b) = c relu(x w + b)`` for c > 0: a penalized
    array can shrink towards zero while an unpenalized one grows, and nothing the network computes changes. The
    penalized objective then has no minimizer; the penalty acts only through the optimizer.

    Growing the weights of layer k pays for shrinking any layer before it, weights and bias. It pays for the weights of
    a later layer j, too, unless a bias between them, which grows along, carries a penalty.

    A bounded penalty (MCP) counts as none for what grows: once it is flat, growing costs nothing.
    """
    acts, pulls = [], []
    for penalty in penalties:
        acts.append(penalty.acts)
        pulls.append(penalty.acts and not is_bounded(penalty))
    for chain in _homogeneous_chains(network):
        grown, weights, biases = _escape(chain, acts, acts)
        if grown:
            return (
                f"The {_what(weights)} of layer {_list(weights or biases)} carry a penalty and "
                f"{'those' if weights else 'the weights'} of layer {_list(grown)} none, with nothing but homogeneous "
                "activations (such as ReLU) between them: the network can shrink the first and grow the second without "
                "changing what it computes, so the objective has no minimizer and the penalty acts only through the "
                "optimizer. Penalize every weight array of the chain."
            )
        grown, weights, biases = _escape(chain, acts, pulls)
        if grown:
            return (
                f"The weights of layer {_list(grown)} carry no penalty that holds large ones (MCP is flat beyond gamma "
                f"times its strength) and the {_what(weights)} of layer {_list(weights or biases)} carry one, with "
                "nothing but homogeneous activations (such as ReLU) between them: the network can grow one layer and "
                "shrink another without changing what it computes, so where weights are large the objective has no "
                "minimizer and the penalty acts only through the optimizer. "
                f"Add an L2 to the weights of layer {_list(grown)}."
            )
    return None


def _escape(chain: list[int], acts: list[bool], holds: list[bool]) -> tuple[list[int], list[int], list[int]]:
    """Find the layers whose weights can grow, and those whose weights, and whose biases, shrink under a penalty by it.

    ``acts`` says of each array whether shrinking lowers its penalty, ``holds`` whether growing raises it without end.
    """
    weights, biases = acts[::2], acts[1::2]
    grown, shrunk, biases_shrunk = [], set(), set()
    for k in (k for k in chain if not holds[2 * k]):
        before, after = range(chain[0], k), range(k + 1, chain[-1] + 1)
        layers = {j for j in before if weights[j]} | {j for j in after if weights[j] and not any(holds[1::2][k:j])}
        alone = {j for j in before if biases[j]}
        if layers or alone:
            grown.append(k)
            shrunk |= layers
            biases_shrunk |= alone
    return grown, sorted(shrunk), sorted(biases_shrunk)


def _what(weights: list[int]) -> str:
    return "weights" if weights else "biases"


def _homogeneous_chains(network: Network) -> Iterator[list[int]]:
    """Return the numbers of the dense layers between which there is nothing that stops a factor."""
    chain: list[int] = []
    number = 0
    for layer in (*network.layers, None):
        if isinstance(layer, Dense):
            chain.append(number)
            number += 1
        elif (layer is None or not layer.homogeneous) and chain:
            yield chain
            chain = []


def _list(layers: list[int]) -> str:
    return " and ".join(str(layer + 1) for layer in layers)
