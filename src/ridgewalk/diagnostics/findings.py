"""What the checks of a diagnosis find: a class for every kind of finding, with the numbers that it rests on.

The checks are in :mod:`ridgewalk.diagnostics.rules`, the sentences in :mod:`ridgewalk.diagnostics.wording`; letters are
those of decision 0008.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from ridgewalk.diagnostics.statistics import Effect, Outcome, Tail
from ridgewalk.diagnostics.wiring import Fault

Numbers = dict[str, Any]
"""Numbers by their names, ready for JSON but for what is not finite."""
Trained = Literal["unpenalized", "penalized"]


@dataclass(frozen=True)
class Judged:
    """The judged model: a network, or a blend with the training of its single network.

    Attributes
    ----------
    view : str or None
        Of a blend, the view that its single network is of; None where a network is judged.
    """

    view: str | None = None

    @property
    def blend(self) -> bool:
        """Whether it is a blend."""
        return self.view is not None

    @property
    def noun(self) -> str:
        """What sentences call the judged model: "blend" or "network"."""
        return "blend" if self.blend else "network"


@dataclass(frozen=True, eq=False)
class Found:
    """What a gate found.

    Attributes
    ----------
    letter, name : str
        Of the kind of finding, as "e", "helps".
    speaks : bool
        Whether it can be the verdict; others go along with it.
    forbids_comparison : bool
        Whether a difference of losses says nothing after it.
    of_training : bool
        Whether it is of how a network was trained: beside a blend, of its single network.
    judged : Judged
    """

    letter: ClassVar[str]
    name: ClassVar[str]
    speaks: ClassVar[bool] = True
    forbids_comparison: ClassVar[bool] = False
    of_training: ClassVar[bool] = False
    judged: Judged = field(default=Judged(), kw_only=True)

    @property
    def probable(self) -> bool:
        """Whether the interval that also allows for other training rows contains 0: it is no more than probable."""
        return False

    @property
    def numbers(self) -> Numbers:
        """What it rests on."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class _Faults(Found):
    of_training: ClassVar[bool] = True
    faults: Sequence[Fault]

    @property
    def numbers(self) -> Numbers:
        return {"faults": [asdict(fault) for fault in self.faults]}


class WiringNotChecked(_Faults):
    """A penalty is of a class that the probes do not know."""

    letter, name, speaks = "b''", "wiring not checked", False


class WrongScale(_Faults):
    """All that is wrong is a factor."""

    letter, name, forbids_comparison = "b'", "wrong scale", True


class WiredWrong(_Faults):
    """A probe fails."""

    letter, name, forbids_comparison = "b", "wired wrong", True


@dataclass(frozen=True, eq=False)
class Evadable(Found):
    """Rescaling the layers escapes the penalty; ``norms`` are mean norms of the weight arrays, along the trainings."""

    letter, name, speaks, of_training = "a'", "evadable", False, True
    escape: str
    norms: Mapping[str, Mapping[str, list[float]]]

    @property
    def numbers(self) -> Numbers:
        return {"norms": self.norms}


@dataclass(frozen=True, eq=False)
class TooWeak(Found):
    """The penalty of the penalized networks is nearly that of the unpenalized ones."""

    letter, name, of_training = "a''", "too weak", True
    penalty_ratio: float
    decay: float

    @property
    def numbers(self) -> Numbers:
        return {"penalty_ratio": self.penalty_ratio, "decay": finite(self.decay)}


@dataclass(frozen=True, eq=False)
class Diverged(Found):
    """Some losses are not finite; ``trained`` names the trainings, ``shares`` the shares that diverged."""

    letter, name, forbids_comparison, of_training = "f", "not converged", True, True
    trained: Trained
    share: float
    shares: Mapping[Trained, float]

    @property
    def numbers(self) -> Numbers:
        return {"diverged": dict(self.shares)}


@dataclass(frozen=True, eq=False)
class NotTrained(Found):
    """The unpenalized networks are no better than the best constant on their own training rows."""

    letter, name, forbids_comparison = "f'", "not trained", True
    training: float
    null_training: float

    @property
    def numbers(self) -> Numbers:
        return {"unpenalized_training_loss": self.training, "null_training_loss": self.null_training}


@dataclass(frozen=True, eq=False)
class _Restless(Found):
    of_training: ClassVar[bool] = True
    tails: Mapping[Trained, Tail]

    @property
    def numbers(self) -> Numbers:
        return {name: asdict(tail) for name, tail in self.tails.items()}


@dataclass(frozen=True, eq=False)
class HurtsOptimizer(_Restless):
    """The training does not converge, and does where its rate goes to 0: then it ends at the loss ``settled``."""

    letter, name, forbids_comparison = "f", "hurts the optimizer", True
    settled: float


