"""Production: totals from outside, symmetries, and a slow scalar reference."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.generation.bosons import BOSONS, W_MINUS, W_PLUS, Boson, Z
from wmassfit.generation.production import luminosities, mass_luminosity, rapidity_spectrum
from wmassfit.pdf import load_embedded

Y = np.linspace(-5, 5, 101)


# N3LL+NNLO times branching fraction at 13 TeV; the leading order times one K-factor reproduces a total by construction,
# 0.3% is the accuracy of the embedded densities
@pytest.mark.parametrize(("boson", "total_nb"), [(W_PLUS, 11.45), (W_MINUS, 8.52), (Z, 1.92)])
def test_totals(boson: Boson, total_nb: float) -> None:
    assert rapidity_spectrum(load_embedded(), boson, Y).total_pb()[0] / 1e3 == pytest.approx(total_nb, rel=3e-3)


@pytest.mark.parametrize("boson", BOSONS.values(), ids=BOSONS)
def test_rate_is_even_and_a4_odd(boson: Boson) -> None:
    spectrum = rapidity_spectrum(load_embedded(), boson, Y)
    np.testing.assert_allclose(spectrum.sigma_pb, spectrum.sigma_pb[:, ::-1], rtol=1e-12)
    np.testing.assert_allclose(spectrum.forward, spectrum.backward[:, ::-1], rtol=1e-12)
    np.testing.assert_allclose(spectrum.a4(1), -spectrum.a4(1)[:, ::-1], atol=1e-12)
    populated = (Y > 0.05) & (spectrum.sigma_pb[0] > 0)
    assert np.all(spectrum.a4_negative[:, populated] > 0)  # the negative lepton follows the valence quark
    assert np.all(np.abs(spectrum.a4_negative) <= boson.asymmetry_scale)


def test_luminosity_against_a_scalar_sum() -> None:
    pdf, y = load_embedded(), 1.3
    x1, x2 = 80.379 / 13000 * np.exp(y), 80.379 / 13000 * np.exp(-y)
    ckm2 = {(2, 1): 0.97435, (2, 3): 0.225, (2, 5): 0.00369, (4, 1): 0.22486, (4, 3): 0.97349, (4, 5): 0.04182}

    def xf(flavour: int, x: float) -> float:
        return float(pdf.xf_all(x, 80.379, flavours=(flavour,))[0, 0])

    expected = sum(v**2 * xf(up, x1) * xf(-down, x2) for (up, down), v in ckm2.items())
    forward, _ = luminosities(pdf, W_PLUS, y)
    assert forward[0, 0] == pytest.approx(expected, rel=1e-13)
    swapped = sum(v**2 * xf(-up, x1) * xf(down, x2) for (up, down), v in ckm2.items())
    _, backward = luminosities(pdf, W_MINUS, y)
    assert backward[0, 0] == pytest.approx(swapped, rel=1e-13)


def test_large_momentum_fractions_give_zero() -> None:
    edge = np.log(0.75 * 13000 / 80.379)
    spectrum = rapidity_spectrum(load_embedded(), W_PLUS, [edge - 1e-6, edge + 1e-6, -edge - 1e-6])
    assert spectrum.sigma_pb[0, 0] > 0
    assert np.all(spectrum.sigma_pb[0, 1:] == 0)
    assert np.all(spectrum.a4_negative[0, 1:] == 0)


def test_z_asymmetry_at_the_edge_is_that_of_pure_valence_up() -> None:
    """With the quark always from +z, A4 is 2 A_ℓ times a mixture of A_u and A_d."""
    up = next(c for c in Z.couplings if c.quark == 2)
    down = next(c for c in Z.couplings if c.quark == 1)
    a_up, a_down = up.asymmetry / up.rate, down.asymmetry / down.rate
    assert (a_up, a_down) == pytest.approx((0.669, 0.936), abs=2e-3)  # PDG: 0.668, 0.936
    a4 = rapidity_spectrum(load_embedded(), Z, [4.0]).a4(-1)[0, 0]
    assert 0.75 * 0.294 * a_up < a4 < 0.294 * a_down


def test_mass_luminosity_is_the_integral_of_the_luminosity() -> None:
    edge = np.log(0.75 * 13000 / W_PLUS.mass_gev) - 1e-12
    y = np.linspace(-edge, edge, 8001)
    forward, backward = luminosities(load_embedded(), W_PLUS, y)
    slow = np.trapezoid((forward + backward)[0], y)
    # error of the trapezoidal rule at this step: 1e-7
    assert mass_luminosity(load_embedded(), W_PLUS, W_PLUS.mass_gev)[0] == pytest.approx(slow, rel=1e-6)
