"""What a scorer cannot do, and what a parameter or a column cannot be, is said before anything is trained."""

import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.stats import spearmanr
from sklearn.base import clone

import ridgewalk
from ridgewalk import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV
from ridgewalk.cli.commands import app
from ridgewalk.engine.job import thread_count
from ridgewalk.estimators import whole_path

QUICK: dict[str, Any] = {"alphas": 3, "max_iter": 20, "cv": 3, "random_state": 0}
X = np.random.default_rng(0).normal(size=(90, 3))
LABELS = (X[:, 0] > 0).astype(int)
WEIGHTS = np.random.default_rng(1).uniform(0.5, 2, size=90)
SITES = np.where(LABELS == 0, np.arange(90) % 3, 1 + np.arange(90) % 2)  # site 0 has no row of class 1


@pytest.fixture
def never_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(*_: Any) -> None:
        pytest.fail("The path was fitted before the mistake was found.")

    monkeypatch.setattr(whole_path, "fit_path", fit)


@pytest.mark.usefixtures("never_fitted")
@pytest.mark.parametrize("scoring", ["roc_auc", "neg_log_loss", "average_precision"])
def test_a_fold_of_one_class_is_named_before_the_fit(scoring: Any) -> None:
    model = MLPClassifierCV((3,), scoring=scoring, **QUICK)
    if scoring == "average_precision":  # defined on one class, whatever it says there
        with pytest.raises(pytest.fail.Exception):
            model.fit(X, LABELS, groups=SITES)
        return
    with pytest.raises(ValueError, match=rf"Fold \d holds out rows of one class alone, 0, where scoring='{scoring}'"):
        model.fit(X, LABELS, groups=SITES)


def test_a_score_that_one_class_has_is_taken() -> None:
    assert MLPClassifierCV((3,), scoring="accuracy", **QUICK).fit(X, LABELS, groups=SITES).alpha_ >= 0


def own(estimator: Any, X: Any, y: Any) -> Any:
    return estimator.score(X, y)


def rank_correlation(estimator: Any, X: Any, y: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return spearmanr(estimator.predict(X), y).statistic  # nan of a constant, which no fold's network need be


@pytest.mark.parametrize(
    ("model", "y", "weighted"),
    [
        (MLPRegressorCV((3,), scoring="neg_max_error", **QUICK), X[:, 0], True),
        (MLPClassifierCV((3,), scoring=own, class_weight={0: 1, 1: 3}, **QUICK), LABELS, False),
    ],
    ids=["a name", "a function"],
)
def test_a_scorer_without_weights_scores_without(model: Any, y: Any, weighted: Any) -> None:
    with pytest.warns(UserWarning, match="takes no sample_weight: held-out rows are scored without their weights"):
        model.fit(X, y, WEIGHTS if weighted else None)
    assert np.isfinite(model.path_.heldout_score[1:]).all()


def test_a_scorer_with_weights_gets_them() -> None:
    rows = np.arange(45)
    weights = np.ones(90)
    weights[45:] = 0
    given: dict[str, Any] = {
        "alphas": [0.01],
        "cv": [(rows[::2], np.r_[rows[1::2], np.arange(46, 90)])],
        "max_iter": 20,
        "random_state": 0,
    }
    weighted = MLPRegressorCV((3,), scoring="r2", **given).fit(X, X[:, 0], weights)
    alone = MLPRegressorCV((3,), scoring="r2", **given | {"cv": [(rows[::2], rows[1::2])]}).fit(X, X[:, 0], weights)
    assert weighted.path_.heldout_score is not None
    assert alone.path_.heldout_score is not None
    np.testing.assert_allclose(weighted.path_.heldout_score, alone.path_.heldout_score)


def test_a_score_that_only_a_constant_lacks_is_taken() -> None:
    model = MLPRegressorCV((3,), scoring=rank_correlation, alphas=[0.001], max_iter=60, cv=3, random_state=0)
    score = model.fit(X, X[:, 0]).path_.heldout_score
    assert score is not None
    assert np.isfinite(score).any()


@pytest.mark.usefixtures("never_fitted")
def test_a_scorer_of_the_other_task_is_named() -> None:
    with pytest.raises(
        ValueError, match=r"scoring='r2' cannot score this classification \(.*give another, such as 'accuracy'"
    ):
        MLPClassifierCV((3,), scoring="r2", **QUICK).fit(X, np.where(LABELS, "a", "b"))
    with pytest.raises(
        ValueError, match=r"scoring='roc_auc' cannot score this regression \(.*give another, such as 'r2'"
    ):
        MLPRegressorCV((3,), scoring="roc_auc", **QUICK).fit(X, X[:, 0])


@pytest.mark.usefixtures("never_fitted")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"l1_ratio": []}, r"l1_ratio is a number from 0 \(all L2\) to 1 \(all L1\), or several, got \[\]"),
        ({"class_weight": {0: 1, 1: -2}}, "class_weight of class 1 is -2: a number of zero or more is needed"),
        ({"class_weight": {0: 1, 1: np.nan}}, "class_weight of class 1 is nan"),
        ({"class_weight": {0: 1, 1: np.inf}}, "class_weight of class 1 is inf"),
        ({"class_weight": {0: 1, 1: "much"}}, "class_weight of class 1 is 'much'"),
    ],
)
def test_a_mistake_in_a_parameter_is_named(change: Any, words: Any) -> None:
    with pytest.raises(ValueError, match=words):
        MLPClassifierCV((3,), **QUICK | change).fit(X, LABELS)