@dataclass(frozen=True, eq=False)
class NotAtRest(_Restless):
    """The training of ``trained`` does not converge, by more than half of ``size``, the difference to be judged."""

    letter, name, forbids_comparison = "f", "not converged", True
    trained: Trained
    size: float


@dataclass(frozen=True, eq=False)
class _Room(Found):
    """What there is to gain: held-out less training loss (``gap``), held-out less another model's (``excess``)."""

    before: float
    training: float
    gap: float
    gap_error: float
    smallest: float
    reference: str
    reference_loss: float
    excess: float
    excess_error: float
    larger: Mapping[str, float]

    @property
    def numbers(self) -> Numbers:
        return {
            "gap": self.gap,
            "gap_error": self.gap_error,
            "smallest_effect": self.smallest,
            "reference": self.reference,
            "reference_loss": self.reference_loss,
            "excess": self.excess,
            "excess_error": self.excess_error,
            **{f"training_loss_{name}": loss for name, loss in self.larger.items()},
        }


class Underfit(_Room):
    """The training loss without a penalty is above another model's held-out loss."""

    letter, name = "c1", "underfit"

    @property
    def helped(self) -> dict[str, float]:
        """Training losses of the larger networks that fit better."""
        return {name: loss for name, loss in self.larger.items() if loss < self.training - self.smallest}


class NothingToFix(_Room):
    """Neither the training loss nor the best other model is lower by a relevant amount."""

    letter, name = "c2", "nothing to fix"


@dataclass(frozen=True, eq=False)
class Comparison:
    """The paired difference, penalized minus unpenalized, and its reference values; ``unit`` is that of the loss."""

    difference: Effect
    unit: str
    smallest: float
    before: float
    after: float
    alpha: float | None

    @property
    def numbers(self) -> Numbers:
        """The mean difference, its 95% interval and the smallest effect of interest, in units of the loss."""
        d = self.difference
        return {"difference": d.mean, "low": d.low, "high": d.high, "smallest_effect": self.smallest}


@dataclass(frozen=True, eq=False)
class _Compared(Found):
    claims: ClassVar[bool] = False  # whether it says on which side of 0 the difference lies
    comparison: Comparison

    @property
    def probable(self) -> bool:
        return self.claims and self.comparison.difference.unsure

    @property
    def numbers(self) -> Numbers:
        return self.comparison.numbers


@dataclass(frozen=True)
class Sources:
    """Where a gain comes from; None where it is not known.

    ``against_stopping`` is what the interval of ``over_early_stopping`` says of what is judged; ``clear`` is whether
    the part that gains more alone (``better_alone``) does so beyond its error.
    """

    by_calibration: float | None = None
    by_refinement: float | None = None
    accuracy_without: float | None = None
    accuracy_with: float | None = None
    of_l1_alone: float | None = None
    of_l2_alone: float | None = None
    of_both: float | None = None
    over_early_stopping: float | None = None
    against_stopping: Outcome | None = None
    better_alone: str | None = None
    clear: bool = False

    @property
    def numbers(self) -> Numbers:
        """The known numbers; a part's share is the mean of what it adds to no penalty and to the other part."""
        named = {
            "gain_by_calibration": self.by_calibration,
            "gain_by_refinement": self.by_refinement,
            "accuracy_without": self.accuracy_without,
            "accuracy_with": self.accuracy_with,
            "gain_of_l1_alone": self.of_l1_alone,
            "gain_of_l2_alone": self.of_l2_alone,
            "gain_of_both": self.of_both,
        }
        if self.of_l1_alone is not None and self.of_l2_alone is not None and self.of_both is not None:
            l1, l2, both = self.of_l1_alone, self.of_l2_alone, self.of_both  # Shapley, 1953
            named |= {"share_of_l1": (l1 + both - l2) / 2, "share_of_l2": (l2 + both - l1) / 2}
        named["gain_over_early_stopping"] = self.over_early_stopping
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True, eq=False)
class Helps(_Compared):
    """The interval lies below 0, and below minus the smallest effect."""

    letter, name, claims = "e", "helps", True
    sources: Sources
    inputs: tuple[int, int]
    units: tuple[int, int]
    inputs_gone: int

    @property
    def numbers(self) -> Numbers:
        return super().numbers | self.sources.numbers


class HelpsSomewhat(Helps):
    """The interval is below 0, but the gain may be smaller than the smallest effect."""

    letter = "e-"


class NoDifference(_Compared):
    """The interval lies within the smallest effect."""

    letter, name = "c3", "no difference"


@dataclass(frozen=True, eq=False)
class NoStrength(_Compared):
    """The strength that is judged is 0; ``best_alpha`` is the path's best."""

    letter, name = "c3", "no difference"
    best_alpha: float | None


