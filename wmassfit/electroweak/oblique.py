"""New physics in the gauge-boson propagators: Δρ and S, T, U against m_W and sin²θ_eff, in both directions.

Peskin and Takeuchi, Phys. Rev. D 46 (1992) 381. All shifts are relative to the Standard Model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wmassfit.electroweak.constants import ALPHA_MZ, M_W_REFERENCE, M_Z_LEP, S2_EFFECTIVE, Array, Real
from wmassfit.errors import PhysicsError

__all__ = [
    "Oblique",
    "delta_m_w_from_delta_rho",
    "delta_m_w_from_stu",
    "delta_rho_from_delta_m_w",
    "delta_rho_from_t",
    "delta_sin2theta_from_delta_rho",
    "delta_sin2theta_from_stu",
    "m_w_gradient_stu",
    "s_from_delta_m_w",
    "sin2theta_gradient_stu",
    "t_from_delta_m_w",
    "t_from_delta_rho",
    "u_from_delta_m_w",
]


@dataclass(frozen=True)
class Oblique:
    """Reference point of the relations: masses in GeV, the angle of S, T, U and α(M_Z)."""

    m_w: float = M_W_REFERENCE
    m_z: float = M_Z_LEP
    s2: float = S2_EFFECTIVE
    alpha: float = ALPHA_MZ

    def __post_init__(self) -> None:
        if not 0 < self.m_w < self.m_z:
            raise PhysicsError(f"m_W = {self.m_w} GeV must lie between 0 and m_Z = {self.m_z} GeV")
        if not 0 < self.s2 < 0.5:
            raise PhysicsError(f"sin²θ_W = {self.s2} must lie between 0 and 1/2, where c² − s² vanishes")


REFERENCE = Oblique()


def _mev_per_delta_rho(at: Oblique) -> float:
    c2 = (at.m_w / at.m_z) ** 2
    if not 2 * c2 > 1:
        raise PhysicsError(f"m_W = {at.m_w} GeV is below m_Z/√2: c² − s² of the Δρ relation is not positive")
    return 1e3 * at.m_w / 2 * c2 / (2 * c2 - 1)


def delta_m_w_from_delta_rho(delta_rho: Real, *, at: Oblique = REFERENCE) -> Real:
    """Shift of m_W in MeV, (M_W/2) c²/(c² − s²) Δρ with the on-shell angle: 56.41 GeV × Δρ."""
    return _mev_per_delta_rho(at) * delta_rho


def delta_rho_from_delta_m_w(delta_m_w_mev: Real, *, at: Oblique = REFERENCE) -> Real:
    """Δρ that shifts m_W by so many MeV: the inverse of `delta_m_w_from_delta_rho`.

    >>> round(1e3 * delta_rho_from_delta_m_w(76.0), 3)
    1.347
    """
    return delta_m_w_mev / _mev_per_delta_rho(at)


def m_w_gradient_stu(*, at: Oblique = REFERENCE) -> Array:
    """∂m_W/∂(S, T, U) in MeV, shape [3].

    From ΔM_W² = α c² M_Z²/(c² − s²) [−S/2 + c² T + (c² − s²)/(4 s²) U].
    """
    c2 = 1 - at.s2
    scale = 1e3 * at.alpha * c2 * at.m_z**2 / (c2 - at.s2) / (2 * at.m_w)
    return scale * np.array([-0.5, c2, (c2 - at.s2) / (4 * at.s2)])


def sin2theta_gradient_stu(*, at: Oblique = REFERENCE) -> Array:
    """∂sin²θ_eff/∂(S, T, U), shape [3]: α/(c² − s²) [1/4, −s² c², 0]."""
    c2 = 1 - at.s2
    return at.alpha / (c2 - at.s2) * np.array([0.25, -at.s2 * c2, 0.0])


def delta_m_w_from_stu(s: Real = 0.0, t: Real = 0.0, u: Real = 0.0, *, at: Oblique = REFERENCE) -> Real:
    """Shift of m_W in MeV, to first order in S, T, U."""
    d_s, d_t, d_u = (float(slope) for slope in m_w_gradient_stu(at=at))
    return d_s * s + d_t * t + d_u * u


def delta_sin2theta_from_stu(s: Real = 0.0, t: Real = 0.0, *, at: Oblique = REFERENCE) -> Real:
    """Shift of the effective leptonic mixing angle, to first order; U does not enter."""
    d_s, d_t, _ = (float(slope) for slope in sin2theta_gradient_stu(at=at))
    return d_s * s + d_t * t


def s_from_delta_m_w(delta_m_w_mev: Real, *, at: Oblique = REFERENCE) -> Real:
    """S that alone shifts m_W by so many MeV (negative for a heavier W)."""
    return delta_m_w_mev / float(m_w_gradient_stu(at=at)[0])


def t_from_delta_m_w(delta_m_w_mev: Real, *, at: Oblique = REFERENCE) -> Real:
    """T that alone shifts m_W by so many MeV.

    >>> round(t_from_delta_m_w(76.0), 3)
    0.171
    """
    return delta_m_w_mev / float(m_w_gradient_stu(at=at)[1])


def u_from_delta_m_w(delta_m_w_mev: Real, *, at: Oblique = REFERENCE) -> Real:
    """U that alone shifts m_W by so many MeV."""
    return delta_m_w_mev / float(m_w_gradient_stu(at=at)[2])


def t_from_delta_rho(delta_rho: Real, *, at: Oblique = REFERENCE) -> Real:
    """T = Δρ/α(M_Z)."""
    return delta_rho / at.alpha


def delta_rho_from_t(t: Real, *, at: Oblique = REFERENCE) -> Real:
    """Δρ = α(M_Z) T."""
    return at.alpha * t


def delta_sin2theta_from_delta_rho(delta_rho: Real, *, at: Oblique = REFERENCE) -> Real:
    """Shift of sin²θ_eff from Δρ alone: −s² c²/(c² − s²) Δρ."""
    return float(sin2theta_gradient_stu(at=at)[1]) * t_from_delta_rho(delta_rho, at=at)
