"""Laws of fits on a cluster of Dask's: two processes of this machine, with the bits of one."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from amounts import WHOLE
from clusters import FEW, FITS, X, Y, content, path
from ridgewalk import MLPRegressorCV
from ridgewalk.engine import Runner, compiled
from ridgewalk.engine.cluster import spread
from ridgewalk.engine.cluster.chosen import spreader_in_use
from ridgewalk.engine.progress import StoppedError
from test_cluster import assert_same, long_job

distributed = pytest.importorskip("distributed")


@pytest.fixture(autouse=True)
def small_jobs_are_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send away what a driver would train itself."""
    monkeypatch.setattr(spread, "SMALL", 0.0)


@contextmanager
def cluster(count: int = 2) -> Iterator[Any]:
    """Start a cluster of so many processes, which ends with the block."""
    with (
        distributed.LocalCluster(
            n_workers=count, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as local,
        distributed.Client(local) as client,
        joblib.parallel_config(backend="dask"),
    ):
        yield client


@contextmanager
def sampled(processes: list[int]) -> Iterator[list[int]]:
    """Count the threads of some processes that run, every 50 ms."""
    counts: list[int] = []
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(0.05):
            stats = [stat for each in processes for stat in Path(f"/proc/{each}/task").glob("*/stat")]
            counts.append(sum(_runs(stat) for stat in stats))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield counts
    finally:
        ended.set()
        thread.join()


def _threads_inside() -> tuple[int, Any]:
    runner = Runner(n_jobs=-1)
    return runner.threads, runner.spreader


def _runs(stat: Path) -> bool:
    try:
        return stat.read_text().rpartition(")")[2].split()[0] == "R"
    except OSError:  # it has ended
        return False


def _nobody(*_: Any, **__: Any) -> None:
    raise AssertionError("trained by the driver")


def _hide(going: str) -> None:
    """Let a worker look for another file than the driver's, as one on another machine does."""
    from ridgewalk.engine.cluster import here

    here.GOING = going


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # those of the cluster itself
def test_fits_on_two_processes_of_dask_have_the_bits_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = list(FITS) if WHOLE else ["path", "diagnosis"]
    with cluster() as client:
        with monkeypatch.context() as patch:
            patch.setattr(compiled, "train", _nobody)
            found = {name: content(FITS[name](), tmp_path) for name in names}
            spreader = spreader_in_use()
            assert spreader is not None
            assert spreader is spreader_in_use()
            client.run(_hide, "nowhere")
            elsewhere = content(path(), tmp_path)
            client.run(_hide, "going")
        runner = Runner()
        threading.Timer(1.0, setattr, (runner.progress, "stop", True)).start()
        with pytest.raises(StoppedError):
            runner.train(long_job(epochs=10**7))
        stopped = time.monotonic()
        while any(client.processing().values()):
            time.sleep(0.02)
        assert time.monotonic() - stopped < 2
        with sampled(list(client.run(os.getpid).values())) as running:
            long = FEW | {"max_iter": 4_000 if WHOLE else 40}
            grid = {"l1_ratio": [0.2, 0.8]}
            search = GridSearchCV(MLPRegressorCV((8,), n_jobs=-1, **long), grid, cv=2, n_jobs=2).fit(X, Y)
        assert client.submit(_threads_inside).result() == (1, None)  # whatever n_jobs says: a task has one core
        if WHOLE:  # where nothing else runs beside it; threads that wait for a core count as running
            assert sum(running) / len(running) <= 1.1 * 2
    for name in names:
        assert content(FITS[name](), tmp_path) == found[name], name
    assert elsewhere == found["path"]
    alone = GridSearchCV(MLPRegressorCV((8,), **long), grid, cv=2).fit(X, Y)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_worker_of_dask_that_is_killed_is_done_without() -> None:
    job, killed = long_job(), []

    def kill(process: int) -> None:
        os.kill(process, signal.SIGKILL)
        killed.append(process)

    with cluster() as client:
        timer = threading.Timer(0.2, kill, (next(iter(client.run(os.getpid).values())),))
        timer.start()
        fits = Runner().train(job)
        assert killed  # while chains were under way
        timer.join()
    assert_same(fits, Runner(spreader=None).train(job))


@pytest.mark.slow
def test_fits_in_processes_of_joblib_have_the_bits_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with joblib.parallel_config(backend="loky", n_jobs=2), monkeypatch.context() as patch:
        patch.setattr(compiled, "train", _nobody)
        found = content(path(), tmp_path)
    assert found == content(path(), tmp_path)
