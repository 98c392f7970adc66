"""One seam, one function: ``train(job) -> Fits``, by the compiled engine or by the one to read."""

from __future__ import annotations

from ridgewalk.engine import compiled, reference
from ridgewalk.engine.job import Fits, Job, Watch
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
        Counts finished epochs x runs, and stops the training when told to.
    engine : "compiled" or "reference"
        C++ kernels, or NumPy that reads like the formulas; their answers agree, and ``Fits.engine`` says which ran.

    Raises
    ------
    StoppedError
        If the watch said stop; the runs that were finished are in ``watch.finished``.
    ValueError
        If n_jobs is neither -1 nor at least 1.
    MemoryError
        If the job needs more memory than there is.
    """
    if engine not in _ENGINES:
        raise ValueError(f"engine is one of {', '.join(_ENGINES)}, got {engine!r}.")
    return _ENGINES[engine](job, n_jobs, watch)
