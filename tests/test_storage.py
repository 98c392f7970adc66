"""Laws of the model file: it comes back to the bit, for years, and nothing else comes in by it."""

import io
import json
import os
import pickle
import re
import subprocess
import sys
import tracemalloc
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import fields, is_dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import KFold

from ridgewalk import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV, load, save
from ridgewalk.input_maps import MapRule
from ridgewalk.path import ElasticNetPath
from ridgewalk.path.families import GroupMCPPath, MCPPath
from ridgewalk.storage import FORMAT, MODEL_FILE, ModelFileError, read
from ridgewalk.tables import Encoder
from ridgewalk.tables.encode import Number

X = np.random.default_rng(0).normal(size=(60, 3))
NUMBERS = X[:, 0] + 0.3 * np.random.default_rng(1).normal(size=60)
YES = np.where(NUMBERS > 0, "yes", "no")
THREE = np.digitize(NUMBERS, [-0.5, 0.5])
FRAME = pd.DataFrame(X, columns=["größe, cm", "a\tb", '"'])
SMALL_PATH: dict[str, Any] = {"hidden_layer_sizes": (3,), "alphas": 2, "max_iter": 15, "cv": 2, "random_state": 0}
ONE: dict[str, Any] = {
    "hidden_layer_sizes": (3,),
    "max_iter": 400,
    "random_state": 0,
    "tol": 1e-2,
    "learning_rate_init": 0.01,
}


def mapped(model: Any) -> Any:
    """Let the first column of three be mapped to a soft clip and 2 pieces."""
    model._map_rule = MapRule(np.array([True, False, False]), 2)
    return model


CASES: dict[str, Any] = {
    "mapped": lambda: mapped(MLPClassifierCV(**SMALL_PATH)).fit(FRAME, YES),
    "mapped selection": lambda: mapped(MLPRegressorCV(**SMALL_PATH, select_inputs=True)).fit(X, NUMBERS),
    "two classes": lambda: MLPClassifierCV(**SMALL_PATH).fit(FRAME, YES),
    "classes as objects": lambda: MLPClassifierCV(**SMALL_PATH).fit(X, YES.astype(object)),
    "three classes": lambda: MLPClassifierCV(**SMALL_PATH, activation="leaky_relu", class_weight="balanced").fit(
        X, THREE
    ),
    "yes or no": lambda: MLPClassifierCV(**SMALL_PATH, activation="tanh").fit(X, NUMBERS > 0),
    "labels": lambda: MLPClassifierCV(**SMALL_PATH, activation="logistic").fit(
        X, np.stack([X[:, 0] > 0, X[:, 1] > 0]).T * 1
    ),
    "in double": lambda: MLPClassifierCV(**SMALL_PATH, dtype="float64", activation="gelu").fit(X, YES),
    "linear": lambda: MLPClassifierCV(**SMALL_PATH | {"hidden_layer_sizes": ()}, activation="identity").fit(X, YES),
    "raced": lambda: MLPRegressorCV(**SMALL_PATH | {"cv": 3, "alphas": 8, "max_iter": 60}, racing=True).fit(X, NUMBERS),
    "by a score": lambda: MLPClassifierCV(**SMALL_PATH, scoring="accuracy").fit(X, YES),
    "ratios": lambda: MLPRegressorCV(**SMALL_PATH, l1_ratio=[0.2, 1]).fit(X, NUMBERS),
    "ensemble": lambda: MLPRegressorCV(**SMALL_PATH, n_seeds=2, ensemble=True).fit(X, NUMBERS),
    "selected": lambda: MLPRegressorCV(**SMALL_PATH, select_inputs=True).fit(X, NUMBERS),
    "none selected": lambda: MLPRegressorCV(**SMALL_PATH, select_inputs=True).fit(X, NUMBERS[::-1]),
    "relaxed": lambda: MLPRegressorCV(**SMALL_PATH, relax=True, selection="1se", loss="huber").fit(X, NUMBERS),
    "grouped": lambda: MLPRegressorCV(
        **SMALL_PATH, penalty="group_lasso", groups=np.array([0, 0, 1]), penalty_factors=[1, 1, np.inf]
    ).fit(X, NUMBERS),
    "counts": lambda: MLPRegressorCV(**SMALL_PATH, loss="poisson").fit(X, np.exp(NUMBERS).round()),
    "several numbers": lambda: MLPRegressorCV(**SMALL_PATH | {"alphas": [0.1, 0.01]}).fit(X, X[:, :2] ** 2),
    "rows left out": lambda: MLPRegressorCV(**SMALL_PATH | {"cv": [(np.arange(20), np.arange(20, 40))]}).fit(
        X, NUMBERS
    ),
    "compact": lambda: MLPClassifierCV(**SMALL_PATH).fit(FRAME, YES).compact(X),
    "compact selection": lambda: MLPRegressorCV(**SMALL_PATH, relax=True).fit(X, NUMBERS).compact(),
    "one strength": lambda: MLPClassifier(**ONE, n_seeds=2).fit(FRAME, YES),
    "stopped early": lambda: MLPClassifier(**ONE, early_stopping=True).fit(X, THREE),
    "downhill": lambda: MLPRegressor(**ONE, solver="lbfgs", ensemble=True, n_seeds=2).fit(X, NUMBERS),
    "in parts": lambda: MLPRegressor(**ONE, loss="absolute_error").partial_fit(X, X[:, :2]),
}


