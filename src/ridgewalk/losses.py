"""Losses of one row, in terms of the network's raw output z (logits, for classification) and the target t.

    CrossEntropy         -sum_c t_c log softmax(z)_c                 nats
    BinaryCrossEntropy   sum_c [ log(1 + exp(z_c)) - t_c z_c ]       nats
    SquaredError         1/2 sum_c (z_c - t_c)^2
    AbsoluteError        sum_c |z_c - t_c|
    Huber                sum_c [ r^2/2 where |r| <= delta, else delta (|r| - delta/2) ],  r = z_c - t_c
    Poisson              sum_c [ exp(z_c) - t_c z_c - t_c + t_c log t_c ]            half the deviance, log link

The objective averages them over rows with weights; nothing is averaged here. The lowest possible loss is 0 (for labels
that are certain). All are finite in float32 for |z| up to 1e4.

Other modules use the facts of a loss (:class:`LossFacts`) and never its class, so a custom loss is treated in the same
way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, softmax, xlogy

from ridgewalk import constants
from ridgewalk.arrays import Array

OutputActivation = Literal["identity", "logistic", "softmax", "exponential"]
"""What turns the raw output into what is predicted, in scikit-learn's words (``out_activation_``)."""


@dataclass(frozen=True)
class LossFacts:
    """What others need to know of a loss; the defaults are those of a loss that has no facts, such as one's own.

    Attributes
    ----------
    is_classification : bool
        Whether targets are classes or labels: folds are stratified, outputs are logits and have a temperature.
    output_activation : str
        What ``predict`` does to the raw output.
    unit_power : int, optional
        Power of the target's unit that the loss is measured in. None where targets are not standardized: the loss then
        stays as it is.
    unit : str
        What follows a number of this loss in a sentence.
    description : str, optional
        The loss in words; None where the name of its class says it.
    """

    is_classification: bool = False
    output_activation: OutputActivation = "identity"
    unit_power: int | None = None
    unit: str = "units of the loss"
    description: str | None = None

    def is_multilabel(self, outputs: int) -> bool:
        """Return whether this number of outputs are separate labels and not classes."""
        return self.is_classification and self.output_activation == "logistic" and outputs > 1


class Loss(Protocol):
    """What every loss can do; ``output`` is (R, N, C), ``target`` is (N, C).

    It may also have ``facts``, a :class:`LossFacts`; :func:`facts` reads them, and knows what holds without.
    """

    def encode(self, y: ArrayLike, classes: int | None = None) -> Array:
        """Convert y as passed by the user to the target (N, C), or raise an error."""

    def values(self, output: Array, target: Array) -> Array:
        """Loss of each row, shape (R, N)."""

    def gradient(self, output: Array, target: Array) -> Array:
        """Gradient of each row's loss with respect to the output, shape (R, N, C)."""

    def curvature(self, output: Array, target: Array) -> Array | None:
        """Return the second derivatives of each row's loss by its output (N, C): (N, C, C); None if not useful."""

    def predict(self, output: Array) -> Array:
        """Convert the raw output to predictions: probabilities, means or rates, shape (R, N, C)."""

    def null_output(self, target: Array, weights: Array) -> Array:
        """Best constant output for rows of these weights (N,): shape (C,). Its loss is the null model's."""


def facts(loss: Loss) -> LossFacts:
    """Return the facts of a loss, by default those of :class:`LossFacts`."""
    found: LossFacts = getattr(loss, "facts", _NO_FACTS)
    return found


def curvature_diagonal(loss: Loss, output: Array, target: Array) -> Array | None:
    """Return the second derivative of each row's loss by each output alone: shape (..., N, C), as ``output``.

    It is the diagonal of ``loss.curvature``, which has C^2 numbers for every row, or None where that is. A loss that
    has a method of this name spares them.
    """
    if hasattr(loss, "curvature_diagonal"):
        own: Array = loss.curvature_diagonal(output, target)
        return own
    flat = (np.broadcast_to(each, output.shape).reshape(-1, output.shape[-1]) for each in (output, target))
    whole = loss.curvature(*flat)
    return None if whole is None else np.diagonal(whole, axis1=1, axis2=2).reshape(output.shape)


_NO_FACTS = LossFacts()
_FEW_NUMBERS = 20


def holds_classes(y: ArrayLike) -> bool:
    """Whether a target (N,) is a set of classes: text, booleans, or at most 20 different whole numbers."""
    values = np.asarray(y)
    if not np.issubdtype(values.dtype, np.number):
        return True
    different = np.unique(values)
    return len(different) <= _FEW_NUMBERS and bool((different % 1 == 0).all())


def _columns(y: ArrayLike) -> Array:
    values = np.asarray(y, dtype=np.float64)
    return values[:, None] if values.ndim == 1 else values


