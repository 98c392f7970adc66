"""Planted faults are named, each by the probe that is for it; right code is never accused."""

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from amounts import amount
from ridgewalk.diagnostics import audit
from ridgewalk.engine import compiled, reference
from ridgewalk.engine.job import Fits, Job
from ridgewalk.folds import Fold
from ridgewalk.layers import Dropout
from ridgewalk.losses import BinaryCrossEntropy, CrossEntropy, Huber, Poisson, SquaredError
from ridgewalk.network import Network, multilayer_perceptron
from ridgewalk.objective import Objective, mean_weights
from ridgewalk.optimizers import SGD, AdaGrad, Adam, AdamW, Cosine, RMSProp
from ridgewalk.penalties import L1, L2, NO_PENALTY, ElasticNet, GroupLasso, Sum, elastic_strengths

LOSSES: dict[str, Any] = {
    "classes": (CrossEntropy(), lambda draws: np.eye(3)[draws.integers(0, 3, 90)]),
    "yes or no": (BinaryCrossEntropy(), lambda draws: draws.integers(0, 2, (90, 1)).astype(float)),
    "numbers": (SquaredError(), lambda draws: draws.normal(size=(90, 2))),
    "robust": (Huber(), lambda draws: draws.normal(size=(90, 1))),
    "counts": (Poisson(), lambda draws: draws.poisson(2, (90, 1)).astype(float)),
}


def make_job(
    seed: int,
    loss: Any = "classes",
    optimizer: Any = None,
    penalty: Any = None,
    activation: Any = "relu",
    batch_size: Any = None,
    hidden: Any = (6,),
) -> Job:
    draws = np.random.default_rng(seed)
    criterion, draw = LOSSES[loss]
    x, target = draws.normal(size=(90, 5)), draw(draws)
    # Something to learn, so that a penalized linear model is not empty.
    target[:, 0] = np.where(x[:, 0] + 0.5 * draws.normal(size=90) > 0, target.max(), target[:, 0])
    if loss == "classes":
        target = np.eye(3)[target.argmax(axis=1)]
    network = multilayer_perceptron(5, hidden, target.shape[1], activation=activation)
    penalties = []
    for name in network.names:
        elastic = Sum((L1(draws.uniform(1e-3, 1e-2)), L2(draws.uniform(1e-3, 1e-2))))
        penalties.append(penalty if penalty and name == "weight 1" else elastic)
    weights = np.ones(90)
    weights[draws.permutation(90)[:20]] = 0
    return Job(
        network=network,
        loss=criterion,
        penalties=tuple(penalties),
        optimizer=optimizer or SGD(0.1, 0.9),
        x=x,
        target=target,
        folds=(Fold.plain(weights, 5, target.shape[1]),),
        fold=np.zeros(1, dtype=int),
        seeds=np.array([seed]),
        start=tuple(w[None] for w in network.start("he", seed)),
        epochs=5,
        batch_size=batch_size,
    )


def handmade(fault: Any = "") -> Any:
    """Somebody's own training: proximal descent with momentum, one run, and a fault."""

    def train(job: Any) -> Fits:
        fold = job.folds[0]
        weights = np.ones_like(fold.weights) if fault == "leak" else fold.weights
        rows = fold.standardized(job.x, job.target, weights, np.dtype(np.float64))
        objective = Objective(job.network, job.loss, (NO_PENALTY,) * len(job.start))
        w = [array[0].astype(float) for array in job.start]
        moved = [np.zeros_like(array) for array in w]
        momentum, rate = job.optimizer.momentum, job.optimizer.learning_rate
        strengths = [elastic_strengths(each, array.shape) for each, array in zip(job.penalties, w, strict=True)]
        size = job.batch_size or len(rows.x)
        factor = {"unwired": 0.0, "factor 2": 2.0, "divided by the batch": 1 / size}.get(fault, 1.0)
        for _ in range(job.epochs):
            for first in range(0, len(rows.x), size):
                part = slice(first, first + size)
                slopes = objective.data_gradient(
                    tuple(w), rows.x[part], rows.target[part], mean_weights(rows.weights)[part]
                )
                for k, (slope, asked) in enumerate(zip(slopes, strengths, strict=True)):
                    assert asked is not None
                    dw, (l1, l2) = slope, (factor * strength for strength in asked)
                    if fault == "sign at zero":
                        sign = np.where(w[k] < 0, -1.0, 1.0)
                        moved[k] = momentum * moved[k] - rate * (dw + l1 * sign + 2 * l2 * w[k])
                        w[k] = w[k] + moved[k]
                        continue
                    if fault == "bias uses weight" and k % 2:
                        dw, l2 = dw + 2 * l2 * w[k - 1].sum(axis=0, keepdims=True), 0 * l2
                    z = w[k] + momentum * moved[k] - rate * dw
                    after = np.sign(z) * np.maximum(np.abs(z) - rate * l1, 0) / (1 + 2 * rate * l2)
                    # The heavy ball forgets what the threshold took.
                    moved[k] = (z if fault == "threshold without momentum" else after) - w[k]
                    w[k] = after
        nothing = np.full(1, np.nan)
        return Fits(tuple(a[None] for a in w), nothing, nothing, nothing, nothing, nothing, nothing, None, "handmade")

    return train


