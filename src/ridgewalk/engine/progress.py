"""The counter that an engine updates while it runs, and the flag that stops it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ridgewalk.arrays import Integers
from ridgewalk.engine.job import Fits, History


@dataclass
class _Task:
    """Work that was expected at its beginning, and what remains, in estimated seconds; ``unit`` is that of one add."""

    expected: float
    left: float
    unit: float


class Progress:
    """Counts work while an engine runs, estimates the time left, and can stop the engine.

    Work is counted in tasks, one inside the other, each with a guess of what it takes. A task inside another is a part
    of it, and what of a task has not been done when it ends is not waited for any longer: so totals correct themselves.

    Attributes
    ----------
    done : float
        Finished work, in guessed seconds of one core; engines alone count epochs and polishing steps of all runs.
    stage : str
        What is being done, in a few words, to show.
    part : str
        For which of several parts that is done, to show; empty where there is one.
    stop : bool
        Set it to end the training; an engine looks several times a second.
    finished_runs : integers
        After a stop, or Ctrl-C: the numbers of the runs that were done by then.
    finished : Fits or None
        Their fits, without history.
    histories : list of History
        Those of the jobs, or parts of one, that keep any; what is not there yet is NaN.
    """

    def __init__(self) -> None:
        self.done = 0.0
        self.stage = self.part = ""
        self.stop = False
        self.finished_runs: Integers = np.empty(0, dtype=np.int64)
        self.finished: Fits | None = None
        self.histories: list[History] = []
        self._tasks = [_Task(0.0, 0.0, 1.0)]
        self._lock = threading.Lock()

    @property
    def total(self) -> float:
        """Work that is done, and that is left."""
        with self._lock:
            left = 0.0
            inside = 0.0
            for task in reversed(self._tasks):
                left += max(0.0, task.left - inside)
                inside = task.expected
            return self.done + left

    @contextmanager
    def task(self, expected: float, unit: float = 1.0) -> Iterator[None]:
        """Expect this work inside the block, and count additions inside in units of their own."""
        with self._lock:
            self._tasks.append(_Task(expected, expected, unit))
        try:
            yield
        finally:
            with self._lock:
                self._tasks.pop()
                outside = self._tasks[-1]
                outside.left = max(0.0, outside.left - expected)

    def add(self, work: float) -> None:
        """Count finished work, in the unit of the innermost task."""
        with self._lock:
            task = self._tasks[-1]
            self.done += work * task.unit
            task.left = max(0.0, task.left - work * task.unit)

    def skip(self, work: float) -> None:
        """Expect so much less of the innermost task: it was found done."""
        with self._lock:
            task = self._tasks[-1]
            task.left = max(0.0, task.left - work * task.unit)

    def estimate(self, left: float) -> None:
        """Replace the remaining work of the innermost task by a better estimate."""
        with self._lock:
            self._tasks[-1].left = left

    def seconds_left(self, seconds: float) -> float | None:
        """Estimate the time left after this number of seconds; None before the work begins."""
        done, total = self.done, self.total
        return seconds * (total / done - 1) if 0 < done < total else None


class StoppedError(Exception):
    """Raised if the training was stopped before the job was done."""
