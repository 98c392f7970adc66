"""The advice of a fit: findings, each decided here from numbers; :mod:`.advice_wording` has the sentences.

There is a finding if something should be done; most fits have one or two. "Better" and "as well" are defined by
:meth:`ridgewalk.diagnostics.statistics.Effect.outcome`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from ridgewalk.diagnostics.rules import barely_better, share_explained
from ridgewalk.diagnostics.statistics import Outcome
from ridgewalk.report.schema import AsGood, CompetitorName, Difference, Estimate, HeldOut, StrengthSummary, Summary

_HIGH_LOSS = 0.5  # of a constant's loss: a training loss that is high
_NEARLY_ALL, _FEWEST_INPUTS = 0.9, 10  # share of the inputs; of fewer, keeping all is no finding
_CLEAR_ERRORS = 1.96  # standard errors
EstimatorName = Literal["MLPClassifierCV", "MLPRegressorCV"]
"""An estimator that has a parameter which is advised, where the fitted one, a table model, has not."""


@dataclass(frozen=True)
class ChosenOnTheSameRows:
    """With one fold, strength and weights were chosen on the rows that they are scored on."""

    name: ClassVar[str] = "chosen on the same rows"


@dataclass(frozen=True)
class NotBetterThanConstant:
    """The paired difference to the best constant does not lie below 0."""

    name: ClassVar[str] = "no better than a constant"


@dataclass(frozen=True)
class ToldApartOnly:
    """It does not, and yet AUC or accuracy is clearly above the constant's; ``auc`` is that of what predicts."""

    auc: float | None
    name: ClassVar[str] = "told apart, but not by the log loss"


@dataclass(frozen=True)
class BarelyBetterThanConstant:
    """It does, and takes less than 5% of the constant's loss away."""

    share: float
    name: ClassVar[str] = "barely better than a constant"


@dataclass(frozen=True)
class MajorityAsRight:
    """The best constant, the most frequent class, is right as often, though its log loss is higher."""

    share: float
    name: ClassVar[str] = "the most frequent class is right as often"


@dataclass(frozen=True)
class LinearPredictsAsWell:
    """The difference to a linear model lies within the smallest effect, or, if ``better``, above 0."""

    better: bool
    probable: bool = False
    estimator: EstimatorName | None = None

    @property
    def name(self) -> str:
        """That of the finding of a diagnosis."""
        return f"a linear model predicts {'better' if self.better else 'as well'}"


@dataclass(frozen=True)
class SimplerPredictsBetter:
    """The difference to no penalty, or to early stopping, lies above 0."""

    than: CompetitorName
    probable: bool = False
    estimator: EstimatorName | None = None

    @property
    def name(self) -> str:
        """With what is better."""
        return f"{self.than} predicts better"


@dataclass(frozen=True)
class FitsLittle:
    """Without a penalty the network keeps half the constant's loss, or more, on its own training rows."""

    train_loss: float
    null_loss: float
    name: ClassVar[str] = "fits little"


@dataclass(frozen=True)
class EdgeOfGrid:
    """The lowest held-out loss is that of the strongest strength, or of the weakest above 0."""

    alpha: float
    strongest: bool
    name: ClassVar[str] = "best at the edge of the grid"


@dataclass(frozen=True)
class NearlyAllInputs:
    """The chosen network keeps nearly all inputs."""

    kept: int
    total: int
    estimator: EstimatorName | None = None
    name: ClassVar[str] = "nearly all inputs are kept"


@dataclass(frozen=True)
class FewerInputs:
    """Refits of fewer inputs than the selected ones are as good as the best, as far as the rows tell."""

    kept: int
    fewest: int
    name: ClassVar[str] = "fewer inputs may be as good"


@dataclass(frozen=True)
class RulesAgree:
    """Both rules take the same strength: no stronger one is within one paired standard error.

    ``simplest`` is the strongest of those that are as good as the best as far as the rows tell.
    """

    alpha: float
    simplest: float
    name: ClassVar[str] = "min and 1se coincide"


@dataclass(frozen=True)
class MoreRows:
    """Differences that may be 0 and may matter; so many rows would decide each, in this way."""

    needed: tuple[tuple[CompetitorName, int, Outcome], ...]
    rows: int
    name: ClassVar[str] = "cannot tell"


Advice = (
    ChosenOnTheSameRows
    | NotBetterThanConstant
    | ToldApartOnly
    | BarelyBetterThanConstant
    | MajorityAsRight
    | LinearPredictsAsWell
    | SimplerPredictsBetter
    | FitsLittle
    | EdgeOfGrid
    | NearlyAllInputs
    | FewerInputs
    | RulesAgree
    | MoreRows
)
"""A finding: a value, without words."""


def advise(summary: Summary, found: HeldOut, selecting: bool, as_good: AsGood | None = None) -> list[Advice]:
    """Find what is to be done, the most important first.

    Parameters
    ----------
    summary : Summary
        Of the path.
    found : HeldOut
    selecting : bool
        Whether inputs were selected, or refitted: then the path's strengths are no grid.
    as_good : AsGood, optional
        The strengths that are as good as the best, as far as the rows tell.
    """
    advice = [*_of_constant(summary, found), *_of_simpler(found), *_of_training(summary, found)]
    if any(
        isinstance(each, NotBetterThanConstant) for each in advice
    ):  # that a linear model is not better adds nothing
        advice = [each for each in advice if not isinstance(each, LinearPredictsAsWell) or each.better]
    blended = found["competitors"][0]["name"] == "blend"  # of few strengths, which are not the user's own
    grid = [] if selecting or blended else [*_of_grid(summary, as_good)]
    advice += [each for each in grid if isinstance(each, EdgeOfGrid)]
    advice += _of_selected(summary, as_good) if selecting else _of_inputs(summary, found)
    advice += _of_rows(found)
    return [*advice, *(each for each in grid if isinstance(each, RulesAgree))]


