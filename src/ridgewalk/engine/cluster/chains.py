"""Divide a job into chains, which can be trained anywhere, and train one chain."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgewalk.arrays import Integers
from ridgewalk.engine import compiled
from ridgewalk.engine.checkpoints import row_type, rows_of
from ridgewalk.engine.cluster.messages import unpack
from ridgewalk.engine.cluster.workers import Opener
from ridgewalk.engine.job import Job
from ridgewalk.engine.progress import Progress
from ridgewalk.threads import started

_PER_SLOT = 4  # chains for each one that runs at once: the last to end is waited for by the others
_SHORTEST = 0.25  # guessed seconds of a chain: to carry one takes a tenth of that
_MOST_RUNS = 256  # whose digests, seeds and strengths fit into a message
_LOOK = 0.2  # seconds between two looks at whether to stop


def cut(job: Job, runs: Integers, capacity: int, seconds: float) -> list[Integers]:
    """Cut some runs of a job into chains, each of one training set and one start; those of the weakest strengths first.

    Parameters
    ----------
    job : Job
    runs : integers, shape (R,)
    capacity : int
        How many chains run at once.
    seconds : float
        A guess of what all these runs take one after the other.
    """
    alike: dict[tuple[int, bytes], list[int]] = {}
    for run in runs.tolist():
        start = blake2b(digest_size=16)
        for array in job.start:
            start.update(array[run].tobytes())
        alike.setdefault((int(job.fold[run]), start.digest()), []).append(run)
    wanted = max(1, min(_PER_SLOT * capacity, int(seconds / _SHORTEST)))
    size = min(max(1, len(runs) // wanted), _MOST_RUNS)
    chains = [part for group in alike.values() for part in np.array_split(np.array(group), -(-len(group) // size))]
    return sorted(chains, key=lambda chain: int(chain[0]))


def run_chain(
    message: bytes, opener: Opener, stopped: Callable[[], bool], progress: Progress | None = None
) -> tuple[NDArray[Any], float]:
    """Train what a message asks for, on this thread's core alone.

    Parameters
    ----------
    message : bytes
    opener : function
        Returns the arrays that the message names.
    stopped : function
        Asked several times a second whether to leave off.
    progress : Progress, optional
        Counts its epochs.

    Returns
    -------
    rows : structured array
        Of the finished runs, as a record keeps them.
    seconds : float
        What it took.

    Raises
    ------
    StoppedError
        If it was to leave off.
    ValueError
        If it is of another version of ridgewalk, or of another build of its engine.
    MemoryError
        If there is not enough memory for it.
    """
    began = time.monotonic()
    order = unpack(message, opener)
    progress = progress or Progress()
    with _watched(progress, stopped):
        fits = compiled.train(order.job, 1, progress, None, order.level)
    rows = rows_of(fits, order.digests, row_type(order.job))
    return rows, time.monotonic() - began


@contextmanager
def _watched(progress: Progress, stopped: Callable[[], bool]) -> Iterator[None]:
    """Stop the training while the block runs, when asked to."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(_LOOK):
            if stopped():
                progress.stop = True

    watcher = started(look)
    try:
        yield
    finally:
        ended.set()
        if watcher:
            watcher.join()
