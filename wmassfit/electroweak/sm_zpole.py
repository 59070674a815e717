"""Standard Model Z-pole observables and effective mixing angles: complete two-loop parametrisations.

I. Dubovyk, A. Freitas, J. Gluza, T. Riemann, J. Usovitsch, arXiv:1906.08815v2, tables of the fit formulas.
"""

from __future__ import annotations

import numpy as np

from wmassfit.electroweak.constants import Real
from wmassfit.electroweak.inputs import PDG_2024, SMInputs
from wmassfit.electroweak.m_w import DELTA_ALPHA_LEPTONS
from wmassfit.errors import PhysicsError

__all__ = ["ANGLES", "OBSERVABLES", "UNITS", "sin2theta_eff", "sm_sin2theta_eff", "sm_z_pole", "z_pole_parametrisation"]

# X0, a1 … a16. Ratios R in units of 1e-3, as published.
OBSERVABLES: dict[str, tuple[float, ...]] = {
    "Gamma_e_MeV": (
        *(83.983, -0.1202, -0.06919, 0.00383, 0.0597, 0.8037, -0.015, -0.0195, 0.0032),
        *(-0.0956, -0.0078, -0.0095, 0.25, -1.08, 0.056, -0.37, 286.0),
    ),
    "Gamma_Z_MeV": (
        *(2494.75, -4.055, -2.117, 0.122, 1.746, 19.68, -1.63, -0.432, 0.12),
        *(58.61, -4.0, -0.32, 8.1, -56.1, 1.1, -6.8, 9267.0),
    ),
    "R_l": (
        *(20751.6, -8.112, -1.174, 0.155, 0.16, -37.59, -10.9, 1.27, 0.29),
        *(732.3, -44.0, -0.61, 5.7, -358.0, -4.7, 37.0, 11649.0),
    ),
    "R_c": (
        *(172.222, -0.04049, -0.00749, 0.000832, 0.0108, 0.98956, -0.151, -0.00761, 0.0008),
        *(2.309, 1.25, 0.00045, 0.369, -1.2, 0.012, -0.062, 36.67),
    ),
    "R_b": (
        *(215.85, 0.04904, 0.009149, -0.000535, -0.02676, -2.9221, 0.2, 0.0197, -0.0011),
        *(-1.319, -0.84, -0.0027, 0.044, 0.719, -0.0077, -0.044, -17.9),
    ),
    "sigma_had_pb": (
        *(41489.6, 0.408, -0.32, 0.0424, 1.32, 60.17, 16.3, -2.31, -0.19),
        *(-579.58, 38.0, 0.01, 7.5, 85.2, 9.1, -68.0, -85957.0),
    ),
}
UNITS = {
    "Gamma_e_MeV": 1.0,
    "Gamma_Z_MeV": 1.0,
    "R_l": 1e-3,
    "R_c": 1e-3,
    "R_b": 1e-3,
    "sigma_had_pb": 1.0,
}

# s0, d1 … d10 in units of 1e-4, by fermion.
ANGLES: dict[str, tuple[float, ...]] = {
    "lepton": (2314.64, 4.616, 0.539, -0.0737, 206.0, -25.71, 4.0, 0.288, 3.88, -6.49, -6560.0),
    "b": (2327.04, 4.638, 0.558, -0.07, 207.0, -9.554, 3.83, 0.179, 2.41, -8.24, -6630.0),
}


def _logarithms(m_h: Real, m_t: Real, alpha_s: Real, delta_alpha_had: Real, m_z: Real) -> tuple[Real, ...]:
    return (
        np.log(m_h / 125.7),
        m_h / 125.7 - 1,
        (m_t / 173.2) ** 2 - 1,
        alpha_s / 0.1184 - 1,
        (DELTA_ALPHA_LEPTONS + delta_alpha_had) / 0.059 - 1,
        m_z / 91.1876 - 1,
    )


def z_pole_parametrisation(name: str, *, m_z: Real, m_h: Real, m_t: Real, alpha_s: Real, delta_alpha_had: Real) -> Real:
    """One of `OBSERVABLES` (widths in MeV, σ_had in pb, ratios as such); arguments broadcast, masses in GeV.

    X = X₀ + a₁L + a₂L² + a₃L⁴ + a₄d_H + a₅d_t + a₆d_t² + a₇d_tL + a₈d_tL² + a₉d_s + a₁₀d_s² + a₁₁d_sd_H + a₁₂d_sd_t
    + a₁₃d_A + a₁₄d_Ad_H + a₁₅d_Ad_t + a₁₆d_Z: arXiv:1906.08815v2, L = ln(m_H/125.7) and d_i relative deviations.

    Raises `PhysicsError` for an unknown observable.
    """
    if name not in OBSERVABLES:
        raise PhysicsError(f"no Z-pole parametrisation of {name!r}: choose among {', '.join(OBSERVABLES)}")
    log, d_h, d_t, d_s, d_a, d_z = _logarithms(m_h, m_t, alpha_s, delta_alpha_had, m_z)
    terms = (
        *(1.0, log, log**2, log**4, d_h, d_t, d_t**2, d_t * log, d_t * log**2),
        *(d_s, d_s**2, d_s * d_h, d_s * d_t, d_a, d_a * d_h, d_a * d_t, d_z),
    )
    return UNITS[name] * sum(a * term for a, term in zip(OBSERVABLES[name], terms, strict=True))


def sin2theta_eff(
    fermion: str = "lepton", *, m_z: Real, m_h: Real, m_t: Real, alpha_s: Real, delta_alpha_had: Real
) -> Real:
    """Effective mixing angle sin²θ_eff of "lepton" or "b"; arguments broadcast, masses in GeV.

    s = s₀ + d₁L + d₂L² + d₃L⁴ + d₄d_A + d₅d_t + d₆d_t² + d₇d_tL + d₈d_s + d₉d_sd_t + d₁₀d_Z: arXiv:1906.08815v2.
    Raises `PhysicsError` for another fermion.
    """
    if fermion not in ANGLES:
        raise PhysicsError(f"no effective mixing angle of {fermion!r}: choose among {', '.join(ANGLES)}")
    log, _, d_t, d_s, d_a, d_z = _logarithms(m_h, m_t, alpha_s, delta_alpha_had, m_z)
    terms = (1.0, log, log**2, log**4, d_a, d_t, d_t**2, d_t * log, d_s, d_s * d_t, d_z)
    return 1e-4 * sum(d * term for d, term in zip(ANGLES[fermion], terms, strict=True))


def sm_z_pole(inputs: SMInputs = PDG_2024) -> dict[str, float]:
    """All parametrised Z-pole observables and both effective angles for one set of inputs."""
    values = {name: float(z_pole_parametrisation(name, **inputs.values())) for name in OBSERVABLES}
    return values | {f"sin2theta_eff_{fermion}": float(sin2theta_eff(fermion, **inputs.values())) for fermion in ANGLES}


def sm_sin2theta_eff(inputs: SMInputs = PDG_2024) -> float:
    """Leptonic effective mixing angle of the Standard Model.

    >>> round(sm_sin2theta_eff(), 5)
    0.23154
    """
    return float(sin2theta_eff("lepton", **inputs.values()))
