"""Encode columns of any type as columns of numbers; what is learned from each is plain data.

Number     age                                  the number, durations in days; the median if it is missing
           age is missing                       1 or 0, if any value was missing
Category   colour = red, colour = blue          one 0/1 column each; missing is a category
           colour is another                    all rare categories together, if there are any
Date       joined (days)                        t - center, in days; 0 if it is missing
           joined (year, sin), (year, cos)      sin and cos of 2 pi t / 365.2425; also for the week (7) and the day (1)
           joined is missing                    1 or 0, if any value was missing

t counts days from 1970-01-01 00:00 UTC, with fractions; the center is the median day. The target is never used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pandas.api import types

from ridgewalk.formatting import format_count
from ridgewalk.tables.dates import EXAMPLES, DateOrder, iso_texts, year_comes_first, year_comes_last

Floats = NDArray[np.float64]
Kind = Literal["number", "category", "date"]

MISSING = "(missing)"
DECIMAL_COMMAS = "columns of numbers in which commas stand before decimals"
"""Where a frame's ``attrs`` name such columns: the file that they were read from shows it, the numbers do not."""
DAYS = {"year": 365.2425, "week": 7.0, "day": 1.0}
"""Length of each cycle that a date has a place in."""

_MOST_NAMED = 30  # columns in a message
_MOST_LEVELS = 50  # categories of one input that have a column of their own
_RARE_ROWS, _RARE_SHARE = 10, 0.01  # a category in fewer rows than both is rare
_NUMBERS = {"boolean", "integer", "floating", "mixed-integer-float", "decimal", "timedelta", "timedelta64"}
_DATES = {"date", "datetime", "datetime64", "period"}
_ISO = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
_SECONDS_PER_DAY = 24 * 60 * 60  # of a day
WITH_COMMAS = r"[+-]?(?:[1-9]\d{0,2}(?:\.\d{3})+|\d+)(?:,\d+)?(?:[eE][+-]?\d+)?"  # 1.234,5 and 0,126; never 0.126
_WHOLE = r"[+-]?\d+"
_TRUTH = {"true": 1, "True": 1, "TRUE": 1, "false": 0, "False": 0, "FALSE": 0}  # as pandas reads CSV
_NUMBERS_BEFORE = (
    "Column {name!r} held numbers when the model was trained, and holds {held} here, in {where}: correct it, leave it "
    "empty, or name it in missing (--missing) when the file is read, if that is what it means."
)
_DATES_BEFORE = (
    "Column {name!r} held dates when the model was trained, and holds {held} here, in {where}: write dates as {form}."
)
_NO_NUMBERS = (
    "Column {name!r} is named in numbers (--numbers), and holds {held} in {where}: correct that, name it in missing "
    "(--missing) if that is what it means, or leave the column out of numbers."
)
_NO_DATES = (
    "Column {name!r} is named in dates (--dates), and holds {held} in {where}: write dates as {form}, name it in "
    "missing (--missing) if that is what it means, or leave the column out of dates."
)
_SAME_PLACE = 1e-6  # difference of two sines up to which they are the same place in a cycle


class DataError(ValueError):
    """Raised if data cannot be used; the message says what to do."""


def offered(columns: list[str], name: str, known: Sequence[str] = ()) -> str:
    """Describe the available columns, and that of a similar name among those that are not ``known`` to be others."""
    near = get_close_matches(name, [column for column in columns if column not in known], 1)
    meant = f"Is it {near[0]!r}? " if near else ""
    more = f" and {len(columns) - _MOST_NAMED} more" if len(columns) > _MOST_NAMED else ""
    return f"{meant}The columns are: {', '.join(columns[:_MOST_NAMED])}{more}."


def as_frame(table: Any) -> pd.DataFrame:
    """Return a table as a pandas frame whose columns have one text name each; a name such as 0 becomes "0".

    Parameters
    ----------
    table : DataFrame of pandas, or any table that hands itself over by Arrow (of polars, PyArrow and others)

    Raises
    ------
    DataError
        If it is none, or its columns have names of several levels, or two of them the same name.
    """
    if isinstance(table, pd.DataFrame):
        frame = table
    elif hasattr(table, "__arrow_c_stream__") and not hasattr(table, "to_frame"):  # a column alone has to_frame
        frame = pa.table(table).to_pandas()
    else:
        raise DataError(
            f"A table is needed, a frame of pandas, polars or Arrow, and {type(table).__name__} came: make one, such "
            'as pandas.DataFrame(X, columns=["a", "b"]); of a lazy frame, collect it first.'
        )
    if frame.columns.nlevels > 1:
        raise DataError(
            f"The columns have names of {frame.columns.nlevels} levels, such as {frame.columns[0]!r}, and one text "
            'each is needed: frame.columns = ["_".join(map(str, name)) for name in frame.columns].'
        )
    if not all(isinstance(name, str) for name in frame.columns):
        frame = frame.rename(columns=str)
    if not frame.columns.is_unique:
        refuse_doubled("The table", frame.columns)
    return frame


