"""Laws of fits on a cluster of Dask's: processes of this machine, with the bits of one, whatever becomes of them."""

import hashlib
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from amounts import WHOLE, long
from clusters import FEW, FITS, X, Y, chains_under_way, cluster, content, path, started, until
from ridgewalk import MLPRegressorCV
from ridgewalk.engine import Runner, compiled
from ridgewalk.engine.checkpoints import RunDigests
from ridgewalk.engine.cluster import spread, workers
from ridgewalk.engine.cluster.chosen import spreader_in_use
from ridgewalk.engine.cluster.lately import digests_here
from ridgewalk.engine.cluster.layout import names_in
from ridgewalk.engine.job import Fits, Job
from ridgewalk.engine.progress import StoppedError
from test_cluster import assert_same, long_job

pytest.importorskip("distributed")
pytestmark = pytest.mark.usefixtures("small_jobs_are_spread")


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


def _note_chains(begun: str, last: str) -> None:
    """Let a worker note each chain that it begins; the first of all workers to finish one is killed at once."""
    from ridgewalk.engine.cluster import dask_client

    module: Any = dask_client
    train, leave = module.run_chain, module.leave_here

    def run_chain(message: bytes, *more: Any) -> Any:
        with Path(begun).open("ab") as log:
            log.write(hashlib.sha256(message).hexdigest().encode() + b"\n")
        return train(message, *more)

    def leave_here(*answer: Any) -> None:
        leave(*answer)
        try:
            Path(last).touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)

    module.run_chain, module.leave_here = run_chain, leave_here


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
        until(lambda: not any(client.run(chains_under_way).values()))  # what they train would go on for an hour
        with sampled(list(client.run(os.getpid).values())) as running:
            many = FEW | {"max_iter": 4_000 if WHOLE else 40}
            grid = {"l1_ratio": [0.2, 0.8]}
            search = GridSearchCV(MLPRegressorCV((8,), n_jobs=-1, **many), grid, cv=2, n_jobs=2).fit(X, Y)
        assert client.submit(_threads_inside).result() == (1, None)  # whatever n_jobs says: a task has one core
        if WHOLE:  # where nothing else runs beside it; threads that wait for a core count as running
            assert sum(running) / len(running) <= 1.1 * 2
    for name in names:
        assert content(FITS[name](), tmp_path) == found[name], name
    assert elsewhere == found["path"]
    alone = GridSearchCV(MLPRegressorCV((8,), **many), grid, cv=2).fit(X, Y)
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
@pytest.mark.filterwarnings("default")
def test_what_a_worker_of_dask_had_finished_when_it_was_killed_is_not_lost(tmp_path: Path) -> None:
    job, begun, last = long_job(epochs=500), tmp_path / "begun", tmp_path / "last"
    with cluster() as client:
        client.run(_note_chains, str(begun), str(last))
        fits = Runner().train(job)
        spreader: Any = spreader_in_use()
        assert not names_in(spreader.workers._session.folder / "finished")  # nothing stays behind
    assert last.exists()
    chains = begun.read_text().split()
    assert len(set(chains)) > 1
    assert len(chains) == len(set(chains))
    assert_same(fits, Runner(spreader=None).train(job))


@long
@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("count", [1, 4])
def test_fits_on_one_and_four_processes_of_dask_have_the_bits_of_one(tmp_path: Path, count: int) -> None:
    names = list(FITS) if WHOLE else ["path"]
    with cluster(count):
        found = {name: content(FITS[name](), tmp_path) for name in names}
    for name in names:
        assert content(FITS[name](), tmp_path) == found[name], name


@contextmanager
def training(job: Job) -> Iterator[list[Fits]]:
    """Train a job on a thread while the block runs, which ends with the job."""
    came: list[Fits] = []
    thread = threading.Thread(target=lambda: came.append(Runner(spreader=spreader).train(job)))
    spreader = spreader_in_use()
    thread.start()
    yield came
    thread.join(120)
    assert not thread.is_alive()


