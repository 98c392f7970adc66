"""The sentences of a diagnosis: what was found, what to do next, and the headline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch

import numpy as np

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
    LinearPredictsAsWell,
    LinearPredictsBetter,
    NoDifference,
    NoSignal,
    NoStrength,
    NotAtRest,
    NothingToFix,
    NotToldFromLinear,
    NotTrained,
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
    Underfit,
    WiredWrong,
    WiringNotChecked,
    WrongScale,
)
from ridgewalk.diagnostics.statistics import CLEAR, Effect, Outcome
from ridgewalk.formatting import format_number as number

_MOST_ROWS_FACTOR = 100  # times the rows
_IN_THE_HEADLINE = {
    NotTrained: "without a penalty it does not even fit its own training rows better than a constant",
    Evadable: "the penalty can be evaded by rescaling the layers",
    Underfit: "the {noun} underfits, and a penalty can only lower its fit",
    SinglePredictsAsWell: "the single network predicts as well",
    SinglePredictsBetter: "the single network predicts better",
    StoppingPredictsAsWell: "early stopping without a penalty predicts as well",
    StoppingPredictsBetter: "early stopping without a penalty predicts better",
    LinearPredictsAsWell: "a linear model predicts as well",
    LinearPredictsBetter: "a linear model predicts better",
    BarelyBetterThanConstant: "the network is barely better than a constant",
}
_LEAVE_OUT = "Leave it out for prediction; the sparser choice (1se) may still be worth having."


@dataclass(frozen=True)
class Words:
    """The sentence of a finding, and what to do next."""

    sentence: str
    advice: str


def headline(found: Sequence[Found]) -> str:
    """Return the sentence of the verdict, with the most important other findings."""
    first, *others = found
    also = [
        _IN_THE_HEADLINE[type(each)].format(noun=each.judged.noun) for each in others if type(each) in _IN_THE_HEADLINE
    ]
    return in_words(first).sentence + (f" Besides: {'; '.join(also)}." if also else "")


def in_words(found: Found) -> Words:
    """Write a finding in words; for a blend, findings of its single network's training are marked as such."""
    wording = words(found)
    if not (found.judged.blend and found.of_training):
        return wording
    return Words(f"Of the single network (view: {found.judged.view}). {wording.sentence}", wording.advice)


@singledispatch
def words(found: Found) -> Words:
    """Return a finding's own words: there is a function for every class of findings."""
    raise TypeError(f"There are no words for {type(found).__name__}: register a function of words for it.")


@words.register
def _(found: WiringNotChecked) -> Words:
    return Words(
        f"Not all of the wiring was checked: {' '.join(fault.sentence for fault in found.faults)}",
        "Check it yourself: hold a step with the penalty, less one without, against its formula.",
    )


@words.register
def _(found: WrongScale) -> Words:
    return Words(
        f"The penalty is of the wrong scale: {_first_fault(found)}",
        "Mend the factor, or read every strength as that many times itself; then compare.",
    )


@words.register
def _(found: WiredWrong) -> Words:
    return Words(
        f"Wired wrong: {_first_fault(found)}",
        "Mend that first: until then, no comparison says anything about regularization.",
    )


@words.register
def _(found: Evadable) -> Words:
    return Words(found.escape + _moved(found), "Penalize the weights of every layer (ridgewalk's estimators do).")


@words.register
def _(found: TooWeak) -> Words:
    far = f" (2 l2 t = {number(found.decay, 2)}, and it begins to act at 1)" if np.isfinite(found.decay) else ""
    return Words(
        "The penalty is too weak to act in this much training: the penalized network's penalty is "
        f"{found.penalty_ratio:.1%} of what the unpenalized one would pay{far}.",
        "Raise the strength tenfold and look again, or train longer.",
    )


