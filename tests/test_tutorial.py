"""The tutorial's door: a learner's loop as the tutorial writes it, and the tutorial's defects kept out."""

import copy
import re
import warnings

import numpy as np
import pytest

from ridgewalk.engine.job import Fold, Job
from ridgewalk.engine.reference import train
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


def learners_loop(dense1, dense2, optimizer, X, y, epochs, log=print):
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


def layers(seed=0, hidden=16, **penalty):
    generator = np.random.default_rng(seed)
    return Layer_Dense(2, hidden, random_state=generator, **penalty), Layer_Dense(
        hidden, 3, random_state=generator, **penalty
    )


def test_the_learners_loop_runs_and_logs():
    X, y = spiral_data(samples=100, classes=3, random_state=0)
    lines = []
    strengths = {"weight_L2": 1e-4, "bias_L2": 1e-4}
    last = learners_loop(*layers(**strengths), Optimizer_SGD(momentum=0.5, decay=1e-4), X, y, 301, lines.append)
    pattern = (
        r"epoch: \d+, acc: 0\.\d{3}, loss: (\d\.\d{3}) \(data_loss: (\d\.\d{3}), reg_loss: (\d\.\d{3})\), lr: [\d.]+"
    )
    assert len(lines) == 4
    for line in lines:
        loss, data_loss, reg_loss = map(float, re.fullmatch(pattern, line).groups())
        assert loss == pytest.approx(data_loss + reg_loss, abs=0.0016)
    assert lines[0].startswith("epoch: 0, acc: 0.")
    assert lines[0].endswith("lr: 1.0")
    assert "(data_loss: 1.099, reg_loss: 0.000)" in lines[0]
    assert re.fullmatch(r"validation, acc: 0\.\d{3}, loss: \d\.\d{3}", last)


@pytest.mark.parametrize("weight_L1", [0.0, 1e-4])
@pytest.mark.parametrize(
    ("tutorials", "engines"),
    [
        (Optimizer_SGD(decay=1e-3, momentum=0.5), SGD(1.0, momentum=0.5, schedule=InverseTime(1e-3))),
        (Optimizer_Adam(0.02, decay=1e-3), Adam(0.02, epsilon=1e-7, schedule=InverseTime(1e-3))),
    ],
    ids=["SGD", "Adam"],
)
def test_the_loop_gives_the_engines_numbers(tutorials, engines, weight_L1):
    X, y = spiral_data(samples=40, classes=3, random_state=0)
    strengths = {"weight_L1": weight_L1, "weight_L2": 2e-4, "bias_L1": 1e-5, "bias_L2": 3e-4}
    dense1, dense2 = layers(**strengths)
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
    )
    learners_loop(dense1, dense2, copy.deepcopy(tutorials), X, y, 80)
    arrays = (dense1.weight, dense1.bias, dense2.weight, dense2.bias)
    for ours, theirs in zip(arrays, train(job).parameters, strict=True):
        np.testing.assert_allclose(ours, theirs[0], rtol=1e-6, atol=1e-8)


def test_without_a_penalty_the_loop_is_plain_numpy():
    """Every line spelled out once more, by hand."""
    X, y = spiral_data(samples=40, classes=3, random_state=0)
    dense1, dense2 = layers()
    w1, b1, w2, b2 = (a.copy() for a in (dense1.weight, dense1.bias, dense2.weight, dense2.bias))
    moves = [np.zeros_like(a) for a in (w1, b1, w2, b2)]
    for step in range(50):
        hidden = X @ w1 + b1
        active = np.where(hidden > 0, hidden, 0)
        logits = active @ w2 + b2
        chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        d = chances.copy()
        d[np.arange(len(y)), y] -= 1
        d /= len(y)
        dhidden = (d @ w2.T) * (hidden > 0)
        slopes = [X.T @ dhidden, dhidden.sum(axis=0, keepdims=True), active.T @ d, d.sum(axis=0, keepdims=True)]
        moves = [0.9 * move - 0.5 / (1 + 0.01 * step) * slope for move, slope in zip(moves, slopes, strict=True)]
        w1, b1, w2, b2 = (a + move for a, move in zip((w1, b1, w2, b2), moves, strict=True))
    learners_loop(dense1, dense2, Optimizer_SGD(0.5, decay=0.01, momentum=0.9), X, y, 50)
    for ours, by_hand in zip((dense1.weight, dense1.bias, dense2.weight, dense2.bias), (w1, b1, w2, b2), strict=True):
        np.testing.assert_allclose(ours, by_hand, rtol=1e-9, atol=1e-12)


