"""The tutorial's classes and names, implemented with the mathematics of this package.

    dense1.forward(X); activation1.forward(dense1.output); dense2.forward(activation1.output)
    data_loss = loss_activation.forward(dense2.output, y)
    reg_loss = loss_activation.loss.regularization_loss(dense1) + loss_activation.loss.regularization_loss(dense2)
    loss_activation.backward(loss_activation.output, y); dense2.backward(loss_activation.dinput); ...
    optimizer.pre_update_param(); optimizer.update_param(dense1); ...; optimizer.post_update_param()

A training loop with these names needs only another import. ``dweight`` and ``dbias`` are gradients of the whole
objective, data loss plus penalty. L2 acts through them, so that a plain NumPy loop gives the same numbers (decision
0015; everywhere else in the package L2 is a proximal step, too). L1 is subtracted from them and applied as a proximal
step, which gives exact zeros. Its strength increases over each optimizer's first 500 updates; at full strength, small
initial weights would become 0 before the data increase them (docs/tutorial.md). With SGD, the remaining strength stays
in the gradient during this time, as in the plain loop; with Adam it would have the same harmful effect there.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from ridgewalk.arrays import Array, Integers
from ridgewalk.engine.reference import proximal_step
from ridgewalk.layers import Dense, ReLU, start_normal
from ridgewalk.losses import CrossEntropy
from ridgewalk.network import EvadablePenaltyWarning, Network, evadable
from ridgewalk.optimizers import SGD, Adam, InverseTime, Optimizer, Pool, State
from ridgewalk.penalties import L1, L2, Sum

Seed = int | np.random.Generator | None


def spiral_data(samples: int, classes: int, random_state: Seed = None) -> tuple[Array, Integers]:
    """Draw the tutorial's spiral: one arm per class, with ``samples`` points on each.

    With r from 0 to 1 along an arm, ``t = 4 (class + r) + 0.2 * normal`` and ``x = r (sin 2.5 t, cos 2.5 t)``.
    For three classes no classifier is better than accuracy 0.9098 and log loss 0.2132 (docs/tutorial.md).

    Returns
    -------
    X : array, shape (samples * classes, 2)
    y : integers, shape (samples * classes,)
    """
    generator = np.random.default_rng(random_state)
    r = np.tile(np.linspace(0.0, 1.0, samples), classes)
    y = np.repeat(np.arange(classes), samples)
    t = 4 * (y + r) + 0.2 * generator.standard_normal(samples * classes)
    return r[:, None] * np.stack([np.sin(2.5 * t), np.cos(2.5 * t)], axis=1), y


class Layer_Dense:
    """A dense layer that carries its weights, gradients and penalties, as the tutorial's does.

    The start is ``0.01 * normal``, biases zero. The penalty of the layer is
    ``weight_L1 sum|w| + weight_L2 sum w^2 + bias_L1 sum|b| + bias_L2 sum b^2``.

    Attributes
    ----------
    weight, bias : arrays, shapes (n_input, n_neuron) and (1, n_neuron)
    input, output : arrays
        Of the last ``forward``.
    dweight, dbias, dinput : arrays
        Of the last ``backward``; the first two include the penalty, L1 and L2.
    l1_slopes : two arrays
        The parts of ``dweight`` and ``dbias`` that L1 adds, for an optimizer to subtract again.
    """

    def __init__(
        self,
        n_input: int,
        n_neuron: int,
        weight_L1: float = 0.0,
        weight_L2: float = 0.0,
        bias_L1: float = 0.0,
        bias_L2: float = 0.0,
        random_state: Seed = None,
    ) -> None:
        self.layer = Dense(n_input, n_neuron)
        self.weight: Array = start_normal(self.layer, np.random.default_rng(random_state))
        self.bias: Array = np.zeros((1, n_neuron))
        self.weight_L1, self.weight_L2 = weight_L1, weight_L2
        self.bias_L1, self.bias_L2 = bias_L1, bias_L2
        self.l1_slopes: tuple[Array, Array] = (np.zeros_like(self.weight), np.zeros_like(self.bias))

    @property
    def penalties(self) -> tuple[Sum, Sum]:
        """The penalties on the weights and on the biases, at the current strengths."""
        return Sum((L1(self.weight_L1), L2(self.weight_L2))), Sum((L1(self.bias_L1), L2(self.bias_L2)))

    def forward(self, inputs: ArrayLike) -> None:
        """Set ``output`` (N, n_neuron) from ``inputs`` (N, n_input)."""
        self.input = np.asarray(inputs, dtype=float)
        self.output, self._back = self.layer.forward(self.input, (self.weight, self.bias), None)

    def backward(self, dvalue: Array) -> None:
        """Set ``dweight``, ``dbias`` and ``dinput`` from the gradient of the output (N, n_neuron)."""
        dweight, dbias = self.layer.gradients(dvalue, self._back)
        self.l1_slopes = L1(self.weight_L1).gradient(self.weight), L1(self.bias_L1).gradient(self.bias)
        self.dweight = dweight + L2(self.weight_L2).gradient(self.weight) + self.l1_slopes[0]
        self.dbias = dbias + L2(self.bias_L2).gradient(self.bias) + self.l1_slopes[1]
        self.dinput = self.layer.backward(dvalue, self._back, (self.weight, self.bias))


class Activation_ReLu:
    """``max(input, 0)``."""

    def forward(self, inputs: Array) -> None:
        """Set ``output`` from ``inputs``, of the same shape."""
        self.input = inputs
        self.output, self._back = ReLU().forward(inputs, (), None)

    def backward(self, dvalue: Array) -> None:
        """Set ``dinput`` from the gradient of the output."""
        self.dinput = ReLU().backward(dvalue, self._back, ())


class Loss_CategoricalCrossentropy:
    """The tutorial's loss object, which also computes the penalty of a layer."""

    def regularization_loss(self, layer: Layer_Dense) -> float:
        """Penalty of one layer, weights and biases."""
        weight_penalty, bias_penalty = layer.penalties
        return float(weight_penalty.value(layer.weight) + bias_penalty.value(layer.bias))


