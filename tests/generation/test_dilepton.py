"""The dilepton kernel against an independent event loop, and what its response and its muons must add up to."""

from __future__ import annotations

import math
from types import ModuleType

import numba
import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.special import ndtr

from wmassfit.errors import PhysicsError
from wmassfit.generation.bosons import Z
from wmassfit.generation.coefficients import Production, produce
from wmassfit.generation.dilepton import Dilepton, DileptonBins, MuonAcceptance, fill_dilepton
from wmassfit.generation.grids import nominal_grids
from wmassfit.generation.kernel import Copy
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.production import rapidity_spectrum
from wmassfit.generation.transverse_momentum import nominal_density
from wmassfit.pdf import load_embedded

ETA = np.linspace(-2.4, 2.4, 25)
CENTRES = 0.5 * (ETA[1:] + ETA[:-1])
PLATEAU = 0.85 - 0.05 * (np.abs(CENTRES) > 1.45)
TURN_ON = (24.0, 1.3)
MUON_PT = np.linspace(26.0, 56.0, 16)
THRESHOLD = 26.0
MASS = DileptonBins("dimuon_mass", np.linspace(0.0, 2.4, 13), np.linspace(76.0, 106.0, 31))
PT_Y = DileptonBins("dimuon_pt_rapidity", np.linspace(-2.4, 2.4, 13), np.linspace(0.0, 60.0, 31))


