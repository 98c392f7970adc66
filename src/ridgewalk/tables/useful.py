"""Decide which columns of a table are useful, and why the others are left out.

Constants, row numbers, names of rows and types that cannot be encoded are left out, each with a reason. A column that
the user names is kept, unless nothing can be learned from it.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from ridgewalk.tables.choices import NO_CHOICES, ColumnChoices, LeftOut
from ridgewalk.tables.dates import year_comes_last
from ridgewalk.tables.encode import Category, as_frame, iso_share, kind_of
from ridgewalk.tables.missing import NA_TEXTS

NO_NAME = "Unnamed: "
"""How pandas begins the name of a column that has none."""
CODE = r"[+-]?0\d+"
_MANY_CATEGORIES = 50
_FEWEST_NUMBERED = 20  # rows from which numbers in order are no accident
_NUMBERS_AT_ONCE = 2**18
_MOST_TEXTS = 0.9  # share of a column's texts that look like something
_NAMES_OF_TARGETS = ("target", "y", "label", "class", "outcome", "response")
_MOST_CLASSES = 20  # of texts that may be a target
_NAME_OF_ROWS = re.compile(r"(?:^|[^a-z])id$|[a-z]ID$|[a-z]Id$", re.ASCII)


def useful(inputs: pd.DataFrame, choices: ColumnChoices) -> tuple[list[str], list[LeftOut], list[str]]:
    """Return the useful columns, the reasons for leaving out the others, and notes on suspicious columns."""
    kept: list[str] = []
    useless, notes = [], []
    plain, asked = _plain_numbers(inputs), choices.kept
    for position, name in enumerate(map(str, inputs)):
        if plain[position] and not _is_nameless(name):
            kept.append(name)
            continue
        column = inputs.iloc[:, position]
        if hopeless := _hopeless(column):
            useless.append(LeftOut(name, "left out", hopeless))
        elif name not in asked and (odd := _odd(name, column)):
            rewritten = kind_of(column) == "category" and _like(name, column)
            useless.append(LeftOut(name, "left out", odd, "." if rewritten else _KEEP))
        else:
            kept.append(name)
            if choices.kind(name) is None and kind_of(column) == "category" and (like := _like(name, column)):
                notes.append(f"The values of column {name!r} were taken as categories; {like}.")
    return kept, useless, notes


_KEEP = "; name it in keep (--keep) to learn from it, or in ids (--id) to have it beside predictions."


def _plain_numbers(inputs: pd.DataFrame) -> NDArray[np.bool_]:
    """Return the numeric columns that vary and are not row numbers; all at once, for wide tables."""
    plain, kinds = np.zeros(inputs.shape[1], dtype=bool), inputs.dtypes
    for kind in {kind for kind in kinds if isinstance(kind, np.dtype) and kind.kind in "fiu"}:
        places, width = np.flatnonzero(kinds == kind), max(1, _NUMBERS_AT_ONCE // len(inputs))
        for first in range(0, len(places), width):
            values = inputs.iloc[:, places[first : first + width]].to_numpy()
            ordered = np.sort(values, axis=0)  # what is missing comes last
            varied, repeated = (ordered[1:] > ordered[:-1]).any(axis=0), (ordered[1:] == ordered[:-1]).any(axis=0)
            with np.errstate(invalid="ignore"):
                broken = (values % 1 != 0).any(axis=0)  # or missing, or infinite
            plain[places[first : first + width]] = varied & (repeated | broken)
    return plain


def _hopeless(column: pd.Series[Any]) -> str | None:
    """Return why nothing can be learned from a column, or None."""
    if column.isna().all():
        return "has no values"
    try:
        different = column.nunique(dropna=False)
    except (TypeError, NotImplementedError):  # lists, arrays, dictionaries: nothing that can be compared
        return f"holds {type(first_value(column)).__name__} values"
    if different <= 1:
        return "is constant"
    holds = types.infer_dtype(column, skipna=True)
    return f"holds {holds} values" if holds in ("bytes", "complex") else None


def _is_nameless(name: str) -> bool:
    return not name or name.startswith(NO_NAME)


def _odd(name: str, column: pd.Series[Any]) -> str | None:
    """Return why a column seems to name or number the rows, or None."""
    if _is_nameless(name):
        return "has no name in the file (row numbers?)"
    rows, different = len(column), column.nunique(dropna=False)
    if different == rows >= _FEWEST_NUMBERED and _numbered(column):
        return "is a different whole number in each row, in order or without gaps, as row numbers are,"
    if kind_of(column) != "category":
        return None
    rare = "" if different > max(_MANY_CATEGORIES, rows // 2) else ", all of them rare,"
    if rare and Category.learn(name, column).levels:
        return None
    likeness = f" ({like})" if (like := _like(name, column)) else ""
    return f"has {different} different values in {rows} rows{likeness}{rare}"


def _numbered(column: pd.Series[Any]) -> bool:
    """Whether values that are different in each row are whole numbers, in order or without gaps."""
    if types.infer_dtype(column) not in ("integer", "floating"):
        return False
    values = column.to_numpy(dtype=float, na_value=np.nan)
    if not np.isfinite(values).all() or (values % 1).any():
        return False
    return column.is_monotonic_increasing or column.is_monotonic_decreasing or np.ptp(values) == len(values) - 1


def _like(name: str, column: pd.Series[Any]) -> str | None:
    """Return the likely meaning of a column's texts and the evidence for it, or None."""
    if isinstance(column.dtype, pd.CategoricalDtype):  # as somebody wanted it
        return None
    texts = column.dropna().astype(str).str.strip()
    return _like_numbers(texts, first_value(column)) or _like_dates(name, column, texts)


