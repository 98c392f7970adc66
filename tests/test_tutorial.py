"""The tutorial's door: a learner's loop as the tutorial writes it, and the tutorial's defects kept out."""

import copy
import pickle
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ridgewalk.engine.job import Job
from ridgewalk.engine.reference import train
from ridgewalk.folds import Fold
from ridgewalk.losses import CrossEntropy
from ridgewalk.network import EvadablePenaltyWarning, layer_penalties, multilayer_perceptron
from ridgewalk.optimizers import SGD, Adam, InverseTime
from ridgewalk.tutorial import (
    Activation_ReLu,
    Activation_Softmax_Loss_CategoricalCrossentropy,
    Layer_Dense,
    Optimizer_Adam,
    Optimizer_SGD,
    spiral_data,
)


def learners_loop(dense1: Any, dense2: Any, optimizer: Any, X: Any, y: Any, epochs: Any, log: Any = print) -> str:
    """Run what a reader of the tutorial types, name for name; return the validation line."""
    activation1 = Activation_ReLu()
    loss_activation = Activation_Softmax_Loss_CategoricalCrossentropy()
    for epoch in range(epochs):
        dense1.forward(X)
        activation1.forward(dense1.output)
        dense2.forward(activation1.output)
        data_loss = loss_activation.forward(dense2.output, y)
        regularization_loss = loss_activation.loss.regularization_loss(
            dense1
        ) + loss_activation.loss.regularization_loss(dense2)
        loss = data_loss + regularization_loss

        predictions = np.argmax(loss_activation.output, axis=1)
        if len(y.shape) == 2:
            y = np.argmax(y, axis=1)
        accuracy = np.mean(predictions == y)
        if not epoch % 100:
            log(
                f"epoch: {epoch}, "
                f"acc: {accuracy:.3f}, "
                f"loss: {loss:.3f} ("
                f"data_loss: {data_loss:.3f}, "
                f"reg_loss: {regularization_loss:.3f}), "
                f"lr: {optimizer.current_learning_rate}"
            )

        loss_activation.backward(loss_activation.output, y)
        dense2.backward(loss_activation.dinput)
        activation1.backward(dense2.dinput)
        dense1.backward(activation1.dinput)

        optimizer.pre_update_param()
        optimizer.update_param(dense1)
        optimizer.update_param(dense2)
        optimizer.post_update_param()

    X_test, y_test = spiral_data(samples=100, classes=3, random_state=1)
    dense1.forward(X_test)
    activation1.forward(dense1.output)
    dense2.forward(activation1.output)
    loss = loss_activation.forward(dense2.output, y_test)
    accuracy = np.mean(np.argmax(loss_activation.output, axis=1) == y_test)
    return f"validation, acc: {accuracy:.3f}, loss: {loss:.3f}"


def layers(seed: int = 0, hidden: Any = 16, **penalty: Any) -> tuple[Layer_Dense, Layer_Dense]:
    generator = np.random.default_rng(seed)
    return Layer_Dense(2, hidden, random_state=generator, **penalty), Layer_Dense(
        hidden, 3, random_state=generator, **penalty
    )


def test_the_learners_loop_runs_and_logs() -> None:
    X, y = spiral_data(samples=100, classes=3, random_state=0)
    lines: list[str] = []
    strengths: dict[str, Any] = {"weight_L2": 1e-4, "bias_L2": 1e-4}
    last = learners_loop(*layers(**strengths), Optimizer_SGD(momentum=0.5, decay=1e-4), X, y, 301, lines.append)
    pattern = (
        r"epoch: \d+, acc: 0\.\d{3}, loss: (\d\.\d{3}) \(data_loss: (\d\.\d{3}), reg_loss: (\d\.\d{3})\), lr: [\d.]+"
    )
    assert len(lines) == 4
    for line in lines:
        said = re.fullmatch(pattern, line)
        assert said is not None
        loss, data_loss, reg_loss = map(float, said.groups())
        assert loss == pytest.approx(data_loss + reg_loss, abs=0.0016)
    assert lines[0].startswith("epoch: 0, acc: 0.")
    assert lines[0].endswith("lr: 1.0")
    assert "(data_loss: 1.099, reg_loss: 0.000)" in lines[0]
    assert re.fullmatch(r"validation, acc: 0\.\d{3}, loss: \d\.\d{3}", last)


