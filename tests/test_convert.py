"""A strength in other libraries' terms: checked against the libraries, and there and back."""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import ElasticNet as SkElasticNet
from sklearn.linear_model import LogisticRegression, Ridge, SGDRegressor
from sklearn.neural_network import MLPRegressor as SkMLPRegressor

from ridgewalk.arrays import per_run
from ridgewalk.convert import PenaltyStrength, lassonet_strength
from ridgewalk.engine import train
from ridgewalk.engine.job import Job, Polish
from ridgewalk.folds import Fold
from ridgewalk.losses import BinaryCrossEntropy, SquaredError
from ridgewalk.network import multilayer_perceptron
from ridgewalk.optimizers import Adam
from ridgewalk.penalties import NO_PENALTY, ElasticNet


def solve(X: Any, y: Any, loss: Any, strength: Any) -> Any:
    """Weights of the linear model under this strength, in ridgewalk's own terms."""
    network = multilayer_perceptron(X.shape[1], [], 1)
    alpha, l1_ratio = strength.elastic_net()
    job = Job(
        network=network, loss=loss, penalties=(ElasticNet(per_run([alpha]), l1_ratio), NO_PENALTY),
        optimizer=Adam(), x=X,
        target=y[:, None].astype(float), folds=(Fold.plain(np.ones(len(X)), X.shape[1], 1),),
        fold=np.zeros(1, dtype=int), seeds=np.zeros(1, dtype=int),
        start=tuple(np.zeros((1, *shape)) for shape in network.shapes), epochs=0, polish=Polish(20_000, 1e-10),
    )  # fmt: skip
    return train(job).parameters[0][0, :, 0]


@pytest.fixture(scope="module")
def diabetes() -> Any:
    X, y = load_diabetes(return_X_y=True)
    return X / X.std(axis=0), (y - y.mean()) / y.std()


@pytest.fixture(scope="module")
def cancer() -> Any:
    X, y = load_breast_cancer(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def test_elastic_net(diabetes: Any) -> None:
    X, y = diabetes
    model = SkElasticNet(0.1, l1_ratio=0.3, tol=1e-12, max_iter=10**6).fit(X, y)
    ours = solve(X, y, SquaredError(), PenaltyStrength.from_elastic_net(0.1, 0.3))
    np.testing.assert_allclose(ours, model.coef_, atol=1e-6)


def test_ridge(diabetes: Any) -> None:
    X, y = diabetes
    ours = solve(X, y, SquaredError(), PenaltyStrength.from_ridge(50.0, len(X)))
    np.testing.assert_allclose(ours, Ridge(50.0, tol=1e-12).fit(X, y).coef_, atol=1e-6)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.4, 1.0])
def test_logistic_regression(cancer: Any, l1_ratio: Any) -> None:
    X, y = cancer
    C, ratio = PenaltyStrength.from_logistic_regression(0.05, len(X), l1_ratio).logistic_regression(len(X))
    assert (C, ratio) == pytest.approx((0.05, l1_ratio))
    model = LogisticRegression(C=C, l1_ratio=ratio, solver="saga", tol=1e-8, max_iter=10**5).fit(X, y)
    ours = solve(X, y, BinaryCrossEntropy(), PenaltyStrength.from_logistic_regression(0.05, len(X), l1_ratio))
    np.testing.assert_allclose(ours, model.coef_[0], atol=1e-4)


def test_scikit_learns_network_solved_at_once(diabetes: Any) -> None:
    X, y = diabetes
    model = SkMLPRegressor(
        hidden_layer_sizes=(),
        activation="identity",
        solver="lbfgs",
        alpha=30.0,
        tol=1e-12,
        max_iter=10**5,
        random_state=0,
    )
    ours = solve(X, y, SquaredError(), PenaltyStrength.from_sklearn_mlp(30.0, len(X)))
    np.testing.assert_allclose(ours, model.fit(X, y).coefs_[0][:, 0], atol=1e-4)


