"""Laws of the record of finished runs: what is found in it has the bits of what would have been trained."""

import errno
import os
import signal
import threading
import time
import tracemalloc
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from ridgewalk.engine import Runner, compiled
from ridgewalk.engine.checkpoints import CheckpointStore
from ridgewalk.engine.job import EarlyStopping, Fits, Polish
from ridgewalk.engine.runner import epoch_seconds
from ridgewalk.folds import Fold
from ridgewalk.optimizers import Adam
from ridgewalk.penalties import L2, NO_PENALTY, GroupLasso
from test_engine import INPUTS, ROWS, X, Y, make

HALVES = tuple(
    replace(Fold.plain(weights, INPUTS, 1), center=X[weights > 0].mean(axis=0))
    for weights in (np.arange(ROWS) % 2 * 1.0, (np.arange(ROWS) + 1) % 2 * 2.0)
)
FACTORS = np.arange(12 * INPUTS).reshape(12, INPUTS, 1) % 7 * 1.0
JOBS = {
    "full batch": {},
    "minibatches, dropout, float32": {"batch_size": 16, "dropout": 0.2, "dtype": np.float32, "polish": Polish(20)},
    "folds and early stopping": {
        "folds": tuple(replace(fold, validation=1 - fold.weights / fold.weights.max()) for fold in HALVES),
        "fold": np.arange(12) // 4 % 2,
        "early_stopping": EarlyStopping(3),
    },
    "linear": {"hidden": (), "epochs": 0, "polish": Polish(300)},
    "factors of each run": {"penalties": (GroupLasso(0.01, factors=FACTORS), NO_PENALTY, L2(0.01), NO_PENALTY)},
    "sparse": {"x": csr_array(np.where(X > 0, X, 0.0))},
}


def kept(folder: Any) -> Runner:
    return Runner(checkpoints=CheckpointStore(folder))


def train(job: Any, n_jobs: Any = 1, runner: Any = None, engine: Any = "compiled") -> Any:
    return replace(runner or Runner(), n_jobs=n_jobs, engine=engine).train(job)


def assert_same(a: Any, b: Any) -> None:
    for field in fields(Fits):
        left, right = getattr(a, field.name), getattr(b, field.name)
        for one, other in zip(left, right, strict=True) if isinstance(left, tuple) else [(left, right)]:
            np.testing.assert_array_equal(one, other)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Numbers of runs that each job was really trained for."""
    counts: list[int] = []
    whole = compiled.train

    def spy(job: Any, *rest: Any) -> Any:
        counts.append(job.runs)
        return whole(job, *rest)

    monkeypatch.setattr(compiled, "train", spy)
    return counts


@pytest.mark.parametrize("settings", JOBS.values(), ids=JOBS.keys())
def test_what_is_kept_is_what_would_have_been_trained(settings: Any, tmp_path: Path, trained: Any) -> None:
    job = make(runs=12, **settings)
    whole = train(job)
    for some in ([3, 1, 8], [8, 11], np.arange(12)):
        part = job.part(np.array(some))
        assert_same(train(part, 2, kept(tmp_path)), whole.part(np.array(some)))
    assert trained == [3, 1, 8]
    runner = kept(tmp_path)
    with runner.expecting(job):
        assert_same(train(job, 1, runner), whole)
        assert runner.progress.done == runner.progress.total == 0
    assert trained == [3, 1, 8]


OTHERS = {
    "a bit of x": {"x": np.where(np.arange(ROWS * INPUTS).reshape(X.shape) == 7, np.nextafter(X, 9), X)},
    "the kind of x": {"x": X.astype(np.float32)},
    "target": {"target": Y + 1},
    "row weights": {"folds": (replace(HALVES[0], weights=1 + HALVES[0].weights),)},
    "center": {"folds": (replace(HALVES[0], center=np.zeros(INPUTS)),)},
    "another fold": {"folds": HALVES[::-1]},
    "epochs": {"epochs": 31},
    "rate": {"optimizer": Adam(0.011)},
    "batches": {"batch_size": 7},
    "seeds": {"batch_size": 16, "seeds": np.arange(4) + 9},
    "units": {"hidden": (7,)},
    "activation": {"activation": "leaky_relu"},
    "penalty": {"penalties": (NO_PENALTY,) * 4},
    "precision": {"dtype": np.float32},
    "ramp": {"ramp": 0.5},
    "polish": {"polish": Polish(3)},
}


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS.keys())
def test_a_job_that_says_anything_else_finds_nothing(change: Any, tmp_path: Path) -> None:
    record, settings = CheckpointStore(tmp_path), {"folds": HALVES[:1], "batch_size": 16}
    known = set(record.digests(make(**settings)))
    assert len(known) == 4
    assert not known & set(record.digests(make(**(settings | change))))


def test_seeds_count_only_where_something_is_drawn(tmp_path: Path) -> None:
    record = CheckpointStore(tmp_path)
    assert record.digests(make(seeds=np.arange(4))) == record.digests(make(seeds=np.arange(4) + 9))


@pytest.mark.parametrize("damage", ["cut off", "a bit", "no rows", "a pickle", "nothing"])
def test_what_is_damaged_is_trained_again_and_runs_nothing(damage: Any, tmp_path: Path, trained: Any) -> None:
    job = make()
    whole = train(job, 1, kept(tmp_path))
    (file,) = tmp_path.iterdir()
    data = bytearray(file.read_bytes())
    data[-30] ^= 1
    if damage == "a bit":
        file.write_bytes(data)
    elif damage == "a pickle":
        np.save(file, np.array([{"digest": 1}], dtype=object), allow_pickle=True)
    else:
        file.write_bytes({"cut off": data[:-1], "no rows": data[:100], "nothing": bytearray()}[damage])
    assert_same(train(job, 1, kept(tmp_path)), whole)
    assert trained == [4, 1 if damage == "a bit" else 4]


def of_nine_billion_rows(file: Any) -> None:
    data = file.read_bytes()
    at = data.index(b"(4,)")
    file.write_bytes(data[:at] + b"(9999999999,)" + data[at + 13 :])


def structured(file: Any) -> None:
    np.save(file, np.zeros(3, [("digest", "i8"), ("checksum", "S32")]))


def linked(file: Any) -> None:
    file.unlink()
    file.symlink_to("/nowhere")


def a_folder(file: Any) -> None:
    file.unlink()
    file.mkdir()


def a_pipe(file: Any) -> None:
    file.unlink()
    os.mkfifo(file)


def flipped(name: Any) -> Any:
    """Flip a bit of each row's field, or one of the header."""

    def flip(file: Any) -> None:
        data = bytearray(file.read_bytes())
        first = 10 + int.from_bytes(data[8:10], "little")
        places = {"digest": 32, "checksum": 0}
        row = (len(data) - first) // 4
        for begin in range(first + places[name], len(data), row) if name in places else [data.index(b"'shape'") + 10]:
            data[begin] ^= 0x80 if name in places else 8
        file.write_bytes(data)

    return flip


