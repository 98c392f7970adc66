"""The scikit-learn estimators: scikit-learn's own checks, and what a user expects beyond them."""

import inspect
import pickle
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import permutation_importance
from sklearn.linear_model import ElasticNet, LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, StratifiedKFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.utils.estimator_checks import parametrize_with_checks

from amounts import WHOLE
from paths import settings_of
from ridgewalk import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV, mlp_path
from ridgewalk.estimators import whole_path
from ridgewalk.path import GroupLassoPath
from ridgewalk.path.result import MLPPath

QUICK: dict[str, Any] = {
    "hidden_layer_sizes": (8,), "alphas": 3, "max_iter": 60, "learning_rate_init": 0.03, "cv": 2, "random_state": 0
}  # fmt: skip


# A row twice and a row of weight 2 are the same to all rows at once, not to batches drawn from them.
QUICK_ONE: dict[str, Any] = {
    "hidden_layer_sizes": (8,), "max_iter": 200, "learning_rate_init": 0.03, "batch_size": None, "random_state": 0,
    "learning_rate": "cosine",
}  # fmt: skip


IN_SINGLE_PRECISION = {
    f"check_sample_weight_equivalence_on_{kind}_data": "asks for 1e-7: docs/decisions/0010"
    for kind in ("dense", "sparse")
}


# The checks fit noise, too: then nothing is kept, and ``transform`` warns, as every selector of scikit-learn does.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:No features were selected", "ignore:Training ended after")
@parametrize_with_checks(
    [
        MLPClassifierCV(**QUICK, dtype="float64"),
        MLPRegressorCV(**QUICK, dtype="float64"),
        MLPClassifier(**QUICK_ONE, dtype="float64"),
        MLPRegressor(**QUICK_ONE, dtype="float64"),
        MLPClassifier(**QUICK_ONE),
        *([MLPRegressorCV(**QUICK)] if WHOLE else []),  # a third of the time of all
    ],
    expected_failed_checks=lambda estimator: IN_SINGLE_PRECISION if estimator.dtype == "float32" else {},
)
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def cancer() -> Any:
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    settings = QUICK | {"alphas": 8, "cv": 3, "max_iter": 200}
    return X, y, MLPClassifierCV(**settings).fit(X, y)


def test_it_predicts_better_than_no_penalty_and_says_so(cancer: Any) -> None:
    X, y, model = cancer
    assert model.score(X, y) > 0.96
    mean = model.path_.row_loss.mean(axis=1)
    assert mean[model.index_] == mean.min() < mean[0]
    assert model.alpha_ == model.alpha_min_ <= model.alpha_1se_
    assert model.alpha_ == model.alphas_[model.index_]


def test_the_sparser_rule_is_sparser(cancer: Any) -> None:
    X, y, model = cancer
    sparse = clone(model).set_params(selection="1se").fit(X, y)
    assert sparse.alpha_ == sparse.alpha_1se_ == model.alpha_1se_
    assert sum((w != 0).sum() for w in sparse.coefs_) < sum((w != 0).sum() for w in model.coefs_)


def test_names_support_and_coefficients_belong_together(cancer: Any) -> None:
    X, _, model = cancer
    assert list(model.feature_names_in_) == list(X.columns)
    np.testing.assert_array_equal(model.get_support(), model.coefs_[0].any(axis=1))
    assert list(model.selected_features_) == list(X.columns[model.get_support()])
    kept = model.set_output(transform="pandas").transform(X)
    assert list(kept.columns) == list(model.selected_features_)
    np.testing.assert_array_equal(kept, X.loc[:, model.get_support()])
    hidden = np.maximum(X.to_numpy() @ model.coefs_[0] + model.intercepts_[0], 0)
    np.testing.assert_allclose(
        (hidden @ model.coefs_[1] + model.intercepts_[1])[:, 0], model.decision_function(X), rtol=1e-6, atol=1e-6
    )


