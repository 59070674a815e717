"""Pseudo-events of the Z: against the dilepton kernel, whatever the number of threads, and their peak's response."""

from __future__ import annotations

import numpy as np
import pytest

from wmassfit.calibration.calibrate import summed
from wmassfit.calibration.jpsi_events import jpsi_events
from wmassfit.calibration.pairs import MuonPairs, biased
from wmassfit.calibration.peaks import Z as PEAK
from wmassfit.calibration.scale_fit import fit_scale
from wmassfit.calibration.z_events import ZSample, z_cells, z_events
from wmassfit.errors import PhysicsError
from wmassfit.generation.bosons import Z
from wmassfit.generation.coefficients import produce
from wmassfit.generation.dilepton import DileptonBins, MuonAcceptance, fill_dilepton
from wmassfit.generation.grids import nominal_grids
from wmassfit.generation.jpsi_sample import JpsiSample
from wmassfit.generation.lineshape import LineShape
from wmassfit.inference.chi_square import chi_square_probability
from wmassfit.pdf import load_embedded

EDGES = np.linspace(-2.4, 2.4, 13)


def test_mass_and_eta_are_those_of_the_dilepton_kernel() -> None:
    eta, rows, mass = np.linspace(-2.4, 2.4, 49), np.linspace(0.0, 2.4, 13), np.linspace(76.0, 106.0, 31)
    pdf = load_embedded()
    template = fill_dilepton(
        Z,
        LineShape.of(Z, pdf),
        nominal_grids(),
        produce(pdf, Z, -1, nominal_grids(), energy_gev=13000.0).density()[0],
        DileptonBins("dimuon_mass", rows, mass),
        MuonAcceptance(26.0, eta, np.ones(48), (-1e3, 1.0)),
        np.linspace(26.0, 56.0, 11),
        log2_points=13,
    ).templates[0]
    counts = np.zeros((12, 30))
    for block in z_events(ZSample(events=300_000), eta, seed=2):
        forward = np.abs(block.eta).max(axis=0)
        counts += np.histogram2d(forward, block.mass, (rows, mass))[0]
    expected = template * counts.sum() / template.sum()
    used = expected > 10
    chi_square = float(np.sum((counts - expected)[used] ** 2 / expected[used]))
    assert np.count_nonzero(used) > 300
    assert 1e-4 < chi_square_probability(chi_square, int(np.count_nonzero(used)) - 1) < 1 - 1e-4


@pytest.mark.parametrize("kind", ["jpsi", "z"])
def test_the_same_events_whatever_the_number_of_threads(kind: str) -> None:
    def made(workers: int, events: int) -> list[MuonPairs]:
        seen: list[tuple[int, int]] = []
        progress = lambda done, total: seen.append((done, total))  # noqa: E731
        if kind == "jpsi":
            found = list(jpsi_events(JpsiSample(events=events), EDGES, seed=3, workers=workers, progress=progress))
        else:
            found = list(z_events(ZSample(events=events), EDGES, seed=3, workers=workers, progress=progress))
        assert seen[-1] == (events, events)
        assert sum(map(len, found)) == events
        return found

    one, two, fewer = made(1, 90_000), made(2, 90_000), made(1, 50_000)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.pt, b.pt)
        np.testing.assert_array_equal(a.mass, b.mass)
    together = np.concatenate([block.mass for block in one])
    np.testing.assert_array_equal(np.concatenate([block.mass for block in fewer]), together[:50_000])


def test_a_selection_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(PhysicsError, match=r"J/ψ with p_T above 8 GeV.* widen the selection"):
        next(iter(jpsi_events(JpsiSample(events=1000, muon_pt_gev=(25.0, 30.0)), EDGES)))


def test_selected_as_measured() -> None:
    bias = np.zeros((3, 12))
    bias[0] = 0.01
    for block in z_events(ZSample(events=50_000), EDGES, bias=bias):
        assert block.pt.min() > 26.0
        assert np.abs(block.eta).max() < 2.4
    for block in jpsi_events(JpsiSample(events=50_000), EDGES, bias=bias):
        assert block.pt.min() > 4.0
        assert block.pt.max() < 30.0


def test_response_of_the_fit_to_a_scale() -> None:
    """The same pairs with and without a bias: noise cancels, what is fitted is what was put in.

    The fit takes migrations over the threshold and between cells of the asymmetry as small; 3% of the bias is allowed
    for them, estimated beforehand from the density at 26 GeV (0.5 a unit of ln p_T) and the change of ⟨ψ⟩ over it, and
    5% for the noise of those 1% of pairs that do change cells.
    """
    sample = ZSample(events=150_000, threshold_gev=24.0)
    blocks = list(z_events(sample, EDGES, seed=5))
    cells = z_cells(EDGES, ZSample(threshold_gev=26.0))
    nominal = summed(blocks, cells, PEAK)
    pattern = np.cos(np.arange(12.0))
    for parameters in ([1e-3 * pattern, 0 * pattern, 0 * pattern], [0 * pattern, 0 * pattern, 2e-5 * pattern]):
        bias = np.array(parameters)
        data = summed([biased(block, bias, EDGES) for block in blocks], cells, PEAK)
        found = fit_scale(data, nominal, cells, terms=("A", "M"))
        lever = np.array([[1.0], [42.0]])  # GeV: the typical p_T turns M into a relative scale
        size = np.abs(bias[[0, 2]] * lever).max()
        np.testing.assert_allclose(found.values * lever, bias[[0, 2]] * lever, atol=0.08 * size)
