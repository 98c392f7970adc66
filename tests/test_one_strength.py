"""Estimators of one strength: scikit-learn's parameters and what they mean here."""

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn import neural_network
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet, LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ridgewalk import MLPClassifier, MLPClassifierCV, MLPRegressor, load, save
from ridgewalk.convert import PenaltyStrength
from ridgewalk.engine.job import Job
from ridgewalk.estimators import one_strength

SOLVERS: Any = ["adam", "sgd", "lbfgs"]
QUICK: dict[str, Any] = {"hidden_layer_sizes": (8,), "max_iter": 150, "learning_rate_init": 0.02, "random_state": 0}
pytestmark = pytest.mark.filterwarnings(
    "ignore:Training ended after", "ignore:Stochastic Optimizer", "ignore:lbfgs failed"
)


@pytest.fixture(scope="module")
def cancer() -> Any:
    return load_breast_cancer(return_X_y=True)


# How people write it for scikit-learn; every parameter of theirs at least once.
WRITTEN_FOR_SCIKIT_LEARN = [
    {},
    {"hidden_layer_sizes": (20, 10), "activation": "tanh", "solver": "lbfgs", "alpha": 1e-5, "max_fun": 5000},
    {
        "hidden_layer_sizes": 30,
        "solver": "sgd",
        "learning_rate_init": 0.1,
        "momentum": 0.8,
        "nesterovs_momentum": False,
    },
    {"activation": "logistic", "early_stopping": True, "validation_fraction": 0.2, "n_iter_no_change": 5, "tol": 1e-3},
    {"hidden_layer_sizes": [15], "batch_size": 50, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-7, "warm_start": True},
    {"activation": "identity", "learning_rate": "constant", "power_t": 0.4, "shuffle": True, "verbose": False},
    {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.1, "learning_rate_init": 0.05},
    {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.02, "n_iter_no_change": 3},
    {"shuffle": False, "batch_size": 50, "n_iter_no_change": np.inf, "tol": 1e-3},
]


@pytest.mark.slow
@pytest.mark.parametrize("given", WRITTEN_FOR_SCIKIT_LEARN, ids=range(len(WRITTEN_FOR_SCIKIT_LEARN)))
def test_code_written_for_scikit_learn_runs_with_its_import_changed(given: Any, cancer: Any) -> None:
    numbers, amount = load_diabetes(return_X_y=True)
    for ours, theirs, (X, y) in (
        (MLPClassifier, neural_network.MLPClassifier, cancer),
        (MLPRegressor, neural_network.MLPRegressor, (numbers, (amount - amount.mean()) / amount.std())),
    ):
        models = [
            make_pipeline(StandardScaler(), kind(**given, max_iter=100, random_state=1)).fit(X, y)
            for kind in (ours, theirs)
        ]
        scores = [model.score(X, y) for model in models]
        assert scores[0] > scores[1] - 0.1
        mine, others = (model[-1] for model in models)
        seen = {name for name in vars(others) if name.endswith("_") and not name.startswith("_")}
        assert seen <= set(vars(mine))
        for name in ("best_loss_", "validation_scores_", "best_validation_score_"):
            assert (getattr(mine, name) is None) == (getattr(others, name, mine) is None) or given.get(
                "solver"
            ) == "lbfgs"
        assert [w.shape for w in mine.coefs_] == [w.shape for w in others.coefs_]
        assert [b.shape for b in mine.intercepts_] == [b.shape for b in others.intercepts_]
        for name in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
            assert getattr(mine, name) == getattr(others, name), name
    assert set(neural_network.MLPClassifier().get_params()) <= set(MLPClassifier().get_params())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"solver": "sgd", "learning_rate": "falling"}, "'learning_rate' parameter"),
        ({"n_iter_no_change": 2.5}, "'n_iter_no_change' parameter"),
        ({"solver": "lbfgs", "early_stopping": True}, "no early stopping"),
        ({"solver": "lbfgs", "penalty": "group_lasso"}, "no group lasso"),
        ({"solver": "newton"}, "'solver' parameter"),
        ({"alpha": -1}, "'alpha' parameter"),
        ({"class_weight": "even"}, "'class_weight' parameter"),
        ({"layer_factors": [1]}, "one finite number of zero or more per layer"),
        ({"penalty_factors": [1, 1]}, "one number per input"),
        ({"learning_rate_init": 1e30, "solver": "sgd"}, "diverged"),
    ],
)
def test_what_has_no_meaning_here_is_said(given: Any, words: Any) -> None:
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=words):
        MLPClassifier(**(QUICK | given)).fit(X, y)


