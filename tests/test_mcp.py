"""With no hidden layer MCP is what coordinate descent finds (Breheny and Huang, Ann. Appl. Stat. 2011)."""

from itertools import islice, product
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from amounts import amount
from ridgewalk import mlp_path
from ridgewalk.arrays import per_run
from ridgewalk.engine import Runner, compiled, reference
from ridgewalk.engine.job import Job, Polish
from ridgewalk.engine.reference import accelerated_descent
from ridgewalk.folds import Fold
from ridgewalk.losses import BinaryCrossEntropy, SquaredError
from ridgewalk.network import multilayer_perceptron
from ridgewalk.objective import Objective
from ridgewalk.optimizers import Adam
from ridgewalk.path import PathProblem, PathSettings
from ridgewalk.path.families import GroupMCPPath, MCPPath
from ridgewalk.path.jobs import by_strength, every_pair, penalties_at, zero_starts
from ridgewalk.path.linear import solve_linear
from ridgewalk.path.several_starts import solve_path
from ridgewalk.penalties import L2, MCP, NO_PENALTY, GroupMCP, Sum

ENGINES = pytest.mark.parametrize("engine", [reference, compiled], ids=["reference", "compiled"])


def standardized(X: Any, y: Any) -> Any:
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def drawn(rows: int, inputs: Any, correlation: Any, seed: int = 0) -> Any:
    """Columns of mean 0 and deviation 1, every pair of them about so correlated, and a target of four of them."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(rows, inputs)) + np.sqrt(correlation / (1 - correlation)) * generator.normal(
        size=(rows, 1)
    )
    X, _ = standardized(X, None)
    w = np.zeros(inputs)
    w[:4] = [1.0, -0.7, 0.5, 0.3]
    return X, X @ w + 0.5 * generator.normal(size=rows)


def descend(X: Any, y: Any, strength: Any, gamma: Any, start: Any, passes: Any = 20_000) -> Any:
    """Minimize ``1/(2n) |y - b - X w|^2 + MCP`` one weight at a time; the columns have mean 0 and deviation 1."""
    w, n = start.copy(), len(X)
    left = y - y.mean() - X @ w
    for _ in range(passes):
        before = w.copy()
        for j in range(len(w)):
            z = X[:, j] @ left / n + w[j]
            moved = _firm(z, strength, 1.0, gamma)
            left -= X[:, j] * (moved - w[j])
            w[j] = moved
        if np.abs(w - before).max() < 1e-13:
            break
    return w, y.mean()


def descend_logistic(X: Any, y: Any, strength: Any, gamma: Any, start: Any, passes: Any = 20_000) -> Any:
    """Minimize the mean logistic loss + MCP one weight at a time, its curvature bounded by 1/4."""
    w, b, n = start.copy(), 0.0, len(X)
    output = X @ w
    for _ in range(passes):
        before, b_before = w.copy(), b
        shift = 4 * (y - 1 / (1 + np.exp(-output))).mean()
        b, output = b + shift, output + shift
        for j in range(len(w)):
            z = 4 * X[:, j] @ (y - 1 / (1 + np.exp(-output))) / n + w[j]
            moved = _firm(z, strength, 0.25, gamma)
            output += X[:, j] * (moved - w[j])
            w[j] = moved
        if max(np.abs(w - before).max(), abs(b - b_before)) < 1e-13:
            break
    return w, b


def _firm(z: Any, strength: Any, curvature: Any, gamma: Any) -> Any:
    """Minimize ``curvature/2 (w - z)^2 + MCP``, for ``gamma > 1 / curvature``."""
    if abs(z) > gamma * strength:
        return z
    return np.sign(z) * max(curvature * abs(z) - strength, 0.0) / (curvature - 1 / gamma)


def polished(engine: Any, X: Any, y: Any, loss: Any, strengths: Any, gamma: Any, start: Any) -> Any:
    network, runs = multilayer_perceptron(X.shape[1], [], 1), len(strengths)
    job = Job(
        network=network,
        loss=loss,
        penalties=(MCP(per_run(strengths), gamma), NO_PENALTY),
        optimizer=Adam(),
        x=X,
        target=y.reshape(-1, 1).astype(float),
        folds=(Fold.plain(np.ones(len(X)), X.shape[1], 1),),
        fold=np.zeros(runs, dtype=int),
        seeds=np.zeros(runs, dtype=int),
        start=(np.tile(start[:, None], (runs, 1, 1)), np.zeros((runs, 1, 1))),
        epochs=0,
        polish=Polish(20_000, 1e-10),
    )
    fits = engine.train(job)
    return fits, fits.data_loss + fits.penalty


def values(X: Any, y: Any, loss: Any, w: Any, b: Any, strength: Any, gamma: Any) -> Any:
    rows = loss.values((X @ w + b)[None, :, None], y.reshape(-1, 1).astype(float))
    return float(rows.mean() + MCP(strength, gamma).value(w[:, None]))


STRENGTHS = (0.02, 0.1, 0.3, 0.6)
CASES: dict[str, Any] = {
    "drawn": lambda: drawn(200, 12, 0.3),
    "correlated": lambda: drawn(100, 30, 0.8),
    "wide": lambda: drawn(40, 60, 0.3),
    "diabetes": lambda: standardized(*load_diabetes(return_X_y=True)),
}


def made(case: Any) -> Any:
    X, y = CASES[case]()
    return X, (y - y.mean()) / y.std()


def ridge_start(X: Any, y: Any) -> Any:
    return np.linalg.solve(X.T @ X / len(X) + 0.1 * np.eye(X.shape[1]), X.T @ (y - y.mean()) / len(X))


@ENGINES
@pytest.mark.parametrize("case", ["drawn", "correlated"])
def test_where_the_objective_is_convex_there_is_one_answer(engine: Any, case: Any) -> None:
    X, y = made(case)
    gamma = 1.05 / np.linalg.eigvalsh(X.T @ X / len(X))[0]
    fits, _ = polished(engine, X, y, SquaredError(), STRENGTHS, gamma, ridge_start(X, y))
    assert fits.residual.max() <= 1e-8
    for strength, w, b in zip(STRENGTHS, *fits.parameters, strict=True):
        theirs, constant = descend(X, y, strength, gamma, np.zeros(X.shape[1]))
        np.testing.assert_allclose(w[:, 0], theirs, atol=1e-5)
        np.testing.assert_array_equal(w[:, 0] == 0, theirs == 0)
        assert b.item() == pytest.approx(constant, abs=1e-5)


@ENGINES
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("gamma", [1.5, 3.0])
def test_elsewhere_each_rests_where_the_other_ends(engine: Any, case: Any, gamma: Any) -> None:
    # What either finds is one of several local minima, of which now the one, now the other is lower.
    X, y = made(case)
    fits, objectives = polished(engine, X, y, SquaredError(), STRENGTHS[1:], gamma, np.zeros(X.shape[1]))
    assert fits.residual.max() <= 1e-7
    for strength, w, objective in zip(STRENGTHS[1:], fits.parameters[0], objectives, strict=True):
        after, b = descend(X, y, strength, gamma, w[:, 0])
        np.testing.assert_allclose(after, w[:, 0], atol=1e-5)
        np.testing.assert_array_equal(after == 0, w[:, 0] == 0)
        assert objective <= values(X, y, SquaredError(), after, b, strength, gamma) + 1e-8
        theirs, b = descend(X, y, strength, gamma, np.zeros(X.shape[1]))
        there, ours = polished(engine, X, y, SquaredError(), [strength], gamma, theirs)
        assert ours.item() <= values(X, y, SquaredError(), theirs, b, strength, gamma) + 1e-8
        np.testing.assert_allclose(there.parameters[0][0, :, 0], theirs, atol=1e-5)


@ENGINES
@pytest.mark.parametrize(("case", "gamma"), [("drawn", 1.5), ("drawn", 3.0), ("diabetes", 3.0)])
def test_of_few_columns_both_find_the_same_from_the_same_start(engine: Any, case: Any, gamma: Any) -> None:
    X, y = made(case)
    for start in (np.zeros(X.shape[1]), ridge_start(X, y)):
        _, objectives = polished(engine, X, y, SquaredError(), STRENGTHS, gamma, start)
        for strength, objective in zip(STRENGTHS, objectives, strict=True):
            w, b = descend(X, y, strength, gamma, start)
            assert objective <= values(X, y, SquaredError(), w, b, strength, gamma) + 1e-8


@ENGINES
def test_two_classes(engine: Any) -> None:
    X, y = made("drawn")
    y = (y + np.random.default_rng(1).logistic(size=len(y)) > 0).astype(float)
    strengths, start = (0.02, 0.05, 0.15), np.zeros(X.shape[1])
    fits, objectives = polished(engine, X, y, BinaryCrossEntropy(), strengths, 8.0, start)
    assert fits.residual.max() <= 1e-7
    for strength, w, b, objective in zip(strengths, *fits.parameters, objectives, strict=True):
        after, constant = descend_logistic(X, y, strength, 8.0, w[:, 0])
        np.testing.assert_allclose(after, w[:, 0], atol=1e-4)
        np.testing.assert_array_equal(after == 0, w[:, 0] == 0)
        assert constant == pytest.approx(b.item(), abs=1e-4)
        assert objective <= values(X, y, BinaryCrossEntropy(), after, constant, strength, 8.0) + 1e-8
        theirs, constant = descend_logistic(X, y, strength, 8.0, start)
        _, ours = polished(engine, X, y, BinaryCrossEntropy(), [strength], 8.0, theirs)
        assert ours.item() <= values(X, y, BinaryCrossEntropy(), theirs, constant, strength, 8.0) + 1e-8


@pytest.mark.parametrize("gamma", [0.3, 1.5])
@pytest.mark.parametrize("kind", [MCP, GroupMCP])
def test_polishing_a_network_never_raises_the_objective_and_ends_at_rest(kind: Any, gamma: Any) -> None:
    # Its first rate is 1, at which a prox of gamma 0.3 jumps.
    X, y = made("drawn")
    network = multilayer_perceptron(12, [6], 1, activation="tanh")
    target, weights = y[:, None], np.ones(len(y))
    objective = Objective(
        network, SquaredError(), (kind(0.1, gamma), NO_PENALTY, Sum((kind(0.05, gamma), L2(0.01))), NO_PENALTY)
    )
    arrays = network.starts("glorot", [0, 1], np.dtype(np.float64))
    descent = accelerated_descent(objective, arrays, X, target, weights, 1e-4)
    before: Any = np.inf
    for polished_arrays in islice(descent, 4_000):
        arrays = polished_arrays
        after = objective.data_loss(arrays, X, target, weights) + objective.penalty(arrays)
        assert (after <= before + 1e-14).all()
        before = after
    residual = objective.residual(arrays, objective.data_gradient(arrays, X, target, weights))
    assert (residual <= 1e-4).all()


@pytest.mark.slow
def test_a_path_is_seldom_above_coordinate_descent_from_0_and_along_its_path() -> None:
    above, below, cells = 0, 0, 0
    for seed, (rows, inputs), gamma in product(range(amount(2, 6)), ((60, 12), (40, 60)), (1.5, 3.0)):
        X, y = drawn(rows, inputs, 0.5, seed)
        y = (y - y.mean()) / y.std()
        strengths = np.geomspace(0.02, 0.6, 6)
        settings = PathSettings((), penalty=MCPPath(gamma=gamma))
        one = [(np.arange(2, rows), np.arange(2))]
        path = mlp_path(X, y, settings=settings, alphas=strengths, cv=one, loss="squared_error", standardize=False)
        weights, biases = (array[1:, 0].astype(float) for array in path.parameters)
        w = np.zeros(inputs)
        for s in range(len(strengths))[::-1]:
            starts = [np.zeros(inputs), w]  # the second: its own answer at the strength before
            found = [descend(X, y, strengths[s], gamma, start) for start in starts]
            theirs = [values(X, y, SquaredError(), each, b, strengths[s], gamma) for each, b in found]
            w = found[int(np.argmin(theirs))][0]
            ours = values(X, y, SquaredError(), weights[s, :, 0], biases[s].item(), strengths[s], gamma)
            above, below, cells = above + (ours > min(theirs) + 1e-8), below + (ours < min(theirs) - 1e-8), cells + 1
    assert above <= 0.1 * cells
    assert below > above


def test_more_starts_never_end_higher_and_give_the_same_bits() -> None:
    X, y = drawn(60, 12, 0.8)
    strengths = np.geomspace(0.02, 0.6, 6)
    for family in (MCPPath(gamma=1.5), GroupMCPPath(gamma=1.5)):
        problem = PathProblem.of(X, y[:, None], SquaredError(), [(np.arange(30), np.arange(30, 60))], (0,))
        settings = PathSettings((), penalty=family)
        first, again = (solve_path(problem, settings, Runner(), strengths) for _ in range(2))
        alphas, pairs = every_pair(problem, strengths)
        zeros, penalties = zero_starts(problem, settings, len(strengths)), penalties_at(problem, settings, alphas)
        alone = by_strength(solve_linear(problem, settings, Runner(), pairs, penalties, zeros), problem.pairs)
        gains = []
        for one, same, other in zip(first, again, alone, strict=True):
            np.testing.assert_array_equal(one.parameters[0], same.parameters[0])
            assert one.residual.max() <= 1e-7
            gains += (other.data_loss + other.penalty - one.data_loss - one.penalty).tolist()
        assert min(gains) >= -1e-12
        assert max(gains) > 1e-4
