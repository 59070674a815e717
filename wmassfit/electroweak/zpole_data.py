"""Z-pole measurements of LEP and SLD.

The nineteen observables of arXiv:2204.09024, table of electroweak fits.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MEASURED", "ZPoleMeasurement"]


@dataclass(frozen=True)
class ZPoleMeasurement:
    """Measured value and uncertainty of a Z-pole observable."""

    value: float
    uncertainty: float


MEASURED: dict[str, ZPoleMeasurement] = {
    "Gamma_Z_GeV": ZPoleMeasurement(2.4955, 0.0023),
    "sigma_had_nb": ZPoleMeasurement(41.481, 0.033),
    "R_e": ZPoleMeasurement(20.804, 0.05),
    "R_mu": ZPoleMeasurement(20.784, 0.034),
    "R_tau": ZPoleMeasurement(20.764, 0.045),
    "R_b": ZPoleMeasurement(0.21629, 0.00066),
    "R_c": ZPoleMeasurement(0.1721, 0.003),
    "A_FB_e": ZPoleMeasurement(0.0145, 0.0025),
    "A_FB_mu": ZPoleMeasurement(0.0169, 0.0013),
    "A_FB_tau": ZPoleMeasurement(0.0188, 0.0017),
    "A_FB_b": ZPoleMeasurement(0.0996, 0.0016),
    "A_FB_c": ZPoleMeasurement(0.0707, 0.0035),
    "A_FB_s": ZPoleMeasurement(0.0976, 0.0114),
    "A_e": ZPoleMeasurement(0.15138, 0.00216),
    "A_mu": ZPoleMeasurement(0.142, 0.015),
    "A_tau": ZPoleMeasurement(0.136, 0.015),
    "A_b": ZPoleMeasurement(0.923, 0.02),
    "A_c": ZPoleMeasurement(0.67, 0.027),
    "A_s": ZPoleMeasurement(0.895, 0.091),
}
"""Γ_Z in GeV, σ_had in nb; hep-ex/0509008 with the updates used by arXiv:2204.09024."""
