"""The runner: engine, number of threads, progress and checkpoints of a training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ridgewalk.engine import compiled, reference
from ridgewalk.engine.checkpoints import CheckpointStore
from ridgewalk.engine.cluster.chosen import inside_worker, spreader_in_use
from ridgewalk.engine.cluster.spread import Spreader
from ridgewalk.engine.job import Fits, Job, Keep, joined, thread_count
from ridgewalk.engine.progress import Progress

Engine = Literal["compiled", "reference"]

_ENGINES = {"compiled": compiled.train, "reference": reference.train}
# Guesses for the time left: multiplications a second while training, passes over the rows in an epoch, and the seconds
# that an epoch takes however small it is.
_TRAINING_RATE, _PASSES, _EPOCH_SECONDS = 5e10, 3, 3e-6


def train(job: Job, n_jobs: int = 1, progress: Progress | None = None, engine: Engine = "compiled") -> Fits:
    """Train every run of a job.

    Parameters
    ----------
    job : Job
    n_jobs : int
        Number of threads; -1 is one per core. Results are bitwise independent of it.
    progress : Progress, optional
        Counts finished epochs x runs, and stops the training on request.
    engine : "compiled" or "reference"
        C++ kernels, or the readable NumPy engine; their results agree, and ``Fits.engine`` names the one used.

    Raises
    ------
    StoppedError
        If the training was stopped; finished runs are in ``progress.finished``.
    ValueError
        If n_jobs is 0, or the engine is unknown.
    MemoryError
        If the job needs more memory than there is.
    """
    check_engine(engine)
    return _ENGINES[engine](job, n_jobs, progress)


def check_engine(engine: str) -> None:
    """Check that there is such an engine.

    Raises
    ------
    ValueError
        If there is not.
    """
    if engine not in _ENGINES:
        raise ValueError(f"engine is one of {', '.join(_ENGINES)}, got {engine!r}.")


def epoch_seconds(job: Job) -> float:
    """Guess the seconds that one run's epoch takes on one core of a usual machine."""
    return seconds_of_epoch(len(job.target) * job.network.multiplications)


def seconds_of_epoch(multiplications: int) -> float:
    """Guess the seconds of an epoch, from the multiplications of one prediction of all rows."""
    return _EPOCH_SECONDS + _PASSES * multiplications / _TRAINING_RATE


@dataclass(frozen=True, eq=False)
class Runner:
    """Trains jobs with an engine, on threads of this process or on workers.

    Attributes
    ----------
    engine : "compiled" or "reference"
    n_jobs : int
        Number of threads; -1 is one per core.
    progress : Progress
        Can be polled, and stopped, from another thread.
    checkpoints : CheckpointStore or None
        Stores finished runs, which are then not trained again.
    spreader : Spreader or None
        Distributes jobs over processes and machines; by default over the chosen workers
        (:mod:`ridgewalk.engine.cluster.chosen`), and None to train in this process. Results do not depend on it.
    """

    engine: Engine = "compiled"
    n_jobs: int = 1
    progress: Progress = field(default_factory=Progress)
    checkpoints: CheckpointStore | None = None
    spreader: Spreader | None = field(default_factory=spreader_in_use)

    def __post_init__(self) -> None:
        check_engine(self.engine)
        thread_count(self.n_jobs)

    @property
    def threads(self) -> int:
        """Number of threads in this process, at least 1; inside of a cluster's worker 1, the slot that it was given."""
        return 1 if inside_worker() else thread_count(self.n_jobs)

    @property
    def at_once(self) -> int:
        """How many runs are trained at the same time, here or elsewhere."""
        return self.threads if self.spreader is None else self.spreader.workers.capacity

    def train(self, job: Job, share: float = 1.0) -> Fits:
        """Train every run of a job (:func:`train`), and count its work in guessed seconds.

        Runs that the checkpoints hold are not trained again, and what finishes is kept there.

        Parameters
        ----------
        job : Job
        share : float
            Of the time that an epoch of such a network usually takes, as a guess.

        Raises
        ------
        ValueError
            If the reference engine is to keep checkpoints: it trains stacks of runs, and the last bits of a run may
            depend on its stack.
        OSError
            If finished runs cannot be kept.
        """
        unit = share * epoch_seconds(job)
        with self.progress.task(job.work * unit, unit):
            if self.checkpoints is None:
                return self._trained(job, unit)
            if self.engine != "compiled":
                raise ValueError(
                    f'Only engine="compiled" keeps finished runs, got {self.engine!r}: leave the checkpoints out.'
                )
            return self._continued(job, self.checkpoints, unit)

    def _trained(self, job: Job, unit: float, keep: Keep | None = None) -> Fits:
        """Train a job here, or spread it: not a small one, nor by the engine to read."""
        if keep is None and (self.spreader is None or self.engine != "compiled"):
            return train(job, self.threads, self.progress, self.engine)
        if self.spreader is None:
            return compiled.train(job, self.threads, self.progress, keep)
        seconds = job.work * unit
        if not self.spreader.spreads(seconds):
            return compiled.train(job, self.threads, self.progress, keep, self.spreader.workers.level)
        return self.spreader.train(job, self.progress, seconds, keep)

    @contextmanager
    def expecting(self, *jobs: Job) -> Iterator[None]:
        """Expect some jobs while the block runs, so that the time left counts them before they begin."""
        with self.progress.task(sum(job.work * epoch_seconds(job) for job in jobs)):
            yield

    def _continued(self, job: Job, checkpoints: CheckpointStore, unit: float) -> Fits:
        """Train the runs of a job that are not in the checkpoints."""
        if self.spreader is not None:
            checkpoints = checkpoints.at(self.spreader.workers.level)
        digests = checkpoints.digests(job)
        found, known = checkpoints.find(job, digests)
        missing = np.setdiff1d(np.arange(job.runs), found)
        rest = job.part(missing)
        self.progress.skip(job.work - rest.work)
        if not missing.size:
            return known
        with checkpoints.reserve(rest, [digests[run] for run in missing]) as keep:
            trained = self._trained(rest, unit, keep)
        return joined([known, trained], np.concatenate([found, missing]))
