"""Print to the terminal: notes on a table, and the path as a table."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.markup import escape
from rich.table import Table

from ridgewalk.formatting import format_count, format_loss, format_number
from ridgewalk.report.answer import Kind, lines
from ridgewalk.report.schema import AnswerSummary, Summary
from ridgewalk.report.summary import count_ridges, count_strengths, path_sentences, sentences
from ridgewalk.terminal import Terminal

_MOST_STRENGTHS = 8  # that are printed of a path
_STYLES: dict[Kind, str] = {"headline": "bold", "note": "dim", "title": "bold"}
# A terminal wraps at its width, between words; a file or a pipe gets whole lines.
out = Terminal(highlight=False, emoji=False, width=None if sys.stdout.isatty() else 1000)
err = Terminal(stderr=True, highlight=False, emoji=False, width=None if sys.stderr.isatty() else 1000)


def introduce(table: Any, target: str, rows: int, encoder: Any) -> None:
    """Describe what is learned from which columns, and what fills those in which values are missing."""
    from ridgewalk.tables.plan import missing_sentence

    columns = format_count(len(encoder.columns), "input")
    if len(encoder.names) > len(encoder.columns):
        columns += f" ({format_count(len(encoder.names), 'encoded column')})"
    out.print(f"[bold]{table.task.capitalize()}[/] of {escape(repr(target))}: {rows:,} rows, {columns}.")
    if encoder.gaps:
        out.print(missing_sentence(encoder.columns, encoder.gaps))
    for note in table.notes:
        out.print(f"[yellow]Note:[/] {escape(note)}")


def noted(notes: Sequence[str]) -> None:
    """Print on standard error what is odd about the data."""
    for note in notes:
        err.print(f"[yellow]Note:[/] {escape(note)}")


def show(summary: Summary) -> None:
    """Print the summary of a fit: the answer, the path as a table, and what was fitted."""
    answer = summary.get("answer")
    if answer is not None:
        out.print()
        show_answer(answer)
    of_path = path_sentences(summary)
    out.print()
    for sentence in of_path:
        out.print(escape(sentence))
    _show_path(summary)
    out.print()
    for sentence in [*(each for each in sentences(summary) if each not in of_path), *_selected(summary)]:
        out.print(escape(sentence))


def show_answer(answer: AnswerSummary) -> None:
    """Print how good, how sure, better than what, and what to do now."""
    for line in lines(answer):
        for text in line.wrapped(out.width):
            out.print(escape(text), style=_STYLES.get(line.kind), soft_wrap=True)


def _show_path(summary: Summary) -> None:
    """Print strengths of the path as a table."""
    scored = any(row["heldout_score"] is not None for row in summary["path"])
    refits = count_ridges(summary["path"]) > 0
    titles = ["held-out loss", "+- s.e.", "train loss", "zeros", "inputs", "units"]
    grid = table(["strength", *["ridge"] * refits, *["score"] * scored, *titles], "")
    shown = _shown(summary)
    for index in reversed(shown):
        row = summary["path"][index]
        chosen = index == summary["index"]
        grid.add_row(
            format_number(row["alpha"], 4),
            *([format_number(row["ridge"])] if refits else []),
            *([format_loss(row["heldout_score"], "-")] if scored else []),
            format_loss(row["heldout_loss"]),
            format_loss(row["standard_error"], "-"),
            format_loss(row["train_loss"], "-"),
            f"{row['zeros']:.0%}",
            str(row["inputs_kept"]),
            str(row["units_kept"]),
            ", ".join(row["marks"]) + (" <-" if chosen else ""),
            style="bold green" if chosen else None,
        )
    out.print(grid)
    out.print(
        f"{_part(summary, len(shown))}Held-out losses are the folds' networks'; the other columns, that of all rows.",
        style="dim",
    )


def _part(summary: Summary, shown: int) -> str:
    """Return how much of a path the table shows; of refits, which entry of a strength, and what the marks are."""
    path = summary["path"]
    strengths, ridges = count_strengths(path), count_ridges(path)
    sentences = [f"{shown} of {strengths} strengths."] if shown < strengths else []
    if ridges:
        sentences.append(f"Each was refitted under {ridges} ridges (L2): shown is the best, or the chosen one.")
    if summary.get("agreed"):
        sentences.append(
            "min and 1se mark what these losses alone would choose; <- is, of the refits within one standard error of "
            "the lowest loss, the one whose inputs the folds agree on."
        )
    return " ".join([*sentences, ""])


def table(titles: Sequence[str], *words: str) -> Table:
    """Make a table of columns of numbers, whose titles wrap where it is narrow, and then columns of words."""
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        grid.add_column(title, justify="right", vertical="bottom")
    for title in words:
        grid.add_column(title, no_wrap=True)
    return grid


def _shown(summary: Summary) -> list[int]:
    """Rows of the path to print: where refits repeat a strength with several ridges, the chosen or the best of them."""
    path, alike = summary["path"], dict[float, list[int]]()
    for index, row in enumerate(path):
        alike.setdefault(row["alpha"], []).append(index)

    def order(index: int) -> tuple[bool, float]:
        loss = path[index]["heldout_loss"]
        return index != summary["index"], math.inf if loss is None else loss

    return _fewer([min(each, key=order) for each in alike.values()], summary)


def _fewer(shown: list[int], summary: Summary) -> list[int]:
    """Leave out strengths that are not marked, evenly, until the others fit on a screen."""
    path = summary["path"]
    matter = {shown[0], shown[-1], summary["index"], *(index for index in shown if path[index]["marks"])}
    others = [index for index in shown if index not in matter]
    room = max(_MOST_STRENGTHS - len(matter), 0)
    if len(others) > room:
        others = [others[place] for place in np.linspace(0, len(others) - 1, room).round().astype(int)]
    return sorted(matter | set(others), key=shown.index)


def _selected(summary: Summary) -> list[str]:
    """Describe what selecting, or refitting, inputs brought."""
    if "arms" not in summary:
        return []
    arms = "; ".join(f"{arm['name']} {format_loss(arm['heldout_loss'])}" for arm in summary["arms"])
    gain = summary["gain_over_null"]
    sentence = f"Held-out losses: {arms}; over the constant prediction it gains {format_loss(gain['mean'])} +- "
    sentence += f"{format_loss(gain['standard_error'])}."
    if not summary.get("significant", True):
        sentence += " That is within two standard errors of nothing, so no input is kept."
    return [sentence]
