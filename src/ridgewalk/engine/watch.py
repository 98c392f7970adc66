"""What is polled while an engine runs, and what stops it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ridgewalk.arrays import Integers
from ridgewalk.engine.job import Fits, History
from ridgewalk.engine.record import Record


class Watch:
    """A counter to poll while an engine runs, and the switch that stops it.

    Attributes
    ----------
    done, total : float
        Work: epochs and polishing steps of all runs together, or whatever else it is counted in.
    later : float
        What stages to come are going to add to the total, as far as it is known.
    stage : str
        What is being done, in a few words, to show.
    stop : bool
        Set it to end the training; an engine looks several times a second.
    finished_runs : integers
        After a stop, or Ctrl-C: the numbers of the runs that were done by then.
    finished : Fits or None
        Their fits, without history.
    histories : list of History
        Those of the jobs, or parts of one, that keep any; what is not there yet is NaN.
    record : Record or None
        Where finished runs are kept, and found again instead of being trained.
    """

    def __init__(self) -> None:
        self.done = 0.0
        self.total = 0.0
        self.later = 0.0
        self._unit = 1.0
        self.stage = ""
        self.stop = False
        self.finished_runs: Integers = np.empty(0, dtype=np.int64)
        self.finished: Fits | None = None
        self.histories: list[History] = []
        self.record: Record | None = None
        self._lock = threading.Lock()

    def add(self, work: float) -> None:
        """Count finished work (epochs x runs)."""
        with self._lock:
            self.done += work * self._unit

    def begin(self, work: float) -> None:
        """Count work that begins now, and may have been known as work to come."""
        with self._lock:
            self.total += work
            self.later = max(0.0, self.later - work)

    def expect(self, work: float) -> None:
        """Count work that is to be done; below zero, work that is not to be done after all."""
        with self._lock:
            self.total += work * self._unit

    @contextmanager
    def counting(self, unit: float) -> Iterator[None]:
        """Count each epoch of a run as so much work while the block runs; 0 where it is counted in another way."""
        self._unit = unit
        try:
            yield
        finally:
            self._unit = 1.0

    def seconds_left(self, seconds: float) -> float | None:
        """Return the time left after so many seconds, if everything goes on as it went; None before it began."""
        everything = self.total + self.later
        return seconds * (everything / self.done - 1) if 0 < self.done < everything else None


class StoppedError(Exception):
    """The watch said stop before the job was done."""
