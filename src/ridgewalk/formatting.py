"""Format numbers as text: in sentences, in columns of losses, as times, as counts."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10
from typing import Any

_SCIENTIFIC_FROM = 1e9  # numbers that are not written out
_MOST_DECIMALS = 6
_LONGEST_IN_SECONDS, _LONGEST_IN_MINUTES = 120, 5400


def format_number(value: float, digits: int = 3, sign: str = "") -> str:
    """Format a number with this number of digits, thousands in full: 0.123, 12,300; ``sign="+"`` adds a plus."""
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:{sign},.0f}" if 10**digits <= abs(rounded) < _SCIENTIFIC_FROM else f"{value:{sign}.{digits}g}"


def format_loss(value: float | None, missing: str = "diverged", sign: str = "") -> str:
    """Format a loss for a column: at most four decimals; ``missing`` for None."""
    if value is None:
        return missing
    if not value:
        return f"{0:{sign}}"
    return f"{value:{sign}.4f}" if 1e-3 <= abs(value) < 1e4 else f"{value:{sign}.1e}"


def decimals_for(error: float | None) -> int:
    """Return the decimals that show two digits of a standard error; 0 from a thousand on, 3 without an error."""
    return max(0, 1 - floor(log10(error))) if error else 3


def format_estimate(value: float | None, error: float | None, decimals: int, sign: str = "", missing: str = "-") -> str:
    """Format an estimate and its standard error: 0.833 +- 0.023; ``missing`` for None.

    Numbers that would take too many places are written with an exponent, to four digits and to two.
    """
    if value is None:
        return missing
    if decimals > _MOST_DECIMALS or abs(value) >= _SCIENTIFIC_FROM:
        text = f"{value:{sign}.3e}"
        return text if error is None else f"{text} +- {error:.1e}"
    text = f"{round(value, decimals) + 0.0:{sign},.{decimals}f}"
    return text if error is None else f"{text} +- {error:,.{decimals}f}"


def format_duration(seconds: float, tenths: bool = False) -> str:
    """Format a time in words; ``tenths`` shows tenths of a second below ten seconds."""
    if seconds < _LONGEST_IN_SECONDS:
        return f"{seconds:.1f} s" if tenths and seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < _LONGEST_IN_MINUTES else f"{seconds / 3600:.1f} h"


def format_count(amount: int, noun: str) -> str:
    """Return how many there are of something: 1 row, 1,200 rows."""
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}"


def format_table(heads: Sequence[str], rows: Sequence[Sequence[Any]], sides: str) -> str:
    """Return a table as lines of text; of ``sides`` "<" sets a column to the left, ">" to the right."""
    table = [list(heads), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    form = "  ".join(f"{{:{side}{width}}}" for side, width in zip(sides, widths, strict=True))
    return "\n".join(form.format(*row).rstrip() for row in table)
