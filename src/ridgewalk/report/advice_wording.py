"""The sentences of a fit's advice: what was found, and what to do; :mod:`.advice` decides what is found."""

from __future__ import annotations

from functools import singledispatch

from ridgewalk.formatting import format_loss, format_number
from ridgewalk.report.advice import (
    Advice,
    BarelyBetterThanConstant,
    ChosenOnTheSameRows,
    EdgeOfGrid,
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
    how = "better" if found.better else "as well"
    return f"A linear model predicts {how}: take it (--hidden none; in Python hidden_layer_sizes=())."


@sentence_of.register
def _(found: SimplerPredictsBetter) -> str:
    if found.than == "early stopping":
        return "Early stopping without a penalty predicts better: a penalty is not what this network needs."
    return "No penalty predicts better: leave it out (--alphas 0.0; in Python alphas=[0])."


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
    return f"{how_many} inputs are kept: --select-inputs (in Python select_inputs=True) finds those that are needed."


@sentence_of.register
def _(found: MoreRows) -> str:
    needed = "; ".join(f"from {_NAMES[than]} {_rows_needed(count, found.rows)}" for than, count in found.needed)
    return (
        f"More rows than {found.rows:,} would settle what cannot be told, if the differences stay: to tell it {needed}."
    )


@sentence_of.register
def _(found: RulesAgree) -> str:
    return (
        f"min and 1se are one strength, {format_number(found.alpha, 4)}: no sparser network of this path predicts as "
        "well."
    )


def _rows_needed(count: int, rows: int) -> str:
    """Return about how many rows are needed."""
    if count > _MOST_ROWS_FACTOR * rows:
        return f"over {_MOST_ROWS_FACTOR} times as many"
    return f"about {int(float(f'{count:.2g}')):,}"
