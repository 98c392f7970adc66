"""Encode a chain as text and decode it: plain data, with large arrays named by their content; no pickle.

    numbers, text        as in JSON, with NaN and infinities
    dataclasses          {"is": "Adam", "learning_rate": 0.01, ...}, only of the classes below
    small arrays         {"array": [dtype, shape, base64]}
    repeated rows        {"repeated": count, "of": array}
    large arrays         {"stored": name}, in NumPy's format
    row weights          {"counts": array, "bits": ..., "rows": N}: a bit or a byte for each, if they are whole numbers
    columns of a table   {"columns": [...], "of": table}

Chains that differ in any bit have different messages, so a chain can be named by the digest of its message.
"""

from __future__ import annotations

import json
import threading
import weakref
from base64 import b64decode, b64encode
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse

from ridgewalk.arrays import Array, Integers
from ridgewalk.engine.checkpoints import RunDigests
from ridgewalk.engine.cluster.workers import Chain, Opener, check_build, own_build
from ridgewalk.engine.job import EarlyStopping, Job, Polish
from ridgewalk.folds import Fold, Matrix
from ridgewalk.input_maps import InputMap
from ridgewalk.layers import GELU, Dense, Dropout, LeakyReLU, ReLU, Sigmoid, Tanh
from ridgewalk.losses import AbsoluteError, BinaryCrossEntropy, CrossEntropy, Huber, Poisson, SquaredError
from ridgewalk.network import Network
from ridgewalk.optimizers import SGD, AdaGrad, Adam, AdamW, Cosine, InverseTime, RMSProp, Steps
from ridgewalk.penalties import L1, L2, MCP, ElasticNet, GroupLasso, GroupMCP, Sum

LARGEST = 64 * 1024
"""Bytes of a message, at most."""
_INLINE, _INLINE_SUM = 8 * 1024, 24 * 1024  # bytes of an array inside a message, and of all of them
_FEW = 1024  # bytes of an array that is always inside
_SAMPLE = 64  # rows by which columns of a table are recognized
_DIGITS = 32
_CLASSES: dict[str, type] = {
    each.__name__: each
    for each in (
        Network, Dense, ReLU, LeakyReLU, Tanh, Sigmoid, GELU, Dropout, CrossEntropy, BinaryCrossEntropy, SquaredError,
        AbsoluteError, Huber, Poisson, SGD, AdaGrad, RMSProp, Adam, AdamW, InverseTime, Cosine, Steps, L1, L2,
        ElasticNet, MCP, GroupLasso, GroupMCP, Sum, Polish, EarlyStopping, InputMap,
    )
}  # fmt: skip
_SAME = (
    "network", "loss", "optimizer", "epochs", "batch_size", "ramp", "polish", "early_stopping",
    "record_every", "batch_losses",
)  # fmt: skip
"""Fields of a job that every chain of it has as they are."""


@dataclass(frozen=True, eq=False)
class _Table:
    """A table that workers have; kept weakly by who reads it."""

    x: weakref.ref[Array]
    content: dict[str, Any]


