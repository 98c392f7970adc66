"""The answer of a fit: how good it is, how sure, compared with what, and what to do now.

The terminal, ``summary()``, the HTML report, notebooks and ``answer_`` all use one :class:`AnswerSummary` and show the
cells of one table; none of them computes or rounds by itself.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ridgewalk.diagnostics.wording import CAREFUL_INTERVAL, claimed
from ridgewalk.formatting import decimals_for, format_count, format_estimate, format_number
from ridgewalk.markup import element, table
from ridgewalk.path.dependence import Kind as Dependent
from ridgewalk.report.advice import advise, clearly_above_0
from ridgewalk.report.advice_wording import sentence_of
from ridgewalk.report.rounding import short
from ridgewalk.report.schema import (
    AnswerSummary,
    AsGood,
    Competitor,
    CompetitorName,
    Difference,
    Estimate,
    HeldOut,
    InputWeight,
    Summary,
    Task,
    WeightedInputs,
)
from ridgewalk.report.summary import FEW_LEFT_OUT, MOST_NAMES, by_use, inputs_sentence, strength_sentence

if TYPE_CHECKING:
    import pandas as pd

    from ridgewalk.diagnostics.metrics import Metric

_SHARES: tuple[Metric, ...] = (
    "accuracy",
    "AUC",
    "R2",
)  # shown to three decimals; others, to two digits of the error
_ROWS: dict[CompetitorName, str] = {
    "blend": "blend",
    "network": "network",
    "linear": "linear model",
    "early stopping": "early stopping",
    "no penalty": "no penalty",
    "constant": "constant",
}
_WIDTH = 80
_MOST_SHARES = 5  # inputs whose shares are said
_LONGEST_NAME = 40  # characters of an input's name among them
_LEAST_SHARE = 0.005

_MAJORITY = "the most frequent class"
_PROBABLY = f'"probably" where {CAREFUL_INTERVAL} contains 0'
_OF_TASK: dict[Task, str] = {
    "classes": "",
    "labels": " Accuracy and AUC are means over the labels, the log loss is their sum.",
    "number": "",
    "numbers": " Metrics are means over the targets.",
}

_UNITS: dict[Dependent, str] = {"rows": "rows", "groups": "groups of rows", "time": "blocks of rows in time"}

Kind = Literal["headline", "cells", "note", "sentence", "title", "advice"]


@dataclass(frozen=True)
class Line:
    """A line of an answer, or a row of its table, as plain text that is not wrapped."""

    kind: Kind
    text: str

    def wrapped(self, width: int) -> list[str]:
        """Break it between words; a row of the table stays whole."""
        if self.kind == "cells":
            return [self.text]
        if self.kind == "title":
            return ["", self.text]
        return textwrap.wrap(self.text, width, subsequent_indent="  " if self.kind == "advice" else "")


def answered(
    summary: Summary, found: HeldOut, selecting: bool, shares: Mapping[str, float], as_good: AsGood | None
) -> AnswerSummary:
    """Put together what a fit reached on held-out rows, the inputs and the strength of its path, and what to do now.

    Parameters
    ----------
    summary : Summary
        Of the path.
    found : HeldOut
    selecting : bool
        Whether inputs were selected, or refitted.
    shares : mapping of str to float
        How much what predicts weighs each input, by its name.
    as_good : AsGood or None
        Of the path's strengths.
    """
    advice = advise(summary, found, selecting, as_good)
    return AnswerSummary(
        **found,
        inputs={"names": by_use(summary, True), "left_out": by_use(summary, False)},
        weighted_inputs=_weighted(shares),
        as_good=as_good,
        alpha=summary["alpha"],
        selection=summary["selection"],
        advice=[{"name": each.name, "sentence": sentence_of(each)} for each in advice],
    )


def _weighted(shares: Mapping[str, float]) -> WeightedInputs:
    """Return the inputs that weigh most; of equal ones, the first of the table."""
    used = sorted((name for name, share in shares.items() if share > 0), key=lambda name: -shares[name])
    heaviest: list[InputWeight] = [{"name": name, "share": shares[name]} for name in used[:MOST_NAMES]]
    return {"heaviest": heaviest, "used": len(used), "of": len(shares)}


@dataclass(frozen=True, eq=False, repr=False)
class Answer:
    """Performance of a fitted model on held-out rows with standard errors, compared with simpler models.

    Print it for the output of ``ridgewalk fit``.

    Attributes
    ----------
    summary : AnswerSummary
        Everything as plain data, ready for JSON: the ``"answer"`` of the estimator's ``summary()``.
    """

    summary: AnswerSummary

    def __str__(self) -> str:
        return "\n".join(text for line in lines(self.summary) for text in line.wrapped(_WIDTH))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Show it in a notebook."""
        return answer_html(self.summary)

    def to_frame(self) -> pd.DataFrame:
        """Return the table as a frame, a row for each competitor, what the model predicts with first.

        Returns
        -------
        DataFrame
            Every metric and its standard error ("AUC", "AUC error", ...), the rows that were scored; and of the first
            less each other one, row by row: the "difference" of the held-out losses (below 0 the first is better), its
            "error", the ends "low" and "high" of its 95% interval, the "verdict", and whether it is only "probable".
        """
        import pandas as pd

        difference = {each["than"]: each for each in self.summary["differences"]}
        rows = {}
        for each in self.summary["competitors"]:
            row: dict[str, float | int | str | bool | None] = {"rows": each["rows"]}
            for metric, estimate in each["metrics"].items():
                row |= {metric: estimate["value"], f"{metric} error": estimate["standard_error"]}
            if each["name"] in difference:
                its = difference[each["name"]]
                row |= {"difference": its["loss"]["value"], "error": its["loss"]["standard_error"]}
                row |= {"low": its["low"], "high": its["high"]}
                row |= {"verdict": its["verdict"], "probable": its["probable"]}
            rows[row_label(self.summary, each["name"])] = row
        return pd.DataFrame.from_dict(rows, orient="index")


