"""Choose the workers: of an enclosing block, of the active joblib backend, or threads of this process.

    with workers_of(...):                               these
    with joblib.parallel_config(backend="dask"):        the cluster of its client
    with joblib.parallel_config(backend="ray"):         the cluster that Ray is connected to
    with joblib.parallel_config(backend="loky", n_jobs=4), or another library's: 4 processes
    otherwise                                           threads of this process

Inside a worker, work is not distributed further, and a chain uses one thread, because each slot has a chain.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ridgewalk.engine.cluster.spread import Spreader
from ridgewalk.engine.cluster.workers import Workers

_block: ContextVar[Spreader | None] = ContextVar("ridgewalk_workers", default=None)
_of_backends: weakref.WeakKeyDictionary[Any, Spreader] = weakref.WeakKeyDictionary()


@contextmanager
def used(workers: Workers) -> Iterator[None]:
    """Let these workers train while the block runs."""
    token = _block.set(Spreader(workers))
    try:
        yield
    finally:
        _block.reset(token)


def spreader_in_use() -> Spreader | None:
    """Return what spreads jobs here, or None where this process trains them itself."""
    spreader = _block.get()
    if spreader is not None:
        return spreader
    if "joblib" not in sys.modules or inside_worker():  # who has not imported it has chosen nothing
        return None
    from joblib.parallel import get_active_backend

    backend, n_jobs = get_active_backend()
    if backend is not get_active_backend()[0]:  # made anew for each who asks: the usual one, that nobody chose
        return None
    return _of_backend(backend, n_jobs)


def inside_worker() -> bool:
    """Return whether this thread works on a task of Dask's or Ray's."""
    distributed, ray = sys.modules.get("distributed"), sys.modules.get("ray")
    if distributed is not None:
        try:
            distributed.get_worker()
        except (AttributeError, ValueError):
            pass
        else:
            return True
    if ray is not None and hasattr(ray, "is_initialized") and ray.is_initialized():
        return bool(ray.get_runtime_context().worker.mode == ray.WORKER_MODE)
    return False


def _of_backend(backend: Any, n_jobs: int | None) -> Spreader | None:
    """Return what spreads jobs over a backend of joblib's; None where that is this process."""
    kind = type(backend).__name__
    if kind == "DaskDistributedBackend":
        from ridgewalk.engine.cluster.dask_client import DaskWorkers

        return _once(backend.client, lambda: DaskWorkers(backend.client))
    if kind == "RayBackend":
        from ridgewalk.engine.cluster.ray_cluster import RayWorkers

        return _once(backend, RayWorkers)
    if getattr(backend, "supports_sharedmem", False) or getattr(backend, "nesting_level", 0):
        return None
    processes = backend.effective_n_jobs(-1 if n_jobs is None else n_jobs)
    if processes < 2:
        return None
    from ridgewalk.engine.cluster.processes import Processes

    return _once(backend, lambda: Processes(backend, processes))


def _once(key: Any, make: Callable[[], Workers]) -> Spreader:
    """Return what spreads jobs over a cluster; it knows what the cluster has already."""
    found = _of_backends.get(key)
    if found is None:
        found = _of_backends[key] = Spreader(make())
    return found
