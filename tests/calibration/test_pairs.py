"""Pairs of muons: what a biased scale does, against four-vectors, and its inverse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wmassfit.calibration.pairs import MuonPairs, biased, bins_of, corrected

EDGES = np.linspace(-2.4, 2.4, 7)


def some_pairs(n: int, seed: int = 1) -> tuple[MuonPairs, np.ndarray]:
    """Pairs of massless muons, and the differences of their azimuths."""
    rng = np.random.default_rng(seed)
    pt, eta, phi = rng.uniform(4, 60, (2, n)), rng.uniform(-2.39, 2.39, (2, n)), rng.uniform(0.1, 3.0, n)
    return MuonPairs(pt, eta, mass(pt, eta, phi)), phi


def mass(pt: np.ndarray, eta: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """From the sum of the four-vectors."""
    angle = np.stack([np.zeros_like(phi), phi])
    x, y, z = (pt * np.cos(angle)).sum(0), (pt * np.sin(angle)).sum(0), (pt * np.sinh(eta)).sum(0)
    return np.sqrt((pt * np.cosh(eta)).sum(0) ** 2 - x**2 - y**2 - z**2)


def test_biased_masses_are_those_of_the_four_vectors() -> None:
    pairs, phi = some_pairs(200)
    parameters = np.random.default_rng(2).normal(0, 1, (3, 6)) * np.array([[1e-3], [5e-3], [2e-5]])
    measured = biased(pairs, parameters, EDGES)
    for k in range(len(pairs)):
        for muon, charge in enumerate((1, -1)):
            i = int((pairs.eta[muon, k] + 2.4) / 0.8)
            p = pairs.pt[muon, k]
            expected = p * (1 + parameters[0, i] - parameters[1, i] / p + charge * parameters[2, i] * p)
            assert measured.pt[muon, k] == pytest.approx(expected, rel=1e-14)
    # the sum of two energies of 60 cosh(2.4) GeV against masses from 1 GeV on loses (E/m)² of 1e-16
    np.testing.assert_allclose(measured.mass, mass(measured.pt, pairs.eta, phi), rtol=1e-9)


@given(a=st.floats(-0.02, 0.02), epsilon=st.floats(-0.1, 0.1), m=st.floats(-1e-3, 1e-3), seed=st.integers(0, 1000))
def test_correction_is_the_inverse_of_the_bias(a: float, epsilon: float, m: float, seed: int) -> None:
    pairs, _ = some_pairs(20, seed)
    parameters = np.outer([a, epsilon, m], np.cos(np.arange(6)))
    back = corrected(biased(pairs, parameters, EDGES), parameters, EDGES)
    np.testing.assert_allclose(back.pt, pairs.pt, rtol=1e-12)
    np.testing.assert_allclose(back.mass, pairs.mass, rtol=1e-12)


@pytest.mark.parametrize("edges", [EDGES, np.array([-2.4, -1.0, 0.3, 2.4])])
def test_bins(edges: np.ndarray) -> None:
    values = np.array([-2.5, -2.3, 0.29, 0.31, 2.39, 2.41])
    expected = [sum(edge <= v for edge in edges) - 1 for v in values]
    np.testing.assert_array_equal(bins_of(edges, values), expected)
