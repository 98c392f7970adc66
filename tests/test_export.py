"""What is exported predicts what the model predicts, asks for no column that it does not use, and trusts no text."""

import ast
import csv
import errno
import importlib.util
import io
import json
import os
import runpy
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from safetensors import safe_open
from safetensors.numpy import load
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ridgewalk
from ridgewalk import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV, TableClassifier, TableRegressor, cli
from ridgewalk.estimators.card import model_card
from ridgewalk.export import numpy_code, to_numpy, to_onnx, to_torch
from ridgewalk.export.onnx_graph import CARD, onnx_model
from ridgewalk.export.recipe import recipe
from ridgewalk.input_maps import MapRule
from ridgewalk.layers import Dense
from ridgewalk.network import Network
from ridgewalk.storage import MODEL_FILE, save
from ridgewalk.tables import ColumnChoices, Encoder, make_table, read_table
from ridgewalk.tables.encoder import table_encoder
from ridgewalk.tables.missing import DEFAULT_TEXTS

ROOT = Path(__file__).parents[1]
ROWS = 60
ACTIVATIONS = ["relu", "leaky_relu", "tanh", "logistic", "gelu", "identity"]
HIDDEN = [(), (4,), (4, 3)]
EXACT, SINGLE = 1e-11, 1e-6  # of the largest prediction; single is onnxruntime's Erf, inside GELU


DRAWS = np.random.default_rng(2)


def columns(seed: int = 0) -> Any:
    """Return columns of very different size and place: the network needs 3 of 6, one is constant."""
    x = np.random.default_rng(seed).normal(size=(ROWS, 6))
    x[:, 5] = 0
    return x * [1, 1e6, 1e-3, 1, 1, 1] + [0, 1e9, 0, 5, 0, 3]


def targets() -> Any:
    x = columns()
    z = (x - x.mean(axis=0)) / (x.std(axis=0) + (x.std(axis=0) == 0))
    s = z[:, 0] + z[:, 1] * z[:, 2]
    return {
        "number": 1e5 * s + 3e7,
        "column": s[:, None],
        "numbers": np.stack([s, 1e3 * s**2], axis=1),
        "rate": np.floor(np.exp(np.clip(s, -2, 2))),
        "two": np.where(s > 0, "ja", "né"),
        "three": np.digitize(s, [-0.5, 0.5]) - 1,
        "floats": np.digitize(s, [-0.5, 0.5]).astype(float),
        "truth": s > 0,
        "labels": np.stack([s > 0, z[:, 1] > 0, z[:, 3] > 1], axis=1).astype(int),
    }


CLASSES = ("two", "three", "floats", "truth", "labels")


def fitted(x: Any, y: Any, task: Any, **parameters: Any) -> Any:
    """Fit for a moment, with so much L1 that some inputs are dropped."""
    given: dict[str, Any] = {
        "alpha": 0.02,
        "l1_ratio": 1,
        "max_iter": 12,
        "random_state": 0,
        "learning_rate_init": 0.02,
    } | parameters
    model = MLPClassifier(**given) if task in CLASSES else MLPRegressor(**given)
    if task == "rate":
        model.set_params(loss="poisson")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not come to rest
        return model.fit(x, y)


