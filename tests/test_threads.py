"""Laws of the engine's threads: a fault in any of them reaches the caller, and fewer of them change nothing."""

import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from ridgewalk import MLPRegressorCV
from ridgewalk.engine import compiled, native, reference
from ridgewalk.engine.progress import Progress, StoppedError
from ridgewalk.layers import Dense, ReLU, Tanh
from ridgewalk.losses import CrossEntropy
from ridgewalk.optimizers import Adam
from ridgewalk.threads import for_each, started
from test_compiled import assert_same_bits, make_job

FAULTS: Any = native.load()[1]  # which has its ways to fail only if it was built with them
needs_faults = pytest.mark.skipif(
    not hasattr(FAULTS, "fail_allocation"), reason="the engine was built without RIDGEWALK_FAULTS"
)


def sparse(job: Any, share: Any = 0.1, empty: Any = 100) -> Any:
    """Take most entries of x away, and all of its first rows."""
    x = np.where(np.random.default_rng(9).uniform(size=job.x.shape) < share, job.x, 0.0)
    x[:empty] = 0
    return replace(job, x=csr_array(x), folds=tuple(replace(f, center=0 * f.center) for f in job.folds))


SMALL, WIDE = (Dense(6, 5), Tanh(), Dense(5, 3)), (Dense(90, 190), ReLU(), Dense(190, 3))
JOBS = {
    "several runs": (make_job(SMALL, CrossEntropy(), Adam(0.01), "L1", np.float32, 150, epochs=2), 3),
    "several runs, minibatch": (
        make_job(SMALL, CrossEntropy(), Adam(0.01), "group over inputs", np.float32, 150, batch_size=64, epochs=1),
        3,
    ),
    "a crew": (make_job(WIDE, CrossEntropy(), Adam(0.01), "none", np.float32, 700, 1, epochs=1), 3),
    "a crew, minibatch": (
        make_job(WIDE, CrossEntropy(), Adam(0.01), "none", np.float32, 700, 1, batch_size=128, epochs=1),
        3,
    ),
    "two crews, history": (
        make_job(WIDE, None, Adam(0.01), "none", np.float64, 700, 2, batch_size=300, epochs=1, record_every=1),
        4,
    ),
}
JOBS |= {f"{name}, sparse": (sparse(job), threads) for name, (job, threads) in JOBS.items()}


@pytest.fixture(params=JOBS, name="case")
def _case(request: pytest.FixtureRequest) -> Any:
    return JOBS[request.param]


@pytest.fixture
def disarmed() -> Iterator[Any]:
    yield
    FAULTS.disarm()


def outcome(job: Any, threads: Any, whole: Any) -> Any:
    """Train; return whether it was refused for memory. A result has the bits of the whole."""
    try:
        fits = compiled.train(job, threads)
    except MemoryError:
        return True
    assert_same_bits(fits, whole)
    return False


@needs_faults
@pytest.mark.usefixtures("disarmed")
def test_any_allocation_may_fail(case: Any) -> None:
    job, threads = case
    whole, refused = compiled.train(job, threads), 0
    for n in itertools.count(1):
        FAULTS.fail_allocation(n)
        refused += outcome(job, threads, whole)
        if not FAULTS.disarm():
            break
    assert refused > 20
    FAULTS.fail_allocation(20)
    with pytest.raises(MemoryError, match=f"The memory ran out .* fewer threads .n_jobs is {threads}., float32, or"):
        compiled.train(job, threads)
    assert_same_bits(compiled.train(job, threads), whole)


@needs_faults
@pytest.mark.usefixtures("disarmed")
@pytest.mark.parametrize("count", [1, 1000])
def test_any_thread_may_fail_to_start(case: Any, count: Any) -> None:
    job, threads = case
    whole = compiled.train(job, threads)
    for n in itertools.count(1):
        FAULTS.fail_threads(n, count)
        assert not outcome(job, threads, whole)
        if not FAULTS.disarm():
            break
    assert n == threads + 1


@needs_faults
@pytest.mark.usefixtures("disarmed")
def test_without_any_thread_memory_may_run_out_too(case: Any) -> None:
    job, threads = case
    whole, refused = compiled.train(job, threads), 0
    for n in itertools.count(1, 7):
        FAULTS.fail_threads(1, 1000)
        FAULTS.fail_allocation(n)
        try:
            assert_same_bits(compiled.train(job, threads), whole)
            break
        except MemoryError:
            refused += 1
    assert refused > 3


@needs_faults
@pytest.mark.usefixtures("disarmed")
def test_without_any_thread_the_watch_still_counts_and_stops() -> None:
    job = make_job(rows=300, epochs=10**7, runs=1)
    progress, seen = Progress(), []
    FAULTS.fail_threads(1, 1000)

    def stop() -> None:
        while not progress.done:
            time.sleep(0.01)
        seen.append(progress.done)
        progress.stop = True

    stopper = started(stop)
    with pytest.raises(StoppedError):
        compiled.train(job, progress=progress)
    assert stopper is not None
    stopper.join()
    assert 0 < seen[0] < 10**7


@needs_faults
@pytest.mark.usefixtures("disarmed")
def test_what_had_finished_before_the_memory_ran_out_is_kept() -> None:
    job, _ = JOBS["several runs"]
    kept: dict[Any, Any] = {}
    whole = compiled.train(job)
    for n in itertools.count(1):
        FAULTS.fail_allocation(n)
        progress = Progress()
        try:
            compiled.train(job, 1, progress, lambda runs, fits: kept.update(zip(runs, fits.data_loss, strict=True)))
            break
        except MemoryError:
            assert set(progress.finished_runs) <= set(kept)
            for run, loss in kept.items():
                assert loss == whole.data_loss[run]
    assert set(kept) == {0, 1, 2}


