"""The scikit-learn faces: a path, a choice of strength, and the network that goes with it.

MLPClassifierCV, MLPRegressorCV    fit, predict, score, get_params, clone, pipelines, as in scikit-learn
mlp_path                           the path alone
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from copy import copy
from numbers import Integral, Real
from typing import Any, ClassVar, Self, TypeVar, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_expit, log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import SelectorMixin
from sklearn.model_selection import KFold, StratifiedKFold, check_cv
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import (
    _check_feature_names_in,
    _check_sample_weight,
    check_is_fitted,
    check_X_y,
    validate_data,
)

from ridgewalk.arrays import Array, Booleans
from ridgewalk.inputs import select_inputs
from ridgewalk.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Loss,
    Poisson,
    SquaredError,
    holds_classes,
)
from ridgewalk.model import Compaction, Model
from ridgewalk.network import Activation
from ridgewalk.path import MLPPath, walk
from ridgewalk.progress import progress
from ridgewalk.route import Engine, PenaltyName, Precision, Route, Walk
from ridgewalk.selection import Rule, choose

Numbers = int | ArrayLike
_Estimator = TypeVar("_Estimator", bound="_PathEstimator")


def mlp_path(
    X: ArrayLike,
    y: ArrayLike,
    *,
    loss: Loss | str = "auto",
    route: Route | None = None,
    alphas: Numbers = 30,
    cv: Any = 5,
    n_seeds: int = 1,
    sample_weight: ArrayLike | None = None,
    random_state: Any = None,
    n_jobs: int | None = None,
    verbose: bool = False,
) -> MLPPath:
    """Walk the path: every strength x fold x seed, and every strength x seed on all data.

    Parameters
    ----------
    X : array_like, shape (N, P)
    y : array_like, shape (N,) or (N, C)
        Class labels, numbers, or zeros and ones of several labels.
    loss : Loss or str
        "log_loss", "squared_error", "absolute_error", "huber" or "poisson"; by default ("auto") the first where y holds
        classes (text, booleans or at most 20 different whole numbers), else the second.
    route : Route, optional
        The network, its penalty and how to walk.
    alphas : int or array_like
        How many strengths, or the strengths themselves; the unpenalized 0 is always added.
    cv : int, scikit-learn splitter, or iterable of (train, test)
        A number makes shuffled folds, stratified for classes.
    n_seeds : int
        Starts of the weights.
    sample_weight : array_like, shape (N,), optional
    random_state : int, RandomState or None
        Draws the folds, then the seeds: more seeds leave the folds as they are.
    n_jobs : int, optional
        Threads; -1 is one per core. The numbers do not depend on it.
    verbose : bool
        Show a progress bar.

    Returns
    -------
    MLPPath
    """
    problem = _problem(X, y, loss, cv, n_seeds, sample_weight, random_state)
    with progress("Walking the path", verbose) as watch:
        return walk(**problem, route=route, alphas=alphas, n_jobs=1 if n_jobs is None else n_jobs, watch=watch)


def _problem(
    X: ArrayLike,
    y: ArrayLike,
    loss: Loss | str,
    cv: Any,
    n_seeds: int,
    sample_weight: ArrayLike | None,
    random_state: Any,
) -> dict[str, Any]:
    """Check the data, draw folds and seeds; what :func:`ridgewalk.path.walk` takes of them."""
    x, target = check_X_y(X, y, dtype=np.float64, multi_output=True, ensure_min_samples=2)
    kind = type_of_target(target)
    if kind.startswith(("binary", "multiclass")) and target.ndim == 2 and target.shape[1] == 1:
        target = target[:, 0]
    if kind == "multiclass" and not holds_classes(target):
        kind = "continuous"  # numbers that happen to be whole
    criterion = _loss_for(loss, kind)
    if isinstance(criterion, BinaryCrossEntropy | CrossEntropy) and target.ndim == 1:
        target = np.unique(target, return_inverse=True)[1]
    elif not np.issubdtype(target.dtype, np.number):
        raise ValueError(f"{type(criterion).__name__} needs a target of numbers, got {target.dtype}.")
    if n_seeds < 1:
        raise ValueError(f"n_seeds is at least 1, got {n_seeds}.")
    random = check_random_state(random_state)
    splits = _splits(x, target, cv, isinstance(criterion, BinaryCrossEntropy | CrossEntropy), random)
    return {
        "x": x,
        "target": criterion.encode(target),
        "loss": criterion,
        "splits": splits,
        "seeds": [int(random.randint(2**31 - 1)) for _ in range(n_seeds)],
        "sample_weight": _weights(sample_weight, x),
    }


_REGRESSION_LOSSES: dict[str, Loss] = {
    "squared_error": SquaredError(),
    "absolute_error": AbsoluteError(),
    "huber": Huber(),
    "poisson": Poisson(),
}


def _loss_for(loss: Loss | str, kind: str) -> Loss:
    """Loss of this name, or the usual one for this kind of target (in scikit-learn's words)."""
    if not isinstance(loss, str):
        return loss
    labels: dict[str, Loss] = {
        "binary": BinaryCrossEntropy(),
        "multilabel-indicator": BinaryCrossEntropy(),
        "multiclass": CrossEntropy(),
    }
    if loss == "auto":
        return labels.get(kind, SquaredError())
    if loss == "log_loss" and kind in labels:
        return labels[kind]
    if loss in _REGRESSION_LOSSES:
        return _REGRESSION_LOSSES[loss]
    raise ValueError(
        f"loss is auto, log_loss (for classes), {', '.join(_REGRESSION_LOSSES)}; got {loss!r} for {kind} y."
    )


def _splits(X: ArrayLike, y: Any, cv: Any, classes: bool, random: Any) -> list[tuple[Any, Any]]:
    """Training and held-out rows of every fold; a number of folds is shuffled."""
    if isinstance(cv, int | np.integer):
        stratified = classes and y.ndim == 1
        fewest = int(np.bincount(y).min()) if stratified else len(y)
        if fewest < cv:
            what = "the rarest class has" if stratified else "there are only"
            mend = f"ask for at most {fewest} folds" if fewest > 1 else "that is too few for any folds"
            more = ", or leave that class out" if stratified else ""
            raise ValueError(f"{cv} folds each need a row to hold out, and {what} {fewest}: {mend}{more}.")
        cv = (StratifiedKFold if stratified else KFold)(cv, shuffle=True, random_state=random)
    return list(check_cv(cv, y, classifier=classes).split(X, y))


def _weights(sample_weight: ArrayLike | None, X: Array) -> Array:
    return np.asarray(_check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True))


