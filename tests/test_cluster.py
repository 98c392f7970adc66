"""Laws of jobs that are spread: whoever trains them, and whatever gets lost, the bits are those of one process."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest

from clusters import FITS, content, environment, until, workers
from ridgewalk import cli
from ridgewalk.cluster import shared_folder
from ridgewalk.engine import Runner, native
from ridgewalk.engine.checkpoints import CheckpointStore, RunDigests
from ridgewalk.engine.cluster import spread
from ridgewalk.engine.cluster import workers as workers_module
from ridgewalk.engine.cluster.chains import cut, run_chain
from ridgewalk.engine.cluster.chosen import spreader_in_use
from ridgewalk.engine.cluster.files import ArrayFiles
from ridgewalk.engine.cluster.folder import FolderWorkers
from ridgewalk.engine.cluster.folder_worker import FolderWorker
from ridgewalk.engine.cluster.here import SessionFiles
from ridgewalk.engine.cluster.messages import LARGEST, Packer, columns_of, counts_of, stored_in, unpack
from ridgewalk.engine.cluster.spread import Spreader
from ridgewalk.engine.cluster.workers import Build, LostError, agreed_level, own_build
from ridgewalk.engine.job import EarlyStopping, Fits, Job, Polish
from ridgewalk.engine.progress import StoppedError
from ridgewalk.folds import Fold
from ridgewalk.input_maps import MapRule
from ridgewalk.losses import SquaredError
from ridgewalk.network import multilayer_perceptron
from ridgewalk.optimizers import SGD, AdamW, Steps
from ridgewalk.path.problem import PathProblem
from ridgewalk.penalties import L2, MCP, GroupLasso, Sum
from test_checkpoints import JOBS
from test_engine import INPUTS, ROWS, X, Y, make

pytestmark = pytest.mark.usefixtures("small_jobs_are_spread")

FACTORS = np.where(np.arange(INPUTS) == 1, np.inf, 1.0)[:, None]
WIDE = np.random.default_rng(1).normal(size=(ROWS, 40))


def mapped() -> Any:
    """Make a job whose folds map their columns."""
    rule = MapRule(np.ones(INPUTS, dtype=bool), 3)
    splits = [(np.arange(ROWS // 2), np.arange(ROWS // 2, ROWS))]
    problem = PathProblem.of(X, Y, SquaredError(), splits, maps=rule)
    network = multilayer_perceptron(problem.inputs, (4,), 1)
    start = tuple(np.stack([w, w, w]) for w in network.start("he", 0))
    none = tuple(Sum() for _ in start)
    return make(
        runs=3, network=network, start=start, penalties=none, folds=problem.folds, fold=np.array([0, 1, 1]),
        seeds=np.zeros(3, dtype=int),
    )  # fmt: skip


RECORDED: dict[str, Any] = dict(JOBS)
MADE: dict[str, Any] = {name: lambda given=given: make(runs=12, **given) for name, given in RECORDED.items()} | {
    "maps": mapped,
    "a wide network": lambda: make(runs=4, hidden=(800,), epochs=2),
    "excluded inputs": lambda: make(
        penalties=(Sum((GroupLasso(0.01, factors=FACTORS), L2(0.1))), Sum(), Sum((MCP(1), L2(0.1))), Sum())
    ),
    "another optimizer": lambda: make(optimizer=SGD(0.01, 0.9, nesterov=True, schedule=Steps(10, 0.5))),
    "weights of rows": lambda: make(folds=(Fold.plain(np.linspace(0, 2, ROWS), INPUTS, 1),)),
    "float32 x": lambda: make(x=X.astype(np.float32), optimizer=AdamW(0.01)),
    "early stopping": lambda: make(early_stopping=EarlyStopping(2, watched="objective"), polish=Polish(3)),
}


class Here:
    """Workers that are nobody: arrays in memory, chains trained when they are asked for."""

    doubles = False

    def __init__(self) -> None:
        self.level, _ = native.load()
        self.capacity, self.kept, self.lacking = 4, None, ""
        self.arrays: dict[str, Any] = {}
        self.puts: list[str] = []
        self.chains: list[Any] = []
        self.trained = 0
        self.lose = 0

    def put(self, name: str, array: Any) -> None:
        assert name not in self.arrays
        self.puts.append(name)
        self.arrays[name] = array.copy()

    def drop(self, name: str) -> None:
        del self.arrays[name]

    def send(self, chains: Any) -> None:
        self.chains = list(chains)

    def answers(self, seconds: float) -> Any:
        if self.lose:
            self.lose -= 1
            raise LostError("gone")
        chain = self.chains.pop()
        rows, took = run_chain(chain.message, self.arrays.__getitem__, lambda: False)
        self.trained += 1
        return [workers_module.Answer(chain.name, rows.tobytes(), took)]

    def stop(self) -> None:
        self.chains = []


def assert_same(a: Fits, b: Fits) -> None:
    for field in fields(Fits):
        left, right = getattr(a, field.name), getattr(b, field.name)
        for one, other in zip(left, right, strict=True) if isinstance(left, tuple) else [(left, right)]:
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("job", MADE.values(), ids=MADE.keys())
def test_a_message_says_all_of_a_chain(job: Any) -> None:
    job = job()
    digests, arrays = RunDigests(), dict[str, Any]()
    packer = Packer(digests, arrays.__setitem__, arrays.__delitem__)
    for runs in cut(job, np.arange(job.runs), 2, 10.0):
        part = job.part(runs)
        chain = packer.pack(part, digests.of_runs(part))
        assert len(chain.message) <= LARGEST
        assert set(stored_in(chain.message)) <= set(arrays)
        order = unpack(chain.message, arrays.__getitem__)
        assert RunDigests().of_runs(order.job) == order.digests == digests.of_runs(part)
    packer.release()
    del part, order
    job = None
    assert not arrays or all(name in stored_in(chain.message) for name in arrays)


@pytest.mark.parametrize("job", MADE.values(), ids=MADE.keys())
def test_spread_runs_have_the_bits_of_one_process(job: Any) -> None:
    here = Here()
    assert_same(Runner(spreader=Spreader(here)).train(job()), Runner(spreader=None).train(job()))
    assert here.trained


def test_chains_hold_every_run_once_and_a_training_set_each() -> None:
    job = make(runs=24, fold=np.arange(24) % 3, folds=(Fold.plain(np.ones(ROWS), INPUTS, 1),) * 3)
    for capacity, seconds in ((1, 0.01), (2, 100.0), (50, 100.0)):
        chains = cut(job, np.arange(24), capacity, seconds)
        assert sorted(np.concatenate(chains)) == list(range(24))
        assert all(len(np.unique(job.fold[chain])) == 1 for chain in chains)
        assert len(chains) == 24 if capacity == 50 else len(chains) < 24


def test_a_table_goes_to_the_workers_once() -> None:
    here = Here()
    spreader = Spreader(here)
    job = make(runs=4, x=WIDE, hidden=(3,), network=multilayer_perceptron(40, (3,), 1),
               start=tuple(np.stack([w] * 4) for w in multilayer_perceptron(40, (3,), 1).start("he", 0)),
               penalties=(Sum(),) * 4, folds=(Fold.plain(np.ones(ROWS), 40, 1),))  # fmt: skip
    runner = Runner(spreader=spreader)
    first = runner.train(job)
    puts = list(here.puts)
    assert_same(runner.train(replace(job, epochs=31)), Runner(spreader=None).train(replace(job, epochs=31)))
    some = WIDE[:, [3, 5, 6]]
    smaller = make(runs=4, x=some, network=multilayer_perceptron(3, (3,), 1),
                   start=tuple(np.stack([w] * 4) for w in multilayer_perceptron(3, (3,), 1).start("he", 0)),
                   penalties=(Sum(),) * 4, folds=(Fold.plain(np.ones(ROWS), 3, 1),))  # fmt: skip
    assert_same(runner.train(smaller), Runner(spreader=None).train(smaller))
    assert here.puts == puts  # neither the table again, nor its columns
    assert first.engine.startswith("compiled")


def test_columns_are_recognized_by_their_bits() -> None:
    table = np.random.default_rng(0).normal(size=(100, 5))
    table[:, 4] = table[:, 3]
    table[70, 4] = 9.0
    np.testing.assert_array_equal(columns_of(table, table[:, [1, 3]]), [1, 3])
    assert columns_of(table, table[:, [1]] + 1e-9) is None
    changed = table[:, [2]].copy()
    changed[71] = 0.0
    assert columns_of(table, changed) is None
    zeros = np.zeros((10, 2))
    assert columns_of(zeros, -zeros) is None


def test_row_weights_are_counted_where_they_are_whole() -> None:
    np.testing.assert_array_equal(counts_of(np.array([0.0, 1.0, 255.0])), [0, 1, 255])
    for weights in ([0.5, 1.0], [256.0], [-0.0], [np.nan]):
        assert counts_of(np.array(weights)) is None


def test_lost_chains_are_sent_again_but_not_for_ever() -> None:
    here, job = Here(), make(runs=4)
    here.lose = 3
    assert_same(Runner(spreader=Spreader(here)).train(job), Runner(spreader=None).train(job))
    here = Here()
    here.lose = 1000
    with pytest.raises(RuntimeError, match="11 times in a row"):
        Runner(spreader=Spreader(here)).train(job)


def test_what_was_damaged_on_its_way_is_trained_again() -> None:
    class Damaging(Here):
        def answers(self, seconds: float) -> Any:
            (answer,) = super().answers(seconds)
            spoil = self.trained == 1
            return [replace(answer, rows=answer.rows[:-1] + b"?") if spoil else answer]

    here, job = Damaging(), make(runs=4)
    assert_same(Runner(spreader=Spreader(here)).train(job), Runner(spreader=None).train(job))


def test_what_came_is_kept_and_not_trained_again(tmp_path: Path) -> None:
    class Failing(Here):
        def answers(self, seconds: float) -> Any:
            if self.trained == 2:
                raise MemoryError("no more")
            return super().answers(seconds)

    job, failing, here = make(runs=12, **RECORDED["folds and early stopping"]), Failing(), Here()
    chains = len(cut(job, np.arange(12), 1, 0.0))
    runner = Runner(spreader=Spreader(failing), checkpoints=CheckpointStore(tmp_path))
    with pytest.raises(MemoryError):
        runner.train(job)
    assert runner.progress.finished is not None
    again = Runner(spreader=Spreader(here), checkpoints=CheckpointStore(tmp_path))
    assert_same(again.train(job), Runner(spreader=None).train(job))
    assert here.trained == chains - 2 > 0


def test_a_history_comes_with_its_runs() -> None:
    job = make(runs=12, **RECORDED["folds and early stopping"], record_every=10)
    runner = Runner(spreader=Spreader(Here()))
    spread, alone = runner.train(job).history, Runner(spreader=None).train(job).history
    assert spread is not None
    assert alone is not None
    for field in fields(type(alone)):
        np.testing.assert_array_equal(getattr(spread, field.name), getattr(alone, field.name))
    assert len(runner.progress.histories) == 1


def test_all_workers_use_the_best_instruction_set_that_each_has() -> None:
    own = own_build()
    lowest = next(iter(own.kernels))
    lower = Build(own.version, {lowest: own.kernels[lowest]})
    assert agreed_level({}) == list(own.kernels)[-1]
    assert agreed_level({"a": own, "b": lower}) == lowest
    with pytest.raises(ValueError, match=r"worker b has 9\.9"):
        agreed_level({"worker b": Build("9.9", own.kernels)})
    with pytest.raises(ValueError, match="same compiled engine"):
        agreed_level({"b": Build(own.version, {lowest: "another"})})


def test_a_lower_instruction_set_is_used_where_all_agree_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    here, job = Here(), make(runs=4)
    here.level = native.levels()[0]
    spread = Runner(spreader=Spreader(here)).train(job)
    monkeypatch.setenv(native.VARIABLE, here.level)
    assert_same(spread, Runner(spreader=None).train(job))


def test_arrays_in_files_are_named_by_their_content(tmp_path: Path) -> None:
    files, array = ArrayFiles(tmp_path), np.asfortranarray(np.arange(12.0).reshape(3, 4))
    name = RunDigests().of_array(array).hex()[:32]
    files.put(name, array)
    opened = files.open(name)
    np.testing.assert_array_equal(opened, array)
    assert not opened.flags.writeable
    with (tmp_path / f"{name}.npy").open("r+b") as file:
        file.seek(-8, os.SEEK_END)
        file.write(b"\1" * 8)
    with pytest.raises(LostError, match="damaged"):
        ArrayFiles(tmp_path).open(name)
    files.drop(name)
    with pytest.raises(LostError, match="cannot be read"):
        ArrayFiles(tmp_path).open(name)


def test_the_folder_of_a_driver_that_was_killed_is_removed_by_the_next(tmp_path: Path) -> None:
    living, killed = SessionFiles(tmp_path), SessionFiles(tmp_path)
    for each in (living, killed):
        os.utime(each.folder / "owner", (0, 0))
    killed._owner.close()  # as the system does
    other = tmp_path / "ridgewalk-models"
    other.mkdir()
    SessionFiles(tmp_path)
    assert living.folder.is_dir()
    assert other.is_dir()
    assert not killed.folder.exists()


def test_nobody_spreads_without_being_asked() -> None:
    assert spreader_in_use() is None
    with joblib.parallel_config(n_jobs=2):
        assert spreader_in_use() is None
    for backend in ("threading", "sequential"):
        with joblib.parallel_config(backend=backend, n_jobs=2):
            assert spreader_in_use() is None
    with joblib.parallel_config(backend="loky", n_jobs=1):
        assert spreader_in_use() is None


def test_small_jobs_are_trained_by_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    here, job = Here(), make(runs=4)
    monkeypatch.setattr(spread, "SMALL", 0.1)
    assert_same(Runner(spreader=Spreader(here)).train(job), Runner(spreader=None).train(job))
    assert not here.trained


@contextmanager
def shared_folder_of(folder: Path) -> Iterator[tuple[FolderWorkers, Runner]]:
    """Drive a fit in a folder whose only worker shows life once."""
    with worker_here(folder):
        there = FolderWorkers(folder)
    try:
        yield there, Runner(spreader=Spreader(there))
    finally:
        there.close(whole=True)


@contextmanager
def worker_here(folder: Path, **options: Any) -> Iterator[FolderWorker]:
    """Let a worker of a folder work on a thread."""
    worker = FolderWorker(folder, 1, **options)
    thread = threading.Thread(target=worker.work)
    thread.start()
    try:
        yield worker
    finally:
        worker.end()
        thread.join()


def long_job(runs: int = 6, **changes: Any) -> Job:
    return make(runs=runs, **({"epochs": 4_000, "hidden": (64,)} | changes))


@pytest.mark.slow
def test_fits_on_two_processes_of_a_folder_have_the_bits_of_one(tmp_path: Path) -> None:
    with workers(tmp_path / "shared"), shared_folder(tmp_path / "shared") as described:
        assert described.startswith(("1 worker", "2 worker"))
        found = {name: content(fit(), tmp_path) for name, fit in FITS.items()}
    for name, fit in FITS.items():
        assert content(fit(), tmp_path) == found[name], name
    assert not list((tmp_path / "shared" / "fits").iterdir())  # nothing stays behind


def test_a_folder_has_the_bits_of_one_process(tmp_path: Path) -> None:
    job = make(runs=8)
    with worker_here(tmp_path), shared_folder(tmp_path):
        spread = Runner().train(job)
        assert_same(spread, Runner(spreader=None).train(job))
    assert not list((tmp_path / "fits").iterdir())
    assert not list((tmp_path / "workers").iterdir())


def test_no_message_in_a_folder_is_more_than_text(tmp_path: Path) -> None:
    with worker_here(tmp_path):
        workers_there = FolderWorkers(tmp_path)
        workers_there.stop()
        Runner(spreader=Spreader(workers_there)).train(make(runs=8))
        until(lambda: not list(tmp_path.glob("fits/*/claimed/*")))
        kinds = {file.suffix for file in tmp_path.rglob("*") if file.is_file()}
        workers_there.close(whole=True)
    assert kinds <= {".json", ".npy", ""}


def test_a_worker_of_another_version_refuses(tmp_path: Path) -> None:
    said: list[str] = []
    with worker_here(tmp_path, say=said.append):
        workers_there = FolderWorkers(tmp_path)
        about = workers_there._fit.about
        about.write_text(json.dumps(json.loads(about.read_text()) | {"version": "9.9"}))
        workers_there.send([])
        (workers_there._fit.todo / "1-x.json").write_text("{}")
        until = time.monotonic() + 10
        while not said and time.monotonic() < until:
            time.sleep(0.02)
        assert (workers_there._fit.todo / "1-x.json").exists()
        workers_there.close(whole=True)
    assert "ridgewalk 9.9" in said[0]


def test_a_stop_reaches_a_worker(tmp_path: Path) -> None:
    with worker_here(tmp_path) as worker, shared_folder(tmp_path):
        runner = Runner()
        threading.Timer(0.5, setattr, (runner.progress, "stop", True)).start()
        with pytest.raises(StoppedError):
            runner.train(long_job(epochs=10**7))
        until(lambda: not any(each.thread and each.thread.is_alive() for each in worker._running))


def test_a_hung_worker_is_not_waited_for_and_a_late_one_helps(tmp_path: Path) -> None:
    job, came = long_job(epochs=2_000), list[Fits]()
    with workers(tmp_path, count=1) as (hung,):
        there = FolderWorkers(tmp_path, silence=1.5)
        runner = Runner(spreader=Spreader(there))
        training = threading.Thread(target=lambda: came.append(runner.train(job)))
        training.start()
        while not list(there._fit.claimed.iterdir()):
            time.sleep(0.001)
        os.kill(hung.pid, signal.SIGSTOP)
        with worker_here(tmp_path) as late:
            training.join(60)
            assert late.finished
        there.close(whole=True)
    assert_same(came[0], Runner(spreader=None).train(job))


def test_the_commands_fit_through_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    pd.DataFrame(X, columns=list("abcde")).assign(y=Y[:, 0]).to_csv("table.csv", index=False)

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["ridgewalk", *arguments])
        with suppress(SystemExit):
            cli.main()
        return capsys.readouterr().err

    few = ["fit", "table.csv", "--target", "y", "--hidden", "4", "--alphas", "3", "--max-iter", "20", "--folds", "3"]
    run(*few, "--out", "alone")
    with worker_here(Path("shared")) as worker:
        said = run(*few, "--out", "spread", "--workers", "shared")
        assert worker.finished
    assert "Training in shared: 1 worker, 1 chain at once." in said
    for name in ("summary.json", "path.csv"):
        assert Path("spread", name).read_bytes() == Path("alone", name).read_bytes()
    assert "Ended, after 0 chains." in run("worker", "shared", "--idle", "1s", "--slots", "2")


def test_a_worker_gives_back_what_it_was_at(tmp_path: Path) -> None:
    with shared_folder_of(tmp_path) as (there, runner):
        with worker_here(tmp_path) as worker:
            training = threading.Thread(target=runner.train, args=(long_job(runs=2),))
            training.start()
            while not worker._running:
                time.sleep(0.01)
        assert not list(there._fit.claimed.iterdir())
        with worker_here(tmp_path):
            training.join(60)
        assert not training.is_alive()


_DRIVER = """
import sys
from pathlib import Path
from ridgewalk import cli
from ridgewalk.cluster import shared_folder
from ridgewalk.engine import Runner
from ridgewalk.engine.cluster import spread
from test_cluster import long_job
spread.SMALL = 0.0
with shared_folder(Path(sys.argv[1])):
    print("begun", flush=True)
    Runner().train(long_job(epochs=1500))
"""


def test_a_driver_that_was_killed_loses_at_most_a_chain(tmp_path: Path) -> None:
    job = long_job(epochs=1500)
    with worker_here(tmp_path) as worker:
        command = [sys.executable, "-c", _DRIVER, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as driver:
            assert driver.stdout is not None
            driver.stdout.readline()
            until = time.monotonic() + 30
            while worker.finished < 2 and time.monotonic() < until:
                time.sleep(0.01)
            driver.kill()
        done = worker.finished
        with shared_folder(tmp_path):
            fits = Runner().train(job)
    assert done >= 2
    assert_same(fits, Runner(spreader=None).train(job))
    assert worker.finished <= 6 + 1  # six chains, and at most the one that was under way a second time
    assert not list((tmp_path / "fits").glob("*/data"))
