"""The confidence set, the band and the corrected minimum: against a literal bootstrap, and against known truths."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from ridgewalk.path.confidence import band, confidence_set, corrected_minimum, pair_variance
from ridgewalk.path.dependence import ROWS, TIME, Dependence, mean_and_error

ROWS_OF_A_TABLE = 120
ONES = np.ones(ROWS_OF_A_TABLE)


def losses(means: Any, seed: int = 0, rows: int = ROWS_OF_A_TABLE) -> Any:
    """Draw losses (S, N) that share the rows' hardness, with these expected values."""
    generator = np.random.default_rng(seed)
    hard = generator.exponential(size=rows)
    return np.asarray(means)[:, None] + hard - 1 + 0.3 * generator.normal(size=(len(means), rows))


def literal_p_values(row_loss: Any, draws: int, seed: int) -> Any:
    """Compute them as they are defined: a normal number for every row, the largest studentized difference."""
    generator = np.random.default_rng(seed)
    count = row_loss.shape[1]
    multipliers = generator.normal(size=(draws, count))
    found = []
    for s, loss in enumerate(row_loss):
        differences = np.delete(loss - row_loss, s, axis=0)
        mean, deviation = differences.mean(axis=1), differences.std(axis=1, ddof=1)
        largest = (np.sqrt(count) * mean / deviation).max()
        centered = (differences - mean[:, None]) / deviation[:, None]
        found.append(((multipliers @ centered.T / np.sqrt(count)).max(axis=1) >= largest).mean())
    return np.array(found)


def test_p_values_are_those_of_the_multiplier_bootstrap() -> None:
    table = losses([0.0, 0.01, 0.015, 0.04], rows=1000)
    literal = literal_p_values(table, 4000, 1)
    found = confidence_set(table, np.ones(1000)).p_values
    np.testing.assert_allclose(found, literal, atol=0.04)  # of 4,000 and 5,000 draws
    assert ((found > 0.01) & (found < 0.98)).sum() == 3  # at which the two could differ


def test_what_is_clearly_worse_is_out_and_the_lowest_is_in() -> None:
    found = confidence_set(losses([0.0, 0.0, 1.0, 5.0]), ONES)
    assert found.members.tolist()[2:] == [False, False]
    assert (found.p_values[2:] == 0).all()
    for seed in range(20):
        table = losses([0.0] * 5, seed)
        assert confidence_set(table, ONES, level=0.01).members[table.mean(axis=1).argmin()]


def test_a_higher_level_has_a_larger_set() -> None:
    table = losses([0.0, 0.02, 0.05, 0.08])
    sets = [confidence_set(table, ONES, level=level).members for level in (0.3, 0.7, 0.95, 0.999)]
    assert all((small <= large).all() for small, large in pairwise(sets))
    assert sets[0].sum() < sets[-1].sum()


def test_strengths_with_the_same_losses_are_in_together() -> None:
    table = losses([0.0, 0.05, 0.05, 2.0])
    table[2] = table[1]
    found = confidence_set(table, ONES)
    assert found.p_values[1] == pytest.approx(found.p_values[2], abs=1e-9)
    shifted = np.stack([table[0], table[0] + 1e-3])  # worse in every row alike: no chance explains that
    assert confidence_set(shifted, ONES).members.tolist() == [True, False]
    assert confidence_set(table[[0, 0]], ONES).members.all()


@pytest.mark.slow
def test_the_set_holds_each_of_equal_strengths_as_often_as_it_says() -> None:
    held = np.mean([confidence_set(losses([0.0] * 4, seed), ONES).members for seed in range(200)])
    assert held == pytest.approx(0.95, abs=0.04)