@pytest.mark.parametrize(
    ("tutorials", "engines", "warmup"),
    [
        (partial(Optimizer_SGD, decay=1e-3, momentum=0.5), SGD(1.0, momentum=0.5, schedule=InverseTime(1e-3)), 0),
        (partial(Optimizer_Adam, 0.02, decay=1e-3), Adam(0.02, epsilon=1e-7, schedule=InverseTime(1e-3)), 0),
        (partial(Optimizer_Adam, 0.02, decay=1e-3), Adam(0.02, epsilon=1e-7, schedule=InverseTime(1e-3)), 20),
    ],
    ids=["SGD", "Adam", "Adam, rising"],
)
def test_with_l1_alone_the_loop_gives_the_engines_numbers(tutorials: Any, engines: Any, warmup: Any) -> None:
    X, y = spiral_data(samples=40, classes=3, random_state=0)
    strengths: dict[str, Any] = {"weight_L1": 1e-3, "bias_L1": 1e-4}
    dense1, dense2 = started("He", 0, 16, **strengths)
    network = multilayer_perceptron(2, [16], 3)
    start = tuple(a[None].copy() for a in (dense1.weight, dense1.bias, dense2.weight, dense2.bias))
    penalties = layer_penalties(network, **{name.lower(): value for name, value in strengths.items()})
    fold = Fold.plain(np.ones(len(X)), 2, 3)
    job = Job(
        network=network,
        loss=CrossEntropy(),
        penalties=penalties,
        optimizer=engines,
        x=X,
        target=CrossEntropy().encode(y),
        folds=(fold,),
        fold=np.zeros(1, int),
        seeds=np.zeros(1, int),
        start=start,
        epochs=80,
        ramp=warmup / 80,
    )
    learners_loop(dense1, dense2, tutorials(l1_warmup=warmup), X, y, 80)
    arrays = (dense1.weight, dense1.bias, dense2.weight, dense2.bias)
    assert (dense1.weight == 0).any()
    assert (dense2.weight != 0).any()
    for ours, theirs in zip(arrays, train(job).parameters, strict=True):
        np.testing.assert_allclose(ours, theirs[0], rtol=1e-6, atol=1e-8)


def started(kind: Any, seed: int, hidden: Any, **penalty: Any) -> Any:
    """Draw two layers as the tutorial starts them, or as He and others do."""
    pair = layers(seed, hidden, **penalty)
    if kind == "He":
        for dense in pair:
            dense.weight *= 100 * np.sqrt(2 / dense.weight.shape[0])
    return pair


def by_hand(
    arrays: Any, optimizer: Any, X: Any, y: Any, epochs: Any, l1: Any = (0, 0, 0, 0), l2: Any = (0, 0, 0, 0)
) -> Iterator[Any]:
    """Train with the tutorial's formulas, corrected, in NumPy alone; yield the arrays and the objective."""
    arrays = [a.copy() for a in arrays]
    first, second = [np.zeros_like(a) for a in arrays], [np.zeros_like(a) for a in arrays]
    rate0, decay, momentum = optimizer.get("rate", 1.0), optimizer.get("decay", 0.0), optimizer.get("momentum", 0.0)
    for k in range(epochs + 1):
        w1, b1, w2, b2 = arrays
        hidden = np.maximum(0, X @ w1 + b1)
        logits = hidden @ w2 + b2
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        penalty = sum(a * np.abs(w).sum() + b * (w**2).sum() for a, b, w in zip(l1, l2, arrays, strict=True))
        yield tuple(arrays), -np.log(chances[np.arange(len(y)), y]).mean() + penalty
        d = chances.copy()
        d[np.arange(len(y)), y] -= 1
        d /= len(y)
        dhidden = (d @ w2.T) * (hidden > 0)
        slopes = [X.T @ dhidden, dhidden.sum(axis=0, keepdims=True), hidden.T @ d, d.sum(axis=0, keepdims=True)]
        rate = rate0 * (1 / (1 + decay * k))
        for i, (a, b) in enumerate(zip(l1, l2, strict=True)):
            g = slopes[i] + 2 * b * arrays[i] + a * np.sign(arrays[i])
            if optimizer["name"] == "SGD":
                first[i] = momentum * first[i] - rate * g
                arrays[i] = arrays[i] + first[i]
            else:
                first[i] = 0.9 * first[i] + (1 - 0.9) * g
                second[i] = 0.999 * second[i] + (1 - 0.999) * g**2
                m_hat, v_hat = first[i] / (1 - 0.9 ** (k + 1)), second[i] / (1 - 0.999 ** (k + 1))
                arrays[i] = arrays[i] - rate * m_hat / (np.sqrt(v_hat) + 1e-7)


