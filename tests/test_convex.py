"""With no hidden layer the fit is the convex problem: scikit-learn's solutions to 1e-5, zeros in the same places."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.linear_model import ElasticNet as SkElasticNet
from sklearn.linear_model import Lasso, LogisticRegression, Ridge, enet_path, lars_path, lasso_path
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold, StratifiedKFold

from paths import settings_of
from ridgewalk import mlp_path
from ridgewalk.arrays import per_run
from ridgewalk.engine.job import Job, Polish
from ridgewalk.engine.reference import train
from ridgewalk.folds import Fold, Rows
from ridgewalk.losses import BinaryCrossEntropy, CrossEntropy, Poisson, SquaredError
from ridgewalk.network import multilayer_perceptron
from ridgewalk.objective import Objective, mean_weights
from ridgewalk.optimizers import Adam
from ridgewalk.path.newton import LinearModels
from ridgewalk.penalties import NO_PENALTY, ElasticNet


def standardized(load: Any) -> Any:
    X, y = load(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def solve(X: Any, target: Any, loss: Any, alphas: Any, l1_ratio: Any, tolerance: Any = 1e-9) -> Any:
    network = multilayer_perceptron(X.shape[1], [], target.shape[1])
    runs = len(alphas)
    job = Job(
        network=network,
        loss=loss,
        penalties=(ElasticNet(per_run(alphas), l1_ratio), NO_PENALTY),
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


def assert_same(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    np.testing.assert_array_equal(ours == 0, theirs == 0)


@pytest.mark.slow
@pytest.mark.parametrize("l1_ratio", [0.0, 0.3, 1.0])
def test_squared_error(l1_ratio: Any) -> None:
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


@pytest.mark.slow
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_binary_logistic(l1_ratio: Any) -> None:
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


@pytest.mark.slow
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_multinomial_logistic(l1_ratio: Any) -> None:
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
def test_at_the_critical_strength_everything_is_zero_and_just_below_it_is_not(load: Any, l1_ratio: Any) -> None:
    X, y = standardized(load)
    targets: dict[Any, Any] = {
        load_diabetes: (SquaredError(), y[:, None] / y.std()),
        load_breast_cancer: (BinaryCrossEntropy(), y[:, None].astype(float)),
        load_wine: (CrossEntropy(), np.eye(3)[y.astype(int) % 3]),
    }
    loss, target = targets[load]
    null = loss.null_output(target, np.ones(len(X)))
    slope = X.T @ loss.gradient(np.broadcast_to(null, target.shape), target) / len(X)
    critical = float(ElasticNet(0.0, l1_ratio).critical_strength(slope))
    w, b = solve(X, target, loss, [1.5 * critical, critical * (1 + 1e-7), 0.999 * critical], l1_ratio, 1e-11)
    assert (w[:2] == 0).all()
    assert (w[2] != 0).any()
    centred = b[:2, 0] - b[:2, 0].mean() * (target.shape[1] > 1)
    np.testing.assert_allclose(centred, [null - null.mean() * (target.shape[1] > 1)] * 2, atol=1e-5)


# The path itself, its strengths falling as scikit-learn has them, without the unpenalized arm and without the top: that
# is the critical strength of one training set, where rounding decides whether a weight of 1e-9 is left.


def uneven(load: Any) -> Any:
    """Columns of means other than 0 and deviations from 1/2 to 2."""
    X, y = standardized(load)
    return X * np.geomspace(0.5, 2, X.shape[1]) + np.linspace(-1, 1, X.shape[1]), y


def diabetes() -> Any:
    X, y = uneven(load_diabetes)
    return X, 3 + 2 * (y - y.mean()) / y.std()


def cancer_as_a_number() -> Any:
    X, y = uneven(load_breast_cancer)
    return X, y.astype(float)


def wine_two_classes() -> Any:
    X, y = uneven(load_wine)
    return X, y == 1


def wine_three_classes() -> Any:
    return uneven(load_wine)


def as_seen(values: Any, rows: Any, standardize: Any) -> Any:
    """Columns as a fit on these rows sees them, for fits without intercepts; and what they were divided by."""
    scale = values[rows].std(axis=0) if standardize else 1.0
    return (values - values[rows].mean(axis=0)) / scale, scale


def training_sets(X: Any, splits: Any) -> Any:
    """Rows of every fold, then all rows; and those held out."""
    return [*splits, (np.arange(len(X)), np.empty(0, dtype=int))]


def entries(kept: Any) -> Any:
    """Where on the way down (S, P) each input is first kept; S where it never is."""
    return np.vstack([kept, np.ones(kept.shape[1], dtype=bool)]).argmax(axis=0)


def assert_same_entries(ours: Any, theirs: Any) -> None:
    np.testing.assert_array_equal(entries(ours), entries(theirs))
    assert len(set(entries(theirs))) >= 6  # or there is no order


@pytest.mark.slow
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("l1_ratio", [0.3, 1.0])
def test_the_path_of_squared_error_is_enet_path_on_every_training_set(l1_ratio: Any, standardize: Any) -> None:
    X, y = diabetes()
    splits = list(KFold(3, shuffle=True, random_state=0).split(X))
    path = mlp_path(X, y, settings=settings_of((), l1_ratio=l1_ratio), standardize=standardize, alphas=30, cv=splits)
    below = path.alphas[-2:0:-1]
    solver = lasso_path if l1_ratio == 1 else partial(enet_path, l1_ratio=l1_ratio)
    for k, (rows, held_out) in enumerate(training_sets(X, splits)):
        x, _ = as_seen(X, rows, standardize)
        target, unit = as_seen(y, rows, standardize)
        theirs = solver(x[rows], target[rows], alphas=below, tol=1e-14, max_iter=10**6)[1].T
        kept, penalty = path.inputs_kept[-2:0:-1, k, 0], path.penalty[-2:0:-1, k, 0]
        assert_same_entries(kept, theirs != 0)
        np.testing.assert_array_equal(kept, theirs != 0)
        sizes = l1_ratio * np.abs(theirs) + (1 - l1_ratio) / 2 * theirs**2
        np.testing.assert_allclose(penalty, below * sizes.sum(axis=1), atol=1e-5)
        if held_out.size:
            errors = unit * (target[held_out, None] - x[held_out] @ theirs.T)
            np.testing.assert_allclose(path.heldout_loss[-2:0:-1, k, 0], (errors**2).mean(axis=0) / 2, atol=1e-5)
        else:
            assert_same(path.parameters[0][-2:0:-1, 0, :, 0], theirs)


@pytest.mark.slow
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("l1_ratio", [0.3, 1.0])
def test_the_grid_is_the_one_that_enet_path_makes_for_itself(l1_ratio: Any, standardize: Any) -> None:
    X, y = diabetes()
    splits = list(KFold(3, shuffle=True, random_state=0).split(X))
    path = mlp_path(X, y, settings=settings_of((), l1_ratio=l1_ratio), standardize=standardize, alphas=100, cv=splits)
    grids = []
    for rows, _ in training_sets(X, splits):
        x, target = as_seen(X, rows, standardize)[0], as_seen(y, rows, standardize)[0]
        grids.append(enet_path(x[rows], target[rows], l1_ratio=l1_ratio)[0])
    assert len({grid[0] for grid in grids}) == len(grids)
    np.testing.assert_allclose(path.alphas[:0:-1], max(grids, key=max), rtol=1e-10)  # one grid serves all training sets


@pytest.mark.slow
@pytest.mark.parametrize("load", [diabetes, cancer_as_a_number])
def test_the_lasso_bends_and_inputs_enter_at_the_knots_of_least_angle_regression(load: Any) -> None:
    X, y = load()
    path = mlp_path(X, y, loss="squared_error", settings=settings_of((), l1_ratio=1.0), alphas=60, cv=2, random_state=0)
    every = np.arange(len(X))
    knots, _, corners = lars_path(as_seen(X, every, True)[0], as_seen(y, every, True)[0], method="lasso")
    below, ours = path.alphas[-2:0:-1], path.parameters[0][-2:0:-1, 0, :, 0]
    theirs = np.array([np.interp(below, knots[::-1], corner[::-1]) for corner in corners]).T
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    entered = np.append(knots, 0.0)[entries(corners.T != 0) - 1]  # at the knot where it enters, a weight is still 0
    assert_same_entries(ours != 0, below[:, None] < entered)


@pytest.mark.slow
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("load", [wine_two_classes, wine_three_classes])
def test_the_path_of_classes_is_the_logistic_one_on_every_training_set(load: Any, standardize: Any) -> None:
    X, y = load()
    splits = list(StratifiedKFold(2, shuffle=True, random_state=0).split(X, y))
    given: dict[str, Any] = {"settings": settings_of((), l1_ratio=1.0), "standardize": standardize, "cv": splits}
    top = mlp_path(X, y, alphas=1, **given).alphas[-1]
    path = mlp_path(X, y, alphas=np.geomspace(top / 50, top, 25), **given)
    below = range(len(path.alphas) - 2, 0, -1)
    for k, (rows, held_out) in enumerate(training_sets(X, splits)):
        x, _ = as_seen(X, rows, standardize)
        model = LogisticRegression(l1_ratio=1, solver="saga", tol=1e-9, max_iter=10**5, warm_start=True, random_state=0)
        theirs = []
        for s in below:
            model.set_params(C=1 / (path.alphas[s] * len(rows))).fit(x[rows], y[rows])
            theirs.append(model.coef_.T.copy())
            # Where all weights are 0, saga stops before its intercepts have come to rest.
            if held_out.size and model.coef_.any():
                loss = log_loss(y[held_out], model.predict_proba(x[held_out]))
                assert path.heldout_loss[s, k, 0] == pytest.approx(loss, abs=1e-5)
        kept = (np.array(theirs) != 0).any(axis=-1)
        np.testing.assert_array_equal(path.inputs_kept[below, k, 0], kept)
        assert_same_entries(path.inputs_kept[below, k, 0], kept)
    assert_same(path.parameters[0][below, 0], np.array(theirs))


def wide(loss: Any, rows: int = 40, columns: Any = 300, classes: Any = 3) -> Rows:
    """Draw more columns than rows, of which some copy others, and a target that suits the loss."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(rows, columns))
    x[:, 200:] = x[:, :100]
    s = x[:, :classes] + 0.3 * generator.normal(size=(rows, classes))
    target = {
        "squared_error": s[:, :1],
        "log_loss": (s[:, :1] > 0).astype(float),
        "classes": np.eye(classes)[s.argmax(axis=1)],
        "poisson": np.floor(np.exp(s[:, :1])),
    }[loss]
    return Rows(np.arange(rows), x, target, generator.uniform(0.5, 2, size=rows))


