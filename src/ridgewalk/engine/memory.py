"""How much memory a job will take, estimated before it starts, and how much there is."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from scipy.sparse import issparse

from ridgewalk.engine.job import Job

_COPIES = 9  # of a run's arrays: weights, two states, look-ahead, best, trial, scratch, gradient, and those awake
_TILE, _FEW_TILES, _MOST_SLICES = 64, 4, 16  # as in native/run.hpp: each slice of a batch has gradients of its own
_THIN = 4 * 64  # bytes of a slice's sums for every unit of a layer of at most 4 inputs, or that may shrink to it
_PER_UNIT = 4  # of a tile's numbers for every unit: output, slope, and its gradient as it comes and transposed
_SHUFFLE = 40  # bytes per row to put a minibatch epoch in its order


def needed(job: Job, threads: int) -> int:
    """Bytes that training takes beyond the data itself: standardized folds in use, runs under way, and results."""
    item = job.dtype.itemsize
    crews = max(1, min(threads, job.runs))
    rows, inputs = job.x.shape
    outputs = job.network.shapes[-1][1]
    most = max(int(np.count_nonzero(fold.weights)) for fold in job.folds)
    scored = max(0 if fold.validation is None else int(np.count_nonzero(fold.validation)) for fold in job.folds)
    columns = 0 if issparse(job.x) else inputs
    folds = min(crews, len(job.folds)) * (most + scored) * ((columns + outputs + 1) * item + 16)
    arrays = sum(p * q for p, q in job.network.shapes) * item
    tiles = -(-most // _TILE)
    slices = max(min(tiles, _FEW_TILES), min(-(-tiles // _FEW_TILES), _MOST_SLICES))
    tape = _TILE * (columns + _PER_UNIT * sum(units for _, units in job.network.shapes[::2])) * item
    tapes = max(threads, crews * _FEW_TILES) * tape
    gradients = slices * (2 * arrays + sum(max(shape) for shape in job.network.shapes) * _THIN)
    under_way = crews * (arrays * _COPIES + gradients + (rows * _SHUFFLE if job.batch_size else 0)) + tapes
    converted = 0 if issparse(job.x) or job.x.dtype in (np.float32, np.float64) else rows * inputs * 8
    return folds + under_way + converted + job.runs * arrays


def available() -> int | None:
    """Bytes that can be had, as far as the system tells: its own count, or a container's limit if that is lower."""
    found = [_meminfo(), _container()]
    known = [value for value in found if value is not None]
    return min(known) if known else _physical()


def check(job: Job, threads: int) -> None:
    """Refuse a job that cannot fit.

    Raises
    ------
    MemoryError
        With what it needs, what there is, and what to change.
    """
    need, have = needed(job, threads), available()
    if have is not None and need > have:
        raise MemoryError(
            f"This job needs about {_gibibytes(need)} and {_gibibytes(have)} are free. Walk fewer strengths, folds or "
            f"seeds at a time, use fewer threads (n_jobs is {threads}), float32, or narrower layers."
        )


def _gibibytes(count: int) -> str:
    return f"{count / 2**30:.3g} GiB"


def _meminfo() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kibibytes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(kibibytes[0]) * 1024 if kibibytes else None


def _container() -> int | None:
    folder = Path("/sys/fs/cgroup")
    try:
        limit = (folder / "memory.max").read_text(encoding="ascii").strip()
        used = int((folder / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return None if limit == "max" else max(0, int(limit) - used)


def _physical() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
