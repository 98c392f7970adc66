"""Kill workers and drivers, or interrupt drivers, at moments spread over a job on two processes; compare the bits.

python tools/kill_workers.py [--kills 20] [--on folder dask] [--who worker driver interrupted] [--seed 0]

A worker that is killed is followed by another; a driver that is killed, or gets Ctrl-C, by one that asks for the same
again, with the same checkpoints. Every trial is of a job of its own and must end with the bits of a process alone, and
a kill may cost the chains that were under way in what was killed: of a worker one (perhaps that which it was writing),
of a driver as many as there are slots. What had finished is not lost.
Chains that begin and end are noted by the workers: one that begins twice was lost, or doubled. After Ctrl-C the last
chain must have ended within two seconds. Exit code 1 where any bit, count or time is another.
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
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
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
RUNS, ROWS, COLUMNS, EPOCHS = 16, 600, 12, 1_500
WORKERS = 2
STOPPED = 2.0  # seconds after Ctrl-C in which chains may still end


def make_job(number: int) -> Job:
    """Return one of many jobs of 16 runs, each of which takes some tenths of a second."""
    generator = np.random.default_rng(number)
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
    """Let this process note every chain that it begins and ends."""
    train = chains.run_chain

    def run_chain(message: bytes, *more: Any) -> Any:
        name = blake2b(message, digest_size=8).hexdigest()
        _note("begin", name)
        try:
            return train(message, *more)
        finally:
            _note("end", name)

    folder_worker.run_chain = dask_client.run_chain = run_chain  # type: ignore[assignment]


def _note(what: str, chain: str) -> None:
    with Path(os.environ[LOG]).open("a", encoding="ascii") as log:
        log.write(f"{what} {chain} {time.monotonic()}\n")


def noted() -> list[tuple[str, str, float]]:
    """Return what workers noted: begin or end, the chain, and when."""
    lines = [line.split() for line in Path(os.environ[LOG]).read_text(encoding="ascii").splitlines()]
    return [(what, chain, float(when)) for what, chain, when in lines]


def dask_setup(worker: Any) -> None:
    """Prepare a worker of Dask's, which loads this file."""
    del worker
    log_chains()


def drive(on: str, number: int, checkpoints: Path, out: Path) -> None:
    """Train the job on workers, and write down what came of it."""
    runner_of = {"folder": _by_folder, "dask": _by_dask}
    with runner_of[on.partition("=")[0]](on.partition("=")[2]):
        fits = Runner(checkpoints=CheckpointStore(checkpoints)).train(make_job(number))
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


class Cluster:
    """Two worker processes, of which one that was killed is followed by another.

    Parameters
    ----------
    command : list of str
        Begins a worker.
    """

    address = ""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._workers = [self._worker() for _ in range(WORKERS)]

    def _worker(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, stderr=subprocess.DEVNULL)

    def ready(self) -> None:
        """Wait until both workers are there."""

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


class FolderCluster(Cluster):
    """Workers of a folder."""

    def __init__(self, place: Path) -> None:
        self.address = f"folder={place}"
        self._place = place
        super().__init__([sys.executable, __file__, "--be-worker", str(place)])

    def ready(self) -> None:
        while not all(list(self._place.glob(f"workers/*-{worker.pid}-*.json")) for worker in self._workers):
            time.sleep(0.1)


class DaskCluster(Cluster):
    """Workers of Dask's, without nannies, and a scheduler."""

    def __init__(self, place: Path) -> None:
        from distributed import Client

        place.mkdir()
        file = place / "scheduler.json"
        beginning = [sys.executable, "-W", "ignore", "-m"]
        common = ["--scheduler-file", str(file), "--no-dashboard"]
        self._scheduler = subprocess.Popen(
            [*beginning, "distributed.cli.dask_scheduler", *common, "--port", "0"], stderr=subprocess.DEVNULL
        )
        more = ["--nthreads", "1", "--no-nanny", "--preload", __file__, "--local-directory", str(place)]
        super().__init__([*beginning, "distributed.cli.dask_worker", *common, *more])
        while not file.exists():
            time.sleep(0.1)
        self._client = Client(scheduler_file=str(file), set_as_default=False)
        self.address = f"dask={self._client.scheduler.address}"

    def ready(self) -> None:
        self._client.wait_for_workers(WORKERS, timeout=120)

    def close(self) -> None:
        self._client.close()
        super().close()
        self._scheduler.kill()
        self._scheduler.wait()


@dataclass(frozen=True)
class Trial:
    """A job that is broken once.

    Attributes
    ----------
    number : int
        Of the job.
    place : Path
        Where its checkpoints and its answer stand.
    """

    number: int
    place: Path

    def driver(self, address: str) -> subprocess.Popen[bytes]:
        """Begin a driver."""
        files = [str(self.place / "checkpoints"), str(self.place / "out")]
        command = [sys.executable, __file__, "--drive", address, str(self.number), *files]
        return subprocess.Popen(command)

    @property
    def expected(self) -> str:
        """The digest of what a process alone comes to."""
        return digest(Runner(spreader=None).train(make_job(self.number)))

    @property
    def found(self) -> str:
        """The digest of what came."""
        out = self.place / "out"
        return out.read_text(encoding="ascii") if out.exists() else "nothing"


