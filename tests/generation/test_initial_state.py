"""Photons of the quarks: their charges, and the sign and size of their interference with the muon's."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy.integrate import quad

from wmassfit.generation.bosons import W_MINUS, W_PLUS, Z
from wmassfit.generation.css import css_model, scales
from wmassfit.generation.initial_state import interference_a4, mean_squared_charge, photon_exponent
from wmassfit.generation.transverse_momentum import nominal_density
from wmassfit.pdf import load_embedded

ENERGY = 13000.0


def test_charges() -> None:
    pdf = load_embedded()
    for boson in (W_PLUS, W_MINUS):
        assert mean_squared_charge(pdf, boson, energy_gev=ENERGY) == pytest.approx(5 / 18, rel=1e-12)
    assert 1 / 9 < mean_squared_charge(pdf, Z, energy_gev=ENERGY) < 4 / 9


def test_projection_of_the_logarithm() -> None:
    overlap = quad(lambda c: c * (1 + c * c) * np.log((1 - c) / (1 + c)), -1, 1)[0]
    assert overlap / (2 / 3) == pytest.approx(-5.0, abs=1e-7)


def test_interference_is_odd_in_rapidity_and_charge() -> None:
    pdf, y = load_embedded(), np.linspace(-3, 3, 7)
    plus, minus = (interference_a4(pdf, Z, q, y, energy_gev=ENERGY) for q in (1, -1))
    np.testing.assert_allclose(plus, -minus)
    np.testing.assert_allclose(plus, -plus[::-1], atol=1e-12)
    # a μ− is drawn towards the side of an up quark: A4 grows with y where up quarks lead
    assert np.all(np.diff(minus) > 0)
    # 5 × 4α/π × Γ/M × 2/3 at most
    assert np.abs(plus).max() < 5 * 0.0093 * 0.0274 * 2 / 3


def test_a_w_has_one_charged_lepton_to_interfere_with() -> None:
    """Its quarks have ½(2/3 − 1/3): 5 × 2α/π × Γ/M × 1/6 at most, reached where valence quarks make it."""
    found = interference_a4(load_embedded(), W_PLUS, 1, np.array([-4.0, 4.0]), energy_gev=ENERGY)
    most = 5 * 2 / (137.036 * np.pi) * W_PLUS.width_gev / W_PLUS.mass_gev / 6
    np.testing.assert_allclose(found, -found[::-1], rtol=1e-9)
    assert 0.8 * most < np.abs(found[1]) < most


def test_photons_add_to_the_gluons() -> None:
    """The exponent is the integral of A ln(Q²/μ²) + B; the boson gets harder by some per mill."""
    q, charge = 80.379, 5 / 18
    size = charge / (127.95 * np.pi)
    exact = quad(lambda t: size * (t - 1.5), 0, 2 * np.log(q / 3.0))[0]
    assert float(photon_exponent(np.array(3.0), q, charge)) == pytest.approx(exact, rel=1e-10)
    model = css_model(load_embedded(), W_PLUS, partial(nominal_density, "W+"))
    pt = np.linspace(0.0, 40.0, 401)
    change = model.scaled(np.expm1(-photon_exponent(scales(model.start), q, charge)))(pt)
    density = nominal_density("W+", pt)
    # A grows by α (5/18) / (α_s C_F), 1.4%, and with it the exponent that sets the mean
    assert 1e-3 < np.sum(pt * density * change) / np.sum(pt * density) < 0.02