def refuse_doubled(table: str, names: Iterable[str]) -> None:
    """Check that no two columns of a table have one name.

    Raises
    ------
    DataError
    """
    index = pd.Index(names)
    doubled = index[index.duplicated() & (index != "")]
    if len(doubled):
        raise DataError(f"{table} has more than one column named {doubled[0]!r}: rename one.")


def column_heads(target: str, classes: Iterable[Any], taken: Sequence[str] = ()) -> list[str]:
    """Return the heads of a table of predictions, all different: the target, and the probability of each class.

    ``taken`` are heads of other columns of the table.
    """
    heads = [target]
    for label in classes:
        head = f"probability of {label}"
        while head in heads or head in taken:
            head += " (probability)"
        heads.append(head)
    return heads


def coverage_heads(heads: Iterable[str], classes: Iterable[Any]) -> list[str]:
    """Return the headers of the coverage columns of a table of predictions, different from its other headers.

    Of numbers the ends of an interval, "low" and "high"; of classes whether each is in the set, "possible: yes".
    """
    taken, found = set(heads), []
    for head in [f"possible: {label}" for label in classes] or ["low", "high"]:
        free = head
        while free in taken:
            free += " (coverage)"
        taken.add(free)
        found.append(free)
    return found


def comma_numbers(texts: pd.Series[Any]) -> pd.Series[Any]:
    """Convert texts with decimal commas to texts with points: 1.234,5 to 1234.5; other texts are not changed."""
    written = texts.str.strip()
    commas = written.str.fullmatch(WITH_COMMAS).fillna(False).astype(bool)
    plain = written.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    return texts.where(~commas, plain)


def kind_of(column: pd.Series[Any]) -> Kind:
    """Determine the type of a column.

    Numbers, booleans, decimals and durations (in days) are numbers. Dates and times, and text in which every value is a
    date of ISO 8601 (2024-05-03, 2024-05-03 10:30, 2024-05-03T10:30:00+02:00), are dates. All else is categories.
    """
    if _is_plain(column):
        return "number"
    holds = types.infer_dtype(column, skipna=True)
    if holds in _NUMBERS:
        return "number"
    return "date" if holds in _DATES or (holds == "string" and iso_share(column) == 1) else "category"


def iso_share(column: pd.Series[Any]) -> float:
    """Share of a column's different texts that are dates of ISO 8601."""
    values = pd.Series(column.dropna().unique()).astype(object)
    dates = values.astype(str).str.fullmatch(_ISO)
    if not len(values) or not dates.any():
        return 0.0
    return float(pd.to_datetime(values[dates], format="ISO8601", utc=True, errors="coerce").notna().sum() / len(values))


@dataclass(frozen=True)
class Number:
    """A numeric input.

    Attributes
    ----------
    name : str
    median : float
        Replaces missing values.
    indicated : bool
        Whether values were missing in training, so that there is an indicator column.
    """

    name: str
    median: float
    indicated: bool

    @classmethod
    def learn(cls, name: str, column: pd.Series[Any]) -> Number:
        """Learn the median.

        Raises
        ------
        DataError
            If it holds what is no number, or infinite ones.
        """
        values = _numbers(name, column, _NO_NUMBERS)
        known = values[~np.isnan(values)]
        return cls(name, _median(known), len(known) < len(values))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its encoded columns."""
        return (self.name, *_indicator(self))

    def write(self, column: pd.Series[Any], out: Floats) -> None:
        """Encode a column's rows into ``out`` (N, columns)."""
        values = _numbers(self.name, self.plain(column), _NUMBERS_BEFORE)
        missing = np.isnan(values)
        out[:, 0] = np.where(missing, self.median, values)
        if self.indicated:
            out[:, 1] = missing

    def unseen(self, column: pd.Series[Any]) -> str | None:
        """Describe values that did not occur in training; empty if there are none."""
        return _missing_anew(self, column, f"the median, {self.median:g}, stands for them")

    @property
    def note(self) -> str | None:
        """A note on its encoding, if it may not be obvious."""
        return None

    def plain(self, column: pd.Series[Any]) -> pd.Series[Any]:
        """Return a column's values as Python writes numbers."""
        return column


