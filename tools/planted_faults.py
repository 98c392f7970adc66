"""A fault of the package for every kind of column, that the fuzz of tables has to find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd

from ridgewalk.export import numpy_code, recipe
from ridgewalk.tables import encode as columns
from ridgewalk.tables import read as data
from ridgewalk.tables import useful

Harm = Callable[[Any, pd.Series, np.ndarray], None]


def encoding(kind: str, harm: Harm) -> list[Any]:
    """Return patches that harm what the encoder writes of columns of a kind."""

    def harmed(cls: Any) -> Any:
        write = cls.write

        def wrong(self: Any, column: pd.Series, out: np.ndarray) -> None:
            write(self, column, out)
            if self.name.startswith(kind):
                harm(self, column, out)

        return mock.patch.object(cls, "write", wrong)

    return [harmed(cls) for cls in (columns.Number, columns.Category, columns.Date)]


def plus_one(_: Any, __: pd.Series, out: np.ndarray) -> None:
    """Add 1 to a number, or a day to a date."""
    out[:, 0] += 1


def plus_one_alone(_: Any, __: pd.Series, out: np.ndarray) -> None:
    """Add 1 in few rows alone."""
    out[:, 0] += len(out) < 20


def upside_down(_: Any, __: pd.Series, out: np.ndarray) -> None:
    """Assign each row the values of another."""
    out[:] = out[::-1].copy()


def swapped(_: Any, __: pd.Series, out: np.ndarray) -> None:
    """Swap the columns of categories; 1 and 0 where there is one column."""
    out[:] = 1 - out if out.shape[1] == 1 else np.roll(out, 1, axis=1)


def no_numbers(_: Any, column: pd.Series, out: np.ndarray) -> None:
    """Leave what is missing as no number."""
    out[column.isna()] = np.nan


def single(_: Any, __: pd.Series, out: np.ndarray) -> None:
    """Keep what single precision does."""
    out[:] = out.astype(np.float32)


def no_others(self: Any, _: pd.Series, __: np.ndarray) -> None:
    """Know no rare categories."""
    if getattr(self, "others", ()):
        raise KeyError(self.others[0])


def instead(module: Any, name: str, make: Callable[[Any], Any]) -> list[Any]:
    """Return a patch that puts something, made of what is there, in its place."""
    return [mock.patch.object(module, name, make(getattr(module, name)))]


def in_code(name: str, old: str, new: str) -> list[Any]:
    """Return a patch of the code that the NumPy file has."""
    assert old in getattr(numpy_code, name)
    return instead(numpy_code, name, lambda code: code.replace(old, new))


def no_comma(kind: str) -> list[Any]:
    """Return patches that read 1,5 as 15."""

    def make(right: Any) -> Any:
        def wrong(texts: pd.Series) -> pd.Series:
            return texts.str.replace(",", "") if str(texts.name).startswith(kind) else right(texts)

        return wrong

    return instead(data, "comma_numbers", make) + instead(columns, "comma_numbers", make)


def nothing(*_: Any) -> Any:
    """Find nothing."""
    return None


PLANTS: dict[str, Callable[[], list[Any]]] = {
    "plain floats": lambda: encoding("plain floats", plus_one_alone),
    "integers": lambda: encoding("integers", upside_down),
    "floats with gaps": lambda: encoding("floats with gaps", no_numbers),
    "true or false": lambda: in_code("_NUMBER", '"true": 1', '"true": 0'),
    "TRUE or FALSE": lambda: in_code("_NUMBER", ' "TRUE": 1,', ""),
    "yes or no": lambda: encoding("yes or no", swapped),
    "categories": lambda: in_code("_AMONG", "float(text in texts)", "float(text not in texts)"),
    "rare categories": lambda: encoding("rare categories", no_others),
    "whole categories": lambda: encoding("whole categories", swapped),
    "codes": lambda: instead(data, "_keep_codes", lambda _: lambda *_: []),
    "ids": lambda: instead(useful, "_odd", lambda _: nothing),
    "row numbers": lambda: instead(useful, "_numbered", lambda _: nothing),
    "ISO dates": lambda: encoding("ISO dates", plus_one),
    "ISO times": lambda: instead(columns, "_days", lambda right: lambda *given: np.floor(right(*given))),
    "dates with gaps": lambda: encoding("dates with gaps", no_numbers),
    "German dates": lambda: encoding("German dates", swapped),
    "decimal commas": lambda: no_comma("decimal commas"),
    "three digits": lambda: no_comma("three digits"),
    "thousands": lambda: encoding("thousands", plus_one),
    "three decimals": lambda: encoding("three decimals", plus_one_alone),
    "percentages": lambda: encoding("percentages", upside_down),
    "money": lambda: encoding("money", swapped),
    "durations": lambda: instead(columns, "_SECONDS_PER_DAY", lambda seconds: seconds / 24),
    "nullable": lambda: encoding("nullable", no_numbers),
    "constant": lambda: instead(useful, "_hopeless", lambda _: nothing),
    "empty": lambda: instead(useful, "_hopeless", lambda _: nothing),
    "huge": lambda: encoding("huge", single),
    "tiny": lambda: encoding("tiny", single),
    "infinite": lambda: instead(columns.np, "isinf", lambda _: lambda values: np.zeros(np.shape(values), bool)),
    "unknown": lambda: instead(
        columns, "_texts", lambda right: lambda column: right(column).replace("unknown", columns.MISSING)
    ),
    "odd texts": lambda: instead(numpy_code, "_literal", lambda _: lambda value: f'"{value}"'),
    "odd names": lambda: instead(
        recipe, "_features", lambda right: lambda *given: (replace(f, column=f.column.upper()) for f in right(*given))
    ),
    "category types": lambda: encoding("category types", swapped),
    "lists": lambda: instead(useful, "_hopeless", lambda _: nothing),
    "bytes": lambda: instead(useful, "_hopeless", lambda _: nothing),
}


@contextmanager
def planted(kind: str) -> Iterator[None]:
    """Break the package where a kind needs it."""
    with ExitStack() as stack:
        for patch in PLANTS[kind]():
            stack.enter_context(patch)
        yield