def tutorials_optimizer(name: Any, rate: Any = 1.0, **options: Any) -> Any:
    return (Optimizer_SGD if name == "SGD" else Optimizer_Adam)(rate, **options)


@pytest.mark.slow
@pytest.mark.parametrize("start", ["0.01 * normal", "He"])
@pytest.mark.parametrize(
    "optimizer",
    [
        *({"name": "SGD", "momentum": m, "decay": d} for m in (0.0, 0.5, 0.9) for d in (0.0, 1e-3)),
        *({"name": "Adam", "rate": 0.02, "decay": d} for d in (0.0, 1e-3)),
    ],
    ids=lambda options: " ".join(map(str, options.values())),
)
@pytest.mark.parametrize("l2", [(0, 0, 0, 0), (2e-4, 3e-4, 4e-4, 5e-4)], ids=["no penalty", "L2"])
def test_with_l2_alone_the_loop_is_plain_numpy(optimizer: Any, start: Any, l2: Any) -> None:
    """Every line spelled out once more, by hand; the last bit of a step is another network some hundred steps on."""
    X, y = spiral_data(samples=100, classes=3, random_state=0)
    dense1, dense2 = started(start, 1, 16)
    dense1.weight_L2, dense1.bias_L2, dense2.weight_L2, dense2.bias_L2 = l2
    *_, (arrays, value) = by_hand((dense1.weight, dense1.bias, dense2.weight, dense2.bias), optimizer, X, y, 100, l2=l2)
    learners_loop(dense1, dense2, tutorials_optimizer(**optimizer), X, y, 100)
    for ours, theirs in zip((dense1.weight, dense1.bias, dense2.weight, dense2.bias), arrays, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)
    assert objective(dense1, dense2, X, y) == pytest.approx(value, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("optimizer", "start", "l1"),
    [
        ({"name": "Adam", "rate": 0.02}, "0.01 * normal", 1e-4),
        ({"name": "Adam", "rate": 0.02}, "He", 2e-3),
        ({"name": "SGD", "momentum": 0.5, "decay": 1e-3}, "0.01 * normal", 5e-4),
    ],
    ids=["Adam", "Adam, He", "SGD"],
)
def test_l1_ends_no_worse_than_a_plain_subgradient_and_with_exact_zeros(optimizer: Any, start: Any, l1: Any) -> None:
    # Without a warm-up the prox ends the first case's small weights before the data have grown them.
    X, y = spiral_data(samples=100, classes=3, random_state=0)
    epochs = 1000
    dense1, dense2 = started(start, 0, 24, weight_L1=l1)
    arrays = dense1.weight, dense1.bias, dense2.weight, dense2.bias
    plain = [value for _, value in by_hand(arrays, optimizer, X, y, epochs, l1=(l1, 0, l1, 0))]
    stepper, ours = tutorials_optimizer(**optimizer), []
    for _ in range(epochs):
        ours.append(objective(dense1, dense2, X, y))
        stepper.pre_update_param()
        stepper.update_param(dense1)
        stepper.update_param(dense2)
        stepper.post_update_param()
    late = epochs // 10
    assert np.median(ours[-late:]) <= 1.01 * np.median(plain[-late:])
    assert (dense1.weight == 0).any()
    assert (dense2.weight == 0).any()


