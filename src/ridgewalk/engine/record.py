"""Finished runs, kept in a folder as they come: training that was broken off goes on from them to the same bits.

What becomes of a run follows from its own part of a job, whatever runs stand beside it and however many threads there
are. So it is kept under a digest of that part, and found by any job that says the same of a run:

    digest(run) = hash(engine, network, loss, optimizer, epochs, ..., data, its training set, penalties, start and seed)

    FOLDER/*.npy    one row per run: digest, checksum, parameters, losses

A file has its full size before its runs are trained: a full disk is found then, and what finishes has its place.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from ridgewalk.arrays import Integers
from ridgewalk.engine import native
from ridgewalk.engine.job import Fits, Job, Keep, Matrix

_MEASURES = {
    "data_loss": "f8",
    "penalty": "f8",
    "validation_loss": "f8",
    "residual": "f8",
    "epochs": "i8",
    "diverged": "?",
}
_PER_RUN = ("x", "target", "folds", "fold", "penalties", "start", "seeds")  # fields of a job that are digested apart
_REFERENCES_OWN = ("ordered", "standing")  # what only the reference engine knows, which keeps no record


@dataclass(frozen=True)
class _Place:
    """Where a run is: the file, the kind of its rows, and where in it the row begins."""

    file: Path
    row: np.dtype[Any]
    begin: int


class Record:
    """Finished runs in a folder.

    Parameters
    ----------
    folder : Path
        Made if it is not there. Files that are cut off, or that hold something else, are passed over.

    Raises
    ------
    OSError
        If the folder cannot be made or read; later, if the disk is full.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        level, _ = native.load()
        self._folder, self._engine = folder, native.engine_name(level)
        self._kernels = f"{_FORMAT} {self._engine} {native.fingerprint(level)};"
        self._places: dict[str, _Place] = {}
        self._seen: dict[int, tuple[weakref.ref[Any], bytes]] = {}
        for file in sorted(folder.glob("*.npy")):
            self._look_into(file)

    def digests(self, job: Job) -> list[str]:
        """Digest of each run of a job: 32 hexadecimal digits.

        Raises
        ------
        ValueError
            If the job records a history, which is not kept.
        """
        if job.record_every:
            raise ValueError("A record of finished runs keeps no history: set record_every=0.")
        shared = blake2b(self._kernels.encode())
        for field in fields(job):
            if field.name not in _PER_RUN + _REFERENCES_OWN:
                feed(shared, getattr(job, field.name))
        shared.update(self._of_matrix(job.x))
        shared.update(self._of_array(job.target))
        folds = [b"".join(self._of_array(part) for part in vars(fold).values()) for fold in job.folds]
        digests = []
        for run in range(job.runs):
            digest = shared.copy()
            digest.update(folds[job.fold[run]])
            feed(digest, job.objective(np.array([run])).penalties)
            feed(digest, tuple(array[run] for array in job.start))
            feed(digest, int(job.seeds[run]) if job.random else None)
            digests.append(digest.hexdigest()[:_DIGITS])
        return digests

    def find(self, job: Job, digests: list[str]) -> tuple[Integers, Fits]:
        """Give the numbers of the runs that are kept, rising, and their fits."""
        row = _row(job)
        kept = {run: found for run, digest in enumerate(digests) if (found := self._kept(digest, row)) is not None}
        rows = np.array(list(kept.values()), dtype=row)
        arrays = tuple(np.ascontiguousarray(rows[f"parameters {k}"]) for k in range(len(job.start)))
        measures: dict[str, Any] = {name: np.ascontiguousarray(rows[name]) for name in _MEASURES}
        return np.array(list(kept), dtype=int), Fits(parameters=arrays, **measures, history=None, engine=self._engine)

    @contextmanager
    def room(self, job: Job, digests: list[str]) -> Iterator[Keep]:
        """Make room for all runs of a job, and give what keeps those that have finished."""
        empty = np.zeros(job.runs, dtype=_row(job))
        handle, name = tempfile.mkstemp(suffix=".npy", dir=self._folder)
        places: dict[str, _Place] = {}
        try:
            with os.fdopen(handle, "w+b") as file:
                np.lib.format.write_array(file, empty, allow_pickle=False)
                file.flush()
                os.fsync(handle)  # some file systems notice only now that they are full
                begin = file.tell() - empty.nbytes

                def keep(runs: Integers, fits: Fits) -> None:
                    for k, run in enumerate(runs):
                        row = empty[run : run + 1].copy()
                        for number, array in enumerate(fits.parameters):
                            row[f"parameters {number}"] = array[k]
                        for measure in _MEASURES:
                            row[measure] = getattr(fits, measure)[k]
                        row["digest"] = digests[run]
                        row["checksum"] = _checksum(row[0])
                        place = _Place(Path(name), row.dtype, begin + int(run) * row.nbytes)
                        file.seek(place.begin)
                        file.write(row.tobytes())
                        file.flush()
                        places[digests[run]] = place

                yield keep
        finally:
            if not places:
                Path(name).unlink()
            self._places |= places

    def _look_into(self, file: Path) -> None:
        try:
            rows = np.load(file, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError):  # cut off, or of another kind
            return
        if isinstance(rows, np.memmap) and rows.dtype.names and "digest" in rows.dtype.names:
            for number, digest in enumerate(rows["digest"].tolist()):
                begin = rows.offset + number * rows.itemsize
                self._places[digest.decode("ascii")] = _Place(file, rows.dtype, begin)

    def _kept(self, digest: str, row: np.dtype[Any]) -> Any:
        place = self._places.get(digest)
        if place is None or place.row != row:
            return None
        found = np.fromfile(place.file, row, count=1, offset=place.begin)
        return found[0] if len(found) and found[0]["checksum"] == _checksum(found[0]) else None

    def _of_matrix(self, x: Matrix) -> bytes:
        parts = (x.data, x.indices, x.indptr) if issparse(x) else (x,)
        return b"".join(self._of_array(part) for part in parts)

    def _of_array(self, array: NDArray[Any] | None) -> bytes:
        """Digest of an array that many jobs share; it is read once."""
        known, digest = self._seen.get(id(array), (None, b""))
        if known is None or known() is not array:
            fresh = blake2b()
            feed(fresh, array)
            digest = fresh.digest()
            if array is not None:
                self._seen[id(array)] = (weakref.ref(array), digest)
        return digest


_FORMAT = 1  # another wherever the same job comes to be trained otherwise by the same kernels
_DIGITS = 32
_ROWS_AT_ONCE = 2**16


def _row(job: Job) -> np.dtype[Any]:
    """Kind of the rows that hold a job's runs."""
    arrays = [(f"parameters {k}", array.dtype.str, array.shape[1:]) for k, array in enumerate(job.start)]
    return np.dtype([("checksum", f"S{_DIGITS}"), ("digest", f"S{_DIGITS}"), *arrays, *_MEASURES.items()])


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
