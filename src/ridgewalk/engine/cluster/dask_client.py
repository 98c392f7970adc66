"""Workers of a Dask cluster, through the user's client.

Tables are files of the driver's machine, which its workers open; once one is missed, it is scattered, and fetched once
by every other machine. Workers that see these files leave what came of a chain there, too, so that it outlives them;
from others it is fetched. A chain is stopped when Dask no longer needs its task: when the driver cancels it, or has
ended.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import queue
import secrets
import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from distributed import Future, KilledWorker, get_client, get_worker
from numpy.typing import NDArray

from ridgewalk.engine.cluster.chains import run_chain
from ridgewalk.engine.cluster.dask_workers import (
    LastFinished,
    elsewhere_than,
    first_greetings,
    lacking,
    silent_workers,
)
from ridgewalk.engine.cluster.files import ArrayFiles
from ridgewalk.engine.cluster.here import SessionFiles, answer_here, copied, files_of, is_there, leave_here
from ridgewalk.engine.cluster.lately import remember
from ridgewalk.engine.cluster.messages import stored_in
from ridgewalk.engine.cluster.workers import Answer, Chain, LostError, agreed_level
from ridgewalk.engine.progress import StoppedError

_MOST_LOSSES = 10  # of one chain
_AT_ONCE = 100  # chains in a request, of 64 KiB each at most: Dask warns of requests of 10 MB
_NOT_YET = object()  # what came of a chain that has ended, before it is fetched


class DaskWorkers:
    """The workers of a Dask cluster.

    Parameters
    ----------
    client : distributed.Client

    Raises
    ------
    ValueError
        If a worker has another version of ridgewalk, or another build of its engine.
    """

    doubles = True

    def __init__(self, client: Any) -> None:
        self._client = weakref.ref(client)
        greetings = first_greetings(client)
        self.level = agreed_level({name: each.build for name, each in greetings.items()})
        self.kept = LastFinished(self._client_now, greetings, self.level)
        self._session = SessionFiles()
        self.put = self._session.put
        self._scattered: set[str] = set()
        self._futures: dict[str, tuple[Any, Chain]] = {}
        self._ended: queue.SimpleQueue[tuple[Any, Any]] = queue.SimpleQueue()
        self._losses: Counter[str] = Counter()
        self._hung = False

    @property
    def capacity(self) -> int:
        return max(1, sum(map(int, self._client_now().nthreads().values())))

    @property
    def lacking(self) -> str:
        return lacking(self._client_now())

    def drop(self, name: str) -> None:
        self._session.drop(name)
        if name in self._scattered:
            self._scattered.remove(name)
            with suppress(Exception):  # the cluster may have gone before the table
                self._client_now().unpublish_dataset(_dataset(str(self._session.folder), name))

    def send(self, chains: Sequence[Chain]) -> None:
        if not self._futures:
            self._losses.clear()
        for first in range(0, len(chains), _AT_ONCE):
            self._send(chains[first : first + _AT_ONCE])

    def _send(self, chains: Sequence[Chain]) -> None:
        """Send chains in one request."""
        futures = self._client_now().map(
            _train,
            [chain.name for chain in chains],
            [chain.message for chain in chains],
            folder=str(self._session.folder),
            key=[f"ridgewalk-chain-{chain.name}-{secrets.token_hex(4)}" for chain in chains],
            pure=False,
            priority=10,  # before what waits: the driver of a fit waits for it
            **self._where(chains),
        )
        for future, chain in zip(futures, chains, strict=True):
            self._futures[future.key] = (future, chain)
            future.add_done_callback(partial(_tell, self._ended))

    def answers(self, seconds: float) -> list[Answer]:
        found: list[Answer] = []
        to_fetch: list[Any] = []
        for future, value in self._ended_in(seconds):
            if future.key not in self._futures:  # another copy of it has come
                continue
            chain = self._futures[future.key][1]
            come = self._session.answer(chain.name) or value
            if come is _NOT_YET and future.status == "finished":
                to_fetch.append(future)
                continue
            del self._futures[future.key]
            match _problem(future) if come is _NOT_YET else come:
                case Answer() as answer:
                    found.append(answer)
                    self._let_go(answer.name)
                case list(missing):
                    self._scatter([str(name) for name in missing])
                    self._again(chain, "a machine cannot find its table")
                case problem:
                    self._again(chain, str(problem or "the cluster gave it up"))
        self._fetch(to_fetch)
        return found

    def stop(self) -> None:
        futures = [future for future, _ in self._futures.values()]
        self._futures.clear()
        self._ended = queue.SimpleQueue()
        if futures:
            with suppress(Exception):  # the cluster may be why we stop
                self._client_now().cancel(futures)

    def _ended_in(self, seconds: float) -> list[tuple[Any, Any]]:
        """Return futures that have ended, with what came of them once it is here; wait so long for one."""
        ended = []
        with suppress(queue.Empty):
            ended.append(self._ended.get(timeout=seconds))
            while True:
                ended.append(self._ended.get_nowait())
        return [(future, value) for future, value in ended if future.key in self._futures]

    def _fetch(self, futures: Sequence[Any]) -> None:
        """Fetch what came of finished futures, in one request; nobody waits for it, for a worker may hang meanwhile."""
        if not futures:
            return
        client, ended = self._client_now(), self._ended
        request = client.gather({each.key: each for each in futures}, errors="skip", asynchronous=True)

        def come(fetched: concurrent.futures.Future[Any]) -> None:
            if not fetched.cancelled():
                values = {} if fetched.exception() else fetched.result()
                for each in futures:
                    ended.put((each, values.get(each.key)))

        asyncio.run_coroutine_threadsafe(request, client.loop.asyncio_loop).add_done_callback(come)

    def _again(self, chain: Chain, why: str) -> None:
        """Send a chain that was lost once more.

        Raises
        ------
        RuntimeError
            If it was lost again and again.
        """
        self._losses[chain.name] += 1
        if self._losses[chain.name] > _MOST_LOSSES:
            raise RuntimeError(
                f"A chain was lost {_MOST_LOSSES} times ({why}): look at what the workers wrote, and at their memory."
            )
        self.send([chain])

    def _let_go(self, name: str) -> None:
        """Forget the copies of a chain that has come, and its file."""
        self._session.forget(name)
        for key in [key for key, (_, chain) in self._futures.items() if chain.name == name]:
            self._futures.pop(key)[0].cancel()

    def _where(self, chains: Sequence[Chain]) -> dict[str, Any]:
        """Return which workers may train chains: copies go to none that is at them, and no more to one that hangs."""
        names = {chain.name for chain in chains}
        there = {key for key, (_, chain) in self._futures.items() if chain.name in names}
        self._hung = self._hung or bool(there)
        if not self._hung:
            return {}
        client = self._client_now()
        workers = elsewhere_than(client, there) - silent_workers(client)
        return {"workers": sorted(workers), "allow_other_workers": True} if workers else {}

    def _scatter(self, names: list[str]) -> None:
        """Scatter arrays over the cluster, for machines that do not see our files."""
        client = self._client_now()
        for name in names:
            if name not in self._scattered and self._session.files.has(name):
                future = client.scatter(self._session.files.open(name), hash=False)
                client.publish_dataset(future, name=_dataset(str(self._session.folder), name), override=True)
                self._scattered.add(name)

    def _client_now(self) -> Any:
        client = self._client()
        if client is None or client.status not in ("running", "connecting"):
            raise RuntimeError(
                "The client of Dask is closed, or its scheduler has gone: make another client, and give it to "
                "joblib.parallel_config."
            )
        return client


def _tell(ended: queue.SimpleQueue[tuple[Any, Any]], future: Any) -> None:
    """Take a future that has ended to who waits."""
    ended.put((future, _NOT_YET))


def _problem(future: Any) -> LostError:
    """Return why a chain was lost; raise what it raised."""
    try:
        future.result()
    except (KilledWorker, LostError) as problem:
        return LostError(str(problem))
    except Exception as problem:
        if type(problem).__name__ not in ("CancelledError", "FutureCancelledError"):
            raise
    return LostError("the cluster forgot a chain")


def _dataset(folder: str, name: str) -> str:
    return f"{folder}/{name}"


def _train(name: str, message: bytes, folder: str) -> Answer | list[str] | None:
    """Train a chain in a worker.

    Returns
    -------
    Answer, list of str or None
        Names of arrays that it can find nowhere; None where nobody wants the chain any more.
    """
    stopped = _unwanted()
    if stopped():
        return None
    here = is_there(folder)
    if here:
        if answer := answer_here(folder, name):  # of a worker that was killed before its scheduler heard of it
            return answer
        files = files_of(folder)
    else:
        client = get_client()
        published = set(client.list_datasets())
        missing = [array for array in stored_in(message) if _dataset(folder, array) not in published]
        if missing:
            return missing
        files = _copied(folder, message, client)
    try:
        rows, seconds = run_chain(message, files.open, stopped)
    except StoppedError:
        return None
    remember(rows)
    if here:
        leave_here(folder, name, rows, seconds)
    return Answer(name, rows.tobytes(), seconds)


def _copied(folder: str, message: bytes, client: Any) -> ArrayFiles:
    """Return this machine's copies of the arrays of a message, which are fetched once."""

    def fetch(name: str) -> NDArray[Any]:
        future: Future = client.get_dataset(_dataset(folder, name))
        array: NDArray[Any] = future.result()
        return array

    return copied(folder, message, fetch)


def _unwanted() -> Callable[[], bool]:
    """Return a function that tells whether Dask has given up the task of this thread: it cannot stop one itself."""
    worker = get_worker()
    tasks, key = worker.state.tasks, worker.get_current_task()

    def stopped() -> bool:
        task = tasks.get(key)
        return task is None or task.state == "cancelled"

    return stopped
