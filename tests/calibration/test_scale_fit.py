"""The fit of (A, ε, M): against a dense solution, exact data, symmetries, and pseudo-data with biases put in."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.calibration import JpsiSample
from wmassfit.calibration.cells import AsymmetryCells, Cells, MomentumCells, Sums
from wmassfit.calibration.jpsi_events import expected_jpsi, jpsi_cells, jpsi_events
from wmassfit.calibration.linear import Rows, solve
from wmassfit.calibration.pairs import MuonPairs, corrected
from wmassfit.calibration.peaks import JPSI, Z
from wmassfit.calibration.scale_fit import ScaleFit, fit_scale
from wmassfit.errors import PhysicsError
from wmassfit.inference.chi_square import chi_square_probability

EDGES = np.linspace(-2.4, 2.4, 5)
CELLS = MomentumCells(EDGES, np.array([4.0, 7.0, 12.0, 30.0]))
PARAMETERS = np.array([[3e-4, -2e-4, 5e-4, 1e-4], [1e-3, 3e-3, -2e-3, 1e-3], [1e-5, -2e-5, 0.0, 3e-5]])


def pairs(n: int, peak_mass: float = JPSI.mass_gev, seed: int = 1, low: float = 4.0, high: float = 30.0) -> MuonPairs:
    rng = np.random.default_rng(seed)
    mass = peak_mass * np.exp(0.01 * rng.standard_normal(n))
    return MuonPairs(rng.uniform(low, high, (2, n)), rng.uniform(-2.5, 2.5, (2, n)), mass)


def moved(data: Sums, simulated: Sums, cells: Cells, parameters: np.ndarray) -> Sums:
    """The same data with ⟨ψ⟩ exactly where the parameters put it."""
    values = data.values.copy()
    for cell in np.flatnonzero(data.weight > 0):
        one = np.array([cell])
        eta = [int(i[0]) for i in cells.eta_of(one)]
        shift = 0.0
        for sign, charge, i in (("+", 1, eta[0]), ("-", -1, eta[1])):
            p, inverse = data.mean(f"p{sign}", one)[0], data.mean(f"1/p{sign}", one)[0]
            shift += parameters[0, i] - parameters[1, i] * inverse + charge * parameters[2, i] * p
        mean = simulated.mean("ψ", one)[0] + 0.5 * simulated.mean("ψ′", one)[0] * shift
        values[Sums.QUANTITIES.index("ψ"), cell] = mean * data.weight[cell]
    return Sums(values)


def test_sums_against_a_loop() -> None:
    for cells, peak, sample in (
        (CELLS, JPSI, pairs(300, low=3.5, high=32.0)),
        (AsymmetryCells(EDGES, 26.0, np.array([-1.0, -0.2, 0.1, 1.0])), Z, pairs(300, Z.mass_gev, low=20, high=60)),
    ):
        weight = np.random.default_rng(3).uniform(0.5, 2.0, len(sample))
        found = Sums.of(sample, cells, peak, weight)
        expected = np.zeros_like(found.values)
        for k in range(len(sample)):
            (p, q), (e, f), m, w = sample.pt[:, k], sample.eta[:, k], sample.mass[k], weight[k]
            i, j = (int(np.floor((x + 2.4) / 1.2)) for x in (e, f))
            if isinstance(cells, MomentumCells):
                inside = min(p, q) >= 4 and max(p, q) < 30
                category = 3 * sum(p >= x for x in (7, 12)) + sum(q >= x for x in (7, 12))
            else:
                inside, a = min(p, q) >= 26, (p - q) / (p + q)
                category = int(a >= -0.2) + int(a >= 0.1)
            if not inside or min(i, j) < 0 or max(i, j) > 3 or not peak.window_gev[0] < m < peak.window_gev[1]:
                continue
            x = np.log(m / peak.mass_gev)
            t = 0.0 if peak.core is None else x / peak.core
            psi, phi = x / (1 + t**2), x**2 / (1 + t**2)
            slope, curvature = (1 - t**2) / (1 + t**2) ** 2, (2 - 6 * t**2) / (1 + t**2) ** 3
            terms = [1, w, psi, psi**2, slope, phi, phi**2, curvature, p, q, 1 / p, 1 / q, p**2, q**2]
            expected[:, (category * 4 + i) * 4 + j] += w * np.array(terms)
        np.testing.assert_allclose(found.values, expected, rtol=1e-12, atol=1e-15)
        halves = [sample.where(np.arange(300) % 2 == k) for k in range(2)]
        both = Sums.of(halves[0], cells, peak) + Sums.of(halves[1], cells, peak)
        np.testing.assert_allclose(both.values, Sums.of(sample, cells, peak).values, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("peak", [JPSI, Z])
def test_derivatives_of_the_functions_of_a_peak(peak: object) -> None:
    x, h = np.linspace(-0.05, 0.05, 41), 1e-5
    assert isinstance(peak, type(JPSI))
    slope = (peak.position(x + h)[0] - peak.position(x - h)[0]) / (2 * h)
    curvature = (peak.width(x + h)[0] - 2 * peak.width(x)[0] + peak.width(x - h)[0]) / h**2
    # steps of 1e-5 against a core of 0.02: the next term of Taylor's series is (h/core)² = 2.5e-7 of the first
    np.testing.assert_allclose(peak.position(x)[1], slope, atol=5e-6)
    np.testing.assert_allclose(peak.width(x)[1], curvature, atol=1e-4)


def test_against_a_dense_solution() -> None:
    data, simulated = Sums.of(pairs(6000), CELLS, JPSI), Sums.of(pairs(20000, seed=2), CELLS, JPSI)
    found = fit_scale(data, simulated, CELLS)
    rows, values, errors = [], [], []
    used = [cell for cell in range(CELLS.size) if min(data.weight[cell], simulated.weight[cell]) >= 10]

    def resolution_class(cell: int) -> tuple[list[int], list[int]]:
        """The two |η| bins and the two p_T bins, in either order."""
        category, i, j = cell // 16, cell // 4 % 4, cell % 4
        return sorted(min(k, 3 - k) for k in (i, j)), sorted([category // 3, category % 3])

    variances: dict[int, float] = {}
    for cell in used:
        alike = np.array([other for other in used if resolution_class(other) == resolution_class(cell)])
        variances[cell] = float(np.average(simulated.variance("ψ", alike), weights=simulated.weight[alike]))
    for cell in used:
        one = np.array([cell])
        i, j = (int(k[0]) for k in CELLS.eta_of(one))
        row = np.zeros(12)
        for k, sign, charge in ((i, "+", 1), (j, "-", -1)):
            row[[k, 4 + k, 8 + k]] += [
                0.5,
                -0.5 * data.mean(f"1/p{sign}", one)[0],
                0.5 * charge * data.mean(f"p{sign}", one)[0],
            ]
        rows.append(row)
        values.append(data.mean("ψ", one)[0] - simulated.mean("ψ", one)[0])
        errors.append(np.sqrt(variances[cell] * (1 / data.weight[cell] + 1 / simulated.weight[cell])))
    design, target = np.array(rows) / np.array(errors)[:, None], np.array(values) / np.array(errors)
    expected, residual, *_ = np.linalg.lstsq(design, target, rcond=None)
    assert found.cells == len(rows)
    assert found.ndf == len(rows) - 12
    # normal equations in units that differ by 1e5 lose digits by their condition
    unit = np.sqrt(np.diag(found.covariance))
    np.testing.assert_allclose(found.values.ravel() / unit, expected / unit, atol=1e-8)
    np.testing.assert_allclose(
        found.covariance / np.outer(unit, unit), np.linalg.inv(design.T @ design) / np.outer(unit, unit), atol=1e-8
    )
    assert found.chi_square == pytest.approx(float(residual[0]), rel=1e-9)


def test_exact_data_give_exact_parameters() -> None:
    simulated = Sums.of(pairs(30000, seed=2), CELLS, JPSI)
    data = moved(Sums.of(pairs(5000), CELLS, JPSI), simulated, CELLS, PARAMETERS)
    found = fit_scale(data, simulated, CELLS)
    np.testing.assert_allclose(found.pulls(PARAMETERS), 0.0, atol=1e-7)
    assert found.chi_square == pytest.approx(0.0, abs=1e-12)
    assert found.closure(PARAMETERS) == pytest.approx(0.0, abs=1e-12)
    one = fit_scale(
        moved(data, simulated, CELLS, PARAMETERS * np.array([[1], [0], [0]])), simulated, CELLS, terms=("A",)
    )
    np.testing.assert_allclose(one.values[0], PARAMETERS[0], rtol=1e-9)


def test_symmetries() -> None:
    def fitted(data: MuonPairs, simulated: MuonPairs) -> ScaleFit:
        return fit_scale(Sums.of(data, CELLS, JPSI), Sums.of(simulated, CELLS, JPSI), CELLS)

    def other(sample: MuonPairs, *, charge: bool = False, mirror: bool = False, scale: float = 1.0) -> MuonPairs:
        order = [1, 0] if charge else [0, 1]
        return MuonPairs(sample.pt[order], (-1 if mirror else 1) * sample.eta[order], sample.mass * scale)

    data, simulated = pairs(5000), pairs(20000, seed=2)
    plain = fitted(data, simulated)
    unit = plain.errors
    # both charges exchanged: M changes its sign
    swapped = fitted(other(data, charge=True), other(simulated, charge=True))
    np.testing.assert_allclose(swapped.values / unit, plain.values * [[1], [1], [-1]] / unit, atol=1e-7)
    # the detector mirrored: the bins run backwards
    mirrored = fitted(other(data, mirror=True), other(simulated, mirror=True))
    np.testing.assert_allclose(mirrored.values[:, ::-1] / unit, plain.values / unit, atol=1e-7)
    # all masses larger by a common factor: A grows by its logarithm, nothing else moves
    larger = fitted(other(data, scale=np.exp(1e-3)), simulated)
    np.testing.assert_allclose((larger.values - plain.values) / unit, 1e-3 * np.eye(3)[0][:, None] / unit, atol=1e-6)


def test_unknowns_without_data_are_named() -> None:
    data = pairs(3000)
    some = Sums.of(data.where(data.eta.max(axis=0) < 1.2), CELLS, JPSI)
    with pytest.raises(PhysicsError, match="A_04: no pair of muons"):
        fit_scale(some, some, CELLS)
    # each pair has one muon in either of two bins: only the sum of their scales is measured
    rows = Rows(np.ones(5), np.ones(5), np.tile([[0], [1]], 5), np.ones((2, 5)))
    with pytest.raises(PhysicsError, match="combination of a … b is left open"):
        solve([rows], ["a", "b"])


def test_the_simulation_shares_decays_over_cells_as_resolution_does() -> None:
    """⟨ψ⟩ and its variance of events smeared one by one follow those shared analytically; ⟨ψ⟩ = 0 would not do."""
    sample = JpsiSample(events=400_000)
    cells = jpsi_cells(EDGES, sample)
    simulated = expected_jpsi(sample, cells, log2_points=20)
    blocks = [Sums.of(block, cells, JPSI) for block in jpsi_events(sample, EDGES, seed=4)]
    data = sum(blocks[1:], blocks[0])
    assert data.weight.sum() == 400_000
    used = np.flatnonzero((data.weight > 100) & (simulated.weight > 20))
    variance = simulated.variance("ψ", used) / data.weight[used]
    noise = simulated.variance("ψ", used) / simulated.effective[used]
    pulls = (data.mean("ψ", used) - simulated.mean("ψ", used)) / np.sqrt(variance + noise)
    assert 1e-4 < chi_square_probability(float(np.sum(pulls**2)), used.size) < 1 - 1e-4
    without = float(np.sum(data.mean("ψ", used) ** 2 / variance))
    assert chi_square_probability(without, used.size) < 1e-6
    # sample variances of n Gaussian numbers have the relative error √(2/n), the simulation's hardly any
    ratio = data.variance("ψ", used) * data.weight[used] / (data.weight[used] - 1) / simulated.variance("ψ", used)
    mean = np.average(ratio, weights=data.weight[used])
    assert abs(mean - 1) < 4 * np.sqrt(2 / data.weight[used].sum())
    # counts: cells of 100 pairs fluctuate by 0.1, of which five times are allowed in one of a thousand cells
    share = simulated.weight[used] / simulated.weight[used].sum() * data.weight[used].sum()
    assert np.abs((data.weight[used] - share) / share).max() < 0.5
    assert data.weight[used].sum() / data.weight.sum() == pytest.approx(
        simulated.weight[used].sum() / simulated.weight.sum(), abs=0.005
    )


def recovered(edges: np.ndarray, events: float, *, log2_points: int, seed: int) -> tuple[ScaleFit, np.ndarray]:
    """A fit of biased pseudo-data, corrected once and fitted again, and what was put in."""
    sample = JpsiSample(events=events)
    cells = jpsi_cells(edges, sample)
    n = edges.size - 1
    bias = np.random.default_rng(seed).normal(size=(3, n)) * np.array([[5e-4], [2e-3], [1e-5]])
    simulated = expected_jpsi(sample, cells, log2_points=log2_points)
    blocks = list(jpsi_events(sample, edges, bias=bias, seed=seed))
    total = np.zeros((3, n))
    for _ in range(2):
        sums = [Sums.of(corrected(block, total, edges), cells, JPSI) for block in blocks]
        fit = fit_scale(sum(sums[1:], sums[0]), simulated, cells)
        total = total + fit.values
    values = total
    return (
        ScaleFit(fit.eta_edges, fit.terms, values, fit.covariance, fit.chi_square, fit.ndf, fit.cells),
        bias,
    )


def test_biases_come_back() -> None:
    fit, bias = recovered(np.linspace(-2.4, 2.4, 13), 400_000, log2_points=20, seed=1)
    assert 1e-4 < chi_square_probability(fit.closure(bias), 36) < 1 - 1e-4
    assert 1e-4 < chi_square_probability(fit.chi_square, fit.ndf) < 1 - 1e-4
    assert chi_square_probability(fit.closure(np.zeros_like(bias)), 36) < 1e-6


@pytest.mark.slow
def test_biases_come_back_at_full_size() -> None:
    closures, pulls = [], []
    for seed in range(3):
        fit, bias = recovered(np.linspace(-2.4, 2.4, 49), 3.1e6, log2_points=22, seed=seed)
        assert 14_000 < fit.cells < 18_000
        closures.append(fit.closure(bias) / 144)
        pulls.append(fit.pulls(bias))
    # three seeds of 144 parameters: the mean has the standard deviation 0.07, the width of the pulls some 0.05
    assert 0.75 < np.mean(closures) < 1.25
    assert 0.9 < np.sqrt(np.mean(np.square(pulls))) < 1.1
