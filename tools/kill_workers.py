"""Kill workers, and drivers, at moments spread over a job on two processes; compare its bits with one process's.

python tools/kill_workers.py [--kills 20] [--on folder dask] [--who worker driver] [--seed 0]

A worker that is killed is followed by another; a driver that is killed by one that asks for the same again, with the
same checkpoints. Every trial must end with the bits of a process alone, and a kill may cost the chains that were under
way in what was killed: of a worker one, of a driver as many as there are slots. Chains that begin are counted by the
workers: one that begins twice was lost, or doubled. Exit code 1 where any bit or count is another.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from ridgewalk.cluster import FolderWorker, shared_folder
from ridgewalk.engine import Runner
from ridgewalk.engine.checkpoints import CheckpointStore
from ridgewalk.engine.cluster import chains, dask_client, folder_worker
from ridgewalk.engine.job import Fits, Job
from ridgewalk.folds import Fold
from ridgewalk.losses import SquaredError
from ridgewalk.network import multilayer_perceptron
from ridgewalk.optimizers import Adam, Cosine
from ridgewalk.penalties import L2, Sum

LOG = "RIDGEWALK_KILL_LOG"
RUNS, ROWS, COLUMNS, EPOCHS = 16, 600, 12, 700
WORKERS = 2


def make_job() -> Job:
    """Return a job of 16 runs, each of which takes some tenths of a second."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(ROWS, COLUMNS))
    network = multilayer_perceptron(COLUMNS, (48,), 1)
    start = [network.start("he", run) for run in range(RUNS)]
    return Job(
        network=network,
        loss=SquaredError(),
        penalties=tuple(Sum() if k % 2 else L2(1e-3) for k in range(len(network.shapes))),
        optimizer=Adam(0.01, schedule=Cosine()),
        x=x,
        target=np.sin(x[:, :1]) + x[:, 1:2] * x[:, 2:3],
        folds=(Fold.plain(np.ones(ROWS), COLUMNS, 1),),
        fold=np.zeros(RUNS, dtype=int),
        seeds=np.arange(RUNS),
        start=tuple(np.stack(arrays) for arrays in zip(*start, strict=True)),
        epochs=EPOCHS,
    )


def digest(fits: Fits) -> str:
    """Digest all bits of what came."""
    found = blake2b(digest_size=16)
    for array in (*fits.parameters, fits.data_loss, fits.penalty, fits.residual, fits.epochs):
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def log_chains() -> None:
    """Let this process note every chain that it begins."""
    train = chains.run_chain

    def run_chain(message: bytes, *more: Any) -> Any:
        with Path(os.environ[LOG]).open("a", encoding="ascii") as log:
            log.write(blake2b(message, digest_size=8).hexdigest() + "\n")
        return train(message, *more)

    folder_worker.run_chain = dask_client.run_chain = run_chain  # type: ignore[assignment]


def dask_setup(worker: Any) -> None:
    """Prepare a worker of Dask's, which loads this file."""
    del worker
    log_chains()


def drive(on: str, checkpoints: Path, out: Path) -> None:
    """Train the job on workers, say when it begins, and write down what came of it."""
    runner_of = {"folder": _by_folder, "dask": _by_dask}
    with runner_of[on.partition("=")[0]](on.partition("=")[2]):
        print("begun", flush=True)
        fits = Runner(checkpoints=CheckpointStore(checkpoints)).train(make_job())
    out.write_text(digest(fits), encoding="ascii")


@contextmanager
def _by_folder(folder: str) -> Iterator[None]:
    with shared_folder(folder):
        yield


@contextmanager
def _by_dask(address: str) -> Iterator[None]:
    import joblib
    from distributed import Client

    with Client(address), joblib.parallel_config(backend="dask"):
        yield


class FolderCluster:
    """Two workers of a folder."""

    def __init__(self, place: Path) -> None:
        self.address = f"folder={place}"
        self._place = place
        self._workers = [self._worker() for _ in range(WORKERS)]

    def _worker(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, __file__, "--be-worker", str(self._place)])

    def ready(self) -> None:
        """Wait for nothing: workers come when they come."""

    def kill(self, chance: random.Random) -> None:
        """Kill a worker, and begin another."""
        victim = chance.randrange(WORKERS)
        self._workers[victim].kill()
        self._workers[victim].wait()
        self._workers[victim] = self._worker()

    def close(self) -> None:
        """End the workers."""
        for worker in self._workers:
            worker.kill()
            worker.wait()


