"""Final-state radiation: events, mean loss, and the transverse-mass cut after it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from wmassfit.generation.bosons import W_PLUS, Z
from wmassfit.generation.grids import nominal_grids
from wmassfit.generation.kernel import TransverseMassCut
from wmassfit.generation.radiation import Z_NODES, radiation_matrices
from wmassfit.generation.radiator import radiator_strength

NODES = nominal_grids().lepton_pt
MATRICES = radiation_matrices(NODES, W_PLUS)


def moment(beta: float, function) -> float:
    """∫ D(z) f(z) dz / ∫ D(z) dz by adaptive quadrature, the singular power of 1 − z as its weight."""

    def integral(f) -> float:
        return quad(lambda z: 0.5 * beta * (1 + z * z) * f(z), 0, 1, weight="alg", wvar=(0, beta - 1), epsabs=1e-12)[0]

    return integral(function) / integral(np.ones_like)


def test_strength() -> None:
    assert radiator_strength(W_PLUS.mass_gev) == pytest.approx(0.0285, abs=5e-5)
    assert radiator_strength(Z.mass_gev) == pytest.approx(0.0291, abs=5e-5)


def test_norm_of_the_density() -> None:
    beta = radiator_strength(W_PLUS.mass_gev)
    assert 0.5 * (1 + 2 / ((beta + 1) * (beta + 2))) == pytest.approx(0.9793, abs=5e-5)


def test_events_are_conserved() -> None:
    total = MATRICES.sum(axis=0).sum(axis=1)
    beta = radiator_strength(W_PLUS.mass_gev)
    for node in (0, 88, 328):
        # what falls below the first node, 18 GeV, is lost, and nothing else
        x = NODES[0] / NODES[node]
        kept = 1.0 if x == 1 else 1 - moment(beta, lambda z, x=x: float(z < x))
        if node:
            assert total[node] == pytest.approx(kept, abs=2e-4)  # a step in z on 16000 midpoints
    low = np.linspace(0.0, 100.0, 401)
    np.testing.assert_allclose(radiation_matrices(low, W_PLUS).sum(axis=(0, 2)), 1.0, atol=1e-12)


@pytest.mark.parametrize("boson", [W_PLUS, Z], ids=lambda b: b.name)
def test_mean_loss(boson) -> None:
    nodes = np.linspace(0.0, 100.0, 401)
    matrix = radiation_matrices(nodes, boson).sum(axis=0)
    mean = matrix[1:] @ nodes / nodes[1:]
    expected = moment(radiator_strength(boson.mass_gev), lambda z: z)
    # sharing between nodes keeps the mean; the rest is the midpoint rule
    np.testing.assert_allclose(mean, expected, atol=1e-6)
    assert 1 - expected == pytest.approx(0.019, abs=0.001)


def test_momentum_never_grows() -> None:
    assert np.all(np.triu(np.abs(MATRICES.sum(axis=0)), k=1) == 0)


def efficiency_after_radiation(node: int, transverse_mass: float) -> tuple[float, float]:
    """Mean efficiency of the cut after radiation, over muons that keep 20 GeV or more: by the matrices and exactly."""
    cut, pt = TransverseMassCut(), NODES[node]
    copies = cut(np.sqrt(np.array(Z_NODES)) * transverse_mass)
    chosen = NODES >= 20.0
    interpolated = float(np.einsum("z,zj->", copies, MATRICES[:, node][:, chosen]))
    nodes = np.linspace(0.0, 1.0, 400001)[1:]
    u = nodes - 0.5 * nodes[0]
    z = 1 - u ** (1 / radiator_strength(W_PLUS.mass_gev))
    weight = (1 + z**2) * np.interp(z * pt, [19.75, 20.0], [0.0, 1.0])
    exact = float(np.sum(weight * cut(np.sqrt(z) * transverse_mass)) / np.sum(1 + z**2))
    return interpolated, exact


@pytest.mark.parametrize("pt", [33.0, 40.0, 48.0])
@pytest.mark.parametrize("transverse_mass", [40.0, 60.0, 80.0])
def test_cut_between_the_momentum_fractions(pt: float, transverse_mass: float) -> None:
    interpolated, exact = efficiency_after_radiation(int(np.argmin(np.abs(NODES - pt))), transverse_mass)
    # filled at four z only: what a cubic through them misses of the cut is 1e-4 at the Jacobian peak and 2.3e-4 at most
    # here, with both signs; straight lines miss up to 1e-3, always low
    assert interpolated == pytest.approx(exact, rel=2.5e-4)
