"""Penalties on one array of weights: value, gradient, prox and critical strength.

    L1            l1 * sum |w|
    L2            l2 * sum w^2                                                  (no one-half)
    ElasticNet    alpha * (l1_ratio * sum |w| + (1 - l1_ratio)/2 * sum w^2)     (one-half, as in glmnet)
    GroupLasso    strength * sum_g sqrt(size of g) * ||w_g||
    MCP           sum p(|w|),  p(t) = strength * t - t^2 / (2 gamma) up to t = gamma * strength, then flat
    GroupMCP      sum_g p(||w_g||), its strength times sqrt(size of g)

A strength is one number, or one number per run of shape (R, 1, 1), so that a stack of networks can be a whole path.
``factors`` multiply it per input (glmnet's penalty factors): 0 exempts an input, infinity excludes it.

Training applies a penalty only through its prox (decision 0002):

    prox(z, step) = argmin_w  penalty(w) + 1/2 sum (w - z)^2 / step

with the optimizer's own step for each weight. This makes zeros exact, and allows weights to become non-zero again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, Self, TypedDict, TypeVar

import numpy as np

from ridgewalk.arrays import Array, Integers, row_sums

Strength = float | Array
Whole = TypeVar("Whole")


class Penalty(Protocol):
    """Interface of penalties; ``w`` has shape (R, P, Q), factors are per input (P, 1).

    A penalty can also define ``bounded`` and ``concavity``, which :func:`is_bounded` and :func:`concavity_of` read. By
    default a penalty is unbounded and convex.
    """

    @property
    def acts(self) -> bool:
        """Whether it shrinks any weight in any run; excluding an input does not count."""

    def value(self, w: Array) -> Array:
        """Return the value for each run: shape (R,), float64."""

    def gradient(self, w: Array) -> Array:
        """Return the gradient of the value; at a kink (at zero) it is 0, the middle of the slopes."""

    def prox(self, z: Array, step: Strength) -> Array:
        """Minimize the penalty plus half the squared distance to ``z``, divided by ``step``."""

    def pool(self, squares: Array) -> Array:
        """Average second moments over weights that need a common step for ``prox`` to have a closed form."""

    def critical_strength(self, dw: Array) -> Array:
        """Return the smallest strength at which w = 0 is stationary if the loss has gradient ``dw`` there: (R,)."""

    def convert(self, change: Callable[[Array], Array]) -> Self:
        """Apply ``change`` to every strength and factor: to cast them, or to pick runs."""


def is_bounded(penalty: Penalty) -> bool:
    """Return whether the value of a penalty stays below a limit however large the weights are."""
    return bool(getattr(penalty, "bounded", False))


def concavity_of(penalty: Penalty) -> float:
    """Return a c with which the value of a penalty plus ``c/2 sum w^2`` is convex: 0 of a convex penalty."""
    return float(getattr(penalty, "concavity", 0.0))


class Terms(TypedDict, total=False):
    """The parts of a penalty for an engine with its own proxes: strengths that broadcast over w."""

    l1: Strength
    """Of the size of each weight."""
    l2: Strength
    """Of the square of each weight."""
    group: Strength
    """Of the length of each group, the root of its size included."""
    over: str
    member: Integers
    """Over inputs, the number of the group of each, from 0 to one less than their count."""


def _times(strength: Strength, factors: Array | None) -> Strength:
    """Return the strength of each weight; an infinite factor excludes its input even at strength 0."""
    if factors is None:
        return strength
    excluded = np.isinf(factors)
    return np.where(excluded, np.inf, strength * np.where(excluded, 1, factors)).astype(factors.dtype)


def _sum(strength: Strength, terms: Array) -> Array:
    """Sum strength * terms over the last two axes, with infinity * 0 = 0."""
    with np.errstate(invalid="ignore"):
        return row_sums(np.where(terms == 0, 0, strength * terms))


def _slope(strength: Strength, direction: Array) -> Array:
    """Multiply strength by direction, with infinity * 0 = 0."""
    with np.errstate(invalid="ignore"):
        return np.where(direction == 0, 0, strength * direction).astype(direction.dtype)


def _acts(strength: Strength, factors: Array | None) -> bool:
    # Where every input is excluded, the weights are held at 0 and no others can grow in their place.
    pulled = factors is None or bool(((factors > 0) & np.isfinite(factors)).any() or np.isinf(factors).all())
    return pulled and bool(np.any(np.asarray(strength) > 0))


def _largest(slopes: Array, factors: Array | None, ratio: float = 1.0) -> Array:
    """Largest slope / (factor * ratio) over the penalized weights: shape (R,)."""
    size = np.broadcast_to(np.asarray(1.0 if factors is None else factors) * ratio, slopes.shape)
    penalized = (size > 0) & np.isfinite(size)
    ratios = np.divide(slopes, size, out=np.zeros(slopes.shape), where=penalized)
    return np.asarray(ratios.max(axis=(-2, -1)))


def _converted(penalty: Whole, change: Callable[[Array], Array], strength: str = "strength") -> Whole:
    """Return the penalty with ``change`` applied to its strength and factors."""
    factors: Array | None = penalty.factors  # type: ignore[attr-defined]
    changed = {
        strength: change(np.asarray(getattr(penalty, strength))),
        "factors": None if factors is None else change(factors),
    }
    return replace(penalty, **changed)  # type: ignore[type-var]


def _check(name: str, value: Strength) -> None:
    if not np.all(np.isfinite(value)) or np.any(np.asarray(value) < 0):
        raise ValueError(f"{name} must be a finite number of zero or more, got {value}.")


class _EachWeight:
    """Penalties that are a sum over weights."""

    strength: Strength
    factors: Array | None
    bounded = False
    concavity = 0.0

    @property
    def acts(self) -> bool:
        return _acts(self.strength, self.factors)

    @property
    def weights(self) -> Strength:
        """Strength times factors."""
        return _times(self.strength, self.factors)

    def pool(self, squares: Array) -> Array:
        return squares

    def critical_strength(self, dw: Array) -> Array:
        return _largest(np.abs(dw), self.factors)

    def convert(self, change: Callable[[Array], Array]) -> Self:
        return _converted(self, change)


@dataclass(frozen=True, eq=False)
class L1(_EachWeight):
    """``strength * sum_pq factor_p |w_pq|``: the lasso (Tibshirani, JRSS B 1996).

    prox is soft thresholding, ``sign(z) max(|z| - step * strength, 0)``.
    """

    strength: Strength = 0.0
    factors: Array | None = None

    def __post_init__(self) -> None:
        _check("An L1 strength", self.strength)

    def value(self, w: Array) -> Array:
        return _sum(self.weights, np.abs(w))

    def gradient(self, w: Array) -> Array:
        return _slope(self.weights, np.sign(w))

    def prox(self, z: Array, step: Strength) -> Array:
        threshold = step * self.weights
        # In this form a NaN in z stays a NaN: a diverged run must never pass for a sparse one.
        return np.copysign(np.maximum(np.abs(z) - threshold, 0), z) + z.dtype.type(0)

    def terms(self, w: Array) -> Terms:
        """Return the strengths of the penalty's parts by name, for arrays shaped as w (R, P, Q)."""
        return {"l1": self.weights}


