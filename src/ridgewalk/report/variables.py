"""The user's inputs and their encoded columns: a number, a category with its levels, a date."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ridgewalk.arrays import Array, Integers

Kind = Literal["number", "category", "date"]
_QUANTILES = (0.05, 0.95)  # as scikit-learn's partial dependence goes, by default
_EPOCH = "1970-01-01"


@dataclass(frozen=True, eq=False)
class Variable:
    """An input of a table, and the columns that it became.

    Attributes
    ----------
    name : str
    kind : "number", "category" or "date"
    columns : integers, shape (k,)
        Their numbers.
    levels : tuple of str
        Of a category, in the order of its settings.
    write : function
        Makes values (G,) columns (G, k): numbers, days from ``start``, or places of levels.
    start : float
        Of a date: days from 1970-01-01 to where its first column is 0.
    """

    name: str
    kind: Kind
    columns: Integers
    write: Callable[[Array], Array]
    levels: tuple[str, ...] = ()
    start: float = 0.0

    def grid(self, x: Array, most: int) -> Array:
        """Return values (G,) to look at, by rows x (N, P): all that there are, or so many between two quantiles.

        Of a category, places of the levels that the rows hold, the most frequent ones; in order. Of rows that hold none
        of them it is the first one.
        """
        if self.kind == "category":
            rows = x[:, self.columns].sum(axis=0)
            return np.sort(np.argsort(-rows, kind="stable")[: min(most, max(1, int((rows > 0).sum())))])
        values = np.unique(x[:, self.columns[0]])
        if len(values) <= most:
            return values
        low, high = np.quantile(x[:, self.columns[0]], _QUANTILES)
        return np.linspace(low, high, most) if high > low else values[:: max(1, len(values) // most)][:most]

    def labels(self, grid: Array) -> list[str]:
        """Return what values of a grid are called; numbers have no other name."""
        if self.kind == "category":
            return [self.levels[int(k)] for k in grid]
        if self.kind == "date":
            days = np.datetime64(_EPOCH) + np.round(grid + self.start).astype("timedelta64[D]")
            return [str(day) for day in days]
        return []


def plain_variables(names: list[str]) -> list[Variable]:
    """Return a variable for every name that one column has: columns of several are set together by their encoder."""
    counts = Counter(names)
    return [Variable(name, "number", np.array([k]), _column) for k, name in enumerate(names) if counts[name] == 1]


def _column(values: Array) -> Array:
    return values[:, None]
