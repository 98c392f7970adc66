"""Estimators of one strength: scikit-learn's parameters and what they mean here."""

import pickle
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn import neural_network
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ridgewalk import MLPClassifier, MLPClassifierCV, MLPRegressor
from ridgewalk.convert import PenaltyStrength
from ridgewalk.estimators import one_strength

SOLVERS = ["adam", "sgd", "lbfgs"]
QUICK = {"hidden_layer_sizes": (8,), "max_iter": 150, "learning_rate_init": 0.02, "random_state": 0}
pytestmark = pytest.mark.filterwarnings(
    "ignore:Training ended after", "ignore:Stochastic Optimizer", "ignore:lbfgs failed"
)


@pytest.fixture(scope="module")
def cancer():
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
]


@pytest.mark.parametrize("given", WRITTEN_FOR_SCIKIT_LEARN, ids=range(len(WRITTEN_FOR_SCIKIT_LEARN)))
def test_code_written_for_scikit_learn_runs_with_its_import_changed(given, cancer):
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
        assert seen - set(vars(mine)) <= {"validation_scores_", "best_validation_score_"}
        assert [w.shape for w in mine.coefs_] == [w.shape for w in others.coefs_]
        assert [b.shape for b in mine.intercepts_] == [b.shape for b in others.intercepts_]
        for name in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
            assert getattr(mine, name) == getattr(others, name), name
    assert set(neural_network.MLPClassifier().get_params()) <= set(MLPClassifier().get_params())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"solver": "sgd", "learning_rate": "invscaling"}, '"invscaling"|invscaling.*not built'),
        ({"solver": "sgd", "learning_rate": "adaptive"}, "adaptive.*not built"),
        ({"shuffle": False}, "drawn at random"),
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
def test_what_has_no_meaning_here_is_said(given, words):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=words):
        MLPClassifier(**(QUICK | given)).fit(X, y)


def test_scikit_learns_alpha_is_ours_by_the_converter(cancer):
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


@pytest.mark.parametrize("solver", SOLVERS)
def test_no_hidden_layer_is_the_convex_problem(solver, cancer):
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


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_l1_gives_exact_zeros_under_every_solver(solver, l1_ratio, cancer):
    X, y = cancer
    settings = QUICK | {"learning_rate_init": 0.2 if solver == "sgd" else 0.02}
    model = MLPClassifier(solver=solver, alpha=0.01, l1_ratio=l1_ratio, **settings).fit(X, y)
    assert 0.3 < np.mean([(w == 0).mean() for w in model.coefs_]) < 1
    assert model.score(X, y) > 0.95
    assert model.get_support().sum() < 30
    smooth = clone(model).set_params(l1_ratio=0.0).fit(X, y)
    assert (smooth.coefs_[0] != 0).all()


def test_lbfgs_excludes_inputs_and_frees_them(cancer):
    X, y = cancer
    factors = np.ones(30)
    factors[:5], factors[5] = np.inf, 0
    model = MLPClassifier(solver="lbfgs", alpha=0.03, l1_ratio=1.0, penalty_factors=factors, **QUICK).fit(X, y)
    assert not model.get_support()[:5].any()
    assert model.get_support()[5]


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_weight_of_two_is_a_row_twice(solver):
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


def test_class_weights_are_sample_weights():
    X, y = load_iris(return_X_y=True)
    X, y = X[:120], y[:120]  # 50, 50, 20
    settings = QUICK | {"batch_size": None}
    by_class = MLPClassifier(class_weight="balanced", **settings).fit(X, y)
    by_row = MLPClassifier(**settings).fit(X, y, sample_weight=40 / np.array([50, 50, 20])[y])
    np.testing.assert_allclose(by_class.predict_proba(X), by_row.predict_proba(X), rtol=1e-4)
    walked = MLPClassifierCV((4,), alphas=3, max_iter=30, cv=2, random_state=0, class_weight={0: 1, 1: 2, 2: 3})
    plain = clone(walked).set_params(class_weight=None).fit(X, y, sample_weight=y + 1)
    np.testing.assert_array_equal(walked.fit(X, y).predict_proba(X), plain.predict_proba(X))


