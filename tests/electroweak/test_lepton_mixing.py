"""Mixing of light with heavy charged leptons, and the inverse seesaw."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.electroweak import dipoles
from wmassfit.electroweak.constants import GAMMA_Z, M_Z_LEP
from wmassfit.electroweak.inverse_seesaw import (
    NON_UNITARITY_BOUNDS,
    light_neutrino_masses,
    non_unitarity,
    unitarity_allowed,
)
from wmassfit.electroweak.lepton_mixing import diagonalise, scalar_dipoles, seesaw_matrix, z_lepton_decays
from wmassfit.electroweak.models.leptophobic import BOUNDS, lepton_constraints
from wmassfit.errors import PhysicsError

RNG = np.random.default_rng(5)
UPPER = RNG.normal(scale=2.0, size=(3, 3)) + 1j * RNG.normal(scale=2.0, size=(3, 3))
LOWER = RNG.normal(scale=3.0, size=(3, 3)) + 1j * RNG.normal(scale=3.0, size=(3, 3))
HEAVY = np.diag([650.0, 690.0, 720.0]) + RNG.normal(scale=5.0, size=(3, 3))


def test_rotations_diagonalise_with_positive_masses():
    matrix = seesaw_matrix(UPPER, HEAVY, LOWER)
    mixing = diagonalise(matrix)
    rotated = mixing.left.conj().T @ matrix @ mixing.right
    np.testing.assert_allclose(rotated, np.diag(mixing.masses), atol=1e-10)
    assert np.all(np.diff(mixing.masses) > 0)


def test_seesaw_approximation():
    mixing = diagonalise(seesaw_matrix(UPPER, HEAVY, LOWER))
    approximate = np.sort(np.linalg.svd(UPPER @ np.linalg.inv(HEAVY) @ LOWER, compute_uv=False))
    np.testing.assert_allclose(mixing.masses[:3], approximate, rtol=1e-4)  # corrections of (m/M)² ~ 5e-5


def test_z_decays_to_first_order_in_the_mixing():
    mixing = diagonalise(seesaw_matrix(UPPER, HEAVY, LOWER))
    decays = z_lepton_decays(mixing)
    # η = m_eE (M_E M_E†)⁻¹ m_eE†, rotated to the mass basis of the light leptons
    theta = UPPER @ np.linalg.inv(HEAVY)
    rows = mixing.left[:3, :3]
    eta = rows.conj().T @ theta @ theta.conj().T @ rows
    unit = 0.652**2 * M_Z_LEP / (24 * np.pi * (1 - 0.2312)) / GAMMA_Z
    expected = 2 * (0.2312 - 0.5) * 0.5 * np.real(np.diag(eta)) * unit
    np.testing.assert_allclose(decays.shift, expected, rtol=2e-3)
    assert np.all(decays.shift < 0)
    off = 2 * unit * np.abs(eta / 2) ** 2
    np.testing.assert_allclose(decays.flavour_changing[0, 1], off[0, 1], rtol=2e-3)
    assert np.all(np.diag(decays.flavour_changing) == 0)


def test_no_mixing_no_change():
    decays = z_lepton_decays(diagonalise(np.diag([1e-3, 0.1, 1.7, 600.0, 650.0, 700.0])))
    assert np.max(np.abs(decays.shift)) < 1e-15
    assert np.max(decays.flavour_changing) < 1e-15


def test_dipoles_of_one_flavour_pair():
    # one light, one heavy state coupled by a scalar: the diagonal dipole is the two-particle formula
    left, right, heavy, scalar_mass, light = 0.03, -0.05, 400.0, 125.0, 0.105
    mixing = diagonalise(np.diag([light, heavy]))
    yukawa = np.array([[0.0, right], [left, 0.0]])
    d = scalar_dipoles(mixing, yukawa, m_scalar=scalar_mass, light=1)
    expected = dipoles.delta_a_scalar(
        light, heavy, scalar_mass, scalar=(left + right) / 2, pseudoscalar=(right - left) / 2
    )
    assert light * d[0, 0].real == pytest.approx(expected, rel=1e-5)


def test_phases_do_not_matter():
    matrix = seesaw_matrix(UPPER, HEAVY, LOWER)
    phases = np.diag(np.exp(1j * np.arange(6)))
    yukawa = seesaw_matrix(UPPER, np.zeros((3, 3)), 0 * LOWER) / 246.0
    one = scalar_dipoles(diagonalise(matrix), yukawa, m_scalar=500.0)
    other = scalar_dipoles(diagonalise(phases @ matrix), phases @ yukawa, m_scalar=500.0)
    np.testing.assert_allclose(np.abs(one), np.abs(other), rtol=1e-8)
    np.testing.assert_allclose(np.diag(one), np.diag(other), rtol=1e-8)


def test_constraints_of_the_leptophobic_model():
    decays = z_lepton_decays(diagonalise(seesaw_matrix(UPPER, HEAVY, LOWER)))
    limits = lepton_constraints(decays, {"br_mu_egamma": 1e-14, "br_tau_mugamma": 1e-9, "br_tau_egamma": 1e-7})
    by_name = {limit.name: limit for limit in limits}
    assert set(by_name) <= set(BOUNDS)
    assert by_name["br_mu_egamma"].ok
    assert not by_name["br_tau_egamma"].ok
    assert len(limits) == 9


def test_inverse_seesaw():
    dirac, heavy, mu = RNG.normal(size=(3, 3)), HEAVY, 1e-6 * np.eye(3)
    masses = light_neutrino_masses(dirac, heavy, mu)
    np.testing.assert_allclose(masses, masses.T)
    # the full 9 × 9 matrix has the same three light eigenvalues
    zero = np.zeros((3, 3))
    full = np.block([[zero, dirac, zero], [dirac.T, zero, heavy], [zero, heavy.T, mu]])
    light = np.sort(np.abs(np.linalg.eigvalsh(full)))[:3]
    # eigvalsh of entries up to 700 is good to 1e-13: a few per cent of the smallest mass
    np.testing.assert_allclose(np.sort(np.linalg.svd(masses, compute_uv=False)), light, rtol=0.05, atol=2e-12)


def test_non_unitarity_and_its_bounds():
    dirac = 0.01 * HEAVY.real
    f = non_unitarity(dirac, HEAVY)
    np.testing.assert_allclose(f, f.conj().T)
    assert not unitarity_allowed(0.1 * HEAVY.T, HEAVY)
    assert unitarity_allowed(0.001 * HEAVY.T, HEAVY)
    assert NON_UNITARITY_BOUNDS[0, 1] == 2.4e-5


def test_bad_matrices():
    with pytest.raises(PhysicsError, match="square"):
        diagonalise(np.ones((2, 3)))
    with pytest.raises(PhysicsError, match="not finite"):
        diagonalise([[np.nan, 0.0], [0.0, 1.0]])
    with pytest.raises(PhysicsError, match="cannot be inverted"):
        non_unitarity(np.eye(3), np.zeros((3, 3)))
    with pytest.raises(PhysicsError, match="doublets"):
        z_lepton_decays(diagonalise(np.eye(2)))
