"""The driver's side of a shared folder (:mod:`ridgewalk.engine.cluster.layout`)."""

from __future__ import annotations

import shlex
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ridgewalk.engine.checkpoints import CheckpointStore
from ridgewalk.engine.cluster.answers import ENDING, read_answer
from ridgewalk.engine.cluster.files import ArrayFiles
from ridgewalk.engine.cluster.layout import (
    BEAT,
    SILENCE,
    FitFolder,
    SharedFolder,
    Signs,
    has_gone,
    names_in,
    own_name,
    read_json,
    write_json,
)
from ridgewalk.engine.cluster.workers import Answer, Build, Chain, LostError, Patience, agreed_level, own_build
from ridgewalk.formatting import format_count
from ridgewalk.threads import started

_LOOK = 0.02  # seconds between two looks for what has finished
_WORKERS = 0.5  # and for who works
_PATIENCE = 4  # signs of life that a driver misses before another takes what it had finished


class FolderWorkers:
    """Workers that see one folder: ``ridgewalk worker FOLDER`` on any of the machines.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    silence : float
        Seconds without a sign of life after which a worker's chains are given to others.
    waiting : function, optional
        Called once where there is no worker yet; by default a warning says so after some seconds.

    Raises
    ------
    OSError
        If the folder cannot be written.
    ValueError
        If a worker has another version of ridgewalk.
    """

    doubles = True

    def __init__(self, folder: Path, silence: float = SILENCE, waiting: Callable[[], None] | None = None) -> None:
        self._shared, self._signs = SharedFolder(folder), Signs(silence)
        self._shared.make()
        self._began = time.monotonic()
        self._alive: dict[str, dict[str, object]] = {}
        self._looked = 0.0
        self._told, self._sent = set[str](), 0
        self._copies: dict[str, list[str]] = {}
        self._before = self._left_behind()
        self._fit = self._shared.fit(own_name())
        self.level = self._agreed(waiting)
        self._fit.folder.mkdir()
        write_json(self._fit.driver, {"beats": 0})
        self._fit.make()
        self._kept = self._collected()
        self._files = ArrayFiles(self._fit.data)
        build = own_build()
        write_json(
            self._fit.about, {"version": build.version, "level": self.level, "kernels": build.kernels[self.level]}
        )
        self._ended = threading.Event()
        self._beating = started(self._beat)

    @property
    def capacity(self) -> int:
        """Chains that all living workers run at once; 1 where there is none."""
        return max(1, sum(map(_slots, self._workers().values())))

    @property
    def kept(self) -> CheckpointStore | None:
        """What drivers that were killed had left behind."""
        return self._kept

    @property
    def lacking(self) -> str:
        if self._workers():
            return ""
        folder = self._shared.folder
        return f"No worker looks at {folder}. Start some: ridgewalk worker {shlex.quote(str(folder))}."

    @property
    def described(self) -> str:
        """Workers and slots, in a few words."""
        workers = self._workers()
        slots = sum(map(_slots, workers.values()))
        return f"{format_count(len(workers), 'worker')}, {format_count(slots, 'chain')} at once"

    def put(self, name: str, array: NDArray[Any]) -> None:
        self._files.put(name, array)

    def drop(self, name: str) -> None:
        self._files.drop(name)

    def send(self, chains: Sequence[Chain]) -> None:
        self._fit.stop.unlink(missing_ok=True)
        for chain in chains:
            if chain.name in self._told:
                self._told.discard(chain.name)
                (self._fit.failed / f"{chain.name}.json").unlink(missing_ok=True)
            self._sent += 1
            file = self._fit.todo / f"{self._sent:08}-{chain.name}.json"
            unfinished = self._fit.todo / f".{file.name}"
            unfinished.write_bytes(chain.message)
            unfinished.rename(file)
            self._copies.setdefault(chain.name, []).append(file.name)

    def answers(self, seconds: float) -> list[Answer]:
        until = time.monotonic() + seconds
        while not (found := self._come()):
            self._requeue()
            if time.monotonic() > until:
                break
            time.sleep(_LOOK)
        return found

    def stop(self) -> None:
        with suppress(OSError):
            self._fit.stop.touch()
            for name in names_in(self._fit.todo):
                (self._fit.todo / name).unlink(missing_ok=True)

    def close(self, whole: bool) -> None:
        """End the fit: remove all that stands in the folder of it.

        Parameters
        ----------
        whole : bool
            Whether the fit came to its end. If not, finished runs stay for one that asks for the same again.
        """
        self.stop()
        self._ended.set()
        if self._beating:
            self._beating.join()
        if whole or not names_in(self._fit.finished):
            shutil.rmtree(self._fit.folder, ignore_errors=True)
        else:
            shutil.rmtree(self._fit.data, ignore_errors=True)
            self._fit.driver.unlink(missing_ok=True)
        if whole:
            silent = time.monotonic() - self._began >= SILENCE
            for other, sign in self._before.items():
                if _sign(other) == sign and (silent or not sign or has_gone(other.name)):
                    shutil.rmtree(other, ignore_errors=True)

    def _come(self) -> list[Answer]:
        """Return what has finished; raise what has failed."""
        for name in names_in(self._fit.failed, ".json"):
            content = read_json(self._fit.failed / name)
            (self._fit.failed / name).unlink(missing_ok=True)
            _raise(str(content.get("kind")), str(content.get("words")))
        answers = []
        for name in [file.removesuffix(ENDING) for file in names_in(self._fit.finished, ENDING)]:
            if name not in self._told:
                answers.append(read_answer(self._fit.finished, name))
                self._told.add(name)
                for copy in self._copies.pop(name, []):
                    (self._fit.todo / copy).unlink(missing_ok=True)
        return answers

    def _requeue(self) -> None:
        """Return the chains of workers that died to those that wait."""
        if time.monotonic() - self._looked < _WORKERS:
            return
        claims = names_in(self._fit.claimed)  # before the workers: who has a claim has shown life before
        workers = self._workers()
        for name in claims:
            chain, _, worker = name.partition(".json.")
            if worker not in workers:
                with suppress(OSError):  # whoever it was has finished it meanwhile
                    (self._fit.claimed / name).rename(self._fit.todo / f"{chain}.json")

    def _workers(self) -> dict[str, dict[str, object]]:
        """Return what each living worker says of itself, looked up a few times a second."""
        if time.monotonic() - self._looked >= _WORKERS:
            files = [self._shared.workers / name for name in names_in(self._shared.workers, ".json")]
            self._alive = {file.stem: read_json(file) for file in files if self._signs.alive(file)}
            self._looked = time.monotonic()
        return self._alive

    def _agreed(self, waiting: Callable[[], None] | None) -> str:
        """Wait for a worker; return the instruction set that all who are there have."""
        patience = Patience()
        if waiting and not self._workers():
            waiting()
        while not self._workers():
            if not waiting:
                patience.look(self.lacking)
            time.sleep(_WORKERS)
        return agreed_level({name: _build(content) for name, content in self._workers().items()})

    def _left_behind(self) -> dict[Path, str]:
        """Return the folders of fits whose driver shows no life, with its last sign."""
        folders = [self._shared.fits / name for name in names_in(self._shared.fits)]
        signs = {folder: _sign(folder) for folder in folders if FitFolder(folder).finished.is_dir()}
        if any(signs.values()):
            time.sleep(_PATIENCE * BEAT)
        return {folder: sign for folder, sign in signs.items() if _sign(folder) == sign}

    def _collected(self) -> CheckpointStore | None:
        """Take what drivers before had finished: its files are copied into this fit's folder."""
        folder = self._fit.folder / "before"
        for other in self._before:
            finished = FitFolder(other).finished
            for name in names_in(finished, ".npy"):
                folder.mkdir(exist_ok=True)
                with suppress(OSError):
                    shutil.copyfile(finished / name, folder / name)
        return CheckpointStore(folder, self.level) if folder.exists() else None

    def _beat(self) -> None:
        """Show that the driver lives."""
        beats = 0
        while not self._ended.wait(BEAT):
            beats += 1
            with suppress(OSError):
                write_json(self._fit.driver, {"beats": beats})


