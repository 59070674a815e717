"""Stueckelberg mass matrix: closed forms against numerical diagonalisation."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.electroweak import neutral_mixing as nm
from wmassfit.electroweak.constants import M_Z_LEP
from wmassfit.errors import PhysicsError

POINTS = [(725.0, 0.243, 0.0, 76.0, 0.00047), (300.0, 0.1, 0.08, 40.0, 0.0), (95.0, 0.05, 0.02, 0.0, 0.0)]


@pytest.mark.parametrize(("m1", "g_c", "epsilon", "shift", "g_y_shift"), POINTS)
def test_against_eigh(m1, g_c, epsilon, shift, g_y_shift):
    bosons = nm.neutral_bosons(m1, g_c=g_c, epsilon=epsilon, delta_m_w=shift, g_y_shift=g_y_shift)
    g_2, g_y = nm.G_2 * (1 + shift / 80357.0), nm.G_Y * (1 + g_y_shift)
    matrix = nm.mass_matrix(m1, g_c=g_c, epsilon=epsilon, g_y=g_y, g_2=g_2)
    values, vectors = np.linalg.eigh(matrix)
    assert abs(values[0]) < 1e-9 * m1**2  # the photon, for every ε
    assert sorted([float(bosons.m_z), float(bosons.m_z_prime)]) == pytest.approx(np.sqrt(values[1:]))
    index = int(np.argmin(np.abs(values - float(bosons.m_z) ** 2)))
    np.testing.assert_allclose(np.abs(bosons.z_vector), np.abs(vectors[:, index]), atol=1e-10)


def test_portal_benchmark():
    # arXiv:2204.09024
    bosons = nm.neutral_bosons(725.0, g_c=0.243, delta_m_w=76.0, g_y_shift=0.00047)
    assert float(bosons.m_z_prime) == pytest.approx(725.63, abs=0.005)
    assert float(bosons.kappa) == pytest.approx(1.00084, abs=5e-6)
    assert nm.delta_m_z_leading(725.0, g_c=0.243) == pytest.approx(-78.88, abs=0.005)
    with_portal, without = (float(nm.neutral_bosons(725.0, g_c=g).m_z) for g in (0.243, 0.0))
    assert 1e3 * (with_portal - without) == pytest.approx(-78.77, abs=0.005)
    assert float(nm.g_c_for_z_mass(725.0, delta_m_w=76.0, g_y_shift=0.00047)) == pytest.approx(0.23944, abs=5e-6)
    # one eighth of (g_c v/M₁)², to be compared with ΔM_W/M_W = 9.46e-4
    leading = (0.243 * nm.VEV / 725.0) ** 2 / 8
    assert leading == pytest.approx(8.51e-4, abs=5e-7)


def test_two_inversions_agree():
    g_c = nm.g_c_for_z_mass(725.0, delta_m_w=76.0)
    assert float(nm.delta_m_w_for_z_mass(725.0, g_c=g_c)) == pytest.approx(76.0, abs=1e-6)
    assert float(nm.neutral_bosons(725.0, g_c=g_c, delta_m_w=76.0).m_z) == pytest.approx(M_Z_LEP, abs=1e-9)


def test_plain_stueckelberg_keeps_the_z_mass():
    for m1 in (200.0, 725.0, 5000.0):
        shift = nm.delta_m_w_for_z_mass(m1, epsilon=0.08)
        assert float(nm.neutral_bosons(m1, epsilon=0.08, delta_m_w=shift).m_z) == pytest.approx(M_Z_LEP, abs=1e-9)


def test_decoupling():
    bosons = nm.neutral_bosons(1e6, g_c=0.1)
    assert float(bosons.m_z) == pytest.approx(M_Z_LEP, abs=1e-5)
    assert float(bosons.g_axial) == pytest.approx(-np.hypot(nm.G_2, nm.G_Y), rel=1e-6)


def test_lighter_boson_leaves_the_z_its_name():
    bosons = nm.neutral_bosons(50.0, g_c=0.01)
    assert float(bosons.m_z) == pytest.approx(M_Z_LEP, abs=0.05)
    assert float(bosons.m_z_prime) == pytest.approx(50.0, abs=0.05)


def test_bad_masses():
    with pytest.raises(PhysicsError, match="must be positive"):
        nm.neutral_bosons(0.0)
    with pytest.raises(PhysicsError, match="degenerate"):
        nm.delta_m_w_for_z_mass(M_Z_LEP, g_c=0.1)
    with pytest.raises(PhysicsError, match="singular"):
        nm.delta_m_z_leading(M_Z_LEP, g_c=0.1)
    with pytest.raises(PhysicsError, match="no real portal coupling"):
        nm.g_c_for_z_mass(725.0, delta_m_w=-76.0)
