"""The dimuon kernel against an independent event loop, and what the symmetry of two equal beams demands."""

from __future__ import annotations

import math
from types import ModuleType

import numba
import numpy as np
import pytest
from scipy.integrate import trapezoid

from wmassfit.generation.bosons import Z
from wmassfit.generation.coefficients import produce
from wmassfit.generation.dimuon import Dimuon, OtherMuon, fill_dimuon
from wmassfit.generation.grids import nominal_grids
from wmassfit.generation.kernel import Copy, TransverseMassCut, fill_kernel
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.production import rapidity_spectrum
from wmassfit.generation.response import true_spectrum
from wmassfit.generation.transverse_momentum import nominal_density
from wmassfit.pdf import load_embedded

ETA = np.linspace(-2.4, 2.4, 25)
PT = np.linspace(26.0, 56.0, 16)
BOTH = OtherMuon(26.0, 2.4)
VETO = OtherMuon(15.0, 2.4, found=0.003, lost=1.0)


def sampler(x: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Quantiles of a tabulated density at 20001 equidistant probabilities."""
    cumulative = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(x))])
    return np.interp(np.linspace(0, 1, 200_001), cumulative / cumulative[-1], x)


def event_loop(
    brute: ModuleType, charge: int, events: int, *, seed: int, other: OtherMuon
) -> tuple[np.ndarray, np.ndarray]:
    """Template [η, p_T] in pb of the muon of one charge, and its variance, the other muon found or lost."""
    pdf, decay, pole = load_embedded(), brute.decay, Z.mass_gev
    y = np.linspace(-5.0, 5.0, 4001)
    spectrum = rapidity_spectrum(pdf, Z, y)
    sigma, a4 = spectrum.sigma_pb[0], spectrum.a4(charge)[0]
    line = LineShape.of(Z, pdf)
    masses = line.quantile(np.linspace(0, 1, 200_001))
    p = np.linspace(0, 100, 100_001)
    tables = (masses, sampler(y, sigma), sampler(p, nominal_density("Z", p)), y, a4)
    beta = (math.log(Z.mass_gev**2 / 0.1056583755**2) - 1) / (137.035999 * math.pi)
    sums = np.zeros((2, ETA.size - 1, PT.size - 1))
    threshold, reach, if_found, if_lost = other.pt_gev, other.abs_eta, other.found, other.lost

    @numba.njit(nogil=True)
    def loop(rng, n, masses, rapidities, momenta, rapidity, a4_table, sums):
        mean_d = 0.5 * (1 + 2 / ((beta + 1) * (beta + 2)))
        for _ in range(n):
            lx, ly, lz, ox, oy, oz, weight = decay(rng, charge, masses, rapidities, momenta, rapidity, a4_table, pole)
            w1, w2 = 1 - rng.random() ** (1 / beta), 1 - rng.random() ** (1 / beta)
            weight *= 0.25 * (1 + w1 * w1) * (1 + w2 * w2) / mean_d**2
            lx, ly, lz, ox, oy, oz = w1 * lx, w1 * ly, w1 * lz, w2 * ox, w2 * oy, w2 * oz
            chosen, other = math.sqrt(lx * lx + ly * ly), math.sqrt(ox * ox + oy * oy)
            g1, g2 = rng.standard_normal(), rng.standard_normal()
            if chosen < 1e-6 or other < 1e-6:
                continue
            mt2 = 2 * (chosen * other - lx * ox - ly * oy)
            weight *= 0.5 * (1 + math.erf((math.sqrt(max(mt2, 0.0)) - 40) / (12 * math.sqrt(2))))
            other_eta = math.asinh(oz / other)
            width = math.hypot(
                0.0085 * math.sqrt(1 + (other_eta / 1.4) ** 2), 1.2e-4 * other * (1 + 0.3 * abs(other_eta))
            )
            seen = abs(other_eta) < reach and other * (1 + g2 * width) > threshold
            weight *= if_found if seen else if_lost
            i = math.floor((math.asinh(lz / chosen) + 2.4) / 0.2)
            if i < 0 or i >= sums.shape[1]:
                continue
            eta = abs(-2.4 + 0.2 * (i + 0.5))
            width = math.hypot(0.0085 * math.sqrt(1 + (eta / 1.4) ** 2), 1.2e-4 * chosen * (1 + 0.3 * eta))
            k = math.floor((chosen * (1 + g1 * width) - 26.0) / 2.0)
            if k < 0 or k >= sums.shape[2]:
                continue
            sums[0, i, k] += weight
            sums[1, i, k] += weight * weight

    loop(np.random.default_rng([seed, charge + 1]), events, *tables, sums)
    scale = float(trapezoid(sigma, y)) / events
    return sums[0] * scale, (sums[1] - sums[0] ** 2 / events) * scale**2


def filled(
    log2_points: int,
    other: OtherMuon,
    *,
    eta: np.ndarray = ETA,
    copies: tuple[Copy, ...] = (Copy(),),
    seed: int = 1,
) -> Dimuon:
    pdf, grids = load_embedded(), nominal_grids()
    productions = {q: produce(pdf, Z, q, grids, energy_gev=13000.0).density()[0] for q in (-1, 1)}
    return fill_dimuon(
        Z,
        LineShape.of(Z, pdf),
        grids,
        productions,
        eta,
        PT,
        other,
        copies=copies,
        log2_points=log2_points,
        seed=seed,
    )


def agree(brute: ModuleType, events: int, log2_points: int, other: OtherMuon) -> None:
    kernel = filled(log2_points, other)
    chi2, bins = 0.0, 0
    for charge in (-1, 1):
        yields, variance = event_loop(brute, charge, events, seed=3, other=other)
        template = kernel.spectra[charge][0].binned(PT)
        chi2 += float(np.sum((yields - template) ** 2 / variance))
        bins += yields.size
        error = math.sqrt(variance.sum()) / yields.sum()
        ratio = template.sum() / yields.sum()
        assert abs(ratio - 1) < 3 * error, (charge, ratio, error)
    assert 0.9 < chi2 / bins < 1.1, (chi2, bins)  # 720 bins: one standard deviation is 0.053


@pytest.mark.slow
def test_against_events(brute: ModuleType) -> None:
    agree(brute, 6_000_000, 16, BOTH)


@pytest.mark.slow
def test_lost_muons_against_events(brute: ModuleType) -> None:
    """Most muons of the Z have a partner that is found, and count with the veto's inefficiency alone."""
    agree(brute, 30_000_000, 17, VETO)


def test_muons_found_and_lost_are_all_muons() -> None:
    """The kernel without a second muon, in other files and by a convolution, gives all of them."""
    both, alone = (filled(13, OtherMuon(15.0, 2.4, found=f, lost=1 - f)) for f in (1.0, 0.0))
    pdf, grids = load_embedded(), nominal_grids()
    kernel = fill_kernel(Z, LineShape.of(Z, pdf), grids, log2_points=15)
    for charge in (-1, 1):
        found, lost = both.spectra[charge][0].binned(PT), alone.spectra[charge][0].binned(PT)
        np.testing.assert_allclose(both.found[charge].binned(PT), found, rtol=1e-12)
        np.testing.assert_allclose(alone.found[charge].binned(PT), 0.0, atol=1e-12)
        production = produce(pdf, Z, charge, grids, energy_gev=13000.0).density()[0]
        everything = true_spectrum(kernel, production, ETA).binned(PT)
        # the cut sees the other muon after its radiation here and before it there: 2% of 1.4% of its momentum; noise
        assert (found + lost).sum() == pytest.approx(everything.sum(), rel=0.01)
        share = lost.sum(axis=1) / (found + lost).sum(axis=1)
        assert np.all(np.diff(share[ETA.size // 2 :]) > 0)  # the farther out, the more are lost
        assert share[12] < 0.1 < share[-1]
        # some muons are below the threshold or beyond the acceptance, few where the veto alone counts
        veto = filled(13, VETO)
        expected = lost + VETO.found * found
        np.testing.assert_allclose(veto.spectra[charge][0].binned(PT), expected, rtol=1e-9)


# one muon in seven has a lost partner: noise is √7 times more
@pytest.mark.parametrize(("other", "noise"), [(BOTH, 1.0), (VETO, 7**0.5)])
def test_symmetries_and_the_response(other: OtherMuon, noise: float) -> None:
    kernel = filled(12, other, copies=(Copy(), Copy(mass_shift_gev=0.1), Copy(cut=TransverseMassCut(41.0, 12.0))))
    pdf, grids = load_embedded(), nominal_grids()
    for charge, (nominal, heavier, cut) in kernel.spectra.items():
        template = nominal.binned(PT)
        np.testing.assert_allclose(template, template[::-1], rtol=1e-10)  # two equal beams
        response = kernel.response.contract(produce(pdf, Z, charge, grids, energy_gev=13000.0).density())[0]
        # the response has 2³ times fewer points than the spectrum, hence its noise
        assert response.sum() == pytest.approx(template.sum(), rel=2e-3 * noise)
        assert np.std(response / template) < 0.03 * noise
        # more mass, harder muons; a higher cut, fewer events
        ratio = heavier.binned(PT).sum(axis=0) / template.sum(axis=0)
        assert ratio[-1] > 1 > ratio[2]
        assert np.all(cut.binned(PT) < template)


@pytest.mark.parametrize("other", [BOTH, VETO])
def test_any_bins_of_eta(other: OtherMuon) -> None:
    """Bins that are odd in number, or on one side alone, are sums of finer ones before resolution."""
    fine = filled(9, other).spectra[1][0].values
    odd = filled(9, other, eta=np.linspace(-2.4, 2.4, 9)[1:]).spectra[1][0].values
    np.testing.assert_allclose(odd, fine.reshape(8, 3, -1).sum(axis=1)[1:], rtol=1e-9, atol=1e-12)
    middle = filled(9, other, eta=np.array([-1.0, -0.2, 0.2, 2.0])).spectra[1][0].values
    expected = [fine[7:11].sum(axis=0), fine[11:13].sum(axis=0), fine[13:22].sum(axis=0)]
    np.testing.assert_allclose(middle, expected, rtol=1e-9, atol=1e-12)
