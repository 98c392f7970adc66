"""Exported intervals and sets are those of the model, in every form that can hold them."""

import io
import runpy
import subprocess
import sys
import warnings
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from sklearn.model_selection import RepeatedKFold

from ridgewalk import MLPClassifierCV, MLPRegressor, MLPRegressorCV, TableClassifier, TableRegressor
from ridgewalk.export import numpy_code, to_numpy, to_onnx
from ridgewalk.export import recipe as recipe_module
from ridgewalk.export.recipe import recipe

ROOT = Path(__file__).parents[1]
ROWS = 83
DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(ROWS, 3))
SIGNAL = X[:, 0] * X[:, 1] + X[:, 2] + 0.3 * DRAWS.normal(size=ROWS)
NEW = np.vstack([DRAWS.normal(size=(30, 3)), 1e4 * DRAWS.normal(size=(3, 3))])
FRAME = pd.DataFrame(X, columns=["a", "b", "c"]).assign(town=np.where(SIGNAL > 0, "here", "there"))
FRAME.loc[::9, "a"] = np.nan
NEW_FRAME = pd.DataFrame(NEW, columns=["a", "b", "c"]).assign(town="here")
QUICK: dict[str, Any] = {"alphas": 3, "max_iter": 40, "cv": 3, "random_state": 0}
TARGETS: dict[str, Any] = {
    "numbers": 1e3 + 5 * SIGNAL,
    "two targets": np.stack([SIGNAL, 100 * X[:, 2]], axis=1),
    "counts": np.floor(np.exp(SIGNAL / 2)),
    "two classes": np.where(SIGNAL > 0, "yes", "no"),
    "three classes": np.digitize(SIGNAL, [-0.5, 0.7]),
    "labels": np.stack([SIGNAL > 0, X[:, 0] > 0.5], axis=1).astype(int),
}


def path_of(name: str, sample_weight: Any = None, groups: Any = None, **given: Any) -> Any:
    loss = "poisson" if name == "counts" else "auto"
    kind = MLPClassifierCV if name in ("two classes", "three classes", "labels") else MLPRegressorCV
    y = TARGETS.get(name, SIGNAL)
    return kind((4,), loss=loss, **QUICK | given).fit(X, y, sample_weight=sample_weight, groups=groups)


