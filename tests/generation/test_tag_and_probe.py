"""Smooth efficiency curves: their variations carry the covariance of the fit, and the fit the binomial errors."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial import legendre

from wmassfit.generation.tag_and_probe import probe_counts, smooth_eigenvariations

VARIANCE = np.linspace(1e-6, 9e-6, 12)


def test_variations_add_up_to_the_covariance_of_the_fitted_curve() -> None:
    design = legendre.legvander(np.linspace(-1, 1, 12), 3)
    covariance = design @ np.linalg.inv(design.T @ np.diag(1 / VARIANCE) @ design) @ design.T
    found = smooth_eigenvariations(VARIANCE, 4)
    assert found.shape == (4, 12)
    np.testing.assert_allclose(found.T @ found, covariance, rtol=1e-9, atol=1e-15)


def test_as_many_coefficients_as_bins_give_the_points_back() -> None:
    found = smooth_eigenvariations(VARIANCE, 12)
    np.testing.assert_allclose(found.T @ found, np.diag(VARIANCE), rtol=1e-6, atol=1e-12)
    assert smooth_eigenvariations(VARIANCE, 30).shape == (12, 12)


def test_a_constant_is_known_as_well_as_all_probes_say() -> None:
    (flat,) = smooth_eigenvariations(VARIANCE, 1)
    np.testing.assert_allclose(np.abs(flat), np.sqrt(1 / np.sum(1 / VARIANCE)))


def test_pseudo_experiments_of_probes_scatter_like_the_variations() -> None:
    rng = np.random.default_rng(6)
    efficiency, probes = 0.9, np.linspace(3e4, 6e4, 12)
    variance = (1 - efficiency) / (efficiency * probes)
    design = legendre.legvander(np.linspace(-1, 1, 12), 2)
    passed = rng.binomial(probes.astype(int), efficiency, size=(4000, 12)) / probes.astype(int)
    weights = 1 / variance
    curves = design @ np.linalg.solve(design.T @ (design * weights[:, None]), design.T @ (weights * passed).T)
    scatter = np.std(curves / efficiency, axis=1)
    expected = np.sqrt(np.sum(smooth_eigenvariations(variance, 3) ** 2, axis=0))
    np.testing.assert_allclose(
        scatter, expected, rtol=0.05
    )  # 4,000 toys: 1.1%, and the expected weights are not theirs


def test_each_muon_is_a_probe_where_the_other_is_a_tag() -> None:
    spectrum = np.random.default_rng(1).uniform(size=(3, 4, 2))
    found = probe_counts(spectrum, 1000.0, tag_efficiency=0.8)
    assert found.sum() == pytest.approx(1600)
    np.testing.assert_allclose(found / found.sum(), spectrum / spectrum.sum())
