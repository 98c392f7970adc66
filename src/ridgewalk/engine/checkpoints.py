"""Save finished runs in a folder, so that an interrupted training continues with bitwise equal results.

The result of a run depends only on its own part of a job, not on other runs or the number of threads. It is therefore
stored under a digest of this part, and found by any job that contains the same run:

    digest(run) = hash(engine, network, loss, optimizer, epochs, ..., data, its training set, penalties, start and seed)

    FOLDER/*.npy    one row per run: digest, checksum, parameters, losses

A file has its full size before its runs are trained, so a full disk is detected early and finished runs always fit.
"""

from __future__ import annotations

import io
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, is_dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from ridgewalk.arrays import Integers
from ridgewalk.engine import native
from ridgewalk.engine.job import Fits, History, Job, Keep
from ridgewalk.files import drawn
from ridgewalk.folds import Matrix
from ridgewalk.input_maps import InputMap

_MEASURES = {
    "data_loss": "f8",
    "penalty": "f8",
    "validation_loss": "f8",
    "residual": "f8",
    "epochs": "i8",
    "diverged": "?",
}
_OF_ARRAYS = ("zeros", "norms")  # curves of a history that each array of the network has
_CURVES = ("data_loss", "penalty", "validation_loss", *_OF_ARRAYS)
_PER_RUN = ("x", "target", "folds", "fold", "penalties", "start", "seeds")  # fields of a job that are digested apart
_REFERENCES_OWN = ("ordered", "standing")  # what only the reference engine knows, which keeps no record


@dataclass(frozen=True)
class _Place:
    """Where a run is: the file, and where in it the row begins."""

    file: Path
    begin: int


_Places = dict[str, list[_Place]]
"""Digest -> where runs of it are: two fits in one folder may each have kept one."""


class RunDigests:
    """Digests of runs, as one build of the kernels trains them.

    Parameters
    ----------
    level : str, optional
        Instruction set; by default the one that :func:`ridgewalk.engine.native.load` takes.
    """

    def __init__(self, level: str | None = None) -> None:
        self.level, _ = native.load(level)
        self._kernels = f"{_FORMAT} {native.engine_name(self.level)} {native.fingerprint(self.level)};"
        self._seen: dict[int, tuple[weakref.ref[Any], bytes]] = {}

    def of_runs(self, job: Job) -> list[str]:
        """Digest each run of a job: 32 hexadecimal digits."""
        shared = blake2b(self._kernels.encode())
        for field in fields(job):
            if field.name not in _PER_RUN + _REFERENCES_OWN:
                feed(shared, getattr(job, field.name))
        shared.update(self._of_matrix(job.x))
        shared.update(self.of_array(job.target))
        folds = [b"".join(self.of_array(part) for part in vars(fold).values()) for fold in job.folds]
        digests = []
        for run in range(job.runs):
            digest = shared.copy()
            digest.update(folds[job.fold[run]])
            feed(digest, job.objective(np.array([run])).penalties)
            feed(digest, tuple(array[run] for array in job.start))
            feed(digest, int(job.seeds[run]) if job.random else None)
            digests.append(digest.hexdigest()[:_DIGITS])
        return digests

    def _of_matrix(self, x: Matrix) -> bytes:
        parts = (x.data, x.indices, x.indptr) if issparse(x) else (x,)
        return b"".join(self.of_array(part) for part in parts)

    def of_array(self, array: NDArray[Any] | InputMap | None) -> bytes:
        """Digest an array, or a map, that many jobs share; it is read once."""
        known, digest = self._seen.get(id(array), (None, b""))
        if known is None or known() is not array:
            fresh = blake2b()
            feed(fresh, array)
            digest = fresh.digest()
            if array is not None:
                self._seen[id(array)] = (weakref.ref(array), digest)
        return digest


