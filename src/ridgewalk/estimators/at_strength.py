"""A fitted model at another strength of its path, without fitting again (like ``s`` in glmnet).

    model.at("1se")    equals a fit with selection="1se"
    model.at(0.01)     the strength of the path nearest to 0.01 on the logarithmic scale; weights are not interpolated

The path contains all networks. A table model becomes one that predicts with the single network at that strength.
"""

from __future__ import annotations

from copy import copy
from numbers import Real
from typing import TYPE_CHECKING, Any, Self, get_args

import numpy as np
from sklearn.base import BaseEstimator

from ridgewalk.arrays import Array
from ridgewalk.estimators.predicting import Predictor
from ridgewalk.formatting import format_number
from ridgewalk.mixture import Mixture
from ridgewalk.objective import weighted_mean
from ridgewalk.path.result import MLPPath
from ridgewalk.path.selection import Rule
from ridgewalk.warning import warn

if TYPE_CHECKING:
    from ridgewalk.estimators.whole_path import MLPClassifierCV, MLPRegressorCV

_SAME_STRENGTH = 1e-9  # of a strength: two that differ by less are one
_FAR_STEPS = 1.01  # of a path's grid: a strength that is farther from the nearest one is said to be far
_OUTSIDE_FACTOR = 10.0  # beyond an end of a path's grid: there the nearest strength is none that stands for another


def index_at(path: MLPPath, strength: float) -> int:
    """Return the index of the strength of a path that is nearest to a given one on the logarithmic scale.

    Refits with several ridge penalties have equal strengths: among these, the one with the lowest held-out loss.

    Parameters
    ----------
    path : MLPPath
    strength : float
        0 or more.

    Raises
    ------
    ValueError
        If it is no such number, or more than ten times beyond an end of the path's grid.

    Warns
    -----
    UserWarning
        If the nearest strength is farther than a step of the path's grid.
    """
    if not isinstance(strength, Real) or isinstance(strength, bool) or not 0 <= float(strength) < np.inf:
        rules = ", ".join(map(repr, get_args(Rule)))
        raise ValueError(f"A strength of a path is {rules}, or a number of 0 or more, got {strength!r}.")
    asked = float(strength)
    _check_within(path, asked)
    far = _distance(path.alphas, asked)
    nearest = float(path.alphas[int(np.argmin(far))])
    if far.min() > _FAR_STEPS * _step(path):
        warn(
            f"The model is {_at(nearest, asked)}, which is far from it. A path that is fitted with alphas=[{asked:g}, "
            "...] has it."
        )
    same = np.flatnonzero(path.alphas == nearest)
    losses = weighted_mean(path.row_loss[same], path.row_weights)
    return int(same[np.argmin(np.nan_to_num(losses, nan=np.inf))])


def _check_within(path: MLPPath, strength: float) -> None:
    """Check that a strength is 0, or not more than ten times beyond an end of a path's grid.

    Raises
    ------
    ValueError
        If it is.
    """
    grid = _grid(path)
    if strength == 0 or not grid.size or grid[0] / _OUTSIDE_FACTOR <= strength <= grid[-1] * _OUTSIDE_FACTOR:
        return
    none = "0 (no penalty), or from " if path.alphas[0] == 0 else "from "
    raise ValueError(
        f"The strength {strength:g} is far outside of the path, whose strengths are {none}{format_number(grid[0])} to "
        f"{format_number(grid[-1])}: ask for one of these, or fit with it among the strengths (--alphas; in Python "
        "alphas)."
    )


def _grid(path: MLPPath) -> Array:
    """Return a path's strengths above 0, rising, those that a race dropped included."""
    every = np.unique(np.concatenate([path.alphas, path.dropped.alphas]))
    return np.asarray(every[every > 0])


def _distance(alphas: Array, strength: float) -> Array:
    """Return how far strengths are from another in the logarithm: 0 is infinitely far from all but itself."""
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(np.log(alphas) - np.log(strength))
    return np.where(np.abs(alphas - strength) <= _SAME_STRENGTH * strength, 0.0, distance)


def _step(path: MLPPath) -> float:
    """Return the step of a path's grid in the logarithm, strengths that a race dropped included; 0 of a single one."""
    steps = np.diff(np.log(_grid(path)))
    return float(np.median(steps)) if steps.size else 0.0


