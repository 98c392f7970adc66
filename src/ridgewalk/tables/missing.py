"""Additional texts that mean missing: values equal to them become missing.

Text is compared without surrounding spaces, and whole numbers with or without ".0". A number is missing if such a text
represents it, and a date or time if such a text is its ISO form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

_WHOLE = re.compile(r"[+-]?\d+(?:\.0)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?")

DEFAULT_TEXTS = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
"""What a field of a file of text, or of Excel, says of a missing value by itself: what pandas takes for it."""
NA_TEXTS = frozenset(DEFAULT_TEXTS) - {""}
"""Those of them that a column may have as values like any other."""


@dataclass(frozen=True)
class MissingTexts:
    """Texts that mean missing, as a user names them.

    Attributes
    ----------
    texts : tuple of str
    keep_na : tuple of str
        Columns of a file in which NA and the like are values, and only these texts and empty fields are missing.
    """

    texts: tuple[str, ...] = ()
    keep_na: tuple[str, ...] = ()

    @cached_property
    def spelled(self) -> frozenset[str]:
        """The texts without spaces around them, whole numbers with ".0" and without."""
        plain = [text.strip() for text in self.texts]
        whole = [text.removesuffix(".0") for text in plain if _WHOLE.fullmatch(text)]
        return frozenset([*plain, *whole, *(f"{text}.0" for text in whole)])

    @cached_property
    def numbers(self) -> frozenset[float]:
        """The numbers that the texts represent."""
        return frozenset(value for text in self.texts if np.isfinite(value := number_of(text)))

    @cached_property
    def moments(self) -> frozenset[pd.Timestamp]:
        """The dates and times that the texts represent, in UTC."""
        dates = (text.strip() for text in self.texts if _DATE.fullmatch(text.strip()))
        found = (pd.to_datetime(text, utc=True, errors="coerce") for text in dates)
        return frozenset(moment for moment in found if not pd.isna(moment))

    def include(self, value: Any, as_number: bool = False) -> bool:
        """Return whether a value means missing; texts also by the number that they represent, if ``as_number``."""
        if isinstance(value, str):
            return value.strip() in self.spelled or (as_number and number_of(value) in self.numbers)
        if isinstance(value, bool | np.bool_):
            return False
        if hasattr(value, "isoformat") and hasattr(value, "year"):
            return pd.to_datetime(value, utc=True, errors="coerce") in self.moments
        return isinstance(value, Real | Decimal) and value in self.numbers  # whole numbers of any size have a hash

    def blanked(self, column: pd.Series[Any], as_numbers: bool = False) -> pd.Series[Any]:
        """Return a column with values that mean missing as missing; the same object if there are none."""
        if not self.texts:
            return column
        if isinstance(column.dtype, np.dtype) and column.dtype.kind in "fiu":
            gone = column.isin(list(self.numbers))
        else:
            try:
                different = column.dropna().unique()
            except (TypeError, NotImplementedError):  # lists, dictionaries
                return column
            named = [value for value in different if self.include(value, as_numbers)]
            gone = column.isin(named) if named else pd.Series(False, column.index)
        return column.mask(gone) if gone.any() else column

    def blanked_frame(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a frame with values that mean missing as missing; the same object if there are none."""
        if not self.texts:
            return frame
        pairs = ((name, frame[name]) for name in frame.columns)
        changed = {name: blank for name, column in pairs if (blank := self.blanked(column)) is not column}
        return frame.assign(**changed) if changed else frame


def number_of(text: str) -> float:
    """Return the number that a text represents, or nan."""
    try:
        return np.nan if "_" in text else float(text)
    except ValueError:
        return np.nan