@words.register
def _(found: Diverged) -> Words:
    how_many = f" in {found.share:.0%} of the runs" if 0 < found.share < 1 else ""
    return Words(
        f"The {found.trained} training diverged{how_many}: its losses are no numbers any more, and nothing can be "
        "compared.",
        "Lower the learning rate, or standardize the columns; then look again.",
    )


@words.register
def _(found: NotTrained) -> Words:
    return Words(
        f"The training failed: without a penalty the {found.judged.noun} loses {number(found.training, 4)} on its own "
        f"training rows, and the best constant {number(found.null_training, 4)}. That says nothing about the columns.",
        "Lower the learning rate, or train longer; then look again.",
    )


@words.register
def _(found: HurtsOptimizer) -> Words:
    without, penalized = found.tails["unpenalized"], found.tails["penalized"]
    return Words(
        "Unstable: the penalty upsets the optimizer, and what it does to the fit cannot be told. Its training loss "
        f"jumps above twice its usual level in {penalized.spikes:.1%} of the epochs (without in {without.spikes:.1%}); "
        f"with a rate that goes to 0 the same penalty ends at a training loss of {number(found.settled)} instead of "
        f"{number(penalized.level)}.",
        "Let the learning rate go to 0 (a cosine), lower it, or use Adam; then compare again.",
    )


@words.register
def _(found: NotAtRest) -> Words:
    tail = found.tails[found.trained]
    return Words(
        f"Unstable: the {found.trained} training never comes to rest, so no strength can be judged yet. Over its last "
        f"tenth its loss varies by {number(tail.spread, 2)} and moves by {abs(tail.drift):.1%}, and it jumps above "
        f"twice its usual level in {tail.spikes:.1%} of the epochs; the difference to be judged is "
        f"{number(found.size, 2)}.",
        "Let the learning rate go to 0 (a cosine), lower it, train longer, or use Adam; then compare again.",
    )


@words.register
def _(found: Underfit) -> Words:
    helped = [f"{name} one reaches {number(loss)}" for name, loss in found.helped.items()]
    which = f" A {' and a '.join(helped)}." if helped else ""
    more = "more units, more epochs or a better learning rate before any penalty"
    advice = f"Try a single network (MLPClassifierCV, MLPRegressorCV) with {more}."
    return Words(
        f"The {found.judged.noun} underfits: its training loss without a penalty is {number(found.training)}, and "
        f"another kind of model ({found.reference}) has {number(found.reference_loss)} on rows it never saw; a penalty "
        f"can only lower the fit.{which}",
        advice if found.judged.blend else f"Give it {more}.",
    )


@words.register
def _(found: NothingToFix) -> Words:
    return Words(
        f"There is nothing to fix: without a penalty the {_of_a_blend(found)}loss on held-out rows "
        f"({number(found.before)}) is within {number(found.smallest, 2)} of that on training rows "
        f"({number(found.training)}) and of the best other model's ({found.reference}, "
        f"{number(found.reference_loss)}): what is left is the data's own noise, or a limit that all these models "
        "share.",
        "Leave the penalty out, or keep it for sparser models; more rows or better columns are what can help.",
    )


@words.register
def _(found: Helps) -> Words:
    compared, d = found.comparison, found.comparison.difference
    change = f"{number(abs(d.mean))} {compared.unit} (95% interval {number(-d.high)} to {number(-d.low)})"
    whom, whose = (" the blend", "its") if found.judged.blend else ("", "the")
    return Words(
        f"Regularization {_claim(found)}{whom}{_how_much(found)}: {whose} held-out loss falls from "
        f"{number(compared.before, 4)} to {number(compared.after, 4)}, by {change}{_at(compared)}{_how_sure(d, -1)}.",
        _how_to_keep(found),
    )


