"""The expected J/ψ calibration: its size, its symmetry, and its information against a slow sum."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.calibration import JpsiSample, expected_calibration
from wmassfit.calibration.jpsi import sample_muons
from wmassfit.errors import PhysicsError
from wmassfit.generation.resolution import relative_resolution

EDGES = np.linspace(-2.4, 2.4, 49)


@pytest.fixture(scope="module")
def widths() -> np.ndarray:
    return np.sqrt(np.diag(expected_calibration(EDGES, log2_points=18).covariance)).reshape(3, 48)


def test_sizes_at_the_centre_and_edge(widths: np.ndarray) -> None:
    # an independent calculation with 3.1M events gave 1.4e-4, 7.7e-4 GeV, 6.3e-6 /GeV, and 2.5 times that at 2.35
    assert widths[:, 24] == pytest.approx([1.4e-4, 7.7e-4, 6.3e-6], rel=0.05)
    assert widths[:, 47] / widths[:, 24] == pytest.approx([2.5] * 3, rel=0.05)


def test_mirror_symmetry(widths: np.ndarray) -> None:
    # the sample is a finite rule of 2^18 points: mirrored bins differ by its accuracy
    np.testing.assert_allclose(widths, widths[:, ::-1], rtol=0.05)


def test_uncertainties_scale_with_the_root_of_the_sample() -> None:
    few = expected_calibration(EDGES, JpsiSample(events=1e6), log2_points=14)
    many = expected_calibration(EDGES, JpsiSample(events=4e6), log2_points=14)
    np.testing.assert_allclose(few.covariance, 4 * many.covariance, rtol=1e-9)


def test_information_against_an_event_loop() -> None:
    edges = np.linspace(-2.4, 2.4, 4)
    sample = JpsiSample()
    pt, eta = sample_muons(sample, log2_points=10)
    information = np.zeros((9, 9))
    for (p, m), (e1, e2) in zip(pt.T, eta.T, strict=True):
        gradient = np.zeros(9)
        for momentum, direction, charge in ((p, e1, 1), (m, e2, -1)):
            where = int(np.searchsorted(edges, direction)) - 1
            gradient[[where, 3 + where, 6 + where]] += 0.5 * np.array([1, -1 / momentum, charge * momentum])
        sigma = 0.6 * np.hypot(
            relative_resolution(np.array(p), np.array(e1)), relative_resolution(np.array(m), np.array(e2))
        )
        information += sample.events / pt.shape[1] * np.outer(gradient, gradient) / sigma**2
    covariance = expected_calibration(edges, sample, log2_points=10).covariance
    # inverting amplifies rounding by the condition number, about 1e6 in these units
    np.testing.assert_allclose(covariance @ information, np.eye(9), atol=1e-6)


def test_eigenvariations_rebuild_the_covariance() -> None:
    calibration = expected_calibration(EDGES, log2_points=14)
    directions = calibration.eigenvariations().reshape(144, -1)
    # 3e-7: small eigenvalues of the correlation matrix (ρ(A, ε) = 0.96) carry the rounding of large ones
    width = np.sqrt(np.diag(calibration.covariance))
    np.testing.assert_allclose(
        directions.T @ directions / np.outer(width, width), calibration.covariance / np.outer(width, width), atol=1e-9
    )


def test_bins_that_the_muons_do_not_reach_are_named() -> None:
    with pytest.raises(PhysicsError, match=r"η 2\.4 to 4; take bins within \|η\| < 2\.4"):
        expected_calibration(np.array([-2.4, 0.0, 2.4, 4.0, 6.0]), log2_points=10)