LOSSES: dict[str, Any] = {
    "squared_error": SquaredError(),
    "log_loss": BinaryCrossEntropy(),
    "classes": CrossEntropy(),
    "poisson": Poisson(),
}


@pytest.mark.slow
@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
@pytest.mark.parametrize("loss", LOSSES)
def test_newtons_method_solves_a_chain_of_wide_models(loss: Any, l1_ratio: Any) -> None:
    # With l1_ratio 1 as many weights move as there are rows, and the equations of a step have many solutions.
    rows = wide(loss)
    network = multilayer_perceptron(rows.x.shape[1], [], rows.target.shape[1])
    point: Any = tuple(np.zeros(shape) for shape in network.shapes)
    models = LinearModels(rows)
    for alpha in np.geomspace(0.5, 0.005, 8):
        objective = Objective(network, LOSSES[loss], (ElasticNet(alpha, l1_ratio), NO_PENALTY))
        point, solved = models.solved(objective, point, 1e-8)
        assert solved
        stacked = tuple(w[None] for w in point)
        slopes = objective.data_gradient(stacked, rows.x, rows.target, mean_weights(rows.weights))
        assert objective.residual(stacked, slopes) <= 1e-8
    assert 0 < np.count_nonzero(point[0]) < rows.x.shape[1]


