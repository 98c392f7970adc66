"""The sentences of a fit's advice: what was found, and what to do; :mod:`.advice` decides what is found."""

from __future__ import annotations

from functools import singledispatch

from ridgewalk.diagnostics.statistics import Outcome
from ridgewalk.diagnostics.wording import claimed
from ridgewalk.formatting import format_loss, format_number
from ridgewalk.report.advice import (
    Advice,
    BarelyBetterThanConstant,
    ChosenOnTheSameRows,
    EdgeOfGrid,
    EstimatorName,
    FewerInputs,
    FitsLittle,
    LinearPredictsAsWell,
    MajorityAsRight,
    MoreRows,
    NearlyAllInputs,
    NotBetterThanConstant,
    RulesAgree,
    SimplerPredictsBetter,
    ToldApartOnly,
)
from ridgewalk.report.schema import CompetitorName

_NAMES: dict[CompetitorName, str] = {
    "blend": "the blend",
    "network": "the single network",
    "linear": "a linear model",
    "early stopping": "early stopping",
    "no penalty": "no penalty",
    "constant": "a constant",
}
_MOST_ROWS_FACTOR = 100  # times the rows


@singledispatch
def sentence_of(found: Advice) -> str:
    """Return what was found, and what to do about it, in words: there is a function for every class of findings."""
    raise TypeError(f"There are no words for {type(found).__name__}: register a function of sentence_of for it.")


@sentence_of.register
def _(_: ChosenOnTheSameRows) -> str:
    return (
        "With one fold the choice was made on the very rows that are scored, so these numbers flatter: ask for more "
        "folds."
    )


@sentence_of.register
def _(_: NotBetterThanConstant) -> str:
    return (
        "Not clearly better than a constant: look at the columns (is what decides the target among them?), and at the "
        "rows (are there enough?)."
    )


@sentence_of.register
def _(found: ToldApartOnly) -> str:
    auc = "" if found.auc is None else f" (AUC {found.auc:.3f})"
    return (
        f"Classes are told apart{auc}, and yet the log loss is not clearly below a constant's: some probabilities are "
        "far too sure, or the rows are few. Take a stronger penalty (--selection 1se), or calibrate the probabilities."
    )


@sentence_of.register
def _(found: BarelyBetterThanConstant) -> str:
    return (
        f"Barely better than a constant: {found.share:.1%} of its loss is taken away. Look at the columns: is what "
        "decides the target among them?"
    )


@sentence_of.register
def _(found: MajorityAsRight) -> str:
    return (
        f"Accuracy says little here: it is not clearly above that of the most frequent class alone, {found.share:.1%}. "
        "Read the AUC and the log loss, and predict probabilities."
    )


@sentence_of.register
def _(found: LinearPredictsAsWell) -> str:
    how = claimed("better", found.probable) if found.better else "as well"
    option = _in_python("hidden_layer_sizes=()", found.estimator)
    return f"A linear model predicts {how}: take it (--hidden none; {option})."


@sentence_of.register
def _(found: SimplerPredictsBetter) -> str:
    if found.than == "early stopping":
        who, what = "Early stopping without a penalty", "a penalty is not what this network needs"
    else:
        who, what = "No penalty", f"leave it out (--alphas 0.0; {_in_python('alphas=[0]', found.estimator)})"
    return f"{who} {claimed('predicts better', found.probable)}: {what}."


@sentence_of.register
def _(found: FitsLittle) -> str:
    return (
        f"Even without a penalty the network loses {format_loss(found.train_loss)} on its own training rows, and a "
        f"constant {format_loss(found.null_loss)}: it is too small, or trained too shortly, or the rest is noise. More "
        "hidden units, layers or epochs tell; a diagnosis compares it with other models."
    )


@sentence_of.register
def _(found: EdgeOfGrid) -> str:
    end, more = ("strongest", "stronger") if found.strongest else ("weakest", "weaker")
    return (
        f"The best strength, {format_number(found.alpha, 4)}, is the {end} of the grid: give {more} ones (--alphas; in "
        "Python alphas)."
    )


@sentence_of.register
def _(found: NearlyAllInputs) -> str:
    how_many = f"All {found.total}" if found.kept == found.total else f"{found.kept} of {found.total}"
    option = f"--select-inputs ({_in_python('select_inputs=True', found.estimator)})"
    instead = (
        ""
        if found.estimator is None
        else ", by one network instead of the blend: ridgewalk compare tells what that loses"
    )
    return f"{how_many} inputs are kept: {option} looks for fewer that predict as well{instead}."


@sentence_of.register
def _(found: FewerInputs) -> str:
    return (
        f"{found.kept} inputs are selected, and as few as {found.fewest} may predict as well, as far as these rows "
        "tell: --selection simplest (in Python selection='simplest') looks for the fewest."
    )


@sentence_of.register
def _(found: MoreRows) -> str:
    needed = "; ".join(
        f"{_outcome(then)} {_NAMES[than]} from {_rows_needed(count, found.rows)}" for than, count, then in found.needed
    )
    return f"More rows than {found.rows:,} may settle what cannot be told, if the differences stay. In all: {needed}."


def _outcome(then: Outcome) -> str:
    """Return what rows would show."""
    return "as good as" if then == "no difference" else f"{then} than"


@sentence_of.register
def _(found: RulesAgree) -> str:
    begin = f"min and 1se are one strength, {format_number(found.alpha, 4)}"
    if found.simplest > found.alpha:
        return (
            f"{begin}, but up to {format_number(found.simplest, 4)} others may be as good: --selection simplest (in "
            "Python selection='simplest') takes the sparsest."
        )
    return f"{begin}: no sparser network of this path predicts as well."


def _in_python(parameter: str, estimator: EstimatorName | None) -> str:
    """Return how a parameter is given in Python, to the fitted estimator or to another."""
    return f"in Python {parameter}" if estimator is None else f"in Python {parameter} of {estimator}"


def _rows_needed(count: int, rows: int) -> str:
    """Return about how many rows are needed."""
    if count > _MOST_ROWS_FACTOR * rows:
        return f"over {_MOST_ROWS_FACTOR} times as many"
    return f"about {int(float(f'{count:.2g}')):,}"
