"""Charm and bottom in the spectrum: Fourier transforms by quadrature, shares of the rate, rates that stay."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad, trapezoid
from scipy.special import j0, jn_zeros, k0

from wmassfit.generation.bosons import W_MINUS, W_PLUS, Boson, Z
from wmassfit.generation.css import css_model
from wmassfit.generation.heavy_quarks import BOTTOM, CHARM, HeavyQuark, heavy_changes, heavy_share, massive_density
from wmassfit.generation.transverse_momentum import nominal_density
from wmassfit.pdf import load_embedded

PT = np.linspace(0.0, 100.0, 4001)


def hankel(beta: float, kernel) -> float:
    """∫ d²k/π e^{ikβ} kernel(k²), between the zeros of J0."""
    edges = np.concatenate([[0.0], jn_zeros(0, 400) / beta])
    return sum(quad(lambda k: 2 * k * j0(k * beta) * kernel(k * k), a, b)[0] for a, b in pairwise(edges))


@pytest.mark.parametrize("beta", [0.3, 1.2])
def test_massive_density_is_its_integral(beta: float) -> None:
    mass, other = 1.4, 40.0

    def kernel(k2: float) -> float:
        # less a term with another mass, which makes the integral converge and is 4/3 K0 itself
        return 2 / 3 / (k2 + mass**2) + mass**2 / 3 / (k2 + mass**2) ** 2 - 2 / 3 / (k2 + other**2)

    # the integrand falls like k⁻²·⁵ and alternates: what is beyond 400 zeros is below 1e-5
    expected = hankel(beta, kernel) + 4 / 3 * k0(other * beta)
    assert float(massive_density(beta, mass)) == pytest.approx(expected, abs=1e-4)


def test_massive_density_is_evolution_at_short_distance() -> None:
    """From m to μ ∝ 1/β the density grows with the integral of the splitting function, ⅔, times ln μ²."""
    low, high = massive_density(np.array([1e-3, 1e-2]), 1.4)
    assert low - high == pytest.approx(2 / 3 * np.log(100), rel=1e-3)


def test_shares() -> None:
    pdf, y = load_embedded(), np.array([0.0, 2.0])
    for boson in (W_PLUS, W_MINUS):
        one, two = heavy_share(pdf, boson, y, CHARM.flavour)
        assert np.all(two == 0)
        # s̄ c and c̄ s are a quarter of the W at the LHC, d̄ c some per cent more
        assert np.all((one > 0.15) & (one < 0.35))
        assert np.all(heavy_share(pdf, boson, y, BOTTOM.flavour)[0] < 1e-3)
    one, two = heavy_share(pdf, Z, y, BOTTOM.flavour)
    assert np.all(one == 0)
    assert np.all((two > 0.01) & (two < 0.06))


@pytest.mark.parametrize("boson", [W_PLUS, Z])
@pytest.mark.parametrize("quark", [CHARM, BOTTOM])
def test_rates_stay_and_steps_are_small(boson: Boson, quark: HeavyQuark) -> None:
    pdf = load_embedded()
    model = css_model(pdf, boson, partial(nominal_density, boson.name))
    y = np.array([0.0, 2.0])

    def made(step: float) -> dict[str, np.ndarray]:
        return heavy_changes(model, pdf, boson, quark, rapidity=y, pt=PT, mass_step_gev=step)

    found, half = made(0.2), made(0.1)
    assert set(found) == {"primary", "secondary"}
    density = nominal_density(boson.name, PT)
    for name, change in found.items():
        # trapezoids of 0.025 GeV
        np.testing.assert_allclose(trapezoid(density * change, PT, axis=-1), 0, atol=2e-6)
        # the logarithm of the mass is what matters: a second order of δm/m, 14% for charm
        np.testing.assert_allclose(half[name], 0.5 * change, atol=0.1 * np.abs(change).max())


def test_heavier_quarks_make_the_spectrum_harder() -> None:
    """Less charm at long distance, and a coupling that runs faster: fewer bosons at rest."""
    pdf = load_embedded()
    model = css_model(pdf, W_PLUS, partial(nominal_density, "W+"))
    for quark in (CHARM, BOTTOM):
        found = heavy_changes(model, pdf, W_PLUS, quark, rapidity=np.zeros(1), pt=np.array([1.0]), mass_step_gev=0.2)
        assert found["secondary"][0, 0] < 0
        assert found["primary"][0, 0] < 0
