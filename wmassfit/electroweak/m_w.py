"""The W mass in the Standard Model: on-shell relation, two-loop parametrisation, uncertainties."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from wmassfit.electroweak.constants import ALPHA_0, FERMI, M_TOP, M_W_REFERENCE, M_Z_LEP, Real
from wmassfit.electroweak.inputs import PDG_2024, SMInputs
from wmassfit.errors import PhysicsError

__all__ = [
    "DELTA_ALPHA_LEPTONS",
    "PUBLISHED",
    "SMPrediction",
    "Uncertainty",
    "delta_r_from_m_w",
    "delta_r_higgs",
    "delta_r_top",
    "m_w_from_delta_r",
    "m_w_two_loop",
    "published",
    "sm_m_w_mev",
    "sm_m_w_uncertainty",
    "sm_prediction",
]

Range = Literal["10-1000", "100-1000"]

DELTA_ALPHA_LEPTONS = 0.0314977
"""Leptonic part of Δα(M_Z) at three loops, hep-ph/9803313."""

MISSING_ORDERS_MEV = 4.0
"""Estimate of the unknown higher orders in the two-loop m_W, hep-ph/0311148."""

# c0 … c11 by range of m_H in GeV: hep-ph/0311148 version 2. The journal's version 1 lies 2 MeV higher.
COEFFICIENTS: dict[str, tuple[float, ...]] = {
    "10-1000": (80.3779, 0.05427, 0.008931, 8.82e-5, 1.61e-4, 1.070, 0.5237, 0.0679, 0.00179, 6.64e-5, 0.0795, 114.9),
    "100-1000": (80.3779, 0.05263, 0.010239, 9.54e-4, -5.4e-5, 1.077, 0.5252, 0.0700, 0.004102, 1.11e-4, 0.0774, 115.0),
}
PARAMETRISATION_ERROR_MEV = {"10-1000": 0.5, "100-1000": 0.25}


def m_w_two_loop(
    *,
    m_z: Real,
    m_h: Real,
    m_t: Real,
    alpha_s: Real,
    delta_alpha_had: Real,
    higgs_range: Range = "10-1000",
) -> Real:
    """W mass in GeV with the complete two-loop corrections (arguments broadcast; masses in GeV).

    m_W = c₀ − c₁ dH − c₂ dH² + c₃ dH⁴ + c₄ (dh−1) − c₅ dα + c₆ dt − c₇ dt² − c₈ dH dt + c₉ dh dt − c₁₀ dα_s + c₁₁ dZ
    with dH = ln(m_H/100), dh = (m_H/100)², dt = (m_t/174.3)² − 1, dZ = m_Z/91.1875 − 1, dα = Δα/0.05907 − 1 and
    dα_s = α_s/0.119 − 1: Awramik, Czakon, Freitas, Weiglein, hep-ph/0311148v2, eqs. (6)–(9). The parametrisation
    follows the full result within 0.5 MeV ("10-1000") or 0.25 MeV ("100-1000"), the Higgs mass range in GeV.

    Raises `PhysicsError` for an unknown range and for a Higgs mass outside it.
    """
    if higgs_range not in COEFFICIENTS:
        raise PhysicsError(f"no two-loop coefficients for m_H range {higgs_range!r}: choose among {list(COEFFICIENTS)}")
    low, high = (float(edge) for edge in higgs_range.split("-"))
    higgs = np.asarray(m_h, dtype=float)
    if not np.all((higgs >= low) & (higgs <= high)):
        raise PhysicsError(
            f"m_H = {higgs.min():g} … {higgs.max():g} GeV leaves the range {low:g}–{high:g} GeV of the two-loop "
            "parametrisation of m_W"
        )
    c = COEFFICIENTS[higgs_range]
    d_log, d_higgs = np.log(higgs / 100), (higgs / 100) ** 2
    d_top, d_z = (m_t / 174.3) ** 2 - 1, m_z / 91.1875 - 1
    d_alpha, d_strong = (DELTA_ALPHA_LEPTONS + delta_alpha_had) / 0.05907 - 1, alpha_s / 0.119 - 1
    m_w: Real = (
        c[0]
        - c[1] * d_log
        - c[2] * d_log**2
        + c[3] * d_log**4
        + c[4] * (d_higgs - 1)
        - c[5] * d_alpha
        + c[6] * d_top
        - c[7] * d_top**2
        - c[8] * d_log * d_top
        + c[9] * d_higgs * d_top
        - c[10] * d_strong
        + c[11] * d_z
    )
    return m_w


def sm_m_w_mev(inputs: SMInputs = PDG_2024, *, higgs_range: Range = "10-1000") -> float:
    """W mass in MeV that the Standard Model predicts for these inputs (see `m_w_two_loop`).

    >>> round(sm_m_w_mev(), 1)
    80354.3
    """
    return 1e3 * float(m_w_two_loop(**inputs.values(), higgs_range=higgs_range))


@dataclass(frozen=True)
class Uncertainty:
    """Uncertainty of a prediction by source, in the prediction's unit."""

    parametric: dict[str, float]
    theory: float

    @property
    def total(self) -> float:
        """All sources in quadrature."""
        return math.hypot(self.theory, *self.parametric.values())


