"""One seam, one function: ``train(job) -> Fits``, by the compiled engine or by the one to read."""

from __future__ import annotations

import numpy as np

from ridgewalk.engine import compiled, reference
from ridgewalk.engine.job import Fits, Job, joined
from ridgewalk.engine.record import Record
from ridgewalk.engine.watch import Watch
from ridgewalk.route import Engine

_ENGINES = {"compiled": compiled.train, "reference": reference.train}


def train(job: Job, n_jobs: int = 1, watch: Watch | None = None, engine: Engine = "compiled") -> Fits:
    """Train every run of a job.

    Parameters
    ----------
    job : Job
    n_jobs : int
        Threads; -1 is one per core. The numbers do not depend on it, to the bit.
    watch : Watch, optional
        Counts finished epochs x runs, and stops the training when told to. Runs that its ``record`` holds are not
        trained again, and what finishes is kept there.
    engine : "compiled" or "reference"
        C++ kernels, or NumPy that reads like the formulas; their answers agree, and ``Fits.engine`` says which ran.

    Raises
    ------
    StoppedError
        If the watch said stop; the runs that were finished are in ``watch.finished``.
    ValueError
        If n_jobs is 0; if the reference engine is to keep a record: it trains stacks of runs,
        and the last bits of a run may depend on its stack.
    OSError
        If finished runs cannot be kept.
    MemoryError
        If the job needs more memory than there is.
    """
    if engine not in _ENGINES:
        raise ValueError(f"engine is one of {', '.join(_ENGINES)}, got {engine!r}.")
    if watch is None or watch.record is None:
        return _ENGINES[engine](job, n_jobs, watch)
    if engine != "compiled":
        raise ValueError(f'Only engine="compiled" keeps finished runs, got {engine!r}: leave the record out.')
    return _continued(job, n_jobs, watch, watch.record)


def _continued(job: Job, n_jobs: int, watch: Watch, record: Record) -> Fits:
    """Train those runs of a job that the record does not hold."""
    digests = record.digests(job)
    found, known = record.find(job, digests)
    missing = np.setdiff1d(np.arange(job.runs), found)
    rest = job.part(missing)
    watch.expect(-(job.work - rest.work))  # what is left to do, so that the time left is right
    if not missing.size:
        return known
    with record.room(rest, [digests[run] for run in missing]) as keep:
        trained = compiled.train(rest, n_jobs, watch, keep)
    return joined([known, trained], np.concatenate([found, missing]))