@pytest.fixture(scope="module")
def fitted() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a path of 15 epochs, a column that is never seen
        return {name: fit() for name, fit in CASES.items()}


def assert_same(one: Any, other: Any, where: Any = "model") -> None:
    """Check that everything is equal to the bit, and of the same type."""
    assert type(one) is type(other), where
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype, where
        np.testing.assert_array_equal(one, other, err_msg=where)
    elif is_dataclass(one):
        for field in fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name), f"{where}.{field.name}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), where
        for k, pair in enumerate(zip(one, other, strict=True)):
            assert_same(*pair, f"{where}[{k}]")
    elif isinstance(one, dict):
        assert list(one) == list(other), where
        for key in one:
            assert_same(one[key], other[key], f"{where}[{key!r}]")
    else:
        assert one == other or (np.isnan(one) and np.isnan(other)), where


def held(model: Any) -> Any:
    """Everything that a model holds but the rows; a table of a frame has numbers of NumPy's in some places."""
    kept = {name: value for name, value in vars(model).items() if name not in ("_problem", "_map_rule")}
    for name, value in kept.items():
        if isinstance(value, np.generic):
            kept[name] = value.item()
    return dict(sorted(kept.items()))


@pytest.mark.parametrize("case", CASES)
def test_a_model_comes_back_to_the_bit(fitted: Any, tmp_path: Path, case: Any) -> None:
    model = fitted[case]
    assert save(model, tmp_path / "m.safetensors") == tmp_path / "m.safetensors"
    loaded = load(str(tmp_path / "m.safetensors"))
    assert_same(held(model), held(loaded))
    rows = FRAME if hasattr(model, "feature_names_in_") else X
    np.testing.assert_array_equal(loaded.predict(rows), model.predict(rows))
    assert repr(loaded) == repr(model)
    with pytest.raises(ValueError, match="a model that was loaded"):
        loaded.diagnose()
    if hasattr(model, "path_"):
        np.testing.assert_array_equal(loaded.path_.row_loss, model.path_.row_loss)
        bare = pickle.loads(pickle.dumps(model))  # without the rows of the fit, which no file holds
        pages = [each.report(tmp_path / "page.html").read_text() for each in (bare, loaded)]
        assert pages[0] == pages[1]
    assert_same(held(model.compact()), held(loaded.compact()))


@pytest.mark.parametrize("case", ["one strength", "in parts"])
def test_training_goes_on_where_it_was(fitted: Any, tmp_path: Path, case: Any) -> None:
    before = fitted[case]
    loaded = load(save(before, tmp_path / "m"))
    again = load(tmp_path / "m")
    y = YES if case == "one strength" else X[:, :2]
    rows = FRAME if case == "one strength" else X
    for model in (loaded, again):
        model.partial_fit(rows, y)
    np.testing.assert_array_equal(loaded.predict(rows), again.predict(rows))
    assert len(loaded.loss_curve_) == len(before.loss_curve_) + 1
    warm = load(tmp_path / "m").set_params(warm_start=True, max_iter=2)
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        warm.fit(rows, y)
    assert warm.loss_curve_[0] < 2 * before.loss_curve_[-1]