@dataclass(frozen=True)
class Cost:
    """What it cost to break a job.

    Attributes
    ----------
    under_way, finished : int
        Chains that began twice: those that had not ended when the job was broken, and those that had.
    lasted : float
        Seconds until the last chain had ended after that.
    """

    under_way: int
    finished: int
    lasted: float

    def allowed(self, who: str) -> bool:
        """Return whether no more was lost than may be."""
        if who == "worker":  # that ends one chain, until what came of it is written
            return self.under_way + self.finished <= 1
        late = who == "interrupted" and self.lasted > STOPPED
        return self.under_way <= WORKERS and not self.finished and not late


def broken(cluster: Any, who: str, after: float, trial: Trial, chance: random.Random) -> Cost:
    """Break a job once, and let it come to its end."""
    cluster.ready()
    Path(os.environ[LOG]).write_text("", encoding="ascii")
    with trial.driver(cluster.address) as driving:
        _wait_for_chains(driving)
        time.sleep(after)
        at = time.monotonic()
        if who == "worker":
            cluster.kill(chance)
        elif who == "driver":
            driving.kill()
        else:
            driving.send_signal(signal.SIGINT)
        driving.wait()
    if who == "interrupted":
        time.sleep(STOPPED)
    lasted = max([at, *(when for what, _, when in noted() if what == "end")]) - at
    if trial.found == "nothing":
        with trial.driver(cluster.address) as driving:
            driving.wait()
    begun = Counter(chain for what, chain, _ in noted() if what == "begin")
    ended = {chain for what, chain, when in noted() if what == "end" and when < at}
    twice = {chain: count - 1 for chain, count in begun.items() if count > 1}
    finished = sum(count for chain, count in twice.items() if chain in ended)
    return Cost(sum(twice.values()) - finished, finished, lasted)


def main() -> None:
    """Kill, begin again, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--on", nargs="+", choices=("folder", "dask"), default=["folder", "dask"])
    whos = ("worker", "driver", "interrupted")
    parser.add_argument("--who", nargs="+", choices=whos, default=list(whos))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--be-worker", help=argparse.SUPPRESS)
    parser.add_argument("--drive", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.be_worker:
        log_chains()
        FolderWorker(Path(arguments.be_worker), 1).work()
        return
    if arguments.drive:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background process ignores it
        on, number, checkpoints, out = arguments.drive
        with suppress(KeyboardInterrupt):
            drive(on, int(number), Path(checkpoints), Path(out))
        return
    failed = sum(
        break_all(on, who, arguments.kills, random.Random(arguments.seed))
        for on in arguments.on
        for who in arguments.who
    )
    sys.exit(failed > 0)


def break_all(on: str, who: str, kills: int, chance: random.Random) -> int:
    """Break so many jobs; return how many trials failed."""
    failed, costs = 0, list[Cost]()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        os.environ[LOG] = str(place / "log")
        (place / "log").touch()
        cluster = {"folder": FolderCluster, "dask": DaskCluster}[on](place / "shared")
        try:
            took = _unbroken(cluster, place / "whole")
            print(f"{on}, {who}: unbroken {took:.1f} s", flush=True)
            for number in range(kills):
                trial = Trial(number + 1, place / str(number))
                trial.place.mkdir()
                after = (number + chance.random()) / kills * took
                cost = broken(cluster, who, after, trial, chance)
                same = trial.found == trial.expected
                failed += not (same and cost.allowed(who))
                costs.append(cost)
                print(f"{number + 1:3d}. broken after {after:5.2f} s: the same bits: {same}; {cost}", flush=True)
        finally:
            cluster.close()
    found = {"on": on, "who": who, "kills": kills, "failed": failed}
    found["under_way_twice"] = [cost.under_way for cost in costs]
    found["finished_twice"] = [cost.finished for cost in costs]
    if who == "interrupted":
        found["seconds_at_most"] = round(max(cost.lasted for cost in costs), 2)
    print(json.dumps(found), flush=True)
    return failed


def _unbroken(cluster: Any, place: Path) -> float:
    """Return the seconds from the first chain's begin to the last one's end, of a job that nobody breaks."""
    place.mkdir()
    cluster.ready()
    with Trial(0, place).driver(cluster.address) as driving:
        driving.wait()
    times = [when for _, _, when in noted()]
    return max(times) - min(times)


def _wait_for_chains(driving: subprocess.Popen[bytes]) -> None:
    """Wait until workers have begun."""
    while not noted() and driving.poll() is None:
        time.sleep(0.01)


if __name__ == "__main__":
    main()
