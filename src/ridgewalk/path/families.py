"""Penalty families: the penalties of all arrays at every strength of a path, and the top of the grid.

    at(network, alphas)     penalties of every array of the network, one strength per run
    strongest(null)         the smallest strength at which the null model is optimal
    sparse                  whether it makes zeros

There are four: :class:`ElasticNetPath`, :class:`GroupLassoPath`, :class:`MCPPath` and :class:`GroupMCPPath`. A path can
also be fitted with a custom class that has these three members.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from ridgewalk.arrays import Array, Integers, per_run
from ridgewalk.network import Network
from ridgewalk.path.null_model import NullModel
from ridgewalk.penalties import L2, MCP, NO_PENALTY, ElasticNet, GroupLasso, GroupMCP, Penalty, Strength, Sum

_Family = TypeVar("_Family", bound="LayeredPenalty")
PenaltyName = Literal["elasticnet", "group_lasso", "mcp", "group_mcp"]

GAMMA = 30.0
"""Default of MCP's gamma along a path; chosen among 3, 10 and 30 on benchmarks/mcp.py's seeds 1000 to 1002.

For linear models 3 is usual (Breheny and Huang 2011); without shrinkage of large weights classifier networks overfit.
"""
_LEAST_SLOPE = 1e-12  # of the null model's loss: a slope of less says nothing
_LEAST_L1_RATIO = 1e-3  # ridge has no critical strength; like glmnet's, its grid starts where this ratio's would


class PathPenalty(Protocol):
    """A penalty along a path: the interface of penalty families."""

    def at(self, network: Network, alphas: Array) -> tuple[Penalty, ...]:
        """Return one penalty per array of a network, with one strength per run from ``alphas`` (R,).

        At strength 0 nothing may be penalized. The penalty of biases must be the same at all strengths above 0.

        Raises
        ------
        ValueError
            If the penalty does not match the network: factors for another number of inputs.
        """

    def strongest(self, null: NullModel) -> float | None:
        """Return the smallest strength at which the null model is optimal: the top of the grid.

        Parameters
        ----------
        null : NullModel
            The best constant prediction of the training rows, and the slopes of the loss there.

        Returns
        -------
        float or None
            0 if no input is related to the target. None if it is not known: the caller must then pass strengths as
            numbers.
        """

    @property
    def sparse(self) -> bool:
        """Whether it can make zeros."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LayeredPenalty:
    """What the families share: factors, and the penalties of biases and of the layers above the first.

    Attributes
    ----------
    l1_ratio : float
        Share of L1 in an elastic net, from 0 (only L2) to 1 (only L1).
    upper_l2 : float
        Strength of L2 on the layers above the first, for families that penalize only the first layer, and in refits.
    bias_alpha : float
        Strength of an elastic net on all biases, the same at every strength above 0. By default they are not penalized.
    layer_factors : sequence of float, or None
        Factor for the strength of each weight array, beginning with the first layer (also for ``upper_l2``).
    penalty_factors : array, shape (P,), or None
        Factor for the strength of each input's weights in the first layer: 0 exempts an input, infinity excludes it. If
        columns are mapped to several inputs each (:func:`over_inputs`), there is one factor, and one group, per column.
    """

    l1_ratio: float = 0.5
    upper_l2: float = 1e-3
    bias_alpha: float = 0.0
    layer_factors: Sequence[float] | None = None
    penalty_factors: Array | None = None

    def __post_init__(self) -> None:
        if not self.upper_l2 > 0:
            raise ValueError(f"upper_l2 must be above 0, got {self.upper_l2}.")
        if not 0 <= self.l1_ratio <= 1:
            raise ValueError(f"l1_ratio must lie between 0 (only L2) and 1 (only L1), got {self.l1_ratio}.")
        if not 0 <= self.bias_alpha < np.inf:
            raise ValueError(f"bias_alpha is a finite number of zero or more, got {self.bias_alpha}.")
        self._check_factors()

    def _check_factors(self) -> None:
        if self.layer_factors is not None:
            factors = np.asarray(self.layer_factors, dtype=float)
            if factors.ndim != 1 or not np.isfinite(factors).all() or (factors < 0).any():
                raise ValueError(f"layer_factors is one finite number of zero or more per layer, got {factors}.")
        if self.penalty_factors is not None:
            factors = np.asarray(self.penalty_factors, dtype=float)
            if factors.ndim != 1 or np.isnan(factors).any() or (factors < 0).any():
                raise ValueError(f"penalty_factors is one number of zero or more per input, got {factors}.")
            if not ((factors > 0) & np.isfinite(factors)).any():
                raise ValueError("penalty_factors leaves no input to penalize: one must lie between 0 and infinity.")
            object.__setattr__(self, "penalty_factors", factors)

    def check_network(self, network: Network) -> None:
        """Check that settings per input or layer match those of a network.

        Raises
        ------
        ValueError
            If they are for other inputs, or other layers.
        """
        inputs, layers = network.dense[0].inputs, len(network.dense)
        if self.penalty_factors is not None:
            _check_count("penalty_factors", self.penalty_factors, inputs)
        if self.layer_factors is not None and len(self.layer_factors) != layers:
            factors = np.asarray(self.layer_factors, dtype=float)
            raise ValueError(f"layer_factors is one finite number of zero or more per layer ({layers}), got {factors}.")

    def factor_per_layer(self, network: Network) -> Array:
        """Return the multiplier of each weight array's strength: shape (layers,)."""
        if self.layer_factors is None:
            return np.ones(len(network.dense))
        return np.asarray(self.layer_factors, dtype=float)

    @property
    def factors(self) -> Array | None:
        """Factors of the inputs as the first layer's weights take them: shape (P, 1)."""
        return None if self.penalty_factors is None else self.penalty_factors[:, None]

    def bias_penalty(self, alpha: Strength) -> Penalty:
        """Return the penalty of each bias array at weight strengths ``alpha``."""
        return ElasticNet(np.where(alpha > 0, self.bias_alpha, 0.0), self.l1_ratio) if self.bias_alpha else NO_PENALTY

    def around(self, network: Network, first: Penalty, alphas: Array | None = None) -> tuple[Penalty, ...]:
        """Return the penalties of every array, given that of the first layer's weights: L2 on the layers above.

        Where ``alphas`` (R,) is 0 the layers above, and the biases, are free as well.
        """
        factors = self.factor_per_layer(network)
        alpha: Array = np.ones(()) if alphas is None else per_run(alphas)
        upper = [L2(np.where(alpha > 0, factor * self.upper_l2, 0.0)) for factor in factors[1:]]
        bias = self.bias_penalty(alpha)
        return tuple(penalty for weight in (first, *upper) for penalty in (weight, bias))

    def penalized(self, null: NullModel) -> tuple[NullModel, Array] | None:
        """Return the null model with the penalized inputs alone, and their factors (P,).

        In a linear model the inputs of factor 0 are fitted. None where no penalized input has anything to say about the
        target: a constant target, constant inputs.
        """
        factors = np.ones(null.x.shape[1]) if self.penalty_factors is None else self.penalty_factors
        if null.network.linear and (factors == 0).any():
            null = null.fitting(factors == 0)
        penalized = (factors > 0) & np.isfinite(factors)
        if not penalized.all():
            null, factors = replace(null, x=null.x[:, penalized]), factors[penalized]
        steepest = np.abs(null.linear_slopes / factors[:, None]).max()
        return (null, factors) if steepest > _LEAST_SLOPE * max(null.loss_value, 1e-300) else None


