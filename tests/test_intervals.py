"""Intervals and sets of fitted models: by the folds' networks that the model names, equal to MAPIE's, kept in files."""

import pickle
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GroupKFold, PredefinedSplit, RepeatedKFold, ShuffleSplit, TimeSeriesSplit

from ridgewalk import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV, TableClassifier, TableRegressor
from ridgewalk.conformal import adaptive_scores
from ridgewalk.estimators import intervals as intervals_module
from ridgewalk.storage import load, save

ROWS = 103
DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(ROWS, 3))
SIGNAL = X[:, 0] * X[:, 1] + X[:, 2] + 0.3 * DRAWS.normal(size=ROWS)
NEW = DRAWS.normal(size=(40, 3))
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
CLASSES = ("two classes", "three classes", "labels")


def regressor(**given: Any) -> MLPRegressorCV:
    return MLPRegressorCV((6,), **QUICK | given)


def fitted_path(name: str, **given: Any) -> Any:
    if name in CLASSES:
        return MLPClassifierCV((6,), **QUICK | given).fit(X, TARGETS[name])
    loss = "poisson" if name == "counts" else "auto"
    return regressor(loss=loss, **given).fit(X, TARGETS[name])


@pytest.fixture(scope="module")
def paths() -> dict[str, Any]:
    return {name: fitted_path(name, n_seeds=2) for name in TARGETS}


@pytest.fixture(scope="module")
def tables() -> dict[str, Any]:
    return {
        "numbers": TableRegressor(cv=3, random_state=0).fit(FRAME, TARGETS["numbers"]),
        "three classes": TableClassifier(cv=3, random_state=0).fit(FRAME, TARGETS["three classes"]),
    }


def said_of(model: Any, rows: Any, coverage: float = 0.9) -> Any:
    return (model.predict_interval if hasattr(model, "predict_interval") else model.predict_set)(rows, coverage)


class FoldModel(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """For MAPIE: what a fold of a fitted model predicts, whose training rows it is given; the first column numbers."""

    def __init__(self, predictors: Any = None, held_out: Any = None) -> None:
        self.predictors = predictors
        self.held_out = held_out

    def fit(self, x: Any, y: Any) -> Any:
        number = x[:, 0].astype(int)
        self.fold_ = next((k for k, rows in enumerate(self.held_out) if not np.isin(rows, number).any()), 0)
        return self

    def predict(self, x: Any) -> Any:
        return self.predictors[self.fold_].predict(x[:, 1:])[:, 0]


@pytest.mark.parametrize("kind", ["path", "table"])
def test_intervals_are_mapies_on_the_same_networks(kind: str, paths: Any, tables: Any) -> None:
    from mapie.regression import CrossConformalRegressor

    model = {"path": paths, "table": tables}[kind]["numbers"]
    rows, new = (X, NEW) if kind == "path" else map(model.encoder_.transform, (FRAME, NEW_FRAME))
    path = model.path_
    fold = np.empty(ROWS, dtype=int)
    for k, held_out in enumerate(path.heldout_rows):
        fold[held_out] = k
    coverages = [0.5, 0.8, 0.9, 0.95]
    theirs = CrossConformalRegressor(
        FoldModel(model.fold_predictors(), path.heldout_rows),
        confidence_level=coverages,
        method="plus",
        cv=PredefinedSplit(fold),
    ).fit_conformalize(np.column_stack([np.arange(ROWS), rows]), TARGETS["numbers"])
    _, ends = theirs.predict_interval(np.column_stack([np.zeros(len(new)), new]))
    for number, coverage in enumerate(coverages):
        found = model.predict_interval(NEW if kind == "path" else NEW_FRAME, coverage)
        np.testing.assert_allclose(found, ends[:, :, number], rtol=1e-12)


def slow_fold_means(model: Any, fold: int, rows: Any) -> Any:
    """Return what a fold's networks of a path predict on average over starts."""
    path = model.path_
    starts = [path.fold_model(model.index_, fold, start) for start in range(path.heldout_loss.shape[2])]
    return np.mean([path.loss.predict(each.output(rows)) for each in starts], axis=0)


@pytest.mark.parametrize("name", TARGETS)
def test_a_path_predicts_by_its_folds_at_the_chosen_strength(paths: Any, name: str) -> None:
    model = paths[name]
    target = model._problem.target
    for k, (predictor, rows) in enumerate(zip(model.fold_predictors(), model.path_.heldout_rows, strict=True)):
        np.testing.assert_allclose(predictor.predict(NEW), slow_fold_means(model, k, NEW), rtol=1e-12)
        missed, predicted = model.calibration_.scores[k], slow_fold_means(model, k, X[rows])
        if name not in CLASSES:
            np.testing.assert_allclose(missed, np.abs(target[rows] - predicted), atol=1e-9)
        elif name == "three classes":
            wanted = adaptive_scores(predicted)[np.arange(len(rows)), target[rows].argmax(axis=1)]
            np.testing.assert_allclose(missed[:, 0], wanted, atol=1e-12)
        else:
            right = (predicted > 0.5) == (target[rows] > 0.5)
            np.testing.assert_allclose(missed, np.where(right, 0, np.maximum(predicted, 1 - predicted)), atol=1e-12)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("numbers", (40, 2)),
        ("two targets", (40, 2, 2)),
        ("counts", (40, 2)),
        ("two classes", (40, 2)),
        ("three classes", (40, 3)),
        ("labels", (40, 2, 2)),
    ],
)
def test_what_is_said_has_the_shape_of_the_target(paths: Any, name: str, shape: Any) -> None:
    found, less = said_of(paths[name], NEW), said_of(paths[name], NEW, 0.5)
    assert found.shape == shape
    if name in CLASSES:
        assert found.dtype == bool
        assert found.any(axis=1).all()
        assert (found >= less).all()
        assert found.sum() > less.sum()
    else:
        assert ((found[:, 0] < less[:, 0]) | (less[:, 0] == 0)).all()
        assert (found[:, 1] > less[:, 1]).all()
        assert (found[:, 0] <= found[:, 1]).all()
    if name == "counts":
        assert found.min() == 0  # no rate is below