@dataclass(frozen=True, eq=False)
class _Hurts(_Compared):
    claims: ClassVar[bool] = True
    training_difference: float
    best_alpha: float | None
    safe_alpha: float | None

    @property
    def numbers(self) -> Numbers:
        more = {"training_difference": self.training_difference, "best_alpha": self.best_alpha}
        return super().numbers | more | {"safe_alpha": self.safe_alpha}


class DoesNotHelp(_Hurts):
    """The interval lies above 0, of the strengths that the folds choose."""

    letter, name = "d", "does not help"


class TooStrong(_Hurts):
    """The interval lies above 0, of the user's own strength."""

    letter, name = "d", "too strong"


@dataclass(frozen=True, eq=False)
class TooNoisy(_Compared):
    """The interval contains 0 and effects that matter; with estimates of the rows and seeds needed."""

    letter, name = "u", "too noisy to tell"
    rows: int
    seeds: int

    @property
    def numbers(self) -> Numbers:
        needed = {"rows_needed": self.rows, "seeds_needed": self.seeds}
        return super().numbers | needed | {"detectable": self.comparison.difference.detectable}


@dataclass(frozen=True)
class OtherModel:
    """Another kind of model that finds more than the best constant."""

    name: str
    loss: float


@dataclass(frozen=True)
class HardlyFits:
    """The share of the best constant's loss that the network keeps on its own training rows."""

    share: float


@dataclass(frozen=True, eq=False)
class _LittleSignal(_Compared):
    gain: float
    gain_error: float
    null_loss: float
    network: OtherModel | HardlyFits | None  # what says that the network may be at fault, rather than the columns

    @property
    def numbers(self) -> Numbers:
        over_constant = {"gain_over_constant": self.gain, "gain_over_constant_error": self.gain_error}
        return super().numbers | over_constant


class NoSignal(_LittleSignal):
    """The network gains nothing over the best constant."""

    letter, name = "n", "no signal"


class PerhapsSignal(_LittleSignal):
    """What it gains is within two standard errors."""

    letter, name = "u", "too noisy to tell"


@dataclass(frozen=True, eq=False)
class _Against(Found):
    """What is judged, its held-out loss less that of something else on the same folds."""

    speaks: ClassVar[bool] = False
    claims: ClassVar[bool] = True  # whether it says on which side of 0 the difference lies
    less: ClassVar[str]  # name of the difference among the numbers
    difference: Effect
    unit: str

    @property
    def probable(self) -> bool:
        return self.claims and self.difference.unsure

    @property
    def numbers(self) -> Numbers:
        d = self.difference
        return {self.less: d.mean, "low": finite(d.low), "high": finite(d.high)}


class _AgainstLinear(_Against):
    less = "less_linear"


class LinearPredictsBetter(_AgainstLinear):
    """The interval lies above 0."""

    letter, name = "l-", "a linear model predicts better"


class LinearPredictsAsWell(_AgainstLinear):
    """The interval lies within the smallest effect."""

    letter, name = "l", "a linear model predicts as well"
    claims = False


class BetterThanLinear(_AgainstLinear):
    """The interval lies below 0."""

    letter, name = "l'", "better than a linear model"


class NotToldFromLinear(_AgainstLinear):
    """The interval contains 0 and effects that matter."""

    letter, name = "l''", "cannot be told from a linear model"
    claims = False


class _AgainstStopping(_Against):
    """Less that of the unpenalized network, stopped early."""

    less = "less_early_stopping"


class StoppingPredictsBetter(_AgainstStopping):
    """The interval lies above 0."""

    letter, name = "s-", "early stopping predicts better"


class StoppingPredictsAsWell(_AgainstStopping):
    """The interval lies within the smallest effect."""

    letter, name = "s", "early stopping predicts as well"
    claims = False


class BetterThanStopping(_AgainstStopping):
    """The interval lies below 0."""

    letter, name = "s'", "better than early stopping"


class _AgainstSingle(_Against):
    """A blend's, less that of its single network."""

    less = "less_single_network"


class SinglePredictsBetter(_AgainstSingle):
    """The interval lies above 0."""

    letter, name = "m-", "the single network predicts better"


class SinglePredictsAsWell(_AgainstSingle):
    """The interval lies within the smallest effect."""

    letter, name = "m", "the single network predicts as well"
    claims = False


class BetterThanSingle(_AgainstSingle):
    """The interval lies below 0."""

    letter, name = "m'", "better than the single network"


@dataclass(frozen=True, eq=False)
class BarelyBetterThanConstant(Found):
    """The network reduces the best constant's held-out loss only slightly, by ``share``."""

    letter, name, speaks = "n'", "barely better than a constant", False
    share: float
    null_loss: float
    unit: str

    @property
    def numbers(self) -> Numbers:
        return {"share_of_constant": self.share, "null_loss": self.null_loss}


def finite(value: float | None) -> float | None:
    """Return a number, or None where it is not finite."""
    return None if value is None or not np.isfinite(value) else float(value)
