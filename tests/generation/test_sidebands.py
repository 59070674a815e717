"""The regions beside the signal's: the recoil's transverse mass against thrown events, sizes, and prompt muons."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from wmassfit.calibration import expected_calibration
from wmassfit.generation.expectation import Expectation, expect
from wmassfit.generation.sidebands import POWERS, Sidebands, SidebandTruth, above, expect_sidebands, window_copies
from wmassfit.pdf import load
from wmassfit.recipe import Recipe

TRUTH = SidebandTruth(far_gev=20.0, isolated_share=0.2, correlation=0.05, prompt_isolation=0.955)


@pytest.fixture(scope="module")
def expectation() -> Expectation:
    changes = {"generation.kernel.log2_points": 10, "generation.eta.bins": 4}
    config = Recipe.load("small").override(changes).generation
    copies = window_copies(config, TRUTH.far_gev)
    scale = expected_calibration(config.eta.edges, log2_points=10)
    return expect(config, load("embedded", None), scale, copies=copies, background_copies=copies, seed=1)


@pytest.fixture(scope="module")
def sidebands(expectation: Expectation) -> Sidebands:
    return expect_sidebands(expectation, TRUTH)


@pytest.mark.parametrize("mass", [5.0, 20.0, 40.0])
def test_transverse_mass_of_a_mismeasured_recoil(mass: float) -> None:
    pt, sigma = np.array([20.0, 41.0, 80.0]), 12.0

    def integrand(angle: float, p: float) -> float:
        return float(np.exp(-((mass**2 / (2 * p * sigma * (1 - np.cos(angle)))) ** 2) / 2) / np.pi)

    adaptive = [quad(integrand, 0, np.pi, args=(p,), epsrel=1e-10)[0] for p in pt]
    np.testing.assert_allclose(above(mass, pt, sigma), adaptive, rtol=3e-6)


def test_transverse_mass_of_thrown_events() -> None:
    recoil = np.random.default_rng(3).normal(0.0, 12.0, size=(2, 400_000))
    for p in (28.0, 50.0):
        # the muon along x; with the muon and the missing momentum opposite, m_T is 2√(p E)
        mass = np.sqrt(2 * p * (np.hypot(*recoil) - recoil[0]))
        for edge in (20.0, 40.0):
            share = float(above(edge, np.array([p]), 12.0)[0])
            assert np.mean(mass > edge) == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 400_000))


def test_all_windows_hold_all_nonprompt_muons(sidebands: Sidebands) -> None:
    """The upper row has the isolated share's complement, whatever the correlation does to the windows."""
    passing = sidebands.nonprompt["Bx"] + sidebands.nonprompt["B"] + sidebands.signal_region
    failing = sum(sidebands.nonprompt[region] for region in ("Ax", "A", "C"))
    np.testing.assert_allclose(passing / (passing + failing), 0.2, rtol=1e-12)


def test_the_correlation_lifts_the_transverse_mass_where_isolation_fails(sidebands: Sidebands) -> None:
    n, signal_region = sidebands.nonprompt, sidebands.signal_region
    failing, passing = n["C"] / (n["Ax"] + n["A"] + n["C"]), signal_region / (n["Bx"] + n["B"] + signal_region)
    assert np.all(failing > passing)


def test_without_a_correlation_rows_are_proportional(expectation: Expectation) -> None:
    plain = expect_sidebands(expectation, SidebandTruth(20.0, 0.2, 0.0, 0.955)).nonprompt
    np.testing.assert_allclose(plain["A"] / plain["B"], 4.0, rtol=1e-12)
    np.testing.assert_allclose(plain["Ax"] / plain["Bx"], 4.0, rtol=1e-12)


def test_prompt_muons_fail_the_isolation_as_often_as_said(sidebands: Sidebands, expectation: Expectation) -> None:
    assert set(sidebands.prompt) == set(POWERS)
    for process in expectation.prompt:
        for failing, passing in (("Ax", "Bx"), ("A", "B")):
            lost = sidebands.prompt[failing][process] / sidebands.prompt[passing][process]
            np.testing.assert_allclose(lost, 0.045 / 0.955, rtol=1e-12)
        np.testing.assert_allclose(
            sidebands.prompt["C"][process], 0.045 / 0.955 * expectation.yields[process], rtol=1e-12
        )


def test_prompt_muons_of_the_signal_are_those_of_the_moved_cut(sidebands: Sidebands, expectation: Expectation) -> None:
    """Above the far edge there are as many as a recipe with its threshold there selects."""
    config = expectation.config.model_copy(
        update={"selection": expectation.config.selection.model_copy(update={"transverse_mass_threshold_gev": 20.0})}
    )
    moved = expect(config, expectation.pdf, expectation.scale, copies={}, seed=1)
    both = sidebands.prompt["B"]["Wmunu"] + expectation.yields["Wmunu"]
    # kernels are kept in single precision
    np.testing.assert_allclose(both, moved.yields["Wmunu"], rtol=2e-5)


def test_contamination_is_the_sum_of_the_processes(sidebands: Sidebands) -> None:
    for region in POWERS:
        np.testing.assert_allclose(sidebands.contamination(region), sum(sidebands.prompt[region].values()))
        assert np.all(sidebands.contamination(region) > 0)


def test_taus_have_windows_of_their_own(sidebands: Sidebands, expectation: Expectation) -> None:
    """Two more neutrinos: there is less transverse mass than in W → μν of the same muon p_T."""
    low = {p: sidebands.prompt["Bx"][p].sum() / expectation.yields[p].sum() for p in ("Wmunu", "Wtaunu", "top")}
    assert low["Wtaunu"] > 1.5 * low["Wmunu"]
    # top takes those of the signal bin by bin
    ratio = sidebands.prompt["Bx"]["top"] / expectation.yields["top"]
    np.testing.assert_allclose(ratio, sidebands.prompt["Bx"]["Wmunu"] / expectation.yields["Wmunu"], rtol=1e-12)
