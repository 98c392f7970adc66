"""Checks of anyone's code: every planted fault is named, in every draw, and right code raises nothing."""

import importlib.util
import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from amounts import amount
from ridgewalk.check import check_gradient, check_penalty, check_torch

NAMES = ["w1", "bias 1", "w2", "bias 2"]
L1, L2, ROWS = 0.01, 0.02, 40


class Net:
    """A network of one hidden layer, in plain NumPy: nothing of it comes from the package."""

    def __init__(self, seed: int, activation: Any = "relu", l1: Any = L1, l2: Any = L2) -> None:
        draws = np.random.default_rng(seed)
        self.x, labels = draws.normal(size=(ROWS, 4)), draws.integers(0, 3, ROWS)
        self.target, self.relu, self.l1, self.l2 = np.eye(3)[labels], activation == "relu", l1, l2
        self.arrays = [draws.normal(size=shape) for shape in [(4, 7), (1, 7), (7, 3), (1, 3)]]
        self.arrays[0][1] = 0  # exact zeros
        self.arrays[1][0, 0] = 3e-5  # in the neighbourhood of one

    @property
    def named(self) -> Any:
        return dict(zip(NAMES, self.arrays, strict=True))

    def forward(self, arrays: Any, rows: int) -> Any:
        w1, b1, w2, b2 = arrays
        sums = self.x[:rows] @ w1 + b1
        hidden = np.maximum(sums, 0) if self.relu else np.tanh(sums)
        scores = np.exp(hidden @ w2 + b2)
        return sums, hidden, scores / scores.sum(axis=1, keepdims=True)

    def penalty(self, arrays: Any) -> Any:
        return sum(self.l1 * np.abs(w).sum() + self.l2 * (w * w).sum() for w in arrays[::2])

    def loss(self, *arrays: Any) -> Any:
        return -np.log((self.forward(arrays, ROWS)[2] * self.target).sum(axis=1)).mean() + self.penalty(arrays)

    def pulls(self, arrays: Any) -> Any:
        slopes = [self.l1 * np.sign(w) + 2 * self.l2 * w for w in arrays]
        return [slopes[0], 0 * arrays[1], slopes[2], 0 * arrays[3]]

    def gradient(self, arrays: Any, rows: Any = ROWS, pulls: Any = None) -> Any:
        sums, hidden, chances = self.forward(arrays, rows)
        doutput = (chances - self.target[:rows]) / rows
        dhidden = (doutput @ arrays[2].T) * ((sums > 0) if self.relu else 1 - hidden**2)
        slopes = [self.x[:rows].T @ dhidden, dhidden.sum(axis=0), hidden.T @ doutput, doutput.sum(axis=0)]
        pulls = self.pulls(arrays) if pulls is None else pulls
        return [np.atleast_2d(slope) + pull for slope, pull in zip(slopes, pulls, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize("strengths", [(0, 0), (L1, 0), (0, L2), (L1, L2)], ids=["none", "L1", "L2", "elastic net"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_right_gradient_raises_nothing(activation: Any, strengths: Any) -> None:
    for seed in range(amount(8, 25)):  # times 8 kinds of network
        net = Net(seed, activation, *strengths)
        check = check_gradient(
            net.loss, lambda *arrays, net=net: net.gradient(arrays), net.arrays, names=NAMES, seed=seed
        )
        assert check.ok, check
        check.raise_if_wrong()
        assert [row.name for row in check.arrays] == NAMES
        assert min(row.compared for row in check.arrays) >= 15


def test_weights_and_units_that_are_exactly_zero_raise_nothing() -> None:
    net = Net(0)
    for array in net.arrays[:2]:
        array[:, 2:4] = 0  # two units at the kink of their ReLU
    check = check_gradient(net.loss, lambda *arrays: net.gradient(arrays), net.arrays)
    assert check.ok, check


def planted(change: Any) -> Any:
    """Make a gradient of which ``change`` spoils the list of arrays."""
    return lambda net: lambda *arrays: change(net.gradient(arrays), arrays)


GRADIENT_FAULTS = {
    "twice": (planted(lambda g, _w: [2 * g[0], *g[1:]]), "w1: the gradient is 2 times", "one-half"),
    "half": (planted(lambda g, _w: [g[0], g[1], g[2] / 2, g[3]]), "w2: the gradient is 1/2 of", "factor of 2"),
    "sign": (planted(lambda g, _w: [g[0], -g[1], *g[2:]]), "bias 1: the gradient is -1 times", "a sign"),
    "mean": (planted(lambda g, _w: [*g[:3], g[3] / ROWS]), "bias 2: the gradient is 1/40 of", "a division by 40"),
    "sum": (planted(lambda g, _w: [*g[:3], g[3] * ROWS]), "bias 2: the gradient is 40 times", "where a mean belongs"),
    "none": (planted(lambda g, _w: [g[0], 0 * g[1], *g[2:]]), "bias 1: this array gets no gradient", "worst 1"),
    "L2 halved": (planted(lambda g, w: [g[0] - L2 * w[0], *g[1:]]), "w1: an L2 of strength 0.01 is missing", "2"),
    "L1 twice": (planted(lambda g, w: [g[0] + L1 * np.sign(w[0]), *g[1:]]), "w1: an L1 of strength 0.01 too much", "2"),
    "other array": (planted(lambda g, w: [g[0], g[1] + L2 * w[0][:1], *g[2:]]), "bias 1: the gradient is not", ""),
    "some entries": (planted(lambda g, w: [g[0], g[1] + (w[1] > 0), *g[2:]]), "bias 1: the gradient is not", ""),
    "shape": (planted(lambda g, w: [g[0], g[1] + L2 * w[0], *g[2:]]), r"bias 1: the gradient is shaped (4, 7)", "w1"),
    "NaN": (planted(lambda g, _w: [*g[:2], g[2] * np.nan, g[3]]), "w2: 21 of 21 numbers", "not finite"),
    "sign(0) = +1": (
        planted(lambda g, w: [g[0] + L1 * (w[0] == 0), *g[1:]]), "w1: where weights are exactly zero", "an L1 of 0.01",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("fault", GRADIENT_FAULTS)
def test_a_wrong_gradient_is_named_and_its_array_alone(fault: Any) -> None:
    build, start, words = GRADIENT_FAULTS[fault]
    for seed in range(amount(6, 20)):
        net = Net(seed, "relu" if seed % 2 else "tanh")
        check = check_gradient(net.loss, build(net), net.named, seed=seed)
        assert len(check.findings) == 1, check
        assert check.findings[0].startswith(start), check
        assert words in check.findings[0], check
        assert [row.name for row in check.arrays if not row.ok] == [start.split(":")[0]]


def test_what_cannot_be_checked_is_said() -> None:
    draws = iter(range(10**6))
    cases = {
        "f is nan": lambda x: np.nan * x.sum(),
        "fix what it draws": lambda x: x.sum() + next(draws),
        "no slope could be measured": lambda x: x.sum() + 1e-3 * np.sin(1e9 * x).sum(),
        "as single precision has it": lambda x: float((x.astype("f4") ** 3).sum(dtype="f4")),
    }
    for words, f in cases.items():
        check = check_gradient(f, lambda x: 3 * x**2, np.random.default_rng(0).normal(size=(5, 3)))
        assert words in " ".join(check.findings)
        with pytest.raises(ValueError, match=words):
            check.raise_if_wrong()


def test_one_weight_of_many_is_found() -> None:
    w = np.arange(30.0)  # its zero is no kink of f
    check = check_gradient(lambda w: float((w**2).sum()), lambda w: 2 * w + (w == 0), w)
    assert check.findings[0].startswith("array 1: the gradient is not the slope of f.")


def test_one_array_needs_no_list() -> None:
    assert check_gradient(lambda w: float((w**2).sum()), lambda w: 2 * w, np.arange(1.0, 4.0)).ok


@pytest.mark.slow
@pytest.mark.parametrize("precision", [np.float64, np.float32])
def test_a_right_penalty_raises_nothing_and_its_strengths_are_read(precision: Any) -> None:
    for seed in range(amount(8, 25)):
        for l1, l2 in ((L1, 0), (0, L2), (L1, L2), (1e-4, 1e-3)):
            net = Net(seed, l1=l1, l2=l2)

            def gradient(arrays: Any, rows: int, on: Any, net: Any = net) -> Any:
                slopes = net.gradient(arrays, rows, None if on else [0 * w for w in arrays])
                return [slope.astype(precision) for slope in slopes]

            check = check_penalty(gradient, net.named, l1=l1, l2=l2, biases=False, value=net.penalty, seed=seed)
            assert check.ok, check
            assert not check.notes
            for row in check.arrays:
                due = (0, 0) if "bias" in row.name else (l1, l2)
                assert (row.l1, row.l2) == pytest.approx(due, rel=5e-3)


def test_a_penalty_that_drowns_in_rounding_is_no_finding() -> None:
    net = Net(0, l1=0, l2=1e-9)

    def gradient(arrays: Any, rows: int, on: Any) -> Any:
        return [each.astype(np.float32) for each in net.gradient(arrays, rows, None if on else [0 * w for w in arrays])]

    check = check_penalty(gradient, net.named, l2=1e-9)
    assert check.ok, check
    assert check.notes == ("w1, w2: what was asked for is too weak to be told from the gradient's rounding.",)


def spoiled(change: Any) -> Any:
    """Make ``gradient(arrays, rows, on)`` of which ``change`` spoils what the penalty adds."""

    def build(net: Any) -> Any:
        def gradient(arrays: Any, rows: int, on: Any) -> Any:
            return net.gradient(
                arrays, rows, change(net.pulls(arrays), arrays, rows) if on else [0 * w for w in arrays]
            )

        return gradient

    return build


WEIGHTS = "w1, w2: "
PENALTY_FAULTS = {
    "unwired": (lambda p, _w, _r: [0 * each for each in p], "The penalty changes the gradient of no array"),
    "one unwired": (lambda p, _w, _r: [p[0], p[1], 0 * p[2], p[3]], "w2: the penalty does not reach it"),
    "twice": (lambda p, _w, _r: [2 * each for each in p], WEIGHTS + "the penalty is 2 times what was asked for"),
    "half": (lambda p, _w, _r: [each / 2 for each in p], WEIGHTS + "the penalty is 1/2 of what was asked for"),
    "sign": (lambda p, _w, _r: [-each for each in p], WEIGHTS + "the penalty is -1 times what was asked for"),
    "by n": (lambda p, _w, _r: [each / 150 for each in p], WEIGHTS + "the penalty is 1/150 of what was asked for"),
    "L2 halved": (lambda p, w, _r: [p[0] - L2 * w[0], *p[1:]], "w1: l1 = 0.01, l2 = 0.01 found"),
    "by rows": (lambda p, _w, r: [each / r for each in p], WEIGHTS + "the penalty is divided by the rows of a step"),
    "times rows": (
        lambda p, _w, r: [each * r for each in p],
        WEIGHTS + "the penalty is multiplied by the rows of a step",
    ),
    "sign(0) = +1": (
        lambda p, w, _r: [p[0] + L1 * (w[0] == 0), *p[1:]],
        "w1: weights that are exactly zero are pushed",
    ),
    "biases": (
        lambda p, w, _r: [p[0], 2 * L2 * w[1], *p[2:]],
        "bias 1: it is penalized (l2 = 0.02), and was not to be",
    ),
    "other array": (lambda p, w, _r: [p[0], 2 * L2 * w[0][:1], *p[2:]], "bias 1: "),
    "shape": (lambda p, w, _r: [p[0], 2 * L2 * w[0], *p[2:]], "bias 1: the gradient is shaped (4, 7)"),
    "NaN": (lambda p, _w, _r: [p[0] * np.nan, *p[1:]], "w1: 28 of 28 numbers"),
    "not squared": (lambda p, w, _r: [w[0] / max(np.linalg.norm(w[0]), 1e-9), *p[1:]], "w1: "),
    "cubed": (lambda p, w, _r: [w[0] ** 3, *p[1:]], "w1: "),
}
SAID = {
    "twice": "one-half", "half": "a factor of 2", "sign": "The suspect: a sign", "by n": "a division by 150",
    "by rows": "l1 = 0.00125, l2 = 0.0025 at 8, l1 = 0.0003125, l2 = 0.000625 at 32", "sign(0) = +1": "by 0.01.",
    "other array": "It changes with w1", "not squared": "a norm that is not squared?", "cubed": "is no l1 sign(w)",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("fault", PENALTY_FAULTS)
def test_a_wrong_penalty_is_named_and_its_arrays_alone(fault: Any) -> None:
    change, start = PENALTY_FAULTS[fault]
    for seed in range(amount(6, 20)):
        net = Net(seed)
        check = check_penalty(spoiled(change)(net), net.named, l1=L1, l2=L2, biases=False, seed=seed)
        assert check.findings, fault
        assert check.findings[0].startswith(start), check
        assert SAID.get(fault, "") in check.findings[0], check
        blamed = start.split(":")[0].split(", ")
        assert all(finding.split(":")[0].split(", ") == blamed for finding in check.findings if ":" in finding[:10]), (
            check
        )


def test_a_value_without_a_gradient_is_named() -> None:
    net = Net(0)
    check = check_penalty(spoiled(lambda p, _w, _r: [0 * p[0], *p[1:]])(net), net.named, value=net.penalty)
    assert check.findings == ("w1: the penalty adds to the loss and carries no gradient.",)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (lambda net, arrays: 2 * net.penalty(arrays), "the value of the penalty is"),
        (lambda net, arrays: 2 * net.penalty(arrays), "gradient is 1/2 of the slope of its value"),
        (
            lambda net, arrays: net.penalty([*arrays[:2], 0 * arrays[2], arrays[3]]),
            "w2: the penalty's gradient is none of",
        ),
    ],
)
def test_a_wrong_value_is_named(value: Any, words: Any) -> None:
    net = Net(0)
    check = check_penalty(
        spoiled(lambda p, _w, _r: p)(net),
        net.named,
        l1=L1,
        l2=L2,
        value=lambda arrays: value(net, arrays),
    )
    assert words in " ".join(check.findings), check


def test_penalized_biases_are_a_note_unless_something_was_said_of_them() -> None:
    net = Net(0)
    gradient = spoiled(lambda p, w, _r: [p[0], 2 * L2 * w[1], p[2], 2 * L2 * w[3]])(net)
    free = check_penalty(gradient, net.named, l1=L1, l2=L2)
    assert free.ok, free
    assert free.notes == ("bias 1, bias 2: penalized like a weight (l2 = 0.02); most leave biases free.",)
    assert check_penalty(gradient, net.arrays).notes[0].startswith("array 2, array 4: penalized")  # one row each
    assert check_penalty(gradient, net.named, l1=[L1, 0, L1, 0], l2=[L2] * 4).ok
    assert not check_penalty(gradient, net.named, l1=L1, l2=L2, biases=True).ok  # they have no L1


def test_a_result_prints_and_becomes_json() -> None:
    net = Net(0)
    check = check_penalty(spoiled(lambda p, _w, _r: [2 * each for each in p])(net), net.named, l1=L1, l2=L2)
    lines = str(check).splitlines()
    assert lines[0].split() == ["name", "rows", "l1", "l2", "unexplained"]
    assert lines[1].split() == ["w1", "8", "0.02", "0.04", "0"]
    assert lines[9] == check.findings[0]
    held = json.loads(json.dumps(check.to_dict(), allow_nan=False))
    assert not held["ok"]
    assert held["arrays"][0]["l2"] == pytest.approx(0.04)
    bad = check_gradient(lambda w: float(w.sum()), lambda _: np.ones(3), np.ones((2, 2)))
    assert json.loads(json.dumps(bad.to_dict(), allow_nan=False))["arrays"][0]["worst"] is None


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: check_gradient(np.sum, np.ones_like, [np.ones(2)], names=["a", "b"]), "1 arrays take as many names"),
        (
            lambda: check_gradient(lambda _a, _b: 1.0, lambda a, _b: [a], [np.ones(2)] * 2),
            "A gradient for each of 2 arrays",
        ),
        (
            lambda: check_penalty(lambda w, _rows, _on: w, [np.ones(2)], l1=[1.0, 2.0]),
            "l1 is one number, or one for each of 1",
        ),
        (lambda: check_torch(None), "pass one"),
    ],
)
def test_mistakes_are_named(call: Any, words: Any) -> None:
    with pytest.raises(ValueError, match=words):
        call()


@pytest.fixture
def module() -> Any:
    torch = pytest.importorskip("torch", reason="PyTorch is not among the test dependencies")
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))