_AT_REST = 1e-4
"""Residual above which a linear model counts as unsolved."""


class _PathEstimator(SelectorMixin, BaseEstimator):  # type: ignore[misc]
    """What both estimators share: parameters, the walk, the choice, the raw prediction; the inputs that it uses."""

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (32,),
        activation: Activation = "relu",
        *,
        loss: str = "auto",
        alphas: Numbers = 30,
        l1_ratio: float = 0.5,
        penalty: PenaltyName = "elasticnet",
        upper_l2: float = 1e-3,
        penalty_factors: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        select_inputs: bool = False,
        selection: Rule = "min",
        cv: Any = 5,
        n_seeds: int = 1,
        walk: Walk = "ramp",
        max_iter: int = 600,
        learning_rate_init: float = 0.01,
        batch_size: int | None = None,
        standardize: bool = True,
        dtype: Precision = "float32",
        engine: Engine = "compiled",
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.alphas = alphas
        self.l1_ratio = l1_ratio
        self.penalty = penalty
        self.upper_l2 = upper_l2
        self.penalty_factors = penalty_factors
        self.groups = groups
        self.select_inputs = select_inputs
        self.selection = selection
        self.cv = cv
        self.n_seeds = n_seeds
        self.walk = walk
        self.max_iter = max_iter
        self.learning_rate_init = learning_rate_init
        self.batch_size = batch_size
        self.standardize = standardize
        self.dtype = dtype
        self.engine = engine
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": [tuple, list, np.ndarray, Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(get_args(Activation)))],
        "loss": [StrOptions({"auto"})],
        "alphas": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "penalty": [StrOptions(set(get_args(PenaltyName)))],
        "upper_l2": [Interval(Real, 0, None, closed="neither")],
        "penalty_factors": ["array-like", None],
        "groups": ["array-like", None],
        "select_inputs": ["boolean"],
        "selection": [StrOptions(set(get_args(Rule)))],
        "cv": ["cv_object"],
        "n_seeds": [Interval(Integral, 1, None, closed="left")],
        "walk": [StrOptions(set(get_args(Walk)))],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "standardize": ["boolean"],
        "dtype": [StrOptions(set(get_args(Precision)))],
        "engine": [StrOptions(set(get_args(Engine)))],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def _route(self) -> Route:
        factors = self.penalty_factors
        return Route(
            hidden_layer_sizes=tuple(np.atleast_1d(np.asarray(self.hidden_layer_sizes)).tolist()),
            activation=self.activation,
            penalty="group_lasso" if self.select_inputs else self.penalty,
            l1_ratio=self.l1_ratio,
            upper_l2=self.upper_l2,
            walk=self.walk,
            max_iter=self.max_iter,
            learning_rate=self.learning_rate_init,
            batch_size=self.batch_size,
            standardize=self.standardize,
            penalty_factors=None if factors is None else np.asarray(factors, dtype=float),
            groups=None if self.groups is None else np.asarray(self.groups),
            dtype=self.dtype,
            engine=self.engine,
        )

    def _fit(self, X: Any, y: Any, loss: Loss, weights: Array) -> Self:
        problem = _problem(X, y, loss, self.cv, self.n_seeds, weights, self.random_state)
        problem |= {"route": self._route(), "alphas": self.alphas, "n_jobs": 1 if self.n_jobs is None else self.n_jobs}
        if self.select_inputs:
            with progress("Selecting inputs", self.verbose) as watch:
                self.input_selection_ = select_inputs(**problem, watch=watch, rule=self.selection)
            self.path_ = self.input_selection_.chosen.path
            self.index_ = self.input_selection_.chosen.index
        else:
            with progress("Walking the path", self.verbose) as watch:
                self.path_ = walk(**problem, watch=watch)
            self.index_ = choose(self.path_.row_loss, self.path_.row_weights, self.selection).chosen
        return self._keep(self.path_)

    def _keep(self, path: MLPPath) -> Self:
        """Set what comes of a path and the chosen strength."""
        choice = choose(path.row_loss, path.row_weights, self.selection)
        self.alphas_ = path.alphas
        self.alpha_min_ = float(path.alphas[choice.minimum])
        self.alpha_1se_ = float(path.alphas[choice.one_standard_error])
        self.alpha_ = float(path.alphas[self.index_])
        self._hand_over(path.model(self.index_))
        seed = path.best_seed(self.index_)
        self.support_ = path.inputs_kept[self.index_, -1, seed]
        self.selected_features_ = _check_feature_names_in(self)[self.support_]
        self.n_iter_ = self.max_iter
        if path.diverged[self.index_].any():
            warnings.warn(
                "Some fits at the chosen strength diverged: lower learning_rate_init, or set standardize=True.",
                ConvergenceWarning,
                stacklevel=3,
            )
        if path.route.linear and path.residual[self.index_].max() > _AT_REST:
            warnings.warn(
                f"The linear model is not at its optimum (residual {path.residual[self.index_].max():.2g}): "
                "set standardize=True; the absolute error, which has kinks of its own, is solved only roughly.",
                ConvergenceWarning,
                stacklevel=3,
            )
        return self

    def _hand_over(self, model: Model) -> None:
        """Predict with this model from now on."""
        arrays = model.raw_parameters()
        self.model_ = model
        self.coefs_ = list(arrays[::2])
        self.intercepts_ = [bias[0] for bias in arrays[1::2]]

    def compact(self, X: ArrayLike | None = None) -> Self:
        """Give a copy that predicts the same without the inputs and units that do not matter, and without the path.

        It takes the same columns as before. Its predictions are equal to rounding (sums are shorter): within 1e-12
        of the largest output. Its ``compaction_`` says how much smaller it is; its ``coefs_`` are the small ones, whose
        inputs are ``model_.inputs``.

        Parameters
        ----------
        X : array_like, shape (N, P), optional
            Rows to time predictions on, before and after.
        """
        check_is_fitted(self)
        small, model = copy(self), self.model_
        small._hand_over(model.compact())
        seconds = None
        if X is not None:
            x = validate_data(self, X, dtype=np.float64, reset=False)
            seconds = (model.seconds(x), small.model_.seconds(x))
        small.compaction_ = Compaction(model.size, small.model_.size, seconds)
        for name in ("path_", "input_selection_"):
            if hasattr(small, name):
                delattr(small, name)
        return small

    def _output(self, X: ArrayLike) -> Array:
        """Raw output (N, C) of the chosen network."""
        check_is_fitted(self)
        return self.model_.output(validate_data(self, X, dtype=np.float64, reset=False))

    def _get_support_mask(self) -> Booleans:
        check_is_fitted(self)
        return np.asarray(self.support_)


