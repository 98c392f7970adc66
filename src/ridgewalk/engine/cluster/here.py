"""Train a chain in this process: open the arrays that the machine has, and fetch missing ones."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ridgewalk.engine.cluster.answers import read_answer, remove_answer, write_answer
from ridgewalk.engine.cluster.chains import run_chain
from ridgewalk.engine.cluster.files import ArrayFiles
from ridgewalk.engine.cluster.messages import stored_in
from ridgewalk.engine.cluster.workers import Answer, Chain

GOING = "going"
"""While a file of this name is in the folder of a session, its chains go on."""
_FINISHED = "finished"  # the folder in it of what came of chains

_PREFIX, _OWNER = "ridgewalk-", "owner"  # of a session's folder, and the file in it that its driver has locked
_NEW = 60.0  # seconds in which a driver has locked its file

_opened: dict[str, ArrayFiles] = {}
_lock = threading.Lock()


def files_of(folder: str) -> ArrayFiles:
    """Return the arrays of a folder, as this process has them open."""
    with _lock:
        for gone in [each for each in _opened if not Path(each).exists()]:
            del _opened[gone]
        return _opened.setdefault(folder, ArrayFiles(Path(folder)))


def is_there(folder: str) -> bool:
    """Return whether this process sees the folder of a session."""
    return Path(folder, GOING).exists()


def train_here(chain: Chain, folder: str) -> Answer:
    """Train a chain whose arrays are files that this process sees.

    Raises
    ------
    StoppedError
        If its driver said stop.
    LostError
        If arrays are not there.
    """
    rows, seconds = run_chain(chain.message, files_of(folder).open, lambda: not is_there(folder))
    return Answer(chain.name, rows.tobytes(), seconds)


def leave_here(folder: str, name: str, rows: NDArray[np.void], seconds: float) -> None:
    """Leave what came of a chain in the folder of a session, where the disk takes it."""
    with suppress(OSError):
        write_answer(Path(folder, _FINISHED), name, rows, seconds)


def answer_here(folder: str, name: str) -> Answer | None:
    """Return what came of a chain, if a process that sees the folder of a session has left it there."""
    try:
        return read_answer(Path(folder, _FINISHED), name)
    except (OSError, ValueError):
        return None


class SessionFiles:
    """The arrays of a driver, as files of its machine that go with it; where it was killed, with the next driver there.

    Parameters
    ----------
    folder : path, optional
        Where temporary files are; by default where the system has them.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        _remove_forgotten(Path(tempfile.gettempdir() if folder is None else folder))
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folder))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        self._owner = (self.folder / _OWNER).open("w")
        _lock_file(self._owner)
        weakref.finalize(self, self._owner.close)
        self.files = ArrayFiles(self.folder)
        (self.folder / _FINISHED).mkdir()
        self.go_on()

    def go_on(self) -> None:
        """Let chains begin, and go on."""
        (self.folder / GOING).touch()

    def stop(self) -> None:
        """Stop the chains of processes that see the folder."""
        (self.folder / GOING).unlink(missing_ok=True)

    def put(self, name: str, array: NDArray[Any]) -> None:
        """Write an array (:meth:`ArrayFiles.put`)."""
        self.files.put(name, array)

    def drop(self, name: str) -> None:
        """Remove an array, if the disk lets it be removed."""
        with suppress(OSError):
            self.files.drop(name)

    def answer(self, name: str) -> Answer | None:
        """Return what came of a chain (:func:`answer_here`)."""
        return answer_here(str(self.folder), name)

    def forget(self, name: str) -> None:
        """Remove what came of a chain, if the disk lets it be removed."""
        with suppress(OSError):
            remove_answer(self.folder / _FINISHED, name)


def copied(folder: str, message: bytes, fetch: Callable[[str], NDArray[Any]]) -> ArrayFiles:
    """Return a folder of this machine that has the arrays of a message: fetched once for all of its processes.

    Parameters
    ----------
    folder : str
        Of the session, on the driver's machine; its name is taken, and none of its content.
    message : bytes
    fetch : function
        Returns the array of a name, from another machine.
    """
    own = Path(tempfile.gettempdir(), f"{Path(folder).name}-copy-{os.getuid() if hasattr(os, 'getuid') else 0}")
    own.mkdir(mode=0o700, exist_ok=True)
    files = files_of(str(own))
    for name in stored_in(message):
        if files.has(name):
            continue
        with _taken(own / f".{name}.lock"):
            if not files.has(name):
                files.put(name, fetch(name))
    return files


@contextmanager
def _taken(file: Path) -> Iterator[None]:
    """Have a file that one process at a time has, where the system has such locks; else two fetch the same."""
    with file.open("w") as opened:
        _lock_file(opened)
        yield


def _lock_file(opened: IO[str], wait: bool = True) -> bool:
    """Lock a file until it is closed, by the end of the process at the latest; return whether that is so."""
    try:
        import fcntl

        fcntl.flock(opened, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except (ImportError, OSError):
        return False
    return True


def _remove_forgotten(place: Path) -> None:
    """Remove the folders of sessions whose driver was killed: nobody holds the lock that it had."""
    for owner in place.glob(f"{_PREFIX}*/{_OWNER}"):
        with suppress(OSError):
            old = time.time() - owner.stat().st_mtime > _NEW
            if old and owner.stat().st_uid == owner.parent.stat().st_uid == os.getuid():
                with owner.open("a") as opened:
                    if _lock_file(opened, wait=False):
                        shutil.rmtree(owner.parent, ignore_errors=True)
