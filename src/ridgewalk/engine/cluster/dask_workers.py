"""Queries to the workers of a Dask cluster: their builds, their latest results, and which of them hang."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ridgewalk.arrays import Integers
from ridgewalk.engine import native
from ridgewalk.engine.checkpoints import fits_of, is_whole, row_type
from ridgewalk.engine.cluster.lately import digests_here, rows_here
from ridgewalk.engine.cluster.workers import Build, Patience, own_build
from ridgewalk.engine.job import Fits, Job

_LOOK = 0.5  # seconds between two looks for the first worker
_SILENCE = 10.0  # seconds without a heartbeat after which a worker hangs, and of a large cluster more:
_WORKERS_A_SECOND = 20  # Dask lets 200 workers send one heartbeat a second


@dataclass(frozen=True)
class Greeting:
    """What a worker says of itself.

    Attributes
    ----------
    build : Build
    finished : list of str
        Digests of runs that it finished lately.
    """

    build: Build
    finished: list[str]


def _greeting() -> Greeting:
    return Greeting(own_build(), digests_here())


def first_greetings(client: Any) -> dict[str, Greeting]:
    """Ask every worker what it is, by its address; wait for the first one, and warn that there is none."""
    patience = Patience()
    while not (greetings := _greetings(client)):
        asking = client.submit(_greeting, pure=False)  # a cluster that grows with its work begins a worker for it
        while not client.nthreads():
            patience.look(lacking(client))
            time.sleep(_LOOK)
        asking.cancel()
    return greetings


def _greetings(client: Any) -> dict[str, Greeting]:
    """Ask the workers that are there what they are; one that goes away meanwhile is left out."""
    replies = client.run(_greeting, on_error="return") if client.nthreads() else {}
    for each in replies.values():
        if isinstance(each, BaseException) and not isinstance(each, OSError):
            raise each
    return {str(name): each for name, each in replies.items() if isinstance(each, Greeting)}


def lacking(client: Any) -> str:
    """Return that the cluster has no worker, and what to do; empty where it has one."""
    address = client.scheduler.address
    if client.status != "running":
        return f"The scheduler of Dask at {address} does not answer. Look whether it runs."
    if client.nthreads():
        return ""
    return f"No worker of the Dask cluster at {address} is running. Start some: dask worker {address}."


class LastFinished:
    """What workers finished lately, for a driver that was killed: the next one finds it there.

    Parameters
    ----------
    client : function
        Returns the client.
    greetings : mapping of str to Greeting
        By the addresses of workers.
    level : str
        Instruction set.
    """

    def __init__(self, client: Callable[[], Any], greetings: Mapping[str, Greeting], level: str) -> None:
        self._client, self._engine = client, native.engine_name(level)
        self._where = {digest: worker for worker, each in greetings.items() for digest in each.finished}

    def find(self, job: Job, digests: list[str]) -> tuple[Integers, Fits]:
        """Return the numbers of the runs of a job that are there, rising, and their fits."""
        row, rows = row_type(job), self._rows([digest for digest in digests if digest in self._where])
        kept = {}
        for run, digest in enumerate(digests):
            content = rows.get(digest, b"")
            found = np.frombuffer(content, row)[0] if len(content) == row.itemsize else None
            if found is not None and is_whole(found, digest):
                kept[run] = found
        return np.array(list(kept), dtype=int), fits_of(np.array(list(kept.values()), dtype=row), job, self._engine)

    def _rows(self, digests: list[str]) -> dict[str, bytes]:
        """Fetch rows from the workers that have them, each once."""
        if not digests:
            return {}
        workers = sorted({self._where.pop(digest) for digest in set(digests)})
        replies = self._client().run(rows_here, digests, workers=workers, on_error="ignore")
        return {digest: row for each in replies.values() for digest, row in each.items()}


def elsewhere_than(client: Any, keys: Collection[str]) -> set[str]:
    """Return the addresses of the workers that are at none of some tasks."""
    processing = client.processing()
    return {str(worker) for worker, tasks in processing.items() if not set(tasks) & set(keys)}


def silent_workers(client: Any) -> set[str]:
    """Return the addresses of workers whose heartbeats stay away, by the clock of the scheduler."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    seen = {str(address): float(worker["last_seen"]) for address, worker in workers.items()}
    limit = max(_SILENCE, len(seen) / _WORKERS_A_SECOND)
    return {address for address, last in seen.items() if max(seen.values()) - last > limit}