def _like_numbers(texts: pd.Series[Any], first: Any) -> str | None:
    """Return how texts could be numbers, or None."""
    plain = pd.to_numeric(texts, errors="coerce").notna()
    if _MOST_TEXTS < plain.mean() < 1:
        words = texts[~plain].unique()
        others = f" (and {len(words) - 1} other texts)" if len(words) > 1 else ""
        missing_elsewhere = NA_TEXTS.issuperset(words)
        mend = "take the column out of keep_na (--keep-na)" if missing_elsewhere else "name them in missing (--missing)"
        return (
            f"they are numbers but for {words[0]!r}{others} in {int((~plain).sum())} rows: leave those empty, correct "
            f"them, or {mend}"
        )
    if plain.all():
        if texts.str.fullmatch(CODE).any():
            return None
        return (
            f"they look like numbers, such as {str(first)[:30]!r}: make them numbers if that is what they are, or name "
            "the column in numbers (--numbers)"
        )
    bare = texts.str.replace(",", ".").str.strip(" %$€£")
    if pd.to_numeric(bare, errors="coerce").notna().mean() > _MOST_TEXTS:
        return f"they look like numbers, such as {first!r}: write 1.5 for 1,5 and leave out % and the like"
    return None


def _like_dates(name: str, column: pd.Series[Any], texts: pd.Series[Any]) -> str | None:
    """Return how texts could be dates, or None."""
    if iso_share(column) > _MOST_TEXTS:
        return "most are dates: correct the others, leave them empty, or name them in missing (--missing)"
    if texts.map(year_comes_last).mean() > _MOST_TEXTS:
        return (
            f"they look like dates, such as {first_value(column)!r}: write 2026-11-25, or say what comes first in them "
            f"(--dates {name + ':dayfirst'!r}, or monthfirst)"
        )
    return None


def likely_target(frame: pd.DataFrame) -> str | None:
    """Return the column of a table that is likely meant to be predicted, or None if there is none that could be.

    It has a name that targets have, or else is the last one of numbers or few classes. Dates, columns that name the
    rows, and those from which nothing can be learned are not offered.
    """
    if frame.empty:
        return None
    single = as_frame(frame.loc[:, ~frame.columns.duplicated()])
    may_be = [name for name in useful(single, NO_CHOICES)[0] if _may_be_target(name, single[name])]
    named = [name for name in may_be if name.strip().lower() in _NAMES_OF_TARGETS]
    return named[0] if named else may_be[-1] if may_be else None


def _may_be_target(name: str, column: pd.Series[Any]) -> bool:
    """Return whether a column that is useful holds numbers or few classes, and neither dates nor names of rows."""
    if _NAME_OF_ROWS.search(name):
        return False
    kind = kind_of(column)
    if kind != "category":
        return kind == "number"
    return column.nunique() <= _MOST_CLASSES and not _like_dates(name, column, column.dropna().astype(str).str.strip())


def first_value(column: pd.Series[Any]) -> Any:
    """Return the first value of a column that is there."""
    return column.dropna().iloc[0]
