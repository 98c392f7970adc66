"""Numbers as people read them."""

from typing import Any

import pytest

from ridgewalk.formatting import format_count, format_duration, format_loss, format_number


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
