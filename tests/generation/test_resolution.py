"""Smearing into bins: it loses nothing, has the width it says, and its edges are its derivative."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from wmassfit.generation.grids import nominal_grids
from wmassfit.generation.resolution import bin_response, edge_response, edge_slope, relative_resolution
from wmassfit.generation.response import Spectrum

NODES = nominal_grids().lepton_pt
STEP = NODES[1] - NODES[0]


def test_relative_resolution() -> None:
    assert relative_resolution(np.array(40.0), 0.0) == pytest.approx(np.hypot(0.0085, 0.0048), rel=1e-12)
    expected = np.hypot(0.0085 * np.sqrt(2), 1.2e-4 * 50 * 1.42)
    assert relative_resolution(np.array(50.0), -1.4) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("smeared", [True, False])
@pytest.mark.parametrize("eta", [0.0, 2.35])
def test_nothing_is_lost_in_bins_that_cover_everything(eta: float, smeared: bool) -> None:
    # the widest Gaussian here has 2.9 GeV at 100 GeV; 30 GeV beyond the nodes is ten of them
    response = bin_response(NODES, np.linspace(-12.0, 130.0, 143), eta, smeared=smeared)
    assert np.all(response >= 0)
    np.testing.assert_allclose(response.sum(axis=1), 1.0, atol=1e-12)


@pytest.mark.parametrize("eta", [0.05, 1.2, 2.35])
def test_mean_and_width(eta: float) -> None:
    edges = np.linspace(0.0, 120.0, 12001)
    centres, width = 0.5 * (edges[1:] + edges[:-1]), edges[1] - edges[0]
    chosen = np.flatnonzero((NODES >= 26) & (NODES <= 60))
    response = bin_response(NODES, edges, eta)[chosen]
    mean = response @ centres
    variance = response @ centres**2 - mean**2 - width**2 / 12
    np.testing.assert_allclose(mean, NODES[chosen], atol=1e-8)
    # what sharing between nodes adds, step²/6 on average over where in a step the muon was, is taken out beforehand
    expected = (NODES[chosen] * relative_resolution(NODES[chosen], eta)) ** 2 - STEP**2 / 6
    np.testing.assert_allclose(variance, expected, rtol=1e-6)


def test_shared_deposits_come_out_with_the_true_resolution() -> None:
    low = 88  # 40 GeV
    share = (np.arange(1000) + 0.5) / 1000
    true = NODES[low] + STEP * share
    edges = np.linspace(35.0, 45.0, 201)
    got = np.array([1 - share.mean(), share.mean()]) @ bin_response(NODES, edges, 0.5)[low : low + 2]
    sigma = true * relative_resolution(true, 0.5)
    exact = np.diff(ndtr((edges[:, None] - true) / sigma).mean(axis=1))
    centres = 0.5 * (edges[1:] + edges[:-1])
    for moment in (1, 2):
        assert got @ (centres - 40.125) ** moment == pytest.approx(exact @ (centres - 40.125) ** moment, abs=2e-5)
    # two nodes for a cell have a fourth cumulant lower by step⁴ (1/8 − 1/120): 0.0019 of the peak at step/σ = 0.6; the
    # third, because σ grows with p_T, adds 0.0004
    np.testing.assert_allclose(got, exact, atol=2.5e-3 * exact.max())


@pytest.mark.parametrize("eta", [0.05, 2.35])
def test_edges_are_the_derivative_of_bins(eta: float) -> None:
    edges, h = np.linspace(26.0, 56.0, 31), 1e-4
    # moving the lower edge of (e, far) down by h adds the density at e times h
    far = 200.0
    for e in edges[[0, 7, 30]]:
        plus = bin_response(NODES, np.array([e - h, far]), eta)[:, 0]
        minus = bin_response(NODES, np.array([e + h, far]), eta)[:, 0]
        density = edge_response(NODES, np.array([e]), eta)[:, 0]
        np.testing.assert_allclose((plus - minus) / (2 * h), density, atol=1e-7)


@pytest.mark.parametrize("eta", [0.05, 2.35])
def test_slope_is_the_derivative_of_the_density(eta: float) -> None:
    edges, h = np.linspace(26.0, 56.0, 31), 1e-4
    numeric = (edge_response(NODES, edges + h, eta) - edge_response(NODES, edges - h, eta)) / (2 * h)
    np.testing.assert_allclose(edge_slope(NODES, edges, eta), numeric, atol=1e-6)


def refilled(values: np.ndarray, edges: np.ndarray, eta: float, growth: np.ndarray) -> np.ndarray:
    """Yields of one η bin with a variance larger by `growth`, [node] in GeV²."""
    width = np.sqrt((NODES * relative_resolution(NODES, eta)) ** 2 - STEP**2 / 6.0 + growth)
    return values @ np.diff(ndtr((edges - NODES[:, None]) / width[:, None]), axis=1)


@pytest.mark.parametrize("size", [0.02, 0.005])
def test_widening_against_a_refill(size: float) -> None:
    """A Jacobian edge at 40 GeV, in two η bins, with a variance that grows more at high p_T."""
    edges, etas = np.linspace(26.0, 56.0, 31), np.array([0.1, 2.3])
    peak = np.where(NODES < 40, 1 / np.sqrt(np.maximum(1 - (NODES / 40.2) ** 2, 1e-4)), 20 * np.exp(-(NODES - 40)))
    spectrum = Spectrum(np.stack([peak, peak]), NODES, etas)
    growth = np.stack([size * (NODES * relative_resolution(NODES, eta)) ** 2 * (NODES / 40) for eta in etas])
    change = np.diff(spectrum.widening(edges, growth), axis=1)
    nominal = spectrum.binned(edges)
    for row, eta in enumerate(etas):
        exact = refilled(peak, edges, eta, growth[row]) - nominal[row]
        # second order: ⅛ (Δσ²)² ρ⁗ against ½ Δσ² ρ″, so the relative growth times some numbers of order one
        np.testing.assert_allclose(change[row], exact, atol=2 * size * np.abs(exact).max())
    both = spectrum.widening(edges, np.stack([growth, 2 * growth]))
    np.testing.assert_allclose(both[1], 2 * both[0])


def test_without_smearing_a_flat_spectrum_stays_flat() -> None:
    edges = np.linspace(26.0, 56.0, 31)
    response = bin_response(NODES, edges, 0.0, smeared=False)
    np.testing.assert_allclose(STEP * response.sum(axis=0), np.diff(edges), rtol=1e-12)
    np.testing.assert_allclose(NODES @ response * STEP / np.diff(edges), 0.5 * (edges[1:] + edges[:-1]), rtol=1e-12)
