"""Optimizers: compute a move from a gradient, and the step size of every weight for the prox.

One step, for every array and every optimizer (decision 0002):

    dw      =  gradient of the data loss at point(w)
    z, step =  move(w, dw)
    w_new   =  prox_{step}(z)                of the penalty, in the optimizer's own metric
    state   =  settle(w_new - w)             momentum stores the actual change, including the prox

At a fixed point the prox reverses the move: step * dw = -step * slope of the penalty, for any step. So the fixed points
of every optimizer are the stationary points of the objective, also with momentum and preconditioning.

    SGD       z = w + momentum * (last move) - rate * dw                          step = rate
    AdaGrad   h += dw^2                        z = w - step * dw                  step = rate / (sqrt h + eps)
    RMSProp   h = rho h + (1 - rho) dw^2       z = w - step * dw                  step = rate / (sqrt h + eps)
    Adam      m, v: averages of dw and dw^2    z = w - step * m_hat               step = rate / (sqrt v_hat + eps)
    AdamW     Adam                             z = Adam's z - rate * decay * w    step = Adam's

``dw`` is the gradient of the data loss only, so second moments do not depend on the penalty. For a group penalty they
are averaged over each group (``pool``), which keeps the prox in closed form and its fixed point exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np

from ridgewalk.arrays import Array

State = tuple[Array, ...]
Pool = Callable[[Array], Array]


class Schedule(Protocol):
    """A learning-rate schedule."""

    def multiplier(self, k: int, total: int) -> float:
        """Multiply the learning rate by this at step ``k`` (from 0) of ``total``: in (0, 1]."""


@dataclass(frozen=True)
class InverseTime:
    """``1 / (1 + decay * k)``, the tutorial's decay; 0 keeps the rate constant."""

    decay: float = 0.0

    def multiplier(self, k: int, total: int) -> float:
        return 1 / (1 + self.decay * k)


@dataclass(frozen=True)
class Cosine:
    """``(1 + cos(pi k / total)) / 2``: from 1 towards 0 (Loshchilov and Hutter, ICLR 2017, eq. 5, no restart)."""

    def multiplier(self, k: int, total: int) -> float:
        return 0.5 * (1 + math.cos(math.pi * min(k, total - 1) / total))