def test_probabilities(cancer: Any) -> None:
    X, _, model = cancer
    chances = model.predict_proba(X)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    logs = model.predict_log_proba(X)
    np.testing.assert_allclose(np.exp(logs), chances, rtol=1e-12)
    assert np.isfinite(model.predict_log_proba(1e6 * X)).all()
    np.testing.assert_array_equal(model.predict(X), model.classes_[chances.argmax(axis=1)])


def test_it_survives_pickling(cancer: Any) -> None:
    X, _, model = cancer
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))


def test_three_classes_with_text_labels() -> None:
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    model = MLPClassifierCV(**QUICK).fit(X, names)
    assert model.predict_proba(X).shape == model.decision_function(X).shape == (150, 3)
    assert model.score(X, names) > 0.9
    assert set(model.predict(X)) <= set(names)


@pytest.mark.slow
def test_inside_pipelines_and_searches() -> None:
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(PolynomialFeatures(2, include_bias=False), MLPClassifierCV(**QUICK))
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.9
    search = GridSearchCV(MLPClassifierCV(**QUICK), {"l1_ratio": [0.1, 1.0]}, cv=2).fit(X, y)
    assert search.best_params_["l1_ratio"] in (0.1, 1.0)


def test_regression_in_its_own_units() -> None:
    X, y = load_diabetes(return_X_y=True)
    model = MLPRegressorCV(**(QUICK | {"max_iter": 200, "alphas": 6})).fit(X, y)
    assert model.score(X, y) > 0.45
    assert model.predict(X).mean() == pytest.approx(y.mean(), rel=0.05)
    assert model.path_.heldout_loss.min() == pytest.approx(0.5 * (0.55 * y.var()), rel=0.25)


def test_several_targets_at_once() -> None:
    X, y = load_diabetes(return_X_y=True)
    both = np.stack([y, -2 * y], axis=1)
    model = MLPRegressorCV(**QUICK).fit(X, both)
    assert model.predict(X).shape == both.shape
    assert model.score(X, both) > 0.3


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["absolute_error", "huber", "poisson"])
def test_other_losses(loss: Any) -> None:
    X, y = load_diabetes(return_X_y=True)
    model = MLPRegressorCV(loss=loss, **QUICK).fit(X, np.round(y / 10))
    assert model.score(X, np.round(y / 10)) > 0.2
    assert loss != "poisson" or (model.predict(X) > 0).all()


def test_no_hidden_layer_is_scikit_learns_elastic_net() -> None:
    X, y = load_diabetes(return_X_y=True)
    X = X / X.std(axis=0)
    path = MLPRegressorCV((), alphas=[0.5, 2.0, 10.0], l1_ratio=0.7, standardize=False, cv=3).fit(X, y).path_
    for index, alpha in list(enumerate(path.alphas))[1:]:
        theirs = ElasticNet(alpha, l1_ratio=0.7, tol=1e-12, max_iter=10**6).fit(X, y)
        w, b = path.model(index).raw_parameters()
        np.testing.assert_allclose(w[:, 0], theirs.coef_, atol=1e-5)
        np.testing.assert_array_equal(w[:, 0] == 0, theirs.coef_ == 0)
        assert b.item() == pytest.approx(theirs.intercept_, abs=1e-5)


def test_any_splitter_will_do() -> None:
    X, y = load_iris(return_X_y=True)
    groups = np.arange(150) % 5
    folds = list(GroupKFold(5).split(X, y, groups))
    model = MLPClassifierCV(**(QUICK | {"cv": folds})).fit(X, y)
    assert model.path_.heldout_loss.shape[1] == 5