def _diagonal(values: Array) -> Array:
    """Return matrices (N, C, C) with the values (N, C) on their diagonals."""
    return np.asarray(values[:, :, None] * np.eye(values.shape[1]))


def _mean(target: Array, weights: Array) -> Array:
    return np.asarray((weights[:, None] * target).sum(axis=0) / weights.sum())


_SMALLEST_SHARE = 1e-12  # a class without a row still gets a finite logit


@dataclass(frozen=True)
class CrossEntropy:
    """Softmax cross-entropy of logits; labels as integers (N,) or one-hot, or shares of classes, (N, C)."""

    facts: ClassVar = LossFacts(
        is_classification=True, output_activation="softmax", unit="nats", description="log loss in nats"
    )

    def encode(self, y: ArrayLike, classes: int | None = None) -> Array:
        labels = np.asarray(y)
        if labels.ndim == 2:
            shares = labels.astype(np.float64)
            if (shares < 0).any() or not np.allclose(shares.sum(axis=1), 1):
                raise ValueError("A one-hot target needs rows that are zero or more and sum to 1.")
            return np.asarray(shares)
        if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(
                f"Class labels must be integers (N,) or one-hot (N, C), got {labels.dtype} {labels.shape}."
            )
        count = int(labels.max()) + 1 if classes is None else classes
        if labels.min() < 0 or labels.max() >= count:
            raise ValueError(f"Labels must lie in 0..{count - 1}, got {labels.min()}..{labels.max()}.")
        return np.asarray(np.eye(count)[labels])

    def values(self, output: Array, target: Array) -> Array:
        shifted = output - output.max(axis=-1, keepdims=True)
        log_total = np.log(np.exp(shifted).sum(axis=-1))
        return np.asarray(target.sum(axis=-1) * log_total - (target * shifted).sum(axis=-1))

    def gradient(self, output: Array, target: Array) -> Array:
        return np.asarray(self.predict(output) * target.sum(axis=-1, keepdims=True) - target)

    def curvature(self, output: Array, target: Array) -> Array | None:
        chance = self.predict(output)
        total = target.sum(axis=-1)[:, None, None]
        return np.asarray(total * (_diagonal(chance) - chance[:, :, None] * chance[:, None, :]))

    def curvature_diagonal(self, output: Array, target: Array) -> Array:
        """Return the second derivatives of each row's loss by its output (N, C): (N, C, C); None if not useful."""
        chance = self.predict(output)
        return np.asarray(chance * (1 - chance) * target.sum(axis=-1, keepdims=True))

    def predict(self, output: Array) -> Array:
        return np.asarray(softmax(output, axis=-1))

    def null_output(self, target: Array, weights: Array) -> Array:
        return np.log(np.maximum(_mean(target, weights), _SMALLEST_SHARE))


@dataclass(frozen=True)
class BinaryCrossEntropy:
    """Cross-entropy of independent yes/no outputs; one column is two classes, several are several labels."""

    facts: ClassVar = LossFacts(
        is_classification=True, output_activation="logistic", unit="nats", description="log loss in nats"
    )

    def encode(self, y: ArrayLike, classes: int | None = None) -> Array:
        target = _columns(y)
        if (target < 0).any() or (target > 1).any():
            raise ValueError(f"A yes/no target lies in 0..1, got {target.min()}..{target.max()}.")
        return target

    def values(self, output: Array, target: Array) -> Array:
        return np.asarray((np.logaddexp(0, output) - target * output).sum(axis=-1))

    def gradient(self, output: Array, target: Array) -> Array:
        return self.predict(output) - target

    def curvature(self, output: Array, target: Array) -> Array | None:
        chance = self.predict(output)
        return _diagonal(chance * (1 - chance))

    def predict(self, output: Array) -> Array:
        return np.asarray(expit(output))

    def null_output(self, target: Array, weights: Array) -> Array:
        share = np.clip(_mean(target, weights), _SMALLEST_SHARE, 1 - _SMALLEST_SHARE)
        return np.log(share / (1 - share))


class _Regression:
    """A target of numbers (N,) or (N, C), predicted as they are."""

    def encode(self, y: ArrayLike, classes: int | None = None) -> Array:
        return _columns(y)

    def predict(self, output: Array) -> Array:
        return output


@dataclass(frozen=True)
class SquaredError(_Regression):
    """Half the squared error, as in scikit-learn's ElasticNet and glmnet."""

    facts: ClassVar = LossFacts(unit_power=2, unit="(half the squared error)", description="half the squared error")

    def values(self, output: Array, target: Array) -> Array:
        return np.asarray(0.5 * ((output - target) ** 2).sum(axis=-1))

    def gradient(self, output: Array, target: Array) -> Array:
        return output - target

    def curvature(self, output: Array, target: Array) -> Array | None:
        return _diagonal(np.ones_like(output))

    def null_output(self, target: Array, weights: Array) -> Array:
        return _mean(target, weights)


