"""The engine in WebAssembly gives the bits of the native one of the same vectors, and starts of NumPy's draws."""

import gzip
import os
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from amounts import WHOLE
from in_node import RESULTS, WASM, needs_node, run_in_node, train_in_node
from ridgewalk.engine import compiled, native
from ridgewalk.engine.job import EarlyStopping, Job, Polish
from ridgewalk.layers import Dense, Dropout, ReLU
from ridgewalk.optimizers import SGD, Adam, Cosine, RMSProp
from ridgewalk.penalties import L1, L2, MCP, Penalty, Sum
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


def bits(array: Any) -> bytes:
    """Return the bits of an array, every NaN the same: what diverged has no number."""
    return np.where(np.isnan(array), np.nan, array).astype(array.dtype).tobytes()


def assert_same_bits(jobs: list[Job], monkeypatch: Any) -> None:
    for job, here, there in zip(jobs, trained_natively(jobs, EXACT, monkeypatch), train_in_node(jobs), strict=True):
        for name in RESULTS:
            pairs = zip(here[name], there[name], strict=True) if name == "parameters" else [(here[name], there[name])]
            for a, b in pairs:
                assert bits(a) == bits(b), (name, job.network, job.loss, job.penalties, job.optimizer)


CASES = list(product([*ACTIVATIONS, Dropout(0.3)], LOSSES, PENALTIES, OPTIMIZERS))


@pytest.mark.slow
def test_every_layer_loss_penalty_and_optimizer_has_the_native_bits(monkeypatch: Any) -> None:
    assert_same_bits([job_of(*case) for case in CASES[:: 1 if WHOLE else 7]], monkeypatch)


def test_some_of_them_have_the_native_bits(monkeypatch: Any) -> None:
    assert_same_bits([job_of(*case) for case in CASES[::97]], monkeypatch)


def test_shapes_batches_schedules_and_polish_have_the_native_bits(monkeypatch: Any) -> None:
    dense = Dense(5, 9)
    narrow = [
        (Dense(p, 9), activation, Dense(9, q))
        for p, q in product(range(1, 6), (1, 2, 3, 5))
        for activation in ACTIVATIONS[:2]
    ]
    deep = [
        (dense, ReLU(), Dense(9, 33), ReLU(), Dense(33, 40), ReLU(), Dense(40, 3)),
        (dense, Dense(9, 3)),
        (Dense(5, 3),),
    ]
    jobs = [
        make_job(layers, optimizer=Adam(0.01), dtype=np.float32, rows=150, penalty="L1", epochs=20)
        for layers in [*narrow, *deep]
    ]
    wide = (Dense(5, 300), ReLU(), Dense(300, 70), ReLU(), Dense(70, 3))
    changes: tuple[dict[str, Any], ...] = (
        {"batch_size": 16, "ramp": 0.5},
        {"optimizer": Adam(0.02, schedule=Cosine()), "polish": Polish(30)},
        {"early_stopping": EarlyStopping(3, tolerance=1e-3), "epochs": 60},
        {"layers": (dense, ReLU(), Dropout(0.4), Dense(9, 3)), "batch_size": 50},
        {"batch_losses": True, "batch_size": 7},
        {"layers": wide, "epochs": 4, "penalty": "group over inputs"},
    )  # fmt: skip
    common: dict[str, Any] = {"dtype": np.float32, "rows": 130, "penalty": "L1", "epochs": 20}
    jobs += [make_job(**(common | each)) for each in changes]
    assert_same_bits(jobs, monkeypatch)


@pytest.mark.filterwarnings("ignore:.*no penalty that holds large ones")
@pytest.mark.parametrize("little", [L1(1e-36), MCP(1e-36, 1.5)])
def test_what_a_prox_leaves_below_the_normal_numbers_is_zero_without_a_sign(little: Penalty, monkeypatch: Any) -> None:
    job = make_job(optimizer=SGD(0.05), dtype=np.float32, rows=20)
    w1, b1, w2, b2 = job.start
    b1[..., ::2] = -100  # units that see no row: what becomes of their weights, the penalty decides alone
    w1 = w1 * np.float32(1e-36)
    assert (np.abs(w1) >= np.finfo(np.float32).tiny).all()
    job = replace(job, penalties=(little, Sum(), little, Sum()), start=(w1, b1, w2, b2))
    jobs = [replace(job, epochs=steps) for steps in range(1, 40)]  # a step later the sign would have gone
    assert_same_bits(jobs, monkeypatch)
    last = train_in_node(jobs)[-1]["parameters"][0]
    assert (w1 < 0)[last == 0].any()


