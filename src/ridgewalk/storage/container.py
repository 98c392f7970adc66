"""The file format: safetensors with a JSON description of the arrays, and checksums.

arrays        by name                    "path 0/heldout_loss", "model 0/weight 1", ...
metadata      "ridgewalk"                "FORMAT SHA256 DOCUMENT": the document is JSON, the checksum is the document's

The document's "arrays" has the type, shape and checksum of each array: {"path 0/alphas": ["float64", [31], SHA256],
...}. Values that JSON lacks are written as {"float": "inf"}, {"tuple": [...]}, {"pairs": [[key, value], ...]},
{"array": NAME}, {"texts": [...], "objects": true}.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ridgewalk.files import written

FORMAT = 4
_READABLE = ("3", "4")  # of format 3 a path says of a cell only whether it holds the null model

AnyArray = NDArray[Any]
JsonObject = dict[str, Any]


class ModelFileError(ValueError):
    """Raised if a file is not a valid model, or a model cannot be saved; the message says what to do."""


class WrongError(Exception):
    """Raised if a file contains something unexpected, with what to do."""

    def __init__(
        self, found: str, advice: str = "copy it anew from where it was written, or fit the model again"
    ) -> None:
        self.found, self.advice = found, advice


class Arrays:
    """A file's arrays by name, and how much memory it may still ask for.

    Code that allocates as much memory as a number in the file says must ask here first. In all, a file may ask for ten
    times its size, and a constant more; a forged number can ask for no more than that.

    Parameters
    ----------
    arrays : mapping of arrays
    size : int
        Bytes of the file.
    """

    def __init__(self, arrays: Mapping[str, AnyArray], size: int) -> None:
        self._arrays, self._left = arrays, _most(size)
        self._found: dict[tuple[str, Callable[[AnyArray], bool]], bool] = {}

    def __getitem__(self, name: str) -> AnyArray:
        return self._arrays[name]

    def take(self, count: int, what: str) -> None:
        """Check that this number of bytes may be allocated.

        Raises
        ------
        WrongError
            If that is more than a file of this size can ask for.
        """
        self._left -= count
        if count < 0 or self._left < 0:
            raise WrongError(f"{what} would take {_figure(count)} bytes, out of all proportion to the file")

    def meets(self, name: str, law: Callable[[AnyArray], bool]) -> bool:
        """Whether an array satisfies a condition; checked once per array."""
        if (name, law) not in self._found:
            self._found[name, law] = law(self[name])
        return self._found[name, law]


_TIMES, _LITTLE = 10, 2**22
_COSTS = {b"}": 150, b"]": 88, b",": 40, b'"': 20}
"""Bytes of memory that each of these stands for in JSON: what is closed, an entry, half a text."""
_ARRAY = 1_200  # bytes that safetensors and NumPy keep beside the content of each array
_FIELDS, _FIELD = 8, 110  # of a record, whose names are kept once; bytes of each of more, as in a large dictionary


def _most(size: int) -> int:
    """Return the maximum memory in bytes for a file of this size."""
    return _TIMES * size + _LITTLE


def check_text(text: bytes, size: int, arrays: int = 0) -> None:
    """Check that JSON, and the arrays it describes, will take no more memory than the size of their file allows.

    What ``save`` writes counts as less than 9 times that size.

    Raises
    ------
    WrongError
        If it does not.
    """
    fields = max(0, text.count(b":") - _FIELDS * text.count(b"}"))
    signs = sum(text.count(sign) * cost for sign, cost in _COSTS.items())
    needed = len(text) + signs + _FIELD * fields + _ARRAY * arrays
    if needed > _most(size):
        raise WrongError("its description would take memory out of all proportion to the file")


def _figure(number: int) -> str:
    """Write a number, however long."""
    return str(number) if abs(number) < 10**18 else "10^18 or more"


def _sha256(content: Any) -> str:
    return hashlib.sha256(content).hexdigest()


class ArrayStore:
    """Arrays by name, for the file; equal ones are kept once."""

    def __init__(self) -> None:
        self.arrays: dict[str, AnyArray] = {}
        self.entries: dict[str, list[Any]] = {}
        self._known: dict[str, str] = {}
        self._prefix = ""

    def part(self, name: str) -> ArrayStore:
        """Return the same store, on which names are those of a part of the model."""
        part = copy(self)
        part._prefix = f"{self._prefix}{name}/"
        return part

    def put(self, name: str, values: AnyArray) -> str:
        """Store an array, and return its name."""
        array = np.asarray(values, dtype=values.dtype.newbyteorder("="), order="C")
        entry = [array.dtype.name, list(array.shape), _sha256(array)]
        name = self._prefix + name
        known = self._known.setdefault(json.dumps(entry), name)
        if known == name:
            self.arrays[name], self.entries[name] = array, entry
        return known

    def plain(self, name: str, value: Any) -> Any:
        """Convert a value to JSON data, with special forms for types that JSON lacks.

        Raises
        ------
        ModelFileError
            If it is no plain data.
        """
        stored: Any
        match value.item() if isinstance(value, np.generic) else value:
            case None | bool() | int() | str() as same:
                stored = same
            case float() as number:
                stored = number if np.isfinite(number) else {"float": str(number)}
            case list():
                stored = [self.plain(f"{name} {k}", each) for k, each in enumerate(value)]
            case tuple():
                stored = {"tuple": self.plain(name, list(value))}
            case dict():
                stored = {"pairs": [self.plain(name, list(pair)) for pair in value.items()]}
            case np.ndarray() if value.dtype.kind in "biuf":
                stored = {"array": self.put(name, value)}
            case np.ndarray() if value.ndim == 1 and all(isinstance(each, str) for each in value):
                stored = {"texts": [str(each) for each in value], "objects": value.dtype.kind == "O"}
            case other:
                kind = f"an array of {other.dtype}" if isinstance(other, np.ndarray) else type(other).__name__
                raise ModelFileError(f"{name} is {kind}, which a model file cannot hold: make it text or numbers.")
        return stored


def restored(stored: Any, arrays: Arrays) -> Any:
    """Convert the result of :meth:`ArrayStore.plain` back to the value."""
    value: Any = stored
    match stored:
        case list():
            value = [restored(each, arrays) for each in stored]
        case {"float": str(number), **rest} if not rest:
            value = float(number)
        case {"tuple": list(parts), **rest} if not rest:
            value = tuple(restored(parts, arrays))
        case {"pairs": list(pairs), **rest} if not rest:
            value = dict(restored(pairs, arrays))
        case {"array": str(name), **rest} if not rest:
            value = arrays[name]
        case {"texts": list(texts), "objects": bool(objects), **rest} if not rest:
            if not objects and texts:  # room for the longest, in every place
                arrays.take(4 * len(texts) * max(len(as_text(each)) for each in texts), "its texts")
            value = np.array([as_text(each) for each in texts], dtype=object if objects else str)
        case dict():
            raise WrongError(f"it holds a value of an unknown kind ({str(stored)[:60]})")
    return value


def as_text(value: Any) -> str:
    """Check that a value in a file is text."""
    if not isinstance(value, str):
        raise WrongError(f"it holds {str(value)[:60]} where text is needed")
    return value


def write(document: JsonObject, store: ArrayStore, file: Path) -> None:
    """Write a document and its arrays, whole or not at all."""
    text = json.dumps(document | {"arrays": store.entries}, allow_nan=False, separators=(",", ":"))
    metadata = {"ridgewalk": f"{FORMAT} {_sha256(text.encode())} {text}"}
    if not file.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {file.parent} to write {file.name} into: make it first.")
    try:
        with written(file) as unfinished:
            save_file(store.arrays, unfinished, metadata)
    except SafetensorError as error:
        raise OSError(f"{file} cannot be written: {error}.") from None


def opened(path: Path) -> tuple[JsonObject, Arrays]:
    """Read document and arrays of a file, and see that they are those that were written.

    Nothing is made of a number in it, or of its text, before it is seen that this takes no more memory than a file of
    its size can ask for.
    """
    try:
        size = _checked_head(path)
        with safe_open(path, framework="np") as file:
            words = _words((file.metadata() or {}).get("ridgewalk", ""))
            text = words[2].encode()
            if _sha256(text) != words[1]:
                raise WrongError("its description does not match its checksum: it was altered or damaged")
            check_text(text, size)
            del text  # the document is not held twice while it is read
            document = json.loads(words[2], parse_constant=_refuse_constant)
            for name in document["arrays"].keys() ^ set(file.keys()):
                raise _not_matching(name)
            arrays = {name: file.get_tensor(name) for name in document["arrays"]}
    except SafetensorError as error:
        raise _no_safetensors(path, str(error)) from None
    except OSError as error:
        raise WrongError(f"it cannot be read ({error.strerror or error})", "change that, or give another") from None
    for name, array in arrays.items():
        if document["arrays"][name] != [array.dtype.name, list(array.shape), _sha256(array)]:
            raise _not_matching(name)
        if max(array.shape, default=0) > size:  # an empty one, of any length
            raise WrongError(f"its array {name[:60]!r} is longer than the file")
        array.flags.writeable = False  # it may stand in several places
    return document, Arrays(arrays, size)


def _checked_head(path: Path) -> int:
    """Return the size of a file, once its header is known to take no memory out of proportion to it."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if length <= size:
            header = file.read(length)
            check_text(header, size, arrays=header.count(b'"data_offsets"'))
    return size


