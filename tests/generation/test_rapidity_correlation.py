"""Rapidity and p_T^V of a boson together: marginals that stay, what the jet has of it, and more hard Zs accepted."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.generation.boson_and_jet import jet_cross_section
from wmassfit.generation.bosons import BOSONS, Boson, Z
from wmassfit.generation.coefficients import Production, node_weights, produce
from wmassfit.generation.grids import nominal_grids
from wmassfit.generation.rapidity_correlation import correlated
from wmassfit.generation.z_spectrum import accepted_fraction
from wmassfit.pdf import load_embedded

GRIDS = nominal_grids()
OF_Y, OF_PT = node_weights(GRIDS.rapidity), node_weights(GRIDS.boson_pt)


def pair(boson: Boson) -> tuple[Production, Production]:
    plain = produce(load_embedded(), boson, boson.charge or -1, GRIDS, energy_gev=13000.0)
    return plain, correlated(plain, energy_gev=13000.0)


@pytest.mark.parametrize("boson", BOSONS.values(), ids=lambda b: b.name)
def test_marginals_stay(boson: Boson) -> None:
    """dσ/dy and dσ/dp_T^V are those of the production without correlation, to the end of the iteration."""
    plain, made = (p.density()[0, 0] for p in pair(boson))
    np.testing.assert_allclose(made @ OF_PT, plain @ OF_PT, rtol=1e-10)
    np.testing.assert_allclose(OF_Y @ made, OF_Y @ plain, rtol=1e-10)
    assert np.all(made[:46] >= 0)


@pytest.mark.parametrize("boson", [BOSONS["W-"], Z], ids=lambda b: b.name)
def test_cross_ratios_are_those_of_the_jet(boson: Boson) -> None:
    """What factors in y and in p_T cannot change: σ(y1, p1) σ(y2, p2)/[σ(y1, p2) σ(y2, p1)]."""
    _, made = pair(boson)
    y, pt = [0, 25], [10, 43]
    jet = jet_cross_section(load_embedded(), boson, GRIDS.rapidity[y], GRIDS.boson_pt[pt]).T
    density = made.density()[0, 0][np.ix_(y, pt)]
    found, expected = (v[0, 0] * v[1, 1] / (v[0, 1] * v[1, 0]) for v in (density, jet))
    assert found == pytest.approx(expected, rel=1e-9)
    assert expected < 0.9  # narrower in y at the larger p_T


def test_polarisation_is_not_touched() -> None:
    plain, made = (p.density()[0] for p in pair(Z))
    here = plain[0] > 1e-6 * plain[0].max()
    for i in range(1, 6):
        np.testing.assert_allclose((made[i] * plain[0])[here], (plain[i] * made[0])[here], rtol=1e-9, atol=1e-12)


def test_more_of_the_hard_z_is_accepted() -> None:
    """At 85 GeV the Z is central: of leptons with |η| < 2.5 a fifth more, while the sum over p_T is that of dσ/dy."""
    pt = np.array([1.0, 20.0, 85.0])
    plain, made = (accepted_fraction(load_embedded(), pt, correlation=c)[0] for c in (False, True))
    assert -0.08 < made[0] / plain[0] - 1 < -0.02
    assert abs(made[1] / plain[1] - 1) < 0.02
    assert 0.10 < made[2] / plain[2] - 1 < 0.25
