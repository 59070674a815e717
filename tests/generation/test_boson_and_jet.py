"""A boson beside a jet: its limits of soft and collinear emission, symmetry, and the shape with evolving densities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import trapezoid

from wmassfit.errors import PhysicsError
from wmassfit.generation.boson_and_jet import jet_cross_section, jet_spectrum
from wmassfit.generation.bosons import BOSONS, W_MINUS, W_PLUS, Boson, Z
from wmassfit.generation.production import rapidity_spectrum
from wmassfit.pdf import GLUON, PdfSet, load, load_embedded


def born(pdf: PdfSet, boson: Boson, y: np.ndarray) -> np.ndarray:
    """dσ/dy at leading order, without the K-factor."""
    return rapidity_spectrum(pdf, boson, y).sigma_pb[0] / boson.k_factor / (1 + boson.k_slope * y**2)


@pytest.mark.parametrize("boson", [W_PLUS, W_MINUS, Z])
def test_logarithm_of_soft_gluons(boson: Boson) -> None:
    """p_T² dσ/dp_T² dy = (α_s/π) [C_F ln(m²/p_T²) + …] dσ/dy: twice the logarithm of p_T, twice C_F α_s/π."""
    pdf, y = load_embedded(), np.array([0.0, 1.5])
    momenta = np.array([0.01, 0.02])
    reduced = 0.5 * momenta[:, None] * jet_cross_section(pdf, boson, y, momenta)
    slope = (reduced[0] - reduced[1]) / np.log(4)
    # powers of p_T/m, 2e-4, and 48 nodes on a plateau in y_j that ends in steep densities
    np.testing.assert_allclose(slope, 4 / 3 * pdf.alphas(boson.mass_gev) / np.pi * born(pdf, boson, y), rtol=2e-3)


def evolved(x: float, flavour: int) -> float:
    """x (P_qq ⊗ f + P_qg ⊗ g)(x) of the leading order, over densities that end at x = 0.75."""

    def density(at: np.ndarray, which: int) -> np.ndarray:
        values = load_embedded().xf_all(np.minimum(at, 0.75), 80.0, flavours=(which,))[0, 0]
        return np.where(at <= 0.75, values, 0.0)

    z = 1 - np.geomspace(1e-9, 1 - x, 200_001)[::-1]  # dense towards 1
    here = density(np.array([x]), flavour)[0]
    quark = (1 + z**2) * density(x / z, flavour) - 2 * here
    gluon = (z**2 + (1 - z) ** 2) * density(x / z, GLUON)
    return 4 / 3 * (trapezoid(quark / (1 - z), z) + here * (2 * np.log(1 - x) + 1.5)) + 0.5 * trapezoid(gluon, z)


def test_collinear_limit_is_evolution() -> None:
    """p_T² dσ/dp_T² dy → (α_s/π) C_F [ln(m²/p_T²) − 3/2] dσ/dy + α_s/(2π) of P ⊗ f in either beam."""
    pdf, p, y = load_embedded(), 0.05, 1.0
    boson = replace(W_PLUS, couplings=W_PLUS.couplings[:1])  # u d̄
    x1, x2 = (boson.mass_gev / 13000 * np.exp(sign * y) for sign in (1, -1))
    (u1, d1), (u2, d2) = pdf.xf_all(np.array([x1, x2]), 80.0, flavours=(2, -1))[0].T
    rate = u1 * d2 + d1 * u2
    splitting = evolved(x1, 2) * d2 + u1 * evolved(x2, -1) + evolved(x1, -1) * u2 + d1 * evolved(x2, 2)
    bracket = 4 / 3 * (2 * np.log(boson.mass_gev / p) - 1.5) + 0.5 * splitting / rate
    expected = pdf.alphas(boson.mass_gev) / np.pi * bracket * born(pdf, boson, np.array([y]))[0]
    found = 0.5 * p * jet_cross_section(pdf, boson, y, p)[0, 0]
    # splitting is 10% of it; powers of p_T/m are 1e-3 and less
    assert found == pytest.approx(expected, rel=1e-3)


def test_symmetry_and_end_of_phase_space() -> None:
    y = np.array([-5.0, -1.0, 1.0, 5.0])
    found = jet_cross_section(load_embedded(), W_PLUS, y, [20.0])[0]
    assert found[1] == pytest.approx(found[2], rel=1e-12)
    assert found[0] == found[3] == 0
    with pytest.raises(PhysicsError, match="p_T above 0, got 0 GeV"):
        jet_cross_section(load_embedded(), W_PLUS, y, [0.0])


@pytest.mark.parametrize("name", BOSONS)
def test_spectrum_is_the_integral(name: str) -> None:
    y = np.linspace(-4.8, 4.8, 961)
    for p in (17.0, 61.0):
        total = trapezoid(jet_cross_section(load_embedded(), BOSONS[name], y, p)[0], y)
        assert np.exp(jet_spectrum(name)(np.log(p))) == pytest.approx(total, rel=1e-4)


def test_shape_with_evolving_densities(reference: Callable[[str], Path]) -> None:
    pdf, y, momenta = load(path=reference("CT18NNLO.tar.gz")), np.linspace(0, 4.6, 93), np.array([40.0, 70.0, 100.0])
    totals = []
    for p in momenta:
        at = replace(Z, scale_gev=float(np.hypot(Z.mass_gev, p)))
        totals.append(2 * trapezoid(jet_cross_section(pdf, at, y, p)[0], y))
    ratio = np.exp(jet_spectrum("Z")(np.log(momenta))) / np.array(totals)
    np.testing.assert_allclose(ratio / ratio[0], 1, atol=5e-3)