def objective(dense1: Any, dense2: Any, X: Any, y: Any) -> Any:
    activation1, loss_activation = Activation_ReLu(), Activation_Softmax_Loss_CategoricalCrossentropy()
    dense1.forward(X)
    activation1.forward(dense1.output)
    dense2.forward(activation1.output)
    loss = loss_activation.forward(dense2.output, y)
    loss += loss_activation.loss.regularization_loss(dense1) + loss_activation.loss.regularization_loss(dense2)
    loss_activation.backward(loss_activation.output, y)
    dense2.backward(loss_activation.dinput)
    activation1.backward(dense2.dinput)
    dense1.backward(activation1.dinput)
    return loss


@pytest.mark.parametrize("name", ["weight", "bias"])
@pytest.mark.parametrize("which", [0, 1])
def test_the_gradients_a_learner_reads_are_those_of_the_whole_objective(which: Any, name: Any) -> None:
    # The tutorial's bias gradient used the weights; here every array passes a check by differences.
    X, y = spiral_data(samples=30, classes=3, random_state=0)
    pair = layers(weight_L1=0.01, weight_L2=0.02, bias_L1=0.03, bias_L2=0.04)
    generator = np.random.default_rng(1)
    for layer in pair:
        layer.weight, layer.bias = generator.normal(size=layer.weight.shape), generator.normal(size=layer.bias.shape)
    objective(*pair, X, y)
    layer = pair[which]
    gradient, start = getattr(layer, f"d{name}").copy(), getattr(layer, name)
    u = generator.normal(size=start.shape)
    values = []
    for sign in (1, -1):
        setattr(layer, name, start + sign * 1e-6 * u)
        values.append(objective(*pair, X, y))
    assert (gradient * u).sum() == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-6)


def test_the_biass_gradient_uses_the_bias() -> None:
    dense = Layer_Dense(3, 3, bias_L2=0.5)
    dense.bias = np.array([[1.0, -2.0, 3.0]])
    dense.forward(np.zeros((1, 3)))
    dense.backward(np.zeros((1, 3)))
    np.testing.assert_array_equal(dense.dbias, [[1.0, -2.0, 3.0]])


def test_both_layers_penalties_count() -> None:
    # Also that of the second layer, and of a layer that was made without strengths: 0.
    loss_activation = Activation_Softmax_Loss_CategoricalCrossentropy()
    assert loss_activation.loss.regularization_loss(Layer_Dense(2, 3)) == 0
    for layer in layers(weight_L2=0.1):
        assert loss_activation.loss.regularization_loss(layer) == pytest.approx(0.1 * (layer.weight**2).sum())
        layer.forward(np.zeros((1, layer.weight.shape[0])))
        layer.backward(np.zeros((1, layer.weight.shape[1])))
        np.testing.assert_allclose(layer.dweight, 0.2 * layer.weight)


def test_l1_has_no_slope_at_zero_and_leaves_exact_zeros() -> None:
    dense = Layer_Dense(2, 2, weight_L1=0.1)
    dense.weight = np.array([[0.0, 0.5], [-0.5, 0.0]])
    dense.forward(np.zeros((1, 2)))
    dense.backward(np.zeros((1, 2)))
    np.testing.assert_array_equal(dense.dweight, [[0, 0.1], [-0.1, 0]])
    optimizer = Optimizer_SGD(learning_rate=1.0, l1_warmup=0)
    for _ in range(7):
        turn(optimizer, dense)
        dense.backward(np.zeros((1, 2)))
    assert (dense.weight == 0).all()


def turn(optimizer: Any, *updated: Any) -> None:
    optimizer.pre_update_param()
    for layer in updated:
        optimizer.update_param(layer)
    optimizer.post_update_param()


def alone(slope: Any = 0.0, units: Any = 2, **penalty: Any) -> Any:
    """Return a layer of weights and biases 1 whose gradient is the slope and the penalty's."""
    dense = Layer_Dense(1, units, **penalty)
    dense.weight, dense.bias = np.ones((1, units)), np.ones((1, units))
    dense.forward(np.ones((1, 1)))
    dense.backward(np.full((1, units), slope))
    return dense


