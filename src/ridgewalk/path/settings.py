"""The settings of a path: the network, its penalty and the training, independent of the data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Literal

import numpy as np

from ridgewalk.network import Activation, Network, Start, multilayer_perceptron
from ridgewalk.path.families import ElasticNetPath, PathPenalty

Schedule = Literal["ramp", "sequential"]
Precision = Literal["float32", "float64"]


@dataclass(frozen=True, eq=False)
class PathSettings:
    """The settings of a path: everything except the data and the machine.

    Attributes
    ----------
    hidden_layer_sizes : sequence of int
        Units of each hidden layer, or of the only one; empty is a linear model, solved to its optimum.
    activation : str
        "relu", "leaky_relu", "tanh", "logistic", "gelu" or "identity".
    penalty : PathPenalty
        The penalty at every strength: :class:`ElasticNetPath`, :class:`GroupLassoPath`, or a custom class.
    schedule : "ramp" or "sequential"
        Train all strengths from one dense fit per fold and seed, increasing from 0 during the first half of the steps;
        or one strength after the other, from weak to strong.
    racing : bool
        Drop strengths that are clearly worse after some folds (:mod:`ridgewalk.path.racing`). It has no effect on
        linear paths.
    max_iter : int
        Epochs of each fit after its dense fit.
    learning_rate : float
        Initial learning rate of Adam.
    batch_size : int or None
        Rows per step; None is all rows. With batches, the noise of the gradients keeps weights from settling at zero,
        so every fit ends with full-batch steps: half as many as epochs, from 3 to 100.
    dtype : "float32" or "float64"
        Precision of the training. A linear model is always solved in float64.
    tolerance : float
        Residual at which a linear model counts as solved.
    """

    hidden_layer_sizes: Sequence[int] = (32,)
    activation: Activation = "relu"
    penalty: PathPenalty = field(default_factory=ElasticNetPath)
    schedule: Schedule = "ramp"
    racing: bool = False
    max_iter: int = 600
    learning_rate: float = 0.01
    batch_size: int | None = None
    dtype: Precision = "float32"
    tolerance: float = 1e-8

    def __post_init__(self) -> None:
        if self.schedule not in ("ramp", "sequential"):
            raise ValueError(f'schedule is "ramp" or "sequential", got {self.schedule!r}.')
        if self.racing and not self.ramps:
            raise ValueError(
                'racing=True needs strengths that do not descend from each other: take schedule="ramp", or leave '
                "racing out."
            )
        if self.max_iter < 1:
            raise ValueError(f"max_iter is at least 1, got {self.max_iter}.")
        if self.dtype not in ("float32", "float64"):
            raise ValueError(f'dtype is "float32" or "float64", got {self.dtype!r}.')
        for name in ("learning_rate", "tolerance"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}.")
        object.__setattr__(self, "hidden_layer_sizes", _whole_units(self.hidden_layer_sizes))

    @property
    def linear(self) -> bool:
        """Whether there is no hidden layer, so that the problem is convex."""
        return not self.hidden_layer_sizes

    @property
    def ramps(self) -> bool:
        """Whether the strengths are raised at once, each from the dense fit."""
        return self.schedule == "ramp"

    @property
    def races(self) -> bool:
        """Whether strengths are dropped along the folds."""
        return self.racing and not self.linear

    def network(self, inputs: int, outputs: int) -> Network:
        """Build the network for data of this shape."""
        return multilayer_perceptron(inputs, self.hidden_layer_sizes, outputs, self.activation)

    @property
    def start_rule(self) -> Start:
        """The rule for initial weights that suits this activation."""
        return "he" if self.activation in ("relu", "leaky_relu", "gelu") else "glorot"


def _whole_units(sizes: Any) -> tuple[int, ...]:
    """Return units as whole numbers, accepting 8.0; raise an error for others."""
    listed = sizes.tolist() if isinstance(sizes, np.ndarray) else sizes
    each = list(listed) if isinstance(listed, Iterable) and not isinstance(listed, str) else [listed]
    whole = [isinstance(units, Real) and not isinstance(units, bool | np.bool_) for units in each]
    if not all(whole) or any(not np.isfinite(units) or units < 1 or units != int(units) for units in each):
        raise ValueError(f"Hidden layers need at least 1 unit each, whole numbers, got {listed!r}.")
    return tuple(int(units) for units in each)
