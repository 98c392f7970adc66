"""Record what 30 fits come out as, to the bit; or compare with what was recorded.

    python tools/path_bits.py --record FILE     before a change that must not change any number
    python tools/path_bits.py FILE              after it; exit code 1 where a number differs

Every case fits an estimator (a path, an input selection, a training at one strength) on data drawn here, and hashes
the arrays of its path, the parameters of its networks, its predictions and, for some, the numbers of its diagnosis.
With the kernels for x86-64-v2 every bit must be the same, in float32 and in float64; with those for v3 and v4, held-out
losses and predictions must agree to 1e-6.
OpenBLAS and NumPy are held to code that any x86-64 processor of the last ten years runs, so that a recording is good on
another machine, too, with the same versions of NumPy and SciPy. A comparison that was cut goes on where it was
(tools/steps.py).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

INSTRUCTIONS = "RIDGEWALK_INSTRUCTION_SET"
EXACT, OTHERS = "x86-64-v2", ("x86-64-v3", "x86-64-v4")
FIXED = {
    "OPENBLAS_CORETYPE": "Nehalem",
    "OPENBLAS_NUM_THREADS": "1",
    "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR AVX2 FMA3",
}
TOLERANCE = 1e-6
DIAGNOSED = ("two classes", "numbers, float64", "selecting inputs")
PATH_ARRAYS = (
    "alphas", "heldout_loss", "fold_row_loss", "null_row_loss", "train_loss", "objective", "penalty", "source",
    "layer_zeros", "inputs_kept", "units_kept", "residual", "n_iter", "diverged", "parameters",
)  # fmt: skip


def cases() -> dict[str, Callable[[], tuple[Any, Any]]]:
    """Name every case, and what fits it: a function that returns the fitted estimator and rows to predict."""
    import numpy as np
    from scipy.sparse import csr_array, random_array

    from ridgewalk import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV

    draws = np.random.default_rng(0)
    x = draws.normal(size=(120, 6))
    signal = x[:, 0] * x[:, 1] + np.abs(x[:, 2]) + 0.3 * draws.normal(size=120)
    two, three = (signal > np.median(signal)).astype(int), np.digitize(signal, np.quantile(signal, [0.3, 0.7]))
    labels = np.column_stack([two, x[:, 3] > 0]).astype(int)
    counts = draws.poisson(np.exp(np.clip(signal, -2, 2)))
    several = np.column_stack([signal, 3 * x[:, 4] + signal])
    weights = draws.uniform(0.2, 2, size=120)
    sparse = csr_array(random_array((120, 30), density=0.2, rng=np.random.default_rng(1)))
    wide = draws.normal(size=(60, 90))
    few = {"alphas": 6, "cv": 3, "n_seeds": 2, "max_iter": 60, "random_state": 0, "n_jobs": 2}
    small = (4,)

    def classes(y: Any = two, hidden: Any = small, rows: Any = x, **changes: Any) -> Callable[[], tuple[Any, Any]]:
        given = few | changes
        fitted = {"sample_weight": given.pop("sample_weight", None)}
        return lambda: (MLPClassifierCV(hidden, **given).fit(rows, y, **fitted), rows[:40])

    def numbers(y: Any = signal, hidden: Any = small, rows: Any = x, **changes: Any) -> Callable[[], tuple[Any, Any]]:
        return lambda: (MLPRegressorCV(hidden, **few | changes).fit(rows, y), rows[:40])

    def one(kind: Any, y: Any, **changes: Any) -> Callable[[], tuple[Any, Any]]:
        return lambda: (kind(small, **{"max_iter": 40, "random_state": 0} | changes).fit(x, y), x[:40])

    double = {"dtype": "float64"}
    return {
        "two classes": classes(),
        "two classes, float64": classes(**double),
        "three classes, two layers": classes(three, (5, 3), activation="tanh"),
        "several labels": classes(labels),
        "L2 alone, no seeds": classes(l1_ratio=0.0, n_seeds=1),
        "three ratios": classes(l1_ratio=[0.1, 0.5, 1.0], selection="1se"),
        "group lasso": classes(penalty="group_lasso", **double),
        "groups of columns": classes(penalty="group_lasso", groups=[0, 0, 1, 1, 2, 3]),
        "sequential": classes(schedule="sequential"),
        "sequential, float64": classes(three, schedule="sequential", **double),
        "minibatches": classes(three, batch_size=16, max_iter=20),
        "qut": classes(alphas="qut", cv=2, n_seeds=1, max_iter=20),
        "selecting inputs": classes(select_inputs=True, max_iter=30),
        "relaxed": numbers(relax=True, max_iter=30, **double),
        "a linear path": classes(three, ()),
        "a linear path of numbers": numbers(hidden=(), l1_ratio=1.0),
        "a relaxed linear path": numbers(hidden=(), relax=True),
        "weighted rows": classes(sample_weight=weights, **double),
        "classes in balance": classes(three, class_weight="balanced", ensemble=True),
        "sparse": classes(rows=sparse),
        "wide": numbers(draws.normal(size=60) + wide[:, 0], rows=wide),
        "numbers": numbers(activation="gelu"),
        "numbers, float64": numbers(**double),
        "two targets": numbers(several, **double),
        "counts": numbers(counts, loss="poisson"),
        "absolute error": numbers(loss="absolute_error", standardize=False),
        "penalized biases, factors": numbers(
            loss="huber", bias_alpha=0.01, layer_factors=(1.0, 2.0), penalty_factors=(0, 1, 1, 2, np.inf, 1)
        ),
        "the reference engine": classes(engine="reference", max_iter=15, cv=2),
        "scored, given strengths": classes(three, scoring="accuracy", alphas=[0.001, 0.01, 0.1]),
        "one strength": one(MLPClassifier, three, alpha=0.01, l1_ratio=0.5, n_seeds=2),
        "one strength, stopped early": one(MLPRegressor, signal, early_stopping=True, solver="sgd", batch_size=16),
    }


def digest(arrays: Any) -> str:
    """Hash arrays, or tuples of them, with their types and shapes."""
    import numpy as np

    found = hashlib.sha256()
    for array in arrays if isinstance(arrays, tuple | list) else [arrays]:
        values = np.ascontiguousarray(array)
        found.update(f"{values.dtype.str}{values.shape}".encode() + values.tobytes())
    return found.hexdigest()[:16]


def outcome(model: Any, rows: Any, diagnosed: bool) -> dict[str, Any]:
    """Hash everything that a fit left, with the numbers of its diagnosis if asked; give a few numbers as they are."""
    import numpy as np

    predicted = model.predict_proba(rows) if hasattr(model, "predict_proba") else model.predict(rows)
    networks = [array for each in model.models_ for array in each.parameters]
    hashes = {"predictions": digest(np.asarray(predicted)), "networks": digest(networks)}
    numbers = [float(each) for each in np.asarray(predicted, dtype=float).ravel()[:20]]
    for name in ("path_", "linear_path_"):
        path = getattr(model, name, None)
        if path is not None:
            hashes |= {f"{name}{array}": digest(getattr(path, array)) for array in PATH_ARRAYS}
            numbers += [float(each) for each in path.heldout_loss.mean(axis=(1, 2))]
    for name in ("alpha_", "gain_", "gain_error_", "linear_loss_"):
        if hasattr(model, name):
            hashes[name] = repr(float(getattr(model, name)))
    if diagnosed:
        hashes["diagnosis"] = hashlib.sha256(repr(model.diagnose(references=False).numbers).encode()).hexdigest()[:16]
    return {"hashes": hashes, "numbers": numbers}


def fitted(only: list[str]) -> dict[str, Any]:
    """Fit every case in this process."""
    warnings.simplefilter("ignore")
    chosen = {name: fit for name, fit in cases().items() if not only or name in only}
    return {name: outcome(*fit(), diagnosed=name in DIAGNOSED) for name, fit in chosen.items()}


def in_a_process_of_its_own(level: str, only: list[str]) -> dict[str, Any]:
    """Fit every case with an instruction set; nothing where this processor, or this build, lacks it."""
    from ridgewalk.engine import native

    if level not in native.levels():
        return {}
    command = [sys.executable, __file__, "--fit", *only]
    done = subprocess.run(command, env=os.environ | FIXED | {INSTRUCTIONS: level}, capture_output=True, check=False)
    if done.returncode:
        sys.exit(done.stderr.decode())
    return dict(json.loads(done.stdout))


def differences(was: dict[str, Any], now: dict[str, Any], exact: bool) -> list[str]:
    """Return what differs between two outcomes of one case."""
    import numpy as np

    if exact:
        both = was["hashes"] | now["hashes"]
        return [name for name in both if was["hashes"].get(name) != now["hashes"].get(name)]
    before, after = np.array(was["numbers"]), np.array(now["numbers"])
    same = before.shape == after.shape and np.allclose(before, after, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    return [] if same else ["held-out losses or predictions"]


def main() -> None:
    """Record, or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", help="the recording")
    parser.add_argument("--record", action="store_true", help="write the recording instead of comparing with it")
    parser.add_argument("--fit", nargs="*", metavar="CASE", help=argparse.SUPPRESS)
    parser.add_argument("--only", nargs="+", default=[], metavar="CASE", help="cases to compare")
    options = parser.parse_args()
    if options.fit is not None:
        print(json.dumps(fitted(options.fit)))
        return
    if options.file is None:
        parser.error("give the file of the recording")
    if options.record:
        found = {level: in_a_process_of_its_own(level, options.only) for level in (EXACT, *OTHERS)}
        for level in OTHERS:  # their bits may differ
            for each in found[level].values():
                del each["hashes"]
        options.file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(f"{len(found[EXACT])} cases recorded, with {', '.join(level for level in found if found[level])}")
        return
    import steps  # beside this file

    notes, content = steps.Notes("path_bits"), options.file.read_bytes()
    recorded, compared, wrong = json.loads(content), 0, 0
    for level in (EXACT, *OTHERS):
        step = f"{level}, {hashlib.sha256(content).hexdigest()}, {options.only}"
        if step not in notes.passed:
            outcomes, before = in_a_process_of_its_own(level, options.only), wrong
            for name, now in outcomes.items():
                if name in recorded[level]:
                    for what in differences(recorded[level][name], now, exact=level == EXACT):
                        wrong += 1
                        print(f"{level}, {name}: {what} differs", flush=True)
            compared += len(outcomes)
            if wrong == before:
                notes.note(step, len(outcomes))
        else:
            compared += notes.passed[step]
    print(f"{compared} outcomes compared: {wrong} differences")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
