"""The short answers at the top of the HTML report, from its own numbers, with links to the charts.

They also report the columns that were left out.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from ridgewalk.formatting import format_count, format_number
from ridgewalk.report.schema import (
    Certainty,
    EffectOf,
    Effects,
    InputsAlong,
    PathSummary,
    RowsAlong,
    ShortAnswer,
)
from ridgewalk.report.summary import count_strengths

_MOST_NAMED = 3
_NO_EFFECT = 1e-3  # of the widest range: an effect that is none
_TURNING_SHARE = 0.25  # of the range: a curve that goes back by more is no longer rising or falling


def short_answers(
    summary: PathSummary,
    certain: Certainty,
    inputs: InputsAlong,
    held_out: RowsAlong | None,
    effects: Effects | None,
    notes: list[str],
    model: str = "network",
) -> list[ShortAnswer]:
    """Answer the first questions of readers for the chosen strength; ``model`` names the model in a word."""
    found: list[ShortAnswer] = []

    def add(question: str, answer: str, section: str) -> None:
        found.append({"question": question, "answer": answer, "section": section})

    add("Is the best strength clear?", _clarity(summary, certain), "path-section")
    if held_out is not None:
        add(*_errors(held_out, summary["index"]), "held-out-section")
    if effects is not None:
        add(*_direction(effects, summary["index"]), "effects-section")
    add("Which inputs leave first?", _leaving(inputs, summary, model), "inputs-section")
    add("What was left out of my data?", _left_out(notes, inputs, summary["index"], model), "card-section")
    return found


def _clarity(summary: PathSummary, certain: Certainty) -> str:
    """Describe how many strengths cannot be distinguished from the best one."""
    path = summary["path"]
    if certain["members"] is not None and certain["level"] is not None:
        members, rule = certain["members"], f"in the {certain['level']:.0%} confidence set of the best strength"
    else:
        members, rule = certain["within"], "within one standard error of the minimum, on the same rows"
    alphas = sorted({path[s]["alpha"] for s in members})
    total = count_strengths(path)
    if len(alphas) <= 1:
        apart = " A blend tries few strengths; a fit without it tries more." if "blend" in summary else ""
        return f"Yes: of {total} strengths no other is {rule}.{_raced(summary)}{apart}"
    ends = f"{format_number(alphas[0])} to {format_number(alphas[-1])}"
    if len(alphas) == total:
        return f"No: all {total} strengths are {rule}, so any of them may be the best."
    word = "Nearly" if len(alphas) <= max(2, total // 4) else "No"
    return f"{word}: {len(alphas)} of {total} strengths, {ends}, are {rule}.{_raced(summary)}"


def _raced(summary: PathSummary) -> str:
    """Describe how many strengths racing dropped before."""
    dropped = len(summary["dropped"])
    return f" A race dropped {dropped} more before, for losing clearly." if dropped else ""


def _errors(rows: RowsAlong, chosen: int) -> tuple[str, str]:
    """Describe the errors of held-out predictions."""
    place = rows["strengths"].index(chosen) if chosen in rows["strengths"] else 0
    if rows["kind"] == "classes":
        question, counts = "Which class is confused with which?", rows["confusion"][place]
        pairs = [
            (counts[i][j], i, j) for i in range(len(counts)) for j in range(len(counts)) if i != j and counts[i][j]
        ]
        right = _percent(rows["score"][place])
        if not pairs:
            return question, f"None: {right} of the held-out rows are right."
        sentences = [
            f"{_quoted(rows['classes'][i])} is taken for {_quoted(rows['classes'][j])} ({count} of {sum(counts[i])})"
            for count, i, j in sorted(pairs, key=lambda each: (-each[0], each[1:]))[:2]
        ]
        return question, f"{'; '.join(sentences)}. {right} of the held-out rows are right."
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
    """Describe the effects of the two most important inputs on the prediction."""
    sentences = [sentence for each in effects["inputs"][:2] if (sentence := _moves(effects, each, chosen))]
    question = "What happens to the prediction as an input changes?"
    if not sentences:
        return question, "Nothing: at this strength the prediction is the same for all rows."
    return question, f"{sentences[0]}. {f'Then {sentences[1]}.' if len(sentences) > 1 else ''}".strip()


def _moves(effects: Effects, effect: EffectOf, chosen: int) -> str:
    """Describe the effect of one input on the prediction; empty if it has none."""
    series = effect["lines_of"]
    mean: list[Any] = effect["mean"][chosen][series]
    if any(value is None for value in mean) or max(mean) - min(mean) <= 0:
        return ""
    of = effects["response"]
    if len(effects["series"]) > 1:
        name = effects["series"][series]
        of = f"probability of {name}" if of == "probability" else name
    if effect["kind"] == "category":
        low, high = (effect["labels"][mean.index(end)] for end in (min(mean), max(mean)))
        ends = f"{format_number(min(mean))} ({low}) to {format_number(max(mean))} ({high})"
        return f"{_quoted(effect['name'])}: the {of} goes from {ends}"
    ends = f"{format_number(mean[0])} to {format_number(mean[-1])}"
    return f"{_quoted(effect['name'])}: as it rises, the {of} {_shape(mean)}, {ends}"


def _shape(mean: list[float]) -> str:
    """Describe a curve from left to right."""
    width = max(mean) - min(mean)
    ups = sum(max(b - a, 0.0) for a, b in pairwise(mean))
    downs = sum(max(a - b, 0.0) for a, b in pairwise(mean))
    if downs <= _TURNING_SHARE * width:
        return "rises"
    if ups <= _TURNING_SHARE * width:
        return "falls"
    lowest, highest = mean.index(min(mean)), mean.index(max(mean))
    return "rises, then falls" if 0 < highest < len(mean) - 1 and highest <= lowest else "falls and rises"


def _leaving(inputs: InputsAlong, summary: PathSummary, model: str) -> str:
    """Describe the order in which inputs are dropped as the strength increases, and those that stay."""
    last = [-1.0 if each is None else each for each in inputs["leaves"]]
    leaving = sorted(zip(last, inputs["names"], strict=True), key=lambda each: each[0])
    kept = summary["path"][summary["index"]]["inputs_kept"]
    keeps = f"The chosen {model} keeps {kept} of {format_count(len(last) + inputs['left_out'], 'input')}."
    strongest = max(row["alpha"] for row in summary["path"])
    order = [name for leaves, name in leaving if leaves < strongest]
    if not order:
        return f"None: every input is still used at the strongest strength of the path. {keeps}"
    order_text = ", ".join(map(_quoted, order[:_MOST_NAMED])) + (" ..." if len(order) > _MOST_NAMED else "")
    stay = len(last) - len(order)
    end = f"last {_quoted(order[-1])}" if not stay else f"{stay} stay to the end of the path"
    return f"First {order_text}{f'; {end}' if stay or len(order) > 1 else ''}. {keeps}"


def _left_out(notes: list[str], inputs: InputsAlong, chosen: int, model: str) -> str:
    """Describe the columns that were left out or encoded, and the inputs that the model does not use."""
    shown = " ".join(notes[:2]) + (f" And {format_count(len(notes) - 2, 'more note')}." if len(notes) > 2 else "")
    unused = [name for name, kept in zip(inputs["names"], inputs["kept"][chosen], strict=True) if not kept]
    if unused:
        more = f" and {len(unused) - _MOST_NAMED} more" if len(unused) > _MOST_NAMED else ""
        return f"{shown} The chosen {model} leaves out {', '.join(map(_quoted, unused[:_MOST_NAMED]))}{more}.".strip()
    return shown or f"No column that was given, and the chosen {model} uses every input."


def _quoted(name: str) -> str:
    return f"“{name}”"


def headline(summary: PathSummary) -> str:
    """Describe in two sentences the performance of the chosen network and its sparsity."""
    chosen, blend = summary["path"][summary["index"]], summary.get("blend")
    loss, error, beside = chosen["heldout_loss"], chosen["standard_error"], list[str]()
    if blend is not None and blend["heldout_loss"] is not None and loss is not None:
        beside.append(f"its single network has {format_number(loss, 4)}")
        loss, error = blend["heldout_loss"], blend["standard_error"]
    if loss is None:
        return "The chosen network diverged on a fold."
    beside.append(f"a constant{'' if beside else ' has'} {format_number(summary['null_loss'], 4)}")
    free = summary["path"][0]
    if free["alpha"] == 0 and summary["alpha"] > 0 and free["heldout_loss"] is not None:
        beside.append(f"no penalty {format_number(free['heldout_loss'], 4)}")
    linear = summary.get("linear")
    if linear is not None:
        beside.append(f"a linear model {format_number(linear['heldout_loss'], 4)}")
    around = "" if error is None else f" ± {format_number(error, 2)}"
    kept = f"{format_count(chosen['inputs_kept'], 'input')} and {format_count(chosen['weights_kept'], 'weight')}"
    whose, what = ("Held-out loss", "It") if blend is None else ("Held-out loss of the blend", "The single network")
    return f"{whose} {format_number(loss, 4)}{around}: {', '.join(beside)}. {what} keeps {kept}."