_PARAMETERS = """
    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default (32,)
        Units of each hidden layer; () is a linear model.
    activation : str, default "relu"
        "relu", "leaky_relu", "tanh", "logistic", "gelu" or "identity".
    loss : str, default "auto"
        For a classifier "log_loss" alone; for a regressor "squared_error" (the default), "absolute_error", "huber" or
        "poisson".
    alphas : int or array_like, default 30
        How many strengths on a geometric grid below the one where the null model wins, or the strengths
        themselves; the unpenalized 0 is always added.
    l1_ratio : float, default 0.5
        The penalty is ``alpha * (l1_ratio sum|w| + (1 - l1_ratio)/2 sum w^2)`` over all weight arrays. It is added
        to the mean loss, and divided by nothing; biases are free.
    penalty : "elasticnet" or "group_lasso", default "elasticnet"
        The group lasso drops whole inputs: ``alpha sqrt(H) sum_j ||w1_j||``, with ``upper_l2 * sum w^2`` on the
        layers above.
    upper_l2 : float, default 1e-3
    penalty_factors : array_like, shape (P,), optional
        Multiplies the strength per input; 0 leaves it free, infinity excludes it.
    groups : array_like of whole numbers, shape (P,), optional
        For the group lasso and ``select_inputs``: the group of each input; a group leaves as one.
    select_inputs : bool, default False
        Select inputs by an adaptive group path, refits of every support, and a gate against the null model
        (:mod:`ridgewalk.inputs`), instead of walking one path; ``penalty`` is then the group lasso. With
        ``selection="1se"`` the refits are preferred, for fewer inputs.
    selection : "min" or "1se", default "min"
        Lowest held-out loss (for prediction), or the strongest within one paired standard error of it.
    cv : int, splitter or iterable, default 5
        A number makes shuffled folds, stratified for classes.
    n_seeds : int, default 1
        Starts of the weights. Their held-out losses are averaged; the model handed over is the one with the lowest
        training objective on all data.
    walk : "ramp" or "sequential", default "ramp"
        All strengths from one dense fit, or one after the other from weak to strong.
    max_iter : int, default 600
        Epochs of each fit after its dense start.
    learning_rate_init : float, default 0.01
        Adam's rate, taken to 0 along a cosine.
    batch_size : int, optional
        Rows per step; all of them by default.
    standardize : bool, default True
        Bring columns (and the target of a regression) to mean 0 and deviation 1 on the training rows of each fold.
    dtype : "float32" or "float64", default "float32"
        Of the training.
    engine : "compiled" or "reference", default "compiled"
        What trains: C++ kernels, or the NumPy that they are checked against.
    random_state : int, RandomState or None
        Draws folds and starts.
    n_jobs : int, optional
        Threads; -1 is one per core. The numbers do not depend on it.
    verbose : bool, default False
        Show a progress bar.

    Attributes
    ----------
    alpha_, alpha_min_, alpha_1se_ : float
        The chosen strength, and those of both rules.
    alphas_ : array, shape (S,)
    path_ : MLPPath
        Every cell of strengths x folds x seeds; with ``select_inputs``, of the chosen arm.
    input_selection_ : InputSelection
        With ``select_inputs``: all arms, the gain over the null model, and how often each input was held.
    coefs_, intercepts_ : lists of arrays
        Of the chosen network, for columns as they came: ``X @ coefs_[0] + intercepts_[0]`` enters the first activation.
    model_ : Model
        What predicts.
    support_ : booleans, shape (P,)
        Inputs that the chosen network uses: what ``get_support`` gives, and what ``transform`` keeps.
    selected_features_ : array of str
        Their names; "x0", "x1", ... where the columns had none.
    index_ : int
        Position of ``alpha_`` in ``alphas_``.
    n_iter_ : int
        Epochs of each fit after its dense start.
    n_features_in_, feature_names_in_
        As in scikit-learn.
"""