def penalty_of(module: Any) -> Any:
    weights = [module[0].weight, module[2].weight]
    return sum(L1 * w.abs().sum() + L2 * (w**2).sum() for w in weights)


def test_a_penalty_in_pytorch(module: Any) -> None:
    before = [tensor.clone() for tensor in module.parameters()]
    assert check_torch(module, penalty_of, l1=L1, l2=L2, biases=False).ok
    assert all((a == b).all() and b.grad is None for a, b in zip(before, module.parameters(), strict=True))
    unwired = check_torch(module, lambda copy: sum((layer.weight.data**2).sum() for layer in (copy[0], copy[2])))
    assert unwired.findings[1] == "0.weight, 2.weight: the penalty adds to the loss and carries no gradient."
    halved = check_torch(module, lambda copy: penalty_of(copy) / 2, l1=L1, l2=L2)
    assert "the penalty is 1/2 of what was asked for" in halved.findings[0]
    with pytest.raises(ValueError, match="reads another module"):
        check_torch(module, lambda _: penalty_of(module))


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("SGD", {}, ""),
        ("SGD", {"momentum": 0.9, "nesterov": True}, ""),
        ("Adam", {}, "there is no strength to read off"),
        ("RMSprop", {}, "there is no strength to read off"),
        ("AdamW", {}, "l2 holds at this learning rate only"),
    ],
)
def test_weight_decay_in_pytorch(module: Any, name: Any, options: Any, words: Any) -> None:
    optim = pytest.importorskip("torch.optim", reason="PyTorch is not among the test dependencies")
    optimizer = getattr(optim, name)(module.parameters(), lr=0.01, weight_decay=0.3, **options)
    before = [tensor.clone() for tensor in module.parameters()]
    check = check_torch(module, optimizer=optimizer, l2=0.15)
    assert all((a == b).all() for a, b in zip(before, module.parameters(), strict=True))
    assert not optimizer.state
    assert optimizer.param_groups[0].get("momentum", 0) == options.get("momentum", 0)
    if words:
        assert words in check.findings[0]
    else:
        assert check.ok, check
        assert "0.bias, 2.bias: penalized like a weight (l2 = 0.15)" in check.notes[0]


