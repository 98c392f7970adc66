"""Read the first sheet of an Excel file as a data frame, with the optional package openpyxl.

The first row contains the column names. A cell is a number, a boolean, a date or text; a formula has its last value.
Empty cells, errors such as #DIV/0!, and the texts that mean missing in CSV are missing.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ridgewalk.tables.encode import DataError
from ridgewalk.tables.missing import DEFAULT_TEXTS

_ERRORS = ("#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!", "#CALC!", "#GETTING_DATA")
_GONE, _EMPTY = frozenset((*DEFAULT_TEXTS, *_ERRORS)), frozenset(("", *_ERRORS))


def read_excel(path: Path, nameless: str, with_na: Collection[str] = ()) -> tuple[pd.DataFrame, list[str]]:
    """Return the first sheet of an Excel file as a frame, and notes on it.

    Parameters
    ----------
    path : Path
    nameless : str
        How the name of a column begins that has none; its place follows.
    with_na : collection of str
        Columns in which NA and the like are values.

    Raises
    ------
    DataError
        If openpyxl is not installed, or the sheet is empty.
    Exception
        Whatever openpyxl raises of a damaged file.
    """
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise DataError(
            f"{path} is an Excel file, and the package openpyxl, which reads it, is not installed: "
            "pip install 'ridgewalk[excel]', or save the sheet as CSV."
        ) from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and other things that hold no values
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            sheets = book.worksheets
            rows = [list(row) for row in sheets[0].iter_rows(values_only=True)] if sheets else []
            titles = [sheet.title for sheet in sheets]
        finally:
            book.close()
    kept = {k for k, name in enumerate(rows[0]) if str(name) in with_na} if rows else set()
    plain = [
        [
            None if isinstance(cell, str) and cell in (_EMPTY if k in kept else _GONE) else cell
            for k, cell in enumerate(row)
        ]
        for row in rows
    ]
    filled = [k for k, row in enumerate(plain) if any(cell is not None for cell in row)]
    if not filled:
        raise DataError(f"{path} is empty: a row of column names and rows below it are needed.")
    if filled[0] > 0:
        raise DataError(
            f"The first row of {path} is empty, and it has to name the columns: take out what is above them."
        )
    frame = _frame(plain[: filled[-1] + 1], nameless)
    others = f"{path.name} has {len(titles)} sheets, and the first, {titles[0]!r}, was read: save another as a file."
    return frame, [others] if len(titles) > 1 else []


def _frame(rows: Sequence[list[Any]], nameless: str) -> pd.DataFrame:
    """Return rows of cells, the first with the names, as a data frame without empty columns at the right."""
    width = max(k + 1 for row in rows for k, cell in enumerate(row) if cell is not None)
    names, *padded = ([*row[:width], *[None] * (width - len(row))] for row in rows)
    columns = list(zip(*padded, strict=True)) or [()] * width
    frame = pd.DataFrame({k: pd.Series(list(values)) for k, values in enumerate(columns)})
    frame.columns = pd.Index([f"{nameless}{k}" if name is None else str(name) for k, name in enumerate(names)])
    return frame
