"""The checks of a diagnosis, in order; each looks only at the evidence and returns findings with numbers.

    1  wiring         is the penalty part of the training, and does it have the requested strength?
    2  action         does it shrink the weights, and can the network evade it?
    3  convergence    did the training converge, so that strengths can be compared?
    4  overfitting    does the network overfit, so that a penalty can help?
    5  effect         the paired difference of held-out losses, and its 95% interval

Each finding is an instance of a class of :mod:`ridgewalk.diagnostics.findings`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ridgewalk.arrays import Array
from ridgewalk.diagnostics.evidence import ConditionScores, Evidence
from ridgewalk.diagnostics.findings import (
    BarelyBetterThanConstant,
    BetterThanLinear,
    BetterThanSingle,
    BetterThanStopping,
    Comparison,
    Diverged,
    DoesNotHelp,
    Evadable,
    Found,
    HardlyFits,
    Helps,
    HelpsSomewhat,
    HurtsOptimizer,
    Judged,
    LinearPredictsAsWell,
    LinearPredictsBetter,
    NoDifference,
    NoSignal,
    NoStrength,
    NotAtRest,
    NothingToFix,
    NotToldFromLinear,
    NotTrained,
    Numbers,
    OtherModel,
    PerhapsSignal,
    SinglePredictsAsWell,
    SinglePredictsBetter,
    Sources,
    StoppingPredictsAsWell,
    StoppingPredictsBetter,
    TooNoisy,
    TooStrong,
    TooWeak,
    Trained,
    Underfit,
    WiredWrong,
    WiringNotChecked,
    WrongScale,
    _Against,
    _LittleSignal,
    finite,
)
from ridgewalk.diagnostics.labels import SINGLE
from ridgewalk.diagnostics.statistics import CLEAR, NORMAL, Effect, Outcome, Tail, effect, spread_of_pairs
from ridgewalk.losses import facts
from ridgewalk.objective import weighted_mean

_INACTIVE_PENALTY = 0.99  # of the penalty that the unpenalized network would pay
_MOST_SPIKES = 0.002  # share of looks above twice the usual loss
_ROUNDING = 1e-3  # of the null model's loss: what single precision, or chance, makes of the null model itself
_LEAST_GAIN = 1e-6  # of the null model's loss: less than that is not below it
_SMALL_GAIN = 0.05  # of the best constant's loss: who takes less away has found little
_UNDERFITTED_LOSS = 0.5  # of the null model's training loss: who keeps more has hardly fitted

_Kinds = Mapping[Outcome, type[_Against]]
_LINEAR: _Kinds = {
    "better": BetterThanLinear,
    "no difference": LinearPredictsAsWell,
    "worse": LinearPredictsBetter,
    "cannot tell": NotToldFromLinear,
}
_STOPPING: _Kinds = {
    "better": BetterThanStopping,
    "no difference": StoppingPredictsAsWell,
    "worse": StoppingPredictsBetter,
}
_SINGLE: _Kinds = {
    "better": BetterThanSingle,
    "no difference": SinglePredictsAsWell,
    "worse": SinglePredictsBetter,
}


def against_linear(difference: Effect, unit: str, smallest: float) -> Found | None:
    """Compare a network with a linear model, given its loss less that one's; None where it diverged."""
    return _stands(_LINEAR, difference, unit, smallest)


def _stands(kinds: _Kinds, difference: Effect, unit: str, smallest: float) -> Found | None:
    kind = kinds.get(difference.outcome(smallest)) if np.isfinite(difference.mean) else None
    return None if kind is None else kind(difference, unit)


def share_explained(loss: float, null: float) -> float:
    """Return the share of the best constant's held-out loss ``null`` that a model of held-out loss ``loss`` takes away.

    Of half the squared error that is an R2.
    """
    return 1 - loss / null if null > 0 else 0.0


def barely_better(loss: float, null: float) -> bool:
    """Return whether a model of held-out loss ``loss`` is better than the best constant's, by less than 5% of it."""
    return 0 < share_explained(loss, null) < _SMALL_GAIN


