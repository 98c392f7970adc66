"""Turn the user's arguments into a problem: checked table, encoded target, loss, weights, folds and seeds."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
    check_cv,
)
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _check_sample_weight, check_X_y

from ridgewalk.arrays import Array, Integers
from ridgewalk.engine import Engine, Runner
from ridgewalk.engine.checkpoints import CheckpointStore
from ridgewalk.folds import check_splits, row_numbers, unknown_rows
from ridgewalk.input_maps import MapRule
from ridgewalk.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Loss,
    Poisson,
    SquaredError,
    facts,
    holds_classes,
)
from ridgewalk.path.dependence import ROWS, TIME, Dependence
from ridgewalk.path.families import PathPenalty
from ridgewalk.path.fit import AlphaSpec, fit_path
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.result import MLPPath
from ridgewalk.path.settings import PathSettings
from ridgewalk.progress import progress
from ridgewalk.route import Route
from ridgewalk.threads import ending_with_interpreter
from ridgewalk.warning import warn, warn_deprecated


class PathOptions(TypedDict, total=False):
    """Options of :func:`mlp_path`, by name; those that are left out are as :data:`USUAL` has them.

    ``memory`` and ``route`` are the old names of ``checkpoint_dir`` and ``settings``, until ridgewalk 0.2.
    """

    loss: Loss | str
    settings: PathSettings | None
    penalty: PathPenalty | None
    alphas: AlphaSpec
    cv: Any
    n_seeds: int
    sample_weight: ArrayLike | None
    groups: ArrayLike | None
    random_state: Any
    standardize: bool
    engine: Engine
    n_jobs: int | None
    checkpoint_dir: str | PathLike[str] | None
    verbose: bool
    memory: str | PathLike[str] | None
    route: Route | None


USUAL: PathOptions = {
    "loss": "auto",
    "settings": None,
    "penalty": None,
    "alphas": 30,
    "cv": 5,
    "n_seeds": 1,
    "sample_weight": None,
    "groups": None,
    "random_state": None,
    "standardize": True,
    "engine": "compiled",
    "n_jobs": None,
    "checkpoint_dir": None,
    "verbose": False,
    "memory": None,
    "route": None,
}


@ending_with_interpreter
def mlp_path(X: ArrayLike, y: ArrayLike, **options: Unpack[PathOptions]) -> MLPPath:
    """Fit a path: every strength x fold x seed, and every strength x seed on all rows.

    Parameters
    ----------
    X : array_like or sparse array, shape (N, P)
        Inputs. Sparse columns are scaled but not centered.
    y : array_like, shape (N,) or (N, C)
        Class labels, numbers, or zeros and ones for several labels.

    Other Parameters
    ----------------
    loss : Loss or str
        "log_loss", "squared_error", "absolute_error", "huber" or "poisson". The default "auto" is "log_loss" if y
        contains classes (text, booleans or at most 20 different whole numbers), otherwise "squared_error".
    settings : PathSettings, optional
        The network, its penalty and its training.
    penalty : PathPenalty, optional
        Replaces the penalty of the settings: one of :mod:`ridgewalk.path.families`, or a custom class.
    alphas : int, array_like or "qut"
        Number of strengths, the strengths themselves, or "qut", the one strength that keeps no input with probability
        20/21 if the target does not depend on the inputs; 0 is always added.
    cv : int, scikit-learn splitter, or iterable of (train, test)
        Cross-validation folds. A number makes shuffled folds, stratified for classes.
    n_seeds : int
        Number of random initializations of the weights.
    sample_weight : array_like, shape (N,), optional
        Weight of each row in training and in scoring.
    groups : array_like, shape (N,), optional
        Groups of rows. A number of folds keeps each group in one fold, a splitter that uses groups receives them, and
        standard errors count groups.
    random_state : int, RandomState or None
        Draws the folds first and then the seeds, so more seeds do not change the folds.
    standardize : bool
        Scale columns (and the target of a regression) to mean 0 and standard deviation 1 on the training rows.
    engine : "compiled" or "reference"
        C++ kernels, or the NumPy engine that they are tested against, which accepts custom penalties and losses.
    n_jobs : int, optional
        Number of threads; -1 is one per core. Results do not depend on it.
    checkpoint_dir : str or path, optional
        Folder in which every network is saved when its training ends. If an interrupted call is repeated with the same
        data and parameters (n_jobs may differ), it continues from there, with bitwise equal results. Needs a
        random_state.
    verbose : bool
        Show a progress bar.
    memory, route : optional
        Deprecated names of ``checkpoint_dir`` and ``settings``, to be removed in ridgewalk 0.2.

    Returns
    -------
    MLPPath

    Raises
    ------
    TypeError
        For an unknown option.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from ridgewalk import mlp_path
    >>> from ridgewalk.path import PathSettings
    >>> X, y = load_diabetes(return_X_y=True)
    >>> path = mlp_path(X, y, settings=PathSettings((8,), max_iter=100), alphas=6, cv=3, random_state=0)
    >>> path.heldout_loss.shape  # strengths (0 and six more), folds, seeds
    (7, 3, 1)
    """
    unknown = sorted(options.keys() - USUAL.keys())
    if unknown:
        raise TypeError(f"mlp_path has no option {', '.join(unknown)}: its options are {', '.join(USUAL)}.")
    arguments = USUAL | options
    settings = arguments["settings"] or PathSettings()
    standardize, engine = arguments["standardize"], arguments["engine"]
    checkpoint_dir, random_state, n_jobs = arguments["checkpoint_dir"], arguments["random_state"], arguments["n_jobs"]
    if arguments["memory"] is not None:
        warn_deprecated("memory=", "checkpoint_dir=")
        checkpoint_dir = arguments["memory"]
    if arguments["route"] is not None:
        warn_deprecated("route=", "settings=")
        route = arguments["route"]
        settings, standardize, engine = route.settings(), route.standardize, route.engine
    if arguments["penalty"] is not None:
        settings = replace(settings, penalty=arguments["penalty"])
    x, target = check_X_y(X, y, dtype=np.float64, accept_sparse="csr", multi_output=True, ensure_min_samples=2)
    criterion, target = loss_and_target(arguments["loss"], target)
    weights = row_weights(arguments["sample_weight"], x)
    sampling = Sampling(arguments["cv"], arguments["n_seeds"], random_state, arguments["groups"])
    problem = path_problem(x, target, criterion, sampling, weights, standardize)
    with progress("Fitting the path", arguments["verbose"]) as watched:
        runner = Runner(
            engine, 1 if n_jobs is None else n_jobs, watched, checkpoint_store(checkpoint_dir, random_state)
        )
        return fit_path(problem, settings, arguments["alphas"], runner)


def _spelled_out() -> inspect.Signature:
    """Return the signature of :func:`mlp_path` with all options and defaults, for ``help``."""
    signature = inspect.signature(mlp_path)
    data = list(signature.parameters.values())[:-1]
    named = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=usual) for name, usual in USUAL.items()]
    return signature.replace(parameters=[*data, *named])


mlp_path.__signature__ = _spelled_out()  # type: ignore[attr-defined]


def loss_and_target(loss: Loss | str, target: Any) -> tuple[Loss, Any]:
    """Return the loss of a checked target, and the target with its classes numbered."""
    kind = type_of_target(target)
    if kind.startswith(("binary", "multiclass")) and target.ndim == 2 and target.shape[1] == 1:
        target = target[:, 0]
    if kind == "multiclass" and not holds_classes(target):
        kind = "continuous"  # numbers that happen to be whole
    criterion = loss_for(loss, kind)
    if facts(criterion).is_classification and target.ndim == 1:
        target = np.unique(target, return_inverse=True)[1]
    elif not np.issubdtype(target.dtype, np.number):
        raise ValueError(f"{type(criterion).__name__} needs a target of numbers, got {target.dtype}.")
    return criterion, target


def checkpoint_store(checkpoint_dir: str | PathLike[str] | None, random_state: Any) -> CheckpointStore | None:
    """Open the record of finished runs in a folder."""
    if checkpoint_dir is not None and random_state is None:
        raise ValueError(
            "checkpoint_dir goes on from a fit whose folds and starts are drawn again alike: give random_state a whole "
            "number."
        )
    return None if checkpoint_dir is None else CheckpointStore(Path(checkpoint_dir))


@dataclass(frozen=True, eq=False)
class Sampling:
    """The parameters for drawing folds and seeds.

    Attributes
    ----------
    cv : int, scikit-learn splitter, or iterable of (train, test)
    n_seeds : int
    random_state : int, RandomState or None
        Draws the folds, then the seeds: more seeds leave the folds as they are.
    groups : array_like, shape (N,), or None
    """

    cv: Any
    n_seeds: int
    random_state: Any
    groups: ArrayLike | None = None

    @property
    def dependence(self) -> Dependence:
        """The dependence between rows: groups if there are any, time if folds are ordered in time."""
        if self.groups is not None:
            return Dependence.of_groups(self.groups)
        return TIME if isinstance(self.cv, TimeSeriesSplit) else ROWS


def path_problem(
    x: Any,
    target: Any,
    loss: Loss,
    sampling: Sampling,
    weights: Array,
    standardize: bool,
    maps: MapRule | None = None,
) -> PathProblem:
    """Draw folds and seeds for a checked table, and map and standardize the folds."""
    if sampling.n_seeds < 1:
        raise ValueError(f"n_seeds is at least 1, got {sampling.n_seeds}.")
    random = check_random_state(sampling.random_state)
    splits = draw_splits(x, target, sampling.cv, loss, random, sampling.groups, weights)
    seeds = draw_seeds(random, sampling.n_seeds)
    problem = PathProblem.of(x, loss.encode(target), loss, splits, seeds, weights, standardize, maps)
    return problem.with_dependence(sampling.dependence)


def draw_seeds(random: np.random.RandomState, count: int) -> list[int]:
    """Draw the seeds of initial weights and batches."""
    return [int(random.randint(2**31 - 1)) for _ in range(count)]


REGRESSION_LOSSES: dict[str, Loss] = {
    "squared_error": SquaredError(),
    "absolute_error": AbsoluteError(),
    "huber": Huber(),
    "poisson": Poisson(),
}


def loss_for(loss: Loss | str, kind: str) -> Loss:
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
    if loss in REGRESSION_LOSSES:
        return REGRESSION_LOSSES[loss]
    raise ValueError(
        f"loss is auto, log_loss (for classes), {', '.join(REGRESSION_LOSSES)}; got {loss!r} for {kind} y."
    )


_MISSING = ("None", "nan", "NaT", "<NA>")


def draw_splits(
    X: Any, y: Any, cv: Any, loss: Loss, random: Any, groups: Any, weights: Array
) -> list[tuple[Integers, Integers]]:
    """Draw training and held-out rows of every fold, as numbers of rows.

    A number of folds is shuffled, and leaves groups whole; it and a splitter know of no rows of weight 0, which count
    as rows that are not there. Held-out rows of a class that a fold does not train on are left out, with a warning.
    """
    used, target = np.flatnonzero(weights > 0), loss.encode(y)
    members = [] if groups is None else np.ravel(groups).tolist()
    if groups is not None and len(members) != len(weights):
        raise ValueError(f"groups has {len(members)} entries, and X has {len(weights)} rows: give every row a group.")
    nameless = sum(str(group) in _MISSING and not isinstance(group, str) for group in members)
    if nameless:
        raise ValueError(
            f"groups is missing (None or NaN) in {nameless} of {len(weights)} rows: give every row a group."
        )
    drawn: list[tuple[Integers, Integers]]
    if isinstance(cv, int | np.integer) or hasattr(cv, "split") or cv is None:
        among = None if groups is None else np.ravel(groups)[used]
        rows = X if len(used) == len(weights) else X[used]  # no copy of a table whose rows all count
        drawn = [(used[train], used[held]) for train, held in _split(rows, y[used], cv, loss, random, among)]
    else:
        drawn = [(row_numbers(train, len(weights)), row_numbers(held, len(weights))) for train, held in cv]
    check_splits(drawn, weights, loss, target)
    return [(train, _known(k, train, held, loss, target, weights)) for k, (train, held) in enumerate(drawn)]


def _known(k: int, train: Integers, held: Integers, loss: Loss, target: Array, weights: Array) -> Integers:
    """Leave out the held-out rows of a fold that nothing trained there could know."""
    unknown = unknown_rows(loss, target, weights, train, held)
    if not unknown.any():
        return held
    found = (
        f"Fold {k} holds out {unknown.sum()} of {len(held)} rows whose class, or one of whose labels, none of its "
        f"training rows has (the first is row {held[unknown][0]}), and no network could know"
    )
    mend = "ask for fewer folds, or for folds in which every class stands on both sides"
    if unknown.all():
        raise ValueError(f"{found}: {mend}.")
    warn(f"{found}: they are left out of the held-out loss. To keep them, {mend}.")
    return held[~unknown]


def _split(X: Any, y: Any, cv: Any, loss: Loss, random: Any, groups: Any) -> list[tuple[Integers, Integers]]:
    """Split rows by a number of folds, or by a splitter."""
    classes = facts(loss).is_classification
    if isinstance(cv, int | np.integer):
        stratified = classes and y.ndim == 1
        if groups is not None:
            found = len(np.unique(groups))
            if found < cv:
                raise ValueError(
                    f"{cv} folds that leave groups of rows whole need as many groups, got {found}: ask for fewer folds."
                )
            kind = StratifiedGroupKFold if stratified else GroupKFold
            return list(kind(cv, shuffle=True, random_state=random).split(X, y, groups))
        sizes = np.bincount(y) if stratified else np.array([len(y)])
        fewest = int(sizes[sizes > 0].min())
        if fewest < cv:
            what = "the rarest class has" if stratified else "there are only"
            fewer = f"ask for at most {fewest} folds" if fewest > 1 else ""
            other = "leave that class out, or, where y holds numbers to predict, ask for regression"
            mend = " or ".join(filter(None, (fewer, other if stratified else "")))
            raise ValueError(
                f"{cv} folds each need a row to hold out, and {what} {fewest}: {mend or 'give more rows'}."
            )
        cv = (StratifiedKFold if stratified else KFold)(cv, shuffle=True, random_state=random)
    return list(check_cv(cv, y, classifier=classes).split(X, y, groups))


def row_weights(sample_weight: ArrayLike | None, X: Any, class_weight: Any = None, y: Any = None) -> Array:
    """Weight of each row: its own, times that of its class (from all rows of y where it is "balanced")."""
    weights = np.asarray(_check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True))
    weight_of = class_weight if isinstance(class_weight, Mapping) else {}
    for label, weight in weight_of.items():
        if not (isinstance(weight, Real) and 0 <= float(weight) < np.inf):
            raise ValueError(f"class_weight of class {label!r} is {weight!r}: a number of zero or more is needed.")
    return weights if class_weight is None else weights * compute_sample_weight(class_weight, y)