def test_seeds_are_averaged_for_the_choice_and_the_best_start_is_kept() -> None:
    X, y = load_iris(return_X_y=True)
    model = MLPClassifierCV(n_seeds=3, **QUICK).fit(X, y)
    path = model.path_
    assert path.heldout_loss.shape[2] == 3
    assert path.best_seed(model.index_) == path.objective[model.index_, -1].argmin()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_everything_handed_over_is_the_best_seeds(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    X, y = load_wine(return_X_y=True)
    monkeypatch.setattr(MLPPath, "best_seed", lambda path, _: min(seed, path.objective.shape[-1] - 1))
    settings = QUICK | {"alphas": [0.01], "max_iter": 200, "n_seeds": 3}
    model = MLPClassifierCV(**settings).fit(X, y)
    path, index = model.path_, model.index_
    kept = path.inputs_kept[index, -1]
    assert (kept[0] != kept[1]).any()
    np.testing.assert_array_equal(model.get_support(), kept[seed])
    arrays = tuple(array[index, seed].astype(float) for array in path.parameters)
    output, _ = path.network.forward((X - path.whole.center) / path.whole.scale, arrays)
    np.testing.assert_allclose(model.decision_function(X), output, rtol=1e-12)


def test_the_same_random_state_gives_the_same_model() -> None:
    X, y = load_iris(return_X_y=True)
    one, two = (MLPClassifierCV(**QUICK, n_jobs=n).fit(X, y) for n in (1, 2))
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    other = MLPClassifierCV(**(QUICK | {"random_state": 1})).fit(X, y)
    assert (one.predict_proba(X) != other.predict_proba(X)).any()


@pytest.mark.slow
def test_an_array_a_frame_and_every_memory_order_are_the_same() -> None:
    X, y = load_iris(return_X_y=True)
    expected = MLPClassifierCV(**QUICK).fit(X, y).predict_proba(X)
    frozen = X.copy()
    frozen.setflags(write=False)
    for given in (pd.DataFrame(X, columns=list("abcd")), np.asfortranarray(X), frozen):
        np.testing.assert_array_equal(MLPClassifierCV(**QUICK).fit(given, y).predict_proba(given), expected)


@pytest.mark.parametrize("fitted", ["fit_path", "select_inputs"], ids=["path", "select_inputs"])
def test_every_parameter_reaches_the_path(monkeypatch: pytest.MonkeyPatch, fitted: Any) -> None:
    X, y = load_iris(return_X_y=True)
    seen: list[Any] = []

    def stop(*arguments: Any) -> None:
        seen.extend(arguments)
        raise InterruptedError

    monkeypatch.setattr(whole_path, fitted, stop)
    given: dict[str, Any] = {
        "hidden_layer_sizes": (3, 2), "activation": "tanh", "alphas": 7, "l1_ratio": 0.2, "penalty": "group_lasso",
        "upper_l2": 0.02, "penalty_factors": [1, 1, 3, 4], "cv": 3, "n_seeds": 4, "schedule": "sequential",
        "max_iter": 9, "learning_rate_init": 0.07, "batch_size": 13, "standardize": False, "dtype": "float64",
        "engine": "reference", "n_jobs": 2, "groups": [0, 0, 1, 2], "bias_alpha": 0.3, "layer_factors": (1.0, 2.0, 3.0),
        "tol": 1e-5, "racing": False,
    }  # fmt: skip
    with pytest.raises(InterruptedError):
        MLPClassifierCV(**given, select_inputs=fitted == "select_inputs", selection="1se", random_state=0).fit(
            X, y, np.arange(150)
        )
    problem, settings, alphas, runner, rule = seen
    assert rule == ("1se" if fitted == "select_inputs" else None)
    theirs = {"learning_rate_init": "learning_rate", "tol": "tolerance"}
    taken = {theirs.get(name, name): value for name, value in given.items()}
    assert isinstance(settings.penalty, GroupLassoPath)
    for values in (vars(settings.penalty), {name: each for name, each in vars(settings).items() if name != "penalty"}):
        assert set(values) <= set(taken)
        for name, value in values.items():
            np.testing.assert_array_equal(value, taken[name])
    assert alphas == 7
    assert (runner.n_jobs, runner.engine) == (2, "reference")
    assert not problem.standardize
    assert len(problem.splits) == 3
    assert len(set(problem.seeds)) == 4
    np.testing.assert_array_equal(problem.weights, np.arange(150))


def test_more_seeds_leave_the_folds_as_they_are() -> None:
    X, y = load_diabetes(return_X_y=True)
    route = settings_of((3,), max_iter=3)
    one, two = (mlp_path(X, y, settings=route, alphas=2, cv=3, n_seeds=n, random_state=0) for n in (1, 2))
    np.testing.assert_allclose(one.heldout_loss[..., 0], two.heldout_loss[..., 0], rtol=1e-12)
    assert (two.heldout_loss[0, :, 0] != two.heldout_loss[0, :, 1]).all()


def test_a_number_of_folds_is_shuffled() -> None:
    X, y = load_diabetes(return_X_y=True)
    route = settings_of((), dtype="float64")
    by_number, in_order = (
        mlp_path(X, y, settings=route, alphas=2, cv=cv, random_state=0).heldout_loss for cv in (3, KFold(3))
    )
    assert (by_number != in_order).all()


def test_a_linear_model_that_is_not_solved_says_so() -> None:
    X, y = load_diabetes(return_X_y=True, scaled=False)
    with pytest.warns(ConvergenceWarning, match="not at its optimum"):
        MLPRegressorCV((), loss="absolute_error", alphas=[0.1], standardize=False, cv=2).fit(X, y)


def test_mlp_path_checks_its_data() -> None:
    X, y = load_iris(return_X_y=True)
    for given, words in (
        ((np.where(X > 7, np.nan, X), y), "NaN"),
        ((X[:, 0], y), "Expected 2D array"),
        ((X, y[:-1]), "inconsistent numbers of samples"),
    ):
        with pytest.raises(ValueError, match=words):
            mlp_path(*given)
    with pytest.raises(ValueError, match="loss is auto"):
        mlp_path(X, X[:, 0], loss="log_loss")
    with pytest.raises(ValueError, match="needs a target of numbers"):
        mlp_path(X, np.array(list("abc"))[y], loss="huber")
    route = settings_of((3,), max_iter=2)
    column = mlp_path(X, y[:, None], settings=route, alphas=1, cv=2)
    assert type(column.loss).__name__ == "CrossEntropy"
    labels = np.stack([y > 0, y > 1], axis=1).astype(int)
    assert type(mlp_path(X, labels, settings=route, alphas=1, cv=2).loss).__name__ == "BinaryCrossEntropy"


def test_mlp_path_names_and_shows_its_options() -> None:
    X, y = load_iris(return_X_y=True)
    with pytest.raises(TypeError, match=r"no option folds: its options are loss, settings, .*, cv, .*, route\."):
        mlp_path(X, y, folds=3)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="n_seeds is at least 1"):
        mlp_path(X=X, y=y, n_seeds=0)
    mlp_path(X, y, cv=2, n_seeds="3") if TYPE_CHECKING else None  # type: ignore[arg-type]
    shown, described = inspect.signature(mlp_path).parameters, inspect.getdoc(mlp_path) or ""
    assert list(shown)[:2] == ["X", "y"]
    assert shown["cv"].default == 5
    for name in shown:
        assert re.search(rf"^(\w+, )?{name}(, \w+)? :", described, re.MULTILINE), name