def _not_matching(name: str) -> WrongError:
    return WrongError(f"its array {name[:60]!r} does not match its checksum: it was altered or damaged")


def _words(entry: str) -> list[str]:
    """Return the format number, the checksum and the document in a file's metadata."""
    words = entry.split(" ", 2) if entry.isascii() else []
    if len(words) != 3:
        raise WrongError("it is a safetensors file of something else", "give one that ridgewalk.save wrote")
    if words[0] not in _READABLE:
        newer = words[0].isdecimal() and int(words[0][:9]) > FORMAT
        raise WrongError(
            f"it is of format {words[0][:9]}", "install a newer ridgewalk" if newer else "fit the model again"
        )
    return words


def _refuse_constant(name: str) -> Any:
    raise WrongError(f"its description holds {name}, which is no JSON")


def _no_safetensors(path: Path, why: str) -> WrongError:
    """Describe why a file is not a safetensors file."""
    with path.open("rb") as file:
        first = file.read(4)
    if first == b"PK\x03\x04":
        return WrongError("it is a zip file, as models of an earlier ridgewalk were", "fit the model again")
    if first[:1] == b"\x80":
        return WrongError("it seems to be a pickle, which could run anything", "give one that ridgewalk.save wrote")
    return WrongError(f"it is no whole safetensors file ({why})")