@words.register
def _(found: NoDifference) -> Words:
    compared, d = found.comparison, found.comparison.difference
    mean, low, high = (number(each, sign="+") for each in (d.mean, d.low, d.high))
    whom, whose = ("to the blend", "its") if found.judged.blend else ("here", "the")
    return Words(
        f"Regularization makes no difference {whom}: {whose} held-out loss changes by {mean} {compared.unit} (95% "
        f"interval {low} to {high}){_at(compared)}, and less than {number(compared.smallest, 2)} is no matter.",
        "Choose by what else counts: sparser models cost nothing here.",
    )


@words.register
def _(found: NoStrength) -> Words:
    if found.best_alpha:
        best = number(found.best_alpha)
        return Words(
            f"Strength 0 is no penalty at all, so there is nothing to judge; the path's best is {best}.",
            "Judge that one.",
        )
    return Words(
        "Regularization makes no difference here: of all strengths the path's best is 0, no penalty at all (held-out "
        f"loss {number(found.comparison.before, 4)}).",
        _LEAVE_OUT,
    )


@words.register
def _(found: DoesNotHelp) -> Words:
    loses = _loses(found.comparison)
    if found.judged.blend:
        return Words(
            f"Regularization {_claim(found)} the blend: with penalized networks among its members it loses {loses}.",
            "Its members are chosen among penalized and unpenalized networks alike: more rows, or more folds, choose "
            "them better.",
        )
    return Words(
        f"Regularization {_claim(found)} here: the strengths that folds choose for each other lose {loses}.", _LEAVE_OUT
    )


@words.register
def _(found: TooStrong) -> Words:
    compared, fit = found.comparison, number(found.training_difference)
    loses = _interval(compared.difference, compared.unit)
    return Words(
        f"The penalty is {_claim(found)}: the held-out loss rises by {loses}, and the training loss by {fit}"
        f"{_how_sure(compared.difference, 1)}.{_weaker(found)}",
        "Lower the strength: by cross-validation, over a path that begins near 0.",
    )


@words.register
def _(found: TooNoisy) -> Words:
    compared, d = found.comparison, found.comparison.difference
    mean, low, high = (number(each, sign="+") for each in (d.mean, d.low, d.high))
    return Words(
        f"It is too noisy to tell: the {_of_a_blend(found)}held-out loss changes by {mean} {compared.unit}, and the "
        f"95% interval reaches from {low} to {high}{_at(compared)}. An effect below {number(d.detectable, 2)} would "
        "hardly be seen.",
        _what_would_settle(found),
    )


@words.register
def _(found: NoSignal) -> Words:
    best = number(min(found.comparison.before, found.comparison.after), 4)
    return Words(
        f"No signal was found that this {found.judged.noun} can use: its held-out loss is at best {best}, and the best "
        f"constant has {number(found.null_loss, 4)}.",
        _where_to_look(found.network, found.judged.noun),
    )


@words.register
def _(found: PerhapsSignal) -> Words:
    gain, error = number(found.gain), number(CLEAR * found.gain_error)
    return Words(
        f"It is too noisy to tell whether the columns say anything: the {found.judged.noun} is better than the best "
        f"constant by {gain} {found.comparison.unit}, and twice the standard error of that is {error}.",
        _where_to_look(found.network, found.judged.noun),
    )


CAREFUL_INTERVAL = "an interval that also allows for other training rows"
"""What sentences call :attr:`ridgewalk.diagnostics.statistics.Effect.careful`."""
_KEEP_PENALTY = "Take the penalty all the same where sparser models count"
_STOPPED = "The unpenalized network, stopped early by rows set aside,"


@words.register
def _(found: LinearPredictsAsWell) -> Words:
    return Words(
        f"A linear model on the same folds predicts as well: against it the {found.judged.noun}'s held-out loss "
        f"changes by {_interval(found.difference, found.unit, sign='+')}.",
        f"{_take_linear(found)}, and a network has nothing to add here.",
    )


