"""Train a chain in this process: open the arrays that the machine has, and fetch missing ones."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ridgewalk.engine.cluster.chains import run_chain
from ridgewalk.engine.cluster.files import ArrayFiles
from ridgewalk.engine.cluster.messages import stored_in
from ridgewalk.engine.cluster.workers import Answer, Chain

GOING = "going"
"""While a file of this name is in the folder of a session, its chains go on."""

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


def session_folder(folder: str | os.PathLike[str] | None = None) -> Path:
    """Make a folder for the arrays of a session, where the system, or the user, has temporary files."""
    made = Path(tempfile.mkdtemp(prefix="ridgewalk-", dir=folder))
    (made / GOING).touch()
    return made


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


class _taken:  # noqa: N801
    """A file that one process at a time has, where the system has such locks; else two fetch the same."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __enter__(self) -> None:
        self._opened = self._file.open("w")
        with suppress(ImportError, OSError):
            import fcntl

            fcntl.flock(self._opened, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._opened.close()