@dataclass(frozen=True)
class CommaNumber(Number):
    """A numeric input from a file with decimal commas, in which dots may separate thousands.

    Text in new rows is read in the same way: 0,126 is a fraction, and 1.234 is 1234.
    """

    def plain(self, column: pd.Series[Any]) -> pd.Series[Any]:
        """Return a column's values as Python writes numbers."""
        if types.infer_dtype(column, skipna=True) != "string":
            return column
        return comma_numbers(column.astype(object))


@dataclass(frozen=True)
class Category:
    """A categorical input, as text.

    Attributes
    ----------
    name : str
    levels : tuple of str
        Categories with a column each, in order.
    others : tuple of str
        Rare categories, which share the last column with categories that did not occur in training. If there are no
        rare categories, an unknown category is 0 in all columns.
    """

    name: str
    levels: tuple[str, ...]
    others: tuple[str, ...] = ()

    @staticmethod
    def learn(name: str, column: pd.Series[Any]) -> Category:
        """Learn the categories: the 50 most frequent get a column each if they occur in 10 rows or in 1 of 100."""
        counts = _texts(column).value_counts()
        counts = counts.sort_index().sort_values(ascending=False, kind="stable")
        common = min(_MOST_LEVELS, int((counts >= min(_RARE_ROWS, _RARE_SHARE * len(column))).sum()))
        if len(counts) == common + 1:
            common += 1  # nobody to share a column with
        return Category(name, tuple(sorted(counts.index[:common])), tuple(sorted(counts.index[common:])))

    @property
    def spellings(self) -> dict[str, tuple[str, ...]]:
        """The texts of each category: a whole number is the same with and without ".0".

        What is a column of whole numbers in one file is one of fractions in another, in which a value is missing.
        """
        known = {*self.levels, *self.others}
        spelled: dict[str, tuple[str, ...]] = {}
        for text in (*self.levels, *self.others):
            other = f"{text}.0" if re.fullmatch(_WHOLE, text) else text.removesuffix(".0")
            same = other != text and re.fullmatch(_WHOLE, other.removesuffix(".0")) and other not in known
            spelled[text] = (text, other) if same else (text,)
        return spelled

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its encoded columns."""
        another = (f"{self.name} is another",) if self.others else ()
        return (*(f"{self.name} = {level}" for level in self.levels), *another)

    def write(self, column: pd.Series[Any], out: Floats) -> None:
        """Encode a column's rows into ``out`` (N, columns)."""
        spelled = self.spellings
        places = {text: k for k, level in enumerate(self.levels) for text in spelled[level]}
        place = _texts(column).map(places).fillna(-1).to_numpy(dtype=np.intp, copy=True)
        if self.others:
            place[place < 0] = len(self.levels)
        rows = np.flatnonzero(place >= 0)
        out[:] = 0
        out[rows, place[rows]] = 1

    def unseen(self, column: pd.Series[Any]) -> str | None:
        """Describe values that did not occur in training; empty if there are none."""
        texts = _texts(column)
        new = texts[~texts.isin([text for each in self.spellings.values() for text in each])]
        if new.empty:
            return None
        rows = format_count(len(new), "row")
        return f"{self.name!r} holds values that the model has never seen, such as {new.min()!r} ({rows})."

    @property
    def note(self) -> str | None:
        """A note on its encoding, if it may not be obvious."""
        if not self.others:
            return None
        return (
            f"Column {self.name!r} holds {len(self.levels) + len(self.others):,} categories: the {len(self.levels)} "
            f"commonest have a column each, the other {len(self.others):,} (such as {self.others[0]!r}) share one."
        )