@dataclass(frozen=True, eq=False, kw_only=True)
class ElasticNetPath(LayeredPenalty):
    """``alpha * (l1_ratio sum|w| + (1 - l1_ratio)/2 sum w^2)`` on every weight array."""

    @property
    def sparse(self) -> bool:
        return self.l1_ratio > 0

    def at(self, network: Network, alphas: Array) -> tuple[Penalty, ...]:
        self.check_network(network)
        alpha, each = per_run(alphas), self.factor_per_layer(network)
        first = ElasticNet(each[0] * alpha, self.l1_ratio, self.factors)
        weights = [first, *(ElasticNet(factor * alpha, self.l1_ratio) for factor in each[1:])]
        bias = self.bias_penalty(alpha)
        return tuple(penalty for weight in weights for penalty in (weight, bias))

    def strongest(self, null: NullModel) -> float:
        """Return the strength at and above which the null model wins.

        Without a hidden layer it is the exact critical strength, the largest slope of the loss at zero weights.

        With D weight layers, a network whose paths have total size T decreases the loss by at most ``Gamma T``, and by
        at most L0, the null model's loss. Its penalty is at least
        ``alpha D [ l1_ratio T^(1/D) + (1 - l1_ratio)/2 T^(2/D) ]`` (the inequality of arithmetic and geometric means
        over the layers of a path). The null model is therefore optimal from

            alpha = L0 / ( D [ l1_ratio s + (1 - l1_ratio)/2 s^2 ] ),   s = (L0 / Gamma)^(1/D).

        For two layers this is ``sqrt(Gamma L0) / 2`` for L1, and ``Gamma`` for L2 (which is alpha/2 w^2 here). Factors
        per layer enter by their geometric mean. Gamma is the steepest decrease of the loss by a linear function or a
        hinge ``max(v'x - c, 0)`` of size 1: over single inputs v for L1, over directions v (found by alternating
        ascent, a lower bound) for L2. With L1 the null model is already optimal at strengths about 2.7 times smaller;
        with L2 the bound is sharp.
        """
        network, layers = null.network, self.factor_per_layer(null.network)
        found = self.penalized(null)
        if found is None:
            return 0.0
        null, factors = found
        if len(layers) == 1:
            elastic = ElasticNet(l1_ratio=max(self.l1_ratio, _LEAST_L1_RATIO))
            return float(elastic.critical_strength(null.linear_slopes / factors[:, None]) / layers[0])
        mean, depth, loss = geometric_mean(layers), len(network.dense), null.loss_value

        def bound_for(slope: float, l1_ratio: float, l2_ratio: float) -> float:
            size = (loss / slope) ** (1 / depth)
            return float(loss / (depth * (l1_ratio * size + l2_ratio / 2 * size**2)) / mean)

        bounds = []
        if self.l1_ratio > 0:
            bounds.append(bound_for(null.steepest_input(factors), self.l1_ratio, 0.0))
        if self.l1_ratio < 1:
            # The two parts of the penalty measure a path alike only where every factor is 1.
            together = self.l1_ratio if (factors == 1).all() else 0.0
            bounds.append(bound_for(null.steepest_direction(np.sqrt(factors)), together, 1 - self.l1_ratio))
        return min(bounds)


