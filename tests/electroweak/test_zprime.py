"""Widths, branching ratios and production of a Z′."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad

from wmassfit.electroweak.constants import HBAR_C_SQUARED_NB
from wmassfit.electroweak.models.leptophobic import decay_channels, dijet_cross_section
from wmassfit.electroweak.zprime import (
    Channel,
    branching_ratios,
    chiral_width,
    partial_widths,
    production_cross_section,
    vector_width,
)
from wmassfit.errors import PhysicsError

# arXiv:2206.15256 charges, m_E = m_N = 700 GeV, jets without top
BRANCHING = [
    (2000.0, {"jj": 0.691, "tt": 0.135, "EE": 0.0867, "NN": 0.0867}),
    (1e8, {"jj": 0.625, "tt": 0.125, "EE": 0.125, "NN": 0.125}),
]


@pytest.mark.parametrize(("mass", "expected"), BRANCHING)
def test_leptophobic_branching_ratios(mass, expected):
    ratios = branching_ratios(mass, decay_channels(700.0, 700.0))
    assert sum(ratios.values()) == pytest.approx(1.0)
    for name, value in expected.items():
        assert float(ratios[name]) == pytest.approx(value, abs=6e-4 if value > 0.1 else 6e-5)


def test_heavy_leptons_close_below_threshold():
    ratios = branching_ratios(np.array([1000.0, 1399.0, 1500.0]), decay_channels(700.0, 700.0))
    assert list(ratios["EE"][:2]) == [0.0, 0.0]
    assert ratios["EE"][2] > 0


def test_widths():
    assert vector_width(10.0, 0.3) == pytest.approx(0.3**2 * 10 / (12 * math.pi))
    assert chiral_width(10.0, 0.3, colours=3) == pytest.approx(3 * 0.3**2 * 10 / (24 * math.pi))
    # a vector coupling is one of each chirality, massless
    assert vector_width(10.0, 0.3) == pytest.approx(2 * chiral_width(10.0, 0.3))
    assert vector_width(10.0, 0.3, 6.0) == 0


def toy_density(flavour, x, q_gev):
    return np.where(flavour > 0, x**0.5 * (1 - x) ** 3, 0.2 * x**0.1 * (1 - x) ** 7)


def test_production_against_direct_integration():
    mass, root_s, g = 2000.0, 14_000.0, 0.4
    tau = (mass / root_s) ** 2

    def luminosity(x):
        y = tau / x
        q, qbar = (toy_density(sign * 2, np.array(x), mass) for sign in (1, -1))
        p, pbar = (toy_density(sign * 2, np.array(y), mass) for sign in (1, -1))
        return float(q * pbar + qbar * p) / x

    value, _ = quad(luminosity, tau, 1, epsabs=0, epsrel=1e-9, limit=300)
    expected = math.pi * g**2 / 6 / mass**2 * value * HBAR_C_SQUARED_NB * 1e6
    sigma = production_cross_section(toy_density, m_boson=mass, couplings={2: g}, sqrt_s=root_s)
    assert sigma == pytest.approx(expected, rel=1e-6)


def test_cross_section_scales_with_the_coupling():
    one, two = (dijet_cross_section(toy_density, m_zprime=3000.0, g_prime=g) for g in (0.2, 0.4))
    assert two == pytest.approx(4 * one)


def test_bad_input():
    with pytest.raises(PhysicsError, match="no decay channel"):
        branching_ratios(100.0, {"tt": Channel(1.0, 172.0, 3)})
    with pytest.raises(PhysicsError, match="must lie between"):
        production_cross_section(toy_density, m_boson=15_000.0, couplings={1: 0.1})
    with pytest.raises(PhysicsError, match="positive"):
        chiral_width(0.0, 0.1)
    with pytest.raises(PhysicsError, match="thresholds"):
        dijet_cross_section(toy_density, m_zprime=5.0, g_prime=0.1)
    with pytest.raises(PhysicsError, match="heavy lepton"):
        decay_channels(-1.0, 700.0)


def test_total_width_of_the_leptophobic_boson():
    # 24 massless chiral states: g′² m/π in the limit of a heavy boson
    total = sum(partial_widths(1e7, decay_channels(700.0, 700.0), coupling=0.5).values())
    assert float(total) == pytest.approx(0.5**2 * 1e7 / math.pi, rel=1e-6)