@dataclass(frozen=True)
class Date:
    """An input of dates or times.

    Attributes
    ----------
    name : str
    center : float
        Median day of the training data, in whole days since 1970-01-01.
    cycles : tuple of str
        The cycles ("year", "week", "day") that vary in the training data.
    indicated : bool
        Whether values were missing in training, so that there is an indicator column.
    """

    name: str
    center: float
    cycles: tuple[str, ...]
    indicated: bool

    @staticmethod
    def learn(name: str, column: pd.Series[Any], order: DateOrder | None = None) -> Date:
        """Learn the median day, and the cycles in which the dates have different places.

        Raises
        ------
        DataError
            If it holds what is no date.
        """
        moments = _days(name, column, _NO_DATES, order)
        known = moments[~np.isnan(moments)]
        vary = tuple(
            cycle for cycle in DAYS if known.size and max(map(np.ptp, place_in_cycle(known, cycle))) > _SAME_PLACE
        )
        center, indicated = float(np.floor(_median(known))), len(known) < len(moments)
        return (
            Date(name, center, vary, indicated) if order is None else OrderedDate(name, center, vary, indicated, order)
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its encoded columns."""
        circles = (f"{self.name} ({cycle}, {wave})" for cycle in self.cycles for wave in ("sin", "cos"))
        return (f"{self.name} (days)", *circles, *_indicator(self))

    def write(self, column: pd.Series[Any], out: Floats) -> None:
        """Encode a column's rows into ``out`` (N, columns)."""
        moments = _days(self.name, column, _DATES_BEFORE, self._order)
        missing = np.isnan(moments)
        out[:, 0] = moments - self.center
        for k, cycle in enumerate(self.cycles):
            out[:, 1 + 2 * k], out[:, 2 + 2 * k] = place_in_cycle(moments, cycle)
        out[missing] = 0
        if self.indicated:
            out[:, -1] = missing

    def unseen(self, column: pd.Series[Any]) -> str | None:
        """Describe values that did not occur in training; empty if there are none."""
        return _missing_anew(self, column, f"{self._median_day} stands for them")

    @property
    def note(self) -> str | None:
        """A note on its encoding, if it may not be obvious."""
        days = f"the number of days since their median, {self._median_day}"
        return f"Column {self.name!r} holds dates, and becomes {days}{self.place}."

    @property
    def place(self) -> str:
        """The cycles whose phase is encoded, in words; empty if there are none."""
        return f", and the place in the {' and in the '.join(self.cycles)}" if self.cycles else ""

    @property
    def _median_day(self) -> str:
        return str(np.datetime64(int(self.center), "D"))

    @property
    def _order(self) -> DateOrder | None:
        """The part that comes first in its texts; None for ISO dates."""
        return None


@dataclass(frozen=True)
class OrderedDate(Date):
    """An input of dates in a format other than ISO 8601 (:mod:`ridgewalk.tables.dates`).

    Text in new rows is read in the same format; ISO dates and date types are accepted, too.

    Attributes
    ----------
    order : "dayfirst", "monthfirst" or "yearfirst"
    """

    order: DateOrder

    @property
    def _order(self) -> DateOrder | None:
        return self.order


Column = Number | CommaNumber | Category | Date | OrderedDate


def order_of(column: pd.Series[Any]) -> DateOrder | None:
    """Determine the date order of a column; None for date types, or if only ISO is possible."""
    if kind_of(column) == "date":
        return None
    return "yearfirst" if year_comes_first(_texts(column.dropna())) else None


def in_iso(column: pd.Series[Any], order: DateOrder) -> pd.Series[Any]:
    """Return a column of dates with texts and whole numbers of a date order as ISO texts."""
    if types.infer_dtype(column, skipna=True) in {*_DATES, "empty"}:
        return column
    known = column.notna()
    return iso_texts(_texts(column), order).where(known, None)


def _indicator(column: Number | Date) -> tuple[str, ...]:
    return (f"{column.name} is missing",) if column.indicated else ()


def _missing_anew(learned: Number | Date, column: pd.Series[Any], instead: str) -> str | None:
    missing = int(column.isna().sum())
    if learned.indicated or not missing:
        return None
    return f"{learned.name!r} is missing in {format_count(missing, 'row')}, and never was in the training: {instead}."


def in_days(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column of durations, of NumPy's type, Arrow's or objects, as days; any other as it is."""
    if types.infer_dtype(column, skipna=True) not in ("timedelta", "timedelta64") and _kind_letter(column) != "m":
        return column
    missing = column.isna()
    durations = pd.to_timedelta(column.astype(object).where(~missing, None))
    return durations.dt.total_seconds() / _SECONDS_PER_DAY


def _is_plain(column: pd.Series[Any]) -> bool:
    """Whether a column has NumPy's numbers or booleans, so that single values need no check."""
    return is_plain_type(column.dtype)


def is_plain_type(kind: Any) -> bool:
    """Return whether a column's type is one of NumPy's numbers, or its truth value."""
    return isinstance(kind, np.dtype) and kind.kind in "fiub"


def _kind_letter(column: pd.Series[Any]) -> str:
    return getattr(column.dtype, "kind", "")


def _numbers(name: str, column: pd.Series[Any], otherwise: str) -> Floats:
    """Return the values of a numeric column, nan if missing; ``otherwise`` completes the error message."""
    try:
        numbers = column if _is_plain(column) else pd.to_numeric(in_days(_truth(_no_dates(column))))
        values = numbers.to_numpy(dtype=float, na_value=np.nan)
    except (ValueError, TypeError):
        held, where = _no_numbers(column)
        raise DataError(otherwise.format(name=name, held=held, where=where)) from None
    except OverflowError:  # whole numbers of more than 308 digits
        values = np.array([np.inf])
    if np.isinf(values).any():
        raise DataError(
            f"Column {name!r} holds infinite values, or numbers beyond 1e308: correct them, or leave them empty "
            "(missing)."
        )
    return np.asarray(values)


def _no_dates(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column without date types, which pandas would convert to nanoseconds."""
    if types.infer_dtype(column, skipna=True) in _DATES and column.notna().any():
        raise TypeError("dates are no numbers")
    return column


def _truth(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column with the texts "true" and "false" as 1 and 0."""
    if types.infer_dtype(column, skipna=True) != "string":
        return column
    column = column.astype(object)
    return column.where(~column.isin(list(_TRUTH)), column.map(_TRUTH))


def _median(values: Floats) -> float:
    """Return the median; 0 for no values. Halves are summed, to avoid overflow near 1e308."""
    if not values.size:
        return 0.0
    middle = [(len(values) - 1) // 2, len(values) // 2]
    return float((np.partition(values, middle)[middle] / 2).sum())


def _no_numbers(column: pd.Series[Any]) -> tuple[str, str]:
    """Return the first value of a column that is no number, and in which rows there are such."""
    rows = [k for k, there in enumerate(column.notna()) if there and not _is_number(column.iloc[k])]
    return (repr(column.iloc[rows[0]]), _rows(rows)) if rows else (f"{column.dtype} values", "every row")


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _rows(rows: Sequence[int]) -> str:
    """Describe rows by the number of the first, counted from 1."""
    return f"row {rows[0] + 1:,}" + (f" and {len(rows) - 1:,} more" if len(rows) > 1 else "")


def _texts(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column's values as text, with a special text for missing values; whole numbers as 1, not 1.0."""
    values = column.astype(object).where(column.notna(), MISSING)
    if types.infer_dtype(values, skipna=False) == "string":
        return values
    return values.map(lambda value: str(int(value) if isinstance(value, float) and value.is_integer() else value))


def _days(name: str, source: pd.Series[Any], otherwise: str, order: DateOrder | None) -> Floats:
    """Return days since 1970-01-01 00:00 UTC, nan if missing; ``otherwise`` completes the error message."""
    known = source.notna()
    column = source if order is None else in_iso(source, order)
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if types.infer_dtype(column, skipna=True) in {*_DATES, "empty"}:
        moments = pd.to_datetime(column, utc=True, errors="coerce")
    else:
        texts = _texts(column)
        dates = texts.where(texts.str.fullmatch(_ISO))
        moments = pd.to_datetime(dates, format="ISO8601", utc=True, errors="coerce")
    wrong = np.flatnonzero(known & moments.isna()).tolist()
    if wrong:
        held, forms = str(source.iloc[wrong[0]]), "2024-05-03 or 2024-05-03 10:30"
        if order is not None:
            forms = f"{EXAMPLES[order]}, or 2024-05-03"
        elif year_comes_last(held):
            again = "fit again and " if otherwise == _DATES_BEFORE else ""
            forms += f", or {again}say what comes first in them (--dates '{name}:dayfirst', or monthfirst)"
        raise DataError(otherwise.format(name=name, held=repr(held), where=_rows(wrong), form=forms))
    microseconds = moments.to_numpy(dtype="datetime64[us]")
    days = microseconds.astype(np.int64) / (_SECONDS_PER_DAY * 1_000_000)
    return np.where(np.isnat(microseconds), np.nan, days)


def place_in_cycle(days: Floats, cycle: str) -> tuple[Floats, Floats]:
    """Return the position of days since 1970-01-01 in a cycle of :data:`DAYS`, as sine and cosine."""
    angle = 2 * np.pi / DAYS[cycle] * days
    return np.sin(angle), np.cos(angle)
