"""Numbers as people read them."""

from typing import Any

import pytest

from ridgewalk.formatting import (
    decimals_for,
    format_count,
    format_duration,
    format_estimate,
    format_loss,
    format_number,
)


@pytest.mark.parametrize(
    ("value", "digits", "sign", "text"),
    [
        (0.12345, 3, "", "0.123"),
        (0.0, 3, "+", "+0"),
        (-0.5, 3, "+", "-0.5"),
        (12345.6, 3, "", "12,300"),
        (999.96, 3, "+", "+1,000"),
        (1.5e-7, 2, "", "1.5e-07"),
        (2.5e12, 3, "", "2.5e+12"),
        (float("inf"), 3, "", "inf"),
    ],
)
def test_a_number_has_its_digits_and_thousands_in_full(value: Any, digits: Any, sign: Any, text: Any) -> None:
    assert format_number(value, digits, sign) == text


@pytest.mark.parametrize(
    ("value", "sign", "text"),
    [
        (0.12345, "", "0.1235"),
        (0.00012, "", "1.2e-04"),
        (-23456.0, "", "-2.3e+04"),
        (0.0, "", "0"),
        (-0.0, "+", "+0"),
        (0.5, "+", "+0.5000"),
    ],
)
def test_a_loss_has_four_decimals(value: Any, sign: Any, text: Any) -> None:
    assert format_loss(value, sign=sign) == text


def test_a_loss_that_is_missing_is_said() -> None:
    assert (format_loss(None), format_loss(None, "-")) == ("diverged", "-")


@pytest.mark.parametrize(
    ("seconds", "text", "finer"),
    [(3.14, "3 s", "3.1 s"), (42.4, "42 s", "42 s"), (125, "2 min", "2 min"), (7200, "2.0 h", "2.0 h")],
)
def test_a_duration_is_in_the_unit_that_one_would_say(seconds: Any, text: Any, finer: Any) -> None:
    assert (format_duration(seconds), format_duration(seconds, tenths=True)) == (text, finer)


def test_one_is_singular() -> None:
    assert [format_count(n, "row") for n in (0, 1, 1200)] == ["0 rows", "1 row", "1,200 rows"]


@pytest.mark.parametrize(
    ("error", "decimals"),
    [(0.0234, 3), (0.1, 2), (0.99, 2), (1.23, 1), (12.3, 0), (1234.0, 0), (1e-9, 10), (0.0, 3), (None, 3)],
)
def test_decimals_show_two_digits_of_an_error(error: Any, decimals: int) -> None:
    assert decimals_for(error) == decimals


@pytest.mark.parametrize(
    ("value", "error", "decimals", "sign", "text"),
    [
        (0.83333, 0.0234, 3, "", "0.833 +- 0.023"),
        (29834.4, 1234.0, 0, "", "29,834 +- 1,234"),
        (0.01, 0.002, 3, "+", "+0.010 +- 0.002"),
        (-0.0001, 0.02, 2, "", "0.00 +- 0.02"),
        (0.5, None, 3, "", "0.500"),
        (None, None, 3, "", "-"),
        (1.23456e12, 2e10, 0, "", "1.235e+12 +- 2.0e+10"),
        (1.23456e-9, 2e-10, 11, "+", "+1.235e-09 +- 2.0e-10"),
    ],
)
def test_an_estimate_has_its_error_beside_it(value: Any, error: Any, decimals: int, sign: Any, text: str) -> None:
    assert format_estimate(value, error, decimals, sign) == text