CASES: dict[str, Any] = {
    **{name: lambda name=name: (path_of(name, n_seeds=2, ensemble=name == "numbers"), NEW) for name in TARGETS},
    "weighted groups": lambda: (
        path_of("weighted groups", groups=np.arange(ROWS) % 20, sample_weight=1 + np.arange(ROWS) % 3), NEW
    ),
    "repeated": lambda: (path_of("three classes", cv=RepeatedKFold(n_splits=2, n_repeats=2, random_state=0)), NEW),
    "one fold": lambda: (path_of("numbers", cv=[(np.arange(50), np.arange(50, ROWS))]), NEW),
    "table of numbers": lambda: (TableRegressor(cv=3, random_state=0).fit(FRAME, SIGNAL), NEW_FRAME),
    "table of classes": lambda: (
        TableClassifier(cv=3, random_state=0).fit(FRAME, TARGETS["three classes"]), NEW_FRAME
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def fitted() -> dict[str, Any]:
    return {name: fit() for name, fit in CASES.items()}


def said_of(model: Any, rows: Any, coverage: float) -> Any:
    return (model.predict_interval if hasattr(model, "predict_interval") else model.predict_set)(rows, coverage)


def by_onnx(model: Any, rows: Any, coverage: float) -> Any:
    """Return predictions, and ends or sets, as the graph gives them."""
    exported = to_onnx(model, coverage=coverage)
    session = onnxruntime.InferenceSession(exported.content, providers=["CPUExecutionProvider"])
    feeds = {"X": rows}
    if isinstance(rows, pd.DataFrame):
        kinds = {"number": float, "text": object}
        feeds = {name: rows[[name]].to_numpy(dtype=kinds[kind]) for name, kind in exported.recipe.columns.items()}
    names = [each.name for each in session.get_outputs()]
    found = dict(zip(names, session.run(None, feeds), strict=True))
    if "set" in names:
        assert names == ["label", "probabilities", "set"]
        return found["label"], found["set"]
    assert names == ["value", "low", "high"]
    return found["value"], np.stack([found["low"], found["high"]], axis=1)


def by_numpy(model: Any, rows: Any, coverage: float, folder: Path, usual: float = 0.9) -> Any:
    """Return predictions, and ends or sets, as the Python file gives them."""
    to_numpy(model, coverage=usual).write(folder / "model.py")
    code = runpy.run_path(str(folder / "model.py"))
    called = code.get("predict_interval") or code["predict_set"]
    if coverage == usual:
        np.testing.assert_array_equal(called(rows), called(rows, usual))
    return code["predict"](rows), called(rows, coverage)


def assert_same(found: Any, wanted: Any) -> None:
    assert found.shape == wanted.shape
    if wanted.dtype.kind == "f":
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)  # a table model predicts in single precision
    else:
        assert found.tolist() == wanted.tolist()


@pytest.mark.parametrize("coverage", [0.5, 0.9, 0.999])
@pytest.mark.parametrize("case", CASES)
def test_every_form_says_what_the_model_says(fitted: Any, case: str, coverage: float, tmp_path: Path) -> None:
    model, rows = fitted[case]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of too few rows
        wanted = model.predict(rows), said_of(model, rows, coverage)
        for form in (by_onnx(model, rows, coverage), by_numpy(model, rows, coverage, tmp_path)):
            for found, expected in zip(form, wanted, strict=True):
                assert_same(found, expected)


def test_networks_that_predict_and_calibrate_stand_in_a_file_once(fitted: Any) -> None:
    model, _ = fitted["table of numbers"]
    twice = copy(model)  # one network in two members, as where a strength has that of its neighbour
    half = np.full((3, 2), 0.5)
    twice.blend_ = replace(
        model.blend_, path=np.zeros(2, int), strength=np.ones(2, int), weights=half[0], fold_weights=half
    )
    for each in (model, fitted["numbers"][0], twice):
        plan = recipe(each, coverage=0.9)
        assert plan.covered is not None
        assert len(plan.models) == len({one.parameters[0].tobytes() + one.center.tobytes() for one in plan.models})
        np.testing.assert_allclose(plan.shares.sum(), 1)
        np.testing.assert_allclose(plan.covered.fold_shares.sum(axis=1), 1)
    shared = recipe(model, coverage=0.9)
    assert shared.covered is not None
    assert ((shared.shares > 0) & (shared.covered.fold_shares > 0).any(axis=0)).sum() > 2


def test_without_a_coverage_nothing_is_said_of_it(fitted: Any) -> None:
    for case in ("numbers", "two classes"):
        model, _ = fitted[case]
        assert b"coverage" not in to_numpy(model).content
        session = onnxruntime.InferenceSession(to_onnx(model).content)
        assert not {"low", "high", "set"} & {each.name for each in session.get_outputs()}


def test_the_python_file_prints_what_ridgewalk_predict_prints(fitted: Any, tmp_path: Path) -> None:
    NEW_FRAME.to_csv(tmp_path / "new.csv", index=False)
    for case, heads in (
        ("table of numbers", ["low", "low (coverage)", "high"]),
        (
            "table of classes",
            ["low", *(f"probability of {k}" for k in range(3)), *(f"possible: {k}" for k in range(3))],
        ),
    ):
        model, rows = fitted[case]
        to_numpy(model, target="low", coverage=0.8).write(tmp_path / "model.py")
        command = [sys.executable, str(tmp_path / "model.py"), str(tmp_path / "new.csv")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        printed = pd.read_csv(io.StringIO(done.stdout))
        assert list(printed) == heads
        wanted = said_of(model, rows, 0.8)
        assert_same(printed.iloc[:, -wanted.shape[1] :].to_numpy(dtype=wanted.dtype), wanted)


def test_the_python_files_are_written_as_ruff_would(
    fitted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for case, (model, _) in fitted.items():
        to_numpy(model, coverage=0.9).write(tmp_path / f"{case.replace(' ', '_')}.py")
    monkeypatch.setattr(numpy_code, "MOST_LITERALS", 10**6)
    to_numpy(fitted["table of classes"][0], coverage=0.9).write(tmp_path / "in_one_file.py")
    ruff = [sys.executable, "-m", "ruff"]
    ours = ["check", "--config", str(ROOT / "pyproject.toml")]
    for command in (["check", "--isolated"], ["format", "--check", "--isolated"], ours):
        done = subprocess.run([*ruff, *command, "."], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_what_cannot_be_written_says_why(fitted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = fitted["numbers"]
    one = MLPRegressor((3,), max_iter=1000, random_state=0, learning_rate_init=0.02).fit(X, SIGNAL)
    for form in (to_onnx, to_numpy):
        with pytest.raises(ValueError, match="a MLPRegressor has one strength and no folds"):
            form(one, coverage=0.9)
        with pytest.raises(ValueError, match="A compacted model holds no networks of its folds"):
            form(model.compact(), coverage=0.9)
        with pytest.raises(ValueError, match="coverage is a number between 0 and 1"):
            form(model, coverage=90)
    monkeypatch.setattr(recipe_module, "MOST_SCORES", ROWS - 1)
    with pytest.raises(ValueError, match="what up to 82 held-out rows were missed by, and here are 83"):
        to_numpy(model, coverage=0.9)
