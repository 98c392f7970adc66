"""The engines that benchmarks/engine.py compares, and the worker process that each of them lives in.

    prepare  ->  ready (back to the start, rows and batches at hand)  ->  run (this alone is timed)  ->  weights

Every engine trains the same models: float32, ReLU, softmax cross-entropy, SGD with momentum 0.9 and a constant rate,
J = mean loss + l2 * sum of squared weights. The same strength elsewhere:

    PyTorch        weight_decay = 2 * l2 on a group of the weights, 0 on the biases
    scikit-learn   alpha = 2 * l2 * rows of a batch      (it halves alpha and divides it by the batch)

ridgewalk applies the penalty by its prox, which is its gradient at the new weights, the others at the old ones: a step
differs by 2 * rate * l2 * (w_new - w), second order in the rate. At rest they agree.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import math
import os
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ridgewalk.arrays import Array, Integers, per_run
from ridgewalk.engine.job import Job
from ridgewalk.folds import Fold
from ridgewalk.layers import Arrays
from ridgewalk.losses import CrossEntropy
from ridgewalk.network import Network, layer_penalties, multilayer_perceptron
from ridgewalk.optimizers import SGD
from ridgewalk.rng import order
from ridgewalk.tutorial import spiral_data

FOLDS = 5
MOMENTUM = 0.9
DRAWN_EPOCHS = 8  # epochs whose batches are drawn beforehand; a longer run begins again with the first
LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "jax", "lassonet", "joblib", "threadpoolctl")


@dataclass(frozen=True)
class Task:
    """A network, its made-up data and its training.

    Attributes
    ----------
    batch : int or None
        Rows per step; None is the full batch.
    check : int
        Epochs after which the engines' losses are compared.
    models : int
        Models in the sample of the grid.
    """

    name: str
    inputs: int
    hidden: tuple[int, ...]
    classes: int
    rows: int
    batch: int | None
    rate: float
    l2: float
    check: int
    models: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """Width of every layer, from the inputs to the classes."""
        return (self.inputs, *self.hidden, self.classes)

    @property
    def unit(self) -> int:
        """Epochs that an engine which compiles its loop trains in one call."""
        return 25 if self.batch is None else 1

    @property
    def title(self) -> str:
        """The task in words."""
        step = "one full-batch step" if self.batch is None else f"one step of {self.batch} rows"
        return f"{self.name}: {'-'.join(map(str, self.sizes))}, {self.rows:,} rows, {step}"

    @property
    def network(self) -> Network:
        """The network as ridgewalk has it."""
        return multilayer_perceptron(self.inputs, self.hidden, self.classes)

    def data(self) -> tuple[Array, Integers]:
        """Draw x (N, P), float32, and labels (N,): the spiral, or classes that a random network tells apart."""
        if self.inputs == 2:
            x, labels = spiral_data(self.rows // self.classes, self.classes, 0)
            return x.astype(np.float32), labels
        generator = np.random.default_rng(0)
        x = generator.standard_normal((self.rows, self.inputs), dtype=np.float32)
        hidden = np.maximum(x @ generator.standard_normal((self.inputs, 32)) / math.sqrt(self.inputs), 0)
        logits = hidden @ generator.standard_normal((32, self.classes)) + generator.gumbel(
            size=(self.rows, self.classes)
        )
        return x, logits.argmax(axis=1)

    def used(self, fold: int | None) -> Integers:
        """Numbers of the rows that a fold trains on: all but every fifth; without a fold, all."""
        rows = np.arange(self.rows)
        return rows if fold is None else rows[rows % FOLDS != fold]

    def steps(self, fold: int | None) -> int:
        """Count the steps of an epoch."""
        rows = len(self.used(fold))
        return -(-rows // (self.batch or rows))

    def flops(self, fold: int | None) -> int:
        """Count one step's useful operations: 2 PQ a row forward, for dw, and for dx but in the first layer."""
        products = [below * above for below, above in pairwise(self.sizes)]
        return (6 * sum(products) - 2 * products[0]) * (self.batch or len(self.used(fold)))

    def start(self, seed: int) -> Arrays:
        """Weights (w1, b1, w2, b2, ...) that every engine starts from, float32."""
        return tuple(array.astype(np.float32) for array in self.network.start("he", seed))

    def batches(self, model: Model, epochs: int) -> list[Integers]:
        """Positions (steps, batch) in the fold's rows of every batch, epoch by epoch; none with the full batch."""
        rows = self.used(model.fold)
        if self.batch is None:
            return []
        if len(rows) % self.batch:
            raise ValueError(f"Task {self.name} needs whole batches, got {len(rows)} rows for batches of {self.batch}.")
        return [order(model.seed, epoch, rows).reshape(-1, self.batch) for epoch in range(epochs)]