@words.register
def _(found: LinearPredictsBetter) -> Words:
    more = "" if found.judged.blend else "; or train longer, at another learning rate"
    return Words(
        f"A linear model on the same folds {claimed('predicts better', found.probable)}: the {found.judged.noun}'s "
        f"held-out loss is higher by {_interval(found.difference, found.unit)}.",
        f"{_take_linear(found)}, and better{more}.",
    )


@words.register
def _(found: BetterThanLinear) -> Words:
    return Words(
        f"The {found.judged.noun} is {claimed('better', found.probable)} than a linear model on the same folds: its "
        f"held-out loss is lower by {_gained(found)}.",
        "Keep the hidden layers: they find what a straight line cannot.",
    )


@words.register
def _(found: NotToldFromLinear) -> Words:
    return Words(
        f"The {found.judged.noun} cannot be told from a linear model on the same folds: against it the held-out loss "
        f"changes by {_interval(found.difference, found.unit, sign='+')}.",
        "Take a linear model where a simple one counts; more rows would tell them apart.",
    )


@words.register
def _(found: StoppingPredictsAsWell) -> Words:
    return Words(
        f"{_STOPPED} predicts as well: against it the {found.judged.noun}'s held-out loss changes by "
        f"{_interval(found.difference, found.unit, sign='+')}.",
        f"{_KEEP_PENALTY}: early stopping leaves no zeros.",
    )


@words.register
def _(found: StoppingPredictsBetter) -> Words:
    return Words(
        f"{_STOPPED} {claimed('predicts better', found.probable)}: the {found.judged.noun}'s held-out loss is "
        f"higher by {_interval(found.difference, found.unit)}.",
        f"Stop a network early where predictions alone count. {_KEEP_PENALTY}.",
    )


@words.register
def _(found: BetterThanStopping) -> Words:
    return Words(
        f"The {found.judged.noun} is {claimed('better', found.probable)} than the unpenalized network, stopped early "
        f"by rows set aside: its held-out loss is lower by {_gained(found)}.",
        "Keep the penalty: stopping early does not do the same.",
    )


@words.register
def _(found: SinglePredictsAsWell) -> Words:
    return Words(
        f"The single network (view: {found.judged.view}) predicts as well: against it the blend's held-out loss "
        f"changes by {_interval(found.difference, found.unit, sign='+')}.",
        "Take network_, which is one sparse network, where it is to be read, or to predict quickly.",
    )


@words.register
def _(found: SinglePredictsBetter) -> Words:
    return Words(
        f"The single network (view: {found.judged.view}) {claimed('predicts better', found.probable)}: the blend's "
        f"held-out loss is higher by {_interval(found.difference, found.unit)}.",
        "Take network_.",
    )


@words.register
def _(found: BetterThanSingle) -> Words:
    return Words(
        f"The blend is {claimed('better', found.probable)} than its single network (view: {found.judged.view}): its "
        f"held-out loss is lower by {_gained(found)}.",
        "Predict with the blend, and read network_.",
    )


def _take_linear(found: Found) -> str:
    which = "a linear model" if found.judged.blend else "the linear model, hidden_layer_sizes=()"
    return f"Take {which}: it is simpler"


def _gained(found: BetterThanLinear | BetterThanStopping | BetterThanSingle) -> str:
    d = found.difference
    return f"{number(-d.mean)} {found.unit} (95% interval {number(-d.high)} to {number(-d.low)})"


@words.register
def _(found: BarelyBetterThanConstant) -> Words:
    return Words(
        f"The network is barely better than a constant: of its held-out loss of {number(found.null_loss, 4)} "
        f"{found.unit} it takes {found.share:.1%} away.",
        "Look at the columns: is what decides the target among them?",
    )


def _interval(d: Effect, unit: str, sign: str = "") -> str:
    mean, low, high = (number(each, sign=sign) for each in (d.mean, d.low, d.high))
    return f"{mean} {unit} (95% interval {low} to {high})"


