"""The kernels that predict agree with the mixture that they stand for, whatever its networks, and row by row."""

import gc
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from ridgewalk import TableClassifier, TableRegressor, load
from ridgewalk.arrays import standardization
from ridgewalk.engine import native, predictor
from ridgewalk.engine.mixture_plan import plan_mixture
from ridgewalk.engine.predictor import Predictor, predict_mixture
from ridgewalk.input_maps import InputMap, Kind, MapRule
from ridgewalk.layers import Dense, Tanh
from ridgewalk.losses import AbsoluteError, BinaryCrossEntropy, CrossEntropy, Huber, Loss, Poisson, SquaredError
from ridgewalk.mixture import Mixture
from ridgewalk.model import Model
from ridgewalk.network import Network, multilayer_perceptron

ROWS, COLUMNS = 150, 6
OUTPUTS: dict[str, tuple[Loss, int]] = {
    "two classes": (BinaryCrossEntropy(), 1),
    "five classes": (CrossEntropy(), 5),
    "labels": (BinaryCrossEntropy(), 3),
    "number": (SquaredError(), 1),
    "numbers": (Huber(), 2),
    "absolute": (AbsoluteError(), 1),
    "counts": (Poisson(), 1),
}
MAPPED = np.array([True, True, True, True, False, False])
RULES = {
    "none": None,
    "8 pieces": MapRule(MAPPED),
    "3 pieces": MapRule(np.ones(COLUMNS, dtype=bool), 3),
    "no pieces": MapRule(MAPPED, 0),
}
HIDDEN: dict[str, tuple[int, ...]] = {"linear": (), "one": (32,), "two": (64, 17), "three": (7, 5, 3)}


def table(rows: int = ROWS) -> Any:
    """Make rows of columns: plain, heavy-tailed, of whole numbers, constant, yes or no, and large."""
    draws = np.random.default_rng(0)
    x = draws.normal(size=(rows, COLUMNS))
    x[:, 1] = np.exp(2 * x[:, 1])
    x[:, 2] = np.round(x[:, 2])
    x[:, 3] = 5
    x[:, 4] = x[:, 4] > 1
    x[:, 5] = 1e6 + 1e3 * x[:, 5]
    return x


def mixture_of(
    rule: MapRule | None = RULES["8 pieces"],
    hidden: tuple[int, ...] = (64, 17),
    name: str = "two classes",
    activation: Any = "relu",
    sparse: bool = True,
) -> Mixture:
    """Make a mixture of four networks of drawn weights: two of each of two folds, the one with weights of 0."""
    draws, x = np.random.default_rng(1), table()
    loss, outputs = OUTPUTS[name]
    models = []
    for fold in range(2):
        weights = (np.arange(len(x)) % 3 != fold).astype(float)
        inputs = None if rule is None else rule.learn(x, weights)
        center, scale = standardization(x, weights) if inputs is None else inputs.standardization(x, weights)
        network = multilayer_perceptron(len(center), hidden, outputs, activation)
        target = (100.0, 25.0) if name in ("number", "numbers", "absolute") else (0.0, 1.0)
        for member in range(2):
            arrays = [
                draws.normal(size=shape).astype(np.float32).astype(float) / np.sqrt(shape[0])
                for shape in network.shapes
            ]
            if member and sparse:
                arrays[0][draws.random(arrays[0].shape) < 0.7] = 0
                arrays[0][:, ::3] = 0
            models.append(
                Model(
                    network,
                    tuple(arrays),
                    loss,
                    np.arange(COLUMNS),
                    center,
                    scale,
                    np.full(outputs, target[0]),
                    np.full(outputs, target[1]),
                    inputs,
                )
            )
    return Mixture(tuple(models), np.array([0.1, 0.2, 0.3, 0.4]))


