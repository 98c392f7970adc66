"""The worker's side of a shared folder: claims chains, trains them, and writes their results."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ridgewalk.engine.cluster.answers import has_answer, write_answer
from ridgewalk.engine.cluster.chains import run_chain
from ridgewalk.engine.cluster.files import ArrayFiles
from ridgewalk.engine.cluster.layout import (
    BEAT,
    SILENCE,
    FitFolder,
    SharedFolder,
    Signs,
    names_in,
    own_name,
    read_json,
    write_json,
)
from ridgewalk.engine.cluster.workers import check_build, own_build
from ridgewalk.engine.progress import Progress, StoppedError
from ridgewalk.threads import started

_BUSY, _IDLE = 0.02, 0.5  # seconds between two looks for work: soon after there was some, and long after
_STOP = 0.25  # seconds between two looks at whether a fit goes on


@dataclass
class _Running:
    """A chain under way."""

    fit: FitFolder
    claim: Path
    progress: Progress = field(default_factory=Progress)
    thread: threading.Thread | None = None

    @property
    def chain(self) -> str:
        """Its number and name."""
        return self.claim.name.partition(".json.")[0]

    @property
    def name(self) -> str:
        return self.chain.rpartition("-")[2]


class FolderWorker:
    """Works for all fits of a folder.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    slots : int
        Chains at once, a core each.
    silence : float
        Seconds without a sign of life after which a driver counts as dead.
    say : function
        Takes sentences for whoever reads along.
    """

    def __init__(
        self, folder: Path, slots: int, silence: float = SILENCE, say: Callable[[str], None] = lambda _: None
    ) -> None:
        self._shared, self._slots, self._say = SharedFolder(folder), slots, say
        self.name = own_name()
        self._running: list[_Running] = []
        self._files: dict[Path, ArrayFiles] = {}
        self._refused: set[Path] = set()
        self._signs = Signs(silence)
        self._ended = threading.Event()
        self.finished = 0
        self._shared.make()

    def work(self, idle: float | None = None) -> None:
        """Take chains until told to :meth:`end`, or until there has been none for so many seconds."""
        self._show(0)
        beating = started(self._beat)
        last = looked = time.monotonic()
        try:
            while not self._ended.is_set():
                now = time.monotonic()
                if now - looked >= _STOP:
                    self._look_after_fits()
                    looked = now
                self._running = [each for each in self._running if each.thread and each.thread.is_alive()]
                took = len(self._running) < self._slots and self._take()
                if took or self._running:
                    last = time.monotonic()
                elif idle is not None and now - last > idle:
                    break
                if not took:
                    self._ended.wait(_BUSY if now - last < 10 * _IDLE else _IDLE)
        finally:
            self._ended.set()
            for each in self._running:
                each.progress.stop = True
            for each in self._running:
                if each.thread:
                    each.thread.join()
            if beating:
                beating.join()
            self._shared.worker(self.name).unlink(missing_ok=True)

    def end(self) -> None:
        """Leave off: chains under way go back to where others take them."""
        self._ended.set()

    def _take(self) -> bool:
        """Claim a chain of some fit and begin it; return whether there was one."""
        for fit in self._fits():
            for name in names_in(fit.todo, ".json"):
                claim = fit.claimed / f"{name}.{self.name}"
                try:
                    (fit.todo / name).rename(claim)
                except OSError:  # another was faster
                    continue
                running = _Running(fit, claim)
                running.thread = started(partial(self._train, running))
                if running.thread is None:
                    claim.rename(fit.todo / name)
                    return False
                self._running.append(running)
                return True
        return False

    def _fits(self) -> list[FitFolder]:
        """Return the fits that wait for workers, and that this one can work for."""
        fits = []
        for name in names_in(self._shared.fits):
            fit = self._shared.fit(name)
            about = read_json(fit.about)
            if not about or fit.folder in self._refused or not self._goes_on(fit):
                continue
            try:
                check_build(str(about.get("version")), str(about.get("level")), str(about.get("kernels")))
            except ValueError as problem:
                self._refused.add(fit.folder)
                self._say(f"Not working for {name}: {problem}")
                continue
            fits.append(fit)
        return fits

    def _goes_on(self, fit: FitFolder) -> bool:
        return not fit.stop.exists() and self._signs.alive(fit.driver)

    def _look_after_fits(self) -> None:
        """Stop chains whose fit does not go on, and close the files of those that have gone."""
        for each in self._running:
            if not self._goes_on(each.fit) or has_answer(each.fit.finished, each.name):
                each.progress.stop = True
        for folder in [folder for folder in self._files if not folder.exists()]:
            del self._files[folder]

    def _train(self, running: _Running) -> None:
        """Train a chain, and leave what came of it."""
        fit, claim = running.fit, running.claim
        name = running.name
        files = self._files.setdefault(fit.data, ArrayFiles(fit.data))
        try:
            rows, seconds = run_chain(claim.read_bytes(), files.open, lambda: False, running.progress)
            write_answer(fit.finished, name, rows, seconds)
            claim.unlink(missing_ok=True)
            self.finished += 1
        except StoppedError:
            with suppress(OSError):
                if self._ended.is_set() and not fit.stop.exists():
                    claim.rename(fit.todo / f"{running.chain}.json")
                else:
                    claim.unlink()
        except Exception as problem:
            if not self._goes_on(fit):
                return
            self._say(f"{type(problem).__name__}: {problem}")
            with suppress(OSError):
                write_json(fit.failed / f"{name}.json", {"kind": type(problem).__name__, "words": str(problem)})
                claim.unlink(missing_ok=True)

    def _beat(self) -> None:
        """Show several times a second that the worker lives."""
        beats = 0
        while not self._ended.wait(BEAT):
            beats += 1
            with suppress(OSError):
                self._show(beats)

    def _show(self, beats: int) -> None:
        """Write down what the worker is, and what it does."""
        build = own_build()
        content: dict[str, object] = {
            "beats": beats,
            "version": build.version,
            "kernels": build.kernels,
            "slots": self._slots,
            "running": len(self._running),
        }
        write_json(self._shared.worker(self.name), content)