def _first_fault(found: WrongScale | WiredWrong) -> str:
    count = len(found.faults)
    return found.faults[0].sentence + (f" ({count} faults in all.)" if count > 1 else "")


def _moved(found: Evadable) -> str:
    """Return how the norms went that rescaling can move."""
    if "penalized" not in found.norms:
        return ""
    moved = (f"{name} from {number(path[0])} to {number(path[-1])}" for name, path in found.norms["penalized"].items())
    return f" Here, norms went: {', '.join(moved)}."


def _of_a_blend(found: Found) -> str:
    return "blend's " if found.judged.blend else ""


def _at(compared: Comparison) -> str:
    return "" if compared.alpha is None else f" at strength {number(compared.alpha)}"


def claimed(name: str, probable: bool) -> str:
    """Return the name of a finding as it is shown, no stronger than the intervals that it rests on."""
    return f"{'probably ' * probable}{name}"


def _claim(found: Found) -> str:
    return claimed(found.name, found.probable)


def _how_much(found: Helps) -> str:
    if not isinstance(found, HelpsSomewhat):
        return ""
    little = found.comparison.difference.mean > -found.comparison.smallest
    return ", a little" if little else ", though how much is not sure"


def _how_sure(difference: Effect, sign: int) -> str:
    """Return what the more careful interval says of a claim; ``sign`` -1 is that of a gain."""
    return beside_the_interval(difference, *(number(end) for end in sorted(sign * end for end in difference.careful)))


def beside_the_interval(difference: Effect, low: str, high: str) -> str:
    """Return whether the more careful interval, whose ends are shown as they are given, agrees with a claim.

    With one fold there is no such interval.
    """
    if not np.isfinite(difference.careful_error):
        return ""
    agrees = "excludes 0, too" if difference.confirmed else "contains 0"
    return f"; {CAREFUL_INTERVAL}, {low} to {high}, {agrees}"


def _loses(compared: Comparison) -> str:
    return _interval(compared.difference, compared.unit) + _how_sure(compared.difference, 1)


def _weaker(found: TooStrong) -> str:
    """Return which strengths of the path are better."""
    best, alpha = found.best_alpha, found.comparison.alpha
    sentence = "" if best is None else f" The path's best strength is {number(best)}."
    if alpha and found.safe_alpha:
        times = number(alpha / found.safe_alpha)
        sentence += f" The strongest within one standard error of it is {times} times weaker than this."
    return sentence


def _what_would_settle(found: TooNoisy) -> str:
    d, goal = found.comparison.difference, number(found.comparison.smallest, 2)
    if found.rows > _MOST_ROWS_FACTOR * d.rows:
        return (
            f"Settling it to {goal} would take more than {_MOST_ROWS_FACTOR} times these {d.rows:,} rows; "
            f"until then it more likely {'helps' if d.mean < 0 else 'hurts'}."
        )
    needed = [f"{number(found.rows, 2)} rows (here: {d.rows:,})"] if found.rows > d.rows else []
    if found.seeds > d.seeds:
        needed.append(f"{number(found.seeds, 2)} seeds (here: {d.seeds})")
    return f"{'About ' + ' and '.join(needed) if needed else 'A few more rows'} would settle it to {goal}."


def _where_to_look(network: OtherModel | HardlyFits | None, noun: str) -> str:
    columns = "Look at the columns: is what decides the target among them? Are rows and targets still side by side?"
    match network:
        case OtherModel():
            return (
                f"Look at the {noun}: the columns do say something, for another kind of model ({network.name}) has "
                f"{number(network.loss)}. More epochs, another learning rate, more units?"
            )
        case HardlyFits():
            kept = f"even on its own training rows it keeps {network.share:.0%} of a constant's loss"
            return f"Look at the {noun} first: {kept}. A lower learning rate, more epochs, more units? {columns}"
        case None:
            return columns