def test_scikit_learns_alpha_is_ours_by_the_converter(cancer: Any) -> None:
    X, y = cancer
    X = StandardScaler().fit_transform(X)[:200]
    theirs = neural_network.MLPClassifier((), alpha=5.0, solver="lbfgs", tol=1e-10, max_iter=5000).fit(X, y[:200])
    strength, _ = PenaltyStrength.from_sklearn_mlp(5.0, batch_size=200).elastic_net()
    ours = MLPClassifier((), alpha=strength, solver="lbfgs", tol=1e-10, max_iter=5000, standardize=False)
    ours.fit(X, y[:200])
    # Theirs ends where the objective falls by less than 2e-9 of itself: close in the objective, less so in the weights.
    assert ours.loss_curve_[-1] + ours.penalty_curve_[-1] == pytest.approx(theirs.loss_, rel=1e-7)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], atol=2e-3)
    exact = LogisticRegression(C=1 / 5.0, solver="newton-cholesky", tol=1e-12).fit(X, y[:200])
    np.testing.assert_allclose(ours.coefs_[0], exact.coef_.T, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS)
def test_no_hidden_layer_is_the_convex_problem(solver: Any, cancer: Any) -> None:
    X, y = cancer
    model = MLPClassifier((), solver=solver, alpha=0.02, l1_ratio=1.0, tol=1e-9, max_iter=5000).fit(X, y)
    theirs = LogisticRegression(C=1 / (0.02 * len(X)), l1_ratio=1.0, solver="saga", tol=1e-10, max_iter=100_000)
    theirs.fit(StandardScaler().fit_transform(X), y)
    np.testing.assert_allclose(model.coefs_[0][:, 0] * X.std(axis=0), theirs.coef_[0], atol=1e-4)
    np.testing.assert_array_equal(model.get_support(), theirs.coef_[0] != 0)
    X, y = load_diabetes(return_X_y=True)
    y = (y - y.mean()) / y.std()
    ours = MLPRegressor((), solver=solver, alpha=0.1, l1_ratio=0.4, tol=1e-9, max_iter=5000).fit(X, y)
    net = ElasticNet(0.1, l1_ratio=0.4, tol=1e-10).fit(X / X.std(axis=0), y)
    np.testing.assert_allclose(ours.coefs_[0][:, 0] * X.std(axis=0), net.coef_, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_l1_gives_exact_zeros_under_every_solver(solver: Any, l1_ratio: Any, cancer: Any) -> None:
    X, y = cancer
    settings = QUICK | {"learning_rate_init": 0.2 if solver == "sgd" else 0.02}
    model = MLPClassifier(solver=solver, alpha=0.01, l1_ratio=l1_ratio, **settings).fit(X, y)
    assert 0.3 < np.mean([(w == 0).mean() for w in model.coefs_]) < 1
    assert model.score(X, y) > 0.95
    assert model.get_support().sum() < 30
    smooth = clone(model).set_params(l1_ratio=0.0).fit(X, y)
    assert (smooth.coefs_[0] != 0).all()


def test_lbfgs_excludes_inputs_and_frees_them(cancer: Any) -> None:
    X, y = cancer
    factors = np.ones(30)
    factors[:5], factors[5] = np.inf, 0
    model = MLPClassifier(solver="lbfgs", alpha=0.03, l1_ratio=1.0, penalty_factors=factors, **QUICK).fit(X, y)
    assert not model.get_support()[:5].any()
    assert model.get_support()[5]


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_weight_of_two_is_a_row_twice(solver: Any) -> None:
    X, y = load_iris(return_X_y=True)
    twice = np.arange(150) % 3 == 0
    model = MLPClassifier(
        (4,), "tanh", solver=solver, alpha=0.05, batch_size=None, dtype="float64", max_iter=300, tol=1e-6,
        learning_rate_init=0.05, random_state=0,
    )  # fmt: skip
    rows = np.concatenate([np.arange(150), np.flatnonzero(twice)])
    weighted = clone(model).fit(X, y, sample_weight=1.0 + twice).predict_proba(X)
    np.testing.assert_allclose(weighted, model.fit(X[rows], y[rows]).predict_proba(X), atol=2e-3)
    assert np.abs(weighted - model.fit(X, y).predict_proba(X)).max() > 2e-3


def test_class_weights_are_sample_weights() -> None:
    X, y = load_iris(return_X_y=True)
    X, y = X[:120], y[:120]  # 50, 50, 20
    settings = QUICK | {"batch_size": None}
    by_class = MLPClassifier(class_weight="balanced", **settings).fit(X, y)
    by_row = MLPClassifier(**settings).fit(X, y, sample_weight=40 / np.array([50, 50, 20])[y])
    np.testing.assert_allclose(by_class.predict_proba(X), by_row.predict_proba(X), rtol=1e-4)
    fitted = MLPClassifierCV((4,), alphas=3, max_iter=30, cv=2, random_state=0, class_weight={0: 1, 1: 2, 2: 3})
    plain = clone(fitted).set_params(class_weight=None).fit(X, y, sample_weight=y + 1)
    np.testing.assert_array_equal(fitted.fit(X, y).predict_proba(X), plain.predict_proba(X))


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_early_stopping_keeps_the_best_epoch_of_rows_set_aside(estimator: Any) -> None:
    X, y = load_diabetes(return_X_y=True)
    y = (y > y.mean()) if estimator is MLPClassifier else y
    model = estimator((100,), early_stopping=True, max_iter=300, learning_rate_init=0.02, random_state=0).fit(X, y)
    curve = np.array(model.validation_loss_curve_)
    assert len(curve) == len(model.loss_curve_) == len(model.penalty_curve_) == model.n_iter_ < 300
    assert model.best_loss_ is None
    assert model.validation_scores_ == (-curve).tolist()
    assert model.best_validation_score_ == -curve.min()
    assert curve.argmin() >= model.n_iter_ - 1 - model.n_iter_no_change * 2
    plain = clone(model).set_params(early_stopping=False).fit(X, y)
    assert plain.validation_loss_curve_ is plain.validation_scores_ is plain.best_validation_score_ is None
    assert plain.best_loss_ == pytest.approx((np.array(plain.loss_curve_) + plain.penalty_curve_).min())


@pytest.mark.slow
def test_an_evaluation_set_is_followed_and_never_trained_on(cancer: Any) -> None:
    X, y = cancer
    names = np.array(["no", "yes"])[y]
    alone = MLPClassifier(**QUICK).fit(X[:400], names[:400])
    followed = MLPClassifier(**QUICK).fit(X[:400], names[:400], eval_set=[(X[400:], names[400:])])
    np.testing.assert_array_equal(alone.predict_proba(X), followed.predict_proba(X))
    wild = MLPClassifier(**QUICK).fit(X[:400], names[:400], eval_set=(1e3 * X[400:], names[400:][::-1]))
    np.testing.assert_array_equal(alone.predict_proba(X), wild.predict_proba(X))
    assert followed.validation_loss_curve_ != wild.validation_loss_curve_
    stopped = MLPClassifier(early_stopping=True, **QUICK).fit(X[:400], names[:400], eval_set=(X[400:], names[400:]))
    log = -np.log(stopped.predict_proba(X[400:])[np.arange(169), y[400:]]).mean()
    assert stopped.best_validation_score_ is not None
    assert -stopped.best_validation_score_ == pytest.approx(log, rel=1e-3)
    descended = MLPClassifier(**(QUICK | {"solver": "lbfgs"})).fit(X[:400], y[:400], eval_set=(X[400:], y[400:]))
    assert descended.validation_loss_curve_ is not None
    assert len(descended.validation_loss_curve_) == descended.n_iter_
    with pytest.raises(ValueError, match="not among those known"):
        MLPClassifier(**QUICK).fit(X[:400], y[:400], eval_set=(X[400:], y[400:] + 1))
    with pytest.raises(ValueError, match="one pair"):
        MLPClassifier(**QUICK).fit(X, y, eval_set=[(X, y), (X, y)])


def test_rows_set_aside_teach_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Early stopping's own rows move no weight before it stops, and no column's mean."""
    X, y = load_diabetes(return_X_y=True)
    aside: dict[str, Any] = {}

    def spy(*arrays: Any, **options: Any) -> Any:
        halves = split(*arrays, **options)
        aside["rows"] = halves[1]
        return halves

    split = train_test_split
    monkeypatch.setattr(one_strength, "train_test_split", spy)
    settings = QUICK | {"max_iter": 1, "early_stopping": True, "n_iter_no_change": 1, "batch_size": None}
    model = MLPRegressor(**settings).fit(X, y)
    wild_X, wild_y = X.copy(), y.copy()
    wild_X[aside["rows"]] *= 100
    wild_y[aside["rows"]] -= 500
    other = MLPRegressor(**settings).fit(wild_X, wild_y)
    np.testing.assert_array_equal(model.model_.center, other.model_.center)
    np.testing.assert_array_equal(model.model_.target_center, other.model_.target_center)
    used = [np.isin(m.model_.raw_parameters()[0], model.model_.raw_parameters()[0]).all() for m in (other,)]
    assert used[0] or other.best_validation_score_ != model.best_validation_score_


def test_warm_start_goes_on(cancer: Any) -> None:
    X, y = cancer
    settings = QUICK | {"max_iter": 20, "warm_start": True, "batch_size": None}
    model = MLPClassifier(**settings).fit(X, y)
    first = model.loss_
    assert model.fit(X, y).loss_curve_[0] < 1.1 * first
    assert model.loss_ < first
    assert model.n_iter_ == 20
    assert model.t_ == 2 * 20 * len(X)
    with pytest.raises(
        ValueError, match=r"Previously got \[0 1\], `y` has \[0 2\].*warm_start goes on.*Set warm_start=F"
    ):
        model.fit(X, 2 * y)
    with pytest.raises(ValueError, match="warm_start goes on"):
        model.set_params(hidden_layer_sizes=(9,)).fit(X, y)


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_learns_from_chunks(solver: Any, cancer: Any) -> None:
    X, y = cancer
    names = np.array(["no", "yes"])[y]
    model = MLPClassifier((8,), solver=solver, batch_size=20, learning_rate_init=0.02, random_state=0)
    order = np.random.default_rng(0).permutation(len(X))
    for _ in range(10):
        for chunk in np.array_split(order, 3):
            model.partial_fit(X[chunk], names[chunk], classes=["no", "yes"])
    assert model.n_iter_ == len(model.loss_curve_) == 30
    assert model.t_ == 10 * len(X)
    assert model.score(X, names) > 0.95
    assert pickle.loads(pickle.dumps(model)).partial_fit(X, names).n_iter_ == 31
    with pytest.raises(ValueError, match="not among those known"):
        model.partial_fit(X[:9], np.full(9, "maybe"))
    with pytest.raises(ValueError, match="classes must be passed"):
        MLPClassifier().partial_fit(X, y)
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")
    X, y = load_diabetes(return_X_y=True)
    regressor = MLPRegressor((8,), solver=solver, batch_size=20, learning_rate_init=0.02, random_state=0)
    for _ in range(20):
        regressor.partial_fit(X, y)
    assert regressor.score(X, y) > 0.4


def test_several_starts_are_one_choice_or_one_mean(cancer: Any) -> None:
    X, y = cancer
    one = [MLPClassifier(**(QUICK | {"random_state": 0}), n_seeds=3, ensemble=ensemble) for ensemble in (False, True)]
    best, mean = (model.fit(X, y) for model in one)
    assert len(mean.models_) == 3
    assert len(best.models_) == 1
    outputs = [model.output(X)[:, 0] for model in mean.models_]
    np.testing.assert_allclose(mean.predict_proba(X)[:, 1], np.mean([1 / (1 + np.exp(-o)) for o in outputs], axis=0))
    logit = mean.decision_function(X)
    np.testing.assert_allclose(1 / (1 + np.exp(-logit)), mean.predict_proba(X)[:, 1])
    assert any(np.array_equal(best.decision_function(X), output) for output in outputs)
    X, y = load_diabetes(return_X_y=True)
    regressor = MLPRegressor(**QUICK, n_seeds=3, ensemble=True).fit(X, y)
    np.testing.assert_allclose(regressor.predict(X), np.mean([m.output(X)[:, 0] for m in regressor.models_], axis=0))
    labels = MLPClassifier(**QUICK, n_seeds=2, ensemble=True).fit(*load_iris(return_X_y=True))
    np.testing.assert_allclose(labels.predict_proba(load_iris().data).sum(axis=1), 1)


@pytest.mark.parametrize("estimator", [MLPClassifier(**QUICK), MLPClassifierCV((8,), alphas=3, cv=2, max_iter=60)])
def test_several_labels(estimator: Any) -> None:
    X, y = load_iris(return_X_y=True)
    labels = np.stack([y > 0, y > 1, X[:, 0] > 5.8], axis=1).astype(int)
    model = clone(estimator).set_params(random_state=0).fit(X, labels)
    assert model.predict_proba(X).shape == model.decision_function(X).shape == labels.shape
    np.testing.assert_array_equal(model.predict(X), (model.predict_proba(X) > 0.5).astype(int))
    assert (model.predict(X) == labels).mean() > 0.9
    together = clone(estimator).set_params(random_state=0, n_seeds=2, ensemble=True).fit(X, labels)
    assert together.decision_function(X).shape == labels.shape


@pytest.mark.slow
def test_sparse_rows(cancer: Any) -> None:
    X, y = cancer
    X = np.where(np.median(X, axis=0) < X, X, 0.0)
    rows: Any = csr_array(X)
    for solver in SOLVERS:
        sparse, dense = (MLPClassifier(solver=solver, **QUICK).fit(each, y) for each in (rows, X))
        np.testing.assert_allclose(sparse.predict_proba(rows), sparse.predict_proba(X), rtol=1e-10)
        assert sparse.score(rows, y) > dense.score(X, y) - 0.02
        assert sparse.transform(csr_array(X)).shape == X.shape


def test_compaction_of_several_starts(cancer: Any) -> None:
    X, y = cancer
    model = MLPClassifier(**QUICK, penalty="group_lasso", alpha=0.02, n_seeds=2, ensemble=True).fit(X, y)
    small = model.compact(X)
    np.testing.assert_allclose(small.predict_proba(X), model.predict_proba(X), rtol=1e-9)
    assert small.compaction_.after.inputs < small.compaction_.before.inputs


def test_a_search_over_strengths_and_the_training_that_ended_early() -> None:
    X, y = load_iris(return_X_y=True)
    search = GridSearchCV(MLPClassifier(**QUICK), {"alpha": [1e-4, 10.0]}, cv=3).fit(X, y)
    assert search.best_params_ == {"alpha": 1e-4}
    with pytest.warns(ConvergenceWarning, match="before it came to rest"):
        MLPClassifier(max_iter=2).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MLPClassifier(max_iter=2, learning_rate="cosine").fit(X, y)
    with pytest.warns(UserWarning, match="all are taken"):
        MLPClassifier(batch_size=1000, max_iter=2, learning_rate="cosine").fit(X, y)


# Settings of scikit-learn's that follow the rows, the epochs or the loss.


@pytest.fixture(scope="module")
def numbers() -> Any:
    X, y = load_diabetes(return_X_y=True)
    return X[:120], (y[:120] - y[:120].mean()) / y[:120].std()


PLAIN: dict[str, Any] = {
    "hidden_layer_sizes": (6,),
    "solver": "sgd",
    "batch_size": 30,
    "dtype": "float64",
    "tol": 0.0,
    "random_state": 3,
}


def test_batches_in_order_are_those_of_the_rows(numbers: Any) -> None:
    X, y = numbers
    settings = PLAIN | {
        "shuffle": False,
        "learning_rate_init": 0.05,
        "momentum": 0.0,
        "max_iter": 1,
        "standardize": False,
    }
    model = MLPRegressor(**settings).fit(X, y)
    first = MLPRegressor(**settings | {"batch_size": None})
    for part in np.split(np.arange(120), 4):
        first.partial_fit(X[part], y[part])
    for ours, theirs in zip(model.coefs_, first.coefs_, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)
    drawn = MLPRegressor(**settings | {"shuffle": True}).fit(X, y)
    assert np.abs(drawn.coefs_[0] - model.coefs_[0]).max() > 1e-6
    assert MLPClassifier(shuffle=False, max_iter=60, random_state=0, batch_size=30).fit(X, y > 0).score(X, y > 0) > 0.7


def test_a_rate_that_scales_inversely_falls_with_the_rows_seen(numbers: Any) -> None:
    X, y = numbers
    settings = PLAIN | {"learning_rate": "invscaling", "power_t": 0.3, "learning_rate_init": 0.1, "warm_start": True}
    settings |= {"momentum": 0.0, "max_iter": 1, "batch_size": None}
    model, moved = MLPRegressor(**settings), []
    for _ in range(3):
        model.fit(X, y)
    assert model.t_ == 360
    before = model.model_.parameters[0]
    model.fit(X, y)
    moved.append(model.model_.parameters[0] - before)
    other = MLPRegressor(**settings).fit(X, y)
    for _ in range(2):
        other.fit(X, y)
    other.set_params(learning_rate="constant").fit(X, y)
    moved.append(other.model_.parameters[0] - before)
    np.testing.assert_allclose(moved[0] * 361**0.3, moved[1], atol=1e-5)
    at_once = MLPRegressor(**settings | {"max_iter": 4, "n_iter_no_change": np.inf}).fit(X, y)
    np.testing.assert_allclose(at_once.model_.parameters[0], model.model_.parameters[0], rtol=1e-9)
    in_parts = MLPRegressor(**settings)
    for _ in range(4):
        in_parts.partial_fit(X, y)
    np.testing.assert_allclose(in_parts.model_.parameters[0], model.model_.parameters[0], rtol=1e-9)


def test_an_adaptive_rate_is_divided_where_training_would_end(numbers: Any) -> None:
    X, y = numbers
    settings = PLAIN | {
        "learning_rate_init": 0.05,
        "tol": 1e-4,
        "n_iter_no_change": 4,
        "max_iter": 2000,
        "batch_size": 20,
    }
    constant = MLPRegressor(**settings).fit(X, y)
    adaptive = MLPRegressor(**settings, learning_rate="adaptive").fit(X, y)
    first = constant.n_iter_
    np.testing.assert_allclose(adaptive.loss_curve_[:first], constant.loss_curve_, rtol=1e-9)
    assert first + 7 * 4 <= adaptive.n_iter_ < 2000
    assert adaptive._optimizer.learning_rate == pytest.approx(0.05 / 5**7)  # the first that is at most 1e-6
    assert min(adaptive.loss_curve_) < min(constant.loss_curve_)
    assert np.abs(np.diff(adaptive.loss_curve_))[-3:].max() < 1e-5  # where the rate is so low nothing moves
    starts = MLPRegressor(**settings, learning_rate="adaptive", n_seeds=2).fit(X, y)
    np.testing.assert_allclose(starts._trained[0].parameters[0], adaptive._trained[0].parameters[0], rtol=1e-9)


def test_an_adaptive_rate_falls_over_parts_too(numbers: Any, tmp_path: Path) -> None:
    X, y = numbers
    model = MLPRegressor(
        **PLAIN | {"learning_rate": "adaptive", "n_iter_no_change": 2, "tol": 10.0}, learning_rate_init=0.1
    )
    for _ in range(7):  # the first sets what has to be undercut, and each pair of others divides the rate
        model.partial_fit(X, y)
    assert model._optimizer.learning_rate == pytest.approx(0.1 / 5**3)
    again = load(save(model, tmp_path / "model"))
    for each in (model, again):
        each.partial_fit(X, y).partial_fit(X, y)
        assert each._optimizer.learning_rate == pytest.approx(0.1 / 5**4)
    np.testing.assert_array_equal(model.predict(X), again.predict(X))


@pytest.mark.slow
def test_a_diagnosis_trains_as_the_fit_did_or_says_why_not(numbers: Any) -> None:
    X, y = numbers
    settings = PLAIN | {"alpha": 0.01, "max_iter": 20, "learning_rate_init": 0.1}
    for given in ({"learning_rate": "invscaling"}, {"shuffle": False}):
        assert MLPRegressor(**settings | given).fit(X, y).diagnose(2, references=False).verdict
    with pytest.raises(ValueError, match='learning_rate="adaptive" follow the loss of each: take "constant"'):
        MLPRegressor(**settings, learning_rate="adaptive").fit(X, y).diagnose(2)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("tol", [0.0, 1e9])
def test_an_infinite_patience_goes_on_to_the_end_and_keeps_the_best_epoch(
    numbers: Any, early_stopping: Any, tol: Any
) -> None:
    X, y = numbers
    settings = PLAIN | {"learning_rate_init": 0.1, "n_iter_no_change": np.inf, "tol": tol, "max_iter": 60}
    with pytest.warns(ConvergenceWarning, match="60 iterations"):
        model = MLPRegressor(**settings, early_stopping=early_stopping).fit(X, y)
    assert model.n_iter_ == 60
    kept = model.validation_loss_curve_ or np.add(model.loss_curve_, model.penalty_curve_)
    best = int(np.argmin(kept))
    assert kept[best] < 0.9 * kept[0]
    assert best < 59
    with pytest.warns(ConvergenceWarning):
        ends_there = MLPRegressor(**settings | {"max_iter": best + 1}, early_stopping=early_stopping).fit(X, y)
    np.testing.assert_array_equal(model.coefs_[0], ends_there.coefs_[0])


@pytest.mark.parametrize(
    ("batch_size", "early_stopping", "along"),
    [(30, False, True), (30, True, True), (120, False, False), (108, True, False), (None, False, False)],
)
def test_a_curve_of_batches_costs_no_pass_over_all_rows(
    numbers: Any, batch_size: Any, early_stopping: Any, along: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the mean of what they lose; a batch of all rows is measured after its step."""
    X, y = numbers
    jobs: list[Job] = []

    def made(**given: Any) -> Job:
        jobs.append(Job(**given))
        return jobs[-1]

    monkeypatch.setattr(one_strength, "Job", made)
    MLPRegressor(**PLAIN | {"batch_size": batch_size, "max_iter": 3}, early_stopping=early_stopping).fit(X, y)
    assert [job.batch_losses for job in jobs] == [along]


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_parts_are_the_epochs_of_a_fit_averages_included(numbers: Any, solver: Any, tmp_path: Path) -> None:
    """All rows in each part, as one batch: what is left to differ is what the optimizer remembers."""
    X, y = numbers
    settings = PLAIN | {"solver": solver, "batch_size": None, "learning_rate_init": 0.01, "n_iter_no_change": np.inf}
    whole = MLPRegressor(**settings | {"max_iter": 30}).fit(X, y)
    assert np.argmin(np.add(whole.loss_curve_, whole.penalty_curve_)) == 29
    parts = MLPRegressor(**settings)
    for part in range(30):
        parts.partial_fit(X, y)
        if part == 14:
            save(parts, tmp_path / "model")
            parts = load(tmp_path / "model")
    np.testing.assert_allclose(parts.predict(X), whole.predict(X), rtol=1e-8)
    assert parts.best_loss_ == pytest.approx(whole.best_loss_, rel=1e-8)
    other = parts.set_params(solver="adam" if solver == "sgd" else "sgd").partial_fit(X, y)
    assert np.isfinite(other.predict(X)).all()


def test_parts_know_no_early_stopping(numbers: Any, tmp_path: Path) -> None:
    X, y = numbers
    model = MLPRegressor(early_stopping=True, max_iter=3, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=r"partial_fit does not support early_stopping=True.*Set early_stopping=False"):
        model.partial_fit(X, y)
    assert model.set_params(early_stopping=False).partial_fit(X, y).best_loss_ > 0
    small = model.compact()
    assert load(save(small, tmp_path / "model")).partial_fit(X, y).n_iter_ == small.partial_fit(X, y).n_iter_


def test_a_verbose_training_prints_a_line_per_epoch(numbers: Any, capsys: pytest.CaptureFixture[str]) -> None:
    X, y = numbers
    model = MLPRegressor(**PLAIN | {"tol": 0.1}, max_iter=50, verbose=True, early_stopping=True).fit(X, y)
    *lines, last = capsys.readouterr().out.splitlines()
    assert len(lines) == model.n_iter_ < 50
    assert model.validation_loss_curve_ is not None
    assert lines[0] == (
        f"Iteration 1, loss = {model.loss_curve_[0]:.8f}, penalty = {model.penalty_curve_[0]:.8f}, "
        f"validation loss = {model.validation_loss_curve_[0]:.8f}"
    )
    assert last == "The validation loss has not fallen by tol=0.1 in 10 epochs: training ends."
    for given in ({"engine": "reference"}, {"engine": "compiled", "n_jobs": 2}):
        MLPRegressor(**PLAIN | {"verbose": 1}, **given, max_iter=4, n_seeds=3).fit(X, y)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 12
        assert sum("of start 3, loss" in line for line in lines) == 4
    model = MLPRegressor((6,), solver="lbfgs", max_iter=9, verbose=True).fit(X, y)
    assert (
        capsys.readouterr().out.splitlines()[-1].startswith(f"Iteration {model.n_iter_}, loss = {model.loss_:.8f}, pen")
    )
    MLPRegressor((6,), max_iter=3).fit(X, y)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("kind", [np.asarray, csr_array, pd.DataFrame])
def test_single_precision_comes_back_as_it_was_given(cancer: Any, tmp_path: Path, kind: Any) -> None:
    X, y = cancer
    X = StandardScaler().fit_transform(X).astype(np.float32)
    for make, target in ((MLPClassifier, y), (MLPRegressor, X[:, 0] + y)):
        single, double = (make(**QUICK).fit(kind(X.astype(dtype)), target) for dtype in (np.float32, np.float64))
        for model, dtype in (
            (single, np.float32),
            (double, np.float64),
            (load(save(single, tmp_path / "m")), np.float32),
        ):
            assert {array.dtype for array in (*model.coefs_, *model.intercepts_)} == {np.dtype(dtype)}
            methods = (
                ["predict"] if make is MLPRegressor else ["predict_proba", "predict_log_proba", "decision_function"]
            )
            for method in methods:
                assert getattr(model, method)(kind(X.astype(dtype))).dtype == dtype
        np.testing.assert_allclose(single.coefs_[0], double.coefs_[0], rtol=1e-6)
        np.testing.assert_array_equal(
            single.predict(kind(X)), double.predict(kind(X)).astype(single.predict(kind(X)).dtype)
        )


def test_what_early_stopping_cannot_set_aside_is_said_in_the_users_labels() -> None:
    X = np.arange(16.0).reshape(8, 2)
    with pytest.raises(
        ValueError, match=r"only 1 member.*In your labels these are 'yes'. Early stopping sets rows of ev"
    ):
        MLPClassifier(early_stopping=True).fit(X, ["no"] * 7 + ["yes"])
    with pytest.raises(ValueError, match=r"only 1 member.*In your labels these are 'b', 'c'"):
        MLPClassifier(early_stopping=True).fit(X, ["a"] * 6 + ["b", "c"])
    with pytest.raises(
        ValueError, match=r"The validation set is too small: of 8 rows, validation_fraction=0.1 sets 1 aside"
    ):
        MLPRegressor(early_stopping=True).fit(X, X[:, 0])


def test_evaluations_that_are_used_up_are_said(numbers: Any) -> None:
    X, y = numbers
    with pytest.warns(
        ConvergenceWarning, match=r"after 5 evaluations \(max_fun\) before it came to rest: raise max_fun"
    ):
        model = MLPRegressor((6,), solver="lbfgs", max_fun=5, random_state=0).fit(X, y)
    assert model.n_iter_ <= 5


def test_what_is_constant_is_learned_at_once(numbers: Any) -> None:
    X, _ = numbers
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for given in ({}, {"early_stopping": True}, {"loss": "absolute_error"}):
            model = MLPRegressor(random_state=0, **given).fit(X, np.full(120, 7.5))
            np.testing.assert_array_equal(model.predict(X), np.full(120, 7.5))
        one = MLPClassifier(random_state=0, early_stopping=True).fit(X, ["only"] * 120)
    assert set(one.predict(X)) == {"only"}
    np.testing.assert_array_equal(one.predict_proba(X), np.ones((120, 1)))
    with pytest.raises(ValueError, match="at least 2 classes"):
        MLPClassifierCV((4,), alphas=3).fit(X, ["only"] * 120)
