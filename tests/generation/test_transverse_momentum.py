"""The nominal transverse-momentum spectrum."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy.integrate import quad, trapezoid

from wmassfit.errors import PhysicsError
from wmassfit.generation.boson_and_jet import jet_cross_section
from wmassfit.generation.bosons import BOSONS, Z
from wmassfit.generation.production import rapidity_spectrum
from wmassfit.generation.transverse_momentum import PtRatio, PtShape, nominal_density, nominal_join, rise
from wmassfit.pdf import load_embedded

SHAPES = {
    "W+": PtShape(9.400, 1.3155, 2.9288, 0.1246, 50.04, 4.83),
    "W-": PtShape(9.964, 1.3305, 3.0004, 0.1408, 48.41, 4.559),
    "Z": PtShape(10.831, 1.175, 3.3989, 0.1175, 58.31, 5.2985),
}


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


@pytest.mark.parametrize("boson", ["W+", "W-", "Z"])
def test_form_and_jet_are_joined_smoothly(boson: str) -> None:
    join = nominal_join(boson)
    assert 40 < join.pt_gev < 50
    h = 1e-3
    below, at, above = nominal_density(boson, join.pt_gev + np.array([-h, 0, h]))
    # one slope on both sides: second differences are h² times the curvature, 2/p² of the value, and its jump
    assert above - 2 * at + below == pytest.approx(0, abs=20 * (h / join.pt_gev) ** 2 * at)
    # higher orders over the leading one, with σ · BR of the form: NNLO is 1.5 to 2 for W and Z at these p_T
    total = rapidity_spectrum(load_embedded(), BOSONS[boson], np.linspace(-5, 5, 401)).total_pb()[0]
    assert 1.5 < join.factor * total / join.norm < 2.0
    # below, the form but for the norm; the tail gains half a per cent of all bosons
    low = np.array([1.0, 10.0, 40.0])
    form = nominal_density(boson, low, shape=SHAPES[boson])
    np.testing.assert_allclose(nominal_density(boson, low) * join.norm, form, rtol=1e-12)
    assert 1.003 < join.norm < 1.007


def test_tail_has_the_slope_of_a_jet() -> None:
    pt = np.array([50.0, 75.0, 100.0])
    jet = 2 * trapezoid(jet_cross_section(load_embedded(), Z, np.linspace(0, 4.6, 461), pt), dx=0.01)
    ratio = nominal_density("Z", pt) / jet
    np.testing.assert_allclose(ratio / ratio[0], 1, rtol=2e-4)


def test_ratio_to_the_nominal_spectrum() -> None:
    nodes, values = (2.0, 10.0, 30.0, 80.0), (0.95, 1.02, 1.05, 0.9)
    tuned, doubled = PtRatio(nodes, values), PtRatio(nodes, tuple(2 * v for v in values))
    total = quad(lambda p: float(nominal_density("Z", p, shape=tuned)), 0, 100, epsabs=1e-10, limit=400)[0]
    # a fixed rule over the join and the nodes of the spline, where third derivatives jump
    assert total == pytest.approx(1, abs=1e-5)
    pt = np.array([0.0, 2.0, 10.0, 80.0, 95.0])
    density = nominal_density("Z", pt, shape=tuned)
    np.testing.assert_allclose(density, nominal_density("Z", pt, shape=doubled), rtol=1e-12)
    change = density[1:] / nominal_density("Z", pt[1:])
    np.testing.assert_allclose(change / change[0], np.array([0.95, 1.02, 0.9, 0.9]) / 0.95, rtol=1e-12)
    assert density[0] == 0


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