def objective(dense1, dense2, X, y):
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
def test_the_gradients_a_learner_reads_are_those_of_the_whole_objective(which, name):
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


def test_the_biass_gradient_uses_the_bias():
    dense = Layer_Dense(3, 3, bias_L2=0.5)
    dense.bias = np.array([[1.0, -2.0, 3.0]])
    dense.forward(np.zeros((1, 3)))
    dense.backward(np.zeros((1, 3)))
    np.testing.assert_array_equal(dense.dbias, [[1.0, -2.0, 3.0]])


def test_both_layers_penalties_count():
    # The tutorial computed the second layer's penalty and threw it away: a statement on a line of its own.
    loss_activation = Activation_Softmax_Loss_CategoricalCrossentropy()
    for layer in layers(weight_L2=0.1):
        assert loss_activation.loss.regularization_loss(layer) == pytest.approx(0.1 * (layer.weight**2).sum())
        layer.forward(np.zeros((1, layer.weight.shape[0])))
        layer.backward(np.zeros((1, layer.weight.shape[1])))
        np.testing.assert_allclose(layer.dweight, 0.2 * layer.weight)


def test_l1_has_no_slope_at_zero_and_leaves_exact_zeros():
    dense = Layer_Dense(2, 2, weight_L1=0.1)
    dense.weight = np.array([[0.0, 0.5], [-0.5, 0.0]])
    dense.forward(np.zeros((1, 2)))
    dense.backward(np.zeros((1, 2)))
    np.testing.assert_array_equal(dense.dweight, [[0, 0.1], [-0.1, 0]])
    optimizer = Optimizer_SGD(learning_rate=1.0)
    for _ in range(7):
        optimizer.pre_update_param()
        optimizer.update_param(dense)
        optimizer.post_update_param()
        dense.backward(np.zeros((1, 2)))
    assert (dense.weight == 0).all()


def test_one_hot_labels_work_and_stay_as_they_are():
    X, y = spiral_data(samples=20, classes=3, random_state=0)
    one_hot = np.eye(3)[y]
    by_label, by_row = layers(), layers()
    assert objective(*by_label, X, y) == objective(*by_row, X, one_hot)
    np.testing.assert_array_equal(by_label[0].dweight, by_row[0].dweight)
    assert one_hot.shape == (60, 3)


def test_the_validation_loss_holds_no_penalty():
    X, y = spiral_data(samples=20, classes=3, random_state=0)
    free, penalized = layers(), layers(weight_L2=100.0)
    loss_activation = Activation_Softmax_Loss_CategoricalCrossentropy()
    losses = []
    for dense1, dense2 in (free, penalized):
        dense1.forward(X)
        dense2.forward(np.maximum(dense1.output, 0))
        losses.append(loss_activation.forward(dense2.output, y))
    assert losses[0] == losses[1]


def test_the_tutorials_own_penalty_is_named_as_evadable():
    X, y = spiral_data(samples=20, classes=3, random_state=0)
    dense1 = Layer_Dense(2, 8, weight_L2=5e-4, bias_L2=5e-4)
    with pytest.warns(EvadablePenaltyWarning, match="layer 1 carry a penalty and those of layer 2 none"):
        learners_loop(dense1, Layer_Dense(8, 3), Optimizer_SGD(), X, y, 2)


def test_the_order_of_the_updates_does_not_hide_it():
    dense1, dense2 = Layer_Dense(2, 8, weight_L2=5e-4), Layer_Dense(8, 3)
    objective(dense1, dense2, *spiral_data(samples=20, classes=3, random_state=0))
    optimizer = Optimizer_SGD()
    optimizer.update_param(dense2)
    optimizer.update_param(dense1)
    with pytest.warns(EvadablePenaltyWarning, match="layer 1 carry a penalty"):
        optimizer.post_update_param()


def test_one_layer_alone_warns_of_nothing():
    dense = Layer_Dense(2, 3, weight_L2=0.1)
    dense.forward(np.ones((1, 2)))
    dense.backward(np.ones((1, 3)))
    optimizer = Optimizer_SGD()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.update_param(dense)
        optimizer.post_update_param()


def test_the_rate_decays_as_the_tutorial_says():
    optimizer = Optimizer_SGD(learning_rate=0.8, decay=0.5)
    rates = []
    for _ in range(3):
        optimizer.pre_update_param()
        rates.append(optimizer.current_learning_rate)
        optimizer.post_update_param()
    assert rates == pytest.approx([0.8, 0.8 / 1.5, 0.4])


def test_the_spiral_is_the_tutorials():
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


def test_the_ceiling_of_the_spiral():
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
