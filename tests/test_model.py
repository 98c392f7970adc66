"""What predicts, and the smaller one that computes the same."""

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes

from ridgewalk import MLPClassifierCV, MLPRegressorCV
from ridgewalk.input_maps import InputMap
from ridgewalk.losses import SquaredError
from ridgewalk.model import Compaction, Model, Size
from ridgewalk.network import multilayer_perceptron


def make(sizes: Any, activation: Any, share: Any, seed: int = 0, dropout: Any = 0.0) -> Model:
    """Build a model whose weights are 0 but for a share of them; all biases act."""
    generator = np.random.default_rng(seed)
    inputs, *hidden, outputs = sizes
    network = multilayer_perceptron(inputs, hidden, outputs, activation, dropout)
    arrays = [generator.normal(size=shape) for shape in network.shapes]
    for w in arrays[::2]:
        w[generator.random(w.shape) > share] = 0
    scale = generator.uniform(0.5, 2, inputs)
    return Model(
        network, tuple(arrays), SquaredError(), np.arange(inputs), generator.normal(size=inputs), scale,
        generator.normal(size=outputs), generator.uniform(0.5, 2, outputs),
    )  # fmt: skip


def mapped(model: Model) -> Model:
    """Let three numbers of a row each be made of one of the columns 1, 3, 5, ..."""
    count = len(model.center)
    column, scale = np.arange(count) // 3, np.where(np.arange(count) == 4, np.inf, np.linspace(0.5, 2, count))
    inputs = InputMap(column, np.arange(count) % 3, np.linspace(-1, 1, count), scale)
    return replace(model, inputs=2 * np.unique(column) + 1, map=inputs)


def rows(model: Any, seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(size=(50, model.inputs.max() + 1))


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh", "logistic", "gelu", "identity"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.05, 0.1, 0.3, 1.0])
@pytest.mark.parametrize("sizes", [(20, 3), (20, 15, 2), (20, 15, 9, 2), (7, 5, 5, 5, 1)])
def test_the_compact_model_predicts_the_same_and_holds_nothing_dead(sizes: Any, share: Any, activation: Any) -> None:
    for seed in range(5):
        model = make(sizes, activation, share, seed, dropout=0.3)
        model = mapped(model) if seed % 2 else model
        small, x = model.compact(), rows(model)
        expected = model.output(x)
        np.testing.assert_allclose(small.output(x), expected, rtol=0, atol=1e-12 * np.abs(expected).max())
        constant = np.ptp(expected, axis=0).max() == 0
        weights = small.parameters[::2]
        if any(not w.any() for w in weights):
            assert constant
            assert small.size == Size(1, 0, 2 * sizes[-1], sizes[-1])
            continue
        # Every input and hidden unit left is fed by a weight, and feeds one.
        assert all((w != 0).any(axis=0).all() for w in weights[:-1])
        assert all((w != 0).any(axis=1).all() for w in weights)
        assert small.compact().size == small.size


def test_a_column_that_was_constant_is_dead_whatever_its_weights() -> None:
    model = make((4, 6, 2), "tanh", 1.0)
    model.scale[2] = np.inf
    assert model.support(5).tolist() == [True, True, False, True, False]
    assert model.compact().inputs.tolist() == [0, 1, 3]
    x = rows(model)
    np.testing.assert_allclose(model.compact().output(x), model.output(x), rtol=0, atol=1e-12)


def test_a_dense_model_stays_as_it_is() -> None:
    model = make((4, 6, 2), "tanh", 1.0)
    small = model.compact()
    assert small.size == model.size == Size(4, 6, 4 * 6 + 6 + 6 * 2 + 2, 4 * 6 + 6 * 2)
    for ours, theirs in zip(small.parameters, model.parameters, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_only_what_matters_is_left() -> None:
    model = make((3, 4, 1), "logistic", 1.0)
    first, bias, second, last = (array.copy() for array in model.parameters)
    first[0], first[:, 1], second[2] = 0, 0, 0  # a dead input; a unit that is constant; a unit that feeds nothing
    model = replace(model, parameters=(first, bias, second, last))
    small = model.compact()
    assert small.inputs.tolist() == [1, 2]
    np.testing.assert_array_equal(small.parameters[0], first[1:][:, [0, 3]])
    constant = 1 / (1 + np.exp(-bias[0, 1]))
    np.testing.assert_allclose(small.parameters[3], last + constant * second[1], rtol=1e-14)


def test_raw_parameters_take_columns_as_they_came() -> None:
    model = make((6, 5, 2), "tanh", 0.4).compact()
    x = rows(make((6, 5, 2), "tanh", 0.4))
    raw, _ = model.network.forward(x[:, model.inputs], model.raw_parameters())
    np.testing.assert_allclose(raw, model.output(x), atol=1e-12)


def test_a_mapped_network_is_of_columns() -> None:
    model = mapped(make((7, 5, 2), "tanh", 1.0))
    model.parameters[0][[0, 1, 2, 4]] = 0
    assert model.column.tolist() == [1, 1, 1, 3, 3, 3, 5]
    assert model.support(7).tolist() == [False, False, False, True, False, True, False]
    small, x = model.compact(), rows(model)
    assert small.map is not None
    assert (small.inputs.tolist(), small.map.column.tolist(), small.size.inputs) == ([3, 5], [0, 0, 1], 2)
    np.testing.assert_allclose(small.output(csr_array(x)), model.output(x), atol=1e-12)
    raw, _ = small.network.forward(small.map.apply(x[:, small.inputs]), small.raw_parameters())
    np.testing.assert_allclose(raw, model.output(x), atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("select", [False, True])
def test_compact_estimator(select: Any) -> None:
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    model = MLPClassifierCV(
        (16,),
        alphas=6,
        cv=2,
        max_iter=120,
        selection="1se",
        penalty="group_lasso",
        select_inputs=select,
        random_state=0,
    ).fit(X, y)
    small = model.compact(X)
    np.testing.assert_allclose(small.predict_proba(X), model.predict_proba(X), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(small.transform(X), model.transform(X))
    kept = int(model.support_.sum())
    assert 0 < kept < 30
    assert (small.compaction_.before.inputs, small.compaction_.after.inputs) == (30, kept)
    assert X.columns[small.model_.inputs].tolist() == small.selected_features_.tolist()
    assert len(small.coefs_[0]) == kept
    assert str(small.compaction_).startswith(f"inputs 30 -> {kept}, units 16 -> ")
    assert "times as fast" in str(small.compaction_)
    assert model.compact().compaction_.seconds is None
    assert not hasattr(small, "path_")
    assert hasattr(model, "path_")
    assert len(pickle.dumps(small)) < len(pickle.dumps(model)) / 5
    again = pickle.loads(pickle.dumps(small))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    clone(small)


def test_compact_regressor() -> None:
    X, y = load_diabetes(return_X_y=True)
    model = MLPRegressorCV((8,), alphas=4, cv=2, max_iter=80, l1_ratio=1.0, random_state=0).fit(X, y)
    small = model.compact()
    np.testing.assert_allclose(small.predict(X), model.predict(X), rtol=1e-12)
    assert small.score(X, y) == pytest.approx(model.score(X, y))


def test_how_much_smaller_and_faster() -> None:
    sizes = Size(30, 32, 1025, 992), Size(9, 14, 155, 140)
    words = "inputs 30 -> 9, units 32 -> 14, numbers 1025 -> 155, multiplications 992 -> 140"
    assert str(Compaction(*sizes)) == words
    assert str(Compaction(*sizes, (0.02, 0.005))) == f"{words}, predictions 4.0 times as fast (0.02 s -> 0.005 s)"
