"""The files in a shared folder, and how a process detects which others are alive.

    FOLDER/workers/WORKER.json             state of a worker; rewritten several times per second
    FOLDER/fits/FIT/about.json             version, instruction set, build of the engine
    FOLDER/fits/FIT/driver.json            a number that grows while the driver lives
    FOLDER/fits/FIT/data/NAME.npy          arrays by their content
    FOLDER/fits/FIT/todo/NUMBER-CHAIN.json     a chain that no worker has; a worker claims it by moving it to claimed/
    FOLDER/fits/FIT/claimed/NUMBER-CHAIN.json.WORKER
    FOLDER/fits/FIT/finished/CHAIN.npy     rows of finished runs, in the format of checkpoints
    FOLDER/fits/FIT/failed/CHAIN.json      the error that a chain raised
    FOLDER/fits/FIT/stop                   tells workers to stop working for this fit

A file is written under a temporary name and renamed. Clocks of different machines are never compared: a process is
alive if the content of its file has changed within an interval measured by the observer's clock.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ridgewalk.files import written

BEAT = 0.5
"""Seconds between two signs of life."""
SILENCE = 10.0
"""Seconds without a sign of life, twenty of them, after which somebody counts as dead."""


@dataclass(frozen=True)
class FitFolder:
    """Places of one fit."""

    folder: Path

    @property
    def about(self) -> Path:
        return self.folder / "about.json"

    @property
    def driver(self) -> Path:
        return self.folder / "driver.json"

    @property
    def stop(self) -> Path:
        return self.folder / "stop"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def todo(self) -> Path:
        return self.folder / "todo"

    @property
    def claimed(self) -> Path:
        return self.folder / "claimed"

    @property
    def finished(self) -> Path:
        return self.folder / "finished"

    @property
    def failed(self) -> Path:
        return self.folder / "failed"

    def make(self) -> None:
        """Make the folders."""
        for each in (self.data, self.todo, self.claimed, self.finished, self.failed):
            each.mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True)
class SharedFolder:
    """Places of all fits, and of all workers."""

    folder: Path

    @property
    def fits(self) -> Path:
        return self.folder / "fits"

    @property
    def workers(self) -> Path:
        return self.folder / "workers"

    def worker(self, name: str) -> Path:
        """Return where a worker says that it lives."""
        return self.workers / f"{name}.json"

    def fit(self, name: str) -> FitFolder:
        """Return the places of one fit."""
        return FitFolder(self.fits / name)

    def make(self) -> None:
        """Make the folders."""
        self.workers.mkdir(parents=True, exist_ok=True)
        self.fits.mkdir(exist_ok=True)


def own_name() -> str:
    """Return a name that no other process has: HOST-PROCESS-DRAWN."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def has_gone(name: str) -> bool:
    """Return whether who has a name (:func:`own_name`) was a process of this machine that is no more."""
    host, _, process = name.rpartition("-")[0].rpartition("-")
    if host != socket.gethostname() or os.name != "posix":
        return False
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return True
    except OSError:
        pass
    return False


def names_in(folder: Path, ending: str = "") -> list[str]:
    """Return the names of the whole files of a folder, sorted; none where it has gone."""
    with suppress(OSError):
        return sorted(name for name in os.listdir(folder) if name.endswith(ending) and name[0] != ".")
    return []


def write_json(file: Path, content: dict[str, object]) -> None:
    """Write plain data, whole or not at all."""
    with written(file) as unfinished:
        unfinished.write_text(json.dumps(content), encoding="utf-8")


def read_json(file: Path) -> dict[str, object]:
    """Read plain data, or nothing where there is none."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


class Signs:
    """Who is alive: whose file has changed within the silence, by this clock.

    Parameters
    ----------
    silence : float
        Seconds.
    """

    def __init__(self, silence: float = SILENCE) -> None:
        self._silence = silence
        self._seen: dict[Path, tuple[str, float]] = {}

    def alive(self, file: Path) -> bool:
        """Look at a file; who is new counts as alive for once the silence, and who has removed his file as dead."""
        try:
            content = file.read_text(encoding="utf-8")
        except OSError:
            self._seen.pop(file, None)
            return False
        now = time.monotonic()
        before, since = self._seen.get(file, ("", now))
        if content != before:
            self._seen[file] = content, now
            return True
        return now - since <= self._silence