def _documented(estimator: type[_Estimator]) -> type[_Estimator]:
    """Add what both estimators share to one's docstring."""
    estimator.__doc__ = f"{estimator.__doc__}{_PARAMETERS}"
    return estimator


@_documented
class MLPClassifierCV(ClassifierMixin, _PathEstimator):  # type: ignore[misc]
    """A neural network classifier that walks its L1/L2 path and chooses the strength by cross-validation.

    Two classes share one logit and binary cross-entropy; more have a softmax.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_PathEstimator._parameter_constraints,
        "loss": [StrOptions({"auto", "log_loss"})],
    }

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Walk the path, choose a strength, keep the network trained on all rows at it.

        Parameters
        ----------
        X : array_like, shape (N, P)
        y : array_like, shape (N,)
            Class labels.
        sample_weight : array_like, shape (N,), optional
            A weight of 2 counts a row twice, in training and in scoring (standard errors count rows).
        """
        self._validate_params()
        x, target = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        check_classification_targets(target)
        self.classes_, labels = np.unique(target, return_inverse=True)
        weights = _weights(sample_weight, x)
        seen = len(np.unique(labels[weights > 0]))
        if seen < 2:
            raise ValueError(f"A classifier needs rows (of weight above 0) of at least 2 classes, got {seen} class.")
        loss: Loss = BinaryCrossEntropy() if len(self.classes_) == 2 else CrossEntropy()
        return self._fit(x, labels, loss, weights)

    def decision_function(self, X: ArrayLike) -> Array:
        """Logits: shape (N,) for two classes, (N, C) for more."""
        output = self._output(X)
        return output[:, 0] if len(self.classes_) == 2 else output

    def predict_proba(self, X: ArrayLike) -> Array:
        """Probabilities of the classes, in the order of ``classes_``: shape (N, C)."""
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: ArrayLike) -> Array:
        """Logarithms of the probabilities: shape (N, C)."""
        output = self._output(X)
        if len(self.classes_) == 2:
            return np.hstack([log_expit(-output), log_expit(output)])
        return np.asarray(log_softmax(output, axis=1))

    def predict(self, X: ArrayLike) -> Array:
        """Most probable class of each row: shape (N,)."""
        probability = self.predict_proba(X)
        return np.asarray(self.classes_[probability.argmax(axis=1)])


