"""Workers of a Dask cluster, through the user's client.

Tables are files of the driver's machine, which its workers open; once one is missed, it is scattered, and fetched once
by every other machine.
"""

from __future__ import annotations

import secrets
import shutil
import weakref
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from distributed import Event, Future, KilledWorker, get_client, wait
from numpy.typing import NDArray

from ridgewalk.engine.checkpoints import CheckpointStore
from ridgewalk.engine.cluster.chains import run_chain
from ridgewalk.engine.cluster.files import ArrayFiles
from ridgewalk.engine.cluster.here import GOING, copied, files_of, is_there, session_folder
from ridgewalk.engine.cluster.messages import stored_in
from ridgewalk.engine.cluster.workers import Answer, Build, Chain, LostError, agreed_level, own_build

_WAIT = 30  # seconds for the first worker
_MOST_LOSSES = 10  # of one chain


class DaskWorkers:
    """The workers of a Dask cluster.

    Parameters
    ----------
    client : distributed.Client

    Raises
    ------
    ValueError
        If a worker has another version of ridgewalk, or another build of its engine.
    TimeoutError
        If no worker comes.
    """

    doubles = True

    def __init__(self, client: Any) -> None:
        self._client = weakref.ref(client)
        client.wait_for_workers(1, timeout=_WAIT)
        self.level = agreed_level(_builds(client))
        self._folder = session_folder()
        self._files = ArrayFiles(self._folder)
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._tables: dict[str, NDArray[Any]] = {}
        self._scattered: dict[str, Any] = {}
        self._futures: dict[Any, Chain] = {}
        self._losses: Counter[str] = Counter()
        self._running = ""

    @property
    def capacity(self) -> int:
        return max(1, sum(map(int, self._client_now().nthreads().values())))

    @property
    def kept(self) -> CheckpointStore | None:
        return None

    def put(self, name: str, array: NDArray[Any]) -> None:
        self._files.put(name, array)

    def drop(self, name: str) -> None:
        with suppress(OSError):
            self._files.drop(name)
        if name in self._scattered:
            del self._scattered[name]
            with suppress(Exception):  # the cluster may have gone before the table
                self._client_now().unpublish_dataset(_dataset(str(self._folder), name))

    def send(self, chains: Sequence[Chain]) -> None:
        client = self._client_now()
        if not self._running:
            self._running = f"ridgewalk-stop-{secrets.token_hex(8)}"
            self._losses.clear()
            (self._folder / GOING).touch()
        for chain in chains:
            future = client.submit(
                _train,
                chain,
                str(self._folder),
                self._running,
                key=f"ridgewalk-chain-{chain.name}-{secrets.token_hex(4)}",
                pure=False,
                priority=10,  # before what waits: the driver of a fit waits for it
            )
            self._futures[future] = chain

    def answers(self, seconds: float) -> list[Answer]:
        with suppress(TimeoutError):
            wait(list(self._futures), timeout=seconds, return_when="FIRST_COMPLETED")
        done = [future for future in self._futures if future.done()]
        found: list[Answer] = []
        for future in done:
            chain = self._futures.pop(future, None)
            if chain is None:  # another copy of it has come
                continue
            match self._result(future):
                case Answer() as answer:
                    found.append(answer)
                    self._let_go(answer.name)
                case list(missing):
                    self._scatter([str(name) for name in missing])
                    self._again(chain, "a machine cannot find its table")
                case LostError() as problem:
                    self._again(chain, str(problem))
        return found

    def stop(self) -> None:
        if not self._running:
            return
        (self._folder / GOING).unlink(missing_ok=True)
        with suppress(Exception):  # the cluster may be why we stop
            client = self._client_now()
            Event(self._running, client).set()
            client.cancel(list(self._futures))
        self._futures.clear()
        self._running = ""

    def _result(self, future: Any) -> Any:
        """Return what came of a chain, or that it was lost; raise what it raised."""
        try:
            return future.result()
        except KilledWorker as problem:
            return LostError(str(problem))
        except LostError as problem:
            return problem
        except Exception as problem:
            if type(problem).__name__ in ("CancelledError", "FutureCancelledError"):
                return LostError("the cluster forgot a chain")
            raise

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
        """Forget the copies of a chain that has come."""
        for other in [future for future, chain in self._futures.items() if chain.name == name]:
            del self._futures[other]
            other.cancel()

    def _scatter(self, names: list[str]) -> None:
        """Scatter arrays over the cluster, for machines that do not see our files."""
        client = self._client_now()
        for name in names:
            if name not in self._scattered and self._files.has(name):
                future = client.scatter(self._files.open(name), hash=False)
                client.publish_dataset(future, name=_dataset(str(self._folder), name), override=True)
                self._scattered[name] = True

    def _client_now(self) -> Any:
        client = self._client()
        if client is None or client.status not in ("running", "connecting"):
            raise RuntimeError("The client of Dask was closed: make another, and give it to joblib.parallel_config.")
        return client


def _builds(client: Any) -> dict[str, Build]:
    """Ask every worker what it has; one that goes away meanwhile is not asked again."""
    for _ in range(_MOST_LOSSES):
        replies = client.run(own_build, on_error="return")
        for each in replies.values():
            if isinstance(each, BaseException) and not isinstance(each, OSError):
                raise each
        builds = {str(name): each for name, each in replies.items() if isinstance(each, Build)}
        if builds:
            return builds
        client.wait_for_workers(1, timeout=_WAIT)
    raise RuntimeError("No worker of the Dask cluster answers: look at what they wrote.")


def _dataset(folder: str, name: str) -> str:
    return f"{folder}/{name}"


def _train(chain: Chain, folder: str, event: str) -> Answer | list[str]:
    """Train a chain in a worker; return the names of arrays that it can find nowhere."""
    if is_there(folder):
        rows, seconds = run_chain(chain.message, files_of(folder).open, lambda: not is_there(folder))
        return Answer(chain.name, rows.tobytes(), seconds)
    client = get_client()
    published = set(client.list_datasets())
    missing = [name for name in stored_in(chain.message) if _dataset(folder, name) not in published]
    if missing:
        return missing

    def fetch(name: str) -> NDArray[Any]:
        future: Future = client.get_dataset(_dataset(folder, name))
        array: NDArray[Any] = future.result()
        return array

    files = copied(folder, chain.message, fetch)
    stop = Event(event, client)
    rows, seconds = run_chain(chain.message, files.open, stop.is_set)
    return Answer(chain.name, rows.tobytes(), seconds)