FAULTS = {
    "unwired": ("penalty", r"wired to nothing"),
    "factor 2": ("penalty", r"is 2 times what was asked for"),
    "bias uses weight": ("penalty", r"bias [12].* changes with weight"),
    "threshold without momentum": ("rest", r"at 0\.1\d* times .* 1 - momentum = 0\.1"),
    "sign at zero": ("penalty", r"Is sign\(0\) = \+1\?"),
    "divided by the batch": ("penalty", r"divided by the rows of a step"),
    "leak": ("held out", r"sees the rows that its fold holds out"),
}


OF_SCALE = ("factor 2", "threshold without momentum", "divided by the batch")


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_named_in_20_of_20_seeds(fault: Any) -> None:
    probe, words = FAULTS[fault]
    for seed in range(amount(5, 20)):
        found = audit(make_job(seed), handmade(fault), seed).faults
        assert {each.probe for each in found} == {probe}, (seed, found)
        assert any(re.search(words, each.sentence) for each in found), (seed, found)
        assert {each.kind for each in found} == {"wrong scale" if fault in OF_SCALE else "wired wrong"}, (seed, found)


OPTIMIZERS = [
    SGD(0.1, 0.9),
    SGD(0.05, 0.5, nesterov=True),
    Adam(0.01, schedule=Cosine()),
    AdamW(0.01),
    RMSProp(),
    AdaGrad(),
]
FACTORS = np.array([[0.0], [1], [2], [1], [np.inf]])
PENALTIES = [
    None,
    ElasticNet(0.01, 0.3, FACTORS),
    L1(0.01),
    L2(1e-4),
    GroupLasso(0.01),
    GroupLasso(0.003, over="units"),
    Sum((L1(0.002), GroupLasso(0.005), L2(0.001))),
]


@pytest.mark.slow
def test_right_code_is_never_accused_in_100_runs() -> None:
    rests = []
    for seed in range(amount(15, 100)):
        job = make_job(
            seed,
            loss=list(LOSSES)[seed % 5],
            optimizer=OPTIMIZERS[seed % 6] if seed % 3 else SGD(0.1, (seed % 10) / 10),
            penalty=PENALTIES[seed % 7] if seed % 3 else None,
            activation=["relu", "tanh", "gelu", "logistic"][seed % 4],
            batch_size=[None, 16, 7][seed % 3],
            hidden=[(6,), (5, 4), ()][seed // 3 % 3],
        )
        train = (
            handmade()
            if seed % 3 == 0 and isinstance(job.optimizer, SGD) and not job.optimizer.nesterov
            else reference.train  # the same numbers, slowly
            if seed % 8 == 1
            else compiled.train
        )
        wiring = audit(job, train, seed)
        assert not wiring.faults, (seed, wiring.faults)
        assert wiring.gradient_error < 1e-4
        rests.append(wiring.at_rest)
    read = np.isfinite(rests)
    assert read.mean() > 0.7  # of the others nothing can be said
    np.testing.assert_allclose(np.array(rests)[read], 1, atol=0.05)


def test_dropout_is_no_fault() -> None:
    job = make_job(0)
    layers = (*job.network.layers[:2], Dropout(0.5), *job.network.layers[2:])
    assert not audit(replace(job, network=Network(layers)), compiled.train).faults


def test_a_penalty_over_groups_is_read_too() -> None:
    strong = GroupLasso(0.02)
    job = make_job(0, penalty=GroupLasso(0.01))

    def doubled(given: Any) -> Any:
        penalties = tuple(
            strong if any(isinstance(part, GroupLasso) for part in each.parts) else each for each in given.penalties
        )
        return compiled.train(replace(given, penalties=penalties))

    found = audit(job, doubled).faults
    assert [fault.probe for fault in found] == ["penalty"]
    assert "weight 1: the penalty is 2 times what was asked for" in found[0].sentence


def test_a_wrong_gradient_is_named_by_its_array() -> None:
    def train(job: Any) -> Any:
        fits = reference.train(job)
        start, end = job.start[2], fits.parameters[2]
        return replace(fits, parameters=(*fits.parameters[:2], start + 2 * (end - start), *fits.parameters[3:]))

    found = audit(make_job(0), train).faults
    assert found[0].probe == "gradient"
    assert "weight 2" in found[0].sentence
    assert "2 times" in found[0].sentence


@dataclass(frozen=True, eq=False)
class Unknown:
    """A penalty of one's own: it does what the one inside does, and the probes do not know its class."""

    inner: L1
    acts = True

    def value(self, w: Any) -> Any:
        return self.inner.value(w)

    def gradient(self, w: Any) -> Any:
        return self.inner.gradient(w)

    def prox(self, z: Any, step: Any) -> Any:
        return self.inner.prox(z, step)

    def pool(self, squares: Any) -> Any:
        return squares

    def critical_strength(self, dw: Any) -> Any:
        return self.inner.critical_strength(dw)

    def convert(self, change: Any) -> Any:
        return Unknown(self.inner.convert(change))


def unwired(job: Any) -> Any:
    return reference.train(replace(job, penalties=(NO_PENALTY,) * len(job.penalties)))


@pytest.mark.slow
@pytest.mark.parametrize("training", [unwired, reference.train], ids=["unwired", "wired"])
def test_a_penalty_that_no_probe_knows_cannot_be_read(training: Any) -> None:
    job = make_job(0)
    found = audit(replace(job, penalties=(Unknown(L1(0.1)), *job.penalties[1:])), training).faults
    unread = [each for each in found if each.kind == "cannot be read"]
    assert [each.sentence.split(":")[0] for each in unread] == ["weight 1"]
    assert "Unknown cannot be read" in unread[0].sentence
    assert (len(found) > 1) == (training is unwired)  # what is known is read all the same
