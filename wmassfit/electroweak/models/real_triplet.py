"""Real Higgs triplet (hypercharge 0)."""

from __future__ import annotations

import numpy as np

from wmassfit.electroweak.constants import VEV, Array, Real
from wmassfit.electroweak.models.base import CustodialModel, Parameter

__all__ = ["MODEL", "RealTriplet"]


class RealTriplet(CustodialModel):
    """⟨T⁰⟩ = v_T adds to m_W and not to m_Z: Δρ = 4 v_T²/v², always positive.

    The minimal R-symmetric supersymmetric model (MRSSM, arXiv:1410.4791) holds such a triplet, whose v_T comes from the
    Dirac wino mass; m_W bounds or asks for the same v_T there.
    """

    name = "real_triplet"
    title = "Real Higgs triplet"
    source = "ρ at tree level, PDG review of the electroweak model; MRSSM: arXiv:1410.4791"
    parameters = (Parameter("v_t", 4.5, 0.0, 8.0, unit="GeV", symbol=r"$v_T$"),)
    scan = ("v_t",)
    remark = "the same v_T bounds the MRSSM"

    def delta_rho(self, **parameters: Real) -> Array:
        """4 v_T²/v²."""
        return np.asarray(4 * (self.values(parameters)["v_t"] / VEV) ** 2)


MODEL = RealTriplet()