@dataclass(frozen=True, eq=False)
class L2(_EachWeight):
    """``strength * sum_pq factor_p w_pq^2``: ridge, without a one-half (as Keras writes it).

    gradient ``2 * strength * w``; prox ``z / (1 + 2 * step * strength)``, stable for every step.
    """

    strength: Strength = 0.0
    factors: Array | None = None

    def __post_init__(self) -> None:
        _check("An L2 strength", self.strength)

    def value(self, w: Array) -> Array:
        return _sum(self.weights, w * w)

    def gradient(self, w: Array) -> Array:
        return _slope(self.weights, 2 * w)

    def prox(self, z: Array, step: Strength) -> Array:
        return z / (1 + 2 * step * self.weights)

    def critical_strength(self, dw: Array) -> Array:
        return np.where(np.abs(dw).max(axis=(-2, -1)) > 0, np.inf, 0.0)

    def terms(self, w: Array) -> Terms:
        """Return the strengths of the penalty's parts by name, for arrays shaped as w (R, P, Q)."""
        return {"l2": self.weights}


@dataclass(frozen=True, eq=False)
class ElasticNet:
    """``alpha * (l1_ratio * sum |w| + (1 - l1_ratio)/2 * sum w^2)``, as in scikit-learn and glmnet.

    It is L1 of ``alpha * l1_ratio`` and L2 of ``alpha * (1 - l1_ratio) / 2``
    (Zou and Hastie, JRSS B 2005; this scaling: Friedman, Hastie and Tibshirani, JSS 2010, eq. 2).
    """

    alpha: Strength = 0.0
    l1_ratio: float = 0.5
    factors: Array | None = None
    bounded: ClassVar[bool] = False
    concavity: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        _check("alpha", self.alpha)
        if not 0 <= self.l1_ratio <= 1:
            raise ValueError(f"l1_ratio must lie between 0 (only L2) and 1 (only L1), got {self.l1_ratio}.")

    @property
    def l1(self) -> L1:
        """The lasso part."""
        return L1(self.alpha * self.l1_ratio, self.factors)

    @property
    def l2(self) -> L2:
        """The ridge part."""
        return L2(self.alpha * ((1 - self.l1_ratio) / 2), self.factors)

    @property
    def acts(self) -> bool:
        return _acts(self.alpha, self.factors)

    def value(self, w: Array) -> Array:
        return np.asarray(self.l1.value(w) + self.l2.value(w))

    def gradient(self, w: Array) -> Array:
        return self.l1.gradient(w) + self.l2.gradient(w)

    def prox(self, z: Array, step: Strength) -> Array:
        return self.l2.prox(self.l1.prox(z, step), step)

    def pool(self, squares: Array) -> Array:
        return squares

    def critical_strength(self, dw: Array) -> Array:
        if self.l1_ratio == 0:
            return self.l2.critical_strength(dw)
        return _largest(np.abs(dw), self.factors, self.l1_ratio)

    def convert(self, change: Callable[[Array], Array]) -> ElasticNet:
        return _converted(self, change, "alpha")