@dataclass(frozen=True)
class AbsoluteError(_Regression):
    """The distance to the target; slope 0 where it is met exactly."""

    facts: ClassVar = LossFacts(unit_power=1, unit="(absolute error)")

    def values(self, output: Array, target: Array) -> Array:
        return np.asarray(np.abs(output - target).sum(axis=-1))

    def gradient(self, output: Array, target: Array) -> Array:
        return np.sign(output - target)

    def curvature(self, output: Array, target: Array) -> Array | None:
        return None

    def null_output(self, target: Array, weights: Array) -> Array:
        return _zero_of_slope(self, target, weights)


@dataclass(frozen=True)
class Huber(_Regression):
    """Squared error near the target, absolute error beyond ``delta`` (Huber, Ann. Math. Stat. 1964)."""

    facts: ClassVar = LossFacts(unit_power=2)
    delta: float = 1.0

    def __post_init__(self) -> None:
        if not self.delta > 0:
            raise ValueError(f"Huber's delta must be above 0, got {self.delta}.")

    def values(self, output: Array, target: Array) -> Array:
        size = np.abs(output - target)
        near = np.minimum(size, self.delta)
        return np.asarray((near * (size - 0.5 * near)).sum(axis=-1))

    def gradient(self, output: Array, target: Array) -> Array:
        return np.clip(output - target, -self.delta, self.delta)

    def curvature(self, output: Array, target: Array) -> Array | None:
        return _diagonal((np.abs(output - target) <= self.delta).astype(float))

    def null_output(self, target: Array, weights: Array) -> Array:
        return _zero_of_slope(self, target, weights)


LARGEST_EXPONENT = float(constants.LARGEST_EXPONENT)


@dataclass(frozen=True)
class Poisson:
    """Counts with a log link: the output is the logarithm of the rate.

    Above an output of 50 (a rate of 5e21) the exponential goes on along its tangent, so that a step that went
    too far has a finite gradient to come back by.
    """

    facts: ClassVar = LossFacts(output_activation="exponential")

    def encode(self, y: ArrayLike, classes: int | None = None) -> Array:
        target = _columns(y)
        if (target < 0).any():
            raise ValueError(f"Counts must be zero or more, got {target.min()}.")
        return target

    def values(self, output: Array, target: Array) -> Array:
        beyond = np.maximum(output - LARGEST_EXPONENT, 0)
        saturated = target - xlogy(target, target)
        return np.asarray((self.predict(output) * (1 + beyond) - target * output - saturated).sum(axis=-1))

    def gradient(self, output: Array, target: Array) -> Array:
        return self.predict(output) - target

    def curvature(self, output: Array, target: Array) -> Array | None:
        return _diagonal(self.predict(output))

    def predict(self, output: Array) -> Array:
        return np.exp(np.minimum(output, LARGEST_EXPONENT))

    def null_output(self, target: Array, weights: Array) -> Array:
        return np.log(np.maximum(_mean(target, weights), _SMALLEST_SHARE))


_FIRST_OUTPUTS = 0.05  # of a start under a log link, in units of other starts' outputs


def begun(loss: Loss, start: tuple[Array, ...], target: Array, weights: Sequence[Array]) -> tuple[Array, ...]:
    """Initialize near the best constant for a logarithmic link; other initial weights are not changed.

    Targets elsewhere are standardized, and logits small. Rates may be of any size: from exp(0) = 1 the way to a large
    one takes all the epochs that there are, and random outputs of 1 or 2 around its logarithm begin far above the loss
    of a constant. So the last biases are the best constant, and the last weights small.

    Parameters
    ----------
    loss : Loss
    start : tuple of arrays, each (R, ., .)
        Weights and biases, the last layer's at the end; runs are ordered training set, seed.
    target : array, shape (N, C)
    weights : sequence of arrays (N,)
        Of the rows of each training set; rows of weight 0 have no influence.
    """
    if facts(loss).output_activation != "exponential":
        return start
    *below, w, bias = start
    constants = np.stack([loss.null_output(target, each) for each in weights])
    outputs = np.repeat(constants, len(bias) // len(weights), axis=0)[:, None]
    return (*below, w * w.dtype.type(_FIRST_OUTPUTS), (bias + outputs).astype(bias.dtype))


def _zero_of_slope(loss: AbsoluteError | Huber, target: Array, weights: Array) -> Array:
    """Constant at which the mean slope, which only rises, changes sign: by bisection, shape (C,)."""
    used = target[weights > 0]
    low, high = used.min(axis=0), used.max(axis=0)
    for _ in range(100):
        middle = 0.5 * (low + high)
        slope = (weights[:, None] * loss.gradient(middle, target)).sum(axis=0)
        low, high = np.where(slope < 0, middle, low), np.where(slope < 0, high, middle)
    return np.asarray(0.5 * (low + high))