def none_more(monkeypatch: pytest.MonkeyPatch, after: Any = 0) -> None:
    """Let threads of Python be had no more, after so many."""
    left, start = [after], threading.Thread.start

    def scarce(self: Any) -> None:
        if not left[0]:
            raise RuntimeError("can't start new thread")
        left[0] -= 1
        start(self)

    monkeypatch.setattr(threading.Thread, "start", scarce)


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_fewer_threads_of_python_are_no_error(
    after: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job = make_job(runs=3, fold=np.arange(3), folds=make_job().folds * 3)
    whole = reference.train(job, 3)
    x = np.random.default_rng(0).normal(size=(60, 3))
    path = MLPRegressorCV((), alphas=3, cv=2, random_state=0).fit(x, x[:, 0]).path_
    none_more(monkeypatch, after)
    assert_same_bits(reference.train(job, 3), whole)
    again = MLPRegressorCV((), alphas=3, cv=2, random_state=0, n_jobs=3, verbose=True).fit(x, x[:, 0]).path_
    np.testing.assert_array_equal(again.parameters[0], path.parameters[0])
    assert "rror" not in capsys.readouterr().err


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_item_is_worked_on_once(threads: Any) -> None:
    done: list[int] = []
    for_each(done.append, range(20), threads)
    assert sorted(done) == list(range(20))
    for_each(done.append, [], threads)
    assert len(done) == 20


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("error", [IndexError, KeyboardInterrupt])
def test_the_first_exception_comes_out_and_stops_the_others(threads: Any, error: Any) -> None:
    done, stopped = [], threading.Event()

    def work(item: Any) -> None:
        if item == 3:
            raise error("three")
        done.append(item)
        time.sleep(0.001)

    with pytest.raises(error, match="three"):
        for_each(work, range(1000), threads, stopped.set)
    assert stopped.is_set()
    assert len(done) < 100


_ENDING = """
import sys, threading, time
import numpy as np
from ridgewalk import MLPClassifierCV, MLPRegressor, MLPRegressorCV
rng = np.random.default_rng(0)
x = rng.normal(size=(300, 5))
y = x[:, 0]
fits = {
    "compiled": lambda: MLPRegressor((30,), max_iter=10**5, tol=0, n_iter_no_change=10**5).fit(x, y),
    "two threads": lambda: MLPRegressor((300,), max_iter=10**5, batch_size=256, n_jobs=2, n_seeds=2).fit(x, y),
    "reference": lambda: MLPRegressor((30,), max_iter=10**5, engine="reference", tol=0).fit(x, y),
    "lbfgs": lambda: MLPRegressor((30,), max_iter=10**5, solver="lbfgs", tol=0).fit(x, y),
    "path": lambda: MLPClassifierCV((8,), alphas=8, cv=2, max_iter=10**5, n_jobs=2).fit(x, y > 0),
    "linear, again and again": lambda: [MLPRegressorCV((), alphas=5, cv=2, n_jobs=2).fit(x, y) for _ in range(10**6)],
    "again and again": lambda: [MLPRegressor((3,), max_iter=2, alpha=0, tol=0).fit(x, y) for _ in range(10**6)],
}
import warnings
warnings.simplefilter("ignore")
for name in sys.argv[2].split("; "):
    threading.Thread(target=fits[name], daemon=True).start()
time.sleep(float(sys.argv[3]))
if sys.argv[1] == "raise":
    raise ZeroDivisionError
sys.exit(int(sys.argv[1]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "fits"),
    [
        ("0", "compiled; compiled; again and again"),
        ("3", "two threads; path"),
        ("raise", "reference; reference"),
        ("5", "lbfgs; linear, again and again; again and again"),
    ],
)
def test_running_fits_end_quietly_with_the_interpreter(how: Any, fits: Any) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _ENDING, how, fits, "0.4"], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == (1 if how == "raise" else int(how)), ran.stderr
    said = ran.stderr.splitlines()
    assert (said[-1:] == ["ZeroDivisionError"] and len(said) <= 4) if how == "raise" else not said, ran.stderr


_BITS = """
import warnings
import numpy as np
from threadpoolctl import threadpool_info
from ridgewalk import MLPClassifier, MLPRegressorCV
warnings.simplefilter("ignore")
x = np.random.default_rng(0).normal(size=(500, 120))
y = x[:, 0] + np.random.default_rng(1).normal(size=500)
print(max(each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"))
for model, target in (
    (MLPRegressorCV((), alphas=3, cv=2), y),
    (MLPRegressorCV((20,), alphas=2, cv=2, max_iter=5, engine="reference"), y),
    (MLPClassifier((20,), max_iter=5, solver="lbfgs"), y > 0),
):
    fitted = model.set_params(random_state=0).fit(x, target)
    print(b"".join(w.tobytes() for w in fitted.model_.parameters).hex())
"""


@pytest.mark.slow
def test_no_fit_depends_on_the_threads_of_blas() -> None:
    one, two = (
        subprocess.run(
            [sys.executable, "-c", _BITS],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads}, capture_output=True, text=True, check=True,
        ).stdout.split()
        for threads in "12"
    )  # fmt: skip
    if one[0] == two[0]:
        pytest.skip("there is one core, or a BLAS of another maker")
    assert one[1:] == two[1:]