class Case:
    """The evidence, and quantities that several checks use."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = e = evidence
        self.difference = self.against(e.unpenalized, e.penalized, e.seed_spread)
        self.before, self.after = (self.mean(scores.rows) for scores in (e.unpenalized, e.penalized))
        self.smallest = e.smallest_effect
        self.training = float(np.mean(e.unpenalized.training))
        self.judged = Judged(None if e.single is None else e.single.view)
        self.less_single = self._less(None if e.single is None else e.single.scores)
        self.less_stopping = self._less(e.conditions.get("early stopping"))

    def mean(self, rows: Array) -> float:
        """Return the mean of held-out rows by their weights."""
        return float(weighted_mean(rows, self.evidence.weights))

    def against(self, before: ConditionScores, after: ConditionScores, spread: float) -> Effect:
        """Return the effect between two conditions, given the variance between seeds."""
        e = self.evidence
        return effect(
            after.rows - before.rows, e.weights, after.heldout - before.heldout, e.ratio, spread, e.dependence
        )

    def found(self) -> tuple[Found, ...]:
        """Return all findings: the verdict, those that accompany it, and those of later checks."""
        found = [*self._wiring(), *self._diverged()]
        if np.isfinite(self.before) and np.isfinite(self.after):
            found += [*self._action(), *self._rest(), *self._something(), *self._untrained()]
        if not any(each.forbids_comparison for each in found):
            found.append(self._effect())
        found += self._against_others()
        found += self._barely(found)
        if any(isinstance(each, Underfit) for each in found):  # another model shows that there is a signal
            found = [each for each in found if not isinstance(each, NoSignal)]
        found = [replace(each, judged=self.judged) for each in found]
        first = next(each for each in found if each.speaks)
        beside = [each for each in found if each is not first]
        return first, *(each for each in beside if not each.speaks), *(each for each in beside if each.speaks)

    def _wiring(self) -> Iterator[Found]:
        unread = [fault for fault in self.evidence.wiring.faults if fault.kind == "cannot be read"]
        faults = [fault for fault in self.evidence.wiring.faults if fault.kind != "cannot be read"]
        if unread:
            yield WiringNotChecked(unread)
        if faults:
            scale = all(fault.kind == "wrong scale" for fault in faults)
            yield WrongScale(faults) if scale else WiredWrong(faults)

    def _action(self) -> Iterator[Found]:
        e = self.evidence
        if e.escape:
            yield Evadable(e.escape, {name: _norms(curve.norms) for name, curve in e.curves.items()})
        if e.alpha != 0 and np.isfinite(e.penalty_ratio) and e.penalty_ratio >= _INACTIVE_PENALTY:
            yield TooWeak(e.penalty_ratio, e.decay)

    def _diverged(self) -> Iterator[Found]:
        trained: tuple[Trained, Trained] = ("unpenalized", "penalized")
        shares = dict(zip(trained, self.evidence.diverged, strict=True))
        for name, loss in zip(trained, (self.before, self.after), strict=True):
            if not np.isfinite(loss) or shares[name] > 0:
                yield Diverged(name, shares[name], shares)
                return

    def _untrained(self) -> Iterator[Found]:
        """Find whether the unpenalized networks fit so much as their own training rows."""
        null = self.evidence.null_training
        if np.isfinite(self.training) and self.training >= null - _LEAST_GAIN * abs(null):
            yield NotTrained(self.training, null)

    def _rest(self) -> Iterator[Found]:
        curves = self.evidence.curves
        if not curves:
            return
        size = abs(self.difference.mean)
        without, penalized = curves["unpenalized"].tail, curves["penalized"].tail
        tails: dict[Trained, Tail] = {"unpenalized": without, "penalized": penalized}
        restless = {
            name: tail
            for name, tail in tails.items()
            if max(tail.spread, abs(tail.drift) * tail.level, tail.level * (tail.spikes > _MOST_SPIKES))
            > max(size / 2, self.smallest)
        }
        if not restless:
            return
        settled = curves["settled"].tail.level if "settled" in curves else penalized.level
        slower, regained = penalized.level - without.level, penalized.level - settled
        if slower > self.smallest and regained > self.smallest and penalized.spikes >= without.spikes:
            yield HurtsOptimizer(tails, settled)
        else:
            name, _ = max(restless.items(), key=lambda pair: (pair[1].spikes, pair[1].spread))
            yield NotAtRest(tails, name, size)

    def _something(self) -> Iterator[Found]:
        """Find whether there is anything to gain."""
        e, best = self.evidence, self.evidence.best_reference
        if not best:
            return
        _, gap_error = e.mean_and_error(e.unpenalized.rows)
        _, error = e.mean_and_error(e.references[best])
        excess, excess_error = (float(v) for v in e.mean_and_error(e.unpenalized.rows - e.references[best]))
        reference, gap = self.mean(e.references[best]), self.before - self.training
        underfits = self.training - reference > self.smallest + NORMAL * float(error)
        little = gap + NORMAL * float(gap_error) < self.smallest and excess + NORMAL * excess_error < self.smallest
        if underfits or little:
            yield (Underfit if underfits else NothingToFix)(
                before=self.before,
                training=self.training,
                gap=gap,
                gap_error=float(gap_error),
                smallest=self.smallest,
                reference=best,
                reference_loss=reference,
                excess=excess,
                excess_error=excess_error,
                larger={name: float(loss.mean()) for name, loss in e.larger.items()},
            )

    def _effect(self) -> Found:
        e, d = self.evidence, self.difference
        compared = Comparison(d, facts(e.loss).unit, self.smallest, self.before, self.after, e.alpha)
        gain, error = self._over_null()
        least = _ROUNDING * abs(e.null_loss)
        if gain <= max(CLEAR * error, least):
            return (NoSignal if gain <= least else PerhapsSignal)(
                compared, gain, error, e.null_loss, self._network_at_fault()
            )
        if e.alpha == 0:
            return NoStrength(compared, e.best_alpha)
        match d.outcome(self.smallest):
            case "better":
                kind = HelpsSomewhat if d.high > -self.smallest else Helps
                return kind(compared, self.sources(), e.inputs, e.units, len(e.gone))
            case "no difference":
                return NoDifference(compared)
            case "worse":
                fit = float(np.mean(e.penalized.training) - np.mean(e.unpenalized.training))
                return (TooStrong if e.asked else DoesNotHelp)(compared, fit, e.best_alpha, e.safe_alpha)
            case "cannot tell":
                return TooNoisy(compared, *d.settled_by(self.smallest))

    def _against_others(self) -> Iterator[Found]:
        """Compare the judged model with other models and ways of training, if the rows suffice."""
        unit, linear = facts(self.evidence.loss).unit, self.evidence.linear
        differences = ((_SINGLE, self.less_single), (_STOPPING, self.less_stopping), (_LINEAR, linear))
        for kinds, difference in differences:
            stands = None if difference is None else _stands(kinds, difference, unit, self.smallest)
            if stands is not None:
                yield stands

    def _less(self, other: ConditionScores | None) -> Effect | None:
        """Return the difference of the judged model to another condition, paired by seeds if possible."""
        if other is None:
            return None
        judged = self.evidence.penalized
        with np.errstate(invalid="ignore"):  # what diverged differs by no number
            return self.against(other, judged, spread_of_pairs(judged.heldout - other.heldout))

    def _barely(self, found: Sequence[Found]) -> Iterator[Found]:
        """Find whether a clear gain over the best constant is small."""
        null, best = self.evidence.null_loss, min(self.before, self.after)
        clear = not any(isinstance(each, _LittleSignal) or each.forbids_comparison for each in found)
        if clear and barely_better(best, null):
            yield BarelyBetterThanConstant(share_explained(best, null), null, facts(self.evidence.loss).unit)

    def _network_at_fault(self) -> OtherModel | HardlyFits | None:
        """Find evidence that the network, and not the columns, is the reason that it finds nothing; or None."""
        e, best = self.evidence, self.evidence.best_reference
        gain, error = e.mean_and_error(e.null - e.references[best]) if best else (0.0, 0.0)
        if gain > CLEAR * error:
            return OtherModel(best, self.mean(e.references[best]))
        if not best and self.training > _UNDERFITTED_LOSS * e.null_training:
            return HardlyFits(self.training / e.null_training)
        return None

    def _over_null(self) -> tuple[float, float]:
        """Return the gain over the best constant with its error, for the condition with the clearest gain.

        As judged, or unpenalized. A strength of the user's own may be far too strong; there the path's best speaks for
        the network as well.
        """
        e = self.evidence
        conditions = [e.unpenalized, e.penalized]
        conditions += [scores for name, scores in e.conditions.items() if e.asked and name == "best strength"]
        gains = [e.mean_and_error(e.null - scores.rows) for scores in conditions]
        mean, error = max(gains, key=lambda pair: float(pair[0] - CLEAR * pair[1]))
        return float(mean), float(error)

    @property
    def _judged_conditions(self) -> Mapping[str, ConditionScores]:
        """The conditions, where "none" and "both" are the judged model's: a blend's, or a network's."""
        e = self.evidence
        own = {"none": e.unpenalized, "both": e.penalized} if self.judged.blend else {}
        return {**e.conditions, **own}

    def sources(self) -> Sources:
        """Find where a gain comes from."""
        e = self.evidence
        found: dict[str, float] = {}
        none, both_parts = (self._judged_conditions[name] for name in ("none", "both"))
        if none.calibrated is not None and both_parts.calibrated is not None:
            refined = self.mean(none.calibrated - both_parts.calibrated)
            found |= {"by_calibration": self.mean(none.rows - both_parts.rows) - refined, "by_refinement": refined}
        if none.right is not None and both_parts.right is not None:
            found |= {"accuracy_without": self.mean(none.right), "accuracy_with": self.mean(both_parts.right)}
        alone, clear = None, False
        if {"L1 alone", "L2 alone"} <= e.conditions.keys():
            alone_of = [e.conditions[name].rows for name in ("L1 alone", "L2 alone", "both")]
            l1, l2, both = (self.mean(e.conditions["none"].rows - rows) for rows in alone_of)
            found |= {"of_l1_alone": l1, "of_l2_alone": l2, "of_both": both}
            alone, clear = self._better_alone()
        stopping: Outcome | None = None
        if self.less_stopping is not None:
            found["over_early_stopping"] = self.mean(e.conditions["early stopping"].rows - e.penalized.rows)
            stopping = self.less_stopping.outcome(self.smallest)
        return Sources(**found, against_stopping=stopping, better_alone=alone, clear=clear)

    def _better_alone(self) -> tuple[str | None, bool]:
        """Find a part that gains more alone than both together, and whether it does so beyond its error."""
        conditions, both = self.evidence.conditions, self.evidence.conditions["both"]
        name = min(("L1 alone", "L2 alone"), key=lambda name: self.mean(conditions[name].rows))
        more = self.against(both, conditions[name], spread_of_pairs(conditions[name].heldout - both.heldout))
        return (None, False) if more.mean >= 0 else (name, more.outcome(self.smallest) == "better")

    def numbers(self) -> Numbers:
        """Return all numbers to show with the sentences."""
        e, d = self.evidence, self.difference
        means = {name: self.mean(scores.rows) for name, scores in e.conditions.items()}
        return {
            "unpenalized_heldout_loss": self.before,
            "penalized_heldout_loss": self.after,
            "unpenalized_training_loss": self.training,
            "penalized_training_loss": float(np.mean(e.penalized.training)),
            "difference": d.mean,
            "difference_low": finite(d.low),
            "difference_high": finite(d.high),
            "row_error": d.row_error,
            "seed_error": d.seed_error,
            "careful_error": finite(d.careful_error),
            "careful_low": finite(d.careful[0]),
            "careful_high": finite(d.careful[1]),
            "smallest_effect": self.smallest,
            "null_loss": e.null_loss,
            "rows": d.rows,
            "folds": d.folds,
            "seeds": d.seeds,
            "strength": finite(e.alpha),
            "best_strength": finite(e.best_alpha),
            "one_standard_error_strength": finite(e.safe_alpha),
            "penalty_acts_at": finite(e.wiring.at_rest),
            "inputs_without_and_with": list(e.inputs),
            "units_without_and_with": list(e.units),
            "inputs_gone": list(e.gone),
            "references": {name: self.mean(rows) for name, rows in e.references.items()},
            "arms": {name: finite(value) for name, value in means.items()},
            **self._numbers_against_others(),
            **(self.sources().numbers if e.alpha != 0 else {}),
            **self._tempered(),
        }

    def _numbers_against_others(self) -> Numbers:
        """Return how much less is lost than by others, and the errors of that."""
        single = self.evidence.single
        found: Numbers = {}
        if single is not None:
            loss = self.mean(single.scores.rows)
            found = {SINGLE: {"view": single.view, "heldout_loss": finite(loss), "strength": single.alpha}}
        for name, difference in (
            ("less_linear", self.evidence.linear),
            ("less_early_stopping", self.less_stopping),
            ("less_single_network", self.less_single),
        ):
            if difference is not None:
                found |= {name: finite(difference.mean), f"{name}_error": finite(difference.error)}
        return found

    def _tempered(self) -> Numbers:
        """Return held-out losses for classes after a temperature chosen on the other folds, for any verdict."""
        e, names = self.evidence, {"none": "unpenalized_loss_at_temperature", "both": "penalized_loss_at_temperature"}
        if e.alpha == 0:
            del names["both"]
        scores = self._judged_conditions
        conditions = [(name, scores[condition].calibrated) for condition, name in names.items() if condition in scores]
        return {name: finite(self.mean(rows)) for name, rows in conditions if rows is not None}


def _norms(norms: Array) -> dict[str, list[float]]:
    """Return mean norms of the weight arrays at up to ten looks."""
    looks = np.unique(np.linspace(0, norms.shape[1] - 1, 10).astype(int))
    means = norms.mean(axis=0)[looks]
    return {f"weight {k + 1}": means[:, 2 * k].tolist() for k in range(means.shape[1] // 2)}
