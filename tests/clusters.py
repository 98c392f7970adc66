"""What tests of clusters share: fits that are small, what they come to, workers of a folder and of Dask."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import joblib
import numpy as np
import pandas as pd

import ridgewalk
from ridgewalk import MLPClassifierCV, MLPRegressorCV, TableRegressor
from ridgewalk.engine.cluster.layout import names_in, read_json

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(240, 6))
Y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * RANDOM.normal(size=240)
FEW: dict[str, Any] = {"alphas": 5, "max_iter": 40, "cv": 3, "random_state": 0}


def path() -> Any:
    return MLPRegressorCV((8,), **FEW).fit(X, Y)


def selection() -> Any:
    return MLPClassifierCV((8,), select_inputs=True, **FEW).fit(X, Y > 0)


def table() -> Any:
    frame = pd.DataFrame(X, columns=list("abcdef")).assign(kind=np.where(X[:, 3] > 0, "red", "blue"))
    return TableRegressor(cv=3, random_state=0).fit(frame[:100], Y[:100])


def diagnosis() -> Any:
    return MLPRegressorCV((8,), n_seeds=2, **FEW | {"alphas": 3}).fit(X, Y).diagnose(references=False)


FITS = {"path": path, "selection": selection, "table": table, "diagnosis": diagnosis}


def content(found: Any, folder: Path) -> bytes:
    """Everything that came of a fit: what its file holds, or what a diagnosis says."""
    if hasattr(found, "to_dict"):
        return json.dumps(found.to_dict()).encode()
    file = folder / "found.safetensors"
    ridgewalk.save(found, file)
    return file.read_bytes()


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; fail long before a chain that waits for it would come to its end by itself."""
    limit = time.monotonic() + 300
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.02)


@contextmanager
def workers(folder: Path, count: int = 2, slots: int = 1) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Workers of a folder, each a process, when all are there."""
    command = [sys.executable, "-m", "ridgewalk", "worker", str(folder), "--slots", str(slots), "--quiet"]
    processes = [subprocess.Popen(command) for _ in range(count)]
    try:
        while len(names_in(folder / "workers", ".json")) < count:
            assert all(process.poll() is None for process in processes)
            time.sleep(0.02)
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def running_in(folder: Path) -> int:
    """Return how many chains the workers of a folder say that they are at."""
    place = folder / "workers"
    return sum(
        running for name in names_in(place) if isinstance(running := read_json(place / name).get("running"), int)
    )


@contextmanager
def cluster(count: int = 2) -> Iterator[Any]:
    """Start a cluster of Dask's with so many processes, which ends with the block; yield its client."""
    import distributed

    quiet = {"dashboard_address": None, "silence_logs": 50}
    with (
        distributed.LocalCluster(n_workers=count, threads_per_worker=1, **quiet) as local,
        distributed.Client(local) as client,
        joblib.parallel_config(backend="dask"),
    ):
        yield client


def chains_under_way() -> int:
    """Return how many threads of this process train a chain."""
    return sum(_trains(frame) for frame in sys._current_frames().values())


def _trains(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_name == "run_chain":
            return True
        frame = frame.f_back
    return False


@contextmanager
def started(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process, which imports the tests' modules, and ends with the block at the latest."""
    with subprocess.Popen(command, env=environment(), **options) as process:
        try:
            yield process
        finally:
            process.kill()


def environment() -> dict[str, str]:
    """Return the environment of a process that imports the tests' modules."""
    return dict(os.environ) | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
