"""Probes that test from outside whether any ``train(job) -> Fits`` applies its penalties correctly.

    gradient   one step of gradient descent is rate * gradient; it is compared with finite differences of the loss
    penalty    the same step from where the data loss has slope 0 is due to the penalty only: its strengths are
               measured for small and large batches, and with weights that are exactly 0
    rest       at convergence of the job's own optimizer on a convex problem, -gradient is the slope of the penalty
    held out   changing the rows that a fold holds out changes no bit of its weights

The probes do not depend on how the training works. They run on a small copy of the job, and the results are compared
with the strengths that the job requests.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ridgewalk.arrays import Array, Integers
from ridgewalk.check import Kind, check_gradient, check_penalty
from ridgewalk.engine import memory
from ridgewalk.engine.job import Fits, Job
from ridgewalk.folds import Fold
from ridgewalk.layers import Arrays, Dropout
from ridgewalk.losses import SquaredError
from ridgewalk.network import EvadablePenaltyWarning, Network, multilayer_perceptron
from ridgewalk.objective import Objective, mean_weights
from ridgewalk.optimizers import SGD, Cosine, InverseTime, Optimizer, scheduled
from ridgewalk.penalties import L1, L2, NO_PENALTY, GroupLasso, Penalty, Sum, elastic_strengths, parts

Train = Callable[[Job], Fits]
Probe = Literal["gradient", "penalty", "rest", "held out"]

_MOST_ROWS, _MOST_COLUMNS = 256, 20  # of a probe, at most
_SMALL_BATCH, _LARGE_BATCH = 16, 64  # rows of a step
_RATE = 1e-5
_STRENGTH_BAND = (0.9, 1.1)  # of a strength at convergence, over the one asked for
_UNEXPLAINED = 0.01
_LEAST_STRENGTH, _MOST_STRENGTH = 1e-3, 10.0  # strengths that one step of so small a rate shows clearly
_PROBE_EPOCHS = 3_000  # of the probe that must converge
_CRITICAL_SHARE = 0.1  # of the critical strength: the penalty there


@dataclass(frozen=True)
class Fault:
    """Something that is wired wrong.

    Attributes
    ----------
    probe : "gradient", "penalty", "rest" or "held out"
        That found it.
    sentence : str
        What it is, in plain words.
    kind : "wired wrong", "wrong scale" or "cannot be read"
        The second is the penalty that was asked for, times some factor; the third no fault that was seen, but a penalty
        that the probes do not know.
    """

    probe: Probe
    sentence: str
    kind: Kind = "wired wrong"


@dataclass(frozen=True)
class Wiring:
    """What the probes found.

    Attributes
    ----------
    faults : tuple of Fault
        None where everything is right, and was read.
    at_rest : float
        The strength at which the job's optimizer converges, over the one asked for; NaN where it does not.
    gradient_error : float
        Largest relative error of the gradient.
    """

    faults: tuple[Fault, ...]
    at_rest: float
    gradient_error: float


def audit(job: Job, train: Train, seed: int = 0) -> Wiring:
    """Probe a training.

    Parameters
    ----------
    job : Job
        As it would be trained; its run of the strongest penalty is looked at.
    train : function
        Job to Fits: :func:`ridgewalk.engine.train`, or anybody's own.
    seed : int
        Draws the probes' weights.

    Returns
    -------
    Wiring
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EvadablePenaltyWarning)  # said elsewhere, and not at every probe
        probe = _Prober(job, train, seed)
        # The other probes train on some rows alone, and what is wrong in one step is wrong at convergence, too.
        faults = probe.held_out() or [*probe.gradient(), *probe.penalty()] or [*probe.rest()]
        return Wiring((*faults, *probe.unread()), probe.at_rest, probe.gradient_error)