FOREIGN = {
    "a header of ten billion rows": of_nine_billion_rows,
    "other fields": structured,
    "a plain array": lambda file: np.save(file, np.zeros(3)),
    "objects": lambda file: np.save(file, np.array([{}], dtype=object), allow_pickle=True),
    "a header of zeros": lambda file: file.write_bytes(file.read_bytes()[:60] + bytes(512)),
    "a header of brackets": lambda file: file.write_bytes(b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 2**16),
    "a dangling link": linked,
    "a folder": a_folder,
    "a pipe": a_pipe,
    "digests": flipped("digest"),
    "checksums": flipped("checksum"),
    "the header": flipped("header"),
}


@pytest.mark.parametrize("change", FOREIGN.values(), ids=FOREIGN)
def test_what_is_foreign_is_passed_over(change: Any, tmp_path: Path, trained: Any) -> None:
    job = make()
    whole = train(job, 1, kept(tmp_path))
    (file,) = tmp_path.iterdir()
    change(file)
    tracemalloc.start()
    assert_same(train(job, 1, kept(tmp_path)), whole)
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()
    assert_same(train(job, 1, kept(tmp_path)), whole)
    assert trained == [4, 4]


def test_a_file_that_cannot_be_read_is_passed_over(
    tmp_path: Path, trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make()
    whole = train(job, 1, kept(tmp_path))
    (file,) = tmp_path.iterdir()
    opens = type(file).open
    runner = kept(tmp_path)
    assert runner.checkpoints is not None
    runner.checkpoints.find(job, runner.checkpoints.digests(job))  # it has gone when its rows are wanted

    def refused(path: Any, mode: Any = "r", *rest: Any, **more: Any) -> Any:
        if path == file:
            raise PermissionError(errno.EACCES, "no", str(path))
        return opens(path, mode, *rest, **more)

    monkeypatch.setattr("pathlib.Path.open", refused)
    assert_same(train(job, 1, runner), whole)
    assert_same(train(job, 1, kept(tmp_path)), whole)
    assert trained == [4, 4]


def test_a_damaged_twin_hides_no_run(tmp_path: Path, trained: Any) -> None:
    job = make()
    whole = train(job, 1, kept(tmp_path))
    (file,) = tmp_path.iterdir()
    for name in ("0.npy", "zz.npy"):
        (tmp_path / name).write_bytes(file.read_bytes()[:-9] + bytes(9))
    assert_same(train(job, 1, kept(tmp_path)), whole)
    assert trained == [4]


def test_two_fits_may_share_a_folder(tmp_path: Path, trained: Any) -> None:
    job, first, second = make(), kept(tmp_path), kept(tmp_path)
    whole = train(job, 1, first)
    assert_same(train(job, 1, second), whole)
    assert_same(train(job, 1, kept(tmp_path)), whole)
    assert trained == [4, 4]
    (tmp_path / "any").touch()
    assert {file.stat().st_mode for file in tmp_path.iterdir()} == {(tmp_path / "any").stat().st_mode}


def test_a_full_disk_is_found_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: Any
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    train(make(), 1, kept(tmp_path))
    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(OSError, match="No space left"):
        train(make(runs=8), 1, kept(tmp_path))
    assert trained == [4]
    assert len(list(tmp_path.iterdir())) == 1


def test_ctrl_c_keeps_every_run_that_had_finished(tmp_path: Path, trained: Any) -> None:
    job, runner = make(runs=40, epochs=3000, hidden=(30,), seeds=np.arange(40), batch_size=20), kept(tmp_path)
    progress = runner.progress

    def interrupt() -> None:
        while progress.done < 3 * 3000 * epoch_seconds(job):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        train(job, 1, runner)
    done = progress.finished_runs
    assert 0 < len(done) < 40
    assert_same(train(job.part(done), 1, kept(tmp_path)), progress.finished)
    assert trained == [40]


def test_what_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Only engine="):
        train(make(), 1, kept(tmp_path), engine="reference")
    with pytest.raises(ValueError, match="no history"):
        train(make(record_every=1), 1, kept(tmp_path))
