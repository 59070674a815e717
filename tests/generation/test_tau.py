"""W → τν → μνν of the kernel against events with a τ of its mass that decays into three bodies."""

from __future__ import annotations

import math
from types import ModuleType

import numba
import numpy as np
import pytest
from scipy.integrate import trapezoid

from wmassfit.generation.bosons import TAU_TO_MUON, W_MINUS, W_PLUS, Boson
from wmassfit.generation.coefficients import produce
from wmassfit.generation.deposit import _tau_spectrum
from wmassfit.generation.grids import nominal_grids
from wmassfit.generation.kernel import Copy, fill_kernel
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.production import rapidity_spectrum
from wmassfit.generation.response import build_response, true_spectrum
from wmassfit.pdf import load_embedded

ETA = np.linspace(-2.4, 2.4, 25)
PT = np.linspace(26.0, 56.0, 16)
M_TAU, M_MUON = 1.77686, 0.1056583755


@numba.njit(nogil=True)
def tau_decay(rng, px, py, pz, boost):
    """Muon of a τ with this momentum, and the weight of the decay: (p − m s)·q (k·q′) in flat phase space.

    q is the momentum of the neutrino with the muon's flavour, q′ that of the τ's, k the muon's, and s the τ's spin,
    against its momentum for a τ⁻ and along it for a τ⁺ (both give the same decay).
    """
    m, mu = M_TAU, M_MUON
    highest = (m * m + mu * mu) / (2 * m)
    while True:
        e_mu = mu + (highest - mu) * rng.random()
        e_q = 0.5 * m * rng.random()
        k = math.sqrt(e_mu * e_mu - mu * mu)
        e_other = m - e_mu - e_q
        if e_other <= 0 or k <= 0 or e_q <= 0:
            continue
        between = (e_other * e_other - k * k - e_q * e_q) / (2 * k * e_q)
        if abs(between) <= 1:
            break
    # the neutrino's direction is drawn, the muon's stands at its angle to it, anywhere around it
    c, phi, around = 2 * rng.random() - 1, 2 * math.pi * rng.random(), 2 * math.pi * rng.random()
    s, sine = math.sqrt(1 - c * c), math.sqrt(1 - between * between)
    nx, ny, nz = s * math.cos(phi), s * math.sin(phi), c
    ax, ay, az = c * math.cos(phi), c * math.sin(phi), -s
    bx, by = -math.sin(phi), math.cos(phi)
    kx = k * (between * nx + sine * (math.cos(around) * ax + math.sin(around) * bx))
    ky = k * (between * ny + sine * (math.cos(around) * ay + math.sin(around) * by))
    kz = k * (between * nz + sine * math.cos(around) * az)
    momentum = math.sqrt(px * px + py * py + pz * pz)
    along = (nx * px + ny * py + nz * pz) / momentum
    weight = m * e_q * (1 - along) * 0.5 * (m * m - 2 * m * e_q - mu * mu)
    x, y, z, _ = boost(kx, ky, kz, e_mu, px, py, pz, math.sqrt(momentum**2 + m * m), m)
    return x, y, z, weight


