"""The compiled engine gives the reference engine's answers, whatever the job, and the same bits however it is run."""

import hashlib
import itertools
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from amounts import by_turns
from ridgewalk.arrays import per_run
from ridgewalk.engine import compiled, native, reference
from ridgewalk.engine.job import EarlyStopping, Job, Polish
from ridgewalk.folds import Fold, standardized_fold
from ridgewalk.input_maps import InputMap, MapRule
from ridgewalk.layers import GELU, Dense, Dropout, LeakyReLU, ReLU, Sigmoid, Tanh
from ridgewalk.losses import AbsoluteError, BinaryCrossEntropy, CrossEntropy, Huber, Poisson, SquaredError
from ridgewalk.network import Network, multilayer_perceptron
from ridgewalk.optimizers import SGD, AdaGrad, Adam, AdamW, Cosine, InverseTime, RMSProp, Steps
from ridgewalk.penalties import L1, L2, MCP, NO_PENALTY, ElasticNet, GroupLasso, GroupMCP, Sum

ACTIVATIONS = [ReLU(), LeakyReLU(0.1), Tanh(), Sigmoid(), GELU(), None]
LOSSES = [CrossEntropy(), BinaryCrossEntropy(), SquaredError(), AbsoluteError(), Huber(0.7), Poisson()]
OPTIMIZERS = [
    SGD(0.05),
    SGD(0.05, momentum=0.9, schedule=InverseTime(0.1)),
    SGD(0.05, momentum=0.9, nesterov=True, schedule=Steps(4, 0.5)),
    AdaGrad(0.05, schedule=Cosine()),
    RMSProp(0.01),
    Adam(0.01, schedule=Cosine()),
    AdamW(0.01, weight_decay=0.1),
]
STRENGTHS = per_run([0.0, 0.01, 0.1])
SHAPES = ((5, 9), (9, 3))  # inputs and units of the two layers
PENALTIES = {
    "none": lambda _: NO_PENALTY,
    "L1": lambda _: L1(STRENGTHS),
    "L2 with factors": lambda inputs: L2(STRENGTHS, np.linspace(0, 2, inputs)[:, None]),
    "elastic net that excludes": lambda inputs: ElasticNet(
        STRENGTHS, 0.6, np.where(np.arange(inputs) == 1, np.inf, 1.0)[:, None]
    ),
    "group over inputs": lambda _: GroupLasso(STRENGTHS / 3),
    "groups of inputs, L1 and L2": lambda inputs: Sum(
        (L2(0.01), L1(STRENGTHS / 4), GroupLasso(STRENGTHS / 4, groups=np.arange(inputs) // 2 * 7), L2(STRENGTHS))
    ),
    "group over units": lambda _: GroupLasso(STRENGTHS / 3, over="units"),
    "MCP that excludes, and L2": lambda inputs: Sum(
        (MCP(STRENGTHS, 1.5, np.where(np.arange(inputs) == 1, np.inf, 1.0)[:, None]), L2(0.01))
    ),
    "groups of inputs, MCP and L2": lambda inputs: Sum(
        (L2(STRENGTHS), GroupMCP(STRENGTHS / 4, groups=np.arange(inputs) // 2 * 7))
    ),
    "group MCP over units, and L2": lambda _: Sum((GroupMCP(STRENGTHS / 3, over="units"), L2(0.01))),
}
DTYPES = (np.float64, np.float32)
_ids: dict[str, Any] = {"ids": lambda value: type(value).__name__}


def make_target(loss: Any, rows: int, outputs: Any, generator: Any) -> Any:
    if isinstance(loss, CrossEntropy):
        return np.eye(outputs)[generator.integers(0, outputs, rows)]
    if isinstance(loss, BinaryCrossEntropy):
        return generator.integers(0, 2, (rows, outputs)).astype(float)
    if isinstance(loss, Poisson):
        return generator.poisson(2.0, (rows, outputs)).astype(float)
    return generator.normal(size=(rows, outputs))


def make_job(
    layers: Any = None,
    loss: Any = None,
    optimizer: Any = None,
    penalty: Any = "none",
    dtype: Any = np.float64,
    rows: int = 70,
    runs: Any = 3,
    seed: int = 0,
    **changes: Any,
) -> Job:
    (inputs, units), (_, outputs) = SHAPES
    network = Network(tuple(layers or (Dense(inputs, units), ReLU(), Dense(units, outputs))))
    generator = np.random.default_rng(seed)
    inputs, outputs = network.shapes[0][0], network.shapes[-1][1]
    loss = loss or SquaredError()
    target = make_target(loss, rows, outputs, generator)
    weights = generator.uniform(0.5, 2, rows) * (np.arange(rows) % 5 != 3) if rows > 3 else np.ones(rows)
    fold = Fold(
        weights,
        generator.normal(size=inputs) / 10,
        generator.uniform(0.5, 2, inputs),
        np.full(outputs, 0.1) if isinstance(loss, SquaredError) else np.zeros(outputs),
        np.full(outputs, 1.5) if isinstance(loss, SquaredError) else np.ones(outputs),
        validation=(np.arange(rows) % 5 == 3).astype(float) if rows > 3 else np.ones(rows),
    )
    start = [network.start("glorot", run) for run in range(runs)]
    arrays = [
        np.stack(each) + 0.01 * generator.normal(size=(runs, *each[0].shape)) for each in zip(*start, strict=True)
    ]
    make: Any = PENALTIES[penalty]
    settings: dict[str, Any] = {
        "network": network,
        "loss": loss,
        "penalties": tuple(make(shape[0]) if runs == 3 else NO_PENALTY for shape in network.shapes),
        "optimizer": optimizer or SGD(0.05),
        "x": generator.normal(size=(rows, inputs)),
        "target": target,
        "folds": (fold,),
        "fold": np.zeros(runs, dtype=int),
        "seeds": np.arange(runs),
        "start": tuple(array.astype(dtype) for array in arrays),
        "epochs": 10,
    }
    return Job(**(settings | changes))


def norm(w: Any) -> Any:
    return np.sqrt((w.astype(np.float64) ** 2).sum(axis=(-2, -1)))


def distance(a: Any, b: Any, start: Any) -> Any:
    """Largest distance of two arrays, relative to each run's norm, now or at the start (a penalty may leave 1e-6)."""
    size = np.maximum(np.maximum(norm(b), norm(start)), 1e-30)
    return float((np.abs(a.astype(np.float64) - b).max(axis=(-2, -1)) / size).max())


_references: dict[Any, Any] = {}


def trained_by_reference(job: Any) -> Any:
    """Train with the reference engine, once for all instruction sets that are compared with it."""
    job_of_theirs = hashlib.sha256(pickle.dumps(job)).digest()
    if job_of_theirs not in _references:
        _references[job_of_theirs] = reference.train(job)
    return _references[job_of_theirs]


def assert_agree(job: Any, context: Any, single: Any = 1e-4, double: Any = 1e-10) -> Any:
    ours, theirs = compiled.train(job), trained_by_reference(job)
    bound = single if job.dtype == np.float32 else double
    if job.dtype == np.float32 and any(penalty.concavity for penalty in job.penalties):
        bound *= 10  # a prox is steep at steps near 1 / concavity, and single precision sees it
    for name, start, a, b in zip(job.network.names, job.start, ours.parameters, theirs.parameters, strict=True):
        assert distance(a, b, start) <= bound, (context, name)
        if job.dtype == np.float64:
            np.testing.assert_array_equal(a == 0, b == 0, err_msg=str((context, name)))
    for name in ("data_loss", "penalty", "validation_loss", "residual"):
        np.testing.assert_allclose(
            getattr(ours, name), getattr(theirs, name), rtol=10 * bound, atol=10 * bound, err_msg=str((context, name))
        )
    np.testing.assert_array_equal(ours.epochs, theirs.epochs)
    return ours, theirs


@pytest.fixture(params=native.levels())
def each_level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv(native.VARIABLE, request.param)
    return request.param


@pytest.mark.usefixtures("each_level")
@pytest.mark.parametrize("loss", LOSSES, **_ids)
@pytest.mark.parametrize("activation", ACTIVATIONS, **_ids)
def test_first_gradients_are_the_references(activation: Any, loss: Any) -> None:
    # One step of rate 1 without a penalty moves every array by its gradient.
    (inputs, units), (_, outputs) = SHAPES
    for dtype, batch_size in itertools.product(DTYPES, (None, 64)):
        layers = [
            Dense(inputs, units),
            activation,
            Dense(units, units),
            Dropout(0.2),
            activation,
            Dense(units, outputs),
        ]
        job = make_job(
            [layer for layer in layers if layer], loss, SGD(1.0), dtype=dtype, batch_size=batch_size, epochs=1
        )
        ours, theirs = compiled.train(job), trained_by_reference(job)
        for name, w, a, b in zip(job.network.names, job.start, ours.parameters, theirs.parameters, strict=True):
            assert distance(a - w, b - w, 0 * w) <= (1e-4 if dtype == np.float32 else 1e-10), (name, dtype, batch_size)


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES, **_ids)
@pytest.mark.parametrize("activation", ACTIVATIONS, **_ids)
def test_ten_steps_are_the_references(activation: Any, loss: Any) -> None:
    (inputs, units), (_, outputs) = SHAPES
    layers = [layer for layer in (Dense(inputs, units), activation, Dense(units, outputs)) if layer]
    turns = list(itertools.product(DTYPES, ((None, 10), (11, 2))))
    cell = ACTIVATIONS.index(activation) + LOSSES.index(loss)
    for turn, (optimizer, penalty) in enumerate(itertools.product(OPTIMIZERS, PENALTIES)):
        # Either precision, full batch and minibatches by turns: over the cells every optimizer and penalty meets all
        # four. 70 rows of which 56 train, so batches of 11 end in one of 1.
        if not by_turns(turn // 4, 4, cell):
            continue
        dtype, (batch_size, epochs) = turns[(turn + cell) % 4]
        job = make_job(layers, loss, optimizer, penalty, dtype, batch_size=batch_size, epochs=epochs, ramp=0.5)
        assert_agree(job, (optimizer, penalty, dtype, batch_size))


MAPS = {
    "learned": None,
    "pieces that overlap, lie apart, and are empty": InputMap(
        np.array([0, 0, 0, 0, 1, 1, 1, 1, 2]),
        np.array([2, 2, 2, 1, 2, 2, 0, 2, 2]),
        np.array([0.2, 0.7, 2.0, 0.2, 0.0, 0.0, 0.3, 2.0, 0.0]),
        np.array([1.0, 0.7, 0.3, 1.5, 0.5, np.inf, 2.0, 1.0, np.inf]),
    ),
    "nothing": InputMap(np.array([0, 1, 2]), np.full(3, 2), np.zeros(3), np.full(3, np.inf)),
}


def mapped_job(mapped: Any, layers: Any, **given: Any) -> Job:
    """Return a job over three columns, of heavy tails, of zeros and ones, and a plain one, that are mapped."""
    rule = MapRule(np.array([True, False, True]), 4)
    count = len(rule.column if mapped is None else mapped.column)
    job = make_job([Dense(count, SHAPES[0][1]), *layers], **given)
    x = np.random.default_rng(7).normal(size=(len(job.target), 3))
    x = np.stack([np.exp(2 * x[:, 0]), x[:, 1] > 0, x[:, 2]], axis=1)
    fold = standardized_fold(x, job.target, job.loss, job.folds[0].weights, True, job.folds[0].validation, rule)
    if mapped is not None:
        center, scale = mapped.standardization(x, fold.weights)
        scale[0] = np.inf  # as if it were constant
        fold = replace(fold, inputs=mapped, center=center, scale=scale)
    return replace(job, x=x, folds=(fold,))


@pytest.mark.usefixtures("each_level")
@pytest.mark.parametrize("penalty", PENALTIES)
def test_mapped_columns_are_the_references(penalty: Any) -> None:
    hidden, outputs = SHAPES[1]
    turns = list(itertools.product(ACTIVATIONS, DTYPES))
    for turn, (mapped, batch_size) in enumerate(itertools.product(MAPS.values(), (None, 11, 64))):
        activation, dtype = turns[(5 * turn + list(PENALTIES).index(penalty)) % len(turns)]
        loss = LOSSES[turn % len(LOSSES)]
        layers = [layer for layer in (activation, Dense(hidden, outputs)) if layer]
        job = mapped_job(mapped, layers, loss=loss, penalty=penalty, dtype=dtype, batch_size=batch_size, epochs=4)
        assert_agree(job, (turn, activation, loss, dtype, batch_size))


@pytest.mark.usefixtures("each_level")
def test_mapped_columns_as_if_they_came_so() -> None:
    for dtype, batch_size, polish in itertools.product(DTYPES, (None, 16), (None, Polish(5))):
        job = mapped_job(None, [ReLU(), Dense(9, 2)], dtype=dtype, batch_size=batch_size, polish=polish, record_every=3)
        fold = job.folds[0]
        assert fold.inputs is not None
        before = replace(job, x=fold.inputs.apply(np.asarray(job.x)), folds=(replace(fold, inputs=None),))
        ours, theirs = compiled.train(job), compiled.train(before)
        for start, a, b in zip(job.start, ours.parameters, theirs.parameters, strict=True):
            assert distance(a, b, start) <= (1e-4 if dtype == np.float32 else 1e-10)
        assert ours.history is not None
        assert theirs.history is not None
        np.testing.assert_allclose(ours.history.validation_loss, theirs.history.validation_loss, rtol=1e-4)
        for n_jobs in (2, 5):
            assert_same_bits(compiled.train(job, n_jobs), ours)


@pytest.mark.slow
@pytest.mark.usefixtures("each_level")
@pytest.mark.parametrize("rows", [1, 2, 17, 63, 64, 65, 129])
@pytest.mark.parametrize("inputs", [1, 2, 4, 5, 17, 33, 1000])
def test_odd_sizes(inputs: Any, rows: int) -> None:
    sizes = [(1, 1), (4, 3), (6, 17), (17, 5), (33, 4)]
    optimizer = SGD(0.01, momentum=0.9)
    for number, (dtype, (units, outputs), batch_size) in enumerate(itertools.product(DTYPES, sizes, (None, 16))):
        if not by_turns(number, 3, inputs + rows):
            continue
        layers = (Dense(inputs, units), ReLU(), Dense(units, outputs))
        job = make_job(layers, SquaredError(), optimizer, "none", dtype, rows, 1, batch_size=batch_size, epochs=3)
        assert_agree(job, (units, outputs, batch_size, dtype), double=1e-9)


@pytest.mark.slow
@pytest.mark.usefixtures("each_level")
@pytest.mark.parametrize(
    "layers",
    [
        (Dense(6, 3),),
        (Tanh(), Dense(6, 8), Dense(8, 2)),
        (Dropout(0.3), Dense(6, 40), ReLU(), Dropout(0.5), Dense(40, 20), Tanh(), Dropout(0.1), Dense(20, 2)),
        (Dense(6, 8), GELU(), Tanh(), LeakyReLU(0.3), Dense(8, 8), Sigmoid(), Dense(8, 8), ReLU(), Dense(8, 2)),
        (Dense(2, 30), LeakyReLU(0.2), Dense(30, 4), ReLU()),
        (Dense(2, 30), LeakyReLU(0.2), Dense(30, 4)),
        (Dense(200, 100), ReLU(), Dense(100, 70), ReLU(), Dense(70, 12)),
    ],
    ids=lambda layers: "-".join(type(layer).__name__ for layer in layers),
)
def test_layers_in_any_order(layers: Any) -> None:
    for dtype, batch_size in itertools.product(DTYPES, (None, 19)):
        assert_agree(
            make_job(layers, CrossEntropy(), Adam(0.01), "L1", dtype, batch_size=batch_size, epochs=4),
            (dtype, batch_size),
        )


def test_several_folds_and_seeds_are_each_trained_on_their_own() -> None:
    job = make_job(optimizer=Adam(0.01), penalty="L1", batch_size=8)
    weights = [np.where(np.arange(70) % 3 == k, 0.0, 1.0) for k in range(3)]
    folds = tuple(replace(job.folds[0], weights=each) for each in weights)
    assert_agree(replace(job, folds=folds, fold=np.array([2, 0, 1]), seeds=np.array([5, 5, 9])), "folds")


def test_validation_rows_of_no_weight_are_none() -> None:
    job = make_job()
    (fold,) = job.folds
    ours, _ = assert_agree(replace(job, folds=(replace(fold, validation=np.zeros(70)),)), "no weight")
    assert np.isnan(ours.validation_loss).all()


@pytest.mark.parametrize("ramp", [0.0, 0.4])
@pytest.mark.parametrize("watched", ["validation_loss", "objective"])
def test_early_stopping_and_history_are_the_references(watched: Any, ramp: Any) -> None:
    job = make_job(
        (Dense(5, 40), ReLU(), Dense(40, 1)), optimizer=Adam(0.05), penalty="L1", epochs=60, record_every=7, ramp=ramp,
        early_stopping=EarlyStopping(patience=3, tolerance=1e-3, watched=watched),
    )  # fmt: skip
    ours, theirs = assert_agree(job, "early stopping", double=1e-8)
    assert ours.epochs.min() < 60
    for name in ("epochs", "data_loss", "penalty", "validation_loss", "zeros", "norms"):
        np.testing.assert_allclose(getattr(ours.history, name), getattr(theirs.history, name), rtol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("activation", [Tanh(), None], **_ids)
@pytest.mark.parametrize("batch_size", [None, 16])
def test_polish_brings_both_engines_to_the_same_place(activation: Any, batch_size: Any) -> None:
    layers = [layer for layer in (Dense(5, 4), activation, Dense(4, 2)) if layer] if activation else [Dense(5, 2)]
    job = make_job(
        layers, penalty="elastic net that excludes", batch_size=batch_size, polish=Polish(3000, 1e-9), epochs=2
    )
    ours, theirs = compiled.train(job), reference.train(job)
    assert ours.residual[1:].max() <= 1e-8
    if activation is None:  # convex: there is one place
        for a, b in zip(ours.parameters, theirs.parameters, strict=True):
            np.testing.assert_allclose(a[1:], b[1:], atol=1e-8)
    np.testing.assert_allclose(ours.data_loss + ours.penalty, theirs.data_loss + theirs.penalty, rtol=1e-5)


def only(job: Any, run: Any) -> Any:
    return replace(
        job,
        penalties=tuple(p.convert(lambda s: s[[run]] if s.ndim == 3 else s) for p in job.penalties),
        fold=job.fold[[run]],
        seeds=job.seeds[[run]],
        start=tuple(w[[run]] for w in job.start),
    )


def assert_same_bits(a: Any, b: Any) -> None:
    for left, right in zip(a.parameters, b.parameters, strict=True):
        np.testing.assert_array_equal(left, right)
    for name in ("data_loss", "penalty", "validation_loss", "residual", "epochs"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


@pytest.mark.usefixtures("each_level")
@pytest.mark.parametrize("batch_size", [None, 16, 5000])
def test_bits_depend_on_nothing_but_the_job(batch_size: Any) -> None:
    # 10,000 rows make several slices, which a crew of threads shares where the runs are few.
    rows = 10_000 if batch_size != 16 else 300
    layers = (Dense(6, 20), Tanh(), Dropout(0.2), Dense(20, 3))
    job = make_job(layers, CrossEntropy(), Adam(0.01), "L1", np.float32, rows, batch_size=batch_size, epochs=3)
    first = compiled.train(job)
    for n_jobs in (1, 2, 3, 5, -1):
        assert_same_bits(compiled.train(job, n_jobs), first)
    for run in range(job.runs):
        alone = only(job, run)
        for n_jobs in (1, 4):
            assert_same_bits(compiled.train(alone, n_jobs), first.part(slice(run, run + 1)))


def test_a_large_batch_is_the_references() -> None:
    job = make_job(rows=9_000, optimizer=Adam(0.01), penalty="L1", epochs=4)
    assert_agree(job, "slices", double=1e-9)


# Networks of 16,384 numbers and more keep the tiles of a batch of 256 rows or fewer, and slice a larger one otherwise.
@pytest.mark.slow
@pytest.mark.usefixtures("each_level")
@pytest.mark.parametrize("penalty", ["L1", "groups of inputs, L1 and L2"])
@pytest.mark.parametrize("batch_size", [130, 256, 300, None])
def test_large_networks_share_each_batch_and_no_number_depends_on_how(batch_size: Any, penalty: Any) -> None:
    cases: list[Any] = [
        (Dense(90, 190), Tanh(), Dropout(0.2), Dense(190, 7)),
        (Dense(3, 1000), ReLU(), Dense(1000, 15), Tanh(), Dense(15, 2)),
        (Dense(2, 4200), LeakyReLU(0.1), Dense(4200, 2)),
    ]
    for number, layers in enumerate(cases):
        if not by_turns(number, len(cases), (batch_size or 0) + len(penalty)):
            continue
        settings: dict[str, Any] = {"batch_size": batch_size, "epochs": 1 if batch_size else 2, "polish": Polish(2)}
        job = make_job(layers, None, Adam(0.01), penalty, np.float64, 410, **settings)
        first, _ = assert_agree(job, (layers, batch_size, penalty), double=1e-9)
        alone = only(job, 1)
        for n_jobs in (1, 2, 3):
            assert_same_bits(compiled.train(alone, n_jobs), first.part(slice(1, 2)))


def with_inactive_units(job: Any) -> Any:
    """Start with 0 before and after half of the hidden units, and on one side of others; unpenalized, they train."""
    start = [w.copy() for w in job.start]
    for k in range(0, len(start) - 2, 2):
        units = np.arange(start[k].shape[-1])
        start[k][..., (units % 2 == 0) | (units % 8 == 3)] = 0
        start[k + 2][:, (units % 2 == 0) | (units % 8 == 5)] = 0
    return replace(job, start=tuple(start))


@pytest.mark.slow
@pytest.mark.usefixtures("each_level")
@pytest.mark.parametrize(
    "penalty",
    [
        "L1",
        "elastic net that excludes",
        "groups of inputs, L1 and L2",
        "group over units",
        "MCP that excludes, and L2",
        "groups of inputs, MCP and L2",
        "group MCP over units, and L2",
    ],
)
@pytest.mark.parametrize(
    "layers",
    [
        (Dense(5, 41), ReLU(), Dense(41, 7)),
        (Dense(5, 16), GELU(), Tanh(), Dense(16, 2)),
        (Dense(2, 24), LeakyReLU(0.2), Dense(24, 3)),
        (Tanh(), Dense(6, 30), Sigmoid(), Dense(30, 20), ReLU(), Dense(20, 9), Tanh(), Dense(9, 6)),
        (Dense(90, 190), Tanh(), Dense(190, 7)),
        (Dense(3, 1000), ReLU(), Dense(1000, 15), Tanh(), Dense(15, 2)),
    ],
    ids=lambda layers: "-".join(str(layer.units) for layer in layers if isinstance(layer, Dense)),
)
def test_units_that_sleep_are_left_out_and_wake_as_the_references_do(layers: Any, penalty: Any) -> None:
    cases: list[Any] = [
        (np.float64, (None, 70), Adam(0.01)),
        (np.float64, (50, 410), SGD(0.05, momentum=0.9, nesterov=True)),
        (np.float32, (None, 410), SGD(0.05)),
    ]
    for number, (dtype, (batch_size, rows), optimizer) in enumerate(cases):
        if not by_turns(number, len(cases), len(penalty) + len(layers)):
            continue
        job = with_inactive_units(
            make_job(layers, None, optimizer, penalty, dtype, rows, batch_size=batch_size, epochs=4)
        )
        ours, theirs = assert_agree(replace(job, polish=Polish(2), record_every=2), (dtype, batch_size), double=1e-9)
        first = ours.parameters[0][0]
        np.testing.assert_array_equal((first == 0).all(axis=0), (theirs.parameters[0][0] == 0).all(axis=0))
        alone = only(job, 2)
        assert_same_bits(compiled.train(alone, 3), compiled.train(job).part(slice(2, 3)))


def test_all_units_of_a_network_may_become_inactive_and_its_sparse_rows_too() -> None:
    job = with_inactive_units(
        make_job((Dense(5, 40), ReLU(), Dense(40, 3)), None, Adam(0.05), "L1", epochs=60, ramp=0.5)
    )
    job = replace(job, penalties=tuple(L1(per_run([0.0, 0.02, 5.0])) for _ in job.penalties))
    ours, _ = assert_agree(job, "whole", double=1e-8)
    assert all((w[2] == 0).all() for w in ours.parameters[::2])
    (fold,) = job.folds
    rows = csr_array(np.where(np.random.default_rng(1).random(job.x.shape) < 0.3, job.x, 0))
    assert_agree(replace(job, x=rows, folds=(replace(fold, center=np.zeros(5)),)), "sparse", double=1e-8)


def test_a_sparse_batch_of_a_large_network_is_the_references() -> None:
    job = make_job(
        (Dense(300, 70), ReLU(), Dense(70, 3)), None, SGD(0.02, momentum=0.9), "L1", rows=150, batch_size=100
    )
    dense: Any = job.x
    x = np.where(np.random.default_rng(1).random(dense.shape) < 0.1, dense, 0)
    (fold,) = job.folds
    job = replace(job, x=csr_array(x), folds=(replace(fold, center=np.zeros(300)),))
    assert_agree(job, "sparse", double=1e-9)


def emptied(job: Any, rows: Any) -> Any:
    """Make x sparse, a tenth of it left, and nothing in some rows."""
    x = np.where(np.random.default_rng(1).random(job.x.shape) < 0.1, job.x, 0)
    x[rows] = 0
    return replace(job, x=csr_array(x), folds=tuple(replace(fold, center=0 * fold.center) for fold in job.folds))


EMPTY: dict[str, Any] = {
    "the first tile": slice(0, 128),
    "a tile in the middle": slice(130, 300),
    "the last": slice(250, None),
    "the rows of validation": slice(3, None, 5),
    "all but some": np.arange(350) % 29 > 0,
    "all": slice(None),
}


@pytest.mark.slow
@pytest.mark.usefixtures("each_level")
@pytest.mark.parametrize("batch_size", [None, 64, 7])
@pytest.mark.parametrize("rows", EMPTY)
def test_sparse_tiles_without_entries_are_the_references(rows: Any, batch_size: Any) -> None:
    for layers, optimizer, penalty, dtype in (
        ((Dense(6, 5), Tanh(), Dense(5, 3)), SGD(0.05, momentum=0.9, nesterov=True), "L1", np.float64),
        ((Dense(6, 5), ReLU(), Dense(5, 3)), Adam(0.01), "group over inputs", np.float32),
        ((Dense(3, 2),), AdaGrad(0.05), "elastic net that excludes", np.float64),
        ((Dense(7, 40), GELU(), Dense(40, 9), LeakyReLU(0.1), Dense(9, 2)), RMSProp(0.01), "L1", np.float32),
        ((Dense(300, 70), Dropout(0.2), ReLU(), Dense(70, 3)), AdamW(0.01), "none", np.float64),
    ):
        job = make_job(layers, None, optimizer, penalty, dtype, 350, batch_size=batch_size, epochs=2, record_every=1)
        job = emptied(replace(job, polish=Polish(3)), EMPTY[rows])
        ours, theirs = assert_agree(job, (layers, optimizer, penalty, dtype), single=2e-4, double=1e-9)
        for name in ("data_loss", "validation_loss", "zeros", "norms"):
            a, b = getattr(ours.history, name), getattr(theirs.history, name)
            np.testing.assert_allclose(a, b, rtol=1e-9 if dtype == np.float64 else 2e-3, atol=1e-6)
        alone = only(job, 2)
        for n_jobs in (1, 3):
            assert_same_bits(compiled.train(alone, n_jobs), ours.part(slice(2, 3)))


@pytest.mark.parametrize("batch_size", [None, 64])
def test_sleeping_units_over_sparse_tiles_without_entries(batch_size: Any) -> None:
    for rows in EMPTY.values():
        job = make_job((Dense(6, 40), ReLU(), Dense(40, 3)), None, Adam(0.01), "L1", rows=350, batch_size=batch_size)
        assert_agree(with_inactive_units(emptied(job, rows)), rows, double=1e-9)


def test_what_it_cannot_do_is_named() -> None:
    class Other(ReLU):
        pass

    class OtherError(SquaredError):
        pass

    class OtherPenalty(L1):
        pass

    class OtherOptimizer(SGD):
        pass

    job = make_job()
    assert compiled.supports(job) is None
    strange = make_job((Dense(5, 3), Other(), Dense(3, 1)))
    assert compiled.supports(strange) == "it has no layer Other"
    with pytest.raises(NotImplementedError, match="no layer Other"):
        compiled.train(strange)
    assert compiled.supports(replace(job, loss=OtherError())) == "it has no loss OtherError"
    assert compiled.supports(replace(job, optimizer=OtherOptimizer(0.1))) == "it has no optimizer OtherOptimizer"
    assert (
        compiled.supports(replace(job, penalties=(OtherPenalty(0.0), *job.penalties[1:])))
        == "it has no penalty OtherPenalty"
    )
    assert "negative slope" in str(compiled.supports(make_job((Dense(5, 3), LeakyReLU(-0.1)))))
    folds = (Fold.plain(np.ones(70), 5, 3),)
    dropped = make_job((Dropout(0.1), Dense(5, 3)), x=csr_array(np.eye(70, 5)), folds=folds)
    assert compiled.supports(dropped) == "with a sparse x the first layer is Dense, not Dropout"
    half = replace(job, start=tuple(w.astype(np.float16) for w in job.start))
    assert "float16" in str(compiled.supports(half))


def test_an_instruction_set_can_be_forced_and_a_wrong_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    available = native.levels()
    assert available
    assert native.load()[0] == available[-1] if native.VARIABLE not in __import__("os").environ else True
    monkeypatch.setenv(native.VARIABLE, available[0])
    assert native.load()[0] == available[0]
    monkeypatch.setenv(native.VARIABLE, "x86-64-v9")
    with pytest.raises(ValueError, match="x86-64-v9"):
        native.load()


def test_peak_is_measured() -> None:
    assert compiled.peak_flops(0.01) > 1e8


def test_a_network_of_every_kind_of_layer_without_hidden_units_of_its_own() -> None:
    network = multilayer_perceptron(3, [7], 2, "gelu", dropout=0.1)
    assert_agree(make_job(network.layers, BinaryCrossEntropy(), Adam(0.01), "group over units"), "gelu")
