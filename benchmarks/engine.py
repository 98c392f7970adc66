"""Time the engine beside NumPy, scikit-learn, PyTorch, JAX and LassoNet: one model, and a grid on two cores.

    python benchmarks/engine.py [--quick] [--tasks A,B,C] [--no-single] [--no-grid] [--no-scaling]

Every engine lives in a process of its own, with its own number of threads, and sleeps while another runs. For each
task: all are made ready and compiled, their losses compared after the same training from the same start; then they
run in turn, again and again, each for about the same time. Compiling, starting, drawing the batches and laying out
the rows are apart for the rivals. ridgewalk does all this, and measures the final losses, inside its one call: the
time of a call with no epochs is taken off, so drawing its batches still counts. Whole calls are reported too.

The rivals need scikit-learn, torch, jax, joblib, lassonet and matplotlib, and PyTorch a C++ compiler; one that is
missing is reported as such. Writes engine.md, engine.json and engine.png into benchmarks/results.
"""

from __future__ import annotations

import argparse
import datetime
import json
import multiprocessing
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

import engine_report
from ridgewalk.arrays import Array
from ridgewalk.layers import Arrays
from ridgewalk.losses import CrossEntropy
from ridgewalk.network import layer_penalties
from ridgewalk.objective import Objective
from rivals import DRAWN_EPOCHS, FOLDS, TASKS, Model, Task, fold_rows, serve

CORES = 2
STRENGTHS, SEEDS = 50, 5
PATIENCE = 900  # seconds for any one answer; only a hang takes as long
PAUSE = 0.05  # seconds between two runs: threads of the last one stop spinning
TOLERANCES = {"loss": 1e-3, "squares": 2.5e-3, "own batches": 5e-2}
"""Relative differences from ridgewalk's that pass. Half the strength, or momentum 0.89, exceeds one in every task."""


class RivalError(Exception):
    """An engine is not installed, or it failed."""


Place = tuple[str, int, int]
"""A worker: its library, its number of threads, and which of several such processes."""


@dataclass
class Entry:
    """One way of running one engine, and what came of it.

    Attributes
    ----------
    family, variant : str
        The best variant of a family counts.
    engine, options
        What the worker makes (``rivals.ENGINES``).
    places : tuple of Place
        Processes that share the models.
    whole, apart : lists of floats
        Seconds of one run over its steps and models, run by run; and how much of that a call without epochs takes.
    differences : dict
        Largest relative difference from ridgewalk: "loss" and "squares" on the same batches, "own batches" the
        loss on those that the engine draws itself.
    """

    family: str
    variant: str
    engine: str
    options: dict[str, Any]
    places: tuple[Place, ...]
    failed: str = ""
    compile_seconds: float = 0.0
    unit: int = 1
    stops: int = 1
    epochs: int = 0
    whole: list[float] = field(default_factory=list)
    apart: list[float] = field(default_factory=list)
    differences: dict[str, float] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Name under which a worker keeps it."""
        return f"{self.family}, {self.variant}"

    @property
    def seconds(self) -> float:
        """Seconds of one step of one model: the median call less the median call without epochs."""
        return float(np.median(self.whole) - np.median(self.apart))

    def fresh(self) -> Entry:
        """Return the same way of running, with nothing measured."""
        return Entry(self.family, self.variant, self.engine, self.options, self.places)

    def plain(self) -> dict[str, Any]:
        """Return everything as plain data."""
        kept = ("family", "variant", "failed", "compile_seconds", "epochs", "whole", "apart", "differences")
        return {name: getattr(self, name) for name in kept} | {"processes": len(self.places)}


class Workers:
    """Worker processes, started when first asked."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.context = multiprocessing.get_context("spawn")
        self.processes: dict[Place, Any] = {}
        self.connections: dict[Place, Any] = {}

    def ask(self, place: Place, command: str, **arguments: Any) -> Any:
        """Send a worker a command, and wait for what it returns."""
        self.tell(place, command, **arguments)
        return self.hear(place)

    def ask_all(self, places: Sequence[Place], command: str, **arguments: Any) -> None:
        """Send several workers a command, and wait until all are done."""
        for place in places:
            self.tell(place, command, **arguments)
        errors = []
        for place in places:
            try:
                self.hear(place)
            except RivalError as error:  # the others' answers must be heard all the same
                errors.append(error)
        if errors:
            raise errors[0]

    def tell(self, place: Place, command: str, **arguments: Any) -> None:
        """Send a worker a command."""
        if place not in self.processes:
            self._start(place)
        self.connections[place].send((command, arguments))

    def hear(self, place: Place) -> Any:
        """Wait for what a worker returns."""
        try:
            if not self.connections[place].poll(PATIENCE):
                raise RivalError(f"failed: no answer in {PATIENCE} s")
            outcome, answer = self.connections[place].recv()
        except (EOFError, ConnectionError):
            self._stop(place)
            raise RivalError("failed: the process ended") from None
        except RivalError:
            self._stop(place)
            raise
        if outcome != "done":
            raise RivalError(outcome if outcome == "not installed" else f"{outcome}: {answer}")
        return answer

    def _start(self, place: Place) -> None:
        library, threads, number = place
        connection, other = self.context.Pipe()
        log = str(Path(self.folder, f"{library} {threads} {number}.log"))
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS") if library != "ridgewalk" else ()
        variables = dict.fromkeys(names, str(threads)) | {
            "TORCHINDUCTOR_CACHE_DIR": str(Path(self.folder, "torch")),
            "TORCHINDUCTOR_COMPILE_THREADS": "1",  # or it keeps processes of its own
        }
        with patch.dict(os.environ, variables):
            process = self.context.Process(target=serve, args=(other, log, library, threads))
            process.start()
        other.close()
        self.processes[place], self.connections[place] = process, connection

    def _stop(self, place: Place) -> None:
        self.connections.pop(place).close()
        process = self.processes.pop(place)
        process.join(5)
        if process.is_alive():
            process.kill()
            process.join()

    def clear(self) -> None:
        """Make every worker forget its engines and data."""
        for place in list(self.processes):
            with suppress(RivalError):
                self.ask(place, "clear")

    def close(self) -> None:
        """End every worker."""
        for place in list(self.processes):
            self._stop(place)


