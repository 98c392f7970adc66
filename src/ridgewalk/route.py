"""How to walk: the network, its penalty and the training, apart from any data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np

from ridgewalk.arrays import Array, Integers, per_run
from ridgewalk.network import Activation, Network, Start, multilayer_perceptron
from ridgewalk.penalties import L2, ElasticNet, GroupLasso, Penalty, Strength, Sum

Walk = Literal["ramp", "sequential"]
PenaltyName = Literal["elasticnet", "group_lasso"]
Precision = Literal["float32", "float64"]
Engine = Literal["compiled", "reference"]


@dataclass(frozen=True, eq=False)
class Route:
    """How to walk: everything that is not data.

    Attributes
    ----------
    hidden_layer_sizes : sequence of int
        Units of each hidden layer, or of the only one; empty is a linear model, solved to its optimum. 8.0 is 8.
    activation : str
        "relu", "leaky_relu", "tanh", "logistic", "gelu" or "identity".
    penalty : "elasticnet" or "group_lasso"
        ``alpha * (l1_ratio sum|w| + (1 - l1_ratio)/2 sum w^2)`` on every weight array, or
        ``alpha * sqrt(H) * sum_j ||w1_j||`` over the inputs j of the first layer (H its units), with an L2 of
        ``upper_l2`` on the layers above.
    l1_ratio : float
    upper_l2 : float
    bias_alpha : float
        Strength of the same elastic net on all biases, the same at every alpha above 0; by default they are free.
    layer_factors : sequence of float, or None
        Multiplies the strength of each weight array, from the first layer on (``upper_l2`` too).
    walk : "ramp" or "sequential"
    max_iter : int
        Epochs of each fit after its dense start.
    learning_rate : float
    batch_size : int or None
        Rows per step; None is all of them. With batches the noise of the gradients keeps weights from resting at
        zero, so every fit ends with 100 full-batch steps.
    standardize : bool
        Whether columns, and the target of a regression, are brought to mean 0 and deviation 1 on each fold.
        The strengths are those of the standardized problem.
    penalty_factors : array, shape (P,), or None
        Multiplies the strength of each input's weights in the first layer: 0 frees, infinity excludes.
    groups : integers, shape (P,), or None
        For the group lasso: the number of the group that each input belongs to, so that the columns of one category
        leave together. Inputs of one group share one factor.
    dtype : "float32" or "float64"
        Of the training. A linear model is always solved in float64.
    tolerance : float
        Residual at which a linear model counts as solved.
    engine : "compiled" or "reference"
        What trains: C++ kernels, or the NumPy that they are checked against.
    """

    hidden_layer_sizes: Sequence[int] = (32,)
    activation: Activation = "relu"
    penalty: PenaltyName = "elasticnet"
    l1_ratio: float = 0.5
    upper_l2: float = 1e-3
    bias_alpha: float = 0.0
    layer_factors: Sequence[float] | None = None
    walk: Walk = "ramp"
    max_iter: int = 600
    learning_rate: float = 0.01
    batch_size: int | None = None
    standardize: bool = True
    penalty_factors: Array | None = None
    groups: Integers | None = None
    dtype: Precision = "float32"
    engine: Engine = "compiled"
    tolerance: float = 1e-8

    def __post_init__(self) -> None:
        if self.penalty not in ("elasticnet", "group_lasso"):
            raise ValueError(f'penalty is "elasticnet" or "group_lasso", got {self.penalty!r}.')
        if self.walk not in ("ramp", "sequential"):
            raise ValueError(f'walk is "ramp" or "sequential", got {self.walk!r}.')
        if self.max_iter < 1:
            raise ValueError(f"max_iter is at least 1, got {self.max_iter}.")
        if self.dtype not in ("float32", "float64"):
            raise ValueError(f'dtype is "float32" or "float64", got {self.dtype!r}.')
        if self.engine not in ("compiled", "reference"):
            raise ValueError(f'engine is "compiled" or "reference", got {self.engine!r}.')
        for name in ("learning_rate", "upper_l2", "tolerance"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}.")
        if not 0 <= self.l1_ratio <= 1:
            raise ValueError(f"l1_ratio must lie between 0 (only L2) and 1 (only L1), got {self.l1_ratio}.")
        if not 0 <= self.bias_alpha < np.inf:
            raise ValueError(f"bias_alpha is a finite number of zero or more, got {self.bias_alpha}.")
        object.__setattr__(self, "hidden_layer_sizes", _whole_units(self.hidden_layer_sizes))
        self._check_factors()

    def _check_factors(self) -> None:
        if self.layer_factors is not None:
            factors, layers = np.asarray(self.layer_factors, dtype=float), len(self.hidden_layer_sizes) + 1
            if factors.shape != (layers,) or not np.isfinite(factors).all() or (factors < 0).any():
                raise ValueError(
                    f"layer_factors is one finite number of zero or more per layer ({layers}), got {factors}."
                )
        if self.penalty_factors is not None:
            factors = np.asarray(self.penalty_factors, dtype=float)
            if factors.ndim != 1 or np.isnan(factors).any() or (factors < 0).any():
                raise ValueError(f"penalty_factors is one number of zero or more per input, got {factors}.")
            if not ((factors > 0) & np.isfinite(factors)).any():
                raise ValueError("penalty_factors leaves no input to penalize: one must lie between 0 and infinity.")
        if self.groups is not None:
            if self.penalty != "group_lasso":
                raise ValueError('groups joins inputs that leave together, so it needs penalty="group_lasso".')
            numbers = np.asarray(self.groups)
            if numbers.ndim != 1 or not np.issubdtype(numbers.dtype, np.integer):
                raise ValueError(f"groups is one whole number per input, got {numbers.dtype} shaped {numbers.shape}.")

    @property
    def linear(self) -> bool:
        """Whether there is no hidden layer, so that the problem is convex."""
        return not self.hidden_layer_sizes

    def network(self, inputs: int, outputs: int) -> Network:
        """Build the network for data of this shape."""
        return multilayer_perceptron(inputs, self.hidden_layer_sizes, outputs, self.activation)

    @property
    def start_rule(self) -> Start:
        """How weights are drawn that this activation starts from."""
        return "he" if self.activation in ("relu", "leaky_relu", "gelu") else "glorot"

    def check_inputs(self, inputs: int) -> None:
        """See that what is given per input is given for so many.

        Raises
        ------
        ValueError
            If it is not.
        """
        for name in ("penalty_factors", "groups"):
            given = getattr(self, name)
            if given is not None and len(given) != inputs:
                raise ValueError(f"{name} needs one number per input ({inputs}), got {len(given)}.")

    def penalties(self, network: Network, alphas: Array) -> tuple[Penalty, ...]:
        """Penalties of every array, one strength per run from ``alphas`` (R,)."""
        alpha = per_run(alphas)
        factors = None if self.penalty_factors is None else np.asarray(self.penalty_factors, dtype=float)[:, None]
        each = self.factor_per_layer
        if self.penalty == "elasticnet":
            first: Penalty = ElasticNet(each[0] * alpha, self.l1_ratio, factors)
            upper: list[Penalty] = [ElasticNet(factor * alpha, self.l1_ratio) for factor in each[1:]]
        else:
            first = GroupLasso(each[0] * alpha, factors=factors, groups=self.groups)
            # The arm at 0 is the unpenalized network: there the layers above, and the biases, go free as well.
            upper = [L2(np.where(alpha > 0, factor * self.upper_l2, 0.0)) for factor in each[1:]]
        bias = self.bias_penalty(alpha)
        return tuple(penalty for weight in (first, *upper) for penalty in (weight, bias))

    @property
    def factor_per_layer(self) -> Array:
        """Multiplier of each weight array's strength: shape (layers,)."""
        layers = len(self.hidden_layer_sizes) + 1
        return np.ones(layers) if self.layer_factors is None else np.asarray(self.layer_factors, dtype=float)

    def bias_penalty(self, alpha: Strength) -> Penalty:
        """Penalty of each bias array at weight strengths ``alpha``."""
        return ElasticNet(np.where(alpha > 0, self.bias_alpha, 0.0), self.l1_ratio) if self.bias_alpha else Sum()


def _whole_units(sizes: Any) -> tuple[int, ...]:
    """Return units as whole numbers: those of a search, such as 8.0, too; what is none is refused, not cut off."""
    given = sizes.tolist() if isinstance(sizes, np.ndarray) else sizes
    each = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    whole = [isinstance(units, Real) and not isinstance(units, bool | np.bool_) for units in each]
    if not all(whole) or any(not np.isfinite(units) or units < 1 or units != int(units) for units in each):
        raise ValueError(f"Hidden layers need at least 1 unit each, whole numbers, got {given!r}.")
    return tuple(int(units) for units in each)
