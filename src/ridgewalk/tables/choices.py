"""The user's choices for columns (types, missing values, ids), and the columns that are left out.

categories   columns that are categories, whatever they look like
numbers      columns that are numbers: also text that represents numbers, and codes with leading zeros
dates        columns that are dates: ISO 8601, or with the given part first
missing      texts that mean missing, in addition to the default ones
ids          columns that identify rows: not inputs, but added to predictions
keep         inputs although they look like row numbers or names; the same holds for columns with a declared type
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ridgewalk.tables.dates import ORDERS, DateOrder
from ridgewalk.tables.encode import DataError, Kind, offered
from ridgewalk.tables.missing import MissingTexts

Names = str | Iterable[str]
"""One name, or several."""
Role = Literal["input", "left out", "dropped", "id", "weights", "row groups"]
"""What a column of a table is for: to learn from, or why it is not."""


def names_of(value: Names | None) -> tuple[str, ...]:
    """Return one name, or several, as a tuple of texts, each once."""
    names = (value,) if isinstance(value, str) else () if value is None else value
    return tuple(dict.fromkeys(map(str, names)))


def refuse_twice(named: Mapping[str, Iterable[str]]) -> None:
    """Check that no column is named in two places.

    Parameters
    ----------
    named : mapping of str to names
        What a place is called: the columns that are named there.

    Raises
    ------
    DataError
    """
    places: dict[str, str] = {}
    for place, names in named.items():
        for name in names:
            first = places.setdefault(name, place)
            if first != place:
                raise DataError(f"{name!r} stands in {first} and in {place}: take one of them back.")


@dataclass(frozen=True)
class LeftOut:
    """A column that is not an input.

    Attributes
    ----------
    column : str
    role : Role
        "left out" if it was found to be useless; the other roles are the user's choice.
    reason : str
        Completes the sentence "Column 'x' REASON."
    advice : str
        How to use the column as an input, beginning with a semicolon; empty if this is not possible.
    """

    column: str
    role: Role
    reason: str
    advice: str = ""

    @property
    def note(self) -> str:
        """The same as a sentence."""
        return f"Column {self.column!r} {self.reason} and was left out{self.advice or '.'}"


@dataclass(frozen=True)
class ColumnChoices:
    """The user's choices for the columns of a table.

    Parameters
    ----------
    categories, numbers : str or sequence of str
        Columns that are categories, or numbers, whatever they look like.
    dates : str, sequence of str, or dict of str to str
        Columns that are dates. A dict has the part that comes first in their texts: "dayfirst", "monthfirst" or
        "yearfirst"; None, or a name alone, is ISO 8601 or the year first.
    missing : str or sequence of str
        Texts that mean missing, such as "?" or "-999", in addition to the default ones.
    ids : str or sequence of str
        Columns that identify rows: not inputs, but added to predictions.
    keep : str or sequence of str
        Columns to use although they look like row numbers or names of rows; columns with a declared type are used, too.

    Raises
    ------
    DataError
        If a column is named twice, or a date order is unknown.
    """

    categories: Sequence[str] = ()
    numbers: Sequence[str] = ()
    dates: Mapping[str, DateOrder | None] = field(default_factory=dict)
    missing: Sequence[str] = ()
    ids: Sequence[str] = ()
    keep: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("categories", "numbers", "missing", "ids", "keep"):
            object.__setattr__(self, name, names_of(getattr(self, name)))
        dates = self.dates
        orders = dates if isinstance(dates, Mapping) else dict.fromkeys(names_of(dates))
        object.__setattr__(self, "dates", {str(name): order for name, order in orders.items()})
        for name, order in self.dates.items():
            if order is not None and order not in ORDERS:
                raise DataError(
                    f"What comes first in the dates of column {name!r} is {order!r}: one of {', '.join(ORDERS)} is "
                    "needed, or None for ISO 8601."
                )
        if not all(self.missing):
            raise DataError(
                "A text that means missing is empty, and empty fields are missing in any case: leave it out."
            )
        refuse_twice({name: getattr(self, name) for name in ("categories", "numbers", "dates", "ids")})
        refuse_twice({"ids": self.ids, "keep": self.keep})

    @property
    def named(self) -> tuple[str, ...]:
        """All columns that are named."""
        return tuple(dict.fromkeys((*self.categories, *self.numbers, *self.dates, *self.ids, *self.keep)))

    @property
    def kept(self) -> frozenset[str]:
        """Columns to learn from although they look useless."""
        return frozenset((*self.categories, *self.numbers, *self.dates, *self.keep))

    @property
    def texts(self) -> tuple[str, ...]:
        """Columns that are read as text where a file of text has them: a code or a number of a row keeps its zeros."""
        return (*self.categories, *self.ids)

    @property
    def missing_texts(self) -> MissingTexts:
        """What finds values that mean missing."""
        return MissingTexts(tuple(self.missing))

    def kind(self, name: str) -> Kind | None:
        """Return the kind that is chosen for a column, or nothing."""
        if name in self.categories:
            return "category"
        if name in self.numbers:
            return "number"
        return "date" if name in self.dates else None

    def place(self, name: str) -> str:
        """Return where a column is named: "categories", "numbers", "dates", "ids" or "keep"."""
        places = ("categories", "numbers", "dates", "ids", "keep")
        return next(place for place in places if name in getattr(self, place))

    def check(self, columns: Sequence[str]) -> None:
        """Check that a table has every column that is named.

        Parameters
        ----------
        columns : sequence of str
            The table's columns.

        Raises
        ------
        DataError
            If one is missing; the message names the columns that may have been meant.
        """
        there = set(columns)
        for name in self.named:
            if name not in there:
                raise DataError(f"There is no column {name!r}. {offered(list(columns), name)}")


NO_CHOICES = ColumnChoices()