def test_a_blend_predicts_by_each_folds_own_weights(tables: Any) -> None:
    model = tables["numbers"]
    blend, x = model.blend_, model.encoder_.transform(NEW_FRAME)
    paths = [*(view.path_ for view in model.views_.values()), next(iter(model.views_.values())).linear_path_]
    for k, predictor in enumerate(model.fold_predictors()):
        members = zip(blend.fold_weights[k], blend.path, blend.strength, strict=True)
        wanted = sum(w * paths[p].fold_model(s, k, 0).output(x) for w, p, s in members if w)
        np.testing.assert_allclose(predictor.predict(x), wanted, rtol=1e-12)
    for k, rows in enumerate(model.path_.heldout_rows):  # half the squared residuals are the losses that it reports
        np.testing.assert_allclose(model.calibration_.scores[k][:, 0] ** 2 / 2, blend.row_loss[rows], rtol=1e-2)


@pytest.mark.parametrize("kind", ["path", "table"])
def test_new_rows_are_covered(kind: str) -> None:
    draws = np.random.default_rng(1)
    x = draws.normal(size=(3300, 3))
    y = x[:, 0] * x[:, 1] + x[:, 2] + np.exp(0.5 * draws.normal(size=3300))
    model: Any = regressor() if kind == "path" else TableRegressor(views=["plain"], cv=3, random_state=0)
    low, high = model.fit(x[:300], y[:300]).predict_interval(x[300:], 0.8).T
    assert 0.75 < ((y[300:] >= low) & (y[300:] <= high)).mean() < 0.95  # above .8 where folds disagree
    labels = np.digitize(y, np.quantile(y, [0.3, 0.6]))
    other: Any = MLPClassifierCV((6,), **QUICK) if kind == "path" else TableClassifier(views="plain", random_state=0)
    sets = other.fit(x[:300], labels[:300]).predict_set(x[300:], 0.9)
    assert 0.86 < sets[np.arange(3000), labels[300:]].mean() < 0.95
    assert sets.sum(axis=1).mean() < 2.2


