"""Estimate the memory that a training needs, before it starts, and the memory that is available."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.sparse import issparse

from ridgewalk.constants import FEW_TILES, LARGE, MANY_TILES, MOST_SLICES, THINNEST, TILE
from ridgewalk.engine.job import Job
from ridgewalk.folds import Fold, Matrix
from ridgewalk.input_maps import Kind
from ridgewalk.optimizers import SGD, Adam, Optimizer
from ridgewalk.penalties import L2, Penalty, parts

_VECTOR_BYTES = 64  # bytes of the widest vectors, which rows are padded to
_NUMBERS_PER_UNIT = 4  # of a tile's numbers for every unit: output, slope, and its gradient as it comes and transposed
_SHUFFLE_BYTES = 40  # bytes per row to put a minibatch epoch in its order
_NEWTON_COPIES = 6  # copies of a fold's rows while a linear model is finished by Newton's method
_DRAWN_LAYERS = 2  # of the widest layer, in float64, while it is drawn
_MARGIN = 1.2  # what allocators, the interpreter and small things take beside what is counted here
_PATH_COPIES = 3.25  # copies of a path's arrays while it is shaped: fits, stacked, and which are not 0
_REFIT_COPIES = 4.25  # copies of the arrays of refits: as they come, in their order, spread over strengths, stacked
_LBFGS_VECTORS = (
    60  # vectors that L-BFGS-B keeps: ten pairs of moves and slopes, twice, and the point, slopes and bounds
)


@dataclass(frozen=True)
class Steps:
    """How a training steps: all rows or ``batch_size`` at a time, full-batch steps at the end, and early stopping."""

    optimizer: Optimizer
    batch_size: int | None
    polishes: bool
    stops: bool


@dataclass(frozen=True)
class Size:
    """What the memory of a training depends on; nothing of it needs weights.

    Attributes
    ----------
    shapes : sequence of (int, int)
        Of the network's arrays.
    item : int
        Bytes of a number.
    runs : int
    rows, training, validation : int
        Of the table; of its largest training set, and of the largest set that is watched.
    folds : int
    stored : int
        Numbers of a row that are stored of x: none of a sparse one, and few of what a map makes.
    sparse : bool
    batches : bool
        Whether steps take some of the rows.
    states : int
        Copies of a run's arrays that are under way beside their gradients.
    rests : bool
        Whether units may become inactive, so that passes run on smaller arrays.
    """

    shapes: Sequence[tuple[int, int]]
    item: int
    runs: int
    rows: int
    training: int
    validation: int
    folds: int
    stored: int
    sparse: bool
    batches: bool
    states: int
    rests: bool

    @staticmethod
    def of(
        shapes: Sequence[tuple[int, int]],
        dtype: str | np.dtype[np.floating],
        runs: int,
        x: Matrix,
        folds: Sequence[Fold],
        penalties: Sequence[Penalty],
        steps: Steps,
    ) -> Size:
        """Return the sizes of a job with this number of runs."""
        optimizer, polishes, stops = steps.optimizer, steps.polishes, steps.stops
        ahead = isinstance(optimizer, SGD) and optimizer.nesterov
        kinked = any(not isinstance(part, L2) for penalty in penalties[::2] for part in parts(penalty))
        return Size(
            shapes=shapes,
            item=np.dtype(dtype).itemsize,
            runs=runs,
            rows=x.shape[0],
            training=max(int(np.count_nonzero(fold.weights)) for fold in folds),
            validation=max(0 if fold.validation is None else int(np.count_nonzero(fold.validation)) for fold in folds),
            folds=len(folds),
            stored=0 if issparse(x) else _stored(folds[0]),
            sparse=issparse(x),
            batches=steps.batch_size is not None,
            states=3 + isinstance(optimizer, Adam) + (ahead or polishes) + polishes + stops,
            rests=kinked and len(shapes) > 2,
        )

    @staticmethod
    def of_job(job: Job) -> Size:
        """Return the sizes of a job."""
        steps = Steps(job.optimizer, job.batch_size, job.polish is not None, job.early_stopping is not None)
        return Size.of(job.network.shapes, job.dtype, job.runs, job.x, job.folds, job.penalties, steps)

    @property
    def arrays(self) -> int:
        """Bytes of one run's arrays."""
        return sum(p * q for p, q in self.shapes) * self.item

    @property
    def drawn(self) -> int:
        """Bytes of one set of initial weights while it is drawn, in float64."""
        return (sum(p * q for p, q in self.shapes) + _DRAWN_LAYERS * max(p * q for p, q in self.shapes)) * 8


