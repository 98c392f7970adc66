"""The engine in WebAssembly, run by Node, for the tests of several modules."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ridgewalk.engine import compiled, native
from ridgewalk.engine.job import Job

PLAY = Path(compiled.__file__).parents[1] / "play"
WASM, SCRIPT = PLAY / "engine.wasm.gz", PLAY / "engine.js"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed")
RESULTS = ("parameters", "data_loss", "penalty", "validation_loss", "residual", "trained", "diverged")
_ALIGNED = 64


class _Blob:
    """Arrays, one behind the other, and a row of numbers that has their places."""

    def __init__(self) -> None:
        self.bytes, self.spec, self.places = bytearray(), [], []  # type: ignore[var-annotated]

    def number(self, *values: Any) -> None:
        self.spec += [float(value) for value in values]

    def array(self, array: Any, dtype: Any = None) -> int:
        if array is None:
            self.number(0)
            return -1
        self.bytes += bytes(-len(self.bytes) % _ALIGNED)
        begin = len(self.bytes)
        self.bytes += np.ascontiguousarray(array, dtype=dtype).tobytes()
        self.places.append(len(self.spec))
        self.number(begin)
        return begin


def _described(job: Job) -> tuple[_Blob, list[tuple[int, int]], Any]:
    """Flatten a job as browser.cpp reads it; say where its results stand."""
    plan: Any = compiled._plan(job, native.load()[1])
    blob = _Blob()
    blob.number(len(plan["layers"]))
    for layer in plan["layers"]:
        blob.number(*(layer[name] for name in ("kind", "inputs", "units", "parameter")))
    blob.number(plan["loss"], plan["delta"])
    names = ("kind", "rate", "first", "second", "epsilon", "decay", "nesterov", "schedule", "schedule_a", "schedule_b")
    blob.number(*(plan["optimizer"][name] for name in names))
    blob.number(len(plan["penalties"]))
    for penalty in plan["penalties"]:
        for name in ("l1", "l2", "group"):
            blob.array(penalty[name])
            shape = (0, 0) if penalty[name] is None else penalty[name].shape
            blob.number(shape[1], shape[0] > 1)
        blob.number(penalty["over"])
        blob.array(penalty["member"])
        blob.number(penalty["groups"], penalty["concavity"])
    blob.array(job.x, np.float64)
    blob.array(plan["target"])
    blob.number(job.x.shape[1], job.target.shape[1], len(plan["folds"]))
    for fold in plan["folds"]:
        for rows in (fold["training"], fold["validation"]):
            for name in ("numbers", "weights", "mean_weights"):
                blob.array(rows and rows[name])
            blob.number(rows["count"] if rows else 0)
        for name in ("center", "scale", "target_center", "target_scale"):
            blob.array(fold[name])
    blob.number(plan["runs"])
    blob.array(plan["fold"])
    blob.array(plan["seeds"])
    training = ("epochs", "batch_size", "ramp", "polish_steps", "polish_tolerance", "patience", "patience_tolerance")
    blob.number(*(plan[name] for name in (*training, "watches_objective", "batch_losses")), len(plan["start"]))
    found = []
    for start, parameters in zip(plan["start"], plan["parameters"], strict=True):
        blob.array(start)
        found += [(blob.array(parameters), parameters.nbytes)]
    found += [(blob.array(plan[name]), plan[name].nbytes) for name in (*RESULTS[1:], "finished")]
    return blob, found[:-1], plan


def _node(*arguments: Any) -> None:
    assert NODE is not None
    script = Path(__file__).with_name("engine_in_node.mjs")
    ran = subprocess.run([NODE, script, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


class PackedJobs:
    """Jobs in float32, as run_jobs.js takes them: what stands where, and all bytes."""

    def __init__(self, jobs: list[Job]) -> None:
        self._described = [_described(job) for job in jobs]
        self.entries: list[dict[str, Any]] = []
        self.data = b""
        for blob, outputs, _ in self._described:
            entry = {"begin": len(self.data), "length": len(blob.bytes), "spec": blob.spec, "places": blob.places}
            self.entries.append(entry | {"outputs": outputs})
            self.data += bytes(blob.bytes)

    def results(self, found: bytes) -> list[dict[str, Any]]:
        """Read the bytes that were found: results by the names of RESULTS."""
        results, place = [], 0
        for _, outputs, plan in self._described:
            arrays = [*plan["parameters"], *(plan[name] for name in RESULTS[1:])]
            read = []
            for (_, size), like in zip(outputs, arrays, strict=True):
                read.append(np.frombuffer(found[place : place + size], dtype=like.dtype).reshape(like.shape))
                place += size
            count = len(plan["parameters"])
            results.append({"parameters": read[:count]} | dict(zip(RESULTS[1:], read[count:], strict=True)))
        assert place == len(found)
        return results


def found_in_node(packed: PackedJobs, wasm: Path = WASM) -> bytes:
    """Run packed jobs by the engine in WebAssembly; return the bytes of their results."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("jobs.json", "jobs.bin", "out.bin")]
        files[0].write_text(json.dumps(packed.entries))
        files[1].write_bytes(packed.data)
        _node("jobs", wasm, SCRIPT, *files)
        return files[2].read_bytes()


def train_in_node(jobs: list[Job], wasm: Path = WASM) -> list[dict[str, Any]]:
    """Train jobs in float32 by the engine in WebAssembly; return their results by the names of RESULTS."""
    packed = PackedJobs(jobs)
    return packed.results(found_in_node(packed, wasm))


def run_in_node(script: str, given: Any) -> Any:
    """Run the body of a function of Engine, Pool, engine, bytes, workers and given; return what it gives."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("script.js", "given.json", "out.json")]
        files[0].write_text(script)
        files[1].write_text(json.dumps(given))
        _node("script", WASM, SCRIPT, *files)
        return json.loads(files[2].read_text())