def _how_to_keep(found: Helps) -> str:
    """Describe the gain, its sources, and what is no longer used; for a blend, of its single network."""
    of_parts, gained, dropped = _gains_of_parts(found.sources), _gains(found), _no_longer_used(found)
    if not found.judged.blend:
        return " ".join(["Keep it.", *_sentence([*of_parts, *gained, *dropped])])
    single = [f"of the single network (view: {found.judged.view}), {'; '.join(of_parts + dropped)}"]
    return " ".join(["Keep it.", *_sentence(gained), *_sentence(single if of_parts + dropped else [])])


def _sentence(parts: list[str]) -> list[str]:
    sentence = "; ".join(parts)
    return [f"{sentence[:1].upper()}{sentence[1:]}."] if parts else []


def _no_longer_used(found: Helps) -> list[str]:
    """Return the inputs and units of a network that are not used any more."""
    parts = []
    if found.inputs_gone:
        columns = "encoded columns" if found.judged.blend else "columns"
        parts.append(f"{columns} no longer used: {found.inputs_gone} of {found.inputs[0]}")
    before, after = found.units
    if after < before:
        parts.append(f"units no longer used: {before - after} of {before}")
    return parts


def _gains_of_parts(sources: Sources) -> list[str]:
    """Describe the gains of the parts of the penalty alone, if there are several."""
    if sources.of_l1_alone is None or sources.of_l2_alone is None or sources.of_both is None:
        return []
    l1, l2, both = (number(gain) for gain in (sources.of_l1_alone, sources.of_l2_alone, sources.of_both))
    return [f"L1 alone gains {l1}, L2 alone {l2}, both together {both}{_one_alone(sources)}"]


def _gains(found: Helps) -> list[str]:
    """Describe the known sources of the gain."""
    parts, sources = [], found.sources
    if sources.by_calibration is not None and sources.by_refinement is not None:
        parts.append(_of_calibration(sources.by_calibration, sources.by_refinement, found.comparison))
    if sources.accuracy_without is not None and sources.accuracy_with is not None:
        before, after = (f"{accuracy:.1%}" for accuracy in (sources.accuracy_without, sources.accuracy_with))
        moves = f"goes from {before} to {after}" if before != after else f"stays at {after}"
        parts.append(f"the accuracy {moves}")
    if sources.over_early_stopping is not None:
        parts.append(_beside_stopping(sources.over_early_stopping, sources.against_stopping))
    return parts


def _of_calibration(calibration: float, refinement: float, compared: Comparison) -> str:
    """Return how much of a gain comes from calibration, with its unit, and with its share where both parts are gains.

    A network's parts are measured at one strength in every fold, and so may not add up to the gain of the headline.
    """
    gain, whole = number(calibration + refinement), number(-compared.difference.mean)
    of = f"{gain} {compared.unit}" + ("" if gain == whole else " gained with one strength in every fold")
    if min(calibration, refinement) < 0:
        return (
            f"of the {of}, better calibrated probabilities make {number(calibration, sign='+')} and telling classes "
            f"apart {number(refinement, sign='+')}"
        )
    share = f"{calibration / (calibration + refinement):.0%}"
    return (
        f"{number(calibration)} of the {of} ({share}) come from better calibrated probabilities, {number(refinement)} "
        "from telling classes apart better"
    )


def _beside_stopping(gain: float, outcome: Outcome | None) -> str:
    """Return what is gained over early stopping, in words no stronger than the interval of that."""
    if outcome == "better":
        return f"against early stopping it gains {number(gain)}"
    if outcome == "worse":
        return f"early stopping, without a penalty, is better still by {number(-gain)}"
    loses = f"it {'gains' if gain > 0 else 'loses'} {number(abs(gain))}"
    return f"against early stopping {loses}, which may be chance"


def _one_alone(sources: Sources) -> str:
    if sources.better_alone is None:
        return ""
    name = sources.better_alone
    return f" ({name} is better)" if sources.clear else f" (that {name} gains more is within its error)"
