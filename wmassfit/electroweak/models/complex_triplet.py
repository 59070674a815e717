"""Complex Higgs triplet (hypercharge 1), the scalar of the type-II seesaw."""

from __future__ import annotations

import numpy as np

from wmassfit.electroweak.constants import VEV, Array, Real
from wmassfit.electroweak.models.base import CustodialModel, Parameter

__all__ = ["MODEL", "ComplexTriplet"]


class ComplexTriplet(CustodialModel):
    """⟨Δ⁰⟩ = v_Δ/√2 gives ρ = (v² + 2v_Δ²)/(v² + 4v_Δ²), Δρ = −2 v_Δ²/v²: a lighter W at tree level."""

    name = "complex_triplet"
    title = "Complex Higgs triplet"
    source = "ρ at tree level, PDG review of the electroweak model"
    parameters = (Parameter("v_delta", 1.0, 0.0, 8.0, unit="GeV", symbol=r"$v_\Delta$"),)
    scan = ("v_delta",)
    remark = "tree level only: a heavier W needs split triplet masses in loops"

    def delta_rho(self, **parameters: Real) -> Array:
        """−2 v_Δ²/v², to leading order."""
        return np.asarray(-2 * (self.values(parameters)["v_delta"] / VEV) ** 2)


MODEL = ComplexTriplet()
