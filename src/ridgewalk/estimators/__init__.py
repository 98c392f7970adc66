"""The scikit-learn estimators.

MLPClassifier, MLPRegressor        one strength
MLPClassifierCV, MLPRegressorCV    a path, a choice of strength, and the network that goes with it
mlp_path                           the path alone
"""

from __future__ import annotations

from ridgewalk.estimators.one_strength import MLPClassifier, MLPRegressor
from ridgewalk.estimators.problem import mlp_path
from ridgewalk.estimators.whole_path import MLPClassifierCV, MLPRegressorCV

__all__ = ["MLPClassifier", "MLPClassifierCV", "MLPRegressor", "MLPRegressorCV", "mlp_path"]
