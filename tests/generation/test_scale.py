"""The momentum-scale template against a refill with moved momenta."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from wmassfit.generation.scale import relative_shift, scale_shift

EDGES = np.linspace(26.0, 56.0, 31)


@pytest.mark.parametrize(("size", "accuracy"), [(1e-4, 5e-6), (1e-3, 5e-4)])
def test_edge_flow_against_exact_move(size: float, accuracy: float) -> None:
    # A smooth spectrum moved by p → p(1 + δ); what is left is second order, δ² p² ρ′/ρ ~ (0.04/3)² at 1e-3, and the
    # two accuracies show that it falls with δ².
    spectrum = norm(40.0, 6.0)
    exact = np.diff(spectrum.cdf(EDGES / (1 + size))) - np.diff(spectrum.cdf(EDGES))
    approximate = scale_shift(spectrum.pdf(EDGES), EDGES, np.full(EDGES.size, size))
    np.testing.assert_allclose(approximate, exact, atol=accuracy * np.diff(spectrum.cdf(EDGES)).max())


def test_signs_of_the_three_parameters() -> None:
    parameters = np.array([[1e-3], [2e-2], [1e-5]])  # A, ε, M in one η bin
    plus, minus = (relative_shift(parameters, np.array([40.0]), q)[0, 0] for q in (1, -1))
    assert plus == pytest.approx(1e-3 - 2e-2 / 40 + 1e-5 * 40)
    assert minus == pytest.approx(1e-3 - 2e-2 / 40 - 1e-5 * 40)
