"""With no hidden layer the fit is the convex problem: scikit-learn's solutions to 1e-5, zeros in the same places."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.linear_model import ElasticNet as SkElasticNet
from sklearn.linear_model import Lasso, LogisticRegression, Ridge

from ridgewalk.arrays import per_run
from ridgewalk.engine.job import Fold, Job, Polish
from ridgewalk.engine.reference import train
from ridgewalk.losses import BinaryCrossEntropy, CrossEntropy, SquaredError
from ridgewalk.network import multilayer_perceptron
from ridgewalk.optimizers import Adam
from ridgewalk.penalties import ElasticNet, Sum


def standardized(load):
    X, y = load(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def solve(X, target, loss, alphas, l1_ratio, tolerance=1e-9):
    network = multilayer_perceptron(X.shape[1], [], target.shape[1])
    runs = len(alphas)
    job = Job(
        network=network,
        loss=loss,
        penalties=(ElasticNet(per_run(alphas), l1_ratio), Sum()),
        optimizer=Adam(),
        x=X,
        target=target,
        folds=(Fold.plain(np.ones(len(X)), X.shape[1], target.shape[1]),),
        fold=np.zeros(runs, dtype=int),
        seeds=np.zeros(runs, dtype=int),
        start=tuple(np.zeros((runs, *shape)) for shape in network.shapes),
        epochs=0,
        polish=Polish(20_000, tolerance),
    )
    fits = train(job)
    assert (fits.residual <= 10 * tolerance).all()
    return fits.parameters


def assert_same(ours, theirs):
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    np.testing.assert_array_equal(ours == 0, theirs == 0)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.3, 1.0])
def test_squared_error(l1_ratio):
    X, y = standardized(load_diabetes)
    y = (y - y.mean()) / y.std()
    alphas = [0.5, 0.1, 0.01, 0.001]
    w, b = solve(X, y[:, None] + 3.0, SquaredError(), alphas, l1_ratio)
    for k, alpha in enumerate(alphas):
        if l1_ratio == 0:
            model = Ridge(alpha * len(X), tol=1e-12)
        elif l1_ratio == 1:
            model = Lasso(alpha, tol=1e-12, max_iter=10**6)
        else:
            model = SkElasticNet(alpha, l1_ratio=l1_ratio, tol=1e-12, max_iter=10**6)
        model.fit(X, y + 3.0)
        assert_same(w[k, :, 0], model.coef_)
        assert b[k].item() == pytest.approx(model.intercept_, abs=1e-5)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_binary_logistic(l1_ratio):
    X, y = standardized(load_breast_cancer)
    alphas = [0.1, 0.03, 0.01]
    w, b = solve(X, y[:, None].astype(float), BinaryCrossEntropy(), alphas, l1_ratio)
    for k, alpha in enumerate(alphas):
        solver = (
            {"solver": "saga", "tol": 1e-11, "max_iter": 100_000} if l1_ratio else {"tol": 1e-11, "max_iter": 10_000}
        )
        model = LogisticRegression(C=1 / (alpha * len(X)), l1_ratio=l1_ratio, **solver).fit(X, y)
        assert_same(w[k, :, 0], model.coef_[0])
        assert b[k].item() == pytest.approx(model.intercept_.item(), abs=1e-5)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_multinomial_logistic(l1_ratio):
    X, y = standardized(load_wine)
    alphas = [0.1, 0.02]
    w, b = solve(X, np.eye(3)[y], CrossEntropy(), alphas, l1_ratio)
    for k, alpha in enumerate(alphas):
        solver = (
            {"solver": "saga", "tol": 1e-11, "max_iter": 100_000} if l1_ratio else {"tol": 1e-11, "max_iter": 10_000}
        )
        model = LogisticRegression(C=1 / (alpha * len(X)), l1_ratio=l1_ratio, **solver).fit(X, y)
        assert_same(w[k].T, model.coef_)
        # The intercepts are free up to a constant shared by all classes.
        np.testing.assert_allclose(b[k, 0] - b[k, 0].mean(), model.intercept_ - model.intercept_.mean(), atol=1e-5)


@pytest.mark.parametrize("l1_ratio", [0.4, 1.0])
@pytest.mark.parametrize("load", [load_diabetes, load_breast_cancer, load_wine])
def test_at_the_critical_strength_everything_is_zero_and_just_below_it_is_not(load, l1_ratio):
    X, y = standardized(load)
    loss, target = {
        load_diabetes: (SquaredError(), y[:, None] / y.std()),
        load_breast_cancer: (BinaryCrossEntropy(), y[:, None].astype(float)),
        load_wine: (CrossEntropy(), np.eye(3)[y.astype(int) % 3]),
    }[load]
    null = loss.null_output(target, np.ones(len(X)))
    slope = X.T @ loss.gradient(np.broadcast_to(null, target.shape), target) / len(X)
    critical = float(ElasticNet(0.0, l1_ratio).critical_strength(slope))
    w, b = solve(X, target, loss, [1.5 * critical, critical * (1 + 1e-7), 0.999 * critical], l1_ratio, 1e-11)
    assert (w[:2] == 0).all()
    assert (w[2] != 0).any()
    centred = b[:2, 0] - b[:2, 0].mean() * (target.shape[1] > 1)
    np.testing.assert_allclose(centred, [null - null.mean() * (target.shape[1] > 1)] * 2, atol=1e-5)
