"""What the records of a model file are made of: kinds with their fields, and arrays of a checked shape."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ridgewalk.storage.container import AnyArray, Arrays, JsonObject, ModelFileError, WrongError, as_text

Kinds = Mapping[str, tuple[type, dict[str, type]]]
"""Name in the file -> what it stands for, and its fields with their types."""


def sized(arrays: Arrays, name: str, kind: str, letters: str, sizes: dict[str, int]) -> AnyArray:
    """Return an array of a kind of numbers, with one axis per letter; equal letters are equal lengths."""
    array = arrays[name]
    fits = array.dtype.kind == kind and array.ndim == len(letters) and (kind == "b" or array.itemsize >= 4)
    if not fits or any(sizes.setdefault(each, n) != n for each, n in zip(letters, array.shape, strict=True)):
        wanted = ", ".join(str(sizes.get(each, "any")) for each in letters)
        raise WrongError(f"its array {name!r} is {array.dtype} of shape {array.shape}, where ({wanted}) is needed")
    return array


def all_finite(array: AnyArray) -> bool:
    """Return whether every number is finite."""
    return bool(np.isfinite(array).all())


def none_negative(array: AnyArray) -> bool:
    """Return whether no number is below 0."""
    return bool((array >= 0).all())


def all_positive(array: AnyArray) -> bool:
    """Return whether every number is above 0."""
    return bool((array > 0).all())


def record_of(kinds: Kinds, thing: Any, what: str) -> JsonObject:
    """Describe which kind a layer, a loss or a column is, and its fields."""
    for name, (kind, fields) in kinds.items():
        if type(thing) is kind:
            return {"kind": name} | {field: of(getattr(thing, field)) for field, of in fields.items()}
    raise ModelFileError(f"A model file knows no {what} {type(thing).__name__}: it holds {', '.join(kinds)}.")


def thing_of(kinds: Kinds, record: JsonObject, what: str) -> Any:
    """Create the layer, loss or column of a record."""
    values = dict(record)
    name = values.pop("kind")
    if name not in kinds:
        raise WrongError(f"it holds an unknown {what}, {str(name)[:60]!r}")
    kind, fields = kinds[name]
    values = {field: tuple(map(as_text, each)) if isinstance(each, list) else each for field, each in values.items()}
    if values.keys() != fields.keys() or any(type(values[field]) is not fields[field] for field in fields):
        raise WrongError(f"its {what} {name!r} has other fields than {', '.join(fields) or 'none'}")
    if not all(math.isfinite(value) for value in values.values() if isinstance(value, float)):
        raise WrongError(f"its {what} {name!r} holds what is no finite number")
    return kind(**values)
