"""The J/ψ → μμ sample that calibrates muon momenta: its kinematics."""

from __future__ import annotations

from dataclasses import dataclass

from wmassfit.templateset import Array

__all__ = ["JpsiSample"]


@dataclass(frozen=True)
class JpsiSample:
    """Kinematics of the selected sample.

    dN/dp_T ∝ p_T^−`slope` above `pt_min_gev`, flat in |y| < `y_max`, unpolarised; both muons with p_T between
    `muon_pt_gev` and |η| < `eta_max`. The dimuon mass resolution is ½ √(σ₊² + σ₋²) × `resolution_factor` (relative).
    """

    events: float = 3.1e6
    slope: float = 4.8
    pt_min_gev: float = 8.0
    y_max: float = 2.6
    muon_pt_gev: tuple[float, float] = (4.0, 30.0)
    eta_max: float = 2.4
    resolution_factor: float = 1.2

    def pt(self, u: Array) -> Array:
        """p_T of the J/ψ in GeV below which the fraction u lies."""
        return self.pt_min_gev * (1.0 - u) ** (-1.0 / (self.slope - 1.0))
