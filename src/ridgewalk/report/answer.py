"""The answer of a fit: how good, how sure, better than what, and what to do now; what every view of it shows.

The terminal, ``summary()``, the page, a notebook and ``answer_`` all read one :class:`AnswerSummary`, and show the
cells of one table: no view counts or rounds by itself.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ridgewalk.formatting import decimals_for, format_estimate
from ridgewalk.markup import element, table
from ridgewalk.report.advice import advise
from ridgewalk.report.advice_wording import sentence_of
from ridgewalk.report.schema import AnswerSummary, Competitor, CompetitorName, Estimate, HeldOut, Summary
from ridgewalk.report.summary import inputs_sentence, strength_sentence

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

Kind = Literal["headline", "cells", "note", "sentence", "title", "advice"]


@dataclass(frozen=True)
class Line:
    """A line of an answer, or a row of its table, as plain text that is not wrapped."""

    kind: Kind
    text: str


def answered(summary: Summary, found: HeldOut, selecting: bool) -> AnswerSummary:
    """Put together what a fit reached on held-out rows, the inputs and the strength of its path, and what to do now.

    Parameters
    ----------
    summary : Summary
        Of the path.
    found : HeldOut
    selecting : bool
        Whether inputs were selected, or refitted.
    """
    return AnswerSummary(
        **found,
        inputs={
            "names": [each["name"] for each in summary["inputs"] if each["kept"]],
            "total": len(summary["inputs"]),
        },
        alpha=summary["alpha"],
        selection=summary["selection"],
        advice=[{"name": each.name, "sentence": sentence_of(each)} for each in advise(summary, found, selecting)],
    )


def answer_in(summary: Summary) -> AnswerSummary:
    """Return the answer of a fitted model's summary.

    Raises
    ------
    ValueError
        If there is none: the model comes from a file of an earlier ridgewalk.
    """
    if "answer" not in summary:
        raise ValueError(
            "This model comes from a file that says nothing of held-out metrics, as an earlier ridgewalk wrote it: fit "
            "it again, and ask that one."
        )
    return summary["answer"]


@dataclass(frozen=True, eq=False, repr=False)
class Answer:
    """How good a fitted model is on rows that it did not see, how sure that is, and better than what.

    Print it for what ``ridgewalk fit`` shows.

    Attributes
    ----------
    summary : AnswerSummary
        Everything as plain data, ready for JSON: the ``"answer"`` of the estimator's ``summary()``.
    """

    summary: AnswerSummary

    def __str__(self) -> str:
        wrapped = []
        for line in lines(self.summary):
            indent = "  " if line.kind == "advice" else ""
            wrapped += (
                [line.text]
                if line.kind == "cells" or not line.text
                else textwrap.wrap(line.text, _WIDTH, subsequent_indent=indent)
            )
        return "\n".join(wrapped)

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
            "error", the ends "low" and "high" of its 95% interval, and the "verdict".
        """
        import pandas as pd

        difference = {each["than"]: each for each in self.summary["differences"]}
        rows = {}
        for each in self.summary["competitors"]:
            row: dict[str, float | int | str | None] = {"rows": each["rows"]}
            for metric, estimate in each["metrics"].items():
                row |= {metric: estimate["value"], f"{metric} error": estimate["standard_error"]}
            if each["name"] in difference:
                its = difference[each["name"]]
                row |= {"difference": its["loss"]["value"], "error": its["loss"]["standard_error"]}
                row |= {"low": its["low"], "high": its["high"], "verdict": its["verdict"]}
            rows[row_label(self.summary, each["name"])] = row
        return pd.DataFrame.from_dict(rows, orient="index")


def row_label(answer: HeldOut, name: CompetitorName) -> str:
    """Return what a competitor is called in the table."""
    single = name == "network" and answer["competitors"][0]["name"] == "blend"
    return "single network" if single else _ROWS[name]


