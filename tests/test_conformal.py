"""Intervals and sets are those of the papers' formulas, written out here with a matrix of every row and score."""

import tracemalloc
from math import ceil
from typing import Any

import numpy as np
import pytest

from ridgewalk.conformal import (
    Calibration,
    adaptive_scores,
    check_coverage,
    intervals,
    label_sets,
    least_units,
    shares_of,
)

COVERAGES = [0.5, 0.8, 0.9, 0.95, 0.99]


def needed(coverage: float, count: int) -> int:
    """Return ceil(coverage (count + 1)), in whole hundredths."""
    return -(-round(100 * coverage) * (count + 1) // 100)


def folds_of(rows: int, folds: int, seed: int = 0) -> list[Any]:
    return np.array_split(np.random.default_rng(seed).permutation(rows), folds)


def calibration_of(rows: int, folds: int, targets: int = 1, decimals: int = 9) -> Calibration:
    held_out = folds_of(rows, folds)
    scores = np.abs(np.random.default_rng(1).normal(size=(rows, targets))).round(decimals)
    shares, units = shares_of(held_out, np.ones(rows))
    return Calibration(tuple(scores[each] for each in held_out), shares, units)


def predicted_of(folds: int, rows: int, targets: int = 1) -> Any:
    draws = np.random.default_rng(2)
    return draws.normal(size=(1, rows, targets)) + 0.5 * draws.normal(size=(folds, rows, targets))


def slow_intervals(calibration: Calibration, predicted: Any, coverage: float) -> Any:
    """Return ends by equation (11) of Barber et al. (2021) and its q+ and q-: sorted, and counted off."""
    scores = np.concatenate(calibration.scores)
    fold = np.repeat(np.arange(len(predicted)), [len(each) for each in calibration.scores])
    rank = needed(coverage, len(scores))
    low = np.sort(predicted[fold] - scores[:, None], axis=0)
    high = np.sort(predicted[fold] + scores[:, None], axis=0)
    if rank > len(scores):
        return np.full(low.shape[1:], -np.inf), np.full(low.shape[1:], np.inf)
    return low[len(scores) - rank], high[rank - 1]


@pytest.mark.parametrize("coverage", COVERAGES)
@pytest.mark.parametrize("folds", [1, 2, 5, 9])
@pytest.mark.parametrize(("rows", "decimals"), [(9, 9), (19, 1), (99, 9), (203, 1)])
def test_intervals_are_those_of_the_formula(rows: int, decimals: int, folds: int, coverage: float) -> None:
    calibration, predicted = calibration_of(rows, folds, 2, decimals), predicted_of(folds, 30, 2) * [1, 1e4] + [0, 1e6]
    for ours, theirs in zip(
        intervals(calibration, predicted, coverage), slow_intervals(calibration, predicted, coverage), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-15)


def test_one_row_for_each_fold_is_jackknife_plus() -> None:
    calibration, predicted = calibration_of(40, 40), predicted_of(40, 25)
    found = intervals(calibration, predicted, 0.9)
    np.testing.assert_allclose(found, slow_intervals(calibration, predicted, 0.9), rtol=1e-15)


@pytest.mark.parametrize("coverage", COVERAGES)
def test_the_ends_are_finite_from_the_least_number_of_rows_on(coverage: float) -> None:
    least = next(rows for rows in range(1, 200) if needed(coverage, rows) <= rows)
    assert least_units(coverage) == least
    for rows in (least - 1, least):
        if rows:
            low, high = intervals(calibration_of(rows, 1), predicted_of(1, 3), coverage)
            assert (np.isfinite(low) & np.isfinite(high)).all() == (rows == least)
            assert (low < high).all()


def test_a_row_of_weight_two_counts_as_two_rows_and_the_scale_of_weights_as_nothing() -> None:
    draws, predicted = np.random.default_rng(3), predicted_of(3, 40)
    weights, scores = draws.integers(1, 4, 60).astype(float), draws.gamma(1, size=(60, 1))
    held_out = folds_of(60, 3)
    shares, units = shares_of(held_out, weights)
    assert units == 60
    found = Calibration(tuple(scores[each] for each in held_out), shares, units)
    again = Calibration(found.scores, *shares_of(held_out, 1e-7 * weights))
    times = np.repeat(np.arange(60), weights.astype(int))
    for coverage in (0.75, 0.9):
        low, high = intervals(found, predicted, coverage)
        np.testing.assert_array_equal(intervals(again, predicted, coverage), (low, high))
        for end, side in ((low, -1), (high, 1)):  # the same quantile of the rows as often as they weigh
            for k, row in enumerate(predicted[:, :, 0].T):
                fold = np.array([next(j for j in range(3) if i in held_out[j]) for i in times])
                values = np.sort(side * row[fold] + scores[times, 0])
                wanted = values[ceil(round(coverage * 61 / 60 * len(times), 6)) - 1]
                assert side * end[k, 0] == pytest.approx(wanted, rel=1e-14)


def test_a_row_that_several_folds_hold_out_counts_once() -> None:
    scores, predicted = np.abs(np.random.default_rng(4).normal(size=(50, 1))), predicted_of(1, 20)
    held_out = folds_of(50, 5)
    once = Calibration(tuple(scores[each] for each in held_out), *shares_of(held_out, np.ones(50)))
    thrice = Calibration(3 * once.scores, *shares_of(3 * held_out, np.ones(50)))
    assert thrice.units == 50
    assert sum(each.sum() for each in thrice.shares) == pytest.approx(50)
    alike = np.repeat(predicted, 5, axis=0), np.repeat(predicted, 15, axis=0)
    for coverage in COVERAGES:
        for a, b in zip(intervals(once, alike[0], coverage), intervals(thrice, alike[1], coverage), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-15)


def test_groups_are_units_and_their_rows_share_alike() -> None:
    draws = np.random.default_rng(5)
    weights, held_out = draws.uniform(0.5, 2, size=40), folds_of(40, 4)
    single, units = shares_of(held_out, weights)
    of_themselves, of_groups = shares_of(held_out, weights, np.arange(40)[::-1])
    assert units == of_groups == 40
    np.testing.assert_allclose(np.concatenate(of_themselves), np.concatenate(single))
    groups = np.repeat(np.arange(5), [1, 4, 5, 10, 20])
    shares, units = shares_of([np.arange(40)], np.full(40, 3.0), groups)
    assert units == 5
    np.testing.assert_allclose(np.bincount(groups, weights=shares[0]), 1)
    assert np.ptp(shares[0][groups == 4]) == 0
    part, units = shares_of([np.arange(10, 40)], np.ones(40), groups)  # what no fold held out is no unit
    assert units == 2
    np.testing.assert_allclose(np.bincount(groups[10:], weights=part[0])[3:], 1)


@pytest.mark.parametrize("coverage", COVERAGES)
@pytest.mark.parametrize("grouped", [False, True])
def test_of_exchangeable_units_as_many_are_covered_as_asked(grouped: bool, coverage: float) -> None:
    """Each unit is the new one in turn: split conformal, where the theorem is an equality, to one unit."""
    draws = np.random.default_rng(6)
    sizes = draws.integers(1, 9, 60) if grouped else np.ones(60, dtype=int)
    groups = np.repeat(np.arange(60), sizes)
    truth = np.repeat(draws.normal(size=60), sizes) + draws.normal(size=len(groups))
    covered = np.empty(60)
    for new in range(60):
        others = np.flatnonzero(groups != new)
        shares, units = shares_of([others], np.ones(len(groups)), groups if grouped else None)
        calibration = Calibration((np.abs(truth[others])[:, None],), shares, units)
        low, high = intervals(calibration, np.zeros((1, 1, 1)), coverage)
        rows = truth[groups == new]
        covered[new] = ((rows >= low[0, 0]) & (rows <= high[0, 0])).mean()
    wanted = needed(coverage, 59) / 60
    if grouped:
        assert coverage <= covered.mean() <= wanted + 0.05
    else:
        assert covered.mean() == pytest.approx(wanted)


def test_no_array_has_a_place_for_every_row_and_score() -> None:
    calibration, predicted = calibration_of(20_000, 5), predicted_of(5, 20_000)
    tracemalloc.start()
    low, high = intervals(calibration, predicted, 0.9)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * 8 * 20_000  # every row and score would be 20,000 times 8 times 20,000
    some = slice(0, 20_000, 4_000)
    for ours, theirs in zip((low, high), slow_intervals(calibration, predicted[:, some], 0.9), strict=True):
        np.testing.assert_allclose(ours[some], theirs, rtol=1e-15)


def test_a_fold_that_is_far_off_leaves_the_others_exact() -> None:
    calibration, predicted = calibration_of(33, 3), predicted_of(3, 4)
    for far in (1e17, 1e150, -1e299):
        predicted[0] = far * np.array([1, -1, 1, -1])[:, None]
        for ours, theirs in zip(
            intervals(calibration, predicted, 0.5), slow_intervals(calibration, predicted, 0.5), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, rtol=1e-14)


def test_numbers_that_are_not_finite_widen_intervals() -> None:
    calibration, predicted = calibration_of(30, 3), predicted_of(3, 6)
    odd = predicted.copy()
    odd[0, 0], odd[1, 1], odd[2, 2], odd[0, 2] = np.inf, -np.inf, np.nan, 1e308
    low, high = intervals(calibration, odd, 0.9)
    plain = intervals(calibration, predicted, 0.9)
    assert np.isinf(low[:3]).all()
    assert np.isinf(high[:3]).all()
    np.testing.assert_array_equal(low[3:], plain[0][3:])
    odd[0, 2] = predicted[0, 2]
    partly = intervals(calibration, odd, 0.5)  # two of three folds say enough
    assert np.isfinite(partly).all()
    for side, end in ((-1, partly[0]), (1, partly[1])):  # what is not finite counts as beyond every end
        wanted = -slow_intervals(calibration, -np.where(np.isfinite(odd), side * odd, np.inf), 0.5)[0]
        np.testing.assert_allclose(side * end, wanted, rtol=1e-15)
    scores = (np.where(np.arange(10)[:, None] < 2, np.inf, calibration.scores[0]), *calibration.scores[1:])
    missed = Calibration(scores, calibration.shares, calibration.units)
    assert np.isfinite(intervals(missed, predicted, 0.8)[1]).all()
    assert np.isinf(intervals(missed, predicted, 0.95)[1]).all()


def test_adaptive_scores_are_what_stands_before_a_class() -> None:
    draws = np.random.default_rng(7)
    chances = draws.dirichlet(np.ones(5), size=(3, 20))
    wanted = (chances[..., None, :] * (chances[..., None, :] > chances[..., None])).sum(axis=-1)
    np.testing.assert_allclose(adaptive_scores(chances), wanted, atol=1e-15)
    np.testing.assert_array_equal(adaptive_scores(np.array([0.25, 0.25, 0.5])), [0.5, 0.5, 0])
    np.testing.assert_array_equal(adaptive_scores(np.full((1, 4), 0.25)), 0)


def slow_sets(calibration: Calibration, chances: Any, coverage: float) -> Any:
    """Return sets by section 2.3 of Romano et al. (2020): every class against every held-out row."""
    count = sum(map(len, calibration.scores))
    held = np.empty(chances.shape[1:], dtype=bool)
    for row, label in np.ndindex(held.shape):
        below = [
            np.count_nonzero(scores[:, 0] < given[given > given[label]].sum() - 1e-9)
            for given, scores in zip(chances[:, row], calibration.scores, strict=True)
        ]
        held[row, label] = sum(below) < coverage * (count + 1) - 1e-9
    return held


@pytest.mark.parametrize("coverage", COVERAGES)
@pytest.mark.parametrize("folds", [1, 4])
def test_sets_are_those_of_the_formula(folds: int, coverage: float) -> None:
    draws, rows, held_out = np.random.default_rng(8), 60, folds_of(60, folds)
    own = draws.dirichlet(np.ones(4), size=rows)
    truth = (own.cumsum(axis=1) > draws.random((rows, 1))).argmax(axis=1)
    scores = np.take_along_axis(adaptive_scores(own), truth[:, None], axis=1)
    calibration = Calibration(tuple(scores[each] for each in held_out), *shares_of(held_out, np.ones(rows)))
    chances = draws.dirichlet(np.ones(4), size=50) * np.exp(0.3 * draws.normal(size=(folds, 50, 4)))
    chances /= chances.sum(axis=-1, keepdims=True)
    found, wanted = label_sets(calibration, chances, coverage), slow_sets(calibration, chances, coverage)
    np.testing.assert_array_equal(found[wanted.any(axis=1)], wanted[wanted.any(axis=1)])
    assert found.any(axis=1).all()
    assert found.sum() < found.size or coverage > 0.9


def test_a_set_of_none_holds_what_is_most_probable() -> None:
    held_out = [np.arange(10), np.arange(10, 20), np.arange(20, 30)]
    calibration = Calibration(tuple(np.zeros((10, 1)) for _ in held_out), *shares_of(held_out, np.ones(30)))
    chances = np.array([[[0.5, 0.4, 0.1]], [[0.4, 0.5, 0.1]], [[0.1, 0.3, 0.6]]])
    assert not slow_sets(calibration, chances, 0.5).any()
    assert label_sets(calibration, chances, 0.5).tolist() == [[False, True, False]]
    assert label_sets(calibration, chances, 0.9).all()


def test_scores_that_rounding_alone_parts_are_equal() -> None:
    calibration = Calibration((np.full((40, 1), 0.7),), *shares_of([np.arange(40)], np.ones(40)))
    for noise in (-1e-16, 0, 1e-16):
        assert label_sets(calibration, np.array([[[0.7 + noise, 0.3 - noise]]]), 0.9).all()


@pytest.mark.parametrize("odd", [0, 1, -0.1, 90, np.nan, "0.9", None, True, [0.9]])
def test_a_coverage_is_between_0_and_1(odd: Any) -> None:
    with pytest.raises(ValueError, match=r"coverage is a number between 0 and 1, such as 0\.9"):
        check_coverage(odd)


@pytest.mark.parametrize("fine", [0.9, np.float32(0.5), np.float64(0.99)])
def test_any_float_is_a_coverage(fine: Any) -> None:
    assert check_coverage(fine) == float(fine)