class _Prober:
    """A small copy of a job: some rows, one run, float64, no dropout."""

    def __init__(self, job: Job, train: Train, seed: int) -> None:
        self.job, self.train, self.seed = job, train, seed
        self.run = _strongest(job)
        fold = job.folds[job.fold[self.run]]
        weights = np.zeros_like(fold.weights)
        used = np.flatnonzero(fold.weights)
        used = used[np.random.default_rng(seed).permutation(len(used))[:_MOST_ROWS]]
        weights[used] = fold.weights[used]
        self.fold = replace(fold, weights=weights, validation=None)
        self.rows = self.fold.standardized(job.x, job.target, weights, np.dtype(np.float64))
        quiet = (replace(each, rate=0.0) if isinstance(each, Dropout) else each for each in job.network.layers)
        self.network = Network(tuple(quiet))
        self.penalties = tuple(_plain(penalty) for penalty in _one_run(job, self.run))
        self.free: tuple[Penalty, ...] = (NO_PENALTY,) * len(self.penalties)
        self.start = self._draw(np.random.default_rng(seed + 1))
        self.at_rest = self.gradient_error = np.nan

    def _draw(self, generator: np.random.Generator) -> Arrays:
        """Draw weights of ordinary size, none near 0, and biases, so that their penalties are visible."""
        start = []
        one_run = replace(memory.Size.of_job(self.job), item=8, runs=1, training=_MOST_ROWS, validation=0)
        memory.check(memory.needed_by_fit(one_run, 1), 1)
        for array in self.network.start("he", self.seed):
            size = np.sqrt((array**2).mean()) or 0.3
            start.append(size * generator.uniform(0.3, 1.7, array.shape) * generator.choice([-1, 1], array.shape))
        return tuple(start)

    def _job(self, **changes: object) -> Job:
        """Return the small job: one run, one epoch of plain gradient descent."""
        small: dict[str, object] = {
            "network": self.network,
            "penalties": self.free,
            "optimizer": SGD(_RATE),
            "folds": (self.fold,),
            "fold": np.zeros(1, dtype=int),
            "seeds": self.job.seeds[[self.run]],
            "start": tuple(w[None] for w in self.start),
            "epochs": 1,
            "batch_size": None,
            "ramp": 0.0,
            "polish": None,
            "early_stopping": None,
            "record_every": 0,
        }
        return replace(self.job, **(small | changes))  # type: ignore[arg-type]

    def _slopes(self, arrays: Arrays, **changes: object) -> list[Array]:
        """Return the gradient that one step of gradient descent uses."""
        moved = self.train(self._job(start=tuple(w[None] for w in arrays), **changes)).parameters
        return [(w - after[0]) / _RATE for w, after in zip(arrays, moved, strict=True)]

    def gradient(self) -> list[Fault]:
        """Hold one step of plain descent against differences of the loss."""
        objective = Objective(self.network, self.job.loss, self.free)

        def loss(*arrays: Array) -> float:
            return float(objective.data_loss(arrays, self.rows.x, self.rows.target, self.rows.weights))

        slopes = self._slopes(self.start)
        found = check_gradient(loss, lambda *_: slopes, self.start, names=self.network.names, seed=self.seed)
        self.gradient_error = float(np.nanmax([each.worst for each in found.arrays], initial=0.0))
        return [Fault("gradient", f"The gradient of the data loss is wrong. {sentence}") for sentence in found.findings]

    def penalty(self) -> list[Fault]:
        """Read the strengths off steps from where the data loss has no slope."""
        strengths = [elastic_strengths(each, w.shape) for each, w in zip(self.penalties, self.start, strict=True)]
        asked = [(None, None) if pair is None else tuple(float(each.flat[0]) for each in pair) for pair in strengths]
        found = check_penalty(
            lambda arrays, rows, on: self._pulls(arrays, rows, self.penalties if on else self.free),
            dict(zip(self.network.names, self.start, strict=True)),
            l1=[l1 for l1, _ in asked],
            l2=[l2 for _, l2 in asked],
            batch_sizes=(_SMALL_BATCH, _LARGE_BATCH),
            seed=self.seed,
        )
        grouped = [k for k, pair in enumerate(strengths) if pair is None]
        names = {self.network.names[k] for k in grouped}
        others = [
            replace(each, arrays=tuple(name for name in each.arrays if name not in names))
            for each in found.wrong
            if not each.arrays or set(each.arrays) - names
        ]
        return [Fault("penalty", each.sentence, each.kind) for each in others] + [
            fault for k in grouped for fault in self._grouped(k)
        ]

    def unread(self) -> list[Fault]:
        """Name the penalties whose classes no probe knows: their strengths cannot be read."""
        names: dict[str, list[str]] = {}
        for name, penalty in zip(self.network.names, self.job.penalties, strict=True):
            for part in parts(penalty):
                if not isinstance(part, L1 | L2 | GroupLasso):
                    names.setdefault(type(part).__name__, []).append(name)
        return [
            Fault(
                "penalty",
                f"{', '.join(arrays)}: {kind} cannot be read: the probes know L1, L2, ElasticNet, GroupLasso and their "
                "sums, so whether it is wired at all was not seen.",
                "cannot be read",
            )
            for kind, arrays in names.items()
        ]

    def _pulls(self, arrays: list[Array], rows: int, penalties: tuple[Penalty, ...]) -> list[Array]:
        """Gradients of the penalty in a step with this number of rows, whose targets are the predictions."""
        used = self.rows.numbers[:rows]
        weights = np.zeros_like(self.fold.weights)
        weights[used] = 1.0
        fold = replace(self.fold, weights=weights)
        x = fold.standardized(self.job.x, self.job.target, weights, np.dtype(np.float64)).x
        # The absolute error has a slope of 1 a rounding away from its minimum; what is read here is not the loss.
        nothing = np.zeros((1, self.job.target.shape[1]))
        loss = SquaredError() if self.job.loss.curvature(nothing, nothing) is None else self.job.loss
        predicted = loss.predict(self.network.forward(x, tuple(arrays))[0])
        target = self.job.target.astype(np.float64).copy()
        target[used] = predicted * fold.target_scale + fold.target_center
        size = None if self.job.batch_size is None else len(used)
        changes = {"loss": loss, "penalties": penalties, "folds": (fold,), "target": target, "batch_size": size}
        return self._slopes(tuple(arrays), **changes)

    def _grouped(self, k: int) -> Iterator[Fault]:
        """Compare the effect of a group penalty in one step with its formula."""
        name, penalty, w = self.network.names[k], self.penalties[k], self.start[k]
        formula = penalty.gradient(w)
        for rows in (_SMALL_BATCH, _LARGE_BATCH):
            added = self._pulls(list(self.start), rows, self.penalties)[k]
            share = float((added * formula).sum() / (formula**2).sum())
            rest = float(np.linalg.norm(added - share * formula) / np.maximum(np.linalg.norm(added), 1e-300))
            if rest > _UNEXPLAINED:
                yield Fault("penalty", f"{name}: {rest:.0%} of what the penalty adds is not its formula.")
                return
            if not abs(share - 1) < _UNEXPLAINED:
                words = f"{name}: the penalty is {share:.4g} times what was asked for at {rows} rows."
                yield Fault("penalty", words, "wrong scale" if share > _UNEXPLAINED else "wired wrong")
                return
        resting = [*self.start[:k], np.zeros_like(w), *self.start[k + 1 :]]
        if self._pulls(resting, _SMALL_BATCH, self.penalties)[k].any():
            yield Fault("penalty", f"{name}: weights that are exactly zero are pushed off it.")

    def rest(self) -> Iterator[Fault]:
        """Train a convex problem to rest with the job's optimizer, and read the strength off."""
        slopes = self._null_slopes()
        columns = np.argsort(-np.abs(self.rows.x.T @ slopes).max(axis=1))[:_MOST_COLUMNS]
        x = np.ascontiguousarray(self.rows.x[:, columns])
        strength = _CRITICAL_SHARE * float(np.abs(x.T @ slopes).max())
        if not any(penalty.acts for penalty in self.penalties) or strength <= 1e-9:
            return
        network = multilayer_perceptron(len(columns), (), slopes.shape[1])
        kinked: Penalty = GroupLasso(strength) if _is_grouped(self.penalties[0]) else L1(strength)
        penalty = Sum((kinked, L2(strength)))  # type: ignore[arg-type]
        job = self._job(
            network=network,
            penalties=(penalty, NO_PENALTY),
            optimizer=_settling(self.job.optimizer, float(np.linalg.eigvalsh(x.T @ x / len(x))[-1]) + 1.0),
            x=x,
            target=self.rows.target,
            folds=(Fold.plain(self.rows.weights, x.shape[1], slopes.shape[1]),),
            start=tuple(np.zeros((1, *shape)) for shape in network.shapes),
            epochs=_PROBE_EPOCHS,
        )
        w, b = (array[0] for array in self.train(job).parameters)
        objective = Objective(network, self.job.loss, (NO_PENALTY, NO_PENALTY))
        dw, db = objective.data_gradient((w, b), x, self.rows.target, mean_weights(self.rows.weights))
        pull = float((w * penalty.gradient(w)).sum())
        if not np.isfinite(pull) or pull == 0 or np.abs(db).max() > _CRITICAL_SHARE * strength:
            return  # it did not converge, so nothing can be read off
        self.at_rest = -float((w * dw).sum()) / pull
        if not _STRENGTH_BAND[0] <= self.at_rest <= _STRENGTH_BAND[1]:
            name = type(self.job.optimizer).__name__
            words = f"{name} comes to rest at {self.at_rest:.3g} times the strength asked for."
            yield Fault("rest", words + _suspect(self.at_rest, self.job.optimizer), "wrong scale")

    def _null_slopes(self) -> Array:
        """Slopes (N, C) of the loss at the best constant."""
        target, weights = self.rows.target, self.rows.weights
        null = np.broadcast_to(self.job.loss.null_output(target, weights), target.shape)
        return np.asarray((weights / weights.sum())[:, None] * self.job.loss.gradient(null, target))

    def held_out(self) -> list[Fault]:
        """Put other numbers into rows of weight 0: the training must not see them."""
        fold = replace(self.job.folds[self.job.fold[self.run]], validation=None)
        unused = np.flatnonzero(fold.weights == 0)
        if not unused.size or not isinstance(self.job.x, np.ndarray):
            return []
        start = tuple(w[[self.run]] for w in self.job.start)
        job = self._job(penalties=self.penalties, folds=(fold,), start=start, optimizer=self.job.optimizer, epochs=2,
                        network=self.job.network, batch_size=self.job.batch_size)  # fmt: skip
        x, target = changed_rows(self.job.x, self.job.target, unused)
        before, after = self.train(job).parameters, self.train(replace(job, x=x, target=target)).parameters
        same = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, after, strict=True))
        return [] if same else [leak()]


