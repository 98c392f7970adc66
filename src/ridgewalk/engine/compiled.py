"""The compiled engine: C++ kernels, one thread per run, with the same results as the reference.

    job  ->  arrays and numbers  ->  threads (native/)  ->  Fits

This module only converts data; the computation is in ``native/``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
from scipy.sparse import issparse

from ridgewalk.arrays import Array, Integers
from ridgewalk.constants import POLL
from ridgewalk.engine import memory, native
from ridgewalk.engine.job import Fits, History, Job, Keep, thread_count
from ridgewalk.engine.native.plan import FoldPlan, MapPlan, OptimizerPlan, PenaltyPlan, Plan, RowsPlan, TablePlan
from ridgewalk.engine.progress import Progress, StoppedError
from ridgewalk.folds import Fold
from ridgewalk.input_maps import InputMap, Kind
from ridgewalk.layers import GELU, Dense, Dropout, Layer, LeakyReLU, ReLU, Sigmoid, Tanh
from ridgewalk.losses import AbsoluteError, BinaryCrossEntropy, CrossEntropy, Huber, Poisson, SquaredError
from ridgewalk.objective import mean_weights
from ridgewalk.optimizers import SGD, AdaGrad, Adam, AdamW, Cosine, InverseTime, RMSProp, Steps
from ridgewalk.penalties import L1, L2, MCP, GroupLasso, GroupMCP, Penalty, Strength, Terms, concavity_of, parts
from ridgewalk.threads import ends_with_interpreter

# As native/plan.hpp calls them; penalties return their terms.
_LAYERS: dict[type, str] = {
    Dense: "dense", ReLU: "relu", LeakyReLU: "leaky_relu", Tanh: "tanh", Sigmoid: "logistic", GELU: "gelu",
    Dropout: "dropout",
}  # fmt: skip
_LOSSES: dict[type, str] = {
    CrossEntropy: "cross_entropy", BinaryCrossEntropy: "binary_cross_entropy", SquaredError: "squared_error",
    AbsoluteError: "absolute_error", Huber: "huber", Poisson: "poisson",
}  # fmt: skip
_OPTIMIZERS: dict[type, str] = {SGD: "sgd", AdaGrad: "adagrad", RMSProp: "rmsprop", Adam: "adam", AdamW: "adam"}
_SCHEDULES: dict[type, str] = {InverseTime: "inverse_time", Cosine: "cosine", Steps: "steps"}
_PENALTIES = (L1, L2, GroupLasso, MCP, GroupMCP)

_POLL = POLL / 1000  # seconds


def supports(job: Job) -> str | None:
    """Return what the compiled engine does not support in a job, or None."""
    simple = [part for penalty in job.penalties for part in parts(penalty)]
    used = [
        *(("layer", layer, _LAYERS) for layer in job.network.layers),
        ("loss", job.loss, _LOSSES),
        ("optimizer", job.optimizer, _OPTIMIZERS),
        ("schedule", job.optimizer.schedule, _SCHEDULES),
        *(("penalty", part, _PENALTIES) for part in simple),
    ]
    missing = [f"it has no {noun} {type(thing).__name__}" for noun, thing, known in used if type(thing) not in known]
    if job.dtype not in (np.float32, np.float64):
        missing.append(f"it computes in float32 or float64, not in {job.dtype}")
    if job.ordered and job.batch_size is not None:
        missing.append("it draws its batches at random")
    if job.standing is not None:
        missing.append("its optimizers always begin anew")
    if job.early_stopping and job.early_stopping.divisor > 1:
        missing.append("its rates do not follow the loss")
    if any(isinstance(layer, LeakyReLU) and layer.slope < 0 for layer in job.network.layers):
        missing.append("its LeakyReLU has no negative slope")
    if issparse(job.x) and not isinstance(job.network.layers[0], Dense):
        missing.append(f"with a sparse x the first layer is Dense, not {type(job.network.layers[0]).__name__}")
    return missing[0] if missing else None


def check_supported(job: Job) -> None:
    """Check that the compiled engine can train a job.

    Raises
    ------
    NotImplementedError
        If :func:`supports` names something that it cannot do.
    """
    missing = supports(job)
    if missing:
        raise NotImplementedError(f'The compiled engine cannot train this job: {missing}. Use engine="reference".')


def train(
    job: Job,
    n_jobs: int = 1,
    progress: Progress | None = None,
    keep: Keep | None = None,
    level: str | None = None,
) -> Fits:
    """Train every run of a job (:func:`ridgewalk.engine.train`); several threads share a run if there are few runs.

    ``keep`` is given each run soon after it has finished, whatever becomes of the others. ``level`` is an instruction
    set, by default the one that :func:`ridgewalk.engine.native.load` takes.

    Raises
    ------
    NotImplementedError
        If :func:`supports` names something that this engine cannot do.
    """
    progress = progress or Progress()
    check_supported(job)
    threads = thread_count(n_jobs)
    if progress.stop:
        raise StoppedError
    memory.check(memory.needed(memory.Size.of_job(job), threads), threads)
    level, kernels = native.load(level)
    plan = _plan(job, kernels)
    history = _fits(plan, level).history
    if history:
        progress.histories.append(history)
    with ends_with_interpreter(partial(setattr, progress, "stop", True)):
        with _told(threads):
            handle = kernels.start(plan, threads)
        counted, kept = 0, np.zeros(job.runs, dtype=bool)

        def look() -> None:
            """Store and count finished runs, and stop if the progress requests it."""
            nonlocal counted
            if keep:
                new = np.flatnonzero(np.frombuffer(handle.finished(), dtype=bool) & ~kept)
                if new.size:
                    keep(new, _fits(plan, level).part(new))
                    kept[new] = True
            done = handle.done
            progress.add(done - counted)
            counted = done
            if progress.stop:
                handle.stop()

        try:
            while not handle.wait(_POLL, look):
                look()
        finally:  # Ctrl-C above all: what is finished is kept
            handle.stop()
            while not handle.wait(_POLL, _nothing):
                pass
            finished = plan["finished"]
            if not finished.all():
                progress.finished_runs, progress.finished = np.flatnonzero(finished), _fits(plan, level).part(finished)
            look()
        with _told(threads):
            handle.check()
        if not finished.all():
            raise StoppedError
    return _fits(plan, level)


def _nothing() -> None:
    """Do nothing."""


@contextmanager
def _told(threads: int) -> Iterator[None]:
    """Raise an error of the engine with advice on what to do."""
    try:
        yield
    except MemoryError:
        raise MemoryError(
            "The memory ran out in the middle of the training. Train fewer strengths, folds or seeds at a time, use "
            f"fewer threads (n_jobs is {threads}), float32, or narrower layers, or end other programs."
        ) from None
    except RuntimeError as error:
        raise RuntimeError(
            f"The engine came upon what it does not know ({error}). Train again with n_jobs=1, or with "
            'engine="reference"; if it comes again, it is a fault of ridgewalk: please report it.'
        ) from error


def peak_flops(seconds: float = 0.2) -> float:
    """Measure the fused multiply-adds of one core: floating-point operations per second, float32, two each."""
    return native.load()[1].peak_flops(seconds)


def _plan(job: Job, kernels: native.Kernels) -> Plan:
    """Flatten a job, and allocate its results; the keys are read in native/module.cpp."""
    runs = job.runs
    marks = job.marks
    shape = (runs, len(marks))
    stopping, polish = job.early_stopping, job.polish
    return {
        "single": job.dtype == np.float32,
        "layers": [
            {
                "kind": kernels.layers.index(_LAYERS[type(layer)]),
                "inputs": layer.inputs if isinstance(layer, Dense) else 0,
                "units": layer.units if isinstance(layer, Dense) else 0,
                "parameter": _parameter(layer),
            }
            for layer in job.network.layers
        ],
        "loss": kernels.losses.index(_LOSSES[type(job.loss)]),
        "delta": job.loss.delta if isinstance(job.loss, Huber) else 0.0,
        "optimizer": _optimizer(job, kernels),
        "penalties": [
            _penalty(penalty, w[0], kernels)
            for penalty, w in zip(job.objective(np.arange(runs)).penalties, job.start, strict=True)
        ],
        "x": _x(job),
        "target": np.ascontiguousarray(job.target, dtype=np.float64),
        "folds": [_fold(fold, kernels) for fold in job.folds],
        "runs": runs,
        "fold": np.ascontiguousarray(job.fold, dtype=np.int64),
        "seeds": np.ascontiguousarray(job.seeds, dtype=np.int64),
        "start": [np.ascontiguousarray(array) for array in job.start],
        "epochs": job.epochs,
        "batch_size": job.batch_size or 0,
        "ramp": job.ramp,
        "polish_steps": polish.steps if polish else -1,
        "polish_tolerance": polish.tolerance if polish else 0.0,
        "patience": stopping.patience if stopping else -1,
        "patience_tolerance": stopping.tolerance if stopping else 0.0,
        "watches_objective": stopping.watched == "objective" if stopping else False,
        "batch_losses": job.batch_losses,
        "marks": marks.tolist(),
        "parameters": [np.full(array.shape, np.nan, dtype=job.dtype) for array in job.start],
        "data_loss": np.full(runs, np.nan),
        "penalty": np.full(runs, np.nan),
        "validation_loss": np.full(runs, np.nan),
        "residual": np.full(runs, np.nan),
        "trained": np.zeros(runs, dtype=np.int64),
        "diverged": np.zeros(runs, dtype=bool),
        "finished": np.zeros(runs, dtype=bool),
        "history_data_loss": np.full(shape, np.nan),
        "history_penalty": np.full(shape, np.nan),
        "history_validation_loss": np.full(shape, np.nan),
        "history_zeros": np.full((*shape, len(job.start)), np.nan),
        "history_norms": np.full((*shape, len(job.start)), np.nan),
    }


def _parameter(layer: Layer) -> float:
    match layer:
        case LeakyReLU():
            return layer.slope
        case Dropout():
            return layer.rate
        case _:
            return 0.0


def _optimizer(job: Job, kernels: native.Kernels) -> OptimizerPlan:
    optimizer, schedule = job.optimizer, job.optimizer.schedule
    a, b = 0.0, 0.0
    if isinstance(schedule, InverseTime):
        a = schedule.decay
    elif isinstance(schedule, Steps):
        a, b = float(schedule.every), schedule.factor
    plan: OptimizerPlan = {
        "kind": kernels.optimizers.index(_OPTIMIZERS[type(optimizer)]),
        "rate": optimizer.learning_rate,
        "first": 0.0,
        "second": 0.0,
        "epsilon": 0.0,
        "decay": 0.0,
        "nesterov": False,
        "schedule": kernels.schedules.index(_SCHEDULES[type(schedule)]),
        "schedule_a": a,
        "schedule_b": b,
    }
    match optimizer:
        case SGD():
            plan |= {"first": optimizer.momentum, "nesterov": optimizer.nesterov}
        case AdaGrad():
            plan |= {"epsilon": optimizer.epsilon}
        case RMSProp():
            plan |= {"second": optimizer.rho, "epsilon": optimizer.epsilon}
        case Adam():
            plan |= {"first": optimizer.beta_1, "second": optimizer.beta_2, "epsilon": optimizer.epsilon}
            if isinstance(optimizer, AdamW):
                plan["decay"] = optimizer.weight_decay
    return plan


def _penalty(penalty: Penalty, w: Array, kernels: native.Kernels) -> PenaltyPlan:
    terms: Terms = {}
    for part in parts(penalty):
        assert isinstance(part, _PENALTIES)  # supports() saw to it
        terms |= part.terms(w)
    inputs, units = w.shape
    over = terms.get("over")
    member = terms.get("member")
    return {
        "l1": _strengths(terms.get("l1"), inputs, w.dtype),
        "l2": _strengths(terms.get("l2"), inputs, w.dtype),
        "group": _strengths(terms.get("group"), units if over == "units" else inputs, w.dtype),
        "over": kernels.over.index(over or "none"),
        "member": None if member is None else member.astype(np.int32),
        "groups": 0 if member is None else int(member.max()) + 1,
        "concavity": concavity_of(penalty),
    }


def _strengths(weights: Strength | None, count: int, dtype: np.dtype[np.floating]) -> Array | None:
    """Reshape strengths of shape (R, P, 1), (R, 1, Q), (P, 1), (1, Q) or () to (R or 1, count)."""
    if weights is None:
        return None
    values = np.asarray(weights, dtype=dtype)
    flat = values.reshape(values.shape[0] if values.ndim == 3 else 1, -1)
    return np.ascontiguousarray(np.broadcast_to(flat, (flat.shape[0], count)))


def _x(job: Job) -> TablePlan:
    x, outputs = job.x, job.target.shape[1]
    plan: TablePlan = {
        "singles": None, "doubles": None, "starts": None, "columns": None, "columns_of_x": x.shape[1],
        "inputs": job.network.shapes[0][0], "outputs": outputs, "mapped": job.mapped,
    }  # fmt: skip
    entries: Array
    if isinstance(x, np.ndarray):
        entries = np.ascontiguousarray(x, dtype=np.float32 if x.dtype == np.float32 else np.float64)
    else:
        if not x.has_canonical_format:
            x = x.copy()
            x.sum_duplicates()
        entries = np.ascontiguousarray(x.data, dtype=np.float32 if x.dtype == np.float32 else np.float64)
        plan |= {"starts": x.indptr.astype(np.int64), "columns": x.indices.astype(np.int32)}
    if entries.dtype == np.float32:
        plan["singles"] = entries
    else:
        plan["doubles"] = entries
    return plan


def _fold(fold: Fold, kernels: native.Kernels) -> FoldPlan:
    return {
        "training": _rows(fold.weights),
        "validation": None if fold.validation is None or not fold.validation.any() else _rows(fold.validation),
        "center": _doubles(fold.center),
        "scale": _doubles(fold.scale),
        "target_center": _doubles(fold.target_center),
        "target_scale": _doubles(fold.target_scale),
        "map": None if fold.inputs is None else _map(fold.inputs, kernels),
    }


def _map(inputs: InputMap, kernels: native.Kernels) -> MapPlan:
    numbers = np.array([kernels.map_kinds.index(kind.name.lower()) for kind in Kind], dtype=np.int32)
    return {
        "column": inputs.column.astype(np.int32),
        "kind": numbers[inputs.kind],
        "center": _doubles(inputs.center),
        "scale": _doubles(inputs.scale),
    }


def _doubles(values: Array) -> Array:
    return np.ascontiguousarray(values, dtype=np.float64)


def _rows(weights: Array) -> RowsPlan:
    numbers: Integers = np.flatnonzero(weights > 0)
    used = weights[numbers].astype(np.float64)
    return {"numbers": numbers, "weights": used, "mean_weights": mean_weights(used), "count": len(numbers)}


def _fits(plan: Plan, level: str) -> Fits:
    history = History(
        np.array(plan["marks"]),
        plan["history_data_loss"],
        plan["history_penalty"],
        plan["history_validation_loss"],
        plan["history_zeros"],
        plan["history_norms"],
    )
    return Fits(
        parameters=tuple(plan["parameters"]),
        data_loss=plan["data_loss"],
        penalty=plan["penalty"],
        validation_loss=plan["validation_loss"],
        residual=plan["residual"],
        epochs=plan["trained"],
        diverged=plan["diverged"],
        history=history if plan["marks"] else None,
        engine=native.engine_name(level),
    )
