"""Convert a penalty strength to and from the parameters of other libraries.

    J = mean loss + l1 * sum |w| + l2 * sum w^2

defines l1 and l2. The libraries below define their parameters with other symbols, factors of one half, and divisors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class PenaltyStrength:
    """Strengths of L1 and L2 in ridgewalk's objective: a mean loss, and a penalty that is not divided by the rows.

    ``PenaltyStrength.from_sklearn_mlp(1e-4, batch_size=200).elastic_net()`` converts scikit-learn's default.

    Attributes
    ----------
    l1, l2 : float
        Strengths in ``l1 * sum |w| + l2 * sum w^2``, without a one-half.
    """

    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("l1", self.l1), ("l2", self.l2)):
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be a finite number of zero or more, got {value}.")

    @classmethod
    def from_elastic_net(cls, alpha: float, l1_ratio: float) -> Self:
        """Convert from ``alpha (l1_ratio sum |w| + (1 - l1_ratio)/2 sum w^2)``.

        This is the penalty of ridgewalk's estimators, of scikit-learn's Lasso, ElasticNet, SGDClassifier and
        SGDRegressor, and of glmnet's binomial and multinomial families (with their lambda as alpha, and their alpha as
        l1_ratio).
        """
        if not 0 <= l1_ratio <= 1:
            raise ValueError(f"l1_ratio lies between 0 and 1, got {l1_ratio}.")
        return cls(alpha * l1_ratio, alpha * (1 - l1_ratio) / 2)

    def elastic_net(self) -> tuple[float, float]:
        """Return ``(alpha, l1_ratio)``, as :meth:`from_elastic_net` takes them; (0, 1) for no penalty."""
        alpha = self.l1 + 2 * self.l2
        return alpha, (self.l1 / alpha if alpha else 1.0)

    @classmethod
    def from_sklearn_mlp(cls, alpha: float, batch_size: int) -> Self:
        """Convert from scikit-learn's MLPClassifier and MLPRegressor: ``l2 = alpha / (2 batch_size)``.

        ``batch_size`` is the number of rows per step: all rows with solver="lbfgs", otherwise by default the smaller of
        200 and all. (``_multilayer_perceptron.py`` divides the penalty by the rows of the step.)
        """
        return cls(l2=alpha / (2 * _positive("batch_size", batch_size)))

    def sklearn_mlp(self, batch_size: int) -> float:
        """Return scikit-learn's ``alpha`` for this number of rows per step."""
        return 2 * _positive("batch_size", batch_size) * self._only_l2("scikit-learn's MLP")

    @classmethod
    def from_logistic_regression(cls, C: float, rows: int, l1_ratio: float = 0.0) -> Self:
        """Convert from scikit-learn's LogisticRegression, whose loss is a sum over rows: ``alpha = 1 / (rows C)``."""
        return cls.from_elastic_net(1 / (_positive("rows", rows) * _positive("C", C)), l1_ratio)

    def logistic_regression(self, rows: int) -> tuple[float, float]:
        """Return ``(C, l1_ratio)`` for this number of rows; without a penalty C is infinite."""
        alpha, l1_ratio = self.elastic_net()
        return (1 / (_positive("rows", rows) * alpha) if alpha else math.inf), l1_ratio

    @classmethod
    def from_ridge(cls, alpha: float, rows: int) -> Self:
        """Convert from scikit-learn's Ridge, whose loss is the sum of squares: ``l2 = alpha / (2 rows)``."""
        return cls(l2=alpha / (2 * _positive("rows", rows)))

    def ridge(self, rows: int) -> float:
        """Return Ridge's ``alpha`` for this number of rows."""
        return 2 * _positive("rows", rows) * self._only_l2("Ridge")

    @classmethod
    def from_weight_decay(cls, weight_decay: float) -> Self:
        """Convert from PyTorch's SGD (and the gradient of its Adam): ``l2 = weight_decay / 2``.

        PyTorch applies it to biases, too, unless they have their own parameter group. AdamW's weight decay, and Keras's
        ``weight_decay``, are not penalties and have no equivalent.
        """
        return cls(l2=weight_decay / 2)

    def weight_decay(self) -> float:
        """Return the ``weight_decay`` of PyTorch's SGD."""
        return 2 * self._only_l2("weight decay")

    @classmethod
    def from_glmnet_gaussian(cls, lambda_: float, alpha: float, deviation: float) -> Self:
        """Convert from glmnet's gaussian family, which divides the L2 part by the deviation of y (with 1/n)."""
        plain = cls.from_elastic_net(lambda_, alpha)
        return cls(plain.l1, plain.l2 / _positive("deviation", deviation))

    def glmnet_gaussian(self, deviation: float) -> tuple[float, float]:
        """Return glmnet's ``(lambda, alpha)`` for a y with this standard deviation."""
        return type(self)(self.l1, self.l2 * _positive("deviation", deviation)).elastic_net()

    @classmethod
    def from_nnet(cls, decay: float, rows: int) -> Self:
        """Convert from R's nnet, whose loss is a sum over rows: ``l2 = decay / rows``; nnet also penalizes biases."""
        return cls(l2=decay / _positive("rows", rows))

    def nnet(self, rows: int) -> float:
        """Return nnet's ``decay`` for this number of rows."""
        return _positive("rows", rows) * self._only_l2("nnet")

    def _only_l2(self, library: str) -> float:
        if self.l1:
            raise ValueError(f"{library} has no L1, and this strength has one of {self.l1}.")
        return self.l2


def lassonet_strength(lambda_: float, momentum: float = 0.9) -> float:
    """Strength that LassoNet's ``lambda_`` acts with, per unit of an input's norm.

    Its threshold leaves the momentum out, so what it minimises has ``lambda_ (1 - momentum)``: a tenth, by default.
    """
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum lies in [0, 1), got {momentum}.")
    return lambda_ * (1 - momentum)


def _positive(name: str, value: float) -> float:
    if not value > 0:
        raise ValueError(f"{name} must be above 0, got {value}.")
    return value
