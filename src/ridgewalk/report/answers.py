"""Short answers to what readers ask first, each made from the page's own numbers, and where on the page to look.

What was left out is in it, too: a reader must not have to ask for it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from ridgewalk.formatting import format_count, format_loss, format_number
from ridgewalk.report.schema import (
    Certainty,
    Effects,
    InputsAlong,
    PathSummary,
    RowsAlong,
    ShortAnswer,
)

_MOST_NAMED = 5
_NOTHING = 1e-3  # of the widest range: an effect that is none
_TURNS = 0.25  # of the range: a curve that goes back by more is no longer rising or falling


def short_answers(
    summary: PathSummary,
    certain: Certainty,
    inputs: InputsAlong,
    held_out: RowsAlong | None,
    effects: Effects | None,
    notes: list[str],
) -> list[ShortAnswer]:
    """Answer, of the chosen strength, what readers ask first."""
    found: list[ShortAnswer] = []

    def tell(question: str, answer: str, section: str) -> None:
        found.append({"question": question, "answer": answer, "section": section})

    tell("Is the best strength clear?", _clarity(summary, certain), "path-section")
    if held_out is not None:
        tell(*_errors(held_out, summary["index"]), "held-out-section")
    if effects is not None:
        tell(*_direction(effects, summary["index"]), "effects-section")
    tell("Which inputs leave first?", _leaving(inputs, summary), "inputs-section")
    tell("What was left out of my data?", _left_out(notes), "card-section")
    return found


def _clarity(summary: PathSummary, certain: Certainty) -> str:
    """Say how many strengths cannot be told from the best one."""
    path = summary["path"]
    if certain["members"] is not None and certain["level"] is not None:
        members, rule = certain["members"], f"in the {certain['level']:.0%} confidence set of the best strength"
    else:
        members, rule = certain["within"], "within one standard error of the minimum, on the same rows"
    alphas = sorted({path[s]["alpha"] for s in members})
    total = len({row["alpha"] for row in path})
    if len(alphas) <= 1:
        return f"Yes: of {total} strengths no other is {rule}."
    ends = f"{format_number(alphas[0])} to {format_number(alphas[-1])}"
    if len(alphas) == total:
        return f"No: all {total} strengths are {rule}, so any of them may be the best."
    word = "Nearly" if len(alphas) <= max(2, total // 4) else "No"
    return f"{word}: {len(alphas)} of {total} strengths, {ends}, are {rule}."


def _errors(rows: RowsAlong, chosen: int) -> tuple[str, str]:
    """Say where held-out predictions go wrong."""
    place = rows["strengths"].index(chosen) if chosen in rows["strengths"] else 0
    if rows["kind"] == "classes":
        question, counts = "Which class is confused with which?", rows["confusion"][place]
        pairs = [
            (counts[i][j], i, j) for i in range(len(counts)) for j in range(len(counts)) if i != j and counts[i][j]
        ]
        right = _percent(rows["score"][place])
        if not pairs:
            return question, f"None: {right} of the held-out rows are right."
        told = [
            f"{_quoted(rows['classes'][i])} is taken for {_quoted(rows['classes'][j])} ({count} of {sum(counts[i])})"
            for count, i, j in sorted(pairs, key=lambda each: (-each[0], each[1:]))[:2]
        ]
        return question, f"{'; '.join(told)}. {right} of the held-out rows are right."
    if rows["kind"] == "labels":
        return "How often is it right?", f"{_percent(rows['score'][place])} of the held-out labels are right."
    misses = sorted(abs(o - p) for o, p in zip(rows["observed"], rows["predicted"][place], strict=True))
    typical = format_number(misses[len(misses) // 2])
    score = rows["score"][place]
    share = "" if score is None else f", and {_percent(max(score, 0.0))} of the variance is explained"
    return "How far off are predictions?", f"Half of the held-out rows are within {typical}{share}."


def _percent(share: float | None) -> str:
    return "an unknown share" if share is None else f"{share:.1%}"


def _direction(effects: Effects, chosen: int) -> tuple[str, str]:
    """Say what the strongest input does to the prediction."""
    first = effects["inputs"][0]
    series = first["lines_of"]
    mean: list[Any] = first["mean"][chosen][series]
    of = effects["response"] if len(effects["series"]) == 1 else f"probability of {effects['series'][series]}"
    if len(effects["series"]) > 1 and effects["response"] != "probability":
        of = effects["series"][series]
    question = "What happens as an input rises?"
    if any(value is None for value in mean) or max(mean) - min(mean) <= 0:
        return question, "Nothing: at this strength the prediction is the same for all rows."
    name = _quoted(first["name"])
    if first["kind"] == "category":
        low, high = (first["labels"][mean.index(end)] for end in (min(mean), max(mean)))
        return question, (
            f"{name} matters most: the {of} goes from {format_number(min(mean))} ({low}) to "
            f"{format_number(max(mean))} ({high}), on average."
        )
    start, end = (format_number(value) for value in (mean[0], mean[-1]))
    return question, f"{name} matters most: as it rises, the {of} {_shape(mean)} ({start} to {end}, on average)."


def _shape(mean: list[float]) -> str:
    """Say what a curve does from left to right."""
    width = max(mean) - min(mean)
    ups = sum(max(b - a, 0.0) for a, b in pairwise(mean))
    downs = sum(max(a - b, 0.0) for a, b in pairwise(mean))
    if downs <= _TURNS * width:
        return "rises"
    if ups <= _TURNS * width:
        return "falls"
    lowest, highest = mean.index(min(mean)), mean.index(max(mean))
    return "rises, then falls" if 0 < highest < len(mean) - 1 and highest <= lowest else "falls and rises"


def _leaving(inputs: InputsAlong, summary: PathSummary) -> str:
    """Say in which order inputs leave as the strength rises."""
    gone = [(leaves, name) for name, leaves in zip(inputs["names"], inputs["leaves"], strict=True)]
    kept = summary["path"][summary["index"]]["inputs_kept"]
    total = len(inputs["names"]) + inputs["left_out"]
    order = [name for _, name in sorted(gone, key=lambda each: -1.0 if each[0] is None else each[0])]
    told = ", ".join(map(_quoted, order[:_MOST_NAMED])) + (" ..." if len(order) > _MOST_NAMED else "")
    if len(order) < 2:
        return f"There is one input; the chosen network keeps {kept}."
    keeps = f"{kept} of {format_count(total, 'input')}"
    return f"First {told}; last {_quoted(order[-1])}. The chosen network keeps {keeps}."


def _left_out(notes: list[str]) -> str:
    """Say what became of columns that are not used as they came."""
    if not notes:
        return "Nothing that is known here: every column that was given takes part."
    return " ".join(notes[:2]) + (f" And {format_count(len(notes) - 2, 'more note')}." if len(notes) > 2 else "")


def _quoted(name: str) -> str:
    return f"“{name}”"


def headline(summary: PathSummary) -> str:
    """Say in one sentence how good the chosen network is, beside a constant and no penalty."""
    chosen = summary["path"][summary["index"]]
    loss, null = chosen["heldout_loss"], summary["null_loss"]
    if loss is None:
        return "The chosen network diverged on a fold."
    beside = f"a constant {format_loss(null)}"
    free = summary["path"][0]
    if free["alpha"] == 0 and summary["alpha"] > 0 and free["heldout_loss"] is not None:
        beside += f", without a penalty {format_loss(free['heldout_loss'])}"
    linear = summary.get("linear")
    if linear is not None:
        beside += f", a linear model {format_loss(linear['heldout_loss'])}"
    error = f" ± {format_loss(chosen['standard_error'])}" if chosen["standard_error"] is not None else ""
    kept = f"{chosen['inputs_kept']} inputs and {chosen['weights_kept']:,} weights"
    return f"Held-out loss {format_loss(loss)}{error} with {kept}; {beside}."
