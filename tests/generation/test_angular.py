"""Nominal angular coefficients: limits, symmetries, positivity."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.generation.angular import angular_coefficients, decay_density
from wmassfit.generation.bosons import BOSONS, W_PLUS, Boson
from wmassfit.generation.production import rapidity_spectrum
from wmassfit.pdf import load_embedded

Y = np.linspace(-4, 4, 41)
PT = np.array([0.0, 3.0, 10.0, 30.0, 100.0])


def nominal(boson: Boson) -> np.ndarray:
    charge = boson.charge or 1
    a4 = rapidity_spectrum(load_embedded(), boson, Y).a4(charge)[0]
    return angular_coefficients(a4, Y, PT, mass_gev=boson.mass_gev, lepton_charge=charge)


@pytest.mark.parametrize("boson", BOSONS.values(), ids=BOSONS)
def test_symmetry_in_rapidity_and_limits(boson: Boson) -> None:
    a = nominal(boson)
    assert a.shape == (5, Y.size, PT.size)
    for even in (0, 2, 3):
        np.testing.assert_allclose(a[even], a[even, ::-1], atol=1e-13)
    for odd in (1, 4):
        np.testing.assert_allclose(a[odd], -a[odd, ::-1], atol=1e-13)
    np.testing.assert_array_equal(a[:4, :, 0], 0)  # without recoil only A4 is left
    assert np.all(a[2] <= a[0])  # Lam–Tung is broken from below


@pytest.mark.parametrize("boson", BOSONS.values(), ids=BOSONS)
def test_decay_density_is_positive(boson: Boson) -> None:
    a = nominal(boson)[..., np.newaxis, np.newaxis]
    c = np.linspace(-1, 1, 81)[:, np.newaxis]
    phi = np.linspace(0, np.pi, 41)[np.newaxis, :]
    s = np.sqrt(1 - c**2)
    density = (
        1 + c**2 + a[0] / 2 * (1 - 3 * c**2) + a[1] * 2 * s * c * np.cos(phi)
        + a[2] / 2 * s**2 * np.cos(2 * phi) + a[3] * s * np.cos(phi) + a[4] * c
    )  # fmt: skip
    np.testing.assert_allclose(decay_density(a, c, phi), density, atol=1e-14)
    assert density.min() > -1e-12


def test_values_by_hand() -> None:
    """At pT = m: x = 2/3, g = c_g = 1/√2."""
    a = angular_coefficients([-1.2], [2.5], [80.0], mass_gev=80.0, lepton_charge=+1)[:, 0, 0]
    expected = [2 / 3, 0.27 * np.tanh(1) / 2 / 3, 2 / 3 * 0.9, -0.35 * 0.5 * 1.2, -1.2 / np.sqrt(2) * 2 / 3]
    np.testing.assert_allclose(a, expected, rtol=1e-14)


def test_members_are_kept() -> None:
    a4 = np.linspace(-1, 1, 3 * Y.size).reshape(3, Y.size)
    a = angular_coefficients(a4, Y, PT, mass_gev=W_PLUS.mass_gev, lepton_charge=-1)
    assert a.shape == (3, 5, Y.size, PT.size)
    np.testing.assert_array_equal(a[1], angular_coefficients(a4[1], Y, PT, mass_gev=W_PLUS.mass_gev, lepton_charge=-1))
