"""Stops and sbottoms of the minimal supersymmetric model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wmassfit.electroweak.constants import FERMI, M_BOTTOM, M_TOP, M_Z_LEP, S2_ON_SHELL, Array, Real
from wmassfit.electroweak.loops import squark_custodial
from wmassfit.electroweak.models.base import Constraint, CustodialModel, Parameter

__all__ = ["MODEL", "MssmSquarks", "SquarkMasses", "delta_rho_top", "squark_delta_rho"]


def squark_delta_rho(stop_1: Real, stop_2: Real, sbottom: Real, *, sin2: Real) -> Array:
    """Δρ of squarks with squared masses (GeV²) and sin² of the stop angle; the left sbottom is unmixed.

    3G_F/(8√2π²) [−s²c² F₀(t₁,t₂) + c² F₀(t₁,b) + s² F₀(t₂,b)]: R. Barbieri and L. Maiani, Nucl. Phys. B 224 (1983) 32;
    A. Djouadi et al., hep-ph/9612363.
    """
    cos2 = 1 - np.asarray(sin2)
    loops = (
        -sin2 * cos2 * squark_custodial(stop_1, stop_2)
        + cos2 * squark_custodial(stop_1, sbottom)
        + sin2 * squark_custodial(stop_2, sbottom)
    )
    return np.asarray(3 * FERMI / (8 * math.sqrt(2) * math.pi**2) * loops)


def delta_rho_top(m_t: Real = M_TOP) -> Array:
    """Top term of ρ in the Standard Model, 3G_F m_t²/(8√2π²): the same formula with F₀(m_t², 0)."""
    return np.asarray(3 * FERMI / (8 * math.sqrt(2) * math.pi**2) * squark_custodial(np.asarray(m_t) ** 2, 0.0))


@dataclass(frozen=True)
class SquarkMasses:
    """Squared masses in GeV² (stop_1 the one of the left-handed state at zero mixing) and sin² of the stop angle."""

    stop_1: Array
    stop_2: Array
    sbottom: Array
    sin2: Array


class MssmSquarks(CustodialModel):
    """Stop–sbottom Δρ from soft masses M_Q, M_U, the mixing X_t and tan β, with D-terms."""

    name = "mssm_squarks"
    title = "MSSM stops and sbottoms"
    source = "hep-ph/9612363"
    parameters = (
        Parameter("m_q", 1000.0, 150.0, 2000.0, unit="GeV", log=True, symbol="$M_{Q}$"),
        Parameter("x_t", 0.0, -3000.0, 3000.0, unit="GeV", symbol="$X_t$"),
        Parameter("m_u", 1000.0, 150.0, 2000.0, unit="GeV", log=True, symbol="$M_{U}$"),
        Parameter("tan_beta", 10.0, 2.0, 50.0, log=True, symbol=r"$\tan\beta$"),
    )
    scan = ("m_q", "x_t")
    draws = 40
    remark = "no bound from LHC squark searches is applied"

    def squarks(self, **parameters: Real) -> SquarkMasses:
        """Tree-level squared masses; tachyonic ones are returned as they come.

        m²_LL = M_Q² + m_t² + (½ − ⅔s²) m_Z² cos 2β, m²_RR = M_U² + m_t² + ⅔s² m_Z² cos 2β, m²_LR = m_t X_t,
        m²_b̃ = M_Q² + m_b² − (½ − ⅓s²) m_Z² cos 2β.
        """
        values = self.values(parameters)
        tan2 = values["tan_beta"] ** 2
        d_term = M_Z_LEP**2 * (1 - tan2) / (1 + tan2)
        left = values["m_q"] ** 2 + M_TOP**2 + (1 / 2 - 2 / 3 * S2_ON_SHELL) * d_term
        right = values["m_u"] ** 2 + M_TOP**2 + 2 / 3 * S2_ON_SHELL * d_term
        sbottom = values["m_q"] ** 2 + M_BOTTOM**2 - (1 / 2 - 1 / 3 * S2_ON_SHELL) * d_term
        mixing = M_TOP * values["x_t"]
        half, delta = (left + right) / 2, (left - right) / 2
        spread = np.hypot(delta, mixing)
        sign = np.where(delta >= 0, 1.0, -1.0)
        # the angle is irrelevant where the two stops coincide
        cos_2 = np.where(spread > 0, np.abs(delta) / np.where(spread > 0, spread, 1.0), 1.0)
        return SquarkMasses(
            stop_1=half + sign * spread, stop_2=half - sign * spread, sbottom=sbottom, sin2=(1 - cos_2) / 2
        )

    def domain(self, **parameters: Real) -> npt.NDArray[np.bool_]:
        """No tachyonic squark, tan β > 0."""
        masses = self.squarks(**parameters)
        smallest = np.minimum(np.minimum(masses.stop_1, masses.stop_2), masses.sbottom)
        return np.asarray((smallest > 0) & (self.values(parameters)["tan_beta"] > 0))

    def delta_rho(self, **parameters: Real) -> Array:
        """Δρ. Raises `PhysicsError` where a squark is tachyonic."""
        self.require_domain("a squark is tachyonic (|X_t| too large for the soft masses)", **parameters)
        masses = self.squarks(**parameters)
        return squark_delta_rho(masses.stop_1, masses.stop_2, masses.sbottom, sin2=masses.sin2)

    def derived(self, **parameters: Real) -> dict[str, Array]:
        """Mass of the lighter stop in GeV."""
        masses = self.squarks(**parameters)
        return {"m_stop_light_gev": np.sqrt(np.minimum(masses.stop_1, masses.stop_2))}

    def constraints(self, **parameters: Real) -> tuple[Constraint, ...]:
        """The lighter stop above the reach of LEP, which no spectrum evades."""
        mass = self.derived(**parameters)["m_stop_light_gev"]
        return (Constraint("m_stop_light_gev", mass, low=95.7, source="LEP, PDG review of supersymmetry searches"),)

    def observables(self, **parameters: Real) -> dict[str, Array]:
        """Adds the lightest stop and the sbottom mass in GeV."""
        masses = self.squarks(**parameters)
        return super().observables(**parameters) | {
            "m_stop_light_gev": np.sqrt(np.minimum(masses.stop_1, masses.stop_2)),
            "m_sbottom_gev": np.sqrt(masses.sbottom),
        }


MODEL = MssmSquarks()