def _slots(content: dict[str, object]) -> int:
    """Return how many chains a worker runs at once."""
    slots = content.get("slots")
    return slots if isinstance(slots, int) else 1


def _build(content: dict[str, object]) -> Build:
    """Return what decides about the bits of a worker."""
    kernels = content.get("kernels")
    known = kernels.items() if isinstance(kernels, dict) else ()
    return Build(str(content.get("version")), {str(level): str(digest) for level, digest in known})


def _sign(folder: Path) -> str:
    """Return the last sign of life of a fit's driver; none where it has ended."""
    with suppress(OSError):
        return FitFolder(folder).driver.read_text(encoding="utf-8")
    return ""


def _raise(kind: str, words: str) -> None:
    """Raise what a worker came upon."""
    errors: dict[str, type[Exception]] = {"LostError": LostError, "MemoryError": MemoryError, "ValueError": ValueError}
    raise errors.get(kind, RuntimeError)(f"A worker could not train a chain: {words}")


@contextmanager
def opened(folder: Path, waiting: Callable[[], None] | None = None) -> Iterator[FolderWorkers]:
    """Use the workers of a folder while the block runs; ``waiting`` is called where there is none yet."""
    workers, whole = FolderWorkers(folder, waiting=waiting), False
    try:
        yield workers
        whole = True
    finally:
        workers.close(whole)
