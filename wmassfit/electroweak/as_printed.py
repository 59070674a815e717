"""Formulas and numbers as some source papers print them, where they differ from the correct ones.

Nothing else in wmassfit uses these functions: they exist so that a reader of those papers finds the printed numbers
again. `SLIPS` lists every case with both numbers and the reason.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from wmassfit.electroweak.constants import ALPHA_0, ALPHA_MZ, M_ELECTRON, VEV, Array, Real
from wmassfit.errors import PhysicsError

__all__ = [
    "PRINTED_COLUMN_CHI2",
    "PRINTED_G_Y_MINIMUM",
    "SLIPS",
    "U1R_BENCHMARK",
    "Slip",
    "u1r_chiral_width",
    "u1r_mass_over_coupling",
    "u1r_radiative_branching_ratio",
    "u1r_yukawa_factor",
    "u1r_zprime_mass",
    "x17_eps_proton",
    "x17_vev",
    "x17_width",
]


@dataclass(frozen=True)
class Slip:
    """A printed statement that does not follow from its own premises."""

    source: str
    what: str
    printed: str
    correct: str
    reason: str


PRINTED_COLUMN_CHI2 = {"lep": 17.3, "sm_cdf": 97.8, "portal": 20.9}
"""χ² of the three columns of arXiv:2204.09024; ours 17.32, 97.77, 20.97."""
PRINTED_G_Y_MINIMUM = 0.00047
"""ḡ_Y/g_Y − 1 at the smallest χ² of the portal, arXiv:2204.09024; ours 0.000484."""


def u1r_mass_over_coupling(delta_t: Real) -> Array:
    """m_Z′/g′ in GeV as printed in arXiv:2206.15256, eq. (14): v/(√α ΔT), the root of ΔT forgotten."""
    t = np.asarray(delta_t, dtype=float)
    if not np.all(t > 0):
        raise PhysicsError(f"ΔT = {t.min():g} must be positive")
    return np.asarray(VEV / (math.sqrt(ALPHA_MZ) * t))


def u1r_zprime_mass(g_prime: Real, v2_prime: Real) -> Real:
    """m_Z′ = g′v₂′ as printed in eq. (8); the charge −½ of φ₂ makes it half as large."""
    return g_prime * v2_prime


def u1r_radiative_branching_ratio(branching_ratio: Real) -> Real:
    """Eq. (29) from a correct BR(ℓ → ℓ′γ): the printed prefactor lacks 4πα."""
    return branching_ratio / (4 * math.pi * ALPHA_0)


def u1r_chiral_width(correct_width: Real) -> Real:
    """Eq. (39) from a correct Γ(Z′ → f f̄) of one chirality: 12π printed for 24π; ratios are unaffected."""
    return 2 * correct_width


def u1r_yukawa_factor() -> float:
    """Factor on every scalar coupling Y, Ỹ in the printed benchmark: the 1/√2 of eqs. (27), (28) was not applied."""
    return math.sqrt(2)


def x17_vev(m_zprime: Real, eps_bl: Real) -> Real:
    """v_X in GeV of m_Z′² = 4 ε² v_X², printed without e² (arXiv:2005.00028): 4.25 GeV instead of 14.03."""
    return m_zprime / (2 * np.abs(eps_bl))


def x17_width(eps_vector: Real, *, m_x: Real, m_lepton: float = M_ELECTRON) -> Real:
    """Γ(X → e⁺e⁻) in GeV with the printed ε² m/(24π): no e², and 24π instead of 12π."""
    r = (m_lepton / m_x) ** 2
    width: Real = eps_vector**2 * m_x / (24 * math.pi) * (1 + 2 * r) * np.sqrt(1 - 4 * r)
    return width


def x17_eps_proton(eps_bl: Real, eps: Real) -> Real:
    """ε_p = ε_BL − ε, printed with a minus; the proton couples with ε_BL + ε."""
    return eps_bl - eps


U1R_BENCHMARK: dict[str, float] = {
    "m_heavy_1_gev": 655.0,
    "m_heavy_2_gev": 690.0,
    "m_heavy_3_gev": 694.0,
    "delta_a_mu": 2.11e-9,
    "br_mu_egamma": 3.59e-13,
    "br_tau_egamma": 9.91e-11,
    "br_tau_mugamma": 2.22e-8,
    "delta_br_z_ee": -1.552e-9,
    "delta_br_z_mumu": -6.14e-7,
    "delta_br_z_tautau": -3.823e-5,
    "br_z_emu": 6.263e-17,
    "br_z_etau": 3.842e-14,
    "br_z_mutau": 3.675e-11,
}
"""Benchmark of arXiv:2206.15256, Table II, as printed; it uses the slips of eqs. (27) to (33) listed below."""

_U1R, _X17 = "arXiv:2206.15256", "arXiv:2005.00028"
SLIPS: tuple[Slip, ...] = (
    Slip(
        source=f"{_U1R}, eq. (14)",
        what="m_Z′/g′ for ΔT = 0.09 … 0.14",
        printed="31 … 20 TeV",
        correct="9.3 … 7.4 TeV",
        reason="the square root of ΔT was not taken; g′ is three times larger at given mass than the source assumes",
    ),
    Slip(
        source=f"{_U1R}, eq. (8)",
        what="m_Z′",
        printed="g′v₂′",
        correct="g′v₂′/2",
        reason="φ₂ has charge −½",
    ),
    Slip(
        source=f"{_U1R}, eqs. (27), (28), (33)",
        what="Δa_μ of the benchmark",
        printed="2.11e-9",
        correct="of the other sign",
        reason="the loop function is not that of a neutral scalar and the 1/√2 of the couplings was dropped",
    ),
    Slip(
        source=f"{_U1R}, eq. (29)",
        what="prefactor of BR(ℓ → ℓ′γ)",
        printed="without 4πα",
        correct="with 4πα",
        reason="the photon's coupling is missing: printed ratios are 11 times too large",
    ),
    Slip(
        source=f"{_U1R}, eq. (39)",
        what="Γ(Z′ → f f̄) of one chirality",
        printed="1/(12π)",
        correct="1/(24π)",
        reason="12π belongs to a vector coupling; branching ratios are unaffected",
    ),
    Slip(
        source=_X17,
        what="v_X for m_Z′ = 17 MeV, ε_BL = 2e-3",
        printed="m_Z′² = 4ε²v_X² (4.25 GeV)",
        correct="m_Z′² = 4e²ε²v_X² (14.03 GeV)",
        reason="ε counts in units of e",
    ),
    Slip(
        source=_X17,
        what="Γ(Z′ → e⁺e⁻)",
        printed="ε²m/(24π)",
        correct="(eε)²m/(12π)",
        reason="e² missing, and 24π is that of one chirality",
    ),
    Slip(source=_X17, what="ε_p", printed="ε_BL − ε", correct="ε_BL + ε", reason="the proton has charge +1"),
    Slip(
        source=_X17,
        what="atomic-parity bound on ε_A",
        printed="2.6e-9",
        correct="0.8e-8 … 5.6e-8",
        reason="does not follow from its own formula; the bound is not applied",
    ),
    Slip(
        source="overview talk, ALPS 2023",
        what="BR(μ → eγ) for Δa_μ = 3e-9, θ = 1e-5",
        printed="2e-13",
        correct="1.44e-13 (one chirality), 2.88e-13 (both)",
        reason="rounded between the two cases",
    ),
)