@pytest.mark.parametrize("warmup", [0, 1, 4, 500])
def test_under_adam_l1_rises_to_its_strength_over_the_warmup(warmup: Any) -> None:
    # What L1 takes away in one step beyond what the data do: all of it, or the share that the warm-up has reached.
    dense, whole, free = alone(0.5, weight_L1=0.01), alone(0.5, weight_L1=0.01), alone(0.5)
    rising, at_once, without = (Optimizer_Adam(0.1, l1_warmup=updates) for updates in (warmup, 0, 500))
    for k in range(6):
        for each in (dense, whole, free):
            each.weight = np.ones((1, 2))
            each.backward(np.full((1, 2), 0.5))
        turn(rising, dense)
        turn(at_once, whole)
        turn(without, free)
        share = min(1, (k + 1) / warmup) if warmup else 1
        np.testing.assert_allclose(free.weight - dense.weight, share * (free.weight - whole.weight), rtol=1e-9)
        assert (whole.weight < free.weight).all()


@pytest.mark.parametrize("warmup", [0, 1, 4, 500])
def test_under_sgd_l1_acts_whole_and_goes_over_to_the_prox(warmup: Any) -> None:
    # Of a strength of 0.5 the data's slope of 0.3 leaves 0.2, and what of 0.5 is in the prox stops the weight at 0.
    dense = alone(0.3, weight_L1=0.5)
    optimizer = Optimizer_SGD(1.0, l1_warmup=warmup)
    for k in range(6):
        share = min(1, (k + 1) / warmup) if warmup else 1
        dense.weight = np.array([[2.0, 0.1]])
        dense.backward(np.full((1, 2), -0.3))
        turn(optimizer, dense)
        plain = 0.1 + 0.3 - (1 - share) * 0.5
        expected = [2.0 - 0.2, np.sign(plain) * max(abs(plain) - share * 0.5, 0)]
        np.testing.assert_allclose(dense.weight, [expected], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("make", [Optimizer_SGD, Optimizer_Adam])
def test_the_warmup_is_five_hundred_updates_unless_told(make: Any) -> None:
    assert make().l1_warmup == 500
    assert make(l1_warmup=np.int64(3)).l1_warmup == 3
    assert make(l1_warmup=1e3).l1_warmup == 1000


@pytest.mark.parametrize("make", [Optimizer_SGD, Optimizer_Adam])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "500", None, True, 2j, np.ones(2)])
def test_a_warmup_that_is_no_number_of_updates_is_refused(make: Any, value: Any) -> None:
    with pytest.raises(ValueError, match="l1_warmup is a number of updates, 0 or more, got"):
        make(l1_warmup=value)


def test_the_penalty_is_counted_whole_from_the_first_step() -> None:
    loss_activation = Activation_Softmax_Loss_CategoricalCrossentropy()
    dense = alone(weight_L1=0.5, bias_L1=0.25)
    optimizer = Optimizer_SGD(0.1)
    for _ in range(3):
        expected = 0.5 * np.abs(dense.weight).sum() + 0.25 * np.abs(dense.bias).sum()
        assert loss_activation.loss.regularization_loss(dense) == pytest.approx(expected, rel=1e-12)
        np.testing.assert_array_equal(dense.dweight, [[0.5, 0.5]])
        turn(optimizer, dense)
        dense.backward(np.zeros((1, 2)))


@pytest.mark.parametrize("make", [partial(Optimizer_SGD, 0.1), partial(Optimizer_Adam, 0.1)], ids=["SGD", "Adam"])
def test_biases_get_exact_zeros_too(make: Any) -> None:
    dense = alone(bias_L1=0.3)
    optimizer = make(l1_warmup=5)
    for _ in range(100):
        turn(optimizer, dense)
        dense.backward(np.zeros((1, 2)))
    assert (dense.bias == 0).all()
    assert (dense.weight == 1).all()