@pytest.mark.parametrize("batch_size", [442, 100])
def test_scikit_learns_network_divides_by_the_rows_of_a_step(diabetes: Any, batch_size: Any) -> None:
    X, y = diabetes
    rate, alpha = 1e-3, 0.7

    def stepped(alpha: Any, rate: Any) -> Any:
        model = SkMLPRegressor(
            hidden_layer_sizes=(4,), activation="tanh", solver="sgd", alpha=alpha,
            learning_rate_init=rate, momentum=0, nesterovs_momentum=False,
            batch_size=batch_size, random_state=0, shuffle=False,
        )  # fmt: skip
        return model.partial_fit(X[:batch_size], y[:batch_size]).coefs_[0]

    start = stepped(0.0, 1e-300)
    penalty_gradient = (stepped(0.0, rate) - stepped(alpha, rate)) / rate
    strength = PenaltyStrength.from_sklearn_mlp(alpha, batch_size)
    np.testing.assert_allclose(penalty_gradient, 2 * strength.l2 * start, rtol=1e-6, atol=1e-10)


def test_sgd_regressor(diabetes: Any) -> None:
    X, y = diabetes
    strength = PenaltyStrength.from_elastic_net(0.2, 0.0)
    model = SGDRegressor(penalty="l2", alpha=0.2, eta0=0.05, power_t=0.5, tol=None, max_iter=400, random_state=0)
    ours = solve(X, y, SquaredError(), strength)
    np.testing.assert_allclose(model.fit(X, y).coef_, ours, atol=0.03)


def test_weight_decay_in_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not among the test dependencies")
    w = torch.nn.Parameter(torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64))
    optimizer = torch.optim.SGD([w], lr=0.1, weight_decay=0.3)
    w.grad = torch.zeros_like(w)
    before = w.detach().clone()
    optimizer.step()
    gradient = (before - w.detach()).numpy() / 0.1
    np.testing.assert_allclose(gradient, 2 * PenaltyStrength.from_weight_decay(0.3).l2 * before.numpy())


@pytest.mark.parametrize("strength", [PenaltyStrength(), PenaltyStrength(0.0, 0.3), PenaltyStrength(0.2, 0.3)])
def test_there_and_back(strength: PenaltyStrength) -> None:
    def same(other: Any) -> None:
        assert (other.l1, other.l2) == (pytest.approx(strength.l1), pytest.approx(strength.l2))

    same(PenaltyStrength.from_elastic_net(*strength.elastic_net()))
    if strength.l2:
        same(PenaltyStrength.from_glmnet_gaussian(*strength.glmnet_gaussian(3.0), 3.0))
        C, l1_ratio = strength.logistic_regression(70)
        same(PenaltyStrength.from_logistic_regression(C, 70, l1_ratio))
    if strength.l1:
        for name in ("ridge", "sklearn_mlp", "nnet"):
            with pytest.raises(ValueError, match=r"has no L1, and this strength has one of 0\.2"):
                getattr(strength, name)(70)
        with pytest.raises(ValueError, match="weight decay has no L1"):
            strength.weight_decay()
        return
    same(PenaltyStrength.from_ridge(strength.ridge(70), 70))
    same(PenaltyStrength.from_sklearn_mlp(strength.sklearn_mlp(70), 70))
    same(PenaltyStrength.from_nnet(strength.nnet(70), 70))
    same(PenaltyStrength.from_weight_decay(strength.weight_decay()))


def test_figures_of_the_conversion_table() -> None:
    glmnet = PenaltyStrength.from_glmnet_gaussian(0.1, 0.25, 2.0)
    assert (glmnet.l1, glmnet.l2) == pytest.approx((0.025, 0.01875))
    assert PenaltyStrength.from_nnet(0.5, 100).l2 == 0.005
    assert lassonet_strength(2.0) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: PenaltyStrength(-1.0), "l1 must be a finite number of zero or more, got -1.0"),
        (lambda: PenaltyStrength(0.0, np.inf), "l2 must be a finite number"),
        (lambda: PenaltyStrength.from_elastic_net(1.0, 1.5), "l1_ratio lies between 0 and 1, got 1.5"),
        (lambda: PenaltyStrength.from_sklearn_mlp(1.0, 0), "batch_size must be above 0, got 0"),
        (lambda: PenaltyStrength.from_logistic_regression(0.0, 5), "C must be above 0"),
        (lambda: lassonet_strength(1.0, 1.0), "momentum lies in"),
    ],
)
def test_mistakes_are_named(make: Any, words: Any) -> None:
    with pytest.raises(ValueError, match=words):
        make()
