"""The old name of the settings of a path, to be removed in ridgewalk 0.2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ridgewalk.arrays import Array, Integers
from ridgewalk.engine import Engine
from ridgewalk.network import Activation
from ridgewalk.path.families import PenaltyName, penalty_family
from ridgewalk.path.settings import PathSettings, Precision, Schedule
from ridgewalk.warning import warn_deprecated


@dataclass(frozen=True, eq=False)
class Route:
    """Deprecated: settings of a path before :class:`ridgewalk.path.PathSettings`.

    ``standardize`` and ``engine`` are parameters of :func:`ridgewalk.mlp_path` now, and the penalty is an object
    (:mod:`ridgewalk.path.families`).
    """

    hidden_layer_sizes: Sequence[int] = (32,)
    activation: Activation = "relu"
    penalty: PenaltyName = "elasticnet"
    l1_ratio: float = 0.5
    upper_l2: float = 1e-3
    bias_alpha: float = 0.0
    layer_factors: Sequence[float] | None = None
    walk: Schedule = "ramp"
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
        warn_deprecated("ridgewalk.route.Route", "ridgewalk.path.PathSettings")
        self.settings()

    def settings(self) -> PathSettings:
        """Return its settings of the network, the penalty and the training."""
        return PathSettings(
            hidden_layer_sizes=self.hidden_layer_sizes,
            activation=self.activation,
            penalty=penalty_family(
                self.penalty,
                self.l1_ratio,
                self.upper_l2,
                self.bias_alpha,
                self.layer_factors,
                self.penalty_factors,
                self.groups,
            ),
            schedule=self.walk,
            max_iter=self.max_iter,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            dtype=self.dtype,
            tolerance=self.tolerance,
        )