def test_a_start_that_is_not_used_may_have_diverged(tmp_path: Path) -> None:
    model = MLPClassifier(**ONE, n_seeds=2).fit(X, YES)
    lost = next(each for each in model._trained if each is not model.model_)
    lost.parameters[0][:] = np.nan
    loaded = load(save(model, tmp_path / "m"))
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_the_same_model_is_the_same_file(fitted: Any, tmp_path: Path) -> None:
    for name in "ab":
        save(fitted["selected"], tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_is_held_twice_is_kept_once(fitted: Any, tmp_path: Path) -> None:
    model = fitted["ratios"]
    total = sum(each.nbytes for path in model.paths_ for each in path.fold_row_loss)
    arrays = opened(save(model, tmp_path / "m"))[1]
    assert (
        sum(each.nbytes for name, each in arrays.items() if "fold_row_loss" in name) < 2 * total
    )  # and the linear one
    assert len([name for name in arrays if "heldout_rows" in name]) == 2


def test_what_stands_twice_cannot_be_changed_once(fitted: Any, tmp_path: Path) -> None:
    loaded = load(save(fitted["linear"], tmp_path / "m"))
    with pytest.raises(ValueError, match="read-only"):
        loaded.path_.alphas[0] = 1


def test_nothing_in_a_file_names_modules_or_private_attributes(fitted: Any, tmp_path: Path) -> None:
    for name, model in fitted.items():
        document, arrays = opened(save(model, tmp_path / "m"))
        assert not re.search(r'ridgewalk\.|sklearn|numpy|"_|_"', json.dumps(document)), name
        assert all(array.dtype.kind in "bif" for array in arrays.values())


def test_an_encoder_and_a_target_come_along(fitted: Any, tmp_path: Path) -> None:
    encoder = Encoder().fit(pd.DataFrame({"n": [1.0, None], "c": ["ä", "b"]}))
    encoder = Encoder.of((*encoder.columns[:1], Number("m", 0.1, indicated=False)))
    save(fitted["relaxed"], tmp_path / MODEL_FILE, encoder=encoder, target="y\n")
    stored = read(tmp_path)
    assert stored.encoder is not None
    assert stored.encoder.columns == encoder.columns
    assert stored.target == "y\n"


@pytest.mark.parametrize("name", ["cv", "scoring", "random_state"])
def test_a_parameter_that_is_no_data_is_said(tmp_path: Path, name: Any) -> None:
    values: dict[str, Any] = {
        "cv": KFold(2),
        "scoring": make_scorer(accuracy_score),
        "random_state": np.random.RandomState(0),
    }
    model = MLPClassifierCV(**SMALL_PATH | {name: values[name]}).fit(X, YES)
    with pytest.warns(UserWarning, match=f"{name}=.* is no plain data and was not kept"):
        save(model, tmp_path / "m")
    loaded = load(tmp_path / "m")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert loaded.get_params()[name] == MLPClassifierCV().get_params()[name]


def diverged() -> Any:
    model = MLPClassifier(**ONE).fit(X, YES)
    model.models_[0].parameters[0][0, 0] = np.nan
    return model


def of_dates() -> Any:
    model = MLPClassifier(**ONE).fit(X, YES)
    model.classes_ = np.array(["2024-05-03", "2024-05-04"], dtype="datetime64[D]")
    return model


@pytest.mark.parametrize(
    ("model", "settings", "words"),
    [
        (lambda: LogisticRegression().fit(X, YES), {}, "holds a fitted MLPClassifier, .*, got LogisticRegression"),
        (MLPClassifierCV, {}, "is not fitted yet: call fit"),
        (diverged, {}, "cannot be kept in a file: its weights are not finite"),
        (
            lambda: MLPClassifier(**ONE).fit(X, YES),
            {"encoder": Encoder.of((Number("n", 0.0, False),))},
            "its columns become 1, and its network takes 3",
        ),
        (of_dates, {}, r"classes is an array of datetime64\[D\], .* make it text"),
    ],
)
def test_what_no_file_can_hold_is_refused(tmp_path: Path, model: Any, settings: Any, words: Any) -> None:
    with pytest.raises(ModelFileError, match=words):
        save(model(), tmp_path / "m", **settings)
    assert not list(tmp_path.iterdir())


def test_a_file_is_replaced_whole_or_not_at_all(fitted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = save(fitted["linear"], tmp_path / "m")
    before = file.read_bytes()
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("no room")))
    with pytest.raises(OSError, match="no room"):
        save(fitted["relaxed"], file)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_a_folder_that_is_not_there_is_named(fitted: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*absent to write m into: make it first"):
        save(fitted["linear"], tmp_path / "absent" / "m")


def test_others_may_read_a_file_as_any_file(fitted: Any, tmp_path: Path) -> None:
    (tmp_path / "any").touch()
    assert save(fitted["linear"], tmp_path / "m").stat().st_mode == (tmp_path / "any").stat().st_mode


MODELS = Path(__file__).parent / "models"


@pytest.mark.parametrize("folder", sorted(MODELS.glob("format_*")), ids=lambda folder: folder.name)
@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_models_of_earlier_days_predict_what_they_did(folder: Any, kind: Any) -> None:
    told = json.loads((folder / "predictions.json").read_text(encoding="utf-8"))
    stored = read(folder / f"{kind}.safetensors")
    assert stored.encoder is not None
    x = stored.encoder.transform(pd.DataFrame(told["rows"]["data"], columns=told["rows"]["columns"]))
    predict = stored.model.predict_proba if kind == "classifier" else stored.model.predict
    np.testing.assert_allclose(predict(x), told[kind], rtol=1e-12, atol=1e-14)


def test_todays_format_has_a_model_that_stays() -> None:
    assert (MODELS / f"format_{FORMAT}").is_dir()


GOLDEN_FILE = MODELS / f"format_{FORMAT}" / "classifier.safetensors"
WHOLE, GOLDEN = GOLDEN_FILE.read_bytes(), read(GOLDEN_FILE)
ROWS = np.random.default_rng(0).normal(size=(5, GOLDEN.model.n_features_in_))


HEADER = 8 + int.from_bytes(WHOLE[:8], "little")
PADDING = range(len(WHOLE[:HEADER].rstrip()), HEADER)  # spaces between the header and the numbers, that say nothing
CHECKED = [place for place in range(len(WHOLE)) if place not in PADDING]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from(CHECKED), st.integers(1, 255))
def test_a_flipped_byte_is_refused(tmp_path_factory: pytest.TempPathFactory, place: Any, flip: Any) -> None:
    content = bytearray(WHOLE)
    content[place] ^= flip
    file = tmp_path_factory.getbasetemp() / "flipped"
    file.write_bytes(content)
    with pytest.raises(ModelFileError, match="flipped should hold a model"):
        load(file)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(0, len(WHOLE) - 1))
