"""The engine in WebAssembly gives the bits of the native one of the same vectors, and starts of NumPy's draws."""

import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from amounts import WHOLE
from in_node import RESULTS, WASM, needs_node, run_in_node, single, train_in_node
from ridgewalk.engine import compiled, native
from ridgewalk.engine.job import EarlyStopping, Job, Polish
from ridgewalk.layers import Dense, Dropout, ReLU
from ridgewalk.optimizers import SGD, Adam, Cosine
from ridgewalk.penalties import L2
from test_compiled import ACTIVATIONS, LOSSES, OPTIMIZERS, PENALTIES, SHAPES, make_job

pytestmark = needs_node
EXACT, OTHER = "x86-64-v2", "x86-64-v3"  # vectors as long as WebAssembly's, without fused multiply-adds; and with them
STEPS = 100


def layers_of(activation: Any, hidden: int = 9) -> tuple[Any, ...]:
    (inputs, _), (_, outputs) = SHAPES
    between = () if activation is None else (activation,)
    return (Dense(inputs, hidden), *between, Dense(hidden, outputs))


def job_of(activation: Any, loss: Any, penalty: str, optimizer: Any, **changes: Any) -> Job:
    return make_job(layers_of(activation), loss, optimizer, penalty, np.float32, rows=20, epochs=STEPS, **changes)


def trained_natively(jobs: list[Job], level: str, monkeypatch: Any) -> list[dict[str, Any]]:
    if level not in native.levels():
        pytest.skip(f"this processor has no {level}")
    monkeypatch.setenv(native.VARIABLE, level)
    return [
        {"trained": fits.epochs} | {name: getattr(fits, name) for name in RESULTS if name != "trained"}
        for fits in map(compiled.train, jobs)
    ]


def assert_same_bits(jobs: list[Job], monkeypatch: Any) -> None:
    for job, here, there in zip(jobs, trained_natively(jobs, EXACT, monkeypatch), train_in_node(jobs), strict=True):
        for name in RESULTS:
            pairs = zip(here[name], there[name], strict=True) if name == "parameters" else [(here[name], there[name])]
            for a, b in pairs:
                assert np.asarray(a).tobytes() == np.asarray(b).tobytes(), (name, job.network, job.loss, job.penalties, job.optimizer)


CASES = list(product([*ACTIVATIONS, Dropout(0.3)], LOSSES, PENALTIES, OPTIMIZERS))


@pytest.mark.slow
def test_every_layer_loss_penalty_and_optimizer_has_the_native_bits(monkeypatch: Any) -> None:
    assert_same_bits([job_of(*case) for case in CASES[:: 1 if WHOLE else 7]], monkeypatch)