def row_label(answer: HeldOut, name: CompetitorName) -> str:
    """Return what a competitor is called in the table."""
    single = name == "network" and answer["competitors"][0]["name"] == "blend"
    return "single network" if single else _ROWS[name]


def answer_table(answer: AnswerSummary) -> tuple[list[str], list[list[str]]]:
    """Return the head and the cells of the table: a row for each competitor, what the model predicts with first."""
    first = answer["competitors"][0]
    verdict = {each["than"]: claimed(each["verdict"] or "", each["probable"]) for each in answer["differences"]}
    decimals = {metric: _decimals(metric, answer["competitors"]) for metric in first["metrics"]}
    cells = [
        [
            row_label(answer, each["name"]),
            *(_estimate(each["metrics"][metric], decimals[metric]) for metric in first["metrics"]),
            verdict.get(each["name"], ""),
        ]
        for each in answer["competitors"]
    ]
    return ["", *first["metrics"], "verdict" if any(verdict.values()) else ""], cells


def _decimals(metric: Metric, competitors: Sequence[Competitor]) -> int:
    """Return the decimals of a metric's column: those that show the first known error."""
    if metric in _SHARES:
        return 3
    errors = (each["metrics"][metric]["standard_error"] for each in competitors)
    return decimals_for(next((error for error in errors if error), None))


def _estimate(estimate: Estimate, decimals: int, sign: str = "") -> str:
    return format_estimate(estimate["value"], estimate["standard_error"], decimals, sign)


def lines(answer: AnswerSummary) -> list[Line]:
    """Return the answer as plain lines: what is said first, the table, what goes along, what to do now."""
    head, cells = answer_table(answer)
    widths = [max(len(row[k]) for row in (head, *cells)) for k in range(len(head))]
    rows = [
        "  ".join(
            cell.ljust(width) if k in (0, len(head) - 1) else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *cells)
    ]
    found = [Line("headline", headline(answer)), *(Line("cells", row) for row in rows)]
    found += [Line("note", note(answer)), *(Line("sentence", each) for each in facts_of(answer))]
    if answer["advice"]:
        found += [Line("title", "What now"), *(Line("advice", f"- {each['sentence']}") for each in answer["advice"])]
    return found


