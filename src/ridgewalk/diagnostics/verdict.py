"""Did it help: gates in order, over the evidence alone; the first that has something to say gives the headline.

    1  wiring       is the penalty in the training, and is it the one that was asked for?
    2  action       does it pull at all; can the network slip out of it?
    3  rest         did the training come to rest, so that strengths can be compared?
    4  something    is there anything to gain: does the network overfit?
    5  effect       the paired difference of held-out losses, and its 95% interval

A gate's letters are those of decision 0008.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ridgewalk.arrays import Array
from ridgewalk.diagnostics.evidence import Arm, Evidence
from ridgewalk.diagnostics.statistics import NORMAL, Effect, effect, spread_of_cells
from ridgewalk.formatting import format_number as number
from ridgewalk.losses import facts
from ridgewalk.markup import element, list_of_findings, table
from ridgewalk.objective import weighted_mean
from ridgewalk.selection import mean_and_error

_NO_PULL = 0.99  # of the penalty that the unpenalized network would pay
_SPIKES = 0.002  # share of looks above twice the usual loss
_CLEAR = 2.0  # standard errors
_ROUNDING = 1e-3  # of the null model's loss: what single precision, or chance, makes of the null model itself
_ABOVE = 1e-6  # of the null model's loss: less than that is not below it
_HALF = 0.5  # of the null model's training loss: who keeps more has hardly fitted
_OUT_OF_REACH = 100  # times the rows


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes
    ----------
    letter, name : str
        As "e", "helps".
    speaks : bool
        Whether it can be the headline; others go along with it.
    sentence, advice : str
        What was found, and what to do next.
    numbers : dict
        What that rests on.
    """

    letter: str
    name: str
    speaks: bool
    sentence: str
    advice: str
    numbers: dict[str, Any]


