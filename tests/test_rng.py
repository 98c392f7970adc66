"""Laws of the one randomness rule."""

import numpy as np

from ridgewalk.constants import DROPOUT, SHUFFLE
from ridgewalk.rng import mix, order, uniform


def test_mix_is_splitmix64() -> None:
    # The first outputs of SplitMix64 for seeds 0 and 1234567, as published with the reference implementation.
    assert int(mix(0)) == 0xE220A8397B1DCDAF
    assert int(mix(1234567)) == 6457827717110365317


def test_an_order_is_a_permutation_that_changes_with_seed_and_epoch() -> None:
    rows = np.arange(100)
    first = order(0, 0, rows)
    assert sorted(first) == list(rows)
    assert (first == order(0, 0, rows)).all()
    assert (first != order(0, 1, rows)).any()
    assert (first != order(1, 0, rows)).any()


def test_leaving_rows_out_keeps_the_order_of_the_others() -> None:
    rows, some = np.arange(50), np.arange(0, 50, 3)
    everything = rows[order(3, 2, rows)]
    np.testing.assert_array_equal(everything[np.isin(everything, some)], some[order(3, 2, some)])


def test_no_two_uses_of_a_seed_share_their_numbers() -> None:
    # The order of 3 rows in epoch 1, and layer 1's mask at step 1, hash the same words but for their purpose.
    rows = np.arange(1000)
    hashes = (uniform(7, 1, 0, rows, 1)[:, 0] * 2**24).astype(np.int64)
    shuffling = np.argsort(np.argsort(hashes))
    assert (np.argsort(order(7, 1, rows)) != shuffling).any()
    assert SHUFFLE != DROPOUT
    assert not np.isin(mix(7, SHUFFLE, 0, rows), mix(7, DROPOUT, 0, rows)).any()


def test_uniform_numbers_are_uniform_and_belong_to_their_row() -> None:
    rows = np.arange(4000)
    numbers = uniform(5, 1, 2, rows, 10)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert abs(numbers.mean() - 0.5) < 4 / np.sqrt(12 * numbers.size)
    np.testing.assert_array_equal(numbers[7:9], uniform(5, 1, 2, rows[7:9], 10))
    assert (numbers != uniform(5, 2, 2, rows, 10)).mean() > 0.99
    assert (numbers != uniform(5, 1, 3, rows, 10)).mean() > 0.99