TASKS = {
    "A": Task("A", 2, (128,), 3, 3_000, None, rate=0.1, l2=1e-3, check=200, models=24),
    "B": Task("B", 784, (256,), 10, 12_800, 128, rate=0.01, l2=1e-3, check=3, models=8),
    "C": Task("C", 54, (256, 256), 7, 20_480, 512, rate=0.02, l2=1e-3, check=5, models=8),
}


@dataclass(frozen=True)
class Model:
    """One model of the grid: its strength, the fold it trains on (None: all rows), and its seed."""

    l2: float
    fold: int | None
    seed: int


@cache
def shared_data(task: Task) -> tuple[Array, Integers]:
    """Draw the data once for all who ask."""
    return task.data()


@cache
def fold_rows(task: Task, fold: int | None) -> tuple[Array, Integers]:
    """Copy the rows of a fold, once for all its models."""
    x, labels = shared_data(task)
    used = task.used(fold)
    return np.ascontiguousarray(x[used]), labels[used]


class Engine(Protocol):
    """What every engine can do; it is made from a task, its models and the engine's own options."""

    compile_seconds: float
    """What compiling took, before the first step."""
    unit: int
    """Epochs that it trains in one call; every run is a multiple."""
    stops: int
    """How often each epoch is trained: once, or once for every strength of a path of its own."""

    def ready(self, epochs: int) -> None:
        """Go back to the start and lay out what ``epochs`` epochs need; never timed."""

    def run(self) -> None:
        """Train every model; this is timed."""

    def weights(self) -> list[Arrays]:
        """Return the weights of every model after the run."""

    def close(self) -> None:
        """End whatever was started."""


class _Plain:
    """Nothing is compiled, any number of epochs, each of them once."""

    compile_seconds = 0.0
    unit = 1
    stops = 1

    def close(self) -> None:
        """Hold nothing that has to be let go."""


class Ridgewalk(_Plain):
    """The package itself, by one of its engines; ``run`` is a call of ``train``: set-up and final losses included."""

    def __init__(self, task: Task, models: Sequence[Model], engine: str, n_jobs: int) -> None:
        self.train = importlib.import_module(f"ridgewalk.engine.{engine}").train
        self.n_jobs = n_jobs
        x, labels = shared_data(task)
        folds = sorted({model.fold for model in models}, key=str)
        network = task.network
        starts = [task.start(model.seed) for model in models]
        self.job = Job(
            network=network,
            loss=CrossEntropy(),
            penalties=layer_penalties(network, weight_l2=per_run([model.l2 for model in models])),
            optimizer=SGD(task.rate, momentum=MOMENTUM),
            x=x,
            target=CrossEntropy().encode(labels, task.classes),
            folds=tuple(
                Fold.plain(np.isin(np.arange(task.rows), task.used(fold)).astype(float), task.inputs, task.classes)
                for fold in folds
            ),
            fold=np.array([folds.index(model.fold) for model in models]),
            seeds=np.array([model.seed for model in models]),
            start=tuple(np.stack(arrays) for arrays in zip(*starts, strict=True)),
            epochs=0,
            batch_size=task.batch,
        )

    def ready(self, epochs: int) -> None:
        self.job = replace(self.job, epochs=epochs)

    def run(self) -> None:
        self.fits = self.train(self.job, n_jobs=self.n_jobs)

    def weights(self) -> list[Arrays]:
        return [tuple(array[k] for array in self.fits.parameters) for k in range(self.job.runs)]


