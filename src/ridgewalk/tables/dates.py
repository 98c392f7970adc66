"""Convert dates in formats other than ISO 8601 to ISO text, by which part comes first.

dayfirst      24.12.2026, 24/12/26, 24-12-2026 18:30
monthfirst    12/24/2026, 12/24/26 6:30 PM
yearfirst     2026/12/24, 2026.12.24, 20261224, 20261224T1830

A time may follow. A two-digit year is between 1969 and 2068, as in POSIX.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import pandas as pd

DateOrder = Literal["dayfirst", "monthfirst", "yearfirst"]
ORDERS: tuple[DateOrder, ...] = ("dayfirst", "monthfirst", "yearfirst")
EXAMPLES: dict[DateOrder, str] = {
    "dayfirst": "24.12.2026 or 24/12/2026 18:30",
    "monthfirst": "12/24/2026 or 12/24/2026 6:30 PM",
    "yearfirst": "2026/12/24 or 20261224",
}
YEAR_LAST = r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d\d)"
"""A date whose year comes last: its first number, what separates, its second number, its year."""
YEAR_FIRST = r"(\d{4})(?:([./-])(\d{1,2})\2(\d{1,2})|(\d\d)(\d\d))"
"""A date whose year comes first: the year, what separates, month and day; or month and day of a compact one."""
CLOCK = r"(\d{1,2}):?(\d\d)(?::?(\d\d(?:\.\d+)?))?(?:\s*([AaPp])\.?[Mm]\.?)?"
"""A time: hours, minutes, seconds, and A or P of a clock of twelve hours."""
BETWEEN = r"(?:\s*,\s*|\s+|T)"
"""What stands between a date and a time."""
PIVOT = 69
"""The first year of two digits that is one of the last century."""
_LAST, _FIRST = (re.compile(f"{date}(?:{BETWEEN}{CLOCK})?") for date in (YEAR_LAST, YEAR_FIRST))


def iso_text(text: str, order: DateOrder) -> str:
    """Return a date in ISO's form if it is written in that order, else the text as it is.

    A date that there is not, such as 31.02.2026, comes back as 2026-02-31.
    """
    matched = (_FIRST if order == "yearfirst" else _LAST).fullmatch(text.strip())
    if matched is None:
        return text
    *date, hours, minutes, seconds, half = matched.groups()
    if order == "yearfirst":
        year, _, month, day, compact_month, compact_day = date
        month, day = month or compact_month, day or compact_day
    else:
        first, _, second, year = date
        day, month = (first, second) if order == "dayfirst" else (second, first)
        if len(year) == 2:
            year = f"{19 if int(year) >= PIVOT else 20}{year}"
    iso = f"{year}-{int(month):02}-{int(day):02}"
    if hours is None:
        return iso
    hour = int(hours)
    if half:
        if not 1 <= hour <= 12:
            return text
        hour = hour % 12 + 12 * (half in "Pp")
    return f"{iso} {hour:02}:{minutes}:{seconds or '00'}"


def iso_texts(texts: pd.Series[Any], order: DateOrder) -> pd.Series[Any]:
    """Return a column of texts in which dates of this order are written as ISO has them; the others stay."""
    return texts.map({text: iso_text(text, order) for text in texts.unique()})


def year_comes_first(texts: pd.Series[Any]) -> bool:
    """Return whether every text is a date with the year first, for which no order need be declared."""
    return bool(len(texts)) and all(_FIRST.fullmatch(text.strip()) for text in texts.unique())


def year_comes_last(text: str) -> bool:
    """Return whether a text looks like a date whose year comes last, so that day and month may change places."""
    return _LAST.fullmatch(text.strip()) is not None
