"""Laws of folds: what they found of the rows that they held out is averaged by row."""

import numpy as np

from ridgewalk.folds import average_by_row


def test_a_row_is_averaged_over_the_folds_that_held_it_out() -> None:
    held_out = [np.array([3, 0]), np.array([1, 3]), np.empty(0, dtype=int)]
    values = [np.array([[1.0, 2], [10, 20]]), np.array([[4.0, 5], [40, 50]]), np.empty((2, 0))]
    averaged = average_by_row(held_out, values, 5)
    np.testing.assert_array_equal(averaged, [[2, 4, 0, 3, 0], [20, 40, 0, 30, 0]])
    for each in range(2):  # the axes before the rows count strengths, or starts
        np.testing.assert_array_equal(average_by_row(held_out, [value[each] for value in values], 5), averaged[each])


def test_what_is_not_a_number_stays_so() -> None:
    averaged = average_by_row([np.array([0, 1]), np.array([1, 2])], [np.array([1.0, np.nan]), np.ones(2)], 3)
    np.testing.assert_array_equal(averaged, [1, np.nan, 1])