@pytest.mark.parametrize("dependence", ["groups", "time"])
def test_units_count_and_not_rows(dependence: str) -> None:
    """Rows that stand there three times, as groups of three, tell what one of each tells."""
    table, weights = losses([0.0, 0.05, 0.1]), np.random.default_rng(0).uniform(0.5, 2, ROWS_OF_A_TABLE)
    copies = np.repeat(np.arange(ROWS_OF_A_TABLE), 3)
    if dependence == "time":  # blocks are longer than three rows
        plain = confidence_set(table[:, copies], np.ones(len(copies))).p_values
        assert confidence_set(table[:, copies], np.ones(len(copies)), TIME).p_values[1] > 2 * plain[1] > 0
        return
    groups = Dependence.of_groups(copies)
    once = confidence_set(table, weights).p_values
    np.testing.assert_allclose(confidence_set(table[:, copies], weights[copies], groups).p_values, once, atol=1e-9)
    single = band(table, weights)
    curve = band(table[:, copies], weights[copies], groups)
    np.testing.assert_allclose([curve.low, curve.high], [single.low, single.high], rtol=1e-9)
    # What pairs bring grows with the units, on average over the strengths.
    more = [band(t, w, d, pairs=np.ones(3)).error for t, w, d in
            ((table, weights, ROWS), (table[:, copies], weights[copies], groups))]  # fmt: skip
    np.testing.assert_allclose(more[1], more[0], rtol=0.01)
    one, other = corrected_minimum(table, weights), corrected_minimum(table[:, copies], weights[copies], groups)
    assert (other.loss, other.error) == pytest.approx((one.loss, one.error))
    assert band(table[:, copies], weights[copies]).error[0] < 0.6 * band(table, weights).error[0]


def test_rows_of_weight_zero_say_nothing() -> None:
    table, weights = losses([0.0, 0.05, 0.1]), np.r_[ONES, np.zeros(30)]
    more = np.hstack([table, np.full((3, 30), np.nan)])
    np.testing.assert_array_equal(confidence_set(more, weights).p_values, confidence_set(table, ONES).p_values)
    np.testing.assert_array_equal(band(more, weights).high, band(table, ONES).high)
    assert corrected_minimum(more, weights) == corrected_minimum(table, ONES)


def test_what_diverged_is_never_the_best() -> None:
    table = losses([0.0, 0.0, 0.1])
    table[0, 3] = np.inf
    table[2, 5] = np.nan
    assert confidence_set(table, ONES).members.tolist() == [False, True, False]
    found = band(table, ONES)
    assert np.isinf(found.high[[0, 2]]).all()
    assert np.isfinite([found.low[1], found.high[1]]).all()
    assert corrected_minimum(table, ONES).loss == pytest.approx(table[1].mean())
    for function in (confidence_set, band, corrected_minimum):
        with pytest.raises(ValueError, match="Every strength diverged"):
            function(np.full((2, 4), np.nan), np.ones(4))


@pytest.mark.parametrize("level", [0, 1, -0.1, 95, np.nan])
def test_a_level_is_a_probability(level: Any) -> None:
    for function in (confidence_set, band):
        with pytest.raises(ValueError, match="probability between 0 and 1"):
            function(losses([0.0, 1.0]), ONES, ROWS, level)


@pytest.mark.slow
def test_the_band_covers_all_means_at_once_as_often_as_it_says() -> None:
    means, missed, width = np.linspace(0, 1, 6), np.zeros(2), []
    for seed in range(150):
        found = band(losses(means, seed), ONES)
        missed += [(found.low > means).any(), (found.high < means).any()]
        width.append((found.high - found.loss) / (found.loss - found.low))
    assert 1 <= missed.sum() <= 17  # 7.5 are expected
    assert np.mean(width) > 1.1  # the losses have a long tail above
    narrow = band(losses(means), ONES, level=0.5)
    assert ((narrow.low < narrow.loss) & (narrow.loss < narrow.high)).all()
    assert (narrow.high < band(losses(means), ONES).high).all()


def test_an_interval_of_one_strength_is_the_band_of_a_path_of_one() -> None:
    table = losses([0.0, 0.05, 0.1])
    every, each = band(table, ONES), band(table, ONES, simultaneous=False)
    assert (every.simultaneous, each.simultaneous) == (True, False)
    for s in range(3):
        alone = band(table[[s]], ONES)
        np.testing.assert_allclose([each.low[s], each.high[s]], [alone.low[0], alone.high[0]], rtol=1e-12)
    assert (every.low < each.low).all()
    assert (each.high < every.high).all()
    table[1, 3] = np.inf
    np.testing.assert_array_equal(np.isinf(band(table, ONES, simultaneous=False).high), [False, True, False])