@pytest.mark.usefixtures("never_fitted")
@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT], ids=str)
def test_rows_without_a_group_are_counted(missing: Any) -> None:
    groups = np.array([f"p{k % 9}" for k in range(90)], dtype=object)
    groups[:5] = missing
    with pytest.raises(ValueError, match=r"groups is missing \(None or NaN\) in 5 of 90 rows: give every row a group"):
        MLPClassifierCV((3,), **QUICK).fit(X, LABELS, groups=groups)


@pytest.mark.parametrize("estimator", [MLPClassifierCV, MLPClassifier])
def test_sparse_labels_are_a_sentence(estimator: Any) -> None:
    with pytest.raises(ValueError, match=r"y is a sparse array, and a dense one is needed: give y\.toarray\(\)"):
        estimator((3,)).fit(X, csr_array(np.eye(2)[LABELS]))


@pytest.mark.parametrize("estimator", [MLPRegressorCV, MLPRegressor])
@pytest.mark.parametrize("size", [1e76, 1e200, 1e300])
def test_numbers_too_large_to_square_are_a_sentence(estimator: Any, size: Any) -> None:
    with pytest.raises(
        ValueError, match=r"y holds numbers as large as .*, which no float holds beyond 1e.75: divide y"
    ):
        estimator((3,)).fit(X, X[:, 0] * size)


def test_numbers_that_can_be_squared_are_fitted() -> None:
    model = MLPRegressorCV((3,), **QUICK).fit(X, X[:, 0] * 1e74)
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize(
    ("estimator", "name", "near"),
    [
        (MLPClassifierCV, "alpha", "alphas"),
        (MLPRegressorCV, "hidden_layer_size", "hidden_layer_sizes"),
        (MLPClassifier, "alphas", "alpha"),
        (MLPRegressor, "solvers", "solver"),
    ],
)
def test_the_parameter_that_was_meant_is_named(estimator: Any, name: Any, near: Any) -> None:
    with pytest.raises(TypeError, match=rf"{estimator.__name__} has no parameter '{name}': did you mean '{near}'\?"):
        estimator(**{name: 1})


def test_a_parameter_that_nothing_is_near_to_is_answered_with_all() -> None:
    with pytest.raises(TypeError, match=r"MLPClassifierCV has no parameter 'zzz'\. There are: .*max_iter"):
        MLPClassifierCV(zzz=1)
    assert clone(MLPClassifierCV((3,), alphas=4)).alphas == 4


@pytest.mark.parametrize(("asked", "threads"), [(1, 1), (5, 5), (-1, 4), (-2, 3), (-4, 1), (-9, 1)])
def test_negative_numbers_of_threads_are_joblibs(monkeypatch: pytest.MonkeyPatch, asked: Any, threads: Any) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert thread_count(asked) == threads


FRAMES = {
    "text": pd.DataFrame({"a": X[:, 0], "town": ["here", "there"] * 45}),
    "a category": pd.DataFrame({"a": X[:, 0], "town": pd.Categorical(["here", "there"] * 45)}),
    "lists": pd.DataFrame({"a": X[:, 0], "town": [[1]] * 90}),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
@pytest.mark.parametrize(
    "estimator", [MLPClassifierCV((3,), **QUICK), MLPClassifier((3,), max_iter=5)], ids=["CV", "one"]
)
def test_a_column_that_holds_no_numbers_is_named_with_the_way_out(estimator: Any, frame: Any) -> None:
    with pytest.raises(ValueError, match=r"Column 'town' holds .*encode the table first, with .*Encoder\(\)\.fit\(X\)"):
        estimator.fit(frame, LABELS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = clone(estimator).fit(pd.DataFrame({"a": X[:, 0], "town": X[:, 1]}), LABELS)
    with pytest.raises(ValueError, match="Column 'town' holds"):
        fitted.predict(frame)


def test_the_package_shows_what_it_has() -> None:
    code = "import ridgewalk; print(*dir(ridgewalk)); print(ridgewalk.check.check_gradient.__name__)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {*ridgewalk.__all__, "check", "tables", "export", "plots", "storage", "tutorial", "check_gradient"} <= {
        *shown
    }
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = ridgewalk.nothing


@pytest.mark.parametrize("arguments", [["--version"], ["-h"], ["fit", "-h"]])
def test_the_command_has_the_usual_options(capsys: pytest.CaptureFixture[str], arguments: Any) -> None:
    assert app(arguments, standalone_mode=False) in (0, None)
    said = capsys.readouterr().out
    assert (f"ridgewalk {ridgewalk.__version__}" in said) == (arguments == ["--version"])
    assert ("Usage" in said) == ("-h" in arguments)


def test_numbers_that_can_be_squared_are_described() -> None:
    model = MLPRegressorCV((3,), **QUICK).fit(X, X[:, 0] * 1e74)
    told = model.summary()["linear"]
    assert told is not None
    assert np.isfinite([told["heldout_loss"], told["difference_error"]]).all()