class _OneByOne(_Plain):
    """An engine that trains its models one after the other; a subclass says how it trains one."""

    def __init__(self, task: Task, models: Sequence[Model]) -> None:
        self.task, self.models = task, models
        self.drawn = [task.batches(model, DRAWN_EPOCHS) for model in models]

    def epochs_of_batches(self, number: int) -> Iterator[Any]:
        """Batches of one model, epoch by epoch; with the full batch, None once an epoch."""
        drawn = self.drawn[number]
        return (drawn[epoch % DRAWN_EPOCHS] if drawn else (None,) for epoch in range(self.epochs))

    def ready(self, epochs: int) -> None:
        self.epochs = epochs
        self.states = [self.begin(number) for number in range(len(self.models))]

    def run(self) -> None:
        for number in range(len(self.models)):
            self.train(number)

    def begin(self, number: int) -> Any:
        """Make what the training of one model changes: weights, momentum."""
        raise NotImplementedError

    def train(self, number: int) -> None:
        """Train one model."""
        raise NotImplementedError


class PlainNumpy(_OneByOne):
    """NumPy by hand: one array of its own for everything that a step computes, nothing allocated on the way."""

    def __init__(self, task: Task, models: Sequence[Model]) -> None:
        super().__init__(task, models)
        rows = task.batch or len(task.used(models[0].fold))
        self.inputs = np.empty((rows, task.inputs), np.float32)
        self.layers = [np.empty((rows, units), np.float32) for units in task.sizes[1:]]
        self.slopes = [np.empty((rows, units), np.float32) for units in task.hidden]
        self.gradients = [np.empty_like(array) for array in task.start(0)]

    def begin(self, number: int) -> tuple[Arrays, Arrays]:
        start = self.task.start(self.models[number].seed)
        return start, tuple(np.zeros_like(array) for array in start)

    def train(self, number: int) -> None:
        model = self.models[number]
        x, labels = fold_rows(self.task, model.fold)
        for batches in self.epochs_of_batches(number):
            for batch in batches:
                if batch is None:
                    self._step(*self.states[number], x, labels, model.l2)
                else:
                    np.take(x, batch, axis=0, out=self.inputs, mode="clip")  # "clip" is the mode without a copy
                    self._step(*self.states[number], self.inputs, labels[batch], model.l2)

    def _step(self, w: Arrays, moves: Arrays, x: Array, labels: Integers, l2: float) -> None:
        dw, below, last = self.gradients, [x, *self.layers[:-1]], len(self.layers) - 1
        for k, dy in enumerate(self.layers):
            np.matmul(below[k], w[2 * k], out=dy)
            np.add(dy, w[2 * k + 1], out=dy)
            if k < last:
                np.maximum(dy, 0, out=dy)
        np.subtract(dy, dy.max(axis=1, keepdims=True), out=dy)
        np.exp(dy, out=dy)
        np.divide(dy, dy.sum(axis=1, keepdims=True), out=dy)
        dy[np.arange(len(dy)), labels] -= 1
        np.multiply(dy, 1 / len(dy), out=dy)
        for k in range(last, -1, -1):
            np.matmul(below[k].T, dy, out=dw[2 * k])
            dw[2 * k] += (2 * l2) * w[2 * k]
            dy.sum(axis=0, keepdims=True, out=dw[2 * k + 1])
            if k:
                np.matmul(dy, w[2 * k].T, out=self.slopes[k - 1])
                dy = np.multiply(self.slopes[k - 1], below[k] > 0, out=self.slopes[k - 1])
        for k, move in enumerate(moves):
            np.multiply(move, MOMENTUM, out=move)
            np.multiply(dw[k], self.task.rate, out=dw[k])
            np.subtract(move, dw[k], out=move)
            np.add(w[k], move, out=w[k])

    def weights(self) -> list[Arrays]:
        return [w for w, _ in self.states]


