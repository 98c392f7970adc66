"""Laws of the one shape rule."""

from typing import Any

import numpy as np
import pytest

from ridgewalk import arrays
from ridgewalk.arrays import per_run, row_sums, standardization


def test_per_run_broadcasts_over_each_runs_matrices() -> None:
    stack = np.ones((3, 4, 5))
    assert (per_run([1, 2, 3]) * stack)[2].max() == 3
    assert per_run(7.0).shape == ()


def test_row_sums_is_one_number_per_run_in_float64() -> None:
    sums = row_sums(np.ones((3, 4, 5), dtype=np.float32))
    assert sums.shape == (3,)
    assert sums.dtype == np.float64
    assert (sums == 20).all()


def test_standardization_is_the_weighted_mean_and_deviation() -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(3, 2, (50, 4))
    weights = generator.integers(0, 4, 50).astype(float)
    repeated = np.repeat(x, weights.astype(int), axis=0)
    center, scale = standardization(x, weights)
    np.testing.assert_allclose(center, repeated.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(scale, repeated.std(axis=0), rtol=1e-12)


def test_standardization_never_sees_rows_of_weight_zero() -> None:
    x = np.random.default_rng(0).normal(size=(20, 3))
    weights = np.r_[np.ones(15), np.zeros(5)]
    planted = x.copy()
    planted[15:] = 1e9
    for before, after in zip(standardization(x, weights), standardization(planted, weights), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("unit", [1e-300, 1e-12, 1.0, 1e12, 1e300])
def test_standardization_survives_every_unit(unit: Any) -> None:
    x = np.random.default_rng(0).normal(size=(30, 1))
    center, scale = standardization(x * unit, np.ones(30))
    np.testing.assert_allclose((x * unit - center) / scale, (x - x.mean()) / x.std(), rtol=1e-9)


@pytest.mark.parametrize("constant", [0.0, 0.1, -1e300, 1e-300])
def test_a_constant_column_becomes_exact_zeros(constant: Any) -> None:
    x = np.full((7, 1), constant)
    center, scale = standardization(x, np.array([1.0, 2, 3, 0.1, 0.7, 1, 1]))
    assert np.isinf(scale)
    assert ((x + 5 - center) / scale == 0).all()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("columns", [1, 2, 3, 54])
def test_a_large_table_is_standardized_in_parts_to_the_same_bits(
    order: Any, columns: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(0)
    x = np.asarray(generator.normal(5, 3, (301, columns)), order=order)
    weights = generator.integers(0, 3, 301).astype(float)
    whole = standardization(x, weights)
    monkeypatch.setattr(arrays, "_CHUNK_SIZE", 700)
    for a, b in zip(whole, standardization(x, weights), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("length", "numbers", "parts"), [(0, 9, 1), (1, 2**30, 1), (54, 581_012, 8), (5, 2**30, 2)])
def test_slices_cover_an_axis_and_none_is_alone(length: Any, numbers: Any, parts: Any) -> None:
    cut = arrays.slices(length, numbers)
    assert len(cut) == parts
    assert [k for each in cut for k in range(length)[each]] == list(range(length))
    assert length < 2 or min(each.stop - each.start for each in cut) > 1