@pytest.mark.parametrize("name", TARGETS)
def test_a_model_of_a_file_or_a_pickle_says_the_same(paths: Any, name: str, tmp_path: Path) -> None:
    model = paths[name]
    loaded = load(save(model, tmp_path / "m.safetensors"))
    for other in (loaded, pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(said_of(other, NEW), said_of(model, NEW))


@pytest.mark.parametrize("name", ["numbers", "three classes"])
def test_a_table_model_of_a_file_or_a_pickle_says_the_same(tables: Any, name: str, tmp_path: Path) -> None:
    model = tables[name]
    loaded = load(model.save(tmp_path / "m.safetensors"))
    for other in (loaded, pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(said_of(other, NEW_FRAME), said_of(model, NEW_FRAME))
    x = model.encoder_.transform(NEW_FRAME)
    np.testing.assert_array_equal(said_of(loaded.network_, x), said_of(model.network_, x))


def test_what_cannot_say_anything_says_why(paths: Any, tables: Any) -> None:
    for kind in (MLPRegressorCV, MLPClassifierCV, TableRegressor, TableClassifier):
        with pytest.raises(NotFittedError):
            said_of(kind(), NEW)
    with pytest.raises(ValueError, match="A compacted model holds no networks of its folds"):
        paths["numbers"].compact().predict_interval(NEW)
    with pytest.raises(ValueError, match="A compacted model holds no paths"):
        tables["numbers"].compact().predict_interval(NEW_FRAME)
    for model, rows in ((paths["numbers"], NEW), (tables["three classes"], NEW_FRAME)):
        with pytest.raises(ValueError, match="coverage is a number between 0 and 1"):
            said_of(model, rows, 90)
    with pytest.raises(ValueError, match="X has 2 features, but MLPRegressorCV is expecting 3"):
        paths["numbers"].predict_interval(NEW[:, :2])
    for one in (MLPRegressor(), MLPClassifier()):  # one strength, no folds
        assert not hasattr(one, "predict_interval")
        assert not hasattr(one, "predict_set")


@pytest.mark.parametrize("name", TARGETS)
def test_a_loaded_model_at_another_strength_has_intervals_too(paths: Any, tmp_path: Path, name: str) -> None:
    model = paths[name]
    loaded = load(save(model, tmp_path / "model.safetensors"))
    for index, alpha in enumerate(model.path_.alphas):
        if index != model.index_:
            there, kept = model.at(float(alpha)), loaded.at(float(alpha))
            assert_calibrated_alike(kept.calibration_, there.calibration_)
            again = load(save(kept, tmp_path / "again.safetensors"))
            np.testing.assert_array_equal(said_of(again, NEW), said_of(kept, NEW))


def test_groups_count_once_for_a_loaded_model_at_another_strength(tmp_path: Path) -> None:
    groups = np.arange(ROWS) // 10
    model = regressor(cv=GroupKFold(3)).fit(X, SIGNAL, DRAWS.uniform(0.5, 2, ROWS), groups=groups)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a splitter, which is not kept
        loaded = load(save(model, tmp_path / "model.safetensors"))
    other = float(model.path_.alphas[model.index_ - 1])
    assert loaded.at(other).calibration_.units == 11
    assert_calibrated_alike(loaded.at(other).calibration_, model.at(other).calibration_)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["numbers", "three classes"])
def test_a_loaded_table_model_at_another_strength_has_intervals_too(tables: Any, tmp_path: Path, name: str) -> None:
    model = tables[name]
    loaded = load(save(model, tmp_path / "model.safetensors"))
    for rule in ("1se", float(model.path_.alphas[-1])):
        assert_calibrated_alike(loaded.at(rule).calibration_, model.at(rule).calibration_)
        assert said_of(loaded.at(rule), NEW_FRAME).shape == said_of(model, NEW_FRAME).shape


def assert_calibrated_alike(kept: Any, there: Any) -> None:
    """Check that two calibrations are equal but for single precision."""
    for one, other in zip((*kept.scores, *kept.shares), (*there.scores, *there.shares), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)
    assert kept.units == there.units


def test_where_the_outputs_of_a_strength_are_not_kept_there_are_no_intervals(paths: Any, tmp_path: Path) -> None:
    loaded = load(save(paths["numbers"], tmp_path / "model.safetensors"))
    networks = loaded.path_.fold_networks
    chosen = np.flatnonzero(networks.strengths == loaded.index_)
    outputs = tuple(each[chosen] for each in networks.outputs)
    loaded.path_ = replace(
        loaded.path_, fold_networks=replace(networks, strengths=networks.strengths[chosen], outputs=outputs)
    )
    with pytest.raises(ValueError, match="held-out outputs its file does not hold"):
        loaded.at(float(loaded.path_.alphas[loaded.index_ - 1])).predict_interval(NEW)


def test_a_file_without_folds_or_what_they_missed_says_so(paths: Any) -> None:
    older = pickle.loads(pickle.dumps(paths["numbers"]))
    del older.calibration_
    with pytest.raises(ValueError, match="does not hold what its folds missed"):
        older.predict_interval(NEW)
    older.path_ = replace(older.path_, fold_networks=None)
    with pytest.raises(ValueError, match="a file without the networks of its folds"):
        older.predict_interval(NEW)


def test_starts_that_diverged_are_left_out_and_a_fold_without_others_says_so(paths: Any) -> None:
    model = pickle.loads(pickle.dumps(paths["numbers"]))
    path, index = model.path_, model.index_
    diverged, source = path.diverged.copy(), path.source.copy()
    diverged[index, 1, 0], source[index, 1, 0] = True, index
    model.path_ = replace(path, diverged=diverged, source=source)
    other = path.fold_model(index, 1, 1)
    np.testing.assert_allclose(model.fold_predictors()[1].predict(NEW), other.output(NEW))
    diverged[index, 1, 1], source[index, 1, 1] = True, index
    with pytest.raises(ValueError, match=r"Every training of fold 1 diverged at strength .* lower learning_rate_init"):
        model.predict_interval(NEW)
    model._calibrate(paths["numbers"]._problem)
    assert not hasattr(model, "calibration_")


def test_too_few_rows_warn(paths: Any) -> None:
    few = regressor(cv=2).fit(X[:10], SIGNAL[:10])
    with pytest.warns(UserWarning, match=r"A coverage of 0.95 needs 19 held-out rows .* and there were 10"):
        assert np.isinf(few.predict_interval(NEW, 0.95)).all()
    assert np.isfinite(few.predict_interval(NEW, 0.9)).all()
    with pytest.warns(UserWarning, match=r"needs 999 held-out rows .* and there were 103"):
        assert paths["three classes"].predict_set(NEW, 0.999).all()
    counts = regressor(cv=2, loss="poisson").fit(X[:10], np.arange(10))
    with pytest.warns(UserWarning, match="intervals are infinite"):
        assert (counts.predict_interval(NEW, 0.95) == [0, np.inf]).all()


def test_far_rows_have_finite_ends_or_say_so(paths: Any) -> None:
    far = np.vstack([1e200 * NEW[:1], NEW[:1]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = paths["numbers"].predict_interval(far)
    assert not np.isnan(found).any()
    np.testing.assert_allclose(found[1], paths["numbers"].predict_interval(NEW[:1])[0])


def test_folds_that_follow_in_time_warn() -> None:
    model = regressor(cv=TimeSeriesSplit(3)).fit(X, SIGNAL)
    with pytest.warns(UserWarning, match="rows that follow in time"):
        model.predict_interval(NEW)
    assert model.calibration_.units == 75


@pytest.mark.parametrize(
    ("cv", "units", "times"),
    [
        (RepeatedKFold(n_splits=3, n_repeats=2, random_state=0), ROWS, 2),
        ([(np.arange(80), np.arange(80, ROWS))], 23, 1),
        (ShuffleSplit(4, test_size=0.2, random_state=0), None, None),
    ],
    ids=["repeated", "one fold", "drawn"],
)
def test_any_splitter_calibrates(cv: Any, units: Any, times: Any) -> None:
    for model, rows in (
        (regressor(cv=cv).fit(X, SIGNAL), NEW),
        (TableRegressor(cv=cv, views="plain", random_state=0).fit(FRAME, SIGNAL), NEW_FRAME),
    ):
        found = model.calibration_
        counts = np.bincount(np.concatenate(model.path_.heldout_rows), minlength=ROWS)
        assert found.units == (np.count_nonzero(counts) if units is None else units)
        for share, rows_of in zip(found.shares, model.path_.heldout_rows, strict=True):
            np.testing.assert_allclose(share, 1 / (counts[rows_of] if times is None else times))
        assert np.isfinite(model.predict_interval(rows, 0.8)).all()


def test_one_fold_is_split_conformal() -> None:
    model = regressor(cv=[(np.arange(80), np.arange(80, ROWS))]).fit(X, SIGNAL)
    (predictor,) = model.fold_predictors()
    missed = np.sort(np.abs(SIGNAL[80:] - predictor.predict(X[80:])[:, 0]))
    center, half = predictor.predict(NEW)[:, 0], missed[-(-90 * 24 // 100) - 1]
    np.testing.assert_allclose(model.predict_interval(NEW), np.stack([center - half, center + half], axis=1))


def test_groups_that_folds_leave_whole_are_units() -> None:
    groups = np.repeat(np.array(list("abcdefghijk")), [1, 2, 3, 4, 5, 10, 12, 14, 16, 17, 19])
    for cv in (3, GroupKFold(3), list(GroupKFold(3).split(X, groups=groups))):
        model = regressor(cv=cv).fit(X, SIGNAL, groups=groups)
        held_out, shares = np.concatenate(model.path_.heldout_rows), np.concatenate(model.calibration_.shares)
        assert model.calibration_.units == 11
        np.testing.assert_allclose(np.unique(groups, return_inverse=True)[1][held_out].max(), 10)
        for group in set(groups):
            assert shares[groups[held_out] == group].sum() == pytest.approx(1)
    parted = regressor(cv=[(np.arange(50), np.arange(50, ROWS))]).fit(X, SIGNAL, groups=groups)
    assert parted.calibration_.units == ROWS - 50
    table = TableRegressor(views="plain", cv=3, random_state=0).fit(FRAME, SIGNAL, groups=groups)
    assert table.calibration_.units == 11
    with pytest.raises(ValueError, match="groups has 5 entries, and X has 103 rows"):
        regressor().fit(X, SIGNAL, groups=groups[:5])


def test_rows_of_weight_0_calibrate_nothing() -> None:
    weights = np.ones(ROWS)
    weights[::4] = 0
    weights[1] = 3
    model = regressor().fit(X, SIGNAL, sample_weight=weights)
    kept = np.count_nonzero(weights)
    assert model.calibration_.units == kept
    shares, rows = (np.concatenate(each) for each in (model.calibration_.shares, model.path_.heldout_rows))
    np.testing.assert_allclose(shares, weights[rows] * kept / weights.sum())
    odd = np.where(weights == 0, 1e9, SIGNAL)
    np.testing.assert_array_equal(
        regressor().fit(X, odd, sample_weight=weights).predict_interval(NEW), model.predict_interval(NEW)
    )


def test_where_no_input_is_worth_having_the_folds_predict_constants() -> None:
    noise = np.random.default_rng(0).normal(size=ROWS)
    model = regressor(select_inputs=True).fit(X, noise)
    assert not model.input_selection_.significant
    assert model.path_.inputs_kept[model.index_, :-1].any()  # the folds had inputs, which are not worth having
    for fold, predictor in zip(model.path_.folds, model.fold_predictors(), strict=False):
        np.testing.assert_allclose(predictor.predict(NEW)[:, 0], np.average(noise, weights=fold.weights))
    assert model.path_.fold_networks is not None
    kept = model.path_.fold_networks.outputs_at(model.index_)
    for each, predictor in zip(kept, model.fold_predictors(), strict=True):
        np.testing.assert_allclose(each[0], predictor.predict(NEW[:1])[0, 0], rtol=1e-6)
    assert np.ptp(model.predict_interval(NEW), axis=0).max() == 0


@pytest.mark.parametrize("choice", [{"alphas": "qut"}, {"relax": True}, {"l1_ratio": [0.2, 0.9]}, {"ensemble": True}])
def test_every_way_to_choose_has_intervals(choice: Any) -> None:
    model = regressor(**choice, n_seeds=2).fit(X, SIGNAL)
    low, high = model.predict_interval(NEW).T
    assert (low < high).all()
    assert np.mean((low <= model.predict(NEW)) & (model.predict(NEW) <= high)) > 0.9


def test_sparse_rows_and_parts_of_rows_are_the_same(paths: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sparse: Any = regressor()
    sparse.fit(csr_array(np.where(np.abs(X) < 0.5, 0, X)), SIGNAL)
    found = sparse.predict_interval(csr_array(NEW))
    np.testing.assert_allclose(found, sparse.predict_interval(NEW), rtol=1e-12)
    whole = {name: said_of(model, NEW) for name, model in paths.items()}
    monkeypatch.setattr(intervals_module, "slices", lambda rows, _: [slice(k, k + 7) for k in range(0, rows, 7)])
    for name, model in paths.items():
        if name in CLASSES:
            np.testing.assert_array_equal(said_of(model, NEW), whole[name])
        else:
            np.testing.assert_allclose(said_of(model, NEW), whole[name], rtol=1e-12)
