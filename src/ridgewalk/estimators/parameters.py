"""Parameters and attributes that all estimators share: constraints and descriptions."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, TypeVar, get_args

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from ridgewalk.engine import Engine
from ridgewalk.network import Activation
from ridgewalk.path.families import PenaltyName
from ridgewalk.path.settings import Precision

_Estimator = TypeVar("_Estimator")

NETWORK_CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": [tuple, list, np.ndarray, Interval(Real, 1, None, closed="left")],
    "activation": [StrOptions(set(get_args(Activation)))],
    "loss": [StrOptions({"auto"})],
    "penalty": [StrOptions(set(get_args(PenaltyName))), HasMethods(["at", "strongest"])],
    "upper_l2": [Interval(Real, 0, None, closed="neither")],
    "bias_alpha": [Interval(Real, 0, None, closed="left")],
    "layer_factors": ["array-like", None],
    "penalty_factors": ["array-like", None],
    "groups": ["array-like", None],
    "class_weight": [dict, StrOptions({"balanced"}), None],
    "n_seeds": [Interval(Integral, 1, None, closed="left")],
    "ensemble": ["boolean"],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "standardize": ["boolean"],
    "dtype": [StrOptions(set(get_args(Precision)))],
    "engine": [StrOptions(set(get_args(Engine)))],
    "random_state": ["random_state"],
    "n_jobs": [Integral, None],
    "verbose": ["verbose"],
}

NETWORK = """
    activation : str, default "relu"
        "relu", "leaky_relu", "tanh", "logistic", "gelu" or "identity".
    loss : str, default "auto"
        For a classifier "log_loss"; for a regressor "squared_error" (the default), "absolute_error", "huber" or
        "poisson".
    penalty : "elasticnet", "group_lasso", "mcp", "group_mcp" or PathPenalty, default "elasticnet"
        "elasticnet" is ``alpha * (l1_ratio sum|w| + (1 - l1_ratio)/2 sum w^2)`` over all weight arrays. It is added to
        the mean loss, and not divided by the number of rows. "group_lasso" drops whole inputs:
        ``alpha sqrt(H) sum_j ||w1_j||``, with ``upper_l2 * sum w^2`` on the layers above. "mcp" acts on single weights
        of the first layer, and "group_mcp" on whole inputs. Both shrink large weights less, and those beyond
        ``gamma * alpha`` not at all; ``upper_l2`` then also acts on the first layer. Objects of
        :mod:`ridgewalk.path.families`, or of a custom class, have their own parameters.
    upper_l2 : float, default 1e-3
        Strength of the L2 penalty beside "group_lasso", "mcp" and "group_mcp".
    bias_alpha : float, default 0
        Strength of the elastic net on the biases. By default biases are not penalized.
    layer_factors : sequence of float, optional
        Factor for the strength of each layer's weights, beginning with the first layer.
    penalty_factors : array_like, shape (P,), optional
        Factor for the strength of each input; 0 exempts an input, infinity excludes it.
    groups : array_like of int, shape (P,), optional
        Group of each input, for "group_lasso" and "group_mcp"; inputs of a group are kept or dropped together.
    class_weight : dict, "balanced" or None
        For classifiers: factors for the weights of each class's rows, in training and in scoring. "balanced" gives
        every class the same total weight.
    n_seeds : int, default 1
        Number of random initializations of the weights.
    ensemble : bool, default False
        Predict the mean over all seeds (of probabilities, or of numbers) instead of using the best seed.
    standardize : bool, default True
        Scale columns (and the target of a regression) to mean 0 and standard deviation 1 on the training rows. Sparse
        columns are scaled but not centered. Strengths, and Huber's delta of 1, refer to the standardized problem.
    dtype : "float32" or "float64", default "float32"
        Precision of the training.
    engine : "compiled" or "reference", default "compiled"
        C++ kernels, or the NumPy engine that they are tested against. A few settings of estimators of one strength are
        always trained by the reference engine; their description says so.
    random_state : int, RandomState or None
        Draws folds, initial weights and batches.
    n_jobs : int, optional
        Number of threads; -1 is one per core. Results do not depend on it.
    verbose : bool, default False
        Show a progress bar. Estimators of one strength print a line for every epoch, or iteration of "lbfgs".
"""

ATTRIBUTES = """
    coefs_, intercepts_ : lists of arrays
        Weights and biases of the best network, for unscaled columns: ``X @ coefs_[0] + intercepts_[0]`` is the input of
        the first activation. For one strength, these and predictions are float32 if X was float32 in the fit, otherwise
        float64.
    model_ : Model
        The best network.
    models_ : list of Model
        The networks that predict: the best one, or with ``ensemble`` one per seed.
    support_ : array of bool, shape (P,)
        Inputs that the networks use, as in ``get_support`` and ``transform``.
    selected_features_ : array of str
        Names of these inputs; "x0", "x1", ... if the columns have no names.
    feature_importances_ : array, shape (P,)
        Norm of an input's weights to hidden units that lead to an output, for standardized columns, divided by the sum
        over all inputs. For an ensemble, the mean over its networks (:mod:`ridgewalk.importance`).
    classes_ : array, shape (C,)
        Class labels, for classifiers.
    n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_
        As in scikit-learn.
"""


def documented(first: str, middle: str, example: str) -> Any:
    """Complete a class's docstring: its ``first`` and the shared parameters, its attributes, and an ``example``."""

    def complete(estimator: type[_Estimator]) -> type[_Estimator]:
        estimator.__doc__ = (
            f"{estimator.__doc__}\n    Parameters\n    ----------\n    {first.strip()}\n{NETWORK[1:]}\n"
            f"    Attributes\n    ----------\n    {middle.strip()}\n{ATTRIBUTES[1:]}\n"
            f"    Examples\n    --------\n    {example.strip()}\n    "
        )
        return estimator

    return complete