def test_weights_that_sink_below_the_normal_numbers_have_the_native_bits(monkeypatch: Any) -> None:
    jobs = []
    for optimizer in OPTIMIZERS:
        job = make_job(optimizer=optimizer, dtype=np.float32, rows=20, epochs=400)
        w1, b1, w2, b2 = job.start
        b1[..., ::2] = -100  # units that see no row: their weights know the penalty alone, and their moments fade
        penalties = (L2(3.0), Sum(), L2(3.0), Sum())
        jobs.append(replace(job, penalties=penalties, start=(w1 * np.float32(1e-20), b1, w2, b2)))
    assert_same_bits(jobs, monkeypatch)
    weights = np.concatenate([w.ravel() for results in train_in_node(jobs) for w in results["parameters"]])
    assert (np.abs(weights[weights != 0]) >= np.finfo(np.float32).tiny).all()
    assert (weights == 0).any()


def test_fused_multiply_adds_change_the_last_digits_alone(monkeypatch: Any) -> None:
    cases = CASES[::29]
    early, late = ([replace(job_of(*case), epochs=epochs) for case in cases] for epochs in (10, STEPS))
    assert all(alike(early, monkeypatch))
    # Later a unit's kink is met a step earlier, and RMSProp at a constant rate never rests: there digits drift apart.
    rested = [
        same for case, same in zip(cases, alike(late, monkeypatch), strict=True) if not isinstance(case[-1], RMSProp)
    ]
    assert np.mean(rested) > 0.95


def alike(jobs: list[Job], monkeypatch: Any) -> list[bool]:
    """Return of each job whether the weights, with fused multiply-adds and without, are the same to 1e-5."""
    both = zip(trained_natively(jobs, OTHER, monkeypatch), train_in_node(jobs), strict=True)
    return [
        all(
            np.allclose(a, b, rtol=1e-5, atol=1e-5, equal_nan=True)
            for a, b in zip(here["parameters"], there["parameters"], strict=True)
        )
        for here, there in both
    ]


def test_starts_are_numpys_draws() -> None:
    given = {
        "x": [0.1, 1.0, 2.0, -1.0, 3.0, 0.5],
        "classes": [0, 1, 0, 1, 0, 1],
        "fold": [0, 0, 0, 1, 1, 1],
        "hidden": [1000],
    }
    script = """
      const x = Float64Array.from(given.x);
      const classes = Int32Array.from(given.classes), fold = Int32Array.from(given.fold);
      return [0, 7, 123456789].map((seed) => {
        const problem = { hidden: [1000], x, classes, fold, rows: 6, columns: 1, folds: 2, seeds: [seed] };
        return ["relu", "tanh"].map((activation) => {
          const session = engine.train({ ...problem, activation }, { way: "still" });
          return session.weights().map((array) => array.values);
        });
      });
    """
    for seed, (relu, tanh) in zip((0, 7, 123456789), run_in_node(script, given), strict=True):
        draws = np.random.default_rng(seed)
        assert relu[0] == (np.sqrt(2.0) * draws.standard_normal(1000)).astype(np.float32).tolist()
        np.testing.assert_array_equal(relu[2], (np.sqrt(2 / 1000) * draws.standard_normal(2000)).astype(np.float32))
        draws = np.random.default_rng(seed)
        bound = np.sqrt(6 / 1001)
        np.testing.assert_array_equal(tanh[0], draws.uniform(-bound, bound, 1000).astype(np.float32))


def test_its_bytes_are_what_the_sources_give() -> None:
    script = Path(__file__).parents[1] / "tools/build_wasm.py"
    ran = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, check=False, env=os.environ
    )
    if "is missing" in ran.stderr:
        pytest.skip("ziglang is not installed")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_it_is_small() -> None:
    assert len(gzip.decompress(WASM.read_bytes())) <= 150_000


