"""The interpolation weights against scipy's Hermite spline with explicitly computed slopes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline

from wmassfit.pdf.hermite import hermite_weights


def slopes(knots: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Mean of the divided differences on either side, one-sided at the ends."""
    differences = np.diff(values) / np.diff(knots)
    return np.concatenate([differences[:1], 0.5 * (differences[1:] + differences[:-1]), differences[-1:]])


@pytest.mark.parametrize("number", [2, 3, 4, 12])
def test_against_scipy(number: int) -> None:
    rng = np.random.default_rng(number)
    knots, values = np.cumsum(rng.uniform(0.1, 2.0, number)), rng.normal(size=number)
    points = np.sort(np.concatenate([knots, rng.uniform(knots[0], knots[-1], 200)]))
    index, weight = hermite_weights(knots, points)
    expected = CubicHermiteSpline(knots, values, slopes(knots, values))(points)
    np.testing.assert_allclose(np.sum(weight * values[index], axis=1), expected, atol=1e-12)


def test_knots_are_reproduced_exactly() -> None:
    knots = np.log(np.geomspace(1e-9, 1, 161))
    index, weight = hermite_weights(knots, knots)
    values = np.random.default_rng(1).normal(size=161)
    np.testing.assert_array_equal(np.sum(weight * values[index], axis=1), values)


def test_weights_sum_to_one_and_lines_are_exact() -> None:
    knots = np.array([0.0, 0.3, 1.0, 4.0, 4.1])
    points = np.linspace(0, 4.1, 83)
    index, weight = hermite_weights(knots, points)
    np.testing.assert_allclose(weight.sum(axis=1), 1, atol=1e-13)
    np.testing.assert_allclose(np.sum(weight * knots[index], axis=1), points, atol=1e-13)