def sm_m_w_uncertainty(inputs: SMInputs = PDG_2024, *, theory_mev: float = MISSING_ORDERS_MEV) -> Uncertainty:
    """Uncertainty of `sm_m_w_mev` in MeV: from each input one σ up and down, and missing orders."""
    parametric = {}
    for name, entry in inputs.items():
        up, down = (
            sm_m_w_mev(inputs.with_values(**{name: entry.value + sign * entry.uncertainty})) for sign in (1, -1)
        )
        parametric[name] = abs(up - down) / 2
    return Uncertainty(parametric=parametric, theory=theory_mev)


@dataclass(frozen=True)
class SMPrediction:
    """A Standard Model value of m_W in MeV to compare with."""

    m_w_mev: float
    uncertainty: float
    source: str


def sm_prediction(inputs: SMInputs = PDG_2024) -> SMPrediction:
    """The two-loop m_W of these inputs with its parametric and theory uncertainty."""
    return SMPrediction(
        m_w_mev=sm_m_w_mev(inputs),
        uncertainty=sm_m_w_uncertainty(inputs).total,
        source="two-loop parametrisation hep-ph/0311148v2",
    )


PUBLISHED = {
    "CMS": SMPrediction(80353.0, 6.0, "CMS, arXiv:2412.13872, after PDG 2024"),
    "CDF": SMPrediction(80357.0, 6.0, "CDF, Science 376 (2022) 170"),
    "ACFW": SMPrediction(80361.0, 6.0, "electroweak fit of the LHC Run 1 inputs with hep-ph/0311148"),
}
"""Standard Model values of m_W that the measurements were published against."""


def published(name: str) -> SMPrediction:
    """One of `PUBLISHED`. Raises `PhysicsError` for an unknown name."""
    if name not in PUBLISHED:
        raise PhysicsError(f"no published Standard Model value named {name!r}: choose among {', '.join(PUBLISHED)}")
    return PUBLISHED[name]


def m_w_from_delta_r(delta_r: Real, *, m_z: Real = M_Z_LEP, alpha: float = ALPHA_0) -> Real:
    """W mass in GeV from the on-shell relation m_W² = (m_Z²/2)[1 + √(1 − 4πα(1+Δr)/(√2 G_F m_Z²))].

    With the running already in Δr: A. Sirlin, Phys. Rev. D 22 (1980) 971. Δr = 0 gives the tree level, 80.94 GeV.
    Raises `PhysicsError` where the root is imaginary (Δr above some 0.5).
    """
    strength = 4 * math.pi * alpha / (math.sqrt(2) * FERMI * m_z**2)
    root = 1 - strength * (1 + np.asarray(delta_r, dtype=float))
    if np.any(~(root >= 0)):
        raise PhysicsError(
            f"Δr = {np.max(delta_r):g} leaves no real W mass: the on-shell relation needs "
            f"4πα(1+Δr) ≤ √2 G_F m_Z² (Δr ≤ {float(np.min(1 / strength)) - 1:.3f})"
        )
    m_w: Real = m_z * np.sqrt((1 + np.sqrt(root)) / 2)
    return m_w


def delta_r_from_m_w(m_w: Real, *, m_z: Real = M_Z_LEP, alpha: float = ALPHA_0) -> Real:
    """Δr that the on-shell relation needs for a W mass in GeV: the inverse of `m_w_from_delta_r`.

    1 + Δr = √2 G_F m_W² (1 − m_W²/m_Z²)/(πα).
    """
    delta_r: Real = math.sqrt(2) * FERMI * m_w**2 * (1 - (m_w / m_z) ** 2) / (math.pi * alpha) - 1
    return delta_r


def delta_r_top(m_t: Real = M_TOP, *, m_w: Real = M_W_REFERENCE, m_z: Real = M_Z_LEP) -> Real:
    """Leading top term of Δr at one loop, −3 G_F m_t²/(8√2 π² tan²θ_W) with the on-shell angle."""
    tan2 = (m_z / m_w) ** 2 - 1
    term: Real = -3 * FERMI * m_t**2 / (8 * math.sqrt(2) * math.pi**2 * tan2)
    return term


def delta_r_higgs(m_h: Real, *, m_w: Real = M_W_REFERENCE) -> Real:
    """Leading Higgs logarithm of Δr at one loop, 11 G_F m_W²/(24√2 π²) ln(m_H²/m_W²)."""
    term: Real = 11 * FERMI * m_w**2 / (24 * math.sqrt(2) * math.pi**2) * np.log((m_h / m_w) ** 2)
    return term