def test_a_truncated_file_is_refused(tmp_path_factory: pytest.TempPathFactory, length: Any) -> None:
    file = tmp_path_factory.getbasetemp() / "truncated"
    file.write_bytes(WHOLE[:length])
    with pytest.raises(ModelFileError, match="truncated should hold a model"):
        load(file)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.binary(max_size=200), st.sampled_from([0, 8, 20]))
def test_bytes_of_any_kind_are_refused(tmp_path_factory: pytest.TempPathFactory, content: Any, kept: Any) -> None:
    file = tmp_path_factory.getbasetemp() / "bytes"
    file.write_bytes(WHOLE[:kept] + content)
    with pytest.raises(ModelFileError, match="bytes should hold a model"):
        load(file)


def opened(file: Any) -> Any:
    """Return document and arrays of a file."""
    with safe_open(file, framework="np") as kept:
        document = json.loads(kept.metadata()["ridgewalk"].split(" ", 2)[2])
        return document, {name: kept.get_tensor(name) for name in kept.keys()}  # noqa: SIM118


def forged(file: Any, document: Any, arrays: Any, form: Any = FORMAT) -> None:
    """Write a file whose checksums are right, whatever it holds."""
    document["arrays"] = {name: [a.dtype.name, list(a.shape), sha256(a).hexdigest()] for name, a in arrays.items()}
    text = json.dumps(document)
    save_file(arrays, file, {"ridgewalk": f"{form} {sha256(text.encode()).hexdigest()} {text}"})


def fill(name: Any, value: Any) -> Any:
    def change(_: Any, arrays: Any) -> None:
        place = next(each for each in arrays if each.endswith(name))
        arrays[place] = np.full_like(arrays[place], value)

    return change


def cut(name: Any) -> Any:
    def change(_: Any, arrays: Any) -> None:
        place = next(each for each in arrays if each.endswith(name))
        arrays[place] = arrays[place][1:].copy()

    return change


def whole(name: Any) -> Any:
    return lambda _, arrays: arrays.update({name: arrays[name].astype(int)})


def put(*way: Any, value: Any) -> Any:
    def change(document: Any, _: Any) -> None:
        for step in way[:-1]:
            document = document[step]
        document[way[-1]] = value

    return change


def a_fold_less(_: Any, arrays: Any) -> None:
    for name, array in arrays.items():
        if name.startswith("path 0/") and array.ndim > 2 and array.shape[1] == 3:
            arrays[name] = array[:, 1:].copy()


def gone(*way: Any) -> Any:
    def change(document: Any, _: Any) -> None:
        for step in way[:-1]:
            document = document[step]
        del document[way[-1]]

    return change


MODEL = ("models", 0)


def outputs_of_other_rows(document: Any, arrays: Any) -> None:
    name = document["paths"][0]["fold_networks"]["outputs"][0]
    arrays[name] = arrays[name][:, :, :-1].copy()


def strengths_that_are_not_there(document: Any, arrays: Any) -> None:
    name = document["paths"][0]["fold_networks"]["strengths"]
    arrays[name] = arrays[name] + 9


def fewer_fold_networks(document: Any, arrays: Any) -> None:
    name = document["paths"][0]["fold_networks"]["parameters"][0]
    arrays[name] = arrays[name][:, :1].copy()


