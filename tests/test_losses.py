"""Laws of every loss: a new member adds one line to MEMBERS."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, softmax

from ridgewalk.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    LossFacts,
    Poisson,
    SquaredError,
    facts,
    holds_classes,
)

generator = np.random.default_rng(0)
NUMBERS = generator.normal(size=(9, 3))
MEMBERS = {
    "cross-entropy": (CrossEntropy(), np.eye(3)[generator.integers(0, 3, 9)]),
    "binary cross-entropy": (BinaryCrossEntropy(), (NUMBERS > 0).astype(float)),
    "squared error": (SquaredError(), NUMBERS),
    "absolute error": (AbsoluteError(), NUMBERS),
    "Huber": (Huber(0.7), NUMBERS),
    "Poisson": (Poisson(), generator.poisson(2, (9, 3)).astype(float)),
}
every_loss = pytest.mark.parametrize(("loss", "target"), MEMBERS.values(), ids=MEMBERS.keys())


@every_loss
def test_gradient_is_the_slope_of_the_values(loss: Any, target: Any) -> None:
    output, u = (np.random.default_rng(seed).normal(size=target.shape) for seed in (1, 2))
    measured = (loss.values(output + 1e-6 * u, target) - loss.values(output - 1e-6 * u, target)) / 2e-6
    np.testing.assert_allclose((loss.gradient(output, target) * u).sum(axis=-1), measured, rtol=1e-6, atol=1e-8)


@every_loss
def test_a_stack_is_its_members_one_by_one(loss: Any, target: Any) -> None:
    stack = np.random.default_rng(1).normal(size=(4, *target.shape))
    for k in range(4):
        np.testing.assert_array_equal(loss.values(stack, target)[k], loss.values(stack[k], target))
        np.testing.assert_array_equal(loss.gradient(stack, target)[k], loss.gradient(stack[k], target))


@every_loss
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, -1), (1, -1, 1)])
def test_outputs_of_ten_thousand_stay_finite_in_float32(loss: Any, target: Any, signs: Any) -> None:
    output = np.broadcast_to(np.float32(1e4) * np.array(signs, dtype=np.float32), target.shape)
    narrow = target.astype(np.float32)
    for answer in (loss.values(output, narrow), loss.gradient(output, narrow), loss.predict(output)):
        assert answer.dtype == np.float32
        assert np.isfinite(answer).all()


@every_loss
def test_the_slope_is_right_far_out_too(loss: Any, target: Any) -> None:
    for size in (60.0, -60.0):
        output, u = np.full(target.shape, size), np.random.default_rng(2).normal(size=target.shape)
        measured = (loss.values(output + 1e-3 * u, target) - loss.values(output - 1e-3 * u, target)) / 2e-3
        np.testing.assert_allclose((loss.gradient(output, target) * u).sum(axis=-1), measured, rtol=1e-6, atol=1e-8)


@every_loss
def test_the_null_output_is_the_best_constant(loss: Any, target: Any) -> None:
    weights = np.random.default_rng(3).uniform(0, 1, len(target))
    weights[0] = 0
    best = loss.null_output(target, weights)

    def cost(constant: Any) -> Any:
        return (weights * loss.values(np.broadcast_to(constant, target.shape), target)).sum()

    for direction in np.eye(target.shape[1]):
        moved = minimize_scalar(lambda h, u=direction: cost(best + h * u), bounds=(-1, 1), method="bounded")
        assert cost(best) <= moved.fun + 1e-9


@pytest.mark.parametrize("loss", [CrossEntropy(), BinaryCrossEntropy(), Poisson()])
def test_the_null_output_is_finite_even_for_a_class_without_rows(loss: Any) -> None:
    target = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert np.isfinite(loss.null_output(target, np.ones(2))).all()


def test_values_by_hand() -> None:
    assert CrossEntropy().values(np.zeros((1, 3)), np.eye(3)[[0]]) == pytest.approx(np.log(3))
    assert BinaryCrossEntropy().values(np.zeros((1, 1)), np.ones((1, 1))) == pytest.approx(np.log(2))
    assert SquaredError().values(np.array([[3.0]]), np.array([[1.0]])) == 2
    assert AbsoluteError().values(np.array([[3.0]]), np.array([[1.0]])) == 2
    assert Huber(1.0).values(np.array([[3.0], [0.5]]), np.zeros((2, 1))).tolist() == [2.5, 0.125]
    assert Poisson().values(np.array([[0.0]]), np.array([[5.0]])) == pytest.approx(1 - 5 + 5 * np.log(5))


@every_loss
def test_the_best_a_loss_can_be_is_zero(loss: Any, target: Any) -> None:
    perfect = {
        CrossEntropy: 50 * target,
        BinaryCrossEntropy: 100 * target - 50,
        Poisson: np.log(np.maximum(target, 1e-20)),
    }.get(type(loss), target)
    np.testing.assert_allclose(loss.values(perfect, target), 0, atol=1e-12)
    output = np.random.default_rng(4).normal(size=target.shape)
    assert (loss.values(output, target) > 0).all()


def test_labels_may_be_integers_or_one_hot() -> None:
    loss = CrossEntropy()
    np.testing.assert_array_equal(loss.encode([2, 0, 1]), loss.encode(np.eye(3)[[2, 0, 1]]))
    assert loss.encode([0, 1], classes=4).shape == (2, 4)


@pytest.mark.parametrize(
    ("loss", "y", "words"),
    [
        (CrossEntropy(), [0.5, 1.0], "must be integers"),
        (CrossEntropy(), [-1, 1], "Labels must lie in"),
        (CrossEntropy(), [[0.5, 0.2]], "sum to 1"),
        (BinaryCrossEntropy(), [0, 2], "lies in 0..1"),
        (Poisson(), [-1, 2], "zero or more"),
    ],
)
def test_a_wrong_target_is_named(loss: Any, y: Any, words: Any) -> None:
    with pytest.raises(ValueError, match=words):
        loss.encode(y)


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (["a", "b"], True),
        ([True, False], True),
        (np.arange(20), True),
        (np.arange(21), False),
        ([0.0, 1.0, 2.0], True),
        ([0.0, 1.5], False),
    ],
)
def test_classes_are_told_from_numbers(y: Any, classes: Any) -> None:
    assert holds_classes(y) == classes


def test_huber_needs_a_delta() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Huber(0.0)


ACTIVATIONS: dict[str, Any] = {
    "identity": lambda z: z,
    "logistic": expit,
    "softmax": lambda z: softmax(z, axis=-1),
    "exponential": np.exp,
}


@every_loss
def test_the_facts_say_what_predict_does(loss: Any, target: Any) -> None:
    output = np.random.default_rng(3).normal(size=target.shape)
    np.testing.assert_allclose(loss.predict(output), ACTIVATIONS[facts(loss).output_activation](output), rtol=1e-12)


@every_loss
def test_the_unit_power_is_how_the_loss_grows_with_the_unit_of_its_target(loss: Any, target: Any) -> None:
    power = facts(loss).unit_power
    if power is None:
        pytest.skip("its targets are not standardized")
    output = np.random.default_rng(4).normal(size=target.shape)
    wider = Huber(10 * loss.delta) if isinstance(loss, Huber) else loss
    np.testing.assert_allclose(wider.values(10 * output, 10 * target), 10**power * loss.values(output, target))


@every_loss
def test_labels_are_several_yes_no_outputs_of_classes(loss: Any, target: Any) -> None:
    assert facts(loss).is_multilabel(target.shape[1]) == isinstance(loss, BinaryCrossEntropy)
    assert not facts(loss).is_multilabel(1)


def test_a_loss_without_facts_has_the_defaults() -> None:
    unknown: Any = object()
    assert facts(unknown) == LossFacts()