@contextmanager
def open_workers() -> Iterator[Workers]:
    """Yield workers, and end them whatever happens."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        workers = Workers(folder)
        try:
            yield workers
        finally:
            workers.close()


OURS: tuple[Place, ...] = (("ridgewalk", CORES, 0),)


MODES = (("", None), ("max-autotune, ", "max-autotune-no-cudagraphs"))
"""Of torch.compile."""


def threads(count: int) -> str:
    """Count threads in words."""
    return "1 thread" if count == 1 else f"{count} threads"


def one_model_entries(engine: str, task: Task, quick: bool) -> list[Entry]:
    """List the ways to train one model: everyone with 1 and with 2 threads, or only with 1."""
    entries = [
        Entry("ridgewalk", threads(n_jobs), "ridgewalk", {"engine": engine, "n_jobs": n_jobs}, OURS)
        for n_jobs in (1, CORES)
    ]
    if engine != "reference":
        options = {"engine": "reference", "n_jobs": 1}
        entries.append(Entry("NumPy", "the reference engine", "ridgewalk", options, (("numpy", 1, 0),)))
    for count in (1,) if quick else (1, CORES):
        used = threads(count)

        def add(family: str, variant: str, made: str, library: str, used: int = count, **options: Any) -> None:
            entries.append(Entry(family, variant, made, options, ((library, used, 0),)))

        add("NumPy", f"by hand, {used}", "numpy", "numpy")
        add("scikit-learn", used, "scikit-learn", "scikit-learn")
        for optimizer in ("fused", "foreach"):
            add("PyTorch eager", f"{optimizer}, {used}", "torch eager", "torch", optimizer=optimizer)
        for name, mode in MODES[: 1 if quick else None]:
            add("PyTorch compiled", f"{name}{used}", "torch compiled", "torch", mode=mode)
        add("JAX", f"scan, {used}", "jax", "jax")
        if task.batch is None:
            add("LassoNet (another problem)", used, "lassonet", "lassonet")
    return entries


def grid_entries(engine: str, quick: bool) -> list[Entry]:
    """List the ways to train many models with both cores, or one or two for each family."""

    def alone(library: str, count: int) -> tuple[Place, ...]:
        return ((library, count, 0),)

    def apart(library: str) -> tuple[Place, ...]:
        return tuple((library, 1, number) for number in range(CORES))

    processes, one = f"{CORES} processes", f"1 process, {threads(CORES)}"
    fused = {"optimizer": "fused"}
    entries = [
        Entry("ridgewalk", threads(CORES), "ridgewalk", {"engine": engine, "n_jobs": CORES}, OURS),
        Entry("ridgewalk on one core", threads(1), "ridgewalk", {"engine": engine, "n_jobs": 1}, OURS),
        Entry("NumPy", f"by hand, {processes}", "numpy", {}, apart("numpy")),
        Entry("scikit-learn", f"joblib, n_jobs={CORES}", "scikit-learn", {"n_jobs": CORES}, alone("scikit-learn", 1)),
        Entry("scikit-learn", processes, "scikit-learn", {}, apart("scikit-learn")),
        Entry("PyTorch eager", f"fused, {processes}", "torch eager", fused, apart("torch")),
        *(
            Entry("PyTorch compiled", f"{name}{processes}", "torch compiled", {"mode": mode}, apart("torch"))
            for name, mode in MODES[: 1 if quick else None]
        ),
        Entry("JAX", f"scan, {processes}", "jax", {}, apart("jax")),
        Entry("JAX", f"vmap, {one}", "jax", {"together": True}, alone("jax", CORES)),
    ]
    if not quick:
        entries += [
            Entry("PyTorch eager", f"foreach, {processes}", "torch eager", {"optimizer": "foreach"}, apart("torch")),
            Entry("PyTorch eager", f"fused, {one}", "torch eager", fused, alone("torch", CORES)),
            Entry("PyTorch compiled", one, "torch compiled", {}, alone("torch", CORES)),
            Entry("JAX", f"scan, {one}", "jax", {}, alone("jax", CORES)),
        ]
    return entries


def sample_of_grid(task: Task, count: int) -> list[Model]:
    """Draw models from 50 strengths x 5 folds x 5 seeds, without putting one back."""
    strengths = task.l2 * np.geomspace(1e-2, 1, STRENGTHS)
    drawn = np.random.default_rng(0).choice(STRENGTHS * FOLDS * SEEDS, count, replace=False)
    places = zip(*np.unravel_index(drawn, (STRENGTHS, FOLDS, SEEDS)), strict=True)
    return [Model(float(strengths[k]), int(fold), int(seed)) for k, fold, seed in places]


class Comparison:
    """Several entries on one task and the same models."""

    def __init__(self, workers: Workers, task: Task, models: Sequence[Model], entries: Sequence[Entry]) -> None:
        self.workers, self.task, self.models, self.entries = workers, task, models, entries
        self.peaks: list[float] = []

    @property
    def alive(self) -> list[Entry]:
        """Entries that have not failed."""
        return [entry for entry in self.entries if not entry.failed]

    def prepare(self) -> None:
        """Make every engine, and compile what has to be compiled; an engine that cannot is marked."""
        for entry in self.entries:
            with self._marking(entry):
                self._make(entry, entry.key, entry.options)

    @contextmanager
    def _marking(self, entry: Entry) -> Iterator[None]:
        """Mark an entry that fails; without ridgewalk itself there is nothing to compare."""
        try:
            yield
        except RivalError as error:
            if entry.family == "ridgewalk":
                raise SystemExit(f"{entry.key}: {error}. Build the engine, or choose --engine reference.") from error
            entry.failed = str(error)
            print(f"    {entry.key}: {error}", flush=True)

    def _shared(self, entry: Entry) -> list[tuple[Place, list[Model]]]:
        """Deal the models out to the entry's processes."""
        count = len(entry.places)
        return [(place, list(self.models[k::count])) for k, place in enumerate(entry.places[: len(self.models)])]

    def _make(self, entry: Entry, key: str, options: dict[str, Any]) -> None:
        for place, models in self._shared(entry):
            entry.compile_seconds, entry.unit, entry.stops = self.workers.ask(
                place, "prepare", key=key, engine=entry.engine, task=self.task, models=models, options=options
            )

    def _run(self, entry: Entry, key: str, epochs: int) -> float:
        """Run an engine once; return the seconds: its own clock's for one process, until the last for several."""
        places = [place for place, _ in self._shared(entry)]
        for place in places:
            self.workers.ask(place, "ready", key=key, epochs=epochs)
        if len(places) == 1:
            return float(self.workers.ask(places[0], "run", key=key))
        began = time.perf_counter()
        self.workers.ask_all(places, "run", key=key)
        return time.perf_counter() - began

    def _losses(self, entry: Entry, key: str, epochs: int) -> tuple[Array, Array]:
        """Train every model; return its loss without penalty, and its sum of squared weights: both (models,)."""
        self._run(entry, key, epochs)
        shared = self._shared(entry)
        weights: list[Arrays] = [()] * len(self.models)
        for k, (place, _) in enumerate(shared):
            weights[k :: len(shared)] = self.workers.ask(place, "weights", key=key)
        outcomes = [measure_model(self.task, model, w) for model, w in zip(self.models, weights, strict=True)]
        losses, squares = np.array(outcomes).T
        return losses, squares

    def check(self, epochs: int) -> None:
        """Compare every engine's losses after ``epochs`` epochs with ridgewalk's; end where they differ."""
        expected = self._losses(self.entries[0], self.entries[0].key, epochs)
        for entry in self.alive:
            if entry.engine == "lassonet":
                continue
            with self._marking(entry):
                self._compare(entry, epochs, expected)

    def _compare(self, entry: Entry, epochs: int, expected: tuple[Array, Array]) -> None:
        key = entry.key
        if entry.engine == "scikit-learn" and self.task.batch is not None:
            losses, _ = self._losses(entry, key, epochs)
            entry.differences["own batches"] = float(abs(losses.mean() / expected[0].mean() - 1))
            if "n_jobs" in entry.options:  # its sibling without joblib shows the rest
                self._judge(entry, epochs)
                return
            key = "scikit-learn, everyone's batches"
            self._make(entry, key, {"own_batches": False})
        losses, squares = self._losses(entry, key, epochs)
        entry.differences["loss"] = float(np.abs(losses / expected[0] - 1).max())
        entry.differences["squares"] = float(np.abs(squares / expected[1] - 1).max())
        self._judge(entry, epochs)

    def _judge(self, entry: Entry, epochs: int) -> None:
        """End the benchmark if an engine does not train the same model."""
        for name, difference in entry.differences.items():
            if not difference <= TOLERANCES[name]:
                raise SystemExit(
                    f"Task {self.task.name}: after {epochs} epochs, {entry.key} differs from ridgewalk by "
                    f"{difference:.2%} in {name}: they do not train the same model, so no time is compared."
                )

    def time(self, seconds: float, repeats: int) -> None:
        """Choose each entry's epochs so that a run takes about ``seconds``, which warms it up, and run in turn."""
        for entry in self.alive:
            with self._marking(entry):
                entry.epochs = self._fill(entry, seconds)
        for _ in range(repeats):
            self._probe()
            for entry in self.alive:
                with self._marking(entry):
                    self._time_once(entry)

    def _fill(self, entry: Entry, seconds: float) -> int:
        """Count the epochs, in whole units, that take about ``seconds``, and twice what is apart."""
        apart, units = self._apart(entry), 1
        wanted = max(seconds, 2 * apart)
        for goal in (wanted / 5, wanted):  # the first run may be too short to tell
            whole = self._run(entry, entry.key, units * entry.unit)
            if units == 1 and whole - apart > wanted:
                return entry.unit
            units = max(1, round(units * goal / max(whole - apart, whole / 10)))
        return units * entry.unit

    def _apart(self, entry: Entry) -> float:
        """Time a call without epochs, where a call holds more than its epochs."""
        return self._run(entry, entry.key, 0) if entry.engine == "ridgewalk" else 0.0

    def _time_once(self, entry: Entry) -> None:
        time.sleep(PAUSE)
        steps = sum(self.task.steps(model.fold) for model in self.models) * entry.epochs * entry.stops
        entry.apart.append(self._apart(entry) / steps)
        entry.whole.append(self._run(entry, entry.key, entry.epochs) / steps)

    def _probe(self) -> None:
        peak = self.workers.ask(OURS[0], "peak", seconds=0.1)
        if peak is not None:
            self.peaks.append(peak)