def test_mlp_path_finds_out_the_loss() -> None:
    X, y = load_iris(return_X_y=True)
    route = settings_of((4,), max_iter=10)
    names = {
        type(mlp_path(X, target, settings=route, alphas=2, cv=2, random_state=0).loss).__name__
        for target in (y, y > 0, np.array(list("abc"))[y], X[:, 0], np.arange(150.0))
    }
    assert names == {"CrossEntropy", "BinaryCrossEntropy", "SquaredError"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cv": 60}, "rarest class has 50: ask for at most 50 folds"),
        ({"loss": "squared_error"}, "'loss' parameter"),
        ({"n_seeds": 0}, "'n_seeds' parameter"),
        ({"selection": "best"}, "'selection' parameter"),
        ({"activation": "sine"}, "'activation' parameter"),
        ({"penalty": "l0"}, "'penalty' parameter"),
        ({"max_iter": 10.5}, "'max_iter' parameter"),
        ({"batch_size": "some"}, "'batch_size' parameter"),
        ({"standardize": "no"}, "'standardize' parameter"),
        ({"alphas": "30"}, "'alphas' parameter"),
        ({"hidden_layer_sizes": (10.7,)}, "at least 1 unit each, whole numbers"),
        ({"hidden_layer_sizes": "32"}, "'hidden_layer_sizes' parameter"),
        ({"penalty_factors": [1, 1]}, "one number per input"),
        ({"penalty_factors": [-1, 1, 1, 1]}, "zero or more per input"),
        ({"penalty_factors": [np.nan, 1, 1, 1]}, "zero or more per input"),
        ({"penalty_factors": [0, np.inf, 0, 0]}, "no input to penalize"),
        ({"n_jobs": 0}, "n_jobs is 1 or more threads"),
    ],
)
def test_mistakes_are_named(change: Any, words: Any) -> None:
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=words):
        MLPClassifierCV(**(QUICK | change)).fit(X, y)