@dataclass(frozen=True, eq=False, kw_only=True)
class FirstLayerPenalty(LayeredPenalty):
    """Families that penalize only the first layer, with L2 of strength ``upper_l2`` on the layers above."""

    @property
    def sparse(self) -> bool:
        return True

    def first(self, alphas: Array) -> Penalty:
        """Return the penalty of the first layer's weights at strengths of their own."""
        raise NotImplementedError

    def at(self, network: Network, alphas: Array) -> tuple[Penalty, ...]:
        self.check_network(network)
        first = self.first(self.factor_per_layer(network)[0] * per_run(alphas))
        return self.around(network, first, alphas)

    def units_tied(self, network: Network) -> int:
        """Return how many weights of an input are penalized as one."""
        return 1

    def strongest(self, null: NullModel) -> float:
        """Return the strength at and above which the null model wins.

        With no hidden layer it is the critical strength, the largest slope of the loss at zero weights: exact where
        the problem is convex. With ridge rho on one layer above, a network whose paths have total size T pays at least
        ``(3/2) (2 rho)^(1/3) (c alpha T)^(2/3)``, c the root of the number of weights that are penalized as one; it
        lowers the loss by at most ``Gamma T``, and by at most L0 (:meth:`ElasticNetPath.strongest` says what these
        are). The null model therefore wins from ``Gamma sqrt(4 L0 / (27 rho)) / c``, three times that for more hidden
        layers.
        """
        layers = self.factor_per_layer(null.network)
        found = self.penalized(null)
        if found is None:
            return 0.0
        null, factors = found
        if len(layers) == 1:
            slopes = null.linear_slopes / factors[:, None]
            plain = type(self)().first(np.zeros(()))  # the factors are in the slopes already
            return float(plain.critical_strength(slopes) / layers[0])
        ridge = self.upper_l2 * geometric_mean(layers[1:])
        gamma, units = null.steepest_input(factors), self.units_tied(null.network)
        bound = gamma * math.sqrt(4 * null.loss_value / (27 * ridge)) / (layers[0] * math.sqrt(units))
        return float(bound if len(layers) == 2 else 3 * bound)


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupedPenalty(FirstLayerPenalty):
    """Families that penalize all weights of an input, or of a group of inputs, together.

    Attributes
    ----------
    groups : integers, shape (P,), or None
        Group of each input, so that the encoded columns of a category are dropped together. Inputs of a group share one
        factor.
    """

    groups: Integers | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.groups is not None:
            numbers = np.asarray(self.groups)
            if numbers.ndim != 1 or not np.issubdtype(numbers.dtype, np.integer):
                raise ValueError(f"groups is one whole number per input, got {numbers.dtype} shaped {numbers.shape}.")
            object.__setattr__(self, "groups", numbers)

    def check_network(self, network: Network) -> None:
        super().check_network(network)
        if self.groups is not None:
            _check_count("groups", self.groups, network.dense[0].inputs)

    def units_tied(self, network: Network) -> int:
        return network.dense[0].units


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupLassoPath(GroupedPenalty):
    """``alpha * sqrt(H) * sum_j ||w1_j||`` over the inputs j of the first layer (H its units), and L2 above it."""

    def first(self, alphas: Array) -> Penalty:
        return GroupLasso(alphas, factors=self.factors, groups=self.groups)


