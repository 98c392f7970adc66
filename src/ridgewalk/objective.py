"""The objective that training minimizes.

    J = sum_i s_i loss_i / sum_i s_i  +  sum over penalized arrays of [ l1 sum|w| + l2 sum w^2 + group terms ]

The loss is a weighted mean over rows. The penalty is divided neither by n nor by the batch size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ridgewalk.arrays import Array
from ridgewalk.layers import Arrays
from ridgewalk.losses import Loss
from ridgewalk.network import LayerUniform, Network
from ridgewalk.penalties import Penalty, residual_step


def mean_weights(weights: Array) -> Array:
    """Scale row weights (N,) to a mean of 1 over the rows that have any; equal weights become exactly 1."""
    relative = weights / weights.max()
    return np.asarray(relative * (np.count_nonzero(relative) / relative.sum()))


def weighted_mean(values: Array, weights: Array) -> Array:
    """Average values (R, N) with row weights (N,), ignoring values in rows of weight 0: shape (R,)."""
    used = weights > 0
    return np.asarray((values[..., used] * weights[used]).sum(axis=-1) / weights[used].sum())


@dataclass(frozen=True)
class Objective:
    """Mean loss plus penalty, of one network or a stack of them.

    Attributes
    ----------
    network : Network
    loss : Loss
    penalties : tuple of Penalty
        One per array of the network, in its order.
    """

    network: Network
    loss: Loss
    penalties: tuple[Penalty, ...]

    def __post_init__(self) -> None:
        if len(self.penalties) != len(self.network.shapes):
            raise ValueError(
                f"The network has {len(self.network.shapes)} arrays ({', '.join(self.network.names)}), "
                f"so it takes as many penalties, got {len(self.penalties)}."
            )

    def row_losses(self, parameters: Arrays, x: Array, target: Array) -> Array:
        """Loss of each row, without any penalty: shape (R, N), float64."""
        output, _ = self.network.forward(x, parameters)
        return self.loss.values(output, target).astype(np.float64)

    def data_loss(self, parameters: Arrays, x: Array, target: Array, weights: Array) -> Array:
        """Weighted mean loss of each run, without any penalty: shape (R,), float64."""
        return weighted_mean(self.row_losses(parameters, x, target), weights)

    def penalty(self, parameters: Arrays) -> Array:
        """Total penalty of each run: shape (R,), float64."""
        return sum(
            (penalty.value(w) for penalty, w in zip(self.penalties, parameters, strict=True)),
            start=np.zeros(parameters[0].shape[:-2]),
        )

    def data_gradient(
        self, parameters: Arrays, x: Array, target: Array, weights: Array, uniform: LayerUniform | None = None
    ) -> Arrays:
        """Gradient of ``sum_i s_i loss_i / N`` for rows x (N, P) and weights s (N,) that :func:`mean_weights` scaled.

        A batch of rows of the same scaled weights gives an unbiased estimate of the full gradient.
        """
        return self.losses_and_gradient(parameters, x, target, weights, uniform)[1]

    def losses_and_gradient(
        self, parameters: Arrays, x: Array, target: Array, weights: Array, uniform: LayerUniform | None = None
    ) -> tuple[Array, Arrays]:
        """Loss of each row, shape (R, N), float64; and the gradient of :meth:`data_gradient`, of one pass."""
        output, backs = self.network.forward(x, parameters, uniform)
        doutput = self.loss.gradient(output, target) * (weights / x.shape[-2])[:, None]
        losses = self.loss.values(output, target).astype(np.float64)
        return losses, self.network.backward(doutput, backs, parameters)

    def gradient(self, parameters: Arrays, x: Array, target: Array, weights: Array) -> Arrays:
        """Gradient of J where it has one; at a kink of the penalty the middle of its slopes."""
        used = weights > 0
        data = self.data_gradient(parameters, x[used], target[used], mean_weights(weights[used]))
        return tuple(dw + penalty.gradient(w) for dw, penalty, w in zip(data, self.penalties, parameters, strict=True))

    def residual(self, parameters: Arrays, gradients: Arrays) -> Array:
        """Distance from stationarity: largest ``|w - prox_s(w - s dw)| / s`` over all weights of a run, shape (R,).

        It is zero exactly where 0 is a subgradient of J. ``gradients`` are those of the data loss; the step s is 1, or
        shorter where a concave penalty asks for it (:func:`ridgewalk.penalties.residual_step`).
        """
        steps = [residual_step(penalty) for penalty in self.penalties]
        worst = [
            np.abs(w - penalty.prox(w - step * dw, step)).max(axis=(-2, -1)) / step
            for w, dw, penalty, step in zip(parameters, gradients, self.penalties, steps, strict=True)
        ]
        return np.asarray(np.max(worst, axis=0), dtype=np.float64)