class CheckpointStore:
    """Finished runs in a folder.

    Parameters
    ----------
    folder : Path
        Made if it is not there. What was cut off or damaged in it, what cannot be read, and what is something else
        than a record of this job's rows, is passed over. Several fits may share it.
    level : str, optional
        Instruction set whose runs are kept; by default the one that :func:`ridgewalk.engine.native.load` takes.

    Raises
    ------
    OSError
        If the folder cannot be made; later, if the disk is full.
    """

    def __init__(self, folder: Path, level: str | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._digests = folder, RunDigests(level)
        self._engine = native.engine_name(self._digests.level)
        self._files = sorted(folder.glob("*.npy"))
        self._places: dict[np.dtype[Any], _Places] = {}

    def at(self, level: str) -> CheckpointStore:
        """Return the record of the runs of an instruction set in the same folder."""
        return self if level == self._digests.level else CheckpointStore(self._folder, level)

    def digests(self, job: Job) -> list[str]:
        """Digest each run of a job (:meth:`RunDigests.of_runs`).

        Raises
        ------
        ValueError
            If the job records a history, which is not kept.
        """
        if job.record_every:
            raise ValueError("A record of finished runs keeps no history: set record_every=0.")
        return self._digests.of_runs(job)

    def find(self, job: Job, digests: list[str]) -> tuple[Integers, Fits]:
        """Return the numbers of the runs that are kept, rising, and their fits."""
        row = row_type(job)
        kept = {run: found for run, digest in enumerate(digests) if (found := self._kept(digest, row)) is not None}
        rows = np.array(list(kept.values()), dtype=row)
        return np.array(list(kept), dtype=int), fits_of(rows, job, self._engine)

    @contextmanager
    def reserve(self, job: Job, digests: list[str]) -> Iterator[Keep]:
        """Reserve space for all runs of a job, and yield a function that stores those that have finished."""
        empty, known = np.zeros(job.runs, dtype=row_type(job)), self._known(row_type(job))
        name = drawn(self._folder, ending=".npy")
        places: dict[str, _Place] = {}
        try:
            with name.open("r+b") as file:
                np.lib.format.write_array(file, empty, allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())  # some file systems notice only now that they are full
                begin = file.tell() - empty.nbytes

                def keep(runs: Integers, fits: Fits) -> None:
                    for row, run in zip(rows_of(fits, [digests[run] for run in runs], empty.dtype), runs, strict=True):
                        place = _Place(name, begin + int(run) * empty.itemsize)
                        file.seek(place.begin)
                        file.write(row.tobytes())
                        file.flush()
                        places[digests[run]] = place

                yield keep
        finally:
            if not places:
                name.unlink(missing_ok=True)
            for digest, place in places.items():
                known.setdefault(digest, []).append(place)

    def _known(self, row: np.dtype[Any]) -> _Places:
        """Return where the runs are whose rows are of this kind; the files that were there are read once."""
        if row not in self._places:
            places: _Places = {}
            self._places[row] = places
            for file in self._files:
                for digest, begin in _digests_in(file, row):
                    places.setdefault(digest, []).append(_Place(file, begin))
        return self._places[row]

    def _kept(self, digest: str, row: np.dtype[Any]) -> Any:
        for place in self._known(row).get(digest, []):
            found = _row_at(place, row)
            if found is not None and is_whole(found, digest):
                return found
        return None


_FORMAT = 1  # another wherever the same job comes to be trained otherwise by the same kernels
_DIGITS = 32
_ROWS_AT_ONCE = 2**16


def row_type(job: Job) -> np.dtype[Any]:
    """Return the dtype of the rows that hold a job's runs."""
    arrays = [(f"parameters {k}", array.dtype.str, array.shape[1:]) for k, array in enumerate(job.start)]
    named = [("checksum", f"S{_DIGITS}"), ("digest", f"S{_DIGITS}"), *arrays, *_MEASURES.items()]
    marks, each = len(job.marks), len(job.start)
    curves = [(f"history {name}", "f8", (marks, each) if name in _OF_ARRAYS else (marks,)) for name in _CURVES]
    return np.dtype([*named, *(curves if marks else [])])


def rows_of(fits: Fits, digests: list[str], row: np.dtype[Any]) -> NDArray[Any]:
    """Return fits as rows of a record, each with the digest of its run, and a checksum."""
    rows = np.zeros(len(digests), dtype=row)
    for number, array in enumerate(fits.parameters):
        rows[f"parameters {number}"] = array
    for measure in _MEASURES:
        rows[measure] = getattr(fits, measure)
    if fits.history is not None:
        for name in _CURVES:
            rows[f"history {name}"] = getattr(fits.history, name)
    rows["digest"] = digests
    for k in range(len(rows)):
        rows["checksum"][k] = _checksum(rows[k])
    return rows


def fits_of(rows: NDArray[Any], job: Job, engine: str) -> Fits:
    """Return the fits stored in rows, for some runs of a job."""
    parameters = tuple(np.ascontiguousarray(rows[f"parameters {k}"]) for k in range(len(job.start)))
    measures: dict[str, Any] = {name: np.ascontiguousarray(rows[name]) for name in _MEASURES}
    history = None
    if job.record_every:
        history = History(job.marks, *(np.ascontiguousarray(rows[f"history {name}"]) for name in _CURVES))
    return Fits(parameters=parameters, **measures, history=history, engine=engine)


def is_whole(row: Any, digest: str) -> bool:
    """Return whether a row is undamaged, and that of a run."""
    return bool(row["digest"] == digest.encode() and row["checksum"] == _checksum(row))


def _header(row: np.dtype[Any], runs: int) -> bytes:
    """Return the header of a file with this number of rows; its length is the same for any number."""
    header_data = np.lib.format.header_data_from_array_1_0(np.empty(0, row)) | {"shape": (runs,)}
    with io.BytesIO() as header:
        try:
            np.lib.format.write_array_header_1_0(header, header_data)
        except ValueError:  # too long for it: very many layers
            np.lib.format.write_array_header_2_0(header, header_data)
        return header.getvalue()


def _digests_in(file: Path, row: np.dtype[Any]) -> Iterator[tuple[str, int]]:
    """Yield digest and place of every row of a file, if it is complete and holds rows of this kind.

    What the file says of itself is compared, never taken: not a number in it says how much to read.
    """
    with suppress(OSError):  # a dangling link, a file of somebody else's, one that has gone meanwhile
        size, first = file.stat().st_size, len(_header(row, 0))
        runs, left = divmod(size - first, row.itemsize)
        if not file.is_file() or runs < 0 or left:
            return
        with file.open("rb", buffering=0) as opened:
            if opened.read(first) != _header(row, runs):
                return
            for begin in range(first, size, row.itemsize):
                opened.seek(begin + _DIGITS)
                if digest := opened.read(_DIGITS).rstrip(b"\0"):  # else the run has not finished
                    yield digest.decode("latin-1"), begin


def _row_at(place: _Place, row: np.dtype[Any]) -> Any:
    """Read a row; return None if it no longer exists."""
    with suppress(OSError), place.file.open("rb", buffering=0) as opened:
        opened.seek(place.begin)
        content = opened.read(row.itemsize)
        return np.frombuffer(content, row)[0] if len(content) == row.itemsize else None
    return None


def _checksum(row: Any) -> bytes:
    return blake2b(row.tobytes()[_DIGITS:]).hexdigest()[:_DIGITS].encode()


def feed(digest: Any, value: Any) -> None:
    """Feed plain data to a digest, so that different data feeds different bytes."""
    if isinstance(value, np.ndarray):
        digest.update(f"{value.dtype.str}{value.shape}".encode())
        for first in range(0, len(value) if value.ndim else 1, _ROWS_AT_ONCE):
            digest.update(np.ascontiguousarray(value[first : first + _ROWS_AT_ONCE] if value.ndim else value))
    elif is_dataclass(value):
        digest.update(f"{type(value).__name__}(".encode())
        for field in fields(value):
            feed(digest, getattr(value, field.name))
    elif isinstance(value, tuple | list):
        digest.update(f"{len(value)}[".encode())
        for part in value:
            feed(digest, part)
    elif value is None or isinstance(value, bool | int | float | str | np.generic):
        digest.update(f"{value!r};".encode())
    else:
        raise TypeError(f"A record needs plain data, got {type(value).__name__}.")