def _mcp(size: Array, strength: Strength, gamma: float) -> Array:
    """Return MCP of lengths: rising from 0 with slope ``strength``, flat from ``gamma * strength`` on."""
    with np.errstate(invalid="ignore"):
        rising = strength * size - size * size / (2 * gamma)
        flat = gamma * strength * strength / 2
        return np.where(size == 0, 0, np.where(size < gamma * strength, rising, flat)).astype(size.dtype)


def _mcp_slope(size: Array, strength: Strength, gamma: float) -> Array:
    """Return the slope of MCP at lengths: ``strength`` at 0, falling to 0."""
    return np.maximum(strength - size / gamma, 0).astype(size.dtype)


def _mcp_prox(size: Array, strength: Strength, step: Strength, gamma: float) -> Array:
    """Return the prox of MCP for norms: the global minimizer for any step, 0 if two are equal.

    For ``step < gamma`` the firm threshold, else a hard one: docs/derivations/penalties.md. What is not a number stays.
    """
    dtype = size.dtype
    strength, step = np.asarray(strength, dtype=dtype), np.asarray(step, dtype=dtype)
    ratio = step / dtype.type(gamma)
    short = ratio < 1
    with np.errstate(invalid="ignore"):
        # A ridge may have excluded a weight already, with a step of 0.
        threshold = np.where(np.isinf(strength), strength, step * strength)
        firm = np.minimum(size, np.maximum(size - threshold, 0) / np.where(short, 1 - ratio, 1))
        hard = np.where(size <= strength * np.sqrt(step * dtype.type(gamma)), 0, size)
    return np.where(short, firm, hard).astype(dtype)


def _check_gamma(gamma: float) -> None:
    if not 0 < gamma < np.inf:
        raise ValueError(f"gamma of MCP is a finite number above 0 (3 is usual; infinity would be L1), got {gamma}.")


@dataclass(frozen=True, eq=False)
class MCP(_EachWeight):
    """``sum_pq p(|w_pq|)``, ``p(t) = s t - t^2 / (2 gamma)`` up to ``t = gamma s``, then ``gamma s^2 / 2``.

    The minimax concave penalty (Zhang, Ann. Statist. 2010; in the notation of Breheny and Huang, Ann. Appl. Stat.
    2011), with ``s = strength * factor_p``. Unlike L1, it does not shrink large weights. The prox is the firm threshold
    for a step below gamma, and a hard threshold for a longer step.
    """

    strength: Strength = 0.0
    gamma: float = 3.0
    factors: Array | None = None
    bounded = True

    def __post_init__(self) -> None:
        _check("An MCP strength", self.strength)
        _check_gamma(self.gamma)

    @property
    def concavity(self) -> float:  # type: ignore[override]
        return 1 / self.gamma

    def value(self, w: Array) -> Array:
        return row_sums(_mcp(np.abs(w), self.weights, self.gamma))

    def gradient(self, w: Array) -> Array:
        return _slope(_mcp_slope(np.abs(w), self.weights, self.gamma), np.sign(w))

    def prox(self, z: Array, step: Strength) -> Array:
        return np.copysign(_mcp_prox(np.abs(z), self.weights, step, self.gamma), z) + z.dtype.type(0)

    def terms(self, w: Array) -> Terms:
        """Return the strengths of the penalty's parts by name, for arrays shaped as w (R, P, Q)."""
        return {"l1": self.weights}