@_documented
class MLPRegressorCV(RegressorMixin, _PathEstimator):  # type: ignore[misc]
    """A neural network regressor that walks its L1/L2 path and chooses the strength by cross-validation.

    With ``standardize`` the strengths (and Huber's delta of 1) are those of a target of deviation 1. Held-out losses
    are in y's own units; with several targets, each in units of its own deviation.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_PathEstimator._parameter_constraints,
        "loss": [StrOptions({"auto", *_REGRESSION_LOSSES})],
    }

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Walk the path, choose a strength, keep the network trained on all rows at it.

        Parameters
        ----------
        X : array_like, shape (N, P)
        y : array_like, shape (N,) or (N, C)
        sample_weight : array_like, shape (N,), optional
            A weight of 2 counts a row twice, in training and in scoring (standard errors count rows).
        """
        self._validate_params()
        x, target = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True, ensure_min_samples=2)
        self._single = target.ndim == 1
        return self._fit(x, target, _loss_for(self.loss, "continuous"), _weights(sample_weight, x))

    def __sklearn_tags__(self) -> Any:
        tags = RegressorMixin.__sklearn_tags__(self)
        tags.target_tags.multi_output = True
        return tags

    def predict(self, X: ArrayLike) -> Array:
        """Predicted numbers, shaped as y was: (N,) or (N, C)."""
        output = self._output(X)
        predicted = self.model_.loss.predict(output)
        return predicted[:, 0] if self._single else predicted