class ScikitLearn(_OneByOne):
    """MLPClassifier.fit, which draws its own batches; with ``own_batches=False`` partial_fit on everyone's.

    The second way is slower and only there to compare losses. ``n_jobs`` trains the models by joblib's processes.
    """

    def __init__(self, task: Task, models: Sequence[Model], own_batches: bool = True, n_jobs: int = 0) -> None:
        super().__init__(task, models)
        self.own_batches, self.pool, self.started = own_batches, None, ExitStack()
        self.rows = [fold_rows(task, model.fold) for model in models]
        self.fitted = [self._first(model) for model in models]
        if n_jobs:
            self._open_pool(n_jobs)

    def _first(self, model: Model) -> Any:
        """Fit a row of each class, so that every array is there; the numbers are overwritten before each run."""
        from sklearn.neural_network import MLPClassifier

        rows = self.task.batch or len(self.task.used(model.fold))
        classifier = MLPClassifier(
            self.task.hidden,
            solver="sgd",
            alpha=2 * model.l2 * rows,
            batch_size=rows,
            learning_rate_init=self.task.rate,
            max_iter=1,
            shuffle=self.task.batch is not None,
            random_state=model.seed,
            tol=0,
            n_iter_no_change=10**9,
            warm_start=True,
            momentum=MOMENTUM,
            nesterovs_momentum=False,
        )
        x, labels = fold_rows(self.task, model.fold)
        one_each = np.unique(labels, return_index=True)[1]
        return _fit(classifier, (x[one_each], labels[one_each]))

    def close(self) -> None:
        self.started.close()

    def _open_pool(self, n_jobs: int) -> None:
        """Start joblib's processes, with the rows in files that they map instead of copying."""
        from joblib import Parallel, delayed
        from joblib.externals.loky import get_reusable_executor

        folder = self.started.enter_context(tempfile.TemporaryDirectory())
        paths = {model.fold: Path(folder, f"fold {model.fold}") for model in self.models}
        for fold, path in paths.items():
            for array, name in zip(fold_rows(self.task, fold), ("x", "labels"), strict=True):
                np.save(f"{path} {name}.npy", array)
        self.rows = [
            tuple(np.load(f"{paths[model.fold]} {name}.npy", mmap_mode="r") for name in ("x", "labels"))
            for model in self.models
        ]
        self.pool = self.started.enter_context(Parallel(n_jobs, backend="loky", batch_size=1, pre_dispatch="all"))
        self.started.callback(get_reusable_executor().shutdown, kill_workers=True)
        self.pool(delayed(_fit)(*task) for task in zip(self.fitted, self.rows, strict=True))

    def begin(self, number: int) -> Any:
        classifier, start = self.fitted[number], self.task.start(self.models[number].seed)
        # Where it starts is set below, which fit takes up only as a warm start, and partial_fit only without one.
        classifier.set_params(max_iter=max(1, self.epochs), warm_start=self.own_batches)
        classifier.coefs_ = list(start[::2])
        classifier.intercepts_ = [array[0] for array in start[1::2]]
        return classifier

    def run(self) -> None:
        if self.pool is None:
            super().run()
        else:
            from joblib import delayed

            self.states = self.pool(delayed(_fit)(*task) for task in zip(self.states, self.rows, strict=True))

    def train(self, number: int) -> None:
        classifier, (x, labels) = self.states[number], self.rows[number]
        if self.own_batches:
            _fit(classifier, (x, labels))
            return
        del classifier._optimizer  # its momentum is that of another run
        for batches in self.epochs_of_batches(number):
            for batch in batches:
                classifier.partial_fit(x[batch], labels[batch])

    def weights(self) -> list[Arrays]:
        fitted = [
            tuple(array for w, b in zip(net.coefs_, net.intercepts_, strict=True) for array in (w, b[None]))
            for net in self.states
        ]
        if any(array.dtype != np.float32 for arrays in fitted for array in arrays):
            raise TypeError("scikit-learn left float32, so its time does not count.")
        return fitted


