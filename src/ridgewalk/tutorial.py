"""The class names of the tutorial that ridgewalk grew from, over the package's own mathematics.

    dense1.forward(X); activation1.forward(dense1.output); dense2.forward(activation1.output)
    data_loss = loss_activation.forward(dense2.output, y)
    reg_loss = loss_activation.loss.regularization_loss(dense1) + loss_activation.loss.regularization_loss(dense2)
    loss_activation.backward(loss_activation.output, y); dense2.backward(loss_activation.dinput); ...
    optimizer.pre_update_param(); optimizer.update_param(dense1); ...; optimizer.post_update_param()

A loop written against those names runs with nothing but an import. ``dweight`` and ``dbias`` are gradients of the
whole objective, data loss plus penalty; ``update_param`` takes the penalty's part out of them again and applies it
as a proximal step, so that L1 gives exact zeros (docs/tutorial.md).
"""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from ridgewalk.arrays import Array, Integers
from ridgewalk.engine.reference import proximal_step
from ridgewalk.layers import Dense, ReLU, start_normal
from ridgewalk.losses import CrossEntropy
from ridgewalk.network import EvadablePenaltyWarning, Network, evadable
from ridgewalk.optimizers import SGD, Adam, InverseTime, Optimizer, State
from ridgewalk.penalties import L1, L2, Sum

Seed = int | np.random.Generator | None


def spiral_data(samples: int, classes: int, random_state: Seed = None) -> tuple[Array, Integers]:
    """Draw the tutorial's spiral: one arm per class, ``samples`` points on each.

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
        Of the last ``backward``; the first two include the penalty.
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

    @property
    def penalties(self) -> tuple[Sum, Sum]:
        """The penalties on the weights and on the biases, as the strengths stand now."""
        return Sum((L1(self.weight_L1), L2(self.weight_L2))), Sum((L1(self.bias_L1), L2(self.bias_L2)))

    def forward(self, inputs: ArrayLike) -> None:
        """Set ``output`` (N, n_neuron) from ``inputs`` (N, n_input)."""
        self.input = np.asarray(inputs, dtype=float)
        self.output, self._back = self.layer.forward(self.input, (self.weight, self.bias), None)

    def backward(self, dvalue: Array) -> None:
        """Set ``dweight``, ``dbias`` and ``dinput`` from the gradient of the output (N, n_neuron)."""
        dweight, dbias = self.layer.gradients(dvalue, self._back)
        weight_penalty, bias_penalty = self.penalties
        self.dweight = dweight + weight_penalty.gradient(self.weight)
        self.dbias = dbias + bias_penalty.gradient(self.bias)
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
    """The tutorial's loss object: the penalty of a layer is asked of it."""

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


class _Stepper:
    """The tutorial's three calls around one of the package's optimizers.

    The first ``post_update_param`` looks at the layers that were updated, which the tutorial joins by ReLU, and warns
    if rescaling them escapes the penalty.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer
        self.learning_rate = self.current_learning_rate = optimizer.learning_rate
        self.iterations = 0
        self._layers: list[Layer_Dense] = []
        self._states: list[list[State]] = []

    def pre_update_param(self) -> None:
        """Set ``current_learning_rate = learning_rate / (1 + decay * iterations)``."""
        multiplier = self._optimizer.schedule.multiplier(self.iterations, self.iterations + 1)
        self.current_learning_rate = self.learning_rate * multiplier

    def update_param(self, layer: Layer_Dense) -> None:
        """Move a layer's weights and biases by one proximal step; L1 leaves exact zeros."""
        states = self._states_of(layer)
        weight_penalty, bias_penalty = layer.penalties
        layer.weight, states[0] = self._step(weight_penalty, layer.weight, layer.dweight, states[0])
        layer.bias, states[1] = self._step(bias_penalty, layer.bias, layer.dbias, states[1])

    def _states_of(self, layer: Layer_Dense) -> list[State]:
        for known, states in zip(self._layers, self._states, strict=True):
            if known is layer:
                return states
        arrays = zip((layer.weight, layer.bias), layer.penalties, strict=True)
        self._layers.append(layer)
        self._states.append([self._optimizer.start(w, penalty.pool) for w, penalty in arrays])
        return self._states[-1]

    def _step(self, penalty: Sum, w: Array, dw: Array, state: State) -> tuple[Array, State]:
        data_gradient = dw - penalty.gradient(w)
        return proximal_step(
            self._optimizer, penalty, w, data_gradient, state, self.current_learning_rate, self.iterations
        )

    def post_update_param(self) -> None:
        """Count the iteration."""
        if self.iterations == 0:
            self._warn_of_escape()
        self.iterations += 1

    def _warn_of_escape(self) -> None:
        for order in (self._layers, self._layers[::-1]):
            if order and all(a.layer.units == b.layer.inputs for a, b in pairwise(order)):
                network = Network(tuple(part for dense in order for part in (dense.layer, ReLU())))
                escape = evadable(network, [penalty for dense in order for penalty in dense.penalties])
                if escape:
                    warnings.warn(escape, EvadablePenaltyWarning, stacklevel=4)
                return


class Optimizer_SGD(_Stepper):
    """SGD whose rate is ``learning_rate / (1 + decay * iterations)``, with momentum."""

    def __init__(self, learning_rate: float = 1.0, decay: float = 0.0, momentum: float = 0.0) -> None:
        _Stepper.__init__(self, SGD(learning_rate, momentum, schedule=InverseTime(decay)))


class Optimizer_Adam(_Stepper):
    """Adam with the same decay, for the loop that SGD at rate 1 does not finish (docs/tutorial.md)."""

    def __init__(
        self,
        learning_rate: float = 0.001,
        decay: float = 0.0,
        epsilon: float = 1e-7,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
    ) -> None:
        _Stepper.__init__(self, Adam(learning_rate, beta_1, beta_2, epsilon, InverseTime(decay)))


__all__ = [
    "Activation_ReLu",
    "Activation_Softmax_Loss_CategoricalCrossentropy",
    "Layer_Dense",
    "Loss_CategoricalCrossentropy",
    "Optimizer_Adam",
    "Optimizer_SGD",
    "spiral_data",
]