class Activation_Softmax_Loss_CategoricalCrossentropy:
    """Softmax and mean cross-entropy in one; labels may be integers (N,) or one-hot (N, C).

    Attributes
    ----------
    output : array, shape (N, C)
        Probabilities of the last ``forward``.
    dinput : array, shape (N, C)
        Gradient of the mean loss with respect to the logits, of the last ``backward``.
    loss : object
        ``loss.regularization_loss(layer)`` is a layer's penalty.
    """

    def __init__(self) -> None:
        self.loss = Loss_CategoricalCrossentropy()

    def forward(self, inputs: Array, y_true: ArrayLike) -> float:
        """Mean cross-entropy of logits (N, C), in nats; sets ``output``."""
        self._logits = np.asarray(inputs, dtype=float)
        self.output = CrossEntropy().predict(self._logits)
        target = CrossEntropy().encode(y_true, classes=self._logits.shape[1])
        return float(CrossEntropy().values(self._logits, target).mean())

    def backward(self, dvalue: Array, y_true: ArrayLike) -> None:
        """Set ``dinput``; ``dvalue`` is ``output``, as the tutorial passes it."""
        target = CrossEntropy().encode(y_true, classes=dvalue.shape[1])
        self.dinput = CrossEntropy().gradient(self._logits, target) / len(target)


@dataclass
class _Memory:
    """What an optimizer remembers of one layer: its moments, and how often it moved it."""

    layer: Layer_Dense
    states: list[State]
    updates: int = 0


