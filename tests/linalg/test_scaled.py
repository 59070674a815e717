"""Inverses of matrices whose parameters have different units."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.linalg import NotPositiveDefinite, scaled_inverse, unit_diagonal


def matrix_in_units(n: int, units: np.ndarray) -> np.ndarray:
    root = np.random.default_rng(n).normal(size=(n, n + 3))
    return root @ root.T * np.outer(units, units)


def test_units_change_nothing() -> None:
    """The inverse in other units is that of the matrix over the units, to rounding, however far these are apart."""
    units = 10.0 ** np.array([-9.0, 0.0, 4.0, -3.0, 8.0])
    plain, found = scaled_inverse(matrix_in_units(5, np.ones(5))), scaled_inverse(matrix_in_units(5, units))
    # condition 64 of the scaled matrix, rounding 2e-16
    np.testing.assert_allclose(found * np.outer(units, units), plain, rtol=1e-12)
    np.testing.assert_allclose(plain, np.linalg.inv(matrix_in_units(5, np.ones(5))), rtol=1e-12)
    np.testing.assert_array_equal(found, found.T)


def test_unit_diagonal() -> None:
    matrix = matrix_in_units(4, np.array([1e-5, 1.0, 1e5, 2.0]))
    scaled, unit = unit_diagonal(matrix)
    np.testing.assert_allclose(np.diag(scaled), 1, rtol=1e-15)
    np.testing.assert_allclose(scaled * np.outer(unit, unit), matrix, rtol=1e-15)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan])
def test_what_has_no_scale_is_named(bad: float) -> None:
    with pytest.raises(NotPositiveDefinite, match="number 1 on the diagonal") as caught:
        scaled_inverse(np.diag([1.0, bad, 1.0]))
    assert caught.value.parameters == (1,)