def test_a_strength_may_change_between_epochs() -> None:
    dense = alone(weight_L1=0.0)
    optimizer = Optimizer_SGD(0.1, l1_warmup=0)
    turn(optimizer, dense)
    np.testing.assert_array_equal(dense.weight, 1)
    dense.weight_L1 = 2.0
    turn(optimizer, dense)  # what the last backward put into dweight was nothing, and nothing is taken out
    np.testing.assert_allclose(dense.weight, 0.8, rtol=1e-12)
    dense.backward(np.zeros((1, 2)))
    dense.weight_L1 = 0.0
    turn(optimizer, dense)  # and here L1 is taken out, and none is applied
    np.testing.assert_allclose(dense.weight, 0.8, rtol=1e-12)


@pytest.mark.parametrize("make", [Optimizer_SGD, partial(Optimizer_Adam, 0.1)], ids=["SGD", "Adam"])
def test_a_layer_that_comes_late_or_twice_steps_as_it_would_alone(make: Any) -> None:
    early, late, fresh = alone(0.01), alone(0.01), alone(0.01)
    optimizer = make()
    for _ in range(50):
        turn(optimizer, early)
    turn(optimizer, early, late, late)
    alone_with_it = make()
    turn(alone_with_it, fresh)
    turn(alone_with_it, fresh)
    np.testing.assert_array_equal(late.weight, fresh.weight)


def test_two_optimizers_of_one_layer_remember_their_own_moves() -> None:
    shared, single = alone(0.5), alone(0.5)
    first, second = Optimizer_SGD(0.1, momentum=0.5), Optimizer_SGD(0.0001, momentum=0.5)
    turn(first, shared)
    turn(first, single)
    turn(second, shared)
    shared.weight, single.weight = np.ones((1, 2)), np.ones((1, 2))
    turn(first, shared)
    turn(first, single)
    np.testing.assert_array_equal(shared.weight, 1 - 0.1 * 0.5 * 1.5)
    np.testing.assert_array_equal(shared.weight, single.weight)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda both: pickle.loads(pickle.dumps(both))])
@pytest.mark.parametrize("make", [partial(Optimizer_SGD, momentum=0.9), partial(Optimizer_Adam, 0.02)])
def test_copied_with_its_layers_an_optimizer_goes_on(make: Any, copied: Any) -> None:
    X, y = spiral_data(samples=20, classes=3, random_state=0)
    pair, optimizer = layers(weight_L1=1e-3, bias_L2=1e-3), make()
    learners_loop(*pair, optimizer, X, y, 20)
    (one, other), once_more = copied((pair, optimizer))
    learners_loop(*pair, optimizer, X, y, 20)
    learners_loop(one, other, once_more, X, y, 20)
    for ours, theirs in zip(pair, (one, other), strict=True):
        np.testing.assert_array_equal(ours.weight, theirs.weight)
        np.testing.assert_array_equal(ours.bias, theirs.bias)


def test_single_precision_stays() -> None:
    dense = alone(0.5, weight_L1=0.1, weight_L2=0.1)
    dense.weight = dense.weight.astype(np.float32)
    dense.backward(np.full((1, 2), 0.5, dtype=np.float32))
    turn(Optimizer_SGD(0.1), dense)
    assert np.isfinite(dense.weight).all()


def test_one_hot_labels_work_and_stay_as_they_are() -> None:
    X, y = spiral_data(samples=20, classes=3, random_state=0)
    one_hot = np.eye(3)[y]
    by_label, by_row = layers(), layers()
    assert objective(*by_label, X, y) == objective(*by_row, X, one_hot)
    np.testing.assert_array_equal(by_label[0].dweight, by_row[0].dweight)
    assert one_hot.shape == (60, 3)


def test_the_validation_loss_holds_no_penalty() -> None:
    X, y = spiral_data(samples=20, classes=3, random_state=0)
    free, penalized = layers(), layers(weight_L2=100.0)
    loss_activation = Activation_Softmax_Loss_CategoricalCrossentropy()
    losses = []
    for dense1, dense2 in (free, penalized):
        dense1.forward(X)
        dense2.forward(np.maximum(dense1.output, 0))
        losses.append(loss_activation.forward(dense2.output, y))
    assert losses[0] == losses[1]


