"""Nonprompt muons in six regions of isolation and transverse mass, and the prompt muons that leak into five of them.

Regions. The isolation of the muon is passed or failed; the transverse mass m_T, as measured, is far below the
selection's threshold, below it, or above:

            m_T < far    far … threshold    > threshold
    fails      Ax               A                C
    passes     Bx               B                D, the signal region

The extended ABCD estimate D = C · (B/A)² · (Ax/Bx) (arXiv:1906.10831) takes the pass-to-fail ratio above the threshold
from those of the two windows below, its logarithm extrapolated along a straight line (`abcd`). All regions have the
signal region's bins in (η, p_T, charge).

Truth. D is what the recipe says of the nonprompt background: a fraction of the signal that falls with p_T and rises in
|η|. The other regions follow from it. A multijet event has no neutrino to speak of: what looks like one is the recoil's
mismeasurement, two Gaussian components of width σ, the same σ that smears the transverse mass of the selection. At a
muon p_T then m_T² = 2 p_T E (1 − cos φ) with E, φ the size and angle of that vector, and

    P(m_T > m) = 1/π ∫₀^π dφ exp{−m⁴ / [8 p_T² σ² (1 − cos φ)²]}.

A share of the muons passes the isolation, whatever their p_T and η. So far isolation and m_T know nothing of each
other and the estimate is exact. But a muon that fails has a jet around it, and that is measured badly too: for it σ is
wider by the relative `correlation`. The logarithm of the pass-to-fail ratio is then no straight line in m_T, and the
estimate is wrong by some per cent, which is what the closure uncertainty is for.

Prompt muons. Their m_T windows are those of the kernel, with the transverse-mass cut moved to `far` and left out; the
isolation loses 1 − `prompt_isolation` of them to the upper row. Z → μμ and W → τν have kernels of their own, top and
diboson take the windows of the signal (assumption). They are subtracted as predicted: they cost statistics of the data
and, where the recipe has it, of the simulation. What else is not known of them would move the estimate with them. The
fit of the signal region knows them far better than they are known before it, so the estimate does not follow them
(assumption).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from wmassfit.generation.config import PredictionConfig
from wmassfit.generation.expectation import Expectation, Leg
from wmassfit.generation.kernel import Copy, TransverseMassCut
from wmassfit.generation.processes import NONPROMPT, TAU, ZMUMU
from wmassfit.generation.quadrature import gauss_legendre
from wmassfit.templateset import Array

__all__ = ["POWERS", "SidebandTruth", "Sidebands", "above", "expect_sidebands", "window_copies"]

POWERS: Mapping[str, int] = {"C": 1, "B": 2, "A": -2, "Ax": 1, "Bx": -1}
"""Sideband regions, and the power with which each enters the estimate of D."""

_COPIES = ("sideband_everything", "sideband_above_far")
_FAILING, _PASSING = ("Ax", "A", "C"), ("Bx", "B", "D")
_ANGLES, _WEIGHTS = gauss_legendre(64)  # of m_T above 5 GeV: to 3e-6 of what adaptive quadrature gives


@dataclass(frozen=True)
class SidebandTruth:
    """How nonprompt muons fill the regions; see the module.

    `isolated_share` of the nonprompt muons and `prompt_isolation` of the prompt ones pass the isolation; `far_gev` is
    the upper edge of the far window; `correlation` how much wider σ is for those that fail.
    """

    far_gev: float
    isolated_share: float
    correlation: float
    prompt_isolation: float


@dataclass(frozen=True)
class Sidebands:
    """Expected events [η, p_T, charge] by sideband region: nonprompt ones, and prompt ones by process.

    `signal_region` are the nonprompt events of D, which the estimate does not know.
    """

    nonprompt: Mapping[str, Array]
    prompt: Mapping[str, Mapping[str, Array]]
    signal_region: Array

    def contamination(self, region: str) -> Array:
        """All prompt events of a region."""
        return np.asarray(sum(self.prompt[region].values(), np.zeros(self.signal_region.shape)))


def above(transverse_mass_gev: float, pt: Array, sigma_gev: float) -> Array:
    """P(m_T > a value) of nonprompt muons of given p_T (GeV), for a recoil resolution σ in each component.

    >>> above(0.0, np.array([30.0]), 12.0).round(6)
    array([1.])
    """
    angle = 0.5 * np.pi * (_ANGLES + 1.0)
    size = transverse_mass_gev**2 / (2.0 * np.asarray(pt)[..., None] * (1.0 - np.cos(angle)))
    return np.asarray(0.5 * np.exp(-0.5 * (size / sigma_gev) ** 2) @ _WEIGHTS)


def window_copies(config: PredictionConfig, far_gev: float) -> dict[str, Copy]:
    """Copies of a kernel that `expect_sidebands` needs: without a transverse-mass cut, and with one at the far edge."""
    resolution = config.selection.transverse_mass_resolution_gev
    cuts = (None, TransverseMassCut(far_gev, resolution))
    return {name: Copy(cut=cut) for name, cut in zip(_COPIES, cuts, strict=True)}


def expect_sidebands(expectation: Expectation, truth: SidebandTruth) -> Sidebands:
    """The sidebands of a prediction whose kernels have the `window_copies`."""
    signal_region = expectation.yields[NONPROMPT]
    selection = expectation.config.selection
    sigma = selection.transverse_mass_resolution_gev

    def windows(width: float) -> tuple[Array, Array, Array]:
        from_far, from_threshold = (
            above(edge, expectation.pt, width)[None, :, None]
            for edge in (truth.far_gev, selection.transverse_mass_threshold_gev)
        )
        return 1.0 - from_far, from_far - from_threshold, from_threshold

    passing, failing = windows(sigma), windows(sigma * (1.0 + truth.correlation))
    isolated = signal_region / passing[2]
    beside = isolated * (1.0 - truth.isolated_share) / truth.isolated_share
    nonprompt = {region: isolated * share for region, share in zip(_PASSING[:2], passing[:2], strict=True)}
    nonprompt |= {region: beside * share for region, share in zip(_FAILING, failing, strict=True)}

    prompt: dict[str, dict[str, Array]] = {region: {} for region in POWERS}
    of_signal = _prompt_windows(expectation, expectation.signal)
    own = {
        process: _prompt_windows(expectation, legs)
        for process, legs in ((ZMUMU, expectation.dimuon), (TAU, expectation.tau))
        if legs
    }
    lost = (1.0 - truth.prompt_isolation) / truth.prompt_isolation
    for process in expectation.prompt:
        selected = expectation.yields[process]
        shares = own.get(process, of_signal)
        for window, region in enumerate(_FAILING):
            prompt[region][process] = lost * shares[window] * selected
        for window, region in enumerate(_PASSING[:2]):
            prompt[region][process] = shares[window] * selected
    return Sidebands(nonprompt, prompt, signal_region)


def _prompt_windows(expectation: Expectation, legs: Mapping[int, Leg]) -> tuple[Array, Array, Array]:
    """Events in the far, middle and upper window over those in the upper one [η, p_T, charge]."""
    everything, from_far = (
        expectation.by_charge({q: leg.copies[name] / leg.copies["nominal"] for q, leg in legs.items()})
        for name in _COPIES
    )
    return np.maximum(everything - from_far, 0.0), np.maximum(from_far - 1.0, 0.0), np.ones_like(from_far)