def answer_table(answer: AnswerSummary) -> tuple[list[str], list[list[str]]]:
    """Return the head and the cells of the table: a row for each competitor, what the model predicts with first."""
    first = answer["competitors"][0]
    verdict = {each["than"]: each["verdict"] or "" for each in answer["differences"]}
    decimals = {metric: _decimals(metric, answer["competitors"]) for metric in first["metrics"]}
    cells = [
        [
            row_label(answer, each["name"]),
            *(_estimate(each["metrics"][metric], decimals[metric]) for metric in first["metrics"]),
            verdict.get(each["name"], ""),
        ]
        for each in answer["competitors"]
    ]
    return ["", *first["metrics"], f"{row_label(answer, first['name'])} is"], cells


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
    said = [Line("headline", headline(answer)), *(Line("cells", row) for row in rows)]
    said += [Line("note", note(answer)), *(Line("sentence", each) for each in facts_of(answer))]
    if answer["advice"]:
        said += [Line("title", "What now"), *(Line("advice", f"- {each['sentence']}") for each in answer["advice"])]
    return said


def headline(answer: AnswerSummary) -> str:
    """Return how good what predicts is, in one sentence."""
    first, metrics = answer["competitors"][0], answer["competitors"][0]["metrics"]
    constant = next(each["metrics"] for each in answer["competitors"] if each["name"] == "constant")
    who = f"The {row_label(answer, first['name'])}"
    unseen = "rows it did not see"
    if "accuracy" in metrics and metrics["accuracy"]["value"] is not None:
        share = constant["accuracy"]["value"]
        beside = "" if share is None else f"; the most frequent class alone, on {share:.1%}"
        return f"{who} is right on {_percent(metrics['accuracy'])} of the {unseen}{beside}."
    if "R2" in metrics and metrics["RMSE"]["value"] is not None:
        decimals = _decimals("RMSE", answer["competitors"])
        own = _estimate(metrics["RMSE"], decimals)
        usual = format_estimate(constant["RMSE"]["value"], None, decimals)
        explains = f"explains {_percent(metrics['R2'])} of the variance of {unseen}; it"
        explains = explains if metrics["R2"]["value"] is not None else f"on {unseen}"
        return f"{who} {explains} misses by {own} (RMSE), a constant by {usual}."
    return f"How good {who.lower()} is on {unseen} cannot be said: its training diverged, or nothing was held out."


def _percent(estimate: Estimate) -> str:
    value, error = estimate["value"], estimate["standard_error"]
    said = "an unknown share" if value is None else f"{value:.1%}"
    return said if not error else f"{said} +- {error:.1%}"


def note(answer: AnswerSummary) -> str:
    """Return what the numbers of the table are."""
    first = answer["competitors"][0]
    folds = answer["folds"]
    said = (
        f"{first['rows']:,} rows, held out by {'one fold' if folds == 1 else f'{folds} folds'}; +- one standard error."
    )
    if first["chosen_on"] == "other folds":
        said += " Each fold is scored with what the other folds chose."
    part = [each for each in answer["competitors"] if each["rows"] < first["rows"]]
    return said + "".join(f" {row_label(answer, each['name']).capitalize()}: {each['rows']:,} rows." for each in part)


def facts_of(answer: AnswerSummary) -> list[str]:
    """Return what goes along with the table: the differences, the inputs kept, and the strength, which comes last."""
    known = [each for each in answer["differences"] if each["loss"]["value"] is not None]
    who = row_label(answer, answer["competitors"][0]["name"])
    said = []
    if known:
        told = [
            f"{row_label(answer, each['than'])} {_estimate(each['loss'], _decimals_of(each['loss']), '+')}"
            for each in known
        ]
        said.append(f"Held-out loss ({answer['loss']}), {who} less the other: {'; '.join(told)}.")
    single = who == "blend"
    said.append(
        inputs_sentence(answer["inputs"]["names"], answer["inputs"]["total"], " by the single network" * single)
    )
    said.append(strength_sentence(answer["alpha"], answer["selection"], " of the single network" * single))
    return said


def _decimals_of(estimate: Estimate) -> int:
    return decimals_for(estimate["standard_error"])


def answer_html(answer: AnswerSummary) -> str:
    """Write the answer as a piece of HTML without script or style."""
    head, cells = answer_table(answer)
    said = [headline(answer), *facts_of(answer)]
    advice = "".join(element("li", each["sentence"]) for each in answer["advice"])
    return "".join(
        [
            element("p", said[0]),
            table(head, cells, 0),
            element("p", note(answer)),
            *(element("p", each) for each in said[1:]),
            f"{element('p', 'What now')}<ul>{advice}</ul>" if advice else "",
        ]
    )
