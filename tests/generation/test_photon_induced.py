"""Photons of the proton beside published numbers, and γγ → μμ against events."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import trapezoid

from wmassfit.generation.dimuon import OtherMuon
from wmassfit.generation.kernel import TransverseMassCut
from wmassfit.generation.photon_induced import PhotonDensity, PhotonInduced
from wmassfit.pdf import load_embedded
from wmassfit.pipeline import generate
from wmassfit.recipe import Recipe

ETA, PT = np.linspace(-2.4, 2.4, 25), np.linspace(26.0, 56.0, 16)
VETO = OtherMuon(15.0, 2.4, found=0.003, lost=1.0)
CUT = TransverseMassCut()


@pytest.fixture(scope="module")
def photons() -> PhotonDensity:
    return PhotonDensity.of(load_embedded())


def test_momentum_of_the_photons(photons: PhotonDensity) -> None:
    """Photons carry up to 0.5% of the proton's momentum (arXiv:1712.07053), less at the scale of the W than at TeV."""
    x = np.geomspace(5e-5, 0.7, 4000)
    assert 0.003 < trapezoid(photons(x), x) < 0.005


def test_soft_photons_of_the_whole_proton_are_logarithmic() -> None:
    """Far below x = 1 the charge alone counts: each factor of 10 in 1/x adds (α/π) ln 100 to xγ."""
    one, two = PhotonDensity.elastic(np.array([1e-4, 1e-5]))
    assert two - one == pytest.approx(np.log(100) / (137.036 * np.pi), rel=1e-3)


@pytest.mark.parametrize("other", [VETO, OtherMuon(30.0, 1.5, found=0.5, lost=0.0)])
def test_against_random_points(photons: PhotonDensity, other: OtherMuon) -> None:
    """The parton cross section over x₁, x₂ and the scattering angle, instead of the muons' rapidities."""
    rng, n, s = np.random.default_rng(3), 2_000_000, 13000.0**2
    low = np.log(1e-5)
    x1, x2 = np.exp(low * rng.random(n)), np.exp(low * rng.random(n))  # dx/x is low du
    c = 2 * rng.random(n) - 1
    s_hat = x1 * x2 * s
    # dσ̂/dc = (2πα²/ŝ)(1 + c²)/(1 − c²)
    angular = 2 * np.pi / 137.035999**2 / s_hat * (1 + c * c) / (1 - c * c)
    weight = low**2 * 2 * photons(x1) * photons(x2) * angular * 0.389379e9
    y, tilt = 0.5 * np.log(x1 / x2), np.arctanh(c)
    pt = 0.5 * np.sqrt(s_hat * (1 - c * c))
    found = (np.abs(y - tilt) < other.abs_eta) & (pt > other.pt_gev)
    weight *= np.where(found, other.found, other.lost) * CUT(2 * pt)
    sums = np.histogram2d(y + tilt, pt, (ETA[::4], PT[::3]), weights=weight)[0] / n
    squares = np.histogram2d(y + tilt, pt, (ETA[::4], PT[::3]), weights=weight**2)[0] / n
    error = np.sqrt((squares - sums**2) / n)
    template = PhotonInduced(photons, other, CUT).binned(ETA, PT).reshape(6, 4, 5, 3).sum(axis=(1, 3))
    filled = squares > 0
    pulls = (sums - template)[filled] / error[filled]
    assert filled.sum() >= 20
    assert np.abs(pulls).max() < 4.5, pulls
    assert np.abs(np.mean(pulls)) < 5 / np.sqrt(filled.sum())


def test_density_and_yields_are_of_one_spectrum(photons: PhotonDensity) -> None:
    made = PhotonInduced(photons, VETO, CUT)
    fine = np.linspace(26.0, 28.0, 41)
    eta = 0.5 * (ETA[1:] + ETA[:-1])
    inside = trapezoid(made.density(eta, fine), fine, axis=1) * np.diff(ETA)
    np.testing.assert_allclose(inside, made.binned(ETA, PT)[:, 0], rtol=3e-3)  # middle of the η bins against their mean
    np.testing.assert_allclose(made.binned(ETA, PT), made.binned(ETA, PT)[::-1], rtol=1e-9)


def test_share_of_the_drell_yan_background() -> None:
    """Photons make about a per mill of the pairs near the Z, and as much of those with one muon lost."""
    recipe = Recipe.load("small").override({"generation.kernel.log2_points": 10, "generation.nuisances": {}})
    channel = generate(recipe).channel("muon")
    photon, z = (channel.process(name).nominal.sum() for name in ("photon_induced", "Zmumu"))
    assert 3e-4 < photon / z < 4e-3
