"""The driver: sends a job in chains to workers, repeats lost ones, and collects the results."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from ridgewalk.arrays import Integers
from ridgewalk.engine import compiled, native
from ridgewalk.engine.checkpoints import RunDigests, fits_of, is_whole, row_type
from ridgewalk.engine.cluster.chains import cut
from ridgewalk.engine.cluster.messages import Packer
from ridgewalk.engine.cluster.workers import Answer, Chain, LostError, Patience, Workers
from ridgewalk.engine.job import Fits, Job, Keep, joined
from ridgewalk.engine.progress import Progress, StoppedError

SMALL = 0.1
"""Guessed seconds of a job that the driver trains itself: to send it away would take as long."""
_LOOK = 0.1  # seconds between two looks at whether to stop
_THERE = 1.0  # seconds without an answer between two looks at whether a worker is there
_LATE, _LATE_TIMES = 20.0, 4.0  # seconds, and times the longest chain, after which one is given to another worker, too
_LATE_GUESSED = 60.0  # seconds, and as many times what was guessed, where no chain has come yet
_MOST_LOSSES = 10  # of workers in a row, none of which has finished a chain


class Spreader:
    """Trains jobs on workers.

    Parameters
    ----------
    workers : Workers
    """

    def __init__(self, workers: Workers) -> None:
        self.workers = workers
        self._digests = RunDigests(workers.level)
        self._packer = Packer(self._digests, workers.put, workers.drop)

    def spreads(self, seconds: float) -> bool:
        """Return whether a job that takes so many seconds, as a guess, is worth sending away."""
        return seconds >= SMALL

    def train(self, job: Job, progress: Progress, seconds: float, keep: Keep | None = None) -> Fits:
        """Train every run of a job, to the bits of one thread.

        Parameters
        ----------
        job : Job
        progress : Progress
            Counts the epochs of finished chains, and stops the workers when told to.
        seconds : float
            A guess of what it takes on one core.
        keep : function, optional
            Takes the runs of each chain as they come.

        Raises
        ------
        StoppedError
            If the progress said stop; the runs that were finished are in ``progress.finished``.
        NotImplementedError
            If the compiled engine cannot train the job.
        RuntimeError
            If workers are lost again and again.
        """
        compiled.check_supported(job)
        if progress.stop:
            raise StoppedError
        digests = self._digests.of_runs(job)
        sent = _Sent(job, digests, native.engine_name(self.workers.level))
        if self.workers.kept is not None:
            runs, fits = self.workers.kept.find(job, digests)
            sent.add(runs, fits)
            progress.add(job.work / job.runs * len(runs))
            if keep and runs.size:
                keep(runs, fits)
        try:
            self._train(sent, progress, seconds, keep)
            if sent.fits.history:
                progress.histories.append(sent.fits.history)
        except BaseException:
            self.workers.stop()
            sent.leave(progress)
            raise
        finally:
            self._packer.release()
        return sent.fits

    def _train(self, sent: _Sent, progress: Progress, seconds: float, keep: Keep | None) -> None:
        """Send what is missing in chains, and wait for all of it."""
        job, workers = sent.job, self.workers
        missing = np.setdiff1d(np.arange(job.runs), sent.found)
        if not missing.size:
            return
        share = seconds / job.runs
        chains: list[Chain] = []
        for runs in cut(job, missing, workers.capacity, share * len(missing)):
            if progress.stop:
                raise StoppedError
            chains.append(self._packer.pack(job.part(runs), [sent.digests[run] for run in runs]))
            sent.waiting[chains[-1].name] = runs
        by_name = {chain.name: chain for chain in chains}
        workers.send(list(by_name.values()))
        watch = _Watch(share * max(len(runs) for runs in sent.waiting.values()))
        while sent.waiting:
            if progress.stop:
                raise StoppedError
            try:
                for answer in workers.answers(_LOOK):
                    runs = sent.take(answer)
                    if runs.size:
                        watch.come(answer.seconds)
                        progress.add(job.work / job.runs * len(runs))
                        if keep:
                            keep(runs, sent.parts[-1])
            except LostError as problem:
                watch.lose(problem)
                workers.send([by_name[name] for name in sent.waiting])
            watch.look(workers)
            if workers.doubles and not watch.patience.waits and watch.late():
                workers.send([by_name[name] for name in sent.waiting])


@dataclass
class _Sent:
    """A job on its way: what of it has come, and what is waited for."""

    job: Job
    digests: list[str]
    engine: str
    runs: list[Integers] = field(default_factory=list)
    parts: list[Fits] = field(default_factory=list)
    waiting: dict[str, Integers] = field(default_factory=dict)

    @property
    def found(self) -> Integers:
        """Numbers of the runs that have come, in the order of their parts."""
        return np.concatenate([np.empty(0, dtype=np.int64), *self.runs])

    @property
    def fits(self) -> Fits:
        """All that have come, rising."""
        return joined(self.parts, self.found)

    def add(self, runs: Integers, fits: Fits) -> None:
        """Keep some runs."""
        if runs.size:
            self.runs.append(runs)
            self.parts.append(fits)

    def take(self, answer: Answer) -> Integers:
        """Keep what a chain came to, unless it came twice; return the numbers of its runs.

        Raises
        ------
        LostError
            If it was damaged on its way.
        """
        if answer.name not in self.waiting:
            return np.empty(0, dtype=np.int64)
        runs, row = self.waiting[answer.name], row_type(self.job)
        rows = np.frombuffer(answer.rows, row) if len(answer.rows) == len(runs) * row.itemsize else np.empty(0, row)
        if len(rows) != len(runs) or not all(
            is_whole(each, self.digests[run]) for each, run in zip(rows, runs, strict=True)
        ):
            raise LostError("what a worker sent was damaged on its way")
        del self.waiting[answer.name]
        self.add(runs, fits_of(rows, self.job, self.engine))
        return runs

    def leave(self, progress: Progress) -> None:
        """Leave what has come to the progress."""
        if self.parts:
            progress.finished_runs, progress.finished = np.sort(self.found), self.fits


@dataclass
class _Watch:
    """How long chains take, and how often workers went away."""

    guessed: float
    longest: float = 0.0
    doubled: int = 0
    since: float = field(default_factory=time.monotonic)
    looked: float = field(default_factory=time.monotonic)
    losses: int = 0
    patience: Patience = field(default_factory=Patience)

    def come(self, seconds: float) -> None:
        """Note that a chain has come, which took so long."""
        self.since = self.looked = time.monotonic()
        self.longest, self.losses, self.doubled = max(self.longest, seconds), 0, 0
        self.patience.look("")

    def look(self, workers: Workers) -> None:
        """Look whether any worker is there, where no chain has come for a while; warn if none is."""
        if time.monotonic() - self.looked >= _THERE:
            self.patience.look(workers.lacking)
            self.looked = time.monotonic()

    def lose(self, problem: LostError) -> None:
        """Note that workers went away.

        Raises
        ------
        RuntimeError
            If that happens again and again.
        """
        self.losses += 1
        if self.losses > _MOST_LOSSES:
            raise RuntimeError(
                f"Workers were lost {self.losses} times in a row ({problem}), and no chain came meanwhile: look at "
                "what they wrote, and at their memory."
            ) from problem

    def late(self) -> bool:
        """Return whether nothing has come for so long that a worker may hang; then begins to wait twice as long."""
        unknown = _LATE_GUESSED * max(1.0, self.guessed)
        limit = max(_LATE, _LATE_TIMES * self.longest) if self.longest else unknown
        if time.monotonic() - self.since < limit * 2**self.doubled:
            return False
        self.since = time.monotonic()
        self.doubled += 1
        return True
