"""Split a frame into inputs, target and columns that are left out, and find out what is to be learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from ridgewalk.losses import holds_classes
from ridgewalk.tables.choices import NO_CHOICES, ColumnChoices, LeftOut, names_of, refuse_twice
from ridgewalk.tables.encode import (
    Category,
    DataError,
    as_frame,
    in_days,
    offered,
)
from ridgewalk.tables.read import NOTES, WHOLE_FILE, holds_text
from ridgewalk.tables.useful import first_value, useful

_MOST_NOTES = 2  # that an error has of columns that are left out


@dataclass(frozen=True, eq=False)
class Table:
    """The inputs and the target of a table.

    Attributes
    ----------
    inputs : DataFrame
    target : Series
    task : "classification" or "regression"
    notes : tuple of str
        Columns that were left out, with the reason, and suspicious columns.
    left_out : tuple of LeftOut
        Columns that are not inputs, with the reason; without the target.
    """

    inputs: pd.DataFrame
    target: pd.Series[Any]
    task: str
    notes: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def odd(self) -> tuple[str, ...]:
        """The notes that are not on columns left out."""
        notes = {each.note for each in self.left_out}
        return tuple(note for note in self.notes if note not in notes)


def make_table(
    frame: Any,
    target: str,
    task: str = "auto",
    drop: str | Sequence[str] = (),
    keep: str | Sequence[str] = (),
    choices: ColumnChoices = NO_CHOICES,
) -> Table:
    """Split a data frame into inputs and target, and determine the task.

    The task is regression if the target contains numbers with fractions, or more than 20 different numbers; otherwise
    it is classification. Numbers may be stored as text or objects; durations are converted to days. Columns that are
    constant, that number the rows, or whose text differs in nearly every row, are left out and listed in ``notes``.

    Parameters
    ----------
    frame : DataFrame of pandas, polars or Arrow
        Column names that are not text are converted: 3 to "3".
    target : str
        Name of the target column.
    task : "auto", "classification" or "regression"
    drop : str, or sequence of str
        Columns to leave out.
    keep : str, or sequence of str
        Columns to use although they look like row numbers or names of rows.
    choices : ColumnChoices, optional
        Column types, texts that mean missing (also in the target), and columns that identify rows.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        If a named column does not exist or is named twice, if two columns have the same name, the target cannot be
        learned, or no column is left.
    """
    source, frame = frame, as_frame(frame)
    target, drop = str(target), names_of(drop)
    choices = replace(choices, keep=(*choices.keep, *names_of(keep)))
    _check_names(frame, target, drop, choices)
    frame = choices.missing_texts.blanked_frame(frame)
    y = _target(frame, target)
    try:
        different = y.nunique()
    except TypeError:
        raise DataError(
            f"The target {target!r} holds {type(first_value(y)).__name__} values, and classes or numbers are needed: "
            "name another, or make it one value a row."
        ) from None
    if different < 2:
        raise DataError(
            f"The target {target!r} has one value only ({y.iloc[0]}): there is nothing to learn; name another."
        )
    numbers = _target_numbers(y)
    finite = numbers is None or np.isfinite(numbers)
    if numbers is not None and not np.all(finite):
        if not (holds_text(y) and (task == "classification" or (task == "auto" and holds_classes(numbers[finite])))):
            raise DataError(
                f"The target {target!r} holds infinite values, or numbers beyond 1e308: drop or correct those rows "
                "first."
            )
        numbers = None  # "inf" is the name of a class
    if task == "auto":
        task = "classification" if numbers is None or holds_classes(numbers) else "regression"
    if task == "regression" and numbers is None:
        raise DataError(
            f"Regression needs numbers, and the target {target!r} holds text such as {_no_number(y)!r}: name another "
            "target, or the task classification."
        )
    if task == "classification" and y.nunique() == len(y):
        raise DataError(
            f"The target {target!r} has a different value in each row, so it is no set of classes: name another "
            "target, or, where it holds numbers, the task regression."
        )
    inputs = frame.drop(columns=[target, *drop, *choices.ids])
    kept, useless, odd = useful(inputs, choices)
    notes = [sentence for name, sentence in frame.attrs.get(NOTES, ()) if _concerns(name, inputs, choices)]
    notes += _ignored_index(source)
    sentences = [*(each.note for each in useless), *odd]
    if not kept:
        concerns = [*notes, *sentences]
        more = f" So it is with {len(concerns) - _MOST_NOTES} more." if len(concerns) > _MOST_NOTES else ""
        raise DataError("No column is left to learn from: " + " ".join(concerns[:_MOST_NOTES]) + more)
    inputs = inputs[kept]
    asked = [LeftOut(name, "dropped", "was named to be left out") for name in drop]
    asked += [LeftOut(name, "id", "names the rows") for name in choices.ids]
    y = pd.Series(numbers, y.index, name=target) if numbers is not None and task == "regression" else _labels(y)
    y = y.copy()  # a view would keep the whole frame in memory
    return Table(inputs, y, task, (*notes, *sentences), (*useless, *asked))


def _check_names(frame: pd.DataFrame, target: str, drop: Sequence[str], choices: ColumnChoices) -> None:
    """Check that a table has every named column, and that no column is named twice."""
    for name in (target, *drop):
        if name not in frame.columns:
            raise DataError(f"There is no column {name!r}. {offered(list(frame.columns), name)}")
    choices.check(list(frame.columns))
    for name in (*drop, *choices.named):
        if name == target:
            place = "drop" if name in drop else choices.place(name)
            raise DataError(f"{target!r} is the target, and {place} names it, too: take one of them back.")
    for name in drop:
        if name in choices.named:
            refuse_twice({"drop": [name], choices.place(name): [name]})


def _concerns(name: str, inputs: pd.DataFrame, choices: ColumnChoices) -> bool:
    """Return whether a note from reading should be shown: on the file, or on the type of an input."""
    return name == WHOLE_FILE or (name in inputs and choices.kind(name) is None)


def read_target(frame: pd.DataFrame, target: str, classes: Sequence[Any] | None = None) -> NDArray[Any]:
    """Return the target of rows in the model's form: shape (N,).

    Parameters
    ----------
    frame : DataFrame
    target : str
    classes : sequence, optional
        The model's class labels; a label of a row is the class that is written like it, 1.0 like 1. None: numbers.

    Raises
    ------
    DataError
        If there is no such column, or it has missing values, values that are no numbers, or none of the classes.
    """
    if target not in frame.columns:
        raise DataError(f"There is no column {target!r}. {offered(list(frame.columns), target)}")
    y = _target(frame, target)
    if classes is None:
        numbers = _target_numbers(y)
        if numbers is None or not np.isfinite(numbers).all():
            raise DataError(
                f"The model predicts numbers, and the target {target!r} holds {_no_number(y)!r}: correct it, or leave "
                "its rows out."
            )
        return numbers
    spelled = Category(target, tuple(map(str, classes))).spellings
    places = {text: k for k, texts in enumerate(spelled.values()) for text in texts}
    found = y.astype(str).map(places)
    if found.isna().any():
        raise DataError(
            f"The target {target!r} holds {y[found.isna()].iloc[0]!s:.60}, which is no class of the model; it has "
            f"{', '.join(spelled)}: leave its rows out."
        )
    return np.asarray(classes)[found.to_numpy(dtype=int)]


def _target(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    """Return a target with durations as days; raise an error for missing values."""
    y = in_days(frame[name])
    missing = int(y.isna().sum())
    if missing:
        raise DataError(
            f"The target {name!r} is missing in {missing} of {len(y)} rows (NA and the like count): drop those first."
        )
    return y


def _target_numbers(y: pd.Series[Any]) -> NDArray[np.float64] | None:
    """Return a target's numbers, or None if a value is not a number."""
    if types.is_bool_dtype(y) or isinstance(y.dtype, pd.CategoricalDtype):
        return None
    if types.infer_dtype(y) not in {"integer", "floating", "mixed-integer-float", "decimal", "string"}:
        return None
    try:
        return pd.to_numeric(y).to_numpy(dtype=float)
    except (ValueError, TypeError):
        return None
    except OverflowError:
        return np.full(len(y), np.inf)


def _no_number(y: pd.Series[Any]) -> str:
    """Return the first value of a target that is not a finite number, as text of at most 60 characters."""
    for value in y.astype(object):
        try:
            if np.isfinite(float(value)):
                continue
        except (TypeError, ValueError, OverflowError):
            pass
        break
    return str(value)[:60]


def _labels(y: pd.Series[Any]) -> pd.Series[Any]:
    """Return class labels unchanged: whole numbers, or text."""
    if types.is_integer_dtype(y):
        return y.astype(np.uint64 if y.max() > np.iinfo(np.int64).max else np.int64)
    values = y.to_numpy(dtype=float) if types.is_float_dtype(y) else np.array([0.5])
    return y.astype(float) if (values % 1 == 0).all() else y.astype(str)


def _ignored_index(frame: Any) -> list[str]:
    """Describe the named levels of a frame's index, which are not used as columns."""
    names = [str(name) for name in getattr(getattr(frame, "index", None), "names", ()) if name is not None]
    if not names:
        return []
    return [f"The index {', '.join(map(repr, names))} is no column and was left out: reset_index() makes it one."]
