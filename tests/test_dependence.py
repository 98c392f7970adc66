"""How rows depend: the error of a mean over rows, groups and blocks."""

from typing import Any

import numpy as np
import pytest
from scipy.signal import lfilter

from ridgewalk.path.dependence import ROWS, TIME, Dependence, block_length, error_of, mean_and_error

DRAWS = np.random.default_rng(0)
VALUES = DRAWS.exponential(size=(3, 60))
WEIGHTS = DRAWS.uniform(0.5, 2, 60)
GROUPS = DRAWS.integers(0, 12, 60)


def follow(correlation: float, rows: int, count: int, seed: int = 0) -> Any:
    """Draw series (count, rows) that follow themselves, of deviation 1."""
    news = np.random.default_rng(seed).normal(size=(count, rows + 200))
    return lfilter([np.sqrt(1 - correlation**2)], [1, -correlation], news, axis=1)[:, 200:]


def test_groups_of_one_row_are_rows() -> None:
    of_rows = mean_and_error(VALUES, WEIGHTS)
    alone = Dependence.of_groups(DRAWS.permutation(60))
    np.testing.assert_allclose(mean_and_error(VALUES, WEIGHTS, alone), of_rows, rtol=1e-12)


def test_the_error_of_groups_by_hand() -> None:
    values, groups = np.array([1.0, 3.0, 2.0, 6.0, 5.0]), ["a", "b", "a", "b", "c"]
    mean, error = mean_and_error(values, np.ones(5), Dependence.of_groups(groups))
    sums = np.array([1 + 2 - 2 * 3.4, 3 + 6 - 2 * 3.4, 5 - 3.4]) / 5
    assert mean == pytest.approx(3.4)
    assert error == pytest.approx(np.sqrt(3 / 2 * (sums**2).sum()))


def test_a_row_that_is_there_several_times_counts_once() -> None:
    twice = np.repeat(np.arange(60), 3)
    copies = Dependence.of_groups(twice)
    once = mean_and_error(VALUES, WEIGHTS)
    np.testing.assert_allclose(mean_and_error(VALUES[:, twice], WEIGHTS[twice], copies), once, rtol=1e-12)
    assert (mean_and_error(VALUES[:, twice], WEIGHTS[twice])[1] < 0.6 * once[1]).all()


@pytest.mark.parametrize("dependence", [ROWS, TIME, Dependence.of_groups(GROUPS)], ids=repr)
def test_influences_are_what_the_error_is_made_of(dependence: Dependence) -> None:
    influence, unit = dependence.units(VALUES[:1], WEIGHTS)
    assert influence.shape == (1, unit.max() + 1)
    assert influence.sum() == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(error_of(influence), mean_and_error(VALUES[:1], WEIGHTS, dependence)[1], rtol=1e-12)
    own = WEIGHTS * (VALUES[0] - np.average(VALUES[0], weights=WEIGHTS)) / WEIGHTS.sum()
    np.testing.assert_allclose(influence[0], np.bincount(unit, own), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("dependence", [ROWS, TIME, Dependence.of_groups(np.r_[GROUPS, GROUPS])], ids=repr)
def test_rows_of_weight_zero_are_not_there(dependence: Dependence) -> None:
    there = np.sort(DRAWS.choice(120, 60, replace=False))
    values, weights = np.full((3, 120), np.inf), np.zeros(120)
    values[:, there], weights[there] = VALUES, WEIGHTS
    some = mean_and_error(VALUES, WEIGHTS, dependence.of_rows(there))
    np.testing.assert_array_equal(mean_and_error(values, weights, dependence), some)
    assert (dependence.units(values, weights)[1] >= 0).nonzero()[0].tolist() == there.tolist()


def test_one_group_knows_nothing_of_its_error() -> None:
    _, error = mean_and_error(VALUES, WEIGHTS, Dependence.of_groups(np.zeros(60)))
    assert np.isnan(error).all()


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_blocks_know_the_error_of_a_series(correlation: float) -> None:
    series = follow(correlation, 400, 500)
    mean, error = mean_and_error(series, np.ones(400), TIME)
    true = np.sqrt((1 + correlation) / (1 - correlation) / 400)
    assert mean.std() == pytest.approx(true, rel=0.1)
    assert np.sqrt((error**2).mean()) == pytest.approx(true, rel=0.15)
    covered = (np.abs(mean) < 1.96 * error).mean()
    assert 0.9 < covered < 0.97
    as_rows = mean_and_error(series, np.ones(400))[1]
    assert (np.abs(mean) < 1.96 * as_rows).mean() < covered - (0.1 if correlation else -0.02)


def test_each_series_has_blocks_of_its_own() -> None:
    both = np.concatenate([follow(0.0, 400, 1), follow(0.9, 400, 1)])
    alone = [mean_and_error(each, np.ones(400), TIME)[1] for each in both]
    np.testing.assert_allclose(mean_and_error(both, np.ones(400), TIME)[1], alone, rtol=1e-12)


def test_blocks_are_longer_where_rows_remember_longer() -> None:
    lengths = [block_length(correlation ** np.arange(1, 26), 400) for correlation in (0.0, 0.3, 0.6, 0.9)]
    assert lengths[0] == 1
    assert lengths == sorted(set(lengths))
    # By hand: rho_k = 1/2^k with no lag cut off has G / g = 4/3.
    halves = block_length(0.5 ** np.arange(1, 2001), 10**9)
    assert halves == pytest.approx((1.5 * 10**9 * (4 / 3) ** 2) ** (1 / 3), rel=1e-3)
    assert block_length(np.full(25, 0.99), 400) <= 60
    assert block_length(np.full(2, 0.9), 4) == 1


def test_constants_and_losses_that_are_infinite() -> None:
    values = np.stack([np.ones(60), np.r_[np.inf, VALUES[0, 1:]], VALUES[0]])
    for dependence in (TIME, Dependence.of_groups(GROUPS)):
        mean, error = mean_and_error(values, WEIGHTS, dependence)
        assert error[0] == pytest.approx(0, abs=1e-12)
        assert np.isinf(mean[1])
        assert not np.isfinite(error[1])
        assert error[2] == pytest.approx(mean_and_error(values[2], WEIGHTS, dependence)[1])


def test_what_is_no_dependence_is_refused() -> None:
    unknown: Any = "columns"
    with pytest.raises(ValueError, match="'columns'"):
        Dependence(unknown)
    with pytest.raises(ValueError, match='groups are given with kind "groups"'):
        Dependence("time", GROUPS)
    with pytest.raises(ValueError, match='groups are given with kind "groups"'):
        Dependence("groups")


def test_groups_have_any_names() -> None:
    names = np.array(["b", 1, "b", 2.5, 1], dtype=object)
    np.testing.assert_array_equal(Dependence.of_groups(names).groups, [0, 1, 0, 2, 1])
    assert repr(Dependence.of_groups(names)) == "Dependence('groups', 3 groups of 5 rows)"