def test_a_regressor_names_its_losses_and_its_folds() -> None:
    X, y = load_diabetes(return_X_y=True)
    with pytest.raises(ValueError, match="'loss' parameter"):
        MLPRegressorCV(**QUICK, loss="hinge").fit(X, y)
    with pytest.raises(ValueError, match="there are only 5: ask for at most 5 folds"):
        MLPRegressorCV(**(QUICK | {"cv": 10})).fit(X[:5], y[:5])


def test_a_choice_among_fits_that_diverged_is_warned_about() -> None:
    X, y = load_iris(return_X_y=True)
    settings = QUICK | {"learning_rate_init": 1e30, "alphas": [0.1], "standardize": False, "n_seeds": 1}
    with pytest.raises(ValueError, match="Every strength diverged"):
        MLPRegressorCV(**settings).fit(1e6 * X, y)


@pytest.mark.slow
def test_they_work_inside_scikit_learns_own(cancer: Any) -> None:
    X, y, _ = cancer
    model, weights = MLPClassifierCV(**QUICK), np.arange(len(X)) % 3
    voting = VotingClassifier([("a", model), ("b", clone(model).set_params(l1_ratio=1.0))], voting="soft").fit(X, y)
    assert voting.score(X, y) > 0.9
    assert CalibratedClassifierCV(model, cv=2).fit(X, y).score(X, y) > 0.9
    importance = permutation_importance(clone(model).fit(X, y), X, y, n_repeats=2, random_state=0)
    assert importance.importances_mean.shape == (30,)
    assert importance.importances_mean.max() > 0
    selecting = make_pipeline(
        MLPClassifierCV(**QUICK, penalty="group_lasso", selection="1se"), LogisticRegression(max_iter=10_000)
    )
    assert selecting.fit(X, y)[-1].n_features_in_ == selecting[0].get_support().sum()
    with config_context(enable_metadata_routing=True):
        routed = clone(model).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        scores = cross_validate(routed, X, y, cv=2, params={"sample_weight": weights}, return_estimator=True)
    train = next(iter(StratifiedKFold(2).split(X, y)))[0]
    by_hand = clone(model).fit(X.iloc[train], y.iloc[train], weights[train])
    np.testing.assert_array_equal(scores["estimator"][0].predict_proba(X), by_hand.predict_proba(X))


@pytest.mark.parametrize("kind", [MLPClassifierCV, MLPRegressorCV, MLPClassifier, MLPRegressor])
def test_the_signature_of_a_class_is_kept_with_it(kind: Any) -> None:
    """Older releases of Python 3.11 would look at ``__new__`` first, and so would help() and scikit-learn's checks."""
    kept = vars(kind)["__signature__"]
    assert list(kept.parameters) == list(inspect.signature(kind.__init__).parameters)[1:]

    class Own(kind):  # type: ignore[misc]
        def __init__(self, alphas: Any = 3) -> None:
            pass

    assert list(inspect.signature(Own).parameters) == ["alphas"]
