"""Two Higgs doublets in the alignment limit."""

from __future__ import annotations

import math

import numpy as np

from wmassfit.electroweak.constants import VEV, Array, Real
from wmassfit.electroweak.loops import custodial
from wmassfit.electroweak.models.base import CustodialModel, Parameter
from wmassfit.errors import PhysicsError

__all__ = ["MODEL", "TwoHiggsDoublet"]


class TwoHiggsDoublet(CustodialModel):
    """One-loop Δρ of the heavy scalars, (F(H±,A) + F(H±,H) − F(A,H))/(16π²v²), F of squared masses (`custodial`).

    W. Grimus, L. Lavoura, O. M. Ogreid, P. Osland, arXiv:0711.4022, with cos(β−α) = 0. Zero when
    m_H± = m_A or m_H± = m_H.
    """

    name = "two_higgs_doublet"
    title = "Aligned two-Higgs-doublet model"
    source = "arXiv:0711.4022"
    parameters = (
        Parameter("m_a", 550.0, 200.0, 1000.0, unit="GeV", symbol="$m_A$"),
        Parameter("m_charged", 570.0, 200.0, 1000.0, unit="GeV", symbol=r"$m_{H^\pm}$"),
        Parameter("m_heavy", 500.0, 200.0, 1000.0, unit="GeV", symbol="$m_H$"),
    )
    scan = ("m_a", "m_charged")

    def derived(self, **parameters: Real) -> dict[str, Array]:
        """√[(m_H± − m_A)(m_H± − m_H)] in GeV, what Δρ measures at small splittings; negative where the product is."""
        values = self.values(parameters)
        product = (values["m_charged"] - values["m_a"]) * (values["m_charged"] - values["m_heavy"])
        return {"charged_splitting_gev": np.asarray(np.sign(product) * np.sqrt(np.abs(product)))}

    def delta_rho(self, **parameters: Real) -> Array:
        """Δρ of masses in GeV. Raises `PhysicsError` for a mass that is not positive."""
        values = self.values(parameters)
        for name, mass in values.items():
            if not np.all(mass > 0):
                raise PhysicsError(f"model {self.name}: {name} = {np.min(mass):g} GeV must be positive")
        a, charged, heavy = values["m_a"] ** 2, values["m_charged"] ** 2, values["m_heavy"] ** 2
        loops = custodial(charged, a) + custodial(charged, heavy) - custodial(a, heavy)
        return np.asarray(loops / (16 * math.pi**2 * VEV**2))


MODEL = TwoHiggsDoublet()
