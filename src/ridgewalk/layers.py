"""Layers: ``forward`` returns the output and what ``backward`` needs; a layer stores no weights and no batch.

    Dense        y = x w + b
    ReLU         y = max(x, 0)              LeakyReLU   y = max(x, 0) + slope * min(x, 0)
    Tanh         y = tanh x                 Sigmoid     y = 1 / (1 + exp(-x))
    GELU         y = x Phi(x)               Dropout     y = x * kept / (1 - rate)

``backward`` computes the gradient of the objective with respect to the input from that with respect to the output;
``gradients`` computes those of the layer's own arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from scipy.special import expit, ndtr

from ridgewalk.arrays import Array

Arrays = tuple[Array, ...]
Uniform = Callable[[int], Array]
"""Gives numbers in [0, 1), one per row of the batch and unit: (units) -> (N, units) or (R, N, units)."""


class Layer(Protocol):
    """What every layer can do.

    ``homogeneous``: scaling the input by c > 0 (and, for Dense, the bias too) scales the output by c. A chain
    of such layers can move scale from one weight array to the next without changing what it computes.
    """

    homogeneous: ClassVar[bool]

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Shapes of the layer's own arrays: (P, Q) of the weights and (1, Q) of the bias, or empty."""

    def forward(self, x: Array, parameters: Arrays, uniform: Uniform | None) -> tuple[Array, Arrays]:
        """Map x (R, N, P) to the output (R, N, Q); also return what ``backward`` needs.

        ``uniform`` gives the layer's random numbers while training; None is prediction.
        """

    def backward(self, dy: Array, back: Arrays, parameters: Arrays) -> Array:
        """Turn the gradient of the output (R, N, Q) into that of the input (R, N, P)."""

    def gradients(self, dy: Array, back: Arrays) -> Arrays:
        """Gradients of the layer's own arrays, shaped as ``shapes`` says."""


@dataclass(frozen=True)
class Dense:
    """Weighted sums, ``y = x w + b``: dx = dy w', dw = x' dy, db = sum over rows of dy."""

    inputs: int
    units: int
    homogeneous: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.inputs < 1 or self.units < 1:
            raise ValueError(f"A dense layer needs at least 1 input and 1 unit, got {self.inputs} and {self.units}.")

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        return ((self.inputs, self.units), (1, self.units))

    def forward(self, x: Array, parameters: Arrays, uniform: Uniform | None) -> tuple[Array, Arrays]:
        w, b = parameters
        return x @ w + b, (x,)

    def backward(self, dy: Array, back: Arrays, parameters: Arrays) -> Array:
        w, _ = parameters
        return dy @ w.mT

    def gradients(self, dy: Array, back: Arrays) -> Arrays:
        (x,) = back
        return x.mT @ dy, dy.sum(axis=-2, keepdims=True)


class _Activation:
    """An activation has no arrays of its own."""

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        return ()

    def gradients(self, dy: Array, back: Arrays) -> Arrays:
        return ()


@dataclass(frozen=True)
class ReLU(_Activation):
    """``max(x, 0)``, with slope 0 at 0 (Nair and Hinton, ICML 2010)."""

    homogeneous: ClassVar[bool] = True

    def forward(self, x: Array, parameters: Arrays, uniform: Uniform | None) -> tuple[Array, Arrays]:
        y = np.maximum(x, 0)
        return y, (y,)

    def backward(self, dy: Array, back: Arrays, parameters: Arrays) -> Array:
        (y,) = back
        return dy * (y > 0)


@dataclass(frozen=True)
class LeakyReLU(_Activation):
    """The leaky rectifier: ``x`` where positive, ``slope * x`` elsewhere.

    Source: Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models, ICML workshop 2013.
    """

    slope: float = 0.01
    homogeneous: ClassVar[bool] = True

    def forward(self, x: Array, parameters: Arrays, uniform: Uniform | None) -> tuple[Array, Arrays]:
        return np.where(x > 0, x, self.slope * x), (x,)

    def backward(self, dy: Array, back: Arrays, parameters: Arrays) -> Array:
        (x,) = back
        return np.where(x > 0, dy, self.slope * dy)


@dataclass(frozen=True)
class Tanh(_Activation):
    """``tanh x``, slope ``1 - y^2``."""

    homogeneous: ClassVar[bool] = False

    def forward(self, x: Array, parameters: Arrays, uniform: Uniform | None) -> tuple[Array, Arrays]:
        y = np.tanh(x)
        return y, (y,)

    def backward(self, dy: Array, back: Arrays, parameters: Arrays) -> Array:
        (y,) = back
        return dy * (1 - y * y)


@dataclass(frozen=True)
class Sigmoid(_Activation):
    """``1 / (1 + exp(-x))``, slope ``y (1 - y)``."""

    homogeneous: ClassVar[bool] = False

    def forward(self, x: Array, parameters: Arrays, uniform: Uniform | None) -> tuple[Array, Arrays]:
        y = expit(x)
        return y, (y,)

    def backward(self, dy: Array, back: Arrays, parameters: Arrays) -> Array:
        (y,) = back
        return dy * (y * (1 - y))


@dataclass(frozen=True)
class GELU(_Activation):
    """``x Phi(x)`` with Phi the normal distribution, exact (Hendrycks and Gimpel, arXiv 1606.08415, eq. 2)."""

    homogeneous: ClassVar[bool] = False

    def forward(self, x: Array, parameters: Arrays, uniform: Uniform | None) -> tuple[Array, Arrays]:
        below = ndtr(x)
        return x * below, (x, below)

    def backward(self, dy: Array, back: Arrays, parameters: Arrays) -> Array:
        x, below = back
        density = np.exp(-0.5 * np.minimum(x * x, 1e4)) * (1 / math.sqrt(2 * math.pi))
        return dy * (below + x * density)


@dataclass(frozen=True)
class Dropout(_Activation):
    """Each entry is dropped with probability ``rate``, the rest scaled by 1 / (1 - rate) while training.

    (Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, JMLR 2014.) Prediction is the identity.
    """

    rate: float = 0.5
    homogeneous: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise ValueError(f"A dropout rate lies in [0, 1), got {self.rate}.")

    def forward(self, x: Array, parameters: Arrays, uniform: Uniform | None) -> tuple[Array, Arrays]:
        if uniform is None or self.rate == 0:
            return x, ()
        kept = ((uniform(x.shape[-1]) >= self.rate) / (1 - self.rate)).astype(x.dtype)
        return x * kept, (kept,)

    def backward(self, dy: Array, back: Arrays, parameters: Arrays) -> Array:
        return dy * back[0] if back else dy


def start_normal(layer: Dense, generator: np.random.Generator) -> Array:
    """Draw the tutorial's initial weights, ``0.01 * normal``: shape (P, Q)."""
    return 0.01 * generator.standard_normal((layer.inputs, layer.units))


def start_he(layer: Dense, generator: np.random.Generator) -> Array:
    """Draw normal numbers of variance ``2 / P`` (He, Zhang, Ren and Sun, ICCV 2015, eq. 10): shape (P, Q)."""
    return math.sqrt(2 / layer.inputs) * generator.standard_normal((layer.inputs, layer.units))


def start_glorot(layer: Dense, generator: np.random.Generator) -> Array:
    """Draw uniform numbers within ``sqrt(6 / (P + Q))`` (Glorot and Bengio, AISTATS 2010, eq. 16): (P, Q)."""
    bound = math.sqrt(6 / (layer.inputs + layer.units))
    return generator.uniform(-bound, bound, (layer.inputs, layer.units))
