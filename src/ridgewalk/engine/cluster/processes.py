"""Worker processes of joblib: those of this machine, or of another joblib backend."""

from __future__ import annotations

import queue
import threading
import weakref
from collections.abc import Sequence
from typing import Any

from ridgewalk.engine.cluster.here import SessionFiles, is_there, train_here
from ridgewalk.engine.cluster.workers import Answer, Chain, LostError, own_build
from ridgewalk.engine.progress import StoppedError

_LOST = ("TerminatedWorkerError", "BrokenProcessPool", "BrokenExecutor", "ShutdownExecutorError")


class Processes:
    """Workers behind a backend of joblib's. They see a folder of files: joblib's ``temp_folder``, or the system's.

    Parameters
    ----------
    backend : joblib's ParallelBackendBase
    count : int
        Processes.
    folder : str, optional
        Where temporary files are, on all machines.

    Raises
    ------
    ValueError
        If the workers do not see the folder.
    """

    doubles = False
    kept = None
    lacking = ""  # joblib begins processes anew

    def __init__(self, backend: Any, count: int, folder: str | None = None) -> None:
        self._backend, self.capacity = weakref.ref(backend), count
        self._session = SessionFiles(folder)
        self.put, self.drop = self._session.put, self._session.drop
        self._come: queue.SimpleQueue[Answer | BaseException] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self.level = list(own_build().kernels)[-1]  # a worker elsewhere that lacks it says so
        if not all(self._parallel(is_there, [(str(self._session.folder),)] * count)):
            self._folder_unseen()

    def send(self, chains: Sequence[Chain]) -> None:
        self._end()
        self._session.go_on()
        self._come = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(list(chains), self._come), daemon=True)
        self._thread.start()

    def answers(self, seconds: float) -> list[Answer]:
        try:
            found = [self._come.get(timeout=seconds)]
            while not self._come.empty():
                found.append(self._come.get())
        except queue.Empty:
            return []
        answers = [each for each in found if isinstance(each, Answer)]
        problems = [each for each in found if not isinstance(each, Answer)]
        if answers:
            for problem in problems:
                self._come.put(problem)
        elif problems:
            raise _meant(problems[0])
        return answers

    def stop(self) -> None:
        self._session.stop()
        self._end()

    def _end(self) -> None:
        """Wait for what runs to leave off."""
        if self._thread:
            self._thread.join()
            self._thread = None

    def _run(self, chains: list[Chain], come: queue.SimpleQueue[Answer | BaseException]) -> None:
        """Train chains, on a thread that waits for joblib."""
        try:
            for answer in self._parallel(train_here, [(chain, str(self._session.folder)) for chain in chains]):
                come.put(answer)
        except BaseException as problem:
            come.put(problem)

    def _parallel(self, function: Any, calls: list[tuple[Any, ...]]) -> Any:
        """Call a function in the workers, for each of some arguments; return or yield what it returns."""
        from joblib import Parallel, delayed

        backend = self._backend()
        generates = getattr(backend, "supports_return_generator", False)
        parallel = Parallel(
            self.capacity,
            backend=backend,
            return_as="generator_unordered" if generates else "list",
            pre_dispatch="all",
            batch_size=1,
        )
        return parallel(delayed(function)(*each) for each in calls)

    def _folder_unseen(self) -> None:
        raise ValueError(
            f"The workers do not see {self._session.folder}, where tables are put for them: set TMPDIR to a folder "
            "that all machines see, or use Dask, Ray or a shared folder (ridgewalk worker)."
        )


def _meant(problem: BaseException) -> BaseException:
    """Return what a failure of joblib's means here."""
    if type(problem).__name__ in _LOST:
        return LostError(f"{type(problem).__name__}: a worker's process has gone")
    if isinstance(problem, StoppedError):
        return LostError("a chain was stopped")
    return problem