@dataclass(frozen=True, eq=False, kw_only=True)
class MCPPath(FirstLayerPenalty):
    """MCP of every weight of the first layer (:class:`ridgewalk.penalties.MCP`), and L2 of ``upper_l2`` on all layers.

    It shrinks small weights like L1, and does not shrink large ones. It is bounded: without L2 on the same layer, a
    ReLU network could grow that layer at no cost and shrink the layers above, and the objective would have no minimizer
    (docs/derivations/networks.md). Without a hidden layer, it has no L2.

    Attributes
    ----------
    gamma : float
        Weights of ``gamma * alpha`` and more are not shrunk.
    """

    gamma: float = GAMMA

    def first(self, alphas: Array) -> Penalty:
        return MCP(alphas, self.gamma, factors=self.factors)

    @property
    def tangent(self) -> ElasticNetPath:
        """L1, its tangent at 0: linear models also start from the optimum of this, because MCP is not convex."""
        return ElasticNetPath(
            l1_ratio=1.0,
            bias_alpha=self.bias_alpha,
            layer_factors=self.layer_factors,
            penalty_factors=self.penalty_factors,
        )

    def at(self, network: Network, alphas: Array) -> tuple[Penalty, ...]:
        return _held(super().at(network, alphas), self, network, alphas)

    def strongest(self, null: NullModel) -> float:
        return _beyond_the_bend(super().strongest(null), null, self, self.gamma)


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupMCPPath(GroupedPenalty):
    """MCP of the length of each input's weights (:class:`ridgewalk.penalties.GroupMCP`), and L2 as :class:`MCPPath`.

    Attributes
    ----------
    gamma : float
        Groups whose norm is at least ``gamma`` times the strength are not shrunk.
    """

    gamma: float = GAMMA

    def first(self, alphas: Array) -> Penalty:
        return GroupMCP(alphas, self.gamma, factors=self.factors, groups=self.groups)

    @property
    def tangent(self) -> GroupLassoPath:
        """The group lasso, as :attr:`MCPPath.tangent`."""
        return GroupLassoPath(
            bias_alpha=self.bias_alpha,
            layer_factors=self.layer_factors,
            penalty_factors=self.penalty_factors,
            groups=self.groups,
        )

    def at(self, network: Network, alphas: Array) -> tuple[Penalty, ...]:
        return _held(super().at(network, alphas), self, network, alphas)

    def strongest(self, null: NullModel) -> float:
        return _beyond_the_bend(super().strongest(null), null, self, self.gamma)


def _held(
    penalties: tuple[Penalty, ...], family: FirstLayerPenalty, network: Network, alphas: Array
) -> tuple[Penalty, ...]:
    """Add L2 to a bounded penalty of the first layer, so that no layer can grow for nothing."""
    first, *others = penalties
    if network.linear:
        return penalties
    strength = family.factor_per_layer(network)[0] * family.upper_l2
    return Sum((first, L2(np.where(per_run(alphas) > 0, strength, 0.0)))), *others  # type: ignore[arg-type]


def _beyond_the_bend(bound: float, null: NullModel, family: FirstLayerPenalty, gamma: float) -> float:
    """Return the strength at which the null model wins under MCP, given that of its tangent at 0.

    Up to its end MCP is at least half of its tangent, so twice the tangent's strength is enough there; beyond it one
    weight pays ``gamma c^2 alpha^2 / 2``, which is more than all the loss there is from ``sqrt(2 L0 / gamma) / c`` on.
    With no hidden layer the tangent's own strength is taken, as ncvreg does: exact where the problem is convex.
    """
    if null.network.linear or not bound:
        return bound
    layer, tied = family.factor_per_layer(null.network)[0], family.units_tied(null.network)
    return float(max(2 * bound, math.sqrt(2 * null.loss_value / (gamma * tied)) / layer))