def changed_rows(x: Array, target: Array, rows: Integers) -> tuple[Array, Array]:
    """Put other numbers into some rows: columns turned round and doubled, targets of other rows."""
    x, target = x.copy(), target.copy()
    x[rows] = 1 - 2 * x[rows][::-1]
    target[rows] = np.roll(target[rows], 1, axis=0)
    return x, target


def leak() -> Fault:
    """Describe that held-out rows were seen."""
    return Fault(
        "held out", "The training sees the rows that its fold holds out: other numbers there change its weights."
    )


def _strongest(job: Job) -> int:
    """Run whose penalties are largest, at weights of 1."""
    ones = tuple(np.ones_like(w) for w in job.start)
    sizes = job.objective(np.arange(job.runs)).penalty(ones)
    return int(np.argmax(np.where(np.isfinite(sizes), sizes, -1)))


def _one_run(job: Job, run: int) -> tuple[Penalty, ...]:
    """Penalties of one run, without run axis, in float64."""

    def pick(values: Array) -> Array:
        return np.asarray(values[run] if values.ndim == 3 and len(values) == job.runs else values, dtype=np.float64)

    return tuple(penalty.convert(pick) for penalty in job.penalties)


def _plain(penalty: Penalty) -> Penalty:
    """Return the same kinds of penalty, of one strength for all weights: the largest that can be read."""

    def largest(part: L1 | L2) -> float:
        weights = np.asarray(part.weights)
        return readable(float(weights[np.isfinite(weights)].max(initial=0.0)))

    def readable(strength: float) -> float:
        return min(max(strength, _LEAST_STRENGTH), _MOST_STRENGTH) if strength > 0 else 0.0

    simple: list[L1 | L2 | GroupLasso] = []
    for part in parts(penalty):
        if isinstance(part, GroupLasso):
            simple.append(GroupLasso(readable(float(np.max(part.strength))), part.over))
        elif isinstance(part, L1 | L2):
            simple.append(type(part)(largest(part)))
    return Sum(tuple(simple))


def _is_grouped(penalty: Penalty) -> bool:
    return any(isinstance(part, GroupLasso) for part in parts(penalty))


def _settling(optimizer: Optimizer, curvature: float) -> Optimizer:
    """Return the optimizer with a rate at which a problem of this curvature converges."""
    optimizer = optimizer.for_biases()  # without a decay of its own, which is no penalty
    if isinstance(optimizer, SGD):
        return scheduled(optimizer, InverseTime(), 0.5 / curvature)
    return scheduled(optimizer, Cosine(), 0.02)


def _suspect(ratio: float, optimizer: Optimizer) -> str:
    """Name the factor that a strength at convergence is wrong by."""
    momentum = getattr(optimizer, "momentum", getattr(optimizer, "beta_1", 0.0))
    known = {
        f" The suspect: 1 - momentum = {1 - momentum:.2g}, for the threshold is that of one step and momentum makes "
        "many of it.": 1 - momentum,
        " The suspect: a one-half that only one side has.": 2.0,
        " The suspect: a factor of 2 that only one side has.": 0.5,
        " The suspect: the learning rate, once too often.": optimizer.learning_rate,
    }
    return next((words for words, value in known.items() if value > 0 and abs(ratio / value - 1) < 0.1), "")