def test_of_least_squares_that_fit_alike_the_smallest_is_taken() -> None:
    rows = wide("squared_error")
    network = multilayer_perceptron(rows.x.shape[1], [], 1)
    objective = Objective(network, SquaredError(), (NO_PENALTY, NO_PENALTY))
    (w, b), _ = LinearModels(rows).solved(objective, tuple(np.zeros(shape) for shape in network.shapes), 1e-8)
    with_ones = np.hstack([rows.x, np.ones((len(rows.x), 1))])
    np.testing.assert_allclose(np.vstack([w, b]), np.linalg.pinv(with_ones) @ rows.target, atol=1e-9)


def test_a_wide_path_is_scikit_learns() -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(60, 500))
    y = 2 * x[:, 0] + x[:, 1] + 0.3 * generator.normal(size=60)
    path = mlp_path(x, y, settings=settings_of(hidden_layer_sizes=(), l1_ratio=1.0), alphas=6, cv=3, random_state=0)
    assert path.residual.max() <= 1e-8
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    _, coefficients, _ = lasso_path(
        scaled, (y - y.mean()) / y.std(), alphas=path.alphas[:0:-1], tol=1e-12, max_iter=100_000
    )
    for k, alpha_coefficients in enumerate(coefficients.T[::-1], start=1):
        np.testing.assert_allclose(path.parameters[0][k, 0, :, 0], alpha_coefficients, atol=1e-6)