FORGERIES = {
    "outputs of other rows": (outputs_of_other_rows, "shape"),
    "fewer networks of folds": (fewer_fold_networks, "networks of its folds have another shape"),
    "outputs of no strength": (strengths_that_are_not_there, "outputs of strengths that it does not have"),
    "an unknown penalty": (put("paths", 0, "penalty", "kind", value="scad"), "unknown penalty, 'scad'"),
    "a penalty without its name": (put("paths", 0, "penalty", value={}), "described as no ridgewalk does"),
    "NaN weights": (fill("model 0/weight 1", np.nan), "its weights are not finite"),
    "infinite biases": (fill("model 0/bias 2", np.inf), "its weights are not finite"),
    "a scale of nothing": (fill("/scale", 0), "scaled by something else"),
    "a center of NaN": (fill("/center", np.nan), "scaled by something else"),
    "too few weights": (cut("model 0/weight 1"), "its weights have the shapes"),
    "weights of integers": (whole("model 0/weight 1"), "its weights have the shapes"),
    "columns that are not there": (fill("model 0/inputs", 99), "takes columns that are not among"),
    "rows that are not there": (fill("heldout_rows 0", -1), "holds out other rows"),
    "another number of strengths": (cut("fitted/alphas"), "is float64 of shape"),
    "an unknown layer": (put(*MODEL, "layers", 1, value={"kind": "os.system"}), "unknown layer, 'os.system'"),
    "a layer with more": (put(*MODEL, "layers", 1, value={"kind": "relu", "run": "x"}), "has other fields than none"),
    "a layer of 2^60 inputs": (put(*MODEL, "layers", 0, "inputs", value=2**60), "its weights have the shapes"),
    "layers that do not fit": (put(*MODEL, "layers", 0, "units", value=7), "Network|units feeds"),
    "no layers": (put(*MODEL, "layers", value=[]), "at least one Dense"),
    "an unknown loss": (put(*MODEL, "loss", value={"kind": "mine"}), "unknown loss, 'mine'"),
    "a loss of another estimator": (put(*MODEL, "loss", value={"kind": "squared_error"}), "none of its estimator's"),
    "an unknown estimator": (put("estimator", value="subprocess.Popen"), "its estimator 'subprocess.Popen' is unknown"),
    "an unknown parameter": (put("parameters", "run", value=1), "TypeError"),
    "a parameter of nonsense": (put("parameters", "max_iter", value=-1), "InvalidParameterError"),
    "an unknown attribute": (put("fitted", "__class__", value=1), "KeyError"),
    "an attribute of another type": (put("fitted", "index", value="x"), "its index is no int"),
    "an unknown kind of value": (put("parameters", "cv", value={"pickle": "x"}), "a value of an unknown kind"),
    "a list as a key": (put("parameters", "class_weight", value={"pairs": [[[], 1]]}), "TypeError"),
    "no such array": (put("fitted", "alphas", value={"array": "x"}), "KeyError"),
    "an index beyond": (put("fitted", "index", value=9), "its strength 9 is none of the"),
    "a best network beyond": (put("best", value=-1), "networks to predict with"),
    "no networks": (put("models", value=[]), "networks to predict with"),
    "a path beyond": (put("path", value=99), "IndexError"),
    "an unknown column": (put("columns", 0, "kind", value="eval"), "unknown column, 'eval'"),
    "a column less": (gone("columns", 0), "its columns become"),
    "a level that is no text": (put("columns", 3, "levels", 0, value=1), "where text is needed"),
    "an unknown cycle": (put("columns", 5, "cycles", 0, value="moon"), "unknown cycles"),
    "a median of text": (put("columns", 0, "median", value="x"), "has other fields"),
    "a table less": (gone("paths", 0, "tables", "residual"), "residual"),
    "a route of nonsense": (put("paths", 0, "penalty", "l1_ratio", value=3), "l1_ratio must lie"),
    "a route to other networks": (
        put("paths", 0, "settings", "hidden_layer_sizes", value={"tuple": [9]}), "networks of another shape"
    ),
    "a fold less": (a_fold_less, "holds out other rows|is needed"),
    "names of other columns": (
        put("fitted", "feature_names", value={"texts": ["a"], "objects": True}), "it names other columns than its"
    ),
    "another class more": (put("fitted", "classes", "texts", value=["a", "b", "c"]), "none of its estimator's"),
    "nothing fitted": (put("fitted", value={}), "AttributeError"),
    "deep values": (put("parameters", "cv", value=json.loads("[" * 900 + "]" * 900)), "cv_object|Recursion"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "words"), FORGERIES.values(), ids=FORGERIES)
def test_a_forged_model_is_refused(tmp_path: Path, change: Any, words: Any) -> None:
    document, arrays = opened(GOLDEN_FILE)
    change(document, arrays)
    forged(tmp_path / "m", document, arrays)
    with pytest.raises(ModelFileError, match=words) as refused:
        load(tmp_path / "m")
    sentence = str(refused.value)
    assert sentence.startswith(f"{tmp_path / 'm'} should hold a model of ridgewalk (format {FORMAT}), but ")
    assert sentence.endswith("copy it anew from where it was written, or fit the model again.")
    assert len(sentence) < 900
    assert "\n" not in sentence


def of_map(where: Any, name: Any, change: Any) -> Any:
    """Change an array of a map: that of the network to predict with, or of a fold."""

    def changed(document: Any, arrays: Any) -> None:
        record = document["models"][0] if where == "model" else document["paths"][document["path"]]["folds"][0]
        arrays[record["map"][name]] = change(arrays[record["map"][name]])

    return changed


MAP_FORGERIES = {
    "a center of NaN": ("center", lambda values: values * np.nan, "finite centers"),
    "a scale of nothing": ("scale", np.zeros_like, "scales above 0"),
    "an unknown kind": ("kind", lambda values: values + 3, "kinds of an input map are numbers from 0 to 2"),
    "columns left out": ("column", lambda values: 2 * values, "none is left out"),
    "columns falling": ("column", lambda values: values[::-1].copy(), "rise from 0"),
    "columns more": ("column", lambda values: np.arange(len(values)), "map is of 5 columns, and there are 3"),
    "a number less": ("kind", lambda values: values[1:].copy(), "is needed"),
    "kinds of halves": ("kind", lambda values: values / 2, "is float64 of shape"),
}


@pytest.mark.parametrize("where", ["model", "fold"])
@pytest.mark.parametrize("forgery", MAP_FORGERIES)
def test_a_forged_map_is_refused(fitted: Any, tmp_path: Path, where: Any, forgery: Any) -> None:
    name, change, words = MAP_FORGERIES[forgery]
    document, arrays = opened(save(fitted["mapped"], tmp_path / "m"))
    of_map(where, name, change)(document, arrays)
    forged(tmp_path / "m", document, arrays)
    with pytest.raises(ModelFileError, match=words):
        load(tmp_path / "m")


