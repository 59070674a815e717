"""The whole calibration on pseudo-data: what was put in comes back, closure on the Z, resolution."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from wmassfit.calibration import Calibration, JpsiSample, Resonance, ZSample, calibrate, fit_resolution, fit_scale
from wmassfit.calibration.calibrate import summed
from wmassfit.calibration.cells import Sums
from wmassfit.calibration.jpsi_events import expected_jpsi, jpsi_cells, jpsi_events
from wmassfit.calibration.peaks import Z as Z_PEAK
from wmassfit.calibration.resolution_fit import Widths
from wmassfit.calibration.z_events import z_cells, z_events
from wmassfit.errors import PhysicsError, TemplateError
from wmassfit.generation.resolution import ResolutionCalibration, relative_resolution
from wmassfit.inference.chi_square import chi_square_probability

EDGES = np.linspace(-2.4, 2.4, 13)
JPSI_SAMPLE, Z_SAMPLE = JpsiSample(events=300_000), ZSample(events=300_000)
BIAS = np.random.default_rng(11).normal(size=(3, 12)) * np.array([[1e-3], [3e-3], [3e-5]])
WIDTH = 1.03


@pytest.fixture(scope="module")
def resonances() -> tuple[Resonance, Resonance]:
    jpsi, z = jpsi_cells(EDGES, JPSI_SAMPLE), z_cells(EDGES, Z_SAMPLE)
    simulated = summed(z_events(replace(Z_SAMPLE, events=600_000), EDGES, seed=2), z, Z_PEAK)
    return (
        Resonance(
            partial(jpsi_events, JPSI_SAMPLE, EDGES, bias=BIAS, width=WIDTH, seed=6),
            jpsi,
            expected_jpsi(JPSI_SAMPLE, jpsi, log2_points=20),
            JPSI_SAMPLE.resolution_factor,
        ),
        Resonance(partial(z_events, Z_SAMPLE, EDGES, bias=BIAS, width=WIDTH, seed=6), z, simulated),
    )


@pytest.fixture(scope="module")
def found(resonances: tuple[Resonance, Resonance]) -> Calibration:
    return calibrate(*resonances)


def likely(chi_square: float, ndf: int) -> bool:
    """Whether χ² is neither too large nor too small, to one in ten thousand on either side."""
    return 1e-4 < chi_square_probability(chi_square, ndf) < 1 - 1e-4


def test_scale(found: Calibration) -> None:
    assert likely(found.scale.closure(BIAS), 36)
    assert not likely(found.scale.closure(np.zeros_like(BIAS)), 36)


def test_closure_on_the_corrected_z(found: Calibration, resonances: tuple[Resonance, Resonance]) -> None:
    assert likely(found.closure_chi_square(), 24)
    # without the J/ψ's errors the Z alone would see too much, and without the correction everything that was put in
    assert np.all(np.linalg.eigvalsh(found.expected_closure) > -1e-15)
    uncorrected = summed(resonances[1].pairs(), resonances[1].cells, Z_PEAK)
    raw = fit_scale(uncorrected, resonances[1].simulated, resonances[1].cells, terms=("A", "M"))
    assert not likely(raw.closure(np.zeros((2, 12)), more=found.expected_closure), 24)


def test_closure_errors_are_those_of_the_formula(resonances: tuple[Resonance, Resonance]) -> None:
    """σ(A′) = 2 s/√n of n muons in the bin and pairs of relative width s, as the momentum-scale group takes it.

    A bin's muons have their partners spread over all others, so that correlations between bins change little: up to
    the share of pairs in one bin (1/12 here), by which σ² may be smaller, and as much larger for M fitted beside.
    """
    z = resonances[1]
    data = summed(z.pairs(), z.cells, Z_PEAK)
    exact = z.simulated.values.copy()
    exact[1] = 0.0  # a simulation without noise
    fit = fit_scale(data, Sums(exact), z.cells, terms=("A", "M"))
    pairs = data.weight.reshape(-1, 12, 12).sum(axis=0)
    muons = pairs.sum(axis=0) + pairs.sum(axis=1)
    total = z.simulated.values.sum(axis=1) / z.simulated.weight.sum()
    names = list(Sums.QUANTITIES)
    variance = total[names.index("ψ²")] - total[names.index("ψ")] ** 2
    width = np.sqrt(variance) / total[names.index("ψ′")]
    assert width == pytest.approx(0.0265, rel=0.01)  # what recipes say
    formula = 2.0 * width / np.sqrt(muons)
    assert np.sqrt(np.mean((fit.errors[0] / formula) ** 2)) == pytest.approx(1.0, abs=1 / 12)


def test_resolution(found: Calibration) -> None:
    calibration = found.resolution.calibration
    centres = 0.5 * (calibration.abs_eta_edges[1:] + calibration.abs_eta_edges[:-1])
    # a² at the bin's mean of η²: bins are 0.4 wide
    a2 = relative_resolution(np.zeros(6), np.sqrt(centres**2 + 0.4**2 / 12)) ** 2
    c2 = (relative_resolution(np.full(6, 1e4), centres) / 1e4) ** 2
    truth = (WIDTH**2 - 1) * np.stack([a2, c2])
    shift = (calibration.values - truth).ravel()
    unit = np.sqrt(np.diag(calibration.covariance))
    chi_square = float((shift / unit) @ np.linalg.solve(calibration.covariance / np.outer(unit, unit), shift / unit))
    assert likely(chi_square, 12)
    assert np.sum(calibration.values[0] / unit[:6] ** 2) / np.sqrt(np.sum(1 / unit[:6] ** 2)) > 4


def test_resolution_of_exact_data(resonances: tuple[Resonance, Resonance]) -> None:
    """⟨φ⟩ moved by hand as the formula says, cell by cell: the fit gives back what was put in."""
    z = resonances[1]
    put_in = np.array([np.linspace(1e-5, 3e-5, 6), np.linspace(-1e-9, 2e-9, 6)])
    data = z.simulated.values.copy()
    names = list(Sums.QUANTITIES)
    every = np.arange(z.cells.size)
    pooled = z.simulated.pooled(np.flatnonzero(z.simulated.weight > 0), z.cells.alike(every)[z.simulated.weight > 0])
    curvature = np.zeros(z.cells.size)
    curvature[z.simulated.weight > 0] = pooled.curvature
    for sign, which in zip("+-", z.cells.eta_of(every), strict=True):
        folded = np.where(which < 6, 5 - which, which - 6)
        p2 = data[names.index(f"p{sign}²")]  # times the weight
        change = put_in[0][folded] * data[0] + put_in[1][folded] * p2
        data[names.index("φ")] += 0.125 * curvature * change
    fit = fit_resolution([Widths(Sums(data), z.simulated, z.cells)], fewest=1)
    unit = np.sqrt(np.diag(fit.calibration.covariance)).reshape(2, 6)
    np.testing.assert_allclose(fit.calibration.values / unit, put_in / unit, atol=1e-6)


def test_resolution_refuses_bins_it_cannot_fold(resonances: tuple[Resonance, Resonance]) -> None:
    cells = z_cells(np.linspace(-2.0, 2.4, 12), Z_SAMPLE)
    sums = summed(z_events(replace(Z_SAMPLE, events=20_000), EDGES), cells, Z_PEAK)
    with pytest.raises(PhysicsError, match=r"11 η bins from -2 to 2\.4 must be even and symmetric"):
        fit_resolution([Widths(sums, sums, cells)])


def test_nothing_to_calibrate_with(resonances: tuple[Resonance, Resonance]) -> None:
    jpsi, z = resonances
    with pytest.raises(PhysicsError, match="no jpsi pairs"):
        calibrate(replace(jpsi, pairs=list), z)


def test_shapes_are_checked() -> None:
    with pytest.raises(TemplateError, match=r"values of shape \(2, 3\)"):
        ResolutionCalibration(np.linspace(0, 2.4, 4), np.zeros((2, 2)), np.eye(6), "a test")
