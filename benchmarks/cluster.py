"""What it costs to spread chains over processes, and a simulation of what larger clusters would make of that.

    python benchmarks/cluster.py [--seconds 1] [--chains 24] [--table 0.1] [--on folder dask]

Measured are, on this machine: the time that chains of about `--seconds` take on 1, 2 and 4 worker processes, against
one thread without any; what a chain costs beside its training; the driver's own share of that, in which it can do
nothing else, and that of Dask's scheduler, which is a process of its own; and, with a table of `--table` GB, the bytes
that go to a worker and the memory that the driver takes.
Simulated is list scheduling with these costs: what is named so was not run.
"""

from __future__ import annotations

import argparse
import datetime
import heapq
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from engine import machine
from ridgewalk.cluster import shared_folder
from ridgewalk.engine import Runner
from ridgewalk.engine.cluster.chosen import spreader_in_use, used
from ridgewalk.engine.cluster.workers import Answer, Chain
from ridgewalk.engine.job import Job
from ridgewalk.folds import Fold
from ridgewalk.losses import SquaredError
from ridgewalk.network import multilayer_perceptron
from ridgewalk.optimizers import Adam
from ridgewalk.penalties import L2, Sum

COLUMNS, UNITS = 50, 32
CLUSTERS = ((4, 8), (64, 32))  # machines, cores of each
LENGTHS = (1.0, 5.0, 20.0)  # seconds of a chain
PER_SLOT = 4


def make_job(rows: int, runs: int, epochs: int, columns: int = COLUMNS) -> Job:
    """Return a job whose runs have starts of their own, so that each is a chain."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(rows, columns))
    network = multilayer_perceptron(columns, (UNITS,), 1)
    start = [network.start("he", run) for run in range(runs)]
    return Job(
        network=network,
        loss=SquaredError(),
        penalties=tuple(Sum() if k % 2 else L2(1e-3) for k in range(len(network.shapes))),
        optimizer=Adam(0.01),
        x=x,
        target=np.sin(x[:, :1]),
        folds=(Fold.plain(np.ones(rows), columns, 1),),
        fold=np.zeros(runs, dtype=int),
        seeds=np.arange(runs),
        start=tuple(np.stack(arrays).astype(np.float32) for arrays in zip(*start, strict=True)),
        epochs=epochs,
    )


@contextmanager
def workers(on: str, count: int) -> Iterator[Callable[[], float]]:
    """Start so many worker processes, of a folder or of Dask, with a core each; yield the scheduler's CPU seconds."""
    with tempfile.TemporaryDirectory() as folder:
        if on == "dask":
            with _dask(Path(folder, "scheduler.json"), count) as scheduler:
                yield lambda: sum(psutil.Process(scheduler).cpu_times()[:2])
            return
        command = [sys.executable, "-m", "ridgewalk", "worker", folder, "--slots", "1", "--quiet"]
        with _processes([command] * count):
            while len(list(Path(folder, "workers").glob("*.json"))) < count:
                time.sleep(0.1)
            with shared_folder(folder):
                yield lambda: 0.0


@contextmanager
def _dask(file: Path, count: int) -> Iterator[int]:
    """Start a scheduler and workers, processes each, and let them train; yield the scheduler's process."""
    import joblib
    from distributed import Client

    beginning = [sys.executable, "-W", "ignore", "-m"]
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    scheduler = [*beginning, "distributed.cli.dask_scheduler", *common, "--port", "0"]
    worker = [*beginning, "distributed.cli.dask_worker", *common, "--nthreads", "1", "--no-nanny"]
    with _processes([scheduler, *[worker] * count]) as processes:
        while not file.exists():
            time.sleep(0.1)
        with Client(scheduler_file=str(file)) as client, joblib.parallel_config(backend="dask"):
            client.wait_for_workers(count)
            yield processes[0].pid