def test_one_group_knows_nothing() -> None:
    table, one = losses([0.0, 0.5, 1.0]), Dependence.of_groups(np.zeros(ROWS_OF_A_TABLE))
    assert confidence_set(table, ONES, one).members.all()
    for simultaneous in (True, False):
        found = band(table, ONES, one, simultaneous=simultaneous)
        assert (found.low == -np.inf).all()
        assert (found.high == np.inf).all()
    corrected = corrected_minimum(table, ONES, one)
    assert np.isnan(corrected.error)
    assert corrected.loss == pytest.approx(table[0].mean())


@pytest.mark.parametrize("kind", ["numbers", "classes"])
def test_what_pairs_of_rows_bring(kind: str) -> None:
    """Where there is nothing to learn, a fit's held-out loss scatters by sqrt(2) more than its own rows tell."""
    rows, columns, folds, deviation = 60, 10, 5, 2.0
    off, plain, paired = [], [], []
    for seed in range(400):
        generator = np.random.default_rng(seed)
        x = generator.normal(size=(rows, columns))
        noise = generator.normal(size=rows) if kind == "numbers" else generator.choice([-1.0, 1.0], rows)
        y = deviation * noise
        scored, expected, training = np.empty(rows), [], []
        for held in np.array_split(np.arange(rows), folds):
            others = np.setdiff1d(np.arange(rows), held)
            weights = np.linalg.lstsq(x[others], y[others])[0]
            scored[held] = (y[held] - x[held] @ weights) ** 2 / 2
            expected.append((deviation**2 + weights @ weights) / 2)
            training.append(((y[others] - x[others] @ weights) ** 2).mean() / 2)
        mean, error = mean_and_error(scored[None], np.ones(rows))
        pairs = pair_variance(mean, np.array([np.mean(training)]), 2, 1)
        off.append(mean[0] - np.mean(expected))
        plain.append(error[0])
        paired.append(np.sqrt(error[0] ** 2 + pairs[0] / rows))
    assert band(scored[None], np.ones(rows), pairs=pairs).error[0] == pytest.approx(paired[-1])
    ratios = [np.std(off) / np.sqrt(np.mean(np.square(errors))) for errors in (plain, paired)]
    assert ratios[0] > 1.12
    assert ratios[1] == pytest.approx(1, abs=0.1)


def test_the_dispersion_is_that_of_the_loss() -> None:
    heldout, training = np.array([3.0, 2.0, np.inf]), np.array([1.0, 1.5, np.nan])
    np.testing.assert_allclose(pair_variance(heldout, training, None, 1), [2, 0.5, 0])
    np.testing.assert_allclose(pair_variance(heldout, training, 2, 1), np.array([2, 0.5, 0]) * 2 * 2)
    np.testing.assert_allclose(pair_variance(heldout, training, 1, 4), np.array([2, 0.5, 0]) * 2 / 4)
    assert (pair_variance(training[:1], heldout[:1], None, 1) == 0).all()


@pytest.mark.slow
def test_the_minimum_flatters_and_the_corrected_one_does_not() -> None:
    naive, corrected = [], []
    for seed in range(60):
        table = np.random.default_rng(seed).normal(size=(20, 60))
        found = corrected_minimum(table, np.ones(60))
        naive.append(table.mean(axis=1).min())
        corrected.append(found.loss)
        assert found.loss - found.optimism == pytest.approx(naive[-1])
    assert np.mean(naive) < -0.2
    assert abs(np.mean(corrected)) < 4 * np.std(corrected) / np.sqrt(60) < 0.1


def test_a_single_strength_was_not_chosen() -> None:
    table = losses([0.3])
    found = corrected_minimum(table, ONES)
    assert found.loss == pytest.approx(table.mean())
    assert found.optimism == pytest.approx(0, abs=1e-12)
    assert found.error == pytest.approx(table.std(ddof=1) / np.sqrt(ROWS_OF_A_TABLE))


def test_the_draws_are_the_same_every_time() -> None:
    table = losses([0.0, 0.02, 0.05])
    np.testing.assert_array_equal(confidence_set(table, ONES).p_values, confidence_set(table, ONES).p_values)
    np.testing.assert_array_equal(band(table, ONES).low, band(table, ONES).low)
    assert corrected_minimum(table, ONES) == corrected_minimum(table, ONES)