class DaskCluster:
    """Two workers of Dask's; whoever is killed is begun anew by its nanny."""

    def __init__(self, place: Path) -> None:
        del place
        import dask
        from distributed import Client, LocalCluster

        dask.config.set({"distributed.worker.preload": [__file__]})
        self._cluster = LocalCluster(
            WORKERS, threads_per_worker=1, dashboard_address=None, silence_logs=50, worker_dashboard_address=None
        )
        self._client = Client(self._cluster, set_as_default=False)
        self.address = f"dask={self._cluster.scheduler_address}"

    def ready(self) -> None:
        """Wait until both workers are there, whom a nanny begins anew."""
        self._client.wait_for_workers(WORKERS, timeout=120)

    def kill(self, chance: random.Random) -> None:
        """Kill a worker."""
        processes = [each for each in self._client.run(os.getpid, on_error="return").values() if isinstance(each, int)]
        if processes:
            os.kill(chance.choice(sorted(processes)), signal.SIGKILL)

    def close(self) -> None:
        """End the cluster."""
        self._client.close()
        self._cluster.close()


def driver(address: str, place: Path) -> subprocess.Popen[bytes]:
    """Begin a driver."""
    command = [sys.executable, __file__, "--drive", address, str(place / "checkpoints"), str(place / "out")]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def trial(cluster: Any, who: str, after: float, place: Path, chance: random.Random) -> tuple[str, int]:
    """Kill once; return the digest of what came in the end, and how many chains began twice."""
    cluster.ready()
    log = Path(os.environ[LOG])
    log.write_text("", encoding="ascii")
    with driver(cluster.address, place) as driving:
        assert driving.stdout is not None
        driving.stdout.readline()
        time.sleep(after)
        if who == "worker":
            cluster.kill(chance)
            driving.wait()
        else:
            driving.kill()
            driving.wait()
    if who == "driver" and not (place / "out").exists():
        with driver(cluster.address, place) as driving:
            driving.wait()
    begun = log.read_text(encoding="ascii").split()
    found = (place / "out").read_text(encoding="ascii") if (place / "out").exists() else "nothing"
    return found, len(begun) - len(set(begun))


def main() -> None:
    """Kill, begin again, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--on", nargs="+", choices=("folder", "dask"), default=["folder", "dask"])
    parser.add_argument("--who", nargs="+", choices=("worker", "driver"), default=["worker", "driver"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--be-worker", help=argparse.SUPPRESS)
    parser.add_argument("--drive", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.be_worker:
        log_chains()
        FolderWorker(Path(arguments.be_worker), 1).work()
        return
    if arguments.drive:
        on, checkpoints, out = arguments.drive
        drive(on, Path(checkpoints), Path(out))
        return
    expected, failed = digest(Runner(spreader=None).train(make_job())), 0
    for on in arguments.on:
        for who in arguments.who:
            failed += kill_all(on, who, arguments.kills, random.Random(arguments.seed), expected)
    sys.exit(failed > 0)


def kill_all(on: str, who: str, kills: int, chance: random.Random, expected: str) -> int:
    """Kill so many workers, or drivers; return how many trials failed."""
    failed, lost = 0, []
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        os.environ[LOG] = str(place / "log")
        cluster = {"folder": FolderCluster, "dask": DaskCluster}[on](place / "shared")
        try:
            (place / "whole").mkdir()
            with driver(cluster.address, place / "whole") as driving:
                assert driving.stdout is not None
                driving.stdout.readline()
                began = time.monotonic()
                driving.wait()
            took = time.monotonic() - began
            print(f"{on}, killing {who}s: unbroken {took:.1f} s", flush=True)
            for number in range(kills):
                own = place / str(number)
                own.mkdir()
                after = (number + chance.random()) / kills * took
                found, twice = trial(cluster, who, after, own, chance)
                allowed = 1 if who == "worker" else WORKERS
                good = found == expected and twice <= allowed
                failed += not good
                lost.append(twice)
                said = "the same bits" if found == expected else f"DIFFERENT: {found}"
                print(f"{number + 1:3d}. killed after {after:5.2f} s: {said}, {twice} chains twice", flush=True)
        finally:
            cluster.close()
    print(json.dumps({"on": on, "who": who, "kills": kills, "failed": failed, "chains_twice": lost}), flush=True)
    return failed


if __name__ == "__main__":
    main()