@dataclass(frozen=True)
class Steps:
    """Multiply by ``factor`` after every ``every`` steps."""

    every: int
    factor: float = 0.1

    def multiplier(self, k: int, total: int) -> float:
        return float(self.factor ** (k // self.every))


@dataclass(frozen=True)
class InverseScaling:
    """``1 / (rows seen + 1)^power``, from epoch to epoch: scikit-learn's "invscaling".

    An epoch has ``every`` steps over ``rows`` rows; ``seen`` are those of earlier trainings.
    """

    every: int
    rows: int
    power: float = 0.5
    seen: int = 0

    def multiplier(self, k: int, total: int) -> float:
        return float(1 / (self.seen + self.rows * (k // self.every) + 1) ** self.power)


class Optimizer(Protocol):
    """What every optimizer can do, for one array at a time; ``k`` counts steps from 0."""

    @property
    def learning_rate(self) -> float:
        """The rate before its schedule."""

    @property
    def schedule(self) -> Schedule:
        """What multiplies the rate."""

    def start(self, w: Array, pool: Pool) -> State:
        """Return the state before the first step, of arrays shaped as w (R, P, Q)."""

    def point(self, w: Array, state: State) -> Array:
        """Where the gradient is to be taken."""

    def move(
        self, w: Array, dw: Array, state: State, rate: float, k: int, pool: Pool
    ) -> tuple[Array, float | Array, State]:
        """Turn the gradient ``dw`` into the moved array, the step of every weight, and the next state."""

    def settle(self, moved: Array, state: State) -> State:
        """Return the state after the array has moved so far, prox included."""

    def for_biases(self) -> Self:
        """Return the same optimizer for arrays that must not decay."""


def rate_at(optimizer: Optimizer, k: int, total: int) -> float:
    """Learning rate of step ``k`` (from 0) of ``total``."""
    return optimizer.learning_rate * optimizer.schedule.multiplier(k, total)


def scheduled(optimizer: Optimizer, schedule: Schedule, learning_rate: float | None = None) -> Optimizer:
    """Return the same optimizer with another schedule, and perhaps another rate."""
    rate = optimizer.learning_rate if learning_rate is None else learning_rate
    return replace(optimizer, schedule=schedule, learning_rate=rate)  # type: ignore[type-var]


class _Plain:
    """Defaults: the gradient is taken at w, the state does not care for the prox, nothing decays."""

    def point(self, w: Array, state: State) -> Array:
        return w

    def settle(self, moved: Array, state: State) -> State:
        return state

    def for_biases(self) -> Self:
        return self


@dataclass(frozen=True)
class SGD(_Plain):
    """Gradient descent with momentum, as inertial proximal descent (iPiano).

    ``w_new = prox_{rate}(w - rate * dw + momentum * (w - w_before))`` (Ochs, Chen, Brox and Pock, SIAM J.
    Imaging Sci. 2014, eq. 1.2). Without a penalty this is the heavy ball. A heavy ball followed by a threshold
    of rate * strength instead would rest at (1 - momentum) times the strength.

    ``nesterov`` takes dw at ``w + momentum * (w - w_before)``, which makes it the accelerated proximal gradient
    of Beck and Teboulle (SIAM J. Imaging Sci. 2009) with a constant momentum.
    """

    learning_rate: float = 0.1
    momentum: float = 0.0
    nesterov: bool = False
    schedule: Schedule = InverseTime()

    def __post_init__(self) -> None:
        _check_rate(self.learning_rate)
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum lies in [0, 1), got {self.momentum}.")

    def start(self, w: Array, pool: Pool) -> State:
        return (np.zeros_like(w),)

    def point(self, w: Array, state: State) -> Array:
        return w + self.momentum * state[0] if self.nesterov else w

    def move(
        self, w: Array, dw: Array, state: State, rate: float, k: int, pool: Pool
    ) -> tuple[Array, float | Array, State]:
        velocity = self.momentum * state[0] - rate * dw
        return w + velocity, rate, (velocity,)

    def settle(self, moved: Array, state: State) -> State:
        return (moved,)


class _Scaled(_Plain):
    """A step divided by the root of some account of squared gradients."""

    learning_rate: float
    epsilon: float

    def __post_init__(self) -> None:
        _check_rate(self.learning_rate)

    def start(self, w: Array, pool: Pool) -> State:
        return (pool(np.zeros_like(w)),)

    def move(
        self, w: Array, dw: Array, state: State, rate: float, k: int, pool: Pool
    ) -> tuple[Array, float | Array, State]:
        account = self._account(state[0], pool(dw * dw))
        step = rate / (np.sqrt(account) + self.epsilon)
        return w - step * dw, step, (account,)

    def _account(self, before: Array, squares: Array) -> Array:
        raise NotImplementedError


@dataclass(frozen=True)
class AdaGrad(_Scaled):
    """Steps divided by the root of all squared gradients so far (Duchi, Hazan and Singer, JMLR 2011, eq. 1)."""

    learning_rate: float = 0.1
    epsilon: float = 1e-8
    schedule: Schedule = InverseTime()

    def _account(self, before: Array, squares: Array) -> Array:
        return before + squares


@dataclass(frozen=True)
class RMSProp(_Scaled):
    """Steps divided by the root of a running mean of squared gradients (Tieleman and Hinton, 2012, slide 29)."""

    learning_rate: float = 0.001
    rho: float = 0.9
    epsilon: float = 1e-8
    schedule: Schedule = InverseTime()

    def _account(self, before: Array, squares: Array) -> Array:
        return self.rho * before + (1 - self.rho) * squares


@dataclass(frozen=True)
class Adam(_Plain):
    """Adam (Kingma and Ba, ICLR 2015, algorithm 1) with the prox in its own metric.

    The threshold of a weight is ``rate / (sqrt v_hat + epsilon) * strength`` (ProxGen: Yun, Lozano and Yang,
    NeurIPS 2021, algorithm 1).
    """

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    schedule: Schedule = InverseTime()

    def __post_init__(self) -> None:
        _check_rate(self.learning_rate)

    def start(self, w: Array, pool: Pool) -> State:
        return (np.zeros_like(w), pool(np.zeros_like(w)))

    def move(
        self, w: Array, dw: Array, state: State, rate: float, k: int, pool: Pool
    ) -> tuple[Array, float | Array, State]:
        m = self.beta_1 * state[0] + (1 - self.beta_1) * dw
        v = self.beta_2 * state[1] + (1 - self.beta_2) * pool(dw * dw)
        step = rate / (np.sqrt(v / (1 - self.beta_2 ** (k + 1))) + self.epsilon)
        return w - step * (m / (1 - self.beta_1 ** (k + 1))), step, (m, v)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019, algorithm 2); biases do not decay.

    Decay is not an L2 penalty: at convergence ``dw = -weight_decay * (sqrt v_hat + epsilon) * w``, so every weight has
    a strength of its own that depends on the history of its gradients. It has no critical strength and does not
    compare across learning rates, schedules or batch sizes. Use it as an optimizer's option, never as a strength.
    """

    weight_decay: float = 0.01

    def move(
        self, w: Array, dw: Array, state: State, rate: float, k: int, pool: Pool
    ) -> tuple[Array, float | Array, State]:
        z, step, state = Adam.move(self, w, dw, state, rate, k, pool)
        return z - (rate * self.weight_decay) * w, step, state

    def for_biases(self) -> Self:
        return replace(self, weight_decay=0.0)


def _check_rate(rate: float) -> None:
    if not rate > 0 or not math.isfinite(rate):
        raise ValueError(f"A learning rate is a number above 0, got {rate}.")
