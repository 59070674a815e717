"""Numbers as a physicist prints them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wmassfit.report.rounding import decimals, measured, plain


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        (80360.2345, 9.912, "80360.2 ± 9.9"),
        (80433.5, 9.4, "80433.5 ± 9.4"),
        (80360.2345, 9.96, "80360 ± 10"),
        (80360.2345, 15.3, "80360 ± 15"),
        (1.23456, 0.0996, "1.23 ± 0.10"),
        (1.23456, 0.01234, "1.235 ± 0.012"),
        (-0.0004, 0.1, "0.00 ± 0.10"),
        (-0.417, 0.2, "−0.42 ± 0.20"),
        (123456.0, 3456.0, "123500 ± 3500"),
        (1.5, 0.0, "1.5 ± 0"),
        (1.5, math.inf, "1.5 ± –"),
    ],
)
def test_measured(value: float, uncertainty: float, text: str) -> None:
    assert measured(value, uncertainty) == text
    assert measured(value, uncertainty, "MeV") == f"{text} MeV"


@given(st.floats(1e-12, 1e12))
def test_two_digits_are_left(uncertainty: float) -> None:
    places = decimals(uncertainty)
    rounded = round(uncertainty, places)
    assert abs(rounded - uncertainty) <= 0.5001 * 10.0**-places
    # 10 … 99 units of the last digit
    assert 9.99 < rounded * 10.0**places < 99.01


def test_plain() -> None:
    assert plain(-1.26, 1) == "−1.3"
    assert plain(-0.01, 1) == "0.0"
    assert plain(1234.0, -2) == "1200"
    assert plain(math.nan, 2) == "–"