@contextmanager
def _processes(commands: Sequence[list[str]]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start processes, which end with the block."""
    processes = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for command in commands]
    try:
        yield processes
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()


class Counting:
    """Workers whose traffic is counted, and the time that the driver spends on it."""

    def __init__(self, inside: Any) -> None:
        self._inside = inside
        self.tables = self.messages = self.largest = 0
        self.trained = self.busy = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inside, name)

    def put(self, name: str, array: Any) -> None:
        """Count the bytes of an array."""
        self.tables += array.nbytes
        self._inside.put(name, array)

    def send(self, chains: Sequence[Chain]) -> None:
        """Count the bytes of chains."""
        self.messages += sum(len(chain.message) for chain in chains)
        self.largest = max([self.largest, *(len(chain.message) for chain in chains)])
        began = time.process_time()
        self._inside.send(chains)
        self.busy += time.process_time() - began

    def answers(self, seconds: float) -> list[Answer]:
        """Count the seconds that chains took."""
        answers: list[Answer] = self._inside.answers(seconds)
        self.trained += sum(answer.seconds for answer in answers)
        return answers


def spread(job: Job) -> tuple[Counting, float, float]:
    """Train a job on the workers in use; return what was counted, and seconds by the clock and of the driver."""
    spreader = spreader_in_use()
    assert spreader is not None
    counting = Counting(spreader.workers)
    with used(counting):
        began, busy = time.monotonic(), time.process_time()
        Runner().train(job)
        return counting, time.monotonic() - began, time.process_time() - busy


def simulated(machines: int, cores: int, seconds: float, overhead: float, driver: float) -> float:
    """Return the efficiency of list scheduling: seconds of training, by the seconds of all cores until the last ends.

    A chain costs its core ``overhead`` seconds beside its training, and the driver, who serves one at a time,
    ``driver`` seconds.
    """
    slots = machines * cores
    chains, free, sent, ends = PER_SLOT * slots, [0.0] * slots, 0.0, 0.0
    for _ in range(chains):
        sent += driver
        at = max(heapq.heappop(free), sent) + overhead + seconds
        ends = max(ends, at)
        heapq.heappush(free, at)
    return chains * seconds / (slots * (ends + driver))


def measure(on: str, seconds: float, chains: int) -> tuple[float, float]:
    """Print what chains of this length take on 1, 2 and 4 processes; return overhead and the largest share, a chain.

    The share is the CPU time of the driver, or of the scheduler if that is larger: each serves one chain at a time.
    """
    rows, trial = 2_000, make_job(2_000, 1, 50)
    began = time.monotonic()
    Runner(spreader=None).train(trial)
    epochs = max(1, round(50 * seconds / (time.monotonic() - began)))
    job = make_job(rows, chains, epochs)
    began = time.monotonic()
    Runner(spreader=None).train(job)
    alone = time.monotonic() - began
    print(f"\n{on}: {chains} chains, one thread without workers {alone:.2f} s ({alone / chains:.2f} s a chain)\n")
    print("| processes | seconds | efficiency | seconds a chain beside it | driver's CPU a chain | scheduler's |")
    print("|---|---|---|---|---|---|")
    overhead = driver = 0.0
    for count in (1, 2, 4):
        with workers(on, count) as scheduler:
            spread(make_job(rows, 2 * count, 1))  # who imports for the first time takes longer
            before = scheduler()
            counting, took, busy = spread(job)
            scheduling = scheduler() - before
        cores = min(count, os.cpu_count() or 1)
        beside = (took * cores - counting.trained * (cores / count)) / chains
        print(
            f"| {count} | {took:.2f} | {alone / (cores * took):.0%} | {beside:.4f} | {busy / chains:.4f} | "
            f"{scheduling / chains:.4f} |",
            flush=True,
        )
        if count == 1:
            overhead, driver = max(0.0, (took - counting.trained) / chains), max(busy, scheduling) / chains
    return overhead, driver


def traffic(on: str, gigabytes: float) -> None:
    """Print the bytes that go to a worker, and the driver's memory, with a table of so many GB."""
    columns = 125
    rows = int(gigabytes * 1e9 / 8 / columns)
    job = make_job(rows, 8, 1, columns)
    table = job.x.nbytes
    with workers(on, 2):
        counting, took, _ = spread(job)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        f"\n{on}, a table of {table / 1e9:.2f} GB and {job.runs} chains: {took:.1f} s; to each machine "
        f"{(counting.tables + counting.messages) / table:.3f} tables, the largest message "
        f"{counting.largest / 1024:.1f} KiB; the driver took {peak / 1e9:.2f} GB at most, "
        f"{(peak - 1.1 * table) / 2**20:.0f} MiB beside 1.1 tables."
    )


def main() -> None:
    """Measure, and simulate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--chains", type=int, default=24)
    parser.add_argument("--table", type=float, default=0.1)
    parser.add_argument("--on", nargs="+", choices=("folder", "dask"), default=["folder", "dask"])
    arguments = parser.parse_args()
    print(f"{machine()}, {datetime.date.today()}, load {os.getloadavg()[0]:.1f} as it began.")
    for on in arguments.on:
        if arguments.table:
            traffic(on, arguments.table)
    for on in arguments.on:
        overhead, driver = measure(on, arguments.seconds, arguments.chains)
        costs = f"{overhead:.4f} s beside each chain and {driver:.4f} s of the driver or scheduler"
        print(f"\nSimulated, not run, with {costs}:\n")
        print("| cluster | chains of 1 s | of 5 s | of 20 s |\n|---|---|---|---|")
        for machines, cores in CLUSTERS:
            each = (f"{simulated(machines, cores, length, overhead, driver):.0%}" for length in LENGTHS)
            print(f"| {machines} x {cores} cores | {' | '.join(each)} |")


if __name__ == "__main__":
    main()
