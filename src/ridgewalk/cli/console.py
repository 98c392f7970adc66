"""What the terminal shows: standard output and error, what a table holds, and the path as a table."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ridgewalk.report.summary import figure, sentences

# A terminal wraps at its width, between words; a file or a pipe gets whole lines.
out = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else 1000)
err = Console(stderr=True, highlight=False, emoji=False, width=None if sys.stderr.isatty() else 1000)


def introduce(task: str, target: str, rows: int, encoder: Any, notes: tuple[str, ...]) -> None:
    """Say what is to be learned from what."""
    columns = f"{len(encoder.columns)} inputs"
    if len(encoder.names) > len(encoder.columns):
        columns += f" ({len(encoder.names)} columns after encoding)"
    out.print(f"[bold]{task.capitalize()}[/] of {escape(target)!r}: {rows:,} rows, {columns}.")
    for note in notes:
        out.print(f"[yellow]Note:[/] {escape(note)}")


def show(summary: dict[str, Any]) -> None:
    """Print the path as a table, and what was chosen."""
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("strength", "held-out loss", "+- s.e.", "train loss", "zeros", "inputs", "units"):
        grid.add_column(title, justify="right", no_wrap=True)
    grid.add_column("", no_wrap=True)
    for row in reversed(summary["path"]):
        chosen = row["alpha"] == summary["alpha"]
        grid.add_row(
            f"{row['alpha']:.4g}",
            figure(row["heldout_loss"]),
            figure(row["standard_error"], "-"),
            figure(row["train_loss"], "-"),
            f"{row['zeros']:.0%}",
            str(row["inputs_kept"]),
            str(row["units_kept"]),
            ", ".join(row["marks"]) + (" <-" if chosen else ""),
            style="bold green" if chosen else None,
        )
    out.print()
    out.print(grid)
    walked, chosen_strength, *rest = map(escape, sentences(summary))
    out.print(f"\n{walked}\n[bold]{chosen_strength}[/]")
    for sentence in rest:
        out.print(sentence)