def headline(answer: AnswerSummary) -> str:
    """Return how good what predicts is, in one sentence."""
    first, metrics = answer["competitors"][0], answer["competitors"][0]["metrics"]
    constant = next(each["metrics"] for each in answer["competitors"] if each["name"] == "constant")
    who = f"The {row_label(answer, first['name'])}"
    unseen = "rows it did not see"
    if "accuracy" in metrics and metrics["accuracy"]["value"] is not None:
        share = constant["accuracy"]["value"]
        what, alone = ("labels of the ", "always the more frequent") if answer["task"] == "labels" else ("", _MAJORITY)
        beside = "" if share is None else f"; {alone}, on {share:.1%}"
        return f"{who} is right on {_percent(metrics['accuracy'])} of the {what}{unseen}{beside}."
    if "R2" in metrics and metrics["RMSE"]["value"] is not None:
        decimals = _decimals("RMSE", answer["competitors"])
        own = _estimate(metrics["RMSE"], decimals)
        usual = format_estimate(constant["RMSE"]["value"], None, decimals)
        return f"{who} {_explains(metrics['R2'], unseen)} misses by {own} (RMSE), a constant by {usual}."
    return f"How good {who.lower()} is on {unseen} cannot be said: its training diverged, or nothing was held out."


def _explains(share: Estimate, unseen: str) -> str:
    """Return what a model explains of the variance, in words no stronger than the share's interval."""
    value, error = share["value"], share["standard_error"]
    if value is None:
        return f"on {unseen}"
    if error is None or clearly_above_0(share):
        return f"explains {_percent(share)} of the variance of {unseen}; it"
    if value > 0:
        return f"may explain nothing of the variance of {unseen} ({_percent(share)}); it"
    return f"explains nothing of the variance of {unseen} ({_percent(share)}); it"


def _percent(estimate: Estimate) -> str:
    value, error = estimate["value"], estimate["standard_error"]
    share = "an unknown share" if value is None else f"{float(f'{value:.3f}'):.1%}"  # rounded once, as in the table
    return share if not error else f"{share} +- {error:.1%}"


def note(answer: AnswerSummary) -> str:
    """Return what the numbers of the table are."""
    first = answer["competitors"][0]
    folds = format_count(answer["folds"], "fold")
    text = f"{first['rows']:,} rows, held out by {folds}; +- one standard error over {_UNITS[answer['dependence']]}."
    if first["chosen_on"] == "other folds":
        text += " Each fold is scored with what the other folds chose."
    if any(each["verdict"] for each in answer["differences"]):
        who = row_label(answer, first["name"])
        text += f" The verdict is on the {who}, by the paired difference of the losses ({answer['loss']})"
        text += f": {_PROBABLY}." if any(each["probable"] for each in answer["differences"]) else "."
    text += " Rows count by their weights." * answer["weighted"] + _OF_TASK[answer["task"]]
    part = [each for each in answer["competitors"] if each["rows"] < first["rows"]]
    return text + "".join(f" {row_label(answer, each['name']).capitalize()}: {each['rows']:,} rows." for each in part)


def facts_of(answer: AnswerSummary) -> list[str]:
    """Return what goes along with the table: the differences, the inputs kept, and the strength, which comes last."""
    known = [each for each in answer["differences"] if each["loss"]["value"] is not None]
    who = row_label(answer, answer["competitors"][0]["name"])
    sentences = []
    if known:
        pairs = [f"{row_label(answer, each['than'])} {_interval(each)}" for each in known]
        sentences.append(f"Loss of the {who} less that of (95% interval): {'; '.join(pairs)}.")
    if "corrected_minimum" in answer:
        least = answer["corrected_minimum"]
        sentences.append(f"Lowest held-out loss, corrected for its choice: {_estimate(least, _decimals_of(least))}.")
    blend = who == "blend"
    sentences.append(_weights_sentence(answer, blend))
    if blend:
        sentences.append(
            inputs_sentence(answer["inputs"]["names"], answer["inputs"]["left_out"], " by the single network")
        )
    sentences.append(strength_sentence(answer["alpha"], answer["selection"], " of the single network" * blend))
    if answer["as_good"] is not None:
        sentences.append(_as_good_sentence(answer["as_good"], blend))
    return sentences


