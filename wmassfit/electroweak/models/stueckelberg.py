"""Plain Stueckelberg extension: a new neutral boson that mixes through its mass with hypercharge alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import chdtri

from wmassfit.electroweak.constants import M_Z_LEP, Array, Real
from wmassfit.electroweak.models.base import Constraint, Model, Parameter
from wmassfit.electroweak.neutral_mixing import NeutralBosons, delta_m_w_for_z_mass, neutral_bosons
from wmassfit.electroweak.zpole import z_pole_chi2, z_pole_observables
from wmassfit.electroweak.zpole_data import MEASURED

__all__ = ["MODEL", "Z_POLE_LIMIT", "Stueckelberg"]

Z_POLE_LIMIT = float(chdtri(len(MEASURED), 0.05))
"""χ² of the 19 Z-pole observables above which a model is excluded at 95%, 30.1."""


class Stueckelberg(Model):
    """Mass M₁ and mixing ε, with m_W moved so that m_Z stays where it is measured.

    For M₁ ≫ m_Z only ḡ_Y/√(1+ε²) matters, so that a heavier W spoils the Z pole exactly as in the Standard Model.
    """

    name = "stueckelberg"
    title = "Stueckelberg extension"
    source = "B. Kors and P. Nath, hep-ph/0402047; arXiv:2204.09024"
    parameters = (
        Parameter("m1", 725.0, 150.0, 5000.0, unit="GeV", log=True, symbol="$M_1$"),
        Parameter("epsilon", 0.08, 0.001, 0.2, symbol=r"$\epsilon$"),
    )
    scan = ("m1", "epsilon")

    def domain(self, **parameters: Real) -> npt.NDArray[np.bool_]:
        """M₁ positive and more than 1 GeV away from m_Z, where the two bosons would be degenerate."""
        values = self.values(parameters)
        heavy = values["m1"] * np.sqrt(1 + values["epsilon"] ** 2)
        return np.asarray((values["m1"] > 0) & (np.abs(heavy - M_Z_LEP) > 1))

    def delta_m_w(self, **parameters: Real) -> Array:
        """Shift of m_W in MeV that m_Z fixes. Raises `PhysicsError` for M₁ within 1 GeV of m_Z."""
        self.require_domain("the new boson is degenerate with the Z", **parameters)
        values = self.values(parameters)
        return delta_m_w_for_z_mass(values["m1"], epsilon=values["epsilon"])

    def bosons(self, **parameters: Real) -> NeutralBosons:
        """Masses and couplings at the W mass that m_Z fixes."""
        values = self.values(parameters)
        shift = self.delta_m_w(**parameters)
        return neutral_bosons(values["m1"], epsilon=values["epsilon"], delta_m_w=shift)

    def z_pole(self, **parameters: Real) -> dict[str, Array]:
        """The 19 observables; the form factors κ_f are those of the Standard Model."""
        bosons = self.bosons(**parameters)
        return z_pole_observables(g_axial=bosons.g_axial, g_vector=bosons.g_vector, m_z=bosons.m_z)

    def observables(self, **parameters: Real) -> dict[str, Array]:
        """Shift of m_W, Z′ mass and χ² of the Z pole."""
        bosons = self.bosons(**parameters)
        return {
            "delta_m_w_mev": self.delta_m_w(**parameters),
            "m_z_prime_gev": bosons.m_z_prime,
            "z_pole_chi2": z_pole_chi2(self.z_pole(**parameters)).chi2,
        }

    def constraints(self, **parameters: Real) -> tuple[Constraint, ...]:
        """χ² of the Z pole within its 95% range."""
        chi2 = z_pole_chi2(self.z_pole(**parameters)).chi2
        return (Constraint("z_pole_chi2", chi2, high=Z_POLE_LIMIT, source="19 observables, 95%"),)


MODEL = Stueckelberg()