def asked(mixture: Mixture, rows: int = 130) -> Any:
    """Make rows to predict: drawn ones, edges of pieces, and values that are far off."""
    x = table(rows)
    inputs = mixture.models[0].map
    if inputs is not None:
        for place, (column, center) in enumerate(zip(inputs.column, inputs.center, strict=True)):
            x[place % rows, column] = center
    far = [1e3, -1e3, 1e6, -1e6, 1e15, -1e15]
    for place, value in enumerate(far):
        x[-1 - place, place % COLUMNS] = value
    return x


def unit(mixture: Mixture, expected: Any) -> Any:
    """Return what a millionth is measured in."""
    if isinstance(mixture.loss, BinaryCrossEntropy | CrossEntropy):
        return 1.0
    return np.maximum(np.abs(expected), mixture.models[0].target_scale)


@pytest.fixture(params=native.levels())
def level(request: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let one instruction set after the other predict."""
    monkeypatch.setenv(native.VARIABLE, request.param)
    return str(request.param)


def agrees(mixture: Mixture, x: Any) -> None:
    """Check that the kernels predict as the mixture does, in both precisions."""
    expected, quick = mixture.predict(x), Predictor(mixture)
    size = unit(mixture, expected)
    assert (np.abs(quick._predict(x, single=False) - expected) <= 1e-9 * size).all()
    assert (np.abs(quick.predict(x) - expected) <= 1e-6 * size).all()


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize("rule", RULES)
def test_kernels_agree_over_maps_and_losses(rule: str, name: str) -> None:
    mixture = mixture_of(RULES[rule], (16, 9), name)
    agrees(mixture, asked(mixture))


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh", "logistic", "gelu", "identity"])
def test_kernels_agree_over_activations_and_depths(activation: str, hidden: str) -> None:
    mixture = mixture_of(hidden=HIDDEN[hidden], activation=activation, name="number")
    agrees(mixture, asked(mixture))


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("single", [True, False])
def test_a_row_has_the_same_bits_alone_and_among_others(rule: str, single: bool) -> None:
    mixture = mixture_of(RULES[rule], name="five classes")
    x, quick = asked(mixture), Predictor(mixture)
    whole = quick._predict(x, single)
    for size in (0, 1, 2, 15, 16, 17, 63, 64, 65):
        for first in (0, 1, 130 - size):
            some = slice(first, first + size)
            np.testing.assert_array_equal(quick._predict(x[some], single), whole[some])


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("single", [True, False])
def test_probabilities_of_classes_sum_to_one_as_metrics_ask(single: bool) -> None:
    mixture = mixture_of(RULES["8 pieces"], name="five classes")
    total = Predictor(mixture)._predict(asked(mixture), single).sum(axis=1)
    np.testing.assert_allclose(total, 1, rtol=0, atol=1e-15)


def test_parts_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    mixture = mixture_of()
    x = asked(mixture)
    whole = Predictor(mixture).predict(x)
    monkeypatch.setattr(predictor, "_CHUNK_ROWS", 7)
    np.testing.assert_array_equal(Predictor(mixture).predict(x), whole)


def test_float32_is_taken_where_it_is_close_enough() -> None:
    close, coarse = mixture_of(name="number"), mixture_of(name="number")
    for model in coarse.models:  # units that all but cancel each other
        model.parameters[0][:, 1::2] = model.parameters[0][:, ::2]
        model.parameters[1][:, 1::2] = model.parameters[1][:, ::2]
        model.parameters[2][1::2] = -1e4
        model.parameters[2][::2] = 1e4 + model.parameters[2][::2]
    assert Predictor(close).single
    assert not Predictor(coarse).single
    x = asked(coarse)
    expected, off = coarse.predict(x), Predictor(coarse)._predict(x, single=True)
    assert (np.abs(off - expected) > 1e-6 * unit(coarse, expected)).any()
    agrees(coarse, x)


def test_rows_far_out_are_predicted_in_float64() -> None:
    mixture = mixture_of(None, name="number")
    quick, x = Predictor(mixture), table()
    x[7, 0], x[20, 1], x[21, 4], x[23, 0] = 1e4, -1e9, 1e300, np.finfo(np.float64).max
    single, double = (quick._predict(x, each) for each in (True, False))
    same = (single == double)[:, 0] | np.isnan(double[:, 0])
    assert same[[7, 20, 21, 23]].all()
    assert not same.all()
    finite = np.isfinite(mixture.predict(x[:23])).all()
    np.testing.assert_allclose(double[:23], mixture.predict(x[:23]), rtol=1e-9)
    assert finite


@pytest.mark.parametrize("rule", ["8 pieces", "3 pieces", "no pieces"])
def test_no_value_is_too_far_off_for_a_map(rule: str) -> None:
    mixture = mixture_of(replace(RULES[rule] or MapRule(MAPPED), mapped=np.ones(COLUMNS, dtype=bool)))
    largest = np.finfo(np.float64).max
    x = np.vstack([table(20), *(np.full((1, COLUMNS), value) for value in (largest, -largest, 1e-320, 0.0))])
    agrees(mixture, x)


def narrow_map(scale: float) -> InputMap:
    """Make a map of one column to a soft clip and two pieces, the first of them narrow and far from 0."""
    kind = np.array([Kind.SOFT_CLIP, Kind.PIECE, Kind.PIECE])
    return InputMap(np.zeros(3, dtype=int), kind, np.array([1e9, 1e9, 1e9 + 1]), np.array([1.0, scale, np.inf]))


@pytest.mark.parametrize("scale", [1e-9, 1e-120, 0.5, 2.0])
def test_pieces_may_be_narrow_and_overlap_and_be_empty(scale: float) -> None:
    draws = np.random.default_rng(2)
    network = multilayer_perceptron(3, (8,), 1)
    other = replace(narrow_map(scale), center=np.array([1e9, 1e9 - 0.25, 1e9 + 1]), scale=np.array([1.0, 0.5, 3.0]))
    models = tuple(
        Model(
            network,
            tuple(draws.normal(size=shape) for shape in network.shapes),
            SquaredError(),
            np.array([2]),
            np.full(3, 0.3),
            np.full(3, 2.0),
            np.zeros(1),
            np.ones(1),
            inputs,
        )
        for inputs in (narrow_map(scale), other)
    )
    mixture = Mixture(models, np.full(2, 0.5))
    x = np.zeros((60, 4))
    x[:, 2] = 1e9 + np.r_[np.linspace(-1, 5, 50), np.arange(10) * 2.0**-22]
    agrees(mixture, x)


def test_networks_that_take_the_same_stand_beside_each_other() -> None:
    _, kernels = native.load()
    mixture = mixture_of()
    apart = pickle.loads(pickle.dumps(mixture.models[1]))  # equal, and not the same arrays, as of a file
    loaded = replace(mixture, models=(mixture.models[0], apart, *mixture.models[2:]))
    for each in (mixture, loaded, mixture.compact()):
        assert [len(group["networks"]) for group in plan_mixture(each, kernels)["groups"]] == [2, 2]
    plain = plan_mixture(mixture_of(None), kernels)["groups"]
    assert [(len(group["networks"]), group["numbers"], group["tabulated"]) for group in plain] == [(4, 5, 0)]
    first, second, *others = mixture.models
    tanh = Network(tuple(layer if isinstance(layer, Dense) else Tanh() for layer in second.network.layers))
    mixed = replace(mixture, models=(first, replace(second, network=tanh), *others))
    agrees(mixed, asked(mixed))
    assert len(plan_mixture(mixed, kernels)["groups"]) == 3


def test_what_is_dead_is_left_out_and_a_constant_stays() -> None:
    _, kernels = native.load()
    mixture = mixture_of(sparse=True)
    units = [group["units"] for group in plan_mixture(mixture, kernels)["groups"]]
    assert max(units) < 2 * 64
    for model in mixture.models:
        model.parameters[0][:] = 0
    agrees(mixture, asked(mixture))


def test_columns_behind_the_last_that_is_used_are_not_looked_at() -> None:
    mixture = mixture_of()
    quick, x = Predictor(mixture), asked(mixture)
    wide = np.hstack([x, np.full((len(x), 2), np.nan)])
    np.testing.assert_array_equal(quick.predict(wide), quick.predict(x))
    np.testing.assert_array_equal(quick.predict(np.asfortranarray(x)), quick.predict(x))
    with pytest.raises(ValueError, match=r"Rows of 6 columns or more are needed, and x is shaped \(130, 5\)"):
        quick.predict(x[:, :5])
    with pytest.raises(ValueError, match=r"x is shaped \(6,\)"):
        quick.predict(x[0])


class OwnLoss(SquaredError):  # noqa: N818
    """A loss that no kernel knows."""


class OwnTanh(Tanh):
    """A layer that no kernel knows."""


def test_what_no_kernel_knows_is_predicted_by_the_mixture_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    known = mixture_of(hidden=(8,))
    x = asked(known)
    own = replace(known, models=tuple(replace(each, loss=OwnLoss()) for each in known.models))
    layers = (known.models[0].network.layers[0], OwnTanh(), known.models[0].network.layers[2])
    layered = replace(known, models=tuple(replace(each, network=Network(layers)) for each in known.models))
    for each in (own, layered):
        np.testing.assert_array_equal(predict_mixture(each, x), each.predict(x))
        with pytest.raises(NotImplementedError, match="do not know the loss, or a layer"):
            Predictor(each)
    plain = mixture_of(None)
    np.testing.assert_array_equal(predict_mixture(plain, csr_array(x)), plain.predict(csr_array(x)))

    def missing(*_: Any) -> None:
        raise ImportError

    monkeypatch.setattr(native, "load", missing)
    anew = replace(known)
    np.testing.assert_array_equal(predict_mixture(anew, x), anew.predict(x))


def test_a_mixture_is_prepared_once_and_forgotten_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Mixture] = []
    honest: Any = vars(predictor)["plan_mixture"]

    def spy(mixture: Mixture, *given: Any) -> Any:
        made.append(mixture)
        return honest(mixture, *given)

    monkeypatch.setattr(predictor, "plan_mixture", spy)
    mixture = mixture_of()
    x, before = asked(mixture), len(predictor._prepared)
    first, again = (predict_mixture(mixture, x) for _ in range(2))
    assert len(made) == 1
    assert len(predictor._prepared) == before + 1
    np.testing.assert_array_equal(first, again)
    made.clear()
    del mixture
    gc.collect()
    assert len(predictor._prepared) == before


def test_several_threads_predict_at_once() -> None:
    mixture = mixture_of()
    x, quick = np.tile(asked(mixture), (20, 1)), Predictor(mixture)
    whole = quick.predict(x)
    with ThreadPoolExecutor(4) as pool:
        for each in pool.map(quick.predict, [x] * 8):
            np.testing.assert_array_equal(each, whole)


@pytest.mark.slow
@pytest.mark.parametrize("estimator", [TableClassifier, TableRegressor])
def test_a_table_model_predicts_the_same_pickled_loaded_and_compacted(estimator: Any, tmp_path: Any) -> None:
    x = table(200)
    y = np.log(x[:, 1]) + x[:, 0] ** 2
    model = estimator(cv=2, random_state=0).fit(x, y > 1 if estimator is TableClassifier else y)
    predict = "predict_proba" if estimator is TableClassifier else "predict"
    predicted = getattr(model, predict)(x)
    mean = model.mixture_.predict(model._numbers(x))[:, 0]
    reference = np.stack([1 - mean, mean], axis=1) if estimator is TableClassifier else mean
    np.testing.assert_allclose(predicted, reference, rtol=1e-6, atol=1e-6)
    kept = load(model.save(tmp_path / "model.safetensors"))
    for other in (pickle.loads(pickle.dumps(model)), kept, model.compact()):
        np.testing.assert_array_equal(getattr(other, predict)(x), predicted)
