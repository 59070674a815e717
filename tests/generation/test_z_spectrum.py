"""The accepted p_T spectrum of the Z: limits of the acceptance, its analytic value at rest, normalisation, refusals."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from wmassfit.errors import PhysicsError
from wmassfit.generation.angular import angular_coefficients
from wmassfit.generation.bosons import Z
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.production import rapidity_spectrum
from wmassfit.generation.transverse_momentum import nominal_density
from wmassfit.generation.z_spectrum import LeptonAcceptance, accepted_fraction, z_pt_spectrum
from wmassfit.pdf import load_embedded
from wmassfit.recipe import Recipe

MODELLING = Recipe.load("small").generation.nuisances.pt_v
EVERYTHING = LeptonAcceptance(pt_gev=0.0, abs_eta=20.0, mass_gev=(60.0, 120.0))


@pytest.mark.parametrize("correlation", [False, True])
def test_without_requirements_all_are_accepted(correlation: bool) -> None:
    at = np.array([0.0, 20.0, 80.0])
    fraction = accepted_fraction(load_embedded(), at, acceptance=EVERYTHING, correlation=correlation)
    # the Sobol rule with weights in y, and the correlation linear between nodes
    np.testing.assert_allclose(fraction[0], 1.0, rtol=1e-3)


def test_threshold_of_a_z_at_rest() -> None:
    # at p_T = 0, p_T of both leptons is ½ m sinθ, so (1 + c²) · 3/8 integrates to ¾ (C + C³/3), C² = 1 − (2p/m)²
    narrow = LeptonAcceptance(pt_gev=30.0, abs_eta=20.0, mass_gev=(91.0, 91.4))
    loose = LeptonAcceptance(pt_gev=0.0, abs_eta=20.0, mass_gev=(91.0, 91.4))
    pdf = load_embedded().central
    some, every = (accepted_fraction(pdf, np.zeros(1), acceptance=a, log2_points=16)[0, 0] for a in (narrow, loose))
    cosine = np.sqrt(1 - (60.0 / 91.19) ** 2)
    np.testing.assert_allclose(some / every, 0.75 * (cosine + cosine**3 / 3), rtol=5e-3)


def test_spectrum_is_normalised_and_acceptance_bends_it() -> None:
    edges = np.array([0.0, 2.0, 5.0, 10.0, 20.0, 40.0, 80.0])
    spectrum = z_pt_spectrum(load_embedded(), edges, modelling=MODELLING, log2_points=12)
    np.testing.assert_allclose(spectrum.pdf.members @ np.diff(edges), 1.0, rtol=1e-12)
    np.testing.assert_allclose(spectrum.model @ np.diff(edges), 0.0, atol=1e-12)
    assert np.all(spectrum.pdf.uncertainty < 0.01 * spectrum.pdf.central)
    free = z_pt_spectrum(load_embedded(), edges, modelling=MODELLING, acceptance=EVERYTHING, log2_points=12)
    pt = np.linspace(0, 80, 8001)
    density = nominal_density("Z", pt)
    inside = [np.trapezoid(density[(pt >= a) & (pt <= b)], dx=0.01) for a, b in pairwise(edges)]
    np.testing.assert_allclose(free.pdf.central * np.diff(edges), np.array(inside) / sum(inside), rtol=1e-3)
    # one lepton of a moving Z is softer: acceptance falls towards p_T of 40 GeV
    assert np.all(np.diff(spectrum.fraction) < 0)


@pytest.mark.parametrize("pt", [5.0, 30.0, 80.0])
def test_against_four_vectors(pt: float) -> None:
    # another path to the same number: unit vectors, Lorentz boosts as matrices, pseudo-random events of one member
    pdf, n = load_embedded().central, 400_000
    rng = np.random.default_rng(5)
    y = rng.uniform(-4, 4, n)
    spectrum = rapidity_spectrum(pdf, Z, y)
    c, phi = rng.uniform(-1, 1, n), rng.uniform(-np.pi, np.pi, n)
    s = np.sqrt(1 - c**2)
    m = LineShape.of(Z, pdf).quantile(rng.uniform(size=n))
    direction = np.stack([s * np.cos(phi), s * np.sin(phi), c])
    leptons = [np.concatenate([0.5 * m[None], sign * 0.5 * m * direction]) for sign in (1, -1)]
    gamma, gamma_beta = np.sqrt(m**2 + pt**2) / m, pt / m
    accepted = (m > 66) & (m < 116)
    for energy, px, py, pz in leptons:
        energy, px = gamma * energy + gamma_beta * px, gamma * px + gamma_beta * energy
        pz = np.cosh(y) * pz + np.sinh(y) * energy
        transverse = np.hypot(px, py)
        accepted &= (transverse > 27) & (np.abs(np.arcsinh(pz / transverse)) < 2.5)
    coefficients = angular_coefficients(spectrum.a4(-1)[0], y, np.array([pt]), mass_gev=Z.mass_gev, lepton_charge=-1)[
        :, :, 0
    ]
    harmonics = [0.5 * (1 - 3 * c**2), 2 * s * c * np.cos(phi), 0.5 * s**2 * np.cos(2 * phi), s * np.cos(phi), c]
    decay = 1 + c**2 + sum(a * h for a, h in zip(coefficients, harmonics, strict=True))
    weight = spectrum.sigma_pb[0] * decay
    fraction = np.sum(weight * accepted) / np.sum(weight)
    # no pair with both |η| < 2.5 and p_T > 27 GeV comes from beyond |y| of 4: its leptons have |Δη| < 2.5 at 66 GeV
    sampled = rapidity_spectrum(pdf, Z, np.linspace(-4, 4, 1001)).total_pb()[0]
    every = rapidity_spectrum(pdf, Z, np.linspace(-5, 5, 1001)).total_pb()[0]
    # 400,000 weighted events: 0.25% of the fraction
    found = accepted_fraction(pdf, np.array([pt]), correlation=False)[0, 0]
    np.testing.assert_allclose(found, fraction * sampled / every, rtol=1e-2)


@pytest.mark.parametrize("edges", [[0.0, 110.0], [2.0, 1.0], [-1.0, 3.0], [1.0]])
def test_refusals(edges: list[float]) -> None:
    with pytest.raises(PhysicsError, match="edges of p_T"):
        z_pt_spectrum(load_embedded(), np.array(edges), modelling=MODELLING)