class _EachGroup:
    """Penalties that are a sum over groups of weights, of the norm ``||w_g||`` of each."""

    strength: Strength
    over: str
    factors: Array | None
    groups: Integers | None
    bounded = False
    concavity = 0.0

    def __post_init__(self) -> None:
        _check("A group strength", self.strength)
        name = type(self).__name__
        if self.over not in ("inputs", "units"):
            raise ValueError(f'{name} works over "inputs" or "units", got {self.over!r}.')
        if self.groups is not None and self.over == "units":
            raise ValueError("groups joins inputs, so it needs over='inputs'.")
        if self.factors is not None and not self.same_within_groups(self.factors):
            raise ValueError("Inputs of one group share one factor: the factors differ inside a group.")

    def same_within_groups(self, values: Array) -> bool:
        """Whether values (R, P, 1) or (R, 1, 1) are the same for all inputs of a group."""
        if self.groups is None or values.shape[-2] == 1:
            return True
        _, first, group = np.unique(self.groups, return_index=True, return_inverse=True)
        return bool(np.array_equal(values, values[..., first[group], :]))

    def _totals(self, squares: Array) -> Array:
        """Sum over each group, repeated for each of the group's rows or columns."""
        if self.over == "units":
            return np.asarray(squares.sum(axis=-2, keepdims=True))
        rows = squares.sum(axis=-1, keepdims=True)
        if self.groups is None:
            return np.asarray(rows)
        member = (self.groups[:, None] == np.unique(self.groups)).astype(squares.dtype)
        return np.asarray(member @ (member.T @ rows))

    def _sizes(self, w: Array) -> Array:
        return self._totals(np.ones(w.shape[-2:], dtype=w.dtype))

    def _norms(self, w: Array) -> Array:
        return np.sqrt(self._totals(w * w))

    def weights(self, w: Array) -> Strength:
        """Strength times factors times the root of each group's size, for arrays shaped as w."""
        return _times(self.strength, self.factors) * np.sqrt(self._sizes(w))

    @property
    def acts(self) -> bool:
        return _acts(self.strength, self.factors)

    def _share(self, w: Array) -> Array:
        """Return the share of its group's value that each row or column carries, counting each norm once."""
        entries = w.shape[-1] if self.over == "inputs" else w.shape[-2]
        return np.asarray(entries / self._sizes(w))

    def shares(self, values: Strength) -> bool:
        """Whether values that broadcast over w are one number for all weights of a group."""
        shape = np.shape(values)
        single = shape[-1:] if self.over == "inputs" else shape[-2:-1]
        return single in ((), (1,)) and (len(shape) < 2 or self.same_within_groups(np.asarray(values)))

    def _check_step(self, step: Strength) -> None:
        name = type(self).__name__
        shared = np.shape(step)[-1:] if self.over == "inputs" else np.shape(step)[-2:-1]
        if shared not in ((), (1,)):
            raise ValueError(
                f"{name} needs one step for all weights of a group, got steps shaped {np.shape(step)}; "
                "average the optimizer's second moments with pool() first."
            )
        if isinstance(step, np.ndarray) and step.ndim and not self.same_within_groups(step):
            raise ValueError(f"{name} needs one step for all inputs of a group: average second moments with pool().")

    def pool(self, squares: Array) -> Array:
        return self._totals(squares) / self._sizes(squares)

    def critical_strength(self, dw: Array) -> Array:
        return _largest(self._norms(dw) / np.sqrt(self._sizes(dw)), self.factors)

    def convert(self, change: Callable[[Array], Array]) -> Self:
        return _converted(self, change)

    def terms(self, w: Array) -> Terms:
        """Return the strengths of the penalty's parts by name, for arrays shaped as w (R, P, Q)."""
        terms: Terms = {"group": self.weights(w), "over": self.over}
        if self.over == "inputs":
            groups = np.arange(w.shape[-2]) if self.groups is None else np.unique(self.groups, return_inverse=True)[1]
            terms["member"] = groups
        return terms


