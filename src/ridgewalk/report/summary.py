"""The summary of a fitted path, as plain data and in words, for the terminal, files and the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ridgewalk.arrays import Booleans
from ridgewalk.formatting import format_count, format_loss, format_number
from ridgewalk.losses import facts
from ridgewalk.objective import weighted_mean
from ridgewalk.path.dependence import mean_and_error
from ridgewalk.path.input_selection import ridges_of
from ridgewalk.path.result import MLPPath
from ridgewalk.path.selection import Choice, Rule
from ridgewalk.report.advice import fits_little
from ridgewalk.report.advice_wording import sentence_of
from ridgewalk.report.schema import BlendSummary, LinearSummary, NetworkAt, PathSummary, StrengthSummary, Summary

MOST_NAMES, FEW_LEFT_OUT = 20, 3  # of inputs, in a sentence
_LINEAR = "linear"  # name of the linear models among a blend's members


def summarize(
    path: MLPPath,
    rule: Rule,
    origins: list[str] | None = None,
    choice: Choice | None = None,
    how: str | None = None,
    linear: LinearSummary | None = None,
) -> Summary:
    """Describe a path: strength by strength, what was chosen, which inputs are kept and how often.

    Parameters
    ----------
    path : MLPPath
    rule : "min", "1se" or "simplest"
    origins : list of str, optional
        Name of the input that each of the path's columns came from; columns of one name count as one input.
    choice : Choice, optional
        What was chosen, where it was not chosen by the held-out losses of this path.
    how : str, optional
        How that was chosen, in words; by default the rule.
    linear : LinearSummary, optional
        What linear models reach on the same folds.

    Returns
    -------
    Summary
        Of numbers, strings and lists alone, ready for JSON. Losses are means without any penalty. The standard error
        of a held-out loss is that over rows; that of a training loss, over the folds' training sets.
    """
    columns = by_input(path, origins)
    inputs, kept = list(columns), kept_inputs(path, columns)
    choice = choice or path.held_out.choose(rule, path.row_weights)
    loss, error = mean_and_error(path.row_loss, path.row_weights, path.dependence)
    unpenalized = path.row_loss[0] if path.alphas[0] == 0 else np.full_like(path.row_loss[0], np.nan)
    gains = path.row_loss[choice.chosen] - unpenalized
    gain, gain_error = mean_and_error(gains, path.row_weights, path.dependence)
    of_folds = path.train_loss[:, :-1].mean(axis=-1)
    _, train_error = mean_and_error(of_folds, np.ones(of_folds.shape[1]))
    train_errors = train_error if of_folds.shape[1] > 1 else np.full(len(path.alphas), np.nan)
    rows: list[StrengthSummary] = [
        {
            **_strength(path, s, kept[s, -1], choice),
            "heldout_loss": _number(loss[s]),
            "standard_error": _number(error[s]),
            "train_standard_error": _number(train_errors[s]),
        }
        for s in range(len(path.alphas))
    ]
    ridges = ridges_of(path)
    if ridges is not None:
        for row, ridge in zip(rows, ridges, strict=True):
            row["ridge"] = float(ridge)
    seed, out = path.best_seed(choice.chosen), path.dropped
    frequency = kept[choice.chosen, :-1].mean(axis=(0, 1))
    return {
        "loss": type(path.loss).__name__,
        "loss_description": facts(path.loss).description or type(path.loss).__name__,
        "rows": int((path.row_weights > 0).sum()),
        "folds": path.heldout_loss.shape[1],
        "seeds": path.heldout_loss.shape[2],
        "fits": int(np.prod(path.train_loss.shape)),
        "null_loss": float(weighted_mean(path.null_row_loss, path.row_weights)),
        "linear": linear,
        "selection": how or rule,
        "alpha": float(path.alphas[choice.chosen]),
        "index": choice.chosen,
        "change_from_no_penalty": {"mean": _number(gain), "standard_error": _number(gain_error)},
        "inputs": [
            {
                "name": name,
                "kept": bool(kept[choice.chosen, -1, seed, k]),
                "kept_in_folds": float(frequency[k]),
            }
            for k, name in enumerate(inputs)
        ],
        "path": rows,
        "dropped": [
            {"alpha": float(alpha), "folds": int(folds), "heldout_loss": _number(loss)}
            for alpha, folds, loss in zip(out.alphas, out.folds, out.heldout_loss, strict=True)
        ],
    }


def _strength(path: MLPPath, s: int, kept: Booleans, choice: Choice) -> NetworkAt:
    """Describe one strength: its best network on all data, and inputs kept (E, inputs)."""
    seed = path.best_seed(s)
    marks = (("min", choice.minimum), ("1se", choice.one_standard_error))
    return {
        "alpha": float(path.alphas[s]),
        "heldout_score": None if path.heldout_score is None else _number(path.heldout_score[s].mean()),
        "train_loss": _number(path.train_loss[s, -1, seed]),
        "objective": _number(path.objective[s, -1, seed]),
        "penalty": _number(path.penalty[s, -1, seed]),
        "zeros": float(path.zeros[s, -1, seed]),
        "weights_kept": sum(int(np.count_nonzero(w[s, seed])) for w in path.parameters[::2]),
        "inputs_kept": int(kept[seed].sum()),
        "units_kept": int(path.units_kept[s, -1, seed]),
        "diverged": int(path.diverged[s].sum()),
        "marks": [mark for mark, index in marks if index == s],
    }


def marked(summary: PathSummary, index: int) -> list[str]:
    """Return what a strength of a path is: "min", "1se", "chosen", several of them, or none."""
    return [*summary["path"][index]["marks"], *(["chosen"] if index == summary["index"] else [])]


def by_input(path: MLPPath, origins: list[str] | None = None) -> dict[str, list[int]]:
    """Numbers of the columns that each input gave, by its name; without names, each column is an input."""
    count = path.inputs_kept.shape[-1]
    if origins is not None and len(origins) != count:
        raise ValueError(f"There is a name for each of the {count} columns, got {len(origins)}.")
    columns: dict[str, list[int]] = {}
    for k, name in enumerate(origins or [f"input {k + 1}" for k in range(count)]):
        columns.setdefault(name, []).append(k)
    return columns


def kept_inputs(path: MLPPath, columns: dict[str, list[int]]) -> Booleans:
    """Whether any column of an input is used: shape (S, K + 1, E, inputs)."""
    return np.stack([path.inputs_kept[..., each].any(axis=-1) for each in columns.values()], axis=-1)


def sentences(summary: Summary) -> list[str]:
    """Return what was fitted, what was chosen, what that changes, and which inputs are kept.

    Where the summary has an answer, that says what was chosen, and better than what; the rest of it is left.
    """
    seeds = format_count(summary["seeds"], "seed")
    found = [
        f"Loss: {summary['loss_description']}; {summary['fits']:,} fits: "
        f"{_grid(summary['path'])} x ({summary['folds']} folds + all rows) x {seeds}; the constant prediction "
        f"has {format_number(summary['null_loss'], 4)}."
    ]
    found += _of_no_penalty(summary) if "answer" in summary else _without_answer(summary)
    found += path_sentences(summary)
    kept, left_out = (by_use(summary, used) for used in (True, False))
    if "answer" not in summary and left_out:
        found.append(inputs_sentence(kept, left_out))
    return found


def path_sentences(summary: Summary) -> list[str]:
    """Return what the path is of, where a blend predicts, and what a race dropped of it."""
    found = [_blended(summary["blend"], "answer" in summary)] if "blend" in summary else []
    if summary["dropped"]:
        after = [entry["folds"] for entry in summary["dropped"]]
        folds = str(min(after)) + (f" to {max(after)}" if max(after) > min(after) else "")
        found.append(
            f"The race dropped {format_count(len(after), 'strength')} more after {folds} folds, for losing clearly to "
            "the best one there."
        )
    return found


def count_strengths(path: Sequence[StrengthSummary]) -> int:
    """Count the strengths of a path; of refits, each is there under every ridge."""
    return len({row["alpha"] for row in path})


def count_ridges(path: Sequence[StrengthSummary]) -> int:
    """Count the ridges of a path of refits; 0 of another path."""
    return len({row["ridge"] for row in path if "ridge" in row})


def _grid(path: Sequence[StrengthSummary]) -> str:
    ridges = count_ridges(path)
    return f"{count_strengths(path)} strengths" + (f" x {ridges} ridges" if ridges else "")


def by_use(summary: Summary, used: bool) -> list[str]:
    """Return the names of the inputs that the chosen network uses, or does not use."""
    return [entry["name"] for entry in summary["inputs"] if entry["kept"] is used]


def strength_sentence(alpha: float, selection: str, of: str = "") -> str:
    """Return which strength was chosen, and how; ``of`` is said of the network, where there are others."""
    return f"Chosen strength{of}: {format_number(alpha, 5)} (rule: {selection})."


def inputs_sentence(kept: list[str], left_out: list[str], by: str = "") -> str:
    """Return which inputs are kept, of how many; ``by`` says which network it is, where there are others."""
    names = _named(kept) if kept else "none"
    if len(left_out) <= min(FEW_LEFT_OUT, len(kept) - 1):
        names = f"all but {', '.join(left_out)}" if left_out else "all"
    return f"Inputs kept{by}, {len(kept)} of {len(kept) + len(left_out)}: {names}."


def _named(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _of_no_penalty(summary: Summary) -> list[str]:
    """Return why there is nothing to compare with, or nothing to gain, at strength 0."""
    unpenalized = summary["path"][0]
    if unpenalized["alpha"] == 0 and unpenalized["diverged"]:
        return ["Without a penalty the training diverged, so there is nothing to compare with."]
    return ["The unpenalized network has the lowest held-out loss."] if summary["alpha"] == 0 else []


def _without_answer(summary: Summary) -> list[str]:
    """Return what was chosen, what that changes, and how the network compares with a linear model."""
    sentences = [strength_sentence(summary["alpha"], summary["selection"])]
    change = summary["change_from_no_penalty"]
    if summary["alpha"] > 0 and change["mean"] is not None:
        sentences.append(
            f"Against no penalty the held-out loss changes by {format_loss(change['mean'])} +- "
            f"{format_loss(change['standard_error'])} (slightly flattered: it was chosen on the same folds)."
        )
    else:
        sentences += _of_no_penalty(summary)
    linear = summary.get("linear")  # a summary in a file may be older
    if linear is not None:
        sentences.append(_beside_linear(linear, summary["rows"]))
        little = fits_little(summary["path"][0], summary["null_loss"])
        sentences += [] if little is None else [sentence_of(little)]
    return sentences


def _beside_linear(linear: LinearSummary, rows: int) -> str:
    """Describe how the network compares with a linear model."""
    less, part = linear["network_less_linear"], f" ({linear['rows']:,} of the rows)" * (linear["rows"] < rows)
    return (
        f"A linear model on the same folds{part} has the held-out loss {format_loss(linear['heldout_loss'])} +- "
        f"{format_loss(linear['standard_error'])}, the network {format_loss(linear['network_loss'])}: "
        f"{'lower' if less < 0 else 'higher'} by {format_loss(abs(less))} +- {format_loss(linear['difference_error'])}."
    )


def _blended(blend: BlendSummary, answered: bool) -> str:
    """Return what a blend is made of, and, where no answer says it, what it loses and gains."""
    names = sorted({member["view"] for member in blend["members"]})
    views = [name for name in names if name != _LINEAR]
    kinds = [f"the view{'s' * (len(views) > 1)} {' and '.join(views)}"] * bool(views)
    kinds += ["linear models"] * (_LINEAR in names)
    reached = "" if answered else _reached(blend)
    return (
        f"Predictions are a blend of {format_count(blend['networks'], 'network')} of {', and of '.join(kinds)}"
        f"{reached}. The path shown is that of the best single network (view: {blend['network']}); at strength 0 it is "
        "this network without a penalty, not the blend without one."
    )


def _reached(blend: BlendSummary) -> str:
    """Return what a blend loses on held-out rows, and what it gains."""
    loss, error = (format_loss(value, "unknown") for value in (blend["heldout_loss"], blend["standard_error"]))
    gains = [
        f"against {each['than']}: {each['verdict']} ({format_loss(each['difference'], sign='+')} +- "
        f"{format_loss(each['standard_error'])})"
        for each in blend["worth"]
    ]
    beside = "; ".join(gains)
    return f"; its held-out loss is {loss} +- {error}" + (f". {beside[:1].upper()}{beside[1:]}" if gains else "")


def _number(value: Any) -> float | None:
    """Return a number that JSON knows."""
    return float(value) if np.isfinite(value) else None
