"""Laws of a path's settings: what they build, and what they refuse."""

from typing import Any

import numpy as np
import pytest

from paths import settings_of
from ridgewalk.penalties import L2


def values(settings: Any, alphas: Any) -> Any:
    network = settings.network(3, 2)
    ones = [np.ones((len(alphas), *shape)) for shape in network.shapes]
    return [penalty.value(w) for penalty, w in zip(settings.penalty.at(network, np.array(alphas)), ones, strict=True)]


def test_the_elastic_net_is_on_every_weight_array_and_on_no_bias() -> None:
    first, bias, second, last = values(settings_of((4,), l1_ratio=0.25), [0.0, 2.0])
    np.testing.assert_allclose(first, [0, 2 * (0.25 + 0.375) * 12])
    np.testing.assert_allclose(second, [0, 2 * (0.25 + 0.375) * 8])
    assert not bias.any()
    assert not last.any()


def test_the_group_lasso_is_on_the_inputs_with_ridge_above_and_none_at_strength_zero() -> None:
    first, bias, second, last = values(settings_of((4,), penalty="group_lasso", upper_l2=0.1), [0.0, 2.0])
    np.testing.assert_allclose(first, [0, 2 * 3 * np.sqrt(4) * 2])
    np.testing.assert_allclose(second, [0, 0.1 * 8])
    assert not bias.any()
    assert not last.any()


def test_factors_reach_the_group_lasso_too() -> None:
    factors = np.array([0.0, 1, 3])
    first, *_ = values(settings_of((4,), penalty="group_lasso", penalty_factors=factors), [1.0])
    assert first == pytest.approx((1 + 3) * np.sqrt(4) * 2)


def test_factors_are_those_of_the_inputs_alone() -> None:
    first, _, second, _ = values(settings_of((4,), l1_ratio=1.0, penalty_factors=np.array([0.0, 1, 3])), [1.0])
    assert first == (1 + 3) * 4
    assert second == 8


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"penalty": "l0"}, "'elasticnet', 'group_lasso'", id='change0-"elasticnet" or "group_lasso"'),
        ({"schedule": "backwards"}, '"ramp" or "sequential"'),
        ({"max_iter": 0}, "max_iter is at least 1"),
        ({"hidden_layer_sizes": (3, 0)}, "at least 1 unit"),
        ({"dtype": "float16"}, '"float32" or "float64"'),
        ({"learning_rate": 0}, "above 0"),
        ({"l1_ratio": 2}, "between 0"),
    ],
)
def test_mistakes_are_named(change: Any, words: Any) -> None:
    with pytest.raises(ValueError, match=words):
        settings_of(**change)


def test_groups_are_joined_in_the_first_layer_alone() -> None:
    w = np.arange(1.0, 13).reshape(1, 3, 4)
    first, _, second, _ = settings_of((4,), penalty="group_lasso", groups=np.array([5, 5, 2])).penalty.at(
        settings_of((4,)).network(3, 1), np.array([0.5])
    )
    np.testing.assert_allclose(
        first.value(w), 0.5 * (np.sqrt(8) * np.linalg.norm(w[0, :2]) + 2 * np.linalg.norm(w[0, 2]))
    )
    assert isinstance(second, L2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"groups": np.array([0, 1])}, 'needs penalty="group_lasso"'),
        ({"groups": np.array([0.5, 1]), "penalty": "group_lasso"}, "one whole number per input, got float64"),
        ({"groups": np.zeros((2, 2), dtype=int), "penalty": "group_lasso"}, "shaped \\(2, 2\\)"),
    ],
)
def test_wrong_groups_are_named(change: Any, words: Any) -> None:
    with pytest.raises(ValueError, match=words):
        settings_of(**change)