@dataclass(frozen=True, eq=False)
class GroupLasso(_EachGroup):
    """``strength * sum_g factor_g sqrt(size_g) ||w_g||``: the weights of a group become 0 together.

    (Yuan and Lin, JRSS B 2006, eq. 2.1.) prox shrinks the length of a group, ``z_g (1 - step * strength *
    factor_g sqrt(size_g) / ||z_g||)_+``; ``step`` must be the same for all weights of a group.

    Attributes
    ----------
    over : "inputs" or "units"
        Whether a group is an input's outgoing weights (a row) or a unit's incoming weights (a column).
    factors : array, shape (P, 1) over inputs, (Q,) over units, or None
    groups : integer array, shape (P,), or None
        Over inputs only: the number (0, 1, ...) of the group that each input belongs to, so that the columns
        of one category leave together. Inputs of one group share one factor.
    """

    strength: Strength = 0.0
    over: str = "inputs"
    factors: Array | None = None
    groups: Integers | None = None

    def value(self, w: Array) -> Array:
        return _sum(self.weights(w), self._norms(w) * self._share(w))

    def gradient(self, w: Array) -> Array:
        norms = self._norms(w)
        return _slope(self.weights(w), w / np.where(norms == 0, 1, norms))

    def prox(self, z: Array, step: Strength) -> Array:
        self._check_step(step)
        norms = self._norms(z)
        threshold = step * self.weights(z)
        with np.errstate(divide="ignore", invalid="ignore"):
            kept = np.where(threshold == 0, 1, np.maximum(1 - threshold / norms, 0))
        return np.where(norms == 0, z, z * kept).astype(z.dtype)


@dataclass(frozen=True, eq=False)
class GroupMCP(_EachGroup):
    """MCP of the length of each group: ``sum_g p(||w_g||)``, with ``s = strength * factor_g sqrt(size_g)``.

    (Breheny and Huang, Stat. Comput. 2015.) A group leaves as one, as under :class:`GroupLasso`, whose attributes these
    are, and a long one is left alone, as a large weight is under :class:`MCP`.
    """

    strength: Strength = 0.0
    gamma: float = 3.0
    over: str = "inputs"
    factors: Array | None = None
    groups: Integers | None = None
    bounded = True

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_gamma(self.gamma)

    @property
    def concavity(self) -> float:  # type: ignore[override]
        return 1 / self.gamma

    def value(self, w: Array) -> Array:
        return row_sums(_mcp(self._norms(w), self.weights(w), self.gamma) * self._share(w))

    def gradient(self, w: Array) -> Array:
        norms = self._norms(w)
        return _slope(_mcp_slope(norms, self.weights(w), self.gamma), w / np.where(norms == 0, 1, norms))

    def prox(self, z: Array, step: Strength) -> Array:
        self._check_step(step)
        norms = self._norms(z)
        left = _mcp_prox(norms, self.weights(z), step, self.gamma)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (z * np.where(left == norms, 1, left / norms)).astype(z.dtype)


Simple = L1 | L2 | GroupLasso | MCP | GroupMCP
"""What a Sum joins; an ElasticNet is two of them."""


