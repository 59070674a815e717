"""The b-space model against slow references: an integrated running coupling, adaptive quadrature, exact norms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp, trapezoid
from scipy.special import j0, j1, jn_zeros

from wmassfit.errors import PhysicsError
from wmassfit.generation.bosons import W_PLUS
from wmassfit.generation.css import (
    CssParameters,
    css_spectrum,
    luminosity_ratio,
    sudakov,
    two_loop_alphas,
    variation,
)
from wmassfit.generation.transverse_momentum import nominal_density
from wmassfit.pdf import load

START = CssParameters()
VARIED = [
    replace(START, g1=0.95),
    replace(START, l4=0.5),
    replace(START, d_a2=0.05),
    replace(START, d_b1=0.02),
    replace(START, b2=1.0),
    replace(START, d_a3=1.0),
    replace(START, alphas=0.1195),
    replace(START, q_gev=91.1876),
]
NOMINAL = partial(nominal_density, "W+")


def slow_sudakov(b: float, p: CssParameters) -> float:
    """The integral in ln μ² by adaptive quadrature, the formula written out once more."""
    b0 = 1.1229189671337703
    mu_b = b0 / (b / np.sqrt(1 + b * b / 2.25))
    low, high = np.log(1 / (1 / mu_b**2 + 1 / p.q_gev**2)), np.log(p.q_gev**2)
    k = 3 * (67 / 18 - np.pi**2 / 6) - 25 / 9

    def integrand(t: float) -> float:
        a = float(two_loop_alphas(np.array(np.exp(t)), p.alphas)) / np.pi
        a_sum = 4 / 3 * a + 2 / 3 * k * (1 + p.d_a2) * a**2 + 7 * p.d_a3 * a**3
        return a_sum * (high - t) + (-2 * (1 + p.d_b1)) * a + p.b2 * a**2

    return float(quad(integrand, low, high, epsrel=1e-12, epsabs=1e-14, limit=200)[0])


def test_running_coupling_solves_its_equation() -> None:
    beta0, beta1 = 23 / (12 * np.pi), 58 / (24 * np.pi**2)
    end = np.log(0.56 / 91.1876**2)
    solution = solve_ivp(
        lambda _, a: -beta0 * a**2 - beta1 * a**3, (0, end), [0.118], rtol=1e-12, atol=1e-14, dense_output=True
    )
    t = np.linspace(0, end, 30)
    np.testing.assert_allclose(two_loop_alphas(91.1876**2 * np.exp(t), 0.118), solution.sol(t)[0], rtol=1e-9)


@pytest.mark.parametrize("parameters", [START, *VARIED])
def test_sudakov_against_quadrature(parameters: CssParameters) -> None:
    b = np.array([1e-3, 0.01, 0.1, 0.5, 1.5, 5.0, 12.0])
    slow = [slow_sudakov(x, parameters) for x in b]
    np.testing.assert_allclose(sudakov(b, parameters), slow, rtol=1e-8, atol=1e-10)
    assert abs(sudakov(np.array([0.0]), parameters)[0]) < 1e-12


@pytest.mark.parametrize("parameters", [START, VARIED[1]])
@pytest.mark.parametrize("pt", [0.3, 4.0, 45.0])
def test_spectrum_against_quadrature_between_zeros(parameters: CssParameters, pt: float) -> None:
    edges = np.concatenate([[0, 0.005, 0.02, 0.08, 0.3], jn_zeros(0, 600) / pt, [12.0]])
    edges = np.unique(edges[edges <= 12.0])

    def integrand(b: float) -> float:
        s_np = parameters.g1 * b * b / np.sqrt(1 + (parameters.l4 * b) ** 2)
        return float(b * j0(b * pt) * np.exp(-sudakov(np.array([b]), parameters)[0] - s_np))

    pieces = [quad(integrand, a, b, epsrel=1e-9, epsabs=1e-13)[0] for a, b in pairwise(edges)]
    # adaptive quadrature stops at 1e-13 a piece; the spectrum at its peak is 0.1
    assert css_spectrum(pt, parameters) == pytest.approx(pt * sum(pieces), abs=1e-9)


def test_norm() -> None:
    """∫₀^P pT dpT ∫ b db J0 F = P ∫ db J1(bP) F(b), which tends to F(0) = 1 with P."""
    b = np.linspace(0, 6, 600_001)
    weight = np.exp(-sudakov(b, START) - START.g1 * b**2)
    exact = {P: P * trapezoid(j1(P * b) * weight, b) for P in (30.0, 100.0, 1000.0)}
    for top in (30.0, 100.0):
        x, w = np.polynomial.legendre.leggauss(300)
        total = 0.5 * top * np.sum(w * css_spectrum(0.5 * top * (x + 1), START))
        # error of the trapezoidal rule: (P Δb)²/12 = 1e-7
        assert total == pytest.approx(exact[top], abs=1e-6)
    assert exact[1000.0] == pytest.approx(1, abs=2e-3)


def test_shape_of_the_unmatched_model() -> None:
    pt = np.linspace(0, 100, 1001)
    spectrum = css_spectrum(pt, START)
    assert spectrum[0] == 0
    zero = pt[1:][spectrum[1:] < 0][0]
    assert 48 < zero < 51  # without the luminosity factor the model turns negative at 49 GeV
    harder = css_spectrum(pt, replace(START, g1=0.95))
    assert pt[harder.argmax()] > pt[spectrum.argmax()]


@pytest.mark.parametrize("varied", VARIED[:-1])
def test_variation_keeps_the_norm_and_vanishes_far_out(varied: CssParameters) -> None:
    pt, weight = np.polynomial.legendre.leggauss(400)
    pt, weight = 50 * (pt + 1), 50 * weight
    change = variation(pt, NOMINAL, varied, START)
    assert np.sum(weight * NOMINAL(pt) * change) == pytest.approx(0, abs=1e-7)
    assert np.max(np.abs(change)) < 0.4
    np.testing.assert_allclose(
        variation([0.0], NOMINAL, varied, START), variation([1e-3], NOMINAL, varied, START), atol=1e-4
    )
    # what is left at 100 GeV is the constant that keeps the norm, and a difference damped by 257
    assert np.max(np.abs(change[pt > 90])) < 0.01
    np.testing.assert_allclose(variation(pt, NOMINAL, START, varied), -change, rtol=1e-9, atol=1e-12)


def test_undamped_parameters_are_refused() -> None:
    with pytest.raises(PhysicsError, match=r"g1 = 0\.1 GeV² with l4 = 1 GeV .* raise g1"):
        css_spectrum(1.0, replace(START, g1=0.1, l4=1.0))
    with pytest.raises(PhysicsError, match=r"α_s\(M_Z\) = 0\.16 meets its Landau pole"):
        css_spectrum(1.0, replace(START, alphas=0.16))


def test_luminosity_ratio(reference: Callable[[str], Path]) -> None:
    """One for densities at one scale; with CT18NNLO quarks are fewer at low scales, and the spectrum gets harder."""
    mu = np.array([0.7, 2.0, 20.0, 80.379])
    np.testing.assert_allclose(luminosity_ratio(load(), W_PLUS, q_gev=80.379)(mu), 1, rtol=1e-12)
    ratio = luminosity_ratio(load(path=reference("CT18NNLO.tar.gz")), W_PLUS, q_gev=80.379)
    values = ratio(mu)
    assert values[-1] == pytest.approx(1)
    assert np.all(np.diff(values) > 0)
    pt = np.linspace(0, 30, 61)
    with_pdf, without = css_spectrum(pt, START, luminosity=ratio), css_spectrum(pt, START)
    assert pt[with_pdf.argmax()] > pt[without.argmax()]