def _than(found: HeldOut, name: CompetitorName) -> Difference | None:
    """Return the difference to a competitor, where there is one."""
    return next((each for each in found["differences"] if each["than"] == name), None)


def _of_constant(summary: Summary, found: HeldOut) -> Iterator[Advice]:
    """Find how what predicts stands to the best constant."""
    best, difference = found["competitors"][0], _than(found, "constant")
    if best["chosen_on"] == "the same rows":
        yield ChosenOnTheSameRows()
    loss = best["loss"]["value"]
    if difference is None or difference["verdict"] is None or loss is None:
        return
    more = difference["metrics"]
    if difference["verdict"] != "better":
        apart = any(clearly_above_0(more[name]) for name in ("accuracy", "AUC") if name in more)
        yield ToldApartOnly(best["metrics"]["AUC"]["value"]) if apart else NotBetterThanConstant()
        return
    if barely_better(loss, summary["null_loss"]):
        yield BarelyBetterThanConstant(share_explained(loss, summary["null_loss"]))
    constant = next(each for each in found["competitors"] if each["name"] == "constant")
    usual = constant["metrics"].get("accuracy")
    if usual is not None and usual["value"] is not None and not clearly_above_0(more["accuracy"]):
        yield MajorityAsRight(usual["value"])


def clearly_above_0(estimate: Estimate) -> bool:
    """Return whether an estimate is above 0 by more than chance explains, at 95%."""
    value, error = estimate["value"], estimate["standard_error"]
    return value is not None and error is not None and value > _CLEAR_ERRORS * error


def _of_simpler(found: HeldOut) -> Iterator[Advice]:
    """Find what is simpler and predicts as well, or better."""
    for each in found["differences"]:
        if each["than"] == "linear" and each["verdict"] in ("no difference", "worse"):
            yield LinearPredictsAsWell(each["verdict"] == "worse", each["probable"], _of_one_network(found))
        if each["than"] in ("no penalty", "early stopping") and each["verdict"] == "worse":
            yield SimplerPredictsBetter(each["than"], each["probable"], _of_one_network(found))


def _of_one_network(found: HeldOut) -> EstimatorName | None:
    """Return the estimator of one network for the task of a blend; None where the fitted one is that."""
    if found["competitors"][0]["name"] != "blend":
        return None
    return "MLPClassifierCV" if found["task"] in ("classes", "labels") else "MLPRegressorCV"


def _of_training(summary: Summary, found: HeldOut) -> Iterator[Advice]:
    """Find whether a network without a penalty stays far from its own training rows."""
    unpenalized, null = summary["path"][0], summary["null_loss"]
    hidden = found["competitors"][0]["name"] != "linear"
    if hidden and (little := fits_little(unpenalized, null)):
        yield little


def fits_little(unpenalized: StrengthSummary, null: float) -> FitsLittle | None:
    """Return whether the network at strength 0 keeps at least half the constant's loss on its own training rows.

    Either it is too small, or trained too shortly, or the rest is noise: no loss of its own tells these apart.
    """
    train = unpenalized["train_loss"]
    if unpenalized["alpha"] > 0 or train is None or null <= 0 or train < _HIGH_LOSS * null:
        return None
    return FitsLittle(train, null)


def _of_grid(summary: Summary, as_good: AsGood | None) -> Iterator[Advice]:
    """Find whether the best strength stands at an end of the grid, dropped ones among it, and what the rules take."""
    path = summary["path"]
    strengths = sorted(each["alpha"] for each in (*path, *summary["dropped"]) if each["alpha"] > 0)
    best = next((row for row in path if "min" in row["marks"]), None)
    if best is None or len(strengths) < 2 or not best["alpha"]:
        return
    if best["alpha"] in (strengths[0], strengths[-1]) and best["inputs_kept"]:  # else it is a constant
        yield EdgeOfGrid(best["alpha"], strongest=best["alpha"] == strengths[-1])
    elif "1se" in best["marks"] and best["inputs_kept"]:
        yield RulesAgree(best["alpha"], max(best["alpha"], as_good["high"] if as_good else 0.0))


def _of_inputs(summary: Summary, found: HeldOut) -> Iterator[Advice]:
    """Find whether the chosen network keeps nearly all inputs."""
    total, kept = len(summary["inputs"]), sum(each["kept"] for each in summary["inputs"])
    if found["competitors"][0]["name"] != "linear" and total >= _FEWEST_INPUTS and kept >= _NEARLY_ALL * total:
        yield NearlyAllInputs(kept, total, _of_one_network(found))


def _of_selected(summary: Summary, as_good: AsGood | None) -> Iterator[Advice]:
    """Find whether refits of fewer inputs may be as good as the selected ones."""
    kept = sum(each["kept"] for each in summary["inputs"])
    strongest = [row for row in summary["path"] if as_good and row["alpha"] == as_good["high"]]
    if strongest and "ridge" in strongest[0] and 0 < (fewest := strongest[0]["inputs_kept"]) < kept:
        yield FewerInputs(kept, fewest)


def _of_rows(found: HeldOut) -> Iterator[Advice]:
    """Find how many rows would decide what is undecided."""
    best = found["competitors"][0]
    needed = tuple(
        (each["than"], each["rows_needed"], each["outcome_then"])
        for each in found["differences"]
        if each["rows_needed"] is not None and each["outcome_then"] is not None
    )
    if needed:
        yield MoreRows(needed, best["rows"])
