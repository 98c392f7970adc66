"""Fit on many machines that share a folder: the driver's context manager and the worker.

    with ridgewalk.cluster.shared_folder("/shared/work"):      on one machine
        model.fit(X, y)

    ridgewalk worker /shared/work                              on any number of others

For Dask, Ray and other joblib backends, use ``joblib.parallel_config(backend="dask")`` instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ridgewalk.engine.cluster.chosen import used
from ridgewalk.engine.cluster.folder import opened
from ridgewalk.engine.cluster.folder_worker import FolderWorker
from ridgewalk.threads import allotted_cores

__all__ = ["FolderWorker", "allotted_cores", "shared_folder"]


@contextmanager
def shared_folder(folder: str | os.PathLike[str], waiting: Callable[[], None] = lambda: None) -> Iterator[str]:
    """Let the workers of a folder train what is fitted while the block runs; this process trains nothing itself.

    Every number is the one that this machine would have come to alone, to the bit. What is fitted waits for the first
    worker (``ridgewalk worker FOLDER``); more may come, and go, at any time. If this process is killed, what had
    finished is found by the next that fits the same in this folder.

    Parameters
    ----------
    folder : path
        That all machines see; made if it is not there. Whoever can write it can decide what is computed.
    waiting : function, optional
        Called once if there is no worker yet.

    Yields
    ------
    str
        How many workers there are, in words.

    Raises
    ------
    OSError
        If the folder cannot be written.
    ValueError
        If a worker has another version of ridgewalk, or another build of its engine.
    """
    with opened(Path(folder), waiting) as workers, used(workers):
        yield workers.described
