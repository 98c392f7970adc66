"""A table that describes every column: its role and type, or why it is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from ridgewalk.formatting import format_count, format_table
from ridgewalk.tables.choices import LeftOut
from ridgewalk.tables.encode import MISSING, Category, Column, Date, Kind


def columns_frame(
    columns: Iterable[Column], left_out: Iterable[LeftOut], gaps: Mapping[str, int] | None = None
) -> pd.DataFrame:
    """Return a table that describes every column, beginning with those left out.

    Parameters
    ----------
    columns : iterable of Number, CommaNumber, Category, Date or OrderedDate
        What was learned of each input.
    left_out : iterable of LeftOut
    gaps : mapping of str to int, optional
        Rows in which an input is missing; what was learned of it says only whether there are any.

    Returns
    -------
    DataFrame
        A row for each column: "column", its name; "role", "left out", "dropped", "id", "weights", "row groups" or
        "input"; "kind", "number", "category" or "date" of an input, else None; "encoded", how many columns of numbers
        it becomes; "missing", the rows in which it is missing, or without ``gaps`` whether there were any; "rare", how
        many categories share one column; "reason", why it is left out, or what it becomes where that is not plain to
        see.
    """
    none: int | bool = False if gaps is None else 0
    rows = [
        {
            "column": each.column, "role": each.role, "kind": None, "encoded": 0, "missing": none, "rare": 0,
            "reason": each.reason,
        }
        for each in left_out
    ]  # fmt: skip
    rows += [
        {
            "column": column.name, "role": "input", "kind": kind_of_learned(column), "encoded": len(column.names),
            "missing": _had_gaps(column) if gaps is None else gaps.get(column.name, 0),
            "rare": len(column.others) if isinstance(column, Category) else 0,
            "reason": column.note or "",
        }
        for column in columns
    ]  # fmt: skip
    names = ["column", "role", "kind", "encoded", "missing", "rare", "reason"]
    kinds = {"encoded": np.intp, "rare": np.intp, "missing": bool if gaps is None else np.intp}
    return pd.DataFrame(rows, columns=names).astype(kinds)


_MOST_NAMED = 3
_FILLED: Mapping[Kind, str] = {
    "number": "numbers take the median, and a column says where",
    "date": "dates the median day, and a column says where",
    "category": "categories get a level for it",
}


def missing_sentence(columns: Iterable[Column], gaps: Mapping[str, int]) -> str:
    """Return how many values are missing, in how many inputs, and what stands for them.

    Parameters
    ----------
    columns : iterable of Number, CommaNumber, Category, Date or OrderedDate
        What was learned of each input.
    gaps : mapping of str to int
        Rows in which an input is missing, of those in which it is in any.
    """
    every = list(columns)
    kinds = {kind_of_learned(column) for column in every if column.name in gaps}
    filled = "; ".join(words for kind, words in _FILLED.items() if kind in kinds)
    cells, inputs = format_count(sum(gaps.values()), "cell"), format_count(len(every), "input")
    names = ", ".join(list(gaps)[:_MOST_NAMED]) + f" and {len(gaps) - _MOST_NAMED} more" * (len(gaps) > _MOST_NAMED)
    return f"Missing: {cells} in {len(gaps)} of {inputs} ({names}); {filled}."


def _had_gaps(column: Column) -> bool:
    """Return whether values of an input were missing in the fit."""
    return MISSING in (*column.levels, *column.others) if isinstance(column, Category) else column.indicated


def kind_of_learned(column: Column) -> Kind:
    """Return the type of a learned column."""
    if isinstance(column, Category):
        return "category"
    return "date" if isinstance(column, Date) else "number"


def described_columns(columns: pd.DataFrame) -> str:
    """Format the frame of :func:`columns_frame` as text: first the columns that are left out, then the inputs."""
    apart, inputs = (columns[(columns["role"] == "input") == learned] for learned in (False, True))
    sections = []
    if len(apart):
        rows = apart[["column", "role", "reason"]].to_numpy().tolist()
        rows = [[name, role, reason.rstrip(",")] for name, role, reason in rows]
        sections.append(format_table(["not learned from", "role", "because it"], rows, "<<<"))
    shown = inputs[["column", "kind", "encoded", "missing", "rare"]].to_numpy().tolist()
    rows = [["yes" if cell is True else cell or "" for cell in row] for row in shown]
    sections.append(format_table(["input", "kind", "encoded columns", "missing", "rare"], rows, "<<>>>"))
    return "\n\n".join(sections)