@long
@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_hung_worker_of_dask_is_not_waited_for_and_a_late_one_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "_LATE", 1.0)
    monkeypatch.setattr(spread, "_LATE_GUESSED", 2.0)
    job = long_job(epochs=2_000)
    with cluster(1) as client:
        hung = client.run(os.getpid)
        (process,) = hung.values()
        with training(job) as came:
            until(lambda: any(client.run(chains_under_way).values()))
            os.kill(process, signal.SIGSTOP)
            client.cluster.scale(2)
        os.kill(process, signal.SIGCONT)
        (late,) = set(client.run(os.getpid)) - set(hung)
        assert client.run(digests_here, workers=[late])[late]
    assert_same(came[0], Runner(spreader=None).train(job))


def _never_ends() -> None:
    """Let a worker train a chain for ever, until nobody wants it; its heartbeats go on."""
    from ridgewalk.engine.cluster import dask_client

    def run_chain(*given: Any) -> Any:
        *_, stopped = given
        while not stopped():
            time.sleep(0.02)
        raise StoppedError

    vars(dask_client)["run_chain"] = run_chain


@long
@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_chain_that_takes_far_longer_goes_to_another_worker_of_dask_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "_LATE", 1.0)
    job = long_job()
    with cluster() as client:
        slow = next(iter(client.run(os.getpid)))
        client.run(_never_ends, workers=[slow])
        fits = Runner().train(job)
        until(lambda: not any(client.run(chains_under_way).values()))  # whose answer would come second
    assert_same(fits, Runner(spreader=None).train(job))


@long
@pytest.mark.slow
def test_a_cluster_of_dask_without_workers_is_waited_for_and_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_PATIENCE", 0.3)
    job = long_job(epochs=500)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with cluster(0) as client:
            starting = threading.Timer(2.0, client.cluster.scale, (1,))
            starting.start()
            assert_same(Runner().train(job), Runner(spreader=None).train(job))
            starting.join()
            before = _sentences(caught)
            client.cluster.scale(0)
            until(lambda: not client.nthreads())
            with training(replace(job, epochs=501)) as came:
                until(lambda: len(_sentences(caught)) > len(before))
                client.cluster.scale(1)
    assert len(before) == 1
    assert "dask worker tcp://" in before[0]
    assert_same(came[0], Runner(spreader=None).train(replace(job, epochs=501)))


@long
@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_cluster_of_dask_that_grows_with_its_work_begins_its_first_worker() -> None:
    job = long_job(epochs=500)
    with cluster(0) as client:
        client.cluster.adapt(minimum=0, maximum=2)
        assert_same(Runner().train(job), Runner(spreader=None).train(job))


def _sentences(caught: list[warnings.WarningMessage]) -> list[str]:
    """Return what was said of a cluster without workers."""
    return [str(each.message) for each in caught if "No worker of the Dask cluster" in str(each.message)]


_KILLED = """
import sys, time
import joblib
from distributed import Client
from ridgewalk.engine import Runner
from ridgewalk.engine.cluster import dask_client, spread
from test_cluster import long_job

def nothing(self, seconds):  # what finishes is not taken
    time.sleep(seconds)
    return []

dask_client.DaskWorkers.answers = nothing
spread.SMALL = 0.0
with Client(sys.argv[1]), joblib.parallel_config(backend="dask"):
    Runner().train(long_job(epochs=300))
"""


@long
@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_what_finished_for_a_driver_that_was_killed_is_found_by_the_next() -> None:
    job = long_job(epochs=300)
    with cluster() as client:
        with started([sys.executable, "-c", _KILLED, client.scheduler.address]):  # and killed
            until(lambda: sum(map(len, client.run(digests_here).values())) == job.runs)
        spreader = spreader_in_use()
        assert spreader is not None
        assert spreader.workers.kept is not None
        found, fits = spreader.workers.kept.find(job, RunDigests(spreader.workers.level).of_runs(job))
    np.testing.assert_array_equal(found, np.arange(job.runs))
    assert_same(fits, Runner(spreader=None).train(job))


@pytest.mark.slow
def test_fits_in_processes_of_joblib_have_the_bits_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with joblib.parallel_config(backend="loky", n_jobs=2), monkeypatch.context() as patch:
        patch.setattr(compiled, "train", _nobody)
        found = content(path(), tmp_path)
    assert found == content(path(), tmp_path)