class _Stepper:
    """The tutorial's three calls around one of the package's optimizers.

    Copied or pickled together with its layers, an optimizer goes on where it was; without them it meets them anew.
    The first ``post_update_param`` looks at the layers that were updated, which the tutorial joins by ReLU, and warns
    if rescaling them escapes the penalty.
    """

    def __init__(self, optimizer: Optimizer, l1_warmup: float, rest_in_gradient: bool) -> None:
        self._optimizer, self._rest_in_gradient = optimizer, rest_in_gradient
        self.learning_rate = self.current_learning_rate = optimizer.learning_rate
        self.l1_warmup = _number_of_updates(l1_warmup)
        self.iterations = 0
        self._memories: list[_Memory] = []

    def pre_update_param(self) -> None:
        """Set ``current_learning_rate = learning_rate / (1 + decay * iterations)``."""
        multiplier = self._optimizer.schedule.multiplier(self.iterations, self.iterations + 1)
        self.current_learning_rate = self.learning_rate * multiplier

    def update_param(self, layer: Layer_Dense) -> None:
        """Update a layer's weights and biases along their gradients; L1 is a proximal step, which gives exact zeros."""
        memory = self._memory_of(layer)
        # Adam corrects its averages by how often *they* were fed: a layer may come late, or twice in one iteration.
        k, states = memory.updates, memory.states
        weight_l1, bias_l1 = (L1(strength) for strength in (layer.weight_L1, layer.bias_L1))
        weight_slope, bias_slope = layer.l1_slopes
        layer.weight, states[0] = self._step(weight_l1, layer.weight, layer.dweight, weight_slope, states[0], k)
        layer.bias, states[1] = self._step(bias_l1, layer.bias, layer.dbias, bias_slope, states[1], k)
        memory.updates += 1

    def _memory_of(self, layer: Layer_Dense) -> _Memory:
        for memory in self._memories:
            if memory.layer is layer:
                return memory
        states = [self._optimizer.start(w, np.asarray) for w in (layer.weight, layer.bias)]
        self._memories.append(_Memory(layer, states))
        return self._memories[-1]

    def _step(self, l1: L1, w: Array, dw: Array, slope: Array, state: State, k: int) -> tuple[Array, State]:
        ramp = min(1.0, (self.iterations + 1) / self.l1_warmup) if self.l1_warmup else 1.0
        if not l1.acts:  # no prox, no difference of two weights for momentum to remember: the plain loop, to the bit
            w, _, state = self._optimizer.move(w, dw - slope, state, self.current_learning_rate, k, np.asarray)
            return w, state
        taken_out = ramp * slope if self._rest_in_gradient else slope
        return proximal_step(self._optimizer, l1, w, dw - taken_out, state, self.current_learning_rate, k, ramp)

    def post_update_param(self) -> None:
        """Count the iteration."""
        if self.iterations == 0:
            self._warn_of_escape()
        self.iterations += 1

    def _warn_of_escape(self) -> None:
        layers = [memory.layer for memory in self._memories]
        for order in (layers, layers[::-1]):
            if order and all(a.layer.units == b.layer.inputs for a, b in pairwise(order)):
                network = Network(tuple(part for dense in order for part in (dense.layer, ReLU())))
                escape = evadable(network, [penalty for dense in order for penalty in dense.penalties])
                if escape:
                    warnings.warn(escape, EvadablePenaltyWarning, stacklevel=4)
                return


def _number_of_updates(l1_warmup: object) -> float:
    number = isinstance(l1_warmup, int | float | np.integer | np.floating) and not isinstance(l1_warmup, bool)
    if not number or not 0 <= float(l1_warmup) < math.inf:  # type: ignore[arg-type]
        raise ValueError(f"l1_warmup is a number of updates, 0 or more, got {l1_warmup!r}.")
    return float(l1_warmup)  # type: ignore[arg-type]


class _Adam(Adam):
    """Adam, rounded as the tutorial's line rounds: the last bits of a step are other networks some hundred steps on."""

    def move(
        self, w: Array, dw: Array, state: State, rate: float, k: int, pool: Pool
    ) -> tuple[Array, float | Array, State]:
        _, step, (m, v) = Adam.move(self, w, dw, state, rate, k, pool)
        m_hat, v_hat = m / (1 - self.beta_1 ** (k + 1)), v / (1 - self.beta_2 ** (k + 1))
        return w - rate * m_hat / (np.sqrt(v_hat) + self.epsilon), step, (m, v)


class Optimizer_SGD(_Stepper):
    """SGD whose rate is ``learning_rate / (1 + decay * iterations)``, with momentum.

    Parameters
    ----------
    learning_rate : float, default 1
    decay : float, default 0
    momentum : float, default 0
    l1_warmup : float, default 500
        Number of updates over which L1 moves from the gradient to the prox; 0 is at once.
    """

    def __init__(
        self, learning_rate: float = 1.0, decay: float = 0.0, momentum: float = 0.0, l1_warmup: float = 500
    ) -> None:
        _Stepper.__init__(
            self, SGD(learning_rate, momentum, schedule=InverseTime(decay)), l1_warmup, rest_in_gradient=True
        )


class Optimizer_Adam(_Stepper):
    """Adam with the same decay, for the loop that SGD at rate 1 does not finish (docs/tutorial.md).

    ``l1_warmup`` is the number of updates over which L1 rises to its strength; 0 is at once.
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        decay: float = 0.0,
        epsilon: float = 1e-7,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        l1_warmup: float = 500,
    ) -> None:
        adam = _Adam(learning_rate, beta_1, beta_2, epsilon, InverseTime(decay))
        _Stepper.__init__(self, adam, l1_warmup, rest_in_gradient=False)


__all__ = [
    "Activation_ReLu",
    "Activation_Softmax_Loss_CategoricalCrossentropy",
    "Layer_Dense",
    "Loss_CategoricalCrossentropy",
    "Optimizer_Adam",
    "Optimizer_SGD",
    "spiral_data",
]