def of_calibration(kind: Any, change: Any) -> Any:
    """Change what the first fold missed, or what its rows count."""

    def changed(document: Any, arrays: Any) -> None:
        name = document["calibration"][kind][0]
        arrays[name] = change(arrays[name])

    return changed


CALIBRATION_FORGERIES = {
    "scores below 0": (of_calibration("scores", lambda values: -1 - values), "is below 0, or counts for other rows"),
    "scores of NaN": (of_calibration("scores", lambda values: values * np.nan), "is below 0, or counts for other rows"),
    "scores of fewer rows": (of_calibration("scores", lambda values: values[1:].copy()), r"where \(\d+, 1\) is needed"),
    "scores of two targets": (of_calibration("scores", lambda values: np.hstack([values] * 2)), "is needed"),
    "more shares": (of_calibration("shares", lambda values: 2 * values), "counts for other rows or groups than there"),
    "no units": (put("calibration", "units", value=0), "missed 0 rows or groups, and held out 60 rows"),
    "half a unit": (put("calibration", "units", value=0.5), "missed 0.5 rows or groups"),
    "a fold less": (lambda document, _: document["calibration"]["scores"].pop(), "is described as no ridgewalk does"),
    "no folds": (gone("path"), "it holds what folds missed, and no folds"),
}


@pytest.mark.parametrize("forgery", CALIBRATION_FORGERIES)
def test_forged_residuals_are_refused(fitted: Any, tmp_path: Path, forgery: Any) -> None:
    change, words = CALIBRATION_FORGERIES[forgery]
    document, arrays = opened(save(fitted["ratios"], tmp_path / "m"))
    change(document, arrays)
    forged(tmp_path / "m", document, arrays)
    with pytest.raises(ModelFileError, match=words):
        load(tmp_path / "m")


OBSERVED_FORGERIES: dict[str, Any] = {
    "fewer rows": (lambda values: values[1:].copy(), "is needed"),
    "two outputs": (lambda values: np.hstack([values] * 2), "is needed"),
    "NaN": (lambda values: np.full(values.shape, np.nan), "observed targets are not finite"),
    "whole numbers": (lambda values: values.astype(np.int64), "is needed"),
}


@pytest.mark.parametrize("forgery", OBSERVED_FORGERIES)
def test_forged_targets_are_refused(fitted: Any, tmp_path: Path, forgery: Any) -> None:
    change, words = OBSERVED_FORGERIES[forgery]
    document, arrays = opened(save(fitted["ratios"], tmp_path / "m"))
    arrays[document["observed"]] = change(arrays[document["observed"]])
    forged(tmp_path / "m", document, arrays)
    with pytest.raises(ModelFileError, match=words):
        load(tmp_path / "m")


def test_numbers_that_no_map_makes_are_refused(fitted: Any, tmp_path: Path) -> None:
    document, arrays = opened(save(fitted["mapped"], tmp_path / "m"))
    del document["models"][0]["map"]
    forged(tmp_path / "m", document, arrays)
    with pytest.raises(ModelFileError, match="takes 5 numbers, and no map makes them of 3 columns"):
        load(tmp_path / "m")


def long_levels(document: Any, _: Any) -> None:
    document["columns"] = [
        {"kind": "category", "name": "x" * 10**5, "levels": list(map(str, range(10**4))), "others": []}
    ]


def repeated(key: Any, count: Any) -> Any:
    return lambda document, _: document.update({key: document[key] * count})


def many_arrays(_: Any, arrays: Any) -> None:
    arrays.update({f"{k}": np.zeros(0) for k in range(50_000)})


def test_no_memory_is_taken_for_more_arrays_than_a_file_has_room_for(tmp_path: Path) -> None:
    document, arrays = opened(GOLDEN_FILE)
    forged(tmp_path / "m", document, arrays | {f"{k}": np.array([k]) for k in range(20_000)})
    with pytest.raises(ModelFileError, match="out of all proportion to the file"):
        load(tmp_path / "m")


def layers_of_an_array(document: Any, arrays: Any) -> None:
    arrays["layers"] = np.ones(10**6, dtype=np.int8)
    document["paths"][0]["settings"]["hidden_layer_sizes"] = {"array": "layers"}


def an_empty_table(document: Any, arrays: Any) -> None:
    for name in document["paths"][0]["tables"].values():
        arrays[name] = arrays[name][:0]


