"""Where a training fails, or a fold cannot teach, it is said: nothing made up is handed over as a result."""

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

from paths import path_of, settings_of
from ridgewalk import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV, load, save
from ridgewalk.arrays import standardization
from ridgewalk.estimators.problem import draw_splits, mlp_path
from ridgewalk.folds import Moments, standardized_fold
from ridgewalk.losses import BinaryCrossEntropy, CrossEntropy, Poisson, SquaredError, begun

DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(120, 5))
SIGNAL = X[:, 0] - X[:, 1] * X[:, 2]
Y = (SIGNAL > 0).astype(int)
QUICK: dict[str, Any] = {"alphas": 3, "cv": 2, "max_iter": 20, "random_state": 0}


def told(fit: Any) -> Any:
    """Fit, and return the model with what was said."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        return fit(), [str(each.message) for each in said]


@pytest.mark.parametrize(
    ("make", "changes", "size"),
    [
        (MLPRegressor, {"solver": "sgd", "standardize": False}, 1e6),
        (MLPRegressor, {"solver": "sgd", "standardize": False}, 1e20),
        (MLPClassifier, {"solver": "sgd", "standardize": False}, 1e20),
        (MLPRegressor, {"solver": "sgd", "learning_rate_init": 1e30}, 1),
        (MLPClassifier, {"learning_rate_init": 1e30, "n_seeds": 2}, 1),
        (MLPRegressor, {"learning_rate_init": 1e30, "alpha": 0.01, "l1_ratio": 1.0}, 1),
        (MLPRegressor, {"learning_rate_init": 1e30, "early_stopping": True}, 1),
        (MLPClassifier, {"learning_rate_init": 1e30, "batch_size": None, "learning_rate": "cosine"}, 1),
    ],
)
def test_a_training_that_is_no_number_from_its_first_epoch_is_no_model(make: Any, changes: Any, size: Any) -> None:
    target = Y if make is MLPClassifier else SIGNAL
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        with pytest.raises(ValueError, match="Training diverged: lower learning_rate_init, or set standardize=True"):
            make((8,), random_state=0, **changes).fit(X * size, target)


def test_partial_fit_of_a_diverged_epoch_is_no_model_either() -> None:
    with pytest.raises(ValueError, match="Training diverged"):
        MLPRegressor((8,), solver="sgd", learning_rate_init=1e30, random_state=0).partial_fit(X, SIGNAL)


def test_starts_that_diverged_are_left_out_of_an_ensemble() -> None:
    model, said = told(
        lambda: MLPRegressor((8,), learning_rate_init=1.0, n_seeds=3, ensemble=True, random_state=0).fit(X, SIGNAL)
    )
    assert any("1 of 3 starts diverged and are left out" in each for each in said)
    assert len(model.models_) == 2
    assert model.model_ in model.models_
    assert np.isfinite(model.predict(X)).all()
    assert model.score(X, SIGNAL) > 0


@pytest.mark.parametrize("rate", [1e3, 1e5])
def test_a_network_that_rests_above_a_constant_is_said_to_have_failed(rate: Any) -> None:
    changes: dict[str, Any] = {"learning_rate_init": rate, "alpha": 0.01, "l1_ratio": 1.0}
    _, said = told(lambda: MLPRegressor((8,), random_state=0, **changes).fit(X, SIGNAL))
    assert any(each.startswith("Training failed: it came to rest at a loss of") for each in said)


@pytest.mark.slow
@pytest.mark.parametrize("make", [MLPRegressorCV, MLPClassifierCV])
@pytest.mark.parametrize(("rate", "words"), [(1e3, "Training failed"), (1e10, "Training"), (1e30, "Training diverged")])
def test_a_path_says_that_a_rate_leaves_every_network_constant(make: Any, rate: Any, words: Any) -> None:
    target = Y if make is MLPClassifierCV else SIGNAL
    _, said = told(lambda: make((8,), learning_rate_init=rate, **QUICK).fit(X, target))
    assert any(each.startswith(words) for each in said)
    _, quiet = told(lambda: make((8,), **QUICK).fit(X, target))
    assert quiet == []


@pytest.mark.slow
def test_a_diagnosis_blames_the_training_and_not_the_columns() -> None:
    model, _ = told(lambda: MLPRegressorCV((8,), learning_rate_init=3.0, **QUICK | {"max_iter": 100}).fit(X, SIGNAL))
    for references in (False, True):
        diagnosis = model.diagnose(references=references)
        assert diagnosis.verdict == ("underfit" if references else "not trained")  # then others do learn something
        found = next(each for each in diagnosis.findings if each.name == "not trained")
        assert "learning rate" in found.advice
        assert not diagnosis.holds("no signal")


def test_without_references_a_network_that_hardly_fits_is_named_before_the_columns() -> None:
    noise = np.random.default_rng(5).normal(size=120)
    model, _ = told(lambda: MLPRegressorCV((2,), **QUICK).fit(X, noise))
    diagnosis = model.diagnose(references=False)
    assert diagnosis.verdict in ("no signal", "too noisy to tell")
    kept = model.path_.train_loss[0].mean() / noise.var() * 2
    assert kept > 0.5
    assert "Look at the network first: even on its own training rows it keeps" in diagnosis.findings[0].advice


# Folds.

THREE = np.repeat([0, 1, 2], 40)


@pytest.mark.parametrize(
    ("target", "cv", "groups", "fold"),
    [
        (Y, 2, Y, 0),
        (np.where(np.arange(120) < 30, Y, 0), 4, np.arange(120) // 30, None),
        (THREE, [(np.arange(40, 80), np.arange(40)), (np.arange(40), np.arange(40, 80))], None, 0),
        (Y, [(np.flatnonzero(Y), np.flatnonzero(Y == 0))], None, 0),
    ],
    ids=["groups are the classes", "one site has all of a class", "explicit rows", "one fold"],
)
def test_a_fold_that_trains_on_one_class_is_an_error_that_names_it(
    target: Any, cv: Any, groups: Any, fold: Any
) -> None:
    expected = (
        r"Fold \d trains on rows of one class alone" if fold is None else f"Fold {fold} trains on rows of one class"
    )
    with pytest.raises(ValueError, match=expected):
        MLPClassifierCV((4,), **QUICK | {"cv": cv}).fit(X, target, groups=groups)
    with pytest.raises(ValueError, match=expected):
        mlp_path(X, target, cv=cv, groups=groups, alphas=2, settings=settings_of((4,), max_iter=5), random_state=0)


def test_a_path_of_ones_own_names_such_a_fold_too() -> None:
    with pytest.raises(ValueError, match="Fold 0 trains on rows of one class alone"):
        path_of(
            X,
            Y[:, None].astype(float),
            BinaryCrossEntropy(),
            [(np.flatnonzero(Y), np.flatnonzero(Y == 0))],
            settings_of((4,)),
        )


def test_a_fold_that_trains_on_one_class_is_an_error_in_a_diagnosis() -> None:
    model, _ = told(lambda: MLPClassifier((4,), max_iter=20, alpha=0.01, random_state=0).fit(X, Y))
    with pytest.raises(ValueError, match="Fold 0 trains on rows of one class"):
        model.diagnose(2, groups=Y)


def test_rows_of_a_class_that_a_fold_does_not_train_on_are_left_out_with_a_word() -> None:
    rows = np.arange(120)
    splits = [(rows[(THREE != 2) & (rows % 2 == 0)], rows[rows % 2 == 1]), (rows[rows % 2 == 1], rows[rows % 2 == 0])]
    with pytest.warns(UserWarning, match=r"Fold 0 holds out 20 of 60 rows whose class.*the first is row 81"):
        drawn = draw_splits(X, THREE, splits, CrossEntropy(), None, None, np.ones(120))
    assert (THREE[drawn[0][1]] != 2).all()
    assert len(drawn[1][1]) == 60
    whole = [(rows[THREE != 2], rows[THREE == 2])]
    with pytest.raises(ValueError, match="Fold 0 holds out 40 of 40 rows whose class"):
        draw_splits(X, THREE, whole, CrossEntropy(), None, None, np.ones(120))


def test_a_label_that_a_fold_never_sees_is_the_same_case() -> None:
    labels = np.stack([Y, np.zeros(120, int)], axis=1)
    labels[:3, 1] = 1
    rows = np.arange(120)
    with pytest.warns(UserWarning, match="Fold 0 holds out 3 of 60 rows"):
        drawn = draw_splits(X, labels, [(rows[60:], rows[:60])], BinaryCrossEntropy(), None, None, np.ones(120))
    assert drawn[0][1].tolist() == list(range(3, 60))


@pytest.mark.parametrize(
    "pair",
    [
        (np.arange(30) + 0.7, np.arange(30, 60)),
        (np.arange(30), np.arange(30, 60) + 0.2),
        (["a", "b"], np.arange(30, 60)),
        (np.arange(30), np.arange(100, 130)),
        (np.ones(7, bool), np.arange(30, 60)),
        (np.array([[0, 1], [2, 3]]), np.arange(30, 60)),
    ],
    ids=["fractions to train on", "fractions held out", "text", "too large", "a short mask", "two columns"],
)
def test_what_is_no_row_number_is_refused(pair: Any) -> None:
    with pytest.raises(
        ValueError, match="A fold is given by whole row numbers from 0 to 119, or by a mask of 120 booleans"
    ):
        MLPClassifierCV((4,), **QUICK | {"cv": [pair]}).fit(X, Y)


@pytest.mark.parametrize("cv", [3, KFold(3), StratifiedKFold(3, shuffle=True, random_state=1), GroupKFold(3)], ids=str)
@pytest.mark.parametrize("classes", [True, False])
def test_rows_of_weight_0_count_as_no_rows_in_folds(cv: Any, classes: Any) -> None:
    weights = np.where(np.arange(120) % 3 == 0, 0.0, 1.0)
    used = np.flatnonzero(weights)
    if isinstance(cv, StratifiedKFold) and not classes:
        return
    target, loss = (Y, BinaryCrossEntropy()) if classes else (SIGNAL, SquaredError())
    groups = np.arange(120) % 7 if isinstance(cv, GroupKFold) else None
    drawn = draw_splits(X, target, cv, loss, np.random.RandomState(0), groups, weights)
    some = None if groups is None else groups[used]
    among = draw_splits(X[used], target[used], cv, loss, np.random.RandomState(0), some, np.ones(len(used)))
    for (train, held_out), (their_train, their_held_out) in zip(drawn, among, strict=True):
        np.testing.assert_array_equal(train, used[their_train])
        np.testing.assert_array_equal(held_out, used[their_held_out])


def test_a_table_whose_rows_all_count_is_not_copied_to_draw_folds() -> None:
    class Seen:
        def split(self, X: Any, y: Any = None, groups: Any = None) -> Any:
            self.table = X
            return KFold(3).split(X)

        def get_n_splits(self, *_: Any) -> int:
            return 3

    cv = Seen()
    draw_splits(X, Y, cv, BinaryCrossEntropy(), None, None, np.ones(120))
    assert cv.table is X


def test_a_path_is_the_same_without_its_rows_of_weight_0() -> None:
    weights = np.where(np.arange(120) % 3 == 0, 0.0, np.linspace(0.5, 2, 120))
    used = weights > 0

    def fit(x: Any, y: Any, w: Any) -> Any:
        return MLPClassifierCV((4,), **QUICK, dtype="float64").fit(x, y, sample_weight=w)

    with_them, without = fit(X, Y, weights), fit(X[used], Y[used], weights[used])
    np.testing.assert_allclose(with_them.path_.heldout_loss, without.path_.heldout_loss, rtol=1e-9)
    np.testing.assert_allclose(with_them.gain_error_, without.gain_error_, rtol=1e-9)
    np.testing.assert_allclose(with_them.predict_proba(X), without.predict_proba(X), rtol=1e-9)


def test_rows_of_weight_0_are_none_to_validate_by() -> None:
    weights = np.zeros(120)
    weights[:40] = 1
    model, _ = told(lambda: MLPClassifier((4,), early_stopping=True, random_state=0).fit(X, Y, sample_weight=weights))
    few, _ = told(lambda: MLPClassifier((4,), early_stopping=True, random_state=0).fit(X[:40], Y[:40]))
    np.testing.assert_allclose(model.validation_loss_curve_, few.validation_loss_curve_, rtol=1e-5)


# Units.


@pytest.mark.slow
@pytest.mark.parametrize("make", [MLPClassifier, MLPClassifierCV])
@pytest.mark.parametrize("units", [8, 8.0, (8.0,), [8], np.array([8.0]), (np.float32(8),), (np.int64(8),)], ids=str)
def test_units_of_a_search_are_whole_numbers(make: Any, units: Any) -> None:
    quick = QUICK if make is MLPClassifierCV else {"max_iter": 5, "random_state": 0}
    model, _ = told(lambda: make(units, **quick).fit(X, Y))
    assert model.coefs_[0].shape == (5, 8)


@pytest.mark.parametrize("make", [MLPClassifier, MLPClassifierCV])
@pytest.mark.parametrize(
    "units", [8.7, True, (8.7,), ("8",), (True,), (0,), (-3,), (np.nan,), (np.inf,), ((4, 4),), (None,)], ids=str
)
def test_units_that_are_none_are_refused_and_not_cut_off(make: Any, units: Any) -> None:
    with pytest.raises(ValueError, match=r"Hidden layers need at least 1 unit each, whole numbers, got"):
        make(units).fit(X, Y)


# Warm starts.


@pytest.mark.parametrize("other", [np.where(Y == 1, "a", "b"), Y + 1, np.where(Y == 1, 7, 0), THREE], ids=str)
def test_a_warm_start_goes_on_with_the_same_classes_alone(other: Any) -> None:
    model, _ = told(lambda: MLPClassifier((4,), warm_start=True, max_iter=20, random_state=0).fit(X, Y))
    before = model.predict_proba(X)
    with pytest.raises(ValueError, match="warm_start goes on from a network of the same inputs, layers, classes"):
        model.fit(X, other)
    np.testing.assert_array_equal(model.predict_proba(X), before)
    told(lambda: model.fit(X, Y))
    cold, _ = told(lambda: model.set_params(warm_start=False).fit(X, other))
    np.testing.assert_array_equal(cold.classes_, np.unique(other))


# Chunks.


def stream(columns: Any, late: Any, first: Any) -> Any:
    """Rows whose first column is constant for so long, and the sizes of the chunks they come in."""
    draws = np.random.default_rng(1)
    x = draws.normal(size=(1200, columns)) * 3 + 5
    x[:late, 0] = x[late, 0]
    y = 3 * x[:, 0] + 0.1 * draws.normal(size=1200)
    return x, y, [slice(0, first), *(slice(k, k + 200) for k in range(0, 1200, 200))]


@pytest.mark.slow
@pytest.mark.parametrize("first", [1, 200])
@pytest.mark.parametrize("late", [0, 200, 600])
def test_a_column_that_varies_late_is_learned(first: Any, late: Any) -> None:
    x, y, chunks = stream(3, late, first)
    model = MLPRegressor((16,), learning_rate_init=0.02, random_state=0).partial_fit(x[chunks[0]], y[chunks[0]])
    for _ in range(12):
        for chunk in chunks[1:]:
            model.partial_fit(x[chunk], y[chunk])
    assert model.score(x, y) > 0.95


@pytest.mark.slow
def test_a_sparse_column_that_is_empty_at_first_is_learned_too() -> None:
    draws = np.random.default_rng(1)
    x = draws.normal(size=(1200, 3)) * (draws.random((1200, 3)) < 0.5)
    x[:400, 0] = 0
    y = 3 * x[:, 0] + 0.1 * draws.normal(size=1200)
    model = MLPRegressor((16,), learning_rate_init=0.01, random_state=0)
    for _ in range(30):
        for k in range(0, 1200, 200):
            model.partial_fit(csr_array(x[k : k + 200]), y[k : k + 200])
    assert model.score(csr_array(x), y) > 0.98


def test_a_new_standardization_changes_no_prediction_of_rows_that_were_seen() -> None:
    x, y, _ = stream(3, 200, 200)
    model = MLPRegressor((6,), solver="sgd", learning_rate_init=1e-30, alpha=0.0, random_state=0, dtype="float64")
    model.partial_fit(x[:200], y[:200])
    before = model.predict(x[:200])
    model.partial_fit(x[200:] * 7, -50 * y[200:])
    np.testing.assert_allclose(model.predict(x[:200]), before, rtol=1e-9)
    center, scale = standardization(np.concatenate([x[:200], 7 * x[200:]]), np.ones(1200))
    np.testing.assert_allclose(model.model_.center, center, rtol=1e-12)
    np.testing.assert_allclose(model.model_.scale, scale, rtol=1e-12)


def test_moments_of_parts_are_those_of_all_rows() -> None:
    draws = np.random.default_rng(2)
    x, y, weights = 1e6 + draws.normal(size=(90, 4)), draws.normal(size=(90, 2)), draws.uniform(0, 2, 90)
    weights[::9] = 0
    x[:40, 1], x[:, 2], y[:40, 0] = 3.0, 0.1, 7.0
    parts = [slice(0, 1), slice(1, 40), slice(40, 90)]
    seen = None
    for part in parts:
        some = Moments.of(
            standardized_fold(x[part], y[part], SquaredError(), weights[part] + (part == parts[0]), True),
            y[part],
            SquaredError(),
        )
        seen = some if seen is None else seen.with_rows(some)
    weights[0] += 1
    fold = standardized_fold(x, y, SquaredError(), weights, True)
    assert seen is not None
    ours = seen.fold(weights)
    for name in ("center", "scale", "target_center", "target_scale"):
        np.testing.assert_allclose(getattr(ours, name), getattr(fold, name), rtol=1e-9)
    assert np.isinf(ours.scale[2])


def test_a_model_that_was_kept_goes_on_in_parts_as_it_would_have(tmp_path: Path) -> None:
    x, y, chunks = stream(3, 300, 100)
    model = MLPRegressor((6,), random_state=0)
    for chunk in chunks[:2]:
        model.partial_fit(x[chunk], y[chunk])
    save(model, tmp_path / "model")
    copies = [load(tmp_path / "model"), pickle.loads(pickle.dumps(model))]
    for each in (model, *copies):
        for chunk in chunks[2:]:
            each.partial_fit(x[chunk], y[chunk])
    for each in copies:
        np.testing.assert_array_equal(each.predict(x), model.predict(x))


# Counts.


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 5, 9, 12])
def test_counts_of_any_size_are_learned_or_it_is_said(size: Any) -> None:
    draws = np.random.default_rng(0)
    x = draws.normal(size=(200, 4))
    y = draws.poisson(np.exp(size + 0.3 * x[:, 0]))
    model, said = told(lambda: MLPRegressorCV((16,), loss="poisson", alphas=8, random_state=0).fit(x, y))
    assert model.heldout_loss_ < 1.1 * model.linear_loss_ or any(
        "The linear model predicts better" in each for each in said
    )
    assert model.heldout_loss_ < 3 * model.linear_loss_
    one, _ = told(
        lambda: MLPRegressor((16,), loss="poisson", learning_rate_init=0.01, max_iter=500, random_state=0).fit(x, y)
    )
    null = Poisson().values(np.full((200, 1), np.log(y.mean())), y[:, None].astype(float)).mean()
    assert one.loss_ < max(0.05 * null, 1.0)


def test_only_counts_begin_elsewhere_and_there_at_the_best_constant() -> None:
    start = (np.ones((1, 2, 3)), np.ones((1, 1, 3)), np.ones((1, 3, 1)), np.zeros((1, 1, 1)))
    target, weights = np.array([[2.0], [6.0], [100.0]]), np.array([1.0, 1.0, 0.0])
    for loss in (SquaredError(), BinaryCrossEntropy()):
        assert begun(loss, start, target, [weights]) is start
    w1, b1, w2, b2 = begun(Poisson(), start, target, [weights])
    assert w1 is start[0]
    assert b1 is start[1]
    assert b2 == pytest.approx(np.log(4))
    assert np.abs(w2).max() < 0.1


ODD = np.arange(120) % 2 == 1
LACKING = [(np.flatnonzero(~ODD & (THREE != 2)), np.flatnonzero(ODD)), (np.flatnonzero(ODD), np.flatnonzero(~ODD))]


@pytest.mark.slow
@pytest.mark.parametrize(
    "fit",
    [
        lambda: MLPRegressorCV((8,), learning_rate_init=1e3, **QUICK).fit(X, SIGNAL),
        lambda: MLPClassifierCV((8,), learning_rate_init=1e30, **QUICK | {"alphas": 4}).fit(X, Y),
        lambda: MLPRegressor((8,), max_iter=3, batch_size=500, random_state=0).fit(X, SIGNAL),
        lambda: MLPRegressor((8,), batch_size=500, random_state=0).partial_fit(X, SIGNAL),
        lambda: MLPRegressor((8,), alpha=0.01, l1_ratio=1.0, learning_rate_init=1e3, random_state=0).fit(X, SIGNAL),
        lambda: MLPClassifierCV((4,), **QUICK | {"cv": LACKING}).fit(X, THREE),
        lambda: mlp_path(X, THREE, cv=LACKING, alphas=2, settings=settings_of((4,), max_iter=5), random_state=0),
    ],
)
def test_a_warning_points_at_the_line_that_called(fit: Any) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        fit()
    assert said
    assert {each.filename for each in said} == {__file__}
