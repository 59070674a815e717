"""Momentum scale from resonances."""

from wmassfit.calibration.jpsi import JpsiSample, expected_calibration
from wmassfit.calibration.pairs import MuonPairs
from wmassfit.calibration.scale_fit import ScaleFit, fit_scale

__all__ = ["JpsiSample", "MuonPairs", "ScaleFit", "expected_calibration", "fit_scale"]
