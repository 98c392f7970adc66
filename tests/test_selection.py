"""Laws of the two rules."""

from typing import Any

import numpy as np
import pytest

from ridgewalk.path.confidence import confidence_set
from ridgewalk.path.dependence import Dependence, mean_and_error
from ridgewalk.path.selection import (
    HeldOut,
    best_path,
    choose,
    cross_chosen,
    minimum,
    nested,
    one_standard_error,
    simplest,
)

ROWS = 400


def losses(means: Any, noise: Any = 1.0, difference: Any = 0.02, seed: int = 0) -> Any:
    """Losses (S, N) that share the rows' hardness, so that differences are far less noisy than levels."""
    generator = np.random.default_rng(seed)
    hardness = noise * generator.normal(size=ROWS)
    own = difference * generator.normal(size=(len(means), ROWS))
    own -= own.mean(axis=1, keepdims=True)
    return np.asarray(means)[:, None] + hardness + own


def test_mean_and_error_by_hand() -> None:
    values = np.array([[1.0, 2.0, 3.0, 4.0]])
    mean, error = mean_and_error(values, np.ones(4))
    assert mean == 2.5
    assert error == pytest.approx(values.std(ddof=1) / 2)


def test_the_error_of_unequal_weights_by_hand() -> None:
    values, weights = np.array([[1.0, 2.0, 4.0]]), np.array([1.0, 2.0, 1.0])
    mean, error = mean_and_error(values, weights)
    assert mean == 9 / 4
    squares = 1**2 * (1 - 2.25) ** 2 + 2**2 * (2 - 2.25) ** 2 + 1**2 * (4 - 2.25) ** 2
    assert error == pytest.approx(np.sqrt(3 / 2 * squares) / 4)