def geometric_mean(factors: Array) -> float:
    """Return the geometric mean of the layers' factors.

    Raises
    ------
    ValueError
        If a layer's factor is 0: no strength of the others then makes the null model win.
    """
    if (factors == 0).any():
        raise ValueError(
            "layer_factors frees a layer (0), and then no strength of the others ends the path: give alphas as numbers."
        )
    return float(np.exp(np.log(factors).mean()))


def penalty_family(
    name: PenaltyName | PathPenalty,
    l1_ratio: float = 0.5,
    upper_l2: float = 1e-3,
    bias_alpha: float = 0.0,
    layer_factors: Sequence[float] | None = None,
    penalty_factors: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> PathPenalty:
    """Return the family with this name; a penalty object is returned unchanged.

    Raises
    ------
    ValueError
        If there is none, or it has no use for groups of inputs.
    """
    if not isinstance(name, str):
        return name
    if name not in _FAMILIES:
        raise ValueError(f"penalty is {', '.join(map(repr, _FAMILIES))}, or an object, got {name!r}.")
    shared = LayeredPenalty(
        l1_ratio=l1_ratio,
        upper_l2=upper_l2,
        bias_alpha=bias_alpha,
        layer_factors=layer_factors,
        penalty_factors=None if penalty_factors is None else np.asarray(penalty_factors, dtype=float),
    )
    family = _with_fields_of(shared, _FAMILIES[name]())
    if groups is None:
        return family
    if not isinstance(family, GroupedPenalty):
        raise ValueError('groups joins inputs that leave together, so it needs penalty="group_lasso" or "group_mcp".')
    return replace(family, groups=np.asarray(groups))


_FAMILIES: dict[str, type[ElasticNetPath] | type[FirstLayerPenalty]] = {
    "elasticnet": ElasticNetPath,
    "group_lasso": GroupLassoPath,
    "mcp": MCPPath,
    "group_mcp": GroupMCPPath,
}


def _check_count(name: str, factors: Array | Integers, inputs: int) -> None:
    if len(factors) != inputs:
        raise ValueError(f"{name} needs one number per input ({inputs}), got {len(factors)}.")


def over_inputs(penalty: PathPenalty, column: Integers | None) -> PathPenalty:
    """Return a penalty that is given per column as that of the inputs which the columns (M,) are mapped to.

    Inputs of one column share its factor, and where inputs are penalized as groups they are one, so that a column
    leaves as a whole. Without a map, and for a penalty of another kind, it is returned as it is.

    Raises
    ------
    ValueError
        If factors or groups are given for another number of columns.
    """
    if column is None or not isinstance(penalty, LayeredPenalty):
        return penalty
    count, factors = int(column[-1]) + 1, penalty.penalty_factors
    if factors is not None:
        _check_count("penalty_factors", factors, count)
        factors = factors[column]
    if not isinstance(penalty, GroupedPenalty):
        return replace(penalty, penalty_factors=factors)
    groups = np.arange(count) if penalty.groups is None else penalty.groups
    _check_count("groups", groups, count)
    return replace(penalty, penalty_factors=factors, groups=groups[column])


def as_group_lasso(penalty: PathPenalty) -> GroupLassoPath:
    """Return the group lasso over inputs, with the factors of another family.

    Raises
    ------
    TypeError
        If it is a penalty of another kind.
    """
    return penalty if isinstance(penalty, GroupLassoPath) else _with_fields_of(penalty, GroupLassoPath())


def as_elastic_net(penalty: PathPenalty) -> ElasticNetPath:
    """Return the elastic net of a linear model, with the factors of another family's inputs.

    A penalty of another kind has no factors.
    """
    if not isinstance(penalty, LayeredPenalty):
        return ElasticNetPath()
    return replace(_with_fields_of(penalty, ElasticNetPath()), layer_factors=None)


def _with_fields_of(penalty: PathPenalty | LayeredPenalty, family: _Family) -> _Family:
    if not isinstance(penalty, LayeredPenalty):
        raise TypeError(f"Inputs are selected by a penalty with factors per input, not by {type(penalty).__name__}.")
    return replace(family, **{field.name: getattr(penalty, field.name) for field in fields(LayeredPenalty)})
