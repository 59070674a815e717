"""Dipoles: limits, targets, and the relation between the two ways to compute them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wmassfit.electroweak import dipoles
from wmassfit.electroweak.constants import ALPHA_0, M_ELECTRON, M_MUON, M_TAU, M_TOP

E = math.sqrt(4 * math.pi * ALPHA_0)


def test_schwinger():
    # a photon of vanishing mass: α/2π
    value = dipoles.delta_a_vector(M_MUON, M_MUON, 1e-6 * M_MUON, vector=E)
    assert value == pytest.approx(ALPHA_0 / (2 * math.pi), rel=2e-5)  # corrections of order π m_γ/m


def test_heavy_vector_limits():
    # Leveille 1978: m²/(12π²M²) for a vector, −5 times that for an axial coupling
    m, heavy = M_MUON, 1e4
    unit = m**2 / (12 * math.pi**2 * heavy**2)
    assert dipoles.delta_a_vector(m, m, heavy, vector=1.0) == pytest.approx(unit, rel=1e-6)
    assert dipoles.delta_a_vector(m, m, heavy, vector=0.0, axial=1.0) == pytest.approx(-5 * unit, rel=1e-6)


def test_heavy_scalar_limit():
    # known leading logarithm: C² m²/(8π²M²) [ln(M²/m²) − 7/6] for a scalar, −[… − 11/6] for a pseudoscalar
    m, heavy = M_MUON, 1e3
    unit = m**2 / (8 * math.pi**2 * heavy**2)
    log = math.log((heavy / m) ** 2)
    assert dipoles.delta_a_scalar(m, m, heavy, scalar=1.0) == pytest.approx(unit * (log - 7 / 6), rel=1e-5)
    value = dipoles.delta_a_scalar(m, m, heavy, scalar=0.0, pseudoscalar=1.0)
    assert value == pytest.approx(-unit * (log - 11 / 6), rel=1e-5)


# JHEP 07 (2020) 235: a 17 MeV vector coupled with 8e-4 e
@pytest.mark.parametrize(("mass", "expected"), [(M_ELECTRON, 4.42e-13), (M_MUON, 5.04e-10)])
def test_light_vector_alone(mass, expected):
    assert dipoles.delta_a_vector(mass, mass, 0.017, vector=8e-4 * E) == pytest.approx(expected, rel=2e-3)


def test_dipole_coefficients_contain_the_anomalous_moment():
    m_f, m_b = 300.0, 120.0
    left, right = 0.02, 0.05
    scalar, pseudo = (left + right) / 2, (right - left) / 2
    common = {"m_leptons": [M_MUON], "m_fermions": [m_f], "m_boson": m_b}
    d = dipoles.scalar_dipole([[left]], [[right]], **common)[0, 0].real
    full = dipoles.delta_a_scalar(M_MUON, m_f, m_b, scalar=scalar, pseudoscalar=pseudo)
    assert M_MUON * d == pytest.approx(full, rel=1e-5)  # up to m_μ²/m_F²
    d = dipoles.vector_dipole([[left]], [[right]], **common)[0, 0].real
    full = dipoles.delta_a_vector(M_MUON, m_f, m_b, vector=scalar, axial=pseudo)
    assert M_MUON * d == pytest.approx(full, rel=1e-5)


def test_no_flavour_violation_without_it():
    left = right = np.diag([0.1, 0.2, 0.3])
    masses = [M_ELECTRON, M_MUON, M_TAU]
    d = dipoles.scalar_dipole(left, right, m_leptons=masses, m_fermions=[500.0, 600.0, 700.0], m_boson=200.0)
    off = d - np.diag(np.diag(d))
    assert np.max(np.abs(off)) == 0
    assert dipoles.radiative_branching_ratio(d[0, 1], d[1, 0], m_decaying=M_MUON) == 0


def test_branching_ratio_prefactor():
    # Γ = α (m_j/2)² m_j³ |A|²…: 12π³α/(G_F² m²)|D|² against width over width, written out
    from wmassfit.electroweak.constants import FERMI

    d = 1e-9
    a = d / (2 * M_MUON)
    photon = E**2 * M_MUON**5 / (16 * math.pi) * a**2
    weak = FERMI**2 * M_MUON**5 / (192 * math.pi**3)
    assert dipoles.radiative_branching_ratio(d, 0.0, m_decaying=M_MUON) == pytest.approx(photon / weak)


# overview talk, ALPS 2023 (printed 2e-13 in between)
@pytest.mark.parametrize(("chiralities", "expected"), [(1, 1.44e-13), (2, 2.88e-13)])
def test_mu_to_e_gamma_from_g_minus_2(chiralities, expected):
    assert dipoles.radiative_from_delta_a(3e-9, 1e-5, chiralities=chiralities) == pytest.approx(expected, rel=2e-3)


# overview talk, ALPS 2023
@pytest.mark.parametrize(
    ("value", "expected", "rel"),
    [
        (dipoles.delta_a_weak(), 194.8e-11, 1e-4),
        (dipoles.electric_dipole(7e-14), 1.35e-24, 2e-3),
        (dipoles.radiative_mass_scale(25.1e-10), 2.1e3, 0.01),
        (dipoles.flip_scaling(1), 4.84e-3, 1e-3),
        (dipoles.flip_scaling(2), 2.34e-5, 1e-3),
        (dipoles.flip_scaling(4), 5.5e-10, 6e-3),
    ],
)
def test_numbers_of_the_overview(value, expected, rel):
    assert value == pytest.approx(expected, rel=rel)


def test_measured_electron_deviations():
    # Science 360 (2018) 191 and Nature 588 (2020) 61
    assert dipoles.DELTA_A_E_CAESIUM == (-0.88e-12, 0.36e-12)
    assert dipoles.DELTA_A_E_RUBIDIUM == (0.48e-12, 0.30e-12)


def test_estimates():
    assert dipoles.radiative_mass_delta_a(dipoles.radiative_mass_scale(2e-9)) == pytest.approx(2e-9)
    assert 1e-9 < dipoles.electroweak_estimate() < 1e-8
    # equal masses of 100 GeV: 13e-10 tan β, the rule of thumb of the muon g−2 literature
    assert dipoles.delta_a_susy(100.0, tan_beta=1.0) == pytest.approx(13e-10, rel=0.15)
    # keeping Δm_μ/m_μ below one bounds the leptoquark loop by m_μ²/M²
    couplings = 16 * math.pi**2 * M_MUON / M_TOP
    assert dipoles.leptoquark_mass_shift(couplings, 1.0, m_quark=M_TOP, m_lepton=M_MUON) == pytest.approx(1.0)
    bound = dipoles.delta_a_leptoquark(couplings, 1.0, 1500.0, m_quark=M_TOP, m_lepton=M_MUON)
    assert bound == pytest.approx(dipoles.radiative_mass_delta_a(1500.0))
    light, heavy = (dipoles.delta_a_two_higgs_doublet(mass, tan_beta=40.0, m_fermion=M_TAU) for mass in (30.0, 300.0))
    assert light > heavy > 0
