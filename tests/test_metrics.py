"""Laws of the metrics: their values are scikit-learn's, and their errors those of the papers, by other formulas."""

from typing import Any

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import norm
from sklearn.metrics import (
    accuracy_score,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

from ridgewalk.diagnostics.metrics import HeldOutPredictions, metric_rows
from ridgewalk.losses import BinaryCrossEntropy, CrossEntropy, Loss, SquaredError
from ridgewalk.objective import weighted_mean
from ridgewalk.path.dependence import mean_and_error

ROWS = 120
CASES: dict[str, tuple[Loss, int]] = {
    "two classes": (BinaryCrossEntropy(), 1),
    "classes": (CrossEntropy(), 4),
    "labels": (BinaryCrossEntropy(), 3),
    "number": (SquaredError(), 1),
    "numbers": (SquaredError(), 2),
}


def drawn(case: str, folds: int = 4, starts: int = 1, weighted: bool = False, seed: int = 0) -> Any:
    """Draw targets, predictions that know something of them, folds and weights; ties among them."""
    loss, outputs = CASES[case]
    draws = np.random.default_rng(seed)
    noise = draws.normal(size=(starts, ROWS, outputs))
    if case == "classes":
        target = np.eye(outputs)[draws.permutation(ROWS) % outputs]
        values = softmax((target + noise).round(1), axis=-1)
    elif "number" in case:
        target = 50 + 10 * draws.normal(size=(ROWS, outputs))
        values = target + 6 * noise
    else:
        target = (draws.random((ROWS, outputs)) < [0.3, 0.5, 0.7][:outputs]).astype(float)
        values = (1 / (1 + np.exp(-(2 * target - 1 + noise)))).round(2)
    rows = [np.arange(k, ROWS, folds) for k in range(folds)]
    weights = draws.choice([0.0, 0.5, 1.0, 2.0], ROWS) if weighted else np.ones(ROWS)
    return loss, target, weights, HeldOutPredictions(rows, [values[:, each] for each in rows]), values


def auc_of(target: Any, values: Any, weights: Any) -> float:
    """Mean over columns of scikit-learn's AUC, each against the rest."""
    columns = range(target.shape[1])
    return float(np.mean([roc_auc_score(target[:, c], values[:, c], sample_weight=weights) for c in columns]))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("starts", [1, 3])
@pytest.mark.parametrize("case", CASES)
def test_values_are_scikit_learns(case: str, starts: int, weighted: bool) -> None:
    loss, target, weights, predicted, values = drawn(case, starts=starts, weighted=weighted)
    found = {name: weighted_mean(rows, weights) for name, rows in metric_rows(predicted, target, weights, loss).items()}
    expected: dict[str, list[float]] = {name: [] for name in found}
    used = weights > 0
    for each in values:
        given: Any = {"sample_weight": weights}
        if "number" in case:
            expected["R2"].append(r2_score(target, each, **given))
            expected["RMSE"].append(root_mean_squared_error(target, each, **given))
            expected["MAE"].append(mean_absolute_error(target, each, **given))
            continue
        if case == "classes":
            expected["accuracy"].append(accuracy_score(target.argmax(axis=1), each.argmax(axis=1), **given))
        else:
            one = [accuracy_score(target[:, c], each[:, c] > 0.5, **given) for c in range(target.shape[1])]
            expected["accuracy"].append(float(np.mean(one)))
        folds = [rows[used[rows]] for rows in predicted.rows]
        areas = [auc_of(target[rows], each[rows], weights[rows]) for rows in folds]
        expected["AUC"].append(np.average(areas, weights=[weights[rows].sum() for rows in folds]))
    assert found == pytest.approx({name: np.mean(each) for name, each in expected.items()}, rel=1e-12)


def test_the_auc_of_classes_is_scikit_learns_own_of_more_than_two() -> None:
    loss, target, weights, predicted, values = drawn("classes", folds=1)
    rows = metric_rows(predicted, target, weights, loss)["AUC"]
    expected = roc_auc_score(target.argmax(axis=1), values[0], multi_class="ovr", average="macro")
    assert weighted_mean(rows, weights) == pytest.approx(expected, rel=1e-12)


def test_the_error_of_an_auc_is_delongs() -> None:
    loss, target, weights, predicted, values = drawn("two classes", folds=1)
    rows = metric_rows(predicted, target, weights, loss)["AUC"]
    score, positive = values[0, :, 0], target[:, 0] > 0
    kernel = (score[positive][:, None] > score[~positive]) + 0.5 * (score[positive][:, None] == score[~positive])
    assert (kernel == 0.5).any()
    variance = sum(kernel.mean(axis=axis).var(ddof=1) / kernel.shape[1 - axis] for axis in (0, 1))
    mean, error = mean_and_error(rows, weights)
    assert mean == pytest.approx(kernel.mean(), rel=1e-12)
    assert error == pytest.approx(np.sqrt(variance), rel=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_errors_are_those_of_rows_drawn_anew(case: str) -> None:
    """The bootstrap over rows, with scikit-learn's metrics, knows nothing of the delta method."""
    loss, target, weights, predicted, values = drawn(case, folds=1)
    draws = np.random.default_rng(1)
    found: Any = {name: [] for name in metric_rows(predicted, target, weights, loss)}
    for _ in range(300):
        times = np.bincount(draws.integers(ROWS, size=ROWS), minlength=ROWS).astype(float)
        again = metric_rows(HeldOutPredictions([np.arange(ROWS)], [values]), target, times, loss)
        for name, rows in again.items():
            found[name].append(weighted_mean(rows, times))
    for name, rows in metric_rows(predicted, target, weights, loss).items():
        _, error = mean_and_error(rows, weights)
        assert error == pytest.approx(np.std(found[name]), rel=0.15), name


@pytest.mark.parametrize("case", CASES)
def test_a_row_that_several_folds_hold_out_counts_once(case: str) -> None:
    loss, target, weights, predicted, _ = drawn(case)
    once = metric_rows(predicted, target, weights, loss)
    twice = metric_rows(HeldOutPredictions([*predicted.rows] * 2, [*predicted.values] * 2), target, weights, loss)
    for name, rows in once.items():
        np.testing.assert_allclose(twice[name], rows, rtol=1e-10)


@pytest.mark.parametrize("case", CASES)
def test_rows_of_weight_0_and_rows_that_nobody_holds_out_say_nothing(case: str) -> None:
    loss, target, weights, predicted, values = drawn(case)
    weights[::5] = 0
    wrong = np.where(weights[:, None] > 0, values, 0.123)
    other = HeldOutPredictions(predicted.rows, [wrong[:, each] for each in predicted.rows])
    fewer = HeldOutPredictions(
        [each[weights[each] > 0] for each in predicted.rows],
        [values[:, each[weights[each] > 0]] for each in predicted.rows],
    )
    found = [metric_rows(each, target, weights, loss) for each in (predicted, other, fewer)]
    for name, rows in found[0].items():
        for each in found[1:]:
            np.testing.assert_allclose(mean_and_error(each[name], weights), mean_and_error(rows, weights), rtol=1e-12)


def test_what_is_not_defined_is_no_number() -> None:
    loss, target, weights, predicted, values = drawn("two classes", folds=ROWS)
    alone = metric_rows(predicted, target, weights, loss)  # each fold holds a single row out
    assert np.isnan(alone["AUC"]).all()
    assert np.isfinite(alone["accuracy"]).all()
    single = np.zeros_like(target)
    single[3] = 1
    rows = metric_rows(HeldOutPredictions([np.arange(ROWS)], [values]), single, weights, loss)["AUC"]
    _, error = mean_and_error(rows, weights)
    assert np.isnan(error)  # of one row of a class there is no spread
    loss, target, weights, predicted, values = drawn("number")
    same = metric_rows(predicted, np.ones_like(target), weights, loss)
    assert np.isnan(same["R2"]).all()
    assert np.isfinite(same["RMSE"]).all()
    for case in CASES:
        loss, target, weights, predicted, values = drawn(case)
        values[0, 7] = np.nan
        lost = HeldOutPredictions(predicted.rows, [values[:, each] for each in predicted.rows])
        for name, rows in metric_rows(lost, target, weights, loss).items():
            assert not np.isfinite(weighted_mean(rows, weights)), name


def test_rows_of_a_fold_have_its_auc_as_their_mean() -> None:
    """So that what is a mean over folds, or over groups that folds hold, knows how they differ."""
    loss, target, weights, predicted, _ = drawn("two classes", folds=3)
    rows = metric_rows(predicted, target, weights, loss)["AUC"]
    areas = [roc_auc_score(target[each], p[0]) for each, p in zip(predicted.rows, predicted.values, strict=True)]
    means = np.array([rows[each].mean() for each in predicted.rows])
    assert np.ptp(areas) > 0.05
    np.testing.assert_allclose(means, areas, atol=0.05 * np.ptp(areas))


def test_a_constant_has_an_auc_of_one_half_and_no_error() -> None:
    """Pooled over folds it would have less: a fold without many of a class leaves more of them to learn from."""
    loss, target, weights, predicted, _ = drawn("two classes", folds=7)
    shares = [np.full((1, len(rows), 1), np.delete(target, rows).mean()) for rows in predicted.rows]
    rows = metric_rows(HeldOutPredictions(predicted.rows, shares), target, weights, loss)["AUC"]
    np.testing.assert_array_equal(rows, 0.5)


def test_what_is_met_exactly_has_no_error() -> None:
    loss, target, weights, predicted, _ = drawn("numbers")
    exact = HeldOutPredictions(predicted.rows, [target[None, rows] for rows in predicted.rows])
    found = metric_rows(exact, target, weights, loss)
    assert {name: tuple(map(float, mean_and_error(rows, weights))) for name, rows in found.items()} == {
        "R2": (1.0, 0.0),
        "RMSE": (0.0, 0.0),
        "MAE": (0.0, 0.0),
    }


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "positive", "folds"), [(200, 60, 5), (200, 10, 5), (400, 200, 10)])
def test_the_error_of_an_auc_within_folds_is_its_deviation(rows: int, positive: int, folds: int) -> None:
    draws, areas, errors = np.random.default_rng(0), [], []
    target = (np.arange(rows) < positive)[:, None].astype(float)
    for _ in range(400):
        score = 1.2 * target[:, 0] + draws.normal(size=rows)
        mixed = np.r_[draws.permutation(positive), positive + draws.permutation(rows - positive)]
        held_out = [mixed[fold::folds] for fold in range(folds)]
        shifted = [score[each][None, :, None] + draws.normal() for each in held_out]  # no fold has another's scale
        values = HeldOutPredictions(held_out, [1 / (1 + np.exp(-each)) for each in shifted])
        found = metric_rows(values, target, np.ones(rows), BinaryCrossEntropy())["AUC"]
        area, error = mean_and_error(found, np.ones(rows))
        areas.append(float(area))
        errors.append(float(error))
    assert np.mean(areas) == pytest.approx(norm.cdf(1.2 / np.sqrt(2)), abs=0.01)
    assert np.mean(errors) == pytest.approx(np.std(areas), rel=0.1)