@dataclass(frozen=True, eq=False)
class Sum:
    """Several penalties on one array; without parts it is :data:`NO_PENALTY`.

    Parts of one kind are joined, an ElasticNet is taken apart, so there is at most one L1, one GroupLasso and one L2.
    Their proxes are applied in this order: so their composition is the prox of the sum (sparse group lasso: Simon,
    Friedman, Hastie and Tibshirani, JCGS 2013, section 3).

    Beside an MCP stands at most one L2, which then comes first: it shrinks z and step (docs/derivations/penalties.md).
    """

    parts: tuple[Simple | ElasticNet, ...] = ()

    def __post_init__(self) -> None:
        parts = [part for each in self.parts for part in _simple(each)]
        if sum(isinstance(part, GroupLasso) for part in parts) > 1:
            raise ValueError("One array takes one GroupLasso: the prox of two overlapping ones has no closed form.")
        others = [*_joined(L1, parts), *(part for part in parts if not isinstance(part, L1 | L2))]
        ridges = _joined(L2, parts)
        object.__setattr__(self, "parts", (*others, *ridges))
        if self.concavity:
            _check_beside_concave(others, ridges)

    @property
    def acts(self) -> bool:
        return any(part.acts for part in self.parts)

    @property
    def bounded(self) -> bool:
        return all(part.bounded or not part.acts for part in self.parts)

    @property
    def concavity(self) -> float:
        return sum((part.concavity for part in self.parts), start=0.0)

    def value(self, w: Array) -> Array:
        return sum((part.value(w) for part in self.parts), start=np.zeros(w.shape[:-2]))

    def gradient(self, w: Array) -> Array:
        return sum((part.gradient(w) for part in self.parts), start=np.zeros_like(w))

    def prox(self, z: Array, step: Strength) -> Array:
        if self.concavity:
            concave, *ridges = self.parts
            for ridge in ridges:
                assert isinstance(ridge, L2)
                shrink = np.asarray(1 + 2 * step * ridge.weights, dtype=z.dtype)
                z, step = z / shrink, step / shrink
            return concave.prox(z, step)
        for part in self.parts:
            z = part.prox(z, step)
        return z

    def pool(self, squares: Array) -> Array:
        for part in self.parts:
            squares = part.pool(squares)
        return squares

    def critical_strength(self, dw: Array) -> Array:
        raise TypeError("A sum of penalties has several strengths: ask one of its parts.")

    def convert(self, change: Callable[[Array], Array]) -> Sum:
        return Sum(tuple(part.convert(change) for part in self.parts))


def _check_beside_concave(others: Sequence[Simple], ridges: Sequence[L2]) -> None:
    if len(others) > 1:
        names = " and ".join(type(part).__name__ for part in others)
        raise ValueError(
            f"An MCP or GroupMCP takes L2 alone beside it on its array, got {names}: their proxes do not compose. "
            "Leave one of them out."
        )
    (concave,) = others
    if isinstance(concave, GroupMCP) and not all(concave.shares(ridge.weights) for ridge in ridges):
        raise ValueError(
            f"Beside a GroupMCP over {concave.over} an L2 is the same for all weights of a group, got factors that "
            "differ in a group: their prox has no closed form. Give the L2 no factors."
        )


def _simple(part: Penalty) -> tuple[Simple, ...]:
    if isinstance(part, ElasticNet):
        return part.l1, part.l2
    if isinstance(part, Sum):
        return tuple(simple for each in part.parts for simple in _simple(each))
    if isinstance(part, Simple):
        return (part,)
    raise TypeError(
        f"A Sum joins L1, L2, ElasticNet, GroupLasso, MCP and GroupMCP, got {type(part).__name__}: write a "
        "penalty whose own prox is that of the whole."
    )


Kind = TypeVar("Kind", L1, L2)


def _joined(kind: type[Kind], parts: Sequence[Simple]) -> list[Kind]:
    same = [part for part in parts if isinstance(part, kind)]
    if len(same) < 2:
        return same
    total: Array = np.asarray(sum(part.weights for part in same))
    return [kind(total)] if all(part.factors is None for part in same) else [kind(1.0, total)]


def parts(penalty: Penalty) -> tuple[Penalty, ...]:
    """Take a penalty apart: at most one L1, one GroupLasso and one L2, or a penalty of another kind alone."""
    if isinstance(penalty, ElasticNet | Simple):
        return Sum((penalty,)).parts
    return penalty.parts if isinstance(penalty, Sum) else (penalty,)


def residual_step(penalty: Penalty) -> float:
    """Return the step at which rest is measured: 1, or half the step from which on a concave penalty's prox jumps.

    Below ``1 / concavity`` what the prox minimizes is convex, so that its fixed points are the stationary points, all
    of them; a longer step jumps over some. At half of it the prox is at most twice as steep as the identity.
    """
    concavity = concavity_of(penalty)
    return min(1.0, 0.5 / concavity) if concavity else 1.0


def elastic_strengths(penalty: Penalty, shape: tuple[int, ...]) -> tuple[Array, Array] | None:
    """Strengths of L1 and of L2 of every weight of one array, or None where the penalty has other parts."""
    l1, l2 = np.zeros(shape), np.zeros(shape)
    for part in parts(penalty):
        if not isinstance(part, L1 | L2):
            return None
        weights = np.asarray(part.weights, dtype=float)
        total = l1 if isinstance(part, L1) else l2
        total += weights.reshape(weights.shape[-2:])
    return l1, l2


NO_PENALTY = Sum()
"""The penalty of an array that is not penalized."""