IN_KERAS = """
import keras, numpy as np
from keras import layers, regularizers
from ridgewalk.check import check_keras

dense = layers.Dense(4, kernel_regularizer=regularizers.L2(1e-8))
out = layers.Dense(1, kernel_regularizer=regularizers.OrthogonalRegularizer(), bias_regularizer=regularizers.L2(0.1))
model = keras.Sequential([keras.Input((5,)), dense, layers.Dropout(0.5), layers.BatchNormalization(), out])
before, x = model.get_weights(), np.random.default_rng(0).normal(size=(40, 5))
check = check_keras(model, x, x[:, :1])
assert all((a == b).all() for a, b in zip(before, model.get_weights()))
assert abs(check.arrays[0].l2 - 1e-8) < 1e-12 and check.arrays[0].rows == 10, check
assert all("dense_1/kernel: " in finding for finding in check.findings), check
idle = keras.Sequential([keras.Input((5,)), layers.Dense(4, kernel_regularizer="l1l2")])
assert "a regularizer of strength 0" in check_keras(idle, x, x[:, :4]).findings[-1]
assert "dense_1/bias: penalized like a weight (l2 = 0.1)" in check.notes[0], check
"""


@pytest.mark.skipif(
    not (importlib.util.find_spec("keras") and importlib.util.find_spec("torch")),
    reason="Keras, with PyTorch as its backend, is not among the test dependencies",
)
def test_regularizers_in_keras() -> None:
    environment = {**os.environ, "KERAS_BACKEND": "torch"}  # read once, when Keras is imported
    done = subprocess.run(
        [sys.executable, "-c", IN_KERAS], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