def test_weights_decide_both_rules() -> None:
    half = np.r_[np.ones(ROWS // 2), np.zeros(ROWS // 2)]
    table = np.where(half > 0, np.array([[0.3], [0.2], [0.4]]), np.array([[0.1], [0.9], [-5.0]]))
    assert minimum(table, np.ones(ROWS)) == 2
    assert minimum(table, half) == 1
    assert minimum(table, 0.01 + half) == 1
    rising = np.array([[0.2], [0.2]]) + np.array([[0.0], [1.0]]) * np.where(half > 0, 0.0, 1.0)
    assert one_standard_error(rising, half) == 1
    assert one_standard_error(rising, np.ones(ROWS)) == 0
    broken = rising + np.where(half > 0, 0, np.inf)
    assert one_standard_error(broken, half) == 1


def test_unequal_weights_move_the_sparser_rule() -> None:
    # The second strength is worse on rows that weigh much; counted alike, its rows are worth one standard error.
    weights = np.where(np.arange(ROWS) < 40, 10.0, 0.1)
    worse = np.where(np.arange(ROWS) < 40, 0.3, np.random.default_rng(0).normal(-0.03, 1, ROWS))
    table = np.stack([np.zeros(ROWS), worse])
    assert minimum(table, weights) == 0
    assert one_standard_error(table, weights) == 0
    assert one_standard_error(table, np.ones(ROWS)) == 1


def test_one_standard_error_is_one() -> None:
    noise = np.random.default_rng(0).normal(size=ROWS)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    for errors, kept in ((0.99, 1), (1.01, 0)):
        table = np.stack([np.zeros(ROWS), noise + errors / np.sqrt(ROWS)])
        assert one_standard_error(table, np.ones(ROWS)) == kept


def test_rows_of_weight_zero_do_not_count() -> None:
    values = np.array([[1.0, 2.0, 3.0, 1e9]])
    assert mean_and_error(values, np.array([1.0, 1, 1, 0]))[0] == 2


def test_the_error_covers_the_mean_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    weights = generator.uniform(0.5, 1.5, 200)
    draws = generator.exponential(size=(2000, 200))
    mean, error = mean_and_error(draws, weights)
    assert (np.abs(mean - 1) < 1.96 * error).mean() == pytest.approx(0.95, abs=0.02)


def test_the_minimum_is_the_lowest_mean_and_the_strongest_of_equals() -> None:
    assert minimum(losses([0.5, 0.3, 0.2, 0.4]), np.ones(ROWS)) == 2
    assert minimum(np.full((4, ROWS), 0.3), np.ones(ROWS)) == 3


def test_the_minimum_passes_over_fits_that_diverged() -> None:
    table = losses([0.5, 0.3, 0.2, 0.4])
    table[2, 7] = np.inf
    assert minimum(table, np.ones(ROWS)) == 1
    with pytest.raises(ValueError, match="Every strength diverged"):
        minimum(np.full((4, ROWS), np.inf), np.ones(ROWS))


def test_one_standard_error_is_paired() -> None:
    # Paired errors here are about 0.0014, unpaired ones about 0.05: an unpaired rule would go to the end.
    table = losses([0.5, 0.2, 0.2005, 0.21, 0.22])
    assert one_standard_error(table, np.ones(ROWS)) == 2


@pytest.mark.parametrize("seed", range(20))
def test_one_standard_error_is_never_weaker_than_the_minimum(seed: int) -> None:
    table = losses(np.random.default_rng(seed).uniform(0, 0.01, 12), difference=0.1, seed=seed)
    choice = choose(table, np.ones(ROWS), "1se")
    assert choice.minimum <= choice.one_standard_error == choice.chosen
    assert choose(table, np.ones(ROWS), "min").chosen == choice.minimum


def test_one_standard_error_stops_at_the_first_strength_beyond() -> None:
    assert one_standard_error(losses([0.2, 0.3, 0.2004]), np.ones(ROWS)) == 0
    assert one_standard_error(losses([0.2, 0.2004, 0.3]), np.ones(ROWS)) == 1


def test_a_strength_that_diverged_is_beyond() -> None:
    table = losses([0.2, 0.2001, 0.2002])
    table[1] = np.inf
    assert one_standard_error(table, np.ones(ROWS)) == 0


def test_the_rule_is_checked() -> None:
    unknown: Any = "best"
    with pytest.raises(ValueError, match="'min', '1se' or 'simplest', got 'best'"):
        choose(losses([0.1, 0.2]), np.ones(ROWS), unknown)


def test_the_simplest_has_the_fewest_inputs_then_weights_then_is_the_strongest() -> None:
    table = losses([0.2, 0.2, 0.2, 0.2, 0.9], difference=0.1)
    sizes = np.array([[3, 9], [2, 8], [2, 6], [2, 6], [0, 0]])
    assert simplest(table, np.ones(ROWS), sizes=sizes) == 3
    sizes[1] = 2, 5
    assert simplest(table, np.ones(ROWS), sizes=sizes) == 1
    sizes[0] = 1, 99
    assert simplest(table, np.ones(ROWS), sizes=sizes) == 0
    assert simplest(table, np.ones(ROWS)) == 3  # the strongest that may be the best
    choice = choose(table, np.ones(ROWS), "simplest", sizes=sizes)
    assert (choice.chosen, choice.simplest) == (0, 0)


def test_the_simplest_may_be_the_best() -> None:
    for seed in range(5):
        table = losses(np.random.default_rng(seed).uniform(0, 0.02, 12), difference=0.1, seed=seed)
        members = confidence_set(table, np.ones(ROWS)).members
        assert simplest(table, np.ones(ROWS)) == np.flatnonzero(members)[-1]
        assert members[minimum(table, np.ones(ROWS))]


def test_every_fold_is_scored_at_the_simplest_that_the_others_may_hold_for_best() -> None:
    table, folds = losses([0.2, 0.2001, 0.2002, 0.5], difference=0.1), np.array_split(np.arange(ROWS), 4)
    sizes = np.array([[4, 8], [3, 8], [2, 8], [1, 8]])
    held_out = HeldOut(table, folds, [table[:, fold] for fold in folds], sizes=sizes)
    chosen = cross_chosen([held_out], np.ones(ROWS), "simplest")
    for fold, (path, index) in zip(folds, chosen, strict=True):
        others = np.ones(ROWS)
        others[fold] = 0
        assert (path, index) == (0, simplest(table, others, sizes=sizes))
    scored = nested([held_out], np.ones(ROWS), "simplest")
    np.testing.assert_array_equal(scored[folds[0]], table[chosen[0][1], folds[0]])


def test_rows_of_groups_make_rules_less_sure() -> None:
    """Of 400 rows that are 40 rows ten times each, one standard error is three times as large."""
    table = np.repeat(losses([0.2, 0.25], difference=0.3)[:, :40], 10, axis=1)
    groups = Dependence.of_groups(np.repeat(np.arange(40), 10))
    above, error = mean_and_error(table[1] - table[0], np.ones(ROWS))
    shifted = np.stack([table[0], table[1] - above + 2 * error])
    assert one_standard_error(shifted, np.ones(ROWS)) == 0
    assert one_standard_error(shifted, np.ones(ROWS), groups) == 1
    shifted[1] += 2 * error
    assert simplest(shifted, np.ones(ROWS)) == 0
    assert simplest(shifted, np.ones(ROWS), groups) == 1
    held_out = HeldOut(shifted, [np.arange(200), np.arange(200, ROWS)], [shifted[:, :200], shifted[:, 200:]], groups)
    assert held_out.choose("simplest", np.ones(ROWS)).chosen == 1


def test_every_fold_is_scored_at_the_strength_that_the_others_choose() -> None:
    generator = np.random.default_rng(0)
    losses, weights = generator.uniform(size=(6, 40)), generator.uniform(0.5, 2, 40)
    folds = np.array_split(generator.permutation(40), 4)
    table = HeldOut(losses, folds, [losses[:, fold] for fold in folds])
    scored = nested([table], weights)
    for fold in folds:
        others = np.setdiff1d(np.arange(40), fold)
        index = np.average(losses[:, others], axis=1, weights=weights[others]).argmin()
        np.testing.assert_array_equal(scored[fold], losses[index, fold])
    assert scored @ weights > (losses @ weights).min()  # the minimum flatters itself
    # Of two paths the one that the other folds prefer; a fold alone has no others.
    worse = HeldOut(losses + 1, folds, [losses[:, fold] + 1 for fold in folds])
    np.testing.assert_array_equal(nested([worse, table], weights), scored)
    assert np.isnan(nested([HeldOut(losses, [np.arange(40)], [losses])], weights)).all()


def test_a_row_held_out_twice_is_scored_twice() -> None:
    losses = np.array([[1.0, 4, 2, 2], [3, 1, 3, 3]])
    folds = [np.array([0, 1]), np.array([1, 2]), np.array([3])]
    again = [losses[:, [0, 1]], losses[:, [1, 2]] + np.array([[0.0, 0], [1, 1]]), losses[:, [3]]]
    # The third fold's others lose 7 at both strengths, and then the stronger is taken.
    expected = [1, (4 + 4) / 2, 2, 3]
    np.testing.assert_allclose(nested([HeldOut(losses, folds, again)], np.ones(4)), expected)


def test_nested_gains_do_not_flatter() -> None:
    """Of 20 strengths that are all alike the best gains by luck; the nested one does not, on average."""
    generator = np.random.default_rng(1)
    naive, honest = [], []
    for _ in range(200):
        losses = generator.normal(size=(20, 60))
        folds = np.array_split(np.arange(60), 5)
        scored = nested([HeldOut(losses, folds, [losses[:, fold] for fold in folds])], np.ones(60))
        naive.append(losses.mean(axis=1).min())
        honest.append(scored.mean())
    assert np.mean(naive) < -0.2
    assert abs(np.mean(honest)) < 4 * np.std(honest) / np.sqrt(200)


def test_the_best_path_is_chosen_then_its_strength() -> None:
    one, two = np.array([[3.0, 3], [2, 2]]), np.array([[1.0, 1], [4, 4]])
    paths = [HeldOut(table, [np.arange(2)], [table]) for table in (one, two)]
    assert best_path(paths, np.ones(2)) == 1
    assert paths[1].choose("min", np.ones(2)).chosen == 0
