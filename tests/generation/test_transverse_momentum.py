"""The nominal transverse-momentum spectrum."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy.integrate import quad

from wmassfit.errors import PhysicsError
from wmassfit.generation.transverse_momentum import PtShape, nominal_density, rise


@pytest.mark.parametrize("boson", ["W+", "W-", "Z"])
def test_normalised_and_peaked_where_measured(boson: str) -> None:
    total = quad(lambda p: float(nominal_density(boson, p)), 0, 100, epsabs=1e-11, limit=400)[0]
    # fixed 200-node rule against adaptive quadrature; p^(1+a) at the origin is the only non-analytic point
    assert total == pytest.approx(1, abs=1e-8)
    pt = np.linspace(0, 100, 10001)
    density = nominal_density(boson, pt)
    assert np.all(density >= 0)
    assert 3 < pt[np.argmax(density)] < 6
    assert nominal_density(boson, 101.0) == 0


def test_fraction_of_the_tail() -> None:
    tail = PtShape(9.4, 1.3155, 2.9288, 1.0, 50.04, 4.83)
    peak = PtShape(9.4, 1.3155, 2.9288, 0.0, 50.04, 4.83)
    mixed = PtShape(9.4, 1.3155, 2.9288, 0.3, 50.04, 4.83)
    pt = np.linspace(0, 100, 11)
    expected = 0.3 * nominal_density("W+", pt, shape=tail) + 0.7 * nominal_density("W+", pt, shape=peak)
    np.testing.assert_allclose(nominal_density("W+", pt, shape=mixed), expected, rtol=1e-13)


def test_unknown_boson() -> None:
    with pytest.raises(PhysicsError, match="'H'"):
        nominal_density("H", 1.0)


def test_rise_keeps_the_norm() -> None:
    nominal = partial(nominal_density, "W+")
    pt, weight = np.polynomial.legendre.leggauss(400)
    pt, weight = 50 * (pt + 1), 50 * weight
    change = rise(pt, nominal, start_gev=15, end_gev=30, size=0.01)
    # the spline's second derivative jumps at both ends
    assert np.sum(weight * nominal(pt) * change) == pytest.approx(0, abs=1e-6)
    low, middle, high = rise([5.0, 22.5, 60.0], nominal, start_gev=15, end_gev=30, size=0.01)
    assert (middle - low, high - low) == pytest.approx((0.005, 0.01))
    with pytest.raises(PhysicsError, match="from 30 to 15 GeV"):
        rise(pt, nominal, start_gev=30, end_gev=15, size=0.01)