class PathAtStrength(Predictor):
    """What an estimator of a whole path is at another of its strengths."""

    path_: MLPPath
    index_: int
    alpha_: float
    strength_asked_: float
    _candidates: Any
    _selects: Any
    _report: Any
    _set_chosen: Any
    _calibrate: Any
    _answer: Any

    def at(self, strength: float | Rule) -> Self:
        """Return the fitted estimator at another strength of its path, without fitting again.

        The path and all networks are shared, not copied. Attributes that depend on the strength are its own:
        ``alpha_``, ``index_``, the networks that predict, ``support_``, and the held-out losses.

        Parameters
        ----------
        strength : "min", "1se", "simplest" or float
            A rule gives the same as a fit with this ``selection``. A number gives the strength of the path nearest to
            it on the logarithmic scale, which is ``alpha_``; the number itself is ``strength_asked_``, and held-out
            losses are those at this one strength in every fold. After ``select_inputs`` or ``relax``, strengths and
            rules refer to ``path_``, the path of the chosen candidate. If refits with several ridge penalties have the
            same strength, a number gives the one with the lowest held-out loss. With several ``l1_ratio``, strengths
            are those of the chosen one.

        Returns
        -------
        estimator
            Of the same class.

        Raises
        ------
        ValueError
            If it is no strength, or one far outside of the path; if its training on all rows diverged, or the model
            was compacted and holds no path.

        Warns
        -----
        UserWarning
            If the nearest strength is farther than one step of the path's grid.
        """
        path = self._path_at()
        found = copy(self)
        found.__dict__.update(vars(self))  # the rows of the fit, too, which a copy leaves behind
        found.__dict__.pop("strength_asked_", None)
        if isinstance(strength, str) and strength in get_args(Rule):
            index = path.choose(strength).chosen
            if found._takes_given_strength or found._selects:
                found.strength_asked_ = float(path.alphas[index])
            found.selection = strength
        else:
            index = index_at(path, strength)  # type: ignore[arg-type]
            found.strength_asked_ = float(strength)
        if path.lost[index, -1].all():
            raise ValueError(
                f"At the strength {format_number(path.alphas[index])} the training on all rows diverged, and there is "
                "no network: ask for another strength, or fit with a lower learning_rate_init."
            )
        moved = index != self.index_
        found.index_, found.alpha_ = index, float(path.alphas[index])
        found._set_chosen()
        if moved:
            found._calibrate(getattr(found, "_problem", None))
        found._report(found._candidates)
        found._answer(getattr(found, "_problem", None))
        return found

    def _path_at(self) -> MLPPath:
        """Return the path; raise an error for a compacted model, which has none."""
        raise NotImplementedError

    @property
    def _takes_given_strength(self) -> bool:
        """Whether the strength was taken without a choice."""
        return hasattr(self, "strength_asked_")

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        text: str = super().__repr__(N_CHAR_MAX)
        return f"{text} {_strength_of(self)}" if hasattr(self, "strength_asked_") else text


def nearest_strength(model: Any) -> str | None:
    """Return that a model is at another strength than the requested one, in a sentence; None if it is at this one."""
    network = getattr(model, "network_", model)
    alpha, asked = network.alpha_, getattr(network, "strength_asked_", network.alpha_)
    return None if format_number(alpha) == format_number(asked) else f"The model is {_at(alpha, asked)}."


def _strength_of(model: Any) -> str:
    """Describe the strength of an estimator, and the requested one."""
    return _at(model.alpha_, getattr(model, "strength_asked_", model.alpha_))


def _at(strength: float, asked: float) -> str:
    """Describe a strength, and the requested one where it is another."""
    alpha, wanted = format_number(strength), format_number(asked)
    return f"at strength {alpha}" + ("" if alpha == wanted else f", the nearest of its path to {wanted}")


class TableAtStrength(BaseEstimator):  # type: ignore[misc]
    """What an estimator of tables is at a strength of its single network."""

    views_: dict[str, MLPClassifierCV | MLPRegressorCV]
    network_: MLPClassifierCV | MLPRegressorCV
    mixture_: Mixture
    heldout_loss_: float
    _check_views: Any

    def at(self, strength: float | Rule) -> Self:
        """Return a model of the same tables that predicts with the single network at a strength, without fitting again.

        The network is that of ``network_``, the view that predicts best. The model has no blend: ``blend_`` and
        ``unpenalized_blend_`` are missing, ``views_`` contains only this view, ``mixture_`` its network, and ``worth_``
        the gains of the network.

        Parameters
        ----------
        strength : "min", "1se", "simplest" or float
            A rule gives the strength that it chooses on the path of ``network_``. A number gives the strength of that
            path nearest to it on the logarithmic scale (``network_.alpha_``); held-out losses are then those at this
            one strength in every fold.

        Returns
        -------
        estimator
            Of the same class.

        Raises
        ------
        ValueError
            If it is no strength, or one far outside of the path; if its training on all rows diverged, or the model
            was compacted and holds no path.

        Warns
        -----
        UserWarning
            If the nearest strength is farther than one step of the path's grid.
        """
        self._check_views()
        found, network = copy(self), self.network_.at(strength)
        for name in ("blend_", "unpenalized_blend_", "calibration_", "_held_out"):
            found.__dict__.pop(name, None)
        found.__dict__ |= {name: vars(network)[name] for name in ("calibration_", "_held_out") if name in vars(network)}
        found.views_ = {name: network for name, view in self.views_.items() if view is self.network_}
        found.network_, found.heldout_loss_ = network, network.heldout_loss_
        models = tuple(network.models_)
        found.mixture_ = Mixture(models, np.full(len(models), 1 / len(models)))
        return found

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        text: str = super().__repr__(N_CHAR_MAX)
        single = hasattr(self, "network_") and not hasattr(self, "blend_")
        return f"{text} with one network, {_strength_of(self.network_)}" if single else text
