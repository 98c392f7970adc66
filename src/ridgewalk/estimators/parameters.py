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
        For a classifier "log_loss" alone; for a regressor "squared_error" (the default), "absolute_error", "huber" or
        "poisson".
    penalty : "elasticnet", "group_lasso", "mcp", "group_mcp" or PathPenalty, default "elasticnet"
        ``alpha * (l1_ratio sum|w| + (1 - l1_ratio)/2 sum w^2)`` over all weight arrays: it is added to the mean loss,
        and not divided by the rows. The group lasso drops whole inputs: ``alpha sqrt(H) sum_j ||w1_j||``, with
        ``upper_l2 * sum w^2`` on the layers above. MCP and group MCP do the same to single weights of the first layer
        and to whole inputs, and shrink large ones less, beyond ``gamma * alpha`` not at all; ``upper_l2`` is then on
        the first layer, too. An object of :mod:`ridgewalk.path.families`, or a class of yours, has its own numbers.
    upper_l2 : float, default 1e-3
    bias_alpha : float, default 0
        Strength of the same elastic net on the biases, where weights have any; by default they are free.
    layer_factors : sequence of float, optional
        Multiplies the strength of each layer's weights, from the first on.
    penalty_factors : array_like, shape (P,), optional
        Multiplies the strength per input; 0 leaves it free, infinity excludes it.
    groups : array_like of whole numbers, shape (P,), optional
        For the group lasso and group MCP: the group of each input; a group leaves as one.
    class_weight : dict, "balanced" or None
        For classifiers: multiplies the weights of each class's rows, in training and in scoring; "balanced" gives every
        class the same total.
    n_seeds : int, default 1
        Starts of the weights.
    ensemble : bool, default False
        Predict the mean over all starts (of probabilities, or of numbers) instead of with the best one.
    standardize : bool, default True
        Bring columns (and the target of a regression) to mean 0 and deviation 1 on the training rows alone. Sparse
        columns are scaled, not centered. Strengths, and Huber's delta of 1, are those of the standardized problem.
    dtype : "float32" or "float64", default "float32"
        Of the training.
    engine : "compiled" or "reference", default "compiled"
        What trains: C++ kernels, or the NumPy that they are checked against. A few settings of one strength are trained
        by the second in any case, and say so.
    random_state : int, RandomState or None
        Draws folds, starts and batches.
    n_jobs : int, optional
        Threads; -1 is one per core. The numbers do not depend on it.
    verbose : bool, default False
        Show a progress bar; for one strength, print a line for every epoch, or iteration of "lbfgs".
"""

ATTRIBUTES = """
    coefs_, intercepts_ : lists of arrays
        Of the best network, for columns as they came: ``X @ coefs_[0] + intercepts_[0]`` enters the first activation.
        For one strength, these and what it predicts are float32 where X is float32 in the fit, else float64.
    model_ : Model
        The best network.
    models_ : list of Model
        What predicts: that one, or with ``ensemble`` one per start.
    support_ : booleans, shape (P,)
        Inputs that are used: what ``get_support`` gives, and what ``transform`` keeps.
    selected_features_ : array of str
        Their names; "x0", "x1", ... where the columns had none.
    feature_importances_ : array, shape (P,)
        How much each input is weighed: the norm of its weights to hidden units that lead to an output, in the units
        that the network sees, over the sum of all; of an ensemble the mean of its networks'
        (:mod:`ridgewalk.importance`).
    classes_ : array
        Of a classifier.
    n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_
        As in scikit-learn.
"""


def documented(first: str, middle: str) -> Any:
    """Complete a class's docstring: its ``first`` parameters, the shared ones, and its ``middle`` attributes."""

    def complete(estimator: type[_Estimator]) -> type[_Estimator]:
        estimator.__doc__ = (
            f"{estimator.__doc__}\n    Parameters\n    ----------\n    {first.strip()}\n{NETWORK[1:]}\n"
            f"    Attributes\n    ----------\n    {middle.strip()}\n{ATTRIBUTES[1:]}"
        )
        return estimator

    return complete