def _stored(fold: Fold) -> int:
    """Count the numbers of a row that are stored: one for all pieces of a column together."""
    if fold.inputs is None:
        return len(fold.center)
    return int((fold.inputs.kind != Kind.PIECE).sum()) + len(np.unique(fold.column[fold.inputs.kind == Kind.PIECE]))


def needed(size: Size, threads: int) -> int:
    """Return the bytes of training besides data and initial weights: folds in use, running runs, and results."""
    item, shapes = size.item, size.shapes
    lanes = _VECTOR_BYTES // item
    inputs, outputs = shapes[0][0], shapes[-1][1]
    columns = 0 if size.sparse else inputs
    pools = max(1, min(threads, size.runs))
    folds = min(pools, size.folds) * (size.training + size.validation) * ((size.stored + outputs + 1) * item + 16)
    padded = sum(p * -(-q // lanes) * lanes for p, q in shapes) * item
    numbers = sum(p * q for p, q in shapes[::2])
    tiles, per_slice = -(-size.training // TILE), FEW_TILES if numbers >= LARGE else MANY_TILES
    kept = min(tiles, FEW_TILES) if numbers >= LARGE and not size.sparse else 0
    slices = max(kept, min(-(-tiles // per_slice), MOST_SLICES))
    thin = [min(p, q, THINNEST) * max(p, q) for p, q in shapes[::2] if size.rests or min(p, q) <= THINNEST]
    gradients = slices * (padded + (sum(thin) + sum(q for _, q in shapes[::2])) * _VECTOR_BYTES)
    cache = TILE * (columns + _NUMBERS_PER_UNIT * sum(units for _, units in shapes[::2])) * item
    caches = max(min(threads, pools * slices), pools * kept) * cache
    under_way = pools * (
        padded * (size.states + 2 * size.rests) + gradients + size.rows * _SHUFFLE_BYTES * size.batches
    )
    return folds + under_way + caches + size.runs * size.arrays


def needed_by_fit(size: Size, threads: int, held: float = 0) -> int:
    """Return the bytes of training from the initialization on, and of its models, which are in float64.

    ``held`` counts the arrays of further runs that are kept meanwhile.
    """
    training = max(size.drawn, needed(size, threads)) + round((size.runs + held) * size.arrays)
    return max(training, round(size.runs * size.arrays * (2 + 8 / size.item)))


def needed_by_path(size: Size, strengths: int, at_once: int, threads: int) -> int:
    """Bytes that a path takes, given the size of the fits of every training set and seed at one strength."""
    path_bytes = size.runs * size.arrays
    training = needed(replace(size, runs=at_once * size.runs), threads) + (1 + strengths) * path_bytes
    return max(needed_by_fit(size, threads), training, round(_PATH_COPIES * strengths * path_bytes))


def needed_by_linear_path(size: Size, strengths: int, threads: int) -> int:
    """Bytes that a path of linear models takes, which are solved all at once."""
    path_bytes, columns = size.runs * size.arrays, size.shapes[0][0]
    training = needed(replace(size, runs=strengths * size.runs), threads) + strengths * path_bytes
    finishing = 3 * strengths * path_bytes + _NEWTON_COPIES * size.training * columns * 8
    return max(training, finishing, round(_PATH_COPIES * strengths * path_bytes))


def needed_by_refits(size: Size, kept: int, refits: int, threads: int) -> int:
    """Return the bytes of refits of supports, besides the stored fits of all strengths."""
    return needed_by_fit(size, threads, (kept + _REFIT_COPIES * refits) * size.runs)


def needed_by_lbfgs(size: Size, split: bool) -> int:
    """Return the bytes of L-BFGS from the initialization on; with L1 every weight is stored twice."""
    widest = sum(q for _, q in size.shapes[::2])
    pass_over = (size.training + size.validation) * (size.shapes[0][0] + _NUMBERS_PER_UNIT * widest) * 8
    return size.runs * size.arrays * 2 + round((1 + split) * _LBFGS_VECTORS * size.arrays) + pass_over


def available() -> int | None:
    """Return the available bytes according to the system, or a container's limit if that is lower."""
    found = [_meminfo(), _container()]
    known = [value for value in found if value is not None]
    return min(known) if known else _physical()


def check(need: int, threads: int) -> None:
    """Raise an error if the memory is not sufficient.

    Raises
    ------
    MemoryError
        With what it needs, what there is, and what to change.
    """
    need, have = round(_MARGIN * need), available()
    if have is not None and need > have:
        raise MemoryError(
            f"This job needs about {_gibibytes(need)} and {_gibibytes(have)} are free. Fit fewer strengths, folds or "
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