def _fit(classifier: Any, rows: tuple[Array, Integers]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that max_iter was reached is what was asked for
        return classifier.fit(*rows)


class _Torch(_OneByOne):
    """What both ways of PyTorch share: rows and batches as tensors."""

    def __init__(self, task: Task, models: Sequence[Model]) -> None:
        super().__init__(task, models)
        import torch

        self.torch = torch
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        self.drawn = [[list(torch.from_numpy(batches)) for batches in drawn] for drawn in self.drawn]
        tensors = {
            fold: tuple(map(torch.from_numpy, fold_rows(task, fold))) for fold in {model.fold for model in models}
        }
        self.rows = [tensors[model.fold] for model in models]

    def parameters(self, model: Model) -> list[Any]:
        """Copy the start as PyTorch wants it: weights (units, inputs), biases (units,)."""
        return [
            self.torch.from_numpy((array[0] if k % 2 else array.T).copy())
            for k, array in enumerate(self.task.start(model.seed))
        ]

    def arrays(self, tensors: Sequence[Any]) -> Arrays:
        """Return the weights as everyone else has them."""
        return tuple(
            tensor.detach().numpy()[None] if k % 2 else tensor.detach().numpy().T for k, tensor in enumerate(tensors)
        )


class TorchEager(_Torch):
    """PyTorch as it comes: a Sequential, cross_entropy, optim.SGD in one of its implementations."""

    def __init__(self, task: Task, models: Sequence[Model], optimizer: str) -> None:
        super().__init__(task, models)
        self.optimizer = optimizer
        layers: list[Any] = []
        for below, above in pairwise(task.sizes):
            layers += [self.torch.nn.Linear(below, above), self.torch.nn.ReLU()]
        self.net = self.torch.nn.Sequential(*layers[:-1])

    def begin(self, number: int) -> tuple[list[Any], Any]:
        model = self.models[number]
        parameters = [self.torch.nn.Parameter(tensor) for tensor in self.parameters(model)]
        groups = [{"params": parameters[::2], "weight_decay": 2 * model.l2}, {"params": parameters[1::2]}]
        sgd = self.torch.optim.SGD(groups, lr=self.task.rate, momentum=MOMENTUM, **{self.optimizer: True})
        return parameters, sgd

    def train(self, number: int) -> None:
        parameters, sgd = self.states[number]
        for layer, weight, bias in zip(self.net[::2], parameters[::2], parameters[1::2], strict=True):
            layer.weight, layer.bias = weight, bias
        x, labels = self.rows[number]
        net, cross_entropy = self.net, self.torch.nn.functional.cross_entropy
        for batches in self.epochs_of_batches(number):
            for batch in batches:
                sgd.zero_grad(set_to_none=True)
                if batch is None:
                    loss = cross_entropy(net(x), labels)
                else:
                    loss = cross_entropy(net(x.index_select(0, batch)), labels.index_select(0, batch))
                loss.backward()
                sgd.step()

    def weights(self) -> list[Arrays]:
        return [self.arrays(parameters) for parameters, _ in self.states]


class TorchCompiled(_Torch):
    """torch.compile of the whole step: batch, gradient and update in one graph."""

    def __init__(self, task: Task, models: Sequence[Model], mode: str | None = None) -> None:
        super().__init__(task, models)
        torch, functional = self.torch, self.torch.nn.functional

        def loss(parameters: list[Any], x: Any, labels: Any) -> Any:
            for k in range(0, len(parameters), 2):
                x = functional.linear(x, parameters[k], parameters[k + 1])
                if k < len(parameters) - 2:
                    x = functional.relu(x)
            return functional.cross_entropy(x, labels)

        def step(parameters: list[Any], moves: list[Any], x: Any, labels: Any, batch: Any, decay: Any) -> None:
            if batch is not None:
                x, labels = x.index_select(0, batch), labels.index_select(0, batch)
            gradients = torch.func.grad(loss)(parameters, x, labels)
            for k, (w, dw, move) in enumerate(zip(parameters, gradients, moves, strict=True)):
                move.mul_(MOMENTUM).add_(dw if k % 2 else dw + decay * w, alpha=-task.rate)
                w.add_(move)

        torch._dynamo.reset()
        self.step = torch.compile(step, dynamic=False, mode=mode)
        began = time.perf_counter()
        self.ready(1)
        with torch.no_grad():
            batch = next(iter(next(iter(self.epochs_of_batches(0)))))
            self.step(*self.states[0][:2], *self.rows[0], batch, self.states[0][2])
        self.compile_seconds = time.perf_counter() - began

    def begin(self, number: int) -> tuple[list[Any], list[Any], Any]:
        model = self.models[number]
        parameters = self.parameters(model)
        moves = [self.torch.zeros_like(w) for w in parameters]
        return parameters, moves, self.torch.tensor(2 * model.l2)  # a number would be compiled in, model by model

    def train(self, number: int) -> None:
        (parameters, moves, decay), (x, labels), step = self.states[number], self.rows[number], self.step
        with self.torch.no_grad():
            for batches in self.epochs_of_batches(number):
                for batch in batches:
                    step(parameters, moves, x, labels, batch, decay)

    def weights(self) -> list[Arrays]:
        return [self.arrays(parameters) for parameters, _, _ in self.states]


class Jax(_Plain):
    """JAX: lax.scan over the steps of one unit of epochs in one jit; all models at once by vmap, or one by one."""

    def __init__(self, task: Task, models: Sequence[Model], together: bool = False) -> None:
        import jax

        self.jax, self.task, self.models, self.together, self.unit = jax, task, models, together, task.unit
        self.decays = self._stack([np.float32(2 * model.l2) for model in models])
        drawn = [task.batches(model, DRAWN_EPOCHS) for model in models]
        if together and task.batch:  # one table for all: its batches hold numbers of rows, not positions in a fold
            drawn = [[task.used(model.fold)[epoch] for epoch in own] for model, own in zip(models, drawn, strict=True)]
            x, labels = shared_data(task)
            self.rows = jax.numpy.asarray(x), jax.numpy.asarray(labels.astype(np.int32))
        else:
            rows = [fold_rows(task, model.fold) for model in models]
            self.rows = self._stack([x for x, _ in rows]), self._stack([labels.astype(np.int32) for _, labels in rows])
        self.batches = [
            self._stack([own.astype(np.int32) for own in epoch], axis=1) for epoch in zip(*drawn, strict=True)
        ]
        began = time.perf_counter()
        self.ready(task.unit)
        self.program = self._program().lower(*self._arguments(0, 0)).compile()
        self.compile_seconds = time.perf_counter() - began

    def _stack(self, arrays: list[Array], axis: int = 0) -> Any:
        """Models as one array under vmap, as a list without."""
        if self.together:
            return self.jax.numpy.asarray(np.stack(arrays, axis=axis))
        return [self.jax.numpy.asarray(array) for array in arrays]

    def _program(self) -> Any:
        jax, task = self.jax, self.task

        def loss(w: tuple[Any, ...], x: Any, labels: Any) -> Any:
            for k in range(0, len(w), 2):
                x = x @ w[k] + w[k + 1]
                if k < len(w) - 2:
                    x = jax.nn.relu(x)
            chosen = jax.numpy.take_along_axis(x, labels[:, None], axis=1)[:, 0]
            return (jax.nn.logsumexp(x, axis=1) - chosen).mean()

        def step(w: Any, moves: Any, decay: Any, x: Any, labels: Any, batch: Any) -> tuple[Any, Any]:
            if batch is not None:
                x = x.at[batch].get(mode="promise_in_bounds")
                labels = labels.at[batch].get(mode="promise_in_bounds")
            gradients = jax.grad(loss)(w, x, labels)
            moves = tuple(
                MOMENTUM * move - task.rate * (dw if k % 2 else dw + decay * array)
                for k, (array, dw, move) in enumerate(zip(w, gradients, moves, strict=True))
            )
            return tuple(array + move for array, move in zip(w, moves, strict=True)), moves

        if self.together:
            shared = None if task.batch else 0
            step = jax.vmap(step, in_axes=(0, 0, 0, shared, shared, 0 if task.batch else None))

        @partial(jax.jit, donate_argnums=(0, 1))
        def unit(w: Any, moves: Any, decay: Any, x: Any, labels: Any, batches: Any) -> Any:
            def body(state: Any, batch: Any) -> tuple[Any, None]:
                return step(*state, decay, x, labels, batch), None

            return jax.lax.scan(body, (w, moves), batches, length=None if task.batch else task.unit)[0]

        return unit

    def _arguments(self, number: int, epoch: int) -> tuple[Any, ...]:
        """Everything one call of the program takes: all models under vmap, one without."""
        batches = self.batches[epoch % DRAWN_EPOCHS] if self.batches else None
        if self.together:
            return (*self.states[0], self.decays, *self.rows, batches)
        if batches is not None:
            batches = batches[number]
        x, labels = (part[number] for part in self.rows)
        return (*self.states[number], self.decays[number], x, labels, batches)

    def ready(self, epochs: int) -> None:
        self.calls = epochs // self.task.unit
        starts = [self.task.start(model.seed) for model in self.models]
        if self.together:
            starts = [tuple(np.stack(arrays) for arrays in zip(*starts, strict=True))]
        move = self.jax.numpy.asarray
        self.states = [
            (tuple(map(move, start)), tuple(move(np.zeros_like(array)) for array in start)) for start in starts
        ]
        self.jax.block_until_ready(self.states)

    def run(self) -> None:
        for number in range(len(self.states)):
            for call in range(self.calls):
                self.states[number] = self.program(*self._arguments(number, call))
        self.jax.block_until_ready(self.states)

    def weights(self) -> list[Arrays]:
        if not self.together:
            return [tuple(map(np.asarray, w)) for w, _ in self.states]
        stacked = [np.asarray(array) for array in self.states[0][0]]
        return [tuple(array[k] for array in stacked) for k in range(len(self.models))]


class LassoNet(_Plain):
    """LassoNet's path: another problem (a skip layer that bounds the hidden one), the same rows, widths and epochs.

    The start and 50 strengths take ``epochs`` epochs each, by the same SGD, without its early stopping. After every
    epoch LassoNet computes its objective, by its own design.
    """

    stops = 51  # the unpenalized start and the strengths

    def __init__(self, task: Task, models: Sequence[Model]) -> None:
        import torch
        from lassonet import LassoNetClassifier

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        sgd = partial(torch.optim.SGD, lr=task.rate, momentum=MOMENTUM)
        self.rows = fold_rows(task, models[0].fold)
        self.make = partial(
            LassoNetClassifier,
            hidden_dims=task.hidden,
            lambda_seq=np.geomspace(1e-6, 1e-4, self.stops - 1).tolist(),  # so weak that no input leaves the path
            optim=(sgd, sgd),
            patience=None,
            val_size=0,
            verbose=0,
            torch_seed=0,
        )

    def ready(self, epochs: int) -> None:
        self.epochs = epochs

    def run(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path = self.make(n_iters=(self.epochs, self.epochs)).path(*self.rows)
        if sum(stop.n_iters for stop in path) != self.stops * self.epochs:
            raise RuntimeError(f"LassoNet ended its path after {len(path)} of {self.stops} stops.")

    def weights(self) -> list[Arrays]:
        raise NotImplementedError


ENGINES: dict[str, Callable[..., Any]] = {
    "ridgewalk": Ridgewalk,
    "numpy": PlainNumpy,
    "scikit-learn": ScikitLearn,
    "torch eager": TorchEager,
    "torch compiled": TorchCompiled,
    "jax": Jax,
    "lassonet": LassoNet,
}


class Workbench:
    """What a worker does when it is told to, one command at a time; engines stay between commands."""

    def __init__(self) -> None:
        self.engines: dict[str, Any] = {}

    def prepare(
        self, key: str, engine: str, task: Task, models: list[Model], options: dict[str, Any]
    ) -> tuple[float, int, int]:
        """Make an engine; return the seconds that compiling took, its unit and its stops."""
        made = self.engines[key] = ENGINES[engine](task, models, **options)
        return made.compile_seconds, made.unit, made.stops

    def ready(self, key: str, epochs: int) -> None:
        """Lay out a run."""
        self.engines[key].ready(epochs)

    def run(self, key: str) -> float:
        """Run; return the seconds."""
        began = time.perf_counter()
        self.engines[key].run()
        return time.perf_counter() - began

    def weights(self, key: str) -> list[Arrays]:
        """Return the weights after the run."""
        return list(self.engines[key].weights())

    def clear(self) -> None:
        """Forget every engine and all data."""
        for engine in self.engines.values():
            engine.close()
        self.engines.clear()
        shared_data.cache_clear()
        fold_rows.cache_clear()

    def peak(self, seconds: float) -> float | None:
        """Peak of one core in FLOP/s, float32; None without the compiled engine, whose probe it is."""
        try:
            compiled = importlib.import_module("ridgewalk.engine.compiled")
        except ImportError:
            return None
        return float(compiled.peak_flops(seconds))

    def level(self) -> str:
        """Name the instruction set that the compiled engine uses."""
        return str(importlib.import_module("ridgewalk.engine.compiled").level)

    def versions(self) -> dict[str, str]:
        """Look up the versions of the libraries."""
        return {library: _version(library) for library in LIBRARIES}


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def serve(connection: Connection, log: str, library: str, threads: int) -> None:
    """Be a worker: carry out commands until the other end closes; what libraries print goes into ``log``."""
    descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    if library == "jax":
        _limit_jax(threads)
    workbench = Workbench()
    while True:
        try:
            command, arguments = connection.recv()
        except (EOFError, KeyboardInterrupt):
            workbench.clear()  # a process that multiprocessing made runs no atexit
            return
        connection.send(_answer(workbench, command, arguments))


def _answer(workbench: Workbench, command: str, arguments: dict[str, Any]) -> tuple[str, Any]:
    """Carry out one command: ("done", what it returns), ("not installed", what) or ("failed", why)."""
    try:
        return "done", getattr(workbench, command)(**arguments)
    except ModuleNotFoundError as error:
        return "not installed", str(error.name)
    except Exception as error:
        traceback.print_exc()
        return "failed", f"{type(error).__name__}: {error}"


def _limit_jax(threads: int) -> None:
    """Start JAX with a pool of ``threads`` threads, which it takes from the cores that it may use when it starts.

    XLA_FLAGS no longer does it: with --xla_cpu_multi_thread_eigen=false and intra_op_parallelism_threads=1 a product
    still keeps two cores busy (jaxlib 0.10). Afterwards its threads may use every core again.
    """
    if sys.platform != "linux":
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(sorted(cores)[:threads]))
    try:
        jax = importlib.import_module("jax")
        jax.block_until_ready(jax.numpy.ones((256, 256)) @ jax.numpy.ones((256, 256)))
    except ModuleNotFoundError:
        pass  # the first command will say so
    for thread in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(thread), cores)