# Its numbers are of whole ones: browsers and Node round Math.sin differently.
PROBLEM = """
  const rows = 60, x = new Float64Array(2 * rows).map((_, k) => ((7 * k ** 3 + 3 * k) % 1009) / 256 - 2 + (k % 2));
  const classes = Int32Array.from({ length: rows }, (_, k) => Number(x[2 * k] * x[2 * k + 1] > 0));
  const problem = { x, rows, columns: 2, classes, classCount: 2, hidden: [8], folds: 3, epochs: 40, seeds: [3, 4] };
"""


def test_a_training_goes_on_from_its_weights_when_it_is_changed() -> None:
    script = (
        PROBLEM
        + """
      const session = engine.train(problem, { strength: 1e-4, fold: 0 });
      const found = { epochs: [session.advance(100), session.advance(50)], before: session.measure() };
      found.weights = session.weights().map((array) => array.values);
      found.outputs = session.outputs(x, rows);
      session.replaceRows(x.map((v, k) => v + Math.cos(k)));
      found.replaced = session.measure();
      session.replaceRows(x);
      session.change({ strength: 0.2, l1Ratio: 1 });
      found.changed = session.measure();
      session.advance(400);
      found.after = session.measure();
      return found;
    """
    )
    found = run_in_node(script, {})
    assert found["epochs"] == [100, 150]
    before, changed, after = (found[name] for name in ("before", "changed", "after"))
    assert changed["dataLoss"] == before["dataLoss"]
    assert changed["penalty"] > before["penalty"]
    assert before["zeros"][0] < 0.5 < after["zeros"][0]
    assert found["replaced"]["dataLoss"] > before["dataLoss"]
    assert np.isfinite(before["heldoutLoss"])
    assert np.shape(found["outputs"]) == (120,)
    assert [len(each) for each in found["weights"]] == [16, 8, 16, 2]


def test_a_path_is_the_same_on_any_number_of_workers_and_stops() -> None:
    script = (
        PROBLEM
        + """
      const paths = [];
      for (const count of [1, 3]) {
        const pool = new Pool(workers(count), bytes);
        await pool.ready;
        let partial = null;
        const run = pool.path(problem, { strengths: 5, progress: (each) => (partial = each) });
        const path = await run.result;
        paths.push({ ...path, partial, seen: await pool.outputs(problem, path.networks[2], x, rows) });
      }
      const pool = new Pool(workers(1), bytes);
      await pool.ready;
      const run = pool.path(problem, { strengths: 5 }), reports = [];
      setTimeout(() => run.stop(), 20);
      const stopped = await run.result.catch((error) => error.message);
      const report = (each) => reports.push(each.measure.epoch);
      const live = pool.train(problem, { strength: 0.01, every: 5, report });
      await new Promise((resolve) => setTimeout(resolve, 300));
      live.stop();
      return { paths, stopped, reports };
    """
    )
    found = run_in_node(script, {})
    one, three = found["paths"]
    assert one.pop("partial")["total"] == three.pop("partial")["total"] == 6 * 8 + 8
    assert one == three
    assert found["stopped"] == "stopped"
    assert found["reports"] == sorted(found["reports"])
    assert found["reports"][-1] > 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("{ x: new Float64Array(3) }", "x needs 60 x 2 numbers"),
        ("{ rate: 0 }", "learning rate is a number above 0"),
        ("{ classCount: 1 }", "Classes are whole numbers from 0 to 0"),
        ("{ loss: 'squared_error' }", "squared_error is a loss of numbers"),
        ("{ hidden: [1, 2, 3, 4] }", "0 to 3 hidden layers"),
        ("{ penalty: { l1Ratio: 2 } }", "l1Ratio lies from 0"),
        ("{ folds: 61 }", "folds is a whole number from 2 to 60"),
    ],
)
def test_what_is_wrong_with_a_problem_is_said(change: str, says: str) -> None:
    script = (
        PROBLEM + f"try {{ engine.train({{ ...problem, ...{change} }}); }} catch (error) {{ return error.message; }}"
    )
    assert says in run_in_node(script, {})