class Packer:
    """Turns jobs into messages, and puts their large arrays where workers find them, each once.

    Parameters
    ----------
    digests : RunDigests
    put, drop : functions
        Make an array available by a name, and forget it. What lasts, a table and its folds, is forgotten when it is
        garbage here; the rest, the networks that chains start from, at :meth:`release`.
    """

    def __init__(
        self, digests: RunDigests, put: Callable[[str, NDArray[Any]], None], drop: Callable[[str], None]
    ) -> None:
        self._digests, self._put, self._drop = digests, put, drop
        self._tables: list[_Table] = []
        self._there: dict[str, int] = {}  # how many arrays, alive here, have this name
        self._passing: list[str] = []
        self._weights: dict[int, tuple[weakref.ref[Any], dict[str, Any]]] = {}
        self._same: tuple[list[Any], dict[str, Any]] = ([], {})

    def pack(self, job: Job, digests: Sequence[str]) -> Chain:
        """Pack a job of one training set.

        Raises
        ------
        ValueError
            If the message becomes larger than :data:`LARGEST`.
        """
        level, left = self._digests.level, [_INLINE_SUM]
        content = self._alike(job) | {
            "x": self._matrix(job.x),
            "target": self._lasting(job.target),
            "fold": self._fold(job.folds[job.fold[0]], left),
            "seeds": self._plain(job.seeds, left),
            "penalties": self._plain(job.penalties, left),
            "start": [self._repeated(array, left) for array in job.start],
        }
        build = own_build()
        body = {"version": build.version, "level": level, "kernels": build.kernels[level], "digests": list(digests)}
        message = json.dumps(body | {"job": content}, separators=(",", ":"), sort_keys=True).encode()
        if len(message) > LARGEST:
            raise ValueError(f"A chain of {job.runs} runs takes {len(message)} bytes, more than {LARGEST}: cut it.")
        return Chain(blake2b(message, digest_size=_DIGITS // 2).hexdigest(), message)

    def release(self) -> None:
        """Forget what chains started from, when all are done."""
        for name in self._passing:
            self._forget(name)
        self._passing = []

    def _alike(self, job: Job) -> dict[str, Any]:
        """Return what all chains of a job have as it is: made once, for they follow each other."""
        values = [getattr(job, name) for name in _SAME]
        known, content = self._same
        if not known or any(one is not other for one, other in zip(values, known, strict=True)):
            content = {name: self._plain(value, [0]) for name, value in zip(_SAME, values, strict=True)}
            self._same = values, content
        return content

    def _plain(self, value: Any, left: list[int]) -> Any:
        """Return a value as JSON has it, its arrays inside while ``left`` has room for them."""
        plain: Any
        match value:
            case None | bool() | str() | int():
                plain = value
            case np.generic():
                plain = {"number": [value.dtype.str, _base64(np.asarray(value))]}
            case float():
                plain = value
            case np.ndarray():
                plain = self._array(value, left)
            case tuple() | list():
                plain = [self._plain(each, left) for each in value]
            case _ if is_dataclass(value) and _CLASSES.get(type(value).__name__) is type(value):
                plain = {"is": type(value).__name__}
                plain |= {field.name: self._plain(getattr(value, field.name), left) for field in fields(value)}
            case _:
                raise TypeError(f"A chain is plain data, and {type(value).__name__} is not.")
        return plain

    def _array(self, array: NDArray[Any], left: list[int]) -> dict[str, Any]:
        if array.nbytes <= _FEW or (array.nbytes <= _INLINE and array.nbytes <= left[0]):
            left[0] -= array.nbytes
            return {"array": [array.dtype.str, list(array.shape), _base64(array)]}
        name = self._named(array)
        self._passing.append(name)
        return {"stored": name}

    def _repeated(self, array: NDArray[Any], left: list[int]) -> dict[str, Any]:
        """Return the networks that runs (R, ., .) start from, which are one and the same where there is one."""
        if len(array) > 1 and array[:1].tobytes() * (len(array) - 1) == array[1:].tobytes():
            return {"repeated": len(array), "of": self._array(np.ascontiguousarray(array[:1]), left)}
        return self._array(np.ascontiguousarray(array), left)

    def _matrix(self, x: Matrix) -> dict[str, Any]:
        if issparse(x):
            return {"csr": [self._lasting(part) for part in (x.data, x.indices, x.indptr)], "shape": list(x.shape)}
        assert isinstance(x, np.ndarray)
        for table in self._tables:
            if table.x() is x:
                return table.content
        content: dict[str, Any] | None = None
        for table in self._tables:
            whole = table.x()
            columns = None if whole is None or "stored" not in table.content else columns_of(whole, x)
            if columns is not None:
                content = {"columns": columns.tolist(), "of": table.content}
                break
        content = content or self._lasting(x)
        self._tables = [table for table in self._tables if table.x() is not None]
        self._tables.append(_Table(weakref.ref(x), content))
        return content

    def _lasting(self, array: NDArray[Any]) -> dict[str, Any]:
        """Return the name of an array that many jobs share."""
        if array.nbytes <= _FEW:
            return self._array(array, [0])
        name = self._digests.of_array(array).hex()[:_DIGITS]
        known = self._weights.get(id(array))
        if known is None or known[0]() is not array:
            self._named(array)
            content = {"stored": name}
            self._weights[id(array)] = (weakref.ref(array), content)
            weakref.finalize(array, self._forget, name).atexit = False
        return {"stored": name}

    def _fold(self, fold: Fold, left: list[int]) -> dict[str, Any]:
        plain = {
            name: self._plain(getattr(fold, name), left)
            for name in ("center", "scale", "target_center", "target_scale", "inputs")
        }
        return plain | {
            "weights": self._row_weights(fold.weights),
            "validation": None if fold.validation is None else self._row_weights(fold.validation),
        }

    def _row_weights(self, weights: Array) -> dict[str, Any]:
        """Return weights of rows: a bit or a byte for each, where they are whole numbers."""
        known = self._weights.get(id(weights))
        if known is not None and known[0]() is weights:
            return known[1]
        counts = counts_of(weights)
        if counts is None:
            return self._lasting(weights)
        packed = np.packbits(counts) if counts.max(initial=0) <= 1 else counts
        content: dict[str, Any]
        if packed.nbytes <= _FEW:
            stored = self._array(packed, [0])
        else:
            name = self._named(packed)
            stored = {"stored": name}
            weakref.finalize(weights, self._forget, name).atexit = False
        content = {"counts": stored, "bits": packed is not counts, "rows": len(weights), "dtype": weights.dtype.str}
        self._weights[id(weights)] = (weakref.ref(weights), content)
        return content

    def _named(self, array: NDArray[Any]) -> str:
        """Make an array available, if no equal one is; return its name."""
        name = self._digests.of_array(array).hex()[:_DIGITS]
        if not self._there.get(name):
            self._put(name, array)
        self._there[name] = self._there.get(name, 0) + 1
        return name

    def _forget(self, name: str) -> None:
        self._there[name] -= 1
        if not self._there[name]:
            del self._there[name]
            self._drop(name)


def columns_of(table: Array, x: Array) -> Integers | None:
    """Return the columns of a table (N, P) that x (N, Q) is made of, rising; None where it is not."""
    if x.shape[0] != table.shape[0] or x.dtype != table.dtype or x.shape[1] > table.shape[1]:
        return None
    sample = np.unique(np.linspace(0, len(x) - 1, _SAMPLE).astype(int))
    alike = {table[sample, column].tobytes(): column for column in reversed(range(table.shape[1]))}
    columns = [alike.get(x[sample, column].tobytes(), -1) for column in range(x.shape[1])]
    if -1 in columns:
        return None
    same = all(_same_bits(x[:, k], table[:, column]) for k, column in enumerate(columns))
    return np.array(columns) if same else None


def _same_bits(one: Array, other: Array) -> bool:
    return np.array_equal(one, other) and np.array_equal(np.signbit(one), np.signbit(other))


def counts_of(weights: Array) -> NDArray[np.uint8] | None:
    """Return row weights (N,) as whole numbers from 0 to 255, if they are such."""
    if weights.dtype != np.float64 or np.signbit(weights).any() or not (weights <= 255).all():
        return None
    counts = weights.astype(np.uint8)
    return counts if np.array_equal(counts, weights) else None


def _base64(array: NDArray[Any]) -> str:
    return b64encode(np.ascontiguousarray(array).tobytes()).decode()


@dataclass(frozen=True, eq=False)
class Order:
    """What a worker is to train.

    Attributes
    ----------
    level : str
        Instruction set.
    digests : list of str
        Of the runs.
    job : Job
    """

    level: str
    digests: list[str]
    job: Job


def unpack(message: bytes, opener: Opener) -> Order:
    """Turn a message back into a job.

    Raises
    ------
    ValueError
        If it is of another version of ridgewalk, or of another build of its engine.
    """
    body = json.loads(message)
    check_build(body["version"], body["level"], body["kernels"])
    content = body["job"]
    fold = content["fold"]
    runs = len(body["digests"])
    job = Job(
        **{name: _value(content[name], opener) for name in _SAME},
        penalties=_value(content["penalties"], opener),
        x=_matrix(content["x"], opener),
        target=_value(content["target"], opener),
        folds=(
            Fold(
                weights=_weights(fold["weights"], opener),
                validation=None if fold["validation"] is None else _weights(fold["validation"], opener),
                **{n: _value(fold[n], opener) for n in ("center", "scale", "target_center", "target_scale", "inputs")},
            ),
        ),
        fold=np.zeros(runs, dtype=np.int64),
        seeds=_value(content["seeds"], opener),
        start=_value(content["start"], opener),
    )
    return Order(body["level"], body["digests"], job)


def stored_in(message: bytes) -> list[str]:
    """Return the names of the arrays that a message needs."""
    found: list[str] = []

    def look(value: Any) -> None:
        match value:
            case {"stored": str(name)}:
                found.append(name)
            case dict():
                for each in value.values():
                    look(each)
            case list():
                for each in value:
                    look(each)

    look(json.loads(message))
    return found


def _value(plain: Any, opener: Opener) -> Any:
    value: Any = plain
    match plain:
        case list():
            value = tuple(_value(each, opener) for each in plain)
        case {"number": [str(dtype), str(content)]}:
            value = np.frombuffer(b64decode(content), dtype)[0]
        case {"array": [str(dtype), list(shape), str(content)]}:
            value = np.frombuffer(b64decode(content), dtype).reshape(shape)
        case {"stored": str(name)}:
            value = opener(name)
        case {"repeated": int(count), "of": dict(one)}:
            value = np.repeat(_value(one, opener), count, axis=0)
        case {"is": str(name), **rest}:
            value = _CLASSES[name](**{str(key): _value(each, opener) for key, each in rest.items()})
    return value


def _matrix(plain: dict[str, Any], opener: Opener) -> Matrix:
    match plain:
        case {"csr": list(parts), "shape": list(shape)}:
            return csr_array(tuple(_value(part, opener) for part in parts), shape=tuple(shape))
        case {"columns": list(columns), "of": dict(table)}:
            return _columns(table, columns, opener)
    x: Array = _value(plain, opener)
    return x


_recent: OrderedDict[str, Array] = OrderedDict()
_recent_lock = threading.Lock()
_RECENT = 2


def _columns(table: dict[str, Any], columns: list[int], opener: Opener) -> Array:
    """Return some columns of a table; the last few that were asked for are at hand, since chains share them."""
    key = json.dumps([table, columns])
    with _recent_lock:
        if key not in _recent:
            whole: Array = _value(table, opener)
            _recent[key] = np.ascontiguousarray(whole[:, columns])
            while len(_recent) > _RECENT:
                _recent.popitem(last=False)
        _recent.move_to_end(key)
        return _recent[key]


def _weights(plain: dict[str, Any], opener: Opener) -> Array:
    match plain:
        case {"counts": dict(stored), "bits": bool(bits), "rows": int(rows), "dtype": str(dtype)}:
            counts = _value(stored, opener)
            return (np.unpackbits(counts, count=rows) if bits else counts).astype(dtype)
    weights: Array = _value(plain, opener)
    return weights