def test_the_tutorials_own_penalty_is_named_as_evadable() -> None:
    X, y = spiral_data(samples=20, classes=3, random_state=0)
    dense1 = Layer_Dense(2, 8, weight_L2=5e-4, bias_L2=5e-4)
    with pytest.warns(EvadablePenaltyWarning, match="layer 1 carry a penalty and those of layer 2 none"):
        learners_loop(dense1, Layer_Dense(8, 3), Optimizer_SGD(), X, y, 2)


def test_the_order_of_the_updates_does_not_hide_it() -> None:
    dense1, dense2 = Layer_Dense(2, 8, weight_L2=5e-4), Layer_Dense(8, 3)
    objective(dense1, dense2, *spiral_data(samples=20, classes=3, random_state=0))
    optimizer = Optimizer_SGD()
    optimizer.update_param(dense2)
    optimizer.update_param(dense1)
    with pytest.warns(EvadablePenaltyWarning, match="layer 1 carry a penalty"):
        optimizer.post_update_param()


def test_one_layer_alone_warns_of_nothing() -> None:
    dense = Layer_Dense(2, 3, weight_L2=0.1)
    dense.forward(np.ones((1, 2)))
    dense.backward(np.ones((1, 3)))
    optimizer = Optimizer_SGD()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.update_param(dense)
        optimizer.post_update_param()


def test_the_rate_decays_as_the_tutorial_says() -> None:
    optimizer = Optimizer_SGD(learning_rate=0.8, decay=0.5)
    rates = []
    for _ in range(3):
        optimizer.pre_update_param()
        rates.append(optimizer.current_learning_rate)
        optimizer.post_update_param()
    assert rates == pytest.approx([0.8, 0.8 / 1.5, 0.4])


def test_the_spiral_is_the_tutorials() -> None:
    X, y = spiral_data(samples=1000, classes=3, random_state=0)
    assert X.shape == (3000, 2)
    assert np.bincount(y).tolist() == [1000] * 3
    r = np.linspace(0, 1, 1000)
    np.testing.assert_allclose(np.linalg.norm(X[y == 1], axis=1), r, atol=1e-12)
    angle = np.unwrap(np.arctan2(X[y == 0, 0], X[y == 0, 1])[500:])
    spread = angle - 10 * r[500:]
    assert (spread - spread.mean()).std() == pytest.approx(0.5, rel=0.15)
    again, _ = spiral_data(samples=1000, classes=3, random_state=0)
    np.testing.assert_array_equal(X, again)


@pytest.mark.slow
def test_the_ceiling_of_the_spiral() -> None:
    """Accuracy 0.9098 and log loss 0.2132, from the arms' own densities: wrapped normals, 10 class radians apart."""
    generator = np.random.default_rng(0)
    noise = 0.5 * generator.standard_normal(400_000)
    labels = generator.integers(0, 3, noise.size)
    around = 10 * labels + noise
    turns = 2 * np.pi * np.arange(-8, 9)
    density = np.stack([np.exp(-2 * (around[:, None] - 10 * c + turns) ** 2).sum(axis=1) for c in range(3)], axis=1)
    posterior = density / density.sum(axis=1, keepdims=True)
    assert (posterior.argmax(axis=1) == labels).mean() == pytest.approx(0.9098, abs=0.0015)
    assert -np.log(posterior[np.arange(noise.size), labels]).mean() == pytest.approx(0.2132, abs=0.003)


def test_the_benchmark_of_l1_runs() -> None:
    script = Path(__file__).parents[1] / "benchmarks" / "tutorial_l1.py"
    options = ["--rows", "30", "--hidden", "4", "--epochs", "12", "--seeds", "1", "--itself"]
    done = subprocess.run([sys.executable, script, *options], check=True, capture_output=True, text=True)
    assert re.search(r"^prox / plain: worst \d\.\d{3}, above 1.01 in \d+ of 18, mean \d\.\d{3}$", done.stdout, re.M)
    assert re.search(r"^plain, moved / plain: worst 1\.000, above 1.01 in 0 of 18, mean 1\.000$", done.stdout, re.M)
