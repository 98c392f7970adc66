"""Estimators of a whole path: what is reported beside the choice, and every way to choose."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, make_scorer, roc_auc_score
from sklearn.model_selection import GroupKFold, RepeatedStratifiedKFold, StratifiedGroupKFold, TimeSeriesSplit
from sklearn.preprocessing import StandardScaler

from ridgewalk import MLPClassifierCV, MLPRegressorCV
from ridgewalk.engine.progress import Progress
from ridgewalk.objective import weighted_mean
from ridgewalk.path.input_selection import RIDGES, ridges_of
from ridgewalk.report.summary import summarize

QUICK: dict[str, Any] = {"alphas": 6, "max_iter": 100, "learning_rate_init": 0.03, "cv": 3, "random_state": 0}


@pytest.fixture(scope="module")
def cancer() -> Any:
    return load_breast_cancer(return_X_y=True)


@pytest.fixture(scope="module")
def fitted(cancer: Any) -> Any:
    return MLPClassifierCV((8,), n_seeds=2, **QUICK).fit(*cancer)


def test_the_linear_baseline_is_logistic_regression_on_the_same_folds(fitted: Any, cancer: Any) -> None:
    X, y = cancer
    path = fitted.linear_path_
    assert path.settings.linear
    assert [rows.tolist() for rows in path.heldout_rows] == [rows.tolist() for rows in fitted.path_.heldout_rows]
    assert path.heldout_loss.shape == (6, 3, 1)  # without strength 0
    held_out = path.heldout_rows[1]
    train = np.setdiff1d(np.arange(len(X)), held_out)
    scaler = StandardScaler().fit(X[train])
    index = 3
    theirs = LogisticRegression(
        C=1 / (path.alphas[index] * len(train)), l1_ratio=0.5, solver="saga", tol=1e-7, max_iter=20_000
    ).fit(scaler.transform(X[train]), y[train])
    log = -np.log(theirs.predict_proba(scaler.transform(X[held_out]))[np.arange(len(held_out)), y[held_out]])
    assert path.heldout_loss[index, 1, 0] == pytest.approx(log.mean(), rel=0.03)  # it is solved to a tolerance
    assert fitted.linear_loss_ < fitted.null_loss_


def test_what_is_reported_comes_from_folds_that_did_not_choose(fitted: Any) -> None:
    path = fitted.path_
    assert fitted.unpenalized_loss_ == pytest.approx(weighted_mean(path.row_loss[0], path.row_weights))
    assert fitted.heldout_loss_ >= path.heldout_loss.mean(axis=(1, 2)).min() - 1e-12
    assert fitted.gain_ == pytest.approx(fitted.unpenalized_loss_ - fitted.heldout_loss_)
    assert fitted.gain_ > 2 * fitted.gain_error_ > 0
    assert fitted.null_loss_ == pytest.approx(0.66, abs=0.01)
    np.testing.assert_array_equal(fitted.selection_frequency_, path.frequency(fitted.index_))


@pytest.mark.slow
def test_any_scorer_chooses(cancer: Any) -> None:
    X, y = cancer
    names = np.array(["no", "yes"])[y]
    frame = pd.DataFrame(X, columns=[f"c{k}" for k in range(30)])
    for scoring in ("roc_auc", "neg_log_loss", make_scorer(f1_score, pos_label="yes")):
        model = MLPClassifierCV((4,), scoring=scoring, **QUICK).fit(frame, names)
        score = model.path_.heldout_score
        assert score is not None
        assert score.shape == model.path_.heldout_loss.shape
        assert model.alpha_min_ == model.alphas_[len(score) - 1 - score.mean(axis=(1, 2))[::-1].argmax()]
        assert -1 <= -model.heldout_loss_ <= 1
    losses = MLPClassifierCV((4,), scoring="neg_log_loss", **QUICK).fit(frame, names).path_
    assert losses.heldout_score is not None
    np.testing.assert_allclose(-losses.heldout_score, losses.heldout_loss, rtol=1e-4, atol=1e-7)
    weights = np.random.default_rng(0).uniform(0.1, 2, len(X))
    weighted = MLPClassifierCV((4,), scoring="roc_auc", **QUICK).fit(X, y, weights)
    assert weighted.path_.heldout_score is not None
    held_out, last = weighted.path_.heldout_rows[-1], weighted.path_.heldout_score[-1, -1, 0]
    assert last == roc_auc_score(y[held_out], np.zeros(len(held_out)), sample_weight=weights[held_out])
    with pytest.raises(ValueError, match="leave one out"):
        MLPClassifierCV((4,), scoring="roc_auc", relax=True, **QUICK).fit(X, y)
    with pytest.raises(ValueError, match="scoring"):
        MLPClassifierCV((4,), scoring="roc_auk", **QUICK).fit(X, y)


@pytest.mark.slow
def test_several_l1_ratios_have_a_path_each(cancer: Any) -> None:
    X, y = cancer
    both = MLPClassifierCV((4,), l1_ratio=[0.1, 1.0], **QUICK).fit(X, y)
    alone = [MLPClassifierCV((4,), l1_ratio=ratio, **QUICK).fit(X, y) for ratio in (0.1, 1.0)]
    lowest = [model.path_.row_loss.mean(axis=1).min() for model in alone]
    best = int(np.argmin(lowest))
    assert both.l1_ratio_ == (0.1, 1.0)[best]
    assert len(both.paths_) == 2
    np.testing.assert_array_equal(both.path_.row_loss, alone[best].path_.row_loss)
    np.testing.assert_array_equal(both.predict_proba(X), alone[best].predict_proba(X))
    with pytest.raises(ValueError, match="l1_ratio must lie between"):
        MLPClassifierCV((4,), l1_ratio=[0.1, 2.0], **QUICK).fit(X, y)


@pytest.mark.slow
def test_relaxed_supports_are_one_way_to_choose(cancer: Any) -> None:
    X, y = cancer
    model = MLPClassifierCV((4,), penalty="group_lasso", relax=True, **QUICK).fit(X, y)
    path, refits = model.input_selection_.arms
    assert model.input_selection_.chosen.loss == min(path.loss, refits.loss)
    assert model.path_ is model.input_selection_.chosen.path
    linear = MLPClassifierCV((), relax=True, selection="1se", **QUICK).fit(X, y)
    assert linear.linear_path_ is linear.input_selection_.arms[0].path


@pytest.mark.slow
def test_the_selection_safe_strength_needs_no_choice(cancer: Any) -> None:
    X, y = cancer
    model = MLPClassifierCV((4,), **(QUICK | {"alphas": "qut", "l1_ratio": 1.0})).fit(X, y)
    assert len(model.alphas_) == 2
    assert model.alpha_ == model.alphas_[1]
    noise = np.random.default_rng(0).permutation(y)
    assert not MLPClassifierCV((4,), **(QUICK | {"alphas": "qut", "l1_ratio": 1.0})).fit(X, noise).get_support().any()
    with pytest.raises(ValueError, match="without a choice"):
        MLPClassifierCV((4,), relax=True, **(QUICK | {"alphas": "qut"})).fit(X, y)


SPLITTERS = [
    3,  # with groups
    RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0),
    TimeSeriesSplit(4),
    StratifiedGroupKFold(3),
    GroupKFold(4),
]


@pytest.mark.slow
@pytest.mark.parametrize("cv", SPLITTERS, ids=lambda cv: type(cv).__name__)
def test_any_splitter_holds_out(cv: Any, cancer: Any) -> None:
    X, y = cancer
    groups = np.arange(len(X)) // 7 if cv == 3 or "Group" in type(cv).__name__ else None
    model = MLPClassifierCV((4,), **(QUICK | {"cv": cv})).fit(X, y, groups=groups)
    path = model.path_
    assert len(path.heldout_rows) == (cv if cv == 3 else cv.get_n_splits(X, y, groups))
    seen = np.unique(np.concatenate(path.heldout_rows))
    np.testing.assert_array_equal(np.flatnonzero(path.row_weights), seen)
    assert np.isfinite(model.heldout_loss_)
    if groups is not None:
        for rows in path.heldout_rows:
            assert not np.isin(groups[rows], np.delete(groups, rows)).any()
    if isinstance(cv, TimeSeriesSplit):
        assert len(seen) < len(X)


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, {"hidden_layer_sizes": ()}, {"batch_size": 64}, {"l1_ratio": 1.0}], ids=str)
def test_what_a_diagnosis_has_yet_to_do_is_known(cancer: Any, monkeypatch: pytest.MonkeyPatch, changes: Any) -> None:
    X, y = cancer
    seen = {}

    @contextmanager
    def watched(title: Any, _show: Any) -> Iterator[Any]:
        seen[title] = Progress()
        yield seen[title]

    monkeypatch.setattr("ridgewalk.estimators.whole_path.progress", watched)
    model = MLPClassifierCV(**(QUICK | {"hidden_layer_sizes": (4,), "max_iter": 40} | changes)).fit(X[:200], y[:200])
    model.diagnose(references=False)
    counted = seen["Diagnosing: training the arms again, and probes"]
    assert 0.5 * counted.total < counted.done <= counted.total * (1 + 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames_keep_their_names(frame: Any) -> None:
    X, y = load_iris(return_X_y=True)
    table = frame({name: X[:, k] for k, name in enumerate("abcd")})
    model = MLPClassifierCV((4,), **QUICK).fit(table, y)
    assert list(model.feature_names_in_) == list("abcd")
    assert set(model.selected_features_) <= set("abcd")
    np.testing.assert_array_equal(model.predict_proba(table), MLPClassifierCV((4,), **QUICK).fit(X, y).predict_proba(X))
    name = "pandas" if frame is pd.DataFrame else "polars"
    assert list(model.set_output(transform=name).transform(table).columns) == list(model.get_feature_names_out())


def test_an_ensemble_of_starts_predicts_their_mean(cancer: Any) -> None:
    X, y = cancer
    model = MLPClassifierCV((4,), n_seeds=3, ensemble=True, **QUICK).fit(X, y)
    outputs = [model.path_.model(model.index_, seed).output(X)[:, 0] for seed in range(3)]
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], np.mean([1 / (1 + np.exp(-o)) for o in outputs], axis=0))
    kept = model.path_.inputs_kept[model.index_, -1]
    np.testing.assert_array_equal(model.get_support(), kept.any(axis=0))


def test_sparse_rows_are_fitted_too(cancer: Any) -> None:
    X, y = cancer
    X = np.where(np.median(X, axis=0) < X, X, 0.0)
    rows: Any = csr_array(X)
    model = MLPClassifierCV((4,), **QUICK).fit(rows, y)
    assert model.score(rows, y) > 0.93
    np.testing.assert_allclose(model.predict_proba(rows), model.predict_proba(X), rtol=1e-9)
    assert model.compact(rows).compaction_.seconds is not None


def test_strengths_per_layer_and_of_biases_reach_the_networks() -> None:
    X, y = load_diabetes(return_X_y=True)
    plain = MLPRegressorCV((4,), **QUICK).fit(X, y)
    heavy = clone(plain).set_params(layer_factors=(1.0, 4.0), bias_alpha=0.05).fit(X, y)
    assert heavy.path_.settings.penalty.layer_factors == (1.0, 4.0)
    assert heavy.alphas_[-1] == pytest.approx(plain.alphas_[-1] / 2)
    assert np.abs(heavy.path_.parameters[1][3]).sum() < np.abs(plain.path_.parameters[1][3]).sum()
    with pytest.raises(ValueError, match="class_weight"):
        MLPRegressorCV((4,), class_weight="balanced", **QUICK).fit(X, y)


def test_how_one_of_the_refits_was_chosen_is_said_where_the_path_cannot_show_it(cancer: Any) -> None:
    model = MLPClassifierCV((4,), select_inputs=True, **QUICK).fit(*cancer)
    found = model.input_selection_
    refits = found.arms[-1]
    others = range(len(refits.path.alphas))
    moved = replace(refits, index=next(s for s in others if s != refits.index))

    def said(chosen: Any, selection: Any = "min") -> str:
        model.input_selection_, model.selection = replace(found, chosen=chosen), selection
        summary = model.summary()
        assert summary["agreed"] == ("confirm" in summary["selection"])
        return summary["selection"]

    assert said(found.arms[0]) == "min, on the path"
    assert said(refits) == "min, on the refits"
    assert said(moved) == "min, on the refits that most folds confirm"
    assert said(refits, "1se") == "1se, on the refits"
    assert said(moved, "simplest") == "simplest, on the refits"


def test_every_strength_of_refits_is_there_under_every_ridge(cancer: Any) -> None:
    model = MLPClassifierCV((4,), relax=True, **QUICK).fit(*cancer)
    path, refits = model.input_selection_.arms[0].path, model.input_selection_.arms[-1].path
    assert ridges_of(path) is None
    assert ridges_of(refits) is not None
    entries = summarize(refits, "min")["path"]
    assert [(row["alpha"], row["ridge"]) for row in entries] == [(a, r) for a in path.alphas[1:] for r in RIDGES]
    assert "ridge" not in summarize(path, "min")["path"][0]
