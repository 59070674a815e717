"""The extended ABCD estimate: exact where isolation and m_T are independent, errors of toys, closure in parts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from wmassfit.generation.abcd import closure, eigenvariations, estimate, log_variance, smooth
from wmassfit.generation.sidebands import POWERS, Sidebands
from wmassfit.generation.tag_and_probe import polynomials
from wmassfit.templateset import Array

PT = np.arange(27.0, 56.0, 2.0)
SHAPE = (2, PT.size, 2)


def regions(curvature: float = 0.0, slope: float = 0.0, events: float = 4e4) -> Sidebands:
    """D falls like e^{−p/6}; ln of the pass-to-fail ratio has a slope and a curvature over the windows w = −1, 0, 1."""
    cells = np.array([1.0, 1.3])[:, None, None] * np.array([0.9, 1.1])
    signal = events * np.exp(-(PT - 26.0) / 6.0)[None, :, None] * cells
    windows = {-1: 1.3 - 0.01 * (PT - 41), 0: 1.1 + 0.002 * (PT - 41), 1: np.ones_like(PT)}
    bent = {w: np.exp(slope * (w - 1) + curvature * (w**2 - 1) * (PT - 26) / 30) for w in windows}
    yields = {w: signal * part[None, :, None] for w, part in windows.items()}
    failing = {w: 4.0 * yields[w] / bent[w][None, :, None] for w in windows}
    nonprompt = {"Bx": yields[-1], "B": yields[0], "Ax": failing[-1], "A": failing[0], "C": failing[1]}
    prompt = {region: {"W": 0.4 * nonprompt["B"] if region in ("B", "Bx") else 0 * signal} for region in POWERS}
    return Sidebands(nonprompt, prompt, signal)


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_exact_without_and_with_a_straight_correlation(slope: float) -> None:
    """The second is what an ordinary ABCD would miss."""
    made = regions(slope=slope)
    np.testing.assert_allclose(estimate(made), made.signal_region, rtol=1e-12)
    for part in closure(made).parts.values():
        np.testing.assert_allclose(part, 0.0, atol=1e-12)


def test_a_curved_correlation_does_not_close_by_its_second_difference() -> None:
    made = regions(curvature=0.05)
    # ln R: −1 → 0, 0 → −c, 1 → 0; a straight line from the lower two ends at −2c
    expected = -2 * 0.05 * (PT - 26) / 30
    np.testing.assert_allclose(np.log(estimate(made) / made.signal_region)[1, :, 0], expected, atol=1e-12)
    parts = closure(made).parts
    np.testing.assert_allclose(sum(parts.values()), expected, atol=1e-12)
    assert np.ptp(parts["norm"]) == 0
    np.testing.assert_allclose(parts["rest"], 0.0, atol=1e-12)  # straight in p_T
    weight = made.signal_region.sum(axis=(0, 2))
    assert weight @ parts["slope"] == pytest.approx(0, abs=1e-9 * weight.sum())


def thrown(sidebands: Sidebands, toys: int, k: float) -> Array:
    """ln D of Poisson counts less a prompt prediction of simulated statistics: [toy, η, p_T, charge]."""
    rng = np.random.default_rng(11)
    result = np.zeros((toys, *sidebands.signal_region.shape))
    for region, power in POWERS.items():
        events, prompt = sidebands.nonprompt[region], sidebands.contamination(region)
        counts = rng.poisson(events + prompt, size=(toys, *events.shape))
        predicted = rng.poisson(k * prompt, size=(toys, *events.shape)) / k
        result += power * np.log(counts - predicted)
    return result


def test_the_variance_is_that_of_thrown_counts() -> None:
    made, toys = regions(events=4e6), 2000
    found = np.var(thrown(made, toys, 2.5), axis=0)
    # 60 cells, each to √(2/2000) = 3%; 4.5 of these, and what is left of non-Gaussian logarithms at 40,000 events
    np.testing.assert_allclose(found, log_variance(made, mc_statistics=2.5), rtol=0.15)
    assert np.mean(found / log_variance(made, mc_statistics=2.5)) == pytest.approx(1, abs=0.015)


def test_an_unlimited_simulation_costs_nothing() -> None:
    made = regions()
    clean = replace(made, prompt={region: {} for region in POWERS})
    np.testing.assert_allclose(log_variance(clean, mc_statistics=2.5), log_variance(clean, mc_statistics=0))
    assert np.all(log_variance(made, mc_statistics=0) < log_variance(made, mc_statistics=2.5))


def test_variations_of_a_cell_add_up_to_the_covariance_of_its_curve() -> None:
    variance = log_variance(regions(), mc_statistics=2.5)
    found = eigenvariations(variance)
    assert found.shape == (2, 2, 4, PT.size)
    design = polynomials(PT.size, 4)
    for eta in range(2):
        for charge in range(2):
            weights = np.diag(1 / variance[eta, :, charge])
            curve = design @ np.linalg.inv(design.T @ weights @ design) @ design.T
            rows = found[eta, charge]
            np.testing.assert_allclose(rows.T @ rows, curve, rtol=1e-9, atol=1e-14)


def test_pulls_of_smoothed_toys() -> None:
    """Coefficients along the eigenvectors of their covariance scatter with unit width around the truth."""
    made, toys = regions(events=4e6), 400
    variance = log_variance(made, mc_statistics=2.5)
    design = polynomials(PT.size, 4)
    true = smooth(np.log(made.signal_region), variance)
    np.testing.assert_allclose(np.einsum("pk,eck->epc", design, true), np.log(made.signal_region), rtol=1e-12)
    pulls = []
    for toy in thrown(made, toys, 2.5):
        found = smooth(toy, variance) - true
        for eta in range(2):
            for charge in range(2):
                information = design.T @ (design / variance[eta, :, charge][:, None])
                pulls.append(np.linalg.cholesky(information).T @ found[eta, charge])
    pulls = np.array(pulls).ravel()
    assert abs(pulls.mean()) < 3 / np.sqrt(pulls.size)
    assert abs(pulls.std() - 1) < 3 / np.sqrt(2 * pulls.size)


def test_the_fit_recovers_any_cubic() -> None:
    variance = log_variance(regions(), mc_statistics=2.5)
    coefficients = np.random.default_rng(5).normal(size=(2, 2, 4))
    curve = np.einsum("pk,eck->epc", polynomials(PT.size, 4), coefficients)
    np.testing.assert_allclose(smooth(curve, variance), coefficients, rtol=1e-8)