LONG_TEXTS = ["a"] * 50_000 + ["b" * 50_000]
HUNGRY = {
    "a billion columns": put("fitted", "features", value=10**9),
    "10^4000 columns": put("fitted", "features", value=10**4000),
    "one long name": put("fitted", "feature_names", value={"texts": LONG_TEXTS, "objects": False}),
    "one long class": put("fitted", "classes", value={"texts": LONG_TEXTS, "objects": False}),
    "one long group": put("paths", 0, "penalty", "groups", value=LONG_TEXTS),
    "one long factor": put("paths", 0, "penalty", "penalty_factors", value=LONG_TEXTS),
    "long names of many levels": long_levels,
    "many lists": put("parameters", "cv", value=[[]] * 10**6),
    "many records": put("parameters", "cv", value=[{"pairs": []}] * 10**5),
    "many arrays": many_arrays,
    "layers of an array": layers_of_an_array,
    "the same networks again": repeated("models", 1000),
    "the same paths again": repeated("paths", 50),
    "empty tables": an_empty_table,
    "many cycles": put("columns", 5, "cycles", value=["year"] * 10**5),
    "a layer of 10^4000 units": put(*MODEL, "layers", 0, "units", value=10**4000),
    "10^9 units on the way": put("paths", 0, "settings", "hidden_layer_sizes", value={"tuple": [10**9]}),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", HUNGRY.values(), ids=HUNGRY)
def test_no_file_takes_memory_out_of_proportion(tmp_path: Path, change: Any) -> None:
    document, arrays = opened(GOLDEN_FILE)
    change(document, arrays)
    forged(tmp_path / "m", document, arrays)
    tracemalloc.start()
    with suppress(ModelFileError):
        load(tmp_path / "m")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * (tmp_path / "m").stat().st_size + 2**24


def test_an_empty_array_of_any_length_is_refused(tmp_path: Path) -> None:
    document, arrays = opened(GOLDEN_FILE)
    forged(tmp_path / "m", document, arrays | {"x": np.empty((10**12, 0))})
    with pytest.raises(ModelFileError, match="its array 'x' is longer than the file"):
        load(tmp_path / "m")


def test_a_folder_to_remember_in_is_neither_kept_nor_taken_from_a_file(tmp_path: Path) -> None:
    model = MLPClassifierCV(**SMALL_PATH, checkpoint_dir=str(tmp_path / "checkpoints")).fit(X, YES)
    document, arrays = opened(save(model, tmp_path / "m"))
    assert "checkpoint" not in json.dumps(document)
    document["parameters"] |= {"checkpoint_dir": str(tmp_path / "chosen"), "memory": str(tmp_path / "chosen")}
    forged(tmp_path / "m", document, arrays)
    assert load(tmp_path / "m").checkpoint_dir is None


def test_a_link_is_replaced_and_what_it_leads_to_is_left(fitted: Any, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    for name in ("m", ".unfinished-m"):
        (tmp_path / name).symlink_to(tmp_path / "precious")
    save(fitted["linear"], tmp_path / "m")
    assert (tmp_path / "precious").read_text() == "x"
    assert not (tmp_path / "m").is_symlink()
    load(tmp_path / "m")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a device or a pipe"):
        save(fitted["linear"], tmp_path / "pipe")
    with pytest.raises(ModelFileError, match="pipe is no file: give"):
        load(tmp_path / "pipe")


def test_two_may_save_to_one_path_while_a_third_loads(fitted: Any, tmp_path: Path) -> None:
    def save_often(name: Any) -> None:
        for _ in range(40):
            save(fitted[name], tmp_path / "m")

    save(fitted["linear"], tmp_path / "m")
    with ThreadPoolExecutor(2) as pool:
        savers = [pool.submit(save_often, name) for name in ("linear", "compact")]
        while not all(each.done() for each in savers):
            load(tmp_path / "m")
        assert [each.result() for each in savers] == [None, None]
    assert [file.name for file in tmp_path.iterdir()] == ["m"]


@pytest.mark.slow
def test_a_short_fuzz_finds_nothing() -> None:
    command = [
        sys.executable,
        str(Path(__file__).parents[1] / "tools" / "fuzz_files.py"),
        "--files",
        "250",
        "--seed",
        "7",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "250 files, seed 7: 0 findings" in done.stdout


def test_an_honest_forgery_is_no_forgery(tmp_path: Path) -> None:
    forged(tmp_path / "m", *opened(GOLDEN_FILE))
    loaded = load(tmp_path / "m")
    np.testing.assert_array_equal(loaded.predict_proba(ROWS), GOLDEN.model.predict_proba(ROWS))


class Payload:
    def __reduce__(self) -> Any:
        return os.system, ("touch was-run",)


def zip_bomb() -> Any:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("schema.json", b"0" * 10**7)
    return content.getvalue()


def safetensors_of(metadata: Any) -> Any:
    header = json.dumps({"__metadata__": metadata}).encode()
    return len(header).to_bytes(8, "little") + header


def described_by(text: Any) -> Any:
    return safetensors_of({"ridgewalk": f"{FORMAT} {sha256(text.encode()).hexdigest()} {text}"})


NOT_WHOLE, AGAIN, OTHER = "it is no whole safetensors file", "copy it anew", "give one that ridgewalk.save wrote."
HOSTILE = {
    "nothing": (b"", NOT_WHOLE, AGAIN),
    "text": (b"hello, world: this is a text", NOT_WHOLE, AGAIN),
    "a header of 2^60 bytes": ((2**60).to_bytes(8, "little") + b"{}", NOT_WHOLE, AGAIN),
    "JSON a million deep": ((10**6).to_bytes(8, "little") + b"[" * 10**6, NOT_WHOLE, AGAIN),
    "a pickle": (pickle.dumps(Payload()), "it seems to be a pickle, which could run anything", OTHER),
    "a zip bomb": (zip_bomb(), "it is a zip file, as models of an earlier ridgewalk were", "fit the model again."),
    "somebody else's": (safetensors_of({"format": "pt"}), "it is a safetensors file of something else", OTHER),
    "a newer format": (safetensors_of({"ridgewalk": "5 - {}"}), "it is of format 5", "install a newer ridgewalk."),
    "an older format": (safetensors_of({"ridgewalk": "2 - {}"}), "it is of format 2", "fit the model again."),
    "a huge format": (safetensors_of({"ridgewalk": "9" * 5000 + " - x"}), "it is of format 999999999", "install"),
    "no checksum": (safetensors_of({"ridgewalk": f"{FORMAT} - {{}}"}), "does not match its checksum", AGAIN),
    "a description a million deep": (described_by("[" * 10**6), "RecursionError", AGAIN),
    "a description of NaN": (described_by("[NaN]"), "its description holds NaN, which is no JSON", AGAIN),
    "a description of nothing": (described_by("[]"), "it is described as no ridgewalk does", AGAIN),
}


@pytest.mark.parametrize(("content", "found", "advice"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_and_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: Any, found: Any, advice: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(ModelFileError, match=re.escape(found)) as refused:
        load("m")
    assert f"It was not loaded: {advice}" in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"There is no model .*m: give the file that"):
        load(tmp_path / "m")
    with pytest.raises(ModelFileError, match=f"There is no model .*{MODEL_FILE}"):
        load(tmp_path)
    (tmp_path / "model.skops").write_bytes(zip_bomb())
    with pytest.raises(
        ModelFileError, match=r"model\.skops should hold .* an earlier ridgewalk were\. It was not loaded: fit"
    ):
        load(tmp_path)


def test_a_path_of_format_3_says_where_it_holds_the_null_model() -> None:
    file = MODELS / "format_3" / "classifier.safetensors"
    document, arrays = opened(file)
    path = read(file).model.linear_path_
    null = arrays[document["paths"][document["linear_path"]]["tables"]["null_wins"]]
    assert null.any()
    np.testing.assert_array_equal(path.source, np.where(null, -1, np.arange(len(path.alphas))[:, None, None]))


def test_the_source_of_every_network_is_kept_and_checked(tmp_path: Path) -> None:
    document, arrays = opened(GOLDEN_FILE)
    name = document["paths"][0]["tables"]["source"]
    np.testing.assert_array_equal(GOLDEN.model.paths_[0].source, arrays[name])
    forged(tmp_path / "m", document, {**arrays, name: arrays[name] + len(GOLDEN.model.alphas_)})
    with pytest.raises(ModelFileError, match="networks of strengths that it does not have"):
        load(tmp_path / "m")


def test_a_path_comes_back_with_its_penalty_and_the_networks_of_its_folds(tmp_path: Path) -> None:
    for penalty, groups in (("mcp", None), ("group_mcp", [0, 0, 1])):
        model = MLPClassifierCV((3,), penalty=penalty, groups=groups, alphas=3, cv=2, max_iter=20, random_state=0)
        path = model.fit(X, YES).path_
        loaded = load(save(model, tmp_path / "m")).path_
        assert type(loaded.settings.penalty) is type(path.settings.penalty)
        assert isinstance(loaded.settings.penalty, MCPPath | GroupMCPPath)
        assert vars(loaded.settings.penalty)["gamma"] == vars(path.settings.penalty)["gamma"]
        assert path.fold_networks is not None
        assert loaded.fold_networks is not None
        for one, other in zip(path.fold_networks.parameters, loaded.fold_networks.parameters, strict=True):
            np.testing.assert_array_equal(one, other)
        for one, other in zip(path.fold_networks.outputs_at(1), loaded.fold_networks.outputs_at(1), strict=True):
            np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(path.fold_model(1, 0, 0).output(X), loaded.fold_model(1, 0, 0).output(X))


def test_large_networks_of_folds_are_left_out_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ridgewalk.storage.path_records._MOST_NETWORKS", 10)
    model = MLPClassifierCV(**SMALL_PATH).fit(X, YES)
    loaded = load(save(model, tmp_path / "m"))
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert loaded.path_.fold_networks is None
    with pytest.raises(ValueError, match="without the networks of its folds: fit it again"):
        loaded.path_.fold_model(0, 0, 0)


def test_a_file_of_format_3_says_what_its_path_cannot_do() -> None:
    loaded = load(MODELS / "format_3" / "classifier.safetensors")
    assert loaded.schedule == loaded.path_.settings.schedule == "ramp"
    with pytest.raises(ValueError, match="without the networks of its folds: fit it again"):
        loaded.path_.fold_model(0, 0, 0)


def test_a_penalty_of_ones_own_is_in_no_file(tmp_path: Path) -> None:
    class Own(ElasticNetPath):
        pass

    model = MLPClassifierCV(**SMALL_PATH, penalty=Own()).fit(X, YES)
    held = "it holds elasticnet, group_lasso, mcp, group_mcp"
    with pytest.warns(UserWarning, match="is no plain data"), pytest.raises(ModelFileError, match=f"Own: {held}"):
        save(model, tmp_path / "m")