def fitted_with_map(x: Any, y: Any, task: Any, mapped: Any, **parameters: Any) -> Any:
    """Fit a path for a moment, of mapped columns."""
    given: dict[str, Any] = {"alphas": [0.01], "cv": 2, "l1_ratio": 1, "max_iter": 60, "random_state": 0} | parameters
    kind: Any = MLPClassifierCV if task in CLASSES else MLPRegressorCV
    model = kind((4,), **given)
    model._map_rule = MapRule(np.asarray(mapped), 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not come to rest
        return model.fit(x, y)


def expected(model: Any, x: Any) -> Any:
    """Return predictions, and probabilities where there are any."""
    return [model.predict(x), *([model.predict_proba(x)] if hasattr(model, "predict_proba") else [])]


def by_onnx(exported: Any, feeds: Any) -> Any:
    session = onnxruntime.InferenceSession(exported.content, providers=["CPUExecutionProvider"])
    return session.run(None, feeds)


def by_numpy(exported: Any, folder: Any, table: Any) -> Any:
    exported.write(folder / "model.py")
    code = runpy.run_path(str(folder / "model.py"))
    return [code[name](table) for name in ("predict", "predict_proba") if name in code]


def assert_same(given: Any, wanted: Any, tolerance: Any = EXACT) -> None:
    assert len(given) == len(wanted)
    for ours, theirs in zip(given, wanted, strict=True):
        assert ours.shape == theirs.shape
        if theirs.dtype.kind == "f":
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max())
        else:
            assert ours.tolist() == theirs.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("hidden", HIDDEN, ids=["linear", "one layer", "two layers"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_form_predicts_what_the_model_predicts(activation: Any, hidden: Any, tmp_path: Path) -> None:
    x = columns()
    for task, y in targets().items():
        model = fitted(x, y, task, hidden_layer_sizes=hidden, activation=activation)
        wanted = expected(model, x)
        tolerance = SINGLE if activation == "gelu" and hidden else EXACT
        assert_same(by_onnx(to_onnx(model), {"X": x}), wanted, tolerance)
        assert_same(by_onnx(to_onnx(model), {"X": x[:1]}), [each[:1] for each in wanted], tolerance)
        assert_same(by_numpy(to_numpy(model), tmp_path, x), wanted)
        assert to_numpy(model.compact()).content == to_numpy(model).content


@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize("task", ["number", "two", "three"])
def test_mapped_columns_are_mapped_inside(task: Any, ensemble: Any, tmp_path: Path) -> None:
    x, y = columns(), targets()[task]
    far = np.vstack([x, 1e30 * x, -1e30 * x])
    mapped = [True, True, False, True, False, True]
    parameters = {"n_seeds": 3, "ensemble": ensemble} | ({"loss": "squared_error"} if task == "number" else {})
    for model in (fitted_with_map(x, y, task, mapped, **parameters), fitted_with_map(x, y, task, mapped, alphas=[9.0])):
        wanted = expected(model, far)
        assert_same(by_onnx(to_onnx(model), {"X": far}), wanted)
        assert_same(by_numpy(to_numpy(model), tmp_path, far), wanted)
        assert to_numpy(model.compact()).content == to_numpy(model).content
        with pytest.raises(ValueError, match="maps its columns before the first of them: write it with to_onnx"):
            to_torch(model)


def test_mapped_columns_keep_their_names(tmp_path: Path) -> None:
    frame = people()
    encoder = Encoder().fit(frame)
    x, y = encoder.transform(frame), (frame["noise"] + (frame["town"] == "here") > 0).to_numpy()
    mapped = [len(np.unique(column)) > 2 for column in x.T]
    model = fitted_with_map(x, y, "truth", mapped, alphas=[0.03])
    assert 1 < len(to_onnx(model, encoder).recipe.columns) < frame.shape[1]
    wanted = expected(model, encoder.transform(changed(frame)))
    assert_same(by_onnx(to_onnx(model, encoder), fed(to_onnx(model, encoder), changed(frame))), wanted)
    for given in tables(changed(frame)):
        assert_same(by_numpy(to_numpy(model, encoder), tmp_path, given), wanted)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not among the test dependencies")
@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_state_dict_loads_and_predicts_the_same(activation: Any, ensemble: Any, tmp_path: Path) -> None:
    import torch

    x, file = columns(), tmp_path / "model.safetensors"
    for hidden in HIDDEN:
        for task, y in targets().items():
            model = fitted(
                x, y, task, hidden_layer_sizes=hidden, activation=activation, n_seeds=2, ensemble=ensemble
            )  # fmt: skip
            exported = to_torch(model)
            exported.write(file)
            names = {"x": torch.from_numpy(x[:, exported.recipe.chosen])}
            exec(exported.use(file), names)
            predicted, wanted = names["predicted"].detach().numpy(), expected(model, x)[-1]
            if exported.recipe.output == "two classes":
                predicted = np.hstack([1 - predicted, predicted])
            assert_same([predicted.reshape(wanted.shape)], [wanted], 1e-9)


def test_the_state_dict_is_compact_and_says_what_it_takes() -> None:
    x = columns()
    model = fitted(x, targets()["two"], "two", hidden_layer_sizes=(8,), alpha=0.03, max_iter=60)
    exported = to_torch(model)
    arrays, small = load(exported.content), model.compact().model_
    assert sorted(arrays) == ["0.bias", "0.weight", "2.bias", "2.weight"]
    assert arrays["0.weight"].shape == small.parameters[0].T.shape
    assert small.size.inputs < 6
    assert 1 < small.size.units < 8
    output = np.maximum(x[:, small.inputs] @ arrays["0.weight"].T + arrays["0.bias"], 0)
    output = output @ arrays["2.weight"].T + arrays["2.bias"]
    np.testing.assert_allclose(output[:, 0], model.decision_function(x), rtol=1e-7)


def test_the_state_dicts_metadata_builds_the_network(tmp_path: Path) -> None:
    model = fitted(columns(), targets()["three"], "three", hidden_layer_sizes=(4,), activation="leaky_relu")
    (file,) = to_torch(model, target="kind").write(tmp_path / "model.safetensors")
    with safe_open(file, "np") as kept:
        about = kept.metadata()
    small = model.compact().model_
    chosen, units = small.inputs.tolist(), small.size.units
    assert ast.literal_eval(about["columns"]) == chosen
    assert about["features"] == str([f"x{k}" for k in chosen]).replace("'", '"')
    assert about["module"] == (
        f"nn.Sequential(nn.Linear({len(chosen)}, {units}), nn.LeakyReLU(0.01), nn.Linear({units}, 3))"
    )
    assert (about["target"], about["classes"]) == ("kind", "[-1, 0, 1]")


@pytest.mark.parametrize("task", ["number", "rate", "two", "three", "labels"])
def test_an_ensemble_is_averaged_also_where_one_of_it_is_constant(task: Any, tmp_path: Path) -> None:
    x = columns()
    model = fitted(x, targets()[task], task, hidden_layer_sizes=(4, 3), n_seeds=3, ensemble=True, activation="tanh")
    model.models_[0].parameters[2][:] = 0
    model.models_[1].parameters[0][:2] = 0
    wanted = expected(model, x)
    assert_same(by_onnx(to_onnx(model), {"X": x}), wanted)
    assert_same(by_numpy(to_numpy(model), tmp_path, x), wanted)


def test_a_constant_model_asks_for_one_column_and_counts_its_rows(tmp_path: Path) -> None:
    frame = pd.DataFrame(columns(), columns=list("abcdef"))
    model = fitted(frame, targets()["number"], "number", alpha=1e3, max_iter=50)
    assert not model.support_.any()
    exported = to_onnx(model)
    assert str(exported) == "It needs 1 of 6 columns: 'a' (number). Not needed: 'b', 'c', 'd', 'e', 'f'."
    feeds = {"a": np.ones((3, 1))}
    assert_same(by_onnx(exported, feeds), [np.full(3, model.predict(frame)[0])])
    assert_same(by_numpy(to_numpy(model), tmp_path, {"a": [1, 2, 3]}), [np.full(3, model.predict(frame)[0])])


def people(seed: int = 0) -> Any:
    """Return a table with every kind of column, and gaps in all of them."""
    generator = np.random.default_rng(seed)
    rows = 1000
    frame = pd.DataFrame(
        {
            "age": generator.normal(40, 10, rows).round(),
            "größe, cm": generator.normal(170, 10, rows),
            "member": generator.random(rows) > 0.5,
            "town": generator.choice(np.array(["here", "there", "Köln", None]), rows),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(generator.uniform(0, 900, rows).round(2), "D"),
            "day": (pd.Timestamp("1999-01-01") + pd.to_timedelta(generator.integers(0, 900, rows), "D")).strftime(
                "%Y-%m-%dT10:30:00+02:00"
            ),
            "rare": generator.permutation(["often"] * 800 + ["seldom"] * 180 + [f"once {k}" for k in range(20)]),
            "noise": generator.normal(size=rows),
        }
    )
    frame.loc[::9, "age"] = np.nan
    frame.loc[::7, "since"] = None
    frame.loc[::11, "rare"] = None
    return frame


def days(column: Any) -> Any:
    """Return dates as days from 1970."""
    dates = pd.to_datetime(column, utc=True).to_numpy(dtype="datetime64[us]")
    return np.where(np.isnat(dates), np.nan, dates.astype(np.int64) / 86_400e6)


def fed(exported: Any, frame: Any) -> Any:
    """Return a frame's columns as the graph takes them."""
    feeds = {}
    for name, kind in exported.recipe.columns.items():
        column = frame[name]
        values = days(column) if kind == "date" else column.fillna("").astype(str) if kind == "text" else column
        feeds[name] = np.asarray(values, dtype=object if kind == "text" else float).reshape(-1, 1)
    return feeds


def tables(frame: Any) -> Any:
    """Return a frame as people pass a table: a dict of columns, rows, a frame."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [plain.to_dict("list"), plain.to_dict("records"), frame]


def changed(frame: Any) -> Any:
    """Return a table with what the training never saw: new categories, and gaps in other columns."""
    new = frame.copy()
    new.loc[::4, "town"] = "elsewhere"
    new.loc[1::5, "rare"] = "new"
    new.loc[::3, "größe, cm"] = np.nan
    new.loc[::8, "day"] = None
    return new


@pytest.mark.slow
@pytest.mark.parametrize("task", ["two", "number"])
def test_the_encoder_is_inside(task: Any, tmp_path: Path) -> None:
    frame = people()
    encoder = Encoder().fit(frame)
    signal = frame["age"].fillna(0) + 20 * (frame["town"] == "here") + frame["since"].isna() * 30
    y = {"two": np.where(signal > 40, "ja", "nein"), "number": signal.to_numpy()}[task]
    model = fitted(encoder.transform(frame), y, task, hidden_layer_sizes=(5,), alpha=1e-4, l1_ratio=0)
    graph, code = to_onnx(model, encoder), to_numpy(model, encoder)
    kinds = ["number"] * 3 + ["text", "date", "date", "text", "number"]
    assert list(graph.recipe.columns.items()) == list(zip(frame, kinds, strict=True))
    assert graph.recipe.features is not None
    assert {feature.what for feature in graph.recipe.features} == {
        "number", "missing", "is", "none of", "days", "sin", "cos"
    }  # fmt: skip
    for rows in (frame, changed(frame)):
        wanted = expected(model, encoder.transform(rows))
        assert_same(by_onnx(graph, fed(graph, rows)), wanted)
        for table in tables(rows):
            assert_same(by_numpy(code, tmp_path, table), wanted)


SAID: dict[str, Any] = {"encoding": "latin-1", "separator": ";", "decimal": ",", "missing": ["?", "-999", "1900-01-01"]}


def said_table(folder: Path) -> tuple[Path, Any, Any]:
    """Write a file of which much has to be said; give it, its encoder, and the rows as they were read."""
    generator, rows = np.random.default_rng(0), 300
    dates = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(generator.integers(0, 900, rows), "D"))
    frame = pd.DataFrame(
        {
            "größe": [f"{value:.3f}".replace(".", ",") for value in generator.normal(1500, 300, rows)],
            "count": generator.integers(0, 9, rows).astype(str),
            "zip": generator.choice(["01", "1", "2"], rows),
            "since": dates.dt.strftime("%d.%m.%y %H:%M"),
            "until": dates.dt.strftime("%m/%d/%Y 3:15 PM"),
            "day": dates.dt.strftime("%Y%m%d"),
            "iso": dates.dt.strftime("%Y-%m-%d"),
            "town": generator.choice(["Köln", "Ulm"], rows),
        }
    )
    for k, name in enumerate(frame):
        frame.loc[k :: 17 + k, name] = "?"
    frame.loc[::19, "count"], frame.loc[::23, "größe"], frame.loc[::29, "iso"] = "-999.00", "-999,0", "1900-01-01"
    frame.loc[::31, "town"] = " ? "
    frame.to_csv(folder / "said.csv", index=False, sep=";", encoding="latin-1")
    choices = ColumnChoices(
        categories="zip", numbers="count", missing=SAID["missing"],
        dates={"since": "dayfirst", "until": "monthfirst", "day": None},
    )  # fmt: skip
    read = read_table(folder / "said.csv", choices.texts, **SAID)
    table = make_table(read.assign(y=generator.normal(size=rows)), "y", choices=choices)
    return folder / "said.csv", table_encoder(table.inputs, choices, table.left_out), read


@pytest.mark.parametrize("task", ["two", "number"])
def test_what_is_said_of_a_table_is_inside(task: Any, tmp_path: Path) -> None:
    file, encoder, read = said_table(tmp_path)
    kinds = [type(column).__name__ for column in encoder.columns]
    assert kinds == ["CommaNumber", "Number", "Category", *["OrderedDate"] * 3, "Date", "Category"]
    x = encoder.transform(read)
    signal = x @ np.random.default_rng(1).normal(size=x.shape[1]) / x.std(axis=0).max()
    model = fitted(x, signal > np.median(signal) if task == "two" else signal, task, alpha=0)
    again = encoder.transform(read_table(file, encoder=encoder))
    np.testing.assert_array_equal(again, x)
    wanted = expected(model, x)
    exported = to_numpy(model, encoder)
    exported.write(tmp_path / "model.py")
    code = runpy.run_path(str(tmp_path / "model.py"))
    texts = pd.read_csv(file, sep=";", encoding="latin-1", dtype=str)
    typed = read.assign(count=read["count"].fillna(-999), day=pd.to_numeric(read["day"], errors="coerce"))
    typed["iso"] = pd.to_datetime(read["iso"]).fillna(pd.Timestamp("1900-01-01"))
    for rows in (code["read_csv"](file), texts, texts.to_dict("records"), typed, typed.to_dict("list")):
        found = [code[name](rows) for name in ("predict", "predict_proba") if name in code]
        assert_same(found, wanted)
    for rows in (texts, typed):
        np.testing.assert_allclose(encoder.transform(rows), x)
    onnx = to_onnx(model, encoder)
    for gone in (np.nan, -999.0):
        iso = days(read["iso"])
        feeds = {
            "größe": read["größe"].fillna(gone), "count": read["count"].fillna(gone),
            "zip": texts["zip"].fillna("?"), "town": texts["town"].str.strip(),
            "since": days(pd.to_datetime(read["since"], format="%d.%m.%y %H:%M")),
            "until": days(pd.to_datetime(read["until"], format="%m/%d/%Y %I:%M %p")),
            "day": days(pd.to_datetime(read["day"].astype("Int64").astype("string"), format="%Y%m%d")),
            "iso": iso if np.isnan(gone) else np.where(np.isnan(iso), -25567, iso),  # 1900-01-01
        }  # fmt: skip
        shaped = {name: np.asarray(column, dtype=object if name in ("zip", "town") else float).reshape(-1, 1)
                  for name, column in feeds.items()}  # fmt: skip
        assert_same(by_onnx(onnx, shaped), wanted)


def test_a_column_that_is_not_used_is_not_asked_for(tmp_path: Path) -> None:
    frame = people()
    encoder = Encoder().fit(frame)
    y = frame["age"].fillna(0).to_numpy() + 20 * (frame["town"] == "here")
    model = fitted(encoder.transform(frame), y, "number", hidden_layer_sizes=(4,), alpha=0.3, max_iter=300)
    graph, wanted = to_onnx(model, encoder), expected(model, encoder.transform(frame))
    needed = list(graph.recipe.columns)
    assert set(needed) | set(graph.recipe.unused) == set(frame)
    assert 0 < len(needed) < frame.shape[1]
    session = onnxruntime.InferenceSession(graph.content)
    assert [each.name for each in session.get_inputs()] == needed
    assert_same(by_onnx(graph, fed(graph, frame[needed])), wanted)
    assert_same(by_numpy(to_numpy(model, encoder), tmp_path, frame[needed]), wanted)
    assert f"It needs {len(needed)} of 8 columns: " in str(graph)


def test_an_empty_text_is_missing_unless_it_is_a_category(tmp_path: Path) -> None:
    for town in (["", "a", "b"], [None, "a", "b"], ["", None, "a"]):
        frame = pd.DataFrame({"town": town * 20, "age": np.arange(60) % 7.0})
        encoder = Encoder().fit(frame)
        model = fitted(encoder.transform(frame), np.arange(60) % 3 == 0, "truth", alpha=0, max_iter=40)
        graph, wanted = to_onnx(model, encoder), expected(model, encoder.transform(frame))
        given = frame.fillna({"town": "(missing)"}) if "" in town else frame
        assert_same(by_onnx(graph, fed(graph, given)), wanted)
        assert_same(by_numpy(to_numpy(model, encoder), tmp_path, tables(frame)[0]), wanted)


def test_a_model_of_a_constant_column_is_exported(tmp_path: Path) -> None:
    x, y = np.ones((40, 1)), np.arange(40) % 3 == 0
    model = fitted(x, y, "truth", alpha=0, max_iter=5)
    wanted = expected(model, x)
    assert_same(by_numpy(to_numpy(model), tmp_path, x), wanted)


@pytest.mark.parametrize("name", ["a, b", "two\nlines"])
def test_what_is_quoted_in_the_first_line_of_csv_separates_nothing(name: Any, tmp_path: Path) -> None:
    frame = pd.DataFrame({name: np.arange(60) % 7.0, "x": np.arange(60) % 5.0})
    encoder = Encoder().fit(frame)
    model = fitted(encoder.transform(frame), frame["x"].to_numpy(), "number", alpha=0, max_iter=40)
    (file,) = to_numpy(model, encoder).write(tmp_path / "model.py")
    code = runpy.run_path(str(file))
    frame.to_csv(tmp_path / "t.csv", sep=";", index=False, quoting=csv.QUOTE_NONNUMERIC)
    np.testing.assert_allclose(code["predict"](code["read_csv"](tmp_path / "t.csv")), code["predict"](frame))


HOSTILE = [
    "it's", 'say "hi"', '"""', "'''", "\\", "\\N{BEL}", "two\nlines", "tab\t\r", "{x}", "{0}", "%s", "#", "label",
    "probabilities", "value", "X", "Sub", "weight", "x", "rows", "Größe, cm", "年", "\u202egnp", "\u2028", "\x00", "🌲",
    "math.erfc(datetime.x)",
    '"]; raise SystemExit("run") #', "'); raise SystemExit('run') #", "None", "nan", "(missing)", " ",
]  # fmt: skip


def hostile_table() -> Any:
    generator = np.random.default_rng(3)
    numbers = {name: generator.normal(size=ROWS) for name in HOSTILE[::2]}
    texts = {name: generator.choice([*HOSTILE[:5], name], ROWS) for name in HOSTILE[1::2]}
    frame = pd.DataFrame(numbers | texts)
    return frame, np.array(HOSTILE)[generator.integers(0, len(HOSTILE), ROWS)]


def test_hostile_names_and_classes_stay_text(tmp_path: Path) -> None:
    frame, y = hostile_table()
    encoder = Encoder().fit(frame)
    model = fitted(encoder.transform(frame), y, "three", hidden_layer_sizes=(3,), alpha=1e-4)
    wanted = expected(model, encoder.transform(frame))
    graph = to_onnx(model, encoder, target='"""')
    assert list(graph.recipe.columns) == list(frame)
    assert_same(by_onnx(graph, fed(graph, frame)), wanted)
    code = to_numpy(model, encoder, target='"""')
    assert_same(by_numpy(code, tmp_path, tables(frame)[0]), wanted)
    said = [node.value for node in ast.walk(ast.parse(code.content)) if isinstance(node, ast.Constant)]
    assert {*frame, *y, '"""'} <= set(said)


def test_the_python_files_are_written_as_ruff_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, plain = columns(), people()
    encoder, (hostile, y) = Encoder().fit(plain), hostile_table()
    models: dict[str, tuple[Any, Encoder | None]] = {
        f"{task}_{activation}_{ensemble}": (
            fitted(x, each, task, hidden_layer_sizes=(4,), activation=activation, n_seeds=2, ensemble=ensemble), None
        )
        for task, each in targets().items()
        for activation, ensemble in [("relu", True), ("logistic", False), ("gelu", False)]
    }  # fmt: skip
    models["mapped"] = fitted_with_map(x, targets()["two"], "two", [True] * 6), None
    models["blend"] = blend_of(["plain", "encoded"]), None
    models["blend_of_plain"] = blend_of(["plain"]), None
    models["linear"] = fitted(x, targets()["number"], "number", hidden_layer_sizes=()), None
    for task in ("two", "number"):
        signal = plain["noise"].to_numpy()
        signal = signal > 0 if task == "two" else signal
        models[f"people_{task}"] = fitted(encoder.transform(plain), signal, task, alpha=1e-4), encoder
    _, said, read = said_table(tmp_path)
    x_said = said.transform(read)
    models["said"] = fitted(x_said, x_said[:, 0], "number", alpha=0), said
    gaps = Encoder(missing="?", dates="day").fit(pd.DataFrame({"town": ["?", "a", "b"] * 9, "day": ["2026/1/2"] * 27}))
    models["said_gaps"] = (
        fitted(DRAWS.normal(size=(27, len(gaps.names))), DRAWS.normal(size=27), "number", alpha=0),
        gaps,
    )
    strange = Encoder().fit(hostile)
    models["hostile"] = fitted(strange.transform(hostile), y, "three", hidden_layer_sizes=(3,), alpha=1e-4), strange
    for name, (model, its_encoder) in models.items():
        to_numpy(model, its_encoder).write(tmp_path / f"{name}.py")
    monkeypatch.setattr(numpy_code, "MOST_LITERALS", 10**6)
    to_numpy(models["blend"][0]).write(tmp_path / "blend_in_one_file.py")
    ruff = [sys.executable, "-m", "ruff"]
    ours = ["check", "--config", str(ROOT / "pyproject.toml"), "--exclude", "hostile.py"]  # its long and strange names
    for command in (["check", "--isolated"], ["format", "--check", "--isolated"], ours):
        done = subprocess.run([*ruff, *command, "."], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_numbers_of_a_large_model_stand_beside_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = columns()
    model = fitted(x, targets()["three"], "three", hidden_layer_sizes=(6, 5), alpha=0, n_seeds=2, ensemble=True)
    small = to_numpy(model)
    assert list(small.files) == [".py"]
    monkeypatch.setattr(numpy_code, "MOST_LITERALS", 10)
    large = to_numpy(model)
    assert [path.name for path in large.write(tmp_path / "model.py")] == ["model.py", "model.npz"]
    assert len(large.content) < len(small.content) / 2
    assert_same(by_numpy(large, tmp_path, x), expected(model, x))


def test_gaps_in_csv_are_what_pandas_takes_for_gaps() -> None:
    parsers: Any = importlib.import_module("pandas._libs.parsers")
    assert set(DEFAULT_TEXTS) == parsers.STR_NA_VALUES


@pytest.mark.parametrize("form", [to_onnx, to_torch, to_numpy])
@pytest.mark.parametrize(
    ("model", "encoder", "words"),
    [
        (MLPClassifier(), None, "not fitted"),
        (make_pipeline(StandardScaler(), MLPClassifier()), None, "got Pipeline: of a pipeline or a search, give"),
        ("model.skops", None, "a fitted estimator of ridgewalk, got str"),
        (fitted(columns(), targets()["two"], "two"), Encoder().fit(people()), "takes 6 columns, and the encoder gives"),
    ],
    ids=["not fitted", "a pipeline", "no estimator", "another encoder"],
)
def test_what_cannot_be_exported_is_refused(form: Any, model: Any, encoder: Any, words: Any) -> None:
    with pytest.raises(ValueError, match=words):
        form(model, encoder)


def test_a_column_without_a_name_is_refused_by_onnx_alone(tmp_path: Path) -> None:
    frame = pd.DataFrame(columns(), columns=["", *"bcdef"])
    encoder = Encoder().fit(frame)
    model = fitted(encoder.transform(frame), targets()["number"], "number", alpha=1e-4)
    with pytest.raises(ValueError, match="has none: name it, and fit again"):
        to_onnx(model, encoder)
    assert_same(by_numpy(to_numpy(model, encoder), tmp_path, frame), [model.predict(encoder.transform(frame))])


@pytest.mark.parametrize(("form", "ending"), [(to_onnx, ".onnx"), (to_torch, ".safetensors"), (to_numpy, ".py")])
def test_a_file_of_another_kind_is_refused(form: Any, ending: Any, tmp_path: Path) -> None:
    exported = form(fitted(columns(), targets()["two"], "two"))
    with pytest.raises(ValueError, match=rf"ends in \{ending}, got 'model.txt'"):
        exported.write(tmp_path / "model.txt")
    assert not list(tmp_path.iterdir())
    assert exported.write(tmp_path / f"model{ending}") == [tmp_path / f"model{ending}"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run ``ridgewalk`` in an empty folder; give its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def ended(*arguments: Any) -> Any:
        monkeypatch.setattr(sys, "argv", ["ridgewalk", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        return end.value.code or 0, captured.out, captured.err

    return ended


@pytest.fixture
def command(run: Any, tmp_path: Path) -> Any:
    """Run ``ridgewalk export`` in a folder that holds a model; give its exit code, output and errors."""
    frame = people().head(60)
    encoder = Encoder().fit(frame[["age", "town"]])
    model = MLPClassifierCV((3,), alphas=[0], max_iter=10, cv=2, random_state=0)
    model.fit(encoder.transform(frame), (frame["noise"] > 0).to_numpy().astype(str))
    save(model, tmp_path / MODEL_FILE, encoder=encoder, target="which")
    return lambda *arguments: run("export", *arguments)


def test_the_command_says_what_it_wrote_and_how_to_use_it(command: Any, tmp_path: Path) -> None:
    for form, file, word in (
        ("onnx", "model.onnx", "InferenceSession('model.onnx')"),
        ("torch", "state_dict.safetensors", "load_file('state_dict.safetensors')"),
        ("numpy", "model.py", "from model import predict"),
    ):
        code, out, err = command(".", "--to", form)
        assert code == 0
        assert word in out
        assert f"Written: {file} (" in err
        assert "It needs 2 of 2 columns: 'age' (number), 'town' (text)." in err
        code, out, err = command(".", "--to", form)
        assert (code, out) == (1, "")
        assert f"{file} is there already: give another --out, or --force to replace it." in err
        assert command(".", "--to", form, "--force")[0] == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        MODEL_FILE,
        "model.onnx",
        "state_dict.safetensors",
        "model.py",
    }


def test_a_model_of_an_array_needs_no_encoder(command: Any, tmp_path: Path) -> None:
    model = fitted(columns(), targets()["number"], "number", hidden_layer_sizes=(3,), alpha=0)
    save(model, tmp_path / "array.safetensors")
    code, out, err = command("array.safetensors", "--to", "onnx")
    assert code == 0
    assert "It takes arrays of 6 columns, of which it uses 5." in err
    assert "session.run(None, {'X': X})" in out
    session = onnxruntime.InferenceSession("model.onnx")
    assert_same(session.run(None, {"X": columns()}), [model.predict(columns())])


def test_the_command_replaces_neither_of_two_files_unasked(
    command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numpy_code, "MOST_LITERALS", 10)
    (tmp_path / "mine.npz").write_text("kept")
    code, _, err = command(".", "--to", "numpy", "--out", "mine.py")
    assert code == 1
    assert "mine.npz is there already" in err
    assert (tmp_path / "mine.npz").read_text() == "kept"
    assert not (tmp_path / "mine.py").exists()
    (tmp_path / "mine.npz").unlink()
    write = Path.write_bytes

    def only_the_first(path: Any, content: Any) -> Any:
        if path.suffix == ".npz":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", only_the_first)
        before = set(tmp_path.iterdir())
        assert command(".", "--to", "numpy", "--out", "mine.py")[0] == 1
        assert set(tmp_path.iterdir()) == before
    assert command(".", "--to", "numpy", "--out", "mine.py")[0] == 0
    assert (tmp_path / "mine.npz").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nothing", "--to", "onnx"], 1, "There is no model nothing"),
        ([".", "--to", "onnx", "--out", "model.txt"], 1, "ends in .onnx, got 'model.txt'"),
        ([".", "--to", "onnx", "--out", "no/such/model.onnx"], 1, "no/such"),
        ([".", "--to", "torch", "--out", MODEL_FILE, "--force"], 1, "is the file to read"),
        ([".", "--to", "excel"], 2, "excel"),
        (["."], 2, "--to"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_ends_in_a_sentence_and_leaves_no_file(
    command: Any, tmp_path: Path, arguments: Any, code: Any, words: Any
) -> None:
    ended, out, err = command(*arguments)
    assert ended == code
    assert words in err
    assert "Traceback" not in out + err
    assert [path.name for path in tmp_path.iterdir()] == [MODEL_FILE]


def test_the_package_onnx_is_asked_for_where_it_is_not_there(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.split(".")[0] == "onnx" or each == "ridgewalk.export.onnx_graph"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"needs the package onnx .*pip install onnx"):
        to_onnx(fitted(columns(), targets()["two"], "two"))
    code, out, err = command(".", "--to", "onnx")
    assert (code, out) == (1, "")
    assert "pip install onnx" in err


@pytest.mark.parametrize("unit", [2.0**-1030, 1e-300, 1e-150, 1e-46, 1e-31, 1e-20])
@pytest.mark.parametrize("names", ["a", "abc"])
def test_columns_of_tiny_numbers_keep_their_center(unit: Any, names: Any) -> None:
    table = pd.DataFrame({name: columns()[:, 0] + k + 3.0 for k, name in enumerate(names)})
    encoder = Encoder().fit(table)
    plan = recipe(fitted(encoder.transform(table), columns()[:, 0], "number", alpha=0.0), encoder)
    (model,) = plan.models
    small = replace(plan, models=(replace(model, center=unit * model.center, scale=unit * model.scale),))
    session = onnxruntime.InferenceSession(onnx_model(small), providers=["CPUExecutionProvider"])
    (value,) = session.run(None, {name: unit * table[[name]].to_numpy() for name in names})
    np.testing.assert_allclose(value, model.output(table.to_numpy())[:, 0], rtol=1e-6)


def blend_of(views: Any, **parameters: Any) -> Any:
    """Fit a blend of few networks to a table of numbers, of which two are not needed."""
    frame = pd.DataFrame(columns()[:, :5], columns=list("abcde"))
    return TableRegressor(views=views, max_members=2, cv=3, random_state=0, **parameters).fit(
        frame, targets()["number"]
    )


@pytest.mark.parametrize("views", [["plain"], ["encoded"], "auto"])
@pytest.mark.parametrize("most", [10, 10**6])
def test_each_network_of_a_blend_has_its_own_columns_scales_and_share(
    views: Any, most: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numpy_code, "MOST_LITERALS", most)
    model, frame = blend_of(views), pd.DataFrame(columns(1)[:, :5], columns=list("abcde"))
    first, *_, last = model.mixture_.models
    assert (first.center != model.mixture_.models[1].center).any()
    first.parameters[0][first.column == 0] = 0  # so that each takes other columns
    last.parameters[0][np.isin(last.column, [1, 2])] = 0
    model.mixture_ = replace(model.mixture_, shares=np.arange(1.0, len(model.mixture_.shares) + 1) ** 2)
    model.mixture_.shares[:] /= model.mixture_.shares.sum()
    wanted, exported = [model.predict(frame)], to_onnx(model)
    assert len({len(each.inputs) for each in exported.recipe.models}) > 1
    assert_same(by_onnx(exported, fed(exported, frame)), wanted, SINGLE)
    for table in tables(frame):
        assert_same(by_numpy(to_numpy(model), tmp_path, table), wanted, SINGLE)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == ([".npz", ".py"] if most == 10 else [".py"])


def test_a_blend_asks_for_no_column_that_none_of_its_networks_uses(tmp_path: Path) -> None:
    model = blend_of("auto")
    for each in model.mixture_.models:
        each.parameters[0][np.isin(each.column, [1, 4])] = 0
    first, *others = model.mixture_.models
    of_last = {"inputs": np.array([4]), "center": np.zeros(1), "scale": np.ones(1), "map": None}
    constant = replace(
        first, network=Network((Dense(1, 1),)), parameters=(np.zeros((1, 1)), np.ones((1, 1))), **of_last
    )
    model.mixture_ = replace(model.mixture_, models=(constant, *others))
    exported, frame = to_onnx(model), pd.DataFrame(columns(1)[:, :5], columns=list("abcde"))
    assert list(exported.recipe.columns) == ["a", "c", "d"]
    assert exported.recipe.unused == ("b", "e")
    wanted, needed = [model.predict(frame)], frame[["a", "c", "d"]]
    assert_same(by_onnx(exported, fed(exported, needed)), wanted, SINGLE)
    assert_same(by_numpy(to_numpy(model), tmp_path, needed), wanted, SINGLE)


def test_a_blend_of_constants_asks_for_one_column(tmp_path: Path) -> None:
    model = blend_of("auto")
    for each in model.mixture_.models:
        each.parameters[0][:] = 0
    wanted = [np.full(3, model.predict(pd.DataFrame(columns()[:1, :5], columns=list("abcde")))[0])]
    exported = to_onnx(model)
    (name,) = exported.recipe.columns
    assert_same(by_onnx(exported, {name: np.ones((3, 1))}), wanted, SINGLE)
    assert_same(by_numpy(to_numpy(model), tmp_path, {name: [1, 2, 3]}), wanted, SINGLE)


def test_a_table_model_of_an_array_asks_for_numbered_columns(tmp_path: Path) -> None:
    x = columns()[:, :5]
    model = TableRegressor(views=["plain"], max_members=1, cv=3, random_state=0).fit(x, targets()["number"])
    exported, wanted = to_onnx(model), [model.predict(x)]
    named = {f"x{k}": x[:, [k]] for k in range(5)}
    assert list(exported.recipe.columns) == list(named)
    assert_same(by_onnx(exported, named), wanted, SINGLE)
    assert_same(
        by_numpy(to_numpy(model), tmp_path, {name: column[:, 0] for name, column in named.items()}), wanted, SINGLE
    )


def test_a_table_models_encoder_is_its_own() -> None:
    model = blend_of(["plain"])
    assert to_numpy(model, model.encoder_).content == to_numpy(model).content
    for form in (to_onnx, to_numpy):
        with pytest.raises(ValueError, match="TableRegressor has an encoder of its own, and another came"):
            form(model, Encoder().fit(people()))
    with pytest.raises(ValueError, match=r"those of a blend do not: write it with to_onnx or to_numpy"):
        to_torch(model)
    to_torch(model.views_["plain"], model.encoder_)


def test_the_networks_of_a_state_dict_take_the_same_columns() -> None:
    x, y = columns(), targets()["number"]
    model = fitted(x, y, "number", hidden_layer_sizes=(4,), n_seeds=3, ensemble=True)
    model.models_[0].parameters[0][0] = model.models_[1].parameters[0][1:] = 0
    exported = to_torch(model)
    arrays, given = load(exported.content), x[:, exported.recipe.chosen]
    assert len({len(each.inputs) for each in exported.recipe.models}) > 1
    outputs = []
    for k in range(3):
        hidden = np.maximum(given @ arrays[f"{k}.0.weight"].T + arrays[f"{k}.0.bias"], 0)
        outputs.append(hidden @ arrays[f"{k}.2.weight"].T + arrays[f"{k}.2.bias"])
    np.testing.assert_allclose(np.mean(outputs, axis=0)[:, 0], model.predict(x), rtol=1e-7)


def some_table(kind: Any, rows: Any, seed: Any) -> Any:
    """Return a table of a kind and its target."""
    draws = np.random.default_rng(seed)
    frame = pd.DataFrame({name: draws.normal(size=rows) for name in "abc"})
    frame["price"] = 1e6 + 1e4 * np.exp(draws.normal(size=rows))
    frame["member"] = draws.random(rows) < 0.5
    signal = frame["a"] * frame["b"] + frame["member"] + (frame["price"] > 1.01e6)
    if kind == "categories":
        frame["town"] = draws.choice(
            ["here", "there", "Köln, Süd", "far", f"seen {seed}"], rows, p=[0.5, 0.3, 0.1, 0.07, 0.03]
        )
        signal += 2 * (frame["town"] == "here")
    if kind == "dates and gaps":
        frame["since"] = pd.Timestamp("2020-02-29") + pd.to_timedelta(draws.integers(0, 900, rows), unit="D")
        frame["at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(draws.integers(0, 10**6, rows), unit="s")
        signal += np.sin(2 * np.pi * frame["since"].dt.day_of_year / 365)
        frame.loc[::5, "since"] = None
        frame.loc[1::6, "a"] = np.nan
        if seed > 0:  # gaps where the training has none
            frame.loc[::7, "b"] = np.nan
    if kind == "many numbers":
        frame = frame.join(pd.DataFrame(draws.normal(size=(rows, 60))).add_prefix("x"))
    if kind in ("numbers", "dates and gaps"):
        return frame, 1e3 * signal.to_numpy() + 500
    if kind == "counts":
        return frame, draws.poisson(np.exp(np.clip(signal, -2, 2))) + 0.0
    edges = np.quantile(signal, np.linspace(0, 1, 7)[1:-1] if kind == "six classes" else [0.5])
    return frame, np.array(["né", "ja", "b, c", "d", "e", "f"])[np.digitize(signal, edges)]


TABLES = {
    "two classes": "csv", "six classes": "parquet", "numbers": "csv", "counts": "parquet", "categories": "csv",
    "dates and gaps": "parquet", "many numbers": "csv",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", TABLES)
def test_a_table_is_predicted_alike_everywhere(kind: Any, run: Any) -> None:
    (old, y), (new, _) = some_table(kind, 96, 0), some_table(kind, 40, 1)
    of_numbers, old_file, new_file = y.dtype.kind == "f", *(f"{name}.{TABLES[kind]}" for name in ("old", "new"))
    for frame, file in ((old.assign(y=y), old_file), (new, new_file)):
        frame.to_parquet(file) if file.endswith("parquet") else frame.to_csv(file, index=False)
    loss = "poisson" if kind == "counts" else "auto"
    model = (TableRegressor if of_numbers else TableClassifier)(cv=3, random_state=0, loss=loss).fit(old, y)
    wanted = expected(model, new)
    assert np.ptp(wanted[-1]) > 0.1 * np.abs(wanted[-1]).mean()

    loaded = ridgewalk.load(model.save("model.safetensors"))
    for other in (loaded, model.compact(), ridgewalk.load(loaded.compact().save("small.safetensors"))):
        assert_same(expected(other, new), wanted, 1e-6)

    options = ["--target", "y", "--folds", 3, "--loss", loss, "--no-report", "--quiet", "--out", "kept"]
    assert run("fit", old_file, *options) == (0, "", "")
    assert_same(expected(ridgewalk.load("kept"), new), wanted, 1e-6)
    code, out, _ = run("predict", "kept", new_file, "--quiet")
    assert code == 0
    said = pd.read_csv(io.StringIO(out), keep_default_na=False)
    heads = [] if of_numbers else [f"probability of {name}" for name in model.classes_]
    assert list(said) == ["y", *heads]
    assert_same([said["y"].to_numpy(), *([] if of_numbers else [said[heads].to_numpy()])], wanted, 1e-6)

    assert run("export", "kept", "--to", "onnx")[0] == run("export", "kept", "--to", "numpy")[0] == 0
    assert to_numpy(model.compact(), target="y").content == Path("model.py").read_bytes()
    refused, _, err = run("export", "kept", "--to", "torch")
    assert refused == 1
    assert "fit with --no-blend" in err
    session, code = onnxruntime.InferenceSession("model.onnx"), runpy.run_path("model.py")
    assert_same(session.run(None, fed(to_onnx(model), new)), wanted, 1e-6)
    for table in [*tables(new), *([code["read_csv"](new_file)] if new_file.endswith("csv") else [])]:
        assert_same([code[name](table) for name in ("predict", "predict_proba")[: len(wanted)]], wanted, 1e-6)


def test_an_onnx_file_carries_the_model_card() -> None:
    frame = pd.DataFrame({"size": np.arange(60.0) % 7, "trade": ["office", "farming", "transport"] * 20, "flat": 1.0})
    encoder = Encoder().fit(frame)
    model = MLPRegressorCV((4,), alphas=3, max_iter=20, cv=3, random_state=0)
    model.fit(encoder.transform(frame), 3.0 * (frame["trade"] == "farming"))
    session = onnxruntime.InferenceSession(to_onnx(model, encoder, target="price").content)
    card = json.loads(session.get_modelmeta().custom_metadata_map[CARD])
    assert card == json.loads(json.dumps(model_card(model, encoder, target="price")))
    assert (card["predicts"], card["data"]["rows"], card["data"]["inputs"]) == ("price", 60, 3)
    assert [each["name"] for each in card["columns"]] == ["size", "trade", "flat"]
    kept = model.path_.inputs_kept[model.index_, -1, 0]
    used = {name for name, each in zip(encoder.origins, kept, strict=True) if each}
    assert {each["name"] for each in card["columns"] if each["used"]} == used
    assert all(each["used"] != bool(each["why"]) for each in card["columns"])
    assert card["options"] == {
        "alphas": "3", "cv": "3", "hidden_layer_sizes": "(4,)", "max_iter": "20", "random_state": "0",
    }  # fmt: skip
    assert card["scores"]["held-out loss"] == pytest.approx(model.heldout_loss_, rel=1e-5)
    small = model_card(model.compact(), encoder)
    assert small["scores"].keys() <= card["scores"].keys()
    assert "rows" not in small["data"]