def _interval(difference: Difference) -> str:
    """Return a difference of losses, and its interval where that is finite."""
    estimate, low, high = difference["loss"], difference["low"], difference["high"]
    decimals = _decimals_of(estimate)
    mean = format_estimate(estimate["value"], None, decimals, "+")
    if low is None or high is None:
        return mean
    return f"{mean} ({' to '.join(format_estimate(end, None, decimals, '+') for end in (low, high))})"


def _weights_sentence(answer: AnswerSummary, blend: bool) -> str:
    """Return which inputs what predicts uses, of how many, and how much it weighs the heaviest."""
    found, left_out = answer["weighted_inputs"], [] if blend else answer["inputs"]["left_out"]
    used, of, heaviest = found["used"], found["of"], found["heaviest"]
    without = f" (all but {', '.join(left_out)})" if 0 < len(left_out) <= min(FEW_LEFT_OUT, used - 1) else ""
    begin = f"Inputs {'used by the blend' if blend else 'kept'}, {used} of {of}{without}"
    if not used:
        return f"{begin}: none."
    named = [f"{short(each['name'], _LONGEST_NAME)} {_share(each['share'])}" for each in heaviest[:_MOST_SHARES]]
    others = [] if blend or without else [each["name"] for each in heaviest[_MOST_SHARES:]]
    others = others if used < of else []
    more = used - len(named) - len(others)
    then = f", then {', '.join(others)}" if others else ""
    return f"{begin}, by weight, not effect: {', '.join(named)}{then}{f' and {more} more' if more else ''}."


def _share(share: float) -> str:
    """Return a share above 0."""
    return f"{share:.0%}" if share >= _LEAST_SHARE else "<1%"


def _as_good_sentence(found: AsGood, blend: bool) -> str:
    """Return which strengths may be the best; a blend tries few, so that those between its own are not known."""
    ends = f"{format_number(found['low'])} to {format_number(found['high'])}"
    which = f"strengths {ends} ({found['members']} of {found['of']}"
    if found["members"] == 1:
        which = f"no other strength (1 of {found['of']}"
    elif found["members"] == found["of"]:
        which = f"all {found['of']} strengths ({ends}"
    by = " in held-out loss" if found["scored"] else ""
    apart = " of a blend's few (--no-blend tries more)" * blend
    return f"As good as the best{apart}{by}, as far as the rows tell: {which})."


def _decimals_of(estimate: Estimate) -> int:
    return decimals_for(estimate["standard_error"])


def answer_html(answer: AnswerSummary) -> str:
    """Write the answer as a piece of HTML without script or style."""
    sentences = [note(answer), *facts_of(answer)]
    return f"{_headline_html(answer)}{_table_html(answer)}{_paragraphs(sentences)}{_advice_html(answer)}"


def answer_section(answer: AnswerSummary) -> str:
    """Write the answer as the head of a page: the table beside what to do now, and what goes along to be opened."""
    shown = f'<div class="wide" tabindex="0" role="region" aria-label="Held-out scores">{_table_html(answer)}</div>'
    advice = f'<div class="advice">{_advice_html(answer)}</div>' if answer["advice"] else ""
    return (
        '<section class="answer" id="answer" aria-label="The answer">'
        f'{_headline_html(answer)}<div class="beside">{shown}{advice}</div><p class="note">{_escaped(note(answer))}</p>'
        f"<details data-print><summary>Differences, inputs and strength</summary>{_paragraphs(facts_of(answer))}"
        "</details></section>"
    )


def _headline_html(answer: AnswerSummary) -> str:
    return element("p", _typeset(headline(answer)))


def _table_html(answer: AnswerSummary) -> str:
    head, cells = answer_table(answer)
    return table(head, [[_typeset(cell) for cell in row] for row in cells], 0)


def _paragraphs(sentences: Sequence[str]) -> str:
    return "".join(element("p", _typeset(each)) for each in sentences)


def _advice_html(answer: AnswerSummary) -> str:
    """Write what to do now, where there is anything."""
    advice = "".join(element("li", each["sentence"]) for each in answer["advice"])
    return f"{element('p', 'What now')}<ul>{advice}</ul>" if advice else ""


def _escaped(text: str) -> str:
    return html.escape(_typeset(text))


def _typeset(text: str) -> str:
    """Return text with the sign that a page has for a standard error."""
    return text.replace("+- ", "± ")
