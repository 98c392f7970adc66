"""Round numbers and shorten names for the data of a page."""

from __future__ import annotations

from typing import Any

import numpy as np

from ridgewalk.arrays import Array, Integers

_LONGEST_NAME = 80


def spread(count: int, most: int) -> Integers:
    """Return numbers of at most so many of ``count``, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))


def short(name: str, most: int = _LONGEST_NAME) -> str:
    """Return a name cut to so many characters, by default to the length that fits a page."""
    return name if len(name) <= most else name[: most - 1] + "…"


def rounded(values: Array | list[Any], digits: int = 4) -> Any:
    """Return nested lists of numbers of so many digits, ready for JSON."""
    array = np.asarray(values, dtype=float)
    if array.ndim == 0:
        return round_digits(float(array), digits)
    if array.size and array.ndim:
        flat = [round_digits(value, digits) for value in array.ravel().tolist()]
        return _nested(flat, array.shape)
    return array.tolist()


def round_digits(value: float, digits: int = 4) -> float | None:
    """Round to so many digits: 0 stays 0, and what is not 0 does not become it."""
    return float(f"{value:.{digits}g}") + 0.0 if np.isfinite(value) else None


def _nested(flat: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """Shape a flat list as an array."""
    for size in shape[:0:-1]:
        flat = [flat[k : k + size] for k in range(0, len(flat), size)]
    return flat