@pytest.mark.parametrize("face", [MLPClassifier, MLPRegressor])
def test_early_stopping_keeps_the_best_epoch_of_rows_set_aside(face):
    X, y = load_diabetes(return_X_y=True)
    y = (y > y.mean()) if face is MLPClassifier else y
    model = face((100,), early_stopping=True, max_iter=300, learning_rate_init=0.02, random_state=0).fit(X, y)
    curve = np.array(model.validation_loss_curve_)
    assert len(curve) == len(model.loss_curve_) == len(model.penalty_curve_) == model.n_iter_ < 300
    assert model.best_loss_ == curve.min()
    assert curve.argmin() >= model.n_iter_ - 1 - model.n_iter_no_change * 2
    plain = clone(model).set_params(early_stopping=False).fit(X, y)
    assert plain.validation_loss_curve_ is None
    assert plain.best_loss_ == pytest.approx((np.array(plain.loss_curve_) + plain.penalty_curve_).min())


def test_an_evaluation_set_is_followed_and_never_trained_on(cancer):
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
    assert stopped.best_loss_ == pytest.approx(log, rel=1e-3)
    descended = MLPClassifier(**(QUICK | {"solver": "lbfgs"})).fit(X[:400], y[:400], eval_set=(X[400:], y[400:]))
    assert len(descended.validation_loss_curve_) == descended.n_iter_
    with pytest.raises(ValueError, match="not among those known"):
        MLPClassifier(**QUICK).fit(X[:400], y[:400], eval_set=(X[400:], y[400:] + 1))
    with pytest.raises(ValueError, match="one pair"):
        MLPClassifier(**QUICK).fit(X, y, eval_set=[(X, y), (X, y)])


def test_rows_set_aside_teach_nothing(monkeypatch):
    """Early stopping's own rows move no weight before it stops, and no column's mean."""
    X, y = load_diabetes(return_X_y=True)
    aside = {}

    def spy(*arrays, **options):
        halves = split(*arrays, **options)
        aside["rows"] = halves[1]
        return halves

    split = one_strength.train_test_split
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
    assert used[0] or other.best_loss_ != model.best_loss_


def test_warm_start_goes_on(cancer):
    X, y = cancer
    settings = QUICK | {"max_iter": 20, "warm_start": True, "batch_size": None}
    model = MLPClassifier(**settings).fit(X, y)
    first = model.loss_
    assert model.fit(X, y).loss_curve_[0] < 1.1 * first
    assert model.loss_ < first
    with pytest.raises(ValueError, match="warm_start goes on"):
        model.set_params(hidden_layer_sizes=(9,)).fit(X, y)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_learns_from_chunks(solver, cancer):
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


def test_several_starts_are_one_choice_or_one_mean(cancer):
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


@pytest.mark.parametrize("face", [MLPClassifier(**QUICK), MLPClassifierCV((8,), alphas=3, cv=2, max_iter=60)])
def test_several_labels(face):
    X, y = load_iris(return_X_y=True)
    labels = np.stack([y > 0, y > 1, X[:, 0] > 5.8], axis=1).astype(int)
    model = clone(face).set_params(random_state=0).fit(X, labels)
    assert model.predict_proba(X).shape == model.decision_function(X).shape == labels.shape
    np.testing.assert_array_equal(model.predict(X), (model.predict_proba(X) > 0.5).astype(int))
    assert (model.predict(X) == labels).mean() > 0.9
    together = clone(face).set_params(random_state=0, n_seeds=2, ensemble=True).fit(X, labels)
    assert together.decision_function(X).shape == labels.shape


def test_sparse_rows(cancer):
    X, y = cancer
    X = np.where(np.median(X, axis=0) < X, X, 0.0)
    for solver in SOLVERS:
        sparse, dense = (MLPClassifier(solver=solver, **QUICK).fit(rows, y) for rows in (csr_array(X), X))
        np.testing.assert_allclose(sparse.predict_proba(csr_array(X)), sparse.predict_proba(X), rtol=1e-10)
        assert sparse.score(csr_array(X), y) > dense.score(X, y) - 0.02
        assert sparse.transform(csr_array(X)).shape == X.shape


def test_compaction_of_several_starts(cancer):
    X, y = cancer
    model = MLPClassifier(**QUICK, penalty="group_lasso", alpha=0.02, n_seeds=2, ensemble=True).fit(X, y)
    small = model.compact(X)
    np.testing.assert_allclose(small.predict_proba(X), model.predict_proba(X), rtol=1e-9)
    assert small.compaction_.after.inputs < small.compaction_.before.inputs


def test_a_search_over_strengths_and_the_training_that_ended_early():
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
