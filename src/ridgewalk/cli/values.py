"""Parse the values of options: layers, strengths, ratios, class weights and times.

64,32           units of two hidden layers; none is a linear model, auto chooses by the table
30 | 0.1,0.01 | qut     number of strengths, the strengths, the quantile universal threshold; or auto
no=1,yes=5      class weights
90s, 2m, 1h     a time
a,"b, c"        texts, one of which contains a comma
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Sequence
from difflib import get_close_matches

from ridgewalk.path.defaults import Auto
from ridgewalk.path.fit import AlphaSpec

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def sizes(text: str) -> tuple[int, ...] | Auto:
    """Units of each hidden layer, none for a linear model; or "auto".

    Raises
    ------
    ValueError
    """
    if text.strip().lower() == "auto":
        return "auto"
    if text.strip().lower() in ("none", "0", ""):
        return ()
    try:
        units = tuple(int(part) for part in _parts(text))
    except ValueError:
        units = (0,)
    if min(units) < 1:
        raise ValueError(f'--hidden takes units per layer, such as 32 or 64,32, "none" or "auto"; got {text!r}.')
    return units


def strengths(text: str) -> AlphaSpec | Auto:
    """How many strengths, the strengths themselves, "qut" or "auto".

    Raises
    ------
    ValueError
    """
    if text.strip().lower() == "auto":
        return "auto"
    if text.strip().lower() == "qut":
        return "qut"
    if text.strip().isdecimal() and int(text) > 0:
        return int(text)
    numbers = _numbers(text) if not text.strip().lstrip("-").isdecimal() else []
    if not numbers or not all(0 <= strength < math.inf for strength in numbers):
        raise ValueError(
            "--alphas takes how many strengths (30), the strengths themselves, of zero or more (0.1,0.01; a single one "
            f'as 0.1), "qut" or "auto"; got {text!r}.'
        )
    return numbers


def ratios(text: str) -> list[float]:
    """Shares of L1, each with a path of its own.

    Raises
    ------
    ValueError
    """
    numbers = _numbers(text)
    if not numbers or not all(0 <= ratio <= 1 for ratio in numbers):
        raise ValueError(
            f"--l1-ratio takes numbers from 0 (all L2) to 1 (all L1), such as 0.5 or 0.2,0.8; got {text!r}."
        )
    return numbers


def class_weights(text: str) -> str | dict[str, float]:
    """Return "balanced", or a weight by class.

    Raises
    ------
    ValueError
    """
    if text.strip().lower() == "balanced":
        return "balanced"
    weights = {}
    for part in _parts(text):
        name, _, weight = part.rpartition("=")
        number = _numbers(weight)
        if not name or len(number) != 1 or not 0 <= number[0] < math.inf:
            raise ValueError(
                f'--class-weight takes "balanced", or weights of classes, such as no=1,yes=5; got {text!r}.'
            )
        weights[name.strip()] = number[0]
    return weights


def seconds(text: str) -> float:
    """Read a time: 90s, 2m, 1h; a bare number is seconds.

    Raises
    ------
    ValueError
    """
    trimmed = text.strip().lower()
    unit = trimmed[-1:] if trimmed[-1:] in _UNITS else "s"
    number = _numbers(trimmed.removesuffix(unit))
    if len(number) != 1 or not 0 < number[0] < math.inf:
        raise ValueError(
            f"--budget takes a time above 0 in seconds, minutes or hours, such as 60s, 2m or 1h; got {text!r}."
        )
    return number[0] * _UNITS[unit]


def known(name: str, what: str, names: list[str]) -> str:
    """Check that a name is one of those that are known, and return it.

    Raises
    ------
    ValueError
        Which names the nearest one that is.
    """
    if name not in names:
        nearest = get_close_matches(name, names, 1, cutoff=0)
        raise ValueError(f"There is no {what} {name!r}; the nearest is {nearest[0]!r}. There are: {', '.join(names)}.")
    return name


def names(option: str, values: Sequence[str] | None) -> tuple[str, ...]:
    """Read texts with commas between them, of an option that may be given again; quotes hold one that has a comma.

    Raises
    ------
    ValueError
        If one of them is empty.
    """
    rows = [next(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True), [""]) for text in values or ()]
    found = tuple(dict.fromkeys(part for row in rows for part in row))
    if not all(found):
        raise ValueError(f"{option} takes texts with commas between them, such as a,b, and one of them is empty.")
    return found


def candidates(option: str, values: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names that an option may mean: each value as it is, and what stands between its commas."""
    return tuple(dict.fromkeys(name for value in values or () for name in (value, *names(option, [value]))))


def columns_named(option: str, values: Sequence[str] | None, columns: Collection[str]) -> tuple[str, ...]:
    """Read names of columns with commas between them; a value that is the name of a column is one name.

    Raises
    ------
    ValueError
        If one of them is empty.
    """
    there = set(columns)
    found = ([value] if value in there else names(option, [value]) for value in values or ())
    return tuple(dict.fromkeys(name for each in found for name in each))


def _parts(text: str) -> list[str]:
    """Return what stands between commas; a comma may end it."""
    return text.strip().removesuffix(",").split(",")


def _numbers(text: str) -> list[float]:
    """Numbers between commas; none where anything else stands there."""
    try:
        return [float(part) for part in _parts(text)]
    except ValueError:
        return []
