"""Production: totals from outside, symmetries, and a slow scalar reference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import trapezoid

from wmassfit.generation.bosons import BOSONS, W_MINUS, W_PLUS, Boson, Z
from wmassfit.generation.production import luminosities, mass_luminosity, rapidity_spectrum
from wmassfit.pdf import PdfSet, load, load_embedded, symmetrised_directions

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
    slow = trapezoid((forward + backward)[0], y)
    # error of the trapezoidal rule at this step: 1e-7
    assert mass_luminosity(load_embedded(), W_PLUS, W_PLUS.mass_gev)[0] == pytest.approx(slow, rel=1e-6)


def sizes(pdf: PdfSet, values: np.ndarray) -> np.ndarray:
    """Quadrature sum of all directions."""
    return np.sqrt(np.sum(symmetrised_directions(pdf, values) ** 2, axis=0))


def test_embedded_against_ct18nnlo(reference: Callable[[str], Path]) -> None:
    """Spectra and uncertainties of W and Z with the embedded densities and with the set they were fitted to."""
    embedded, ct18 = load_embedded(), load(path=reference("CT18NNLO.tar.gz"))
    y = np.linspace(0, 3, 31)
    for boson in (W_PLUS, W_MINUS, Z):
        ours, theirs = rapidity_spectrum(embedded, boson, y), rapidity_spectrum(ct18, boson, y)
        # measured: 0.02% and 0.0005
        np.testing.assert_allclose(ours.sigma_pb[0], theirs.sigma_pb[0], rtol=1e-3)
        np.testing.assert_allclose(ours.a4_negative[0], theirs.a4_negative[0], atol=2e-3)
        # the 29 directions one by one, against their quadrature sum
        for ours_v, theirs_v in (
            (np.log(ours.sigma_pb), np.log(theirs.sigma_pb)),
            (ours.a4_negative[:, 1:], theirs.a4_negative[:, 1:]),  # A4 vanishes at y = 0
        ):
            difference = symmetrised_directions(embedded, ours_v) - symmetrised_directions(ct18, theirs_v)
            assert np.max(np.sqrt(np.sum(difference**2, axis=0)) / sizes(ct18, theirs_v)) < 0.1
    total = rapidity_spectrum(ct18, W_PLUS, Y).total_pb()[0] / rapidity_spectrum(ct18, W_MINUS, Y).total_pb()[0]
    ours_total = (
        rapidity_spectrum(embedded, W_PLUS, Y).total_pb()[0] / rapidity_spectrum(embedded, W_MINUS, Y).total_pb()[0]
    )
    assert ours_total == pytest.approx(total, rel=1e-3)


def test_size_of_the_embedded_uncertainties() -> None:
    """CT18NNLO's at 68%: dσ/dy 2–4%, W+/W− about 1% in the centre, A4 up to 0.055 (arXiv:1912.10053)."""
    pdf, y = load_embedded(), np.array([0.0, 1.0, 2.0, 3.0])
    plus, minus = (rapidity_spectrum(pdf, boson, y) for boson in (W_PLUS, W_MINUS))
    for spectrum in (plus, minus):
        relative = sizes(pdf, spectrum.sigma_pb) / spectrum.sigma_pb[0]
        assert np.all((relative > 0.018) & (relative < 0.04))
        a4 = sizes(pdf, spectrum.a4_negative)[1:]
        assert np.all((a4 > 0.02) & (a4 < 0.06))
    ratio = plus.sigma_pb / minus.sigma_pb
    relative = (sizes(pdf, ratio) / ratio[0])[:3]
    assert np.all((relative > 0.006) & (relative < 0.012))
