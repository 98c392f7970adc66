"""What is polled while an engine runs, and what stops it."""

from __future__ import annotations

import threading

import numpy as np

from ridgewalk.arrays import Integers
from ridgewalk.engine.job import Fits, History
from ridgewalk.engine.record import Record


class Watch:
    """A counter to poll while an engine runs, and the switch that stops it.

    Attributes
    ----------
    done, total : int
        Epochs and polishing steps, of all runs together.
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
        self.done = 0
        self.total = 0
        self.stage = ""
        self.stop = False
        self.finished_runs: Integers = np.empty(0, dtype=np.int64)
        self.finished: Fits | None = None
        self.histories: list[History] = []
        self.record: Record | None = None
        self._lock = threading.Lock()

    def add(self, work: int) -> None:
        """Count finished work (epochs x runs)."""
        with self._lock:
            self.done += work


class StoppedError(Exception):
    """The watch said stop before the job was done."""
