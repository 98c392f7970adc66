"""The linear baseline reaches the exact solver's objective to its tolerance, in few steps, and ends where it may."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import KFold

from paths import settings_of
from ridgewalk import MLPClassifierCV, MLPRegressorCV
from ridgewalk.diagnostics import findings, rules, wording
from ridgewalk.diagnostics.evidence import chosen_by_others, less_linear
from ridgewalk.diagnostics.statistics import NORMAL, Effect
from ridgewalk.engine import Runner
from ridgewalk.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Poisson,
    SquaredError,
    curvature_diagonal,
)
from ridgewalk.path import baseline
from ridgewalk.path.active_sets import minimized
from ridgewalk.path.fit import fit_path
from ridgewalk.path.law import null_objectives
from ridgewalk.path.problem import PathProblem
from ridgewalk.report.answer import note
from ridgewalk.report.summary import sentences, summarize

ROWS, INPUTS = 150, 12
DRAWS = np.random.default_rng(1)
X = DRAWS.normal(size=(ROWS, INPUTS))
X[:, 1] = X[:, 0] + 0.05 * X[:, 1]  # nearly the same column
X[:, 2] = 3.0  # a constant
SIGNAL = X @ (0.5 * DRAWS.normal(size=INPUTS)) - 1
NOISE = DRAWS.normal(size=(ROWS, 2))
CLASSES = np.digitize(SIGNAL + NOISE[:, 0], [-1.5, 0, 0.5])
NUMBERS = (SIGNAL + NOISE[:, 0])[:, None]
LABELS = (NUMBERS > 0).astype(float)
TARGETS: dict[str, tuple[Any, Any]] = {
    "squared": (SquaredError(), NUMBERS),
    "two targets": (SquaredError(), np.column_stack([NUMBERS, 2 * SIGNAL + NOISE[:, 1]])),
    "two classes": (BinaryCrossEntropy(), LABELS),
    "labels": (BinaryCrossEntropy(), np.column_stack([LABELS, CLASSES > 1]).astype(float)),
    "four classes": (CrossEntropy(), np.eye(4)[CLASSES]),
    "huber": (Huber(), NUMBERS),
    "poisson": (Poisson(), DRAWS.poisson(np.exp(SIGNAL))[:, None].astype(float)),
}
PENALTIES: dict[str, dict[str, Any]] = {
    "elastic net": {},
    "l1": {"l1_ratio": 1.0},
    "l2": {"l1_ratio": 0.0},
    "factors": {"penalty_factors": np.array([0, np.inf] + [1, 2] * 5)},
    "penalized biases": {"bias_alpha": 0.05},
    "groups": {"penalty": "group_lasso", "groups": np.arange(INPUTS) // 2},
}


BOOTSTRAP = [
    (train, np.setdiff1d(np.arange(ROWS), train)) for train in np.random.default_rng(8).integers(0, ROWS, (3, ROWS))
]


def problem_of(loss: Any, target: Any, x: Any = X, weights: Any = None, standardize: bool = True) -> PathProblem:
    splits = list(KFold(3, shuffle=True, random_state=0).split(np.zeros(len(target))))
    weights = np.ones(len(target)) if weights is None else weights
    return PathProblem.of(x, target, loss, splits, (0,), weights, standardize)


def assert_near_optimum(problem: PathProblem, settings: Any) -> None:
    """Check that no objective is above the exact one by more than a share of the null model's; nor below it.

    Where a row's outputs are tied to each other, by a softmax, a step promises too little, and it ends earlier.
    """
    tolerance = 2e-3 if isinstance(problem.loss, CrossEntropy) else 5e-4
    found = baseline.fit_baseline(problem, settings, 12, Runner())
    exact = fit_path(problem, baseline.baseline_settings(settings), found.alphas, Runner())
    assert baseline._fits_at_once(problem)
    above = (found.objective - exact.objective[-len(found.alphas) :]) / exact.objective.max()
    assert above.max() < tolerance
    assert above.min() > -1e-6
    np.testing.assert_allclose(found.train_loss, exact.train_loss[-len(found.alphas) :], rtol=0.05, atol=0.01)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("target", TARGETS)
def test_it_is_the_optimum_to_a_tolerance(target: Any, penalty: Any) -> None:
    assert_near_optimum(problem_of(*TARGETS[target]), settings_of(**PENALTIES[penalty]))


@pytest.mark.parametrize("target", ["squared", "four classes"])
@pytest.mark.parametrize(
    "given",
    [
        {"x": csr_array(X * (DRAWS.random(X.shape) < 0.4))},
        {"weights": DRAWS.integers(0, 4, ROWS).astype(float)},
        {"standardize": False},
    ],
    ids=["sparse", "weights", "as they are"],
)
def test_it_is_the_optimum_of_other_tables(target: Any, given: Any) -> None:
    assert_near_optimum(problem_of(*TARGETS[target], **given), settings_of())


@pytest.mark.parametrize("target", TARGETS)
def test_it_is_the_optimum_of_rows_that_are_drawn_several_times(target: Any) -> None:
    loss, values = TARGETS[target]
    assert_near_optimum(PathProblem.of(X, values, loss, BOOTSTRAP), settings_of())


@pytest.mark.parametrize("target", ["squared", "two classes"])
def test_of_many_columns_those_enter_that_gain(target: Any) -> None:
    draws = np.random.default_rng(2)
    x = draws.normal(size=(60, 400)) + 1e6  # the slopes of all columns come from columns as they are
    y = (x[:, :3].sum(axis=1) - 3e6 + draws.normal(size=60))[:, None]
    problem = problem_of(TARGETS[target][0], y if target == "squared" else (y > 0).astype(float), x)
    assert_near_optimum(problem, settings_of())
    lines = baseline.Lines(problem, null_objectives(problem, baseline.baseline_settings(settings_of()), Runner()))
    assert not lines.used.size


@pytest.mark.parametrize("target", TARGETS)
def test_it_takes_few_steps(monkeypatch: pytest.MonkeyPatch, target: Any) -> None:
    made: list[baseline.Lines] = []

    class Counted(baseline.Lines):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            made.append(self)

    monkeypatch.setattr(baseline, "Lines", Counted)
    path = baseline.fit_baseline(problem_of(*TARGETS[target]), settings_of(), 15, Runner())
    assert made[0].steps <= 5 * len(path.alphas)
    assert made[0].quadratics <= (1 if "squared" in target or "targets" in target else 3 * len(path.alphas))


def test_it_ends_where_weaker_strengths_lose() -> None:
    draws = np.random.default_rng(3)
    x = draws.normal(size=(80, 40))
    target = (x[:, [0]] + draws.normal(size=(80, 1)) > 0).astype(float)
    problem = problem_of(BinaryCrossEntropy(), target, x)
    path = baseline.fit_baseline(problem, settings_of(), 15, Runner())
    whole = baseline.fit_baseline(problem, settings_of(), 15, Runner(), score=lambda *_: 0.0)
    assert len(path.alphas) < len(whole.alphas) == 15
    assert whole.alphas[0] > 0
    np.testing.assert_array_equal(path.heldout_loss, whole.heldout_loss[-len(path.alphas) :])
    assert path.heldout_loss.mean(axis=(1, 2)).min() == whole.heldout_loss.mean(axis=(1, 2)).min()


def test_losses_without_curvature_and_large_tables_are_left_to_the_exact_solver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = problem_of(AbsoluteError(), NUMBERS)
    found = baseline.fit_baseline(problem, settings_of(), 4, Runner())
    exact = fit_path(problem, baseline.baseline_settings(settings_of()), 4, Runner())
    np.testing.assert_array_equal(found.objective, exact.objective)
    assert baseline._fits_at_once(problem_of(SquaredError(), NUMBERS))
    monkeypatch.setattr(baseline, "_MOST_NUMBERS", 4 * ROWS * (INPUTS - 1))
    assert not baseline._fits_at_once(problem_of(SquaredError(), NUMBERS))


def test_a_path_that_outgrows_its_columns_ends_there(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = np.random.default_rng(2)
    x = draws.normal(size=(60, 400))
    problem = problem_of(SquaredError(), x[:, :40].sum(axis=1)[:, None], x)
    monkeypatch.setattr(baseline, "_FEWEST_COLUMNS", 10)
    whole = baseline.fit_baseline(problem, settings_of(), 15, Runner())
    monkeypatch.setattr(baseline, "_MOST_NUMBERS", 4 * 60 * 60)
    part = baseline.fit_baseline(problem, settings_of(), 15, Runner())
    assert 1 < len(part.alphas) < len(whole.alphas)
    np.testing.assert_array_equal(part.alphas, whole.alphas[-len(part.alphas) :])


def test_of_very_many_rows_a_part_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline, "_MOST_ROWS", 100)
    monkeypatch.setattr(baseline, "_ROWS_PER_WEIGHT", 1)
    model = MLPRegressorCV((4,), alphas=4, max_iter=60, cv=3, random_state=0).fit(X, NUMBERS[:, 0])
    assert np.count_nonzero(model.linear_path_.row_weights) == 100
    summary = model.summary()
    assert summary["linear"] is not None
    assert summary["linear"]["rows"] == 100
    assert "Linear model: 100 rows." in note(summary["answer"])
    alone = summarize(model.path_, "min", linear=summary["linear"])
    assert any("(100 of the rows)" in sentence for sentence in sentences(alone))
    used = model.linear_path_.row_weights > 0
    assert summary["linear"]["network_loss"] == pytest.approx(model.heldout_scores().rows[used].mean())


def test_columns_that_nearly_copy_each_other() -> None:
    draws = np.random.default_rng(7)
    places = np.linspace(0, 1, 80)
    bumps = np.exp(-(((places - draws.random((12, 1))) / 0.3) ** 2))  # spectra: smooth along the columns
    x = draws.gamma(2.0, size=(120, 12)) @ bumps
    y = x[:, [5]] - 2 * x[:, [40]] + x[:, [70]] + 0.02 * draws.normal(size=(120, 1))
    assert_near_optimum(problem_of(SquaredError(), y, x), settings_of())


def test_a_step_that_goes_too_far_is_shortened() -> None:
    rates = np.exp(np.clip(2 * SIGNAL, -3, 5))
    assert_near_optimum(problem_of(Poisson(), DRAWS.poisson(rates)[:, None].astype(float)), settings_of())


@pytest.mark.parametrize("target", TARGETS)
def test_the_diagonal_of_the_curvature(target: Any) -> None:
    loss, values = TARGETS[target]
    outputs = np.random.default_rng(4).normal(size=(2, *values.shape))
    found = curvature_diagonal(loss, outputs, values)
    assert found is not None
    for output, diagonal in zip(outputs, found, strict=True):
        np.testing.assert_allclose(diagonal, np.diagonal(loss.curvature(output, values), axis1=1, axis2=2))


@pytest.mark.parametrize("far", [0, 1])
def test_a_block_ends_at_its_minimum(far: int) -> None:
    draws = np.random.default_rng(5)
    root = draws.normal(size=(9, 30, 14))
    matrix, slope = root.transpose(0, 2, 1) @ root / 30, draws.normal(size=(9, 14))
    start, l1 = far * draws.normal(size=(9, 14)), np.full((9, 14), 0.3)
    free = np.ones((9, 14), dtype=bool)
    l1[:, 0], free[:, 1], start[:, 1] = 0, False, 0
    end = minimized(matrix, slope, start, l1, free, 0.0)
    left = slope + (matrix @ (end - start)[:, :, None])[:, :, 0]
    moved = np.where(end != 0, np.abs(left + l1 * np.sign(end)), np.maximum(np.abs(left) - l1, 0))
    assert moved[free].max() < 1e-7
    assert (end == 0).any()
    assert not end[:, 1].any()


def test_a_block_of_columns_that_nearly_copy_each_other_comes_near_its_minimum() -> None:
    draws = np.random.default_rng(0)
    x = np.cumsum(draws.normal(size=(150, 100)), axis=1) + 20 * draws.normal(size=(150, 1))
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    pull = x.T @ (x[:, 10] - 2 * x[:, 50] + x[:, 90]) / 150
    matrix, l1, free = (x.T @ x / 150)[None], np.full((1, 100), 0.003), np.ones((1, 100), dtype=bool)

    def value(point: Any) -> float:
        return float((0.5 * point @ matrix[0] * point - pull * point + l1 * np.abs(point)).sum())

    once = end = minimized(matrix, -pull[None], np.zeros((1, 100)), l1, free, 0.0)
    for _ in range(20):
        end = minimized(matrix, end @ matrix[0] - pull, end, l1, free, 0.0)
    assert value(once) < 0.9 * value(end) < 0


def effect_between(low: float, high: float) -> Effect:
    half = (high - low) / 2
    return Effect((low + high) / 2, half / NORMAL, half / NORMAL, 0.0, 0.0, half, 400, 5, 3)


@pytest.mark.parametrize(
    ("low", "high", "kind", "said"),
    [
        (-0.3, -0.1, findings.BetterThanLinear, "lower by 0.2 nats (95% interval 0.1 to 0.3)"),
        (-0.005, 0.004, findings.LinearPredictsAsWell, "changes by -0.0005 nats (95% interval -0.005 to +0.004)"),
        (0.1, 0.3, findings.LinearPredictsBetter, "higher by 0.2 nats (95% interval 0.1 to 0.3)"),
        (-0.3, 0.3, findings.NotToldFromLinear, "changes by +0 nats (95% interval -0.3 to +0.3)"),
    ],
)
def test_how_a_network_stands_to_a_linear_model(low: float, high: float, kind: Any, said: str) -> None:
    found = rules.against_linear(effect_between(low, high), "nats", 0.01)
    assert (type(found) if found else None) == kind
    assert not found or said in wording.words(found).sentence
    assert rules.against_linear(effect_between(np.nan, np.nan), "nats", 0.01) is None


def test_it_is_shown_beside_the_network() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    model = MLPClassifierCV((4,), alphas=5, max_iter=80, learning_rate_init=0.03, cv=3, random_state=0).fit(x, y)
    scores, less = (
        chosen_by_others(model.linear_path_, "min"),
        less_linear(model.heldout_scores(), model.linear_path_, "min"),
    )
    assert scores is not None
    assert less is not None
    told = model.summary()["linear"]
    assert told is not None
    assert told["heldout_loss"] == pytest.approx(model.linear_loss_)
    assert told["network_loss"] == pytest.approx(model.heldout_loss_)
    assert told["network_less_linear"] == pytest.approx(model.heldout_loss_ - model.linear_loss_)
    assert told["difference_error"] == pytest.approx(
        (model.heldout_scores().rows - scores.rows).std(ddof=1) / np.sqrt(len(x))
    )
    difference = next(each for each in model.summary()["answer"]["differences"] if each["than"] == "linear")
    assert difference["loss"]["value"] == pytest.approx(less.mean)
    assert difference["loss"]["standard_error"] == pytest.approx(less.error)
    assert (difference["low"], difference["high"]) == pytest.approx((less.low, less.high))
    numbers = model.diagnose(references=False).numbers
    assert numbers["less_linear"] == pytest.approx(less.mean)


def test_a_linear_model_that_predicts_as_well_is_found() -> None:
    draws = np.random.default_rng(6)
    x = draws.normal(size=(600, 3))
    model = MLPRegressorCV((4,), alphas=5, max_iter=150, learning_rate_init=0.03, cv=3, random_state=0)
    model.fit(x, x @ [1.0, 2.0, 3.0] + 2 * draws.normal(size=600))
    diagnosis = model.diagnose(references=False)
    assert diagnosis.holds("a linear model predicts as well")
    assert "Besides: a linear model predicts as well" in diagnosis.headline
    linear = replace(model.path_, settings=model.linear_path_.settings)
    model.path_ = linear
    assert model.summary()["linear"] is None
