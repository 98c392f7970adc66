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
def shared_folder(folder: str | os.PathLike[str], waiting: Callable[[], None] | None = None) -> Iterator[str]:
    """Fit with the workers of a shared folder inside the block; this process trains only the smallest jobs itself.

    Results are bitwise equal to those of a single machine. Fits wait for the first worker (``ridgewalk worker
    FOLDER``); workers can join and leave at any time. If this process is killed, the next one that fits the same in
    this folder reuses finished work.

    Parameters
    ----------
    folder : path
        Folder that all machines can access; created if it does not exist. Anyone with write access can change results.
    waiting : function, optional
        Called once if there is no worker yet; by default a warning is issued after some seconds. If all workers leave
        during a fit, a warning is issued in any case.

    Yields
    ------
    str
        A description of the number of workers.

    Raises
    ------
    OSError
        If the folder cannot be written.
    ValueError
        If a worker has another version of ridgewalk, or another build of its engine.
    """
    with opened(Path(folder), waiting) as workers, used(workers):
        yield workers.described