def event_loop(brute: ModuleType, boson: Boson, events: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Template [η, p_T] in pb of the muons, and its variance."""
    pdf, decay, boost = load_embedded(), brute.decay, brute.boost
    charge, pole = boson.charge, boson.mass_gev
    y = np.linspace(-5.0, 5.0, 4001)
    spectrum = rapidity_spectrum(pdf, boson, y)
    sigma, a4 = spectrum.sigma_pb[0], spectrum.a4(charge)[0]
    tables = (brute.mass_quantiles(pdf, boson), brute.quantiles(y, sigma), brute.pt_quantiles(charge), y, a4)
    beta = (math.log(boson.mass_gev**2 / M_MUON**2) - 1) / (137.035999 * math.pi)
    sums = np.zeros((2, ETA.size - 1, PT.size - 1))

    @numba.njit(nogil=True)
    def loop(rng, n, masses, rapidities, momenta, rapidity, a4_table, sums):
        mean_d = 0.5 * (1 + 2 / ((beta + 1) * (beta + 2)))
        decays = 0.0
        for _ in range(n):
            tx, ty, tz, nx, ny, _nz, weight = decay(rng, charge, masses, rapidities, momenta, rapidity, a4_table, pole)
            lx, ly, lz, of_decay = tau_decay(rng, tx, ty, tz, boost)
            decays += of_decay
            missing_x, missing_y = nx + tx - lx, ny + ty - ly
            w = 1 - rng.random() ** (1 / beta)
            weight *= of_decay * 0.5 * (1 + w * w) / mean_d
            lx, ly, lz = w * lx, w * ly, w * lz
            pt, missing = math.sqrt(lx * lx + ly * ly), math.sqrt(missing_x**2 + missing_y**2)
            gauss = rng.standard_normal()
            if pt < 1e-6:
                continue
            mt2 = 2 * (pt * missing - lx * missing_x - ly * missing_y)
            weight *= 0.5 * (1 + math.erf((math.sqrt(max(mt2, 0.0)) - 40) / (12 * math.sqrt(2))))
            i = math.floor((math.asinh(lz / pt) + 2.4) / 0.2)
            if i < 0 or i >= sums.shape[1]:
                continue
            eta = abs(-2.4 + 0.2 * (i + 0.5))
            width = math.hypot(0.0085 * math.sqrt(1 + (eta / 1.4) ** 2), 1.2e-4 * pt * (1 + 0.3 * eta))
            k = math.floor((pt * (1 + gauss * width) - 26.0) / 2.0)
            if k < 0 or k >= sums.shape[2]:
                continue
            sums[0, i, k] += weight
            sums[1, i, k] += weight * weight
        return decays / n

    mean = loop(np.random.default_rng([seed, charge + 1]), events, *tables, sums)
    scale = float(trapezoid(sigma, y)) * TAU_TO_MUON / events / mean
    return sums[0] * scale, (sums[1] - sums[0] ** 2 / events) * scale**2


def template(boson: Boson, log2_points: int) -> np.ndarray:
    pdf, grids = load_embedded(), nominal_grids()
    production = TAU_TO_MUON * produce(pdf, boson, boson.charge, grids, energy_gev=13000.0).density()[0]
    kernel = fill_kernel(boson, LineShape.of(boson, pdf), grids, log2_points=log2_points, through_tau=True)
    return true_spectrum(kernel, production, ETA).binned(PT)


def agree(brute: ModuleType, events: int, log2_points: int) -> None:
    chi2, bins = 0.0, 0
    for boson in (W_PLUS, W_MINUS):
        yields, variance = event_loop(brute, boson, events, seed=4)
        expected = template(boson, log2_points)
        chi2 += float(np.sum((yields - expected) ** 2 / variance))
        bins += yields.size
        error = math.sqrt(variance.sum()) / yields.sum()
        ratio = expected.sum() / yields.sum()
        # the kernel's τ decays collinearly: a transverse kick of some 0.5 GeV at a slope of 9 GeV is ½ (0.5/9)²
        assert abs(ratio - 1) < 3 * error + 0.0015, (boson.name, ratio, error)
    assert 0.85 < chi2 / bins < 1.15, (chi2, bins)  # 720 bins: one standard deviation is 0.053


def test_events(brute: ModuleType) -> None:
    agree(brute, 1_000_000, 14)


@pytest.mark.slow
def test_more_events(brute: ModuleType) -> None:
    agree(brute, 20_000_000, 17)


def test_muons_of_a_polarised_tau(brute: ModuleType) -> None:
    """Far above its mass the muon's fraction of the momentum has the density that the kernel takes."""

    @numba.njit
    def fractions(rng, n, boost):
        values, weights = np.empty(n), np.empty(n)
        for i in range(n):
            _, _, z, weights[i] = tau_decay(rng, 0.0, 0.0, 1e3, boost)
            values[i] = z / 1e3
        return values, weights

    n = 2_000_000
    x, weight = fractions(np.random.default_rng(1), n, brute.boost)
    edges = np.linspace(0.0, 1.0, 21)
    counts = np.histogram(x, edges, weights=weight)[0]
    error = np.sqrt(np.histogram(x, edges, weights=weight**2)[0]) / weight.sum()
    nodes, weights = np.polynomial.legendre.leggauss(4)
    middle, half = 0.5 * (edges[1:] + edges[:-1]), 0.5 * np.diff(edges)
    at_nodes = np.vectorize(_tau_spectrum)(middle[:, None] + half[:, None] * nodes)
    exact = half * (at_nodes @ weights)
    pulls = (counts / weight.sum() - exact) / error
    assert np.abs(pulls[2:]).max() < 4, pulls  # 18 bins; below 0.1 the muon's mass makes an edge
    assert exact[2:].sum() + counts[:2].sum() / weight.sum() == pytest.approx(1.0, abs=1e-3)
    # the mass of the muon changes the density by 2% at most where muons are accepted, and hardly its shape
    assert exact[8:] == pytest.approx(np.diff(4 / 3 * edges - edges**4 / 3)[8:], rel=0.025)


def test_the_response_is_of_the_same_decay() -> None:
    pdf, grids = load_embedded(), nominal_grids()
    kernel = fill_kernel(
        W_PLUS,
        LineShape.of(W_PLUS, pdf),
        grids,
        copies=(Copy(), Copy(mass_shift_gev=0.1)),
        log2_points=12,
        through_tau=True,
    )
    production = produce(pdf, W_PLUS, 1, grids, energy_gev=13000.0).density()
    nominal = true_spectrum(kernel, production[0], ETA).binned(PT)
    response = build_response(kernel, ETA, PT).contract(production)[0]
    np.testing.assert_allclose(response, nominal, rtol=1e-4)
    # momenta that grow by 0.12% in a spectrum of slope 9 GeV are 0.35% and more above 26 GeV
    ratio = true_spectrum(kernel, production[0], ETA, copy=1).binned(PT).sum(axis=0) / nominal.sum(axis=0)
    assert np.all(ratio > 1)
    assert np.average(ratio, weights=nominal.sum(axis=0)) == pytest.approx(1.0045, abs=0.002)


def test_coarser_nodes_do_for_a_falling_spectrum() -> None:
    """The nodes of muons from τ are 0.5 GeV apart in the generator."""
    pdf, grids = load_embedded(), nominal_grids()
    coarse = type(grids)(**{**vars(grids), "lepton_pt": grids.lepton_pt[::2]})
    production = produce(pdf, W_PLUS, 1, grids, energy_gev=13000.0).density()[0]
    made = []
    for g in (grids, coarse):
        kernel = fill_kernel(W_PLUS, LineShape.of(W_PLUS, pdf), g, log2_points=15, through_tau=True)
        made.append(true_spectrum(kernel, production, ETA).binned(PT))
    # enough points for a smooth spectrum f: a step h leaves some h⁴/144 f⁗/f, 1e-7 for a slope of 9 GeV
    np.testing.assert_allclose(made[1], made[0], rtol=1e-3)