@dataclass(frozen=True)
class Diagnosis:
    """What was found, most important first.

    Attributes
    ----------
    headline : str
        One sentence.
    findings : tuple of Finding
        The first is the verdict; then what goes along with it; then what later gates would have said.
    numbers : dict
        Losses with their intervals, counts, strengths: ready for JSON.
    """

    headline: str
    findings: tuple[Finding, ...]
    numbers: dict[str, Any]

    @property
    def verdict(self) -> str:
        """Name of the first finding."""
        return self.findings[0].name

    def holds(self, name: str) -> bool:
        """Whether something of this name was found."""
        return any(finding.name == name for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {"verdict": self.verdict, **_ready(asdict(self))}

    def to_json(self) -> str:
        """Everything as JSON."""
        return json.dumps(self.to_dict(), indent=1)

    def __str__(self) -> str:
        wrap = textwrap.TextWrapper(100, subsequent_indent="  ")
        lines = [self.headline, ""]
        for finding in self.findings:
            said = f": {finding.sentence}" if finding is not self.findings[0] else "."
            lines += wrap.wrap(f"- {finding.name}{said} Next: {finding.advice}")
        lines += ["", *(f"  {name:<34} {value}" for name, value in self._table())]
        return "\n".join(lines)

    def _table(self) -> list[tuple[str, str]]:
        """Write the plain numbers, by their names."""
        plain = [(name, value) for name, value in self.numbers.items() if isinstance(value, int | float)]
        return [
            (name.replace("_", " "), f"{value:,}" if isinstance(value, int) else number(value, 4))
            for name, value in plain
        ]

    def _repr_html_(self) -> str:
        """Show it in a notebook: the headline, what was found, and the numbers to unfold."""
        found = list_of_findings(
            (finding.name, "" if finding is self.findings[0] else finding.sentence, finding.advice)
            for finding in self.findings
        )
        numbers = table(("number", "value"), self._table())
        return f"{element('p', self.headline)}{found}<details><summary>Numbers</summary>{numbers}</details>"


def judge(evidence: Evidence) -> Diagnosis:
    """Apply the gates.

    Returns
    -------
    Diagnosis
    """
    case = _Case(evidence)
    found = [*case.wiring(), *case.diverged()]
    if np.isfinite(case.before) and np.isfinite(case.after):
        gates = (case.action, case.rest, case.something, case.untrained)
        found += [finding for gate in gates for finding in gate()]
    if not any(finding.speaks and finding.letter in _NO_COMPARISON for finding in found):
        found += case.effect()
    if any(finding.name == "underfit" for finding in found):  # another model shows that there is a signal
        found = [finding for finding in found if finding.name != "no signal"]
    first = next(finding for finding in found if finding.speaks)
    beside = [finding for finding in found if finding is not first]
    before = [finding for finding in beside if not finding.speaks]
    findings = (first, *before, *(finding for finding in beside if finding.speaks))
    headline = first.sentence
    also = [finding for finding in findings[1:] if finding.name in _IN_THE_HEADLINE and finding.name != first.name]
    if also:
        headline += f" Besides: {'; '.join(_IN_THE_HEADLINE[finding.name] for finding in also)}."
    return Diagnosis(headline, findings, case.numbers())


_NO_COMPARISON = ("b", "b'", "f", "f'")  # after these, a difference of losses says nothing
_IN_THE_HEADLINE = {
    "not trained": "without a penalty it does not even fit its own training rows better than a constant",
    "evadable": "the penalty can be evaded by rescaling the layers",
    "underfit": "the network underfits, and a penalty can only lower its fit",
}


class _Case:
    """The evidence, and what several gates read of it."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = e = evidence
        self.difference = self.against(e.unpenalized, e.penalized, e.seed_spread)
        self.before, self.after = (self.mean(arm.rows) for arm in (e.unpenalized, e.penalized))
        self.delta = e.smallest_effect
        self.unit = facts(e.loss).unit

    def mean(self, rows: Array) -> float:
        return float(weighted_mean(rows, self.evidence.weights))

    def against(self, before: Arm, after: Arm, spread: float) -> Effect:
        """Effect of one arm against another, the variance that starts bring to a fold given."""
        e = self.evidence
        return effect(after.rows - before.rows, e.weights, after.heldout - before.heldout, e.ratio, spread)

    def wiring(self) -> Iterator[Finding]:
        unread = [fault for fault in self.evidence.wiring.faults if fault.kind == "cannot be read"]
        faults = [fault for fault in self.evidence.wiring.faults if fault.kind != "cannot be read"]
        if unread:
            sentence = f"Not all of the wiring was checked: {' '.join(fault.sentence for fault in unread)}"
            advice = "Check it yourself: hold a step with the penalty, less one without, against its formula."
            faults_of = {"faults": [asdict(fault) for fault in unread]}
            yield Finding("b''", "wiring not checked", False, sentence, advice, faults_of)
        if not faults:
            return
        more = f" ({len(faults)} faults in all.)" if len(faults) > 1 else ""
        numbers = {"faults": [asdict(fault) for fault in faults]}
        if all(fault.kind == "wrong scale" for fault in faults):
            sentence = f"The penalty is of the wrong scale: {faults[0].sentence}{more}"
            advice = "Mend the factor, or read every strength as that many times itself; then compare."
            yield Finding("b'", "wrong scale", True, sentence, advice, numbers)
        else:
            sentence = f"Wired wrong: {faults[0].sentence}{more}"
            advice = "Mend that first: until then, no comparison says anything about regularization."
            yield Finding("b", "wired wrong", True, sentence, advice, numbers)

    def action(self) -> Iterator[Finding]:
        e = self.evidence
        if e.escape:
            numbers = {name: _norms(course.norms) for name, course in e.courses.items()}
            moved = ""
            if "penalized" in numbers:
                ways = (
                    f"{name} from {number(path[0])} to {number(path[-1])}"
                    for name, path in numbers["penalized"].items()
                )
                moved = f" Here, norms went: {', '.join(ways)}."
            advice = "Penalize the weights of every layer (ridgewalk's estimators do)."
            yield Finding("a'", "evadable", False, e.escape + moved, advice, {"norms": numbers})
        if e.alpha != 0 and np.isfinite(e.penalty_ratio) and e.penalty_ratio >= _NO_PULL:
            far = f" (2 l2 t = {number(e.decay, 2)}, and it begins to act at 1)" if np.isfinite(e.decay) else ""
            yield Finding(
                "a''",
                "too weak",
                True,
                "The penalty is too weak to act in this much training: the penalized network's penalty is "
                f"{e.penalty_ratio:.1%} of what the unpenalized one would pay{far}.",
                "Raise the strength tenfold and look again, or train longer.",
                {"penalty_ratio": e.penalty_ratio, "decay": _plain(e.decay)},
            )

    def diverged(self) -> Iterator[Finding]:
        shares = zip(("unpenalized", "penalized"), self.evidence.diverged, (self.before, self.after), strict=True)
        for name, share, loss in shares:
            if not np.isfinite(loss) or share > 0:
                how_many = f" in {share:.0%} of the runs" if 0 < share < 1 else ""
                yield Finding(
                    "f",
                    "not converged",
                    True,
                    f"The {name} training diverged{how_many}: its losses are no numbers any more, and nothing can be "
                    "compared.",
                    "Lower the learning rate, or standardize the columns; then look again.",
                    {"diverged": dict(zip(("unpenalized", "penalized"), self.evidence.diverged, strict=True))},
                )
                return

    def untrained(self) -> Iterator[Finding]:
        """Whether the unpenalized networks fit so much as their own training rows."""
        null, training = self.evidence.null_training, float(np.mean(self.evidence.unpenalized.training))
        if np.isfinite(training) and training >= null - _ABOVE * abs(null):
            yield Finding(
                "f'",
                "not trained",
                True,
                f"The training failed: without a penalty the network loses {number(training, 4)} on its own training "
                f"rows, and the best constant {number(null, 4)}. That says nothing about the columns.",
                "Lower the learning rate, or train longer; then look again.",
                {"unpenalized_training_loss": training, "null_training_loss": null},
            )

    def rest(self) -> Iterator[Finding]:
        courses = self.evidence.courses
        if not courses:
            return
        size = abs(self.difference.mean)
        tails = {name: courses[name].tail for name in ("unpenalized", "penalized")}
        restless = {
            name: tail
            for name, tail in tails.items()
            if max(tail.spread, abs(tail.drift) * tail.level, tail.level * (tail.spikes > _SPIKES))
            > max(size / 2, self.delta)
        }
        if not restless:
            return
        name, worst = max(restless.items(), key=lambda pair: (pair[1].spikes, pair[1].spread))
        numbers = {name: asdict(tail) for name, tail in tails.items()}
        slower = tails["penalized"].level - tails["unpenalized"].level
        regained = tails["penalized"].level - courses["settled"].tail.level if "settled" in courses else 0.0
        if slower > self.delta and regained > self.delta and tails["penalized"].spikes >= tails["unpenalized"].spikes:
            yield Finding(
                "f",
                "hurts the optimizer",
                True,
                "Unstable: the penalty upsets the optimizer, and what it does to the fit cannot be told. Its training "
                "loss "
                f"jumps above twice its usual level in {tails['penalized'].spikes:.1%} of the epochs (without in "
                f"{tails['unpenalized'].spikes:.1%}); with a rate that goes to 0 the same penalty ends at a training "
                f"loss of {number(courses['settled'].tail.level)} instead of {number(tails['penalized'].level)}.",
                "Let the learning rate go to 0 (a cosine), lower it, or use Adam; then compare again.",
                numbers,
            )
            return
        yield Finding(
            "f",
            "not converged",
            True,
            f"Unstable: the {name} training never comes to rest, so no strength can be judged yet. Over its last tenth "
            f"its loss varies by {number(worst.spread, 2)} and moves by {abs(worst.drift):.1%}, and it jumps above "
            f"twice its usual level in {worst.spikes:.1%} of the epochs; the difference to be judged is "
            f"{number(size, 2)}.",
            "Let the learning rate go to 0 (a cosine), lower it, train longer, or use Adam; then compare again.",
            numbers,
        )

    def something(self) -> Iterator[Finding]:
        """Whether there is anything to gain."""
        e, best = self.evidence, self.evidence.best_reference
        training = float(np.mean(e.unpenalized.training))
        gap = self.before - training
        _, gap_error = mean_and_error(e.unpenalized.rows, e.weights)
        numbers: dict[str, Any] = {"gap": gap, "gap_error": float(gap_error), "smallest_effect": self.delta}
        if not best:
            return
        reference = self.mean(e.references[best])
        _, error = mean_and_error(e.references[best], e.weights)
        excess, excess_error = (float(v) for v in mean_and_error(e.unpenalized.rows - e.references[best], e.weights))
        numbers |= {"reference": best, "reference_loss": reference, "excess": excess, "excess_error": excess_error}
        numbers |= {f"training_loss_{name}": float(loss.mean()) for name, loss in e.larger.items()}
        if training - reference > self.delta + NORMAL * float(error):
            reached = {name: float(loss.mean()) for name, loss in e.larger.items()}
            helped = [
                f"{name} one reaches {number(loss)}" for name, loss in reached.items() if loss < training - self.delta
            ]
            which = f" A {' and a '.join(helped)}." if helped else ""
            yield Finding(
                "c1",
                "underfit",
                True,
                f"The network underfits: its training loss without a penalty is {number(training)}, and another kind "
                f"of model ({best}) has {number(reference)} on rows it never saw; a penalty can only lower the fit."
                f"{which}",
                "Give it more units, more epochs or a better learning rate before any penalty.",
                numbers,
            )
        elif gap + NORMAL * float(gap_error) < self.delta and excess + NORMAL * excess_error < self.delta:
            yield Finding(
                "c2",
                "nothing to fix",
                True,
                f"There is nothing to fix: without a penalty the loss on held-out rows ({number(self.before)}) is "
                f"within {number(self.delta, 2)} of that on training rows ({number(training)}) and of the best other "
                f"model's ({best}, {number(reference)}): what is left is the data's own noise, or a limit that all "
                "these models share.",
                "Leave the penalty out, or keep it for sparser models; more rows or better columns are what can help.",
                numbers,
            )

    def effect(self) -> Iterator[Finding]:
        e, d = self.evidence, self.difference
        outcome = d.outcome(self.delta)
        numbers = {"difference": d.mean, "low": d.low, "high": d.high, "smallest_effect": self.delta}
        at = "" if e.alpha is None else f" at strength {number(e.alpha)}"
        change = f"{number(abs(d.mean))} {self.unit} (95% interval {number(-d.high)} to {number(-d.low)})"
        gain, error = self.over_null()
        least = _ROUNDING * abs(e.null_loss)
        if gain <= max(_CLEAR * error, least):
            yield (
                self._no_signal(gain, error, numbers) if gain <= least else self._perhaps_a_signal(gain, error, numbers)
            )
        elif e.alpha == 0:
            yield self._no_strength(numbers)
        elif outcome == "better":
            small = d.high > -self.delta
            how_much = "" if not small else ", a little" if d.mean > -self.delta else ", though how much is not sure"
            yield Finding(
                "e-" if small else "e",
                "helps",
                True,
                f"Regularization helps{how_much}: the held-out loss falls from {number(self.before, 4)} to "
                f"{number(self.after, 4)}, by {change}{at}{self._how_sure()}.",
                self._how_to_keep(),
                numbers | self.why(),
            )
        elif outcome == "no difference":
            yield Finding(
                "c3",
                "no difference",
                True,
                f"Regularization makes no difference here: the held-out loss changes by {number(d.mean, sign='+')} "
                f"{self.unit} (95% interval {number(d.low, sign='+')} to {number(d.high, sign='+')}){at}, and less "
                f"than {number(self.delta, 2)} is no matter.",
                "Choose by what else counts: sparser models cost nothing here.",
                numbers,
            )
        elif outcome == "worse":
            yield self._too_strong(numbers)
        else:
            rows, seeds = d.settled_by(self.delta)
            low, high = number(d.low, sign="+"), number(d.high, sign="+")
            yield Finding(
                "u",
                "too noisy to tell",
                True,
                f"It is too noisy to tell: the held-out loss changes by {number(d.mean, sign='+')} {self.unit}, and "
                f"the 95% interval reaches from {low} to {high}{at}. An effect below {number(d.detectable, 2)} would "
                "hardly be seen.",
                self._what_would_settle(rows, seeds),
                numbers | {"rows_needed": rows, "seeds_needed": seeds, "detectable": d.detectable},
            )

    def _how_sure(self) -> str:
        """Say whether the more careful interval agrees; with one fold there is none."""
        if self.difference.confirmed:
            return "; so says the more careful interval, which counts other training rows"
        low, high = self.difference.careful
        if not np.isfinite(high):
            return ""
        ends = f"{number(-high)} to {number(-low)}"
        return f"; the more careful interval, which counts other training rows, holds 0 ({ends})"

    def _what_would_settle(self, rows: int, seeds: int) -> str:
        d, goal = self.difference, number(self.delta, 2)
        if rows > _OUT_OF_REACH * d.rows:
            return (
                f"Settling it to {goal} would take more than {_OUT_OF_REACH} times these {d.rows:,} rows; "
                f"until then it more likely {'helps' if d.mean < 0 else 'hurts'}."
            )
        needed = [f"{number(rows, 2)} rows (here: {d.rows:,})"] if rows > d.rows else []
        if seeds > d.seeds:
            needed.append(f"{number(seeds, 2)} seeds (here: {d.seeds})")
        return f"{'About ' + ' and '.join(needed) if needed else 'A few more rows'} would settle it to {goal}."

    def _where_to_look(self) -> str:
        """Say what to do where the network finds nothing: another kind of model may have found something."""
        e, best = self.evidence, self.evidence.best_reference
        gain, error = mean_and_error(e.null - e.references[best], e.weights) if best else (0.0, 0.0)
        if gain > _CLEAR * error:
            return (
                f"Look at the network: the columns do say something, for another kind of model ({best}) has "
                f"{number(self.mean(e.references[best]))}. More epochs, another learning rate, more units?"
            )
        columns = "Look at the columns: is what decides the target among them? Are rows and targets still side by side?"
        training = float(np.mean(e.unpenalized.training))
        if not best and training > _HALF * e.null_training:
            kept = f"even on its own training rows it keeps {training / e.null_training:.0%} of a constant's loss"
            return f"Look at the network first: {kept}. A lower learning rate, more epochs, more units? {columns}"
        return columns

    def _no_signal(self, gain: float, error: float, numbers: dict[str, Any]) -> Finding:
        null = number(self.evidence.null_loss, 4)
        return Finding(
            "n",
            "no signal",
            True,
            "No signal was found that this network can use: its held-out loss is at best "
            f"{number(min(self.before, self.after), 4)}, and the best constant has {null}.",
            self._where_to_look(),
            numbers | {"gain_over_constant": gain, "gain_over_constant_error": error},
        )

    def _perhaps_a_signal(self, gain: float, error: float, numbers: dict[str, Any]) -> Finding:
        return Finding(
            "u",
            "too noisy to tell",
            True,
            "It is too noisy to tell whether the columns say anything: the network is better than the best constant by "
            f"{number(gain)} {self.unit}, and twice the standard error of that is {number(_CLEAR * error)}.",
            self._where_to_look(),
            numbers | {"gain_over_constant": gain, "gain_over_constant_error": error},
        )

    def over_null(self) -> tuple[float, float]:
        """Gain over the best constant, and its error, of the arm that has the clearest: as judged, or unpenalized.

        A strength of the user's own may be far too strong; there the path's best speaks for the network as well.
        """
        e = self.evidence
        arms = [e.unpenalized, e.penalized]
        arms += [arm for name, arm in e.arms.items() if e.asked and name == "best strength"]
        gains = [mean_and_error(e.null - arm.rows, e.weights) for arm in arms]
        mean, error = max(gains, key=lambda pair: float(pair[0] - _CLEAR * pair[1]))
        return float(mean), float(error)

    def _too_strong(self, numbers: dict[str, Any]) -> Finding:
        e, d = self.evidence, self.difference
        fit = float(np.mean(e.penalized.training) - np.mean(e.unpenalized.training))
        numbers |= {"training_difference": fit, "best_alpha": e.best_alpha, "safe_alpha": e.safe_alpha}
        loses = f"{number(d.mean)} {self.unit} (95% interval {number(d.low)} to {number(d.high)})"
        if not e.asked:
            sentence = (
                f"Regularization does not help here: the strengths that folds choose for each other lose {loses}."
            )
            advice = "Leave it out for prediction; the sparser choice (1se) may still be worth having."
            return Finding("d", "does not help", True, sentence, advice, numbers)
        best = "" if e.best_alpha is None else f" The path's best strength is {number(e.best_alpha)}."
        if e.alpha and e.safe_alpha:
            times = e.alpha / e.safe_alpha
            best += f" The strongest within one standard error of it is {number(times)} times weaker than this."
        costs = f"the held-out loss rises by {loses}, and the training loss by {number(fit)}"
        sentence = f"The penalty is too strong: {costs}.{best}"
        advice = "Lower the strength: by cross-validation, over a path that begins near 0."
        return Finding("d", "too strong", True, sentence, advice, numbers)

    def _no_strength(self, numbers: dict[str, Any]) -> Finding:
        e = self.evidence
        return Finding(
            "c3",
            "no difference",
            True,
            f"Strength 0 is no penalty at all, so there is nothing to judge; the path's best is {number(e.best_alpha)}."
            if e.best_alpha
            else "Regularization makes no difference here: of all strengths the path's best is 0, no penalty at all "
            f"(held-out loss {number(self.before, 4)}).",
            "Judge that one."
            if e.best_alpha
            else "Leave it out for prediction; the sparser choice (1se) may still be worth having.",
            numbers,
        )

    def why(self) -> dict[str, Any]:
        """Where a gain comes from."""
        e = self.evidence
        found: dict[str, Any] = {}
        none, both_parts = e.arms["none"], e.arms["both"]
        if none.calibrated is not None and both_parts.calibrated is not None:
            refined = self.mean(none.calibrated - both_parts.calibrated)
            found |= {"gain_by_calibration": self.mean(none.rows - both_parts.rows) - refined}
            found |= {"gain_by_refinement": refined}
        if none.right is not None and both_parts.right is not None:
            found |= {"accuracy_without": self.mean(none.right), "accuracy_with": self.mean(both_parts.right)}
        if {"L1 alone", "L2 alone"} <= e.arms.keys():
            l1, l2, both = (self.mean(none.rows - e.arms[name].rows) for name in ("L1 alone", "L2 alone", "both"))
            # Each part's share is the mean of what it adds to nothing and to the other (Shapley, 1953).
            found |= {"gain_of_l1_alone": l1, "gain_of_l2_alone": l2, "gain_of_both": both}
            found |= {"share_of_l1": (l1 + both - l2) / 2, "share_of_l2": (l2 + both - l1) / 2}
        if "early stopping" in e.arms:
            found["gain_over_early_stopping"] = self.mean(e.arms["early stopping"].rows - e.penalized.rows)
        return found

    def _how_to_keep(self) -> str:
        why = self.why()
        parts = []
        if "gain_of_both" in why:
            l1, l2, both = (number(why[f"gain_of_{name}"]) for name in ("l1_alone", "l2_alone", "both"))
            parts.append(f"L1 alone gains {l1}, L2 alone {l2}, both together {both}{self._one_alone()}")
        if "gain_by_refinement" in why:
            parts.append(
                f"{number(why['gain_by_calibration'])} of that is better calibrated probabilities and "
                f"{number(why['gain_by_refinement'])} telling classes apart better"
            )
        if "accuracy_with" in why:
            before, after = (f"{why[f'accuracy_{name}']:.1%}" for name in ("without", "with"))
            moves = f"goes from {before} to {after}" if before != after else f"stays at {after}"
            parts.append(f"the accuracy {moves}")
        if "gain_over_early_stopping" in why:
            gain = why["gain_over_early_stopping"]
            parts.append(
                f"against early stopping it gains {number(gain)}"
                if gain > 0
                else f"early stopping, without a penalty, is better still by {number(-gain)}"
            )
        e = self.evidence
        if e.gone:
            parts.append(f"columns no longer used: {len(e.gone)} of {e.inputs[0]}")
        if e.units[1] < e.units[0]:
            parts.append(f"units no longer used: {e.units[0] - e.units[1]} of {e.units[0]}")
        return f"Keep it. {_capital('; '.join(parts))}." if parts else "Keep it."

    def _one_alone(self) -> str:
        """Say whether a part that gains more alone does so beyond its error."""
        arms, both = self.evidence.arms, self.evidence.arms["both"]
        name = min(("L1 alone", "L2 alone"), key=lambda name: self.mean(arms[name].rows))
        more = self.against(both, arms[name], spread_of_cells(arms[name].heldout - both.heldout))
        if more.mean >= 0:
            return ""
        return (
            f" ({name} is better)"
            if more.outcome(self.delta) == "better"
            else f" (that {name} gains more is within its error)"
        )

    def numbers(self) -> dict[str, Any]:
        """Everything that a reader may want beside the sentences."""
        e, d = self.evidence, self.difference
        means = {name: self.mean(arm.rows) for name, arm in e.arms.items()}
        return {
            "unpenalized_heldout_loss": self.before,
            "penalized_heldout_loss": self.after,
            "unpenalized_training_loss": float(np.mean(e.unpenalized.training)),
            "penalized_training_loss": float(np.mean(e.penalized.training)),
            "difference": d.mean,
            "difference_low": _plain(d.low),
            "difference_high": _plain(d.high),
            "row_error": d.row_error,
            "seed_error": d.seed_error,
            "careful_error": _plain(d.careful_error),
            "careful_low": _plain(d.careful[0]),
            "careful_high": _plain(d.careful[1]),
            "smallest_effect": self.delta,
            "null_loss": e.null_loss,
            "rows": d.rows,
            "folds": d.folds,
            "seeds": d.seeds,
            "strength": _plain(e.alpha),
            "best_strength": _plain(e.best_alpha),
            "one_standard_error_strength": _plain(e.safe_alpha),
            "penalty_acts_at": _plain(e.wiring.at_rest),
            "inputs_without_and_with": list(e.inputs),
            "units_without_and_with": list(e.units),
            "inputs_gone": list(e.gone),
            "references": {name: self.mean(rows) for name, rows in e.references.items()},
            "arms": {name: _plain(value) for name, value in means.items()},
            **(self.why() if e.alpha != 0 else {}),
        }


def _norms(norms: Array) -> dict[str, list[float]]:
    """Mean norms of the weight arrays at up to ten looks."""
    looks = np.unique(np.linspace(0, norms.shape[1] - 1, 10).astype(int))
    means = norms.mean(axis=0)[looks]
    return {f"weight {k + 1}": means[:, 2 * k].tolist() for k in range(means.shape[1] // 2)}


def _ready(value: Any) -> Any:
    """Make plain data ready for JSON, which knows no number that is not finite."""
    if isinstance(value, dict):
        return {name: _ready(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_ready(each) for each in value]
    return _plain(value) if isinstance(value, float) else value


def _plain(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
