"""What the widths of resonances say about the resolution: a common growth of all variances is known to √(2/N)."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.generation.jpsi_sample import JpsiSample
from wmassfit.generation.resolution import relative_resolution
from wmassfit.generation.width_information import jpsi_information, resolution_terms, z_information


def nominal_terms(eta: float) -> np.ndarray:
    """(a², b², c²) of the nominal resolution, which has no b²."""
    at_rest, at_reference = relative_resolution(np.array([0.0, 40.0]), eta) ** 2
    return np.array([at_rest, 0.0, at_reference - at_rest])


@pytest.mark.parametrize("eta", [0.1, 2.3])
def test_terms_are_the_nominal_resolution(eta: float) -> None:
    pt = np.linspace(4.0, 80.0, 20)
    np.testing.assert_allclose(nominal_terms(eta) @ resolution_terms(pt), relative_resolution(pt, eta) ** 2)


@pytest.mark.parametrize("eta", [0.1, 2.3])
def test_all_variances_together(eta: float) -> None:
    """A Gaussian peak of N events knows its relative variance to √(2/N)."""
    terms = nominal_terms(eta)
    assert terms @ jpsi_information(eta, JpsiSample(events=1e5)) @ terms == pytest.approx(1e5 / 2)
    pt, width = np.array([30.0, 45.0]), 0.024
    quarter = 0.25 * relative_resolution(pt, eta) ** 2
    expected = np.sum(np.array([3e4, 2e4]) * quarter**2 / (2 * width**4))
    assert terms @ z_information(pt, np.array([3e4, 2e4]), width) @ terms == pytest.approx(expected)


def test_soft_muons_leave_the_hits_to_the_z() -> None:
    """Both together know the variance at 40 GeV to some per cent, the J/ψ alone to some ten."""
    eta, pt = 0.1, np.linspace(26.5, 55.5, 30)
    of_j = jpsi_information(eta, JpsiSample(events=3.1e6 / 24))
    of_z = z_information(pt, np.full(30, 2 * 9e6 / 24 / 30), 0.024)
    at_40 = resolution_terms(np.array([40.0]))[:, 0]
    known = [np.sqrt(at_40 @ np.linalg.inv(i) @ at_40) / nominal_terms(eta).sum() for i in (of_j, of_j + of_z)]
    assert known[0] > 0.1
    assert 0.005 < known[1] < 0.05
