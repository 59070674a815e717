"""Momentum scale from resonances."""

from wmassfit.calibration.jpsi import JpsiSample, expected_calibration

__all__ = ["JpsiSample", "expected_calibration"]