def sampler(x: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Quantiles of a tabulated density at 200001 equidistant probabilities."""
    cumulative = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(x))])
    return np.interp(np.linspace(0, 1, 200_001), cumulative / cumulative[-1], x)


def event_loop(brute: ModuleType, events: int, *, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(m, forward |η|) and (p_T, y) templates in pb with their variances; muons as four-vectors, smeared one by one."""
    pdf, decay, pole = load_embedded(), brute.decay, Z.mass_gev
    y = np.linspace(-5.0, 5.0, 4001)
    spectrum = rapidity_spectrum(pdf, Z, y)
    sigma, a4 = spectrum.sigma_pb[0], spectrum.a4(-1)[0]
    masses = LineShape.of(Z, pdf).quantile(np.linspace(0, 1, 200_001))
    p = np.linspace(0, 100, 100_001)
    tables = (masses, sampler(y, sigma), sampler(p, nominal_density("Z", p)), y, a4)
    beta = (math.log(Z.mass_gev**2 / 0.1056583755**2) - 1) / (137.035999 * math.pi)
    by_mass, by_pt = np.zeros((2, 12, 30)), np.zeros((2, 12, 30))

    @numba.njit(nogil=True)
    def seen(rng, px, py, pz):
        """Momentum as measured, its η bin (−1 outside), and the muon's weight."""
        pt = math.sqrt(px * px + py * py)
        if pt < 1e-6:
            return px, py, pz, -1, 0.0
        i = math.floor((math.asinh(pz / pt) + 2.4) / 0.2)
        if i < 0 or i >= 24:
            return px, py, pz, -1, 0.0
        eta = abs(-2.4 + 0.2 * (i + 0.5))
        width = math.hypot(0.0085 * math.sqrt(1 + (eta / 1.4) ** 2), 1.2e-4 * pt * (1 + 0.3 * eta))
        scale = 1 + rng.standard_normal() * width
        weight = 0.5 * (1 + math.erf((pt - 24.0) / (1.3 * math.sqrt(2))))
        weight *= 0.80 if eta > 1.45 else 0.85
        return scale * px, scale * py, scale * pz, i if scale * pt > 26.0 else -1, weight

    @numba.njit(nogil=True)
    def loop(rng, n, masses, rapidities, momenta, rapidity, a4_table, by_mass, by_pt):
        mean_d = 0.5 * (1 + 2 / ((beta + 1) * (beta + 2)))
        for _ in range(n):
            lx, ly, lz, ox, oy, oz, weight = decay(rng, -1, masses, rapidities, momenta, rapidity, a4_table, pole)
            w1, w2 = 1 - rng.random() ** (1 / beta), 1 - rng.random() ** (1 / beta)
            weight *= 0.25 * (1 + w1 * w1) * (1 + w2 * w2) / mean_d**2
            lx, ly, lz, i1, seen1 = seen(rng, w1 * lx, w1 * ly, w1 * lz)
            ox, oy, oz, i2, seen2 = seen(rng, w2 * ox, w2 * oy, w2 * oz)
            if i1 < 0 or i2 < 0:
                continue
            weight *= seen1 * seen2
            energy = math.sqrt(lx * lx + ly * ly + lz * lz) + math.sqrt(ox * ox + oy * oy + oz * oz)
            px, py, pz = lx + ox, ly + oy, lz + oz
            mass = math.sqrt(max(energy * energy - px * px - py * py - pz * pz, 0.0))
            row = max(i1 - 12 if i1 >= 12 else 11 - i1, i2 - 12 if i2 >= 12 else 11 - i2)
            k = math.floor(mass - 76.0)
            if 0 <= k < 30:
                by_mass[0, row, k] += weight
                by_mass[1, row, k] += weight * weight
            row = math.floor((math.atanh(pz / energy) + 2.4) / 0.4)
            k = math.floor(math.hypot(px, py) / 2.0)
            if 0 <= k < 30 and 0 <= row < 12:
                by_pt[0, row, k] += weight
                by_pt[1, row, k] += weight * weight

    loop(np.random.default_rng(seed), events, *tables, by_mass, by_pt)
    scale = float(trapezoid(sigma, y)) / events
    return [(sums * scale, (squares - sums**2 / events) * scale**2) for sums, squares in (by_mass, by_pt)]


def production() -> Production:
    return produce(load_embedded(), Z, -1, nominal_grids(), energy_gev=13000.0)


def filled(bins: DileptonBins, log2_points: int, *, copies: tuple[Copy, ...] = (Copy(),), workers: int = 2) -> Dilepton:
    return fill_dilepton(
        Z,
        LineShape.of(Z, load_embedded()),
        nominal_grids(),
        production().density()[0],
        bins,
        MuonAcceptance(THRESHOLD, ETA, PLATEAU, TURN_ON),
        MUON_PT,
        copies=copies,
        log2_points=log2_points,
        workers=workers,
    )


@pytest.mark.slow
def test_against_events(brute: ModuleType) -> None:
    found = event_loop(brute, 12_000_000, seed=3)
    for bins, (yields, variance) in zip((MASS, PT_Y), found, strict=True):
        template = filled(bins, 17).templates[0]
        kept = variance > 0
        chi2 = float(np.sum((yields - template)[kept] ** 2 / variance[kept]))
        error = math.sqrt(variance.sum()) / yields.sum()
        ratio = template.sum() / yields.sum()
        assert abs(ratio - 1) < 3 * error, (bins.observable, ratio, error)
        # 360 bins: one standard deviation is 0.075
        assert 0.9 < chi2 / np.count_nonzero(kept) < 1.1, (bins.observable, chi2, kept.sum())
        if bins is MASS:
            # the peak is where the events have it: the mean of 82 to 100 GeV, within 3 of its errors (some MeV)
            centres, window = 0.5 * (bins.x[1:] + bins.x[:-1]), slice(6, 24)
            one, other = yields[:, window].sum(axis=0), template[:, window].sum(axis=0)
            mean = np.average(centres[window], weights=other)
            sigma = math.sqrt(np.sum(variance[:, window].sum(axis=0) * (centres[window] - mean) ** 2)) / one.sum()
            assert abs(np.average(centres[window], weights=one) - mean) < 3 * sigma


@pytest.fixture(scope="module", params=[MASS, PT_Y], ids=lambda bins: str(bins.observable))
def kernel(request: pytest.FixtureRequest) -> tuple[DileptonBins, Dilepton]:
    return request.param, filled(request.param, 12, copies=(Copy(), Copy(mass_shift_gev=0.1)))


def test_the_response_gives_the_template(kernel: tuple[DileptonBins, Dilepton]) -> None:
    bins, made = kernel
    template = made.templates[0]
    response = made.response.contract(production().density())[0]
    # 2³ times fewer points, one mean resolution a row, coarser nodes
    assert response.sum() == pytest.approx(template.sum(), rel=2e-3)
    assert np.median(np.abs(response / template - 1)) < 0.02
    if bins.by_rapidity:
        np.testing.assert_allclose(template, template[::-1], rtol=1e-12)  # two equal beams
    else:
        # more mass, events above the peak for events below it
        ratio = made.templates[1].sum(axis=0) / template.sum(axis=0)
        assert np.all(ratio[5:14] < 1)
        assert np.all(ratio[17:25] > 1)


def test_weights_of_muons_multiply(kernel: tuple[DileptonBins, Dilepton]) -> None:
    bins, made = kernel
    # every event has two muons, one of either charge
    shape = (ETA.size - 1, MUON_PT.size - 1, 2)
    np.testing.assert_allclose(made.muons.weighted(np.ones(shape)), 2.0, rtol=1e-5)
    plus = np.zeros(shape)
    plus[..., 1] = 0.3
    np.testing.assert_allclose(made.muons.weighted(plus), 0.3, rtol=1e-5)
    # a weight of the outer muons, against the same events with another efficiency
    outer = np.abs(CENTRES) > 1.45
    change = np.zeros(shape)
    change[outer] = 1e-3
    other = fill_dilepton(
        Z,
        LineShape.of(Z, load_embedded()),
        nominal_grids(),
        production().density()[0],
        bins,
        MuonAcceptance(THRESHOLD, ETA, PLATEAU * (1 + 1e-3 * outer), TURN_ON),
        MUON_PT,
        log2_points=12,
    )
    exact = other.templates[0] / made.templates[0] - 1
    np.testing.assert_allclose(made.muons.weighted(change), exact, atol=6e-5)


def test_a_common_scale_moves_the_mass_itself() -> None:
    made = filled(MASS, 12)
    shift = 1e-4
    change = made.muons.moved(np.full((ETA.size - 1, MUON_PT.size - 1, 2), shift))
    # all masses larger by 1 + 1e-4 is all edges smaller by it
    moved = filled(DileptonBins("dimuon_mass", MASS.rows, MASS.x / (1 + shift)), 12).templates[0]
    exact = moved / made.templates[0] - 1
    scale = np.abs(exact).max()
    assert scale > 1e-3
    np.testing.assert_allclose(change, exact, atol=5e-3 * scale)  # to first order in the shift
    # opposite shifts of the two charges leave it in place
    opposite = np.broadcast_to(np.array([-shift, shift]), (ETA.size - 1, MUON_PT.size - 1, 2))
    np.testing.assert_allclose(made.muons.moved(opposite), 0.0, atol=1e-6)


def test_not_the_workers_but_the_seed_decides() -> None:
    one, two = (filled(MASS, 8, workers=w).templates[0] for w in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_smearing_keeps_events() -> None:
    nodes = PT_Y.nodes(0.25)
    kept = PT_Y.smearing(nodes, np.array([0.16]))[0].sum(axis=1)
    np.testing.assert_allclose(kept[nodes < 55], 1.0, atol=1e-6)  # turned around at 0, none lost
    density = MASS.edge_density(MASS.nodes(0.25), np.array([2e-4]))[0]
    width = 90.0 * math.sqrt(2e-4 - 0.25**2 / 6 / 90.0**2)
    i = int(np.argmin(np.abs(MASS.nodes(0.25) - 90.0)))
    upper = ndtr((91.0 - 90.0) / width) - ndtr(0.0)
    assert trapezoid(density[i, 14:16], dx=1.0) == pytest.approx(upper, rel=0.05)


@pytest.mark.parametrize(
    ("bins", "eta", "match"),
    [
        (MASS, np.linspace(-2.4, 2.0, 12), "uniform about 0"),
        (DileptonBins("dimuon_mass", np.linspace(0, 2.4, 11), MASS.x), ETA, "whole η bins"),
        (DileptonBins("dimuon_pt_rapidity", np.linspace(0, 2.4, 11), PT_Y.x), ETA, "uniform about 0"),
    ],
)
def test_bins_that_do_not_fit_are_refused(bins: DileptonBins, eta: np.ndarray, match: str) -> None:
    acceptance = MuonAcceptance(THRESHOLD, eta, np.ones(eta.size - 1), TURN_ON)
    with pytest.raises(PhysicsError, match=match):
        fill_dilepton(
            Z,
            LineShape.of(Z, load_embedded()),
            nominal_grids(),
            production().density()[0],
            bins,
            acceptance,
            MUON_PT,
            log2_points=8,
        )
