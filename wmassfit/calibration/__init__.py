"""Momentum scale and resolution from resonances, and the nonprompt background from its sidebands.

`calibrate` takes pairs of muons, pseudo-events (`jpsi_events`, `z_events`) or those of a reader, and fits (A, ε, M) to
J/ψ, closure to Z and resolution to both; `expected_calibration` is what J/ψ alone would say without any event.
"""

from wmassfit.calibration.calibrate import Calibration, Resonance, calibrate
from wmassfit.calibration.jpsi import expected_calibration
from wmassfit.calibration.nonprompt import NonpromptEstimate, expected_sidebands, fit_sidebands
from wmassfit.calibration.pairs import MuonPairs
from wmassfit.calibration.resolution_fit import ResolutionFit, fit_resolution
from wmassfit.calibration.scale_fit import ScaleFit, fit_scale
from wmassfit.calibration.z_events import ZSample
from wmassfit.generation.jpsi_sample import JpsiSample

__all__ = [
    "Calibration",
    "JpsiSample",
    "MuonPairs",
    "NonpromptEstimate",
    "ResolutionFit",
    "Resonance",
    "ScaleFit",
    "ZSample",
    "calibrate",
    "expected_calibration",
    "expected_sidebands",
    "fit_resolution",
    "fit_scale",
    "fit_sidebands",
]