def measure_model(task: Task, model: Model, w: Arrays) -> tuple[float, float]:
    """Loss on the training rows, without penalty, and sum of squared weights."""
    x, labels = fold_rows(task, model.fold)
    objective = Objective(task.network, CrossEntropy(), layer_penalties(task.network, weight_l2=1.0))
    parameters = tuple(array[None] for array in w)
    loss = objective.data_loss(parameters, x, CrossEntropy().encode(labels, task.classes), np.ones(len(x)))
    return float(loss[0]), float(objective.penalty(parameters)[0])


def best_of(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Pick the fastest variant of every family."""
    best: dict[str, Entry] = {}
    for entry in entries:
        if entry.whole and (entry.family not in best or entry.seconds < best[entry.family].seconds):
            best[entry.family] = entry
    return best


def checked_epochs(task: Task, one: bool, quick: bool) -> int:
    """Choose how long to train before losses are compared: a quarter as long in the grid; quick rows are fewer."""
    if task.batch is None:
        return task.unit if quick else task.check if one else task.check // 4
    epochs = task.check if one else 1
    return min(DRAWN_EPOCHS, 4 * epochs) if quick else epochs


def compare(
    workers: Workers, task: Task, models: Sequence[Model], entries: list[Entry], options: argparse.Namespace
) -> dict[str, Any]:
    """Measure one table: one model, or a sample of the grid."""
    comparison = Comparison(workers, task, models, entries)
    comparison.prepare()
    one = len(models) == 1
    check = checked_epochs(task, one, options.quick)
    comparison.check(check)
    comparison.time(options.seconds * (1 if one else 2), options.repeats)
    workers.clear()
    return {
        "models": len(models),
        "flops": task.flops(models[0].fold),
        "checked_epochs": check,
        "entries": [entry.plain() for entry in entries],
        "peaks": comparison.peaks,
    }


QUICK_ENOUGH = ("ridgewalk", "NumPy", "scikit-learn", "PyTorch eager", "JAX")


class Scaling:
    """How the time of an epoch of task A grows: with rows, width, strengths and cores."""

    def __init__(self, workers: Workers, one: Sequence[Entry], grid: Sequence[Entry], quick: bool) -> None:
        self.workers, self.quick = workers, quick
        self.one, self.both = self._chosen(one), self._chosen(grid)
        single = [entry for entry in one if entry.places[0][1] == 1 or entry.variant == threads(1)]
        self.one_core = self._chosen(single)

    def _chosen(self, entries: Sequence[Entry]) -> list[Entry]:
        """Take each family's best, or its first where nothing was measured."""
        first = {entry.family: entry for entry in reversed(entries) if not entry.failed}
        chosen = first | best_of(entries)
        return [chosen[family].fresh() for family in QUICK_ENOUGH if family in chosen]

    def measure(self) -> dict[str, list[dict[str, Any]]]:
        """Measure the four panels: for each, the points of every family."""
        task, quick = TASKS["A"], self.quick
        rows = (300, 3_000) if quick else (300, 900, 3_000, 9_000, 30_000)
        widths = (32, 128) if quick else (16, 64, 256, 1_024)
        strengths = (1, 4) if quick else (1, 2, 5, 10, 25, 50)
        sample = sample_of_grid(task, 4 if quick else 12)
        one = [Model(task.l2, None, 0)]
        path = [Model(float(l2), None, 0) for l2 in task.l2 * np.geomspace(1e-2, 1, STRENGTHS)]
        return {
            "rows": [self._point(n, replace(task, rows=n), one, self.one) for n in rows],
            "hidden units": [self._point(n, replace(task, hidden=(n,)), one, self.one) for n in widths],
            "strengths": [self._point(n, task, path[:: STRENGTHS // n][:n], self.both) for n in strengths],
            "cores": [self._point(n, task, sample, entries) for n, entries in ((1, self.one_core), (CORES, self.both))],
        }

    def _point(self, at: int, task: Task, models: Sequence[Model], chosen: Sequence[Entry]) -> dict[str, Any]:
        entries = [entry.fresh() for entry in chosen]
        comparison = Comparison(self.workers, task, models, entries)
        comparison.prepare()
        comparison.time(0.02 if self.quick else 0.15, 2 if self.quick else 3)
        self.workers.clear()
        return {
            "at": at,
            "models": len(models),
            "seconds": {entry.family: len(models) * entry.seconds for entry in entries if entry.whole},
            "variants": {entry.family: entry.variant for entry in entries},
        }


def machine() -> dict[str, Any]:
    """Describe the processor."""
    told: dict[str, str] = {}
    if sys.platform == "linux":
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n", maxsplit=1)[0].splitlines()
        told = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    flags = set(told.get("flags", "").split())
    levels = {
        "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
        "x86-64-v3": {"avx2", "bmi1", "bmi2", "fma", "f16c", "movbe"},
        "x86-64-v2": {"sse4_2", "ssse3", "popcnt", "cx16"},
    }
    return {
        "processor": told.get("model name") or platform.processor() or platform.machine(),
        "family_model": f"family {told.get('cpu family', '?')}, model {told.get('model', '?')}",
        "cores": os.cpu_count(),
        "level": next((level for level, needed in levels.items() if needed <= flags), platform.machine()),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
    }


def load() -> list[float] | None:
    """Load averages over 1, 5 and 15 minutes; None where the system has none."""
    return [round(value, 2) for value in os.getloadavg()] if sys.platform != "win32" else None


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--engine", choices=("compiled", "reference"), default="compiled")
    parser.add_argument("--tasks", default="A,B,C", help="some of A, B and C, with commas")
    parser.add_argument("--quick", action="store_true", help="a smoke run: its times mean nothing")
    parser.add_argument("--no-single", action="store_true", help="leave out one model")
    parser.add_argument("--no-grid", action="store_true", help="leave out the grid")
    parser.add_argument("--no-scaling", action="store_true", help="leave out the scaling study")
    parser.add_argument("--repeats", type=int, help="runs of each engine; 5, or 2 with --quick")
    parser.add_argument("--seconds", type=float, help="about how long one run takes; 0.25, or 0.03 with --quick")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    options.tasks = options.tasks.upper().split(",")
    unknown = [name for name in options.tasks if name not in TASKS]
    if unknown:
        parser.error(f"--tasks takes some of {', '.join(TASKS)}, got {', '.join(unknown)}")
    options.repeats = options.repeats or (2 if options.quick else 5)
    options.seconds = options.seconds or (0.03 if options.quick else 0.25)
    return options


def measure(workers: Workers, options: argparse.Namespace) -> dict[str, Any]:
    """Measure everything that was asked for, as plain data."""
    began = time.perf_counter()
    results: dict[str, Any] = {
        "date": f"{datetime.datetime.now():%Y-%m-%d %H:%M}",
        "command": " ".join(["python", "benchmarks/engine.py", *sys.argv[1:]]),
        "machine": machine(),
        "versions": workers.ask(OURS[0], "versions"),
        "engine": options.engine,
        "level": workers.ask(OURS[0], "level") if options.engine == "compiled" else None,
        "repeats": options.repeats,
        "load_before": load(),
        "tasks": {},
    }

    def say(what: str) -> None:
        print(f"{time.perf_counter() - began:5.0f} s  {what}", flush=True)

    every = {
        name: (one_model_entries(options.engine, task, options.quick), grid_entries(options.engine, options.quick))
        for name, task in TASKS.items()
    }
    for name in options.tasks:
        task, (one, grid) = TASKS[name], every[name]
        if options.quick and task.batch is not None:
            task = replace(task, rows=task.rows // 4)
        parts = results["tasks"][name] = {"title": task.title}
        if not options.no_single:
            say(f"{task.title}; one model")
            parts["one"] = compare(workers, task, [Model(task.l2, None, 0)], one, options)
        if not options.no_grid:
            models = sample_of_grid(task, 4 if options.quick else task.models)
            say(f"{name}: {len(models)} models of the grid, {CORES} cores")
            parts["grid"] = compare(workers, task, models, grid, options)
    if not options.no_scaling:
        say("how task A's epochs grow")
        results["scaling"] = Scaling(workers, *every["A"], quick=options.quick).measure()
    say("done")
    return results | {"load_after": load(), "wall_seconds": round(time.perf_counter() - began)}


def main() -> None:
    """Measure, and write the table, the data and the plot."""
    options = parse()
    with open_workers() as workers:
        results = measure(workers, options)
    options.output.mkdir(parents=True, exist_ok=True)
    table = engine_report.markdown(results)
    (options.output / "engine.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (options.output / "engine.md").write_text(table, encoding="utf-8")
    if "scaling" in results:
        engine_report.plot(results, options.output / "engine.png")
    print(f"\n{table}")


if __name__ == "__main__":
    main()
